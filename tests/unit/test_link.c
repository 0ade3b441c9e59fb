/*
 * PPP links: our two ends with each other in virtual time over a good path: every combination of
 * policies, encryption out of step, echoes.
 */
#include "tests/unit/link_run.h"

#define RTTS 7 /* round trips from the first request to an open IPCP, at most */

static void nobody_waits_for_a_timer(void **unused)
{
	/* Who starts how much later; what is sent to an end before it started is lost. */
	static const int64_t later[] = { 0, 1, 50, 200, 290, 310, 1000, 5000 };

	(void)unused;
	for (unsigned int first = 0; first < 2; first++) {
		for (unsigned int i = 0; i < sizeof(later) / sizeof(later[0]); i++) {
			for (uint64_t delay = 0; delay <= 2000 * MS;
				delay = delay ? delay * 10 : 2 * MS) {
				uint64_t start;

				pair_init(&p, 1);
				p.delay = delay;
				p.end[first].start += (uint64_t)later[i] * MS;
				start = p.end[first].start;
				run(100 * SECOND);
				assert_agreed(true);
				if (p.now - start > RTTS * 2 * delay)
					fail_msg("%u later by %d ms, delay %d us: %d us", first,
						(int)later[i], (int)delay, (int)(p.now - start));
				pair_done(&p);
			}
		}
	}
}

static void a_late_verdict_costs_only_its_time(void **unused)
{
	(void)unused;
	pair_init(&p, 1);
	p.judge_delay = 1700 * MS; /* RADIUS */
	run(100 * SECOND);
	assert_agreed(true);
	assert_true(p.now - 1000 * SECOND < p.judge_delay + RTTS * 20 * MS);
	pair_done(&p);
}

static void the_report_says_what_was_agreed(void **unused)
{
	struct ppp_link_info info;

	(void)unused;
	pair_init(&p, 1);
	p.end[CLIENT].config.mru = 1300;
	pair_open(&p);
	ppp_link_get_info(p.end[SERVER].link, &info);
	assert_int_equal(info.phase, PPP_DEAD);
	pair_run(&p, 100 * SECOND, true);
	ppp_link_get_info(p.end[SERVER].link, &info);
	assert_int_equal(info.phase, PPP_NETWORK);
	assert_true(info.up && info.tx_encrypted && info.rx_encrypted);
	assert_string_equal(info.auth, "MS-CHAPv2");
	assert_string_equal(info.peer_name, "alice");
	assert_int_equal(info.mppe.bits, MPPE_128);
	assert_int_equal(info.mru, 1400);
	assert_int_equal(info.peer_mru, 1300);
	assert_int_equal(info.net.remote, pair_address(100));
	assert_true(info.received > 5);
	assert_int_equal(p.end[SERVER].peer_mru, 1300);
	assert_true(p.end[SERVER].acfc && p.end[SERVER].pfc);
	ppp_link_get_info(p.end[CLIENT].link, &info);
	assert_string_equal(info.peer_name, "vpn");
	assert_int_equal(info.mru, 1300);
	assert_int_equal(info.peer_mru, 1300);
	assert_int_equal(info.net.dns[0], pair_address(53));
	assert_int_equal(info.net.nbns[0], 0);
	pair_run(&p, 40 * SECOND, false); /* an echo */
	ppp_link_get_info(p.end[CLIENT].link, &info);
	assert_int_equal(info.echo_rtt, 20 * MS);
	assert_string_equal(ppp_phase_name(PPP_NETWORK), "network");
	pair_done(&p);
}

/* Every combination of policy, strengths and modes. */

static unsigned int best(unsigned int set)
{
	return set & PPP_MPPE_128 ? 128 : set & PPP_MPPE_56 ? 56 : set & PPP_MPPE_40 ? 40 : 0;
}

static bool modes_meet(const struct ppp_mppe_config *a, const struct ppp_mppe_config *b)
{
	return (a->allow_stateless && b->allow_stateless) ||
	       (a->allow_stateful && b->allow_stateful);
}

