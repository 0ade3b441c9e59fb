/*
 * RC4, as MPPE needs it: many independent streams, run as a batch. Callers describe the work as
 * jobs; how the streams share the CPU is decided here and in the engine that the batch is given
 * (lib/mppe/cipher.h). A batch also takes the key chains of its stateless jobs along: their next
 * keys are made with the data (lib/mppe/key_chain.h).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct cipher;
struct key_chain;
struct stream_pool;

struct rc4 {
	uint8_t i, j;
	uint8_t s[256];
};

/* One stream's work: en/decrypts `len` bytes at `data` in place. */
struct rc4_job {
	struct rc4
		*state; /* continued, or begun anew if there is a key; NULL: a stream of its own */
	uint8_t *data;
	uint32_t len;
	uint8_t key_len; /* 8 or 16: begin with `key`; 0 (only with a state): continue */
	uint8_t key[16];
	struct rc4_job *next; /* rc4_run()'s own: the same stream goes on there */
};

#define RC4_BATCH_MAX 128

/* Jobs of one batch. Jobs of the same state must stand in their order. All zero: empty. */
struct rc4_batch {
	const struct cipher *cipher; /* NULL: plain C */
	struct stream_pool *ahead;   /* the owner's; NULL: no streams are made ahead */
	unsigned int count, chain_count;
	struct rc4_job jobs[RC4_BATCH_MAX];
	struct key_chain *chains[RC4_BATCH_MAX]; /* by key_chain_used() */
};

void rc4_init(struct rc4 *state, const uint8_t *key, size_t key_len);
void rc4_crypt(struct rc4 *state, uint8_t *data, size_t len);

/* Runs all jobs, makes the keys that their chains will want next, and empties the batch; keys are
 * wiped. */
void rc4_run(struct rc4_batch *batch);

/*
 * Makes streams of packets to come (lib/mppe/stream_ahead.h) for those directions in steady flow that were
 * in use since the last call, and have too few for as many packets again. To be called, with an empty
 * batch, when nobody waits for what was run: it takes as long as some rows of streams.
 */
void rc4_run_ahead(struct rc4_batch *batch);
