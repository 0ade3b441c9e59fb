/*
 * Calls in a control connection: the list of them, Call IDs (RFC 2637 section 3.2.2), deadlines
 * (3.2.1), and the end of a call (2.12, 2.13), which is the same for both kinds. How a call begins
 * is in outgoing.c (3.2.4) and incoming.c (3.2.3), what is told of its line in line.c.
 *
 * Invariants: a call is in its connection's list from control_call_add() until control_call_end(),
 * which is the only place that announces `call_ended`; every state but ESTABLISHED has a deadline.
 * Whose Call ID a message carries: Call-Clear-Request and Call-Disconnect-Notify the sender's own,
 * replies both, all others the receiver's.
 */
#include "lib/control/call.h"

#include "lib/control/index.h"
#include "lib/control/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * Call IDs whose replies are owed. Were one used again at once, a late reply to the old call would
 * answer the new one, and its data go to a call that the peer is about to forget.
 */

static void owe(struct control_connection *c, uint16_t call_id)
{
	size_t oldest;

	if (!c->owed)
		c->owed = calloc(1, sizeof(*c->owed));
	if (!c->owed)
		return;
	oldest = c->owed->next++ % CONTROL_OWED_MAX;
	c->owed->call_id[oldest] = call_id;
	c->owed->until[oldest] = control_connection_later(c, control_connection_reply_timeout(c));
}

static bool reply_is_owed(const struct control_connection *c, uint16_t call_id, size_t *at)
{
	for (size_t i = 0; c->owed && i < CONTROL_OWED_MAX; i++) {
		if (c->owed->until[i] > c->now && c->owed->call_id[i] == call_id) {
			*at = i;
			return true;
		}
	}
	return false;
}

int control_call_id_free(const struct control_connection *c, uint16_t call_id)
{
	size_t at;

	return control_index_find_own(c, call_id) || reply_is_owed(c, call_id, &at) ? -EADDRINUSE
										    : 0;
}

struct control_call *control_call_find_asked(
	struct control_connection *c, uint16_t call_id, enum control_call_role role, bool incoming)
{
	struct control_call *call = control_index_find_own(c, call_id);
	size_t at;

	if (call && call->role == role && call->incoming == incoming)
		return call;
	if (!call && reply_is_owed(c, call_id, &at)) {
		c->owed->until[at] = 0;
		c->unexpected++;
	} else {
		c->unknown_call_id++;
	}
	return NULL;
}

int control_call_answer(struct control_connection *c, enum control_asked asked,
	uint16_t peer_call_id, uint16_t call_id)
{
	if (c->state != CONTROL_ESTABLISHED)
		return -EPROTO;
	if (control_call_id_free(c, call_id) < 0 || control_index_find_peer(c, peer_call_id, NULL))
		return -EADDRINUSE;
	if (c->config->max_channels && c->call_count >= c->config->max_channels)
		return -ENOSPC;
	if (c->asked != asked || c->asked_call_id != peer_call_id)
		return -EPROTO;
	c->asked = CONTROL_ASKED_NOTHING;
	return 0;
}

static struct control_waiting *waiting(struct control_call *call)
{
	struct control_connection *c = call->connection;

	return call->waits_hung_up ? &c->hung_up : &c->waiting;
}

/*
 * Who waits for the same has waited for as long as the others, about: the place is near the end. Those that
 * were hung up wait for seconds only, so many of them would have to pass all others.
 */
static void wait_in_order(struct control_call *call)
{
	struct control_waiting *w;
	struct control_call *before;

	call->waits_hung_up = call->state == CONTROL_CALL_WAIT_DISCONNECT;
	w = waiting(call);
	before = w->last;
	while (before && control_call_deadline(before) > control_call_deadline(call))
		before = before->wait_prev;
	call->wait_prev = before;
	call->wait_next = before ? before->wait_next : w->first;
	*(before ? &before->wait_next : &w->first) = call;
	*(call->wait_next ? &call->wait_next->wait_prev : &w->last) = call;
}

static void wait_no_more(struct control_call *call)
{
	struct control_waiting *w = waiting(call);

	if (w->first != call && !call->wait_prev)
		return;
	*(call->wait_prev ? &call->wait_prev->wait_next : &w->first) = call->wait_next;
	*(call->wait_next ? &call->wait_next->wait_prev : &w->last) = call->wait_prev;
	call->wait_next = call->wait_prev = NULL;
}

struct control_call *control_call_next(const struct control_connection *c)
{
	struct control_call *a = c->waiting.first, *b = c->hung_up.first;

