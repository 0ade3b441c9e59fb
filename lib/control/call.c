/*
 * Calls in a control connection: RFC 2637 sections 2.7 to 2.15 and 3.2, outgoing calls in both
 * roles (3.2.4.1 PAC, 3.2.4.2 PNS). Incoming calls are refused.
 *
 * Invariants: a call is in its connection's list from dial or take until control_call_end(), which
 * is the only place that announces `call_ended`; every state but ESTABLISHED has a deadline. Whose
 * Call ID a message carries: Call-Clear-Request and Call-Disconnect-Notify the sender's own, all
 * others the receiver's.
 */
#include "lib/control/call.h"

#include "lib/control/internal.h"

#include <errno.h>
#include <string.h>

static struct control_call *find_own(const struct control_connection *c, uint16_t call_id)
{
	struct control_call *call = c->calls;

	while (call && call->call_id != call_id)
		call = call->next;
	return call;
}

static struct control_call *find_peer(const struct control_connection *c, uint16_t call_id)
{
	struct control_call *call = c->calls;

	while (call && !(call->peer_call_id_known && call->peer_call_id == call_id))
		call = call->next;
	return call;
}

/*
 * The PNS call that a Call-Disconnect-Notify means. A call that was aborted before its reply has no
 * known Call ID of the PAC (section 2.13 overlooks that); a notification that fits no other call
 * is taken as its.
 */
static struct control_call *find_disconnected(const struct control_connection *c, uint16_t call_id)
{
	struct control_call *named = NULL, *aborted = NULL;

	for (struct control_call *call = c->calls; call; call = call->next) {
		bool waiting = call->state == CONTROL_CALL_WAIT_DISCONNECT;

		if (call->role != CONTROL_PNS)
			continue;
		if (!call->peer_call_id_known) {
			if (waiting)
				aborted = call;
		} else if (call->peer_call_id == call_id && (waiting || !named)) {
			named = call;
		}
	}
	return named ? named : aborted;
}

/* All fields but `owner`, which is the caller's at all times. */
static void add(struct control_connection *c, struct control_call *call,
	enum control_call_role role, enum control_call_state state, uint16_t call_id)
{
	call->connection = c;
	call->role = role;
	call->state = state;
	call->call_id = call_id;
	call->peer_call_id = 0;
	call->peer_call_id_known = false;
	call->serial = 0;
	call->peer_window = 0;
	call->peer_delay = 0;
	call->connect_speed = 0;
	call->deadline = control_connection_later(c, control_connection_reply_timeout(c));
	call->end_reason = PPTP_NONE;
	call->next = c->calls;
	c->calls = call;
	c->call_count++;
	control_connection_calls_changed(c);
}

void control_call_end(struct control_call *call, enum pptp_reason reason, const char *detail)
{
	struct control_connection *c = call->connection;
	struct control_call **at = &c->calls;

	while (*at != call)
		at = &(*at)->next;
	*at = call->next;
	c->call_count--;
	call->next = NULL;
	call->connection = NULL;
	call->state = CONTROL_CALL_IDLE;
	call->deadline = UINT64_MAX;
	call->end_reason = reason;
	c->ops->call_ended(c->user, call, reason, detail);
	control_connection_calls_changed(c);
}

static void copy_number(char *dst, const char *src)
{
	for (size_t i = 0; src && i < 64 && src[i]; i++)
		dst[i] = src[i];
}

int control_call_dial(struct control_connection *c, struct control_call *call,
	const struct control_call_params *params, uint64_t now)
{
	struct control_message m = { .type = CONTROL_OUTGOING_CALL_REQUEST };
	struct control_outgoing_request *q = &m.outgoing_request;

	if (c->state != CONTROL_ESTABLISHED)
		return -EPROTO;
	if (find_own(c, params->call_id))
		return -EADDRINUSE;
	c->now = now;
	add(c, call, CONTROL_PNS, CONTROL_CALL_WAIT_REPLY, params->call_id);
	call->serial = params->serial;
	q->call_id = params->call_id;
	q->serial = params->serial;
	q->min_bps = params->min_bps;
	q->max_bps = params->max_bps;
	q->bearer = params->bearer;
	q->framing = params->framing;
	q->window = params->window;
	q->processing_delay = params->processing_delay;
	copy_number(q->phone, params->phone);
	q->phone_length = (uint16_t)strlen(q->phone);
	copy_number(q->subaddress, params->subaddress);
	control_connection_send(c, &m);
	return 0;
}

