/* Keys ahead. See key_chain.h. */
#include "lib/mppe/key_chain.h"

#include <stdlib.h>
#include <string.h>

#define AHEAD_SIZE (KEY_AHEAD_MAX * sizeof(((struct key_chain *)0)->ahead[0]))

/* Number `n` of the keys ahead; without memory for more there is number 0 only. */
static inline uint8_t *slot_of(struct key_chain *c, unsigned int n)
{
	return c->ahead ? c->ahead[(c->first + n) % KEY_AHEAD_MAX] : c->one;
}

static inline const uint8_t *ahead_of(const struct key_chain *c, unsigned int n)
{
	return c->ahead ? c->ahead[(c->first + n) % KEY_AHEAD_MAX] : c->one;
}

static uint8_t key_len(const struct key_chain *c)
{
	return mppe_key_len((enum mppe_bits)c->bits);
}

/* Keys are 8 or 16 bytes: said so, these are a few instructions, not calls. Once per packet counts. */
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

static const struct cipher *or_plain(const struct cipher *cipher)
{
	return cipher ? cipher : cipher_choose(0);
}

void key_change(
	const struct cipher *cipher, enum mppe_bits bits, const uint8_t *start, uint8_t *key)
{
	uint8_t len = mppe_key_len(bits), interim[16];
	struct rc4_job job = { .data = key, .len = len };
	struct rc4_lane lane = { .key = interim, .key_len = len, .total = len };
	struct rc4_lane *lanes = &lane;

	or_plain(cipher)->hash(start, key, len, interim);
	copy_key(key, interim, len);
	rc4_lane_begin(&lane, &job);
	rc4_scalar_run(&lanes, 1);
	mppe_salt(bits, key);
	explicit_bzero(interim, sizeof(interim));
}

void key_chain_init(
	struct key_chain *c, enum mppe_bits bits, const uint8_t *start, const uint8_t *key)
{
	uint8_t len = mppe_key_len(bits);

	memset(c, 0, sizeof(*c));
	c->bits = (uint8_t)bits;
	memcpy(c->start, start, len);
	memcpy(c->base, key, len);
}

static void free_ahead(struct key_chain *c)
{
	if (!c->ahead)
		return;
	explicit_bzero(c->ahead, AHEAD_SIZE);
	free(c->ahead);
	c->ahead = NULL;
}

void key_chain_rest(struct key_chain *c)
{
	stream_ahead_done(&c->streams);
	if (!c->ahead)
		return;
	if (c->count) {
		copy_key(c->one, ahead_of(c, 0), key_len(c));
		c->count = 1;
	}
	free_ahead(c);
	c->first = 0;
	if (c->target > 1)
		c->target = 1;
}

/* For more than one key. */
static bool make_room(struct key_chain *c)
{
	if (c->ahead)
		return true;
	c->ahead = calloc(KEY_AHEAD_MAX, sizeof(c->ahead[0]));
	if (!c->ahead)
		return false;
	c->first = 0;
	memcpy(c->ahead[0], c->one, sizeof(c->one));
	explicit_bzero(c->one, sizeof(c->one));
	return true;
}

/* How far ahead this key is: 0 for the present one; -1: not known. */
static int place_of(const struct key_chain *c, const uint8_t *key)
{
	uint8_t len = key_len(c);

	if (same_key(c->base, key, len))
		return 0;
	for (unsigned int n = 0; n < c->count; n++)
		if (same_key(ahead_of(c, n), key, len))
			return (int)n + 1;
	return -1;
}

void key_chain_done(struct key_chain *c)
{
	stream_ahead_done(&c->streams);
	free_ahead(c);
	explicit_bzero(c, sizeof(*c));
}

void key_chain_next(const struct key_chain *c, const struct cipher *cipher, uint8_t *key)
{
	int place;

	if (stream_ahead_next(&c->streams, key, key_len(c)))
		return;
	place = place_of(c, key);
	if (place >= 0 && place < c->count)
		copy_key(key, ahead_of(c, (unsigned int)place), key_len(c));
	else
		key_change(cipher, (enum mppe_bits)c->bits, c->start, key);
}

bool key_chain_ready(const struct key_chain *c)
{
	return c->count > 0 || stream_ahead_ready(&c->streams);
}

static void move_to(struct key_chain *c, const uint8_t *key)
{
	int place = place_of(c, key);
	unsigned int behind = place < 0 ? c->count : (unsigned int)place;

	for (; behind; behind--) {
		memset(slot_of(c, 0), 0, sizeof(c->one)); /* it is the session's memory */
		if (c->ahead)
			c->first = (uint8_t)((c->first + 1) % KEY_AHEAD_MAX);
		c->count--;
	}
	copy_key(c->base, key, key_len(c));
}

