/*
 * Inner packets and what a session can carry (dp_session_largest()): TCP is told beforehand (MSS),
 * what is too large all the same is fragmented, or its sender told.
 */
#pragma once

#include "dataplane/worker.h"

/* What goes to this session as it is, now; never more than a slot has room for. */
static inline uint16_t fit_largest(const struct worker *w, const struct dp_session *s)
{
	uint16_t largest = largest_inner(w->config.fragment_outer ? 0 : s->path_mtu, s->peer_mru,
		s->tunnel.tx != NULL || tunnel_pack_grows(&s->tunnel));

	return largest < PACKET_ROOM ? largest : PACKET_ROOM;
}

/* Clamps the MSS of an inner packet of this session, from or to it, if that is configured. */
void fit_segments(struct worker *w, const struct dp_session *s, uint8_t *data, size_t len);

/* A packet for this session that is larger than fit_largest(): in fragments, or dropped, counted,
 * and its sender told. */
void fit_too_big(struct worker *w, struct dp_session *s, const uint8_t *packet, size_t len);
