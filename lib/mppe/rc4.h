/*
 * RC4, as MPPE needs it: many independent streams, run as a batch. Callers describe the work as
 * jobs; how many streams run at once is decided here (four, in plain C).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

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
};

#define RC4_BATCH_MAX 128

/* Jobs of one batch. Jobs of the same state must stand in their order. */
struct rc4_batch {
	unsigned int count;
	struct rc4_job jobs[RC4_BATCH_MAX];
};

void rc4_init(struct rc4 *state, const uint8_t *key, size_t key_len);
void rc4_crypt(struct rc4 *state, uint8_t *data, size_t len);

/* Runs all jobs and empties the batch; keys are wiped. */
void rc4_run(struct rc4_batch *batch);
