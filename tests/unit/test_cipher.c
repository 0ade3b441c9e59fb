/*
 * lib/mppe/cipher: every engine computes what nettle computes, for every length and every number of
 * streams in step, whatever is mixed in a batch. The argument is the engine (engine.h).
 */
#include "lib/mppe/cipher.h"

#include "lib/mppe/key_chain.h"
#include "tests/unit/engine.h"

#include <nettle/arcfour.h>
#include <nettle/sha1.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include <cmocka.h>

#define LEN_MAX 2048
#define ROOM    (LEN_MAX + 16) /* what is behind the data must stay as it is */

static const struct cipher *cipher;
static struct rc4_batch batch;
static uint8_t data[RC4_BATCH_MAX][ROOM], want[RC4_BATCH_MAX][ROOM];
static uint32_t seed = 1;

static uint32_t noise(void)
{
	seed = seed * 1664525u + 1013904223u;
	return seed >> 8;
}

static void fill(uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(noise() >> 8);
}

static void add_fresh(uint32_t len, uint8_t key_len)
{
	unsigned int n = batch.count++;
	struct rc4_job *job = &batch.jobs[n];
	struct arcfour_ctx ctx;

	*job = (struct rc4_job){ .data = data[n], .len = len, .key_len = key_len };
	fill(job->key, sizeof(job->key));
	arcfour_set_key(&ctx, key_len, job->key);
	for (uint32_t i = 0; i < ROOM; i++)
		want[n][i] = data[n][i] = (uint8_t)(i + n);
	arcfour_crypt(&ctx, len, want[n], want[n]);
}

static void run_and_compare(void)
{
	static const uint8_t zero[16];
	unsigned int count = batch.count;

	rc4_run(&batch);
	assert_int_equal(batch.count, 0);
	assert_int_equal(batch.chain_count, 0);
	for (unsigned int i = 0; i < count; i++) {
		assert_memory_equal(data[i], want[i], ROOM);
		assert_memory_equal(batch.jobs[i].key, zero, sizeof(zero));
	}
}

static void every_length_from_0_to_2048_at_every_fill(void **state)
{
	(void)state;
	batch.cipher = cipher;
	for (unsigned int fill_level = 1; fill_level <= RC4_WIDTH_MAX; fill_level++) {
		/* The same length in all lanes, so that they really run in step. */
		for (uint32_t len = fill_level % 7; len <= LEN_MAX; len += 7) {
			for (unsigned int i = 0; i < fill_level; i++)
				add_fresh(len, i % 3 ? 16 : 8);
			run_and_compare();
		}
	}
	for (uint32_t len = 0; len <= LEN_MAX; len += RC4_WIDTH_MAX) {
		for (unsigned int i = 0; i < RC4_WIDTH_MAX; i++)
			add_fresh(len + i, 16);
		run_and_compare();
	}
}

static void batches_of_all_sizes_and_mixed_lengths(void **state)
{
	(void)state;
	batch.cipher = cipher;
	for (unsigned int count = 1; count <= RC4_BATCH_MAX; count++) {
		for (unsigned int i = 0; i < count; i++)
			add_fresh(noise() % 3 ? noise() % (LEN_MAX + 1) : noise() % 80,
				noise() & 1 ? 8 : 16);
		run_and_compare();
	}
}

/* As rc4_run() would not always choose them. */
static void lanes_by_themselves(unsigned int n, uint32_t len, bool wide)
{
	struct rc4_lane lanes[RC4_WIDTH_MAX], *order[RC4_WIDTH_MAX];

	for (unsigned int i = 0; i < n; i++) {
		struct rc4_job *job = &batch.jobs[i];

		add_fresh(len > 3 * i ? len - 3 * i : 0, i & 1 ? 8 : 16);
		job->next = NULL;
		lanes[i] = (struct rc4_lane){
			.key = job->key, .key_len = job->key_len, .total = job->len
		};
		rc4_lane_begin(&lanes[i], job);
		order[i] = &lanes[i];
	}
	if (wide)
		cipher->wide(order, n, NULL);
	else
		rc4_scalar_run(order, n);
	batch.count = 0;
	for (unsigned int i = 0; i < n; i++)
		assert_memory_equal(data[i], want[i], ROOM);
}

