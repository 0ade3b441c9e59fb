/*
 * EAP's method MSCHAPv2 (type 26; draft-kamath-pppext-eap-mschapv2), as Windows and Linux' pppd do
 * it: MS-CHAPv2 (RFC 2759) with an operation code, an identifier of its own (MS-CHAPv2-ID) and a
 * length in front.
 *
 *	authenticator: Challenge -> Success-Request -> Success
 *	                         -> Failure-Request, with R=1 perhaps another Response, with E=648
 *	                            perhaps a Change-Password; Failure
 *
 * Success- and Failure-Request are answered by an operation code alone. The keys are those of
 * MS-CHAPv2 (RFC 3079 section 3): what other uses of the method get as MSK are the same keys.
 */
#include "lib/ppp/chap_method.h"
#include "lib/ppp/eap_method.h"

#include <errno.h>
#include <string.h>

#define VALUE_LEN 16

enum {
	OP_CHALLENGE = 1,
	OP_RESPONSE = 2,
	OP_SUCCESS = 3,
	OP_FAILURE = 4,
	OP_CHANGE_1 = 5,
	OP_CHANGE = 7
};

enum step {
	BEFORE,     /* peer: no Challenge yet */
	CHALLENGED, /* authenticator: for a Response; peer: it answered */
	RETRY,      /* authenticator: Failure-Request with R=1 */
	CHANGE,     /* authenticator: Failure-Request with E=648, a Change-Password is welcome */
	SUCCEEDED,  /* the Success-Request was sent; peer: it was answered */
	FAILED,     /* the Failure-Request likewise */
};

struct message {
	uint8_t op, identifier;
	struct wire_reader body;
};

/*
 * A lone operation code is a whole message in Responses. MS-Length may only cut off what is behind
 * it: some write it wrong, and EAP has a length, too.
 */
static int decode(struct message *m, struct wire_reader *in)
{
	size_t length, left;

	memset(m, 0, sizeof(*m));
	m->op = wire_u8(in);
	if (!in->failed && wire_left(in) == 0) {
		m->body = *in;
		return 0;
	}
	m->identifier = wire_u8(in);
	length = wire_u16(in);
	left = wire_left(in);
	if (in->failed || length < 4)
		return -EBADMSG;
	m->body = wire_sub(in, length - 4 < left ? length - 4 : left);
	return 0;
}

static size_t begin_message(struct wire_writer *out, uint8_t op, uint8_t identifier)
{
	size_t at = wire_written(out);

	wire_put_u8(out, op);
	wire_put_u8(out, identifier);
	wire_put_u16(out, 0);
	return at;
}

static void end_message(struct wire_writer *out, size_t at)
{
	wire_patch_u16(out, at + 2, (uint16_t)(wire_written(out) - at));
}

/* ---- authenticator ---- */

static enum eap_step start(struct eap *e, struct wire_writer *out)
{
	struct eap_mschap2 *own = &e->own.mschap2;
	size_t at;

	own->step = CHALLENGED;
	own->identifier = out->start[1];
	e->ops->random(e->user, own->challenge, sizeof(own->challenge));
	at = begin_message(out, OP_CHALLENGE, own->identifier);
	wire_put_u8(out, sizeof(own->challenge));
	wire_put_bytes(out, own->challenge, sizeof(own->challenge));
	wire_put_bytes(out, e->name, strnlen(e->name, PPP_NAME_MAX));
	end_message(out, at);
	return EAP_SEND;
}

static enum eap_step receive_response(struct eap *e, struct message *m)
{
	struct ppp_auth_request r = { .method = PPP_AUTH_EAP_MSCHAP2 };

	r.identifier = m->identifier;
	if (chap_decode_response(PPP_AUTH_MSCHAP2, &m->body, &r) ||
		eap_decode_name(&m->body, r.name) || !mschap_strip_domain(r.name)[0]) {
		e->ignored = "the Response was malformed";
		return EAP_IGNORE;
	}
	memcpy(r.challenge, e->own.mschap2.challenge, sizeof(r.challenge));
	e->request = r;
	return EAP_JUDGE;
}

/* Of whoever sent the Response that proved the old password: so there is no name in it. */
static enum eap_step receive_change(struct eap *e, struct message *m)
{
	struct ppp_auth_request r = e->request;

	r.identifier = m->identifier;
	if (chap_decode_change(&m->body, &r)) {
		e->ignored = "the Change-Password was malformed";
		return EAP_IGNORE;
	}
	memcpy(r.challenge, e->own.mschap2.challenge, sizeof(r.challenge));
	e->request = r;
	explicit_bzero(&r, sizeof(r));
	return EAP_JUDGE;
}

/* The reason and the keys are there since the verdict. */
static enum eap_step response(struct eap *e, struct wire_reader *in, struct wire_writer *out)
{
	const struct eap_mschap2 *own = &e->own.mschap2;
	struct message m;

