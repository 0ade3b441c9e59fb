/*
 * One call in a control connection (RFC 2637 section 3.2): the state machines of PNS and PAC for
 * outgoing calls (3.2.4.1, 3.2.4.2). See connection.h for the rules on time, storage and callbacks.
 */
#pragma once

#include "lib/control/message.h"
#include "lib/reason.h"

#include <stdbool.h>

struct control_connection;

enum control_call_role { CONTROL_PNS, CONTROL_PAC };

enum control_call_state {
	CONTROL_CALL_IDLE,
	CONTROL_CALL_WAIT_REPLY,  /* PNS 3.2.4.2 */
	CONTROL_CALL_WAIT_CS_ANS, /* PAC 3.2.4.1: taken, not yet connected */
	CONTROL_CALL_ESTABLISHED,
	CONTROL_CALL_WAIT_DISCONNECT, /* PNS, after Call-Clear-Request */
};

struct control_call {
	struct control_call *next;
	struct control_connection *connection;
	enum control_call_role role;
	enum control_call_state state;
	uint16_t call_id;        /* ours: what the peer puts into its GRE key */
	uint16_t peer_call_id;   /* the peer's: what we put into ours */
	bool peer_call_id_known; /* 0 is a valid Call ID */
	uint16_t serial;
	uint16_t peer_window;   /* packets */
	uint16_t peer_delay;    /* tenths of a second */
	uint32_t connect_speed; /* bits/s */
	uint64_t deadline;      /* us */
	enum pptp_reason end_reason;
	void *owner; /* the caller's */
};

/* What this end announces of itself for a call. */
struct control_call_params {
	uint16_t call_id; /* must not be in use in this connection */
	uint16_t serial;
	uint32_t min_bps, max_bps; /* dial */
	uint32_t connect_speed;    /* connect */
	uint32_t bearer, framing;
	uint16_t window, processing_delay;
	uint32_t physical_channel;
	const char *phone, *subaddress; /* NULL for none */
};

/*
 * `call` need not be initialised; all of it but `owner` is set by dial and take. The functions
 * below do nothing for a call that has ended or that is not in a state for them.
 */

/* PNS: sends Outgoing-Call-Request. 0; -EPROTO connection not established, -EADDRINUSE Call ID in
 * use. */
int control_call_dial(struct control_connection *c, struct control_call *call,
	const struct control_call_params *params, uint64_t now);

/*
 * PAC: takes a requested call under our `call_id`; nothing is sent yet. 0; -EADDRINUSE if call_id
 * is in use or the peer uses request->call_id twice, -ENOSPC beyond max_channels (the caller then
 * refuses), -EPROTO connection not established (any more). Unanswered for reply_timeout, the call
 * is refused with "time-out" and ends.
 */
int control_call_take(struct control_connection *c, struct control_call *call,
	const struct control_outgoing_request *request, uint16_t call_id, uint64_t now);

/* PAC: Outgoing-Call-Reply "connected" with params' speed, window, delay, channel; established. */
void control_call_connect(
	struct control_call *call, const struct control_call_params *params, uint64_t now);

/* PAC: Outgoing-Call-Reply with an error result (2..7); `call_ended` (LOCAL_REQUEST) at once. */
void control_call_refuse(
	struct control_call *call, uint8_t result, uint8_t error, uint16_t cause, uint64_t now);

/*
 * Ends the call in its role's way: PNS Call-Clear-Request, then `call_ended` with the peer's
 * Call-Disconnect-Notify or after 5 s; PAC Call-Disconnect-Notify with `result` (section 2.13; an
 * Outgoing-Call-Reply with an error if the call was not yet connected) and `call_ended` at once.
 */
void control_call_hangup(
	struct control_call *call, enum pptp_reason reason, uint8_t result, uint64_t now);
