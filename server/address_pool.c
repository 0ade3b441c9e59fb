/* The address pool: see address_pool.h. */
#include "server/address_pool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { FREE, USED, RESERVED };

void address_pool_init(struct address_pool *p)
{
	memset(p, 0, sizeof(*p));
}

void address_pool_done(struct address_pool *p)
{
	free(p->state);
	address_pool_init(p);
}

int address_pool_add(struct address_pool *p, struct in_addr prefix, unsigned int len)
{
	uint64_t count = 1ull << (32 - len);
	uint32_t first = ntohl(prefix.s_addr);
	uint8_t *state;

	if (len <= 30) {
		first++;
		count -= 2;
	}
	if (p->range_count == ADDRESS_RANGES_MAX || p->size + count > ADDRESSES_MAX)
		return -ENOSPC;
	for (unsigned int i = 0; i < p->range_count; i++) {
		const struct address_range *r = &p->ranges[i];

		if (first < (uint64_t)r->first + r->count && r->first < first + count)
			return -EEXIST;
	}
	state = realloc(p->state, p->size + count);
	if (!state)
		return -ENOMEM;
	memset(state + p->size, FREE, count);
	p->state = state;
	p->ranges[p->range_count++] = (struct address_range){ first, (uint32_t)count };
	p->size += (uint32_t)count;
	return 0;
}

/* The index of an address over all ranges, or -1. */
static int64_t index_of(const struct address_pool *p, struct in_addr addr)
{
	uint32_t a = ntohl(addr.s_addr), base = 0;

	for (unsigned int i = 0; i < p->range_count; i++) {
		const struct address_range *r = &p->ranges[i];

		if (a >= r->first && a - r->first < r->count)
			return base + (a - r->first);
		base += r->count;
	}
	return -1;
}

static struct in_addr address_of(const struct address_pool *p, uint32_t index)
{
	unsigned int i = 0;

	while (index >= p->ranges[i].count)
		index -= p->ranges[i++].count;
	return (struct in_addr){ htonl(p->ranges[i].first + index) };
}

bool address_pool_holds(const struct address_pool *p, struct in_addr prefix, unsigned int len)
{
	uint32_t aside = len < 32, size = len ? (uint32_t)(1ull << (32 - len)) : 0;
	uint32_t low = ntohl(prefix.s_addr) + aside, high = ntohl(prefix.s_addr) + size - 1 - aside;
	int64_t first = index_of(p, (struct in_addr){ htonl(low) });
	int64_t last = index_of(p, (struct in_addr){ htonl(high) });

	/* In one range, not from one to another. */
	return first >= 0 && last >= 0 && last - first == (int64_t)high - (int64_t)low;
}

void address_pool_reserve(struct address_pool *p, struct in_addr addr)
{
	int64_t i = index_of(p, addr);

	if (i < 0 || p->state[i] != FREE)
		return;
	p->state[i] = RESERVED;
	p->reserved++;
}

bool address_pool_take(struct address_pool *p, struct in_addr *addr)
{
	if (p->used + p->reserved >= p->size)
		return false;
	while (p->state[p->cursor] != FREE)
		p->cursor = (p->cursor + 1) % p->size;
	p->state[p->cursor] = USED;
	p->used++;
	*addr = address_of(p, p->cursor);
	p->cursor = (p->cursor + 1) % p->size;
	return true;
}

void address_pool_give_back(struct address_pool *p, struct in_addr addr)
{
	int64_t i = index_of(p, addr);

	if (i < 0 || p->state[i] != USED)
		return;
	p->state[i] = FREE;
	p->used--;
}

bool address_pool_first(const struct address_pool *p, struct in_addr *addr)
{
	if (!p->range_count)
		return false;
	*addr = address_of(p, 0);
	return true;
}
