/* What the files of the server share. Control thread only. */
#pragma once

#include "server/config.h"
#include "server/hooks.h"
#include "server/kept.h"
#include "server/limits.h"
#include "server/listener.h"
#include "server/log_limit.h"
#include "server/network.h"
#include "session/devwatch.h"
#include "system/control_socket.h"

struct server_connection {
	struct connection connection; /* first: the session layer's */
	struct server *server;
	struct server_connection *next, *prev;
	const struct peer *peer; /* what holds for its address */
	struct kept *kept;       /* its peer is dialled by us; or NULL */
	struct limits_waiter waiter;
	bool trusted; /* a call in it has authenticated, or we have dialled it */
};

/* Kinds of lines that strangers can cause. */
enum server_log {
	SERVER_LOG_CONNECTIONS,
	SERVER_LOG_MALFORMED,
	SERVER_LOG_REFUSED,
	SERVER_LOG_ACCEPT,
	SERVER_LOG_LOGON,
	SERVER_LOG_SESSIONS,
	SERVER_LOG_KINDS,
};

struct server {
	uv_loop_t loop;
	struct server_config config;
	struct server_network network;
	struct devwatch *watch;
	struct hub hub;
	struct server_lines lines;
	struct hooks hooks;
	struct listener listeners[LISTEN_MAX];
	uv_signal_t sigint, sigterm, sighup;
	uv_timer_t stopping, guard;
	struct control_socket *control;
	struct server_connection *connections;
	unsigned int connection_count, most_connections; /* most: since memory was given back */
	struct limits limits;
	struct log_limit log_limits[SERVER_LOG_KINDS];
	struct kept **kept; /* by the index of their peer; NULL: not dialled */
	uint64_t accepted, refused_connections, refused_calls, auth_failures, pool_empty,
		pool6_empty;
	uint64_t not_authorized, exists, collisions; /* Start requests: not allowed, "exists" */
	uint64_t accept_errors, overflows;           /* overflows: peers that did not read */
	uint64_t unexpected, unknown_call_ids; /* control messages ignored, in closed connections */
	uint64_t started, stop_deadline;       /* us; 0 not stopping */
	bool closed;
};

/* connections.c */
int server_listen(struct server *s, char *why);
void server_stop_listening(struct server *s);
void server_stop_connections(
	struct server *s); /* those without a call; to be called again for the others */
void server_abort_connections(struct server *s);

/* Dials a peer that is kept; NULL: out of memory. */
struct server_connection *server_dial(struct server *s, struct in_addr peer);
/* An established control connection to that address, whoever dialled; or NULL. */
struct server_connection *server_peer_connection(struct server *s, struct in_addr peer);
/* Ends a connection that has to make room (NULL: nothing). */
void server_drop(struct limits_waiter *victim);

/* guard.c */
/* Descriptors and limits, before the loop runs. 0, or -1 with *why. */
int server_guard_init(struct server *s, char *why);
/* With the loop: housekeeping. Its handle is s->guard. */
void server_guard_start(struct server *s);
/* May one more line of this kind be logged? What is held back is counted, and told later. */
bool server_may_log(struct server *s, enum server_log kind);
/* Says, within its bounds, that `what` from `subject` was refused for a limit. */
void server_log_limit(struct server *s, const char *subject, const char *what, enum limits_hit hit);
/* May this connection have one more call? If not, that was counted and logged; the caller refuses
 * it ("no resource"). */
bool server_admit_call(struct server_connection *c);
/* Of each session of the server: it began (as soon as it exists: its `gone` will come), its user
 * has authenticated (once), it is gone. */
void server_call_began(struct server *s, const struct session *session);
void server_call_authenticated(struct server *s, const struct session *session);
/* The call of a telephone line is up. */
void server_line_up(struct server *s, const struct session *session);
void server_call_ended(struct server *s, const struct session *session, bool authenticated);
void server_logon_failed(struct server *s, const struct session *session);
/* Were there too many of them from there just now? */
bool server_logon_blocked(const struct server *s, const struct session *session);

/* calls.c */
void server_call(struct server_connection *c, const struct control_outgoing_request *request);
void server_incoming_call(
	struct server_connection *c, const struct control_incoming_request *request);
/* A line rings: offers its call to the PNS at the other end of `c`. `l` is taken over. */
void server_offer(struct server_connection *c, const struct line_call *call, struct line *l);

/* commands.c: the control socket's */
json_t *server_command(void *user, const char *command, const json_t *request, char *why);
extern const struct control_arrays server_arrays;
