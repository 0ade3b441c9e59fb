/*
 * Findings from captures: each by a small capture that has that fault, and no other one; captures without
 * a fault, these and those of real peers, have none. No damage to a capture breaks it.
 */
#include "tests/doctor/faults.h"

#include "lib/ppp/frame.h"
#include "tools/decode/auth.h"
#include "tools/decode/capture.h"
#include "tools/decode/decode.h"
#include "tools/doctor/judge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *directory;

static const struct fault_list *const lists[] = { &faults_control, &faults_link, &faults_auth,
	&faults_encryption, &faults_network, &faults_path, &faults_healthy };

/* The next fault of all lists; `i` counts them. NULL: that was the last one. */
static const struct fault *fault_at(size_t i)
{
	for (size_t k = 0; k < sizeof(lists) / sizeof(lists[0]); k++) {
		if (i < lists[k]->count)
			return &lists[k]->list[i];
		i -= lists[k]->count;
	}
	return NULL;
}

static const struct fault *fault_named(const char *name)
{
	const struct fault *fault;

	for (size_t i = 0; (fault = fault_at(i)); i++) {
		if (!strcmp(fault->name, name))
			return fault;
	}
	fail_msg("no fault is called %s", name);
	return NULL;
}

/* --- running --- */

static int judge_with(struct judge *j, FILE *in, const struct decode_users *users)
{
	const struct decode_options options = { .users = users };
	struct observe_judge hooks;
	struct observe *o;
	char why[DECODE_WHY] = "";
	struct decode_capture *c;
	int rc = -1;

	judge_init(j, &hooks);
	o = observe_new(&hooks);
	assert_non_null(o);
	c = in ? decode_capture_file(in, why) : NULL;
	if (c)
		rc = decode_run(&options, c, &o->sink, NULL, why);
	decode_capture_close(c);
	observe_free(o);
	return rc;
}

static int judge_file(struct judge *j, FILE *in)
{
	return judge_with(j, in, NULL);
}

static int judge_bytes(struct judge *j, const uint8_t *file, size_t size)
{
	return judge_file(j, size ? fmemopen((void *)(uintptr_t)file, size, "rb") : NULL);
}

static void say(const struct judge *j, const char *name)
{
	fprintf(stderr, "# %s:\n", name);
	findings_print(&j->findings, stderr);
}

static void each_fault_is_named_and_no_other(void **state)
{
	const struct fault *fault;
	struct script *s = malloc(sizeof(*s));
	unsigned int failures = 0;
	struct judge j;

	(void)state;
	for (size_t i = 0; (fault = fault_at(i)); i++) {
		unsigned int wanted = fault->id == FINDING_NONE ? 0 : 1;

		script_begin(s);
		fault->write(s);
		assert_int_equal(judge_bytes(&j, s->file, s->used), 0);
		if (j.findings.count == wanted &&
			(!wanted || findings_have(&j.findings, fault->id)))
			continue;
		say(&j, fault->name);
		failures++;
	}
	free(s);
	assert_int_equal(failures, 0);
}

static void each_finding_has_evidence_with_frames(void **state)
{
	const struct fault *fault;
	struct script *s = malloc(sizeof(*s));
	struct judge j;

	(void)state;
	for (size_t i = 0; (fault = fault_at(i)); i++) {
		script_begin(s);
		fault->write(s);
		judge_bytes(&j, s->file, s->used);
		for (unsigned int k = 0; k < j.findings.count; k++) {
			const struct finding *f = &j.findings.list[k];

			if (f->id != FINDING_CAPTURE)
				assert_non_null(strstr(f->evidence, "frame"));
			assert_true(*finding_kind(f->id)->title && *finding_kind(f->id)->meaning &&
				    *finding_kind(f->id)->remedy && *finding_kind(f->id)->name);
		}
	}
	free(s);
}

/* Peers of the real world: only what is true. */
static void real_peers_have_no_false_findings(void **state)
{
	static const struct {
		const char *name;
		enum finding_id id;
	} captures[] = {
		{ "chapmd5-plain", FINDING_NONE },
		{ "eapmd5-plain", FINDING_NONE },
		{ "mschap-mppe128-stateless", FINDING_NONE },
		{ "mschapv2-mppe128-stateful", FINDING_NONE },
		/* The peers lose step for good there, and say so. */
		{ "mschapv2-mppe128-stateful-loss", FINDING_MPPE_DESYNC },
		{ "mschapv2-mppe128-stateless", FINDING_NONE },
		{ "mschapv2-mppe128-stateless-loss", FINDING_NONE },
		{ "mschapv2-mppe128-stateless-vj", FINDING_NONE },
		{ "mschapv2-mppe40-stateless", FINDING_NONE },
		{ "pap-bsdcomp", FINDING_NONE },
		{ "pap-deflate", FINDING_NONE },
		{ "pap-deflate-loss", FINDING_NONE },
		{ "pap-plain", FINDING_NONE },
		{ "pap-vj", FINDING_NONE },
	};
	char path[512], user[] = "alice:wonderland", why[DECODE_WHY];
	struct decode_users users = { 0 };
	struct judge j;

	(void)state;
	decode_users_add(&users, user, why);
	/* As they are, and with what is encrypted. */
	for (size_t k = 0; k < 2 * sizeof(captures) / sizeof(captures[0]); k++) {
		size_t i = k / 2;

		snprintf(path, sizeof(path), "%s/%s.pcap", directory, captures[i].name);
		assert_int_equal(judge_with(&j, fopen(path, "rb"), k % 2 ? &users : NULL), 0);
		if (captures[i].id == FINDING_NONE ? j.findings.count
						   : !findings_have(&j.findings, captures[i].id)) {
			say(&j, captures[i].name);
			fail();
		}
		assert_true(j.findings.count <= 1);
		assert_int_equal(j.up, 1);
		assert_true(j.has_security);
	}
	decode_users_done(&users);
}

