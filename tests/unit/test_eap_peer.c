/* EAP's peer (RFC 3748) and its methods MD5-Challenge and MSCHAPv2, against any authenticator. */
#include "tests/unit/eap_end.h"

static struct eap_end s, c;

static void run_to_end(void)
{
	for (unsigned int n = 0; n < 20; n++) {
		unsigned int sent = c.sent;

		deliver(&s, &c);
		if (c.sent == sent)
			break;
		deliver(&c, &s);
	}
}

static void meet(const struct ppp_auth_list *server, const struct ppp_auth_list *client,
	const char *name, const char *right, const char *given)
{
	end_authenticator(&s, server, right);
	end_peer(&c, client, name, given);
	run_to_end();
}

/* ---- the methods, as their documents have them ---- */

/* RFC 2759 section 9.2 in the packets of draft-kamath-pppext-eap-mschapv2. */
static void mschap2_by_the_vectors_of_rfc_2759(void **unused)
{
	uint8_t peer_challenge[16];

	(void)unused;
	unhex(peer_challenge, 16, "21402324255e262a28295f2b3a337c7e");
	end_peer(&c, &mschap2_only, "User", "clientPass");
	c.random = peer_challenge;
	c.random_left = 16;
	receive_hex(&c, 7, "01 00 0000 01");
	expect_hex(&c, "02 07 0009 01 55736572");
	receive_hex(&c, 8,
		"01 00 0000 1a 01 33 001b 10 5b5d7c7d7b3f2f3e3c2c602132262628 73657276 6572");
	expect_hex(&c, "02 08 003f 1a 02 33 003a 31 21402324255e262a28295f2b3a337c7e"
		       "0000000000000000"
		       "82309ecd8d708b5ea08faa3981cd83544233114a3d85d6df 00 55736572");
	assert_string_equal(c.e.identity, "server");
	receive_text(&c, REQUEST, 9, MSCHAP2,
		"\x03\x33\x01\x01S=407A5589115FD0D6209F510FE9C04566932CDA56 M=Welcome");
	expect_hex(&c, "02 09 0006 1a 03");
	assert_int_equal(c.succeeded, 0);
	receive_hex(&c, 9, "03 00 0000");
	assert_int_equal(c.succeeded, 1);
	assert_int_equal(c.keys.source, MPPE_FROM_MSCHAP2);
	/* RFC 3079 3.5.1: the master key. */
	unhex(peer_challenge, 16, "fdece3717a8c838cb388e527ae3cdd31");
	assert_memory_equal(c.keys.key, peer_challenge, 16);
}

static void the_server_side_of_the_same_vectors(void **unused)
{
	uint8_t random[17];

	(void)unused;
	unhex(random, 17, "32 5b5d7c7d7b3f2f3e3c2c602132262628");
	memset(&s, 0, sizeof(s));
	s.password = "clientPass";
	s.now = START;
	s.random = random;
	s.random_left = 17;
	eap_start_authenticator(&s.e, &mschap2_only, "server", 1400, &end_ops, &s, START);
	expect_hex(&s, "01 32 0005 01");
	receive_text(&s, RESPONSE, 0x32, IDENTITY, "User");
	expect_hex(&s, "01 33 0020 1a 01 33 001b 10 5b5d7c7d7b3f2f3e3c2c602132262628"
		       "736572766572");
	receive_hex(&s, 0x33,
		"02 00 0000 1a 02 33 003a 31 21402324255e262a28295f2b3a337c7e"
		"0000000000000000 82309ecd8d708b5ea08faa3981cd83544233114a3d85d6df 00"
		"55736572");
	assert_int_equal(s.packet[0], REQUEST);
	assert_int_equal(s.packet[1], 0x34);
	assert_memory_equal(s.packet + 4, "\x1a\x03\x33", 3);
	assert_int_equal(s.packet[7] << 8 | s.packet[8], s.len - 5);
	assert_memory_equal(s.packet + 9, "S=407A5589115FD0D6209F510FE9C04566932CDA56", 42);
	receive_hex(&s, 0x34, "02 00 0000 1a 03");
	expect_hex(&s, "03 34 0004");
	assert_int_equal(s.succeeded, 1);
}

