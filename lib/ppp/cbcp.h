/*
 * CBCP, the Callback Control Protocol (protocol c029; Microsoft's, after operation 6 of LCP's
 * Callback option, RFC 1570 2.3): both ends, for one outcome only: nobody is called back. A VPN has
 * no number to call, but some dial-up peers do not go on without having been told so.
 *
 * The answering end offers "no callback" in a Callback-Request until a Callback-Response takes it,
 * and says so in a Callback-Ack. The calling end takes "no callback" where it is among what is
 * offered, and waits for the Ack.
 *
 * Whoever stays silent, or goes on with network protocols at once, has not called back either: that
 * is an end of the conversation as good as another. Only an end that insists on a call fails.
 *
 * Invariants: `done` comes once; CBCP_MAX_PACKETS bounds what is sent until then; every state that
 * waits has a deadline. A Response that comes again after the end gets its Ack again.
 */
#pragma once

#include "lib/ppp/cp.h"

#define CBCP_RETRANSMIT  3000000u  /* us, of a Request */
#define CBCP_GIVE_UP     10000000u /* us, in all */
#define CBCP_MAX_PACKETS 10
#define CBCP_OPTION_MAX  3 /* "no callback" with its type and length; some add a delay of 0 */

enum cbcp_code { CBCP_REQUEST = 1, CBCP_RESPONSE, CBCP_ACK };
enum cbcp_type { CBCP_NO_CALLBACK = 1, CBCP_CALLER_NUMBER, CBCP_FIXED_NUMBER, CBCP_LIST };
enum cbcp_role { CBCP_ANSWERER, CBCP_CALLER };
enum cbcp_state { CBCP_IDLE, CBCP_ASKING, CBCP_WAITING, CBCP_ANSWERED, CBCP_OVER };

struct cbcp_ops {
	void (*send)(void *user, const uint8_t *packet, size_t len);
	/* The conversation is over: ok, nobody calls back. `words` (a literal, "" if all was said as
	 * it should be) tells why it is so, or why not. */
	void (*done)(void *user, bool ok, const char *words);
};

struct cbcp {
	enum cbcp_role role;
	enum cbcp_state state;
	const struct cbcp_ops *ops; /* NULL: not started */
	void *user;
	uint64_t deadline; /* UINT64_MAX: none */
	uint64_t give_up;
	uint8_t sent;  /* packets until it was over */
	uint8_t id;    /* of the Request */
	bool refused;  /* a Response wanted to be called */
	bool finished; /* `done` came */
	uint8_t option_len;
	uint8_t option[CBCP_OPTION_MAX]; /* as the peer wrote it: it comes back so */
};

/* Sends the first Request. */
void cbcp_start_answerer(struct cbcp *c, const struct cbcp_ops *ops, void *user, uint64_t now);
/* Waits for one. */
void cbcp_start_caller(struct cbcp *c, const struct cbcp_ops *ops, void *user, uint64_t now);

/* The options of a packet. -EBADMSG: one is malformed. */
struct cbcp_offer {
	unsigned int types;        /* 1 << enum cbcp_type; others are left out */
	struct ppp_option nothing; /* "no callback", if it is among them; points into the packet */
};
int cbcp_decode(struct cbcp_offer *offer, const struct cp_packet *packet);

void cbcp_receive(struct cbcp *c, const uint8_t *data, size_t len, uint64_t now);
/* The peer went on to the network protocols: `done`, unless it came before. */
void cbcp_implied(struct cbcp *c);
void cbcp_tick(struct cbcp *c, uint64_t now);
/* Stops without `done`; further calls do nothing. */
void cbcp_done(struct cbcp *c);
