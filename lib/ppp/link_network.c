/*
 * Network phase of a PPP link (RFC 1661 3.6): CCP, IPCP, IPV6CP, and when data may pass. CCP is for
 * MPPE, with or without MPPC; or, where there is no encryption, for compression, which is never
 * needed.
 *
 * The network protocols are independent of each other: what becomes of IPV6CP is no matter to IPCP
 * and the link, unless the link may live with IPv6 alone and has no IPv4 (any more).
 *
 * IPCP and IPV6CP are held while CCP is undecided: for ever if encryption is required, for some seconds if it
 * is preferred. What comes for a protocol that is not running yet is kept, the last
 * Configure-Request of each, not answered by Terminate-Ack (MikroTik gives up then) and not dropped
 * (the peer's timer would cost three seconds).
 *
 * Data passes while IPCP is open and CCP is, if it is needed. Once encryption was on, data waits
 * for it while CCP negotiates again, and never goes on in clear: one forged Terminate-Request of
 * CCP would otherwise lay a session open whose ends only prefer encryption.
 */
#include "lib/mppe/keys.h"
#include "lib/ppp/frame.h"
#include "lib/ppp/link_internal.h"

#define HOLD_TIMEOUT   4000000u  /* us; more than a restart interval */
#define REOPEN_TIMEOUT 10000000u /* us, three restart intervals */
#define MAX_DESYNCS    3
#define DESYNC_CALM    60000000u /* us without a desync, and they are counted anew */
#define MAX_FOREIGN    3

static bool required(const struct ppp_link *l)
{
	return l->mppe.policy == PPP_MPPE_REQUIRE || l->was_encrypted;
}

/*
 * Where encryption is only preferred, data does not wait for a peer that is silent about CCP; but
 * once our receiver takes nothing in clear any more, it does.
 */
static bool encryption_fits(const struct ppp_link *l)
{
	if (cp_is_open(&l->ccp.cp) && l->ccp.tx_on && l->ccp.rx_on)
		return true;
	return !l->ccp_needed && !l->ccp.tx_on && !l->ccp.rx_on;
}

bool link_wants_ipv6(const struct ppp_link *l)
{
	return l->ipv6 != PPP_IPV6_OFF && !l->ipv6cp.cp.failed;
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
	}
	ipv6cp_network(&l->ipv6cp, &l->net);
	l->ops->up6(l->user, &l->net);
}

/* IPv4 first: what is said about a link is said when that is there, or will not come. */
void link_update_data(struct ppp_link *l)
{
	bool may = !l->over && l->phase == PPP_NETWORK && encryption_fits(l);
	bool ipv4 = may && cp_is_open(&l->ipcp.cp);
	bool ipv6 = may && cp_is_open(&l->ipv6cp.cp) && (ipv4 || l->ipcp_off);

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

/* RFC 3079 3.4: the key's direction is named from the server's side. */
static void set_key(struct ppp_link *l, bool sending, const struct mppe_params *params)
{
	void (*set)(void *, const struct mppe_params *, const uint8_t[16]) =
		sending ? l->ops->mppe_tx : l->ops->mppe_rx;
	uint8_t start[16] = { 0 };

	if (params)
		mppe_material_start(
			&l->keys, params->bits, (l->role == PPP_SERVER) == sending, start);
	set(l->user, params, start);
	explicit_bzero(start, sizeof(start));
}

static void set_rx(void *user, const struct mppe_params *params)
{
	set_key(user, false, params);
}

static void set_tx(void *user, const struct mppe_params *params)
{
	set_key(user, true, params);
}

static void reset(void *user)
{
	struct ppp_link *l = user;

	l->ops->mppe_reset(l->user);
}

static void set_pack(void *user, const struct codec_params *params)
{
	struct ppp_link *l = user;

	l->ops->pack(l->user, params);
}

static void set_unpack(void *user, const struct codec_params *params)
{
	struct ppp_link *l = user;

	l->ops->unpack(l->user, params);
}

static const struct ccp_ops ccp_ops = {
	.rx = set_rx,
	.tx = set_tx,
	.reset = reset,
	.pack = set_pack,
	.unpack = set_unpack,
};

static bool may_encrypt(const struct ppp_link *l)
{
	return l->mppe.policy != PPP_MPPE_OFF && l->have_key;
}

static void hold(struct ppp_link *l, struct link_held *held, const uint8_t *info, size_t len)
{
	struct cp_packet packet;

	if (cp_packet_decode(&packet, info, len) || packet.code != CP_CONFIGURE_REQUEST)
		return;
	len = packet.len + CP_HEADER;
	if (len > sizeof(held->data)) {
		link_log(l, PPP_LOG_DEBUG, "an early Configure-Request of %zu octets is not kept",
			len);
		return;
	}
	held->len = (uint8_t)len;
	memcpy(held->data, info, len);
}

static void release(struct cp *cp, struct link_held *held, uint64_t now)
{
	uint8_t len = held->len;

	held->len = 0;
	if (len)
		cp_receive(cp, held->data, len, now);
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
		release(&l->ipcp.cp, &l->held_ipcp, l->now);
	}
	if (l->ipv6 != PPP_IPV6_OFF && !is_running(&l->ipv6cp.cp)) {
		ipv6cp_start(&l->ipv6cp, l->now);
		release(&l->ipv6cp.cp, &l->held_ipv6cp, l->now);
	}
}