static void check_policies(const struct ppp_mppe_config *s, const struct ppp_mppe_config *c)
{
	unsigned int common = best(s->strengths & c->strengths);
	bool possible = common && modes_meet(s, c) && s->policy != PPP_MPPE_OFF &&
			c->policy != PPP_MPPE_OFF;
	bool required = s->policy == PPP_MPPE_REQUIRE || c->policy == PPP_MPPE_REQUIRE;

	pair_init(&p, 5);
	p.end[SERVER].config.mppe = *s;
	p.end[CLIENT].config.mppe = *c;
	run(100 * SECOND);
	if (possible || !required) {
		assert_agreed(possible);
		if (possible) {
			assert_int_equal(p.end[SERVER].tx_params.bits, common);
			assert_int_equal(p.end[SERVER].rx_params.bits, common);
		}
		assert_true(p.now - 1000 * SECOND < 400 * MS);
	} else {
		for (int i = 0; i < 2; i++) {
			assert_true(p.end[i].over);
			assert_int_equal(p.end[i].ups, 0);
			if (p.end[i].config.mppe.policy == PPP_MPPE_REQUIRE)
				assert_int_equal(p.end[i].reason, PPTP_MPPE_REFUSED);
			else
				assert_int_equal(p.end[i].reason, PPTP_MPPE_REQUIRED_BY_PEER);
		}
	}
	pair_done(&p);
}

static void every_policy_meets_every_other(void **unused)
{
	struct ppp_mppe_config ends[3 * 7 * 3];
	unsigned int n = 0;

	(void)unused;
	for (unsigned int policy = PPP_MPPE_OFF; policy <= PPP_MPPE_REQUIRE; policy++) {
		for (unsigned int set = 1; set < 8; set++) {
			for (unsigned int modes = 1; modes < 4; modes++)
				ends[n++] = (struct ppp_mppe_config){ .policy = policy,
					.strengths = set,
					.allow_stateless = modes & 1,
					.allow_stateful = modes & 2 };
		}
	}
	for (unsigned int s = 0; s < n; s++) {
		for (unsigned int c = 0; c < n; c++)
			check_policies(&ends[s], &ends[c]);
	}
}

/* How authentication ends. */

static void a_wrong_password_is_said_at_both_ends(void **unused)
{
	(void)unused;
	pair_init(&p, 1);
	p.end[CLIENT].config.password = "wrong";
	run(100 * SECOND);
	assert_over(SERVER, PPTP_AUTH_FAILED, "");
	assert_over(CLIENT, PPTP_AUTH_FAILED, "");
	assert_true(p.now - 1000 * SECOND < SECOND);
	pair_done(&p);
}

static void a_judge_that_says_nothing_ends_in_time(void **unused)
{
	(void)unused;
	pair_init(&p, 1);
	p.no_verdict = true;
	p.end[CLIENT].config.setup_timeout = 20 * SECOND;
	run(200 * SECOND);
	assert_over(CLIENT, PPTP_AUTH_TIMEOUT, "");
	assert_over(SERVER, PPTP_PPP_TERMINATED,
		"during authentication: authentication was not finished");
	pair_done(&p);
}

static void no_address_is_the_end(void **unused)
{
	(void)unused;
	pair_init(&p, 1);
	p.assign.remote = 0;
	run(100 * SECOND);
	assert_over(SERVER, PPTP_NO_ADDRESS, "");
	assert_over(CLIENT, PPTP_PPP_TERMINATED, "the address pool is empty");
	pair_done(&p);
}

/* Encryption out of step. */

static void desync_opens_ccp_anew(void **unused)
{
	(void)unused;
	for (int end = 0; end < 2; end++) {
		pair_init(&p, 1);
		run(100 * SECOND);
		ppp_link_desync(p.end[end].link, p.now);
		assert_false(p.end[end].up); /* no data until it is mended */
		assert_false(p.end[end].tx || p.end[end].rx);
		pair_run(&p, SECOND, false);
		assert_agreed(true);
		assert_int_equal(p.end[0].ups, 2);
		assert_int_equal(p.end[1].ups, 2);
		assert_int_equal(p.end[!end].downs, 1);
		pair_done(&p);
	}
}

