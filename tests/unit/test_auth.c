/* lib/ppp/auth: names, LCP's option, judgements and keys of every method; the RFCs' vectors. */
#include "lib/ppp/auth.h"
#include "lib/ppp/mschap.h"
#include "tests/unit/mschap_vectors.h"

#include <stdio.h>

static enum ppp_auth_method from_option(const void *data, size_t len)
{
	static const struct ppp_auth_list all = { 4,
		{ PPP_AUTH_PAP, PPP_AUTH_MD5, PPP_AUTH_MSCHAP, PPP_AUTH_MSCHAP2 } };

	return ppp_auth_from_option(&all, data, len);
}

static void every_method_has_its_option_and_its_words(void **state)
{
	static const struct {
		enum ppp_auth_method method;
		uint8_t data[3];
		size_t len;
		const char *name, *word;
	} v[] = {
		{ PPP_AUTH_PAP, { 0xc0, 0x23 }, 2, "PAP", "pap" },
		{ PPP_AUTH_MD5, { 0xc2, 0x23, 0x05 }, 3, "CHAP-MD5", "chap-md5" },
		{ PPP_AUTH_MSCHAP, { 0xc2, 0x23, 0x80 }, 3, "MS-CHAP", "mschap" },
		{ PPP_AUTH_MSCHAP2, { 0xc2, 0x23, 0x81 }, 3, "MS-CHAPv2", "mschap-v2" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		uint8_t data[PPP_AUTH_OPTION_MAX];

		assert_int_equal(ppp_auth_option(v[i].method, data), v[i].len);
		assert_memory_equal(data, v[i].data, v[i].len);
		assert_int_equal(from_option(data, v[i].len), v[i].method);
		assert_string_equal(ppp_auth_option_name(data, v[i].len), v[i].name);
		assert_string_equal(ppp_auth_name(v[i].method), v[i].name);
		assert_string_equal(ppp_auth_keyword(v[i].method), v[i].word);
		assert_int_equal(ppp_auth_from_keyword(v[i].word), v[i].method);
		assert_int_equal(ppp_auth_from_keyword(v[i].name), v[i].method);
	}
	assert_int_equal(ppp_auth_from_keyword("none"), PPP_AUTH_NONE);
	assert_int_equal(ppp_auth_from_keyword(""), PPP_AUTH_NONE);
	assert_int_equal(from_option("\xc2\x23", 2), PPP_AUTH_NONE);
	assert_int_equal(from_option("\xc2\x23\x81\x00", 4), PPP_AUTH_NONE);
	assert_int_equal(from_option("\xc2\x27", 2), PPP_AUTH_NONE);
	assert_string_equal(ppp_auth_option_name((const uint8_t *)"\xc0\x27", 2), "SPAP");
	assert_string_equal(ppp_auth_option_name((const uint8_t *)"\xc2\x27", 2), "EAP");
}

static void eap_is_one_option_whichever_of_its_methods_are_allowed(void **state)
{
	static const struct ppp_auth_list list = { 3,
		{ PPP_AUTH_MSCHAP2, PPP_AUTH_EAP_MSCHAP2, PPP_AUTH_EAP_MD5 } };
	static const struct ppp_auth_list other = { 2, { PPP_AUTH_EAP_MD5, PPP_AUTH_EAP_MSCHAP2 } };
	uint8_t data[PPP_AUTH_OPTION_MAX];

	(void)state;
	assert_int_equal(ppp_auth_option(PPP_AUTH_EAP_MD5, data), 2);
	assert_memory_equal(data, "\xc2\x27", 2);
	assert_int_equal(ppp_auth_option(PPP_AUTH_EAP_MSCHAP2, data), 2);
	assert_memory_equal(data, "\xc2\x27", 2);
	assert_int_equal(ppp_auth_from_option(&list, data, 2), PPP_AUTH_EAP_MSCHAP2);
	assert_int_equal(ppp_auth_from_option(&other, data, 2), PPP_AUTH_EAP_MD5);
	assert_int_equal(ppp_auth_alike(PPP_AUTH_EAP_MD5),
		1u << PPP_AUTH_EAP_MD5 | 1u << PPP_AUTH_EAP_MSCHAP2 | 1u << PPP_AUTH_EAP_TLS |
			1u << PPP_AUTH_PEAP);
	assert_int_equal(ppp_auth_alike(PPP_AUTH_MSCHAP2), 1u << PPP_AUTH_MSCHAP2);
	assert_int_equal(ppp_auth_next(&list, ppp_auth_alike(PPP_AUTH_EAP_MD5)), PPP_AUTH_MSCHAP2);
	assert_string_equal(ppp_auth_name(PPP_AUTH_EAP_MD5), "EAP-MD5");
	assert_int_equal(ppp_auth_from_keyword("eap-mschap-v2"), PPP_AUTH_EAP_MSCHAP2);
	assert_int_equal(ppp_auth_from_keyword("EAP-MSCHAPv2"), PPP_AUTH_EAP_MSCHAP2);
	assert_int_equal(ppp_auth_from_keyword("eap-md5"), PPP_AUTH_EAP_MD5);
	assert_string_equal(ppp_auth_keyword(PPP_AUTH_EAP_MSCHAP2), "eap-mschap-v2");
	assert_int_equal(ppp_auth_from_keyword("peap"), PPP_AUTH_PEAP);
	assert_true(ppp_auth_needs_tls(PPP_AUTH_PEAP) && ppp_auth_makes_keys(PPP_AUTH_PEAP));
	assert_int_equal(ppp_auth_proof(PPP_AUTH_PEAP), PPP_AUTH_MSCHAP2);
	assert_true(ppp_auth_makes_keys(PPP_AUTH_EAP_MSCHAP2));
	assert_false(ppp_auth_makes_keys(PPP_AUTH_EAP_MD5));
	assert_true(ppp_auth_judge_needs_password(&list));
	assert_false(ppp_auth_judge_needs_password(
		&(struct ppp_auth_list){ 2, { PPP_AUTH_EAP_MSCHAP2, PPP_AUTH_PAP } }));
	assert_true(ppp_auth_peer_needs_password(
		&(struct ppp_auth_list){ 2, { PPP_AUTH_EAP_MSCHAP2, PPP_AUTH_PAP } }));
}

/* RFC 2759 9.2, and the same by EAP: the proof is the same. */
static void eap_is_judged_as_what_is_in_it(void **state)
{
	static const enum ppp_auth_method methods[] = { PPP_AUTH_MSCHAP2, PPP_AUTH_EAP_MSCHAP2 };
	const struct mschap2_session *s = &sessions[0];
	struct ppp_secret secret;

	(void)state;
	assert_int_equal(ppp_secret_from_password(&secret, s->password), 0);
	for (unsigned int i = 0; i < 2; i++) {
		struct ppp_auth_request request = { .method = methods[i], .name = "User" };
		struct ppp_auth_verdict verdict;
		struct mppe_material keys;

		unhex(request.challenge, 16, s->auth_challenge);
		unhex(request.peer_challenge, 16, s->peer_challenge);
		unhex(request.nt_response, 24, s->nt_response);
		assert_true(ppp_auth_check(&request, &secret, &verdict));
		assert_string_equal(verdict.auth_response, s->proof);
		assert_int_equal(verdict.keys.source, MPPE_FROM_MSCHAP2);
		ppp_auth_keys(&request, &secret, &keys);
		assert_memory_equal(keys.key, verdict.keys.key, sizeof(keys.key));
	}
}

static void lists_have_an_order_and_leave_out_what_was_refused(void **state)
{
	const struct ppp_auth_list list = { 2, { PPP_AUTH_MSCHAP2, PPP_AUTH_PAP } };

	(void)state;
	assert_true(ppp_auth_allows(&list, PPP_AUTH_PAP));
	assert_false(ppp_auth_allows(&list, PPP_AUTH_MD5));
	assert_false(ppp_auth_allows(&list, PPP_AUTH_NONE));
	assert_int_equal(ppp_auth_next(&list, 0), PPP_AUTH_MSCHAP2);
	assert_int_equal(ppp_auth_next(&list, 1u << PPP_AUTH_MSCHAP2), PPP_AUTH_PAP);
	assert_int_equal(
		ppp_auth_next(&list, 1u << PPP_AUTH_MSCHAP2 | 1u << PPP_AUTH_PAP), PPP_AUTH_NONE);
}

/* RFC 3079 2.5: keys of all three strengths from MS-CHAP. */
static void keys_of_mschap_are_those_of_rfc_3079(void **state)
{
	static const uint8_t start_128[16] = { 0xa8, 0x94, 0x78, 0x50, 0xcf, 0xc0, 0xac, 0xc1, 0xd1,
		0x78, 0x9f, 0xb6, 0x2d, 0xdc, 0xdd, 0xb0 };
	struct ppp_auth_request request = { .method = PPP_AUTH_MSCHAP, .name = "User" };
	struct ppp_auth_verdict verdict;
	struct ppp_secret secret;
	uint8_t start[16];

	(void)state;
	unhex(request.challenge, 8, RFC2433_CHALLENGE);
	assert_int_equal(ppp_secret_from_password(&secret, "clientPass"), 0);
	mschap_response(request.challenge, secret.nt_hash, request.nt_response);
	assert_true(ppp_auth_check(&request, &secret, &verdict));
	for (int server = 0; server < 2; server++) {
		mppe_material_start(&verdict.keys, MPPE_40, server, start);
		assert_hex(start, 8, RFC3079_LM_HASH);
		mppe_material_start(&verdict.keys, MPPE_56, server, start);
		assert_hex(start, 8, RFC3079_LM_HASH);
		mppe_material_start(&verdict.keys, MPPE_128, server, start);
		assert_memory_equal(start, start_128, 16);
	}
	/* Of an account whose hash is all that is known. */
	secret.has_lm = false;
	assert_true(ppp_auth_check(&request, &secret, &verdict));
	assert_true(mppe_material_has(&verdict.keys, MPPE_128));
	assert_false(mppe_material_has(&verdict.keys, MPPE_40));
}

static void mschap_is_judged_as_in_rfc_2433(void **state)
{
	struct ppp_auth_request request = { .method = PPP_AUTH_MSCHAP, .name = "User" };
	struct ppp_auth_verdict verdict;
	struct ppp_secret secret;

	(void)state;
	unhex(request.challenge, 8, RFC2433_CHALLENGE);
	unhex(request.nt_response, 24, RFC2433_RESPONSE);
	assert_int_equal(ppp_secret_from_password(&secret, "MyPw"), 0);
	assert_true(ppp_auth_check(&request, &secret, &verdict));
	assert_int_equal(verdict.keys.source, MPPE_FROM_MSCHAP);
	request.nt_response[23] ^= 1;
	assert_false(ppp_auth_check(&request, &secret, &verdict));
	assert_int_equal(verdict.keys.source, MPPE_NO_KEYS);
}

/* MD5 of 01 "secret" 16 octets: recomputed with another program. */
static void md5_is_judged_by_the_password_itself(void **state)
{
	struct ppp_auth_request request = {
		.method = PPP_AUTH_MD5, .name = "user", .identifier = 1
	};
	static const uint8_t want[16] = { 0x74, 0x0e, 0x86, 0x46, 0x3b, 0xda, 0x3a, 0x4d, 0x70,
		0x17, 0xd6, 0xe0, 0xfb, 0xa0, 0x69, 0x9d };
	struct ppp_auth_verdict verdict;
	struct ppp_secret secret;

	(void)state;
	for (uint8_t i = 0; i < 16; i++)
		request.challenge[i] = i;
	ppp_auth_md5(1, "secret", request.challenge, 16, request.md5);
	assert_memory_equal(request.md5, want, 16);
	assert_int_equal(ppp_secret_from_password(&secret, "secret"), 0);
	assert_true(ppp_auth_check(&request, &secret, &verdict));
	assert_int_equal(verdict.keys.source, MPPE_NO_KEYS);
	secret.password = NULL; /* only the NT hash is known */
	assert_false(ppp_auth_check(&request, &secret, &verdict));
	/* An account without a password is not one with the empty password. */
	ppp_auth_md5(1, "", request.challenge, 16, request.md5);
	assert_false(ppp_auth_check(&request, &secret, &verdict));
}

static void pap_is_judged_by_the_hash(void **state)
{
	struct ppp_auth_request request = {
		.method = PPP_AUTH_PAP, .name = "user", .password = "secret"
	};
	struct ppp_auth_verdict verdict;
	struct ppp_secret secret;

	(void)state;
	assert_int_equal(ppp_secret_from_password(&secret, "secret"), 0);
	secret.password = NULL;
	assert_true(ppp_auth_check(&request, &secret, &verdict));
	strcpy(request.password, "Secret");
	assert_false(ppp_auth_check(&request, &secret, &verdict));
	/* No password that has no hash fits the account that has none. */
	memset(&secret, 0, sizeof(secret));
	strcpy(request.password, "\xff\xfe");
	assert_false(ppp_auth_check(&request, &secret, &verdict));
}

static void nothing_empty_is_ever_right(void **state)
{
	static const enum ppp_auth_method methods[] = { PPP_AUTH_PAP, PPP_AUTH_MD5, PPP_AUTH_MSCHAP,
		PPP_AUTH_MSCHAP2 };
	struct ppp_secret secret;

	(void)state;
	assert_int_equal(ppp_secret_from_password(&secret, ""), 0);
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		struct ppp_auth_request request = { .method = methods[i], .name = "user" };
		struct ppp_auth_verdict verdict;

		ppp_auth_md5(0, "", request.challenge, 16, request.md5);
		if (methods[i] == PPP_AUTH_MSCHAP2)
			mschap2_nt_response(request.challenge, request.peer_challenge, "user",
				secret.nt_hash, request.nt_response);
		else
			mschap_response(request.challenge, secret.nt_hash, request.nt_response);
		assert_false(ppp_auth_check(&request, &secret, &verdict));
		assert_int_equal(verdict.error, 691);
	}
}

