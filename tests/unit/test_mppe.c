/*
 * lib/mppe/mppe: both modes and all strengths against itself, and in stateful mode against models
 * of the two kinds of peer: one that reads FLUSHED as RFC 3078 section 8.2 does, and Linux.
 */
#include "lib/mppe/mppe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SIZE 60 /* of an IP packet */

static const uint8_t start[16] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 };
static const enum mppe_bits strengths[] = { MPPE_40, MPPE_56, MPPE_128 };
static struct rc4_batch batch;
static uint32_t serial;

struct wire {
	uint8_t bytes[MPPE_HEADER + 2 + SIZE];
	uint32_t serial;
};

static void fill(struct wire *w)
{
	uint8_t *ip = w->bytes + MPPE_HEADER + 2;

	w->serial = ++serial;
	w->bytes[MPPE_HEADER] = 0x00;
	w->bytes[MPPE_HEADER + 1] = 0x21;
	for (uint32_t i = 0; i < SIZE; i++)
		ip[i] = (uint8_t)(w->serial * 31 + i * 7);
	ip[0] = 0x45;
	ip[2] = 0;
	ip[3] = SIZE;
}

static bool is_intact(const struct wire *w)
{
	uint32_t keep = serial;
	struct wire want;

	serial = w->serial - 1;
	fill(&want);
	serial = keep;
	return !memcmp(w->bytes + MPPE_HEADER, want.bytes + MPPE_HEADER, 2 + SIZE);
}

static struct wire seal(struct mppe *m)
{
	struct wire w;

	fill(&w);
	mppe_seal(m, w.bytes, sizeof(w.bytes), 0, &batch);
	rc4_run(&batch);
	return w;
}

static enum mppe_result open_only(struct mppe *m, struct wire *w)
{
	enum mppe_result result = mppe_open(m, w->bytes, sizeof(w->bytes), &batch);

	assert_int_equal(batch.count, result == MPPE_OK);
	rc4_run(&batch);
	return result;
}

static void assert_opens(struct mppe *m, struct wire w)
{
	assert_int_equal(open_only(m, &w), MPPE_OK);
	assert_true(is_intact(&w));
}

static uint16_t header_of(const struct wire *w)
{
	return (uint16_t)(w->bytes[0] << 8 | w->bytes[1]);
}

static void pair(struct mppe *tx, struct mppe *rx, enum mppe_bits bits, bool stateless)
{
	const struct mppe_params params = { .bits = bits, .stateless = stateless };

	mppe_init(tx, &params, start);
	mppe_init(rx, &params, start);
}

/* Its memory is freed where it goes out of scope. */
#define ENDED __attribute__((cleanup(mppe_done)))

/* --- models of peers --- */

struct model {
	struct mppe m; /* for its fields; the rules are below */
	struct rc4 stream;
	bool linux_rules, waiting;
};

static void model_init(struct model *p, bool linux_rules)
{
	const struct mppe_params params = { .bits = MPPE_128 };

	memset(p, 0, sizeof(*p));
	mppe_init(&p->m, &params, start);
	rc4_init(&p->stream, p->m.key, 16);
	free(p->m.stream);
	p->m.stream = NULL;
	p->linux_rules = linux_rules;
}

static void model_rekey(struct model *p)
{
	uint8_t interim[16];

	mppe_new_key(p->m.start, p->m.key, 16, interim);
	rc4_init(&p->stream, interim, 16);
	memcpy(p->m.key, interim, 16);
	rc4_crypt(&p->stream, p->m.key, 16);
	rc4_init(&p->stream, p->m.key, 16);
}

static struct wire model_seal(struct model *p)
{
	bool flag = (p->m.count & 0xff) == 0xff, flushed = p->m.flush;
	struct wire w;

