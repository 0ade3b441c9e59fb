/*
 * A worker's thread and its loop: see worker.h.
 *
 * Invariants between the steps of a turn: w->cipher is empty; nobody in `touched` has been freed (a
 * removal settles first); timers are set only for sessions whose tunnel has a deadline, so an idle
 * session costs nothing.
 */
#include "dataplane/worker.h"

#include "dataplane/exchange.h"
#include "dataplane/path.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

/* A full GRE socket says when it has room again; what waits for it is given up after this, and the
 * inner side is read again, us. */
#define BLOCKED_MAX 10000

/* A DP_EVENT_PATH of one session at most so often, us. */
#define PATH_INTERVAL 1000000

/* Slots of a worker, however many there are: two sessions' reorder buffers. */
#define POOL_SHARE_MIN 4096

enum source {
	SOURCE_GRE,
	SOURCE_SEND, /* while there is no room, and if it is not SOURCE_GRE */
	SOURCE_INNER,
	SOURCE_COMMANDS,
	SOURCE_WAKE,
	SOURCE_FAST, /* several descriptors: io_fast_watch() */
	SOURCE_COUNT
};

uint64_t worker_clock(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

/* ---- descriptors ---- */

static int fd_of(const struct worker *w, enum source source)
{
	switch (source) {
	case SOURCE_GRE:
		return w->config.gre_fd;
	case SOURCE_SEND:
		return io_send_fd(&w->tx);
	case SOURCE_INNER:
		return w->config.inner_fd;
	case SOURCE_WAKE:
		return w->wake;
	default:
		return w->commands.fd;
	}
}

static int watch(struct worker *w, enum source source, int op, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.u32 = source };

	return epoll_ctl(w->epoll, op, fd_of(w, source), &ev) < 0 ? -errno : 0;
}

static void set_blocked(struct worker *w, bool blocked)
{
	if (blocked == (w->blocked_until != 0))
		return;
	w->blocked_until = blocked ? w->now + BLOCKED_MAX : 0;
	if (blocked)
		w->blocked_fast = io_send_waits_fast(&w->tx);
	if (w->blocked_fast)
		io_fast_want_write(w->config.fast, blocked);
	else if (!w->reads_gre || io_send_is_own(&w->tx))
		watch(w, SOURCE_SEND, blocked ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, EPOLLOUT);
	else if (!w->gre_lost)
		watch(w, SOURCE_GRE, EPOLL_CTL_MOD, EPOLLIN | (blocked ? EPOLLOUT : 0u));
	if (w->reads_inner && !w->inner_lost)
		watch(w, SOURCE_INNER, EPOLL_CTL_MOD, blocked ? 0u : EPOLLIN);
}

/* The kernel knows a smaller path than we do. */
static void path_is_smaller(struct worker *w, struct dp_session *s)
{
	if (w->now < s->path_until)
		return;
	s->path_until = w->now + PATH_INTERVAL;
	worker_tell(w, s, DP_EVENT_PATH);
}

/* How many went out. */
static unsigned int flush(struct worker *w)
{
	struct io_sent result;
	struct packet *p;

	result = io_send(&w->tx, &w->pool);
	w->stats.gre_sent += result.sent;
	w->stats.fast_sent += result.by_fast;
	w->stats.send_errors += result.failed;
	w->stats.send_too_big += result.too_big;
	while ((p = packet_list_take(&w->tx.too_big)) != NULL) {
		if (p->owner) /* not if it was removed meanwhile */
			path_is_smaller(w, p->owner);
		pool_put(&w->pool, p);
	}
	if (result.full)
		set_blocked(w, true);
	return result.sent;
}

void worker_flush(struct worker *w)
{
	if (w->tx.count && !w->blocked_until)
		flush(w);
}

/* The GRE socket says that it has room again, or has had none for too long. */
static void unblock(struct worker *w)
{
	uint64_t until = w->blocked_until;

	set_blocked(w, false);
	if (flush(w) || !w->blocked_until)
		return;
	if (w->now < until) {
		w->blocked_until = until; /* it had none: no longer than that */
	} else {
		w->stats.send_errors += io_send_drop(&w->tx, &w->pool);
		set_blocked(w, false);
	}
}

/* The old one is in no epoll set any more: it went with its last descriptor. */
void worker_renew_inner(struct worker *w)
{
	if (!w->reads_inner)
		return;
	w->inner_lost = watch(w, SOURCE_INNER, EPOLL_CTL_ADD, w->blocked_until ? 0u : EPOLLIN) < 0;
}

/* ---- the loop ---- */

/*
 * After a pause of this thread the packets that gaps wait for are there, in the socket: they come
 * before the gaps are given up. But not for ever, should the socket never be empty.
 */
static bool is_behind(struct worker *w)
{
	if (!w->gre_more) {
		w->behind_since = 0;
		return false;
	}
	if (!w->behind_since)
		w->behind_since = w->now;
	return w->now - w->behind_since < GRE_HOLD_TIME;
}

