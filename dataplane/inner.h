/*
 * The inner side's descriptor: a TUN device, with offloads or without, or a socket of one packet a
 * read. Batches of packets and super-packets in; out, one write for all packets of a flow that a
 * turn has.
 *
 * A write that fails (no such device any more, device down, no memory) drops its packets, counted;
 * nothing here is fatal but a read that can never succeed again.
 */
#pragma once

#include "dataplane/coalesce.h"
#include "dataplane/dataplane.h"
#include "dataplane/pool.h"

#define INNER_BATCH                                                                                \
	64 /* packets that one turn takes; super-packets count as what they are cut into */
/*
 * The device is read until it is empty, and what a turn does not take waits here, in order: a device
 * says nothing of what is in its queue, a window of TCP may be, and all who come behind would wait
 * for it. So a packet of a flow that has nothing waiting overtakes, and the flow stays in order.
 */
#define INNER_QUEUE  512                        /* packets; a power of two */
#define INNER_BLOCKS 32                         /* of them super-packets; a power of two */
#define INNER_LANE   16                         /* packets of one turn that overtake */
#define INNER_TURN   (INNER_LANE + INNER_BATCH) /* all of one turn */
#define INNER_FLOWS  256 /* flows share these places: who meets another one waits */

struct inner_packet {
	struct packet *slot; /* what it is in; NULL: in a block, for it is too large for a slot */
	uint8_t *data;
	uint32_t len;
	struct vnet vnet; /* without offloads: a lone packet's */
	bool handed;      /* by another worker */
	bool in_block;    /* it has one, wherever it is now */
	uint8_t flow;     /* its place, while it waits */
};

struct inner {
	int fd;
	struct vnet_offload offload;
	struct pool *pool;
	struct dp_stats *stats;
	unsigned int count, segments; /* of `batch`, of this turn; what they come to */
	unsigned int lane;            /* of `batch`: the first ones, who have overtaken */
	struct inner_packet batch[INNER_TURN];
	unsigned int head, tail;              /* of `queue`: any numbers, modulo its size */
	unsigned int first_block, next_block; /* of `blocks`, likewise: those in use */
	struct inner_packet queue[INNER_QUEUE];
	uint16_t waiting[INNER_FLOWS]; /* packets of each place in `queue` */
	struct coalescer out;
	uint8_t blocks[INNER_BLOCKS][65536];
};

/* `pool` and `stats` are the worker's. */
void inner_init(struct inner *in, int fd, const struct vnet_offload *offload, struct pool *pool,
	struct dp_stats *stats);

/*
 * Reads what is there, as far as there is room: to `queue`, or as one that overtakes to `batch`.
 * -errno if it cannot be read any more.
 */
int inner_read(struct inner *in);
/*
 * One that another worker has read (copied), likewise. False: there is no room now. Without a slot it is
 * dropped, and counted.
 */
bool inner_take(struct inner *in, const struct vnet *vnet, const uint8_t *data, uint32_t len);
/* Behind those who overtake, a batch of those who wait. */
void inner_pick(struct inner *in);
/* Is there more for another turn? */
static inline bool inner_waits(const struct inner *in)
{
	return in->head != in->tail || in->count;
}
/* Done with the batch: slots that are still there go back. */
void inner_done(struct inner *in);

/* An IP packet of our own, at once. 0, or a negative errno. */
int inner_write(struct inner *in, uint8_t *data, size_t len);

/*
 * An IP packet (data/len) for the inner side; takes the slot over. It goes out with inner_flush(),
 * or before, if there is nothing that could join it.
 */
void inner_add(struct inner *in, struct packet *p);
/* At the end of a batch. */
void inner_flush(struct inner *in);
