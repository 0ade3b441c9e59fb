/* Option lists, and the packets that LCP and the NCPs have in common. */
#include "lib/ppp/cp.h"
#include "lib/ppp/option.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void lists_are_read_to_their_end(void **unused)
{
	static const uint8_t list[] = { 1, 4, 0x05, 0x78, 7, 2, 5, 6, 1, 2, 3, 4 };
	struct wire_reader r = wire_reader(list, sizeof(list));
	struct ppp_option o;

	(void)unused;
	assert_true(ppp_option_next(&r, &o));
	assert_int_equal(o.type, 1);
	assert_int_equal(ppp_option_u16(&o), 1400);
	assert_int_equal(ppp_option_u32(&o), 0);
	assert_true(ppp_option_next(&r, &o));
	assert_int_equal(o.type, 7);
	assert_int_equal(o.len, 0);
	assert_true(ppp_option_next(&r, &o));
	assert_int_equal(ppp_option_u32(&o), 0x01020304);
	assert_int_equal(ppp_option_u16(&o), 0);
	assert_false(ppp_option_next(&r, &o));
	assert_false(r.failed);
}

/* Length 0 or 1 must not loop, beyond the end must not be read. */
static void bad_lengths_end_the_list(void **unused)
{
	static const uint8_t bad[][3] = { { 1, 0, 0 }, { 1, 1, 0 }, { 1, 4, 0 }, { 1, 255, 0 } };

	(void)unused;
	for (unsigned int i = 0; i < 4; i++) {
		struct wire_reader r = wire_reader(bad[i], sizeof(bad[i]));
		struct ppp_option o;

		assert_false(ppp_option_next(&r, &o));
		assert_true(r.failed);
		assert_false(ppp_option_next(&r, &o));
	}
	for (size_t len = 0; len < 2; len++) {
		struct wire_reader r = wire_reader("\1\4", len);
		struct ppp_option o;

		assert_false(ppp_option_next(&r, &o));
		assert_int_equal(r.failed, len == 1);
	}
}

static void what_is_written_is_read(void **unused)
{
	uint8_t buf[32], data[3] = { 0xc2, 0x23, 0x81 };
	static const uint8_t golden[] = { 3, 5, 0xc2, 0x23, 0x81, 1, 4, 5, 0xdc, 5, 6, 1, 2, 3, 4 };
	struct wire_writer w = wire_writer(buf, sizeof(buf));

	(void)unused;
	ppp_option_put(&w, 3, data, 3);
	ppp_option_put_u16(&w, 1, 1500);
	ppp_option_put_u32(&w, 5, 0x01020304);
	assert_int_equal(wire_written(&w), sizeof(golden));
	assert_memory_equal(buf, golden, sizeof(golden));
	assert_true(ppp_option_has(buf, wire_written(&w), 5));
	assert_false(ppp_option_has(buf, wire_written(&w), 7));
}

static void no_room_is_an_error_not_an_overflow(void **unused)
{
	uint8_t buf[5];
	struct wire_writer w = wire_writer(buf, sizeof(buf));

	(void)unused;
	ppp_option_put_u32(&w, 5, 1);
	assert_true(w.failed);
}

static void a_final_review_rejects(void **unused)
{
	uint8_t nak[32], reject[32];
	struct ppp_review review = { .nak = wire_writer(nak, 32),
		.reject = wire_writer(reject, 32) };
	struct ppp_option o = { .type = 3, .len = 4, .data = (const uint8_t *)"\1\2\3\4" };

	(void)unused;
	ppp_review_nak_u32(&review, &o, 0x05060708);
	assert_int_equal(wire_written(&review.reject), 0);
	assert_memory_equal(nak, "\3\6\5\6\7\10", 6);
	review.final = true;
	ppp_review_nak_u32(&review, &o, 0x05060708);
	assert_int_equal(wire_written(&review.nak), 6);
	assert_memory_equal(reject, "\3\6\1\2\3\4", 6);
}

static void packets_are_cut_to_their_length(void **unused)
{
	struct cp_packet p;

	(void)unused;
	assert_int_equal(cp_packet_decode(&p, (const uint8_t *)"\1\7\0\6ab--", 8), 0);
	assert_int_equal(p.code, 1);
	assert_int_equal(p.id, 7);
	assert_int_equal(p.len, 2);
	assert_memory_equal(p.data, "ab", 2);
	assert_int_equal(cp_packet_decode(&p, (const uint8_t *)"\1\7\0\4", 4), 0);
	assert_int_equal(p.len, 0);
	assert_int_equal(cp_packet_decode(&p, (const uint8_t *)"\1\7\0\3", 4), -EBADMSG);
	assert_int_equal(cp_packet_decode(&p, (const uint8_t *)"\1\7\0\5", 4), -EBADMSG);
	for (size_t len = 0; len < 4; len++)
		assert_int_equal(cp_packet_decode(&p, (const uint8_t *)"\1\7\0\4", len), -EBADMSG);
}

static void escaped_text_is_printable_and_fits(void **unused)
{
	char out[12];

	(void)unused;
	cp_escape(out, sizeof(out), (const uint8_t *)"a\n\\\x80", 4);
	assert_string_equal(out, "a\\x0a\\x5c");
	cp_escape(out, sizeof(out), (const uint8_t *)"abcdefghijklmnop", 16);
	assert_string_equal(out, "abcdefghijk");
	cp_escape(out, 1, (const uint8_t *)"a", 1);
	assert_string_equal(out, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_are_read_to_their_end),
		cmocka_unit_test(bad_lengths_end_the_list),
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(no_room_is_an_error_not_an_overflow),
		cmocka_unit_test(a_final_review_rejects),
		cmocka_unit_test(packets_are_cut_to_their_length),
		cmocka_unit_test(escaped_text_is_printable_and_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
