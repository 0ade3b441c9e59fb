/*
 * PAP (RFC 1334 section 2): both ends. The password goes over the wire in clear; only where a
 * policy names it.
 *
 * The peer sends its Authenticate-Request until it is answered. The authenticator answers a request
 * that comes again as it did the first time (its answer may have been lost), without judging again:
 * one attempt a link.
 */
#pragma once

#include "lib/ppp/chap.h"

/* In us, the authenticator's wait as long as that of CHAP. */
#define PAP_RETRANSMIT 3000000u
#define PAP_GIVE_UP    30000000u
#define PAP_PACKET_MAX (4 + 1 + PPP_NAME_MAX + 1 + PPP_PASSWORD_MAX)

enum pap_state { PAP_IDLE, PAP_WAITING, PAP_JUDGING, PAP_REQUESTED, PAP_DONE, PAP_FAILED };

struct pap {
	enum chap_role role;
	enum pap_state state;
	const struct chap_ops *ops; /* NULL: not started, or pap_done(); sends PAP packets */
	void *user;
	struct ppp_auth_request request; /* peer: what it sends */
	uint64_t deadline, give_up;
	const char *refused; /* why the last packet was ignored: for the time-out's words */
	uint16_t last_len;
	uint8_t last[PAP_PACKET_MAX];
};

/* Waits for an Authenticate-Request. The ops are CHAP's; `judge` gets method PPP_AUTH_PAP. */
void pap_start_authenticator(struct pap *p, const struct chap_ops *ops, void *user, uint64_t now);
/* Sends one at once. Name and password of more than 255 octets, or empty ones, fail. */
void pap_start_peer(struct pap *p, const char *name, const char *password,
	const struct chap_ops *ops, void *user, uint64_t now);
void pap_receive(struct pap *p, const uint8_t *packet, size_t len, uint64_t now);
/* The judgement of the request given to ops->judge; ignored if none is waiting. */
void pap_verdict(struct pap *p, const struct ppp_auth_verdict *verdict, uint64_t now);
void pap_tick(struct pap *p, uint64_t now);
void pap_done(struct pap *p); /* wipes secrets; further calls do nothing */
