/*
 * One call in a control connection (RFC 2637 section 3.2), of either kind in either role: incoming
 * calls of a PAC (3.2.3.1) and a PNS (3.2.3.2), outgoing calls of a PAC (3.2.4.1) and a PNS
 * (3.2.4.2). See connection.h for the rules on time, storage and callbacks.
 *
 *	kind      role  asks                 decides                       established by
 *	outgoing  PNS   control_call_dial                                  `call_established`
 *	          PAC   `outgoing_call`      control_call_take             control_call_connect
 *	incoming  PAC   control_call_offer   `call_accepted`               control_call_answered
 *	          PNS   `incoming_call`      control_call_take_incoming,   `call_established`
 *	                                     control_call_accept
 */
#pragma once

#include "lib/control/message.h"
#include "lib/reason.h"

#include <stdbool.h>

struct control_connection;

enum control_call_role { CONTROL_PNS, CONTROL_PAC };

enum control_call_state {
	CONTROL_CALL_IDLE,
	CONTROL_CALL_WAIT_REPLY,    /* PNS 3.2.4.2: dialled; PAC 3.2.3.1: offered */
	CONTROL_CALL_WAIT_CS_ANS,   /* PAC 3.2.4.1: taken, not yet connected */
	CONTROL_CALL_WAIT_DECISION, /* PNS 3.2.3.2, still idle there: taken, not yet replied to */
	CONTROL_CALL_WAIT_ANSWER,   /* PAC 3.2.3.1: accepted, the line is being answered */
	CONTROL_CALL_WAIT_CONNECT,  /* PNS 3.2.3.2: replied to, not yet connected */
	CONTROL_CALL_ESTABLISHED,
	CONTROL_CALL_WAIT_DISCONNECT, /* PNS, after Call-Clear-Request */
};

struct control_call {
	struct control_call *next, *prev;           /* of its connection's, the newest first */
	struct control_call *own_next, *peer_next;  /* in the chains of index.h */
	struct control_call *wait_next, *wait_prev; /* of those with a deadline */
	struct control_connection *connection;
	enum control_call_role role;
	enum control_call_state state;
	bool incoming;
	bool peer_call_id_known; /* 0 is a valid Call ID */
	uint16_t call_id;        /* ours: what the peer puts into its GRE key */
	uint16_t peer_call_id;   /* the peer's: what we put into ours */
	uint16_t serial;
	uint16_t peer_window;   /* packets */
	uint16_t peer_delay;    /* tenths of a second */
	uint32_t connect_speed; /* bits/s */
	uint32_t framing;       /* asked for; of an incoming call that is established: in use */
	enum pptp_reason end_reason;
	uint64_t deadline; /* us; UINT64_MAX: none */
	/*
	 * What the peer said at the end, for `call_ended`: result, error and cause of its refusal
	 * or of its Call-Disconnect-Notify; else 0. The latter whole, statistics included, during
	 * `call_ended` only; else NULL.
	 */
	uint8_t result, error;
	uint16_t cause;
	const struct control_disconnect *disconnect;
	bool line_news;                       /* a WAN-Error-Notify is due at line_next */
	bool waits_hung_up;                   /* among connection->hung_up, not ->waiting */
	struct control_wan_error line_errors; /* the last totals reported or about to be */
	uint64_t line_next;                   /* us; none before */
	void *owner;                          /* the caller's */
};

/* What this end announces of itself for a call. */
struct control_call_params {
	uint16_t call_id; /* must not be in use in this connection */
	uint16_t serial;
	uint32_t min_bps, max_bps; /* dial */
	uint32_t connect_speed;    /* connect, answered */
	uint32_t bearer, framing;
	uint16_t window, processing_delay;
	uint32_t physical_channel;
	const char *phone;            /* dial; NULL for none */
	const char *dialed, *dialing; /* offer; NULL for none */
	const char *subaddress;       /* dial, offer; NULL for none */
	uint8_t subaddress_length;    /* octets of a binary one; 0: it is a string */
};

/* How a call is ended: the fields of Call-Disconnect-Notify (section 2.13). */
struct control_hangup {
	uint8_t result;         /* enum control_disconnect_result; 0: "admin shutdown" */
	uint8_t error;          /* only with a general error, which is PAC_ERROR when this is 0 */
	uint16_t cause;         /* Q.931 of an ISDN line; 0 */
	const char *statistics; /* text for the peer's log, cut to 128 octets; NULL for none */
};

