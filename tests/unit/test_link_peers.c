/* One end of a PPP link against scripted peers: what real ones were seen to do. */
#include "tests/unit/link_script.h"

/* The Windows client of the public capture with our server; its three NCP requests come in one
 * breath. */
static void windows_client(void **unused)
{
	(void)unused;
	server_alone(PPP_MPPE_REQUIRE);
	lcp_of_windows();
	peer(PPP_LCP, "0c 01 0012 75eb25d5 4d5352415356352e3230");
	peer(PPP_LCP, "0c 02 001f 75eb25d5 4d535241532d302d57494e2d325252425553374e394745");
	peer(PPP_LCP, "0c 03 0018 75eb25d5 f00d2571214700112233445566778899");
	nothing();
	response_of_windows();
	expect_code(PPP_CHAP, 3);
	expect(PPP_CCP, "01 01 000a 1206 01000040"); /* with the Success, not after a timer */
	nothing();
	peer(PPP_IPV6CP, "01 04 000e 010a fcd3335cf10e5c31");
	expect(PPP_LCP, "08 02 0014 8057 01 04 000e 010a fcd3335cf10e5c31");
	peer(PPP_CCP, "01 05 000a 1206 01000040");
	expect(PPP_CCP, "02 05 000a 1206 01000040");
	assert_true(p.end[SERVER].rx);
	peer(PPP_IPCP,
		"01 06 0022 030600000000 810600000000 820600000000 830600000000 840600000000");
	nothing(); /* held: no Terminate-Ack, no answer in clear */
	peer(PPP_CCP, "02 01 000a 1206 01000040");
	assert_true(p.end[SERVER].tx);
	expect(PPP_IPCP, "01 01 000a 03060a620001");
	expect(PPP_IPCP, "04 06 0016 820600000000 830600000000 840600000000");
	peer(PPP_IPCP, "02 01 000a 03060a620001");
	peer(PPP_IPCP, "01 08 0010 030600000000 810600000000");
	expect(PPP_IPCP, "03 08 0010 03060a620064 81060a620035");
	assert_false(p.end[SERVER].up);
	peer(PPP_IPCP, "01 0a 0010 03060a620064 81060a620035");
	expect(PPP_IPCP, "02 0a 0010 03060a620064 81060a620035");
	assert_true(p.end[SERVER].up);
	/* It hangs up: its magic number, 00 3c cd 74, no error. */
	peer(PPP_LCP, "05 09 0010 162a1f3a 003ccd74 00000000");
	expect(PPP_LCP, "06 09 0004");
	assert_true(p.end[SERVER].over);
	assert_int_equal(p.end[SERVER].reason, PPTP_PPP_TERMINATED);
	assert_string_equal(p.end[SERVER].detail, "");
	nothing();
	assert_false(p.broken);
	pair_done(&p);
}

/* RADIUS takes its time, and the peer is prompt: nothing it sends meanwhile is lost. */
static void early_requests_are_kept(void **unused)
{
	(void)unused;
	server_alone(PPP_MPPE_REQUIRE);
	p.judge_delay = 1;
	lcp_of_windows();
	response_of_windows();
	peer(PPP_CCP, "01 05 000a 1206 01000041");
	peer(PPP_IPCP, "01 06 000a 030600000000");
	peer(PPP_CCP, "01 06 000a 1206 01000040"); /* the later one counts */
	peer(PPP_CCP, "05 07 0004");
	peer(PPP_IPCP, "ff ff ffff");
	peer(PPP_IPV6CP, "01 04 0004");
	expect(PPP_LCP, "08 02 000a 8057 01 04 0004");
	nothing();
	ppp_link_verdict(l, &p.verdict, &p.assign, p.now);
	expect_code(PPP_CHAP, 3);
	expect(PPP_CCP, "01 01 000a 1206 01000040");
	expect(PPP_CCP, "02 06 000a 1206 01000040");
	peer(PPP_CCP, "02 01 000a 1206 01000040");
	expect(PPP_IPCP, "01 01 000a 03060a620001");
	expect(PPP_IPCP, "03 06 000a 03060a620064");
	nothing();
	pair_done(&p);
}

