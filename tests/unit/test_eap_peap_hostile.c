/*
 * PEAP over a TLS without cryptography, each of our ends against a hostile other that says what it
 * likes inside.
 */
#include "tests/unit/peap_pair.h"

/* ---- a hostile server ---- */

/* Up to the first packet inside, which the client has not got yet. */
static void start_inside(void)
{
	start(TLS_1_2, "right", 1400);
	talk_until(is_identity);
}

static void expect_refused(enum pptp_reason reason, const char *words)
{
	assert_int_equal(client.end.succeeded, 0);
	say_failure(client.end.packet[1]);
	assert_int_equal(client.end.failed, 1);
	assert_int_equal(client.end.reason, reason);
	if (!strstr(client.end.detail, words))
		fail_msg("client: %s", client.end.detail);
	done();
}

static void expect_result(uint8_t result)
{
	size_t len;
	const uint8_t *p = inside(&client.end, &len);
	const uint8_t expected[] = { RESPONSE, client.end.packet[1], 0, 11, 33, 0x80, 3, 0, 2, 0,
		result };

	assert_non_null(p);
	assert_int_equal(len, sizeof(expected));
	assert_memory_equal(p, expected, sizeof(expected));
}

static void a_success_outside_counts_for_nothing(void **state)
{
	bool (*const moments[])(const struct eap_end *e) = { is_identity, is_tlvs };

	(void)state;
	for (int i = 0; i < 2; i++) {
		start(TLS_1_3, "right", 1400);
		talk_until(moments[i]);
		say_success(client.end.packet[1]);
		eap_implied_success(&client.end.e);
		assert_int_equal(client.end.succeeded, 0);
		assert_int_equal(client.end.e.state, EAP_WAITING);
		end_tick_to(&client.end, START + EAP_GIVE_UP);
		assert_int_equal(client.end.failed, 1);
		assert_int_equal(client.end.succeeded, 0);
		done();
	}
}

static void a_result_before_the_proof_is_refused(void **state)
{
	(void)state;
	start_inside();
	say_tlvs(&client.end, asked(), "8003 0002 0001");
	expect_result(2);
	say_success(client.end.packet[1]);
	assert_int_equal(client.end.succeeded, 0);
	expect_refused(PPTP_AUTH_PEER_UNPROVEN, "has not proven");
}

static void a_wrong_binding_is_refused(void **state)
{
	uint8_t body[200];
	size_t len;
	const uint8_t *p;

	(void)state;
	start(TLS_1_2, "right", 1400);
	talk_until(is_tlvs);
	p = inside(&server.end, &len);
	memcpy(body, p, len);
	body[len - 1] ^= 1;
	say_bytes(&client.end, asked(), body, len);
	expect_result(2);
	expect_refused(PPTP_AUTH_PEER_UNPROVEN, "Crypto-Binding");
}

static void a_man_in_the_middle_of_tls_does_not_fit(void **state)
{
	(void)state;
	/* Each end has a TLS with somebody between, who passes on what is inside. */
	start(TLS_1_2, "right", 1400);
	client.stub.secret = 77;
	talk_until(never);
	assert_int_equal(client.end.reason, PPTP_AUTH_PEER_UNPROVEN);
	assert_int_equal(server.end.reason, PPTP_AUTH_FAILED);
	assert_int_equal(client.end.succeeded + server.end.succeeded, 0);
	done();
}

static void a_result_without_a_binding_has_the_keys_of_tls(void **state)
{
	uint8_t expected[32];

	(void)state;
	start(TLS_1_2, "right", 1400);
	talk_until(is_tlvs);
	say_tlvs(&client.end, asked(), "8003 0002 0001");
	expect_result(1);
	say_success(client.end.packet[1]);
	assert_int_equal(client.end.succeeded, 1);
	for (uint8_t i = 0; i < 32; i++)
		expected[i] = i;
	assert_memory_equal(client.end.keys.key, expected, sizeof(expected));
	done();
}

static void a_failure_after_the_result_is_a_forgery(void **state)
{
	(void)state;
	start(TLS_1_2, "right", 1400);
	talk_until(is_tlvs);
	deliver(&server.end, &client.end);
	say_failure(client.end.packet[1]);
	assert_int_equal(client.end.failed, 0);
	/* And a lost Success is nothing to be waited for. */
	end_tick_to(&client.end, START + EAP_SETTLE);
	assert_int_equal(client.end.succeeded, 1);
	done();
}

static void a_failing_result_is_answered_so(void **state)
{
	(void)state;
	start(TLS_1_2, "right", 1400);
	talk_until(is_tlvs);
	say_tlvs(&client.end, asked(), "8003 0002 0002");
	expect_result(2);
	expect_refused(PPTP_AUTH_FAILED, "without saying why");
}

