/* Clamping of TCP's MSS option: which packets, to what, and that nothing else is touched. */
#include "packets.h"

#include "dataplane/mss.h"

#include <stdlib.h>

#define SYN 0x02
#define ACK 0x10

static const uint8_t usual[] = { 2, 4, 0x05, 0xb4, 4, 2, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0, 1, 3, 3,
	7 };

/* Runs on an exact heap copy, so that a read behind the end is found. */
static bool clamp(uint8_t *packet, size_t len, uint16_t largest)
{
	uint8_t *copy = malloc(len ? len : 1);
	bool clamped;

	assert_non_null(copy);
	memcpy(copy, packet, len);
	clamped = mss_clamp(copy, len, largest);
	if (!clamped)
		assert_memory_equal(copy, packet, len);
	memcpy(packet, copy, len);
	free(copy);
	return clamped;
}

static void unchanged(uint8_t *packet, size_t len, uint16_t largest)
{
	assert_false(clamp(packet, len, largest));
}

static void syn_and_syn_ack_of_ipv4_are_clamped_to_40_less(void **state)
{
	static const uint8_t flags[] = { SYN, SYN | ACK, SYN | 0xc0 };

	(void)state;
	for (size_t i = 0; i < sizeof(flags); i++) {
		uint8_t packet[128], before[128];
		size_t len = put_segment(packet, 0x4000, flags[i], usual, sizeof(usual), 0);

		memcpy(before, packet, len);
		assert_true(clamp(packet, len, 1396));
		assert_int_equal(get16(packet + 42), 1356);
		assert_int_equal(tcp_sum(packet + 12, 8, packet + 20, len - 20), 0);
		put16(before + 42, 1356);
		memcpy(before + 36, packet + 36, 2);
		assert_memory_equal(packet, before, len);
	}
}

static void an_mss_is_never_raised(void **state)
{
	uint8_t packet[128];
	size_t len = put_segment(packet, 0, SYN, usual, sizeof(usual), 0);

	(void)state;
	unchanged(packet, len, 1500); /* 1460 as it is */
	unchanged(packet, len, 65535);
	assert_true(clamp(packet, len, 1499));
	assert_int_equal(get16(packet + 42), 1459);
}

static void every_value_keeps_the_checksum_right(void **state)
{
	uint8_t packet[128];

	(void)state;
	for (unsigned int mss = 30; mss < 65536; mss += 251) {
		uint8_t options[4] = { 2, 4, (uint8_t)(mss >> 8), (uint8_t)mss };

		for (uint16_t largest = 68; largest < 1500; largest = (uint16_t)(largest + 97)) {
			size_t len = put_segment(packet, 0, SYN, options, 4, 13);
			bool lower = mss > largest - 40u;

			assert_int_equal(clamp(packet, len, largest), lower);
			assert_int_equal(get16(packet + 42), lower ? largest - 40u : mss);
			assert_int_equal(tcp_sum(packet + 12, 8, packet + 20, len - 20), 0);
		}
	}
}

static void an_option_at_an_odd_offset_keeps_the_checksum_right(void **state)
{
	static const uint8_t odd[] = { 1, 2, 4, 0xfe, 0x01, 1, 0, 0 };
	uint8_t packet[128];
	size_t len = put_segment(packet, 0, SYN, odd, sizeof(odd), 5);

	(void)state;
	assert_true(clamp(packet, len, 1300));
	assert_int_equal(get16(packet + 43), 1260);
	assert_int_equal(tcp_sum(packet + 12, 8, packet + 20, len - 20), 0);
}

static void a_wrong_checksum_stays_wrong(void **state)
{
	uint8_t packet[128];
	size_t len = put_segment(packet, 0, SYN, usual, sizeof(usual), 0);

	(void)state;
	packet[36] ^= 0x55;
	assert_true(clamp(packet, len, 1300));
	assert_int_not_equal(tcp_sum(packet + 12, 8, packet + 20, len - 20), 0);
}

static void other_packets_stay(void **state)
{
	uint8_t packet[128];
	size_t len;

	(void)state;
	len = put_segment(packet, 0, ACK, usual, sizeof(usual), 0);
	unchanged(packet, len, 576);
	len = put_segment(packet, 0, SYN, "", 0, 20); /* no option */
	unchanged(packet, len, 576);
	len = put_segment(
		packet, 0x0001, SYN, usual, sizeof(usual), 0); /* not the first fragment */
	unchanged(packet, len, 576);
	len = put_segment(packet, 0, SYN, usual, sizeof(usual), 0);
	packet[9] = 17;
	unchanged(packet, len, 576);
	packet[9] = 6;
	packet[0] = 0x55;
	unchanged(packet, len, 576);
	packet[0] = 0x44; /* header of 16 */
	unchanged(packet, len, 576);
	packet[0] = 0x45;
	unchanged(packet, len - 1, 576); /* cut short */
	unchanged(packet, 0, 576);
	unchanged(packet, len, 40); /* nothing would fit */
	assert_true(clamp(packet, len, 576));
}

