/* lib/gre/receiver: how long a gap is waited for, and what ends the wait (RFC 2637 section 4.3). */
#include "tests/unit/gre_rig.h"

static void nothing_waits_longer_than_the_hold_time(void **state)
{
	(void)state;
	take(0);
	take(2);
	now += 10 * MS;
	take(4);
	now += 10 * MS;
	take(1); /* 2 goes; 4 still waits for 3, for its own 30 ms */
	assert_delivered(0, 3);
	assert_true(gre_receiver_deadline(&r) <= 1040 * MS);
	tick(1030 * MS); /* the deadline of 2, which has left */
	assert_int_equal(ndelivered, 3);
	assert_int_equal(r.hold_deadline, 1040 * MS);
	tick(1040 * MS - 1);
	assert_int_equal(ndelivered, 3);
	tick(1040 * MS);
	assert_int_equal(ndelivered, 4);
	assert_int_equal(r.lost, 1);
}

static void giving_up_goes_through_the_oldest_but_not_beyond(void **state)
{
	(void)state;
	take(0);
	take(5); /* the oldest waits behind two gaps */
	now += 5 * MS;
	take(2);
	take(8);
	tick(1030 * MS);
	/* 1, 3 and 4 are lost; 8 still has 5 ms */
	assert_int_equal(ndelivered, 3);
	assert_int_equal(r.lost, 3);
	assert_int_equal(r.held, 1);
	assert_int_equal(r.hold_deadline, 1035 * MS);
	take(7);
	take(6);
	assert_int_equal(ndelivered, 6);
	assert_int_equal(delivered[5], 8);
}

/* As after a pause of the thread that reads: packets that came in time are behind others. */
static void a_gap_is_given_up_by_a_tick_only(void **state)
{
	(void)state;
	take(0);
	take(2);
	now += 3 * GRE_HOLD_TIME;
	take(3);
	take(6);
	take(1);
	assert_delivered(0, 4);
	tick(now);
	take(4);
	take(5);
	assert_delivered(0, 7);
	assert_int_equal(r.lost, 0);
	assert_int_equal(r.late, 0);
}

/* One packet in ten never comes: what is behind it is given out when its time is over. */
static void lose(unsigned int times)
{
	for (unsigned int i = 0; i < times; i++) {
		take_run(r.next, 8);
		take(r.next + 1);
		tick(now += GRE_HOLD_TIME);
	}
}

static void the_wait_for_what_is_lost_becomes_short(void **state)
{
	(void)state;
	r.is_patient = false;
	take(0);
	assert_int_equal(gre_receiver_hold_time(&r), GRE_HOLD_TIME);
	lose(2);
	assert_true(gre_receiver_hold_time(&r) < GRE_HOLD_TIME);
	lose(20);
	assert_int_equal(gre_receiver_hold_time(&r), GRE_HOLD_MIN);
	take(r.next + 1);
	tick(now + GRE_HOLD_MIN - 1);
	assert_int_equal(r.held, 1);
	tick(now + GRE_HOLD_MIN);
	assert_int_equal(r.held, 0);
	r.is_patient = true;
	assert_int_equal(gre_receiver_hold_time(&r), GRE_HOLD_ORDER);
}

/* Memory for what came is taken with the first that did not, and goes when that is long ago, or at rest. */
static void what_came_is_noted_only_while_something_is_missing(void **state)
{
	(void)state;
	take_run(0, 10);
	take(5);
	assert_int_equal(r.duplicates, 1);
	assert_null(r.seen);
	take(11);
	tick(now + GRE_HOLD_TIME);
	assert_int_equal(r.lost, 1);
	assert_non_null(r.seen);
	take(11);
	assert_int_equal(r.duplicates, 2);
	take(10);
	take(10);
	assert_int_equal(r.late, 1);
	assert_int_equal(r.duplicates, 3);
	assert_int_equal(r.lost, 0);
	take_run(12, GRE_HOLD_MAX - 2);
	assert_non_null(r.seen);
	take(GRE_HOLD_MAX + 10);
	take(GRE_HOLD_MAX + 11);
	assert_null(r.seen);
	take(20);
	assert_int_equal(r.duplicates, 4);
	assert_int_equal(r.jumps + r.late, 1);
}

static void at_rest_all_memory_goes_back(void **state)
{
	uint32_t next = 100;

	(void)state;
	take_run(0, next);
	assert_false(gre_receiver_is_large(&r));
	take(next + 1);
	assert_false(gre_receiver_is_large(&r)); /* it waits */
	gre_receiver_rest(&r);
	assert_non_null(r.ring);
	tick(now + GRE_HOLD_TIME);
	assert_true(gre_receiver_is_large(&r));
	gre_receiver_rest(&r);
	assert_false(gre_receiver_is_large(&r));
	assert_null(r.ring);
	assert_null(r.seen);
	assert_int_equal(r.lost, 1);
	take(next); /* late, and nobody knows whether it is the first time */
	assert_int_equal(r.late, 1);
	assert_int_equal(r.lost, 1);
	take_run(next + 2, 100);
	assert_int_equal(ndelivered, next + 101);
}

