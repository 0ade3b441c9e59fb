/* lib/gre/header: golden bytes, every fault, round trips, and each length cut short. */
#include "lib/gre/header.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define HEX(...) ((const uint8_t[]){ __VA_ARGS__ }), sizeof((const uint8_t[]){ __VA_ARGS__ })

static const struct {
	const char *name;
	const uint8_t *bytes;
	size_t len;
	struct gre_header h;
} golden[] = {
	{ "data", HEX(0x30, 0x01, 0x88, 0x0b, 0, 4, 0x12, 0x34, 0, 0, 0, 5, 0xc0, 0x21, 1, 2),
		{ .payload_len = 4, .call_id = 0x1234, .has_seq = true, .seq = 5 } },
	{ "data and acknowledgement",
		HEX(0x30, 0x81, 0x88, 0x0b, 0, 1, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x80, 0, 0, 1,
			0xfd),
		{ .payload_len = 1,
			.call_id = 0,
			.has_seq = true,
			.has_ack = true,
			.seq = UINT32_MAX,
			.ack = 0x80000001 } },
	{ "acknowledgement alone", HEX(0x20, 0x81, 0x88, 0x0b, 0, 0, 0xff, 0xff, 0, 0, 1, 0),
		{ .call_id = 0xffff, .has_ack = true, .ack = 256 } },
};

static void check(const struct gre_header *a, const struct gre_header *b)
{
	assert_int_equal(a->payload_len, b->payload_len);
	assert_int_equal(a->call_id, b->call_id);
	assert_int_equal(a->has_seq, b->has_seq);
	assert_int_equal(a->has_ack, b->has_ack);
	assert_int_equal(a->seq, b->seq);
	assert_int_equal(a->ack, b->ack);
}

static void golden_bytes_decode_and_encode(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(golden) / sizeof(golden[0]); i++) {
		struct gre_header h;
		uint8_t out[GRE_HEADER_MAX];
		size_t size = 0;

		assert_int_equal(
			gre_header_decode(&h, golden[i].bytes, golden[i].len, &size), GRE_OK);
		check(&h, &golden[i].h);
		assert_int_equal(size, golden[i].len - h.payload_len);
		assert_int_equal(size, gre_header_size(&h));
		gre_header_encode(&h, out);
		assert_memory_equal(out, golden[i].bytes, size);
	}
}

static void every_cut_is_refused_and_touches_nothing(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(golden) / sizeof(golden[0]); i++)
		for (size_t len = 0; len < golden[i].len; len++) {
			struct gre_header h = { .seq = 77 };
			size_t header = golden[i].len - golden[i].h.payload_len, size = 99;
			enum gre_fault fault = gre_header_decode(&h, golden[i].bytes, len, &size);

			assert_int_equal(fault, len < header ? GRE_TRUNCATED : GRE_BAD_LENGTH);
			assert_int_equal(h.seq, 77);
			assert_int_equal(size, 99);
		}
}

static void trailing_bytes_are_allowed(void **state)
{
	/* Ethernet pads short frames, and some peers' IP length covers the padding. */
	uint8_t padded[46] = { 0x20, 0x81, 0x88, 0x0b, 0, 0, 0, 7, 0, 0, 0, 9 };
	struct gre_header h;
	size_t size;

	(void)state;
	assert_int_equal(gre_header_decode(&h, padded, sizeof(padded), &size), GRE_OK);
	assert_int_equal(size, 12);
	assert_int_equal(h.ack, 9);
}

static void faults_are_told_apart(void **state)
{
	static const struct {
		uint8_t bytes[20];
		enum gre_fault fault;
	} cases[] = {
		{ { 0x30, 0x00, 0x88, 0x0b, 0, 4 }, GRE_VERSION_0 },
		{ { 0x30, 0x02, 0x88, 0x0b, 0, 4 }, GRE_VERSION_UNKNOWN },
		{ { 0x30, 0x07, 0x88, 0x0b, 0, 4 }, GRE_VERSION_UNKNOWN },
		{ { 0x00, 0x00, 0x08, 0x00, 0x45 }, GRE_VERSION_0 },
		{ { 0x30, 0x01, 0x08, 0x00, 0, 4 }, GRE_NOT_PPP },
		{ { 0x10, 0x01, 0x88, 0x0b, 0, 4 }, GRE_NO_KEY },
		{ { 0xb0, 0x01, 0x88, 0x0b, 0, 4 }, GRE_CHECKSUM },
		{ { 0x70, 0x01, 0x88, 0x0b, 0, 4 }, GRE_ROUTING },
		{ { 0x38, 0x01, 0x88, 0x0b, 0, 4 }, GRE_ROUTING }, /* s */
		{ { 0x31, 0x01, 0x88, 0x0b, 0, 4 }, GRE_RECURSION },
		{ { 0x34, 0x01, 0x88, 0x0b, 0, 4 }, GRE_RECURSION },
		{ { 0x30, 0x09, 0x88, 0x0b, 0, 4 }, GRE_BAD_FLAGS },
		{ { 0x30, 0x41, 0x88, 0x0b, 0, 4 }, GRE_BAD_FLAGS },
		{ { 0x30, 0x01, 0x88, 0x0b, 0, 9 }, GRE_BAD_LENGTH },
		{ { 0x30, 0x01, 0x88, 0x0b, 0xff, 0xff }, GRE_BAD_LENGTH },
		{ { 0x30, 0x01, 0x88, 0x0b, 0, 0 }, GRE_EMPTY_DATA },
		{ { 0x20, 0x81, 0x88, 0x0b, 0, 4 }, GRE_NO_SEQUENCE },
		{ { 0x20, 0x01, 0x88, 0x0b, 0, 4 }, GRE_NO_SEQUENCE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct gre_header h;
		size_t size;

		assert_int_equal(gre_header_decode(&h, cases[i].bytes, 20, &size), cases[i].fault);
	}
}

static void every_header_that_is_accepted_encodes_back(void **state)
{
	(void)state;
	for (unsigned int flags = 0; flags <= 0xffff; flags++) {
		uint8_t bytes[20] = { (uint8_t)(flags >> 8), (uint8_t)flags, 0x88, 0x0b, 0, 0, 1, 2,
			3, 4, 5, 6, 7, 8, 9, 10 };
		struct gre_header h;
		uint8_t out[GRE_HEADER_MAX];
		size_t size;

		bytes[5] = flags & 0x1000 ? 2 : 0;
		if (gre_header_decode(&h, bytes, sizeof(bytes), &size) != GRE_OK)
			continue;
		gre_header_encode(&h, out);
		assert_memory_equal(out, bytes, size);
	}
}

static void every_fault_has_its_own_name_and_text(void **state)
{
	(void)state;
	for (int a = 0; a <= GRE_FAULT_COUNT; a++)
		for (int b = 0; b < a; b++) {
			assert_string_not_equal(gre_fault_text((enum gre_fault)a),
				gre_fault_text((enum gre_fault)b));
			assert_string_not_equal(gre_fault_name((enum gre_fault)a),
				gre_fault_name((enum gre_fault)b));
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden_bytes_decode_and_encode),
		cmocka_unit_test(every_cut_is_refused_and_touches_nothing),
		cmocka_unit_test(trailing_bytes_are_allowed),
		cmocka_unit_test(faults_are_told_apart),
		cmocka_unit_test(every_header_that_is_accepted_encodes_back),
		cmocka_unit_test(every_fault_has_its_own_name_and_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
