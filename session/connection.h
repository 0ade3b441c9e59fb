/*
 * A control connection (lib/control) on a libuv TCP stream, either role. What the peer does not
 * read is bounded; so is every wait. Control thread only.
 *
 * Life: connection_accept() or connection_dial(); calls and events through the ops; `closed` once,
 * after which the storage is the owner's again (the handle is closed by then).
 */
#pragma once

#include "lib/control/connection.h"

#include "session/timers.h"

#include <netinet/in.h>
#include <uv.h>

/* A peer that does not read: pending bytes beyond this end the connection. Replies are small. */
#define CONNECTION_QUEUE_MAX 65536

struct connection;

/* Those that may be NULL: see struct control_ops, where they come from, for what is done then. */
struct connection_ops {
	/* The peer's Start-Control-Connection-Request: accept? (NULL: yes) */
	enum control_start_decision (*start_requested)(
		struct connection *c, const struct control_start *start);
	void (*established)(struct connection *c);
	/* Calls that the peer wants to place, or offers (NULL: refused). Those of sessions go on in
	 * session.h. */
	void (*outgoing_call)(struct connection *c, const struct control_outgoing_request *request);
	void (*incoming_call)(struct connection *c, const struct control_incoming_request *request);
	/* Each message that was sent or received, for who wants to see what was said; may not call
	 * back. */
	void (*trace)(struct connection *c, bool sent, const struct control_message *m);
	/* Storage freed or reused from here on. */
	void (*closed)(struct connection *c, enum pptp_reason reason, const char *detail);
};

union connection_request {
	uv_connect_t connect;
	uv_shutdown_t shutdown;
};

struct connection {
	uv_tcp_t tcp;
	struct timers *timers; /* the owner's, for all of its connections */
	struct timers_entry timer;
	union connection_request *request; /* while it is dialled, and when it ends; else NULL */
	struct control_connection control;
	const struct connection_ops *ops;
	void *owner;
	struct in_addr peer, local; /* local: the address that was dialled, or that we dial from */
	uint16_t peer_port;
	size_t queued;                       /* bytes that the peer has not taken yet */
	unsigned int writes;                 /* under way */
	bool started;                        /* control_connection_init() was done */
	bool closing;                        /* handles are being closed */
	bool ending;                         /* all is said; the stream is being shut down */
	bool overflow;                       /* the peer does not read: CONNECTION_QUEUE_MAX */
	const struct control_config *config; /* of a dialled connection until it starts */
	enum pptp_reason reason;
	char *detail;     /* NULL: nothing to say */
	char subject[24]; /* for the log: "203.0.113.9:4711" */
};

/* Takes an accepted socket, which is the connection's from here on (closed on an error). 0, or a
 * negative errno: `closed` follows all the same. */
int connection_accept(struct connection *c, struct timers *timers, int fd,
	const struct control_config *config, const struct connection_ops *ops, void *owner);

/* Dials; failure to connect is reported by `closed` with TCP_REFUSED, TCP_UNREACHABLE, TCP_TIMEOUT
 * (after `timeout` us). 0 or a negative errno. */
int connection_dial(struct connection *c, struct timers *timers, const struct sockaddr_in *server,
	uint64_t timeout, const struct control_config *config, const struct connection_ops *ops,
	void *owner);

/* The same from an address of ours; 0.0.0.0: the kernel chooses. */
int connection_dial_from(struct connection *c, struct timers *timers,
	const struct sockaddr_in *server, struct in_addr from, uint64_t timeout,
	const struct control_config *config, const struct connection_ops *ops, void *owner);

/* Orderly end: Stop-Control-Connection-Request and so on; before TCP is open: closes at once. */
void connection_stop(struct connection *c, enum pptp_reason reason);

/* Ends it without waiting for anything: no more good-byes, TCP is closed. `closed` follows as ever.
 */
void connection_abort(struct connection *c, enum pptp_reason reason);

/* Is the peer still there? See control_connection_probe(). */
void connection_probe(struct connection *c, uint64_t patience);

/* Gives it up without a word, as the loser of a collision does (RFC 2637 3.1.3). `closed` follows
 * as ever. */
void connection_collided(struct connection *c);

/* To be called after any direct use of c->control (control_call_*): its deadline may have changed.
 */
void connection_update(struct connection *c);
