/*
 * CHAP (RFC 1994) with algorithm 0x81, MS-CHAPv2 (RFC 2759): both ends' state machines, with
 * retransmission in both directions. Other algorithms fit in later beside it.
 *
 * A Response that comes again gets the same Success or Failure again, at any time (its Success may
 * have been lost). The verdict on a Response may come later (RADIUS): until then repeated Responses
 * wait.
 *
 * The peer answers Challenges at any time, also later in the session: the same Challenge with the
 * same Response, a new one with a new Response. Malformed packets, unexpected codes and replies
 * with another identifier are ignored, as RFC 1994 wants; a time-out then says what was wrong with
 * them.
 */
#pragma once

#include "lib/ppp/mschap.h"
#include "lib/reason.h"

#define CHAP_NAME_MAX   255
#define CHAP_PACKET_MAX (4 + 1 + MSCHAP2_RESPONSE_LEN + CHAP_NAME_MAX)
#define CHAP_ATTEMPTS   3 /* failed Responses until R=0 */

/* All in us. */
#define CHAP_RETRANSMIT    3000000u /* between transmissions of a Challenge or Response */
#define CHAP_GIVE_UP       30000000u /* ten transmissions; also how long a peer waits for a Challenge */
#define CHAP_JUDGE_TIMEOUT 60000000u /* for chap_verdict() */
#define CHAP_RETRY_TIMEOUT 60000000u /* for another Response after R=1: somebody is typing */

/* What the authenticator must judge. */
struct ppp_auth_request {
	uint8_t identifier;
	/* As sent, NUL-terminated: a NUL inside makes the Response malformed. */
	char name[CHAP_NAME_MAX + 1];
	uint8_t challenge[16]; /* ours */
	uint8_t peer_challenge[16];
	uint8_t nt_response[24];
};

struct ppp_auth_verdict {
	bool ok;
	unsigned int error;     /* if not ok: MS-CHAP E= number, 691 by default (0) */
	bool retry;             /* if not ok: R=1, a new challenge is issued */
	char message[64];       /* if not ok: M=, may be "" */
	char auth_response[43]; /* if ok: "S=..." */
	uint8_t master_key[16]; /* if ok: for MPPE */
};

/*
 * Judges a Response by the NT hash; false (and a 691 verdict that allows a retry) if it does not
 * fit. Constant time. An empty name or the hash of an empty password never fits.
 */
bool ppp_auth_check(const struct ppp_auth_request *request, const uint8_t nt_hash[16],
	struct ppp_auth_verdict *verdict);

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
	 * Finished, after the last packet was sent. On success `master_key` is for MPPE, on failure
	 * all zeros. `detail`: what happened in words, never NULL, may be "". May call chap_done().
	 *
	 * At most one success, then at most one failure: a peer that is challenged again later
	 * reports nothing if that succeeds or is never answered, but a Failure or a wrong proof
	 * then is the end of the session.
	 */
	void (*done)(void *user, bool ok, enum pptp_reason reason, const uint8_t master_key[16],
		const char *detail);
};

struct chap {
	enum chap_role role;
	enum chap_state state;
	const struct chap_ops *ops; /* NULL: not started, or chap_done() */
	void *user;
	const char *name;    /* ours: authenticator's name, or the user name; the caller's */
	uint8_t nt_hash[16]; /* peer only */
	uint8_t identifier;  /* of the Challenge that is being answered */
	uint8_t challenge[16], peer_challenge[16], nt_response[24];
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
 * R=1. `name` is cut to CHAP_NAME_MAX.
 */
void chap_start_authenticator(
	struct chap *c, const char *name, const struct chap_ops *ops, void *user, uint64_t now);
/*
 * Waits for a Challenge (peer), 30 s at most. `nt_hash` of the password is copied. A `name` that is
 * empty or too long fails when the Challenge comes.
 */
void chap_start_peer(struct chap *c, const char *name, const uint8_t nt_hash[16],
	const struct chap_ops *ops, void *user, uint64_t now);
void chap_receive(struct chap *c, const uint8_t *packet, size_t len, uint64_t now);
/* The judgement of the request given to ops->judge; ignored if none is waiting. */
void chap_verdict(struct chap *c, const struct ppp_auth_verdict *verdict, uint64_t now);
void chap_tick(struct chap *c, uint64_t now);
void chap_done(struct chap *c); /* wipes secrets; further calls do nothing */