/* In clear from the start: IPCP goes with the Success. */
static void without_encryption_ipcp_goes_with_the_success(void **unused)
{
	(void)unused;
	server_alone(PPP_MPPE_OFF);
	lcp_of_windows();
	response_of_windows();
	expect_code(PPP_CHAP, 3);
	expect(PPP_IPCP, "01 01 000a 03060a620001");
	nothing();
	/* CCP is refused, and hurts nobody. */
	peer(PPP_CCP, "01 05 000a 1206 01000040");
	expect(PPP_CCP, "04 05 000a 1206 01000040");
	peer(PPP_CCP, "01 06 0004");
	expect(PPP_LCP, "08 02 000a 80fd 01 06 0004");
	peer(PPP_IPCP, "02 01 000a 03060a620001");
	peer(PPP_IPCP, "01 08 000a 03060a620064");
	expect(PPP_IPCP, "02 08 000a 03060a620064");
	assert_true(p.end[SERVER].up);
	assert_false(p.end[SERVER].tx || p.end[SERVER].rx);
	pair_done(&p);
}

static void a_lost_success_is_said_again(void **unused)
{
	uint8_t success[200];
	char text[200];
	uint8_t id;
	size_t len;

	(void)unused;
	server_alone(PPP_MPPE_REQUIRE);
	lcp_of_windows();
	id = sent[count - 1].data[1];
	response_of_windows();
	len = sent[next].len;
	memcpy(success, sent[next].data, len);
	next = count;
	snprintf(text, sizeof(text), "02 %02x " RESPONSE_BODY, id);
	peer(PPP_CHAP, text);
	assert_int_equal(count, next + 1);
	assert_int_equal(sent[next].len, len);
	assert_memory_equal(sent[next].data, success, len);
	assert_false(p.end[SERVER].over);
	pair_done(&p);
}

static void pppd_that_requires_encryption_leaves(void **unused)
{
	(void)unused;
	for (unsigned int asked = 0; asked < 2; asked++) {
		server_alone(PPP_MPPE_OFF);
		lcp_of_windows();
		response_of_windows();
		if (asked)
			peer(PPP_CCP, "01 05 000a 1206 01000040");
		peer(PPP_LCP,
			"05 02 002d 4d505045207265717569726564206275742070656572206e65676f74696174"
			"696f6e206661696c6564");
		assert_true(p.end[SERVER].over);
		assert_int_equal(p.end[SERVER].reason, PPTP_MPPE_REQUIRED_BY_PEER);
		assert_string_equal(p.end[SERVER].detail,
			"before the network was up: MPPE required but peer negotiation failed");
		pair_done(&p);
	}
}

static void terminated_while_up(const char *packet, const char *detail)
{
	prepare(CLIENT, PPP_MPPE_REQUIRE);
	pair_open(&p);
	pair_run(&p, 10 * SECOND, true);
	assert_true(p.end[CLIENT].up);
	l = p.end[CLIENT].link;
	peer(PPP_LCP, packet);
	assert_true(p.end[CLIENT].over);
	assert_int_equal(p.end[CLIENT].reason, PPTP_PPP_TERMINATED);
	assert_string_equal(p.end[CLIENT].detail, detail);
	assert_false(p.broken);
	pair_done(&p);
}

static void terminate_texts_are_told(void **unused)
{
	(void)unused;
	terminated_while_up("05 02 0011 4d5050452064697361626c6564", "MPPE disabled");
	terminated_while_up("05 02 0010 162a1f3a 003ccd74 000002ce", "Windows error 718");
	terminated_while_up("05 02 000a 1b5b324a0a5c", "\\x1b[2J\\x0a\\x5c");
	terminated_while_up("05 02 0004", "");
}

static void terminate_during_authentication_says_so(void **unused)
{
	(void)unused;
	start_alone(CLIENT, PPP_MPPE_REQUIRE);
	peer(PPP_LCP, "01 01 000f 050600000001 0305c22381");
	next = count - 2;
	expect_code(PPP_LCP, 1);
	count--;
	next = count;
	peer_acks_last(PPP_LCP);
	peer(PPP_LCP, "05 02 0008 66756c6c");
	assert_true(p.end[CLIENT].over);
	assert_int_equal(p.end[CLIENT].reason, PPTP_PPP_TERMINATED);
	assert_string_equal(p.end[CLIENT].detail, "during authentication: full");
	pair_done(&p);
}

