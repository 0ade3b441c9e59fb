/*
 * PAP, RFC 1334 section 2: Authenticate-Request (2.2.1), -Ack and -Nak (2.2.2).
 *
 *	authenticator: WAITING -> JUDGING -> DONE or FAILED
 *	peer:          REQUESTED -> DONE or FAILED
 *
 * Invariants: every state but DONE and FAILED has a finite `give_up`; `last` is the packet that a
 * repetition from the other end, or our timer, calls for.
 */
#include "lib/ppp/pap.h"

#include "lib/ppp/cp.h"
#include "lib/wire.h"

#include <errno.h>
#include <string.h>

enum { REQUEST = 1, ACK = 2, NAK = 3 };

static const struct mppe_material no_keys;

static void enter(struct pap *p, enum pap_state state, uint64_t deadline, uint64_t give_up)
{
	p->state = state;
	p->give_up = give_up;
	p->deadline = deadline < give_up ? deadline : give_up;
	p->refused = NULL;
}

static void fail(struct pap *p, enum pptp_reason reason, const char *detail)
{
	enter(p, PAP_FAILED, UINT64_MAX, UINT64_MAX);
	p->ops->done(p->user, false, reason, &no_keys, detail);
}

static void succeed(struct pap *p)
{
	enter(p, PAP_DONE, UINT64_MAX, UINT64_MAX);
	p->ops->done(p->user, true, PPTP_NONE, &no_keys, "");
}

static void transmit(struct pap *p)
{
	if (p->last_len)
		p->ops->send(p->user, p->last, p->last_len);
}

static struct wire_writer begin(struct pap *p, uint8_t code)
{
	struct wire_writer w = wire_writer(p->last, sizeof(p->last));

	wire_put_u8(&w, code);
	wire_put_u8(&w, p->request.identifier);
	wire_put_u16(&w, 0);
	return w;
}

static void put_text(struct wire_writer *w, const char *text)
{
	size_t len = strlen(text);

	if (len > UINT8_MAX)
		len = UINT8_MAX;
	wire_put_u8(w, (uint8_t)len);
	wire_put_bytes(w, text, len);
}

static void finish(struct pap *p, struct wire_writer *w)
{
	wire_patch_u16(w, 2, (uint16_t)wire_written(w));
	p->last_len = w->failed ? 0 : (uint16_t)wire_written(w);
	transmit(p);
}

static void start(struct pap *p, enum chap_role role, const struct chap_ops *ops, void *user)
{
	memset(p, 0, sizeof(*p));
	p->role = role;
	p->ops = ops;
	p->user = user;
	p->request.method = PPP_AUTH_PAP;
}

void pap_start_authenticator(struct pap *p, const struct chap_ops *ops, void *user, uint64_t now)
{
	start(p, CHAP_AUTHENTICATOR, ops, user);
	enter(p, PAP_WAITING, UINT64_MAX, now + PAP_GIVE_UP);
}

void pap_start_peer(struct pap *p, const char *name, const char *password,
	const struct chap_ops *ops, void *user, uint64_t now)
{
	struct wire_writer w;

	start(p, CHAP_PEER, ops, user);
	if (!name[0] || !password[0] || strlen(name) > PPP_NAME_MAX ||
		strlen(password) > PPP_PASSWORD_MAX) {
		fail(p, PPTP_AUTH_FAILED,
			"the user name or the password is empty or longer than 255 octets");
		return;
	}
	ops->random(user, &p->request.identifier, sizeof(p->request.identifier));
	enter(p, PAP_REQUESTED, now + PAP_RETRANSMIT, now + PAP_GIVE_UP);
	w = begin(p, REQUEST);
	put_text(&w, name);
	put_text(&w, password);
	finish(p, &w);
}

/* One octet of length and so many of text, without a NUL. */
static int decode_text(struct wire_reader *r, char text[256])
{
	size_t len = wire_u8(r);
	const uint8_t *bytes = wire_bytes(r, len);

	if (r->failed || memchr(bytes, 0, len))
		return -EBADMSG;
	memcpy(text, bytes, len);
	text[len] = '\0';
	return 0;
}

static void receive_request(
	struct pap *p, uint8_t identifier, struct wire_reader *body, uint64_t now)
{
	struct ppp_auth_request request = { .method = PPP_AUTH_PAP, .identifier = identifier };

