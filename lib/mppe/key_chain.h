/*
 * The key chain of stateless MPPE (RFC 3078 sections 7.3 and 8.1): each packet has the key that
 * comes of the one before, by a SHA-1, an RC4 key schedule and a few bytes of RC4. That cannot be
 * done in parallel for one session, but ahead of time: while a batch's data is encrypted, keys that
 * its sessions will want next are made on the side, and are kept here until they are used.
 *
 * A chain is a memory of a pure function: the key after this one, under one start key. It is asked
 * by key, not by place; so whoever looks ahead with copies of a key, and then does not go there
 * (packets that do not fit), disturbs nothing. Keys behind the present one are wiped.
 *
 * One key ahead has its place in the chain; for more there is memory from the first batch that has several
 * packets of the session until key_chain_rest(). Without it there is that one.
 *
 * Keys whose streams are made ahead, too (lib/mppe/stream_ahead.h), are those after the present one, and the
 * chain goes on behind the last of them.
 */
#pragma once

#include "lib/mppe/cipher.h"
#include "lib/mppe/keys.h"
#include "lib/mppe/stream_ahead.h"

#include <stdbool.h>
#include <stdint.h>

#define KEY_AHEAD_MAX 16

struct key_chain {
	uint8_t start[16];
	uint8_t base[16];     /* the present key, or the last one whose stream is made */
	uint8_t one[16];      /* the key after it; or, */
	uint8_t (*ahead)[16]; /* allocated, a ring of KEY_AHEAD_MAX: the `count` keys
					     after it, from `first` on */
	uint8_t bits;         /* enum mppe_bits */
	uint8_t first, count;
	uint8_t target; /* so many it will probably want next time */
	uint8_t jobs;   /* in the batch now */
	uint8_t place;  /* in the batch's chains, if it is there */
	struct stream_ahead streams;
};

/* RFC 3078 7.3: the next session key after `key`, in place; `cipher` NULL: plain C. */
void key_change(
	const struct cipher *cipher, enum mppe_bits bits, const uint8_t *start, uint8_t *key);

void key_chain_init(
	struct key_chain *c, enum mppe_bits bits, const uint8_t *start, const uint8_t *key);

/* The key after `key`, in place, from memory if it is there. Changes nothing in the chain. */
void key_chain_next(const struct key_chain *c, const struct cipher *cipher, uint8_t *key);

/* Wipes all, frees the memory and gives the streams back. Of one that is all zero, too. No batch may have it. */
void key_chain_done(struct key_chain *c);
/* Gives the streams and the memory for more than one key back, until it is used that much again. So, too. */
void key_chain_rest(struct key_chain *c);

/* A key ahead is there. */
bool key_chain_ready(const struct key_chain *c);

/*
 * A packet's turn, whose key is `key`, of `len` octets at `data`. True: its stream was there, and it is
 * done. False: it has to be a job, and key_chain_used() follows before the batch is run. Without
 * `batch->ahead` nothing is done.
 */
bool key_chain_serve(struct key_chain *c, const uint8_t *key, uint8_t *data, uint32_t len,
	const struct rc4_batch *batch);

/*
 * The session's key is `key` now, and the job that was added to the batch last has it: keys before it
 * are wiped, and the next rc4_run() will make keys ahead. Until then the chain must stay where it
 * is.
 */
void key_chain_used(struct key_chain *c, const uint8_t *key, struct rc4_batch *batch);

/* ---- for rc4_run() and the engines ---- */

/* Keys of several chains, one after the other, made on the side by an engine. */
struct key_work {
	uint32_t s[256];     /* the key schedule under way: steps are done up to i */
	uint8_t interim[16]; /* its key, twice if it is 8 bytes */
	uint32_t i, j;
	struct key_chain *chain; /* whose key it is; NULL: all is done */
	struct key_chain *const *rest;
	unsigned int rest_count;
	const struct cipher *cipher;
};

/* So many keys ahead, KEY_AHEAD_MAX at most, are wanted, if there is memory for them. */
void key_chain_want(struct key_chain *c, unsigned int count);
/* The first key ahead becomes that of a stream that is made now. False: there is none. */
bool key_chain_take(struct key_chain *c, uint8_t key[16]);

/* What the chains of `batch` want next is settled, and there is memory for it; then a chain wants
 * (target - count) keys. */
void key_chain_settle(struct key_chain *c);
static inline bool key_chain_wants(const struct key_chain *c)
{
	return c->count < c->target;
}

/* The chain's next key as a stream of RC4: a lane for an engine ... */
void key_chain_lane(struct key_chain *c, const struct cipher *cipher, struct rc4_job *job,
	struct rc4_lane *lane);
/* ... and what it made, when it is done. Wipes the job. */
void key_chain_lane_done(struct key_chain *c, struct rc4_job *job);

/* Begins with the first of the chains that wants a key. They must stay until key_work_end(). */
void key_work_begin(struct key_work *w, struct key_chain *const *chains, unsigned int count,
	const struct cipher *cipher);
/* Completes this key, from i and j, and begins the next: i and j are 0, or chain is NULL. */
void key_work_turn(struct key_work *w);
/* Completes the key that was begun, and wipes the work. */
void key_work_end(struct key_work *w);