static void a_terminate_request_of_an_earlier_call_is_ignored(void **unused)
{
	(void)unused;
	start_alone(CLIENT, PPP_MPPE_REQUIRE);
	expect_code(PPP_LCP, 1);
	peer(PPP_LCP, "05 02 0004");
	expect(PPP_LCP, "06 02 0004");
	assert_false(p.end[CLIENT].over);
	pair_done(&p);
}

static void a_server_that_wants_pap_is_told_and_left(void **unused)
{
	(void)unused;
	start_alone(CLIENT, PPP_MPPE_OFF);
	peer(PPP_LCP, "01 01 0008 0304c023");
	next = count - 1;
	expect(PPP_LCP, "03 01 0009 0305c22381");
	peer(PPP_LCP, "05 02 0004"); /* pppd: "peer refused to authenticate" */
	assert_true(p.end[CLIENT].over);
	assert_int_equal(p.end[CLIENT].reason, PPTP_AUTH_NO_METHOD);
	pair_done(&p);

	start_alone(CLIENT, PPP_MPPE_OFF);
	for (unsigned int id = 1; id < 8; id++) {
		char text[60];

		snprintf(text, sizeof(text), "01 %02x 0008 0304c023", id);
		peer(PPP_LCP, text);
	}
	pair_run(&p, 10 * SECOND, false);
	assert_true(p.end[CLIENT].over);
	assert_int_equal(p.end[CLIENT].reason, PPTP_AUTH_NO_METHOD);
	assert_non_null(strstr(p.end[CLIENT].detail, "PAP"));
	pair_done(&p);
}

static void a_server_without_authentication(void **unused)
{
	(void)unused;
	prepare(CLIENT, PPP_MPPE_PREFER); /* without a password it goes, in clear */
	p.end[CLIENT].config.password = NULL;
	begin_alone(CLIENT);
	peer(PPP_LCP, "01 01 000a 050600000001");
	count--;
	peer_acks_last(PPP_LCP);
	next = count - 1;
	expect_code(PPP_IPCP, 1);
	peer(PPP_CHAP, "01 01 0004");
	expect_code(PPP_LCP, 8);
	pair_done(&p);

	/* Who has one is not content with a server that proves nothing, encryption or not. */
	for (enum ppp_mppe_policy policy = PPP_MPPE_OFF; policy <= PPP_MPPE_REQUIRE; policy++) {
		start_alone(CLIENT, policy);
		for (unsigned int id = 1; id < 4; id++) {
			char text[60];

			snprintf(text, sizeof(text), "01 %02x 0004", id);
			peer(PPP_LCP, text);
		}
		pair_run(&p, 10 * SECOND, false);
		assert_true(p.end[CLIENT].over);
		assert_int_equal(p.end[CLIENT].reason, PPTP_AUTH_NO_METHOD);
		assert_non_null(strstr(p.end[CLIENT].detail, "no authentication"));
		pair_done(&p);
	}
}

static void methods_that_were_not_agreed_on_are_rejected(void **unused)
{
	static const uint16_t protocols[] = { PPP_PAP, PPP_EAP, PPP_SPAP, PPP_CBCP, PPP_LQR, 0xc045,
		0x8281 };

	(void)unused;
	server_alone(PPP_MPPE_REQUIRE);
	lcp_of_windows();
	for (unsigned int i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++) {
		peer(protocols[i], "01 01 0006 0000");
		expect_code(PPP_LCP, 8);
		assert_int_equal(
			sent[next - 1].data[4] << 8 | sent[next - 1].data[5], protocols[i]);
	}
	peer(PPP_IP, "45"); /* data is not for the link */
	peer(PPP_COMP, "9000");
	nothing();
	pair_done(&p);
}

