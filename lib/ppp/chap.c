/*
 * CHAP (RFC 1994): authenticator and peer, for all algorithms.
 *
 *	authenticator: CHALLENGED -> JUDGING -> DONE or FAILED, or back to CHALLENGED (R=1)
 *	peer:          IDLE -> RESPONDED -> DONE or FAILED; DONE -> RESPONDED at a later Challenge
 *
 * Invariants: every state but DONE and FAILED has a finite `give_up`, which nothing that is
 * received moves while the state stays; `last` is the packet that a repetition from the other end
 * calls for, or empty.
 */
#include "lib/ppp/chap.h"

#include "lib/ppp/chap_method.h"
#include "lib/ppp/cp.h"

#include <errno.h>
#include <string.h>

/* RFC 1994 section 4. */
enum { CHALLENGE = 1, RESPONSE = 2, SUCCESS = 3, FAILURE = 4 };

struct packet {
	uint8_t code, identifier;
	struct wire_reader body;
};

static const struct mppe_material no_keys;

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void enter(struct chap *c, enum chap_state state, uint64_t deadline, uint64_t give_up)
{
	c->state = state;
	c->give_up = give_up;
	c->deadline = earlier(deadline, give_up);
	c->refused = NULL;
}

static void succeed(struct chap *c, const struct mppe_material *keys)
{
	bool again = c->succeeded;

	enter(c, CHAP_DONE, UINT64_MAX, UINT64_MAX);
	c->succeeded = true;
	if (!again)
		c->ops->done(c->user, true, PPTP_NONE, keys, "");
}

static void fail(struct chap *c, enum pptp_reason reason, const char *detail)
{
	enter(c, CHAP_FAILED, UINT64_MAX, UINT64_MAX);
	c->ops->done(c->user, false, reason, &no_keys, detail);
}

/* The other end refused or was refused: E= in words, and its message. */
static void fail_error(struct chap *c, unsigned int error, const char *message)
{
	char detail[192];
	struct wire_writer w = wire_writer(detail, sizeof(detail) - 1);

	chap_put_text(&w, mschap_error_text(error));
	chap_put_text(&w, " (E=");
	chap_put_number(&w, error);
	if (message[0]) {
		chap_put_text(&w, ": ");
		chap_put_text(&w, message);
	}
	chap_put_text(&w, ")");
	detail[wire_written(&w)] = '\0';
	fail(c, ppp_auth_error_reason(error), detail);
}

static struct wire_writer begin(struct chap *c, uint8_t code, uint8_t identifier)
{
	struct wire_writer w = wire_writer(c->last, sizeof(c->last));

	wire_put_u8(&w, code);
	wire_put_u8(&w, identifier);
	wire_put_u16(&w, 0);
	return w;
}

static void transmit(struct chap *c)
{
	if (c->last_len)
		c->ops->send(c->user, c->last, c->last_len);
}

static void finish(struct chap *c, struct wire_writer *w)
{
	wire_patch_u16(w, 2, (uint16_t)wire_written(w));
	c->last_len = w->failed ? 0 : (uint16_t)wire_written(w);
	transmit(c);
}

/* Octets behind Length are padding (RFC 1994 section 4). */
static int decode(struct packet *p, const uint8_t *data, size_t len)
{
	struct wire_reader r = wire_reader(data, len);
	uint16_t length;

	p->code = wire_u8(&r);
	p->identifier = wire_u8(&r);
	length = wire_u16(&r);
	if (r.failed || length < 4)
		return -EBADMSG;
	p->body = wire_sub(&r, length - 4u);
	return p->body.failed ? -EBADMSG : 0;
}

/* The rest of a Challenge or Response behind its value, NUL-terminated. */
static int decode_name(struct wire_reader *r, char name[CHAP_NAME_MAX + 1])
{
	size_t len = wire_left(r);
	const uint8_t *bytes = wire_bytes(r, len);

	if (r->failed || len > CHAP_NAME_MAX || memchr(bytes, 0, len))
		return -EBADMSG;
	memcpy(name, bytes, len);
	name[len] = '\0';
	return 0;
}

