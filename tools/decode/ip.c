/* Outer IPv4 and its fragments: see ip.h. */
#include "tools/decode/ip.h"

#include "lib/control/message.h"
#include "lib/gre/header.h"
#include "lib/wire.h"

#include <stdlib.h>

#define IP_NEST_MAX       4
#define IPV6_HEADERS_MAX  8
#define IP_FRAGMENTS_MAX  32       /* packets being put together; of these, */
#define IP_FRAGMENTS_TCP  8        /* of TCP: neither can push out the other's */
#define IP_FRAGMENTS_TIME 30000000 /* us */
#define IP_SIZE_MAX       65536
#define IP_UNIT           8 /* fragments begin at multiples of it */

struct reassembly {
	bool used, last_seen;
	uint32_t src, dst;
	uint8_t protocol;
	uint16_t id;
	uint64_t started, frame;
	size_t size;   /* of the whole payload, once the last fragment is there */
	uint8_t *data; /* IP_SIZE_MAX */
	uint8_t units[IP_SIZE_MAX / IP_UNIT / 8]; /* bit set: these 8 bytes are there */
};

struct decode_fragments {
	struct reassembly slots[IP_FRAGMENTS_MAX]; /* TCP's first */
	uint8_t *done;                             /* the last complete packet */
	struct decode_fragments_lost lost;
	bool cut; /* by the capture: nobody knows what was lost */
};

/* To the payload of an IPv6 packet; its next header, or -1. */
static int ipv6_skip(struct wire_reader *r)
{
	uint8_t next;

	wire_skip(r, 6);
	next = wire_u8(r);
	wire_skip(r, 33);
	for (int i = 0; i < IPV6_HEADERS_MAX && !r->failed; i++) {
		if (next != 0 && next != 43 && next != 60)
			return next;
		next = wire_u8(r);
		wire_skip(r, (size_t)wire_u8(r) * 8 + 6);
	}
	return -1;
}

/* One IPv4 header; the reader stands behind it, with options, then. */
static bool ipv4_header(struct decode_ip *ip, struct wire_reader *r)
{
	uint8_t first = wire_u8(r);
	uint8_t size = (uint8_t)((first & 15) * 4);
	uint16_t total, fragment;

	wire_skip(r, 1);
	total = wire_u16(r);
	ip->id = wire_u16(r);
	fragment = wire_u16(r);
	wire_skip(r, 1);
	ip->protocol = wire_u8(r);
	wire_skip(r, 2);
	ip->src = wire_u32(r);
	ip->dst = wire_u32(r);
	if (r->failed || first >> 4 != 4 || size < 20)
		return false;
	wire_skip(r, size - 20u);
	if (r->failed)
		return false;
	ip->more = fragment & 0x2000;
	ip->offset = (fragment & 0x1fffu) * IP_UNIT;
	/* 0: captured before the network card's segmentation filled it in. */
	if (total != 0 && total < size)
		return false;
	ip->full = total ? (size_t)(total - size) : wire_left(r);
	ip->len = ip->full < wire_left(r) ? ip->full : wire_left(r);
	ip->data = r->pos;
	return true;
}

bool decode_ip_read(struct decode_ip *ip, const uint8_t *data, size_t len)
{
	struct wire_reader r = wire_reader(data, len);

	memset(ip, 0, sizeof(*ip));
	for (int depth = 0; depth < IP_NEST_MAX && wire_left(&r); depth++) {
		if (r.pos[0] >> 4 == 6) {
			if (ipv6_skip(&r) != 4)
				return false;
			continue;
		}
		if (!ipv4_header(ip, &r))
			return false;
		if (ip->protocol != 4 || decode_ip_is_fragment(ip))
			return true;
		r = wire_reader(ip->data, ip->len);
	}
	return false;
}

struct decode_fragments *decode_fragments_new(void)
{
	return calloc(1, sizeof(struct decode_fragments));
}

void decode_fragments_free(struct decode_fragments *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < IP_FRAGMENTS_MAX; i++)
		free(f->slots[i].data);
	free(f->done);
	free(f);
}

/* It will never be whole. */
static void give_up(struct decode_fragments *f, struct reassembly *s)
{
	if (s->used && s->protocol == DECODE_IP_GRE) {
		if (!f->lost.count++)
			f->lost.first_frame = s->frame;
		f->lost.last_frame = s->frame;
	}
	s->used = false;
}

