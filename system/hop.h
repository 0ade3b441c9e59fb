/*
 * How peers are reached through one Ethernet device: which gateway (or the peer itself) comes next,
 * and its link address, as the kernel's tables of routes and neighbours have it (states of RFC 4861
 * section 7.3.2, which Linux has for ARP, too). A state machine without system calls: what happens
 * comes in by functions, what is wanted goes out by ops.
 *
 * Invariants: a hop is usable only while the device is up, the kernel's route to the peer goes
 * through it, and the neighbour's address is one that the kernel would use now; each change is
 * told once. Nobody but the owner waits for anything here: what is not usable goes another way,
 * which makes the kernel resolve it.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HOP_BUCKETS 1024
#define HOP_BATCH   256 /* routes asked for in one call */

struct hop_neighbour;

/* A peer, in its owner's storage. */
struct hop {
	struct in_addr peer, local;
	struct hop *next, **prev;        /* of the same neighbour, or of those without */
	struct hop_neighbour *neighbour; /* NULL: not through the device */
	struct hop *all_next, **all_prev;
	bool usable; /* as last told */
};

struct hop_address {
	bool known;   /* the kernel has an entry */
	uint16_t nud; /* its state: NUD_... of linux/neighbour.h */
	uint8_t mac[6];
	uint8_t mac_len;
};

struct hop_ops {
	/* The kernel's route to peer from local: 0, or a negative errno; *gateway 0.0.0.0: on link;
	 * *ifindex: through that device. */
	int (*route)(void *user, struct in_addr peer, struct in_addr local, struct in_addr *gateway,
		unsigned int *ifindex);
	/* Its entry of that address at our device. */
	void (*ask)(void *user, struct in_addr address, struct hop_address *out);
	/* It should find out whether that address is still right (or which it is). */
	void (*probe)(void *user, struct in_addr address);
	/* mac NULL: not usable any more. Also when the link address or the device's has changed. */
	void (*changed)(void *user, struct hop *hop, const uint8_t *mac);
};

struct hops {
	const struct hop_ops *ops;
	void *user;
	unsigned int ifindex;
	bool up;
	struct hop_neighbour *buckets[HOP_BUCKETS];
	struct hop *elsewhere; /* without a neighbour */
	struct hop *all;
	struct hop *
		next; /* whose route is to be asked for again, and of those behind; NULL: nobody's */
};

void hops_init(
	struct hops *h, unsigned int ifindex, bool up, const struct hop_ops *ops, void *user);
/* Frees what it has; the hops are their owners'. */
void hops_done(struct hops *h);

/* `changed` may come at once. Without memory it is not usable. */
void hops_add(struct hops *h, struct hop *hop, struct in_addr peer, struct in_addr local);
void hops_remove(struct hops *h, struct hop *hop);

/* The kernel's entry has changed (all of it; known false: it is deleted). */
void hops_neighbour(struct hops *h, struct in_addr address, const struct hop_address *now);
/* The device goes up or down, or its own link address has changed: then everybody is told again. */
void hops_link(struct hops *h, bool up, bool address_changed);
/* Routes have changed: hops_work() asks for all of them again. */
void hops_routes(struct hops *h);
/* Something was missed: everything is asked for again. */
void hops_resync(struct hops *h);
/* Does up to HOP_BATCH of what is to do. True: there is more. */
bool hops_work(struct hops *h);
