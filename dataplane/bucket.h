/*
 * A token bucket: at most so many bits in a second, and so many octets at once. Pure: `now` in
 * microseconds of any monotonic clock, no timers; it fills up when it is asked. What does not fit is
 * for the caller to drop (policing: nothing waits, so a limit adds no delay).
 *
 * Exact: tokens are counted in millionths of a bit, so that nothing is lost by rounding, however
 * often it is asked.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define BUCKET_RATE_MIN  8000u                   /* bit/s */
#define BUCKET_RATE_MAX  UINT64_C(1000000000000) /* bit/s */
#define BUCKET_BURST_MIN 3000u                   /* octets: two of the largest packets */
#define BUCKET_BURST_MAX 1000000000u             /* octets */

/* What is wanted: bit/s of inner packets, 0: no limit; octets at once, 0: bucket_burst(rate). */
struct bucket_limit {
	uint64_t rate, burst;
};

struct bucket {
	uint64_t rate;  /* bit/s; 0: no limit */
	uint64_t size;  /* millionths of a bit */
	uint64_t level; /* <= size */
	uint64_t fill;  /* us from empty to full, rounded up */
	uint64_t at;    /* us: level is of then */
};

/*
 * The burst that goes with a rate (bit/s) where none is given, octets: see bucket.c for how it was
 * found. BUCKET_BURST_MIN at least.
 */
uint64_t bucket_burst(uint64_t rate);

/*
 * Sets or changes the limit; values out of range are taken as the nearest that is not. A bucket
 * begins full; one that has a limit already keeps what it holds, as far as that fits, so that no
 * series of changes lets more through than the largest of its limits.
 */
void bucket_set(struct bucket *b, const struct bucket_limit *limit, uint64_t now);

/* May a packet of `octets` pass? Then it is paid for. Always, without a limit. */
bool bucket_take(struct bucket *b, uint32_t octets, uint64_t now);
