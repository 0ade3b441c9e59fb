/*
 * What the fuzz targets share: the input as a source of events, values and time, and checks that
 * hold in every build. Nothing here depends on anything but the input, so that each finding is
 * reproduced by its file alone.
 *
 * Blocks handed to the code under test are of exactly their size and from the heap: the sanitizer
 * sees an octet read too much.
 */
#pragma once

#include "lib/wire.h"

#include <stdio.h>
#include <stdlib.h>

#define FUZZ_START 1000000000ull /* us; the virtual clock's first time */

struct fuzz {
	struct wire_reader in;
	uint64_t now;  /* us, never goes back */
	uint64_t seed; /* of what the code under test draws as random octets */
};

/* The entry point of each target; libFuzzer's or that of replay.c calls it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_CHECK(condition)                                                                      \
	do {                                                                                       \
		if (!(condition))                                                                  \
			fuzz_failed(#condition, __FILE__, __LINE__);                               \
	} while (0)

_Noreturn static inline void fuzz_failed(const char *what, const char *file, int line)
{
	fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
	abort();
}

static inline struct fuzz fuzz_begin(const uint8_t *data, size_t size)
{
	return (struct fuzz){
		.in = wire_reader(data, size),
		.now = FUZZ_START,
		.seed = 0x9e3779b97f4a7c15ull,
	};
}

/* Is there input left? Past its end all values are 0. */
static inline bool fuzz_more(const struct fuzz *f)
{
	return wire_left(&f->in) > 0;
}

static inline uint8_t fuzz_u8(struct fuzz *f)
{
	return wire_u8(&f->in);
}

static inline uint16_t fuzz_u16(struct fuzz *f)
{
	return wire_u16(&f->in);
}

static inline uint32_t fuzz_u32(struct fuzz *f)
{
	return wire_u32(&f->in);
}

static inline bool fuzz_bool(struct fuzz *f)
{
	return fuzz_u8(f) & 1;
}

/* 0..n-1, from one octet. */
static inline unsigned int fuzz_below(struct fuzz *f, unsigned int n)
{
	return fuzz_u8(f) % n;
}

/* A time span from one octet: nothing, or 1 us to some hours, finer where it is short. */
static inline uint64_t fuzz_span(struct fuzz *f)
{
	uint8_t b = fuzz_u8(f);

	return b ? (uint64_t)(8 + (b & 7)) << (b >> 3) >> 3 : 0;
}

/* The clock goes on by such a span. */
static inline void fuzz_pass(struct fuzz *f)
{
	f->now += fuzz_span(f);
}

/* The clock goes on to `deadline`, if there is one that is still to come. */
static inline void fuzz_pass_to(struct fuzz *f, uint64_t deadline)
{
	if (deadline != UINT64_MAX && deadline > f->now)
		f->now = deadline;
}

static inline uint8_t *fuzz_copy(const void *data, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);

	FUZZ_CHECK(copy);
	if (len)
		memcpy(copy, data, len);
	return copy;
}

/* The next `n` octets, or as many as are left; the caller frees. */
static inline uint8_t *fuzz_take(struct fuzz *f, size_t n, size_t *len)
{
	*len = n < wire_left(&f->in) ? n : wire_left(&f->in);
	return fuzz_copy(wire_bytes(&f->in, *len), *len);
}

/* A block with its length in front: one octet, or ff and two. The caller frees. */
static inline uint8_t *fuzz_block(struct fuzz *f, size_t *len)
{
	size_t n = fuzz_u8(f);

	return fuzz_take(f, n == 0xff ? fuzz_u16(f) : n, len);
}

/* All that is left; the caller frees. */
static inline uint8_t *fuzz_rest(struct fuzz *f, size_t *len)
{
	return fuzz_take(f, wire_left(&f->in), len);
}

/* "Random" octets for the code under test. */
static inline void fuzz_random(struct fuzz *f, void *buf, size_t len)
{
	uint8_t *out = buf;

	for (size_t i = 0; i < len; i++) {
		f->seed ^= f->seed << 13;
		f->seed ^= f->seed >> 7;
		f->seed ^= f->seed << 17;
		out[i] = (uint8_t)(f->seed >> 24);
	}
}
