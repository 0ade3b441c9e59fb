/*
 * The phases of a PPP link (RFC 1661 section 3: 3.2 the diagram, 3.3 Dead, 3.4 Establish) and its end (3.7).
 *
 *	DEAD -> ESTABLISH -> AUTHENTICATE -> [CALLBACK ->] NETWORK -> TERMINATE -> DEAD
 *
 * and back to ESTABLISH from each when LCP is negotiated anew: the table below has it all.
 *
 * Every phase but DEAD has a deadline until data passes: the automata's timers, CHAP's, and the
 * set-up time-out over all.
 */
#include "lib/ppp/frame.h"
#include "lib/ppp/link_internal.h"

#include <stdio.h>

#define SECOND          1000000u
#define SESSION_WARNING (60u * SECOND)

/* clang-format off */
/* By enum link_step: up, opened, callback, network, down, close, finish. */
static const enum ppp_phase phase_after[PPP_PHASE_COUNT][LINK_STEP_COUNT] = {
	[PPP_DEAD] = {
		PPP_ESTABLISH, PPP_DEAD, PPP_DEAD, PPP_DEAD,
		PPP_DEAD, PPP_DEAD, PPP_DEAD,
	},
	[PPP_ESTABLISH] = {
		PPP_ESTABLISH, PPP_AUTHENTICATE, PPP_ESTABLISH, PPP_ESTABLISH,
		PPP_ESTABLISH, PPP_TERMINATE, PPP_DEAD,
	},
	[PPP_AUTHENTICATE] = {
		PPP_AUTHENTICATE, PPP_AUTHENTICATE, PPP_CALLBACK, PPP_NETWORK,
		PPP_ESTABLISH, PPP_TERMINATE, PPP_DEAD,
	},
	[PPP_CALLBACK] = {
		PPP_CALLBACK, PPP_CALLBACK, PPP_CALLBACK, PPP_NETWORK,
		PPP_ESTABLISH, PPP_TERMINATE, PPP_DEAD,
	},
	[PPP_NETWORK] = {
		PPP_NETWORK, PPP_NETWORK, PPP_NETWORK, PPP_NETWORK,
		PPP_ESTABLISH, PPP_TERMINATE, PPP_DEAD,
	},
	[PPP_TERMINATE] = {
		PPP_TERMINATE, PPP_TERMINATE, PPP_TERMINATE, PPP_TERMINATE,
		PPP_TERMINATE, PPP_TERMINATE, PPP_DEAD,
	},
};
/* clang-format on */

void link_step(struct ppp_link *l, enum link_step step)
{
	enum ppp_phase before = l->phase;

	l->phase = phase_after[before][step];
	if (l->phase != before)
		link_log(l, PPP_LOG_DEBUG, "phase: %s, after %s", ppp_phase_name(l->phase),
			ppp_phase_name(before));
}

void link_end(
	struct ppp_link *l, enum link_pending how, enum pptp_reason reason, const char *detail)
{
	if (l->over || l->reason != PPTP_NONE)
		return;
	l->reason = reason;
	link_keep(&l->detail, detail, strnlen(detail, LINK_DETAIL - 1));
	l->pending |= how;
}

void link_finish(struct ppp_link *l)
{
	if (l->over)
		return;
	link_step(l, LINK_STEP_FINISH);
	link_update_data(l);
	l->over = true;
	link_auth_wipe(l);
	l->ops->finished(l->user, l->reason, l->detail ? l->detail : "");
}

static void end_orderly(struct ppp_link *l)
{
	enum automaton_state state = l->lcp.cp.automaton.state;

	/* Nobody there to say it to, or not yet anything to end. */
	if (!l->received || state < PPP_REQ_SENT) {
		link_finish(l);
		return;
	}
	link_step(l, LINK_STEP_CLOSE);
	l->setup_deadline = UINT64_MAX;
	link_update_data(l);
	link_log(l, PPP_LOG_INFO, "closing the link: %s", pptp_reason_text(l->reason));
	cp_close(&l->lcp.cp, pptp_reason_text(l->reason), l->now);
}

static void authenticate(struct ppp_link *l)
{
	const struct lcp_values *peer = &l->lcp.peer;
	uint16_t peer_mru = peer->mru < l->mru ? peer->mru : l->mru;

	if (l->setup_deadline == UINT64_MAX)
		l->setup_deadline = l->now + l->setup_timeout; /* LCP was negotiated again */
	l->lcp.cp.limit = peer_mru;
	l->ops->framing(l->user, peer->acfc, peer->pfc, peer_mru);
	link_step(l, LINK_STEP_OPENED);
	l->authenticated = false;
	if (l->role == PPP_SERVER || peer->auth != PPP_AUTH_NONE) {
		link_auth_start(l);
		return;
	}
	link_log(l, PPP_LOG_WARNING, "the server asks for no authentication, and proves nothing");
	l->pending |= LINK_AUTH_OK;
}

