/* Batches on the GRE socket: see io.h. */
#include "dataplane/io.h"

#include <errno.h>
#include <string.h>

void io_receive_init(struct io_receive *rx)
{
	memset(rx, 0, sizeof(*rx));
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

int io_receive(struct io_receive *rx, int fd, struct pool *pool)
{
	int n;

	rearm(rx, pool);
	if (rx->armed == 0)
		return -ENOBUFS;
	n = recvmmsg(fd, rx->msgs, rx->armed, MSG_DONTWAIT, NULL);
	return n < 0 ? -errno : n;
}

size_t io_received(const struct io_receive *rx, unsigned int i)
{
	if (rx->msgs[i].msg_hdr.msg_flags & MSG_TRUNC)
		return SIZE_MAX;
	return rx->msgs[i].msg_len;
}

void io_send_init(struct io_send *tx)
{
	memset(tx, 0, sizeof(*tx));
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

void io_send_add(struct io_send *tx, struct packet *p, struct in_addr from, struct in_addr to)
{
	unsigned int i = tx->count++;
	struct in_pktinfo info = { .ipi_spec_dst = from };

	tx->packets[i] = p;
	tx->iov[i].iov_base = p->data;
	tx->iov[i].iov_len = p->len;
	tx->to[i].sin_addr = to;
	memcpy(CMSG_DATA(&tx->control[i].align), &info, sizeof(info));
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
	}
	tx->count -= at;
}

struct io_sent io_send(struct io_send *tx, int fd, struct pool *pool)
{
	struct io_sent result = { 0 };
	unsigned int at = 0;
	bool tried = false; /* the one at `at` failed already */

	while (at < tx->count) {
		int n = sendmmsg(fd, tx->msgs + at, tx->count - at, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n > 0) {
			at += (unsigned int)n;
			result.sent += (unsigned int)n;
			tried = false;
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
			/* The rest would meet the same now: it waits. */
			result.full = true;
			break;
		}
		if (n < 0 && !tried && may_be_anothers(errno)) {
			tried = true;
			continue;
		}
		/*
		 * It is this packet's own: a firewall's EPERM, no route to this peer, EMSGSIZE. It
		 * says nothing of the next.
		 */
		if (n < 0 && errno == EMSGSIZE)
			set_aside(tx, at, &result);
		at++;
		result.failed++;
		tried = false;
	}
	for (unsigned int i = 0; i < at; i++) {
		if (tx->packets[i])
			pool_put(pool, tx->packets[i]);
	}
	keep(tx, at);
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
	return count;
}