	if (!a || !b)
		return a ? a : b;
	return control_call_deadline(b) < control_call_deadline(a) ? b : a;
}

void control_call_scheduled(struct control_call *call)
{
	wait_no_more(call);
	if (control_call_deadline(call) != UINT64_MAX)
		wait_in_order(call);
}

void control_call_enter(struct control_call *call, enum control_call_state state, uint64_t timeout)
{
	call->state = state;
	call->deadline = control_connection_later(call->connection, timeout);
	control_call_scheduled(call);
}

bool control_call_is(const struct control_call *call, enum control_call_state state)
{
	return call->state == state && call->connection->state == CONTROL_ESTABLISHED;
}

/* Ours are the states in which the peer waits for us. */
static uint64_t patience(const struct control_connection *c, enum control_call_state state)
{
	return state == CONTROL_CALL_WAIT_REPLY ? control_connection_reply_timeout(c)
						: control_connection_answer_timeout(c);
}

void control_call_add(struct control_connection *c, struct control_call *call,
	enum control_call_role role, bool incoming, enum control_call_state state, uint16_t call_id)
{
	void *owner = call->owner;

	memset(call, 0, sizeof(*call));
	call->owner = owner;
	call->connection = c;
	call->role = role;
	call->incoming = incoming;
	call->call_id = call_id;
	call->end_reason = PPTP_NONE;
	control_call_enter(call, state, patience(c, state));
	call->next = c->calls;
	if (call->next)
		call->next->prev = call;
	c->calls = call;
	c->call_count++;
	control_index_add(c, call);
	control_connection_calls_changed(c);
}

void control_call_set_peer(
	struct control_call *call, uint16_t call_id, uint16_t window, uint16_t delay)
{
	if (!call->peer_call_id_known) {
		call->peer_call_id = call_id;
		call->peer_call_id_known = true;
		control_index_add_peer(call->connection, call);
	}
	call->peer_window = window;
	call->peer_delay = delay;
}

void control_call_end(struct control_call *call, enum pptp_reason reason, const char *detail)
{
	struct control_connection *c = call->connection;

	*(call->prev ? &call->prev->next : &c->calls) = call->next;
	if (call->next)
		call->next->prev = call->prev;
	c->call_count--;
	wait_no_more(call);
	control_index_remove(c, call);
	call->next = call->prev = NULL;
	call->connection = NULL;
	call->state = CONTROL_CALL_IDLE;
	call->deadline = UINT64_MAX;
	call->line_news = false;
	call->end_reason = reason;
	c->ops->call_ended(c->user, call, reason, detail);
	control_connection_calls_changed(c);
}

void control_call_outcome(struct control_call *call, uint8_t result, uint8_t error, uint16_t cause)
{
	call->result = result;
	call->error = error;
	call->cause = cause;
}

uint8_t control_call_error(uint8_t result, uint8_t error, uint8_t otherwise)
{
	if (result != CONTROL_DISCONNECT_GENERAL_ERROR)
		return CONTROL_ERROR_NONE;
	return error ? error : otherwise;
}

void control_call_copy_text(char *dst, const char *src, size_t len)
{
	for (size_t i = 0; src && i < 64 && (len ? i < len : src[i] != '\0'); i++)
		dst[i] = src[i];
}

void control_call_send_disconnect(struct control_call *call, const struct control_hangup *how)
{
	struct control_message m = { .type = CONTROL_CALL_DISCONNECT_NOTIFY };
	struct control_disconnect *d = &m.disconnect;

	d->call_id = call->call_id;
	d->result = how->result ? how->result : CONTROL_DISCONNECT_ADMIN_SHUTDOWN;
	d->error = control_call_error(d->result, how->error, CONTROL_ERROR_PAC_ERROR);
	d->cause = how->cause;
	for (size_t i = 0; how->statistics && i < sizeof(d->statistics) - 1 && how->statistics[i];
		i++)
		d->statistics[i] = how->statistics[i];
	control_connection_send(call->connection, &m);
}

void control_call_clear(struct control_call *call, enum pptp_reason reason)
{
	struct control_message m = { .type = CONTROL_CALL_CLEAR_REQUEST };

	control_call_enter(call, CONTROL_CALL_WAIT_DISCONNECT, CONTROL_STOP_TIMEOUT);
	call->end_reason = reason;
	m.clear_request.call_id = call->call_id;
	control_connection_send(call->connection, &m);
}

