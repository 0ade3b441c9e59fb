/* Limits in all and per source address: see limits.h. */
#include "server/limits.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BITS_MIN  6
#define BITS_MAX  20
#define SECOND    1000000ull
#define FORGET_AT 64 /* entries forgotten at once at most: no operation takes long */

struct limits_link {
	struct limits_address *next, *prev;
};

struct limits_address {
	struct limits_address *next; /* in its bucket */
	struct limits_link idle;     /* in the list of idle ones */
	in_addr_t address;
	bool is_idle;
	unsigned int connections, sessions, unauthenticated;
	uint64_t start_at, auth_at; /* state of its buckets: the time at which they are full */
	uint64_t blocked_until, idle_since;
	struct {
		struct limits_link rank; /* among those with as many waiters */
		struct limits_waiter *oldest, *newest;
		unsigned int count;
	} waiting[LIMITS_CLASSES];
};

struct limits_rank {
	struct limits_address *first, *last;
};

const char *limits_name(enum limits_hit hit)
{
	static const char *const names[] = { "",
#define X(name, key) key,
		LIMITS_HITS(X)
#undef X
	};

	return (unsigned int)hit < LIMITS_HIT_COUNT ? names[hit] : "";
}

int limits_rate_parse(const char *text, struct limits_rate *rate)
{
	unsigned long n;
	uint64_t unit;
	char *end;

	if (!strcmp(text, "off")) {
		*rate = (struct limits_rate){ 0 };
		return 0;
	}
	if (*text < '0' || *text > '9')
		return -EINVAL;
	n = strtoul(text, &end, 10);
	if (n < 1 || n > 1000000)
		return -EINVAL;
	if (!strcmp(end, "/s"))
		unit = SECOND;
	else if (!strcmp(end, "/min"))
		unit = 60 * SECOND;
	else
		return -EINVAL;
	*rate = (struct limits_rate){ .interval = unit / n, .burst = n };
	return 0;
}

/* ---- token buckets ---- */

/* `at` is when the bucket will be full again: one number is the whole state. */
static bool has_token(const struct limits_rate *rate, uint64_t at, uint64_t now)
{
	uint64_t lacking = at > now ? at - now : 0;

	return lacking + rate->interval <= rate->interval * rate->burst;
}

static void take_token(const struct limits_rate *rate, uint64_t *at, uint64_t now)
{
	*at = (*at > now ? *at : now) + rate->interval;
}

/* ---- addresses ---- */

static size_t bucket_of(const struct limits *l, in_addr_t address)
{
	uint64_t h = (address ^ l->seed) * 0x9e3779b97f4a7c15u;

	h = (h ^ h >> 29) * 0xbf58476d1ce4e5b9u;
	return (size_t)(h >> (64 - l->bits));
}

static struct limits_address *find(const struct limits *l, struct in_addr from)
{
	struct limits_address *a = l->buckets[bucket_of(l, from.s_addr)];

	while (a && a->address != from.s_addr)
		a = a->next;
	return a;
}

/* No memory for it: the chains grow longer, and all still works. */
static void grow(struct limits *l)
{
	struct limits_address **old = l->buckets;
	size_t n = (size_t)1 << l->bits;
	struct limits_address **buckets = calloc(n * 2, sizeof(struct limits_address *));

	if (!buckets)
		return;
	l->buckets = buckets;
	l->bits++;
	for (size_t i = 0; i < n; i++) {
		struct limits_address *next;

		for (struct limits_address *a = old[i]; a; a = next) {
			struct limits_address **slot = &buckets[bucket_of(l, a->address)];

			next = a->next;
			a->next = *slot;
			*slot = a;
		}
	}
	free(old);
}

static struct limits_address *find_or_add(struct limits *l, struct in_addr from)
{
	struct limits_address *a = find(l, from), **slot;

	if (a)
		return a;
	a = calloc(1, sizeof(*a));
	if (!a)
		return NULL;
	if (l->count >= (size_t)1 << l->bits && l->bits < BITS_MAX)
		grow(l);
	slot = &l->buckets[bucket_of(l, from.s_addr)];
	a->address = from.s_addr;
	a->next = *slot;
	*slot = a;
	l->count++;
	return a;
}

static void leave_idle(struct limits *l, struct limits_address *a)
{
	if (!a->is_idle)
		return;
	a->is_idle = false;
	l->idle--;
	if (a->idle.next)
		a->idle.next->idle.prev = a->idle.prev;
	else
		l->idle_last = a->idle.prev;
	if (a->idle.prev)
		a->idle.prev->idle.next = a->idle.next;
	else
		l->idle_first = a->idle.next;
	a->idle = (struct limits_link){ 0 };
}

