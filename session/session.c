/* One call's life: see session.h. */
#include "session/session.h"

#include "lib/ppp/cp.h"
#include "lib/ppp/frame.h"
#include "lib/wire.h"
#include "system/clock.h"
#include "system/log.h"
#include "system/tun.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How often a random Call ID is tried until one is free: with n of 65536 in use at one peer each
 * try fails with n/65536. */
#define CALL_ID_TRIES 64

static void update_timer(struct session *s);
static void on_timer(uv_timer_t *timer);

static void set_subject(struct session *s)
{
	char peer[INET_ADDRSTRLEN];

	inet_ntop(AF_INET, &s->peer, peer, sizeof(peer));
	snprintf(s->subject, sizeof(s->subject), "session %u (%s%s%.48s)", s->id, peer,
		s->user[0] ? ", " : "", s->user);
}

static void forget_early(struct session *s)
{
	for (unsigned int i = 0; i < s->early_count; i++)
		free(s->early[i].data);
	s->early_count = 0;
}

static void on_timer_closed(uv_handle_t *handle)
{
	struct session *s = handle->data;

	if (s->next)
		s->next->prev = s->prev;
	if (s->prev)
		s->prev->next = s->next;
	else
		s->hub->sessions = s->next;
	s->hub->count--;
	s->hub->ended[s->reason]++;
	s->ops->gone(s, s->reason, s->detail);
	ppp_link_free(s->link);
	free(s);
}

/* All parts over? Then the last step. */
static void finish_if_over(struct session *s)
{
	if (!s->ending || !s->link_over || s->has_call || !s->dp_removed || s->timer_closed)
		return;
	s->timer_closed = true;
	forget_early(s);
	uv_close((uv_handle_t *)&s->timer, on_timer_closed);
}

static void go_down(struct session *s)
{
	if (!s->is_up)
		return;
	s->is_up = false;
	dp_session_open(s->hub->dp, s->dp, false);
}

static void remove_from_dataplane(struct session *s)
{
	if (!s->dp)
		return;
	dp_session_stats(s->dp, &s->last_stats);
	dp_session_remove(s->hub->dp, s->dp);
	s->dp = NULL;
}

/* The first reason stays. */
static void begin_end(struct session *s, enum pptp_reason reason, const char *detail)
{
	if (s->ending)
		return;
	s->ending = true;
	s->reason = reason;
	snprintf(s->detail, sizeof(s->detail), "%s", detail ? detail : "");
}

static uint8_t disconnect_result(enum pptp_reason reason)
{
	switch (reason) {
	case PPTP_ADMIN:
	case PPTP_SHUTDOWN:
		return CONTROL_DISCONNECT_ADMIN_SHUTDOWN;
	case PPTP_PPP_TERMINATED:
	case PPTP_LOCAL_REQUEST:
		return CONTROL_DISCONNECT_REQUEST;
	case PPTP_GRE_SILENT:
	case PPTP_LCP_ECHO_TIMEOUT:
		return CONTROL_DISCONNECT_LOST_CARRIER;
	default:
		return CONTROL_DISCONNECT_GENERAL_ERROR;
	}
}

/* The link is over (or never began): the call goes, then the data plane's session. */
static void link_is_over(struct session *s)
{
	if (s->link_over)
		return;
	s->link_over = true;
	go_down(s);
	remove_from_dataplane(s);
	if (s->has_call) {
		struct connection *c = s->connection;
		struct control_hangup how = { .result = disconnect_result(s->reason) };

		control_call_hangup(&s->call, s->reason, &how, clock_now());
		connection_update(c);
	}
}

static void link_send(void *user, uint16_t protocol, const uint8_t *info, size_t len)
{
	struct session *s = user;

	if (s->dp)
		(void)dp_session_send(s->hub->dp, s->dp, protocol, info, len);
}

static void link_random(void *user, void *buf, size_t len)
{
	(void)user;
	random_bytes(buf, len);
}

static void link_framing(void *user, bool acfc, bool pfc, uint16_t peer_mru)
{
	struct session *s = user;

	dp_session_set_framing(s->hub->dp, s->dp, acfc, pfc, peer_mru);
}

static void link_judge(void *user, const struct ppp_auth_request *request)
{
	struct session *s = user;

	log_escape(s->user, sizeof(s->user), request->name, strlen(request->name));
	set_subject(s);
	s->ops->judge(s, request);
}

