/* TCP port 1723: connections, the streams of control messages in them (RFC 2637 section 1.4). */
#include "tools/decode/decoder.h"
#include "tools/decode/words_control.h"

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_ACK 0x10

struct segment {
	uint16_t source, target;
	uint32_t seq, ack;
	uint8_t flags;
	const uint8_t *data;
	size_t len;
};

/* What the stream's callback needs. */
struct delivery {
	struct decoder *d;
	const struct decode_meta *meta;
	struct decode_connection *connection;
	struct decode_flow *flow;
	unsigned int sender; /* 0 the one that dialled */
};

static bool segment_read(struct segment *t, const struct decode_ip *ip)
{
	struct wire_reader r = wire_reader(ip->data, ip->len);
	size_t header;

	t->source = wire_u16(&r);
	t->target = wire_u16(&r);
	t->seq = wire_u32(&r);
	t->ack = wire_u32(&r);
	header = (size_t)(wire_u8(&r) >> 4) * 4;
	t->flags = wire_u8(&r);
	wire_skip(&r, 6);
	if (header < 20)
		return false;
	wire_skip(&r, header - 20);
	t->data = r.pos;
	t->len = wire_left(&r);
	return !r.failed;
}

static struct decode_event *event_begin(struct delivery *y, enum decode_kind kind)
{
	struct decode_event *e = &y->d->event;

	decode_event_begin(e, y->meta, kind);
	e->connection = y->connection;
	e->side = y->sender;
	decode_event_int(e, "connection", y->connection->number);
	decode_event_text(e, "control %u  ", y->connection->number);
	return e;
}

static void malformed(struct delivery *y, const char *why)
{
	struct decode_event *e = event_begin(y, DECODE_KIND_CONTROL);

	decode_event_malformed(e, "%s", why);
	decode_emit(y->d);
}

/* The connection is over, and with it its calls. */
static void orphans(struct decoder *d, const struct decode_connection *c)
{
	for (struct decode_call *call = d->table.calls; call; call = call->next) {
		unsigned int side = c->facts.ending.side;

		if (call->connection != c->number)
			continue;
		if (call->address[0] != c->address[0])
			side = 1 - side;
		decode_facts_orphan(call, c, side);
	}
}

static void message_run(struct delivery *y, const uint8_t *data, size_t len)
{
	const uint32_t *address = y->connection->address;
	struct control_message m;
	struct decode_event *e;
	struct decode_call *call;
	const char *why = "";
	char text[2048];

	if (control_message_decode(&m, data, len, &why) != 0) {
		malformed(y, why);
		return;
	}
	y->d->stats.control++;
	call = decode_call_control(&y->d->table, &m, address[y->sender], address[1 - y->sender]);
	decode_facts_control(y->connection, call, y->sender, y->meta, &m);
	if (m.type == CONTROL_STOP_REQUEST)
		orphans(y->d, y->connection);
	e = event_begin(y, DECODE_KIND_CONTROL);
	e->message = &m;
	e->call = call;
	if (call)
		decode_event_int(e, "call", call->number);
	decode_words_control(e, &m, wire_reader(data, len));
	control_message_format(&m, text, sizeof(text));
	decode_event_text(e, "%s", text);
	decode_emit(y->d);
}

/* Takes whole messages off the buffer. */
static void messages_run(struct delivery *y)
{
	struct decode_flow *f = y->flow;
	const char *why = "";
	int len;

	while (f->used) {
		len = control_message_frame(f->buf, f->used, &why);
		if (len < 0) {
			malformed(y, why);
			f->used = 0;
			f->lost = true;
			return;
		}
		if (len == 0 || (size_t)len > f->used)
			return;
		message_run(y, f->buf, (size_t)len);
		f->used -= (size_t)len;
		memmove(f->buf, f->buf + len, f->used);
	}
}

