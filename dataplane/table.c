/*
 * Hash tables with chains: see table.h. Longest prefix: all prefixes in one hash by (prefix,
 * length), and a bit set of the lengths that occur, so a lookup costs one probe per length in use:
 * one where only hosts (/32) have routes.
 */
#include "dataplane/table.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BITS_FIRST 8
#define BITS_MAX   24

static size_t bucket_of(const struct table *t, const struct table_hash *h, uint64_t key)
{
	uint64_t x = key ^ t->seed;

	/* Two rounds of multiply and fold: every bit of the key reaches the upper bits that are
	 * used. */
	x *= 0x9e3779b97f4a7c15u;
	x ^= x >> 32;
	x *= 0xd6e8feb86659fd93u;
	return (size_t)(x >> (64 - h->bits));
}

static int hash_init(struct table_hash *h)
{
	h->bits = BITS_FIRST;
	h->count = 0;
	h->buckets = calloc((size_t)1 << h->bits, sizeof(struct table_node *));
	return h->buckets ? 0 : -ENOMEM;
}

static struct table_node *hash_find(const struct table *t, const struct table_hash *h, uint64_t key)
{
	struct table_node *node = h->buckets[bucket_of(t, h, key)];

	while (node && node->key != key)
		node = node->next;
	return node;
}

static void hash_grow(const struct table *t, struct table_hash *h)
{
	struct table_hash larger = { .bits = h->bits + 1, .count = h->count };

	larger.buckets = calloc((size_t)1 << larger.bits, sizeof(struct table_node *));
	if (!larger.buckets)
		return;
	for (size_t i = 0; i < (size_t)1 << h->bits; i++) {
		struct table_node *node = h->buckets[i];

		while (node) {
			struct table_node *next = node->next;
			struct table_node **head =
				&larger.buckets[bucket_of(t, &larger, node->key)];

			node->next = *head;
			*head = node;
			node = next;
		}
	}
	free(h->buckets);
	*h = larger;
}

static int hash_add(struct table *t, struct table_hash *h, struct table_node *node, uint64_t key)
{
	struct table_node **head;

	if (hash_find(t, h, key))
		return -EEXIST;
	if (h->count >= (size_t)1 << h->bits && h->bits < BITS_MAX)
		hash_grow(t, h);
	head = &h->buckets[bucket_of(t, h, key)];
	node->key = key;
	node->next = *head;
	*head = node;
	h->count++;
	return 0;
}

static void hash_remove(struct table *t, struct table_hash *h, struct table_node *node)
{
	struct table_node **at = &h->buckets[bucket_of(t, h, node->key)];

	while (*at != node) {
		assert(*at);
		at = &(*at)->next;
	}
	*at = node->next;
	node->next = NULL;
	h->count--;
}

int table_init(struct table *t, uint64_t seed)
{
	memset(t, 0, sizeof(*t));
	t->seed = seed;
	if (hash_init(&t->calls) < 0)
		return -ENOMEM;
	if (hash_init(&t->routes) < 0) {
		free(t->calls.buckets);
		return -ENOMEM;
	}
	return 0;
}

void table_done(struct table *t)
{
	free(t->calls.buckets);
	free(t->routes.buckets);
	memset(t, 0, sizeof(*t));
}

static uint64_t call_key(uint32_t peer, uint16_t call_id)
{
	return (uint64_t)peer << 16 | call_id;
}

int table_add_call(struct table *t, struct table_node *node, uint32_t peer, uint16_t call_id)
{
	return hash_add(t, &t->calls, node, call_key(peer, call_id));
}

void table_remove_call(struct table *t, struct table_node *node)
{
	hash_remove(t, &t->calls, node);
}

struct dp_session *table_find_call(const struct table *t, uint32_t peer, uint16_t call_id)
{
	const struct table_node *node = hash_find(t, &t->calls, call_key(peer, call_id));

	return node ? node->session : NULL;
}

static uint64_t route_key(uint32_t prefix, unsigned int len)
{
	uint32_t mask = len ? UINT32_MAX << (32 - len) : 0;

	return (uint64_t)(prefix & mask) << 8 | len;
}

int table_add_route(struct table *t, struct table_node *node, uint32_t prefix, unsigned int len)
{
	int r;

	assert(len <= 32);
	r = hash_add(t, &t->routes, node, route_key(prefix, len));
	if (r == 0) {
		t->per_length[len]++;
		t->lengths |= (uint64_t)1 << len;
	}
	return r;
}

void table_remove_route(struct table *t, struct table_node *node)
{
	unsigned int len = node->key & 0xff;

	hash_remove(t, &t->routes, node);
	if (--t->per_length[len] == 0)
		t->lengths &= ~((uint64_t)1 << len);
}

struct dp_session *table_find_route(const struct table *t, uint32_t prefix, unsigned int len)
{
	const struct table_node *node = hash_find(t, &t->routes, route_key(prefix, len));

	return node ? node->session : NULL;
}

struct dp_session *table_lookup(const struct table *t, uint32_t address)
{
	uint64_t lengths = t->lengths;

	while (lengths) {
		unsigned int len = 63u - (unsigned int)__builtin_clzll(lengths);
		const struct table_node *node = hash_find(t, &t->routes, route_key(address, len));

		if (node)
			return node->session;
		lengths &= ~((uint64_t)1 << len);
	}
	return NULL;
}
