/*
 * lib/ppp/automaton: any events at any time. The timer runs exactly in the states that wait for it,
 * it comes to an end, and an illegal event changes nothing.
 */
#include "lib/ppp/automaton.h"

#include "fuzz/fuzz.h"

#include <errno.h>

struct end {
	struct automaton a;
	unsigned int requests; /* sent since the last event other than a time-out */
	bool up;
};

static void act(void *user, enum automaton_action action)
{
	struct end *e = user;

	if (action == PPP_SCR || action == PPP_STR)
		e->requests++;
	if (action == PPP_TLU) {
		FUZZ_CHECK(!e->up && e->a.state == PPP_OPENED);
		e->up = true;
	}
	if (action == PPP_TLD) {
		FUZZ_CHECK(e->up && e->a.state != PPP_OPENED);
		e->up = false;
	}
}

static void check(const struct end *e)
{
	bool waits = e->a.state >= PPP_CLOSING && e->a.state <= PPP_ACK_SENT;

	FUZZ_CHECK(e->a.state < PPP_STATE_COUNT && automaton_state_name(e->a.state)[0]);
	FUZZ_CHECK(waits == (e->a.deadline != UINT64_MAX));
	FUZZ_CHECK(e->up == (e->a.state == PPP_OPENED));
}

static void event(struct end *e, enum automaton_event event, uint64_t now)
{
	struct automaton before = e->a;
	int rc;

	e->requests = 0;
	rc = automaton_event(&e->a, event, now);
	if (rc) {
		FUZZ_CHECK(rc == -EPROTO);
		FUZZ_CHECK(automaton_table[event][before.state].actions & PPP_ILLEGAL);
		FUZZ_CHECK(e->a.state == before.state && e->a.deadline == before.deadline);
		FUZZ_CHECK(e->a.restart_count == before.restart_count && !e->requests);
	} else {
		FUZZ_CHECK(e->a.state == automaton_table[event][before.state].next);
	}
}

/* Silence: the timer runs out until the automaton rests. */
static void expire(struct end *e, struct fuzz *f)
{
	unsigned int turns = 0;

	e->requests = 0;
	while (e->a.deadline != UINT64_MAX) {
		fuzz_pass_to(f, e->a.deadline);
		automaton_tick(&e->a, f->now);
		check(e);
		FUZZ_CHECK(e->a.deadline > f->now);
		FUZZ_CHECK(++turns <= 1u + e->a.max_configure + e->a.max_terminate);
	}
	FUZZ_CHECK(e->requests <= e->a.max_configure);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct automaton_ops ops = { .action = act };
	struct fuzz f = fuzz_begin(data, size);
	struct end e = { .requests = 0 };

	automaton_init(&e.a, &ops, &e);
	while (fuzz_more(&f)) {
		uint8_t what = fuzz_u8(&f);

		if (what < 0xc0) {
			event(&e, what % PPP_EVENT_COUNT, f.now);
		} else if (what < 0xf0) {
			fuzz_pass(&f);
			automaton_tick(&e.a, f.now);
		} else {
			expire(&e, &f);
		}
		check(&e);
	}
	expire(&e, &f);
	return 0;
}
