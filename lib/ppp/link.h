/*
 * One PPP link without I/O: the phases of RFC 1661 section 3 (establish, authenticate, network, terminate),
 * LCP, CHAP, CCP with MPPE, IPCP; frames in, frames and events out, a deadline.
 *
 * Both roles: the server authenticates its peer and hands out addresses; the client is authenticated and asks.
 * Time is `now` in us. Callbacks run inside the functions below and must not free the link or call it, except
 * ppp_link_verdict(), which may be called from `judge`. `finished` is the last callback, once.
 *
 * Interop rules that live here (real peers): NCP packets that come before authentication is over are kept (one
 * a protocol), not dropped: a prompt peer must not wait for its retry timer; IPCP is held while required
 * encryption is not up; a failing NCP does not end the link unless none is left; an unknown protocol gets a
 * Protocol-Reject.
 */
#pragma once

#include "lib/compress/codec.h"
#include "lib/compress/vj.h"
#include "lib/mppe/mppe.h"
#include "lib/ppp/chap.h"
#include "lib/reason.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

enum ppp_role { PPP_SERVER, PPP_CLIENT };
enum ppp_phase {
	PPP_DEAD,
	PPP_ESTABLISH,
	PPP_AUTHENTICATE,
	PPP_CALLBACK, /* CBCP, where LCP has agreed on it */
	PPP_NETWORK,
	PPP_TERMINATE,
	PPP_PHASE_COUNT
}; /* RFC 1661 3.1 */

/* A link whose data was encrypted once never goes on in clear, also where encryption is only preferred: it ends. */
enum ppp_mppe_policy { PPP_MPPE_OFF, PPP_MPPE_PREFER, PPP_MPPE_REQUIRE };

/* Strengths, as bits of a set. */
#define PPP_MPPE_40  1u
#define PPP_MPPE_56  2u
#define PPP_MPPE_128 4u

struct ppp_mppe_config {
	enum ppp_mppe_policy policy;
	unsigned int strengths;               /* allowed; the strongest that both have is taken */
	bool allow_stateless, allow_stateful; /* stateless is asked for if allowed */
};

/* Addresses are in network byte order; 0 means none. */
struct ppp_network {
	uint32_t local, remote; /* server: to give; client: 0, or what it wants */
	uint32_t dns[2], nbns[2];
	/* Interface identifiers (RFC 5072), as they stand in an address; zero: no IPv6 (yet). */
	uint8_t local_id[8], remote_id[8];
};

/* Methods of compression that are allowed, the best first. */
#define PPP_COMPRESS_MAX 3
struct ppp_compress_list {
	unsigned int count;
	enum codec_kind kinds[PPP_COMPRESS_MAX];
};

/*
 * IPv6 beside IPv4: off (IPV6CP gets a Protocol-Reject), or on: a link without it lives on. Alone:
 * a link that has IPv6 lives on without IPv4, too.
 */
enum ppp_ipv6_policy { PPP_IPV6_OFF, PPP_IPV6_ON, PPP_IPV6_ALONE };