static void md5_hashes_the_identifier_of_eap(void **unused)
{
	uint8_t md5[16];

	(void)unused;
	end_peer(&c, &md5_only, "alice", "secret");
	receive_hex(&c, 7, "01 00 0000 04 03 010203 767066");
	ppp_auth_md5(7, "secret", (const uint8_t *)"\x01\x02\x03", 3, md5);
	assert_int_equal(c.len, 5 + 1 + 16 + 5);
	assert_int_equal(c.packet[5], 16);
	assert_memory_equal(c.packet + 6, md5, 16);
	assert_memory_equal(c.packet + 22, "alice", 5);
	receive_hex(&c, 7, "03 00 0000");
	assert_int_equal(c.succeeded, 1);
	assert_int_equal(c.keys.source, MPPE_NO_KEYS);
}

static void both_ends_agree_by_each_method(void **unused)
{
	static const struct ppp_auth_list *const lists[] = { &mschap2_only, &md5_only, &both };
	static const char *const names[] = { "alice", "DOMAIN\\alice", "al ice@example.org" };

	(void)unused;
	for (unsigned int i = 0; i < 9; i++) {
		meet(lists[i / 3], &both, names[i % 3], "secret", "secret");
		assert_int_equal(s.succeeded + c.succeeded, 2);
		assert_string_equal(s.request.name, names[i % 3]);
		assert_string_equal(c.e.identity, "server");
		assert_int_equal(eap_auth_method(&s.e), eap_auth_method(&c.e));
		assert_memory_equal(s.keys.key, c.keys.key, 16);
		meet(lists[i / 3], &both, names[i % 3], "secret", "wrong");
		assert_int_equal(s.reason, PPTP_AUTH_FAILED);
		assert_int_equal(c.reason, PPTP_AUTH_FAILED);
	}
	assert_int_equal(s.e.attempts, 1); /* our client does not use R=1: it has one password */
	assert_string_equal(s.detail, "wrong user name or password (E=691)");
	assert_string_equal(c.detail, "wrong user name or password (E=691)");
}

/* ---- a retry, as another client does it ---- */

static void mschap2_retries_with_the_new_challenge(void **unused)
{
	uint8_t peer_challenge[16] = { 1 }, nt[24], challenge[16], hash[16], packet[200];
	size_t len;

	(void)unused;
	for (unsigned int good = 0; good < 2; good++) {
		end_authenticator(&s, &mschap2_only, "secret");
		end_peer(&c, &both, "alice", "wrong");
		for (unsigned int i = 0; i < 2; i++) {
			deliver(&s, &c);
			deliver(&c, &s);
		}
		for (unsigned int attempt = 1; attempt < CHAP_ATTEMPTS; attempt++) {
			assert_memory_equal(s.packet + 9, "E=691 R=1 C=", 12);
			memcpy(challenge, s.e.own.mschap2.challenge, 16);
			assert_int_equal(mschap_nt_hash(good ? "secret" : "wrong", hash), 0);
			mschap2_nt_response(challenge, peer_challenge, "alice", hash, nt);
			len = unhex(packet, sizeof(packet), "02 00 0040 1a 02 55 003b 31");
			memcpy(packet + len, peer_challenge, 16);
			memset(packet + len + 16, 0, 8);
			memcpy(packet + len + 24, nt, 24);
			packet[len + 48] = 0;
			memcpy(packet + len + 49, "alice", 5);
			packet[1] = s.e.identifier;
			end_receive(&s, packet, 0x40);
			if (good)
				break;
		}
		assert_int_equal(s.packet[5], good ? 3 : 4);
		assert_int_equal(s.packet[6], 0x55);
		receive_hex(&s, s.e.identifier, good ? "02 00 0000 1a 03" : "02 00 0000 1a 04");
		assert_int_equal(good ? s.succeeded : s.failed, 1);
		assert_int_equal(s.packet[0], good ? SUCCESS : FAILURE);
	}
}

static void a_refused_peer_that_types_too_long_fails(void **unused)
{
	(void)unused;
	end_authenticator(&s, &mschap2_only, "secret");
	end_peer(&c, &both, "alice", "wrong");
	for (unsigned int i = 0; i < 2; i++) {
		deliver(&s, &c);
		deliver(&c, &s);
	}
	end_tick_to(&s, START + SECONDS(59));
	assert_int_equal(s.failed, 0);
	end_tick_to(&s, START + SECONDS(60));
	assert_int_equal(s.reason, PPTP_AUTH_FAILED);
}

