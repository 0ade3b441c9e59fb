/*
 * Fragmentation of inner IPv4 packets (RFC 791 section 3.2): those that do not fit a session and
 * whose sender allows it (DF clear) go in pieces, each in a PPP frame of its own.
 */
#pragma once

#include "dataplane/ipv4.h"

#include <stddef.h>
#include <stdint.h>

/* A packet being cut; it must stay while that goes on. */
struct fragmenter {
	const uint8_t *payload;
	size_t left;          /* octets of the payload not yet taken */
	size_t chunk;         /* a multiple of 8 */
	uint16_t place, more; /* of the next: offset in units of 8; the packet's own MF */
	size_t header_len;
	uint8_t header[IPV4_HEADER_MAX]; /* of the next */
};

/*
 * Prepares to cut the IPv4 packet `packet`, of up to `len` octets, into fragments of at most
 * `largest` octets. 0; -EINVAL: no whole IPv4 packet; -EMSGSIZE: it may not be fragmented (DF), or
 * not so small (its header and 8 octets must fit), or its end would be beyond 65535 octets.
 */
int fragment_start(struct fragmenter *f, const uint8_t *packet, size_t len, size_t largest);

/* Writes the next fragment to `out` (at least `largest` octets); its length, 0 if there is none. */
size_t fragment_next(struct fragmenter *f, uint8_t *out, size_t size);
