/* Packet sockets and AF_XDP in the place of the raw socket: see io_fast.h. */
#include "dataplane/io_fast.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

static int watch(const struct io_fast *f, int op, int fd, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.u32 = f->mark };

	return epoll_ctl(f->epoll, op, fd, &ev) < 0 ? -errno : 0;
}

int io_fast_watch(struct io_fast *f, int epoll, uint32_t mark)
{
	f->epoll = epoll;
	f->mark = mark;
	for (unsigned int i = 0; i < f->queues; i++) {
		int r = watch(f, EPOLL_CTL_ADD, xsk_fd(f->xsk[i]), EPOLLIN);

		if (r < 0)
			return r;
	}
	return 0;
}

void io_fast_done(struct io_fast *f)
{
	if (f->packet_fd >= 0)
		close(f->packet_fd);
	for (unsigned int i = 0; i < f->queues; i++)
		xsk_close(f->xsk[i]);
	f->packet_fd = -1;
	f->queues = 0;
}

void io_fast_want_write(struct io_fast *f, bool on)
{
	if (f->kind == IO_FAST_XDP)
		watch(f, EPOLL_CTL_MOD, xsk_fd(f->xsk[0]), EPOLLIN | (on ? EPOLLOUT : 0u));
	else /* not watched in between: a device that goes down would be an error for ever */
		watch(f, on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, f->packet_fd, EPOLLOUT);
}

/* Of one queue. */
static unsigned int receive(struct xsk *x, uint8_t *const slots[], size_t room, size_t lens[],
	unsigned int max, bool *more)
{
	unsigned int there = xsk_waiting(x), n = 0;

	if (there > max) {
		there = max;
		*more = true;
	}
	for (unsigned int i = 0; i < there; i++) {
		size_t len, at;
		const uint8_t *frame = xsk_frame(x, i, &len);

		at = frame_open(frame, len);
		if (!at || len - at > room)
			continue; /* not what the program redirects */
		memcpy(slots[n], frame + at, len - at);
		lens[n++] = len - at;
	}
	if (there)
		xsk_release(x, there);
	return n;
}

unsigned int io_fast_receive(struct io_fast *f, uint8_t *const slots[], size_t room, size_t lens[],
	unsigned int max, bool *more)
{
	unsigned int n = 0;

	*more = false;
	for (unsigned int i = 0; i < f->queues; i++) {
		/* Each queue gets its share of what is left. */
		unsigned int share = (max - n) / (f->queues - i);

		n += receive(f->xsk[i], slots + n, room, lens + n, share, more);
	}
	return n;
}