	fill(&w);
	if (flag || (flushed && p->linux_rules))
		model_rekey(p);
	else if (flushed)
		rc4_init(&p->stream, p->m.key, 16);
	flushed = flushed || (flag && p->linux_rules);
	w.bytes[0] = (uint8_t)((flushed ? 0x90 : 0x10) | p->m.count >> 8);
	w.bytes[1] = (uint8_t)p->m.count;
	p->m.flush = false;
	p->m.count = (p->m.count + 1) & MPPE_COUNT;
	rc4_crypt(&p->stream, w.bytes + MPPE_HEADER, 2 + SIZE);
	return w;
}

/* 1 decrypted, 0 dropped, -1 dropped and a Reset-Request sent. */
static int model_open(struct model *p, struct wire *w)
{
	uint16_t count = header_of(w) & MPPE_COUNT;
	bool flushed = header_of(w) & MPPE_FLUSHED, flag = (count & 0xff) == 0xff;

	if (p->linux_rules)
		assert_true(!flag || flushed); /* Linux counts it as an attack otherwise */
	if (!p->waiting && count != p->m.count && !(flushed && !p->linux_rules)) {
		p->waiting = true;
		return -1;
	}
	if (p->waiting && !flushed)
		return 0;
	/* The flag packets that were lost. */
	while ((p->m.count & 0xf00) != (count & 0xf00)) {
		model_rekey(p);
		p->m.count = (p->m.count + 0x100) & MPPE_COUNT;
	}
	if (flag || (flushed && p->linux_rules))
		model_rekey(p);
	else if (flushed)
		rc4_init(&p->stream, p->m.key, 16);
	p->waiting = false;
	p->m.count = (count + 1) & MPPE_COUNT;
	rc4_crypt(&p->stream, w->bytes + MPPE_HEADER, 2 + SIZE);
	return 1;
}

/* --- stateless --- */

static void stateless_runs_through_several_wraps(void **state)
{
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		ENDED struct mppe tx, rx;

		pair(&tx, &rx, strengths[i], true);
		for (unsigned int n = 0; n < 9000; n++) {
			struct wire w = seal(&tx);

			assert_int_equal(header_of(&w), 0x9000 | (n & 0xfff));
			assert_opens(&rx, w);
		}
		assert_int_equal(rx.rekeys, 9000);
	}
}

static void stateless_survives_any_loss_below_the_range(void **state)
{
	static const unsigned int losses[] = { 1, 2, 255, 2047, 2048, 3000,
		MPPE_COUNT - MPPE_LATE_MAX };
	ENDED struct mppe tx, rx;

	(void)state;
	pair(&tx, &rx, MPPE_128, true);
	for (size_t i = 0; i < sizeof(losses) / sizeof(losses[0]); i++) {
		for (unsigned int n = 0; n < losses[i]; n++)
			seal(&tx);
		for (int n = 0; n < 500; n++) /* and earns the work for the next one */
			assert_opens(&rx, seal(&tx));
	}
}

/* A peer that skips thousands of counts with each packet must not cost thousands of key changes
 * with each. */
static void stateless_work_is_rationed(void **state)
{
	unsigned int opened = 0, waited = 0;
	ENDED struct mppe tx, rx;
	struct wire w;

	(void)state;
	pair(&tx, &rx, MPPE_128, true);
	for (int n = 0; n < 200; n++) {
		while (((unsigned int)(tx.count - rx.count) & MPPE_COUNT) < 3000)
			seal(&tx);
		w = seal(&tx);
		opened += open_only(&rx, &w) == MPPE_OK;
	}
	assert_in_range(opened, 2, 4);
	assert_true(rx.rekeys <= MPPE_WORK_MAX + 200 * MPPE_WORK_EARNED);
	/* Nothing is lost by it but time. */
	do {
		w = seal(&tx);
		assert_true(++waited < MPPE_COUNT / MPPE_WORK_EARNED);
	} while (open_only(&rx, &w) != MPPE_OK);
	for (int n = 0; n < 100; n++)
		assert_opens(&rx, seal(&tx));
}

