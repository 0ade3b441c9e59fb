/* CCP and MPPE's option against scripted peers. */
#include "lib/ppp/ccp.h"
#include "lib/ppp/frame.h"
#include "tests/unit/cp_script.h"

#define SECOND 1000000ull

static struct ccp ccp;
static uint64_t now;
static struct {
	bool rx, tx;
	struct mppe_params rx_params, tx_params;
	unsigned int rx_on, tx_on, off, resets;
	unsigned int sent_at_rx; /* packets sent when reception was switched on */
} keys;

#define expect(hex) script_expect_on(PPP_CCP, hex, __LINE__)
#define nothing()   script_nothing(__LINE__)

#define REQUEST_128 "01 01 000a 1206 01000040"
#define ACK_128     "02 01 000a 1206 01000040"

static void set_rx(void *user, const struct mppe_params *params)
{
	(void)user;
	keys.rx = params != NULL;
	if (params)
		keys.rx_params = *params, keys.rx_on++, keys.sent_at_rx = script.count;
	else
		keys.off++;
}

static void set_tx(void *user, const struct mppe_params *params)
{
	(void)user;
	keys.tx = params != NULL;
	if (params)
		keys.tx_params = *params, keys.tx_on++;
	else
		keys.off++;
}

static void reset(void *user)
{
	(void)user;
	keys.resets++;
}

static const struct ccp_ops ops = { .rx = set_rx, .tx = set_tx, .reset = reset };

/* What the link does. */
static void event(void *user, struct cp *cp, enum cp_event e)
{
	script_event(user, cp, e);
	if (e == CP_UP)
		ccp_up(&ccp);
	if (e == CP_DOWN || e == CP_FAILED)
		ccp_down(&ccp);
}

static struct cp_host host;

static void peer(const char *hex)
{
	uint8_t packet[1600];

	cp_receive(&ccp.cp, packet, script_hex(hex, packet, sizeof(packet)), now);
}

static void start(unsigned int strengths, bool stateless, bool stateful, const char *request)
{
	struct ppp_mppe_config config = {
		.policy = PPP_MPPE_REQUIRE,
		.strengths = strengths,
		.allow_stateless = stateless,
		.allow_stateful = stateful,
	};

	script_reset();
	memset(&keys, 0, sizeof(keys));
	host = script_host;
	host.event = event;
	now = 1000 * SECOND;
	ccp_init(&ccp, &config, &ops, &host, NULL);
	ccp_start(&ccp, now);
	expect(request);
}

static void start_128(void)
{
	start(PPP_MPPE_128, true, false, REQUEST_128);
}

static void open_stateful(void)
{
	start(PPP_MPPE_128, false, true, "01 01 000a 1206 00000040");
	peer("02 01 000a 1206 00000040");
	peer("01 01 000a 1206 00000040");
	expect("02 01 000a 1206 00000040");
	assert_true(cp_is_open(&ccp.cp));
}

static void reception_is_ready_before_our_ack(void **unused)
{
	(void)unused;
	start_128();
	peer("01 01 000a 1206 01000040");
	expect(ACK_128);
	assert_true(keys.rx);
	assert_int_equal(keys.sent_at_rx, 1);
	assert_false(keys.tx); /* not before it is open */
	peer(ACK_128);
	assert_true(keys.tx);
	assert_int_equal(keys.rx_on, 1); /* not started again */
	assert_true(keys.rx_params.bits == MPPE_128 && keys.rx_params.stateless);
	assert_true(keys.tx_params.bits == MPPE_128 && keys.tx_params.stateless);
}

static void reception_is_ready_in_the_other_order(void **unused)
{
	(void)unused;
	start_128();
	peer(ACK_128);
	assert_false(keys.tx);
	peer("01 01 000a 1206 01000040");
	expect(ACK_128);
	assert_int_equal(keys.sent_at_rx, 1);
	assert_true(keys.rx && keys.tx);
	assert_int_equal(keys.rx_on, 1);
}

/* A repeated request of the peer (our Ack was lost) does not start the keys again. */
static void a_repeated_ack_keeps_the_keys(void **unused)
{
	(void)unused;
	start_128();
	peer("01 01 000a 1206 01000040");
	peer("01 01 000a 1206 01000040");
	expect(ACK_128);
	expect(ACK_128);
	assert_int_equal(keys.rx_on, 1);
}

