/* LCP against scripted peers: options of real ones, byte by byte. */
#include "lib/ppp/frame.h"
#include "lib/ppp/lcp.h"
#include "tests/unit/cp_script.h"

#define SECOND 1000000ull

static struct lcp lcp;
static uint64_t now;

#define expect(hex) script_expect_on(PPP_LCP, hex, __LINE__)
#define nothing()   script_nothing(__LINE__)

/* Ours, with the first magic number of the scripted randomness. */
#define SERVER_REQUEST     "01 01 001d 01040578 020600000000 0305c22381 0506a1a1a1a1 0702 0802"
#define SERVER_REQUEST_EAP "01 01 001c 01040578 020600000000 0304c227 0506a1a1a1a1 0702 0802"
#define SERVER_ACK         "02 01 001d 01040578 020600000000 0305c22381 0506a1a1a1a1 0702 0802"
#define CLIENT_REQUEST     "01 01 0018 01040578 020600000000 0506a1a1a1a1 0702 0802"
#define CLIENT_ACK         "02 01 0018 01040578 020600000000 0506a1a1a1a1 0702 0802"

static void peer(const char *hex)
{
	uint8_t packet[1600];
	size_t len = script_hex(hex, packet, sizeof(packet));

	lcp_heard(&lcp, packet, len, now);
	lcp_receive(&lcp, packet, len, now);
}

/* Whatever it is, of this code. */
static void expect_code(uint8_t code)
{
	assert_true(script.next < script.count);
	assert_int_equal(script.sent[script.next].data[0], code);
	script.next++;
}

static void start_with(bool server, bool insist, const struct ppp_auth_list *list)
{
	struct lcp_config config = {
		.mru = 1400,
		.insist_auth = insist,
		.restart_interval = 3 * SECOND,
		.echo_interval = 30 * SECOND,
		.echo_failures = 3,
	};

	*(server ? &config.demand : &config.accept) = *list;
	script_reset();
	now = 1000 * SECOND;
	lcp_done(&lcp);
	lcp_init(&lcp, &config, &script_host, NULL);
	lcp_start(&lcp, now);
	expect(!server                                 ? CLIENT_REQUEST
		: list->methods[0] == PPP_AUTH_MSCHAP2 ? SERVER_REQUEST
						       : SERVER_REQUEST_EAP);
	/* The tests of the first meeting apart: the peer has been heard. */
	lcp_heard(&lcp, NULL, 0, now);
	nothing();
}

static void start(bool server, bool insist)
{
	static const struct ppp_auth_list list = { 1, { PPP_AUTH_MSCHAP2 } };

	start_with(server, insist, &list);
}

/* Up with a peer that asks for its magic number only. */
static void open_server(void)
{
	start(true, false);
	peer(SERVER_ACK);
	peer("01 05 000a 050600000001");
	expect("02 05 000a 050600000001");
	nothing();
	assert_true(cp_is_open(&lcp.cp));
}

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

static void methods_are_naked_to_mschapv2(void **unused)
{
	static const struct {
		const char *request, *name;
	} methods[] = {
		{ "01 01 0008 0304c023", "PAP" },
		{ "01 01 0009 0305c22305", "CHAP-MD5" },
		{ "01 01 0009 0305c22380", "MS-CHAP" },
		{ "01 01 0008 0304c227", "EAP" },
		{ "01 01 0008 0304c027", "SPAP" },
		{ "01 01 0008 0304c223", "CHAP with an unknown algorithm" },
		{ "01 01 000a 0306c2238100", "CHAP with an unknown algorithm" },
		{ "01 01 0007 0303c2", "" },
	};

	(void)unused;
	for (unsigned int i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		start(false, true);
		peer(methods[i].request);
		expect("03 01 0009 0305c22381");
		nothing();
		if (i != 6)
			assert_string_equal(lcp_auth_name(&lcp), methods[i].name);
	}
}

static const struct ppp_auth_list both_v2 = { 2, { PPP_AUTH_MSCHAP2, PPP_AUTH_EAP_MSCHAP2 } };
static const struct ppp_auth_list eap_first = { 3,
	{ PPP_AUTH_EAP_MSCHAP2, PPP_AUTH_EAP_MD5, PPP_AUTH_MSCHAP2 } };

