/*
 * Network phase of a PPP link (RFC 1661 3.6): IPCP, IPV6CP, and when data may pass.
 *
 * The network protocols are independent of each other: what becomes of IPV6CP is no matter to IPCP
 * and the link, unless the link may live with IPv6 alone and has no IPv4 (any more).
 *
 * IPCP and IPV6CP are held while CCP is undecided: for ever if encryption is required, for some seconds if it
 * is preferred. What comes for a protocol that is not running yet is kept, the last
 * Configure-Request of each, not answered by Terminate-Ack (MikroTik gives up then) and not dropped
 * (the peer's timer would cost three seconds).
 *
 * Data passes while IPCP is open and CCP is, if it is needed (link_ccp.c).
 */
#include "lib/ppp/frame.h"
#include "lib/ppp/link_internal.h"

#include <stdlib.h>

bool link_wants_ipv6(const struct ppp_link *l)
{
	return l->ipv6cp && !l->ipv6cp->cp.failed;
}

static void update_ipv4(struct ppp_link *l, bool open)
{
	if (open == l->ipv4_up)
		return;
	l->ipv4_up = open;
	if (!open) {
		l->ops->down(l->user);
		return;
	}
	l->was_up = true;
	l->setup_deadline = UINT64_MAX;
	link_session_begins(l);
	link_auth_settled(l);
	ipcp_network(&l->ipcp, &l->net);
	l->ops->up(l->user, &l->net);
}

static void update_ipv6(struct ppp_link *l, bool open)
{
	if (open == l->ipv6_up)
		return;
	l->ipv6_up = open;
	if (!open) {
		l->ops->down6(l->user);
		return;
	}
	if (l->ipcp_off) {
		l->was_up = true;
		l->setup_deadline = UINT64_MAX;
		link_session_begins(l);
		link_auth_settled(l);
	}
	ipv6cp_network(l->ipv6cp, &l->net);
	l->ops->up6(l->user, &l->net);
}

/* IPv4 first: what is said about a link is said when that is there, or will not come. */
void link_update_data(struct ppp_link *l)
{
	bool may = !l->over && l->phase == PPP_NETWORK && link_ccp_fits(l);
	bool ipv4 = may && cp_is_open(&l->ipcp.cp);
	bool ipv6 = may && l->ipv6cp && cp_is_open(&l->ipv6cp->cp) && (ipv4 || l->ipcp_off);

	if (!ipv6)
		update_ipv6(l, false);
	update_ipv4(l, ipv4);
	if (ipv6)
		update_ipv6(l, true);
}

static bool may_have(void *user, const uint8_t identifier[IPV6CP_IDENTIFIER])
{
	struct ppp_link *l = user;

	return l->ops->may_have(l->user, identifier);
}

void link_hold(struct ppp_link *l, struct link_held *held, const uint8_t *info, size_t len)
{
	struct cp_packet packet;

	if (cp_packet_decode(&packet, info, len) || packet.code != CP_CONFIGURE_REQUEST)
		return;
	len = packet.len + CP_HEADER;
	if (len > LINK_HELD_MAX) {
		link_log(l, PPP_LOG_DEBUG, "an early Configure-Request of %zu octets is not kept",
			len);
		return;
	}
	link_forget(held);
	held->data = malloc(len);
	if (!held->data)
		return; /* it will come again */
	held->len = (uint8_t)len;
	memcpy(held->data, info, len);
}

void link_forget(struct link_held *held)
{
	free(held->data);
	*held = (struct link_held){ 0 };
}

void link_release(struct cp *cp, struct link_held *held, uint64_t now)
{
	struct link_held taken = *held;

	*held = (struct link_held){ 0 };
	if (taken.len)
		cp_receive(cp, taken.data, taken.len, now);
	link_forget(&taken);
}

static bool is_running(const struct cp *cp)
{
	return cp_is_started(cp) || cp->failed;
}

static void start_ncps(struct ppp_link *l)
{
	l->hold_deadline = UINT64_MAX;
	if (!is_running(&l->ipcp.cp)) {
		link_vj_begin(l);
		ipcp_start(&l->ipcp, l->now);
		link_release(&l->ipcp.cp, &l->held_ipcp, l->now);
	}
	if (l->ipv6cp && !is_running(&l->ipv6cp->cp)) {
		ipv6cp_start(l->ipv6cp, l->now);
		link_release(&l->ipv6cp->cp, &l->held_ipv6cp, l->now);
	}
}

