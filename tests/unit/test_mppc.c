/* lib/compress/mppc: RFC 2118's examples, round trips over all kinds of data, loss, hostile streams. */
#include "lib/compress/mppc.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static uint32_t seed = 7;

static uint32_t noise(void)
{
	seed = seed * 1664525u + 1013904223u;
	return seed >> 8;
}

/* "0101 11" to octets, the rest of the last one 0. */
static size_t from_bits(const char *text, uint8_t *out)
{
	size_t n = 0;

	for (; *text; text++) {
		if (*text == ' ')
			continue;
		if (n % 8 == 0)
			out[n / 8] = 0;
		out[n / 8] |= (uint8_t)((*text == '1') << (7 - n % 8));
		n++;
	}
	return (n + 7) / 8;
}

static int decode_bits(const char *before, const char *bits, uint8_t *out, size_t size)
{
	struct mppc_decompressor d;
	uint8_t data[64];
	char all[512];

	mppc_decompressor_init(&d);
	snprintf(all, sizeof(all), "%s %s", before, bits);
	return mppc_decompress(
		&d, MPPC_FLUSHED | MPPC_COMPRESSED, data, from_bits(all, data), out, size);
}

static void literals_are_encoded_as_in_section_4_1(void **state)
{
	uint8_t out[16];

	(void)state;
	assert_int_equal(decode_bits("", "01010110 101100111", out, sizeof(out)), 2);
	assert_int_equal(out[0], 0x56);
	assert_int_equal(out[1], 0xe7);
}

static void offsets_are_encoded_as_in_section_4_2_1(void **state)
{
	static const struct {
		const char *bits;
		unsigned int offset;
	} v[] = { { "1111 000011", 3 }, { "1110 01000000", 128 }, { "110 0001011000000", 1024 },
		{ "1111 111111", 63 }, { "1110 00000000", 64 }, { "1110 11111111", 319 },
		{ "110 0000000000000", 320 }, { "110 1111010111110", 8190 } };
	static struct mppc_decompressor d;
	uint8_t data[16], out[16];
	char text[64];

	(void)state;
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		mppc_decompressor_init(&d);
		d.end = MPPC_HISTORY - 3;
		for (unsigned int k = 0; k < 3; k++)
			d.history[(d.end - v[i].offset + k) % MPPC_HISTORY] = (uint8_t)('a' + k);
		snprintf(text, sizeof(text), "%s 0", v[i].bits);
		assert_int_equal(mppc_decompress(&d, MPPC_COMPRESSED, data, from_bits(text, data),
					 out, sizeof(out)),
			3);
		assert_memory_equal(out, "abc", 3);
	}
}

static void lengths_are_encoded_as_in_section_4_2_2(void **state)
{
	static const struct {
		const char *bits;
		int length;
	} v[] = { { "0", 3 }, { "10 00", 4 }, { "10 11", 7 }, { "110 111", 15 },
		{ "1110 0000", 16 }, { "111110 111000", 120 }, { "1111110 1111111", 255 },
		{ "111111111110 000000000001", 4097 }, { "111111111110 111111111110", 8190 } };
	static uint8_t out[MPPC_HISTORY];
	char text[64];

	(void)state;
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		snprintf(text, sizeof(text), "1111 000001 %s", v[i].bits);
		assert_int_equal(decode_bits("01111000", text, out, sizeof(out)), v[i].length + 1);
		for (int n = 0; n <= v[i].length; n++)
			assert_int_equal(out[n], 'x');
	}
}

static void the_example_of_section_4_compresses_to_its_tokens(void **state)
{
	static const char text[] = "for whom the bell tolls, the bell tolls for thee.";
	static struct mppc_compressor c;
	uint8_t out[64], want[64];
	char bits[600] = "";
	uint16_t flags;
	size_t n, at = 0;

	(void)state;
	for (const char *p = "for whom the bell tolls,"; *p; p++)
		for (int b = 7; b >= 0; b--)
			bits[at++] = *p >> b & 1 ? '1' : '0';
	/* <16,15>, a space, <40,4><19,3>e. */
	snprintf(bits + at, sizeof(bits) - at,
		"1111010000 110111  00100000  1111101000 1000  1111010011 0  01100101 00101110");
	mppc_compressor_init(&c);
	n = mppc_compress(&c, (const uint8_t *)text, strlen(text), out, sizeof(out), &flags);
	assert_int_equal(n, from_bits(bits, want));
	assert_memory_equal(out, want, n);
	assert_int_equal(flags, MPPC_FLUSHED | MPPC_COMPRESSED);
}

