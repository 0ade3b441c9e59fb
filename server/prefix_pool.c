/* Prefixes for sessions: see prefix_pool.h. */
#include "server/prefix_pool.h"

#include "lib/wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void prefix_pool_init(struct prefix_pool *p)
{
	memset(p, 0, sizeof(*p));
}

void prefix_pool_done(struct prefix_pool *p)
{
	free(p->taken);
	prefix_pool_init(p);
}

static uint64_t upper_half(const uint8_t address[16])
{
	struct wire_reader r = wire_reader(address, 8);
	uint64_t high = wire_u32(&r);

	return high << 32 | wire_u32(&r);
}

static void put_upper_half(uint8_t address[16], uint64_t half)
{
	struct wire_writer w = wire_writer(address, 16);

	wire_put_u32(&w, (uint32_t)(half >> 32));
	wire_put_u32(&w, (uint32_t)half);
	wire_put_zero(&w, 8);
}

int prefix_pool_add(struct prefix_pool *p, const uint8_t prefix[16], unsigned int len)
{
	struct prefix_range range = { .first = upper_half(prefix), .count = PREFIXES_MAX };
	bool *taken;

	if (len > PREFIX_LEN)
		return -EINVAL;
	if (p->range_count == PREFIX_RANGES_MAX)
		return -ENOSPC;
	if (PREFIX_LEN - len < 16)
		range.count = 1u << (PREFIX_LEN - len);
	for (unsigned int i = 0; i < p->range_count; i++) {
		const struct prefix_range *other = &p->ranges[i];

		if (range.first - other->first < other->count ||
			other->first - range.first < range.count)
			return -EEXIST;
	}
	taken = realloc(p->taken, (p->size + range.count) * sizeof(*taken));
	if (!taken)
		return -ENOMEM;
	memset(taken + p->size, 0, range.count * sizeof(*taken));
	taken[0] = true; /* this end's */
	p->taken = taken;
	p->size += range.count;
	p->ranges[p->range_count++] = range;
	return 0;
}

bool prefix_pool_local(const struct prefix_pool *p, uint8_t address[16])
{
	if (!p->range_count)
		return false;
	put_upper_half(address, p->ranges[0].first);
	address[15] = 1;
	return true;
}

static uint64_t nth(const struct prefix_pool *p, uint32_t n)
{
	unsigned int i = 0;

	while (n >= p->ranges[i].count)
		n -= p->ranges[i++].count;
	return p->ranges[i].first + n;
}

bool prefix_pool_take(struct prefix_pool *p, uint8_t prefix[16])
{
	for (uint32_t tries = 0; tries < p->size; tries++) {
		uint32_t n = p->cursor;

		p->cursor = (p->cursor + 1) % p->size;
		if (p->taken[n])
			continue;
		p->taken[n] = true;
		p->used++;
		put_upper_half(prefix, nth(p, n));
		return true;
	}
	return false;
}

void prefix_pool_give_back(struct prefix_pool *p, const uint8_t prefix[16])
{
	uint64_t half = upper_half(prefix);
	uint32_t before = 0;

	for (unsigned int i = 0; i < p->range_count; i++) {
		const struct prefix_range *range = &p->ranges[i];

		if (half - range->first < range->count) {
			bool *taken = &p->taken[before + (uint32_t)(half - range->first)];

			p->used -= *taken;
			*taken = false;
			return;
		}
		before += range->count;
	}
}
