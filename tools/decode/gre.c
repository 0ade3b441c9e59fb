/* GRE packets of PPTP (RFC 2637 section 4.1): their call, their order, and the line's beginning. */
#include "tools/decode/decoder.h"

#include "lib/gre/header.h"

#include <stdlib.h>

/* The event of a packet, as far as its GRE header goes. */
static void event_begin(struct decoder *d, const struct decode_call *call, unsigned int side,
	const struct decode_meta *meta, const struct decode_gre *gre)
{
	struct decode_event *e = &d->event;

	decode_event_begin(e, meta, gre->has_seq ? DECODE_KIND_PPP : DECODE_KIND_ACK);
	e->call = call;
	e->side = side;
	e->gre = gre;
	decode_event_int(e, "call", call->number);
	if (call->from_control)
		decode_event_string(e, "from", side ? "PAC" : "PNS");
	decode_event_int(e, "flags_and_version", gre->flags);
	decode_event_int(e, "gre_protocol", GRE_PROTOCOL_PPP);
	decode_event_int(e, "payload", gre->payload);
	decode_event_int(e, "call_id", gre->call_id);
	decode_event_text(e, "GRE call ID %u", gre->call_id);
	if (gre->foreign_id) {
		decode_event_int(e, "agreed_call_id", call->id[1 - side]);
		decode_event_text(e, " (agreed on was %u)", call->id[1 - side]);
	}
	if (gre->has_seq) {
		decode_event_int(e, "seq", gre->seq);
		decode_event_text(e, " seq %u", gre->seq);
	}
	if (gre->has_ack) {
		decode_event_int(e, "ack", gre->ack);
		decode_event_text(e, " ack %u", gre->ack);
	}
	if (gre->lost) {
		decode_event_int(e, "gap", gre->lost);
		decode_event_text(e, " (%u missing before)", gre->lost);
	}
	if (gre->duplicate) {
		decode_event_bool(e, "duplicate", true);
		decode_event_text(e, " (duplicate)");
	} else if (gre->late) {
		decode_event_bool(e, "late", true);
		decode_event_text(e, " (late)");
	}
}

void decode_frame_cut_say(struct decode_event *e, const struct decode_frame *f)
{
	if (f->captured < f->len) {
		decode_event_int(e, "missing", f->len - f->captured);
		decode_event_text(e, " (%zu of %zu bytes captured)", f->captured, f->len);
	}
	decode_event_text(e, "  ");
}

static void frame_run(struct decoder *d, struct decode_call *call, unsigned int side,
	const struct decode_frame *f)
{
	event_begin(d, call, side, &f->meta, &f->gre);
	decode_frame_cut_say(&d->event, f);
	decode_frame_run(d, call, side, f);
}

static void take_held(struct decoder *d, struct decode_call *call, unsigned int side, uint64_t now)
{
	struct decode_frame *f;

	while ((f = decode_order_take(&call->side[side].order, now, &d->table.held))) {
		frame_run(d, call, side, f);
		free(f);
	}
}

void decode_gre_flush(struct decoder *d, struct decode_call *call)
{
	take_held(d, call, 0, UINT64_MAX);
	take_held(d, call, 1, UINT64_MAX);
}

static void data_packet(
	struct decoder *d, struct decode_call *call, unsigned int side, struct decode_frame *f)
{
	struct decode_side *s = &call->side[side];
	struct decode_gre *gre = &f->gre;

	switch (decode_order_see(&s->order, gre->seq, &gre->lost)) {
	case DECODE_LATE:
		gre->late = true;
		break;
	case DECODE_DUPLICATE:
		gre->duplicate = true;
		break;
	case DECODE_NEW:
		break;
	}
	d->stats.ppp++;
	s->frames++;
	decode_facts_gre(call, side, &f->meta, gre);
	take_held(d, call, side, f->meta.time);
	if (gre->duplicate) {
		struct decode_ppp ppp = { 0 };

		event_begin(d, call, side, &f->meta, gre);
		decode_frame_cut_say(&d->event, f);
		d->event.ppp = &ppp;
		decode_event_text(&d->event, "%zu bytes, seen before", f->len);
		decode_emit(d);
		return;
	}
	if ((s->vj || s->multilink || decode_crypt_ordered(&s->crypt)) &&
		decode_order_hold(&s->order, f, &d->table.held))
		return;
	frame_run(d, call, side, f);
	take_held(d, call, side, f->meta.time);
}

/* `cut`: by the capture. */
static void fault_emit(struct decoder *d, const struct decode_meta *meta, enum gre_fault fault,
	size_t len, bool cut)
{
	const char *text = gre_fault_text(fault);
	struct decode_event *e = &d->event;

	decode_event_begin(e, meta, DECODE_KIND_GRE);
	/* Another tunnel's GRE is no fault of PPTP, and what was not captured nobody's. */
	e->malformed = fault != GRE_VERSION_0 && fault != GRE_VERSION_UNKNOWN && !cut;
	decode_event_string(e, "fault", text);
	decode_event_text(e, "GRE %zu bytes, not PPTP's: %s", len, text);
	decode_emit(d);
}

void decode_gre(struct decoder *d, const struct decode_meta *meta, const struct decode_ip *ip)
{
	struct decode_frame f = { .meta = *meta };
	struct gre_header h;
	enum gre_fault fault;
	unsigned int side = 0;
	struct decode_call *call;
	bool cut;
	size_t size, full = ip->full < sizeof(d->packet) ? ip->full : sizeof(d->packet);
	struct wire_reader r = wire_reader(ip->data, ip->len), first = r;
	uint16_t flags = wire_u16(&first);

	/* What the capture cut off is zeros: a stateful cipher must still be taken through it. */
	if (ip->len < full)
		memset(d->packet + ip->len, 0, full - ip->len);
	wire_copy(&r, d->packet, ip->len < full ? ip->len : full);
	fault = gre_header_decode(&h, d->packet, full, &size);
	cut = ip->len < full && (fault != GRE_OK || size > ip->len);
	if (fault == GRE_OK && cut)
		fault = GRE_TRUNCATED;
	if (fault != GRE_OK) {
		fault_emit(d, meta, fault, full, cut);
		return;
	}
	d->stats.gre++;
	call = decode_call_gre(&d->table, meta->src, meta->dst, h.call_id, &side);
	if (!call)
		return;
	f.gre = (struct decode_gre){
		.call_id = h.call_id,
		.flags = flags,
		.has_seq = h.has_seq,
		.has_ack = h.has_ack,
		.foreign_id = call->id_known[1 - side] && call->id[1 - side] != h.call_id,
		.seq = h.seq,
		.ack = h.ack,
		.payload = h.payload_len,
	};
	if (!h.has_seq) {
		decode_facts_gre(call, side, meta, &f.gre);
		event_begin(d, call, side, meta, &f.gre);
		decode_emit(d);
		return;
	}
	f.len = h.payload_len;
	f.data = d->packet + size;
	f.captured = ip->len - size < f.len ? ip->len - size : f.len;
	data_packet(d, call, side, &f);
}
