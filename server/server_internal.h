/* What the files of the server share. Control thread only. */
#pragma once

#include "server/config.h"
#include "server/network.h"
#include "system/control_socket.h"

struct server_connection {
	struct connection connection; /* first: the session layer's */
	struct server *server;
	struct server_connection *next, *prev;
	struct server_peer *peer; /* NULL: not counted */
};

struct server {
	uv_loop_t loop;
	struct server_config config;
	struct server_network network;
	struct hub hub;
	uv_tcp_t listeners[LISTEN_MAX];
	uv_signal_t sigint, sigterm, sighup;
	uv_timer_t stopping;
	struct control_socket *control;
	struct server_connection *connections;
	unsigned int connection_count;
	void *peers; /* tree of tsearch(3): connections by address */
	uint64_t accepted, refused_connections, refused_calls, auth_failures, pool_empty;
	uint64_t started, stop_deadline; /* us; 0 not stopping */
	bool closed;
};

/* connections.c */
int server_listen(struct server *s, char *why);
void server_stop_listening(struct server *s);
void server_stop_connections(
	struct server *s); /* those without a call; to be called again for the others */
void server_abort_connections(struct server *s);

/* calls.c */
void server_call(struct server_connection *c, const struct control_outgoing_request *request);

/* commands.c: the control socket's */
json_t *server_command(void *user, const char *command, const json_t *request, char *why);
