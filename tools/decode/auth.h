/*
 * Authentications seen in a capture, checked against known passwords: PAP (RFC 1334), CHAP with
 * MD5 (RFC 1994), MS-CHAP (RFC 2433), MS-CHAPv2 (RFC 2759), and their EAP dress; and the MPPE
 * start keys (RFC 3079) that follow.
 */
#pragma once

#include "lib/wire.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct decode_user {
	char *name, *password; /* password NULL: only its hash is known */
	uint8_t nt_hash[16];
};

#define DECODE_STARTS_MAX 32

struct decode_users {
	unsigned int count;
	struct decode_user *list;
	/* MPPE start keys of nobody in particular (decode_users_add_key()). */
	unsigned int start_count;
	uint8_t starts[DECODE_STARTS_MAX][16];
};

/* Each 0, or -1 with a sentence in `why` (DECODE_WHY bytes). */
/* Adds "NAME:PASSWORD". */
int decode_users_add(struct decode_users *users, const char *text, char *why);
/* Adds "NAME:HASH", 32 hex digits: MD4 of the password (RFC 2433 A.3, "NT hash"). */
int decode_users_add_hash(struct decode_users *users, const char *text, char *why);
/*
 * Adds the keys of a logon whose user and direction are not known: 32 hex digits are MS-CHAPv2's master key
 * (RFC 3079 3.4), 128 the MSK of an EAP method (RFC 3079 section 4).
 */
int decode_users_add_key(struct decode_users *users, const char *text, char *why);
void decode_users_done(struct decode_users *users); /* wipes everything */

enum decode_method {
	DECODE_METHOD_NONE,
	DECODE_METHOD_PAP,
	DECODE_METHOD_MD5,
	DECODE_METHOD_MSCHAP,
	DECODE_METHOD_MSCHAP2,
};

enum decode_verdict {
	DECODE_NOT_CHECKED, /* no challenge was seen, or the response is malformed */
	DECODE_NO_PASSWORD, /* none is known for this name */
	DECODE_WRONG,       /* the password does not fit */
	DECODE_FITS,
};

/* One authenticator's view of a link. */
struct decode_auth {
	enum decode_method method;
	bool eap; /* within EAP */
	enum decode_verdict verdict;
	uint8_t challenge[255], challenge_len;
	char name[256]; /* the peer's, as sent; escaped where it is printed */
	size_t name_len;
	uint8_t nt_hash[16], nt_response[24], peer_challenge[16];
	bool has_keys; /* start keys can be made: verdict FITS and an MS-CHAP */
	bool has_lm;   /* MS-CHAP: also those under 128 bits */
	uint8_t lm_hash[8];
};

void decode_auth_challenge(struct decode_auth *a, const uint8_t *value, size_t len);

/*
 * A CHAP Response (or EAP-MD5's or EAP-MSCHAPv2's): the method is told from the value's size. `id`
 * is the packet's identifier.
 */
enum decode_verdict decode_auth_response(struct decode_auth *a, const struct decode_users *users,
	uint8_t id, const uint8_t *value, size_t len, const uint8_t *name, size_t name_len);

/*
 * A Change-Password (RFC 2759 section 7; `body` is behind its Length) of whoever sent the last Response,
 * by the password that fits that one: keys are those of the new password from then on, which itself is
 * told to nobody.
 */
enum decode_verdict decode_auth_change(struct decode_auth *a, struct wire_reader body);

/* A PAP Authenticate-Request. */
enum decode_verdict decode_auth_pap(struct decode_auth *a, const struct decode_users *users,
	const uint8_t *name, size_t name_len, const uint8_t *password, size_t len);

/*
 * MS-CHAPv2's Success message: does it prove that the authenticator knows the password too?
 * DECODE_NOT_CHECKED without a verified Response, or without "S=".
 */
enum decode_verdict decode_auth_success(
	const struct decode_auth *a, const uint8_t *text, size_t len);

/*
 * The MPPE start key of what the authenticator sends (`from_authenticator`) or its peer does.
 * `bits` is the strength. false if it cannot be made (MS-CHAP keys under 128 bits need the LM
 * hash, which not every password has).
 */
bool decode_auth_start_key(
	const struct decode_auth *a, bool from_authenticator, unsigned int bits, uint8_t start[16]);

const char *decode_auth_name(const struct decode_auth *a);
