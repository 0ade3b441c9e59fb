/*
 * What all authentication methods of PPP share: their names, their Configuration Option of LCP
 * (RFC 1661 6.2, RFC 1994 3), what an authenticator has to judge, its verdict, and the judgement
 * itself, by a secret. Computations only, no state.
 *
 * By order of what they are worth: EAP-TLS proves both ends by certificates, and makes keys of full
 * strength; PEAP proves the server so, and the peer by MS-CHAPv2 inside; MS-CHAPv2 proves both ends and makes keys for MPPE, and can be
 * broken by machine all the same; MS-CHAP proves one end, its keys are the weaker; CHAP with MD5
 * makes no keys; PAP sends the password in clear. The methods of EAP are MS-CHAPv2 and MD5 in other
 * packets, and worth the same. EAP-TLS needs an
 * engine for TLS (tls.h): without one it is left out.
 *
 * LCP negotiates EAP as such (RFC 3748 3.1), whichever of its methods are allowed: which one it is
 * comes out in EAP.
 */
#pragma once

#include "lib/mppe/keys.h"
#include "lib/ppp/password.h"
#include "lib/ppp/tls.h"
#include "lib/reason.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ppp_auth_method {
	PPP_AUTH_NONE,
	PPP_AUTH_PAP,         /* RFC 1334 section 2 */
	PPP_AUTH_MD5,         /* RFC 1994 */
	PPP_AUTH_MSCHAP,      /* RFC 2433 */
	PPP_AUTH_MSCHAP2,     /* RFC 2759 */
	PPP_AUTH_EAP_MD5,     /* RFC 3748 5.4 */
	PPP_AUTH_EAP_MSCHAP2, /* draft-kamath-pppext-eap-mschapv2 */
	PPP_AUTH_EAP_TLS,     /* RFC 5216, RFC 9190 */
	PPP_AUTH_PEAP,        /* [MS-PEAP], version 0, with MSCHAPv2 inside */
	PPP_AUTH_COUNT
};

/* In the order in which they are asked for. Empty means MS-CHAPv2 only. */
struct ppp_auth_list {
	uint8_t count;
	uint8_t methods[PPP_AUTH_COUNT];
};

bool ppp_auth_allows(const struct ppp_auth_list *list, enum ppp_auth_method method);
/* The first of `list` that is none of those in `refused` (1 << method), or PPP_AUTH_NONE. */
enum ppp_auth_method ppp_auth_next(const struct ppp_auth_list *list, unsigned int refused);

static inline bool ppp_auth_is_eap(enum ppp_auth_method method)
{
	return method >= PPP_AUTH_EAP_MD5 && method < PPP_AUTH_COUNT;
}

/* What is proven, and how: that of EAP is the same as without. */
static inline enum ppp_auth_method ppp_auth_proof(enum ppp_auth_method method)
{
	return method == PPP_AUTH_EAP_MD5       ? PPP_AUTH_MD5
	       : method == PPP_AUTH_EAP_MSCHAP2 ? PPP_AUTH_MSCHAP2
	       : method == PPP_AUTH_PEAP        ? PPP_AUTH_MSCHAP2
						: method;
}

/* Does it run on TLS? */
static inline bool ppp_auth_needs_tls(enum ppp_auth_method method)
{
	return method == PPP_AUTH_EAP_TLS || method == PPP_AUTH_PEAP;
}

/* Do keys for MPPE come from it? */
static inline bool ppp_auth_makes_keys(enum ppp_auth_method method)
{
	return ppp_auth_proof(method) == PPP_AUTH_MSCHAP2 || method == PPP_AUTH_MSCHAP ||
	       method == PPP_AUTH_EAP_TLS;
}

/* Must who is authenticated by one of these have the password itself; and who judges? Where not, a
 * hash will do. */
bool ppp_auth_peer_needs_password(const struct ppp_auth_list *list);
bool ppp_auth_judge_needs_password(const struct ppp_auth_list *list);

/* "MS-CHAPv2"; "" for none. */
const char *ppp_auth_name(enum ppp_auth_method method);
/* As in configuration files, "mschap-v2"; and back, some other spellings included; NONE if it is
 * no method. */
const char *ppp_auth_keyword(enum ppp_auth_method method);
enum ppp_auth_method ppp_auth_from_keyword(const char *word);

/* The data of LCP's option 3: its length, 2 or 3. */
#define PPP_AUTH_OPTION_MAX 3
size_t ppp_auth_option(enum ppp_auth_method method, uint8_t data[PPP_AUTH_OPTION_MAX]);
/* The first of `list` that an option means: one of EAP's may be any of them. NONE if it is none of
 * these. */
