/* The data plane's tables, slots and timers: dataplane/table.h, pool.h, wheel.h. */
#include "dataplane/pool.h"
#include "dataplane/table.h"
#include "dataplane/wheel.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))

#define IP(a, b, c, d)                                                                             \
	((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))

#define OWN IP(198, 51, 100, 1)

/* Sessions are opaque to the table: any distinct addresses do. */
static uint8_t places[70000];

static struct dp_session *session(size_t i)
{
	return (struct dp_session *)(void *)&places[i];
}

static void call_is_found_by_addresses_and_id_only(void **state)
{
	struct table t;
	struct table_node a = { .session = session(1) }, b = { .session = session(2) };
	struct table_node c = { .session = session(3) }, twice = { .session = session(4) };
	struct table_node other = { .session = session(5) };

	(void)state;
	assert_int_equal(table_init(&t, 42), 0);
	assert_int_equal(table_add_call(&t, &a, IP(192, 0, 2, 1), OWN, 0), 0);
	assert_int_equal(table_add_call(&t, &b, IP(192, 0, 2, 1), OWN, 128), 0);
	assert_int_equal(table_add_call(&t, &c, IP(192, 0, 2, 2), OWN, 128), 0);
	assert_int_equal(table_add_call(&t, &twice, IP(192, 0, 2, 2), OWN, 128), -EEXIST);
	assert_ptr_equal(table_find_call(&t, IP(192, 0, 2, 1), OWN, 0), session(1));
	assert_ptr_equal(table_find_call(&t, IP(192, 0, 2, 1), OWN, 128), session(2));
	assert_ptr_equal(table_find_call(&t, IP(192, 0, 2, 2), OWN, 128), session(3));
	assert_null(table_find_call(&t, IP(192, 0, 2, 2), OWN, 0));
	assert_null(table_find_call(&t, IP(192, 0, 2, 3), OWN, 128));
	/* Another of our own addresses has Call IDs of its own. */
	assert_null(table_find_call(&t, IP(192, 0, 2, 2), OWN + 1, 128));
	assert_int_equal(table_add_call(&t, &other, IP(192, 0, 2, 2), OWN + 1, 128), 0);
	assert_ptr_equal(table_find_call(&t, IP(192, 0, 2, 2), OWN + 1, 128), session(5));
	assert_ptr_equal(table_find_call(&t, IP(192, 0, 2, 2), OWN, 128), session(3));
	table_remove_call(&t, &other);
	table_remove_call(&t, &c);
	assert_null(table_find_call(&t, IP(192, 0, 2, 2), OWN, 128));
	assert_int_equal(table_add_call(&t, &twice, IP(192, 0, 2, 2), OWN, 128), 0);
	assert_ptr_equal(table_find_call(&t, IP(192, 0, 2, 2), OWN, 128), session(4));
	table_done(&t);
}

static void sixty_thousand_calls_come_and_go(void **state)
{
	const size_t n = 60000;
	struct table_node *nodes = calloc(n, sizeof(*nodes));
	struct table t;

	(void)state;
	assert_non_null(nodes);
	assert_int_equal(table_init(&t, 7), 0);
	for (size_t i = 0; i < n; i++) {
		nodes[i].session = session(i);
		assert_int_equal(table_add_call(&t, &nodes[i], IP(10, 0, 0, 0) + (uint32_t)(i / 3),
					 OWN, (uint16_t)(i % 3)),
			0);
	}
	for (size_t i = 0; i < n; i += 2)
		table_remove_call(&t, &nodes[i]);
	for (size_t i = 0; i < n; i++) {
		struct dp_session *found = table_find_call(
			&t, IP(10, 0, 0, 0) + (uint32_t)(i / 3), OWN, (uint16_t)(i % 3));

		assert_ptr_equal(found, i % 2 ? session(i) : NULL);
	}
	table_done(&t);
	free(nodes);
}

