/* One call's life: see session.h. */
#include "session/session_internal.h"

#include "lib/ppp/frame.h"
#include "session/line_ppp.h"
#include "session/mtu.h"
#include "session/report.h"
#include "system/clock.h"
#include "system/log.h"
#include "system/tun.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How often a random Call ID is tried until one is free; then the next ones in order, so that all of the
 * 65536 with one peer can be had. */
#define CALL_ID_TRIES 16

static void update_timer(struct session *s);

static void set_subject(struct session *s)
{
	char peer[INET_ADDRSTRLEN], text[96];

	inet_ntop(AF_INET, &s->peer, peer, sizeof(peer));
	snprintf(text, sizeof(text), "session %u (%s%s%.48s)", s->id, peer, s->user[0] ? ", " : "",
		s->user);
	session_keep_text(&s->subject, text);
	s->line->subject = s->subject;
}

static void set_user(struct session *s, const char *name)
{
	char text[CHAP_NAME_MAX + 1];

	session_keep_text(&s->user, log_escape(text, sizeof(text), name, strlen(name)));
	set_subject(s);
}

/* All parts are over. */
static void gone(struct session *s)
{
	report_gone(s->hub, s);
	if (s->next)
		s->next->prev = s->prev;
	if (s->prev)
		s->prev->next = s->next;
	else
		s->hub->sessions = s->next;
	s->hub->count--;
	s->hub->ended[s->reason]++;
	s->ops->gone(s, s->reason, s->detail);
	s->line->ops->release(s->line);
	session_memory_free(s);
}

/* All parts over? Then the last step. */
static void finish_if_over(struct session *s)
{
	if (!s->ending || !s->line_over || s->has_call || !s->dp_removed || s->is_over)
		return;
	s->is_over = true;
	session_forget_early(s);
	timers_set(&s->hub->timers, &s->timer, 0); /* not in whose callback this may be */
}

void session_settle(struct session *s)
{
	update_timer(s);
	finish_if_over(s);
}

static void go_down(struct session *s)
{
	if (!s->ipv4_up)
		return;
	s->ipv4_up = false;
	s->is_up = s->ipv6.up;
	dp_session_open(s->hub->dp, s->dp, false);
}

static void remove_from_dataplane(struct session *s)
{
	if (!s->dp)
		return;
	s->last = calloc(1, sizeof(*s->last)); /* without memory, all is 0 */
	if (s->last) {
		dp_session_stats(s->dp, &s->last->stats);
		session_limited(s, &s->last->up, &s->last->down);
	}
	datapath_remove(s->hub->datapath, s->way);
	s->way = NULL;
	dp_session_remove(s->hub->dp, s->dp);
	s->dp = NULL;
}

void session_begin_end(struct session *s, enum pptp_reason reason, const char *detail)
{
	char text[SESSION_DETAIL];

	if (s->ending)
		return;
	s->ending = true;
	s->reason = reason;
	snprintf(text, sizeof(text), "%s", detail ? detail : "");
	session_keep_text(&s->detail, text);
}

void session_line_is_over(struct session *s)
{
	if (s->line_over)
		return;
	s->line_over = true;
	session_ipv6_down(s);
	go_down(s);
	remove_from_dataplane(s);
	if (s->has_call)
		session_hang_up_call(s);
}

/* ---- the line's calls */

static void on_line_connected(void *user, const struct line_connection *connection)
{
	struct session *s = user;

	session_connected(s, connection);
	session_settle(s);
}

static void on_line_failed(void *user, const struct line_failure *failure)
{
	struct session *s = user;

	session_failed(s, failure);
	session_settle(s);
}

static void on_line_frame(void *user, uint16_t protocol, const uint8_t *data, size_t len)
{
	struct session *s = user;

	if (!s->dp)
		return;
	if (s->ops->trace)
		s->ops->trace(s, true, protocol, data, len);
	(void)dp_session_send(s->hub->dp, s->dp, protocol, data, len);
}

static void on_line_errors(void *user, const struct control_wan_error *totals)
{
	struct session *s = user;

	if (session_news(s))
		s->news->errors = *totals;
	if (!s->has_call)
		return;
	control_call_line_errors(&s->call, totals, clock_now());
	connection_update(s->connection);
}

