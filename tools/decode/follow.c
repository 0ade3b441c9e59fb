/*
 * Control protocols as far as later frames depend on them: authentications checked against the known
 * passwords, and what CCP and IPCP agree on. The words are words_*.c's.
 */
#include "tools/decode/decoder.h"
#include "tools/decode/headers.h"

#include "lib/ppp/ccp_codec.h"
#include "lib/ppp/cp.h"
#include "lib/ppp/frame.h"
#include "lib/ppp/mschap.h"

#define MPPE_BIT_40   0x00000020u
#define MPPE_BIT_56   0x00000080u
#define MPPE_BIT_128  0x00000040u
#define MPPE_BIT_NOST 0x01000000u

/* A frame on its way through this file. */
struct place {
	struct decoder *d;
	struct decode_call *call;
	unsigned int side;
	const struct decode_ppp *ppp;
};

static void verdict_print(struct place *at, enum decode_verdict verdict)
{
	struct decode_event *e = &at->d->event;

	if (verdict == DECODE_NOT_CHECKED || !at->d->options.users || !at->d->options.users->count)
		return;
	if (verdict == DECODE_FITS) {
		at->d->stats.verified++;
		decode_event_string(e, "password", "verified");
		decode_event_text(e, ", password verified");
	} else if (verdict == DECODE_WRONG) {
		decode_event_string(e, "password", "wrong");
		decode_event_text(e, ", the given password does not fit");
	} else {
		decode_event_string(e, "password", "unknown");
		decode_event_text(e, ", no password given for this name");
	}
}

/* This side answers the other one's challenge. */
static void response_follow(struct place *at, uint8_t id, const uint8_t *value, size_t len,
	const uint8_t *name, size_t name_len)
{
	struct decode_auth *a = &at->call->side[1 - at->side].auth;
	enum decode_verdict verdict =
		decode_auth_response(a, at->d->options.users, id, value, len, name, name_len);

	decode_event_string(&at->d->event, "method", decode_auth_name(a));
	decode_event_text(&at->d->event, ", %s", decode_auth_name(a));
	verdict_print(at, verdict);
	if (a->has_keys) {
		at->call->proven = a;
		at->call->authenticator = (int)(1 - at->side);
	}
}

/* And to another password. */
static void change_follow(struct place *at, struct wire_reader body)
{
	struct decode_auth *a = &at->call->side[1 - at->side].auth;

	verdict_print(at, decode_auth_change(a, body));
	if (a->has_keys) {
		at->call->proven = a;
		at->call->authenticator = (int)(1 - at->side);
	}
}

static void success_follow(struct place *at, struct wire_reader text)
{
	struct decode_event *e = &at->d->event;
	const struct decode_auth *a = &at->call->side[at->side].auth;
	enum decode_verdict verdict = decode_auth_success(a, text.pos, wire_left(&text));

	if (verdict == DECODE_FITS) {
		decode_event_bool(e, "authenticator_proven", true);
		decode_event_text(e, ", the authenticator knows the password");
	} else if (verdict == DECODE_WRONG) {
		decode_event_bool(e, "authenticator_proven", false);
		decode_event_text(e, ", the authenticator does NOT know the password");
	}
}

static void failure_follow(struct place *at, struct wire_reader text)
{
	struct mschap_failure f;

	memset(&f, 0, sizeof(f));
	if (mschap_failure_parse(&f, text.pos, wire_left(&text)) == 0 && f.has_challenge)
		decode_auth_challenge(
			&at->call->side[at->side].auth, f.challenge, sizeof(f.challenge));
}

/* CHAP's body, or that of EAP-MD5 (codes 1, 2) or EAP-MSCHAPv2. */
static void chap_follow(struct place *at, uint8_t code, uint8_t id, struct wire_reader body)
{
	struct wire_reader value;

	if (code == 3) {
		success_follow(at, body);
		return;
	}
	if (code == 4) {
		failure_follow(at, body);
		return;
	}
	if (code == 7)
		change_follow(at, body);
	if (code != 1 && code != 2)
		return;
	value = wire_sub(&body, wire_u8(&body));
	if (body.failed)
		return;
	if (code == 1)
		decode_auth_challenge(&at->call->side[at->side].auth, value.pos, wire_left(&value));
	else
		response_follow(at, id, value.pos, wire_left(&value), body.pos, wire_left(&body));
}

static void eap_follow(struct place *at)
{
	struct wire_reader body = at->ppp->body;
	uint8_t code = at->ppp->code, id = at->ppp->id, type, op;

	if (code != 1 && code != 2)
		return;
	at->call->side[0].auth.eap = at->call->side[1].auth.eap = true;
	type = wire_u8(&body);
	if (type == 4) {
		chap_follow(at, code, id, body);
	} else if (type == 26) {
		op = wire_u8(&body);
		wire_skip(&body, 3);
		if (!body.failed)
			chap_follow(at, op, id, body);
	}
}