/* ---- Success and Failure ---- */

static void a_success_without_a_method_means_nothing(void **unused)
{
	(void)unused;
	end_peer(&c, &both, "alice", "secret");
	receive_hex(&c, 0, "03 00 0000");
	receive_hex(&c, 5, "01 00 0000 01");
	receive_hex(&c, 5, "03 00 0000");
	receive_hex(&c, 6, "01 00 0000 02 6869");
	receive_hex(&c, 6, "03 00 0000");
	receive_hex(&c, 7, "01 00 0000 0d 20"); /* TLS: Nak */
	receive_hex(&c, 7, "03 00 0000");
	eap_implied_success(&c.e);
	assert_int_equal(c.succeeded, 0);
	assert_int_equal(c.e.state, EAP_WAITING);

	/* Nor in the midst of MSCHAPv2, before the server has proven itself. */
	end_authenticator(&s, &mschap2_only, NULL);
	end_peer(&c, &both, "alice", "secret");
	for (unsigned int i = 0; i < 2; i++) {
		deliver(&s, &c);
		deliver(&c, &s);
	}
	receive_hex(&c, c.e.identifier, "03 00 0000");
	eap_implied_success(&c.e);
	assert_int_equal(c.succeeded, 0);
	end_tick_to(&c, START + SECONDS(30));
	assert_int_equal(c.reason, PPTP_AUTH_TIMEOUT);
	assert_string_equal(c.detail, "a Success came before a method had run");
}

static void to_proven(void)
{
	end_authenticator(&s, &mschap2_only, "secret");
	end_peer(&c, &both, "alice", "secret");
	for (unsigned int i = 0; i < 3; i++) {
		deliver(&s, &c);
		if (i < 2)
			deliver(&c, &s);
	}
	assert_int_equal(c.e.outcome, EAP_PROVEN);
}

static void a_lost_success_is_made_up_for(void **unused)
{
	(void)unused;
	to_proven();
	end_tick_to(&c, START + SECONDS(2.9));
	assert_int_equal(c.succeeded, 0);
	end_tick_to(&c, START + SECONDS(3));
	assert_int_equal(c.succeeded, 1);
	assert_int_equal(c.keys.source, MPPE_FROM_MSCHAP2);

	to_proven();
	eap_implied_success(&c.e);
	eap_implied_success(&c.e);
	assert_int_equal(c.succeeded, 1);

	/* A server that is asked again says it again. */
	to_proven();
	deliver(&c, &s);
	assert_int_equal(s.packet[0], SUCCESS);
	s.len = 0;
	deliver(&c, &s);
	assert_int_equal(s.len, 4);
	assert_int_equal(s.succeeded, 1);
}

static void a_failure_after_the_proof_is_a_forgery(void **unused)
{
	(void)unused;
	to_proven();
	receive_hex(&c, c.e.identifier, "04 00 0000");
	assert_int_equal(c.failed, 0);
	receive_hex(&c, c.e.identifier, "03 00 0000");
	assert_int_equal(c.succeeded, 1);
	receive_hex(&c, c.e.identifier, "04 00 0000");
	assert_int_equal(c.failed, 0);
}

static void identifiers_of_success_and_failure(void **unused)
{
	(void)unused;
	for (unsigned int off = 0; off < 256; off++) {
		to_proven();
		receive_hex(&c, (uint8_t)(c.e.identifier + off), "03 00 0000");
		assert_int_equal(c.succeeded, off <= 1);
	}
	end_peer(&c, &both, "alice", "secret");
	receive_hex(&c, 0, "04 00 0000"); /* before any Request */
	assert_int_equal(c.failed, 0);
	receive_hex(&c, 5, "01 00 0000 01");
	receive_hex(&c, 7, "04 00 0000");
	assert_int_equal(c.failed, 0);
	receive_hex(&c, 5, "04 00 0000");
	assert_int_equal(c.reason, PPTP_AUTH_FAILED);
	assert_string_equal(c.detail, "the server refused before any method had begun");
}

