/*
 * SHA-1 of MPPE's key change (RFC 3078 section 7.3) with x86's SHA extensions (FIPS 180-4 section
 * 6.1): always the same two blocks, start key, pad, session key, pad. See cipher.h.
 *
 * These instructions know only the lower halves of the vector registers, and are slow by a factor of
 * several while the upper halves are not clean.
 *
 * Invariant: nothing of keys stays in memory.
 */
#include "lib/mppe/cipher.h"

#include <immintrin.h>
#include <stdalign.h>
#include <string.h>

#define SHA   __attribute__((target("sha,sse4.1")))
#define PAD   40
#define BLOCK 64

static inline SHA __m128i load_words(const uint8_t *p)
{
	const __m128i swap = _mm_set_epi64x(0x0001020304050607, 0x08090a0b0c0d0e0f);

	return _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(const void *)p), swap);
}

/* Words 16 and on of the message schedule, in place of those 16 before. */
#define SCHEDULE(g)                                                                                \
	m[(g)&3] = _mm_sha1msg2_epu32(                                                             \
		_mm_xor_si128(_mm_sha1msg1_epu32(m[(g)&3], m[((g) + 1) & 3]), m[((g) + 2) & 3]),   \
		m[((g) + 3) & 3]);
/* Four rounds; the next e comes of what a was before them. */
#define ROUNDS(g)                                                                                  \
	e = _mm_sha1nexte_epu32(e, m[(g)&3]);                                                      \
	before = abcd;                                                                             \
	abcd = _mm_sha1rnds4_epu32(abcd, e, (g) / 5);                                              \
	e = before;
#define BOTH(g) SCHEDULE(g) ROUNDS(g)

/* `state`: a, b, c, d from the highest word down; e in the highest word of the second. */
static inline SHA void block(__m128i state[2], const uint8_t *p)
{
	__m128i m[4] = { load_words(p), load_words(p + 16), load_words(p + 32),
		load_words(p + 48) };
	__m128i abcd = state[0], e = _mm_add_epi32(state[1], m[0]), before = abcd;

	abcd = _mm_sha1rnds4_epu32(abcd, e, 0);
	e = before;
	ROUNDS(1)
	ROUNDS(2)
	ROUNDS(3)
	BOTH(4)
	BOTH(5)
	BOTH(6)
	BOTH(7)
	BOTH(8)
	BOTH(9)
	BOTH(10)
	BOTH(11)
	BOTH(12)
	BOTH(13)
	BOTH(14)
	BOTH(15)
	BOTH(16)
	BOTH(17)
	BOTH(18)
	BOTH(19)
	state[0] = _mm_add_epi32(abcd, state[0]);
	state[1] = _mm_sha1nexte_epu32(e, state[1]);
}

SHA void sha1_x86_new_key(
	const uint8_t *start, const uint8_t *session, uint8_t key_len, uint8_t *interim)
{
	const __m128i swap = _mm_set_epi64x(0x0001020304050607, 0x08090a0b0c0d0e0f);
	__m128i state[2] = { _mm_set_epi32(
				     0x67452301, (int)0xefcdab89, (int)0x98badcfe, 0x10325476),
		_mm_set_epi32((int)0xc3d2e1f0, 0, 0, 0) };
	alignas(16) uint8_t text[2 * BLOCK] = { 0 }, hash[16];
	size_t n = key_len, end = 2 * (n + PAD);

	memcpy(text, start, n);
	memcpy(text + n + PAD, session, n);
	memset(text + n + PAD + n, 0xf2, PAD);
	text[end] = 0x80;
	/* The length in bits, below 2^16. */
	text[2 * BLOCK - 2] = (uint8_t)(end * 8 >> 8);
	text[2 * BLOCK - 1] = (uint8_t)(end * 8);
	block(state, text);
	block(state, text + BLOCK);
	_mm_store_si128((__m128i *)(void *)hash, _mm_shuffle_epi8(state[0], swap));
	memcpy(interim, hash, n);
	explicit_bzero(text, sizeof(text));
	explicit_bzero(hash, sizeof(hash));
}

void sha1_x86_new_key_avx(
	const uint8_t *start, const uint8_t *session, uint8_t key_len, uint8_t *interim)
{
	/* By the calling convention nothing lives in the upper halves here. */
	__asm__ volatile("vzeroupper" : : : "memory");
	sha1_x86_new_key(start, session, key_len, interim);
}
