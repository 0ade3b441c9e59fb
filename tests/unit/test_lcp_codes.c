/* LCP's other codes: echoes, remarks, rejects, and how it ends. */
#include "tests/unit/lcp_script.h"

static void echo_is_answered_with_our_magic(void **unused)
{
	(void)unused;
	open_server();
	peer("09 2a 000b 00000001 616263");
	expect("0a 2a 000b a1a1a1a1 616263");
	peer("09 2b 0007 000000");        /* too short for a magic number */
	peer("0b 2c 000a 00000001 7878"); /* Discard-Request */
	peer("0a 2d 0008 00000001");      /* a reply that nobody asked for */
	nothing();
}

static void nothing_is_answered_before_lcp_is_open(void **unused)
{
	(void)unused;
	start(true, false);
	peer("09 2a 0008 00000001");
	peer("08 2b 0006 80fd");
	nothing();
	assert_int_equal(script.rejected, 0);
}

static void echo_reply_fits_the_peers_mru(void **unused)
{
	uint8_t packet[1404] = { 9, 1, 0x05, 0x7c };

	(void)unused;
	open_server();
	lcp.cp.limit = 128;
	lcp_receive(&lcp, packet, sizeof(packet), now);
	assert_int_equal(script.count, script.next + 1);
	assert_int_equal(script.sent[script.next].len, 128);
	assert_memory_equal(script.sent[script.next].data, "\x0a\x01\x00\x80\xa1\xa1\xa1\xa1", 8);
	script.next++;
	packet[0] = 0x70; /* so does a Code-Reject */
	lcp_receive(&lcp, packet, sizeof(packet), now);
	assert_int_equal(script.sent[script.next].len, 128);
	script.next++;
	lcp_reject_protocol(&lcp, PPP_IPV6CP, packet, sizeof(packet));
	assert_int_equal(script.sent[script.next].len, 128);
}

/* The three Identifications of Windows, and Time-Remaining: read, logged, no Code-Reject. */
static void remarks_are_consumed(void **unused)
{
	(void)unused;
	open_server();
	peer("0c 01 0012 75eb25d5 4d5352415356352e3230");
	peer("0c 02 000e 75eb25d5 4d5352415300");
	peer("0c 03 0018 75eb25d5 f00d2571214700112233445566778899");
	peer("0d 04 000f 75eb25d5 00000e10 627965");
	peer("0c 05 0006 75eb");
	peer("0d 06 0008 75eb25d5");
	nothing();
	assert_non_null(strstr(script.log, "MSRASV5.20"));
	assert_non_null(strstr(script.log, "MSRAS\\x00"));
	assert_non_null(strstr(script.log, "\\xf0\\x0d%q!G"));
	assert_non_null(strstr(script.log, "3600 s remain: bye"));
}

static void unknown_codes_are_rejected(void **unused)
{
	(void)unused;
	open_server();
	peer("0e 09 0006 abcd");
	expect("07 02 000a 0e 09 0006 abcd");
	peer("00 0a 0004 ffff");
	expect("07 03 0008 00 0a 0004");
}

/* RFC 1661 5.8: an echo of ours that comes back, three times, is a loop; a peer that writes our number
 * into requests of its own is answered. */
static void echoes_that_come_back_are_a_loop(void **unused)
{
	(void)unused;
	open_server();
	for (int i = 0; i < 10; i++) {
		peer("09 63 0008 a1a1a1a1");
		expect("0a 63 0008 a1a1a1a1");
	}
	for (int i = 0; i < 3; i++) {
		char text[40];

		assert_int_equal(script.events[CP_FAILED], 0);
		now += 30 * SECOND;
		assert_true(lcp_tick(&lcp, now));
		snprintf(text, sizeof(text), "09 %02x 0008 a1a1a1a1", i + 2);
		expect(text);
		peer(text);
		nothing();
	}
	assert_int_equal(script.events[CP_FAILED], 1);
	assert_int_equal(lcp.cp.reason, PPTP_LCP_LOOPBACK);
}

static void code_reject_of_echo_stops_echoes(void **unused)
{
	(void)unused;
	open_server();
	now += 30 * SECOND;
	assert_true(lcp_tick(&lcp, now));
	expect("09 02 0008 a1a1a1a1");
	peer("07 09 000c 09 02 0008 a1a1a1a1");
	assert_true(lcp_deadline(&lcp) == UINT64_MAX);
	assert_true(cp_is_open(&lcp.cp));
}

