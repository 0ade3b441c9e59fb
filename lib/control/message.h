/*
 * The 15 control messages of RFC 2637 section 2, both directions, every field.
 *
 * Decoding is strict about what would make the stream ambiguous (length, magic cookie, message
 * type, the exact length of each message) and lenient about values: unknown result and error codes,
 * any capability bits and non-zero reserved fields are kept or ignored, never refused.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define CONTROL_PORT         1723
#define CONTROL_MAGIC_COOKIE 0x1a2b3c4du
#define CONTROL_VERSION_1_0  0x0100u
#define CONTROL_HEADER_SIZE  12  /* length, PPTP message type, cookie, control type, reserved0 */
#define CONTROL_MESSAGE_MAX  220 /* Incoming-Call-Request, section 2.9 */

enum control_type {                           /* section 1.4; the numbers are those on the wire */
	CONTROL_START_REQUEST = 1,            /* section 2.1 */
	CONTROL_START_REPLY = 2,              /* section 2.2 */
	CONTROL_STOP_REQUEST = 3,             /* section 2.3 */
	CONTROL_STOP_REPLY = 4,               /* section 2.4 */
	CONTROL_ECHO_REQUEST = 5,             /* section 2.5 */
	CONTROL_ECHO_REPLY = 6,               /* section 2.6 */
	CONTROL_OUTGOING_CALL_REQUEST = 7,    /* section 2.7 */
	CONTROL_OUTGOING_CALL_REPLY = 8,      /* section 2.8 */
	CONTROL_INCOMING_CALL_REQUEST = 9,    /* section 2.9 */
	CONTROL_INCOMING_CALL_REPLY = 10,     /* section 2.10 */
	CONTROL_INCOMING_CALL_CONNECTED = 11, /* section 2.11 */
	CONTROL_CALL_CLEAR_REQUEST = 12,      /* section 2.12 */
	CONTROL_CALL_DISCONNECT_NOTIFY = 13,  /* section 2.13 */
	CONTROL_WAN_ERROR_NOTIFY = 14,        /* section 2.14 */
	CONTROL_SET_LINK_INFO = 15,           /* section 2.15 */
};

enum control_framing {
	CONTROL_FRAMING_ASYNC = 1,
	CONTROL_FRAMING_SYNC = 2,
	CONTROL_FRAMING_ANY = 3
};
enum control_bearer {
	CONTROL_BEARER_ANALOG = 1,
	CONTROL_BEARER_DIGITAL = 2,
	CONTROL_BEARER_ANY = 3
};

enum control_start_result { /* section 2.2 */
	CONTROL_START_OK = 1,
	CONTROL_START_GENERAL_ERROR = 2,
	CONTROL_START_EXISTS = 3,
	CONTROL_START_NOT_AUTHORIZED = 4,
	CONTROL_START_BAD_VERSION = 5,
};

enum control_stop_reason {
	CONTROL_STOP_NONE = 1,
	CONTROL_STOP_PROTOCOL = 2,
	CONTROL_STOP_LOCAL_SHUTDOWN = 3
};

enum control_outgoing_result { /* section 2.8 */
	CONTROL_OUTGOING_CONNECTED = 1,
	CONTROL_OUTGOING_GENERAL_ERROR = 2,
	CONTROL_OUTGOING_NO_CARRIER = 3,
	CONTROL_OUTGOING_BUSY = 4,
	CONTROL_OUTGOING_NO_DIAL_TONE = 5,
	CONTROL_OUTGOING_TIME_OUT = 6,
	CONTROL_OUTGOING_DO_NOT_ACCEPT = 7,
};

enum control_incoming_result { /* section 2.10 */
	CONTROL_INCOMING_CONNECT = 1,
	CONTROL_INCOMING_GENERAL_ERROR = 2,
	CONTROL_INCOMING_DO_NOT_ACCEPT = 3,
};

enum control_disconnect_result { /* section 2.13; Windows sends 0 */
	CONTROL_DISCONNECT_LOST_CARRIER = 1,
	CONTROL_DISCONNECT_GENERAL_ERROR = 2,
	CONTROL_DISCONNECT_ADMIN_SHUTDOWN = 3,
	CONTROL_DISCONNECT_REQUEST = 4,
};

enum control_error { /* section 2.16 */
	CONTROL_ERROR_NONE = 0,
	CONTROL_ERROR_NOT_CONNECTED = 1,
	CONTROL_ERROR_BAD_FORMAT = 2,
	CONTROL_ERROR_BAD_VALUE = 3,
	CONTROL_ERROR_NO_RESOURCE = 4,
	CONTROL_ERROR_BAD_CALL_ID = 5,
	CONTROL_ERROR_PAC_ERROR = 6,
};

/*
 * Fixed-size text fields are opaque bytes, NUL-padded on the wire; here with one more byte, always
 * 0. The lengths of phone numbers are cut to their field's 64, in both directions; what a decoded
 * number's field has beyond its length is not part of it and 0 here, unless the length is 0.
 */