#define FILE_MAX (1u << 20)
#define STRIDE   5 /* packets: every one would take a minute */

static uint32_t record_size(const uint8_t *record)
{
	return 16 + (record[8] | (uint32_t)record[9] << 8 | (uint32_t)record[10] << 16);
}

/* But that it is not there. */
static void nothing_wrong(const struct judge *j, const char *name)
{
	if (j->findings.count > findings_have(&j->findings, FINDING_CAPTURE)) {
		say(j, name);
		fail();
	}
}

/* A capture that begins or ends in the midst of a call tells less, and nothing wrong. */
static void cut_anywhere(const char *name)
{
	uint8_t *file = malloc(FILE_MAX), *part = malloc(FILE_MAX);
	char path[512];
	size_t size;
	struct judge j;
	FILE *in;

	snprintf(path, sizeof(path), "%s/%s.pcap", directory, name);
	in = fopen(path, "rb");
	assert_non_null(in);
	size = fread(file, 1, FILE_MAX, in);
	fclose(in);
	memcpy(part, file, 24);
	for (size_t at = 24, k = 0; at < size; at += record_size(file + at), k++) {
		if (k % STRIDE)
			continue;
		memcpy(part + 24, file + at, size - at);
		assert_int_equal(judge_bytes(&j, part, 24 + size - at), 0);
		nothing_wrong(&j, name);
		if (at == 24)
			continue;
		assert_int_equal(judge_bytes(&j, file, at), 0);
		nothing_wrong(&j, name);
	}
	free(part);
	free(file);
}

static void real_peers_may_be_captured_in_part(void **state)
{
	(void)state;
	cut_anywhere("mschapv2-mppe128-stateless");
	cut_anywhere("mschapv2-mppe128-stateful");
	cut_anywhere("mschapv2-mppe128-stateless-loss");
	cut_anywhere("eapmd5-plain");
	cut_anywhere("pap-bsdcomp");
	cut_anywhere("pap-deflate-loss");
	cut_anywhere("pap-vj");
}

static void the_security_report_is_of_what_was_negotiated(void **state)
{
	struct script *s = malloc(sizeof(*s));
	struct judge j;

	(void)state;
	script_begin(s);
	fault_named("healthy, MPPE")->write(s);
	judge_bytes(&j, s->file, s->used);
	assert_true(j.has_security);
	assert_int_equal(j.security.auth, PPP_AUTH_MSCHAP2);
	assert_int_equal(j.security.mppe_bits, 128);
	assert_true(j.security.stateless);
	script_begin(s);
	fault_named("healthy")->write(s);
	judge_bytes(&j, s->file, s->used);
	assert_int_equal(j.security.auth, PPP_AUTH_PAP);
	assert_int_equal(j.security.mppe_bits, 0);
	free(s);
}

/* Cut behind each packet: a finding may be there or not, but nothing breaks, and memory is freed. */
static void a_capture_may_end_anywhere(void **state)
{
	const struct fault *fault;
	struct script *s = malloc(sizeof(*s));
	struct judge j;

	(void)state;
	for (size_t i = 0; (fault = fault_at(i)); i++) {
		script_begin(s);
		fault->write(s);
		for (unsigned int k = 0; k < s->count && k < 60; k++)
			assert_int_equal(judge_bytes(&j, s->file, s->at[k]), 0);
	}
	free(s);
}

static void a_capture_may_begin_anywhere(void **state)
{
	const struct fault *fault;
	struct script *s = malloc(sizeof(*s));
	uint8_t *file = malloc(SCRIPT_SIZE);
	struct judge j;

	(void)state;
	for (size_t i = 0; (fault = fault_at(i)); i++) {
		script_begin(s);
		fault->write(s);
		memcpy(file, s->file, 24);
		for (unsigned int k = 0; k < s->count && k < 60; k++) {
			memcpy(file + 24, s->file + s->at[k], s->used - s->at[k]);
			assert_int_equal(judge_bytes(&j, file, 24 + s->used - s->at[k]), 0);
		}
	}
	free(file);
	free(s);
}

