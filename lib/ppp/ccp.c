/* CCP: see ccp.h. */
#include "lib/ppp/ccp.h"

#include "lib/ppp/frame.h"

#define STRENGTHS     (CCP_40 | CCP_56 | CCP_128)
#define MAX_PEER_NAKS 3
#define MAX_MISSING   3

static struct ccp *ccp_of(struct cp *cp)
{
	return (struct ccp *)(void *)((char *)cp - offsetof(struct ccp, cp));
}

static uint32_t allowed_bits(const struct ppp_mppe_config *config)
{
	uint32_t bits = 0;

	if (config->strengths & PPP_MPPE_40)
		bits |= CCP_40;
	if (config->strengths & PPP_MPPE_56)
		bits |= CCP_56;
	if (config->strengths & PPP_MPPE_128)
		bits |= CCP_128;
	return bits;
}

/* RFC 3078 2.1: 128 is stronger than 56 is stronger than 40. 0 if none is in the set. */
static uint32_t strongest(uint32_t bits)
{
	if (bits & CCP_128)
		return CCP_128;
	if (bits & CCP_56)
		return CCP_56;
	return bits & CCP_40;
}

/* The mode bit to agree on when the peer wants `bits`. */
static uint32_t mode_for(const struct ccp *ccp, uint32_t bits)
{
	if (bits & CCP_STATELESS)
		return ccp->config.allow_stateless ? CCP_STATELESS : 0;
	return ccp->config.allow_stateful ? 0 : CCP_STATELESS;
}

static uint32_t mppc_for(const struct ccp *ccp, uint32_t bits)
{
	return ccp->mppc ? bits & CCP_MPPC : 0;
}

static struct mppe_params params_of(uint32_t bits)
{
	return (struct mppe_params){
		.bits = bits & CCP_128  ? MPPE_128
			: bits & CCP_56 ? MPPE_56
					: MPPE_40,
		.stateless = bits & CCP_STATELESS,
	};
}

static bool is_single(uint32_t bits)
{
	return (bits & STRENGTHS) == strongest(bits);
}

static void request(struct cp *cp, struct wire_writer *w)
{
	const struct ccp *ccp = ccp_of(cp);

	if (ccp->encrypt && ccp->ask)
		ppp_option_put_u32(w, CCP_MPPE, ccp->ask);
	for (unsigned int i = 0; i < ccp->offer_count; i++)
		ccp_codec_put(w, &ccp->offers[i]);
}

static void begin(struct cp *cp)
{
	ccp_of(cp)->staged = 0;
	ccp_of(cp)->codec_staged = (struct codec_params){ .kind = CODEC_NONE };
	ccp_of(cp)->listed = false;
}

static void refuse_for_good(struct ccp *ccp, struct ppp_review *review)
{
	review->give_up = true;
	ccp->cp.reason = PPTP_MPPE_REFUSED;
	ccp->cp.words = "the peer insists on a strength or mode of MPPE that is not allowed here";
}

static bool is_allowed(const struct ccp *ccp, enum codec_kind kind)
{
	for (unsigned int i = 0; i < ccp->allowed.count; i++) {
		if (ccp->allowed.kinds[i] == kind)
			return kind != CODEC_NONE;
	}
	return false;
}

/*
 * Without encryption: the first of the peer's methods that is allowed, and no other, so that it is
 * clear which one is in force (pppd acknowledges a whole list, and means the first).
 */
static void option_codec(
	struct ccp *ccp, struct ppp_review *review, const struct ppp_option *option)
{
	struct codec_params params;

	if (!is_allowed(ccp, ccp_codec_kind(option->type)) || ccp->listed) {
		ppp_review_reject(review, option);
		return;
	}
	/* Somebody who wants MPPE under this number must not be talked out of it. */
	if (option->type == CCP_MPPE && !(ppp_option_u32(option) & CCP_MPPC)) {
		ppp_review_reject(review, option);
		return;
	}
	ccp->listed = true;
	if (ccp_codec_get(option, &params))
		ccp->codec_staged = params;
	else
		ccp_codec_nak(review, option);
}

