/*
 * AF_XDP sockets: see xsk.h. Four rings that are shared with the kernel (fill and receive, transmit
 * and completion); of each ring one end has an index to advance, with release, and reads the other's
 * with acquire.
 */
#include "dataplane/xsk.h"

#include <errno.h>
#include <linux/if_xdp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef AF_XDP
#define AF_XDP 44
#endif
#ifndef SOL_XDP
#define SOL_XDP 283
#endif

#define FRAMES (XSK_RX_FRAMES + XSK_TX_FRAMES)

struct ring {
	void *map;
	size_t map_len;
	uint32_t *producer, *consumer, *flags;
	void *entries;
	uint32_t mask;
};

struct xsk {
	int fd;
	uint8_t *umem;
	struct ring fill, rx, tx, done;
	uint32_t
		put; /* of tx: where the next goes; what is before is the kernel's after xsk_send() */
	uint32_t free_count;
	uint64_t free[XSK_TX_FRAMES]; /* addresses of frames for sending */
};

static uint32_t load(const uint32_t *p)
{
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

static void store(uint32_t *p, uint32_t v)
{
	__atomic_store_n(p, v, __ATOMIC_RELEASE);
}

static uint64_t *address_at(const struct ring *r, uint32_t i)
{
	return (uint64_t *)r->entries + (i & r->mask);
}

static struct xdp_desc *desc_at(const struct ring *r, uint32_t i)
{
	return (struct xdp_desc *)r->entries + (i & r->mask);
}

/* ---- life ---- */

static int map_ring(int fd, struct ring *r, const struct xdp_ring_offset *at, uint32_t count,
	size_t entry, off_t which)
{
	uint8_t *map;

	r->map_len = at->desc + count * entry;
	map = mmap(NULL, r->map_len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, which);
	if (map == MAP_FAILED)
		return -errno;
	r->map = map;
	r->producer = (uint32_t *)(void *)(map + at->producer);
	r->consumer = (uint32_t *)(void *)(map + at->consumer);
	r->flags = (uint32_t *)(void *)(map + at->flags);
	r->entries = map + at->desc;
	r->mask = count - 1;
	return 0;
}

static int set_ring(int fd, int option, uint32_t count)
{
	return setsockopt(fd, SOL_XDP, option, &count, sizeof(count)) < 0 ? -errno : 0;
}

static int make_rings(struct xsk *x)
{
	struct xdp_mmap_offsets at;
	socklen_t len = sizeof(at);
	int r;

	if ((r = set_ring(x->fd, XDP_UMEM_FILL_RING, XSK_RX_FRAMES)) < 0 ||
		(r = set_ring(x->fd, XDP_UMEM_COMPLETION_RING, XSK_TX_FRAMES)) < 0 ||
		(r = set_ring(x->fd, XDP_RX_RING, XSK_RX_FRAMES)) < 0 ||
		(r = set_ring(x->fd, XDP_TX_RING, XSK_TX_FRAMES)) < 0)
		return r;
	if (getsockopt(x->fd, SOL_XDP, XDP_MMAP_OFFSETS, &at, &len) < 0)
		return -errno;
	if (len != sizeof(at)) /* before need-wakeup (Linux 5.4) */
		return -EOPNOTSUPP;
	if ((r = map_ring(x->fd, &x->fill, &at.fr, XSK_RX_FRAMES, sizeof(uint64_t),
		     XDP_UMEM_PGOFF_FILL_RING)) < 0 ||
		(r = map_ring(x->fd, &x->done, &at.cr, XSK_TX_FRAMES, sizeof(uint64_t),
			 XDP_UMEM_PGOFF_COMPLETION_RING)) < 0 ||
		(r = map_ring(x->fd, &x->rx, &at.rx, XSK_RX_FRAMES, sizeof(struct xdp_desc),
			 XDP_PGOFF_RX_RING)) < 0 ||
		(r = map_ring(x->fd, &x->tx, &at.tx, XSK_TX_FRAMES, sizeof(struct xdp_desc),
			 XDP_PGOFF_TX_RING)) < 0)
		return r;
	return 0;
}

static void give_frames(struct xsk *x)
{
	for (uint32_t i = 0; i < XSK_RX_FRAMES; i++)
		*address_at(&x->fill, i) = (uint64_t)i * XSK_FRAME;
	store(x->fill.producer, XSK_RX_FRAMES);
	for (uint32_t i = 0; i < XSK_TX_FRAMES; i++)
		x->free[i] = (uint64_t)(XSK_RX_FRAMES + i) * XSK_FRAME;
	x->free_count = XSK_TX_FRAMES;
}

static int open_socket(struct xsk *x, unsigned int ifindex, unsigned int queue)
{
	struct sockaddr_xdp address = { .sxdp_family = AF_XDP,
		.sxdp_flags = XDP_USE_NEED_WAKEUP, /* no copies if the driver can, else copies */
		.sxdp_ifindex = ifindex,
		.sxdp_queue_id = queue };
	struct xdp_umem_reg reg = { .len = (uint64_t)FRAMES * XSK_FRAME, .chunk_size = XSK_FRAME };
	void *umem = mmap(NULL, (size_t)FRAMES * XSK_FRAME, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	int r;

	if (umem == MAP_FAILED)
		return -errno;
	x->umem = umem;
	reg.addr = (uint64_t)(uintptr_t)umem;
	x->fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (x->fd < 0)
		return -errno;
	if (setsockopt(x->fd, SOL_XDP, XDP_UMEM_REG, &reg, sizeof(reg)) < 0)
		return -errno;
	r = make_rings(x);
	if (r < 0)
		return r;
	give_frames(x);
	return bind(x->fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
}

struct xsk *xsk_open(unsigned int ifindex, unsigned int queue)
{
	struct xsk *x = calloc(1, sizeof(*x));
	int r;

	if (!x) {
		errno = ENOMEM;
		return NULL;
	}
	x->fd = -1;
	r = open_socket(x, ifindex, queue);
	if (r == 0)
		return x;
	xsk_close(x);
	errno = -r;
	return NULL;
}

static void unmap_ring(const struct ring *r)
{
	if (r->map)
		munmap(r->map, r->map_len);
}

void xsk_close(struct xsk *x)
{
	if (!x)
		return;
	unmap_ring(&x->fill);
	unmap_ring(&x->rx);
	unmap_ring(&x->tx);
	unmap_ring(&x->done);
	if (x->fd >= 0)
		close(x->fd);
	if (x->umem)
		munmap(x->umem, (size_t)FRAMES * XSK_FRAME);
	free(x);
}

int xsk_fd(const struct xsk *x)
{
	return x->fd;
}

bool xsk_is_zero_copy(const struct xsk *x)
{
	struct xdp_options options = { 0 };
	socklen_t len = sizeof(options);

	return getsockopt(x->fd, SOL_XDP, XDP_OPTIONS, &options, &len) == 0 &&
	       options.flags & XDP_OPTIONS_ZEROCOPY;
}

/* ---- receiving ---- */

unsigned int xsk_waiting(struct xsk *x)
{
	return load(x->rx.producer) - *x->rx.consumer;
}

const uint8_t *xsk_frame(const struct xsk *x, unsigned int i, size_t *len)
{
	const struct xdp_desc *d = desc_at(&x->rx, *x->rx.consumer + i);

	*len = d->len;
	return x->umem + d->addr;
}

void xsk_release(struct xsk *x, unsigned int n)
{
	uint32_t at = *x->rx.consumer, fill = *x->fill.producer;

	for (unsigned int i = 0; i < n; i++)
		*address_at(&x->fill, fill + i) =
			desc_at(&x->rx, at + i)->addr & ~(uint64_t)(XSK_FRAME - 1);
	store(x->rx.consumer, at + n);
	store(x->fill.producer, fill + n);
	if (load(x->fill.flags) & XDP_RING_NEED_WAKEUP)
		(void)recvfrom(x->fd, NULL, 0, MSG_DONTWAIT, NULL, NULL);
}

/* ---- sending ---- */

static void collect(struct xsk *x)
{
	uint32_t at = *x->done.consumer, n = load(x->done.producer) - at;

	for (uint32_t i = 0; i < n && x->free_count < XSK_TX_FRAMES; i++)
		x->free[x->free_count++] = *address_at(&x->done, at + i);
	store(x->done.consumer, at + n);
}

uint8_t *xsk_put(struct xsk *x, size_t len)
{
	struct xdp_desc *d = desc_at(&x->tx, x->put);

	if (!x->free_count)
		collect(x);
	if (!x->free_count)
		return NULL;
	/* As many frames as places: where one is free, so is a place. */
	*d = (struct xdp_desc){ .addr = x->free[--x->free_count], .len = (uint32_t)len };
	x->put++;
	return x->umem + d->addr;
}

int xsk_send(struct xsk *x)
{
	store(x->tx.producer, x->put);
	while (load(x->tx.consumer) != x->put) {
		uint32_t before = load(x->tx.consumer);
		int error;

		if (!(load(x->tx.flags) & XDP_RING_NEED_WAKEUP))
			return 0; /* the driver is at it */
		error = sendto(x->fd, NULL, 0, MSG_DONTWAIT, NULL, 0) < 0 ? errno : 0;
		collect(x);
		if (load(x->tx.consumer) != before)
			continue; /* it takes so many in a call */
		if (!error || error == EAGAIN || error == EBUSY || error == ENOBUFS)
			return -EAGAIN;
		if (error != EINTR)
			return -error;
	}
	return 0;
}
