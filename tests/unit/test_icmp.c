/* "Fragmentation needed": the message, octet by octet, for whom there is none, and how many. */
#include "packets.h"

#include "dataplane/icmp.h"

#include <stdlib.h>

/* Runs on an exact heap copy, so that a read behind the end is found. */
static size_t too_big(const uint8_t *packet, size_t len, uint16_t mtu, uint8_t *out)
{
	uint8_t *copy = malloc(len ? len : 1);
	size_t n;

	assert_non_null(copy);
	memcpy(copy, packet, len);
	n = icmp_too_big(copy, len, mtu, out, ICMP_ERROR_MAX);
	free(copy);
	return n;
}

static void it_is_as_rfc_792_and_1191_say(void **state)
{
	static const uint8_t expected[28] = {
		0x45, 0xc0, 0x00, 0x38, 0, 0, 0x40, 0, 64, 1, 0, 0,      /* IPv4 */
		10, 99, 9, 9, 10, 0, 0, 2, 3, 4, 0, 0, 0, 0, 0x05, 0x14, /* ICMP, 1300 */
	};
	uint8_t packet[64] = { 0 }, out[ICMP_ERROR_MAX];
	struct sum s = { 0 };
	size_t n, len = put_ip(packet, NULL, 0, 0x4000, 17, FROM, TO, 8);

	(void)state;
	n = too_big(packet, len, 1300, out);
	assert_int_equal(n, 56);
	assert_ip_sum(out);
	sum_add(&s, out + 20, n - 20);
	assert_int_equal(sum_end(&s), 0);
	assert_memory_equal(out + 28, packet, len);
	put16(out + 10, 0);
	put16(out + 22, 0);
	assert_memory_equal(out, expected, sizeof(expected));
}

static void it_quotes_as_much_as_576_octets_hold(void **state)
{
	uint8_t packet[1500], out[ICMP_ERROR_MAX];

	(void)state;
	memset(packet, 0xa5, sizeof(packet));
	for (size_t len = 20; len <= 1500; len++) {
		struct sum s = { 0 };
		size_t n, quoted = len < 548 ? len : 548;

		put_ip(packet, NULL, 0, 0x4000, 17, FROM, TO, len - 20);
		n = too_big(packet, len, 1300, out);
		assert_int_equal(n, 28 + quoted);
		assert_int_equal(get16(out + 2), n);
		assert_memory_equal(out + 28, packet, quoted);
		sum_add(&s, out + 20, n - 20);
		assert_int_equal(sum_end(&s), 0);
		assert_ip_sum(out);
	}
}

static void padding_behind_the_packet_is_not_quoted(void **state)
{
	uint8_t packet[100] = { 0 }, out[ICMP_ERROR_MAX];

	(void)state;
	put_ip(packet, NULL, 0, 0x4000, 17, FROM, TO, 8);
	assert_int_equal(too_big(packet, sizeof(packet), 1300, out), 56);
}

static void none_for_an_icmp_error_but_for_a_query(void **state)
{
	static const uint8_t queries[] = { 0, 8, 9, 10, 13, 14, 15, 16, 17, 18, 42, 43 };
	uint8_t packet[64] = { 0 }, out[ICMP_ERROR_MAX];
	size_t len = put_ip(packet, NULL, 0, 0x4000, 1, FROM, TO, 8);

	(void)state;
	for (unsigned int type = 0; type < 256; type++) {
		bool query = memchr(queries, (int)type, sizeof(queries)) != NULL;

		packet[20] = (uint8_t)type;
		assert_int_equal(too_big(packet, len, 1300, out) != 0, query);
	}
	put_ip(packet, NULL, 0, 0x4000, 1, FROM, TO, 0); /* no type at all */
	assert_int_equal(too_big(packet, 20, 1300, out), 0);
}

static void none_for_a_later_fragment(void **state)
{
	uint8_t packet[64] = { 0 }, out[ICMP_ERROR_MAX];
	size_t len = put_ip(packet, NULL, 0, 0x4001, 17, FROM, TO, 8);

	(void)state;
	assert_int_equal(too_big(packet, len, 1300, out), 0);
	len = put_ip(packet, NULL, 0, 0x6000, 17, FROM, TO, 8); /* the first, with DF */
	assert_int_equal(too_big(packet, len, 1300, out), 56);
}

static void none_from_or_to_an_address_that_is_not_one_hosts(void **state)
{
	static const uint32_t bad[] = { 0, 0x00000001, 0x7f000001, 0xe0000001, 0xef010203,
		0xf0000001, 0xffffffff };
	uint8_t packet[64] = { 0 }, out[ICMP_ERROR_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		put_ip(packet, NULL, 0, 0x4000, 17, bad[i], TO, 8);
		assert_int_equal(too_big(packet, 28, 1300, out), 0);
		put_ip(packet, NULL, 0, 0x4000, 17, FROM, bad[i], 8);
		assert_int_equal(too_big(packet, 28, 1300, out), 0);
	}
}

static void none_for_what_is_no_ipv4_packet(void **state)
{
	uint8_t packet[64] = { 0 }, out[ICMP_ERROR_MAX];
	size_t len = put_ip(packet, NULL, 0, 0x4000, 17, FROM, TO, 8);

	(void)state;
	for (size_t n = 0; n < len; n++)
		assert_int_equal(too_big(packet, n, 1300, out), 0);
	packet[0] = 0x65;
	assert_int_equal(too_big(packet, len, 1300, out), 0);
	packet[0] = 0x44;
	assert_int_equal(too_big(packet, len, 1300, out), 0);
	packet[0] = 0x4f;
	assert_int_equal(too_big(packet, len, 1300, out), 0);
	packet[0] = 0x45;
	for (size_t size = 0; size < 56; size++)
		assert_int_equal(icmp_too_big(packet, len, 1300, out, size), 0);
	assert_int_equal(icmp_too_big(packet, len, 1300, out, 56), 56);
}

static void so_many_at_once_and_then_one_in_each_interval(void **state)
{
	struct icmp_limit limit = { 0 };
	uint64_t now = 5000000;

	(void)state;
	for (unsigned int i = 0; i < ICMP_BURST; i++)
		assert_true(icmp_may_send(&limit, now));
	assert_false(icmp_may_send(&limit, now));
	assert_false(icmp_may_send(&limit, now + ICMP_INTERVAL - 1));
	for (unsigned int i = 1; i < 10; i++) {
		assert_true(icmp_may_send(&limit, now + i * ICMP_INTERVAL));
		assert_false(icmp_may_send(&limit, now + i * ICMP_INTERVAL));
	}
	now += 3600000000u; /* does not save up more than a burst */
	for (unsigned int i = 0; i < ICMP_BURST; i++)
		assert_true(icmp_may_send(&limit, now));
	assert_false(icmp_may_send(&limit, now));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_as_rfc_792_and_1191_say),
		cmocka_unit_test(it_quotes_as_much_as_576_octets_hold),
		cmocka_unit_test(padding_behind_the_packet_is_not_quoted),
		cmocka_unit_test(none_for_an_icmp_error_but_for_a_query),
		cmocka_unit_test(none_for_a_later_fragment),
		cmocka_unit_test(none_from_or_to_an_address_that_is_not_one_hosts),
		cmocka_unit_test(none_for_what_is_no_ipv4_packet),
		cmocka_unit_test(so_many_at_once_and_then_one_in_each_interval),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
