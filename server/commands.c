/* The server's control socket: status, sessions, session, disconnect, stats. */
#include "server/server_internal.h"
#include "session/report.h"
#include "system/clock.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

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
	json_object_set_new(
		o, "addresses", json_integer(s->config.pool.size - s->config.pool.reserved));
	json_object_set_new(o, "addresses_used", json_integer(s->config.pool.used));
	json_object_set_new(o, "mppe", json_string(cfg_getstr(s->config.cfg, "mppe")));
	json_object_set_new(o, "stopping", json_boolean(s->stop_deadline != 0));
	return o;
}

static json_t *stats(const struct server *s)
{
	json_t *o = report_stats(&s->hub);

	json_object_set_new(o, "connections", json_integer(s->connection_count));
	json_object_set_new(o, "accepted", json_integer((json_int_t)s->accepted));
	json_object_set_new(
		o, "refused_connections", json_integer((json_int_t)s->refused_connections));
	json_object_set_new(o, "refused_calls", json_integer((json_int_t)s->refused_calls));
	json_object_set_new(o, "auth_failures", json_integer((json_int_t)s->auth_failures));
	json_object_set_new(o, "pool_empty", json_integer((json_int_t)s->pool_empty));
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
