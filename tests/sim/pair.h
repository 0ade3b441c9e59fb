/*
 * Two ends and the network between them, run together in virtual time.
 */
#pragma once

#include "tests/sim/end.h"

/* Both up, or one of them will not be any more. */
bool sim_pair_set_up(const struct sim_end ends[2]);
bool sim_pair_over(const struct sim_end ends[2]);

/*
 * Until `until`, or (`done` may be NULL) until done() says so. NULL, or what was broken: an end's violation, an end
 * that waits without a deadline, or time that stands still.
 */
const char *sim_pair_run(struct sim_network *n, struct sim_end ends[2], uint64_t until,
	bool (*done)(const struct sim_end ends[2]));
