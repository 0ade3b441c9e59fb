/* A call in buckets: bounded whatever the times are, and nothing gets lost. */
#include "tools/decode/html_series.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct html_series *series;

static int setup(void **state)
{
	(void)state;
	series = calloc(1, sizeof(*series));
	return series ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	free(series);
	return 0;
}

static uint64_t sum_bytes(unsigned int side)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < HTML_SERIES_BUCKETS; i++) {
		sum += series->bucket[i].bytes[side];
		assert_true(i < series->used || !series->bucket[i].bytes[side]);
	}
	return sum;
}

static void a_second_has_buckets_of_ten_milliseconds(void **state)
{
	(void)state;
	for (uint64_t t = 0; t < 1000000; t += 1000)
		html_series_at(series, 5000000 + t)->bytes[0] += 10;
	assert_int_equal(series->width, 10000);
	assert_int_equal(series->used, 100);
	assert_int_equal(series->bucket[0].bytes[0], 100);
	assert_int_equal(series->bucket[99].bytes[0], 100);
}

static void the_width_doubles_and_sums_stay(void **state)
{
	uint64_t added = 0;

	(void)state;
	for (uint64_t t = 0; t < 3600; t++) {
		html_series_at(series, t * 1000000)->bytes[1] += t;
		added += t;
		assert_int_equal(sum_bytes(1), added);
	}
	/* 240 buckets of 10 ms * 2^k that hold an hour. */
	assert_int_equal(series->width, 10000ull << 11);
	assert_true(series->used > HTML_SERIES_BUCKETS / 2);
	assert_int_equal(series->bucket[0].bytes[1], 20 * 21 / 2);
}

static void times_need_no_order_and_no_sense(void **state)
{
	(void)state;
	html_series_at(series, 1000000)->bytes[0] += 1;
	html_series_at(series, 0)->bytes[0] += 2; /* before the start */
	assert_int_equal(series->bucket[0].bytes[0], 3);
	html_series_at(series, UINT64_MAX)->bytes[0] += 4;
	html_series_at(series, 1000001)->bytes[0] += 8;
	assert_int_equal(sum_bytes(0), 15);
	assert_true(series->used <= HTML_SERIES_BUCKETS);
	assert_int_equal(series->bucket[0].bytes[0], 11);
}

static void round_trips_keep_their_extremes(void **state)
{
	const struct html_trip *t;

	(void)state;
	html_series_rtt(series, 0, HTML_RTT_ACK, 500);
	html_series_rtt(series, 15000, HTML_RTT_ACK, 100);
	html_series_rtt(series, 16000, HTML_RTT_ACK, 900);
	html_series_rtt(series, 16000, HTML_RTT_TCP, 70000);
	html_series_rtt(series, 10000ull * HTML_SERIES_BUCKETS, HTML_RTT_ECHO, UINT64_MAX);
	assert_int_equal(series->width, 20000);
	t = &series->bucket[0].trip[HTML_RTT_ACK];
	assert_int_equal(t->count, 3);
	assert_int_equal(t->sum, 1500);
	assert_int_equal(t->smallest, 100);
	assert_int_equal(t->largest, 900);
	assert_int_equal(series->bucket[0].trip[HTML_RTT_TCP].sum, 70000);
	t = &series->bucket[HTML_SERIES_BUCKETS / 2].trip[HTML_RTT_ECHO];
	assert_int_equal(t->largest, UINT32_MAX);
	assert_int_equal(t->smallest, UINT32_MAX);
}

static void what_comes_late_was_not_lost(void **state)
{
	(void)state;
	html_series_at(series, 0)->lost[0] += 2;
	html_series_at(series, 50000)->lost[1] += 1;
	html_series_late(series, 100000, 0);
	assert_int_equal(series->bucket[0].lost[0], 1);
	assert_int_equal(series->bucket[5].lost[1], 1);
	assert_int_equal(series->bucket[10].late[0], 1);
	html_series_late(series, 100000, 0);
	html_series_late(series, 100000, 0); /* more than were lost */
	assert_int_equal(series->bucket[0].lost[0], 0);
	assert_int_equal(series->bucket[10].late[0], 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_second_has_buckets_of_ten_milliseconds, setup, teardown),
		cmocka_unit_test_setup_teardown(the_width_doubles_and_sums_stay, setup, teardown),
		cmocka_unit_test_setup_teardown(times_need_no_order_and_no_sense, setup, teardown),
		cmocka_unit_test_setup_teardown(round_trips_keep_their_extremes, setup, teardown),
		cmocka_unit_test_setup_teardown(what_comes_late_was_not_lost, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
