/*
 * CHAP (RFC 1994) with MD5, MS-CHAP (RFC 2433) and MS-CHAPv2 (RFC 2759): both ends' state machines,
 * with retransmission in both directions. What differs between the three is in chap_method.c.
 *
 * A Response that comes again gets the same Success or Failure again, at any time (its Success may
 * have been lost). The verdict on a Response may come later (RADIUS): until then repeated Responses
 * wait.
 *
 * The peer answers Challenges at any time, also later in the session: the same Challenge with the
 * same Response, a new one with a new Response. Malformed packets, unexpected codes and replies
 * with another identifier are ignored, as RFC 1994 wants; a time-out then says what was wrong with
 * them.
 *
 * MS-CHAPv2: to a user whose password has expired (E=648) the authenticator offers to change it
 * (RFC 2759 section 7), once, and only behind a Response that proved the old one. A peer that was
 * given a new password changes to it then, and tries it, once, where the old one is refused with
 * R=1: it may have been changed before. Nothing else is ever tried again by itself.
 */
#pragma once

#include "lib/ppp/auth.h"
#include "lib/ppp/mschap.h"
#include "lib/reason.h"
#include "lib/wire.h"

#define CHAP_NAME_MAX    PPP_NAME_MAX
#define CHAP_VALUE_MAX   255 /* of a Challenge with MD5; ours are shorter */
#define CHAP_PACKET_MAX  (4 + PASSWORD_PACKET)
#define CHAP_ATTEMPTS    3   /* failed Responses until R=0 */
#define CHAP_REFUSAL_MAX 192 /* chap_refusal() */

/* All in us. */
#define CHAP_RETRANSMIT    3000000u /* between transmissions of a Challenge or Response */
#define CHAP_GIVE_UP       30000000u /* ten transmissions; also how long a peer waits for a Challenge */
#define CHAP_JUDGE_TIMEOUT 60000000u /* for chap_verdict() */
#define CHAP_RETRY_TIMEOUT 60000000u /* for another Response after R=1: somebody is typing */

enum chap_role { CHAP_AUTHENTICATOR, CHAP_PEER };
enum chap_state {
	CHAP_IDLE,
	CHAP_CHALLENGED,
	CHAP_JUDGING,
	CHAP_RESPONDED,
	CHAP_DONE,
	CHAP_FAILED
};

struct chap_ops {
	void (*send)(void *user, const uint8_t *packet, size_t len); /* a whole CHAP packet */
	void (*random)(void *user, void *buf, size_t len);
	/* Authenticator: judge this; answer with chap_verdict(), now or later. */
	void (*judge)(void *user, const struct ppp_auth_request *request);
	/*
	 * Finished, after the last packet was sent. On success `keys` are for MPPE, on failure
	 * there are none. `detail`: what happened in words, never NULL, may be "". May call chap_done().
	 *
	 * At most one success, then at most one failure: a peer that is challenged again later
	 * reports nothing if that succeeds or is never answered, but a Failure or a wrong proof
	 * then is the end of the session.
	 */
	void (*done)(void *user, bool ok, enum pptp_reason reason, const struct mppe_material *keys,
		const char *detail);
	/*
	 * Peer: the new password holds from now on, since it was changed just now, or (`changed`
	 * false) since before. Before done(). NULL: nobody wants to know.
	 */
	void (*new_password)(void *user, bool changed);
	/* EAP, peer: a Notification (RFC 3748 5.2), escaped and cut. NULL: nobody wants to know. */
	void (*notice)(void *user, const char *text);
	/* EAP: TLS for the methods that run on it; may return NULL, as if there was none of them. */
	const struct tls_engine *(*tls)(void *user);
};

struct chap {
	enum chap_role role;
	enum ppp_auth_method method;
	enum chap_state state;
	const struct chap_ops *ops; /* NULL: not started, or chap_done() */
	void *user;
	const char *name;         /* ours: authenticator's name, or the user name; the caller's */
	struct ppp_secret secret; /* peer only */
	const struct password_change *change; /* peer: to a new password; NULL none, or no more */
	bool changing;      /* authenticator: a Change-Password is waited for; peer: it was sent */
	bool renewed;       /* peer: `secret` is the new password's */
	uint8_t identifier; /* of the Challenge that is being answered */
	uint8_t challenge_len;
	uint8_t challenge[CHAP_VALUE_MAX], peer_challenge[16], nt_response[24];
	/* Of the last Response; peer: only `name`, the authenticator's. */
	struct ppp_auth_request request;
	uint64_t deadline;   /* retransmission, or the end of waiting; UINT64_MAX none */
	uint64_t give_up;    /* the end of waiting */
	uint8_t attempts;    /* failed Responses */
	bool succeeded;      /* done() has said so */
	const char *refused; /* why the last packet was ignored: for the time-out's words */
	uint16_t last_len;   /* the last packet sent, to be sent again */
	uint8_t last[CHAP_PACKET_MAX];
};

/*
 * Sends a Challenge at once (authenticator). Retransmits every 3 s up to 10 times; 3 attempts with
 * R=1, one with MD5, which has no retry. `name` is cut to CHAP_NAME_MAX. `method` is one of CHAP's.
 */
void chap_start_authenticator(struct chap *c, enum ppp_auth_method method, const char *name,
	const struct chap_ops *ops, void *user, uint64_t now);
/*
 * Waits for a Challenge (peer), 30 s at most. `secret` is copied, but not the password that it
 * points to (of use for MD5 only; NULL fails). A `name` that is empty or too long fails when the
 * Challenge comes.
 */
void chap_start_peer(struct chap *c, enum ppp_auth_method method, const char *name,
	const struct ppp_secret *secret, const struct chap_ops *ops, void *user, uint64_t now);
void chap_receive(struct chap *c, const uint8_t *packet, size_t len, uint64_t now);
/* Peer: may go over to another password; the caller's, as long as `c` runs. After the start. */
void chap_set_change(struct chap *c, const struct password_change *change);
/*
 * Authenticator: a new Challenge to a peer that has authenticated itself, at any time (RFC 1994
 * section 2). Nothing is reported if it is answered well; else done() is the end. Nothing, if
 * another exchange is still under way.
 */
void chap_challenge_again(struct chap *c, uint64_t now);
/* The judgement of the request given to ops->judge; ignored if none is waiting. */
void chap_verdict(struct chap *c, const struct ppp_auth_verdict *verdict, uint64_t now);
void chap_tick(struct chap *c, uint64_t now);
void chap_done(struct chap *c); /* wipes secrets; further calls do nothing */
