/*
 * MPPC, RFC 2118: section 4 (encoding), 3.1 (bits), 4.3 (synchronization).
 *
 * Compressor: greedy, the last place of each three octets. It never refers to what was in the
 * history before it was emptied or before the packet that was put at the front; the decompressor
 * lets a peer do the latter, as the old octets are still there.
 */
#include "lib/compress/mppc.h"

#include <errno.h>
#include <string.h>

#define MATCH_MIN  3
#define LITERAL    8 /* bits of the shortest token: what is left below that is padding */
#define OFFSET_1   64
#define OFFSET_2   320
#define LENGTH_MAX 8191

/* ---- bits, most significant first ---- */

struct bit_writer {
	uint8_t *data;
	size_t size, used; /* octets */
	uint32_t bits;
	unsigned int count; /* of bits that wait, less than 8 between calls */
	bool full;
};

static void put(struct bit_writer *w, uint32_t value, unsigned int n)
{
	w->bits = w->bits << n | value;
	w->count += n;
	while (w->count >= 8) {
		w->count -= 8;
		if (w->used == w->size) {
			w->full = true;
			return;
		}
		w->data[w->used++] = (uint8_t)(w->bits >> w->count);
	}
	w->bits &= (1u << w->count) - 1;
}

static void put_end(struct bit_writer *w)
{
	if (w->count && !w->full) /* when it is full, more bits may wait than an octet's */
		put(w, 0, 8 - w->count);
}

struct bit_reader {
	const uint8_t *data;
	size_t left; /* bits */
	size_t at;   /* bits */
	bool failed;
};

static uint32_t get(struct bit_reader *r, unsigned int n)
{
	uint32_t value = 0;

	if (r->left < n) {
		r->failed = true;
		r->left = 0;
		return 0;
	}
	r->left -= n;
	for (; n; n--, r->at++)
		value = value << 1 | ((uint32_t)r->data[r->at / 8] >> (7 - r->at % 8) & 1u);
	return value;
}

/* ---- compressor ---- */

void mppc_compressor_init(struct mppc_compressor *c)
{
	memset(c, 0, sizeof(*c));
	c->flushed = true;
}

void mppc_compressor_reset(struct mppc_compressor *c)
{
	mppc_compressor_init(c);
}

static unsigned int hash(const uint8_t *p)
{
	uint32_t v = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];

	return (v * 0x9e3779b1u) >> 20;
}

/* Section 4.1. */
static void put_literal(struct bit_writer *w, uint8_t octet)
{
	if (octet < 0x80)
		put(w, octet, 8);
	else
		put(w, 2u << 7 | (octet & 0x7fu), 9);
}

/* Section 4.2. */
static void put_match(struct bit_writer *w, unsigned int offset, unsigned int length)
{
	unsigned int ones = 0;

	if (offset < OFFSET_1)
		put(w, 0xfu << 6 | offset, 10);
	else if (offset < OFFSET_2)
		put(w, 0xeu << 8 | (offset - OFFSET_1), 12);
	else
		put(w, 6u << 13 | (offset - OFFSET_2), 16);
	if (length == MATCH_MIN) {
		put(w, 0, 1);
		return;
	}
	while (length >> (ones + 2)) /* 4..7 have one, 4096..8191 have eleven */
		ones++;
	put(w, ((1u << ones) - 1) << 1, ones + 1);
	put(w, length & ((2u << ones) - 1), ones + 1);
}

/* How many octets from `at` on are those from `from` on, too; `end` is the packet's. */
static unsigned int match(const uint8_t *h, unsigned int from, unsigned int at, unsigned int end)
{
	unsigned int n = 0;

	while (at + n < end && n < LENGTH_MAX && h[from + n] == h[at + n])
		n++;
	return n;
}

static void encode(
	struct mppc_compressor *c, unsigned int at, unsigned int end, struct bit_writer *w)
{
	const uint8_t *h = c->history;

	while (at < end && !w->full) {
		unsigned int from = 0, length = 0;

		if (at + MATCH_MIN <= end) {
			uint16_t *slot = &c->hash[hash(h + at)];

			from = *slot;
			*slot = (uint16_t)(at + 1);
			length = from ? match(h, from - 1, at, end) : 0;
		}
		if (length < MATCH_MIN) {
			put_literal(w, h[at++]);
			continue;
		}
		put_match(w, at - (from - 1), length);
		for (at++; --length; at++) {
			if (at + MATCH_MIN <= end)
				c->hash[hash(h + at)] = (uint16_t)(at + 1);
		}
	}
	put_end(w);
}

