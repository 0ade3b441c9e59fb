/*
 * CHAP's algorithms: MD5 (RFC 1994), MS-CHAP (RFC 2433), MS-CHAPv2 (RFC 2759), RFC 3079 for the
 * keys. See chap_method.h.
 */
#include "lib/ppp/chap_method.h"

#include <errno.h>
#include <string.h>

#define MD5_LEN 16

uint8_t chap_challenge_len(enum ppp_auth_method method)
{
	return method == PPP_AUTH_MSCHAP ? 8 : 16;
}

bool chap_challenge_fits(enum ppp_auth_method method, uint8_t len)
{
	return method == PPP_AUTH_MD5 ? len > 0 : len == chap_challenge_len(method);
}

/* ---- Response ---- */

/*
 * Reserved octets are not looked at: nothing hangs on them, and some peers fill them. Nor is the
 * LM response of MS-CHAP, which is next to the password in clear: where the flag says that there is
 * no other (RFC 2433 section 6), the Response does not fit.
 */
int chap_decode_response(
	enum ppp_auth_method method, struct wire_reader *body, struct ppp_auth_request *request)
{
	uint8_t size = wire_u8(body);

	if (size != (method == PPP_AUTH_MD5 ? MD5_LEN : MSCHAP2_RESPONSE_LEN))
		return -EBADMSG;
	if (method == PPP_AUTH_MD5) {
		wire_copy(body, request->md5, sizeof(request->md5));
		return body->failed ? -EBADMSG : 0;
	}
	if (method == PPP_AUTH_MSCHAP) {
		wire_skip(body, 24);
	} else {
		wire_copy(body, request->peer_challenge, sizeof(request->peer_challenge));
		wire_skip(body, 8);
	}
	wire_copy(body, request->nt_response, sizeof(request->nt_response));
	request->lm_only = wire_u8(body) == 0 && method == PPP_AUTH_MSCHAP;
	return body->failed ? -EBADMSG : 0;
}

static int put_md5(struct chap *c, struct wire_writer *w)
{
	uint8_t md5[MD5_LEN];

	if (!c->secret.password)
		return -EINVAL;
	ppp_auth_md5(c->identifier, c->secret.password, c->challenge, c->challenge_len, md5);
	wire_put_u8(w, sizeof(md5));
	wire_put_bytes(w, md5, sizeof(md5));
	return 0;
}

int chap_put_response(struct chap *c, struct wire_writer *w)
{
	if (c->method == PPP_AUTH_MD5)
		return put_md5(c, w);
	wire_put_u8(w, MSCHAP2_RESPONSE_LEN);
	if (c->method == PPP_AUTH_MSCHAP) {
		mschap_response(c->challenge, c->secret.nt_hash, c->nt_response);
		wire_put_zero(w, 24); /* no LM response, RFC 2433 section 6 */
		wire_put_bytes(w, c->nt_response, sizeof(c->nt_response));
		wire_put_u8(w, 1); /* "use the NT response" */
		return 0;
	}
	c->ops->random(c->user, c->peer_challenge, sizeof(c->peer_challenge));
	mschap2_nt_response(
		c->challenge, c->peer_challenge, c->name, c->secret.nt_hash, c->nt_response);
	wire_put_bytes(w, c->peer_challenge, sizeof(c->peer_challenge));
	wire_put_zero(w, 8);
	wire_put_bytes(w, c->nt_response, sizeof(c->nt_response));
	wire_put_u8(w, 0);
	return 0;
}

bool chap_same_response(const struct ppp_auth_request *a, const struct ppp_auth_request *b)
{
	bool same = mschap_equal(a->peer_challenge, b->peer_challenge, sizeof(a->peer_challenge));

	same &= mschap_equal(a->nt_response, b->nt_response, sizeof(a->nt_response));
	same &= mschap_equal(a->md5, b->md5, sizeof(a->md5));
	return same && !strcmp(a->name, b->name);
}

/* ---- Change-Password (RFC 2759 section 7): its reserved fields are not looked at ---- */

int chap_decode_change(struct wire_reader *body, struct ppp_auth_request *request)
{
	wire_copy(body, request->sealed.block, sizeof(request->sealed.block));
	wire_copy(body, request->sealed.old_hash, sizeof(request->sealed.old_hash));
	wire_copy(body, request->peer_challenge, sizeof(request->peer_challenge));
	wire_skip(body, 8);
	wire_copy(body, request->nt_response, sizeof(request->nt_response));
	wire_skip(body, 2);
	request->change = !body->failed;
	return body->failed ? -EBADMSG : 0;
}

void chap_put_change(struct wire_writer *w, const struct password_change *change,
	const uint8_t challenge[16], const uint8_t peer_challenge[16], const char *name,
	uint8_t nt_response[24])
{
	mschap2_nt_response(challenge, peer_challenge, name, change->nt_hash, nt_response);
	wire_put_bytes(w, change->sealed.block, sizeof(change->sealed.block));
	wire_put_bytes(w, change->sealed.old_hash, sizeof(change->sealed.old_hash));
	wire_put_bytes(w, peer_challenge, 16);
	wire_put_zero(w, 8);
	wire_put_bytes(w, nt_response, 24);
	wire_put_zero(w, 2);
}

