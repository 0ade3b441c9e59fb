/*
 * Compression of one direction of a PPP link, as CCP agreed on it (RFC 1962): MPPC (RFC 2118) alone
 * or under MPPE, Deflate (RFC 1979), BSD-Compress (RFC 1977). Protocol 00fd's information field in
 * and out, with its header and the count or sequence number that tells a loss.
 *
 * A codec is one block from the heap, made when CCP opens, with room for the largest packet; nothing
 * is allocated per packet. What comes out of a decompressor is never longer than its limit.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum codec_kind { CODEC_NONE, CODEC_MPPC, CODEC_DEFLATE, CODEC_BSD };

struct codec_params {
	enum codec_kind kind;
	uint8_t bits;   /* Deflate: logarithm of the window; BSD: largest code; MPPC: 0 */
	bool encrypted; /* MPPC under MPPE, which has the header */
	uint16_t limit; /* receiver: octets of the longest information field; 0: 1500 */
};

/* Do packets that do not shrink grow (by MPPC's header and the protocol)? */
static inline bool codec_grows(const struct codec_params *params)
{
	return params->kind == CODEC_MPPC && !params->encrypted;
}

#define CODEC_HEADER     2
#define CODEC_PACKET_MAX 2046 /* octets of an information field that can be compressed */

struct codec;

/* NULL: no memory, or no such parameters. */
struct codec *codec_new(const struct codec_params *params, bool sending);
void codec_free(struct codec *c);         /* wiped: the history is the user's data */
size_t codec_size(const struct codec *c); /* octets that it takes */
enum codec_kind codec_kind(const struct codec *c);
bool codec_is_encrypted(const struct codec *c);
/* "MPPC", "Deflate", "BSD-Compress"; "" for none. */
const char *codec_name(enum codec_kind kind);

/* Does its Reset-Ack begin the stream anew (RFC 1977, 1979)? Of MPPC FLUSHED does. */
static inline bool codec_kind_needs_ack(enum codec_kind kind)
{
	return kind == CODEC_DEFLATE || kind == CODEC_BSD;
}

/*
 * Sender: *out gets the information field of a packet of protocol 00fd, valid until the next call;
 * its length is returned. 0: to be sent as it is, with its own protocol, which the codec has
 * counted. `protocol`: one that ppp_is_data(). MPPC's may be longer than `len` (by 4).
 */
size_t codec_compress(
	struct codec *c, uint16_t protocol, const uint8_t *info, size_t len, const uint8_t **out);

/*
 * Receiver: the information field of a packet of protocol 00fd; packets must come in order. *out
 * gets protocol and information field of what it was; the length of both is returned. -EAGAIN: out
 * of step (a loss, or an error before), a Reset-Request is due; -EBADMSG: no valid stream;
 * -ENOBUFS: longer than the limit. After each error it is out of step.
 */
int codec_decompress(struct codec *c, const uint8_t *info, size_t len, const uint8_t **out);
/* Receiver: what was decompressed is nonsense: it is out of step, and a Reset-Request is due. */
void codec_lost(struct codec *c);
/* Receiver: a packet came that was not compressed: it is part of the history, and counted. */
void codec_learn(struct codec *c, uint16_t protocol, const uint8_t *info, size_t len);

/*
 * Either: the stream begins anew, on both sides at the same packet: with the Reset-Ack, or (MPPC,
 * sender) a FLUSHED packet to come.
 */
void codec_reset(struct codec *c);

/*
 * MPPC under MPPE: data[0..len) is protocol and information field. `flush`: MPPE's header will say
 * FLUSHED. Sender: the length of *out and the header's bits A, B and C (MPPC_...), or 0:
 * as it is, with those bits.
 */
size_t codec_shrink(struct codec *c, const uint8_t *data, size_t len, bool flush,
	const uint8_t **out, uint16_t *bits);
/* Receiver: `bits` of the header; returns as codec_decompress(). */
int codec_expand(
	struct codec *c, uint16_t bits, const uint8_t *data, size_t len, const uint8_t **out);
