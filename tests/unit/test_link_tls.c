/*
 * Whole links that authenticate by EAP-TLS, over a TLS without cryptography (tls_stub.h): keys in
 * step at both ends, any path, and no weaker method than was asked for.
 */
#include "tests/unit/link_pair.h"
#include "tests/unit/tls_stub.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct pair p;
static struct stub_tls stub;

static const struct ppp_auth_list tls_only = { 1, { PPP_AUTH_EAP_TLS } };
static const struct ppp_auth_list v2_only = { 1, { PPP_AUTH_MSCHAP2 } };
static const struct ppp_auth_list usual = { 3,
	{ PPP_AUTH_EAP_TLS, PPP_AUTH_MSCHAP2, PPP_AUTH_EAP_MSCHAP2 } };

static void prepare(enum tls_version version, const struct ppp_auth_list *server,
	const struct ppp_auth_list *client, uint64_t seed)
{
	stub_init(&stub, version);
	pair_init(&p, seed);
	p.end[SERVER].config.auth = *server;
	p.end[CLIENT].config.auth = *client;
	for (int i = 0; i < 2; i++)
		p.end[i].config.tls = &stub.engine;
}

static void run(void)
{
	pair_open(&p);
	pair_run(&p, 100 * SECOND, true);
	assert_false(p.broken);
}

static void end(void)
{
	pair_done(&p);
	assert_int_equal(stub.opened, 0);
}

static struct ppp_link_info info_of(int end)
{
	struct ppp_link_info info;

	ppp_link_get_info(p.end[end].link, &info);
	return info;
}

static void expect_up(const char *method)
{
	assert_true(p.end[SERVER].up && p.end[CLIENT].up);
	for (int i = 0; i < 2; i++)
		assert_string_equal(info_of(i).auth, method);
	assert_memory_equal(p.end[SERVER].tx_key, p.end[CLIENT].rx_key, 16);
	assert_memory_equal(p.end[CLIENT].tx_key, p.end[SERVER].rx_key, 16);
}

static void keys_are_in_step_at_each_strength(void **state)
{
	static const unsigned int strengths[] = { PPP_MPPE_40, PPP_MPPE_56, PPP_MPPE_128 };

	(void)state;
	for (int v = 0; v < 2; v++) {
		for (int i = 0; i < 3; i++) {
			prepare(v ? TLS_1_3 : TLS_1_2, &tls_only, &tls_only, 1);
			for (int e = 0; e < 2; e++)
				p.end[e].config.mppe.strengths = strengths[i];
			run();
			expect_up("EAP-TLS");
			assert_memory_not_equal(p.end[CLIENT].tx_key, p.end[CLIENT].rx_key, 8);
			end();
		}
	}
}

/* The name of the account, not what the client called itself. */
static void the_account_is_the_certificates(void **state)
{
	(void)state;
	prepare(TLS_1_3, &tls_only, &tls_only, 1);
	p.end[CLIENT].config.name = "mallory";
	p.end[CLIENT].config.password = NULL;
	stub.name = "the account";
	run();
	expect_up("EAP-TLS");
	assert_string_equal(info_of(SERVER).peer_name, "the account");
	assert_string_equal(info_of(CLIENT).peer_name, "the account"); /* the stub has one name */
	end();
}

/* Proofs are repeated, each by the certificate: what the client calls itself was not proven the first
 * time either. */
static void a_certificate_is_shown_again_under_any_name(void **state)
{
	(void)state;
	prepare(TLS_1_3, &tls_only, &tls_only, 1);
	p.end[CLIENT].config.name = "mallory";
	p.end[CLIENT].config.password = NULL;
	p.end[SERVER].config.reauthenticate = 60 * SECOND;
	stub.name = "the account";
	run();
	expect_up("EAP-TLS");
	pair_run(&p, 301 * SECOND, false);
	assert_false(p.broken);
	expect_up("EAP-TLS");
	assert_int_equal(p.judged, 6);
	assert_string_equal(info_of(SERVER).peer_name, "the account");
	end();
}

