/*
 * What LCP and every NCP have in common (RFC 1661 sections 4 and 5, RFC 1962 section 2, RFC 1332
 * section 2): packets and identifiers, the negotiation of options by the automaton, Code-Reject,
 * Terminate. A protocol gives its options by a table of functions; the link that it lives in gives
 * the way out (struct cp_host).
 *
 * Invariants: a reply counts once, and only if it fits the outstanding request (identifier; an Ack
 * also its content); a retransmission keeps the identifier, so that a late Ack counts; negotiation
 * ends: after CP_MAX_NAKS Naks options are rejected, after CP_MAX_REFUSALS refusals in either
 * direction it has failed.
 */
#pragma once

#include "lib/ppp/automaton.h"
#include "lib/ppp/link.h"
#include "lib/ppp/option.h"

#define CP_HEADER       4
#define CP_PACKET_MAX   1500
#define CP_MAX_NAKS     5 /* RFC 1661 4.5 and 4.6, Max-Failure */
#define CP_MAX_REFUSALS 10

enum cp_code {
	CP_CONFIGURE_REQUEST = 1,
	CP_CONFIGURE_ACK,
	CP_CONFIGURE_NAK,
	CP_CONFIGURE_REJECT,
	CP_TERMINATE_REQUEST,
	CP_TERMINATE_ACK,
	CP_CODE_REJECT,
	CP_PROTOCOL_REJECT,
	CP_ECHO_REQUEST,
	CP_ECHO_REPLY,
	CP_DISCARD_REQUEST,
	CP_IDENTIFICATION, /* RFC 1570 */
	CP_TIME_REMAINING,
	CP_RESET_REQUEST, /* RFC 1962 */
	CP_RESET_ACK,
};

struct cp_packet {
	uint8_t code, id;
	const uint8_t *data; /* behind the header, without padding */
	size_t len;
};

/* -EBADMSG if it is shorter than its header or its length field says. Padding behind is cut. */
int cp_packet_decode(struct cp_packet *packet, const uint8_t *data, size_t len);

struct cp;

enum cp_event {
	CP_UP,       /* This-Layer-Up */
	CP_DOWN,     /* This-Layer-Down */
	CP_FINISHED, /* This-Layer-Finished: given up, closed, or refused as a protocol */
	CP_FAILED,   /* no agreement is possible; cp->reason, cp->words. The automaton stands still.
		      */
	CP_TERMINATED, /* the peer's Terminate-Request, not yet acted upon; cp->text, valid during
			  the call */
};

struct cp_host {
	void (*send)(void *user, uint16_t protocol, const uint8_t *packet, size_t len);
	void (*random)(void *user, void *buf, size_t len);
	/* May come inside automaton_event() of `cp`: must not feed it, nor receive for it. */
	void (*event)(void *user, struct cp *cp, enum cp_event event);
	/* LCP only: the peer sent a Protocol-Reject. */
	void (*protocol_rejected)(void *user, uint16_t protocol);
	void (*log)(void *user, enum ppp_log level, const char *format, va_list ap);
};

struct cp_protocol {
	uint16_t number;
	const char *name;
	/* The options of our Configure-Request; the same ones until a reply has changed something.
	 */
	void (*request)(struct cp *cp, struct wire_writer *w);
	/* The peer's Configure-Request: each option, then the whole. Results are set aside until
	 * `accept`. */
	void (*begin)(struct cp *cp);
	void (*option)(struct cp *cp, struct ppp_review *review, const struct ppp_option *option);
	void (*complete)(struct cp *cp, struct ppp_review *review);
	/* Our Configure-Ack is about to go out: what was set aside is in force. */
	void (*accept)(struct cp *cp);
	/* Our request was acknowledged. false: it will not do so (the options were changed, ask
	 * again). */
	bool (*acked)(struct cp *cp);
	/* An option of the peer's Configure-Nak, or of its Configure-Reject. May cp_fail(). */
	void (*naked)(struct cp *cp, const struct ppp_option *option);
	void (*rejected)(struct cp *cp, const struct ppp_option *option);
	/* A code above 7; false: unknown. May be NULL. */
	bool (*extended)(struct cp *cp, const struct cp_packet *packet, uint64_t now);
	/* The peer does not know a code above 7 that we sent: never send it again. May be NULL. */
	void (*code_rejected)(struct cp *cp, uint8_t code);
};

