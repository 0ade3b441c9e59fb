/*
 * What a CPU is best at: the functions that MPPE's cipher work is done with. Constant tables; the
 * program chooses one at its start by what the CPU has (system/cpu.h) and gives it to its batches
 * (struct rc4_batch). Every one of them computes the same.
 */
#pragma once

#include "lib/mppe/rc4_lane.h"

#include <stdint.h>

#define CIPHER_AVX512 1u /* AVX-512 F and BW, and the system keeps their registers */
#define CIPHER_SHA    2u /* x86's SHA extensions */
#define CIPHER_AVX    4u /* upper halves of registers exist, and cost if they are not clean */

struct cipher {
	const char *name;
	/*
	 * RFC 3078 7.3 GetNewKeyFromSHA: the interim key of `key_len` bytes (8 or 16) from start
	 * key and session key.
	 */
	void (*hash)(
		const uint8_t *start, const uint8_t *session, uint8_t key_len, uint8_t *interim);
	/*
	 * Runs up to RC4_WIDTH_MAX lanes in step, longest first, and what it finds time for of
	 * `work` (NULL: none). NULL: there is only rc4_scalar_run().
	 */
	void (*wide)(struct rc4_lane *const *lanes, unsigned int n, struct key_work *work);
};

/* `features`: CIPHER_ bits, those of other machines are ignored. Never NULL. */
const struct cipher *cipher_choose(unsigned int features);

/* x86-64: GetNewKeyFromSHA with the SHA extensions, without and with AVX in the CPU. */
void sha1_x86_new_key(
	const uint8_t *start, const uint8_t *session, uint8_t key_len, uint8_t *interim);
void sha1_x86_new_key_avx(
	const uint8_t *start, const uint8_t *session, uint8_t key_len, uint8_t *interim);
