/* The Internet checksum (RFC 1071) of headers that we build. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Of `len` octets, to be written in network order where zeros were summed. */
static inline uint16_t checksum_of(const uint8_t *data, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)data[i] << 8 | data[i + 1];
	if (len % 2)
		sum += (uint32_t)data[len - 1] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}
