/* CHAP against loss, silence, slow judges, malformed packets and noise. */
#include "tests/unit/chap_end.h"

static void challenge_is_sent_ten_times_in_thirty_seconds(void **state)
{
	uint8_t challenge[CHAP_PACKET_MAX];
	struct chap_end e;
	size_t len;

	(void)state;
	end_authenticator(&e, "secret");
	len = e.len;
	memcpy(challenge, e.packet, len);
	for (unsigned int i = 1; i < 10; i++) {
		assert_int_equal(e.c.deadline, START + SECONDS(3) * i);
		chap_tick(&e.c, e.c.deadline - 1);
		assert_int_equal(e.sent, i);
		chap_tick(&e.c, e.c.deadline);
		assert_int_equal(e.sent, i + 1);
		assert_int_equal(e.len, len);
		assert_memory_equal(e.packet, challenge, len);
	}
	chap_tick(&e.c, e.c.deadline);
	assert_int_equal(e.sent, 10);
	assert_int_equal(e.failed, 1);
	assert_int_equal(e.reason, PPTP_AUTH_TIMEOUT);
	assert_string_equal(e.detail, "no Response to the Challenge came");
	assert_int_equal(e.c.deadline, UINT64_MAX);
}

static void response_is_sent_ten_times_in_thirty_seconds(void **state)
{
	uint8_t response[CHAP_PACKET_MAX];
	struct chap_end server, e;
	size_t len;

	(void)state;
	end_authenticator(&server, "secret");
	end_peer(&e, "user", "secret");
	deliver(&server, &e, START + SECONDS(1));
	len = e.len;
	memcpy(response, e.packet, len);
	for (unsigned int i = 1; i < 10; i++) {
		assert_int_equal(e.c.deadline, START + SECONDS(1) + SECONDS(3) * i);
		chap_tick(&e.c, e.c.deadline - 1);
		assert_int_equal(e.sent, i);
		chap_tick(&e.c, e.c.deadline);
		assert_int_equal(e.sent, i + 1);
		assert_int_equal(e.len, len);
		assert_memory_equal(e.packet, response, len);
	}
	chap_tick(&e.c, e.c.deadline);
	assert_int_equal(e.sent, 10);
	assert_int_equal(e.failed, 1);
	assert_int_equal(e.reason, PPTP_AUTH_TIMEOUT);
}

static void peer_waits_thirty_seconds_for_a_challenge(void **state)
{
	struct chap_end e;

	(void)state;
	end_peer(&e, "user", "secret");
	assert_int_equal(e.c.deadline, START + SECONDS(30));
	chap_tick(&e.c, START + SECONDS(30) - 1);
	assert_int_equal(e.failed, 0);
	chap_tick(&e.c, START + SECONDS(30));
	assert_int_equal(e.failed, 1);
	assert_int_equal(e.reason, PPTP_AUTH_TIMEOUT);
	assert_string_equal(e.detail, "no Challenge came");
}

/* A server that sends a new Challenge each time, and never a Success. */
static void new_challenges_do_not_put_off_the_end(void **state)
{
	uint8_t packet[64];
	struct chap_end e;
	uint64_t now = START;

	(void)state;
	end_peer(&e, "user", "secret");
	for (uint8_t i = 0; !e.failed; i++) {
		size_t len = make_value(packet, CHALLENGE, i, 16, i, "s", 1);

		assert_true(now <= START + SECONDS(31));
		end_receive(&e, packet, len, now);
		now += SECONDS(1);
		chap_tick(&e.c, now);
	}
	assert_int_equal(e.reason, PPTP_AUTH_TIMEOUT);
	assert_int_equal(now, START + SECONDS(30));
}

