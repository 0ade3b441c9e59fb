/*
 * Batches on the GRE socket: recvmmsg(2) into slots, sendmmsg(2) with the source address of each
 * session (IP_PKTINFO). What is not there is not waited for, what is refused is dropped and
 * counted; only what a full socket does not take waits for it, no longer than the worker lets it.
 *
 * The socket is a raw one for protocol 47: what comes begins with an IPv4 header, what goes has
 * none. (A connected AF_UNIX SOCK_SEQPACKET socket does as well, and ignores addresses: the tests
 * use one.)
 */
#pragma once

#include "dataplane/pool.h"

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
};

struct io_send {
	unsigned int count;
	struct packet_list too_big; /* see io_send() */
	struct packet *packets[IO_SEND_MAX];
	struct mmsghdr msgs[IO_SEND_MAX];
	struct iovec iov[IO_SEND_MAX];
	struct sockaddr_in to[IO_SEND_MAX];
	union {
		struct cmsghdr align;
		uint8_t space[CMSG_SPACE(sizeof(struct in_pktinfo))];
	} control[IO_SEND_MAX];
};

void io_receive_init(struct io_receive *rx);

/*
 * One batch: number of packets, or a negative errno. Of packet i the slot is rx->slots[i], the
 * bytes start at IO_OFFSET and are io_received() long. Who keeps a slot sets it to NULL; it is
 * replaced at the next call.
 */
int io_receive(struct io_receive *rx, int fd, struct pool *pool);
/* Length of packet i; SIZE_MAX if it did not fit its slot. */
size_t io_received(const struct io_receive *rx, unsigned int i);

void io_send_init(struct io_send *tx);
/* There must be room (count < IO_SEND_MAX). Takes the slot over; data/len is what goes out. */
void io_send_add(struct io_send *tx, struct packet *p, struct in_addr from, struct in_addr to);

struct io_sent {
	unsigned int sent, failed; /* failed: also those too big */
	unsigned int too_big;
	bool full; /* the socket takes no more now: the rest is still there; wait for EPOLLOUT */
};

/*
 * Sends all in order, and empties the batch unless the socket is full; slots go back to the pool,
 * but those of packets larger than the path (EMSGSIZE) to tx->too_big, for the caller to look at
 * and give back.
 */
struct io_sent io_send(struct io_send *tx, int fd, struct pool *pool);
/* What is still there is nobody's of `owner` any more (packet.owner becomes NULL). */
void io_send_disown(struct io_send *tx, const void *owner);
/* Gives up what is still there; how many. */
unsigned int io_send_drop(struct io_send *tx, struct pool *pool);
