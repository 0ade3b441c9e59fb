/* lib/gre/sender: numbers over the wrap, what counts as acknowledged, round-trip time. */
#include "lib/gre/sender.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void begin(struct gre_sender *s, uint16_t window)
{
	const struct gre_sender_config config = { .window = window };

	gre_sender_init(s, &config);
}

static void send(struct gre_sender *s, unsigned int packets, uint64_t now)
{
	while (packets--)
		gre_sender_number(s, now);
}

static void numbers_start_at_zero_and_wrap(void **state)
{
	struct gre_sender s;

	(void)state;
	begin(&s, 64);
	assert_int_equal(gre_sender_number(&s, 1), 0);
	assert_int_equal(gre_sender_number(&s, 1), 1);
	s.next = UINT32_MAX;
	s.floor = UINT32_MAX;
	s.sent = UINT32_MAX;
	assert_int_equal(gre_sender_number(&s, 1), UINT32_MAX);
	assert_int_equal(gre_sender_number(&s, 1), 0);
	gre_sender_acked(&s, UINT32_MAX, 2);
	assert_int_equal(gre_sender_in_flight(&s), 1);
	gre_sender_acked(&s, 0, 2);
	assert_int_equal(gre_sender_in_flight(&s), 0);
	assert_int_equal(s.bad_acks, 0);
}

static void acks_of_what_was_never_sent_are_bad(void **state)
{
	static const uint32_t bad[] = { 3, 4, 0x7fffffff, 0x80000000, UINT32_MAX };
	struct gre_sender s;

	(void)state;
	begin(&s, 64);
	/* pptp-linux 1.10 acknowledges "nothing yet" so. */
	gre_sender_acked(&s, UINT32_MAX, 1);
	gre_sender_acked(&s, 0, 1);
	assert_int_equal(s.bad_acks, 2);
	for (int i = 0; i < 3; i++)
		gre_sender_number(&s, 1);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		gre_sender_acked(&s, bad[i], 1);
	assert_int_equal(s.bad_acks, 7);
	assert_false(s.any_acked);
	assert_int_equal(gre_sender_in_flight(&s), 3);
	gre_sender_acked(&s, 2, 1);
	assert_int_equal(s.acks, 1);
	assert_int_equal(gre_sender_in_flight(&s), 0);
}

static void old_acks_do_not_take_back(void **state)
{
	struct gre_sender s;

	(void)state;
	begin(&s, 64);
	send(&s, 10, 1);
	assert_int_equal(gre_sender_in_flight(&s), 10);
	gre_sender_acked(&s, 6, 1);
	assert_int_equal(gre_sender_in_flight(&s), 3);
	gre_sender_acked(&s, 2, 1);
	gre_sender_acked(&s, 6, 1);
	assert_int_equal(gre_sender_in_flight(&s), 3);
	assert_int_equal(s.acks, 1);
	assert_int_equal(s.old_acks, 1);
}

static void assert_estimate(
	const struct gre_sender *s, uint32_t rtt, uint32_t deviation, uint32_t ato)
{
	assert_int_equal(s->rtt, rtt);
	assert_int_equal(s->deviation, deviation);
	assert_int_equal(s->ato, ato);
}

static void the_estimator_is_that_of_4_4_1(void **state)
{
	const struct gre_sender_config config = { .window = 64, .delay = 5 };
	struct gre_sender s;

	(void)state;
	gre_sender_init(&s, &config);
	assert_estimate(&s, 500000, 0, 500000); /* RTT is PPD, DEV 0 */
	assert_int_equal(gre_sender_rtt(&s), 0);
	send(&s, 1, 1000000);
	gre_sender_acked(&s, 0, 1100000);
	/* SAMPLE 100000: DIFF -400000, DEV 0 + (400000 - 0) / 4, RTT 500000 - 400000 / 8 */
	assert_estimate(&s, 450000, 100000, 450000 + 4 * 100000);
	assert_int_equal(gre_sender_rtt(&s), 100000);
	send(&s, 1, 2000000);
	gre_sender_acked(&s, 1, 2530000);
	/* DIFF 80000, DEV 100000 + (80000 - 100000) / 4, RTT 450000 + 80000 / 8 */
	assert_estimate(&s, 460000, 95000, 460000 + 4 * 95000);
}