static void every_loss_pattern_of_a_few_packets_is_overcome(void **state)
{
	(void)state;
	for (unsigned int pattern = 0; pattern < 256; pattern++) {
		struct chap_end server, client;
		unsigned int lost = 0, to_client = 0, to_server = 0;
		uint64_t now = START;

		end_authenticator(&server, "secret");
		end_peer(&client, "user", "secret");
		while (!(server.succeeded && client.succeeded)) {
			unsigned int *seen = server.sent != to_client ? &to_client : &to_server;
			bool any = server.sent != to_client || client.sent != to_server;

			assert_false(server.failed || client.failed);
			if (!any) {
				now = server.c.deadline < client.c.deadline ? server.c.deadline
									    : client.c.deadline;
				assert_true(now < START + SECONDS(60));
				chap_tick(&server.c, now);
				chap_tick(&client.c, now);
				continue;
			}
			(*seen)++;
			if (lost < 8 && pattern >> lost++ & 1)
				continue;
			if (seen == &to_client)
				deliver(&server, &client, now);
			else
				deliver(&client, &server, now);
		}
		assert_int_equal(server.judged, 1);
		assert_memory_equal(server.key, client.key, 16);
	}
}

static void replies_to_another_identifier_are_ignored(void **state)
{
	struct chap_end server, client;
	uint8_t packet[CHAP_PACKET_MAX];

	(void)state;
	end_authenticator(&server, "secret");
	end_peer(&client, "user", "secret");
	deliver(&server, &client, START);
	deliver(&client, &server, START);
	memcpy(packet, server.packet, server.len);
	packet[1]++;
	end_receive(&client, packet, server.len, START);
	packet[0] = FAILURE;
	end_receive(&client, packet, server.len, START);
	assert_int_equal(client.c.state, CHAP_RESPONDED);
	deliver(&server, &client, START);
	assert_int_equal(client.succeeded, 1);
}

static void replies_before_a_challenge_are_ignored(void **state)
{
	struct chap_end e;

	(void)state;
	end_peer(&e, "user", "secret");
	receive_text(&e, SUCCESS, 0, "S=00112233445566778899AABBCCDDEEFF00112233", START);
	receive_text(&e, FAILURE, 0, "E=691 R=0", START);
	assert_int_equal(e.c.state, CHAP_IDLE);
	assert_int_equal(e.failed, 0);
}

static void response_to_another_identifier_is_not_judged(void **state)
{
	struct chap_end server, client;
	uint8_t packet[CHAP_PACKET_MAX];

	(void)state;
	end_authenticator(&server, "secret");
	end_peer(&client, "user", "secret");
	deliver(&server, &client, START);
	memcpy(packet, client.packet, client.len);
	for (unsigned int i = 1; i < 256; i++) {
		packet[1] = (uint8_t)(client.c.identifier + i);
		end_receive(&server, packet, client.len, START);
	}
	assert_int_equal(server.judged, 0);
	assert_int_equal(server.sent, 1);
}

static void unexpected_codes_are_ignored(void **state)
{
	struct chap_end server, client;

	(void)state;
	end_authenticator(&server, "secret");
	end_peer(&client, "user", "secret");
	for (unsigned int code = 0; code < 256; code++) {
		uint8_t packet[300];
		size_t len =
			make_value(packet, (uint8_t)code, server.c.identifier, 49, 1, "user", 4);

		if (code != RESPONSE && (code < 5 || code > 7))
			end_receive(&server, packet, len, START);
		len = make_value(packet, (uint8_t)code, 0, 16, 1, "server", 6);
		if (code != CHALLENGE)
			end_receive(&client, packet, len, START);
	}
	assert_int_equal(server.c.state, CHAP_CHALLENGED);
	assert_int_equal(server.sent, 1);
	assert_int_equal(client.c.state, CHAP_IDLE);
	assert_int_equal(client.sent, 0);
}

/* RFC 2433 section 4: the last octet says whether there is an NT response. */
static void lm_only_responses_are_refused(void **state)
{
	struct ppp_secret secret;
	struct ppp_auth_verdict verdict;

	(void)state;
	assert_int_equal(ppp_secret_from_password(&secret, "secret"), 0);
	for (uint8_t flag = 0; flag < 2; flag++) {
		struct chap_end server = { .counter = 7 }, client = { .counter = 9 };

		chap_start_authenticator(
			&server.c, PPP_AUTH_MSCHAP, "server", &end_ops, &server, START);
		chap_start_peer(
			&client.c, PPP_AUTH_MSCHAP, "user", &secret, &end_ops, &client, START);
		deliver(&server, &client, START);
		assert_int_equal(client.packet[4 + 49], 1);
		for (int i = 0; i < 24; i++) /* no LM response is ever sent */
			assert_int_equal(client.packet[5 + i], 0);
		memset(client.packet + 5, 0xee, 24); /* and one that comes is not looked at */
		client.packet[4 + 49] = flag;
		deliver(&client, &server, START);
		assert_int_equal(server.request.lm_only, !flag);
		assert_int_equal(ppp_auth_check(&server.request, &secret, &verdict), flag);
		assert_int_equal(verdict.error, flag ? 0 : 691);
	}
}

