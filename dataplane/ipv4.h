/* IPv4 headers of outer and inner packets (RFC 791 section 3.1): the one decoder of them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IPV4_HEADER         20u /* without options */
#define IPV4_HEADER_MAX     60u
#define IPV4_DONT_FRAGMENT  0x4000u
#define IPV4_MORE_FRAGMENTS 0x2000u
#define IPV4_PLACE          0x1fffu
#define IPV4_UNIT           8u /* of the place, octets */

/* Offsets of what is written anew when a packet changes its length. */
#define IPV4_AT_TOTAL     2
#define IPV4_AT_ID        4
#define IPV4_AT_FRAGMENT  6
#define IPV4_AT_CHECKSUM  10
#define IPV4_AT_ADDRESSES 12

struct ipv4 {
	size_t header, total;  /* octets: of the header with options, of all */
	uint16_t id, fragment; /* `fragment`: flags and place as they stand */
	uint8_t tos, ttl, protocol;
	uint32_t source, destination; /* host order */
};

/* False unless `data` begins with a whole IPv4 header and holds all that it claims. The checksum is
 * the receiver's business. */
bool ipv4_decode(struct ipv4 *ip, const uint8_t *data, size_t len);

/* Of several: not the whole packet. */
static inline bool ipv4_is_fragment(const struct ipv4 *ip)
{
	return (ip->fragment & (IPV4_MORE_FRAGMENTS | IPV4_PLACE)) != 0;
}
