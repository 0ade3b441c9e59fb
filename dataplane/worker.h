/*
 * A worker: one thread with its sessions, tables, slots and timers; it shares nothing but the two
 * queues, the published counters and the rings to the other workers. Each turn of its loop does one batch
 * from the GRE socket, one from the inner side (what others hand over is part of both), one of commands and
 * one of timers, so none of them starves another; then it
 * settles: of the sessions that the turn touched, events go up, acknowledgements that are due go
 * out, deadlines and counters are brought up to date.
 *
 * worker.c is the thread and its loop, worker_commands.c the commands, worker_settle.c the end of a turn;
 * path_in.c and path_out.c are the packets. All of them `touch` a session whenever its tunnel was used.
 */
#pragma once

#include "dataplane/handover.h"
#include "dataplane/icmp.h"
#include "dataplane/inner.h"
#include "dataplane/internal.h"
#include "dataplane/io.h"

#define WORKER_COMMAND_BATCH 512
#define WORKER_TIMER_BATCH   256
#define WORKER_TOUCHED_MAX                                                                         \
	(2 * IO_RECEIVE_MAX + INNER_TURN + WORKER_COMMAND_BATCH + WORKER_TIMER_BATCH)

/* What a worker is at, for who watches it. */
enum worker_stage {
	STAGE_WAITING,
	STAGE_READING,
	STAGE_COMMANDS,
	STAGE_RECEIVING,
	STAGE_SENDING,
	STAGE_TIMERS,
	STAGE_SETTLING,
	STAGE_COUNT,
};

struct worker {
	struct dp_config config; /* with this worker's descriptors */
	unsigned int index, count;
	struct worker *const *all;
	struct handover *to; /* `count` rings, one to each worker (that to itself is not used) */
	bool reads_inner, reads_gre; /* or that is worker 0's */
	atomic_bool rests; /* has no session, so that worker 0's socket yields what its own would */
	_Atomic uint64_t pending; /* bit: that worker has put something into its ring to this */
	atomic_bool sleeping;     /* ... and has to wake it */
	int wake;                 /* by this */
	_Atomic uint64_t turns;
	_Atomic(enum worker_stage) stage;
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
	struct packet *handed[IO_RECEIVE_MAX]; /* as if from the GRE socket */
	unsigned int handed_count;
	uint64_t put;            /* bit: something was put into that ring, and not published */
	uint64_t inbox;          /* as `pending`, seen */
	unsigned int first_from; /* whose ring is first now */
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

/* Number `index` of `all` (config->workers). NULL with errno. */
struct worker *worker_new(const struct dp_config *config, struct event_queue *events,
	struct worker *const *all, unsigned int index, uint64_t seed);
/* Starts its thread, once `all` is filled. A negative errno. */
int worker_start(struct worker *w);
/* Executes the commands that wait, stops the thread and joins it. Sessions can be taken apart then
 * ... */
void worker_stop(struct worker *w);
/* ... before this frees their slots. */
void worker_free(struct worker *w);

/* Microseconds of CLOCK_MONOTONIC. */
uint64_t worker_clock(void);

/* For the files above, in the worker's thread. */

/* It is in the turn's list to settle. */
void worker_touch(struct worker *w, struct dp_session *s);
/* An event for the control thread: once, until it has been handed over. */
void worker_tell(struct worker *w, struct dp_session *s, enum dp_event_type what);
/* Events, acknowledgements, deadlines and counters of all that were touched. */
void worker_settle(struct worker *w);
/* A session's counters, as they are, for other threads. */
void worker_publish_session(struct dp_session *s);
/* Those that were there when the packets of this turn had been read, and not only if epoll knew of them. */
void worker_run_commands(struct worker *w);
/* There is a new device behind the inner descriptor. */
void worker_renew_inner(struct worker *w);
/* Sends what waits in w->tx. */
void worker_flush(struct worker *w);
