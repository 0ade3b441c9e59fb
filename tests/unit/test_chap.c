/* CHAP with MS-CHAPv2: both ends against each other, and against what Windows and pppd really said.
 */
#include "tests/unit/chap_end.h"

/* Between RRAS (name "WIN-9BAGS70V5IP") and a Windows client (vpnuser, vpnuser123). */
static const char rras_challenge[] = "0100002410"
				     "05b2f10bdc3d6c92b6cd160adee148b4"
				     "57494e2d394241475337305635495"
				     "0";
static const char windows_response[] = "0200003d31"
				       "789223b02a0cc515404bca2c696edcff"
				       "0000000000000000"
				       "8cd6161253eac63fa53cfc6f74692fd73b0768ca63d612f0"
				       "00"
				       "76706e75736572";
static const char rras_success[] =
	"0300002e533d39373445373943333530434337444335334642433546334131313443363342314546413136"
	"4531"
	"39";
static const char session_key[] = "f3c4e5896e1da799567075738bac82c2";

static void peer_says_to_rras_what_windows_says(void **state)
{
	uint8_t packet[64], random[16], expected[64], key[16];
	struct chap_end e;
	size_t len;

	(void)state;
	end_peer(&e, "vpnuser", "vpnuser123");
	unhex(random, sizeof(random), "789223b02a0cc515404bca2c696edcff");
	e.random = random;
	e.random_left = sizeof(random);
	len = unhex(packet, sizeof(packet), rras_challenge);
	end_receive(&e, packet, len, START);
	assert_int_equal(e.c.state, CHAP_RESPONDED);
	assert_string_equal(e.c.request.name, "WIN-9BAGS70V5IP");
	len = unhex(expected, sizeof(expected), windows_response);
	assert_int_equal(e.len, len);
	assert_memory_equal(e.packet, expected, len);
	len = unhex(packet, sizeof(packet), rras_success);
	end_receive(&e, packet, len, START);
	assert_int_equal(e.c.state, CHAP_DONE);
	assert_int_equal(e.succeeded, 1);
	unhex(key, sizeof(key), session_key);
	assert_memory_equal(e.key, key, sizeof(key));
	assert_int_equal(e.c.deadline, UINT64_MAX);
}

static void authenticator_judges_windows_as_rras_does(void **state)
{
	uint8_t packet[64], random[17] = { 0 }, expected[64], key[16];
	struct chap_end e = { .password = "vpnuser123" };
	size_t len;

	(void)state;
	unhex(random + 1, 16, "05b2f10bdc3d6c92b6cd160adee148b4");
	e.random = random;
	e.random_left = sizeof(random);
	chap_start_authenticator(&e.c, PPP_AUTH_MSCHAP2, "WIN-9BAGS70V5IP", &end_ops, &e, START);
	len = unhex(expected, sizeof(expected), rras_challenge);
	assert_int_equal(e.len, len);
	assert_memory_equal(e.packet, expected, len);
	len = unhex(packet, sizeof(packet), windows_response);
	end_receive(&e, packet, len, START);
	assert_int_equal(e.judged, 1);
	assert_string_equal(e.request.name, "vpnuser");
	assert_int_equal(e.succeeded, 1);
	unhex(key, sizeof(key), session_key);
	assert_memory_equal(e.key, key, sizeof(key));
	len = unhex(expected, sizeof(expected), rras_success);
	assert_true(e.len > len);
	assert_int_equal(e.packet[0], SUCCESS);
	assert_memory_equal(e.packet + 4, expected + 4, len - 4);
	assert_memory_equal(e.packet + len, " M=", 3); /* pppd ends the session at anything else */
}

/* A whole exchange without loss. */
static void agree(struct chap_end *server, struct chap_end *client, const char *name)
{
	end_authenticator(server, "secret");
	end_peer(client, name, "secret");
	deliver(server, client, START);
	deliver(client, server, START);
	deliver(server, client, START);
	assert_int_equal(server->succeeded, 1);
	assert_int_equal(client->succeeded, 1);
	assert_memory_equal(server->key, client->key, sizeof(client->key));
	assert_string_equal(server->request.name, name);
}

static void both_ends_agree_with_any_form_of_name(void **state)
{
	struct chap_end server, client;
	char longest[CHAP_NAME_MAX + 1];

	(void)state;
	agree(&server, &client, "user");
	agree(&server, &client, "DOMAIN\\user");
	agree(&server, &client, "user@example.net");
	agree(&server, &client, "us\xc3\xa9r");
	memset(longest, 'n', sizeof(longest));
	longest[CHAP_NAME_MAX] = '\0';
	agree(&server, &client, longest);
}

