/*
 * Callback phase of a PPP link, between authentication and network: the glue to CBCP. Most links
 * have none: LCP has not agreed on it.
 */
#include "lib/ppp/frame.h"
#include "lib/ppp/link_internal.h"

static void send(void *user, const uint8_t *packet, size_t len)
{
	struct ppp_link *l = user;

	l->ops->send(l->user, PPP_CBCP, packet, len);
}

static void done(void *user, bool ok, const char *words)
{
	struct ppp_link *l = user;

	if (!ok) {
		link_end(l, LINK_END, PPTP_LCP_FAILED, words);
		return;
	}
	link_log(l, PPP_LOG_INFO, "callback: none%s%s", words[0] ? ", " : "", words);
	l->pending |= LINK_NETWORK;
}

static const struct cbcp_ops ops = { .send = send, .done = done };

void link_callback_start(struct ppp_link *l)
{
	if (!lcp_callback(&l->lcp)) {
		l->pending |= LINK_NETWORK;
		return;
	}
	link_step(l, LINK_STEP_CALLBACK);
	if (l->role == PPP_SERVER)
		cbcp_start_answerer(&l->cbcp, &ops, l, l->now);
	else
		cbcp_start_caller(&l->cbcp, &ops, l, l->now);
}

void link_callback_stop(struct ppp_link *l)
{
	cbcp_done(&l->cbcp);
}

/* Before and after its phase, too: the last Ack may be asked for again. */
void link_callback_receive(struct ppp_link *l, const uint8_t *info, size_t len)
{
	if (lcp_callback(&l->lcp))
		cbcp_receive(&l->cbcp, info, len, l->now);
	else
		lcp_reject_protocol(&l->lcp, PPP_CBCP, info, len);
}

/* Early requests, from before this phase, say nothing: some peers send all in one breath. */
void link_callback_implied(struct ppp_link *l)
{
	if (l->phase == PPP_CALLBACK)
		cbcp_implied(&l->cbcp);
}

void link_callback_tick(struct ppp_link *l)
{
	if (l->phase == PPP_CALLBACK)
		cbcp_tick(&l->cbcp, l->now);
}
