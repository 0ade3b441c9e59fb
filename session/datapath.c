/* The fast path's set-up and its neighbours: see datapath.h. */
#include "session/datapath.h"

#include "dataplane/io_fast.h"
#include "system/log.h"
#include "system/netwatch.h"
#include "system/xdp.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <ifaddrs.h>
#include <linux/if_arp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const mode_names[] = { "raw", "packet", "xdp" };

struct datapath_way {
	struct hop hop; /* first */
	struct dataplane *dp;
	struct dp_session *session;
	uint16_t call_id;
};

struct datapath {
	enum datapath_mode mode;
	struct netwatch *watch;
	struct netwatch_link link;
	struct hops hops;
	struct io_fast fast[DP_WORKERS_MAX];
	unsigned int workers; /* of them, one each */
	struct xdp xdp;
	bool gone;
	uv_poll_t poll;
	uv_timer_t timer; /* while hops_work() has work */
	unsigned int handles;
};

int datapath_mode(const char *text, enum datapath_mode *mode)
{
	for (size_t i = 0; i < sizeof(mode_names) / sizeof(*mode_names); i++) {
		if (strcmp(text, mode_names[i]) == 0) {
			*mode = (enum datapath_mode)i;
			return 0;
		}
	}
	return -EINVAL;
}

/* ---- which interface ---- */

/* Of the default route with the least metric; 0: there is none. */
static unsigned int default_interface(void)
{
	FILE *f = fopen("/proc/net/route", "re");
	unsigned long best = ULONG_MAX;
	unsigned int found = 0;
	char line[256];

	while (f && fgets(line, sizeof(line), f)) {
		unsigned long target, flags, metric, mask;
		char name[IF_NAMESIZE];

		if (sscanf(line, "%15s %lx %*x %lx %*d %*d %lu %lx", name, &target, &flags, &metric,
			    &mask) != 5 ||
			target || mask || !(flags & 1) || metric >= best)
			continue;
		best = metric;
		found = if_nametoindex(name);
	}
	if (f)
		fclose(f);
	return found;
}

static unsigned int interface_with(struct in_addr address)
{
	struct ifaddrs *all;
	unsigned int found = 0;

	if (getifaddrs(&all) < 0)
		return 0;
	for (const struct ifaddrs *a = all; a && !found; a = a->ifa_next) {
		const struct sockaddr_in *in = (const void *)a->ifa_addr;

		if (in && in->sin_family == AF_INET && in->sin_addr.s_addr == address.s_addr)
			found = if_nametoindex(a->ifa_name);
	}
	freeifaddrs(all);
	return found;
}

static int find_interface(struct datapath *d, const struct datapath_config *c, char *why)
{
	unsigned int ifindex = 0;
	struct in_addr gateway;
	int r;

	if (c->interface && c->interface[0]) {
		ifindex = if_nametoindex(c->interface);
		if (!ifindex)
			snprintf(why, SYSTEM_WHY, "there is no interface %s", c->interface);
	} else if (c->peer.s_addr) {
		r = netwatch_get_route(d->watch, c->peer, c->address, &gateway, &ifindex);
		if (r < 0) {
			snprintf(why, SYSTEM_WHY, "there is no route to the server: %s",
				strerror(-r));
			ifindex = 0;
		}
	} else {
		ifindex = c->address.s_addr ? interface_with(c->address) : default_interface();
		if (!ifindex)
			snprintf(why, SYSTEM_WHY,
				"no interface has the listen address, or the default route: name "
				"one (interface = ...)");
	}
	if (!ifindex)
		return -1;
	r = netwatch_get_link(d->watch, ifindex, &d->link);
	if (r < 0)
		snprintf(why, SYSTEM_WHY, "cannot ask for the interface: %s", strerror(-r));
	return r < 0 ? -1 : 0;
}

