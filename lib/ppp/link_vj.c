/*
 * Van Jacobson compression in a link's life (RFC 1332 section 4): when each direction's slots begin.
 *
 * Invariant: reception is on before our IPCP says anything, for the peer may send compressed as soon
 * as it has our Configure-Ack, which is before we know; sending is on while IPCP is open.
 */
#include "lib/ppp/link_internal.h"

static void set_vj(struct ppp_link *l, bool sending, uint8_t slots)
{
	struct vj_params params = {
		.slots = slots,
		.limit = l->lcp.mru ? l->lcp.mru : l->mru,
	};

	l->ops->vj(l->user, sending, slots ? &params : NULL);
}

void link_vj_begin(struct ppp_link *l)
{
	if (!l->vj)
		return;
	set_vj(l, true, 0);
	set_vj(l, false, VJ_SLOTS_MAX);
}

void link_vj_open(struct ppp_link *l)
{
	if (!l->vj)
		return;
	set_vj(l, true, l->ipcp.vj_tx);
	if (!l->ipcp.vj_rx)
		set_vj(l, false, 0);
}
