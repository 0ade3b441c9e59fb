/*
 * What strangers may take from the server, in all and per source address: connections, half-open
 * and pending ones, sessions, unauthenticated calls; how fast they may connect and how often they
 * may fail to authenticate. Pure bookkeeping: no I/O, no clock (`now` in microseconds).
 *
 * One entry per source address in a hash table. An entry without connection and session lives on
 * only for its token buckets: LIMITS_FORGET long, at most LIMITS_IDLE_MAX of them (the longest idle
 * goes first). All operations take constant time, whatever an attacker opens.
 *
 * A connection waits in one of two classes, half-open (no Start-Control-Connection-Request yet) and
 * pending (none of its calls has authenticated yet), or in none. Where a class is full in all,
 * somebody must go, or a flood would lock everybody out for as long as it lasts. It is the oldest
 * waiter of the address that has most of them: a flood from one address then costs that address
 * only, and against a flood from many addresses a good client, which is half-open for one round
 * trip and pending for a second, is nearly always younger than those that hold on to their place.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LIMITS_IDLE_MAX  32768        /* entries kept for their buckets alone */
#define LIMITS_FORGET    180000000ull /* us after which they are forgotten: buckets are full by then */
#define LIMITS_CLASS_MAX 65536        /* largest limit per address of a class */
#define LIMITS_BLOCK_TIME                                                                          \
	60000000ull         /* us without a connection or call after too many failed logons */
#define LIMITS_OVERDRAFT 64 /* connections beyond max-connections, while those that go are closed */

/* X(NAME, "key of the configuration") */
#define LIMITS_HITS(X)                                                                             \
	X(MAX_CONNECTIONS, "max-connections")                                                      \
	X(MAX_CONNECTIONS_PER_ADDRESS, "max-connections-per-address")                              \
	X(MAX_HALF_OPEN, "max-half-open")                                                          \
	X(MAX_HALF_OPEN_PER_ADDRESS, "max-half-open-per-address")                                  \
	X(MAX_PENDING, "max-pending")                                                              \
	X(MAX_PENDING_PER_ADDRESS, "max-pending-per-address")                                      \
	X(MAX_SESSIONS, "max-sessions")                                                            \
	X(MAX_SESSIONS_PER_ADDRESS, "max-sessions-per-address")                                    \
	X(MAX_UNAUTHENTICATED, "max-unauthenticated-calls")                                        \
	X(MAX_UNAUTHENTICATED_PER_ADDRESS, "max-unauthenticated-calls-per-address")                \
	X(START_RATE, "start-rate")                                                                \
	X(START_RATE_PER_ADDRESS, "start-rate-per-address")                                        \
	X(AUTH_FAILURE_RATE, "auth-failure-rate-per-address")                                      \
	X(MEMORY, "memory")

enum limits_hit {
	LIMITS_OK,
#define X(name, key) LIMITS_##name,
	LIMITS_HITS(X)
#undef X
		LIMITS_HIT_COUNT
};

/* The configuration's key of a limit, as "max-half-open". Never NULL. */
const char *limits_name(enum limits_hit hit);

/* At most `burst` events at once, and one more each `interval` us; interval 0: no limit. */
struct limits_rate {
	uint64_t interval, burst;
};

/* "N/s" or "N/min" (N 1 to 1000000; so many at once), or "off". 0, or -EINVAL. */
int limits_rate_parse(const char *text, struct limits_rate *rate);

/* Maxima; of counts, all are at least 1. */
struct limits_max {
	unsigned int all, per_address;
};

enum limits_class { LIMITS_HALF_OPEN, LIMITS_PENDING, LIMITS_CLASSES, LIMITS_NO_CLASS };

struct limits_config {
	struct limits_max connections, sessions, unauthenticated;
	struct limits_max waiting[LIMITS_CLASSES]; /* per_address up to LIMITS_CLASS_MAX */
	struct limits_rate start, start_per_address, auth_failure;
};

struct limits_address;

/* A connection, in storage of the caller's; zeroed before limits_connect(). */
struct limits_waiter {
	struct limits_waiter *next, *prev;
	struct limits_address *address; /* NULL: not counted */
	enum limits_class class;
};

struct limits_rank;

struct limits {
	struct limits_config config;
	struct limits_address **buckets;
	struct limits_address *idle_first, *idle_last; /* the longest idle first */
	unsigned int bits;                             /* 1 << bits buckets */
	size_t count, idle;                            /* entries; those of them without use */
	uint64_t seed;
	unsigned int connections, sessions, unauthenticated, waiting[LIMITS_CLASSES];
	uint64_t start_at; /* state of the bucket in all */
	/* By class: addresses by their number of waiters, and the largest number there is. */
	struct limits_rank *ranks[LIMITS_CLASSES];
	unsigned int top[LIMITS_CLASSES];
	uint64_t hits[LIMITS_HIT_COUNT];
	uint64_t dropped[LIMITS_CLASSES]; /* waiters that had to make room */
};

/* 0, or -ENOMEM. `seed`: random, so that nobody chooses the chain that his addresses land in. */
int limits_init(struct limits *l, const struct limits_config *config, uint64_t seed);
void limits_done(struct limits *l);

/*
 * A connection came: counted and half-open, or refused (then not counted, w untouched). *victim: a
 * waiter that had to make room (in its class, or because max-connections is reached), or NULL; it
 * counts as a connection still, but waits no longer: the caller ends it. max_connections: the limit for this address, 0: the configuration's.
 */
enum limits_hit limits_connect(struct limits *l, struct limits_waiter *w, struct in_addr from,
	unsigned int max_connections, uint64_t now, struct limits_waiter **victim);
/* Its Start exchange begins: from half-open to pending. A hit: it must be refused. */
enum limits_hit limits_start(
	struct limits *l, struct limits_waiter *w, struct limits_waiter **victim);
/* One of its calls has authenticated: it waits no longer, for good. Again: nothing. */
void limits_trust(struct limits *l, struct limits_waiter *w);
/* The connection is gone. */
void limits_disconnect(struct limits *l, struct limits_waiter *w, uint64_t now);
/* One that waits in `class` and may go, as for a full class; NULL: there is none. */
struct limits_waiter *limits_victim(struct limits *l, enum limits_class class);
/* Such a pending one that its owner does not end after all: it waits again. */
void limits_spare(struct limits *l, struct limits_waiter *w);

/*
 * May this address have one more call, now? Nothing is counted yet but the refusal. max_sessions as
 * above. Where max-unauthenticated-calls is reached in all, *victim is a pending connection that
 * should go for it: not in time for this call, but for the next.
 */
enum limits_hit limits_call(struct limits *l, struct in_addr from, unsigned int max_sessions,
	uint64_t now, struct limits_waiter **victim);
/* A call began, in a connection from `from`; authenticated; ended. Each call ends once. */
void limits_call_began(struct limits *l, struct in_addr from);
void limits_call_authenticated(struct limits *l, struct in_addr from);
void limits_call_ended(struct limits *l, struct in_addr from, bool authenticated, uint64_t now);

/* A logon from there failed. True: one too many, connections and calls from there are refused for
 * LIMITS_BLOCK_TIME. */
bool limits_auth_failed(struct limits *l, struct in_addr from, uint64_t now);
/* Is that time under way? No logon from there is to be looked at then. */
bool limits_blocked(const struct limits *l, struct in_addr from, uint64_t now);

/* Forgets what can be forgotten; now and then. */
void limits_tick(struct limits *l, uint64_t now);
