/*
 * Deadlines of many sessions: a wheel of 128 slots of 1 ms. Setting, removing and finding the next
 * are O(1).
 *
 * Lazy: an entry that is set already stays where it is when its deadline moves away (an
 * acknowledgement that rode on data), and moves only when the deadline comes nearer; the owner asks
 * for the true deadline when the entry comes out and sets it anew. Deadlines further away than the
 * wheel reaches come out early, in the same way.
 */
#pragma once

#include <stdint.h>

#define WHEEL_SLOTS                                                                                \
	128 /* ms; further away are only the time-outs of windows that are kept, and their queues */

struct wheel_entry {
	struct wheel_entry *next, **prev; /* prev NULL: not set */
	uint64_t due;                     /* ms */
};

struct wheel {
	uint64_t done;                   /* ms: all before and at it came out */
	uint64_t used[WHEEL_SLOTS / 64]; /* bit per slot */
	struct wheel_entry *slots[WHEEL_SLOTS];
};

/* Times in us, of any monotonic clock. */
void wheel_init(struct wheel *w, uint64_t now);

/* The entry comes out at `deadline` or up to 1 ms later; UINT64_MAX: nothing to do (an entry that
 * is set stays). */
void wheel_set(struct wheel *w, struct wheel_entry *e, uint64_t deadline);
void wheel_remove(struct wheel *w, struct wheel_entry *e);

/* Takes one entry that is due, NULL if there is none. To be called until then, or again soon. */
struct wheel_entry *wheel_expired(struct wheel *w, uint64_t now);

/* When the next entry is due, us; UINT64_MAX never. */
uint64_t wheel_next(const struct wheel *w);
