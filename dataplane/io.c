/* Batches on the GRE socket: see io.h. */
#include "dataplane/io.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/* Of a batch, that the fast path leaves to the raw socket. */
#define RAW_SHARE 8u

void io_receive_init(struct io_receive *rx, struct io_fast *fast)
{
	memset(rx, 0, sizeof(*rx));
	rx->fast = fast;
	for (unsigned int i = 0; i < IO_RECEIVE_MAX; i++) {
		rx->msgs[i].msg_hdr.msg_iov = &rx->iov[i];
		rx->msgs[i].msg_hdr.msg_iovlen = 1;
	}
}

static void rearm(struct io_receive *rx, struct pool *pool)
{
	unsigned int i;

	for (i = 0; i < IO_RECEIVE_MAX; i++) {
		if (!rx->slots[i]) {
			rx->slots[i] = pool_get(pool);
			if (!rx->slots[i])
				break;
			rx->iov[i].iov_base = rx->slots[i]->buf + IO_OFFSET;
			rx->iov[i].iov_len = PACKET_SLOT - IO_OFFSET;
		}
	}
	/* Slots behind a missing one wait for the next time. */
	rx->armed = i;
}

/* The first packets of a batch; the raw socket's have a share of it kept for them. */
static unsigned int receive_fast(struct io_receive *rx, bool raw)
{
	unsigned int max = raw && rx->armed > RAW_SHARE ? rx->armed - RAW_SHARE : rx->armed;
	uint8_t *slots[IO_RECEIVE_MAX];
	size_t lens[IO_RECEIVE_MAX];
	unsigned int n;

	for (unsigned int i = 0; i < max; i++)
		slots[i] = rx->slots[i]->buf + IO_OFFSET;
	n = io_fast_receive(rx->fast, slots, PACKET_SLOT - IO_OFFSET, lens, max, &rx->more);
	for (unsigned int i = 0; i < n; i++) {
		rx->msgs[i].msg_hdr.msg_flags = 0;
		rx->msgs[i].msg_len = (unsigned int)lens[i];
	}
	return n;
}

int io_receive(struct io_receive *rx, int fd, bool raw, struct pool *pool)
{
	unsigned int first = 0;
	int n;

	rearm(rx, pool);
	rx->more = false;
	rx->by_fast = 0;
	if (rx->armed == 0)
		return -ENOBUFS;
	if (rx->fast && rx->fast->queues)
		rx->by_fast = first = receive_fast(rx, raw);
	if (!raw || first == rx->armed)
		return (int)first;
	n = recvmmsg(fd, rx->msgs + first, rx->armed - first, MSG_DONTWAIT, NULL);
	if (n < 0)
		return first ? (int)first : -errno;
	rx->more |= (unsigned int)n == rx->armed - first;
	return (int)first + n;
}

size_t io_received(const struct io_receive *rx, unsigned int i)
{
	if (rx->msgs[i].msg_hdr.msg_flags & MSG_TRUNC)
		return SIZE_MAX;
	return rx->msgs[i].msg_len;
}

void io_send_init(struct io_send *tx, struct io_fast *fast, int fd)
{
	memset(tx, 0, sizeof(*tx));
	tx->fast = fast;
	tx->fd = fd;
	sender_open(&tx->sender, fd);
	packet_list_init(&tx->too_big);
	for (unsigned int i = 0; i < IO_SEND_MAX; i++) {
		struct msghdr *m = &tx->msgs[i].msg_hdr;
		struct cmsghdr *c = &tx->control[i].align;

		m->msg_iov = &tx->iov[i];
		m->msg_iovlen = 1;
		m->msg_name = &tx->to[i];
		m->msg_namelen = sizeof(tx->to[i]);
		m->msg_control = tx->control[i].space;
		m->msg_controllen = sizeof(tx->control[i].space);
		c->cmsg_level = IPPROTO_IP;
		c->cmsg_type = IP_PKTINFO;
		c->cmsg_len = CMSG_LEN(sizeof(struct in_pktinfo));
		tx->to[i].sin_family = AF_INET;
	}
}

