/*
 * Control connections of the server: accepted, counted, limited; none stays without a call for long (RFC 2637 3.1.4
 * has no such limit, but a connection without a call costs its owner nothing and us a descriptor).
 */
#include "server/server_internal.h"
#include "system/clock.h"
#include "system/log.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BACKLOG   1024
/* us without a call: before the first one, and after the last (the peer may say Stop itself). */
#define IDLE_TIME      60000000ull
#define IDLE_TIME_DONE 3000000ull

static void on_established(struct connection *c)
{
	struct server_connection *sc = c->owner;
	char host[200], vendor[200];

	sc->idle_since = clock_now();
	log_about(LOG_INFO, c->subject, "control connection established (host \"%s\", vendor \"%s\")",
		log_escape(host, sizeof(host), c->control.peer.host_name, strlen(c->control.peer.host_name)),
		log_escape(vendor, sizeof(vendor), c->control.peer.vendor, strlen(c->control.peer.vendor)));
}

static void on_call(struct connection *c, const struct control_outgoing_request *request)
{
	server_call(c->owner, request);
}

static void on_closed(struct connection *c, enum pptp_reason reason, const char *detail)
{
	struct server_connection *sc = c->owner;
	struct server *s = sc->server;

	if (reason == PPTP_CONTROL_MALFORMED || reason == PPTP_CONTROL_UNEXPECTED)
		log_about(LOG_WARNING, c->subject, "control connection closed: %s: %s", pptp_reason_text(reason), detail);
	else
		log_about(LOG_INFO, c->subject, "control connection closed: %s%s%s", pptp_reason_text(reason),
			*detail ? ": " : "", detail);
	if (sc->next)
		sc->next->prev = sc->prev;
	if (sc->prev)
		sc->prev->next = sc->next;
	else
		s->connections = sc->next;
	s->connection_count--;
	free(sc);
}

static const struct connection_ops connection_ops = {
	.established = on_established,
	.outgoing_call = on_call,
	.closed = on_closed,
};

static unsigned int from_address(const struct server *s, struct in_addr peer)
{
	unsigned int n = 0;

	for (const struct server_connection *c = s->connections; c; c = c->next)
		n += c->connection.peer.s_addr == peer.s_addr;
	return n;
}

static void limit(struct server *s, struct server_connection *c)
{
	const char *which = NULL;

	if (s->connection_count > s->config.max_connections)
		which = "max-connections";
	else if (from_address(s, c->connection.peer) > s->config.max_connections_per_address)
		which = "max-connections-per-address";
	if (!which)
		return;
	s->refused_connections++;
	log_about(LOG_WARNING, c->connection.subject, "connection refused: %s is reached", which);
	connection_stop(&c->connection, PPTP_CALL_LIMIT);
}

static void on_connection(uv_stream_t *listener, int status)
{
	struct server *s = listener->data;
	struct server_connection *c;

	if (status < 0) {
		log_warning("cannot accept a connection: %s", uv_strerror(status));
		return;
	}
	c = calloc(1, sizeof(*c));
	if (!c) {
		log_error("cannot accept a connection: out of memory");
		return;
	}
	c->server = s;
	c->next = s->connections;
	if (c->next)
		c->next->prev = c;
	s->connections = c;
	s->connection_count++;
	s->accepted++;
	if (connection_accept(&c->connection, &s->loop, listener, &s->config.control, &connection_ops, c) < 0) {
		log_error("cannot accept a connection: out of descriptors or memory");
		s->connections = c->next;
		if (c->next)
			c->next->prev = NULL;
		s->connection_count--;
		free(c);
		return;
	}
	limit(s, c);
}

int server_listen(struct server *s, char *why)
{
	for (unsigned int i = 0; i < s->config.listen_count; i++) {
		const struct sockaddr_in *addr = &s->config.listen[i];
		char text[INET_ADDRSTRLEN];
		int err = uv_tcp_init(&s->loop, &s->listeners[i]);

		s->listeners[i].data = s;
		if (err == 0)
			err = uv_tcp_bind(&s->listeners[i], (const struct sockaddr *)addr, 0);
		if (err == 0)
			err = uv_listen((uv_stream_t *)&s->listeners[i], BACKLOG, on_connection);
		if (err == 0)
			continue;
		inet_ntop(AF_INET, &addr->sin_addr, text, sizeof(text));
		if (err == UV_EADDRINUSE)
			snprintf(why, SYSTEM_WHY,
				"cannot listen on %s port %u: another program has it (find it with: ss -ltnp sport = :%u)",
				text, ntohs(addr->sin_port), ntohs(addr->sin_port));
		else if (err == UV_EACCES)
			snprintf(why, SYSTEM_WHY, "cannot listen on %s port %u: no permission (run as root or with "
				"CAP_NET_BIND_SERVICE)", text, ntohs(addr->sin_port));
		else
			snprintf(why, SYSTEM_WHY, "cannot listen on %s port %u: %s", text, ntohs(addr->sin_port),
				uv_strerror(err));
		return -1;
	}
	return 0;
}

void server_stop_listening(struct server *s)
{
	for (unsigned int i = 0; i < s->config.listen_count; i++) {
		if (s->listeners[i].data && !uv_is_closing((uv_handle_t *)&s->listeners[i]))
			uv_close((uv_handle_t *)&s->listeners[i], NULL);
	}
}

void server_sweep(struct server *s)
{
	uint64_t now = clock_now();

	for (struct server_connection *c = s->connections; c; c = c->next) {
		if (c->connection.control.call_count) {
			c->idle_since = 0;
			c->had_call = true;
		} else if (!c->idle_since) {
			c->idle_since = now;
		} else if (now - c->idle_since > (c->had_call ? IDLE_TIME_DONE : IDLE_TIME)) {
			connection_stop(&c->connection, c->had_call ? PPTP_LOCAL_REQUEST : PPTP_IDLE_TIMEOUT);
		}
	}
}

void server_stop_connections(struct server *s)
{
	for (struct server_connection *c = s->connections; c; c = c->next)
		connection_stop(&c->connection, PPTP_SHUTDOWN);
}
