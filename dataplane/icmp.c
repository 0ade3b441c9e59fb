/*
 * ICMP's "fragmentation needed": see icmp.h. RFC 791, 792, 1191 section 4, 1812 sections 4.3.2.3
 * (size), 4.3.2.5 (precedence), 4.3.2.7 (when not), 6864 (no identification where there are no
 * fragments).
 */
#include "dataplane/icmp.h"

#include "dataplane/ipv4.h"
#include "lib/checksum.h"
#include "lib/wire.h"

#define ICMP_HEADER   8u
#define ICMP_PROTOCOL 1
#define TOS_CONTROL   0xc0 /* internetwork control */
#define TIME_TO_LIVE  64
#define UNREACHABLE   3
#define TOO_BIG       4
#define QUOTED_MIN    8 /* RFC 792: octets of the payload */

/* Requests and answers; all other types are errors, or unknown and so not to be answered. */
static bool is_query(uint8_t type)
{
	return type == 0 || (type >= 8 && type <= 10) || (type >= 13 && type <= 18) || type == 42 ||
	       type == 43;
}

/* Not 0/8, 127/8, 224/4 (multicast), 240/4 (the broadcast address with it). */
static bool is_host(uint32_t address)
{
	uint8_t first = (uint8_t)(address >> 24);

	return first != 0 && first != 127 && first < 224;
}

/* May an error be sent for it? `ip` is what it says of itself then. */
static bool read_original(struct ipv4 *ip, const uint8_t *packet, size_t len)
{
	struct wire_reader r;
	uint8_t type;

	if (!ipv4_decode(ip, packet, len) || !(ip->fragment & IPV4_DONT_FRAGMENT) ||
		ip->fragment & IPV4_PLACE || !is_host(ip->source) || !is_host(ip->destination))
		return false;
	if (ip->protocol != ICMP_PROTOCOL)
		return true;
	r = wire_reader(packet + ip->header, ip->total - ip->header);
	type = wire_u8(&r);
	return !r.failed && is_query(type);
}

size_t icmp_too_big(const uint8_t *packet, size_t len, uint16_t mtu, uint8_t *out, size_t size)
{
	struct wire_writer w = wire_writer(out, size);
	struct ipv4 o;
	size_t room = size < ICMP_ERROR_MAX ? size : ICMP_ERROR_MAX, quoted, total;

	if (!read_original(&o, packet, len))
		return 0;
	if (room < IPV4_HEADER + ICMP_HEADER)
		return 0;
	room -= IPV4_HEADER + ICMP_HEADER;
	quoted = o.total < room ? o.total : room;
	if (quoted < o.total && quoted < o.header + QUOTED_MIN)
		return 0;
	total = IPV4_HEADER + ICMP_HEADER + quoted;
	wire_put_u8(&w, 0x45);
	wire_put_u8(&w, TOS_CONTROL);
	wire_put_u16(&w, (uint16_t)total);
	wire_put_u16(&w, 0);
	wire_put_u16(&w, IPV4_DONT_FRAGMENT);
	wire_put_u8(&w, TIME_TO_LIVE);
	wire_put_u8(&w, ICMP_PROTOCOL);
	wire_put_u16(&w, 0);
	wire_put_u32(&w, o.destination);
	wire_put_u32(&w, o.source);
	wire_put_u8(&w, UNREACHABLE);
	wire_put_u8(&w, TOO_BIG);
	wire_put_u32(&w, 0); /* checksum, unused */
	wire_put_u16(&w, mtu);
	wire_put_bytes(&w, packet, quoted);
	if (w.failed)
		return 0;
	wire_patch_u16(&w, IPV4_AT_CHECKSUM, checksum_of(out, IPV4_HEADER));
	wire_patch_u16(&w, IPV4_HEADER + 2, checksum_of(out + IPV4_HEADER, total - IPV4_HEADER));
	return total;
}

bool icmp_may_send(struct icmp_limit *limit, uint64_t now)
{
	if (limit->paid_until < now)
		limit->paid_until = now;
	if (limit->paid_until - now > (ICMP_BURST - 1) * (uint64_t)ICMP_INTERVAL)
		return false;
	limit->paid_until += ICMP_INTERVAL;
	return true;
}
