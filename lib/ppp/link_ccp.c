/*
 * CCP on a PPP link (RFC 1962): MPPE (RFC 3078), with or without MPPC; or, where there is no
 * encryption, compression, which is never needed.
 *
 * Once encryption was on, data waits for it while CCP negotiates again, and never goes on in clear:
 * one forged Terminate-Request of CCP would otherwise lay a session open whose ends only prefer
 * encryption.
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
bool link_ccp_fits(const struct ppp_link *l)
{
	if (cp_is_open(&l->ccp.cp) && l->ccp.tx_on && l->ccp.rx_on)
		return true;
	return !l->ccp_needed && !l->ccp.tx_on && !l->ccp.rx_on;
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

bool link_ccp_prepare(struct ppp_link *l)
{
	struct ppp_mppe_config mppe = possible(l);

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
		return false;
	}
	if (!may_encrypt(l))
		mppe.policy = PPP_MPPE_OFF;
	l->ccp_off = l->ccp_asked = l->ccp_needed = false;
	ccp_init(&l->ccp, &mppe, &ccp_ops, &link_host, l);
	ccp_allow(&l->ccp, &l->compress, l->lcp.mru ? l->lcp.mru : l->mru);
	l->ccp.cp.automaton.restart_interval = l->restart_interval;
	l->ccp.cp.limit = l->lcp.cp.limit;
	return true;
}

static void refuse_ccp(struct ppp_link *l, const uint8_t *info, size_t len)
{
	l->ccp_asked = true;
	if (!ccp_refuse(&l->ccp, info, len))
		lcp_reject_protocol(&l->lcp, PPP_CCP, info, len);
}

void link_ccp_start(struct ppp_link *l)
{
	if (!may_encrypt(l) && !l->compress.count) {
		l->ccp_off = true;
		if (l->held_ccp.len)
			refuse_ccp(l, l->held_ccp.data, l->held_ccp.len);
		link_forget(&l->held_ccp);
		l->pending |= LINK_START_NCPS;
		return;
	}
	l->ccp_needed = required(l);
	l->hold_deadline = required(l) ? UINT64_MAX : l->now + HOLD_TIMEOUT;
	ccp_start(&l->ccp, l->now);
	link_release(&l->ccp.cp, &l->held_ccp, l->now);
}

void link_ccp_stop(struct ppp_link *l)
{
	cp_down(&l->ccp.cp, l->now);
	ccp_down(&l->ccp);
	l->reopen_deadline = UINT64_MAX;
	link_forget(&l->held_ccp);
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

void link_ccp_event(struct ppp_link *l, enum cp_event event)
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

/* CCP is not to be: the network protocols go on without. */
void link_ccp_off(struct ppp_link *l)
{
	cp_down(&l->ccp.cp, l->now);
	ccp_down(&l->ccp);
	l->ccp_off = true;
	l->ccp_needed = false;
	l->reopen_deadline = UINT64_MAX;
}

void link_receive_ccp(struct ppp_link *l, const uint8_t *info, size_t len)
{
	if (l->phase == PPP_AUTHENTICATE || l->phase == PPP_CALLBACK)
		link_hold(l, &l->held_ccp, info, len);
	else if (l->phase == PPP_NETWORK && l->ccp_off)
		refuse_ccp(l, info, len);
	else if (l->phase == PPP_NETWORK)
		cp_receive(&l->ccp.cp, info, len, l->now);
}

/*
 * The peer decrypted our data to something else: Linux' stateful receiver does when it lost step,
 * and tells by Protocol-Rejects of protocols that we never sent.
 */
void link_ccp_foreign(struct ppp_link *l)
{
	if (!l->ccp.tx_on || ++l->foreign < MAX_FOREIGN)
		return;
	l->foreign = 0;
	link_log(l, PPP_LOG_WARNING, "the peer decrypts nonsense");
	ppp_link_desync(l, l->now);
}

/* From Opened the automaton would say Terminate-Request to deaf ears: no use in waiting for that.
 */
void link_ccp_rejected(struct ppp_link *l)
{
	if (!cp_is_started(&l->ccp.cp) || l->ccp_off)
		return;
	cp_protocol_rejected(&l->ccp.cp, l->now);
	ccp_gone(l, PPTP_MPPE_REFUSED, "the peer rejects CCP");
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

void link_tick_ccp(struct ppp_link *l)
{
	if (!l->ccp_off)
		cp_tick(&l->ccp.cp, l->now);
	if (l->now >= l->reopen_deadline) {
		l->reopen_deadline = UINT64_MAX;
		ccp_gone(l, PPTP_CCP_TIMEOUT, "CCP was not opened again in time");
	}
}
