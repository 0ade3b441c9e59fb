/* LCP: see lcp.h. */
#include "lib/ppp/lcp.h"

#include "lib/ppp/frame.h"
#include "lib/ppp/lcp_internal.h"

#include <stdlib.h>
#include <string.h>

#define WORDS 160

#define MAX_LOOPS     5
#define AUTH_REFUSALS 3
#define MAX_MRU_NAKS  3

#define CALLBACK_CBCP 6 /* RFC 1570 2.3 has up to 4; Microsoft: by CBCP */

static uint32_t new_magic(struct lcp *lcp)
{
	uint32_t magic = 0;

	lcp->cp.host->random(lcp->cp.user, &magic, sizeof(magic));
	return magic ? magic : 0x6772656c;
}

static bool asks(const struct lcp *lcp, enum lcp_option option)
{
	return lcp->ask & 1u << option;
}

static void drop(struct lcp *lcp, enum lcp_option option)
{
	lcp->ask = (uint16_t)(lcp->ask & ~(1u << option));
	if (option == LCP_MRU)
		lcp->mru = LCP_DEFAULT_MRU;
}

static void put_auth(struct wire_writer *w, enum ppp_auth_method method)
{
	uint8_t data[PPP_AUTH_OPTION_MAX];
	size_t len = ppp_auth_option(method, data);

	ppp_option_put(w, LCP_AUTH, data, (uint8_t)len);
}

static void request(struct cp *cp, struct wire_writer *w)
{
	const struct lcp *lcp = lcp_of(cp);

	if (asks(lcp, LCP_MRU))
		ppp_option_put_u16(w, LCP_MRU, lcp->mru);
	if (asks(lcp, LCP_ACCM))
		ppp_option_put_u32(w, LCP_ACCM, lcp->accm);
	if (asks(lcp, LCP_AUTH))
		put_auth(w, lcp->demanded);
	if (asks(lcp, LCP_MAGIC))
		ppp_option_put_u32(w, LCP_MAGIC, lcp->magic);
	if (asks(lcp, LCP_PFC))
		ppp_option_put(w, LCP_PFC, NULL, 0);
	if (asks(lcp, LCP_ACFC))
		ppp_option_put(w, LCP_ACFC, NULL, 0);
	if (asks(lcp, LCP_CALLBACK))
		ppp_option_put(w, LCP_CALLBACK, &(uint8_t){ CALLBACK_CBCP }, 1);
}

static void begin(struct cp *cp)
{
	struct lcp *lcp = lcp_of(cp);

	lcp->staged = (struct lcp_values){ .mru = LCP_DEFAULT_MRU, .accm = LCP_DEFAULT_ACCM };
	lcp->auth_listed = lcp->own_magic_seen = lcp->untold = false;
}

static void option_mru(struct lcp *lcp, struct ppp_review *review, const struct ppp_option *option)
{
	uint16_t mru = ppp_option_u16(option);
	uint8_t good[2] = { (uint8_t)(lcp->config.mru >> 8), (uint8_t)lcp->config.mru };

	if (option->len == 2 && mru >= LCP_MIN_MRU)
		lcp->staged.mru = mru;
	else
		ppp_review_nak(review, option, good, sizeof(good));
}

/* "... MS-CHAPv2 or MS-CHAP", in memory of the lcp's; without any, just the text. */
static const char *with_names(struct lcp *lcp, const char *text, const struct ppp_auth_list *list)
{
	struct wire_writer w;

	if (!lcp->words)
		lcp->words = malloc(WORDS);
	if (!lcp->words)
		return text;
	w = wire_writer(lcp->words, WORDS - 1);
	wire_put_bytes(&w, text, strlen(text));
	for (unsigned int i = 0; i < list->count; i++) {
		const char *name = ppp_auth_name(list->methods[i]);

		if (i)
			wire_put_bytes(&w, " or ", 4);
		wire_put_bytes(&w, name, strlen(name));
	}
	lcp->words[wire_written(&w)] = '\0';
	return lcp->words;
}

/* What the peer wants and does not get. */
static void note_wish(struct lcp *lcp, const struct ppp_option *option)
{
	size_t len = option->len < sizeof(lcp->wish) ? option->len : sizeof(lcp->wish);

	memcpy(lcp->wish, option->data, len);
	lcp->wish_len = (uint8_t)len;
}

/*
 * What is behind "EAP" comes out in EAP only, when there is no way back: RRAS asks for it before
 * MS-CHAPv2 also where it has no method for it. So a client that would rather have another
 * says so; a server that has heard it, and asks for EAP, gets EAP.
 */
