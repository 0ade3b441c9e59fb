/*
 * Addresses, links and routes through rtnetlink (libmnl).
 *
 * Each request has a netlink socket of its own and is complete when the kernel has acknowledged it.
 * Routes are in the main table and carry our own protocol number, so that a deletion can only ever
 * hit a route of ours.
 */
#include "system/net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#define REQUEST_SIZE   512 /* our largest request is below 150 bytes */
#define ANSWER_SIZE    32768
#define ANSWER_SECONDS 5
#define EXPLAIN_SIZE   96

/* A request being built, and the kernel's own explanation if it refuses. */
struct request {
	alignas(struct nlmsghdr) char buf[REQUEST_SIZE];
	char explanation[EXPLAIN_SIZE];
};

typedef int answer_handler(const struct nlmsghdr *nlh, void *data);

/* Writes "cannot <what>: <reason>"; `special` is the sentence for the errno `special_errno`. */
static __attribute__((format(printf, 6, 7))) int refuse(char *why, const struct request *request,
	int error, int special_errno, const char *special, const char *what, ...)
{
	char action[128];
	va_list ap;

	va_start(ap, what);
	vsnprintf(action, sizeof(action), what, ap);
	va_end(ap);
	if (error == EPERM || error == EACCES)
		snprintf(why, SYSTEM_WHY, "no permission to %s: run as root or with CAP_NET_ADMIN",
			action);
	else if (special && error == special_errno)
		snprintf(why, SYSTEM_WHY, "cannot %s: %s", action, special);
	else if (request->explanation[0])
		snprintf(why, SYSTEM_WHY, "cannot %s: %s (%s)", action, strerror(error),
			request->explanation);
	else
		snprintf(why, SYSTEM_WHY, "cannot %s: %s", action, strerror(error));
	errno = error;
	return -1;
}

static int keep_explanation(const struct nlattr *attr, void *data)
{
	struct request *request = data;

	if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_MSG &&
		mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) == 0)
		snprintf(request->explanation, EXPLAIN_SIZE, "%s", mnl_attr_get_str(attr));
	return MNL_CB_OK;
}

/* The errno that an NLMSG_ERROR carries, 0 for an acknowledgement. */
static int read_ack(const struct nlmsghdr *nlh, struct request *request)
{
	const struct nlmsgerr *ack = mnl_nlmsg_get_payload(nlh);
	size_t offset = sizeof(*ack);

	if (nlh->nlmsg_len < mnl_nlmsg_size(sizeof(*ack)))
		return EBADMSG;
	if (!(nlh->nlmsg_flags & NLM_F_CAPPED) && ack->msg.nlmsg_len >= sizeof(ack->msg))
		offset += ack->msg.nlmsg_len - sizeof(ack->msg);
	if ((nlh->nlmsg_flags & NLM_F_ACK_TLVS) && nlh->nlmsg_len >= mnl_nlmsg_size(offset))
		mnl_attr_parse(nlh, (unsigned int)offset, keep_explanation, request);
	return ack->error < 0 ? -ack->error : ack->error;
}

/* Reads until the acknowledgement; an errno. */
static int receive_answer(
	struct mnl_socket *nl, struct request *request, answer_handler *handle, void *data)
{
	alignas(struct nlmsghdr) char buf[ANSWER_SIZE];
	uint32_t seq = ((struct nlmsghdr *)(void *)request->buf)->nlmsg_seq;

	for (;;) {
		ssize_t n = mnl_socket_recvfrom(nl, buf, sizeof(buf));
		const struct nlmsghdr *nlh = (const void *)buf;
		int left = (int)n;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? ETIMEDOUT : errno;
		for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
			if (nlh->nlmsg_seq != seq)
				continue;
			if (nlh->nlmsg_type == NLMSG_ERROR)
				return read_ack(nlh, request);
			if (nlh->nlmsg_type == NLMSG_DONE)
				return 0;
			if (handle)
				handle(nlh, data);
		}
	}
}

