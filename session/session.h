/*
 * One call's whole life: its control call, its line, its place in the data plane, and why it
 * ended. Shared by server, client and load generator. Control thread only.
 *
 *   new -> (asking, dialling) -> linking -> up -> ending -> gone
 *
 * Whatever ends first (line, call, connection, administrator) gives the reason; then the rest is
 * ended in an orderly way: the line (LCP Terminate, on-hook), Call-Clear-Request or
 * Call-Disconnect-Notify, the data plane's session. `gone` is called once, last; the session has
 * freed itself after that.
 *
 * The four kinds of calls (RFC 2637 section 3.2), and what has to happen before frames pass:
 *
 *   SESSION_DIALLED   PNS, outgoing: session_dial(); the peer's Outgoing-Call-Reply
 *   SESSION_TAKEN     PAC, outgoing: session_answer(); admit; the line's dial()
 *   SESSION_ACCEPTED  PNS, incoming: session_take(); admit; the peer's Incoming-Call-Connected
 *   SESSION_OFFERED   PAC, incoming: session_offer(); the peer's Incoming-Call-Reply; the line's answer()
 */
#pragma once

#include "lib/control/call.h"
#include "lib/gre/sender.h"
#include "lib/nd/host.h"
#include "lib/ppp/link.h"
#include "session/connection.h"
#include "session/hub.h"
#include "session/line.h"
#include "session/settings_rate.h"

#include <jansson.h>
#include <time.h>

struct session;

enum session_kind { SESSION_DIALLED, SESSION_TAKEN, SESSION_ACCEPTED, SESSION_OFFERED };

/* What holds for one peer; at first as in session_config. */
struct session_terms {
	enum gre_flow flow;
	uint16_t mtu_max;
	bool any_source;
};

struct session_ops {
	/* A session with the peer of `c` begins: changes what holds for it. NULL: nothing. */
	void (*terms)(const struct connection *c, struct session_terms *terms);
	/* It exists from now on, and `gone` will come. May be NULL. */
	void (*began)(struct session *s);
	/*
	 * SESSION_TAKEN, SESSION_ACCEPTED: may the call that the peer asks for be answered? 1: yes; 0:
	 * session_admit() will say, within the control connection's answer time; -1: no, for
	 * *failure, which has "do not accept" in it. NULL: yes.
	 */
	int (*admit)(struct session *s, struct line_failure *failure);
	/* Server: judge; answer with session_verdict(), now or later (unless gone by then). */
	void (*judge)(struct session *s, const struct ppp_auth_request *request);
	/* Client with config.link.new_password: that one holds from now on, changed just now or since
	 * before. May not call session functions. NULL: nobody wants to know. */
	void (*new_password)(struct session *s, bool changed);
	/* IPCP is open, s->net is set: prepares what IPv4's data needs. 0; -1: the session is ended with
	 * PPTP_SYSTEM and the sentence in `why` (SYSTEM_WHY bytes). May not call session functions.
	 * Once: when data has to wait later, while encryption is negotiated anew, that is not told.
	 */
	int (*up)(struct session *s, char *why);
	/*
	 * IPv6, where config.link.ipv6 allows it; NULL where it never does. up6: IPV6CP is open for the
	 * first time, s->net has the identifiers: prepares what data needs; a server says in
	 * s->ipv6.nd->advertise what the peer is told. -1: the session goes on without IPv6, for the reason in
	 * `why`. learn6: a router (the server) says this; may be NULL for servers. may_have: may the peer
	 * have this identifier? NULL: any.
	 */
	int (*up6)(struct session *s, char *why);
	void (*learn6)(struct session *s, const struct nd_advertisement *ra);
	bool (*may_have)(struct session *s, const uint8_t identifier[8]);
	/* Each control frame of the line's that goes out or comes in, for who wants to see what was said.
	 * May not call session functions. NULL: nobody. */
	void (*trace)(
		struct session *s, bool sent, uint16_t protocol, const uint8_t *data, size_t len);
	/* Data passes from now on. Once, after `up`; a line that is not PPP: frames pass. */
	void (*opened)(struct session *s);
	void (*gone)(struct session *s, enum pptp_reason reason, const char *detail);
};