static bool promises_less(struct lcp *lcp, enum ppp_auth_method method)
{
	if (!ppp_auth_is_eap(method) || lcp->wish_len || lcp->auth_refusals ||
		ppp_auth_is_eap(ppp_auth_next(&lcp->config.accept, 0)))
		return false;
	lcp->eap_declined = true;
	return true;
}

static void option_auth(struct lcp *lcp, struct ppp_review *review, const struct ppp_option *option)
{
	enum ppp_auth_method method =
		ppp_auth_from_option(&lcp->config.accept, option->data, option->len);
	uint8_t good[PPP_AUTH_OPTION_MAX];

	lcp->auth_listed = true;
	if (!lcp->config.accept.count) {
		/* We authenticate the peer; to it we prove ourselves in MS-CHAPv2's Success. */
		ppp_review_reject(review, option);
		return;
	}
	if (method != PPP_AUTH_NONE && !promises_less(lcp, method)) {
		lcp->staged.auth = method;
		return;
	}
	lcp->untold = lcp->wish_len == 0;
	note_wish(lcp, option);
	ppp_review_nak(review, option, good,
		(uint8_t)ppp_auth_option(ppp_auth_next(&lcp->config.accept, 0), good));
	if (review->final) {
		review->give_up = true;
		lcp->cp.reason = PPTP_AUTH_NO_METHOD;
		lcp->cp.words = with_names(
			lcp, "the server insists on another method than ", &lcp->config.accept);
	}
}

/* RFC 1661 6.4. */
static void option_magic(
	struct lcp *lcp, struct ppp_review *review, const struct ppp_option *option)
{
	uint32_t magic = ppp_option_u32(option);

	if (option->len == 4 && magic && magic != lcp->magic) {
		lcp->staged.magic = magic;
		return;
	}
	if (option->len == 4 && magic) {
		lcp->own_magic_seen = true;
		ppp_option_put_u32(&review->nak, LCP_MAGIC, new_magic(lcp));
		return;
	}
	ppp_review_nak_u32(review, option, new_magic(lcp));
}

static void option_flag(bool *flag, struct ppp_review *review, const struct ppp_option *option)
{
	if (option->len == 0)
		*flag = true;
	else
		ppp_review_reject(review, option);
}

/* The other operations of RFC 1570 all mean a call: CBCP is where that can be declined. */
static void option_callback(
	struct lcp *lcp, struct ppp_review *review, const struct ppp_option *option)
{
	static const uint8_t good[1] = { CALLBACK_CBCP };

	if (!lcp->config.callback_allow)
		ppp_review_reject(review, option);
	else if (option->len == 1 && option->data[0] == CALLBACK_CBCP)
		lcp->staged.callback = true;
	else
		ppp_review_nak(review, option, good, sizeof(good));
}

static void option(struct cp *cp, struct ppp_review *review, const struct ppp_option *option)
{
	struct lcp *lcp = lcp_of(cp);

	switch (option->type) {
	case LCP_MRU:
		option_mru(lcp, review, option);
		break;
	case LCP_ACCM:
		/* Any value will do: there is no asynchronous framing in GRE. */
		if (option->len == 4)
			lcp->staged.accm = ppp_option_u32(option);
		else
			ppp_review_nak_u32(review, option, 0);
		break;
	case LCP_AUTH:
		option_auth(lcp, review, option);
		break;
	case LCP_MAGIC:
		option_magic(lcp, review, option);
		break;
	case LCP_PFC:
		option_flag(&lcp->staged.pfc, review, option);
		break;
	case LCP_ACFC:
		option_flag(&lcp->staged.acfc, review, option);
		break;
	case LCP_CALLBACK:
		option_callback(lcp, review, option);
		break;
	default:
		/*
		 * RRAS' and older Windows' MRRU (17) and endpoint
		 * discriminator (19), link quality (4) and whatever else: each goes on without.
		 */
		ppp_review_reject(review, option);
		break;
	}
}

