/*
 * A TLS engine without cryptography, for tests and fuzz targets of what runs on TLS: its messages are a letter, a
 * length and zeros, as long as the test wants them. No heap but the session itself, bounded, deterministic.
 *
 *	client: C ->            <- S: server
 *	        F ->            <- D: 1.2 only; in 1.3 the client is open with F, the server when it comes
 *	either: A (alert), X (application data)
 */
#pragma once

#include "lib/ppp/eap_tunnel.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define STUB_BUFFER (2 * EAP_TUNNEL_MESSAGE + 64)

/* What an engine's owner sets; `opened` counts the sessions that there are. */
struct stub_tls {
	enum tls_version version;
	uint32_t hello, flight, finished; /* octets of these messages */
	uint8_t secret;                   /* of the keys: both ends need the same */
	bool nameless;                    /* the other end shows no certificate */
	const char *name;                 /* in the other end's certificate */
	bool refuses;                     /* the other end's certificate */
	unsigned int opened;
	const char *label; /* of the last export */
	uint8_t context;
	size_t context_len, length;
	struct tls_engine engine;
};

struct tls_session {
	struct stub_tls *stub;
	bool server, said_hello;
	enum tls_state state;
	bool by_peer;
	uint8_t alert;
	const char *why;
	struct tls_identity peer;
	size_t in_len, out_len, data_len;
	uint8_t data[2048], in[STUB_BUFFER], out[STUB_BUFFER];
};

static inline void stub_put(struct tls_session *s, uint8_t letter, const void *body, uint32_t len)
{
	struct wire_writer w = wire_writer(s->out + s->out_len, sizeof(s->out) - s->out_len);

	wire_put_u8(&w, letter);
	wire_put_u32(&w, len);
	if (body)
		wire_put_bytes(&w, body, len);
	else
		wire_put_zero(&w, len);
	if (!w.failed)
		s->out_len += wire_written(&w);
}

static inline void stub_fail(struct tls_session *s, uint8_t alert, const char *why)
{
	s->state = TLS_FAILED;
	s->alert = alert;
	s->why = why;
	stub_put(s, 'A', &alert, 1);
}

static inline void stub_message(struct tls_session *s, uint8_t letter, struct wire_reader *body)
{
	const struct stub_tls *t = s->stub;
	bool shaking = s->state == TLS_HANDSHAKING;

	if (letter == 'A') {
		s->state = TLS_FAILED;
		s->by_peer = true;
		s->alert = wire_u8(body);
		s->why = "the other end sent an alert";
	} else if (letter == 'C' && s->server && shaking) {
		stub_put(s, 'S', NULL, t->flight);
	} else if (letter == 'S' && !s->server && shaking && t->refuses) {
		stub_fail(s, 48, "the server's certificate is not good");
	} else if (letter == 'S' && !s->server && shaking) {
		stub_put(s, 'F', NULL, t->finished);
		if (t->version >= TLS_1_3)
			s->state = TLS_OPEN;
	} else if (letter == 'F' && s->server && shaking && t->refuses) {
		stub_fail(s, 48, "the client's certificate is not good");
	} else if (letter == 'F' && s->server && shaking) {
		s->state = TLS_OPEN;
		if (t->version < TLS_1_3)
			stub_put(s, 'D', NULL, 40);
	} else if (letter == 'D' && !s->server && shaking && t->version < TLS_1_3) {
		s->state = TLS_OPEN;
	} else if (letter == 'X' && s->state == TLS_OPEN && wire_left(body) <= sizeof(s->data)) {
		s->data_len = wire_left(body);
		wire_copy(body, s->data, s->data_len);
	} else if (s->state != TLS_FAILED) {
		stub_fail(s, 10, "an unexpected message of TLS came");
	}
}

