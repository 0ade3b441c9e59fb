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
 * Raw socket for IP protocol 47: non-blocking, IP_PKTINFO understood on send, large buffers. If
 * `peer` is not NULL it is connected to it, so that only that peer's packets arrive.
 *
 * What is sent has DF, and what is larger than the path's MTU as the kernel knows it is refused
 * (EMSGSIZE); with `fragment` it has none, and is fragmented here or on the way.
 */
int gre_socket_open(const struct in_addr *peer, bool fragment, char *why);