static void longest_prefix_wins(void **state)
{
	static const struct {
		uint32_t prefix;
		unsigned int len;
	} routes[] = {
		{ IP(0, 0, 0, 0), 0 },
		{ IP(10, 0, 0, 0), 8 },
		{ IP(10, 1, 0, 0), 16 },
		{ IP(10, 1, 2, 0), 24 },
		{ IP(10, 1, 2, 3), 32 },
		{ IP(128, 0, 0, 0), 1 },
		{ IP(10, 1, 2, 2), 31 },
	};
	static const struct {
		uint32_t address;
		size_t route;
	} lookups[] = {
		{ IP(9, 9, 9, 9), 0 },
		{ IP(10, 255, 0, 1), 1 },
		{ IP(10, 1, 255, 255), 2 },
		{ IP(10, 1, 2, 4), 3 },
		{ IP(10, 1, 2, 3), 4 },
		{ IP(10, 1, 2, 2), 6 },
		{ IP(127, 255, 255, 255), 0 },
		{ IP(128, 0, 0, 0), 5 },
		{ IP(255, 255, 255, 255), 5 },
	};
	struct table_node nodes[COUNT_OF(routes)] = { 0 };
	struct table t;

	(void)state;
	assert_int_equal(table_init(&t, 1), 0);
	assert_null(table_lookup(&t, IP(10, 1, 2, 3)));
	for (size_t i = 0; i < COUNT_OF(routes); i++) {
		nodes[i].session = session(i);
		/* Host bits in a prefix do not matter. */
		assert_int_equal(table_add_route(&t, &nodes[i],
					 routes[i].prefix | (routes[i].len == 16 ? 0x1234u : 0),
					 routes[i].len),
			0);
	}
	for (size_t i = 0; i < COUNT_OF(lookups); i++)
		assert_ptr_equal(table_lookup(&t, lookups[i].address), session(lookups[i].route));
	table_remove_route(&t, &nodes[4]);
	assert_ptr_equal(table_lookup(&t, IP(10, 1, 2, 3)), session(6));
	table_remove_route(&t, &nodes[6]);
	assert_ptr_equal(table_lookup(&t, IP(10, 1, 2, 3)), session(3));
	table_remove_route(&t, &nodes[0]);
	assert_null(table_lookup(&t, IP(9, 9, 9, 9)));
	assert_int_equal(t.lengths >> 31 & 3, 0);
	table_done(&t);
}

static void a_prefix_has_one_holder(void **state)
{
	struct table t;
	struct table_node a = { .session = session(1) }, b = { .session = session(2) };

	(void)state;
	assert_int_equal(table_init(&t, 1), 0);
	assert_int_equal(table_add_route(&t, &a, IP(10, 0, 0, 0), 8), 0);
	assert_int_equal(table_add_route(&t, &b, IP(10, 200, 0, 0), 8), -EEXIST);
	assert_ptr_equal(table_find_route(&t, IP(10, 0, 0, 7), 8), session(1));
	assert_null(table_find_route(&t, IP(10, 0, 0, 0), 9));
	table_done(&t);
}

static void slots_are_distinct_aligned_and_reused(void **state)
{
	struct packet *p[POOL_MIN];
	struct pool pool;
	size_t total;

	(void)state;
	assert_int_equal(pool_init(&pool, POOL_MAX), 0);
	total = pool.total;
	assert_true(total >= POOL_MIN);
	for (size_t i = 0; i < POOL_MIN; i++) {
		p[i] = pool_get(&pool);
		assert_non_null(p[i]);
		assert_int_equal((uintptr_t)p[i] % 64, 0);
		assert_ptr_equal(p[i]->data, p[i]->buf + PACKET_HEADROOM);
		memset(p[i]->buf, (int)i, sizeof(p[i]->buf));
	}
	assert_int_equal(pool.free, total - POOL_MIN);
	for (size_t i = 0; i < POOL_MIN; i++) {
		assert_int_equal(p[i]->buf[0], (uint8_t)i);
		assert_int_equal(p[i]->buf[PACKET_SLOT - 1], (uint8_t)i);
		pool_put(&pool, p[i]);
	}
	assert_int_equal(pool.total, total);
	assert_int_equal(pool.free, total);
	pool_done(&pool);
}

static void pool_grows_to_its_bound_and_shrinks_again(void **state)
{
	const size_t max = 2000;
	struct packet **p = calloc(max + 64, sizeof(struct packet *));
	struct pool pool;
	size_t n = 0;

	(void)state;
	assert_non_null(p);
	assert_int_equal(pool_init(&pool, max), 0);
	while ((p[n] = pool_get(&pool)) != NULL)
		n++;
	assert_in_range(n, max, max + 63);
	while (n > 0)
		pool_put(&pool, p[--n]);
	assert_true(pool.total < max);
	assert_true(pool.total >= POOL_MIN);
	assert_int_equal(pool.free, pool.total);
	pool_done(&pool);
	free(p);
}

static void holding_leaves_the_reserve_alone(void **state)
{
	struct packet *reserve[POOL_RESERVE];
	struct pool pool;
	size_t held = 0;

	(void)state;
	assert_int_equal(pool_init(&pool, 1000), 0);
	while (pool_may_hold(&pool)) {
		assert_non_null(pool_get(&pool)); /* freed by pool_done() */
		held++;
	}
	assert_true(held >= 1000 - POOL_RESERVE);
	for (size_t i = 0; i < POOL_RESERVE; i++) {
		reserve[i] = pool_get(&pool);
		assert_non_null(reserve[i]);
	}
	assert_null(pool_get(&pool));
	assert_false(pool_may_hold(&pool));
	for (size_t i = 0; i < POOL_RESERVE; i++)
		pool_put(&pool, reserve[i]);
	pool_done(&pool);
}

