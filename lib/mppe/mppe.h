/*
 * MPPE (RFC 3078): one direction of an encrypted link. Sealing and opening a packet is two steps:
 * the functions here do the count, the flags and the keys and append the cipher's work to a batch;
 * rc4_run() does the batch.
 *
 * Interop: Linux sends its first stateful packet without FLUSHED and re-keys on every FLUSHED packet.
 */
#pragma once

#include "lib/mppe/keys.h"
#include "lib/mppe/rc4.h"

#include <stdbool.h>
#include <stdint.h>

#define MPPE_HEADER 2
#define MPPE_FLUSHED   0x8000u /* A */
#define MPPE_RESTARTED 0x4000u /* B */
#define MPPE_COMPRESSED 0x2000u /* C */
#define MPPE_ENCRYPTED 0x1000u /* D */
#define MPPE_COUNT     0x0fffu

struct mppe_params {
	enum mppe_bits bits;
	bool stateless;
};

struct mppe {
	struct mppe_params params;
	uint8_t start[16], key[16];
	uint16_t count; /* next to send, or next expected */
	bool flush; /* sender: FLUSHED on the next packet; receiver: waiting for a FLUSHED packet */
	struct rc4 stream; /* stateful */
	uint64_t rekeys, resets; /* key changes; FLUSHED after a reset (sender) or resets wanted (receiver) */
};

enum mppe_result {
	MPPE_OK,
	MPPE_BAD, /* not an encrypted packet, or too short: drop */
	MPPE_WAIT, /* stateful: drop, we wait for FLUSHED */
	MPPE_RESET, /* stateful: drop, and a Reset-Request should be sent now */
	MPPE_OLD, /* count in the past: drop */
};

/* `start` is mppe_start_key()'s; derives the initial session key (RFC 3079 2.4/3.4: salt and all). */
void mppe_init(struct mppe *m, const struct mppe_params *params, const uint8_t start[16]);
void mppe_done(struct mppe *m); /* wipes the keys */

/*
 * Sender: writes the 2-byte header to data[0..1] and appends the encryption of data[2..len) (PPP protocol
 * and payload) to `batch`, which must have room.
 */
void mppe_seal(struct mppe *m, uint8_t *data, uint32_t len, struct rc4_batch *batch);

/* Sender: the peer sent a CCP Reset-Request: re-key and set FLUSHED on the next packet. */
void mppe_reset_requested(struct mppe *m);

/*
 * Receiver: `data` is header and ciphertext, in the GRE stream's order. On MPPE_OK the decryption of data[2..len)
 * is appended to `batch`. Key changes per packet are bounded by the 12-bit count (4095).
 */
enum mppe_result mppe_open(struct mppe *m, uint8_t *data, uint32_t len, struct rc4_batch *batch);
