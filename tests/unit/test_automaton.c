/* The automaton against a second copy of RFC 1661's table, typed as it is printed there. */
#include "lib/ppp/automaton.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Section 4.1, rows as printed: states 0 to 5, then 6 to 9; footnotes left out. */
static const char *const table[PPP_EVENT_COUNT][2] = {
	[PPP_UP] = { "2 irc,scr/6 - - - -", "- - - -" },
	[PPP_DOWN] = { "- - 0 tls/1 0 1", "1 1 1 tld/1" },
	[PPP_OPEN] = { "tls/1 1 irc,scr/6 3 5 5", "6 7 8 9" },
	[PPP_CLOSE] = { "0 tlf/0 2 2 4 4", "irc,str/4 irc,str/4 irc,str/4 tld,irc,str/4" },
	[PPP_TO_PLUS] = { "- - - - str/4 str/5", "scr/6 scr/6 scr/8 -" },
	[PPP_TO_MINUS] = { "- - - - tlf/2 tlf/3", "tlf/3 tlf/3 tlf/3 -" },
	[PPP_RCR_PLUS] = { "- - sta/2 irc,scr,sca/8 4 5", "sca/8 sca,tlu/9 sca/8 tld,scr,sca/8" },
	[PPP_RCR_MINUS] = { "- - sta/2 irc,scr,scn/6 4 5", "scn/6 scn/7 scn/6 tld,scr,scn/6" },
	[PPP_RCA] = { "- - sta/2 sta/3 4 5", "irc/7 scr/6 irc,tlu/9 tld,scr/6" },
	[PPP_RCN] = { "- - sta/2 sta/3 4 5", "irc,scr/6 scr/6 irc,scr/8 tld,scr/6" },
	[PPP_RTR] = { "- - sta/2 sta/3 sta/4 sta/5", "sta/6 sta/6 sta/6 tld,zrc,sta/5" },
	[PPP_RTA] = { "- - 2 3 tlf/2 tlf/3", "6 6 8 tld,scr/6" },
	[PPP_RUC] = { "- - scj/2 scj/3 scj/4 scj/5", "scj/6 scj/7 scj/8 scj/9" },
	[PPP_RXJ_PLUS] = { "- - 2 3 4 5", "6 6 8 9" },
	[PPP_RXJ_MINUS] = { "- - tlf/2 tlf/3 tlf/2 tlf/3", "tlf/3 tlf/3 tlf/3 tld,irc,str/5" },
	[PPP_RXR] = { "- - 2 3 4 5", "6 7 8 ser/9" },
};

static const char *const action_names[] = { "tld", "irc", "zrc", "scr", "sca", "scn", "str", "sta",
	"scj", "ser", "tls", "tlu", "tlf" };

static unsigned int action_by_name(const char *name, size_t len)
{
	for (unsigned int i = 0; i < sizeof(action_names) / sizeof(action_names[0]); i++) {
		if (len == 3 && !memcmp(name, action_names[i], 3))
			return 1u << i;
	}
	fail_msg("no action %.*s", (int)len, name);
	return 0;
}

/* "irc,scr/6", "4" or "-". */
static void parse_cell(const char *text, unsigned int *actions, unsigned int *next)
{
	*actions = 0;
	*next = 0;
	if (!strcmp(text, "-")) {
		*actions = PPP_ILLEGAL;
		return;
	}
	if (strchr(text, '/')) {
		const char *end = strchr(text, '/');

		for (const char *p = text; p < end; p += 4)
			*actions |= action_by_name(p, 3);
		text = end + 1;
	}
	*next = (unsigned int)atoi(text);
}

static void expected_cell(
	unsigned int event, unsigned int state, unsigned int *actions, unsigned int *next)
{
	char row[200];
	char *save = NULL, *cell;

	snprintf(row, sizeof(row), "%s %s", table[event][0], table[event][1]);
	cell = strtok_r(row, " ", &save);
	while (state-- && cell)
		cell = strtok_r(NULL, " ", &save);
	assert_non_null(cell);
	parse_cell(cell, actions, next);
}

static unsigned int performed, states_seen;
static enum automaton_action order[16];
static unsigned int count;

static void act(void *user, enum automaton_action action)
{
	struct automaton *a = user;

	performed |= action;
	order[count++] = action;
	states_seen = a->state;
}

static const struct automaton_ops ops = { .action = act };

static void put(struct automaton *a, enum automaton_state state)
{
	automaton_init(a, &ops, a);
	a->state = state;
	a->restart_count = 5;
	a->deadline = 77;
	performed = count = 0;
}

static void every_cell_is_the_rfcs(void **unused)
{
	(void)unused;
	for (unsigned int event = 0; event < PPP_EVENT_COUNT; event++) {
		for (unsigned int state = 0; state < PPP_STATE_COUNT; state++) {
			unsigned int actions, next;

			expected_cell(event, state, &actions, &next);
			if (automaton_table[event][state].actions != actions ||
				automaton_table[event][state].next != next)
				fail_msg("event %u in state %u", event, state);
		}
	}
}

