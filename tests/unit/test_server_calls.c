/* What the configuration says about calls: lines, numbers of accounts, channels, flow control, hook. */
#include "server/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct server_config config;
static char path[] = "/tmp/greyline-test.calls-XXXXXX";

static int start(void **state)
{
	int fd;

	(void)state;
	strcpy(path + sizeof(path) - 7, "XXXXXX");
	fd = mkstemp(path);
	close(fd);
	return fd < 0 ? -1 : 0;
}

static int end(void **state)
{
	(void)state;
	server_config_done(&config);
	unlink(path);
	return 0;
}

/* The status of reading this file; what is said goes to standard error. */
static int parse(const char *text)
{
	static char name[] = "greyline server", option[] = "-c";
	char *argv[] = { name, option, path, NULL };
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	return server_config_parse(&config, 3, argv);
}

static void no_lines_no_hook_all_calls_by_default(void **state)
{
	(void)state;
	assert_int_equal(parse(""), 0);
	assert_int_equal(config.lines.count, 0);
	assert_null(config.hook);
	assert_true(config.incoming_calls);
	assert_int_equal(config.control.max_channels, 0);
	assert_int_equal(config.session.flow, GRE_FLOW_ADVISORY);
	assert_int_equal(config.session.ack_timeout_max, 10000000);
}

static void every_key_of_a_line(void **state)
{
	const struct server_line *l;

	(void)state;
	assert_int_equal(
		parse("line \"a\" { kind = \"simulated\" number = \"555\" outcome = \"connect\" "
		      "speed = 9600 delay = 1500 lifetime = 60 damage = 100 pns = \"192.0.2.9\" }\n"
		      "line \"b\" { number = \"556\" outcome = \"no-dial-tone\" }\n"),
		0);
	assert_int_equal(config.lines.count, 2);
	l = &config.lines.list[0];
	assert_string_equal(l->sim.name, "a");
	assert_string_equal(l->sim.number, "555");
	assert_int_equal(l->sim.outcome, SIM_CONNECT);
	assert_int_equal(l->sim.speed, 9600);
	assert_int_equal(l->sim.delay, 1500000);
	assert_int_equal(l->sim.lifetime, 60000000);
	assert_int_equal(l->sim.damage, 100);
	assert_int_equal(ntohl(l->pns.s_addr), 0xc0000209);
	assert_int_equal(config.lines.list[1].sim.outcome, SIM_NO_DIAL_TONE);
	assert_int_equal(config.lines.list[1].sim.speed, 64000);
}

static void lines_that_cannot_be(void **state)
{
	static const char *const wrong[] = {
		"line \"a\" { pns = \"192.0.2.9\" }",
		"line \"a\" { number = \"1\" }",
		"line \"a\" { number = \"\" pns = \"192.0.2.9\" }",
		"line \"\" { number = \"1\" pns = \"192.0.2.9\" }",
		"line \"a\" { number = \"1\" pns = \"somewhere\" }",
		"line \"a\" { number = \"1\" pns = \"192.0.2.9\" kind = \"modem\" }",
		"line \"a\" { number = \"1\" outcome = \"perhaps\" }",
		"line \"a\" { number = \"1\" outcome = \"busy\" speed = 0 }",
		"line \"a\" { number = \"1\" outcome = \"busy\" speed = -1 }",
		"line \"a\" { number = \"1\" outcome = \"busy\" delay = 60001 }",
		"line \"a\" { number = \"1\" outcome = \"busy\" lifetime = 86401 }",
		"line \"a\" { number = \"1\" outcome = \"busy\" damage = -1 }",
		"line \"a\" { number = \"1\" outcome = \"busy\" frobnicate = 1 }",
		"line \"a\" { number = \"1\" outcome = \"busy\" }\nline \"b\" { number = \"1\" "
		"outcome = \"busy\" }",
		"line \"a\" { number = \"1\" outcome = \"busy\" }\nline \"a\" { number = \"2\" "
		"outcome = \"busy\" }",
		"line \"a\" { number = "
		"\"11111111112222222222333333333344444444445555555555666666666677777\" outcome = "
		"\"busy\" }",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(parse(wrong[i]), -1);
		server_config_done(&config);
	}
	assert_int_equal(parse(""), 0);
}

static void accounts_have_numbers(void **state)
{
	const struct account *a;

	(void)state;
	assert_int_equal(parse("user \"a\" { password = \"x\" calling-numbers = {\"030-1\", \"\"} "
			       "called-numbers = {\"4711\"} }\n"
			       "user \"b\" { password = \"x\" }\n"),
		0);
	a = accounts_find(&config.accounts, "a");
	assert_string_equal(a->calling_numbers[0], "030-1");
	assert_string_equal(a->calling_numbers[1], "");
	assert_null(a->calling_numbers[2]);
	assert_string_equal(a->called_numbers[0], "4711");
	assert_null(a->called_numbers[1]);
	a = accounts_find(&config.accounts, "b");
	assert_null(a->calling_numbers);
	assert_null(a->called_numbers);
}

static void channels_flow_and_incoming_calls(void **state)
{
	(void)state;
	assert_int_equal(parse("max-channels = 7\nflow-control = Strict\nmax-ack-timeout = 3\n"
			       "incoming-calls = false\n"),
		0);
	assert_int_equal(config.control.max_channels, 7);
	assert_int_equal(config.session.flow, GRE_FLOW_STRICT);
	assert_int_equal(config.session.ack_timeout_max, 3000000);
	assert_false(config.incoming_calls);
}

static void a_hook_must_be_a_program(void **state)
{
	(void)state;
	assert_int_equal(parse("hook = \"/bin/true\""), 0);
	assert_string_equal(config.hook, "/bin/true");
	server_config_done(&config);
	assert_int_equal(parse("hook = \"true\""), -1);
	server_config_done(&config);
	assert_int_equal(parse("hook = \"/nonexistent\""), -1);
	server_config_done(&config);
	assert_int_equal(parse("hook = \"/etc/passwd\""), -1);
	server_config_done(&config);
	assert_int_equal(parse("hook = \"/bin\""), -1);
}

static void other_values_that_cannot_be(void **state)
{
	static const char *const wrong[] = { "flow-control = loose", "max-channels = -1",
		"max-channels = 65536", "max-ack-timeout = 0" };

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(parse(wrong[i]), -1);
		server_config_done(&config);
	}
	assert_int_equal(parse(""), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, end)
	const struct CMUnitTest tests[] = {
		TEST(no_lines_no_hook_all_calls_by_default),
		TEST(every_key_of_a_line),
		TEST(lines_that_cannot_be),
		TEST(accounts_have_numbers),
		TEST(channels_flow_and_incoming_calls),
		TEST(a_hook_must_be_a_program),
		TEST(other_values_that_cannot_be),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
