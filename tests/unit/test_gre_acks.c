/* lib/gre/receiver: acknowledgements, when and of what (RFC 2637 sections 4.2.5 and 4.3). */
#include "tests/unit/gre_rig.h"

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

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(acknowledgements_ride_or_go_after_the_delay),
		T(a_few_packets_or_half_a_window_force_an_acknowledgement),
		T(what_waits_for_a_gap_is_acknowledged_but_for_the_highest),
		T(two_forged_numbers_do_not_stop_acknowledgements),
		T(a_number_is_acknowledged_once_and_again_after_a_new_numbering),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