/* An authenticator never answers a Challenge: its own cannot be reflected. */
static void reflected_challenge_is_ignored(void **state)
{
	struct chap_end server;

	(void)state;
	end_authenticator(&server, "secret");
	deliver(&server, &server, START);
	assert_int_equal(server.sent, 1);
}

struct value_case {
	uint8_t size;
	size_t name_len;
	const char *name;
};

static void assert_not_judged(const struct value_case *v)
{
	uint8_t packet[700];
	struct chap_end e;
	size_t len;

	end_authenticator(&e, "secret");
	len = make_value(packet, RESPONSE, e.c.identifier, v->size, 0, v->name, v->name_len);
	end_receive(&e, packet, len, START);
	assert_int_equal(e.judged, 0);
	assert_int_equal(e.sent, 1);
	chap_tick(&e.c, START + SECONDS(30));
	assert_int_equal(e.failed, 1);
	assert_int_equal(e.reason, PPTP_AUTH_TIMEOUT);
	assert_string_equal(e.detail, "the Response was malformed");
}

static void malformed_responses_are_never_judged(void **state)
{
	static char long_name[256];
	static const struct value_case table[] = {
		{ 0, 0, "" }, /* no value */
		{ 0, 4, "user" },
		{ 49, 0, "" },       /* no name */
		{ 49, 4, "DOM\\" },  /* a domain, no name */
		{ 49, 5, "us\0er" }, /* NUL inside, in front, behind */
		{ 49, 5, "\0user" },
		{ 49, 5, "user\0" },
		{ 49, 1, "\0" },
		{ 49, 256, long_name },
		{ 16, 4, "user" }, /* MD5's */
		{ 24, 4, "user" },
		{ 48, 4, "user" },
		{ 50, 4, "user" },
		{ 255, 4, "user" },
	};

	(void)state;
	memset(long_name, 'n', sizeof(long_name));
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		assert_not_judged(&table[i]);
}

static void malformed_challenges_are_never_answered(void **state)
{
	static char long_name[256];
	static const struct value_case table[] = {
		{ 0, 0, "" },
		{ 0, 6, "server" },
		{ 8, 6, "server" }, /* MS-CHAPv1's */
		{ 15, 6, "server" },
		{ 17, 6, "server" },
		{ 255, 6, "server" },
		{ 16, 256, long_name },
		{ 16, 3, "s\0r" },
	};

	(void)state;
	memset(long_name, 'n', sizeof(long_name));
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		uint8_t packet[700];
		struct chap_end e;
		size_t len = make_value(
			packet, CHALLENGE, 1, table[i].size, 0, table[i].name, table[i].name_len);

		end_peer(&e, "user", "secret");
		end_receive(&e, packet, len, START);
		assert_int_equal(e.sent, 0);
		assert_int_equal(e.c.state, CHAP_IDLE);
		chap_tick(&e.c, START + SECONDS(30));
		assert_string_equal(e.detail, "the Challenge was malformed");
	}
}

/* RFC 2759 section 3: Microsoft's authenticators need not give a name. */
static void challenge_without_a_name_is_answered(void **state)
{
	uint8_t packet[64];
	struct chap_end e;
	size_t len = make_value(packet, CHALLENGE, 1, 16, 0, "", 0);

	(void)state;
	end_peer(&e, "user", "secret");
	end_receive(&e, packet, len, START);
	assert_int_equal(e.sent, 1);
	assert_string_equal(e.c.request.name, "");
}

/*
 * A whole Response, then each of its beginnings with the same Length, with a fitting Length, and
 * with one that is too long: none must be judged by octets that are left over from somewhere.
 */
