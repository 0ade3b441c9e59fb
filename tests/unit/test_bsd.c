/*
 * BSD-Compress (RFC 1977): its codes are those of a dictionary that is searched from one end to the
 * other.
 */
#include "lib/compress/bsd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PACKET  1400
#define PACKETS 7 /* fewer octets than until the first look at the ratio (10000) */

/* The codes of 257 and more; shorter strings are themselves. */
struct reference {
	unsigned int limit, newest, bits;
	struct {
		unsigned int prefix;
		uint8_t last;
	} strings[1 << BSD_BITS_MAX];
	uint8_t out[2 * PACKET];
	size_t count; /* bits */
};

static void put(struct reference *r, unsigned int code)
{
	for (unsigned int n = r->bits; n--; r->count++)
		if (code >> n & 1)
			r->out[r->count / 8] |= (uint8_t)(0x80u >> r->count % 8);
}

static unsigned int find(const struct reference *r, unsigned int prefix, uint8_t octet)
{
	for (unsigned int i = 257; i <= r->newest; i++)
		if (r->strings[i].prefix == prefix && r->strings[i].last == octet)
			return i;
	return 0;
}

static size_t compress_slowly(struct reference *r, const uint8_t *data, size_t len)
{
	unsigned int string = 0x21;

	memset(r->out, 0, sizeof(r->out));
	r->count = 0;
	for (size_t i = 0; i < len; i++) {
		unsigned int longer = find(r, string, data[i]);

		if (longer) {
			string = longer;
			continue;
		}
		put(r, string);
		if (r->newest < r->limit) {
			r->bits += r->newest >= (1u << r->bits) - 1;
			r->newest++;
			r->strings[r->newest].prefix = string;
			r->strings[r->newest].last = data[i];
		}
		string = data[i];
	}
	put(r, string);
	if (r->newest < r->limit)
		r->bits += r->newest >= (1u << r->bits) - 1;
	for (; r->count % 8; r->count++)
		r->out[r->count / 8] |= (uint8_t)(0x80u >> r->count % 8);
	return r->count / 8;
}

/* `kinds` of octets: the fewer, the longer are the strings. */
static void same_codes(unsigned int bits, unsigned int kinds)
{
	struct reference *r = calloc(1, sizeof(*r));
	struct bsd *b = malloc(bsd_size(bits)), *other = malloc(bsd_size(bits));
	uint8_t data[PACKET], out[2 * PACKET], back[PACKET + 1];
	uint32_t random = 12345;

	assert_true(r && b && other);
	r->limit = (1u << bits) - 1;
	r->newest = 256;
	r->bits = BSD_BITS_MIN;
	bsd_init(b, bits);
	bsd_init(other, bits);
	for (unsigned int n = 0; n < PACKETS; n++) {
		size_t len;

		for (unsigned int i = 0; i < PACKET; i++) {
			random = random * 1664525 + 1013904223;
			data[i] = (uint8_t)((random >> 16) % kinds);
		}
		len = bsd_compress(b, 0x21, data, PACKET, out, sizeof(out));
		assert_int_equal(len, compress_slowly(r, data, PACKET));
		assert_memory_equal(out, r->out, len);
		assert_int_equal(bsd_decompress(other, out, len, back, sizeof(back)), PACKET + 1);
		assert_memory_equal(back + 1, data, PACKET);
	}
	free(r);
	free(b);
	free(other);
}

static void codes_are_those_of_a_dictionary_that_is_searched_through(void **state)
{
	(void)state;
	for (unsigned int bits = BSD_BITS_MIN; bits <= BSD_BITS_MAX; bits += 3) {
		same_codes(bits, 1);
		same_codes(bits, 3);
		same_codes(bits, 40);
		same_codes(bits, 256);
	}
}

/* A peer may make the same string again and again: nothing is damaged by it, and nothing runs for ever. */
static void a_string_that_comes_twice_harms_nothing(void **state)
{
	struct bsd *b = malloc(bsd_size(BSD_BITS_MIN));
	uint8_t src[450], back[4096];
	int n;

	(void)state;
	assert_non_null(b);
	bsd_init(b, BSD_BITS_MIN);
	/* Codes of nine bits, 0 1 0 1 ...: strings "01", "10", "01", ... */
	memset(src, 0, sizeof(src));
	for (size_t i = 1; i < 200; i += 2)
		src[(i * 9 + 8) / 8] |= (uint8_t)(0x80u >> (i * 9 + 8) % 8);
	n = bsd_decompress(b, src, 200 * 9 / 8, back, sizeof(back));
	assert_int_equal(n, 200);
	for (int i = 0; i < n; i++)
		assert_int_equal(back[i], i % 2);
	bsd_learn(b, 0, back, 200);
	free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(codes_are_those_of_a_dictionary_that_is_searched_through),
		cmocka_unit_test(a_string_that_comes_twice_harms_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
