/*
 * IPv6 headers of inner packets (RFC 8200 sections 3 and 4, RFC 4443): as much of them as it takes to
 * know whose a packet is and whether it is the link's own business.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IPV6_ADDRESS 16
#define IPV6_HEADER  40
#define IPV6_MTU_MIN 1280 /* RFC 8200 section 5 */

struct ipv6 {
	size_t total;
	size_t upper; /* offset of the upper layer's header; 0: it cannot be seen (`unclear`, or in a
			 fragment that is not the first) */
	uint8_t protocol;   /* with `upper`: the upper layer's */
	bool fragment;      /* of several: not the whole packet */
	bool routed;        /* has a Routing header: `destination` may not be the last one */
	bool authenticated; /* nothing in it may be changed (RFC 4302) */
	const uint8_t *source, *destination; /* in the packet */
	uint8_t hop_limit;
	bool icmp;    /* ICMPv6, and icmp_type is its type */
	bool unclear; /* extension headers that are cut short or too many: it may be anything */
	uint8_t icmp_type; /* 0 in a fragment that is not the first, too */
};

/* False unless `data` begins with a whole IPv6 header and holds all that it claims. */
bool ipv6_decode(struct ipv6 *ip, const uint8_t *data, size_t len);

/* Neighbor Discovery (RFC 4861): Solicitations, Advertisements, Redirect. */
static inline bool ipv6_is_discovery(const struct ipv6 *ip)
{
	return ip->icmp && ip->icmp_type >= 133 && ip->icmp_type <= 137;
}

static inline bool ipv6_is_multicast(const uint8_t address[IPV6_ADDRESS])
{
	return address[0] == 0xff;
}

static inline bool ipv6_is_link_local(const uint8_t address[IPV6_ADDRESS])
{
	return address[0] == 0xfe && (address[1] & 0xc0) == 0x80;
}

/* :: and ::1, which are never on a wire as addresses of packets between hosts. */
bool ipv6_is_nobody(const uint8_t address[IPV6_ADDRESS]);

/*
 * Builds the Packet Too Big (RFC 4443 section 3.2) that says of `packet`, of up to `len` octets, that
 * only `mtu` fit: its length, or 0 if none may be sent (section 2.4 e: for an ICMPv6 error or Redirect,
 * from what is no single host; or nothing that can be read). Never more than IPV6_MTU_MIN
 * octets, or `size`, which has to hold headers and the packet's first 48. It
 * comes from the packet's destination, as icmp_too_big()'s does.
 */
size_t ipv6_too_big(const uint8_t *packet, size_t len, uint32_t mtu, uint8_t *out, size_t size);
