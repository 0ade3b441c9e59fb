/*
 * Streams on their way through the CPU, for the engines of lib/mppe. A lane is one RC4 stream and
 * the jobs that it goes through, in order. Engines run several in step.
 *
 * RC4's first index (i) only counts, so lanes that are in step share it, also those that continue a
 * stream: their permutation is turned until its i is 0 ("row" r is the state's cell r + i). The
 * second index turns with it; only where a sum of two cells is an index it has to be turned by hand
 * (`turn`).
 */
#pragma once

#include "lib/mppe/rc4.h"

#define RC4_WIDTH_MAX 16 /* lanes in step, at most */

struct rc4_lane {
	struct rc4 *state;  /* stored back at the end; NULL: thrown away */
	const uint8_t *key; /* of `key_len` bytes; continues `state` if that is 0 */
	uint32_t total;     /* bytes of all jobs */
	uint8_t key_len;
	/* Where the key stream goes next: `left` bytes of `job` are not done. */
	struct rc4_job *job;
	uint8_t *data;
	uint32_t left;
	struct rc4_job *last; /* rc4_run()'s own: the end of its jobs */
};

/* Keys to be made along with the data: see key_chain.h. */
struct key_work;

/* Goes on to the next job once this one is done; skips empty ones. */
static inline void rc4_lane_settle(struct rc4_lane *l)
{
	while (!l->left && l->job && (l->job = l->job->next) != NULL) {
		l->data = l->job->data;
		l->left = l->job->len;
	}
}

/* The first of a lane's jobs; `total` is the sum of all. */
static inline void rc4_lane_begin(struct rc4_lane *l, struct rc4_job *job)
{
	l->job = job;
	l->data = job->data;
	l->left = job->len;
	l->last = job;
}

#define RC4_SCALAR_MAX 4 /* more are no faster: they do not fit into the registers */
/* In plain C: 1 to RC4_SCALAR_MAX lanes in step. */
void rc4_scalar_run(struct rc4_lane *const *group, unsigned int n);
/* So many of `n` lanes (at least 1) should be the next: nobody should be left alone. */
static inline unsigned int rc4_scalar_group(unsigned int n)
{
	return n == RC4_SCALAR_MAX + 1 ? RC4_SCALAR_MAX - 1
	       : n < RC4_SCALAR_MAX    ? n
				       : RC4_SCALAR_MAX;
}

/* Sixteen lanes in step, `n` of them in use; lane->total <= 2^31. x86-64 with AVX-512. */
void rc4_avx512_run(struct rc4_lane *const *lanes, unsigned int n, struct key_work *work);
