/*
 * How much work a capture may cost. What the decoder does for a frame is mostly a few steps; with keys at
 * hand a hostile one can ask for more: a count that is thousands of key changes away, keys to be tried, a place to
 * be looked for in a stream, an algorithm's tables made anew. Such work is paid from an account: each packet
 * adds to it, whoever's it is, so neither the number of calls nor negotiating again and again buys more. What cannot
 * be paid is not done, is counted, and said where it happens.
 *
 * A unit is about a key change of MPPE (RFC 3078 7.3), half a microsecond.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DECODE_WORK_EARNED 16      /* by each packet of the capture */
#define DECODE_WORK_MAX    500000u /* there at the beginning, and at most */
/* For octets that are gone through, or made. */
#define DECODE_WORK_OCTETS 128
/* Histories and dictionaries of all calls together. */
#define DECODE_CODECS_MAX (64u << 20)

struct decode_work {
	uint32_t left;
	uint64_t done;   /* units */
	uint64_t spared; /* frames that would have cost too much */
	size_t codecs;   /* octets */
};

static inline void decode_work_earn(struct decode_work *w)
{
	w->left += w->left <= DECODE_WORK_MAX - DECODE_WORK_EARNED ? DECODE_WORK_EARNED : 0;
}

/* False: it cannot be paid, and is not to be done. */
static inline bool decode_work_spend(struct decode_work *w, uint32_t units)
{
	if (units > w->left)
		return false;
	w->left -= units;
	w->done += units;
	return true;
}
