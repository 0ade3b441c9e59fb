/*
 * dataplane/mss, icmp and fragment: what is done to inner packets, whatever they hold. The first
 * octets choose sizes; the rest is the packet.
 */
#include "dataplane/fragment.h"
#include "dataplane/icmp.h"
#include "dataplane/ipv6.h"
#include "dataplane/mss.h"

#include "fuzz/fuzz.h"

#include <errno.h>

/* One's complement sum of a header: 0 if its checksum is right. */
static uint16_t sum(const uint8_t *data, size_t len)
{
	struct wire_reader r = wire_reader(data, len);
	uint32_t total = 0;

	while (wire_left(&r) > 1)
		total += wire_u16(&r);
	if (wire_left(&r))
		total += (uint32_t)wire_u8(&r) << 8;
	while (total >> 16)
		total = (total & 0xffff) + (total >> 16);
	return (uint16_t)~total;
}

static void clamp(const uint8_t *packet, size_t len, uint16_t largest)
{
	uint8_t *copy = fuzz_copy(packet, len), *once;
	bool changed = mss_clamp(copy, len, largest);

	FUZZ_CHECK(changed || !memcmp(copy, packet, len));
	/* TCP's checksum is as right or wrong as it was; 0 and ffff are the same number. */
	FUZZ_CHECK(sum(copy, len) % 0xffff == sum(packet, len) % 0xffff);
	once = fuzz_copy(copy, len);
	/* It is low enough now, and stays so. */
	FUZZ_CHECK(!mss_clamp(copy, len, largest) && !memcmp(once, copy, len));
	free(once);
	free(copy);
}

static void report(const uint8_t *packet, size_t len, uint16_t mtu)
{
	uint8_t *copy = fuzz_copy(packet, len), *out = malloc(ICMP_ERROR_MAX);
	uint8_t again[ICMP_ERROR_MAX];
	size_t n;

	FUZZ_CHECK(out);
	n = icmp_too_big(copy, len, mtu, out, ICMP_ERROR_MAX);
	FUZZ_CHECK(n <= ICMP_ERROR_MAX);
	if (n) {
		FUZZ_CHECK(n >= 20 + 8 + 20);
		FUZZ_CHECK(out[0] == 0x45 && (size_t)(out[2] << 8 | out[3]) == n && out[9] == 1);
		FUZZ_CHECK(!sum(out, 20) && !sum(out + 20, n - 20));
		/* From where the packet went to, to where it came from. */
		FUZZ_CHECK(!memcmp(out + 12, packet + 16, 4) && !memcmp(out + 16, packet + 12, 4));
		FUZZ_CHECK((out[26] << 8 | out[27]) == mtu);
		/* No error is ever answered by an error. */
		FUZZ_CHECK(!icmp_too_big(out, n, mtu, again, sizeof(again)));
	}
	free(out);
	free(copy);
}

static void report6(const uint8_t *packet, size_t len, uint16_t mtu)
{
	uint8_t *copy = fuzz_copy(packet, len), *out = malloc(IPV6_MTU_MIN);
	uint8_t again[IPV6_MTU_MIN];
	struct ipv6 ip;
	size_t n;

	FUZZ_CHECK(out);
	FUZZ_CHECK(!ipv6_decode(&ip, copy, len) || (ip.total >= 40 && ip.total <= len));
	n = ipv6_too_big(copy, len, mtu, out, IPV6_MTU_MIN);
	FUZZ_CHECK(n <= IPV6_MTU_MIN);
	if (n) {
		FUZZ_CHECK(n >= 40 + 8 + 40 && ipv6_decode(&ip, out, n) && ip.total == n);
		FUZZ_CHECK(ip.icmp && ip.icmp_type == 2 && !ip.unclear);
		FUZZ_CHECK(!memcmp(out + 8, packet + 24, 16) && !memcmp(out + 24, packet + 8, 16));
		FUZZ_CHECK(!ipv6_too_big(out, n, mtu, again, sizeof(again)));
	}
	free(out);
	free(copy);
}

static void cut(const uint8_t *packet, size_t len, size_t largest)
{
	uint8_t *copy = fuzz_copy(packet, len), *out = malloc(largest ? largest : 1);
	struct fragmenter f;
	size_t n, total = 0, header, offset = (size_t)-1;
	int rc = fragment_start(&f, copy, len, largest);

	FUZZ_CHECK(out && (rc == 0 || rc == -EINVAL || rc == -EMSGSIZE));
	while (rc == 0 && (n = fragment_next(&f, out, largest))) {
		size_t place = (size_t)((out[6] & 0x1f) << 8 | out[7]) * 8;

		header = (size_t)(out[0] & 15) * 4;
		FUZZ_CHECK(n <= largest && n > header && header >= 20);
		FUZZ_CHECK((size_t)(out[2] << 8 | out[3]) == n && !sum(out, header));
		FUZZ_CHECK(offset == (size_t)-1 || place == offset);
		FUZZ_CHECK(!memcmp(out + header, copy + (copy[0] & 15) * 4 + total, n - header));
		offset = place + n - header;
		total += n - header;
		FUZZ_CHECK(offset <= 65535);
	}
	if (rc == 0)
		FUZZ_CHECK(total + (size_t)(copy[0] & 15) * 4 == (size_t)(copy[2] << 8 | copy[3]));
	free(out);
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz f = fuzz_begin(data, size);
	uint16_t largest = (uint16_t)(fuzz_u8(&f) * 8);
	size_t len;
	uint8_t *packet = fuzz_rest(&f, &len);

	clamp(packet, len, largest);
	report(packet, len, largest);
	report6(packet, len, largest);
	cut(packet, len, largest);
	free(packet);
	return 0;
}