struct cp {
	struct automaton automaton;
	const struct cp_protocol *protocol;
	const struct cp_host *host;
	void *user;
	uint64_t received; /* packets of this protocol */
	uint16_t limit;    /* the peer's MRU: no packet of ours is longer */
	uint8_t id;        /* of the last packet that we numbered */
	uint8_t request_id;
	bool outstanding;       /* our Configure-Request has had no valid reply yet */
	bool failed;            /* CP_FAILED was told */
	bool timed_out;         /* CP_FINISHED came from the Restart timer */
	bool answered;          /* the peer took part: a Configure packet came */
	uint8_t naks;           /* sent in a row, by requests */
	uint8_t refusals;       /* of the peer's requests, in a row */
	uint8_t refused;        /* of ours by the peer, in a row */
	uint32_t acked_request; /* hash of the last request that was acknowledged */
	uint64_t acked_at;
	uint32_t refused_request; /* hash of the last request that was refused, 0 none */
	enum pptp_reason reason;
	const char *words; /* why it failed; a literal, or "" */
	const char *close_text;
	const uint8_t *text; /* of a Terminate-Request */
	size_t text_len;
	struct cp_packet answer; /* what SCA, SCN, STA, SCJ are to send */
};

void cp_init(
	struct cp *cp, const struct cp_protocol *protocol, const struct cp_host *host, void *user);

/* Administrative Open and lower layer Up: sends the first Configure-Request. Closed ones start
 * afresh. */
void cp_start(struct cp *cp, uint64_t now);
/* The lower layer is Down: the automaton is idle afterwards, nothing is sent. */
void cp_down(struct cp *cp, uint64_t now);
/* Down and Up: negotiates anew (RFC 1661 4.3 Open). */
void cp_restart(struct cp *cp, uint64_t now);
/* Close: Terminate-Request with `text` (a literal), up to three times, a second apart; then
 * CP_FINISHED. */
void cp_close(struct cp *cp, const char *text, uint64_t now);
/* Protocol-Reject of this protocol came. */
void cp_protocol_rejected(struct cp *cp, uint64_t now);

void cp_receive(struct cp *cp, const uint8_t *data, size_t len, uint64_t now);
void cp_tick(struct cp *cp, uint64_t now);

static inline uint64_t cp_deadline(const struct cp *cp)
{
	return cp->failed ? UINT64_MAX : cp->automaton.deadline;
}

static inline bool cp_is_open(const struct cp *cp)
{
	return cp->automaton.state == PPP_OPENED && !cp->failed;
}

/* Is it running at all, so that packets are for it? */
static inline bool cp_is_started(const struct cp *cp)
{
	return cp->automaton.state > PPP_STARTING && !cp->failed;
}

/* For the protocols: gives up at once, whatever else is in the packet at hand. `words` is a
 * literal. */
void cp_fail(struct cp *cp, enum pptp_reason reason, const char *words);
/* Sends a packet of this protocol, cut to the peer's MRU. */
void cp_send(struct cp *cp, uint8_t code, uint8_t id, const uint8_t *data, size_t len);
uint8_t cp_next_id(struct cp *cp);
/* Receive-Echo-Request and its like (RXR): sends an Echo-Reply with `data` if opened; code 0
 * answers nothing. */
void cp_receive_echo(
	struct cp *cp, uint8_t reply, uint8_t id, const uint8_t *data, size_t len, uint64_t now);
/* Sends the outstanding Configure-Request again, out of turn. */
void cp_repeat_request(struct cp *cp);

__attribute__((format(printf, 3, 4))) void cp_log(
	const struct cp *cp, enum ppp_log level, const char *format, ...);

/* Bytes from the peer for a log or a text: printable ASCII, others as \xNN; cut to fit,
 * NUL-terminated. */
void cp_escape(char *out, size_t size, const uint8_t *data, size_t len);
