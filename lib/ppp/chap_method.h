/*
 * What differs between CHAP's algorithms: the values in Challenge and Response, the texts of
 * Success and Failure, the keys. For chap.c.
 */
#pragma once

#include "lib/ppp/chap.h"

/* Octets of our own Challenges: 16, MS-CHAP 8 (RFC 2433 section 5). */
uint8_t chap_challenge_len(enum ppp_auth_method method);
/* Does a peer's Challenge have a length that the method knows? */
bool chap_challenge_fits(enum ppp_auth_method method, uint8_t len);

/* Reads the value of a Response (its size octet first) into `request`; 0 or -EBADMSG. */
int chap_decode_response(
	enum ppp_auth_method method, struct wire_reader *body, struct ppp_auth_request *request);
/* MS-CHAPv2: reads what is behind the Length of a Change-Password; 0 or -EBADMSG. */
int chap_decode_change(struct wire_reader *body, struct ppp_auth_request *request);
/* MS-CHAPv2's peer: writes it, the response being to `challenge` by the new password. `peer_challenge`
 * is set. */
void chap_put_change(struct wire_writer *w, const struct password_change *change,
	const uint8_t challenge[16], const uint8_t peer_challenge[16], const char *name,
	uint8_t nt_response[24]);
/* Writes the value of the Response to c->challenge; 0, or -EINVAL if the secret does not do. */
int chap_put_response(struct chap *c, struct wire_writer *w);
/* Is it the same Response once more? */
bool chap_same_response(const struct ppp_auth_request *a, const struct ppp_auth_request *b);

/* May there be another attempt after a failed one? */
bool chap_has_retry(enum ppp_auth_method method);
/* Is what a verdict says of a success enough for the method? */
bool chap_verdict_fits(enum ppp_auth_method method, const struct ppp_auth_verdict *verdict);
void chap_put_success(
	enum ppp_auth_method method, struct wire_writer *w, const struct ppp_auth_verdict *verdict);
/* `challenge` is the new one. */
void chap_put_failure(enum ppp_auth_method method, struct wire_writer *w, unsigned int error,
	bool retry, const uint8_t *challenge, const char *message);

/* Peer, at a Success: NULL and the keys, or what is wrong with the server's proof. */
const char *chap_check_success(
	const struct chap *c, struct wire_reader *body, struct mppe_material *keys);

/*
 * Is it the authenticator response (RFC 2759 8.8) to this exchange, at the front of `text`? `name`:
 * the peer's. The sticky error of `text` says that there is none at all.
 */
bool chap_proof_fits(const uint8_t nt_hash[16], const uint8_t nt_response[24],
	const uint8_t peer_challenge[16], const uint8_t challenge[16], const char *name,
	struct wire_reader *text);

/* An E= number in words, with the message that came with it ("" none): of up to CHAP_REFUSAL_MAX
 * octets, NUL-terminated. */
void chap_refusal(char words[CHAP_REFUSAL_MAX], unsigned int error, const char *message);

/* A text; a number in decimal. */
void chap_put_text(struct wire_writer *w, const char *text);
void chap_put_number(struct wire_writer *w, unsigned int number);
