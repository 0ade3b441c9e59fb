/*
 * Packet slots: see pool.h. A chunk is aligned to its size, so a slot's chunk is found by its
 * address. Slots are a whole number of cache lines, and not a power of two, so that headers of
 * neighbours do not share cache sets.
 */
#include "dataplane/pool.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_SIZE  131072u
#define CHUNK_HEAD  64u
#define SLOT_SIZE   ((sizeof(struct packet) + 63u) / 64u * 64u)
#define CHUNK_SLOTS ((CHUNK_SIZE - CHUNK_HEAD) / SLOT_SIZE)
/* A chunk that becomes idle is given back if this many free slots remain: not so few that a burst
 * takes it anew. */
#define KEEP_FREE (2u * POOL_MIN)

struct pool_chunk {
	struct pool_chunk *next, **prev;
	struct packet *slots; /* free ones */
	size_t free;
};

static_assert(sizeof(struct pool_chunk) <= CHUNK_HEAD, "the chunk's head holds its record");

static struct pool_chunk *chunk_of(const struct packet *p)
{
	return (struct pool_chunk *)((uintptr_t)p & ~(uintptr_t)(CHUNK_SIZE - 1));
}

static void chunk_link(struct pool_chunk **list, struct pool_chunk *c)
{
	c->next = *list;
	c->prev = list;
	if (c->next)
		c->next->prev = &c->next;
	*list = c;
}

static void chunk_unlink(struct pool_chunk *c)
{
	*c->prev = c->next;
	if (c->next)
		c->next->prev = c->prev;
}

static int pool_grow(struct pool *pool)
{
	struct pool_chunk *c;

	if (pool->total >= pool->max)
		return -ENOBUFS;
	c = aligned_alloc(CHUNK_SIZE, CHUNK_SIZE);
	if (!c)
		return -ENOMEM;
	c->slots = NULL;
	c->free = CHUNK_SLOTS;
	for (size_t i = CHUNK_SLOTS; i-- > 0;) {
		struct packet *p = (struct packet *)((uint8_t *)c + CHUNK_HEAD + i * SLOT_SIZE);

		p->next = c->slots;
		c->slots = p;
	}
	chunk_link(&pool->open, c);
	pool->total += CHUNK_SLOTS;
	pool->free += CHUNK_SLOTS;
	return 0;
}

static void chunks_free(struct pool_chunk *c)
{
	while (c) {
		struct pool_chunk *next = c->next;

		free(c);
		c = next;
	}
}

int pool_init(struct pool *pool, size_t max)
{
	memset(pool, 0, sizeof(*pool));
	pool->max = max > POOL_MIN ? max : POOL_MIN;
	while (pool->total < POOL_MIN) {
		if (pool_grow(pool) < 0) {
			pool_done(pool);
			return -ENOMEM;
		}
	}
	return 0;
}

void pool_done(struct pool *pool)
{
	chunks_free(pool->open);
	chunks_free(pool->full);
	memset(pool, 0, sizeof(*pool));
}

struct packet *pool_get(struct pool *pool)
{
	struct pool_chunk *c;
	struct packet *p;

	if (!pool->open && pool_grow(pool) < 0)
		return NULL;
	c = pool->open;
	p = c->slots;
	c->slots = p->next;
	pool->free--;
	if (--c->free == 0) {
		chunk_unlink(c);
		chunk_link(&pool->full, c);
	}
	packet_reset(p);
	return p;
}

void pool_put(struct pool *pool, struct packet *p)
{
	struct pool_chunk *c = chunk_of(p);

	if (p->verdict == PACKET_CONTROL)
		explicit_bzero(p->buf, sizeof(p->buf));
	p->next = c->slots;
	c->slots = p;
	pool->free++;
	if (c->free++ == 0) {
		chunk_unlink(c);
		chunk_link(&pool->open, c);
	}
	if (c->free == CHUNK_SLOTS && pool->free >= KEEP_FREE + CHUNK_SLOTS) {
		chunk_unlink(c);
		pool->total -= CHUNK_SLOTS;
		pool->free -= CHUNK_SLOTS;
		free(c);
	}
}

bool pool_may_hold(struct pool *pool)
{
	return pool->free > POOL_RESERVE || pool_grow(pool) == 0;
}
