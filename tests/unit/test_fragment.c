/* Fragmentation of inner packets: the pieces make up the whole again, and are as RFC 791 says. */
#include "packets.h"

#include "dataplane/fragment.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#define DF 0x4000
#define MF 0x2000

/* What a receiver makes of the fragments: payload by place; each octet exactly once. */
struct reassembly {
	uint8_t payload[4096];
	bool seen[4096];
	size_t end; /* known from the one without MF; 0 not yet */
	unsigned int count;
};

static void reassemble(struct reassembly *r, const uint8_t *fragment, size_t len, size_t base)
{
	size_t header = (fragment[0] & 15u) * 4u;
	size_t place = (get16(fragment + 6) & 0x1fff) * 8u - base;

	assert_ip_sum(fragment);
	assert_int_equal(get16(fragment + 2), len);
	assert_true(place + len - header <= sizeof(r->payload));
	for (size_t i = 0; i < len - header; i++) {
		assert_false(r->seen[place + i]);
		r->seen[place + i] = true;
		r->payload[place + i] = fragment[header + i];
	}
	if (get16(fragment + 6) & MF)
		assert_int_equal((len - header) % 8, 0);
	else
		r->end = place + len - header;
	r->count++;
}

/* All fragments of a packet with `flags`, none larger than `largest`, make up `payload`. */
static unsigned int cut(const uint8_t *packet, size_t len, size_t largest, uint16_t flags)
{
	size_t header = (packet[0] & 15u) * 4u, n;
	struct reassembly *r = calloc(1, sizeof(*r));
	uint8_t *out = malloc(largest);
	struct fragmenter f;
	unsigned int count;

	assert_non_null(r);
	assert_non_null(out);
	assert_int_equal(fragment_start(&f, packet, len, largest), 0);
	while ((n = fragment_next(&f, out, largest)) != 0) {
		assert_true(n <= largest);
		assert_memory_equal(out + 4, packet + 4, 2);   /* identification */
		assert_memory_equal(out + 8, packet + 8, 2);   /* time to live, protocol */
		assert_memory_equal(out + 12, packet + 12, 8); /* addresses */
		reassemble(r, out, n, (flags & 0x1fffu) * 8u);
	}
	if (flags & MF)
		assert_int_equal(r->end, 0);
	else
		assert_int_equal(r->end, len - header);
	assert_memory_equal(r->payload, packet + header, len - header);
	for (size_t i = 0; i < len - header; i++)
		assert_true(r->seen[i]);
	count = r->count;
	free(out);
	free(r);
	return count;
}

static void fill(uint8_t *payload, size_t len)
{
	for (size_t i = 0; i < len; i++)
		payload[i] = (uint8_t)(i * 31 + (i >> 8));
}

static void the_fragments_make_up_the_packet_for_every_size(void **state)
{
	uint8_t packet[1500];

	(void)state;
	fill(packet + 20, sizeof(packet) - 20);
	for (size_t largest = 28; largest < 1500; largest += largest < 100 ? 1 : 61) {
		for (size_t len = largest + 1; len <= 1500; len += 73) {
			size_t chunk = (largest - 20) / 8 * 8;

			put_ip(packet, NULL, 0, 0, 17, FROM, TO, len - 20);
			assert_int_equal(
				cut(packet, len, largest, 0), (len - 20 + chunk - 1) / chunk);
		}
	}
}

static void a_fragment_is_cut_further(void **state)
{
	uint8_t packet[1420];

	(void)state;
	fill(packet + 20, 1400);
	put_ip(packet, NULL, 0, MF | 100, 17, FROM, TO, 1400); /* one in the middle */
	assert_int_equal(cut(packet, sizeof(packet), 576, MF | 100), 3);
	put_ip(packet, NULL, 0, 100, 17, FROM, TO, 1397); /* the last */
	assert_int_equal(cut(packet, 1417, 576, 100), 3);
}

