/*
 * The interface between EAP (eap.c) and its methods, one of which runs at a time.
 *
 * A method gets the data behind the type, and writes what goes behind it into `out`, which has room
 * for as much as the peer takes in one packet: e->mtu; what is longer it cuts into fragments, one a
 * round. EAP numbers, sends, and repeats: each packet that a method sees is new. Its state is in
 * e->own (a larger one has a pointer there); `end` is called once for each `begin` and `start`.
 *
 * What needs longer than a call, at an authenticator, is "judging": the method has filled e->request
 * and goes on in `verdict`.
 */
#pragma once

#include "lib/ppp/eap.h"

enum eap_step {
	EAP_IGNORE, /* not to be answered: e->ignored says why; nothing has changed */
	EAP_SEND,   /* what is in `out`: authenticator a Request, peer a Response */
	EAP_JUDGE,  /* authenticator: e->request */
	EAP_ACCEPT, /* authenticator: Success; e->keys are set */
	EAP_REJECT, /* authenticator: Failure; either end: e->reason, e->words say why */
};

struct eap_method {
	uint8_t type; /* RFC 3748 section 5 */
	enum ppp_auth_method method;
	bool tls; /* it needs e->ops->tls */
	/* Authenticator: the first Request. EAP_SEND or EAP_REJECT. */
	enum eap_step (*start)(struct eap *e, struct wire_writer *out);
	enum eap_step (*response)(struct eap *e, struct wire_reader *in, struct wire_writer *out);
	/* Peer: before the first Request; each Request. e->outcome is to be kept true. */
	void (*begin)(struct eap *e);
	enum eap_step (*request)(struct eap *e, struct wire_reader *in, struct wire_writer *out);
	/* Authenticator: any but EAP_IGNORE and EAP_JUDGE. */
	enum eap_step (*verdict)(
		struct eap *e, const struct ppp_auth_verdict *verdict, struct wire_writer *out);
	/* Wipes what is in e->own and behind it. */
	void (*end)(struct eap *e);
};

extern const struct eap_method eap_method_md5;     /* eap_md5.c */
extern const struct eap_method eap_method_mschap2; /* eap_mschap2.c */
extern const struct eap_method eap_method_tls;     /* eap_tls.c */
extern const struct eap_method eap_method_peap;    /* eap_peap.c */

/* For methods: the rest of a packet as a name; -EBADMSG if it is longer than PPP_NAME_MAX or has a NUL
 * in it. The second keeps it as what the other end calls itself. */
int eap_decode_name(struct wire_reader *r, char name[PPP_NAME_MAX + 1]);
int eap_keep_identity(struct eap *e, struct wire_reader *r);
/* For methods: the owner's TLS, or NULL. */
const struct tls_engine *eap_tls_engine(const struct eap *e);
/* For methods: why it fails. `words` are cut. */
void eap_because(struct eap *e, enum pptp_reason reason, const char *words);
