/*
 * Fragmentation of inner IPv4 packets: see fragment.h. RFC 791 sections 2.3, 3.1 (options: the
 * copied flag) and 3.2. What is itself a fragment is cut further.
 */
#include "dataplane/fragment.h"

#include "lib/checksum.h"
#include "lib/wire.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define OPTION_END    0
#define OPTION_NONE   1
#define OPTION_COPIED 0x80u

int fragment_start(struct fragmenter *f, const uint8_t *packet, size_t len, size_t largest)
{
	struct ipv4 ip;

	if (!ipv4_decode(&ip, packet, len))
		return -EINVAL;
	f->header_len = ip.header;
	f->left = ip.total - ip.header;
	f->place = ip.fragment & IPV4_PLACE;
	f->more = ip.fragment & IPV4_MORE_FRAGMENTS;
	if (ip.fragment & IPV4_DONT_FRAGMENT || largest < ip.header + IPV4_UNIT ||
		f->place * IPV4_UNIT + f->left > UINT16_MAX)
		return -EMSGSIZE;
	f->payload = packet + ip.header;
	f->chunk = (largest - ip.header) / IPV4_UNIT * IPV4_UNIT;
	memcpy(f->header, packet, ip.header);
	return 0;
}

/* The options that all fragments have, padded; from the second fragment on. */
static void keep_copied_options(struct fragmenter *f)
{
	struct wire_reader r = wire_reader(f->header + IPV4_HEADER, f->header_len - IPV4_HEADER);
	uint8_t kept[IPV4_HEADER_MAX - IPV4_HEADER];
	struct wire_writer w = wire_writer(kept, sizeof(kept));

	while (wire_left(&r)) {
		const uint8_t *option = r.pos;
		uint8_t kind = wire_u8(&r), size;

		if (kind == OPTION_END)
			break;
		if (kind == OPTION_NONE)
			continue;
		size = wire_u8(&r);
		if (r.failed || size < 2)
			break;
		wire_skip(&r, size - 2u);
		if (r.failed)
			break;
		if (kind & OPTION_COPIED)
			wire_put_bytes(&w, option, size);
	}
	while (wire_written(&w) % 4)
		wire_put_u8(&w, OPTION_END);
	memcpy(f->header + IPV4_HEADER, kept, wire_written(&w));
	f->header_len = IPV4_HEADER + wire_written(&w);
	f->header[0] = (uint8_t)(0x40u | f->header_len / 4);
}

size_t fragment_next(struct fragmenter *f, uint8_t *out, size_t size)
{
	size_t take = f->left < f->chunk ? f->left : f->chunk, total = f->header_len + take;
	struct wire_writer w = wire_writer(out, size);
	bool last = take == f->left;

	if (!f->left)
		return 0;
	wire_put_bytes(&w, f->header, f->header_len);
	wire_put_bytes(&w, f->payload, take);
	wire_patch_u16(&w, IPV4_AT_TOTAL, (uint16_t)total);
	wire_patch_u16(&w, IPV4_AT_FRAGMENT,
		(uint16_t)(f->place | (last ? f->more : IPV4_MORE_FRAGMENTS)));
	wire_patch_u16(&w, IPV4_AT_CHECKSUM, 0);
	if (w.failed) {
		f->left = 0;
		return 0;
	}
	wire_patch_u16(&w, IPV4_AT_CHECKSUM, checksum_of(out, f->header_len));
	f->payload += take;
	f->left -= take;
	f->place = (uint16_t)(f->place + take / IPV4_UNIT);
	if (!last)
		keep_copied_options(f);
	return total;
}
