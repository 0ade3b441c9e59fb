/*
 * Van Jacobson's header compression: RFC 1144 sections 3.2.2 to 4.1, RFC 1332 section 4. See vj.h.
 *
 * Invariants: a slot that is in use holds a whole header (20 <= ip, ip + 20 <= len <= VJ_HEADER_MAX)
 * that is no fragment's; the compressor's and the decompressor's slots are equal unless a packet was
 * lost; a packet that is refused changes no slot.
 */
#include "lib/compress/vj.h"

#include "lib/checksum.h"
#include "lib/ppp/frame.h"
#include "lib/wire.h"

#include <errno.h>
#include <stdlib.h>

#define DEFAULT_LIMIT 1500
#define IP_HEADER     20 /* without options */
#define TCP_HEADER    20
#define PROTOCOL      9 /* where the protocol is, and in 002f the slot */
#define PROTOCOL_TCP  6
#define MORE_OR_LATER 0x3fff /* of the fragment field: MF and the offset */

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_PSH 0x08
#define TCP_ACK 0x10
#define TCP_URG 0x20

/* The change mask (3.2.2). */
#define NEW_U 0x01
#define NEW_W 0x02
#define NEW_A 0x04
#define NEW_S 0x08
#define PUSH  0x10
#define NEW_I 0x20
#define NEW_C 0x40
/* Two combinations that stand for something else; both have these set. */
#define SPECIAL_BITS (NEW_S | NEW_W | NEW_U)
#define SPECIAL_ECHO (NEW_S | NEW_W | NEW_U)         /* S and A: the last packet's data */
#define SPECIAL_DATA (NEW_S | NEW_A | NEW_W | NEW_U) /* S alone: the last packet's data */
#define SPECIAL_MASK (NEW_S | NEW_A | NEW_W | NEW_U)

/* What changes from packet to packet. */
struct fields {
	uint16_t total, id, checksum, window, urgent;
	uint32_t seq, ack;
	uint8_t flags;
	uint8_t ip, len; /* octets: IPv4's header, and TCP's with it */
};

struct slot {
	uint8_t header[VJ_HEADER_MAX];
	struct fields fields; /* len 0: empty */
	uint64_t used;        /* compressor: the turn in which it was; 0 never */
};

struct vj {
	uint8_t slots, last;
	bool toss;
	uint16_t limit;
	uint64_t turn;
	struct slot slot[VJ_SLOTS_MAX];
};

struct vj *vj_new(const struct vj_params *params)
{
	struct vj *v;

	if (!params->slots || params->slots > VJ_SLOTS_MAX)
		return NULL;
	v = calloc(1, sizeof(*v));
	if (!v)
		return NULL;
	v->slots = params->slots;
	v->limit = params->limit ? params->limit : DEFAULT_LIMIT;
	v->toss = true;
	return v;
}

void vj_free(struct vj *v)
{
	if (v)
		explicit_bzero(v, sizeof(*v));
	free(v);
}

size_t vj_size(void)
{
	return sizeof(struct vj);
}

void vj_lost(struct vj *v)
{
	v->toss = true;
}

/* The part of the packet that is TCP's header; its length is added. */
static bool read_tcp(struct wire_reader *r, struct fields *f)
{
	unsigned int offset;

	wire_skip(r, 4);
	f->seq = wire_u32(r);
	f->ack = wire_u32(r);
	offset = wire_u8(r) >> 4;
	f->flags = wire_u8(r);
	f->window = wire_u16(r);
	f->checksum = wire_u16(r);
	f->urgent = wire_u16(r);
	f->len = (uint8_t)(f->ip + 4 * offset);
	if (4 * offset < TCP_HEADER)
		return false;
	wire_skip(r, 4 * offset - TCP_HEADER);
	return !r->failed;
}

/*
 * A whole TCP packet that is no fragment, whatever its protocol octet says, and valid as an IPv4
 * packet: what comes out at the other end has a checksum that is right.
 */
static bool read_packet(const uint8_t *data, size_t len, struct fields *f)
{
	struct wire_reader r = wire_reader(data, len);
	uint8_t first = wire_u8(&r), header[4 * 15];
	uint16_t fragment;

	f->ip = (uint8_t)(first % 16 * 4);
	wire_skip(&r, 1);
	f->total = wire_u16(&r);
	f->id = wire_u16(&r);
	fragment = wire_u16(&r);
	wire_skip(&r, IP_HEADER - 8);
	if (r.failed || first >> 4 != 4 || f->ip < IP_HEADER || fragment & MORE_OR_LATER)
		return false;
	wire_skip(&r, (size_t)(f->ip - IP_HEADER));
	if (r.failed || f->total > len || !read_tcp(&r, f) || f->total < f->len)
		return false;
	memcpy(header, data, f->ip);
	header[PROTOCOL] = PROTOCOL_TCP;
	return checksum_of(header, f->ip) == 0;
}

