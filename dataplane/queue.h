/*
 * The two queues between the control thread and a worker: commands in, events out. Each has a
 * descriptor that is written only when its queue turns non-empty.
 *
 * Commands are unbounded (the control thread is ours). Events are bounded, in all and per session,
 * for peers cause them: one peer's flood takes nobody else's place. Those that must not be lost
 * (RESET, DESYNC, REMOVED) have their place in the session, so there is always room for them.
 */
#pragma once

#include "dataplane/dataplane.h"
#include "dataplane/frame.h"

#include <pthread.h>
#include <stdatomic.h>

#define QUEUE_EVENTS_MAX     4096
#define QUEUE_EVENTS_SESSION 32 /* control frames of one session that wait */
/*
 * Nor is their number in time unbounded, for each costs the control thread work and most an answer:
 * after a burst, one in this time goes on. A link needs about twenty to come up, and then next to
 * none.
 */
#define QUEUE_CONTROL_BURST    64
#define QUEUE_CONTROL_INTERVAL 4000 /* us */

/* The same for raw sessions, whose every frame is one for the control thread: a line carries some
 * Mbit/s at most. They are counted apart, so that lines never take control frames' places. */
#define QUEUE_RAW_MAX      4096
#define QUEUE_RAW_SESSION  256
#define QUEUE_RAW_BURST    1024
#define QUEUE_RAW_INTERVAL 100 /* us */

struct dp_route;

enum command_type {
	COMMAND_ADD,
	COMMAND_REMOVE,
	COMMAND_FORGET, /* to the other workers: the routes of a session that is removed */
	COMMAND_SEND,
	COMMAND_SET_PEER,
	COMMAND_SET_PATH,
	COMMAND_SET_FRAMING,
	COMMAND_SET_TX,
	COMMAND_SET_RX,
	COMMAND_SET_PACK,
	COMMAND_SET_UNPACK,
	COMMAND_SET_VJ,
	COMMAND_SET_LIMIT,
	COMMAND_RESET_REQUESTED,
	COMMAND_OPEN,
	COMMAND_OPEN6,
	COMMAND_ADD_ROUTE,
	COMMAND_SET_HOP,
	COMMAND_RENEW_INNER, /* of no session */
	COMMAND_STOP,
};

struct command {
	struct command *next;
	enum command_type type;
	bool waited; /* on the stack of command_post_wait() */
	bool done;
	struct dp_session *session;
	union {
		struct {
			uint16_t protocol;
			uint32_t len;
		} send;
		struct {
			uint16_t call_id, window, delay;
		} peer;
		uint16_t path_mtu;
		struct {
			bool acfc, pfc;
			uint16_t mru;
		} framing;
		struct {
			bool on;
			struct mppe_params params;
			uint8_t start[16];
		} mppe;
		struct codec *codec; /* the tunnel's when it is executed; NULL: none */
		struct {
			struct vj *vj; /* as codec */
			bool sending;
		} headers;
		struct {
			struct limiter *limiter; /* the session's; the same one each time */
			struct bucket_limit send, receive;
		} limit;
		struct dp_route *route;
		struct frame_hop hop;
		bool open;
	};
	uint8_t data[]; /* COMMAND_SEND: the frame's information field */
};

struct command_queue {
	pthread_mutex_t lock;
	pthread_cond_t finished;
	struct command *first, **last;
	int fd;
};

/* A negative errno. */
int command_queue_init(struct command_queue *q);
void command_queue_done(struct command_queue *q); /* frees what is left in it */

/* `c` from the heap; it is the queue's now. */
void command_post(struct command_queue *q, struct command *c);
/* `c` stays the caller's; returns when the worker has executed it. For when the heap is exhausted.
 */
void command_post_wait(struct command_queue *q, struct command *c);

/* Is there any? Without a look at the descriptor. */
bool command_waits(struct command_queue *q);

/* Worker: all that waits, in order. */
struct command *command_take(struct command_queue *q);
/* Worker: `c` was executed. Wipes and frees it, or wakes who waits for it. */
void command_finish(struct command_queue *q, struct command *c);

struct event {
	struct event *next;
	struct dp_session *session;
	enum dp_event_type type;
	atomic_bool queued; /* of those that are part of a session: on its way, must not be linked
			       again */
	bool raw;           /* of a raw session */
	uint16_t protocol;
	uint32_t len;
	uint8_t *data; /* DP_EVENT_CONTROL: behind the struct, one heap block */
};

struct event_list {
	struct event *first, **last;
};

struct event_queue {
	pthread_mutex_t lock;
	struct event_list list;
	int fd;
	atomic_uint waiting[2]; /* control frames, raw frames: from creation to dispatch */
};

int event_queue_init(struct event_queue *q);
void event_queue_done(struct event_queue *q);

/*
 * A control frame's event with a copy of `data`; NULL if a bound (or the heap) says no.
 * `session_waiting` is the session's counter. Worker.
 */
struct event *event_control_new(struct event_queue *q, atomic_uint *session_waiting, bool raw,
	uint16_t protocol, const uint8_t *data, uint32_t len);
/* The control thread is done with it. */
void event_control_free(struct event_queue *q, atomic_uint *session_waiting, struct event *e);

void event_list_init(struct event_list *list);
void event_list_add(struct event_list *list, struct event *e);
struct event *event_list_take(struct event_list *list);

/* Adds an event that is part of a session; not if it is on its way already: told once is enough. */
void event_list_add_once(struct event_list *list, struct event *e);

/* Worker: moves all of `list` to the queue. */
void event_post(struct event_queue *q, struct event_list *list);
/* Control thread: moves all of the queue to `list`, which must be empty, and clears the descriptor.
 */
void event_take(struct event_queue *q, struct event_list *list);
