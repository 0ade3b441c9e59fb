/*
 * The client's IPv6: the device's link-local address, then, as the server's router advertisements
 * say, addresses, routes and name servers. The advertisement is taken by us, not by the kernel: only
 * so nothing is routed into the tunnel that was not asked for, and no sysctl has to be changed.
 */
#pragma once

#include "client/network.h"
#include "lib/nd/message.h"

/* IPV6CP is open. */
int client_ipv6_up(struct client_network *n, const struct client_config *config,
	const uint8_t identifier[8], unsigned int mtu, char *why);
/* The device was down, and has lost all of it: as client_ipv6_learn(), from nothing. */
void client_ipv6_again(struct client_network *n, const struct client_config *config,
	const uint8_t identifier[8], const struct nd_advertisement *ra);
/* The server says this: again and again, with times that begin anew. */
void client_ipv6_learn(struct client_network *n, const struct client_config *config,
	const uint8_t identifier[8], const struct nd_advertisement *ra);