static void cut_packets_are_refused_at_every_length(void **state)
{
	struct chap_end server, client;
	uint8_t packet[CHAP_PACKET_MAX];
	size_t len;

	(void)state;
	end_authenticator(&server, "secret");
	end_peer(&client, "u", "secret");
	deliver(&server, &client, START);
	len = client.len;
	memcpy(packet, client.packet, len);
	for (size_t cut = 0; cut < len; cut++) {
		memcpy(packet, client.packet, len);
		end_receive(&server, packet, cut, START);
		packet[2] = 0;
		packet[3] = (uint8_t)cut;
		end_receive(&server, packet, cut, START);
		end_receive(&server, packet, len, START);
		packet[3] = (uint8_t)(cut + 1);
		end_receive(&server, packet, cut, START);
		packet[2] = packet[3] = 0xff;
		end_receive(&server, packet, cut, START);
	}
	assert_int_equal(server.judged, 0);
	assert_int_equal(server.sent, 1);
	deliver(&client, &server, START);
	assert_int_equal(server.succeeded, 1);
	for (size_t cut = 0; cut < 4 + 42; cut++)
		end_receive(&client, server.packet, cut, START);
	assert_int_equal(client.c.state, CHAP_RESPONDED);
}

static void octets_behind_the_length_are_padding(void **state)
{
	struct chap_end server, client;
	uint8_t packet[CHAP_PACKET_MAX + 20] = { 0 };

	(void)state;
	end_authenticator(&server, "secret");
	end_peer(&client, "user", "secret");
	memcpy(packet, server.packet, server.len);
	end_receive(&client, packet, server.len + 20, START);
	memset(packet, 0xee, sizeof(packet));
	memcpy(packet, client.packet, client.len);
	end_receive(&server, packet, client.len + 20, START);
	assert_string_equal(server.request.name, "user");
	assert_int_equal(server.succeeded, 1);
}

static void verdict_may_come_late_and_counts_once(void **state)
{
	struct chap_end server, client;
	struct ppp_auth_verdict verdict;
	struct ppp_secret secret;

	(void)state;
	end_authenticator(&server, NULL);
	end_peer(&client, "user", "secret");
	deliver(&server, &client, START);
	ppp_secret_from_password(&secret, "secret");
	memset(&verdict, 0, sizeof(verdict));
	chap_verdict(&server.c, &verdict, START); /* nobody asked */
	assert_int_equal(server.sent, 1);
	for (int i = 0; i < 4; i++)
		deliver(&client, &server, START + SECONDS(3 * i));
	assert_int_equal(server.judged, 1);
	assert_int_equal(server.sent, 1);
	assert_int_equal(server.c.state, CHAP_JUDGING);
	assert_true(ppp_auth_check(&server.request, &secret, &verdict));
	chap_verdict(&server.c, &verdict, START + SECONDS(10));
	chap_verdict(&server.c, &verdict, START + SECONDS(10));
	assert_int_equal(server.sent, 2);
	assert_int_equal(server.succeeded, 1);
	deliver(&server, &client, START + SECONDS(10));
	assert_int_equal(client.succeeded, 1);
}

static void verdict_that_never_comes_ends_in_a_time_out(void **state)
{
	struct chap_end server, client;
	struct ppp_auth_verdict verdict = { .ok = true };

	(void)state;
	end_authenticator(&server, NULL);
	end_peer(&client, "user", "secret");
	deliver(&server, &client, START);
	deliver(&client, &server, START);
	assert_int_equal(server.c.deadline, START + SECONDS(60));
	chap_tick(&server.c, START + SECONDS(60) - 1);
	assert_int_equal(server.failed, 0);
	chap_tick(&server.c, START + SECONDS(60));
	assert_int_equal(server.failed, 1);
	assert_int_equal(server.reason, PPTP_AUTH_TIMEOUT);
	chap_verdict(&server.c, &verdict, START + SECONDS(61));
	deliver(&client, &server, START + SECONDS(61));
	assert_int_equal(server.sent, 1);
}