static void requests_of_real_peers_are_naked_to_one_strength(void **unused)
{
	static const struct {
		const char *name;
		unsigned int strengths;
		bool stateful;
		uint32_t bits, answer;
	} cases[] = {
		{ "Windows 2000", PPP_MPPE_128, false, 0x010000e1, 0x01000040 },
		{ "Windows 2000, weak", PPP_MPPE_40 | PPP_MPPE_56, false, 0x010000e1, 0x01000080 },
		{ "RRAS", PPP_MPPE_128, false, 0x01000041, 0x01000040 },
		{ "pppd with both", PPP_MPPE_128 | PPP_MPPE_40, false, 0x01000060, 0x01000040 },
		{ "pppd, 40 only here", PPP_MPPE_40, false, 0x01000060, 0x01000020 },
		{ "MPPC alone", PPP_MPPE_128, false, 0x00000001, 0x01000040 },
		{ "nothing", PPP_MPPE_128, false, 0, 0x01000040 },
		{ "no common strength", PPP_MPPE_128, false, 0x01000020, 0x01000040 },
		{ "obsolete", PPP_MPPE_128, false, 0x01000050, 0x01000040 },
		{ "reserved", PPP_MPPE_128, false, 0x01800040, 0x01000040 },
		{ "stateful, not allowed", PPP_MPPE_128, false, 0x00000040, 0x01000040 },
		{ "stateful, two", PPP_MPPE_128, true, 0x00000060, 0x00000040 },
	};

	(void)unused;
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char packet[60];

		script_reset();
		start(cases[i].strengths, true, cases[i].stateful,
			cases[i].strengths == PPP_MPPE_128  ? REQUEST_128
			: cases[i].strengths == PPP_MPPE_40 ? "01 01 000a 1206 01000020"
			: cases[i].strengths == (PPP_MPPE_40 | PPP_MPPE_128)
				? "01 01 000a 1206 01000060"
				: "01 01 000a 1206 010000a0");
		snprintf(packet, sizeof(packet), "01 09 000a 1206 %08x", cases[i].bits);
		peer(packet);
		snprintf(packet, sizeof(packet), "03 09 000a 1206 %08x", cases[i].answer);
		expect(packet);
		nothing();
		snprintf(packet, sizeof(packet), "01 0a 000a 1206 %08x", cases[i].answer);
		peer(packet);
		snprintf(packet, sizeof(packet), "02 0a 000a 1206 %08x", cases[i].answer);
		expect(packet);
	}
}

static void stateful_is_accepted_where_allowed(void **unused)
{
	(void)unused;
	start(PPP_MPPE_128, true, true, REQUEST_128);
	peer("01 01 000a 1206 00000040");
	expect("02 01 000a 1206 00000040");
	peer("03 01 000a 1206 00000040"); /* and it wants the same from us */
	expect("01 02 000a 1206 00000040");
	peer("02 02 000a 1206 00000040");
	assert_true(cp_is_open(&ccp.cp));
	assert_false(keys.rx_params.stateless);
	assert_false(keys.tx_params.stateless);
}

static void stateless_is_not_taken_where_only_stateful_is_allowed(void **unused)
{
	(void)unused;
	start(PPP_MPPE_128, false, true, "01 01 000a 1206 00000040");
	peer("01 01 000a 1206 01000040");
	expect("03 01 000a 1206 00000040");
}

static void wrong_length_is_naked(void **unused)
{
	(void)unused;
	start_128();
	peer("01 01 0008 1204 0100");
	expect("03 01 000a 1206 01000040");
	peer("01 02 000b 1207 0100004000");
	expect("03 02 000a 1206 01000040");
}

static void other_methods_are_rejected(void **unused)
{
	(void)unused;
	start_128();
	peer("01 01 0015 1a04 7800 1804 7800 1503 2f 1206 01000040"); /* Deflate twice, BSD, MPPE */
	expect("04 01 000f 1a04 7800 1804 7800 1503 2f");
	peer("01 02 000a 1206 01000040");
	expect("02 02 000a 1206 01000040");
}

static void a_request_without_mppe_is_naked_three_times(void **unused)
{
	(void)unused;
	start_128();
	peer("01 01 0004");
	expect("03 01 000a 1206 01000040");
	peer("01 02 0004");
	expect("03 02 000a 1206 01000040");
	peer("01 03 0004");
	expect("03 03 000a 1206 01000040");
	peer("01 04 0004");
	nothing();
	assert_int_equal(script.events[CP_FAILED], 1);
	assert_int_equal(ccp.cp.reason, PPTP_MPPE_REFUSED);
}