bool key_chain_serve(struct key_chain *c, const uint8_t *key, uint8_t *data, uint32_t len,
	const struct rc4_batch *batch)
{
	if (!batch->ahead)
		return false;
	stream_ahead_expect(&c->streams, c, batch->ahead, len);
	return stream_ahead_use(&c->streams, key, key_len(c), data, len);
}

void key_chain_used(struct key_chain *c, const uint8_t *key, struct rc4_batch *batch)
{
	/* With streams ahead the chain is beyond this key already. */
	if (!stream_ahead_ready(&c->streams))
		move_to(c, key);
	/* Who forgets jobs, instead of running them, forgets their chains. */
	if (batch->count <= 1)
		batch->chain_count = 0;
	if (c->place >= batch->chain_count || batch->chains[c->place] != c) {
		c->place = (uint8_t)batch->chain_count;
		c->jobs = 0;
		batch->chains[batch->chain_count++] = c;
	}
	c->jobs++;
}

void key_chain_want(struct key_chain *c, unsigned int count)
{
	if (count > 1 && !make_room(c))
		count = 1;
	if (c->target < count)
		c->target = (uint8_t)count;
}

bool key_chain_take(struct key_chain *c, uint8_t key[16])
{
	uint8_t len = key_len(c);

	if (!c->count)
		return false;
	copy_key(key, slot_of(c, 0), len);
	move_to(c, key);
	return true;
}

void key_chain_settle(struct key_chain *c)
{
	if (c->streams.block)
		c->target = KEY_AHEAD_MAX;
	else if (c->jobs >= c->target)
		c->target = c->jobs < KEY_AHEAD_MAX ? c->jobs : KEY_AHEAD_MAX;
	else
		c->target--; /* what was a burst is forgotten slowly */
	c->jobs = 0;
	if (c->target > 1 && !make_room(c))
		c->target = 1;
}

static const uint8_t *last_key(const struct key_chain *c)
{
	return c->count ? ahead_of(c, c->count - 1u) : c->base;
}

void key_chain_lane(struct key_chain *c, const struct cipher *cipher, struct rc4_job *job,
	struct rc4_lane *lane)
{
	uint8_t len = key_len(c), *slot = slot_of(c, c->count);

	*job = (struct rc4_job){ .data = slot, .len = len, .key_len = len };
	cipher->hash(c->start, last_key(c), len, job->key);
	copy_key(slot, job->key, len);
	*lane = (struct rc4_lane){ .key = job->key, .key_len = len, .total = len };
	rc4_lane_begin(lane, job);
}

void key_chain_lane_done(struct key_chain *c, struct rc4_job *job)
{
	mppe_salt((enum mppe_bits)c->bits, slot_of(c, c->count));
	c->count++;
	explicit_bzero(job, sizeof(*job));
}

static void begin_key(struct key_work *w)
{
	uint8_t len;

	while (w->chain && !key_chain_wants(w->chain)) {
		w->chain = w->rest_count ? *w->rest++ : NULL;
		if (w->chain)
			w->rest_count--;
	}
	w->i = w->j = 0;
	if (!w->chain)
		return;
	len = key_len(w->chain);
	w->cipher->hash(w->chain->start, last_key(w->chain), len, w->interim);
	if (len == 8)
		memcpy(w->interim + 8, w->interim, 8);
	for (uint32_t i = 0; i < 256; i++)
		w->s[i] = i;
}

void key_work_begin(struct key_work *w, struct key_chain *const *chains, unsigned int count,
	const struct cipher *cipher)
{
	w->cipher = cipher;
	w->chain = count ? *chains : NULL;
	w->rest = chains + 1;
	w->rest_count = count ? count - 1 : 0;
	begin_key(w);
}

static void end_key(struct key_work *w)
{
	struct key_chain *c = w->chain;
	uint8_t *slot = slot_of(c, c->count);
	uint32_t j = 0;

	for (uint32_t n = 0; n < key_len(c); n++) {
		uint32_t t = w->s[n + 1], u;

		j = (j + t) & 255;
		u = w->s[j];
		w->s[j] = t;
		w->s[n + 1] = u;
		slot[n] = (uint8_t)(w->interim[n] ^ w->s[(t + u) & 255]);
	}
	mppe_salt((enum mppe_bits)c->bits, slot);
	c->count++;
}

/* The rest of the key schedule, and what comes after it. */
static void complete(struct key_work *w)
{
	for (; w->i < 256; w->i++) {
		uint32_t t = w->s[w->i];

		w->j = (w->j + t + w->interim[w->i & 15]) & 255;
		w->s[w->i] = w->s[w->j];
		w->s[w->j] = t;
	}
	end_key(w);
}

void key_work_turn(struct key_work *w)
{
	complete(w);
	begin_key(w);
}

void key_work_end(struct key_work *w)
{
	if (w->chain)
		complete(w);
	explicit_bzero(w, sizeof(*w));
}