static void refuse_ccp(struct ppp_link *l, const uint8_t *info, size_t len)
{
	l->ccp_asked = true;
	if (!ccp_refuse(&l->ccp, info, len))
		lcp_reject_protocol(&l->lcp, PPP_CCP, info, len);
}

static void start_ccp(struct ppp_link *l)
{
	if (!may_encrypt(l) && !l->compress.count) {
		l->ccp_off = true;
		if (l->held_ccp.len)
			refuse_ccp(l, l->held_ccp.data, l->held_ccp.len);
		l->held_ccp.len = 0;
		l->pending |= LINK_START_NCPS;
		return;
	}
	l->ccp_needed = required(l);
	l->hold_deadline = required(l) ? UINT64_MAX : l->now + HOLD_TIMEOUT;
	ccp_start(&l->ccp, l->now);
	release(&l->ccp.cp, &l->held_ccp, l->now);
}

/* MS-CHAP without the LM hash has no keys of 40 and 56 bits. */
static struct ppp_mppe_config possible(const struct ppp_link *l)
{
	static const struct {
		unsigned int strength;
		enum mppe_bits bits;
	} all[] = { { PPP_MPPE_40, MPPE_40 }, { PPP_MPPE_56, MPPE_56 },
		{ PPP_MPPE_128, MPPE_128 } };
	struct ppp_mppe_config config = l->mppe;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (!mppe_material_has(&l->keys, all[i].bits))
			config.strengths &= ~all[i].strength;
	}
	return config;
}

/* Before any packet of theirs, so that they know the link's terms. */
static void init_ncps(struct ppp_link *l)
{
	struct ipcp_config ipcp = { .role = l->role, .want_dns = l->want_dns, .vj = l->vj };
	struct ipv6cp_config ipv6cp = { .may_have = l->ops->may_have ? may_have : NULL };
	uint8_t had[IPV6CP_IDENTIFIER];

	if (l->role == PPP_SERVER)
		ipcp.net = l->net;
	ipcp_init(&l->ipcp, &ipcp, &link_host, l);
	/* Of an earlier network phase: the device has it as its address. */
	memcpy(had, l->ipv6cp.mine, sizeof(had));
	memcpy(ipv6cp.identifier, l->identifier, sizeof(ipv6cp.identifier));
	ipv6cp_init(&l->ipv6cp, &ipv6cp, &link_host, l);
	memcpy(l->ipv6cp.mine, had, sizeof(had));
	l->ipcp.cp.automaton.restart_interval = l->ipv6cp.cp.automaton.restart_interval =
		l->restart_interval;
	l->ipcp.cp.limit = l->ipv6cp.cp.limit = l->lcp.cp.limit;
	l->ipcp_off = false;
}

void link_network_start(struct ppp_link *l)
{
	struct ppp_mppe_config mppe = possible(l);

	if (l->role == PPP_SERVER && !l->net.remote) {
		link_end(l, LINK_END, PPTP_NO_ADDRESS, "");
		return;
	}
	if (!mppe.strengths)
		l->have_key = false;
	if (required(l) && !l->have_key) {
		link_end(l, LINK_END, PPTP_AUTH_NO_METHOD,
			l->keys.source != MPPE_NO_KEYS
				? "there are keys of 128 bits only, and the encryption that is "
				  "required here allows less only"
			: l->authenticated
				? "the authentication makes no keys for the encryption that is "
				  "required"
				: "without authentication there are no keys for the encryption "
				  "that is required");
		return;
	}
	l->phase = PPP_NETWORK;
	l->ccp_off = l->ccp_asked = l->ccp_needed = false;
	if (!may_encrypt(l))
		mppe.policy = PPP_MPPE_OFF;
	ccp_init(&l->ccp, &mppe, &ccp_ops, &link_host, l);
	ccp_allow(&l->ccp, &l->compress, l->lcp.mru ? l->lcp.mru : l->mru);
	init_ncps(l);
	l->ccp.cp.automaton.restart_interval = l->restart_interval;
	l->ccp.cp.limit = l->lcp.cp.limit;
	start_ccp(l);
}

