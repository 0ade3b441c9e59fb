/* Settings: parsers of values, and how files and options set keys or say what is wrong. */
#include "session/settings.h"
#include "session/settings_rate.h"

#include "system/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char empty[] = "{}";

static cfg_opt_t user_options[] = {
	CFG_STR("password", NULL, CFGF_NONE),
	CFG_END(),
};

static cfg_opt_t options[] = {
	CFG_STR("name", "greyline", CFGF_NONE),
	CFG_STR_LIST("listen", empty, CFGF_NONE),
	CFG_STR_LIST("pool", empty, CFGF_NONE),
	CFG_INT("port", 1723, CFGF_NONE),
	CFG_INT("mru", 1400, CFGF_NONE),
	CFG_INT("echo-interval", 30, CFGF_NONE),
	CFG_BOOL("forward", cfg_true, CFGF_NONE),
	CFG_STR("mppe", "require-128", CFGF_NONE),
	CFG_STR("dev", "grey%d", CFGF_NONE),
	CFG_STR("local", NULL, CFGF_NONE),
	CFG_SEC("user", user_options, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
	CFG_END(),
};

static cfg_t *cfg;
static char why[SYSTEM_WHY];

static int start(void **state)
{
	(void)state;
	cfg = cfg_init(options, CFGF_NONE);
	cfg_set_validate_func(cfg, "listen", settings_check_ipv4);
	cfg_set_validate_func(cfg, "pool", settings_check_cidr);
	cfg_set_validate_func(cfg, "port", settings_check_count);
	cfg_set_validate_func(cfg, "mru", settings_check_mru);
	cfg_set_validate_func(cfg, "echo-interval", settings_check_seconds);
	cfg_set_validate_func(cfg, "mppe", settings_check_mppe);
	cfg_set_validate_func(cfg, "dev", settings_check_dev);
	cfg_set_validate_func(cfg, "local", settings_check_host);
	why[0] = '\0';
	return 0;
}

static int end(void **state)
{
	(void)state;
	cfg_free(cfg);
	return 0;
}

static void addresses(void **state)
{
	struct in_addr a;

	(void)state;
	assert_int_equal(settings_ipv4("192.0.2.1", &a), 0);
	assert_int_equal(a.s_addr, htonl(0xc0000201));
	assert_int_equal(settings_ipv4("192.0.2.256", &a), -EINVAL);
	assert_int_equal(settings_ipv4("192.0.2", &a), -EINVAL);
	assert_int_equal(settings_ipv4("192.0.2.1 ", &a), -EINVAL);
	assert_int_equal(settings_ipv4("", &a), -EINVAL);
	assert_int_equal(settings_ipv4(NULL, &a), -EINVAL);
}

static void hosts(void **state)
{
	static const char *const good[] = { "1.0.0.0", "10.0.0.1", "126.255.255.255", "128.0.0.1",
		"223.255.255.255" };
	static const char *const bad[] = { "0.0.0.0", "0.1.2.3", "127.0.0.1", "224.0.0.1",
		"240.0.0.1", "255.255.255.255" };
	struct in_addr a;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(settings_ipv4(good[i], &a) == 0 && settings_is_host(a));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_true(settings_ipv4(bad[i], &a) == 0 && !settings_is_host(a));
}

static void networks(void **state)
{
	static const struct {
		const char *text;
		uint32_t prefix;
		unsigned int len;
	} good[] = {
		{ "10.64.0.0/24", 0x0a400000, 24 },
		{ "10.64.0.7", 0x0a400007, 32 },
		{ "10.64.0.7/32", 0x0a400007, 32 },
		{ "10.64.0.6/31", 0x0a400006, 31 },
		{ "0.0.0.0/0", 0, 0 },
		{ "128.0.0.0/1", 0x80000000, 1 },
	};
	static const char *const bad[] = { "", "/", "/24", "10.64.0.0/", "10.64.0.0/33",
		"10.64.0.0/-1", "10.64.0.0/+24", "10.64.0.0/ 24", "10.64.0.0/24 ", "10.64.0.0/24x",
		"10.64.0.1/24", "10.64.0.1/0", "10.64.0/24", "10.64.0.0/18446744073709551640",
		"10.64.0.0/4294967320", "1111.2222.3333.4444.5555/24" };
	struct in_addr prefix;
	unsigned int len;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(settings_cidr(good[i].text, &prefix, &len), 0);
		assert_int_equal(ntohl(prefix.s_addr), good[i].prefix);
		assert_int_equal(len, good[i].len);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(settings_cidr(bad[i], &prefix, &len), -EINVAL);
}

static void policies(void **state)
{
	static const struct {
		const char *text;
		enum ppp_mppe_policy policy;
		unsigned int strengths;
		bool stateless, stateful;
	} good[] = {
		{ "require-128", PPP_MPPE_REQUIRE, PPP_MPPE_128, true, true },
		{ "require", PPP_MPPE_REQUIRE, 7, true, true },
		{ "128", PPP_MPPE_REQUIRE, PPP_MPPE_128, true, true },
		{ "prefer", PPP_MPPE_PREFER, 7, true, true },
		{ "OFF", PPP_MPPE_OFF, 7, true, true },
		{ "require-128,stateful", PPP_MPPE_REQUIRE, PPP_MPPE_128, false, true },
		{ "require, 40 56 - stateless", PPP_MPPE_REQUIRE, PPP_MPPE_40 | PPP_MPPE_56, true,
			false },
		{ "require-stateless-stateful", PPP_MPPE_REQUIRE, 7, true, true },
	};
	static const char *const bad[] = { "", "-", ", ", "maybe", "require-64", "require_128",
		"require-128x", "stat" };
	struct ppp_mppe_config m;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(settings_mppe(good[i].text, &m), 0);
		assert_int_equal(m.policy, good[i].policy);
		assert_int_equal(m.strengths, good[i].strengths);
		assert_int_equal(m.allow_stateless, good[i].stateless);
		assert_int_equal(m.allow_stateful, good[i].stateful);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(settings_mppe(bad[i], &m), -EINVAL);
	assert_int_equal(settings_mppe(NULL, &m), -EINVAL);
}

static void set_puts_every_type(void **state)
{
	(void)state;
	assert_int_equal(settings_set(cfg, "name=x=y", why), 0);
	assert_string_equal(cfg_getstr(cfg, "name"), "x=y");
	assert_int_equal(settings_set(cfg, "port=17", why), 0);
	assert_int_equal(cfg_getint(cfg, "port"), 17);
	assert_int_equal(settings_set(cfg, "forward=no", why), 0);
	assert_false(cfg_getbool(cfg, "forward"));
	assert_int_equal(settings_set(cfg, "forward=true", why), 0);
	assert_true(cfg_getbool(cfg, "forward"));
	assert_int_equal(settings_set(cfg, "name=", why), 0);
	assert_string_equal(cfg_getstr(cfg, "name"), "");
}

static void set_takes_every_character_as_it_is(void **state)
{
	static const char *const values[] = { "a\"b", "a'b", "a\\b", "\\", "'", "\\'", "${HOME}",
		"#x", "{", "}", "=", "+=", " a ", "\xc3\xa4", "\xff", "/* x", "a\nb", "$(x)" };

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		assert_int_equal(settings_put(cfg, "--name", "name", values[i], why), 0);
		assert_string_equal(cfg_getstr(cfg, "name"), values[i]);
	}
}

