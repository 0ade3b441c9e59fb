/* The queues between the threads: see queue.h. */
#include "dataplane/queue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Cannot fail but by overflow of the counter, and then it is readable anyway. */
static void wake(int fd)
{
	uint64_t one = 1;

	(void)!write(fd, &one, sizeof(one));
}

static void clear(int fd)
{
	uint64_t count;

	(void)!read(fd, &count, sizeof(count));
}

int command_queue_init(struct command_queue *q)
{
	memset(q, 0, sizeof(*q));
	q->last = &q->first;
	q->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (q->fd < 0)
		return -errno;
	pthread_mutex_init(&q->lock, NULL);
	pthread_cond_init(&q->finished, NULL);
	return 0;
}

void command_queue_done(struct command_queue *q)
{
	struct command *c = q->first;

	while (c) {
		struct command *next = c->next;

		command_finish(q, c);
		c = next;
	}
	close(q->fd);
	pthread_cond_destroy(&q->finished);
	pthread_mutex_destroy(&q->lock);
}

/* Under the lock. */
static void command_append(struct command_queue *q, struct command *c)
{
	bool was_empty = !q->first;

	c->next = NULL;
	*q->last = c;
	q->last = &c->next;
	if (was_empty)
		wake(q->fd);
}

void command_post(struct command_queue *q, struct command *c)
{
	c->waited = false;
	pthread_mutex_lock(&q->lock);
	command_append(q, c);
	pthread_mutex_unlock(&q->lock);
}

void command_post_wait(struct command_queue *q, struct command *c)
{
	c->waited = true;
	c->done = false;
	pthread_mutex_lock(&q->lock);
	command_append(q, c);
	while (!c->done)
		pthread_cond_wait(&q->finished, &q->lock);
	pthread_mutex_unlock(&q->lock);
}

bool command_waits(struct command_queue *q)
{
	bool waits;

	pthread_mutex_lock(&q->lock);
	waits = q->first != NULL;
	pthread_mutex_unlock(&q->lock);
	return waits;
}

struct command *command_take(struct command_queue *q)
{
	struct command *first;

	clear(q->fd);
	pthread_mutex_lock(&q->lock);
	first = q->first;
	q->first = NULL;
	q->last = &q->first;
	pthread_mutex_unlock(&q->lock);
	return first;
}

void command_finish(struct command_queue *q, struct command *c)
{
	if (c->type == COMMAND_SET_TX || c->type == COMMAND_SET_RX)
		explicit_bzero(c->mppe.start, sizeof(c->mppe.start));
	if (c->waited) {
		pthread_mutex_lock(&q->lock);
		c->done = true;
		pthread_cond_signal(&q->finished);
		pthread_mutex_unlock(&q->lock);
		return;
	}
	if (c->type == COMMAND_SEND)
		explicit_bzero(c->data, c->send.len); /* may be a PAP password */
	free(c);
}

void event_list_init(struct event_list *list)
{
	list->first = NULL;
	list->last = &list->first;
}

void event_list_add(struct event_list *list, struct event *e)
{
	e->next = NULL;
	*list->last = e;
	list->last = &e->next;
}

void event_list_add_once(struct event_list *list, struct event *e)
{
	if (!atomic_exchange_explicit(&e->queued, true, memory_order_acq_rel))
		event_list_add(list, e);
}

struct event *event_list_take(struct event_list *list)
{
	struct event *e = list->first;

	if (e) {
		list->first = e->next;
		if (!list->first)
			list->last = &list->first;
		e->next = NULL;
		atomic_store_explicit(&e->queued, false, memory_order_release);
	}
	return e;
}

int event_queue_init(struct event_queue *q)
{
	memset(q, 0, sizeof(*q));
	event_list_init(&q->list);
	q->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (q->fd < 0)
		return -errno;
	pthread_mutex_init(&q->lock, NULL);
	return 0;
}

void event_queue_done(struct event_queue *q)
{
	close(q->fd);
	pthread_mutex_destroy(&q->lock);
}

struct event *event_control_new(struct event_queue *q, atomic_uint *session_waiting, bool raw,
	uint16_t protocol, const uint8_t *data, uint32_t len)
{
	unsigned int session_max = raw ? QUEUE_RAW_SESSION : QUEUE_EVENTS_SESSION;
	unsigned int max = raw ? QUEUE_RAW_MAX : QUEUE_EVENTS_MAX;
	struct event *e;

	/* Only workers count up; two at once may pass the bound by one, which is no harm. */
	if (atomic_load_explicit(session_waiting, memory_order_relaxed) >= session_max ||
		atomic_load_explicit(&q->waiting[raw], memory_order_relaxed) >= max)
		return NULL;
	e = malloc(sizeof(*e) + len);
	if (!e)
		return NULL;
	memset(e, 0, sizeof(*e));
	e->type = DP_EVENT_CONTROL;
	e->raw = raw;
	e->protocol = protocol;
	e->len = len;
	e->data = (uint8_t *)(e + 1);
	if (len)
		memcpy(e->data, data, len);
	atomic_fetch_add_explicit(session_waiting, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&q->waiting[raw], 1, memory_order_relaxed);
	return e;
}

void event_control_free(struct event_queue *q, atomic_uint *session_waiting, struct event *e)
{
	atomic_fetch_sub_explicit(session_waiting, 1, memory_order_relaxed);
	atomic_fetch_sub_explicit(&q->waiting[e->raw], 1, memory_order_relaxed);
	explicit_bzero(e->data, e->len); /* may be a PAP password */
	free(e);
}

void event_post(struct event_queue *q, struct event_list *list)
{
	if (!list->first)
		return;
	pthread_mutex_lock(&q->lock);
	if (!q->list.first)
		wake(q->fd);
	*q->list.last = list->first;
	q->list.last = list->last;
	pthread_mutex_unlock(&q->lock);
	event_list_init(list);
}

void event_take(struct event_queue *q, struct event_list *list)
{
	clear(q->fd);
	pthread_mutex_lock(&q->lock);
	if (q->list.first) {
		list->first = q->list.first;
		list->last = q->list.last;
		event_list_init(&q->list);
	}
	pthread_mutex_unlock(&q->lock);
}