int control_call_take(struct control_connection *c, struct control_call *call,
	const struct control_outgoing_request *request, uint16_t call_id, uint64_t now)
{
	if (c->state != CONTROL_ESTABLISHED)
		return -EPROTO;
	if (find_own(c, call_id) || find_peer(c, request->call_id))
		return -EADDRINUSE;
	if (c->config->max_channels && c->call_count >= c->config->max_channels)
		return -ENOSPC;
	c->now = now;
	add(c, call, CONTROL_PAC, CONTROL_CALL_WAIT_CS_ANS, call_id);
	call->peer_call_id = request->call_id;
	call->peer_call_id_known = true;
	call->serial = request->serial;
	call->peer_window = request->window;
	call->peer_delay = request->processing_delay;
	return 0;
}

static bool answerable(const struct control_call *call)
{
	return call->state == CONTROL_CALL_WAIT_CS_ANS &&
	       call->connection->state == CONTROL_ESTABLISHED;
}

void control_call_connect(
	struct control_call *call, const struct control_call_params *params, uint64_t now)
{
	struct control_message m = { .type = CONTROL_OUTGOING_CALL_REPLY };
	struct control_outgoing_reply *p = &m.outgoing_reply;

	if (!answerable(call))
		return;
	call->connection->now = now;
	call->state = CONTROL_CALL_ESTABLISHED;
	call->deadline = UINT64_MAX;
	call->connect_speed = params->connect_speed;
	p->call_id = call->call_id;
	p->peer_call_id = call->peer_call_id;
	p->result = CONTROL_OUTGOING_CONNECTED;
	p->connect_speed = params->connect_speed;
	p->window = params->window;
	p->processing_delay = params->processing_delay;
	p->physical_channel = params->physical_channel;
	control_connection_send(call->connection, &m);
}

static void refuse(struct control_call *call, uint8_t result, uint8_t error, uint16_t cause,
	enum pptp_reason reason, const char *detail)
{
	struct control_message m = { .type = CONTROL_OUTGOING_CALL_REPLY };
	char words[CONTROL_DETAIL];

	m.outgoing_reply.call_id = call->call_id;
	m.outgoing_reply.peer_call_id = call->peer_call_id;
	m.outgoing_reply.result =
		result > CONTROL_OUTGOING_CONNECTED ? result : CONTROL_OUTGOING_DO_NOT_ACCEPT;
	m.outgoing_reply.error = error;
	m.outgoing_reply.cause = cause;
	control_message_outcome(&m, words, sizeof(words));
	control_connection_send(call->connection, &m);
	control_call_end(call, reason, detail ? detail : words);
}

void control_call_refuse(
	struct control_call *call, uint8_t result, uint8_t error, uint16_t cause, uint64_t now)
{
	if (!answerable(call))
		return;
	call->connection->now = now;
	refuse(call, result, error, cause, PPTP_LOCAL_REQUEST, NULL);
}

static void send_disconnect(struct control_call *call, uint8_t result)
{
	struct control_message m = { .type = CONTROL_CALL_DISCONNECT_NOTIFY };

	m.disconnect.call_id = call->call_id;
	m.disconnect.result = result;
	if (result == CONTROL_DISCONNECT_GENERAL_ERROR)
		m.disconnect.error = CONTROL_ERROR_PAC_ERROR;
	control_connection_send(call->connection, &m);
}

