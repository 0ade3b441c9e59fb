/* How PPP links end: closed by either end or below them, or by silence. */
#include "tests/unit/link_run.h"

/* Closing. */

static void closing_takes_a_round_trip(void **unused)
{
	(void)unused;
	for (int end = 0; end < 2; end++) {
		uint64_t start;

		pair_init(&p, 1);
		run(100 * SECOND);
		start = p.now;
		ppp_link_close(p.end[end].link, PPTP_ADMIN, p.now);
		assert_false(p.end[end].up);
		pair_run(&p, 100 * SECOND, true);
		assert_over(end, PPTP_ADMIN, "");
		assert_over(!end, PPTP_PPP_TERMINATED, pptp_reason_text(PPTP_ADMIN));
		assert_int_equal(p.now, start + 20 * MS);
		assert_int_equal(p.end[0].downs, 1);
		assert_int_equal(p.end[1].downs, 1);
		pair_done(&p);
	}
}

static void closing_of_both_at_once_ends(void **unused)
{
	(void)unused;
	pair_init(&p, 1);
	run(100 * SECOND);
	ppp_link_close(p.end[0].link, PPTP_ADMIN, p.now);
	ppp_link_close(p.end[1].link, PPTP_LOCAL_REQUEST, p.now);
	ppp_link_close(p.end[1].link, PPTP_SHUTDOWN, p.now); /* the first one counts */
	pair_run(&p, 100 * SECOND, true);
	assert_over(0, PPTP_ADMIN, "");
	assert_over(1, PPTP_LOCAL_REQUEST, "");
	pair_done(&p);
}

static void closing_without_an_answer_takes_three_seconds(void **unused)
{
	(void)unused;
	pair_init(&p, 1);
	run(100 * SECOND);
	p.loss = 100;
	ppp_link_close(p.end[CLIENT].link, PPTP_LOCAL_REQUEST, p.now);
	p.end[SERVER].sent[0] = p.end[CLIENT].sent[0] = 0;
	pair_run(&p, 300 * SECOND, true);
	pair_run(&p, 300 * SECOND, false);
	assert_over(CLIENT, PPTP_LOCAL_REQUEST, "");
	assert_int_equal(p.end[CLIENT].sent[0], 2); /* and the one before */
	/* The server notices by its echoes: 30 s of silence, four echoes. */
	assert_over(SERVER, PPTP_LCP_ECHO_TIMEOUT, "");
	assert_int_equal(p.end[SERVER].sent[0], 4);
	pair_done(&p);
}

static void closing_before_anything_came_is_at_once(void **unused)
{
	(void)unused;
	pair_init(&p, 1);
	p.loss = 100;
	pair_open(&p);
	pair_run(&p, 100 * MS, false);
	ppp_link_close(p.end[CLIENT].link, PPTP_LOCAL_REQUEST, p.now);
	assert_over(CLIENT, PPTP_LOCAL_REQUEST, "");
	ppp_link_close(
		p.end[CLIENT].link, PPTP_LOCAL_REQUEST, p.now); /* nothing happens any more */
	ppp_link_receive(p.end[CLIENT].link, PPP_LCP, (const uint8_t *)"\1\1\0\4", 4, p.now);
	ppp_link_tick(p.end[CLIENT].link, p.now + 100 * SECOND);
	ppp_link_lower_down(p.end[CLIENT].link, PPTP_SYSTEM, "", p.now);
	assert_false(p.broken);
	pair_done(&p);
}

static void the_lower_layer_ends_it_at_once(void **unused)
{
	(void)unused;
	for (unsigned int closing = 0; closing < 2; closing++) {
		pair_init(&p, 1);
		run(100 * SECOND);
		if (closing)
			ppp_link_close(p.end[CLIENT].link, PPTP_ADMIN, p.now);
		ppp_link_lower_down(p.end[CLIENT].link, PPTP_TCP_CLOSED, "reset", p.now);
		if (closing)
			assert_over(CLIENT, PPTP_ADMIN, "");
		else
			assert_over(CLIENT, PPTP_TCP_CLOSED, "reset");
		assert_int_equal(p.end[CLIENT].downs, 1);
		assert_false(p.broken);
		pair_done(&p);
	}
}

