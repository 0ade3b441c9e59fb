/*
 * Control messages in words: names, result and error codes (RFC 2637 sections 2.2 to 2.16), and one
 * line for logs. What a peer chose freely is escaped; nothing here can fail.
 */
#include "lib/control/message.h"

#include "lib/control/text.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const names[] = {
	[CONTROL_START_REQUEST] = "Start-Control-Connection-Request",
	[CONTROL_START_REPLY] = "Start-Control-Connection-Reply",
	[CONTROL_STOP_REQUEST] = "Stop-Control-Connection-Request",
	[CONTROL_STOP_REPLY] = "Stop-Control-Connection-Reply",
	[CONTROL_ECHO_REQUEST] = "Echo-Request",
	[CONTROL_ECHO_REPLY] = "Echo-Reply",
	[CONTROL_OUTGOING_CALL_REQUEST] = "Outgoing-Call-Request",
	[CONTROL_OUTGOING_CALL_REPLY] = "Outgoing-Call-Reply",
	[CONTROL_INCOMING_CALL_REQUEST] = "Incoming-Call-Request",
	[CONTROL_INCOMING_CALL_REPLY] = "Incoming-Call-Reply",
	[CONTROL_INCOMING_CALL_CONNECTED] = "Incoming-Call-Connected",
	[CONTROL_CALL_CLEAR_REQUEST] = "Call-Clear-Request",
	[CONTROL_CALL_DISCONNECT_NOTIFY] = "Call-Disconnect-Notify",
	[CONTROL_WAN_ERROR_NOTIFY] = "WAN-Error-Notify",
	[CONTROL_SET_LINK_INFO] = "Set-Link-Info",
};

static const char *const start_results[] = {
	[CONTROL_START_OK] = "success",
	[CONTROL_START_GENERAL_ERROR] = "general error",
	[CONTROL_START_EXISTS] = "a control connection already exists",
	[CONTROL_START_NOT_AUTHORIZED] = "not authorized",
	[CONTROL_START_BAD_VERSION] = "protocol version not supported",
};

static const char *const stop_reasons[] = {
	[CONTROL_STOP_NONE] = "no special reason",
	[CONTROL_STOP_PROTOCOL] = "protocol version not supported",
	[CONTROL_STOP_LOCAL_SHUTDOWN] = "shutting down",
};

static const char *const plain_results[] = { [1] = "ok", [2] = "general error" };

static const char *const outgoing_results[] = {
	[CONTROL_OUTGOING_CONNECTED] = "connected",
	[CONTROL_OUTGOING_GENERAL_ERROR] = "general error",
	[CONTROL_OUTGOING_NO_CARRIER] = "no carrier",
	[CONTROL_OUTGOING_BUSY] = "busy",
	[CONTROL_OUTGOING_NO_DIAL_TONE] = "no dial tone",
	[CONTROL_OUTGOING_TIME_OUT] = "time-out",
	[CONTROL_OUTGOING_DO_NOT_ACCEPT] = "not accepted",
};

static const char *const incoming_results[] = {
	[CONTROL_INCOMING_CONNECT] = "connect",
	[CONTROL_INCOMING_GENERAL_ERROR] = "general error",
	[CONTROL_INCOMING_DO_NOT_ACCEPT] = "not accepted",
};

static const char *const disconnect_results[] = {
	[0] = "no result given", /* Windows */
	[CONTROL_DISCONNECT_LOST_CARRIER] = "lost carrier",
	[CONTROL_DISCONNECT_GENERAL_ERROR] = "general error",
	[CONTROL_DISCONNECT_ADMIN_SHUTDOWN] = "closed by the administrator",
	[CONTROL_DISCONNECT_REQUEST] = "closed on request",
};

static const char *const errors[] = {
	[CONTROL_ERROR_NONE] = "none",
	[CONTROL_ERROR_NOT_CONNECTED] = "not connected",
	[CONTROL_ERROR_BAD_FORMAT] = "bad format",
	[CONTROL_ERROR_BAD_VALUE] = "bad value",
	[CONTROL_ERROR_NO_RESOURCE] = "no resources",
	[CONTROL_ERROR_BAD_CALL_ID] = "bad Call ID",
	[CONTROL_ERROR_PAC_ERROR] = "vendor-specific error of the PAC",
};

static const char *pick(const char *const *table, size_t count, unsigned int index)
{
	return index < count && table[index] ? table[index] : "unknown";
}

const char *control_type_name(unsigned int type)
{
	return pick(names, COUNT(names), type);
}

