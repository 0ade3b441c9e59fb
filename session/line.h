/*
 * The place for lines. A call's PPP frames come from and go to a line: on a PAC that is a telephone line (RFC 2637
 * section 1), in VPN use our own PPP stack. The session (session.h) is the call; it knows lines by this interface
 * only. What a kind needs beyond it (a tty, an exchange, accounts) it gets when it is made.
 *
 *   dial or answer -> connected | failed;   start -> frames ... -> over;   release
 *
 *   dial     PAC, Outgoing-Call-Request (3.2.4.1): call that number with that bearer, framing, speed.
 *   answer   PAC, the PNS took an Incoming-Call-Request for this line (3.2.3.1): lift the receiver.
 *   start    call and tunnel are there: frames may pass. A PNS' line is started without dial or answer.
 *   hangup   at any time, in an orderly way; `over` follows (at once, or when the far end or a modem has said so).
 *   lost     the call is gone: nothing can be sent any more; `over` follows before it returns.
 *
 * Upwards, `failed` and `over` are last: the line calls nothing after. The session then calls release().
 *
 * What is needed by kinds that are still to come, and where it has its place here:
 * - A modem with AT commands: dial() returns 0 at once, then "CONNECT 33600" is `connected` with its speed; BUSY,
 *   NO CARRIER, NO DIALTONE, NO ANSWER are `failed` with the result of the same name (2.8) and a cause. RING and
 *   caller's number reach whoever made the line (line_owner_ops.ring), who offers the call. Loss of DCD is `over`
 *   with PPTP_LOST_CARRIER. Escape, hang-up and reset strings take time: between hangup() and `over`, with a
 *   deadline of the line's own (deadline(), tick(), or its own handles of the event loop).
 * - An HDLC framer (RFC 1662): frames are PPP packets as GRE carries them, with or without address and control
 *   field (4), no flags, FCS or escapes: these are the framer's, as are CRC, framing, overrun and alignment errors
 *   (`errors`), asynchronous or synchronous (line_connection.framing), and the ACCMs of Set-Link-Info (link_info).
 * - A line is slower than the tunnel: it queues within a bound of its own and counts what it drops as overrun.
 *
 * Time is `now` in us. One thread. A line may call upwards inside any function below except answer(), dial(),
 * release(), and after `over` or `failed` nothing; the session may call hangup() inside any callback.
 */
#pragma once

#include "lib/control/message.h"
#include "lib/reason.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dataplane;
struct dp_session;
struct line;

#define LINE_STATISTICS 129 /* as in Call-Disconnect-Notify (2.13), terminated */

/* A call as it was asked for (2.7, 2.9). Texts are opaque bytes of at most 64, terminated. */
struct line_call {
	char number[65];  /* dialled */
	char calling[65]; /* of the caller; "" unknown */
	char subaddress[65];
	uint32_t min_bps, max_bps;
	uint32_t bearer, framing; /* enum control_bearer, control_framing; 0 unknown */
	uint32_t channel;         /* physical channel */
};

/* A line that is there. */
struct line_connection {
	uint32_t speed;   /* bits/s */
	uint32_t framing; /* CONTROL_FRAMING_ASYNC or _SYNC */
	uint32_t channel; /* physical channel, any number of the PAC's own */
	uint16_t delay;   /* processing delay, tenths of a second */
};

/* Why it did not come about: of Outgoing-Call-Reply (2.8). */
struct line_failure {
	uint8_t result; /* enum control_outgoing_result, not CONNECTED */
	uint8_t error;  /* enum control_error; 0 unless result is GENERAL_ERROR */
	uint16_t cause; /* Q.850; 0 none */
};

/* How it ended. */
struct line_end {
	enum pptp_reason reason;
	const char *detail;     /* "" or more words; valid during the call */
	uint16_t cause;         /* Q.850; 0 none */
	const char *statistics; /* for Call-Disconnect-Notify; NULL: none */
};

/* Cause codes, as ISDN (ITU-T Q.850) numbers them: the value of the field "Cause Code". */
enum line_cause {
	LINE_CAUSE_NONE = 0,
	LINE_CAUSE_UNASSIGNED = 1, /* no such number */
	LINE_CAUSE_CLEARING = 16,  /* normal */
	LINE_CAUSE_BUSY = 17,
	LINE_CAUSE_NO_RESPONSE = 18, /* nobody took it within the time */
	LINE_CAUSE_NO_ANSWER = 19,   /* it rang */
	LINE_CAUSE_REJECTED = 21,
	LINE_CAUSE_OUT_OF_ORDER = 27, /* of the far end */
	LINE_CAUSE_NO_CHANNEL = 34,
	LINE_CAUSE_NETWORK = 38, /* out of order: no dial tone, carrier lost */
};

/* "user busy"; "" for a number that is not known here. */
const char *line_cause_text(uint16_t cause);

/* Where frames go: the call's place in the data plane. */
struct line_path {
	struct dataplane *dp;
	struct dp_session *session;
};

enum line_event { LINE_RESET, LINE_DESYNC }; /* of MPPE, see dataplane.h */

/* Downwards: a kind of line. NULL where it says so. */
struct line_ops {
	const char *kind; /* "ppp", "simulated" */
	bool raw; /* frames go through unseen; else the tunnel does MPPE and data of the TUN device */
	/* 1: connected, *out is filled; 0: `connected` or `failed` come later; -1: failed, *failure is filled. NULL: 1,
	 * with the defaults that *out has. */
	int (*dial)(struct line *l, const struct line_call *call, struct line_connection *out,
		struct line_failure *failure, uint64_t now);
	int (*answer)(
		struct line *l, struct line_connection *out, uint64_t now); /* the same; NULL: 1 */
	void (*start)(struct line *l, const struct line_path *path, uint64_t now);
	/* From the tunnel: PPP protocol and information field; raw: protocol 0 and the PPP packet as it came. */
	void (*frame)(
		struct line *l, uint16_t protocol, const uint8_t *data, size_t len, uint64_t now);
	void (*event)(struct line *l, enum line_event event, uint64_t now); /* NULL: raw */
	/* Set-Link-Info (2.15). NULL: the kind has no use for it. */
	void (*link_info)(struct line *l, uint32_t send_accm, uint32_t receive_accm);
	void (*hangup)(struct line *l, enum pptp_reason reason, const char *detail, uint64_t now);
	void (*lost)(struct line *l, enum pptp_reason reason, const char *detail, uint64_t now);
	void (*tick)(struct line *l, uint64_t now); /* NULL: needs no call */
	uint64_t (*deadline)(const struct line *l); /* UINT64_MAX: none; NULL: never */
	void (*release)(struct line *l);            /* its owner's again, or freed */
};

/* Upwards: the call. */
struct line_user_ops {
	void (*connected)(void *user, const struct line_connection *connection);
	void (*failed)(void *user, const struct line_failure *failure);
	void (*frame)(void *user, uint16_t protocol, const uint8_t *data, size_t len);
	/* All errors since the line was connected, after each that is new (2.14). */
	void (*errors)(void *user, const struct control_wan_error *totals);
	void (*over)(void *user, const struct line_end *end);
};

/* To whoever made the line: it rings. He makes a call of it, or releases it (hanging up before, if he likes). */
struct line_owner_ops {
	void (*ring)(void *owner, struct line *l, const struct line_call *call, uint64_t now);
};

struct line {
	const struct line_ops *ops;
	const struct line_user_ops *up;
	void *user;
	const char *subject; /* the call's name in the log; the user's */
};
