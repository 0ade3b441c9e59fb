/*
 * The Internet checksum (RFC 1071): the one's complement of the one's complement sum of 16-bit
 * words.
 *
 * A sum in work is a uint64_t, 0 at first, in the machine's own order of octets (RFC 1071 section 2
 * B); what is added to it may begin anywhere in memory, but each piece but the last must have an
 * even number of octets. Nothing here reads beyond `len`.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* `sum` and `len` octets more. */
uint64_t checksum_add(uint64_t sum, const void *data, size_t len);

/* The same, while the octets are copied to `to`, which must not overlap them: less than half the time of
 * one after the other. */
uint64_t checksum_add_copy(uint64_t sum, void *to, const void *from, size_t len);

/*
 * `sum` and a pseudo header: `addresses_len` octets of source and destination (8 of IPv4, 32 of
 * IPv6), the upper layer's protocol and length (RFC 9293 section 3.1, RFC 8200 section 8.1).
 */
uint64_t checksum_add_pseudo(
	uint64_t sum, const uint8_t *addresses, size_t addresses_len, uint8_t protocol, size_t len);

/*
 * The sum in 16 bits as they are written in network order, not complemented: what a packet has in
 * its checksum's place whose checksum is left to be completed. Of a block with its right checksum:
 * ffff.
 */
uint16_t checksum_fold(uint64_t sum);

/*
 * Of `len` octets, to be written in network order where zeros were summed; 0 where it stands in
 * them and is right.
 */
static inline uint16_t checksum_of(const void *data, size_t len)
{
	return (uint16_t)~checksum_fold(checksum_add(0, data, len));
}

/* Of an upper layer's packet (ICMPv6, TCP, UDP) with its pseudo header. */
static inline uint16_t checksum_of_upper(const uint8_t *addresses, size_t addresses_len,
	uint8_t protocol, const void *data, size_t len)
{
	uint64_t sum = checksum_add_pseudo(0, addresses, addresses_len, protocol, len);

	return (uint16_t)~checksum_fold(checksum_add(sum, data, len));
}
