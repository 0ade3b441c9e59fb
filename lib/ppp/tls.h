/*
 * TLS as the methods of EAP need it (RFC 5216, RFC 9190): an interface that the owner of a PPP link
 * provides, so that libpptp itself knows no TLS library, no file and no clock. Memory only: records
 * go in by feed(), come out by take(); nothing blocks.
 *
 *	open -> [feed... run -> take...]* -> close
 *
 * HANDSHAKING -> OPEN -> FAILED, or HANDSHAKING -> FAILED. An engine checks the other end's
 * certificate itself (chain, validity, revocation, purpose, name) as part of the handshake: OPEN
 * means that it is good, if one was demanded. It never goes on with a certificate that is not, and
 * takes no renegotiation. What is left to the method is whom a client's certificate stands for.
 *
 * A session has a bounded memory, whatever is fed. Everything secret is wiped by close().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tls_state {
	TLS_HANDSHAKING,
	TLS_OPEN,   /* Finished was received and is sent, or lies ready to be taken */
	TLS_FAILED, /* for good; an alert may lie ready to be taken */
};

/* As in the protocol's own version numbers. */
enum tls_version {
	TLS_NONE = 0,
	TLS_1_0 = 0x0301,
	TLS_1_1 = 0x0302,
	TLS_1_2 = 0x0303,
	TLS_1_3 = 0x0304
};

/* RFC 8446 section 6, those that a method sends by itself. */
enum tls_alert {
	TLS_ALERT_ACCESS_DENIED = 49,
	TLS_ALERT_INTERNAL_ERROR = 80,
};

/*
 * Whom the other end's certificate names, the best first: subjectAltName's UPN, rfc822Name,
 * dNSName, then the subject's Common Name. UTF-8, never with a NUL or a control character inside,
 * never empty.
 */
#define TLS_NAMES_MAX 8
#define TLS_NAME_MAX  255
struct tls_identity {
	unsigned int count;
	const char *names[TLS_NAMES_MAX];
};

struct tls_setup {
	bool server;
	/* Server: the client must show a certificate. Client: ours is shown if it is asked for. */
	bool certificate;
	enum tls_version highest; /* TLS_NONE: what the engine has */
};

struct tls_status {
	enum tls_state state;
	enum tls_version version; /* as soon as it is known */
	/* FAILED: what happened in a sentence without "." ("the server's certificate expired on
	 * 2024-03-01"); "" else. The session's. */
	const char *why;
	bool by_peer;                    /* FAILED: the other end said so, by an alert */
	uint8_t alert;                   /* FAILED: that was sent or came; 0 none */
	const struct tls_identity *peer; /* OPEN; NULL: it showed no certificate. The session's. */
};

struct tls_session; /* the engine's */

struct tls_engine {
	void *user; /* for open() */
	/* NULL: out of memory. What else is wrong, the session's status says. */
	struct tls_session *(*open)(void *user, const struct tls_setup *setup);
	/* Wipes and frees; NULL is ignored. */
	void (*close)(struct tls_session *s);
	/* Records of the other end, any part of them. 0, or -EMSGSIZE: more than a session holds. */
	int (*feed)(struct tls_session *s, const uint8_t *data, size_t len);
	/* Goes on as far as what was fed allows; of a client without anything: its ClientHello. */
	void (*run)(struct tls_session *s);
	/* Octets of records that lie ready for the other end; the first `len` of them (at most as
	 * many as wait), consumed. */
	size_t (*waiting)(const struct tls_session *s);
	void (*take)(struct tls_session *s, uint8_t *out, size_t len);
	void (*status)(const struct tls_session *s, struct tls_status *status);
	/*
	 * Application data, OPEN only. write(): one record, lies ready afterwards; 0, -EPIPE (not
	 * open), -ENOMEM, -EMSGSIZE. read(): the number of octets that came since the last time,
	 * consumed; 0 none; -EMSGSIZE (consumed, too) if there are more than `size`.
	 */
	int (*write)(struct tls_session *s, const uint8_t *data, size_t len);
	int (*read)(struct tls_session *s, uint8_t *out, size_t size);
	/* Ends it with a fatal alert, which lies ready afterwards: FAILED, `why` as given (cut). */
	void (*refuse)(struct tls_session *s, enum tls_alert alert, const char *why);
	/* RFC 5705, RFC 8446 7.5: `context` NULL none. 0, or -EPIPE: not open. */
	int (*export)(struct tls_session *s, const char *label, const uint8_t *context,
		size_t context_len, uint8_t *out, size_t len);
};
