/*
 * One end of a CHAP exchange for the tests: it records what the machine sends and reports. Octets
 * that the machine draws come from `random` as long as there are some, then count up.
 */
#pragma once

#include "lib/ppp/chap.h"
#include "tests/unit/hex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SECONDS(n) ((uint64_t)((n)*1000000.0))
#define START      SECONDS(1000)

enum { CHALLENGE = 1, RESPONSE = 2, SUCCESS = 3, FAILURE = 4 };

struct chap_end {
	struct chap c;
	unsigned int sent, judged, succeeded, failed;
	uint8_t packet[CHAP_PACKET_MAX]; /* the last one sent */
	size_t len;
	struct ppp_auth_request request;
	enum pptp_reason reason;
	uint8_t key[16];
	char detail[256];
	const uint8_t *random;
	size_t random_left;
	uint8_t counter;
	const char *password; /* authenticator: judge at once by it; NULL: later */
};

static inline void end_send(void *user, const uint8_t *packet, size_t len)
{
	struct chap_end *e = user;

	assert_true(len >= 4 && len <= sizeof(e->packet));
	assert_int_equal(packet[2] << 8 | packet[3], len);
	memcpy(e->packet, packet, len);
	e->len = len;
	e->sent++;
}

static inline void end_random(void *user, void *buf, size_t len)
{
	struct chap_end *e = user;
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
	struct chap_end *e = user;

	e->judged++;
	e->request = *request;
	if (e->password) {
		struct ppp_auth_verdict verdict;
		struct ppp_secret secret;

		assert_int_equal(ppp_secret_from_password(&secret, e->password), 0);
		ppp_auth_check(request, &secret, &verdict);
		chap_verdict(&e->c, &verdict, START);
	}
}

static inline void end_done(void *user, bool ok, enum pptp_reason reason,
	const struct mppe_material *keys, const char *detail)
{
	static const uint8_t zero[16];
	struct chap_end *e = user;

	/* At most one success, then at most one failure. */
	assert_int_equal(e->failed, 0);
	assert_true(!ok || e->succeeded == 0);
	e->succeeded += ok;
	e->failed += !ok;
	e->reason = reason;
	assert_non_null(detail);
	assert_true(strlen(detail) < sizeof(e->detail));
	strcpy(e->detail, detail);
	memcpy(e->key, keys->key, sizeof(e->key));
	assert_int_equal(ok, memcmp(e->key, zero, sizeof(zero)) != 0);
	assert_int_equal(ok, reason == PPTP_NONE);
}

static const struct chap_ops end_ops = {
	.send = end_send, .random = end_random, .judge = end_judge, .done = end_done
};

static inline void end_peer(struct chap_end *e, const char *name, const char *password)
{
	struct ppp_secret secret;

	memset(e, 0, sizeof(*e));
	e->counter = 0x80;
	assert_int_equal(ppp_secret_from_password(&secret, password), 0);
	chap_start_peer(&e->c, PPP_AUTH_MSCHAP2, name, &secret, &end_ops, e, START);
}

static inline void end_authenticator(struct chap_end *e, const char *password)
{
	memset(e, 0, sizeof(*e));
	e->password = password;
	chap_start_authenticator(&e->c, PPP_AUTH_MSCHAP2, "server", &end_ops, e, START);
	assert_int_equal(e->sent, 1);
	assert_int_equal(e->packet[0], CHALLENGE);
}

/* From a heap block of just this size, so that ASan sees a read beyond it. */
static inline void end_receive(struct chap_end *e, const void *packet, size_t len, uint64_t now)
{
	uint8_t *copy = malloc(len + 1);

	assert_non_null(copy);
	memcpy(copy + 1, packet, len);
	chap_receive(&e->c, copy + 1, len, now);
	free(copy);
}

/* What `from` sent last, to `to`. */
static inline void deliver(const struct chap_end *from, struct chap_end *to, uint64_t now)
{
	end_receive(to, from->packet, from->len, now);
}

static inline size_t make_packet(
	uint8_t *out, uint8_t code, uint8_t identifier, const void *body, size_t len)
{
	out[0] = code;
	out[1] = identifier;
	out[2] = (uint8_t)((len + 4) >> 8);
	out[3] = (uint8_t)(len + 4);
	if (len)
		memcpy(out + 4, body, len);
	return len + 4;
}

static inline void receive_text(
	struct chap_end *e, uint8_t code, uint8_t identifier, const char *text, uint64_t now)
{
	uint8_t packet[600];
	size_t len = make_packet(packet, code, identifier, text, strlen(text));

	end_receive(e, packet, len, now);
}

/* A Challenge or Response with a value of `size` octets `fill`. */
static inline size_t make_value(uint8_t *out, uint8_t code, uint8_t identifier, uint8_t size,
	uint8_t fill, const void *name, size_t name_len)
{
	uint8_t body[1 + 255 + 300];

	body[0] = size;
	memset(body + 1, fill, size);
	memcpy(body + 1 + size, name, name_len);
	return make_packet(out, code, identifier, body, 1u + size + name_len);
}
