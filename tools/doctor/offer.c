/* What authentication a server has: see offer.h. */
#include "tools/doctor/offer.h"

#include "dataplane/dataplane.h"
#include "lib/ppp/frame.h"
#include "system/clock.h"
#include "system/log.h"

#include <stdio.h>
#include <stdlib.h>

#define RESTART 3000000u /* us */

struct offer_line {
	struct line line; /* first */
	struct lcp lcp;
	struct offer *offer;
	bool started, ended, over_told;
	enum pptp_reason reason;
	char detail[80];
	int last_id;               /* of the server's last Configure-Request, -1 none */
	enum ppp_auth_method turn; /* asked for in our last Nak */
};

static const enum ppp_auth_method turns[] = { PPP_AUTH_MSCHAP2, PPP_AUTH_PAP, PPP_AUTH_MD5,
	PPP_AUTH_MSCHAP, PPP_AUTH_EAP_MSCHAP2 };

#define TURNS (sizeof(turns) / sizeof(turns[0]))

static struct offer_line *of(struct line *l)
{
	return (struct offer_line *)l;
}

static enum ppp_auth_method next_turn(const struct offer *o)
{
	for (size_t i = 0; i < TURNS; i++) {
		if (!(o->tried & 1u << turns[i]))
			return turns[i];
	}
	return PPP_AUTH_NONE;
}

bool offer_complete(const struct offer *o)
{
	return o->asks_none || o->exhausted || (o->demanded && next_turn(o) == PPP_AUTH_NONE);
}

static void end(struct offer_line *p, enum pptp_reason reason, const char *detail)
{
	if (p->ended)
		return;
	p->ended = true;
	p->reason = reason;
	snprintf(p->detail, sizeof(p->detail), "%s", detail);
}

/* Never inside of LCP's own callbacks. */
static void settle(struct offer_line *p)
{
	struct line_end over = { .reason = p->reason, .detail = p->detail };

	if (!p->ended || p->over_told)
		return;
	p->over_told = true;
	p->offer->is_over = true;
	p->line.up->over(p->line.user, &over);
}

static void strange(struct offer *o, const struct ppp_option *option)
{
	const char *name = ppp_auth_option_name(option->data, option->len);

	for (unsigned int i = 0; i < o->strange_count; i++) {
		if (!strcmp(o->strange[i], name))
			return;
	}
	if (o->strange_count < OFFER_STRANGE_MAX)
		snprintf(o->strange[o->strange_count++], sizeof(o->strange[0]), "%.23s", name);
}

static void mark(struct offer *o, enum ppp_auth_method method)
{
	o->tried |= 1u << method;
	o->offered |= 1u << method;
}

static void demanded(struct offer_line *p, const struct ppp_option *option)
{
	static const struct ppp_auth_list all = { TURNS,
		{ PPP_AUTH_MSCHAP2, PPP_AUTH_PAP, PPP_AUTH_MD5, PPP_AUTH_MSCHAP,
			PPP_AUTH_EAP_MSCHAP2 } };
	struct offer *o = p->offer;
	enum ppp_auth_method method = ppp_auth_from_option(&all, option->data, option->len);

	if (method == PPP_AUTH_NONE)
		strange(o, option);
	else
		mark(o, method);
	if (!o->demanded)
		o->first = method;
	o->demanded = true;
	/* The one that we asked for has had its turn, whatever came of it. */
	if (p->turn)
		o->tried |= 1u << p->turn;
}

/* The server's request: what LCP is to ask for in its Nak. false: there is nothing left to ask. */
static bool look(struct offer_line *p, const struct cp_packet *packet)
{
	struct wire_reader r = wire_reader(packet->data, packet->len);
	struct ppp_option option;
	bool demands = false;

	if (packet->id == p->last_id)
		return true; /* again: it has not heard our answer */
	p->last_id = packet->id;
	while (ppp_option_next(&r, &option)) {
		if (option.type == LCP_MRU)
			p->offer->mru = ppp_option_u16(&option);
		if (option.type == LCP_AUTH) {
			demanded(p, &option);
			demands = true;
		}
	}
	/* pppd strikes out what is refused, and goes on without any when nothing is left. */
	if (!demands && p->turn) {
		p->offer->exhausted = true;
		return false;
	}
	if (!p->offer->demanded)
		return true;
	p->turn = next_turn(p->offer);
	if (p->turn == PPP_AUTH_NONE)
		return false;
	p->lcp.config.accept = (struct ppp_auth_list){ 1, { (uint8_t)p->turn } };
	return true;
}

static void host_send(void *user, uint16_t protocol, const uint8_t *packet, size_t len)
{
	struct offer_line *p = user;

	if (!p->over_told) /* a Terminate-Ack is still owed to who ends it */
		p->line.up->frame(p->line.user, protocol, packet, len);
}

