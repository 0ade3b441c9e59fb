/* lib/ppp/mschap: the text of a Failure, passwords in UTF-8, names with a domain. */
#include "lib/ppp/mschap.h"

#include "fuzz/fuzz.h"

static void check_failure(const uint8_t *text, size_t len)
{
	struct mschap_failure f, before;

	memset(&f, 0x5a, sizeof(f));
	f.message[0] = '\0';
	f.retry = f.has_challenge = false;
	memcpy(&before, &f, sizeof(f));
	if (mschap_failure_parse(&f, text, len)) {
		FUZZ_CHECK(!memcmp(&f, &before, sizeof(f)));
		return;
	}
	FUZZ_CHECK(memchr(f.message, 0, sizeof(f.message)));
	for (const char *p = f.message; *p; p++)
		FUZZ_CHECK(*p >= ' ' && *p <= '~');
	FUZZ_CHECK(mschap_error_text(f.error)[0]);
}

static void check_password(const char *password)
{
	static const uint8_t zero[16];
	uint8_t hash[16], again[16], hash_hash[16];

	if (mschap_nt_hash(password, hash)) {
		FUZZ_CHECK(mschap_equal(hash, zero, sizeof(zero)));
		return;
	}
	FUZZ_CHECK(!mschap_nt_hash(password, again) && mschap_equal(hash, again, 16));
	mschap_hash_hash(hash, hash_hash);
}

static void check_name(const char *name)
{
	uint8_t challenge[16] = { 1 }, peer[16] = { 2 }, hash[16] = { 3 };
	uint8_t response[24], again[24], hashed[8];
	const char *user = mschap_strip_domain(name);
	char proof[43];

	FUZZ_CHECK(user >= name && user <= name + strlen(name) && !strchr(user, '\\'));
	mschap2_challenge_hash(peer, challenge, name, hashed);
	mschap2_nt_response(challenge, peer, name, hash, response);
	mschap_response(hashed, hash, again);
	FUZZ_CHECK(mschap_equal(response, again, sizeof(again)));
	mschap2_auth_response(hash, response, peer, challenge, name, proof);
	FUZZ_CHECK(!memcmp(proof, "S=", 2) && strlen(proof) == 42);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *text = fuzz_copy(data, size);
	char *string = calloc(1, size + 1);

	FUZZ_CHECK(string);
	if (size)
		memcpy(string, data, size);
	check_failure(text, size);
	check_password(string);
	check_name(string);
	free(string);
	free(text);
	return 0;
}