static void a_first_fragment_is_clamped(void **state)
{
	uint8_t packet[128];
	size_t len = put_segment(packet, 0x2000, SYN, usual, sizeof(usual), 4);

	(void)state;
	assert_true(clamp(packet, len, 576));
	assert_int_equal(get16(packet + 42), 536);
}

static void options_in_front_of_it_are_passed_over(void **state)
{
	static const uint8_t options[] = { 1, 1, 8, 10, 2, 4, 9, 9, 2, 4, 9, 9, 3, 3, 7, 1, 2, 4, 5,
		0xb4 };
	uint8_t packet[128];
	size_t len = put_segment(packet, 0, SYN, options, sizeof(options), 0);

	(void)state;
	assert_true(clamp(packet, len, 1000));
	assert_int_equal(get16(packet + 40 + 18), 960);
	assert_int_equal(get16(packet + 40 + 6), 0x0909); /* inside of the time stamp */
	assert_int_equal(tcp_sum(packet + 12, 8, packet + 20, len - 20), 0);
}

/* rp-pppoe, CVE-2001-0026: looped for ever. */
static void an_option_of_length_0_or_1_ends_the_options(void **state)
{
	uint8_t packet[128];

	(void)state;
	for (uint8_t length = 0; length < 2; length++) {
		for (unsigned int kind = 2; kind < 256; kind++) {
			uint8_t options[8] = { (uint8_t)kind, length, 5, 0xb4, 2, 4, 5, 0xb4 };
			size_t len = put_segment(packet, 0, SYN, options, 8, 0);

			unchanged(packet, len, 576);
		}
	}
}

static void an_mss_of_wrong_length_or_behind_the_end_stays(void **state)
{
	static const uint8_t options[][8] = {
		{ 2, 3, 5, 1, 1, 1, 1, 1 },
		{ 2, 5, 5, 0xb4, 0, 1, 1, 1 },
		{ 0, 0, 0, 0, 2, 4, 5, 0xb4 }, /* behind the end of the list */
		{ 1, 1, 1, 1, 1, 2, 4, 5 },    /* truncated */
		{ 1, 1, 1, 1, 1, 1, 2, 4 },
		{ 1, 1, 1, 1, 1, 1, 1, 2 },
		{ 8, 9, 1, 1, 2, 4, 5, 0xb4 }, /* beyond the header */
		{ 254, 255, 1, 1, 2, 4, 5, 0xb4 },
	};
	uint8_t packet[128];

	(void)state;
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		size_t len = put_segment(packet, 0, SYN, options[i], 8, 0);

		unchanged(packet, len, 576);
	}
}

static void a_header_length_of_tcp_that_is_wrong_stays(void **state)
{
	uint8_t packet[128];
	size_t len = put_segment(packet, 0, SYN, usual, sizeof(usual), 0);

	(void)state;
	for (unsigned int words = 0; words < 5; words++) {
		packet[32] = (uint8_t)(words << 4);
		unchanged(packet, len, 576);
	}
	packet[32] = 0xf0; /* more than there is: the rest may be in another fragment */
	assert_true(clamp(packet, len, 576));
}

static void every_length_cut_short(void **state)
{
	uint8_t whole[128], packet[128];
	size_t len = put_segment(whole, 0x2000, SYN, usual, sizeof(usual), 0);

	(void)state;
	for (size_t n = 0; n < len; n++) {
		memcpy(packet, whole, len);
		unchanged(packet, n, 576);
		/* as a packet that says so itself */
		if (n >= 4)
			put16(packet + 2, (unsigned int)n);
		assert_int_equal(clamp(packet, n, 576), n >= 44);
	}
}

/* ---- IPv6 ---- */

