/*
 * Codec of the 15 control messages: RFC 2637 sections 1.4 (header) and 2.1 to 2.15 (bodies). The
 * texts are in message_text.c.
 *
 * Invariants: a message is decoded only if its length is exactly that of its type, so every reader
 * below ends at the last byte; reserved fields are written as 0 and never looked at.
 */
#include "lib/control/message.h"

#include "lib/wire.h"

#include <errno.h>

#define PPTP_CONTROL_MESSAGE 1  /* the only PPTP message type in use, section 1.4 */
#define TEXT_SIZE            64 /* host name, vendor, phone numbers, subaddress */
#define STATISTICS_SIZE      128

/* Whole length of each message, header included. */
static const uint16_t lengths[] = {
	[CONTROL_START_REQUEST] = 156,
	[CONTROL_START_REPLY] = 156,
	[CONTROL_STOP_REQUEST] = 16,
	[CONTROL_STOP_REPLY] = 16,
	[CONTROL_ECHO_REQUEST] = 16,
	[CONTROL_ECHO_REPLY] = 20,
	[CONTROL_OUTGOING_CALL_REQUEST] = 168,
	[CONTROL_OUTGOING_CALL_REPLY] = 32,
	[CONTROL_INCOMING_CALL_REQUEST] = CONTROL_MESSAGE_MAX,
	[CONTROL_INCOMING_CALL_REPLY] = 24,
	[CONTROL_INCOMING_CALL_CONNECTED] = 28,
	[CONTROL_CALL_CLEAR_REQUEST] = 16,
	[CONTROL_CALL_DISCONNECT_NOTIFY] = 148,
	[CONTROL_WAN_ERROR_NOTIFY] = 40,
	[CONTROL_SET_LINK_INFO] = 24,
};

static unsigned int length_of(unsigned int type)
{
	return type < sizeof(lengths) / sizeof(lengths[0]) ? lengths[type] : 0;
}

int control_message_frame(const uint8_t *data, size_t len, const char **why)
{
	struct wire_reader r = wire_reader(data, len);
	unsigned int total;

	if (len < 2)
		return 0;
	total = wire_u16(&r);
	if (total < CONTROL_HEADER_SIZE) {
		*why = "the length field is below the size of a header";
		return -EBADMSG;
	}
	if (total > CONTROL_MESSAGE_MAX) {
		*why = "the length field is above the size of the largest message";
		return -EBADMSG;
	}
	if (len >= 4 && wire_u16(&r) != PPTP_CONTROL_MESSAGE) {
		*why = "the PPTP message type is not 1 (control message)";
		return -EBADMSG;
	}
	if (len >= 8 && wire_u32(&r) != CONTROL_MAGIC_COOKIE) {
		*why = "the magic cookie is wrong";
		return -EBADMSG;
	}
	return (int)total;
}

/* A number's length cannot exceed its field; nobody dials, so an announced excess is cut, not
 * refused. */
static uint16_t number_length(uint16_t announced)
{
	return announced <= TEXT_SIZE ? announced : TEXT_SIZE;
}

static void get_text(struct wire_reader *r, char *dst, size_t n)
{
	wire_copy(r, dst, n);
	dst[n] = '\0';
}

/*
 * The field of a number, of which `valid` octets are digits; what follows may be what was in the
 * sender's memory before. A length of 0 with digits in the field was forgotten.
 */
static void get_number(struct wire_reader *r, char *dst, uint16_t valid)
{
	get_text(r, dst, TEXT_SIZE);
	if (valid)
		memset(dst + valid, 0, TEXT_SIZE - (size_t)valid);
}

static void get_start(struct wire_reader *r, struct control_start *s, bool reply)
{
	s->version = wire_u16(r);
	s->result = wire_u8(r);
	s->error = wire_u8(r);
	if (!reply)
		s->result = s->error = 0; /* Reserved1 in the request */
	s->framing = wire_u32(r);
	s->bearer = wire_u32(r);
	s->max_channels = wire_u16(r);
	s->firmware = wire_u16(r);
	get_text(r, s->host_name, TEXT_SIZE);
	get_text(r, s->vendor, TEXT_SIZE);
}

static void get_outgoing_request(struct wire_reader *r, struct control_outgoing_request *q)
{
	q->call_id = wire_u16(r);
	q->serial = wire_u16(r);
	q->min_bps = wire_u32(r);
	q->max_bps = wire_u32(r);
	q->bearer = wire_u32(r);
	q->framing = wire_u32(r);
	q->window = wire_u16(r);
	q->processing_delay = wire_u16(r);
	q->phone_length = number_length(wire_u16(r));
	wire_skip(r, 2);
	get_number(r, q->phone, q->phone_length);
	get_text(r, q->subaddress, TEXT_SIZE);
}