static void complete(struct cp *cp, struct ppp_review *review)
{
	struct lcp *lcp = lcp_of(cp);

	if (lcp->own_magic_seen) {
		if (++lcp->loops >= MAX_LOOPS) {
			cp_fail(cp, PPTP_LCP_LOOPBACK, "");
			return;
		}
		/* Nothing else counts before: on a looped link our own options would look refused.
		 */
		review->reject.pos = review->reject.start;
		return;
	}
	/* Where something is rejected, no Nak goes out: the server has not heard our choice. */
	if (lcp->untold && !review->final && wire_written(&review->reject)) {
		lcp->wish_len = 0;
		lcp->eap_declined = false;
	}
	/* What is rejected goes out first: the request comes again without it. */
	if (!lcp->config.insist_auth || lcp->auth_listed || wire_written(&review->reject))
		return;
	/* RFC 1661 5.3: an option that is missing may be asked for by a Nak. */
	if (lcp->auth_refusals++ < 2) {
		put_auth(&review->nak, ppp_auth_next(&lcp->config.accept, 0));
		return;
	}
	if (lcp->eap_declined) {
		/* Linux' pppd asks for nothing more when its only method is declined. */
		lcp->wish_len = 0;
		cp_fail(cp, PPTP_AUTH_NO_METHOD,
			"the server wants nothing but EAP: put a method of EAP first in auth");
		return;
	}
	cp_fail(cp, PPTP_AUTH_NO_METHOD,
		"the server asks for no authentication, so that it proves nothing and there are no "
		"keys for encryption");
}

static void accept(struct cp *cp)
{
	struct lcp *lcp = lcp_of(cp);

	lcp->peer = lcp->staged;
	lcp->own_echos = 0;
}

static bool acked(struct cp *cp)
{
	(void)cp;
	return true;
}

static void naked_mru(struct lcp *lcp, uint16_t mru)
{
	/* Up to 1500 we must be able to receive in any case (RFC 1661 6.1). */
	if (mru >= LCP_MIN_MRU && (mru < lcp->mru || mru <= LCP_DEFAULT_MRU) &&
		lcp->cp.refused < MAX_MRU_NAKS)
		lcp->mru = mru;
	else
		drop(lcp, LCP_MRU);
}

/*
 * The client does not like the method: then the one that it would like if that is allowed, or the
 * next on the list. When all were refused it begins again, some times.
 */
static void auth_refused(struct lcp *lcp, const struct ppp_option *option)
{
	const struct ppp_auth_list *list = &lcp->config.demand;
	enum ppp_auth_method wish = ppp_auth_from_option(list, option->data, option->len);

	if (wish == PPP_AUTH_NONE)
		note_wish(lcp, option);
	lcp->auth_refused |= (uint16_t)ppp_auth_alike(lcp->demanded);
	if (++lcp->auth_refusals >= AUTH_REFUSALS + list->count - 1) {
		cp_fail(&lcp->cp, PPTP_AUTH_NO_METHOD,
			with_names(lcp, "the client does not agree to ", list));
		return;
	}
	if (wish != PPP_AUTH_NONE && !(lcp->auth_refused & 1u << wish)) {
		lcp->demanded = wish;
		return;
	}
	lcp->demanded = ppp_auth_next(list, lcp->auth_refused);
	if (lcp->demanded == PPP_AUTH_NONE) {
		lcp->auth_refused = 0;
		lcp->demanded = ppp_auth_next(list, 0);
	}
}

static void naked(struct cp *cp, const struct ppp_option *option)
{
	struct lcp *lcp = lcp_of(cp);

	/* A server that insists: in CBCP it hears that nobody is to be called. */
	if (option->type == LCP_CALLBACK && lcp->config.callback_follow && option->len == 1 &&
		option->data[0] == CALLBACK_CBCP) {
		lcp->ask |= 1u << LCP_CALLBACK;
		return;
	}
	if (option->type > LCP_ACFC || !asks(lcp, option->type))
		return; /* an option that the peer would like us to have: no */
	switch (option->type) {
	case LCP_MRU:
		naked_mru(lcp, ppp_option_u16(option));
		break;
	case LCP_ACCM:
		lcp->accm = ppp_option_u32(option);
		break;
	case LCP_AUTH:
		auth_refused(lcp, option);
		break;
	case LCP_MAGIC:
		lcp->magic = new_magic(lcp);
		break;
	default: /* there is nothing to Nak in a flag */
		drop(lcp, option->type);
		break;
	}
}

static void rejected(struct cp *cp, const struct ppp_option *option)
{
	struct lcp *lcp = lcp_of(cp);

	if (option->type == LCP_AUTH) {
		cp_fail(cp, PPTP_AUTH_NO_METHOD, "the client refuses to authenticate itself");
		return;
	}
	if (option->type == LCP_MAGIC)
		lcp->magic = 0;
	drop(lcp, option->type);
}