static void clear(struct control_call *call, enum pptp_reason reason)
{
	struct control_message m = { .type = CONTROL_CALL_CLEAR_REQUEST };

	call->state = CONTROL_CALL_WAIT_DISCONNECT;
	call->deadline = control_connection_later(call->connection, CONTROL_STOP_TIMEOUT);
	call->end_reason = reason;
	m.clear_request.call_id = call->call_id;
	control_connection_send(call->connection, &m);
}

void control_call_hangup(
	struct control_call *call, enum pptp_reason reason, uint8_t result, uint64_t now)
{
	/* Nothing for a call that is over, or is about to be ended with its connection. */
	if (call->state == CONTROL_CALL_IDLE || call->connection->state == CONTROL_CLOSED)
		return;
	call->connection->now = now;
	if (call->role == CONTROL_PNS) {
		if (call->state != CONTROL_CALL_WAIT_DISCONNECT)
			clear(call, reason);
	} else if (call->state == CONTROL_CALL_WAIT_CS_ANS) {
		/* The PNS has not learnt our Call ID: a reply with an error, section 3.2.4.1. */
		refuse(call,
			result == CONTROL_DISCONNECT_GENERAL_ERROR ? CONTROL_OUTGOING_GENERAL_ERROR
								   : CONTROL_OUTGOING_DO_NOT_ACCEPT,
			result == CONTROL_DISCONNECT_GENERAL_ERROR ? CONTROL_ERROR_PAC_ERROR
								   : CONTROL_ERROR_NONE,
			0, reason, "");
	} else {
		send_disconnect(call, result);
		control_call_end(call, reason, "");
	}
}

static void outgoing_requested(
	struct control_connection *c, const struct control_outgoing_request *request)
{
	if (find_peer(c, request->call_id))
		control_connection_refuse(
			c, request, CONTROL_OUTGOING_GENERAL_ERROR, CONTROL_ERROR_BAD_CALL_ID, 0);
	else if (!c->ops->outgoing_call)
		control_connection_refuse(
			c, request, CONTROL_OUTGOING_DO_NOT_ACCEPT, CONTROL_ERROR_NONE, 0);
	else
		c->ops->outgoing_call(c->user, request);
}

/* Section 2.8 for a call that waits for it; one that was hung up meanwhile just learns of it. */
static void outgoing_replied(struct control_connection *c, const struct control_message *m)
{
	const struct control_outgoing_reply *p = &m->outgoing_reply;
	struct control_call *call = find_own(c, p->peer_call_id);
	char detail[CONTROL_DETAIL];
	bool twice;

	if (!call || call->role != CONTROL_PNS) {
		c->unknown_call_id++;
		return;
	}
	if (call->state == CONTROL_CALL_ESTABLISHED || call->peer_call_id_known) {
		c->unexpected++;
		return;
	}
	if (p->result != CONTROL_OUTGOING_CONNECTED) {
		bool hung_up = call->state == CONTROL_CALL_WAIT_DISCONNECT;

		control_message_outcome(m, detail, sizeof(detail));
		control_call_end(call, hung_up ? call->end_reason : PPTP_CALL_REFUSED, detail);
		return;
	}
	twice = find_peer(c, p->call_id) != NULL;
	call->peer_call_id = p->call_id;
	call->peer_call_id_known = true;
	call->peer_window = p->window;
	call->peer_delay = p->processing_delay;
	call->connect_speed = p->connect_speed;
	if (call->state == CONTROL_CALL_WAIT_DISCONNECT)
		return;
	if (twice) { /* section 3.2.2: unique; GRE could not tell the two apart */
		clear(call, PPTP_CONTROL_UNEXPECTED);
		return;
	}
	call->state = CONTROL_CALL_ESTABLISHED;
	call->deadline = UINT64_MAX;
	c->ops->call_established(c->user, call);
}

/* Until incoming calls are supported. */
static void incoming_requested(
	struct control_connection *c, const struct control_incoming_request *request)
{
	struct control_message m = { .type = CONTROL_INCOMING_CALL_REPLY };

	m.incoming_reply.peer_call_id = request->call_id;
	m.incoming_reply.result = CONTROL_INCOMING_DO_NOT_ACCEPT;
	control_connection_send(c, &m);
}