/* LCP is down: so is everything above. */
void link_network_stop(struct ppp_link *l)
{
	if (l->phase == PPP_NETWORK)
		l->phase = PPP_ESTABLISH;
	link_update_data(l);
	cp_down(&l->ipcp.cp, l->now);
	if (l->ipv6 != PPP_IPV6_OFF)
		cp_down(&l->ipv6cp.cp, l->now);
	cp_down(&l->ccp.cp, l->now);
	ccp_down(&l->ccp);
	l->hold_deadline = l->reopen_deadline = UINT64_MAX;
	l->held_ccp.len = l->held_ipcp.len = l->held_ipv6cp.len = 0;
}

bool link_desynced(const struct ppp_link *l)
{
	return l->desyncs && l->now - l->last_desync <= DESYNC_CALM;
}

/* CCP came to nothing. */
static void ccp_gone(struct ppp_link *l, enum pptp_reason reason, const char *words)
{
	if (l->phase != PPP_NETWORK || l->ccp_off)
		return;
	if (required(l)) {
		/* Where it is only preferred, it has worked before. */
		if (link_desynced(l) || l->mppe.policy != PPP_MPPE_REQUIRE)
			reason = PPTP_MPPE_DESYNC;
		link_end(l, LINK_END, reason, words);
		return;
	}
	link_log(l, PPP_LOG_INFO, "no %s: %s",
		l->ccp.encrypt || !l->compress.count ? "encryption" : "compression", words);
	l->pending |= LINK_CCP_OFF;
}

static const char *codec_word(enum codec_kind kind)
{
	return kind == CODEC_NONE ? "none" : codec_name(kind);
}

static void log_ccp(struct ppp_link *l)
{
	const struct ccp *ccp = &l->ccp;

	if (ccp->encrypt)
		link_log(l, PPP_LOG_INFO, "encryption: MPPE %d bits, %s", (int)ccp->tx.bits,
			ccp->tx.stateless ? "stateless" : "stateful");
	if (ccp->pack.kind != CODEC_NONE || ccp->unpack.kind != CODEC_NONE)
		link_log(l, PPP_LOG_INFO, "compression: %s sent, %s received",
			codec_word(ccp->pack.kind), codec_word(ccp->unpack.kind));
}

static void ccp_event(struct ppp_link *l, enum cp_event event)
{
	struct cp *cp = &l->ccp.cp;
	char text[96];

	switch (event) {
	case CP_UP:
		ccp_up(&l->ccp);
		if (l->ccp.encrypt)
			l->ccp_needed = l->was_encrypted = true;
		l->reopen_deadline = UINT64_MAX;
		l->foreign = 0;
		l->pending |= LINK_START_NCPS;
		log_ccp(l);
		break;
	case CP_DOWN:
		link_update_data(l); /* data stops before the keys go */
		ccp_down(&l->ccp);
		l->reopen_deadline = l->now + REOPEN_TIMEOUT;
		break;
	case CP_FINISHED:
		if (cp->timed_out && !cp->answered)
			ccp_gone(l, PPTP_CCP_TIMEOUT, "the peer does not answer CCP");
		else if (cp->timed_out)
			ccp_gone(l, PPTP_CCP_TIMEOUT, "CCP was not finished in time");
		else
			ccp_gone(l, PPTP_MPPE_REFUSED,
				cp->words[0] ? cp->words : "the peer rejects CCP");
		break;
	case CP_FAILED:
		link_update_data(l);
		ccp_down(&l->ccp);
		ccp_gone(l, PPTP_MPPE_REFUSED, cp->words);
		break;
	case CP_TERMINATED:
		cp_escape(text, sizeof(text), cp->text, cp->text_len);
		link_log(l, PPP_LOG_INFO, "CCP: the peer terminates it: %s", text);
		ccp_gone(l, PPTP_MPPE_REFUSED, "the peer terminated CCP");
		break;
	}
}

