/* IPv4 headers: see ipv4.h. */
#include "dataplane/ipv4.h"

#include "lib/wire.h"

bool ipv4_decode(struct ipv4 *ip, const uint8_t *data, size_t len)
{
	struct wire_reader r = wire_reader(data, len);
	uint8_t first = wire_u8(&r);

	ip->tos = wire_u8(&r);
	ip->header = (first & 15u) * 4u;
	ip->total = wire_u16(&r);
	ip->id = wire_u16(&r);
	ip->fragment = wire_u16(&r);
	ip->ttl = wire_u8(&r);
	ip->protocol = wire_u8(&r);
	wire_skip(&r, 2);
	ip->source = wire_u32(&r);
	ip->destination = wire_u32(&r);
	return !r.failed && first >> 4 == 4 && ip->header >= IPV4_HEADER &&
	       ip->total >= ip->header && ip->total <= len;
}
