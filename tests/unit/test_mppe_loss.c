/*
 * lib/mppe under loss, with the GRE numbers: packets that come late, losses of more counts than there
 * are, forged numbers and counts, and what all that may cost.
 */
#include "lib/mppe/mppe.h"
#include "tests/batch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define SIZE 40 /* of an IP packet */

struct wire {
	uint8_t bytes[MPPE_HEADER + 2 + SIZE];
	uint32_t number;
};

static const uint8_t start[16] = { 9, 8, 7, 6, 5, 4, 3, 2, 1, 2, 3, 4, 5, 6, 7, 8 };
static const enum mppe_bits strengths[] = { MPPE_40, MPPE_56, MPPE_128 };
static struct rc4_batch batch;
static struct mppe tx, rx;
static struct mppe_late keys;
static uint32_t number; /* of the next GRE packet */

static void plain(struct wire *w)
{
	uint8_t *ip = w->bytes + MPPE_HEADER + 2;

	w->bytes[MPPE_HEADER] = 0x00;
	w->bytes[MPPE_HEADER + 1] = 0x21;
	for (uint32_t i = 0; i < SIZE; i++)
		ip[i] = (uint8_t)(w->number * 31 + i * 7 + (w->number >> 8));
	ip[0] = 0x45;
	ip[2] = 0;
	ip[3] = SIZE;
}

static struct wire seal(void)
{
	struct wire w = { .number = number++ };

	plain(&w);
	mppe_seal(&tx, w.bytes, sizeof(w.bytes), 0, &batch);
	rc4_run(&batch);
	return w;
}

/* Sealed and lost; stateless needs no cipher for that. */
static void lose(uint32_t n)
{
	struct wire w = { 0 };

	number += n;
	while (n--) {
		mppe_seal(&tx, w.bytes, sizeof(w.bytes), 0, &batch);
		if (tx.params.stateless)
			batch_forget(&batch);
		else
			rc4_run(&batch);
	}
}

static bool is_intact(const struct wire *w)
{
	struct wire want = { .number = w->number };

	plain(&want);
	return !memcmp(w->bytes + MPPE_HEADER, want.bytes + MPPE_HEADER, 2 + SIZE);
}

static enum mppe_result try_open(struct wire *w)
{
	enum mppe_result result;

	mppe_numbered(&rx, w->number);
	result = mppe_open(&rx, w->bytes, sizeof(w->bytes), &batch);
	rc4_run(&batch);
	return result;
}

static enum mppe_result try_late(struct wire w)
{
	uint64_t rekeys = rx.rekeys;
	uint16_t work = rx.work;
	enum mppe_result result = mppe_open_late(&rx, w.bytes, sizeof(w.bytes), &batch);

	rc4_run(&batch);
	assert_int_equal(rx.rekeys, rekeys);
	assert_int_equal(rx.work, work);
	if (result == MPPE_OK)
		assert_true(is_intact(&w));
	else
		assert_int_equal(result, MPPE_OLD);
	return result;
}

static void assert_opens(struct wire w)
{
	assert_int_equal(try_open(&w), MPPE_OK);
	assert_true(is_intact(&w));
}

static void begin(enum mppe_bits bits, bool stateless)
{
	const struct mppe_params params = { .bits = bits, .stateless = stateless };

	number = 7;
	mppe_done(&tx);
	mppe_done(&rx);
	mppe_init(&tx, &params, start);
	mppe_init(&rx, &params, start);
	mppe_late_done(&keys);
	rx.late_keys = &keys;
	mppe_numbered(&rx, number);
}

/* --- late packets --- */

static void a_late_packet_opens_once_without_a_key_change(void **state)
{
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct wire late[5];

		begin(strengths[i], true);
		assert_opens(seal());
		for (unsigned int n = 0; n < 5; n++)
			late[n] = seal();
		for (unsigned int n = 0; n < 600; n++)
			assert_opens(seal());
		for (unsigned int n = 5; n--;) {
			assert_int_equal(try_late(late[n]), MPPE_OK);
			assert_int_equal(try_late(late[n]), MPPE_OLD);
		}
		assert_opens(seal());
	}
}

static void what_was_in_order_does_not_open_again_as_late(void **state)
{
	struct wire w[100];

	(void)state;
	begin(MPPE_128, true);
	for (unsigned int n = 0; n < 100; n++) {
		w[n] = seal();
		if (n % 10 != 3)
			assert_opens(w[n]);
	}
	for (unsigned int n = 0; n < 100; n++)
		assert_int_equal(try_late(w[n]), n % 10 == 3 ? MPPE_OK : MPPE_OLD);
}

static void a_forged_late_packet_does_not_take_the_key(void **state)
{
	struct wire late, forged;

	(void)state;
	begin(MPPE_128, true);
	late = seal();
	assert_opens(seal());
	for (unsigned int n = 0; n < 50; n++) {
		forged = late;
		memset(forged.bytes + MPPE_HEADER, (int)n, 2 + SIZE);
		assert_int_equal(try_late(forged), MPPE_OLD);
	}
	assert_int_equal(try_late(late), MPPE_OK);
}

