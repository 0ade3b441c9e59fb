/*
 * rtnetlink for the fast path: see netwatch.h. Two sockets: one is subscribed, the other asks. The
 * kernel has its answer ready when sending returns, so asking does not wait; a time limit is there
 * all the same.
 */
#include "system/netwatch.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#define REQUEST_SIZE   256
#define MESSAGE_SIZE   32768
#define ANSWER_SECONDS 2
#define EVENT_BUFFER   (1 << 20)

struct netwatch {
	struct mnl_socket *events, *questions;
	unsigned int sequence;
	alignas(struct nlmsghdr) char buf[MESSAGE_SIZE];
	alignas(struct nlmsghdr) char request[REQUEST_SIZE];
};

/* ---- what messages say ---- */

/* libmnl's own loops convert long to int without a word. */
#define each_attr(attr, first, tail)                                                               \
	attr = (first);                                                                            \
	mnl_attr_ok(attr, (int)((const char *)(tail) - (const char *)attr));                       \
	attr = mnl_attr_next(attr)

static const struct nlattr *first_attr(const struct nlmsghdr *nlh, size_t header)
{
	return mnl_nlmsg_get_payload_offset(nlh, header);
}

static size_t copy_of(const struct nlattr *attr, void *out, size_t size)
{
	size_t len = mnl_attr_get_payload_len(attr);

	memcpy(out, mnl_attr_get_payload(attr), len < size ? len : size);
	return len;
}

static uint32_t u32_of(const struct nlattr *attr)
{
	uint32_t v = 0;

	copy_of(attr, &v, sizeof(v));
	return v;
}

static void text_of(const struct nlattr *attr, char *out, size_t size)
{
	size_t len = copy_of(attr, out, size - 1);

	out[len < size ? len : size - 1] = '\0';
}

static void read_kind(const struct nlattr *info, struct netwatch_link *link)
{
	const struct nlattr *attr;

	for (each_attr(attr, mnl_attr_get_payload(info),
		     (const char *)mnl_attr_get_payload(info) + mnl_attr_get_payload_len(info))) {
		if (mnl_attr_get_type(attr) == IFLA_INFO_KIND)
			text_of(attr, link->kind, sizeof(link->kind));
	}
}

static bool read_link(const struct nlmsghdr *nlh, struct netwatch_link *link)
{
	const struct ifinfomsg *header = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr;

	memset(link, 0, sizeof(*link));
	if (nlh->nlmsg_len < mnl_nlmsg_size(sizeof(*header)) || header->ifi_family == AF_BRIDGE)
		return false;
	link->ifindex = (unsigned int)header->ifi_index;
	link->type = header->ifi_type;
	link->up = (header->ifi_flags & IFF_UP) && (header->ifi_flags & IFF_RUNNING);
	for (each_attr(attr, first_attr(nlh, sizeof(*header)), mnl_nlmsg_get_payload_tail(nlh))) {
		uint16_t type = mnl_attr_get_type(attr);

		if (type == IFLA_IFNAME)
			text_of(attr, link->name, sizeof(link->name));
		else if (type == IFLA_MTU)
			link->mtu = u32_of(attr);
		else if (type == IFLA_NUM_RX_QUEUES)
			link->rx_queues = u32_of(attr);
		else if (type == IFLA_ADDRESS)
			copy_of(attr, link->mac, sizeof(link->mac));
		else if (type == IFLA_LINKINFO)
			read_kind(attr, link);
	}
	return true;
}

static bool read_neighbour(const struct nlmsghdr *nlh, unsigned int *ifindex,
	struct in_addr *address, struct hop_address *out)
{
	const struct ndmsg *header = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr;
	bool found = false;

	memset(out, 0, sizeof(*out));
	if (nlh->nlmsg_len < mnl_nlmsg_size(sizeof(*header)) || header->ndm_family != AF_INET)
		return false;
	*ifindex = (unsigned int)header->ndm_ifindex;
	out->known = nlh->nlmsg_type == RTM_NEWNEIGH;
	out->nud = header->ndm_state;
	for (each_attr(attr, first_attr(nlh, sizeof(*header)), mnl_nlmsg_get_payload_tail(nlh))) {
		if (mnl_attr_get_type(attr) == NDA_DST)
			found = copy_of(attr, address, sizeof(*address)) == sizeof(*address);
		else if (mnl_attr_get_type(attr) == NDA_LLADDR)
			out->mac_len = (uint8_t)copy_of(attr, out->mac, sizeof(out->mac));
	}
	return found;
}

