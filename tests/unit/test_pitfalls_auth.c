/*
 * Faults that other implementations of PPP's authentication had (tests/pitfalls.md): a test is named
 * after the fault that it would find here.
 */
#include "lib/mppe/keys.h"
#include "tests/unit/pitfalls_ppp.h"

/* The machine has not read on behind the end of the message: what is there is an older one. */
static void stale_octets_do_not_complete_a_short_response(void **unused)
{
	struct chap_end server, client;
	uint8_t packet[CHAP_PACKET_MAX];
	size_t len;

	(void)unused;
	end_authenticator(&server, "secret");
	end_peer(&client, "user", "secret");
	deliver(&server, &client, START);
	len = client.len;
	memcpy(packet, client.packet, len);
	for (size_t n = 0; n <= 4 + 1 + MSCHAP2_RESPONSE_LEN; n++) {
		packet[2] = (uint8_t)(n >> 8);
		packet[3] = (uint8_t)n;
		end_receive(&server, packet, len, START);      /* the length field says less */
		end_receive(&server, client.packet, n, START); /* the frame itself is cut */
		assert_int_equal(server.judged, 0);
	}
	deliver(&client, &server, START);
	assert_int_equal(server.succeeded, 1);
}

static void stale_octets_do_not_complete_a_short_challenge(void **unused)
{
	struct chap_end server, client;
	uint8_t packet[CHAP_PACKET_MAX];

	(void)unused;
	end_authenticator(&server, "secret");
	end_peer(&client, "user", "secret");
	memcpy(packet, server.packet, server.len);
	for (size_t n = 0; n < 4 + 1 + 16; n++) {
		packet[2] = 0;
		packet[3] = (uint8_t)n;
		end_receive(&client, packet, server.len, START);
		end_receive(&client, server.packet, n, START);
		assert_int_equal(client.sent, 0);
	}
	deliver(&server, &client, START);
	assert_int_equal(client.sent, 1);
}

static void stale_octets_do_not_complete_a_short_proof(void **unused)
{
	(void)unused;
	for (size_t n = 0; n < 4 + 42; n++) {
		struct chap_end server, client;
		uint8_t packet[CHAP_PACKET_MAX];

		end_authenticator(&server, "secret");
		end_peer(&client, "user", "secret");
		deliver(&server, &client, START);
		deliver(&client, &server, START);
		assert_int_equal(server.succeeded, 1);
		assert_int_equal(server.packet[0], SUCCESS);
		memcpy(packet, server.packet, server.len);
		packet[2] = 0;
		packet[3] = (uint8_t)n;
		end_receive(&client, packet, server.len, START);
		assert_int_equal(client.succeeded, 0);
	}
}

/* A Response that is right for `password` under `name`, to what `server` asked. */
static size_t right_response(
	const struct chap_end *server, const char *name, const char *password, uint8_t *packet)
{
	uint8_t value[MSCHAP2_RESPONSE_LEN] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	uint8_t hash[16], body[1 + sizeof(value) + CHAP_NAME_MAX];

	assert_int_equal(mschap_nt_hash(password, hash), 0);
	mschap2_nt_response(server->packet + 5, value, name, hash, value + 24);
	body[0] = sizeof(value);
	memcpy(body + 1, value, sizeof(value));
	memcpy(body + 1 + sizeof(value), name, strlen(name));
	return make_packet(
		packet, RESPONSE, server->packet[1], body, 1 + sizeof(value) + strlen(name));
}

/* What a server asks that has a Response from elsewhere. */
static void judge_directly(const char *name)
{
	struct ppp_auth_request request = { .method = PPP_AUTH_MSCHAP2, .identifier = 1 };
	struct ppp_auth_verdict verdict;
	struct ppp_secret secret;

	assert_int_equal(ppp_secret_from_password(&secret, "secret"), 0);
	strcpy(request.name, name);
	mschap2_nt_response(request.challenge, request.peer_challenge, name, secret.nt_hash,
		request.nt_response);
	assert_false(ppp_auth_check(&request, &secret, &verdict));
	assert_false(verdict.ok);
}

static void a_name_of_no_octets_does_not_authenticate(void **unused)
{
	static const char *const names[] = { "", "DOM\\" };
	uint8_t packet[CHAP_PACKET_MAX];
	struct chap_end server;

	(void)unused;
	for (size_t i = 0; i < 2; i++) {
		size_t len;

		end_authenticator(&server, "secret");
		len = right_response(&server, names[i], "secret", packet);
		end_receive(&server, packet, len, START);
		assert_int_equal(server.succeeded, 0);
		judge_directly(names[i]);
		/* the same with a name is right: it is the name that was wrong */
		len = right_response(&server, "u", "secret", packet);
		end_receive(&server, packet, len, START);
		assert_int_equal(server.succeeded, 1);
	}
}