static void host_random(void *user, void *buf, size_t len)
{
	(void)user;
	random_bytes(buf, len);
}

static void host_event(void *user, struct cp *cp, enum cp_event event)
{
	struct offer_line *p = user;

	switch (event) {
	case CP_UP:
		p->offer->asks_none = !p->offer->demanded;
		end(p, PPTP_LOCAL_REQUEST, "");
		break;
	case CP_FAILED:
		end(p, cp->reason, cp->words);
		break;
	case CP_FINISHED:
		end(p, PPTP_LCP_TIMEOUT, "");
		break;
	case CP_TERMINATED:
		end(p, PPTP_PPP_TERMINATED, "");
		break;
	case CP_DOWN:
		break;
	}
}

static void host_rejected(void *user, uint16_t protocol)
{
	struct offer_line *p = user;

	if (protocol == PPP_LCP)
		end(p, PPTP_LCP_FAILED, "the peer rejects LCP");
}

static void host_log(void *user, enum ppp_log level, const char *format, va_list ap)
	__attribute__((format(printf, 3, 0)));

static void host_log(void *user, enum ppp_log level, const char *format, va_list ap)
{
	const struct offer_line *p = user;

	(void)level;
	log_va(LOG_DEBUG, p->line.subject, format, ap);
}

static const struct cp_host host = {
	.send = host_send,
	.random = host_random,
	.event = host_event,
	.protocol_rejected = host_rejected,
	.log = host_log,
};

static void line_start(struct line *l, const struct line_path *path, uint64_t now)
{
	struct offer_line *p = of(l);

	(void)path;
	p->started = true;
	lcp_start(&p->lcp, now);
	settle(p);
}

static void line_frame(
	struct line *l, uint16_t protocol, const uint8_t *data, size_t len, uint64_t now)
{
	struct offer_line *p = of(l);
	struct cp_packet packet;

	said_frame(&p->offer->said, false, protocol, data, len);
	if (protocol != PPP_LCP || p->ended)
		return;
	lcp_heard(&p->lcp, data, len, now);
	if (!cp_packet_decode(&packet, data, len) && packet.code == CP_CONFIGURE_REQUEST &&
		!look(p, &packet))
		end(p, PPTP_LOCAL_REQUEST, "");
	else
		lcp_receive(&p->lcp, data, len, now);
	settle(p);
}

static void line_event(struct line *l, enum line_event event, uint64_t now)
{
	(void)l;
	(void)event;
	(void)now;
}

static void line_end(struct line *l, enum pptp_reason reason, const char *detail, uint64_t now)
{
	(void)now;
	end(of(l), reason, detail);
	settle(of(l));
}

static void line_tick(struct line *l, uint64_t now)
{
	struct offer_line *p = of(l);

	if (!p->started || p->ended)
		return;
	(void)lcp_tick(&p->lcp, now);
	settle(p);
}

static uint64_t line_deadline(const struct line *l)
{
	const struct offer_line *p = (const struct offer_line *)l;

	return p->started && !p->ended ? lcp_deadline(&p->lcp) : UINT64_MAX;
}

static void line_release(struct line *l)
{
	lcp_done(&of(l)->lcp);
	free(l);
}

static const struct line_ops ops = {
	.kind = "offer",
	.start = line_start,
	.frame = line_frame,
	.event = line_event,
	.hangup = line_end,
	.lost = line_end,
	.tick = line_tick,
	.deadline = line_deadline,
	.release = line_release,
};

struct line *offer_next(struct offer *o)
{
	struct offer_line *p = calloc(1, sizeof(*p));
	struct lcp_config config = { .mru = 1400,
		.accept = { 1, { PPP_AUTH_PAP } },
		.restart_interval = RESTART,
		.callback_follow = true };

	if (!p)
		return NULL;
	o->is_over = false;
	p->line.ops = &ops;
	p->offer = o;
	p->last_id = -1;
	lcp_init(&p->lcp, &config, &host, p);
	return &p->line;
}

void offer_words(const struct offer *o, char *out, size_t size)
{
	size_t len = 0;

	snprintf(out, size, "%s", o->asks_none ? "none" : "");
	for (size_t i = 0; i <= TURNS; i++) {
		/* The first demand first. */
		enum ppp_auth_method method = i ? turns[i - 1] : o->first;

		if (method == PPP_AUTH_NONE || !(o->offered & 1u << method) ||
			(i && method == o->first))
			continue;
		len = strlen(out);
		snprintf(out + len, size - len, "%s%s%s", len ? ", " : "",
			ppp_auth_is_eap(method) ? "EAP" : ppp_auth_name(method),
			i ? "" : " (its first choice)");
	}
	for (unsigned int i = 0; i < o->strange_count; i++) {
		len = strlen(out);
		snprintf(out + len, size - len, "%s%s", len ? ", " : "", o->strange[i]);
	}
}
