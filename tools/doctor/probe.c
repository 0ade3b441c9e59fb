/* One connection, one call: see probe.h. */
#include "tools/doctor/probe.h"

#include "lib/ppp/frame.h"
#include "system/clock.h"
#include "system/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECT_TIME 5000000ull /* us for TCP */
#define END_TIME     6000000ull /* us for an orderly end */

static void note_end(struct probe *p, enum pptp_reason reason, const char *detail)
{
	if (p->stopping || p->reason)
		return;
	p->reason = reason;
	snprintf(p->detail, sizeof(p->detail), "%s", detail);
}

static void look(struct probe *p)
{
	if (!p->session)
		return;
	if (p->session->connected && !p->connected) {
		p->connected = true;
		p->connected_at = clock_now();
		p->connected_after = p->connected_at - p->began;
	}
	session_stats(p->session, &p->stats);
	/* As it was while it worked: an end under way has undone the most of it. */
	if (!p->stopping && (p->session->is_up || !p->was_up))
		session_ppp_info(p->session, &p->info);
}

static void finish_if_over(struct probe *p)
{
	if (p->session || p->connection_open || p->hub.count || p->finishing)
		return;
	p->finishing = true;
	uv_close((uv_handle_t *)&p->timer, NULL);
	if (!p->hub_open) {
		timers_done(&p->timers, NULL);
		return;
	}
	uv_poll_stop(&p->inner);
	uv_close((uv_handle_t *)&p->inner, NULL);
	hub_done(&p->hub, NULL);
}

static int on_up(struct session *s, char *why)
{
	struct probe *p = s->owner;
	struct in_addr everything = { 0 };

	if (dp_session_add_route(p->hub.dp, s->dp, everything, 0) == 0)
		return 0;
	snprintf(why, SYSTEM_WHY, "out of memory");
	return -1;
}

static void on_opened(struct session *s)
{
	struct probe *p = s->owner;

	p->was_up = true;
	look(p);
	if (p->ops->up)
		p->ops->up(p);
}

static void on_trace(
	struct session *s, bool sent, uint16_t protocol, const uint8_t *data, size_t len)
{
	struct probe *p = s->owner;

	said_frame(&p->said, sent, protocol, data, len);
	if (!sent && p->ops->frame)
		p->ops->frame(p, protocol, data, len);
}

static void on_gone(struct session *s, enum pptp_reason reason, const char *detail)
{
	struct probe *p = s->owner;

	look(p);
	note_end(p, reason, detail);
	p->ended_after = clock_now() - p->began;
	p->session_local = s->local;
	p->session = NULL;
	if (p->connection_open)
		connection_stop(&p->connection, reason);
	finish_if_over(p);
}

static const struct session_ops session_ops = {
	.up = on_up,
	.opened = on_opened,
	.trace = on_trace,
	.gone = on_gone,
};

static void on_established(struct connection *c)
{
	struct probe *p = c->owner;
	struct line *line = NULL;

	p->established_after = clock_now() - p->began;
	if (!p->ops) {
		probe_stop(p);
		return;
	}
	if (p->ops->line) {
		line = p->ops->line(p);
		if (!line) {
			note_end(p, PPTP_NO_RESOURCES, "out of memory");
			connection_stop(c, PPTP_NO_RESOURCES);
			return;
		}
	}
	p->session = session_dial_line(&p->hub, c, line, &p->options->session, &session_ops, p);
	if (!p->session) {
		note_end(p, PPTP_NO_RESOURCES, "the call could not be placed");
		connection_stop(c, PPTP_NO_RESOURCES);
		return;
	}
	watch_call(p->watch, p->session->call_id);
}

static void on_message(struct connection *c, bool sent, const struct control_message *m)
{
	struct probe *p = c->owner;

	if (sent)
		return;
	if (m->type == CONTROL_START_REPLY) {
		p->has_peer = true;
		p->peer = m->start;
	} else if (m->type == CONTROL_OUTGOING_CALL_REPLY) {
		p->has_reply = true;
		p->reply = m->outgoing_reply;
	} else if (m->type == CONTROL_CALL_DISCONNECT_NOTIFY) {
		p->has_disconnect = true;
		p->disconnect = m->disconnect;
	}
}

static void on_closed(struct connection *c, enum pptp_reason reason, const char *detail)
{
	struct probe *p = c->owner;

	/* A call that is ending knows the better reason. */
	if (!p->session)
		note_end(p, reason, detail);
	p->connection_open = false;
	finish_if_over(p);
}

static const struct connection_ops connection_ops = {
	.established = on_established,
	.trace = on_message,
	.closed = on_closed,
};