static void a_lost_failure_is_known_from_the_method(void **unused)
{
	(void)unused;
	end_authenticator(&s, &mschap2_only, "secret");
	s.no_retry = true;
	end_peer(&c, &both, "alice", "wrong");
	for (unsigned int i = 0; i < 3; i++) {
		deliver(&s, &c);
		deliver(&c, &s);
	}
	assert_int_equal(s.reason, PPTP_AUTH_FAILED);
	assert_int_equal(c.failed, 0);
	receive_hex(&c, c.e.identifier, "03 00 0000"); /* no Success any more */
	end_tick_to(&c, START + SECONDS(3));
	assert_int_equal(c.reason, PPTP_AUTH_FAILED);
	assert_string_equal(c.detail, "wrong user name or password (E=691)");
}

static void a_wrong_proof_ends_it_at_once(void **unused)
{
	static const char *const texts[] = {
		"\x03\x33\x01\x01S=407A5589115FD0D6209F510FE9C04566932CDA57",
		"\x03\x33\x01\x01S=", "\x03\x33\x01\x01M=Welcome", "\x03"
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		unsigned int sent;

		end_authenticator(&s, &mschap2_only, NULL);
		end_peer(&c, &both, "alice", "secret");
		for (unsigned int n = 0; n < 2; n++) {
			deliver(&s, &c);
			deliver(&c, &s);
		}
		sent = c.sent;
		receive_text(&c, REQUEST, 99, MSCHAP2, texts[i]);
		assert_int_equal(c.reason, PPTP_AUTH_PEER_UNPROVEN);
		assert_int_equal(c.sent, sent);
	}
}

/* ---- Requests ---- */

static void a_request_that_comes_again_gets_the_same_response(void **unused)
{
	uint8_t first[EAP_PACKET_MAX];

	(void)unused;
	end_authenticator(&s, &mschap2_only, NULL);
	end_peer(&c, &both, "alice", "secret");
	deliver(&s, &c);
	deliver(&c, &s);
	deliver(&s, &c);
	memcpy(first, c.packet, c.len);
	for (unsigned int i = 0; i < 5; i++)
		deliver(&s, &c);
	assert_int_equal(c.sent, 7);
	assert_memory_equal(c.packet, first, c.len); /* no new peer challenge */
	/* The same identifier, but something else: a server that cannot count. */
	receive_hex(&c, c.e.identifier,
		"01 00 0000 1a 01 33 001b 10 5b5d7c7d7b3f2f3e3c2c602132262628 736572766572");
	assert_memory_not_equal(c.packet + 10, first + 10, 16);
}

static void what_is_not_allowed_gets_a_nak(void **unused)
{
	(void)unused;
	end_peer(&c, &both, "alice", "secret");
	receive_hex(&c, 1, "01 00 0000 0d 20");
	expect_hex(&c, "02 01 0007 03 1a 04");
	receive_hex(&c, 2, "01 00 0000 fe 000137 00000001 00");
	expect_hex(&c, "02 02 001c fe 000000 00000003 fe 000000 0000001a fe 000000 00000004");
	receive_hex(&c, 3, "01 00 0000 19");
	expect_hex(&c, "02 03 0007 03 1a 04");
	receive_hex(&c, 3, "04 00 0000");
	assert_int_equal(c.reason, PPTP_AUTH_NO_METHOD);
	assert_string_equal(c.detail,
		"the server has another method of EAP than EAP-MSCHAPv2 or EAP-MD5; it wants PEAP");

	end_peer(&c, &mschap2_only, "alice", "secret");
	receive_hex(&c, 1, "01 00 0000 04 01 00");
	expect_hex(&c, "02 01 0006 03 1a");
	end_tick_to(&c, START + SECONDS(30));
	assert_int_equal(c.reason, PPTP_AUTH_NO_METHOD);
	assert_string_equal(c.detail,
		"the server has another method of EAP than EAP-MSCHAPv2; it wants MD5-Challenge");
}

static void a_begun_method_is_not_exchanged_for_another(void **unused)
{
	unsigned int sent;

	(void)unused;
	end_authenticator(&s, &mschap2_only, NULL);
	end_peer(&c, &both, "alice", "secret");
	for (unsigned int i = 0; i < 2; i++) {
		deliver(&s, &c);
		deliver(&c, &s);
	}
	sent = c.sent;
	receive_hex(&c, 77, "01 00 0000 04 01 00");
	receive_hex(&c, 78, "01 00 0000 0d 20");
	receive_hex(&c, 79, "01 00 0000 03 04");
	receive_hex(&c, 80, "01 00 0000 00");
	assert_int_equal(c.sent, sent);
	assert_int_equal(c.failed, 0);
}

