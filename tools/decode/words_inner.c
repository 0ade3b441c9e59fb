/* Network-layer packets in one line each: IPv4 (RFC 791), IPv6 (RFC 8200), their transports. */
#include "tools/decode/words.h"

#include "lib/ppp/frame.h"
#include "tools/decode/multilink.h"

#include <arpa/inet.h>
#include <stdio.h>

static const char *transport_name(uint8_t protocol)
{
	switch (protocol) {
	case 1:
		return "ICMP";
	case 2:
		return "IGMP";
	case 6:
		return "TCP";
	case 17:
		return "UDP";
	case 47:
		return "GRE";
	case 50:
		return "ESP";
	case 58:
		return "ICMPv6";
	case 89:
		return "OSPF";
	default:
		return NULL;
	}
}

static void print_tcp(struct decode_event *e, struct wire_reader r, size_t len)
{
	static const char letters[] = "FSRPAUEC";
	uint16_t source = wire_u16(&r), target = wire_u16(&r);
	uint32_t seq = wire_u32(&r), ack = wire_u32(&r);
	uint16_t flags = wire_u16(&r);
	size_t header = (flags >> 12) * 4u, used = 0;
	char words[9];

	if (r.failed || header < 20 || header > len)
		return;
	for (unsigned int i = 0; i < 8; i++) {
		if (flags & 1u << i)
			words[used++] = letters[i];
	}
	words[used] = '\0';
	decode_event_int(e, "src_port", source);
	decode_event_int(e, "dst_port", target);
	decode_event_string(e, "flags", words);
	decode_event_int(e, "seq", seq);
	decode_event_text(e, " %u > %u [%s] seq %u", source, target, words, seq);
	if (flags & 0x10)
		decode_event_text(e, " ack %u", ack);
	decode_event_text(e, " len %zu", len - header);
}

static void print_udp(struct decode_event *e, struct wire_reader r)
{
	uint16_t source = wire_u16(&r), target = wire_u16(&r), length = wire_u16(&r);

	if (r.failed || length < 8)
		return;
	decode_event_int(e, "src_port", source);
	decode_event_int(e, "dst_port", target);
	decode_event_text(e, " %u > %u len %u", source, target, length - 8u);
}

static void print_icmp(struct decode_event *e, struct wire_reader r, bool v6)
{
	uint8_t type = wire_u8(&r), code = wire_u8(&r);
	const char *name = NULL;
	uint16_t id, seq;

	wire_skip(&r, 2);
	if (r.failed)
		return;
	decode_event_int(e, "icmp_type", type);
	decode_event_int(e, "icmp_code", code);
	if (type == (v6 ? 128 : 8))
		name = "echo request";
	else if (type == (v6 ? 129 : 0))
		name = "echo reply";
	if (name) {
		id = wire_u16(&r);
		seq = wire_u16(&r);
		decode_event_text(e, " %s id %u seq %u", name, id, seq);
		return;
	}
	if (type == (v6 ? 1 : 3))
		name = "unreachable";
	else if (type == (v6 ? 3 : 11))
		name = "time exceeded";
	else if (v6 && type == 2)
		name = "packet too big";
	else if (v6 && type == 133)
		name = "router solicitation";
	else if (v6 && type == 134)
		name = "router advertisement";
	else if (v6 && type == 135)
		name = "neighbor solicitation";
	else if (v6 && type == 136)
		name = "neighbor advertisement";
	else if (v6 && type == 143)
		name = "multicast listener report";
	if (name)
		decode_event_text(e, " %s code %u", name, code);
	else
		decode_event_text(e, " type %u code %u", type, code);
}

static void print_transport(
	struct decode_event *e, uint8_t protocol, struct wire_reader r, size_t len, bool v6)
{
	const char *name = transport_name(protocol);
	char number[16];

	if (!name) {
		snprintf(number, sizeof(number), "protocol %u", protocol);
		name = number;
	}
	decode_event_string(e, "transport", name);
	decode_event_text(e, " %s", name);
	if (protocol == 6)
		print_tcp(e, r, len);
	else if (protocol == 17)
		print_udp(e, r);
	else if (protocol == (v6 ? 58 : 1))
		print_icmp(e, r, v6);
}