static void on_line_over(void *user, const struct line_end *end)
{
	struct session *s = user;

	if (!s->ending)
		s->cause = end->cause;
	if (end->statistics)
		session_keep_text(&s->statistics, end->statistics);
	session_begin_end(s, end->reason, end->detail);
	session_line_is_over(s);
	session_settle(s);
}

static const struct line_user_ops line_user_ops = {
	.connected = on_line_connected,
	.failed = on_line_failed,
	.frame = on_line_frame,
	.errors = on_line_errors,
	.over = on_line_over,
};

/* ---- what our own PPP stack says beside it */

static void on_judge(void *user, const struct ppp_auth_request *request)
{
	struct session *s = user;

	/* Log, reports and hook tell whose session it is, not whose it would like to be. */
	if (!s->user_known)
		set_user(s, request->name);
	s->ops->judge(s, request);
}

static void on_new_password(void *user, bool changed)
{
	struct session *s = user;

	if (s->ops->new_password)
		s->ops->new_password(s, changed);
}

void session_data_is_up(struct session *s)
{
	s->is_up = true;
	if (s->up_at)
		return;
	s->up_at = clock_now();
	s->up_since = time(NULL);
	s->hub->connected++;
	s->ops->opened(s);
}

/* IPv4's data, or a raw line's. */
static void open_data(struct session *s)
{
	s->ipv4_up = true;
	dp_session_open(s->hub->dp, s->dp, true);
	session_data_is_up(s);
}

static void on_up(void *user, const struct ppp_network *net)
{
	struct session *s = user;
	char why[SYSTEM_WHY] = "";

	if (s->ending)
		return;
	/* Its owner has set up the addresses of the first time. */
	if (s->ipv4_prepared && (net->local != s->net.local || net->remote != s->net.remote)) {
		session_close(s, PPTP_NO_NETWORK, "the peer changed the addresses of the tunnel");
		return;
	}
	if (s->ipv4_prepared) {
		open_data(s);
		return;
	}
	s->ipv4_prepared = true;
	s->net = *net;
	if (s->ops->up(s, why) < 0)
		session_close(s, PPTP_SYSTEM, why);
	else
		open_data(s);
}

static void on_down(void *user)
{
	go_down(user);
}

static void on_up6(void *user, const struct ppp_network *net)
{
	session_ipv6_up(user, net);
}

static void on_down6(void *user)
{
	session_ipv6_down(user);
}

static bool on_may_have(void *user, const uint8_t identifier[8])
{
	return session_ipv6_may_have(user, identifier);
}

/* The PNS tells the PAC, section 2.15. */
static void on_escapes(void *user, uint32_t send_accm, uint32_t receive_accm)
{
	struct session *s = user;

	if (!s->config->link_info || !s->has_call || s->call.role != CONTROL_PNS)
		return;
	control_call_link_info(&s->call, send_accm, receive_accm, clock_now());
	connection_update(s->connection);
}

static const struct line_ppp_ops ppp_ops = {
	.judge = on_judge,
	.new_password = on_new_password,
	.up = on_up,
	.down = on_down,
	.up6 = on_up6,
	.down6 = on_down6,
	.may_have = on_may_have,
	.escapes = on_escapes,
};

/* ---- time */

static void on_timer(struct timers_entry *e)
{
	struct session *s = (struct session *)((char *)e - offsetof(struct session, timer));
	uint64_t now = clock_now();

	if (s->is_over) {
		gone(s);
		return;
	}
	if (s->close_wanted) {
		s->close_wanted = false;
		if (!s->line_over)
			s->line->ops->hangup(s->line, s->reason, s->detail, now);
	}
	if (!s->line_over && s->line->ops->tick)
		s->line->ops->tick(s->line, now);
	session_ipv6_tick(s, now);
	if (!s->line_over && s->dp && now >= s->mtu_at)
		mtu_update(s);
	session_settle(s);
}

