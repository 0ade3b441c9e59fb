/*
 * The engine of lib/mppe/cipher.h that a test program runs with: its argument. What this CPU has not
 * is skipped as a whole.
 */
#pragma once

#include "lib/mppe/cipher.h"
#include "system/cpu.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* NULL after it has said why: nothing is to be run. `usage` if the argument is none of these. */
static inline const struct cipher *engine_choose(int argc, char **argv, bool *usage)
{
	static const struct {
		const char *name;
		unsigned int features;
	} engines[] = {
		{ "plain", 0 },
		{ "sha", CIPHER_SHA },
		{ "sha-avx", CIPHER_SHA | CIPHER_AVX },
		{ "avx512", CIPHER_AVX512 | CIPHER_AVX },
		{ "avx512-sha", CIPHER_AVX512 | CIPHER_SHA | CIPHER_AVX },
	};

	*usage = false;
	for (size_t i = 0; i < sizeof(engines) / sizeof(engines[0]); i++) {
		unsigned int features = engines[i].features;

		if (strcmp(argc == 2 ? argv[1] : "plain", engines[i].name) != 0)
			continue;
		if ((features & cpu_features()) == features)
			return cipher_choose(features);
		printf("1..0 # SKIP this CPU has not what the engine \"%s\" needs\n",
			engines[i].name);
		return NULL;
	}
	fprintf(stderr, "the argument is one of: plain, sha, sha-avx, avx512, avx512-sha\n");
	*usage = true;
	return NULL;
}

/* At the beginning of main(). */
#define ENGINE_OR_RETURN(cipher, argc, argv)                                                       \
	do {                                                                                       \
		bool usage;                                                                        \
		(cipher) = engine_choose(argc, argv, &usage);                                      \
		if (!(cipher))                                                                     \
			return usage ? 2 : 0;                                                      \
	} while (0)
