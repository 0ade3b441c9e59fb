/*
 * Super-packets into packets: see segment.h. RFC 791, RFC 8200, RFC 9293 section 3.1 (urgent
 * pointer: 3.8.5), RFC 768, RFC 3168 section 6.1.2 (CWR), RFC 6864 (identification).
 *
 * Invariant: what was read of the headers at the start is what is written; no octet of the packet
 * is looked at twice but to be copied.
 */
#include "dataplane/segment.h"

#include "dataplane/ipv4.h"
#include "dataplane/ipv6.h"
#include "dataplane/tcp.h"
#include "lib/checksum.h"
#include "lib/wire.h"

#include <errno.h>

#define IPV6_AT_LENGTH    4
#define IPV6_AT_ADDRESSES 8

/* The IP header of a whole packet of exactly `len` octets with TCP or UDP in it. */
static bool read_ip(struct segmenter *g, const uint8_t *packet, size_t len, bool *dont_fragment)
{
	struct ipv4 ip4;
	struct ipv6 ip6;

	memset(g, 0, offsetof(struct segmenter, header));
	g->ipv6 = len && packet[0] >> 4 == 6;
	if (g->ipv6) {
		if (!ipv6_decode(&ip6, packet, len) || ip6.total != len || !ip6.upper ||
			ip6.fragment || ip6.authenticated || ip6.routed)
			return false;
		g->ip = ip6.upper;
		g->tcp = ip6.protocol == PROTOCOL_TCP;
		*dont_fragment = true;
		return g->tcp || ip6.protocol == PROTOCOL_UDP;
	}
	if (!ipv4_decode(&ip4, packet, len) || ip4.total != len || ipv4_is_fragment(&ip4))
		return false;
	g->ip = ip4.header;
	g->id = ip4.id;
	g->tcp = ip4.protocol == PROTOCOL_TCP;
	*dont_fragment = ip4.fragment & IPV4_DONT_FRAGMENT;
	return g->tcp || ip4.protocol == PROTOCOL_UDP;
}

/* TCP's or UDP's header; no segment but one of data can be one of several. */
static bool read_upper(struct segmenter *g, const uint8_t *packet, size_t len)
{
	struct wire_reader r = wire_reader(packet + g->ip, len - g->ip);
	size_t size = UDP_HEADER;

	if (g->tcp) {
		wire_skip(&r, TCP_AT_SEQUENCE);
		g->sequence = wire_u32(&r);
		wire_skip(&r, 4);
		size = (wire_u8(&r) >> 4) * 4u;
		g->flags = wire_u8(&r);
		wire_skip(&r, 4);
		g->urgent = wire_u16(&r);
		if (size < TCP_HEADER || g->flags & (TCP_SYN | TCP_RST))
			return false;
		size -= TCP_HEADER;
	}
	wire_skip(&r, size);
	g->headers = (size_t)(r.pos - packet);
	g->payload = r.pos;
	g->left = wire_left(&r);
	return !r.failed && g->left && g->headers <= SEGMENT_HEADER_MAX;
}

static bool is_what_it_says(const struct segmenter *g, const struct vnet *v)
{
	uint8_t kind = g->tcp ? (g->ipv6 ? VNET_TCP6 : VNET_TCP4) : VNET_UDP;

	return v->kind == kind && v->size && v->partial && v->start == g->ip &&
	       v->offset == (g->tcp ? TCP_AT_CHECKSUM : UDP_AT_CHECKSUM);
}

int segment_start(struct segmenter *g, const struct vnet *v, const uint8_t *packet, size_t len,
	size_t largest, size_t room)
{
	bool dont_fragment;

	if (!read_ip(g, packet, len, &dont_fragment) || !read_upper(g, packet, len) ||
		!is_what_it_says(g, v))
		return -EINVAL;
	g->size = v->size;
	if (g->tcp && dont_fragment && largest > g->headers && g->headers + g->size > largest)
		g->size = largest - g->headers;
	if (g->headers + (g->left < g->size ? g->left : g->size) > room)
		return -EMSGSIZE;
	memcpy(g->header, packet, g->headers);
	return 0;
}