/* What session_close() asks for comes from the timer, so that it may be asked for in any callback. */
static void update_timer(struct session *s)
{
	uint64_t deadline;

	if (s->is_over)
		return;
	if (s->close_wanted) {
		timers_set(&s->hub->timers, &s->timer, 0);
		return;
	}
	deadline = s->line_over || !s->line->ops->deadline ? UINT64_MAX
							   : s->line->ops->deadline(s->line);
	if (!s->line_over && s->dp && s->mtu_at < deadline)
		deadline = s->mtu_at;
	if (session_ipv6_deadline(s) < deadline)
		deadline = session_ipv6_deadline(s);
	timers_set(&s->hub->timers, &s->timer, deadline);
}

/* ---- begin and end */

int session_add_to_dataplane(
	struct session *s, uint16_t peer_call_id, uint16_t window, uint16_t delay)
{
	struct dp_session_config dc = {
		.peer = s->peer,
		.local = s->local,
		.owner = s,
		.any_source = s->terms.any_source,
		.tunnel = {
			.peer_call_id = peer_call_id,
			.window = s->config->window,
			.peer_window = window,
			.peer_delay = delay,
			.flow = s->terms.flow,
			.ack_timeout_max = s->config->ack_timeout_max,
			.raw = s->line->ops->raw,
			.require_mppe = s->config->link.mppe.policy == PPP_MPPE_REQUIRE,
		},
	};

	for (unsigned int i = 0; i < CALL_ID_TRIES + 65536u; i++) {
		if (i < CALL_ID_TRIES) {
			random_bytes(&s->call_id, sizeof(s->call_id));
			s->call_id = dataplane_call_id(s->hub->dp, s->call_id);
		} else {
			s->call_id++;
		}
		dc.tunnel.call_id = s->call_id;
		s->dp = dp_session_add(s->hub->dp, &dc);
		if (s->dp) {
			s->way = datapath_add(
				s->hub->datapath, s->hub->dp, s->dp, s->peer, s->local, s->call_id);
			mtu_update(s);
			return session_limit(s, &s->config->limits);
		}
		if (errno != EADDRINUSE)
			return -errno;
	}
	return -EADDRINUSE;
}

static void join_hub(struct session *s, struct hub *h)
{
	s->hub = h;
	s->id = ++h->last_id;
	s->next = h->sessions;
	if (s->next)
		s->next->prev = s;
	h->sessions = s;
	h->count++;
	h->started++;
	s->timer.expired = on_timer;
}

struct session *session_new(struct hub *h, struct connection *c, enum session_kind kind,
	const struct line_call *asked, struct line *line, const struct session_config *config,
	const struct session_ops *ops, void *owner)
{
	struct session *s = calloc(1, sizeof(*s));
	struct session_terms terms = {
		.flow = config->flow,
		.mtu_max = config->mtu_max,
		.any_source = config->any_source,
	};
	struct ppp_link_config link = config->link;

	if (ops->terms)
		ops->terms(c, &terms);
	link.mru = mtu_announced(c, config, &terms);
	if (!line)
		line = line_ppp_new(&link, config->gre_timeout, &ppp_ops);
	if (!s || !line || session_memory_init(s, h, asked) < 0) {
		if (line)
			line->ops->release(line);
		free(s);
		return NULL;
	}
	s->kind = kind;
	s->connection = c;
	s->config = config;
	s->terms = terms;
	s->ops = ops;
	s->owner = owner;
	s->peer = c->peer;
	s->local = c->local;
	s->began = clock_now();
	s->since = time(NULL);
	s->line = line;
	line->up = &line_user_ops;
	line->user = s;
	join_hub(s, h);
	set_user(s, line_is_ppp(line) && config->link.role == PPP_CLIENT ? config->link.name : "");
	if (ops->began)
		ops->began(s);
	return s;
}

void session_start_line(struct session *s)
{
	struct line_path path = { .dp = s->hub->dp, .session = s->dp };
	uint64_t now = clock_now();

	s->line_started = true;
	s->line->ops->start(s->line, &path, now);
	if (s->line->ops->raw && !s->line_over)
		open_data(s);
	for (unsigned int i = 0; i < s->early_count && !s->line_over; i++)
		s->line->ops->frame(
			s->line, s->early[i].protocol, s->early[i].data, s->early[i].len, now);
	session_forget_early(s);
}

