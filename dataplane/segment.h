/*
 * Super-packets of the inner side into packets: what a device with TSO or USO hands over in one
 * read is cut here, straight into packet slots, each segment with headers and checksums of its own.
 *
 * TCP: sequence numbers go on, FIN and PSH stand in the last segment alone, CWR in the first alone,
 * an urgent pointer in those before its end. UDP: each segment is a datagram. IPv4's identification
 * counts up by one. IPv4's options, IPv6's extension headers and TCP's options are in every
 * segment.
 */
#pragma once

#include "dataplane/vnet.h"

#include <stddef.h>
#include <stdint.h>

#define SEGMENT_HEADER_MAX 256 /* of all headers together */

/* A super-packet being cut; it must stay while that goes on. */
struct segmenter {
	const uint8_t *payload;
	size_t left, done;  /* octets of the payload */
	size_t size;        /* of each segment's payload, but the last's */
	size_t ip, headers; /* octets: of the IP header (extensions with it), of all */
	bool ipv6, tcp;
	uint16_t id, urgent;
	uint32_t sequence;
	uint8_t flags; /* TCP's */
	uint8_t header[SEGMENT_HEADER_MAX];
};

/*
 * Prepares to cut `packet`, `len` octets with `v` in front. Segments are of v->size, or, if such
 * packets would be larger than `largest` octets, TCP with DF (as always in IPv6) is cut smaller so
 * that they fit: nothing is lost of what can go all the same, and its sender learns of the path by
 * its lone packets. Others are cut as they are told, and the caller does with each what he does
 * with any packet that is too large.
 *
 * 0; -EINVAL: not a super-packet, or it is not what `v` says it is; -EMSGSIZE: its segments are
 * larger than `room`, the most that segment_next() will have.
 */
int segment_start(struct segmenter *g, const struct vnet *v, const uint8_t *packet, size_t len,
	size_t largest, size_t room);

/* Writes the next segment to `out`, which has `room` octets; its length, 0 if there is none. */
size_t segment_next(struct segmenter *g, uint8_t *out);

/*
 * A lone packet: its checksum is completed in place if `v` says that it is only begun. 0; -EINVAL:
 * what `v` says of it cannot be.
 */
int segment_complete(const struct vnet *v, uint8_t *packet, size_t len);