void control_call_refuse(
	struct control_call *call, uint8_t result, uint8_t error, uint16_t cause, uint64_t now)
{
	if (control_call_is(call, CONTROL_CALL_WAIT_CS_ANS)) {
		call->connection->now = now;
		control_outgoing_refuse(call, result, error, cause, PPTP_LOCAL_REQUEST, NULL);
	} else if (control_call_is(call, CONTROL_CALL_WAIT_DECISION)) {
		call->connection->now = now;
		control_incoming_refuse(call, result, error, PPTP_LOCAL_REQUEST, NULL);
	}
}

/* The PNS has not learnt our Call ID: a reply with an error, section 3.2.4.1. */
static void give_up_dialling(
	struct control_call *call, enum pptp_reason reason, const struct control_hangup *how)
{
	uint8_t result = CONTROL_OUTGOING_DO_NOT_ACCEPT;

	if (how->result == CONTROL_DISCONNECT_GENERAL_ERROR)
		result = CONTROL_OUTGOING_GENERAL_ERROR;
	else if (how->result == CONTROL_DISCONNECT_LOST_CARRIER)
		result = CONTROL_OUTGOING_NO_CARRIER;
	control_outgoing_refuse(call, result, how->error, how->cause, reason, "");
}

static void disconnect(
	struct control_call *call, enum pptp_reason reason, const struct control_hangup *how)
{
	if (call->state == CONTROL_CALL_WAIT_REPLY)
		owe(call->connection, call->call_id);
	control_call_send_disconnect(call, how);
	control_call_end(call, reason, "");
}

void control_call_hangup(struct control_call *call, enum pptp_reason reason,
	const struct control_hangup *how, uint64_t now)
{
	static const struct control_hangup plain = { .result = CONTROL_DISCONNECT_ADMIN_SHUTDOWN };

	/* Nothing for a call that is over, or is about to be ended with its connection. */
	if (call->state == CONTROL_CALL_IDLE || call->connection->state == CONTROL_CLOSED)
		return;
	call->connection->now = now;
	if (!how)
		how = &plain;
	switch (call->state) {
	case CONTROL_CALL_WAIT_CS_ANS:
		give_up_dialling(call, reason, how);
		break;
	case CONTROL_CALL_WAIT_DECISION:
		control_incoming_refuse(call,
			how->result == CONTROL_DISCONNECT_GENERAL_ERROR
				? CONTROL_INCOMING_GENERAL_ERROR
				: CONTROL_INCOMING_DO_NOT_ACCEPT,
			how->error, reason, "");
		break;
	case CONTROL_CALL_WAIT_DISCONNECT:
		break;
	default:
		if (call->role == CONTROL_PNS)
			control_call_clear(call, reason);
		else
			disconnect(call, reason, how);
		break;
	}
}

/*
 * A PNS's own Call ID: ours is asked for in every state in which we know it, also before our reply
 * (3.2.4.1) or before the line has answered (3.2.3.1).
 */
static void clear_requested(struct control_connection *c, uint16_t call_id)
{
	struct control_hangup how = { 0 };
	struct control_call *call = control_index_find_peer(c, call_id, NULL);

	while (call && call->role != CONTROL_PAC)
		call = control_index_find_peer(c, call_id, call);
	if (!call) {
		c->unknown_call_id++;
		return;
	}
	if (c->ops->call_clearing)
		c->ops->call_clearing(c->user, call, &how);
	how.result = CONTROL_DISCONNECT_REQUEST;
	control_call_send_disconnect(call, &how);
	control_call_end(call, PPTP_PEER_REQUEST, "Call-Clear-Request");
}

/*
 * The PNS call that a Call-Disconnect-Notify means. A call that was aborted before its reply has no
 * known Call ID of the PAC (section 2.13 overlooks that); a notification that fits no other call
 * is taken as its. Linux' NAT (nf_nat_pptp) has our own Call ID in it instead of the PAC's; as it lets
 * one call of a connection pass, that Call ID is an aborted call's before it is one of others.
 */
static struct control_call *find_disconnected(const struct control_connection *c, uint16_t call_id)
{
	struct control_call *named = NULL, *call = NULL, *own;

	while ((call = control_index_find_peer(c, call_id, call)) != NULL) {
		if (call->role == CONTROL_PNS &&
			(call->state == CONTROL_CALL_WAIT_DISCONNECT || !named))
			named = call;
	}
	if (named)
		return named;
	own = control_index_find_own(c, call_id);
	if (own && own->role != CONTROL_PNS)
		own = NULL;
	if (own && own->state == CONTROL_CALL_WAIT_DISCONNECT)
		return own;
	/* The one that waits longest. */
	call = c->hung_up.first;
	while (call && !(call->role == CONTROL_PNS && !call->peer_call_id_known))
		call = call->wait_next;
	/* Before its reply there was no Call ID that could have been replaced. */
	return call || (own && !own->peer_call_id_known) ? call : own;
}

