/*
 * Whom a packet belongs to: from the outside by (peer's address, own address, own Call ID), from the inside by
 * the longest matching prefix of an inner address.
 *
 * Nodes are the caller's (in its sessions and routes), so that adding allocates nothing but, now
 * and then, a larger array of buckets; if there is no memory for that, chains grow longer and all
 * still works. One table belongs to one thread: the worker has its own, and the control thread
 * another of the same content, to see what is taken.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dp_session;

struct table_node {
	struct table_node *next;
	uint64_t key,
		low; /* low: of IPv6 prefixes, and of calls; len: of IPv6 prefixes; 0 otherwise */
	uint8_t len;
	struct dp_session *session;
};

struct table_hash {
	struct table_node **buckets;
	unsigned int bits; /* 1 << bits buckets */
	size_t count;
};

struct table {
	struct table_hash calls, routes, routes6;
	uint64_t seed;    /* peers choose addresses: not the chain they land in */
	uint64_t lengths; /* bit n: there are routes of prefix length n */
	uint32_t per_length[33];
	uint64_t lengths6[3]; /* the same for IPv6: bit n % 64 of word n / 64 */
	uint32_t per_length6[129];
};

/* -ENOMEM. */
int table_init(struct table *t, uint64_t seed);
/* The nodes stay the caller's. */
void table_done(struct table *t);

/* Addresses in host order. node->session must be set; 0, or -EEXIST if that call is there already.
 */
int table_add_call(
	struct table *t, struct table_node *node, uint32_t peer, uint32_t own, uint16_t call_id);
void table_remove_call(struct table *t, struct table_node *node);
struct dp_session *table_find_call(
	const struct table *t, uint32_t peer, uint32_t own, uint16_t call_id);
/* It will be looked for soon: has the CPU fetch what that begins with. */
void table_fetch_call(const struct table *t, uint32_t peer, uint32_t own, uint16_t call_id);

/* len 0-32; bits of `prefix` behind it are ignored. 0, or -EEXIST if that prefix is there already.
 */
int table_add_route(struct table *t, struct table_node *node, uint32_t prefix, unsigned int len);
void table_remove_route(struct table *t, struct table_node *node);
/* The session that has exactly this prefix, or NULL. */
struct dp_session *table_find_route(const struct table *t, uint32_t prefix, unsigned int len);

/* The session with the longest prefix that holds `address`, or NULL. */
struct dp_session *table_lookup(const struct table *t, uint32_t address);

/* It will be looked up soon: has the CPU fetch where that begins. */
void table_fetch_route(const struct table *t, uint32_t address);

/* The same for IPv6: len 0-128, addresses are 16 octets as they stand in a packet. */
int table_add_route6(
	struct table *t, struct table_node *node, const uint8_t prefix[16], unsigned int len);
void table_remove_route6(struct table *t, struct table_node *node);
struct dp_session *table_find_route6(
	const struct table *t, const uint8_t prefix[16], unsigned int len);
struct dp_session *table_lookup6(const struct table *t, const uint8_t address[16]);
