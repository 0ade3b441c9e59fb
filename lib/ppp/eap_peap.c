/*
 * EAP's method PEAP, version 0, with MSCHAPv2 inside ([MS-PEAP]; type 25): TLS proves the server by
 * its certificate, and hides a second conversation of EAP, which is a struct eap of its own.
 *
 *	authenticator: Start -> handshake -> Identity, MSCHAPv2 (inside) -> judge
 *	               -> Result, with Crypto-Binding (inside) -> answered likewise: Success, or Failure
 *
 * Packets inside come without code, identifier and length; those with TLVs (eap_peap_tlv.h) have
 * them.
 *
 * Invariants: an authenticator accepts only when the method inside did, and the peer has agreed to
 * the result and bound it to this TLS (unless that is optional: e->binding_optional). A peer takes
 * no Success before the result came through TLS, of a server that has proven inside that it knows
 * the password. Resumption is never asked for. Inside nothing is ignored: TLS delivers everything
 * once and in order, so that what does not fit ends the conversation.
 */
#include "lib/ppp/eap_internal.h"
#include "lib/ppp/eap_peap_tlv.h"

#include <stdlib.h>
#include <string.h>

#define NO_TLS    "there is no memory for a session of TLS"
#define STOPPED   "the client did not go on with the handshake of TLS"
#define CLOSED    "TLS was no longer open in the midst of PEAP"
#define MALFORMED "a malformed packet came through TLS, inside of PEAP"

enum step {
	SHAKING, /* the handshake, or before */
	INSIDE,  /* the method inside */
	RESULT,  /* the result was sent */
	ENDED,   /* an alert or a refusal was sent: nothing but the end is to come */
};

/* In e->own.peap. */
struct eap_peap {
	struct eap_tunnel tunnel;
	uint8_t step;
	uint8_t identifier; /* peer: of packets inside, which come without */
	bool judging;       /* the method inside waits for a verdict */
	bool over, ok;      /* the method inside has ended, and how */
	struct peap_keys keys;
	uint8_t msk[EAP_MSK_LEN];
	struct mppe_material inner_keys;
	size_t len; /* of what the machine inside sent, 0 nothing */
	uint8_t packet[EAP_PACKET_MAX];
	struct eap inner;
};

static const struct ppp_auth_list inside = { 1, { PPP_AUTH_EAP_MSCHAP2 } };

static enum eap_step reject(struct eap *e, enum pptp_reason reason, const char *why)
{
	eap_because(e, reason, why);
	return EAP_REJECT;
}

static enum eap_step put(struct eap *e, struct wire_writer *out, enum step step)
{
	e->own.peap->step = (uint8_t)step;
	e->own.peap->tunnel.tell_length &= step == SHAKING;
	eap_tunnel_put(&e->own.peap->tunnel, out);
	return EAP_SEND;
}

/* ---- the owner of the conversation inside ---- */

static void inner_send(void *user, const uint8_t *packet, size_t len)
{
	struct eap_peap *p = ((struct eap *)user)->own.peap;

	memcpy(p->packet, packet, len);
	p->len = len;
}

static void inner_random(void *user, void *buf, size_t len)
{
	struct eap *e = user;

	e->ops->random(e->user, buf, len);
}

static void inner_judge(void *user, const struct ppp_auth_request *request)
{
	struct eap *e = user;

	e->request = *request;
	e->request.method = PPP_AUTH_PEAP;
	e->own.peap->judging = true;
}

static void inner_done(void *user, bool ok, enum pptp_reason reason,
	const struct mppe_material *keys, const char *detail)
{
	struct eap *e = user;
	struct eap_peap *p = e->own.peap;

	p->over = true;
	p->ok = ok;
	p->inner_keys = *keys;
	if (!ok)
		eap_because(e, reason, detail);
}

/* The server has proven inside that it knows it: from now on the next conversation begins with it. */
static void inner_new_password(void *user, bool changed)
{
	struct eap *e = user;

	e->secret = e->own.peap->inner.secret;
	e->renewed = true;
	e->change = NULL;
	if (e->ops->new_password)
		e->ops->new_password(e->user, changed);
}

static void inner_notice(void *user, const char *text)
{
	struct eap *e = user;

	if (e->ops->notice)
		e->ops->notice(e->user, text);
}

