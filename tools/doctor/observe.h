/*
 * What a capture tells of each control connection and each call, for judge.h: a sink of the decoder's
 * events (tools/decode/event.h) that keeps marks (frame, time, how often), not messages.
 *
 * Bounded: a fixed size a connection and a call, OBSERVE_CONNECTIONS_MAX and OBSERVE_CALLS_MAX of them at
 * once. What is over is handed to `judge` at the capture's end (a failure may show later, by an ICMP error
 * or by silence), or earlier where its room is needed, and forgotten. What found no room is counted in `unseen`.
 */
#pragma once

#include "tools/decode/event.h"
#include "tools/decode/ip.h"

#define OBSERVE_CONNECTIONS_MAX 256
#define OBSERVE_CALLS_MAX       1024
#define OBSERVE_ICMP_MAX        16
#define OBSERVE_WORDS           96
#define OBSERVE_RING            64    /* GRE numbers of one direction, to tell how late one is */
#define OBSERVE_STRENGTHS       0xe0u /* bits of CCP's option 18: 128, 56, 40 */
#define OBSERVE_FLOWS           8     /* TCP connections inside, each direction by itself */
#define OBSERVE_DOCTOR          "greyline doctor" /* its vendor string, by which its calls are known */
#define OBSERVE_SENT            16 /* frames of one direction whose acknowledgment is waited for */

/* Something that happened: how often, and when first and last. */
struct observe_mark {
	unsigned int count;
	uint64_t first_frame, last_frame, first_time, last_time;
};

/* Control protocols whose negotiation is followed. */
enum observe_protocol { OBSERVE_LCP, OBSERVE_CCP, OBSERVE_IPCP, OBSERVE_IPV6CP, OBSERVE_PROTOCOLS };

/* What one end of a link sent of one protocol, and what became of its requests. */
struct observe_negotiation {
	struct observe_mark request, ack, nak, reject, terminate;
	struct observe_mark protocol_reject; /* of this protocol, by this end */
	uint8_t request_id, answered_id;
	bool open;                 /* its last request was acknowledged */
	bool answered;             /* by anything */
	unsigned int unanswered;   /* requests since the other end's last answer */
	unsigned int refused;      /* Naks and Rejects in a row for its requests */
	uint8_t refused_option;    /* the first one of the last of them */
	char words[OBSERVE_WORDS]; /* of its Terminate-Request, escaped */
};

/* What sizes arrive, told by acknowledgments: those of the last frames are waited for. */
struct observe_sizes {
	struct {
		bool waits;
		uint32_t seq;
		size_t size;
		uint64_t time, frame;
	} sent[OBSERVE_SENT];
	unsigned int next;      /* place in `sent` */
	size_t largest_arrived; /* acknowledged by its own number */
	unsigned int small_arrived;
	/* Neither it nor a later one was acknowledged for so long that it did not arrive. */
	struct observe_mark large_lost; /* at least OBSERVE_LARGE */
	unsigned int small_lost;
	size_t smallest_lost, largest_lost; /* of the large ones */
};
#define OBSERVE_LARGE 1000 /* octets of a PPP frame */

/* The segment of a TCP connection inside that was sent again and again. */
struct observe_flow {
	uint64_t key; /* addresses and ports, mixed; 0: free */
	uint32_t seq;
	size_t len;
	struct observe_mark again;
};

/* How a call ended: the first sign counts. */
enum observe_end {
	OBSERVE_END_NONE,
	OBSERVE_END_TERMINATE,  /* LCP Terminate-Request */
	OBSERVE_END_CLEAR,      /* Call-Clear-Request */
	OBSERVE_END_DISCONNECT, /* Call-Disconnect-Notify */
	OBSERVE_END_STOP,       /* Stop-Control-Connection-Request */
	OBSERVE_END_FIN,
	OBSERVE_END_RST
};

/* One end of a call. */
struct observe_side {
	uint32_t address;
	struct observe_mark frames;  /* GRE with data */
	struct observe_mark acks;    /* GRE without */
	struct observe_mark hears;   /* signs that it got something of the other end */
	struct observe_mark foreign; /* sent with a Call ID that the other end did not assign */
	uint16_t window;             /* that it announced for its receiver, 0: unknown */
	struct observe_negotiation protocol[OBSERVE_PROTOCOLS];

	/* Authentication, as the authenticator; `response` as its peer. */
	uint16_t auth_asked; /* by its last LCP request; 0: none */
	uint8_t auth_algorithm;
	uint16_t auth_wanted; /* what it named instead in a Nak */
	uint8_t auth_wanted_algorithm;
	uint32_t magic;
	struct observe_mark
		auth_refused; /* the other end rejected the option, or named another method */
	struct observe_mark challenge, success, failure, response;
	unsigned int error;              /* E= of the last failure, 0: none */
	struct observe_mark eap_refused; /* its last answer, as EAP's peer: Nak */
	unsigned int sealed;             /* answers in a tunnel of TLS, as its peer */
	uint8_t eap_type;                /* the last method that it spoke of, 0: none */
	char failure_words[OBSERVE_WORDS];
	bool password_fits, password_wrong; /* the one that is known for this user */

	/* CCP's option 18. */
	bool mppe_asked, mppe_named;        /* in a request; in a Nak of its own */
	uint32_t mppe_bits, mppe_nak_bits;  /* the last ones */
	uint32_t mppe_seen;                 /* all bits that it named */
	bool mppe_stateless, mppe_stateful; /* modes that it named */
	struct observe_mark
		mppe_refused; /* this end refused what the other asked for: option or CCP */
	struct observe_mark reset_request, reset_ack;

