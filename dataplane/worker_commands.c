/* The control thread's commands, one after the other: see worker.h. */
#include "dataplane/path.h"

#include <assert.h>

static void add_session(struct worker *w, struct dp_session *s)
{
	int r = table_add_call(
		&w->table, &s->node, ntohl(s->peer.s_addr), s->local, s->tunnel.call_id);

	/* The control thread's table has the same content, and said that the place is free. */
	assert(r == 0);
	(void)r;
}

static void add_route(struct worker *w, struct dp_route *route)
{
	struct dp_session *s = route->nodes[w->index].session;
	int r = route_add(&w->table, route, &route->nodes[w->index]);

	assert(r == 0);
	(void)r;
	if (s->worker == w && !s->inner && !route->ipv6 && route->len == 32)
		s->inner = route->prefix;
}

/* This worker knows the session no more. The last one that did says so: it may be freed then. */
static void forget_session(struct worker *w, struct dp_session *s)
{
	for (struct dp_route *route = s->routes; route; route = route->next)
		route_remove(&w->table, route, &route->nodes[w->index]);
	if (atomic_fetch_sub(&s->holders, 1) == 1)
		event_list_add_once(&w->raised, &s->gone);
}

static void remove_session(struct worker *w, struct dp_session *s)
{
	struct packet_list held;

	worker_settle(w);
	packet_list_init(&held);
	table_remove_call(&w->table, &s->node);
	wheel_remove(&w->wheel, &s->timer);
	tunnel_stop(&s->tunnel, &held);
	worker_publish_session(s); /* the last ones, for DP_EVENT_REMOVED */
	tunnel_done(&s->tunnel, &held);
	path_discard(w, &held);
	io_send_disown(&w->tx, s);
	forget_session(w, s);
}

static void set_mppe(struct dp_session *s, const struct command *c)
{
	const struct mppe_params *params = c->mppe.on ? &c->mppe.params : NULL;

	if (c->type == COMMAND_SET_TX)
		tunnel_set_tx(&s->tunnel, params, c->mppe.start);
	else
		tunnel_set_rx(&s->tunnel, params, c->mppe.start);
}

static void execute(struct worker *w, const struct command *c)
{
	struct dp_session *s = c->session;

	switch (c->type) {
	case COMMAND_ADD:
		add_session(w, s);
		break;
	case COMMAND_REMOVE:
		remove_session(w, s);
		break;
	case COMMAND_FORGET:
		forget_session(w, s);
		break;
	case COMMAND_SEND:
		path_control(w, s, c->send.protocol, c->data, c->send.len);
		break;
	case COMMAND_SET_PEER:
		tunnel_set_peer(&s->tunnel, c->peer.call_id, c->peer.window, c->peer.delay);
		break;
	case COMMAND_SET_PATH:
		s->path_mtu = c->path_mtu;
		break;
	case COMMAND_SET_FRAMING:
		s->tunnel.acfc = c->framing.acfc;
		s->tunnel.pfc = c->framing.pfc;
		s->peer_mru = c->framing.mru;
		break;
	case COMMAND_SET_TX:
	case COMMAND_SET_RX:
		set_mppe(s, c);
		worker_touch(w, s);
		break;
	case COMMAND_SET_PACK:
		tunnel_set_pack(&s->tunnel, c->codec);
		break;
	case COMMAND_SET_UNPACK:
		tunnel_set_unpack(&s->tunnel, c->codec);
		break;
	case COMMAND_SET_VJ:
		tunnel_set_vj(&s->tunnel, c->headers.sending, c->headers.vj);
		break;
	case COMMAND_SET_LIMIT:
		s->limiter = c->limit.limiter;
		limiter_set(s->limiter, &c->limit.send, &c->limit.receive, w->now);
		break;
	case COMMAND_RESET_REQUESTED:
		tunnel_reset_requested(&s->tunnel);
		break;
	case COMMAND_OPEN:
		path_open(w, s, c->open);
		break;
	case COMMAND_OPEN6:
		path_open6(w, s, c->open);
		break;
	case COMMAND_ADD_ROUTE:
		add_route(w, c->route);
		break;
	case COMMAND_SET_HOP:
		s->hop = c->hop;
		break;
	case COMMAND_RENEW_INNER:
		worker_renew_inner(w);
		break;
	case COMMAND_STOP:
		w->stop = true;
		break;
	}
}

void worker_run_commands(struct worker *w)
{
	if (!w->backlog && command_waits(&w->commands))
		w->backlog = command_take(&w->commands);
	for (unsigned int i = 0; i < WORKER_COMMAND_BATCH && w->backlog; i++) {
		struct command *c = w->backlog;

		w->backlog = c->next;
		execute(w, c);
		command_finish(&w->commands, c);
	}
}
