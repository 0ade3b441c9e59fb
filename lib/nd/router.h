/*
 * A router's advertisements on one point-to-point link (RFC 4861 sections 6.2.4 and 6.2.6): three
 * at first, then one in 200 to 600 seconds, and one in answer to a Solicitation: at once, for the
 * delays of the RFC keep many nodes apart, and here is only one.
 *
 * The first one waits a moment: IPV6CP may not be open at the other end yet, which asks when it is.
 *
 * Invariants: after ND_ROUTER_PROMPT answers no two within ND_ROUTER_DISTANCE, whatever the peer sends; while it runs there is a
 * deadline. No system calls, no clock: `now` is in microseconds.
 */
#pragma once

#include "lib/nd/message.h"

#define ND_ROUTER_DISTANCE 3000000 /* us: MIN_DELAY_BETWEEN_RAS */
#define ND_ROUTER_PROMPT   3

struct nd_ops {
	/* A whole IPv6 packet to the peer, valid during the call. */
	void (*send)(void *user, const uint8_t *packet, size_t len);
	void (*random)(void *user, void *buf, size_t len);
	/* Host: a router says this. */
	void (*learn)(void *user, const struct nd_advertisement *ra);
};

struct nd_router {
	const struct nd_ops *ops;
	void *user;
	uint8_t source[ND_ADDRESS];
	struct nd_advertisement what;
	uint64_t deadline, sent_at; /* us; sent_at 0: never */
	unsigned int initial;       /* of the first ones, still to come */
	unsigned int prompt;        /* answers without a distance, still to come */
	bool running;
};

/* Begins. `source` is this end's link-local address; `what` is copied. */
void nd_router_start(struct nd_router *r, const struct nd_advertisement *what,
	const uint8_t source[ND_ADDRESS], const struct nd_ops *ops, void *user, uint64_t now);
void nd_router_stop(struct nd_router *r);

/* An IPv6 packet of the peer's. */
void nd_router_receive(struct nd_router *r, const uint8_t *packet, size_t len, uint64_t now);
void nd_router_tick(struct nd_router *r, uint64_t now);
uint64_t nd_router_deadline(const struct nd_router *r); /* UINT64_MAX: none */
