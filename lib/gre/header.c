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
/* All of these must be zero (4.1). */
#define GRE_CHECKSUM_PRESENT 0x8000u
#define GRE_ROUTE            0x4800u /* routing present, strict source route */
#define GRE_RECUR            0x0700u
#define GRE_RESERVED         0x0078u

static enum gre_fault check_words(uint16_t flags, uint16_t protocol)
{
	if ((flags & GRE_VERSION) != 1)
		return flags & GRE_VERSION ? GRE_VERSION_UNKNOWN : GRE_VERSION_0;
	if (protocol != GRE_PROTOCOL_PPP)
		return GRE_NOT_PPP;
	if (!(flags & GRE_KEY))
		return GRE_NO_KEY;
	if (flags & GRE_CHECKSUM_PRESENT)
		return GRE_CHECKSUM;
	if (flags & GRE_ROUTE)
		return GRE_ROUTING;
	if (flags & GRE_RECUR)
		return GRE_RECURSION;
	return flags & GRE_RESERVED ? GRE_BAD_FLAGS : GRE_OK;
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
		return got.has_seq ? GRE_EMPTY_DATA : GRE_NO_SEQUENCE;
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

static const struct {
	const char *name, *text;
} faults[GRE_FAULT_COUNT] = {
	[GRE_OK] = { "valid", "valid" },
	[GRE_TRUNCATED] = { "truncated", "shorter than its GRE header" },
	[GRE_VERSION_0] = { "version-0", "plain GRE, of another tunnel (version 0)" },
	[GRE_VERSION_UNKNOWN] = { "version-unknown", "GRE of an unknown version" },
	[GRE_NOT_PPP] = { "not-ppp", "GRE protocol type is not PPP (0x880b)" },
	[GRE_NO_KEY] = { "no-key", "GRE key (length and Call ID) is missing" },
	[GRE_CHECKSUM] = { "checksum", "GRE with a checksum, which PPTP does not have" },
	[GRE_ROUTING] = { "routing", "GRE with source routes, which PPTP does not have" },
	[GRE_RECURSION] = { "recursion", "GRE recursion control is not zero" },
	[GRE_BAD_FLAGS] = { "bad-flags", "GRE flags are set that must be zero" },
	[GRE_BAD_LENGTH] = { "bad-length", "GRE payload length is beyond the packet" },
	[GRE_EMPTY_DATA] = { "empty-data", "GRE sequence number without a payload" },
	[GRE_NO_SEQUENCE] = { "no-sequence", "GRE payload without a sequence number" },
};

const char *gre_fault_text(enum gre_fault fault)
{
	return (unsigned int)fault < GRE_FAULT_COUNT ? faults[fault].text : "unknown GRE fault";
}

const char *gre_fault_name(enum gre_fault fault)
{
	return (unsigned int)fault < GRE_FAULT_COUNT ? faults[fault].name : "unknown";
}