static void desync_again_and_again_is_the_end(void **unused)
{
	(void)unused;
	pair_init(&p, 1);
	run(100 * SECOND);
	for (unsigned int i = 0; i < 4; i++) {
		assert_true(p.end[CLIENT].up);
		ppp_link_desync(p.end[CLIENT].link, p.now);
		pair_run(&p, SECOND, false);
	}
	assert_over(CLIENT, PPTP_MPPE_DESYNC, "");
	assert_true(p.end[SERVER].over);
	pair_done(&p);

	pair_init(&p, 1); /* now and then is none */
	run(100 * SECOND);
	for (unsigned int i = 0; i < 10; i++) {
		ppp_link_desync(p.end[CLIENT].link, p.now);
		pair_run(&p, 100 * SECOND, false);
		assert_agreed(true);
	}
	pair_done(&p);
}

static void desync_without_an_answer_ends_in_time(void **unused)
{
	uint64_t start;

	(void)unused;
	pair_init(&p, 1);
	run(100 * SECOND);
	p.filter = lose;
	lost_protocol = PPP_CCP;
	lost_from = -1;
	start = p.now;
	ppp_link_desync(p.end[CLIENT].link, p.now);
	pair_run(&p, 100 * SECOND, false);
	assert_over(CLIENT, PPTP_MPPE_DESYNC, "");
	assert_true(p.end[CLIENT].over_at - start < 15 * SECOND);
	pair_done(&p);
}

static void reset_requests_reach_the_sender(void **unused)
{
	(void)unused;
	pair_init(&p, 1);
	for (int i = 0; i < 2; i++) {
		p.end[i].config.mppe.allow_stateless = false;
		p.end[i].config.mppe.allow_stateful = true;
	}
	run(100 * SECOND);
	assert_agreed(true);
	assert_false(p.end[0].tx_params.stateless);
	ppp_link_want_reset(p.end[CLIENT].link, p.now);
	pair_run(&p, SECOND, false);
	assert_int_equal(p.end[SERVER].resets, 1);
	assert_int_equal(p.end[CLIENT].resets, 0);
	assert_up();
	pair_done(&p);
}

/* Echo. */

static void data_spares_the_echoes(void **unused)
{
	(void)unused;
	pair_init(&p, 1);
	run(100 * SECOND);
	p.end[0].sent[0] = p.end[1].sent[0] = 0;
	for (unsigned int i = 0; i < 20; i++) {
		pair_run(&p, 20 * SECOND, false);
		ppp_link_alive(p.end[0].link, p.now);
		ppp_link_alive(p.end[1].link, p.now);
	}
	assert_int_equal(p.end[0].sent[0] + p.end[1].sent[0], 0);
	pair_run(&p, 100 * SECOND, false);
	assert_true(p.end[0].sent[0] + p.end[1].sent[0] > 0);
	assert_up();
	pair_done(&p);
}

/* The data plane tells when it last heard something, again and again. */
static void old_news_are_no_sign_of_life(void **unused)
{
	uint64_t last;

	(void)unused;
	pair_init(&p, 1);
	run(100 * SECOND);
	last = p.now;
	p.loss = 100;
	for (unsigned int i = 0; i < 300 && !p.end[0].over; i++) {
		pair_run(&p, SECOND, false);
		ppp_link_alive(p.end[0].link, last);
		ppp_link_alive(p.end[0].link, last / 2);
	}
	assert_over(SERVER, PPTP_LCP_ECHO_TIMEOUT, "");
	pair_done(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_waits_for_a_timer),
		cmocka_unit_test(a_late_verdict_costs_only_its_time),
		cmocka_unit_test(the_report_says_what_was_agreed),
		cmocka_unit_test(every_policy_meets_every_other),
		cmocka_unit_test(a_wrong_password_is_said_at_both_ends),
		cmocka_unit_test(a_judge_that_says_nothing_ends_in_time),
		cmocka_unit_test(no_address_is_the_end),
		cmocka_unit_test(desync_opens_ccp_anew),
		cmocka_unit_test(desync_again_and_again_is_the_end),
		cmocka_unit_test(desync_without_an_answer_ends_in_time),
		cmocka_unit_test(reset_requests_reach_the_sender),
		cmocka_unit_test(data_spares_the_echoes),
		cmocka_unit_test(old_news_are_no_sign_of_life),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