/* Data of some kind: text, runs, noise, zeros, a mix. */
static void make(uint8_t *p, size_t len, unsigned int kind)
{
	static const char words[] =
		"GET /index.html HTTP/1.1\r\nHost: example.net\r\nAccept: */*\r\n";

	for (size_t i = 0; i < len; i++) {
		if (kind == 0)
			p[i] = (uint8_t)words[(i + noise() % 3) % (sizeof(words) - 1)];
		else if (kind == 1)
			p[i] = (uint8_t)(i / 17);
		else if (kind == 2)
			p[i] = (uint8_t)noise();
		else
			p[i] = kind == 3 ? 0 : (uint8_t)words[i % (sizeof(words) - 1)];
	}
}

static void thousands_of_packets_come_out_as_they_went_in(void **state)
{
	static struct mppc_compressor c;
	static struct mppc_decompressor d;
	static uint8_t in[MPPC_HISTORY], packed[MPPC_HISTORY], out[MPPC_HISTORY];
	unsigned int fronts = 0, plain = 0, shrunk = 0;

	(void)state;
	mppc_compressor_init(&c);
	mppc_decompressor_init(&d);
	for (unsigned int i = 0; i < 6000; i++) {
		size_t len = 1 + noise() % (i % 50 ? 1500u : MPPC_HISTORY), n;
		uint16_t bits;
		int got;

		make(in, len, noise() % 5);
		n = mppc_compress(&c, in, len, packed, sizeof(packed), &bits);
		assert_true(n < len);
		assert_int_equal(n != 0, (bits & MPPC_COMPRESSED) != 0);
		fronts += (bits & MPPC_AT_FRONT) != 0;
		plain += n == 0;
		shrunk += n != 0 && n < len / 4;
		got = mppc_decompress(&d, bits, n ? packed : in, n ? n : len, out, sizeof(out));
		assert_int_equal(got, (int)len);
		assert_memory_equal(out, in, len);
	}
	assert_true(fronts > 100 && plain > 100 && shrunk > 100);
}

static void after_a_loss_only_a_flushed_packet_helps(void **state)
{
	static struct mppc_compressor c;
	static struct mppc_decompressor d;
	static uint8_t in[1000], packed[1000], out[1000];
	uint16_t bits;
	size_t n;

	(void)state;
	make(in, sizeof(in), 4);
	mppc_compressor_init(&c);
	mppc_decompressor_init(&d);
	n = mppc_compress(&c, in, sizeof(in), packed, sizeof(packed), &bits);
	assert_int_equal(mppc_decompress(&d, bits, packed, n, out, sizeof(out)), sizeof(in));
	mppc_compress(&c, in, sizeof(in), packed, sizeof(packed), &bits); /* lost */
	mppc_decompressor_lost(&d);
	n = mppc_compress(&c, in, sizeof(in), packed, sizeof(packed), &bits);
	assert_int_equal(mppc_decompress(&d, bits, packed, n, out, sizeof(out)), -EAGAIN);
	mppc_compressor_reset(&c);
	n = mppc_compress(&c, in, sizeof(in), packed, sizeof(packed), &bits);
	assert_true(bits & MPPC_FLUSHED);
	assert_int_equal(mppc_decompress(&d, bits, packed, n, out, sizeof(out)), sizeof(in));
	assert_memory_equal(out, in, sizeof(in));
}

