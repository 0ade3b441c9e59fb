/*
 * What the decoder says: one event a message, in the order in which the capture makes sense (frames that
 * wait for those before them come behind them: sort by `frame` if the file's order matters). An event has
 *
 *  - its place: frame number, time, addresses, and the conversation that it belongs to, as typed fields;
 *  - its content as typed fields, for those who draw conclusions (doctor, summary);
 *  - its content as named fields, a tree, the same for every printer: JSON, -v, reports;
 *  - its text, one line in the words of the standards.
 *
 * Whoever wants events is a `struct decode_sink` in the list that decode_run() gets.
 *
 * Bounded: what does not fit (DECODE_TEXT_MAX, DECODE_FIELDS_MAX, DECODE_STRINGS_MAX) is left out, and
 * `cut` says so. Nothing is allocated.
 *
 * Invariant: bytes from the capture come into text and strings only escaped (decode_event_quoted(),
 * decode_event_bytes(), decode_event_hex()): printable ASCII, nothing else, so that no terminal sees a
 * control character. What is secret comes in only if the event was made with `secrets`.
 */
#pragma once

#include "lib/wire.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DECODE_TEXT_MAX    4096
#define DECODE_FIELDS_MAX  1024
#define DECODE_STRINGS_MAX 16384
#define DECODE_DEPTH_MAX   6
/* A PPP header, IPv4's with options, and what TCP's says before its options. */
#define DECODE_HEADERS_MAX 64

struct control_message;
struct decode_call;
struct decode_connection;
struct decode_stats;

enum decode_kind {
	DECODE_KIND_TCP,     /* port 1723: SYN, FIN, RST, retransmissions, bytes that are missing */
	DECODE_KIND_CONTROL, /* a control message (RFC 2637 section 2) */
	DECODE_KIND_PPP,  /* a PPP frame in GRE (section 4.1), with or without an acknowledgment */
	DECODE_KIND_ACK,  /* GRE without data */
	DECODE_KIND_GRE,  /* GRE that is not PPTP's, or broken */
	DECODE_KIND_ICMP, /* an ICMP error about one of our packets (RFC 792, RFC 1191) */
	DECODE_KIND_CONNECTION, /* a control connection is over, or the capture is */
	DECODE_KIND_CALL,       /* a call is over, or the capture is */
	DECODE_KIND_SUMMARY,    /* the capture is over: the last event */
	DECODE_KINDS
};
#define DECODE_ALL_KINDS ((1u << DECODE_KINDS) - 1)
const char *decode_kind_name(enum decode_kind kind); /* "control", ...: "type" in JSON */

/* Where a message was seen. Addresses are in host order. */
struct decode_meta {
	uint64_t time;  /* us since the epoch */
	uint64_t frame; /* number in the capture, from 1 */
	uint32_t src, dst;
	bool on_link; /* a frame of the link itself: it has no addresses */
};

/* What became of a frame's data. */
enum decode_state {
	DECODE_CLEAR,        /* it was not encrypted or compressed */
	DECODE_ENCRYPTED,    /* no keys are known */
	DECODE_DECRYPTED,    /* and decompressed, where it was compressed, too */
	DECODE_DECOMPRESSED, /* without encryption */
	DECODE_OUT_OF_STEP, /* MPPE or compression lost step, nothing can be said until it is mended */
	DECODE_NONSENSE,    /* came out as nothing that could have been sent */
	DECODE_TOO_LATE,    /* its key is gone */
	DECODE_BROKEN,      /* not what was agreed on: data in clear marked as MPPE */
	DECODE_CUT,         /* the capture has not enough of it */
	DECODE_SPARED,      /* to decrypt it would have cost too much work (work.h) */
	DECODE_STATES
};
const char *decode_state_name(enum decode_state state); /* "decrypted", ...: "state" in JSON */

enum decode_field_type {
	DECODE_NUMBER,
	DECODE_BOOLEAN,
	DECODE_STRING,
	DECODE_OBJECT,
	DECODE_ARRAY
};

struct decode_field {
	const char *key;    /* a literal; NULL in arrays */
	uint16_t size;      /* OBJECT, ARRAY: so many of the next fields are in it, at all depths */
	uint8_t type;       /* enum decode_field_type */
	uint64_t number;    /* NUMBER, BOOLEAN */
	const char *string; /* STRING: in the event, or a literal; printable ASCII */
};

/* What is known of a PPP frame beside its fields. */
struct decode_ppp {
	uint16_t protocol;       /* as sent: 0x00fd where it is encrypted */
	uint8_t code, id;        /* of control protocols; 0 if it has none or is broken */
	struct wire_reader body; /* of control protocols: behind the packet's length; else empty */
	enum decode_state state;
	bool has_mppe;             /* of MPPE and MPPC: ... */
	uint16_t mppe;             /* ... the header, bits and count (RFC 3078 section 3.1) */
	bool short_numbers;        /* of multilink, towards this receiver */
	uint16_t inner;            /* data: the network protocol that came out; 0: none did */
	struct wire_reader packet; /* the network-layer packet, as far as captured (and wanted) */
	size_t packet_len;         /* as it was sent */
};

struct decode_gre {
	uint16_t call_id;
	uint16_t flags; /* the header's first word: flags and version */
	bool has_seq, has_ack, duplicate, late;
	bool foreign_id; /* not the Call ID that the control connection agreed on: a NAT's work */
	uint32_t seq, ack;
	uint32_t lost; /* numbers left out before this one; some may still come late */
	size_t payload;
};

