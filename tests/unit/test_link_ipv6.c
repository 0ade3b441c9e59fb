/* IPV6CP in a link (RFC 5072 section 3, RFC 1661 section 3.6): beside IPCP, after it, without it. */
#include "tests/unit/link_pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t server_id[8] = { [7] = 1 };
static const uint8_t none[8];

static void begin(struct pair *p, enum ppp_ipv6_policy server, enum ppp_ipv6_policy client)
{
	pair_init(p, 4);
	p->end[SERVER].config.ipv6 = server;
	p->end[CLIENT].config.ipv6 = client;
	memcpy(p->end[SERVER].config.identifier, server_id, 8);
}

static void both_protocols_come_up_encrypted(void **unused)
{
	struct pair *p = calloc(1, sizeof(*p));

	(void)unused;
	begin(p, PPP_IPV6_ON, PPP_IPV6_ON);
	pair_open(p);
	pair_run(p, 5 * SECOND, false);
	assert_false(p->broken);
	for (int i = 0; i < 2; i++) {
		assert_true(p->end[i].up && p->end[i].up6);
		assert_true(p->end[i].tx && p->end[i].rx);
		assert_int_equal(p->end[i].ups6, 1);
	}
	assert_memory_equal(p->end[CLIENT].net.remote_id, server_id, 8);
	assert_memory_equal(p->end[SERVER].net.remote_id, p->end[CLIENT].net.local_id, 8);
	assert_memory_not_equal(p->end[CLIENT].net.local_id, none, 8);
	pair_done(p);
	free(p);
}

/* Off at either end: a Protocol-Reject, and IPv4 as ever. */
static void without_it_at_one_end_the_link_lives(void **unused)
{
	struct pair *p = calloc(1, sizeof(*p));

	(void)unused;
	for (int off = 0; off < 2; off++) {
		begin(p, off == SERVER ? PPP_IPV6_OFF : PPP_IPV6_ON,
			off == CLIENT ? PPP_IPV6_OFF : PPP_IPV6_ON);
		pair_open(p);
		pair_run(p, 100 * SECOND, false);
		assert_false(p->broken);
		assert_true(p->end[SERVER].up && p->end[CLIENT].up);
		assert_false(p->end[SERVER].up6 || p->end[CLIENT].up6);
		assert_false(p->end[SERVER].over || p->end[CLIENT].over);
		pair_done(p);
	}
	free(p);
}

static bool eat_ipv6cp(struct pair *p, int from, uint16_t protocol, uint8_t *data, size_t *len)
{
	(void)p;
	(void)from;
	(void)data;
	(void)len;
	return protocol != PPP_IPV6CP;
}

static bool eat_ipcp(struct pair *p, int from, uint16_t protocol, uint8_t *data, size_t *len)
{
	(void)p;
	(void)from;
	(void)data;
	(void)len;
	return protocol != PPP_IPCP;
}

static void a_silent_ipv6cp_disturbs_nobody(void **unused)
{
	struct pair *p = calloc(1, sizeof(*p));

	(void)unused;
	begin(p, PPP_IPV6_ON, PPP_IPV6_ON);
	p->filter = eat_ipv6cp;
	pair_open(p);
	pair_run(p, 200 * SECOND, false);
	assert_false(p->broken);
	assert_true(p->end[SERVER].up && p->end[CLIENT].up);
	assert_int_equal(p->end[SERVER].ups, 1);
	pair_done(p);
	free(p);
}

static void without_ipv4_the_policy_decides(void **unused)
{
	struct pair *p = calloc(1, sizeof(*p));

	(void)unused;
	begin(p, PPP_IPV6_ALONE, PPP_IPV6_ALONE);
	p->filter = eat_ipcp;
	pair_open(p);
	pair_run(p, 200 * SECOND, false);
	assert_false(p->broken);
	assert_true(p->end[SERVER].up6 && p->end[CLIENT].up6);
	assert_false(p->end[SERVER].up || p->end[CLIENT].up);
	assert_false(p->end[SERVER].over || p->end[CLIENT].over);
	pair_done(p);

	begin(p, PPP_IPV6_ON, PPP_IPV6_ON);
	p->filter = eat_ipcp;
	pair_open(p);
	pair_run(p, 200 * SECOND, false);
	assert_false(p->broken);
	assert_true(p->end[SERVER].over && p->end[CLIENT].over);
	assert_int_equal(p->end[SERVER].ups6 + p->end[CLIENT].ups6, 0);
	pair_done(p);
	free(p);
}

/* Neither protocol comes: the link ends. */
static void alone_without_ipv6_ends(void **unused)
{
	struct pair *p = calloc(1, sizeof(*p));

	(void)unused;
	begin(p, PPP_IPV6_ALONE, PPP_IPV6_OFF);
	p->filter = eat_ipcp;
	pair_open(p);
	pair_run(p, 200 * SECOND, false);
	assert_false(p->broken);
	assert_true(p->end[SERVER].over && p->end[CLIENT].over);
	pair_done(p);
	free(p);
}

static void encryption_anew_stops_ipv6_too(void **unused)
{
	struct pair *p = calloc(1, sizeof(*p));

	(void)unused;
	begin(p, PPP_IPV6_ON, PPP_IPV6_ON);
	pair_open(p);
	pair_run(p, 5 * SECOND, false);
	ppp_link_desync(p->end[CLIENT].link, p->now);
	assert_false(p->end[CLIENT].up || p->end[CLIENT].up6);
	pair_run(p, 5 * SECOND, false);
	assert_false(p->broken);
	for (int i = 0; i < 2; i++) {
		assert_true(p->end[i].up && p->end[i].up6);
		assert_int_equal(p->end[i].downs6, 1);
	}
	pair_done(p);
	free(p);
}

/* Loss, duplicates, jitter: always one of two ends of the story, never a hanging one. */
static void any_path_comes_to_an_end(void **unused)
{
	struct pair *p = calloc(1, sizeof(*p));

	(void)unused;
	for (uint64_t seed = 1; seed < 200; seed++) {
		begin(p, PPP_IPV6_ON, seed % 2 ? PPP_IPV6_ON : PPP_IPV6_ALONE);
		p->seed = seed * 0x9e3779b97f4a7c15ull;
		p->loss = 20;
		p->dup = 10;
		p->jitter = 50 * MS;
		pair_open(p);
		pair_run(p, 120 * SECOND, false);
		if (p->broken)
			fail_msg("seed %llu", (unsigned long long)seed);
		for (int i = 0; i < 2; i++)
			assert_true(p->end[i].up || p->end[i].over);
		pair_done(p);
	}
	free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_protocols_come_up_encrypted),
		cmocka_unit_test(without_it_at_one_end_the_link_lives),
		cmocka_unit_test(a_silent_ipv6cp_disturbs_nobody),
		cmocka_unit_test(without_ipv4_the_policy_decides),
		cmocka_unit_test(alone_without_ipv6_ends),
		cmocka_unit_test(encryption_anew_stops_ipv6_too),
		cmocka_unit_test(any_path_comes_to_an_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