struct ppp_link_config {
	enum ppp_role role;
	uint16_t mru;     /* that we ask for, and the most that we send unless the peer says less */
	const char *name; /* server: its name in challenges; client: the user's name */
	const char *
		password; /* client only; NULL: it need not authenticate, and the server proves nothing */
	/*
	 * Client: what to change the password to if the server says that it has expired (MS-CHAPv2,
	 * alone or in EAP), and to try where the old one is refused; NULL none. One that is not to
	 * be had (password_seal()) is none.
	 */
	const char *new_password;
	/* Server: us between proofs of the client during the session (CHAP, EAP; PAP has none); 0
	 * never. */
	uint64_t reauthenticate;
	/* Server: one of these, the first first. Client: allowed, the first is what it would like.
	 * Empty: MS-CHAPv2. */
	struct ppp_auth_list auth;
	struct ppp_mppe_config mppe;
	/* For EAP-TLS and PEAP, which are left out without it; it must outlive the link. Server and client. */
	const struct tls_engine *tls;
	/* Client: the Identity of EAP to tell in clear, where the name is told inside of TLS (PEAP). It
	 * must outlive the link, too; NULL or "": the name. */
	const char *anonymous;
	/* Server: PEAP also with clients that do not bind their password to TLS (eap_set_peap()). */
	bool binding_optional;
	/* With MPPE only MPPC is possible, the others only without. Empty: none. */
	struct ppp_compress_list compress;
	bool vj; /* Van Jacobson compression of TCP/IP headers is asked for and granted */
	/* Server: take Microsoft's callback by CBCP, and offer "no callback". A client takes it only
	 * from a server that insists, with the same outcome. */
	bool cbcp;
	/* Said in LCP's Identification when authentication is over, each time; NULL: nothing. It must
	 * outlive the link. */
	const char *identification;
	/* us from the first `up`, then the link ends by SESSION_TIMEOUT; 0: no limit. The peer is
	 * told at once and a minute before (Time-Remaining). */
	uint64_t session_time;
	bool want_dns; /* client: ask for DNS and NBNS servers */
	enum ppp_ipv6_policy ipv6;
	uint8_t identifier[8];  /* for IPV6CP, ours; zero: a random one. A server keeps its own. */
	uint64_t echo_interval; /* us, 0 never; LCP echo after so much silence */
	unsigned int echo_failures; /* unanswered ones until the link is dead */
	uint64_t restart_interval;  /* us, 3 s; LCP and NCPs */
	uint64_t setup_timeout;     /* us for everything until an NCP is open (60 s) */
};

enum ppp_log { PPP_LOG_ERROR, PPP_LOG_WARNING, PPP_LOG_INFO, PPP_LOG_DEBUG };

struct ppp_link_ops {
	/* Send a frame: PPP protocol and information field (bytes valid during the call). */
	void (*send)(void *user, uint16_t protocol, const uint8_t *info, size_t len);
	void (*random)(void *user, void *buf, size_t len);
	/* LCP is open: what the peer allows us to leave out when sending. */
	void (*framing)(void *user, bool acfc, bool pfc, uint16_t peer_mru);
	/* Server: judge; answer with ppp_link_verdict(), now or later. */
	void (*judge)(void *user, const struct ppp_auth_request *request);
	/* Client: the new password holds from now on; it was `changed` just now, or is known to the
	 * server since before. May be NULL. */
	void (*new_password)(void *user, bool changed);
	/*
	 * Encryption of a direction on (params not NULL: start key for it) or off. Called in time: reception before
	 * our Configure-Ack goes out, sending when CCP opens.
	 */
	void (*mppe_tx)(void *user, const struct mppe_params *params, const uint8_t start[16]);
	void (*mppe_rx)(void *user, const struct mppe_params *params, const uint8_t start[16]);
	void (*mppe_reset)(void *user); /* the peer sent Reset-Request (stateful MPPE, or MPPC) */
	/* Compression of a direction on, or off (NULL). May be NULL if config.compress is empty. */
	void (*pack)(void *user, const struct codec_params *params);
	void (*unpack)(void *user, const struct codec_params *params);
	/*
	 * Compression of headers in a direction on, anew, or off (NULL): reception before our IPCP
	 * says anything, sending when it opens, before `up`. May be NULL if config.vj is false.
	 */
	void (*vj)(void *user, bool sending, const struct vj_params *params);
	/*
	 * IPCP is open: data may pass. `net` has what was agreed: local, remote, and for the client
	 * DNS, NBNS. Again after a `down` that was mended (CCP or LCP negotiated anew).
	 */
	void (*up)(void *user, const struct ppp_network *net);
	void (*down)(void *user); /* IPCP closed, or required encryption went: data must stop now */
	/*
	 * The same for IPV6CP and IPv6's data: net->local_id and remote_id are set. After `up`, unless
	 * the link lives without IPv4. Neither is needed where config.ipv6 is off.
	 */
	void (*up6)(void *user, const struct ppp_network *net);
	void (*down6)(void *user);
	/* May the peer have this interface identifier? NULL: any. */
	bool (*may_have)(void *user, const uint8_t identifier[8]);
	/* The link is over: nothing is sent or called after. */
	void (*finished)(void *user, enum pptp_reason reason, const char *detail);
	void (*log)(void *user, enum ppp_log level, const char *format, va_list ap);
};