static void challenge_that_comes_again_gets_the_same_response(void **state)
{
	struct chap_end server, client;
	uint8_t response[CHAP_PACKET_MAX], success[CHAP_PACKET_MAX];
	size_t len, success_len;

	(void)state;
	end_authenticator(&server, "secret");
	end_peer(&client, "user", "secret");
	deliver(&server, &client, START);
	len = client.len;
	memcpy(response, client.packet, len);
	deliver(&server, &client, START + SECONDS(2));
	assert_int_equal(client.sent, 2);
	assert_memory_equal(client.packet, response, len);
	assert_int_equal(client.c.deadline, START + SECONDS(5));
	/* also when it is late and the exchange is over */
	deliver(&client, &server, START);
	success_len = server.len;
	memcpy(success, server.packet, success_len);
	end_receive(&client, success, success_len, START);
	assert_int_equal(client.c.state, CHAP_DONE);
	end_receive(&client, server.c.last, server.c.last_len, START); /* Success again: nothing */
	assert_int_equal(client.sent, 2);
	len = make_value(response, CHALLENGE, client.c.identifier, 16, 0, "x", 1);
	memcpy(response + 5, client.c.challenge, 16);
	end_receive(&client, response, len, START + SECONDS(50));
	assert_int_equal(client.sent, 3);
	assert_int_equal(client.c.state, CHAP_DONE);
	assert_int_equal(client.c.deadline, UINT64_MAX);
}

static void response_that_comes_again_gets_the_same_success_at_any_time(void **state)
{
	struct chap_end server, client;
	uint8_t success[CHAP_PACKET_MAX], other[CHAP_PACKET_MAX];
	size_t len;

	(void)state;
	agree(&server, &client, "user");
	len = server.len;
	memcpy(success, server.packet, len);
	for (int i = 0; i < 3; i++) {
		memset(server.packet, 0, sizeof(server.packet));
		deliver(&client, &server, START + SECONDS(3600 * i));
		assert_int_equal(server.sent, 3 + i);
		assert_int_equal(server.len, len);
		assert_memory_equal(server.packet, success, len);
	}
	/* RFC 1994 4.1: whatever is in it, if the identifier is that of the Challenge */
	len = make_value(other, RESPONSE, server.c.request.identifier, 49, 7, "other", 5);
	end_receive(&server, other, len, START);
	assert_int_equal(server.sent, 6);
	assert_memory_equal(server.packet, success, server.len);
	other[1]++;
	end_receive(&server, other, len, START);
	assert_int_equal(server.sent, 6);
	assert_int_equal(server.judged, 1);
}

/* A second Challenge in the middle of the session, with another value. */
static void challenge_again(struct chap_end *client)
{
	uint8_t packet[300], before[CHAP_PACKET_MAX];
	unsigned int sent = client->sent;
	size_t len;

	memcpy(before, client->packet, sizeof(before));
	len = make_value(packet, CHALLENGE, (uint8_t)(client->c.identifier + 9), 16, 0x55, "s", 1);
	end_receive(client, packet, len, START + SECONDS(100));
	assert_int_equal(client->sent, sent + 1);
	assert_int_equal(client->packet[0], RESPONSE);
	assert_int_equal(client->packet[1], packet[1]);
	assert_memory_not_equal(client->packet + 5, before + 5, 16);
	assert_memory_not_equal(client->packet + 29, before + 29, 24);
	assert_int_equal(client->c.state, CHAP_RESPONDED);
	assert_int_equal(client->c.deadline, START + SECONDS(103));
}

static void later_challenge_is_answered_and_reports_no_second_success(void **state)
{
	struct chap_end server, client;
	char proof[43];

	(void)state;
	agree(&server, &client, "user");
	challenge_again(&client);
	mschap2_auth_response(client.c.secret.nt_hash, client.c.nt_response,
		client.c.peer_challenge, client.c.challenge, "user", proof);
	receive_text(&client, SUCCESS, client.c.identifier, proof, START + SECONDS(101));
	assert_int_equal(client.c.state, CHAP_DONE);
	assert_int_equal(client.c.deadline, UINT64_MAX);
	assert_int_equal(client.succeeded, 1);
	assert_int_equal(client.failed, 0);
}