/* Challenges of RRAS have a name, those of older Microsoft systems none (RFC 2759 section 3). */
static int decode_challenge(const struct chap *c, struct packet *p,
	uint8_t challenge[CHAP_VALUE_MAX], uint8_t *len, char name[CHAP_NAME_MAX + 1])
{
	*len = wire_u8(&p->body);
	if (!chap_challenge_fits(c->method, *len))
		return -EBADMSG;
	wire_copy(&p->body, challenge, *len);
	return decode_name(&p->body, name);
}

static int decode_response(const struct chap *c, struct packet *p, struct ppp_auth_request *request)
{
	request->method = c->method;
	request->identifier = p->identifier;
	if (chap_decode_response(c->method, &p->body, request))
		return -EBADMSG;
	if (decode_name(&p->body, request->name) || !mschap_strip_domain(request->name)[0])
		return -EBADMSG;
	return 0;
}

void chap_start_authenticator(struct chap *c, enum ppp_auth_method method, const char *name,
	const struct chap_ops *ops, void *user, uint64_t now)
{
	struct wire_writer w;

	memset(c, 0, sizeof(*c));
	c->role = CHAP_AUTHENTICATOR;
	c->method = method;
	c->challenge_len = chap_challenge_len(method);
	c->ops = ops;
	c->user = user;
	c->name = name;
	ops->random(user, &c->identifier, sizeof(c->identifier));
	ops->random(user, c->challenge, c->challenge_len);
	enter(c, CHAP_CHALLENGED, now + CHAP_RETRANSMIT, now + CHAP_GIVE_UP);
	/*
	 * Retransmitted as it is: RFC 1994 4.1 would have a new identifier and value each time, but
	 * then a Response that takes longer than our timer would never count. Linux' pppd does the
	 * same.
	 */
	w = begin(c, CHALLENGE, c->identifier);
	wire_put_u8(&w, c->challenge_len);
	wire_put_bytes(&w, c->challenge, c->challenge_len);
	wire_put_bytes(&w, name, strnlen(name, CHAP_NAME_MAX));
	finish(c, &w);
}

static void receive_response(struct chap *c, struct packet *p, uint64_t now)
{
	struct ppp_auth_request request = { 0 };
	bool again = p->identifier == c->request.identifier;
	bool retry = c->state == CHAP_CHALLENGED && c->attempts;

	if (decode_response(c, p, &request)) {
		c->refused = "the Response was malformed";
		return;
	}
	/* RFC 1994 4.1: the same reply code again, whatever is in the Response by now. */
	if (again && (c->state == CHAP_DONE || c->state == CHAP_FAILED)) {
		transmit(c);
		return;
	}
	if (again && retry && chap_same_response(&request, &c->request)) {
		transmit(c);
		return;
	}
	/*
	 * A retry has the next identifier (RFC 2433 appendix B.1); the old one with another content
	 * is taken for one, too, since RFC 2759 does not say it and it counts as an attempt all the
	 * same.
	 */
	if (c->state != CHAP_CHALLENGED || (p->identifier != c->identifier && !(again && retry)))
		return;
	memcpy(request.challenge, c->challenge, c->challenge_len);
	c->request = request;
	enter(c, CHAP_JUDGING, UINT64_MAX, now + CHAP_JUDGE_TIMEOUT);
	c->ops->judge(c->user, &c->request);
}

static void send_success(struct chap *c, const struct ppp_auth_verdict *verdict)
{
	struct wire_writer w = begin(c, SUCCESS, c->request.identifier);

	chap_put_success(c->method, &w, verdict);
	finish(c, &w);
}