static void link_mppe_tx(void *user, const struct mppe_params *params, const uint8_t start[16])
{
	struct session *s = user;

	dp_session_set_tx(s->hub->dp, s->dp, params, start);
}

static void link_mppe_rx(void *user, const struct mppe_params *params, const uint8_t start[16])
{
	struct session *s = user;

	dp_session_set_rx(s->hub->dp, s->dp, params, start);
}

static void link_mppe_reset(void *user)
{
	struct session *s = user;

	dp_session_reset_requested(s->hub->dp, s->dp);
}

/* Data may pass again. Its owner has set up the addresses of the first time. */
static void mended(struct session *s, const struct ppp_network *net)
{
	if (net->local != s->net.local || net->remote != s->net.remote) {
		session_close(s, PPTP_NO_NETWORK, "the peer changed the addresses of the tunnel");
		return;
	}
	s->is_up = true;
	dp_session_open(s->hub->dp, s->dp, true);
}

static void link_up(void *user, const struct ppp_network *net)
{
	struct session *s = user;
	char why[SYSTEM_WHY] = "";

	if (s->ending)
		return;
	if (s->up_at) {
		mended(s, net);
		return;
	}
	s->net = *net;
	if (s->ops->up(s, why) < 0) {
		session_close(s, PPTP_SYSTEM, why);
		return;
	}
	s->is_up = true;
	s->up_at = clock_now();
	s->up_since = time(NULL);
	s->hub->connected++;
	dp_session_open(s->hub->dp, s->dp, true);
	s->ops->opened(s);
}

static void link_down(void *user)
{
	go_down(user);
}

/*
 * GRE works in one direction only: the peer's LCP requests come, but it has never answered one of
 * ours, sent again and again. Both ends then see the link fail for want of answers; the true reason
 * is GRE.
 */
static bool is_deaf(const struct session *s, enum pptp_reason reason)
{
	struct ppp_link_info info;

	if (!s->link_started || s->answered ||
		(reason != PPTP_LCP_TIMEOUT && reason != PPTP_PEER_REQUEST &&
			reason != PPTP_TCP_CLOSED))
		return false;
	ppp_link_get_info(s->link, &info);
	return info.received > 0 &&
	       clock_now() - s->link_began > 2 * s->config->link.restart_interval;
}

static void link_finished(void *user, enum pptp_reason reason, const char *detail)
{
	struct session *s = user;

	if (is_deaf(s, reason))
		begin_end(s, PPTP_GRE_SILENT,
			"the peer's packets come here, but it answers none of ours");
	else
		begin_end(s, reason, detail);
	link_is_over(s);
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
	struct session *s = user;

	log_va(levels[level], s->subject, format, ap);
}

static const struct ppp_link_ops link_ops = {
	.send = link_send,
	.random = link_random,
	.framing = link_framing,
	.judge = link_judge,
	.mppe_tx = link_mppe_tx,
	.mppe_rx = link_mppe_rx,
	.mppe_reset = link_mppe_reset,
	.up = link_up,
	.down = link_down,
	.finished = link_finished,
	.log = link_log,
};

static void after_link(struct session *s)
{
	update_timer(s);
	finish_if_over(s);
}

/* What session_close() asked for; from the timer, so that it may be asked for in any callback. */
static void close_now(struct session *s, uint64_t now)
{
	s->close_wanted = false;
	if (s->link_over)
		return;
	if (s->link_started)
		ppp_link_close(s->link, s->reason, now);
	else
		ppp_link_lower_down(s->link, s->reason, s->detail, now);
}

static void on_timer(uv_timer_t *timer)
{
	struct session *s = timer->data;
	uint64_t now = clock_now();

	if (s->close_wanted)
		close_now(s, now);
	if (!s->link_over && now >= s->gre_deadline) {
		struct ppp_link_info info;

		s->gre_deadline = UINT64_MAX;
		ppp_link_get_info(s->link, &info);
		if (info.received == 0)
			ppp_link_lower_down(
				s->link, PPTP_GRE_SILENT, "nothing came from the peer", now);
	}
	if (!s->link_over) {
		struct tunnel_stats stats;

		dp_session_stats(s->dp, &stats);
		if (stats.last_rx > s->began)
			ppp_link_alive(s->link, stats.last_rx);
		ppp_link_tick(s->link, now);
	}
	after_link(s);
}

