/* server/farewell: the pace of good-byes when a server stops. */
#include "server/farewell.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define TICKS 125

static void few_are_told_at_once(void **state)
{
	(void)state;
	assert_int_equal(farewell_share(0, 0, TICKS), 0);
	assert_int_equal(farewell_share(300, 0, TICKS), 300);
	assert_int_equal(farewell_share(512, 0, TICKS), 512);
	assert_int_equal(farewell_share(8000, 0, TICKS), 512);
}

static void those_that_end_count(void **state)
{
	(void)state;
	assert_int_equal(farewell_share(8000, 412, TICKS), 100);
	assert_int_equal(farewell_share(8000, 500, TICKS), 64);
	assert_int_equal(farewell_share(8000, 8000, TICKS), 64);
	assert_int_equal(farewell_share(10, 8000, TICKS), 10);
}

/* Also of as many as there can be, and if nobody answers. */
static void all_are_told_in_time(void **state)
{
	static const unsigned int counts[] = { 1, 512, 8512, 8513, 16513, 60000, 65536, 4000000 };

	(void)state;
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		unsigned int waiting = counts[i];

		for (uint64_t ticks = TICKS; ticks > 0; ticks--)
			waiting -= farewell_share(waiting, counts[i] - waiting, ticks);
		assert_int_equal(waiting, 0);
	}
	assert_int_equal(farewell_share(60000, 60000, 0), 60000);
}

/* No burst comes of it: what is left goes evenly. */
static void the_rest_is_spread(void **state)
{
	unsigned int waiting = 60000;

	(void)state;
	for (uint64_t ticks = TICKS; ticks > 0; ticks--) {
		unsigned int share = farewell_share(waiting, 60000 - waiting, ticks);

		assert_true(share <= FAREWELL_BURST);
		waiting -= share;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(few_are_told_at_once),
		cmocka_unit_test(those_that_end_count),
		cmocka_unit_test(all_are_told_in_time),
		cmocka_unit_test(the_rest_is_spread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
