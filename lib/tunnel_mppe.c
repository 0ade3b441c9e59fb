/*
 * MPPE in a call's packet path under loss: RFC 3078 section 8. What GRE's numbers tell it, the keys of
 * packets that may come late, and the walk over a long loss. See tunnel.h.
 *
 * Invariants: what comes late is an IP packet in clear or of stateless MPPE, without compression, which depends
 * on no order (RFC 2637 4.3 drops what is late because PPP in general does); keys of late packets are
 * kept for TUNNEL_LATE_TIME after the last loss, and only then takes a session memory for them; a walk
 * has a deadline each millisecond until it is done.
 */
#include "lib/ppp/frame.h"
#include "lib/tunnel_internal.h"

#include <stdlib.h>

/* Does a packet without the others before it make sense? */
static bool takes_late(const struct tunnel *t)
{
	return !t->raw && !t->unpack && (t->rx ? t->rx->params.stateless : !t->require_mppe);
}

/* TCP/IP headers that are compressed do not, and are lost with those before them. */
void tunnel_order_changed(struct tunnel *t)
{
	t->receiver.pass_late = takes_late(t);
	t->receiver.is_patient = !t->receiver.pass_late || t->vj_rx;
}

void tunnel_late_off(struct tunnel *t)
{
	t->mppe_rx.late_keys = NULL;
	if (!t->late_keys)
		return;
	mppe_late_done(t->late_keys);
	free(t->late_keys);
	t->late_keys = NULL;
}

void tunnel_mppe_changed(struct tunnel *t)
{
	tunnel_late_off(t);
	tunnel_order_changed(t);
	if (t->rx && t->receiver.started)
		mppe_numbered(t->rx, t->receiver.next);
}

/* Numbers are missing: their keys, which are passed now, may be wanted for a while. */
static void expect_late(struct tunnel *t)
{
	if (!t->rx || !takes_late(t))
		return;
	if (!t->late_keys)
		t->late_keys = calloc(1, sizeof(*t->late_keys));
	t->rx->late_keys = t->late_keys;
	t->late_until = t->now + TUNNEL_LATE_TIME;
}

void tunnel_mppe_number(struct tunnel *t, const struct packet *p)
{
	if (p->flags & PACKET_LATE)
		return;
	if (p->number != t->next_number)
		expect_late(t);
	t->next_number = p->number + 1;
	if (t->rx)
		mppe_numbered(t->rx, p->number);
}

void tunnel_mppe_behind(struct tunnel *t)
{
	if (!t->walk_at && mppe_is_behind(t->rx))
		t->walk_at = t->now + TUNNEL_WALK_INTERVAL;
}

bool tunnel_decrypt_late(struct tunnel *t, struct packet *p, struct rc4_batch *batch)
{
	if (!t->rx && takes_late(t) && ppp_is_data(p->protocol))
		return true;
	if (t->rx && p->protocol == PPP_COMP && takes_late(t) &&
		mppe_open_late(t->rx, p->data, p->len, batch) == MPPE_OK)
		return true;
	tunnel_drop(t, p, TUNNEL_DROP_LATE);
	return false;
}

bool tunnel_finish_late(struct tunnel *t, struct packet *p)
{
	if (p->protocol == PPP_IP || p->protocol == PPP_IPV6) {
		TUNNEL_COUNT(t, rx_late);
		return true;
	}
	tunnel_drop(t, p, TUNNEL_DROP_LATE);
	return false;
}

void tunnel_mppe_tick(struct tunnel *t, uint64_t now)
{
	if (t->late_keys && now >= t->late_until)
		tunnel_late_off(t);
	if (!t->walk_at || now < t->walk_at)
		return;
	t->walk_at = 0;
	if (!t->rx)
		return;
	mppe_catch_up(t->rx, TUNNEL_WALK_STEP);
	if (mppe_is_behind(t->rx))
		t->walk_at = now + TUNNEL_WALK_INTERVAL;
}

uint64_t tunnel_mppe_deadline(const struct tunnel *t)
{
	uint64_t deadline = t->late_keys ? t->late_until : UINT64_MAX;

	return t->walk_at && t->walk_at < deadline ? t->walk_at : deadline;
}
