/*
 * BSD-Compress: RFC 1977, section 2 and appendix A. See bsd.h.
 *
 * The dictionary is a tree: a string's children are those that are longer by one octet, themselves a
 * binary tree by the bits of that octet, with a child in each node (so at most 9 deep). A code that
 * ends a packet makes no new string, and one that the receiver would have needed a longer code for
 * counts as if it had.
 */
#include "lib/compress/bsd.h"

#include <errno.h>
#include <string.h>

#define CLEAR       256
#define FIRST       257
#define CHECK_GAP   10000 /* octets between looks at the ratio */
#define RATIO_SHIFT 8
#define RATIO_ONE   (1u << RATIO_SHIFT)
#define COUNT_MAX   (0x7fffffffu >> RATIO_SHIFT)

size_t bsd_size(unsigned int bits)
{
	return sizeof(struct bsd) + ((size_t)1 << bits) * sizeof(struct bsd_entry);
}

void bsd_init(struct bsd *b, unsigned int bits)
{
	memset(b, 0, bsd_size(bits));
	b->limit = (uint16_t)((1u << bits) - 1);
	bsd_clear(b);
}

void bsd_clear(struct bsd *b)
{
	for (unsigned int i = 0; i < CLEAR; i++)
		b->entries[i] = (struct bsd_entry){ .length = 1, .last = (uint8_t)i };
	b->newest = FIRST - 1;
	b->bits = BSD_BITS_MIN;
	b->in = b->out = b->ratio = 0;
	b->checkpoint = CHECK_GAP;
}

static unsigned int largest(const struct bsd *b)
{
	return (1u << b->bits) - 1;
}

/* At the end of a packet: has the dictionary served its time? */
static bool check(struct bsd *b)
{
	uint32_t ratio;

	if (b->in < b->checkpoint)
		return false;
	if (b->in >= COUNT_MAX || b->out >= COUNT_MAX) {
		b->in -= b->in / 4;
		b->out -= b->out / 4;
	}
	b->checkpoint = b->in + CHECK_GAP;
	if (b->newest < b->limit)
		return false;
	ratio = b->in << RATIO_SHIFT;
	if (b->out)
		ratio /= b->out;
	if (ratio < b->ratio || ratio < RATIO_ONE) {
		bsd_clear(b);
		return true;
	}
	b->ratio = ratio;
	return false;
}

/*
 * Where the code of the string that is longer by `octet` stands, or would stand: there is 0 if there
 * is none. Of a step's two ways the octet's next bit chooses: whoever is eight steps down has all
 * bits in common with it.
 */
static uint16_t *place_of(struct bsd *b, unsigned int prefix, uint8_t octet)
{
	uint16_t *at = &b->entries[prefix].child;

	for (unsigned int bits = octet; *at && b->entries[*at].last != octet; bits <<= 1)
		at = &b->entries[*at].next[bits >> 7 & 1];
	return at;
}

/*
 * Not if it is full; `prefix` may be any code that is in use, `at` is its place_of(). Only a peer
 * without sense makes a string that there is already: the first one is the one that counts.
 */
static void add(struct bsd *b, uint16_t *at, unsigned int prefix, uint8_t octet)
{
	uint16_t length = b->entries[prefix].length;

	if (b->newest >= b->limit)
		return;
	b->newest++;
	b->entries[b->newest] = (struct bsd_entry){
		.prefix = (uint16_t)prefix,
		/* Longer than any packet: the exact number does not matter. */
		.length = (uint16_t)(length < UINT16_MAX ? length + 1 : length),
		.last = octet,
	};
	if (!*at)
		*at = b->newest;
}

/* ---- compressor ---- */

struct bits {
	uint8_t *dst;
	size_t size;
	size_t count; /* bits written, or that would have been */
	uint32_t waiting;
	unsigned int held; /* bits of it, less than 8 between calls */
};

static void put(struct bits *w, unsigned int code, unsigned int n)
{
	w->waiting = w->waiting << n | code;
	w->held += n;
	while (w->held >= 8) {
		w->held -= 8;
		if (w->count / 8 < w->size)
			w->dst[w->count / 8] = (uint8_t)(w->waiting >> w->held);
		w->count += 8;
	}
	w->waiting &= (1u << w->held) - 1;
}

