/*
 * Sessions and counters as JSON, for the control socket of both ends. The field names are
 * documented in greyline(1) and stable.
 */
#pragma once

#include "session/session.h"

/* An object for one session; new reference. */
json_t *report_session(const struct session *s);
/*
 * All of them, one by one, the oldest first: the functions of struct control_arrays. Those that end meanwhile are left out, those that
 * begin are in it or not. NULL: out of memory. The hub may go before.
 */
struct report_cursor *report_open(struct hub *h);
json_t *report_next(void *cursor);
void report_close(void *cursor);
/* From session.c and hub.c: this session, or (NULL) all of the hub, is no more. */
void report_gone(struct hub *h, const struct session *s);
/* Is it the command whose result report_open() is for? */
bool report_is_array(const char *command);
/* The counters of the data plane, of ends by reason and of sessions. */
json_t *report_stats(const struct hub *h);

/*
 * The commands that both ends' control sockets have, but for "sessions": "session" {"id": N}, "disconnect"
 * {"target": an id, a user name, an inner or outer address, or "all"}. NULL with a sentence in
 * `why`.
 */
json_t *report_command(struct hub *h, const char *command, const json_t *request, char *why);
