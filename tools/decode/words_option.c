/*
 * Configuration options in words: LCP (RFC 1661, 1570, 1990), CCP (RFC 1962, 2118, 3078), IPCP
 * (RFC 1332, 1877), IPV6CP (RFC 5072), IPXCP (RFC 1552), NBFCP (RFC 2097) and BCP (RFC 3518). Each value is
 * in words, as "value", and number by number.
 */
#include "tools/decode/words.h"

#include "lib/ppp/frame.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>

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
	SHAPE_TEXT,
	SHAPE_ADDRESSES,
	SHAPE_PROTOCOL,
	SHAPE_PEER,
	SHAPE_FILTER,
	SHAPE_SEGMENT,
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
	{ PPP_LCP, 12, SHAPE_HEX, "Multi-Link-Procedure" },
	{ PPP_LCP, 13, SHAPE_CALLBACK, "Callback" },
	{ PPP_LCP, 14, SHAPE_HEX, "Connect-Time" },
	{ PPP_LCP, 15, SHAPE_FLAG, "Compound-Frames" },
	{ PPP_LCP, 16, SHAPE_HEX, "Nominal-Data-Encapsulation" },
	{ PPP_LCP, 17, SHAPE_NUMBER, "Multilink-MRRU" },
	{ PPP_LCP, 18, SHAPE_FLAG, "Short-Sequence-Numbers" },
	{ PPP_LCP, 19, SHAPE_ENDPOINT, "Endpoint-Discriminator" },
	{ PPP_LCP, 0, SHAPE_HEX, "Vendor-Specific" },
	{ PPP_LCP, 20, SHAPE_HEX, "Proprietary" },
	{ PPP_LCP, 21, SHAPE_HEX, "DCE-Identifier" },
	{ PPP_LCP, 22, SHAPE_HEX, "Multi-Link-Plus-Procedure" },
	{ PPP_LCP, 23, SHAPE_NUMBER, "Link-Discriminator" },
	{ PPP_LCP, 24, SHAPE_HEX, "LCP-Authentication" },
	{ PPP_LCP, 25, SHAPE_HEX, "COBS" },
	{ PPP_LCP, 26, SHAPE_HEX, "Prefix-Elision" },
	{ PPP_LCP, 27, SHAPE_HEX, "Multilink-Header-Format" },
	{ PPP_LCP, 28, SHAPE_HEX, "Internationalization" },
	{ PPP_LCP, 29, SHAPE_HEX, "Simple-Data-Link" },
	{ PPP_CCP, 0, SHAPE_HEX, "OUI" },
	{ PPP_CCP, 1, SHAPE_FLAG, "Predictor-1" },
	{ PPP_CCP, 2, SHAPE_FLAG, "Predictor-2" },
	{ PPP_CCP, 3, SHAPE_HEX, "Puddle-Jumper" },
	{ PPP_CCP, 16, SHAPE_HEX, "Hewlett-Packard-PPC" },
	{ PPP_CCP, 17, SHAPE_HEX, "Stac-LZS" },
	{ PPP_CCP, 18, SHAPE_MPPE, "MPPE" },
	{ PPP_CCP, 19, SHAPE_HEX, "Gandalf-FZA" },
	{ PPP_CCP, 20, SHAPE_HEX, "V.42bis" },
	{ PPP_CCP, 21, SHAPE_BSD, "BSD-Compress" },
	{ PPP_CCP, 23, SHAPE_HEX, "LZS-DCP" },
	{ PPP_CCP, 24, SHAPE_DEFLATE, "Deflate-draft" },
	{ PPP_CCP, 25, SHAPE_HEX, "DCE" },
	{ PPP_CCP, 26, SHAPE_DEFLATE, "Deflate" },
	{ PPP_CCP, 27, SHAPE_HEX, "V.44-LZJH" },
	{ PPP_IPCP, 1, SHAPE_ADDRESSES, "IP-Addresses" },
	{ PPP_IPCP, 2, SHAPE_VJ, "IP-Compression-Protocol" },
	{ PPP_IPCP, 3, SHAPE_ADDRESS, "IP-Address" },
	{ PPP_IPCP, 4, SHAPE_ADDRESS, "Mobile-IPv4" },
	{ PPP_IPCP, 129, SHAPE_ADDRESS, "Primary-DNS" },
	{ PPP_IPCP, 130, SHAPE_ADDRESS, "Primary-NBNS" },
	{ PPP_IPCP, 131, SHAPE_ADDRESS, "Secondary-DNS" },
	{ PPP_IPCP, 132, SHAPE_ADDRESS, "Secondary-NBNS" },
	{ PPP_IPV6CP, 1, SHAPE_INTERFACE_ID, "Interface-Identifier" },
	{ PPP_IPV6CP, 2, SHAPE_PROTOCOL, "IPv6-Compression-Protocol" },
	{ PPP_IPXCP, 1, SHAPE_HEX32, "IPX-Network-Number" },
	{ PPP_IPXCP, 2, SHAPE_HEX, "IPX-Node-Number" },
	{ PPP_IPXCP, 3, SHAPE_PROTOCOL, "IPX-Compression-Protocol" },
	{ PPP_IPXCP, 4, SHAPE_PROTOCOL, "IPX-Routing-Protocol" },
	{ PPP_IPXCP, 5, SHAPE_TEXT, "IPX-Router-Name" },
	{ PPP_IPXCP, 6, SHAPE_FLAG, "IPX-Configuration-Complete" },
	{ PPP_NBFCP, 1, SHAPE_TEXT, "Name-Projection" },
	{ PPP_NBFCP, 2, SHAPE_PEER, "Peer-Information" },
	{ PPP_NBFCP, 3, SHAPE_FILTER, "Multicast-Filtering" },
	{ PPP_NBFCP, 4, SHAPE_FLAG, "IEEE-MAC-Address-Required" },
	{ PPP_BCP, 1, SHAPE_SEGMENT, "Bridge-Identification" },
	{ PPP_BCP, 2, SHAPE_SEGMENT, "Line-Identification" },
	{ PPP_BCP, 3, SHAPE_NUMBER, "MAC-Support" },
	{ PPP_BCP, 4, SHAPE_NUMBER, "Tinygram-Compression" },
	{ PPP_BCP, 5, SHAPE_NUMBER, "LAN-Identification" },
	{ PPP_BCP, 6, SHAPE_HEX, "MAC-Address" },
	{ PPP_BCP, 7, SHAPE_HEX, "Spanning-Tree-Protocol" },
	{ PPP_BCP, 8, SHAPE_NUMBER, "IEEE-802-Tagged-Frame" },
	{ PPP_BCP, 9, SHAPE_FLAG, "Management-Inline" },
	{ PPP_BCP, 10, SHAPE_FLAG, "Bridge-Control-Packet-Indicator" },
};