static const struct chap_ops inner_ops = {
	.send = inner_send,
	.random = inner_random,
	.judge = inner_judge,
	.done = inner_done,
	.new_password = inner_new_password,
	.notice = inner_notice,
};

/* ---- what both ends share ---- */

static int open_tunnel(struct eap *e, bool server)
{
	const struct tls_setup setup = { .server = server };
	struct eap_peap *p = calloc(1, sizeof(*p));
	int rc;

	e->own.peap = p;
	if (!p)
		return -1;
	rc = eap_tunnel_open(&p->tunnel, eap_tls_engine(e), &setup, 0);

	/*
	 * Windows (NPS) takes a message of the handshake without its length for other data, that go
	 * into the Crypto-Binding.
	 */
	p->tunnel.tell_length = true;
	return rc;
}

static void end(struct eap *e)
{
	struct eap_peap *p = e->own.peap;

	explicit_bzero(&e->request, sizeof(e->request));
	e->own.peap = NULL;
	if (!p)
		return;
	eap_done(&p->inner);
	eap_tunnel_close(&p->tunnel);
	explicit_bzero(p, sizeof(*p));
	free(p);
}

/* A packet of the machine inside, handed to it as if it had come with its header. */
static void give(struct eap_peap *p, uint8_t code, uint8_t identifier, struct wire_reader *data)
{
	uint8_t packet[EAP_PACKET_MAX + 4];
	struct wire_writer w = wire_writer(packet, sizeof(packet));
	size_t len = wire_left(data);

	wire_put_u8(&w, code);
	wire_put_u8(&w, identifier);
	wire_put_u16(&w, (uint16_t)(len + 4));
	wire_put_bytes(&w, wire_bytes(data, len), len);
	p->len = 0;
	p->judging = false;
	eap_receive(&p->inner, packet, wire_written(&w), 0);
}

static int write_tunnel(struct eap_peap *p, const uint8_t *data, size_t len)
{
	return p->tunnel.engine->write(p->tunnel.tls, data, len);
}

/* What the machine inside has sent. */
static enum eap_step put_inner(struct eap *e, struct wire_writer *out)
{
	struct eap_peap *p = e->own.peap;

	if (!p->len)
		return reject(e, PPTP_AUTH_FAILED, p->inner.ignored ? p->inner.ignored : MALFORMED);
	if (write_tunnel(p, p->packet + 4, p->len - 4))
		return reject(e, PPTP_AUTH_FAILED, CLOSED);
	return put(e, out, INSIDE);
}

/* A packet with a result, unless that is PEAP_NO_RESULT, and with a binding. The identifier is that
 * of the packet outside: hostapd wants it. */
static int write_tlvs(
	struct eap *e, const struct wire_writer *out, enum peap_result result, bool binding)
{
	bool server = e->role == CHAP_AUTHENTICATOR;
	uint8_t packet[5 + 6 + PEAP_BINDING_LEN], nonce[PEAP_NONCE_LEN];
	struct wire_writer w = wire_writer(packet, sizeof(packet));

	wire_put_u8(&w, server ? EAP_REQUEST : EAP_RESPONSE);
	wire_put_u8(&w, out->start[1]);
	wire_put_u16(&w, 0);
	wire_put_u8(&w, PEAP_TLV_TYPE);
	if (result != PEAP_NO_RESULT)
		peap_put_result(&w, result);
	if (binding) {
		e->ops->random(e->user, nonce, sizeof(nonce));
		peap_put_binding(&w, &e->own.peap->keys,
			server ? PEAP_BIND_REQUEST : PEAP_BIND_RESPONSE, nonce);
	}
	wire_patch_u16(&w, 2, (uint16_t)wire_written(&w));
	return write_tunnel(e->own.peap, packet, wire_written(&w));
}

/* Is it a packet with TLVs? `r` is behind its type then, else where it was. */
static bool has_tlvs(struct wire_reader *r, uint8_t code)
{
	struct wire_reader look = *r;
	size_t len = wire_left(r);
	bool is = wire_u8(&look) == code;

	(void)wire_u8(&look);
	is &= wire_u16(&look) == len;
	is &= wire_u8(&look) == PEAP_TLV_TYPE;
	if (is && !look.failed)
		*r = look;
	return is && !look.failed;
}

/* The method inside has succeeded: the keys to bind with. */
static int derive(struct eap_peap *p)
{
	if (eap_tunnel_msk(&p->tunnel, PEAP_TYPE, p->msk))
		return -1;
	peap_keys_derive(&p->keys, p->msk, &p->inner_keys);
	return 0;
}