static void a_list_is_replaced_and_added_to(void **state)
{
	(void)state;
	assert_int_equal(settings_set(cfg, "listen=192.0.2.1,192.0.2.2", why), 0);
	assert_int_equal(cfg_size(cfg, "listen"), 2);
	assert_int_equal(settings_put(cfg, "--listen", "listen", "192.0.2.3", why), 0);
	assert_int_equal(cfg_size(cfg, "listen"), 1);
	assert_int_equal(settings_add(cfg, "--listen", "listen", "192.0.2.4", why), 0);
	assert_int_equal(settings_add(cfg, "--listen", "listen", "192.0.2.5,192.0.2.6", why), 0);
	assert_int_equal(cfg_size(cfg, "listen"), 4);
	assert_string_equal(cfg_getnstr(cfg, "listen", 0), "192.0.2.3");
	assert_string_equal(cfg_getnstr(cfg, "listen", 3), "192.0.2.6");
	assert_int_equal(settings_set(cfg, "listen=", why), 0);
	assert_int_equal(cfg_size(cfg, "listen"), 0);
}

/* The sentence names the option, and has these words. */
static void refused(const char *assignment, const char *option, const char *words)
{
	why[0] = '\0';
	assert_int_equal(settings_set(cfg, assignment, why), -1);
	assert_non_null(strstr(why, option));
	if (!strstr(why, words))
		fail_msg("%s", why);
}