static void a_time_out_doubles_the_rtt_up_to_the_maximum(void **state)
{
	const struct gre_sender_config config = { .window = 64, .delay = 5, .ato_max = 1500000 };
	struct gre_sender s;

	(void)state;
	gre_sender_init(&s, &config);
	send(&s, 1, 1000000);
	gre_sender_acked(&s, 0, 1300000); /* DIFF -200000: DEV 50000, RTT 475000 */
	assert_estimate(&s, 475000, 50000, 675000);
	send(&s, 1, 2000000);
	gre_sender_tick(&s, 2674999);
	assert_int_equal(s.timeouts, 0);
	gre_sender_tick(&s, 2675000);
	assert_int_equal(s.timeouts, 1);
	assert_estimate(&s, 950000, 50000, 1150000);
	gre_sender_tick(&s, 60000000); /* nothing is under way */
	assert_int_equal(s.timeouts, 1);
	for (unsigned int i = 0; i < 3; i++) {
		send(&s, 1, 60000000 + i * 10000000);
		gre_sender_tick(&s, 69000000 + i * 10000000);
	}
	assert_int_equal(s.timeouts, 4);
	assert_estimate(&s, 1500000, 50000, 1500000);
	/* And it comes down as acknowledgements come: DIFF -1492000. */
	send(&s, 1, 100000000);
	gre_sender_acked(&s, 5, 100008000);
	assert_estimate(&s, 1500000 - 186500, 50000 + (1492000 - 50000) / 4, 1500000);
}

static void without_a_delay_announced_the_first_sample_is_the_seed(void **state)
{
	struct gre_sender s;

	(void)state;
	begin(&s, 64);
	assert_int_equal(s.ato, GRE_ATO_FIRST);
	send(&s, 1, 1000);
	gre_sender_acked(&s, 0, 9000);
	assert_estimate(&s, 8000, 4000, GRE_ATO_MIN);
	send(&s, 1, 10000);
	gre_sender_acked(&s, 1, 26000);
	assert_estimate(&s, 9000, 5000, GRE_ATO_MIN);
	send(&s, 1, 30000);
	gre_sender_acked(&s, 2, 31000);
	assert_estimate(&s, 8000, 5750, GRE_ATO_MIN);
}

static void the_sample_is_that_of_the_highest_packet_acknowledged(void **state)
{
	struct gre_sender s;

	(void)state;
	begin(&s, 64);
	send(&s, 1, 1000);
	send(&s, 1, 5000);
	gre_sender_acked(&s, 1, 9000);
	assert_int_equal(s.rtt, 4000);
	/* With more under way than times are kept for, one packet is timed alone. */
	begin(&s, 1000);
	send(&s, 1, 1000);
	send(&s, 499, 3000);
	gre_sender_acked(&s, 300, 11000);
	assert_int_equal(s.rtt, 10000);
	gre_sender_acked(&s, 499, 13000);
	assert_int_equal(s.rtt, 10000); /* SAMPLE 10000 */
	/* An acknowledgement that was held back for a minute of silence is no sample. */
	send(&s, 1, 1000000);
	gre_sender_acked(&s, 500, 61000000);
	assert_int_equal(gre_sender_rtt(&s), 10000);
}

static void the_window_begins_with_half_and_grows_by_one_a_window(void **state)
{
	static const struct {
		uint16_t announced, max, first;
	} t[] = { { 0, 1, 1 }, { 1, 1, 1 }, { 2, 2, 1 }, { 3, 3, 1 }, { 4, 4, 2 }, { 7, 7, 3 },
		{ 64, 64, 32 }, { 65535, 65535, 32767 } };
	struct gre_sender s;

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		begin(&s, t[i].announced);
		assert_int_equal(s.window_max, t[i].max);
		assert_int_equal(s.window, t[i].first);
	}
	begin(&s, 7);
	send(&s, 3, 1);
	gre_sender_acked(&s, 1, 2);
	assert_int_equal(s.window, 3);
	gre_sender_acked(&s, 2, 2); /* three */
	assert_int_equal(s.window, 4);
	send(&s, 4, 3);
	gre_sender_acked(&s, 6, 4);
	assert_int_equal(s.window, 5);
	send(&s, 11, 5); /* advisory: more than the window at once; 5, then 6 of it */
	gre_sender_acked(&s, 17, 6);
	assert_int_equal(s.window, 7);
	send(&s, 700, 7);
	gre_sender_acked(&s, 717, 8);
	assert_int_equal(s.window, 7);
}

