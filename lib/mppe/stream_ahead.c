/*
 * Key streams ahead. See stream_ahead.h.
 *
 * Invariants: streams that are not ready are all zero, so that RC4's XOR leaves the key stream there; the
 * streams that are ready are those of consecutive keys, the first of which is the one after `before`;
 * STREAM_AHEAD_PRICE times their number is at most what was earned; a block that is not lent holds
 * nothing but zeros.
 */
#include "lib/mppe/stream_ahead.h"

#include "lib/mppe/rc4.h"

#include <stdlib.h>
#include <string.h>

/* So many uses of each block, on average, and none of this one: it rests. */
#define REST_USES (4 * STREAM_AHEAD_MAX)
/*
 * Streams in step cost as long as the longest; if packets are much shorter than that on average, each alone
 * is cheaper (tests/bench/cipher).
 */
#define PAYS(mean, longest) ((SCHEDULE + (mean)) * 8 >= (SCHEDULE + (longest)) * 5)
#define SCHEDULE            256u

struct stream_pool *stream_pool_new(void)
{
	struct stream_pool *pool = calloc(1, sizeof(*pool));
	size_t size = STREAM_AHEAD_BLOCKS * sizeof(*pool->blocks);

	if (!pool)
		return NULL;
	/* From the system as it is: zeros that take no memory before they are written to. */
	pool->blocks = calloc(1, size);
	if (!pool->blocks) {
		free(pool);
		return NULL;
	}
	return pool;
}

void stream_pool_free(struct stream_pool *pool)
{
	if (!pool)
		return;
	free(pool->blocks);
	free(pool);
}

unsigned int stream_pool_lent(const struct stream_pool *pool)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < STREAM_AHEAD_BLOCKS; i++)
		n += pool->blocks[i].owner != NULL;
	return n;
}

static inline bool same_key(const uint8_t *a, const uint8_t *b, uint8_t len)
{
	return !memcmp(a, b, 8) && (len == 8 || !memcmp(a + 8, b + 8, 8));
}

static inline void copy_key(uint8_t *to, const uint8_t *from, uint8_t len)
{
	memcpy(to, from, 8);
	if (len == 16)
		memcpy(to + 8, from + 8, 8);
}

static unsigned int slot_of(const struct stream_block *b, unsigned int n)
{
	return (b->first + n) % STREAM_AHEAD_MAX;
}

static void drop_first(struct stream_block *b)
{
	memset(b->streams[b->first], 0, b->lengths[b->first]);
	memcpy(b->before, b->keys[b->first], sizeof(b->before));
	memset(b->keys[b->first], 0, sizeof(b->keys[0]));
	b->first = (uint8_t)slot_of(b, 1);
	b->count--;
}

static void throw_first(struct stream_block *b, unsigned int n)
{
	b->pool->thrown += n;
	b->owner->earned = (uint16_t)(b->owner->earned - n * STREAM_AHEAD_PRICE);
	while (n--)
		drop_first(b);
}

static void give_back(struct stream_block *b)
{
	throw_first(b, b->count);
	explicit_bzero(b->before, sizeof(b->before));
	b->owner->block = NULL;
	b->owner = NULL;
	b->chain = NULL;
	b->turn = 0;
}

void stream_ahead_done(struct stream_ahead *a)
{
	if (a->block)
		give_back(a->block);
	memset(a, 0, sizeof(*a));
}

unsigned int stream_ahead_turn(const struct stream_ahead *a)
{
	return a->block ? a->block->turn : 0;
}

unsigned int stream_ahead_ready(const struct stream_ahead *a)
{
	return a->block ? a->block->count : 0;
}

bool stream_ahead_next(const struct stream_ahead *a, uint8_t *key, uint8_t key_len)
{
	const struct stream_block *b = a->block;
	const uint8_t *before;

	if (!b)
		return false;
	before = b->before;
	for (unsigned int n = 0; n < b->count; n++) {
		const uint8_t *next = b->keys[slot_of(b, n)];

		if (same_key(before, key, key_len)) {
			copy_key(key, next, key_len);
			return true;
		}
		before = next;
	}
	return false;
}

/* One that is free, or that rests. NULL: none. */
static struct stream_block *find_block(struct stream_pool *pool)
{
	struct stream_block *oldest = NULL;

	for (unsigned int i = 0; i < STREAM_AHEAD_BLOCKS; i++) {
		struct stream_block *b = &pool->blocks[i];

		if (!b->owner)
			return b;
		if (!oldest || b->used_at < oldest->used_at)
			oldest = b;
	}
	if (pool->clock - oldest->used_at < (uint64_t)REST_USES * STREAM_AHEAD_BLOCKS)
		return NULL;
	give_back(oldest);
	pool->taken_back++;
	return oldest;
}

