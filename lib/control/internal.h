/*
 * What connection.c and the files about calls share; nobody else includes it.
 *
 * Rule for all: after a callback other than `send` and `trace` the connection may be closed and the
 * call at hand may be gone, so nothing is touched but what is asked again.
 */
#pragma once

#include "lib/control/connection.h"

/* How long a Call-Disconnect-Notify or a Stop reply may take. */
#define CONTROL_SECOND       UINT64_C(1000000)
#define CONTROL_STOP_TIMEOUT (5 * CONTROL_SECOND)

/* connection.c */

/* c->now + delta, "never" instead of an overflow. */
uint64_t control_connection_later(const struct control_connection *c, uint64_t delta);

/* How long the peer's reply may take: the configured time, 60 s when it is 0. */
uint64_t control_connection_reply_timeout(const struct control_connection *c);

/* How long our own may take. */
uint64_t control_connection_answer_timeout(const struct control_connection *c);

/* Sends one message; nothing when closed or when the connection lost a collision. */
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

/* One whole message of `len` octets, as it stood in the stream. */
void control_connection_message(struct control_connection *c, const uint8_t *data, size_t len);

/* stream.c (control_connection_receive() is there, too): drops the part of a message that came last. */
void control_stream_forget(struct control_connection *c);

/* call.c: the calls of a connection, and what both kinds have in common. */

/* A message on a call (types 7 to 15) in the states established and wait_stop_reply. */
void control_call_receive(struct control_connection *c, const struct control_message *m);

/* Handles every call whose deadline has come. */
void control_call_tick(struct control_connection *c);

/* When a call wants control_call_tick(); UINT64_MAX if never. */
uint64_t control_call_deadline(const struct control_call *call);

/* May this end give the Call ID to a new call? 0, -EADDRINUSE. */
int control_call_id_free(const struct control_connection *c, uint16_t call_id);

/*
 * The request `asked` of the peer's `peer_call_id`, whose callback runs, is answered by taking it
 * under our `call_id`: 0, or why it cannot be (control_call_take()).
 */
int control_call_answer(struct control_connection *c, enum control_asked asked,
	uint16_t peer_call_id, uint16_t call_id);

/* For a reply: the call that it answers, or NULL, counted. */
struct control_call *control_call_find_asked(
	struct control_connection *c, uint16_t call_id, enum control_call_role role, bool incoming);

/* Initialises all fields but `owner`, which is the caller's at all times, and lists the call. */
void control_call_add(struct control_connection *c, struct control_call *call,
	enum control_call_role role, bool incoming, enum control_call_state state,
	uint16_t call_id);

/* What a request or an acceptance says of the peer's side. */
void control_call_set_peer(
	struct control_call *call, uint16_t call_id, uint16_t window, uint16_t delay);

/* The call whose deadline is the first; NULL: none has one. */
struct control_call *control_call_next(const struct control_connection *c);

/* Its deadline has changed: it takes its place among those that wait. */
void control_call_scheduled(struct control_call *call);

/* A state that waits, or (UINT64_MAX) does not. */
void control_call_enter(struct control_call *call, enum control_call_state state, uint64_t timeout);

/* Is the call in this state, and may it still be answered? */
bool control_call_is(const struct control_call *call, enum control_call_state state);

/* Takes the call off the connection and announces `call_ended`; the storage is the caller's from
 * there. */
void control_call_end(struct control_call *call, enum pptp_reason reason, const char *detail);

/* Keeps what the peer said for `call_ended`. */
void control_call_outcome(struct control_call *call, uint8_t result, uint8_t error, uint16_t cause);

/* Call-Clear-Request; the call waits for its end. */
void control_call_clear(struct control_call *call, enum pptp_reason reason);

/* Call-Disconnect-Notify. */
void control_call_send_disconnect(struct control_call *call, const struct control_hangup *how);

/*
 * The error code that goes with a result: 0 unless that is the general error (2 in all replies),
 * which never goes without (section 2.16).
 */
uint8_t control_call_error(uint8_t result, uint8_t error, uint8_t otherwise);

/* A number or subaddress into its field of 64; `len` 0: a string. */
void control_call_copy_text(char *dst, const char *src, size_t len);

/* outgoing.c, incoming.c: replies with an error to a call that was taken, which ends it. */
void control_outgoing_refuse(struct control_call *call, uint8_t result, uint8_t error,
	uint16_t cause, enum pptp_reason reason, const char *detail);
void control_incoming_refuse(struct control_call *call, uint8_t result, uint8_t error,
	enum pptp_reason reason, const char *detail);

void control_outgoing_requested(
	struct control_connection *c, const struct control_outgoing_request *request);
void control_outgoing_replied(struct control_connection *c, const struct control_message *m);
void control_incoming_requested(
	struct control_connection *c, const struct control_incoming_request *request);
void control_incoming_replied(struct control_connection *c, const struct control_message *m);
void control_incoming_connected(
	struct control_connection *c, const struct control_incoming_connected *connected);

/* line.c: Set-Link-Info and WAN-Error-Notify, received; and the latter when it is due. */
void control_line_reported(struct control_connection *c, const struct control_message *m);
void control_line_tick(struct control_call *call);
