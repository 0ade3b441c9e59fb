/*
 * ICMP errors about PPTP's own packets (RFC 792, RFC 1191): they say why a tunnel has no way through.
 */
#include "tools/decode/decoder.h"

#define ICMP_UNREACHABLE   3
#define ICMP_SOURCE_QUENCH 4
#define ICMP_REDIRECT      5
#define ICMP_TIME_EXCEEDED 11
#define ICMP_PARAMETER     12

#define FRAGMENTATION_NEEDED 4

static const char *unreachable_text(uint8_t code)
{
	static const char *const texts[] = { "network unreachable", "host unreachable",
		"protocol unreachable", "port unreachable", "fragmentation needed",
		"source route failed", "network unknown", "host unknown", "source host isolated",
		"network prohibited", "host prohibited", "network unreachable for this service",
		"host unreachable for this service", "prohibited by a filter",
		"host precedence violation", "precedence cutoff" };

	return code < sizeof(texts) / sizeof(texts[0]) ? texts[code] : "unreachable";
}

static const char *error_text(const struct decode_icmp *m)
{
	switch (m->type) {
	case ICMP_UNREACHABLE:
		return unreachable_text(m->code);
	case ICMP_SOURCE_QUENCH:
		return "source quench";
	case ICMP_REDIRECT:
		return "redirect";
	case ICMP_TIME_EXCEEDED:
		return m->code ? "fragments did not come together in time" : "time exceeded";
	case ICMP_PARAMETER:
		return "parameter problem";
	default:
		return NULL;
	}
}

/* Is the packet in the error one of ours? Eight bytes of it are there at least (RFC 792). */
static bool is_ours(struct decode_icmp *m, struct wire_reader r)
{
	struct decode_ip ip;
	struct wire_reader inside;
	uint16_t first, second;

	if (!decode_ip_read(&ip, r.pos, wire_left(&r)))
		return false;
	m->protocol = ip.protocol;
	m->src = ip.src;
	m->dst = ip.dst;
	inside = wire_reader(ip.data, ip.len);
	first = wire_u16(&inside);
	second = wire_u16(&inside);
	if (inside.failed)
		return false;
	if (ip.protocol == DECODE_IP_TCP)
		return first == CONTROL_PORT || second == CONTROL_PORT;
	return ip.protocol == DECODE_IP_GRE && (first & 7) == 1 && second == 0x880b;
}

void decode_icmp(struct decoder *d, const struct decode_meta *meta, const struct decode_ip *ip)
{
	struct wire_reader r = wire_reader(ip->data, ip->len);
	struct decode_event *e = &d->event;
	struct decode_icmp m = { 0 };
	char src[DECODE_ADDRESS], dst[DECODE_ADDRESS];
	const char *text;

	m.type = wire_u8(&r);
	m.code = wire_u8(&r);
	wire_skip(&r, 4);
	m.mtu = wire_u16(&r);
	text = error_text(&m);
	if (r.failed || !text || !is_ours(&m, r))
		return;
	if (m.type != ICMP_UNREACHABLE || m.code != FRAGMENTATION_NEEDED)
		m.mtu = 0;
	decode_event_begin(e, meta, DECODE_KIND_ICMP);
	e->icmp = &m;
	decode_address(m.src, src);
	decode_address(m.dst, dst);
	decode_event_int(e, "icmp_type", m.type);
	decode_event_int(e, "icmp_code", m.code);
	decode_event_string(e, "error_text", text);
	decode_event_string(e, "about", m.protocol == DECODE_IP_TCP ? "TCP" : "GRE");
	decode_event_string(e, "about_src", src);
	decode_event_string(e, "about_dst", dst);
	decode_event_text(e, "ICMP %s", text);
	if (m.mtu) {
		decode_event_int(e, "mtu", m.mtu);
		decode_event_text(e, ", MTU %u", m.mtu);
	}
	decode_event_text(
		e, ": %s of %s > %s", m.protocol == DECODE_IP_TCP ? "TCP" : "GRE", src, dst);
	decode_emit(d);
}