	/* IPCP's option 3. */
	bool address_asked;
	uint32_t address_value;              /* last asked for */
	struct observe_mark address_refused; /* this end rejects it, or knows only 0.0.0.0 for it */

	/* Liveness. */
	struct observe_mark echo_request;
	unsigned int echo_unanswered; /* in a row, now */
	unsigned int echo_answered;
	uint64_t echo_first; /* frame of the first of these */
	uint64_t echo_time;

	/* Data. */
	struct observe_mark clear, encrypted, broken; /* `broken`: decrypted to nonsense */
	bool has_count;                               /* of MPPE: */
	uint16_t count;                               /* the last packet's, ... */
	uint32_t count_seq;                           /* ... and its GRE number */
	struct observe_mark
		miscounted;          /* it did not go up, or by more than the packets on the way */
	struct observe_mark garbage; /* it rejected a protocol that nobody speaks: keys differ */
	uint64_t lost;
	struct observe_mark late;
	unsigned int late_beyond; /* later than the other end's window, or than 300 ms */
	uint32_t late_distance;
	uint64_t late_time;
	uint32_t highest;
	uint32_t ring_seq[OBSERVE_RING];
	uint64_t ring_time[OBSERVE_RING];
	struct observe_sizes sizes;
	struct observe_flow flows[OBSERVE_FLOWS];
};

struct observe_call {
	unsigned int number, connection; /* the decoder's; 0: unknown */
	bool over;                       /* the decoder has forgotten it */
	bool from_control;               /* seen from its beginning; side 0 is the PNS */
	bool by_doctor;                  /* placed by `greyline doctor SERVER`, which says so */
	/* At some time: LCP open, MPPE agreed on by CCP, IPCP or IPV6CP open, each both ways. */
	bool lcp_up, mppe_up, up;
	unsigned int client; /* the side that dialled; or the one that was asked who it is */
	struct observe_mark any;
	struct observe_mark connected;
	uint64_t up_time;
	uint32_t mppe_agreed[2];      /* bits of the CCP that was open, by side */
	struct observe_mark loopback; /* LCP requests with the other end's magic number */
	struct observe_side side[2];

	enum observe_end end;
	unsigned int end_side;
	struct observe_mark end_mark;
	char end_words[OBSERVE_WORDS * 2];
	bool has_disconnect;
	unsigned int disconnect_result;
};

struct observe_connection {
	unsigned int number;
	bool over;
	uint32_t address[2]; /* [0] dialled */
	struct observe_mark any, sent[2];
	struct observe_mark syn, accepted, rst[2], fin[2];
	struct observe_mark start_request, start_reply;
	unsigned int start_result, start_error;
	bool by_doctor;                               /* the client is `greyline doctor SERVER` */
	struct observe_mark call_request, call_reply; /* either kind of call */
	struct observe_mark call_refused;
	unsigned int refused_result;
	bool refused_incoming;   /* an Incoming-Call-Request was */
	uint16_t request_window; /* of the last Outgoing-Call-Request */
	char refused_words[OBSERVE_WORDS * 2];
	struct observe_mark stop[2];
	unsigned int stop_reason;
	struct observe_mark stop_refused;
	char stop_words[OBSERVE_WORDS];
	struct observe_mark clear, disconnect;
	struct observe_mark malformed;
	char malformed_words[OBSERVE_WORDS * 2];
	uint64_t missing;
	struct observe_mark missing_mark;
	unsigned int echo_unanswered[2];
	struct observe_mark echo[2]; /* those that are unanswered */
};

/* ICMP errors of one kind about one pair of addresses. */
struct observe_icmp {
	uint8_t type, code, protocol;
	uint16_t mtu;
	uint32_t from, src, dst;
	struct observe_mark mark;
};

struct observe;

/* What is over, or what the capture ends with. `connection` may be NULL (not in the capture). */
struct observe_judge {
	void *user;
	void (*call)(void *user, const struct observe *o, const struct observe_call *call,
		const struct observe_connection *connection);
	void (*connection)(
		void *user, const struct observe *o, const struct observe_connection *connection);
	void (*capture)(void *user, const struct observe *o);
};

struct observe {
	struct decode_sink sink;
	struct observe_judge judge;
	uint64_t first_time, last_time;
	uint64_t unseen;
	struct decode_fragments_lost fragments_lost; /* known at the end */
	unsigned int icmp_count;
	struct observe_icmp icmp[OBSERVE_ICMP_MAX];
	unsigned int call_count, connection_count;
	struct observe_call *calls[OBSERVE_CALLS_MAX];
	struct observe_connection *connections[OBSERVE_CONNECTIONS_MAX];
};

/* o->sink is ready for decode_run() then. On the heap, freed by observe_free(); NULL: no memory. */
struct observe *observe_new(const struct observe_judge *judge);
void observe_free(struct observe *o);

/* --- between the parts of it --- */

void observe_hit(struct observe_mark *mark, const struct decode_meta *meta);
/* Text for people, cut to fit. */
void observe_words(char *out, size_t size, const char *text);
/* A PPP frame's control packet (LCP, CCP, IPCP ...), and authentication. */
void observe_ppp(struct observe_call *call, const struct decode_event *e);
void observe_auth(struct observe_call *call, const struct decode_event *e);
/* GRE's numbers and the data in it. */
void observe_gre(struct observe_call *call, const struct decode_event *e);
/* A control message or a TCP event. */
void observe_control(struct observe *o, struct observe_connection *c, struct observe_call *call,
	const struct decode_event *e);
void observe_tcp(struct observe *o, struct observe_connection *c, const struct decode_event *e);
/* The first sign of an end. */
void observe_end(struct observe_call *call, enum observe_end how, unsigned int side,
	const struct decode_meta *meta, const char *words);
