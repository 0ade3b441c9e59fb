/* Router Solicitations and Advertisements: see message.h. */
#include "lib/nd/message.h"

#include "lib/checksum.h"
#include "lib/wire.h"

#include <string.h>

#define IPV6_HEADER   40
#define ICMPV6        58
#define HOP_LIMIT     255
#define SOLICITATION  133
#define ADVERTISEMENT 134

enum option {
	OPTION_SOURCE_LINK = 1,
	OPTION_PREFIX = 3,
	OPTION_MTU = 5,
	OPTION_DNS = 25,
};

#define ON_LINK    0x80
#define AUTONOMOUS 0x40

static const uint8_t all_nodes[ND_ADDRESS] = { 0xff, 0x02, [15] = 1 };
static const uint8_t all_routers[ND_ADDRESS] = { 0xff, 0x02, [15] = 2 };
static const uint8_t unspecified[ND_ADDRESS];

void nd_link_local(uint8_t out[ND_ADDRESS], const uint8_t identifier[8])
{
	memset(out, 0, ND_ADDRESS);
	out[0] = 0xfe;
	out[1] = 0x80;
	memcpy(out + 8, identifier, 8);
}

bool nd_is_link_local(const uint8_t address[ND_ADDRESS])
{
	return address[0] == 0xfe && (address[1] & 0xc0) == 0x80;
}

/* RFC 8200 8.1: over addresses, length, next header, and the message; 0 if its own is right. */
static uint16_t checksum(const uint8_t *packet, size_t payload)
{
	return checksum_of_upper(packet + 8, 2 * ND_ADDRESS, ICMPV6, packet + IPV6_HEADER, payload);
}

static void read_address(struct wire_reader *r, uint8_t out[ND_ADDRESS])
{
	const uint8_t *at = wire_bytes(r, ND_ADDRESS);

	if (at)
		memcpy(out, at, ND_ADDRESS);
}

static void read_prefix(struct wire_reader *r, struct nd_advertisement *ra)
{
	struct nd_prefix p = { 0 };
	uint8_t flags;

	p.len = wire_u8(r);
	flags = wire_u8(r);
	p.on_link = flags & ON_LINK;
	p.autonomous = flags & AUTONOMOUS;
	p.valid = wire_u32(r);
	p.preferred = wire_u32(r);
	wire_skip(r, 4);
	read_address(r, p.prefix);
	/* RFC 4862 5.5.3: what is preferred for longer than it is valid is ignored. */
	if (r->failed || p.len > 128 || p.preferred > p.valid || nd_is_link_local(p.prefix) ||
		p.prefix[0] == 0xff || ra->prefix_count == ND_PREFIXES_MAX)
		return;
	ra->prefixes[ra->prefix_count++] = p;
}

static void read_dns(struct wire_reader *r, struct nd_advertisement *ra)
{
	uint32_t lifetime;

	wire_skip(r, 2);
	lifetime = wire_u32(r);
	if (!ra->dns_count)
		ra->dns_lifetime = lifetime;
	while (wire_left(r) >= ND_ADDRESS && ra->dns_count < ND_DNS_MAX) {
		read_address(r, ra->dns[ra->dns_count]);
		if (ra->dns[ra->dns_count][0] != 0xff &&
			memcmp(ra->dns[ra->dns_count], unspecified, ND_ADDRESS) != 0)
			ra->dns_count++;
	}
}

/* False: malformed, so the whole message is (RFC 4861 6.1). */
static bool read_options(struct wire_reader *r, struct nd_advertisement *ra, bool *source_link)
{
	while (wire_left(r)) {
		uint8_t type = wire_u8(r), size = wire_u8(r);
		struct wire_reader option;

		if (r->failed || !size || wire_left(r) < size * 8u - 2)
			return false;
		option = wire_sub(r, size * 8u - 2);
		if (type == OPTION_SOURCE_LINK)
			*source_link = true;
		else if (!ra)
			continue;
		else if (type == OPTION_PREFIX && size == 4)
			read_prefix(&option, ra);
		else if (type == OPTION_DNS && size >= 3)
			read_dns(&option, ra);
		else if (type == OPTION_MTU && size == 1) {
			wire_skip(&option, 2);
			ra->mtu = wire_u32(&option);
		}
	}
	return true;
}

static enum nd_kind read_solicitation(struct wire_reader *r, const uint8_t *source)
{
	bool source_link = false;

	wire_skip(r, 4);
	if (r->failed || !read_options(r, NULL, &source_link))
		return ND_OTHER;
	if (source_link && !memcmp(source, unspecified, ND_ADDRESS))
		return ND_OTHER;
	return ND_SOLICITATION;
}

static enum nd_kind read_advertisement(
	struct wire_reader *r, const uint8_t *source, struct nd_advertisement *ra)
{
	bool source_link = false;