void io_send_done(struct io_send *tx)
{
	sender_close(&tx->sender);
}

/* Entry i as the raw socket takes it. */
static void by_raw(struct io_send *tx, unsigned int i)
{
	struct msghdr *m = &tx->msgs[i].msg_hdr;

	tx->by_fast[i] = false;
	tx->iov[i].iov_base = tx->packets[i]->data;
	tx->iov[i].iov_len = tx->packets[i]->len;
	m->msg_name = tx->bare[i] ? NULL : &tx->to[i];
	m->msg_namelen = tx->bare[i] ? 0 : sizeof(tx->to[i]);
	m->msg_control = tx->bare[i] ? NULL : tx->control[i].space;
	m->msg_controllen = tx->bare[i] ? 0 : sizeof(tx->control[i].space);
}

/* Entry i as the fast path takes it, with its headers in front. */
static void by_fast(struct io_send *tx, unsigned int i)
{
	struct msghdr *m = &tx->msgs[i].msg_hdr;

	tx->by_fast[i] = true;
	tx->iov[i].iov_base = tx->packets[i]->data - FRAME_HEADERS;
	tx->iov[i].iov_len = tx->packets[i]->len + FRAME_HEADERS;
	m->msg_name = NULL; /* the socket is bound to its device */
	m->msg_namelen = 0;
	m->msg_control = NULL;
	m->msg_controllen = 0;
}

void io_send_add(struct io_send *tx, struct packet *p, struct in_addr from, struct in_addr to,
	const struct frame_hop *hop)
{
	unsigned int i = tx->count++;
	struct in_pktinfo info = { .ipi_spec_dst = from };

	assert(p->data - p->buf >= (ptrdiff_t)FRAME_HEADERS);
	tx->packets[i] = p;
	tx->to[i].sin_addr = to;
	tx->bare[i] = tx->sender.fd >= 0 && sender_is_connected(&tx->sender, from, to);
	memcpy(CMSG_DATA(&tx->control[i].align), &info, sizeof(info));
	if (tx->fast && hop && frame_fits(hop, p->len)) {
		frame_build(
			p->data - FRAME_HEADERS, hop, &tx->fast->style, from, to, tx->id++, p->len);
		by_fast(tx, i);
		return;
	}
	by_raw(tx, i);
}

/*
 * May it be an error that an ICMP message left on the socket for whoever came next? Then this packet
 * has not been tried.
 */
static bool may_be_anothers(int error)
{
	switch (error) {
	case EMSGSIZE:
	case ECONNREFUSED:
	case EHOSTUNREACH:
	case EHOSTDOWN:
	case ENETUNREACH:
	case ENOPROTOOPT:
	case EOPNOTSUPP:
	case EPROTO:
	case EACCES:
		return true;
	default:
		return false;
	}
}

static void set_aside(struct io_send *tx, unsigned int i, struct io_sent *result)
{
	packet_list_add(&tx->too_big, tx->packets[i]);
	tx->packets[i] = NULL;
	result->too_big++;
}

/* What is from `at` on is the queue now. */
static void keep(struct io_send *tx, unsigned int at)
{
	for (unsigned int i = at; at && i < tx->count; i++) {
		tx->packets[i - at] = tx->packets[i];
		tx->iov[i - at] = tx->iov[i];
		tx->to[i - at] = tx->to[i];
		tx->control[i - at] = tx->control[i];
		tx->bare[i - at] = tx->bare[i];
		if (tx->by_fast[i])
			by_fast(tx, i - at);
		else
			by_raw(tx, i - at);
	}
	tx->count -= at;
}