/* As RRAS, which asks for EAP first also where it has no method for it. */
static void a_client_declines_eap_once_for_what_it_would_rather_have(void **unused)
{
	(void)unused;
	start_with(false, true, &both_v2);
	peer("01 01 0008 0304c227");
	expect("03 01 0009 0305c22381");
	peer("01 02 0009 0305c22381");
	expect("02 02 0009 0305c22381");
	assert_int_equal(lcp.peer.auth, PPP_AUTH_MSCHAP2);

	start_with(false, true, &both_v2);
	peer("01 01 0008 0304c227");
	expect("03 01 0009 0305c22381");
	peer("01 02 0008 0304c227");
	expect("02 02 0008 0304c227");
	assert_int_equal(lcp.peer.auth, PPP_AUTH_EAP_MSCHAP2);

	/* It has heard of it before. */
	start_with(false, true, &both_v2);
	peer("01 01 0008 0304c023");
	expect("03 01 0009 0305c22381");
	peer("01 02 0008 0304c227");
	expect("02 02 0008 0304c227");

	start_with(false, true, &eap_first);
	peer("01 01 0008 0304c227");
	expect("02 01 0008 0304c227");
	assert_int_equal(lcp.peer.auth, PPP_AUTH_EAP_MSCHAP2);
}

/* Linux' pppd, whose only method is EAP, asks for none any more. */
static void a_server_that_wants_nothing_but_eap_is_told_about(void **unused)
{
	(void)unused;
	start_with(false, true, &both_v2);
	peer("01 01 0008 0304c227");
	expect("03 01 0009 0305c22381");
	peer("01 02 0004");
	expect("03 02 0009 0305c22381");
	peer("01 03 0004");
	expect("03 03 0009 0305c22381");
	peer("01 04 0004");
	nothing();
	assert_int_equal(lcp.cp.reason, PPTP_AUTH_NO_METHOD);
	assert_string_equal(lcp.cp.words,
		"the server wants nothing but EAP: put a method of EAP first in auth");
	assert_string_equal(lcp_auth_name(&lcp), "");
}

static void a_server_asks_for_eap_once_for_all_its_methods(void **unused)
{
	(void)unused;
	start_with(true, false, &eap_first);
	peer("03 01 0009 0305c22305"); /* MD5, which is not allowed: the next that is not EAP */
	expect("01 02 001d 01040578 020600000000 0305c22381 0506a1a1a1a1 0702 0802");
	assert_int_equal(lcp.demanded, PPP_AUTH_MSCHAP2);

	start_with(true, false, &both_v2);
	peer("03 01 0008 0304c227"); /* Windows, set to EAP alone */
	expect("01 02 001c 01040578 020600000000 0304c227 0506a1a1a1a1 0702 0802");
	assert_int_equal(lcp.demanded, PPP_AUTH_EAP_MSCHAP2);
}

static void a_server_that_insists_on_pap_is_left(void **unused)
{
	char packet[40];

	(void)unused;
	start(false, false);
	for (unsigned int id = 1; id <= CP_MAX_NAKS; id++) {
		snprintf(packet, sizeof(packet), "01 %02x 0008 0304c023", id);
		peer(packet);
		snprintf(packet, sizeof(packet), "03 %02x 0009 0305c22381", id);
		expect(packet);
	}
	assert_int_equal(script.events[CP_FAILED], 0);
	peer("01 20 0008 0304c023");
	expect("04 20 0008 0304c023");
	assert_int_equal(script.events[CP_FAILED], 1);
	assert_int_equal(lcp.cp.reason, PPTP_AUTH_NO_METHOD);
	assert_string_equal(lcp_auth_name(&lcp), "PAP");
}

