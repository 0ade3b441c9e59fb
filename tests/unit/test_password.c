/*
 * Change-Password's sealed fields: a vector, every length, every damage, and what a new password must
 * not be.
 */
#include "lib/mppe/rc4.h"
#include "lib/ppp/auth.h"
#include "lib/ppp/mschap.h"

#include <nettle/sha1.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* RFC 2759 section 9.2: the hash of "clientPass". */
static const uint8_t old_hash[16] = { 0x44, 0xeb, 0xba, 0x8d, 0x53, 0x12, 0xb8, 0xd6, 0x11, 0x47,
	0x44, 0x11, 0xf5, 0x69, 0x89, 0xae };
static const uint8_t filling[PASSWORD_BLOCK];

static enum password_fault seal(struct password_change *change, const char *password)
{
	return password_seal(change, password, old_hash, filling);
}

/*
 * The RFC has no vector for 8.9 to 8.13. This one was made by a Python program with an MD4 and an RC4
 * of its own and OpenSSL's DES: old password "clientPass", new one "newPass" U+20AC "1", the block
 * filled with zeros.
 */
static void sealed_fields_are_those_of_an_independent_program(void **state)
{
	static const uint8_t new_hash[16] = { 0xdd, 0x5b, 0xda, 0xfa, 0x1e, 0x62, 0xba, 0x08, 0xfc,
		0x98, 0xe9, 0xb6, 0x10, 0x49, 0x84, 0x30 };
	static const uint8_t first[16] = { 0x92, 0xe2, 0xcb, 0xef, 0xb3, 0xf9, 0xf0, 0x14, 0x28,
		0x0c, 0xfb, 0x88, 0x60, 0x31, 0x37, 0xe0 };
	static const uint8_t last[24] = { 0xa6, 0xec, 0xa8, 0x2c, 0xa0, 0x22, 0x65, 0xdf, 0x0a,
		0xec, 0x55, 0x7f, 0x7a, 0x18, 0xbc, 0x7f, 0x2d, 0x65, 0xca, 0x58, 0xa0, 0x34, 0x3a,
		0x7c };
	static const uint8_t digest[20] = { 0x9f, 0x29, 0x91, 0xf0, 0x46, 0xc3, 0x76, 0xd4, 0xeb,
		0x0c, 0xc3, 0xcd, 0x9d, 0x98, 0x34, 0x8d, 0xbd, 0x05, 0xc1, 0x6d };
	static const uint8_t sealed_hash[16] = { 0x93, 0xbb, 0x0f, 0xe7, 0x99, 0x42, 0x0f, 0x43,
		0xf5, 0x7d, 0x63, 0x03, 0xde, 0x2f, 0xb0, 0x7a };
	struct password_change change;
	uint8_t got[20], opened[16];
	struct sha1_ctx sha1;

	(void)state;
	assert_int_equal(seal(&change, "newPass\xe2\x82\xac"
				       "1"),
		PASSWORD_GOOD);
	assert_memory_equal(change.nt_hash, new_hash, 16);
	assert_memory_equal(change.sealed.block, first, sizeof(first));
	assert_memory_equal(
		change.sealed.block + PASSWORD_BLOCK - sizeof(last), last, sizeof(last));
	sha1_init(&sha1);
	sha1_update(&sha1, PASSWORD_BLOCK, change.sealed.block);
	sha1_digest(&sha1, sizeof(got), got);
	assert_memory_equal(got, digest, sizeof(digest));
	assert_memory_equal(change.sealed.old_hash, sealed_hash, 16);
	assert_int_equal(password_open(&change.sealed, old_hash, opened), PASSWORD_GOOD);
	assert_memory_equal(opened, new_hash, 16);
}

static void every_length_comes_through(void **state)
{
	uint8_t random[PASSWORD_BLOCK], opened[16], expected[16];
	char text[MSCHAP_PASSWORD_MAX + 2];
	struct password_change change;

	(void)state;
	for (size_t i = 0; i < sizeof(random); i++)
		random[i] = (uint8_t)(i * 7 + 1);
	for (size_t len = 1; len <= MSCHAP_PASSWORD_MAX; len++) {
		memset(text, 'x', len);
		text[len] = '\0';
		assert_int_equal(password_seal(&change, text, old_hash, random), PASSWORD_GOOD);
		assert_int_equal(password_open(&change.sealed, old_hash, opened), PASSWORD_GOOD);
		assert_int_equal(mschap_nt_hash(text, expected), 0);
		assert_memory_equal(opened, expected, 16);
	}
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(seal(&change, text), PASSWORD_NOT_TEXT);
}

