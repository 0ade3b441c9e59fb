/* The server's configuration as a whole: arguments and a file in, a struct or one sentence out. */
#include "server/config.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define ARGUMENTS_MAX 24

static struct server_config config;
static char said[4096]; /* on standard error or output */
static char arguments[ARGUMENTS_MAX][256];
static char path[] = "/tmp/greyline-test.conf-XXXXXX";

/* server_config_parse() with these arguments, up to NULL. */
static int parse(const char *first, ...)
{
	char *argv[ARGUMENTS_MAX + 1] = { arguments[0] };
	int argc = 1, saved[2] = { dup(1), dup(2) }, rc;
	FILE *f = tmpfile();
	va_list ap;
	size_t n;

	strcpy(arguments[0], "greyline server");
	va_start(ap, first);
	for (const char *a = first; a; a = va_arg(ap, const char *)) {
		assert_in_range(argc, 1, ARGUMENTS_MAX - 1);
		snprintf(arguments[argc], sizeof(arguments[argc]), "%s", a);
		argv[argc] = arguments[argc];
		argc++;
	}
	va_end(ap);
	fflush(stdout);
	dup2(fileno(f), 1);
	dup2(fileno(f), 2);
	rc = server_config_parse(&config, argc, argv);
	fflush(stdout);
	for (int i = 0; i < 2; i++) {
		dup2(saved[i], i + 1);
		close(saved[i]);
	}
	rewind(f);
	n = fread(said, 1, sizeof(said) - 1, f);
	said[n] = '\0';
	fclose(f);
	return rc;
}

/* A file with this text, for -c. */
static const char *file(const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	return path;
}

