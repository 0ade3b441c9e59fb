/* Multilink fragments: see multilink.h. */
#include "tools/decode/multilink.h"

bool decode_multilink_read(
	struct wire_reader *r, bool brief, struct decode_multilink_header *header)
{
	uint32_t word = brief ? (uint32_t)wire_u16(r) << 16 : wire_u32(r);

	header->begin = word >> 31;
	header->end = word >> 30 & 1;
	header->seq = brief ? word >> 16 & 0xfff : word & 0xffffff;
	return !r->failed;
}

bool decode_multilink_add(
	struct decode_multilink *ml, struct wire_reader packet, bool brief, bool whole)
{
	struct decode_multilink_header header;
	size_t len;

	if (!decode_multilink_read(&packet, brief, &header))
		return false;
	if (header.begin) {
		ml->open = true;
		ml->fragments = 0;
		ml->used = 0;
	} else if (header.seq != ml->next) {
		ml->open = false;
	}
	ml->next = (header.seq + 1) & (brief ? 0xfff : 0xffffff);
	len = wire_left(&packet);
	ml->open &= whole && len <= sizeof(ml->data) - ml->used;
	if (!ml->open)
		return false;
	wire_copy(&packet, ml->data + ml->used, len);
	ml->used += len;
	ml->fragments++;
	ml->open = !header.end;
	return header.end;
}
