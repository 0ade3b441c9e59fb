/*
 * The inside of a PPP link, for link.c and its parts:
 *
 *	link.c          the facade: new, receive (which protocol), tick, deadline, reports
 *	link_phase.c    the phases, what follows from what, and the end
 *	link_auth.c     authentication
 *	link_callback.c what is between authentication and network: CBCP
 *	link_ccp.c      CCP: encryption and compression
 *	link_network.c  IPCP and IPV6CP, what waits for what, data on and off
 *	link_vj.c       Van Jacobson compression on and off
 *
 * Order of things: what a callback of an automaton or of CHAP reports is noted in `pending` and
 * done by link_settle() when the packet or the tick is through, so that no automaton is entered
 * twice; only the stopping of data is done at once.
 */
#pragma once

#include "lib/ppp/cbcp.h"
#include "lib/ppp/ccp.h"
#include "lib/ppp/chap.h"
#include "lib/ppp/eap.h"
#include "lib/ppp/ipcp.h"
#include "lib/ppp/ipv6cp.h"
#include "lib/ppp/lcp.h"
#include "lib/ppp/link.h"
#include "lib/ppp/pap.h"

#define LINK_HELD_MAX                                                                              \
	160 /* bytes of an NCP's Configure-Request that comes early; Windows' longest has 34 */

#define LINK_DETAIL 192

enum link_pending {
	LINK_LCP_UP = 1 << 0,
	LINK_AUTH_OK = 1 << 1,
	LINK_NETWORK = 1 << 6, /* callback is over, or was not agreed on */
	LINK_CCP_OFF = 1 << 2, /* CCP is not to be: go on without */
	LINK_START_NCPS = 1 << 3,
	LINK_END = 1 << 4,     /* by LCP Terminate-Request */
	LINK_END_NOW = 1 << 5, /* there is nobody to say it to */
};

/* What moves a link from phase to phase; what follows what is a table in link_phase.c. */
enum link_step {
	LINK_STEP_UP,       /* the lower layer is there */
	LINK_STEP_OPENED,   /* LCP is open */
	LINK_STEP_CALLBACK, /* authentication is over, and callback was agreed on */
	LINK_STEP_NETWORK,  /* both are over */
	LINK_STEP_DOWN,     /* LCP is no longer open: negotiated anew */
	LINK_STEP_CLOSE,    /* it is to end, by Terminate-Request */
	LINK_STEP_FINISH,   /* it is over */
	LINK_STEP_COUNT
};

struct link_held {
	uint8_t len;
	uint8_t *data; /* NULL: nothing is kept */
};

/* What only a client has. */
struct link_client {
	struct ppp_secret secret;
	struct password_change *change; /* NULL none, or no more */
	char *password;                 /* only if a method needs it itself, or NULL */
};

struct ppp_link {
	const struct ppp_link_ops *ops;
	void *user;

	/* Configuration. */
	enum ppp_role role;
	struct ppp_mppe_config mppe;
	struct ppp_compress_list compress;
	const struct tls_engine *tls;
	const char *anonymous;
	bool binding_optional;
	bool want_dns;
	enum ppp_ipv6_policy ipv6;
	uint8_t identifier[IPV6CP_IDENTIFIER];
	bool vj;
	uint16_t mru;
	uint64_t restart_interval, setup_timeout, session_time;
	const char *identification; /* NULL: nothing */
	char *name;
	struct link_client *client; /* NULL: server */
	uint64_t reauthenticate;    /* server */

	/* Where it is. */
	enum ppp_phase phase;
	unsigned int pending; /* enum link_pending */
	unsigned int depth; /* calls of the facade inside each other: ppp_link_verdict() in judge */
	uint64_t now;
	uint64_t setup_deadline;  /* for an open NCP; UINT64_MAX once there is one */
	uint64_t hold_deadline;   /* IPCP waits for the CCP that is preferred, not required */
	uint64_t proof_deadline;  /* server: the client is to prove itself again */
	uint64_t reopen_deadline; /* CCP negotiates again while data waits */
	uint64_t session_end;     /* UINT64_MAX: none (yet) */
	uint64_t session_warn;    /* the last Time-Remaining before it */
	uint64_t received;
	bool over;    /* `finished` was called, or is being called */
	bool ipv4_up; /* `up` was the last of `up` and `down` */
	bool ipv6_up; /* so for `up6` and `down6` */
	bool was_up;  /* once */
	bool auth_running, authenticated;
	bool handshake; /* server: of TLS, that nothing came of */
	bool have_key;
	bool ccp_off;       /* CCP is refused */
	bool ipcp_off;      /* there is no IPv4, and need not be */
	bool ccp_asked;     /* the peer asked for MPPE, and was refused */
	bool ccp_needed;    /* data has to wait for CCP: required, or it was open */
	bool was_encrypted; /* once: the link never goes on without */
	uint8_t desyncs;    /* reopenings in a row */
	uint8_t foreign;    /* Protocol-Rejects of what we never sent, in a row */
	uint64_t last_desync;
	uint8_t log_lines; /* in a short time */
	uint64_t log_since;

	/* How it ends. */
	enum pptp_reason reason;
	char *detail; /* NULL: "" */

	struct lcp lcp;
	enum ppp_auth_method auth; /* that runs, or ran; any of EAP until it is known */
	/* Of the method that runs, the others are NULL; a server's is given back when data passes,
	 * by when the peer has heard of its success. */
	struct chap *chap;
	struct pap *pap;
	struct eap *eap;
	struct cbcp cbcp;
	char *peer_name; /* NULL: "", or there was no memory for it */
	struct ccp ccp;
	struct ipcp ipcp;
	struct ipv6cp *ipv6cp;  /* NULL: PPP_IPV6_OFF */
	struct ppp_network net; /* server: from the verdict; then what was agreed on */
	struct mppe_material keys;
	struct link_held held_ccp, held_ipcp, held_ipv6cp;
};