static void a_time_out_halves_the_window_fractions_up(void **state)
{
	static const uint16_t after[] = { 16, 8, 4, 2, 1, 1 };
	struct gre_sender s;
	uint64_t now = 1000;

	(void)state;
	begin(&s, 63);
	assert_int_equal(s.window, 31);
	for (size_t i = 0; i < sizeof(after) / sizeof(after[0]); i++) {
		send(&s, 2, now);
		assert_int_equal(gre_sender_in_flight(&s), 2);
		now += GRE_ATO_MAX_DEFAULT;
		gre_sender_tick(&s, now);
		assert_int_equal(s.window, after[i]);
		assert_int_equal(gre_sender_in_flight(&s), 0);
	}
	/* What was written off is not acknowledged again, and a new window's worth is counted. */
	gre_sender_acked(&s, 11, now);
	assert_int_equal(s.window, 1);
	assert_int_equal(gre_sender_in_flight(&s), 0);
	send(&s, 1, now);
	gre_sender_acked(&s, 12, now);
	assert_int_equal(s.window, 2);
}

static void begin_strict(struct gre_sender *s, uint16_t window)
{
	const struct gre_sender_config config = { .flow = GRE_FLOW_STRICT, .window = window };

	gre_sender_init(s, &config);
}

static void strict_closes_and_only_strict_has_a_timer(void **state)
{
	struct gre_sender s;

	(void)state;
	begin_strict(&s, 4);
	assert_int_equal(gre_sender_deadline(&s), UINT64_MAX);
	send(&s, 1, 1000);
	assert_true(gre_sender_open(&s));
	assert_int_equal(gre_sender_deadline(&s), 1000 + GRE_ATO_FIRST);
	send(&s, 1, 2000);
	assert_false(gre_sender_open(&s));
	assert_int_equal(gre_sender_deadline(&s), 1000 + GRE_ATO_FIRST);
	gre_sender_acked(&s, 0, 5000); /* progress: the time-out begins anew */
	assert_true(gre_sender_open(&s));
	assert_int_equal(gre_sender_deadline(&s), 5000 + GRE_ATO_MIN);
	gre_sender_acked(&s, 1, 6000);
	assert_int_equal(gre_sender_deadline(&s), UINT64_MAX);
	begin(&s, 1);
	send(&s, 2, 1000);
	assert_true(gre_sender_open(&s));
	assert_false(gre_sender_has_room(&s));
	assert_int_equal(gre_sender_deadline(&s), UINT64_MAX);
	send(&s, 1, 2000000); /* but what is over is noticed */
	assert_int_equal(s.timeouts, 1);
	assert_int_equal(gre_sender_in_flight(&s), 1);
}

static void a_window_of_zero_does_not_stall(void **state)
{
	struct gre_sender s;

	(void)state;
	begin_strict(&s, 0);
	assert_true(gre_sender_open(&s));
	send(&s, 1, 1000);
	assert_false(gre_sender_open(&s));
	gre_sender_tick(&s, gre_sender_deadline(&s));
	assert_true(gre_sender_open(&s));
}

static void off_tracks_nothing(void **state)
{
	const struct gre_sender_config config = { .flow = GRE_FLOW_OFF, .window = 1 };
	struct gre_sender s;

	(void)state;
	gre_sender_init(&s, &config);
	send(&s, 100, 1000);
	assert_true(gre_sender_open(&s));
	assert_true(gre_sender_has_room(&s));
	assert_int_equal(gre_sender_in_flight(&s), 0);
	gre_sender_acked(&s, 50, 2000);
	gre_sender_acked(&s, 5000, 2000);
	assert_int_equal(s.acks + s.bad_acks, 0);
	assert_int_equal(gre_sender_rtt(&s), 0);
	assert_int_equal(gre_sender_deadline(&s), UINT64_MAX);
}