static void refusal_says_what_the_judge_said(void **state)
{
	static const struct {
		struct ppp_auth_verdict verdict;
		const char *begin, *end, *detail;
		enum pptp_reason reason;
	} table[] = {
		{ { .error = 647, .message = "gone" }, "E=647 R=0 C=", " V=3 M=gone",
			"the account is disabled (E=647: gone)", PPTP_AUTH_RESTRICTED },
		{ { .error = 0 }, "E=691 R=0 C=", " V=3", "wrong user name or password (E=691)",
			PPTP_AUTH_FAILED },
		{ { .error = 4294967295u }, "E=4294967295 R=0 C=", " V=3",
			"refused for another reason (E=4294967295)", PPTP_AUTH_FAILED },
		/* ok without a proof for the peer: a broken judge lets nobody in */
		{ { .ok = true }, "E=691 R=0 C=", " V=3",
			"no authenticator response came with the verdict", PPTP_AUTH_FAILED },
		{ { .ok = true, .auth_response = "S=1" }, "E=691 R=0 C=", " V=3",
			"no authenticator response came with the verdict", PPTP_AUTH_FAILED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		size_t begin = strlen(table[i].begin), end = strlen(table[i].end);
		struct chap_end server, client;

		end_authenticator(&server, NULL);
		end_peer(&client, "user", "secret");
		deliver(&server, &client, START);
		deliver(&client, &server, START);
		chap_verdict(&server.c, &table[i].verdict, START);
		assert_int_equal(server.packet[0], FAILURE);
		assert_int_equal(server.len, 4 + begin + 32 + end);
		assert_memory_equal(server.packet + 4, table[i].begin, begin);
		assert_memory_equal(server.packet + server.len - end, table[i].end, end);
		assert_int_equal(server.failed, 1);
		assert_int_equal(server.reason, table[i].reason);
		assert_string_equal(server.detail, table[i].detail);
	}
}

static void message_of_the_judge_may_fill_its_room(void **state)
{
	struct chap_end server, client;
	struct ppp_auth_verdict verdict = { .error = 691 };

	(void)state;
	memset(verdict.message, 'm', sizeof(verdict.message)); /* not even a NUL */
	end_authenticator(&server, NULL);
	end_peer(&client, "user", "secret");
	deliver(&server, &client, START);
	deliver(&client, &server, START);
	chap_verdict(&server.c, &verdict, START);
	deliver(&server, &client, START);
	assert_int_equal(client.failed, 1);
	assert_int_equal(client.reason, PPTP_AUTH_FAILED);
}

static void nothing_empty_authenticates(void **state)
{
	struct ppp_auth_request request = { .method = PPP_AUTH_MSCHAP2, .name = "user" };
	struct ppp_auth_verdict verdict;
	struct chap_end server, client;
	struct ppp_secret secret = { 0 };
	uint8_t hash[16];

	(void)state;
	/* an account with an empty password, and a peer that has one */
	end_authenticator(&server, "");
	end_peer(&client, "user", "");
	deliver(&server, &client, START);
	deliver(&client, &server, START);
	assert_int_equal(server.judged, 1);
	assert_int_equal(server.succeeded, 0);
	/* a right response under no name */
	mschap_nt_hash("secret", hash);
	strcpy(request.name, "DOM\\");
	mschap2_nt_response(
		request.challenge, request.peer_challenge, "", hash, request.nt_response);
	memcpy(secret.nt_hash, hash, sizeof(hash));
	assert_false(ppp_auth_check(&request, &secret, &verdict));
	assert_int_equal(verdict.error, 691);
	assert_string_equal(verdict.auth_response, "");
}

static void own_name_that_cannot_be_sent_fails_in_words(void **state)
{
	char long_name[CHAP_NAME_MAX + 2];
	const char *const table[] = { "", "DOMAIN\\", long_name };

	(void)state;
	memset(long_name, 'n', sizeof(long_name));
	long_name[CHAP_NAME_MAX + 1] = '\0';
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct chap_end server, client;

		end_authenticator(&server, "secret");
		end_peer(&client, table[i], "secret");
		deliver(&server, &client, START);
		assert_int_equal(client.sent, 0);
		assert_int_equal(client.failed, 1);
		assert_string_equal(
			client.detail, "the user name is empty or longer than 255 octets");
	}
}