static void a_key_is_wiped_when_used_replaced_or_done(void **state)
{
	static const struct mppe_late none;
	struct wire late;

	(void)state;
	begin(MPPE_128, true);
	late = seal();
	assert_opens(seal());
	assert_int_equal(try_late(late), MPPE_OK);
	assert_memory_equal(&keys, &none, sizeof(keys));

	late = seal();
	lose(MPPE_LATE_KEYS);
	assert_opens(seal());
	assert_null(mppe_late_find(&keys, late.number - 7));
	assert_int_equal(try_late(late), MPPE_OLD);
	mppe_late_done(&keys);
	assert_memory_equal(&keys, &none, sizeof(keys));
}

/* The count is the same again after 4,096 packets: the key is that of another packet. */
static void a_key_of_the_round_before_opens_nothing(void **state)
{
	struct wire lost, late;

	(void)state;
	begin(MPPE_128, true);
	lost = seal();
	for (unsigned int n = 0; n < MPPE_COUNT; n++)
		assert_opens(seal());
	late = seal();
	assert_int_equal(late.bytes[1], lost.bytes[1]);
	assert_opens(seal());
	assert_int_equal(try_late(lost), MPPE_OLD);
	assert_int_equal(try_late(late), MPPE_OK);
}

static void keys_on_a_way_that_led_nowhere_are_not_kept(void **state)
{
	static const struct mppe_late none;
	struct wire forged;

	(void)state;
	begin(MPPE_128, true);
	assert_opens(seal());
	forged = (struct wire){ .number = number, .bytes = { 0x90, 200 } };
	assert_int_equal(try_open(&forged), MPPE_BAD);
	assert_memory_equal(&keys, &none, sizeof(keys));
	assert_opens(seal());
}

static void late_is_nothing_for_stateful_keys(void **state)
{
	struct wire w;

	(void)state;
	begin(MPPE_128, false);
	w = seal();
	assert_opens(w);
	assert_int_equal(try_late(w), MPPE_OLD);
	begin(MPPE_128, true);
	rx.late_keys = NULL;
	w = seal();
	assert_opens(seal());
	assert_int_equal(try_late(w), MPPE_OLD);
	for (uint32_t len = 0; len < 3; len++)
		assert_int_equal(mppe_open_late(&rx, w.bytes, len, &batch), MPPE_OLD);
}

/* --- long losses --- */

static const uint32_t losses[] = { 3073, 4095, 4096, 4097, 4300, 5000, 7167, 7168, 8191, 8192, 8193,
	12288, 20000, 40960, 61441 };

/* Walks as the tunnel does, a step for each packet that comes. */
static unsigned int mend(unsigned int step)
{
	unsigned int packets = 0;
	struct wire w;

	do {
		uint32_t far = rx.far;

		mppe_catch_up(&rx, step);
		assert_true(rx.far - far <= step);
		w = seal();
		assert_true(++packets < 1000);
		if (!rx.params.stateless && packets % 8 == 2)
			mppe_reset_requested(&tx);
	} while (try_open(&w) != MPPE_OK);
	assert_true(is_intact(&w));
	for (unsigned int n = 0; n < 520; n++)
		assert_opens(seal());
	return packets;
}

static void any_loss_that_is_earned_is_mended(void **state)
{
	(void)state;
	for (size_t i = 0; i < 3; i++)
		for (size_t k = 0; k < sizeof(losses) / sizeof(losses[0]); k++) {
			begin(strengths[i], true);
			assert_opens(seal());
			lose(losses[k]);
			assert_true(mend(512) <= losses[k] / 512 + 2);
			assert_false(mppe_is_behind(&rx));
		}
}

static void any_loss_is_mended_where_keys_change_seldom(void **state)
{
	(void)state;
	for (size_t i = 0; i < 3; i++)
		for (size_t k = 0; k < sizeof(losses) / sizeof(losses[0]); k++) {
			begin(strengths[i], false);
			assert_opens(seal());
			lose(losses[k]);
			assert_true(mend(512) <= 20);
		}
	begin(MPPE_128, false);
	assert_opens(seal());
	lose(1000000);
	assert_true(mend(512) <= 30);
}

/* From the first packet on, which nothing was opened before. */
static void a_loss_at_the_very_beginning_is_mended(void **state)
{
	(void)state;
	begin(MPPE_128, true);
	lose(5000);
	assert_true(mend(512) <= 12);
}

/* Echo requests and replies have numbers, too, and no count. */
static void control_frames_in_the_gap_do_no_harm(void **state)
{
	(void)state;
	for (uint32_t control = 1; control <= 1000; control *= 10) {
		begin(MPPE_128, true);
		assert_opens(seal());
		lose(9000);
		number += control;
		mend(512);
	}
}