static void take_keys(struct eap *e, bool bound)
{
	struct eap_peap *p = e->own.peap;

	if (bound)
		peap_keys_session(&p->keys, p->msk);
	eap_msk_keys(p->msk, &e->keys);
}

/* ---- authenticator ---- */

static enum eap_step start(struct eap *e, struct wire_writer *out)
{
	if (open_tunnel(e, true))
		return reject(e, PPTP_AUTH_CERTIFICATE, NO_TLS);
	eap_tunnel_put_start(&e->own.peap->tunnel, out);
	return EAP_SEND;
}

/* The alert, if there is one, is to be heard before Failure. */
static enum eap_step end_with_alert(struct eap *e, const char *why, struct wire_writer *out)
{
	eap_because(e, PPTP_AUTH_CERTIFICATE, why);
	return eap_tunnel_waiting(&e->own.peap->tunnel) ? put(e, out, ENDED) : EAP_REJECT;
}

static enum eap_step start_inner(struct eap *e, struct wire_writer *out)
{
	struct eap_peap *p = e->own.peap;

	eap_start_authenticator(&p->inner, &inside, e->name, EAP_PACKET_MAX, &inner_ops, e, 0);
	return put_inner(e, out);
}

static enum eap_step send_result(struct eap *e, struct wire_writer *out)
{
	struct eap_peap *p = e->own.peap;

	if (p->ok && derive(p))
		return reject(e, PPTP_AUTH_FAILED, CLOSED);
	if (write_tlvs(e, out, p->ok ? PEAP_SUCCESS : PEAP_FAILURE, p->ok))
		return reject(e, PPTP_AUTH_FAILED, CLOSED);
	return put(e, out, RESULT);
}

/* What follows from what the machine inside did. */
static enum eap_step follow(struct eap *e, struct wire_writer *out)
{
	struct eap_peap *p = e->own.peap;

	e->attempts = p->inner.attempts;
	if (p->judging) {
		p->judging = false;
		return EAP_JUDGE;
	}
	if (p->over)
		return send_result(e, out);
	e->patience = p->inner.patience;
	return put_inner(e, out);
}

static enum eap_step receive_agreement(struct eap *e, struct wire_reader *r)
{
	struct eap_peap *p = e->own.peap;
	struct peap_tlvs t;

	if (!has_tlvs(r, EAP_RESPONSE) || peap_decode_tlvs(&t, r))
		return reject(e, PPTP_AUTH_FAILED, MALFORMED);
	if (t.result != PEAP_SUCCESS || t.mandatory)
		return reject(
			e, PPTP_AUTH_FAILED, "the client did not agree to the result of PEAP");
	if (!t.has_binding && !e->binding_optional)
		return reject(e, PPTP_AUTH_FAILED,
			"the client did not bind its password to TLS (Crypto-Binding), as is "
			"required here");
	if (t.has_binding && !peap_binding_fits(&p->keys, PEAP_BIND_RESPONSE, &t))
		return reject(e, PPTP_AUTH_FAILED,
			"the client's Crypto-Binding is wrong: its TLS may end at somebody else");
	take_keys(e, t.has_binding);
	return EAP_ACCEPT;
}

static enum eap_step turn_open_authenticator(
	struct eap *e, enum tls_version version, struct wire_writer *out)
{
	struct eap_peap *p = e->own.peap;
	uint8_t data[EAP_PACKET_MAX];
	int n = p->tunnel.engine->read(p->tunnel.tls, data, sizeof(data));
	struct wire_reader r = wire_reader(data, n > 0 ? (size_t)n : 0);
	enum eap_step step;

	if (p->step == SHAKING && !n) {
		/* TLS 1.2: Finished, to be acknowledged; what TLS 1.3 has left goes along. */
		if (version < TLS_1_3 && eap_tunnel_waiting(&p->tunnel))
			return put(e, out, SHAKING);
		return start_inner(e, out);
	}
	if (n <= 0 || p->step == SHAKING) {
		step = reject(e, PPTP_AUTH_FAILED, MALFORMED);
	} else if (p->step == RESULT) {
		step = receive_agreement(e, &r);
	} else {
		give(p, EAP_RESPONSE, p->inner.identifier, &r);
		step = follow(e, out);
	}
	explicit_bzero(data, sizeof(data));
	return step;
}