static void get_outgoing_reply(struct wire_reader *r, struct control_outgoing_reply *p)
{
	p->call_id = wire_u16(r);
	p->peer_call_id = wire_u16(r);
	p->result = wire_u8(r);
	p->error = wire_u8(r);
	p->cause = wire_u16(r);
	p->connect_speed = wire_u32(r);
	p->window = wire_u16(r);
	p->processing_delay = wire_u16(r);
	p->physical_channel = wire_u32(r);
}

static void get_incoming_request(struct wire_reader *r, struct control_incoming_request *q)
{
	q->call_id = wire_u16(r);
	q->serial = wire_u16(r);
	q->bearer = wire_u32(r);
	q->physical_channel = wire_u32(r);
	q->dialed_length = number_length(wire_u16(r));
	q->dialing_length = number_length(wire_u16(r));
	get_number(r, q->dialed, q->dialed_length);
	get_number(r, q->dialing, q->dialing_length);
	get_text(r, q->subaddress, TEXT_SIZE);
}

static void get_incoming_reply(struct wire_reader *r, struct control_incoming_reply *p)
{
	p->call_id = wire_u16(r);
	p->peer_call_id = wire_u16(r);
	p->result = wire_u8(r);
	p->error = wire_u8(r);
	p->window = wire_u16(r);
	p->processing_delay = wire_u16(r);
	wire_skip(r, 2);
}

static void get_incoming_connected(struct wire_reader *r, struct control_incoming_connected *k)
{
	k->peer_call_id = wire_u16(r);
	wire_skip(r, 2);
	k->connect_speed = wire_u32(r);
	k->window = wire_u16(r);
	k->processing_delay = wire_u16(r);
	k->framing = wire_u32(r);
}

static void get_disconnect(struct wire_reader *r, struct control_disconnect *d)
{
	d->call_id = wire_u16(r);
	d->result = wire_u8(r);
	d->error = wire_u8(r);
	d->cause = wire_u16(r);
	wire_skip(r, 2);
	get_text(r, d->statistics, STATISTICS_SIZE);
}

static void get_wan_error(struct wire_reader *r, struct control_wan_error *e)
{
	e->peer_call_id = wire_u16(r);
	wire_skip(r, 2);
	e->crc = wire_u32(r);
	e->framing = wire_u32(r);
	e->hardware = wire_u32(r);
	e->buffer = wire_u32(r);
	e->time_out = wire_u32(r);
	e->alignment = wire_u32(r);
}

static void get_link_info(struct wire_reader *r, struct control_link_info *i)
{
	i->peer_call_id = wire_u16(r);
	wire_skip(r, 2);
	i->send_accm = wire_u32(r);
	i->receive_accm = wire_u32(r);
}

/* The messages on the connection itself, sections 2.1 to 2.6. */
static void get_connection_body(struct wire_reader *r, struct control_message *m)
{
	switch (m->type) {
	case CONTROL_START_REQUEST:
	case CONTROL_START_REPLY:
		get_start(r, &m->start, m->type == CONTROL_START_REPLY);
		break;
	case CONTROL_STOP_REQUEST:
		m->stop_request.reason = wire_u8(r);
		wire_skip(r, 3);
		break;
	case CONTROL_STOP_REPLY:
		m->stop_reply.result = wire_u8(r);
		m->stop_reply.error = wire_u8(r);
		wire_skip(r, 2);
		break;
	case CONTROL_ECHO_REQUEST:
		m->echo_request.identifier = wire_u32(r);
		break;
	default: /* CONTROL_ECHO_REPLY */
		m->echo_reply.identifier = wire_u32(r);
		m->echo_reply.result = wire_u8(r);
		m->echo_reply.error = wire_u8(r);
		wire_skip(r, 2);
		break;
	}
}