static void code_reject_of_a_basic_code_is_the_end(void **unused)
{
	(void)unused;
	open_server();
	peer("07 09 0008 01 01 0004");
	assert_int_equal(script.events[CP_FAILED], 1);
}

static void protocol_reject_is_passed_on(void **unused)
{
	(void)unused;
	open_server();
	peer("08 09 0005 80"); /* too short */
	assert_int_equal(script.rejected, 0);
	peer("08 09 000a 80fd 01010004");
	assert_int_equal(script.rejected, PPP_CCP);
	nothing();
}

static void foreign_protocols_are_rejected(void **unused)
{
	(void)unused;
	start(true, false);
	lcp_reject_protocol(&lcp, PPP_IPV6CP, (const uint8_t *)"\1\4\0\4", 4);
	nothing(); /* RFC 1661 5.7: only when open */
	peer(SERVER_ACK);
	peer("01 05 0004");
	expect("02 05 0004");
	lcp_reject_protocol(&lcp, PPP_IPV6CP, (const uint8_t *)"\1\4\0\4", 4);
	expect("08 02 000a 8057 01040004");
}

static void echoes_come_after_silence_and_end_it(void **unused)
{
	(void)unused;
	open_server();
	assert_int_equal(lcp_deadline(&lcp), now + 30 * SECOND);
	now += 10 * SECOND;
	lcp_heard(&lcp, NULL, 0, now); /* data */
	assert_int_equal(lcp_deadline(&lcp), now + 30 * SECOND);
	now += 30 * SECOND;
	assert_true(lcp_tick(&lcp, now));
	expect("09 02 0008 a1a1a1a1");
	now += 20000;
	peer("0a 02 0008 00000001");
	assert_int_equal(lcp.echo_rtt, 20000);
	for (unsigned int i = 0; i < 3; i++) {
		now += 30 * SECOND;
		assert_int_equal(lcp_deadline(&lcp), now);
		assert_true(lcp_tick(&lcp, now));
		script.next++;
	}
	now += 30 * SECOND;
	assert_false(lcp_tick(&lcp, now));
}

static void peers_terminate_request_is_acknowledged(void **unused)
{
	(void)unused;
	open_server();
	peer("05 02 0011 4d505045206469736162"); /* cut: discarded */
	peer("05 02 0011 4d505045206469736162 6c6564");
	assert_int_equal(script.events[CP_TERMINATED], 1);
	assert_int_equal(script.events[CP_DOWN], 1);
	expect("06 02 0004");
	nothing();
}

static void closing_is_tried_three_times_a_second_apart(void **unused)
{
	(void)unused;
	open_server();
	cp_close(&lcp.cp, "bye", now);
	expect("05 02 0007 627965");
	for (unsigned int id = 3; id < 5; id++) {
		char packet[40];

		now += SECOND;
		assert_int_equal(lcp_deadline(&lcp), now);
		lcp_tick(&lcp, now);
		snprintf(packet, sizeof(packet), "05 %02x 0007 627965", id);
		expect(packet);
	}
	now += SECOND;
	lcp_tick(&lcp, now);
	nothing();
	assert_int_equal(script.events[CP_FINISHED], 1);
}

static void closing_ends_with_the_ack(void **unused)
{
	(void)unused;
	open_server();
	cp_close(&lcp.cp, "", now);
	expect("05 02 0004");
	peer("01 22 0004"); /* too late */
	nothing();
	peer("06 02 0004");
	assert_int_equal(script.events[CP_FINISHED], 1);
	assert_true(lcp_deadline(&lcp) == UINT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(echo_is_answered_with_our_magic),
		cmocka_unit_test(nothing_is_answered_before_lcp_is_open),
		cmocka_unit_test(echo_reply_fits_the_peers_mru),
		cmocka_unit_test(remarks_are_consumed),
		cmocka_unit_test(unknown_codes_are_rejected),
		cmocka_unit_test(echoes_that_come_back_are_a_loop),
		cmocka_unit_test(code_reject_of_echo_stops_echoes),
		cmocka_unit_test(code_reject_of_a_basic_code_is_the_end),
		cmocka_unit_test(protocol_reject_is_passed_on),
		cmocka_unit_test(foreign_protocols_are_rejected),
		cmocka_unit_test(echoes_come_after_silence_and_end_it),
		cmocka_unit_test(peers_terminate_request_is_acknowledged),
		cmocka_unit_test(closing_is_tried_three_times_a_second_apart),
		cmocka_unit_test(closing_ends_with_the_ack),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
