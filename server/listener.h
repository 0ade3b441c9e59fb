/*
 * A listening TCP socket in the event loop.
 *
 * Not uv_listen(): when accept(2) fails for want of descriptors, libuv either closes everybody who
 * waits (by a descriptor that it keeps in reserve) or, for want of memory, calls back for ever in
 * one turn of the loop. Here the socket is left alone for a while instead, which grows from 50 ms
 * to 1 s: those who hold connections are served, those who wait in the backlog keep their place,
 * and nothing spins. And accepted addresses are known before anything is allocated for them.
 */
#pragma once

#include "system/tun.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct listener_ops {
	/* A connection: `fd` (not blocking) is the callee's. */
	void (*accepted)(void *user, int fd, struct in_addr from);
	/* accept(2) failed for want of descriptors or memory: accepting pauses. Whoever can give
	 * something back should. */
	void (*exhausted)(void *user, int error);
};

struct listener {
	uv_poll_t poll;
	uv_timer_t retry;
	const struct listener_ops *ops;
	void *user;
	int fd;             /* -1: not open */
	unsigned int pause; /* ms, of the next pause */
	bool paused;
};

/* 0, or -1 with *why (nothing is open then). */
int listener_open(struct listener *l, uv_loop_t *loop, const struct sockaddr_in *address,
	unsigned int backlog, const struct listener_ops *ops, void *user, char *why);
/* Again: nothing. The struct must stay until the loop has run once more. */
void listener_close(struct listener *l);
