/* What limits.h says, in the server's life: calls, logons, the log, descriptors, time. */
#include "server/server_internal.h"
#include "system/clock.h"
#include "system/log.h"

#include <arpa/inet.h>
#include <malloc.h>
#include <stdio.h>
#include <sys/resource.h>

/* Descriptors for everything that is no control connection: devices, sockets, control sockets,
 * hooks, files. */
#define RESERVE         128
#define RESERVE_WORKERS 8 /* are in it, with all that they have; each further one: */
#define RESERVE_WORKER  8
#define TICK            1000 /* ms */
/* From so many connections on their end is worth a look at the heap. */
#define TRIM_MIN 512

static const struct {
	unsigned int burst; /* lines in LOG_LIMIT_PERIOD */
	const char *what;
} log_kinds[] = {
	[SERVER_LOG_CONNECTIONS] = { 500, "about connections that came and went" },
	[SERVER_LOG_MALFORMED] = { 100, "about malformed or unexpected control messages" },
	[SERVER_LOG_REFUSED] = { 20, "about refused connections and calls" },
	[SERVER_LOG_ACCEPT] = { 1, "about connections that could not be accepted" },
	[SERVER_LOG_LOGON] = { 100, "about failed logons" },
	[SERVER_LOG_SESSIONS] = { 500, "about sessions that never authenticated" },
};

bool server_may_log(struct server *s, enum server_log kind)
{
	return log_limit_pass(&s->log_limits[kind], log_kinds[kind].burst, clock_now());
}

void server_log_limit(struct server *s, const char *subject, const char *what, enum limits_hit hit)
{
	if (!server_may_log(s, SERVER_LOG_REFUSED))
		return;
	if (hit == LIMITS_MEMORY)
		log_about(LOG_WARNING, subject, "%s refused: out of memory", what);
	else
		log_about(
			LOG_WARNING, subject, "%s refused: %s is reached", what, limits_name(hit));
}

bool server_logon_blocked(const struct server *s, const struct session *session)
{
	return limits_blocked(&s->limits, session->peer, clock_now());
}

bool server_admit_call(struct server_connection *c)
{
	struct server *s = c->server;
	const char *subject = c->connection.subject;
	struct limits_waiter *victim = NULL;
	enum limits_hit hit = LIMITS_OK;

	if (!s->stop_deadline)
		hit = limits_call(&s->limits, c->connection.peer, c->peer->max_sessions,
			clock_now(), &victim);
	/* Who asks is not ended from inside its own request; but it is no more trusted for that. */
	if (victim == &c->waiter)
		limits_spare(&s->limits, victim);
	else
		server_drop(victim);
	if (!s->stop_deadline && !hit)
		return true;
	s->refused_calls++;
	if (!s->stop_deadline)
		server_log_limit(s, subject, "call", hit);
	else if (server_may_log(s, SERVER_LOG_REFUSED))
		log_about(LOG_WARNING, subject, "call refused: the server is stopping");
	return false;
}

void server_call_began(struct server *s, const struct session *session)
{
	limits_call_began(&s->limits, session->peer);
}

void server_line_up(struct server *s, const struct session *session)
{
	limits_call_authenticated(&s->limits, session->peer);
}

void server_call_authenticated(struct server *s, const struct session *session)
{
	struct server_connection *c = session->connection ? session->connection->owner : NULL;

	limits_call_authenticated(&s->limits, session->peer);
	if (!c)
		return;
	c->trusted = true;
	limits_trust(&s->limits, &c->waiter);
}

void server_call_ended(struct server *s, const struct session *session, bool authenticated)
{
	limits_call_ended(&s->limits, session->peer, authenticated, clock_now());
}

void server_logon_failed(struct server *s, const struct session *session)
{
	char text[INET_ADDRSTRLEN];

	s->auth_failures++;
	if (!limits_auth_failed(&s->limits, session->peer, clock_now()))
		return;
	inet_ntop(AF_INET, &session->peer, text, sizeof(text));
	if (server_may_log(s, SERVER_LOG_REFUSED))
		log_about(LOG_WARNING, text,
			"too many failed logons (auth-failure-rate-per-address): connections and "
			"calls from there are refused for %llu seconds",
			LIMITS_BLOCK_TIME / 1000000);
}

/*
 * After a flood the heap has holes all over, and the C library keeps what lies between them: it is
 * told to give it back.
 */
static void give_memory_back(struct server *s)
{
	if (s->connection_count > s->most_connections)
		s->most_connections = s->connection_count;
	if (s->most_connections < TRIM_MIN || s->connection_count > s->most_connections / 2)
		return;
	s->most_connections = s->connection_count;
	malloc_trim(0);
}

/* What was held back is told, or it would be as if nothing had been. */
static void on_tick(uv_timer_t *timer)
{
	struct server *s = timer->data;
	uint64_t now = clock_now();

	limits_tick(&s->limits, now);
	give_memory_back(s);
	for (int i = 0; i < SERVER_LOG_KINDS; i++) {
		unsigned int held = log_limit_held(&s->log_limits[i], now);

		if (held)
			log_warning("%u more lines %s were held back", held, log_kinds[i].what);
	}
}

static void raise_descriptor_limit(struct limits_config *limits, unsigned int workers)
{
	unsigned int wanted = limits->connections.all, reserve = RESERVE;
	struct rlimit limit;
	rlim_t room;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	if (workers > RESERVE_WORKERS)
		reserve += (workers - RESERVE_WORKERS) * RESERVE_WORKER;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur == RLIM_INFINITY)
		return;
	room = limit.rlim_cur > 2 * reserve ? limit.rlim_cur - reserve : limit.rlim_cur / 2;
	if (room >= wanted)
		return;
	limits->connections.all = room ? (unsigned int)room : 1;
	log_warning(
		"only %llu descriptors are allowed: %u connections at once, not %u "
		"(max-connections); for those set LimitNOFILE=%u (systemd.exec(5)) or ulimit -n",
		(unsigned long long)limit.rlim_cur, limits->connections.all, wanted,
		wanted + reserve);
}

int server_guard_init(struct server *s, char *why)
{
	uint64_t seed;

	raise_descriptor_limit(&s->config.limits, s->config.workers);
	random_bytes(&seed, sizeof(seed));
	if (limits_init(&s->limits, &s->config.limits, seed) < 0) {
		snprintf(why, SYSTEM_WHY, "out of memory");
		return -1;
	}
	return 0;
}

void server_guard_start(struct server *s)
{
	uv_timer_init(&s->loop, &s->guard);
	s->guard.data = s;
	uv_timer_start(&s->guard, on_tick, TICK, TICK);
	uv_unref((uv_handle_t *)&s->guard);
}
