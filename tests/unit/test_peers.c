/* Sections of single peers: which one holds for an address; lines of the log that are held back. */
#include "server/log_limit.h"
#include "server/peers.h"
#include "session/settings.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct peers peers;
static cfg_t *cfg;
static char why[SYSTEM_WHY];
static cfg_opt_t opts[2];

static void quiet(cfg_t *c, const char *format, va_list ap)
{
	(void)c;
	(void)format;
	(void)ap;
}

static int end(void **state)
{
	(void)state;
	peers_done(&peers);
	cfg_free(cfg);
	return 0;
}

/* 0; -1: refused while read; -2: refused as a whole. */
static int read_sections(const char *text)
{
	const struct peer everybody = {
		.allow = true, .incoming_calls = true, .check_source = true, .idle_timeout = 60
	};

	if (cfg) {
		peers_done(&peers);
		cfg_free(cfg);
	}
	memset(&peers, 0, sizeof(peers));
	opts[0] = (cfg_opt_t)CFG_SEC("peer", peers_opts, CFGF_MULTI | CFGF_TITLE);
	opts[1] = (cfg_opt_t)CFG_END();
	cfg = cfg_init(opts, CFGF_NONE);
	cfg_set_error_function(cfg, quiet);
	peers_checks(cfg);
	peers_into(&peers);
	if (cfg_parse_buf(cfg, text) != CFG_SUCCESS)
		return -1;
	return peers_ready(&peers, &everybody, why) < 0 ? -2 : 0;
}

static const struct peer *of(const char *text)
{
	struct in_addr a;

	assert_int_equal(inet_pton(AF_INET, text, &a), 1);
	return peers_find(&peers, a);
}

static void without_sections_all_are_alike(void **state)
{
	(void)state;
	assert_int_equal(read_sections(""), 0);
	assert_ptr_equal(of("192.0.2.1"), &peers.everybody);
	assert_true(of("0.0.0.0")->allow && of("255.255.255.255")->check_source);
}

static void the_longest_prefix_counts_alone(void **state)
{
	(void)state;
	assert_int_equal(
		read_sections("peer '192.0.2.0/24' { allow = false mtu = 1400 }\n"
			      "peer '0.0.0.0/0' { max-sessions = 9 }\n"
			      "peer '192.0.2.7' { max-connections = 3 }\n"
			      "peer '192.0.0.0/16' { check-source = false }\n"
			      "peer '192.0.2.128/25' { flow-control = strict }\n"
			      "peer '10.0.0.0/8' { idle-timeout = 0 incoming-calls = no }\n"),
		0);
	assert_int_equal(of("192.0.2.7")->max_connections, 3);
	assert_true(of("192.0.2.7")->allow);
	assert_int_equal(of("192.0.2.7")->mtu, 0);
	assert_false(of("192.0.2.8")->allow);
	assert_int_equal(of("192.0.2.8")->mtu, 1400);
	assert_int_equal(of("192.0.2.200")->flow, GRE_FLOW_STRICT);
	assert_true(of("192.0.2.200")->allow);
	assert_false(of("192.0.3.1")->check_source);
	assert_int_equal(of("192.0.3.1")->idle_timeout, 60);
	assert_int_equal(of("10.255.255.255")->idle_timeout, 0);
	assert_false(of("10.0.0.0")->incoming_calls);
	assert_int_equal(of("11.0.0.0")->max_sessions, 9);
	assert_int_equal(of("255.255.255.255")->max_sessions, 9);
	assert_true(of("11.0.0.0")->check_source);
}

static void thousands_of_networks(void **state)
{
	static char text[5000 * 48];
	size_t used = 0;

	(void)state;
	for (unsigned int i = 0; i < 5000; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used,
			"peer '10.%u.%u.0/24' { max-sessions = %u }\n", i / 256, i % 256, i + 1);
	assert_int_equal(read_sections(text), 0);
	for (unsigned int i = 0; i < 5000; i++) {
		struct in_addr a = { htonl(0x0a000000u + (i << 8) + 77) };

		assert_int_equal(peers_find(&peers, a)->max_sessions, i + 1);
	}
	assert_ptr_equal(of("10.200.0.1"), &peers.everybody);
}

static void a_peer_that_is_dialled_is_one_and_not_idle(void **state)
{
	(void)state;
	assert_int_equal(read_sections("peer '192.0.2.7' { dial = true }\n"
				       "peer '192.0.2.8/32' { dial = true idle-timeout = 5 }"),
		0);
	assert_true(of("192.0.2.7")->dial);
	assert_int_equal(of("192.0.2.7")->idle_timeout, 0);
	assert_int_equal(of("192.0.2.8")->idle_timeout, 5000000);
	assert_int_equal(read_sections("peer '192.0.2.0/24' { dial = true }"), -1);
	assert_int_equal(read_sections("peer '224.0.0.1' { dial = true }"), -1);
	assert_int_equal(read_sections("peer '192.0.2.7' { dial = true allow = false }"), -1);
}

static void sections_that_cannot_be(void **state)
{
	static const char *const bad[] = { "peer 'x' { }", "peer '192.0.2.1/24' { }",
		"peer '192.0.2.0/33' { }", "peer '192.0.2.0/24' { mtu = 100 }",
		"peer '192.0.2.0/24' { max-sessions = 0 }",
		"peer '192.0.2.0/24' { check-source = maybe }",
		"peer '192.0.2.0/24' { flow-control = fast }",
		"peer '192.0.2.0/24' { idle-timeout = -2 }" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(read_sections(bad[i]), -1);
	assert_int_equal(read_sections("peer '192.0.2.7' { }\npeer '192.0.2.7/32' { }"), -2);
	assert_non_null(strstr(why, "192.0.2.7/32"));
}

static void a_flood_makes_few_lines(void **state)
{
	struct log_limit l = { 0 };
	uint64_t now = 5 * LOG_LIMIT_PERIOD;
	unsigned int said = 0;

	(void)state;
	for (int i = 0; i < 1000; i++)
		said += log_limit_pass(&l, 20, now + (uint64_t)i);
	assert_int_equal(said, 20);
	assert_int_equal(log_limit_held(&l, now + 1000), 0);
	assert_int_equal(log_limit_held(&l, now + LOG_LIMIT_PERIOD), 980);
	assert_int_equal(log_limit_held(&l, now + LOG_LIMIT_PERIOD), 0);
	assert_true(log_limit_pass(&l, 20, now + LOG_LIMIT_PERIOD));
	/* Nothing is lost of what comes slowly. */
	for (unsigned int i = 2; i < 50; i++)
		assert_true(log_limit_pass(&l, 1, now + i * LOG_LIMIT_PERIOD));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_sections_all_are_alike),
		cmocka_unit_test(the_longest_prefix_counts_alone),
		cmocka_unit_test(thousands_of_networks),
		cmocka_unit_test(a_peer_that_is_dialled_is_one_and_not_idle),
		cmocka_unit_test(sections_that_cannot_be),
		cmocka_unit_test_teardown(a_flood_makes_few_lines, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
