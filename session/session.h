/*
 * One call's whole life: its control call, its PPP link, its place in the data plane, and why it
 * ended. Shared by server, client and load generator. Control thread only.
 *
 *   new -> (dialling) -> linking -> up -> ending -> gone
 *
 * Whatever ends first (link, call, connection, administrator) gives the reason; then the rest is
 * ended in an orderly way: LCP Terminate, Call-Clear-Request or Call-Disconnect-Notify, the data
 * plane's session. `gone` is called once, last; the session has freed itself after that.
 */
#pragma once

#include "lib/control/call.h"
#include "lib/ppp/link.h"
#include "session/connection.h"
#include "session/hub.h"

#include <jansson.h>
#include <time.h>

struct session;

struct session_ops {
	/* Server: judge; answer with session_verdict(), now or later (unless gone by then). */
	void (*judge)(struct session *s, const struct ppp_auth_request *request);
	/* IPCP is open, s->net is set: prepares what data needs. 0; -1: the session is ended with
	 * PPTP_SYSTEM and the sentence in `why` (SYSTEM_WHY bytes). May not call session functions.
	 * Once: when data has to wait later, while encryption is negotiated anew, that is not told.
	 */
	int (*up)(struct session *s, char *why);
	/* Data passes from now on. Once, after `up`. */
	void (*opened)(struct session *s);
	void (*gone)(struct session *s, enum pptp_reason reason, const char *detail);
};

struct session_config {
	struct ppp_link_config link;
	uint16_t window;      /* announced, packets */
	uint64_t gre_timeout; /* us: no GRE packet at all from the peer for so long after the call
				 is there: GRE_SILENT */
	uint32_t min_bps, max_bps;
};

/* Frames that came before the call was answered (they overtake the reply): kept, few. */
#define SESSION_EARLY_MAX 4

struct session {
	struct session *next, *prev;
	uint32_t id; /* for people and the control socket; from 1 */
	struct hub *hub;
	struct connection *connection; /* NULL when the call is over */
	const struct session_config *config;
	const struct session_ops *ops;
	void *owner, *owner_data; /* the owner's */
	struct control_call call;
	struct ppp_link *link;
	struct dp_session *dp;
	uv_timer_t timer;
	struct in_addr peer, local; /* outer */
	uint16_t call_id;
	char user[CHAP_NAME_MAX +
		  1]; /* as the peer names itself (server), or our user name (client); escaped */
	struct ppp_network net;
	time_t since, up_since;            /* wall clock; 0 not yet */
	uint64_t began, link_began, up_at; /* us, monotonic */
	uint64_t gre_deadline;
	bool answered; /* the peer has answered a frame of ours: GRE gets through both ways */
	bool has_call, link_started, is_up, ending, close_wanted, link_over, dp_removed,
		timer_closed;
	enum pptp_reason reason;
	char detail[160];
	char subject[96];               /* for the log */
	struct tunnel_stats last_stats; /* kept when the data plane's session goes */
	unsigned int early_count;
	struct session_early {
		uint16_t protocol, len;
		uint8_t *data;
	} early[SESSION_EARLY_MAX];
};

/*
 * Server (PAC): takes a requested call, answers it and starts PPP. On failure the call is refused
 * and NULL returned; `gone` may still come for what there was of the session.
 */
struct session *session_answer(struct hub *h, struct connection *c,
	const struct control_outgoing_request *request, const struct session_config *config,
	const struct session_ops *ops, void *owner);

/* Client (PNS): dials a call in an established connection. NULL on failure (nothing was sent), with
 * `gone` as above. */
struct session *session_dial(struct hub *h, struct connection *c,
	const struct session_config *config, const struct session_ops *ops, void *owner);

/* Ends it in an orderly way, from the event loop's next turn on: may be called in any callback.
 * Nothing if it is ending already. */
void session_close(struct session *s, enum pptp_reason reason, const char *detail);

/* The verdict asked for by ops->judge; `net` is copied (NULL unless ok). */
void session_verdict(
	struct session *s, const struct ppp_auth_verdict *verdict, const struct ppp_network *net);

/* From connection.c and hub.c. */
void session_call_established(struct session *s);
void session_call_ended(struct session *s, enum pptp_reason reason, const char *detail);
void session_event(struct session *s, const struct dp_event *event);

void session_stats(const struct session *s, struct tunnel_stats *out);
