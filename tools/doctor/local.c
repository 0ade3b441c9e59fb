/* This machine: see local.h. */
#include "tools/doctor/local.h"

#include "system/log.h"
#include "system/net.h"
#include "tools/doctor/firewall.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <net/if.h>
#include <nftables/libnftables.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ARPHRD_PPP_TYPE 512

/* A small file's first number, or -1. */
static long number_in(const char *path)
{
	FILE *f = fopen(path, "re");
	char line[64] = "";
	long n = -1;

	if (!f)
		return -1;
	if (fgets(line, sizeof(line), f))
		n = strtol(line, NULL, 0); /* 0 for a word */
	fclose(f);
	return n;
}

/* ---- routes */

static bool is_private(struct in_addr address)
{
	static const struct {
		uint32_t network, mask;
	} nets[] = { { 0x0a000000, 0xff000000 }, { 0xac100000, 0xfff00000 },
		{ 0xc0a80000, 0xffff0000 }, { 0x64400000, 0xffc00000 },
		{ 0xa9fe0000, 0xffff0000 } };
	uint32_t a = ntohl(address.s_addr);

	for (size_t i = 0; i < sizeof(nets) / sizeof(nets[0]); i++) {
		if ((a & nets[i].mask) == nets[i].network)
			return true;
	}
	return false;
}

/* The address that packets to `server` come from, as TCP and GRE will choose it. */
static struct in_addr source_for(struct in_addr server)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr = server, .sin_port = htons(1723)
	};
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct in_addr none = { 0 };

	if (fd < 0)
		return none;
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
		getsockname(fd, (struct sockaddr *)&address, &size) < 0)
		address.sin_addr = none;
	close(fd);
	return address.sin_addr;
}

/* A TUN device, or PPP's: not WireGuard's or others that somebody may well send PPTP through. */
static bool is_tunnel(const char *device)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/class/net/%s/tun_flags", device);
	/* IFF_TUN, not IFF_TAP */
	if (number_in(path) > 0 && (number_in(path) & 3) == 1)
		return true;
	snprintf(path, sizeof(path), "/sys/class/net/%s/type", device);
	return number_in(path) == ARPHRD_PPP_TYPE;
}

static void look_at_route(struct local *l, struct in_addr server, const struct doctor_output *o)
{
	char why[SYSTEM_WHY] = "", via[INET_ADDRSTRLEN], from[INET_ADDRSTRLEN];
	struct net_route route;

	if (net_route_get(server, &route, why) < 0) {
		output_step(o, STEP_NOTE, "route", "%s", why);
		return;
	}
	l->gateway = route.gateway;
	l->source = source_for(server);
	if (!if_indextoname(route.ifindex, l->device))
		l->device[0] = '\0';
	l->into_tunnel = l->device[0] && is_tunnel(l->device);
	l->nat = l->source.s_addr && is_private(l->source) && !is_private(server);
	inet_ntop(AF_INET, &route.gateway, via, sizeof(via));
	inet_ntop(AF_INET, &l->source, from, sizeof(from));
	output_step(o, l->into_tunnel ? STEP_NOTE : STEP_OK, "route", "by %s%s%s, from %s%s%s",
		l->device, route.gateway.s_addr ? " via " : "", route.gateway.s_addr ? via : "",
		from, l->nat ? ", a private address: there is NAT on the way" : "",
		l->into_tunnel ? "; that is a tunnel's device" : "");
}

/* ---- firewall */

static json_t *read_rules(char *why)
{
	/* libnftables ends the whole process where it gets no netlink socket, so ask before. */
	int probe = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 12 /* NETLINK_NETFILTER */);
	struct nft_ctx *nft;
	json_t *rules = NULL;
	const char *text;

	if (probe < 0) {
		snprintf(why, SYSTEM_WHY, "the kernel has no nftables");
		return NULL;
	}
	close(probe);
	nft = nft_ctx_new(NFT_CTX_DEFAULT);
	if (!nft) {
		snprintf(why, SYSTEM_WHY, "out of memory");
		return NULL;
	}
	nft_ctx_buffer_error(nft);
	nft_ctx_buffer_output(nft);
	nft_ctx_output_set_flags(nft, NFT_CTX_OUTPUT_JSON | NFT_CTX_OUTPUT_HANDLE);
	if (nft_run_cmd_from_buffer(nft, "list ruleset") == 0) {
		text = nft_ctx_get_output_buffer(nft);
		rules = json_loads(text ? text : "", 0, NULL);
	}
	if (!rules) {
		text = nft_ctx_get_error_buffer(nft);
		snprintf(why, SYSTEM_WHY, "nftables' rules cannot be read%s%.*s",
			text && *text ? ": " : " (needs root)", text ? (int)strcspn(text, "\n") : 0,
			text ? text : "");
	}
	nft_ctx_free(nft);
	return rules;
}

/* "lets it pass"; the rule is kept if it blocks, or may. */
static const char *judge(const json_t *rules, const char *hook,
	const struct firewall_packet *packet, char *rule, bool *sure)
{
	switch (firewall_judge(rules, hook, packet, rule, LOCAL_TEXT)) {
	case FIREWALL_BLOCK:
		*sure = false;
		return "blocked";
	case FIREWALL_UNSURE:
		return "not to be told";
	default:
		return "allowed";
	}
}

/* As a module; one that is built in does not show. */
static bool kernel_has_helper(void)
{
	FILE *f = fopen("/proc/modules", "re");
	char line[200];
	bool found = access("/sys/module/nf_conntrack_pptp", F_OK) == 0;

	while (f && !found && fgets(line, sizeof(line), f))
		found = !strncmp(line, "nf_conntrack_pptp ", 18);
	if (f)
		fclose(f);
	return found;
}