static void forget(struct limits *l, struct limits_address *a)
{
	struct limits_address **at = &l->buckets[bucket_of(l, a->address)];

	leave_idle(l, a);
	while (*at != a) {
		assert(*at);
		at = &(*at)->next;
	}
	*at = a->next;
	l->count--;
	free(a);
}

static void enter_idle(struct limits *l, struct limits_address *a, uint64_t now)
{
	if (a->connections || a->sessions || a->is_idle)
		return;
	a->is_idle = true;
	a->idle_since = now;
	a->idle.prev = l->idle_last;
	if (l->idle_last)
		l->idle_last->idle.next = a;
	else
		l->idle_first = a;
	l->idle_last = a;
	if (++l->idle > LIMITS_IDLE_MAX)
		forget(l, l->idle_first);
}

void limits_tick(struct limits *l, uint64_t now)
{
	for (int i = 0; i < FORGET_AT && l->idle_first; i++) {
		if (now < l->idle_first->idle_since + LIMITS_FORGET)
			return;
		forget(l, l->idle_first);
	}
}

/* ---- waiters, and addresses by their number ---- */

static void rank_leave(struct limits *l, struct limits_address *a, enum limits_class class)
{
	struct limits_link *link = &a->waiting[class].rank;
	struct limits_rank *rank = &l->ranks[class][a->waiting[class].count];

	if (link->next)
		link->next->waiting[class].rank.prev = link->prev;
	else
		rank->last = link->prev;
	if (link->prev)
		link->prev->waiting[class].rank.next = link->next;
	else
		rank->first = link->next;
	*link = (struct limits_link){ 0 };
}

static void rank_enter(struct limits *l, struct limits_address *a, enum limits_class class)
{
	struct limits_link *link = &a->waiting[class].rank;
	struct limits_rank *rank = &l->ranks[class][a->waiting[class].count];

	link->prev = rank->last;
	if (rank->last)
		rank->last->waiting[class].rank.next = a;
	else
		rank->first = a;
	rank->last = a;
}

static void count_waiters(
	struct limits *l, struct limits_address *a, enum limits_class class, bool more)
{
	unsigned int *count = &a->waiting[class].count;

	if (*count)
		rank_leave(l, a, class);
	*count += more ? 1u : -1u;
	l->waiting[class] += more ? 1u : -1u;
	if (*count)
		rank_enter(l, a, class);
	if (*count > l->top[class])
		l->top[class] = *count;
	/* A step down at a time, for each step up that there was. */
	while (l->top[class] && !l->ranks[class][l->top[class]].first)
		l->top[class]--;
}

static void wait_no_longer(struct limits *l, struct limits_waiter *w)
{
	struct limits_address *a = w->address;
	enum limits_class class = w->class;

	if (!a || class >= LIMITS_CLASSES)
		return;
	if (w->next)
		w->next->prev = w->prev;
	else
		a->waiting[class].newest = w->prev;
	if (w->prev)
		w->prev->next = w->next;
	else
		a->waiting[class].oldest = w->next;
	w->next = w->prev = NULL;
	w->class = LIMITS_NO_CLASS;
	count_waiters(l, a, class, false);
}

static void wait_in(struct limits *l, struct limits_waiter *w, enum limits_class class)
{
	struct limits_address *a = w->address;

	w->class = class;
	w->next = NULL;
	w->prev = a->waiting[class].newest;
	if (w->prev)
		w->prev->next = w;
	else
		a->waiting[class].oldest = w;
	a->waiting[class].newest = w;
	count_waiters(l, a, class, true);
}

struct limits_waiter *limits_victim(struct limits *l, enum limits_class class)
{
	struct limits_waiter *w;

	if (!l->top[class])
		return NULL;
	w = l->ranks[class][l->top[class]].first->waiting[class].oldest;
	wait_no_longer(l, w);
	l->dropped[class]++;
	return w;
}

void limits_spare(struct limits *l, struct limits_waiter *w)
{
	if (!w->address || w->class != LIMITS_NO_CLASS)
		return;
	l->dropped[LIMITS_PENDING]--;
	wait_in(l, w, LIMITS_PENDING);
}

/* ---- the limits ---- */

