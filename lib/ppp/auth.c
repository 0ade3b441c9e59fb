/* Authentication methods: names, LCP's option, the judgement. See auth.h. */
#include "lib/ppp/auth.h"

#include "lib/ppp/frame.h"
#include "lib/ppp/mschap.h"

#include <nettle/md5.h>
#include <string.h>
#include <strings.h>

static const struct {
	const char *name, *keyword, *other; /* other spellings that users write */
	uint16_t protocol;
	uint8_t algorithm; /* of CHAP */
} methods[PPP_AUTH_COUNT] = {
	[PPP_AUTH_NONE] = { "", "none", "none", 0, 0 },
	[PPP_AUTH_PAP] = { "PAP", "pap", "pap", PPP_PAP, 0 },
	[PPP_AUTH_MD5] = { "CHAP-MD5", "chap-md5", "chap", PPP_CHAP, 0x05 },
	[PPP_AUTH_MSCHAP] = { "MS-CHAP", "mschap", "ms-chap", PPP_CHAP, 0x80 },
	[PPP_AUTH_MSCHAP2] = { "MS-CHAPv2", "mschap-v2", "mschapv2", PPP_CHAP, 0x81 },
	[PPP_AUTH_EAP_MD5] = { "EAP-MD5", "eap-md5", "eap-md5-challenge", PPP_EAP, 0 },
	[PPP_AUTH_EAP_MSCHAP2] = { "EAP-MSCHAPv2", "eap-mschap-v2", "eap-mschap", PPP_EAP, 0 },
	[PPP_AUTH_EAP_TLS] = { "EAP-TLS", "eap-tls", "tls", PPP_EAP, 0 },
	[PPP_AUTH_PEAP] = { "PEAP", "peap", "eap-peap", PPP_EAP, 0 },
};

bool ppp_auth_allows(const struct ppp_auth_list *list, enum ppp_auth_method method)
{
	for (unsigned int i = 0; i < list->count; i++) {
		if (list->methods[i] == method)
			return true;
	}
	return false;
}

enum ppp_auth_method ppp_auth_next(const struct ppp_auth_list *list, unsigned int refused)
{
	for (unsigned int i = 0; i < list->count; i++) {
		if (!(refused & 1u << list->methods[i]))
			return list->methods[i];
	}
	return PPP_AUTH_NONE;
}

const char *ppp_auth_name(enum ppp_auth_method method)
{
	return (unsigned int)method < PPP_AUTH_COUNT ? methods[method].name : "";
}

const char *ppp_auth_keyword(enum ppp_auth_method method)
{
	return (unsigned int)method < PPP_AUTH_COUNT ? methods[method].keyword : "none";
}

enum ppp_auth_method ppp_auth_from_keyword(const char *word)
{
	for (unsigned int i = PPP_AUTH_PAP; i < PPP_AUTH_COUNT; i++) {
		if (!strcasecmp(word, methods[i].keyword) || !strcasecmp(word, methods[i].other) ||
			!strcasecmp(word, methods[i].name))
			return (enum ppp_auth_method)i;
	}
	return PPP_AUTH_NONE;
}

size_t ppp_auth_option(enum ppp_auth_method method, uint8_t data[PPP_AUTH_OPTION_MAX])
{
	struct wire_writer w = wire_writer(data, PPP_AUTH_OPTION_MAX);

	wire_put_u16(&w, methods[method].protocol);
	if (methods[method].protocol == PPP_CHAP)
		wire_put_u8(&w, methods[method].algorithm);
	return wire_written(&w);
}

enum ppp_auth_method ppp_auth_from_option(
	const struct ppp_auth_list *list, const uint8_t *data, size_t len)
{
	uint8_t ours[PPP_AUTH_OPTION_MAX];

	for (unsigned int i = 0; i < list->count; i++) {
		enum ppp_auth_method method = (enum ppp_auth_method)list->methods[i];

		if (ppp_auth_option(method, ours) == len && !memcmp(ours, data, len))
			return method;
	}
	return PPP_AUTH_NONE;
}

