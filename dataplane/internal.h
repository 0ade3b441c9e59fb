/*
 * What the files of the data plane share: a session as both threads see it, and counters that
 * another thread reads.
 *
 * Who owns what: `control`-named fields, `routes` and `removed` are the control thread's; the rest
 * of a session is its worker's from COMMAND_ADD on until DP_EVENT_REMOVED. `routes` is read by the
 * workers at COMMAND_REMOVE and COMMAND_FORGET, when the control thread has done with it. Published
 * counters are for any thread.
 *
 * A session begins with what a packet touches, to the last octet before `told`: of many sessions that is in no
 * cache, and fetched as one piece (dataplane/fetch.c).
 *
 * Each worker's table has all routes, so that it knows whose an inner packet is, and whether a source is
 * somebody else's. Of a session of another worker it reads `worker`, which is constant, and nothing else;
 * `holders` counts the workers whose tables still know a session that is removed.
 */
#pragma once

#include "dataplane/frame.h"
#include "dataplane/limiter.h"
#include "dataplane/queue.h"
#include "dataplane/table.h"
#include "dataplane/wheel.h"

#include <assert.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

#define SESSION_STATS_WORDS   (sizeof(struct tunnel_stats) / sizeof(uint64_t))
#define SESSION_USUAL_WORDS   (offsetof(struct tunnel_stats, lost) / sizeof(uint64_t))
#define SESSION_UNUSUAL_WORDS (SESSION_STATS_WORDS - SESSION_USUAL_WORDS)
#define DP_STATS_WORDS        (sizeof(struct dp_stats) / sizeof(uint64_t))

static_assert(sizeof(struct tunnel_stats) % sizeof(uint64_t) == 0, "published word by word");
static_assert(sizeof(struct dp_stats) % sizeof(uint64_t) == 0, "published word by word");

struct worker;

/* The worker that a call belongs to. */
static inline unsigned int dp_shard(uint16_t call_id, unsigned int workers)
{
	return workers > 1 ? call_id % workers : 0;
}

struct dp_route {
	struct dp_route *next; /* of the same session */
	struct table_node control_node;
	uint32_t prefix;     /* host order */
	uint8_t prefix6[16]; /* of IPv6 */
	bool ipv6;
	unsigned int len;
	struct table_node nodes[]; /* in each worker's table, by its index */
};

struct dp_session {
	struct table_node node;      /* in the worker's table */
	uint32_t local;              /* host order */
	uint32_t inner;              /* its first IPv4 route to one address, host order; 0: none */
	uint16_t peer_mru, path_mtu; /* path_mtu 0: not known */
	bool any_source;             /* constant */
	bool open4, open6;           /* data of IPv4, of IPv6 may pass */
	struct limiter *limiter;     /* NULL: there never was a limit */
	bool touched;                /* in the worker's list of those to settle */
	uint64_t stale_since;        /* of `stats`, us; 0: they are not */
	uint64_t rest_at;            /* see tunnel_rest() */
	struct in_addr peer, local_address;
	struct tunnel tunnel;
	struct wheel_entry timer;
	struct frame_hop hop;
	uint64_t raw_at;   /* by the fast path: when one last went by the raw socket, us ... */
	uint32_t fast_max; /* ... and the largest since then, octets */

	struct worker *worker; /* constant, as peer, local and owner */
	void *owner;
	struct event told; /* what is told, bit by enum dp_event_type: */
	atomic_uint telling;
	struct event gone;
	atomic_uint holders;
	uint64_t path_until; /* no DP_EVENT_PATH before, us */
	atomic_uint events_waiting;
	uint64_t control_until; /* the control frames taken so far are paid for until then, us */
	/* Its counters, for other threads: the usual ones, and, from when one of them is not 0, the others. */
	_Atomic uint64_t stats[SESSION_USUAL_WORDS + 1];
	_Atomic(_Atomic uint64_t *) unusual;

	struct table_node control_node; /* in the control thread's table */
	struct dp_session *control_next, **control_prev;
	struct dp_route *routes;
	uint16_t control_mru, control_path;
	struct limiter *control_limiter; /* allocated; the worker has it by COMMAND_SET_LIMIT */
	bool control_mppe;               /* as commanded */
	bool control_mppc;               /* without MPPE, its header is as large */
	bool removed;                    /* dp_session_remove() was called */
};

#define OVERHEAD_OUTER (20 + GRE_HEADER_MAX)
#define OVERHEAD_PPP   4 /* address, control, protocol: not compressed at worst */
#define OVERHEAD_MPPE  4 /* MPPE header, encrypted protocol */

/* See dp_session_largest(). `path` 0: not known. */
static inline uint16_t largest_inner(unsigned int path, unsigned int mru, bool mppe)
{
	unsigned int largest = mru;

	if (path) {
		unsigned int room = path > OVERHEAD_OUTER + OVERHEAD_PPP
					    ? path - OVERHEAD_OUTER - OVERHEAD_PPP
					    : 0;

		if (room < largest)
			largest = room;
	}
	if (mppe)
		largest = largest > OVERHEAD_MPPE ? largest - OVERHEAD_MPPE : 0;
	return (uint16_t)(largest > DP_LARGEST_MIN ? largest : DP_LARGEST_MIN);
}

/* In a table of either thread. */
static inline int route_add(struct table *t, struct dp_route *route, struct table_node *node)
{
	return route->ipv6 ? table_add_route6(t, node, route->prefix6, route->len)
			   : table_add_route(t, node, route->prefix, route->len);
}

static inline void route_remove(
	struct table *t, const struct dp_route *route, struct table_node *node)
{
	if (route->ipv6)
		table_remove_route6(t, node);
	else
		table_remove_route(t, node);
}

/*
 * Counters for other threads. The first word is a version, odd while the others are being written:
 * a reader that finds it odd or changed reads again, so it sees counters of one moment. All words
 * are atomic; release and acquire on each see to it that who reads a new word finds the version
 * changed.
 */
static inline void publish(_Atomic uint64_t *to, const void *from, size_t words)
{
	uint64_t version = atomic_load_explicit(&to[0], memory_order_relaxed);

	atomic_store_explicit(&to[0], version + 1, memory_order_relaxed);
	for (size_t i = 0; i < words; i++) {
		uint64_t word;

		memcpy(&word, (const uint8_t *)from + i * sizeof(word), sizeof(word));
		atomic_store_explicit(&to[i + 1], word, memory_order_release);
	}
	atomic_store_explicit(&to[0], version + 2, memory_order_release);
}

static inline void published(void *to, const _Atomic uint64_t *from, size_t words)
{
	uint64_t before, after;

	do {
		before = atomic_load_explicit(&from[0], memory_order_acquire);
		for (size_t i = 0; i < words; i++) {
			uint64_t word = atomic_load_explicit(&from[i + 1], memory_order_acquire);

			memcpy((uint8_t *)to + i * sizeof(word), &word, sizeof(word));
		}
		after = atomic_load_explicit(&from[0], memory_order_relaxed);
	} while (before != after || before % 2);
}
