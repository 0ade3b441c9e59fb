/*
 * IPv6 prefixes of 64 bits, one for each session, out of the ranges of the configuration (pool6).
 * The first of all is this end's. A cursor goes round, so that a prefix rests before it is given
 * again. Control thread only.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define PREFIX_RANGES_MAX 16
#define PREFIXES_MAX      65536u /* of one range: of a larger one, the first so many */
#define PREFIX_LEN        64

struct prefix_range {
	uint64_t first; /* upper half of the address, host order */
	uint32_t count;
};

struct prefix_pool {
	struct prefix_range ranges[PREFIX_RANGES_MAX];
	unsigned int range_count;
	uint32_t size, used, cursor; /* with this end's; given out; where to look next */
	bool *taken;
};

void prefix_pool_init(struct prefix_pool *p);
void prefix_pool_done(struct prefix_pool *p);

/* Adds prefix/len, len 0 to 64. -EINVAL (longer), -ENOSPC, -ENOMEM, -EEXIST (overlaps a range). */
int prefix_pool_add(struct prefix_pool *p, const uint8_t prefix[16], unsigned int len);

/* This end's: ...::1 in the first one. False if there is no range. */
bool prefix_pool_local(const struct prefix_pool *p, uint8_t address[16]);

/* A free one; false if there is none. */
bool prefix_pool_take(struct prefix_pool *p, uint8_t prefix[16]);
void prefix_pool_give_back(struct prefix_pool *p, const uint8_t prefix[16]);