static void nothing_is_answered_before_lcp_is_open(void **unused)
{
	(void)unused;
	server_alone(PPP_MPPE_REQUIRE);
	peer(PPP_IPV6CP, "01 01 0004");
	peer(PPP_CCP, "01 01 000a 1206 01000040");
	peer(PPP_IPCP, "01 01 000a 030600000000");
	peer(PPP_CHAP, "02 01 0004");
	nothing();
	pair_done(&p);
}

/* Protocol-Rejects. */

static void protocol_rejects_end_what_they_name(void **unused)
{
	static const struct {
		enum ppp_mppe_policy policy;
		const char *packet;
		enum pptp_reason reason; /* NONE: it goes on */
	} cases[] = {
		{ PPP_MPPE_REQUIRE, "08 02 0006 80fd", PPTP_MPPE_REFUSED },
		{ PPP_MPPE_PREFER, "08 02 0006 80fd", PPTP_MPPE_DESYNC },
		{ PPP_MPPE_REQUIRE, "08 02 0006 8021", PPTP_NO_NETWORK },
		{ PPP_MPPE_REQUIRE, "08 02 0006 0021", PPTP_NO_NETWORK },
		{ PPP_MPPE_REQUIRE, "08 02 0006 c021", PPTP_LCP_FAILED },
		{ PPP_MPPE_REQUIRE, "08 02 0006 8057", PPTP_NONE },
		{ PPP_MPPE_REQUIRE, "08 02 0006 00fd", PPTP_NONE },
		{ PPP_MPPE_REQUIRE, "08 02 0006 c223", PPTP_NONE },
	};

	(void)unused;
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		up_as(SERVER, cases[i].policy);
		peer(PPP_LCP, cases[i].packet);
		pair_run(&p, 5 * SECOND, false);
		if (cases[i].reason == PPTP_NONE) {
			assert_true(p.end[SERVER].up);
		} else {
			assert_true(p.end[SERVER].over);
			assert_int_equal(p.end[SERVER].reason, cases[i].reason);
		}
		assert_false(p.broken);
		pair_done(&p);
	}
}

static void a_rejected_chap_is_no_method(void **unused)
{
	(void)unused;
	server_alone(PPP_MPPE_REQUIRE);
	lcp_of_windows();
	peer(PPP_LCP, "08 02 0006 c223");
	expect_code(PPP_LCP, 5);
	peer(PPP_LCP, "06 02 0004");
	assert_int_equal(p.end[SERVER].reason, PPTP_AUTH_NO_METHOD);
	pair_done(&p);
}

/* Linux' receiver out of step (the capture with stateful loss): Protocol-Rejects of nonsense. */
static void a_peer_that_decrypts_nonsense_gets_new_keys(void **unused)
{
	(void)unused;
	up_as(SERVER, PPP_MPPE_REQUIRE);
	peer(PPP_LCP, "08 02 0008 0025 9ed1");
	peer(PPP_LCP, "08 03 0008 0095 60d9");
	nothing();
	peer(PPP_LCP, "08 04 0008 0033 60d9");
	expect_code(PPP_CCP, 1);
	assert_false(p.end[SERVER].up);
	/* pppd ends the link then: that is a desync, not a hang-up. */
	peer(PPP_LCP, "05 02 0011 4d5050452064697361626c6564");
	assert_int_equal(p.end[SERVER].reason, PPTP_MPPE_DESYNC);
	pair_done(&p);
}

/* RFC 1661: a new LCP request takes everything down, authentication too. */
static void lcp_can_be_negotiated_anew(void **unused)
{
	(void)unused;
	up_as(SERVER, PPP_MPPE_REQUIRE);
	peer(PPP_LCP, "01 99 000a 050600000001");
	assert_false(p.end[SERVER].up || p.end[SERVER].tx || p.end[SERVER].rx);
	assert_int_equal(p.end[SERVER].downs, 1);
	expect_code(PPP_LCP, 1);
	expect(PPP_LCP, "02 99 000a 050600000001");
	count--;
	peer_acks_last(PPP_LCP);
	next = count - 1;
	expect_code(PPP_CHAP, 1);
	assert_false(p.end[SERVER].over);
	assert_true(ppp_link_deadline(l) != UINT64_MAX);
	pair_run(&p, 100 * SECOND, false);
	assert_int_equal(p.end[SERVER].reason, PPTP_AUTH_TIMEOUT);
	assert_false(p.broken);
	pair_done(&p);
}

