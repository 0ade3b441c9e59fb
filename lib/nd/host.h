/*
 * A host on a point-to-point link that looks for a router (RFC 4861 section 6.3.7): up to three
 * Solicitations, four seconds apart, and what Advertisements say.
 *
 * Invariants: after the first Advertisement no more is asked for; the peer cannot have it learn
 * more often than once a second.
 */
#pragma once

#include "lib/nd/router.h"

struct nd_host {
	const struct nd_ops *ops;
	void *user;
	uint8_t source[ND_ADDRESS];
	uint64_t deadline; /* us; UINT64_MAX: none */
	uint64_t learnt_at;
	unsigned int tries; /* Solicitations still to be sent */
	bool running, learnt;
};

/* Begins: the first Solicitation is sent at once. `source` is this end's link-local address. */
void nd_host_start(struct nd_host *h, const uint8_t source[ND_ADDRESS], const struct nd_ops *ops,
	void *user, uint64_t now);
void nd_host_stop(struct nd_host *h);

/* An IPv6 packet of the peer's; a valid Advertisement goes to ops->learn. */
void nd_host_receive(struct nd_host *h, const uint8_t *packet, size_t len, uint64_t now);
void nd_host_tick(struct nd_host *h, uint64_t now);
uint64_t nd_host_deadline(const struct nd_host *h);