static void a_password_of_no_octets_does_not_authenticate(void **unused)
{
	uint8_t packet[CHAP_PACKET_MAX];
	struct chap_end server;
	size_t len;

	(void)unused;
	end_authenticator(&server, "");
	len = right_response(&server, "user", "", packet);
	end_receive(&server, packet, len, START);
	assert_int_equal(server.judged, 1);
	assert_int_equal(server.succeeded, 0);
}

static void a_challenge_of_no_octets_is_not_answered(void **unused)
{
	uint8_t packet[600];
	struct chap_end client;
	static const uint8_t shapes[] = { 0, 1, 8, 15, 17 };
	static const char name[] = "a-name-longer-than-a-challenge.example";

	(void)unused;
	for (size_t i = 0; i < sizeof(shapes); i++) {
		size_t len = make_value(packet, CHALLENGE, 1, shapes[i], 0, name, sizeof(name) - 1);

		end_peer(&client, "user", "secret");
		end_receive(&client, packet, len, START);
		assert_int_equal(client.sent, 0);
		assert_int_equal(client.succeeded, 0);
	}
}

static void a_response_of_no_octets_does_not_authenticate(void **unused)
{
	static const uint8_t shapes[] = { 0, 1, 48, 50, 255 };
	uint8_t packet[600];
	struct chap_end server;

	(void)unused;
	end_authenticator(&server, "secret");
	for (size_t i = 0; i < sizeof(shapes); i++) {
		size_t len =
			make_value(packet, RESPONSE, server.packet[1], shapes[i], 0, "user", 4);

		end_receive(&server, packet, len, START);
	}
	assert_int_equal(server.judged, 0);
	assert_int_equal(server.succeeded, 0);
}

/* Until the server's Challenge is out; the client's Response never comes. */
static bool no_response(struct pair *pair, int from, uint16_t protocol, uint8_t *data, size_t *len)
{
	record(pair, from, protocol, data, len);
	return !(from == CLIENT && protocol == PPP_CHAP);
}

static const struct {
	uint16_t protocol;
	const char *hex;
} not_agreed[] = {
	{ PPP_EAP, "01010005 01" },           /* Request Identity */
	{ PPP_EAP, "02010009 01 75736572" },  /* Response Identity */
	{ PPP_EAP, "02020009 04 ff 313233" }, /* MD5-Challenge with a value beyond the packet */
	{ PPP_EAP, "0201ffff 01 75736572" },  /* a length beyond the packet */
	{ PPP_EAP, "03010004" },              /* Success */
	{ PPP_EAP, "03020004" },
	{ PPP_PAP, "0101000e 0475736572 0473656372" }, /* Authenticate-Request */
	{ PPP_PAP, "02010005 00" },                    /* Authenticate-Ack */
};

static void inject_not_agreed(int to)
{
	for (size_t i = 0; i < sizeof(not_agreed) / sizeof(not_agreed[0]); i++) {
		uint8_t packet[64];
		char hex[128];
		size_t n = 0, len;

		for (const char *c = not_agreed[i].hex; *c; c++) {
			if (*c != ' ')
				hex[n++] = *c;
		}
		hex[n] = '\0';
		len = unhex(packet, sizeof(packet), hex);
		inject(to, not_agreed[i].protocol, packet, len);
	}
}

static void eap_that_was_not_negotiated_authenticates_nobody(void **unused)
{
	struct ppp_link_info info;

	(void)unused;
	prepare();
	p.filter = no_response;
	pair_open(&p);
	pair_run(&p, 1 * SECOND, false);
	ppp_link_get_info(p.end[SERVER].link, &info);
	assert_int_equal(info.phase, PPP_AUTHENTICATE);
	inject_not_agreed(SERVER);
	assert_int_equal(rejects(SERVER, PPP_EAP, 0), 6);
	assert_int_equal(rejects(SERVER, PPP_PAP, 0), 2);
	ppp_link_get_info(p.end[SERVER].link, &info);
	assert_int_equal(info.phase, PPP_AUTHENTICATE);
	assert_string_equal(info.auth, "");
	pair_run(&p, 70 * SECOND, false);
	assert_int_equal(p.end[SERVER].ups, 0);
	assert_int_equal(p.end[SERVER].reason, PPTP_AUTH_TIMEOUT);
	pair_done(&p);
}

