/*
 * lib/gre/receiver: order, duplicates, late packets, the ring, over the wrap of the numbers. How long a gap is waited for is in
 * test_gre_waits.c, what forged numbers and jumps do in test_gre_jumps.c, acknowledgements in test_gre_acks.c.
 */
#include "tests/unit/gre_rig.h"

static void in_order_goes_on_at_once_from_any_first_number(void **state)
{
	static const uint32_t firsts[] = { 0, 1, 77, 0x7fffffff, 0x80000000, UINT32_MAX - 2 };

	for (size_t i = 0; i < sizeof(firsts) / sizeof(firsts[0]); i++) {
		set_up(state);
		take_run(firsts[i], 10);
		assert_delivered(firsts[i], 10);
		assert_int_equal(r.lost, 0);
		assert_null(r.ring); /* nothing is allocated for a stream in order */
		assert_int_equal(tear_down(state), 0);
	}
}

static void early_packets_wait_for_the_missing_one(void **state)
{
	(void)state;
	take(10);
	take(12);
	take(13);
	assert_delivered(10, 1);
	assert_int_equal(r.hold_deadline, now + GRE_HOLD_TIME);
	take(11);
	assert_delivered(10, 4);
	assert_int_equal(r.reordered, 1);
	assert_int_equal(r.lost, 0);
	assert_int_equal(r.hold_deadline, UINT64_MAX);
}

static void order_holds_over_the_wrap(void **state)
{
	static const uint32_t offsets[] = { 0, 3, 1, 5, 2, 4, 9, 8, 7, 6, 10, 12, 11, 13 };

	(void)state;
	for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++)
		take(UINT32_MAX - 5 + offsets[i]);
	assert_delivered(UINT32_MAX - 5, 14);
	assert_int_equal(r.lost, 0);
	assert_int_equal(ndropped, 0);
}

static void gaps_are_given_up_over_the_wrap(void **state)
{
	(void)state;
	take(UINT32_MAX - 1);
	take(2); /* missing: UINT32_MAX, 0, 1 */
	tick(now + GRE_HOLD_TIME);
	assert_int_equal(ndelivered, 2);
	assert_int_equal(delivered[1], 2);
	assert_int_equal(r.lost, 3);
	take(0);
	assert_int_equal(r.late, 1);
	assert_int_equal(r.lost, 2);
	take(3);
	assert_int_equal(ndelivered, 3);
}

static void duplicates_are_dropped_and_freed(void **state)
{
	(void)state;
	take_run(0, 5);
	take(4);
	take(0);
	take(7);
	take(7);
	assert_int_equal(r.duplicates, 3);
	assert_int_equal(r.late, 0);
	assert_int_equal(ndropped, 3);
	take_run(5, 2);
	take(7);
	assert_delivered(0, 8);
	assert_int_equal(r.duplicates, 4);
}

static void late_packets_are_told_from_duplicates_and_from_loss(void **state)
{
	(void)state;
	take(0);
	take(3);
	tick(now + GRE_HOLD_TIME);
	assert_int_equal(r.lost, 2);
	take(1);
	take(1);
	take(3);
	assert_int_equal(r.late, 1);
	assert_int_equal(r.duplicates, 2);
	assert_int_equal(r.lost, 1); /* only 2 never came */
	assert_int_equal(ndelivered, 2);
}

static void before_the_first_number_is_late_not_lost(void **state)
{
	(void)state;
	take(5);
	take(4);
	assert_int_equal(r.late, 1);
	assert_int_equal(r.lost, 0);
	take(6);
	assert_int_equal(ndelivered, 2);
}

static void a_full_buffer_is_flushed_in_order(void **state)
{
	(void)state;
	take(0);
	take_run(2, GRE_HOLD_MAX - 1); /* 1 is lost on a fast link */
	assert_int_equal(ndelivered, 1);
	assert_int_equal(r.held, GRE_HOLD_MAX - 1);
	take_run(2 + GRE_HOLD_MAX - 1, 100);
	assert_int_equal(ndelivered, 1 + GRE_HOLD_MAX - 1 + 100);
	assert_int_equal(delivered[1], 2);
	assert_int_equal(delivered[ndelivered - 1], 2 + GRE_HOLD_MAX - 1 + 99);
	assert_int_equal(r.lost, 1);
	assert_int_equal(r.overflow, 1);
	assert_int_equal(r.held, 0);
	assert_int_equal(ndropped, 0);
}

