/*
 * Packets into super-packets: see coalesce.h. RFC 791, RFC 8200, RFC 9293, RFC 768, RFC 6864
 * (identification).
 *
 * Invariants: a flow has one open write at most, its last; a write that has more than one packet
 * has only packets whose checksums were right, so that the kernel, which is told that they are,
 * delivers nothing that it would not have delivered; each packet is in exactly one write.
 */
#include "dataplane/coalesce.h"

#include "dataplane/ipv4.h"
#include "dataplane/ipv6.h"
#include "dataplane/tcp.h"
#include "lib/checksum.h"
#include "lib/wire.h"

#include <string.h>

#define IPV6_AT_LENGTH    4
#define IPV6_AT_NEXT      6
#define IPV6_AT_ADDRESSES 8

/* What a packet is. */
struct part {
	const uint8_t *data;
	size_t len;
	bool mergeable; /* into a write of several */
	bool hidden;    /* its flow cannot be seen */
	bool ipv6, tcp;
	uint8_t flags; /* TCP's */
	uint16_t id;
	size_t ip, headers;
	uint32_t sequence;
	unsigned int place; /* in the table of flows */
};

void coalesce_init(struct coalescer *c, const struct vnet_offload *offload)
{
	memset(c, 0, sizeof(*c));
	c->offload = *offload;
}

void coalesce_clear(struct coalescer *c)
{
	c->count = c->packets = 0;
	memset(c->flows, 0, sizeof(c->flows));
}

/* ---- what a packet is ---- */

/* Who likes can make flows meet in one place: they are not coalesced then, and that is all. */
static unsigned int place_of(const uint8_t *addresses, size_t len, const uint8_t ports[4])
{
	uint64_t hash = 0, word = 0;

	for (size_t i = 0; i < len; i += 8) {
		memcpy(&word, addresses + i, 8);
		hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
		hash ^= hash >> 32;
	}
	word = 0;
	memcpy(&word, ports, 4);
	hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
	return (unsigned int)(hash >> 40) % COALESCE_FLOWS;
}

/* Extension headers: what is behind them may be TCP or UDP. */
static bool may_hide(uint8_t next)
{
	return next == 0 || next == 43 || next == 44 || next == 51 || next == 60;
}

static uint8_t read_ipv6(struct part *p)
{
	struct wire_reader r = wire_reader(p->data, p->len);
	size_t payload;
	uint8_t next;

	wire_skip(&r, IPV6_AT_LENGTH);
	payload = wire_u16(&r);
	next = wire_u8(&r);
	p->ip = IPV6_HEADER;
	p->hidden = may_hide(next);
	return r.failed || p->hidden || payload + IPV6_HEADER != p->len ? 0 : next;
}

/* The upper layer's protocol if it can be seen where it stands as a rule; 0: not. */
static uint8_t read_ip(struct part *p)
{
	struct ipv4 ip;

	p->ipv6 = p->len && p->data[0] >> 4 == 6;
	if (p->ipv6)
		return read_ipv6(p);
	if (!ipv4_decode(&ip, p->data, p->len) || ip.total != p->len)
		return 0;
	p->ip = ip.header;
	p->id = ip.id;
	p->hidden = (ip.header != IPV4_HEADER || ipv4_is_fragment(&ip)) &&
		    (ip.protocol == PROTOCOL_TCP || ip.protocol == PROTOCOL_UDP);
	return p->hidden || ip.header != IPV4_HEADER || ipv4_is_fragment(&ip) ? 0 : ip.protocol;
}

static void read_tcp(struct part *p, struct wire_reader *r)
{
	size_t size;

	p->tcp = true;
	p->sequence = wire_u32(r);
	wire_skip(r, 4);
	size = (wire_u8(r) >> 4) * 4u;
	p->flags = wire_u8(r);
	p->headers = p->ip + size;
	p->mergeable = !r->failed && size >= TCP_HEADER && p->headers < p->len &&
		       (p->flags & ~(TCP_PSH | TCP_FIN | TCP_ECE)) == TCP_ACK;
}

static void read_udp(struct part *p, struct wire_reader *r)
{
	size_t length = wire_u16(r);
	uint16_t sum = wire_u16(r);

	p->headers = p->ip + UDP_HEADER;
	p->mergeable = !r->failed && length == p->len - p->ip && p->headers < p->len && sum;
}

