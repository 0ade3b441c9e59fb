/* ICMP Echo: see echo.h. */
#include "tools/bench/echo.h"

#include "lib/checksum.h"
#include "lib/wire.h"

#define IDENTIFIER 0x6772

void echo_request_sized(uint8_t *out, size_t size, struct in_addr source,
	struct in_addr destination, uint16_t sequence, uint32_t tag)
{
	struct wire_writer w;

	size = size < ECHO_SIZE ? ECHO_SIZE : size > ECHO_MAX ? ECHO_MAX : size;
	w = wire_writer(out, size);
	wire_put_u16(&w, 0x4500);
	wire_put_u16(&w, (uint16_t)size);
	wire_put_u32(&w, 0); /* identification, fragment */
	wire_put_u16(&w, 64 << 8 | IPPROTO_ICMP);
	wire_put_u16(&w, 0);
	wire_put_bytes(&w, &source, 4);
	wire_put_bytes(&w, &destination, 4);
	wire_put_u16(&w, 8 << 8); /* Echo */
	wire_put_u16(&w, 0);
	wire_put_u16(&w, IDENTIFIER);
	wire_put_u16(&w, sequence);
	wire_put_u32(&w, tag);
	wire_put_zero(&w, size - wire_written(&w));
	wire_patch_u16(&w, 10, checksum_of(out, 20));
	wire_patch_u16(&w, 22, checksum_of(out + 20, size - 20));
}

void echo_request(uint8_t *out, struct in_addr source, struct in_addr destination,
	uint16_t sequence, uint32_t tag)
{
	echo_request_sized(out, ECHO_SIZE, source, destination, sequence, tag);
}

bool echo_reply_begins(const uint8_t *packet, size_t len, uint32_t *tag)
{
	struct wire_reader r = wire_reader(packet, len);
	uint8_t version = wire_u8(&r), protocol, type;
	uint16_t fragment, identifier;

	wire_skip(&r, 5);
	fragment = wire_u16(&r);
	wire_skip(&r, 1);
	protocol = wire_u8(&r);
	wire_skip(&r, 10);
	type = wire_u8(&r);
	wire_skip(&r, 3);
	identifier = wire_u16(&r);
	wire_skip(&r, 2);
	*tag = wire_u32(&r);
	return !r.failed && version == 0x45 && !(fragment & 0x1fff) && protocol == IPPROTO_ICMP &&
	       type == 0 && identifier == IDENTIFIER && checksum_of(packet, 20) == 0;
}

bool echo_reply(const uint8_t *packet, size_t len, struct in_addr *destination, uint32_t *tag)
{
	struct wire_reader r = wire_reader(packet, len);
	uint16_t total, identifier;
	uint8_t protocol, type;

	if (len < ECHO_SIZE || wire_u8(&r) != 0x45)
		return false;
	wire_skip(&r, 1);
	total = wire_u16(&r);
	wire_skip(&r, 5);
	protocol = wire_u8(&r);
	wire_skip(&r, 6);
	wire_copy(&r, destination, 4);
	type = wire_u8(&r);
	wire_skip(&r, 3);
	identifier = wire_u16(&r);
	wire_skip(&r, 2);
	*tag = wire_u32(&r);
	return !r.failed && total == ECHO_SIZE && protocol == IPPROTO_ICMP && type == 0 &&
	       identifier == IDENTIFIER && checksum_of(packet, 20) == 0 &&
	       checksum_of(packet + 20, ECHO_SIZE - 20) == 0;
}