static void later_challenge_that_goes_wrong_ends_the_session(void **state)
{
	struct chap_end server, client;

	(void)state;
	agree(&server, &client, "user");
	challenge_again(&client);
	receive_text(&client, SUCCESS, client.c.identifier,
		"S=0000000000000000000000000000000000000000", START + SECONDS(101));
	assert_int_equal(client.failed, 1);
	assert_int_equal(client.reason, PPTP_AUTH_PEER_UNPROVEN);
	agree(&server, &client, "user");
	challenge_again(&client);
	receive_text(&client, FAILURE, client.c.identifier, "E=647 R=0", START + SECONDS(101));
	assert_int_equal(client.failed, 1);
	assert_int_equal(client.reason, PPTP_AUTH_RESTRICTED);
}

static void later_challenge_without_a_reply_changes_nothing(void **state)
{
	struct chap_end server, client;

	(void)state;
	agree(&server, &client, "user");
	challenge_again(&client);
	for (unsigned int i = 1; i <= 10; i++)
		chap_tick(&client.c, START + SECONDS(100) + SECONDS(3) * i);
	assert_int_equal(client.sent, 1 + 10);
	assert_int_equal(client.c.state, CHAP_DONE);
	assert_int_equal(client.c.deadline, UINT64_MAX);
	assert_int_equal(client.failed, 0);
}

