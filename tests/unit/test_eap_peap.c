/*
 * PEAP over a TLS without cryptography, our two ends. Against hostile others: test_eap_peap_hostile.c;
 * with other implementations and real TLS: tests/eap.
 */
#include "tests/unit/peap_pair.h"

static void expect_success(void)
{
	if (!client.end.succeeded || !server.end.succeeded)
		fail_msg("server: %s; client: %s", server.end.detail, client.end.detail);
	assert_int_equal(server.end.judged, 1);
	assert_int_equal(server.end.request.method, PPP_AUTH_PEAP);
	assert_string_equal(server.end.request.name, "alice");
	assert_int_equal(server.end.keys.source, MPPE_FROM_MSK);
	assert_memory_equal(&server.end.keys, &client.end.keys, sizeof(server.end.keys));
	assert_int_equal(eap_auth_method(&client.end.e), PPP_AUTH_PEAP);
}

static void both_versions_of_tls_carry_it(void **state)
{
	static const enum tls_version versions[] = { TLS_1_2, TLS_1_3 };

	(void)state;
	for (int i = 0; i < 2; i++) {
		start(versions[i], "right", 1400);
		talk_until(never);
		expect_success();
		assert_string_equal(client.end.e.identity, "vpn.example.org");
		assert_string_equal(server.stub.label,
			i ? "EXPORTER_EAP_TLS_Key_Material" : "client EAP encryption");
		assert_int_equal(server.stub.context, i ? PEAP : 0);
		assert_int_equal(server.stub.length, 128);
		done();
	}
}

static void the_keys_are_not_those_of_tls(void **state)
{
	struct mppe_material keys;

	(void)state;
	start(TLS_1_2, "right", 1400);
	talk_until(never);
	keys = server.end.keys;
	done();
	/* The same TLS, another password inside. */
	start(TLS_1_2, "other", 1400);
	server.end.password = "other";
	talk_until(never);
	expect_success();
	assert_memory_not_equal(&keys, &server.end.keys, sizeof(keys));
	done();
}

static void fragments_go_both_ways(void **state)
{
	(void)state;
	start(TLS_1_3, "right", 100);
	client.stub.hello = server.stub.hello = 1000;
	server.stub.flight = 3000;
	client.stub.finished = 600;
	talk_until(never);
	expect_success();
	assert_in_range(server.largest, 99, 100);
	assert_in_range(client.largest, 99, 100);
	done();
}

static void the_name_may_be_told_inside_only(void **state)
{
	(void)state;
	start(TLS_1_2, "right", 1400);
	talk_until(never);
	assert_true(client.seen_alice);
	done();
	start(TLS_1_2, "right", 1400);
	eap_set_peap(&client.end.e, "anonymous", false);
	talk_until(never);
	expect_success();
	assert_false(client.seen_alice);
	done();
}

static void a_wrong_password_is_told_to_both(void **state)
{
	(void)state;
	start(TLS_1_2, "wrong", 1400);
	server.end.no_retry = true;
	talk_until(never);
	assert_int_equal(server.end.failed + client.end.failed, 2);
	assert_non_null(strstr(server.end.detail, "E=691"));
	assert_non_null(strstr(client.end.detail, "E=691"));
	assert_int_equal(client.end.reason, PPTP_AUTH_FAILED);
	assert_int_equal(client.end.packet[0], RESPONSE);
	done();
}

static void an_account_may_be_restricted(void **state)
{
	struct ppp_auth_verdict verdict = { .error = 648 };

	(void)state;
	start(TLS_1_3, "right", 1400);
	server.end.password = NULL;
	talk_until(never);
	assert_int_equal(server.end.e.state, EAP_JUDGING);
	eap_verdict(&server.end.e, &verdict, START);
	talk_until(never);
	assert_int_equal(server.end.reason, PPTP_AUTH_RESTRICTED);
	assert_int_equal(client.end.reason, PPTP_AUTH_RESTRICTED);
	assert_non_null(strstr(client.end.detail, "E=648"));
	done();
}

static unsigned int renewed;

static void note_new_password(void *user, bool changed)
{
	(void)user;
	renewed += changed;
}