static void work_for_forged_packets_is_rationed(void **state)
{
	const unsigned int packets = 3000, ahead = 60;

	(void)state;
	for (int stateless = 0; stateless < 2; stateless++) {
		unsigned int walked = 0;
		ENDED struct mppe tx, rx;

		pair(&tx, &rx, MPPE_128, stateless);
		for (unsigned int n = 0; n < packets; n++) {
			struct wire w;

			fill(&w);
			w.bytes[0] = 0x90;
			w.bytes[1] = (uint8_t)ahead;
			walked += open_only(&rx, &w) == MPPE_BAD ? ahead : 0;
		}
		assert_true(rx.work < ahead); /* all of it has been spent, and no more */
		if (stateless)
			assert_true(walked <= MPPE_WORK_MAX + packets * MPPE_WORK_EARNED);
		/* What is in step, or nearly so, is not concerned. */
		assert_opens(&rx, seal(&tx));
		if (stateless)
			seal(&tx);
		assert_opens(&rx, seal(&tx));
	}
}

static void stateless_recovers_from_the_longest_loss_that_looks_late(void **state)
{
	static const unsigned int losses[] = { MPPE_COUNT - MPPE_LATE_MAX + 1, 4000, 4090 };

	(void)state;
	for (size_t i = 0; i < sizeof(losses) / sizeof(losses[0]); i++) {
		ENDED struct mppe tx, rx;

		pair(&tx, &rx, MPPE_128, true);
		assert_opens(&rx, seal(&tx));
		for (unsigned int n = 0; n < losses[i]; n++)
			seal(&tx);
		for (int n = 1; n < MPPE_LATE_RUN; n++) {
			struct wire w = seal(&tx);

			assert_int_equal(open_only(&rx, &w), MPPE_OLD);
		}
		assert_opens(&rx, seal(&tx));
		assert_opens(&rx, seal(&tx));
	}
}

static void stateless_late_packets_cost_nothing_and_change_nothing(void **state)
{
	ENDED struct mppe tx, rx;
	struct wire old;

	(void)state;
	pair(&tx, &rx, MPPE_128, true);
	old = seal(&tx);
	assert_opens(&rx, old);
	for (int n = 0; n < 100; n++) {
		uint64_t before = rx.rekeys;
		struct wire w = old;

		assert_int_equal(open_only(&rx, &w), MPPE_OLD);
		assert_int_equal(rx.rekeys, before);
		assert_opens(&rx, seal(&tx));
	}
}

static void stateless_forged_counts_do_not_move_the_keys(void **state)
{
	ENDED struct mppe tx, rx;

	(void)state;
	pair(&tx, &rx, MPPE_128, true);
	for (uint16_t count = 2; count < 3800; count = (uint16_t)(count + 61)) {
		uint16_t at = (uint16_t)((rx.count + count) & MPPE_COUNT);
		struct wire w;

		fill(&w);
		w.bytes[0] = (uint8_t)(0x90 | at >> 8);
		w.bytes[1] = (uint8_t)at;
		assert_int_not_equal(open_only(&rx, &w), MPPE_OK);
		assert_opens(&rx, seal(&tx));
	}
}

static void what_is_not_an_mppe_packet_is_bad(void **state)
{
	static const uint8_t packets[][4] = { { 0 }, { 0x80, 0, 1, 2 }, { 0xe0, 0, 1, 2 } };

	(void)state;
	for (int stateless = 0; stateless < 2; stateless++) {
		ENDED struct mppe tx, rx;

		pair(&tx, &rx, MPPE_128, stateless);
		for (size_t i = 0; i < 3; i++) {
			uint8_t data[4];

			memcpy(data, packets[i], 4);
			assert_int_equal(mppe_open(&rx, data, 4, &batch), MPPE_BAD);
		}
		for (uint32_t len = 0; len < 3; len++) {
			uint8_t data[4] = { 0x90, 0 };

			assert_int_equal(mppe_open(&rx, data, len, &batch), MPPE_BAD);
		}
		assert_int_equal(batch.count, 0);
		assert_opens(&rx, seal(&tx));
	}
}

/* --- stateful --- */

