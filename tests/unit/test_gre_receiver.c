/*
 * lib/gre/receiver: order, loss, duplicates, jumps and acknowledgements, over the wrap of the
 * numbers and against forged ones. Every packet is from the heap, so that a leak or a double free
 * fails under the sanitizers, and is counted.
 */
#include "lib/gre/receiver.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MS 1000u

static struct gre_receiver r;
static struct packet_list out;
static uint64_t now;
static int alive;
static uint32_t delivered[20000];
static unsigned int ndelivered, ndropped;

static void drain(void)
{
	struct packet *p;

	while ((p = packet_list_take(&out))) {
		if (p->verdict == PACKET_DROP)
			ndropped++;
		else
			memcpy(&delivered[ndelivered++], p->data, sizeof(uint32_t));
		assert_true(ndelivered < 20000);
		free(p);
		alive--;
	}
}

static void take(uint32_t seq)
{
	struct packet *p = malloc(sizeof(*p));

	assert_non_null(p);
	alive++;
	packet_reset(p);
	memcpy(p->data, &seq, sizeof(seq));
	p->len = sizeof(seq);
	gre_receiver_take(&r, p, seq, now, &out);
	drain();
	assert_int_equal(alive, r.held);
}

static void take_run(uint32_t from, unsigned int n)
{
	while (n--)
		take(from++);
}

static void tick(uint64_t at)
{
	now = at;
	gre_receiver_tick(&r, now, &out);
	drain();
	assert_int_equal(alive, r.held);
}

static int set_up(void **state)
{
	(void)state;
	gre_receiver_init(&r, 64);
	packet_list_init(&out);
	now = 1000 * MS;
	ndelivered = 0;
	ndropped = 0;
	alive = 0;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	gre_receiver_done(&r, &out);
	drain();
	return alive;
}

static void assert_delivered(uint32_t from, unsigned int n)
{
	assert_int_equal(ndelivered, n);
	for (unsigned int i = 0; i < n; i++)
		assert_int_equal(delivered[i], from + i);
}

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

static void acknowledgements_ride_or_go_after_the_delay(void **state)
{
	uint32_t ack = 0;

	(void)state;
	assert_false(gre_receiver_ack(&r, &ack));
	assert_int_equal(gre_receiver_deadline(&r), UINT64_MAX);
	take_run(40, 3);
	assert_false(gre_receiver_ack_due(&r, now));
	assert_int_equal(gre_receiver_deadline(&r), now + GRE_ACK_DELAY);
	assert_true(gre_receiver_ack_due(&r, now + GRE_ACK_DELAY));
	assert_true(gre_receiver_ack(&r, &ack));
	assert_int_equal(ack, 42);
	assert_false(gre_receiver_ack(&r, &ack));
	assert_false(gre_receiver_ack_due(&r, now + GRE_ACK_DELAY));
	assert_int_equal(gre_receiver_deadline(&r), UINT64_MAX);
	take(44); /* waits: nothing new to acknowledge yet */
	assert_false(gre_receiver_ack(&r, &ack));
	take(43);
	assert_true(gre_receiver_ack(&r, &ack));
	assert_int_equal(ack, 44);
}

static void a_few_packets_or_half_a_window_force_an_acknowledgement(void **state)
{
	static const struct {
		uint16_t window;
		unsigned int packets;
	} cases[] = { { 0, 1 }, { 1, 1 }, { 2, 1 }, { 3, 2 }, { 15, 8 }, { 64, GRE_ACK_EVERY },
		{ 16384, GRE_ACK_EVERY } };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint32_t ack;

		set_up(state);
		r.window = cases[i].window;
		take_run(0, cases[i].packets - 1);
		assert_false(gre_receiver_ack_due(&r, now));
		take(cases[i].packets - 1);
		assert_true(gre_receiver_ack_due(&r, now));
		assert_int_equal(gre_receiver_deadline(&r), now);
		assert_true(gre_receiver_ack(&r, &ack));
		assert_int_equal(ack, cases[i].packets - 1);
		assert_int_equal(tear_down(state), 0);
	}
}

static uint32_t acknowledge(void)
{
	uint32_t ack;

	assert_true(gre_receiver_ack(&r, &ack));
	return ack;
}

/* RFC 2637 4.3. A peer that keeps its window would otherwise stand still until the gap is given up.
 */
