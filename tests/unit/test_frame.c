/* lib/ppp/frame: the PPP header in all its forms, and names. */
#include "lib/ppp/frame.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void valid_headers_are_read(void **state)
{
	static const struct {
		uint8_t bytes[6];
		size_t len, left;
		uint16_t protocol;
	} cases[] = {
		{ { 0xff, 0x03, 0xc0, 0x21, 1, 2 }, 6, 2, PPP_LCP },
		{ { 0xc0, 0x21, 1, 2 }, 4, 2, PPP_LCP },
		{ { 0xff, 0x03, 0x00, 0xfd, 1 }, 5, 1, PPP_COMP },
		{ { 0xff, 0x03, 0xfd, 1 }, 4, 1, PPP_COMP },
		{ { 0x00, 0xfd, 1 }, 3, 1, PPP_COMP },
		{ { 0xfd, 1 }, 2, 1, PPP_COMP },
		{ { 0x21 }, 1, 0, PPP_IP },
		{ { 0x80, 0xfd }, 2, 0, PPP_CCP },
		{ { 0x03, 0xff }, 2, 1, 0x0003 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct wire_reader r = wire_reader(cases[i].bytes, cases[i].len);
		uint16_t protocol = 0;

		assert_true(ppp_header_read(&r, &protocol));
		assert_int_equal(protocol, cases[i].protocol);
		assert_int_equal(wire_left(&r), cases[i].left);
	}
}

static void invalid_headers_are_refused(void **state)
{
	static const struct {
		uint8_t bytes[4];
		size_t len;
	} cases[] = {
		{ { 0 }, 0 }, { { 0xff }, 1 }, { { 0xff, 0x03 }, 2 },
		{ { 0xff, 0x00, 0xc0, 0x21 }, 4 }, { { 0xff, 0x03, 0xff, 0x03 }, 4 },
		{ { 0xff, 0x03, 0xc0 }, 3 }, { { 0xc0 }, 1 }, { { 0x00 }, 1 },
		{ { 0x00, 0x20, 1 }, 3 },                           /* even low octet */
		{ { 0xc0, 0x22, 1 }, 3 }, { { 0x00, 0xff, 1 }, 3 }, /* reserved */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct wire_reader r = wire_reader(cases[i].bytes, cases[i].len);
		uint16_t protocol;

		assert_false(ppp_header_read(&r, &protocol));
	}
}

static void data_range_is_that_of_rfc_3078(void **state)
{
	(void)state;
	assert_false(ppp_is_data(0x001f));
	assert_true(ppp_is_data(0x0021));
	assert_true(ppp_is_data(0x00fa));
	assert_false(ppp_is_data(0x00fb));
	assert_false(ppp_is_data(PPP_COMP));
	assert_false(ppp_is_data(PPP_LCP));
}

static void names_are_given_or_made(void **state)
{
	char buf[24], tiny[4];

	(void)state;
	assert_string_equal(ppp_protocol_name(PPP_LCP, buf, sizeof(buf)), "LCP");
	assert_string_equal(ppp_protocol_name(PPP_IPV6CP, buf, sizeof(buf)), "IPV6CP");
	assert_string_equal(ppp_protocol_name(0x1234, buf, sizeof(buf)), "protocol 0x1234");
	assert_string_equal(ppp_protocol_name(0x00ab, buf, sizeof(buf)), "protocol 0x00ab");
	assert_string_equal(ppp_protocol_name(0x1234, tiny, sizeof(tiny)), "unknown protocol");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(valid_headers_are_read),
		cmocka_unit_test(invalid_headers_are_refused),
		cmocka_unit_test(data_range_is_that_of_rfc_3078),
		cmocka_unit_test(names_are_given_or_made),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
