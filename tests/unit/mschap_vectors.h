/*
 * What is known of MS-CHAP, MS-CHAPv2 and the digests under them: the vectors of RFC 1320, 1321, 2433,
 * 2759 and 3079, and a session between a Windows client and Windows RRAS.
 */
#pragma once

#include "tests/unit/hex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static inline void assert_hex(const uint8_t *got, size_t len, const char *hex)
{
	uint8_t expected[64];

	assert_int_equal(unhex(expected, sizeof(expected), hex), len);
	assert_memory_equal(got, expected, len);
}

struct mschap2_session {
	const char *user, *password;
	const char *auth_challenge, *peer_challenge;
	const char *nt_response, *hash_hash, *proof, *master;
};

static const struct mschap2_session sessions[] = {
	/* RFC 2759 section 9.2, RFC 3079 section 3.5 */
	{ "User", "clientPass", "5B5D7C7D7B3F2F3E3C2C602132262628",
		"21402324255E262A28295F2B3A337C7E",
		"82309ECD8D708B5EA08FAA3981CD83544233114A3D85D6DF",
		"41C00C584BD2D91C4017A2A12FA59F3F", "S=407A5589115FD0D6209F510FE9C04566932CDA56",
		"FDECE3717A8C838CB388E527AE3CDD31" },
	/* the same with a domain, which is not hashed */
	{ "BIGCO\\User", "clientPass", "5B5D7C7D7B3F2F3E3C2C602132262628",
		"21402324255E262A28295F2B3A337C7E",
		"82309ECD8D708B5EA08FAA3981CD83544233114A3D85D6DF",
		"41C00C584BD2D91C4017A2A12FA59F3F", "S=407A5589115FD0D6209F510FE9C04566932CDA56",
		"FDECE3717A8C838CB388E527AE3CDD31" },
	/* Windows client, RRAS */
	{ "vpnuser", "vpnuser123", "05B2F10BDC3D6C92B6CD160ADEE148B4",
		"789223B02A0CC515404BCA2C696EDCFF",
		"8CD6161253EAC63FA53CFC6F74692FD73B0768CA63D612F0",
		"FF4E99A11E6F49796ABA1D32326D9EF1", "S=974E79C350CC7DC53FBC5F3A114C63B1EFA16E19",
		"F3C4E5896E1DA799567075738BAC82C2" },
};

/* RFC 2433 appendix B.2: the response of "MyPw" to the challenge. */
#define RFC2433_CHALLENGE "102DB5DF085D3041"
#define RFC2433_HASH      "FC156AF7EDCD6C0EDDE3337D427F4EAC"
#define RFC2433_RESPONSE  "4E9D3C8F9CFD385D5BF4D3246791956CA4C351AB409A3D61"
/* RFC 3079 2.5.1: the LM hash of "clientPass". */
#define RFC3079_LM_HASH "76A152936096D783"

/* The texts of RFC 1320 and 1321 appendix A.5. */
static const char *const md_texts[7] = { "", "a", "abc", "message digest",
	"abcdefghijklmnopqrstuvwxyz",
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
	"12345678901234567890123456789012345678901234567890123456789012345678901234567890" };