static void operations_out_of_turn_are_ignored(void **unused)
{
	static const char *const early[] = { "01 00 0000 1a 02 01 0004", "01 00 0000 1a 03 01 0004",
		"01 00 0000 1a 04 01 0004", "01 00 0000 1a 07 01 0004", "01 00 0000 1a",
		"01 00 0000 1a 01", "01 00 0000 1a 01 01 0003 10", "01 00 0000 1a 01 01 0005 00" };

	(void)unused;
	for (size_t i = 0; i < sizeof(early) / sizeof(early[0]); i++) {
		end_peer(&c, &both, "alice", "secret");
		receive_hex(&c, 1, early[i]);
		assert_int_equal(c.sent, 0);
		assert_int_equal(c.failed, 0);
		/* What was ignored did not bind us to the method. */
		receive_hex(&c, 2, "01 00 0000 04 01 00");
		assert_int_equal(c.packet[4], MD5);
	}
}

static void notifications_are_told_and_answered(void **unused)
{
	(void)unused;
	end_peer(&c, &both, "alice", "secret");
	receive_text(&c, REQUEST, 4, NOTIFICATION, "Your password ends \x1b[31mtoday");
	expect_hex(&c, "02 04 0005 02");
	assert_int_equal(c.notices, 1);
	assert_string_equal(c.notice, "Your password ends \\x1b[31mtoday");
}

static void every_length_cut_short_is_harmless(void **unused)
{
	(void)unused;
	for (unsigned int rounds = 0; rounds < 3; rounds++) {
		for (size_t cut = 0;; cut++) {
			uint8_t packet[EAP_PACKET_MAX];
			size_t len;

			end_authenticator(&s, &mschap2_only, "secret");
			end_peer(&c, &both, "alice", "secret");
			for (unsigned int i = 0; i < rounds; i++) {
				deliver(&s, &c);
				deliver(&c, &s);
			}
			len = s.len;
			if (cut >= len)
				break;
			memcpy(packet, s.packet, len);
			end_receive(&c, packet, cut);
			packet[2] = (uint8_t)(cut >> 8);
			packet[3] = (uint8_t)cut;
			end_receive(&c, packet, len);
			assert_int_equal(c.succeeded, 0);
			assert_true(rounds < 2 || c.e.outcome == EAP_UNDECIDED || cut >= 9 + 42);
		}
	}
}

static void md5_values_of_any_length(void **unused)
{
	(void)unused;
	for (unsigned int size = 0; size < 256; size++) {
		for (unsigned int there = 0; there < 270; there += 9) {
			uint8_t packet[5 + 1 + 270] = { REQUEST, 1, 0, 0, MD5, (uint8_t)size };
			size_t len = 6 + there;

			packet[2] = (uint8_t)(len >> 8);
			packet[3] = (uint8_t)len;
			end_peer(&c, &both, "alice", "secret");
			end_receive(&c, packet, len);
			/* A NUL in the server's name costs only its name. */
			assert_int_equal(c.sent, size && size <= there);
		}
	}
}

/* ---- the end of it ---- */

static void a_conversation_without_an_end_is_ended(void **unused)
{
	(void)unused;
	end_peer(&c, &both, "alice", "secret");
	for (unsigned int i = 0; i < 300 && !c.failed; i++)
		receive_hex(&c, (uint8_t)i, i % 2 ? "01 00 0000 02 61" : "01 00 0000 01");
	assert_int_equal(c.failed, 1);
	assert_int_equal(c.sent, EAP_ROUNDS);
	assert_string_equal(c.detail, "the conversation in EAP has no end");
}

static void silence_ends_it(void **unused)
{
	(void)unused;
	end_peer(&c, &both, "alice", "secret");
	end_tick_to(&c, START + SECONDS(30));
	assert_int_equal(c.reason, PPTP_AUTH_TIMEOUT);
	assert_string_equal(c.detail, "no Request of EAP came");
	end_peer(&c, &both, "alice", "secret");
	receive_hex(&c, 1, "01 00 0000 01");
	end_tick_to(&c, START + SECONDS(30));
	assert_string_equal(c.detail, "the server did not go on");
	end_peer(&c, &md5_only, "alice", "secret");
	receive_hex(&c, 1, "01 00 0000 04 01 00");
	end_tick_to(&c, START + SECONDS(30));
	assert_string_equal(c.detail, "neither Success nor Failure came");
}

