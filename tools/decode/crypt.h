/*
 * What one direction of a PPP link does to its data: the algorithm that CCP agreed on, MPPE followed
 * packet by packet (RFC 3078) when its keys are known, and compression (lib/compress).
 *
 * In stateless mode every packet's key follows from the count alone, so packets that come late
 * are decrypted with a copy of the state from before the gap.
 *
 * In stateful mode the packets after a loss are nothing to a receiver until the next FLUSHED one. But
 * the stream, or the one that the lost FLUSHED packet began, is known: the place in it is where a whole IP
 * header, checksum and all, comes out.
 */
#pragma once

#include "lib/compress/codec.h"
#include "lib/mppe/mppe.h"
#include "lib/wire.h"
#include "tools/decode/work.h"

#include <stdbool.h>
#include <stdint.h>

#define DECODE_LATE_MAX 8 /* gaps whose packets may still come */
/* Octets of a lost stream that are looked through, and packets in a row for which that is done. */
#define DECODE_SEARCH_MAX   65536
#define DECODE_SEARCH_TRIES 16
#define DECODE_KEY_TRIES    64 /* packets that candidates for the key are tried on */
/* The longest information field there is: what one capture's LCP agreed on is not looked at. */
#define DECODE_UNPACKED_MAX 1600

enum decode_algorithm {
	DECODE_UNKNOWN, /* no CCP seen: the capture begins in the middle */
	DECODE_MPPE,
	DECODE_COMPRESS, /* one that is known here, without MPPE */
	DECODE_OTHER,    /* another compression */
};

/* What decryption is done with, of all calls. `batch` is empty between calls. */
struct decode_engine {
	struct rc4_batch batch;
	struct decode_work work;
};

struct decode_late {
	struct mppe mppe; /* state before the gap */
	uint64_t packets; /* how many packets had come then */
};

struct decode_crypt {
	enum decode_algorithm algorithm;
	bool has_params; /* MPPE: the strength is known */
	struct mppe_params params;
	bool running;             /* keys are known */
	bool spared;              /* the last packet would have cost too much (work.h) */
	struct codec *codec;      /* NULL: no compression; of DECODE_MPPE: MPPC under it */
	struct decode_work *work; /* that the codec counts in */
	struct mppe mppe;
	uint64_t packets;
	struct decode_late *late; /* DECODE_LATE_MAX, allocated with the first gap */
	unsigned int late_next;
	unsigned int searches; /* in a row that found nothing */
	/* Keys that may be the ones, until a packet proves one of them. */
	const uint8_t (*starts)[16];
	unsigned int start_count, tries;
	bool mppc; /* as agreed on, for the time when keys are known */
};

/* CCP agreed on MPPE; `start` is the start key, or NULL if it is not known. */
void decode_crypt_start(
	struct decode_crypt *c, const struct mppe_params *params, const uint8_t *start);
/*
 * After decode_crypt_start() without a key: one of these `count` start keys may be the right one, which the
 * first packets will show (decode_crypt_try()). They stay the caller's and must outlast `c`. `mppc`:
 * compression under MPPE was agreed on.
 */
void decode_crypt_candidates(
	struct decode_crypt *c, const uint8_t (*starts)[16], unsigned int count, bool mppc);
/* Is a key among the candidates by which this packet is one of IP? Then it is in force. */
void decode_crypt_try(
	struct decode_crypt *c, const uint8_t *data, uint32_t len, struct decode_engine *engine);
void decode_crypt_done(struct decode_crypt *c); /* wipes; back to DECODE_UNKNOWN */

/*
 * CCP agreed on compression, alone or (after decode_crypt_start()) under MPPE. Not followed (DECODE_OTHER) where it
 * would cost too much (work.h).
 */
void decode_crypt_compress(
	struct decode_crypt *c, const struct codec_params *params, struct decode_work *work);

/*
 * With compression alone: a packet that went as it is; `info` is behind its protocol. It is part of the history, if it is
 * `whole`; if the capture has only a part of it, nobody knows the history from there on.
 */
void decode_crypt_learn(
	struct decode_crypt *c, uint16_t protocol, struct wire_reader info, bool whole);

/* Must packets be taken in order to be decrypted, or decompressed? */
static inline bool decode_crypt_ordered(const struct decode_crypt *c)
{
	return c->codec || (c->running && !c->params.stateless);
}

/* The decryption was nonsense: stateful keys are wrong until a FLUSHED packet. */
static inline void decode_crypt_lost(struct decode_crypt *c)
{
	if (c->running)
		mppe_lost(&c->mppe);
}

/*
 * Decrypts data[2..len) in place on MPPE_OK. c->spared: not even tried (MPPE_WAIT). *clear: octets of `data` that
 * need be decrypted (the header counts); becomes those that are, all of them where the key stream goes on with
 * the next packet, or where the first ones do not show the headers of an IPv4 packet.
 */
enum mppe_result decode_crypt_open(struct decode_crypt *c, uint8_t *data, uint32_t len,
	struct decode_engine *engine, uint32_t *clear);