/* A server cannot pass for one that knows the password with a Success of another protocol. */
static void eap_success_is_no_proof_of_a_server(void **unused)
{
	struct ppp_link_info info;

	(void)unused;
	prepare();
	p.no_verdict = true;
	pair_open(&p);
	pair_run(&p, 1 * SECOND, false);
	ppp_link_get_info(p.end[CLIENT].link, &info);
	assert_int_equal(info.phase, PPP_AUTHENTICATE);
	inject_not_agreed(CLIENT);
	ppp_link_get_info(p.end[CLIENT].link, &info);
	assert_int_equal(info.phase, PPP_AUTHENTICATE);
	assert_int_equal(rejects(CLIENT, PPP_EAP, 0), 6);
	pair_run(&p, 200 * SECOND, false);
	assert_int_equal(p.end[CLIENT].ups, 0);
	assert_true(p.end[CLIENT].over);
	pair_done(&p);
}

static void an_identity_longer_than_any_buffer_does_no_harm(void **unused)
{
	uint8_t packet[1500];

	(void)unused;
	memset(packet, 'A', sizeof(packet));
	packet[0] = 2;
	packet[1] = 1;
	packet[4] = 1; /* Identity; in the second half MD5-Challenge with a name */
	prepare();
	pair_open(&p);
	both_come_up();
	for (size_t len = 0; len <= sizeof(packet); len++) {
		packet[2] = (uint8_t)(len >> 8);
		packet[3] = (uint8_t)len;
		packet[4] = len % 2 ? 1 : 4;
		packet[5] = (uint8_t)len;
		for (int to = 0; to < 2; to++) {
			count = 0;
			inject(to, PPP_EAP, packet, len);
			for (unsigned int i = 0; i < count; i++)
				assert_true(sent[i].len <= 1400);
		}
	}
	assert_true(p.end[SERVER].up && p.end[CLIENT].up);
	pair_done(&p);
}

/* A name as long as a field can be, in every message that has one. */
static void names_as_long_as_they_can_be_do_no_harm(void **unused)
{
	static char name[1400];
	uint8_t packet[1500], body[1 + MSCHAP2_RESPONSE_LEN + sizeof(name)];
	static const uint8_t sizes[] = { 16, MSCHAP2_RESPONSE_LEN };

	(void)unused;
	memset(name, 'n', sizeof(name));
	for (size_t i = 0; i < 2; i++) {
		for (size_t n = 250; n <= sizeof(name); n += n < 260 ? 1 : 95) {
			struct chap_end e;
			size_t len;

			memset(body, sizes[i], 1u + sizes[i]);
			memcpy(body + 1 + sizes[i], name, n);
			if (i == 0)
				end_peer(&e, "user", "secret");
			else
				end_authenticator(&e, "secret");
			len = make_packet(packet, i == 0 ? CHALLENGE : RESPONSE,
				i == 0 ? 1 : e.packet[1], body, 1u + sizes[i] + n);
			end_receive(&e, packet, len, START);
			assert_int_equal(e.succeeded, 0);
			if (n > CHAP_NAME_MAX)
				assert_int_equal(e.judged, 0);
		}
	}
}

/* The keys are those of this call's password and Response, in the right direction, not of another
 * field of the verdict. */
static void keys_come_from_the_verdicts_master_key(void **unused)
{
	static const uint8_t zero[16];
	uint8_t start[16];

	(void)unused;
	prepare();
	pair_open(&p);
	both_come_up();
	assert_memory_not_equal(p.verdict.keys.key, zero, 16);
	mppe_start_key(p.verdict.keys.key, true, start);
	assert_memory_equal(p.end[SERVER].tx_key, start, 16);
	assert_memory_equal(p.end[CLIENT].rx_key, start, 16);
	mppe_start_key(p.verdict.keys.key, false, start);
	assert_memory_equal(p.end[SERVER].rx_key, start, 16);
	assert_memory_equal(p.end[CLIENT].tx_key, start, 16);
	pair_done(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stale_octets_do_not_complete_a_short_response),
		cmocka_unit_test(stale_octets_do_not_complete_a_short_challenge),
		cmocka_unit_test(stale_octets_do_not_complete_a_short_proof),
		cmocka_unit_test(a_name_of_no_octets_does_not_authenticate),
		cmocka_unit_test(a_password_of_no_octets_does_not_authenticate),
		cmocka_unit_test(a_challenge_of_no_octets_is_not_answered),
		cmocka_unit_test(a_response_of_no_octets_does_not_authenticate),
		cmocka_unit_test(eap_that_was_not_negotiated_authenticates_nobody),
		cmocka_unit_test(eap_success_is_no_proof_of_a_server),
		cmocka_unit_test(an_identity_longer_than_any_buffer_does_no_harm),
		cmocka_unit_test(names_as_long_as_they_can_be_do_no_harm),
		cmocka_unit_test(keys_come_from_the_verdicts_master_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
