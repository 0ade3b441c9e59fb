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

#define IPV4_HEADER    20u
#define DONT_FRAGMENT  0x4000u
#define MORE_FRAGMENTS 0x2000u
#define PLACE          0x1fffu
#define UNIT           8u

#define OPTION_END    0
#define OPTION_NONE   1
#define OPTION_COPIED 0x80u

int fragment_start(struct fragmenter *f, const uint8_t *packet, size_t len, size_t largest)
{
	struct wire_reader r = wire_reader(packet, len);
	uint8_t first = wire_u8(&r);
	uint16_t flags;
	size_t total;

	wire_skip(&r, 1);
	total = wire_u16(&r);
	wire_skip(&r, 2);
	flags = wire_u16(&r);
	f->header_len = (first & 15u) * 4u;
	if (r.failed || first >> 4 != 4 || f->header_len < IPV4_HEADER || total < f->header_len ||
		total > len)
		return -EINVAL;
	f->left = total - f->header_len;
	f->place = flags & PLACE;
	f->more = flags & MORE_FRAGMENTS;
	if (flags & DONT_FRAGMENT || largest < f->header_len + UNIT ||
		f->place * UNIT + f->left > UINT16_MAX)
		return -EMSGSIZE;
	f->payload = packet + f->header_len;
	f->chunk = (largest - f->header_len) / UNIT * UNIT;
	memcpy(f->header, packet, f->header_len);
	return 0;
}

/* The options that all fragments have, padded; from the second fragment on. */
static void keep_copied_options(struct fragmenter *f)
{
	struct wire_reader r = wire_reader(f->header + IPV4_HEADER, f->header_len - IPV4_HEADER);
	uint8_t kept[FRAGMENT_HEADER_MAX - IPV4_HEADER];
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
	wire_patch_u16(&w, 2, (uint16_t)total);
	wire_patch_u16(&w, 6, (uint16_t)(f->place | (last ? f->more : MORE_FRAGMENTS)));
	wire_patch_u16(&w, 10, 0);
	if (w.failed) {
		f->left = 0;
		return 0;
	}
	wire_patch_u16(&w, 10, checksum_of(out, f->header_len));
	f->payload += take;
	f->left -= take;
	f->place = (uint16_t)(f->place + take / UNIT);
	if (!last)
		keep_copied_options(f);
	return total;
}
