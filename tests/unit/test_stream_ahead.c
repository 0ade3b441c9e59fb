/*
 * lib/mppe/stream_ahead: with streams made ahead every byte is what nettle makes it, whatever is lost,
 * late or comes twice; what is thrown away is bounded; nothing that was made survives in memory. The
 * argument is the engine (engine.h).
 */
#include "lib/mppe/mppe.h"
#include "tests/unit/engine.h"

#include <nettle/arcfour.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LEN_MAX 2048
#define ROOM    (MPPE_HEADER + LEN_MAX + 16)
#define TURN    48
#define STEADY  (4 * STREAM_AHEAD_WINDOW) /* packets after which a flow is */

static const struct cipher *cipher;
static struct rc4_batch batch, plain; /* with streams ahead, and without */
static uint8_t wire[TURN][ROOM];
static uint32_t seed = 11;

static uint32_t noise(void)
{
	seed = seed * 1664525u + 1013904223u;
	return seed >> 8;
}

static int set_up(void **state)
{
	(void)state;
	memset(&batch, 0, sizeof(batch));
	batch.cipher = cipher;
	batch.ahead = stream_pool_new();
	assert_non_null(batch.ahead);
	return 0;
}

static bool is_zero(const void *p, size_t size)
{
	const uint8_t *bytes = p;

	for (size_t i = 0; i < size; i++)
		if (bytes[i])
			return false;
	return true;
}

/* What is not a stream that waits for its packet is zero, here of all blocks. */
static void check_wiped(const struct stream_pool *pool)
{
	for (unsigned int i = 0; i < STREAM_AHEAD_BLOCKS; i++) {
		const struct stream_block *b = &pool->blocks[i];

		for (unsigned int n = b->count; n < STREAM_AHEAD_MAX; n++) {
			unsigned int slot = (b->first + n) % STREAM_AHEAD_MAX;

			assert_true(is_zero(b->keys[slot], sizeof(b->keys[slot])));
			assert_true(is_zero(b->streams[slot], sizeof(b->streams[slot])));
		}
		if (!b->owner) {
			assert_int_equal(b->count, 0);
			assert_true(is_zero(b->before, sizeof(b->before)));
		}
	}
}

static int tear_down(void **state)
{
	(void)state;
	assert_int_equal(stream_pool_lent(batch.ahead), 0);
	check_wiped(batch.ahead);
	stream_pool_free(batch.ahead);
	return 0;
}

/* One direction as this end and the other see it, and nettle. */
struct flow {
	struct mppe tx;
	uint8_t start[16], key[16];
	uint8_t key_len;
	enum mppe_bits bits;
};

static void begin(struct flow *f, enum mppe_bits bits)
{
	struct mppe_params params = { .bits = bits, .stateless = true };

	for (unsigned int n = 0; n < sizeof(f->start); n++)
		f->start[n] = (uint8_t)noise();
	f->bits = bits;
	f->key_len = mppe_key_len(bits);
	mppe_init(&f->tx, &params, f->start);
	memcpy(f->key, f->tx.key, sizeof(f->key));
}

static void end(struct flow *f)
{
	mppe_done(&f->tx);
}

/* RFC 3078 7.3, by nettle. */
static void next_key(struct flow *f)
{
	uint8_t interim[16];
	struct arcfour_ctx ctx;

	mppe_new_key(f->start, f->key, f->key_len, interim);
	arcfour_set_key(&ctx, f->key_len, interim);
	arcfour_crypt(&ctx, f->key_len, f->key, interim);
	mppe_salt(f->bits, f->key);
}

static void write_plain(uint8_t *packet, uint32_t len)
{
	memset(packet, 0x5a, ROOM);
	packet[2] = 0x21;
	packet[3] = 0x45;
	packet[5] = (uint8_t)((len - 1) >> 8);
	packet[6] = (uint8_t)(len - 1);
	for (uint32_t i = 7; i < len; i++)
		packet[MPPE_HEADER + i] = (uint8_t)(i * 7 + len);
}

/* The packet in wire[n], whose plain text had `len` octets, is nettle's. */
static void check_sealed(struct flow *f, unsigned int n, uint32_t len)
{
	static uint8_t want[ROOM];
	struct arcfour_ctx ctx;

	next_key(f);
	write_plain(want, len);
	arcfour_set_key(&ctx, f->key_len, f->key);
	arcfour_crypt(&ctx, len, want + MPPE_HEADER, want + MPPE_HEADER);
	assert_memory_equal(wire[n] + MPPE_HEADER, want + MPPE_HEADER, ROOM - MPPE_HEADER);
}

