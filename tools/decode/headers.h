/*
 * Van Jacobson's compression of TCP/IP headers in a call's data (RFC 1144), where the capture has
 * IPCP's agreement on it (RFC 1332 section 4): packets are shown as they were.
 */
#pragma once

#include "lib/wire.h"
#include "tools/decode/call.h"

struct decoder;

/* This side acknowledges these options of IPCP: so it may send compressed, anew. */
void decode_headers_agreed(struct decode_side *s, struct wire_reader options);
void decode_headers_done(struct decode_side *s);
/* Something that this side sent is missing, or cannot be read. */
void decode_headers_lost(struct decode_side *s);

/* A network-layer packet that this side sent, any protocol: as decode_inner(). */
void decode_headers_inner(struct decoder *d, struct decode_side *s, const struct decode_frame *f,
	struct decode_ppp *ppp, uint16_t protocol, const uint8_t *data, size_t len,
	size_t captured);
