/* EAP's authenticator (RFC 3748): states, identifiers, Nak, repetition, time-outs, hostile peers. */
#include "tests/unit/eap_end.h"

static struct eap_end s, c;

/* Up to a state, with a client of our own where it takes one. */
enum place { AT_IDENTIFY, AT_FIRST, AT_BEGUN, AT_JUDGING, AT_DONE, AT_FAILED, PLACES };

static void go_to(enum place place)
{
	end_authenticator(&s, &both, place == AT_JUDGING ? NULL : "secret");
	s.no_retry = true;
	end_peer(&c, &both, "alice", place == AT_FAILED ? "wrong" : "secret");
	if (place == AT_IDENTIFY)
		return;
	deliver(&s, &c);
	deliver(&c, &s);
	if (place == AT_FIRST)
		return;
	deliver(&s, &c);
	deliver(&c, &s); /* Success-Request, or Failure-Request */
	if (place == AT_BEGUN || place == AT_JUDGING)
		return;
	deliver(&s, &c);
	deliver(&c, &s);
}

/* ---- the table of states ---- */

static const enum eap_state state_at[PLACES] = { EAP_IDENTIFY, EAP_RUNNING, EAP_RUNNING,
	EAP_JUDGING, EAP_DONE, EAP_FAILED };

struct event {
	const char *packet;
	/* By place: what is sent, code and type: 0 nothing, 0x11a a Request of type 26. */
	unsigned int sent[PLACES];
	enum eap_state state[PLACES];
};

#define ID EAP_IDENTIFY
#define RU EAP_RUNNING
#define JU EAP_JUDGING
#define DO EAP_DONE
#define FA EAP_FAILED

static const struct event events[] = {
	{ "02 00 0000 01 616c696365", { 0x11a, 0, 0, 0, 0x300, 0x400 },
		{ RU, RU, RU, JU, DO, FA } },
	{ "02 00 0000 03 04", { 0, 0x104, 0, 0, 0x300, 0x400 }, { ID, RU, RU, JU, DO, FA } },
	{ "02 00 0000 03 0d", { 0, 0x400, 0, 0, 0x300, 0x400 }, { ID, FA, RU, JU, DO, FA } },
	{ "02 00 0000 03 1a", { 0, 0x400, 0, 0, 0x300, 0x400 }, { ID, FA, RU, JU, DO, FA } },
	{ "02 00 0000 03", { 0, 0x400, 0, 0, 0x300, 0x400 }, { ID, FA, RU, JU, DO, FA } },
	{ "02 00 0000 04 0100", { 0, 0, 0, 0, 0x300, 0x400 }, { ID, RU, RU, JU, DO, FA } },
	{ "02 00 0000 1a 03", { 0, 0, 0x300, 0, 0x300, 0x400 }, { ID, RU, DO, JU, DO, FA } },
	{ "02 00 0000 1a 04", { 0, 0, 0x400, 0, 0x300, 0x400 }, { ID, RU, FA, JU, DO, FA } },
	{ "02 00 0000 1a 01", { 0, 0, 0, 0, 0x300, 0x400 }, { ID, RU, RU, JU, DO, FA } },
	{ "02 00 0000 fe 00000000000003", { 0, 0, 0, 0, 0x300, 0x400 },
		{ ID, RU, RU, JU, DO, FA } },
	{ "02 00 0000 02", { 0, 0, 0, 0, 0x300, 0x400 }, { ID, RU, RU, JU, DO, FA } },
	{ "01 00 0000 01", { 0 }, { ID, RU, RU, JU, DO, FA } },
	{ "01 00 0000 1a 01", { 0 }, { ID, RU, RU, JU, DO, FA } },
	{ "03 00 0000", { 0 }, { ID, RU, RU, JU, DO, FA } },
	{ "04 00 0000", { 0 }, { ID, RU, RU, JU, DO, FA } },
	{ "05 00 0000 01", { 0 }, { ID, RU, RU, JU, DO, FA } },
};

static unsigned int what_was_sent(const struct eap_end *e, unsigned int before)
{
	if (e->sent == before)
		return 0;
	assert_int_equal(e->sent, before + 1);
	return (unsigned int)e->packet[0] << 8 | (e->len > 4 ? e->packet[4] : 0u);
}

static void every_packet_in_every_state(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		for (unsigned int place = 0; place < PLACES; place++) {
			unsigned int before;

			go_to((enum place)place);
			assert_int_equal(s.e.state, state_at[place]);
			before = s.sent;
			receive_hex(&s, s.e.identifier, events[i].packet);
			assert_int_equal(what_was_sent(&s, before), events[i].sent[place]);
			assert_int_equal(s.e.state, events[i].state[place]);
			eap_done(&s.e);
		}
	}
}