static void stateful_runs_through_several_wraps(void **state)
{
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		ENDED struct mppe tx, rx;

		pair(&tx, &rx, strengths[i], false);
		for (unsigned int n = 0; n < 9000; n++) {
			struct wire w = seal(&tx);
			bool flag = (n & 0xff) == 0xff;

			assert_int_equal(header_of(&w), (flag ? 0x9000 : 0x1000) | (n & 0xfff));
			assert_opens(&rx, w);
		}
		assert_int_equal(rx.rekeys, 9000 / 256);
	}
}

static void stateful_batches_across_a_key_change(void **state)
{
	struct wire w[100];
	ENDED struct mppe tx, rx;

	(void)state;
	pair(&tx, &rx, MPPE_128, false);
	for (int n = 0; n < 200; n++)
		assert_opens(&rx, seal(&tx));
	for (int n = 0; n < 100; n++) {
		fill(&w[n]);
		mppe_seal(&tx, w[n].bytes, sizeof(w[n].bytes), 0, &batch);
	}
	rc4_run(&batch);
	for (int n = 0; n < 100; n++)
		assert_int_equal(mppe_open(&rx, w[n].bytes, sizeof(w[n].bytes), &batch), MPPE_OK);
	rc4_run(&batch);
	for (int n = 0; n < 100; n++)
		assert_true(is_intact(&w[n]));
}

static void a_full_batch_is_run(void **state)
{
	enum { PACKETS = 2 * RC4_BATCH_MAX + 10 };
	struct wire wires[PACKETS];

	(void)state;
	for (int stateless = 0; stateless < 2; stateless++) {
		ENDED struct mppe tx, rx;

		pair(&tx, &rx, MPPE_128, stateless);
		for (int n = 0; n < PACKETS; n++) {
			fill(&wires[n]);
			mppe_seal(&tx, wires[n].bytes, sizeof(wires[n].bytes), 0, &batch);
		}
		rc4_run(&batch);
		for (int n = 0; n < PACKETS; n++)
			assert_int_equal(
				mppe_open(&rx, wires[n].bytes, sizeof(wires[n].bytes), &batch),
				MPPE_OK);
		assert_int_equal(batch.count, 10);
		rc4_run(&batch);
		for (int n = 0; n < PACKETS; n++)
			assert_true(is_intact(&wires[n]));
	}
}

static void stateful_loss_asks_once_and_waits_for_flushed(void **state)
{
	ENDED struct mppe tx, rx;
	struct wire w;

	(void)state;
	pair(&tx, &rx, MPPE_128, false);
	assert_opens(&rx, seal(&tx));
	seal(&tx);
	w = seal(&tx);
	assert_int_equal(open_only(&rx, &w), MPPE_RESET);
	for (int n = 0; n < 5; n++) {
		w = seal(&tx);
		assert_int_equal(open_only(&rx, &w), MPPE_WAIT);
	}
	assert_int_equal(rx.resets, 1);
	mppe_reset_requested(&tx);
	mppe_reset_requested(&tx);
	assert_int_equal(tx.resets, 1);
	w = seal(&tx);
	assert_int_equal(header_of(&w), 0x90ff);
	assert_opens(&rx, w);
	w = seal(&tx);
	assert_int_equal(header_of(&w), 0x1100);
	assert_opens(&rx, w);
}

static void stateful_forged_flushed_packets_change_nothing(void **state)
{
	ENDED struct mppe tx, rx;

	(void)state;
	pair(&tx, &rx, MPPE_128, false);
	for (int n = 0; n < 300; n++) {
		struct wire w;

		fill(&w);
		w.bytes[0] = (uint8_t)(0x90 | (n & 15));
		w.bytes[1] = (uint8_t)(n * 7);
		if ((n & 0xff) != 0xff && (header_of(&w) & MPPE_COUNT) != rx.count)
			assert_int_equal(open_only(&rx, &w), MPPE_BAD);
		assert_opens(&rx, seal(&tx));
	}
}

/* Linux and RFC senders: first packet with or without FLUSHED, flag packets, resets, lost FLUSHED
 * packets. */