/* RFC 1321 appendix A.5, as RFC 1994 4.1 has it hashed: identifier, secret, challenge. */
static void md5_is_that_of_rfc1321(void **state)
{
	static const char *const hashes[] = {
		"0CC175B9C0F1B6A831C399E269772661",
		"900150983CD24FB0D6963F7D28E17F72",
		"F96B697D7CB7938D525A2F31AAF161D0",
		"C3FCD3D76192E4007DFB496CCA67E13B",
		"D174AB98D277D9F5A5611C2C9F419D9F",
		"57EDF4A22BE3C955AC49DA2E2107B67A",
	};

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		const char *text = md_texts[i + 1]; /* of "" no octet is left for the identifier */
		size_t len = strlen(text), cut = len / 2;
		char secret[96];
		uint8_t md5[16];

		cut = cut ? cut : 1;
		snprintf(secret, sizeof(secret), "%.*s", (int)(cut - 1), text + 1);
		ppp_auth_md5((uint8_t)text[0], secret, (const uint8_t *)text + cut, len - cut, md5);
		assert_hex(md5, sizeof(md5), hashes[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(md5_is_that_of_rfc1321),
		cmocka_unit_test(every_method_has_its_option_and_its_words),
		cmocka_unit_test(eap_is_one_option_whichever_of_its_methods_are_allowed),
		cmocka_unit_test(eap_is_judged_as_what_is_in_it),
		cmocka_unit_test(lists_have_an_order_and_leave_out_what_was_refused),
		cmocka_unit_test(keys_of_mschap_are_those_of_rfc_3079),
		cmocka_unit_test(mschap_is_judged_as_in_rfc_2433),
		cmocka_unit_test(md5_is_judged_by_the_password_itself),
		cmocka_unit_test(pap_is_judged_by_the_hash),
		cmocka_unit_test(nothing_empty_is_ever_right),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
