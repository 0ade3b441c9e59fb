/*
 * What the tests of system/ against the kernel share: devices, routes, and what other programs see.
 */
#pragma once

#include "system/log.h"
#include "system/net.h"
#include "tests/netns/namespace.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Enters a network namespace, or prints a TAP plan that says what is missing, and ends the program. */
static inline void net_enter_or_skip(void)
{
	if (access("/dev/net/tun", R_OK | W_OK) < 0) {
		printf("1..0 # SKIP /dev/net/tun: %s (needs root and the tun module)\n",
			strerror(errno));
		exit(0);
	}
	namespace_enter_or_skip();
}

static char why[SYSTEM_WHY];

static inline struct in_addr ip(const char *text)
{
	struct in_addr address;

	assert_int_equal(inet_pton(AF_INET, text, &address), 1);
	return address;
}

/* What a command of the system prints; "" if nothing. */
static const char *output(const char *command)
{
	static char text[16384];
	FILE *pipe = popen(command, "r");
	size_t n;

	assert_non_null(pipe);
	n = fread(text, 1, sizeof(text) - 1, pipe);
	text[n] = '\0';
	pclose(pipe);
	return text;
}

static inline bool have(const char *tool)
{
	char command[64];

	snprintf(command, sizeof(command), "command -v %s", tool);
	return *output(command) != '\0';
}

static inline void must(int rc)
{
	if (rc != 0)
		fail_msg("%s", why);
}

/* A TUN device that is up, with an address. */
static inline int make_device(const char *name, const char *local, unsigned int prefix_len)
{
	char dev[IFNAMSIZ];
	int fd;

	snprintf(dev, sizeof(dev), "%s", name);
	fd = tun_open(dev, false, NULL, why);
	if (fd < 0)
		fail_msg("%s", why);
	must(net_address_add(dev, ip(local), (struct in_addr){ 0 }, prefix_len, why));
	must(net_link_up(dev, 1400, why));
	return fd;
}

static inline struct net_route route_to(
	const char *prefix, unsigned int len, const char *gateway, const char *dev)
{
	return (struct net_route){ .prefix = ip(prefix),
		.prefix_len = (uint8_t)len,
		.gateway = ip(gateway),
		.ifindex = net_ifindex(dev) };
}
