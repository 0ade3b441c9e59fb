/*
 * MS-CHAPv2's computations against the vectors of RFC 2759, RFC 2433 and RFC 3079 and against a
 * session between a Windows client and Windows RRAS, and the Failure text of real servers.
 */
#include "lib/mppe/keys.h"
#include "lib/ppp/mschap.h"
#include "tests/unit/mschap_vectors.h"

#include <errno.h>
#include <nettle/des.h>

static void sessions_give_their_responses_proofs_and_keys(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(sessions) / sizeof(sessions[0]); i++) {
		const struct mschap2_session *s = &sessions[i];
		uint8_t auth[16], peer[16], hash[16], hash_hash[16], response[24], master[16];
		char proof[43];

		unhex(auth, sizeof(auth), s->auth_challenge);
		unhex(peer, sizeof(peer), s->peer_challenge);
		assert_int_equal(mschap_nt_hash(s->password, hash), 0);
		mschap_hash_hash(hash, hash_hash);
		assert_hex(hash_hash, sizeof(hash_hash), s->hash_hash);
		mschap2_nt_response(auth, peer, s->user, hash, response);
		assert_hex(response, sizeof(response), s->nt_response);
		mschap2_auth_response(hash, response, peer, auth, s->user, proof);
		assert_string_equal(proof, s->proof);
		mppe_master_key(hash_hash, response, master);
		assert_hex(master, sizeof(master), s->master);
	}
}

static void challenge_hash_is_that_of_rfc2759(void **state)
{
	uint8_t auth[16], peer[16], challenge[8];

	(void)state;
	unhex(auth, sizeof(auth), sessions[0].auth_challenge);
	unhex(peer, sizeof(peer), sessions[0].peer_challenge);
	mschap2_challenge_hash(peer, auth, "User", challenge);
	assert_hex(challenge, sizeof(challenge), "D02E4386BCE91226");
}

static void v1_response_is_that_of_rfc2433(void **state)
{
	uint8_t challenge[8], hash[16], response[24];

	(void)state;
	unhex(challenge, sizeof(challenge), RFC2433_CHALLENGE);
	assert_int_equal(mschap_nt_hash("MyPw", hash), 0);
	assert_hex(hash, sizeof(hash), RFC2433_HASH);
	mschap_response(challenge, hash, response);
	assert_hex(response, sizeof(response), RFC2433_RESPONSE);
}

/* RFC 3079 2.5.1: the LM hash of "clientPass", and what it is not made of. */
static void the_lm_hash_is_that_of_rfc_3079(void **state)
{
	static const uint8_t zero[8];
	uint8_t hash[8];

	(void)state;
	assert_int_equal(mschap_lm_hash("clientPass", hash), 0);
	assert_hex(hash, 8, RFC3079_LM_HASH);
	assert_int_equal(mschap_lm_hash("CLIENTpASSWORD", hash), 0);
	assert_hex(hash, 8, RFC3079_LM_HASH); /* its first seven characters, in capitals */
	assert_int_equal(mschap_lm_hash("clientPassword1", hash), -EINVAL);
	assert_memory_equal(hash, zero, 8);
	assert_int_equal(mschap_lm_hash("p\xc3\xa4ss", hash), -EINVAL);
}

/* The third DES key has 16 bits: where they are zero it is a weak key, which a library might
 * refuse. */
static void weak_des_key_is_used(void **state)
{
	uint8_t challenge[8], hash[16], response[24];

	(void)state;
	unhex(challenge, sizeof(challenge), "0123456789ABCDEF");
	unhex(hash, sizeof(hash), "F1F2F3F4F5F6F7F8F9FAFBFCFDFE0000");
	mschap_response(challenge, hash, response);
	assert_hex(response, sizeof(response), "B931AC627C68979DC5B1E3A86FEDC3F5617B3A0CE8F07100");
	memset(challenge, 0, sizeof(challenge));
	mschap_response(challenge, hash, response);
	assert_hex(response + 16, 8, "8CA64DE9C1B123A7");
}