static int start(void **state)
{
	int fd;

	(void)state;
	strcpy(path + strlen(path) - 6, "XXXXXX");
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

static struct in_addr ip(const char *text)
{
	struct in_addr addr;

	assert_int_equal(inet_pton(AF_INET, text, &addr), 1);
	return addr;
}

static const struct account *user(const char *name)
{
	const struct account *a = accounts_find(&config.accounts, name);

	assert_non_null(a);
	return a;
}

static bool has_password(const char *name, const char *password)
{
	uint8_t hash[16];

	assert_int_equal(mschap_nt_hash(password, hash), 0);
	return !memcmp(user(name)->secret.nt_hash, hash, 16);
}

static void nothing_but_defaults(void **state)
{
	(void)state;
	assert_int_equal(parse(NULL), 0);
	assert_string_equal(said, "");
	assert_int_equal(config.listen_count, 1);
	assert_int_equal(config.listen[0].sin_addr.s_addr, INADDR_ANY);
	assert_int_equal(ntohs(config.listen[0].sin_port), 1723);
	assert_int_equal(config.local.s_addr, ip("10.64.0.1").s_addr);
	assert_int_equal(config.pool.size - config.pool.reserved, 253);
	assert_string_equal(config.dev, "grey%d");
	assert_int_equal(config.mtu, 1396); /* less MPPE */
	assert_true(config.forward && !config.masquerade && config.check_source);
	assert_int_equal(config.session.link.mppe.policy, PPP_MPPE_REQUIRE);
	assert_int_equal(config.session.link.mppe.strengths, PPP_MPPE_128);
	assert_int_equal(config.session.link.role, PPP_SERVER);
	assert_true(config.control.idle_timeout > 0 && config.session.link.setup_timeout > 0);
	assert_int_equal(config.accounts.count, 0);
}

static void a_whole_file(void **state)
{
	struct in_addr addr;

	(void)state;
	assert_int_equal(
		parse("-c",
			file("listen = {192.0.2.1, 192.0.2.2}\nport = 1724\ndev = vpn0\npool = "
			     "{10.1.0.0/31, 10.2.0.0/30}\n"
			     "local = 10.9.9.9\ndns = {192.0.2.53}\nwins = {192.0.2.54, "
			     "192.0.2.55}\nmppe = 'prefer-stateful'\n"
			     "name = gate\nmru = 1300\nwindow = 8\nforward = false\nmasquerade = "
			     "true\n"
			     "check-source = false\nmax-sessions = 5\nmax-connections = 6\n"
			     "max-connections-per-address = 7\ncontrol = '/tmp/x'\necho-interval = "
			     "9\n"
			     "user alice { password = wonderland address = 10.2.0.2 }\n"
			     "user \"OFFICE\\\\bob\" { nt-hash = 44EBBA8d5312B8D611474411F56989AE "
			     "}\n"),
			NULL),
		0);
	assert_int_equal(config.listen_count, 2);
	assert_int_equal(ntohs(config.listen[1].sin_port), 1724);
	assert_string_equal(config.dev, "vpn0");
	assert_int_equal(config.pool.size, 4);
	assert_int_equal(config.local.s_addr, ip("10.9.9.9").s_addr);
	assert_int_equal(config.dns[0], ip("192.0.2.53").s_addr);
	assert_int_equal(config.wins[1], ip("192.0.2.55").s_addr);
	assert_int_equal(config.session.link.mppe.policy, PPP_MPPE_PREFER);
	assert_false(config.session.link.mppe.allow_stateless);
	assert_string_equal(config.control.host_name, "gate");
	assert_string_equal(config.session.link.name, "gate");
	assert_int_equal(config.session.link.mru, 1300);
	assert_int_equal(config.session.window, 8);
	assert_true(!config.forward && config.masquerade && !config.check_source);
	assert_int_equal(config.limits.sessions.all, 5);
	assert_int_equal(config.limits.connections.all, 6);
	assert_int_equal(config.limits.connections.per_address, 7);
	assert_string_equal(config.control_path, "/tmp/x");
	assert_true(has_password("alice", "wonderland"));
	assert_int_equal(user("alice")->address.s_addr, ip("10.2.0.2").s_addr);
	assert_true(has_password("OFFICE\\bob", "clientPass"));
	/* The fixed address is not handed out. */
	for (int i = 0; i < 3; i++) {
		assert_true(address_pool_take(&config.pool, &addr));
		assert_int_not_equal(addr.s_addr, ip("10.2.0.2").s_addr);
	}
	assert_false(address_pool_take(&config.pool, &addr));
}

static void options_override_the_file(void **state)
{
	(void)state;
	assert_int_equal(
		parse("--pool", "10.5.0.0/24", "--set", "mru=1200", "--user", "alice:option", "-c",
			file("pool = {10.6.0.0/24}\nmru = 1000\nlisten = {192.0.2.1}\n"
			     "user alice { password = file address = 10.5.0.77 }\nuser bob { "
			     "password = file }\n"),
			"--pool", "10.7.0.0/24", "--listen", "192.0.2.7", "--listen", "192.0.2.8",
			"--user", "carol:a:b", NULL),
		0);
	assert_int_equal(cfg_size(config.cfg, "pool"), 2);
	assert_string_equal(cfg_getnstr(config.cfg, "pool", 0), "10.5.0.0/24");
	assert_int_equal(config.listen_count, 2);
	assert_int_equal(config.listen[0].sin_addr.s_addr, ip("192.0.2.7").s_addr);
	assert_int_equal(config.mtu, 1196);
	assert_true(has_password("alice", "option"));
	assert_int_equal(user("alice")->address.s_addr, ip("10.5.0.77").s_addr);
	assert_true(has_password("bob", "file"));
	assert_true(has_password("carol", "a:b"));
}

static void passwords_do_not_stay(void **state)
{
	(void)state;
	assert_int_equal(
		parse("--user", "alice:wonderland", "--user=dora:wonderland", "-c",
			file("user bob { password = wonderland }\n"
			     "user carol { nt-hash = 44ebba8d5312b8d611474411f56989ae }\n"),
			NULL),
		0);
	assert_string_equal(arguments[2], "alice");
	assert_string_equal(arguments[2] + 6, "");
	assert_string_equal(arguments[3], "--user=dora");
	assert_string_equal(arguments[3] + 12, "");
	assert_int_equal(cfg_size(config.cfg, "user"), 0); /* libConfuse has nothing any more */
	assert_true(has_password("bob", "wonderland"));
	assert_true(has_password("dora", "wonderland"));
	assert_true(has_password("carol", "clientPass"));
}

static void help_is_no_error(void **state)
{
	(void)state;
	assert_int_equal(parse("--nonsense", "--help", NULL), 1);
	assert_non_null(strstr(said, "usage: greyline server"));
}

static void who_has_a_certificate_needs_no_password(void **state)
{
	const struct account *a;

	(void)state;
	assert_int_equal(parse("-c",
				 file("user anna { certificate = anna }\n"
				      "user bob { password = x certificate = 'b@c' }\n"),
				 NULL),
		0);
	a = accounts_find(&config.accounts, "anna");
	assert_true(a && a->certificate_only);
	assert_string_equal(a->certificate, "anna");
	a = accounts_find(&config.accounts, "bob");
	assert_true(a && !a->certificate_only);
	/* Nothing of TLS: nothing of EAP-TLS. */
	assert_null(config.session.link.tls);
	assert_false(ppp_auth_allows(&config.session.link.auth, PPP_AUTH_EAP_TLS));
}

/* Refused in one line with these words. */
#define REFUSED(words, ...)                                                                        \
	do {                                                                                       \
		assert_int_equal(parse(__VA_ARGS__, NULL), -1);                                    \
		if (!strstr(said, words))                                                          \
			fail_msg("said: %s", said);                                                \
		assert_true(strchr(said, '\n') == said + strlen(said) - 1);                        \
		server_config_done(&config);                                                       \
	} while (0)

static void pools_that_cannot_be(void **state)
{
	(void)state;
	REFUSED("overlaps", "--pool", "10.0.0.0/24", "--pool", "10.0.0.128/25");
	REFUSED("too large", "--pool", "10.0.0.0/11");
	REFUSED("no addresses for hosts", "--pool", "0.0.0.0/0");
	REFUSED("no addresses for hosts", "--pool", "224.0.0.0/24");
	REFUSED("no addresses for hosts", "--pool", "127.0.0.0/24");
	REFUSED("no address is left", "--pool", "10.0.0.7");
	REFUSED("no address is left", "--pool", "10.0.0.7", "--local", "10.0.0.7");
	REFUSED("give at least one range", "--set", "pool=");
	REFUSED("no address is left", "--set", "pool=", "--local", "10.0.0.1");
	REFUSED("cannot be the address of a host", "--local", "0.0.0.0");
	assert_int_equal(parse(NULL), 0);
}

static void certificates_that_cannot_be(void **state)
{
	(void)state;
	REFUSED("auth: eap-tls needs a certificate, its key and a CA", "--set", "auth=eap-tls");
	REFUSED("certificate, key: one does not work without the other", "--set", "tls|key=/x");
	REFUSED("ca: cannot read /nonexistent", "--set", "tls|ca=/nonexistent");
	REFUSED("crl: it belongs to a CA", "--set", "tls|crl=/nonexistent");
	REFUSED("write 1.0, 1.1, 1.2 or 1.3", "--set", "tls|min-version=3");
	REFUSED("neither 1.2 nor 1.3", "--set", "tls|max-version=1.1");
	REFUSED("no version is left", "--set", "tls|max-version=1.2", "--set",
		"tls|min-version=1.3", "--set", "tls|ca=/x");
	REFUSED("unknown key", "--set", "tls|certificat=/x");
	REFUSED("unknown key", "--set", "user|password=x");
	REFUSED("unknown key", "--set", "tls=x");
	REFUSED("unknown key", "-c", file("tls { server-name = x }"));
	assert_int_equal(parse(NULL), 0);
}

static void small_pools_that_can_be(void **state)
{
	struct in_addr addr;

	(void)state;
	assert_int_equal(parse("--pool", "10.0.0.6/31", NULL), 0);
	assert_true(address_pool_take(&config.pool, &addr));
	assert_int_equal(addr.s_addr, ip("10.0.0.7").s_addr);
	assert_false(address_pool_take(&config.pool, &addr));
	server_config_done(&config);
	assert_int_equal(parse("--pool", "10.0.0.6/32", "--local", "192.0.2.1", NULL), 0);
	assert_true(address_pool_take(&config.pool, &addr));
	server_config_done(&config);
	/* Only fixed addresses. */
	assert_int_equal(parse("--set", "pool=", "--local", "10.0.0.1", "-c",
				 file("user a { password = x address = 10.0.0.2 }"), NULL),
		0);
}

static void users_that_cannot_be(void **state)
{
	(void)state;
	REFUSED("NAME:PASSWORD", "--user", "alice");
	REFUSED("NAME:PASSWORD", "--user", ":x");
	REFUSED("NAME:PASSWORD", "--user", "alice:");
	REFUSED("not UTF-8", "--user", "alice:\xff");
	REFUSED(":2: user \"a\": give either password or nt-hash", "-c", file("\nuser a { }\n"));
	REFUSED("give either", "-c",
		file("user a { password = x nt-hash = 44ebba8d5312b8d611474411f56989ae }"));
	REFUSED("32 hexadecimal digits", "-c",
		file("user a { nt-hash = 44ebba8d5312b8d611474411f56989a }"));
	REFUSED("32 hexadecimal digits", "-c",
		file("user a { nt-hash = 44ebba8d5312b8d611474411f56989ag }"));
	REFUSED("32 hexadecimal digits", "-c",
		file("user a { nt-hash = ' 4ebba8d5312b8d611474411f56989ae' }"));
	REFUSED("not all 0", "-c", file("user a { nt-hash = 00000000000000000000000000000000 }"));
	REFUSED(":1: user \"a\": the name must have", "-c", file("user a { password = '' }"));
	REFUSED("give the name that is in it", "-c", file("user a { certificate = '' }"));
	REFUSED("1 to 255 octets", "-c", file("user '' { password = x }"));
	REFUSED(":2: user \"a\": there is such a user already", "-c",
		file("user a { password = x }\nuser a { password = y }\n"));
	REFUSED("10.64.0.9 is given to two users", "-c",
		file("user a { password = x address = 10.64.0.9 }\nuser b { password = y address = "
		     "10.64.0.9 }\n"));
	REFUSED("10.64.0.1 is given to two users, or to a user and to this end", "-c",
		file("user a { password = x address = 10.64.0.1 }\n"));
	REFUSED("cannot be the address of a host", "-c",
		file("user a { password = x address = 224.0.0.1 }\n"));
	assert_int_equal(parse(NULL), 0);
}

static void networks_that_cannot_be(void **state)
{
	(void)state;
	REFUSED("networks: 10.64.0.0/24 is part of the pool", "-c",
		file("user a { password = x networks = 10.64.0.0/24 }"));
	REFUSED("networks: 10.64.0.128/25 is part of the pool", "-c",
		file("user a { password = x networks = {10.9.0.0/16, 10.64.0.128/25} }"));
	REFUSED("networks: 10.64.0.9/32 is part of the pool", "-c",
		file("user a { password = x networks = 10.64.0.9 }"));
	REFUSED("networks: 10.9.0.5/32 is the fixed address of a user", "-c",
		file("user a { password = x address = 10.9.0.5 networks = 10.9.0.5/32 }"));
	REFUSED("networks: 127.0.0.0/8 is no network of hosts", "-c",
		file("user a { password = x networks = 127.0.0.0/8 }"));
	REFUSED("networks: 224.0.0.0/4 is no network of hosts", "-c",
		file("user a { password = x networks = 224.0.0.0/4 }"));
	REFUSED("networks: 0.0.0.0/0 is no network of hosts", "-c",
		file("user a { password = x networks = 0.0.0.0/0 }"));
	REFUSED("networks: 10.9.0.0/16 is given to two users, or twice", "-c",
		file("user a { password = x networks = {10.9.0.0/16, 10.9.0.0/16} }"));
	/* Around the pool, beside it, and around each other: the longest prefix counts. */
	assert_int_equal(
		parse("-c",
			file("user a { password = x networks = {10.0.0.0/8, 10.64.0.0/16} }\n"
			     "user b { password = x networks = {10.64.1.0/24} }\n"),
			NULL),
		0);
}

static void other_things_that_cannot_be(void **state)
{
	(void)state;
	REFUSED("is not an option", "server");
	REFUSED("given twice", "--listen", "192.0.2.1", "--listen", "192.0.2.1");
	REFUSED("stand alone", "--listen", "192.0.2.1", "--listen", "0.0.0.0");
	REFUSED("1 to 16 addresses", "--set", "listen=");
	REFUSED("at most two", "--set", "dns=192.0.2.1,192.0.2.2,192.0.2.3");
	REFUSED("1 to 63 octets", "--set", "name=");
	REFUSED("out of range (1 to 100)", "--set", "echo-failures=101");
	REFUSED("out of range (1 to 1000000)", "--set", "max-sessions=0");
	REFUSED("text, json", "--log-format", "xml");
	REFUSED("error, warning, info, debug", "--set", "log-level=loud");
	REFUSED("/nowhere", "-c", "/nowhere");
	assert_int_equal(parse(NULL), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, end)
	const struct CMUnitTest tests[] = {
		TEST(nothing_but_defaults),
		TEST(a_whole_file),
		TEST(options_override_the_file),
		TEST(passwords_do_not_stay),
		TEST(help_is_no_error),
		TEST(who_has_a_certificate_needs_no_password),
		TEST(certificates_that_cannot_be),
		TEST(pools_that_cannot_be),
		TEST(small_pools_that_can_be),
		TEST(users_that_cannot_be),
		TEST(networks_that_cannot_be),
		TEST(other_things_that_cannot_be),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