/* One option on its way: its value grows, and what it has of numbers becomes fields. */
struct option {
	struct decode_event *e;
	char value[192];
};

static void say(struct option *o, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Appends to the value. */
static void say(struct option *o, const char *format, ...)
{
	size_t used = strlen(o->value);
	va_list ap;

	va_start(ap, format);
	vsnprintf(o->value + used, sizeof(o->value) - used, format, ap);
	va_end(ap);
}

static void say_hex(struct option *o, struct wire_reader *r)
{
	size_t used = strlen(o->value), n = wire_left(r);

	decode_hex(o->value + used, sizeof(o->value) - used, r->pos, n);
	wire_skip(r, n);
}

static uint32_t number(struct option *o, const char *key, uint32_t value)
{
	decode_event_int(o->e, key, value);
	return value;
}

static void say_number(struct option *o, struct wire_reader *r)
{
	uint32_t value;

	switch (wire_left(r)) {
	case 1:
		value = wire_u8(r);
		break;
	case 2:
		value = wire_u16(r);
		break;
	default:
		value = wire_u32(r);
	}
	say(o, "%u", number(o, "number", value));
}

static void say_protocol(struct option *o, uint16_t protocol)
{
	char buf[24];

	decode_event_int(o->e, "protocol", protocol);
	say(o, "%s", ppp_protocol_name(protocol, buf, sizeof(buf)));
}

static void say_auth(struct option *o, struct wire_reader *r)
{
	uint16_t protocol = wire_u16(r);
	uint8_t algorithm;

	if (protocol != PPP_CHAP || wire_left(r) == 0) {
		say_protocol(o, protocol);
		return;
	}
	decode_event_int(o->e, "protocol", protocol);
	algorithm = (uint8_t)number(o, "algorithm", wire_u8(r));
	if (algorithm == 0x05)
		say(o, "CHAP-MD5");
	else if (algorithm == 0x80)
		say(o, "MS-CHAP");
	else if (algorithm == 0x81)
		say(o, "MS-CHAPv2");
	else
		say(o, "CHAP algorithm 0x%02x", algorithm);
}

static void say_callback(struct option *o, struct wire_reader *r)
{
	static const char *const operations[] = { "by authentication", "dialing string",
		"location identifier", "E.164 number", "distinguished name", "operation 5",
		"by CBCP" };
	uint8_t operation = (uint8_t)number(o, "operation", wire_u8(r));

	if (operation < sizeof(operations) / sizeof(operations[0]))
		say(o, "%s", operations[operation]);
	else
		say(o, "operation %u", operation);
	if (wire_left(r)) {
		say(o, " ");
		say_hex(o, r);
	}
}

static void say_endpoint(struct option *o, struct wire_reader *r)
{
	static const char *const classes[] = { "null", "local", "IP", "MAC", "magic block",
		"phone" };
	uint8_t class = (uint8_t)number(o, "class", wire_u8(r));

	if (class < sizeof(classes) / sizeof(classes[0]))
		say(o, "%s ", classes[class]);
	else
		say(o, "class %u ", class);
	say_hex(o, r);
}

/* RFC 3078 section 2, RFC 2118 section 3. */
static void say_mppe(struct option *o, struct wire_reader *r)
{
	static const struct {
		uint32_t bit;
		const char *word;
	} bits[] = { { 0x01000000, "stateless" }, { 0x40, "128-bit" }, { 0x80, "56-bit" },
		{ 0x20, "40-bit" }, { 0x10, "obsolete" }, { 0x01, "MPPC" } };
	uint32_t value = number(o, "bits", wire_u32(r)), known = 0;

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

static void say_vj(struct option *o, struct wire_reader *r)
{
	uint16_t protocol = wire_u16(r);
	uint32_t slot, compress;

	say_protocol(o, protocol);
	if (protocol != PPP_VJ || wire_left(r) != 2) {
		say(o, " ");
		say_hex(o, r);
		return;
	}
	o->value[0] = '\0';
	slot = number(o, "max_slot", wire_u8(r));
	compress = number(o, "slot_compression", wire_u8(r));
	say(o, "VJ max-slot %u slot-compression %s", slot, compress ? "yes" : "no");
}

static void say_text(struct option *o, struct wire_reader *r)
{
	size_t used = strlen(o->value), n = wire_left(r);

	o->e->cut |= !decode_escape_fits(sizeof(o->value) - used, r->pos, n);
	decode_escape(o->value + used, sizeof(o->value) - used, r->pos, n);
	wire_skip(r, n);
}

/* RFC 2097 section 3.2: class, version, name. */
static void say_peer(struct option *o, struct wire_reader *r)
{
	uint32_t class = number(o, "class", wire_u16(r));
	uint32_t major = number(o, "major", wire_u16(r)), minor = number(o, "minor", wire_u16(r));

	say(o, "class %u version %u.%u ", class, major, minor);
	say_text(o, r);
}

/* RFC 2097 section 3.3. */
static void say_filter(struct option *o, struct wire_reader *r)
{
	uint32_t period = number(o, "period", wire_u16(r));

	say(o, "period %u priority %u", period, number(o, "priority", wire_u8(r)));
}

/* RFC 3518 sections 4.1 and 4.2: a LAN segment's number and a bridge's. */
static void say_segment(struct option *o, struct wire_reader *r)
{
	uint32_t word = wire_u16(r);

	say(o, "segment %u bridge %u", number(o, "segment", word >> 4),
		number(o, "bridge", word & 15));
}

static void say_deflate(struct option *o, struct wire_reader *r)
{
	uint8_t byte = wire_u8(r); /* RFC 1979 section 2.1: window 2^(w + 8), method 8, check 0 */
	uint32_t window = number(o, "window", byte >> 4), method = number(o, "method", byte & 15u);

	byte = wire_u8(r);
	say(o, "window %u bits method %u check %u", window + 8, method,
		number(o, "check", byte & 3u));
}

static void say_addresses(struct option *o, struct wire_reader *r)
{
	char address[DECODE_ADDRESS];

	say(o, "%s", decode_address(wire_u32(r), address));
	say(o, " %s", decode_address(wire_u32(r), address));
}

static void say_quality(struct option *o, struct wire_reader *r)
{
	say_protocol(o, wire_u16(r));
	say(o, " period %u/100 s", number(o, "period", wire_u32(r)));
}

static void say_bsd(struct option *o, struct wire_reader *r)
{
	uint8_t byte = wire_u8(r); /* RFC 1977 section 2.1 */
	uint32_t version = number(o, "version", byte >> 5);

	say(o, "version %u code size %u bits", version, number(o, "code_size", byte & 31u));
}

static void say_hex32(struct option *o, struct wire_reader *r)
{
	say(o, "%08x", number(o, "number", wire_u32(r)));
}

static void say_flag(struct option *o, struct wire_reader *r)
{
	(void)o;
	(void)r;
}

static void say_address(struct option *o, struct wire_reader *r)
{
	char address[DECODE_ADDRESS];

	say(o, "%s", decode_address(wire_u32(r), address));
}

static void say_interface_id(struct option *o, struct wire_reader *r)
{
	for (int i = 0; i < 4; i++)
		say(o, "%s%04x", i ? ":" : "", wire_u16(r));
}

static void say_known(struct option *o, struct wire_reader *r)
{
	say_protocol(o, wire_u16(r));
	if (wire_left(r)) {
		say(o, " ");
		say_hex(o, r);
	}
}

static void (*const say_shape[])(struct option *o, struct wire_reader *r) = {
	[SHAPE_HEX] = say_hex,
	[SHAPE_FLAG] = say_flag,
	[SHAPE_NUMBER] = say_number,
	[SHAPE_HEX32] = say_hex32,
	[SHAPE_ADDRESS] = say_address,
	[SHAPE_AUTH] = say_auth,
	[SHAPE_QUALITY] = say_quality,
	[SHAPE_CALLBACK] = say_callback,
	[SHAPE_ENDPOINT] = say_endpoint,
	[SHAPE_MPPE] = say_mppe,
	[SHAPE_DEFLATE] = say_deflate,
	[SHAPE_BSD] = say_bsd,
	[SHAPE_VJ] = say_vj,
	[SHAPE_INTERFACE_ID] = say_interface_id,
	[SHAPE_TEXT] = say_text,
	[SHAPE_ADDRESSES] = say_addresses,
	[SHAPE_PROTOCOL] = say_known,
	[SHAPE_PEER] = say_peer,
	[SHAPE_FILTER] = say_filter,
	[SHAPE_SEGMENT] = say_segment,
};

void decode_words_option(
	struct decode_event *e, uint16_t protocol, uint8_t type, struct wire_reader data)
{
	struct option o = { .e = e };
	struct wire_reader r = data;
	enum shape shape = SHAPE_HEX;
	const char *name = NULL;
	char unknown[16];

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (kinds[i].protocol == protocol && kinds[i].type == type) {
			name = kinds[i].name;
			shape = (enum shape)kinds[i].shape;
		}
	}
	if (!name) {
		snprintf(unknown, sizeof(unknown), "option %u", type);
		name = unknown;
	}
	decode_event_int(e, "type", type);
	decode_event_int(e, "length", wire_left(&data) + 2);
	decode_event_string(e, "name", name);
	say_shape[shape](&o, &r);
	if (r.failed || wire_left(&r)) {
		/* Not the length that this option has: show what there is. */
		o.value[0] = '\0';
		say(&o, "malformed ");
		say_hex(&o, &data);
	}
	decode_event_string(e, "value", o.value);
	decode_event_text(e, "%s%s%s", name, o.value[0] ? " " : "", o.value);
}
