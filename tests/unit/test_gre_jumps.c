/* lib/gre/receiver: numbers far from the stream's: forged ones, outages, and peers that number anew. */
#include "tests/unit/gre_rig.h"

static void one_forged_number_changes_nothing(void **state)
{
	static const uint32_t forged[] = { 1000 + GRE_HOLD_MAX, 0x7fffffff, 0x80000000, 0x90000000,
		0xfffff000 };

	for (size_t i = 0; i < sizeof(forged) / sizeof(forged[0]); i++) {
		set_up(state);
		take_run(1000 - 50, 50);
		take(forged[i]);
		assert_int_equal(r.jumps, 1);
		take_run(1000, 100);
		assert_delivered(1000 - 50, 150);
		assert_int_equal(r.lost, 0);
		assert_int_equal(tear_down(state), 0);
	}
}

static void forged_numbers_between_real_packets_are_never_followed(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 200; i++) {
		take(i);
		take(500000 + 2 * i);
		take(500001 + 2 * i);
	}
	assert_delivered(0, 200);
	assert_int_equal(r.jumps, 400);
}

/* Inside the range that is held, a forged packet waits; as the real stream goes on below it, it is
 * thrown out. */
static void a_forged_number_near_ahead_does_not_make_the_stream_late(void **state)
{
	(void)state;
	take_run(0, 10);
	take(400);
	for (uint32_t i = 10; i < 50; i++) {
		tick(now + MS);
		take(i);
	}
	assert_delivered(0, 50);
	assert_int_equal(r.late, 0);
	assert_int_equal(r.lost, 0);
	assert_int_equal(r.jumps, 1);
}

/*
 * A ring that is never empty keeps the deadline of a packet that has left: it must not be taken for
 * that of one that has only just come.
 */
/* Who guesses where a stream is may send as much as he likes ahead of it, in any order. */
static void forged_runs_near_ahead_do_not_make_a_stream_late_that_flows(void **state)
{
	uint32_t forged = 1500;

	(void)state;
	take_run(0, 10);
	for (uint32_t i = 10; i < 1000; i++) {
		now += GRE_JUMP_QUIET - 1;
		tick(now);
		if (i % 7 == 0)
			take_run(i + 100, 100); /* to the end of the ring, in steps */
		for (uint32_t k = 0; k < 40 && i % 7 == 0; k++)
			take(i + 200 + 60 * k);
		if (i % 7 == 3) /* the lower one is younger */
			take(i + 90);
		if (forged < i + 600)
			forged = i + 1500;
		take(forged++);
		take(i);
		assert_delivered(0, i + 1);
	}
	assert_int_equal(r.lost, 0);
	tick(now + GRE_HOLD_TIME);
	assert_int_equal(r.held, 0);
	assert_true(r.next >= 1000);
}

static void a_packet_far_ahead_is_no_stray_before_its_time(void **state)
{
	(void)state;
	take(0);
	take(2);
	for (uint64_t end = now + GRE_HOLD_TIME - MS; now < end; now += MS) {
		take(r.next + 3);
		take(r.next);
		assert_int_equal(r.held, 1);
	}
	take(r.next + 200);
	take(r.next);
	tick(now + MS);
	take_run(r.next, 198);
	assert_delivered(0, r.next);
	assert_int_equal(r.jumps, 0);
	assert_int_equal(r.lost, 0);
}

static void a_real_outage_is_followed_after_confirmation(void **state)
{
	(void)state;
	take_run(0, 20);
	now += 2000 * MS;
	take_run(5000, GRE_JUMP_CONFIRM - 1);
	assert_int_equal(ndelivered, 20);
	take(5000 + GRE_JUMP_CONFIRM - 1);
	take(5000 + GRE_JUMP_CONFIRM);
	assert_int_equal(ndelivered, 22);
	assert_int_equal(delivered[20], 5000 + GRE_JUMP_CONFIRM - 1);
	assert_int_equal(r.lost, 5000 - 20);
	assert_int_equal(r.jumps, GRE_JUMP_CONFIRM - 1);
}

static void an_outage_with_loss_and_over_the_wrap_is_followed(void **state)
{
	(void)state;
	take_run(UINT32_MAX - 100, 20);
	take(UINT32_MAX - 70); /* waits: delivered before the jump */
	now += GRE_JUMP_QUIET;
	take(4000);
	take(4004);
	take(4004);
	take(4005);
	assert_int_equal(ndelivered, 22);
	assert_int_equal(delivered[20], UINT32_MAX - 70);
	assert_int_equal(delivered[21], 4005);
	take_run(4006, 10);
	assert_int_equal(ndelivered, 32);
}

