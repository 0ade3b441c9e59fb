/* Control connections of the server: accepted, counted, limited. */
#include "server/server_internal.h"
#include "system/log.h"

#include <arpa/inet.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BACKLOG 1024

/* An address with connections from it. */
struct server_peer {
	in_addr_t address;
	unsigned int connections;
};

static int compare_peers(const void *a, const void *b)
{
	const struct server_peer *x = a, *y = b;

	return (x->address > y->address) - (x->address < y->address);
}

/* NULL if out of memory: the connection is not counted then. */
static struct server_peer *count_peer(struct server *s, struct in_addr address)
{
	struct server_peer *peer = calloc(1, sizeof(*peer));
	struct server_peer **node;

	if (!peer)
		return NULL;
	peer->address = address.s_addr;
	node = tsearch(peer, &s->peers, compare_peers);
	if (!node || *node != peer)
		free(peer);
	if (!node)
		return NULL;
	(*node)->connections++;
	return *node;
}

static void uncount_peer(struct server *s, struct server_peer *peer)
{
	if (!peer || --peer->connections)
		return;
	tdelete(peer, &s->peers, compare_peers);
	free(peer);
}

static void on_established(struct connection *c)
{
	char host[200], vendor[200];

	log_about(LOG_INFO, c->subject,
		"control connection established (host \"%s\", vendor \"%s\")",
		log_escape(host, sizeof(host), c->control.peer.host_name,
			strlen(c->control.peer.host_name)),
		log_escape(vendor, sizeof(vendor), c->control.peer.vendor,
			strlen(c->control.peer.vendor)));
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
		log_about(LOG_WARNING, c->subject, "control connection closed: %s: %s",
			pptp_reason_text(reason), detail);
	else
		log_about(LOG_INFO, c->subject, "control connection closed: %s%s%s",
			pptp_reason_text(reason), *detail ? ": " : "", detail);
	if (sc->next)
		sc->next->prev = sc->prev;
	if (sc->prev)
		sc->prev->next = sc->next;
	else
		s->connections = sc->next;
	s->connection_count--;
	uncount_peer(s, sc->peer);
	free(sc);
}

static const struct connection_ops connection_ops = {
	.established = on_established,
	.outgoing_call = on_call,
	.closed = on_closed,
};

static void limit(struct server *s, struct server_connection *c)
{
	const char *which = NULL;

	c->peer = count_peer(s, c->connection.peer);
	if (s->connection_count > s->config.max_connections)
		which = "max-connections";
	else if (c->peer && c->peer->connections > s->config.max_connections_per_address)
		which = "max-connections-per-address";
	if (!which)
		return;
	s->refused_connections++;
	log_about(LOG_WARNING, c->connection.subject, "connection refused: %s is reached", which);
	connection_abort(&c->connection, PPTP_CALL_LIMIT);
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
	if (connection_accept(&c->connection, &s->loop, listener, &s->config.control,
		    &connection_ops, c) < 0) {
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
				"cannot listen on %s port %u: in use by another program (find it "
				"with: ss -ltnp sport = :%u)",
				text, ntohs(addr->sin_port), ntohs(addr->sin_port));
		else if (err == UV_EACCES)
			snprintf(why, SYSTEM_WHY,
				"cannot listen on %s port %u: no permission (run as root or with "
				"CAP_NET_BIND_SERVICE)",
				text, ntohs(addr->sin_port));
		else
			snprintf(why, SYSTEM_WHY, "cannot listen on %s port %u: %s", text,
				ntohs(addr->sin_port),
				err == UV_EADDRNOTAVAIL
					? "this machine has no such address (see: ip address)"
					: uv_strerror(err));
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