static void clear_requested(struct control_connection *c, uint16_t call_id)
{
	struct control_call *call = find_peer(c, call_id);

	if (!call || call->role != CONTROL_PAC) {
		c->unknown_call_id++;
		return;
	}
	send_disconnect(call, CONTROL_DISCONNECT_REQUEST);
	control_call_end(call, PPTP_PEER_REQUEST, "Call-Clear-Request");
}

static void disconnected(struct control_connection *c, const struct control_message *m)
{
	struct control_call *call = find_disconnected(c, m->disconnect.call_id);
	char detail[CONTROL_DETAIL];
	bool hung_up;

	if (!call) {
		c->unknown_call_id++;
		return;
	}
	hung_up = call->state == CONTROL_CALL_WAIT_DISCONNECT;
	control_message_outcome(m, detail, sizeof(detail));
	control_call_end(call, hung_up ? call->end_reason : PPTP_PEER_REQUEST, detail);
}

/* Set-Link-Info and WAN-Error-Notify; RRAS sends the former as PAC too, so the role is not asked.
 */
static void link_reported(struct control_connection *c, const struct control_message *m)
{
	bool info = m->type == CONTROL_SET_LINK_INFO;
	struct control_call *call =
		find_own(c, info ? m->link_info.peer_call_id : m->wan_error.peer_call_id);

	if (!call)
		c->unknown_call_id++;
	else if (call->state != CONTROL_CALL_ESTABLISHED)
		c->unexpected++;
	else if (info && c->ops->link_info)
		c->ops->link_info(c->user, call, &m->link_info);
	else if (!info && c->ops->wan_error)
		c->ops->wan_error(c->user, call, &m->wan_error);
}

void control_call_receive(struct control_connection *c, const struct control_message *m)
{
	switch (m->type) {
	case CONTROL_OUTGOING_CALL_REQUEST:
		outgoing_requested(c, &m->outgoing_request);
		break;
	case CONTROL_OUTGOING_CALL_REPLY:
		outgoing_replied(c, m);
		break;
	case CONTROL_INCOMING_CALL_REQUEST:
		incoming_requested(c, &m->incoming_request);
		break;
	case CONTROL_CALL_CLEAR_REQUEST:
		clear_requested(c, m->clear_request.call_id);
		break;
	case CONTROL_CALL_DISCONNECT_NOTIFY:
		disconnected(c, m);
		break;
	case CONTROL_WAN_ERROR_NOTIFY:
	case CONTROL_SET_LINK_INFO:
		link_reported(c, m);
		break;
	default: /* Incoming-Call-Reply, -Connected: we never asked, no call can be meant */
		c->unknown_call_id++;
		break;
	}
}

static void expired(struct control_call *call)
{
	struct control_connection *c = call->connection;

	switch (call->state) {
	case CONTROL_CALL_WAIT_REPLY: /* section 3.2.1: the ENTIRE control connection */
		control_connection_finish(c, PPTP_CONTROL_TIMEOUT, "no Outgoing-Call-Reply");
		break;
	case CONTROL_CALL_WAIT_CS_ANS: /* section 3.2.4.1: our own duty, so only this call */
		refuse(call, CONTROL_OUTGOING_TIME_OUT, CONTROL_ERROR_NONE, 0, PPTP_LOCAL_REQUEST,
			"this end did not answer the call in time");
		break;
	case CONTROL_CALL_WAIT_DISCONNECT:
		control_call_end(call, call->end_reason, "no Call-Disconnect-Notify");
		break;
	case CONTROL_CALL_IDLE:
	case CONTROL_CALL_ESTABLISHED:
		call->deadline = UINT64_MAX;
		break;
	}
}

void control_call_tick(struct control_connection *c)
{
	struct control_call *call = c->calls;

	while (call) {
		if (call->deadline > c->now) {
			call = call->next;
			continue;
		}
		expired(call);
		call = c->calls; /* a callback may have changed the list */
	}
}
