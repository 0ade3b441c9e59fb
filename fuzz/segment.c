/*
 * dataplane/segment: super-packets as a device might hand them over, whatever they hold. The first
 * octets choose sizes, then the header in front; the rest is the packet.
 */
#include "dataplane/segment.h"

#include "fuzz/fuzz.h"
#include "lib/checksum.h"

#include <errno.h>

#define ROOM 1920u

static size_t u16_at(const uint8_t *p)
{
	return (size_t)(p[0] << 8 | p[1]);
}

/* A segment says of itself what it is, and its checksums are right. */
static void check_segment(const struct segmenter *g, const uint8_t *out, size_t n)
{
	const uint8_t *addresses = out + (g->ipv6 ? 8 : 12);

	FUZZ_CHECK(n > g->headers && n <= ROOM && n - g->headers <= g->size);
	FUZZ_CHECK((g->ipv6 ? u16_at(out + 4) + 40 : u16_at(out + 2)) == n);
	FUZZ_CHECK(g->ipv6 || !checksum_of(out, g->ip));
	FUZZ_CHECK(!checksum_of_upper(
		addresses, g->ipv6 ? 32 : 8, g->tcp ? 6 : 17, out + g->ip, n - g->ip));
}

static void cut(const struct vnet *v, const uint8_t *packet, size_t len, size_t largest)
{
	uint8_t *copy = fuzz_copy(packet, len), *out = malloc(ROOM);
	struct segmenter g;
	size_t n, done = 0;
	int rc = segment_start(&g, v, copy, len, largest, ROOM);

	FUZZ_CHECK(out && (rc == 0 || rc == -EINVAL || rc == -EMSGSIZE));
	while (rc == 0 && (n = segment_next(&g, out))) {
		check_segment(&g, out, n);
		n -= g.headers;
		FUZZ_CHECK(!memcmp(out + g.headers, packet + g.headers + done, n));
		done += n;
	}
	FUZZ_CHECK(rc || done + g.headers == len);
	FUZZ_CHECK(!len || !memcmp(copy, packet, len));
	free(out);
	free(copy);
}

static void complete(const struct vnet *v, const uint8_t *packet, size_t len)
{
	uint8_t *copy = fuzz_copy(packet, len);
	size_t at = (size_t)v->start + v->offset;
	int rc = segment_complete(v, copy, len);

	FUZZ_CHECK(rc == 0 || rc == -EINVAL);
	for (size_t i = 0; i < len; i++)
		FUZZ_CHECK(copy[i] == packet[i] ||
			   (rc == 0 && v->partial && (i == at || i == at + 1)));
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz f = fuzz_begin(data, size);
	size_t largest = fuzz_u8(&f) * 8u, len;
	uint8_t raw[VNET_SIZE], back[VNET_SIZE], *packet;
	struct vnet v;

	wire_copy(&f.in, raw, sizeof(raw));
	vnet_decode(&v, raw);
	vnet_encode(&v, back);
	FUZZ_CHECK(!memcmp(raw + 2, back + 2, sizeof(raw) - 2));
	packet = fuzz_rest(&f, &len);
	cut(&v, packet, len, largest);
	complete(&v, packet, len);
	free(packet);
	return 0;
}
