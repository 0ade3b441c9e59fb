/*
 * Configuration options in words: LCP (RFC 1661, 1570, 1990), CCP (RFC 1962, 2118, 3078), IPCP
 * (RFC 1332, 1877) and IPV6CP (RFC 5072).
 */
#include "tools/decode/print_ppp.h"

#include "lib/ppp/frame.h"

#include <arpa/inet.h>
#include <stdarg.h>

enum shape {
	SHAPE_HEX,
	SHAPE_FLAG,   /* presence says it all */
	SHAPE_NUMBER, /* 1, 2 or 4 bytes */
	SHAPE_HEX32,
	SHAPE_ADDRESS,
	SHAPE_AUTH,
	SHAPE_QUALITY,
	SHAPE_CALLBACK,
	SHAPE_ENDPOINT,
	SHAPE_MPPE,
	SHAPE_DEFLATE,
	SHAPE_BSD,
	SHAPE_VJ,
	SHAPE_INTERFACE_ID,
};

struct option_kind {
	uint16_t protocol;
	uint8_t type;
	uint8_t shape; /* enum shape */
	const char *name;
};

static const struct option_kind kinds[] = {
	{ PPP_LCP, 1, SHAPE_NUMBER, "MRU" },
	{ PPP_LCP, 2, SHAPE_HEX32, "ACCM" },
	{ PPP_LCP, 3, SHAPE_AUTH, "Authentication-Protocol" },
	{ PPP_LCP, 4, SHAPE_QUALITY, "Quality-Protocol" },
	{ PPP_LCP, 5, SHAPE_HEX32, "Magic-Number" },
	{ PPP_LCP, 7, SHAPE_FLAG, "PFC" },
	{ PPP_LCP, 8, SHAPE_FLAG, "ACFC" },
	{ PPP_LCP, 9, SHAPE_HEX, "FCS-Alternatives" },
	{ PPP_LCP, 10, SHAPE_NUMBER, "Self-Describing-Padding" },
	{ PPP_LCP, 11, SHAPE_HEX, "Numbered-Mode" },
	{ PPP_LCP, 13, SHAPE_CALLBACK, "Callback" },
	{ PPP_LCP, 15, SHAPE_FLAG, "Compound-Frames" },
	{ PPP_LCP, 17, SHAPE_NUMBER, "Multilink-MRRU" },
	{ PPP_LCP, 18, SHAPE_FLAG, "Short-Sequence-Numbers" },
	{ PPP_LCP, 19, SHAPE_ENDPOINT, "Endpoint-Discriminator" },
	{ PPP_LCP, 23, SHAPE_NUMBER, "Link-Discriminator" },
	{ PPP_CCP, 0, SHAPE_HEX, "OUI" },
	{ PPP_CCP, 1, SHAPE_FLAG, "Predictor-1" },
	{ PPP_CCP, 2, SHAPE_FLAG, "Predictor-2" },
	{ PPP_CCP, 17, SHAPE_HEX, "Stac-LZS" },
	{ PPP_CCP, 18, SHAPE_MPPE, "MPPE" },
	{ PPP_CCP, 20, SHAPE_HEX, "V.42bis" },
	{ PPP_CCP, 21, SHAPE_BSD, "BSD-Compress" },
	{ PPP_CCP, 23, SHAPE_HEX, "LZS-DCP" },
	{ PPP_CCP, 24, SHAPE_DEFLATE, "Deflate-draft" },
	{ PPP_CCP, 26, SHAPE_DEFLATE, "Deflate" },
	{ PPP_IPCP, 1, SHAPE_HEX, "IP-Addresses" },
	{ PPP_IPCP, 2, SHAPE_VJ, "IP-Compression-Protocol" },
	{ PPP_IPCP, 3, SHAPE_ADDRESS, "IP-Address" },
	{ PPP_IPCP, 4, SHAPE_ADDRESS, "Mobile-IPv4" },
	{ PPP_IPCP, 129, SHAPE_ADDRESS, "Primary-DNS" },
	{ PPP_IPCP, 130, SHAPE_ADDRESS, "Primary-NBNS" },
	{ PPP_IPCP, 131, SHAPE_ADDRESS, "Secondary-DNS" },
	{ PPP_IPCP, 132, SHAPE_ADDRESS, "Secondary-NBNS" },
	{ PPP_IPV6CP, 1, SHAPE_INTERFACE_ID, "Interface-Identifier" },
	{ PPP_IPV6CP, 2, SHAPE_HEX, "IPv6-Compression-Protocol" },
};