/* But not another's. */
static void another_certificate_later_ends_it(void **state)
{
	(void)state;
	prepare(TLS_1_3, &tls_only, &tls_only, 1);
	p.end[SERVER].config.reauthenticate = 60 * SECOND;
	stub.name = "alice";
	run();
	expect_up("EAP-TLS");
	stub.name = "bob";
	pair_run(&p, 100 * SECOND, false);
	assert_false(p.broken);
	assert_true(p.end[SERVER].over);
	assert_int_equal(p.end[SERVER].reason, PPTP_AUTH_FAILED);
	assert_string_equal(p.end[SERVER].detail,
		"the client showed another user's certificate when it was asked again");
	assert_string_equal(info_of(SERVER).peer_name, "alice");
	end();
}

/* Who calls itself otherwise than its account (Windows tells the UPN) is still who it was. */
static void a_later_proof_is_by_the_certificate_too(void **state)
{
	(void)state;
	for (int v = 0; v < 2; v++) {
		prepare(v ? TLS_1_3 : TLS_1_2, &tls_only, &tls_only, 1);
		p.end[SERVER].config.reauthenticate = 20 * SECOND;
		p.end[CLIENT].config.name = "alice@example.org";
		stub.name = "the account";
		run();
		expect_up("EAP-TLS");
		pair_run(&p, 50 * SECOND, false);
		expect_up("EAP-TLS");
		assert_int_equal(p.judged, 3);
		assert_string_equal(info_of(SERVER).peer_name, "the account");
		assert_string_equal(p.name, "the account");
		/* Another one's certificate is another's session. */
		stub.name = "another account";
		pair_run(&p, 30 * SECOND, false);
		assert_int_equal(p.end[SERVER].reason, PPTP_AUTH_FAILED);
		assert_non_null(strstr(p.end[SERVER].detail, "another"));
		assert_string_equal(info_of(SERVER).peer_name, "the account");
		assert_true(p.end[CLIENT].over);
		end();
	}
}

static void any_path_brings_it_up(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 150; seed++) {
		prepare(seed & 1 ? TLS_1_3 : TLS_1_2, &usual, &usual, seed);
		p.loss = 5;
		p.dup = 5;
		p.jitter = 20 * MS;
		for (int i = 0; i < 2; i++) {
			p.end[i].config.mru = (uint16_t)(576 + seed * 7 % 900);
			p.end[i].config.setup_timeout = 200 * SECOND;
		}
		pair_open(&p);
		pair_run(&p, 300 * SECOND, true);
		assert_false(p.broken);
		if (p.end[SERVER].up && p.end[CLIENT].up)
			expect_up("EAP-TLS");
		else
			assert_true(p.end[SERVER].over && p.end[CLIENT].over);
		end();
	}
}

static void who_asks_for_tls_gets_nothing_weaker(void **state)
{
	(void)state;
	prepare(TLS_1_3, &v2_only, &tls_only, 1);
	run();
	assert_int_equal(p.end[CLIENT].reason, PPTP_AUTH_NO_METHOD);
	end();
	prepare(TLS_1_3, &tls_only, &v2_only, 1);
	run();
	assert_false(p.end[SERVER].up || p.end[CLIENT].up);
	end();
}

static void without_an_engine_it_is_left_out(void **state)
{
	(void)state;
	prepare(TLS_1_3, &usual, &usual, 1);
	p.end[CLIENT].config.tls = NULL;
	run();
	expect_up("MS-CHAPv2");
	end();
	prepare(TLS_1_3, &usual, &usual, 1);
	p.end[SERVER].config.tls = NULL;
	run();
	expect_up("MS-CHAPv2");
	end();
}