static void get_body(struct wire_reader *r, struct control_message *m)
{
	switch (m->type) {
	case CONTROL_OUTGOING_CALL_REQUEST:
		get_outgoing_request(r, &m->outgoing_request);
		break;
	case CONTROL_OUTGOING_CALL_REPLY:
		get_outgoing_reply(r, &m->outgoing_reply);
		break;
	case CONTROL_INCOMING_CALL_REQUEST:
		get_incoming_request(r, &m->incoming_request);
		break;
	case CONTROL_INCOMING_CALL_REPLY:
		get_incoming_reply(r, &m->incoming_reply);
		break;
	case CONTROL_INCOMING_CALL_CONNECTED:
		get_incoming_connected(r, &m->incoming_connected);
		break;
	case CONTROL_CALL_CLEAR_REQUEST:
		m->clear_request.call_id = wire_u16(r);
		wire_skip(r, 2);
		break;
	case CONTROL_CALL_DISCONNECT_NOTIFY:
		get_disconnect(r, &m->disconnect);
		break;
	case CONTROL_WAN_ERROR_NOTIFY:
		get_wan_error(r, &m->wan_error);
		break;
	case CONTROL_SET_LINK_INFO:
		get_link_info(r, &m->link_info);
		break;
	default:
		get_connection_body(r, m);
		break;
	}
}

int control_message_decode(
	struct control_message *m, const uint8_t *data, size_t len, const char **why)
{
	struct wire_reader r = wire_reader(data, len);
	unsigned int type, want;
	int total;

	memset(m, 0, sizeof(*m));
	if (len < CONTROL_HEADER_SIZE) {
		*why = "the message is shorter than its header";
		return -EBADMSG;
	}
	total = control_message_frame(data, len, why);
	if (total < 0)
		return total;
	wire_skip(&r, 8);
	type = wire_u16(&r);
	wire_skip(&r, 2);
	want = length_of(type);
	if (want == 0) {
		*why = "the control message type is unknown";
		return -EBADMSG;
	}
	if (len != want || (unsigned int)total != want) {
		*why = "the length is wrong for this control message type";
		return -EBADMSG;
	}
	m->type = (enum control_type)type;
	get_body(&r, m);
	if (r.failed || wire_left(&r)) {
		*why = "the body does not fill the message";
		return -EBADMSG;
	}
	return 0;
}

static void put_start(struct wire_writer *w, const struct control_start *s, bool reply)
{
	wire_put_u16(w, s->version);
	wire_put_u8(w, reply ? s->result : 0);
	wire_put_u8(w, reply ? s->error : 0);
	wire_put_u32(w, s->framing);
	wire_put_u32(w, s->bearer);
	wire_put_u16(w, s->max_channels);
	wire_put_u16(w, s->firmware);
	wire_put_bytes(w, s->host_name, TEXT_SIZE);
	wire_put_bytes(w, s->vendor, TEXT_SIZE);
}

static void put_outgoing_request(struct wire_writer *w, const struct control_outgoing_request *q)
{
	wire_put_u16(w, q->call_id);
	wire_put_u16(w, q->serial);
	wire_put_u32(w, q->min_bps);
	wire_put_u32(w, q->max_bps);
	wire_put_u32(w, q->bearer);
	wire_put_u32(w, q->framing);
	wire_put_u16(w, q->window);
	wire_put_u16(w, q->processing_delay);
	wire_put_u16(w, number_length(q->phone_length));
	wire_put_zero(w, 2);
	wire_put_bytes(w, q->phone, TEXT_SIZE);
	wire_put_bytes(w, q->subaddress, TEXT_SIZE);
}

static void put_outgoing_reply(struct wire_writer *w, const struct control_outgoing_reply *p)
{
	wire_put_u16(w, p->call_id);
	wire_put_u16(w, p->peer_call_id);
	wire_put_u8(w, p->result);
	wire_put_u8(w, p->error);
	wire_put_u16(w, p->cause);
	wire_put_u32(w, p->connect_speed);
	wire_put_u16(w, p->window);
	wire_put_u16(w, p->processing_delay);
	wire_put_u32(w, p->physical_channel);
}

static void put_incoming_request(struct wire_writer *w, const struct control_incoming_request *q)
{
	wire_put_u16(w, q->call_id);
	wire_put_u16(w, q->serial);
	wire_put_u32(w, q->bearer);
	wire_put_u32(w, q->physical_channel);
	wire_put_u16(w, number_length(q->dialed_length));
	wire_put_u16(w, number_length(q->dialing_length));
	wire_put_bytes(w, q->dialed, TEXT_SIZE);
	wire_put_bytes(w, q->dialing, TEXT_SIZE);
	wire_put_bytes(w, q->subaddress, TEXT_SIZE);
}

static void put_incoming_reply(struct wire_writer *w, const struct control_incoming_reply *p)
{
	wire_put_u16(w, p->call_id);
	wire_put_u16(w, p->peer_call_id);
	wire_put_u8(w, p->result);
	wire_put_u8(w, p->error);
	wire_put_u16(w, p->window);
	wire_put_u16(w, p->processing_delay);
	wire_put_zero(w, 2);
}