static void init_ipv6cp(struct ppp_link *l)
{
	struct ipv6cp_config ipv6cp = { .may_have = l->ops->may_have ? may_have : NULL };
	uint8_t had[IPV6CP_IDENTIFIER];

	/* Of an earlier network phase: the device has it as its address. */
	memcpy(had, l->ipv6cp->mine, sizeof(had));
	memcpy(ipv6cp.identifier, l->identifier, sizeof(ipv6cp.identifier));
	ipv6cp_init(l->ipv6cp, &ipv6cp, &link_host, l);
	memcpy(l->ipv6cp->mine, had, sizeof(had));
	l->ipv6cp->cp.automaton.restart_interval = l->restart_interval;
	l->ipv6cp->cp.limit = l->lcp.cp.limit;
}

/* Before any packet of theirs, so that they know the link's terms. */
static void init_ncps(struct ppp_link *l)
{
	struct ipcp_config ipcp = { .role = l->role, .want_dns = l->want_dns, .vj = l->vj };

	if (l->role == PPP_SERVER)
		ipcp.net = l->net;
	ipcp_init(&l->ipcp, &ipcp, &link_host, l);
	l->ipcp.cp.automaton.restart_interval = l->restart_interval;
	l->ipcp.cp.limit = l->lcp.cp.limit;
	l->ipcp_off = false;
	if (l->ipv6cp)
		init_ipv6cp(l);
}

void link_network_start(struct ppp_link *l)
{
	if (l->role == PPP_SERVER && !l->net.remote) {
		link_end(l, LINK_END, PPTP_NO_ADDRESS, "");
		return;
	}
	if (!link_ccp_prepare(l))
		return;
	link_step(l, LINK_STEP_NETWORK);
	if (l->identification && l->identification[0])
		lcp_identify(&l->lcp, l->identification);
	init_ncps(l);
	link_ccp_start(l);
}

/* LCP is down: so is everything above. */
void link_network_stop(struct ppp_link *l)
{
	link_update_data(l);
	cp_down(&l->ipcp.cp, l->now);
	if (l->ipv6cp)
		cp_down(&l->ipv6cp->cp, l->now);
	link_ccp_stop(l);
	l->hold_deadline = UINT64_MAX;
	link_forget(&l->held_ipcp);
	link_forget(&l->held_ipv6cp);
}

/* IPv4 came to nothing, or is no more: the end, unless IPv6 is there or may come. */
static void ipcp_gone(struct ppp_link *l, enum pptp_reason reason, const char *words)
{
	const struct cp *ipv6 = l->ipv6 == PPP_IPV6_ALONE && l->ipv6cp ? &l->ipv6cp->cp : NULL;

	if (!ipv6 || l->phase != PPP_NETWORK || !cp_is_started(ipv6) ||
		ipv6->automaton.state == PPP_STOPPED) {
		link_end(l, LINK_END, reason, words);
		return;
	}
	if (!l->ipcp_off)
		link_log(l, PPP_LOG_WARNING, "no IPv4: %s",
			words[0] ? words : pptp_reason_text(reason));
	l->ipcp_off = true;
}

static void ipv6cp_gone(struct ppp_link *l, const char *words)
{
	if (l->phase != PPP_NETWORK)
		return;
	link_log(l, PPP_LOG_INFO, "no IPv6: %s", words);
	if (l->ipcp_off)
		link_end(l, LINK_END, PPTP_NO_NETWORK, words);
}

static void ipv6cp_event(struct ppp_link *l, enum cp_event event)
{
	struct cp *cp = &l->ipv6cp->cp;

	switch (event) {
	case CP_UP:
		break; /* link_settle() looks */
	case CP_DOWN:
		link_update_data(l);
		if (l->phase == PPP_NETWORK && l->ipcp_off)
			l->setup_deadline = l->now + l->setup_timeout;
		break;
	case CP_FINISHED:
		ipv6cp_gone(l, cp->timed_out  ? "the peer does not answer IPV6CP"
			       : cp->words[0] ? cp->words
					      : "the peer closed or rejected IPV6CP");
		break;
	case CP_FAILED:
		link_update_data(l);
		ipv6cp_gone(l, cp->words);
		break;
	case CP_TERMINATED:
		link_log(l, PPP_LOG_INFO, "IPV6CP: the peer terminates it");
		break;
	}
}

