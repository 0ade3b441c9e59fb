/* LCP's negotiation against scripted peers: options of real ones, byte by byte. */
#include "tests/unit/lcp_script.h"

static void windows_request_with_callback(void **unused)
{
	(void)unused;
	start(true, false);
	peer("01 00 0015 01040578 050675eb25d5 0702 0802 0d0306");
	expect("04 00 0007 0d0306");
	peer("01 01 0012 01040578 050675eb25d5 0702 0802");
	expect("02 01 0012 01040578 050675eb25d5 0702 0802");
	peer(SERVER_ACK);
	nothing();
	assert_int_equal(script.events[CP_UP], 1);
	assert_true(lcp.peer.pfc && lcp.peer.acfc && !lcp.peer.auth);
	assert_int_equal(lcp.peer.mru, 1400);
	assert_int_equal(lcp.peer.magic, 0x75eb25d5);
}

/* The same where callback is allowed; only CBCP's operation is, and only in its one octet. */
static void callback_by_cbcp_is_taken_where_it_is_allowed(void **unused)
{
	static const struct ppp_auth_list list = { 1, { PPP_AUTH_MSCHAP2 } };

	(void)unused;
	start_with(true, false, &list);
	lcp.config.callback_allow = true;
	peer("01 00 0012 0d0306 050675eb25d5 01040578 0d");
	nothing(); /* malformed */
	peer("01 01 000e 0d0800313233 34 35 0702");
	expect("03 01 0007 0d0306");
	peer("01 02 0008 0d02 0702");
	expect("03 02 0007 0d0306");
	peer("01 03 0009 0d0306 0702");
	expect("02 03 0009 0d0306 0702");
	assert_true(lcp_callback(&lcp));
	peer(SERVER_ACK);
	peer("01 04 0006 0702"); /* anew, without */
	expect_code(1);          /* it begins anew */
	expect("02 04 0006 0702");
	assert_false(lcp_callback(&lcp));
	nothing();
}

/* A client asks for it when it must; never does a server of ours, nor for a number. */
static void callback_is_asked_for_only_by_a_client_that_must(void **unused)
{
	(void)unused;
	start(false, false);
	lcp.config.callback_follow = true;
	peer("03 01 000e 0d0800313233 34 35 0702");
	expect_code(1);
	assert_false(lcp_callback(&lcp));
	peer("03 02 0007 0d0306");
	assert_true(lcp_callback(&lcp));
	expect_code(1);
	peer("04 03 0007 0d0306"); /* and then rejected all the same */
	assert_false(lcp_callback(&lcp));
	expect_code(1);
	nothing();
	start(true, false);
	peer("03 01 0007 0d0306");
	assert_false(lcp_callback(&lcp));
}

/* RRAS: EAP, callback, MRRU, endpoint discriminator; we are the client. */
static void rras_request_is_rejected_then_naked(void **unused)
{
	(void)unused;
	start(false, true);
	peer("01 00 0034 01040578 0304c227 050670ed20e6 0702 0802 0d0306 1104064e "
	     "131701f3198e8764b2429f8d09ef637b516ea700000000");
	expect("04 00 0022 0d0306 1104064e 131701f3198e8764b2429f8d09ef637b516ea700000000");
	peer("01 01 0016 01040578 0304c227 050670ed20e6 0702 0802");
	expect("03 01 0009 0305c22381");
	assert_string_equal(lcp_auth_name(&lcp), "EAP");
	peer("01 02 0017 01040578 0305c22381 050670ed20e6 0702 0802");
	expect("02 02 0017 01040578 0305c22381 050670ed20e6 0702 0802");
	assert_int_equal(lcp.peer.auth, PPP_AUTH_MSCHAP2);
	peer(CLIENT_ACK);
	assert_true(cp_is_open(&lcp.cp));
	nothing();
}

static void pppd_request_is_acknowledged_as_it_is(void **unused)
{
	(void)unused;
	start(false, true);
	peer("01 01 001d 01040578 020600000000 0305c22381 0506e5c99cbf 0702 0802");
	expect("02 01 001d 01040578 020600000000 0305c22381 0506e5c99cbf 0702 0802");
	nothing();
}