struct control_start { /* 2.1 and 2.2 */
	uint16_t version;
	uint8_t result; /* reply only */
	uint8_t error;  /* reply only */
	uint32_t framing;
	uint32_t bearer;
	uint16_t max_channels;
	uint16_t firmware;
	char host_name[65];
	char vendor[65];
};

struct control_stop_request {
	uint8_t reason;
};
struct control_stop_reply {
	uint8_t result, error;
};
struct control_echo_request {
	uint32_t identifier;
};
struct control_echo_reply {
	uint32_t identifier;
	uint8_t result, error;
};

struct control_outgoing_request { /* 2.7 */
	uint16_t call_id, serial;
	uint32_t min_bps, max_bps, bearer, framing;
	uint16_t window, processing_delay; /* packets; tenths of a second */
	uint16_t phone_length;             /* as announced; 0..64 */
	char phone[65], subaddress[65];
};

struct control_outgoing_reply { /* 2.8 */
	uint16_t call_id, peer_call_id;
	uint8_t result, error;
	uint16_t cause;
	uint32_t connect_speed;
	uint16_t window, processing_delay;
	uint32_t physical_channel;
};

struct control_incoming_request { /* 2.9 */
	uint16_t call_id, serial;
	uint32_t bearer, physical_channel;
	uint16_t dialed_length, dialing_length;
	char dialed[65], dialing[65], subaddress[65];
};

struct control_incoming_reply { /* 2.10 */
	uint16_t call_id, peer_call_id;
	uint8_t result, error;
	uint16_t window, processing_delay;
};

struct control_incoming_connected { /* 2.11 */
	uint16_t peer_call_id;
	uint32_t connect_speed;
	uint16_t window, processing_delay;
	uint32_t framing;
};

struct control_clear_request {
	uint16_t call_id;
}; /* 2.12: the sender's (PNS) own Call ID */

struct control_disconnect { /* 2.13: the sender's (PAC) own Call ID */
	uint16_t call_id;
	uint8_t result, error;
	uint16_t cause;
	char statistics[129];
};

struct control_wan_error { /* 2.14: the receiver's Call ID */
	uint16_t peer_call_id;
	uint32_t crc, framing, hardware, buffer, time_out, alignment;
};

struct control_link_info {
	uint16_t peer_call_id;
	uint32_t send_accm, receive_accm;
}; /* 2.15 */

struct control_message {
	enum control_type type;
	union {
		struct control_start start; /* START_REQUEST, START_REPLY */
		struct control_stop_request stop_request;
		struct control_stop_reply stop_reply;
		struct control_echo_request echo_request;
		struct control_echo_reply echo_reply;
		struct control_outgoing_request outgoing_request;
		struct control_outgoing_reply outgoing_reply;
		struct control_incoming_request incoming_request;
		struct control_incoming_reply incoming_reply;
		struct control_incoming_connected incoming_connected;
		struct control_clear_request clear_request;
		struct control_disconnect disconnect;
		struct control_wan_error wan_error;
		struct control_link_info link_info;
	};
};

/*
 * Looks at the start of a byte stream. Returns the whole length of its first message (12..220) once
 * the header's length field is there, 0 if more bytes are needed, or -EBADMSG with *why set to a
 * sentence (static) if no message can begin so: the length field is checked as soon as 2 bytes are
 * there, message type and cookie as soon as they are.
 */
int control_message_frame(const uint8_t *data, size_t len, const char **why);

/*
 * Decodes exactly one message of `len` bytes (as given by control_message_frame). 0, or -EBADMSG
 * with *why set to a static sentence (unknown control type, wrong length for the type, ...).
 */
int control_message_decode(
	struct control_message *m, const uint8_t *data, size_t len, const char **why);

/*
 * Encodes `m`; the number of bytes written, -ENOBUFS (220 always suffice), or -EINVAL if m->type is
 * none of the 15. Reserved fields are 0; text fields are written whole, so zero what follows a
 * text.
 */
int control_message_encode(const struct control_message *m, uint8_t *buf, size_t size);

/* The message's name as in the RFC, "Outgoing-Call-Request"; "unknown" for other numbers. */
const char *control_type_name(unsigned int type);

/* Texts of result and error codes for a message type; "unknown" for others. Never NULL. */
const char *control_result_text(enum control_type type, unsigned int result);
const char *control_error_text(unsigned int error);

/*
 * What a reply, a Stop request or a Call-Disconnect-Notify says, in words: "general error (result
 * 2), no resources (error 4), cause 17"; "" for other messages. Terminated and returned as by the
 * next one.
 */
int control_message_outcome(const struct control_message *m, char *buf, size_t size);

/* One line for people: "Outgoing-Call-Request call 7 serial 3 300..100000000 bps window 64 ...";
 * opaque bytes escaped as \xNN. Always terminated; returns the length that would have been needed
 * (as snprintf). */
int control_message_format(const struct control_message *m, char *buf, size_t size);
