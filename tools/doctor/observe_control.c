/* Control connections (RFC 2637 sections 2 and 3): see observe.h. */
#include "tools/doctor/observe.h"

#include "lib/control/message.h"

#include <string.h>

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_ACK 0x10

/* A reply to a call's request. */
static void call_replied(struct observe_connection *c, struct observe_call *call,
	const struct decode_event *e, unsigned int result, uint16_t window)
{
	observe_hit(&c->call_reply, &e->meta);
	if (result != CONTROL_OUTGOING_CONNECTED) { /* 1 for both kinds */
		observe_hit(&c->call_refused, &e->meta);
		c->refused_result = result;
		c->refused_incoming = e->message->type == CONTROL_INCOMING_CALL_REPLY;
		control_message_outcome(e->message, c->refused_words, sizeof(c->refused_words));
		return;
	}
	if (!call)
		return;
	call->from_control = true;
	if (e->message->type == CONTROL_OUTGOING_CALL_REPLY) {
		call->side[0].window = c->request_window;
		call->side[1].window = window;
		observe_hit(&call->connected, &e->meta);
	} else {
		call->side[0].window = window;
	}
}

/* What ends a connection ends its calls. */
static void calls_end(struct observe *o, const struct observe_connection *c, enum observe_end how,
	unsigned int side, const struct decode_meta *meta)
{
	for (unsigned int i = 0; i < o->call_count; i++) {
		struct observe_call *call = o->calls[i];
		unsigned int of = side ? 1 - call->client : call->client;

		if (call->connection == c->number)
			observe_end(
				call, how, of, meta, how == OBSERVE_END_STOP ? c->stop_words : "");
	}
}

static void stop_run(struct observe *o, struct observe_connection *c, const struct decode_event *e)
{
	const struct control_message *m = e->message;

	if (m->type == CONTROL_STOP_REQUEST) {
		observe_hit(&c->stop[e->side & 1], &e->meta);
		c->stop_reason = m->stop_request.reason;
		control_message_outcome(m, c->stop_words, sizeof(c->stop_words));
		calls_end(o, c, OBSERVE_END_STOP, e->side & 1, &e->meta);
	} else if (m->stop_reply.result != 1) {
		observe_hit(&c->stop_refused, &e->meta);
		control_message_outcome(m, c->stop_words, sizeof(c->stop_words));
	}
}

static void call_message(
	struct observe_connection *c, struct observe_call *call, const struct decode_event *e)
{
	const struct control_message *m = e->message;
	char words[OBSERVE_WORDS * 2];

	switch (m->type) {
	case CONTROL_OUTGOING_CALL_REQUEST:
		c->request_window = m->outgoing_request.window;
		observe_hit(&c->call_request, &e->meta);
		break;
	case CONTROL_INCOMING_CALL_REQUEST:
		observe_hit(&c->call_request, &e->meta);
		break;
	case CONTROL_OUTGOING_CALL_REPLY:
		call_replied(c, call, e, m->outgoing_reply.result, m->outgoing_reply.window);
		break;
	case CONTROL_INCOMING_CALL_REPLY:
		call_replied(c, call, e, m->incoming_reply.result, m->incoming_reply.window);
		break;
	case CONTROL_INCOMING_CALL_CONNECTED:
		if (call) {
			call->from_control = true;
			call->side[1].window = m->incoming_connected.window;
			observe_hit(&call->connected, &e->meta);
		}
		break;
	case CONTROL_CALL_CLEAR_REQUEST:
		observe_hit(&c->clear, &e->meta);
		if (call) /* from the PNS, always */
			observe_end(call, OBSERVE_END_CLEAR, 0, &e->meta, "");
		break;
	case CONTROL_CALL_DISCONNECT_NOTIFY:
		observe_hit(&c->disconnect, &e->meta);
		control_message_outcome(m, words, sizeof(words));
		if (call) {
			call->has_disconnect = true;
			call->disconnect_result = m->disconnect.result;
			observe_end(call, OBSERVE_END_DISCONNECT, 1, &e->meta, words);
		}
		break;
	default:
		break;
	}
}

void observe_control(struct observe *o, struct observe_connection *c, struct observe_call *call,
	const struct decode_event *e)
{
	const struct control_message *m = e->message;
	unsigned int side = e->side & 1;

	if (!m) {
		if (e->malformed) {
			observe_hit(&c->malformed, &e->meta);
			observe_words(c->malformed_words, sizeof(c->malformed_words), e->text);
		}
		return;
	}
	switch (m->type) {
	case CONTROL_START_REQUEST:
		observe_hit(&c->start_request, &e->meta);
		c->by_doctor = !strncmp(m->start.vendor, OBSERVE_DOCTOR, sizeof(m->start.vendor));
		break;
	case CONTROL_START_REPLY:
		observe_hit(&c->start_reply, &e->meta);
		c->start_result = m->start.result;
		c->start_error = m->start.error;
		break;
	case CONTROL_STOP_REQUEST:
	case CONTROL_STOP_REPLY:
		stop_run(o, c, e);
		break;
	case CONTROL_ECHO_REQUEST:
		observe_hit(&c->echo[side], &e->meta);
		c->echo_unanswered[side]++;
		break;
	case CONTROL_ECHO_REPLY:
		c->echo_unanswered[1 - side] = 0;
		c->echo[1 - side] = (struct observe_mark){ 0 };
		break;
	default:
		call_message(c, call, e);
		break;
	}
}

void observe_tcp(struct observe *o, struct observe_connection *c, const struct decode_event *e)
{
	unsigned int side = e->side & 1;
	uint8_t flags = e->tcp ? e->tcp->flags : 0;

	if (!e->tcp)
		return;
	if (e->tcp->missing) {
		c->missing += e->tcp->missing;
		observe_hit(&c->missing_mark, &e->meta);
	}
	if (flags & TCP_SYN) {
		observe_hit(flags & TCP_ACK ? &c->accepted : &c->syn, &e->meta);
	} else if (flags & TCP_RST) {
		observe_hit(&c->rst[side], &e->meta);
		calls_end(o, c, OBSERVE_END_RST, side, &e->meta);
	} else if (flags & TCP_FIN) {
		observe_hit(&c->fin[side], &e->meta);
		calls_end(o, c, OBSERVE_END_FIN, side, &e->meta);
	}
}
