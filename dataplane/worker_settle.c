/* What a worker does when the packets of a turn are done, and what others see of it: see worker.h. */
#include "dataplane/exchange.h"
#include "dataplane/path.h"

#include <stdlib.h>

/* So old may the counters be that other threads see, us. */
#define PUBLISH_DELAY 20000

void worker_tell(struct worker *w, struct dp_session *s, enum dp_event_type what)
{
	atomic_fetch_or(&s->telling, 1u << what);
	event_list_add_once(&w->raised, &s->told);
}

void worker_touch(struct worker *w, struct dp_session *s)
{
	if (s->touched)
		return;
	s->touched = true;
	assert(w->touched_count < WORKER_TOUCHED_MAX);
	w->touched[w->touched_count++] = s;
}

static void raise_events(struct worker *w, struct dp_session *s)
{
	unsigned int events = tunnel_events(&s->tunnel);

	if (events & TUNNEL_EVENT_RESET)
		worker_tell(w, s, DP_EVENT_RESET);
	if (events & TUNNEL_EVENT_DESYNC)
		worker_tell(w, s, DP_EVENT_DESYNC);
}

/* Without memory for them they stay 0 for others. */
static void publish_unusual(struct dp_session *s, const struct tunnel_stats *stats)
{
	static const uint64_t none[SESSION_UNUSUAL_WORDS];
	_Atomic uint64_t *to = atomic_load_explicit(&s->unusual, memory_order_relaxed);

	if (!to && !memcmp(&stats->lost, none, sizeof(none)))
		return;
	if (!to)
		to = calloc(SESSION_UNUSUAL_WORDS + 1, sizeof(*to));
	if (!to)
		return;
	publish(to, &stats->lost, SESSION_UNUSUAL_WORDS);
	atomic_store_explicit(&s->unusual, to, memory_order_release);
}

void worker_publish_session(struct dp_session *s)
{
	struct tunnel_stats stats;

	s->stale_since = 0;
	tunnel_get_stats(&s->tunnel, &stats);
	publish_unusual(s, &stats);
	publish(s->stats, &stats, SESSION_USUAL_WORDS);
}

/*
 * Its counters, some lines of a cache, not with each packet: when they are to be published at the latest;
 * UINT64_MAX: they have been. What memory it does not need any more goes back with them.
 */
static uint64_t publish_sometimes(struct worker *w, struct dp_session *s)
{
	if (!s->stale_since)
		s->stale_since = w->now;
	if (w->now - s->stale_since < PUBLISH_DELAY)
		return s->stale_since + PUBLISH_DELAY;
	worker_publish_session(s);
	s->rest_at = tunnel_rest(&s->tunnel, w->now);
	return UINT64_MAX;
}

static void count_ahead(struct worker *w)
{
	const struct stream_pool *pool = w->cipher.ahead;

	if (!pool)
		return;
	w->stats.ahead_made = pool->made;
	w->stats.ahead_used = pool->used;
	w->stats.ahead_thrown = pool->thrown;
}

void worker_settle(struct worker *w)
{
	for (unsigned int i = 0; i < w->touched_count; i++) {
		struct dp_session *s = w->touched[i];
		uint64_t deadline, publish;

		s->touched = false;
		raise_events(w, s);
		path_release(w, s);
		if (gre_receiver_ack_due(&s->tunnel.receiver, w->now))
			path_acknowledge(w, s);
		if (s->rest_at <= w->now)
			s->rest_at = tunnel_rest(&s->tunnel, w->now);
		publish = publish_sometimes(w, s);
		deadline = tunnel_deadline(&s->tunnel);
		if (publish < deadline)
			deadline = publish;
		if (s->rest_at < deadline)
			deadline = s->rest_at;
		/* What is over and could not be done (no slot) is tried again later, not at once.
		 */
		wheel_set(&w->wheel, &s->timer, deadline > w->now ? deadline : w->now + 1000);
	}
	w->touched_count = 0;
	worker_flush(w);
	exchange_publish(w);
	event_post(w->events, &w->raised);
	count_ahead(w);
	publish(w->published, &w->stats, DP_STATS_WORDS);
}
