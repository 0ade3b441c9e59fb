/*
 * The tunnel's own device and the machine's routes, as the kernel tells of them (rtnetlink): what takes
 * the tunnel's routes away behind our back. A device that goes down loses its routes for good; the route
 * by which the tunnel's packets leave the machine goes with the interface that it led through.
 *
 * Control thread only.
 */
#pragma once

#include <stdbool.h>
#include <uv.h>

struct devwatch;

struct devwatch_ops {
	/* It was down, and is up again: its routes are gone, and its IPv6 addresses; or it only may have
	 * been, and they are there. */
	void (*up)(void *user);
	/* It was removed, or moved to another network namespace. Again whenever another device is removed, until
	 * there is one to follow: what kept a new one from being made may be gone. */
	void (*gone)(void *user);
	/* Routes, rules or addresses of this machine have changed; not more often than each 50 ms. NULL:
	 * they do not matter. */
	void (*routes)(void *user);
};

/*
 * Follows the device `dev`, which exists. NULL: it cannot be followed, which is in the log. The callbacks
 * come from the loop, and may close it. It does not keep the loop alive.
 */
struct devwatch *devwatch_open(
	uv_loop_t *loop, const char *dev, const struct devwatch_ops *ops, void *user);
/* There is a new one of that name, in the place of the one that is gone. */
void devwatch_follow(struct devwatch *w, const char *dev);
/* Nothing is told any more; it frees itself in the loop. NULL is fine. */
void devwatch_close(struct devwatch *w);
