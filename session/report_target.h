/* Commands of the control socket that concern some sessions. Control thread only. */
#pragma once

#include "session/session.h"

/* Is it one that the target means: an id, a user, an address of it, inner or outer, or "all"? */
bool report_matches(const struct session *s, const char *target);

/*
 * The answer: how many there were (`key`). NULL, with why (SYSTEM_WHY bytes), if there was none, unless all
 * were meant.
 */
json_t *report_matched(const char *key, unsigned int n, const char *target, char *why);