struct ppp_link;

/*
 * NULL if out of memory, or if `config->password` is no valid UTF-8 or too long (mschap_nt_hash).
 * `config` is copied, the strings too. Of the password only its hashes are kept, unless PAP or MD5 is allowed;
 * all of it is wiped at the end.
 */
struct ppp_link *ppp_link_new(
	const struct ppp_link_config *config, const struct ppp_link_ops *ops, void *user);
void ppp_link_free(struct ppp_link *l);

/* The lower layer is up: starts LCP. */
void ppp_link_start(struct ppp_link *l, uint64_t now);

/* A control frame (any protocol that is not 0021-00fa data) from the peer. */
void ppp_link_receive(
	struct ppp_link *l, uint16_t protocol, const uint8_t *info, size_t len, uint64_t now);

/* Network data came in (any valid packet) at `now`, which may be in the past: no echo is needed. Cheap. */
void ppp_link_alive(struct ppp_link *l, uint64_t now);

/* Server: the verdict on the request given to ops->judge, and for ok the addresses for this user. */
void ppp_link_verdict(struct ppp_link *l, const struct ppp_auth_verdict *verdict,
	const struct ppp_network *net, uint64_t now);

/* The data plane lost step (stateful): sends CCP Reset-Request. Or altogether: opens CCP anew. */
void ppp_link_want_reset(struct ppp_link *l, uint64_t now);
void ppp_link_desync(struct ppp_link *l, uint64_t now);

/* Ends the link in an orderly way: LCP Terminate-Request, `finished` when acknowledged or after its retries. */
void ppp_link_close(struct ppp_link *l, enum pptp_reason reason, uint64_t now);

/* The lower layer is gone: `finished` at once with `reason`, unless it finished before. */
void ppp_link_lower_down(
	struct ppp_link *l, enum pptp_reason reason, const char *detail, uint64_t now);

void ppp_link_tick(struct ppp_link *l, uint64_t now);
uint64_t ppp_link_deadline(const struct ppp_link *l);

/* For reports. */
struct ppp_link_info {
	enum ppp_phase phase;
	bool up, up6;     /* IPv4, IPv6: data passes */
	const char *auth; /* "MS-CHAPv2", or "" */
	char peer_name[CHAP_NAME_MAX +
		       1]; /* server: the authenticated user; client: the server's name */
	bool tx_encrypted, rx_encrypted;
	struct mppe_params mppe;      /* valid if tx_encrypted */
	enum codec_kind pack, unpack; /* compression of what is sent, received */
	bool handshake;    /* server: the peer began one of TLS that came to nothing, up to now */
	bool vj_tx, vj_rx; /* of headers: of what is sent, received */
	uint16_t mru, peer_mru;   /* what we may receive, what we may send */
	uint32_t accm, peer_accm; /* RFC 1662 7.1: to be escaped in what we receive, what we send */
	struct ppp_network net;
	/* The automata's states (RFC 1661 4.2), or "Failed". Never NULL. */
	const char *lcp, *ccp, *ipcp, *ipv6cp;
	uint64_t echo_rtt; /* us, of the last LCP echo; 0 unknown */
	uint64_t received; /* control frames received: 0 means nothing came at all */
};
void ppp_link_get_info(const struct ppp_link *l, struct ppp_link_info *info);
const char *ppp_phase_name(enum ppp_phase phase);