/* ---- Success and Failure ---- */

void chap_put_text(struct wire_writer *w, const char *text)
{
	wire_put_bytes(w, text, strlen(text));
}

void chap_put_number(struct wire_writer *w, unsigned int number)
{
	if (number >= 10)
		chap_put_number(w, number / 10);
	wire_put_u8(w, (uint8_t)('0' + number % 10));
}

static void put_hex(struct wire_writer *w, const uint8_t *bytes, size_t len)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < len; i++) {
		wire_put_u8(w, (uint8_t)digits[bytes[i] >> 4]);
		wire_put_u8(w, (uint8_t)digits[bytes[i] & 15]);
	}
}

bool chap_has_retry(enum ppp_auth_method method)
{
	return method != PPP_AUTH_MD5;
}

/* Without the proof a peer would have to hang up on us (RFC 2759 section 5). */
bool chap_verdict_fits(enum ppp_auth_method method, const struct ppp_auth_verdict *verdict)
{
	return method != PPP_AUTH_MSCHAP2 ||
	       (strnlen(verdict->auth_response, sizeof(verdict->auth_response)) == 42 &&
		       !memcmp(verdict->auth_response, "S=", 2));
}

void chap_put_success(
	enum ppp_auth_method method, struct wire_writer *w, const struct ppp_auth_verdict *verdict)
{
	if (method == PPP_AUTH_MSCHAP2) {
		chap_put_text(w, verdict->auth_response);
		chap_put_text(w, " M=");
	}
	chap_put_text(w, "Authenticated");
}

/* RFC 2433 section 8, RFC 2759 section 6; with MD5 it is for people (RFC 1994 4.2). */
void chap_put_failure(enum ppp_auth_method method, struct wire_writer *w, unsigned int error,
	bool retry, const uint8_t *challenge, const char *message)
{
	if (method == PPP_AUTH_MD5) {
		chap_put_text(w, message);
		return;
	}
	chap_put_text(w, "E=");
	chap_put_number(w, error);
	chap_put_text(w, retry ? " R=1 C=" : " R=0 C=");
	put_hex(w, challenge, chap_challenge_len(method));
	chap_put_text(w, method == PPP_AUTH_MSCHAP ? " V=2" : " V=3");
	if (message[0] && method == PPP_AUTH_MSCHAP2) {
		chap_put_text(w, " M=");
		chap_put_text(w, message);
	}
}

/* RRAS sends no " M=" behind it, others something else: what follows is not looked at. Lower-case
 * digits are taken, too. */
bool chap_proof_fits(const uint8_t nt_hash[16], const uint8_t nt_response[24],
	const uint8_t peer_challenge[16], const uint8_t challenge[16], const char *name,
	struct wire_reader *text)
{
	char expected[43], got[42];
	bool fits;

	wire_copy(text, got, sizeof(got));
	for (size_t i = 2; i < sizeof(got); i++)
		if (got[i] >= 'a' && got[i] <= 'f')
			got[i] = (char)(got[i] - 'a' + 'A');
	mschap2_auth_response(nt_hash, nt_response, peer_challenge, challenge, name, expected);
	fits = !text->failed && mschap_equal(got, expected, sizeof(got));
	explicit_bzero(expected, sizeof(expected));
	return fits;
}

void chap_refusal(char words[CHAP_REFUSAL_MAX], unsigned int error, const char *message)
{
	struct wire_writer w = wire_writer(words, CHAP_REFUSAL_MAX - 1);

	chap_put_text(&w, mschap_error_text(error));
	chap_put_text(&w, " (E=");
	chap_put_number(&w, error);
	if (message[0]) {
		chap_put_text(&w, ": ");
		chap_put_text(&w, message);
	}
	chap_put_text(&w, ")");
	words[wire_written(&w)] = '\0';
}

const char *chap_check_success(
	const struct chap *c, struct wire_reader *body, struct mppe_material *keys)
{
	uint8_t hash_hash[16];

	if (c->method == PPP_AUTH_MD5)
		return NULL;
	if (c->method == PPP_AUTH_MSCHAP2 &&
		!chap_proof_fits(c->secret.nt_hash, c->nt_response, c->peer_challenge, c->challenge,
			c->name, body))
		return body->failed ? "its Success has no authenticator response (S=)"
				    : "its authenticator response (S=) is wrong";
	mschap_hash_hash(c->secret.nt_hash, hash_hash);
	if (c->method == PPP_AUTH_MSCHAP2) {
		keys->source = MPPE_FROM_MSCHAP2;
		mppe_master_key(hash_hash, c->nt_response, keys->key);
	} else {
		keys->source = MPPE_FROM_MSCHAP;
		keys->has_lm = c->secret.has_lm;
		memcpy(keys->lm, c->secret.lm_hash, sizeof(keys->lm));
		mppe_start_key_v1(hash_hash, c->challenge, keys->key);
	}
	explicit_bzero(hash_hash, sizeof(hash_hash));
	return NULL;
}
