/*
 * Packets to the worker that they are for, by the kernel: to a queue of the TUN device by the inner
 * destination (an eBPF program with a map of prefixes), to a raw GRE socket by the Call ID (a classic BPF
 * filter on each).
 *
 * Neither decides anything: a packet that comes elsewhere is handed over. A kernel that refuses (a
 * negative errno) costs speed.
 */
#pragma once

#include <linux/filter.h>
#include <stdbool.h>
#include <stdint.h>

/* ---- the TUN device's queues ---- */

struct steering {
	int map, program; /* -1: not open */
};

/* Program and map. */
int steering_open(struct steering *s);
/* From now on, for the device of this queue's descriptor. */
int steering_attach(const struct steering *s, int tun_fd);
/*
 * Inner packets to this prefix (4 octets: an IPv4 address; with ipv6, the first 8 octets of one: a /64) are for
 * this queue; or (-1) for none in particular. What is for none goes by its address, always to the same.
 */
void steering_set(const struct steering *s, bool ipv6, const uint8_t *prefix, int queue);
void steering_close(struct steering *s);

/* ---- GRE sockets ---- */

/*
 * A socket's filter: PPTP's GRE packets (version 1, RFC 2637 section 4.1) whose Call ID modulo `count`
 * (up to 32) is one of `shards` (bits); with `others` also whatever is something else. It takes the place of
 * the one before, between two packets.
 */
int steering_filter_attach(int fd, uint32_t shards, unsigned int count, bool others);

/*
 * A socket that rests: it is for the loopback interface only, so that the kernel does not even clone packets for
 * it, or is again for all. What it sends goes astray meanwhile. 0, or a negative errno: -EBUSY, it belongs to a
 * device or a VRF already.
 */
int steering_rest(int fd, bool rests);
