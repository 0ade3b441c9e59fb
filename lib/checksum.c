/*
 * The Internet checksum: see checksum.h. RFC 1071 section 2: words of any size will do as long as
 * carries come back in at the low end (C), and in any order of octets (B). Four sums side by side
 * do not wait for each other's carries.
 */
#include "lib/checksum.h"

#include <string.h>

static uint64_t load(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* Of less than 8 octets, without a call for so few; the one that is missing of an odd number is 0. */
static uint64_t rest(const uint8_t *p, size_t len)
{
	uint32_t four = 0;
	uint16_t two = 0, one = 0;

	if (len & 4) {
		memcpy(&four, p, 4);
		p += 4;
	}
	if (len & 2) {
		memcpy(&two, p, 2);
		p += 2;
	}
	if (len & 1)
		memcpy(&one, p, 1);
	return (uint64_t)four + two + one;
}

/* The word at `from`, which is at `to`, too, then. */
static uint64_t move(uint8_t *to, const uint8_t *from)
{
	uint64_t v = load(from);

	memcpy(to, &v, sizeof(v));
	return v;
}

/* With the carry around the end. */
static uint64_t plus(uint64_t sum, uint64_t v)
{
	sum += v;
	return sum + (sum < v);
}

uint64_t checksum_add(uint64_t sum, const void *data, size_t len)
{
	uint64_t sums[3] = { 0 };
	const uint8_t *p = data;

	for (; len >= 32; len -= 32, p += 32) {
		sum = plus(sum, load(p));
		sums[0] = plus(sums[0], load(p + 8));
		sums[1] = plus(sums[1], load(p + 16));
		sums[2] = plus(sums[2], load(p + 24));
	}
	sum = plus(plus(sum, sums[0]), plus(sums[1], sums[2]));
	for (; len >= 8; len -= 8, p += 8)
		sum = plus(sum, load(p));
	return plus(sum, rest(p, len));
}

uint64_t checksum_add_copy(uint64_t sum, void *to, const void *from, size_t len)
{
	uint64_t sums[3] = { 0 };
	const uint8_t *p = from;
	uint8_t *out = to;

	for (; len >= 32; len -= 32, p += 32, out += 32) {
		sum = plus(sum, move(out, p));
		sums[0] = plus(sums[0], move(out + 8, p + 8));
		sums[1] = plus(sums[1], move(out + 16, p + 16));
		sums[2] = plus(sums[2], move(out + 24, p + 24));
	}
	sum = plus(plus(sum, sums[0]), plus(sums[1], sums[2]));
	for (; len >= 8; len -= 8, p += 8, out += 8)
		sum = plus(sum, move(out, p));
	if (len)
		memcpy(out, p, len);
	return plus(sum, rest(p, len));
}

uint64_t checksum_add_pseudo(
	uint64_t sum, const uint8_t *addresses, size_t addresses_len, uint8_t protocol, size_t len)
{
	const uint8_t rest[8] = { (uint8_t)(len >> 24), (uint8_t)(len >> 16), (uint8_t)(len >> 8),
		(uint8_t)len, 0, 0, 0, protocol };

	return checksum_add(checksum_add(sum, addresses, addresses_len), rest, sizeof(rest));
}

uint16_t checksum_fold(uint64_t sum)
{
	uint16_t folded;
	uint8_t octets[2];

	sum = (sum >> 32) + (sum & 0xffffffff);
	sum = (sum >> 32) + (sum & 0xffffffff);
	sum = (sum >> 16) + (sum & 0xffff);
	sum = (sum >> 16) + (sum & 0xffff);
	sum = (sum >> 16) + (sum & 0xffff);
	folded = (uint16_t)sum;
	memcpy(octets, &folded, sizeof(octets));
	return (uint16_t)((unsigned int)octets[0] << 8 | octets[1]);
}
