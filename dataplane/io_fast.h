/*
 * The fast path of GRE packets, past the kernel's IP layer (and its firewall): Ethernet frames by a
 * packet socket (out), or by AF_XDP (in and out). It belongs to one worker and takes only what it can
 * (io_send_add(), dataplane/frame.h); everything else, and what it fails at, goes by the raw socket,
 * which always stays, as does what comes that nobody redirects.
 *
 * What is set up here by the control thread is constant for the worker, and is ended after it.
 */
#pragma once

#include "dataplane/frame.h"
#include "dataplane/xsk.h"

#define IO_FAST_QUEUES 16

enum io_fast_kind { IO_FAST_PACKET, IO_FAST_XDP };

struct io_fast {
	enum io_fast_kind kind;
	int packet_fd;                   /* bound to the device, receives nothing; -1: none */
	struct xsk *xsk[IO_FAST_QUEUES]; /* of the device's queues; sent is by the first */
	unsigned int queues;
	struct frame_style style;
	int epoll;     /* the worker's */
	uint32_t mark; /* of events there */
};

/*
 * From now on the epoll descriptor tells, by events with `mark` as their data, when something has come. (One
 * of our own in that one would cost the kernel a wake-up of both for each frame.) 0, or a negative errno.
 */
int io_fast_watch(struct io_fast *f, int epoll, uint32_t mark);
/* Closes packet_fd and xsk[]. */
void io_fast_done(struct io_fast *f);

/* Shall it tell, too, when there is room to send again? */
void io_fast_want_write(struct io_fast *f, bool on);

/*
 * One batch of received frames into the slots that are armed, up to `max` of them, each from its IPv4
 * header on: see io_receive(). How many; *more: there are more.
 */
unsigned int io_fast_receive(struct io_fast *f, uint8_t *const slots[], size_t room, size_t lens[],
	unsigned int max, bool *more);