/* A turn: so many packets of this flow, of these lengths. */
static void seal_turn(struct flow *f, const uint32_t *lengths, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		write_plain(wire[i], lengths[i]);
		mppe_seal(&f->tx, wire[i], MPPE_HEADER + lengths[i], 0, &batch);
	}
	rc4_run(&batch);
	for (unsigned int i = 0; i < count; i++)
		check_sealed(f, i, lengths[i]);
	rc4_run_ahead(&batch);
}

static void turns(struct flow *f, unsigned int packets, uint32_t len, unsigned int fill)
{
	uint32_t lengths[TURN];

	for (unsigned int i = 0; i < TURN; i++)
		lengths[i] = len;
	for (; packets >= fill; packets -= fill)
		seal_turn(f, lengths, fill);
}

static void a_flow_of_lone_packets_is_served_from_streams(void **state)
{
	static const enum mppe_bits strengths[] = { MPPE_40, MPPE_56, MPPE_128 };

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		struct flow f;
		uint64_t used = batch.ahead->used;

		begin(&f, strengths[i]);
		turns(&f, STEADY, 1402, 1);
		used = batch.ahead->used;
		turns(&f, 160, 1402, 1);
		assert_int_equal(batch.ahead->used - used, 160);
		end(&f);
	}
}

static void every_length_is_nettles(void **state)
{
	static const unsigned int fills[] = { 1, 2, 5, 8, 13, 45 };

	(void)state;
	for (unsigned int k = 0; k < sizeof(fills) / sizeof(fills[0]); k++) {
		struct flow f;
		uint32_t lengths[TURN];
		uint32_t len = 1 + k;
		uint64_t used;

		begin(&f, k % 2 ? MPPE_128 : MPPE_40);
		turns(&f, STEADY, 2, 1);
		used = batch.ahead->used;
		while (len <= LEN_MAX) {
			unsigned int n = 0;

			for (; n < fills[k] && len <= LEN_MAX; len++)
				lengths[n++] = len < 8 ? 8 : len;
			seal_turn(&f, lengths, n);
		}
		/* The same downwards: here streams are long enough. */
		while (len > 8) {
			unsigned int n = 0;

			for (; n < fills[k] && len > 8; n++)
				lengths[n] = --len;
			seal_turn(&f, lengths, n);
		}
		/* In whole rows a stream ahead is longer than those that it would fill up. */
		if (fills[k] < STREAM_AHEAD_MAX)
			assert_true(batch.ahead->used > used);
		end(&f);
	}
}

static void check_bounds(const struct stream_pool *pool, uint64_t packets)
{
	uint64_t ready = 0;

	assert_true(pool->thrown * STREAM_AHEAD_PRICE <= packets);
	for (unsigned int i = 0; i < STREAM_AHEAD_BLOCKS; i++)
		ready += pool->blocks[i].count;
	assert_int_equal(pool->made, pool->used + pool->thrown + ready);
}

/* Lengths as nasty as can be: streams turn out too short again and again. */
static void what_is_thrown_away_is_bounded(void **state)
{
	uint64_t packets = 0;
	struct flow f;

	(void)state;
	begin(&f, MPPE_128);
	for (unsigned int round = 0; round < 600; round++) {
		uint32_t lengths[TURN];
		unsigned int count = 1 + noise() % (round % 3 ? 4 : TURN);

		for (unsigned int i = 0; i < count; i++) {
			lengths[i] = 700 + round % 800;
			if (stream_ahead_ready(&f.tx.chain.streams) && noise() % 3)
				lengths[i] = 1 + noise() % LEN_MAX;
			if (lengths[i] < 8)
				lengths[i] = 8;
		}
		seal_turn(&f, lengths, count);
		packets += count;
		check_bounds(batch.ahead, packets);
	}
	assert_true(batch.ahead->thrown > 0);
	end(&f);
	check_bounds(batch.ahead, packets);
}

/* Who sends large and small ones by turns would pay for the large ones' streams. */
static void packets_much_shorter_than_the_longest_are_not_worth_it(void **state)
{
	struct flow f;

	(void)state;
	begin(&f, MPPE_128);
	for (unsigned int i = 0; i < 2 * STEADY; i++) {
		uint32_t len = i % 8 ? 60 : 1402;

		seal_turn(&f, &len, 1);
	}
	assert_int_equal(batch.ahead->made, 0);
	turns(&f, STEADY, 60, 1);
	assert_true(batch.ahead->used > 0);
	end(&f);
}

/* ---- receiving ---- */

#define KEPT 64

struct sealed {
	uint8_t bytes[ROOM];
	uint32_t len, number;
};

struct receiver {
	struct mppe mppe;
	struct mppe_late late;
	struct rc4_batch *batch;
};

static void begin_receiver(struct receiver *r, struct rc4_batch *b, const struct flow *f)
{
	struct mppe_params params = { .bits = f->bits, .stateless = true };

	memset(&r->late, 0, sizeof(r->late));
	mppe_init(&r->mppe, &params, f->start);
	r->mppe.late_keys = &r->late;
	mppe_numbered(&r->mppe, 0);
	r->batch = b;
}

