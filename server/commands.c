/* The server's control socket: status, sessions, session, disconnect, stats. */
#include "server/server_internal.h"
#include "session/report.h"
#include "system/clock.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What the limits bound, now. */
static void add_use(json_t *o, const struct limits *l)
{
	json_object_set_new(o, "max_connections", json_integer(l->config.connections.all));
	json_object_set_new(o, "half_open", json_integer(l->waiting[LIMITS_HALF_OPEN]));
	json_object_set_new(o, "pending", json_integer(l->waiting[LIMITS_PENDING]));
	json_object_set_new(o, "unauthenticated_calls", json_integer(l->unauthenticated));
}

/* The peers that are dialled, and what has come of it. */
static json_t *kept_peers(const struct server *s)
{
	const struct peers *p = &s->config.peers;
	json_t *array = json_array();

	for (size_t i = 0; i < p->count && p->list[i].len == 32; i++) {
		const struct kept *kept = kept_find(s, &p->list[i]);
		char text[INET_ADDRSTRLEN];
		json_t *o;

		if (!kept)
			continue;
		o = json_object();
		inet_ntop(AF_INET, &p->list[i].prefix, text, sizeof(text));
		json_object_set_new(o, "peer", json_string(text));
		json_object_set_new(o, "state", json_string(kept_state(kept)));
		json_array_append_new(array, o);
	}
	return array;
}

/* How often each limit was hit, by its key. */
static json_t *limit_hits(const struct limits *l)
{
	json_t *o = json_object();

	for (int i = 1; i < LIMITS_HIT_COUNT; i++)
		json_object_set_new(
			o, limits_name((enum limits_hit)i), json_integer((json_int_t)l->hits[i]));
	return o;
}

static void set_count(json_t *o, const char *key, uint64_t value)
{
	json_object_set_new(o, key, json_integer((json_int_t)value));
}

static json_t *line_counters(const struct server_lines *l)
{
	json_t *o = json_object();

	set_count(o, "dialled", l->exchange.dialled);
	set_count(o, "rung", l->rung);
	set_count(o, "without_pns", l->no_pns);
	set_count(o, "connected", l->exchange.connected);
	set_count(o, "refused", l->exchange.refused);
	set_count(o, "in_use", l->exchange.circuit_count);
	return o;
}

static json_t *hook_counters(const struct hooks *h)
{
	json_t *o = json_object();

	set_count(o, "run", h->started);
	set_count(o, "failed", h->failed);
	set_count(o, "killed", h->killed);
	set_count(o, "dropped", h->dropped);
	set_count(o, "running", h->running);
	set_count(o, "waiting", h->waiting);
	return o;
}

static json_t *status(const struct server *s)
{
	json_t *o = json_object(), *listen = json_array();
	char text[INET_ADDRSTRLEN];

	json_object_set_new(o, "role", json_string("server"));
	json_object_set_new(o, "version", json_string(GREYLINE_VERSION));
	json_object_set_new(o, "pid", json_integer(getpid()));
	json_object_set_new(
		o, "uptime", json_integer((json_int_t)((clock_now() - s->started) / 1000000)));
	for (unsigned int i = 0; i < s->config.listen_count; i++) {
		char at[INET_ADDRSTRLEN + 8];

		inet_ntop(AF_INET, &s->config.listen[i].sin_addr, text, sizeof(text));
		snprintf(at, sizeof(at), "%s:%u", text, ntohs(s->config.listen[i].sin_port));
		json_array_append_new(listen, json_string(at));
	}
	json_object_set_new(o, "listen", listen);
	json_object_set_new(o, "device", json_string(s->network.dev));
	inet_ntop(AF_INET, &s->config.local, text, sizeof(text));
	json_object_set_new(o, "address", json_string(text));
	json_object_set_new(o, "connections", json_integer(s->connection_count));
	json_object_set_new(o, "sessions", json_integer(s->hub.count));
	add_use(o, &s->limits);
	json_object_set_new(o, "peers", kept_peers(s));
	json_object_set_new(
		o, "addresses", json_integer(s->config.pool.size - s->config.pool.reserved));
	json_object_set_new(o, "addresses_used", json_integer(s->config.pool.used));
	json_object_set_new(
		o, "prefixes", json_integer(s->config.pool6.size ? s->config.pool6.size - 1 : 0));
	json_object_set_new(o, "prefixes_used", json_integer(s->config.pool6.used));
	json_object_set_new(o, "mppe", json_string(cfg_getstr(s->config.cfg, "mppe")));
	json_object_set_new(o, "stopping", json_boolean(s->stop_deadline != 0));
	return o;
}

static void ignored_messages(json_t *o, const struct server *s)
{
	uint64_t unexpected = s->unexpected, unknown = s->unknown_call_ids;

	for (const struct server_connection *c = s->connections; c; c = c->next) {
		unexpected += c->connection.control.unexpected;
		unknown += c->connection.control.unknown_call_id;
	}
	set_count(o, "unexpected_messages", unexpected);
	set_count(o, "unknown_call_ids", unknown);
}

/* How packets find their workers. */
static json_t *steering(const struct server_queues *q)
{
	const char *inner = !q->has_inner ? "none" : q->steered ? "address" : "kernel";
	json_t *o = json_object();

	json_object_set_new(o, "steering_inner", json_string(inner));
	json_object_set_new(o, "steering_gre", json_string(q->has_gre ? "call-id" : "none"));
	json_object_set_new(o, "steering_resting", json_integer(__builtin_popcount(q->resting)));
	return o;
}

static json_t *stats(const struct server *s)
{
	json_t *o = report_stats(&s->hub);

	json_object_set_new(o, "steering", steering(&s->network.queues));
	json_object_set_new(o, "connections", json_integer(s->connection_count));
	json_object_set_new(o, "accepted", json_integer((json_int_t)s->accepted));
	json_object_set_new(
		o, "refused_connections", json_integer((json_int_t)s->refused_connections));
	json_object_set_new(o, "refused_calls", json_integer((json_int_t)s->refused_calls));
	json_object_set_new(o, "auth_failures", json_integer((json_int_t)s->auth_failures));
	json_object_set_new(o, "pool_empty", json_integer((json_int_t)s->pool_empty));
	set_count(o, "pool6_empty", s->pool6_empty);
	json_object_set_new(o, "limits", limit_hits(&s->limits));
	set_count(o, "dropped_half_open", s->limits.dropped[LIMITS_HALF_OPEN]);
	set_count(o, "dropped_pending", s->limits.dropped[LIMITS_PENDING]);
	set_count(o, "not_authorized", s->not_authorized);
	set_count(o, "already_exists", s->exists);
	set_count(o, "collisions", s->collisions);
	set_count(o, "accept_errors", s->accept_errors);
	set_count(o, "peers_not_reading", s->overflows);
	ignored_messages(o, s);
	set_count(o, "source_addresses", s->limits.count);
	json_object_set_new(o, "lines", line_counters(&s->lines));
	json_object_set_new(o, "hook", hook_counters(&s->hooks));
	return o;
}

json_t *server_command(void *user, const char *command, const json_t *request, char *why)
{
	struct server *s = user;

	if (!strcmp(command, "status"))
		return status(s);
	if (!strcmp(command, "stats"))
		return stats(s);
	return report_command(&s->hub, command, request, why);
}

static void *open_array(void *user, const char *command)
{
	struct server *s = user;

	return report_is_array(command) ? report_open(&s->hub) : NULL;
}

const struct control_arrays server_arrays = {
	.open = open_array,
	.next = report_next,
	.close = report_close,
};
