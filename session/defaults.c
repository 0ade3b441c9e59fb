/* What each end begins with: see defaults.h. */
#include "session/defaults.h"

#include <stdio.h>

#define SECOND UINT64_C(1000000)

void session_defaults(
	enum ppp_role role, struct control_config *control, struct session_config *session)
{
	struct ppp_link_config *link = &session->link;
	struct line_call *call = &session->call;

	snprintf(control->vendor, sizeof(control->vendor), "greyline");
	control->framing = call->framing = CONTROL_FRAMING_ANY;
	control->bearer = call->bearer = CONTROL_BEARER_ANY;
	control->firmware = 1;
	control->reply_timeout = control->echo_interval = 60 * SECOND;
	link->role = role;
	link->mru = SESSION_MRU;
	link->want_dns = role == PPP_CLIENT;
	link->echo_interval = 30 * SECOND;
	link->echo_failures = 4;
	link->restart_interval = 3 * SECOND;
	link->setup_timeout = 60 * SECOND;
	session->window = SESSION_WINDOW;
	session->gre_timeout = 30 * SECOND;
	call->min_bps = SESSION_SPEED_MIN;
	call->max_bps = session->speed = SESSION_SPEED_MAX;
}
