/*
 * Packet slots of one worker, in chunks that are taken from the heap when slots run short and given
 * back when many lie idle. Not thread-safe: a slot goes back to the pool that it came from, by the
 * thread that owns it.
 *
 * Invariant: pool_init() takes POOL_MIN slots and they are never given back; whoever wants to keep
 * slots beyond the present batch (a reorder buffer) asks pool_may_hold() first. So the slots that a
 * batch needs are always there, and peers that leave gaps in their streams cannot take them.
 */
#pragma once

#include "lib/packet.h"

#include <stdbool.h>
#include <stddef.h>

#define POOL_RESERVE 256 /* slots that only the batch in work may use */
#define POOL_MIN     (POOL_RESERVE + 64)
#define POOL_MAX     16384 /* about 34 MB */

struct pool_chunk;

struct pool {
	struct pool_chunk *open; /* with free slots, doubly linked */
	struct pool_chunk *full;
	size_t total, free;
	size_t max;
};

/* `max` slots at most (rounded up to a chunk, not below POOL_MIN). -ENOMEM. */
int pool_init(struct pool *pool, size_t max);
/* Frees all slots, those that are out too. */
void pool_done(struct pool *pool);

/* An empty slot (packet_reset()), or NULL. */
struct packet *pool_get(struct pool *pool);
/* What has the verdict PACKET_CONTROL is wiped: there may be a password in it (PAP). */
void pool_put(struct pool *pool, struct packet *p);

/* May a slot be kept? Takes a new chunk if that is what it needs. */
bool pool_may_hold(struct pool *pool);