struct session_config {
	struct ppp_link_config link;
	uint16_t window;           /* announced, packets */
	uint16_t processing_delay; /* announced, tenths of a second */
	enum gre_flow flow;        /* do we hold back what the peer's window does not allow? */
	uint64_t ack_timeout_max;  /* us; MaxTimeOut of section 4.4; 0: the default */
	uint64_t gre_timeout; /* us: no GRE packet at all from the peer for so long after the call
				      is there: GRE_SILENT */
	struct rate_limits limits; /* of data, at first; see session_limit() */
	uint16_t mtu_max;          /* of the path, outer, at most; 0: as the kernel knows it */
	bool any_source;       /* what the peer sends may have any source address (dataplane.h) */
	bool fragment;         /* outer packets may be fragmented: the path's MTU does not matter */
	struct line_call call; /* session_dial(): what is asked for */
	bool link_info;        /* PNS: Set-Link-Info when LCP is open */
	uint32_t speed;        /* bits/s that we announce as PAC where the line says none */
};

/* Frames that came before the call was answered (they overtake the reply): kept, few. */
#define SESSION_EARLY_MAX 4

#define SESSION_DETAIL 160

/* A call as it was asked for, which many sessions may have in common. */
struct hub_asked {
	unsigned int sessions;
	struct line_call call;
};

/* Only sessions with IPv6 have it. */
struct session_nd {
	struct nd_advertisement advertise; /* server; prefix_count 0: nothing is advertised */
	struct nd_router router;           /* server */
	struct nd_host host;               /* client */
};

struct session_ipv6 {
	bool prepared, refused;            /* what ops->up6 said; neither: it was not asked yet */
	bool up;                           /* data passes */
	uint8_t local_id[8], remote_id[8]; /* it was prepared for these */
	struct session_nd *nd;             /* from before ops->up6 on */
};

struct session_last {
	struct tunnel_stats stats;
	struct dp_limited up, down;
};

/* What is told of a line while its call lasts. */
struct session_line_news {
	struct control_wan_error errors; /* our own line's, or as the peer (PAC) reports them */
	uint64_t wan_logged; /* us: when a WAN-Error-Notify was last in the log; 0 never */
	bool has_accm;       /* a Set-Link-Info came, the last with these */
	uint32_t send_accm, receive_accm;
};

struct session {
	struct session *next, *prev;
	uint32_t id; /* for people and the control socket; from 1 */
	enum session_kind kind;
	struct hub *hub;
	struct connection *connection; /* NULL when the call is over */
	const struct session_config *config;
	struct session_terms terms;
	const struct session_ops *ops;
	void *owner, *owner_data; /* the owner's */
	struct control_call call;
	const struct line_call *asked; /* the call as it was asked for */
	struct hub_asked *shared;      /* where that is */
	uint32_t speed;                /* bits/s, when connected */
	struct line *line;
	struct dp_session *dp;
	struct datapath_way *way; /* NULL: the raw socket */
	struct timers_entry timer;
	struct in_addr peer, local; /* outer */
	uint64_t mtu_at;            /* when to ask for the path's MTU again, us */
	uint16_t mtu;               /* of the path, outer; 0: not known */
	struct rate_limits limits;
	uint16_t call_id;
	/* Texts: see session_memory.c. */
	char *user;      /* as the peer names itself (server), or our user name (client); escaped */
	bool user_known; /* server: it was proven, and stays whatever the peer says later */
	struct ppp_network net;
	struct session_ipv6 ipv6;
	time_t since, up_since; /* wall clock; 0 not yet */
	uint64_t began, up_at;  /* us, monotonic */
	bool ipv4_prepared;     /* ops->up was called */
	bool ipv4_up;
	bool has_call, connected, line_started, is_up /* IPv4, IPv6 or both */, ending,
		close_wanted, line_over, dp_removed, is_over;
	enum pptp_reason reason;
	char *detail;     /* up to SESSION_DETAIL */
	bool has_failure; /* the line could not be dialled, or the call was not admitted */
	struct line_failure failure; /* why */
	uint16_t cause;              /* Q.850, of the end; 0 none */
	char *statistics; /* up to LINE_STATISTICS; for Call-Disconnect-Notify; or as the peer sent it */
	struct session_line_news *news; /* NULL: nothing was told yet */
	char *subject;                  /* for the log */
	struct session_last
		*last; /* what the data plane has counted, when it is out of it; else NULL */
	unsigned int early_count;
	struct session_early {
		uint16_t protocol, len;
		uint8_t *data;
	} * early; /* SESSION_EARLY_MAX, when the first comes; or NULL */
};

