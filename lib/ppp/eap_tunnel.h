/*
 * What the methods of EAP on TLS share (EAP-TLS: RFC 5216 sections 2.1.5 and 3, RFC 9190; PEAP): a TLS session
 * and how its messages travel in EAP's packets: flags, length, fragments, acknowledgements. And the
 * keys that come of it.
 *
 *	flags [length of the message] records
 *
 * The owner gets the turn when a message is whole and was given to TLS, or when all that it had
 * sent is acknowledged; fragments and their acknowledgements in between are done here.
 *
 * Invariants: no octet goes to TLS beyond EAP_TUNNEL_MESSAGE in one message or beyond
 * EAP_TUNNEL_TOTAL in all; each fragment brings at least one octet; rounds are limited by EAP
 * (EAP_ROUNDS). What contradicts its own length breaks the tunnel.
 */
#pragma once

#include "lib/mppe/keys.h"
#include "lib/ppp/tls.h"
#include "lib/wire.h"

#define EAP_TUNNEL_MESSAGE 65536u  /* octets of one message, either way; RFC 5216 2.1.5 */
#define EAP_TUNNEL_TOTAL   131072u /* received in one conversation */
/* Of what is sent, flags included: also a narrow path has to take it in one piece, since control
 * frames are not fragmented. */
#define EAP_TUNNEL_FRAGMENT 1200u

/* RFC 5216 3.1. PEAP has its version in the lowest bits. */
enum {
	EAP_TUNNEL_LENGTH = 0x80,
	EAP_TUNNEL_MORE = 0x40,
	EAP_TUNNEL_START = 0x20,
	EAP_TUNNEL_VERSION = 0x07,
};

/* What a packet was. */
enum eap_tunnel_event {
	EAP_TUNNEL_IGNORE, /* malformed or out of turn: nothing has changed; t->why */
	EAP_TUNNEL_REPLY,  /* a fragment, or an acknowledgement: the answer was written */
	EAP_TUNNEL_BEGIN,  /* Start (S); t->peer_version */
	EAP_TUNNEL_TURN,   /* a whole message, done by TLS; or (t->empty) nothing */
	EAP_TUNNEL_BROKEN, /* the conversation cannot go on; t->why */
};

/* Zeros: not begun. */
struct eap_tunnel {
	const struct tls_engine *engine;
	struct tls_session *tls;
	uint8_t version, peer_version; /* PEAP: ours, and of the last packet; EAP-TLS: 0 */
	bool server;
	bool tell_length;   /* also of a message that needs no fragments; the owner's */
	bool begun;         /* Start was sent, or came */
	bool empty;         /* of the last EAP_TUNNEL_TURN: no octet came */
	bool sending;       /* fragments of ours are not all sent */
	bool gathering;     /* a fragment came, and more will */
	uint32_t announced; /* length of the message that comes in fragments, 0 unknown */
	uint32_t gathered;  /* octets of it that came */
	uint32_t total;     /* octets received in this conversation */
	const char *why;
};

/* Opens a TLS session. 0; -ENOMEM; -ENOTSUP if `engine` is NULL. */
int eap_tunnel_open(struct eap_tunnel *t, const struct tls_engine *engine,
	const struct tls_setup *setup, uint8_t version);
void eap_tunnel_close(struct eap_tunnel *t); /* closes TLS; zeros afterwards */

/* The data of a Request or Response behind the type. `out`: behind the type of the answer. */
enum eap_tunnel_event eap_tunnel_receive(
	struct eap_tunnel *t, struct wire_reader *in, struct wire_writer *out);

/* The authenticator's Start. */
void eap_tunnel_put_start(struct eap_tunnel *t, struct wire_writer *out);
/*
 * In the owner's turn: as much of what TLS has ready as `out` has room for; the rest goes by
 * itself. Nothing ready: an acknowledgement, without data. The sticky error of `out`: there is no
 * room for any fragment.
 */
void eap_tunnel_put(struct eap_tunnel *t, struct wire_writer *out);
/* Has TLS something ready? */
bool eap_tunnel_waiting(const struct eap_tunnel *t);
struct tls_status eap_tunnel_status(const struct eap_tunnel *t);

/*
 * MSK, 64 octets, by the type of the method: RFC 5216 2.3 (TLS 1.2 and before; all types), RFC 9190
 * 2.3 (TLS 1.3). 0, or -EPIPE while TLS is not open.
 */
#define EAP_MSK_LEN 64
int eap_tunnel_msk(const struct eap_tunnel *t, uint8_t type, uint8_t msk[EAP_MSK_LEN]);
/* MPPE's keys from it: RFC 5216 2.3, RFC 2548 2.4.2 and 2.4.3, RFC 3079 section 4. */
void eap_msk_keys(const uint8_t msk[EAP_MSK_LEN], struct mppe_material *keys);