/*
 * `call` need not be initialised; all of it but `owner` is set by dial, take, offer and
 * take_incoming. The functions below do nothing for a call that has ended or that is not in a state
 * for them. A Call ID is in use as long as its call lives, and for reply_timeout after a call that
 * ended while the peer still owed a reply to it.
 */

/*
 * PNS: sends Outgoing-Call-Request. 0; -EPROTO connection not established, -EADDRINUSE Call ID in
 * use, -ENOSPC beyond our max_channels or those that the peer announced.
 */
int control_call_dial(struct control_connection *c, struct control_call *call,
	const struct control_call_params *params, uint64_t now);

/*
 * PAC: takes a requested call under our `call_id`, inside `outgoing_call`; nothing is sent yet. 0;
 * -EADDRINUSE if call_id is in use or the peer uses request->call_id twice, -ENOSPC beyond
 * max_channels (the caller then refuses), -EPROTO connection not established (any more) or no such
 * request is open. Unanswered for answer_timeout, the call is refused with "time-out" and ends.
 */
int control_call_take(struct control_connection *c, struct control_call *call,
	const struct control_outgoing_request *request, uint16_t call_id, uint64_t now);

/* PAC: Outgoing-Call-Reply "connected" with params' speed, window, delay, channel; established. */
void control_call_connect(
	struct control_call *call, const struct control_call_params *params, uint64_t now);

/*
 * PAC: the line rings. Sends Incoming-Call-Request with params' call_id, serial, bearer (analog or
 * digital; "any" goes as digital), channel, numbers and subaddress. `call_accepted` or `call_ended`
 * (PPTP_CALL_REFUSED) follows. 0; -EPROTO, -EADDRINUSE, -ENOSPC (our max_channels; a PNS's MUST be
 * ignored, section 2.1), -ENOSYS without `call_accepted`.
 */
int control_call_offer(struct control_connection *c, struct control_call *call,
	const struct control_call_params *params, uint64_t now);

/*
 * PAC: the line of an accepted call is up. Sends Incoming-Call-Connected with params' speed,
 * window, delay, framing ("any" goes as synchronous); established, without a callback. Not called
 * for answer_timeout, the call ends with Call-Disconnect-Notify.
 */
void control_call_answered(
	struct control_call *call, const struct control_call_params *params, uint64_t now);

/* PNS: takes an offered call inside `incoming_call`; else as control_call_take(). */
int control_call_take_incoming(struct control_connection *c, struct control_call *call,
	const struct control_incoming_request *request, uint16_t call_id, uint64_t now);

/*
 * PNS: Incoming-Call-Reply "connect" with params' window and delay. `call_established` follows with
 * the PAC's Incoming-Call-Connected, or `call_ended`.
 */
void control_call_accept(
	struct control_call *call, const struct control_call_params *params, uint64_t now);

/* What a result of Outgoing-Call-Reply (2 and above, section 2.8) is as a reason. */
enum pptp_reason control_outgoing_reason(uint8_t result);

/*
 * PAC of an outgoing, PNS of an incoming call, taken and not yet answered: the reply with an error
 * result (2..7, section 2.8; 2..3, section 2.10, others become "do not accept", and there is no
 * cause), and `call_ended` (LOCAL_REQUEST) at once. `error` is sent with a general error only.
 */
void control_call_refuse(
	struct control_call *call, uint8_t result, uint8_t error, uint16_t cause, uint64_t now);

/*
 * Ends the call in its role's way. PNS: Call-Clear-Request, then `call_ended` with the peer's
 * Call-Disconnect-Notify or after 5 s; an incoming call that was not yet accepted is refused. PAC:
 * Call-Disconnect-Notify as `how` says (NULL: "admin shutdown"), and `call_ended` at once; an
 * outgoing call that was not yet connected gets an Outgoing-Call-Reply with an error.
 */
void control_call_hangup(struct control_call *call, enum pptp_reason reason,
	const struct control_hangup *how, uint64_t now);

/*
 * PAC, established: errors of the line in all since the call was set up (peer_call_id is not
 * looked at). WAN-Error-Notify goes out when they changed, at most once in 60 s; what changes in
 * between goes with the next one (section 2.14).
 */
void control_call_line_errors(
	struct control_call *call, const struct control_wan_error *totals, uint64_t now);

/*
 * PNS, established: Set-Link-Info (section 2.15). Not for every peer: some NAT routers drop
 * connections over it.
 */
void control_call_link_info(
	struct control_call *call, uint32_t send_accm, uint32_t receive_accm, uint64_t now);