/* The challenge must be there even if no retry is allowed (RFC 2759 section 6). */
static void send_failure(struct chap *c, unsigned int error, bool retry, const char *message)
{
	struct wire_writer w = begin(c, FAILURE, c->request.identifier);

	c->ops->random(c->user, c->challenge, c->challenge_len);
	c->identifier = (uint8_t)(c->request.identifier + 1);
	chap_put_failure(c->method, &w, error, retry, c->challenge, message);
	finish(c, &w);
}

void chap_verdict(struct chap *c, const struct ppp_auth_verdict *verdict, uint64_t now)
{
	unsigned int error = verdict->error ? verdict->error : 691;
	char message[sizeof(verdict->message) + 1] = "";
	bool retry;

	if (!c->ops || c->role != CHAP_AUTHENTICATOR || c->state != CHAP_JUDGING)
		return;
	/* Without a proof the peer would have to hang up on us (RFC 2759 section 5): a broken
	 * judge. */
	if (verdict->ok && chap_verdict_fits(c->method, verdict)) {
		send_success(c, verdict);
		succeed(c, &verdict->keys);
		return;
	}
	memcpy(message, verdict->message, strnlen(verdict->message, sizeof(verdict->message)));
	c->attempts++;
	retry = !verdict->ok && verdict->retry && c->attempts < CHAP_ATTEMPTS &&
		chap_has_retry(c->method);
	send_failure(c, error, retry, message);
	if (retry)
		/* Not sent again by a timer: at each, Windows asks its user once more. */
		enter(c, CHAP_CHALLENGED, UINT64_MAX, now + CHAP_RETRY_TIMEOUT);
	else if (verdict->ok)
		fail(c, PPTP_AUTH_FAILED, "no authenticator response came with the verdict");
	else
		fail_error(c, error, message);
}

void chap_start_peer(struct chap *c, enum ppp_auth_method method, const char *name,
	const struct ppp_secret *secret, const struct chap_ops *ops, void *user, uint64_t now)
{
	memset(c, 0, sizeof(*c));
	c->role = CHAP_PEER;
	c->method = method;
	c->ops = ops;
	c->user = user;
	c->name = name;
	c->secret = *secret;
	enter(c, CHAP_IDLE, UINT64_MAX, now + CHAP_GIVE_UP);
}

/* Zero and a packet in `last` that has been sent; -EINVAL if our name or secret does not do. */
static int respond(struct chap *c)
{
	size_t len = strnlen(c->name, CHAP_NAME_MAX + 1);
	struct wire_writer w = begin(c, RESPONSE, c->identifier);

	if (!mschap_strip_domain(c->name)[0] || len > CHAP_NAME_MAX)
		return -EINVAL;
	if (chap_put_response(c, &w))
		return -EINVAL;
	wire_put_bytes(&w, c->name, len);
	finish(c, &w);
	return 0;
}

static void receive_challenge(struct chap *c, struct packet *p, uint64_t now)
{
	char name[CHAP_NAME_MAX + 1];
	uint8_t challenge[CHAP_VALUE_MAX], len;

	if (c->state == CHAP_FAILED)
		return;
	if (decode_challenge(c, p, challenge, &len, name)) {
		c->refused = "the Challenge was malformed";
		return;
	}
	if (c->state != CHAP_IDLE && p->identifier == c->identifier && len == c->challenge_len &&
		!memcmp(challenge, c->challenge, len)) {
		transmit(c);
		if (c->state == CHAP_RESPONDED)
			c->deadline = earlier(now + CHAP_RETRANSMIT, c->give_up);
		return;
	}
	c->identifier = p->identifier;
	memcpy(c->challenge, challenge, len);
	c->challenge_len = len;
	memcpy(c->request.name, name, sizeof(name));
	if (respond(c)) {
		fail(c, PPTP_AUTH_FAILED,
			c->method == PPP_AUTH_MD5 && !c->secret.password
				? "CHAP with MD5 needs the password itself"
				: "the user name is empty or longer than 255 octets");
		return;
	}
	/* New Challenges again and again do not put off the end. */
	enter(c, CHAP_RESPONDED, now + CHAP_RETRANSMIT,
		c->state == CHAP_RESPONDED ? c->give_up : now + CHAP_GIVE_UP);
}

