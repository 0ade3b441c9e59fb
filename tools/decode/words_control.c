/* Fields of the control messages (RFC 2637 section 2) see words_control.h. */
#include "tools/decode/words_control.h"

struct field {
	const char *name;
	uint64_t value;
};

static void ints(struct decode_event *e, const struct field *fields, size_t count)
{
	for (size_t i = 0; i < count; i++)
		decode_event_int(e, fields[i].name, fields[i].value);
}

#define INTS(e, ...)                                                                               \
	do {                                                                                       \
		const struct field fields_[] = { __VA_ARGS__ };                                    \
		ints(e, fields_, sizeof(fields_) / sizeof(fields_[0]));                            \
	} while (0)

/* A fixed-size field without its padding; NULs inside stay (Windows' Subaddress is binary). */
static void text_field(struct decode_event *e, const char *key, const char *text, size_t size)
{
	while (size && !text[size - 1])
		size--;
	decode_event_bytes(e, key, text, size);
}

#define TEXT(e, key, field) text_field(e, key, field, sizeof(field))

static void result_fields(struct decode_event *e, const struct control_message *m,
	unsigned int result, unsigned int error)
{
	decode_event_int(e, "result", result);
	decode_event_string(e, "result_text", control_result_text(m->type, result));
	decode_event_int(e, "error", error);
	decode_event_string(e, "error_text", control_error_text(error));
}

static void start_fields(struct decode_event *e, const struct control_message *m)
{
	const struct control_start *s = &m->start;

	INTS(e, { "version", s->version }, { "framing", s->framing }, { "bearer", s->bearer },
		{ "max_channels", s->max_channels }, { "firmware", s->firmware });
	TEXT(e, "host_name", s->host_name);
	TEXT(e, "vendor", s->vendor);
	if (m->type == CONTROL_START_REPLY)
		result_fields(e, m, s->result, s->error);
}

static void outgoing_fields(struct decode_event *e, const struct control_message *m)
{
	if (m->type == CONTROL_OUTGOING_CALL_REQUEST) {
		const struct control_outgoing_request *o = &m->outgoing_request;

		INTS(e, { "call_id", o->call_id }, { "serial", o->serial },
			{ "min_bps", o->min_bps }, { "max_bps", o->max_bps },
			{ "bearer", o->bearer }, { "framing", o->framing }, { "window", o->window },
			{ "processing_delay", o->processing_delay },
			{ "phone_length", o->phone_length });
		TEXT(e, "phone", o->phone);
		TEXT(e, "subaddress", o->subaddress);
	} else {
		const struct control_outgoing_reply *o = &m->outgoing_reply;

		INTS(e, { "call_id", o->call_id }, { "peer_call_id", o->peer_call_id },
			{ "cause", o->cause }, { "connect_speed", o->connect_speed },
			{ "window", o->window }, { "processing_delay", o->processing_delay },
			{ "physical_channel", o->physical_channel });
		result_fields(e, m, o->result, o->error);
	}
}

static void incoming_fields(struct decode_event *e, const struct control_message *m)
{
	if (m->type == CONTROL_INCOMING_CALL_REQUEST) {
		const struct control_incoming_request *i = &m->incoming_request;

		INTS(e, { "call_id", i->call_id }, { "serial", i->serial }, { "bearer", i->bearer },
			{ "physical_channel", i->physical_channel },
			{ "dialed_length", i->dialed_length },
			{ "dialing_length", i->dialing_length });
		TEXT(e, "dialed", i->dialed);
		TEXT(e, "dialing", i->dialing);
		TEXT(e, "subaddress", i->subaddress);
	} else if (m->type == CONTROL_INCOMING_CALL_REPLY) {
		const struct control_incoming_reply *i = &m->incoming_reply;

		INTS(e, { "call_id", i->call_id }, { "peer_call_id", i->peer_call_id },
			{ "window", i->window }, { "processing_delay", i->processing_delay });
		result_fields(e, m, i->result, i->error);
	} else {
		const struct control_incoming_connected *i = &m->incoming_connected;

		INTS(e, { "peer_call_id", i->peer_call_id }, { "connect_speed", i->connect_speed },
			{ "window", i->window }, { "processing_delay", i->processing_delay },
			{ "framing", i->framing });
	}
}