static void put_u16(uint8_t *at, size_t v)
{
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
}

static void finish_ip(const struct segmenter *g, uint8_t *out, size_t len)
{
	if (g->ipv6) {
		put_u16(out + IPV6_AT_LENGTH, len - IPV6_HEADER);
		return;
	}
	put_u16(out + IPV4_AT_TOTAL, len);
	put_u16(out + IPV4_AT_ID, g->id);
	put_u16(out + IPV4_AT_CHECKSUM, 0);
	put_u16(out + IPV4_AT_CHECKSUM, checksum_of(out, g->ip));
}

static void finish_tcp(const struct segmenter *g, uint8_t *tcp, bool last)
{
	uint32_t sequence = g->sequence + (uint32_t)g->done;
	uint8_t flags = g->flags;

	if (!last)
		flags &= (uint8_t) ~(TCP_FIN | TCP_PSH);
	if (g->done)
		flags &= (uint8_t)~TCP_CWR;
	if (flags & TCP_URG && g->done) {
		if (g->urgent > g->done) {
			put_u16(tcp + TCP_AT_URGENT, g->urgent - g->done);
		} else {
			flags &= (uint8_t)~TCP_URG;
			put_u16(tcp + TCP_AT_URGENT, 0);
		}
	}
	put_u16(tcp + TCP_AT_SEQUENCE, sequence >> 16);
	put_u16(tcp + TCP_AT_SEQUENCE + 2, sequence);
	tcp[TCP_AT_FLAGS] = flags;
}

/*
 * Of a TCP or UDP packet of `len` octets at `upper`, `payload` the sum of what follows its header. A datagram without a checksum has 0 (RFC 768),
 * so its checksum 0 is written ffff; for TCP it is the same number.
 */
static void finish_checksum(
	const struct segmenter *g, const uint8_t *ip, uint8_t *upper, size_t len, uint64_t payload)
{
	uint8_t *at = upper + (g->tcp ? TCP_AT_CHECKSUM : UDP_AT_CHECKSUM);
	size_t addresses = g->ipv6 ? IPV6_AT_ADDRESSES : IPV4_AT_ADDRESSES;
	uint16_t sum;

	put_u16(at, 0);
	payload = checksum_add_pseudo(payload, ip + addresses, g->ipv6 ? 2 * IPV6_ADDRESS : 8,
		g->tcp ? PROTOCOL_TCP : PROTOCOL_UDP, len);
	sum = (uint16_t)~checksum_fold(checksum_add(payload, upper, g->headers - g->ip));
	put_u16(at, sum || g->tcp ? sum : 0xffff);
}

size_t segment_next(struct segmenter *g, uint8_t *out)
{
	size_t take = g->left < g->size ? g->left : g->size, len = g->headers + take;
	uint8_t *upper = out + g->ip;
	uint64_t sum;

	if (!g->left)
		return 0;
	memcpy(out, g->header, g->headers);
	/* Headers of both have an even number of octets. */
	sum = checksum_add_copy(0, out + g->headers, g->payload, take);
	finish_ip(g, out, len);
	if (g->tcp)
		finish_tcp(g, upper, take == g->left);
	else
		put_u16(upper + UDP_AT_LENGTH, UDP_HEADER + take);
	finish_checksum(g, out, upper, len - g->ip, sum);
	g->payload += take;
	g->left -= take;
	g->done += take;
	g->id++;
	return len;
}

int segment_complete(const struct vnet *v, uint8_t *packet, size_t len)
{
	size_t at = (size_t)v->start + v->offset;
	uint16_t sum;

	if (v->kind != VNET_LONE)
		return -EINVAL;
	if (!v->partial)
		return 0;
	/* Never into the IP header. */
	if (v->start < IPV4_HEADER || at + 2 > len)
		return -EINVAL;
	/* The sum of the pseudo header that stands there is summed, too. */
	sum = checksum_of(packet + v->start, len - v->start);
	put_u16(packet + at, sum || v->offset != UDP_AT_CHECKSUM ? sum : 0xffff);
	return 0;
}
