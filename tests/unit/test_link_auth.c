/*
 * Whole links that authenticate by each method: what is agreed on for every pair of lists, what
 * encryption there can be, and that nobody gets below a policy's floor.
 */
#include "tests/unit/link_pair.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct pair p;

static const struct ppp_auth_list only_pap = { 1, { PPP_AUTH_PAP } };
static const struct ppp_auth_list only_md5 = { 1, { PPP_AUTH_MD5 } };
static const struct ppp_auth_list only_v1 = { 1, { PPP_AUTH_MSCHAP } };
static const struct ppp_auth_list only_v2 = { 1, { PPP_AUTH_MSCHAP2 } };
static const struct ppp_auth_list only_eap_md5 = { 1, { PPP_AUTH_EAP_MD5 } };
static const struct ppp_auth_list only_eap_v2 = { 1, { PPP_AUTH_EAP_MSCHAP2 } };
static const struct ppp_auth_list both_eap = { 2, { PPP_AUTH_EAP_MSCHAP2, PPP_AUTH_EAP_MD5 } };
static const struct ppp_auth_list eap_weak_first = { 2,
	{ PPP_AUTH_EAP_MD5, PPP_AUTH_EAP_MSCHAP2 } };
static const struct ppp_auth_list all = { 6,
	{ PPP_AUTH_MSCHAP2, PPP_AUTH_EAP_MSCHAP2, PPP_AUTH_MSCHAP, PPP_AUTH_MD5, PPP_AUTH_EAP_MD5,
		PPP_AUTH_PAP } };
static const struct ppp_auth_list weak_first = { 6,
	{ PPP_AUTH_PAP, PPP_AUTH_EAP_MD5, PPP_AUTH_MD5, PPP_AUTH_MSCHAP, PPP_AUTH_EAP_MSCHAP2,
		PPP_AUTH_MSCHAP2 } };

static const struct ppp_auth_list *const alone[] = { &only_pap, &only_md5, &only_v1, &only_v2,
	&only_eap_md5, &only_eap_v2 };

#define ALONE (sizeof(alone) / sizeof(alone[0]))

static void prepare(const struct ppp_auth_list *server, const struct ppp_auth_list *client,
	enum ppp_mppe_policy policy)
{
	pair_init(&p, 1);
	p.end[SERVER].config.auth = *server;
	p.end[CLIENT].config.auth = *client;
	for (int i = 0; i < 2; i++)
		p.end[i].config.mppe.policy = policy;
}

static void run(void)
{
	pair_open(&p);
	pair_run(&p, 100 * SECOND, true);
	assert_false(p.broken);
}

static const char *method_of(int end)
{
	struct ppp_link_info info;

	ppp_link_get_info(p.end[end].link, &info);
	return info.auth;
}

