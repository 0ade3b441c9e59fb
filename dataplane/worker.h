/*
 * A worker: one thread with its sessions, tables, slots and timers; it shares nothing but the two
 * queues and the published counters. Each turn of its loop does one batch from the GRE socket, one
 * from the inner side, one of commands and one of timers, so none of them starves another; then it
 * settles: of the sessions that the turn touched, events go up, acknowledgements that are due go
 * out, deadlines and counters are brought up to date.
 *
 * Between worker.c (thread, loop, commands) and path.c (packets): `touch` a session whenever its
 * tunnel was used.
 */
#pragma once

#include "dataplane/icmp.h"
#include "dataplane/inner.h"
#include "dataplane/internal.h"
#include "dataplane/io.h"

#define WORKER_COMMAND_BATCH 512
#define WORKER_TIMER_BATCH   256
#define WORKER_TOUCHED_MAX                                                                         \
	(IO_RECEIVE_MAX + INNER_BATCH + WORKER_COMMAND_BATCH + WORKER_TIMER_BATCH)

struct worker {
	struct dp_config config;
	struct command_queue commands;
	struct event_queue *events; /* shared by all workers */
	pthread_t thread;
	_Atomic uint64_t published[DP_STATS_WORDS + 1];

	/* From here on the thread's own. */
	uint64_t now; /* us, of this turn */
	struct table table;
	struct pool pool;
	struct wheel wheel;
	struct rc4_batch cipher; /* empty between batches */
	struct io_receive rx;
	unsigned int gre_count; /* packets in rx.slots that are not done */
	struct inner inner;
	struct io_send tx;
	struct dp_stats stats;
	struct icmp_limit icmp;
	struct dp_session *touched[WORKER_TOUCHED_MAX];
	unsigned int touched_count;
	struct event_list raised; /* events of this turn */
	struct command *backlog;  /* taken from the queue, not yet executed */
	int epoll;
	bool stop;
	bool gre_more;             /* the last batch was full: more may wait in the socket */
	uint64_t behind_since;     /* so it has been from then on; 0: it is not */
	bool gre_lost, inner_lost; /* the descriptor is of no use any more */
	bool blocked_fast;         /* by the fast path, not by the socket */
	uint64_t blocked_until; /* the GRE socket is full, so the inner side is not read; 0: it is
				   not */
};

/* Starts thread number `index`. NULL with errno. */
struct worker *worker_new(const struct dp_config *config, struct event_queue *events,
	unsigned int index, uint64_t seed);
/* Executes the commands that wait, stops the thread and joins it. Sessions can be taken apart then
 * ... */
void worker_stop(struct worker *w);
/* ... before this frees their slots. */
void worker_free(struct worker *w);

/* Microseconds of CLOCK_MONOTONIC. */
uint64_t worker_clock(void);

/* For path.c. */
void worker_touch(struct worker *w, struct dp_session *s);
/* Sends what waits in w->tx. */
void worker_flush(struct worker *w);