static void the_window_survives_the_wrap_of_the_numbers(void **state)
{
	struct gre_sender s;

	(void)state;
	begin_strict(&s, 8);
	s.next = s.floor = UINT32_MAX - 1;
	s.sent = UINT32_MAX - 1;
	s.acked = UINT32_MAX - 2;
	s.any_acked = true;
	send(&s, 4, 1000);
	assert_false(gre_sender_open(&s));
	gre_sender_acked(&s, 0, 2000);
	assert_int_equal(gre_sender_in_flight(&s), 1);
	assert_true(gre_sender_open(&s));
	gre_sender_acked(&s, UINT32_MAX, 2000); /* old */
	gre_sender_acked(&s, 2, 2000);          /* never sent */
	assert_int_equal(gre_sender_in_flight(&s), 1);
	assert_int_equal(s.bad_acks, 1);
	gre_sender_acked(&s, 1, 2000);
	assert_int_equal(gre_sender_deadline(&s), UINT64_MAX);
}

static void a_peer_may_begin_to_acknowledge_again_at_any_distance(void **state)
{
	struct gre_sender s;

	(void)state;
	begin(&s, 64);
	send(&s, 1, 1000);
	gre_sender_acked(&s, 0, 2000);
	/* As after 2^31 - 2 more packets. */
	s.next = s.floor = INT32_MAX;
	s.sent = INT32_MAX;
	send(&s, 4, 3000);
	gre_sender_acked(&s, s.next - 2, 4000);
	assert_int_equal(s.old_acks, 0);
	assert_int_equal(s.acks, 2);
	assert_int_equal(gre_sender_in_flight(&s), 1);
	gre_sender_acked(&s, s.next - 3, 4000);
	assert_int_equal(s.old_acks, 1);
}

/* An idle peer that acknowledges only with data; times of sending are kept modulo 71 minutes. */
static void an_acknowledgement_after_hours_is_no_sample(void **state)
{
	static const uint64_t silences[] = { 20000000, 2200000000, 4200000000, 4300000000 };
	uint64_t now = 1000;
	struct gre_sender s;

	(void)state;
	begin(&s, 64);
	send(&s, 1, now);
	gre_sender_acked(&s, 0, now += 50000);
	assert_int_equal(gre_sender_rtt(&s), 50000);
	for (uint32_t i = 0; i < 4; i++) {
		send(&s, 1, now);
		gre_sender_acked(&s, i + 1, now += silences[i]);
		assert_int_equal(gre_sender_rtt(&s), 50000);
	}
}

static void what_the_peer_announces_late_counts(void **state)
{
	struct gre_sender s;

	(void)state;
	begin_strict(&s, 0);
	gre_sender_set_peer(&s, 64, 20);
	assert_int_equal(s.window, 32);
	assert_int_equal(s.ato, 2000000);
}

static void a_clock_that_stands_or_goes_back_is_survived(void **state)
{
	struct gre_sender s;

	(void)state;
	begin(&s, 64);
	gre_sender_number(&s, 1000);
	gre_sender_acked(&s, 0, 1000);
	assert_int_equal(s.rtt, 1);
	gre_sender_number(&s, 1000);
	gre_sender_acked(&s, 1, 500);
	assert_int_equal(s.rtt, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_start_at_zero_and_wrap),
		cmocka_unit_test(acks_of_what_was_never_sent_are_bad),
		cmocka_unit_test(old_acks_do_not_take_back),
		cmocka_unit_test(the_estimator_is_that_of_4_4_1),
		cmocka_unit_test(a_time_out_doubles_the_rtt_up_to_the_maximum),
		cmocka_unit_test(without_a_delay_announced_the_first_sample_is_the_seed),
		cmocka_unit_test(the_sample_is_that_of_the_highest_packet_acknowledged),
		cmocka_unit_test(the_window_begins_with_half_and_grows_by_one_a_window),
		cmocka_unit_test(a_time_out_halves_the_window_fractions_up),
		cmocka_unit_test(strict_closes_and_only_strict_has_a_timer),
		cmocka_unit_test(a_window_of_zero_does_not_stall),
		cmocka_unit_test(off_tracks_nothing),
		cmocka_unit_test(the_window_survives_the_wrap_of_the_numbers),
		cmocka_unit_test(a_peer_may_begin_to_acknowledge_again_at_any_distance),
		cmocka_unit_test(an_acknowledgement_after_hours_is_no_sample),
		cmocka_unit_test(what_the_peer_announces_late_counts),
		cmocka_unit_test(a_clock_that_stands_or_goes_back_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