static void a_client_with_a_certificate_wants_the_server_to_prove_itself(void **state)
{
	static const struct ppp_auth_list none = { 1, { PPP_AUTH_EAP_TLS } };

	(void)state;
	prepare(TLS_1_3, &none, &tls_only, 1);
	p.end[CLIENT].config.password = NULL;
	p.end[SERVER].config.tls = NULL; /* so that it has no method at all */
	for (int i = 0; i < 2; i++)
		p.end[i].config.mppe.policy = PPP_MPPE_OFF;
	run();
	assert_false(p.end[CLIENT].up);
	end();
}

static void each_end_refuses_and_both_say_why(void **state)
{
	(void)state;
	for (int v = 0; v < 2; v++) {
		prepare(v ? TLS_1_3 : TLS_1_2, &tls_only, &tls_only, 1);
		stub.refuses = true;
		run();
		for (int i = 0; i < 2; i++)
			assert_int_equal(p.end[i].reason, PPTP_AUTH_CERTIFICATE);
		assert_string_equal(p.end[CLIENT].detail, "the server's certificate is not good");
		end();
		prepare(v ? TLS_1_3 : TLS_1_2, &tls_only, &tls_only, 1);
		p.no_account = true;
		run();
		assert_int_equal(p.end[SERVER].reason, PPTP_AUTH_FAILED);
		assert_int_equal(p.end[CLIENT].reason, PPTP_AUTH_CERTIFICATE);
		end();
	}
}

static void keys_of_different_sessions_do_not_fit(void **state)
{
	struct stub_tls other;

	(void)state;
	prepare(TLS_1_3, &tls_only, &tls_only, 1);
	stub_init(&other, TLS_1_3);
	other.secret = 7;
	p.end[CLIENT].config.tls = &other.engine;
	run();
	assert_memory_not_equal(p.end[SERVER].tx_key, p.end[CLIENT].rx_key, 16);
	end();
	assert_int_equal(other.opened, 0);
}

static void a_verdict_may_come_late_or_never(void **state)
{
	(void)state;
	prepare(TLS_1_2, &tls_only, &tls_only, 1);
	p.judge_delay = 10 * SECOND;
	run();
	expect_up("EAP-TLS");
	end();
	prepare(TLS_1_2, &tls_only, &tls_only, 1);
	p.no_verdict = true;
	run();
	assert_true(p.end[SERVER].over && p.end[CLIENT].over);
	end();
}

/* Whatever the phase: a link that is freed in the midst leaves no session of TLS. */
static void a_link_that_is_cut_off_leaves_no_session(void **state)
{
	(void)state;
	for (uint64_t at = 0; at < 400 * MS; at += 7 * MS) {
		prepare(TLS_1_3, &tls_only, &tls_only, 1);
		pair_open(&p);
		pair_run(&p, at, false);
		end();
	}
}

/* A client that negotiates LCP anew whenever TLS has cost the server something. */
static struct {
	uint8_t lcp[200];
	size_t len;
	unsigned int starts;
} again;

static bool renegotiates(struct pair *pair, int from, uint16_t protocol, uint8_t *data, size_t *len)
{
	if (from == CLIENT && protocol == PPP_LCP && data[0] == 1 && !again.len) {
		memcpy(again.lcp, data, *len);
		again.len = *len;
	}
	/* A Request, TLS, S; and a Response with a ClientHello. */
	if (from == SERVER && protocol == PPP_EAP && *len > 5 && data[0] == 1 && data[4] == 13 &&
		(data[5] & 0x20))
		again.starts++;
	/* The client itself knows nothing of it. */
	if (from == SERVER && protocol == PPP_LCP && again.starts) {
		if (data[0] == 1) {
			data[0] = 2;
			pair_enqueue(pair, SERVER, protocol, data, *len);
		}
		return data[0] > 4;
	}
	if (from == CLIENT && protocol == PPP_EAP && *len > 6 && data[0] == 2 && data[4] == 13) {
		pair_enqueue(pair, SERVER, protocol, data, *len);
		again.lcp[1]++; /* the same one would be a repetition */
		pair_enqueue(pair, SERVER, PPP_LCP, again.lcp, again.len);
		return false;
	}
	return true;
}