/* Sends the request and waits for the kernel's answer; an errno. */
static int talk(struct request *request, answer_handler *handle, void *data)
{
	struct timeval timeout = { .tv_sec = ANSWER_SECONDS };
	struct nlmsghdr *nlh = (void *)request->buf;
	struct mnl_socket *nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	int one = 1, error;

	if (!nl)
		return errno;
	/* Both only make messages better; kernels without them do. */
	mnl_socket_setsockopt(nl, NETLINK_EXT_ACK, &one, sizeof(one));
	mnl_socket_setsockopt(nl, NETLINK_CAP_ACK, &one, sizeof(one));
	nlh->nlmsg_seq = 1;
	nlh->nlmsg_flags = (uint16_t)(nlh->nlmsg_flags | NLM_F_REQUEST | NLM_F_ACK);
	if (setsockopt(mnl_socket_get_fd(nl), SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) <
			0 ||
		mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0 ||
		mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) < 0)
		error = errno;
	else
		error = receive_answer(nl, request, handle, data);
	mnl_socket_close(nl);
	return error;
}

static void *request_start(struct request *request, uint16_t type, uint16_t flags, size_t header)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(request->buf);

	request->explanation[0] = '\0';
	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = flags;
	return mnl_nlmsg_put_extra_header(nlh, header);
}

static void put_u32(struct request *request, uint16_t type, uint32_t value)
{
	mnl_attr_put_u32_check((struct nlmsghdr *)(void *)request->buf, REQUEST_SIZE, type, value);
}

static const char *text_of(struct in_addr address, char out[INET_ADDRSTRLEN])
{
	return inet_ntop(AF_INET, &address, out, INET_ADDRSTRLEN);
}

unsigned int net_ifindex(const char *dev)
{
	return if_nametoindex(dev);
}

static int need_device(const char *dev, unsigned int *ifindex, char *why)
{
	*ifindex = if_nametoindex(dev);
	if (*ifindex)
		return 0;
	snprintf(why, SYSTEM_WHY, "there is no network device named %s", dev);
	errno = ENODEV;
	return -1;
}

/*
 * Packets that wait in the device while we do not run: as with Ethernet, twice of what a TUN device has by
 * itself. 300 Mbit/s of UDP fill that in 20 ms, which others take of a busy CPU at times.
 */
#define LINK_QUEUE 1000

int net_link_up(const char *dev, unsigned int mtu, char *why)
{
	struct request request;
	struct ifinfomsg *link;
	unsigned int ifindex;
	int error;

	if (need_device(dev, &ifindex, why) < 0)
		return -1;
	link = request_start(&request, RTM_NEWLINK, 0, sizeof(*link));
	link->ifi_family = AF_UNSPEC;
	link->ifi_index = (int)ifindex;
	link->ifi_flags = IFF_UP;
	link->ifi_change = IFF_UP;
	put_u32(&request, IFLA_MTU, mtu);
	put_u32(&request, IFLA_TXQLEN, LINK_QUEUE);
	error = talk(&request, NULL, NULL);
	if (!error)
		return 0;
	return refuse(why, &request, error, EINVAL, "the device does not take that MTU",
		"bring %s up with MTU %u", dev, mtu);
}

int net_address_add(const char *dev, struct in_addr local, struct in_addr remote,
	unsigned int prefix_len, char *why)
{
	struct in_addr other = remote.s_addr ? remote : local;
	char text[INET_ADDRSTRLEN];
	struct request request;
	struct ifaddrmsg *header;
	unsigned int ifindex;
	int error;

	if (remote.s_addr)
		prefix_len = 32;
	if (prefix_len > 32) {
		snprintf(why, SYSTEM_WHY, "/%u is no prefix length of IPv4 (0 to 32)", prefix_len);
		errno = EINVAL;
		return -1;
	}
	if (need_device(dev, &ifindex, why) < 0)
		return -1;
	header =
		request_start(&request, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, sizeof(*header));
	header->ifa_family = AF_INET;
	header->ifa_prefixlen = (uint8_t)prefix_len;
	header->ifa_index = ifindex;
	put_u32(&request, IFA_LOCAL, local.s_addr);
	put_u32(&request, IFA_ADDRESS, other.s_addr);
	error = talk(&request, NULL, NULL);
	if (!error)
		return 0;
	return refuse(why, &request, error, EINVAL, "it is no address that a device can have",
		"give %s the address %s/%u", dev, text_of(local, text), prefix_len);
}

static const char *text6_of(const struct in6_addr *address, char out[INET6_ADDRSTRLEN])
{
	return inet_ntop(AF_INET6, address, out, INET6_ADDRSTRLEN);
}