static void update_timer(struct session *s)
{
	uint64_t deadline, now;

	if (s->timer_closed)
		return;
	if (s->close_wanted) {
		uv_timer_start(&s->timer, on_timer, 0, 0);
		return;
	}
	if (s->link_over || !s->link_started) {
		uv_timer_stop(&s->timer);
		return;
	}
	now = clock_now();
	deadline = ppp_link_deadline(s->link);
	if (s->gre_deadline < deadline)
		deadline = s->gre_deadline;
	if (deadline == UINT64_MAX) {
		uv_timer_stop(&s->timer);
		return;
	}
	uv_timer_start(&s->timer, on_timer, deadline > now ? (deadline - now + 999) / 1000 : 0, 0);
}

/* Into the data plane, with a Call ID nobody can guess. */
static int add_to_dataplane(struct session *s, uint16_t peer_call_id, uint16_t peer_window)
{
	struct dp_session_config dc = {
		.peer = s->peer,
		.local = s->local,
		.owner = s,
		.tunnel = {
			.peer_call_id = peer_call_id,
			.window = s->config->window,
			.peer_window = peer_window,
			.require_mppe = s->config->link.mppe.policy == PPP_MPPE_REQUIRE,
		},
	};

	for (int i = 0; i < CALL_ID_TRIES; i++) {
		random_bytes(&s->call_id, sizeof(s->call_id));
		dc.tunnel.call_id = s->call_id;
		s->dp = dp_session_add(s->hub->dp, &dc);
		if (s->dp)
			return 0;
		if (errno != EADDRINUSE)
			return -errno;
	}
	return -EADDRINUSE;
}