static size_t put_ipv6(
	uint8_t *packet, const uint8_t *extensions, size_t extensions_len, uint8_t next)
{
	size_t tcp_len = put_tcp(packet + 40 + extensions_len, SYN, usual, sizeof(usual), 3);

	memset(packet, 0, 40);
	packet[0] = 0x60;
	put16(packet + 4, (unsigned int)(extensions_len + tcp_len));
	packet[6] = next;
	packet[7] = 64;
	memset(packet + 8, 0x20, 16);
	memset(packet + 24, 0x31, 16);
	if (extensions_len)
		memcpy(packet + 40, extensions, extensions_len);
	put_tcp_sum(packet + 8, 32, packet + 40 + extensions_len, tcp_len);
	return 40 + extensions_len + tcp_len;
}

static void ipv6_is_clamped_to_60_less(void **state)
{
	uint8_t packet[256];
	size_t len = put_ipv6(packet, NULL, 0, 6);

	(void)state;
	assert_true(clamp(packet, len, 1396));
	assert_int_equal(get16(packet + 62), 1336);
	assert_int_equal(tcp_sum(packet + 8, 32, packet + 40, len - 40), 0);
	unchanged(packet, len, 60);
	unchanged(packet, len, 1396);
}

static void ipv6_extension_headers_are_passed_over(void **state)
{
	static const uint8_t extensions[] = {
		43, 0, 1, 4, 0, 0, 0, 0,                         /* hop by hop */
		60, 1, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 9, /* routing */
		44, 0, 1, 4, 0, 0, 0, 0,                         /* destination */
		6, 0, 0, 1, 0, 0, 0, 9,                          /* first fragment */
	};
	uint8_t packet[256];
	size_t len = put_ipv6(packet, extensions, sizeof(extensions), 0);

	(void)state;
	for (size_t n = 0; n < len; n++) {
		uint8_t cut[256];

		memcpy(cut, packet, len);
		unchanged(cut, n, 576);
		if (n >= 40) {
			put16(cut + 4, (unsigned int)(n - 40));
			assert_int_equal(clamp(cut, n, 576), n >= 40 + sizeof(extensions) + 24);
		}
	}
	assert_true(clamp(packet, len, 1280));
	assert_int_equal(get16(packet + 40 + sizeof(extensions) + 22), 1220);
	assert_int_equal(tcp_sum(packet + 8, 32, packet + 40 + sizeof(extensions),
				 len - 40 - sizeof(extensions)),
		0);
}

static void ipv6_that_is_not_the_first_fragment_or_not_known_stays(void **state)
{
	uint8_t packet[256], extension[8] = { 6, 0, 0, 8, 0, 0, 0, 9 };
	size_t len = put_ipv6(packet, extension, 8, 44);

	(void)state;
	unchanged(packet, len, 576);
	len = put_ipv6(packet, extension, 8, 51); /* authenticated: not ours to change */
	unchanged(packet, len, 576);
	len = put_ipv6(packet, extension, 8, 50);
	unchanged(packet, len, 576);
	len = put_ipv6(packet, NULL, 0, 6);
	put16(packet + 4, 0); /* a jumbogram */
	unchanged(packet, len, 576);
}

static void ipv6_with_endless_extension_headers_ends(void **state)
{
	uint8_t packet[2048] = { 0x60 };

	(void)state;
	put16(packet + 4, sizeof(packet) - 40);
	packet[6] = 0; /* hop by hop, all of them: each says that another follows */
	unchanged(packet, sizeof(packet), 576);
	memset(packet + 40, 60, sizeof(packet) - 40);
	unchanged(packet, sizeof(packet), 576);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(syn_and_syn_ack_of_ipv4_are_clamped_to_40_less),
		cmocka_unit_test(an_mss_is_never_raised),
		cmocka_unit_test(every_value_keeps_the_checksum_right),
		cmocka_unit_test(an_option_at_an_odd_offset_keeps_the_checksum_right),
		cmocka_unit_test(a_wrong_checksum_stays_wrong),
		cmocka_unit_test(other_packets_stay),
		cmocka_unit_test(a_first_fragment_is_clamped),
		cmocka_unit_test(options_in_front_of_it_are_passed_over),
		cmocka_unit_test(an_option_of_length_0_or_1_ends_the_options),
		cmocka_unit_test(an_mss_of_wrong_length_or_behind_the_end_stays),
		cmocka_unit_test(a_header_length_of_tcp_that_is_wrong_stays),
		cmocka_unit_test(every_length_cut_short),
		cmocka_unit_test(ipv6_is_clamped_to_60_less),
		cmocka_unit_test(ipv6_extension_headers_are_passed_over),
		cmocka_unit_test(ipv6_that_is_not_the_first_fragment_or_not_known_stays),
		cmocka_unit_test(ipv6_with_endless_extension_headers_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