static void call_fields(struct decode_event *e, const struct control_message *m)
{
	const struct control_wan_error *w = &m->wan_error;

	switch (m->type) {
	case CONTROL_CALL_CLEAR_REQUEST:
		decode_event_int(e, "call_id", m->clear_request.call_id);
		break;
	case CONTROL_CALL_DISCONNECT_NOTIFY:
		INTS(e, { "call_id", m->disconnect.call_id }, { "cause", m->disconnect.cause });
		result_fields(e, m, m->disconnect.result, m->disconnect.error);
		TEXT(e, "statistics", m->disconnect.statistics);
		break;
	case CONTROL_WAN_ERROR_NOTIFY:
		INTS(e, { "peer_call_id", w->peer_call_id }, { "crc_errors", w->crc },
			{ "framing_errors", w->framing }, { "hardware_overruns", w->hardware },
			{ "buffer_overruns", w->buffer }, { "time_out_errors", w->time_out },
			{ "alignment_errors", w->alignment });
		break;
	default:
		INTS(e, { "peer_call_id", m->link_info.peer_call_id },
			{ "send_accm", m->link_info.send_accm },
			{ "receive_accm", m->link_info.receive_accm });
	}
}

/* What is common to all, and what the RFC reserves: not in the message as it was decoded. */
static void header_fields(
	struct decode_event *e, const struct control_message *m, struct wire_reader r)
{
	/* Places of "Reserved1", from the message's beginning; 0: it has none. */
	static const uint8_t reserved[] = { [CONTROL_START_REQUEST] = 14,
		[CONTROL_STOP_REQUEST] = 14,
		[CONTROL_STOP_REPLY] = 14,
		[CONTROL_ECHO_REPLY] = 18,
		[CONTROL_OUTGOING_CALL_REQUEST] = 38,
		[CONTROL_INCOMING_CALL_REPLY] = 22,
		[CONTROL_INCOMING_CALL_CONNECTED] = 14,
		[CONTROL_CALL_CLEAR_REQUEST] = 14,
		[CONTROL_CALL_DISCONNECT_NOTIFY] = 18,
		[CONTROL_WAN_ERROR_NOTIFY] = 14,
		[CONTROL_SET_LINK_INFO] = 14 };
	size_t at = reserved[m->type];
	struct wire_reader behind = r;

	decode_event_int(e, "length", wire_u16(&r));
	decode_event_int(e, "pptp_type", wire_u16(&r));
	decode_event_int(e, "magic_cookie", wire_u32(&r));
	decode_event_int(e, "control_type", wire_u16(&r));
	decode_event_int(e, "reserved0", wire_u16(&r));
	if (m->type == CONTROL_STOP_REQUEST) {
		wire_skip(&r, 1);
		decode_event_int(e, "reserved1", wire_u8(&r));
		decode_event_int(e, "reserved2", wire_u16(&r));
	} else if (at) {
		wire_skip(&behind, at);
		decode_event_int(e, "reserved1", wire_u16(&behind));
	}
}

void decode_words_control(
	struct decode_event *e, const struct control_message *m, struct wire_reader raw)
{
	decode_event_string(e, "message", control_type_name(m->type));
	header_fields(e, m, raw);
	switch (m->type) {
	case CONTROL_START_REQUEST:
	case CONTROL_START_REPLY:
		start_fields(e, m);
		break;
	case CONTROL_STOP_REQUEST:
		decode_event_int(e, "reason", m->stop_request.reason);
		break;
	case CONTROL_STOP_REPLY:
		result_fields(e, m, m->stop_reply.result, m->stop_reply.error);
		break;
	case CONTROL_ECHO_REQUEST:
		decode_event_int(e, "identifier", m->echo_request.identifier);
		break;
	case CONTROL_ECHO_REPLY:
		decode_event_int(e, "identifier", m->echo_reply.identifier);
		result_fields(e, m, m->echo_reply.result, m->echo_reply.error);
		break;
	case CONTROL_OUTGOING_CALL_REQUEST:
	case CONTROL_OUTGOING_CALL_REPLY:
		outgoing_fields(e, m);
		break;
	case CONTROL_INCOMING_CALL_REQUEST:
	case CONTROL_INCOMING_CALL_REPLY:
	case CONTROL_INCOMING_CALL_CONNECTED:
		incoming_fields(e, m);
		break;
	default:
		call_fields(e, m);
	}
}