static struct session *session_new(struct hub *h, struct connection *c,
	const struct session_config *config, const struct session_ops *ops, void *owner)
{
	struct session *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->hub = h;
	s->connection = c;
	s->config = config;
	s->ops = ops;
	s->owner = owner;
	s->peer = c->peer;
	s->local = c->local;
	s->began = clock_now();
	s->since = time(NULL);
	s->gre_deadline = UINT64_MAX;
	s->link = ppp_link_new(&config->link, &link_ops, s);
	if (!s->link) {
		free(s);
		return NULL;
	}
	s->id = ++h->last_id;
	if (config->link.role == PPP_CLIENT)
		log_escape(s->user, sizeof(s->user), config->link.name, strlen(config->link.name));
	set_subject(s);
	uv_timer_init(h->loop, &s->timer);
	s->timer.data = s;
	s->next = h->sessions;
	if (s->next)
		s->next->prev = s;
	h->sessions = s;
	h->count++;
	h->started++;
	return s;
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

static void link_receive(
	struct session *s, uint16_t protocol, const uint8_t *data, size_t len, uint64_t now)
{
	s->answered = s->answered || is_answer(protocol, data, len);
	ppp_link_receive(s->link, protocol, data, len, now);
}

static void start_link(struct session *s)
{
	uint64_t now = clock_now();

	s->link_started = true;
	s->link_began = now;
	if (s->config->gre_timeout)
		s->gre_deadline = now + s->config->gre_timeout;
	ppp_link_start(s->link, now);
	for (unsigned int i = 0; i < s->early_count && !s->link_over; i++)
		link_receive(s, s->early[i].protocol, s->early[i].data, s->early[i].len, now);
	forget_early(s);
	after_link(s);
}

/* Set-up failed before the peer learnt of the session: everything is undone, `gone` is called as
 * ever. */
static void abandon(struct session *s, enum pptp_reason reason, const char *detail)
{
	begin_end(s, reason, detail);
	s->link_over = true;
	ppp_link_lower_down(s->link, reason, detail, clock_now());
	s->has_call = false;
	if (s->dp)
		remove_from_dataplane(s);
	else
		s->dp_removed = true;
	finish_if_over(s);
}

struct session *session_answer(struct hub *h, struct connection *c,
	const struct control_outgoing_request *request, const struct session_config *config,
	const struct session_ops *ops, void *owner)
{
	struct session *s = session_new(h, c, config, ops, owner);
	struct control_call_params params = { 0 };
	uint64_t now = clock_now();

	if (!s) {
		control_connection_refuse(&c->control, request, CONTROL_OUTGOING_GENERAL_ERROR,
			CONTROL_ERROR_NO_RESOURCE, 0);
		return NULL;
	}
	if (add_to_dataplane(s, request->call_id, request->window) < 0 ||
		control_call_take(&c->control, &s->call, request, s->call_id, now) < 0) {
		control_connection_refuse(&c->control, request, CONTROL_OUTGOING_GENERAL_ERROR,
			CONTROL_ERROR_NO_RESOURCE, 0);
		abandon(s, PPTP_NO_RESOURCES, "no free Call ID, or the peer uses its own twice");
		return NULL;
	}
	s->call.owner = s;
	s->has_call = true;
	params.call_id = s->call_id;
	params.connect_speed = config->max_bps;
	params.window = config->window;
	control_call_connect(&s->call, &params, now);
	connection_update(c);
	start_link(s);
	return s;
}

struct session *session_dial(struct hub *h, struct connection *c,
	const struct session_config *config, const struct session_ops *ops, void *owner)
{
	struct session *s = session_new(h, c, config, ops, owner);
	struct control_call_params params = { 0 };

	if (!s)
		return NULL;
	params.serial = (uint16_t)s->id;
	params.min_bps = config->min_bps;
	params.max_bps = config->max_bps;
	params.bearer = CONTROL_BEARER_ANY;
	params.framing = CONTROL_FRAMING_ANY;
	params.window = config->window;
	if (add_to_dataplane(s, 0, 0) < 0) {
		abandon(s, PPTP_NO_RESOURCES, "no free Call ID");
		return NULL;
	}
	params.call_id = s->call_id;
	s->call.owner = s;
	if (control_call_dial(&c->control, &s->call, &params, clock_now()) < 0) {
		abandon(s, PPTP_NO_RESOURCES, "the call could not be placed");
		return NULL;
	}
	s->call.owner = s;
	s->has_call = true;
	connection_update(c);
	return s;
}

void session_call_established(struct session *s)
{
	if (s->ending)
		return;
	dp_session_set_peer(
		s->hub->dp, s->dp, s->call.peer_call_id, s->call.peer_window, s->call.peer_delay);
	start_link(s);
}

void session_call_ended(struct session *s, enum pptp_reason reason, const char *detail)
{
	s->has_call = false;
	s->connection = NULL; /* it may go from now on */
	/* The link first: if it was ending, it knows the better reason. */
	if (!s->link_over)
		ppp_link_lower_down(s->link, reason, detail, clock_now());
	begin_end(s, reason, detail);
	link_is_over(s);
	after_link(s);
}

void session_close(struct session *s, enum pptp_reason reason, const char *detail)
{
	if (s->ending)
		return;
	begin_end(s, reason, detail);
	s->close_wanted = true;
	update_timer(s);
}

void session_verdict(
	struct session *s, const struct ppp_auth_verdict *verdict, const struct ppp_network *net)
{
	if (s->link_over)
		return;
	ppp_link_verdict(s->link, verdict, net, clock_now());
	after_link(s);
}

static void control_frame(struct session *s, const struct dp_event *event)
{
	if (s->link_started) {
		link_receive(s, event->protocol, event->data, event->len, clock_now());
		return;
	}
	if (s->early_count < SESSION_EARLY_MAX && event->len <= UINT16_MAX) {
		struct session_early *e = &s->early[s->early_count];

		e->data = malloc(event->len ? event->len : 1);
		if (!e->data)
			return;
		memcpy(e->data, event->data, event->len);
		e->protocol = event->protocol;
		e->len = (uint16_t)event->len;
		s->early_count++;
	}
}

void session_event(struct session *s, const struct dp_event *event)
{
	if (event->type == DP_EVENT_REMOVED) {
		s->dp_removed = true;
		finish_if_over(s);
		return;
	}
	if (s->link_over)
		return;
	switch (event->type) {
	case DP_EVENT_CONTROL:
		control_frame(s, event);
		break;
	case DP_EVENT_RESET:
		ppp_link_want_reset(s->link, clock_now());
		break;
	case DP_EVENT_DESYNC:
		ppp_link_desync(s->link, clock_now());
		break;
	case DP_EVENT_PATH:
	case DP_EVENT_REMOVED:
		break;
	}
	after_link(s);
}

void session_stats(const struct session *s, struct tunnel_stats *out)
{
	if (s->dp)
		dp_session_stats(s->dp, out);
	else
		*out = s->last_stats;
}
