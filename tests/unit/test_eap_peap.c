/*
 * PEAP over a TLS without cryptography: our two ends, and each against a hostile other that says
 * what it likes inside. With real TLS: test_eap_peap_tls.c; with other implementations: tests/eap.
 */
#include "tests/unit/eap_end.h"
#include "tests/unit/tls_stub.h"

#define PEAP 25

static const struct ppp_auth_list peap_only = { 1, { PPP_AUTH_PEAP } };

struct side {
	struct eap_end end; /* first */
	struct stub_tls stub;
	bool seen_alice; /* the name in what it sent, in clear */
	size_t largest;
};

static struct side server, client;

static const struct tls_engine *side_tls(void *user)
{
	return &((struct side *)user)->stub.engine;
}

static void side_send(void *user, const uint8_t *packet, size_t len)
{
	struct side *s = user;

	s->seen_alice = s->seen_alice || (packet[4] == IDENTITY && memmem(packet, len, "alice", 5));
	if (len > s->largest)
		s->largest = len;
	end_send(user, packet, len);
}

static const struct chap_ops side_ops = {
	.send = side_send,
	.random = end_random,
	.judge = end_judge,
	.done = end_done,
	.notice = end_notice,
	.tls = side_tls,
};

static void start_server(enum tls_version version, uint16_t mtu)
{
	memset(&server, 0, sizeof(server));
	stub_init(&server.stub, version);
	server.end.password = "right";
	server.end.now = START;
	eap_start_authenticator(
		&server.end.e, &peap_only, "server", mtu, &side_ops, &server, START);
}

static void start_client(enum tls_version version, const char *password, uint16_t mtu)
{
	struct ppp_secret secret;

	memset(&client, 0, sizeof(client));
	stub_init(&client.stub, version);
	client.stub.name = "vpn.example.org";
	client.end.counter = 0x80;
	client.end.now = START;
	assert_int_equal(ppp_secret_from_password(&secret, password), 0);
	eap_start_peer(&client.end.e, &peap_only, "alice", &secret, mtu, &side_ops, &client, START);
}

static void start(enum tls_version version, const char *password, uint16_t mtu)
{
	start_client(version, password, mtu);
	start_server(version, mtu);
}

/* What came through the tunnel in the last packet, which has no fragments. */
static const uint8_t *inside(const struct eap_end *e, size_t *len)
{
	if (e->len < 11 || e->packet[4] != PEAP || (e->packet[5] & 0xe0) || e->packet[6] != 'X')
		return NULL;
	*len = (size_t)(e->packet[9] << 8 | e->packet[10]);
	assert_int_equal(*len, e->len - 11);
	return e->packet + 11;
}

static bool is_tlvs(const struct eap_end *e)
{
	size_t len;
	const uint8_t *p = inside(e, &len);

	return p && len >= 5 && p[4] == 33;
}

static bool is_inner(const struct eap_end *e, uint8_t type)
{
	size_t len;
	const uint8_t *p = inside(e, &len);

	return p && p[0] == type && !is_tlvs(e);
}

static bool never(const struct eap_end *e)
{
	(void)e;
	return false;
}

static bool is_identity(const struct eap_end *e)
{
	return is_inner(e, IDENTITY);
}

/* Packets to and fro until nobody has any left, or that one of the server's has been sent. */
static void talk_until(bool (*stop)(const struct eap_end *e))
{
	unsigned int told[2] = { 0 };

	for (unsigned int i = 0; i < 400; i++) {
		if (server.end.sent > told[0] && stop(&server.end))
			return;
		if (server.end.sent > told[0]) {
			told[0] = server.end.sent;
			deliver(&server.end, &client.end);
		} else if (client.end.sent > told[1]) {
			told[1] = client.end.sent;
			deliver(&client.end, &server.end);
		} else {
			assert_ptr_equal(stop, never);
			return;
		}
	}
	fail_msg("no end");
}

static void done(void)
{
	eap_done(&server.end.e);
	eap_done(&client.end.e);
	assert_int_equal(server.stub.opened + client.stub.opened, 0);
}

/* A packet of PEAP with that inside of TLS, to `to`; `tlvs`: with the header that they have. */
static void say_bytes(struct eap_end *to, uint8_t id, const uint8_t *body, size_t len)
{
	uint8_t packet[1500];
	struct wire_writer w = wire_writer(packet, sizeof(packet));

	wire_put_u8(&w, to == &client.end ? REQUEST : RESPONSE);
	wire_put_u8(&w, id);
	wire_put_u16(&w, (uint16_t)(11 + len));
	wire_put_u8(&w, PEAP);
	wire_put_u8(&w, 0);
	wire_put_u8(&w, 'X');
	wire_put_u32(&w, (uint32_t)len);
	wire_put_bytes(&w, body, len);
	assert_false(w.failed);
	end_receive(to, packet, wire_written(&w));
}

static void say(struct eap_end *to, uint8_t id, const char *hex)
{
	uint8_t body[700];

	say_bytes(to, id, body, unhex(body, sizeof(body), hex));
}

static void say_tlvs(struct eap_end *to, uint8_t id, const char *hex)
{
	uint8_t body[700] = { to == &client.end ? REQUEST : RESPONSE, id, 0, 0, 33 };
	size_t len = 5 + unhex(body + 5, sizeof(body) - 5, hex);

	body[2] = (uint8_t)(len >> 8);
	body[3] = (uint8_t)len;
	say_bytes(to, id, body, len);
}

static void say_success(uint8_t id)
{
	const uint8_t packet[] = { SUCCESS, id, 0, 4 };

	end_receive(&client.end, packet, sizeof(packet));
}

static void say_failure(uint8_t id)
{
	const uint8_t packet[] = { FAILURE, id, 0, 4 };

	end_receive(&client.end, packet, sizeof(packet));
}

static uint8_t asked(void)
{
	return server.end.e.identifier;
}

/* ---- our two ends ---- */

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