static void say(struct decode_option *o, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Appends to the value. */
static void say(struct decode_option *o, const char *format, ...)
{
	size_t used = strlen(o->value);
	va_list ap;

	va_start(ap, format);
	vsnprintf(o->value + used, sizeof(o->value) - used, format, ap);
	va_end(ap);
}

static void say_hex(struct decode_option *o, struct wire_reader *r)
{
	size_t used = strlen(o->value), n = wire_left(r);

	decode_hex(o->value + used, sizeof(o->value) - used, r->pos, n);
	wire_skip(r, n);
}

static void say_number(struct decode_option *o, struct wire_reader *r)
{
	switch (wire_left(r)) {
	case 1:
		say(o, "%u", wire_u8(r));
		break;
	case 2:
		say(o, "%u", wire_u16(r));
		break;
	default:
		say(o, "%u", wire_u32(r));
	}
}

static void say_protocol(struct decode_option *o, uint16_t protocol)
{
	char buf[24];

	say(o, "%s", ppp_protocol_name(protocol, buf, sizeof(buf)));
}

static void say_auth(struct decode_option *o, struct wire_reader *r)
{
	uint16_t protocol = wire_u16(r);
	uint8_t algorithm;

	if (protocol != PPP_CHAP || wire_left(r) == 0) {
		say_protocol(o, protocol);
		return;
	}
	algorithm = wire_u8(r);
	if (algorithm == 0x05)
		say(o, "CHAP-MD5");
	else if (algorithm == 0x80)
		say(o, "MS-CHAP");
	else if (algorithm == 0x81)
		say(o, "MS-CHAPv2");
	else
		say(o, "CHAP algorithm 0x%02x", algorithm);
}

static void say_callback(struct decode_option *o, struct wire_reader *r)
{
	static const char *const operations[] = { "by authentication", "dialing string",
		"location identifier", "E.164 number", "distinguished name", "operation 5",
		"by CBCP" };
	uint8_t operation = wire_u8(r);

	if (operation < sizeof(operations) / sizeof(operations[0]))
		say(o, "%s", operations[operation]);
	else
		say(o, "operation %u", operation);
	if (wire_left(r)) {
		say(o, " ");
		say_hex(o, r);
	}
}

static void say_endpoint(struct decode_option *o, struct wire_reader *r)
{
	static const char *const classes[] = { "null", "local", "IP", "MAC", "magic block",
		"phone" };
	uint8_t class = wire_u8(r);

	if (class < sizeof(classes) / sizeof(classes[0]))
		say(o, "%s ", classes[class]);
	else
		say(o, "class %u ", class);
	say_hex(o, r);
}

/* RFC 3078 section 2, RFC 2118 section 3. */
static void say_mppe(struct decode_option *o, struct wire_reader *r)
{
	static const struct {
		uint32_t bit;
		const char *word;
	} bits[] = { { 0x01000000, "stateless" }, { 0x40, "128-bit" }, { 0x80, "56-bit" },
		{ 0x20, "40-bit" }, { 0x10, "obsolete" }, { 0x01, "MPPC" } };
	uint32_t value = wire_u32(r), known = 0;

	say(o, "%08x", value);
	for (size_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++) {
		known |= bits[i].bit;
		if (value & bits[i].bit)
			say(o, " %s", bits[i].word);
	}
	if (value & 0xe0 && !(value & 0x01000000))
		say(o, " stateful");
	if (value & ~known)
		say(o, " unknown bits %08x", value & ~known);
}

static void say_vj(struct decode_option *o, struct wire_reader *r)
{
	uint16_t protocol = wire_u16(r);
	uint8_t slot, compress;

	if (protocol != 0x002d || wire_left(r) != 2) {
		say_protocol(o, protocol);
		say(o, " ");
		say_hex(o, r);
		return;
	}
	slot = wire_u8(r);
	compress = wire_u8(r);
	say(o, "VJ max-slot %u slot-compression %s", slot, compress ? "yes" : "no");
}

static void say_value(struct decode_option *o, enum shape shape, struct wire_reader *r)
{
	char address[DECODE_ADDRESS];
	uint8_t byte;

	switch (shape) {
	case SHAPE_FLAG:
		break;
	case SHAPE_NUMBER:
		say_number(o, r);
		break;
	case SHAPE_HEX32:
		say(o, "%08x", wire_u32(r));
		break;
	case SHAPE_ADDRESS:
		say(o, "%s", decode_address(wire_u32(r), address));
		break;
	case SHAPE_AUTH:
		say_auth(o, r);
		break;
	case SHAPE_QUALITY:
		say_protocol(o, wire_u16(r));
		say(o, " period %u/100 s", wire_u32(r));
		break;
	case SHAPE_CALLBACK:
		say_callback(o, r);
		break;
	case SHAPE_ENDPOINT:
		say_endpoint(o, r);
		break;
	case SHAPE_MPPE:
		say_mppe(o, r);
		break;
	case SHAPE_DEFLATE: /* RFC 1979 section 2.1: window 2^(w + 8), method 8, check 0 */
		byte = wire_u8(r);
		say(o, "window %u bits method %u check %u", (byte >> 4) + 8u, byte & 15u,
			wire_u8(r));
		break;
	case SHAPE_BSD: /* RFC 1977 section 2.1 */
		byte = wire_u8(r);
		say(o, "version %u code size %u bits", byte >> 5, byte & 31u);
		break;
	case SHAPE_VJ:
		say_vj(o, r);
		break;
	case SHAPE_INTERFACE_ID:
		for (int i = 0; i < 4; i++)
			say(o, "%s%04x", i ? ":" : "", wire_u16(r));
		break;
	case SHAPE_HEX:
		say_hex(o, r);
		break;
	}
}

void decode_option_read(
	struct decode_option *o, uint16_t protocol, uint8_t type, struct wire_reader data)
{
	struct wire_reader r = data;
	enum shape shape = SHAPE_HEX;

	o->type = type;
	o->name = NULL;
	o->value[0] = '\0';
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (kinds[i].protocol == protocol && kinds[i].type == type) {
			o->name = kinds[i].name;
			shape = (enum shape)kinds[i].shape;
		}
	}
	say_value(o, shape, &r);
	if (!r.failed && wire_left(&r) == 0)
		return;
	/* Not the length that this option has: show what there is. */
	o->value[0] = '\0';
	say(o, "malformed ");
	say_hex(o, &data);
}
