/* Device, routes, DNS of the client: see network.h. */
#include "client/network.h"

#include "system/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int client_network_open(struct client_network *n, const struct client_config *config, char *why)
{
	memset(n, 0, sizeof(*n));
	n->tun_fd = n->gre_fd = -1;
	snprintf(n->dev, sizeof(n->dev), "%s", config->dev);
	n->tun_fd = tun_open(n->dev, false, config->offload ? &n->offload : NULL, why);
	if (n->tun_fd >= 0)
		n->gre_fd = gre_socket_open(NULL, config->fragment, why);
	if (n->gre_fd >= 0)
		return 0;
	client_network_close(n);
	return -1;
}

int client_network_connect(struct client_network *n, struct in_addr server, char *why)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = server };

	if (connect(n->gre_fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
		return 0;
	snprintf(why, SYSTEM_WHY, "cannot use the GRE socket for this server: %s", strerror(errno));
	return -1;
}

static bool covers(const struct client_route *route, struct in_addr addr)
{
	uint32_t mask = route->len ? 0xffffffffu << (32 - route->len) : 0;

	return ((ntohl(route->prefix.s_addr) ^ ntohl(addr.s_addr)) & mask) == 0;
}

/* Does a route that is asked for lead the tunnel's own packets into the tunnel? */
static bool needs_host_route(const struct client_config *config, struct in_addr server)
{
	if (config->default_route)
		return true;
	for (unsigned int i = 0; i < config->route_count; i++) {
		if (covers(&config->routes[i], server))
			return true;
	}
	return false;
}

static int set_host_route(struct client_network *n, const struct net_route *route, char *why)
{
	bool exists = false;

	if (net_state_route(n->state, route, why) < 0 ||
		(net_route_add(route, &exists, why) < 0 && !exists))
		return -1;
	n->host = *route;
	n->has_host = true;
	return 0;
}

static int add_host_route(struct client_network *n, struct in_addr server, char *why)
{
	struct net_route route;

	if (net_route_get(server, &route, why) < 0)
		return -1;
	route.prefix = server;
	route.prefix_len = 32;
	n->state = net_state_open(n->dev, why);
	return n->state ? set_host_route(n, &route, why) : -1;
}

static int add_routes(
	struct client_network *n, const struct client_config *config, bool again, char *why)
{
	/* Two halves instead of a second default route: they win over it without touching it, and
	 * go with the device. */
	static const uint32_t halves[] = { 0, 0x80000000u };
	struct net_route route = { .ifindex = net_ifindex(n->dev) };
	bool exists;

	for (unsigned int i = 0; i < config->route_count; i++) {
		route.prefix = config->routes[i].prefix;
		route.prefix_len = (uint8_t)config->routes[i].len;
		if (net_route_add(&route, &exists, why) < 0) {
			if (!exists)
				return -1;
			if (!again)
				log_warning("%s", why);
		}
	}
	for (unsigned int i = 0; config->default_route && i < 2; i++) {
		route.prefix.s_addr = htonl(halves[i]);
		route.prefix_len = 1;
		if (net_route_add(&route, &exists, why) < 0 && !(again && exists))
			return -1;
	}
	return 0;
}

int client_network_up(struct client_network *n, const struct client_config *config,
	struct in_addr server, const struct ppp_network *net, unsigned int mtu, char *why)
{
	struct in_addr local = { net->local }, remote = { net->remote };

	if (local.s_addr == server.s_addr) {
		char text[INET_ADDRSTRLEN];

		snprintf(why, SYSTEM_WHY,
			"the server gives this machine the address %s, by which the server itself "
			"is "
			"reached",
			inet_ntop(AF_INET, &local, text, sizeof(text)));
		return -1;
	}
	/* Many servers give their outer address as that in the tunnel, too (pptpd by default): a
	 * peer address of the device would lead the tunnel into itself. */
	if (remote.s_addr == server.s_addr)
		remote.s_addr = 0;
	if (config->session.link.ipv6 != PPP_IPV6_OFF && net_link_plain6(n->dev, why) < 0)
		log_warning("%s", why);
	if (net_address_add(n->dev, local, remote, 32, why) < 0 ||
		net_link_up(n->dev, mtu, why) < 0)
		return -1;
	if (!n->has_host && needs_host_route(config, server) && add_host_route(n, server, why) < 0)
		return -1;
	n->has_routes = true;
	if (add_routes(n, config, false, why) < 0)
		return -1;
	for (unsigned int i = 0; i < 2; i++) {
		char text[INET_ADDRSTRLEN];

		if (net->dns[i])
			client_dns_add(
				&n->dns, inet_ntop(AF_INET, &net->dns[i], text, sizeof(text)));
	}
	if (config->dns && n->dns.count) {
		if (client_dns_set(n->dev, &n->dns, why) < 0)
			log_warning("%s", why);
		else
			n->dns_set = true;
	} else if (config->dns && config->session.link.ipv6 == PPP_IPV6_OFF) {
		log_warning("the server gives no name servers: those of this machine stay");
	}
	return 0;
}

int client_network_again(struct client_network *n, const struct client_config *config, char *why)
{
	return n->has_routes ? add_routes(n, config, true, why) : 0;
}

int client_network_renew(struct client_network *n, const struct client_config *config, char *why)
{
	struct tun_offload offload = { 0 };
	int fd = tun_open(n->dev, false, config->offload ? &offload : NULL, why);

	if (fd < 0)
		return -1;
	if (memcmp(&offload, &n->offload, sizeof(offload)) != 0) {
		snprintf(why, SYSTEM_WHY, "a new TUN device has other offloads");
		close(fd);
		return -1;
	}
	if (tun_replace(n->tun_fd, fd, why) < 0)
		return -1;
	if (n->dns_set)
		client_dns_unset(n->dev);
	/* Without IPv4 it is what the server says by IPv6 that sets them, if it is news. */
	n->dns.changed = n->dns.changed || n->dns_set;
	n->dns_set = false;
	return 0;
}

/* Leads the route that is in force past the tunnel? */
static bool passes_by(const struct client_network *n, struct in_addr server)
{
	struct net_route now;
	char why[SYSTEM_WHY];

	return net_route_get(server, &now, why) == 0 && now.ifindex != net_ifindex(n->dev);
}

static void say_way(const struct client_network *n)
{
	char gateway[INET_ADDRSTRLEN], dev[IF_NAMESIZE];

	inet_ntop(AF_INET, &n->host.gateway, gateway, sizeof(gateway));
	log_info("the route to the server was gone: packets go through %s%s%s now",
		if_indextoname(n->host.ifindex, dev) ? dev : "another device",
		n->host.gateway.s_addr ? " by " : "", n->host.gateway.s_addr ? gateway : "");
}

/* The old one first: one without a source is, to the kernel that removes it, one with any. */
static int change_host_route(struct client_network *n, const struct net_route *now, char *why)
{
	const struct net_route *old = &n->host;

	if ((old->gateway.s_addr != now->gateway.s_addr || old->ifindex != now->ifindex ||
		    old->source.s_addr != now->source.s_addr) &&
		net_state_route_undo(n->state, old, why) < 0)
		log_warning("%s", why);
	return set_host_route(n, now, why);
}

static int find_way(struct client_network *n, struct in_addr server, char *why)
{
	struct net_route now;

	if (net_route_beside(server, net_ifindex(n->dev), &now, why) < 0 ||
		change_host_route(n, &now, why) < 0)
		return -1;
	if (passes_by(n, server))
		return 0;
	snprintf(why, SYSTEM_WHY, "one is there, but the machine's rules lead into the tunnel");
	return -1;
}

bool client_network_reroute(struct client_network *n, struct in_addr server)
{
	char why[SYSTEM_WHY];

	if (!n->has_host || passes_by(n, server))
		return false;
	if (find_way(n, server, why) < 0) {
		if (!n->no_way)
			log_warning("the tunnel waits for a route to its server: %s", why);
		n->no_way = true;
		return false;
	}
	n->no_way = false;
	say_way(n);
	return true;
}

void client_network_close(struct client_network *n)
{
	if (n->dns_set)
		client_dns_unset(n->dev);
	if (n->state)
		net_state_close(n->state);
	if (n->gre_fd >= 0)
		close(n->gre_fd);
	if (n->tun_fd >= 0)
		close(n->tun_fd);
	n->tun_fd = n->gre_fd = -1;
	n->state = NULL;
	n->dns_set = false;
}
