/* CHAP's Change-Password packets: as they are laid out, cut short, unasked for, too late. */
#include "tests/unit/chap_end.h"

/* Change-Password of MS-CHAP (5, 6) and MS-CHAPv2 (7), which nobody asked for: no silence, no change. */
static void changes_that_nobody_asked_for_get_a_failure(void **state)
{
	static const enum ppp_auth_method methods[] = { PPP_AUTH_MD5, PPP_AUTH_MSCHAP,
		PPP_AUTH_MSCHAP2 };

	(void)state;
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		for (uint8_t code = 5; code <= 7; code++) {
			struct chap_end server = { .counter = 7 };
			uint8_t packet[4 + PASSWORD_PACKET], body[PASSWORD_PACKET] = { 0 };
			size_t len = make_packet(packet, code, 200, body, sizeof(body));

			chap_start_authenticator(
				&server.c, methods[i], "server", &end_ops, &server, START);
			end_receive(&server, packet, len, START);
			assert_int_equal(server.judged, 0);
			if (methods[i] == PPP_AUTH_MD5) { /* has no such codes */
				assert_int_equal(server.sent, 1);
				continue;
			}
			assert_int_equal(server.packet[0], FAILURE);
			assert_int_equal(server.packet[1], 200);
			assert_memory_equal(server.packet + 4, "E=709 R=0 C=", 12);
			assert_int_equal(server.failed, 1);
			/* It was lost: the same again. */
			end_receive(&server, packet, len, START);
			assert_int_equal(server.sent, 3);
			assert_int_equal(server.failed, 1);
		}
	}
}

/* Server and client up to the Change-Password, which the client has sent. */
static void expire(struct chap_end *server, struct chap_end *client, struct password_change *change)
{
	static const uint8_t filling[PASSWORD_BLOCK];
	struct ppp_auth_verdict expired = { .error = 648, .change = true, .message = "Old" };

	end_authenticator(server, NULL);
	end_peer(client, "OFFICE\\user", "secret");
	assert_int_equal(
		password_seal(change, "another", client->c.secret.nt_hash, filling), PASSWORD_GOOD);
	chap_set_change(&client->c, change);
	deliver(server, client, START);
	deliver(client, server, START);
	chap_verdict(&server->c, &expired, START);
	assert_int_equal(server->packet[0], FAILURE);
	assert_memory_equal(server->packet + 4, "E=648 R=0 C=", 12);
	assert_memory_equal(server->packet + 48, " V=3 M=Old", 10);
	deliver(server, client, START);
	assert_int_equal(client->packet[0], 7);
	assert_int_equal(client->packet[1], (uint8_t)(server->packet[1] + 1));
	assert_int_equal(client->len, 586);
}

static void a_change_is_laid_out_as_in_rfc_2759(void **state)
{
	struct chap_end server, client;
	struct password_change change;
	uint8_t response[24], zero[8] = { 0 };

	(void)state;
	expire(&server, &client, &change);
	assert_memory_equal(client.packet + 4, change.sealed.block, PASSWORD_BLOCK);
	assert_memory_equal(client.packet + 520, change.sealed.old_hash, 16);
	assert_memory_equal(client.packet + 552, zero, 8);
	mschap2_nt_response(
		server.c.challenge, client.packet + 536, "user", change.nt_hash, response);
	assert_memory_equal(client.packet + 560, response, 24);
	assert_memory_equal(client.packet + 584, zero, 2);
	deliver(&client, &server, START);
	assert_int_equal(server.judged, 2);
	assert_true(server.request.change);
	assert_string_equal(server.request.name, "OFFICE\\user");
	assert_memory_equal(&server.request.sealed, &change.sealed, sizeof(change.sealed));
}

static void a_cut_change_is_not_judged_and_a_refused_one_is_the_end(void **state)
{
	struct ppp_auth_verdict no = { .error = 709, .retry = true, .change = true };
	struct chap_end server, client;
	struct password_change change;
	uint8_t packet[586];

	(void)state;
	expire(&server, &client, &change);
	for (size_t len = 0; len < 586; len++) {
		memcpy(packet, client.packet, len);
		packet[2] = (uint8_t)(len >> 8);
		packet[3] = (uint8_t)len;
		end_receive(&server, packet, len, START);
	}
	assert_int_equal(server.judged, 1);
	/* Nor is another Response: no retry was offered. */
	receive_text(&server, RESPONSE, client.packet[1], "", START);
	assert_int_equal(server.judged, 1);
	deliver(&client, &server, START);
	assert_int_equal(server.judged, 2);
	deliver(&client, &server, START); /* while it is judged */
	assert_int_equal(server.judged, 2);
	chap_verdict(&server.c, &no, START);
	assert_int_equal(server.failed, 1);
	assert_memory_equal(server.packet + 4, "E=709 R=0 C=", 12);
	deliver(&server, &client, START);
	assert_int_equal(client.failed, 1);
	assert_string_equal(client.detail, "the password could not be changed (E=709)");
}

static void an_offer_to_change_ends_after_a_minute(void **state)
{
	struct chap_end server, client;
	struct password_change change;

	(void)state;
	expire(&server, &client, &change);
	chap_tick(&server.c, START + SECONDS(59.9));
	assert_int_equal(server.failed, 0);
	assert_int_equal(server.c.deadline, START + SECONDS(60));
	chap_tick(&server.c, START + SECONDS(60));
	assert_int_equal(server.reason, PPTP_AUTH_RESTRICTED);
	assert_string_equal(server.detail, "the password has expired, and no new one came");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(changes_that_nobody_asked_for_get_a_failure),
		cmocka_unit_test(a_change_is_laid_out_as_in_rfc_2759),
		cmocka_unit_test(a_cut_change_is_not_judged_and_a_refused_one_is_the_end),
		cmocka_unit_test(an_offer_to_change_ends_after_a_minute),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