	(void)out;
	e->ignored = "the Response was malformed, or out of turn";
	if (decode(&m, in))
		return EAP_IGNORE;
	/* Those of MS-CHAP, or one that nobody asked for: an end at once instead of silence. */
	if (m.op >= OP_CHANGE_1 && m.op <= OP_CHANGE && own->step <= RETRY) {
		eap_because(e, PPTP_AUTH_FAILED,
			"the client wants to change its password without being asked to");
		return EAP_REJECT;
	}
	switch (own->step) {
	case CHALLENGED:
		return m.op == OP_RESPONSE ? receive_response(e, &m) : EAP_IGNORE;
	case RETRY:
		if (m.op == OP_RESPONSE)
			return receive_response(e, &m);
		return m.op == OP_FAILURE ? EAP_REJECT : EAP_IGNORE;
	case CHANGE:
		if (m.op == OP_CHANGE)
			return receive_change(e, &m);
		return m.op == OP_FAILURE ? EAP_REJECT : EAP_IGNORE;
	case SUCCEEDED:
		/* A peer that does not take our proof says so. */
		if (m.op == OP_FAILURE) {
			eap_because(e, PPTP_AUTH_FAILED,
				"the client does not take this server's proof");
			return EAP_REJECT;
		}
		return m.op == OP_SUCCESS ? EAP_ACCEPT : EAP_IGNORE;
	case FAILED:
		return m.op == OP_FAILURE ? EAP_REJECT : EAP_IGNORE;
	default:
		return EAP_IGNORE;
	}
}

static enum eap_step send_failure(
	struct eap *e, const struct ppp_auth_verdict *verdict, struct wire_writer *out)
{
	struct eap_mschap2 *own = &e->own.mschap2;
	unsigned int error = verdict->error ? verdict->error : 691;
	char words[CHAP_REFUSAL_MAX], message[sizeof(verdict->message) + 1] = "";
	bool again = !e->request.change && !e->succeeded;
	bool retry = again && verdict->retry && e->attempts < CHAP_ATTEMPTS;
	bool change = again && error == 648 && verdict->change;
	size_t at = begin_message(out, OP_FAILURE, e->request.identifier);

	memcpy(message, verdict->message, strnlen(verdict->message, sizeof(verdict->message)));
	e->ops->random(e->user, own->challenge, sizeof(own->challenge));
	chap_put_failure(PPP_AUTH_MSCHAP2, out, error, retry, own->challenge, message);
	end_message(out, at);
	chap_refusal(words, error, message);
	eap_because(e, ppp_auth_error_reason(error), words);
	own->step = change ? CHANGE : retry ? RETRY : FAILED;
	if (retry || change) /* somebody is typing */
		e->patience = EAP_RETRY_TIMEOUT;
	return EAP_SEND;
}

static enum eap_step verdict(
	struct eap *e, const struct ppp_auth_verdict *verdict, struct wire_writer *out)
{
	size_t at;

	explicit_bzero(&e->request.sealed, sizeof(e->request.sealed));
	if (!verdict->ok) {
		e->attempts++;
		return send_failure(e, verdict, out);
	}
	if (!chap_verdict_fits(PPP_AUTH_MSCHAP2, verdict)) {
		eap_because(e, PPTP_AUTH_FAILED, "no authenticator response came with the verdict");
		return EAP_REJECT;
	}
	e->keys = verdict->keys;
	e->attempts = 0;
	e->own.mschap2.step = SUCCEEDED;
	at = begin_message(out, OP_SUCCESS, e->request.identifier);
	chap_put_success(PPP_AUTH_MSCHAP2, out, verdict);
	end_message(out, at);
	return EAP_SEND;
}

/* ---- peer ---- */

static void begin(struct eap *e)
{
	e->own.mschap2.step = BEFORE;
}

static enum eap_step ignore(struct eap *e, const char *why)
{
	e->ignored = why;
	return EAP_IGNORE;
}

/* The Response to r->challenge. */
static enum eap_step respond(struct eap *e, struct ppp_auth_request *r, struct wire_writer *out)
{
	size_t at;

	memcpy(r->name, e->name, strlen(e->name) + 1);
	e->ops->random(e->user, r->peer_challenge, sizeof(r->peer_challenge));
	mschap2_nt_response(
		r->challenge, r->peer_challenge, r->name, e->secret.nt_hash, r->nt_response);
	at = begin_message(out, OP_RESPONSE, r->identifier);
	wire_put_u8(out, MSCHAP2_RESPONSE_LEN);
	wire_put_bytes(out, r->peer_challenge, sizeof(r->peer_challenge));
	wire_put_zero(out, 8);
	wire_put_bytes(out, r->nt_response, sizeof(r->nt_response));
	wire_put_u8(out, 0);
	wire_put_bytes(out, r->name, strlen(r->name));
	end_message(out, at);
	e->request = *r;
	explicit_bzero(r, sizeof(*r));
	e->own.mschap2.step = CHALLENGED;
	e->outcome = EAP_UNDECIDED;
	return EAP_SEND;
}

static enum eap_step receive_challenge(struct eap *e, struct message *m, struct wire_writer *out)
{
	struct ppp_auth_request r = { .method = PPP_AUTH_EAP_MSCHAP2 };

