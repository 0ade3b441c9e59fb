/*
 * EAP (RFC 3748): authenticator and peer, for all its methods. What a method says is in
 * eap_method.h and the files of the methods.
 *
 *	authenticator: IDENTIFY -> RUNNING <-> JUDGING -> DONE or FAILED
 *	peer:          WAITING -> DONE or FAILED; DONE -> WAITING at a later Request
 *
 * The authenticator sends a Request again until it is answered, always the same (RFC 3748 4.1, 4.3); the
 * peer answers a Request that comes again as it did the first time, without looking at it.
 * Identity comes first; then the first allowed method, or another that is allowed and that the
 * peer's Nak wants. Neither end ever goes on with a method that it does not allow: to the peer
 * a Success without one means nothing.
 *
 * Success and Failure are sent once and may be lost: a Response that comes again gets them again,
 * and the peer goes by what the method told it, or by packets of the network phase (4.2).
 *
 * Malformed packets, other identifiers and types out of turn are ignored; a time-out then says what
 * was wrong with them.
 */
#pragma once

#include "lib/ppp/chap.h"
#include "lib/ppp/eap_tunnel.h"

#define EAP_PACKET_MAX 1500
#define EAP_ROUNDS     100 /* of a conversation; TLS with long chains takes some thirty */

/* All in us. */
#define EAP_RETRANSMIT    3000000u  /* between transmissions of a Request */
#define EAP_GIVE_UP       30000000u /* for a Response; for the next Request */
#define EAP_JUDGE_TIMEOUT CHAP_JUDGE_TIMEOUT
#define EAP_RETRY_TIMEOUT CHAP_RETRY_TIMEOUT
#define EAP_SETTLE                                                                                 \
	3000000u /* peer: for Success or Failure, when it is known which one it will be */

enum eap_state {
	EAP_IDLE,
	EAP_IDENTIFY, /* authenticator: Identity was asked for */
	EAP_RUNNING,  /* authenticator: a method's Request was sent */
	EAP_JUDGING,  /* authenticator: a verdict is waited for */
	EAP_WAITING,  /* peer: for a Request, or for the end */
	EAP_DONE,
	EAP_FAILED
};

/* What the peer's method knows about the outcome. */
enum eap_outcome {
	EAP_UNDECIDED, /* Success does not count */
	EAP_POSSIBLE,  /* all was done that the method asks for */
	EAP_PROVEN, /* and the authenticator has said so, and proven itself: Failure does not count */
	EAP_REFUSED, /* it has said that it refuses: `reason` and `words` */
};

struct eap_md5 {
	uint8_t challenge_len;
};

struct eap_mschap2 {
	uint8_t step;       /* eap_mschap2.c */
	uint8_t identifier; /* MS-CHAPv2-ID, of the Challenge that holds */
	uint8_t attempts;   /* failed Responses */
	bool changing;      /* peer: a Change-Password was sent, not a Response */
	uint8_t challenge[16];
};

struct eap_tls {
	struct eap_tunnel tunnel;
	uint8_t step; /* eap_tls.c */
};

struct eap_method;