static void a_name_that_cannot_be_sent_fails_at_once(void **unused)
{
	char name[300];

	(void)unused;
	memset(name, 'n', sizeof(name));
	name[256] = '\0';
	end_peer(&c, &both, name, "secret");
	assert_int_equal(c.reason, PPTP_AUTH_FAILED);
	end_peer(&c, &both, "DOM\\", "secret");
	assert_int_equal(c.reason, PPTP_AUTH_FAILED);
	name[255] = '\0';
	meet(&both, &both, name, "secret", "secret");
	assert_int_equal(s.succeeded + c.succeeded, 2);
	assert_string_equal(s.request.name, name);
}

static void a_later_conversation_reports_only_a_failure(void **unused)
{
	(void)unused;
	for (unsigned int good = 0; good < 2; good++) {
		meet(&mschap2_only, &both, "alice", "secret", "secret");
		assert_int_equal(c.succeeded, 1);
		end_authenticator(&s, &mschap2_only, good ? "secret" : "another");
		s.e.identifier = 0x99;
		s.packet[1] = s.e.last[1] = 0x99;
		run_to_end();
		assert_int_equal(s.succeeded, good);
		assert_int_equal(c.failed, !good);
		assert_int_equal(c.e.state, good ? EAP_DONE : EAP_FAILED);
	}
	/* Begun and left: nothing has happened. */
	meet(&mschap2_only, &both, "alice", "secret", "secret");
	receive_hex(&c, 0x77, "01 00 0000 01");
	assert_int_equal(c.e.state, EAP_WAITING);
	end_tick_to(&c, START + SECONDS(30));
	assert_int_equal(c.e.state, EAP_DONE);
	assert_int_equal(c.failed, 0);
}

static void md5_without_a_password_fails(void **unused)
{
	struct ppp_secret secret;

	(void)unused;
	end_peer(&c, &md5_only, "alice", "secret");
	secret = c.e.secret;
	secret.password = NULL;
	eap_start_peer(&c.e, &md5_only, "alice", &secret, 1400, &end_ops, &c, START);
	receive_hex(&c, 1, "01 00 0000 04 01 00");
	assert_int_equal(c.reason, PPTP_AUTH_FAILED);
	assert_string_equal(c.detail, "EAP-MD5 needs the password itself");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mschap2_by_the_vectors_of_rfc_2759),
		cmocka_unit_test(the_server_side_of_the_same_vectors),
		cmocka_unit_test(md5_hashes_the_identifier_of_eap),
		cmocka_unit_test(both_ends_agree_by_each_method),
		cmocka_unit_test(mschap2_retries_with_the_new_challenge),
		cmocka_unit_test(a_refused_peer_that_types_too_long_fails),
		cmocka_unit_test(a_success_without_a_method_means_nothing),
		cmocka_unit_test(a_lost_success_is_made_up_for),
		cmocka_unit_test(a_failure_after_the_proof_is_a_forgery),
		cmocka_unit_test(identifiers_of_success_and_failure),
		cmocka_unit_test(a_lost_failure_is_known_from_the_method),
		cmocka_unit_test(a_wrong_proof_ends_it_at_once),
		cmocka_unit_test(a_request_that_comes_again_gets_the_same_response),
		cmocka_unit_test(what_is_not_allowed_gets_a_nak),
		cmocka_unit_test(a_begun_method_is_not_exchanged_for_another),
		cmocka_unit_test(operations_out_of_turn_are_ignored),
		cmocka_unit_test(notifications_are_told_and_answered),
		cmocka_unit_test(every_length_cut_short_is_harmless),
		cmocka_unit_test(md5_values_of_any_length),
		cmocka_unit_test(a_conversation_without_an_end_is_ended),
		cmocka_unit_test(silence_ends_it),
		cmocka_unit_test(a_name_that_cannot_be_sent_fails_at_once),
		cmocka_unit_test(a_later_conversation_reports_only_a_failure),
		cmocka_unit_test(md5_without_a_password_fails),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
