/* The tables. See cipher.h. */
#include "lib/mppe/cipher.h"

#include "lib/mppe/keys.h"

#include <stddef.h>

static const struct cipher plain = { .name = "plain C", .hash = mppe_new_key };

#ifdef __x86_64__
static const struct cipher sha = { .name = "plain C, SHA-NI", .hash = sha1_x86_new_key };
static const struct cipher sha_avx = { .name = "plain C, SHA-NI", .hash = sha1_x86_new_key_avx };
static const struct cipher avx512 = {
	.name = "AVX-512",
	.hash = mppe_new_key,
	.wide = rc4_avx512_run,
};
static const struct cipher avx512_sha = {
	.name = "AVX-512, SHA-NI",
	.hash = sha1_x86_new_key_avx,
	.wide = rc4_avx512_run,
};

const struct cipher *cipher_choose(unsigned int features)
{
	if (features & CIPHER_AVX512)
		return features & CIPHER_SHA ? &avx512_sha : &avx512;
	if (features & CIPHER_SHA)
		return features & CIPHER_AVX ? &sha_avx : &sha;
	return &plain;
}
#else
const struct cipher *cipher_choose(unsigned int features)
{
	(void)features;
	return &plain;
}
#endif