static void set_says_what_is_wrong(void **state)
{
	char long_value[9000];

	(void)state;
	refused("port", "--set port", "KEY=VALUE");
	refused("=1", "--set", "KEY=VALUE");
	refused("", "--set", "KEY=VALUE");
	refused("portt=1", "--set portt", "did you mean \"port\"?");
	refused("frobnicate=1", "--set frobnicate", "unknown key");
	refused("user=x", "--set user", "unknown key");
	refused("port=0", "--set port", "1 to 65535");
	refused("port=-3", "--set port", "1 to 65535");
	refused("port=65536", "--set port", "1 to 65535");
	refused("port=x", "--set port", "a whole number");
	refused("port=12x", "--set port", "a whole number");
	refused("port=99999999999999999999999", "--set port", "a smaller number");
	refused("mru=575", "--set mru", "576 to 1500");
	refused("mru=1501", "--set mru", "576 to 1500");
	refused("echo-interval=0", "--set echo-interval", "1 to 86400");
	refused("forward=perhaps", "--set forward", "true or false");
	refused("mppe=perhaps", "--set mppe", "require-128");
	refused("listen=192.0.2.1,x", "--set listen", "\"x\" is not an IPv4 address");
	refused("listen=192.0.2.1,,192.0.2.2", "--set listen", "not an IPv4 address");
	refused("pool=10.0.0.1/24", "--set pool", "host bits 0");
	refused("dev=", "--set dev", "1 to 15");
	refused("dev=sixteen-letters-", "--set dev", "1 to 15");
	refused("dev=a/b", "--set dev", "slash");
	refused("local=127.0.0.1", "--set local", "cannot be the address of a host");
	memset(long_value, 'x', sizeof(long_value));
	memcpy(long_value, "name=", 5);
	long_value[sizeof(long_value) - 1] = '\0';
	refused(long_value, "--set name", "too long");
	memset(long_value, 'k', 200);
	refused(long_value, "--set", "KEY=VALUE");
}

