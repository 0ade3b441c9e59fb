/* Prefixes for sessions: each once, all of them, none outside of its range. */
#include "server/prefix_pool.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t net[16] = { 0x20, 0x01, 0x0d, 0xb8, 0, 1, 0xff };

static void all_but_the_first_are_given_once(void **state)
{
	struct prefix_pool p;
	uint8_t prefix[16], local[16];
	bool seen[16] = { false };

	(void)state;
	prefix_pool_init(&p);
	assert_false(prefix_pool_local(&p, local));
	assert_int_equal(prefix_pool_add(&p, net, 60), 0);
	assert_true(prefix_pool_local(&p, local));
	assert_memory_equal(local, net, 8);
	assert_int_equal(local[15], 1);
	for (unsigned int i = 1; i < 16; i++) {
		assert_true(prefix_pool_take(&p, prefix));
		assert_memory_equal(prefix, net, 7);
		assert_in_range(prefix[7], 1, 15);
		assert_false(seen[prefix[7]]);
		seen[prefix[7]] = true;
		assert_memory_equal(prefix + 8, (uint8_t[8]){ 0 }, 8);
	}
	assert_false(prefix_pool_take(&p, prefix));
	assert_int_equal(p.used, 15);
	prefix[7] = 7;
	prefix_pool_give_back(&p, prefix);
	prefix_pool_give_back(&p, prefix); /* twice is once */
	assert_int_equal(p.used, 14);
	assert_true(prefix_pool_take(&p, prefix));
	assert_int_equal(prefix[7], 7);
	prefix_pool_done(&p);
}

static void one_that_was_given_back_rests(void **state)
{
	struct prefix_pool p;
	uint8_t first[16], next[16];

	(void)state;
	prefix_pool_init(&p);
	assert_int_equal(prefix_pool_add(&p, net, 56), 0);
	assert_true(prefix_pool_take(&p, first));
	prefix_pool_give_back(&p, first);
	for (unsigned int i = 0; i < 254; i++) {
		assert_true(prefix_pool_take(&p, next));
		assert_memory_not_equal(first, next, 16);
		prefix_pool_give_back(&p, next);
	}
	prefix_pool_done(&p);
}

static void ranges_are_checked(void **state)
{
	static const uint8_t other[16] = { 0x20, 0x01, 0x0d, 0xb8, 0, 2 };
	struct prefix_pool p;
	uint8_t prefix[16];

	(void)state;
	prefix_pool_init(&p);
	assert_int_equal(prefix_pool_add(&p, net, 65), -EINVAL);
	assert_int_equal(prefix_pool_add(&p, net, 62), 0);
	assert_int_equal(prefix_pool_add(&p, net, 64), -EEXIST);
	assert_int_equal(prefix_pool_add(&p, other, 32), 0); /* as many as are managed */
	assert_int_equal(p.size, 4 + PREFIXES_MAX);
	for (unsigned int i = 0; i < 3 + PREFIXES_MAX; i++)
		assert_true(prefix_pool_take(&p, prefix));
	assert_false(prefix_pool_take(&p, prefix));
	assert_memory_equal(prefix, other, 6);
	prefix_pool_give_back(&p, other);
	assert_true(prefix_pool_take(&p, prefix));
	assert_memory_equal(prefix, other, 16);
	prefix_pool_done(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_but_the_first_are_given_once),
		cmocka_unit_test(one_that_was_given_back_rests),
		cmocka_unit_test(ranges_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
