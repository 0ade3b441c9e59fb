/*
 * The program at a device that hands GRE packets of our calls to AF_XDP sockets: unfragmented IPv4
 * without options, protocol 47, GRE version 1 with PPP (RFC 2637 section 4.1), of a (peer, own
 * address, Call ID) that xdp_add() named, in a queue that has a socket. Everything else goes on as
 * if it were not there.
 *
 * It is attached by a link that is a descriptor: it goes with the process, however that ends.
 * Errors are sentences in `why` (SYSTEM_WHY bytes).
 */
#pragma once

#include "system/tun.h"

#include <stdint.h>

#define XDP_CALLS_MAX 65536 /* more go by the kernel */

struct xdp {
	int calls, sockets, program, link; /* descriptors */
	bool generic;                      /* the driver has no XDP of its own */
};

/* Attaches to the device; `largest`: octets of an IPv4 packet that a socket takes. 0, or -1 with
 * *why. */
int xdp_open(struct xdp *x, unsigned int ifindex, unsigned int largest, char *why);
void xdp_close(struct xdp *x);

/* An AF_XDP socket that is bound to this queue of the device. 0, or a negative errno. */
int xdp_set_socket(struct xdp *x, unsigned int queue, int fd);

/* Packets of this call are redirected from now on, or no more. A negative errno: E2BIG (too many). */
int xdp_add(struct xdp *x, struct in_addr peer, struct in_addr local, uint16_t call_id);
int xdp_remove(struct xdp *x, struct in_addr peer, struct in_addr local, uint16_t call_id);