static void only_options_with_the_copied_flag_are_in_later_fragments(void **state)
{
	/* Record route (7: not copied), no operation, a security option (130: copied), end. */
	static const uint8_t options[] = { 7, 7, 4, 0, 0, 0, 0, 1, 130, 5, 1, 2, 3, 0, 0, 0 };
	static const uint8_t kept[] = { 130, 5, 1, 2, 3, 0, 0, 0 };
	uint8_t packet[400], out[200];
	struct fragmenter f;
	size_t n, later = 0;

	(void)state;
	fill(packet + 36, 364);
	put_ip(packet, options, sizeof(options), 0, 17, FROM, TO, 364);
	assert_int_equal(cut(packet, sizeof(packet), 200, 0), 3);
	assert_int_equal(fragment_start(&f, packet, sizeof(packet), sizeof(out)), 0);
	n = fragment_next(&f, out, sizeof(out));
	assert_true(n > 0);
	assert_int_equal(out[0], 0x49);
	assert_memory_equal(out + 20, options, sizeof(options));
	while (fragment_next(&f, out, sizeof(out))) {
		assert_int_equal(out[0], 0x47);
		assert_memory_equal(out + 20, kept, sizeof(kept));
		later++;
	}
	assert_int_equal(later, 2);
}

static void options_that_make_no_sense_end_there(void **state)
{
	static const uint8_t bad[][8] = {
		{ 130, 0, 1, 1, 130, 4, 1, 1 },
		{ 130, 1, 1, 1, 130, 4, 1, 1 },
		{ 130, 9, 1, 1, 130, 4, 1, 1 },
		{ 1, 1, 1, 1, 1, 1, 1, 130 },
		{ 0, 0, 0, 0, 130, 4, 1, 1 },
	};
	uint8_t packet[400], out[200];
	struct fragmenter f;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		put_ip(packet, bad[i], 8, 0, 17, FROM, TO, 372);
		assert_int_equal(fragment_start(&f, packet, sizeof(packet), sizeof(out)), 0);
		assert_true(fragment_next(&f, out, sizeof(out)) > 0);
		assert_true(fragment_next(&f, out, sizeof(out)) > 0);
		assert_int_equal(out[0], 0x45);
	}
}

static void what_may_not_or_cannot_be_cut_is_refused(void **state)
{
	uint8_t packet[400] = { 0 }, options[40] = { 0 };
	struct fragmenter f;

	(void)state;
	put_ip(packet, NULL, 0, DF, 17, FROM, TO, 380);
	assert_int_equal(fragment_start(&f, packet, 400, 200), -EMSGSIZE);
	put_ip(packet, NULL, 0, 0, 17, FROM, TO, 380);
	assert_int_equal(fragment_start(&f, packet, 400, 27), -EMSGSIZE);
	assert_int_equal(fragment_start(&f, packet, 400, 0), -EMSGSIZE);
	assert_int_equal(fragment_start(&f, packet, 400, 28), 0);
	for (size_t n = 0; n < 400; n++)
		assert_int_equal(fragment_start(&f, packet, n, 200), -EINVAL);
	put_ip(packet, options, 40, 0, 17, FROM, TO, 340);
	assert_int_equal(fragment_start(&f, packet, 400, 67), -EMSGSIZE);
	assert_int_equal(fragment_start(&f, packet, 400, 68), 0);
	put_ip(packet, NULL, 0, 0x1fff, 17, FROM, TO, 380); /* ends beyond 65535 */
	assert_int_equal(fragment_start(&f, packet, 400, 200), -EMSGSIZE);
	packet[0] = 0x65;
	assert_int_equal(fragment_start(&f, packet, 400, 200), -EINVAL);
	packet[0] = 0x44;
	assert_int_equal(fragment_start(&f, packet, 400, 200), -EINVAL);
}

static void a_buffer_that_is_too_small_gets_nothing(void **state)
{
	uint8_t packet[400] = { 0 }, out[199];
	struct fragmenter f;

	(void)state;
	put_ip(packet, NULL, 0, 0, 17, FROM, TO, 380);
	assert_int_equal(fragment_start(&f, packet, 400, 196), 0);
	assert_int_equal(fragment_next(&f, out, 195), 0);
	assert_int_equal(fragment_next(&f, out, sizeof(out)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_fragments_make_up_the_packet_for_every_size),
		cmocka_unit_test(a_fragment_is_cut_further),
		cmocka_unit_test(only_options_with_the_copied_flag_are_in_later_fragments),
		cmocka_unit_test(options_that_make_no_sense_end_there),
		cmocka_unit_test(what_may_not_or_cannot_be_cut_is_refused),
		cmocka_unit_test(a_buffer_that_is_too_small_gets_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
