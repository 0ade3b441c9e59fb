/* Authentications and known passwords: see auth.h. */
#include "tools/decode/auth.h"

#include "lib/mppe/keys.h"
#include "lib/ppp/chap_method.h"
#include "lib/wire.h"
#include "tools/decode/decode.h"

#include <nettle/md5.h>
#include <stdlib.h>
#include <strings.h>

/* A new user with the name in front of `colon`; NULL with `why`. */
static struct decode_user *user_new(
	struct decode_users *users, const char *text, const char *colon, char *why)
{
	struct decode_user *list = calloc(users->count + 1, sizeof(*list)), *u;

	snprintf(why, DECODE_WHY, "out of memory");
	if (!list)
		return NULL;
	/* Not realloc(), which would leave the hashes behind where it moves the list. */
	if (users->count) {
		memcpy(list, users->list, users->count * sizeof(*list));
		explicit_bzero(users->list, users->count * sizeof(*list));
	}
	free(users->list);
	users->list = list;
	u = &list[users->count];
	u->name = strndup(text, (size_t)(colon - text));
	if (!u->name)
		return NULL;
	users->count++;
	return u;
}

int decode_users_add(struct decode_users *users, const char *text, char *why)
{
	const char *colon = strchr(text, ':');
	struct decode_user *u;
	uint8_t hash[16];

	if (!colon || colon == text) {
		snprintf(why, DECODE_WHY, "must be NAME:PASSWORD");
		return -1;
	}
	if (mschap_nt_hash(colon + 1, hash) != 0) {
		snprintf(why, DECODE_WHY, "the password is not UTF-8, or longer than %d characters",
			MSCHAP_PASSWORD_MAX);
		return -1;
	}
	u = user_new(users, text, colon, why);
	if (!u)
		return -1;
	memcpy(u->nt_hash, hash, sizeof(hash));
	explicit_bzero(hash, sizeof(hash));
	u->password = strdup(colon + 1);
	return u->password ? 0 : -1;
}

/* Exactly `size` octets. */
static bool hex_read(uint8_t *out, size_t size, const char *text)
{
	if (strlen(text) != size * 2 || strspn(text, "0123456789abcdefABCDEF") != size * 2)
		return false;
	for (size_t i = 0; i < size; i++) {
		char digits[3] = { text[2 * i], text[2 * i + 1], '\0' };

		out[i] = (uint8_t)strtoul(digits, NULL, 16);
	}
	return true;
}

int decode_users_add_hash(struct decode_users *users, const char *text, char *why)
{
	const char *colon = strchr(text, ':');
	struct decode_user *u;
	uint8_t hash[16];

	if (!colon || colon == text || !hex_read(hash, sizeof(hash), colon + 1)) {
		snprintf(why, DECODE_WHY, "must be NAME:HASH, the hash of 32 hex digits");
		return -1;
	}
	u = user_new(users, text, colon, why);
	if (!u)
		return -1;
	memcpy(u->nt_hash, hash, sizeof(hash));
	explicit_bzero(hash, sizeof(hash));
	return 0;
}

int decode_users_add_key(struct decode_users *users, const char *text, char *why)
{
	uint8_t key[64], (*starts)[16] = &users->starts[users->start_count];

	if (users->start_count + 2 > DECODE_STARTS_MAX) {
		snprintf(why, DECODE_WHY, "there are %d at most", DECODE_STARTS_MAX / 2);
		return -1;
	}
	if (hex_read(key, 16, text)) {
		mppe_start_key(key, false, starts[0]);
		mppe_start_key(key, true, starts[1]);
	} else if (hex_read(key, 64, text)) {
		memcpy(starts[0], key, sizeof(starts[0]));
		memcpy(starts[1], key + 32, sizeof(starts[1]));
	} else {
		snprintf(why, DECODE_WHY,
			"must be 32 hex digits (MS-CHAPv2's master key) or 128 (EAP's MSK)");
		return -1;
	}
	users->start_count += 2;
	explicit_bzero(key, sizeof(key));
	return 0;
}

void decode_users_done(struct decode_users *users)
{
	for (unsigned int i = 0; i < users->count; i++) {
		struct decode_user *u = &users->list[i];

		if (u->password)
			explicit_bzero(u->password, strlen(u->password));
		free(u->password);
		free(u->name);
		explicit_bzero(u->nt_hash, sizeof(u->nt_hash));
	}
	free(users->list);
	explicit_bzero(users, sizeof(*users));
}