static void engines_by_themselves_at_every_length(void **state)
{
	(void)state;
	for (unsigned int n = 1; n <= RC4_SCALAR_MAX; n++)
		for (uint32_t len = 0; len <= LEN_MAX; len++)
			lanes_by_themselves(n, len, false);
	for (unsigned int n = 1; cipher->wide && n <= RC4_WIDTH_MAX; n++)
		for (uint32_t len = 0; len <= LEN_MAX; len += n == RC4_WIDTH_MAX ? 1 : 61)
			lanes_by_themselves(n, len, true);
}

#define STREAMS 20

/* Stateful streams, several jobs of each in a batch, some of them begun anew, between others. */
static void stateful_streams_among_stateless_packets(void **state)
{
	static struct rc4 streams[STREAMS];
	static struct arcfour_ctx ctx[STREAMS];
	uint8_t key[16];

	(void)state;
	batch.cipher = cipher;
	for (unsigned int i = 0; i < STREAMS; i++) {
		fill(key, sizeof(key));
		rc4_init(&streams[i], key, sizeof(key));
		arcfour_set_key(&ctx[i], sizeof(key), key);
	}
	for (unsigned int round = 0; round < 200; round++) {
		unsigned int used = 1 + noise() % STREAMS, fresh = noise() % 3;
		unsigned int again = round % 4 ? 8 : 1 + noise() % 200;

		while (batch.count < 1 + noise() % RC4_BATCH_MAX) {
			unsigned int n = batch.count, i = noise() % used;
			uint32_t len = noise() % 4 ? 1400 : noise() % (LEN_MAX + 1);
			struct rc4_job *job = &batch.jobs[n];

			if (noise() % 4 < fresh) {
				add_fresh(len, noise() & 1 ? 8 : 16);
				continue;
			}
			*job = (struct rc4_job){
				.state = &streams[i], .data = data[n], .len = len
			};
			if (noise() % again == 0) {
				job->key_len = 16;
				fill(job->key, sizeof(job->key));
				arcfour_set_key(&ctx[i], 16, job->key);
			}
			fill(data[n], ROOM);
			memcpy(want[n], data[n], ROOM);
			arcfour_crypt(&ctx[i], len, want[n], want[n]);
			batch.count++;
		}
		run_and_compare();
		for (unsigned int i = 0; i < STREAMS; i++) {
			assert_memory_equal(streams[i].s, ctx[i].S, 256);
			assert_int_equal(streams[i].i, ctx[i].i);
			assert_int_equal(streams[i].j, ctx[i].j);
		}
	}
}

/* RFC 3078 7.3 with nettle alone. */
static void nettle_change(enum mppe_bits bits, const uint8_t *start, uint8_t *key)
{
	static const uint8_t pad1[40];
	uint8_t pad2[40], interim[16], n = mppe_key_len(bits);
	struct arcfour_ctx rc4;
	struct sha1_ctx sha;

	memset(pad2, 0xf2, sizeof(pad2));
	sha1_init(&sha);
	sha1_update(&sha, n, start);
	sha1_update(&sha, sizeof(pad1), pad1);
	sha1_update(&sha, n, key);
	sha1_update(&sha, sizeof(pad2), pad2);
	sha1_digest(&sha, n, interim);
	arcfour_set_key(&rc4, n, interim);
	arcfour_crypt(&rc4, n, key, interim);
	mppe_salt(bits, key);
}

static const enum mppe_bits strengths[] = { MPPE_40, MPPE_56, MPPE_128 };

