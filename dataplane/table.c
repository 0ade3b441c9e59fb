/*
 * Hash tables with chains: see table.h. Longest prefix: all prefixes in one hash by (prefix,
 * length), and a bit set of the lengths that occur, so a lookup costs one probe per length in use:
 * one where only hosts (/32) have routes.
 */
#include "dataplane/table.h"

#include "lib/wire.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BITS_FIRST 8
#define BITS_MAX   24

/* What is looked for: see struct table_node. */
struct key {
	uint64_t high, low;
	uint8_t len;
};

static struct key node_key(const struct table_node *node)
{
	return (struct key){ node->key, node->low, node->len };
}

static bool is_key(const struct table_node *node, struct key key)
{
	return node->key == key.high && node->low == key.low && node->len == key.len;
}

static size_t bucket_of(const struct table *t, const struct table_hash *h, struct key key)
{
	uint64_t x = key.high ^ t->seed;

	if (key.len || key.low) {
		/* As below, before the lower half comes in: neither half alone chooses the chain. */
		x *= 0xff51afd7ed558ccdu;
		x ^= x >> 29;
		x += key.low + key.len;
	}

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

static struct table_node *hash_find(
	const struct table *t, const struct table_hash *h, struct key key)
{
	struct table_node *node = h->buckets[bucket_of(t, h, key)];

	while (node && !is_key(node, key))
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
				&larger.buckets[bucket_of(t, &larger, node_key(node))];

			node->next = *head;
			*head = node;
			node = next;
		}
	}
	free(h->buckets);
	*h = larger;
}

static int hash_add(struct table *t, struct table_hash *h, struct table_node *node, struct key key)
{
	struct table_node **head;

	if (hash_find(t, h, key))
		return -EEXIST;
	if (h->count >= (size_t)1 << h->bits && h->bits < BITS_MAX)
		hash_grow(t, h);
	head = &h->buckets[bucket_of(t, h, key)];
	node->key = key.high;
	node->low = key.low;
	node->len = key.len;
	node->next = *head;
	*head = node;
	h->count++;
	return 0;
}

static void hash_remove(struct table *t, struct table_hash *h, struct table_node *node)
{
	struct table_node **at = &h->buckets[bucket_of(t, h, node_key(node))];

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
	if (hash_init(&t->routes) < 0)
		goto free_calls;
	if (hash_init(&t->routes6) == 0)
		return 0;
	free(t->routes.buckets);
free_calls:
	free(t->calls.buckets);
	return -ENOMEM;
}

void table_done(struct table *t)
{
	free(t->calls.buckets);
	free(t->routes.buckets);
	free(t->routes6.buckets);
	memset(t, 0, sizeof(*t));
}

static struct key call_key(uint32_t peer, uint32_t own, uint16_t call_id)
{
	return (struct key){ .high = (uint64_t)peer << 16 | call_id, .low = own };
}

int table_add_call(
	struct table *t, struct table_node *node, uint32_t peer, uint32_t own, uint16_t call_id)
{
	return hash_add(t, &t->calls, node, call_key(peer, own, call_id));
}

void table_remove_call(struct table *t, struct table_node *node)
{
	hash_remove(t, &t->calls, node);
}

struct dp_session *table_find_call(
	const struct table *t, uint32_t peer, uint32_t own, uint16_t call_id)
{
	const struct table_node *node = hash_find(t, &t->calls, call_key(peer, own, call_id));

	return node ? node->session : NULL;
}

void table_fetch_call(const struct table *t, uint32_t peer, uint32_t own, uint16_t call_id)
{
	__builtin_prefetch(
		&t->calls.buckets[bucket_of(t, &t->calls, call_key(peer, own, call_id))]);
}

static struct key route_key(uint32_t prefix, unsigned int len)
{
	uint32_t mask = len ? UINT32_MAX << (32 - len) : 0;

	return (struct key){ .high = (uint64_t)(prefix & mask) << 8 | len };
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

void table_fetch_route(const struct table *t, uint32_t address)
{
	unsigned int len = t->lengths ? 63u - (unsigned int)__builtin_clzll(t->lengths) : 0;

	__builtin_prefetch(&t->routes.buckets[bucket_of(t, &t->routes, route_key(address, len))]);
}

static uint64_t half(const uint8_t *octets)
{
	struct wire_reader r = wire_reader(octets, 8);
	uint64_t high = wire_u32(&r);

	return high << 32 | wire_u32(&r);
}

static uint64_t mask64(unsigned int len)
{
	return len < 64 ? ~(UINT64_MAX >> len) : UINT64_MAX;
}

static struct key route6_key(const uint8_t prefix[16], unsigned int len)
{
	return (struct key){
		.high = half(prefix) & mask64(len),
		.low = half(prefix + 8) & mask64(len > 64 ? len - 64 : 0),
		.len = (uint8_t)len,
	};
}

int table_add_route6(
	struct table *t, struct table_node *node, const uint8_t prefix[16], unsigned int len)
{
	int r;

	assert(len <= 128);
	r = hash_add(t, &t->routes6, node, route6_key(prefix, len));
	if (r == 0) {
		t->per_length6[len]++;
		t->lengths6[len / 64] |= (uint64_t)1 << len % 64;
	}
	return r;
}

void table_remove_route6(struct table *t, struct table_node *node)
{
	unsigned int len = node->len;

	hash_remove(t, &t->routes6, node);
	if (--t->per_length6[len] == 0)
		t->lengths6[len / 64] &= ~((uint64_t)1 << len % 64);
}

struct dp_session *table_find_route6(
	const struct table *t, const uint8_t prefix[16], unsigned int len)
{
	const struct table_node *node = hash_find(t, &t->routes6, route6_key(prefix, len));

	return node ? node->session : NULL;
}

struct dp_session *table_lookup6(const struct table *t, const uint8_t address[16])
{
	for (unsigned int word = 3; word-- > 0;) {
		uint64_t lengths = t->lengths6[word];

		while (lengths) {
			unsigned int bit = 63u - (unsigned int)__builtin_clzll(lengths);
			const struct table_node *node =
				hash_find(t, &t->routes6, route6_key(address, word * 64 + bit));

			if (node)
				return node->session;
			lengths &= ~((uint64_t)1 << bit);
		}
	}
	return NULL;
}
