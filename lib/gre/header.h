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
	GRE_TRUNCATED,     /* shorter than its header */
	GRE_NOT_VERSION_1, /* plain GRE of somebody else's tunnel */
	GRE_NOT_PPP,       /* protocol type is not 0x880b */
	GRE_NO_KEY,        /* K bit clear */
	GRE_BAD_FLAGS,     /* C, R, s, recursion or reserved flags set */
	GRE_BAD_LENGTH, /* payload length beyond the packet (trailing bytes are allowed and cut) */
	GRE_EMPTY_DATA, /* S set with payload length 0, or S clear with a payload */
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