static void key_changes_are_those_of_nettle(void **state)
{
	(void)state;
	for (unsigned int s = 0; s < 3; s++) {
		uint8_t start[16], key[16], expected[16];
		size_t n = mppe_key_len(strengths[s]);

		fill(start, sizeof(start));
		fill(key, sizeof(key));
		memcpy(expected, key, sizeof(key));
		for (unsigned int i = 0; i < 1000; i++) {
			key_change(cipher, strengths[s], start, key);
			nettle_change(strengths[s], start, expected);
			assert_memory_equal(key, expected, n);
		}
	}
}

#define SESSIONS 24

/* One packet of a chain's session, encrypted by it and by nettle. */
static void add_chained(struct key_chain *c, uint8_t *key, uint8_t *expected, uint32_t len)
{
	enum mppe_bits bits = (enum mppe_bits)c->bits;
	unsigned int n = batch.count++;
	struct rc4_job *job = &batch.jobs[n];
	uint8_t key_len = mppe_key_len(bits);
	struct arcfour_ctx ctx;

	key_chain_next(c, batch.cipher, key);
	nettle_change(bits, c->start, expected);
	assert_memory_equal(key, expected, key_len);
	*job = (struct rc4_job){ .data = data[n], .len = len, .key_len = key_len };
	memcpy(job->key, key, key_len);
	key_chain_used(c, key, &batch);
	fill(data[n], ROOM);
	memcpy(want[n], data[n], ROOM);
	arcfour_set_key(&ctx, key_len, expected);
	arcfour_crypt(&ctx, len, want[n], want[n]);
}

/* What is ahead is right, and what is behind, or was never there, is zero. */
static void check_ahead(const struct key_chain *c)
{
	static const uint8_t zero[16];
	uint8_t key[16];

	memcpy(key, c->base, sizeof(key));
	for (unsigned int i = 0; i < (c->ahead ? KEY_AHEAD_MAX : 1); i++) {
		const uint8_t *slot = c->ahead ? c->ahead[(c->first + i) % KEY_AHEAD_MAX] : c->one;

		if (i >= c->count) {
			assert_memory_equal(slot, zero, sizeof(zero));
			continue;
		}
		nettle_change((enum mppe_bits)c->bits, c->start, key);
		assert_memory_equal(slot, key, mppe_key_len((enum mppe_bits)c->bits));
	}
}

/* One session to many, packets short and long: keys made by the side, in step, or when asked for. */
static void keys_ahead_are_those_of_the_chain(void **state)
{
	static struct key_chain chains[SESSIONS];
	static uint8_t keys[SESSIONS][16], expected[SESSIONS][16];

	(void)state;
	batch.cipher = cipher;
	for (unsigned int i = 0; i < SESSIONS; i++) {
		uint8_t start[16];

		fill(start, sizeof(start));
		fill(keys[i], sizeof(keys[i]));
		memcpy(expected[i], keys[i], sizeof(keys[i]));
		key_chain_init(&chains[i], strengths[i % 3], start, keys[i]);
	}
	for (unsigned int round = 0; round < 150; round++) {
		unsigned int used = 1 + noise() % (round % 3 ? SESSIONS : 3);
		unsigned int count = 1 + noise() % (round % 2 ? RC4_BATCH_MAX : 20);

		for (unsigned int n = 0; n < count; n++) {
			unsigned int i = noise() % used;

			add_chained(&chains[i], keys[i], expected[i],
				round % 5 ? 1400 - n : noise() % 100);
		}
		run_and_compare();
		for (unsigned int i = 0; i < SESSIONS; i++)
			check_ahead(&chains[i]);
	}
	for (unsigned int i = 0; i < SESSIONS; i++)
		key_chain_done(&chains[i]);
}