void decode_auth_challenge(struct decode_auth *a, const uint8_t *value, size_t len)
{
	struct wire_reader r = wire_reader(value, len);

	if (len > sizeof(a->challenge))
		return;
	a->challenge_len = (uint8_t)len;
	wire_copy(&r, a->challenge, len);
}

static void name_set(struct decode_auth *a, const uint8_t *name, size_t len)
{
	struct wire_reader r = wire_reader(name, len);

	a->name_len = len < sizeof(a->name) ? len : sizeof(a->name) - 1;
	memset(a->name, 0, sizeof(a->name));
	wire_copy(&r, a->name, a->name_len);
}

/* The given password's user may be written with or without the domain. */
static bool user_is(const struct decode_user *u, const char *name)
{
	return strcasecmp(u->name, name) == 0 ||
	       strcasecmp(u->name, mschap_strip_domain(name)) == 0;
}

static bool fits_md5(
	const struct decode_auth *a, const struct decode_user *u, uint8_t id, const uint8_t *value)
{
	uint8_t digest[MD5_DIGEST_SIZE];
	struct md5_ctx md5;

	md5_init(&md5);
	md5_update(&md5, 1, &id);
	md5_update(&md5, strlen(u->password), (const uint8_t *)u->password);
	md5_update(&md5, a->challenge_len, a->challenge);
	md5_digest(&md5, sizeof(digest), digest);
	return mschap_equal(digest, value, sizeof(digest));
}

static bool fits_mschap(const struct decode_auth *a, const struct decode_user *u)
{
	uint8_t response[24];

	if (a->method == DECODE_METHOD_MSCHAP)
		mschap_response(a->challenge, u->nt_hash, response);
	else
		mschap2_nt_response(a->challenge, a->peer_challenge, mschap_strip_domain(a->name),
			u->nt_hash, response);
	return mschap_equal(response, a->nt_response, sizeof(response));
}

/* Tells the method from the sizes and takes the value apart; false if it is none. */
static bool response_read(struct decode_auth *a, const uint8_t *value, size_t len)
{
	struct wire_reader r = wire_reader(value, len);

	a->method = DECODE_METHOD_NONE;
	if (len == MD5_DIGEST_SIZE && a->challenge_len) {
		a->method = DECODE_METHOD_MD5;
	} else if (len == MSCHAP2_RESPONSE_LEN && a->challenge_len == 16) {
		a->method = DECODE_METHOD_MSCHAP2;
		wire_copy(&r, a->peer_challenge, 16);
		wire_skip(&r, 8);
		wire_copy(&r, a->nt_response, 24);
	} else if (len == MSCHAP2_RESPONSE_LEN && a->challenge_len == 8) {
		a->method = DECODE_METHOD_MSCHAP; /* RFC 2433 4: LM response 24, NT response 24 */
		wire_skip(&r, 24);
		wire_copy(&r, a->nt_response, 24);
	}
	return a->method != DECODE_METHOD_NONE;
}

enum decode_verdict decode_auth_response(struct decode_auth *a, const struct decode_users *users,
	uint8_t id, const uint8_t *value, size_t len, const uint8_t *name, size_t name_len)
{
	a->verdict = DECODE_NOT_CHECKED;
	a->has_keys = false;
	name_set(a, name, name_len);
	if (!response_read(a, value, len))
		return a->verdict;
	a->verdict = DECODE_NO_PASSWORD;
	for (unsigned int i = 0; users && i < users->count; i++) {
		const struct decode_user *u = &users->list[i];

		if (!user_is(u, a->name) || (a->method == DECODE_METHOD_MD5 && !u->password))
			continue;
		a->verdict = DECODE_WRONG;
		if (a->method == DECODE_METHOD_MD5 ? !fits_md5(a, u, id, value)
						   : !fits_mschap(a, u))
			continue;
		a->verdict = DECODE_FITS;
		a->has_keys = a->method != DECODE_METHOD_MD5;
		a->has_lm = u->password && mschap_lm_hash(u->password, a->lm_hash) == 0;
		memcpy(a->nt_hash, u->nt_hash, sizeof(a->nt_hash));
		break;
	}
	return a->verdict;
}

