/*
 * MPPE (RFC 3078): one direction of an encrypted link. Sealing and opening a packet is two steps:
 * the functions here do the count, the flags and the keys and append the cipher's work to a batch;
 * rc4_run() does the batch (and is called here when it is full, or when the keys made ahead are used
 * up). A packet whose key stream was made ahead is done at once (`batch->ahead`, stream_ahead.h). A batch with work of a `struct
 * mppe` must be run before that is initialised, ended, copied or moved.
 *
 * Interop, stateful: there are two readings of FLUSHED. RFC 3078 section 8.2: the tables are made
 * anew of the current key. Linux: the key is changed, too, and it is on every "flag" packet (count
 * xxff), and not on the first packet. The receiver here finds out which one holds by what decrypts;
 * the sender here sets FLUSHED only on flag packets, where both readings are the same.
 */
#pragma once

#include "lib/mppe/key_chain.h"
#include "lib/mppe/keys.h"
#include "lib/mppe/late.h"
#include "lib/mppe/rc4.h"

#include <stdbool.h>
#include <stdint.h>

#define MPPE_HEADER     2
#define MPPE_FLUSHED    0x8000u /* A */
#define MPPE_RESTARTED  0x4000u /* B */
#define MPPE_COMPRESSED 0x2000u /* C */
#define MPPE_ENCRYPTED  0x1000u /* D */
#define MPPE_COUNT      0x0fffu

/*
 * A count at most this far in the past is late, not a wrap of the 12 bits after a long loss; but
 * MPPE_LATE_RUN of those in a row with nothing else between are such a loss.
 */
#define MPPE_LATE_MAX 256
#define MPPE_LATE_RUN 4
/*
 * Key changes that a receiver may spend on the way to a packet beyond the next one: each packet
 * that comes earns MPPE_WORK_EARNED, up to MPPE_WORK_MAX, enough for two losses of the longest kind
 * at once. So a peer that skips counts, or one who forges packets, cannot make more work than that;
 * who skips more waits until it is earned.
 */
#define MPPE_WORK_EARNED 8
#define MPPE_WORK_MAX    8192
/* Stateful: key changes tried for FLUSHED packets that were lost (Linux changes the key with each).
 */
#define MPPE_TRY_MAX 16
/*
 * A loss of more than 4,096 packets shows in the GRE numbers (mppe_numbered()), which say how often
 * the count went round: by them and the count the number of packets in between is known, be there up to
 * MPPE_UNNUMBERED counts without a number (our own stateful sender skips counts, pppd's queue
 * loses packets before they are numbered) or so many numbers without a count (control frames).
 *
 * The way there is walked beside the traffic, by mppe_catch_up(). What may be walked so is earned,
 * too: MPPE_WORK_EARNED a packet again, from MPPE_CREDIT_FIRST up to MPPE_CREDIT_MAX (about a second
 * of one core). Beyond, CCP is opened anew instead: the same with less work, but Linux' pppd ends
 * the link over it.
 */
#define MPPE_UNNUMBERED   1024
#define MPPE_CREDIT_FIRST (1u << 16)
#define MPPE_CREDIT_MAX   (1u << 20)

struct mppe_params {
	enum mppe_bits bits;
	bool stateless;
};

struct mppe {
	struct mppe_params params;
	uint8_t start[16], key[16];
	uint16_t count; /* next to send, or next expected */
	bool flush; /* sender: FLUSHED on the next packet; receiver: waiting for a FLUSHED packet */
	bool mppc;  /* the owner's: MPPC was agreed on, bit C means that the packet is compressed */
	uint8_t late;          /* receiver: late packets in a row */
	uint16_t work;         /* receiver: key changes that may be spent now */
	bool numbered, behind; /* receiver: `base` is known; catching up, from `key` to `goal` */
	uint32_t number, base; /* of the packet at hand, and behind the last that was opened */
	uint32_t serial;       /* receiver: `count`, continued beyond 12 bits */
	uint32_t far, goal;    /* key changes from `key` to `far_key`, and to where it is to go */
	uint32_t credit;       /* key changes that catching up may take */
	uint8_t far_key[16];
	struct mppe_late *late_keys; /* the owner's; NULL: none are kept */
	union {
		struct rc4 *stream;     /* stateful; allocated */
		struct key_chain chain; /* stateless: the keys after `key` */
	};
	const struct cipher *cipher; /* of the batch that was used last */
	uint64_t rekeys, resets;     /* key changes; FLUSHED after a reset (sender) or resets wanted
				    (receiver) */
};