static void another_identifier_is_never_answered(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		for (unsigned int place = 0; place < PLACES; place++) {
			unsigned int before;

			go_to((enum place)place);
			before = s.sent;
			receive_hex(&s, (uint8_t)(s.e.identifier + 1), events[i].packet);
			receive_hex(&s, (uint8_t)(s.e.identifier - 1), events[i].packet);
			assert_int_equal(s.sent, before);
			assert_int_equal(s.e.state, state_at[place]);
			eap_done(&s.e);
		}
	}
}

static void every_waiting_state_has_an_end(void **unused)
{
	static const struct {
		enum place place;
		unsigned int seconds, sent;
		const char *detail;
	} v[] = {
		{ AT_IDENTIFY, 30, 9, "no Identity came" },
		{ AT_FIRST, 30, 9, "no Response to the method's Request came" },
		{ AT_BEGUN, 30, 9, "no Response to the method's Request came" },
		{ AT_JUDGING, 60, 0, "nobody judged the Response in time" },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		uint8_t first[EAP_PACKET_MAX];
		unsigned int before;

		go_to(v[i].place);
		before = s.sent;
		memcpy(first, s.packet, s.len);
		for (unsigned int n = 1; n < v[i].seconds; n++)
			end_tick_to(&s, START + SECONDS(n));
		assert_int_equal(s.sent - before, v[i].sent);
		assert_memory_equal(s.packet, first, s.len); /* RFC 3748 4.1: the same */
		assert_int_equal(s.failed, 0);
		end_tick_to(&s, START + SECONDS(v[i].seconds));
		assert_int_equal(s.failed, 1);
		assert_int_equal(s.reason, PPTP_AUTH_TIMEOUT);
		assert_string_equal(s.detail, v[i].detail);
		assert_true(s.e.deadline == UINT64_MAX);
		eap_done(&s.e);
	}
}

static void what_is_ignored_does_not_put_off_the_end(void **unused)
{
	(void)unused;
	go_to(AT_FIRST);
	for (unsigned int n = 1; n <= 30; n++) {
		s.now = START + SECONDS(n);
		receive_hex(&s, s.e.identifier, "02 00 0000 1a 03");
		eap_tick(&s.e, s.now);
	}
	assert_int_equal(s.failed, 1);
	assert_string_equal(s.detail, "the Response was malformed, or out of turn");
}

/* ---- Nak ---- */

static void a_nak_says_what_it_wants_in_the_detail(void **unused)
{
	(void)unused;
	end_authenticator(&s, &mschap2_only, "secret");
	receive_text(&s, RESPONSE, s.e.identifier, IDENTITY, "alice");
	receive_hex(&s, s.e.identifier, "02 00 0000 03 0d 19 63");
	assert_int_equal(s.reason, PPTP_AUTH_NO_METHOD);
	assert_string_equal(
		s.detail, "the client does not agree to EAP-MSCHAPv2; it wants TLS, PEAP, type 99");
	assert_int_equal(s.packet[0], FAILURE);

	end_authenticator(&s, &both, "secret");
	receive_text(&s, RESPONSE, s.e.identifier, IDENTITY, "alice");
	receive_hex(&s, s.e.identifier, "02 00 0000 03 00");
	assert_string_equal(s.detail, "the client does not agree to EAP-MSCHAPv2 or EAP-MD5");
}

static void each_method_is_offered_once(void **unused)
{
	(void)unused;
	end_authenticator(&s, &both, "secret");
	receive_text(&s, RESPONSE, s.e.identifier, IDENTITY, "alice");
	assert_int_equal(s.packet[4], MSCHAP2);
	receive_hex(&s, s.e.identifier, "02 00 0000 03 1a 04");
	assert_int_equal(s.packet[4], MD5);
	receive_hex(&s, s.e.identifier, "02 00 0000 03 1a 04");
	assert_int_equal(s.reason, PPTP_AUTH_NO_METHOD);
}

static void our_order_counts_among_the_wishes(void **unused)
{
	static const struct ppp_auth_list md5_first = { 2,
		{ PPP_AUTH_EAP_MD5, PPP_AUTH_EAP_MSCHAP2 } };

	(void)unused;
	end_authenticator(&s, &md5_first, "secret");
	receive_text(&s, RESPONSE, s.e.identifier, IDENTITY, "alice");
	assert_int_equal(s.packet[4], MD5);
	receive_hex(&s, s.e.identifier, "02 00 0000 03 0d 06 1a");
	assert_int_equal(s.packet[4], MSCHAP2);
	assert_int_equal(eap_auth_method(&s.e), PPP_AUTH_EAP_MSCHAP2);
}