__attribute__((format(printf, 3, 4))) void link_log(
	struct ppp_link *l, enum ppp_log level, const char *format, ...);

/* link.c */
extern const struct cp_host link_host;
/* Keeps a copy of the first `len` octets of a text; without memory, or of "", NULL. */
void link_keep(char **at, const char *text, size_t len);

/* link_phase.c */
/* Takes the step and logs it, if it changes the phase. */
void link_step(struct ppp_link *l, enum link_step step);
void link_event(void *user, struct cp *cp, enum cp_event event);
/* Notes that the link is to end, the first one counts. `detail` may be "". */
void link_end(
	struct ppp_link *l, enum link_pending how, enum pptp_reason reason, const char *detail);
void link_finish(struct ppp_link *l);
void link_settle(struct ppp_link *l);
void link_tick_phase(struct ppp_link *l);
/* Data passes: the session's time begins to run, once. */
void link_session_begins(struct ppp_link *l);
uint64_t link_session_deadline(const struct ppp_link *l);

/* link_auth.c */
void link_auth_start(struct ppp_link *l);
void link_auth_stop(struct ppp_link *l);
void link_auth_wipe(struct ppp_link *l);
/* Data passes: a server needs nothing of it any more, unless the client is to prove itself again. */
void link_auth_settled(struct ppp_link *l);
void link_auth_forget_change(struct ppp_link *l); /* wipes and frees it */
void link_auth_receive(struct ppp_link *l, uint16_t number, const uint8_t *info, size_t len);
void link_auth_tick(struct ppp_link *l);
/* Server: another proof is due. */
void link_auth_again(struct ppp_link *l);
uint64_t link_auth_deadline(const struct ppp_link *l);
/* Of the method that runs. */
uint16_t link_auth_protocol(const struct ppp_link *l);
/* A verdict is being waited for. */
bool link_auth_judging(const struct ppp_link *l);
/* An attempt of the client's has failed, and it has another. */
bool link_auth_failed_once(const struct ppp_link *l);
/* A frame of the network phase came: the other end holds authentication to be over. */
void link_auth_implied(struct ppp_link *l);
void link_auth_verdict(struct ppp_link *l, const struct ppp_auth_verdict *verdict);

/* link_callback.c */
/* If LCP has agreed on it; else LINK_NETWORK follows at once. */
void link_callback_start(struct ppp_link *l);
void link_callback_stop(struct ppp_link *l);
void link_callback_receive(struct ppp_link *l, const uint8_t *info, size_t len);
/* A frame of the network phase came: the other end holds callback to be over. */
void link_callback_implied(struct ppp_link *l);
void link_callback_tick(struct ppp_link *l);

/* link_ccp.c */
/* Before link_ccp_start(): with the keys and terms of this link. false: it is to end, because the
 * encryption that is required is impossible. */
bool link_ccp_prepare(struct ppp_link *l);
void link_ccp_start(struct ppp_link *l);
void link_ccp_stop(struct ppp_link *l);
void link_ccp_event(struct ppp_link *l, enum cp_event event);
/* LINK_CCP_OFF */
void link_ccp_off(struct ppp_link *l);
/* As far as encryption is concerned, data may pass. */
bool link_ccp_fits(const struct ppp_link *l);
void link_receive_ccp(struct ppp_link *l, const uint8_t *info, size_t len);
/* The peer's Protocol-Reject: of CCP; of data that we never sent. */
void link_ccp_rejected(struct ppp_link *l);
void link_ccp_foreign(struct ppp_link *l);
/* Encryption was negotiated anew not long ago, because it fell out of step. */
bool link_desynced(const struct ppp_link *l);
void link_tick_ccp(struct ppp_link *l);

/* link_network.c */
void link_network_start(struct ppp_link *l);
void link_network_stop(struct ppp_link *l);
void link_network_event(struct ppp_link *l, struct cp *cp, enum cp_event event);
void link_network_settle(struct ppp_link *l, unsigned int pending);
/* IPCP or IPV6CP. */
void link_receive_ncp(struct ppp_link *l, uint16_t protocol, const uint8_t *info, size_t len);
/* Data passes. */
static inline bool link_is_up(const struct ppp_link *l)
{
	return l->ipv4_up || l->ipv6_up;
}
/* Runs next to IPCP: when neither CCP nor the policy is in its way. */
bool link_wants_ipv6(const struct ppp_link *l);
void link_network_rejected(struct ppp_link *l, uint16_t protocol);
void link_tick_network(struct ppp_link *l);
/* Calls `up`, `down`, `up6` or `down6` if what they said is no longer so. */
void link_update_data(struct ppp_link *l);
/* Keeps a Configure-Request until its protocol runs; gives it to it. */
void link_hold(struct ppp_link *l, struct link_held *held, const uint8_t *info, size_t len);
void link_forget(struct link_held *held);
void link_release(struct cp *cp, struct link_held *held, uint64_t now);
/* The reason for a network phase that was not over in time. */
enum pptp_reason link_network_timeout(const struct ppp_link *l);

/* link_vj.c */
/* IPCP begins, or began anew: so do both directions' slots. */
void link_vj_begin(struct ppp_link *l);
/* It is open: as was agreed on. */
void link_vj_open(struct ppp_link *l);
