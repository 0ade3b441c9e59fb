/*
 * RC4 in batches. See rc4.h.
 *
 * RC4 is one long chain of dependent loads and stores, so a single stream leaves most of a CPU
 * idle; streams that are independent (stateless packets, packets of different sessions) run four
 * abreast. A fresh stream's first index is the position itself: the four share it.
 *
 * Invariant: keys and the tables made of them are wiped before rc4_run() returns; only states that
 * the caller owns survive.
 */
#include "lib/mppe/rc4.h"

#include <string.h>

#define LANES 4

/* 32-bit cells: partial-register and store-forwarding penalties of bytes cost a third more. */
struct lane {
	uint32_t s[256];
	uint32_t j;
};

void rc4_init(struct rc4 *state, const uint8_t *key, size_t key_len)
{
	uint8_t j = 0;

	for (unsigned int i = 0; i < 256; i++)
		state->s[i] = (uint8_t)i;
	for (unsigned int i = 0; i < 256; i++) {
		uint8_t t = state->s[i];

		j = (uint8_t)(j + t + key[i % key_len]);
		state->s[i] = state->s[j];
		state->s[j] = t;
	}
	state->i = 0;
	state->j = 0;
}

void rc4_crypt(struct rc4 *state, uint8_t *data, size_t len)
{
	uint8_t i = state->i, j = state->j;
	uint8_t *s = state->s;

	for (size_t n = 0; n < len; n++) {
		uint8_t t = s[++i], u;

		j = (uint8_t)(j + t);
		u = s[j];
		s[i] = u;
		s[j] = t;
		data[n] ^= s[(uint8_t)(t + u)];
	}
	state->i = i;
	state->j = j;
}

static inline void lane_mix(struct lane *l, uint32_t i, uint8_t key)
{
	uint32_t t = l->s[i];

	l->j = (l->j + t + key) & 255;
	l->s[i] = l->s[l->j];
	l->s[l->j] = t;
}

static inline void lane_step(struct lane *l, uint32_t i, uint8_t *byte)
{
	uint32_t t = l->s[i], u;

	l->j = (l->j + t) & 255;
	u = l->s[l->j];
	l->s[i] = u;
	l->s[l->j] = t;
	*byte = (uint8_t)(*byte ^ l->s[(t + u) & 255]);
}

static void lanes_key(struct lane *lanes, struct rc4_job *const *jobs)
{
	for (uint32_t i = 0; i < 256; i++)
		for (unsigned int k = 0; k < LANES; k++)
			lanes[k].s[i] = i;
	for (unsigned int k = 0; k < LANES; k++)
		lanes[k].j = 0;
	/* Key lengths are powers of two. */
	for (uint32_t i = 0; i < 256; i++)
		for (unsigned int k = 0; k < LANES; k++)
			lane_mix(&lanes[k], i, jobs[k]->key[i & (jobs[k]->key_len - 1u)]);
	for (unsigned int k = 0; k < LANES; k++)
		lanes[k].j = 0;
}

static void run_lanes(struct lane *lanes, struct rc4_job *const *jobs)
{
	uint8_t *a = jobs[0]->data, *b = jobs[1]->data, *c = jobs[2]->data, *d = jobs[3]->data;
	uint32_t common = jobs[0]->len;

	lanes_key(lanes, jobs);
	for (unsigned int k = 1; k < LANES; k++)
		if (jobs[k]->len < common)
			common = jobs[k]->len;
	for (uint32_t n = 0; n < common; n++) {
		uint32_t i = (n + 1) & 255;

		lane_step(&lanes[0], i, a + n);
		lane_step(&lanes[1], i, b + n);
		lane_step(&lanes[2], i, c + n);
		lane_step(&lanes[3], i, d + n);
	}
	for (unsigned int k = 0; k < LANES; k++)
		for (uint32_t n = common; n < jobs[k]->len; n++)
			lane_step(&lanes[k], (n + 1) & 255, jobs[k]->data + n);
}

static void run_one(struct rc4_job *job)
{
	struct rc4 own;
	struct rc4 *state = job->state ? job->state : &own;

	if (!job->state && !job->key_len)
		return; /* a stream begins with a key or goes on with a state */
	if (job->key_len)
		rc4_init(state, job->key, job->key_len);
	rc4_crypt(state, job->data, job->len);
	if (!job->state)
		explicit_bzero(&own, sizeof(own));
}

void rc4_run(struct rc4_batch *batch)
{
	struct rc4_job *waiting[LANES];
	unsigned int n = 0, dirty = 0;
	struct lane lanes[LANES];

	for (unsigned int i = 0; i < batch->count; i++) {
		struct rc4_job *job = &batch->jobs[i];

		if (job->state) {
			run_one(job);
			continue;
		}
		waiting[n++] = job;
		if (n == LANES) {
			run_lanes(lanes, waiting);
			dirty = 1;
			n = 0;
		}
	}
	for (unsigned int i = 0; i < n; i++)
		run_one(waiting[i]);
	if (dirty)
		explicit_bzero(lanes, sizeof(lanes));
	for (unsigned int i = 0; i < batch->count; i++)
		explicit_bzero(batch->jobs[i].key, sizeof(batch->jobs[i].key));
	batch->count = 0;
}