static const struct cp_protocol protocol = {
	.number = PPP_LCP,
	.name = "LCP",
	.request = request,
	.begin = begin,
	.option = option,
	.complete = complete,
	.accept = accept,
	.acked = acked,
	.naked = naked,
	.rejected = rejected,
	.extended = lcp_extended,
	.code_rejected = lcp_code_rejected,
};

void lcp_init(
	struct lcp *lcp, const struct lcp_config *config, const struct cp_host *host, void *user)
{
	memset(lcp, 0, sizeof(*lcp));
	lcp->config = *config;
	cp_init(&lcp->cp, &protocol, host, user);
	lcp->peer.mru = LCP_DEFAULT_MRU;
	lcp->peer.accm = LCP_DEFAULT_ACCM;
}

static void reset_request(struct lcp *lcp)
{
	lcp->ask =
		1u << LCP_MRU | 1u << LCP_ACCM | 1u << LCP_MAGIC | 1u << LCP_PFC | 1u << LCP_ACFC;
	if (lcp->config.demand.count)
		lcp->ask |= 1u << LCP_AUTH;
	lcp->demanded = ppp_auth_next(&lcp->config.demand, 0);
	lcp->auth_refused = 0;
	lcp->mru = lcp->config.mru;
	lcp->accm = 0; /* spares peers with a pty (pptp-linux, pptpd) their escapes */
	lcp->magic = new_magic(lcp);
}

/* Into the silence the first requests follow each other faster: see the top of lcp.h. */
static uint64_t quick_interval(const struct lcp *lcp)
{
	static const uint32_t quick[] = { 300000, 1000000 };

	if (lcp->tries < 2 && quick[lcp->tries] < lcp->config.restart_interval)
		return quick[lcp->tries];
	return lcp->config.restart_interval;
}

void lcp_done(struct lcp *lcp)
{
	free(lcp->words);
	lcp->words = NULL;
}

void lcp_start(struct lcp *lcp, uint64_t now)
{
	reset_request(lcp);
	lcp->heard_at = lcp->echo_at = now;
	lcp->cp.automaton.restart_interval = quick_interval(lcp);
	cp_start(&lcp->cp, now);
}

void lcp_alive(struct lcp *lcp, uint64_t when)
{
	/* The caller may know of nothing newer than we: that proves no life. */
	if (when <= lcp->heard_at)
		return;
	lcp->heard_at = when;
	lcp->unanswered = 0;
}

void lcp_heard(struct lcp *lcp, const uint8_t *packet, size_t len, uint64_t now)
{
	struct cp_packet p;

	lcp_alive(lcp, now);
	if (lcp->heard || !cp_is_started(&lcp->cp))
		return;
	lcp->heard = true;
	if (lcp->cp.automaton.state != PPP_REQ_SENT)
		return;
	lcp->cp.automaton.restart_interval = lcp->config.restart_interval;
	lcp->cp.automaton.deadline = now + lcp->config.restart_interval;
	if (packet && !cp_packet_decode(&p, packet, len) && p.code == CP_CONFIGURE_REQUEST)
		cp_repeat_request(&lcp->cp);
}

void lcp_receive(struct lcp *lcp, const uint8_t *packet, size_t len, uint64_t now)
{
	cp_receive(&lcp->cp, packet, len, now);
}

bool lcp_tick(struct lcp *lcp, uint64_t now)
{
	if (!lcp->heard && lcp->cp.automaton.state == PPP_REQ_SENT &&
		now >= lcp->cp.automaton.deadline) {
		lcp->tries++;
		lcp->cp.automaton.restart_interval = quick_interval(lcp);
	}
	cp_tick(&lcp->cp, now);
	if (now < lcp_echo_deadline(lcp))
		return true;
	if (lcp->unanswered >= lcp->config.echo_failures)
		return false;
	lcp_send_echo(lcp, now);
	return true;
}

uint64_t lcp_deadline(const struct lcp *lcp)
{
	uint64_t restart = cp_deadline(&lcp->cp), echo = lcp_echo_deadline(lcp);

	return restart < echo ? restart : echo;
}

uint32_t lcp_accm(const struct lcp *lcp)
{
	return asks(lcp, LCP_ACCM) ? lcp->accm : LCP_DEFAULT_ACCM;
}

bool lcp_callback(const struct lcp *lcp)
{
	return asks(lcp, LCP_CALLBACK) || lcp->peer.callback;
}

const char *lcp_auth_name(const struct lcp *lcp)
{
	return lcp->wish_len ? ppp_auth_option_name(lcp->wish, lcp->wish_len) : "";
}