static bool print_ipv4(struct decode_event *e, struct wire_reader r)
{
	char src[DECODE_ADDRESS], dst[DECODE_ADDRESS];
	uint8_t first = wire_u8(&r), protocol;
	uint16_t total, id, fragment;
	size_t header = (first & 15) * 4u;

	wire_skip(&r, 1);
	total = wire_u16(&r);
	id = wire_u16(&r);
	fragment = wire_u16(&r);
	wire_skip(&r, 1);
	protocol = wire_u8(&r);
	wire_skip(&r, 2);
	decode_address(wire_u32(&r), src);
	decode_address(wire_u32(&r), dst);
	if (r.failed || first >> 4 != 4 || header < 20 || total < header)
		return false;
	wire_skip(&r, header - 20);
	decode_event_string(e, "src", src);
	decode_event_string(e, "dst", dst);
	decode_event_int(e, "length", total);
	decode_event_text(e, "IPv4 %s > %s", src, dst);
	if (fragment & 0x1fff || fragment & 0x2000) {
		decode_event_int(e, "fragment_offset", (fragment & 0x1fffu) * 8);
		decode_event_text(e, " fragment id %u offset %u%s", id, (fragment & 0x1fffu) * 8,
			fragment & 0x2000 ? "+" : "");
	}
	if (!(fragment & 0x1fff))
		print_transport(e, protocol, r, total - header, false);
	decode_event_text(e, ", %u bytes", total);
	return true;
}

static bool print_ipv6(struct decode_event *e, struct wire_reader r)
{
	char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN];
	uint32_t first = wire_u32(&r);
	uint16_t length = wire_u16(&r);
	uint8_t next = wire_u8(&r);
	const uint8_t *from, *to;
	size_t left = length;

	wire_skip(&r, 1);
	from = wire_bytes(&r, 16);
	to = wire_bytes(&r, 16);
	if (r.failed || first >> 28 != 6)
		return false;
	inet_ntop(AF_INET6, from, src, sizeof(src));
	inet_ntop(AF_INET6, to, dst, sizeof(dst));
	decode_event_string(e, "src", src);
	decode_event_string(e, "dst", dst);
	decode_event_int(e, "length", length + 40u);
	decode_event_text(e, "IPv6 %s > %s", src, dst);
	/* Hop-by-hop options stand before multicast listener reports, the first packets of a link.
	 */
	if (next == 0 && wire_left(&r) >= 8) {
		size_t size;

		next = wire_u8(&r);
		size = wire_u8(&r) * 8u + 8;
		wire_skip(&r, size - 2);
		left = left > size ? left - size : 0;
	}
	print_transport(e, next, r, left, true);
	decode_event_text(e, ", %u bytes", length + 40u);
	return true;
}

/* RFC 1990 section 3: which part of a frame, and what begins in it. */
static bool print_multilink(struct decode_event *e, struct wire_reader r, bool brief)
{
	struct decode_multilink_header h;
	uint16_t protocol;
	char buf[24];

	if (!decode_multilink_read(&r, brief, &h))
		return false;
	decode_event_int(e, "seq", h.seq);
	decode_event_bool(e, "begin", h.begin);
	decode_event_bool(e, "end", h.end);
	decode_event_text(
		e, "multilink seq %u%s%s", h.seq, h.begin ? " begin" : "", h.end ? " end" : "");
	if (h.begin && ppp_header_read(&r, &protocol)) {
		const char *name = ppp_protocol_name(protocol, buf, sizeof(buf));

		decode_event_string(e, "carries", name);
		decode_event_text(e, " of %s", name);
	}
	decode_event_text(e, ", %zu bytes", wire_left(&r));
	return true;
}

static void words_inner(struct decode_event *e, uint16_t protocol, struct wire_reader r, bool brief)
{
	char buf[24];
	const char *name = ppp_protocol_name(protocol, buf, sizeof(buf));
	size_t len = wire_left(&r);
	bool ok = false;

	decode_event_object(e, "inner");
	decode_event_string(e, "protocol", name);
	if (protocol == PPP_IP)
		ok = print_ipv4(e, r);
	else if (protocol == PPP_IPV6)
		ok = print_ipv6(e, r);
	else if (protocol == PPP_MULTILINK)
		ok = print_multilink(e, r, brief);
	if (!ok)
		decode_event_text(e, "%s%s, %zu bytes", name,
			protocol == PPP_IP || protocol == PPP_IPV6 ? " malformed" : "", len);
	decode_event_close(e);
}

void decode_words_inner(struct decode_event *e, uint16_t protocol, struct wire_reader r)
{
	words_inner(e, protocol, r, false);
}

void decode_words_multilink(struct decode_event *e, struct wire_reader r, bool brief)
{
	words_inner(e, PPP_MULTILINK, r, brief);
}