static void option(struct cp *cp, struct ppp_review *review, const struct ppp_option *option)
{
	struct ccp *ccp = ccp_of(cp);
	uint32_t bits = ppp_option_u32(option), allowed = allowed_bits(&ccp->config);
	uint32_t strength = strongest(bits & allowed), good;

	if (!ccp->encrypt) {
		option_codec(ccp, review, option);
		return;
	}
	if (option->type != CCP_MPPE) {
		ppp_review_reject(review, option);
		return;
	}
	ccp->listed = true;
	if (!strength)
		strength = strongest(allowed); /* it may have it without having listed it */
	/* RFC 3078 2.1: down to exactly one strength; the obsolete and reserved bits go, too. */
	good = strength | mode_for(ccp, bits) | mppc_for(ccp, bits);
	if (option->len == 4 && bits == good) {
		ccp->staged = good;
		return;
	}
	ppp_review_nak_u32(review, option, good);
	if (review->final)
		refuse_for_good(ccp, review);
}

static void complete(struct cp *cp, struct ppp_review *review)
{
	struct ccp *ccp = ccp_of(cp);

	if (ccp->listed || !ccp->encrypt)
		return;
	/* The others were rejected: with what is left, the peer will ask again. */
	if (wire_written(&review->reject))
		return;
	if (ccp->missing++ < MAX_MISSING) {
		ppp_option_put_u32(&review->nak, CCP_MPPE,
			strongest(allowed_bits(&ccp->config)) |
				(ccp->config.allow_stateless ? CCP_STATELESS : 0));
		return;
	}
	cp_fail(cp, PPTP_MPPE_REFUSED, "the peer does not ask for MPPE");
}

static struct codec_params codec_of(uint32_t bits)
{
	return (struct codec_params){
		.kind = bits & CCP_MPPC ? CODEC_MPPC : CODEC_NONE,
		.encrypted = true,
	};
}

static void set_unpack(struct ccp *ccp, struct codec_params params)
{
	params.limit = ccp->limit;
	if (params.kind == ccp->unpack.kind && params.bits == ccp->unpack.bits)
		return; /* as with the keys */
	ccp->unpack = params;
	ccp->ops->unpack(ccp->cp.user, params.kind == CODEC_NONE ? NULL : &params);
}

static void set_pack(struct ccp *ccp, struct codec_params params)
{
	if (params.kind == CODEC_NONE && ccp->pack.kind == CODEC_NONE)
		return;
	ccp->pack = params;
	ccp->ops->pack(ccp->cp.user, params.kind == CODEC_NONE ? NULL : &params);
}

static void switch_rx_on(struct ccp *ccp)
{
	static const struct codec_params none = { .kind = CODEC_NONE };
	struct mppe_params params = params_of(ccp->ask);

	if (!ccp->encrypt) {
		set_unpack(ccp, ccp->offer_count ? ccp->offers[0] : none);
		return;
	}
	if (!ccp->ask || !is_single(ccp->ask))
		return; /* not known yet: when the request is acknowledged */
	if (ccp->rx_on && ccp->rx.bits == params.bits && ccp->rx.stateless == params.stateless)
		goto codec; /* a repeated Ack must not start the keys again */
	ccp->rx = params;
	ccp->rx_on = true;
	ccp->ops->rx(ccp->cp.user, &ccp->rx);
codec:
	set_unpack(ccp, codec_of(ccp->ask));
}

static void accept(struct cp *cp)
{
	struct ccp *ccp = ccp_of(cp);

	ccp->peer = ccp->staged;
	ccp->codec_peer = ccp->codec_staged;
	switch_rx_on(ccp);
}

static bool acked(struct cp *cp)
{
	struct ccp *ccp = ccp_of(cp);

	if (!ccp->encrypt || is_single(ccp->ask))
		return true;
	/* Acknowledging several strengths says nothing: ask for the best of them. */
	ccp->ask = strongest(ccp->ask) | (ccp->ask & (CCP_STATELESS | CCP_MPPC));
	if (cp->automaton.state == PPP_ACK_SENT)
		switch_rx_on(ccp); /* as after a Nak */
	return false;
}

