/*
 * Addresses, links and routes through rtnetlink (libmnl), synchronous; forwarding and masquerading.
 * All return 0 or -1 with a sentence in `why` (SYSTEM_WHY bytes) and errno set. IPv4, unless the
 * name has a 6.
 */
#pragma once

#include "system/tun.h"

#include <stdint.h>

/* The routing protocol number of our routes ("proto 147" in `ip route`): tells them from everybody
 * else's. */
#define NET_ROUTE_PROTOCOL 147

/* Sets MTU and brings the link up. */
int net_link_up(const char *dev, unsigned int mtu, char *why);
/* local/32 with peer address `remote` (point to point), or local/prefix_len if remote is 0. */
int net_address_add(const char *dev, struct in_addr local, struct in_addr remote,
	unsigned int prefix_len, char *why);

/*
 * IPv6: the kernel gives the device no addresses by itself. Before net_link_up(), which would have
 * it made a link-local one.
 */
int net_link_plain6(const char *dev, char *why);
/* address/len, for so long (s; UINT32_MAX for ever); again: the new times hold. */
int net_address6_add(const char *dev, const struct in6_addr *address, unsigned int len,
	uint32_t valid, uint32_t preferred, char *why);
/* Through the device, which takes it along when it goes. -1 also if it exists (EEXIST): *exists. */
int net_route6_add(
	const char *dev, const struct in6_addr *prefix, unsigned int len, bool *exists, char *why);

struct net_route {
	struct in_addr prefix;
	uint8_t prefix_len;
	struct in_addr gateway; /* 0: on link */
	unsigned int ifindex;
	struct in_addr source; /* preferred source, 0 none */
	uint32_t metric;
	bool onlink; /* RTNH_F_ONLINK: the gateway need not be in a connected network */
};

/* The path to `dst` now, as the kernel would choose it (ip route get); ready for net_route_add(),
 * as a host route. */
int net_route_get(struct in_addr dst, struct net_route *out, char *why);
/* The path to `dst` that the main table has beside the device `ifindex`: what net_route_get() would say
 * if that device were not there. Of several next hops, policies and other tables it knows nothing. */
int net_route_beside(struct in_addr dst, unsigned int ifindex, struct net_route *out, char *why);
/* -1 also if the same route exists (EEXIST): *exists, if not NULL, says so; then nothing was added.
 */
int net_route_add(const struct net_route *route, bool *exists, char *why);
/* Only a route of greyline's own (NET_ROUTE_PROTOCOL); -1 with ESRCH if there is none. */
int net_route_del(const struct net_route *route, char *why);
unsigned int net_ifindex(const char *dev); /* 0 if there is none */

/* net.ipv4.ip_forward: reads, writes. */
int net_forward_get(bool *on, char *why);
int net_forward_set(bool on, char *why);
/* net.ipv6.conf.all.forwarding. While it is on, the kernel takes no router advertisements at devices
 * whose accept_ra is not 2. */
int net_forward6_get(bool *on, char *why);
int net_forward6_set(bool on, char *why);

/*
 * nftables table "greyline-DEV" (family ip): masquerades what comes from `prefix` and leaves by
 * another device than `dev`. May be called for several prefixes; twice for the same is no error.
 * net_state_recover() removes a crashed predecessor's.
 */
int net_masquerade_add(const char *dev, struct in_addr prefix, unsigned int prefix_len, char *why);
int net_masquerade_del(const char *dev, char *why); /* no error if there is none */
/* -1 if the name of `dev` could not stand in a rule. */
int net_masquerade_check(const char *dev, char *why);

/*
 * What must be undone if this process dies: one small file per instance in /run/greyline (or
 * $GREYLINE_STATE): lines "route ...", "forward 0", "forward6 0", "masquerade DEV", with the process's pid and
 * its start time. Noted before the change is made, removed when undone, each time by a rename, so
 * that kill -9 at any moment leaves a file that names at least what was changed.
 * net_state_recover() undoes what the files of dead instances name.
 *
 * Several instances may need the same thing: each notes it, and only the last one of them that goes
 * undoes it. Undoing what is not there is no error, so a note of a change that was never made does
 * no harm.
 */
struct net_state;
/* name: device or instance, [A-Za-z0-9_.-], up to 40 characters. NULL on error, also if an instance
 * of that name lives. */
struct net_state *net_state_open(const char *name, char *why);
/* Before net_route_add(). Also right if that then finds that the route exists: if it is another
 * instance's, it stays until both have gone; if it is not greyline's, it is never removed. */
int net_state_route(struct net_state *st, const struct net_route *route, char *why);
/* Removes one noted route (unless another instance needs it) and its note: for one that changes
 * during the run. */
int net_state_route_undo(struct net_state *st, const struct net_route *route, char *why);
/* Before net_forward_set(true), always: finds out by itself whether forwarding was off before (or
 * is on only by another instance's doing), and notes it only then. */
int net_state_forward(struct net_state *st, char *why);
/* The same before net_forward6_set(true). */
int net_state_forward6(struct net_state *st, char *why);
/* Before net_masquerade_add(). */
int net_state_masquerade(struct net_state *st, const char *dev, char *why);
/* Undoes everything noted, in reverse order, removes the file, frees. What could not be undone is
 * logged and stays in the file, for the next start. NULL is fine. */
void net_state_close(struct net_state *st);
/* Undoes what dead instances left; logs each. Call at every start, before net_state_open(). */
void net_state_recover(void);
