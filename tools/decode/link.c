/*
 * PPP that the captured link itself carries (PPP links, PPPoE: RFC 2516), without GRE: negotiation, authentication
 * and what is encrypted there are decoded as in a call. IP in clear on such a link is what any link carries: the
 * outer packets, in which the calls of PPTP are.
 *
 * Which end sent a frame is told by the link's header, where it has that. Without it frames are shown, and nothing is
 * concluded from them: an answer belongs to the other end's question.
 */
#include "tools/decode/decoder.h"

#include "lib/ppp/frame.h"

static void event_begin(struct decoder *d, const struct decode_call *call, unsigned int side,
	const struct decode_frame *f, const struct decode_link *link)
{
	struct decode_event *e = &d->event;
	char src[DECODE_END], dst[DECODE_END];

	decode_event_begin(e, &f->meta, DECODE_KIND_PPP);
	e->call = call;
	e->side = side;
	decode_event_int(e, "call", call->number);
	decode_event_string(e, "link", link->pppoe ? "PPPoE" : "PPP");
	decode_event_text(e, "%s", link->pppoe ? "PPPoE" : "PPP");
	if (link->pppoe) {
		decode_event_int(e, "session", link->session);
		decode_event_text(e, " session %u", link->session);
	}
	if (link->has_ends) {
		decode_call_end(call, side, src);
		decode_call_end(call, 1 - side, dst);
		decode_event_string(e, "link_src", src);
		decode_event_string(e, "link_dst", dst);
		decode_event_text(e, " %s > %s", src, dst);
	} else if (link->has_direction) {
		decode_event_string(e, "direction", link->sent ? "sent" : "received");
		decode_event_text(e, " %s", link->sent ? "sent" : "received");
	}
	decode_event_int(e, "payload", f->len);
	decode_frame_cut_say(e, f);
}

/* What goes in clear is part of the history of a compressor beside it. */
static void learn(struct decode_call *call, unsigned int side, const struct decode_frame *f,
	uint16_t protocol, struct wire_reader r)
{
	struct decode_crypt *crypt = &call->side[side].crypt;

	if (crypt->algorithm == DECODE_COMPRESS)
		decode_crypt_learn(crypt, protocol, r, f->captured == f->len);
}

/* The call, made when there is something to tell of it. */
static struct decode_call *call_of(
	struct decoder *d, const struct decode_link *link, bool outer, unsigned int *side)
{
	return outer ? decode_call_link_find(&d->table, link, side)
		     : decode_call_link(&d->table, link, side);
}

void decode_link_frame(
	struct decoder *d, const struct decode_meta *meta, const struct decode_link *link)
{
	size_t len = link->full < sizeof(d->packet) ? link->full : sizeof(d->packet);
	size_t captured = link->len < len ? link->len : len;
	struct wire_reader r = wire_reader(link->frame, captured), copy = r;
	struct decode_frame f = {
		.meta = *meta, .len = len, .captured = captured, .data = d->packet
	};
	struct decode_call *call;
	unsigned int side = 0;
	uint16_t protocol = 0;
	bool known, outer;

	if (!captured)
		return;
	known = ppp_header_read(&r, &protocol);
	outer = known && (protocol == PPP_IP || protocol == PPP_IPV6);
	call = call_of(d, link, outer, &side);
	if (!call)
		return;
	f.gre.seq = (uint32_t)call->side[side].frames++;
	f.gre.has_seq = true;
	f.gre.payload = len;
	if (outer) {
		learn(call, side, &f, protocol, r);
		decode_order_passed(&call->side[side].order, f.gre.seq);
		return;
	}
	/* What the capture cut off is zeros: a stateful cipher must still be taken through it. */
	memset(d->packet + captured, 0, len - captured);
	wire_copy(&copy, d->packet, captured);
	d->stats.link++;
	f.meta.on_link = true;
	decode_facts_gre(call, side, &f.meta, &f.gre);
	event_begin(d, call, side, &f, link);
	decode_frame_run(d, call, side, &f);
}
