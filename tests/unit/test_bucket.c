/* The token bucket. */
#include "dataplane/bucket.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define SECOND UINT64_C(1000000)
#define START  (5 * SECOND)

static struct bucket bucket_with(uint64_t rate, uint64_t burst)
{
	struct bucket b = { 0 };

	bucket_set(&b, &(struct bucket_limit){ rate, burst }, START);
	return b;
}

/* Octets that pass of an offer of `octets` each `step` us, until `end`. */
static uint64_t passed(struct bucket *b, uint32_t octets, uint64_t step, uint64_t from, uint64_t to)
{
	uint64_t sum = 0;

	for (uint64_t now = from; now < to; now += step) {
		if (bucket_take(b, octets, now))
			sum += octets;
	}
	return sum;
}

static void without_a_limit_all_passes(void **state)
{
	struct bucket b = bucket_with(0, 0);

	(void)state;
	for (int i = 0; i < 100000; i++)
		assert_true(bucket_take(&b, 65535, START));
}

static void a_burst_passes_at_once_and_no_more(void **state)
{
	struct bucket b = bucket_with(1000000, 15000);

	(void)state;
	for (int i = 0; i < 10; i++)
		assert_true(bucket_take(&b, 1500, START));
	assert_false(bucket_take(&b, 1, START));
	/* 1 Mbit/s: 12 ms for 1500 octets. */
	assert_false(bucket_take(&b, 1500, START + 11999));
	assert_true(bucket_take(&b, 1500, START + 12000));
	assert_false(bucket_take(&b, 1, START + 12000));
}

static void what_is_dropped_costs_nothing(void **state)
{
	struct bucket b = bucket_with(1000000, 3000);

	(void)state;
	assert_true(bucket_take(&b, 2000, START));
	for (int i = 0; i < 1000; i++)
		assert_false(bucket_take(&b, 1500, START));
	assert_true(bucket_take(&b, 1000, START));
}

static void over_time_the_rate_passes_and_the_burst_once(void **state)
{
	static const uint64_t rates[] = { 8000, 999983, 10000000, 123456789, 10000000000 };

	(void)state;
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		struct bucket b = bucket_with(rates[i], 0);
		uint64_t burst = bucket_burst(rates[i]), end = START + 10 * SECOND;
		/* Offered: more than twice the rate, at odd moments. */
		uint64_t step = 7, octets = rates[i] * step * 2 / 8 / SECOND + 64;
		uint64_t sum = passed(&b, (uint32_t)octets, step, START, end);
		uint64_t most = burst + rates[i] * 10 / 8;

		assert_true(sum <= most);
		assert_true(sum + octets + rates[i] * step / 8 / SECOND + 1 >= most);
	}
}

/* Not even where each time only a fraction of an octet comes in. */
static void nothing_is_lost_by_rounding(void **state)
{
	struct bucket b = bucket_with(8001, 3000);

	(void)state;
	while (bucket_take(&b, 1, START))
		;
	for (uint64_t us = 1; us < 100 * SECOND; us += 13)
		assert_false(bucket_take(&b, 3001, START + us));
	assert_true(bucket_take(&b, 3000, START + 100 * SECOND));
	while (bucket_take(&b, 1, START + 100 * SECOND))
		;
	/* 8001 bit/s in a second: 1000 octets and an eighth. */
	for (uint64_t us = 1; us <= SECOND; us++)
		assert_false(bucket_take(&b, 3001, START + 100 * SECOND + us));
	assert_true(bucket_take(&b, 1000, START + 101 * SECOND));
	assert_false(bucket_take(&b, 1, START + 101 * SECOND));
}

static void a_long_pause_fills_it_and_no_more(void **state)
{
	struct bucket b = bucket_with(BUCKET_RATE_MAX, BUCKET_BURST_MAX);

	(void)state;
	assert_true(bucket_take(&b, BUCKET_BURST_MAX, START));
	assert_true(bucket_take(&b, BUCKET_BURST_MAX, UINT64_MAX / 2));
	assert_false(bucket_take(&b, 1, UINT64_MAX / 2));
	/* Nor does time that goes back. */
	assert_false(bucket_take(&b, 1, START));
	assert_false(bucket_take(&b, 1, START));
}

static void a_change_keeps_what_was_used_up(void **state)
{
	struct bucket b = bucket_with(1000000, 15000);

	(void)state;
	assert_true(bucket_take(&b, 15000, START));
	bucket_set(&b, &(struct bucket_limit){ 2000000, 30000 }, START);
	assert_false(bucket_take(&b, 1, START));
	assert_true(bucket_take(&b, 250, START + 1000));
	assert_false(bucket_take(&b, 1, START + 1000));
	/* A smaller one holds less. */
	bucket_set(&b, &(struct bucket_limit){ 2000000, 3000 }, START + SECOND);
	assert_true(bucket_take(&b, 3000, START + SECOND));
	assert_false(bucket_take(&b, 1, START + SECOND));
	/* Off, all passes; on again, it begins full. */
	bucket_set(&b, &(struct bucket_limit){ 0, 0 }, START + SECOND);
	assert_true(bucket_take(&b, 65535, START + SECOND));
	bucket_set(&b, &(struct bucket_limit){ 1000000, 4000 }, START + SECOND);
	assert_true(bucket_take(&b, 4000, START + SECOND));
	assert_false(bucket_take(&b, 1, START + SECOND));
}

static void values_out_of_range_are_taken_as_the_nearest(void **state)
{
	struct bucket b = bucket_with(1, 1);

	(void)state;
	assert_int_equal(b.rate, BUCKET_RATE_MIN);
	assert_true(bucket_take(&b, BUCKET_BURST_MIN, START));
	assert_false(bucket_take(&b, 1, START));
	b = bucket_with(UINT64_MAX, UINT64_MAX);
	assert_int_equal(b.rate, BUCKET_RATE_MAX);
	assert_true(bucket_take(&b, BUCKET_BURST_MAX, START));
	assert_false(bucket_take(&b, 1, START));
}

/* The largest packet must always have a chance. */
static void the_default_burst_holds_packets(void **state)
{
	(void)state;
	for (uint64_t rate = BUCKET_RATE_MIN; rate <= BUCKET_RATE_MAX; rate *= 10) {
		assert_true(bucket_burst(rate) >= BUCKET_BURST_MIN);
		assert_true(bucket_burst(rate) <= BUCKET_BURST_MAX);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_limit_all_passes),
		cmocka_unit_test(a_burst_passes_at_once_and_no_more),
		cmocka_unit_test(what_is_dropped_costs_nothing),
		cmocka_unit_test(over_time_the_rate_passes_and_the_burst_once),
		cmocka_unit_test(nothing_is_lost_by_rounding),
		cmocka_unit_test(a_long_pause_fills_it_and_no_more),
		cmocka_unit_test(a_change_keeps_what_was_used_up),
		cmocka_unit_test(values_out_of_range_are_taken_as_the_nearest),
		cmocka_unit_test(the_default_burst_holds_packets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
