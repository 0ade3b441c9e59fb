/* The header in front of a TUN device's packets: see vnet.h. */
#include "dataplane/vnet.h"

#include <string.h>

#define FLAG_PARTIAL 1
#define KIND_ECN     0x80

/* As it stands. */
struct raw {
	uint8_t flags, kind;
	uint16_t headers, size, start, offset;
};

_Static_assert(sizeof(struct raw) == VNET_SIZE, "without padding");

void vnet_decode(struct vnet *v, const uint8_t data[VNET_SIZE])
{
	struct raw raw;
	uint8_t kind;

	memcpy(&raw, data, sizeof(raw));
	kind = (uint8_t)(raw.kind & ~KIND_ECN);
	v->kind = kind == VNET_LONE || kind == VNET_TCP4 || kind == VNET_TCP6 || kind == VNET_UDP
			  ? kind
			  : VNET_UNKNOWN;
	v->ecn = raw.kind & KIND_ECN;
	v->partial = raw.flags & FLAG_PARTIAL;
	v->headers = raw.headers;
	v->size = raw.size;
	v->start = raw.start;
	v->offset = raw.offset;
}

void vnet_encode(const struct vnet *v, uint8_t data[VNET_SIZE])
{
	struct raw raw = {
		.flags = v->partial ? FLAG_PARTIAL : 0,
		.kind = (uint8_t)(v->kind | (v->ecn ? KIND_ECN : 0)),
		.headers = v->headers,
		.size = v->size,
		.start = v->start,
		.offset = v->offset,
	};

	memcpy(data, &raw, sizeof(raw));
}