static void a_run_of_forged_numbers_costs_the_stream_nothing(void **state)
{
	static const uint32_t forged[] = { 5000, 0x10000000, 0x7fffffff, 0x80000001, 0xf0000000 };
	uint32_t real = 50, foreign = 0;

	(void)state;
	take_run(0, real);
	for (uint32_t i = 0; i < 400; i++) {
		now += 20 * MS;
		for (uint32_t k = 0; k <= i % 3; k++) { /* up to three places one after another */
			foreign += 30;
			take_run(forged[(i + k) % 5] + foreign, 1 + i % 30);
			if (i & 1)
				take(forged[(i + k) % 5] + foreign + 40); /* waits */
		}
		ndelivered = 0;
		take(real + 1); /* in the wrong order, too */
		take(real);
		assert_delivered(real, 2);
		real += 2;
	}
	assert_int_equal(r.lost, 0);
}

static void a_stream_that_flows_is_not_moved(void **state)
{
	(void)state;
	take_run(0, 10);
	for (uint32_t i = 0; i < 400; i++) {
		now += GRE_JUMP_QUIET - 1;
		take_run(0x20000000 + 30 * i, 30);
		take(10 + i);
	}
	assert_delivered(0, 410);
	assert_int_equal(r.jumps, 400 * 30);
}

static void a_real_jump_is_not_undone_by_what_comes_late(void **state)
{
	(void)state;
	take_run(0, 100);
	now += GRE_JUMP_QUIET;
	take_run(20000, 50);
	take_run(400, 20); /* on the way for long; what was on the way near 100 is lost */
	ndelivered = 0;
	take_run(20050, 50);
	assert_delivered(20050, 50);
}

static void steps_that_do_not_agree_are_not_followed(void **state)
{
	(void)state;
	take_run(0, 20);
	for (uint32_t i = 0; i < 50; i++)
		take(100000 + i * (GRE_JUMP_STEP + 1));
	for (uint32_t i = 0; i < 50; i++)
		take(900000 - i);
	assert_int_equal(ndelivered, 20);
	take(20);
	assert_int_equal(ndelivered, 21);
}

static void a_forged_first_packet_does_not_silence_the_stream(void **state)
{
	static const uint32_t forged[] = { 100000, 0x7ffffff0, 0x80000000, 0xdeadbeef, UINT32_MAX };

	for (size_t i = 0; i < sizeof(forged) / sizeof(forged[0]); i++) {
		set_up(state);
		take(forged[i]);
		take_run(0, 10);
		/* UINT32_MAX is just before 0: no jump at all */
		assert_int_equal(
			ndelivered, forged[i] == UINT32_MAX ? 11 : 1 + 10 - (GRE_JUMP_CONFIRM - 1));
		assert_int_equal(delivered[ndelivered - 1], 9);
		assert_int_equal(r.lost, 0);
		assert_int_equal(tear_down(state), 0);
	}
}

static void a_forged_first_packet_close_by_costs_no_more_than_a_pause(void **state)
{
	(void)state;
	take(300);
	take_run(0, 5);
	assert_int_equal(ndelivered, 1);
	now += GRE_BACK_QUIET;
	take(5); /* PPP's retransmission */
	take_run(6, 10);
	assert_int_equal(ndelivered, 12);
	assert_int_equal(r.lost, 0);
}

static void a_peer_that_numbers_anew_is_followed_when_the_old_stream_is_silent(void **state)
{
	(void)state;
	take_run(70000, 100);
	take_run(0, 10);
	assert_int_equal(ndelivered, 100); /* could be a burst of delayed packets */
	now += GRE_BACK_QUIET;
	take_run(10, 10);
	assert_int_equal(ndelivered, 110);
	assert_int_equal(r.lost, 0);
}

static void a_burst_of_late_packets_does_not_turn_the_stream_back(void **state)
{
	(void)state;
	take_run(0, 100);
	take(120);
	tick(now + GRE_HOLD_TIME);
	take_run(100, 20);
	assert_int_equal(r.late, 20);
	assert_int_equal(r.lost, 0);
	assert_int_equal(ndelivered, 101);
	take(121);
	assert_int_equal(ndelivered, 102);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(one_forged_number_changes_nothing),
		T(forged_numbers_between_real_packets_are_never_followed),
		T(a_forged_number_near_ahead_does_not_make_the_stream_late),
		T(forged_runs_near_ahead_do_not_make_a_stream_late_that_flows),
		T(a_packet_far_ahead_is_no_stray_before_its_time),
		T(a_real_outage_is_followed_after_confirmation),
		T(an_outage_with_loss_and_over_the_wrap_is_followed),
		T(a_run_of_forged_numbers_costs_the_stream_nothing),
		T(a_stream_that_flows_is_not_moved),
		T(a_real_jump_is_not_undone_by_what_comes_late),
		T(steps_that_do_not_agree_are_not_followed),
		T(a_forged_first_packet_does_not_silence_the_stream),
		T(a_forged_first_packet_close_by_costs_no_more_than_a_pause),
		T(a_peer_that_numbers_anew_is_followed_when_the_old_stream_is_silent),
		T(a_burst_of_late_packets_does_not_turn_the_stream_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
