/* The address pool: what is handed out, once each, and what never. */
#include "server/address_pool.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct in_addr ip(const char *text)
{
	struct in_addr addr;

	assert_int_equal(inet_pton(AF_INET, text, &addr), 1);
	return addr;
}

static void takes(struct address_pool *p, const char *expected)
{
	struct in_addr addr;
	char text[INET_ADDRSTRLEN];

	assert_true(address_pool_take(p, &addr));
	assert_string_equal(inet_ntop(AF_INET, &addr, text, sizeof(text)), expected);
}

static void is_empty(struct address_pool *p)
{
	struct in_addr addr;

	assert_false(address_pool_take(p, &addr));
}

static void an_empty_pool_has_nothing(void **state)
{
	struct address_pool p;
	struct in_addr addr;

	(void)state;
	address_pool_init(&p);
	is_empty(&p);
	assert_false(address_pool_first(&p, &addr));
	address_pool_reserve(&p, ip("10.0.0.1"));
	address_pool_give_back(&p, ip("10.0.0.1"));
	is_empty(&p);
	address_pool_done(&p);
}

static void network_and_broadcast_are_left_out_up_to_30(void **state)
{
	static const struct {
		const char *prefix;
		unsigned int len;
		uint32_t size;
		const char *first;
	} cases[] = {
		{ "10.0.0.0", 24, 254, "10.0.0.1" },
		{ "10.0.0.0", 30, 2, "10.0.0.1" },
		{ "10.0.0.0", 31, 2, "10.0.0.0" },
		{ "10.0.0.9", 32, 1, "10.0.0.9" },
		{ "255.255.255.255", 32, 1, "255.255.255.255" },
		{ "255.255.255.252", 30, 2, "255.255.255.253" },
		{ "10.0.0.0", 12, (1u << 20) - 2, "10.0.0.1" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct address_pool p;
		struct in_addr addr;

		address_pool_init(&p);
		assert_int_equal(address_pool_add(&p, ip(cases[i].prefix), cases[i].len), 0);
		assert_int_equal(p.size, cases[i].size);
		assert_true(address_pool_first(&p, &addr));
		assert_int_equal(addr.s_addr, ip(cases[i].first).s_addr);
		address_pool_done(&p);
	}
}

static void each_address_is_given_once(void **state)
{
	struct address_pool p;
	uint8_t seen[512] = { 0 };
	struct in_addr addr;

	(void)state;
	address_pool_init(&p);
	assert_int_equal(address_pool_add(&p, ip("10.0.0.0"), 24), 0);
	assert_int_equal(address_pool_add(&p, ip("10.0.1.0"), 25), 0);
	for (unsigned int i = 0; i < 254 + 126; i++) {
		assert_true(address_pool_take(&p, &addr));
		assert_in_range(ntohl(addr.s_addr) - 0x0a000000u, 1, 0x17e);
		assert_int_equal(seen[ntohl(addr.s_addr) - 0x0a000000u]++, 0);
	}
	assert_int_equal(p.used, p.size);
	is_empty(&p);
	address_pool_give_back(&p, ip("10.0.1.5"));
	takes(&p, "10.0.1.5");
	is_empty(&p);
	address_pool_done(&p);
}

static void what_was_given_back_comes_last(void **state)
{
	struct address_pool p;

	(void)state;
	address_pool_init(&p);
	assert_int_equal(address_pool_add(&p, ip("10.0.0.0"), 29), 0);
	takes(&p, "10.0.0.1");
	address_pool_give_back(&p, ip("10.0.0.1"));
	takes(&p, "10.0.0.2");
	takes(&p, "10.0.0.3");
	takes(&p, "10.0.0.4");
	takes(&p, "10.0.0.5");
	takes(&p, "10.0.0.6");
	takes(&p, "10.0.0.1");
	is_empty(&p);
	address_pool_done(&p);
}

static void reserved_addresses_are_never_given(void **state)
{
	struct address_pool p;

	(void)state;
	address_pool_init(&p);
	assert_int_equal(address_pool_add(&p, ip("10.0.0.0"), 30), 0);
	assert_int_equal(address_pool_add(&p, ip("10.9.0.4"), 32), 0);
	address_pool_reserve(&p, ip("10.0.0.1"));
	address_pool_reserve(&p, ip("10.0.0.1"));
	address_pool_reserve(&p, ip("10.0.0.0"));  /* the network's own */
	address_pool_reserve(&p, ip("192.0.2.1")); /* outside */
	assert_int_equal(p.reserved, 1);
	address_pool_give_back(&p, ip("10.0.0.1")); /* was not given: stays reserved */
	takes(&p, "10.0.0.2");
	address_pool_reserve(&p, ip("10.0.0.2")); /* in use: not touched */
	takes(&p, "10.9.0.4");
	is_empty(&p);
	address_pool_give_back(&p, ip("10.0.0.2"));
	address_pool_give_back(&p, ip("10.0.0.2"));
	assert_int_equal(p.used, 1);
	takes(&p, "10.0.0.2");
	is_empty(&p);
	address_pool_done(&p);
}

static void a_pool_of_one_that_is_this_ends_is_empty(void **state)
{
	struct address_pool p;
	struct in_addr addr;

	(void)state;
	address_pool_init(&p);
	assert_int_equal(address_pool_add(&p, ip("10.0.0.7"), 32), 0);
	assert_true(address_pool_first(&p, &addr));
	address_pool_reserve(&p, addr);
	is_empty(&p);
	address_pool_done(&p);
}

static void overlapping_ranges_are_refused(void **state)
{
	struct address_pool p;

	(void)state;
	address_pool_init(&p);
	assert_int_equal(address_pool_add(&p, ip("10.0.0.0"), 24), 0);
	assert_int_equal(address_pool_add(&p, ip("10.0.0.0"), 24), -EEXIST);
	assert_int_equal(address_pool_add(&p, ip("10.0.0.128"), 25), -EEXIST);
	assert_int_equal(address_pool_add(&p, ip("10.0.0.0"), 16), -EEXIST);
	assert_int_equal(address_pool_add(&p, ip("10.0.0.254"), 32), -EEXIST);
	assert_int_equal(p.size, 254);
	/* What the first one leaves out is free. */
	assert_int_equal(address_pool_add(&p, ip("10.0.0.255"), 32), 0);
	assert_int_equal(address_pool_add(&p, ip("10.0.1.0"), 31), 0);
	assert_int_equal(p.size, 257);
	address_pool_done(&p);
}

static void too_many_ranges_or_addresses_are_refused(void **state)
{
	struct address_pool p;

	(void)state;
	address_pool_init(&p);
	assert_int_equal(address_pool_add(&p, ip("0.0.0.0"), 0), -ENOSPC);
	assert_int_equal(address_pool_add(&p, ip("10.0.0.0"), 11), -ENOSPC);
	assert_int_equal(address_pool_add(&p, ip("10.0.0.0"), 12), 0);
	assert_int_equal(address_pool_add(&p, ip("10.16.0.0"), 29), -ENOSPC);
	assert_int_equal(address_pool_add(&p, ip("10.16.0.0"), 31), 0);
	address_pool_done(&p);
	for (uint32_t i = 0; i <= ADDRESS_RANGES_MAX; i++)
		assert_int_equal(
			address_pool_add(&p, (struct in_addr){ htonl(0x0a000000u + i) }, 32),
			i < ADDRESS_RANGES_MAX ? 0 : -ENOSPC);
	address_pool_done(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_pool_has_nothing),
		cmocka_unit_test(network_and_broadcast_are_left_out_up_to_30),
		cmocka_unit_test(each_address_is_given_once),
		cmocka_unit_test(what_was_given_back_comes_last),
		cmocka_unit_test(reserved_addresses_are_never_given),
		cmocka_unit_test(a_pool_of_one_that_is_this_ends_is_empty),
		cmocka_unit_test(overlapping_ranges_are_refused),
		cmocka_unit_test(too_many_ranges_or_addresses_are_refused),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
