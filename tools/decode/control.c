/* TCP port 1723: connections, the streams of control messages in them (RFC 2637 section 1.4). */
#include "tools/decode/decoder.h"
#include "tools/decode/print_control.h"

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_ACK 0x10

struct tcp {
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

static bool tcp_read(struct tcp *t, const struct decode_ip *ip)
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

static void line_begin(struct delivery *y, const char *type)
{
	struct decode_print *p = &y->d->print;

	decode_print_begin(p, y->meta, type);
	decode_print_int(p, "connection", y->connection->number);
	decode_print_text(p, "control %u  ", y->connection->number);
}

static void malformed(struct delivery *y, const char *why)
{
	y->d->stats.malformed++;
	line_begin(y, "control");
	decode_print_bool(&y->d->print, "malformed", true);
	decode_print_text(&y->d->print, "malformed: %s", why);
	decode_print_end(&y->d->print);
}

static void message_run(struct delivery *y, const uint8_t *data, size_t len)
{
	struct decode_print *p = &y->d->print;
	struct control_message m;
	struct decode_call *call;
	const uint32_t *address = y->connection->address;
	const char *why = "";
	char text[2048];

	if (control_message_decode(&m, data, len, &why) != 0) {
		malformed(y, why);
		return;
	}
	y->d->stats.control++;
	call = decode_call_control(&y->d->table, &m, address[y->sender], address[1 - y->sender]);
	line_begin(y, "control");
	if (call)
		decode_print_int(p, "call", call->number);
	decode_print_control(p, &m);
	control_message_format(&m, text, sizeof(text));
	decode_print_text(p, "%s", text);
	decode_print_end(p);
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

/* In-order bytes of one segment: see decode_stream_deliver. */
static void deliver(void *user, const uint8_t *data, size_t len, uint32_t missing)
{
	struct delivery *y = user;
	struct decode_flow *f = y->flow;
	struct wire_reader r = wire_reader(data, len);

	if (missing) {
		line_begin(y, "control");
		decode_print_int(&y->d->print, "missing", missing);
		decode_print_text(&y->d->print, "%u bytes are missing from the capture", missing);
		decode_print_end(&y->d->print);
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

static void flags_print(struct delivery *y, const struct tcp *t)
{
	const char *what;

	if (t->flags & TCP_SYN)
		what = t->flags & TCP_ACK ? "SYN ACK" : "SYN";
	else if (t->flags & TCP_RST)
		what = "RST";
	else if (t->flags & TCP_FIN)
		what = "FIN";
	else
		return;
	line_begin(y, "tcp");
	decode_print_string(&y->d->print, "flags", what);
	decode_print_int(&y->d->print, "src_port", t->source);
	decode_print_int(&y->d->print, "dst_port", t->target);
	decode_print_text(&y->d->print, "TCP %u > %u %s", t->source, t->target, what);
	decode_print_end(&y->d->print);
}

void decode_tcp(struct decoder *d, const struct decode_meta *meta, const struct decode_ip *ip)
{
	struct delivery y = { .d = d, .meta = meta };
	struct decode_connection *c;
	struct delivery other;
	struct tcp t;

	if (!tcp_read(&t, ip) || (t.source != CONTROL_PORT && t.target != CONTROL_PORT))
		return;
	y.sender = t.target == CONTROL_PORT ? 0 : 1;
	c = y.sender ? decode_connection_get(&d->table, meta->dst, t.target, meta->src)
		     : decode_connection_get(&d->table, meta->src, t.source, meta->dst);
	if (!c)
		return;
	y.connection = c;
	y.flow = &c->flow[y.sender];
	other = y;
	other.sender = 1 - y.sender;
	other.flow = &c->flow[other.sender];
	if (t.flags & TCP_SYN) {
		decode_stream_start(&y.flow->stream, t.seq);
		y.flow->used = 0;
	}
	if (t.flags & TCP_ACK)
		decode_stream_acked(&other.flow->stream, t.ack, deliver, &other);
	decode_stream_segment(
		&y.flow->stream, t.seq + (t.flags & TCP_SYN ? 1 : 0), t.data, t.len, deliver, &y);
	if (t.flags & (TCP_SYN | TCP_FIN | TCP_RST))
		flags_print(&y, &t);
}