struct decode_fragments_lost decode_fragments_end(struct decode_fragments *f)
{
	for (size_t i = 0; i < IP_FRAGMENTS_MAX; i++)
		give_up(f, &f->slots[i]);
	if (f->cut)
		f->lost = (struct decode_fragments_lost){ 0 };
	return f->lost;
}

/* Can PPTP be in it? Pieces behind the first do not say. */
static bool can_matter(const struct decode_ip *ip)
{
	struct wire_reader r = wire_reader(ip->data, ip->len);
	uint16_t first = wire_u16(&r), second = wire_u16(&r);

	if (ip->protocol != DECODE_IP_GRE && ip->protocol != DECODE_IP_TCP)
		return false;
	if (ip->offset || r.failed)
		return true;
	if (ip->protocol == DECODE_IP_TCP)
		return first == CONTROL_PORT || second == CONTROL_PORT;
	return (first & 7) == 1 && second == GRE_PROTOCOL_PPP;
}

/* The slot of this packet: its own, or a free one, or the oldest, begun anew. */
static struct reassembly *slot_find(
	struct decode_fragments *f, const struct decode_ip *ip, uint64_t now)
{
	bool tcp = ip->protocol == DECODE_IP_TCP;
	size_t from = tcp ? 0 : IP_FRAGMENTS_TCP, to = tcp ? IP_FRAGMENTS_TCP : IP_FRAGMENTS_MAX;
	struct reassembly *best = &f->slots[from];

	for (size_t i = from; i < to; i++) {
		struct reassembly *s = &f->slots[i];

		/* Captures of several interfaces may go back in time. */
		if (s->used && now > s->started && now - s->started > IP_FRAGMENTS_TIME)
			give_up(f, s);
		if (s->used && s->src == ip->src && s->dst == ip->dst && s->id == ip->id &&
			s->protocol == ip->protocol)
			return s;
	}
	for (size_t i = from; i < to; i++) {
		struct reassembly *s = &f->slots[i];

		if (!s->used) {
			best = s;
			break;
		}
		if (s->started < best->started)
			best = s;
	}
	if (!best->data)
		best->data = malloc(IP_SIZE_MAX);
	if (!best->data)
		return NULL;
	give_up(f, best);
	best->used = true;
	best->last_seen = false;
	best->src = ip->src;
	best->dst = ip->dst;
	best->protocol = ip->protocol;
	best->id = ip->id;
	best->started = now;
	best->frame = ip->frame;
	best->size = 0;
	memset(best->units, 0, sizeof(best->units));
	memset(best->data, 0, IP_SIZE_MAX);
	return best;
}

/* Copies what is new of a fragment, 8 bytes at a time: the first copy of a byte stays. */
static void slot_fill(struct reassembly *s, const struct decode_ip *ip)
{
	struct wire_reader r = wire_reader(ip->data, ip->len);
	size_t unit = ip->offset / IP_UNIT;

	while (wire_left(&r)) {
		size_t n = wire_left(&r) < IP_UNIT ? wire_left(&r) : IP_UNIT;
		const uint8_t *from = wire_bytes(&r, n);

		if (!(s->units[unit / 8] & 1u << unit % 8)) {
			memcpy(s->data + unit * IP_UNIT, from, n);
			s->units[unit / 8] |= (uint8_t)(1u << unit % 8);
		}
		unit++;
	}
}

static bool slot_whole(const struct reassembly *s)
{
	if (!s->last_seen)
		return false;
	for (size_t unit = 0; unit * IP_UNIT < s->size; unit++) {
		if (!(s->units[unit / 8] & 1u << unit % 8))
			return false;
	}
	return true;
}

bool decode_fragments_add(struct decode_fragments *f, struct decode_ip *ip, uint64_t now)
{
	struct reassembly *s;
	uint8_t *data;

	if (!can_matter(ip))
		return false;
	f->cut |= ip->len < ip->full;
	/* A cut fragment cannot be put together; one that is not the last has whole units. */
	if (ip->len < ip->full || ip->len == 0 || (ip->more && ip->len % IP_UNIT) ||
		ip->offset + ip->len > IP_SIZE_MAX)
		return false;
	s = slot_find(f, ip, now);
	if (!s)
		return false;
	if (!ip->more) {
		s->size = ip->offset + ip->len;
		s->last_seen = true;
	}
	slot_fill(s, ip);
	if (!slot_whole(s))
		return false;
	s->used = false;
	data = f->done;
	f->done = s->data;
	s->data = data;
	ip->data = f->done;
	ip->len = ip->full = s->size;
	ip->offset = 0;
	ip->more = false;
	return true;
}