static void a_peer_that_insists_is_rejected_and_left(void **unused)
{
	char packet[60];

	(void)unused;
	start_128();
	for (unsigned int id = 1; id <= CP_MAX_NAKS; id++) {
		snprintf(packet, sizeof(packet), "01 %02x 000a 1206 01000020", id);
		peer(packet);
		snprintf(packet, sizeof(packet), "03 %02x 000a 1206 01000040", id);
		expect(packet);
	}
	peer("01 20 000a 1206 01000020");
	expect("04 20 000a 1206 01000020");
	assert_int_equal(script.events[CP_FAILED], 1);
	assert_int_equal(ccp.cp.reason, PPTP_MPPE_REFUSED);
}

static void a_nak_is_followed_within_what_is_allowed(void **unused)
{
	(void)unused;
	start(PPP_MPPE_128 | PPP_MPPE_56 | PPP_MPPE_40, true, false, "01 01 000a 1206 010000e0");
	peer("03 01 000a 1206 01000080");
	expect("01 02 000a 1206 01000080");
	peer("02 02 000a 1206 01000080");
	assert_int_equal(ccp.cp.automaton.state, PPP_ACK_RCVD);

	start_128();
	for (unsigned int id = 1; id < 3; id++) {
		char packet[60];

		snprintf(packet, sizeof(packet), "03 %02x 000a 1206 01000020", id);
		peer(packet);
		snprintf(packet, sizeof(packet), "01 %02x 000a 1206 01000040", id + 1);
		expect(packet);
	}
	peer("03 03 000a 1206 01000020");
	nothing();
	assert_int_equal(script.events[CP_FAILED], 1);
	assert_int_equal(ccp.cp.reason, PPTP_MPPE_REFUSED);
}

/* Naked after we have acknowledged: the peer is open as soon as it acknowledges the new request. */
static void reception_is_ready_before_the_request_that_follows_a_nak(void **unused)
{
	(void)unused;
	start(PPP_MPPE_128 | PPP_MPPE_40, true, false, "01 01 000a 1206 01000060");
	peer("01 01 000a 1206 01000040");
	expect(ACK_128);
	assert_false(keys.rx); /* it is not known yet which */
	peer("03 01 000a 1206 01000040");
	assert_true(keys.rx);
	assert_int_equal(keys.sent_at_rx, 2);
	expect("01 02 000a 1206 01000040");
}

static void an_ack_of_several_strengths_is_not_enough(void **unused)
{
	(void)unused;
	start(PPP_MPPE_128 | PPP_MPPE_40, true, false, "01 01 000a 1206 01000060");
	peer("02 01 000a 1206 01000060");
	expect("01 02 000a 1206 01000040");
	/* With our Ack under way already, the peer is open as soon as it has that. */
	start(PPP_MPPE_128 | PPP_MPPE_40, true, false, "01 01 000a 1206 01000060");
	peer("01 01 000a 1206 01000040");
	expect(ACK_128);
	peer("02 01 000a 1206 01000060");
	assert_true(keys.rx);
	assert_int_equal(keys.sent_at_rx, 2);
	expect("01 02 000a 1206 01000040");
}

static void a_reject_is_the_end(void **unused)
{
	(void)unused;
	start_128();
	peer("04 01 000a 1206 01000040");
	nothing();
	assert_int_equal(script.events[CP_FAILED], 1);
	assert_int_equal(ccp.cp.reason, PPTP_MPPE_REFUSED);
}

static void reset_request_is_answered_by_reset_and_ack(void **unused)
{
	(void)unused;
	open_stateful();
	peer("0e 02 0004"); /* as Linux sends it */
	assert_int_equal(keys.resets, 1);
	/* Twice: it waits a second for one that is lost. */
	expect("0f 02 0004");
	expect("0f 02 0004");
	nothing();
	peer("0e 03 0006 abcd");
	assert_int_equal(keys.resets, 2);
	expect("0f 03 0004");
	expect("0f 03 0004");
	nothing();
	/* A peer that does not know Reset-Ack says so once. */
	peer("07 09 0008 0f 03 0004");
	peer("0e 04 0004");
	assert_int_equal(keys.resets, 3);
	nothing();
	assert_true(cp_is_open(&ccp.cp));
}

static void reset_request_before_open_is_nothing(void **unused)
{
	(void)unused;
	start_128();
	peer("0e 02 0004");
	peer("0f 02 0004");
	nothing();
	assert_int_equal(keys.resets, 0);
}

static void our_reset_request_keeps_its_identifier_until_the_ack(void **unused)
{
	(void)unused;
	open_stateful();
	ccp_want_reset(&ccp);
	expect("0e 02 0004");
	ccp_want_reset(&ccp);
	expect("0e 02 0004");
	peer("0f 02 0004");
	ccp_want_reset(&ccp);
	expect("0e 03 0004");
	peer("07 09 0008 0e 03 0004");
	ccp_want_reset(&ccp);
	nothing();
}