static void run_timers(struct worker *w)
{
	if (is_behind(w))
		return;
	for (unsigned int i = 0; i < WORKER_TIMER_BATCH; i++) {
		struct wheel_entry *e = wheel_expired(&w->wheel, w->now);

		if (!e)
			break;
		path_tick(w,
			(struct dp_session *)((uint8_t *)e - offsetof(struct dp_session, timer)));
	}
}

/* ms for epoll_wait(). */
static int patience(const struct worker *w)
{
	uint64_t next = wheel_next(&w->wheel);
	uint64_t now;

	if (w->backlog || (inner_waits(&w->inner) && !w->blocked_until))
		return 0;
	if (w->blocked_until && w->blocked_until < next)
		next = w->blocked_until;
	if (next == UINT64_MAX)
		return -1;
	now = worker_clock();
	return next <= now ? 0 : (int)((next - now + 999) / 1000);
}

static void lost(struct worker *w, enum source source)
{
	/* EBADF when it is closed already: then it is not watched either. */
	watch(w, source, EPOLL_CTL_DEL, 0);
	if (source == SOURCE_GRE && w->reads_gre)
		w->gre_lost = true;
	else if (source == SOURCE_INNER)
		w->inner_lost = true;
}

static void at(struct worker *w, enum worker_stage stage)
{
	atomic_store_explicit(&w->stage, stage, memory_order_relaxed);
}

/* What is ready, after waiting for it. */
static void wait_for_work(struct worker *w, uint32_t ready[SOURCE_COUNT])
{
	struct epoll_event events[SOURCE_COUNT + IO_FAST_QUEUES];
	int timeout = patience(w);
	int n;

	at(w, STAGE_WAITING);
	if (timeout && exchange_waits(w))
		timeout = 0;
	n = epoll_wait(w->epoll, events, SOURCE_COUNT + IO_FAST_QUEUES, timeout);
	exchange_awake(w);
	at(w, STAGE_READING);
	for (int i = 0; i < n; i++)
		ready[events[i].data.u32] |= events[i].events;
	w->now = worker_clock();
	atomic_store_explicit(&w->turns, atomic_load_explicit(&w->turns, memory_order_relaxed) + 1,
		memory_order_relaxed);
}

/* Own packets and others' are first in turn, so that neither keeps the room of a batch for itself. */
static void read_inner(struct worker *w, bool ready)
{
	bool others_first =
		w->count > 1 && atomic_load_explicit(&w->turns, memory_order_relaxed) % 2;

	if (others_first)
		exchange_take(w);
	if (ready && !w->inner_lost && path_read_inner(w) < 0)
		lost(w, SOURCE_INNER);
	if (!others_first)
		exchange_take(w);
}

/* May what waits go out? */
static bool has_room(const struct worker *w, const uint32_t ready[SOURCE_COUNT])
{
	if (!w->blocked_until)
		return false;
	return w->blocked_fast ? (ready[SOURCE_FAST] & ~(uint32_t)EPOLLIN) != 0
			       : ((ready[SOURCE_GRE] | ready[SOURCE_SEND]) & EPOLLOUT) != 0;
}

/* Also before gaps are given up, see is_behind(). */
static int read_gre(struct worker *w, const uint32_t ready[SOURCE_COUNT])
{
	bool due = wheel_next(&w->wheel) <= w->now;
	bool raw =
		w->reads_gre && !w->gre_lost && (due || (ready[SOURCE_GRE] & ~(uint32_t)EPOLLOUT));

	if (!raw && !ready[SOURCE_FAST] && !(due && w->config.fast))
		return 0;
	return path_read_gre(w, raw);
}

static void turn(struct worker *w)
{
	uint32_t ready[SOURCE_COUNT] = { 0 };

	wait_for_work(w, ready);
	if (ready[SOURCE_WAKE]) {
		uint64_t count;

		(void)!read(w->wake, &count, sizeof(count));
	}
	if (has_room(w, ready) || (w->blocked_until && w->now >= w->blocked_until))
		unblock(w);
	w->gre_more = false;
	if (read_gre(w, ready) < 0)
		lost(w, SOURCE_GRE);
	read_inner(w, ready[SOURCE_INNER] != 0);
	w->gre_more |= w->handed_count == IO_RECEIVE_MAX;
	at(w, STAGE_COMMANDS);
	worker_run_commands(w);
	at(w, STAGE_RECEIVING);
	if (path_receive(w) < 0)
		lost(w, SOURCE_GRE);
	at(w, STAGE_SENDING);
	path_send(w);
	at(w, STAGE_TIMERS);
	run_timers(w);
	at(w, STAGE_SETTLING);
	worker_settle(w);
	rc4_run_ahead(&w->cipher);
}

static void *worker_main(void *arg)
{
	struct worker *w = arg;
	char name[16];

	snprintf(name, sizeof(name), "greyline-w%u",
		w->index % 1000); /* as system/crash.c knows it */
	pthread_setname_np(pthread_self(), name);
	while (!w->stop)
		turn(w);
	return NULL;
}

/* ---- life ---- */

