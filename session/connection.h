/*
 * A control connection (lib/control) on a libuv TCP stream, either role. What the peer does not
 * read is bounded; so is every wait. Control thread only.
 *
 * Life: connection_accept() or connection_dial(); calls and events through the ops; `closed` once,
 * after which the storage is the owner's again (both handles are closed by then).
 */
#pragma once

#include "lib/control/connection.h"

#include <netinet/in.h>
#include <uv.h>

struct connection;

struct connection_ops {
	void (*established)(struct connection *c);
	void (*outgoing_call)(struct connection *c, const struct control_outgoing_request *request);
	/* Storage freed or reused from here on. */
	void (*closed)(struct connection *c, enum pptp_reason reason, const char *detail);
};

struct connection {
	uv_tcp_t tcp;
	uv_timer_t timer;
	uv_connect_t connect;
	uv_shutdown_t shutdown;
	struct control_connection control;
	const struct connection_ops *ops;
	void *owner;
	struct in_addr peer, local; /* local: the address that was dialled, or that we dial from */
	uint16_t peer_port;
	size_t queued;                       /* bytes that the peer has not taken yet */
	unsigned int writes;                 /* under way */
	unsigned int handles;                /* open */
	bool started;                        /* control_connection_init() was done */
	bool closing;                        /* handles are being closed */
	bool ending;                         /* all is said; the stream is being shut down */
	bool overflow;                       /* the peer does not read */
	const struct control_config *config; /* of a dialled connection until it starts */
	enum pptp_reason reason;
	char detail[160];
	char subject[64]; /* for the log: "203.0.113.9:4711" */
};

/* Takes a connection from a listening stream; 0 or a negative errno (then `c` is the caller's,
 * unless uv holds it: `closed` is called in every case but an immediate error). */
int connection_accept(struct connection *c, uv_loop_t *loop, uv_stream_t *listener,
	const struct control_config *config, const struct connection_ops *ops, void *owner);

/* Dials; failure to connect is reported by `closed` with TCP_REFUSED, TCP_UNREACHABLE, TCP_TIMEOUT
 * (after `timeout` us). 0 or a negative errno. */
int connection_dial(struct connection *c, uv_loop_t *loop, const struct sockaddr_in *server,
	uint64_t timeout, const struct control_config *config, const struct connection_ops *ops,
	void *owner);

/* Orderly end: Stop-Control-Connection-Request and so on; before TCP is open: closes at once. */
void connection_stop(struct connection *c, enum pptp_reason reason);

/* Ends it without waiting for anything: no more good-byes, TCP is closed. `closed` follows as ever.
 */
void connection_abort(struct connection *c, enum pptp_reason reason);

/* To be called after any direct use of c->control (control_call_*): its deadline may have changed.
 */
void connection_update(struct connection *c);
