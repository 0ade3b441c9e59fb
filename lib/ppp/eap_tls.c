/*
 * EAP's method TLS (type 13; RFC 5216 2.1.1 and 2.1.3, and RFC 9190 for TLS 1.3): both ends prove themselves by
 * certificates. TLS itself is the owner's (tls.h), fragments are eap_tunnel's.
 *
 *	authenticator: Start -> handshake -> judge (whom the certificate stands for)
 *	               -> Finished, or in TLS 1.3 the octet 0x00 -> acknowledged: Success
 *	               -> an alert -> any Response: Failure
 *
 * Invariants: an authenticator accepts only after a verdict on a certificate; a peer takes no
 * Success before the server's Finished and, in TLS 1.3, before the octet 0x00 that came after its
 * own Finished (RFC 9190 2.5); keys are there from then on. An alert is sent before the end, so
 * that the other end can tell why.
 */
#include "lib/ppp/eap_method.h"

#include <string.h>

#define TYPE      13
#define NO_TLS    "there is no memory for a session of TLS"
#define STOPPED   "the other end did not go on with the handshake of TLS"
#define NO_PERSON "the other end showed no certificate"

enum step {
	SHAKING,  /* the handshake, or before */
	JUDGED,   /* authenticator: the last of TLS is on its way */
	FINISHED, /* peer: all of its handshake was sent */
	ENDED,    /* an alert was sent or came: nothing but the end is to come */
};

static enum eap_step reject(struct eap *e, const char *why)
{
	eap_because(e, PPTP_AUTH_CERTIFICATE, why);
	return EAP_REJECT;
}

static enum eap_step put(struct eap *e, struct wire_writer *out, enum step step)
{
	e->own.tls.step = (uint8_t)step;
	eap_tunnel_put(&e->own.tls.tunnel, out);
	return EAP_SEND;
}

static int open_tunnel(struct eap *e, bool server)
{
	const struct tls_setup setup = { .server = server, .certificate = true };

	e->own.tls.step = SHAKING;
	return eap_tunnel_open(&e->own.tls.tunnel, eap_tls_engine(e), &setup, 0);
}

static int take_keys(struct eap *e)
{
	uint8_t msk[EAP_MSK_LEN];
	int rc = eap_tunnel_msk(&e->own.tls.tunnel, TYPE, msk);

	if (!rc)
		eap_msk_keys(msk, &e->keys);
	explicit_bzero(msk, sizeof(msk));
	return rc;
}

/* ---- authenticator ---- */

static enum eap_step start(struct eap *e, struct wire_writer *out)
{
	if (open_tunnel(e, true))
		return reject(e, NO_TLS);
	eap_tunnel_put_start(&e->own.tls.tunnel, out);
	return EAP_SEND;
}

/* The alert, if there is one, is to be heard before Failure (RFC 5216 2.1.3). */
static enum eap_step end_with_alert(struct eap *e, const char *why, struct wire_writer *out)
{
	eap_because(e, PPTP_AUTH_CERTIFICATE, why);
	return eap_tunnel_waiting(&e->own.tls.tunnel) ? put(e, out, ENDED) : EAP_REJECT;
}

/* Who it is: by the certificate. The Identity is a hint, as it may be anybody's. */
static enum eap_step judge(struct eap *e, const struct tls_status *status)
{
	struct ppp_auth_request *r = &e->request;

	if (!status->peer || !status->peer->count)
		return reject(e, NO_PERSON);
	memset(r, 0, sizeof(*r));
	r->method = PPP_AUTH_EAP_TLS;
	memcpy(r->name, e->identity, sizeof(r->name));
	r->certificate = status->peer;
	return EAP_JUDGE;
}

static enum eap_step turn_authenticator(struct eap *e, struct wire_writer *out)
{
	struct eap_tunnel *t = &e->own.tls.tunnel;
	struct tls_status status = eap_tunnel_status(t);

	if (e->own.tls.step == ENDED)
		return EAP_REJECT; /* the words are there */
	if (status.state == TLS_FAILED)
		return end_with_alert(e, status.why, out);
	if (e->own.tls.step == JUDGED)
		return EAP_ACCEPT;
	if (status.state == TLS_OPEN)
		return judge(e, &status);
	if (!eap_tunnel_waiting(t) && t->empty)
		return reject(e, STOPPED);
	return put(e, out, SHAKING);
}

static enum eap_step response(struct eap *e, struct wire_reader *in, struct wire_writer *out)
{
	struct eap_tunnel *t = &e->own.tls.tunnel;

