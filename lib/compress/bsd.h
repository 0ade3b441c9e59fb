/*
 * BSD-Compress (RFC 1977): the dictionary of one direction. LZW over a stream that is cut into
 * packets, codes of 9 to 15 bits, most significant bit first.
 *
 * Both ends keep the same dictionary and clear it at the same packets, by the same arithmetic: so
 * what was sent as it is, because it would have grown, is learnt by both, too (bsd_learn()).
 *
 * Work per packet: at most 9 steps an octet, whatever the data: what cannot be compressed has strings
 * with more than a hundred children each, and has to be learnt like all else.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BSD_BITS_MIN 9
#define BSD_BITS_MAX 15

/* A string: that of `prefix` and one octet more. 0 is no code of a string of two: "none". */
struct bsd_entry {
	uint16_t prefix, child, length;
	uint16_t next[2]; /* of the same prefix */
	uint8_t last;
};

struct bsd {
	uint16_t newest; /* the last code in use */
	uint16_t limit;  /* the last code there can be */
	uint8_t bits;    /* of a code now */
	/* Section A: what both ends compute to clear the dictionary at the same packet. */
	uint32_t in, out, ratio, checkpoint;
	struct bsd_entry entries[]; /* limit + 1 */
};

/* Octets that a dictionary with codes of up to `bits` takes. */
size_t bsd_size(unsigned int bits);
/* `b`: bsd_size(bits) octets. */
void bsd_init(struct bsd *b, unsigned int bits);
/* As at first (Reset-Ack). */
void bsd_clear(struct bsd *b);

/*
 * Compresses `protocol` (one octet, section 2.1) and data[0..len) to `dst`, `size` octets. Returns
 * the length, or 0 if it does not fit; in both cases the dictionary has learnt it: what does not
 * fit is sent as it is.
 */
size_t bsd_compress(struct bsd *b, uint8_t protocol, const uint8_t *data, size_t len, uint8_t *dst,
	size_t size);

/* A packet that came, or goes, uncompressed. */
static inline void bsd_learn(struct bsd *b, uint8_t protocol, const uint8_t *data, size_t len)
{
	(void)bsd_compress(b, protocol, data, len, NULL, 0);
}

/*
 * Decompresses src[0..len) to `dst`, at most `size` octets: the protocol's octet and the data.
 * Returns the length; -EBADMSG: no valid codes; -ENOBUFS: longer than `size`. After an error the
 * dictionary is no longer the peer's: only bsd_clear() helps, when the peer does it, too.
 */
int bsd_decompress(struct bsd *b, const uint8_t *src, size_t len, uint8_t *dst, size_t size);
