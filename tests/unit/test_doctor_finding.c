/* The doctor's table of findings: whole, and every way in which a connection can end has its place. */
#include "tools/doctor/finding.h"
#include "tools/doctor/said.h"
#include "tools/doctor/security.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void every_finding_has_its_words(void **state)
{
	(void)state;
	for (int i = FINDING_NONE + 1; i < FINDING_COUNT; i++) {
		const struct finding_kind *kind = finding_kind((enum finding_id)i);

		assert_non_null(kind->name);
		assert_true(strlen(kind->title) > 5);
		assert_true(strlen(kind->meaning) > 10);
		assert_true(strlen(kind->remedy) > 5);
		assert_true(kind->windows == 0 || (kind->windows > 600 && kind->windows < 1000));
		for (int j = FINDING_NONE; j < i; j++)
			assert_string_not_equal(kind->name, finding_kind((enum finding_id)j)->name);
	}
}

static void every_fault_that_ends_a_call_is_a_finding(void **state)
{
	(void)state;
	for (int i = 0; i < PPTP_REASON_COUNT; i++) {
		enum pptp_reason reason = (enum pptp_reason)i;

		if (reason == PPTP_NONE || reason == PPTP_LOCAL_REQUEST)
			assert_int_equal(finding_of_reason(reason), FINDING_NONE);
		else
			assert_int_not_equal(finding_of_reason(reason), FINDING_NONE);
	}
	assert_int_equal(finding_of_reason(PPTP_REASON_COUNT), FINDING_MACHINE);
}

static void every_error_of_mschap_is_told_apart(void **state)
{
	static const struct {
		unsigned int error;
		enum finding_id id;
	} table[] = { { 646, FINDING_AUTH_HOURS }, { 647, FINDING_AUTH_DISABLED },
		{ 648, FINDING_AUTH_EXPIRED }, { 649, FINDING_AUTH_NO_DIALIN },
		{ 691, FINDING_AUTH_WRONG }, { 709, FINDING_AUTH_CHANGE },
		{ 12, FINDING_AUTH_RESTRICTED } };

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		assert_int_equal(finding_of_error(table[i].error), table[i].id);
}

static void the_heaviest_comes_first_and_equal_ones_keep_their_order(void **state)
{
	struct findings f = { 0 };

	(void)state;
	findings_add(&f, FINDING_REORDER, "a");
	findings_add(&f, FINDING_TCP_REFUSED, "b");
	findings_add(&f, FINDING_LOSS, "c");
	findings_add(&f, FINDING_GRE_NONE, "d");
	findings_sort(&f);
	assert_int_equal(f.count, 4);
	assert_int_equal(f.list[0].id, FINDING_TCP_REFUSED);
	assert_int_equal(f.list[1].id, FINDING_GRE_NONE);
	assert_int_equal(f.list[2].id, FINDING_LOSS);
	assert_int_equal(f.list[3].id, FINDING_REORDER);
	assert_true(findings_have(&f, FINDING_LOSS));
	assert_false(findings_have(&f, FINDING_RESOLVE));
}

static void more_evidence_of_the_same_is_added_and_cut_to_fit(void **state)
{
	struct findings f = { 0 };

	(void)state;
	findings_add(&f, FINDING_NONE, "nothing");
	assert_int_equal(f.count, 0);
	findings_add(&f, FINDING_LOSS, "%d of %d", 3, 20);
	findings_add(&f, FINDING_LOSS, "again");
	assert_int_equal(f.count, 1);
	assert_string_equal(f.list[0].evidence, "3 of 20; again");
	for (int i = 0; i < 1000; i++)
		findings_add(&f, FINDING_LOSS, "again");
	assert_true(strlen(f.list[0].evidence) < FINDING_EVIDENCE);
	for (int i = FINDING_NONE; i < FINDING_COUNT; i++)
		findings_add(&f, (enum finding_id)i, "x");
	assert_int_equal(f.count, FINDING_COUNT - 1); /* none is left out */
}

static void json_has_all_also_of_bytes_that_are_no_text(void **state)
{
	struct findings f = { 0 };
	json_t *o;

	(void)state;
	findings_add(&f, FINDING_AUTH_WRONG, "name \xff\xfe");
	o = finding_json(&f.list[0]);
	assert_string_equal(json_string_value(json_object_get(o, "finding")), "wrong-password");
	assert_string_equal(json_string_value(json_object_get(o, "weight")), "fatal");
	assert_string_equal(json_string_value(json_object_get(o, "evidence")), "name ??");
	assert_int_equal(json_integer_value(json_object_get(o, "windows_error")), 691);
	json_decref(o);
}

