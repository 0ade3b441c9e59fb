/* What our end sent, for Wireshark: see replay.h. */
#include "tests/replay/replay.h"

#define LINKTYPE_PPP 9

static bool put(FILE *f, const void *data, size_t len)
{
	return fwrite(data, 1, len, f) == len;
}

bool pcap_begin(FILE *f)
{
	const struct {
		uint32_t magic;
		uint16_t major, minor;
		uint32_t zone, accuracy, longest, link;
	} header = { 0xa1b2c3d4, 2, 4, 0, 0, 65535, LINKTYPE_PPP };

	return put(f, &header, sizeof(header));
}

void pcap_frame(FILE *f, uint64_t now, uint16_t protocol, const uint8_t *info, size_t len)
{
	const uint32_t header[4] = { (uint32_t)(now / 1000000), (uint32_t)(now % 1000000),
		(uint32_t)len + 2, (uint32_t)len + 2 };
	const uint8_t number[2] = { (uint8_t)(protocol >> 8), (uint8_t)protocol };

	if (!put(f, header, sizeof(header)) || !put(f, number, sizeof(number)) ||
		!put(f, info, len))
		printf("# the capture could not be written\n");
}