static enum eap_step turn_authenticator(struct eap *e, struct wire_writer *out)
{
	struct eap_peap *p = e->own.peap;
	struct tls_status status = eap_tunnel_status(&p->tunnel);

	/* The words are there, whatever was answered. */
	if (p->step == ENDED || (p->step == RESULT && !p->ok))
		return EAP_REJECT;
	if (status.state == TLS_FAILED)
		return end_with_alert(e, status.why, out);
	if (status.state == TLS_OPEN)
		return turn_open_authenticator(e, status.version, out);
	if (!eap_tunnel_waiting(&p->tunnel) && p->tunnel.empty)
		return reject(e, PPTP_AUTH_CERTIFICATE, STOPPED);
	return put(e, out, SHAKING);
}

static enum eap_step response(struct eap *e, struct wire_reader *in, struct wire_writer *out)
{
	struct eap_tunnel *t = &e->own.peap->tunnel;

	switch (eap_tunnel_receive(t, in, out)) {
	case EAP_TUNNEL_REPLY:
		return EAP_SEND;
	case EAP_TUNNEL_TURN:
		return turn_authenticator(e, out);
	case EAP_TUNNEL_BROKEN:
		return reject(e, PPTP_AUTH_CERTIFICATE, t->why);
	case EAP_TUNNEL_BEGIN:
	case EAP_TUNNEL_IGNORE:
		break;
	}
	e->ignored = t->why;
	return EAP_IGNORE;
}

static enum eap_step verdict(
	struct eap *e, const struct ppp_auth_verdict *verdict, struct wire_writer *out)
{
	struct eap_peap *p = e->own.peap;

	explicit_bzero(&e->request, sizeof(e->request));
	p->len = 0;
	eap_verdict(&p->inner, verdict, 0);
	return follow(e, out);
}

/* ---- peer ---- */

/* What went wrong here, `request` says. */
static void begin(struct eap *e)
{
	if (open_tunnel(e, false))
		return;
	eap_start_peer(&e->own.peap->inner, &inside, e->name, &e->secret, EAP_PACKET_MAX,
		&inner_ops, e, 0);
	eap_set_change(&e->own.peap->inner, e->change);
}

static enum eap_step refuse(
	struct eap *e, const char *why, enum pptp_reason reason, struct wire_writer *out)
{
	eap_because(e, reason, why);
	e->outcome = EAP_REFUSED;
	return put(e, out, ENDED);
}

/* The same, so that the server learns of it. */
static enum eap_step refuse_result(
	struct eap *e, const char *why, enum pptp_reason reason, struct wire_writer *out)
{
	if (write_tlvs(e, out, PEAP_FAILURE, false))
		return reject(e, PPTP_AUTH_FAILED, CLOSED);
	return refuse(e, why, reason, out);
}

static enum eap_step receive_failure(struct eap *e, struct wire_writer *out)
{
	const struct eap *inner = &e->own.peap->inner;

	if (inner->outcome == EAP_REFUSED)
		return refuse_result(e, inner->words, inner->reason, out);
	return refuse_result(e, "the server refused, without saying why", PPTP_AUTH_FAILED, out);
}

static enum eap_step receive_success(
	struct eap *e, const struct peap_tlvs *t, struct wire_writer *out)
{
	struct eap_peap *p = e->own.peap;

	if (p->inner.outcome != EAP_PROVEN)
		return refuse_result(e,
			"it claims success, but has not proven that it knows the password",
			PPTP_AUTH_PEER_UNPROVEN, out);
	eap_implied_success(&p->inner);
	if (derive(p))
		return reject(e, PPTP_AUTH_FAILED, CLOSED);
	if (t->has_binding && !peap_binding_fits(&p->keys, PEAP_BIND_REQUEST, t))
		return refuse_result(e,
			"its Crypto-Binding is wrong: TLS may end at somebody between the two",
			PPTP_AUTH_PEER_UNPROVEN, out);
	if (write_tlvs(e, out, PEAP_SUCCESS, t->has_binding))
		return reject(e, PPTP_AUTH_FAILED, CLOSED);
	take_keys(e, t->has_binding);
	e->outcome = EAP_PROVEN;
	return put(e, out, RESULT);
}

static enum eap_step receive_tlvs(struct eap *e, struct wire_reader *r, struct wire_writer *out)
{
	struct peap_tlvs t;