static void what_does_not_shrink_is_sent_as_it_is_and_the_next_is_flushed(void **state)
{
	static struct mppc_compressor c;
	static uint8_t in[700], packed[700];
	uint16_t bits;

	(void)state;
	mppc_compressor_init(&c);
	make(in, sizeof(in), 4);
	assert_true(mppc_compress(&c, in, sizeof(in), packed, sizeof(packed), &bits) > 0);
	make(in, sizeof(in), 2);
	assert_int_equal(mppc_compress(&c, in, sizeof(in), packed, sizeof(packed), &bits), 0);
	assert_int_equal(bits, 0);
	make(in, sizeof(in), 4);
	assert_true(mppc_compress(&c, in, sizeof(in), packed, sizeof(packed), &bits) > 0);
	assert_int_equal(bits, MPPC_FLUSHED | MPPC_COMPRESSED);
	/* Nor is more written than there is room for. */
	mppc_compressor_reset(&c);
	assert_int_equal(mppc_compress(&c, in, sizeof(in), packed, 20, &bits), 0);
}

/* Tokens of any length meet the end of the room at any bit. */
static void room_that_ends_within_a_match_is_no_more_than_full(void **state)
{
	static struct mppc_compressor c;
	static uint8_t in[700 + 200], packed[700 + 200];
	uint16_t bits;

	(void)state;
	for (size_t fresh = 500; fresh < 700; fresh += 20) {
		make(in, fresh, 2);
		for (size_t i = 0; i < fresh; i++)
			in[i] |= 0x80; /* nine bits each */
		memcpy(in + fresh, in, 200);
		for (size_t room = fresh; room < fresh + 200; room++) {
			mppc_compressor_init(&c);
			assert_true(
				mppc_compress(&c, in, fresh + 200, packed, room, &bits) <= room);
		}
	}
}

static void a_bomb_is_cut_at_the_room_there_is(void **state)
{
	uint8_t out[1500];

	(void)state;
	memset(out, 0xaa, sizeof(out));
	assert_int_equal(
		decode_bits("01111000", "1111 000001 111111111110 111111111110", out, 1400),
		-ENOBUFS);
	assert_int_equal(out[1400], 0xaa);
}

static void nonsense_is_refused_and_asks_for_a_flushed_packet(void **state)
{
	static const char *const bad[] = {
		"1111 000000 0",                  /* offset 0 */
		"110 1111111111111 0",            /* offset beyond the history */
		"1111 000001 111111111111 00000", /* no such length */
		"1111 000001 1111",               /* cut within a length */
		"110 00000",                      /* cut within an offset */
	};
	static struct mppc_decompressor d;
	uint8_t data[32], out[64];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char text[80];
		size_t n;

		snprintf(text, sizeof(text), "01111000 %s", bad[i]);
		n = from_bits(text, data);
		mppc_decompressor_init(&d);
		assert_true(mppc_decompress(&d, MPPC_FLUSHED | MPPC_COMPRESSED, data, n, out,
				    sizeof(out)) < 0);
		assert_int_equal(
			mppc_decompress(&d, MPPC_COMPRESSED, data, n, out, sizeof(out)), -EAGAIN);
	}
}

static void no_stream_of_octets_breaks_it(void **state)
{
	static struct mppc_decompressor d;
	uint8_t data[200], out[1500];

	(void)state;
	mppc_decompressor_init(&d);
	for (unsigned int i = 0; i < 50000; i++) {
		size_t len = noise() % sizeof(data);
		int n;

		for (size_t k = 0; k < len; k++)
			data[k] = (uint8_t)noise();
		n = mppc_decompress(
			&d, (uint16_t)(noise() << 13), data, len, out, noise() % sizeof(out));
		assert_true(n <= (int)sizeof(out));
		assert_true(d.end <= MPPC_HISTORY);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(literals_are_encoded_as_in_section_4_1),
		cmocka_unit_test(offsets_are_encoded_as_in_section_4_2_1),
		cmocka_unit_test(lengths_are_encoded_as_in_section_4_2_2),
		cmocka_unit_test(the_example_of_section_4_compresses_to_its_tokens),
		cmocka_unit_test(thousands_of_packets_come_out_as_they_went_in),
		cmocka_unit_test(after_a_loss_only_a_flushed_packet_helps),
		cmocka_unit_test(what_does_not_shrink_is_sent_as_it_is_and_the_next_is_flushed),
		cmocka_unit_test(room_that_ends_within_a_match_is_no_more_than_full),
		cmocka_unit_test(a_bomb_is_cut_at_the_room_there_is),
		cmocka_unit_test(nonsense_is_refused_and_asks_for_a_flushed_packet),
		cmocka_unit_test(no_stream_of_octets_breaks_it),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