/* Frames go out of entries from..to: how many, or a negative errno. */
static int send_frames(struct io_send *tx, unsigned int from, unsigned int to)
{
	struct xsk *x;
	unsigned int n = 0;
	int r;

	if (tx->fast->kind == IO_FAST_PACKET) {
		r = sendmmsg(tx->fast->packet_fd, tx->msgs + from, to - from,
			MSG_DONTWAIT | MSG_NOSIGNAL);
		return r < 0 ? -errno : r;
	}
	x = tx->fast->xsk[0];
	for (; from + n < to; n++) {
		const struct iovec *iov = &tx->iov[from + n];
		uint8_t *room = xsk_put(x, iov->iov_len);

		if (!room)
			break;
		memcpy(room, iov->iov_base, iov->iov_len);
	}
	r = xsk_send(x);
	/* What the device has not taken yet it takes when it is asked again. */
	tx->fast_full = r == -EAGAIN;
	if (r == -EAGAIN && n)
		r = 0;
	return r < 0 ? r : (int)n;
}

/* Entries from `at` on that go by the fast path: one step. False: it is full. */
static bool step_fast(struct io_send *tx, unsigned int *at, struct io_sent *result)
{
	unsigned int end = *at + 1;
	int n;

	while (end < tx->count && tx->by_fast[end])
		end++;
	n = send_frames(tx, *at, end);
	if (n > 0) {
		*at += (unsigned int)n;
		result->sent += (unsigned int)n;
		result->by_fast += (unsigned int)n;
		return true;
	}
	if (n == 0 || n == -EAGAIN) {
		tx->fast_full = true;
		return false;
	}
	if (n == -ENOBUFS) { /* the device's queue dropped it, as it would the raw socket's */
		(*at)++;
		result->failed++;
	} else if (n != -EINTR) {
		/* The device is down or gone, or it is too large for it: the kernel knows more. */
		by_raw(tx, *at);
	}
	return true;
}

/* Entries from `at` on that go by the raw socket: one step. False: it is full. *tried: the one at `at`
 * failed already. */
static bool step_raw(struct io_send *tx, unsigned int *at, bool *tried, struct io_sent *result)
{
	unsigned int end = tx->fast ? *at + 1 : tx->count;
	int n;

	while (end < tx->count && !tx->by_fast[end])
		end++;
	n = sendmmsg(io_send_fd(tx), tx->msgs + *at, end - *at, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n > 0) {
		*at += (unsigned int)n;
		result->sent += (unsigned int)n;
		*tried = false;
		return true;
	}
	if (n < 0 && errno == EINTR)
		return true;
	/* The rest would meet the same now: it waits. */
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return false;
	if (n < 0 && !*tried && may_be_anothers(errno)) {
		*tried = true;
		return true;
	}
	/* It is this packet's own: a firewall's EPERM, no route to this peer, EMSGSIZE. It says
	 * nothing of the next. */
	if (n < 0 && errno == EMSGSIZE)
		set_aside(tx, *at, result);
	(*at)++;
	result->failed++;
	*tried = false;
	return true;
}

struct io_sent io_send(struct io_send *tx, struct pool *pool)
{
	struct io_sent result = { 0 };
	unsigned int at = 0;
	bool tried = false;

	if (tx->fast_full && tx->fast->kind == IO_FAST_XDP)
		tx->fast_full = xsk_send(tx->fast->xsk[0]) == -EAGAIN;
	else
		tx->fast_full = false;
	while (at < tx->count && !result.full)
		result.full = tx->fast && tx->by_fast[at] ? !step_fast(tx, &at, &result)
							  : !step_raw(tx, &at, &tried, &result);
	result.full |= tx->fast_full;
	for (unsigned int i = 0; i < at; i++) {
		if (tx->packets[i])
			pool_put(pool, tx->packets[i]);
	}
	keep(tx, at);
	/* Addresses of what waits are as the present socket needs them. */
	if (!tx->count && sender_wants_review(&tx->sender))
		sender_review(&tx->sender);
	return result;
}

void io_send_disown(struct io_send *tx, const void *owner)
{
	for (unsigned int i = 0; i < tx->count; i++) {
		if (tx->packets[i]->owner == owner)
			tx->packets[i]->owner = NULL;
	}
}

unsigned int io_send_drop(struct io_send *tx, struct pool *pool)
{
	unsigned int count = tx->count;

	for (unsigned int i = 0; i < count; i++)
		pool_put(pool, tx->packets[i]);
	tx->count = 0;
	tx->fast_full = false;
	return count;
}