static void lcp_anew_gives_no_second_handshake(void **state)
{
	(void)state;
	memset(&again, 0, sizeof(again));
	prepare(TLS_1_3, &tls_only, &tls_only, 1);
	p.filter = renegotiates;
	run();
	assert_true(p.end[SERVER].over && p.end[CLIENT].over);
	assert_int_equal(again.starts, 1);
	assert_int_equal(p.end[SERVER].reason, PPTP_AUTH_FAILED);
	assert_true(info_of(SERVER).handshake);
	end();
}

static bool until_the_handshake(
	struct pair *pair, int from, uint16_t protocol, uint8_t *data, size_t *len)
{
	(void)pair;
	return from == SERVER || protocol != PPP_EAP || *len < 100 || data[0] != 2;
}

/* A Response of TLS gets through, with a whole ClientHello. */
static bool silent_after_the_first(
	struct pair *pair, int from, uint16_t protocol, uint8_t *data, size_t *len)
{
	bool response = from == CLIENT && protocol == PPP_EAP && data[0] == 2 && data[4] == 13;

	(void)pair;
	(void)len;
	again.starts += response;
	return !response || again.starts == 1;
}

/* The owner may count them: such a handshake is dear, and nobody judges it. */
static void a_handshake_that_comes_to_nothing_is_told(void **state)
{
	(void)state;
	/* One that proves somebody, or that proves him to be nobody here, is not one. */
	for (int no_account = 0; no_account < 2; no_account++) {
		prepare(TLS_1_3, &tls_only, &tls_only, 1);
		p.no_account = no_account;
		run();
		assert_false(info_of(SERVER).handshake);
		end();
	}
	prepare(TLS_1_3, &tls_only, &tls_only, 1);
	stub.refuses = true; /* the server's certificate */
	run();
	assert_true(info_of(SERVER).handshake);
	end();
	/* Silence, before TLS and in the midst of it. */
	prepare(TLS_1_3, &tls_only, &tls_only, 1);
	p.filter = until_the_handshake;
	run();
	assert_true(p.end[SERVER].over);
	assert_false(info_of(SERVER).handshake);
	end();
	prepare(TLS_1_3, &tls_only, &tls_only, 1);
	again.starts = 0;
	p.filter = silent_after_the_first;
	run();
	assert_int_equal(p.end[SERVER].reason, PPTP_AUTH_TIMEOUT);
	assert_true(info_of(SERVER).handshake);
	end();
	/* The call is cut off. */
	prepare(TLS_1_3, &tls_only, &tls_only, 1);
	pair_open(&p);
	pair_run(&p, 75 * MS, false);
	assert_true(info_of(SERVER).handshake);
	ppp_link_close(p.end[SERVER].link, PPTP_PPP_TERMINATED, p.now);
	assert_true(info_of(SERVER).handshake);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_are_in_step_at_each_strength),
		cmocka_unit_test(the_account_is_the_certificates),
		cmocka_unit_test(a_certificate_is_shown_again_under_any_name),
		cmocka_unit_test(another_certificate_later_ends_it),
		cmocka_unit_test(a_later_proof_is_by_the_certificate_too),
		cmocka_unit_test(any_path_brings_it_up),
		cmocka_unit_test(who_asks_for_tls_gets_nothing_weaker),
		cmocka_unit_test(without_an_engine_it_is_left_out),
		cmocka_unit_test(a_client_with_a_certificate_wants_the_server_to_prove_itself),
		cmocka_unit_test(each_end_refuses_and_both_say_why),
		cmocka_unit_test(keys_of_different_sessions_do_not_fit),
		cmocka_unit_test(a_verdict_may_come_late_or_never),
		cmocka_unit_test(lcp_anew_gives_no_second_handshake),
		cmocka_unit_test(a_handshake_that_comes_to_nothing_is_told),
		cmocka_unit_test(a_link_that_is_cut_off_leaves_no_session),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