static void every_cell_is_done(void **unused)
{
	(void)unused;
	for (unsigned int event = 0; event < PPP_EVENT_COUNT; event++) {
		for (unsigned int state = 0; state < PPP_STATE_COUNT; state++) {
			unsigned int actions, next;
			struct automaton a;
			int err;

			expected_cell(event, state, &actions, &next);
			put(&a, state);
			err = automaton_event(&a, event, 1000);
			if (actions & PPP_ILLEGAL) {
				assert_int_equal(err, -EPROTO);
				assert_int_equal(a.state, state);
				assert_int_equal(performed, 0);
				assert_int_equal(a.deadline, 77);
				continue;
			}
			assert_int_equal(err, 0);
			assert_int_equal(a.state, next);
			/* irc and zrc are the automaton's own. */
			assert_int_equal(performed, actions & ~(unsigned int)(PPP_IRC | PPP_ZRC));
			for (unsigned int i = 1; i < count; i++)
				assert_true(order[i - 1] < order[i]);
			if (count)
				assert_int_equal(states_seen, next);
		}
	}
}

/* "Only scr, str and zrc start the timer; it stops on the way to a state where it does not run." */
static void timer_runs_where_the_table_has_timeouts(void **unused)
{
	(void)unused;
	for (unsigned int event = 0; event < PPP_EVENT_COUNT; event++) {
		for (unsigned int state = 0; state < PPP_STATE_COUNT; state++) {
			unsigned int actions, next, to, dummy;
			struct automaton a;

			expected_cell(event, state, &actions, &next);
			if (actions & PPP_ILLEGAL)
				continue;
			expected_cell(PPP_TO_PLUS, next, &to, &dummy);
			put(&a, state);
			automaton_event(&a, event, 1000);
			if (to & PPP_ILLEGAL)
				assert_true(a.deadline == UINT64_MAX);
			else if (actions & (PPP_SCR | PPP_STR | PPP_ZRC))
				assert_int_equal(a.deadline, 1000 + 3000000);
			else
				assert_int_equal(a.deadline, 77);
		}
	}
}

static void requests_are_sent_ten_times(void **unused)
{
	struct automaton a;
	uint64_t now = 1;
	unsigned int sent = 0;

	(void)unused;
	automaton_init(&a, &ops, &a);
	performed = count = 0;
	assert_int_equal(automaton_event(&a, PPP_OPEN, now), 0);
	assert_int_equal(automaton_event(&a, PPP_UP, now), 0);
	while (a.deadline != UINT64_MAX) {
		for (unsigned int i = 0; i < count; i++)
			sent += order[i] == PPP_SCR;
		count = performed = 0;
		automaton_tick(&a, a.deadline - 1);
		assert_int_equal(count, 0);
		now = a.deadline;
		automaton_tick(&a, now);
	}
	assert_int_equal(sent, 10);
	assert_int_equal(performed, PPP_TLF);
	assert_int_equal(a.state, PPP_STOPPED);
	assert_int_equal(now, 1 + 10 * 3000000);
}

static void terminate_is_sent_twice(void **unused)
{
	struct automaton a;
	unsigned int sent = 0;

	(void)unused;
	put(&a, PPP_OPENED);
	automaton_event(&a, PPP_CLOSE, 1);
	while (a.deadline != UINT64_MAX) {
		for (unsigned int i = 0; i < count; i++)
			sent += order[i] == PPP_STR;
		count = 0;
		automaton_tick(&a, a.deadline);
	}
	assert_int_equal(sent, 2);
	assert_int_equal(a.state, PPP_CLOSED);
}

/* zrc: after the peer's Terminate-Request one interval passes, without a packet. */
static void terminate_request_waits_once(void **unused)
{
	struct automaton a;

	(void)unused;
	put(&a, PPP_OPENED);
	automaton_event(&a, PPP_RTR, 1);
	assert_int_equal(a.state, PPP_STOPPING);
	count = performed = 0;
	automaton_tick(&a, a.deadline);
	assert_int_equal(performed, PPP_TLF);
	assert_int_equal(a.state, PPP_STOPPED);
}

static void states_have_names(void **unused)
{
	(void)unused;
	assert_string_equal(automaton_state_name(PPP_REQ_SENT), "Req-Sent");
	assert_string_equal(automaton_state_name(PPP_OPENED), "Opened");
	assert_string_equal(automaton_state_name((enum automaton_state)99), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_cell_is_the_rfcs),
		cmocka_unit_test(every_cell_is_done),
		cmocka_unit_test(timer_runs_where_the_table_has_timeouts),
		cmocka_unit_test(requests_are_sent_ten_times),
		cmocka_unit_test(terminate_is_sent_twice),
		cmocka_unit_test(terminate_request_waits_once),
		cmocka_unit_test(states_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
