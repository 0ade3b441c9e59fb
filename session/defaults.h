/*
 * What each end begins with, be it server, client, doctor or load generator: who has a key or an option for a value
 * puts it over these.
 */
#pragma once

#include "session/session.h"

#define SESSION_MRU       1400
#define SESSION_WINDOW    1024      /* packets */
#define SESSION_SPEED_MIN 300       /* bits/s, as Windows asks for */
#define SESSION_SPEED_MAX 100000000 /* bits/s */

/* Sets the protocol's values in both, which are zero or have others; names and passwords, policies and lists stay. */
void session_defaults(
	enum ppp_role role, struct control_config *control, struct session_config *session);
