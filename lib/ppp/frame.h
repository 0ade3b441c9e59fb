/* PPP protocol numbers and the frame header (RFC 1661 section 2, RFC 1662 section 3.1), as GRE carries them. */
#pragma once

#include "lib/wire.h"

#define PPP_IP        0x0021
#define PPP_VJ        0x002d /* TCP/IP with a compressed header (RFC 1332 section 4) */
#define PPP_VJ_PLAIN  0x002f /* TCP/IP with its header, for the decompressor to learn it */
#define PPP_IPV6      0x0057
#define PPP_COMP_LINK 0x00fb /* the same on one link of a multilink bundle */
#define PPP_COMP      0x00fd /* compressed or encrypted datagram (RFC 1962, RFC 3078) */
#define PPP_IPCP      0x8021
#define PPP_IPXCP     0x802b
#define PPP_NBFCP     0x803f
#define PPP_BCP       0x8031
#define PPP_IPV6CP    0x8057
#define PPP_CCP       0x80fd
#define PPP_LCP       0xc021
#define PPP_PAP       0xc023
#define PPP_LQR       0xc025
#define PPP_SPAP      0xc027
#define PPP_CBCP      0xc029
#define PPP_CHAP      0xc223
#define PPP_EAP       0xc227

/* Is it network-layer data that MPPE encrypts (RFC 3078 section 3: 0x0021 to 0x00fa)? */
static inline bool ppp_is_data(uint16_t protocol)
{
	return protocol >= 0x0021 && protocol <= 0x00fa;
}

/*
 * Reads [ff 03] and the protocol (one byte if odd: PFC), each always accepted. The reader then stands at the
 * information field. false if there is no valid protocol.
 */
bool ppp_header_read(struct wire_reader *r, uint16_t *protocol);

/* "LCP", "CHAP", ...; "protocol 0x1234" is made in `buf` (at least 24 bytes) for others. */
const char *ppp_protocol_name(uint16_t protocol, char *buf, size_t size);