/* settings_file() of a file with this text; the file's name is taken out of the sentence. */
static int file(const char *text)
{
	char path[] = "/tmp/greyline-test-XXXXXX";
	int fd = mkstemp(path), rc;
	size_t n = strlen(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	why[0] = '\0';
	rc = settings_file(cfg, path, why);
	unlink(path);
	if (rc < 0) {
		assert_memory_equal(why, path, n);
		memmove(why, why + n, strlen(why + n) + 1);
	}
	return rc;
}

static void a_file_sets_keys(void **state)
{
	(void)state;
	assert_int_equal(file(""), 0);
	assert_int_equal(file("\xef\xbb\xbf# of Windows\r\nname = 'a'\r\nport = 17 // x\r\nlisten "
			      "= {\"192.0.2.1\", 192.0.2.2}\r\n"
			      "/* user \"no\" { */\r\nuser \"O\\\\bob\" {\r\n\tpassword = "
			      "'p\"\xc3\xa4${x}\\x'\r\n}\r\n"),
		0);
	assert_string_equal(cfg_getstr(cfg, "name"), "a");
	assert_int_equal(cfg_getint(cfg, "port"), 17);
	assert_int_equal(cfg_size(cfg, "listen"), 2);
	assert_string_equal(cfg_title(cfg_getnsec(cfg, "user", 0)), "O\\bob");
	assert_string_equal(
		cfg_getstr(cfg_getnsec(cfg, "user", 0), "password"), "p\"\xc3\xa4${x}\\x");
}

static void a_file_says_what_is_wrong_with_its_line(void **state)
{
	static const struct {
		const char *text, *words;
	} cases[] = {
		{ "# c\n# c\nmtu = 3\n", ":3: unknown key \"mtu\" (did you mean \"mru\"?)" },
		{ "/*\n\n*/ zzzzzzz = 3\n", ":3: unknown key" },
		{ "name = x\nport = x\n", ":2: invalid integer" },
		{ "\n\nlisten = {\"300.1.2.3\"}\n", ":3: listen: \"300.1.2.3\"" },
		{ "user \"a\" {\n passwort = x\n}\n",
			":2: unknown key \"passwort\" (did you mean \"password\"?)" },
		{ "user \"a\" {\n", ":1: the brace" },
		{ "name = \"a\n", ":1: the text" },
		{ "name 'a'\n", ":1: missing equal sign after option 'name' (write KEY = VALUE)" },
		{ "listen = 192.0.2.1, 192.0.2.2\n", ":1: unexpected token ',' (write KEY = VALUE, "
						     "or for a list KEY = {VALUE, VALUE})" },
		{ "name =\n", ":2: premature end of file (the last key has no value)" },
		{ "user { }\n", ":1: missing title for section 'user' (write SECTION \"NAME\" { "
				"KEY = VALUE })" },
		{ "user \"a\" { password = x }\nuser \"a\" { password = y }\n",
			":2: found duplicate title" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		end(NULL);
		start(NULL);
		assert_int_equal(file(cases[i].text), -1);
		assert_memory_equal(why, cases[i].words, strlen(cases[i].words));
	}
}

/* However long a value is: what it should have been is still said. */
static void a_long_value_is_cut_in_the_sentence(void **state)
{
	static const unsigned int lengths[] = { 79, 80, 81, 82, 83, 84, 160, 161, 5000, 100000 };

	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		char *text = NULL;

		end(NULL);
		start(NULL);
		assert_true(asprintf(&text, "dev = \"%0*d\"\n", (int)lengths[i], 0) > 0);
		assert_int_equal(file(text), -1);
		assert_memory_equal(why, ":1: dev: \"0000", 14);
		assert_true(strlen(why) < 200);
		assert_non_null(strstr(why, "\" cannot name"));
		assert_non_null(strstr(why, "1 to 15 characters"));
		free(text);
		assert_true(asprintf(&text, "%0*d = 1\n", (int)lengths[i], 0) > 0);
		assert_int_equal(file(text), -1);
		assert_memory_equal(why, ":1: unknown key \"0000", 21);
		assert_non_null(strstr(why, "greyline(1)"));
		free(text);
	}
}

static void servers(void **state)
{
	(void)state;
	assert_int_equal(settings_server("vpn.example.org", why), 0);
	assert_int_equal(settings_server("192.0.2.1", why), 0);
	assert_int_equal(settings_server("2001:db8::1", why), -1);
	assert_non_null(strstr(why, "over IPv4 only"));
	assert_int_equal(settings_server("vpn.example.org:1723", why), -1);
	assert_non_null(strstr(why, "always 1723"));
}

static void a_password_is_the_first_line(void **state)
{
	static const struct {
		const char *content, *password;
	} cases[] = {
		{ "wonderland\n", "wonderland" },
		{ "wonderland", "wonderland" },
		{ "wonder land \r\nnext\n", "wonder land " },
		{ "p\xc3\xa4\"\\'", "p\xc3\xa4\"\\'" },
		{ "", NULL },
		{ "\nx\n", NULL },
	};
	char path[] = "/tmp/greyline-test-XXXXXX";
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *password;

		assert_int_equal(ftruncate(fd, 0), 0);
		assert_int_equal(pwrite(fd, cases[i].content, strlen(cases[i].content), 0),
			strlen(cases[i].content));
		password = settings_password(path, why);
		if (cases[i].password)
			assert_string_equal(password, cases[i].password);
		else
			assert_true(!password && strstr(why, "empty"));
		free(password);
	}
	assert_int_equal(pwrite(fd, "a\0b\n", 4, 0), 4);
	assert_null(settings_password(path, why));
	assert_non_null(strstr(why, "zero byte"));
	for (int i = 0; i < 2000; i++)
		assert_int_equal(pwrite(fd, "x", 1, i), 1);
	assert_null(settings_password(path, why));
	assert_non_null(strstr(why, "too long"));
	close(fd);
	unlink(path);
	assert_null(settings_password(path, why));
	assert_non_null(strstr(why, path));
}