static void unknown_options_are_rejected_as_they_were(void **unused)
{
	static const char *const options[] = {
		"0408c02500000064", /* link quality */
		"0905010203",       /* FCS alternatives */
		"0d0306",
		"1104064e",
		"1202",
		"1309030011223344 55",
		"1704dead",
		"ff02",
		"0002",
	};

	(void)unused;
	for (unsigned int i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		char request[100], reject[100];
		uint8_t bytes[64];
		size_t len = script_hex(options[i], bytes, sizeof(bytes));

		start(true, false);
		snprintf(request, sizeof(request), "01 07 00%02zx %s", len + 4, options[i]);
		snprintf(reject, sizeof(reject), "04 07 00%02zx %s", len + 4, options[i]);
		peer(request);
		expect(reject);
		nothing();
	}
}

/* RFC 1661 section 6: an option beyond the packet, and the packet is discarded. */
static void malformed_requests_are_discarded(void **unused)
{
	static const char *const packets[] = {
		"01 07 0008 0500 0000",
		"01 07 0008 0501 0000",
		"01 07 0008 0506 0000",
		"01 07 0005 05",
		"01 07 00ff 01040578",
		"01 07 0003",
		"01",
		"01 07 00",
	};

	(void)unused;
	start(true, false);
	for (unsigned int i = 0; i < sizeof(packets) / sizeof(packets[0]); i++)
		peer(packets[i]);
	nothing();
	assert_int_equal(lcp.cp.automaton.state, PPP_REQ_SENT);
}

static void padding_is_no_part_of_the_packet(void **unused)
{
	(void)unused;
	start(true, false);
	peer("01 05 000a 050600000001 ffffffffffff");
	expect("02 05 000a 050600000001");
}

static void absurd_mru_is_naked(void **unused)
{
	(void)unused;
	start(true, false);
	peer("01 01 0008 0104 007f");
	expect("03 01 0008 0104 0578");
	peer("01 02 0007 0103 01");
	expect("03 02 0008 0104 0578");
	peer("01 03 0008 0104 0080");
	expect("02 03 0008 0104 0080");
	assert_int_equal(lcp.peer.mru, 128);
	peer("01 04 0004");
	expect("02 04 0004");
	assert_int_equal(lcp.peer.mru, 1500);
}

static void magic_zero_is_naked(void **unused)
{
	(void)unused;
	start(true, false);
	peer("01 01 000a 050600000000");
	expect("03 01 000a 0506a2a2a2a2");
	peer("01 02 0004");
	expect("02 02 0004");
}

static void naks_end_in_a_reject(void **unused)
{
	char packet[40];

	(void)unused;
	start(true, false);
	for (unsigned int id = 1; id <= CP_MAX_NAKS; id++) {
		snprintf(packet, sizeof(packet), "01 %02x 0008 0104 0001", id);
		peer(packet);
		snprintf(packet, sizeof(packet), "03 %02x 0008 0104 0578", id);
		expect(packet);
		if (id == CP_MAX_NAKS)
			break;
		/* The same once more (a lost Nak) does not count. */
		snprintf(packet, sizeof(packet), "01 %02x 0008 0104 0001", id);
		peer(packet);
		snprintf(packet, sizeof(packet), "03 %02x 0008 0104 0578", id);
		expect(packet);
	}
	peer("01 77 0008 0104 0001");
	expect("04 77 0008 0104 0001");
	peer("01 78 0004");
	expect("02 78 0004");
}

static void refusals_without_end_fail(void **unused)
{
	char packet[40];

	(void)unused;
	start(true, false);
	for (unsigned int id = 1; id <= 40 && !lcp.cp.failed; id++) {
		snprintf(packet, sizeof(packet), "01 %02x 0008 0104 0001", id);
		peer(packet);
	}
	assert_int_equal(script.events[CP_FAILED], 1);
	assert_true(script.count < 20);
	/* It stands still then. */
	script.next = script.count;
	assert_true(cp_deadline(&lcp.cp) == UINT64_MAX);
	peer("01 50 0008 0104 0001");
	nothing();
}

