/*
 * What one worker hands to another: packets, copied into a ring of octets that one thread writes and one
 * other reads, without locks. Copied, because so the slots of a pool never leave their thread, nothing has to
 * come back, and a super-packet of 64 KB is one record; the other core has to fetch the octets anyway.
 *
 * Bounded: what does not fit is refused. Order stays. Records are published in batches: the reader sees
 * nothing before handover_publish(). There is one ring for each ordered pair of workers; its memory costs
 * nothing until it is used.
 */
#pragma once

#include "dataplane/vnet.h"

#include <stdalign.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define HANDOVER_SIZE (512u * 1024) /* octets: seven of the largest super-packets, or 340 packets */

enum handover_kind {
	HANDOVER_INNER, /* from the inner side, for the session of its address */
	HANDOVER_GRE,   /* from the GRE socket, with its IPv4 header */
};

struct handover_record {
	uint32_t size; /* in the ring, this included */
	uint32_t len;  /* octets that follow; a record without any fills the ring's end */
	uint8_t kind;  /* enum handover_kind */
	struct vnet vnet;
};

struct handover {
	uint8_t *octets;
	/* The writer's. */
	alignas(64) atomic_size_t written; /* published; counts on, and is used modulo the size */
	size_t write_at, freed;            /* not yet published; `read` as it was last seen */
	/* The reader's. */
	alignas(64) atomic_size_t read;
	size_t read_at, limit; /* `written` as it was last seen */
};

/* -ENOMEM. */
int handover_init(struct handover *h);
void handover_done(struct handover *h);

/* Writer: a copy of `data`, up to 65,536 octets and not none. -ENOBUFS if there is no room. */
int handover_put(struct handover *h, enum handover_kind kind, const struct vnet *vnet,
	const uint8_t *data, uint32_t len);
/* Writer: lets the reader see what was put. */
void handover_publish(struct handover *h);

/* Reader: the oldest record, or NULL; its octets at *data. It stays until handover_next(). */
const struct handover_record *handover_peek(struct handover *h, const uint8_t **data);
/* Reader: done with that record. */
void handover_next(struct handover *h);
