/* One end of a PPP link against peers that guess, flood, repeat and send anything at any time. */
#include "tests/unit/link_script.h"

/* Nobody fills a log with what he sends. */
static void lines_of_the_log_are_limited(void **unused)
{
	unsigned int in_a_second, later;

	(void)unused;
	server_alone(PPP_MPPE_REQUIRE);
	lcp_of_windows();
	for (unsigned int i = 0; i < 10000; i++) {
		peer(i & 1 ? PPP_IPV6CP : PPP_LCP, i & 1 ? "01 04 0004" : "0c 01 0009 00000000 41");
		count = 0;
	}
	in_a_second = p.end[SERVER].lines;
	assert_in_range(in_a_second, 20, 100);
	pair_run(&p, 20 * SECOND, false);
	later = p.end[SERVER].lines;
	for (unsigned int i = 0; i < 10; i++)
		peer(PPP_IPV6CP, "01 04 0004");
	assert_in_range(p.end[SERVER].lines, later + 2, later + 6);
	pair_done(&p);
}

/* The client's LCP anew: acknowledged, ours sent again and acknowledged. */
static void lcp_anew(uint8_t id)
{
	char text[40];

	snprintf(text, sizeof(text), "01 %02x 000a 050600000001", id);
	peer(PPP_LCP, text);
}

/* LCP anew gives no fresh attempts to somebody who guesses passwords. */
static void attempts_are_counted_across_lcp(void **unused)
{
	(void)unused;
	prepare(SERVER, PPP_MPPE_REQUIRE);
	cut = true;
	p.end[CLIENT].start = UINT64_MAX;
	pair_open(&p);
	l = p.end[SERVER].link;
	p.end[SERVER].started = true;
	p.end[SERVER].allow_retry = true;
	ppp_link_start(l, p.now);
	expect_code(PPP_LCP, 1);
	lcp_of_windows();
	response_of_windows();
	expect_code(PPP_CHAP, 4);
	lcp_anew(0x99);
	pair_run(&p, 5 * SECOND, false);
	assert_true(p.end[SERVER].over);
	assert_int_equal(p.end[SERVER].reason, PPTP_AUTH_FAILED);
	pair_done(&p);
}

/* A verdict that comes late is one on its own Response, not on the next. */
static void a_verdict_is_not_for_the_next_response(void **unused)
{
	struct ppp_auth_verdict verdict = { .ok = true, .keys.source = MPPE_FROM_MSCHAP2 };

	(void)unused;
	server_alone(PPP_MPPE_REQUIRE);
	p.judge_delay = 1; /* the test gives it */
	p.verdict_at = UINT64_MAX;
	lcp_of_windows();
	response_of_windows();
	lcp_anew(0x99);
	memcpy(verdict.auth_response, "S=0123456789ABCDEF0123456789ABCDEF01234567", 43);
	ppp_link_verdict(l, &verdict, &p.assign, p.now);
	pair_run(&p, 5 * SECOND, false);
	assert_true(p.end[SERVER].over);
	assert_int_equal(p.end[SERVER].reason, PPTP_PPP_TERMINATED);
	assert_int_equal(p.end[SERVER].ups, 0);
	pair_done(&p);
}

/* Nor does one that nobody waits for change a session. */
static void a_second_verdict_changes_nothing(void **unused)
{
	struct ppp_auth_verdict verdict = { .ok = true, .keys.source = MPPE_FROM_MSCHAP2 };
	struct ppp_network other = { .local = 1, .remote = 2 };
	struct ppp_link_info info;

	(void)unused;
	up_as(SERVER, PPP_MPPE_REQUIRE);
	ppp_link_verdict(l, &verdict, &other, p.now);
	ppp_link_get_info(l, &info);
	assert_int_equal(info.net.remote, pair_address(100));
	nothing();
	pair_done(&p);
}

static bool loop_back(struct pair *pair, int from, uint16_t protocol, uint8_t *data, size_t *len)
{
	pair_enqueue(pair, from, protocol, data, *len);
	return false;
}

static void a_looped_link_is_named(void **unused)
{
	(void)unused;
	for (int which = 0; which < 2; which++) {
		start_alone(which, PPP_MPPE_REQUIRE);
		p.filter = loop_back;
		pair_run(&p, 100 * SECOND, false);
		assert_true(p.end[which].over);
		assert_int_equal(p.end[which].reason, PPTP_LCP_LOOPBACK);
		pair_done(&p);
	}
}

/* Anything, at any time, also bent copies of what the real peer says. */
static bool bend(struct pair *pair, int from, uint16_t protocol, uint8_t *data, size_t *len)
{
	(void)from;
	(void)protocol;
	if (pair_random(pair) % 8)
		return true;
	switch (pair_random(pair) % 3) {
	case 0:
		data[pair_random(pair) % *len] = (uint8_t)pair_random(pair);
		break;
	case 1:
		*len = pair_random(pair) % (*len + 1);
		break;
	default:
		data[0] = (uint8_t)(pair_random(pair) % 17);
		break;
	}
	return true;
}

static void hostile_frames_break_nothing(void **unused)
{
	static const uint16_t protocols[] = { PPP_LCP, PPP_LCP, PPP_CHAP, PPP_CCP, PPP_IPCP,
		PPP_PAP, 0x8057 };

	(void)unused;
	for (unsigned int seed = 1; seed <= 1500; seed++) {
		pair_init(&p, seed);
		p.filter = bend;
		p.end[0].config.mppe.policy = (enum ppp_mppe_policy)(pair_random(&p) % 3);
		p.end[1].config.mppe.policy = (enum ppp_mppe_policy)(pair_random(&p) % 3);
		pair_open(&p);
		for (unsigned int i = 0; i < 60 && !p.broken; i++) {
			uint8_t frame[64];
			size_t len = pair_random(&p) % sizeof(frame);
			int to = (int)(pair_random(&p) & 1);

			pair_get_random(&p.end[0], frame, sizeof(frame));
			frame[0] = (uint8_t)(frame[0] % 17);
			frame[1] = (uint8_t)(frame[1] % 4);
			if (frame[2] % 4) {
				frame[2] = 0;
				frame[3] = (uint8_t)len;
			}
			if (p.end[to].started)
				ppp_link_receive(p.end[to].link, protocols[pair_random(&p) % 7],
					frame, len, p.now);
			pair_run(&p, pair_random(&p) % SECOND, false);
		}
		p.filter = NULL; /* then it settles */
		pair_run(&p, 300 * SECOND, false);
		if (p.broken)
			fail_msg("seed %u", seed);
		for (int i = 0; i < 2; i++) {
			if (!p.end[i].up && !p.end[i].over)
				fail_msg("seed %u: end %d waits", seed, i);
		}
		pair_done(&p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_of_the_log_are_limited),
		cmocka_unit_test(attempts_are_counted_across_lcp),
		cmocka_unit_test(a_verdict_is_not_for_the_next_response),
		cmocka_unit_test(a_second_verdict_changes_nothing),
		cmocka_unit_test(a_looped_link_is_named),
		cmocka_unit_test(hostile_frames_break_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
