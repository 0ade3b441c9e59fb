/* Round trips of TCP connections inside a call: see html_tcp.h. */
#include "tools/decode/html_tcp.h"

#include <string.h>

#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_ACK 0x10

struct segment {
	uint32_t src, dst, seq, ack, len;
	uint16_t src_port, dst_port;
	uint8_t flags;
};

static bool segment_read(struct segment *s, struct wire_reader r)
{
	uint8_t first = wire_u8(&r), data;
	size_t header = (size_t)(first & 15) * 4, total;

	wire_skip(&r, 1);
	total = wire_u16(&r);
	wire_skip(&r, 2);
	/* Fragments tell too little. */
	if (first >> 4 != 4 || header < 20 || wire_u16(&r) & 0x3fff)
		return false;
	wire_skip(&r, 1);
	if (wire_u8(&r) != 6)
		return false;
	wire_skip(&r, 2);
	s->src = wire_u32(&r);
	s->dst = wire_u32(&r);
	wire_skip(&r, header - 20);
	s->src_port = wire_u16(&r);
	s->dst_port = wire_u16(&r);
	s->seq = wire_u32(&r);
	s->ack = wire_u32(&r);
	data = wire_u8(&r) >> 4;
	s->flags = wire_u8(&r);
	header += data * 4u;
	if (r.failed || data < 5 || total < header)
		return false;
	s->len = (uint32_t)(total - header) + (s->flags & TCP_SYN ? 1 : 0);
	return true;
}

static struct html_tcp_flow *flow_find(struct html_tcp *t, const struct segment *s, bool back)
{
	for (unsigned int i = 0; i < t->count; i++) {
		struct html_tcp_flow *f = &t->flow[i];

		if (f->src == (back ? s->dst : s->src) && f->dst == (back ? s->src : s->dst) &&
			f->src_port == (back ? s->dst_port : s->src_port) &&
			f->dst_port == (back ? s->src_port : s->dst_port))
			return f;
	}
	return NULL;
}

static struct html_tcp_flow *flow_new(struct html_tcp *t, const struct segment *s)
{
	struct html_tcp_flow *f = &t->flow[0];

	if (t->count < HTML_TCP_FLOWS) {
		f = &t->flow[t->count++];
	} else {
		for (unsigned int i = 1; i < HTML_TCP_FLOWS; i++) {
			if (t->flow[i].used < f->used)
				f = &t->flow[i];
		}
	}
	*f = (struct html_tcp_flow){ .src = s->src,
		.dst = s->dst,
		.src_port = s->src_port,
		.dst_port = s->dst_port,
		.next = s->seq };
	return f;
}

static void sent(struct html_tcp *t, const struct segment *s, uint64_t now)
{
	struct html_tcp_flow *f = flow_find(t, s, false);

	if (!f)
		f = flow_new(t, s);
	else if (s->flags & TCP_SYN && s->seq + s->len != f->next)
		f->next = s->seq; /* a new connection; else the same SYN again */
	f->used = now;
	if ((int32_t)(s->seq - f->next) < 0) {
		f->waits = false;
		return;
	}
	f->next = s->seq + s->len;
	if (f->waits)
		return;
	f->waits = true;
	f->until = f->next;
	f->time = now;
}

bool html_tcp_packet(struct html_tcp *t, struct wire_reader packet, uint64_t now, uint64_t *us)
{
	struct html_tcp_flow *f;
	struct segment s;
	bool ended = false;

	if (!segment_read(&s, packet))
		return false;
	if (s.flags & TCP_ACK && (f = flow_find(t, &s, true)) != NULL && f->waits &&
		(int32_t)(s.ack - f->until) >= 0) {
		f->waits = false;
		ended = now >= f->time && !(s.flags & TCP_RST);
		*us = now - f->time;
	}
	if (s.len)
		sent(t, &s, now);
	return ended;
}
