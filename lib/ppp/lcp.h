/*
 * LCP: RFC 1661 (options, Echo, Protocol-Reject), RFC 1570 (Identification, Time-Remaining).
 *
 * Until the peer is heard, Configure-Requests are repeated after 0.3 s and 1 s before the usual
 * restart interval holds, and when its first one comes, ours is repeated before it is answered:
 * ours may have gone out when the peer was not listening yet (Debian's pppd behind pptp-linux
 * starts some 100 ms later), and the peer cannot be open before our answer, so that the repetition
 * cannot make it renegotiate.
 */
#pragma once

#include "lib/ppp/auth.h"
#include "lib/ppp/cp.h"

enum lcp_option {
	LCP_MRU = 1,       /* RFC 1661 6.1 */
	LCP_ACCM = 2,      /* RFC 1662 7.1 */
	LCP_AUTH = 3,      /* RFC 1661 6.2 */
	LCP_QUALITY = 4,   /* RFC 1661 6.3: rejected, as every option that is not listed here */
	LCP_MAGIC = 5,     /* RFC 1661 6.4 */
	LCP_PFC = 7,       /* RFC 1661 6.5 */
	LCP_ACFC = 8,      /* RFC 1661 6.6 */
	LCP_CALLBACK = 13, /* RFC 1570 2.3 */
	LCP_MRRU = 17,     /* RFC 1990 5.1.1: rejected, there is no multilink */
	LCP_EPD = 19,      /* RFC 1990 5.1.3: rejected, too */
};

#define LCP_DEFAULT_MRU  1500
#define LCP_MIN_MRU      128
#define LCP_DEFAULT_ACCM 0xffffffffu

struct lcp_config {
	uint16_t mru;
	/* Server: the peer must authenticate itself by one of these. Client: the server may demand
	 * these. Methods that are not in a list are never agreed to. */
	struct ppp_auth_list demand, accept;
	/* Operation 6 of the Callback option (CBCP): the peer may ask for it; we ask for it if the
	 * peer's Nak says so. */
	bool callback_allow, callback_follow;
	bool insist_auth; /* client: it must, because its proof and the keys come from it */
	uint64_t restart_interval;
	uint64_t echo_interval; /* 0 never */
	unsigned int echo_failures;
};

/* What one end's acknowledged request says. */
struct lcp_values {
	uint16_t mru;
	uint32_t magic;
	uint32_t accm; /* RFC 1662 7.1: what it wants escaped in what is sent to it */
	bool pfc, acfc;
	bool callback;             /* wants CBCP */
	enum ppp_auth_method auth; /* demanded; of EAP the first one that is accepted */
};

struct lcp {
	struct cp cp;
	struct lcp_config config;
	struct lcp_values peer, staged;
	uint64_t heard_at, echo_at; /* last frame from the peer; last Echo-Request */
	uint64_t echo_rtt;
	uint32_t magic; /* ours; 0: not negotiated */
	uint32_t accm;
	uint16_t mru;
	enum ppp_auth_method demanded; /* server: in our request */
	uint16_t auth_refused;         /* server: 1 << method: the peer refused it */
	char *words;                   /* which methods were allowed; NULL: nobody asked */
	uint8_t wish_len;              /* the peer's wish that we refused, 0 none; for the words */
	uint8_t wish[PPP_AUTH_OPTION_MAX + 1]; /* cut, but not to a known one */
	uint16_t ask;                          /* 1 << option: those that our request has */
	bool auth_listed, own_magic_seen;
	bool eap_declined; /* client: in favour of its first choice, once */
	bool untold; /* ... or another wish of the server refused, in the request at hand only */
	bool heard;
	bool echo_waiting; /* for the reply with echo_id */
	/* The peer rejected the code. */
	bool no_echo, no_identification, no_time_remaining;
	uint8_t loops;         /* requests with our own magic number */
	uint8_t own_echos;     /* Echo-Requests with it, in a row */
	uint8_t auth_refusals; /* server: Naks of our demand; client: ours of the peer's silence */
	uint8_t tries;         /* requests sent into the silence */
	uint8_t echo_id, unanswered;
};

void lcp_init(
	struct lcp *lcp, const struct lcp_config *config, const struct cp_host *host, void *user);
/* Frees the words, which a failure may have brought. */
void lcp_done(struct lcp *lcp);
void lcp_start(struct lcp *lcp, uint64_t now);

/* Something came from the peer at `when`, which may be in the past. */
void lcp_alive(struct lcp *lcp, uint64_t when);
/* Any frame came from the peer. `packet`: of LCP, not yet received; NULL for others. */
void lcp_heard(struct lcp *lcp, const uint8_t *packet, size_t len, uint64_t now);
void lcp_receive(struct lcp *lcp, const uint8_t *packet, size_t len, uint64_t now);

/* Protocol-Reject of a frame (RFC 1661 5.7), if LCP is open. */
void lcp_reject_protocol(struct lcp *lcp, uint16_t number, const uint8_t *info, size_t len);

/*
 * RFC 1570 1.1 and 1.2: says who we are, and how many seconds are left to the link; `text` is for
 * people, ASCII. If LCP is open and the peer knows the code; nobody answers.
 */
void lcp_identify(struct lcp *lcp, const char *text);
void lcp_time_remaining(struct lcp *lcp, uint32_t seconds, const char *text);

/* Sends an Echo-Request when one is due. false: the peer left too many unanswered. */
bool lcp_tick(struct lcp *lcp, uint64_t now);
uint64_t lcp_deadline(const struct lcp *lcp);

/* The ACCM of our request as it stands: what the peer is to escape. */
uint32_t lcp_accm(const struct lcp *lcp);

/* CBCP was agreed on, on either end's wish. */
bool lcp_callback(const struct lcp *lcp);

/* The peer's wish in words ("PAP"), "" if it had none that was refused. */
const char *lcp_auth_name(const struct lcp *lcp);