	switch (eap_tunnel_receive(t, in, out)) {
	case EAP_TUNNEL_REPLY:
		return EAP_SEND;
	case EAP_TUNNEL_TURN:
		return turn_authenticator(e, out);
	case EAP_TUNNEL_BROKEN:
		return reject(e, t->why);
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
	static const uint8_t success[1]; /* RFC 9190 2.5 */
	struct eap_tunnel *t = &e->own.tls.tunnel;
	int rc = 0;

	e->request.certificate = NULL;
	if (!verdict->ok) {
		const char *why = "the certificate stands for no account that may log on";

		t->engine->refuse(t->tls, TLS_ALERT_ACCESS_DENIED, why);
		(void)end_with_alert(e, why, out);
		e->reason = ppp_auth_error_reason(verdict->error);
		return e->own.tls.step == ENDED ? EAP_SEND : EAP_REJECT;
	}
	if (eap_tunnel_status(t).version >= TLS_1_3)
		rc = t->engine->write(t->tls, success, sizeof(success));
	if (rc || take_keys(e))
		return reject(e, "TLS was no longer open when the verdict came");
	return eap_tunnel_waiting(t) ? put(e, out, JUDGED) : EAP_ACCEPT;
}

/* ---- peer ---- */

/* What went wrong here, `request` says. */
static void begin(struct eap *e)
{
	(void)open_tunnel(e, false);
}

static enum eap_step refuse(
	struct eap *e, const char *why, enum pptp_reason reason, struct wire_writer *out)
{
	eap_because(e, reason, why);
	e->outcome = EAP_REFUSED;
	explicit_bzero(&e->keys, sizeof(e->keys));
	return put(e, out, ENDED);
}

/* TLS is open: has the server come to an end, too? */
static enum eap_step turn_open(
	struct eap *e, const struct tls_status *status, struct wire_writer *out)
{
	struct eap_tunnel *t = &e->own.tls.tunnel;
	bool sent = e->own.tls.step == FINISHED;
	uint8_t data[1];
	int n;

	if (!status->peer)
		return refuse(e, NO_PERSON, PPTP_AUTH_CERTIFICATE, out);
	if (status->peer->count) {
		struct wire_reader r =
			wire_reader(status->peer->names[0], strlen(status->peer->names[0]));

		(void)eap_keep_identity(e, &r);
	}
	n = t->engine->read(t->tls, data, sizeof(data));
	if (status->version >= TLS_1_3 && n == 1 && data[0] == 0 && sent && !take_keys(e)) {
		e->outcome = EAP_PROVEN;
	} else if (n) {
		t->engine->refuse(t->tls, TLS_ALERT_INTERNAL_ERROR, "");
		return refuse(e, "the server sent data that does not belong to EAP-TLS",
			PPTP_AUTH_CERTIFICATE, out);
	} else if (status->version < TLS_1_3 && !take_keys(e)) {
		e->outcome = EAP_POSSIBLE;
	}
	return put(e, out, FINISHED);
}

static enum eap_step turn_peer(struct eap *e, struct wire_writer *out)
{
	struct eap_tunnel *t = &e->own.tls.tunnel;
	struct tls_status status = eap_tunnel_status(t);

	if (e->own.tls.step == ENDED)
		return put(e, out, ENDED);
	/* What the server has proven to have said stands. */
	if (e->outcome == EAP_PROVEN)
		return put(e, out, FINISHED);
	if (status.state == TLS_FAILED)
		return refuse(e, status.why, PPTP_AUTH_CERTIFICATE, out);
	if (status.state == TLS_OPEN)
		return turn_open(e, &status, out);
	return put(e, out, SHAKING);
}

static enum eap_step request(struct eap *e, struct wire_reader *in, struct wire_writer *out)
{
	struct eap_tunnel *t = &e->own.tls.tunnel;

	if (!t->tls)
		return reject(e, NO_TLS);
	switch (eap_tunnel_receive(t, in, out)) {
	case EAP_TUNNEL_REPLY:
		return EAP_SEND;
	case EAP_TUNNEL_BEGIN:
		t->engine->run(t->tls);
		return turn_peer(e, out);
	case EAP_TUNNEL_TURN:
		return turn_peer(e, out);
	case EAP_TUNNEL_BROKEN:
		return reject(e, t->why);
	case EAP_TUNNEL_IGNORE:
		break;
	}
	e->ignored = t->why;
	return EAP_IGNORE;
}

static void end(struct eap *e)
{
	eap_tunnel_close(&e->own.tls.tunnel);
	e->request.certificate = NULL;
}

const struct eap_method eap_method_tls = {
	.type = TYPE,
	.method = PPP_AUTH_EAP_TLS,
	.tls = true,
	.start = start,
	.response = response,
	.verdict = verdict,
	.begin = begin,
	.request = request,
	.end = end,
};