	if (wire_u8(&m->body) != VALUE_LEN)
		return ignore(e, "the Challenge was malformed");
	wire_copy(&m->body, r.challenge, sizeof(r.challenge));
	if (m->body.failed || eap_keep_identity(e, &m->body))
		return ignore(e, "the Challenge was malformed");
	r.identifier = m->identifier;
	return respond(e, &r, out);
}

static enum eap_step receive_success(struct eap *e, struct message *m, struct wire_writer *out)
{
	const struct ppp_auth_request *r = &e->request;

	if (!chap_proof_fits(e->secret.nt_hash, r->nt_response, r->peer_challenge, r->challenge,
		    r->name, &m->body)) {
		eap_because(e, PPTP_AUTH_PEER_UNPROVEN,
			m->body.failed ? "its Success has no authenticator response (S=)"
				       : "its authenticator response (S=) is wrong");
		return EAP_REJECT;
	}
	ppp_auth_keys(r, &e->secret, &e->keys);
	if (e->renewed && e->change && e->ops->new_password)
		e->ops->new_password(e->user, e->own.mschap2.changing);
	if (e->renewed)
		e->change = NULL;
	wire_put_u8(out, OP_SUCCESS);
	e->own.mschap2.step = SUCCEEDED;
	e->outcome = EAP_PROVEN;
	return EAP_SEND;
}

static enum eap_step change_password(
	struct eap *e, struct ppp_auth_request *r, struct wire_writer *out)
{
	size_t at = begin_message(out, OP_CHANGE, r->identifier);

	memcpy(r->name, e->name, strlen(e->name) + 1);
	e->ops->random(e->user, r->peer_challenge, sizeof(r->peer_challenge));
	chap_put_change(out, e->change, r->challenge, r->peer_challenge, r->name, r->nt_response);
	end_message(out, at);
	e->request = *r;
	explicit_bzero(r, sizeof(*r));
	e->own.mschap2.changing = true;
	return EAP_SEND;
}

/* What a Failure gives occasion for: another Response, or a Change-Password; EAP_IGNORE: neither. */
static enum eap_step answer_failure(struct eap *e, const struct message *m,
	const struct mschap_failure *f, struct wire_writer *out)
{
	struct ppp_auth_request r = { .method = PPP_AUTH_EAP_MSCHAP2 };

	if (!e->change || e->renewed || !f->has_challenge ||
		(f->error != 648 && !(f->error == 691 && f->retry)))
		return EAP_IGNORE;
	r.identifier = (uint8_t)(m->identifier + 1);
	memcpy(r.challenge, f->challenge, sizeof(r.challenge));
	e->secret = (struct ppp_secret){ 0 };
	memcpy(e->secret.nt_hash, e->change->nt_hash, sizeof(e->secret.nt_hash));
	e->renewed = true;
	return f->error == 648 ? change_password(e, &r, out) : respond(e, &r, out);
}

/*
 * R=1 invites another password. There may be one, to change to; sending the same one again may lock
 * the account.
 */
static enum eap_step receive_failure(struct eap *e, struct message *m, struct wire_writer *out)
{
	struct mschap_failure f = { 0 };
	char words[CHAP_REFUSAL_MAX];
	size_t len = wire_left(&m->body);

	if (mschap_failure_parse(&f, wire_bytes(&m->body, len), len)) {
		eap_because(e, PPTP_AUTH_FAILED, "the server refused without an error number");
	} else {
		if (answer_failure(e, m, &f, out) == EAP_SEND)
			return EAP_SEND;
		chap_refusal(words, f.error, f.message);
		eap_because(e, ppp_auth_error_reason(f.error), words);
	}
	wire_put_u8(out, OP_FAILURE);
	e->own.mschap2.step = FAILED;
	e->outcome = EAP_REFUSED;
	return EAP_SEND;
}

static enum eap_step request(struct eap *e, struct wire_reader *in, struct wire_writer *out)
{
	struct message m;

	if (decode(&m, in))
		return ignore(e, "a malformed packet of MSCHAPv2 came");
	/* Not after a proof: what a server has told us of the outcome stands. */
	if (m.op == OP_CHALLENGE && e->own.mschap2.step <= CHALLENGED)
		return receive_challenge(e, &m, out);
	if (m.op == OP_SUCCESS && e->own.mschap2.step == CHALLENGED)
		return receive_success(e, &m, out);
	if (m.op == OP_FAILURE && e->own.mschap2.step == CHALLENGED)
		return receive_failure(e, &m, out);
	return ignore(e, "a packet of MSCHAPv2 came out of turn");
}

static void end(struct eap *e)
{
	explicit_bzero(&e->own.mschap2, sizeof(e->own.mschap2));
	explicit_bzero(e->request.nt_response, sizeof(e->request.nt_response));
	explicit_bzero(&e->request.sealed, sizeof(e->request.sealed));
}

const struct eap_method eap_method_mschap2 = {
	.type = 26,
	.method = PPP_AUTH_EAP_MSCHAP2,
	.start = start,
	.response = response,
	.verdict = verdict,
	.begin = begin,
	.request = request,
	.end = end,
};
