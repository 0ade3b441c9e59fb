/*
 * CHAP (RFC 1994): authenticator and peer, for all algorithms.
 *
 *	authenticator: CHALLENGED -> JUDGING -> DONE or FAILED, or back to CHALLENGED (R=1)
 *	               DONE -> CHALLENGED by chap_challenge_again()
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

/* RFC 2433 sections 9 and 10, which seal the new password by the LM hash, too; RFC 2759 section 7. */
enum { CHANGE_PASSWORD_1 = 5, CHANGE_PASSWORD_2 = 6, CHANGE_PASSWORD = 7 };

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
	char detail[CHAP_REFUSAL_MAX];

	chap_refusal(detail, error, message);
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

static void challenge(struct chap *c, uint64_t now)
{
	struct wire_writer w;

	c->ops->random(c->user, c->challenge, c->challenge_len);
	enter(c, CHAP_CHALLENGED, now + CHAP_RETRANSMIT, now + CHAP_GIVE_UP);
	/*
	 * Retransmitted as it is: RFC 1994 4.1 would have a new identifier and value each time, but
	 * then a Response that takes longer than our timer would never count. Linux' pppd does the
	 * same.
	 */
	w = begin(c, CHALLENGE, c->identifier);
	wire_put_u8(&w, c->challenge_len);
	wire_put_bytes(&w, c->challenge, c->challenge_len);
	wire_put_bytes(&w, c->name, strnlen(c->name, CHAP_NAME_MAX));
	finish(c, &w);
}

void chap_start_authenticator(struct chap *c, enum ppp_auth_method method, const char *name,
	const struct chap_ops *ops, void *user, uint64_t now)
{
	memset(c, 0, sizeof(*c));
	c->role = CHAP_AUTHENTICATOR;
	c->method = method;
	c->challenge_len = chap_challenge_len(method);
	c->ops = ops;
	c->user = user;
	c->name = name;
	ops->random(user, &c->identifier, sizeof(c->identifier));
	challenge(c, now);
}

void chap_challenge_again(struct chap *c, uint64_t now)
{
	if (!c->ops || c->role != CHAP_AUTHENTICATOR || c->state != CHAP_DONE)
		return;
	c->identifier = (uint8_t)(c->request.identifier + 1);
	challenge(c, now);
}

static void ask(struct chap *c, uint64_t now)
{
	enter(c, CHAP_JUDGING, UINT64_MAX, now + CHAP_JUDGE_TIMEOUT);
	c->ops->judge(c->user, &c->request);
}

static void receive_response(struct chap *c, struct packet *p, uint64_t now)
{
	struct ppp_auth_request request = { 0 };
	bool again = p->identifier == c->request.identifier;
	bool retry = c->state == CHAP_CHALLENGED && (c->attempts || c->changing);

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
	if (c->state != CHAP_CHALLENGED || c->changing ||
		(p->identifier != c->identifier && !(again && retry)))
		return;
	memcpy(request.challenge, c->challenge, c->challenge_len);
	c->request = request;
	explicit_bzero(&request, sizeof(request));
	ask(c, now);
}