/* The end of the last octet is filled with ones. */
static size_t finish(struct bits *w)
{
	unsigned int fill = 8 - w->held;

	if (w->held)
		put(w, (1u << fill) - 1, fill);
	return w->count / 8;
}

size_t bsd_compress(
	struct bsd *b, uint8_t protocol, const uint8_t *data, size_t len, uint8_t *dst, size_t size)
{
	struct bits w = { .dst = dst, .size = size };
	unsigned int string = protocol, bits;
	size_t n;

	for (size_t i = 0; i < len; i++) {
		uint16_t *at = place_of(b, string, data[i]);

		if (*at) {
			string = *at;
			continue;
		}
		put(&w, string, b->bits);
		if (b->newest < b->limit && b->newest >= largest(b))
			b->bits++;
		add(b, at, string, data[i]);
		string = data[i];
	}
	put(&w, string, b->bits);
	b->in += (uint32_t)len + 1;
	b->out += (uint32_t)((w.count + w.held + 7) / 8);
	bits = b->bits;
	if (check(b))
		put(&w, CLEAR, bits);
	else if (b->newest >= largest(b) && b->newest < b->limit)
		b->bits++;
	n = finish(&w);
	return n <= size ? n : 0;
}

/* ---- decompressor ---- */

struct codes {
	const uint8_t *src;
	size_t len, at; /* octets */
	uint32_t waiting;
	unsigned int held;
};

/* The next code of n bits; -1: what is left is less. */
static int get(struct codes *r, unsigned int n)
{
	unsigned int code;

	while (r->held < n) {
		if (r->at == r->len)
			return -1;
		r->waiting = r->waiting << 8 | r->src[r->at++];
		r->held += 8;
	}
	r->held -= n;
	code = r->waiting >> r->held;
	r->waiting &= (1u << r->held) - 1;
	return (int)code;
}

/* Writes a string to dst[0..length), from its end; returns its first octet. */
static uint8_t expand(const struct bsd *b, unsigned int code, uint8_t *dst)
{
	for (unsigned int n = b->entries[code].length; n--; code = b->entries[code].prefix)
		dst[n] = b->entries[code].last;
	return dst[0];
}

/* One code behind `before` (-1: the packet's first). The octets written, or negative errno. */
static int decode(struct bsd *b, int before, unsigned int code, uint8_t *dst, size_t room)
{
	bool itself = before >= 0 && b->newest < b->limit && code == b->newest + 1u;
	unsigned int known = itself ? (unsigned int)before : code;
	unsigned int length;
	uint8_t first;

	if (known > b->newest || known == CLEAR)
		return -EBADMSG;
	length = b->entries[known].length;
	if (length + itself > room)
		return -ENOBUFS;
	first = expand(b, known, dst);
	/* The string that it stands for is the one that it makes: it ends as it begins. */
	if (itself)
		dst[length] = first;
	if (before >= 0)
		add(b, place_of(b, (unsigned int)before, first), (unsigned int)before, first);
	if (before >= 0 && b->newest >= largest(b) && b->newest < b->limit)
		b->bits++;
	return (int)(length + itself);
}

int bsd_decompress(struct bsd *b, const uint8_t *src, size_t len, uint8_t *dst, size_t size)
{
	struct codes r = { .src = src, .len = len };
	int before = -1, code, n;
	size_t used = 0;

	while ((code = get(&r, b->bits)) >= 0) {
		if (code == CLEAR) {
			/* Only at the end of a packet, and not of an empty one. */
			if (r.at != r.len || before < 0)
				return -EBADMSG;
			bsd_clear(b);
			return (int)used;
		}
		n = decode(b, before, (unsigned int)code, dst + used, size - used);
		if (n < 0)
			return n;
		used += (size_t)n;
		before = code;
	}
	if (!used)
		return -EBADMSG;
	b->in += (uint32_t)used;
	b->out += (uint32_t)len;
	/* The peer would have said so by a CLEAR. */
	return check(b) ? -EBADMSG : (int)used;
}
