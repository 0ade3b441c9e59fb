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
 * Octets of the super-packets that one turn takes. The last begins while there is room for the
 * largest.
 */
#define INNER_ARENA (3u * 65536)

struct inner_packet {
	struct packet *slot; /* what it is in; NULL: in the arena, for it is too large for a slot */
	uint8_t *data;
	uint32_t len;
	struct vnet vnet; /* without offloads: a lone packet's */
	bool handed;      /* by another worker */
};

struct inner {
	int fd;
	struct vnet_offload offload;
	struct pool *pool;
	struct dp_stats *stats;
	unsigned int count, segments; /* of `batch`; what they come to */
	size_t arena_used;
	struct inner_packet batch[INNER_BATCH];
	struct coalescer out;
	uint8_t arena[INNER_ARENA];
};

/* `pool` and `stats` are the worker's. */
void inner_init(struct inner *in, int fd, const struct vnet_offload *offload, struct pool *pool,
	struct dp_stats *stats);

/*
 * Reads one batch, or what is there of it, behind what is in `batch`. -errno if it cannot be read
 * any more.
 */
int inner_read(struct inner *in);
/*
 * One that another worker has read (copied), behind what is in `batch`. False: no room in this one. Without
 * a slot it is dropped, and counted.
 */
bool inner_take(struct inner *in, const struct vnet *vnet, const uint8_t *data, uint32_t len);
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
