/*
 * A control connection (RFC 2637 section 3.1) without I/O: bytes of the TCP stream in, bytes out,
 * calls and their events, and the next deadline. See call.h for the calls in it.
 *
 * Time is `now`, microseconds on any monotonic clock. What is allocated, and freed at the latest when
 * it is closed, is a part of a message, until its rest comes, an index of many calls, and the Call IDs of
 * calls whose replies are owed. The caller
 * owns the struct and the structs of the calls, which must stay until they have ended. Callbacks run inside
 * the functions below; they may call control_call_* of this connection and control_connection_stop,
 * but must not free it: `closed` is announced once, as the last callback, and the caller frees
 * after the outermost function has returned. `send` and `trace` must not call back.
 *
 * Both roles of the TCP connection (originator, receiver) and both roles of a call (PNS, PAC) are
 * here, in any combination: the originator may be PAC or PNS, and a call of each kind may go either
 * way in one connection.
 */
#pragma once

#include "lib/control/call.h"
#include "lib/control/message.h"
#include "lib/reason.h"

#include <stdbool.h>

enum control_role { CONTROL_ORIGINATOR, CONTROL_RECEIVER };

enum control_state {          /* sections 3.1.1 and 3.1.2 */
	CONTROL_WAIT_REQUEST, /* receiver: TCP is open, no Start-Control-Connection-Request yet */
	CONTROL_WAIT_REPLY,   /* originator: wait_ctl_reply */
	CONTROL_ESTABLISHED,
	CONTROL_WAIT_STOP_REPLY,
	CONTROL_WAIT_CLOSE, /* 3.1.3: we won a collision; the peer, who lost it, closes the TCP */
	CONTROL_CLOSED,
};

/* How a Start-Control-Connection-Request is answered (sections 2.2, 3.1.3). */
enum control_start_decision {
	CONTROL_START_ACCEPT,
	CONTROL_START_REFUSE_EXISTS,         /* "a control connection already exists" */
	CONTROL_START_REFUSE_NOT_AUTHORIZED, /* "not authorized" */
	CONTROL_START_REFUSE_RESOURCES,      /* general error, "no resources" */
	CONTROL_START_COLLISION_WON, /* not at all: nothing is ever sent on this connection */
};

/* What was asked and not yet answered, while its callback runs. */
enum control_asked { CONTROL_ASKED_NOTHING, CONTROL_ASKED_OUTGOING, CONTROL_ASKED_INCOMING };

/* How many Call IDs of calls that ended while a reply was owed are remembered. */
#define CONTROL_OWED_MAX 8

struct control_config {
	char host_name[65];
	char vendor[65];
	uint32_t framing, bearer; /* capabilities announced */
	uint16_t max_channels;    /* announced, and the limit on calls at once, of both kinds, both
				  ways; 0 announces 0: no limit */
	uint16_t firmware;
	uint64_t
		reply_timeout; /* us; applies to every state that waits; 0: the 60 s of section 3 */
	uint64_t start_timeout;  /* us; receiver: how long a peer may take to send its Start
				    request, less than others get; 0: reply_timeout */
	uint64_t answer_timeout; /* us; how long this end may take to decide on a call or to have
				    its line answer; 0: 5/6 of reply_timeout, so that it is over
				    before the peer's patience (3.2.1) is */
	uint64_t echo_interval;  /* us; 0: the 60 s of section 3.1.4 */
	uint64_t idle_timeout; /* us; stops an established connection without any call for so long;
				   0: never */
};

struct control_connection;
struct control_index;

/* Call IDs not to be used again yet, a ring. */
struct control_owed {
	uint64_t until[CONTROL_OWED_MAX]; /* us; 0: free */
	uint16_t call_id[CONTROL_OWED_MAX];
	unsigned int next;
};

/* Calls with a deadline, the next one first. */
struct control_waiting {
	struct control_call *first, *last;
};

struct control_ops {
	/* Bytes for the TCP stream, in order; all must be taken (queued). `data` is valid during
	 * the call. */
	void (*send)(void *user, const uint8_t *data, size_t len);
	/*
	 * Receiver: the peer wants to start (version supported, connection->peer is set). NULL
	 * accepts. See control_collision_won().
	 */
	enum control_start_decision (*start_requested)(
		void *user, const struct control_start *start);
	/* Start exchange done; connection->peer has what the peer announced. */
	void (*established)(void *user);
	/*
	 * The peer (PNS) asks us (PAC) for an outgoing call. Before it returns, the callback takes
	 * the call (control_call_take() with storage of the caller's; then, now or later,
	 * control_call_connect() or _refuse()) or refuses it (control_connection_refuse()); a
	 * request with which it does neither is refused ("do not accept"), as are all if it is
	 * NULL. A Call ID that the peer uses already is refused before.
	 */
	void (*outgoing_call)(void *user, const struct control_outgoing_request *request);
	/*
	 * The peer (PAC) offers us (PNS) an incoming call. As above, with
	 * control_call_take_incoming(), control_call_accept() or _refuse(), and
	 * control_connection_refuse_incoming().
	 */
	void (*incoming_call)(void *user, const struct control_incoming_request *request);
	/*
	 * PAC: the PNS accepted the call that we offered; call->peer_call_id, peer_window,
	 * peer_delay are set. Answer the line, then control_call_answered(), now or later.
	 */
	void (*call_accepted)(void *user, struct control_call *call);
	/*
	 * PNS: the call that we dialled, or the incoming one that we accepted, is connected;
	 * call->peer_call_id, peer_window, peer_delay, connect_speed are set, framing of an
	 * incoming one too.
	 */
	void (*call_established)(void *user, struct control_call *call);
	/*
	 * PAC: the PNS clears the call. May fill in the cause and statistics of the
	 * Call-Disconnect-Notify that answers it (the text must last until `call_ended`); the
	 * result is "request". May be NULL; must not end the call.
	 */
	void (*call_clearing)(void *user, struct control_call *call, struct control_hangup *how);
	/*
	 * The call is over and forgotten by the connection; its storage is the caller's again.
	 * Called exactly once for each call taken, dialled or offered, also when the connection
	 * goes.
	 * `detail` (may be "") is static or valid during the callback: the peer's result and error
	 * in words.
	 */
	void (*call_ended)(
		void *user, struct control_call *call, enum pptp_reason reason, const char *detail);
	/* Set-Link-Info, WAN-Error-Notify for a call (may be NULL). */
	void (*link_info)(
		void *user, struct control_call *call, const struct control_link_info *info);
	void (*wan_error)(
		void *user, struct control_call *call, const struct control_wan_error *error);
	/* Close the TCP connection when all bytes sent are flushed. Last callback. */
	void (*closed)(void *user, enum pptp_reason reason, const char *detail);
	/* A message was received or sent, for debug logs and tests (may be NULL). */
	void (*trace)(void *user, bool sent, const struct control_message *m);
};