enum ppp_auth_method ppp_auth_from_option(
	const struct ppp_auth_list *list, const uint8_t *data, size_t len);
/* Those with the same option as `method`, itself included: 1 << method. */
unsigned int ppp_auth_alike(enum ppp_auth_method method);
/* A method by its option's data, in words, also one that we do not have. Never NULL. */
const char *ppp_auth_option_name(const uint8_t *data, size_t len);

/* Without a password no MPPE keys of 40 and 56 bits come from MS-CHAP, and no judgement of MD5. */
struct ppp_secret {
	uint8_t nt_hash[16];
	bool has_lm;
	uint8_t lm_hash[8];   /* of the LM hash, as much as MPPE's keys need */
	const char *password; /* UTF-8, or NULL; the caller's */
};

/* 0; -EINVAL: no valid UTF-8, or too long (mschap_nt_hash). `password` must outlive the secret. */
int ppp_secret_from_password(struct ppp_secret *secret, const char *password);

#define PPP_NAME_MAX     255
#define PPP_PASSWORD_MAX 255 /* octets, in PAP */

/* What the authenticator must judge. */
struct ppp_auth_request {
	enum ppp_auth_method method;
	uint8_t identifier;
	/* As sent, NUL-terminated: a NUL inside makes the packet malformed. */
	char name[PPP_NAME_MAX + 1];
	uint8_t challenge[16];      /* ours; MS-CHAP: the first 8 */
	uint8_t peer_challenge[16]; /* MS-CHAPv2 */
	uint8_t nt_response[24];    /* MS-CHAP, MS-CHAPv2 */
	bool lm_only;               /* MS-CHAP: the flag says that there is no NT response */
	uint8_t md5[16];            /* MD5 */
	char password[PPP_PASSWORD_MAX + 1]; /* PAP */
	/*
	 * EAP-TLS: whom the client's certificate, which is good, stands for; to be read in the call
	 * of `judge` only. `name` is the Identity that it told, which proves nothing.
	 */
	const struct tls_identity *certificate;
	/*
	 * MS-CHAPv2: a Change-Password (RFC 2759 section 7) of a user who has just proven the old
	 * one. The responses are those of the new one: see ppp_auth_check_change().
	 */
	bool change;
	struct password_sealed sealed;
};

struct ppp_auth_verdict {
	bool ok;
	unsigned int error;        /* if not ok: MS-CHAP E= number, 691 by default (0) */
	bool retry;                /* if not ok: R=1, a new challenge is issued */
	bool change;               /* if 648: a Change-Password is welcome (MS-CHAPv2) */
	char message[64];          /* if not ok: in words, may be "" */
	char auth_response[43];    /* if ok, MS-CHAPv2: "S=..." */
	struct mppe_material keys; /* if ok: for MPPE; of TLS none, they come from the method */
	/* If ok, EAP-TLS: the account that the certificate stands for; it replaces the name that
	 * was told. Read at once. */
	const char *user;
};

/*
 * Judges by the secret; false (and a 691 verdict that allows a retry) if it does not fit. Constant
 * time. An empty name or the hash of an empty password never fits.
 */
bool ppp_auth_check(const struct ppp_auth_request *request, const struct ppp_secret *secret,
	struct ppp_auth_verdict *verdict);

/*
 * Judges a Change-Password (request->change) by the old secret. Good: `next` is the secret to be kept
 * from now on, which is a hash only, and the verdict is ok, with the proof and the keys of the new
 * one; it is given when the new one is kept. Else `next` is wiped, and the verdict says E=691, or
 * E=709 with a message for the user.
 */
enum password_fault ppp_auth_check_change(const struct ppp_auth_request *request,
	const struct ppp_secret *old, struct ppp_secret *next, struct ppp_auth_verdict *verdict);

/* The keys for MPPE that such a proof makes; none with MD5 or PAP. */
void ppp_auth_keys(const struct ppp_auth_request *request, const struct ppp_secret *secret,
	struct mppe_material *keys);

/* Why a session ends by an MS-CHAP E= number: AUTH_FAILED, or AUTH_RESTRICTED. */
enum pptp_reason ppp_auth_error_reason(unsigned int error);

/* RFC 1994 4.1: MD5 over identifier, secret, challenge. */
void ppp_auth_md5(uint8_t identifier, const char *password, const uint8_t *challenge, size_t len,
	uint8_t md5[16]);