/* The hashes were computed by an independent program. */
static void passwords_are_hashed_as_utf16(void **state)
{
	static const struct {
		const char *password, *hash;
	} table[] = {
		{ "", "31D6CFE0D16AE931B73C59D7E0C089C0" },
		{ "clientPass", "44EBBA8D5312B8D611474411F56989AE" },
		{ "vpnuser123", "39D855EA309489C05A213AF753035537" },
		{ "p\xc3\xa4\xc3\x9fw\xe2\x82\xacrd", "ACA2D0107E89668991996A56AABAFB66" },
		/* surrogate pairs: U+1F600, U+10FFFF, U+10000 */
		{ "\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf\xf0\x90\x80\x80",
			"15D69A601752E8CFC44FA3330ABDDC20" },
		/* the last before the surrogates, the first behind, the last of the plane */
		{ "\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf", "1DCBAEA382262D274440B4919F56E917" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		uint8_t hash[16];

		assert_int_equal(mschap_nt_hash(table[i].password, hash), 0);
		assert_hex(hash, sizeof(hash), table[i].hash);
	}
}

static void passwords_that_are_not_utf8_are_refused(void **state)
{
	static const char *const table[] = {
		"\x80",                     /* continuation alone */
		"a\xbf", "\xc0\x80",        /* overlong NUL */
		"\xc1\xbf", "\xe0\x80\x80", /* overlong */
		"\xe0\x9f\xbf", "\xf0\x80\x80\x80", "\xf0\x8f\xbf\xbf",
		"\xed\xa0\x80",                                 /* surrogates */
		"\xed\xbf\xbf", "\xf4\x90\x80\x80",             /* beyond U+10FFFF */
		"\xf5\x80\x80\x80", "\xfe", "\xff\xff", "\xc3", /* cut */
		"\xe2\x82", "\xf0\x9f\x98", "\xc3(",            /* no continuation */
		"\xe2\x82(", "\xf0\x9f\x98(", "\xe4\xf6\xfc",   /* ISO 8859-1 */
	};
	static const uint8_t zero[16];

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		uint8_t hash[16] = { 1 };

		assert_int_equal(mschap_nt_hash(table[i], hash), -EINVAL);
		assert_memory_equal(hash, zero, sizeof(hash));
	}
}

static void passwords_end_at_256_utf16_units(void **state)
{
	char password[600];
	uint8_t hash[16];

	(void)state;
	memset(password, 'a', sizeof(password));
	password[256] = '\0';
	assert_int_equal(mschap_nt_hash(password, hash), 0);
	assert_hex(hash, sizeof(hash), "9118F6CE48955B5CA2BE01329E7F959E");
	password[256] = 'a';
	password[257] = '\0';
	assert_int_equal(mschap_nt_hash(password, hash), -EINVAL);
	for (size_t i = 0; i < 129; i++)
		memcpy(password + 4 * i, "\xf0\x9f\x98\x80", 5);
	assert_int_equal(mschap_nt_hash(password, hash), -EINVAL);
	password[512] = '\0';
	assert_int_equal(mschap_nt_hash(password, hash), 0);
	assert_hex(hash, sizeof(hash), "F8FA08817385E00F4344AEEC02847C21");
	memcpy(password + 508, "ab\xe2\x82\xac", 6); /* 254 and 3: one unit too many */
	assert_int_equal(mschap_nt_hash(password, hash), -EINVAL);
}

static void domain_is_what_stands_before_the_last_backslash(void **state)
{
	(void)state;
	assert_string_equal(mschap_strip_domain("user"), "user");
	assert_string_equal(mschap_strip_domain("DOM\\user"), "user");
	assert_string_equal(mschap_strip_domain("A\\B\\user"), "user");
	assert_string_equal(mschap_strip_domain("DOM\\"), "");
	assert_string_equal(mschap_strip_domain("user@example.net"), "user@example.net");
	assert_string_equal(mschap_strip_domain(""), "");
}

static int parse(struct mschap_failure *f, const char *text)
{
	memset(f, 0, sizeof(*f));
	return mschap_failure_parse(f, (const uint8_t *)text, strlen(text));
}

