/*
 * Counters of all workers, and the watch over them: see dataplane.h. The control thread reads what workers
 * publish; the packet path has no part in it but a few stores a turn.
 */
#include "dataplane/control.h"

#include <time.h>

static_assert(sizeof(struct dp_stats) == DP_STATS_WORDS * sizeof(uint64_t), "only counters");

void dp_session_stats(const struct dp_session *s, struct tunnel_stats *out)
{
	const _Atomic uint64_t *unusual = atomic_load_explicit(&s->unusual, memory_order_acquire);

	memset(out, 0, sizeof(*out));
	published(out, s->stats, SESSION_USUAL_WORDS);
	if (unusual)
		published(&out->lost, unusual, SESSION_UNUSUAL_WORDS);
}

void dp_session_limited(
	const struct dp_session *s, struct dp_limited *send, struct dp_limited *receive)
{
	*send = *receive = (struct dp_limited){ 0 };
	if (!s->control_limiter)
		return;
	limiter_counted(&s->control_limiter->send, &send->packets, &send->bytes);
	limiter_counted(&s->control_limiter->receive, &receive->packets, &receive->bytes);
}

void dataplane_stats(const struct dataplane *dp, struct dp_stats *out)
{
	uint64_t sum[DP_STATS_WORDS] = { 0 };

	for (unsigned int i = 0; i < dp->count; i++) {
		uint64_t words[DP_STATS_WORDS];

		published(words, dp->workers[i]->published, DP_STATS_WORDS);
		for (size_t k = 0; k < DP_STATS_WORDS; k++)
			sum[k] += words[k];
	}
	memcpy(out, sum, sizeof(*out));
}

unsigned int dataplane_workers(const struct dataplane *dp)
{
	return dp->count;
}

static uint64_t cpu_time(const struct worker *w)
{
	struct timespec ts;
	clockid_t clock;

	if (pthread_getcpuclockid(w->thread, &clock) != 0 || clock_gettime(clock, &ts) < 0)
		return 0;
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

void dataplane_worker_stats(
	const struct dataplane *dp, unsigned int index, struct dp_worker_stats *out)
{
	const struct worker *w = dp->workers[index];

	published(&out->packets, w->published, DP_STATS_WORDS);
	out->sessions = dp->watched[index].sessions;
	out->cpu_time = cpu_time(w);
	out->stalls = dp->watched[index].stalls;
	out->stalled = dp->watched[index].stalled;
}

static const char *stage_name(enum worker_stage stage)
{
	static const char *const names[STAGE_COUNT] = {
		[STAGE_WAITING] = "waiting, and was not woken",
		[STAGE_READING] = "reading packets",
		[STAGE_COMMANDS] = "executing commands",
		[STAGE_RECEIVING] = "receiving packets from peers",
		[STAGE_SENDING] = "sending packets to peers",
		[STAGE_TIMERS] = "giving up gaps in streams",
		[STAGE_SETTLING] = "settling what a turn has done",
	};

	return stage < STAGE_COUNT ? names[stage] : "doing something unknown";
}

/* A worker that waits has nothing to do, but for commands and packets that it was woken for. */
static bool has_work(struct worker *w)
{
	return atomic_load_explicit(&w->stage, memory_order_relaxed) != STAGE_WAITING ||
	       command_waits(&w->commands) || atomic_load(&w->pending);
}

void dataplane_watch(struct dataplane *dp, uint64_t now, uint64_t patience,
	void (*tell)(void *user, unsigned int worker, const char *doing), void *user)
{
	for (unsigned int i = 0; i < dp->count; i++) {
		struct worker *w = dp->workers[i];
		uint64_t turns = atomic_load_explicit(&w->turns, memory_order_relaxed);
		bool turned = turns != dp->watched[i].turns;

		if (turned || !has_work(w)) {
			dp->watched[i].turns = turns;
			dp->watched[i].turned = now;
			if (dp->watched[i].stalled)
				tell(user, i, NULL);
			dp->watched[i].stalled = false;
		} else if (!dp->watched[i].stalled && now - dp->watched[i].turned >= patience) {
			dp->watched[i].stalled = true;
			dp->watched[i].stalls++;
			tell(user, i,
				stage_name(atomic_load_explicit(&w->stage, memory_order_relaxed)));
		}
	}
}
