/*
 * Passwords changed at logon, second passwords, and proofs repeated during the session: whole links,
 * with MS-CHAPv2 alone and in EAP, over a bad path, too.
 */
#include "tests/unit/link_pair.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct pair p;

static const struct ppp_auth_list v1 = { 1, { PPP_AUTH_MSCHAP } }, v2 = { 1, { PPP_AUTH_MSCHAP2 } },
				  eap = { 1, { PPP_AUTH_EAP_MSCHAP2 } },
				  md5 = { 1, { PPP_AUTH_MD5 } },
				  eap_md5 = { 1, { PPP_AUTH_EAP_MD5 } };
static const struct ppp_auth_list *const both[] = { &v2, &eap };

#define EACH(list) for (size_t n_ = 0; n_ < sizeof(list) / sizeof((list)[0]); n_++)

static void prepare(const struct ppp_auth_list *methods, uint64_t seed)
{
	pair_init(&p, seed);
	p.end[SERVER].config.auth = p.end[CLIENT].config.auth = *methods;
}

static void run(uint64_t time)
{
	pair_run(&p, time, true);
	assert_false(p.broken);
}

static void expect_up(void)
{
	assert_true(p.end[SERVER].up && p.end[CLIENT].up);
	assert_memory_equal(p.end[SERVER].tx_key, p.end[CLIENT].rx_key, 16);
	assert_memory_equal(p.end[SERVER].rx_key, p.end[CLIENT].tx_key, 16);
}

static void an_expired_password_is_changed_and_the_keys_are_the_new_ones(void **state)
{
	struct ppp_secret expected;

	(void)state;
	assert_int_equal(ppp_secret_from_password(&expected, "looking-glass"), 0);
	EACH(both)
	{
		prepare(both[n_], 1);
		p.expired = true;
		p.end[CLIENT].config.name = "OFFICE\\alice"; /* the domain is not hashed */
		p.end[CLIENT].config.new_password = "looking-glass";
		pair_open(&p);
		run(100 * SECOND);
		expect_up();
		assert_int_equal(p.changed, 1);
		assert_int_equal(p.judged, 2);
		assert_memory_equal(p.renewed.nt_hash, expected.nt_hash, 16);
		assert_int_equal(p.end[CLIENT].renewals, 1);
		assert_int_equal(p.end[CLIENT].changes, 1);
		pair_done(&p);
	}
}

static void without_a_new_password_an_expired_one_ends_it(void **state)
{
	(void)state;
	EACH(both)
	{
		prepare(both[n_], 1);
		p.expired = true;
		pair_open(&p);
		run(100 * SECOND);
		assert_int_equal(p.end[CLIENT].reason, PPTP_AUTH_RESTRICTED);
		assert_non_null(strstr(p.end[CLIENT].detail, "the password has expired"));
		assert_int_equal(p.end[SERVER].ups + p.changed, 0);
		pair_done(&p);
	}
}

/* It has been changed before, and the old one is still in the client's file. */
static void the_new_password_is_tried_where_the_old_one_is_refused(void **state)
{
	(void)state;
	EACH(both)
	{
		prepare(both[n_], 1);
		p.password = "looking-glass";
		p.end[SERVER].allow_retry = true;
		p.end[CLIENT].config.new_password = "looking-glass";
		pair_open(&p);
		run(100 * SECOND);
		expect_up();
		assert_int_equal(p.judged, 2);
		assert_int_equal(p.end[CLIENT].renewals, 1);
		assert_int_equal(p.end[CLIENT].changes, 0);
		pair_done(&p);
	}
}

static void nothing_is_tried_a_third_time_or_without_being_asked_to(void **state)
{
	(void)state;
	EACH(both)
	{
		for (unsigned int i = 0; i < 3; i++) {
			prepare(both[n_], 1);
			p.password = "another";
			p.end[SERVER].allow_retry = i != 1;
			if (i != 2)
				p.end[CLIENT].config.new_password = "looking-glass";
			pair_open(&p);
			run(100 * SECOND);
			assert_int_equal(p.end[CLIENT].reason, PPTP_AUTH_FAILED);
			assert_int_equal(p.judged, i ? 1 : 2);
			assert_int_equal(p.end[CLIENT].renewals, 0);
			pair_done(&p);
		}
	}
}

/* Not by MS-CHAP: its Change-Password packets would show the new one to who knows the LM hash. */
static void mschap_has_no_change(void **state)
{
	(void)state;
	prepare(&v1, 1);
	p.expired = true;
	p.end[CLIENT].config.new_password = "looking-glass";
	pair_open(&p);
	run(100 * SECOND);
	assert_int_equal(p.end[CLIENT].reason, PPTP_AUTH_RESTRICTED);
	assert_int_equal(p.changed, 0);
	pair_done(&p);
}

