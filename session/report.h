/*
 * Sessions and counters as JSON, for the control socket of both ends. The field names are
 * documented in greyline(1) and stable.
 */
#pragma once

#include "session/session.h"

/* An object for one session; new reference. */
json_t *report_session(const struct session *s);
/* An array of all, by id. */
json_t *report_sessions(const struct hub *h);
/* The counters of the data plane, of ends by reason and of sessions. */
json_t *report_stats(const struct hub *h);

/*
 * The commands that both ends' control sockets have: "sessions", "session" {"id": N}, "disconnect"
 * {"target": an id, a user name, an inner or outer address, or "all"}. NULL with a sentence in
 * `why`.
 */
json_t *report_command(struct hub *h, const char *command, const json_t *request, char *why);