static void success_must_prove_the_password(void **state)
{
	static const struct {
		const char *format;
		bool ok;
	} table[] = {
		{ "S=%s", true }, /* RRAS */
		{ "S=%s M=Access granted", true },
		{ "S=%s M=", true },
		{ "S=%s junk", true },
		{ "S=%s0", true },
		{ "s=%s", false },
		{ " S=%s", false },
		{ "M=x S=%s", false },
		{ "S=", false },
		{ "", false },
		{ "M=Access granted", false },
		{ "S=0%s", false },
		{ "S=407A5589115FD0D6209F510FE9C04566932CDA56", false },
		{ "S=407A5589115FD0D6209F510FE9C04566932CDA5", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct chap_end server, client;
		char proof[43], text[100];
		const char *at = strstr(table[i].format, "%s");

		end_authenticator(&server, "secret");
		end_peer(&client, "user", "secret");
		deliver(&server, &client, START);
		mschap2_auth_response(client.c.secret.nt_hash, client.c.nt_response,
			client.c.peer_challenge, client.c.challenge, "user", proof);
		strcpy(text, table[i].format);
		if (at) {
			strcpy(text + (at - table[i].format), proof + 2);
			strcat(text, at + 2);
		}
		receive_text(&client, SUCCESS, client.c.identifier, text, START);
		assert_int_equal(client.succeeded, table[i].ok);
		assert_int_equal(client.failed, !table[i].ok);
		if (!table[i].ok)
			assert_int_equal(client.reason, PPTP_AUTH_PEER_UNPROVEN);
	}
}

static void proof_in_lower_case_is_taken(void **state)
{
	struct chap_end server, client;
	char proof[43];

	(void)state;
	end_authenticator(&server, "secret");
	end_peer(&client, "user", "secret");
	deliver(&server, &client, START);
	mschap2_auth_response(client.c.secret.nt_hash, client.c.nt_response,
		client.c.peer_challenge, client.c.challenge, "user", proof);
	for (size_t i = 2; i < 42; i++)
		if (proof[i] >= 'A')
			proof[i] = (char)(proof[i] + 'a' - 'A');
	receive_text(&client, SUCCESS, client.c.identifier, proof, START);
	assert_int_equal(client.succeeded, 1);
}

static void impostor_without_the_password_is_found_out(void **state)
{
	struct chap_end server, client;
	struct ppp_auth_verdict verdict = { .ok = true };

	(void)state;
	end_authenticator(&server, NULL);
	end_peer(&client, "user", "secret");
	deliver(&server, &client, START);
	deliver(&client, &server, START);
	strcpy(verdict.auth_response, "S=00112233445566778899AABBCCDDEEFF00112233");
	verdict.keys.key[0] = 1;
	chap_verdict(&server.c, &verdict, START);
	assert_int_equal(server.succeeded, 1);
	deliver(&server, &client, START);
	assert_int_equal(client.failed, 1);
	assert_int_equal(client.reason, PPTP_AUTH_PEER_UNPROVEN);
}

static void failure_is_told_in_words(void **state)
{
	static const struct {
		const char *text;
		enum pptp_reason reason;
		const char *detail;
	} table[] = {
		{ "E=691 R=1 C=00112233445566778899AABBCCDDEEFF V=0 M=Access denied",
			PPTP_AUTH_FAILED,
			"wrong user name or password (E=691: Access denied)" }, /* pppd 2.4.9 */
		{ "E=691 R=0 C=00112233445566778899AABBCCDDEEFF V=3", PPTP_AUTH_FAILED,
			"wrong user name or password (E=691)" },
		{ "E=646 R=0 V=3", PPTP_AUTH_RESTRICTED,
			"the account may not log on at this hour (E=646)" },
		{ "E=647 R=0 V=3", PPTP_AUTH_RESTRICTED, "the account is disabled (E=647)" },
		{ "E=648 R=0 V=3", PPTP_AUTH_RESTRICTED, "the password has expired (E=648)" },
		{ "E=649 R=0 V=3", PPTP_AUTH_RESTRICTED,
			"the account has no permission to dial in (E=649)" },
		{ "E=709", PPTP_AUTH_FAILED, "the password could not be changed (E=709)" },
		{ "E=4000", PPTP_AUTH_FAILED, "refused for another reason (E=4000)" },
		{ "E=691 M=\x1b[2J", PPTP_AUTH_FAILED,
			"wrong user name or password (E=691: \\x1b[2J)" },
		{ "", PPTP_AUTH_FAILED, "the server refused without an error number" },
		{ "go away", PPTP_AUTH_FAILED, "the server refused without an error number" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct chap_end server, client;

		end_authenticator(&server, "secret");
		end_peer(&client, "user", "other");
		deliver(&server, &client, START);
		receive_text(&client, FAILURE, client.c.identifier, table[i].text, START);
		assert_int_equal(client.failed, 1);
		assert_int_equal(client.reason, table[i].reason);
		assert_string_equal(client.detail, table[i].detail);
		assert_int_equal(client.sent, 1); /* the same password is not tried again */
		assert_int_equal(client.c.deadline, UINT64_MAX);
		deliver(&server, &client, START);
		assert_int_equal(client.sent, 1);
	}
}

/* As a Windows client does it: the next identifier, to the challenge in C=. */
static void retry_with(
	struct chap_end *server, const char *password, uint8_t identifier, uint8_t *sent)
{
	struct ppp_auth_request r = { 0 };
	struct mschap_failure f = { 0 };
	uint8_t body[64] = { MSCHAP2_RESPONSE_LEN }, hash[16];
	size_t len;

	assert_int_equal(server->packet[0], FAILURE);
	assert_int_equal(mschap_failure_parse(&f, server->packet + 4, server->len - 4), 0);
	assert_true(f.retry && f.has_challenge);
	assert_int_equal(f.error, 691);
	assert_int_equal(f.version, 3);
	assert_memory_equal(f.challenge, server->c.challenge, 16);
	memset(r.peer_challenge, identifier, sizeof(r.peer_challenge));
	assert_int_equal(mschap_nt_hash(password, hash), 0);
	mschap2_nt_response(f.challenge, r.peer_challenge, "user", hash, r.nt_response);
	memcpy(body + 1, r.peer_challenge, 16);
	memcpy(body + 25, r.nt_response, 24);
	memcpy(body + 50, "user", 4);
	len = make_packet(sent, RESPONSE, identifier, body, 54);
	end_receive(server, sent, len, START + SECONDS(20));
}

static void wrong_password_may_be_tried_three_times(void **state)
{
	struct chap_end server, client;
	uint8_t packet[100], id, challenges[3][16];
	struct mschap_failure f = { 0 };

	(void)state;
	end_authenticator(&server, "secret");
	memcpy(challenges[0], server.c.challenge, 16);
	end_peer(&client, "user", "wrong");
	deliver(&server, &client, START);
	deliver(&client, &server, START);
	id = client.c.identifier;
	assert_int_equal(server.packet[0], FAILURE);
	assert_int_equal(server.packet[1], id);
	assert_int_equal(server.c.state, CHAP_CHALLENGED);
	assert_int_equal(server.c.deadline, START + SECONDS(60)); /* somebody types */
	memcpy(challenges[1], server.c.challenge, 16);
	retry_with(&server, "wronger", (uint8_t)(id + 1), packet);
	assert_int_equal(server.packet[1], (uint8_t)(id + 1));
	assert_int_equal(server.judged, 2);
	assert_int_equal(server.failed, 0);
	memcpy(challenges[2], server.c.challenge, 16);
	assert_memory_not_equal(challenges[0], challenges[1], 16);
	assert_memory_not_equal(challenges[1], challenges[2], 16);
	retry_with(&server, "wrongest", (uint8_t)(id + 2), packet);
	assert_int_equal(server.judged, 3);
	assert_int_equal(server.packet[0], FAILURE);
	assert_int_equal(mschap_failure_parse(&f, server.packet + 4, server.len - 4), 0);
	assert_int_equal(f.error, 691);
	assert_false(f.retry);
	assert_true(f.has_challenge);
	assert_int_equal(server.failed, 1);
	assert_int_equal(server.reason, PPTP_AUTH_FAILED);
	assert_int_equal(server.c.state, CHAP_FAILED);
	/* Failure lost: again, but no fourth attempt */
	end_receive(&server, packet, 58, START + SECONDS(21));
	assert_int_equal(server.sent, 5);
	packet[1]++;
	end_receive(&server, packet, 58, START + SECONDS(21));
	assert_int_equal(server.sent, 5);
	assert_int_equal(server.judged, 3);
}

static void second_attempt_can_succeed_under_either_identifier(void **state)
{
	(void)state;
	for (uint8_t i = 0; i < 2; i++) {
		struct chap_end server, client;
		uint8_t packet[100];

		end_authenticator(&server, "secret");
		end_peer(&client, "user", "wrong");
		deliver(&server, &client, START);
		deliver(&client, &server, START);
		retry_with(&server, "secret", (uint8_t)(client.c.identifier + i), packet);
		assert_int_equal(server.succeeded, 1);
		assert_int_equal(server.packet[0], SUCCESS);
		assert_int_equal(server.packet[1], (uint8_t)(client.c.identifier + i));
	}
}

static void response_that_comes_again_gets_the_same_failure(void **state)
{
	struct chap_end server, client;
	uint8_t failure[CHAP_PACKET_MAX], packet[100];
	size_t len;

	(void)state;
	end_authenticator(&server, "secret");
	end_peer(&client, "user", "wrong");
	deliver(&server, &client, START);
	deliver(&client, &server, START);
	len = server.len;
	memcpy(failure, server.packet, len);
	deliver(&client, &server, START + SECONDS(3));
	assert_int_equal(server.sent, 3);
	assert_int_equal(server.judged, 1);
	assert_int_equal(server.len, len);
	assert_memory_equal(server.packet, failure, len);
	retry_with(&server, "secret", (uint8_t)(client.c.identifier + 1), packet);
	assert_int_equal(server.succeeded, 1);
}

static void nobody_tries_again_after_a_failure(void **state)
{
	struct chap_end server, client;

	(void)state;
	end_authenticator(&server, "secret");
	end_peer(&client, "user", "wrong");
	deliver(&server, &client, START);
	deliver(&client, &server, START);
	chap_tick(&server.c, server.c.deadline - 1);
	assert_int_equal(server.failed, 0);
	assert_int_equal(server.sent, 2); /* Windows would ask its user again */
	chap_tick(&server.c, server.c.deadline);
	assert_int_equal(server.failed, 1);
	assert_int_equal(server.reason, PPTP_AUTH_FAILED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(peer_says_to_rras_what_windows_says),
		cmocka_unit_test(authenticator_judges_windows_as_rras_does),
		cmocka_unit_test(both_ends_agree_with_any_form_of_name),
		cmocka_unit_test(challenge_that_comes_again_gets_the_same_response),
		cmocka_unit_test(response_that_comes_again_gets_the_same_success_at_any_time),
		cmocka_unit_test(later_challenge_is_answered_and_reports_no_second_success),
		cmocka_unit_test(later_challenge_that_goes_wrong_ends_the_session),
		cmocka_unit_test(later_challenge_without_a_reply_changes_nothing),
		cmocka_unit_test(success_must_prove_the_password),
		cmocka_unit_test(proof_in_lower_case_is_taken),
		cmocka_unit_test(impostor_without_the_password_is_found_out),
		cmocka_unit_test(failure_is_told_in_words),
		cmocka_unit_test(wrong_password_may_be_tried_three_times),
		cmocka_unit_test(second_attempt_can_succeed_under_either_identifier),
		cmocka_unit_test(response_that_comes_again_gets_the_same_failure),
		cmocka_unit_test(nobody_tries_again_after_a_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