static void a_server_without_authentication_is_asked_for_it(void **unused)
{
	(void)unused;
	start(false, true);
	peer("01 01 000a 050600000001");
	expect("03 01 0009 0305c22381");
	peer("01 02 000f 050600000001 0305c22381");
	expect("02 02 000f 050600000001 0305c22381");
	assert_int_equal(lcp.peer.auth, PPP_AUTH_MSCHAP2);

	start(false, true);
	peer("01 01 0004");
	expect("03 01 0009 0305c22381");
	peer("01 02 0004");
	expect("03 02 0009 0305c22381");
	peer("01 03 0004");
	nothing();
	assert_int_equal(script.events[CP_FAILED], 1);
	assert_int_equal(lcp.cp.reason, PPTP_AUTH_NO_METHOD);

	start(false, true); /* Rejects go first, and are no Naks */
	for (unsigned int id = 1; id < 4; id++) {
		char text[60];

		snprintf(text, sizeof(text), "01 %02x 0007 0d0306", id);
		peer(text);
		snprintf(text, sizeof(text), "04 %02x 0007 0d0306", id);
		expect(text);
	}
	peer("01 04 0004");
	expect("03 04 0009 0305c22381");

	start(false, false); /* nothing hangs on it */
	peer("01 01 0004");
	expect("02 01 0004");
	assert_int_equal(lcp.peer.auth, PPP_AUTH_NONE);
}

/* RRAS lists callback and MRRU beside EAP. */
static void a_choice_that_a_reject_kept_back_is_told_with_the_next_request(void **unused)
{
	(void)unused;
	start(false, true);
	lcp.config.accept = (struct ppp_auth_list){ 2, { PPP_AUTH_MSCHAP2, PPP_AUTH_EAP_MSCHAP2 } };
	peer("01 01 000b 0304c227 0d0306");
	expect("04 01 0007 0d0306");
	peer("01 02 0008 0304c227");
	expect("03 02 0009 0305c22381");
	peer("01 03 0008 0304c227"); /* it has heard our choice, and wants EAP */
	expect("02 03 0008 0304c227");
	assert_int_equal(lcp.peer.auth, PPP_AUTH_EAP_MSCHAP2);
}

static void a_client_that_rejects_authentication_is_refused(void **unused)
{
	(void)unused;
	start(true, false);
	peer("04 01 0009 0305c22381");
	assert_int_equal(script.events[CP_FAILED], 1);
	assert_int_equal(lcp.cp.reason, PPTP_AUTH_NO_METHOD);
	nothing();
}

static void a_client_that_naks_authentication_is_asked_three_times(void **unused)
{
	char packet[40];

	(void)unused;
	start(true, false);
	for (unsigned int id = 1; id <= 3; id++) {
		assert_int_equal(script.events[CP_FAILED], 0);
		snprintf(packet, sizeof(packet), "03 %02x 0008 0304c023", id);
		peer(packet);
		script.next = script.count;
	}
	assert_int_equal(script.events[CP_FAILED], 1);
	assert_int_equal(lcp.cp.reason, PPTP_AUTH_NO_METHOD);
	assert_string_equal(lcp_auth_name(&lcp), "PAP");
}

/* A client that wants the server to authenticate itself: MS-CHAPv2 does that already. */
static void authentication_of_the_server_is_rejected(void **unused)
{
	(void)unused;
	start(true, false);
	peer("01 01 0009 0305c22381");
	expect("04 01 0009 0305c22381");
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
		cmocka_unit_test(methods_are_naked_to_mschapv2),
		cmocka_unit_test(a_client_declines_eap_once_for_what_it_would_rather_have),
		cmocka_unit_test(a_server_that_wants_nothing_but_eap_is_told_about),
		cmocka_unit_test(a_server_asks_for_eap_once_for_all_its_methods),
		cmocka_unit_test(a_server_that_insists_on_pap_is_left),
		cmocka_unit_test(a_server_without_authentication_is_asked_for_it),
		cmocka_unit_test(a_choice_that_a_reject_kept_back_is_told_with_the_next_request),
		cmocka_unit_test(a_client_that_rejects_authentication_is_refused),
		cmocka_unit_test(a_client_that_naks_authentication_is_asked_three_times),
		cmocka_unit_test(authentication_of_the_server_is_rejected),
		cmocka_unit_test(refused_options_are_left_out),
		cmocka_unit_test(naked_magic_is_changed),
		cmocka_unit_test(replies_that_do_not_fit_are_discarded),
		cmocka_unit_test(a_looped_link_is_noticed),
		cmocka_unit_test(requests_into_silence_come_faster_at_first),
		cmocka_unit_test(the_first_request_of_the_peer_brings_ours_again),
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
		cmocka_unit_test(a_new_request_renegotiates),
		cmocka_unit_test(a_repeated_request_renegotiates_only_later),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
