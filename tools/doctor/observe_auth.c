/*
 * Authentication as a capture shows it: PAP (RFC 1334), CHAP (RFC 1994) with MS-CHAP's E= numbers (RFC 2433
 * section 5), EAP (RFC 3748): who asked, who answered, what the verdict was. See observe.h.
 */
#include "tools/doctor/observe.h"

#include "lib/ppp/eap_tunnel.h"
#include "lib/ppp/frame.h"
#include "lib/ppp/mschap.h"
#include "tools/decode/call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EAP_REQUEST  1
#define EAP_RESPONSE 2
#define EAP_SUCCESS  3
#define EAP_FAILURE  4

#define EAP_NAK      3
#define EAP_PEAP     25
#define EAP_MSCHAPV2 26

#define TLS_APPLICATION_DATA 23

#define MSCHAP_FAILURE 4

/* "E=691 R=0 ...": the number; 0 if there is none. */
static unsigned int error_read(struct wire_reader text)
{
	unsigned int n = 0;
	bool found = false;

	while (wire_left(&text) > 2 && !found) {
		found = text.pos[0] == 'E' && text.pos[1] == '=';
		wire_skip(&text, found ? 2 : 1);
	}
	for (int i = 0; found && i < 5 && wire_left(&text); i++) {
		uint8_t c = wire_u8(&text);

		if (c < '0' || c > '9')
			break;
		n = n * 10 + (unsigned int)(c - '0');
	}
	return n;
}

/* A challenge that MS-CHAP's Failure has with it is no part of what it says, and findings show no secrets. */
static void words_take(struct observe_side *s, struct wire_reader words)
{
	struct mschap_failure f;

	if (mschap_failure_parse(&f, words.pos, wire_left(&words)) != 0)
		decode_escape(
			s->failure_words, sizeof(s->failure_words), words.pos, wire_left(&words));
	else
		snprintf(s->failure_words, sizeof(s->failure_words), "E=%u R=%d%s%s", f.error,
			f.retry, f.message[0] ? " M=" : "", f.message);
}

static void failed(struct observe_side *s, struct wire_reader words, const struct decode_event *e)
{
	observe_hit(&s->failure, &e->meta);
	s->error = error_read(words);
	s->password_fits = e->call->side[e->side & 1].auth.verdict == DECODE_FITS;
	s->password_wrong = e->call->side[e->side & 1].auth.verdict == DECODE_WRONG;
	words_take(s, words);
}

static void succeeded(struct observe_side *s, const struct decode_event *e)
{
	observe_hit(&s->success, &e->meta);
	s->failure = (struct observe_mark){ 0 }; /* a retry that was allowed */
	s->error = 0;
}

static void chap_run(struct observe_side *s, const struct decode_event *e)
{
	switch (e->ppp->code) {
	case 1:
		observe_hit(&s->challenge, &e->meta);
		break;
	case 2:
	case 7: /* Change-Password, RFC 2759 section 7 */
		observe_hit(&s->response, &e->meta);
		observe_hit(&s->hears, &e->meta);
		break;
	case 3:
		succeeded(s, e);
		observe_hit(&s->hears, &e->meta);
		break;
	case 4:
		failed(s, e->ppp->body, e);
		observe_hit(&s->hears, &e->meta);
		break;
	default:
		break;
	}
}

static void pap_run(struct observe_side *s, const struct decode_event *e)
{
	struct wire_reader r = e->ppp->body;

	switch (e->ppp->code) {
	case 1: /* unasked: it is the answer to LCP's option */
		observe_hit(&s->response, &e->meta);
		break;
	case 2:
		succeeded(s, e);
		observe_hit(&s->hears, &e->meta);
		break;
	case 3:
		failed(s, wire_sub(&r, wire_u8(&r)), e);
		observe_hit(&s->hears, &e->meta);
		break;
	default:
		break;
	}
}

/* Data of TLS's records that is no handshake any more (RFC 5246 section 6.2.1): what PEAP has inside. */
static bool is_sealed(uint8_t type, struct wire_reader r)
{
	uint8_t flags;

	if (type != EAP_PEAP)
		return false;
	flags = wire_u8(&r);
	if (flags & EAP_TUNNEL_LENGTH)
		wire_skip(&r, 4);
	return wire_u8(&r) == TLS_APPLICATION_DATA && !r.failed;
}

static void eap_run(struct observe_side *s, const struct decode_event *e)
{
	struct wire_reader r = e->ppp->body;
	uint8_t type = e->ppp->code <= EAP_RESPONSE ? wire_u8(&r) : 0;

	if (type > EAP_NAK)
		s->eap_type = type;
	switch (e->ppp->code) {
	case EAP_REQUEST:
		observe_hit(&s->challenge, &e->meta);
		if (type == EAP_MSCHAPV2 && wire_u8(&r) == MSCHAP_FAILURE && !r.failed) {
			wire_skip(&r, 3); /* identifier, length */
			failed(s, r, e);
		}
		break;
	case EAP_RESPONSE:
		observe_hit(&s->response, &e->meta);
		observe_hit(&s->hears, &e->meta);
		s->sealed += is_sealed(type, r);
		if (type == EAP_NAK)
			observe_hit(&s->eap_refused, &e->meta);
		else
			s->eap_refused = (struct observe_mark){ 0 };
		break;
	case EAP_SUCCESS:
		succeeded(s, e);
		observe_hit(&s->hears, &e->meta);
		break;
	case EAP_FAILURE:
		/* Behind EAP-MSCHAPv2's own failure, which says more. */
		if (s->failure.count)
			observe_hit(&s->failure, &e->meta);
		else
			failed(s, r, e);
		observe_hit(&s->hears, &e->meta);
		break;
	default:
		break;
	}
}

void observe_auth(struct observe_call *call, const struct decode_event *e)
{
	unsigned int side = e->side & 1;

	switch (e->ppp->protocol) {
	case PPP_CHAP:
		chap_run(&call->side[side], e);
		break;
	case PPP_PAP:
		pap_run(&call->side[side], e);
		break;
	case PPP_EAP:
		eap_run(&call->side[side], e);
		break;
	default:
		break;
	}
}
