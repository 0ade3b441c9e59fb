/* The accounts: found by the name as sent or without its domain, replaced, wiped. */
#include "server/accounts.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct in_addr none;

/* RFC 2759 section 9.2: the hash of "clientPass". */
static const uint8_t client_pass[16] = { 0x44, 0xeb, 0xba, 0x8d, 0x53, 0x12, 0xb8, 0xd6, 0x11, 0x47,
	0x44, 0x11, 0xf5, 0x69, 0x89, 0xae };

static int start(void **state)
{
	static struct accounts a;

	accounts_init(&a);
	*state = &a;
	return 0;
}

static int end(void **state)
{
	accounts_done(*state);
	return 0;
}

static void nobody_is_found_in_no_accounts(void **state)
{
	assert_null(accounts_find(*state, "alice"));
	assert_null(accounts_find(*state, ""));
}

static void a_password_becomes_its_nt_hash(void **state)
{
	assert_int_equal(accounts_put(*state, "User", "clientPass", NULL, none), 0);
	assert_memory_equal(accounts_find(*state, "User")->secret.nt_hash, client_pass, 16);
	assert_int_equal(accounts_put(*state, "Hash", NULL, client_pass, none), 0);
	assert_memory_equal(accounts_find(*state, "Hash")->secret.nt_hash, client_pass, 16);
}

static void names_are_told_apart_as_they_are_written(void **state)
{
	assert_int_equal(accounts_put(*state, "alice", "a", NULL, none), 0);
	assert_null(accounts_find(*state, "Alice"));
	assert_null(accounts_find(*state, "alice "));
	assert_null(accounts_find(*state, ""));
}

static void the_domain_is_left_out_where_the_whole_name_is_not_known(void **state)
{
	struct accounts *a = *state;

	assert_int_equal(accounts_put(a, "alice", "a", NULL, none), 0);
	assert_int_equal(accounts_put(a, "OFFICE\\alice", "b", NULL, none), 0);
	assert_string_equal(accounts_find(a, "alice")->name, "alice");
	assert_string_equal(accounts_find(a, "HOME\\alice")->name, "alice");
	assert_string_equal(accounts_find(a, "OFFICE\\alice")->name, "OFFICE\\alice");
	assert_null(accounts_find(a, "HOME\\"));
	assert_null(accounts_find(a, "HOME\\bob"));
}

static void the_last_one_of_a_name_counts(void **state)
{
	struct accounts *a = *state;
	const struct in_addr addr = { 0x0100000a };

	assert_int_equal(accounts_put(a, "User", "first", NULL, none), 0);
	assert_int_equal(accounts_put(a, "User", "clientPass", NULL, addr), 0);
	assert_int_equal(a->count, 1);
	assert_memory_equal(accounts_find(a, "User")->secret.nt_hash, client_pass, 16);
	assert_int_equal(accounts_find(a, "User")->address.s_addr, addr.s_addr);
}

static void names_and_passwords_that_cannot_be_are_refused(void **state)
{
	struct accounts *a = *state;
	char long_name[257], long_password[258];

	memset(long_name, 'n', 256);
	long_name[256] = '\0';
	memset(long_password, 'p', 257);
	long_password[257] = '\0';
	assert_int_equal(accounts_put(a, "", "x", NULL, none), -EINVAL);
	assert_int_equal(accounts_put(a, long_name, "x", NULL, none), -EINVAL);
	assert_int_equal(accounts_put(a, "alice", "", NULL, none), -EINVAL);
	assert_int_equal(accounts_put(a, "alice", "\xff", NULL, none), -EINVAL);
	assert_int_equal(accounts_put(a, "alice", "\xc0\x80", NULL, none), -EINVAL);
	assert_int_equal(accounts_put(a, "alice", long_password, NULL, none), -EINVAL);
	assert_int_equal(a->count, 0);
	long_name[255] = long_password[256] = '\0';
	assert_int_equal(accounts_put(a, long_name, long_password, NULL, none), 0);
	assert_non_null(accounts_find(a, long_name));
}

