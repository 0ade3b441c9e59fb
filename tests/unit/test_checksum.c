/* lib/checksum: the Internet checksum, against a sum made octet by octet. */
#include "lib/checksum.h"

#include "packets.h"

#include <stdlib.h>

/* RFC 1071 section 3. */
static void the_example_of_the_rfc(void **state)
{
	static const uint8_t octets[] = { 0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7 };

	(void)state;
	assert_int_equal(checksum_fold(checksum_add(0, octets, sizeof(octets))), 0xddf2);
	assert_int_equal(checksum_of(octets, sizeof(octets)), 0x220d);
}

/* It sums as the other does, and copies that and nothing else. */
static void copied(const uint8_t *from, size_t len)
{
	uint8_t *to = malloc(len ? len : 1);

	assert_non_null(to);
	assert_int_equal(checksum_fold(checksum_add_copy(7, to, from, len)),
		checksum_fold(checksum_add(7, from, len)));
	assert_memory_equal(to, from, len);
	free(to);
}

/* Blocks of exactly that size, from the heap: AddressSanitizer sees an octet read too much. */
static void every_length_and_every_alignment(void **state)
{
	uint32_t seed = 1;

	(void)state;
	for (size_t len = 0; len < 300; len++) {
		for (size_t at = 0; at < 9; at++) {
			uint8_t *block = malloc(at + len + 1);
			struct sum s = { 0 };

			assert_non_null(block);
			for (size_t i = 0; i < len; i++) {
				seed = seed * 1664525 + 1013904223;
				block[at + i] = (uint8_t)(seed >> 24);
			}
			block = realloc(block, at + len ? at + len : 1);
			assert_non_null(block);
			sum_add(&s, block + at, len);
			assert_int_equal(checksum_of(block + at, len), sum_end(&s));
			copied(block + at, len);
			free(block);
		}
	}
}

/* Every word at its largest, in a block as large as a packet can be: carries of all carries. */
static void no_carry_is_lost(void **state)
{
	static uint8_t block[65536];
	uint64_t sum = UINT64_MAX;

	(void)state;
	memset(block, 0xff, sizeof(block));
	for (size_t len = 0; len <= sizeof(block); len += 4096 + 2)
		assert_int_equal(checksum_fold(checksum_add(sum, block, len)), 0xffff);
	assert_int_equal(checksum_of(block, 0), 0xffff);
	block[65535] = 0xfe;
	assert_int_equal(checksum_of(block, sizeof(block)), 1);
}

static void pieces_sum_to_the_whole(void **state)
{
	uint8_t block[128];

	(void)state;
	for (unsigned int i = 0; i < sizeof(block); i++)
		block[i] = (uint8_t)(i * 37 + 11);
	for (size_t cut = 0; cut <= sizeof(block); cut += 2) {
		uint64_t sum = checksum_add(0, block, cut);

		sum = checksum_add(sum, block + cut, sizeof(block) - cut);
		assert_int_equal((uint16_t)~checksum_fold(sum), checksum_of(block, sizeof(block)));
	}
}

static void a_pseudo_header_is_summed_as_rfc_9293_has_it(void **state)
{
	uint8_t packet[1500];
	size_t len = put_segment(packet, 0x4000, 0x10, NULL, 0, 777);

	(void)state;
	assert_int_equal(checksum_of_upper(packet + 12, 8, 6, packet + 20, len - 20), 0);
	packet[len - 1] ^= 1;
	assert_int_not_equal(checksum_of_upper(packet + 12, 8, 6, packet + 20, len - 20), 0);
	assert_int_equal(checksum_of(packet, 20), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_example_of_the_rfc),
		cmocka_unit_test(every_length_and_every_alignment),
		cmocka_unit_test(no_carry_is_lost),
		cmocka_unit_test(pieces_sum_to_the_whole),
		cmocka_unit_test(a_pseudo_header_is_summed_as_rfc_9293_has_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