	memset(ra, 0, sizeof(*ra));
	ra->hop_limit = wire_u8(r);
	wire_skip(r, 1);
	ra->router_lifetime = wire_u16(r);
	wire_skip(r, 8); /* reachable time, retransmission: there are no neighbours to look for */
	if (r->failed || !nd_is_link_local(source) || !read_options(r, ra, &source_link))
		return ND_OTHER;
	return ND_ADVERTISEMENT;
}

enum nd_kind nd_decode(const uint8_t *packet, size_t len, struct nd_advertisement *ra)
{
	struct wire_reader r = wire_reader(packet, len);
	uint8_t version = wire_u8(&r) >> 4, next, limit, type, code;
	const uint8_t *source;
	uint16_t payload;

	wire_skip(&r, 3);
	payload = wire_u16(&r);
	next = wire_u8(&r);
	limit = wire_u8(&r);
	source = wire_bytes(&r, ND_ADDRESS);
	wire_skip(&r, ND_ADDRESS);
	if (r.failed || version != 6 || next != ICMPV6 || limit != HOP_LIMIT ||
		payload > wire_left(&r) || checksum(packet, payload) != 0)
		return ND_OTHER;
	r = wire_sub(&r, payload);
	type = wire_u8(&r);
	code = wire_u8(&r);
	wire_skip(&r, 2);
	if (r.failed || code)
		return ND_OTHER;
	if (type == SOLICITATION)
		return read_solicitation(&r, source);
	return type == ADVERTISEMENT ? read_advertisement(&r, source, ra) : ND_OTHER;
}

static void begin(struct wire_writer *w, const uint8_t *source, const uint8_t *to, uint8_t type)
{
	wire_put_u32(w, 6u << 28);
	wire_put_u16(w, 0); /* length: finish() */
	wire_put_u8(w, ICMPV6);
	wire_put_u8(w, HOP_LIMIT);
	wire_put_bytes(w, source, ND_ADDRESS);
	wire_put_bytes(w, to, ND_ADDRESS);
	wire_put_u8(w, type);
	wire_put_u8(w, 0);
	wire_put_u16(w, 0);
}

static size_t finish(struct wire_writer *w, uint8_t *out)
{
	size_t payload;

	if (w->failed)
		return 0;
	payload = wire_written(w) - IPV6_HEADER;
	wire_patch_u16(w, 4, (uint16_t)payload);
	wire_patch_u16(w, IPV6_HEADER + 2, checksum(out, payload));
	return wire_written(w);
}

/* `size`: in units of 8 octets, this header counted (RFC 4861 4.6). */
static void begin_option(struct wire_writer *w, enum option type, unsigned int size)
{
	wire_put_u16(w, (uint16_t)((unsigned int)type << 8 | (size & 0xff)));
}

static void put_prefix(struct wire_writer *w, const struct nd_prefix *p)
{
	begin_option(w, OPTION_PREFIX, 4);
	wire_put_u8(w, p->len);
	wire_put_u8(w, (uint8_t)((p->on_link ? ON_LINK : 0) | (p->autonomous ? AUTONOMOUS : 0)));
	wire_put_u32(w, p->valid);
	wire_put_u32(w, p->preferred);
	wire_put_u32(w, 0);
	wire_put_bytes(w, p->prefix, ND_ADDRESS);
}

static void put_dns(struct wire_writer *w, const struct nd_advertisement *ra)
{
	begin_option(w, OPTION_DNS, 1 + 2 * ra->dns_count);
	wire_put_u16(w, 0);
	wire_put_u32(w, ra->dns_lifetime);
	wire_put_bytes(w, ra->dns, ra->dns_count * sizeof(ra->dns[0]));
}

size_t nd_encode_advertisement(const struct nd_advertisement *ra, const uint8_t source[ND_ADDRESS],
	uint8_t *out, size_t size)
{
	struct wire_writer w = wire_writer(out, size);

	begin(&w, source, all_nodes, ADVERTISEMENT);
	wire_put_u8(&w, ra->hop_limit);
	wire_put_u8(&w, 0);
	wire_put_u16(&w, ra->router_lifetime);
	wire_put_u32(&w, 0);
	wire_put_u32(&w, 0);
	for (unsigned int i = 0; i < ra->prefix_count && i < ND_PREFIXES_MAX; i++)
		put_prefix(&w, &ra->prefixes[i]);
	if (ra->mtu) {
		begin_option(&w, OPTION_MTU, 1);
		wire_put_u16(&w, 0);
		wire_put_u32(&w, ra->mtu);
	}
	if (ra->dns_count && ra->dns_count <= ND_DNS_MAX)
		put_dns(&w, ra);
	return finish(&w, out);
}

size_t nd_encode_solicitation(const uint8_t source[ND_ADDRESS], uint8_t *out, size_t size)
{
	struct wire_writer w = wire_writer(out, size);

	begin(&w, source, all_routers, SOLICITATION);
	wire_put_u32(&w, 0);
	return finish(&w, out);
}
