/* Control connections of the server: accepted within limits, started as their peer's settings say,
 * watched. */
#include "server/server_internal.h"
#include "system/clock.h"
#include "system/log.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct server_connection *of_waiter(struct limits_waiter *w)
{
	return w ? (struct server_connection *)((char *)w -
						offsetof(struct server_connection, waiter))
		 : NULL;
}

void server_drop(struct limits_waiter *victim)
{
	struct server_connection *c = of_waiter(victim);

	if (c)
		connection_abort(&c->connection, PPTP_CALL_LIMIT);
}

static void on_established(struct connection *c)
{
	struct server_connection *sc = c->owner;
	char host[200], vendor[200];

	if (server_may_log(sc->server, SERVER_LOG_CONNECTIONS))
		log_about(LOG_INFO, c->subject,
			"control connection established (host \"%s\", vendor \"%s\")",
			log_escape(host, sizeof(host), c->control.peer->host_name,
				strlen(c->control.peer->host_name)),
			log_escape(vendor, sizeof(vendor), c->control.peer->vendor,
				strlen(c->control.peer->vendor)));
	if (sc->kept)
		kept_established(sc->kept, sc);
	server_lines_established(sc);
}

static void on_incoming_call(struct connection *c, const struct control_incoming_request *request)
{
	server_incoming_call(c->owner, request);
}

static void on_call(struct connection *c, const struct control_outgoing_request *request)
{
	server_call(c->owner, request);
}

static void log_closed(struct server_connection *sc, enum pptp_reason reason, const char *detail)
{
	struct connection *c = &sc->connection;
	bool bad = reason == PPTP_CONTROL_MALFORMED || reason == PPTP_CONTROL_UNEXPECTED;

	/* Of those who never got anywhere there may be many. */
	if (!sc->trusted &&
		!server_may_log(sc->server, bad ? SERVER_LOG_MALFORMED : SERVER_LOG_CONNECTIONS))
		return;
	log_about(bad ? LOG_WARNING : LOG_INFO, c->subject, "control connection closed: %s%s%s",
		pptp_reason_text(reason), *detail ? ": " : "", detail);
}

static void on_closed(struct connection *c, enum pptp_reason reason, const char *detail)
{
	struct server_connection *sc = c->owner;
	struct server *s = sc->server;

	log_closed(sc, reason, detail);
	s->overflows += c->overflow;
	s->unexpected += c->control.unexpected;
	s->unknown_call_ids += c->control.unknown_call_id;
	if (sc->kept)
		kept_closed(sc->kept, sc);
	server_lines_closed(sc);
	if (sc->next)
		sc->next->prev = sc->prev;
	if (sc->prev)
		sc->prev->next = sc->next;
	else
		s->connections = sc->next;
	s->connection_count--;
	limits_disconnect(&s->limits, &sc->waiter, clock_now());
	free(sc);
}

/* An answer to a Start-Control-Connection-Request (RFC 2637 section 2.2). */
static enum control_start_decision on_start(struct connection *c, const struct control_start *start)
{
	struct server_connection *sc = c->owner;
	struct server *s = sc->server;
	struct limits_waiter *victim;
	enum limits_hit hit;

	(void)start;
	if (!sc->peer->allow) {
		s->not_authorized++;
		if (server_may_log(s, SERVER_LOG_REFUSED))
			log_about(LOG_WARNING, c->subject,
				"connection refused: its peer section says allow = false");
		return CONTROL_START_REFUSE_NOT_AUTHORIZED;
	}
	if (sc->kept) {
		limits_trust(&s->limits, &sc->waiter);
		return kept_requested(sc->kept, sc);
	}
	hit = limits_start(&s->limits, &sc->waiter, &victim);
	server_drop(victim);
	if (hit) {
		s->refused_connections++;
		server_log_limit(s, c->subject, "connection", hit);
		return CONTROL_START_REFUSE_RESOURCES;
	}
	return CONTROL_START_ACCEPT;
}

static const struct connection_ops connection_ops = {
	.start_requested = on_start,
	.established = on_established,
	.outgoing_call = on_call,
	.incoming_call = on_incoming_call,
	.closed = on_closed,
};