static void secrets_are_wiped_and_nothing_happens_after_done(void **state)
{
	static const struct chap zero;
	struct chap_end server, client;

	(void)state;
	end_authenticator(&server, "secret");
	end_peer(&client, "user", "secret");
	deliver(&server, &client, START);
	chap_done(&client.c);
	assert_int_equal(client.c.deadline, UINT64_MAX);
	deliver(&server, &client, START);
	chap_tick(&client.c, START + SECONDS(100));
	chap_tick(&client.c, UINT64_MAX);
	assert_int_equal(client.sent, 1);
	assert_int_equal(client.failed, 0);
	client.c.deadline = client.c.give_up = 0;
	assert_memory_equal(&client.c, &zero, sizeof(zero));
}

static uint32_t noise(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

static void disturb(struct chap_end *from, struct chap_end *to, uint64_t now, uint32_t *seed)
{
	uint8_t packet[CHAP_PACKET_MAX];
	size_t len = from->len;

	if (!len)
		return;
	memcpy(packet, from->packet, len);
	for (uint32_t n = noise(seed) % 4; n; n--)
		packet[noise(seed) % (noise(seed) % 2 ? 6 : len)] = (uint8_t)noise(seed);
	if (noise(seed) % 4 == 0)
		len = noise(seed) % (len + 1);
	end_receive(to, packet, len, now);
}

/* Whatever comes: callbacks within their contract (chap_end.h), and no state that waits for ever.
 */
static void noise_leaves_the_machines_in_order(void **state)
{
	uint32_t seed = 20001;

	(void)state;
	for (int round = 0; round < 3000; round++) {
		struct chap_end server, client;
		uint64_t now = START;

		end_authenticator(&server, round % 3 ? "secret" : "other");
		end_peer(&client, "DOM\\user", "secret");
		for (int step = 0; step < 30; step++) {
			struct chap_end *ends[] = { &server, &client };
			uint32_t to = noise(&seed) % 2;

			disturb(ends[!to], ends[to], now, &seed);
			now += noise(&seed) % SECONDS(2);
			for (int i = 0; i < 2; i++) {
				struct chap *c = &ends[i]->c;
				bool over = c->state == CHAP_DONE || c->state == CHAP_FAILED;

				chap_tick(c, now);
				assert_true(over || c->deadline <= now + SECONDS(60) ||
					    c->state >= CHAP_DONE);
				assert_true(c->deadline <= c->give_up);
				assert_true(c->deadline > now);
			}
		}
		/* A proof can only come from a server that let us in. */
		if (client.succeeded) {
			assert_int_equal(server.succeeded, 1);
			assert_memory_equal(client.key, server.key, sizeof(client.key));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(challenge_is_sent_ten_times_in_thirty_seconds),
		cmocka_unit_test(response_is_sent_ten_times_in_thirty_seconds),
		cmocka_unit_test(peer_waits_thirty_seconds_for_a_challenge),
		cmocka_unit_test(new_challenges_do_not_put_off_the_end),
		cmocka_unit_test(every_loss_pattern_of_a_few_packets_is_overcome),
		cmocka_unit_test(replies_to_another_identifier_are_ignored),
		cmocka_unit_test(replies_before_a_challenge_are_ignored),
		cmocka_unit_test(response_to_another_identifier_is_not_judged),
		cmocka_unit_test(unexpected_codes_are_ignored),
		cmocka_unit_test(lm_only_responses_are_refused),
		cmocka_unit_test(reflected_challenge_is_ignored),
		cmocka_unit_test(malformed_responses_are_never_judged),
		cmocka_unit_test(malformed_challenges_are_never_answered),
		cmocka_unit_test(challenge_without_a_name_is_answered),
		cmocka_unit_test(cut_packets_are_refused_at_every_length),
		cmocka_unit_test(octets_behind_the_length_are_padding),
		cmocka_unit_test(verdict_may_come_late_and_counts_once),
		cmocka_unit_test(verdict_that_never_comes_ends_in_a_time_out),
		cmocka_unit_test(refusal_says_what_the_judge_said),
		cmocka_unit_test(message_of_the_judge_may_fill_its_room),
		cmocka_unit_test(nothing_empty_authenticates),
		cmocka_unit_test(own_name_that_cannot_be_sent_fails_in_words),
		cmocka_unit_test(secrets_are_wiped_and_nothing_happens_after_done),
		cmocka_unit_test(noise_leaves_the_machines_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
