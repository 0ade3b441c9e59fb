/*
 * lib/compress: Deflate (RFC 1979), BSD-Compress (RFC 1977) and what all of them share (RFC 1962):
 * round trips, losses, resets, bombs, zlib as second opinion.
 */
#include "lib/compress/bsd.h"
#include "lib/compress/codec.h"
#include "lib/compress/mppc.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include <cmocka.h>

#define IP 0x0021

static uint32_t random_state = 1;

static uint32_t noise(void)
{
	random_state = random_state * 1664525u + 1013904223u;
	return random_state >> 8;
}

static const struct codec_params kinds[] = {
	{ .kind = CODEC_MPPC },
	{ .kind = CODEC_DEFLATE, .bits = 15 },
	{ .kind = CODEC_DEFLATE, .bits = 9 },
	{ .kind = CODEC_BSD, .bits = 15 },
	{ .kind = CODEC_BSD, .bits = 12 },
	{ .kind = CODEC_BSD, .bits = 9 },
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* Packets of every kind: text, numbers, noise, runs. */
static size_t make(uint32_t number, uint8_t *data)
{
	static const char words[] = "for whom the bell tolls, the bell tolls for thee. ";
	size_t len = 1 + noise() % 1400;

	for (size_t i = 0; i < len; i++) {
		switch (number / 3 % 4) {
		case 0:
			data[i] = (uint8_t)words[(i + number) % (sizeof(words) - 1)];
			break;
		case 1:
			data[i] = (uint8_t)(number * 17 + i);
			break;
		case 2:
			data[i] = (uint8_t)noise();
			break;
		default:
			data[i] = (uint8_t)(i / 200);
		}
	}
	return len;
}

/* One packet from a sender to a receiver; the decompressor's length or error. */
static int pass(struct codec *tx, struct codec *rx, const uint8_t *data, size_t len, bool lose)
{
	const uint8_t *out, *back;
	size_t n = codec_compress(tx, IP, data, len, &out);
	int got;

	if (lose)
		return 0;
	if (!n) {
		codec_learn(rx, IP, data, len);
		return (int)len;
	}
	assert_true(n <= len + 4);
	got = codec_decompress(rx, out, n, &back);
	if (got < 0)
		return got;
	if (back[0] == 0)
		back++, got--;
	assert_int_equal(back[0], IP);
	assert_int_equal(got - 1, len);
	assert_memory_equal(back + 1, data, len);
	return got;
}

static void what_goes_in_comes_out(void **state)
{
	uint8_t data[1500];

	(void)state;
	for (size_t k = 0; k < KINDS; k++) {
		struct codec *tx = codec_new(&kinds[k], true), *rx = codec_new(&kinds[k], false);

		assert_non_null(tx);
		assert_non_null(rx);
		for (uint32_t i = 0; i < 3000; i++) {
			size_t len = make(i, data);

			assert_true(pass(tx, rx, data, len, false) > 0);
		}
		codec_free(tx);
		codec_free(rx);
	}
}

static void text_becomes_much_smaller(void **state)
{
	uint8_t data[1000];
	const uint8_t *out;

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t) "the bell tolls for thee "[i % 24];
	for (size_t k = 0; k < KINDS; k++) {
		struct codec *tx = codec_new(&kinds[k], true);
		size_t n = codec_compress(tx, IP, data, sizeof(data), &out);

		assert_true(n > 0 && n < sizeof(data) / 2);
		codec_free(tx);
	}
}

/* Out of step until the reset, which happens on both sides; then all is well again. */
static void a_loss_is_noticed_and_a_reset_mends_it(void **state)
{
	uint8_t data[1500];

	(void)state;
	for (size_t k = 0; k < KINDS; k++) {
		struct codec *tx = codec_new(&kinds[k], true), *rx = codec_new(&kinds[k], false);
		size_t len = make(0, data);
		unsigned int noticed = 0;

		for (unsigned int round = 0; round < 50; round++) {
			for (uint32_t i = 0; i < round; i++) {
				len = make(i, data);
				assert_true(pass(tx, rx, data, len, false) > 0);
			}
			(void)pass(tx, rx, data, len, true);
			memset(data, 'a', 500);
			/* What goes as it is (BSD's dictionary may be full of noise) shows no loss. */
			noticed += pass(tx, rx, data, 500, false) == -EAGAIN;
			codec_reset(tx);
			if (codec_kind_needs_ack(kinds[k].kind))
				codec_reset(rx);
			assert_true(pass(tx, rx, data, 500, false) > 0);
		}
		assert_true(noticed > 10);
		codec_free(tx);
		codec_free(rx);
	}
}

