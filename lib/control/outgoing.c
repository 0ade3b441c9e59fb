/*
 * Outgoing calls: RFC 2637 sections 2.7, 2.8 and 3.2.4, in both roles. The PNS dials, the PAC has a
 * line place the call. See call.c for the end, which both kinds share.
 */
#include "lib/control/index.h"
#include "lib/control/internal.h"

#include <errno.h>
#include <string.h>

/* 3.2.4.2 PNS */

/* Section 2.1: "the total number of individual PPP sessions this PAC can support". */
static bool peer_has_room(const struct control_connection *c)
{
	unsigned int count = 0;

	if (!c->peer_max_channels)
		return true;
	for (const struct control_call *call = c->calls; call; call = call->next)
		count += call->role == CONTROL_PNS && call->state != CONTROL_CALL_WAIT_DISCONNECT;
	return count < c->peer_max_channels;
}

static int may_dial(const struct control_connection *c, uint16_t call_id)
{
	if (c->state != CONTROL_ESTABLISHED)
		return -EPROTO;
	if (control_call_id_free(c, call_id) < 0)
		return -EADDRINUSE;
	if (c->config->max_channels && c->call_count >= c->config->max_channels)
		return -ENOSPC;
	return peer_has_room(c) ? 0 : -ENOSPC;
}

/* "Open Indication / Send Outgoing Call Request" */
int control_call_dial(struct control_connection *c, struct control_call *call,
	const struct control_call_params *params, uint64_t now)
{
	struct control_message m = { .type = CONTROL_OUTGOING_CALL_REQUEST };
	struct control_outgoing_request *q = &m.outgoing_request;
	int err;

	c->now = now;
	err = may_dial(c, params->call_id);
	if (err < 0)
		return err;
	control_call_add(c, call, CONTROL_PNS, false, CONTROL_CALL_WAIT_REPLY, params->call_id);
	call->serial = params->serial;
	call->framing = params->framing;
	q->call_id = params->call_id;
	q->serial = params->serial;
	q->min_bps = params->min_bps;
	q->max_bps = params->max_bps;
	q->bearer = params->bearer;
	q->framing = params->framing;
	q->window = params->window;
	q->processing_delay = params->processing_delay;
	control_call_copy_text(q->phone, params->phone, 0);
	q->phone_length = (uint16_t)strlen(q->phone);
	control_call_copy_text(q->subaddress, params->subaddress, params->subaddress_length);
	control_connection_send(c, &m);
	return 0;
}

enum pptp_reason control_outgoing_reason(uint8_t result)
{
	switch (result) {
	case CONTROL_OUTGOING_NO_CARRIER:
		return PPTP_CALL_NO_CARRIER;
	case CONTROL_OUTGOING_BUSY:
		return PPTP_CALL_BUSY;
	case CONTROL_OUTGOING_NO_DIAL_TONE:
		return PPTP_CALL_NO_DIAL_TONE;
	case CONTROL_OUTGOING_TIME_OUT:
		return PPTP_CALL_TIME_OUT;
	case CONTROL_OUTGOING_DO_NOT_ACCEPT:
		return PPTP_CALL_PROHIBITED;
	default:
		return PPTP_CALL_REFUSED;
	}
}

static void refused(struct control_call *call, const struct control_message *m)
{
	const struct control_outgoing_reply *p = &m->outgoing_reply;
	bool hung_up = call->state == CONTROL_CALL_WAIT_DISCONNECT;
	char detail[CONTROL_DETAIL];

	control_message_outcome(m, detail, sizeof(detail));
	control_call_outcome(call, p->result, p->error, p->cause);
	control_call_end(
		call, hung_up ? call->end_reason : control_outgoing_reason(p->result), detail);
}

/* Section 2.8 for a call that waits for it; one that was hung up meanwhile just learns of it. */
void control_outgoing_replied(struct control_connection *c, const struct control_message *m)
{
	const struct control_outgoing_reply *p = &m->outgoing_reply;
	struct control_call *call = control_call_find_asked(c, p->peer_call_id, CONTROL_PNS, false);
	bool twice;

	if (!call)
		return;
	if (call->state == CONTROL_CALL_ESTABLISHED || call->peer_call_id_known) {
		c->unexpected++;
		return;
	}
	if (p->result != CONTROL_OUTGOING_CONNECTED) {
		refused(call, m);
		return;
	}
	twice = control_index_find_peer(c, p->call_id, NULL) != NULL;
	control_call_set_peer(call, p->call_id, p->window, p->processing_delay);
	call->connect_speed = p->connect_speed;
	if (call->state == CONTROL_CALL_WAIT_DISCONNECT)
		return;
	if (twice) { /* section 3.2.2: unique; GRE could not tell the two apart */
		control_call_clear(call, PPTP_CONTROL_UNEXPECTED);
		return;
	}
	control_call_enter(call, CONTROL_CALL_ESTABLISHED, UINT64_MAX);
	c->ops->call_established(c->user, call);
}