static void refused_options_are_left_out(void **unused)
{
	(void)unused;
	start(false, false);
	peer("04 01 000c 020600000000 0702"); /* ACCM, PFC */
	expect("01 02 0010 01040578 0506a1a1a1a1 0802");
	peer("03 02 000a 01040500 0802"); /* MRU 1280; a flag cannot be naked */
	expect("01 03 000e 01040500 0506a1a1a1a1");
	peer("04 03 000a 0506a1a1a1a1");
	expect("01 04 0008 01040500");
	assert_int_equal(lcp.magic, 0);
	peer("03 04 000e 01040040 0306c2230500"); /* below the least; and one that we did not ask
						     for */
	expect("01 05 0004");
	assert_int_equal(lcp.mru, 1500);
	peer("02 05 0004");
	assert_int_equal(lcp.cp.automaton.state, PPP_ACK_RCVD);
	nothing();
}

static void naked_magic_is_changed(void **unused)
{
	(void)unused;
	start(false, false);
	peer("03 01 000a 0506deadbeef");
	expect("01 02 0018 01040578 020600000000 0506a2a2a2a2 0702 0802");
}

static void replies_that_do_not_fit_are_discarded(void **unused)
{
	(void)unused;
	start(false, false);
	peer("02 02 0018 01040578 020600000000 0506a1a1a1a1 0702 0802"); /* identifier */
	peer("02 01 0018 01040579 020600000000 0506a1a1a1a1 0702 0802"); /* content */
	peer("02 01 0016 01040578 020600000000 0506a1a1a1a1 0702");
	peer("04 09 0006 0702");
	peer("04 01 0006 0700"); /* malformed */
	assert_int_equal(lcp.cp.automaton.state, PPP_REQ_SENT);
	nothing();
	peer(CLIENT_ACK);
	assert_int_equal(lcp.cp.automaton.state, PPP_ACK_RCVD);
	/* A second Ack of the same request (we had repeated it) must not cross the connection. */
	peer(CLIENT_ACK);
	assert_int_equal(lcp.cp.automaton.state, PPP_ACK_RCVD);
	peer("01 05 0004");
	expect("02 05 0004");
	peer(CLIENT_ACK);
	assert_true(cp_is_open(&lcp.cp));
	nothing();
}

static void a_looped_link_is_noticed(void **unused)
{
	(void)unused;
	start(true, false);
	for (unsigned int i = 0; i < 40 && script.next < script.count + 1 && !lcp.cp.failed; i++) {
		/* Each packet comes back, the first request too. */
		if (i == 0)
			peer(SERVER_REQUEST);
		else if (script.next < script.count) {
			uint8_t copy[1600];
			size_t len = script.sent[script.next].len;

			memcpy(copy, script.sent[script.next++].data, len);
			lcp_receive(&lcp, copy, len, now);
		}
	}
	assert_int_equal(script.events[CP_FAILED], 1);
	assert_int_equal(lcp.cp.reason, PPTP_LCP_LOOPBACK);
}

static void requests_into_silence_come_faster_at_first(void **unused)
{
	static const uint64_t at[] = { 300000, 1300000, 4300000, 7300000, 10300000, 13300000,
		16300000, 19300000, 22300000, 25300000 };
	struct lcp_config config = {
		.mru = 1400, .demand = { 1, { PPP_AUTH_MSCHAP2 } }, .restart_interval = 3 * SECOND
	};

	(void)unused;
	script_reset();
	now = 5 * SECOND;
	lcp_done(&lcp);
	lcp_init(&lcp, &config, &script_host, NULL);
	lcp_start(&lcp, now);
	for (unsigned int i = 0; i < 10; i++) {
		expect(SERVER_REQUEST); /* the same identifier: a late Ack of any counts */
		nothing();
		assert_int_equal(lcp_deadline(&lcp), now + at[i]);
		assert_true(lcp_tick(&lcp, now + at[i] - 1));
		assert_true(lcp_tick(&lcp, now + at[i]));
	}
	nothing();
	assert_int_equal(script.events[CP_FINISHED], 1);
	assert_true(lcp.cp.timed_out);
	assert_true(lcp_deadline(&lcp) == UINT64_MAX);
}

/* Ours may have gone out before the peer listened: it goes again, before the answer to the peer's.
 */