static void the_servers_order_decides_within_what_both_allow(void **state)
{
	static const struct {
		const struct ppp_auth_list *server, *client;
		const char *method;
	} v[] = {
		{ &only_pap, &all, "PAP" },
		{ &only_md5, &all, "CHAP-MD5" },
		{ &only_v1, &all, "MS-CHAP" },
		{ &only_v2, &all, "MS-CHAPv2" },
		{ &all, &only_pap, "PAP" },
		{ &all, &only_md5, "CHAP-MD5" },
		{ &all, &only_v1, "MS-CHAP" },
		{ &all, &all, "MS-CHAPv2" },
		{ &weak_first, &all, "PAP" },
		{ &all, &weak_first, "MS-CHAPv2" },
		{ &weak_first, &only_v2, "MS-CHAPv2" },
		{ &only_eap_md5, &all, "EAP-MD5" },
		{ &only_eap_v2, &all, "EAP-MSCHAPv2" },
		{ &all, &only_eap_md5, "EAP-MD5" }, /* by a Nak in LCP, and one in EAP */
		{ &all, &only_eap_v2, "EAP-MSCHAPv2" },
		{ &weak_first, &only_eap_v2, "EAP-MSCHAPv2" },
		{ &both_eap, &both_eap, "EAP-MSCHAPv2" },
		{ &both_eap, &eap_weak_first, "EAP-MSCHAPv2" },
		{ &eap_weak_first, &both_eap, "EAP-MD5" },
		{ &both_eap, &only_eap_md5, "EAP-MD5" },
		{ &eap_weak_first, &only_eap_v2, "EAP-MSCHAPv2" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		prepare(v[i].server, v[i].client, PPP_MPPE_OFF);
		run();
		assert_true(p.end[SERVER].up && p.end[CLIENT].up);
		assert_string_equal(method_of(SERVER), v[i].method);
		assert_string_equal(method_of(CLIENT), v[i].method);
		pair_done(&p);
	}
}

static void without_a_method_in_common_there_is_no_link_and_no_password(void **state)
{
	(void)state;
	prepare(&only_pap, &only_v2, PPP_MPPE_OFF);
	run();
	assert_int_equal(p.end[CLIENT].reason, PPTP_AUTH_NO_METHOD);
	assert_string_equal(
		p.end[SERVER].detail, "the client does not agree to PAP; it wants MS-CHAPv2");
	assert_int_equal(p.end[CLIENT].sent[1], 0);
	pair_done(&p);
	prepare(&only_v2, &only_pap, PPP_MPPE_OFF);
	run();
	assert_int_equal(p.end[SERVER].reason, PPTP_AUTH_NO_METHOD);
	assert_string_equal(
		p.end[SERVER].detail, "the client does not agree to MS-CHAPv2; it wants PAP");
	pair_done(&p);
}

static void a_wrong_password_fails_by_each_method(void **state)
{
	(void)state;
	for (size_t i = 0; i < ALONE; i++) {
		prepare(alone[i], &all, PPP_MPPE_OFF);
		p.password = "another";
		run();
		assert_int_equal(p.end[CLIENT].reason, PPTP_AUTH_FAILED);
		assert_int_equal(p.end[SERVER].reason, PPTP_AUTH_FAILED);
		assert_int_equal(p.end[SERVER].ups + p.end[CLIENT].ups, 0);
		pair_done(&p);
	}
}

static void keys_of_mschap_fit_at_both_ends_in_each_strength(void **state)
{
	static const unsigned int strengths[] = { PPP_MPPE_40, PPP_MPPE_56, PPP_MPPE_128 };
	static const struct ppp_auth_list *const lists[] = { &only_v1, &only_v2, &only_eap_v2 };

	(void)state;
	for (size_t i = 0; i < 9; i++) {
		prepare(lists[i / 3], lists[i / 3], PPP_MPPE_REQUIRE);
		p.end[SERVER].config.mppe.strengths = strengths[i % 3];
		p.end[CLIENT].config.mppe.strengths = strengths[i % 3];
		run();
		assert_true(p.end[SERVER].up && p.end[CLIENT].up);
		assert_true(p.end[SERVER].tx && p.end[SERVER].rx);
		assert_memory_equal(p.end[SERVER].tx_key, p.end[CLIENT].rx_key, 16);
		assert_memory_equal(p.end[CLIENT].tx_key, p.end[SERVER].rx_key, 16);
		pair_done(&p);
	}
}

/* Required encryption leaves out what makes no keys, before a password is shown. */
static void required_encryption_needs_a_method_with_keys(void **state)
{
	(void)state;
	prepare(&weak_first, &weak_first, PPP_MPPE_REQUIRE);
	run();
	assert_true(p.end[SERVER].up && p.end[CLIENT].up && p.end[CLIENT].tx);
	assert_string_equal(method_of(SERVER), "MS-CHAP");
	pair_done(&p);

	prepare(&eap_weak_first, &eap_weak_first, PPP_MPPE_REQUIRE);
	run();
	assert_true(p.end[SERVER].up && p.end[CLIENT].up && p.end[CLIENT].tx);
	assert_string_equal(method_of(SERVER), "EAP-MSCHAPv2");
	pair_done(&p);

	prepare(&only_eap_md5, &all, PPP_MPPE_REQUIRE);
	p.end[SERVER].config.mppe.policy = PPP_MPPE_OFF;
	run();
	assert_int_equal(p.end[CLIENT].reason, PPTP_AUTH_NO_METHOD);
	assert_int_equal(p.end[SERVER].ups + p.end[CLIENT].ups, 0);
	pair_done(&p);

	prepare(&only_pap, &all, PPP_MPPE_REQUIRE); /* the client requires it, too */
	run();
	assert_int_equal(p.end[CLIENT].reason, PPTP_AUTH_NO_METHOD);
	assert_int_equal(p.end[SERVER].ups + p.end[CLIENT].ups, 0);
	pair_done(&p);

	prepare(&only_pap, &only_pap, PPP_MPPE_REQUIRE); /* a policy that cannot be met */
	run();
	assert_int_equal(p.end[SERVER].ups + p.end[CLIENT].ups, 0);
	assert_int_equal(p.end[SERVER].reason, PPTP_AUTH_NO_METHOD);
	pair_done(&p);
}

static void preferred_encryption_goes_without_where_there_are_no_keys(void **state)
{
	(void)state;
	prepare(&only_pap, &only_pap, PPP_MPPE_PREFER);
	run();
	assert_true(p.end[SERVER].up && p.end[CLIENT].up);
	assert_false(p.end[SERVER].tx || p.end[CLIENT].tx);
	pair_done(&p);
}

/* ---- somebody on the path who edits ---- */

static uint8_t edit_to[3];
static size_t edit_len;

/* The server's demand becomes another, on the way to the client. */
static bool edit_demand(struct pair *pair, int from, uint16_t protocol, uint8_t *data, size_t *len)
{
	(void)pair;
	if (from != SERVER || protocol != PPP_LCP || data[0] != 1)
		return true;
	for (size_t at = 4; at + 1 < *len && data[at + 1] >= 2; at += data[at + 1]) {
		if (data[at] != 3)
			continue;
		if (data[at + 1] == edit_len + 2)
			memcpy(data + at + 2, edit_to, edit_len);
	}
	return true;
}

static void an_edited_demand_never_gets_below_the_clients_list(void **state)
{
	(void)state;
	memcpy(edit_to, "\xc2\x23\x80", 3); /* MS-CHAP instead of MS-CHAPv2 */
	edit_len = 3;
	prepare(&only_v2, &only_v2, PPP_MPPE_REQUIRE);
	p.filter = edit_demand;
	run();
	assert_int_equal(p.end[SERVER].ups + p.end[CLIENT].ups, 0);
	assert_int_equal(p.end[CLIENT].sent[1], 0); /* no Response went out */
	pair_done(&p);

	memcpy(edit_to, "\xc2\x23\x05", 3); /* or MD5, which the client allows: no session */
	prepare(&only_v2, &all, PPP_MPPE_PREFER);
	p.filter = edit_demand;
	run();
	assert_int_equal(p.end[SERVER].ups + p.end[CLIENT].ups, 0);
	pair_done(&p);
}

static void a_protocol_that_was_not_agreed_on_is_rejected(void **state)
{
	static const uint8_t request[] = "\x01\x07\x00\x14\x04user\x0awonderland";

	(void)state;
	prepare(&only_v2, &all, PPP_MPPE_OFF);
	pair_open(&p);
	while (p.end[SERVER].sent[1] == 0)
		pair_run(&p, MS, false);
	ppp_link_receive(p.end[SERVER].link, PPP_PAP, request, 20, p.now);
	pair_run(&p, 100 * SECOND, true);
	assert_string_equal(method_of(SERVER), "MS-CHAPv2");
	pair_done(&p);
}

/* All of EAP that ends it is lost: who knows that it is authenticated goes on all the same. */
static bool drop_ends(struct pair *pair, int from, uint16_t protocol, uint8_t *data, size_t *len)
{
	(void)pair;
	(void)len;
	return !(from == SERVER && protocol == PPP_EAP && data[0] >= 3);
}

static void a_lost_success_of_eap_costs_no_session(void **state)
{
	static const struct ppp_auth_list *const lists[] = { &only_eap_md5, &only_eap_v2 };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		prepare(lists[i], lists[i], PPP_MPPE_OFF);
		p.filter = drop_ends;
		run();
		assert_true(p.end[SERVER].up && p.end[CLIENT].up);
		assert_true(p.end[CLIENT].up_at - p.end[CLIENT].start < 4 * SECOND);
		assert_string_equal(method_of(CLIENT),
			ppp_auth_name((enum ppp_auth_method)lists[i]->methods[0]));
		pair_done(&p);
	}
}

