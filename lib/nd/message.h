/*
 * Router Solicitations and Advertisements as whole IPv6 packets: RFC 4861 sections 4.1, 4.2, 4.6.2,
 * 4.6.4, 6.1 (validation), RFC 8106 section 5.1 (name servers). For a link without link-layer
 * addresses (PPP), so nothing else of Neighbor Discovery is needed (RFC 5072 section 5).
 *
 * Addresses are 16 octets as they stand in a packet.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ND_ADDRESS      16
#define ND_PREFIXES_MAX 4
#define ND_DNS_MAX      4
#define ND_PACKET_MAX   320 /* of our own: header 40, advertisement 16, all options */
#define ND_FOREVER      UINT32_MAX

struct nd_prefix {
	uint8_t prefix[ND_ADDRESS];
	uint8_t len; /* 0 to 128 */
	bool on_link, autonomous;
	uint32_t valid, preferred; /* s; ND_FOREVER */
};

struct nd_advertisement {
	uint8_t hop_limit;        /* 0: not said */
	uint16_t router_lifetime; /* s; 0: no default router */
	uint32_t mtu;             /* 0: not said */
	unsigned int prefix_count;
	struct nd_prefix prefixes[ND_PREFIXES_MAX]; /* more are left out */
	unsigned int dns_count;
	uint32_t dns_lifetime; /* s, of the first list */
	uint8_t dns[ND_DNS_MAX][ND_ADDRESS];
};

enum nd_kind { ND_OTHER, ND_SOLICITATION, ND_ADVERTISEMENT };

/*
 * What the IPv6 packet is. ND_OTHER also for a message that is not valid (RFC 4861 6.1: hop limit,
 * checksum, code, lengths, source, options), and for one with extension headers or a fragment (RFC
 * 6980). `ra` is filled in for ND_ADVERTISEMENT.
 */
enum nd_kind nd_decode(const uint8_t *packet, size_t len, struct nd_advertisement *ra);

/* Their length, or 0 if `size` is too small. Advertisements go to all nodes, Solicitations to all
 * routers. */
size_t nd_encode_advertisement(const struct nd_advertisement *ra, const uint8_t source[ND_ADDRESS],
	uint8_t *out, size_t size);
size_t nd_encode_solicitation(const uint8_t source[ND_ADDRESS], uint8_t *out, size_t size);

/* fe80::/64 and an interface identifier. */
void nd_link_local(uint8_t out[ND_ADDRESS], const uint8_t identifier[8]);
/* Is it in fe80::/10? */
bool nd_is_link_local(const uint8_t address[ND_ADDRESS]);