/* 3.2.4.1 PAC */

/* "Receive Outgoing Call Request" */
void control_outgoing_requested(
	struct control_connection *c, const struct control_outgoing_request *request)
{
	c->asked = CONTROL_ASKED_OUTGOING;
	c->asked_call_id = request->call_id;
	if (control_index_find_peer(c, request->call_id, NULL))
		control_connection_refuse(
			c, request, CONTROL_OUTGOING_GENERAL_ERROR, CONTROL_ERROR_BAD_CALL_ID, 0);
	else if (c->ops->outgoing_call)
		c->ops->outgoing_call(c->user, request);
	/* Nothing once it was answered: no request stays open, whatever the callback forgot. */
	control_connection_refuse(
		c, request, CONTROL_OUTGOING_DO_NOT_ACCEPT, CONTROL_ERROR_NONE, 0);
	c->asked = CONTROL_ASKED_NOTHING;
}

int control_call_take(struct control_connection *c, struct control_call *call,
	const struct control_outgoing_request *request, uint16_t call_id, uint64_t now)
{
	int rc;

	c->now = now;
	rc = control_call_answer(c, CONTROL_ASKED_OUTGOING, request->call_id, call_id);
	if (rc < 0)
		return rc;
	control_call_add(c, call, CONTROL_PAC, false, CONTROL_CALL_WAIT_CS_ANS, call_id);
	control_call_set_peer(call, request->call_id, request->window, request->processing_delay);
	call->serial = request->serial;
	call->framing = request->framing;
	return 0;
}

/* "Telco Answer / Send Outgoing Call Reply" */
void control_call_connect(
	struct control_call *call, const struct control_call_params *params, uint64_t now)
{
	struct control_message m = { .type = CONTROL_OUTGOING_CALL_REPLY };
	struct control_outgoing_reply *p = &m.outgoing_reply;

	if (!control_call_is(call, CONTROL_CALL_WAIT_CS_ANS))
		return;
	call->connection->now = now;
	control_call_enter(call, CONTROL_CALL_ESTABLISHED, UINT64_MAX);
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

static struct control_message reply_with_error(
	uint16_t peer_call_id, uint8_t result, uint8_t error, uint16_t cause)
{
	struct control_message m = { .type = CONTROL_OUTGOING_CALL_REPLY };

	if (result <= CONTROL_OUTGOING_CONNECTED)
		result = CONTROL_OUTGOING_DO_NOT_ACCEPT;
	m.outgoing_reply.peer_call_id = peer_call_id;
	m.outgoing_reply.result = result;
	m.outgoing_reply.error = control_call_error(result, error, CONTROL_ERROR_PAC_ERROR);
	m.outgoing_reply.cause = cause;
	return m;
}

/* "Incomplete Call / Send Outgoing Call Reply with Error" */
void control_outgoing_refuse(struct control_call *call, uint8_t result, uint8_t error,
	uint16_t cause, enum pptp_reason reason, const char *detail)
{
	struct control_message m = reply_with_error(call->peer_call_id, result, error, cause);
	char words[CONTROL_DETAIL];

	m.outgoing_reply.call_id = call->call_id;
	control_message_outcome(&m, words, sizeof(words));
	control_connection_send(call->connection, &m);
	control_call_end(call, reason, detail ? detail : words);
}

void control_connection_refuse(struct control_connection *c,
	const struct control_outgoing_request *request, uint8_t result, uint8_t error,
	uint16_t cause)
{
	struct control_message m = reply_with_error(request->call_id, result, error, cause);

	if (c->state != CONTROL_ESTABLISHED || c->asked != CONTROL_ASKED_OUTGOING ||
		c->asked_call_id != request->call_id)
		return;
	c->asked = CONTROL_ASKED_NOTHING;
	control_connection_send(c, &m);
}