/* Our request without this method. */
static void withdraw(struct ccp *ccp, enum codec_kind kind)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < ccp->offer_count; i++) {
		if (ccp->offers[i].kind != kind)
			ccp->offers[n++] = ccp->offers[i];
	}
	ccp->offer_count = n;
}

/* The peer would compress by this method, but otherwise. */
static void naked_codec(struct ccp *ccp, const struct ppp_option *option)
{
	enum codec_kind kind = ccp_codec_kind(option->type);
	struct codec_params params;
	bool good = ccp_codec_get(option, &params) && ++ccp->peer_naks < MAX_PEER_NAKS;

	if (!good)
		withdraw(ccp, kind);
	for (unsigned int i = 0; i < ccp->offer_count; i++) {
		if (ccp->offers[i].kind == kind)
			ccp->offers[i].bits = params.bits;
	}
	if (ccp->cp.automaton.state == PPP_ACK_SENT)
		switch_rx_on(ccp);
}

static void naked(struct cp *cp, const struct ppp_option *option)
{
	struct ccp *ccp = ccp_of(cp);
	uint32_t bits = ppp_option_u32(option);
	uint32_t strength = strongest(bits & allowed_bits(&ccp->config));
	uint32_t wish;

	if (!ccp->encrypt) {
		naked_codec(ccp, option);
		return;
	}
	if (option->type != CCP_MPPE || !ccp->ask)
		return;
	wish = strength | mode_for(ccp, bits) | mppc_for(ccp, bits);
	if (strength && wish != ccp->ask) {
		ccp->ask = wish;
		if (cp->automaton.state == PPP_ACK_SENT)
			switch_rx_on(ccp); /* the peer is open as soon as it acknowledges this */
		return;
	}
	if (++ccp->peer_naks >= MAX_PEER_NAKS)
		cp_fail(cp, PPTP_MPPE_REFUSED,
			"the peer wants a strength or mode of MPPE that is not allowed here");
}

static void rejected(struct cp *cp, const struct ppp_option *option)
{
	struct ccp *ccp = ccp_of(cp);

	if (ccp->encrypt) {
		cp_fail(cp, PPTP_MPPE_REFUSED, "the peer rejects MPPE");
		return;
	}
	withdraw(ccp, ccp_codec_kind(option->type));
	if (cp->automaton.state == PPP_ACK_SENT)
		switch_rx_on(ccp);
}

static void reset_request(struct ccp *ccp, const struct cp_packet *packet)
{
	bool flushes = (ccp->tx_on && !ccp->tx.stateless) || ccp->pack.kind == CODEC_MPPC;

	if (!cp_is_open(&ccp->cp))
		return;
	/*
	 * The Ack first: Linux drops everything until it has it, and would miss our FLUSHED packet. It asks
	 * again after a second only, so a lost Ack is a second without data: hence two of them, where FLUSHED is
	 * what resets and not each Ack (RFC 1962 3.1).
	 */
	for (int i = 0; i < (flushes ? 2 : 1) && !ccp->no_reset_ack; i++)
		cp_send(&ccp->cp, CP_RESET_ACK, packet->id, NULL, 0);
	/* Of Deflate and BSD-Compress the data plane sees the Ack. */
	if (flushes)
		ccp->ops->reset(ccp->cp.user);
}

static bool extended(struct cp *cp, const struct cp_packet *packet, uint64_t now)
{
	struct ccp *ccp = ccp_of(cp);

	(void)now;
	switch (packet->code) {
	case CP_RESET_REQUEST:
		reset_request(ccp, packet);
		return true;
	case CP_RESET_ACK:
		/* The packet with FLUSHED is what counts (RFC 3078 8.2); this ends the identifier.
		 */
		if (packet->id == ccp->reset_id)
			ccp->reset_waiting = false;
		return true;
	default:
		return false;
	}
}

static void code_rejected(struct cp *cp, uint8_t code)
{
	struct ccp *ccp = ccp_of(cp);

	if (code == CP_RESET_REQUEST)
		ccp->no_reset_request = true;
	if (code == CP_RESET_ACK)
		ccp->no_reset_ack = true;
}