static void malformed_tlvs_are_refused(void **state)
{
	static const char *const bad[] = { "8003 0002 00", "8003 ffff 0001", "8003 0002 0001 000c",
		"8003 0002 0001 000c 0038 00000000", "8003 0002 0003",
		"8003 0002 0001 8003 0002 0002", "8003 0002 0001 8007 0000" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		start(TLS_1_2, "right", 1400);
		talk_until(is_tlvs);
		say_tlvs(&client.end, asked(), bad[i]);
		expect_result(2);
		expect_refused(PPTP_AUTH_FAILED, "PEAP");
	}
}

static void other_tlvs_are_answered_and_left(void **state)
{
	size_t len;

	(void)state;
	start_inside();
	say_tlvs(&client.end, asked(), "0007 0006 000001370001");
	assert_true(is_tlvs(&client.end));
	assert_non_null(inside(&client.end, &len));
	assert_int_equal(len, 5);
	assert_int_equal(client.end.failed, 0);
	done();
}

static void junk_inside_ends_it(void **state)
{
	/* A Challenge cut short, one with a length beyond it, a header without packet, no type. */
	static const char *const junk[] = { "1a", "1a 01 01 0015 10 00", "1a 01 01 ffff 30 00",
		"01 05 0005 1a", "00" };

	(void)state;
	for (size_t i = 0; i < sizeof(junk) / sizeof(junk[0]); i++) {
		start_inside();
		say(&client.end, asked(), "01");
		assert_true(is_inner(&client.end, IDENTITY));
		say(&client.end, (uint8_t)(asked() + 1), junk[i]);
		if (!client.end.failed && !is_inner(&client.end, IDENTITY))
			fail_msg("%s was answered", junk[i]);
		assert_int_equal(client.end.succeeded, 0);
		done();
	}
}

static void another_method_inside_gets_a_nak(void **state)
{
	size_t len;
	const uint8_t *p;

	(void)state;
	start_inside();
	say(&client.end, asked(), "01");
	say(&client.end, (uint8_t)(asked() + 1), "06 50 61 73 73");
	p = inside(&client.end, &len);
	assert_non_null(p);
	assert_int_equal(len, 2);
	assert_int_equal(p[0], NAK);
	assert_int_equal(p[1], MSCHAP2);
	done();
}

static void another_version_is_answered_by_ours(void **state)
{
	(void)state;
	start_client(TLS_1_2, "right", 1400);
	receive_hex(&client.end, 1, "01 00 0000 01");
	receive_hex(&client.end, 2, "01 00 0000 19 21");
	assert_int_equal(client.end.packet[4], PEAP);
	/* With the length of the message, which Windows misses else. */
	assert_int_equal(client.end.packet[5], 0x80);
	assert_int_equal(client.end.packet[10], 'C');
	eap_done(&client.end.e);
}

/* ---- a hostile client ---- */

static void expect_rejected(const char *words)
{
	assert_int_equal(server.end.succeeded, 0);
	assert_int_equal(server.end.failed, 1);
	assert_int_equal(server.end.packet[0], FAILURE);
	if (!strstr(server.end.detail, words))
		fail_msg("server: %s", server.end.detail);
	done();
}

static void who_does_not_bind_is_refused(void **state)
{
	(void)state;
	start(TLS_1_2, "right", 1400);
	talk_until(is_tlvs);
	say_tlvs(&server.end, asked(), "8003 0002 0001");
	expect_rejected("Crypto-Binding");
}

static void who_does_not_bind_may_be_let_in(void **state)
{
	uint8_t expected[32];

	(void)state;
	start(TLS_1_2, "right", 1400);
	eap_set_peap(&server.end.e, NULL, true);
	talk_until(is_tlvs);
	say_tlvs(&server.end, asked(), "8003 0002 0001");
	assert_int_equal(server.end.succeeded, 1);
	for (uint8_t i = 0; i < 32; i++)
		expected[i] = (uint8_t)(i + 32);
	assert_memory_equal(server.end.keys.other, expected, sizeof(expected));
	done();
}

static void a_wrong_binding_is_refused_even_where_none_is_needed(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		uint8_t body[200];
		size_t len;
		const uint8_t *p;

		start(TLS_1_2, "right", 1400);
		eap_set_peap(&server.end.e, NULL, true);
		talk_until(is_tlvs);
		/* The server's own, reflected; likewise, as if it was a client's. */
		p = inside(&server.end, &len);
		memcpy(body, p, len);
		body[0] = RESPONSE;
		body[11 + 7] = (uint8_t)i;
		say_bytes(&server.end, asked(), body, len);
		expect_rejected("Crypto-Binding");
	}
}

