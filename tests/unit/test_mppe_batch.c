/*
 * lib/mppe with many sessions and many packets in a batch: whatever is made ahead, in step or on the
 * side, the other end (plain C, one packet at a time) understands it. The argument is the engine
 * (engine.h).
 */
#include "lib/mppe/mppe.h"
#include "tests/unit/engine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define SESSIONS 20
#define BURST    300 /* more than a batch */
#define LEN_MAX  1500

struct wire {
	uint8_t bytes[LEN_MAX];
	uint32_t len;
	unsigned int session;
	enum mppe_result result;
};

static const struct cipher *cipher;
static struct mppe tx[SESSIONS], rx[SESSIONS];
static struct rc4_batch many, single;
static struct wire wires[BURST];
static uint32_t seed = 7;

static uint32_t noise(void)
{
	seed = seed * 1664525u + 1013904223u;
	return seed >> 8;
}

/* Three of four are stateless. */
static void begin(void)
{
	static const enum mppe_bits strengths[] = { MPPE_128, MPPE_40, MPPE_128, MPPE_56 };

	for (unsigned int i = 0; i < SESSIONS; i++) {
		struct mppe_params params = { .bits = strengths[i % 4 == 3 ? i / 4 % 4 : i % 3],
			.stateless = i % 4 != 3 };
		uint8_t start[16];

		for (unsigned int n = 0; n < sizeof(start); n++)
			start[n] = (uint8_t)noise();
		mppe_init(&tx[i], &params, start);
		mppe_init(&rx[i], &params, start);
	}
}

static void done(void)
{
	for (unsigned int i = 0; i < SESSIONS; i++) {
		mppe_done(&tx[i]);
		mppe_done(&rx[i]);
	}
}

/* An IPv4 packet in PPP, the rest a pattern. */
static void write_plain(struct wire *w, unsigned int n)
{
	uint32_t total = w->len - MPPE_HEADER - 1;

	memset(w->bytes, 0, sizeof(w->bytes));
	w->bytes[2] = 0x21;
	w->bytes[3] = 0x45;
	w->bytes[5] = (uint8_t)(total >> 8);
	w->bytes[6] = (uint8_t)total;
	for (uint32_t i = 23; i < w->len; i++)
		w->bytes[i] = (uint8_t)(i * 7 + n);
}

static void check_plain(const struct wire *w, unsigned int n)
{
	struct wire want = { .len = w->len };

	write_plain(&want, n);
	assert_memory_equal(w->bytes + 2, want.bytes + 2, w->len - 2);
}

/* So many packets of so many sessions; who seals and who opens has `seal` and `open`. */
static void burst(
	unsigned int count, unsigned int sessions, struct rc4_batch *seal, struct rc4_batch *open)
{
	for (unsigned int n = 0; n < count; n++) {
		struct wire *w = &wires[n];

		w->session = noise() % sessions;
		w->len = noise() % 3 ? LEN_MAX : 30 + noise() % (LEN_MAX - 29);
		write_plain(w, n);
		mppe_seal(&tx[w->session], w->bytes, w->len, 0, seal);
		if (seal == &single)
			rc4_run(seal);
	}
	rc4_run(seal);
	for (unsigned int n = 0; n < count; n++) {
		struct wire *w = &wires[n];

		/* Lost; stateful sessions would wait for FLUSHED. */
		w->result = MPPE_WAIT;
		if (tx[w->session].params.stateless && noise() % 16 == 0)
			continue;
		w->result = mppe_open(&rx[w->session], w->bytes, w->len, open);
		assert_int_equal(w->result, MPPE_OK);
		if (open == &single)
			rc4_run(open);
	}
	rc4_run(open);
	for (unsigned int n = 0; n < count; n++)
		if (wires[n].result == MPPE_OK)
			check_plain(&wires[n], n);
}

static void bursts_of_many_sessions_are_understood(void **state)
{
	(void)state;
	many.cipher = cipher;
	begin();
	for (unsigned int round = 0; round < 60; round++) {
		unsigned int sessions = round % 3 ? 1 + noise() % SESSIONS : 1;

		burst(1 + noise() % (round % 2 ? BURST : 20), sessions, &many, &single);
		burst(1 + noise() % (round % 2 ? BURST : 20), sessions, &single, &many);
		burst(1 + noise() % BURST, sessions, &many, &many);
	}
	done();
}

/* A forged packet makes the receiver look ahead; it comes back, and its keys with it. */
static void forged_packets_cost_no_keys_that_are_ahead(void **state)
{
	(void)state;
	many.cipher = cipher;
	begin();
	for (unsigned int round = 0; round < 20; round++) {
		unsigned int ahead;
		struct wire w;

		burst(16, 1, &many, &many);
		ahead = rx[0].chain.count;
		memset(&w, 0x5a, sizeof(w));
		w.bytes[0] = (uint8_t)(0x90 | ((rx[0].count + 9u) >> 8 & 0x0f));
		w.bytes[1] = (uint8_t)(rx[0].count + 9u);
		assert_int_not_equal(mppe_open(&rx[0], w.bytes, LEN_MAX, &many), MPPE_OK);
		assert_int_equal(many.count, 0);
		assert_int_equal(rx[0].chain.count, ahead);
	}
	done();
}

/* Who sends one packet at a time has one key ahead, after a burst no more than it took. */
static void as_many_keys_are_ahead_as_were_used(void **state)
{
	(void)state;
	many.cipher = cipher;
	begin();
	for (unsigned int n = 0; n < 5; n++) {
		burst(1, 1, &many, &single);
		assert_int_equal(tx[0].chain.count, 1);
	}
	burst(7, 1, &many, &single);
	assert_int_equal(tx[0].chain.count, 7);
	burst(BURST, 1, &many, &single);
	/* By rows of 16, and then a shorter one. */
	assert_in_range(tx[0].chain.count, KEY_AHEAD_MAX - 1, KEY_AHEAD_MAX);
	for (unsigned int n = 0; n < 100; n++)
		burst(1, 1, &many, &single);
	assert_int_equal(tx[0].chain.target, 1);
	done();
}

static void nothing_is_left_of_an_ended_direction(void **state)
{
	static const struct mppe zero;

	(void)state;
	many.cipher = cipher;
	begin();
	burst(BURST, SESSIONS, &many, &many);
	done();
	for (unsigned int i = 0; i < SESSIONS; i++) {
		assert_memory_equal(&tx[i], &zero, sizeof(zero));
		assert_memory_equal(&rx[i], &zero, sizeof(zero));
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bursts_of_many_sessions_are_understood),
		cmocka_unit_test(forged_packets_cost_no_keys_that_are_ahead),
		cmocka_unit_test(as_many_keys_are_ahead_as_were_used),
		cmocka_unit_test(nothing_is_left_of_an_ended_direction),
	};

	ENGINE_OR_RETURN(cipher, argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
