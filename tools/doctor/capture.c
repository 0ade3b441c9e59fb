/* A capture is decoded, observed, judged, and what was found is told: see capture.h. */
#include "tools/doctor/capture.h"

#include "tools/decode/auth.h"
#include "tools/decode/capture.h"
#include "tools/decode/decode.h"
#include "tools/doctor/judge.h"
#include "tools/doctor/output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

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
	char text[300];
	unsigned int n = j->findings.count;

	if (n)
		snprintf(text, sizeof(text), "%u finding%s; first: %s", n, n == 1 ? "" : "s",
			finding_kind(j->findings.list[0].id)->title);
	else
		snprintf(text, sizeof(text), "nothing wrong is in this capture (calls: %u, up: %u)",
			j->calls, j->up);
	if (out->json) {
		json_t *o = json_object();

		json_object_set_new(o, "findings", json_integer(n));
		json_object_set_new(o, "text", json_string(text));
		output_event("verdict", o);
		return;
	}
	printf("\nVerdict: %s.\n", text);
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

/* Whoever is named on the command line: NAME:PASSWORD, or NAME and the password of the file. */
static int users_read(const struct doctor_options *o, struct decode_users *users)
{
	char why[DECODE_WHY] = "", *text = NULL;
	int rc = 0;

	for (unsigned int i = 0; i < o->user_count && rc == 0; i++) {
		text = NULL;
		if (o->password && asprintf(&text, "%s:%s", o->users[i], o->password) < 0)
			text = NULL;
		rc = decode_users_add(users, text ? text : o->users[i], why);
		/* A password among the process's arguments is there for all to see. */
		if (!text && rc == 0)
			memset(strchr(o->users[i], ':') + 1, '*',
				strlen(strchr(o->users[i], ':') + 1));
		if (text) {
			explicit_bzero(text, strlen(text));
			free(text);
		}
	}
	if (rc != 0)
		fprintf(stderr, "greyline doctor: --user: %s\n", why);
	return rc;
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

static int judged(const struct doctor_options *o, const struct decode_users *users)
{
	struct doctor_output out = { .json = o->json };
	const struct decode_options options = { .users = users };
	struct observe_judge hooks;
	struct judge j;
	struct observe *observer;
	char why[DECODE_WHY] = "out of memory";
	struct decode_capture *capture;
	int rc = -1;

	judge_init(&j, &hooks);
	j.say = say_call;
	j.user = &out;
	observer = observe_new(&hooks);
	capture = observer ? capture_open(o->server, why) : NULL;
	if (capture)
		rc = decode_run(&options, capture, &observer->sink, NULL, why);
	/* What could be read is judged all the same. */
	if (capture) {
		output_findings(&out, &j.findings);
		say_security(&out, &j);
		say_verdict(&out, &j);
	}
	if (rc != 0)
		fprintf(stderr, "greyline doctor: %s: %s\n", o->server, why);
	decode_capture_close(capture);
	observe_free(observer);
	if (fflush(stdout) != 0 || rc != 0)
		return USAGE;
	return j.findings.count ? 1 : 0;
}

int capture_run(const struct doctor_options *o)
{
	struct decode_users users = { 0 };
	int rc = USAGE;

	if (users_read(o, &users) == 0)
		rc = judged(o, &users);
	decode_users_done(&users);
	return rc;
}