static void methods_that_are_none_of_eap_are_left_out(void **unused)
{
	static const struct ppp_auth_list mixed = { 3,
		{ PPP_AUTH_PAP, PPP_AUTH_MSCHAP2, PPP_AUTH_EAP_MD5 } };
	static const struct ppp_auth_list none = { 2, { PPP_AUTH_PAP, PPP_AUTH_MSCHAP2 } };

	(void)unused;
	end_authenticator(&s, &mixed, "secret");
	assert_int_equal(s.e.allowed.count, 1);
	receive_text(&s, RESPONSE, s.e.identifier, IDENTITY, "alice");
	assert_int_equal(s.packet[4], MD5);
	end_authenticator(&s, &none, "secret");
	assert_int_equal(s.reason, PPTP_AUTH_NO_METHOD);
	assert_int_equal(s.sent, 0);
}

/* ---- Identity ---- */

static void identities_of_any_length(void **unused)
{
	char name[1400];

	(void)unused;
	for (size_t len = 0; len < sizeof(name); len += len < 260 ? 1 : 97) {
		memset(name, 'a', len);
		name[len] = '\0';
		end_authenticator(&s, &both, "secret");
		receive_text(&s, RESPONSE, s.e.identifier, IDENTITY, name);
		if (len <= PPP_NAME_MAX) {
			assert_int_equal(s.e.state, EAP_RUNNING);
			assert_string_equal(s.e.identity, name);
		} else {
			assert_int_equal(s.e.state, EAP_IDENTIFY);
		}
	}
	end_authenticator(&s, &both, "secret");
	receive_hex(&s, s.e.identifier, "02 00 0000 01 616c00696365"); /* "al", NUL, "ice" */
	assert_int_equal(s.e.state, EAP_IDENTIFY);
}

/* ---- lengths, sizes ---- */

/* A Response cut anywhere, with a Length that says so or that does not, judges nobody. */
static void every_length_cut_short_is_ignored(void **unused)
{
	(void)unused;
	for (unsigned int place = AT_IDENTIFY; place <= AT_FIRST; place++) {
		for (size_t cut = 0;; cut++) {
			uint8_t packet[EAP_PACKET_MAX];
			size_t len;

			go_to((enum place)place);
			deliver(&s, &c);
			len = c.len;
			if (cut >= len)
				break;
			memcpy(packet, c.packet, len);
			end_receive(&s, packet, cut); /* Length is beyond the packet */
			assert_int_equal(s.e.state, state_at[place]);
			packet[2] = (uint8_t)(cut >> 8);
			packet[3] = (uint8_t)cut;
			end_receive(&s, packet, len); /* Length says less than there is */
			if (place == AT_FIRST && cut < 5 + 4 + 1 + 49 + 1)
				assert_int_equal(s.judged, 0);
			assert_int_equal(s.succeeded, 0);
			eap_done(&s.e);
		}
	}
}

static void octets_behind_length_are_padding(void **unused)
{
	uint8_t packet[EAP_PACKET_MAX];

	(void)unused;
	go_to(AT_FIRST);
	deliver(&s, &c);
	memset(packet, 0xee, sizeof(packet));
	memcpy(packet, c.packet, c.len);
	end_receive(&s, packet, c.len + 100);
	assert_int_equal(s.packet[5], 3); /* Success-Request */
}

static void a_packet_larger_than_the_peer_takes_is_not_sent(void **unused)
{
	static char name[PPP_NAME_MAX + 1];

	(void)unused;
	memset(&s, 0, sizeof(s));
	memset(name, 'n', sizeof(name) - 1);
	s.now = START;
	eap_start_authenticator(&s.e, &both, name, 128, &end_ops, &s, START);
	receive_text(&s, RESPONSE, s.e.identifier, IDENTITY, "alice");
	assert_int_equal(s.failed, 1);
	assert_string_equal(
		s.detail, "a packet of the method does not fit into what the client can receive");
}

/* ---- verdicts ---- */

