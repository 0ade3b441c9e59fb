/*
 * What the administrator has to say about a call: his program (key `hook`, see hooks.h), and the numbers from and to
 * which a user may call (keys of user "NAME": calling-numbers, called-numbers).
 */
#pragma once

#include "server/accounts.h"
#include "session/session.h"

/* For session_ops.admit: asks the hook, if there is one. */
int policy_admit(struct session *s, struct line_failure *failure);
/* Tells the hook that a session is up; that one which was up is down. */
void policy_up(struct session *s);
void policy_down(struct session *s, enum pptp_reason reason);
/* May this user have this call? */
bool policy_numbers(const struct account *a, const struct session *s);