static inline struct tls_session *stub_open(void *user, const struct tls_setup *setup)
{
	struct stub_tls *t = user;
	struct tls_session *s = calloc(1, sizeof(*s));

	assert(s);
	s->stub = t;
	s->server = setup->server;
	s->why = "";
	if (t->name)
		s->peer = (struct tls_identity){ .count = 1, .names = { t->name } };
	t->opened++;
	return s;
}

static inline void stub_close(struct tls_session *s)
{
	if (!s)
		return;
	assert(s->stub->opened > 0);
	s->stub->opened--;
	free(s);
}

static inline int stub_feed(struct tls_session *s, const uint8_t *data, size_t len)
{
	if (len > sizeof(s->in) - s->in_len)
		return -EMSGSIZE;
	memcpy(s->in + s->in_len, data, len);
	s->in_len += len;
	return 0;
}

static inline void stub_run(struct tls_session *s)
{
	struct wire_reader r = wire_reader(s->in, s->in_len);

	if (!s->server && !s->said_hello)
		stub_put(s, 'C', NULL, s->stub->hello);
	s->said_hello = true;
	while (wire_left(&r)) {
		struct wire_reader whole = r, body;
		uint8_t letter = wire_u8(&r);
		uint32_t len = wire_u32(&r);

		if (!r.failed && len > STUB_BUFFER) {
			stub_fail(s, 22, "a record of TLS is too long");
			r.pos = r.end;
			break;
		}
		body = wire_sub(&r, len);
		if (body.failed) {
			r = whole; /* more is to come */
			break;
		}
		stub_message(s, letter, &body);
	}
	s->in_len = wire_left(&r);
	memmove(s->in, r.pos, s->in_len);
}

static inline size_t stub_waiting(const struct tls_session *s)
{
	return s->out_len;
}

static inline void stub_take(struct tls_session *s, uint8_t *out, size_t len)
{
	assert(len <= s->out_len);
	memcpy(out, s->out, len);
	s->out_len -= len;
	memmove(s->out, s->out + len, s->out_len);
}

static inline void stub_status(const struct tls_session *s, struct tls_status *status)
{
	*status = (struct tls_status){ .state = s->state,
		.version = s->stub->version,
		.why = s->why,
		.by_peer = s->by_peer,
		.alert = s->alert,
		.peer = s->state == TLS_OPEN && !s->stub->nameless ? &s->peer : NULL };
}

static inline int stub_write(struct tls_session *s, const uint8_t *data, size_t len)
{
	if (s->state != TLS_OPEN)
		return -EPIPE;
	stub_put(s, 'X', data, (uint32_t)len);
	return 0;
}

static inline int stub_read(struct tls_session *s, uint8_t *out, size_t size)
{
	size_t len = s->data_len;

	s->data_len = 0;
	if (len > size)
		return -EMSGSIZE;
	memcpy(out, s->data, len);
	return (int)len;
}

static inline void stub_refuse(struct tls_session *s, enum tls_alert alert, const char *why)
{
	if (s->state != TLS_FAILED)
		stub_fail(s, (uint8_t)alert, why);
}

static inline int stub_export(struct tls_session *s, const char *label, const uint8_t *context,
	size_t context_len, uint8_t *out, size_t len)
{
	if (s->state != TLS_OPEN)
		return -EPIPE;
	s->stub->label = label;
	s->stub->context = context ? context[0] : 0;
	s->stub->context_len = context ? context_len : 0;
	s->stub->length = len;
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)(i + s->stub->secret);
	return 0;
}

static inline void stub_init(struct stub_tls *t, enum tls_version version)
{
	*t = (struct stub_tls){ .version = version,
		.hello = 200,
		.flight = 3000,
		.finished = 2500,
		.name = "alice",
		.engine = {
			.user = t,
			.open = stub_open,
			.close = stub_close,
			.feed = stub_feed,
			.run = stub_run,
			.waiting = stub_waiting,
			.take = stub_take,
			.status = stub_status,
			.write = stub_write,
			.read = stub_read,
			.refuse = stub_refuse,
			.export = stub_export,
		} };
}
