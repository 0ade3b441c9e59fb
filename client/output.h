/* What the client prints on standard output: for people, or one JSON object a line. */
#pragma once

#include "session/session.h"

struct client_output {
	bool json;
};

void output_connected(const struct client_output *o, const struct session *s, const char *dev,
	const char *server);
void output_disconnected(
	const struct client_output *o, enum pptp_reason reason, const char *detail);
/* `file`: where the old password came from; NULL: the environment. */
void output_new_password(const struct client_output *o, bool changed, const char *file);
void output_retry(const struct client_output *o, uint64_t wait_us);
