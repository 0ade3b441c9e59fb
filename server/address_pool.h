/*
 * Inner addresses: the ranges of the configuration, handed out one by one, the longest unused first
 * in effect (a cursor goes round). Control thread only; O(1) per address while the pool is not
 * nearly full.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#define ADDRESS_RANGES_MAX 16
#define ADDRESSES_MAX      (1u << 20)

struct address_range {
	uint32_t first, count; /* host order */
};

struct address_pool {
	struct address_range ranges[ADDRESS_RANGES_MAX];
	unsigned int range_count;
	uint32_t size;           /* addresses in all */
	uint32_t used, reserved; /* given out; kept for accounts and this end */
	uint32_t cursor;
	uint8_t *state; /* one byte an address: free, used, reserved */
};

void address_pool_init(struct address_pool *p);
void address_pool_done(struct address_pool *p);

/* Adds prefix/len; the network's and the broadcast address are left out up to /30. -ENOSPC,
 * -ENOMEM, -EEXIST (overlaps a range). */
int address_pool_add(struct address_pool *p, struct in_addr prefix, unsigned int len);

/* Keeps an address from being handed out (this end's own, an account's fixed one). Addresses
 * outside are fine. */
void address_pool_reserve(struct address_pool *p, struct in_addr addr);

/* Is this network within one of the ranges, network and broadcast address aside? */
bool address_pool_holds(const struct address_pool *p, struct in_addr prefix, unsigned int len);

/* A free address; false if there is none. */
bool address_pool_take(struct address_pool *p, struct in_addr *addr);
void address_pool_give_back(struct address_pool *p, struct in_addr addr);

/* The first address of the first range, for this end. */
bool address_pool_first(const struct address_pool *p, struct in_addr *addr);
