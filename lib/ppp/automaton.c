/*
 * The option negotiation automaton: RFC 1661 section 4, table of section 4.1.
 *
 * Invariants: the Restart timer runs exactly in the states Closing to Ack-Sent; a state is entered
 * before its actions are performed, so that the owner's callbacks see the new one; an illegal event
 * changes nothing.
 */
#include "lib/ppp/automaton.h"

#include <errno.h>

#define NO                                                                                         \
	{                                                                                          \
		PPP_ILLEGAL, 0                                                                     \
	}
#define IR PPP_IRC
#define CELL(actions, next)                                                                        \
	{                                                                                          \
		(actions), (next)                                                                  \
	}

/* One event a row; the columns are the states 0 to 9, as in section 4.1. */
const struct automaton_cell automaton_table[PPP_EVENT_COUNT][PPP_STATE_COUNT] = {
	/* clang-format off */
	[PPP_UP] = {
		CELL(0, 2), CELL(IR | PPP_SCR, 6), NO, NO, NO, NO, NO, NO, NO, NO },
	[PPP_DOWN] = {
		NO, NO, CELL(0, 0), CELL(PPP_TLS, 1), CELL(0, 0), CELL(0, 1),
		CELL(0, 1), CELL(0, 1), CELL(0, 1), CELL(PPP_TLD, 1) },
	[PPP_OPEN] = {
		CELL(PPP_TLS, 1), CELL(0, 1), CELL(IR | PPP_SCR, 6), CELL(0, 3), CELL(0, 5), CELL(0, 5),
		CELL(0, 6), CELL(0, 7), CELL(0, 8), CELL(0, 9) },
	[PPP_CLOSE] = {
		CELL(0, 0), CELL(PPP_TLF, 0), CELL(0, 2), CELL(0, 2), CELL(0, 4), CELL(0, 4),
		CELL(IR | PPP_STR, 4), CELL(IR | PPP_STR, 4), CELL(IR | PPP_STR, 4),
		CELL(PPP_TLD | IR | PPP_STR, 4) },
	[PPP_TO_PLUS] = {
		NO, NO, NO, NO, CELL(PPP_STR, 4), CELL(PPP_STR, 5),
		CELL(PPP_SCR, 6), CELL(PPP_SCR, 6), CELL(PPP_SCR, 8), NO },
	[PPP_TO_MINUS] = {
		NO, NO, NO, NO, CELL(PPP_TLF, 2), CELL(PPP_TLF, 3),
		CELL(PPP_TLF, 3), CELL(PPP_TLF, 3), CELL(PPP_TLF, 3), NO },
	[PPP_RCR_PLUS] = {
		NO, NO, CELL(PPP_STA, 2), CELL(IR | PPP_SCR | PPP_SCA, 8), CELL(0, 4), CELL(0, 5),
		CELL(PPP_SCA, 8), CELL(PPP_SCA | PPP_TLU, 9), CELL(PPP_SCA, 8),
		CELL(PPP_TLD | PPP_SCR | PPP_SCA, 8) },
	[PPP_RCR_MINUS] = {
		NO, NO, CELL(PPP_STA, 2), CELL(IR | PPP_SCR | PPP_SCN, 6), CELL(0, 4), CELL(0, 5),
		CELL(PPP_SCN, 6), CELL(PPP_SCN, 7), CELL(PPP_SCN, 6),
		CELL(PPP_TLD | PPP_SCR | PPP_SCN, 6) },
	[PPP_RCA] = {
		NO, NO, CELL(PPP_STA, 2), CELL(PPP_STA, 3), CELL(0, 4), CELL(0, 5),
		CELL(IR, 7), CELL(PPP_SCR, 6), CELL(IR | PPP_TLU, 9), CELL(PPP_TLD | PPP_SCR, 6) },
	[PPP_RCN] = {
		NO, NO, CELL(PPP_STA, 2), CELL(PPP_STA, 3), CELL(0, 4), CELL(0, 5),
		CELL(IR | PPP_SCR, 6), CELL(PPP_SCR, 6), CELL(IR | PPP_SCR, 8),
		CELL(PPP_TLD | PPP_SCR, 6) },
	[PPP_RTR] = {
		NO, NO, CELL(PPP_STA, 2), CELL(PPP_STA, 3), CELL(PPP_STA, 4), CELL(PPP_STA, 5),
		CELL(PPP_STA, 6), CELL(PPP_STA, 6), CELL(PPP_STA, 6),
		CELL(PPP_TLD | PPP_ZRC | PPP_STA, 5) },
	[PPP_RTA] = {
		NO, NO, CELL(0, 2), CELL(0, 3), CELL(PPP_TLF, 2), CELL(PPP_TLF, 3),
		CELL(0, 6), CELL(0, 6), CELL(0, 8), CELL(PPP_TLD | PPP_SCR, 6) },
	[PPP_RUC] = {
		NO, NO, CELL(PPP_SCJ, 2), CELL(PPP_SCJ, 3), CELL(PPP_SCJ, 4), CELL(PPP_SCJ, 5),
		CELL(PPP_SCJ, 6), CELL(PPP_SCJ, 7), CELL(PPP_SCJ, 8), CELL(PPP_SCJ, 9) },
	[PPP_RXJ_PLUS] = {
		NO, NO, CELL(0, 2), CELL(0, 3), CELL(0, 4), CELL(0, 5),
		CELL(0, 6), CELL(0, 6), CELL(0, 8), CELL(0, 9) },
	[PPP_RXJ_MINUS] = {
		NO, NO, CELL(PPP_TLF, 2), CELL(PPP_TLF, 3), CELL(PPP_TLF, 2), CELL(PPP_TLF, 3),
		CELL(PPP_TLF, 3), CELL(PPP_TLF, 3), CELL(PPP_TLF, 3), CELL(PPP_TLD | IR | PPP_STR, 5) },
	[PPP_RXR] = {
		NO, NO, CELL(0, 2), CELL(0, 3), CELL(0, 4), CELL(0, 5),
		CELL(0, 6), CELL(0, 7), CELL(0, 8), CELL(PPP_SER, 9) },
	/* clang-format on */
};

