/*
 * Deadlines of many sessions and connections on one timer of the event loop: libuv's own takes 152 octets
 * each, and closing it another turn. A pairing heap: setting is O(1), removing and the next one O(log n),
 * amortized. Control thread only.
 *
 * An entry is the caller's storage; zeroed, it is not set. It fires once, from the loop, never inside
 * timers_set().
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct timers_entry {
	struct timers_entry *child, *next, *prev; /* prev: the sibling before, or the parent */
	uint64_t due;                             /* us, of clock_now(), if set */
	void (*expired)(struct timers_entry *e);
};

struct timers {
	uv_timer_t handle;
	struct timers_entry *first;
	uint64_t armed; /* when the handle fires, us; UINT64_MAX: it does not */
};

void timers_init(struct timers *t, uv_loop_t *loop);
/* No entry may be set any more. `closed` (may be NULL) as uv_close()'s, its handle's data is as the caller
 * has set it. */
void timers_done(struct timers *t, uv_close_cb closed);

/* Calls e->expired(e) at `due` or up to 1 ms later; 0: soon, but not before the callback that runs has
 * returned; UINT64_MAX: not at all. Takes the place of what was set before. */
void timers_set(struct timers *t, struct timers_entry *e, uint64_t due);
bool timers_is_set(const struct timers *t, const struct timers_entry *e);
