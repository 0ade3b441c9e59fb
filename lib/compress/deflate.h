/*
 * PPP Deflate (RFC 1979) by zlib: one direction, without the sequence number (codec.h has it). Raw
 * deflate; each packet ends in an empty stored block whose last four octets are left out.
 *
 * zlib allocates from a part of the block that the caller gives it, and only while it is
 * initialised or (the window of the decompressor) with the first packet: no heap in the data path.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <zlib.h>

/* Logarithm of the window: zlib's raw deflate has none of 8. */
#define DEFLATE_BITS_MIN 9
#define DEFLATE_BITS_MAX 15

struct deflate {
	z_stream z;
	size_t size, used; /* of what zlib allocates from */
	max_align_t room[];
};

/* Octets that a compressor or a decompressor takes. */
size_t deflate_compressor_size(unsigned int bits);
size_t deflate_decompressor_size(unsigned int bits);

/* `d`: so many octets, zeroed; not to be moved. 0, or -ENOMEM (zlib wants more than known here). */
int deflate_compressor_init(struct deflate *d, unsigned int bits);
int deflate_decompressor_init(struct deflate *d, unsigned int bits);
/* A new stream (Reset-Ack). */
void deflate_compressor_reset(struct deflate *d);
void deflate_decompressor_reset(struct deflate *d);

/*
 * Compresses `protocol` (one octet) and data[0..len) to `dst`. Returns the length, or 0 if `size`
 * is too small: then nothing more can be compressed until a reset. What has not become smaller is
 * sent as it is, and counts as sent.
 */
size_t deflate_pack(struct deflate *d, uint8_t protocol, const uint8_t *data, size_t len,
	uint8_t *dst, size_t size);

/*
 * Decompresses src[0..len) to `dst`, less than `size` octets. The length; -EBADMSG no valid stream;
 * -ENOBUFS `size` or longer: decompression goes no further. After an error: reset.
 */
int deflate_unpack(struct deflate *d, const uint8_t *src, size_t len, uint8_t *dst, size_t size);

/*
 * Takes a packet that came uncompressed into the history. `scratch`: len + 2 octets, overwritten. 0
 * or -EBADMSG.
 */
int deflate_learn(
	struct deflate *d, uint8_t protocol, const uint8_t *data, size_t len, uint8_t *scratch);
