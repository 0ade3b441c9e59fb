/*
 * Incoming calls: RFC 2637 sections 2.9 to 2.11 and 3.2.3, in both roles. A line of the PAC rings;
 * the PNS decides; the PAC has the line answer, and tells. See call.c for the end, which both kinds
 * share.
 */
#include "lib/control/index.h"
#include "lib/control/internal.h"

#include <errno.h>
#include <string.h>

/* 3.2.3.1 PAC */

static int may_offer(const struct control_connection *c, uint16_t call_id)
{
	if (c->state != CONTROL_ESTABLISHED)
		return -EPROTO;
	if (!c->ops->call_accepted)
		return -ENOSYS;
	if (control_call_id_free(c, call_id) < 0)
		return -EADDRINUSE;
	if (c->config->max_channels && c->call_count >= c->config->max_channels)
		return -ENOSPC;
	return 0;
}

/* "Ring / Send Incoming Call Request" */
int control_call_offer(struct control_connection *c, struct control_call *call,
	const struct control_call_params *params, uint64_t now)
{
	struct control_message m = { .type = CONTROL_INCOMING_CALL_REQUEST };
	struct control_incoming_request *q = &m.incoming_request;
	int err;

	c->now = now;
	err = may_offer(c, params->call_id);
	if (err < 0)
		return err;
	control_call_add(c, call, CONTROL_PAC, true, CONTROL_CALL_WAIT_REPLY, params->call_id);
	call->serial = params->serial;
	call->framing = params->framing;
	q->call_id = params->call_id;
	q->serial = params->serial;
	/* Section 2.9 has no "any": the channel that rings is of one kind. */
	q->bearer = params->bearer & CONTROL_BEARER_DIGITAL ? CONTROL_BEARER_DIGITAL
							    : CONTROL_BEARER_ANALOG;
	q->physical_channel = params->physical_channel;
	control_call_copy_text(q->dialed, params->dialed, 0);
	q->dialed_length = (uint16_t)strlen(q->dialed);
	control_call_copy_text(q->dialing, params->dialing, 0);
	q->dialing_length = (uint16_t)strlen(q->dialing);
	control_call_copy_text(q->subaddress, params->subaddress, params->subaddress_length);
	control_connection_send(c, &m);
	return 0;
}

static void refused(struct control_call *call, const struct control_message *m)
{
	char detail[CONTROL_DETAIL];

	control_message_outcome(m, detail, sizeof(detail));
	control_call_outcome(call, m->incoming_reply.result, m->incoming_reply.error, 0);
	control_call_end(call, PPTP_CALL_REFUSED, detail);
}

/*
 * "Receive Incoming Call Reply". One to a call that was aborted names none: the PNS learns of that
 * from our Call-Disconnect-Notify, which is on its way.
 */
void control_incoming_replied(struct control_connection *c, const struct control_message *m)
{
	static const struct control_hangup twice = { .result = CONTROL_DISCONNECT_GENERAL_ERROR,
		.error = CONTROL_ERROR_BAD_CALL_ID };
	const struct control_incoming_reply *p = &m->incoming_reply;
	struct control_call *call = control_call_find_asked(c, p->peer_call_id, CONTROL_PAC, true);

	if (!call)
		return;
	if (call->state != CONTROL_CALL_WAIT_REPLY) {
		c->unexpected++;
		return;
	}
	if (p->result != CONTROL_INCOMING_CONNECT) {
		refused(call, m);
		return;
	}
	if (control_index_find_peer(c, p->call_id, NULL)) { /* section 3.2.2 */
		control_call_send_disconnect(call, &twice);
		control_call_end(call, PPTP_CONTROL_UNEXPECTED, "the PNS used a Call ID twice");
		return;
	}
	control_call_set_peer(call, p->call_id, p->window, p->processing_delay);
	control_call_enter(call, CONTROL_CALL_WAIT_ANSWER, control_connection_answer_timeout(c));
	c->ops->call_accepted(c->user, call);
}

/* "Answer call; Send Call Connected" */
void control_call_answered(
	struct control_call *call, const struct control_call_params *params, uint64_t now)
{
	struct control_message m = { .type = CONTROL_INCOMING_CALL_CONNECTED };
	struct control_incoming_connected *k = &m.incoming_connected;

	if (!control_call_is(call, CONTROL_CALL_WAIT_ANSWER))
		return;
	call->connection->now = now;
	control_call_enter(call, CONTROL_CALL_ESTABLISHED, UINT64_MAX);
	call->connect_speed = params->connect_speed;
	/* Section 2.11 has no "any" either. */
	call->framing = params->framing & CONTROL_FRAMING_SYNC ? CONTROL_FRAMING_SYNC
							       : CONTROL_FRAMING_ASYNC;
	k->peer_call_id = call->peer_call_id;
	k->connect_speed = params->connect_speed;
	k->window = params->window;
	k->processing_delay = params->processing_delay;
	k->framing = call->framing;
	control_connection_send(call->connection, &m);
}

