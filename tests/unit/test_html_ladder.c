/* Steps of a ladder diagram: repetitions folded, memory bounded, beginning and end kept. */
#include "tools/decode/html_ladder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct html_ladder *ladder;
static uint64_t now;

static int setup(void **state)
{
	(void)state;
	ladder = calloc(1, sizeof(*ladder));
	now = 0;
	return ladder ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	html_ladder_done(ladder);
	free(ladder);
	return 0;
}

static void add(unsigned int side, const char *label, bool alive)
{
	struct html_message m = { .side = side, .label = label, .alive = alive };

	m.time = m.frame = ++now;
	assert_true(html_ladder_add(ladder, &m));
}

static void a_negotiation_is_not_folded(void **state)
{
	(void)state;
	add(0, "LCP Configure-Request id 1: MRU 1400", false);
	add(1, "LCP Configure-Request id 1: MRU 1500", false);
	add(0, "LCP Configure-Nak id 1: MRU 1400", false);
	add(1, "LCP Configure-Request id 2: MRU 1400", false);
	add(0, "LCP Configure-Ack id 2: MRU 1400", false);
	add(1, "LCP Configure-Ack id 1: MRU 1400", false);
	assert_int_equal(ladder->count, 6);
}

static void repetitions_are_one_step(void **state)
{
	char label[64];

	(void)state;
	for (int i = 0; i < 20; i++) {
		snprintf(label, sizeof(label), "LCP Configure-Request id %d: MRU 1400", i);
		add(0, label, false);
	}
	assert_int_equal(ladder->count, 1);
	assert_int_equal(ladder->step[0].count, 20);
	assert_int_equal(ladder->step[0].kept, HTML_STEP_LINES);
	assert_int_equal(ladder->step[0].last->time, 20);
	add(1, "LCP Configure-Request id 1: MRU 1400", false); /* the other way */
	assert_int_equal(ladder->count, 2);
}

static void two_in_turn_are_one_step(void **state)
{
	(void)state;
	for (int i = 0; i < 5; i++) {
		add(0, "LCP Configure-Request id 1: PFC", false);
		add(1, "LCP Configure-Reject id 1: PFC", false);
	}
	add(0, "LCP Terminate-Request id 2", false);
	assert_int_equal(ladder->count, 2);
	assert_int_equal(ladder->step[0].count, 10);
	assert_int_equal(ladder->step[1].count, 1);
}

static void signs_of_life_are_one_step(void **state)
{
	(void)state;
	add(0, "LCP Echo-Request id 1: magic 1", true);
	add(1, "LCP Echo-Reply id 1: magic 2", true);
	add(1, "Echo-Request identifier 7", true);
	add(0, "Echo-Reply identifier 7", true);
	add(0, "LCP Echo-Request id 2: magic 1", true);
	assert_int_equal(ladder->count, 1);
	assert_int_equal(ladder->step[0].count, 5);
}

/* Whose request it was would be lost else. */
static void what_is_between_signs_of_life_stays(void **state)
{
	(void)state;
	add(0, "LCP Echo-Request id 0", true);
	add(0, "PAP Authenticate-Request id 1: name alice", false);
	add(1, "LCP Echo-Reply id 0", true);
	add(1, "PAP Authenticate-Ack id 1", false);
	add(0, "LCP Echo-Request id 1", true);
	assert_int_equal(ladder->count, 5);
}

static void beginning_and_end_are_kept(void **state)
{
	uint64_t shown = 0;
	char label[64];

	(void)state;
	for (unsigned int i = 1; i <= 5000; i++) {
		snprintf(label, sizeof(label), "message %u", i);
		add(i % 2, label, false);
	}
	assert_int_equal(ladder->count, HTML_LADDER_STEPS);
	for (unsigned int i = 0; i < ladder->count; i++)
		shown += ladder->step[i].count;
	assert_int_equal(shown + ladder->skipped, 5000);
	assert_string_equal(ladder->step[HTML_LADDER_HEAD - 1].lines->label, "message 200");
	assert_string_equal(ladder->step[HTML_LADDER_HEAD].lines->label, "message 4941");
	assert_string_equal(ladder->step[HTML_LADDER_STEPS - 1].lines->label, "message 5000");
}

static void long_words_are_cut(void **state)
{
	char label[HTML_LABEL_MAX + 100];

	(void)state;
	memset(label, 'x', sizeof(label));
	label[HTML_LABEL_MAX] = '\0';
	add(0, label, false);
	assert_int_equal(strlen(ladder->step[0].lines->label), HTML_LABEL_MAX);
	label[HTML_LABEL_MAX] = 'x';
	label[sizeof(label) - 1] = '\0';
	add(1, label, false);
	assert_int_equal(strlen(ladder->step[1].lines->label), HTML_LABEL_MAX + 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_negotiation_is_not_folded),
		TEST(repetitions_are_one_step),
		TEST(two_in_turn_are_one_step),
		TEST(signs_of_life_are_one_step),
		TEST(what_is_between_signs_of_life_stays),
		TEST(beginning_and_end_are_kept),
		TEST(long_words_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