/* Frames that we make must be those that go out. */
static int check_interface(const struct datapath *d, char *why)
{
	static const char *const kinds[] = { "", "veth", "bridge", "bond", "team" };
	const struct netwatch_link *l = &d->link;

	if (l->type != ARPHRD_ETHER) {
		snprintf(why, SYSTEM_WHY, "%s is no Ethernet interface", l->name);
		return -1;
	}
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (strcmp(l->kind, kinds[i]) == 0)
			return 0;
	}
	snprintf(why, SYSTEM_WHY, "%s is not Ethernet itself but of kind \"%s\"", l->name, l->kind);
	return -1;
}

/* ---- what carries frames ---- */

static int open_queues(struct datapath *d, char *why)
{
	struct io_fast *f = &d->fast[0];

	while (f->queues < IO_FAST_QUEUES &&
		f->queues < (d->link.rx_queues ? d->link.rx_queues : 1)) {
		struct xsk *x = xsk_open(d->link.ifindex, f->queues);
		int r = x ? xdp_set_socket(&d->xdp, f->queues, xsk_fd(x)) : -errno;

		if (r < 0)
			xsk_close(x);
		if (r < 0 && f->queues)
			break; /* it has no more, or what comes there goes by the kernel */
		if (r == -EAFNOSUPPORT || r == -EOPNOTSUPP) {
			snprintf(why, SYSTEM_WHY, "this kernel has no AF_XDP (Linux 5.9 or later)");
			return -1;
		}
		if (r < 0) {
			snprintf(why, SYSTEM_WHY, "no AF_XDP socket on %s: %s%s", d->link.name,
				strerror(-r),
				r == -ENOBUFS ? " (locked memory: LimitMEMLOCK, CAP_IPC_LOCK)"
					      : "");
			return -1;
		}
		f->xsk[f->queues++] = x;
	}
	return 0;
}

static int open_fast(struct datapath *d, char *why)
{
	unsigned int largest = XSK_FRAME_MOST - FRAME_ETHERNET;

	if (d->mode == DATAPATH_XDP &&
		(xdp_open(&d->xdp, d->link.ifindex, largest, why) < 0 || open_queues(d, why) < 0))
		return -1;
	for (unsigned int i = 0; i < d->workers; i++) {
		struct io_fast *f = &d->fast[i];

		f->kind = d->mode == DATAPATH_XDP ? IO_FAST_XDP : IO_FAST_PACKET;
		if (f->kind == IO_FAST_PACKET)
			f->packet_fd = packet_socket_open(d->link.ifindex, why);
		if (f->kind == IO_FAST_PACKET && f->packet_fd < 0)
			return -1;
	}
	return 0;
}

static int option_of(int fd, int option, int otherwise)
{
	int value = otherwise;
	socklen_t len = sizeof(value);

	return getsockopt(fd, IPPROTO_IP, option, &value, &len) < 0 ? otherwise : value;
}

static void read_style(struct datapath *d, int gre_fd)
{
	const struct frame_style style = {
		.tos = (uint8_t)option_of(gre_fd, IP_TOS, 0),
		.ttl = (uint8_t)option_of(gre_fd, IP_TTL, 64),
		.df = option_of(gre_fd, IP_MTU_DISCOVER, IP_PMTUDISC_DO) == IP_PMTUDISC_DO,
	};

	for (unsigned int i = 0; i < d->workers; i++)
		d->fast[i].style = style;
}

/* ---- hops ---- */

static int ask_route(void *user, struct in_addr peer, struct in_addr local, struct in_addr *gateway,
	unsigned int *ifindex)
{
	struct datapath *d = user;

	return netwatch_get_route(d->watch, peer, local, gateway, ifindex);
}

static void ask_neighbour(void *user, struct in_addr address, struct hop_address *out)
{
	struct datapath *d = user;

	if (netwatch_get_neighbour(d->watch, d->link.ifindex, address, out) < 0)
		memset(out, 0, sizeof(*out));
}

static void probe(void *user, struct in_addr address)
{
	struct datapath *d = user;

	(void)netwatch_probe(d->watch, d->link.ifindex, address);
}