static void an_expired_password_is_changed_inside(void **state)
{
	static const uint8_t filling[PASSWORD_BLOCK];
	struct ppp_auth_verdict verdict = { .error = 648, .change = true };
	struct chap_ops ops = side_ops;
	struct password_change change;
	struct ppp_secret old, next;

	(void)state;
	renewed = 0;
	ops.new_password = note_new_password;
	assert_int_equal(ppp_secret_from_password(&old, "right"), 0);
	assert_int_equal(password_seal(&change, "newer", old.nt_hash, filling), PASSWORD_GOOD);
	start(TLS_1_3, "right", 1400);
	client.end.e.ops = &ops;
	eap_set_change(&client.end.e, &change);
	server.end.password = NULL;
	talk_until(never);
	eap_verdict(&server.end.e, &verdict, START);
	talk_until(never);
	assert_int_equal(server.end.judged, 2);
	assert_true(server.end.request.change);
	assert_int_equal(
		ppp_auth_check_change(&server.end.request, &old, &next, &verdict), PASSWORD_GOOD);
	eap_verdict(&server.end.e, &verdict, START);
	talk_until(never);
	assert_int_equal(client.end.succeeded + server.end.succeeded, 2);
	assert_memory_equal(&server.end.keys, &client.end.keys, sizeof(server.end.keys));
	assert_int_equal(renewed, 1);
	/* Asked again, it knows the new one only, and says nothing about it. */
	server.end.password = "newer";
	eap_authenticate_again(&server.end.e, START);
	talk_until(never);
	assert_int_equal(server.end.judged, 3);
	assert_int_equal(client.end.failed + server.end.failed, 0);
	assert_int_equal(renewed, 1);
	/* A proof that does not fit ends it. */
	server.end.password = "another";
	server.end.no_retry = true;
	eap_authenticate_again(&server.end.e, START);
	talk_until(never);
	assert_int_equal(client.end.failed + server.end.failed, 2);
	done();
}

static void the_same_password_is_not_tried_again(void **state)
{
	(void)state;
	start(TLS_1_2, "wrong", 1400);
	talk_until(never);
	/* R=1 invites another one, but our client has none. */
	assert_int_equal(client.end.failed + server.end.failed, 2);
	assert_int_equal(server.end.judged, 1);
	done();
}

static void a_bad_certificate_ends_it_before_the_password_is_used(void **state)
{
	(void)state;
	start(TLS_1_2, "right", 1400);
	client.stub.refuses = true;
	talk_until(never);
	assert_int_equal(client.end.reason, PPTP_AUTH_CERTIFICATE);
	assert_string_equal(client.end.detail, "the server's certificate is not good");
	assert_int_equal(server.end.reason, PPTP_AUTH_CERTIFICATE);
	assert_int_equal(server.end.judged, 0);
	done();
}

static void a_server_without_a_certificate_is_refused(void **state)
{
	(void)state;
	start(TLS_1_2, "right", 1400);
	client.stub.nameless = true;
	talk_until(never);
	assert_int_equal(client.end.reason, PPTP_AUTH_CERTIFICATE);
	assert_int_equal(server.end.judged, 0);
	done();
}

static void without_tls_there_is_no_peap(void **state)
{
	(void)state;
	memset(&client, 0, sizeof(client));
	end_peer(&client.end, &peap_only, "alice", "right");
	assert_int_equal(client.end.reason, PPTP_AUTH_NO_METHOD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_versions_of_tls_carry_it),
		cmocka_unit_test(the_keys_are_not_those_of_tls),
		cmocka_unit_test(fragments_go_both_ways),
		cmocka_unit_test(the_name_may_be_told_inside_only),
		cmocka_unit_test(a_wrong_password_is_told_to_both),
		cmocka_unit_test(an_account_may_be_restricted),
		cmocka_unit_test(an_expired_password_is_changed_inside),
		cmocka_unit_test(the_same_password_is_not_tried_again),
		cmocka_unit_test(a_bad_certificate_ends_it_before_the_password_is_used),
		cmocka_unit_test(a_server_without_a_certificate_is_refused),
		cmocka_unit_test(without_tls_there_is_no_peap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
