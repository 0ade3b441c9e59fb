/* Our own PPP stack as a line: see line_ppp.h. */
#include "session/line_ppp.h"

#include "dataplane/dataplane.h"
#include "lib/ppp/cp.h"
#include "lib/ppp/frame.h"
#include "lib/wire.h"
#include "system/clock.h"
#include "system/log.h"
#include "system/tun.h"

#include <stdlib.h>

struct line_ppp {
	struct line line; /* first */
	struct ppp_link *link;
	const struct line_ppp_ops *ops;
	struct line_path path;
	uint64_t gre_timeout, restart_interval; /* us */
	uint64_t began, gre_deadline;           /* us */
	bool started, over;
	bool answered; /* the peer has answered a frame of ours: GRE gets through both ways */
};

static struct line_ppp *of(struct line *l)
{
	return (struct line_ppp *)l;
}

static void link_send(void *user, uint16_t protocol, const uint8_t *info, size_t len)
{
	struct line_ppp *p = user;

	p->line.up->frame(p->line.user, protocol, info, len);
}

static void link_random(void *user, void *buf, size_t len)
{
	(void)user;
	random_bytes(buf, len);
}

static void link_framing(void *user, bool acfc, bool pfc, uint16_t peer_mru)
{
	struct line_ppp *p = user;
	struct ppp_link_info info;

	dp_session_set_framing(p->path.dp, p->path.session, acfc, pfc, peer_mru);
	ppp_link_get_info(p->link, &info);
	p->ops->escapes(p->line.user, info.peer_accm, info.accm);
}

static void link_judge(void *user, const struct ppp_auth_request *request)
{
	struct line_ppp *p = user;

	p->ops->judge(p->line.user, request);
}

static void link_new_password(void *user, bool changed)
{
	struct line_ppp *p = user;

	p->ops->new_password(p->line.user, changed);
}

static void link_mppe_tx(void *user, const struct mppe_params *params, const uint8_t start[16])
{
	struct line_ppp *p = user;

	dp_session_set_tx(p->path.dp, p->path.session, params, start);
}

static void link_mppe_rx(void *user, const struct mppe_params *params, const uint8_t start[16])
{
	struct line_ppp *p = user;

	dp_session_set_rx(p->path.dp, p->path.session, params, start);
}

static void link_mppe_reset(void *user)
{
	struct line_ppp *p = user;

	dp_session_reset_requested(p->path.dp, p->path.session);
}

static void link_pack(void *user, const struct codec_params *params)
{
	struct line_ppp *p = user;

	if (dp_session_set_pack(p->path.dp, p->path.session, params) < 0)
		log_about(LOG_WARNING, p->line.subject,
			"no memory to compress: data is sent as it is");
}

static void link_unpack(void *user, const struct codec_params *params)
{
	struct line_ppp *p = user;

	if (dp_session_set_unpack(p->path.dp, p->path.session, params) < 0)
		log_about(LOG_ERROR, p->line.subject,
			"no memory to decompress: what comes compressed is lost");
}

static void link_vj(void *user, bool sending, const struct vj_params *params)
{
	struct line_ppp *p = user;

	if (dp_session_set_vj(p->path.dp, p->path.session, sending, params) < 0)
		log_about(LOG_ERROR, p->line.subject,
			sending ? "no memory to compress headers: packets are sent as they are"
				: "no memory for compressed headers: TCP packets are lost");
}

static void link_up(void *user, const struct ppp_network *net)
{
	struct line_ppp *p = user;

	p->ops->up(p->line.user, net);
}

static void link_down(void *user)
{
	struct line_ppp *p = user;

	p->ops->down(p->line.user);
}

static void link_up6(void *user, const struct ppp_network *net)
{
	struct line_ppp *p = user;

	p->ops->up6(p->line.user, net);
}

static void link_down6(void *user)
{
	struct line_ppp *p = user;

	p->ops->down6(p->line.user);
}

static bool link_may_have(void *user, const uint8_t identifier[8])
{
	struct line_ppp *p = user;

	return p->ops->may_have(p->line.user, identifier);
}

/*
 * GRE works in one direction only: the peer's LCP requests come, but it has never answered one of
 * ours, sent again and again. Both ends then see the link fail for want of answers; the true reason
 * is GRE.
 */
static bool is_deaf(const struct line_ppp *p, enum pptp_reason reason)
{
	struct ppp_link_info info;

	if (!p->started || p->answered ||
		(reason != PPTP_LCP_TIMEOUT && reason != PPTP_PEER_REQUEST &&
			reason != PPTP_LOST_CARRIER && reason != PPTP_TCP_CLOSED))
		return false;
	ppp_link_get_info(p->link, &info);
	return info.received > 0 && clock_now() - p->began > 2 * p->restart_interval;
}

static void link_finished(void *user, enum pptp_reason reason, const char *detail)
{
	struct line_ppp *p = user;
	struct line_end end = { .reason = reason, .detail = detail };

	p->over = true;
	if (is_deaf(p, reason)) {
		end.reason = PPTP_GRE_SILENT;
		end.detail = "the peer's packets come here, but it answers none of ours";
	}
	p->line.up->over(p->line.user, &end);
}

