/*
 * What PAC and PNS tell each other of the line of an established call: RFC 2637 sections 2.14
 * (WAN-Error-Notify) and 2.15 (Set-Link-Info).
 *
 * Invariant: line_errors holds the totals last handed in; line_news is set while the peer has not
 * been told of them.
 */
#include "lib/control/index.h"
#include "lib/control/internal.h"

#define WAN_ERROR_INTERVAL (60 * CONTROL_SECOND)

/* Set-Link-Info is a PNS's, but RRAS sends it as PAC too: the role is not asked. */
void control_line_reported(struct control_connection *c, const struct control_message *m)
{
	bool info = m->type == CONTROL_SET_LINK_INFO;
	struct control_call *call = control_index_find_own(
		c, info ? m->link_info.peer_call_id : m->wan_error.peer_call_id);

	if (!call)
		c->unknown_call_id++;
	else if (call->state != CONTROL_CALL_ESTABLISHED)
		c->unexpected++;
	else if (info && c->ops->link_info)
		c->ops->link_info(c->user, call, &m->link_info);
	else if (!info && c->ops->wan_error)
		c->ops->wan_error(c->user, call, &m->wan_error);
}

void control_call_link_info(
	struct control_call *call, uint32_t send_accm, uint32_t receive_accm, uint64_t now)
{
	struct control_message m = { .type = CONTROL_SET_LINK_INFO };

	if (call->role != CONTROL_PNS || !control_call_is(call, CONTROL_CALL_ESTABLISHED))
		return;
	call->connection->now = now;
	m.link_info.peer_call_id = call->peer_call_id;
	m.link_info.send_accm = send_accm;
	m.link_info.receive_accm = receive_accm;
	control_connection_send(call->connection, &m);
}

static bool same(const struct control_wan_error *a, const struct control_wan_error *b)
{
	return a->crc == b->crc && a->framing == b->framing && a->hardware == b->hardware &&
	       a->buffer == b->buffer && a->time_out == b->time_out && a->alignment == b->alignment;
}

void control_line_tick(struct control_call *call)
{
	struct control_connection *c = call->connection;
	struct control_message m = { .type = CONTROL_WAN_ERROR_NOTIFY };

	if (!call->line_news || c->now < call->line_next)
		return;
	call->line_news = false;
	call->line_next = control_connection_later(c, WAN_ERROR_INTERVAL);
	control_call_scheduled(call);
	if (!control_call_is(call, CONTROL_CALL_ESTABLISHED))
		return;
	m.wan_error = call->line_errors;
	m.wan_error.peer_call_id = call->peer_call_id;
	control_connection_send(c, &m);
}

void control_call_line_errors(
	struct control_call *call, const struct control_wan_error *totals, uint64_t now)
{
	if (call->role != CONTROL_PAC || !control_call_is(call, CONTROL_CALL_ESTABLISHED))
		return;
	call->connection->now = now;
	if (!same(&call->line_errors, totals))
		call->line_news = true;
	call->line_errors = *totals;
	control_call_scheduled(call);
	control_line_tick(call);
}