static void failure_text_of_pppd_is_read(void **state)
{
	struct mschap_failure f;

	(void)state;
	assert_int_equal(
		parse(&f, "E=691 R=1 C=00112233445566778899aAbBcCdDeEfF V=0 M=Access denied"), 0);
	assert_int_equal(f.error, 691);
	assert_true(f.retry);
	assert_true(f.has_challenge);
	assert_hex(f.challenge, sizeof(f.challenge), "00112233445566778899AABBCCDDEEFF");
	assert_int_equal(f.version, 0);
	assert_string_equal(f.message, "Access denied");
}

static void failure_text_of_windows_is_read(void **state)
{
	struct mschap_failure f;

	(void)state;
	assert_int_equal(parse(&f, "E=648 R=0 C=00000000000000000000000000000001 V=3"), 0);
	assert_int_equal(f.error, 648);
	assert_false(f.retry);
	assert_true(f.has_challenge);
	assert_int_equal(f.version, 3);
	assert_string_equal(f.message, "");
	assert_int_equal(parse(&f, "E=649"), 0);
	assert_int_equal(f.error, 649);
	assert_false(f.has_challenge);
}

static void odd_failure_texts_are_taken_as_far_as_they_go(void **state)
{
	struct mschap_failure f;

	(void)state;
	assert_int_equal(parse(&f, "  V=3 X=y R=1  E=691 C=0011"), 0);
	assert_int_equal(f.error, 691);
	assert_true(f.retry);
	assert_false(f.has_challenge);
	assert_int_equal(f.version, 3);
	assert_int_equal(parse(&f, "E=691 C=0g112233445566778899aabbccddeeff"), 0);
	assert_false(f.has_challenge);
	assert_int_equal(parse(&f, "E=691 C=00112233445566778899aabbccddeeff0"), 0);
	assert_false(f.has_challenge);
	assert_int_equal(parse(&f, "E=0000000691 R=2 V="), 0);
	assert_int_equal(f.error, 691);
	assert_false(f.retry);
	assert_int_equal(parse(&f, "E=9999999999"), 0);
	assert_int_equal(f.error, 4294967295u);
	assert_int_equal(parse(&f, "E=691 M=M=1 E=2  R=1 "), 0);
	assert_int_equal(f.error, 691);
	assert_false(f.retry);
	assert_string_equal(f.message, "M=1 E=2  R=1 ");
}

static void failure_text_without_an_error_number_is_refused(void **state)
{
	static const char *const table[] = { "", " ", "E", "E=", "E= 691", "E=69x", "e=691", "E=-1",
		"E=99999999999", "M=E=691", "R=1 M=x E=691", "XE=691", "Access denied" };
	struct mschap_failure f = { .error = 7 };

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		assert_int_equal(
			mschap_failure_parse(&f, (const uint8_t *)table[i], strlen(table[i])),
			-EBADMSG);
		assert_int_equal(f.error, 7);
		assert_false(f.retry);
		assert_string_equal(f.message, "");
	}
}

static void failure_message_is_escaped_and_cut(void **state)
{
	struct mschap_failure f;
	char text[200] = "E=691 M=";

	(void)state;
	assert_int_equal(parse(&f, "E=691 M=a\n\x1b[2J\x7f\xffz"), 0);
	assert_string_equal(f.message, "a\\x0a\\x1b[2J\\x7f\\xffz");
	memset(text + 8, 'm', 62);
	strcpy(text + 70, "\n!");
	assert_int_equal(parse(&f, text), 0);
	assert_int_equal(strlen(f.message), 62); /* an escape is not cut in two */
	memset(text + 8, 'm', 100);
	text[108] = '\0';
	assert_int_equal(parse(&f, text), 0);
	assert_int_equal(strlen(f.message), 63);
}

/* Under ASan: nothing behind the text's end is read, at any length. */
static void failure_text_is_read_only_to_its_end(void **state)
{
	static const char text[] = "E=691 R=1 C=00112233445566778899AABBCCDDEEFF V=3 M=x";

	(void)state;
	for (size_t len = 0; len < sizeof(text); len++) {
		uint8_t *copy = test_malloc(len + 1);
		struct mschap_failure f = { 0 };
		int err;

		memcpy(copy + 1, text, len);
		err = mschap_failure_parse(&f, copy + 1, len);
		assert_int_equal(err, len >= 3 ? 0 : -EBADMSG);
		test_free(copy);
	}
}