static void ipcp_terminated_by_the_peer(void **unused)
{
	(void)unused;
	up_as(SERVER, PPP_MPPE_REQUIRE);
	peer(PPP_IPCP, "05 07 0004");
	expect(PPP_IPCP, "06 07 0004");
	assert_false(p.end[SERVER].up);
	pair_run(&p, 10 * SECOND, false);
	assert_true(p.end[SERVER].over);
	assert_int_equal(p.end[SERVER].reason, PPTP_PPP_TERMINATED);
	pair_done(&p);
}

static void echo_replies_fit_the_agreed_mru(void **unused)
{
	uint8_t packet[1404] = { 9, 1, 0x05, 0x7c };

	(void)unused;
	server_alone(PPP_MPPE_OFF);
	peer(PPP_LCP, "01 01 0008 01040200"); /* 512 */
	count--;
	next = count;
	peer_acks_last(PPP_LCP);
	assert_int_equal(p.end[SERVER].peer_mru, 512);
	next = count;
	ppp_link_receive(l, PPP_LCP, packet, sizeof(packet), p.now);
	assert_int_equal(sent[next].len, 512);
	next = count;
	ppp_link_receive(l, PPP_IPV6CP, packet, sizeof(packet), p.now);
	assert_int_equal(sent[next].len, 512);
	pair_done(&p);
}

static void configuration_is_made_sane(void **unused)
{
	struct ppp_link_config config = pair_config(PPP_CLIENT);

	(void)unused;
	pair_init(&p, 1);
	config.password = "\xff\xfe"; /* not UTF-8 */
	assert_null(ppp_link_new(&config, &pair_ops, &p.end[0]));
	for (int i = 0; i < 2; i++) {
		p.end[i].config.mppe.strengths = 0;
		p.end[i].config.mppe.allow_stateless = false;
		p.end[i].config.mru = 0;
	}
	pair_open(&p);
	pair_run(&p, 10 * SECOND, true);
	assert_true(p.end[0].up && p.end[0].tx && p.end[0].tx_params.stateless);
	assert_int_equal(p.end[0].tx_params.bits, MPPE_128);
	assert_int_equal(p.end[0].peer_mru, 576);
	pair_done(&p);
}

/* A path of 576 octets carries 532 inside: asking for more would ask for what gets lost. */
static void a_narrow_path_has_a_small_mru(void **unused)
{
	(void)unused;
	pair_init(&p, 1);
	p.end[1].config.mru = 532;
	pair_open(&p);
	pair_run(&p, 10 * SECOND, true);
	assert_true(p.end[0].up && p.end[1].up);
	assert_int_equal(p.end[0].peer_mru, 532);
	pair_done(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(windows_client),
		cmocka_unit_test(early_requests_are_kept),
		cmocka_unit_test(without_encryption_ipcp_goes_with_the_success),
		cmocka_unit_test(a_lost_success_is_said_again),
		cmocka_unit_test(pppd_that_requires_encryption_leaves),
		cmocka_unit_test(terminate_texts_are_told),
		cmocka_unit_test(terminate_during_authentication_says_so),
		cmocka_unit_test(a_terminate_request_of_an_earlier_call_is_ignored),
		cmocka_unit_test(a_server_that_wants_pap_is_told_and_left),
		cmocka_unit_test(a_server_without_authentication),
		cmocka_unit_test(methods_that_were_not_agreed_on_are_rejected),
		cmocka_unit_test(nothing_is_answered_before_lcp_is_open),
		cmocka_unit_test(protocol_rejects_end_what_they_name),
		cmocka_unit_test(a_rejected_chap_is_no_method),
		cmocka_unit_test(a_peer_that_decrypts_nonsense_gets_new_keys),
		cmocka_unit_test(lcp_can_be_negotiated_anew),
		cmocka_unit_test(ipcp_terminated_by_the_peer),
		cmocka_unit_test(echo_replies_fit_the_agreed_mru),
		cmocka_unit_test(configuration_is_made_sane),
		cmocka_unit_test(a_narrow_path_has_a_small_mru),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
