/*
 * SHA-1 of MPPE's key change (RFC 3078 section 7.3) with x86's SHA extensions (FIPS 180-4 section
 * 6.1): always the same two blocks, start key, pad, session key, pad. See cipher.h.
 *
 * These instructions know only the lower halves of the vector registers, and are slow by a factor of
 * several while the upper halves are not clean.
 *
 * Invariant: keys are only in registers, and in two variables that are wiped: a compiler that does not
 * optimize keeps these in memory.
 */
#include "lib/mppe/cipher.h"

#include <immintrin.h>
#include <string.h>

#define SHA __attribute__((target("sha,sse4.1")))
#define F2  0xf2f2f2f2f2f2f2f2ull

/* Sixteen bytes in their order in memory, from two halves. */
static inline SHA __m128i halves(uint64_t first, uint64_t second)
{
	return _mm_set_epi64x((long long)second, (long long)first);
}

/* Words of the hash from bytes, and back. */
static inline SHA __m128i swap(__m128i x)
{
	return _mm_shuffle_epi8(x, _mm_set_epi64x(0x0001020304050607, 0x08090a0b0c0d0e0f));
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

struct sha1 {
	__m128i abcd; /* from the highest word down */
	__m128i e;    /* in the highest word */
};

static inline SHA __attribute__((always_inline)) struct sha1 block(
	struct sha1 hash, __m128i m0, __m128i m1, __m128i m2, __m128i m3)
{
	__m128i m[4] = { swap(m0), swap(m1), swap(m2), swap(m3) };
	__m128i abcd = hash.abcd, e = _mm_add_epi32(hash.e, m[0]), before = abcd;

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
	hash.abcd = _mm_add_epi32(abcd, hash.abcd);
	hash.e = _mm_sha1nexte_epu32(e, hash.e);
	return hash;
}

SHA void sha1_x86_new_key(
	const uint8_t *start, const uint8_t *session, uint8_t key_len, uint8_t *interim)
{
	struct sha1 hash = {
		_mm_set_epi32(0x67452301, (int)0xefcdab89, (int)0x98badcfe, 0x10325476),
		_mm_set_epi32((int)0xc3d2e1f0, 0, 0, 0),
	};
	const __m128i zero = _mm_setzero_si128(), f2 = _mm_set1_epi8((char)0xf2);
	const __m128i end = halves(0x80, 0);
	uint64_t s[2] = { 0 }, k[2] = { 0 };

	memcpy(s, start, 8);
	memcpy(k, session, 8);
	if (key_len == 8) {
		/* 8 + 40 + 8 + 40 bytes; the length in bits, 0x0300, is the last of the block. */
		hash = block(hash, halves(s[0], 0), zero, zero, halves(k[0], F2));
		hash = block(hash, f2, f2, end, halves(0, (uint64_t)0x0003 << 48));
		_mm_storel_epi64((__m128i *)(void *)interim, swap(hash.abcd));
	} else {
		/* 16 + 40 + 16 + 40 bytes: 0x0380 bits. */
		memcpy(s + 1, start + 8, 8);
		memcpy(k + 1, session + 8, 8);
		hash = block(hash, halves(s[0], s[1]), zero, zero, halves(0, k[0]));
		hash = block(hash, halves(k[1], F2), f2, f2, halves(0x80, (uint64_t)0x8003 << 48));
		_mm_storeu_si128((__m128i *)(void *)interim, swap(hash.abcd));
	}
	explicit_bzero(s, sizeof(s));
	explicit_bzero(k, sizeof(k));
}

void sha1_x86_new_key_avx(
	const uint8_t *start, const uint8_t *session, uint8_t key_len, uint8_t *interim)
{
	/* By the calling convention nothing lives in the upper halves here. */
	__asm__ volatile("vzeroupper" : : : "memory");
	sha1_x86_new_key(start, session, key_len, interim);
}