static void damage_anywhere_is_found_out(void **state)
{
	static const uint8_t zero[16];
	const size_t text_at = PASSWORD_BLOCK - 4 - 2 * 6;
	struct password_change change;
	uint8_t opened[16];

	(void)state;
	assert_int_equal(seal(&change, "secret"), PASSWORD_GOOD);
	for (size_t bit = 0; bit < 8 * sizeof(change.sealed); bit++) {
		struct password_sealed s = change.sealed;
		uint8_t *octets = (uint8_t *)&s;
		/* The filling is no part of it. */
		bool matters = bit / 8 >= text_at;

		octets[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(password_open(&s, old_hash, opened),
			matters ? PASSWORD_UNPROVEN : PASSWORD_GOOD);
		if (matters)
			assert_memory_equal(opened, zero, 16);
	}
}

static void who_does_not_know_the_old_one_changes_nothing(void **state)
{
	struct password_change change;
	uint8_t other[16], opened[16];

	(void)state;
	assert_int_equal(mschap_nt_hash("guess", other), 0);
	assert_int_equal(password_seal(&change, "secret", other, filling), PASSWORD_GOOD);
	assert_int_equal(password_open(&change.sealed, old_hash, opened), PASSWORD_UNPROVEN);
}

/* What a peer seals that has no such rules: UTF-16 as it likes. */
static enum password_fault open_units(const uint16_t *units, size_t n)
{
	struct password_change change;
	uint8_t text[512], opened[16], *block = change.sealed.block;
	struct rc4 rc4;

	memset(&change, 0, sizeof(change));
	for (size_t i = 0; i < n; i++) {
		text[2 * i] = (uint8_t)units[i];
		text[2 * i + 1] = (uint8_t)(units[i] >> 8);
	}
	memcpy(block + 512 - 2 * n, text, 2 * n);
	block[512] = (uint8_t)(2 * n);
	block[513] = (uint8_t)(2 * n >> 8);
	rc4_init(&rc4, old_hash, 16);
	rc4_crypt(&rc4, block, PASSWORD_BLOCK);
	mschap_hash_utf16(text, 2 * n, opened);
	mschap_des(old_hash, opened, change.sealed.old_hash);
	mschap_des(old_hash + 8, opened + 7, change.sealed.old_hash + 8);
	return password_open(&change.sealed, old_hash, opened);
}

static void what_a_new_password_must_not_be(void **state)
{
	static const char client_pass[] = "clientPass";
	uint16_t units[sizeof(client_pass) - 1];
	struct password_change change;

	(void)state;
	for (size_t i = 0; i < sizeof(client_pass) - 1; i++)
		units[i] = (uint16_t)client_pass[i];
	assert_int_equal(open_units(units, sizeof(client_pass) - 1), PASSWORD_SAME);
	assert_int_equal(seal(&change, client_pass), PASSWORD_SAME);
	assert_int_equal(open_units(units, 0), PASSWORD_EMPTY);
	assert_int_equal(seal(&change, ""), PASSWORD_EMPTY);
	assert_int_equal(seal(&change, "a\xff"), PASSWORD_NOT_TEXT);
	for (uint16_t c = 0; c < 0x100; c++) {
		bool control = c < 0x20 || (c >= 0x7f && c < 0xa0);

		units[1] = c;
		assert_int_equal(open_units(units, 3), control ? PASSWORD_CONTROL : PASSWORD_GOOD);
	}
	assert_int_equal(seal(&change, "tab\there"), PASSWORD_CONTROL);
	assert_int_equal(seal(&change, "nel\xc2\x85"), PASSWORD_CONTROL);
}

static void surrogates_must_be_in_pairs(void **state)
{
	static const uint16_t pair[] = { 0xd83d, 0xde00 }, swapped[] = { 0xde00, 0xd83d },
			      alone[] = { 'a', 0xd83d }, twice[] = { 0xd83d, 0xd83d },
			      low[] = { 'a', 0xdc00, 'b' };

	(void)state;
	assert_int_equal(open_units(pair, 2), PASSWORD_GOOD);
	assert_int_equal(open_units(swapped, 2), PASSWORD_NOT_TEXT);
	assert_int_equal(open_units(alone, 2), PASSWORD_NOT_TEXT);
	assert_int_equal(open_units(twice, 2), PASSWORD_NOT_TEXT);
	assert_int_equal(open_units(low, 3), PASSWORD_NOT_TEXT);
}

/* An odd number of octets, or more than there are: by the length alone, sealed by who knows both. */
static void impossible_lengths_are_refused(void **state)
{
	static const uint32_t lengths[] = { 1, 3, 511, 513, 514, 516, 0xffff, 0x10002, 0xffffffff,
		0x80000002 };

	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct password_sealed s = { 0 };
		uint8_t hash[16], opened[16];
		struct rc4 rc4;

		for (unsigned int n = 0; n < 4; n++)
			s.block[512 + n] = (uint8_t)(lengths[i] >> 8 * n);
		memset(s.block, 'x', 512);
		mschap_hash_utf16(s.block, lengths[i] <= 512 ? lengths[i] : 0, hash);
		mschap_des(old_hash, hash, s.old_hash);
		mschap_des(old_hash + 8, hash + 7, s.old_hash + 8);
		rc4_init(&rc4, old_hash, 16);
		rc4_crypt(&rc4, s.block, PASSWORD_BLOCK);
		assert_int_not_equal(password_open(&s, old_hash, opened), PASSWORD_GOOD);
	}
}

