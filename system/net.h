/*
 * Addresses, links and routes through rtnetlink (libmnl), synchronous; forwarding and masquerading.
 * All return 0 or -1 with a sentence in `why` (SYSTEM_WHY bytes). IPv4.
 */
#pragma once

#include "system/tun.h"

#include <stdint.h>

/* Sets MTU and brings the link up. */
int net_link_up(const char *dev, unsigned int mtu, char *why);
/* local/32 with peer address `remote` (point to point), or local/prefix_len if remote is 0. */
int net_address_add(const char *dev, struct in_addr local, struct in_addr remote, unsigned int prefix_len, char *why);

struct net_route {
	struct in_addr prefix;
	uint8_t prefix_len;
	struct in_addr gateway; /* 0: on link */
	unsigned int ifindex;
	struct in_addr source; /* preferred source, 0 none */
	uint32_t metric;
	bool onlink; /* RTNH_F_ONLINK: the gateway need not be in a connected network */
};

/* The path to `dst` now, as the kernel would choose it (ip route get). */
int net_route_get(struct in_addr dst, struct net_route *out, char *why);
/* -1 also if the same route exists (EEXIST): *exists, if not NULL, says so; then nothing was added. */
int net_route_add(const struct net_route *route, bool *exists, char *why);
int net_route_del(const struct net_route *route, char *why);
/* The MTU of an interface; 0 if unknown. */
unsigned int net_link_mtu(unsigned int ifindex);
unsigned int net_ifindex(const char *dev); /* 0 if there is none */

/* net.ipv4.ip_forward: reads, writes. */
int net_forward_get(bool *on, char *why);
int net_forward_set(bool on, char *why);

/*
 * nftables table "greyline-DEV" (family ip): masquerades what comes from `prefix` and leaves by another device
 * than `dev`. Replaces a table of the same name, so a crashed predecessor's is no trouble.
 */
int net_masquerade_add(const char *dev, struct in_addr prefix, unsigned int prefix_len, char *why);
int net_masquerade_del(const char *dev, char *why);

/*
 * What must be undone if this process dies: one small file per instance below /run/greyline (or $GREYLINE_STATE):
 * lines "route ...", "forward 0", "masquerade DEV", with the process's pid and its start time. Written before the
 * change is made, removed when undone. net_state_recover() undoes what the files of dead instances name.
 */
struct net_state;
struct net_state *net_state_open(const char *name, char *why); /* name: device or instance; NULL on error */
int net_state_route(struct net_state *st, const struct net_route *route, char *why);
int net_state_forward(struct net_state *st, char *why); /* forwarding was off before */
int net_state_masquerade(struct net_state *st, const char *dev, char *why);
/* Undoes everything named, in reverse order, removes the file, frees. */
void net_state_close(struct net_state *st);
/* Undoes what dead instances left; logs each. Call at every start, before net_state_open(). */
void net_state_recover(void);