static void wheel_yields_each_entry_in_its_millisecond(void **state)
{
	struct wheel_entry e[100] = { 0 };
	uint64_t start = 123456789;
	size_t out = 0;
	struct wheel w;

	(void)state;
	wheel_init(&w, start);
	assert_true(wheel_next(&w) == UINT64_MAX);
	for (size_t i = 0; i < COUNT_OF(e); i++)
		wheel_set(&w, &e[i], start + (i * 37 % 100 + 1) * 1000);
	while (out < COUNT_OF(e)) {
		uint64_t next = wheel_next(&w);
		struct wheel_entry *got;

		assert_null(wheel_expired(&w, next - 1));
		got = wheel_expired(&w, next);
		assert_non_null(got);
		assert_in_range(got - e, 0, COUNT_OF(e) - 1);
		out++;
		/* Not before its time, and at most a millisecond after it. */
		assert_in_range(next, start + ((size_t)(got - e) * 37 % 100 + 1) * 1000,
			start + ((size_t)(got - e) * 37 % 100 + 2) * 1000);
	}
	assert_true(wheel_next(&w) == UINT64_MAX);
}

static void wheel_moves_an_entry_only_nearer(void **state)
{
	struct wheel_entry e = { 0 };
	struct wheel w;

	(void)state;
	wheel_init(&w, 5000000);
	wheel_set(&w, &e, 5050000);
	wheel_set(&w, &e, 5090000);
	assert_true(wheel_next(&w) == 5050000);
	wheel_set(&w, &e, UINT64_MAX);
	assert_true(wheel_next(&w) == 5050000);
	wheel_set(&w, &e, 5020000);
	assert_true(wheel_next(&w) == 5020000);
	wheel_remove(&w, &e);
	assert_true(wheel_next(&w) == UINT64_MAX);
	wheel_remove(&w, &e);
	wheel_set(&w, &e, 5030000);
	assert_true(wheel_next(&w) == 5030000);
}

static void wheel_takes_past_and_far_deadlines(void **state)
{
	struct wheel_entry past = { 0 }, far = { 0 };
	struct wheel w;

	(void)state;
	wheel_init(&w, 9000000);
	/* The owner slept long: the wheel follows when it is asked. */
	assert_null(wheel_expired(&w, 99000000));
	wheel_set(&w, &past, 50000000);
	wheel_set(&w, &far, 999000000);
	assert_true(wheel_next(&w) == 99001000);
	assert_null(wheel_expired(&w, 99000999));
	assert_ptr_equal(wheel_expired(&w, 99001000), &past);
	assert_null(wheel_expired(&w, 99001000));
	assert_in_range(wheel_next(&w), 99001000, 99128000);
	assert_ptr_equal(wheel_expired(&w, 999000000), &far);
}

static void wheel_expires_slots_in_order_after_a_pause(void **state)
{
	struct wheel_entry e[3] = { 0 };
	struct wheel w;

	(void)state;
	wheel_init(&w, 0);
	wheel_set(&w, &e[0], 70000);
	wheel_set(&w, &e[1], 3000);
	wheel_set(&w, &e[2], 127000);
	assert_ptr_equal(wheel_expired(&w, 500000), &e[1]);
	/* Set while others are still due: not lost, and not for ever first. */
	wheel_set(&w, &e[1], 560000);
	assert_ptr_equal(wheel_expired(&w, 500000), &e[0]);
	assert_ptr_equal(wheel_expired(&w, 500000), &e[2]);
	assert_ptr_equal(wheel_expired(&w, 500000), &e[1]);
	assert_null(wheel_expired(&w, 500000));
	wheel_set(&w, &e[1], 560000);
	assert_true(wheel_next(&w) == 560000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(call_is_found_by_addresses_and_id_only),
		cmocka_unit_test(sixty_thousand_calls_come_and_go),
		cmocka_unit_test(longest_prefix_wins),
		cmocka_unit_test(a_prefix_has_one_holder),
		cmocka_unit_test(slots_are_distinct_aligned_and_reused),
		cmocka_unit_test(pool_grows_to_its_bound_and_shrinks_again),
		cmocka_unit_test(holding_leaves_the_reserve_alone),
		cmocka_unit_test(wheel_yields_each_entry_in_its_millisecond),
		cmocka_unit_test(wheel_moves_an_entry_only_nearer),
		cmocka_unit_test(wheel_takes_past_and_far_deadlines),
		cmocka_unit_test(wheel_expires_slots_in_order_after_a_pause),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
