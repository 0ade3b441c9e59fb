/*
 * The enhanced GRE header: RFC 2637 section 4.1. See header.h.
 *
 * Invariant: a header that is accepted here encodes back to the same bytes (trailing bytes of the
 * packet aside), so nothing of it is ignored.
 */
#include "lib/gre/header.h"

#include "lib/wire.h"

#define GRE_KEY      0x2000u
#define GRE_SEQUENCE 0x1000u
#define GRE_ACK      0x0080u
#define GRE_VERSION  0x0007u
/* C, R, s, recursion control and the reserved flags: all must be zero. */
#define GRE_FORBIDDEN 0xcf78u

static enum gre_fault check_words(uint16_t flags, uint16_t protocol)
{
	if ((flags & GRE_VERSION) != 1)
		return GRE_NOT_VERSION_1;
	if (protocol != GRE_PROTOCOL_PPP)
		return GRE_NOT_PPP;
	if (!(flags & GRE_KEY))
		return GRE_NO_KEY;
	if (flags & GRE_FORBIDDEN)
		return GRE_BAD_FLAGS;
	return GRE_OK;
}

enum gre_fault gre_header_decode(
	struct gre_header *h, const uint8_t *data, size_t len, size_t *size)
{
	struct wire_reader r = wire_reader(data, len);
	uint16_t flags = wire_u16(&r);
	uint16_t protocol = wire_u16(&r);
	struct gre_header got = { 0 };
	enum gre_fault fault;

	if (r.failed)
		return GRE_TRUNCATED;
	fault = check_words(flags, protocol);
	if (fault != GRE_OK)
		return fault;
	got.payload_len = wire_u16(&r);
	got.call_id = wire_u16(&r);
	got.has_seq = flags & GRE_SEQUENCE;
	got.has_ack = flags & GRE_ACK;
	if (got.has_seq)
		got.seq = wire_u32(&r);
	if (got.has_ack)
		got.ack = wire_u32(&r);
	if (r.failed)
		return GRE_TRUNCATED;
	if (got.payload_len > wire_left(&r))
		return GRE_BAD_LENGTH;
	if (got.has_seq != (got.payload_len != 0))
		return GRE_EMPTY_DATA;
	*h = got;
	*size = gre_header_size(h);
	return GRE_OK;
}

void gre_header_encode(const struct gre_header *h, uint8_t *dst)
{
	struct wire_writer w = wire_writer(dst, gre_header_size(h));
	unsigned int flags = GRE_KEY | 1;

	if (h->has_seq)
		flags |= GRE_SEQUENCE;
	if (h->has_ack)
		flags |= GRE_ACK;
	wire_put_u16(&w, (uint16_t)flags);
	wire_put_u16(&w, GRE_PROTOCOL_PPP);
	wire_put_u16(&w, h->payload_len);
	wire_put_u16(&w, h->call_id);
	if (h->has_seq)
		wire_put_u32(&w, h->seq);
	if (h->has_ack)
		wire_put_u32(&w, h->ack);
}

const char *gre_fault_text(enum gre_fault fault)
{
	switch (fault) {
	case GRE_OK:
		return "valid";
	case GRE_TRUNCATED:
		return "shorter than its GRE header";
	case GRE_NOT_VERSION_1:
		return "not enhanced GRE (version is not 1)";
	case GRE_NOT_PPP:
		return "GRE protocol type is not PPP (0x880b)";
	case GRE_NO_KEY:
		return "GRE key (length and Call ID) is missing";
	case GRE_BAD_FLAGS:
		return "GRE flags are set that must be zero";
	case GRE_BAD_LENGTH:
		return "GRE payload length is beyond the packet";
	case GRE_EMPTY_DATA:
		return "GRE sequence number without a payload, or a payload without one";
	case GRE_FAULT_COUNT:
		break;
	}
	return "unknown GRE fault";
}