static void look_at_helper(const json_t *rules, const struct doctor_output *o)
{
	long automatic = number_in("/proc/sys/net/netfilter/nf_conntrack_helper");
	long forward = number_in("/proc/sys/net/ipv4/ip_forward");

	output_step(o, STEP_NOTE, "helper",
		"conntrack's PPTP helper on this machine: %s, %s; forwarding is %s, NAT %s%s",
		kernel_has_helper() ? "loaded" : "not loaded (or built in)",
		firewall_has_helper(rules) ? "assigned by a rule"
		: automatic > 0            ? "automatic"
					   : "not assigned",
		forward > 0 ? "on" : "off", firewall_has_nat(rules) ? "on" : "off",
		forward > 0 && firewall_has_nat(rules) && !firewall_has_helper(rules) &&
				automatic <= 0
			? " (clients behind this machine need the helper)"
			: "");
}

static void look_at_firewall(struct local *l, struct in_addr server, const struct doctor_output *o)
{
	struct firewall_packet out = {
		.protocol = IPPROTO_GRE, .from = l->source, .to = server, .device = l->device
	};
	struct firewall_packet in = { .protocol = IPPROTO_GRE,
		.from = server,
		.to = l->source,
		.device = l->device,
		.incoming = true };
	struct firewall_packet tcp = out;
	const char *tcp_words, *out_words, *in_words;
	char why[SYSTEM_WHY] = "";
	bool sure = true;
	json_t *rules = read_rules(why);

	if (number_in("/proc/net/ip_tables_names") >= 0)
		output_step(o, STEP_NOTE, "firewall",
			"there are rules of the old iptables; they are not read (iptables-save "
			"shows them)");
	if (!rules) {
		output_step(o, STEP_NOTE, "firewall", "%s", why);
		return;
	}
	tcp.protocol = IPPROTO_TCP;
	tcp.port = 1723;
	tcp_words = judge(rules, "output", &tcp, l->tcp_out, &sure);
	out_words = judge(rules, "output", &out, l->gre_out, &sure);
	in_words = judge(rules, "input", &in, l->gre_in, &sure);
	output_step(o, sure ? STEP_OK : STEP_NOTE, "firewall",
		"nftables here: TCP 1723 out %s, GRE (protocol 47) out %s, in %s", tcp_words,
		out_words, in_words);
	look_at_helper(rules, o);
	json_decref(rules);
}

bool local_rp_filter(const char *device)
{
	char path[80];
	long all = number_in("/proc/sys/net/ipv4/conf/all/rp_filter"), own;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv4/conf/%s/rp_filter", device);
	own = number_in(path);
	return (all > own ? all : own) == 1;
}

/* ---- other clients */

/* Which program has this socket? "" if it cannot be told. */
static void holder(unsigned long inode, char *out, size_t size)
{
	char want[48], path[300], target[64], name[32] = "", shown[96];
	DIR *proc = opendir("/proc");
	struct dirent *pid;

	out[0] = '\0';
	snprintf(want, sizeof(want), "socket:[%lu]", inode);
	while (proc && !out[0] && (pid = readdir(proc))) {
		DIR *fds;
		struct dirent *fd;

		if (pid->d_name[0] < '0' || pid->d_name[0] > '9')
			continue;
		snprintf(path, sizeof(path), "/proc/%.16s/fd", pid->d_name);
		fds = opendir(path);
		while (fds && !out[0] && (fd = readdir(fds))) {
			ssize_t n;
			FILE *f;

			snprintf(path, sizeof(path), "/proc/%.16s/fd/%.16s", pid->d_name,
				fd->d_name);
			n = readlink(path, target, sizeof(target) - 1);
			if (n < 0)
				continue;
			target[n] = '\0';
			if (strcmp(target, want) != 0)
				continue;
			snprintf(path, sizeof(path), "/proc/%.16s/comm", pid->d_name);
			f = fopen(path, "re");
			if (f && !fgets(name, sizeof(name), f))
				name[0] = '\0';
			if (f)
				fclose(f);
			name[strcspn(name, "\n")] = '\0';
			/* A program chooses its name itself. */
			log_escape(shown, sizeof(shown), name, strlen(name));
			snprintf(out, size, "%s, pid %.16s", shown, pid->d_name);
		}
		if (fds)
			closedir(fds);
	}
	if (proc)
		closedir(proc);
}

/* Raw sockets of protocol 47 (in place of a port, hexadecimal) in /proc/net/raw. */
static void look_for_clients(struct local *l, struct in_addr server, const struct doctor_output *o)
{
	FILE *f = fopen("/proc/net/raw", "re");
	char line[300], who[128], peer[INET_ADDRSTRLEN];

	while (f && fgets(line, sizeof(line), f)) {
		unsigned int protocol, remote;
		unsigned long inode;

		if (sscanf(line, " %*d: %*8x:%4x %8x:%*4x %*x %*x:%*x %*x:%*x %*x %*u %*u %lu",
			    &protocol, &remote, &inode) != 3 ||
			protocol != IPPROTO_GRE)
			continue;
		holder(inode, who, sizeof(who));
		l->other_client = l->other_client || remote == server.s_addr;
		inet_ntop(AF_INET, &(struct in_addr){ remote }, peer, sizeof(peer));
		output_step(o, STEP_NOTE, "clients", "another program has a GRE socket%s%s%s%s%s",
			remote ? " with " : "", remote ? peer : "", *who ? " (" : "", who,
			*who ? ")" : "");
	}
	if (f)
		fclose(f);
}

void local_look(struct local *l, struct in_addr server, const struct doctor_output *o)
{
	memset(l, 0, sizeof(*l));
	look_at_route(l, server, o);
	look_at_firewall(l, server, o);
	look_for_clients(l, server, o);
}
