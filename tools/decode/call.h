/*
 * Control connections and calls of a capture. A call is found by addresses and the Call ID that
 * the receiver of a packet assigned (RFC 2637 section 4.1); IDs come from the control messages,
 * or, where the capture lacks these, from the packets: the two directions of such a call are
 * paired when they run between the same addresses.
 *
 * Bounded: the oldest are forgotten.
 */
#pragma once

#include "lib/compress/vj.h"
#include "lib/control/message.h"
#include "tools/decode/auth.h"
#include "tools/decode/capture.h"
#include "tools/decode/crypt.h"
#include "tools/decode/facts.h"
#include "tools/decode/multilink.h"
#include "tools/decode/order.h"
#include "tools/decode/stream.h"

#define DECODE_CALLS_MAX       1024
#define DECODE_CONNECTIONS_MAX 256

/* One direction of a call: what this side sends. */
struct decode_side {
	struct decode_order order;
	struct decode_crypt crypt;
	struct vj *vj;                      /* headers.h; NULL: not agreed on */
	struct decode_multilink *multilink; /* NULL: no fragments were seen */
	struct decode_auth auth;            /* as the authenticator */
	uint64_t frames, encrypted, decrypted;
	struct decode_probe probe; /* a frame whose ack is waited for */
	struct decode_probe echo;  /* an LCP Echo-Request */
};

struct decode_call {
	struct decode_call *next; /* latest used first */
	unsigned int number;      /* from 1 */
	unsigned int place;       /* among PPTP's calls, from 1; of `link` 0 */
	uint32_t address[2];
	uint16_t id[2]; /* assigned by that side: what the other one sends to */
	bool id_known[2];
	/* What packets have instead, where a NAT rewrote the Call ID in only one of both. */
	uint16_t foreign[2];
	bool has_foreign[2];
	bool from_control; /* side 0 is the PNS, side 1 the PAC; else unknown */
	bool closed;
	/* PPP on the captured link itself (capture.h): without addresses and IDs, but with these. */
	bool link, pppoe, has_ends;
	uint16_t session;
	uint8_t end[2][6];
	bool one_sided;                   /* who sent what is not known: all is side 0's */
	unsigned int connection;          /* number of the control connection, 0: unknown */
	const struct decode_auth *proven; /* the authentication that gave the MPPE keys */
	int authenticator;                /* the side of it */
	struct decode_side side[2];
	struct decode_call_facts facts;
};

struct decode_flow { /* one direction of a control connection */
	struct decode_stream stream;
	size_t used;
	uint8_t buf[CONTROL_MESSAGE_MAX];
	bool lost; /* what comes is not at a message's start: drop the rest of the segment */
	struct decode_probe echo;
};

struct decode_connection {
	struct decode_connection *next; /* latest used first */
	unsigned int number;            /* from 1 */
	uint32_t address[2];            /* [0] dialled, [1] listens on port 1723 */
	uint16_t port;
	struct decode_flow flow[2]; /* by sender */
	uint16_t request_id; /* the Call ID of the last request of a call, and when it was sent */
	uint64_t request_time;
	struct decode_connection_facts facts;
};

struct decode_table {
	struct decode_call *calls;
	struct decode_connection *connections;
	unsigned int call_count, connection_count;   /* kept */
	unsigned int call_number, connection_number; /* ever */
	unsigned int link_number;                    /* of these, calls that are links */
	size_t held;                                 /* bytes of frames that wait for their turn */
	/* Before one is forgotten; no other one is to be asked for in there. */
	void *user;
	void (*call_over)(void *user, struct decode_call *call);
	void (*connection_over)(void *user, struct decode_connection *c);
};

/* Everything is over: calls first, by their numbers. */
void decode_table_done(struct decode_table *t);

/*
 * The connection from `client`:`port` to `server`:1723, made if there is none, or if this packet
 * `begins` one and the last has ended. NULL: no memory.
 */
struct decode_connection *decode_connection_get(
	struct decode_table *t, uint32_t client, uint16_t port, uint32_t server, bool begins);

/* A control message by `sender` to `receiver` may begin or end a call. The call, or NULL. */
struct decode_call *decode_call_control(struct decode_table *t, const struct control_message *m,
	uint32_t sender, uint32_t receiver);

/*
 * The call of a GRE packet to Call ID `id`, made if there is none; *sender: its side. An ID that nobody
 * assigned is taken for that of the call between these addresses from which nothing came yet: call->foreign.
 * NULL: no memory.
 */
struct decode_call *decode_call_gre(
	struct decode_table *t, uint32_t src, uint32_t dst, uint16_t id, unsigned int *sender);

/*
 * The call of PPP frames of the captured link; *side: the sender's. The sender of the first frame is side 0, or, where
 * only the direction is known, who captured it. NULL: no memory; of decode_call_link_find(): there is none yet.
 */
struct decode_call *decode_call_link(
	struct decode_table *t, const struct decode_link *link, unsigned int *side);
struct decode_call *decode_call_link_find(
	struct decode_table *t, const struct decode_link *link, unsigned int *side);

/* What a side is called: its address; of a link, that of Ethernet, or "this end", "other end". Returns buf. */
#define DECODE_END 20
char *decode_call_end(const struct decode_call *call, unsigned int side, char buf[DECODE_END]);

/* Forgets encryption and authentication: LCP begins anew. */
void decode_call_restart(struct decode_call *call);