static void put_incoming_connected(
	struct wire_writer *w, const struct control_incoming_connected *k)
{
	wire_put_u16(w, k->peer_call_id);
	wire_put_zero(w, 2);
	wire_put_u32(w, k->connect_speed);
	wire_put_u16(w, k->window);
	wire_put_u16(w, k->processing_delay);
	wire_put_u32(w, k->framing);
}

static void put_disconnect(struct wire_writer *w, const struct control_disconnect *d)
{
	wire_put_u16(w, d->call_id);
	wire_put_u8(w, d->result);
	wire_put_u8(w, d->error);
	wire_put_u16(w, d->cause);
	wire_put_zero(w, 2);
	wire_put_bytes(w, d->statistics, STATISTICS_SIZE);
}

static void put_wan_error(struct wire_writer *w, const struct control_wan_error *e)
{
	wire_put_u16(w, e->peer_call_id);
	wire_put_zero(w, 2);
	wire_put_u32(w, e->crc);
	wire_put_u32(w, e->framing);
	wire_put_u32(w, e->hardware);
	wire_put_u32(w, e->buffer);
	wire_put_u32(w, e->time_out);
	wire_put_u32(w, e->alignment);
}

static void put_link_info(struct wire_writer *w, const struct control_link_info *i)
{
	wire_put_u16(w, i->peer_call_id);
	wire_put_zero(w, 2);
	wire_put_u32(w, i->send_accm);
	wire_put_u32(w, i->receive_accm);
}

static void put_connection_body(struct wire_writer *w, const struct control_message *m)
{
	switch (m->type) {
	case CONTROL_START_REQUEST:
	case CONTROL_START_REPLY:
		put_start(w, &m->start, m->type == CONTROL_START_REPLY);
		break;
	case CONTROL_STOP_REQUEST:
		wire_put_u8(w, m->stop_request.reason);
		wire_put_zero(w, 3);
		break;
	case CONTROL_STOP_REPLY:
		wire_put_u8(w, m->stop_reply.result);
		wire_put_u8(w, m->stop_reply.error);
		wire_put_zero(w, 2);
		break;
	case CONTROL_ECHO_REQUEST:
		wire_put_u32(w, m->echo_request.identifier);
		break;
	default: /* CONTROL_ECHO_REPLY */
		wire_put_u32(w, m->echo_reply.identifier);
		wire_put_u8(w, m->echo_reply.result);
		wire_put_u8(w, m->echo_reply.error);
		wire_put_zero(w, 2);
		break;
	}
}

static void put_body(struct wire_writer *w, const struct control_message *m)
{
	switch (m->type) {
	case CONTROL_OUTGOING_CALL_REQUEST:
		put_outgoing_request(w, &m->outgoing_request);
		break;
	case CONTROL_OUTGOING_CALL_REPLY:
		put_outgoing_reply(w, &m->outgoing_reply);
		break;
	case CONTROL_INCOMING_CALL_REQUEST:
		put_incoming_request(w, &m->incoming_request);
		break;
	case CONTROL_INCOMING_CALL_REPLY:
		put_incoming_reply(w, &m->incoming_reply);
		break;
	case CONTROL_INCOMING_CALL_CONNECTED:
		put_incoming_connected(w, &m->incoming_connected);
		break;
	case CONTROL_CALL_CLEAR_REQUEST:
		wire_put_u16(w, m->clear_request.call_id);
		wire_put_zero(w, 2);
		break;
	case CONTROL_CALL_DISCONNECT_NOTIFY:
		put_disconnect(w, &m->disconnect);
		break;
	case CONTROL_WAN_ERROR_NOTIFY:
		put_wan_error(w, &m->wan_error);
		break;
	case CONTROL_SET_LINK_INFO:
		put_link_info(w, &m->link_info);
		break;
	default:
		put_connection_body(w, m);
		break;
	}
}

int control_message_encode(const struct control_message *m, uint8_t *buf, size_t size)
{
	struct wire_writer w = wire_writer(buf, size);
	unsigned int len = length_of(m->type);

	if (len == 0)
		return -EINVAL;
	if (size < len)
		return -ENOBUFS;
	wire_put_u16(&w, (uint16_t)len);
	wire_put_u16(&w, PPTP_CONTROL_MESSAGE);
	wire_put_u32(&w, CONTROL_MAGIC_COOKIE);
	wire_put_u16(&w, (uint16_t)m->type);
	wire_put_zero(&w, 2);
	put_body(&w, m);
	return w.failed ? -ENOBUFS : (int)wire_written(&w);
}
