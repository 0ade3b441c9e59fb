/*
 * TCP's maximum segment size (RFC 9293 section 3.7.1): the option of a SYN or SYN-ACK is lowered so
 * that what the other end sends fits the tunnel, also where ICMP does not come through.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * `packet`, an IPv4 or IPv6 packet of up to `len` octets: if it is the first (or only) fragment of a
 * TCP segment with SYN, MSS options above what an inner packet of `largest` octets can carry (less
 * 40 for IPv4, 60 for IPv6: the headers without options) are set to that, in place, and the
 * checksum with them (RFC 1624). True if one was. Anything else, whatever it may be, stays as it is.
 */
bool mss_clamp(uint8_t *packet, size_t len, uint16_t largest);
