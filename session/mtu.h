/* What the path to a session's peer carries: what we announce for it, and what the data plane sends. */
#pragma once

#include "session/session.h"

/*
 * The MRU to announce to this peer: the configured one, or less where the path carries less, so
 * that what comes back, with all headers, comes whole (paths are mostly alike both ways).
 */
uint16_t mtu_announced(const struct connection *c, const struct session_config *config,
	const struct session_terms *terms);

/* Asks the kernel for the path's MTU and tells the data plane; again at s->mtu_at. */
void mtu_update(struct session *s);
