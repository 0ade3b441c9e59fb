/* lib/ppp/pap: both ends of RFC 1334 section 2, repetition, time-outs, hostile packets. */
#include "lib/ppp/pap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SECOND 1000000ull
#define START  (1000 * SECOND)

static struct pap pap;
static struct {
	unsigned int sent, judged, succeeded, failed;
	uint8_t packet[PAP_PACKET_MAX];
	size_t len;
	struct ppp_auth_request request;
	enum pptp_reason reason;
	char detail[200];
} seen;

static void on_send(void *user, const uint8_t *packet, size_t len)
{
	(void)user;
	memcpy(seen.packet, packet, len);
	seen.len = len;
	seen.sent++;
}

static void on_random(void *user, void *buf, size_t len)
{
	(void)user;
	memset(buf, 0x40, len);
}

static void on_judge(void *user, const struct ppp_auth_request *request)
{
	(void)user;
	seen.request = *request;
	seen.judged++;
}

static void on_done(void *user, bool ok, enum pptp_reason reason, const struct mppe_material *keys,
	const char *detail)
{
	(void)user;
	assert_int_equal(keys->source, MPPE_NO_KEYS);
	seen.succeeded += ok;
	seen.failed += !ok;
	seen.reason = reason;
	strncpy(seen.detail, detail, sizeof(seen.detail) - 1);
}

static const struct chap_ops ops = {
	.send = on_send, .random = on_random, .judge = on_judge, .done = on_done
};

static void server(void)
{
	memset(&seen, 0, sizeof(seen));
	pap_start_authenticator(&pap, &ops, NULL, START);
}

static void client(void)
{
	memset(&seen, 0, sizeof(seen));
	pap_start_peer(&pap, "user", "secret", &ops, NULL, START);
}

static void packet(const void *data, size_t len, uint64_t now)
{
	uint8_t *copy = malloc(len ? len : 1);

	assert_non_null(copy);
	memcpy(copy, data, len);
	pap_receive(&pap, copy, len, now);
	free(copy);
}

static const uint8_t request[] = "\x01\x07\x00\x10\x04user\x06secret";

static void the_request_is_as_in_section_2_2_1(void **state)
{
	(void)state;
	client();
	assert_int_equal(seen.sent, 1);
	assert_int_equal(seen.len, 16);
	assert_memory_equal(seen.packet, "\x01\x40\x00\x10\x04user\x06secret", 16);
}

static void a_request_is_judged_and_acknowledged(void **state)
{
	struct ppp_auth_verdict ok = { .ok = true };

	(void)state;
	server();
	packet(request, 16, START);
	assert_int_equal(seen.judged, 1);
	assert_string_equal(seen.request.name, "user");
	assert_string_equal(seen.request.password, "secret");
	packet(request, 16, START + SECOND); /* again, while it is judged */
	assert_int_equal(seen.judged, 1);
	assert_int_equal(seen.sent, 0);
	pap_verdict(&pap, &ok, START + SECOND);
	assert_int_equal(seen.succeeded, 1);
	assert_memory_equal(seen.packet, "\x02\x07\x00\x05\x00", 5);
	/* The Ack was lost: the same answer, also to another identifier and password. */
	packet("\x01\x09\x00\x10\x04user\x06guess!", 16, START + 2 * SECOND);
	assert_memory_equal(seen.packet, "\x02\x09\x00\x05\x00", 5);
	assert_int_equal(seen.judged, 1);
	assert_int_equal(seen.succeeded, 1);
}

static void a_wrong_password_has_one_attempt(void **state)
{
	struct ppp_auth_verdict no = { .error = 691, .retry = true, .message = "No" };

	(void)state;
	server();
	packet(request, 16, START);
	pap_verdict(&pap, &no, START);
	assert_memory_equal(seen.packet, "\x03\x07\x00\x07\x02No", 7);
	assert_int_equal(seen.failed, 1);
	assert_int_equal(seen.reason, PPTP_AUTH_FAILED);
	packet(request, 16, START);
	assert_int_equal(seen.judged, 1);
	assert_int_equal(seen.sent, 2);
	assert_int_equal(seen.packet[0], 3);
	pap_verdict(&pap, &(struct ppp_auth_verdict){ .ok = true }, START); /* too late */
	assert_int_equal(seen.succeeded, 0);
}