/* Who looks ahead and comes back, or jumps, is told the same keys as by nettle. */
static void chain_is_asked_by_key(void **state)
{
	uint8_t start[16], keys[60][16], key[16];
	struct key_chain c;

	(void)state;
	batch.cipher = cipher;
	fill(start, sizeof(start));
	fill(keys[0], sizeof(keys[0]));
	for (unsigned int i = 1; i < 60; i++) {
		memcpy(keys[i], keys[i - 1], sizeof(key));
		nettle_change(MPPE_128, start, keys[i]);
	}
	key_chain_init(&c, MPPE_128, start, keys[0]);
	for (unsigned int i = 0; i < 10; i++) {
		add_fresh(100, 16);
		key_chain_used(&c, keys[0], &batch);
	}
	run_and_compare();
	assert_int_equal(c.count, 10);
	for (unsigned int look = 0; look < 3; look++) {
		memcpy(key, keys[0], sizeof(key));
		for (unsigned int i = 1; i < 40; i++) {
			key_chain_next(&c, batch.cipher, key);
			assert_memory_equal(key, keys[i], sizeof(key));
		}
	}
	add_fresh(1, 8);
	key_chain_used(&c, keys[4], &batch); /* four were skipped */
	assert_int_equal(c.count, 6);
	check_ahead(&c);
	add_fresh(1, 8);
	key_chain_used(&c, keys[50], &batch); /* beyond all that is known */
	assert_int_equal(c.count, 0);
	check_ahead(&c);
	run_and_compare();
	check_ahead(&c);
	key_chain_done(&c);
}

/* One packet a batch needs no memory; at rest what more needed goes back, and the keys stay the same. */
static void memory_is_for_who_sends_several_at_once(void **state)
{
	uint8_t start[16], key[16], expected[16];
	struct key_chain c;

	(void)state;
	batch.cipher = cipher;
	fill(start, sizeof(start));
	fill(key, sizeof(key));
	memcpy(expected, key, sizeof(key));
	key_chain_init(&c, MPPE_128, start, key);
	for (unsigned int round = 0; round < 20; round++) {
		for (unsigned int i = 0; i < 5; i++) {
			add_chained(&c, key, expected, 100);
			run_and_compare();
			assert_null(c.ahead);
			check_ahead(&c);
		}
		for (unsigned int i = 0; i < 2 + round; i++)
			add_chained(&c, key, expected, 100);
		run_and_compare();
		assert_non_null(c.ahead);
		check_ahead(&c);
		key_chain_rest(&c);
		assert_null(c.ahead);
		assert_int_equal(c.count, 1);
		check_ahead(&c);
	}
	key_chain_done(&c);
}

/* Jobs that are forgotten without rc4_run(), and chains that are begun anew in between. */
static void forgotten_jobs_leave_no_chains_behind(void **state)
{
	uint8_t start[16], key[16];
	struct key_chain c;

	(void)state;
	batch.cipher = cipher;
	fill(start, sizeof(start));
	fill(key, sizeof(key));
	for (unsigned int i = 0; i < 3 * RC4_BATCH_MAX; i++) {
		key_chain_init(&c, MPPE_128, start, key);
		for (unsigned int n = 0; n < 1 + i % 3; n++) {
			add_fresh(8, 16);
			key_chain_used(&c, key, &batch);
		}
		assert_int_equal(batch.chain_count, 1);
		batch.count = 0;
	}
	add_fresh(8, 16);
	key_chain_used(&c, key, &batch);
	assert_int_equal(c.jobs, 1);
	run_and_compare();
	assert_int_equal(c.count, 1);
	check_ahead(&c);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_length_from_0_to_2048_at_every_fill),
		cmocka_unit_test(batches_of_all_sizes_and_mixed_lengths),
		cmocka_unit_test(engines_by_themselves_at_every_length),
		cmocka_unit_test(stateful_streams_among_stateless_packets),
		cmocka_unit_test(key_changes_are_those_of_nettle),
		cmocka_unit_test(keys_ahead_are_those_of_the_chain),
		cmocka_unit_test(chain_is_asked_by_key),
		cmocka_unit_test(memory_is_for_who_sends_several_at_once),
		cmocka_unit_test(forgotten_jobs_leave_no_chains_behind),
	};

	ENGINE_OR_RETURN(cipher, argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