int limits_init(struct limits *l, const struct limits_config *config, uint64_t seed)
{
	memset(l, 0, sizeof(*l));
	l->config = *config;
	l->seed = seed;
	l->bits = BITS_MIN;
	l->buckets = calloc((size_t)1 << l->bits, sizeof(struct limits_address *));
	for (int class = 0; class < LIMITS_CLASSES; class ++) {
		if (l->config.waiting[class].per_address > LIMITS_CLASS_MAX)
			l->config.waiting[class].per_address = LIMITS_CLASS_MAX;
		l->ranks[class] = calloc(
			l->config.waiting[class].per_address + 1ul, sizeof(struct limits_rank));
		if (!l->ranks[class])
			break;
	}
	if (l->buckets && l->ranks[LIMITS_HALF_OPEN] && l->ranks[LIMITS_PENDING])
		return 0;
	limits_done(l);
	return -ENOMEM;
}

void limits_done(struct limits *l)
{
	for (size_t i = 0; l->buckets && i < (size_t)1 << l->bits; i++) {
		while (l->buckets[i]) {
			struct limits_address *a = l->buckets[i];

			l->buckets[i] = a->next;
			free(a);
		}
	}
	free(l->buckets);
	for (int class = 0; class < LIMITS_CLASSES; class ++)
		free(l->ranks[class]);
	memset(l, 0, sizeof(*l));
}

static enum limits_hit refuse(struct limits *l, enum limits_hit hit)
{
	l->hits[hit]++;
	return hit;
}

static bool is_over(const struct limits_rate *rate, uint64_t at, uint64_t now)
{
	return rate->interval && !has_token(rate, at, now);
}

/* What speaks against a connection from this address (NULL: it has no entry). */
static enum limits_hit check_connection(const struct limits *l, const struct limits_address *a,
	unsigned int max_connections, uint64_t now)
{
	const struct limits_config *c = &l->config;

	if (!max_connections)
		max_connections = c->connections.per_address;
	if (a && now < a->blocked_until)
		return LIMITS_AUTH_FAILURE_RATE;
	if (a && a->connections >= max_connections)
		return LIMITS_MAX_CONNECTIONS_PER_ADDRESS;
	if (a && a->waiting[LIMITS_HALF_OPEN].count >= c->waiting[LIMITS_HALF_OPEN].per_address)
		return LIMITS_MAX_HALF_OPEN_PER_ADDRESS;
	if (a && is_over(&c->start_per_address, a->start_at, now))
		return LIMITS_START_RATE_PER_ADDRESS;
	if (is_over(&c->start, l->start_at, now))
		return LIMITS_START_RATE;
	if (l->connections >= c->connections.all)
		return LIMITS_MAX_CONNECTIONS;
	return LIMITS_OK;
}

/*
 * Someone for whom a new connection may come although there are max-connections, or NULL. Classes
 * can be wider than that, by the configuration or where descriptors are few: a flood would lock
 * everybody out without ever filling one.
 */
static struct limits_waiter *make_connection(struct limits *l)
{
	const unsigned int *top = l->top, *waiting = l->waiting;
	bool pending = top[LIMITS_PENDING] > top[LIMITS_HALF_OPEN] ||
		       (top[LIMITS_PENDING] == top[LIMITS_HALF_OPEN] &&
			       waiting[LIMITS_PENDING] > waiting[LIMITS_HALF_OPEN]);

	if (l->connections >= l->config.connections.all + LIMITS_OVERDRAFT)
		return NULL;
	/* Nor may the new one find its own class full, and somebody else go as well. */
	if (waiting[LIMITS_HALF_OPEN] >= l->config.waiting[LIMITS_HALF_OPEN].all)
		pending = false;
	return limits_victim(l, pending ? LIMITS_PENDING : LIMITS_HALF_OPEN);
}

/* Room in a class for one more of this address. */
static enum limits_hit make_room(struct limits *l, const struct limits_address *a,
	enum limits_class class, struct limits_waiter **victim)
{
	static const enum limits_hit in_all[] = { LIMITS_MAX_HALF_OPEN, LIMITS_MAX_PENDING };
	static const enum limits_hit of_address[] = { LIMITS_MAX_HALF_OPEN_PER_ADDRESS,
		LIMITS_MAX_PENDING_PER_ADDRESS };
	const struct limits_max *max = &l->config.waiting[class];

	*victim = NULL;
	if (a->waiting[class].count >= max->per_address)
		return refuse(l, of_address[class]);
	if (l->waiting[class] < max->all)
		return LIMITS_OK;
	l->hits[in_all[class]]++;
	*victim = limits_victim(l, class);
	return LIMITS_OK;
}