static void disconnected(struct control_connection *c, const struct control_message *m)
{
	struct control_call *call = find_disconnected(c, m->disconnect.call_id);
	enum pptp_reason reason = m->disconnect.result == CONTROL_DISCONNECT_LOST_CARRIER
					  ? PPTP_LOST_CARRIER
					  : PPTP_PEER_REQUEST;
	char detail[CONTROL_DETAIL];

	if (!call) {
		c->unknown_call_id++;
		return;
	}
	if (call->state == CONTROL_CALL_WAIT_DISCONNECT)
		reason = call->end_reason;
	control_message_outcome(m, detail, sizeof(detail));
	control_call_outcome(call, m->disconnect.result, m->disconnect.error, m->disconnect.cause);
	call->disconnect = &m->disconnect;
	control_call_end(call, reason, detail);
}

void control_call_receive(struct control_connection *c, const struct control_message *m)
{
	switch (m->type) {
	case CONTROL_OUTGOING_CALL_REQUEST:
		control_outgoing_requested(c, &m->outgoing_request);
		break;
	case CONTROL_OUTGOING_CALL_REPLY:
		control_outgoing_replied(c, m);
		break;
	case CONTROL_INCOMING_CALL_REQUEST:
		control_incoming_requested(c, &m->incoming_request);
		break;
	case CONTROL_INCOMING_CALL_REPLY:
		control_incoming_replied(c, m);
		break;
	case CONTROL_INCOMING_CALL_CONNECTED:
		control_incoming_connected(c, &m->incoming_connected);
		break;
	case CONTROL_CALL_CLEAR_REQUEST:
		clear_requested(c, m->clear_request.call_id);
		break;
	case CONTROL_CALL_DISCONNECT_NOTIFY:
		disconnected(c, m);
		break;
	case CONTROL_WAN_ERROR_NOTIFY:
	case CONTROL_SET_LINK_INFO:
		control_line_reported(c, m);
		break;
	default: /* the connection's own, which do not come here */
		break;
	}
}

uint64_t control_call_deadline(const struct control_call *call)
{
	return call->line_news && call->line_next < call->deadline ? call->line_next
								   : call->deadline;
}

/*
 * Section 3.2.1: a peer that owes a transition for so long costs the ENTIRE control connection; what
 * this end owes, only the call.
 */
static void expired(struct control_call *call)
{
	static const char late[] = "this end did not answer the call in time";
	static const struct control_hangup no_carrier = { .result =
								  CONTROL_DISCONNECT_LOST_CARRIER };
	struct control_connection *c = call->connection;

	switch (call->state) {
	case CONTROL_CALL_WAIT_REPLY:
		control_connection_finish(c, PPTP_CONTROL_TIMEOUT,
			call->incoming ? "no Incoming-Call-Reply" : "no Outgoing-Call-Reply");
		break;
	case CONTROL_CALL_WAIT_CONNECT:
		control_connection_finish(c, PPTP_CONTROL_TIMEOUT, "no Incoming-Call-Connected");
		break;
	case CONTROL_CALL_WAIT_CS_ANS:
		control_outgoing_refuse(call, CONTROL_OUTGOING_TIME_OUT, CONTROL_ERROR_NONE, 0,
			PPTP_CALL_TIME_OUT, late);
		break;
	case CONTROL_CALL_WAIT_DECISION:
		control_incoming_refuse(call, CONTROL_INCOMING_DO_NOT_ACCEPT, CONTROL_ERROR_NONE,
			PPTP_CALL_TIME_OUT, late);
		break;
	case CONTROL_CALL_WAIT_ANSWER:
		control_call_send_disconnect(call, &no_carrier);
		control_call_end(call, PPTP_CALL_TIME_OUT, "the line was not answered in time");
		break;
	case CONTROL_CALL_WAIT_DISCONNECT:
		if (!call->peer_call_id_known)
			owe(c, call->call_id);
		control_call_end(call, call->end_reason, "no Call-Disconnect-Notify");
		break;
	case CONTROL_CALL_IDLE:
	case CONTROL_CALL_ESTABLISHED:
		call->deadline = UINT64_MAX;
		control_call_scheduled(call);
		break;
	}
}

void control_call_tick(struct control_connection *c)
{
	struct control_call *call;

	/* A callback may change the lists. */
	while ((call = control_call_next(c)) != NULL && control_call_deadline(call) <= c->now) {
		if (call->deadline <= c->now)
			expired(call);
		else
			control_line_tick(call);
	}
}
