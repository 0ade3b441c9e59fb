/*
 * Control connections that the server keeps to peers (peer "ADDRESS" { dial = true }): dialled, and
 * dialled again with growing pauses, and what RFC 2637 section 3.1.3 says when both ends dial.
 *
 * Between the two ends there is one connection only. Who asks for another while ours is established
 * is told "already exists", and ours has to show at once that it lives. Peers that we do not dial
 * are none of this module's business: clients behind one address may have as many connections as
 * they like.
 */
#pragma once

#include "lib/control/connection.h"

struct kept;
struct peer;
struct server;
struct server_connection;

/* For all peers with `dial`, dialled from now on. 0, or -ENOMEM. */
int kept_start(struct server *s);
/* No more dialling; connections stay. */
void kept_stop(struct server *s);
/* After the loop has ended. */
void kept_done(struct server *s);

/* NULL: it is not dialled. */
struct kept *kept_find(const struct server *s, const struct peer *peer);
/* The established connection, or NULL. */
struct server_connection *kept_connection(const struct kept *k);
/* "established", "dialling", "waiting"; "ourselves": its address is one of this machine. */
const char *kept_state(const struct kept *k);

/* The peer wants to start a connection (`c`) of its own. */
enum control_start_decision kept_requested(struct kept *k, struct server_connection *c);
void kept_established(struct kept *k, struct server_connection *c);
void kept_closed(struct kept *k, struct server_connection *c);