static void stateful_receiver_reads_both_kinds_of_sender(void **state)
{
	(void)state;
	for (int kind = 0; kind < 4; kind++) {
		const struct mppe_params params = { .bits = MPPE_128 };
		bool asked = false;
		struct model tx;
		ENDED struct mppe rx;
		unsigned int good = 0;

		model_init(&tx, kind & 1);
		tx.m.flush = kind & 2; /* FLUSHED on the first packet */
		mppe_init(&rx, &params, start);
		for (unsigned int n = 0; n < 6000; n++) {
			struct wire w = model_seal(&tx);
			enum mppe_result result;

			/* Bursts of loss, some of which take the FLUSHED packet and the flag
			 * packet. */
			if (n % 97 < 3 && n > 50)
				continue;
			if (n % 1000 > 980 || (n > 3000 && n < 3700))
				continue;
			result = open_only(&rx, &w);
			if (result == MPPE_OK) {
				assert_true(is_intact(&w));
				good++;
				asked = false;
				continue;
			}
			assert_true(result == MPPE_RESET || result == MPPE_WAIT);
			if (result == MPPE_RESET || (asked && n % 5 == 0))
				tx.m.flush = true;
			asked = true;
		}
		assert_true(good > 4500);
		tx.m.flush = true;
		assert_opens(&rx, model_seal(&tx));
	}
}

static void stateful_sender_is_read_by_both_kinds_of_receiver(void **state)
{
	(void)state;
	for (int kind = 0; kind < 2; kind++) {
		const struct mppe_params params = { .bits = MPPE_128 };
		unsigned int good = 0, asked = 0;
		ENDED struct mppe tx;
		struct model rx;

		model_init(&rx, kind);
		mppe_init(&tx, &params, start);
		for (unsigned int n = 0; n < 6000; n++) {
			struct wire w = seal(&tx);
			int result;

			if (n % 97 < 3 && n > 50)
				continue;
			if (n % 1000 > 980)
				continue;
			result = model_open(&rx, &w);
			if (result == 1) {
				assert_true(is_intact(&w));
				good++;
				continue;
			}
			/* Every fourth request is sent again, as a timer of the peer's would. */
			if (result < 0 || n % 16 == 0) {
				mppe_reset_requested(&tx);
				asked++;
			}
		}
		assert_true(asked > 50);
		assert_true(good > 4500);
	}
}

static void stateful_recovers_when_flushed_packets_are_lost_too(void **state)
{
	(void)state;
	for (int linux_rules = 0; linux_rules < 2; linux_rules++)
		for (unsigned int lost = 1; lost <= 12; lost++) {
			const struct mppe_params params = { .bits = MPPE_128 };
			struct model tx;
			ENDED struct mppe rx;
			struct wire w;

			model_init(&tx, linux_rules);
			mppe_init(&rx, &params, start);
			for (int n = 0; n < 240; n++)
				assert_opens(&rx, model_seal(&tx));
			for (unsigned int n = 0; n < lost; n++) {
				model_seal(&tx);
				w = model_seal(&tx);
				assert_int_equal(open_only(&rx, &w), n ? MPPE_WAIT : MPPE_RESET);
				tx.m.flush = true;
				model_seal(&tx); /* lost again */
			}
			tx.m.flush = true;
			assert_opens(&rx, model_seal(&tx));
			assert_opens(&rx, model_seal(&tx));
		}
}

static void a_stream_that_yields_nonsense_can_be_asked_anew(void **state)
{
	ENDED struct mppe tx, rx;
	struct wire w;

	(void)state;
	pair(&tx, &rx, MPPE_128, false);
	assert_opens(&rx, seal(&tx));
	/* A forged packet with the right count takes the place of the real one. */
	seal(&tx);
	fill(&w);
	w.bytes[0] = 0x10;
	w.bytes[1] = 1;
	assert_int_equal(mppe_open(&rx, w.bytes, 9, &batch), MPPE_OK);
	rc4_run(&batch);
	w = seal(&tx);
	assert_int_equal(open_only(&rx, &w), MPPE_OK);
	assert_false(is_intact(&w));
	mppe_lost(&rx);
	w = seal(&tx);
	assert_int_equal(open_only(&rx, &w), MPPE_WAIT);
	mppe_reset_requested(&tx);
	assert_opens(&rx, seal(&tx));
}

