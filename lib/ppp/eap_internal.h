/*
 * The inside of EAP, for eap.c, eap_authenticator.c and eap_peer.c.
 *
 * Invariants: every state but IDLE, DONE and FAILED has a finite `give_up`, which nothing that is
 * ignored moves; `last` is the packet that a repetition from the other end, or the authenticator's
 * timer, calls for; a method is active only between its `start` or `begin` and its `end`.
 */
#pragma once

#include "lib/ppp/chap_method.h"
#include "lib/ppp/eap_method.h"

/* RFC 3748 sections 4 and 5. */
enum { EAP_REQUEST = 1, EAP_RESPONSE = 2, EAP_SUCCESS = 3, EAP_FAILURE = 4 };
enum { EAP_IDENTITY = 1, EAP_NOTIFICATION = 2, EAP_NAK = 3, EAP_EXPANDED = 254 };

struct eap_header {
	uint8_t code, identifier, type; /* type: 0 in Success and Failure */
	struct wire_reader body;        /* behind the type */
};

/* eap.c */
void eap_init(struct eap *e, enum chap_role role, const struct ppp_auth_list *allowed,
	const char *name, uint16_t mtu, const struct chap_ops *ops, void *user);
const struct eap_method *eap_find(enum ppp_auth_method method);
const struct eap_method *eap_find_type(const struct eap *e, uint8_t type); /* of the allowed */
void eap_enter(struct eap *e, enum eap_state state, uint64_t deadline, uint64_t give_up);
/* Ends the method that is active; `method` (NULL none) is to be begun or started then. */
void eap_use(struct eap *e, const struct eap_method *method);
void eap_succeed(struct eap *e);
void eap_fail(struct eap *e, enum pptp_reason reason, const char *detail);
/* Peer: what was begun after the success came to nothing. */
void eap_rest(struct eap *e);
/* A packet is begun; sent and kept: 0, or -EMSGSIZE if it is larger than the other end takes. */
struct wire_writer eap_packet(
	const struct eap *e, uint8_t packet[EAP_PACKET_MAX], uint8_t code, uint8_t identifier);
int eap_send(struct eap *e, struct wire_writer *w);
void eap_transmit(struct eap *e); /* the last one again */
/* "TLS", "type 99" */
void eap_put_type_name(struct wire_writer *w, uint8_t type);

/* eap_authenticator.c */
void eap_receive_response(struct eap *e, struct eap_header *h, uint64_t now);
void eap_give_up_authenticator(struct eap *e);

/* eap_peer.c */
void eap_receive_request(struct eap *e, struct eap_header *h, uint64_t now);
void eap_receive_end(struct eap *e, const struct eap_header *h); /* Success, Failure */
void eap_give_up_peer(struct eap *e);