void probe_stop(struct probe *p)
{
	if (p->stopping)
		return;
	look(p);
	p->stopping = true;
	p->limit = clock_now() - p->began + END_TIME;
	if (p->session)
		session_close(p->session, PPTP_LOCAL_REQUEST, "");
	else if (p->connection_open)
		connection_stop(&p->connection, PPTP_LOCAL_REQUEST);
}

static void on_tick(uv_timer_t *timer)
{
	struct probe *p = timer->data;
	uint64_t now = clock_now();

	if (now - p->began > p->limit && p->connection_open) {
		note_end(p, PPTP_CONTROL_TIMEOUT, "");
		connection_abort(&p->connection, PPTP_CONTROL_TIMEOUT);
		return;
	}
	if (!p->session || p->stopping)
		return;
	look(p);
	if (p->connected && p->ops->tick)
		p->ops->tick(p, clock_now()); /* not before p->connected_at */
}

static void on_inner(uv_poll_t *poll, int status, int events)
{
	struct probe *p = poll->data;
	uint8_t packet[2048];

	(void)events;
	for (int i = 0; status == 0 && i < 256; i++) {
		ssize_t n = recv(p->inner_fd, packet, sizeof(packet), MSG_DONTWAIT);

		if (n <= 0)
			return;
		if (p->ops->inner)
			p->ops->inner(p, packet, (size_t)n);
	}
}

int probe_send(struct probe *p, const uint8_t *packet, size_t len)
{
	return send(p->inner_fd, packet, len, MSG_DONTWAIT) < 0 ? -errno : 0;
}

static void close_descriptors(struct probe *p)
{
	int fds[] = { p->inner_fd, p->worker_fd, p->gre_fd };

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
		if (fds[i] >= 0)
			close(fds[i]);
	}
}

/* Socket pair, GRE socket, data plane. */
static int open_hub(struct probe *p)
{
	struct dp_config dp = { .lookup_by_source = true };
	int pair[2];

	p->gre_fd = gre_socket_open(&p->server, false, p->why);
	if (p->gre_fd < 0)
		return -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) < 0) {
		snprintf(p->why, SYSTEM_WHY, "cannot make a socket pair: %s", strerror(errno));
		return -1;
	}
	p->inner_fd = pair[0];
	p->worker_fd = pair[1];
	dp.gre_fd = p->gre_fd;
	dp.inner_fd = p->worker_fd;
	if (hub_init(&p->hub, p->loop, &dp, NULL, p->why) < 0)
		return -1;
	p->hub_open = true;
	uv_poll_init(p->loop, &p->inner, p->inner_fd);
	p->inner.data = p;
	uv_poll_start(&p->inner, UV_READABLE, on_inner);
	return 0;
}

int probe_run(struct probe *p)
{
	struct sockaddr_in server = {
		.sin_family = AF_INET, .sin_addr = p->server, .sin_port = htons(CONTROL_PORT)
	};

	p->inner_fd = p->worker_fd = p->gre_fd = -1;
	if (p->ops && open_hub(p) < 0) {
		close_descriptors(p);
		return -1;
	}
	if (!p->hub_open)
		timers_init(&p->timers, p->loop);
	p->began = clock_now();
	uv_timer_init(p->loop, &p->timer);
	p->timer.data = p;
	uv_timer_start(&p->timer, on_tick, PROBE_TICK, PROBE_TICK);
	p->connection_open = true;
	if (connection_dial(&p->connection, p->hub_open ? &p->hub.timers : &p->timers, &server,
		    CONNECT_TIME, &p->options->control, &connection_ops, p) < 0) {
		p->connection_open = false;
		note_end(p, PPTP_NO_RESOURCES, "no descriptor for the TCP connection");
		finish_if_over(p);
	}
	uv_run(p->loop, UV_RUN_DEFAULT);
	watch_drain(p->watch);
	close_descriptors(p);
	return 0;
}

void probe_gre(const struct probe *p, struct gre_evidence *e)
{
	const struct tunnel_stats *t = &p->stats;
	const struct watch *w = p->watch;

	e->watched = w->fd >= 0;
	e->sent = t->tx_control + t->tx_packets + t->tx_acks;
	e->left = w->left;
	e->arrived = w->arrived;
	e->strangers = w->strangers;
	e->strange_id = w->strange_id;
	e->call_id = w->call_count ? w->calls[w->call_count - 1] : 0;
	e->delivered = t->rx_control + t->rx_packets + t->rx_acks;
	e->acked = w->acked;
	e->heard = p->said.lcp_heard;
	e->answered = p->said.lcp_answered;
	e->icmp = w->gre_icmp;
	/* "Fragmentation needed" is how it should be. */
	e->icmp.seen = e->icmp.seen && !(e->icmp.type == 3 && e->icmp.code == 4);
}