struct control_connection {
	enum control_role role;
	enum control_state state;
	const struct control_config *config; /* the caller's; must outlive the connection */
	const struct control_ops *ops;
	void *user;
	const struct control_start *peer; /* what the peer announced, during `start_requested` and
					     `established`; else NULL */
	uint16_t peer_version, peer_max_channels; /* of that */
	struct control_call *calls;               /* list through call->next */
	struct control_waiting waiting, hung_up;  /* with a deadline; hung_up: for the last word */
	struct control_index *index;              /* of many calls; NULL: there are few */
	unsigned int call_count;
	uint64_t deadline; /* of the state, or of the next echo; UINT64_MAX none */
	uint64_t now;      /* time of the function under way */
	bool echo_outstanding;
	uint32_t echo_identifier;
	uint64_t echo_sent, echo_rtt; /* us; rtt 0 until measured */
	enum pptp_reason stop_reason;
	uint8_t *partial; /* CONTROL_MESSAGE_MAX bytes, only while a part of a message is there */
	size_t have;      /* so much of it */
	uint64_t received, sent;  /* messages */
	uint64_t unknown_call_id; /* messages that named no call of this connection: ignored,
				     counted */
	uint64_t
		unexpected; /* harmless messages without a meaning in the state: ignored, counted */
	uint64_t idle_deadline; /* us */
	bool stop_sent; /* in WAIT_STOP_REPLY: the request is out; before, calls are being cleared
			 */
	enum control_asked asked;  /* the callback that runs has not answered yet */
	uint16_t asked_call_id;    /* the peer's */
	struct control_owed *owed; /* allocated with the first; without memory they are forgotten */
};

/* What a `detail` may take. */
#define CONTROL_DETAIL 160

/* Starts at `now`, TCP being open. An originator sends Start-Control-Connection-Request at once. */
void control_connection_init(struct control_connection *c, enum control_role role,
	const struct control_config *config, const struct control_ops *ops, void *user,
	uint64_t now);

/* Bytes of the stream, any number of messages or part of one. Nothing happens after `closed`. */
void control_connection_receive(
	struct control_connection *c, const uint8_t *data, size_t len, uint64_t now);

/*
 * The TCP connection is gone (end of stream, reset) or is to be given up without a word
 * (PPTP_CONTROL_COLLISION for the loser, section 3.1.3): ends calls and the connection with
 * `reason`, or with that of control_connection_stop() if it came before. `detail` may be NULL.
 */
void control_connection_lost(
	struct control_connection *c, enum pptp_reason reason, const char *detail, uint64_t now);

/* When to call control_connection_tick() at the latest (call deadlines included); UINT64_MAX if
 * never. */
uint64_t control_connection_deadline(const struct control_connection *c);
void control_connection_tick(struct control_connection *c, uint64_t now);

/* Is the peer still there? Sends an Echo-Request at once (unless one is out, or it is not
 * established) and waits `patience` us for the reply, if that is less than reply_timeout. */
void control_connection_probe(struct control_connection *c, uint64_t patience, uint64_t now);

/*
 * Ends it in an orderly way: calls are ended (Call-Clear-Request or Call-Disconnect-Notify by
 * role), then Stop-Control-Connection-Request goes out, and `closed` follows the reply, the end of
 * the TCP connection, or a short deadline (5 s for it all). Closes at once when it was not yet
 * established.
 */
void control_connection_stop(struct control_connection *c, enum pptp_reason reason, uint64_t now);

/*
 * Inside `outgoing_call`, refuses what was not taken: Outgoing-Call-Reply with result (2..7), error
 * (sent with a general error only) and cause. Nothing when the request was answered already.
 */
void control_connection_refuse(struct control_connection *c,
	const struct control_outgoing_request *request, uint8_t result, uint8_t error,
	uint16_t cause);

/* The same inside `incoming_call`: Incoming-Call-Reply with result (2 or 3) and error. */
void control_connection_refuse_incoming(struct control_connection *c,
	const struct control_incoming_request *request, uint8_t result, uint8_t error);

/*
 * Section 3.1.3: both ends have sent a Start-Control-Connection-Request, each on a TCP connection
 * of its own. Does this end, with the address `own`, win over `peer` (host byte order)? The winner
 * answers CONTROL_START_COLLISION_WON on the peer's connection; the loser drops its own one with
 * control_connection_lost(PPTP_CONTROL_COLLISION) and accepts the peer's.
 */
static inline bool control_collision_won(uint32_t own, uint32_t peer)
{
	return own > peer;
}