static void it_can_end_before_it_started(void **unused)
{
	(void)unused;
	pair_init(&p, 1);
	pair_open(&p);
	ppp_link_receive(p.end[0].link, PPP_LCP, (const uint8_t *)"\1\1\0\4", 4, p.now);
	ppp_link_close(p.end[0].link, PPTP_NONE, p.now);
	assert_over(0, PPTP_LOCAL_REQUEST, "");
	ppp_link_lower_down(p.end[1].link, PPTP_CALL_REFUSED, NULL, p.now);
	assert_over(1, PPTP_CALL_REFUSED, "");
	pair_done(&p);
	ppp_link_free(NULL);
}

/* Silence. */

static void no_frame_at_all_is_gre(void **unused)
{
	(void)unused;
	pair_init(&p, 1);
	p.loss = 100;
	run(100 * SECOND);
	assert_over(SERVER, PPTP_GRE_SILENT, "");
	assert_over(CLIENT, PPTP_GRE_SILENT, "");
	assert_true(p.now - 1000 * SECOND < 30 * SECOND);
	pair_done(&p);
}

static void setup_time_bounds_silence(void **unused)
{
	(void)unused;
	pair_init(&p, 1);
	p.loss = 100;
	p.end[CLIENT].config.setup_timeout = 7 * SECOND;
	pair_open(&p);
	pair_run(&p, 8 * SECOND, false);
	assert_over(CLIENT, PPTP_GRE_SILENT, "");
	pair_done(&p);
}

static void the_stage_that_hangs_names_the_reason(void **unused)
{
	static const struct {
		uint16_t protocol;
		int from;
		enum pptp_reason reason; /* of whoever is the first to give up */
	} cases[] = {
		{ PPP_CHAP, SERVER, PPTP_AUTH_TIMEOUT },
		{ PPP_CHAP, CLIENT, PPTP_AUTH_TIMEOUT },
		{ PPP_CCP, -1, PPTP_CCP_TIMEOUT },
		{ PPP_IPCP, -1, PPTP_IPCP_TIMEOUT },
	};

	(void)unused;
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		pair_init(&p, 1);
		p.filter = lose;
		lost_protocol = cases[i].protocol;
		lost_from = cases[i].from;
		run(200 * SECOND);
		for (int end = 0; end < 2; end++) {
			assert_true(p.end[end].over);
			if (p.end[end].reason != cases[i].reason &&
				(end == SERVER || p.end[end].reason != PPTP_PPP_TERMINATED))
				fail_msg("case %u end %d: %s (%s)", i, end,
					pptp_reason_name(p.end[end].reason), p.end[end].detail);
		}
		assert_true(p.now - 1000 * SECOND <= 64 * SECOND);
		pair_done(&p);
	}
}

static void half_an_lcp_is_a_timeout_of_lcp(void **unused)
{
	(void)unused;
	pair_init(&p, 1);
	p.filter = lose;
	lost_protocol = PPP_LCP;
	lost_from = CLIENT; /* its Acks get through, its Requests do not */
	run(200 * SECOND);
	assert_over(SERVER, PPTP_LCP_TIMEOUT, "");
	pair_done(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(closing_takes_a_round_trip),
		cmocka_unit_test(closing_of_both_at_once_ends),
		cmocka_unit_test(closing_without_an_answer_takes_three_seconds),
		cmocka_unit_test(closing_before_anything_came_is_at_once),
		cmocka_unit_test(the_lower_layer_ends_it_at_once),
		cmocka_unit_test(it_can_end_before_it_started),
		cmocka_unit_test(no_frame_at_all_is_gre),
		cmocka_unit_test(setup_time_bounds_silence),
		cmocka_unit_test(the_stage_that_hangs_names_the_reason),
		cmocka_unit_test(half_an_lcp_is_a_timeout_of_lcp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