/* 3.2.3.2 PNS */

/* "Receive Incoming Call Request" */
void control_incoming_requested(
	struct control_connection *c, const struct control_incoming_request *request)
{
	c->asked = CONTROL_ASKED_INCOMING;
	c->asked_call_id = request->call_id;
	if (control_index_find_peer(c, request->call_id, NULL))
		control_connection_refuse_incoming(
			c, request, CONTROL_INCOMING_GENERAL_ERROR, CONTROL_ERROR_BAD_CALL_ID);
	else if (c->ops->incoming_call)
		c->ops->incoming_call(c->user, request);
	/* Nothing once it was answered: no request stays open, whatever the callback forgot. */
	control_connection_refuse_incoming(
		c, request, CONTROL_INCOMING_DO_NOT_ACCEPT, CONTROL_ERROR_NONE);
	c->asked = CONTROL_ASKED_NOTHING;
}

int control_call_take_incoming(struct control_connection *c, struct control_call *call,
	const struct control_incoming_request *request, uint16_t call_id, uint64_t now)
{
	int rc;

	c->now = now;
	rc = control_call_answer(c, CONTROL_ASKED_INCOMING, request->call_id, call_id);
	if (rc < 0)
		return rc;
	control_call_add(c, call, CONTROL_PNS, true, CONTROL_CALL_WAIT_DECISION, call_id);
	control_call_set_peer(call, request->call_id, 0, 0);
	call->serial = request->serial;
	return 0;
}

/* "Send Incoming Call Reply OK" */
void control_call_accept(
	struct control_call *call, const struct control_call_params *params, uint64_t now)
{
	struct control_message m = { .type = CONTROL_INCOMING_CALL_REPLY };
	struct control_incoming_reply *p = &m.incoming_reply;
	struct control_connection *c = call->connection;

	if (!control_call_is(call, CONTROL_CALL_WAIT_DECISION))
		return;
	c->now = now;
	control_call_enter(call, CONTROL_CALL_WAIT_CONNECT, control_connection_reply_timeout(c));
	p->call_id = call->call_id;
	p->peer_call_id = call->peer_call_id;
	p->result = CONTROL_INCOMING_CONNECT;
	p->window = params->window;
	p->processing_delay = params->processing_delay;
	control_connection_send(c, &m);
}

static struct control_message reply_with_error(uint16_t peer_call_id, uint8_t result, uint8_t error)
{
	struct control_message m = { .type = CONTROL_INCOMING_CALL_REPLY };

	if (result != CONTROL_INCOMING_GENERAL_ERROR)
		result = CONTROL_INCOMING_DO_NOT_ACCEPT;
	m.incoming_reply.peer_call_id = peer_call_id;
	m.incoming_reply.result = result;
	m.incoming_reply.error = control_call_error(result, error, CONTROL_ERROR_NO_RESOURCE);
	return m;
}

/* "Send Incoming Call Reply Not Accepting" */
void control_incoming_refuse(struct control_call *call, uint8_t result, uint8_t error,
	enum pptp_reason reason, const char *detail)
{
	struct control_message m = reply_with_error(call->peer_call_id, result, error);
	char words[CONTROL_DETAIL];

	m.incoming_reply.call_id = call->call_id;
	control_message_outcome(&m, words, sizeof(words));
	control_connection_send(call->connection, &m);
	control_call_end(call, reason, detail ? detail : words);
}

void control_connection_refuse_incoming(struct control_connection *c,
	const struct control_incoming_request *request, uint8_t result, uint8_t error)
{
	struct control_message m = reply_with_error(request->call_id, result, error);

	if (c->state != CONTROL_ESTABLISHED || c->asked != CONTROL_ASKED_INCOMING ||
		c->asked_call_id != request->call_id)
		return;
	c->asked = CONTROL_ASKED_NOTHING;
	control_connection_send(c, &m);
}

/* "Receive Incoming Call Connect" */
void control_incoming_connected(
	struct control_connection *c, const struct control_incoming_connected *connected)
{
	struct control_call *call =
		control_call_find_asked(c, connected->peer_call_id, CONTROL_PNS, true);

	if (!call)
		return;
	if (call->state != CONTROL_CALL_WAIT_CONNECT) { /* crosses our Call-Clear-Request; twice */
		c->unexpected++;
		return;
	}
	call->peer_window = connected->window;
	call->peer_delay = connected->processing_delay;
	call->connect_speed = connected->connect_speed;
	call->framing = connected->framing;
	control_call_enter(call, CONTROL_CALL_ESTABLISHED, UINT64_MAX);
	c->ops->call_established(c->user, call);
}