/* False: not TCP or UDP, or not to be seen. */
static bool read_part(struct part *p, const struct vnet_offload *offload)
{
	uint8_t protocol = read_ip(p);
	struct wire_reader r;
	const uint8_t *ports;
	size_t addresses = p->ipv6 ? IPV6_AT_ADDRESSES : IPV4_AT_ADDRESSES;

	if (protocol != PROTOCOL_TCP && protocol != PROTOCOL_UDP)
		return false;
	r = wire_reader(p->data + p->ip, p->len - p->ip);
	ports = wire_bytes(&r, 4);
	if (!ports)
		return false;
	p->place = place_of(p->data + addresses, p->ipv6 ? 2 * IPV6_ADDRESS : 8, ports);
	if (protocol == PROTOCOL_TCP)
		read_tcp(p, &r);
	else
		read_udp(p, &r);
	if (!(p->tcp ? (p->ipv6 ? offload->tcp6 : offload->tcp4) : offload->udp))
		p->mergeable = false;
	return true;
}

/* ---- may it follow? ---- */

static bool same(const uint8_t *a, const uint8_t *b, size_t from, size_t to)
{
	return !memcmp(a + from, b + from, to - from);
}

/* All of two headers of the same size that has to be the same; `a`, `b`: the packets. */
static bool same_headers(const struct coalesced *w, const uint8_t *a, const uint8_t *b)
{
	if (w->ipv6 ? !same(a, b, 0, IPV6_AT_LENGTH) || !same(a, b, IPV6_AT_NEXT, IPV6_HEADER)
		    : !same(a, b, 0, IPV4_AT_TOTAL) ||
				!same(a, b, IPV4_AT_FRAGMENT, IPV4_AT_CHECKSUM) ||
				!same(a, b, IPV4_AT_ADDRESSES, IPV4_HEADER))
		return false;
	a += w->ip;
	b += w->ip;
	if (!same(a, b, 0, 4)) /* ports */
		return false;
	if (!w->tcp)
		return true;
	/* Acknowledgement, size of the header; window; urgent pointer, options. */
	return same(a, b, 8, TCP_AT_FLAGS) && !((a[TCP_AT_FLAGS] ^ b[TCP_AT_FLAGS]) & TCP_ECE) &&
	       same(a, b, TCP_AT_FLAGS + 1, TCP_AT_CHECKSUM) &&
	       same(a, b, TCP_AT_URGENT, (size_t)(w->headers - w->ip));
}

static bool id_follows(const struct coalesced *w, const struct part *p)
{
	bool dont_fragment;

	if (w->ipv6)
		return true;
	dont_fragment = (p->data[IPV4_AT_FRAGMENT] & (IPV4_DONT_FRAGMENT >> 8)) != 0;
	if (w->count > 1)
		return p->id == (uint16_t)(w->id + !w->same_id);
	return p->id == (uint16_t)(w->id + 1) || (dont_fragment && p->id == w->id);
}

static bool is_right(const uint8_t *packet, size_t len, bool ipv6, bool tcp, size_t ip)
{
	if (!ipv6 && checksum_of(packet, ip) != 0)
		return false;
	return checksum_of_upper(packet + (ipv6 ? IPV6_AT_ADDRESSES : IPV4_AT_ADDRESSES),
		       ipv6 ? 2 * IPV6_ADDRESS : 8, tcp ? PROTOCOL_TCP : PROTOCOL_UDP, packet + ip,
		       len - ip) == 0;
}

/* The first of a write is summed only when a second one comes: a lone packet costs nothing. */
static bool all_right(struct coalesced *w, const struct part *p)
{
	if (!is_right(p->data, p->len, p->ipv6, p->tcp, p->ip))
		return false;
	if (!w->verified)
		w->verified = is_right(
			w->packets.first->data, w->packets.first->len, w->ipv6, w->tcp, w->ip);
	return w->verified;
}

static bool may_follow(struct coalesced *w, const struct part *p)
{
	size_t payload = p->len - p->headers;

	return w->open && p->mergeable && w->ipv6 == p->ipv6 && w->tcp == p->tcp &&
	       w->headers == p->headers && payload <= w->size &&
	       w->len + payload <= COALESCE_LARGEST && (!w->tcp || w->next == p->sequence) &&
	       same_headers(w, w->packets.first->data, p->data) && id_follows(w, p) &&
	       all_right(w, p);
}

/* ---- in and out ---- */

