/*
 * Forwarding (a sysctl of the network namespace) and masquerading (libnftables).
 *
 * A device's rules are one table of our own, made and replaced in one nftables transaction: the
 * rules of others are never touched, and there is no moment with half a table.
 */
#include "system/net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <nftables/libnftables.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct sysctl {
	const char *path, *name;
};

static const struct sysctl forward4 = { "/proc/sys/net/ipv4/ip_forward", "net.ipv4.ip_forward" };
static const struct sysctl forward6 = { "/proc/sys/net/ipv6/conf/all/forwarding",
	"net.ipv6.conf.all.forwarding" };

static int why_forward(const struct sysctl *ctl, const char *verb, int error, char *why)
{
	if (error == EACCES || error == EPERM)
		snprintf(why, SYSTEM_WHY,
			"no permission to %s %s: run as root or with CAP_NET_ADMIN", verb,
			ctl->path);
	else if (error == EROFS)
		snprintf(why, SYSTEM_WHY,
			"cannot %s %s: it is read-only here (set %s=1 outside of "
			"this sandbox)",
			verb, ctl->path, ctl->name);
	else
		snprintf(why, SYSTEM_WHY, "cannot %s %s: %s", verb, ctl->path, strerror(error));
	errno = error;
	return -1;
}

static int forward_get(const struct sysctl *ctl, bool *on, char *why)
{
	int fd = open(ctl->path, O_RDONLY | O_CLOEXEC);
	char value;

	if (fd < 0)
		return why_forward(ctl, "read", errno, why);
	if (read(fd, &value, 1) != 1) {
		int error = errno;

		close(fd);
		return why_forward(ctl, "read", error, why);
	}
	close(fd);
	*on = value != '0';
	return 0;
}

static int forward_set(const struct sysctl *ctl, bool on, char *why)
{
	int fd, error = 0;
	bool now;

	/* A write resets per-device settings (redirects), even where it changes nothing. */
	if (forward_get(ctl, &now, why) == 0 && now == on)
		return 0;
	fd = open(ctl->path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return why_forward(ctl, "write", errno, why);
	if (write(fd, on ? "1\n" : "0\n", 2) != 2)
		error = errno;
	close(fd);
	return error ? why_forward(ctl, "write", error, why) : 0;
}

int net_forward_get(bool *on, char *why)
{
	return forward_get(&forward4, on, why);
}

int net_forward_set(bool on, char *why)
{
	return forward_set(&forward4, on, why);
}

int net_forward6_get(bool *on, char *why)
{
	return forward_get(&forward6, on, why);
}

int net_forward6_set(bool on, char *why)
{
	return forward_set(&forward6, on, why);
}

/* A device's name goes into a command, so only what cannot mean anything else there. */
static bool plain_name(const char *dev)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";

	return *dev && strlen(dev) < IF_NAMESIZE && dev[strspn(dev, plain)] == '\0';
}

/* The first line of what nftables complains about, without its position. */
static void why_nftables(
	struct nft_ctx *nft, const char *what, const char *dev, int error, char *why)
{
	const char *text = nft_ctx_get_error_buffer(nft);
	const char *colon;

	if (error == EPERM || error == EACCES ||
		(text && strstr(text, "Operation not permitted"))) {
		snprintf(why, SYSTEM_WHY,
			"no permission to %s masquerading for %s: run as root or with "
			"CAP_NET_ADMIN",
			what, dev);
		return;
	}
	colon = text ? strstr(text, "Error: ") : NULL;
	if (colon)
		text = colon + strlen("Error: ");
	if (!text || !*text)
		text = strerror(error);
	snprintf(why, SYSTEM_WHY, "cannot %s masquerading for %s: nftables says: %.*s", what, dev,
		(int)strcspn(text, "\n"), text);
}

static int run(const char *commands, const char *what, const char *dev, char *why)
{
	/* libnftables ends the whole process where it gets no netlink socket, so ask before it
	 * does. */
	int probe = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
	struct nft_ctx *nft;
	int rc, error;

	if (probe < 0) {
		snprintf(why, SYSTEM_WHY,
			"cannot %s masquerading for %s: the kernel has no nftables (load the "
			"module: modprobe "
			"nf_tables)",
			what, dev);
		return -1;
	}
	close(probe);
	nft = nft_ctx_new(NFT_CTX_DEFAULT);
	if (!nft) {
		snprintf(
			why, SYSTEM_WHY, "cannot %s masquerading for %s: out of memory", what, dev);
		return -1;
	}
	nft_ctx_buffer_error(nft);
	nft_ctx_buffer_output(nft);
	errno = 0;
	rc = nft_run_cmd_from_buffer(nft, commands);
	error = errno;
	if (rc)
		why_nftables(nft, what, dev, error, why);
	nft_ctx_free(nft);
	errno = error;
	return rc ? -1 : 0;
}

int net_masquerade_check(const char *dev, char *why)
{
	if (plain_name(dev))
		return 0;
	snprintf(why, SYSTEM_WHY,
		"no masquerading for a device of such a name: use up to %d letters, digits, '-', "
		"'_' or '.'",
		IF_NAMESIZE - 1);
	errno = EINVAL;
	return -1;
}

int net_masquerade_add(const char *dev, struct in_addr prefix, unsigned int prefix_len, char *why)
{
	char commands[640], chain[32], source[32] = "", text[INET_ADDRSTRLEN];

	if (net_masquerade_check(dev, why) < 0)
		return -1;
	if (prefix_len > 32) {
		snprintf(why, SYSTEM_WHY, "/%u is no prefix length of IPv4 (0 to 32)", prefix_len);
		errno = EINVAL;
		return -1;
	}
	prefix.s_addr &= prefix_len ? htonl(UINT32_MAX << (32 - prefix_len)) : 0;
	inet_ntop(AF_INET, &prefix, text, sizeof(text));
	snprintf(chain, sizeof(chain), "from-%s-%u", text, prefix_len);
	if (prefix_len > 0)
		snprintf(source, sizeof(source), "ip saddr %s/%u", text, prefix_len);
	/* A chain for each prefix, so that the same call twice makes one rule. */
	snprintf(commands, sizeof(commands),
		"add table ip greyline-%s\n"
		"add chain ip greyline-%s %s { type nat hook postrouting priority 100; policy "
		"accept; }\n"
		"flush chain ip greyline-%s %s\n"
		"add rule ip greyline-%s %s %s oifname != \"%s\" masquerade\n",
		dev, dev, chain, dev, chain, dev, chain, source, dev);
	return run(commands, "set up", dev, why);
}

int net_masquerade_del(const char *dev, char *why)
{
	char commands[128];

	if (net_masquerade_check(dev, why) < 0)
		return -1;
	snprintf(commands, sizeof(commands),
		"add table ip greyline-%s\ndelete table ip greyline-%s\n", dev, dev);
	return run(commands, "remove", dev, why);
}