size_t mppc_compress(struct mppc_compressor *c, const uint8_t *src, size_t len, uint8_t *dst,
	size_t size, uint16_t *bits)
{
	struct bit_writer w = { .data = dst, .size = size < len ? size : len - 1 };
	unsigned int at;

	*bits = 0;
	if (len > MPPC_HISTORY || len < 1) {
		mppc_compressor_reset(c);
		return 0;
	}
	if (c->flushed)
		*bits |= MPPC_FLUSHED;
	c->flushed = false;
	if (len > (size_t)(MPPC_HISTORY - c->end)) {
		memset(c->hash, 0, sizeof(c->hash));
		c->end = 0;
		*bits |= MPPC_AT_FRONT;
	}
	at = c->end;
	memcpy(c->history + at, src, len);
	c->end = (uint16_t)(c->end + len);
	encode(c, at, c->end, &w);
	if (w.full) { /* section 3, "Data Expansion" */
		*bits &= MPPC_FLUSHED;
		mppc_compressor_reset(c);
		return 0;
	}
	*bits |= MPPC_COMPRESSED;
	return w.used;
}

/* ---- decompressor ---- */

void mppc_decompressor_init(struct mppc_decompressor *d)
{
	memset(d, 0, sizeof(*d));
}

void mppc_decompressor_lost(struct mppc_decompressor *d)
{
	d->waiting = true;
}

/* Section 4.2.1; the first two bits, 11, were read. */
static unsigned int get_offset(struct bit_reader *r)
{
	if (!get(r, 1))
		return get(r, 13) + OFFSET_2;
	return get(r, 1) ? get(r, 6) : get(r, 8) + OFFSET_1;
}

/* Section 4.2.2; 0 if there is no such length. */
static unsigned int get_length(struct bit_reader *r)
{
	unsigned int ones = 0;

	while (get(r, 1)) {
		if (++ones > 11)
			return 0;
	}
	return ones ? (2u << ones) | get(r, ones + 1) : MATCH_MIN;
}

/* Octet by octet, for a match may overlap what it writes. */
static int copy_match(
	struct mppc_decompressor *d, unsigned int offset, unsigned int length, unsigned int end)
{
	if (offset == 0 || offset >= MPPC_HISTORY || length == 0)
		return -EBADMSG;
	if (length > end - d->end)
		return -ENOBUFS;
	for (; length; length--, d->end++)
		d->history[d->end] = d->history[(d->end - offset) % MPPC_HISTORY];
	return 0;
}

/* One token (section 4) to d->end, which may not pass `end`. */
static int decode_token(struct mppc_decompressor *d, struct bit_reader *r, unsigned int end)
{
	unsigned int offset, length;
	uint8_t octet;

	if (get(r, 1) == 0) {
		octet = (uint8_t)get(r, 7);
	} else if (get(r, 1) == 0) {
		octet = (uint8_t)(0x80u | get(r, 7));
	} else {
		offset = get_offset(r);
		length = get_length(r);
		return r->failed ? -EBADMSG : copy_match(d, offset, length, end);
	}
	if (r->failed)
		return -EBADMSG;
	if (d->end == end)
		return -ENOBUFS;
	d->history[d->end++] = octet;
	return 0;
}

static int decompress(
	struct mppc_decompressor *d, const uint8_t *src, size_t len, uint8_t *dst, size_t size)
{
	struct bit_reader r = { .data = src, .left = len * 8 };
	unsigned int at = d->end, end = MPPC_HISTORY;
	int rc = 0;

	if (size < end - at)
		end = at + (unsigned int)size;
	while (rc == 0 && r.left >= LITERAL)
		rc = decode_token(d, &r, end);
	if (rc < 0) {
		d->waiting = true;
		return rc;
	}
	memcpy(dst, d->history + at, d->end - at);
	return (int)(d->end - at);
}

int mppc_decompress(struct mppc_decompressor *d, uint16_t bits, const uint8_t *src, size_t len,
	uint8_t *dst, size_t size)
{
	if (bits & MPPC_FLUSHED)
		mppc_decompressor_init(d);
	else if (d->waiting)
		return -EAGAIN;
	if (bits & MPPC_AT_FRONT)
		d->end = 0;
	if (bits & MPPC_COMPRESSED)
		return decompress(d, src, len, dst, size);
	if (len > size) {
		d->waiting = true;
		return -ENOBUFS;
	}
	memcpy(dst, src, len);
	return (int)len;
}