unsigned int ppp_auth_alike(enum ppp_auth_method method)
{
	unsigned int alike = 0;

	for (unsigned int i = PPP_AUTH_PAP; i < PPP_AUTH_COUNT; i++) {
		if (methods[i].protocol == methods[method].protocol &&
			methods[i].algorithm == methods[method].algorithm)
			alike |= 1u << i;
	}
	return alike;
}

bool ppp_auth_peer_needs_password(const struct ppp_auth_list *list)
{
	return ppp_auth_allows(list, PPP_AUTH_PAP) || ppp_auth_judge_needs_password(list);
}

bool ppp_auth_judge_needs_password(const struct ppp_auth_list *list)
{
	return ppp_auth_allows(list, PPP_AUTH_MD5) || ppp_auth_allows(list, PPP_AUTH_EAP_MD5);
}

static const char *algorithm_name(uint8_t algorithm)
{
	for (unsigned int i = PPP_AUTH_PAP; i < PPP_AUTH_COUNT; i++) {
		if (methods[i].protocol == PPP_CHAP && methods[i].algorithm == algorithm)
			return methods[i].name;
	}
	return "CHAP with an unknown algorithm";
}

const char *ppp_auth_option_name(const uint8_t *data, size_t len)
{
	struct wire_reader r = wire_reader(data, len);

	if (len < 2)
		return "";
	switch (wire_u16(&r)) {
	case PPP_PAP:
		return "PAP";
	case PPP_SPAP:
		return "SPAP";
	case PPP_EAP:
		return "EAP";
	case PPP_CHAP:
		return algorithm_name(len == 3 ? wire_u8(&r) : 0);
	default:
		return "an unknown method";
	}
}

int ppp_secret_from_password(struct ppp_secret *secret, const char *password)
{
	memset(secret, 0, sizeof(*secret));
	secret->has_lm = mschap_lm_hash(password, secret->lm_hash) == 0;
	secret->password = password;
	return mschap_nt_hash(password, secret->nt_hash);
}

void ppp_auth_md5(uint8_t identifier, const char *password, const uint8_t *challenge, size_t len,
	uint8_t md5[16])
{
	struct md5_ctx ctx;

	md5_init(&ctx);
	md5_update(&ctx, 1, &identifier);
	md5_update(&ctx, strlen(password), (const uint8_t *)password);
	md5_update(&ctx, len, challenge);
	md5_digest(&ctx, MD5_DIGEST_SIZE, md5);
	explicit_bzero(&ctx, sizeof(ctx));
}

enum pptp_reason ppp_auth_error_reason(unsigned int error)
{
	return error >= 646 && error <= 649 ? PPTP_AUTH_RESTRICTED : PPTP_AUTH_FAILED;
}

/* ---- the judgement, by method: does it fit? ---- */

/* By the hash, so that an account needs no password in clear for it. */
static bool fits_pap(const struct ppp_auth_request *request, const struct ppp_secret *secret)
{
	uint8_t hash[16];
	bool valid = mschap_nt_hash(request->password, hash) == 0;
	bool fits = mschap_equal(hash, secret->nt_hash, sizeof(hash)) && valid;

	explicit_bzero(hash, sizeof(hash));
	return fits;
}

static bool fits_md5(const struct ppp_auth_request *request, const struct ppp_secret *secret)
{
	const char *password = secret->password ? secret->password : "";
	uint8_t expected[16];
	bool fits;

	ppp_auth_md5(request->identifier, password, request->challenge, sizeof(request->challenge),
		expected);
	fits = mschap_equal(expected, request->md5, sizeof(expected)) && secret->password;
	explicit_bzero(expected, sizeof(expected));
	return fits;
}

static bool fits_mschap(const struct ppp_auth_request *request, const struct ppp_secret *secret)
{
	uint8_t expected[24];
	bool fits;

	if (request->lm_only)
		return false;
	if (request->method == PPP_AUTH_MSCHAP)
		mschap_response(request->challenge, secret->nt_hash, expected);
	else
		mschap2_nt_response(request->challenge, request->peer_challenge, request->name,
			secret->nt_hash, expected);
	fits = mschap_equal(expected, request->nt_response, sizeof(expected));
	explicit_bzero(expected, sizeof(expected));
	return fits;
}