static void lend(struct stream_ahead *a, struct key_chain *chain, struct stream_pool *pool)
{
	uint32_t length;

	pool->clock += STREAM_AHEAD_WINDOW; /* who asks in vain lets time pass, too */
	if (!stream_ahead_room(a, &length))
		return;
	a->block = find_block(pool);
	if (!a->block)
		return;
	a->block->owner = a;
	a->block->chain = chain;
	a->block->pool = pool;
	a->block->used_at = pool->clock;
}

static void list(struct stream_block *b)
{
	struct stream_pool *pool = b->pool;

	if (b->turn < UINT8_MAX)
		b->turn++;
	if (b->listed)
		return;
	b->listed = true;
	pool->listed[pool->listed_count++] = (uint8_t)(b - pool->blocks);
}

static void end_window(struct stream_ahead *a)
{
	a->mean = (uint16_t)(a->sum / STREAM_AHEAD_WINDOW);
	a->longest_before = a->longest;
	a->longest = 0;
	a->sum = 0;
	a->packets = 0;
}

void stream_ahead_expect(
	struct stream_ahead *a, struct key_chain *chain, struct stream_pool *pool, uint32_t len)
{
	uint16_t length = len < UINT16_MAX ? (uint16_t)len : UINT16_MAX;

	if (a->earned < STREAM_AHEAD_EARNED)
		a->earned++;
	a->sum += length;
	if (length > a->longest)
		a->longest = length;
	if (++a->packets == STREAM_AHEAD_WINDOW) {
		end_window(a);
		/* Seldom, for it goes through all blocks. */
		if (!a->block && a->earned >= STREAM_AHEAD_PRICE * STREAM_AHEAD_MAX)
			lend(a, chain, pool);
	}
	if (a->block) {
		a->block->used_at = ++pool->clock;
		list(a->block);
	}
}

/* In words, which compilers make vectors of. */
static void apply(uint8_t *restrict data, uint8_t *restrict stream, uint32_t len)
{
	uint32_t at = 0;

	for (; at + 8 <= len; at += 8) {
		uint64_t x, y;

		memcpy(&x, data + at, 8);
		memcpy(&y, stream + at, 8);
		x ^= y;
		memcpy(data + at, &x, 8);
	}
	for (; at < len; at++)
		data[at] ^= stream[at];
}

bool stream_ahead_use(
	struct stream_ahead *a, const uint8_t *key, uint8_t key_len, uint8_t *data, uint32_t len)
{
	struct stream_block *b = a->block;
	unsigned int n = 0;

	if (!b)
		return false;
	while (n < b->count && !same_key(b->keys[slot_of(b, n)], key, key_len))
		n++;
	throw_first(b, n);
	if (!b->count) {
		copy_key(b->before, key, key_len);
		return false;
	}
	if (b->lengths[b->first] < len) {
		throw_first(b, 1);
		return false;
	}
	apply(data, b->streams[b->first], len);
	drop_first(b);
	b->pool->used++;
	return true;
}

unsigned int stream_ahead_room(const struct stream_ahead *a, uint32_t *length)
{
	unsigned int ready = stream_ahead_ready(a), most = a->earned / STREAM_AHEAD_PRICE;

	*length = a->longest > a->longest_before ? a->longest : a->longest_before;
	if (*length > STREAM_AHEAD_LENGTH || !a->mean || !PAYS(a->mean, *length))
		return 0;
	most = most < STREAM_AHEAD_MAX ? most : STREAM_AHEAD_MAX;
	return most > ready ? most - ready : 0;
}

void stream_ahead_add(struct stream_ahead *a, const uint8_t *key, uint8_t key_len, uint32_t length,
	struct rc4_job *job)
{
	struct stream_block *b = a->block;
	unsigned int slot = slot_of(b, b->count++);

	copy_key(b->keys[slot], key, key_len);
	b->lengths[slot] = (uint16_t)length;
	b->pool->made++;
	*job = (struct rc4_job){ .data = b->streams[slot], .len = length, .key_len = key_len };
	copy_key(job->key, key, key_len);
}

/*
 * With as many packets next time as in this turn: is it time for a row of its own? Nearly all of it has to be
 * of use.
 */
static bool wants_row(const struct stream_block *b, unsigned int turn)
{
	if (turn > STREAM_AHEAD_FEW)
		return !b->count && turn < STREAM_AHEAD_MAX;
	return b->count < turn && b->count <= STREAM_AHEAD_MAX / 4;
}

struct key_chain *stream_pool_wanting(struct stream_pool *pool)
{
	while (pool->listed_count) {
		struct stream_block *b = &pool->blocks[pool->listed[--pool->listed_count]];
		unsigned int turn = b->turn;

		b->listed = false;
		b->turn = 0;
		if (b->owner && wants_row(b, turn))
			return b->chain;
	}
	return NULL;
}
