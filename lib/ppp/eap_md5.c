/*
 * EAP's method MD5-Challenge (RFC 3748 5.4): CHAP with MD5 (RFC 1994 section 4.1) in a Request and
 * a Response. The identifier that is hashed is that of EAP. It proves the peer, not the server, and
 * makes no keys.
 *
 * Who it is says the Identity; the name in the Response is not looked at, as in Linux' pppd.
 */
#include "lib/ppp/chap_method.h"
#include "lib/ppp/eap_method.h"

#include <string.h>

#define MD5_LEN 16

/* ---- authenticator ---- */

static enum eap_step start(struct eap *e, struct wire_writer *out)
{
	struct ppp_auth_request *r = &e->request;

	memset(r, 0, sizeof(*r));
	r->method = PPP_AUTH_EAP_MD5;
	memcpy(r->name, e->identity, sizeof(r->name));
	e->own.md5.challenge_len = sizeof(r->challenge);
	e->ops->random(e->user, r->challenge, sizeof(r->challenge));
	wire_put_u8(out, sizeof(r->challenge));
	wire_put_bytes(out, r->challenge, sizeof(r->challenge));
	wire_put_bytes(out, e->name, strnlen(e->name, PPP_NAME_MAX));
	return EAP_SEND;
}

static enum eap_step response(struct eap *e, struct wire_reader *in, struct wire_writer *out)
{
	uint8_t md5[MD5_LEN];

	(void)out;
	if (wire_u8(in) != sizeof(md5)) {
		e->ignored = "the Response was malformed";
		return EAP_IGNORE;
	}
	wire_copy(in, md5, sizeof(md5));
	if (in->failed) {
		e->ignored = "the Response was malformed";
		return EAP_IGNORE;
	}
	memcpy(e->request.md5, md5, sizeof(md5));
	e->request.identifier = e->identifier;
	return EAP_JUDGE;
}

static enum eap_step verdict(
	struct eap *e, const struct ppp_auth_verdict *verdict, struct wire_writer *out)
{
	char words[CHAP_REFUSAL_MAX], message[sizeof(verdict->message) + 1] = "";
	unsigned int error = verdict->error ? verdict->error : 691;

	(void)out;
	if (verdict->ok)
		return EAP_ACCEPT;
	memcpy(message, verdict->message, strnlen(verdict->message, sizeof(verdict->message)));
	chap_refusal(words, error, message);
	eap_because(e, ppp_auth_error_reason(error), words);
	return EAP_REJECT;
}

/* ---- peer ---- */

static void begin(struct eap *e)
{
	(void)e;
}

static enum eap_step request(struct eap *e, struct wire_reader *in, struct wire_writer *out)
{
	size_t len = wire_u8(in);
	const uint8_t *challenge = wire_bytes(in, len);
	uint8_t md5[MD5_LEN];

	if (in->failed || !len) {
		e->ignored = "the Challenge was malformed";
		return EAP_IGNORE;
	}
	if (!e->secret.password) {
		eap_because(e, PPTP_AUTH_FAILED, "EAP-MD5 needs the password itself");
		return EAP_REJECT;
	}
	ppp_auth_md5(out->start[1], e->secret.password, challenge, len, md5);
	wire_put_u8(out, sizeof(md5));
	wire_put_bytes(out, md5, sizeof(md5));
	wire_put_bytes(out, e->name, strnlen(e->name, PPP_NAME_MAX));
	/* The rest is the server's name, for reports. */
	eap_keep_identity(e, in);
	e->outcome = EAP_POSSIBLE;
	return EAP_SEND;
}

static void end(struct eap *e)
{
	explicit_bzero(&e->own.md5, sizeof(e->own.md5));
	explicit_bzero(e->request.md5, sizeof(e->request.md5));
}

const struct eap_method eap_method_md5 = {
	.type = 4,
	.method = PPP_AUTH_EAP_MD5,
	.start = start,
	.response = response,
	.verdict = verdict,
	.begin = begin,
	.request = request,
	.end = end,
};