static unsigned int payload(const struct fields *f)
{
	return (unsigned int)f->total - f->len;
}

/* ---- compressor ---- */

/* The connection's slot, or else the one to take for it: least recently used. */
static struct slot *choose(struct vj *v, const uint8_t *data, bool *known)
{
	struct slot *oldest = &v->slot[0];

	*known = false;
	for (unsigned int i = 0; i < v->slots; i++) {
		struct slot *s = &v->slot[i];

		*known = s->fields.len && !memcmp(s->header + 12, data + 12, 12);
		if (*known)
			return s;
		if (s->used < oldest->used)
			oldest = s;
	}
	return oldest;
}

/*
 * Is all the same that a compressed packet does not tell? Of the flags also ECE and CWR, which are
 * younger than RFC 1144. (3.2.3)
 */
static bool same_rest(const struct slot *s, const uint8_t *data, const struct fields *f)
{
	const uint8_t *h = s->header;

	return s->fields.len == f->len && h[1] == data[1] && !memcmp(h + 6, data + 6, 3) &&
	       h[IP_HEADER + 12] == data[IP_HEADER + 12] &&
	       ((s->fields.flags ^ f->flags) & ~(TCP_PSH | TCP_URG)) == 0 &&
	       !memcmp(h + IP_HEADER + TCP_HEADER, data + IP_HEADER + TCP_HEADER,
		       (size_t)(f->len - IP_HEADER - TCP_HEADER));
}

/* One octet for 1 to 255, three for others. */
static void put_change(struct wire_writer *w, uint16_t change)
{
	if (change && change <= UINT8_MAX) {
		wire_put_u8(w, (uint8_t)change);
		return;
	}
	wire_put_u8(w, 0);
	wire_put_u16(w, change);
}

/*
 * What S, A, W and U of the mask say, and the changes into `w`. False: it is to go uncompressed.
 */
static bool put_changes(
	const struct fields *old, const struct fields *f, uint8_t *mask, struct wire_writer *w)
{
	uint16_t window = (uint16_t)(f->window - old->window);
	uint32_t ack = f->ack - old->ack, seq = f->seq - old->seq;

	if (seq > UINT16_MAX || ack > UINT16_MAX ||
		(!(f->flags & TCP_URG) && f->urgent != old->urgent))
		return false;
	*mask = (uint8_t)((f->flags & TCP_URG ? NEW_U : 0) | (window ? NEW_W : 0) |
			  (ack ? NEW_A : 0) | (seq ? NEW_S : 0));
	if ((*mask & SPECIAL_BITS) == SPECIAL_BITS)
		return false;
	/* A duplicate acknowledgement, a window probe; something sent again. */
	if (!*mask && (!payload(f) || payload(old)))
		return false;
	/* RFC 1144's own decompressor lets URG stand in the special cases. */
	if (seq == payload(old) && !(old->flags & TCP_URG)) {
		if (*mask == NEW_S) {
			*mask = SPECIAL_DATA;
			return true;
		}
		if (*mask == (NEW_S | NEW_A) && ack == seq) {
			*mask = SPECIAL_ECHO;
			return true;
		}
	}
	if (*mask & NEW_U)
		put_change(w, f->urgent);
	if (*mask & NEW_W)
		put_change(w, window);
	if (*mask & NEW_A)
		put_change(w, (uint16_t)ack);
	if (*mask & NEW_S)
		put_change(w, (uint16_t)seq);
	return true;
}

/* The compressed header; its length, or 0: the packet is to go uncompressed. */
static size_t encode(const struct slot *s, uint8_t number, const struct fields *f,
	uint8_t out[VJ_COMPRESSED_MAX])
{
	struct wire_writer w = wire_writer(out, VJ_COMPRESSED_MAX);
	uint16_t id = (uint16_t)(f->id - s->fields.id);
	uint8_t mask;

	wire_put_u8(&w, 0);
	wire_put_u8(&w, number);
	wire_put_u16(&w, f->checksum);
	if (!put_changes(&s->fields, f, &mask, &w))
		return 0;
	if (id != 1) {
		mask |= NEW_I;
		put_change(&w, id);
	}
	if (f->flags & TCP_PSH)
		mask |= PUSH;
	out[0] = mask | NEW_C;
	return wire_written(&w);
}

