/* TUN devices and the raw GRE socket. Errors are sentences for people in `why`. */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

#define SYSTEM_WHY 256 /* size of the `why` buffers */

/* What the kernel does for a device, and lets us do for it. */
struct tun_offload {
	bool header; /* each packet has a struct virtio_net_hdr of 10 octets in front, and may be one
			    whose checksum is only begun; without it, nothing below */
	bool tcp4, tcp6; /* TCP in super-packets of up to 64 KB, both ways */
	bool ecn;        /* those with CWR, too */
	bool udp;        /* UDP (since Linux 6.2) */
};

/*
 * Makes a TUN device (IFF_TUN | IFF_NO_PI, non-blocking). `name` in/out, IFNAMSIZ bytes: a name or
 * a pattern "grey%d". Goes away when its last descriptor is closed, also on kill -9. -1 with *why:
 * no /dev/net/tun, no permission, name taken ...
 *
 * `offload` NULL: none, one read or write is one packet. Otherwise as many as the kernel has;
 * which, is written there, and what is missing is said in the log (info). `queues`:
 * tun_open_queue() can follow.
 */
int tun_open(char *name, bool queues, struct tun_offload *offload, char *why);

/* Has the descriptor a device still? It was removed otherwise (and not, say, moved to another network
 * namespace). */
bool tun_lives(int fd);

/* `fresh` takes the place of what is behind the descriptor `fd`, which others know by its number, and is
 * closed itself. -1 with *why. */
int tun_replace(int fd, int fresh, char *why);

/* One more queue of a device made with `queues`, of the same offloads. */
int tun_open_queue(const char *name, const struct tun_offload *offload, char *why);

/*
 * Raw socket for IP protocol 47: non-blocking, IP_PKTINFO understood on send, large buffers. If
 * `peer` is not NULL it is connected to it, so that only that peer's packets arrive.
 *
 * What is sent has DF, and what is larger than the path's MTU as the kernel knows it is refused
 * (EMSGSIZE); with `fragment` it has none, and is fragmented here or on the way.
 */
int gre_socket_open(const struct in_addr *peer, bool fragment, char *why);

/*
 * A packet socket that sends Ethernet frames through a device, and receives nothing: non-blocking, large
 * buffer. -1 with *why.
 */
int packet_socket_open(unsigned int ifindex, char *why);
