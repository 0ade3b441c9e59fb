/* A session's limits of the data rate, for the control socket. Control thread only. */
#pragma once

#include "session/session.h"

/* Adds to a session's report: the limits, and what they dropped. */
void report_limit_add(json_t *o, const struct session *s);

/*
 * The command "limit": `request` has up, down and burst, as settings_rate.h has them, or some of
 * these, and `target`, as for "disconnect". The answer, with how many sessions were changed; or NULL,
 * with *why.
 */
json_t *report_limit(struct hub *h, const json_t *request, char *why);
