/* IPv6 headers and Packet Too Big: see ipv6.h. */
#include "dataplane/ipv6.h"

#include "lib/checksum.h"
#include "lib/wire.h"

#include <string.h>

/* More extension headers than any sane packet has. */
#define EXTENSIONS_MAX 8

#define ICMP_HEADER 8
#define ERROR_MIN   (IPV6_HEADER + ICMP_HEADER + IPV6_HEADER + 8) /* tells which packet it was */
#define HOP_LIMIT   64
#define TOO_BIG     2
#define REDIRECT    137

enum next_header {
	HOP_BY_HOP = 0,
	ROUTING = 43,
	FRAGMENT = 44,
	ICMPV6 = 58,
	DESTINATION = 60,
	AUTHENTICATION = 51,
};

static bool is_extension(uint8_t kind)
{
	return kind == HOP_BY_HOP || kind == ROUTING || kind == FRAGMENT || kind == DESTINATION ||
	       kind == AUTHENTICATION;
}

/* Goes past one extension header; false if it is a fragment's, and not the first one's. */
static bool skip_extension(struct ipv6 *ip, struct wire_reader *r, uint8_t kind, uint8_t *next)
{
	uint16_t place;
	uint8_t size;

	*next = wire_u8(r);
	size = wire_u8(r);
	if (kind == AUTHENTICATION) {
		ip->authenticated = true;
		wire_skip(r, size * 4u + 6);
	} else if (kind == FRAGMENT) {
		place = wire_u16(r);
		wire_skip(r, 4);
		ip->fragment = true;
		return place >> 3 == 0;
	} else {
		ip->routed |= kind == ROUTING;
		wire_skip(r, size * 8u + 6);
	}
	return true;
}

/* Walks to the upper layer's header. */
static void find_upper(struct ipv6 *ip, const uint8_t *packet, struct wire_reader *r, uint8_t next)
{
	for (unsigned int i = 0; i < EXTENSIONS_MAX && is_extension(next) && !r->failed; i++) {
		if (!skip_extension(ip, r, next, &next))
			return; /* nothing to be seen */
	}
	ip->unclear = r->failed || is_extension(next);
	if (ip->unclear)
		return;
	ip->upper = (size_t)(r->pos - packet);
	ip->protocol = next;
	if (next == ICMPV6) {
		ip->icmp = true;
		ip->icmp_type = wire_u8(r);
		ip->unclear = r->failed;
	}
}

bool ipv6_decode(struct ipv6 *ip, const uint8_t *data, size_t len)
{
	struct wire_reader r = wire_reader(data, len);
	uint8_t version = wire_u8(&r) >> 4, next;
	uint16_t payload;

	memset(ip, 0, sizeof(*ip));
	wire_skip(&r, 3);
	payload = wire_u16(&r);
	next = wire_u8(&r);
	ip->hop_limit = wire_u8(&r);
	ip->source = wire_bytes(&r, IPV6_ADDRESS);
	ip->destination = wire_bytes(&r, IPV6_ADDRESS);
	if (r.failed || version != 6 || payload > wire_left(&r))
		return false;
	ip->total = (size_t)IPV6_HEADER + payload;
	r = wire_sub(&r, payload);
	find_upper(ip, data, &r, next);
	return true;
}

bool ipv6_is_nobody(const uint8_t address[IPV6_ADDRESS])
{
	static const uint8_t unspecified[IPV6_ADDRESS - 1];

	return !memcmp(address, unspecified, sizeof(unspecified)) && address[IPV6_ADDRESS - 1] <= 1;
}

size_t ipv6_too_big(const uint8_t *packet, size_t len, uint32_t mtu, uint8_t *out, size_t size)
{
	struct wire_writer w = wire_writer(out, size);
	size_t quoted, most = size < IPV6_MTU_MIN ? size : IPV6_MTU_MIN;
	struct ipv6 ip;

	if (!ipv6_decode(&ip, packet, len) || ip.unclear || ipv6_is_multicast(ip.source) ||
		ipv6_is_nobody(ip.source) || ipv6_is_multicast(ip.destination) ||
		(ip.icmp && (ip.icmp_type < 128 || ip.icmp_type == REDIRECT)))
		return 0;
	if (most < ERROR_MIN)
		return 0;
	most -= IPV6_HEADER + ICMP_HEADER;
	quoted = ip.total < most ? ip.total : most;
	wire_put_u32(&w, 6u << 28);
	wire_put_u16(&w, (uint16_t)(ICMP_HEADER + quoted));
	wire_put_u8(&w, ICMPV6);
	wire_put_u8(&w, HOP_LIMIT);
	wire_put_bytes(&w, ip.destination, IPV6_ADDRESS);
	wire_put_bytes(&w, ip.source, IPV6_ADDRESS);
	wire_put_u8(&w, TOO_BIG);
	wire_put_u8(&w, 0);
	wire_put_u16(&w, 0);
	wire_put_u32(&w, mtu);
	wire_put_bytes(&w, packet, quoted);
	if (w.failed)
		return 0;
	wire_patch_u16(&w, IPV6_HEADER + 2,
		checksum_of_upper(out + 8, 2 * IPV6_ADDRESS, ICMPV6, out + IPV6_HEADER,
			ICMP_HEADER + quoted));
	return wire_written(&w);
}
