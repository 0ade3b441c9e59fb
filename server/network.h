/* The server's side of the network: TUN device, addresses, routes, forwarding, masquerading; set up
 * and taken down. */
#pragma once

#include "server/config.h"
#include "server/queues.h"
#include "system/net.h"

struct server_network {
	char dev[16];
	int tun_fd, gre_fd; /* -1: not open */
	struct tun_offload offload;
	struct server_queues queues;
	struct net_state *state;
};

/* 0, or -1 with *why, everything undone. What a crashed predecessor left is undone first. */
int server_network_up(struct server_network *n, const struct server_config *config, char *why);
/* The device was down, and has lost its routes and IPv6 addresses: they are added again. */
int server_network_again(struct server_network *n, const struct server_config *config, char *why);
/* The device was removed: another one of its name, with the same queues, takes its place. The data plane has to be
 * told then. */
int server_network_renew(struct server_network *n, const struct server_config *config, char *why);
void server_network_down(struct server_network *n);
