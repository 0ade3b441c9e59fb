/* Ethernet and IPv4 headers of the fast path, octet by octet, and what is too large for it. */
#include "dataplane/frame.h"
#include "lib/checksum.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct frame_hop hop = {
	.to = { 2, 1, 1, 1, 1, 1 }, .from = { 2, 2, 2, 2, 2, 2 }, .largest = 1500
};

static struct in_addr in(uint32_t host)
{
	return (struct in_addr){ .s_addr = htonl(host) };
}

static void with_df_it_is_as_the_raw_socket_makes_it(void **state)
{
	static const uint8_t expected[FRAME_HEADERS] = { 2, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 0x08,
		0x00, 0x45, 0x00, 0x05, 0xdc, 0, 0, 0x40, 0x00, 64, 47, 0x4d, 0xef, 192, 0, 2, 1,
		198, 51, 100, 7 };
	const struct frame_style style = { .ttl = 64, .df = true };
	uint8_t out[FRAME_HEADERS];

	(void)state;
	frame_build(out, &hop, &style, in(0xc0000201), in(0xc6336407), 0x1234, 1480);
	assert_int_equal(checksum_of(out + FRAME_ETHERNET, IPV4_HEADER), 0);
	assert_memory_equal(out, expected, 24);
	assert_memory_equal(out + 26, expected + 26, FRAME_HEADERS - 26);
}

static void without_df_it_has_an_identification(void **state)
{
	const struct frame_style style = { .ttl = 3, .tos = 0xb8 };
	uint8_t out[FRAME_HEADERS];
	struct ipv4 ip;
	uint8_t packet[IPV4_HEADER + 9] = { 0 };

	(void)state;
	frame_build(out, &hop, &style, in(0xc0000201), in(0xc6336407), 0x1234, 9);
	memcpy(packet, out + FRAME_ETHERNET, IPV4_HEADER);
	assert_true(ipv4_decode(&ip, packet, sizeof(packet)));
	assert_int_equal(ip.id, 0x1234);
	assert_int_equal(ip.fragment, 0);
	assert_int_equal(ip.ttl, 3);
	assert_int_equal(ip.tos, 0xb8);
	assert_int_equal(ip.total, 29);
	assert_int_equal(ip.source, 0xc0000201);
	assert_int_equal(ip.destination, 0xc6336407);
	assert_int_equal(checksum_of(packet, IPV4_HEADER), 0);
}

static void what_the_device_does_not_take_does_not_fit(void **state)
{
	const struct frame_hop none = { .largest = 0 };

	(void)state;
	assert_true(frame_fits(&hop, 1480));
	assert_false(frame_fits(&hop, 1481));
	assert_false(frame_fits(&none, 0));
}

static void only_ipv4_frames_are_opened_whatever_their_length(void **state)
{
	static const uint8_t frame[] = { 2, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 0x08, 0x00, 0x45 };

	(void)state;
	for (size_t len = 0; len <= sizeof(frame); len++) {
		uint8_t *copy = malloc(len ? len : 1);

		assert_non_null(copy);
		memcpy(copy, frame, len);
		assert_int_equal(frame_open(copy, len), len >= 14 ? FRAME_ETHERNET : 0);
		if (len >= 14) {
			copy[13] = 0x06;
			assert_int_equal(frame_open(copy, len), 0);
		}
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(with_df_it_is_as_the_raw_socket_makes_it),
		cmocka_unit_test(without_df_it_has_an_identification),
		cmocka_unit_test(what_the_device_does_not_take_does_not_fit),
		cmocka_unit_test(only_ipv4_frames_are_opened_whatever_their_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