enum decode_verdict decode_auth_change(struct decode_auth *a, struct wire_reader body)
{
	struct ppp_auth_request r = { .method = PPP_AUTH_MSCHAP2 };
	struct ppp_secret old = { 0 }, next;
	struct ppp_auth_verdict verdict;

	a->has_keys = false;
	if (a->method != DECODE_METHOD_MSCHAP2 || a->challenge_len != sizeof(r.challenge) ||
		chap_decode_change(&body, &r))
		return a->verdict = DECODE_NOT_CHECKED;
	if (a->verdict != DECODE_FITS)
		return a->verdict;
	memcpy(r.challenge, a->challenge, sizeof(r.challenge));
	memcpy(r.name, a->name, sizeof(r.name));
	memcpy(old.nt_hash, a->nt_hash, sizeof(old.nt_hash));
	memcpy(a->nt_response, r.nt_response, sizeof(a->nt_response));
	memcpy(a->peer_challenge, r.peer_challenge, sizeof(a->peer_challenge));
	a->verdict = ppp_auth_check_change(&r, &old, &next, &verdict) == PASSWORD_GOOD
			     ? DECODE_FITS
			     : DECODE_WRONG;
	a->has_keys = a->verdict == DECODE_FITS;
	a->has_lm = false;
	memcpy(a->nt_hash, next.nt_hash, sizeof(a->nt_hash));
	explicit_bzero(&old, sizeof(old));
	explicit_bzero(&next, sizeof(next));
	explicit_bzero(&verdict, sizeof(verdict));
	return a->verdict;
}

enum decode_verdict decode_auth_pap(struct decode_auth *a, const struct decode_users *users,
	const uint8_t *name, size_t name_len, const uint8_t *password, size_t len)
{
	a->method = DECODE_METHOD_PAP;
	a->verdict = DECODE_NO_PASSWORD;
	a->has_keys = false;
	name_set(a, name, name_len);
	for (unsigned int i = 0; users && i < users->count; i++) {
		const struct decode_user *u = &users->list[i];

		if (!user_is(u, a->name) || !u->password)
			continue;
		a->verdict = DECODE_WRONG;
		if (strlen(u->password) == len && mschap_equal(u->password, password, len)) {
			a->verdict = DECODE_FITS;
			break;
		}
	}
	return a->verdict;
}

enum decode_verdict decode_auth_success(
	const struct decode_auth *a, const uint8_t *text, size_t len)
{
	char expected[43];

	if (a->method != DECODE_METHOD_MSCHAP2 || a->verdict != DECODE_FITS || len < 42)
		return DECODE_NOT_CHECKED;
	mschap2_auth_response(a->nt_hash, a->nt_response, a->peer_challenge, a->challenge,
		mschap_strip_domain(a->name), expected);
	return mschap_equal(expected, text, 42) ? DECODE_FITS : DECODE_WRONG;
}

bool decode_auth_start_key(
	const struct decode_auth *a, bool from_authenticator, unsigned int bits, uint8_t start[16])
{
	uint8_t hash_hash[16], master[16];

	if (!a->has_keys || (a->method == DECODE_METHOD_MSCHAP && bits != MPPE_128 && !a->has_lm))
		return false;
	mschap_hash_hash(a->nt_hash, hash_hash);
	if (a->method == DECODE_METHOD_MSCHAP) {
		mppe_start_key_v1(hash_hash, a->challenge, start);
		if (bits != MPPE_128)
			memcpy(start, a->lm_hash, sizeof(a->lm_hash));
	} else {
		mppe_master_key(hash_hash, a->nt_response, master);
		mppe_start_key(master, from_authenticator, start);
		explicit_bzero(master, sizeof(master));
	}
	explicit_bzero(hash_hash, sizeof(hash_hash));
	return true;
}

const char *decode_auth_name(const struct decode_auth *a)
{
	switch (a->method) {
	case DECODE_METHOD_PAP:
		return "PAP";
	case DECODE_METHOD_MD5:
		return a->eap ? "EAP-MD5" : "CHAP-MD5";
	case DECODE_METHOD_MSCHAP:
		return "MS-CHAP";
	case DECODE_METHOD_MSCHAP2:
		return a->eap ? "EAP-MSCHAPv2" : "MS-CHAPv2";
	case DECODE_METHOD_NONE:
		break;
	}
	return "unknown method";
}