static bool fits(const struct ppp_auth_request *request, const struct ppp_secret *secret)
{
	switch (ppp_auth_proof(request->method)) {
	case PPP_AUTH_PAP:
		return fits_pap(request, secret);
	case PPP_AUTH_MD5:
		return fits_md5(request, secret);
	case PPP_AUTH_MSCHAP:
	case PPP_AUTH_MSCHAP2:
		return fits_mschap(request, secret);
	case PPP_AUTH_EAP_MD5:
	case PPP_AUTH_EAP_MSCHAP2:
	case PPP_AUTH_PEAP:
	case PPP_AUTH_EAP_TLS: /* the method itself checks the certificate; whose it is, the owner */
	case PPP_AUTH_NONE:
	case PPP_AUTH_COUNT:
		break;
	}
	return false;
}

/* RFC 3079 sections 2 and 3. */
void ppp_auth_keys(const struct ppp_auth_request *request, const struct ppp_secret *secret,
	struct mppe_material *keys)
{
	uint8_t hash_hash[16];

	memset(keys, 0, sizeof(*keys));
	mschap_hash_hash(secret->nt_hash, hash_hash);
	if (ppp_auth_proof(request->method) == PPP_AUTH_MSCHAP2) {
		keys->source = MPPE_FROM_MSCHAP2;
		mppe_master_key(hash_hash, request->nt_response, keys->key);
	} else if (request->method == PPP_AUTH_MSCHAP) {
		keys->source = MPPE_FROM_MSCHAP;
		mppe_start_key_v1(hash_hash, request->challenge, keys->key);
		keys->has_lm = secret->has_lm;
		memcpy(keys->lm, secret->lm_hash, sizeof(keys->lm));
	}
	explicit_bzero(hash_hash, sizeof(hash_hash));
}

bool ppp_auth_check(const struct ppp_auth_request *request, const struct ppp_secret *secret,
	struct ppp_auth_verdict *verdict)
{
	uint8_t empty[16];
	bool good = fits(request, secret);

	memset(verdict, 0, sizeof(*verdict));
	(void)mschap_nt_hash("", empty);
	good &= !mschap_equal(empty, secret->nt_hash, sizeof(empty));
	good &= mschap_strip_domain(request->name)[0] != '\0';
	if (!good) {
		verdict->error = 691;
		verdict->retry = true;
		return false;
	}
	verdict->ok = true;
	if (ppp_auth_proof(request->method) == PPP_AUTH_MSCHAP2)
		mschap2_auth_response(secret->nt_hash, request->nt_response,
			request->peer_challenge, request->challenge, request->name,
			verdict->auth_response);
	ppp_auth_keys(request, secret, &verdict->keys);
	return true;
}

static void refuse_change(struct ppp_auth_verdict *verdict, enum password_fault fault)
{
	struct wire_writer w = wire_writer(verdict->message, sizeof(verdict->message) - 1);
	const char *text = password_fault_text(fault);

	memset(verdict, 0, sizeof(*verdict));
	verdict->error = fault == PASSWORD_UNPROVEN ? 691 : 709;
	wire_put_bytes(&w, "New password: ", 14);
	wire_put_bytes(&w, text, strlen(text));
}

enum password_fault ppp_auth_check_change(const struct ppp_auth_request *request,
	const struct ppp_secret *old, struct ppp_secret *next, struct ppp_auth_verdict *verdict)
{
	enum password_fault fault;

	memset(next, 0, sizeof(*next));
	fault = password_open(&request->sealed, old->nt_hash, next->nt_hash);
	if (fault == PASSWORD_GOOD && !ppp_auth_check(request, next, verdict))
		fault = PASSWORD_UNPROVEN;
	if (fault == PASSWORD_GOOD)
		return fault;
	explicit_bzero(next, sizeof(*next));
	refuse_change(verdict, fault);
	return fault;
}