static void what_waits_for_a_gap_is_acknowledged_but_for_the_highest(void **state)
{
	uint32_t ack;

	(void)state;
	take_run(UINT32_MAX - 3, 3);
	assert_int_equal(acknowledge(), UINT32_MAX - 1);
	take(0); /* UINT32_MAX is missing */
	assert_false(gre_receiver_ack(&r, &ack));
	take(1);
	assert_int_equal(gre_receiver_deadline(&r), now + GRE_ACK_DELAY);
	assert_int_equal(acknowledge(), 0);
	take_run(2, GRE_ACK_EVERY);
	assert_true(gre_receiver_ack_due(&r, now));
	assert_int_equal(acknowledge(), GRE_ACK_EVERY);
	tick(now + GRE_HOLD_TIME);
	assert_int_equal(acknowledge(), GRE_ACK_EVERY + 1);
	assert_false(gre_receiver_ack(&r, &ack));
}

static void two_forged_numbers_do_not_stop_acknowledgements(void **state)
{
	(void)state;
	take_run(0, 100);
	assert_int_equal(acknowledge(), 99);
	take_run(1000, 2);
	assert_int_equal(acknowledge(), 1000);
	take_run(100, 20);
	assert_int_equal(acknowledge(), 119);
	take_run(121, 2); /* and a gap */
	take(120);
	assert_int_equal(acknowledge(), 122);
}

static void a_number_is_acknowledged_once_and_again_after_a_new_numbering(void **state)
{
	uint32_t ack;

	(void)state;
	take_run(5000, 20);
	assert_int_equal(acknowledge(), 5019);
	take_run(5021, 3);
	assert_int_equal(acknowledge(), 5022);
	tick(now + GRE_BACK_QUIET);
	(void)gre_receiver_ack(&r, &ack);
	take_run(0, 10); /* the peer numbers anew */
	assert_int_equal(acknowledge(), 9);
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
		T(nothing_waits_longer_than_the_hold_time),
		T(giving_up_goes_through_the_oldest_but_not_beyond),
		T(a_gap_is_given_up_by_a_tick_only),
		T(what_came_is_noted_only_while_something_is_missing),
		T(at_rest_all_memory_goes_back),
		T(the_wait_for_what_is_lost_becomes_short),
		T(the_wait_follows_those_that_are_late),
		T(without_losses_the_wait_stays_long),
		T(the_wait_has_a_limit),
		T(one_that_overtakes_far_waits_for_the_stream),
		T(a_short_wait_is_not_for_a_long_gap),
		T(a_gap_that_is_skipped_is_given_up_too),
		T(who_has_no_slots_skips_what_is_missing),
		T(duplicates_are_dropped_and_freed),
		T(late_packets_are_told_from_duplicates_and_from_loss),
		T(before_the_first_number_is_late_not_lost),
		T(a_full_buffer_is_flushed_in_order),
		T(one_forged_number_changes_nothing),
		T(forged_numbers_between_real_packets_are_never_followed),
		T(a_forged_number_near_ahead_does_not_make_the_stream_late),
		T(forged_runs_near_ahead_do_not_make_a_stream_late_that_flows),
		T(a_packet_far_ahead_is_no_stray_before_its_time),
		T(a_real_outage_is_followed_after_confirmation),
		T(an_outage_with_loss_and_over_the_wrap_is_followed),
		T(a_run_of_forged_numbers_costs_the_stream_nothing),
		T(a_stream_that_flows_is_not_moved),
		T(a_burst_too_long_for_the_ring_does_not_make_the_rest_late),
		T(the_ring_grows_with_what_waits_in_it),
		T(the_ring_is_given_back_when_it_is_not_needed),
		T(a_real_jump_is_not_undone_by_what_comes_late),
		T(steps_that_do_not_agree_are_not_followed),
		T(a_forged_first_packet_does_not_silence_the_stream),
		T(a_forged_first_packet_close_by_costs_no_more_than_a_pause),
		T(a_peer_that_numbers_anew_is_followed_when_the_old_stream_is_silent),
		T(a_burst_of_late_packets_does_not_turn_the_stream_back),
		T(acknowledgements_ride_or_go_after_the_delay),
		T(a_few_packets_or_half_a_window_force_an_acknowledgement),
		T(what_waits_for_a_gap_is_acknowledged_but_for_the_highest),
		T(two_forged_numbers_do_not_stop_acknowledgements),
		T(a_number_is_acknowledged_once_and_again_after_a_new_numbering),
		T(what_is_held_is_given_back_at_the_end),
		T(random_streams_stay_in_order_and_the_books_balance),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