const char *control_result_text(enum control_type type, unsigned int result)
{
	switch (type) {
	case CONTROL_START_REPLY:
		return pick(start_results, COUNT(start_results), result);
	case CONTROL_STOP_REQUEST:
		return pick(stop_reasons, COUNT(stop_reasons), result);
	case CONTROL_STOP_REPLY:
	case CONTROL_ECHO_REPLY:
		return pick(plain_results, COUNT(plain_results), result);
	case CONTROL_OUTGOING_CALL_REPLY:
		return pick(outgoing_results, COUNT(outgoing_results), result);
	case CONTROL_INCOMING_CALL_REPLY:
		return pick(incoming_results, COUNT(incoming_results), result);
	case CONTROL_CALL_DISCONNECT_NOTIFY:
		return pick(disconnect_results, COUNT(disconnect_results), result);
	default:
		return "unknown";
	}
}

const char *control_error_text(unsigned int error)
{
	return pick(errors, COUNT(errors), error);
}

static void put_pair(struct text *t, const char *label, uint64_t value)
{
	text_char(t, ' ');
	text_put(t, label);
	text_char(t, ' ');
	text_number(t, value);
}

static void put_text(struct text *t, const char *label, const char *bytes, size_t n)
{
	text_char(t, ' ');
	text_put(t, label);
	text_char(t, ' ');
	text_opaque(t, bytes, n);
}

/* "busy (result 4)", "general error (result 2), no resources (error 4)", "..., cause 17" */
static void put_outcome(struct text *t, const struct control_message *m)
{
	unsigned int result, error = 0, cause = 0;

	switch (m->type) {
	case CONTROL_START_REPLY:
		result = m->start.result;
		error = m->start.error;
		break;
	case CONTROL_STOP_REQUEST:
		result = m->stop_request.reason;
		break;
	case CONTROL_STOP_REPLY:
		result = m->stop_reply.result;
		error = m->stop_reply.error;
		break;
	case CONTROL_ECHO_REPLY:
		result = m->echo_reply.result;
		error = m->echo_reply.error;
		break;
	case CONTROL_OUTGOING_CALL_REPLY:
		result = m->outgoing_reply.result;
		error = m->outgoing_reply.error;
		cause = m->outgoing_reply.cause;
		break;
	case CONTROL_INCOMING_CALL_REPLY:
		result = m->incoming_reply.result;
		error = m->incoming_reply.error;
		break;
	case CONTROL_CALL_DISCONNECT_NOTIFY:
		result = m->disconnect.result;
		error = m->disconnect.error;
		cause = m->disconnect.cause;
		break;
	default:
		return;
	}
	text_put(t, control_result_text(m->type, result));
	text_put(t, m->type == CONTROL_STOP_REQUEST ? " (reason " : " (result ");
	text_number(t, result);
	text_char(t, ')');
	if (error) {
		text_put(t, ", ");
		text_put(t, control_error_text(error));
		text_put(t, " (error ");
		text_number(t, error);
		text_char(t, ')');
	}
	if (cause) {
		text_put(t, ", cause ");
		text_number(t, cause);
	}
}

int control_message_outcome(const struct control_message *m, char *buf, size_t size)
{
	struct text t = text_begin(buf, size);

	put_outcome(&t, m);
	return (int)t.len;
}

static void put_start(struct text *t, const struct control_start *s)
{
	text_put(t, " version ");
	text_number(t, s->version >> 8);
	text_char(t, '.');
	text_number(t, s->version & 0xff);
	put_pair(t, "framing", s->framing);
	put_pair(t, "bearer", s->bearer);
	put_pair(t, "channels", s->max_channels);
	put_pair(t, "firmware", s->firmware);
	put_text(t, "host", s->host_name, sizeof(s->host_name) - 1);
	put_text(t, "vendor", s->vendor, sizeof(s->vendor) - 1);
}

static void put_outgoing_request(struct text *t, const struct control_outgoing_request *q)
{
	put_pair(t, "call", q->call_id);
	put_pair(t, "serial", q->serial);
	text_char(t, ' ');
	text_number(t, q->min_bps);
	text_put(t, "..");
	text_number(t, q->max_bps);
	text_put(t, " bps");
	put_pair(t, "bearer", q->bearer);
	put_pair(t, "framing", q->framing);
	put_pair(t, "window", q->window);
	put_pair(t, "delay", q->processing_delay);
	put_text(t, "phone", q->phone, sizeof(q->phone) - 1);
	put_text(t, "subaddress", q->subaddress, sizeof(q->subaddress) - 1);
}