static void inner_protocols_are_told_from_noise(void **state)
{
	static const struct {
		uint8_t bytes[6];
		uint32_t len;
		unsigned int size;
		uint16_t protocol;
	} cases[] = {
		{ { 0x00, 0x21, 0x45 }, 3, 2, 0x0021 },
		{ { 0x21, 0x45 }, 2, 1, 0x0021 },
		{ { 0x00, 0x57, 0x60 }, 3, 2, 0x0057 },
		{ { 0x57, 0x60 }, 2, 1, 0x0057 },
		{ { 0x00, 0x2b, 0xff, 0xff }, 4, 2, 0x002b },
		{ { 0x00, 0x2d, 0x00 }, 3, 2, 0x002d },
		{ { 0x2d, 0x00 }, 2, 0, 0 },
		{ { 0x00, 0x21, 0x60 }, 3, 0, 0 },
		{ { 0x00, 0x21, 0x44 }, 3, 0, 0 },
		{ { 0x00, 0x57, 0x45 }, 3, 0, 0 },
		{ { 0x00, 0x21 }, 2, 0, 0 },
		{ { 0x21 }, 1, 0, 0 },
		{ { 0x00 }, 1, 0, 0 },
		{ { 0x00 }, 0, 0, 0 },
		{ { 0x00, 0x20, 0x45 }, 3, 0, 0 },
		{ { 0x00, 0xfd, 0x10, 0x00 }, 4, 0, 0 },
		{ { 0xc0, 0x21, 0x01, 0x00 }, 4, 0, 0 },
		{ { 0x80, 0x21, 0x01, 0x00 }, 4, 0, 0 },
		{ { 0x02, 0x21, 0x45 }, 3, 0, 0 },
		{ { 0x75, 0x45, 0x00 }, 3, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint16_t protocol = 0;

		assert_int_equal(
			mppe_inner(cases[i].bytes, cases[i].len, &protocol), cases[i].size);
		if (cases[i].size)
			assert_int_equal(protocol, cases[i].protocol);
	}
}

static void keys_are_wiped_at_the_end(void **state)
{
	static const uint8_t zero[sizeof(struct mppe)];
	ENDED struct mppe tx, rx;

	(void)state;
	pair(&tx, &rx, MPPE_128, false);
	mppe_done(&tx);
	mppe_done(&rx);
	assert_memory_equal(&tx, zero, sizeof(tx));
	assert_memory_equal(&rx, zero, sizeof(rx));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stateless_runs_through_several_wraps),
		cmocka_unit_test(stateless_survives_any_loss_below_the_range),
		cmocka_unit_test(stateless_work_is_rationed),
		cmocka_unit_test(work_for_forged_packets_is_rationed),
		cmocka_unit_test(stateless_recovers_from_the_longest_loss_that_looks_late),
		cmocka_unit_test(stateless_late_packets_cost_nothing_and_change_nothing),
		cmocka_unit_test(stateless_forged_counts_do_not_move_the_keys),
		cmocka_unit_test(what_is_not_an_mppe_packet_is_bad),
		cmocka_unit_test(stateful_runs_through_several_wraps),
		cmocka_unit_test(stateful_batches_across_a_key_change),
		cmocka_unit_test(a_full_batch_is_run),
		cmocka_unit_test(stateful_loss_asks_once_and_waits_for_flushed),
		cmocka_unit_test(stateful_forged_flushed_packets_change_nothing),
		cmocka_unit_test(stateful_receiver_reads_both_kinds_of_sender),
		cmocka_unit_test(stateful_sender_is_read_by_both_kinds_of_receiver),
		cmocka_unit_test(stateful_recovers_when_flushed_packets_are_lost_too),
		cmocka_unit_test(a_stream_that_yields_nonsense_can_be_asked_anew),
		cmocka_unit_test(inner_protocols_are_told_from_noise),
		cmocka_unit_test(keys_are_wiped_at_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