/*
 * PAC: takes a requested call, dials `line` (taken over in any case; NULL: our own PPP stack), answers, starts it.
 * On failure the call is refused and NULL returned; `gone` may still come for what there was of the session.
 */
struct session *session_answer(struct hub *h, struct connection *c,
	const struct control_outgoing_request *request, struct line *line,
	const struct session_config *config, const struct session_ops *ops, void *owner);

/* PNS: dials config->call in an established connection. NULL on failure (nothing was sent), with
 * `gone` as above. */
struct session *session_dial(struct hub *h, struct connection *c,
	const struct session_config *config, const struct session_ops *ops, void *owner);
/* The same for a line of the caller's own, as session_answer(). */
struct session *session_dial_line(struct hub *h, struct connection *c, struct line *line,
	const struct session_config *config, const struct session_ops *ops, void *owner);

/* PNS: takes an incoming call for our own PPP stack; as session_answer(). */
struct session *session_take(struct hub *h, struct connection *c,
	const struct control_incoming_request *request, const struct session_config *config,
	const struct session_ops *ops, void *owner);

/* PAC: offers a call that came in at `line` (as session_answer()) to the peer; as session_dial(). */
struct session *session_offer(struct hub *h, struct connection *c, const struct line_call *call,
	struct line *line, const struct session_config *config, const struct session_ops *ops,
	void *owner);

/* What ops->admit left open: NULL yes, or why not. Nothing if the session is ending. */
void session_admit(struct session *s, const struct line_failure *failure);

/* Ends it in an orderly way, from the event loop's next turn on: may be called in any callback.
 * Nothing if it is ending already. */
void session_close(struct session *s, enum pptp_reason reason, const char *detail);

/* The verdict asked for by ops->judge; `net` is copied (NULL unless ok). */
void session_verdict(
	struct session *s, const struct ppp_auth_verdict *verdict, const struct ppp_network *net);

/*
 * How much data may pass from now on: for accounts, commands, RADIUS. It takes the place of that of
 * the configuration. 0; -ENOMEM: it is as before. A line that is not PPP has no limit.
 */
int session_limit(struct session *s, const struct rate_limits *limits);
/* What the limits dropped. */
void session_limited(const struct session *s, struct dp_limited *up, struct dp_limited *down);

/* From connection.c and hub.c. */
void session_call_accepted(struct session *s);
void session_call_established(struct session *s);
void session_call_clearing(struct session *s, struct control_hangup *how);
void session_call_ended(struct session *s, enum pptp_reason reason, const char *detail);
void session_wan_error(struct session *s, const struct control_wan_error *totals);
void session_link_info(struct session *s, const struct control_link_info *info);
void session_event(struct session *s, const struct dp_event *event);

void session_stats(const struct session *s, struct tunnel_stats *out);
/* Of its PPP link; all 0, texts "", where the line is not our own PPP stack. */
void session_ppp_info(const struct session *s, struct ppp_link_info *info);