static void changes_survive_loss_duplicates_and_late_verdicts(void **state)
{
	(void)state;
	EACH(both)
	{
		for (uint64_t seed = 1; seed <= 150; seed++) {
			prepare(both[n_], seed);
			p.expired = true;
			p.loss = (unsigned int)(seed % 3 * 8);
			p.dup = (unsigned int)(seed % 4 * 10);
			p.jitter = seed % 5 * 100 * MS;
			p.judge_delay = seed % 2 * 500 * MS;
			p.end[CLIENT].config.new_password = "looking-glass";
			pair_open(&p);
			pair_run(&p, 200 * SECOND, true);
			assert_false(p.broken);
			/* At most once; what the client believes is so. */
			assert_true(p.changed <= 1 && p.end[CLIENT].changes <= p.changed);
			if (p.end[SERVER].up && p.end[CLIENT].up) {
				expect_up();
				assert_int_equal(p.changed, 1);
			} else {
				/* A Failure is sent once: who does not get it starts anew. */
				assert_true(p.loss);
			}
			pair_done(&p);
		}
	}
}

/* ---- proofs repeated ---- */

static void proofs_are_repeated_and_change_nothing_else(void **state)
{
	static const struct ppp_auth_list *const all[] = { &v1, &v2, &eap, &md5, &eap_md5 };
	uint8_t key[16];

	(void)state;
	EACH(all)
	{
		prepare(all[n_], 1);
		if (all[n_] == &md5 || all[n_] == &eap_md5)
			p.end[SERVER].config.mppe.policy = p.end[CLIENT].config.mppe.policy =
				PPP_MPPE_OFF;
		p.end[SERVER].config.reauthenticate = 60 * SECOND;
		pair_open(&p);
		run(100 * SECOND);
		expect_up();
		memcpy(key, p.end[SERVER].tx_key, 16);
		pair_run(&p, 601 * SECOND, false);
		assert_false(p.broken);
		assert_int_equal(p.judged, 11);
		expect_up();
		assert_memory_equal(p.end[SERVER].tx_key, key, 16);
		for (int i = 0; i < 2; i++) {
			assert_int_equal(p.end[i].ups, 1);
			assert_int_equal(p.end[i].downs, 0);
			assert_true(p.end[i].rx_switches <= 1);
		}
		pair_done(&p);
	}
}

static void a_password_that_has_changed_meanwhile_ends_it(void **state)
{
	static const struct ppp_auth_list *const all[] = { &v1, &v2, &eap };

	(void)state;
	EACH(all)
	{
		prepare(all[n_], 1);
		p.end[SERVER].config.reauthenticate = 60 * SECOND;
		p.end[SERVER].allow_retry = true;
		pair_open(&p);
		run(100 * SECOND);
		expect_up();
		p.password = "another";
		pair_run(&p, 100 * SECOND, false);
		assert_false(p.broken);
		assert_int_equal(p.judged, 2);
		for (int i = 0; i < 2; i++) {
			assert_true(p.end[i].over);
			assert_int_equal(p.end[i].reason, PPTP_AUTH_FAILED);
		}
		pair_done(&p);
	}
}

static bool no_authentication(
	struct pair *pair, int from, uint16_t protocol, uint8_t *data, size_t *len)
{
	(void)data;
	(void)len;
	return !(from == CLIENT && pair->end[CLIENT].up &&
		 (protocol == PPP_CHAP || protocol == PPP_EAP));
}

static void silence_ends_it_after_thirty_seconds(void **state)
{
	(void)state;
	EACH(both)
	{
		prepare(both[n_], 1);
		p.end[SERVER].config.reauthenticate = 60 * SECOND;
		pair_open(&p);
		run(100 * SECOND);
		p.filter = no_authentication;
		pair_run(&p, 100 * SECOND, false);
		assert_false(p.broken);
		assert_int_equal(p.end[SERVER].reason, PPTP_AUTH_TIMEOUT);
		assert_in_range(
			p.end[SERVER].over_at - p.end[SERVER].up_at, 89 * SECOND, 92 * SECOND);
		pair_done(&p);
	}
}

/* "alice" in the Response (at its end) becomes "alicf", with the right Response for that name or not. */
static bool other_name(struct pair *pair, int from, uint16_t protocol, uint8_t *data, size_t *len)
{
	if (from == CLIENT && pair->end[CLIENT].up &&
		(protocol == PPP_CHAP || protocol == PPP_EAP) && *len > 40 && data[*len - 1] == 'e')
		data[*len - 1] = 'f';
	return true;
}

static void another_name_ends_it_unjudged(void **state)
{
	(void)state;
	EACH(both)
	{
		prepare(both[n_], 1);
		p.end[SERVER].config.reauthenticate = 60 * SECOND;
		pair_open(&p);
		run(100 * SECOND);
		p.filter = other_name;
		pair_run(&p, 100 * SECOND, false);
		assert_false(p.broken);
		assert_int_equal(p.end[SERVER].reason, PPTP_AUTH_FAILED);
		assert_string_equal(p.end[SERVER].detail,
			"the client gave another name when it was asked again");
		assert_int_equal(p.judged, 1);
		pair_done(&p);
	}
}

