/*
 * A ring of octets between two threads: see handover.h. Records are contiguous and begin at whole cache
 * lines, so that the two threads never write the same one; what is left at the ring's end is filled by a
 * record of no octets.
 *
 * Invariant: read <= read_at <= limit <= written <= write_at <= read + HANDOVER_SIZE, all multiples of
 * LINE.
 */
#include "dataplane/handover.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#define LINE 64u

static_assert(sizeof(struct handover_record) <= LINE, "the filler fits wherever anything is left");
static_assert((HANDOVER_SIZE & (HANDOVER_SIZE - 1)) == 0, "positions count on through overflow");

int handover_init(struct handover *h)
{
	memset(h, 0, sizeof(*h));
	/* Pages that come into being when they are used. */
	h->octets = mmap(NULL, HANDOVER_SIZE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (h->octets == MAP_FAILED) {
		h->octets = NULL;
		return -ENOMEM;
	}
	return 0;
}

void handover_done(struct handover *h)
{
	if (h->octets)
		munmap(h->octets, HANDOVER_SIZE);
	h->octets = NULL;
}

static struct handover_record *record_at(const struct handover *h, size_t at)
{
	return (struct handover_record *)(void *)(h->octets + at % HANDOVER_SIZE);
}

static size_t room(struct handover *h, size_t wanted)
{
	size_t room = HANDOVER_SIZE - (h->write_at - h->freed);

	if (room >= wanted)
		return room;
	h->freed = atomic_load_explicit(&h->read, memory_order_acquire);
	return HANDOVER_SIZE - (h->write_at - h->freed);
}

int handover_put(struct handover *h, enum handover_kind kind, const struct vnet *vnet,
	const uint8_t *data, uint32_t len)
{
	size_t size = (sizeof(struct handover_record) + len + LINE - 1) / LINE * LINE;
	size_t left = HANDOVER_SIZE - h->write_at % HANDOVER_SIZE;
	struct handover_record *r;

	assert(len > 0 && size <= HANDOVER_SIZE / 2);
	if (room(h, size > left ? left + size : size) < (size > left ? left + size : size))
		return -ENOBUFS;
	if (size > left) {
		r = record_at(h, h->write_at);
		r->size = (uint32_t)left;
		r->len = 0;
		h->write_at += left;
	}
	r = record_at(h, h->write_at);
	r->size = (uint32_t)size;
	r->len = len;
	r->kind = (uint8_t)kind;
	r->vnet = *vnet;
	memcpy(r + 1, data, len);
	h->write_at += size;
	return 0;
}

void handover_publish(struct handover *h)
{
	atomic_store_explicit(&h->written, h->write_at, memory_order_release);
}

const struct handover_record *handover_peek(struct handover *h, const uint8_t **data)
{
	for (;;) {
		const struct handover_record *r;

		if (h->read_at == h->limit) {
			h->limit = atomic_load_explicit(&h->written, memory_order_acquire);
			if (h->read_at == h->limit)
				return NULL;
		}
		r = record_at(h, h->read_at);
		if (r->len) {
			*data = (const uint8_t *)(r + 1);
			return r;
		}
		handover_next(h);
	}
}

void handover_next(struct handover *h)
{
	h->read_at += record_at(h, h->read_at)->size;
	atomic_store_explicit(&h->read, h->read_at, memory_order_release);
}