static void the_first_request_of_the_peer_brings_ours_again(void **unused)
{
	struct lcp_config config = {
		.mru = 1400, .demand = { 1, { PPP_AUTH_MSCHAP2 } }, .restart_interval = 3 * SECOND
	};

	(void)unused;
	script_reset();
	now = 5 * SECOND;
	lcp_done(&lcp);
	lcp_init(&lcp, &config, &script_host, NULL);
	lcp_start(&lcp, now);
	expect(SERVER_REQUEST);
	now += 100000;
	peer("01 01 000a 050600000001");
	expect(SERVER_REQUEST);
	expect("02 01 000a 050600000001");
	/* From here on the usual interval: a repetition could reach an open peer. */
	assert_int_equal(lcp_deadline(&lcp), now + 3 * SECOND);
	peer("01 01 000a 050600000001");
	expect("02 01 000a 050600000001");
	nothing();
	peer(SERVER_ACK);
	peer(SERVER_ACK);
	assert_true(cp_is_open(&lcp.cp));
	assert_int_equal(script.events[CP_UP], 1);
	assert_int_equal(script.events[CP_DOWN], 0);
}

/* RFC 1661 4.3: the implementation must be prepared to renegotiate at once. */
static void a_new_request_renegotiates(void **unused)
{
	(void)unused;
	open_server();
	peer("01 33 0008 01040400");
	assert_int_equal(script.events[CP_DOWN], 1);
	expect("01 02 001d 01040578 020600000000 0305c22381 0506a1a1a1a1 0702 0802");
	expect("02 33 0008 01040400");
	peer("02 02 001d 01040578 020600000000 0305c22381 0506a1a1a1a1 0702 0802");
	assert_true(cp_is_open(&lcp.cp));
	assert_int_equal(lcp.peer.mru, 1024);
	assert_int_equal(lcp.peer.magic, 0);
}

/* Our Ack was lost; or much later, the peer has started again at the same number. */
static void a_repeated_request_renegotiates_only_later(void **unused)
{
	(void)unused;
	open_server();
	peer("01 33 0008 01040400");
	expect("01 02 001d 01040578 020600000000 0305c22381 0506a1a1a1a1 0702 0802");
	expect("02 33 0008 01040400");
	peer("02 02 001d 01040578 020600000000 0305c22381 0506a1a1a1a1 0702 0802");
	now += 20 * SECOND;
	peer("01 33 0008 01040400");
	expect("02 33 0008 01040400");
	nothing();
	assert_int_equal(script.events[CP_DOWN], 1);
	now += 20 * SECOND;
	peer("01 33 0008 01040400");
	assert_int_equal(script.events[CP_DOWN], 2);
	expect("01 03 001d 01040578 020600000000 0305c22381 0506a1a1a1a1 0702 0802");
	expect("02 33 0008 01040400");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(windows_request_with_callback),
		cmocka_unit_test(callback_by_cbcp_is_taken_where_it_is_allowed),
		cmocka_unit_test(callback_is_asked_for_only_by_a_client_that_must),
		cmocka_unit_test(rras_request_is_rejected_then_naked),
		cmocka_unit_test(pppd_request_is_acknowledged_as_it_is),
		cmocka_unit_test(unknown_options_are_rejected_as_they_were),
		cmocka_unit_test(malformed_requests_are_discarded),
		cmocka_unit_test(padding_is_no_part_of_the_packet),
		cmocka_unit_test(absurd_mru_is_naked),
		cmocka_unit_test(magic_zero_is_naked),
		cmocka_unit_test(naks_end_in_a_reject),
		cmocka_unit_test(refusals_without_end_fail),
		cmocka_unit_test(refused_options_are_left_out),
		cmocka_unit_test(naked_magic_is_changed),
		cmocka_unit_test(replies_that_do_not_fit_are_discarded),
		cmocka_unit_test(a_looped_link_is_noticed),
		cmocka_unit_test(requests_into_silence_come_faster_at_first),
		cmocka_unit_test(the_first_request_of_the_peer_brings_ours_again),
		cmocka_unit_test(a_new_request_renegotiates),
		cmocka_unit_test(a_repeated_request_renegotiates_only_later),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