/* pppd's packets may get lost before they have a number. */
static void packets_lost_before_they_were_numbered_do_no_harm(void **state)
{
	(void)state;
	for (uint32_t unnumbered = 1; unnumbered <= 1000; unnumbered *= 10) {
		begin(MPPE_128, true);
		assert_opens(seal());
		lose(9000);
		number -= unnumbered;
		mend(512);
	}
}

static void a_loss_beyond_what_is_earned_is_told_at_once(void **state)
{
	struct wire w;

	(void)state;
	begin(MPPE_128, true);
	assert_opens(seal());
	lose(MPPE_CREDIT_FIRST + 2 * MPPE_UNNUMBERED);
	w = seal();
	assert_int_equal(try_open(&w), MPPE_LOST);
	for (unsigned int n = 0; n < 3; n++) {
		mppe_catch_up(&rx, 512);
		w = seal();
		assert_int_equal(try_open(&w), MPPE_LOST);
	}
}

static void packets_earn_longer_walks(void **state)
{
	(void)state;
	begin(MPPE_128, true);
	for (unsigned int n = 0; n < 5000; n++)
		assert_opens(seal());
	lose(MPPE_CREDIT_FIRST + 30000);
	assert_true(mend(512) < 300);
}

/* --- forgers --- */

/* Numbers far ahead, as if the stream had moved, and then the real stream again. */
static void forged_numbers_do_not_stop_the_real_ones(void **state)
{
	(void)state;
	for (int stateless = 0; stateless < 2; stateless++) {
		begin(MPPE_128, stateless);
		assert_opens(seal());
		for (uint32_t n = 0; n < 20; n++) {
			struct wire w = { .bytes = { 0x90, (uint8_t)(17 * n) },
				.number = number + n * 4999 };

			assert_int_not_equal(try_open(&w), MPPE_OK);
			mppe_catch_up(&rx, 512);
		}
		if (rx.flush)
			mppe_reset_requested(&tx);
		assert_opens(seal());
		assert_opens(seal());
		assert_false(rx.behind);
	}
}

/* Any counts, any numbers: the work is what packets have earned, and bounded for each. */
static void no_numbers_make_more_work_than_packets_earn(void **state)
{
	uint64_t random = 88172645463325252u, near = 0, far = 0;

	(void)state;
	for (int stateless = 0; stateless < 2; stateless++) {
		begin(MPPE_128, stateless);
		near = far = 0;
		for (unsigned int n = 0; n < 8000; n++) {
			uint32_t work = rx.work, credit = rx.credit;
			struct wire w;

			random ^= random << 13;
			random ^= random >> 7;
			random ^= random << 17;
			memset(&w, (int)(random >> 40), sizeof(w));
			w.bytes[0] = (uint8_t)(0x90 | (random & 15));
			w.number =
				rx.base + (uint32_t)(random >> 8 & (n & 1 ? 0xffff : 0x7fffffff));
			(void)try_open(&w);
			assert_true(
				work + MPPE_WORK_EARNED <= rx.work + (uint32_t)MPPE_COUNT * 2 + 2);
			near += rx.work < work + MPPE_WORK_EARNED
					? work + MPPE_WORK_EARNED - rx.work
					: 0;
			credit = rx.credit;
			mppe_catch_up(&rx, 512);
			assert_true(credit - rx.credit <= 512);
			far += credit - rx.credit;
		}
		assert_true(near <= MPPE_WORK_MAX + 8000ull * MPPE_WORK_EARNED);
		assert_true(far <= MPPE_CREDIT_FIRST + 8000ull * MPPE_WORK_EARNED);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_late_packet_opens_once_without_a_key_change),
		cmocka_unit_test(what_was_in_order_does_not_open_again_as_late),
		cmocka_unit_test(a_forged_late_packet_does_not_take_the_key),
		cmocka_unit_test(a_key_is_wiped_when_used_replaced_or_done),
		cmocka_unit_test(a_key_of_the_round_before_opens_nothing),
		cmocka_unit_test(keys_on_a_way_that_led_nowhere_are_not_kept),
		cmocka_unit_test(late_is_nothing_for_stateful_keys),
		cmocka_unit_test(any_loss_that_is_earned_is_mended),
		cmocka_unit_test(any_loss_is_mended_where_keys_change_seldom),
		cmocka_unit_test(a_loss_at_the_very_beginning_is_mended),
		cmocka_unit_test(control_frames_in_the_gap_do_no_harm),
		cmocka_unit_test(packets_lost_before_they_were_numbered_do_no_harm),
		cmocka_unit_test(a_loss_beyond_what_is_earned_is_told_at_once),
		cmocka_unit_test(packets_earn_longer_walks),
		cmocka_unit_test(forged_numbers_do_not_stop_the_real_ones),
		cmocka_unit_test(no_numbers_make_more_work_than_packets_earn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
