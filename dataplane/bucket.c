/*
 * The token bucket: see bucket.h. Invariants: level <= size; size <= 8e15 and rate * fill <= size +
 * rate, so no sum overflows.
 */
#include "dataplane/bucket.h"

#define MILLIONTHS_OF_OCTET UINT64_C(8000000)

/*
 * Where the path is short, a rate is less than a packet in a round trip, and what a policer drops is a
 * window's end, which TCP notices by its time-out only: 200 ms at least (Linux), in which the bucket
 * must be able to gather what was not sent, or the rate is never reached. Measured (tests/bench/rate,
 * 10 Mbit/s, no delay): 64 kB 0.26 of the limit, 100 ms of the rate 0.53, 200 ms 0.86, 300 ms 0.95
 * and more. With 10 ms of delay 100 ms are enough for 0.98.
 */
#define BURST_TIME  300000 /* us at the rate */
#define BURST_FIRST 32000  /* octets */

uint64_t bucket_burst(uint64_t rate)
{
	uint64_t burst = rate / 8 * (BURST_TIME / 1000) / 1000;

	if (burst < BURST_FIRST)
		burst = BURST_FIRST;
	return burst < BUCKET_BURST_MAX ? burst : BUCKET_BURST_MAX;
}

static uint64_t clamp(uint64_t v, uint64_t min, uint64_t max)
{
	return v < min ? min : v > max ? max : v;
}

static void refill(struct bucket *b, uint64_t now)
{
	uint64_t elapsed;

	if (now <= b->at)
		return;
	elapsed = now - b->at;
	b->at = now;
	if (elapsed > b->fill)
		elapsed = b->fill;
	b->level += elapsed * b->rate;
	if (b->level > b->size)
		b->level = b->size;
}

void bucket_set(struct bucket *b, const struct bucket_limit *limit, uint64_t now)
{
	bool was_limited = b->rate != 0;
	uint64_t burst;

	if (was_limited)
		refill(b, now);
	if (!limit->rate) {
		*b = (struct bucket){ 0 };
		return;
	}
	b->rate = clamp(limit->rate, BUCKET_RATE_MIN, BUCKET_RATE_MAX);
	burst = limit->burst ? limit->burst : bucket_burst(b->rate);
	b->size = clamp(burst, BUCKET_BURST_MIN, BUCKET_BURST_MAX) * MILLIONTHS_OF_OCTET;
	b->fill = b->size / b->rate + 1;
	b->at = now;
	if (!was_limited || b->level > b->size)
		b->level = b->size;
}

bool bucket_take(struct bucket *b, uint32_t octets, uint64_t now)
{
	uint64_t price = octets * MILLIONTHS_OF_OCTET;

	if (!b->rate)
		return true;
	refill(b, now);
	if (b->level < price)
		return false;
	b->level -= price;
	return true;
}
