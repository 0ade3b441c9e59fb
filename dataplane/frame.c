/* Ethernet and IPv4 in front of GRE: see frame.h. */
#include "dataplane/frame.h"

#include "lib/checksum.h"
#include "lib/wire.h"

#define TYPE_IPV4    0x0800u
#define PROTOCOL_GRE 47u
#define VERSION_IHL  0x45u

void frame_build(uint8_t out[FRAME_HEADERS], const struct frame_hop *hop,
	const struct frame_style *style, struct in_addr from, struct in_addr to, uint16_t id,
	size_t payload)
{
	struct wire_writer w = wire_writer(out, FRAME_HEADERS);

	wire_put_bytes(&w, hop->to, FRAME_ADDRESS);
	wire_put_bytes(&w, hop->from, FRAME_ADDRESS);
	wire_put_u16(&w, TYPE_IPV4);
	wire_put_u8(&w, VERSION_IHL);
	wire_put_u8(&w, style->tos);
	wire_put_u16(&w, (uint16_t)(IPV4_HEADER + payload));
	wire_put_u16(&w, style->df ? 0 : id);
	wire_put_u16(&w, style->df ? IPV4_DONT_FRAGMENT : 0);
	wire_put_u8(&w, style->ttl);
	wire_put_u8(&w, PROTOCOL_GRE);
	wire_put_u16(&w, 0);
	wire_put_bytes(&w, &from, sizeof(from));
	wire_put_bytes(&w, &to, sizeof(to));
	wire_patch_u16(&w, FRAME_ETHERNET + IPV4_AT_CHECKSUM,
		checksum_of(out + FRAME_ETHERNET, IPV4_HEADER));
}

size_t frame_open(const uint8_t *data, size_t len)
{
	struct wire_reader r = wire_reader(data, len);

	wire_skip(&r, 2u * FRAME_ADDRESS);
	return wire_u16(&r) == TYPE_IPV4 && !r.failed ? FRAME_ETHERNET : 0;
}