struct eap {
	enum chap_role role;
	enum eap_state state;
	const struct chap_ops *ops; /* NULL: not started, or eap_done(); sends EAP packets */
	void *user;
	const char *name;         /* ours: authenticator's name, or the user name; the caller's */
	const char *outer_name;   /* peer: eap_set_peap() */
	bool binding_optional;    /* authenticator: likewise */
	struct ppp_secret secret; /* peer only */
	const struct password_change *change; /* peer: to a new password; NULL none, or no more */
	bool renewed;                         /* peer: `secret` is the new password's */
	struct ppp_auth_list allowed;         /* methods of EAP, in order */
	const struct eap_method *method;      /* that runs or ran; NULL none yet */
	bool active;                          /* it was begun or started, and not ended */
	bool begun;                           /* its first Request was answered: no Nak any more */
	bool answered;                        /* peer: a Request of this conversation */
	uint8_t nak;                          /* peer: the type that it last sent a Nak for, or 0 */
	bool succeeded;                       /* done() has said so */
	bool handshake;                       /* authenticator: eap_handshake() */
	unsigned int refused;                 /* authenticator: 1 << method, by Naks */
	uint8_t identifier;                   /* of the last Request */
	uint8_t rounds;                       /* Requests of this conversation */
	uint8_t attempts;                     /* authenticator: failed ones */
	uint16_t mtu;                         /* the largest packet that may be sent */
	uint64_t deadline;            /* retransmission, or the end of waiting; UINT64_MAX none */
	uint64_t give_up;             /* the end of waiting */
	uint64_t patience;            /* authenticator: for the next Response; set by the method */
	enum eap_outcome outcome;     /* peer */
	enum pptp_reason reason;      /* of the method, when it fails */
	char words[CHAP_REFUSAL_MAX]; /* likewise */
	struct mppe_material keys;    /* from the method, until done() */
	char identity[PPP_NAME_MAX + 1]; /* what the other end calls itself, unproven */
	/* Authenticator: what is being judged. Peer: what it answered. */
	struct ppp_auth_request request;
	union {
		struct eap_md5 md5;
		struct eap_mschap2 mschap2;
		struct eap_tls tls;
		struct eap_peap *peap; /* eap_peap.c: its own, since another EAP is in it */
	} own;                         /* the method's */
	const char *ignored;           /* why the last packet was: for the time-out's words */
	uint8_t digest[20];            /* peer: of the last Request, to know it again */
	uint16_t last_len;             /* the last packet sent, to be sent again; 0 none */
	uint8_t last[EAP_PACKET_MAX];
};

/*
 * Asks for the Identity at once, every 3 s up to 10 times. Of `allowed` what is no method of EAP is
 * left out; without any it fails. `name` is cut to PPP_NAME_MAX. `mtu`: the peer's MRU.
 */
void eap_start_authenticator(struct eap *e, const struct ppp_auth_list *allowed, const char *name,
	uint16_t mtu, const struct chap_ops *ops, void *user, uint64_t now);
/*
 * Waits for a Request, 30 s at most. `secret` is copied, but not the password that it points to (of
 * use for MD5 only). A `name` that is empty or too long fails.
 */
void eap_start_peer(struct eap *e, const struct ppp_auth_list *allowed, const char *name,
	const struct ppp_secret *secret, uint16_t mtu, const struct chap_ops *ops, void *user,
	uint64_t now);
/*
 * For PEAP, when one of them was started and nothing received. Peer: `outer_name` is the Identity
 * that it tells in clear instead of its name; NULL or "": its name. Authenticator: `binding_optional`
 * takes a peer that does not bind its password to TLS (Crypto-Binding).
 */
void eap_set_peap(struct eap *e, const char *outer_name, bool binding_optional);
/* Peer: may go over to another password; the caller's, as long as `e` runs. After the start. */
void eap_set_change(struct eap *e, const struct password_change *change);
/*
 * Authenticator: the whole conversation anew with a peer that has authenticated itself, by the same
 * method, at any time. Nothing is reported if it goes well; else done() is the end. Nothing, if
 * another one is still under way.
 */
void eap_authenticate_again(struct eap *e, uint64_t now);
void eap_receive(struct eap *e, const uint8_t *packet, size_t len, uint64_t now);
/* The judgement of the request given to ops->judge; ignored if none is waiting. */
void eap_verdict(struct eap *e, const struct ppp_auth_verdict *verdict, uint64_t now);
/*
 * Peer: the network phase has begun at the other end, so that it takes us for authenticated (RFC
 * 3748 4.2): a Success, if a method allows one by now.
 */
void eap_implied_success(struct eap *e);
void eap_tick(struct eap *e, uint64_t now);
void eap_done(struct eap *e); /* wipes secrets; further calls do nothing */

/*
 * Authenticator: was a handshake of TLS begun by the other end (it costs us more than it) that
 * nothing has been judged by since? Also when it is over, until eap_done().
 */
bool eap_handshake(const struct eap *e);

/* That runs or ran; NONE before. */
enum ppp_auth_method eap_auth_method(const struct eap *e);

/* "TLS"; NULL if there is no name for that type. */
const char *eap_type_name(uint8_t type);