static bool timer_runs_in(enum automaton_state state)
{
	return state >= PPP_CLOSING && state <= PPP_ACK_SENT;
}

void automaton_init(struct automaton *a, const struct automaton_ops *ops, void *user)
{
	*a = (struct automaton){
		.state = PPP_INITIAL,
		.ops = ops,
		.user = user,
		.max_configure = 10,
		.max_terminate = 2,
		.restart_interval = 3000000,
		.deadline = UINT64_MAX,
	};
}

/* Section 4.4: only Send-Configure-Request, Send-Terminate-Request and Zero-Restart-Count start the
 * timer. */
static void perform(struct automaton *a, enum automaton_action action, unsigned int actions)
{
	switch (action) {
	case PPP_IRC:
		a->restart_count = actions & PPP_STR ? a->max_terminate : a->max_configure;
		return;
	case PPP_ZRC:
		a->restart_count = 0;
		a->deadline = a->now + a->restart_interval;
		return;
	case PPP_SCR:
	case PPP_STR:
		if (a->restart_count > 0)
			a->restart_count--;
		a->ops->action(a->user, action);
		/* After the callback, in which the owner may choose another interval. */
		a->deadline = a->now + a->restart_interval;
		return;
	default:
		a->ops->action(a->user, action);
		return;
	}
}

int automaton_event(struct automaton *a, enum automaton_event event, uint64_t now)
{
	struct automaton_cell cell = automaton_table[event][a->state];

	if (cell.actions & PPP_ILLEGAL)
		return -EPROTO;

	a->now = now;
	a->state = cell.next;
	if (!timer_runs_in(a->state))
		a->deadline = UINT64_MAX;
	for (unsigned int action = PPP_TLD; action <= PPP_TLF; action <<= 1) {
		if (cell.actions & action)
			perform(a, (enum automaton_action)action, cell.actions);
	}
	return 0;
}

void automaton_tick(struct automaton *a, uint64_t now)
{
	if (now < a->deadline)
		return;
	automaton_event(a, a->restart_count > 0 ? PPP_TO_PLUS : PPP_TO_MINUS, now);
}

const char *automaton_state_name(enum automaton_state state)
{
	static const char *const names[PPP_STATE_COUNT] = {
		"Initial",
		"Starting",
		"Closed",
		"Stopped",
		"Closing",
		"Stopping",
		"Req-Sent",
		"Ack-Rcvd",
		"Ack-Sent",
		"Opened",
	};

	return (unsigned int)state < PPP_STATE_COUNT ? names[state] : "unknown";
}