/*
 * LCP anew in the midst of a client's authentication: neither may it give the client fresh
 * attempts, nor may a verdict that is still to come count for another Response; and one handshake of
 * TLS is all that it may cost.
 */
static void authentication_evaded(struct ppp_link *l)
{
	if (!l->auth_running || l->role != PPP_SERVER || l->authenticated)
		return;
	if (link_auth_judging(l))
		link_end(l, LINK_END, PPTP_PPP_TERMINATED,
			"LCP was negotiated anew while a Response was being judged");
	else if (link_auth_failed_once(l))
		link_end(l, LINK_END, PPTP_AUTH_FAILED,
			"LCP was negotiated anew after a failed attempt");
	else if (l->eap && eap_handshake(l->eap))
		link_end(l, LINK_END, PPTP_AUTH_FAILED,
			"LCP was negotiated anew in the midst of TLS");
}

static void lcp_down(struct ppp_link *l)
{
	if (l->phase != PPP_TERMINATE)
		authentication_evaded(l);
	link_step(l, LINK_STEP_DOWN);
	link_network_stop(l);
	link_callback_stop(l);
	link_auth_stop(l);
	if (l->phase == PPP_TERMINATE)
		return;
	l->pending &= ~(unsigned int)(LINK_LCP_UP | LINK_AUTH_OK | LINK_NETWORK | LINK_CCP_OFF |
				      LINK_START_NCPS);
	if (l->setup_deadline == UINT64_MAX)
		l->setup_deadline = l->now + l->setup_timeout;
	/* RFC 1661 6: defaults until there is another agreement. */
	l->lcp.cp.limit = LCP_DEFAULT_MRU;
}

/* What the peer wrote into its Terminate-Request, in words. */
static void terminate_text(const struct cp *cp, char *out, size_t size)
{
	struct wire_reader r = wire_reader(cp->text, cp->text_len);

	/* Windows: its magic number, 00 3c cd 74, an error number. */
	wire_skip(&r, 4);
	if (cp->text_len == 12 && wire_u32(&r) == 0x003ccd74) {
		uint32_t error = wire_u32(&r);

		if (error)
			snprintf(out, size, "Windows error %u", error);
		else
			out[0] = '\0';
		return;
	}
	cp_escape(out, size, cp->text, cp->text_len);
}

/* The peer leaves before the network is up: is it for the encryption? */
static enum pptp_reason mppe_reason(const struct ppp_link *l, const char *text)
{
	const struct cp *ccp = &l->ccp.cp;

	/* The success was lost: nothing else could have come of it (link_ccp_prepare()). */
	if (l->phase == PPP_AUTHENTICATE && l->mppe.policy == PPP_MPPE_REQUIRE &&
		!ppp_auth_makes_keys(l->auth))
		return PPTP_AUTH_NO_METHOD;
	if (l->phase != PPP_NETWORK || cp_is_open(ccp))
		return PPTP_PPP_TERMINATED;
	if (l->mppe.policy == PPP_MPPE_REQUIRE)
		return ccp->refusals || ccp->refused ? PPTP_MPPE_REFUSED : PPTP_PPP_TERMINATED;
	/* pppd: "MPPE required but peer negotiation failed" */
	if (l->ccp_asked || ccp->refusals || ccp->refused || strstr(text, "MPPE required"))
		return PPTP_MPPE_REQUIRED_BY_PEER;
	return PPTP_PPP_TERMINATED;
}

/* The peer's Terminate-Request on LCP: it is acknowledged, and the link is over. */
static void lcp_terminated(struct ppp_link *l)
{
	static const char *const during[] = {
		[PPP_DEAD] = "",
		[PPP_ESTABLISH] = "during LCP negotiation",
		[PPP_AUTHENTICATE] = "during authentication",
		[PPP_CALLBACK] = "during callback",
		[PPP_NETWORK] = "before the network was up",
		[PPP_TERMINATE] = "",
	};
	char text[96], detail[160];
	const char *when = l->was_up ? "" : during[l->phase];
	enum pptp_reason reason = PPTP_PPP_TERMINATED;

	terminate_text(&l->lcp.cp, text, sizeof(text));
	link_log(l, PPP_LOG_INFO, "the peer terminates the link: %s", text);
	snprintf(detail, sizeof(detail), "%s%s%s", when, when[0] && text[0] ? ": " : "", text);
	if (l->phase == PPP_ESTABLISH && l->lcp.wish_len)
		reason = PPTP_AUTH_NO_METHOD;
	else if (l->reopen_deadline != UINT64_MAX && link_desynced(l))
		reason = PPTP_MPPE_DESYNC;
	else if (!l->was_up)
		reason = mppe_reason(l, text);
	link_step(l, LINK_STEP_CLOSE);
	link_end(l, LINK_END_NOW, reason, detail);
	l->pending |= LINK_END_NOW;
}