__attribute__((format(printf, 3, 0))) static void link_log(
	void *user, enum ppp_log level, const char *format, va_list ap)
{
	static const enum log_level levels[] = {
		[PPP_LOG_ERROR] = LOG_ERROR,
		[PPP_LOG_WARNING] = LOG_WARNING,
		[PPP_LOG_INFO] = LOG_INFO,
		[PPP_LOG_DEBUG] = LOG_DEBUG,
	};
	struct line_ppp *p = user;

	log_va(levels[level], p->line.subject, format, ap);
}

static const struct ppp_link_ops link_ops = {
	.send = link_send,
	.random = link_random,
	.framing = link_framing,
	.judge = link_judge,
	.new_password = link_new_password,
	.mppe_tx = link_mppe_tx,
	.mppe_rx = link_mppe_rx,
	.mppe_reset = link_mppe_reset,
	.pack = link_pack,
	.unpack = link_unpack,
	.vj = link_vj,
	.up = link_up,
	.down = link_down,
	.up6 = link_up6,
	.down6 = link_down6,
	.may_have = link_may_have,
	.finished = link_finished,
	.log = link_log,
};

static void ppp_start(struct line *l, const struct line_path *path, uint64_t now)
{
	struct line_ppp *p = of(l);

	p->path = *path;
	p->started = true;
	p->began = now;
	if (p->gre_timeout)
		p->gre_deadline = now + p->gre_timeout;
	ppp_link_start(p->link, now);
}

/* A Configure-Request, a Terminate-Request or an Echo-Request of LCP comes also from a peer that
 * cannot hear us. */
static bool is_answer(uint16_t protocol, const uint8_t *data, size_t len)
{
	struct wire_reader r = wire_reader(data, len);
	uint8_t code = wire_u8(&r);

	return protocol != PPP_LCP ||
	       (code != CP_CONFIGURE_REQUEST && code != CP_TERMINATE_REQUEST &&
		       code != CP_ECHO_REQUEST && code != CP_DISCARD_REQUEST);
}

static void ppp_frame(
	struct line *l, uint16_t protocol, const uint8_t *data, size_t len, uint64_t now)
{
	struct line_ppp *p = of(l);

	p->answered = p->answered || is_answer(protocol, data, len);
	ppp_link_receive(p->link, protocol, data, len, now);
}

static void ppp_event(struct line *l, enum line_event event, uint64_t now)
{
	if (event == LINE_RESET)
		ppp_link_want_reset(of(l)->link, now);
	else
		ppp_link_desync(of(l)->link, now);
}

static void ppp_lost(struct line *l, enum pptp_reason reason, const char *detail, uint64_t now)
{
	ppp_link_lower_down(of(l)->link, reason, detail, now);
}

static void ppp_hangup(struct line *l, enum pptp_reason reason, const char *detail, uint64_t now)
{
	if (of(l)->started)
		ppp_link_close(of(l)->link, reason, now);
	else
		ppp_lost(l, reason, detail, now);
}

static void ppp_tick(struct line *l, uint64_t now)
{
	struct line_ppp *p = of(l);
	struct tunnel_stats stats;

	if (!p->started)
		return;
	if (now >= p->gre_deadline) {
		struct ppp_link_info info;

		p->gre_deadline = UINT64_MAX;
		ppp_link_get_info(p->link, &info);
		if (info.received == 0)
			ppp_lost(l, PPTP_GRE_SILENT, "nothing came from the peer", now);
	}
	if (p->over)
		return;
	dp_session_stats(p->path.session, &stats);
	if (stats.last_rx > p->began)
		ppp_link_alive(p->link, stats.last_rx);
	ppp_link_tick(p->link, now);
}

static uint64_t ppp_deadline(const struct line *l)
{
	const struct line_ppp *p = (const struct line_ppp *)l;
	uint64_t deadline;

	if (!p->started)
		return UINT64_MAX;
	deadline = ppp_link_deadline(p->link);
	return p->gre_deadline < deadline ? p->gre_deadline : deadline;
}

static void ppp_release(struct line *l)
{
	ppp_link_free(of(l)->link);
	free(l);
}

/* Dialled or answered, it is there at once; the session has the speed from its configuration. */
static const struct line_ops ppp_ops = {
	.kind = "ppp",
	.start = ppp_start,
	.frame = ppp_frame,
	.event = ppp_event,
	.hangup = ppp_hangup,
	.lost = ppp_lost,
	.tick = ppp_tick,
	.deadline = ppp_deadline,
	.release = ppp_release,
};

struct line *line_ppp_new(
	const struct ppp_link_config *config, uint64_t gre_timeout, const struct line_ppp_ops *ops)
{
	struct line_ppp *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->line.ops = &ppp_ops;
	p->ops = ops;
	p->gre_timeout = gre_timeout;
	p->gre_deadline = UINT64_MAX;
	p->restart_interval = config->restart_interval;
	p->link = ppp_link_new(config, &link_ops, p);
	if (!p->link) {
		free(p);
		return NULL;
	}
	return &p->line;
}

bool line_is_ppp(const struct line *l)
{
	return l->ops == &ppp_ops;
}

void line_ppp_verdict(struct line *l, const struct ppp_auth_verdict *verdict,
	const struct ppp_network *net, uint64_t now)
{
	ppp_link_verdict(of(l)->link, verdict, net, now);
}

void line_ppp_info(const struct line *l, struct ppp_link_info *info)
{
	ppp_link_get_info(((const struct line_ppp *)l)->link, info);
}