uint16_t vj_compress(struct vj *v, uint8_t *data, size_t len, size_t *skip)
{
	uint8_t out[VJ_COMPRESSED_MAX], number;
	struct fields f;
	struct slot *s;
	size_t n = 0;
	bool known;

	/*
	 * What is behind the packet's own length would become data at the other end, and of the two
	 * ways to write a checksum of zero (RFC 1624 3) it knows one.
	 */
	if (!read_packet(data, len, &f) || data[PROTOCOL] != PROTOCOL_TCP || f.total != len ||
		f.ip != IP_HEADER || (data[10] & data[11]) == 0xff ||
		(f.flags & (TCP_SYN | TCP_FIN | TCP_RST | TCP_ACK)) != TCP_ACK)
		return PPP_IP;
	s = choose(v, data, &known);
	number = (uint8_t)(s - v->slot);
	if (known && same_rest(s, data, &f))
		n = encode(s, number, &f, out);
	memcpy(s->header, data, f.len);
	s->fields = f;
	s->used = ++v->turn;
	if (!n) {
		data[PROTOCOL] = number;
		return PPP_VJ_PLAIN;
	}
	*skip = f.len - n;
	memcpy(data + *skip, out, n);
	return PPP_VJ;
}

/* ---- decompressor ---- */

static int refuse(struct vj *v, int err)
{
	v->toss = true;
	return err;
}

int vj_learn(struct vj *v, uint8_t *data, size_t len)
{
	struct fields f;
	uint8_t number;

	if (!read_packet(data, len, &f) || data[PROTOCOL] >= v->slots)
		return refuse(v, -EBADMSG);
	number = data[PROTOCOL];
	data[PROTOCOL] = PROTOCOL_TCP;
	memcpy(v->slot[number].header, data, f.len);
	v->slot[number].fields = f;
	v->last = number;
	v->toss = false;
	return 0;
}

static uint16_t change(struct wire_reader *r)
{
	uint16_t v = wire_u8(r);

	return v ? v : wire_u16(r);
}

/* The fields become those of the next packet (3.2.4), but for `total`. */
static void apply(struct fields *f, uint8_t mask, struct wire_reader *r)
{
	unsigned int before = payload(f);

	f->checksum = wire_u16(r);
	f->flags = (uint8_t)((f->flags & ~(TCP_PSH | TCP_URG)) | (mask & PUSH ? TCP_PSH : 0));
	switch (mask & SPECIAL_DATA) {
	case SPECIAL_ECHO:
		f->ack += before;
		f->seq += before;
		break;
	case SPECIAL_DATA:
		f->seq += before;
		break;
	default:
		if (mask & NEW_U) {
			f->flags |= TCP_URG;
			f->urgent = change(r);
		}
		if (mask & NEW_W)
			f->window = (uint16_t)(f->window + change(r));
		if (mask & NEW_A)
			f->ack += change(r);
		if (mask & NEW_S)
			f->seq += change(r);
	}
	f->id = (uint16_t)(f->id + (mask & NEW_I ? change(r) : 1));
}

/* The slot's header says what its fields say, and has IP's checksum. */
static void write_header(struct slot *s)
{
	const struct fields *f = &s->fields;
	struct wire_writer w = wire_writer(s->header + 2, 4);

	wire_put_u16(&w, f->total);
	wire_put_u16(&w, f->id);
	w = wire_writer(s->header + 10, 2);
	wire_put_u16(&w, 0);
	wire_patch_u16(&w, 0, checksum_of(s->header, f->ip));
	w = wire_writer(s->header + f->ip + 4, 8);
	wire_put_u32(&w, f->seq);
	wire_put_u32(&w, f->ack);
	w = wire_writer(s->header + f->ip + 13, 7);
	wire_put_u8(&w, f->flags);
	wire_put_u16(&w, f->window);
	wire_put_u16(&w, f->checksum);
	wire_put_u16(&w, f->urgent);
}

int vj_expand(struct vj *v, const uint8_t *data, size_t len, const uint8_t **header, size_t *used)
{
	struct wire_reader r = wire_reader(data, len);
	uint8_t mask = wire_u8(&r);
	uint8_t number = mask & NEW_C ? wire_u8(&r) : v->last;
	struct fields f;
	struct slot *s;

	if (!r.failed && !(mask & NEW_C) && v->toss)
		return -EAGAIN;
	if (r.failed || number >= v->slots || !v->slot[number].fields.len)
		return refuse(v, -EBADMSG);
	s = &v->slot[number];
	f = s->fields;
	apply(&f, mask, &r);
	if (r.failed)
		return refuse(v, -EBADMSG);
	if (f.len + wire_left(&r) > v->limit)
		return refuse(v, -ENOBUFS);
	f.total = (uint16_t)(f.len + wire_left(&r));
	s->fields = f;
	write_header(s);
	v->last = number;
	v->toss = false;
	*header = s->header;
	*used = (size_t)(r.pos - data);
	return f.len;
}