	if (p->state == PAP_DONE || p->state == PAP_FAILED) {
		/* RFC 1334 2.2.1: the same answer, under the identifier of this request. */
		if (p->last_len)
			p->last[1] = identifier;
		transmit(p);
		return;
	}
	if (p->state != PAP_WAITING)
		return;
	if (decode_text(body, request.name) || decode_text(body, request.password) ||
		!request.name[0] || !request.password[0]) {
		p->refused = "the Authenticate-Request was malformed";
		explicit_bzero(&request, sizeof(request));
		return;
	}
	p->request = request;
	explicit_bzero(&request, sizeof(request));
	enter(p, PAP_JUDGING, UINT64_MAX, now + CHAP_JUDGE_TIMEOUT);
	p->ops->judge(p->user, &p->request);
}

void pap_verdict(struct pap *p, const struct ppp_auth_verdict *verdict, uint64_t now)
{
	struct wire_writer w;
	char message[sizeof(verdict->message) + 1] = "";

	(void)now;
	if (!p->ops || p->role != CHAP_AUTHENTICATOR || p->state != PAP_JUDGING)
		return;
	explicit_bzero(p->request.password, sizeof(p->request.password));
	memcpy(message, verdict->message, strnlen(verdict->message, sizeof(verdict->message)));
	w = begin(p, verdict->ok ? ACK : NAK);
	put_text(&w, message);
	finish(p, &w);
	if (verdict->ok)
		succeed(p);
	else
		fail(p, ppp_auth_error_reason(verdict->error), message);
}

/* The message is for people, and not trusted: escaped. */
static void receive_answer(struct pap *p, uint8_t code, struct wire_reader *body)
{
	char raw[256] = "", text[160];

	if (p->state != PAP_REQUESTED)
		return;
	/* Some send no message at all, not even its length. */
	if (wire_left(body) && decode_text(body, raw))
		raw[0] = '\0';
	if (code == ACK) {
		explicit_bzero(p->last, sizeof(p->last));
		p->last_len = 0;
		succeed(p);
		return;
	}
	cp_escape(text, sizeof(text), (const uint8_t *)raw, strlen(raw));
	fail(p, PPTP_AUTH_FAILED, text);
}

/* One of those that our requests had. */
static bool is_ours(const struct pap *p, uint8_t identifier)
{
	uint8_t first = p->request.identifier;

	return p->last_len && (uint8_t)(identifier - first) <= (uint8_t)(p->last[1] - first);
}

void pap_receive(struct pap *p, const uint8_t *packet, size_t len, uint64_t now)
{
	struct wire_reader r = wire_reader(packet, len), body;
	uint8_t code = wire_u8(&r), identifier = wire_u8(&r);
	uint16_t length = wire_u16(&r);

	if (!p->ops)
		return;
	body = wire_sub(&r, length >= 4 ? length - 4u : SIZE_MAX); /* what follows is padding */
	if (body.failed) {
		p->refused = "a malformed PAP packet came";
		return;
	}
	if (p->role == CHAP_AUTHENTICATOR && code == REQUEST)
		receive_request(p, identifier, &body, now);
	else if (p->role == CHAP_PEER && (code == ACK || code == NAK) && is_ours(p, identifier))
		receive_answer(p, code, &body);
}

void pap_tick(struct pap *p, uint64_t now)
{
	const char *why = p->refused;

	if (!p->ops || now < p->deadline)
		return;
	if (now < p->give_up) {
		/* RFC 1334 2.2.1: another identifier each time; the answer to any of them counts.
		 */
		p->last[1]++;
		transmit(p);
		p->deadline = now + PAP_RETRANSMIT < p->give_up ? now + PAP_RETRANSMIT : p->give_up;
		return;
	}
	if (p->state == PAP_JUDGING)
		fail(p, PPTP_AUTH_TIMEOUT, "nobody judged the Authenticate-Request in time");
	else if (p->state == PAP_WAITING)
		fail(p, PPTP_AUTH_TIMEOUT, why ? why : "no Authenticate-Request came");
	else
		fail(p, PPTP_AUTH_TIMEOUT, why ? why : "the Authenticate-Request was not answered");
}

void pap_done(struct pap *p)
{
	explicit_bzero(p, sizeof(*p));
	p->deadline = p->give_up = UINT64_MAX;
}
