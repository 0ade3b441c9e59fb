/* How LCP agrees on a method of authentication, or that there is none. */
#include "tests/unit/lcp_script.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