static void terminate_takes_the_keys(void **unused)
{
	(void)unused;
	open_stateful();
	peer("05 07 0004");
	expect("06 07 0004");
	assert_false(keys.rx || keys.tx);
	assert_int_equal(script.events[CP_DOWN], 1);
	assert_int_equal(script.events[CP_TERMINATED], 1);
}

static void renegotiation_starts_the_keys_anew(void **unused)
{
	(void)unused;
	open_stateful();
	peer("01 02 000a 1206 00000040"); /* by the peer */
	expect("01 02 000a 1206 00000040");
	expect("02 02 000a 1206 00000040");
	assert_int_equal(keys.rx_on, 2);
	assert_false(keys.tx);
	peer("02 02 000a 1206 00000040");
	assert_true(keys.tx && keys.rx);

	ccp_restart(&ccp, now); /* by us */
	assert_false(keys.rx || keys.tx);
	expect("01 03 000a 1206 00000040");
	peer("02 03 000a 1206 00000040");
	peer("01 03 000a 1206 00000040");
	expect("02 03 000a 1206 00000040");
	assert_int_equal(keys.rx_on, 3);
	assert_int_equal(keys.tx_on, 3);
}

static void a_protocol_reject_ends_it(void **unused)
{
	(void)unused;
	start_128();
	cp_protocol_rejected(&ccp.cp, now);
	assert_int_equal(script.events[CP_FINISHED], 1);
	assert_false(ccp.cp.timed_out);
	nothing();
}

static void silence_ends_it(void **unused)
{
	(void)unused;
	start_128();
	while (cp_deadline(&ccp.cp) != UINT64_MAX) {
		now = cp_deadline(&ccp.cp);
		cp_tick(&ccp.cp, now);
	}
	assert_int_equal(script.count, 10);
	assert_int_equal(script.events[CP_FINISHED], 1);
	assert_true(ccp.cp.timed_out);
}

static void refusing_needs_no_state(void **unused)
{
	uint8_t packet[64];

	(void)unused;
	script_reset();
	ccp_init(&ccp, &(struct ppp_mppe_config){ 0 }, &ops, &script_host, NULL);
	assert_true(ccp_refuse(&ccp, packet,
		script_hex("01 05 000e 1206 01000040 1a04 7800", packet, sizeof(packet))));
	expect("04 05 000e 1206 01000040 1a04 7800");
	assert_true(ccp_refuse(&ccp, packet, script_hex("05 06 0004", packet, sizeof(packet))));
	expect("06 06 0004");
	assert_false(ccp_refuse(&ccp, packet, script_hex("01 07 0004", packet, sizeof(packet))));
	assert_true(ccp_refuse(&ccp, packet, script_hex("02 07 0004", packet, sizeof(packet))));
	assert_true(ccp_refuse(&ccp, packet, script_hex("0e 07 0004", packet, sizeof(packet))));
	assert_true(ccp_refuse(&ccp, packet, script_hex("01 07 0104", packet, sizeof(packet))));
	nothing();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reception_is_ready_before_our_ack),
		cmocka_unit_test(reception_is_ready_in_the_other_order),
		cmocka_unit_test(a_repeated_ack_keeps_the_keys),
		cmocka_unit_test(requests_of_real_peers_are_naked_to_one_strength),
		cmocka_unit_test(stateful_is_accepted_where_allowed),
		cmocka_unit_test(stateless_is_not_taken_where_only_stateful_is_allowed),
		cmocka_unit_test(wrong_length_is_naked),
		cmocka_unit_test(other_methods_are_rejected),
		cmocka_unit_test(a_request_without_mppe_is_naked_three_times),
		cmocka_unit_test(a_peer_that_insists_is_rejected_and_left),
		cmocka_unit_test(a_nak_is_followed_within_what_is_allowed),
		cmocka_unit_test(reception_is_ready_before_the_request_that_follows_a_nak),
		cmocka_unit_test(an_ack_of_several_strengths_is_not_enough),
		cmocka_unit_test(a_reject_is_the_end),
		cmocka_unit_test(reset_request_is_answered_by_reset_and_ack),
		cmocka_unit_test(reset_request_before_open_is_nothing),
		cmocka_unit_test(our_reset_request_keeps_its_identifier_until_the_ack),
		cmocka_unit_test(terminate_takes_the_keys),
		cmocka_unit_test(renegotiation_starts_the_keys_anew),
		cmocka_unit_test(a_protocol_reject_ends_it),
		cmocka_unit_test(silence_ends_it),
		cmocka_unit_test(refusing_needs_no_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