static void a_bomb_is_cut_at_the_limit(void **state)
{
	static uint8_t zeros[2000];

	(void)state;
	for (size_t k = 0; k < KINDS; k++) {
		struct codec_params small = kinds[k];
		struct codec *tx = codec_new(&small, true), *rx;
		const uint8_t *out, *back;
		size_t n = codec_compress(tx, IP, zeros, 1400, &out);

		for (uint16_t limit = 1398; limit < 1402; limit++) {
			int want = limit < 1400 ? -ENOBUFS : 1400;
			int got;

			small.limit = limit;
			rx = codec_new(&small, false);
			got = codec_decompress(rx, out, n, &back);
			assert_int_equal(got < 0 ? got : 1400, want);
			if (got < 0)
				assert_true(codec_decompress(rx, out, n, &back) < 0);
			codec_free(rx);
		}
		codec_free(tx);
	}
}

static void no_octets_break_a_decompressor(void **state)
{
	uint8_t data[300];
	const uint8_t *back;

	(void)state;
	for (size_t k = 0; k < KINDS; k++) {
		struct codec *rx = codec_new(&kinds[k], false);

		for (unsigned int i = 0; i < 20000; i++) {
			size_t len = noise() % sizeof(data);

			for (size_t j = 0; j < len; j++)
				data[j] = (uint8_t)noise();
			if (noise() % 4)
				data[0] = data[1] = 0;
			assert_true(codec_decompress(rx, data, len, &back) <= 1503);
			if (noise() % 2)
				codec_reset(rx);
			if (noise() % 8 == 0)
				codec_learn(rx, (uint16_t)noise(), data, len);
		}
		codec_free(rx);
	}
}

/* Each cut of a good packet is refused, or (BSD's codes have no end) shorter; never longer. */
static void every_cut_is_survived(void **state)
{
	uint8_t data[400];
	const uint8_t *out, *back;

	(void)state;
	memset(data, 'x', sizeof(data));
	for (size_t k = 0; k < KINDS; k++) {
		struct codec *tx = codec_new(&kinds[k], true);
		size_t n = codec_compress(tx, IP, data, sizeof(data), &out);

		for (size_t cut = 0; cut < n; cut++) {
			struct codec *rx = codec_new(&kinds[k], false);
			uint8_t *copy = malloc(cut ? cut : 1);

			memcpy(copy, out, cut);
			assert_true(codec_decompress(rx, copy, cut, &back) <= 402);
			free(copy);
			codec_free(rx);
		}
		codec_free(tx);
	}
}

/* RFC 1979 2.1: protocol in one octet, raw deflate, the empty block's last four octets left out. */
static void deflate_is_what_zlib_reads(void **state)
{
	static const struct codec_params params = { .kind = CODEC_DEFLATE, .bits = 15 };
	struct codec *tx = codec_new(&params, true);
	z_stream z = { 0 };
	uint8_t data[600], plain[700], wire[1500];
	const uint8_t *out;

	(void)state;
	assert_int_equal(inflateInit2(&z, -15), Z_OK);
	for (uint8_t i = 0; i < 5; i++) {
		size_t n;

		memset(data, i, sizeof(data));
		n = codec_compress(tx, IP, data, sizeof(data), &out);
		assert_true(n > 2);
		assert_int_equal(out[0], 0);
		assert_int_equal(out[1], i); /* the sequence number */
		memcpy(wire, out + 2, n - 2);
		memcpy(wire + n - 2, "\0\0\xff\xff", 4);
		z.next_in = wire;
		z.avail_in = (unsigned int)n + 2;
		z.next_out = plain;
		z.avail_out = sizeof(plain);
		assert_int_equal(inflate(&z, Z_SYNC_FLUSH), Z_OK);
		assert_int_equal(sizeof(plain) - z.avail_out, sizeof(data) + 1);
		assert_int_equal(plain[0], IP);
		assert_memory_equal(plain + 1, data, sizeof(data));
	}
	inflateEnd(&z);
	codec_free(tx);
}