struct decode_tcp {
	uint16_t src_port, dst_port;
	uint8_t flags;          /* as in the header: 0x02 SYN, 0x10 ACK, 0x04 RST, 0x01 FIN */
	uint32_t retransmitted; /* bytes that were there already */
	uint32_t missing;       /* bytes that the capture lacks before what comes next */
};

struct decode_icmp {
	uint8_t type, code;
	uint16_t mtu;      /* of "fragmentation needed", 0 if it does not say */
	uint8_t protocol;  /* of the packet that it is about: 6 or 47 */
	uint32_t src, dst; /* of that packet */
};

struct decode_event {
	enum decode_kind kind;
	bool has_meta; /* false: meta is empty (CONNECTION, CALL, SUMMARY) */
	struct decode_meta meta;

	/* Conversations (tools/decode/call.h), NULL where the message has none. Valid during the
	 * callback only; their numbers are for ever. */
	const struct decode_connection *connection;
	const struct decode_call *call;
	unsigned int side; /* who sent it: call->side[side], or connection->flow[side] */

	/* By kind, else NULL. */
	const struct control_message *message; /* CONTROL, if well-formed */
	const struct decode_ppp *ppp;          /* PPP */
	const struct decode_gre *gre;          /* PPP, ACK */
	const struct decode_tcp *tcp;          /* TCP */
	const struct decode_icmp *icmp;        /* ICMP */
	const struct decode_stats *stats;      /* SUMMARY */

	bool malformed; /* it breaks a rule of its format; the text says which */
	bool secrets;   /* secrets are shown */
	bool cut;       /* text or fields did not fit */
	/* By kind, 1u << kind: what no consumer looks at, and is left empty; and of this one. */
	unsigned int no_text, no_fields;
	bool mute, bare;

	size_t used; /* of the text */
	unsigned int field_count, depth;
	unsigned int skipped; /* objects and arrays that are open, but found no room */
	size_t strings_used;
	uint16_t open[DECODE_DEPTH_MAX]; /* objects and arrays that fields are put into */
	char text[DECODE_TEXT_MAX];      /* one line, without its end */
	struct decode_field fields[DECODE_FIELDS_MAX];
	char strings[DECODE_STRINGS_MAX];
};

/*
 * A consumer of events. What none of them looks at is not made: text and fields are most of the decoder's
 * work. All zero: everything is wanted.
 */
struct decode_sink {
	struct decode_sink *next;
	unsigned int no_text, no_fields; /* 1u << kind, or DECODE_ALL_KINDS: not wanted of these */
	bool headers_only; /* of inner packets (ppp->packet) the first DECODE_HEADERS_MAX octets will do */
	/* The event is valid until it returns. */
	void (*event)(struct decode_sink *self, const struct decode_event *e);
};

/* --- for consumers --- */

/* A field at the top of the tree, or NULL. */
const struct decode_field *decode_event_find(const struct decode_event *e, const char *key);
/* Its number; `otherwise` if there is none, or it is not a number. */
uint64_t decode_event_get_int(const struct decode_event *e, const char *key, uint64_t otherwise);
/* Its string, or NULL. */
const char *decode_event_get_string(const struct decode_event *e, const char *key);

/* --- for the decoder --- */

/* Empties the event but for `secrets`, `no_text` and `no_fields`. `meta` may be NULL. */
void decode_event_begin(
	struct decode_event *e, const struct decode_meta *meta, enum decode_kind kind);

/* Appends to the text. */
void decode_event_text(struct decode_event *e, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Appends bytes from outside to the text, escaped, in quotes. */
void decode_event_quoted(struct decode_event *e, const void *bytes, size_t len);

/* Fields of the object (or elements of the array, with key NULL) that is open. `key` is a literal. */
void decode_event_int(struct decode_event *e, const char *key, uint64_t value);
void decode_event_bool(struct decode_event *e, const char *key, bool value);
void decode_event_string(struct decode_event *e, const char *key, const char *value); /* copied */
void decode_event_bytes(struct decode_event *e, const char *key, const void *bytes, size_t len);
void decode_event_hex(struct decode_event *e, const char *key, const void *bytes, size_t len);
/* As decode_event_hex() where secrets are shown, else nothing. */
void decode_event_secret(struct decode_event *e, const char *key, const void *bytes, size_t len);

/* Marks the event as malformed, and says why: "malformed: length field 3, 7 bytes there". */
void decode_event_malformed(struct decode_event *e, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* A nested object or array, until decode_event_close(). */
void decode_event_object(struct decode_event *e, const char *key);
void decode_event_array(struct decode_event *e, const char *key);
void decode_event_close(struct decode_event *e);

/* The number in decimal, somewhere in `out`; returns where. */
#define DECODE_DECIMAL 21
char *decode_decimal(char out[DECODE_DECIMAL], uint64_t value);

/* "192.0.2.1" of an address in host order; buf has DECODE_ADDRESS bytes. Returns buf. */
#define DECODE_ADDRESS 16
char *decode_address(uint32_t address, char buf[DECODE_ADDRESS]);

/* Printable ASCII as it is, the rest (and the backslash) as \xNN; cut to fit; returns out. */
char *decode_escape(char *out, size_t size, const void *bytes, size_t len);
/* Does all of it fit there? */
bool decode_escape_fits(size_t size, const void *bytes, size_t len);
/* "0a1b..." of at most `size` - 4 characters, then "..."; returns out. */
char *decode_hex(char *out, size_t size, const uint8_t *bytes, size_t len);