static void tcp_event(struct delivery *y, const struct decode_tcp *tcp)
{
	struct decode_event *e = event_begin(y, DECODE_KIND_TCP);
	const char *what = NULL;

	if (tcp->flags & TCP_SYN)
		what = tcp->flags & TCP_ACK ? "SYN ACK" : "SYN";
	else if (tcp->flags & TCP_RST)
		what = "RST";
	else if (tcp->flags & TCP_FIN)
		what = "FIN";
	e->tcp = tcp;
	decode_event_int(e, "src_port", tcp->src_port);
	decode_event_int(e, "dst_port", tcp->dst_port);
	decode_event_text(e, "TCP %u > %u", tcp->src_port, tcp->dst_port);
	if (what) {
		decode_event_string(e, "flags", what);
		decode_event_text(e, " %s", what);
	}
	if (tcp->retransmitted) {
		decode_event_int(e, "retransmitted", tcp->retransmitted);
		decode_event_text(e, " retransmission of %u bytes", tcp->retransmitted);
	}
	if (tcp->missing) {
		decode_event_int(e, "missing", tcp->missing);
		decode_event_text(e, " %u bytes are missing from the capture", tcp->missing);
	}
	decode_emit(y->d);
}

/* In-order bytes of one segment: see decode_stream_deliver. */
static void deliver(void *user, const uint8_t *data, size_t len, uint32_t missing)
{
	struct delivery *y = user;
	struct decode_flow *f = y->flow;
	struct wire_reader r = wire_reader(data, len);

	if (missing) {
		struct decode_tcp tcp = { .src_port =
						  y->sender ? CONTROL_PORT : y->connection->port,
			.dst_port = y->sender ? y->connection->port : CONTROL_PORT,
			.missing = missing };

		decode_facts_tcp(y->connection, y->sender, y->meta, &tcp);
		tcp_event(y, &tcp);
		f->used = 0;
	}
	/* Messages mostly begin with a segment: after nonsense, try there again. */
	f->lost = false;
	while (wire_left(&r) && !f->lost) {
		size_t room = sizeof(f->buf) - f->used;
		size_t n = wire_left(&r) < room ? wire_left(&r) : room;

		wire_copy(&r, f->buf + f->used, n);
		f->used += n;
		messages_run(y);
	}
}

static void segment_run(struct delivery *y, struct delivery *other, const struct segment *t)
{
	struct decode_tcp tcp = { .src_port = t->source, .dst_port = t->target, .flags = t->flags };

	if (t->flags & TCP_SYN && !decode_stream_is_at(&y->flow->stream, t->seq)) {
		decode_stream_start(&y->flow->stream, t->seq);
		y->flow->used = 0;
	}
	if (t->flags & TCP_ACK)
		decode_stream_acked(&other->flow->stream, t->ack, deliver, other);
	tcp.retransmitted = decode_stream_segment(&y->flow->stream,
		t->seq + (t->flags & TCP_SYN ? 1 : 0), t->data, t->len, deliver, y);
	decode_facts_tcp(y->connection, y->sender, y->meta, &tcp);
	if (t->flags & (TCP_SYN | TCP_FIN | TCP_RST) || tcp.retransmitted)
		tcp_event(y, &tcp);
	if (t->flags & (TCP_FIN | TCP_RST))
		orphans(y->d, y->connection);
}

void decode_tcp(struct decoder *d, const struct decode_meta *meta, const struct decode_ip *ip)
{
	struct delivery y = { .d = d, .meta = meta }, other;
	struct decode_connection *c;
	struct segment t;
	bool begins;

	if (!segment_read(&t, ip) || (t.source != CONTROL_PORT && t.target != CONTROL_PORT))
		return;
	y.sender = t.target == CONTROL_PORT ? 0 : 1;
	begins = (t.flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
	c = y.sender ? decode_connection_get(&d->table, meta->dst, t.target, meta->src, begins)
		     : decode_connection_get(&d->table, meta->src, t.source, meta->dst, begins);
	if (!c)
		return;
	y.connection = c;
	y.flow = &c->flow[y.sender];
	other = y;
	other.sender = 1 - y.sender;
	other.flow = &c->flow[other.sender];
	segment_run(&y, &other, &t);
}