static void pap_is_not_repeated(void **state)
{
	static const struct ppp_auth_list pap = { 1, { PPP_AUTH_PAP } };

	(void)state;
	prepare(&pap, 1);
	p.end[SERVER].config.mppe.policy = p.end[CLIENT].config.mppe.policy = PPP_MPPE_OFF;
	p.end[SERVER].config.reauthenticate = 60 * SECOND;
	pair_open(&p);
	pair_run(&p, 600 * SECOND, false);
	assert_false(p.broken);
	expect_up();
	assert_int_equal(p.judged, 1);
	pair_done(&p);
}

/*
 * Just before a proof is due, IPCP is negotiated anew, and takes a second: that puts the proof off, but
 * not to the next one.
 */
static void a_proof_is_not_evaded_by_a_pause(void **state)
{
	static const uint8_t request[] = { 1, 0x77, 0, 10, 3, 6, 10, 98, 0, 100 };
	uint64_t up_at;

	(void)state;
	EACH(both)
	{
		prepare(both[n_], 1);
		p.end[SERVER].config.reauthenticate = 60 * SECOND;
		pair_open(&p);
		run(100 * SECOND);
		up_at = p.now;
		pair_run(&p, 59 * SECOND, false);
		assert_int_equal(p.judged, 1);
		p.delay = 500 * MS;
		ppp_link_receive(p.end[SERVER].link, PPP_IPCP, request, sizeof(request), p.now);
		pair_run(&p, 20 * SECOND, false);
		assert_false(p.broken);
		assert_int_equal(p.end[SERVER].downs, 1);
		assert_in_range(p.end[SERVER].up_at, up_at + 60 * SECOND, up_at + 70 * SECOND);
		assert_int_equal(p.judged, 2);
		assert_false(p.end[SERVER].over);
		pair_done(&p);
	}
}

/* The client proves the new one, also when LCP was negotiated again. */
static void later_proofs_are_those_of_the_new_password(void **state)
{
	(void)state;
	EACH(both)
	{
		prepare(both[n_], 1);
		p.expired = true;
		p.end[CLIENT].config.new_password = "looking-glass";
		p.end[SERVER].config.reauthenticate = 60 * SECOND;
		pair_open(&p);
		pair_run(&p, 200 * SECOND, false);
		assert_false(p.broken);
		expect_up();
		assert_int_equal(p.judged, 2 + 3);
		assert_int_equal(p.end[CLIENT].renewals, 1);
		pair_done(&p);
	}
}

static void proofs_survive_a_bad_path(void **state)
{
	(void)state;
	EACH(both)
	{
		for (uint64_t seed = 1; seed <= 40; seed++) {
			prepare(both[n_], seed);
			p.end[SERVER].config.reauthenticate = 20 * SECOND;
			pair_open(&p);
			run(100 * SECOND);
			expect_up();
			p.loss = 15;
			p.dup = 10;
			p.jitter = 200 * MS;
			p.judge_delay = 700 * MS;
			pair_run(&p, 300 * SECOND, false);
			assert_false(p.broken);
			expect_up();
			assert_true(p.judged > 8);
			pair_done(&p);
		}
	}
}

/* The first Success, for the first five seconds. */
static bool no_success(struct pair *pair, int from, uint16_t protocol, uint8_t *data, size_t *len)
{
	bool success = protocol == PPP_CHAP ? data[0] == 3
					    : protocol == PPP_EAP && *len > 5 && data[5] == 3;

	return !(from == SERVER && success && pair->now < pair->end[SERVER].start + 5 * SECOND);
}

/* It would take its keys from the second exchange, the server has them from the first. */
static void no_second_proof_before_the_first_success_has_arrived(void **state)
{
	(void)state;
	EACH(both)
	{
		prepare(both[n_], 1);
		p.end[SERVER].config.reauthenticate = SECOND;
		p.filter = no_success;
		pair_open(&p);
		run(100 * SECOND);
		expect_up();
		assert_true(p.end[CLIENT].up_at > p.end[CLIENT].start + 5 * SECOND);
		assert_int_equal(p.judged, 1);
		pair_done(&p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_expired_password_is_changed_and_the_keys_are_the_new_ones),
		cmocka_unit_test(without_a_new_password_an_expired_one_ends_it),
		cmocka_unit_test(the_new_password_is_tried_where_the_old_one_is_refused),
		cmocka_unit_test(nothing_is_tried_a_third_time_or_without_being_asked_to),
		cmocka_unit_test(mschap_has_no_change),
		cmocka_unit_test(changes_survive_loss_duplicates_and_late_verdicts),
		cmocka_unit_test(proofs_are_repeated_and_change_nothing_else),
		cmocka_unit_test(a_password_that_has_changed_meanwhile_ends_it),
		cmocka_unit_test(silence_ends_it_after_thirty_seconds),
		cmocka_unit_test(another_name_ends_it_unjudged),
		cmocka_unit_test(pap_is_not_repeated),
		cmocka_unit_test(a_proof_is_not_evaded_by_a_pause),
		cmocka_unit_test(later_proofs_are_those_of_the_new_password),
		cmocka_unit_test(proofs_survive_a_bad_path),
		cmocka_unit_test(no_second_proof_before_the_first_success_has_arrived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
