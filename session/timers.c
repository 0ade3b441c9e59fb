/*
 * Deadlines on one timer: see timers.h.
 *
 * Invariants: `first` is the root, no entry is due before its parent; an entry that is set and is not the
 * root has `prev`. The handle runs at the root's time or before.
 */
#include "session/timers.h"

#include "system/clock.h"

/* In one turn of the loop; the others come in the next, so that packets and signals have theirs. */
#define BATCH 1024

static struct timers_entry *meld(struct timers_entry *a, struct timers_entry *b)
{
	struct timers_entry *above = b->due < a->due ? b : a;
	struct timers_entry *below = above == a ? b : a;

	below->next = above->child;
	if (below->next)
		below->next->prev = below;
	below->prev = above;
	above->child = below;
	above->next = above->prev = NULL;
	return above;
}

/* One of a list of siblings, or NULL: first each two from the left, then all of those from the right. */
static struct timers_entry *meld_all(struct timers_entry *list)
{
	struct timers_entry *pairs = NULL, *all = NULL;

	while (list) {
		struct timers_entry *a = list, *b = a->next;

		list = b ? b->next : NULL;
		a->next = a->prev = NULL;
		if (b) {
			b->next = b->prev = NULL;
			a = meld(a, b);
		}
		a->next = pairs;
		pairs = a;
	}
	while (pairs) {
		struct timers_entry *next = pairs->next;

		pairs->next = NULL;
		all = all ? meld(all, pairs) : pairs;
		pairs = next;
	}
	return all;
}

bool timers_is_set(const struct timers *t, const struct timers_entry *e)
{
	return e == t->first || e->prev;
}

static void take_out(struct timers *t, struct timers_entry *e)
{
	struct timers_entry *rest = meld_all(e->child);

	if (e == t->first) {
		t->first = rest;
	} else {
		if (e->prev->child == e)
			e->prev->child = e->next;
		else
			e->prev->next = e->next;
		if (e->next)
			e->next->prev = e->prev;
		if (rest)
			t->first = meld(t->first, rest);
	}
	e->child = e->next = e->prev = NULL;
}

static void on_timer(uv_timer_t *handle);

/* In `least` ms or later. It may fire too early: who takes a deadline back does not pay for that. */
static void arm(struct timers *t, uint64_t least)
{
	uint64_t due = t->first ? t->first->due : UINT64_MAX, now, ms;

	if (due == UINT64_MAX) {
		t->armed = due;
		uv_timer_stop(&t->handle);
		return;
	}
	if (t->armed <= due)
		return;
	now = clock_now();
	t->armed = due;
	ms = due > now ? (due - now + 999) / 1000 : 0;
	uv_timer_start(&t->handle, on_timer, ms > least ? ms : least, 0);
}

static void on_timer(uv_timer_t *handle)
{
	struct timers *t = (struct timers *)handle;
	uint64_t now = clock_now();

	t->armed = UINT64_MAX;
	for (unsigned int i = 0; i < BATCH && t->first && t->first->due <= now; i++) {
		struct timers_entry *e = t->first;

		take_out(t, e);
		t->armed = 0; /* once, when all is done, not for each */
		e->expired(e);
	}
	t->armed = UINT64_MAX;
	/* With 0, libuv would call this again and again, and nothing else. */
	arm(t, 1);
}

void timers_init(struct timers *t, uv_loop_t *loop)
{
	uv_timer_init(loop, &t->handle);
	t->first = NULL;
	t->armed = UINT64_MAX;
}

void timers_done(struct timers *t, uv_close_cb closed)
{
	uv_close((uv_handle_t *)&t->handle, closed);
}

void timers_set(struct timers *t, struct timers_entry *e, uint64_t due)
{
	bool firing = t->armed == 0;

	if (timers_is_set(t, e)) {
		if (e->due == due)
			return;
		take_out(t, e);
	}
	if (due != UINT64_MAX) {
		e->due = due;
		e->child = e->next = e->prev = NULL;
		t->first = t->first ? meld(t->first, e) : e;
	}
	if (!firing)
		arm(t, 0);
}
