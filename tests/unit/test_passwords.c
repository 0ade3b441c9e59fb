/* The file of changed passwords: kept, read again, void where the configuration has another password. */
#include "server/passwords.h"

#include "session/settings.h"

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

static const struct in_addr none;
static char directory[] = "/tmp/greyline-test-XXXXXX", path[64], why[SYSTEM_WHY];
static struct accounts a;

static void configure(const char *alice)
{
	accounts_done(&a);
	assert_int_equal(accounts_put(&a, "alice", alice, NULL, none), 0);
	assert_int_equal(accounts_put(&a, "OFFICE\\bob the 2nd", "builder", NULL, none), 0);
}

static int start(void **state)
{
	(void)state;
	strcpy(directory + strlen(directory) - 6, "XXXXXX");
	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/passwords", directory);
	accounts_init(&a);
	configure("wonderland");
	return 0;
}

static int end(void **state)
{
	(void)state;
	accounts_done(&a);
	unlink(path);
	return rmdir(directory); /* nothing else is left in it */
}

static struct ppp_secret secret_of(const char *password)
{
	struct ppp_secret s;

	assert_int_equal(ppp_secret_from_password(&s, password), 0);
	return s;
}

static void change(const char *name, const char *password)
{
	struct ppp_secret next = secret_of(password);

	assert_int_equal(passwords_change(path, &a, accounts_find(&a, name), &next, why), 0);
}

static void expect(const char *name, const char *password)
{
	struct ppp_secret s = secret_of(password);

	assert_memory_equal(accounts_find(&a, name)->secret.nt_hash, s.nt_hash, 16);
}

static void write_file(const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	chmod(path, 0600);
}

static void a_changed_password_holds_from_now_on_and_after_a_start(void **state)
{
	struct stat st;

	(void)state;
	accounts_find(&a, "alice")->must_change = true;
	change("alice", "looking-glass");
	expect("alice", "looking-glass");
	assert_false(accounts_find(&a, "alice")->must_change);
	assert_null(accounts_find(&a, "alice")->secret.password);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	change("OFFICE\\bob the 2nd", "fix it");
	change("alice", "rabbit-hole"); /* twice */
	configure("wonderland");
	accounts_find(&a, "alice")->must_change = true;
	assert_int_equal(passwords_load(path, &a, why), 0);
	expect("alice", "rabbit-hole");
	expect("OFFICE\\bob the 2nd", "fix it");
	assert_false(accounts_find(&a, "alice")->must_change);
}

static void another_password_in_the_configuration_wins(void **state)
{
	(void)state;
	change("alice", "looking-glass");
	change("OFFICE\\bob the 2nd", "fix it");
	configure("given anew");
	accounts_find(&a, "alice")->must_change = true;
	assert_int_equal(passwords_load(path, &a, why), 0);
	expect("alice", "given anew");
	expect("OFFICE\\bob the 2nd", "fix it");
	assert_true(accounts_find(&a, "alice")->must_change);
	/* And is in the file no more at the next change. */
	change("OFFICE\\bob the 2nd", "again");
	configure("wonderland");
	assert_int_equal(passwords_load(path, &a, why), 0);
	expect("alice", "wonderland");
	expect("OFFICE\\bob the 2nd", "again");
}

static void mode_and_owner_stay_and_what_a_crash_left_does_not_matter(void **state)
{
	char fresh[80];
	struct stat st;
	FILE *f;

	(void)state;
	change("alice", "looking-glass");
	assert_int_equal(chmod(path, 0640), 0);
	snprintf(fresh, sizeof(fresh), "%s.new", path);
	f = fopen(fresh, "w");
	assert_non_null(f);
	fputs("half of a li", f);
	fclose(f);
	change("alice", "rabbit-hole");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(access(fresh, F_OK), -1);
}

static void what_cannot_be_kept_is_not_changed(void **state)
{
	struct ppp_secret next = secret_of("looking-glass");
	char nowhere[] = "/nonexistent/greyline/passwords";

	(void)state;
	assert_int_equal(passwords_change(nowhere, &a, accounts_find(&a, "alice"), &next, why), -1);
	assert_non_null(strstr(why, "cannot be written: No such file"));
	expect("alice", "wonderland");
	assert_int_equal(passwords_load(nowhere, &a, why), -1);
	assert_non_null(strstr(why, "not the full path of a file in a directory"));
	assert_int_equal(passwords_load("passwords", &a, why), -1);
}

static void a_malformed_file_is_refused_with_its_line(void **state)
{
#define GOOD "0123456789abcdef0123456789abcdef"
	static const char *const lines[] = { "x", GOOD, GOOD " " GOOD, GOOD " " GOOD " ",
		GOOD " " GOOD "  ", GOOD GOOD "  alice",
		"0123456789abcdef0123456789abcdeg " GOOD " alice",
		"\x10"
		"123456789abcdef0123456789abcdef " GOOD " alice",
		GOOD " 00000000000000000000000000000000 alice", " " GOOD " " GOOD " alice" };
	char text[400];

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		if (i == 4) /* a name of one blank is a name */
			continue;
		snprintf(text, sizeof(text), "# head\n\n%s\n", lines[i]);
		write_file(text);
		assert_int_equal(passwords_load(path, &a, why), -1);
		assert_non_null(strstr(why, "passwords:3: write 32 hexadecimal digits"));
	}
	write_file("");
	assert_int_equal(passwords_load(path, &a, why), 0);
	write_file("# only\n" GOOD " " GOOD " nobody");
	assert_int_equal(passwords_load(path, &a, why), 0);
	expect("alice", "wonderland");
}

/* Whoever may put a file there would own the next one, too, and read what is in it. */
static void a_directory_that_everybody_can_write_to_is_refused(void **state)
{
	static const mode_t modes[] = { 0777, 01777, 0703 };

	(void)state;
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		assert_int_equal(chmod(directory, modes[i]), 0);
		assert_int_equal(passwords_load(path, &a, why), -1);
		assert_non_null(strstr(why, "everybody can write to"));
	}
	assert_int_equal(chmod(directory, 0755), 0);
	assert_int_equal(passwords_load(path, &a, why), 0);
}

static void what_is_no_file_is_refused_without_waiting(void **state)
{
	(void)state;
	assert_int_equal(mkfifo(path, 0600), 0);
	alarm(10);
	assert_int_equal(passwords_load(path, &a, why), -1);
	alarm(0);
	assert_non_null(strstr(why, "no regular file"));
	unlink(path);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(passwords_load(path, &a, why), -1);
	assert_non_null(strstr(why, "no regular file"));
	rmdir(path);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, start, end)
	const struct CMUnitTest tests[] = {
		CASE(a_changed_password_holds_from_now_on_and_after_a_start),
		CASE(another_password_in_the_configuration_wins),
		CASE(mode_and_owner_stay_and_what_a_crash_left_does_not_matter),
		CASE(what_cannot_be_kept_is_not_changed),
		CASE(a_malformed_file_is_refused_with_its_line),
		CASE(a_directory_that_everybody_can_write_to_is_refused),
		CASE(what_is_no_file_is_refused_without_waiting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