static void pap_follow(struct place *at)
{
	struct wire_reader body = at->ppp->body, name, password;
	struct decode_auth *a = &at->call->side[1 - at->side].auth;

	if (at->ppp->code != 1)
		return;
	name = wire_sub(&body, wire_u8(&body));
	password = wire_sub(&body, wire_u8(&body));
	if (body.failed)
		return;
	verdict_print(at, decode_auth_pap(a, at->d->options.users, name.pos, wire_left(&name),
				  password.pos, wire_left(&password)));
}

static bool mppe_params(struct mppe_params *params, uint32_t bits)
{
	params->stateless = bits & MPPE_BIT_NOST;
	if (bits & MPPE_BIT_128)
		params->bits = MPPE_128;
	else if (bits & MPPE_BIT_56)
		params->bits = MPPE_56;
	else if (bits & MPPE_BIT_40)
		params->bits = MPPE_40;
	else
		return false;
	return true;
}

/* Compression alone: the first method of the list counts, pppd acknowledges several. */
static void compress_follow(
	struct decode_crypt *crypt, const struct ppp_option *option, struct decode_work *work)
{
	struct codec_params params;

	if (ccp_codec_get(option, &params)) {
		params.limit = DECODE_UNPACKED_MAX;
		decode_crypt_compress(crypt, &params, work);
	}
}

/* MPPE, by its option of an acknowledged request; false: that is not what it says. */
static bool mppe_follow(struct place *at, struct decode_crypt *crypt, uint32_t bits)
{
	const struct codec_params mppc = {
		.kind = CODEC_MPPC, .encrypted = true, .limit = DECODE_UNPACKED_MAX
	};
	struct mppe_params params;
	uint8_t start[16];
	bool known;

	if (!mppe_params(&params, bits))
		return false;
	known = at->call->proven &&
		decode_auth_start_key(at->call->proven, (int)at->side == at->call->authenticator,
			params.bits, start);
	decode_crypt_start(crypt, &params, known ? start : NULL);
	explicit_bzero(start, sizeof(start));
	if (!known && at->d->options.users)
		decode_crypt_candidates(crypt, at->d->options.users->starts,
			at->d->options.users->start_count, bits & CCP_MPPC);
	if (known && bits & CCP_MPPC)
		decode_crypt_compress(crypt, &mppc, &at->d->engine.work);
	return true;
}

/* Deflate and BSD-Compress begin anew with it (RFC 1977 and 1979, section 2). */
static void reset_follow(struct place *at)
{
	struct decode_crypt *crypt = &at->call->side[at->side].crypt;

	if (crypt->algorithm == DECODE_COMPRESS && codec_kind_needs_ack(codec_kind(crypt->codec)))
		codec_reset(crypt->codec);
}

/* RFC 1962 section 4: an acknowledged request is what its sender receives: here, what this side
 * sends. */
static void ccp_follow(struct place *at)
{
	/* Who acknowledges is who sends. */
	struct decode_crypt *crypt = &at->call->side[at->side].crypt;
	struct wire_reader body = at->ppp->body;
	struct ppp_option option;

	if (at->ppp->code == CP_RESET_ACK)
		reset_follow(at);
	if (at->ppp->code != CP_CONFIGURE_ACK || !wire_left(&body))
		return;
	decode_crypt_done(crypt);
	crypt->algorithm = DECODE_OTHER;
	while (crypt->algorithm == DECODE_OTHER && ppp_option_next(&body, &option)) {
		if (option.type != CCP_MPPE || !mppe_follow(at, crypt, ppp_option_u32(&option)))
			compress_follow(crypt, &option, &at->d->engine.work);
	}
}

void decode_follow(struct decoder *d, struct decode_call *call, unsigned int side,
	const struct decode_frame *f, const struct decode_ppp *ppp)
{
	struct place at = { .d = d, .call = call, .side = side, .ppp = ppp };

	switch (ppp->protocol) {
	case PPP_LCP:
		/* A late copy of an old request does not reopen the link. */
		if (ppp->code == CP_CONFIGURE_REQUEST && !f->gre.late)
			decode_call_restart(call);
		break;
	case PPP_PAP:
		pap_follow(&at);
		break;
	case PPP_CHAP:
		chap_follow(&at, ppp->code, ppp->id, ppp->body);
		break;
	case PPP_EAP:
		eap_follow(&at);
		break;
	case PPP_CCP:
		ccp_follow(&at);
		break;
	case PPP_IPCP: /* as with CCP: who acknowledges is who sends so */
		if (ppp->code == CP_CONFIGURE_ACK)
			decode_headers_agreed(&call->side[side], ppp->body);
		break;
	default:
		break;
	}
}