static void lcp_failed(struct ppp_link *l, const struct cp *cp)
{
	enum pptp_reason reason = cp->reason ? cp->reason : PPTP_LCP_FAILED;
	const char *name = reason == PPTP_AUTH_NO_METHOD ? lcp_auth_name(&l->lcp) : "";
	char detail[LINK_DETAIL];

	snprintf(detail, sizeof(detail), "%s%s%s", cp->words, name[0] ? "; it wants " : "", name);
	/* On a looped link a Terminate-Request would come back to us. */
	link_end(l, reason == PPTP_LCP_LOOPBACK ? LINK_END_NOW : LINK_END, reason, detail);
}

static void lcp_finished(struct ppp_link *l, const struct cp *cp)
{
	enum pptp_reason reason = PPTP_LCP_FAILED;

	if (cp->timed_out)
		reason = l->received ? PPTP_LCP_TIMEOUT : PPTP_GRE_SILENT;
	link_end(l, LINK_END_NOW, reason, cp->words); /* unless it is the end of an end */
	l->pending |= LINK_END_NOW;
}

static void lcp_event(struct ppp_link *l, struct cp *cp, enum cp_event event)
{
	switch (event) {
	case CP_UP:
		l->pending |= LINK_LCP_UP;
		break;
	case CP_DOWN:
		lcp_down(l);
		break;
	case CP_FINISHED:
		lcp_finished(l, cp);
		break;
	case CP_FAILED:
		lcp_failed(l, cp);
		break;
	case CP_TERMINATED:
		/* Before it has said anything else, it is an echo of an earlier call. */
		if (cp->answered)
			lcp_terminated(l);
		break;
	}
}

void link_event(void *user, struct cp *cp, enum cp_event event)
{
	struct ppp_link *l = user;

	if (l->over)
		return;
	if (cp == &l->lcp.cp)
		lcp_event(l, cp, event);
	else
		link_network_event(l, cp, event);
}

void link_settle(struct ppp_link *l)
{
	unsigned int pending;

	if (l->depth)
		return;
	while (l->pending && !l->over) {
		pending = l->pending;
		l->pending = 0;
		if (pending & LINK_END_NOW)
			link_finish(l);
		else if (pending & LINK_END)
			end_orderly(l);
		else if (pending & LINK_LCP_UP)
			authenticate(l);
		else if (pending & LINK_AUTH_OK)
			link_callback_start(l);
		else if (pending & LINK_NETWORK)
			link_network_start(l);
		else
			link_network_settle(l, pending);
	}
	if (!l->over)
		link_update_data(l);
}

static void setup_timed_out(struct ppp_link *l)
{
	l->setup_deadline = UINT64_MAX;
	switch (l->phase) {
	case PPP_ESTABLISH:
		link_end(l, LINK_END_NOW, l->received ? PPTP_LCP_TIMEOUT : PPTP_GRE_SILENT, "");
		break;
	case PPP_AUTHENTICATE:
		link_end(l, LINK_END, PPTP_AUTH_TIMEOUT, "");
		break;
	case PPP_CALLBACK:
		link_end(l, LINK_END, PPTP_LCP_TIMEOUT, "callback was not finished");
		break;
	case PPP_NETWORK:
		link_end(l, LINK_END, link_network_timeout(l), "");
		break;
	case PPP_DEAD:
	case PPP_TERMINATE:
	case PPP_PHASE_COUNT:
		break;
	}
}

static void tell_remaining(struct ppp_link *l)
{
	lcp_time_remaining(
		&l->lcp, (uint32_t)((l->session_end - l->now) / SECOND), "session limit");
}

void link_session_begins(struct ppp_link *l)
{
	if (!l->session_time || l->session_end != UINT64_MAX)
		return;
	l->session_end = l->now + l->session_time;
	if (l->session_time > SESSION_WARNING)
		l->session_warn = l->session_end - SESSION_WARNING;
	tell_remaining(l);
}

uint64_t link_session_deadline(const struct ppp_link *l)
{
	if (l->phase == PPP_TERMINATE)
		return UINT64_MAX;
	return l->session_warn < l->session_end ? l->session_warn : l->session_end;
}

static void tick_session(struct ppp_link *l)
{
	if (l->now >= l->session_end && l->phase != PPP_TERMINATE) {
		link_end(l, LINK_END, PPTP_SESSION_TIMEOUT, "");
	} else if (l->now >= l->session_warn) {
		l->session_warn = UINT64_MAX;
		tell_remaining(l);
	}
}

void link_tick_phase(struct ppp_link *l)
{
	if (!lcp_tick(&l->lcp, l->now))
		link_end(l, LINK_END_NOW, PPTP_LCP_ECHO_TIMEOUT, "");
	if (l->auth_running)
		link_auth_tick(l);
	if (l->phase == PPP_NETWORK && l->now >= l->proof_deadline)
		link_auth_again(l);
	link_callback_tick(l);
	tick_session(l);
	if (l->now >= l->setup_deadline)
		setup_timed_out(l);
}