/* Frames of the network phase from somebody else do not stand for a proof that the method asks for. */
static void frames_of_the_network_phase_prove_no_server(void **state)
{
	static const uint8_t request[] = { 1, 1, 0, 10, 3, 6, 10, 98, 0, 1 };

	(void)state;
	prepare(&only_eap_v2, &only_eap_v2, PPP_MPPE_OFF);
	p.filter = drop_ends;
	p.no_verdict = true;
	pair_open(&p);
	for (unsigned int i = 0; i < 60; i++) {
		struct ppp_link_info info;

		pair_run(&p, 500 * MS, false);
		ppp_link_get_info(p.end[CLIENT].link, &info);
		if (p.end[CLIENT].over)
			break;
		assert_string_equal(info.auth, "");
		ppp_link_receive(p.end[CLIENT].link, PPP_IPCP, request, sizeof(request), p.now);
	}
	assert_int_equal(p.end[CLIENT].ups, 0);
	pair_done(&p);
}

static void each_method_survives_a_bad_path(void **state)
{
	unsigned int good = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 120; seed++) {
		prepare(alone[seed % ALONE], &all, seed % 3 ? PPP_MPPE_OFF : PPP_MPPE_PREFER);
		p.seed = seed * 0x9e3779b97f4a7c15u;
		p.loss = p.dup = 15;
		p.jitter = 200 * MS;
		run();
		good += p.end[SERVER].up && p.end[CLIENT].up;
		if (p.end[SERVER].up && p.end[CLIENT].up)
			assert_string_equal(method_of(SERVER), method_of(CLIENT));
		else
			assert_true(p.end[SERVER].over || p.end[CLIENT].over);
		pair_done(&p);
	}
	assert_true(good > 100);
}

