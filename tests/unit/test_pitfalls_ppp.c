/*
 * Faults that other implementations of LCP and the network protocols had, and time-outs that they
 * did not have (tests/pitfalls.md): a test is named after the fault that it would find here.
 */
#include "tests/unit/pitfalls_ppp.h"

static void an_echo_reply_fits_the_peers_mru(void **unused)
{
	uint8_t packet[1404] = { 9, 77, 0x05, 0x7c };
	bool replied = false;

	(void)unused;
	prepare();
	p.end[CLIENT].config.mru = 576;
	pair_open(&p);
	both_come_up();
	assert_int_equal(p.end[SERVER].peer_mru, 576);
	count = 0;
	inject(SERVER, PPP_LCP, packet, sizeof(packet));
	for (unsigned int i = 0; i < count; i++) {
		if (sent[i].from == SERVER && sent[i].protocol == PPP_LCP &&
			sent[i].data[0] == 10) {
			replied = true;
			assert_true(sent[i].len <= 576);
			assert_int_equal(sent[i].data[2] << 8 | sent[i].data[3], sent[i].len);
		}
	}
	assert_true(replied);
	pair_done(&p);
}

static void ipv6cp_is_rejected_in_network_byte_order(void **unused)
{
	static const uint8_t request[] = { 1, 1, 0, 14, 1, 10, 1, 2, 3, 4, 5, 6, 7, 8 };

	(void)unused;
	prepare();
	pair_open(&p);
	both_come_up();
	for (int to = 0; to < 2; to++) {
		count = 0;
		inject(to, PPP_IPV6CP, request, sizeof(request));
		assert_int_equal(rejects(to, PPP_IPV6CP, 0), 1);
		assert_memory_equal(sent[0].data + 6, request, sizeof(request));
	}
	assert_true(p.end[SERVER].up && p.end[CLIENT].up);
	pair_done(&p);
}

/* `code` with the option list 03 `len` ... for each protocol, before and after it is open. */
static void bad_option(uint8_t code, uint8_t len, bool first, int to)
{
	static const uint16_t protocols[] = { PPP_LCP, PPP_CCP, PPP_IPCP };

	for (size_t i = 0; i < 3; i++) {
		uint8_t list[6] = { 3, len, 10, 98, 0, 7 };
		uint8_t packet[4 + 12] = { code, 9, 0, 0 };
		uint8_t good[6] = { 3, 6, 10, 98, 0, 7 };
		size_t n = 4;

		if (!first) {
			memcpy(packet + n, good, 6);
			n += 6;
		}
		memcpy(packet + n, list, 6);
		n += 6;
		packet[3] = (uint8_t)n;
		count = 0;
		inject(to, protocols[i], packet, n);
		for (unsigned int k = 0; k < count; k++) /* nothing is agreed on */
			assert_false(sent[k].from == to && sent[k].protocol == protocols[i] &&
				     sent[k].data[0] == 2);
	}
}

static void an_option_of_length(uint8_t len)
{
	alarm(60); /* a loop is the fault */
	for (int up = 0; up < 2; up++) {
		for (int to = 0; to < 2; to++) {
			prepare();
			pair_open(&p);
			pair_run(&p, up ? 20 * SECOND : 5 * MS, up);
			for (uint8_t code = 1; code <= 4; code++) {
				bad_option(code, len, true, to);
				bad_option(code, len, false, to);
			}
			p.filter = NULL;
			pair_run(&p, 40 * SECOND, true);
			assert_true(p.end[SERVER].up && p.end[CLIENT].up);
			pair_done(&p);
		}
	}
	alarm(0);
}

static void an_option_of_length_0_is_no_loop(void **unused)
{
	(void)unused;
	an_option_of_length(0);
}

static void an_option_of_length_1_is_no_loop(void **unused)
{
	(void)unused;
	an_option_of_length(1);
}

/* ---- time-outs ---- */

static uint16_t lost_protocol;
static int lost_from;

static bool lose(struct pair *pair, int from, uint16_t protocol, uint8_t *data, size_t *len)
{
	(void)pair;
	(void)data;
	(void)len;
	return !((!lost_protocol || protocol == lost_protocol) &&
		 (lost_from < 0 || from == lost_from));
}

static void lcp_requests_without_an_answer_end_the_link(void **unused)
{
	(void)unused;
	for (int end = 0; end < 2; end++) {
		pair_init(&p, 1);
		p.end[!end].start = UINT64_MAX;
		pair_open(&p);
		pair_run(&p, 120 * SECOND, false);
		assert_false(p.broken);
		assert_true(p.end[end].over);
		assert_true(p.end[end].over_at <= 1062 * SECOND);
		assert_true(ppp_link_deadline(p.end[end].link) == UINT64_MAX);
		pair_done(&p);
	}
}

