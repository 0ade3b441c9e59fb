/* The wheel of deadlines: see wheel.h. Invariant: every entry's `due` is in (done, done +
 * WHEEL_SLOTS). */
#include "dataplane/wheel.h"

#include <stddef.h>
#include <string.h>

void wheel_init(struct wheel *w, uint64_t now)
{
	memset(w, 0, sizeof(*w));
	w->done = now / 1000;
}

static void entry_link(struct wheel *w, struct wheel_entry *e, uint64_t due)
{
	unsigned int slot = due % WHEEL_SLOTS;

	e->due = due;
	e->next = w->slots[slot];
	e->prev = &w->slots[slot];
	if (e->next)
		e->next->prev = &e->next;
	w->slots[slot] = e;
	w->used[slot / 64] |= (uint64_t)1 << slot % 64;
}

void wheel_remove(struct wheel *w, struct wheel_entry *e)
{
	unsigned int slot = e->due % WHEEL_SLOTS;

	if (!e->prev)
		return;
	*e->prev = e->next;
	if (e->next)
		e->next->prev = e->prev;
	e->prev = NULL;
	if (!w->slots[slot])
		w->used[slot / 64] &= ~((uint64_t)1 << slot % 64);
}

void wheel_set(struct wheel *w, struct wheel_entry *e, uint64_t deadline)
{
	uint64_t due;

	if (deadline == UINT64_MAX)
		return;
	due = deadline / 1000 + (deadline % 1000 != 0);
	if (due <= w->done)
		due = w->done + 1;
	else if (due - w->done >= WHEEL_SLOTS)
		due = w->done + WHEEL_SLOTS - 1;
	if (e->prev) {
		if (e->due <= due)
			return;
		wheel_remove(w, e);
	}
	entry_link(w, e, due);
}

/* The `due` of the first slot in use behind `done`; UINT64_MAX if all are empty. */
static uint64_t first_due(const struct wheel *w)
{
	const unsigned int words = WHEEL_SLOTS / 64;
	unsigned int start = (w->done + 1) % WHEEL_SLOTS;

	/* The word of `start` is looked at twice: first from `start` on, last what is before it. */
	for (unsigned int i = 0; i <= words; i++) {
		unsigned int word = (start / 64 + i) % words;
		uint64_t bits = w->used[word];

		if (i == 0)
			bits &= UINT64_MAX << start % 64;
		else if (i == words)
			bits &= ~(UINT64_MAX << start % 64);
		if (bits) {
			unsigned int slot = word * 64 + (unsigned int)__builtin_ctzll(bits);

			return w->slots[slot]->due;
		}
	}
	return UINT64_MAX;
}

struct wheel_entry *wheel_expired(struct wheel *w, uint64_t now)
{
	uint64_t now_ms = now / 1000, due = first_due(w);
	struct wheel_entry *e;

	if (due > now_ms) {
		if (w->done < now_ms)
			w->done = now_ms;
		return NULL;
	}
	w->done = due - 1;
	e = w->slots[due % WHEEL_SLOTS];
	wheel_remove(w, e);
	return e;
}

uint64_t wheel_next(const struct wheel *w)
{
	uint64_t due = first_due(w);

	return due == UINT64_MAX ? due : due * 1000;
}