static struct {
	uint16_t protocol;
	uint8_t data[300];
	size_t len;
} last_proof;

/* The last thing that the client said about who it is. */
static bool keep_proof(struct pair *pair, int from, uint16_t protocol, uint8_t *data, size_t *len)
{
	(void)pair;
	if (from != CLIENT || *len > sizeof(last_proof.data) ||
		(protocol != PPP_CHAP && protocol != PPP_PAP && protocol != PPP_EAP))
		return true;
	last_proof.protocol = protocol;
	last_proof.len = *len;
	memcpy(last_proof.data, data, *len);
	return true;
}

static unsigned int all_sent(int end)
{
	unsigned int n = 0;

	for (size_t i = 0; i < sizeof(p.end[end].sent) / sizeof(p.end[end].sent[0]); i++)
		n += p.end[end].sent[i];
	return n;
}

/* The server has nothing left of the method when data passes: what comes late harms nobody. */
static void a_proof_that_comes_again_when_data_passes_is_ignored(void **state)
{
	(void)state;
	for (size_t m = 0; m < ALONE; m++) {
		unsigned int sent;

		prepare(alone[m], alone[m], PPP_MPPE_OFF);
		p.filter = keep_proof;
		memset(&last_proof, 0, sizeof(last_proof));
		run();
		assert_true(p.end[SERVER].up && p.end[CLIENT].up);
		assert_true(last_proof.len > 0);
		sent = all_sent(SERVER);
		ppp_link_receive(p.end[SERVER].link, last_proof.protocol, last_proof.data,
			last_proof.len, p.now);
		assert_int_equal(all_sent(SERVER), sent);
		pair_run(&p, 100 * SECOND, false);
		assert_false(p.broken);
		assert_true(p.end[SERVER].up && !p.end[SERVER].over);
		assert_string_equal(method_of(SERVER), method_of(CLIENT));
		pair_done(&p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_servers_order_decides_within_what_both_allow),
		cmocka_unit_test(a_proof_that_comes_again_when_data_passes_is_ignored),
		cmocka_unit_test(without_a_method_in_common_there_is_no_link_and_no_password),
		cmocka_unit_test(a_wrong_password_fails_by_each_method),
		cmocka_unit_test(keys_of_mschap_fit_at_both_ends_in_each_strength),
		cmocka_unit_test(required_encryption_needs_a_method_with_keys),
		cmocka_unit_test(preferred_encryption_goes_without_where_there_are_no_keys),
		cmocka_unit_test(an_edited_demand_never_gets_below_the_clients_list),
		cmocka_unit_test(a_protocol_that_was_not_agreed_on_is_rejected),
		cmocka_unit_test(a_lost_success_of_eap_costs_no_session),
		cmocka_unit_test(frames_of_the_network_phase_prove_no_server),
		cmocka_unit_test(each_method_survives_a_bad_path),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
