/*
 * What a call and a control connection were, as far as the capture tells: for summaries, reports and
 * doctor. Filled by the decoder as messages come; valid in each event, final in the event of kind
 * CONNECTION or CALL.
 *
 * Times are us since the epoch, 0 where it did not happen; frames are numbers in the capture, from 1.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Round trip times, in us. */
struct decode_rtt {
	uint64_t count, sum, smallest, largest;
};
void decode_rtt_add(struct decode_rtt *r, uint64_t us);

/* Something that will be answered, one at a time. */
struct decode_probe {
	bool waits;
	uint32_t number; /* of what is waited for */
	uint64_t time;
};
/* Begins to wait, unless it waits already (for less than a minute). */
void decode_probe_start(struct decode_probe *p, uint32_t number, uint64_t now);
/* The answer came. */
void decode_probe_stop(struct decode_probe *p, struct decode_rtt *r, uint64_t now);

/* Who ended something, and how. The first sign of an end counts. */
enum decode_end {
	DECODE_END_NONE,       /* it was still there at the capture's end */
	DECODE_END_LCP,        /* LCP Terminate-Request */
	DECODE_END_CLEAR,      /* Call-Clear-Request (from the PNS) */
	DECODE_END_DISCONNECT, /* Call-Disconnect-Notify, unasked (from the PAC) */
	DECODE_END_STOP,       /* Stop-Control-Connection-Request */
	DECODE_END_FIN,        /* the TCP connection was closed */
	DECODE_END_RST,        /* or reset */
};

struct decode_ending {
	enum decode_end how;
	unsigned int side; /* whose message it was */
	uint8_t result, error;
	uint64_t time, frame;
	char words[96]; /* what it said: of LCP, Call-Disconnect-Notify, Stop; escaped */
};

/* One end of a call, by what it was allowed to do: options of its requests that the other end acknowledged. */
struct decode_side_facts {
	uint64_t bytes;       /* PPP frames on the wire */
	uint64_t inner_bytes; /* network-layer packets that could be read */
	uint64_t inner_packets;
	uint64_t lcp_request, lcp_open; /* first Configure-Request; last Ack to it */
	uint16_t mru;                   /* 0: the default, 1500 */
	uint32_t accm;
	bool pfc, acfc, has_accm;
	bool short_numbers;     /* of multilink fragments that it is sent (RFC 1990 5.1.2) */
	uint16_t auth_protocol; /* asked for by this side; 0: none */
	uint8_t auth_algorithm;
	uint64_t ipcp_open, ipv6cp_open, ccp_open; /* last Ack to its request */
	uint32_t address, dns[2], nbns[2];         /* IPCP, host order */
	uint8_t interface_id[8];                   /* IPV6CP */
	struct decode_rtt rtt;                     /* of its frames, by the other's acks */
	struct decode_rtt echo;                    /* of its LCP Echo-Requests */
};

struct decode_call_facts {
	uint64_t first_time, first_frame, last_time, last_frame;
	uint64_t request_time;   /* Outgoing- or Incoming-Call-Request */
	uint64_t connected_time; /* its reply */
	uint64_t auth_time;      /* success */
	bool auth_failed;        /* the last word was a failure */
	unsigned int auth_error; /* MS-CHAP's E=, 0 if it did not say */
	uint64_t up_time;        /* IPCP or IPV6CP open both ways */
	struct decode_ending ending;
	bool has_disconnect; /* a Call-Disconnect-Notify, also where the call was ended by the PNS */
	uint8_t disconnect_result, disconnect_error;
	uint16_t disconnect_cause;
	struct decode_side_facts side[2]; /* as decode_call.side */
};

struct decode_connection_facts {
	uint64_t first_time, first_frame, last_time, last_frame; /* of its segments */
	uint64_t syn_time, accepted_time;                        /* SYN; SYN ACK */
	unsigned int syns;                                       /* with retransmissions */
	uint64_t started_time; /* Start-Control-Connection-Reply */
	uint8_t start_result;
	char vendor[2][64], host[2][64]; /* by side, escaped */
	uint16_t firmware[2];
	unsigned int calls;                    /* requests */
	uint64_t retransmitted[2], missing[2]; /* bytes */
	struct decode_rtt echo;                /* of Echo-Requests, either way */
	struct decode_ending ending;
};

struct control_message;
struct decode_call;
struct decode_connection;
struct decode_event;
struct decode_meta;
struct decode_ppp;
struct decode_gre;
struct decode_tcp;

/* Each takes what its message says. `side`: whose message it is. */
void decode_facts_gre(struct decode_call *call, unsigned int side, const struct decode_meta *meta,
	const struct decode_gre *gre);
void decode_facts_ppp(struct decode_call *call, unsigned int side, const struct decode_meta *meta,
	const struct decode_ppp *ppp);
void decode_facts_inner(struct decode_call *call, unsigned int side, size_t len);
/* `call` may be NULL. */
void decode_facts_control(struct decode_connection *c, struct decode_call *call, unsigned int side,
	const struct decode_meta *meta, const struct control_message *m);
void decode_facts_tcp(struct decode_connection *c, unsigned int side,
	const struct decode_meta *meta, const struct decode_tcp *tcp);
/* The connection ended: so did this call, if it had not ended before. `side`: the call's. */
void decode_facts_orphan(
	struct decode_call *call, const struct decode_connection *c, unsigned int side);
/* "Call-Clear-Request", ...; NULL of DECODE_END_NONE. */
const char *decode_end_name(enum decode_end how);