struct route_answer {
	struct in_addr gateway;
	unsigned int ifindex;
	bool other_family;
};

static void read_route(const struct nlmsghdr *nlh, struct route_answer *out)
{
	const struct rtmsg *header = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr;

	if (nlh->nlmsg_len < mnl_nlmsg_size(sizeof(*header)) || header->rtm_type != RTN_UNICAST)
		return;
	for (each_attr(attr, first_attr(nlh, sizeof(*header)), mnl_nlmsg_get_payload_tail(nlh))) {
		uint16_t type = mnl_attr_get_type(attr);

		if (type == RTA_GATEWAY)
			copy_of(attr, &out->gateway, sizeof(out->gateway));
		else if (type == RTA_OIF)
			out->ifindex = u32_of(attr);
		else if (type == RTA_VIA || type == RTA_ENCAP_TYPE)
			out->other_family = true;
	}
}

/* ---- questions ---- */

static void *start(struct netwatch *w, uint16_t type, uint16_t flags, size_t header)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(w->request);

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
	nlh->nlmsg_seq = ++w->sequence;
	return mnl_nlmsg_put_extra_header(nlh, header);
}

static void put_address(struct netwatch *w, uint16_t type, struct in_addr address)
{
	mnl_attr_put_u32_check(
		(struct nlmsghdr *)(void *)w->request, REQUEST_SIZE, type, address.s_addr);
}

static int read_error(const struct nlmsghdr *nlh)
{
	const struct nlmsgerr *e = mnl_nlmsg_get_payload(nlh);

	return nlh->nlmsg_len < mnl_nlmsg_size(sizeof(*e)) ? -EBADMSG : e->error;
}

/* Asks; `handle` gets what comes before the acknowledgement. */
static int talk(
	struct netwatch *w, void (*handle)(const struct nlmsghdr *nlh, void *out), void *out)
{
	struct nlmsghdr *request = (void *)w->request;

	if (mnl_socket_sendto(w->questions, request, request->nlmsg_len) < 0)
		return -errno;
	for (;;) {
		ssize_t n = mnl_socket_recvfrom(w->questions, w->buf, sizeof(w->buf));
		const struct nlmsghdr *nlh = (const void *)w->buf;
		int left = (int)n;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
			if (nlh->nlmsg_seq != w->sequence)
				continue;
			if (nlh->nlmsg_type == NLMSG_ERROR)
				return read_error(nlh);
			if (handle)
				handle(nlh, out);
		}
	}
}

static void handle_link(const struct nlmsghdr *nlh, void *out)
{
	if (nlh->nlmsg_type == RTM_NEWLINK)
		read_link(nlh, out);
}

int netwatch_get_link(struct netwatch *w, unsigned int ifindex, struct netwatch_link *out)
{
	struct ifinfomsg *header = start(w, RTM_GETLINK, 0, sizeof(*header));
	int r;

	memset(out, 0, sizeof(*out));
	header->ifi_family = AF_UNSPEC;
	header->ifi_index = (int)ifindex;
	r = talk(w, handle_link, out);
	return r ? r : out->ifindex ? 0 : -ENODEV;
}

static void handle_route(const struct nlmsghdr *nlh, void *out)
{
	if (nlh->nlmsg_type == RTM_NEWROUTE)
		read_route(nlh, out);
}

int netwatch_get_route(struct netwatch *w, struct in_addr peer, struct in_addr local,
	struct in_addr *gateway, unsigned int *ifindex)
{
	struct rtmsg *header = start(w, RTM_GETROUTE, 0, sizeof(*header));
	struct route_answer answer = { 0 };
	int r;

	header->rtm_family = AF_INET;
	header->rtm_dst_len = 32;
	put_address(w, RTA_DST, peer);
	if (local.s_addr) {
		header->rtm_src_len = 32;
		put_address(w, RTA_SRC, local);
	}
	r = talk(w, handle_route, &answer);
	if (r == 0 && (answer.other_family || !answer.ifindex))
		r = -ENETUNREACH;
	*gateway = answer.gateway;
	*ifindex = answer.ifindex;
	return r;
}

static void handle_neighbour(const struct nlmsghdr *nlh, void *out)
{
	struct in_addr address;
	unsigned int ifindex;

	if (nlh->nlmsg_type == RTM_NEWNEIGH)
		read_neighbour(nlh, &ifindex, &address, out);
}

int netwatch_get_neighbour(
	struct netwatch *w, unsigned int ifindex, struct in_addr address, struct hop_address *out)
{
	struct ndmsg *header = start(w, RTM_GETNEIGH, 0, sizeof(*header));
	int r;