/* The kernel says "permission denied" where IPv6 is switched off. */
static int refuse6(char *why, const struct request *request, int error, const char *dev,
	const char *verb, const struct in6_addr *address, unsigned int len)
{
	char text[INET6_ADDRSTRLEN];

	if (error == EACCES || error == EAFNOSUPPORT || error == EOPNOTSUPP) {
		snprintf(why, SYSTEM_WHY,
			"cannot use IPv6 on %s: it is switched off there (see "
			"net.ipv6.conf.%s.disable_ipv6)",
			dev, dev);
		errno = error;
		return -1;
	}
	return refuse(why, request, error, 0, NULL, "%s %s/%u on %s", verb, text6_of(address, text),
		len, dev);
}

int net_link_plain6(const char *dev, char *why)
{
	struct request request;
	struct nlmsghdr *nlh = (void *)request.buf;
	struct nlattr *families, *family;
	struct ifinfomsg *link;
	unsigned int ifindex;
	int error;

	if (need_device(dev, &ifindex, why) < 0)
		return -1;
	link = request_start(&request, RTM_NEWLINK, 0, sizeof(*link));
	link->ifi_family = AF_UNSPEC;
	link->ifi_index = (int)ifindex;
	families = mnl_attr_nest_start(nlh, IFLA_AF_SPEC);
	family = mnl_attr_nest_start(nlh, AF_INET6);
	mnl_attr_put_u8(nlh, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
	mnl_attr_nest_end(nlh, family);
	mnl_attr_nest_end(nlh, families);
	error = talk(&request, NULL, NULL);
	if (!error)
		return 0;
	return refuse(why, &request, error, EAFNOSUPPORT, "this kernel has no IPv6, or it is off",
		"set up IPv6 on %s", dev);
}

int net_address6_add(const char *dev, const struct in6_addr *address, unsigned int len,
	uint32_t valid, uint32_t preferred, char *why)
{
	const struct ifa_cacheinfo times = { .ifa_valid = valid, .ifa_prefered = preferred };
	struct request request;
	struct ifaddrmsg *header;
	unsigned int ifindex;
	int error;

	if (need_device(dev, &ifindex, why) < 0)
		return -1;
	header =
		request_start(&request, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, sizeof(*header));
	header->ifa_family = AF_INET6;
	header->ifa_prefixlen = (uint8_t)len;
	header->ifa_index = ifindex;
	header->ifa_flags = IFA_F_NODAD; /* both ends have agreed on the identifier */
	mnl_attr_put_check((struct nlmsghdr *)(void *)request.buf, REQUEST_SIZE, IFA_LOCAL,
		sizeof(*address), address);
	mnl_attr_put_check((struct nlmsghdr *)(void *)request.buf, REQUEST_SIZE, IFA_CACHEINFO,
		sizeof(times), &times);
	error = talk(&request, NULL, NULL);
	return error ? refuse6(why, &request, error, dev, "add the address", address, len) : 0;
}

int net_route6_add(
	const char *dev, const struct in6_addr *prefix, unsigned int len, bool *exists, char *why)
{
	struct request request;
	struct rtmsg *header;
	unsigned int ifindex;
	int error;

	if (need_device(dev, &ifindex, why) < 0)
		return -1;
	header = request_start(&request, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, sizeof(*header));
	header->rtm_family = AF_INET6;
	header->rtm_dst_len = (uint8_t)len;
	header->rtm_table = RT_TABLE_MAIN;
	header->rtm_protocol = NET_ROUTE_PROTOCOL;
	header->rtm_scope = RT_SCOPE_UNIVERSE;
	header->rtm_type = RTN_UNICAST;
	mnl_attr_put_check((struct nlmsghdr *)(void *)request.buf, REQUEST_SIZE, RTA_DST,
		sizeof(*prefix), prefix);
	put_u32(&request, RTA_OIF, ifindex);
	error = talk(&request, NULL, NULL);
	if (exists)
		*exists = error == EEXIST;
	return error ? refuse6(why, &request, error, dev, "add the route", prefix, len) : 0;
}

struct route_answer {
	struct net_route *out;
	bool seen;
	bool other_family; /* the gateway is an IPv6 address */
};

static int read_route_attr(const struct nlattr *attr, void *data)
{
	struct route_answer *answer = data;
	uint16_t type = mnl_attr_get_type(attr);

	if (type == RTA_VIA)
		answer->other_family = true;
	if (mnl_attr_get_payload_len(attr) != sizeof(uint32_t))
		return MNL_CB_OK;
	if (type == RTA_GATEWAY)
		answer->out->gateway.s_addr = mnl_attr_get_u32(attr);
	else if (type == RTA_OIF)
		answer->out->ifindex = mnl_attr_get_u32(attr);
	else if (type == RTA_PREFSRC)
		answer->out->source.s_addr = mnl_attr_get_u32(attr);
	return MNL_CB_OK;
}

static int read_route(const struct nlmsghdr *nlh, void *data)
{
	struct route_answer *answer = data;

	if (nlh->nlmsg_type != RTM_NEWROUTE ||
		nlh->nlmsg_len < mnl_nlmsg_size(sizeof(struct rtmsg)))
		return MNL_CB_OK;
	answer->seen = true;
	mnl_attr_parse(nlh, sizeof(struct rtmsg), read_route_attr, answer);
	return MNL_CB_OK;
}

int net_route_get(struct in_addr dst, struct net_route *out, char *why)
{
	struct route_answer answer = { .out = out };
	char text[INET_ADDRSTRLEN];
	struct request request;
	struct rtmsg *header;
	int error;

	*out = (struct net_route){ .prefix = dst, .prefix_len = 32 };
	header = request_start(&request, RTM_GETROUTE, 0, sizeof(*header));
	header->rtm_family = AF_INET;
	header->rtm_dst_len = 32;
	put_u32(&request, RTA_DST, dst.s_addr);
	error = talk(&request, read_route, &answer);
	text_of(dst, text);
	if (!error && answer.other_family) {
		snprintf(why, SYSTEM_WHY,
			"the route to %s goes by an IPv6 gateway, which is not supported", text);
		errno = EAFNOSUPPORT;
		return -1;
	}
	if (!error && (!answer.seen || !out->ifindex))
		error = EPROTO;
	if (error)
		return refuse(why, &request, error, ENETUNREACH,
			"there is no route to it (is the network up?)", "find the way to %s", text);
	out->onlink = out->gateway.s_addr != 0;
	return 0;
}

/* The best of the main table's so far. */
struct route_search {
	struct in_addr dst;
	unsigned int ifindex; /* not through this one */
	struct net_route best;
	bool found;
};

static bool route_leads_to(const struct rtmsg *header, struct in_addr prefix, struct in_addr dst)
{
	uint32_t differs = ntohl(prefix.s_addr) ^ ntohl(dst.s_addr);

	return header->rtm_table == RT_TABLE_MAIN && header->rtm_type == RTN_UNICAST &&
	       !(header->rtm_flags & (RTNH_F_DEAD | RTNH_F_LINKDOWN)) &&
	       header->rtm_dst_len <= 32 &&
	       (!header->rtm_dst_len || !(differs >> (32 - header->rtm_dst_len)));
}

struct route_entry {
	struct route_answer answer;
	struct net_route route;
};

static int read_entry_attr(const struct nlattr *attr, void *data)
{
	struct route_entry *entry = data;

	if (mnl_attr_get_payload_len(attr) == sizeof(uint32_t)) {
		if (mnl_attr_get_type(attr) == RTA_DST)
			entry->route.prefix.s_addr = mnl_attr_get_u32(attr);
		else if (mnl_attr_get_type(attr) == RTA_PRIORITY)
			entry->route.metric = mnl_attr_get_u32(attr);
	}
	return read_route_attr(attr, &entry->answer);
}

static int consider_route(const struct nlmsghdr *nlh, void *data)
{
	const struct rtmsg *header = mnl_nlmsg_get_payload(nlh);
	struct route_search *search = data;
	struct route_entry entry = { .answer.out = &entry.route };
	const struct net_route *best = &search->best;

	if (nlh->nlmsg_type != RTM_NEWROUTE || nlh->nlmsg_len < mnl_nlmsg_size(sizeof(*header)))
		return MNL_CB_OK;
	mnl_attr_parse(nlh, sizeof(*header), read_entry_attr, &entry);
	entry.route.prefix_len = header->rtm_dst_len;
	if (!route_leads_to(header, entry.route.prefix, search->dst) || !entry.route.ifindex ||
		entry.route.ifindex == search->ifindex || entry.answer.other_family)
		return MNL_CB_OK;
	if (search->found && (entry.route.prefix_len < best->prefix_len ||
				     (entry.route.prefix_len == best->prefix_len &&
					     entry.route.metric >= best->metric)))
		return MNL_CB_OK;
	search->found = true;
	search->best = entry.route;
	return MNL_CB_OK;
}

int net_route_beside(struct in_addr dst, unsigned int ifindex, struct net_route *out, char *why)
{
	struct route_search search = { .dst = dst, .ifindex = ifindex };
	char text[INET_ADDRSTRLEN];
	struct request request;
	struct rtmsg *header;
	int error;

	header = request_start(&request, RTM_GETROUTE, NLM_F_DUMP, sizeof(*header));
	header->rtm_family = AF_INET;
	error = talk(&request, consider_route, &search);
	if (!error && !search.found)
		error = ENETUNREACH;
	if (error)
		return refuse(why, &request, error, ENETUNREACH,
			"there is no route to it (is the network up?)", "find the way to %s",
			text_of(dst, text));
	*out = search.best;
	out->prefix = dst;
	out->prefix_len = 32;
	out->metric = 0;
	out->onlink = out->gateway.s_addr != 0;
	return 0;
}

static void route_text(const struct net_route *route, char *out, size_t size)
{
	char prefix[INET_ADDRSTRLEN], gateway[INET_ADDRSTRLEN], dev[IF_NAMESIZE];

	if (!if_indextoname(route->ifindex, dev))
		snprintf(dev, sizeof(dev), "if%u", route->ifindex);
	text_of(route->prefix, prefix);
	if (route->gateway.s_addr)
		snprintf(out, size, "%s/%u by %s on %s", prefix, route->prefix_len,
			text_of(route->gateway, gateway), dev);
	else
		snprintf(out, size, "%s/%u on %s", prefix, route->prefix_len, dev);
}

static void route_request(
	struct request *request, const struct net_route *route, uint16_t type, uint16_t flags)
{
	struct rtmsg *header = request_start(request, type, flags, sizeof(*header));

	header->rtm_family = AF_INET;
	header->rtm_dst_len = route->prefix_len;
	header->rtm_table = RT_TABLE_MAIN;
	header->rtm_protocol = NET_ROUTE_PROTOCOL;
	header->rtm_scope = route->gateway.s_addr ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
	header->rtm_type = RTN_UNICAST;
	put_u32(request, RTA_DST, route->prefix.s_addr);
	put_u32(request, RTA_OIF, route->ifindex);
	if (route->gateway.s_addr)
		put_u32(request, RTA_GATEWAY, route->gateway.s_addr);
	if (route->source.s_addr)
		put_u32(request, RTA_PREFSRC, route->source.s_addr);
	if (route->metric)
		put_u32(request, RTA_PRIORITY, route->metric);
	if (route->onlink && route->gateway.s_addr && type == RTM_NEWROUTE)
		header->rtm_flags = RTNH_F_ONLINK;
}

int net_route_add(const struct net_route *route, bool *exists, char *why)
{
	struct request request;
	char text[96];
	int error;

	route_request(&request, route, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL);
	error = talk(&request, NULL, NULL);
	if (exists)
		*exists = error == EEXIST;
	if (!error)
		return 0;
	route_text(route, text, sizeof(text));
	if (error == EEXIST)
		return refuse(why, &request, error, EEXIST,
			"one with the same prefix and metric exists already", "add the route %s",
			text);
	if (error == EINVAL && route->prefix_len <= 32)
		return refuse(why, &request, error, EINVAL,
			request.explanation[0] ? request.explanation
					       : "the prefix has bits set beyond its length, or an "
						 "address is wrong",
			"add the route %s", text);
	return refuse(why, &request, error, ENETUNREACH,
		"the gateway is in no network that this machine is connected to",
		"add the route %s", text);
}

int net_route_del(const struct net_route *route, char *why)
{
	struct request request;
	char text[96];
	int error;

	route_request(&request, route, RTM_DELROUTE, 0);
	error = talk(&request, NULL, NULL);
	if (!error)
		return 0;
	route_text(route, text, sizeof(text));
	return refuse(why, &request, error, ESRCH, "there is no such route of greyline's",
		"remove the route %s", text);
}