void session_abandon(struct session *s, enum pptp_reason reason, const char *detail)
{
	session_begin_end(s, reason, detail);
	s->line_over = true;
	s->line->ops->lost(s->line, reason, detail, clock_now());
	s->has_call = false;
	if (s->dp)
		remove_from_dataplane(s);
	else
		s->dp_removed = true;
	finish_if_over(s);
}

void session_close(struct session *s, enum pptp_reason reason, const char *detail)
{
	if (s->ending)
		return;
	session_begin_end(s, reason, detail);
	s->close_wanted = true;
	update_timer(s);
}

void session_verdict(
	struct session *s, const struct ppp_auth_verdict *verdict, const struct ppp_network *net)
{
	if (s->line_over || !line_is_ppp(s->line))
		return;
	if (verdict->ok && verdict->user)
		set_user(s, verdict->user);
	s->user_known = s->user_known || verdict->ok;
	line_ppp_verdict(s->line, verdict, net, clock_now());
	session_settle(s);
}

/* ---- limits */

/* What goes up is what a server receives, and a client sends. */
static bool sends_up(const struct session *s)
{
	return s->config->link.role == PPP_CLIENT;
}

int session_limit(struct session *s, const struct rate_limits *limits)
{
	bool up = sends_up(s);
	int rc = 0;

	if (s->line->ops->raw)
		return 0;
	if (s->dp)
		rc = dp_session_set_limit(s->hub->dp, s->dp, up ? &limits->up : &limits->down,
			up ? &limits->down : &limits->up);
	if (rc == 0)
		s->limits = *limits;
	return rc;
}

void session_limited(const struct session *s, struct dp_limited *up, struct dp_limited *down)
{
	bool sending = sends_up(s);

	if (s->dp) {
		dp_session_limited(s->dp, sending ? up : down, sending ? down : up);
	} else {
		*up = s->last ? s->last->up : (struct dp_limited){ 0 };
		*down = s->last ? s->last->down : (struct dp_limited){ 0 };
	}
}

/* ---- the data plane's events */

static void control_frame(struct session *s, const struct dp_event *event)
{
	if (s->ops->trace)
		s->ops->trace(s, false, event->protocol, event->data, event->len);
	if (event->protocol == PPP_IPV6 && !s->line->ops->raw) {
		session_ipv6_receive(s, event->data, event->len);
		return;
	}
	if (s->line_started) {
		s->line->ops->frame(s->line, event->protocol, event->data, event->len, clock_now());
		return;
	}
	session_keep_early(s, event->protocol, event->data, event->len);
}

static void line_event(struct session *s, enum line_event event)
{
	if (s->line_started && s->line->ops->event)
		s->line->ops->event(s->line, event, clock_now());
}

void session_event(struct session *s, const struct dp_event *event)
{
	if (event->type == DP_EVENT_REMOVED) {
		s->dp_removed = true;
		if (s->last)
			s->last->stats = *event->stats;
		finish_if_over(s);
		return;
	}
	if (s->line_over)
		return;
	switch (event->type) {
	case DP_EVENT_CONTROL:
		control_frame(s, event);
		break;
	case DP_EVENT_RESET:
		line_event(s, LINE_RESET);
		break;
	case DP_EVENT_DESYNC:
		line_event(s, LINE_DESYNC);
		break;
	case DP_EVENT_PATH:
		mtu_update(s);
		break;
	case DP_EVENT_REMOVED:
		break;
	}
	session_settle(s);
}

/* ---- for reports */

void session_stats(const struct session *s, struct tunnel_stats *out)
{
	if (s->dp)
		dp_session_stats(s->dp, out);
	else
		*out = s->last ? s->last->stats : (struct tunnel_stats){ 0 };
}

void session_ppp_info(const struct session *s, struct ppp_link_info *info)
{
	memset(info, 0, sizeof(*info));
	if (line_is_ppp(s->line))
		line_ppp_info(s->line, info);
	if (!info->auth)
		info->auth = "";
}