static void people_get_lines_that_are_not_too_long(void **state)
{
	struct findings f = { 0 };
	char *text = NULL, *save = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	unsigned int lines = 0;

	(void)state;
	for (int i = FINDING_NONE + 1; i < FINDINGS_MAX; i++)
		findings_add(&f, (enum finding_id)i, "evidence");
	findings_print(&f, out);
	fclose(out);
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		assert_true(strlen(line) <= 100);
		lines++;
	}
	assert_true(lines > 4u * (FINDINGS_MAX - 1));
	free(text);
}

/* ---- what the server said */

static const struct ppp_mppe_config only_128 = {
	.policy = PPP_MPPE_REQUIRE, .strengths = PPP_MPPE_128, .allow_stateless = true
};

static void say(struct said *s, bool sent, uint16_t protocol, const char *bytes, size_t len)
{
	said_frame(s, sent, protocol, (const uint8_t *)bytes, len);
}

#define SAY(s, sent, protocol, bytes) say(s, sent, protocol, bytes, sizeof(bytes) - 1)

static void a_failure_of_mschap_tells_its_number(void **state)
{
	struct said s = { 0 };
	char evidence[FINDING_EVIDENCE];

	(void)state;
	SAY(&s, true, 0xc223, "\x02\x01\x00\x04");
	SAY(&s, false, 0xc223,
		"\x04\x01\x00\x1a"
		"E=648 R=0 C=00 V=3 M=old");
	assert_true(s.auth_sent && s.auth_failed);
	assert_int_equal(s.error, 648);
	assert_int_equal(said_judge(&s, PPTP_AUTH_RESTRICTED, "", &only_128, evidence),
		FINDING_AUTH_EXPIRED);
}

static void a_failure_of_pap_is_a_wrong_password(void **state)
{
	struct said s = { 0 };
	char evidence[FINDING_EVIDENCE];

	(void)state;
	SAY(&s, true, 0xc023, "\x01\x01\x00\x04");
	SAY(&s, false, 0xc023, "\x03\x01\x00\x07\x02no");
	assert_string_equal(s.message, "no");
	assert_int_equal(
		said_judge(&s, PPTP_AUTH_FAILED, "", &only_128, evidence), FINDING_AUTH_WRONG);
}

static void mppe_is_not_there_or_of_another_strength(void **state)
{
	struct said s = { 0 };
	char evidence[FINDING_EVIDENCE];

	(void)state;
	SAY(&s, false, 0x80fd, "\x04\x01\x00\x0a\x12\x06\x01\x00\x00\x40");
	assert_int_equal(said_judge(&s, PPTP_MPPE_REFUSED, "", &only_128, evidence),
		FINDING_MPPE_NOT_OFFERED);
	memset(&s, 0, sizeof(s));
	SAY(&s, false, 0x80fd, "\x03\x01\x00\x0a\x12\x06\x01\x00\x00\x20");
	assert_int_equal(
		said_judge(&s, PPTP_MPPE_REFUSED, "", &only_128, evidence), FINDING_MPPE_STRENGTH);
	assert_non_null(strstr(evidence, "40 bits, stateless; wanted here: 128 bits"));
	memset(&s, 0, sizeof(s));
	SAY(&s, false, 0x80fd, "\x03\x01\x00\x0a\x12\x06\x00\x00\x00\x40");
	assert_int_equal(
		said_judge(&s, PPTP_MPPE_REFUSED, "", &only_128, evidence), FINDING_MPPE_MODE);
	assert_non_null(strstr(evidence, "128 bits, stateful; wanted here: 128 bits, stateless"));
	memset(&s, 0, sizeof(s));
	SAY(&s, false, 0xc021, "\x08\x01\x00\x06\x80\xfd");
	assert_true(s.ccp_rejected);
}

static void a_server_that_refuses_all_requests_is_a_loop(void **state)
{
	struct said s = { 0 };
	char evidence[FINDING_EVIDENCE];

	(void)state;
	assert_int_equal(said_judge(&s, PPTP_LCP_FAILED, "the peer refused every request",
				 &only_128, evidence),
		FINDING_OPTION_LOOP);
	assert_int_equal(
		said_judge(&s, PPTP_LCP_FAILED, "the peer rejects LCP", &only_128, evidence),
		FINDING_LCP_FAILED);
	assert_non_null(strstr(evidence, "the peer rejects LCP"));
}

static void a_server_that_leaves_says_why_or_not(void **state)
{
	struct said s = { 0 };
	char evidence[FINDING_EVIDENCE];

	(void)state;
	SAY(&s, true, 0xc223, "\x02\x01\x00\x04");
	SAY(&s, false, 0xc021, "\x05\x01\x00\x04");
	assert_int_equal(
		said_judge(&s, PPTP_PPP_TERMINATED, "", &only_128, evidence), FINDING_AUTH_ENDED);
	SAY(&s, false, 0xc021, "\x05\x02\x00\x30the address pool is empty here");
	assert_int_equal(said_judge(&s, PPTP_PPP_TERMINATED, "", &only_128, evidence),
		FINDING_AUTH_ENDED); /* its length says more than there is */
	SAY(&s, false, 0xc021, "\x05\x02\x00\x1dthe address pool is empty");
	assert_int_equal(
		said_judge(&s, PPTP_PPP_TERMINATED, "", &only_128, evidence), FINDING_NO_ADDRESS);
}

