/* GRE packets of PPTP (RFC 2637 section 4.1): their call, their order, and the line's beginning. */
#include "tools/decode/decoder.h"

#include "lib/gre/header.h"

#include <stdlib.h>

static void line_begin(struct decoder *d, const struct decode_call *call, unsigned int side,
	const struct decode_frame *f, enum decode_sequence sequence)
{
	struct decode_print *p = &d->print;

	decode_print_begin(p, &f->meta, "ppp");
	decode_print_int(p, "call", call->number);
	if (call->from_control)
		decode_print_string(p, "from", side ? "PAC" : "PNS");
	decode_print_int(p, "call_id", f->call_id);
	decode_print_int(p, "seq", f->seq);
	decode_print_text(p, "GRE call ID %u seq %u", f->call_id, f->seq);
	if (f->has_ack) {
		decode_print_int(p, "ack", f->ack);
		decode_print_text(p, " ack %u", f->ack);
	}
	if (sequence != DECODE_NEW) {
		const char *what = sequence == DECODE_LATE ? "late" : "duplicate";

		decode_print_bool(p, what, true);
		decode_print_text(p, " (%s)", what);
	}
	if (f->captured < f->len) {
		decode_print_int(p, "missing", f->len - f->captured);
		decode_print_text(p, " (%zu of %zu bytes captured)", f->captured, f->len);
	}
	decode_print_text(p, "  ");
}

static void frame_run(struct decoder *d, struct decode_call *call, unsigned int side,
	const struct decode_frame *f)
{
	line_begin(d, call, side, f, f->late ? DECODE_LATE : DECODE_NEW);
	decode_ppp(d, call, side, f);
	decode_print_end(&d->print);
	decode_order_passed(&call->side[side].order, f->seq);
}

static void take_held(struct decoder *d, struct decode_call *call, unsigned int side, uint64_t now)
{
	struct decode_frame *f;

	while ((f = decode_order_take(&call->side[side].order, now, &d->table.held))) {
		frame_run(d, call, side, f);
		free(f);
	}
}

void decode_gre_flush(struct decoder *d)
{
	for (struct decode_call *call = d->table.calls; call; call = call->next) {
		take_held(d, call, 0, UINT64_MAX);
		take_held(d, call, 1, UINT64_MAX);
	}
}

static void data_packet(
	struct decoder *d, struct decode_call *call, unsigned int side, struct decode_frame *f)
{
	struct decode_side *s = &call->side[side];
	enum decode_sequence sequence = decode_order_see(&s->order, f->seq);

	d->stats.ppp++;
	s->frames++;
	take_held(d, call, side, f->meta.time);
	if (sequence == DECODE_DUPLICATE) {
		line_begin(d, call, side, f, sequence);
		decode_print_text(&d->print, "%zu bytes, seen before", f->len);
		decode_print_end(&d->print);
		return;
	}
	f->late = sequence == DECODE_LATE;
	if ((s->vj || decode_crypt_ordered(&s->crypt)) &&
		decode_order_hold(&s->order, f, &d->table.held))
		return;
	frame_run(d, call, side, f);
	take_held(d, call, side, f->meta.time);
}

static void ack_packet(struct decoder *d, const struct decode_call *call, unsigned int side,
	const struct decode_meta *meta, const struct gre_header *h)
{
	struct decode_print *p = &d->print;

	decode_print_begin(p, meta, "ack");
	decode_print_int(p, "call", call->number);
	if (call->from_control)
		decode_print_string(p, "from", side ? "PAC" : "PNS");
	decode_print_int(p, "call_id", h->call_id);
	decode_print_text(p, "GRE call ID %u", h->call_id);
	if (h->has_ack) {
		decode_print_int(p, "ack", h->ack);
		decode_print_text(p, " ack %u", h->ack);
	}
	decode_print_end(p);
}

static void fault_print(
	struct decoder *d, const struct decode_meta *meta, enum gre_fault fault, size_t len)
{
	const char *text = gre_fault_text(fault);

	/* Another tunnel's GRE is no fault of PPTP. */
	if (fault != GRE_VERSION_0 && fault != GRE_VERSION_UNKNOWN)
		d->stats.malformed++;
	decode_print_begin(&d->print, meta, "gre");
	decode_print_string(&d->print, "fault", text);
	decode_print_text(&d->print, "GRE %zu bytes, not PPTP's: %s", len, text);
	decode_print_end(&d->print);
}

void decode_gre(struct decoder *d, const struct decode_meta *meta, const struct decode_ip *ip)
{
	struct decode_frame f = { .meta = *meta };
	struct gre_header h;
	enum gre_fault fault;
	unsigned int side = 0;
	struct decode_call *call;
	size_t size, full = ip->full < sizeof(d->packet) ? ip->full : sizeof(d->packet);
	struct wire_reader r = wire_reader(ip->data, ip->len);

	/* What the capture cut off is zeros: a stateful cipher must still be taken through it. */
	memset(d->packet, 0, full);
	wire_copy(&r, d->packet, ip->len < full ? ip->len : full);
	fault = gre_header_decode(&h, d->packet, full, &size);
	if (fault == GRE_OK && size > ip->len)
		fault = GRE_TRUNCATED;
	if (fault != GRE_OK) {
		fault_print(d, meta, fault, full);
		return;
	}
	d->stats.gre++;
	call = decode_call_gre(&d->table, meta->src, meta->dst, h.call_id, &side);
	if (!call)
		return;
	if (!h.has_seq) {
		ack_packet(d, call, side, meta, &h);
		return;
	}
	f.call_id = h.call_id;
	f.seq = h.seq;
	f.has_ack = h.has_ack;
	f.ack = h.ack;
	f.len = h.payload_len;
	f.data = d->packet + size;
	f.captured = ip->len - size < f.len ? ip->len - size : f.len;
	data_packet(d, call, side, &f);
}
