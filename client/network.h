/* The client's side of the network: TUN device, address, routes, name servers; set up when the
 * tunnel is up, undone after. */
#pragma once

#include "client/config.h"
#include "system/net.h"

struct client_network {
	char dev[16];
	int tun_fd, gre_fd;      /* -1: not open */
	struct net_state *state; /* NULL until there is something to undo */
	bool dns_set;
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
void client_network_close(struct client_network *n);

/* client/dns.c: uses `servers` for the device; false with *why. */
int client_dns_set(const char *dev, const uint32_t servers[2], char *why);
void client_dns_unset(const char *dev);
/* Puts back what a dead client left. */
void client_dns_recover(void);
