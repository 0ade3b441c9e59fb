/* A capture is decoded, observed, judged, and what was found is told: see capture.h. */
#include "tools/doctor/capture.h"

#include "tools/decode/capture.h"
#include "tools/decode/decode.h"
#include "tools/doctor/judge.h"
#include "tools/doctor/output.h"
#include "tools/doctor/report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define USAGE 2

bool capture_is(const char *name)
{
	struct stat st;

	return strcmp(name, "-") == 0 ||
	       (stat(name, &st) == 0 && (S_ISREG(st.st_mode) || S_ISFIFO(st.st_mode)));
}

static void say_call(void *user, bool well, const char *text)
{
	output_step(user, well ? STEP_OK : STEP_BAD, "call", "%s", text);
}

static void say_verdict(const struct doctor_output *out, const struct judge *j)
{
	char well[100];

	snprintf(well, sizeof(well), "nothing wrong is in this capture (calls: %u, up: %u)",
		j->calls, j->up);
	output_verdict(out, &j->findings, well);
}

static void say_security(const struct doctor_output *out, const struct judge *j)
{
	if (!j->has_security)
		return;
	if (out->json) {
		json_t *o = json_object();

		json_object_set_new(o, "negotiated", json_true());
		json_object_set_new(o, "items", security_json(&j->security));
		output_event("security", o);
		return;
	}
	printf("\nSecurity, of what was negotiated%s:\n\n",
		j->up > 1 ? " (the call that is protected least)" : "");
	security_print(&j->security, stdout);
}

static struct decode_capture *capture_open(const char *name, char *why)
{
	FILE *in = strcmp(name, "-") == 0 ? stdin : fopen(name, "re");

	if (!in) {
		snprintf(why, DECODE_WHY, "%s", strerror(errno));
		return NULL;
	}
	return decode_capture_file(in, why);
}

/* What could be read is judged all the same. */
static void judged(
	const struct doctor_output *out, const struct judge *j, const struct decode_report *report)
{
	output_findings(out, &j->findings);
	say_security(out, j);
	say_verdict(out, j);
	if (report->html)
		doctor_report(report->html, &j->findings);
}

/* 0 and how many findings there are, or -1 with a sentence in `why`. */
static int observed(const struct doctor_options *o, struct decode_report *report,
	struct decode_capture *capture, unsigned int *found, char *why)
{
	struct doctor_output out = { .json = o->json };
	struct judge j;
	const struct decode_options options = { .users = &o->known };
	struct observe_judge hooks;
	struct observe *observer;
	int rc;

	judge_init(&j, &hooks);
	j.say = say_call;
	j.user = &out;
	observer = observe_new(&hooks);
	if (!observer) {
		snprintf(why, DECODE_WHY, "out of memory");
		return -1;
	}
	if (report->html)
		observer->sink.next = decode_html_sink(report->html);
	rc = decode_run(&options, capture, &observer->sink, NULL, why);
	judged(&out, &j, report);
	*found = j.findings.count;
	observe_free(observer);
	return rc;
}

int capture_run(const struct doctor_options *o)
{
	char why[DECODE_WHY] = "", unwritten[DECODE_WHY] = "";
	struct decode_capture *capture = capture_open(o->server, why);
	struct decode_report report;
	unsigned int found = 0;
	int rc = -1;

	if (!capture) {
		fprintf(stderr, "greyline doctor: %s: %s\n", o->server, why);
		return USAGE;
	}
	if (decode_capture_is_from(capture, STDOUT_FILENO)) {
		fputs("greyline doctor: standard output is the capture that is read\n", stderr);
		decode_capture_close(capture);
		return USAGE;
	}
	if (decode_report_open(&report, o->html, capture, o->server, unwritten) == 0) {
		rc = observed(o, &report, capture, &found, why);
		if (rc != 0)
			fprintf(stderr, "greyline doctor: %s: %s\n", o->server, why);
		if (decode_report_close(&report, unwritten) != 0)
			rc = -1;
	}
	if (unwritten[0])
		fprintf(stderr, "greyline doctor: %s\n", unwritten);
	decode_capture_close(capture);
	if (fflush(stdout) != 0 || rc != 0)
		return USAGE;
	return found ? 1 : 0;
}
