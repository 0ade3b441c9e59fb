/* MS-CHAPv2 (RFC 2759) and the hashes of MS-CHAP (RFC 2433): computations only, no state. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MSCHAP2_RESPONSE_LEN 49  /* peer challenge 16, reserved 8, NT-Response 24, flags 1 */
#define MSCHAP_PASSWORD_MAX  256 /* UTF-16 code units */

/*
 * RFC 2759 8.3 NtPasswordHash of a UTF-8 password (converted to UTF-16LE). -EINVAL: not strictly
 * UTF-8 (overlong, a surrogate, beyond U+10FFFF, cut), or longer than MSCHAP_PASSWORD_MAX; `hash`
 * is all zeros then.
 */
int mschap_nt_hash(const char *password, uint8_t hash[16]);

/*
 * RFC 2433 A.2 LmPasswordHash, the first 8 octets: all that MPPE's 40- and 56-bit keys need (RFC
 * 3079 2.1). It is never sent. -EINVAL: longer than 14 characters, or not ASCII, where the hash
 * hangs on a code page that nobody tells; `hash` is all zeros then.
 */
int mschap_lm_hash(const char *password, uint8_t hash[8]);

/* The parts of it: a UTF-8 password as UTF-16LE of up to 2 * MSCHAP_PASSWORD_MAX octets (0, or -EINVAL
 * as above), and the hash of such octets. */
int mschap_utf16(const char *password, uint8_t text[2 * MSCHAP_PASSWORD_MAX], size_t *len);
void mschap_hash_utf16(const uint8_t *text, size_t len, uint8_t hash[16]);

/* RFC 2759 8.6 DesEncrypt: one block, by a key without its parity bits. */
void mschap_des(const uint8_t clear[8], const uint8_t key56[7], uint8_t cypher[8]);

/* RFC 2759 8.4 HashNtPasswordHash. */
void mschap_hash_hash(const uint8_t nt_hash[16], uint8_t hash_hash[16]);

/*
 * RFC 2759 8.2 ChallengeHash. `user` is the name as sent; a "DOMAIN\" before it is not hashed (RFC
 * 2759 4), so this function and the two below leave it out themselves: mschap_strip_domain().
 */
void mschap2_challenge_hash(const uint8_t peer_challenge[16], const uint8_t auth_challenge[16],
	const char *user, uint8_t challenge[8]);

/* RFC 2759 8.5 ChallengeResponse (also MS-CHAPv1's NtChallengeResponse, RFC 2433 A.5). */
void mschap_response(const uint8_t challenge[8], const uint8_t nt_hash[16], uint8_t response[24]);

/* RFC 2759 8.1 GenerateNTResponse. */
void mschap2_nt_response(const uint8_t auth_challenge[16], const uint8_t peer_challenge[16],
	const char *user, const uint8_t nt_hash[16], uint8_t response[24]);

/* RFC 2759 8.7 GenerateAuthenticatorResponse: "S=" and 40 upper-case hex digits, NUL-terminated. */
void mschap2_auth_response(const uint8_t nt_hash[16], const uint8_t nt_response[24],
	const uint8_t peer_challenge[16], const uint8_t auth_challenge[16], const char *user,
	char out[43]);

/* The name behind the last '\\', or all of it. */
const char *mschap_strip_domain(const char *user);

/*
 * Failure message text "E=691 R=1 C=... V=3 M=..." (RFC 2759 section 6). What it does not say is
 * left as it was set.
 */
struct mschap_failure {
	unsigned int error; /* 646, 647, 648, 649, 691, 709, ...: mschap_error_text() */
	bool retry;
	bool has_challenge;
	uint8_t challenge[16];
	unsigned int version;
	char message[64]; /* M=, cut; escaped where not printable */
};
/* -EBADMSG if there is no E=; then `f` is as it was. */
int mschap_failure_parse(struct mschap_failure *f, const uint8_t *text, size_t len);

/* An E= number in words, without a full stop. Never NULL. */
const char *mschap_error_text(unsigned int error);

/* Compares without a data-dependent branch: for everything derived from a password. */
bool mschap_equal(const void *a, const void *b, size_t len);
