/* Values of IPv6's keys: see settings.h. */
#include "session/settings.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *last_string(cfg_opt_t *opt)
{
	return cfg_opt_getnstr(opt, cfg_opt_size(opt) - 1);
}

/* Are all bits behind the first `len` 0? */
static bool no_host_bits(const struct in6_addr *prefix, unsigned int len)
{
	for (unsigned int i = len; i < 128; i++) {
		if (prefix->s6_addr[i / 8] & 0x80u >> i % 8)
			return false;
	}
	return true;
}

int settings_cidr6(const char *text, struct in6_addr *prefix, unsigned int *len)
{
	if (settings_network(AF_INET6, text, prefix, len) < 0)
		return -EINVAL;
	return no_host_bits(prefix, *len) ? 0 : -EINVAL;
}

bool settings_is_host6(const struct in6_addr *addr)
{
	return !IN6_IS_ADDR_UNSPECIFIED(addr) && !IN6_IS_ADDR_LOOPBACK(addr) &&
	       !IN6_IS_ADDR_MULTICAST(addr) && !IN6_IS_ADDR_LINKLOCAL(addr) &&
	       !IN6_IS_ADDR_V4MAPPED(addr);
}

int settings_ipv6(const char *text, enum ppp_ipv6_policy *policy)
{
	static const char *const words[] = {
		[PPP_IPV6_OFF] = "off",
		[PPP_IPV6_ON] = "on",
		[PPP_IPV6_ALONE] = "alone",
	};

	for (unsigned int i = 0; text && i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(text, words[i]) != 0)
			continue;
		*policy = (enum ppp_ipv6_policy)i;
		return 0;
	}
	return -EINVAL;
}

/* `any`: also a network that no host has an address in. */
static int check_prefix(cfg_t *cfg, cfg_opt_t *opt, bool any)
{
	const char *v = last_string(opt);
	struct in6_addr prefix;
	unsigned int len;

	if (settings_cidr6(v, &prefix, &len) == 0 && (any || settings_is_host6(&prefix)))
		return 0;
	cfg_error(cfg,
		"%s: \"%s\" is not an IPv6 network (write PREFIX/LENGTH with the host bits 0, like "
		"2001:db8:1::/48)",
		opt->name, v);
	return -1;
}

int settings_check_cidr6(cfg_t *cfg, cfg_opt_t *opt)
{
	return check_prefix(cfg, opt, false);
}

int settings_check_any_cidr(cfg_t *cfg, cfg_opt_t *opt)
{
	return strchr(last_string(opt), ':') ? check_prefix(cfg, opt, true)
					     : settings_check_cidr(cfg, opt);
}

int settings_check_host6(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *v = last_string(opt);
	struct in6_addr addr;

	if (inet_pton(AF_INET6, v, &addr) == 1 && settings_is_host6(&addr))
		return 0;
	cfg_error(cfg, "%s: \"%s\" is not the IPv6 address of a host (like 2001:db8::53)",
		opt->name, v);
	return -1;
}

int settings_check_ipv6(cfg_t *cfg, cfg_opt_t *opt)
{
	enum ppp_ipv6_policy policy;
	const char *v = last_string(opt);

	if (settings_ipv6(v, &policy) == 0)
		return 0;
	cfg_error(cfg, "%s: \"%s\" is none of off, on, alone", opt->name, v);
	return -1;
}
