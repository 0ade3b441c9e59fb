/* Fields of the control messages (RFC 2637 section 2) for JSON: see print_control.h. */
#include "tools/decode/print_control.h"

struct field {
	const char *name;
	uint64_t value;
};

static void ints(struct decode_print *p, const struct field *fields, size_t count)
{
	for (size_t i = 0; i < count; i++)
		decode_print_int(p, fields[i].name, fields[i].value);
}

#define INTS(p, ...)                                                                               \
	do {                                                                                       \
		const struct field fields_[] = { __VA_ARGS__ };                                    \
		ints(p, fields_, sizeof(fields_) / sizeof(fields_[0]));                            \
	} while (0)

/* A fixed-size field without its padding; NULs inside stay (Windows' Subaddress is binary). */
static void text_field(struct decode_print *p, const char *key, const char *text, size_t size)
{
	while (size && !text[size - 1])
		size--;
	decode_print_bytes(p, key, text, size);
}

#define TEXT(p, key, field) text_field(p, key, field, sizeof(field))

static void result_fields(struct decode_print *p, const struct control_message *m,
	unsigned int result, unsigned int error)
{
	decode_print_int(p, "result", result);
	decode_print_string(p, "result_text", control_result_text(m->type, result));
	decode_print_int(p, "error", error);
	decode_print_string(p, "error_text", control_error_text(error));
}

static void start_fields(struct decode_print *p, const struct control_message *m)
{
	const struct control_start *s = &m->start;

	INTS(p, { "version", s->version }, { "framing", s->framing }, { "bearer", s->bearer },
		{ "max_channels", s->max_channels }, { "firmware", s->firmware });
	TEXT(p, "host_name", s->host_name);
	TEXT(p, "vendor", s->vendor);
	if (m->type == CONTROL_START_REPLY)
		result_fields(p, m, s->result, s->error);
}

static void outgoing_fields(struct decode_print *p, const struct control_message *m)
{
	if (m->type == CONTROL_OUTGOING_CALL_REQUEST) {
		const struct control_outgoing_request *o = &m->outgoing_request;

		INTS(p, { "call_id", o->call_id }, { "serial", o->serial },
			{ "min_bps", o->min_bps }, { "max_bps", o->max_bps },
			{ "bearer", o->bearer }, { "framing", o->framing }, { "window", o->window },
			{ "processing_delay", o->processing_delay });
		TEXT(p, "phone", o->phone);
		TEXT(p, "subaddress", o->subaddress);
	} else {
		const struct control_outgoing_reply *o = &m->outgoing_reply;

		INTS(p, { "call_id", o->call_id }, { "peer_call_id", o->peer_call_id },
			{ "cause", o->cause }, { "connect_speed", o->connect_speed },
			{ "window", o->window }, { "processing_delay", o->processing_delay },
			{ "physical_channel", o->physical_channel });
		result_fields(p, m, o->result, o->error);
	}
}

static void incoming_fields(struct decode_print *p, const struct control_message *m)
{
	if (m->type == CONTROL_INCOMING_CALL_REQUEST) {
		const struct control_incoming_request *i = &m->incoming_request;

		INTS(p, { "call_id", i->call_id }, { "serial", i->serial }, { "bearer", i->bearer },
			{ "physical_channel", i->physical_channel });
		TEXT(p, "dialed", i->dialed);
		TEXT(p, "dialing", i->dialing);
		TEXT(p, "subaddress", i->subaddress);
	} else if (m->type == CONTROL_INCOMING_CALL_REPLY) {
		const struct control_incoming_reply *i = &m->incoming_reply;

		INTS(p, { "call_id", i->call_id }, { "peer_call_id", i->peer_call_id },
			{ "window", i->window }, { "processing_delay", i->processing_delay });
		result_fields(p, m, i->result, i->error);
	} else {
		const struct control_incoming_connected *i = &m->incoming_connected;

		INTS(p, { "peer_call_id", i->peer_call_id }, { "connect_speed", i->connect_speed },
			{ "window", i->window }, { "processing_delay", i->processing_delay },
			{ "framing", i->framing });
	}
}

static void call_fields(struct decode_print *p, const struct control_message *m)
{
	const struct control_wan_error *w = &m->wan_error;

	switch (m->type) {
	case CONTROL_CALL_CLEAR_REQUEST:
		decode_print_int(p, "call_id", m->clear_request.call_id);
		break;
	case CONTROL_CALL_DISCONNECT_NOTIFY:
		INTS(p, { "call_id", m->disconnect.call_id }, { "cause", m->disconnect.cause });
		result_fields(p, m, m->disconnect.result, m->disconnect.error);
		TEXT(p, "statistics", m->disconnect.statistics);
		break;
	case CONTROL_WAN_ERROR_NOTIFY:
		INTS(p, { "peer_call_id", w->peer_call_id }, { "crc_errors", w->crc },
			{ "framing_errors", w->framing }, { "hardware_overruns", w->hardware },
			{ "buffer_overruns", w->buffer }, { "time_out_errors", w->time_out },
			{ "alignment_errors", w->alignment });
		break;
	default:
		INTS(p, { "peer_call_id", m->link_info.peer_call_id },
			{ "send_accm", m->link_info.send_accm },
			{ "receive_accm", m->link_info.receive_accm });
	}
}

void decode_print_control(struct decode_print *p, const struct control_message *m)
{
	if (!p->json)
		return;
	decode_print_string(p, "message", control_type_name(m->type));
	switch (m->type) {
	case CONTROL_START_REQUEST:
	case CONTROL_START_REPLY:
		start_fields(p, m);
		break;
	case CONTROL_STOP_REQUEST:
		decode_print_int(p, "reason", m->stop_request.reason);
		break;
	case CONTROL_STOP_REPLY:
		result_fields(p, m, m->stop_reply.result, m->stop_reply.error);
		break;
	case CONTROL_ECHO_REQUEST:
		decode_print_int(p, "identifier", m->echo_request.identifier);
		break;
	case CONTROL_ECHO_REPLY:
		decode_print_int(p, "identifier", m->echo_reply.identifier);
		result_fields(p, m, m->echo_reply.result, m->echo_reply.error);
		break;
	case CONTROL_OUTGOING_CALL_REQUEST:
	case CONTROL_OUTGOING_CALL_REPLY:
		outgoing_fields(p, m);
		break;
	case CONTROL_INCOMING_CALL_REQUEST:
	case CONTROL_INCOMING_CALL_REPLY:
	case CONTROL_INCOMING_CALL_CONNECTED:
		incoming_fields(p, m);
		break;
	default:
		call_fields(p, m);
	}
}