/* More can follow as long as all are of one size and nothing ends it. */
static bool goes_on(const struct coalesced *w, const struct part *p)
{
	return p->len - p->headers == w->size && !(p->flags & (TCP_PSH | TCP_FIN)) &&
	       w->count < COALESCE_PACKETS;
}

static void follow(struct coalesced *w, struct packet *packet, const struct part *p)
{
	w->same_id = !w->ipv6 && p->id == w->id;
	w->id = p->id;
	packet_list_add(&w->packets, packet);
	w->count++;
	w->len += (uint32_t)(p->len - p->headers);
	w->next += (uint32_t)(p->len - p->headers);
	w->last_flags = p->flags & (TCP_PSH | TCP_FIN);
	w->open = goes_on(w, p);
}

static void begin(struct coalesced *w, struct packet *packet, const struct part *p)
{
	packet_list_init(&w->packets);
	packet_list_add(&w->packets, packet);
	w->count = 1;
	w->len = packet->len;
	w->open = false;
	if (!p->mergeable)
		return;
	w->verified = w->same_id = false;
	w->ipv6 = p->ipv6;
	w->tcp = p->tcp;
	w->ip = (uint8_t)p->ip;
	w->headers = (uint8_t)p->headers;
	w->size = (uint16_t)(p->len - p->headers);
	w->id = p->id;
	w->next = p->sequence + w->size;
	w->last_flags = 0;
	w->open = goes_on(w, p);
}

void coalesce_add(struct coalescer *c, struct packet *packet)
{
	struct part p = { .data = packet->data, .len = packet->len };
	bool flow = read_part(&p, &c->offload);
	uint8_t *place = &c->flows[p.place];

	c->packets++;
	if (flow && *place && may_follow(&c->writes[*place - 1], &p)) {
		follow(&c->writes[*place - 1], packet, &p);
		return;
	}
	begin(&c->writes[c->count++], packet, &p);
	if (flow)
		*place = (uint8_t)c->count;
	else if (p.hidden)
		memset(c->flows, 0, sizeof(c->flows));
}

static void put_u16(uint8_t *at, size_t v)
{
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
}

/* The first packet's headers become those of all; TCP's or UDP's checksum is only begun. */
static void write_headers(const struct coalesced *w, uint8_t *packet)
{
	size_t addresses = w->ipv6 ? IPV6_AT_ADDRESSES : IPV4_AT_ADDRESSES, len = w->len - w->ip;
	uint8_t *upper = packet + w->ip;
	uint64_t sum = checksum_add_pseudo(0, packet + addresses, w->ipv6 ? 2 * IPV6_ADDRESS : 8,
		w->tcp ? PROTOCOL_TCP : PROTOCOL_UDP, len);

	if (w->ipv6) {
		put_u16(packet + IPV6_AT_LENGTH, w->len - IPV6_HEADER);
	} else {
		put_u16(packet + IPV4_AT_TOTAL, w->len);
		put_u16(packet + IPV4_AT_CHECKSUM, 0);
		put_u16(packet + IPV4_AT_CHECKSUM, checksum_of(packet, IPV4_HEADER));
	}
	if (w->tcp)
		upper[TCP_AT_FLAGS] |= w->last_flags;
	else
		put_u16(upper + UDP_AT_LENGTH, len);
	put_u16(upper + (w->tcp ? TCP_AT_CHECKSUM : UDP_AT_CHECKSUM), checksum_fold(sum));
}

unsigned int coalesce_write(
	struct coalescer *c, unsigned int i, struct vnet *v, struct iovec iov[COALESCE_IOV])
{
	const struct coalesced *w = &c->writes[i];
	unsigned int n = 1;

	memset(v, 0, sizeof(*v));
	if (w->count > 1) {
		write_headers(w, w->packets.first->data);
		v->kind = w->tcp ? (w->ipv6 ? VNET_TCP6 : VNET_TCP4) : VNET_UDP;
		v->partial = true;
		v->headers = w->headers;
		v->size = w->size;
		v->start = w->ip;
		v->offset = w->tcp ? TCP_AT_CHECKSUM : UDP_AT_CHECKSUM;
	}
	for (struct packet *p = w->packets.first; p; p = p->next) {
		size_t skip = n == 1 ? 0 : w->headers;

		iov[n].iov_base = p->data + skip;
		iov[n++].iov_len = p->len - skip;
	}
	return n;
}