	memset(out, 0, sizeof(*out));
	header->ndm_family = AF_INET;
	header->ndm_ifindex = (int)ifindex;
	put_address(w, NDA_DST, address);
	r = talk(w, handle_neighbour, out);
	return r == -ENOENT ? 0 : r;
}

int netwatch_probe(struct netwatch *w, unsigned int ifindex, struct in_addr address)
{
	struct ndmsg *header = start(w, RTM_NEWNEIGH, NLM_F_CREATE, sizeof(*header));

	header->ndm_family = AF_INET;
	header->ndm_ifindex = (int)ifindex;
	header->ndm_flags = NTF_USE; /* as if a packet went there */
	put_address(w, NDA_DST, address);
	return talk(w, NULL, NULL);
}

/* ---- events ---- */

static void handle_event(const struct nlmsghdr *nlh, const struct netwatch_ops *ops, void *user)
{
	struct hop_address now;
	struct netwatch_link link;
	struct in_addr address;
	unsigned int ifindex;

	switch (nlh->nlmsg_type) {
	case RTM_NEWLINK:
		if (read_link(nlh, &link))
			ops->link(user, &link);
		break;
	case RTM_DELLINK:
		if (read_link(nlh, &link))
			ops->gone(user, link.ifindex);
		break;
	case RTM_NEWNEIGH:
	case RTM_DELNEIGH:
		if (read_neighbour(nlh, &ifindex, &address, &now))
			ops->neighbour(user, ifindex, address, &now);
		break;
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
	case RTM_NEWRULE:
	case RTM_DELRULE:
	case RTM_NEWADDR:
	case RTM_DELADDR:
		ops->routes(user);
		break;
	default:
		break;
	}
}

void netwatch_read(struct netwatch *w, const struct netwatch_ops *ops, void *user)
{
	/* Not w->buf: who is told asks. */
	alignas(struct nlmsghdr) char buf[MESSAGE_SIZE];

	for (;;) {
		ssize_t n = recv(netwatch_fd(w), buf, sizeof(buf), MSG_DONTWAIT);
		const struct nlmsghdr *nlh = (const void *)buf;
		int left = (int)n;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == ENOBUFS) {
			ops->missed(user);
			continue;
		}
		if (n <= 0)
			return;
		for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left))
			handle_event(nlh, ops, user);
	}
}

/* ---- life ---- */

static struct mnl_socket *open_socket(unsigned int groups)
{
	struct mnl_socket *s = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);

	if (s && mnl_socket_bind(s, groups, MNL_SOCKET_AUTOPID) < 0) {
		mnl_socket_close(s);
		return NULL;
	}
	return s;
}

struct netwatch *netwatch_open(unsigned int what, char *why)
{
	const struct timeval timeout = { .tv_sec = ANSWER_SECONDS };
	struct netwatch *w = calloc(1, sizeof(*w));
	unsigned int groups = RTMGRP_LINK;
	int size = EVENT_BUFFER, one = 1;

	if (!w) {
		snprintf(why, SYSTEM_WHY, "out of memory");
		return NULL;
	}
	if (what & NETWATCH_ROUTES)
		groups |= RTMGRP_IPV4_ROUTE | RTMGRP_IPV4_RULE | RTMGRP_IPV4_IFADDR;
	if (what & NETWATCH_NEIGHBOURS)
		groups |= RTMGRP_NEIGH;
	w->events = open_socket(groups);
	w->questions = open_socket(0);
	if (!w->events || !w->questions ||
		setsockopt(mnl_socket_get_fd(w->questions), SOL_SOCKET, SO_RCVTIMEO, &timeout,
			sizeof(timeout)) < 0) {
		snprintf(why, SYSTEM_WHY, "cannot follow routes and neighbours (rtnetlink): %s",
			strerror(errno));
		netwatch_close(w);
		return NULL;
	}
	/* As much as there is; what does not fit is noticed. Kernels that know it cut messages. */
	(void)setsockopt(netwatch_fd(w), SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	mnl_socket_setsockopt(w->questions, NETLINK_CAP_ACK, &one, sizeof(one));
	return w;
}

void netwatch_close(struct netwatch *w)
{
	if (!w)
		return;
	if (w->events)
		mnl_socket_close(w->events);
	if (w->questions)
		mnl_socket_close(w->questions);
	free(w);
}

int netwatch_fd(const struct netwatch *w)
{
	return mnl_socket_get_fd(w->events);
}
