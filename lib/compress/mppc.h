/*
 * MPPC (RFC 2118): one direction of a compressed link. Only the compressor and the history; the
 * coherency count and the header's bits on the wire are MPPE's (lib/mppe), which shares them.
 *
 * A decompressor never writes more than the caller's room, never reads outside its history, and its
 * work is bounded by what it may write: a bomb of long matches is cut.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MPPC_HISTORY 8192
#define MPPC_HASH    4096 /* entries */

/* Bits of the header, section 3.1 (as in MPPE's). */
#define MPPC_FLUSHED    0x8000u /* A: the history was emptied before this packet */
#define MPPC_AT_FRONT   0x4000u /* B: the packet begins at the front of the history */
#define MPPC_COMPRESSED 0x2000u /* C */

struct mppc_compressor {
	uint8_t history[MPPC_HISTORY];
	uint16_t hash[MPPC_HASH]; /* where these three octets were seen last, + 1; 0 nowhere */
	uint16_t end;             /* octets in the history */
	bool flushed;             /* the next packet has to say so */
};

struct mppc_decompressor {
	uint8_t history[MPPC_HISTORY];
	uint16_t end;
	bool waiting; /* out of step: only a FLUSHED packet helps */
};

void mppc_compressor_init(struct mppc_compressor *c);

/*
 * Compresses src[0..len), 1..8192 octets that begin with the PPP protocol field, to `dst` (`size`
 * octets). Returns the compressed length, less than len; or 0: it did not shrink (or fit), send it
 * as it is. *bits gets A, B and C for the packet's header in both cases.
 */
size_t mppc_compress(struct mppc_compressor *c, const uint8_t *src, size_t len, uint8_t *dst,
	size_t size, uint16_t *bits);

/* The peer sent a Reset-Request (section 4.3): the next packet empties the history. */
void mppc_compressor_reset(struct mppc_compressor *c);

void mppc_decompressor_init(struct mppc_decompressor *d);

/*
 * Takes a packet with the header's `bits`: decompresses src[0..len) to `dst`, at most `size` octets
 * (the MRU's), or copies it if bits has no C. Packets must come in order; what was lost between is
 * told by mppc_decompressor_lost(). Returns the length; -EAGAIN: waiting for FLUSHED; -EBADMSG: no
 * valid stream; -ENOBUFS: longer than `size` or than the history. After an error the caller drops
 * the packet and sends a CCP Reset-Request; it waits for FLUSHED then.
 */
int mppc_decompress(struct mppc_decompressor *d, uint16_t bits, const uint8_t *src, size_t len,
	uint8_t *dst, size_t size);

/* A packet is missing: the history is no longer the peer's. */
void mppc_decompressor_lost(struct mppc_decompressor *d);