static void hop_changed(void *user, struct hop *hop, const uint8_t *mac)
{
	struct datapath *d = user;
	struct datapath_way *way = (struct datapath_way *)hop;
	unsigned int largest = d->link.mtu;
	struct frame_hop frame = { 0 };
	char peer[INET_ADDRSTRLEN];

	inet_ntop(AF_INET, &hop->peer, peer, sizeof(peer));
	if (!mac) {
		log_debug("packets to %s go by the raw socket", peer);
		dp_session_set_hop(way->dp, way->session, NULL);
		return;
	}
	log_debug("packets to %s go through %s to %02x:%02x:%02x:%02x:%02x:%02x", peer,
		d->link.name, mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
	if (largest > XSK_FRAME - FRAME_ETHERNET)
		largest = XSK_FRAME - FRAME_ETHERNET;
	memcpy(frame.to, mac, FRAME_ADDRESS);
	memcpy(frame.from, d->link.mac, FRAME_ADDRESS);
	frame.largest = (uint16_t)largest;
	dp_session_set_hop(way->dp, way->session, &frame);
}

static const struct hop_ops hop_ops = {
	.route = ask_route,
	.ask = ask_neighbour,
	.probe = probe,
	.changed = hop_changed,
};

/* ---- what the kernel tells ---- */

static void link_changed(void *user, const struct netwatch_link *now)
{
	struct datapath *d = user;
	bool other, turned;

	if (now->ifindex != d->link.ifindex || d->gone)
		return;
	other = memcmp(now->mac, d->link.mac, sizeof(now->mac)) != 0 || now->mtu != d->link.mtu;
	turned = now->up != d->link.up;
	memcpy(d->link.mac, now->mac, sizeof(now->mac));
	d->link.mtu = now->mtu;
	d->link.up = now->up;
	if (turned)
		log_info("datapath: %s is %s", d->link.name,
			now->up ? "up again" : "down: packets go by the raw socket meanwhile");
	hops_link(&d->hops, now->up, other);
}

static void link_gone(void *user, unsigned int ifindex)
{
	struct datapath *d = user;

	if (ifindex != d->link.ifindex || d->gone)
		return;
	d->gone = true;
	log_warning(
		"datapath: %s is gone: packets go by the raw socket from now on, until greyline is "
		"started again",
		d->link.name);
	hops_link(&d->hops, false, false);
}

static void neighbour_changed(
	void *user, unsigned int ifindex, struct in_addr address, const struct hop_address *now)
{
	struct datapath *d = user;

	if (ifindex == d->link.ifindex)
		hops_neighbour(&d->hops, address, now);
}

static void routes_changed(void *user)
{
	struct datapath *d = user;

	hops_routes(&d->hops);
}

static void missed(void *user)
{
	struct datapath *d = user;
	struct netwatch_link now;
	int r = netwatch_get_link(d->watch, d->link.ifindex, &now);

	if (r == 0)
		link_changed(d, &now);
	else if (r == -ENODEV)
		link_gone(d, d->link.ifindex);
	hops_resync(&d->hops);
}

static const struct netwatch_ops netwatch_ops = {
	.link = link_changed,
	.gone = link_gone,
	.neighbour = neighbour_changed,
	.routes = routes_changed,
	.missed = missed,
};

static void on_timer(uv_timer_t *timer)
{
	struct datapath *d = timer->data;

	if (hops_work(&d->hops))
		uv_timer_start(timer, on_timer, 1, 0);
}

static void on_event(uv_poll_t *poll, int status, int events)
{
	struct datapath *d = poll->data;

	(void)events;
	/* The socket has overflowed: libuv stops there, and reading says so. */
	if (status < 0)
		uv_poll_start(poll, UV_READABLE, on_event);
	netwatch_read(d->watch, &netwatch_ops, d);
	if (d->hops.next && !uv_is_active((uv_handle_t *)&d->timer))
		uv_timer_start(&d->timer, on_timer, 0, 0);
}

/* ---- life ---- */

static void release(struct datapath *d)
{
	hops_done(&d->hops);
	/* The program first: nothing is redirected to sockets that close. */
	xdp_close(&d->xdp);
	for (unsigned int i = 0; i < d->workers; i++)
		io_fast_done(&d->fast[i]);
	netwatch_close(d->watch);
	free(d);
}

static void on_closed(uv_handle_t *handle)
{
	struct datapath *d = handle->data;

	if (--d->handles == 0)
		release(d);
}

void datapath_close(struct datapath *d)
{
	if (!d)
		return;
	uv_close((uv_handle_t *)&d->poll, on_closed);
	uv_close((uv_handle_t *)&d->timer, on_closed);
}

static int open_all(struct datapath *d, const struct datapath_config *config, char *why)
{
	d->watch = netwatch_open(NETWATCH_ROUTES | NETWATCH_NEIGHBOURS, why);
	if (!d->watch || find_interface(d, config, why) < 0 || check_interface(d, why) < 0)
		return -1;
	read_style(d, config->gre_fd);
	return open_fast(d, why);
}

struct datapath *datapath_open(uv_loop_t *loop, const struct datapath_config *config)
{
	struct datapath *d;
	char why[SYSTEM_WHY] = "out of memory";

	if (config->mode == DATAPATH_RAW)
		return NULL;
	d = calloc(1, sizeof(*d));
	if (d) {
		d->mode = config->mode;
		d->workers = config->workers ? config->workers : 1;
		assert(d->workers <= DP_WORKERS_MAX &&
			(d->mode != DATAPATH_XDP || d->workers == 1));
		for (unsigned int i = 0; i < d->workers; i++)
			d->fast[i].packet_fd = -1;
		d->xdp = (struct xdp){ .calls = -1, .sockets = -1, .program = -1, .link = -1 };
	}
	if (!d || open_all(d, config, why) < 0 ||
		uv_poll_init(loop, &d->poll, netwatch_fd(d->watch)) < 0) {
		log_warning("datapath = %s: %s; packets go by the raw socket",
			mode_names[config->mode], why);
		if (d)
			release(d);
		return NULL;
	}
	uv_timer_init(loop, &d->timer);
	d->poll.data = d->timer.data = d;
	d->handles = 2;
	uv_poll_start(&d->poll, UV_READABLE, on_event);
	uv_unref((uv_handle_t *)&d->poll);
	hops_init(&d->hops, d->link.ifindex, d->link.up, &hop_ops, d);
	if (d->mode == DATAPATH_XDP)
		log_info(
			"datapath = xdp on %s: %u queue(s), %s XDP, %s; netfilter does not see the "
			"tunnel's packets",
			d->link.name, d->fast[0].queues,
			d->xdp.generic ? "generic" : "the driver's",
			xsk_is_zero_copy(d->fast[0].xsk[0]) ? "without copies" : "with copies");
	else
		log_info("datapath = packet on %s: netfilter does not see the tunnel's outgoing "
			 "packets",
			d->link.name);
	return d;
}

struct io_fast *datapath_fast(struct datapath *d)
{
	return d ? d->fast : NULL;
}

struct datapath_way *datapath_add(struct datapath *d, struct dataplane *dp,
	struct dp_session *session, struct in_addr peer, struct in_addr local, uint16_t call_id)
{
	struct datapath_way *way = d ? calloc(1, sizeof(*way)) : NULL;

	if (!way)
		return NULL;
	way->dp = dp;
	way->session = session;
	way->call_id = call_id;
	if (d->mode == DATAPATH_XDP) {
		int r = xdp_add(&d->xdp, peer, local, call_id);

		if (r < 0)
			log_debug("a call's packets come by the raw socket: %s", strerror(-r));
	}
	hops_add(&d->hops, &way->hop, peer, local);
	return way;
}

void datapath_remove(struct datapath *d, struct datapath_way *way)
{
	if (!way)
		return;
	hops_remove(&d->hops, &way->hop);
	if (d->mode == DATAPATH_XDP)
		(void)xdp_remove(&d->xdp, way->hop.peer, way->hop.local, way->call_id);
	free(way);
}