static void a_verdict_may_come_later_and_counts_once(void **unused)
{
	struct ppp_auth_verdict verdict = { .error = 691 };
	struct ppp_secret secret;
	unsigned int sent;

	(void)unused;
	go_to(AT_JUDGING);
	assert_int_equal(s.judged, 1);
	sent = s.sent;
	deliver(&c, &s); /* the Response again: it waits */
	end_tick_to(&s, START + SECONDS(20));
	assert_int_equal(s.judged, 1);
	assert_int_equal(s.sent, sent);
	assert_int_equal(ppp_secret_from_password(&secret, "secret"), 0);
	assert_true(ppp_auth_check(&s.request, &secret, &verdict));
	eap_verdict(&s.e, &verdict, s.now);
	eap_verdict(&s.e, &(struct ppp_auth_verdict){ .error = 691 }, s.now);
	assert_int_equal(s.packet[5], 3);
	deliver(&s, &c);
	deliver(&c, &s);
	assert_int_equal(s.succeeded, 1);
	assert_int_equal(s.keys.source, MPPE_FROM_MSCHAP2);
	deliver(&s, &c);
	assert_int_equal(c.succeeded, 1);
	assert_memory_equal(c.keys.key, s.keys.key, sizeof(s.keys.key));
}

static void a_verdict_that_nobody_waits_for_changes_nothing(void **unused)
{
	static const enum place places[] = { AT_IDENTIFY, AT_FIRST, AT_BEGUN, AT_DONE, AT_FAILED };
	struct ppp_auth_verdict ok = { .ok = true };

	(void)unused;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		unsigned int sent;

		go_to(places[i]);
		sent = s.sent;
		eap_verdict(&s.e, &ok, s.now);
		assert_int_equal(s.e.state, state_at[places[i]]);
		assert_int_equal(s.sent, sent);
		eap_verdict(&c.e, &ok, c.now); /* of a peer, none at all */
	}
	eap_done(&s.e);
	eap_verdict(&s.e, &ok, s.now);
}

static void an_end_wipes_and_is_final(void **unused)
{
	static const uint8_t zero[sizeof(struct eap)];

	(void)unused;
	go_to(AT_JUDGING);
	eap_done(&s.e);
	assert_memory_equal(s.e.last, zero, sizeof(s.e.last));
	assert_memory_equal(&s.e.request, zero, sizeof(s.e.request));
	assert_true(s.e.deadline == UINT64_MAX);
	eap_done(&c.e);
	assert_memory_equal(&c.e.secret, zero, sizeof(c.e.secret));
	deliver(&c, &s);
	end_tick_to(&s, START + SECONDS(100));
	assert_int_equal(s.failed + s.succeeded, 0);
}

/* Change-Password of MS-CHAP (5, 6) and MS-CHAPv2 (7), which nobody asked for. */
static void changes_that_nobody_asked_for_end_it(void **state)
{
	(void)state;
	for (uint8_t op = 5; op <= 7; op++) {
		uint8_t packet[9 + PASSWORD_PACKET] = { RESPONSE, 0, 0, 0, MSCHAP2, op, 0, 2, 74 };
		end_authenticator(&s, &mschap2_only, "secret");
		receive_text(&s, RESPONSE, s.packet[1], IDENTITY, "user");
		packet[1] = s.packet[1];
		packet[2] = (uint8_t)(sizeof(packet) >> 8);
		packet[3] = (uint8_t)sizeof(packet);
		end_receive(&s, packet, sizeof(packet));
		assert_int_equal(s.judged, 0);
		assert_int_equal(s.failed, 1);
		assert_int_equal(s.packet[0], FAILURE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(changes_that_nobody_asked_for_end_it),
		cmocka_unit_test(every_packet_in_every_state),
		cmocka_unit_test(another_identifier_is_never_answered),
		cmocka_unit_test(every_waiting_state_has_an_end),
		cmocka_unit_test(what_is_ignored_does_not_put_off_the_end),
		cmocka_unit_test(a_nak_says_what_it_wants_in_the_detail),
		cmocka_unit_test(each_method_is_offered_once),
		cmocka_unit_test(our_order_counts_among_the_wishes),
		cmocka_unit_test(methods_that_are_none_of_eap_are_left_out),
		cmocka_unit_test(identities_of_any_length),
		cmocka_unit_test(every_length_cut_short_is_ignored),
		cmocka_unit_test(octets_behind_length_are_padding),
		cmocka_unit_test(a_packet_larger_than_the_peer_takes_is_not_sent),
		cmocka_unit_test(a_verdict_may_come_later_and_counts_once),
		cmocka_unit_test(a_verdict_that_nobody_waits_for_changes_nothing),
		cmocka_unit_test(an_end_wipes_and_is_final),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