static void ipcp_event(struct ppp_link *l, enum cp_event event)
{
	struct cp *cp = &l->ipcp.cp;

	switch (event) {
	case CP_UP:
		link_vj_open(l);
		break; /* link_settle() looks */
	case CP_DOWN:
		link_update_data(l);
		link_vj_begin(l);
		/* It negotiates again, or ends: by the automaton's counters, and in time. */
		if (l->phase == PPP_NETWORK)
			l->setup_deadline = l->now + l->setup_timeout;
		break;
	case CP_FINISHED:
		if (cp->timed_out && !l->was_up)
			ipcp_gone(l, PPTP_IPCP_TIMEOUT, "");
		else if (l->was_up)
			ipcp_gone(l, PPTP_PPP_TERMINATED, "the peer closed IPCP");
		else
			ipcp_gone(l, PPTP_NO_NETWORK,
				cp->words[0] ? cp->words : "the peer rejects IPCP");
		break;
	case CP_FAILED:
		link_update_data(l);
		ipcp_gone(l, PPTP_NO_NETWORK, cp->words);
		break;
	case CP_TERMINATED:
		link_log(l, PPP_LOG_INFO, "IPCP: the peer terminates it");
		if (!l->was_up)
			ipcp_gone(l, PPTP_NO_NETWORK, "the peer terminated IPCP");
		break;
	}
}

void link_network_event(struct ppp_link *l, struct cp *cp, enum cp_event event)
{
	if (cp == &l->ccp.cp)
		link_ccp_event(l, event);
	else if (l->ipv6cp && cp == &l->ipv6cp->cp)
		ipv6cp_event(l, event);
	else
		ipcp_event(l, event);
}

void link_network_settle(struct ppp_link *l, unsigned int pending)
{
	if (l->phase != PPP_NETWORK)
		return;
	if (pending & LINK_CCP_OFF)
		link_ccp_off(l);
	if (pending & (LINK_CCP_OFF | LINK_START_NCPS))
		start_ncps(l);
}

void link_receive_ncp(struct ppp_link *l, uint16_t protocol, const uint8_t *info, size_t len)
{
	bool ipv6 = protocol == PPP_IPV6CP;
	struct cp *cp = ipv6 && l->ipv6cp ? &l->ipv6cp->cp : &l->ipcp.cp;

	if (ipv6 && !l->ipv6cp)
		return;
	if (l->phase == PPP_NETWORK && is_running(cp))
		cp_receive(cp, info, len, l->now);
	else if (l->phase == PPP_AUTHENTICATE || l->phase == PPP_CALLBACK ||
		 l->phase == PPP_NETWORK)
		link_hold(l, ipv6 ? &l->held_ipv6cp : &l->held_ipcp, info, len);
}

static void reject_ipcp(struct ppp_link *l)
{
	cp_protocol_rejected(&l->ipcp.cp, l->now);
	link_update_data(l);
	ipcp_gone(l, PPTP_NO_NETWORK, "the peer rejects IPCP");
}

void link_network_rejected(struct ppp_link *l, uint16_t protocol)
{
	if (l->phase != PPP_NETWORK)
		return;
	if (protocol == PPP_CCP)
		link_ccp_rejected(l);
	else if (protocol == PPP_IPCP && cp_is_started(&l->ipcp.cp))
		reject_ipcp(l);
	else if (protocol == PPP_IPV6CP && l->ipv6cp && cp_is_started(&l->ipv6cp->cp))
		cp_protocol_rejected(&l->ipv6cp->cp, l->now);
	else if (protocol == PPP_IP)
		link_end(l, LINK_END, PPTP_NO_NETWORK, "the peer rejects IP");
	else if (ppp_is_data(protocol) && link_is_up(l))
		link_ccp_foreign(l);
}

enum pptp_reason link_network_timeout(const struct ppp_link *l)
{
	if (l->ccp_needed && !cp_is_open(&l->ccp.cp))
		return link_desynced(l) ? PPTP_MPPE_DESYNC : PPTP_CCP_TIMEOUT;
	return PPTP_IPCP_TIMEOUT;
}

void link_tick_network(struct ppp_link *l)
{
	if (l->phase != PPP_NETWORK)
		return;
	link_tick_ccp(l);
	cp_tick(&l->ipcp.cp, l->now);
	if (l->ipv6cp)
		cp_tick(&l->ipv6cp->cp, l->now);
	if (l->now >= l->hold_deadline) {
		l->hold_deadline = UINT64_MAX;
		l->pending |= LINK_START_NCPS;
	}
}