enum mppe_result {
	MPPE_OK,
	MPPE_BAD, /* not an encrypted packet, too short, or no key fits: drop; keys are as before */
	MPPE_WAIT,  /* drop: stateful, we wait for FLUSHED; either, a gap beyond the work that is
		       earned */
	MPPE_RESET, /* stateful: drop, and a Reset-Request should be sent now */
	MPPE_OLD,   /* count in the past: drop */
	MPPE_LOST, /* drop: the loss is longer than what may be walked: CCP has to be opened anew */
};

/*
 * `start` is mppe_start_key()'s; derives the initial session key (RFC 3079 2.4/3.4: salt and all). One that is in use
 * has to be ended first. 0; -ENOMEM (stateful only): only mppe_done() may follow.
 */
int mppe_init(struct mppe *m, const struct mppe_params *params, const uint8_t start[16]);
/* Wipes the keys, and gives back what was made ahead and what they took; also of one that is all zero. */
void mppe_done(struct mppe *m);

/*
 * Gives back what only traffic needs, no work of it being in a batch: it is taken again when there is
 * some. A stateless one can then be copied.
 */
void mppe_rest(struct mppe *m);
/* Is there anything for mppe_rest() to give back? */
static inline bool mppe_is_large(const struct mppe *m)
{
	return m->params.stateless && (m->chain.ahead || m->chain.streams.block);
}

/*
 * Sender: writes the 2-byte header to data[0..1] and appends the encryption of data[2..len) (PPP
 * protocol and payload; len >= 3) to `batch`. Where MPPC has made something of it, `bits` are MPPE_FLUSHED, MPPE_RESTARTED,
 * MPPE_COMPRESSED as RFC 2118 wants them, else 0. FLUSHED is the same bit for both, so it brings a fresh key
 * here, too, on the next flag packet's count.
 */
void mppe_seal(
	struct mppe *m, uint8_t *data, uint32_t len, unsigned int bits, struct rc4_batch *batch);
/* Sender: will the next packet be FLUSHED in any case? */
bool mppe_flushes(const struct mppe *m);

/*
 * Sender: the peer sent a CCP Reset-Request: FLUSHED and a fresh key on the next packet. Its count
 * skips to the next xxff (to a peer that waits for FLUSHED that is loss like any other). Nothing in
 * stateless mode.
 */
void mppe_reset_requested(struct mppe *m);

/*
 * Receiver: `data` is header and ciphertext, in the GRE stream's order. On MPPE_OK the decryption
 * of data[2..len) is appended to `batch`. Key changes per packet are bounded by the 12-bit count
 * (4096; where keys of late packets are kept, MPPE_LATE_KEYS more) and MPPE_TRY_MAX, and over many packets
 * by MPPE_WORK_EARNED. After a gap the first bytes are tried before
 * the keys move on, so that a forged packet does not move them.
 */
enum mppe_result mppe_open(struct mppe *m, uint8_t *data, uint32_t len, struct rc4_batch *batch);

/*
 * Receiver: `number` is the GRE number of the packet that mppe_open() gets next. Once before the
 * first, with the number from where on packets may be encrypted. Who does not call it recovers from
 * losses below 4,096 packets only.
 */
void mppe_numbered(struct mppe *m, uint32_t number);
/*
 * Receiver: a long loss is being walked (mppe_open() says MPPE_WAIT meanwhile): mppe_catch_up() is to
 * be called now and then. It makes at most `changes` key changes.
 */
bool mppe_is_behind(const struct mppe *m);
void mppe_catch_up(struct mppe *m, unsigned int changes);

/*
 * Receiver, stateless: a packet that came after its gap was given up, by the GRE numbers. Opened if
 * its key is in `late_keys`, once: MPPE_OK, as mppe_open(); else MPPE_OLD. No key changes.
 */
enum mppe_result mppe_open_late(
	struct mppe *m, uint8_t *data, uint32_t len, struct rc4_batch *batch);

/* Receiver: what was decrypted is nonsense. Stateful: wait for FLUSHED from here on. */
void mppe_lost(struct mppe *m);

/*
 * The PPP protocol at the start of decrypted data: its size, 2 bytes (or 1, for IP and IPv6); 0 if
 * it is none that MPPE encrypts, or if what follows cannot be a packet of it.
 */
unsigned int mppe_inner(const uint8_t *data, uint32_t len, uint16_t *protocol);