/* As from a pause in the path: those too far ahead are lost, but not those that they overtook. */
static void a_burst_too_long_for_the_ring_does_not_make_the_rest_late(void **state)
{
	(void)state;
	take_run(0, 10);
	take_run(10 + GRE_HOLD_MAX + 90, 100);
	take_run(10 + GRE_HOLD_MAX / 2, GRE_HOLD_MAX / 2);
	assert_int_equal(r.ring_size, GRE_HOLD_MAX);
	take_run(10, GRE_HOLD_MAX / 2);
	assert_delivered(0, 10 + GRE_HOLD_MAX);
	assert_int_equal(r.late, 0);
	assert_int_equal(r.lost, 0);
}

static void the_ring_grows_with_what_waits_in_it(void **state)
{
	(void)state;
	take(UINT32_MAX - 700);
	for (uint32_t i = 3; i < GRE_HOLD_MAX; i += 2) {
		take(UINT32_MAX - 700 + i);
		assert_true(r.ring_size > i && r.ring_size <= (i < 256 ? 256 : 2 * i));
		take(UINT32_MAX - 700 + i); /* doubled */
	}
	for (uint32_t i = 1; i < GRE_HOLD_MAX + 1; i++)
		take(UINT32_MAX - 700 + i);
	assert_delivered(UINT32_MAX - 700, GRE_HOLD_MAX + 1);
}

static void the_ring_is_given_back_when_it_is_not_needed(void **state)
{
	(void)state;
	take(0);
	take(1500);
	assert_true(r.ring_size >= 1500);
	take_run(1, 1499);
	assert_delivered(0, 1501);
	now += GRE_HOLD_IDLE - 1;
	take(1501);
	assert_non_null(r.ring);
	now++;
	take(1502);
	assert_null(r.ring);
	take(1504);
	take(1503);
	assert_delivered(0, 1505);
}

static void what_is_held_is_given_back_at_the_end(void **state)
{
	(void)state;
	take(0);
	take_run(2, 100);
	gre_receiver_done(&r, &out);
	drain();
	assert_int_equal(alive, 0);
	assert_int_equal(ndropped, 100);
	assert_int_equal(gre_receiver_deadline(&r), UINT64_MAX);
}

static uint32_t rng;

static uint32_t chance(uint32_t n)
{
	rng = rng * 1664525u + 1013904223u;
	return (uint32_t)((uint64_t)rng * n >> 32);
}

/* Loss, duplicates, local reordering and forged numbers at random: order, and the books balance. */
static void random_streams_stay_in_order_and_the_books_balance(void **state)
{
	for (uint32_t seed = 1; seed <= 60; seed++) {
		uint32_t first = seed & 1 ? 0u - 1500u : seed * 0x01234567u, sent = 3000;
		uint32_t window[8], n = 0, lost = 0;
		uint64_t total;

		rng = seed;
		set_up(state);
		take(first);
		for (uint32_t i = 1; i < sent || n;) {
			now += chance(300);
			if (now >= gre_receiver_deadline(&r))
				tick(now);
			if (!chance(100))
				take(first + i + GRE_HOLD_MAX + 100 + chance(0x70000000));
			if (n < 8 && i < sent) {
				if (chance(30) || i + 1 == sent)
					window[n++] = first + i;
				else
					lost++;
				i++;
				continue;
			}
			uint32_t k = chance(n), seq = window[k];

			take(seq);
			if (!chance(50))
				take(seq);
			window[k] = window[--n];
		}
		tick(now + GRE_HOLD_TIME);
		for (unsigned int i = 1; i < ndelivered; i++)
			assert_true((int32_t)(delivered[i] - delivered[i - 1]) > 0);
		total = r.duplicates + r.late + r.jumps;
		assert_int_equal(ndropped, total);
		assert_int_equal(ndelivered + total, r.received);
		assert_int_equal(r.lost, lost);
		assert_true(r.late < sent / 100); /* later than all for a while */
		assert_int_equal(ndelivered + lost + r.late, sent);
		assert_int_equal(tear_down(state), 0);
	}
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(in_order_goes_on_at_once_from_any_first_number),
		T(early_packets_wait_for_the_missing_one),
		T(order_holds_over_the_wrap),
		T(gaps_are_given_up_over_the_wrap),
		T(duplicates_are_dropped_and_freed),
		T(late_packets_are_told_from_duplicates_and_from_loss),
		T(before_the_first_number_is_late_not_lost),
		T(a_full_buffer_is_flushed_in_order),
		T(a_burst_too_long_for_the_ring_does_not_make_the_rest_late),
		T(the_ring_grows_with_what_waits_in_it),
		T(the_ring_is_given_back_when_it_is_not_needed),
		T(what_is_held_is_given_back_at_the_end),
		T(random_streams_stay_in_order_and_the_books_balance),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