/* RFC 1977 appendix A: codes of nine bits, most significant first, ones behind the last. */
static void bsd_codes_are_the_rfcs(void **state)
{
	struct bsd *b = malloc(bsd_size(12));
	uint8_t out[32];

	(void)state;
	bsd_init(b, 12);
	/* 21 61 61 61: codes 021, 061, then "aa", which the last one makes: 102 (21 61 is 101). */
	assert_int_equal(bsd_compress(b, 0x21, (const uint8_t *)"aaa", 3, out, sizeof(out)), 4);
	/* 000100001 001100001 100000010 11111 */
	assert_memory_equal(out, "\x10\x98\x60\x5f", 4);
	bsd_clear(b);
	assert_int_equal(bsd_decompress(b, out, 4, out + 8, 10), 4);
	assert_memory_equal(out + 8, "!aaa", 4);
	free(b);
}

/* Section A, pf_bsd_check: poisoned by noise, the dictionary is cleared, by both at once. */
static void a_bsd_dictionary_is_cleared_at_the_same_packet(void **state)
{
	struct bsd *tx = malloc(bsd_size(9)), *rx = malloc(bsd_size(9));
	uint8_t data[1000], out[2000], back[1001];
	unsigned int clears = 0;

	(void)state;
	bsd_init(tx, 9);
	bsd_init(rx, 9);
	for (unsigned int i = 0; i < 500; i++) {
		uint16_t before = tx->newest;
		size_t n;

		for (size_t k = 0; k < sizeof(data); k++)
			data[k] = i / 40 % 2 ? (uint8_t)noise() : (uint8_t)(k % 7 + i / 80);
		n = bsd_compress(tx, 0x21, data, sizeof(data), out, sizeof(out));
		if (n >= sizeof(data)) {
			bsd_learn(rx, 0x21, data, sizeof(data));
		} else {
			assert_int_equal(bsd_decompress(rx, out, n, back, sizeof(back)), 1001);
			assert_memory_equal(back + 1, data, sizeof(data));
		}
		clears += tx->newest < before;
		assert_int_equal(tx->newest, rx->newest);
		assert_int_equal(tx->bits, rx->bits);
		assert_int_equal(tx->in, rx->in);
		assert_int_equal(tx->out, rx->out);
		assert_int_equal(tx->checkpoint, rx->checkpoint);
	}
	assert_true(clears > 2);
	free(tx);
	free(rx);
}

static void parameters_that_do_not_exist_are_refused(void **state)
{
	static const struct codec_params bad[] = {
		{ .kind = CODEC_NONE },
		{ .kind = CODEC_DEFLATE, .bits = 8 },
		{ .kind = CODEC_DEFLATE, .bits = 16 },
		{ .kind = CODEC_BSD, .bits = 8 },
		{ .kind = CODEC_BSD, .bits = 16 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_null(codec_new(&bad[i], true));
		assert_null(codec_new(&bad[i], false));
	}
}

/* Noise costs MPPE no key for each packet: after one that does not shrink some are not tried. */
static void mppc_rests_where_nothing_shrinks(void **state)
{
	static const struct codec_params params = { .kind = CODEC_MPPC, .encrypted = true };
	struct codec *tx = codec_new(&params, true);
	unsigned int flushed = 0;
	uint8_t data[200];
	const uint8_t *out;
	uint16_t bits;

	(void)state;
	for (unsigned int i = 0; i < 2000; i++) {
		for (size_t k = 0; k < sizeof(data); k++)
			data[k] = i % 500 ? (uint8_t)noise() : 7;
		(void)codec_shrink(tx, data, sizeof(data), false, &out, &bits);
		flushed += (bits & MPPC_FLUSHED) != 0;
	}
	assert_true(flushed < 20);
	memset(data, 7, sizeof(data));
	for (unsigned int i = 0;
		i < 65 && !codec_shrink(tx, data, sizeof(data), false, &out, &bits); i++)
		continue;
	assert_true(bits & MPPC_COMPRESSED);
	codec_free(tx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_goes_in_comes_out),
		cmocka_unit_test(text_becomes_much_smaller),
		cmocka_unit_test(a_loss_is_noticed_and_a_reset_mends_it),
		cmocka_unit_test(a_bomb_is_cut_at_the_limit),
		cmocka_unit_test(no_octets_break_a_decompressor),
		cmocka_unit_test(every_cut_is_survived),
		cmocka_unit_test(deflate_is_what_zlib_reads),
		cmocka_unit_test(bsd_codes_are_the_rfcs),
		cmocka_unit_test(a_bsd_dictionary_is_cleared_at_the_same_packet),
		cmocka_unit_test(parameters_that_do_not_exist_are_refused),
		cmocka_unit_test(mppc_rests_where_nothing_shrinks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