static int watch_all(struct worker *w)
{
	int flags = fcntl(w->config.inner_fd, F_GETFL);
	int r;

	if (flags < 0 || fcntl(w->config.inner_fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	w->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (w->epoll < 0)
		return -errno;
	r = watch(w, SOURCE_COMMANDS, EPOLL_CTL_ADD, EPOLLIN);
	if (r == 0 && w->reads_gre)
		r = watch(w, SOURCE_GRE, EPOLL_CTL_ADD, EPOLLIN);
	if (r == 0 && w->reads_inner)
		r = watch(w, SOURCE_INNER, EPOLL_CTL_ADD, EPOLLIN);
	if (r == 0 && w->count > 1)
		r = watch(w, SOURCE_WAKE, EPOLL_CTL_ADD, EPOLLIN);
	if (r == 0 && w->config.fast)
		r = io_fast_watch(w->config.fast, w->epoll, SOURCE_FAST);
	if (r < 0)
		close(w->epoll);
	return r;
}

/*
 * The thread takes no signals, which are for the control thread's loop, but those that its own faults
 * cause: blocked, they would end the process without a word.
 */
int worker_start(struct worker *w)
{
	static const int faults[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS, SIGTRAP };
	sigset_t others, before;
	int r;

	sigfillset(&others);
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		sigdelset(&others, faults[i]);
	pthread_sigmask(SIG_SETMASK, &others, &before);
	r = pthread_create(&w->thread, NULL, worker_main, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -r;
}

/* The rings to the others. */
static int open_rings(struct worker *w)
{
	int r = 0;

	w->wake = -1;
	if (w->count < 2)
		return 0;
	w->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (w->wake < 0)
		return -errno;
	w->to = aligned_alloc(alignof(struct handover), w->count * sizeof(*w->to));
	if (!w->to)
		return -ENOMEM;
	memset(w->to, 0, w->count * sizeof(*w->to));
	for (unsigned int i = 0; i < w->count && r == 0; i++) {
		if (i != w->index)
			r = handover_init(&w->to[i]);
	}
	return r;
}

static void close_rings(struct worker *w)
{
	for (unsigned int i = 0; w->to && i < w->count; i++)
		handover_done(&w->to[i]);
	free(w->to);
	if (w->wake >= 0)
		close(w->wake);
}

/* Its own descriptors, or worker 0's. */
static void set_up(struct worker *w, const struct dp_config *config)
{
	w->config = *config;
	w->reads_inner = w->index == 0 || config->inner_more;
	w->reads_gre = w->index == 0 || config->gre_more;
	if (w->index && config->inner_more)
		w->config.inner_fd = config->inner_more[w->index - 1];
	if (w->index && config->gre_more)
		w->config.gre_fd = config->gre_more[w->index - 1];
	if (config->fast)
		w->config.fast = config->fast + w->index;
	w->cipher.cipher = config->cipher;
	event_list_init(&w->raised);
	inner_init(&w->inner, w->config.inner_fd, &config->inner_offload, &w->pool, &w->stats);
	io_receive_init(&w->rx, w->config.fast);
	io_send_init(&w->tx, w->config.fast, w->config.gre_fd);
	wheel_init(&w->wheel, worker_clock());
}

/* Slots for all workers are as many as for one, if that leaves each enough. */
static size_t slots_of(const struct worker *w)
{
	size_t share = POOL_MAX / w->count;

	return share > POOL_SHARE_MIN ? share : POOL_SHARE_MIN;
}

struct worker *worker_new(const struct dp_config *config, struct event_queue *events,
	struct worker *const *all, unsigned int index, uint64_t seed)
{
	struct worker *w = calloc(1, sizeof(*w));
	int r = -ENOMEM;

	if (!w)
		goto out;
	w->index = index;
	w->count = config->workers;
	w->all = all;
	w->events = events;
	atomic_init(&w->rests, index > 0 && config->employ);
	set_up(w, config);
	r = open_rings(w);
	if (r < 0)
		goto free_rings;
	r = command_queue_init(&w->commands);
	if (r < 0)
		goto free_rings;
	r = table_init(&w->table, seed);
	if (r < 0)
		goto done_queue;
	r = pool_init(&w->pool, slots_of(w));
	if (r < 0)
		goto done_table;
	/* One stream at a time, or four, gain nothing. */
	if (config->cipher && config->cipher->wide)
		w->cipher.ahead = stream_pool_new();
	r = watch_all(w);
	if (r == 0)
		return w;
	stream_pool_free(w->cipher.ahead);
	pool_done(&w->pool);
done_table:
	table_done(&w->table);
done_queue:
	command_queue_done(&w->commands);
free_rings:
	io_send_done(&w->tx);
	close_rings(w);
	free(w);
out:
	errno = -r;
	return NULL;
}

void worker_stop(struct worker *w)
{
	struct command stop = { .type = COMMAND_STOP };

	command_post_wait(&w->commands, &stop);
	pthread_join(w->thread, NULL);
}

void worker_free(struct worker *w)
{
	close(w->epoll);
	stream_pool_free(w->cipher.ahead);
	pool_done(&w->pool);
	table_done(&w->table);
	command_queue_done(&w->commands);
	io_send_done(&w->tx);
	close_rings(w);
	free(w);
}