/* Every prefix of a frame, every octet wrong: nothing but facts comes of it. */
static void hostile_frames_do_no_harm(void **state)
{
	static const uint16_t protocols[] = { 0xc021, 0xc023, 0xc223, 0xc227, 0x80fd, 0x8021, 1 };
	static const uint8_t frame[] = { 4, 1, 0, 24, 'E', '=', '6', '9', '1', '9', '9', '9', '9',
		18, 6, 1, 0, 0, 64, 18, 0, 18, 1, 255 };
	uint8_t bent[sizeof(frame)];

	(void)state;
	for (size_t p = 0; p < sizeof(protocols) / sizeof(protocols[0]); p++) {
		for (size_t len = 0; len <= sizeof(frame); len++) {
			for (unsigned int v = 0; v < 256; v++) {
				struct said s = { 0 };

				memcpy(bent, frame, sizeof(frame));
				bent[v % sizeof(frame)] = (uint8_t)v;
				bent[0] = (uint8_t)(v % 14);
				said_frame(&s, v & 1, protocols[p], bent, len);
				assert_true(s.error < 10000);
			}
		}
	}
}

/* ---- what it is worth */

static bool reports(const struct security_facts *facts, const char *name)
{
	struct security_item items[SECURITY_ITEMS];
	unsigned int n = security_report(facts, items);

	assert_true(n > 0 && n <= SECURITY_ITEMS);
	assert_string_equal(items[n - 1].name, "use-instead");
	for (unsigned int i = 0; i < n; i++) {
		if (!strcmp(items[i].name, name))
			return true;
	}
	return false;
}

static void the_security_report_says_what_holds(void **state)
{
	struct security_facts facts = { .negotiated = true,
		.auth = PPP_AUTH_MSCHAP2,
		.mppe_bits = 128,
		.offered = 1u << PPP_AUTH_MSCHAP2 };

	(void)state;
	assert_true(reports(&facts, "des-key-search"));
	assert_true(reports(&facts, "rc4-unauthenticated"));
	assert_false(reports(&facts, "short-key"));
	assert_false(reports(&facts, "downgrade"));
	facts.mppe_bits = 40;
	facts.offered |= 1u << PPP_AUTH_PAP;
	assert_true(reports(&facts, "short-key"));
	assert_true(reports(&facts, "downgrade"));
	facts.auth = PPP_AUTH_PAP;
	facts.mppe_bits = 0;
	assert_true(reports(&facts, "password-in-clear"));
	assert_true(reports(&facts, "not-encrypted"));
	facts = (struct security_facts){ .offers_none = true };
	assert_true(reports(&facts, "no-authentication"));
	facts = (struct security_facts){
		.negotiated = true, .auth = PPP_AUTH_EAP_TLS, .mppe_bits = 128
	};
	assert_true(reports(&facts, "tls-logon"));
	for (int auth = 0; auth < PPP_AUTH_COUNT; auth++) {
		for (unsigned int offered = 0; offered < 1u << PPP_AUTH_COUNT; offered++) {
			facts.auth = (enum ppp_auth_method)auth;
			facts.offered = offered;
			facts.negotiated = offered & 1;
			facts.offers_none = offered & 2;
			assert_true(reports(&facts, "control-in-clear"));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_finding_has_its_words),
		cmocka_unit_test(every_fault_that_ends_a_call_is_a_finding),
		cmocka_unit_test(every_error_of_mschap_is_told_apart),
		cmocka_unit_test(the_heaviest_comes_first_and_equal_ones_keep_their_order),
		cmocka_unit_test(more_evidence_of_the_same_is_added_and_cut_to_fit),
		cmocka_unit_test(json_has_all_also_of_bytes_that_are_no_text),
		cmocka_unit_test(people_get_lines_that_are_not_too_long),
		cmocka_unit_test(a_failure_of_mschap_tells_its_number),
		cmocka_unit_test(a_failure_of_pap_is_a_wrong_password),
		cmocka_unit_test(mppe_is_not_there_or_of_another_strength),
		cmocka_unit_test(a_server_that_refuses_all_requests_is_a_loop),
		cmocka_unit_test(a_server_that_leaves_says_why_or_not),
		cmocka_unit_test(hostile_frames_do_no_harm),
		cmocka_unit_test(the_security_report_says_what_holds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
