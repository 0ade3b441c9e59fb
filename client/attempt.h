/*
 * One try at one address of the server: device, control connection, call, PPP link, until all of it
 * is over and undone. A new one has a new Call ID, device and data plane: nothing of a failed try
 * can disturb the next.
 */
#pragma once

#include "client/network.h"
#include "session/devwatch.h"

struct attempt;

struct attempt_ops {
	void (*up)(struct attempt *a); /* data passes */
	/* The new password holds from now on; the server has changed it just now, or knew it. */
	void (*new_password)(struct attempt *a, bool changed);
	/* Everything is undone; `a` is freed after this returns. `was_up`: the tunnel had been up.
	 */
	void (*over)(struct attempt *a, enum pptp_reason reason, const char *detail, bool was_up);
};

struct attempt {
	uv_loop_t *loop;
	const struct client_config *config;
	const struct attempt_ops *ops;
	void *owner;
	struct sockaddr_in server;
	struct client_network network;
	struct hub hub;
	struct devwatch *watch; /* once the tunnel is up */
	struct connection connection;
	struct session *session; /* NULL before and after */
	bool gre_connected, connection_open, was_up, ended;
	enum pptp_reason reason;
	char detail[160];
};

/* NULL with *why: this machine cannot do it (device, permission). */
struct attempt *attempt_new(uv_loop_t *loop, const struct client_config *config,
	const struct sockaddr_in *server, const struct attempt_ops *ops, void *owner, char *why);
/* Ends it in an orderly way; `over` follows. */
void attempt_stop(struct attempt *a, enum pptp_reason reason);
/* After attempt_stop(): no more waiting for the peer. */
void attempt_abort(struct attempt *a);
