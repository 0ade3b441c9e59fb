/*
 * Sessions and counters as JSON, for the control socket of both ends. The field names are documented in
 * greyline(1) and stable.
 */
#pragma once

#include "session/session.h"

/* An object for one session; new reference. */
json_t *report_session(const struct session *s);
/* An array of all, by id. */
json_t *report_sessions(const struct hub *h);
/* The counters of the data plane, of ends by reason and of sessions. */
json_t *report_stats(const struct hub *h);

/* The sessions that `target` names: an id, a user name, an inner or outer address, or "all"; calls `f` for each and
 * returns how many. */
unsigned int report_match(struct hub *h, const char *target, void (*f)(struct session *s, void *user), void *user);
