/*
 * GRE packets as Ethernet frames, for what goes past the kernel's IP layer (dataplane/io_fast.h):
 * Ethernet II and an IPv4 header without options (RFC 791 section 3.1), as the raw socket would make
 * them.
 */
#pragma once

#include "dataplane/ipv4.h"

#include <netinet/in.h>

#define FRAME_ADDRESS  6u
#define FRAME_ETHERNET 14u
#define FRAME_HEADERS  (FRAME_ETHERNET + IPV4_HEADER)

/* The next station on the way to a peer. */
struct frame_hop {
	uint8_t to[FRAME_ADDRESS], from[FRAME_ADDRESS];
	uint16_t largest; /* IPv4 packet that the device takes, octets; 0: there is no such way */
};

/* What is the same in all headers: from the raw socket's options. */
struct frame_style {
	uint8_t tos, ttl;
	bool df;
};

/* Is there such a way, and does a GRE packet of `payload` octets fit it? */
static inline bool frame_fits(const struct frame_hop *hop, size_t payload)
{
	return IPV4_HEADER + payload <= hop->largest;
}

/*
 * The FRAME_HEADERS octets in front of a GRE packet of `payload` octets, which frame_fits(). `id` is
 * the IPv4 identification: of no meaning with DF (RFC 6864 section 4.1), where 0 is written as the
 * kernel does.
 */
void frame_build(uint8_t out[FRAME_HEADERS], const struct frame_hop *hop,
	const struct frame_style *style, struct in_addr from, struct in_addr to, uint16_t id,
	size_t payload);

/* Where the IPv4 packet begins in a frame that came; 0: it holds none. */
size_t frame_open(const uint8_t *data, size_t len);