/* IPv4 came to nothing, or is no more: the end, unless IPv6 is there or may come. */
static void ipcp_gone(struct ppp_link *l, enum pptp_reason reason, const char *words)
{
	if (l->ipv6 != PPP_IPV6_ALONE || l->phase != PPP_NETWORK || !cp_is_started(&l->ipv6cp.cp) ||
		l->ipv6cp.cp.automaton.state == PPP_STOPPED) {
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
	struct cp *cp = &l->ipv6cp.cp;

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
		ccp_event(l, event);
	else if (cp == &l->ipv6cp.cp)
		ipv6cp_event(l, event);
	else
		ipcp_event(l, event);
}

static void ccp_off(struct ppp_link *l)
{
	cp_down(&l->ccp.cp, l->now);
	ccp_down(&l->ccp);
	l->ccp_off = true;
	l->ccp_needed = false;
	l->reopen_deadline = UINT64_MAX;
	start_ncps(l);
}

void link_network_settle(struct ppp_link *l, unsigned int pending)
{
	if (l->phase != PPP_NETWORK)
		return;
	if (pending & LINK_CCP_OFF)
		ccp_off(l);
	if (pending & LINK_START_NCPS)
		start_ncps(l);
}

void link_receive_ccp(struct ppp_link *l, const uint8_t *info, size_t len)
{
	if (l->phase == PPP_AUTHENTICATE)
		hold(l, &l->held_ccp, info, len);
	else if (l->phase == PPP_NETWORK && l->ccp_off)
		refuse_ccp(l, info, len);
	else if (l->phase == PPP_NETWORK)
		cp_receive(&l->ccp.cp, info, len, l->now);
}

void link_receive_ncp(struct ppp_link *l, uint16_t protocol, const uint8_t *info, size_t len)
{
	bool ipv6 = protocol == PPP_IPV6CP;
	struct cp *cp = ipv6 ? &l->ipv6cp.cp : &l->ipcp.cp;

	if (l->phase != PPP_AUTHENTICATE && l->phase != PPP_NETWORK)
		return;
	if (l->phase == PPP_NETWORK && is_running(cp))
		cp_receive(cp, info, len, l->now);
	else
		hold(l, ipv6 ? &l->held_ipv6cp : &l->held_ipcp, info, len);
}

/*
 * The peer decrypted our data to something else: Linux' stateful receiver does when it lost step,
 * and tells by Protocol-Rejects of protocols that we never sent.
 */
static void foreign_rejected(struct ppp_link *l)
{
	if (!l->ccp.tx_on || ++l->foreign < MAX_FOREIGN)
		return;
	l->foreign = 0;
	link_log(l, PPP_LOG_WARNING, "the peer decrypts nonsense");
	ppp_link_desync(l, l->now);
}

/* From Opened the automaton would say Terminate-Request to deaf ears: no use in waiting for that.
 */
static void reject_ccp(struct ppp_link *l)
{
	cp_protocol_rejected(&l->ccp.cp, l->now);
	ccp_gone(l, PPTP_MPPE_REFUSED, "the peer rejects CCP");
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
	if (protocol == PPP_CCP && cp_is_started(&l->ccp.cp) && !l->ccp_off)
		reject_ccp(l);
	else if (protocol == PPP_IPCP && cp_is_started(&l->ipcp.cp))
		reject_ipcp(l);
	else if (protocol == PPP_IPV6CP && cp_is_started(&l->ipv6cp.cp))
		cp_protocol_rejected(&l->ipv6cp.cp, l->now);
	else if (protocol == PPP_IP)
		link_end(l, LINK_END, PPTP_NO_NETWORK, "the peer rejects IP");
	else if (ppp_is_data(protocol) && link_is_up(l))
		foreign_rejected(l);
}

void ppp_link_want_reset(struct ppp_link *l, uint64_t now)
{
	if (l->over || l->phase != PPP_NETWORK)
		return;
	l->now = now;
	if ((l->ccp.rx_on && !l->ccp.rx.stateless) ||
		(!l->ccp.rx_on && l->ccp.unpack.kind != CODEC_NONE))
		ccp_want_reset(&l->ccp);
}

void ppp_link_desync(struct ppp_link *l, uint64_t now)
{
	if (l->over || l->phase != PPP_NETWORK || !cp_is_open(&l->ccp.cp))
		return;
	l->now = now;
	l->depth++;
	if (!link_desynced(l))
		l->desyncs = 0;
	l->last_desync = now;
	if (++l->desyncs > MAX_DESYNCS && !l->ccp.encrypt) {
		link_log(l, PPP_LOG_WARNING, "compression falls out of step again and again: off");
		cp_close(&l->ccp.cp, "compression out of step", now);
	} else if (l->desyncs > MAX_DESYNCS) {
		link_end(l, LINK_END, PPTP_MPPE_DESYNC, "");
	} else {
		link_log(l, PPP_LOG_WARNING, "%s fell out of step: negotiating it anew (%u of %u)",
			l->ccp.encrypt ? "encryption" : "compression", l->desyncs, MAX_DESYNCS);
		ccp_restart(&l->ccp, now);
	}
	l->depth--;
	link_settle(l);
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
	if (!l->ccp_off)
		cp_tick(&l->ccp.cp, l->now);
	cp_tick(&l->ipcp.cp, l->now);
	if (l->ipv6 != PPP_IPV6_OFF)
		cp_tick(&l->ipv6cp.cp, l->now);
	if (l->now >= l->hold_deadline) {
		l->hold_deadline = UINT64_MAX;
		l->pending |= LINK_START_NCPS;
	}
	if (l->now >= l->reopen_deadline) {
		l->reopen_deadline = UINT64_MAX;
		ccp_gone(l, PPTP_CCP_TIMEOUT, "CCP was not opened again in time");
	}
}
