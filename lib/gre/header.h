/* The enhanced GRE header (RFC 2637 section 4.1). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GRE_HEADER_MAX   16
#define GRE_PROTOCOL_PPP 0x880b

struct gre_header {
	uint16_t payload_len;
	uint16_t call_id; /* the Call ID that the receiver of the packet assigned */
	bool has_seq, has_ack;
	uint32_t seq, ack;
};

/* Why a packet is not ours or not valid: counted one by one. */
enum gre_fault {
	GRE_OK,
	GRE_TRUNCATED,       /* shorter than its header */
	GRE_VERSION_0,       /* plain GRE (RFC 2784, RFC 2890) of somebody else's tunnel */
	GRE_VERSION_UNKNOWN, /* 2 to 7 */
	GRE_NOT_PPP,         /* protocol type is not 0x880b */
	GRE_NO_KEY,          /* K bit clear */
	GRE_CHECKSUM,        /* C bit: a checksum that enhanced GRE does not have */
	GRE_ROUTING,         /* R or s bit: source routes */
	GRE_RECURSION,       /* recursion control is not 0 */
	GRE_BAD_FLAGS,       /* reserved flags are set */
	GRE_BAD_LENGTH,      /* payload length beyond the packet (what follows it is cut) */
	GRE_EMPTY_DATA,      /* S set and payload length 0 */
	GRE_NO_SEQUENCE,     /* a payload and S clear */
	GRE_FAULT_COUNT
};

/* Decodes the header at `data`; *size is where the payload starts. `h` is filled only for GRE_OK.
 */
enum gre_fault gre_header_decode(
	struct gre_header *h, const uint8_t *data, size_t len, size_t *size);

/* Bytes that gre_header_encode() will write: 8, 12 or 16. */
static inline size_t gre_header_size(const struct gre_header *h)
{
	return 8 + (h->has_seq ? 4u : 0) + (h->has_ack ? 4u : 0);
}

/* Writes the header (gre_header_size() bytes) at `dst`. */
void gre_header_encode(const struct gre_header *h, uint8_t *dst);

const char *gre_fault_text(enum gre_fault fault);
const char *gre_fault_name(enum gre_fault fault); /* stable, for JSON */