static enum mppe_result receive(struct receiver *r, const struct sealed *s, uint8_t *copy)
{
	memcpy(copy, s->bytes, sizeof(s->bytes));
	if ((int32_t)(s->number - r->mppe.base) < 0)
		return mppe_open_late(&r->mppe, copy, s->len, r->batch);
	mppe_numbered(&r->mppe, s->number);
	return mppe_open(&r->mppe, copy, s->len, r->batch);
}

/* The same packets, some lost, late or twice, to a receiver with streams ahead and one without. */
static void loss_disorder_and_duplicates_make_no_difference(void **state)
{
	static struct sealed kept[KEPT];
	static uint8_t copies[2][TURN][ROOM];
	static struct receiver with, without;
	uint32_t number = 0;
	uint64_t opened = 0;
	struct flow f;

	(void)state;
	plain.cipher = cipher;
	begin(&f, MPPE_128);
	begin_receiver(&with, &batch, &f);
	begin_receiver(&without, &plain, &f);
	for (unsigned int round = 0; round < 1500; round++) {
		unsigned int count = round % 5 ? 1 + noise() % 3 : 1 + noise() % TURN;
		unsigned int trouble = round % 100 < 50 ? 0 : 12;

		for (unsigned int i = 0; i < count; i++) {
			struct sealed *s = &kept[number % KEPT];
			enum mppe_result result;

			s->len = MPPE_HEADER + (noise() % 9 ? 1402 : 8 + noise() % 1500);
			s->number = number++;
			write_plain(s->bytes, s->len - MPPE_HEADER);
			mppe_seal(&f.tx, s->bytes, s->len, 0, &plain);
			rc4_run(&plain);
			if (trouble && noise() % trouble == 0 && number > KEPT)
				s = &kept[noise() % KEPT]; /* and this one may come later */
			result = receive(&with, s, copies[0][i]);
			assert_int_equal(receive(&without, s, copies[1][i]), result);
			opened += result == MPPE_OK;
		}
		rc4_run(&batch);
		rc4_run(&plain);
		for (unsigned int i = 0; i < count; i++)
			assert_memory_equal(copies[0][i], copies[1][i], ROOM);
		rc4_run_ahead(&batch);
		check_bounds(batch.ahead, opened);
	}
	assert_true(batch.ahead->used > 1000 && batch.ahead->thrown > 0);
	check_wiped(batch.ahead);
	end(&f);
	mppe_done(&with.mppe);
	mppe_done(&without.mppe);
}

/* ---- memory ---- */

#define FLOWS (STREAM_AHEAD_BLOCKS + 5)

static void blocks_go_round_among_flows(void **state)
{
	static struct flow flows[FLOWS];
	unsigned int last = FLOWS - 1;
	uint64_t used;

	(void)state;
	for (unsigned int i = 0; i < FLOWS; i++) {
		begin(&flows[i], MPPE_128);
		turns(&flows[i], STEADY, 200, 1);
		assert_true(stream_pool_lent(batch.ahead) <= STREAM_AHEAD_BLOCKS);
	}
	/* Those who had been first rest, so the last ones have blocks; who has none goes on without. */
	assert_true(batch.ahead->taken_back > 0);
	assert_non_null(flows[last].tx.chain.streams.block);
	assert_null(flows[0].tx.chain.streams.block);
	turns(&flows[0], 20, 200, 3);
	/* While all are busy nobody loses a block, and nobody else has one. */
	used = batch.ahead->taken_back;
	for (unsigned int i = 0; i < STEADY; i++)
		for (unsigned int k = 0; k < FLOWS; k++)
			turns(&flows[k], 1, 200, 1);
	assert_int_equal(stream_pool_lent(batch.ahead), STREAM_AHEAD_BLOCKS);
	assert_int_equal(batch.ahead->taken_back, used);
	check_wiped(batch.ahead);
	for (unsigned int i = 0; i < FLOWS; i++)
		end(&flows[i]);
}

static void who_ends_before_its_row_is_not_asked_for_it(void **state)
{
	struct flow f;
	uint64_t made;

	(void)state;
	begin(&f, MPPE_128);
	turns(&f, STEADY, 1402, 1);
	/* The turn ends with the session. */
	while (stream_ahead_ready(&f.tx.chain.streams) > 1)
		turns(&f, 1, 1402, 1);
	write_plain(wire[0], 1402);
	mppe_seal(&f.tx, wire[0], MPPE_HEADER + 1402, 0, &batch);
	rc4_run(&batch);
	made = batch.ahead->made;
	end(&f);
	rc4_run_ahead(&batch);
	assert_int_equal(batch.ahead->made, made);
	/* New keys, in the same place. */
	begin(&f, MPPE_128);
	turns(&f, STEADY, 1402, 1);
	assert_true(batch.ahead->made > made);
	end(&f);
}

