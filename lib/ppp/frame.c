/*
 * The PPP header as GRE carries it: RFC 1661 section 2, RFC 1662 section 3.1, RFC 2637 section 4
 * (no flags, no escapes, no FCS). See frame.h.
 */
#include "lib/ppp/frame.h"

#define ADDRESS_ALL 0xff
#define CONTROL_UI  0x03

bool ppp_header_read(struct wire_reader *r, uint16_t *protocol)
{
	uint8_t high, low;

	/* ff cannot begin a protocol number: RFC 1661 section 6.5 reserves 00ff for this. */
	if (wire_left(r) && r->pos[0] == ADDRESS_ALL) {
		wire_skip(r, 1);
		if (wire_u8(r) != CONTROL_UI)
			return false;
	}
	high = wire_u8(r);
	if (r->failed)
		return false;
	/* RFC 1661 section 2: the low octet of a number is odd, the high one even. */
	if (high & 1) {
		*protocol = high;
		return high != ADDRESS_ALL;
	}
	low = wire_u8(r);
	if (r->failed || !(low & 1))
		return false;
	*protocol = (uint16_t)(high << 8 | low);
	return *protocol != ADDRESS_ALL;
}

static const struct {
	uint16_t protocol;
	const char *name;
} names[] = {
	{ PPP_IP, "IP" },
	{ 0x0029, "AppleTalk" },
	{ 0x002b, "IPX" },
	{ 0x002d, "VJ compressed TCP/IP" },
	{ 0x002f, "VJ uncompressed TCP/IP" },
	{ 0x0031, "bridging" },
	{ 0x003d, "multilink" },
	{ 0x003f, "NetBIOS" },
	{ PPP_IPV6, "IPv6" },
	{ PPP_COMP, "compressed data" },
	{ PPP_IPCP, "IPCP" },
	{ 0x8029, "ATCP" },
	{ PPP_IPXCP, "IPXCP" },
	{ PPP_BCP, "BCP" },
	{ PPP_NBFCP, "NBFCP" },
	{ PPP_IPV6CP, "IPV6CP" },
	{ 0x8053, "ECP" },
	{ PPP_CCP, "CCP" },
	{ PPP_LCP, "LCP" },
	{ PPP_PAP, "PAP" },
	{ PPP_LQR, "LQR" },
	{ PPP_SPAP, "SPAP" },
	{ PPP_CBCP, "CBCP" },
	{ 0xc02b, "BACP" },
	{ 0xc02d, "BAP" },
	{ PPP_CHAP, "CHAP" },
	{ PPP_EAP, "EAP" },
};

const char *ppp_protocol_name(uint16_t protocol, char *buf, size_t size)
{
	static const char prefix[] = "protocol 0x", digits[] = "0123456789abcdef";
	size_t n = sizeof(prefix) - 1;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].protocol == protocol)
			return names[i].name;
	if (size < n + 5)
		return "unknown protocol";
	memcpy(buf, prefix, n);
	for (unsigned int shift = 16; shift;) {
		shift -= 4;
		buf[n++] = digits[protocol >> shift & 15];
	}
	buf[n] = '\0';
	return buf;
}
