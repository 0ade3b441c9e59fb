/* TUN devices and the raw GRE socket. Errors are sentences for people in `why`. */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

#define SYSTEM_WHY 256 /* size of the `why` buffers */

/*
 * Makes a TUN device (IFF_TUN | IFF_NO_PI, non-blocking). `name` in/out, IFNAMSIZ bytes: a name or
 * a pattern "grey%d". Goes away when the descriptor is closed, also on kill -9. -1 with *why: no
 * /dev/net/tun, no permission, name taken ...
 */
int tun_open(char *name, char *why);

/*
 * Raw socket for IP protocol 47: non-blocking, IP_PKTINFO understood on send, large buffers,
 * IP_PMTUDISC_WANT. If `peer` is not NULL it is connected to it, so that only that peer's packets
 * arrive.
 */
int gre_socket_open(const struct in_addr *peer, char *why);