static void put_outgoing_reply(struct text *t, const struct control_outgoing_reply *p)
{
	put_pair(t, "call", p->call_id);
	put_pair(t, "peer's call", p->peer_call_id);
	put_pair(t, "speed", p->connect_speed);
	put_pair(t, "window", p->window);
	put_pair(t, "delay", p->processing_delay);
	put_pair(t, "channel", p->physical_channel);
}

static void put_incoming_request(struct text *t, const struct control_incoming_request *q)
{
	put_pair(t, "call", q->call_id);
	put_pair(t, "serial", q->serial);
	put_pair(t, "bearer", q->bearer);
	put_pair(t, "channel", q->physical_channel);
	put_text(t, "dialed", q->dialed, sizeof(q->dialed) - 1);
	put_text(t, "dialing", q->dialing, sizeof(q->dialing) - 1);
	put_text(t, "subaddress", q->subaddress, sizeof(q->subaddress) - 1);
}

static void put_incoming_reply(struct text *t, const struct control_incoming_reply *p)
{
	put_pair(t, "call", p->call_id);
	put_pair(t, "peer's call", p->peer_call_id);
	put_pair(t, "window", p->window);
	put_pair(t, "delay", p->processing_delay);
}

static void put_incoming_connected(struct text *t, const struct control_incoming_connected *k)
{
	put_pair(t, "peer's call", k->peer_call_id);
	put_pair(t, "speed", k->connect_speed);
	put_pair(t, "window", k->window);
	put_pair(t, "delay", k->processing_delay);
	put_pair(t, "framing", k->framing);
}

static void put_wan_error(struct text *t, const struct control_wan_error *e)
{
	put_pair(t, "peer's call", e->peer_call_id);
	put_pair(t, "CRC", e->crc);
	put_pair(t, "framing", e->framing);
	put_pair(t, "hardware", e->hardware);
	put_pair(t, "buffer", e->buffer);
	put_pair(t, "time-out", e->time_out);
	put_pair(t, "alignment", e->alignment);
}

static void put_link_info(struct text *t, const struct control_link_info *i)
{
	put_pair(t, "peer's call", i->peer_call_id);
	text_put(t, " ACCM send ");
	text_hex(t, i->send_accm, 8);
	text_put(t, " receive ");
	text_hex(t, i->receive_accm, 8);
}

static void put_fields(struct text *t, const struct control_message *m)
{
	switch (m->type) {
	case CONTROL_START_REQUEST:
	case CONTROL_START_REPLY:
		put_start(t, &m->start);
		break;
	case CONTROL_STOP_REQUEST:
	case CONTROL_STOP_REPLY:
		break;
	case CONTROL_ECHO_REQUEST:
		put_pair(t, "identifier", m->echo_request.identifier);
		break;
	case CONTROL_ECHO_REPLY:
		put_pair(t, "identifier", m->echo_reply.identifier);
		break;
	case CONTROL_OUTGOING_CALL_REQUEST:
		put_outgoing_request(t, &m->outgoing_request);
		break;
	case CONTROL_OUTGOING_CALL_REPLY:
		put_outgoing_reply(t, &m->outgoing_reply);
		break;
	case CONTROL_INCOMING_CALL_REQUEST:
		put_incoming_request(t, &m->incoming_request);
		break;
	case CONTROL_INCOMING_CALL_REPLY:
		put_incoming_reply(t, &m->incoming_reply);
		break;
	case CONTROL_INCOMING_CALL_CONNECTED:
		put_incoming_connected(t, &m->incoming_connected);
		break;
	case CONTROL_CALL_CLEAR_REQUEST:
		put_pair(t, "call", m->clear_request.call_id);
		break;
	case CONTROL_CALL_DISCONNECT_NOTIFY:
		put_pair(t, "call", m->disconnect.call_id);
		put_text(t, "statistics", m->disconnect.statistics,
			sizeof(m->disconnect.statistics) - 1);
		break;
	case CONTROL_WAN_ERROR_NOTIFY:
		put_wan_error(t, &m->wan_error);
		break;
	case CONTROL_SET_LINK_INFO:
		put_link_info(t, &m->link_info);
		break;
	}
}

int control_message_format(const struct control_message *m, char *buf, size_t size)
{
	char outcome[128];
	struct text t = text_begin(buf, size);

	text_put(&t, control_type_name(m->type));
	put_fields(&t, m);
	if (control_message_outcome(m, outcome, sizeof(outcome)) > 0) {
		text_put(&t, ": ");
		text_put(&t, outcome);
	}
	return (int)t.len;
}