static void damage_breaks_nothing(void **state)
{
	const struct fault *fault;
	struct script *s = malloc(sizeof(*s));
	uint32_t random = 1;
	struct judge j;

	(void)state;
	for (size_t i = 0; (fault = fault_at(i / 5)); i++) {
		script_begin(s);
		fault->write(s);
		for (unsigned int k = 0; k < s->count; k++) {
			size_t begin = s->at[k] + 16;
			size_t end = k + 1 < s->count ? s->at[k + 1] : s->used;

			random = random * 1664525 + 1013904223;
			if (random >> 28 < 4)
				s->file[begin + (random >> 8) % (end - begin)] ^=
					(uint8_t)(random >> 4);
		}
		assert_int_equal(judge_bytes(&j, s->file, s->used), 0);
	}
	free(s);
}

/* Who has the password can say whose fault it is. */
static void a_known_password_is_compared(void **state)
{
	char right[] = "alice:secret", wrong[] = "alice:sesame", why[DECODE_WHY];
	struct decode_users users[2] = { 0 };
	struct script *s = malloc(sizeof(*s));
	struct judge j;

	(void)state;
	decode_users_add(&users[0], right, why);
	decode_users_add(&users[1], wrong, why);
	script_begin(s);
	fault_named("PAP: wrong")->write(s);
	for (int i = 0; i < 2; i++) {
		judge_with(&j, fmemopen(s->file, s->used, "rb"), &users[i]);
		assert_int_equal(j.findings.count, 1);
		assert_non_null(strstr(j.findings.list[0].evidence, i ? "is not what" : "fits"));
		decode_users_done(&users[i]);
	}
	free(s);
}

static void keep_words(void *user, bool well, const char *text)
{
	(void)well;
	snprintf(user, 200, "%s", text);
}

/* Of two interfaces, or two captures put together: times need not rise. */
static void a_capture_may_go_back_in_time(void **state)
{
	struct script *s = malloc(sizeof(*s));
	struct observe_judge hooks;
	char words[200] = "", why[DECODE_WHY] = "";
	const struct decode_options options = { 0 };
	struct decode_capture *c;
	struct observe *o;
	struct judge j;

	(void)state;
	script_begin(s);
	script_pap(s);
	script_wait(s, -60);
	script_ipcp(s);
	judge_init(&j, &hooks);
	j.say = keep_words;
	j.user = words;
	o = observe_new(&hooks);
	c = decode_capture_file(fmemopen(s->file, s->used, "rb"), why);
	assert_int_equal(decode_run(&options, c, &o->sink, NULL, why), 0);
	assert_non_null(strstr(words, ": up 0.0 s after"));
	decode_capture_close(c);
	observe_free(o);
	free(s);
}

/* More calls at once than there is room for: the decoder's and the observer's limits hold. */
static void thousands_of_calls_are_bounded(void **state)
{
	struct script *s = malloc(sizeof(*s));
	uint8_t *file = malloc(8u << 20);
	size_t used = 24;
	struct judge j;

	(void)state;
	script_begin(s);
	script_call(s);
	script_ppp(s, 0, PPP_LCP, 1, 1, "0506 11111111");
	memcpy(file, s->file, 24);
	for (unsigned int i = 0; i < 5000; i++) {
		size_t begin = used;

		memcpy(file + used, s->file + 24, s->used - 24);
		used += s->used - 24;
		for (unsigned int k = 0; k < s->count; k++) { /* another client each time */
			uint8_t *ip = file + begin + s->at[k] - 24 + 16;
			uint8_t *client = ip[12] == 0xc0 ? ip + 12 : ip + 16;

			client[1] = (uint8_t)(i >> 8);
			client[2] = (uint8_t)i;
		}
	}
	assert_int_equal(judge_bytes(&j, file, used), 0);
	assert_int_equal(j.calls, 5000);
	assert_int_equal(j.connections, 5000);
	free(file);
	free(s);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_fault_is_named_and_no_other),
		cmocka_unit_test(each_finding_has_evidence_with_frames),
		cmocka_unit_test(real_peers_have_no_false_findings),
		cmocka_unit_test(real_peers_may_be_captured_in_part),
		cmocka_unit_test(the_security_report_is_of_what_was_negotiated),
		cmocka_unit_test(a_known_password_is_compared),
		cmocka_unit_test(a_capture_may_end_anywhere),
		cmocka_unit_test(a_capture_may_begin_anywhere),
		cmocka_unit_test(damage_breaks_nothing),
		cmocka_unit_test(a_capture_may_go_back_in_time),
		cmocka_unit_test(thousands_of_calls_are_bounded),
	};

	if (argc < 2) {
		fprintf(stderr, "usage: test_capture DIRECTORY-OF-CAPTURES\n");
		return 1;
	}
	directory = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