static void stateful_sessions_have_none(void **state)
{
	struct mppe_params params = { .bits = MPPE_128, .stateless = false };
	struct mppe m;

	(void)state;
	mppe_init(&m, &params, (const uint8_t[16]){ 1, 2, 3 });
	for (unsigned int i = 0; i < 2 * STEADY; i++) {
		write_plain(wire[0], 1402);
		mppe_seal(&m, wire[0], MPPE_HEADER + 1402, 0, &batch);
		rc4_run(&batch);
		rc4_run_ahead(&batch);
	}
	assert_int_equal(batch.ahead->made, 0);
	mppe_done(&m);
}

/*
 * The packet that finds the batch full is between the chain's keys and its own: what is made ahead while the
 * batch is run is not to be taken for what comes behind it. It takes sessions that share a lane for a row
 * with room in it.
 */
static void a_full_batch_repeats_no_key(void **state)
{
	struct mppe_params params = { .bits = MPPE_128, .stateless = false };
	static uint8_t others[RC4_BATCH_MAX][ROOM];
	unsigned int n = 0, first;
	struct mppe m;
	struct flow f;

	(void)state;
	begin(&f, MPPE_128);
	mppe_init(&m, &params, (const uint8_t[16]){ 1, 2, 3 });
	turns(&f, STEADY, 200, 1);
	first = stream_ahead_ready(&f.tx.chain.streams) + 2; /* two of them are jobs */
	for (; n < first + 4; n++) {
		for (unsigned int i = 0; n == first && batch.count < RC4_BATCH_MAX; i++) {
			write_plain(others[i], 200);
			mppe_seal(&m, others[i], MPPE_HEADER + 200, 0, &batch);
		}
		write_plain(wire[n], 200);
		mppe_seal(&f.tx, wire[n], MPPE_HEADER + 200, 0, &batch);
	}
	rc4_run(&batch);
	for (unsigned int i = 0; i < n; i++)
		check_sealed(&f, i, 200);
	turns(&f, 20, 200, 1);
	end(&f);
	mppe_done(&m);
}

#define KINDS    15
#define TOGETHER 300 /* more than a batch takes */

/* Sessions of both modes, any number of packets in a batch, in any order: as without streams ahead. */
static void sessions_of_all_kinds_share_batches(void **state)
{
	static struct mppe with[KINDS], without[KINDS];
	static uint8_t packets[2][TOGETHER][ROOM];
	uint8_t start[16] = { 7 };

	(void)state;
	memset(&plain, 0, sizeof(plain));
	for (unsigned int k = 0; k < KINDS; k++) {
		struct mppe_params params = { .bits = k % 2 ? MPPE_128 : MPPE_56,
			.stateless = k % 5 != 0 };

		start[1] = (uint8_t)k;
		mppe_init(&with[k], &params, start);
		mppe_init(&without[k], &params, start);
	}
	for (unsigned int round = 0; round < 2000; round++) {
		unsigned int count = 1 + noise() % (round % 4 ? 20 : TOGETHER);
		unsigned int kinds = 1 + noise() % KINDS;

		for (unsigned int i = 0; i < count; i++) {
			unsigned int k = noise() % kinds;
			uint32_t len = noise() % 9 ? 180 : 8 + noise() % 300;

			write_plain(packets[0][i], len);
			write_plain(packets[1][i], len);
			mppe_seal(&with[k], packets[0][i], MPPE_HEADER + len, 0, &batch);
			mppe_seal(&without[k], packets[1][i], MPPE_HEADER + len, 0, &plain);
		}
		rc4_run(&batch);
		rc4_run(&plain);
		for (unsigned int i = 0; i < count; i++)
			assert_memory_equal(packets[0][i], packets[1][i], ROOM);
		if (noise() % 8)
			rc4_run_ahead(&batch);
		if (noise() % 16 == 0)
			mppe_rest(&with[noise() % KINDS]);
	}
	assert_true(batch.ahead->used > 100);
	for (unsigned int k = 0; k < KINDS; k++) {
		mppe_done(&with[k]);
		mppe_done(&without[k]);
	}
}

int main(int argc, char **argv)
{
#define T(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(a_flow_of_lone_packets_is_served_from_streams),
		T(every_length_is_nettles),
		T(what_is_thrown_away_is_bounded),
		T(packets_much_shorter_than_the_longest_are_not_worth_it),
		T(loss_disorder_and_duplicates_make_no_difference),
		T(blocks_go_round_among_flows),
		T(who_ends_before_its_row_is_not_asked_for_it),
		T(stateful_sessions_have_none),
		T(a_full_batch_repeats_no_key),
		T(sessions_of_all_kinds_share_batches),
	};

	ENGINE_OR_RETURN(cipher, argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
