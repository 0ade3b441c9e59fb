/* Two ends, run together: see pair.h. */
#include "tests/sim/pair.h"

#define STEPS_MAX 100000 /* at one moment */

bool sim_pair_set_up(const struct sim_end ends[2])
{
	return (ends[0].up && ends[1].up) || sim_end_over(&ends[0]) || sim_end_over(&ends[1]) ||
	       ends[0].link_over || ends[1].link_over;
}

bool sim_pair_over(const struct sim_end ends[2])
{
	return sim_end_over(&ends[0]) && sim_end_over(&ends[1]);
}

/* A state that waits and has no deadline would wait for ever. */
static const char *check(const struct sim_end ends[2])
{
	for (int i = 0; i < 2; i++) {
		if (ends[i].violation)
			return ends[i].violation;
		if (!sim_end_over(&ends[i]) && sim_end_deadline(&ends[i]) == UINT64_MAX)
			return "an end waits without a deadline";
	}
	return NULL;
}

/* One event or deadline; false if there is none until then. */
static bool step(struct sim_network *n, struct sim_end ends[2], uint64_t until)
{
	uint64_t t = sim_next(n), d0 = sim_end_deadline(&ends[0]), d1 = sim_end_deadline(&ends[1]);
	uint64_t d = d0 < d1 ? d0 : d1, when = t < d ? t : d;

	if (when > until)
		return false;
	if (when > n->now)
		n->now = when;
	if (t <= d) {
		struct sim_event *e = sim_take(n);

		sim_end_event(&ends[e->to], e);
		sim_recycle(n, e);
	}
	sim_end_tick(&ends[0]);
	sim_end_tick(&ends[1]);
	return true;
}

const char *sim_pair_run(struct sim_network *n, struct sim_end ends[2], uint64_t until,
	bool (*done)(const struct sim_end ends[2]))
{
	const char *broken = NULL;
	unsigned int steps = 0;
	uint64_t last = 0;

	while (!broken && !(done && done(ends)) && step(n, ends, until)) {
		steps = n->now == last ? steps + 1 : 0;
		last = n->now;
		broken = steps > STEPS_MAX
				 ? "time stands still: a deadline in the past is never served"
				 : check(ends);
	}
	if (n->now < until && !(done && done(ends)))
		n->now = until;
	return broken;
}
