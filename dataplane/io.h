/*
 * GRE packets in batches, by the raw socket and, where there is one, the fast path beside it
 * (dataplane/io_fast.h): a packet socket to send, AF_XDP both ways.
 *
 * On the raw socket: recvmmsg(2) into slots, sendmmsg(2), by a socket of its own (dataplane/sender.h) where that
 * can be, with the source address of each session (IP_PKTINFO). What is not there is not waited for, what is refused is dropped and
 * counted; only what a full socket does not take waits for it, no longer than the worker lets it.
 *
 * The socket is a raw one for protocol 47: what comes begins with an IPv4 header, what goes has
 * none. (A connected AF_UNIX SOCK_SEQPACKET socket does as well, and ignores addresses: the tests
 * use one.)
 */
#pragma once

#include "dataplane/io_fast.h"
#include "dataplane/pool.h"
#include "dataplane/sender.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define IO_RECEIVE_MAX 64
#define IO_SEND_MAX    128
/* Where received packets begin in their slots: leaves room in front, and behind for PACKET_ROOM and
 * headers. */
#define IO_OFFSET 64

struct io_receive {
	unsigned int armed; /* slots[0..armed) are there */
	struct packet *slots[IO_RECEIVE_MAX];
	struct mmsghdr msgs[IO_RECEIVE_MAX];
	struct iovec iov[IO_RECEIVE_MAX];
	struct io_fast *fast; /* NULL: none */
	bool more;            /* more may wait than the last batch brought */
	unsigned int by_fast; /* of the last batch: the first so many came by the fast path */
};

struct io_send {
	unsigned int count;
	int fd; /* the raw socket that receives; without a sender it sends, too */
	struct sender sender;
	struct packet_list too_big;                   /* see io_send() */
	struct io_fast *fast;                         /* NULL: none */
	bool fast_full;                               /* what is full is the fast path */
	uint16_t id;                                  /* IPv4's, of the next frame */
	bool by_fast[IO_SEND_MAX], bare[IO_SEND_MAX]; /* bare: to whom the sender is connected */
	struct packet *packets[IO_SEND_MAX];
	struct mmsghdr msgs[IO_SEND_MAX];
	struct iovec iov[IO_SEND_MAX];
	struct sockaddr_in to[IO_SEND_MAX];
	union {
		struct cmsghdr align;
		uint8_t space[CMSG_SPACE(sizeof(struct in_pktinfo))];
	} control[IO_SEND_MAX];
};

/* `fast` may be NULL. */
void io_receive_init(struct io_receive *rx, struct io_fast *fast);

/*
 * One batch: number of packets, or a negative errno. Of packet i the slot is rx->slots[i], the
 * bytes start at IO_OFFSET and are io_received() long. Who keeps a slot sets it to NULL; it is
 * replaced at the next call. Without `raw`, the raw socket is not looked at.
 */
int io_receive(struct io_receive *rx, int fd, bool raw, struct pool *pool);
/* Length of packet i; SIZE_MAX if it did not fit its slot. */
size_t io_received(const struct io_receive *rx, unsigned int i);

/* By raw socket `fd`, or one that sends as it does (dataplane/sender.h). `fast` may be NULL. */
void io_send_init(struct io_send *tx, struct io_fast *fast, int fd);
void io_send_done(struct io_send *tx);
/* The descriptor that says when there is room on the raw socket. */
static inline int io_send_fd(const struct io_send *tx)
{
	return tx->sender.fd >= 0 ? tx->sender.fd : tx->fd;
}
/* Does nobody else watch that descriptor? */
static inline bool io_send_is_own(const struct io_send *tx)
{
	return tx->sender.fd >= 0;
}
/* There must be room (count < IO_SEND_MAX). Takes the slot over; data/len is what goes out. `hop`: by
 * the fast path, if the packet fits; NULL: by the raw socket. */
void io_send_add(struct io_send *tx, struct packet *p, struct in_addr from, struct in_addr to,
	const struct frame_hop *hop);

struct io_sent {
	unsigned int sent, failed; /* failed: also those too big */
	unsigned int too_big;
	unsigned int by_fast; /* of those sent */
	bool full; /* the socket takes no more now: the rest is still there; wait for it */
};

/*
 * Sends all in order, and empties the batch unless the socket is full; slots go back to the pool,
 * but those of packets larger than the path (EMSGSIZE) to tx->too_big, for the caller to look at
 * and give back.
 */
struct io_sent io_send(struct io_send *tx, struct pool *pool);
/* Does room on the fast path have to be waited for (io_fast_want_write()), not that on the socket? */
static inline bool io_send_waits_fast(const struct io_send *tx)
{
	return tx->fast_full;
}
/* What is still there is nobody's of `owner` any more (packet.owner becomes NULL). */
void io_send_disown(struct io_send *tx, const void *owner);
/* Gives up what is still there; how many. */
unsigned int io_send_drop(struct io_send *tx, struct pool *pool);