static void ten_thousand_are_all_found(void **state)
{
	struct accounts *a = *state;
	char name[16];

	for (unsigned int i = 0; i < 10000; i++) {
		snprintf(name, sizeof(name), "user%u", i);
		assert_int_equal(
			accounts_put(a, name, NULL, client_pass, (struct in_addr){ i }), 0);
	}
	assert_int_equal(a->count, 10000);
	for (unsigned int i = 0; i < 10000; i++) {
		snprintf(name, sizeof(name), "user%u", i);
		assert_int_equal(accounts_find(a, name)->address.s_addr, i);
	}
	assert_null(accounts_find(a, "user10000"));
}

/* ---- certificates ---- */

static struct account *certified(
	struct accounts *a, const char *told, const char *first, const char *second)
{
	const struct tls_identity id = { .count = second ? 2 : 1, .names = { first, second } };

	return accounts_find_certificate(a, &id, told);
}

/* `in` NULL: its own name. */
static struct account *put_certified(struct accounts *a, const char *name, const char *in)
{
	assert_int_equal(accounts_put(a, name, "x", NULL, none), 0);
	assert_int_equal(accounts_certificate(accounts_find(a, name), in, in != NULL), 0);
	return accounts_find(a, name);
}

static void a_certificate_opens_the_account_that_is_in_it(void **state)
{
	struct accounts *a = *state;
	struct account *anna = put_certified(a, "anna", NULL);
	struct account *bob = put_certified(a, "bob", "bob@example.org");

	assert_ptr_equal(certified(a, "", "anna", NULL), anna);
	assert_ptr_equal(certified(a, "", "nobody", "anna"), anna);
	assert_ptr_equal(certified(a, "", "bob@example.org", NULL), bob);
	assert_null(certified(a, "", "nobody", NULL));
	assert_null(certified(a, "", "Anna", NULL));
	/* Not by the account's name, when it says what is in the certificate. */
	assert_null(certified(a, "bob", "bob", NULL));
	/* The domain is part of a name here. */
	assert_null(certified(a, "", "EVIL\\anna", NULL));
	assert_null(certified(a, "anna", "EVIL\\anna", NULL));
	assert_null(certified(a, "", "anna@example.org", NULL));
}

static void what_a_client_calls_itself_gives_it_nobody_elses(void **state)
{
	struct accounts *a = *state;
	struct account *anna = put_certified(a, "anna", NULL);
	struct account *bob = put_certified(a, "bob", "bob@example.org");

	assert_ptr_equal(certified(a, "bob", "anna", NULL), anna);
	assert_ptr_equal(certified(a, "anna", "bob@example.org", NULL), bob);
	assert_ptr_equal(certified(a, "nobody", "anna", NULL), anna);
	/* One that is both may choose. */
	assert_ptr_equal(certified(a, "bob", "anna", "bob@example.org"), bob);
	assert_ptr_equal(certified(a, "anna", "anna", "bob@example.org"), anna);
	assert_ptr_equal(certified(a, "else", "bob@example.org", "anna"), bob);
}

static void a_new_password_ends_being_for_certificates_only(void **state)
{
	struct accounts *a = *state;
	struct account *bob = put_certified(a, "bob", "bob@example.org");

	assert_true(bob->certificate_only);
	assert_int_equal(accounts_put(a, "bob", "y", NULL, none), 0);
	assert_false(bob->certificate_only);
	assert_ptr_equal(certified(a, "", "bob@example.org", NULL), bob);
	assert_int_equal(accounts_certificate(bob, "other", false), 0);
	assert_null(certified(a, "", "bob@example.org", NULL));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, end)
	const struct CMUnitTest tests[] = {
		TEST(nobody_is_found_in_no_accounts),
		TEST(a_password_becomes_its_nt_hash),
		TEST(names_are_told_apart_as_they_are_written),
		TEST(the_domain_is_left_out_where_the_whole_name_is_not_known),
		TEST(the_last_one_of_a_name_counts),
		TEST(names_and_passwords_that_cannot_be_are_refused),
		TEST(ten_thousand_are_all_found),
		TEST(a_certificate_opens_the_account_that_is_in_it),
		TEST(what_a_client_calls_itself_gives_it_nobody_elses),
		TEST(a_new_password_ends_being_for_certificates_only),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