static void the_judgement_of_a_change_proves_the_new_password(void **state)
{
	struct ppp_secret old = { 0 }, next, expected;
	struct ppp_auth_request r = {
		.method = PPP_AUTH_MSCHAP2, .name = "OFFICE\\User", .change = true
	};
	struct ppp_auth_verdict verdict;
	struct password_change change;
	struct mppe_material keys;
	char proof[43];

	(void)state;
	memcpy(old.nt_hash, old_hash, 16);
	memset(r.challenge, 3, 16);
	memset(r.peer_challenge, 5, 16);
	assert_int_equal(seal(&change, "wonderland"), PASSWORD_GOOD);
	r.sealed = change.sealed;
	assert_int_equal(ppp_auth_check_change(&r, &old, &next, &verdict), PASSWORD_UNPROVEN);
	assert_false(verdict.ok);
	assert_int_equal(verdict.error, 691);
	assert_false(verdict.retry);
	assert_non_null(strstr(verdict.message, "old one"));
	mschap2_nt_response(r.challenge, r.peer_challenge, "User", change.nt_hash, r.nt_response);
	assert_int_equal(ppp_auth_check_change(&r, &old, &next, &verdict), PASSWORD_GOOD);
	assert_true(verdict.ok);
	/* Keys and proof are those of the new one (RFC 3079 section 3). */
	assert_int_equal(ppp_secret_from_password(&expected, "wonderland"), 0);
	assert_memory_equal(next.nt_hash, expected.nt_hash, 16);
	mschap2_auth_response(
		expected.nt_hash, r.nt_response, r.peer_challenge, r.challenge, "User", proof);
	assert_string_equal(verdict.auth_response, proof);
	ppp_auth_keys(&r, &expected, &keys);
	assert_int_equal(keys.source, MPPE_FROM_MSCHAP2);
	assert_memory_equal(verdict.keys.key, keys.key, 16);
	assert_null(next.password);
}

static void refusals_of_a_change_say_why(void **state)
{
	struct ppp_secret old = { 0 }, next;
	struct ppp_auth_request r = { .method = PPP_AUTH_MSCHAP2, .name = "u", .change = true };
	struct ppp_auth_verdict verdict;
	struct rc4 rc4;

	(void)state;
	memcpy(old.nt_hash, old_hash, 16);
	/* The old one again, sealed by a client without our rules. */
	mschap_des(old_hash, old_hash, r.sealed.old_hash);
	mschap_des(old_hash + 8, old_hash + 7, r.sealed.old_hash + 8);
	for (size_t i = 0; i < 10; i++)
		r.sealed.block[492 + 2 * i] = (uint8_t) "clientPass"[i];
	r.sealed.block[512] = 20;
	rc4_init(&rc4, old_hash, 16);
	rc4_crypt(&rc4, r.sealed.block, PASSWORD_BLOCK);
	assert_int_equal(ppp_auth_check_change(&r, &old, &next, &verdict), PASSWORD_SAME);
	assert_int_equal(verdict.error, 709);
	assert_string_equal(verdict.message, "New password: it is the old one");
	/* Each reaches the user whole. */
	for (int f = PASSWORD_UNPROVEN; f <= PASSWORD_SAME; f++) {
		const char *text = password_fault_text((enum password_fault)f);

		assert_in_range(
			strlen("New password: ") + strlen(text), 20, sizeof(verdict.message) - 1);
	}
	assert_string_equal(password_fault_text(PASSWORD_GOOD), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sealed_fields_are_those_of_an_independent_program),
		cmocka_unit_test(every_length_comes_through),
		cmocka_unit_test(damage_anywhere_is_found_out),
		cmocka_unit_test(who_does_not_know_the_old_one_changes_nothing),
		cmocka_unit_test(what_a_new_password_must_not_be),
		cmocka_unit_test(surrogates_must_be_in_pairs),
		cmocka_unit_test(impossible_lengths_are_refused),
		cmocka_unit_test(the_judgement_of_a_change_proves_the_new_password),
		cmocka_unit_test(refusals_of_a_change_say_why),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
