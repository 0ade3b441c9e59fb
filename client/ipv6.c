/*
 * The client's IPv6: see ipv6.h. RFC 4862 section 5.5.3 (addresses), RFC 8106 (name servers).
 *
 * A prefix has to be one of 64 bits, as the interface identifier has the other 64. What fails here is
 * logged: IPv4 goes on.
 */
#include "client/ipv6.h"

#include "system/log.h"

#include <arpa/inet.h>
#include <string.h>

int client_ipv6_up(struct client_network *n, const struct client_config *config,
	const uint8_t identifier[8], unsigned int mtu, char *why)
{
	struct in6_addr address;

	nd_link_local(address.s6_addr, identifier);
	/* The first is for links without IPv4. */
	if (net_link_plain6(n->dev, why) < 0 || net_link_up(n->dev, mtu, why) < 0 ||
		net_address6_add(n->dev, &address, 64, ND_FOREVER, ND_FOREVER, why) < 0)
		return -1;
	for (unsigned int i = 0; i < config->route6_count; i++) {
		bool exists;

		if (net_route6_add(n->dev, &config->routes6[i].prefix, config->routes6[i].len,
			    &exists, why) == 0)
			continue;
		if (!exists)
			return -1;
		log_warning("%s", why);
	}
	return 0;
}

/* Two halves, as for IPv4; once there is an address to send from, so that programs do not try in
 * vain what they would do by IPv4. */
static void add_default(struct client_network *n)
{
	struct in6_addr half = { 0 };
	char why[SYSTEM_WHY];
	bool exists;

	if (net_route6_add(n->dev, &half, 1, &exists, why) < 0 && !exists)
		log_warning("%s", why);
	half.s6_addr[0] = 0x80;
	if (net_route6_add(n->dev, &half, 1, &exists, why) < 0 && !exists)
		log_warning("%s", why);
	n->default6 = true;
}

/* False: it is one more than a server may give. */
static bool remember(struct client_network *n, const struct in6_addr *address)
{
	char text[INET6_ADDRSTRLEN];

	for (unsigned int i = 0; i < n->address6_count; i++) {
		if (!memcmp(&n->addresses6[i], address, sizeof(*address)))
			return true;
	}
	if (n->address6_count == CLIENT_ADDRESSES_MAX)
		return false;
	n->addresses6[n->address6_count++] = *address;
	log_info("IPv6 address %s on %s", inet_ntop(AF_INET6, address, text, sizeof(text)), n->dev);
	return true;
}

/*
 * The address alone, also where the prefix is said to be on link: at the other end there is only one
 * of it, and a server must not draw to itself what is in a network that this machine is in.
 */
static bool learn_prefix(
	struct client_network *n, const struct nd_prefix *p, const uint8_t identifier[8])
{
	struct in6_addr address;
	char why[SYSTEM_WHY];

	if (!p->autonomous || p->len != 64 || !p->valid)
		return false;
	memcpy(address.s6_addr, p->prefix, 8);
	memcpy(address.s6_addr + 8, identifier, 8);
	if (!settings_is_host6(&address) || !remember(n, &address))
		return false;
	if (net_address6_add(n->dev, &address, 128, p->valid, p->preferred, why) == 0)
		return true;
	log_warning("%s", why);
	return false;
}

static void learn_dns(struct client_network *n, const struct nd_advertisement *ra)
{
	char why[SYSTEM_WHY];

	for (unsigned int i = 0; i < ra->dns_count && ra->dns_lifetime; i++) {
		char text[INET6_ADDRSTRLEN];

		inet_ntop(AF_INET6, ra->dns[i], text, sizeof(text));
		client_dns_add(&n->dns, text);
	}
	if (!n->dns.changed)
		return;
	if (n->dns_set)
		client_dns_unset(n->dev);
	n->dns_set = client_dns_set(n->dev, &n->dns, why) == 0;
	if (!n->dns_set)
		log_warning("%s", why);
}

void client_ipv6_again(struct client_network *n, const struct client_config *config,
	const uint8_t identifier[8], const struct nd_advertisement *ra)
{
	n->address6_count = 0;
	n->default6 = false;
	client_ipv6_learn(n, config, identifier, ra);
}

void client_ipv6_learn(struct client_network *n, const struct client_config *config,
	const uint8_t identifier[8], const struct nd_advertisement *ra)
{
	bool any = false;

	for (unsigned int i = 0; i < ra->prefix_count; i++)
		any = learn_prefix(n, &ra->prefixes[i], identifier) || any;
	if (any && config->default_route && ra->router_lifetime && !n->default6)
		add_default(n);
	if (config->dns)
		learn_dns(n, ra);
}