static void the_wait_follows_those_that_are_late(void **state)
{
	uint32_t next;

	(void)state;
	r.is_patient = false;
	take(0);
	lose(30);
	next = r.next;
	take(next + 2);
	now += MS * 8 / 10;
	take(next + 1);
	take(next); /* 0.8 ms later than the one behind it */
	assert_int_equal(r.held, 0);
	assert_int_equal(gre_receiver_hold_time(&r), 1200);
	next = r.next;
	take(next + 1);
	tick(now += 1200);
	now += 4 * MS;
	take(next); /* given up: it was late by 5.2 ms at least */
	assert_int_equal(r.late, 1);
	assert_in_range(gre_receiver_hold_time(&r), 7 * MS, 9 * MS);
	take(r.next + 1);
	tick(now + 6 * MS);
	assert_int_equal(r.held, 1);
	take(r.next);
	assert_int_equal(r.held, 0);
	lose(1);
	assert_in_range(gre_receiver_hold_time(&r), 5 * MS, 8 * MS);
}

static void without_losses_the_wait_stays_long(void **state)
{
	(void)state;
	take(0);
	for (unsigned int i = 0; i < 5000; i++) {
		take(r.next + 1);
		tick(now += MS);
		take(r.next);
	}
	assert_int_equal(gre_receiver_hold_time(&r), GRE_HOLD_TIME);
	assert_int_equal(r.lost, 0);
}

/* An absurd delay of one packet is no reason to wait longer than ever. */
static void the_wait_has_a_limit(void **state)
{
	(void)state;
	take_run(0, 100);
	lose(30);
	take(r.next + 1);
	tick(now += GRE_HOLD_TIME);
	now += 100000 * MS;
	take(r.next - 2);
	assert_int_equal(r.late, 1);
	assert_int_equal(gre_receiver_hold_time(&r), GRE_HOLD_TIME);
}

static void one_that_overtakes_far_waits_for_the_stream(void **state)
{
	uint32_t early;

	(void)state;
	r.is_patient = false;
	take(0);
	lose(30);
	early = r.next + 500;
	take(early);
	while (r.next < early) {
		take(r.next);
		tick(now += 20);
	}
	take(early);
	assert_int_equal(r.duplicates, 1);
	assert_int_equal(r.jumps, 0);
	assert_int_equal(r.late, 0);
	assert_int_equal(r.next, early + 1);
}

/* Its losses made its waits short, which is no help for who guesses a number. */
static void a_short_wait_is_not_for_a_long_gap(void **state)
{
	uint32_t first;

	(void)state;
	r.is_patient = false;
	take(0);
	lose(30);
	first = r.next;
	take(first + 1000); /* forged: the stream has a packet in 5 ms */
	for (uint32_t i = 0; i < 2000; i++) {
		bool lost = i % 100 == 3;

		for (unsigned int ms = 0; ms < 5; ms++)
			tick(now += MS);
		if (!lost)
			take(first + i + (i >= 1000));
	}
	assert_int_equal(r.late, 0);
	assert_int_equal(r.jumps, 1);
	assert_int_equal(r.held, 0);
}

/* Whatever it was given up for, what is late is late since then. */
static void a_gap_that_is_skipped_is_given_up_too(void **state)
{
	(void)state;
	r.is_patient = false;
	take(0);
	lose(30);
	now += 10000 * MS;
	gre_receiver_skip(&r, r.next + 1, now, &out);
	take(r.next);
	now += MS;
	take(r.next - 2);
	assert_int_equal(r.late, 1);
	assert_in_range(gre_receiver_hold_time(&r), MS, 4 * MS);
}

static void who_has_no_slots_skips_what_is_missing(void **state)
{
	(void)state;
	gre_receiver_skip(&r, 7, now, &out); /* nothing has begun */
	take(UINT32_MAX - 1);
	take(2);
	take(5);
	gre_receiver_skip(&r, 2, now, &out); /* a duplicate of what waits */
	take(2);
	assert_int_equal(r.duplicates, 1);
	gre_receiver_skip(&r, 4, now, &out);
	take(4);
	assert_int_equal(r.next, 6);
	assert_int_equal(r.held, 0);
	assert_int_equal(ndelivered, 4);
	assert_int_equal(delivered[3], 5);
	assert_int_equal(r.lost, 4);
	gre_receiver_skip(&r, 6 + GRE_HOLD_MAX, now, &out); /* absurd, or late: not followed */
	gre_receiver_skip(&r, 3, now, &out);
	assert_int_equal(r.next, 6);
	assert_int_equal(gre_receiver_deadline(&r), r.ack_deadline);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(nothing_waits_longer_than_the_hold_time),
		T(giving_up_goes_through_the_oldest_but_not_beyond),
		T(a_gap_is_given_up_by_a_tick_only),
		T(the_wait_for_what_is_lost_becomes_short),
		T(what_came_is_noted_only_while_something_is_missing),
		T(at_rest_all_memory_goes_back),
		T(the_wait_follows_those_that_are_late),
		T(without_losses_the_wait_stays_long),
		T(the_wait_has_a_limit),
		T(one_that_overtakes_far_waits_for_the_stream),
		T(a_short_wait_is_not_for_a_long_gap),
		T(a_gap_that_is_skipped_is_given_up_too),
		T(who_has_no_slots_skips_what_is_missing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