/* Of whoever sent the Response that proved the old password: so there is no name in it. */
static void receive_change(struct chap *c, struct packet *p, uint64_t now)
{
	struct ppp_auth_request request = c->request;

	if (p->identifier != c->identifier || chap_decode_change(&p->body, &request)) {
		c->refused = "the Change-Password was malformed";
		return;
	}
	request.identifier = p->identifier;
	memcpy(request.challenge, c->challenge, c->challenge_len);
	c->request = request;
	explicit_bzero(&request, sizeof(request));
	ask(c, now);
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

/* Offered once, and not in the midst of a session. */
static bool may_change(const struct chap *c, const struct ppp_auth_verdict *verdict)
{
	return !verdict->ok && verdict->error == 648 && verdict->change &&
	       c->method == PPP_AUTH_MSCHAP2 && !c->request.change && !c->succeeded;
}

/*
 * One of those that nobody asked for, or that we do not have: an end at once instead of silence.
 * One whose answer was lost gets it again.
 */
static void receive_any_change(struct chap *c, struct packet *p, uint64_t now)
{
	if (c->method == PPP_AUTH_MD5)
		return;
	if (c->state == CHAP_DONE || c->state == CHAP_FAILED) {
		if (p->identifier == c->request.identifier)
			transmit(c);
		return;
	}
	if (c->state != CHAP_CHALLENGED)
		return;
	if (p->code == CHANGE_PASSWORD && c->changing) {
		receive_change(c, p, now);
		return;
	}
	c->request.identifier = p->identifier;
	send_failure(c, 709, false, "");
	fail(c, PPTP_AUTH_FAILED,
		c->method == PPP_AUTH_MSCHAP
			? "the client wants to change its password by MS-CHAP, which would show it"
			: "the client wants to change its password without being asked to");
}

void chap_verdict(struct chap *c, const struct ppp_auth_verdict *verdict, uint64_t now)
{
	unsigned int error = verdict->error ? verdict->error : 691;
	char message[sizeof(verdict->message) + 1] = "";
	bool retry;

	if (!c->ops || c->role != CHAP_AUTHENTICATOR || c->state != CHAP_JUDGING)
		return;
	c->changing = false;
	explicit_bzero(&c->request.sealed, sizeof(c->request.sealed));
	/* Without a proof the peer would have to hang up on us (RFC 2759 section 5): a broken
	 * judge. */
	if (verdict->ok && chap_verdict_fits(c->method, verdict)) {
		send_success(c, verdict);
		c->attempts = 0;
		succeed(c, &verdict->keys);
		return;
	}
	memcpy(message, verdict->message, strnlen(verdict->message, sizeof(verdict->message)));
	if (may_change(c, verdict)) {
		send_failure(c, error, false, message);
		c->changing = true;
		enter(c, CHAP_CHALLENGED, UINT64_MAX, now + CHAP_RETRY_TIMEOUT);
		return;
	}
	c->attempts++;
	retry = !verdict->ok && !c->request.change && !c->succeeded && verdict->retry &&
		c->attempts < CHAP_ATTEMPTS && chap_has_retry(c->method);
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

void chap_set_change(struct chap *c, const struct password_change *change)
{
	c->change = c->method == PPP_AUTH_MSCHAP2 ? change : NULL;
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

static void settle_change(struct chap *c)
{
	if (c->renewed && c->change && c->ops->new_password)
		c->ops->new_password(c->user, c->changing);
	if (c->renewed)
		c->change = NULL;
	c->changing = false;
}

static void receive_success(struct chap *c, struct packet *p)
{
	struct mppe_material keys = { .source = MPPE_NO_KEYS };
	const char *wrong = chap_check_success(c, &p->body, &keys);

	if (wrong) {
		fail(c, PPTP_AUTH_PEER_UNPROVEN, wrong);
	} else {
		settle_change(c);
		succeed(c, &keys);
	}
	explicit_bzero(&keys, sizeof(keys));
}

/* The new password takes the old one's place; only its hash is known here. */
static void renew(struct chap *c)
{
	c->secret = (struct ppp_secret){ 0 };
	memcpy(c->secret.nt_hash, c->change->nt_hash, sizeof(c->secret.nt_hash));
	c->renewed = true;
}

/* What a Failure gives occasion for: another Response, or a Change-Password. */
static bool answer_failure(
	struct chap *c, const struct packet *p, const struct mschap_failure *f, uint64_t now)
{
	bool change = f->error == 648;
	struct wire_writer w;

	if (!c->change || c->renewed || !f->has_challenge ||
		(!change && !(f->error == 691 && f->retry)))
		return false;
	c->identifier = (uint8_t)(p->identifier + 1);
	memcpy(c->challenge, f->challenge, sizeof(f->challenge));
	c->challenge_len = sizeof(f->challenge);
	renew(c);
	c->changing = change;
	if (change) {
		c->ops->random(c->user, c->peer_challenge, sizeof(c->peer_challenge));
		w = begin(c, CHANGE_PASSWORD, c->identifier);
		chap_put_change(
			&w, c->change, c->challenge, c->peer_challenge, c->name, c->nt_response);
		finish(c, &w);
	} else if (respond(c)) {
		return false;
	}
	enter(c, CHAP_RESPONDED, now + CHAP_RETRANSMIT, now + CHAP_GIVE_UP);
	return true;
}

/*
 * R=1 invites another password. There may be one, to change to; sending the same one again may lock
 * the account.
 */
static void receive_failure(struct chap *c, struct packet *p, uint64_t now)
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
	} else if (!answer_failure(c, p, &f, now)) {
		fail_error(c, f.error, f.message);
	}
}

static void receive_reply(struct chap *c, struct packet *p, uint64_t now)
{
	if (c->state != CHAP_RESPONDED || p->identifier != c->identifier)
		return;
	if (p->code == SUCCESS)
		receive_success(c, p);
	else
		receive_failure(c, p, now);
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
		else if (p.code >= CHANGE_PASSWORD_1 && p.code <= CHANGE_PASSWORD)
			receive_any_change(c, &p, now);
		return;
	}
	if (p.code == CHALLENGE)
		receive_challenge(c, &p, now);
	else if (p.code == SUCCESS || p.code == FAILURE)
		receive_reply(c, &p, now);
}

static void give_up(struct chap *c)
{
	const char *why = c->refused;

	switch (c->state) {
	case CHAP_IDLE:
		fail(c, PPTP_AUTH_TIMEOUT, why ? why : "no Challenge came");
		break;
	case CHAP_CHALLENGED:
		if (c->changing) {
			fail(c, PPTP_AUTH_RESTRICTED,
				"the password has expired, and no new one came");
			break;
		}
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
