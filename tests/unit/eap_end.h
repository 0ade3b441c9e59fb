/*
 * One end of an EAP conversation for the tests: it records what the machine sends and reports.
 * Octets that the machine draws come from `random` as long as there are some, then count up.
 */
#pragma once

#include "lib/ppp/eap.h"
#include "tests/unit/hex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SECONDS(n) ((uint64_t)((n)*1000000.0))
#define START      SECONDS(1000)

enum { REQUEST = 1, RESPONSE = 2, SUCCESS = 3, FAILURE = 4 };
enum { IDENTITY = 1, NOTIFICATION = 2, NAK = 3, MD5 = 4, TLS = 13, MSCHAP2 = 26, EXPANDED = 254 };

struct eap_end {
	struct eap e;
	unsigned int sent, judged, succeeded, failed, notices;
	uint8_t packet[EAP_PACKET_MAX]; /* the last one sent */
	size_t len;
	struct ppp_auth_request request;
	enum pptp_reason reason;
	struct mppe_material keys;
	char detail[256], notice[256];
	const uint8_t *random;
	size_t random_left;
	uint8_t counter;
	const char *password; /* authenticator: judge at once by it; NULL: later */
	bool no_retry;
	uint64_t now;
};

static const struct ppp_auth_list mschap2_only = { 1, { PPP_AUTH_EAP_MSCHAP2 } };
static const struct ppp_auth_list md5_only = { 1, { PPP_AUTH_EAP_MD5 } };
static const struct ppp_auth_list both = { 2, { PPP_AUTH_EAP_MSCHAP2, PPP_AUTH_EAP_MD5 } };

static inline void end_send(void *user, const uint8_t *packet, size_t len)
{
	struct eap_end *e = user;

	assert_true(len >= 4 && len <= sizeof(e->packet) && len <= e->e.mtu);
	assert_int_equal(packet[2] << 8 | packet[3], len);
	memcpy(e->packet, packet, len);
	e->len = len;
	e->sent++;
}

static inline void end_random(void *user, void *buf, size_t len)
{
	struct eap_end *e = user;
	uint8_t *out = buf;

	for (size_t i = 0; i < len; i++) {
		if (e->random_left) {
			out[i] = *e->random++;
			e->random_left--;
		} else {
			out[i] = e->counter++;
		}
	}
}

static inline void end_judge(void *user, const struct ppp_auth_request *request)
{
	struct eap_end *e = user;
	struct ppp_auth_verdict verdict;
	struct ppp_secret secret;

	e->judged++;
	e->request = *request;
	if (!e->password)
		return;
	assert_int_equal(ppp_secret_from_password(&secret, e->password), 0);
	ppp_auth_check(request, &secret, &verdict);
	if (e->no_retry)
		verdict.retry = false;
	eap_verdict(&e->e, &verdict, e->now);
}

static inline void end_done(void *user, bool ok, enum pptp_reason reason,
	const struct mppe_material *keys, const char *detail)
{
	struct eap_end *e = user;

	/* At most one success, then at most one failure. */
	assert_int_equal(e->failed, 0);
	assert_true(!ok || e->succeeded == 0);
	assert_int_equal(ok, reason == PPTP_NONE);
	assert_true(ok || keys->source == MPPE_NO_KEYS);
	e->succeeded += ok;
	e->failed += !ok;
	e->reason = reason;
	e->keys = *keys;
	assert_non_null(detail);
	assert_true(strlen(detail) < sizeof(e->detail));
	strcpy(e->detail, detail);
}

static inline void end_notice(void *user, const char *text)
{
	struct eap_end *e = user;

	e->notices++;
	snprintf(e->notice, sizeof(e->notice), "%s", text);
}

static const struct chap_ops end_ops = {
	.send = end_send,
	.random = end_random,
	.judge = end_judge,
	.done = end_done,
	.notice = end_notice,
};

static inline void end_peer(struct eap_end *e, const struct ppp_auth_list *allowed,
	const char *name, const char *password)
{
	struct ppp_secret secret;

	memset(e, 0, sizeof(*e));
	e->counter = 0x80;
	e->now = START;
	assert_int_equal(ppp_secret_from_password(&secret, password), 0);
	eap_start_peer(&e->e, allowed, name, &secret, 1400, &end_ops, e, START);
}

static inline void end_authenticator(
	struct eap_end *e, const struct ppp_auth_list *allowed, const char *password)
{
	memset(e, 0, sizeof(*e));
	e->now = START;
	e->password = password;
	eap_start_authenticator(&e->e, allowed, "server", 1400, &end_ops, e, START);
}

/* From a heap block of just this size, so that ASan sees a read beyond it. */
static inline void end_receive(struct eap_end *e, const void *packet, size_t len)
{
	uint8_t *copy = malloc(len + 1);

	assert_non_null(copy);
	memcpy(copy + 1, packet, len);
	eap_receive(&e->e, copy + 1, len, e->now);
	free(copy);
}

/* What `from` sent last, to `to`. */
static inline void deliver(const struct eap_end *from, struct eap_end *to)
{
	uint8_t packet[EAP_PACKET_MAX];
	size_t len = from->len;

	memcpy(packet, from->packet, len);
	end_receive(to, packet, len);
}

static inline void end_tick_to(struct eap_end *e, uint64_t now)
{
	e->now = now;
	eap_tick(&e->e, now);
}

/* A packet in hex with its length filled in. `id` stands in for the second octet. */
static inline void receive_hex(struct eap_end *e, uint8_t id, const char *hex)
{
	uint8_t packet[700];
	size_t len = unhex(packet, sizeof(packet), hex);

	packet[1] = id;
	packet[2] = (uint8_t)(len >> 8);
	packet[3] = (uint8_t)len;
	end_receive(e, packet, len);
}

/* A packet with a type, and text behind it. */
static inline void receive_text(
	struct eap_end *e, uint8_t code, uint8_t id, uint8_t type, const char *text)
{
	uint8_t packet[1500] = { code, id, 0, 0, type };
	size_t len = 5 + strlen(text);

	memcpy(packet + 5, text, strlen(text));
	packet[2] = (uint8_t)(len >> 8);
	packet[3] = (uint8_t)len;
	end_receive(e, packet, len);
}

static inline void expect_hex(const struct eap_end *e, const char *hex)
{
	uint8_t packet[700];
	size_t len = unhex(packet, sizeof(packet), hex);

	assert_int_equal(e->len, len);
	assert_memory_equal(e->packet, packet, len);
}
