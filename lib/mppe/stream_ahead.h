/*
 * Key streams ahead: RC4's key stream does not depend on the data, and stateless MPPE's keys are known
 * ahead (lib/mppe/key_chain.h). So what is idle in a row of streams in step makes streams of packets to
 * come, which are then only XORed; and a session that sends a packet at a time pays for a row once in
 * STREAM_AHEAD_MAX of them.
 *
 * Memory is a pool, one a worker, of a fixed size. A block of it is lent to one direction of a session that
 * is in steady flow, and taken back from one that rests when another wants it. Streams are wiped when they
 * are used, passed by, or given back.
 *
 * What is thrown away (passed by after a loss, shorter than its packet, taken back) is bounded: each packet
 * earns 1, each stream thrown away costs STREAM_AHEAD_PRICE, and no stream is made that is not covered. So over
 * any time since the beginning at most one stream is thrown away in STREAM_AHEAD_PRICE packets.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct key_chain;
struct rc4_job;

#define STREAM_AHEAD_MAX    16   /* streams of a direction */
#define STREAM_AHEAD_LENGTH 1536 /* octets of each; longer packets have none */
#define STREAM_AHEAD_BLOCKS 40   /* in a pool: 1 MB */
#define STREAM_AHEAD_PRICE  8    /* packets that pay for a stream thrown away */
#define STREAM_AHEAD_EARNED (2 * STREAM_AHEAD_PRICE * STREAM_AHEAD_MAX) /* no more is kept */
/* Of those with more packets in a turn streams are made along with packets, else when the turn is over. */
#define STREAM_AHEAD_FEW    6
#define STREAM_AHEAD_WINDOW 64 /* packets whose lengths say how long streams have to be */

struct stream_ahead;

/* Key streams of packets to come, a ring: `count` of them from `first` on. */
struct stream_block {
	struct stream_ahead *owner; /* NULL: not lent */
	struct key_chain *chain;    /* the owner's */
	struct stream_pool *pool;
	uint64_t used_at; /* by the pool's clock */
	uint8_t first, count;
	uint8_t turn; /* packets since it was listed */
	bool listed;
	uint8_t before[16]; /* the key before that of the first */
	uint8_t keys[STREAM_AHEAD_MAX][16];
	uint16_t lengths[STREAM_AHEAD_MAX];
	uint8_t streams[STREAM_AHEAD_MAX][STREAM_AHEAD_LENGTH];
};

/* One direction of a session. All zero: in the beginning. Not to be copied or moved while `block` is lent. */
struct stream_ahead {
	struct stream_block *block;       /* of a pool; NULL: none */
	uint32_t sum;                     /* octets of this window's packets */
	uint16_t longest, longest_before; /* in this window, and in that before */
	uint16_t mean;                    /* in that before; 0: there was none */
	uint16_t earned;                  /* at least STREAM_AHEAD_PRICE for each stream */
	uint8_t packets;                  /* in this window */
};

struct stream_pool {
	uint64_t made, used, thrown; /* streams */
	uint64_t taken_back;         /* blocks */
	uint64_t clock;              /* uses of blocks, and packets of those who want one */
	uint8_t listed[STREAM_AHEAD_BLOCKS],
		listed_count; /* blocks in use since the last rc4_run_ahead() */
	struct stream_block *blocks;
};

/* NULL: no memory. Of STREAM_AHEAD_BLOCKS blocks; what is never lent is never touched. */
struct stream_pool *stream_pool_new(void);
/* No block may be lent any more. NULL: nothing happens. */
void stream_pool_free(struct stream_pool *pool);
/* Blocks that are lent. */
unsigned int stream_pool_lent(const struct stream_pool *pool);

/* Gives the block back, wiped, and begins anew. */
void stream_ahead_done(struct stream_ahead *a);

/* Packets since the last rc4_run_ahead(), of a direction that has a block. */
unsigned int stream_ahead_turn(const struct stream_ahead *a);

/* Streams that are there. */
unsigned int stream_ahead_ready(const struct stream_ahead *a);

/* The key of the stream after `key` (of `key_len` octets), in place; false: it is not known here. */
bool stream_ahead_next(const struct stream_ahead *a, uint8_t *key, uint8_t key_len);

/*
 * A packet of `len` octets of this chain's direction: what is to be expected, and a block if it is worth one.
 */
void stream_ahead_expect(
	struct stream_ahead *a, struct key_chain *chain, struct stream_pool *pool, uint32_t len);
/*
 * The packet's key is `key`: streams before it are thrown away, and its own is used up: true: `data` is
 * done. False: there is none, or it was too short.
 */
bool stream_ahead_use(
	struct stream_ahead *a, const uint8_t *key, uint8_t key_len, uint8_t *data, uint32_t len);

/* ---- for rc4.c ---- */

/* How many streams may be made now, and how long; 0: none. */
unsigned int stream_ahead_room(const struct stream_ahead *a, uint32_t *length);
/* Room was asked for, and there was some: the work for a stream with `key`, the one after the last. */
void stream_ahead_add(struct stream_ahead *a, const uint8_t *key, uint8_t key_len, uint32_t length,
	struct rc4_job *job);
/* Chains in use since the last call, one after the other, that want streams before the next turn; NULL: no more. */
struct key_chain *stream_pool_wanting(struct stream_pool *pool);
