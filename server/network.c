/* TUN, routes, forwarding, masquerading: see network.h. */
#include "server/network.h"

#include "server/ipv6.h"
#include "system/log.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool in_pool(const struct server_config *config, struct in_addr addr)
{
	for (unsigned int i = 0; i < cfg_size(config->cfg, "pool"); i++) {
		struct in_addr prefix;
		unsigned int len;

		(void)settings_cidr(cfg_getnstr(config->cfg, "pool", i), &prefix, &len);
		if (!len || !((ntohl(addr.s_addr) ^ ntohl(prefix.s_addr)) >> (32 - len)))
			return true;
	}
	return false;
}

/* Does something for each network of clients: the pools, users' fixed addresses outside of them, and
 * the networks behind users. */
static int each_network(struct server_network *n, const struct server_config *config,
	int (*step)(struct server_network *n, const struct server_config *config,
		struct in_addr prefix, unsigned int len, char *why),
	char *why)
{
	struct in_addr prefix;
	unsigned int len;

	for (unsigned int i = 0; i < cfg_size(config->cfg, "pool"); i++) {
		(void)settings_cidr(cfg_getnstr(config->cfg, "pool", i), &prefix, &len);
		if (step(n, config, prefix, len, why) < 0)
			return -1;
	}
	for (const struct account *a = config->accounts.newest; a; a = a->older) {
		for (unsigned int i = 0; i < a->network_count; i++) {
			if (step(n, config, a->networks[i].prefix, a->networks[i].len, why) < 0)
				return -1;
		}
		if (!a->address.s_addr || in_pool(config, a->address))
			continue;
		if (step(n, config, a->address, 32, why) < 0)
			return -1;
	}
	return 0;
}

/* Through the device, whose end takes it along. */
static struct net_route route_of(struct server_network *n, const struct server_config *config,
	struct in_addr prefix, unsigned int len)
{
	return (struct net_route){ .prefix = prefix,
		.prefix_len = (uint8_t)len,
		.ifindex = net_ifindex(n->dev),
		.source = config->local };
}

static int add_route(struct server_network *n, const struct server_config *config,
	struct in_addr prefix, unsigned int len, char *why)
{
	struct net_route route = route_of(n, config, prefix, len);

	return net_route_add(&route, NULL, why);
}

/* Somebody else may have been faster. */
static int add_route_again(struct server_network *n, const struct server_config *config,
	struct in_addr prefix, unsigned int len, char *why)
{
	struct net_route route = route_of(n, config, prefix, len);
	bool exists = false;

	return net_route_add(&route, &exists, why) == 0 || exists ? 0 : -1;
}

static int masquerade(struct server_network *n, const struct server_config *config,
	struct in_addr prefix, unsigned int len, char *why)
{
	(void)config;
	return net_masquerade_add(n->dev, prefix, len, why);
}

static int forward(struct server_network *n, char *why)
{
	return net_state_forward(n->state, why) < 0 ? -1 : net_forward_set(true, why);
}

static int forward6(struct server_network *n, char *why)
{
	bool on;

	if (net_forward6_get(&on, why) < 0)
		return -1;
	if (!on)
		log_warning("forwarding IPv6: this machine takes router advertisements itself only "
			    "where "
			    "net.ipv6.conf.DEVICE.accept_ra is 2");
	return net_state_forward6(n->state, why) < 0 ? -1 : net_forward6_set(true, why);
}

/* The device has one link-local address for all sessions, and one of the first prefix. */
static int add_addresses6(struct server_network *n, const struct server_config *config, char *why)
{
	struct in6_addr link_local;

	nd_link_local(link_local.s6_addr, server_identifier);
	if (net_address6_add(n->dev, &link_local, 64, ND_FOREVER, ND_FOREVER, why) < 0)
		return -1;
	if (!config->pool6.range_count)
		return 0;
	if (net_address6_add(n->dev, &config->local6, 128, ND_FOREVER, ND_FOREVER, why) < 0)
		return -1;
	for (unsigned int i = 0; i < cfg_size(config->cfg, "pool6"); i++) {
		struct in6_addr prefix;
		unsigned int len;
		bool exists = false;

		(void)settings_cidr6(cfg_getnstr(config->cfg, "pool6", i), &prefix, &len);
		if (net_route6_add(n->dev, &prefix, len, &exists, why) < 0 && !exists)
			return -1;
	}
	return 0;
}

