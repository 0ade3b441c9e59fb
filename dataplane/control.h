/* The data plane as the control thread has it; for dataplane.c and census.c. */
#pragma once

#include "dataplane/worker.h"

struct dataplane {
	struct worker *workers[DP_WORKERS_MAX];
	unsigned int count;
	struct {
		unsigned int sessions, lasting; /* that were not removed; that were not freed */
		uint64_t turns,
			turned; /* as last seen; when that changed, or it had nothing to do */
		uint64_t stalls;
		bool stalled;
	} watched[DP_WORKERS_MAX];
	struct event_queue events;
	struct event_list dispatched; /* taken from the queue, not yet handed over */
	struct table table;
	struct dp_session *sessions; /* until their DP_EVENT_REMOVED */
	void (*steer)(void *user, bool ipv6, const uint8_t *prefix, int worker);
	int (*employ)(void *user, unsigned int worker, bool employed);
	void *steer_user;
	bool dispatching;
};
