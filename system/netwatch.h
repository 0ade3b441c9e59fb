/*
 * What the kernel tells of one Ethernet device and of the IPv4 routes and neighbours that matter
 * there (rtnetlink, libmnl): questions, answered at once, and a subscription. Control thread only.
 */
#pragma once

#include "system/hop.h"
#include "system/tun.h"

#include <net/if.h>

struct netwatch;

struct netwatch_link {
	unsigned int ifindex;
	char name[IF_NAMESIZE];
	uint16_t type; /* ARPHRD_... */
	char kind[16]; /* of a virtual one ("vlan", "veth"), "" otherwise */
	bool up;       /* administratively, and its carrier */
	unsigned int mtu;
	uint8_t mac[6];
	unsigned int rx_queues;
};

/* What is told: always links, and: */
enum { NETWATCH_ROUTES = 1, NETWATCH_NEIGHBOURS = 2 };

/* NULL with *why. */
struct netwatch *netwatch_open(unsigned int what, char *why);
void netwatch_close(struct netwatch *w); /* NULL is fine */
/* Becomes readable when something has happened. */
int netwatch_fd(const struct netwatch *w);

struct netwatch_ops {
	void (*link)(void *user, const struct netwatch_link *link); /* of any device */
	void (*gone)(void *user, unsigned int ifindex);
	/* The next two may be NULL where they were not asked for. */
	void (*neighbour)(void *user, unsigned int ifindex, struct in_addr address,
		const struct hop_address *now);
	void (*routes)(void *user); /* some route, rule or address of ours has changed */
	void (*missed)(void *user); /* anything may have */
};
/* Hands over what has happened. */
void netwatch_read(struct netwatch *w, const struct netwatch_ops *ops, void *user);

/* All: 0 or a negative errno. */
int netwatch_get_link(struct netwatch *w, unsigned int ifindex, struct netwatch_link *out);
/* The way of GRE to `peer` from `local` (0: any); *gateway 0: on link. -ENETUNREACH also if it is by an
 * IPv6 gateway. */
int netwatch_get_route(struct netwatch *w, struct in_addr peer, struct in_addr local,
	struct in_addr *gateway, unsigned int *ifindex);
/* out->known false: there is no entry. */
int netwatch_get_neighbour(
	struct netwatch *w, unsigned int ifindex, struct in_addr address, struct hop_address *out);
/* Has the kernel resolve that address, or confirm what it has. */
int netwatch_probe(struct netwatch *w, unsigned int ifindex, struct in_addr address);