static void equal_compares_all_octets(void **state)
{
	uint8_t a[24] = { 0 }, b[24] = { 0 };

	(void)state;
	assert_true(mschap_equal(a, b, sizeof(a)));
	assert_true(mschap_equal(a, b, 0));
	for (size_t i = 0; i < sizeof(a); i++) {
		b[i] = 0x80;
		assert_false(mschap_equal(a, b, sizeof(a)));
		b[i] = 0;
	}
}

static void errors_have_words(void **state)
{
	static const unsigned int table[] = { 646, 647, 648, 649, 691, 709, 0, 1000 };

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		assert_true(strlen(mschap_error_text(table[i])) > 0);
	assert_string_equal(mschap_error_text(691), "wrong user name or password");
}

/* RFC 1320 appendix A.5. */
static void md4_is_that_of_rfc1320(void **state)
{
	static const char *const hashes[] = {
		"31D6CFE0D16AE931B73C59D7E0C089C0",
		"BDE52CB31DE33E46245E05FBDBD6FB24",
		"A448017AAF21D8525FC10AE87AA6729D",
		"D9130A8164549FE818874806E1C7014B",
		"D79E1C308AA5BBCDEEA8ED63DF412DA9",
		"043F8582F241DB351CE627E153E7F0E4",
		"E33B4DDC9C38F2199C3E7B164FCC0536",
	};
	uint8_t hash[16];

	(void)state;
	for (size_t i = 0; i < 7; i++) {
		mschap_hash_utf16((const uint8_t *)md_texts[i], strlen(md_texts[i]), hash);
		assert_hex(hash, sizeof(hash), hashes[i]);
	}
}

/* RFC 2759 section 9.3, RFC 2433 B.3: the hash of "MyPw" as two DES keys, there with odd parity. */
static void des_keys_are_expanded_as_in_rfc2759(void **state)
{
	static const uint8_t expanded[2][8] = {
		{ 0xfd, 0x0b, 0x5b, 0x5e, 0x7f, 0x6e, 0x34, 0xd9 },
		{ 0x0e, 0x6e, 0x79, 0x67, 0x37, 0xea, 0x08, 0xfe },
	};
	static const uint8_t clear[8] = "whatever";
	uint8_t hash[16], expected[8], got[8];
	struct des_ctx des;

	(void)state;
	assert_int_equal(mschap_nt_hash("MyPw", hash), 0);
	for (int i = 0; i < 2; i++) {
		des_set_key(&des, expanded[i]);
		des_encrypt(&des, 8, expected, clear);
		mschap_des(clear, hash + 7 * i, got);
		assert_memory_equal(got, expected, 8);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(md4_is_that_of_rfc1320),
		cmocka_unit_test(des_keys_are_expanded_as_in_rfc2759),
		cmocka_unit_test(sessions_give_their_responses_proofs_and_keys),
		cmocka_unit_test(challenge_hash_is_that_of_rfc2759),
		cmocka_unit_test(v1_response_is_that_of_rfc2433),
		cmocka_unit_test(the_lm_hash_is_that_of_rfc_3079),
		cmocka_unit_test(weak_des_key_is_used),
		cmocka_unit_test(passwords_are_hashed_as_utf16),
		cmocka_unit_test(passwords_that_are_not_utf8_are_refused),
		cmocka_unit_test(passwords_end_at_256_utf16_units),
		cmocka_unit_test(domain_is_what_stands_before_the_last_backslash),
		cmocka_unit_test(failure_text_of_pppd_is_read),
		cmocka_unit_test(failure_text_of_windows_is_read),
		cmocka_unit_test(odd_failure_texts_are_taken_as_far_as_they_go),
		cmocka_unit_test(failure_text_without_an_error_number_is_refused),
		cmocka_unit_test(failure_message_is_escaped_and_cut),
		cmocka_unit_test(failure_text_is_read_only_to_its_end),
		cmocka_unit_test(equal_compares_all_octets),
		cmocka_unit_test(errors_have_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