static void the_peer_asks_again_until_it_is_answered(void **state)
{
	(void)state;
	client();
	for (unsigned int i = 1; i < 10; i++) {
		pap_tick(&pap, pap.deadline);
		assert_int_equal(seen.sent, i + 1);
		assert_int_equal(seen.packet[1], 0x40 + i); /* another identifier each time */
	}
	packet("\x02\x42\x00\x05\x00", 5, START); /* an answer to an earlier one counts */
	assert_int_equal(seen.succeeded, 1);
	assert_int_equal(pap.deadline, UINT64_MAX);
}

static void a_nak_is_told_in_the_servers_words(void **state)
{
	(void)state;
	client();
	packet("\x03\x41\x00\x05\x00", 5, START); /* to a request that was never sent */
	assert_int_equal(seen.failed, 0);
	packet("\x03\x40\x00\x0b\x06go\x1b[1m", 11, START);
	assert_int_equal(seen.failed, 1);
	assert_int_equal(seen.reason, PPTP_AUTH_FAILED);
	assert_string_equal(seen.detail, "go\\x1b[1m");
	client();
	packet("\x03\x40\x00\x04", 4, START); /* no message at all */
	assert_int_equal(seen.failed, 1);
	assert_string_equal(seen.detail, "");
}

static void every_wait_has_an_end(void **state)
{
	(void)state;
	client();
	pap_tick(&pap, START + PAP_GIVE_UP);
	assert_int_equal(seen.reason, PPTP_AUTH_TIMEOUT);
	server();
	packet("\x01\x07\x00\x10\x04user\x07secret", 16, START); /* a text beyond the packet */
	pap_tick(&pap, START + PAP_GIVE_UP);
	assert_int_equal(seen.reason, PPTP_AUTH_TIMEOUT);
	assert_string_equal(seen.detail, "the Authenticate-Request was malformed");
	server();
	packet(request, 16, START);
	pap_tick(&pap, START + CHAP_JUDGE_TIMEOUT);
	assert_int_equal(seen.reason, PPTP_AUTH_TIMEOUT);
}

static void malformed_and_empty_requests_are_not_judged(void **state)
{
	static const struct {
		const char *data;
		size_t len;
	} bad[] = {
		{ "\x01\x07\x00\x06\x00\x00", 6 },               /* no name, no password */
		{ "\x01\x07\x00\x0a\x04user\x00", 10 },          /* no password */
		{ "\x01\x07\x00\x0c\x00\x06secret", 12 },        /* no name */
		{ "\x01\x07\x00\x10\x04us\x00r\x06secret", 16 }, /* a NUL in the name */
		{ "\x01\x07\x00\x11\x04user\x06secret", 16 },    /* shorter than it says */
		{ "\x01\x07\x00\x03\x04user\x06secret", 16 },    /* a length below the header */
		{ "\x01\x07\x00\x10\xffuser\x06secret", 16 },    /* a name beyond the packet */
		{ "\x02\x07\x00\x05\x00", 5 },                   /* an Ack, to a server */
		{ "\x01\x07", 2 },
		{ "", 0 },
	};

	(void)state;
	server();
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		packet(bad[i].data, bad[i].len, START);
	for (size_t n = 0; n < 16; n++)
		packet(request, n, START);
	assert_int_equal(seen.judged, 0);
	assert_int_equal(seen.sent, 0);
	packet("\x01\x07\x00\x10\x04user\x06secretpadding", 23, START);
	assert_int_equal(seen.judged, 1); /* what follows is padding */
}

static void no_secret_stays_behind(void **state)
{
	static const struct pap none;

	(void)state;
	client();
	pap_done(&pap);
	pap.deadline = pap.give_up = 0;
	assert_memory_equal(&pap, &none, sizeof(pap));
	server();
	packet(request, 16, START);
	pap_verdict(&pap, &(struct ppp_auth_verdict){ .ok = true }, START);
	assert_null(memmem(&pap, sizeof(pap), "secret", 6));
	client();
	packet("\x02\x40\x00\x05\x00", 5, START);
	assert_null(memmem(&pap, sizeof(pap), "secret", 6));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_request_is_as_in_section_2_2_1),
		cmocka_unit_test(a_request_is_judged_and_acknowledged),
		cmocka_unit_test(a_wrong_password_has_one_attempt),
		cmocka_unit_test(the_peer_asks_again_until_it_is_answered),
		cmocka_unit_test(a_nak_is_told_in_the_servers_words),
		cmocka_unit_test(every_wait_has_an_end),
		cmocka_unit_test(malformed_and_empty_requests_are_not_judged),
		cmocka_unit_test(no_secret_stays_behind),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