static bool has_ipv6(const struct server_config *config)
{
	return config->session.link.ipv6 != PPP_IPV6_OFF;
}

/* AF_XDP's sockets belong to queues of the interface, whose choice among calls is not ours. */
static unsigned int workers_of(const struct server_config *config)
{
	unsigned int workers = config->workers ? config->workers : dp_workers_auto();

	if (config->datapath != DATAPATH_XDP || workers == 1)
		return workers;
	log_info("workers: one, not %u, since datapath = xdp is for one", workers);
	return 1;
}

/* The new device's addresses and routes. */
static int set_up_device(struct server_network *n, const struct server_config *config, char *why)
{
	struct in_addr none = { 0 };

	if (has_ipv6(config) && net_link_plain6(n->dev, why) < 0)
		return -1;
	if (net_address_add(n->dev, config->local, none, 32, why) < 0 ||
		net_link_up(n->dev, config->mtu, why) < 0 ||
		each_network(n, config, add_route, why) < 0)
		return -1;
	return has_ipv6(config) ? add_addresses6(n, config, why) : 0;
}

static int set_up(struct server_network *n, const struct server_config *config, char *why)
{
	unsigned int workers = workers_of(config);

	n->tun_fd = tun_open(n->dev, workers > 1, config->offload ? &n->offload : NULL, why);
	if (n->tun_fd < 0)
		return -1;
	n->gre_fd = gre_socket_open(NULL, config->fragment, why);
	if (n->gre_fd < 0)
		return -1;
	server_queues_open(
		&n->queues, workers, n->dev, n->tun_fd, &n->offload, n->gre_fd, config->fragment);
	n->state = net_state_open(n->dev, why);
	if (!n->state)
		return -1;
	if (set_up_device(n, config, why) < 0)
		return -1;
	if (config->forward && forward(n, why) < 0)
		return -1;
	if (has_ipv6(config) && config->pool6.range_count && config->forward &&
		forward6(n, why) < 0)
		return -1;
	if (!config->masquerade)
		return 0;
	return net_state_masquerade(n->state, n->dev, why) < 0
		       ? -1
		       : each_network(n, config, masquerade, why);
}

int server_network_up(struct server_network *n, const struct server_config *config, char *why)
{
	memset(n, 0, sizeof(*n));
	n->tun_fd = n->gre_fd = -1;
	snprintf(n->dev, sizeof(n->dev), "%s", config->dev);
	net_state_recover();
	if (set_up(n, config, why) == 0)
		return 0;
	server_network_down(n);
	return -1;
}

int server_network_again(struct server_network *n, const struct server_config *config, char *why)
{
	if (each_network(n, config, add_route_again, why) < 0)
		return -1;
	return has_ipv6(config) ? add_addresses6(n, config, why) : 0;
}

int server_network_renew(struct server_network *n, const struct server_config *config, char *why)
{
	struct tun_offload offload = { 0 };
	int fd = tun_open(n->dev, n->queues.workers > 1, config->offload ? &offload : NULL, why);

	if (fd < 0)
		return -1;
	if (memcmp(&offload, &n->offload, sizeof(offload)) != 0) {
		snprintf(why, SYSTEM_WHY, "a new TUN device has other offloads");
		close(fd);
		return -1;
	}
	if (tun_replace(n->tun_fd, fd, why) < 0 ||
		server_queues_renew(&n->queues, n->dev, &n->offload, why) < 0)
		return -1;
	return set_up_device(n, config, why);
}

void server_network_down(struct server_network *n)
{
	if (n->state)
		net_state_close(n->state);
	server_queues_close(&n->queues);
	if (n->gre_fd >= 0)
		close(n->gre_fd);
	if (n->tun_fd >= 0)
		close(n->tun_fd);
	n->state = NULL;
	n->gre_fd = n->tun_fd = -1;
}