static void receive_success(struct chap *c, struct packet *p)
{
	struct mppe_material keys = { .source = MPPE_NO_KEYS };
	const char *wrong = chap_check_success(c, &p->body, &keys);

	if (wrong)
		fail(c, PPTP_AUTH_PEER_UNPROVEN, wrong);
	else
		succeed(c, &keys);
	explicit_bzero(&keys, sizeof(keys));
}

/* R=1 invites another password, of which there is none here: sending the same one again may lock
 * the account. */
static void receive_failure(struct chap *c, struct packet *p)
{
	struct mschap_failure f = { 0 };
	size_t len = wire_left(&p->body);

	const uint8_t *text = wire_bytes(&p->body, len);
	char words[128];

	if (c->method == PPP_AUTH_MD5) { /* RFC 1994 4.2: for people */
		cp_escape(words, sizeof(words), text, len);
		fail(c, PPTP_AUTH_FAILED, words);
	} else if (mschap_failure_parse(&f, text, len)) {
		fail(c, PPTP_AUTH_FAILED, "the server refused without an error number");
	} else {
		fail_error(c, f.error, f.message);
	}
}

static void receive_reply(struct chap *c, struct packet *p)
{
	if (c->state != CHAP_RESPONDED || p->identifier != c->identifier)
		return;
	if (p->code == SUCCESS)
		receive_success(c, p);
	else
		receive_failure(c, p);
}

void chap_receive(struct chap *c, const uint8_t *packet, size_t len, uint64_t now)
{
	struct packet p;

	if (!c->ops)
		return;
	if (decode(&p, packet, len)) {
		c->refused = "a malformed CHAP packet came";
		return;
	}
	if (c->role == CHAP_AUTHENTICATOR) {
		if (p.code == RESPONSE)
			receive_response(c, &p, now);
		return;
	}
	if (p.code == CHALLENGE)
		receive_challenge(c, &p, now);
	else if (p.code == SUCCESS || p.code == FAILURE)
		receive_reply(c, &p);
}

static void give_up(struct chap *c)
{
	const char *why = c->refused;

	switch (c->state) {
	case CHAP_IDLE:
		fail(c, PPTP_AUTH_TIMEOUT, why ? why : "no Challenge came");
		break;
	case CHAP_CHALLENGED:
		if (c->attempts) {
			fail(c, PPTP_AUTH_FAILED, "wrong user name or password, and no other came");
			break;
		}
		c->last_len = 0;
		fail(c, PPTP_AUTH_TIMEOUT, why ? why : "no Response to the Challenge came");
		break;
	case CHAP_JUDGING:
		c->last_len = 0;
		fail(c, PPTP_AUTH_TIMEOUT, "nobody judged the Response in time");
		break;
	case CHAP_RESPONDED:
		/* Once proven stays proven: a forged Challenge must not end a session. */
		if (c->succeeded)
			enter(c, CHAP_DONE, UINT64_MAX, UINT64_MAX);
		else
			fail(c, PPTP_AUTH_TIMEOUT,
				why ? why : "neither Success nor Failure came for the Response");
		break;
	case CHAP_DONE:
	case CHAP_FAILED:
		break;
	}
}

void chap_tick(struct chap *c, uint64_t now)
{
	if (!c->ops || now < c->deadline)
		return;
	if (now >= c->give_up) {
		give_up(c);
		return;
	}
	transmit(c);
	c->deadline = earlier(now + CHAP_RETRANSMIT, c->give_up);
}

void chap_done(struct chap *c)
{
	explicit_bzero(c, sizeof(*c));
	c->deadline = c->give_up = UINT64_MAX;
}
