/*
 * What connection.c and call.c share; nobody else includes it.
 *
 * Rule for both: after a callback other than `send` and `trace` the connection may be closed and
 * the call at hand may be gone, so nothing is touched but what is asked again.
 */
#pragma once

#include "lib/control/connection.h"

/* How long a Call-Disconnect-Notify or a Stop reply may take. */
#define CONTROL_SECOND       UINT64_C(1000000)
#define CONTROL_STOP_TIMEOUT (5 * CONTROL_SECOND)
#define CONTROL_DETAIL       sizeof(((struct control_connection *)0)->detail)

/* c->now + delta, "never" instead of an overflow. */
uint64_t control_connection_later(const struct control_connection *c, uint64_t delta);

/* How long a reply may take: the configured time, 60 s when it is 0. */
uint64_t control_connection_reply_timeout(const struct control_connection *c);

/* Sends one message; nothing when closed. */
void control_connection_send(struct control_connection *c, const struct control_message *m);

/*
 * The one way to CLOSED: ends all calls, then announces `closed`. In WAIT_STOP_REPLY the reason of
 * the stop stands. Nothing when closed already.
 */
void control_connection_finish(
	struct control_connection *c, enum pptp_reason reason, const char *detail);

/* A call came to or left the connection: Stop-Control-Connection-Request may be due, or idle time
 * begins. */
void control_connection_calls_changed(struct control_connection *c);

/* A message on a call (types 7 to 15) in the states established and wait_stop_reply. */
void control_call_receive(struct control_connection *c, const struct control_message *m);

/* Handles every call whose deadline has come. */
void control_call_tick(struct control_connection *c);

/* Takes the call off the connection and announces `call_ended`; the storage is the caller's from
 * there. */
void control_call_end(struct control_call *call, enum pptp_reason reason, const char *detail);