static struct server_connection *connection_new(struct server *s, struct in_addr peer)
{
	struct server_connection *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->server = s;
	c->peer = peers_find(&s->config.peers, peer);
	c->kept = kept_find(s, c->peer);
	return c;
}

static void connection_add(struct server *s, struct server_connection *c)
{
	c->next = s->connections;
	if (c->next)
		c->next->prev = c;
	s->connections = c;
	s->connection_count++;
}

/* Closed by a reset: nothing of it is left in the kernel, as an orderly end would leave. */
static void reset(int fd)
{
	struct linger at_once = { .l_onoff = 1 };

	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	close(fd);
}

static void on_accepted(void *user, int fd, struct in_addr from)
{
	struct server *s = user;
	struct server_connection *c = connection_new(s, from);
	enum limits_hit hit = LIMITS_MEMORY;
	struct limits_waiter *victim = NULL;

	s->accepted++;
	if (c)
		hit = limits_connect(&s->limits, &c->waiter, from, c->peer->max_connections,
			clock_now(), &victim);
	server_drop(victim);
	if (hit) {
		char text[INET_ADDRSTRLEN];

		s->refused_connections++;
		inet_ntop(AF_INET, &from, text, sizeof(text));
		server_log_limit(s, text, "connection", hit);
		reset(fd);
		free(c);
		return;
	}
	connection_add(s, c);
	(void)connection_accept(
		&c->connection, &s->hub.timers, fd, &c->peer->control, &connection_ops, c);
}

struct server_connection *server_dial(struct server *s, struct in_addr peer)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_addr = peer, .sin_port = htons(CONTROL_PORT)
	};
	struct server_connection *c = connection_new(s, peer);
	struct in_addr from = { 0 };

	if (!c)
		return NULL;
	/*
	 * The peer knows us by the address that it dials: from another one, neither end would see
	 * that two connections are of the same pair (RFC 2637 section 3.1.3).
	 */
	if (s->config.listen_count == 1)
		from = s->config.listen[0].sin_addr;
	c->trusted = true;
	connection_add(s, c);
	if (connection_dial_from(&c->connection, &s->hub.timers, &to, from, 10000000,
		    &c->peer->control, &connection_ops, c) == 0)
		return c;
	s->connections = c->next;
	if (c->next)
		c->next->prev = NULL;
	s->connection_count--;
	free(c);
	return NULL;
}

static void on_exhausted(void *user, int error)
{
	struct server *s = user;

	s->accept_errors++;
	if (server_may_log(s, SERVER_LOG_ACCEPT))
		log_warning("cannot accept connections for a moment: %s (%u connections are open; "
			    "see max-connections and LimitNOFILE of systemd.exec(5))",
			strerror(error), s->connection_count);
	/* A place for somebody who means it. */
	server_drop(limits_victim(&s->limits, LIMITS_HALF_OPEN));
}

static const struct listener_ops listener_ops = {
	.accepted = on_accepted,
	.exhausted = on_exhausted,
};

int server_listen(struct server *s, char *why)
{
	for (unsigned int i = 0; i < s->config.listen_count; i++) {
		if (listener_open(&s->listeners[i], &s->loop, &s->config.listen[i],
			    s->config.backlog, &listener_ops, s, why) < 0)
			return -1;
	}
	return 0;
}

void server_stop_listening(struct server *s)
{
	for (unsigned int i = 0; i < s->config.listen_count; i++)
		listener_close(&s->listeners[i]);
}

void server_stop_connections(struct server *s)
{
	for (struct server_connection *c = s->connections; c; c = c->next) {
		if (!c->connection.control.call_count)
			connection_stop(&c->connection, PPTP_SHUTDOWN);
	}
}

void server_abort_connections(struct server *s)
{
	for (struct server_connection *c = s->connections; c; c = c->next)
		connection_abort(&c->connection, PPTP_SHUTDOWN);
}

struct server_connection *server_peer_connection(struct server *s, struct in_addr peer)
{
	struct kept *kept = kept_find(s, peers_find(&s->config.peers, peer));

	if (kept)
		return kept_connection(kept);
	for (struct server_connection *c = s->connections; c; c = c->next) {
		if (c->connection.peer.s_addr == peer.s_addr && c->connection.started &&
			c->connection.control.state == CONTROL_ESTABLISHED)
			return c;
	}
	return NULL;
}
