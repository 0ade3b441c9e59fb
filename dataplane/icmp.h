/*
 * ICMP's "fragmentation needed and DF set" (RFC 792, RFC 1191): tells the sender of an inner packet
 * how large its packets may be.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ICMP_ERROR_MAX 576 /* RFC 1812 section 4.3.2.3 */

/*
 * Builds the whole IPv4 packet in `out` (of up to `size` octets and ICMP_ERROR_MAX) that says of the
 * IPv4 packet `packet`, of up to `len` octets, that only `mtu` octets fit; its length, or 0 if none
 * may be sent (RFC 1812 section 4.3.2.7): for no whole IPv4 header, one without DF, an ICMP error, a
 * fragment other than the first, a source or destination that is not one host's; or where `size` is not enough for the original's
 * header and 8 octets of its payload.
 *
 * It comes from the packet's destination, as if that had said it. An address of our own would be
 * taken for a forgery by the kernel that gets it from the TUN device, and dropped; a packet's
 * destination is just what is behind that device.
 */
size_t icmp_too_big(const uint8_t *packet, size_t len, uint16_t mtu, uint8_t *out, size_t size);

/* How many may be sent: a token bucket, for one owner. */
struct icmp_limit {
	uint64_t paid_until; /* us */
};

#define ICMP_BURST    64   /* at once */
#define ICMP_INTERVAL 1000 /* us: one in this time after that */

/* True if one may be sent at `now` (us, never going back), and it counts. */
bool icmp_may_send(struct icmp_limit *limit, uint64_t now);