static const struct cp_protocol protocol = {
	.number = PPP_CCP,
	.name = "CCP",
	.request = request,
	.begin = begin,
	.option = option,
	.complete = complete,
	.accept = accept,
	.acked = acked,
	.naked = naked,
	.rejected = rejected,
	.extended = extended,
	.code_rejected = code_rejected,
};

void ccp_up(struct ccp *ccp)
{
	switch_rx_on(ccp);
	if (!ccp->encrypt)
		set_pack(ccp, ccp->codec_peer);
	if (!ccp->peer)
		return;
	ccp->tx = params_of(ccp->peer);
	ccp->tx_on = true;
	ccp->ops->tx(ccp->cp.user, &ccp->tx);
	set_pack(ccp, codec_of(ccp->peer));
}

void ccp_down(struct ccp *ccp)
{
	static const struct codec_params none = { .kind = CODEC_NONE };

	set_pack(ccp, none);
	set_unpack(ccp, none);
	if (ccp->tx_on)
		ccp->ops->tx(ccp->cp.user, NULL);
	if (ccp->rx_on)
		ccp->ops->rx(ccp->cp.user, NULL);
	ccp->tx_on = ccp->rx_on = ccp->reset_waiting = false;
	ccp->peer = 0;
	ccp->codec_peer = none;
}

void ccp_init(struct ccp *ccp, const struct ppp_mppe_config *config, const struct ccp_ops *ops,
	const struct cp_host *host, void *user)
{
	memset(ccp, 0, sizeof(*ccp));
	ccp->config = *config;
	ccp->ops = ops;
	ccp->encrypt = config->policy != PPP_MPPE_OFF;
	cp_init(&ccp->cp, &protocol, host, user);
}

void ccp_allow(struct ccp *ccp, const struct ppp_compress_list *list, uint16_t limit)
{
	ccp->allowed = *list;
	ccp->limit = limit;
	ccp->mppc = ccp->encrypt && is_allowed(ccp, CODEC_MPPC);
}

static void prepare(struct ccp *ccp)
{
	/* RFC 3078 2.1: all that is supported; the responder picks. */
	ccp->ask = allowed_bits(&ccp->config) | (ccp->config.allow_stateless ? CCP_STATELESS : 0) |
		   (ccp->mppc ? CCP_MPPC : 0);
	ccp->peer_naks = ccp->missing = 0;
	ccp->offer_count = 0;
	for (unsigned int i = 0; !ccp->encrypt && i < ccp->allowed.count; i++)
		ccp->offers[ccp->offer_count++] = ccp_codec_best(ccp->allowed.kinds[i]);
}

void ccp_start(struct ccp *ccp, uint64_t now)
{
	prepare(ccp);
	cp_start(&ccp->cp, now);
}

void ccp_restart(struct ccp *ccp, uint64_t now)
{
	/* What was agreed on once is asked for again, so that it takes one round trip. */
	ccp->peer_naks = ccp->missing = 0;
	if (!cp_is_open(&ccp->cp))
		ccp_down(ccp); /* otherwise This-Layer-Down does it, after the link has stopped data
				*/
	cp_restart(&ccp->cp, now);
}

void ccp_want_reset(struct ccp *ccp)
{
	if (!cp_is_open(&ccp->cp) || ccp->no_reset_request)
		return;
	/* RFC 1962 3.1: the same identifier until the answer is there. */
	if (!ccp->reset_waiting)
		ccp->reset_id = cp_next_id(&ccp->cp);
	ccp->reset_waiting = true;
	cp_send(&ccp->cp, CP_RESET_REQUEST, ccp->reset_id, NULL, 0);
}

bool ccp_refuse(struct ccp *ccp, const uint8_t *data, size_t len)
{
	struct cp_packet packet;

	if (cp_packet_decode(&packet, data, len))
		return true;
	if (packet.code == CP_TERMINATE_REQUEST)
		cp_send(&ccp->cp, CP_TERMINATE_ACK, packet.id, NULL, 0);
	if (packet.code != CP_CONFIGURE_REQUEST)
		return true;
	if (!packet.len)
		return false;
	cp_send(&ccp->cp, CP_CONFIGURE_REJECT, packet.id, packet.data, packet.len);
	return true;
}
