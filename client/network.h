/* The client's side of the network: TUN device, address, routes, name servers; set up when the
 * tunnel is up, undone after. */
#pragma once

#include "client/config.h"
#include "system/net.h"

#define CLIENT_DNS_MAX       4
#define CLIENT_ADDRESSES_MAX 8 /* of IPv6 that a server can give in one session */

/* Name servers, as text; no one twice. */
struct client_dns {
	char servers[CLIENT_DNS_MAX][INET6_ADDRSTRLEN];
	unsigned int count;
	bool changed; /* since client_dns_set() */
};

struct client_network {
	char dev[16];
	int tun_fd, gre_fd; /* -1: not open */
	struct tun_offload offload;
	struct net_state *state; /* NULL until there is something to undo */
	struct net_route host;   /* to the server, where has_host */
	bool has_host, no_way;   /* no_way: it was said that there is none */
	bool has_routes;         /* of IPv4, through the tunnel: not where there is IPv6 alone */
	bool dns_set;
	struct client_dns dns;
	struct in6_addr addresses6[CLIENT_ADDRESSES_MAX]; /* learnt */
	unsigned int address6_count;
	bool default6; /* IPv6 goes through the tunnel */
};

/* Before dialling: device and GRE socket, so that what is missing is said at once. 0, or -1 with
 * *why. */
int client_network_open(struct client_network *n, const struct client_config *config, char *why);
/* The server answers, so there is a route to it: from now on only its GRE packets are received. */
int client_network_connect(struct client_network *n, struct in_addr server, char *why);
/* The tunnel is up: address, routes (first the host route to the server by its present path), DNS.
 */
int client_network_up(struct client_network *n, const struct client_config *config,
	struct in_addr server, const struct ppp_network *net, unsigned int mtu, char *why);
/* The device was down and has lost its routes: what client_network_up() has added is added again. */
int client_network_again(struct client_network *n, const struct client_config *config, char *why);
/* The device was removed: another one of its name takes its place, as it was before client_network_up(). The
 * data plane has to be told. */
int client_network_renew(struct client_network *n, const struct client_config *config, char *why);
/*
 * The machine's routes have changed. Where the host route to the server is gone, the tunnel's own packets
 * would go into the tunnel: they get the way that there is now. true: they have another one.
 */
bool client_network_reroute(struct client_network *n, struct in_addr server);
void client_network_close(struct client_network *n);

/* client/dns.c: one more, if there is room for it and it is not there. */
void client_dns_add(struct client_dns *dns, const char *server);
/* Uses them for the device; -1 with *why. */
int client_dns_set(const char *dev, struct client_dns *dns, char *why);
void client_dns_unset(const char *dev);
/* Puts back what a dead client left. */
void client_dns_recover(void);