static void a_password_leaves_the_environment(void **state)
{
	static char variable[] = "GREYLINE_PASSWORD=wonderland";
	char *password;

	(void)state;
	putenv(variable);
	password = settings_password(NULL, why);
	assert_string_equal(password, "wonderland");
	free(password);
	assert_null(getenv("GREYLINE_PASSWORD"));
	assert_string_equal(variable, "GREYLINE_PASSWORD=");
	assert_null(settings_password("", why));
	assert_non_null(strstr(why, "GREYLINE_PASSWORD"));
}

static void rates(void **state)
{
	static const char *const wrong[] = { "", "k", "7999", "7k", "1001G", "10Mb", "10 M", "-1M",
		"1.5M", "0", "99999999999999999999", "10X", " 10M", "on" };
	uint64_t v = 0;

	(void)state;
	assert_int_equal(settings_rate("off", &v), 0);
	assert_int_equal(v, 0);
	assert_int_equal(settings_rate("8000", &v), 0);
	assert_int_equal(v, 8000);
	assert_int_equal(settings_rate("512k", &v), 0);
	assert_int_equal(v, 512000);
	assert_int_equal(settings_rate("10M", &v), 0);
	assert_int_equal(v, 10000000);
	assert_int_equal(settings_rate("1000G", &v), 0);
	assert_int_equal(v, UINT64_C(1000000000000));
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(settings_rate(wrong[i], &v), -EINVAL);
	assert_int_equal(settings_rate(NULL, &v), -EINVAL);
	assert_int_equal(settings_burst("auto", &v), 0);
	assert_int_equal(v, 0);
	assert_int_equal(settings_burst("3000", &v), 0);
	assert_int_equal(settings_burst("1000M", &v), 0);
	assert_int_equal(v, 1000000000);
	assert_int_equal(settings_burst("2999", &v), -EINVAL);
	assert_int_equal(settings_burst("1001M", &v), -EINVAL);
	assert_int_equal(settings_burst("2G", &v), -EINVAL);
	assert_int_equal(settings_burst("off", &v), -EINVAL);
}

static void a_change_of_limits_leaves_the_rest(void **state)
{
	struct rate_limits limits = { { 1000000, 5000 }, { 2000000, 6000 } };

	(void)state;
	settings_rate_apply(&limits, &(struct rate_change){ 0 });
	assert_int_equal(limits.up.rate, 1000000);
	settings_rate_apply(&limits, &(struct rate_change){ .has_down = true });
	assert_int_equal(limits.down.rate, 0);
	assert_int_equal(limits.down.burst, 6000);
	settings_rate_apply(&limits, &(struct rate_change){ .has_burst = true, .burst = 7000 });
	assert_int_equal(limits.up.rate, 1000000);
	assert_int_equal(limits.up.burst, 7000);
	assert_int_equal(limits.down.burst, 7000);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, end)
	const struct CMUnitTest tests[] = {
		TEST(addresses),
		TEST(hosts),
		TEST(networks),
		TEST(policies),
		TEST(rates),
		TEST(a_change_of_limits_leaves_the_rest),
		TEST(set_puts_every_type),
		TEST(set_takes_every_character_as_it_is),
		TEST(a_list_is_replaced_and_added_to),
		TEST(set_says_what_is_wrong),
		TEST(a_file_sets_keys),
		TEST(a_file_says_what_is_wrong_with_its_line),
		TEST(a_long_value_is_cut_in_the_sentence),
		TEST(servers),
		TEST(a_password_is_the_first_line),
		TEST(a_password_leaves_the_environment),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
