/*
 * TCP's maximum segment size: see mss.h. RFC 791, RFC 8200 section 4 (extension headers), RFC 9293
 * section 3.1 and 3.2.
 *
 * Invariants: an MSS is never raised; nothing but the two octets of an option and the two of the
 * checksum is ever written; a loop over headers or options takes at least one octet each time.
 */
#include "dataplane/mss.h"

#include "dataplane/ipv4.h"
#include "dataplane/ipv6.h"
#include "dataplane/tcp.h"
#include "lib/wire.h"

enum tcp_option { OPTION_END = 0, OPTION_NONE = 1, OPTION_MSS = 2 };

#define OPTION_MSS_SIZE 4

/*
 * RFC 1624 equation 3 for a 16-bit field that changes from `from` to `to`. If the field begins at an
 * odd offset its octets are in the sum the other way round.
 */
static void update_checksum(uint8_t *checksum, uint16_t from, uint16_t to, bool odd)
{
	uint32_t sum = (uint16_t) ~((unsigned int)checksum[0] << 8 | checksum[1]);

	if (odd) {
		from = (uint16_t)(from << 8 | from >> 8);
		to = (uint16_t)(to << 8 | to >> 8);
	}
	sum += (uint16_t)~from;
	sum += to;
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	checksum[0] = (uint8_t)(~sum >> 8);
	checksum[1] = (uint8_t)~sum;
}

/* `tcp` has a whole header without options. */
static bool clamp_option(uint8_t *tcp, size_t offset, uint16_t mss)
{
	uint8_t *value = tcp + offset;
	uint16_t had = (uint16_t)((unsigned int)value[0] << 8 | value[1]);

	if (had <= mss)
		return false;
	value[0] = (uint8_t)(mss >> 8);
	value[1] = (uint8_t)mss;
	update_checksum(tcp + 16, had, mss, offset % 2);
	return true;
}

/* A TCP header, `len` octets of it and what follows. */
static bool clamp_tcp(uint8_t *tcp, size_t len, uint16_t mss)
{
	struct wire_reader r = wire_reader(tcp, len), options;
	bool clamped = false;
	size_t size;
	uint8_t flags;

	wire_skip(&r, 12);
	size = (wire_u8(&r) >> 4) * 4u;
	flags = wire_u8(&r);
	wire_skip(&r, 6);
	if (r.failed || size < TCP_HEADER || !(flags & TCP_SYN))
		return false;
	/* What is missing of the header is in another fragment. */
	size -= TCP_HEADER;
	options = wire_sub(&r, size < wire_left(&r) ? size : wire_left(&r));
	while (wire_left(&options)) {
		uint8_t kind = wire_u8(&options);
		uint8_t option_size;

		if (kind == OPTION_END)
			break;
		if (kind == OPTION_NONE)
			continue;
		option_size = wire_u8(&options);
		if (options.failed || option_size < 2)
			break;
		wire_skip(&options, option_size - 2u);
		if (options.failed)
			break;
		if (kind == OPTION_MSS && option_size == OPTION_MSS_SIZE)
			clamped |= clamp_option(tcp, (size_t)(options.pos - tcp) - 2, mss);
	}
	return clamped;
}

/* Where the TCP header of an IPv4 packet begins; 0: there is none. `len` is cut to the packet. */
static size_t find_ipv4(const uint8_t *packet, size_t *len)
{
	struct ipv4 ip;

	if (!ipv4_decode(&ip, packet, *len) || ip.fragment & IPV4_PLACE ||
		ip.protocol != PROTOCOL_TCP)
		return 0;
	*len = ip.total;
	return ip.header;
}

/* The same for IPv6; not where an Authentication Header vouches for every octet. */
static size_t find_ipv6(const uint8_t *packet, size_t *len)
{
	struct ipv6 ip;

	if (!ipv6_decode(&ip, packet, *len) || ip.authenticated || ip.protocol != PROTOCOL_TCP)
		return 0;
	*len = ip.total;
	return ip.upper;
}

bool mss_clamp(uint8_t *packet, size_t len, uint16_t largest)
{
	bool ipv6 = len && packet[0] >> 4 == 6;
	unsigned int headers = (ipv6 ? IPV6_HEADER : IPV4_HEADER) + TCP_HEADER;
	size_t at = 0;

	if (!len || largest <= headers)
		return false;
	if (ipv6)
		at = find_ipv6(packet, &len);
	else if (packet[0] >> 4 == 4)
		at = find_ipv4(packet, &len);
	return at && clamp_tcp(packet + at, len - at, (uint16_t)(largest - headers));
}
