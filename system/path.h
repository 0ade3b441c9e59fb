/* The path to a peer: how large a packet it carries, as far as the kernel knows. */
#pragma once

#include <netinet/in.h>
#include <stdint.h>

/*
 * The outer MTU (IPv4 header included) towards `peer`, from `local` (0: the kernel's choice), as the
 * kernel knows it now, for GRE: of the route, its device, or learnt from routers by ICMP. What was learnt the
 * kernel forgets after some minutes, so ask again now and then. Sends nothing. 68 to 65535, or a
 * negative errno (no route, `local` is no address of this machine ...).
 */
int path_mtu(struct in_addr peer, struct in_addr local);

/*
 * The inner MTU that fits an outer MTU at worst (IP 20, GRE 16, PPP 4, MPPE 4), at least 68: an MRU
 * to announce that asks the peer for nothing that could not come here whole. 0 or an error: no
 * limit, 65535.
 */
uint16_t path_inner_mtu(int outer_mtu);