static void a_peer_that_falls_silent_ends_the_link_in_each_phase(void **unused)
{
	static const uint16_t protocols[] = { 0, PPP_LCP, PPP_CHAP, PPP_CCP, PPP_IPCP };

	(void)unused;
	for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++) {
		for (lost_from = -1; lost_from < 2; lost_from++) {
			pair_init(&p, 1);
			p.filter = lose;
			lost_protocol = protocols[i];
			pair_open(&p);
			pair_run(&p, 300 * SECOND, false);
			assert_false(p.broken);
			for (int end = 0; end < 2; end++) {
				assert_true(p.end[end].over);
				assert_true(p.end[end].over_at <= 1070 * SECOND);
			}
			pair_done(&p);
		}
	}
}

/* A peer that always says something, and never gets any further: LCP anew every two seconds. */
static void a_peer_that_begins_again_and_again_ends_the_link(void **unused)
{
	uint8_t request[] = { 1, 100, 0, 10, 5, 6, 1, 2, 3, 4 };

	(void)unused;
	pair_init(&p, 1);
	p.filter = lose;
	lost_protocol = PPP_CHAP;
	lost_from = -1;
	pair_open(&p);
	for (unsigned int i = 0; i < 60 && !p.end[SERVER].over; i++) {
		pair_run(&p, 2 * SECOND, false);
		request[1]++;
		request[6]++;
		inject(SERVER, PPP_LCP, request, sizeof(request));
	}
	assert_false(p.broken);
	assert_true(p.end[SERVER].over);
	assert_true(p.end[SERVER].over_at <= 1070 * SECOND);
	pair_done(&p);
}

static void a_peer_that_falls_silent_later_ends_the_link(void **unused)
{
	(void)unused;
	pair_init(&p, 1);
	pair_open(&p);
	both_come_up();
	p.filter = lose;
	lost_protocol = 0;
	lost_from = CLIENT;
	pair_run(&p, 300 * SECOND, false);
	assert_int_equal(p.end[SERVER].reason, PPTP_LCP_ECHO_TIMEOUT);
	assert_true(p.end[SERVER].over_at <= 1200 * SECOND);
	pair_done(&p);
}

static void a_terminate_without_an_answer_ends_the_link(void **unused)
{
	(void)unused;
	pair_init(&p, 1);
	pair_open(&p);
	both_come_up();
	p.filter = lose;
	lost_protocol = 0;
	lost_from = -1;
	ppp_link_close(p.end[SERVER].link, PPTP_ADMIN, p.now);
	pair_run(&p, 10 * SECOND, false);
	assert_true(p.end[SERVER].over);
	assert_int_equal(p.end[SERVER].reason, PPTP_ADMIN);
	pair_done(&p);
}

/* RADIUS will judge so: late. Others are not kept waiting meanwhile, and it ends if it never
 * comes. */
static void a_judge_that_never_answers_holds_up_one_link_only(void **unused)
{
	static struct pair other;

	(void)unused;
	prepare();
	p.filter = NULL;
	p.no_verdict = true;
	pair_open(&p);
	pair_init(&other, 2);
	pair_open(&other);
	pair_run(&p, 2 * SECOND, false);
	pair_run(&other, 2 * SECOND, true);
	assert_true(other.end[SERVER].up && other.end[CLIENT].up);
	assert_false(p.end[SERVER].up);
	pair_run(&p, 100 * SECOND, false);
	assert_true(p.end[SERVER].over && p.end[CLIENT].over);
	pair_done(&other);
	pair_done(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_echo_reply_fits_the_peers_mru),
		cmocka_unit_test(ipv6cp_is_rejected_in_network_byte_order),
		cmocka_unit_test(an_option_of_length_0_is_no_loop),
		cmocka_unit_test(an_option_of_length_1_is_no_loop),
		cmocka_unit_test(lcp_requests_without_an_answer_end_the_link),
		cmocka_unit_test(a_peer_that_falls_silent_ends_the_link_in_each_phase),
		cmocka_unit_test(a_peer_that_begins_again_and_again_ends_the_link),
		cmocka_unit_test(a_peer_that_falls_silent_later_ends_the_link),
		cmocka_unit_test(a_terminate_without_an_answer_ends_the_link),
		cmocka_unit_test(a_judge_that_never_answers_holds_up_one_link_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
