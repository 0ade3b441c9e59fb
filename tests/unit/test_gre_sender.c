/* lib/gre/sender: numbers over the wrap, what counts as acknowledged, round-trip time. */
#include "lib/gre/sender.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void numbers_start_at_zero_and_wrap(void **state)
{
	struct gre_sender s;

	(void)state;
	gre_sender_init(&s, 64);
	assert_int_equal(gre_sender_number(&s, 1), 0);
	assert_int_equal(gre_sender_number(&s, 1), 1);
	s.next = UINT32_MAX;
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
	gre_sender_init(&s, 64);
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
	gre_sender_acked(&s, 2, 1);
	assert_int_equal(s.acks, 1);
	assert_int_equal(gre_sender_in_flight(&s), 0);
}

static void old_acks_do_not_take_back(void **state)
{
	struct gre_sender s;

	(void)state;
	gre_sender_init(&s, 64);
	for (int i = 0; i < 10; i++)
		gre_sender_number(&s, 1);
	assert_int_equal(gre_sender_in_flight(&s), 0);
	gre_sender_acked(&s, 6, 1);
	assert_int_equal(gre_sender_in_flight(&s), 3);
	gre_sender_acked(&s, 2, 1);
	gre_sender_acked(&s, 6, 1);
	assert_int_equal(gre_sender_in_flight(&s), 3);
	assert_int_equal(s.acks, 1);
}

static void round_trip_time_follows_rfc_2637(void **state)
{
	struct gre_sender s;

	(void)state;
	gre_sender_init(&s, 64);
	assert_int_equal(s.rtt, 0);
	gre_sender_number(&s, 1000);
	gre_sender_number(&s, 5000);   /* not timed: one is already */
	gre_sender_acked(&s, 1, 9000); /* a multi-packet acknowledgement covers the timed one */
	assert_int_equal(s.rtt, 8000);
	assert_int_equal(s.deviation, 4000);
	gre_sender_number(&s, 10000);
	gre_sender_acked(&s, 2, 26000);
	/* DIFF 8000; DEV += 1/4 (8000 - 4000); RTT += 1/8 8000 */
	assert_int_equal(s.rtt, 9000);
	assert_int_equal(s.deviation, 5000);
	/* DIFF -8000 */
	gre_sender_number(&s, 30000);
	gre_sender_acked(&s, 3, 31000);
	assert_int_equal(s.rtt, 8000);
	assert_int_equal(s.deviation, 5750);
	/* The acknowledgement of the timed packet was lost, a minute of silence followed. */
	gre_sender_number(&s, 40000);
	gre_sender_number(&s, 60040000);
	gre_sender_acked(&s, 5, 60041000);
	assert_int_equal(s.rtt, 8000);
}

static void a_clock_that_stands_or_goes_back_is_survived(void **state)
{
	struct gre_sender s;

	(void)state;
	gre_sender_init(&s, 64);
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
		cmocka_unit_test(round_trip_time_follows_rfc_2637),
		cmocka_unit_test(a_clock_that_stands_or_goes_back_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
