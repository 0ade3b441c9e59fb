/* session/timers: deadlines on one timer of the loop, against a plain list. */
#include "session/timers.h"
#include "system/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MANY 500

static uint64_t now = 1000000000;

/* Ours instead of the system's: time passes when the test says so. */
uint64_t clock_now(void)
{
	return now;
}

struct thing {
	struct timers_entry entry;
	uint64_t due; /* UINT64_MAX: not set */
	unsigned int fired;
};

static uv_loop_t loop;
static struct timers timers;
static struct thing things[MANY];
static uint64_t last;

static void on_expired(struct timers_entry *e)
{
	struct thing *t = (struct thing *)e;

	assert_true(t->due <= now);
	assert_true(t->due >= last);
	assert_false(timers_is_set(&timers, e));
	last = t->due;
	t->due = UINT64_MAX;
	t->fired++;
}

static void set(struct thing *t, uint64_t due)
{
	t->entry.expired = on_expired;
	t->due = due;
	timers_set(&timers, &t->entry, due);
	assert_int_equal(timers_is_set(&timers, &t->entry), due != UINT64_MAX);
}

static void begin(void)
{
	memset(things, 0, sizeof(things));
	for (size_t i = 0; i < MANY; i++)
		things[i].due = UINT64_MAX;
	last = 0;
	assert_int_equal(uv_loop_init(&loop), 0);
	timers_init(&timers, &loop);
}

static void end(void)
{
	for (size_t i = 0; i < MANY; i++)
		set(&things[i], UINT64_MAX);
	assert_null(timers.first);
	timers_done(&timers, NULL);
	while (uv_run(&loop, UV_RUN_DEFAULT))
		;
	assert_int_equal(uv_loop_close(&loop), 0);
}

/* What the handle would do when its time comes, which is real. */
static void fire(void)
{
	last = 0;
	timers.handle.timer_cb(&timers.handle);
}

static uint32_t next_random(void)
{
	static uint32_t x = 1;

	x = x * 1664525 + 1013904223;
	return x >> 8;
}

static void entries_fire_in_order_and_only_when_they_are_due(void **unused)
{
	(void)unused;
	begin();
	for (unsigned int round = 0; round < 300; round++) {
		for (unsigned int i = 0; i < 40; i++) {
			struct thing *t = &things[next_random() % MANY];
			uint32_t kind = next_random() % 8;

			set(t, kind ? now + 1 + next_random() % 5000 : UINT64_MAX);
		}
		now += next_random() % 1000;
		if (timers.first)
			fire();
		for (unsigned int i = 0; i < MANY; i++)
			assert_true(things[i].due > now);
	}
	end();
}

static void the_handle_runs_at_the_first_deadline_or_before(void **unused)
{
	(void)unused;
	begin();
	set(&things[0], now + 50000000);
	assert_true(uv_timer_get_due_in(&timers.handle) <= 50000);
	set(&things[1], now + 20000000);
	assert_true(uv_timer_get_due_in(&timers.handle) <= 20000);
	set(&things[1], UINT64_MAX);
	assert_true(uv_is_active((uv_handle_t *)&timers.handle));
	set(&things[0], UINT64_MAX);
	assert_false(uv_is_active((uv_handle_t *)&timers.handle));
	set(&things[2], 0);
	assert_int_equal(uv_timer_get_due_in(&timers.handle), 0);
	assert_int_equal(things[2].fired, 0);
	uv_run(&loop, UV_RUN_NOWAIT);
	assert_int_equal(things[2].fired, 1);
	end();
}

static void on_again(struct timers_entry *e)
{
	things[0].fired++;
	timers_set(&timers, e, 0);
}

/* Or the loop would never do anything else. */
static void an_entry_that_is_always_due_leaves_the_loop_its_turns(void **unused)
{
	unsigned int before;

	(void)unused;
	begin();
	things[0].entry.expired = on_again;
	timers_set(&timers, &things[0].entry, 0);
	uv_run(&loop, UV_RUN_NOWAIT);
	before = things[0].fired;
	assert_true(before > 0);
	uv_run(&loop, UV_RUN_ONCE);
	assert_true(things[0].fired > before);
	end();
}

static void all_at_once_are_all_fired_in_a_few_turns(void **unused)
{
	unsigned int fired = 0;

	(void)unused;
	begin();
	for (unsigned int i = 0; i < MANY; i++)
		set(&things[i], now + 10);
	now += 10;
	fire();
	for (unsigned int i = 0; i < MANY; i++)
		fired += things[i].fired;
	assert_int_equal(fired, MANY);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_fire_in_order_and_only_when_they_are_due),
		cmocka_unit_test(the_handle_runs_at_the_first_deadline_or_before),
		cmocka_unit_test(an_entry_that_is_always_due_leaves_the_loop_its_turns),
		cmocka_unit_test(all_at_once_are_all_fired_in_a_few_turns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
