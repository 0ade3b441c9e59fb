/*
 * `greyline doctor`: the order of the steps, the report, the verdict.
 *
 * The steps come one after the other, and each waits for itself only (its own deadline): a step that
 * fails explains those that cannot be made after it, so these are left out rather than reported as
 * further faults. Nothing of this machine is changed; the server sees a few calls, and at most one
 * log-on.
 */
#include "tools/doctor/doctor.h"

#include "system/log.h"
#include "tools/doctor/capture.h"
#include "tools/doctor/steps.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void run_steps(struct doctor *d)
{
	char why[SYSTEM_WHY] = "";

	if (watch_init(&d->watch, &d->loop, why) < 0)
		output_step(&d->output, STEP_NOTE, "watch", "%s", why);
	if (!doctor_resolve(d) || !doctor_reach(d) || !doctor_call(d))
		return;
	if (d->options.user)
		(void)doctor_logon(d);
	else
		output_step(&d->output, STEP_NOTE, "logon",
			"not tried: write --user NAME --password-file FILE to test the rest of the "
			"way");
}

/* What is known of the server is enough to say something about it. */
static bool has_security(const struct doctor *d)
{
	return d->logged_on || d->offer.demanded || d->offer.asks_none;
}

static void say_security(const struct doctor *d)
{
	if (!has_security(d))
		return;
	if (d->output.json) {
		json_t *o = json_object();

		json_object_set_new(o, "negotiated", json_boolean(d->security.negotiated));
		json_object_set_new(o, "items", security_json(&d->security));
		output_event("security", o);
		return;
	}
	printf("\nSecurity, %s:\n\n",
		d->logged_on ? "of what was negotiated" : "of what the server offers");
	security_print(&d->security, stdout);
}

static void say_verdict(const struct doctor *d)
{
	output_verdict(&d->output, &d->findings,
		d->logged_on ? "all well: the tunnel comes up and works"
			     : "all well up to the log-on, which was not tried");
}

static int run(struct doctor *d)
{
	int status;

	uv_loop_init(&d->loop);
	d->output.json = d->options.json;
	run_steps(d);
	findings_sort(&d->findings);
	output_findings(&d->output, &d->findings);
	say_security(d);
	say_verdict(d);
	status = d->findings.count ? 1 : 0;
	/* libuv's thread is still in getaddrinfo(3), and exit(3) would wait for it. */
	if (d->resolving) {
		doctor_options_done(&d->options);
		_exit(status);
	}
	watch_done(&d->watch);
	uv_run(&d->loop, UV_RUN_DEFAULT);
	if (uv_loop_close(&d->loop) == UV_EBUSY)
		log_debug("ended with open handles");
	return status;
}

int doctor_main(int argc, char **argv)
{
	struct doctor *d = calloc(1, sizeof(*d));
	int rc;

	if (!d)
		return 1;
	d->watch.fd = -1;
	signal(SIGPIPE, SIG_IGN);
	log_set(LOG_ERROR, LOG_TEXT);
	rc = doctor_options_parse(&d->options, argc, argv);
	if (rc)
		rc = rc < 0 ? 2 : 0;
	else
		rc = d->options.capture ? capture_run(&d->options) : run(d);
	doctor_options_done(&d->options);
	free(d);
	return rc;
}