	if (peap_decode_tlvs(&t, r))
		return refuse_result(e, MALFORMED, PPTP_AUTH_FAILED, out);
	if (t.result == PEAP_FAILURE)
		return receive_failure(e, out);
	if (t.mandatory)
		return refuse_result(e,
			"the server demands something of PEAP that there is not here",
			PPTP_AUTH_FAILED, out);
	if (t.result == PEAP_SUCCESS)
		return receive_success(e, &t, out);
	/* Of things that we need not know, like a statement of health: nothing to say. */
	if (write_tlvs(e, out, PEAP_NO_RESULT, false))
		return reject(e, PPTP_AUTH_FAILED, CLOSED);
	return put(e, out, INSIDE);
}

static enum eap_step receive_inner(struct eap *e, struct wire_reader *r, struct wire_writer *out)
{
	struct eap_peap *p = e->own.peap;

	if (has_tlvs(r, EAP_REQUEST))
		return receive_tlvs(e, r, out);
	give(p, EAP_REQUEST, ++p->identifier, r);
	if (p->over)
		return EAP_REJECT; /* inner_done() told the words */
	e->outcome = EAP_UNDECIDED;
	if (p->inner.outcome == EAP_REFUSED) {
		eap_because(e, p->inner.reason, p->inner.words);
		e->outcome = EAP_REFUSED;
	}
	return put_inner(e, out);
}

static enum eap_step turn_open_peer(
	struct eap *e, const struct tls_status *status, struct wire_writer *out)
{
	struct eap_peap *p = e->own.peap;
	uint8_t data[EAP_PACKET_MAX];
	enum eap_step step;
	struct wire_reader r;
	int n;

	if (!status->peer)
		return refuse(e, "the server showed no certificate", PPTP_AUTH_CERTIFICATE, out);
	if (status->peer->count) {
		r = wire_reader(status->peer->names[0], strlen(status->peer->names[0]));
		(void)eap_keep_identity(e, &r);
	}
	n = p->tunnel.engine->read(p->tunnel.tls, data, sizeof(data));
	if (n < 0)
		return refuse(e, MALFORMED, PPTP_AUTH_FAILED, out);
	if (n == 0)
		return put(e, out, INSIDE);
	r = wire_reader(data, (size_t)n);
	step = receive_inner(e, &r, out);
	explicit_bzero(data, sizeof(data));
	return step;
}

static enum eap_step turn_peer(struct eap *e, struct wire_writer *out)
{
	struct eap_peap *p = e->own.peap;
	struct tls_status status = eap_tunnel_status(&p->tunnel);

	if (p->step == ENDED)
		return put(e, out, ENDED);
	/* What the server has proven to have said stands. */
	if (e->outcome == EAP_PROVEN)
		return put(e, out, RESULT);
	if (status.state == TLS_FAILED)
		return refuse(e, status.why, PPTP_AUTH_CERTIFICATE, out);
	if (status.state == TLS_OPEN)
		return turn_open_peer(e, &status, out);
	return put(e, out, SHAKING);
}

static enum eap_step request(struct eap *e, struct wire_reader *in, struct wire_writer *out)
{
	struct eap_peap *p = e->own.peap;

	if (!p || !p->tunnel.tls)
		return reject(e, PPTP_AUTH_CERTIFICATE, NO_TLS);
	if (p->over)
		return EAP_REJECT; /* the name will not do: inner_done() told the words */
	switch (eap_tunnel_receive(&p->tunnel, in, out)) {
	case EAP_TUNNEL_REPLY:
		return EAP_SEND;
	case EAP_TUNNEL_BEGIN:
		/* Another version that it offers is answered by ours, which it then takes or not. */
		p->tunnel.engine->run(p->tunnel.tls);
		return turn_peer(e, out);
	case EAP_TUNNEL_TURN:
		return turn_peer(e, out);
	case EAP_TUNNEL_BROKEN:
		return reject(e, PPTP_AUTH_CERTIFICATE, p->tunnel.why);
	case EAP_TUNNEL_IGNORE:
		break;
	}
	e->ignored = p->tunnel.why;
	return EAP_IGNORE;
}

const struct eap_method eap_method_peap = {
	.type = PEAP_TYPE,
	.method = PPP_AUTH_PEAP,
	.tls = true,
	.start = start,
	.response = response,
	.verdict = verdict,
	.begin = begin,
	.request = request,
	.end = end,
};