enum limits_hit limits_connect(struct limits *l, struct limits_waiter *w, struct in_addr from,
	unsigned int max_connections, uint64_t now, struct limits_waiter **victim)
{
	struct limits_address *a = find(l, from);
	enum limits_hit hit = check_connection(l, a, max_connections, now);
	struct limits_waiter *other = NULL;

	*victim = NULL;
	limits_tick(l, now);
	if (hit && hit != LIMITS_MAX_CONNECTIONS)
		return refuse(l, hit);
	a = find_or_add(l, from);
	if (!a)
		return refuse(l, LIMITS_MEMORY);
	leave_idle(l, a);
	if (hit) {
		l->hits[hit]++;
		other = make_connection(l);
		if (!other) {
			enter_idle(l, a, now);
			return hit;
		}
	}
	if (l->config.start.interval)
		take_token(&l->config.start, &l->start_at, now);
	if (l->config.start_per_address.interval)
		take_token(&l->config.start_per_address, &a->start_at, now);
	(void)make_room(l, a, LIMITS_HALF_OPEN, victim); /* that of the address was checked */
	if (other)
		*victim = other;
	a->connections++;
	l->connections++;
	w->address = a;
	wait_in(l, w, LIMITS_HALF_OPEN);
	return LIMITS_OK;
}

enum limits_hit limits_start(
	struct limits *l, struct limits_waiter *w, struct limits_waiter **victim)
{
	enum limits_hit hit;

	*victim = NULL;
	if (!w->address || w->class != LIMITS_HALF_OPEN)
		return LIMITS_OK;
	hit = make_room(l, w->address, LIMITS_PENDING, victim);
	wait_no_longer(l, w);
	if (!hit)
		wait_in(l, w, LIMITS_PENDING);
	return hit;
}

void limits_trust(struct limits *l, struct limits_waiter *w)
{
	wait_no_longer(l, w);
}

void limits_disconnect(struct limits *l, struct limits_waiter *w, uint64_t now)
{
	struct limits_address *a = w->address;

	if (!a)
		return;
	wait_no_longer(l, w);
	w->address = NULL;
	l->connections--;
	a->connections--;
	enter_idle(l, a, now);
}

bool limits_blocked(const struct limits *l, struct in_addr from, uint64_t now)
{
	const struct limits_address *a = find(l, from);

	return a && now < a->blocked_until;
}

enum limits_hit limits_call(struct limits *l, struct in_addr from, unsigned int max_sessions,
	uint64_t now, struct limits_waiter **victim)
{
	const struct limits_config *c = &l->config;
	const struct limits_address *a = find(l, from);

	*victim = NULL;
	if (!max_sessions)
		max_sessions = c->sessions.per_address;
	/* A connection that is there already is no way around it. */
	if (a && now < a->blocked_until)
		return refuse(l, LIMITS_AUTH_FAILURE_RATE);
	if (l->sessions >= c->sessions.all)
		return refuse(l, LIMITS_MAX_SESSIONS);
	if (a && a->sessions >= max_sessions)
		return refuse(l, LIMITS_MAX_SESSIONS_PER_ADDRESS);
	if (a && a->unauthenticated >= c->unauthenticated.per_address)
		return refuse(l, LIMITS_MAX_UNAUTHENTICATED_PER_ADDRESS);
	if (l->unauthenticated >= c->unauthenticated.all) {
		*victim = limits_victim(l, LIMITS_PENDING);
		return refuse(l, LIMITS_MAX_UNAUTHENTICATED);
	}
	return LIMITS_OK;
}

void limits_call_began(struct limits *l, struct in_addr from)
{
	/* A connection that we have dialled has none; nor where memory was short. */
	struct limits_address *a = find_or_add(l, from);

	if (a) {
		leave_idle(l, a);
		a->sessions++;
		a->unauthenticated++;
	}
	l->sessions++;
	l->unauthenticated++;
}

void limits_call_authenticated(struct limits *l, struct in_addr from)
{
	struct limits_address *a = find(l, from);

	if (a && a->unauthenticated)
		a->unauthenticated--;
	l->unauthenticated--;
}

void limits_call_ended(struct limits *l, struct in_addr from, bool authenticated, uint64_t now)
{
	struct limits_address *a = find(l, from);

	if (!authenticated)
		limits_call_authenticated(l, from);
	l->sessions--;
	if (!a || !a->sessions)
		return;
	a->sessions--;
	enter_idle(l, a, now);
}

bool limits_auth_failed(struct limits *l, struct in_addr from, uint64_t now)
{
	const struct limits_rate *rate = &l->config.auth_failure;
	struct limits_address *a = find(l, from);

	if (!a || !rate->interval)
		return false;
	if (has_token(rate, a->auth_at, now)) {
		take_token(rate, &a->auth_at, now);
		return false;
	}
	a->blocked_until = now + LIMITS_BLOCK_TIME;
	return true;
}