static void a_result_must_be_agreed_to(void **state)
{
	static const char *const answers[] = { "8003 0002 0002", "", "8003 0002 00", "8007 0000" };

	(void)state;
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		start(TLS_1_2, "right", 1400);
		eap_set_peap(&server.end.e, NULL, true);
		talk_until(is_tlvs);
		say_tlvs(&server.end, asked(), answers[i]);
		expect_rejected("");
	}
}

static void nobody_gets_in_by_a_result_of_his_own(void **state)
{
	(void)state;
	start_inside();
	eap_set_peap(&server.end.e, NULL, true);
	say_tlvs(&server.end, asked(), "8003 0002 0001");
	expect_rejected("Identity");
}

static void a_refused_client_cannot_turn_the_result(void **state)
{
	(void)state;
	start(TLS_1_2, "wrong", 1400);
	server.end.no_retry = true;
	eap_set_peap(&server.end.e, NULL, true);
	talk_until(is_tlvs);
	say_tlvs(&server.end, asked(), "8003 0002 0001");
	expect_rejected("E=691");
}

static void silence_inside_is_no_answer(void **state)
{
	const uint8_t empty[] = { RESPONSE, 0, 0, 6, PEAP, 0 };
	uint8_t packet[sizeof(empty)];

	(void)state;
	start_inside();
	memcpy(packet, empty, sizeof(empty));
	packet[1] = asked();
	end_receive(&server.end, packet, sizeof(packet));
	expect_rejected("malformed");
}

static void junk_of_the_client_ends_it(void **state)
{
	static const char *const junk[] = { "1a 02", "03 06", "02", "21", "00 00 00 00 00 00" };

	(void)state;
	for (size_t i = 0; i < sizeof(junk) / sizeof(junk[0]); i++) {
		start_inside();
		say(&server.end, asked(), junk[i]);
		expect_rejected("");
	}
}

static void other_methods_wishes_are_told(void **state)
{
	(void)state;
	start_inside();
	say(&server.end, asked(), "01 61 6c 69 63 65");
	assert_true(is_inner(&server.end, MSCHAP2));
	say(&server.end, asked(), "03 06");
	assert_true(is_tlvs(&server.end));
	say_tlvs(&server.end, asked(), "8003 0002 0002");
	expect_rejected("Generic-Token-Card");
}

static void data_in_the_handshake_is_refused(void **state)
{
	(void)state;
	start(TLS_1_2, "right", 1400);
	/* The server's Finished is to be acknowledged. */
	for (unsigned int i = 0;
		i < 40 && server.end.packet[6] != 'D' && server.end.packet[10] != 'D'; i++) {
		deliver(&server.end, &client.end);
		deliver(&client.end, &server.end);
	}
	assert_int_equal(server.end.packet[10], 'D');
	say(&server.end, asked(), "01 61 6c 69 63 65");
	expect_rejected("malformed");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_success_outside_counts_for_nothing),
		cmocka_unit_test(a_result_before_the_proof_is_refused),
		cmocka_unit_test(a_wrong_binding_is_refused),
		cmocka_unit_test(a_man_in_the_middle_of_tls_does_not_fit),
		cmocka_unit_test(a_result_without_a_binding_has_the_keys_of_tls),
		cmocka_unit_test(a_failure_after_the_result_is_a_forgery),
		cmocka_unit_test(a_failing_result_is_answered_so),
		cmocka_unit_test(malformed_tlvs_are_refused),
		cmocka_unit_test(other_tlvs_are_answered_and_left),
		cmocka_unit_test(junk_inside_ends_it),
		cmocka_unit_test(another_method_inside_gets_a_nak),
		cmocka_unit_test(another_version_is_answered_by_ours),
		cmocka_unit_test(who_does_not_bind_is_refused),
		cmocka_unit_test(who_does_not_bind_may_be_let_in),
		cmocka_unit_test(a_wrong_binding_is_refused_even_where_none_is_needed),
		cmocka_unit_test(a_result_must_be_agreed_to),
		cmocka_unit_test(nobody_gets_in_by_a_result_of_his_own),
		cmocka_unit_test(a_refused_client_cannot_turn_the_result),
		cmocka_unit_test(silence_inside_is_no_answer),
		cmocka_unit_test(junk_of_the_client_ends_it),
		cmocka_unit_test(other_methods_wishes_are_told),
		cmocka_unit_test(data_in_the_handshake_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
