/*
 * system/ against the kernel: devices, addresses, routes, masquerading, the raw GRE socket. All of it
 * in a network namespace that goes with this process.
 */
#include "system/steering.h"
#include "tests/netns/net_rig.h"

#include <netinet/ip.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sys/ioctl.h>

static void a_tun_device_lives_as_long_as_its_descriptor(void **state)
{
	char name[IFNAMSIZ] = "grey%d", again[IFNAMSIZ];
	int fd = tun_open(name, false, NULL, why);

	(void)state;
	assert_true(fd >= 0);
	assert_string_equal(name, "grey0");
	assert_true(net_ifindex("grey0") > 0);
	memcpy(again, name, sizeof(again));
	assert_int_equal(tun_open(again, false, NULL, why), -1);
	assert_non_null(strstr(why, "a device named grey0 exists already"));
	close(fd);
	assert_int_equal(net_ifindex("grey0"), 0);
}

/* What a kernel of today has; and that a descriptor really speaks so: an echo with the header in front. */
static void a_tun_device_has_the_offloads_that_it_says(void **state)
{
	char name[IFNAMSIZ] = "grey0";
	struct tun_offload offload = { 0 };
	int fd = tun_open(name, false, &offload, why);
	uint8_t buf[2000];
	struct pollfd p = { .fd = fd, .events = POLLIN };
	ssize_t n;

	(void)state;
	assert_true(fd >= 0);
	assert_true(offload.header && offload.tcp4 && offload.tcp6);
	if (have("ethtool"))
		assert_non_null(strstr(output("ethtool -k grey0"), "tcp-segmentation-offload: on"));
	must(net_address_add("grey0", ip("10.9.0.1"), ip("10.9.0.2"), 24, why));
	must(net_link_up("grey0", 1400, why));
	do {
		assert_int_equal(poll(&p, 1, 10000), 1);
		n = read(fd, buf, sizeof(buf));
		assert_true(n > 10);
	} while (buf[10] >> 4 != 6); /* the kernel's own reports of multicast */
	assert_int_equal(n, 10 + 40 + (buf[14] << 8 | buf[15]));
	close(fd);
}

static void a_tun_device_has_queues_if_they_are_wanted(void **state)
{
	char name[IFNAMSIZ] = "grey%d";
	struct tun_offload offload = { 0 };
	int fd = tun_open(name, true, &offload, why), second;

	(void)state;
	assert_true(fd >= 0);
	second = tun_open_queue(name, &offload, why);
	assert_true(second >= 0);
	close(fd);
	assert_true(net_ifindex(name) > 0); /* until the last is closed */
	close(second);
	assert_int_equal(net_ifindex(name), 0);
	assert_int_equal(tun_open_queue(name, &offload, why), -1);
	assert_non_null(strstr(why, "there is no device grey0"));
	assert_int_equal(net_ifindex(name), 0);
	fd = tun_open(name, false, NULL, why);
	assert_true(fd >= 0);
	memset(&offload, 0, sizeof(offload));
	assert_int_equal(tun_open_queue(name, &offload, why), -1);
	assert_non_null(strstr(why, "no further queue of the TUN device grey0"));
	close(fd);
}

static void names_that_no_tun_device_can_have_are_refused(void **state)
{
	char name[IFNAMSIZ] = "a/b";

	(void)state;
	assert_int_equal(tun_open(name, false, NULL, why), -1);
	assert_non_null(strstr(why, "refuses \"a/b\""));
	snprintf(name, sizeof(name), "lo");
	assert_int_equal(tun_open(name, false, NULL, why), -1);
	assert_non_null(strstr(why, "a device named lo exists already"));
	name[0] = '\0';
	assert_int_equal(tun_open(name, false, NULL, why), -1);
	assert_non_null(strstr(why, "1 to 15 characters"));
	memset(name, 'x', sizeof(name));
	assert_int_equal(tun_open(name, false, NULL, why), -1);
	assert_non_null(strstr(why, "1 to 15 characters"));
}

static int mtu_of(const char *dev)
{
	struct ifreq request = { 0 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), rc;

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", dev);
	rc = ioctl(fd, SIOCGIFMTU, &request);
	close(fd);
	return rc ? -1 : request.ifr_mtu;
}

static void a_point_to_point_address_and_an_mtu_are_set(void **state)
{
	char name[IFNAMSIZ] = "grey0";
	int fd = tun_open(name, false, NULL, why);

	(void)state;
	must(net_address_add("grey0", ip("10.9.0.1"), ip("10.9.0.2"), 24, why));
	must(net_address_add("grey0", ip("10.9.0.1"), ip("10.9.0.2"), 24, why));
	must(net_link_up("grey0", 1234, why));
	assert_int_equal(mtu_of("grey0"), 1234);
	if (have("ip"))
		assert_non_null(strstr(
			output("ip -o -4 addr show dev grey0"), "10.9.0.1 peer 10.9.0.2/32"));
	close(fd);
}

static void errors_of_links_and_addresses_are_sentences(void **state)
{
	int fd = make_device("grey0", "10.9.0.1", 24);

	(void)state;
	assert_int_equal(net_link_up("nodev", 1400, why), -1);
	assert_string_equal(why, "there is no network device named nodev");
	assert_int_equal(net_address_add("nodev", ip("10.9.0.1"), ip("0.0.0.0"), 24, why), -1);
	assert_string_equal(why, "there is no network device named nodev");
	assert_int_equal(net_link_up("grey0", 10, why), -1);
	assert_string_equal(
		why, "cannot bring grey0 up with MTU 10: the device does not take that MTU");
	assert_int_equal(net_address_add("grey0", ip("10.9.0.1"), ip("0.0.0.0"), 33, why), -1);
	assert_non_null(strstr(why, "/33 is no prefix length"));
	close(fd);
}

static void a_route_is_added_found_and_removed(void **state)
{
	int fd = make_device("grey0", "10.9.0.1", 24);
	struct net_route route = route_to("203.0.113.0", 24, "10.9.0.9", "grey0"), found;
	bool exists = false;

	(void)state;
	must(net_route_add(&route, &exists, why));
	assert_false(exists);
	must(net_route_get(ip("203.0.113.77"), &found, why));
	assert_int_equal(found.prefix.s_addr, ip("203.0.113.77").s_addr);
	assert_int_equal(found.prefix_len, 32);
	assert_int_equal(found.gateway.s_addr, ip("10.9.0.9").s_addr);
	assert_int_equal(found.source.s_addr, ip("10.9.0.1").s_addr);
	assert_int_equal(found.ifindex, net_ifindex("grey0"));
	assert_int_equal(net_route_add(&route, &exists, why), -1);
	assert_true(exists);
	assert_string_equal(why, "cannot add the route 203.0.113.0/24 by 10.9.0.9 on grey0: one "
				 "with the same prefix "
				 "and metric exists already");
	must(net_route_del(&route, why));
	assert_int_equal(net_route_del(&route, why), -1);
	assert_int_equal(errno, ESRCH);
	close(fd);
}

static void what_route_get_gives_can_be_added(void **state)
{
	int fd = make_device("grey0", "10.9.0.1", 32);
	struct net_route out = route_to("0.0.0.0", 0, "192.0.2.1", "grey0"), found;

	(void)state;
	/* A default gateway that is in no connected network, as hosting companies give it. */
	assert_int_equal(net_route_add(&out, NULL, why), -1);
	assert_non_null(strstr(why, "the gateway is in no network"));
	out.onlink = true;
	must(net_route_add(&out, NULL, why));
	must(net_route_get(ip("203.0.113.7"), &found, why));
	assert_true(found.onlink);
	must(net_route_add(&found, NULL, why));
	must(net_route_del(&found, why));
	close(fd);
}

/* The longest prefix, then the least metric, of what does not lead through that device. */
static void the_way_beside_a_device_is_found(void **state)
{
	int fd = make_device("grey0", "10.9.0.1", 24),
	    other_fd = make_device("grey1", "10.8.0.1", 24);
	struct net_route tunnel = route_to("128.0.0.0", 1, "0.0.0.0", "grey0");
	struct net_route all = route_to("0.0.0.0", 0, "10.8.0.9", "grey1"), near, found;

	(void)state;
	must(net_route_add(&tunnel, NULL, why));
	assert_int_equal(
		net_route_beside(ip("203.0.113.7"), net_ifindex("grey0"), &found, why), -1);
	assert_int_equal(errno, ENETUNREACH);
	assert_non_null(strstr(why, "there is no route to it"));
	all.metric = 100;
	must(net_route_add(&all, NULL, why));
	must(net_route_beside(ip("203.0.113.7"), net_ifindex("grey0"), &found, why));
	assert_int_equal(found.ifindex, net_ifindex("grey1"));
	assert_int_equal(found.gateway.s_addr, ip("10.8.0.9").s_addr);
	assert_int_equal(found.prefix.s_addr, ip("203.0.113.7").s_addr);
	assert_int_equal(found.prefix_len, 32);
	assert_true(found.onlink);
	all.metric = 50;
	all.gateway = ip("10.8.0.8");
	must(net_route_add(&all, NULL, why));
	must(net_route_beside(ip("203.0.113.7"), net_ifindex("grey0"), &found, why));
	assert_int_equal(found.gateway.s_addr, ip("10.8.0.8").s_addr);
	near = route_to("203.0.113.0", 24, "10.8.0.7", "grey1");
	near.metric = 1000;
	must(net_route_add(&near, NULL, why));
	must(net_route_beside(ip("203.0.113.7"), net_ifindex("grey0"), &found, why));
	assert_int_equal(found.gateway.s_addr, ip("10.8.0.7").s_addr);
	assert_int_equal(found.metric, 0);
	must(net_route_add(&found, NULL, why));
	must(net_route_get(ip("203.0.113.7"), &found, why));
	assert_int_equal(found.ifindex, net_ifindex("grey1"));
	close(fd);
	close(other_fd);
}

static void a_device_takes_the_place_of_one_that_is_gone(void **state)
{
	int fd = make_device("grey0", "10.9.0.1", 24), fresh;
	char name[16] = "grey0";

	(void)state;
	assert_true(tun_lives(fd));
	if (!have("ip")) {
		print_message("# needs the tool ip (iproute2)\n");
		close(fd);
		skip();
	}
	output("ip link del grey0");
	assert_false(tun_lives(fd));
	fresh = tun_open(name, false, NULL, why);
	assert_true(fresh >= 0);
	must(tun_replace(fd, fresh, why));
	assert_true(tun_lives(fd));
	assert_int_not_equal(net_ifindex("grey0"), 0);
	close(fd);
	assert_int_equal(net_ifindex("grey0"), 0);
}

static void only_our_own_route_is_ever_removed(void **state)
{
	int fd = make_device("grey0", "10.9.0.1", 24),
	    other_fd = make_device("grey1", "10.8.0.1", 24);
	struct net_route route = route_to("203.0.113.0", 24, "10.9.0.9", "grey0"), other = route,
			 wrong;

	(void)state;
	if (!have("ip")) {
		print_message("# needs the tool ip (iproute2)\n");
		close(fd);
		close(other_fd);
		skip();
	}
	/* Somebody else's, like ours in every part. */
	output("ip route add 203.0.113.0/24 via 10.9.0.9 dev grey0 proto static 2>&1");
	assert_int_equal(net_route_del(&route, why), -1);
	assert_non_null(strstr(why, "there is no such route of greyline's"));
	other.metric = 50;
	must(net_route_add(&other, NULL, why));
	for (int i = 0; i < 5; i++) {
		wrong = other;
		wrong.prefix_len = i == 0 ? 25 : 24;
		wrong.gateway = i == 1 ? ip("10.9.0.8") : i == 2 ? ip("0.0.0.0") : other.gateway;
		wrong.metric = i == 3 ? 51 : 50;
		wrong.ifindex = i == 4 ? net_ifindex("grey1") : other.ifindex;
		assert_int_equal(net_route_del(&wrong, why), -1);
		assert_int_equal(errno, ESRCH);
	}
	must(net_route_del(&other, why));
	assert_string_equal(output("ip route show 203.0.113.0/24"),
		"203.0.113.0/24 via 10.9.0.9 dev grey0 proto static \n");
	close(fd);
	close(other_fd);
}

static void errors_of_routes_are_sentences(void **state)
{
	int fd = make_device("grey0", "10.9.0.1", 24);
	struct net_route route = route_to("203.0.113.1", 24, "10.9.0.9", "grey0"), found;

	(void)state;
	assert_int_equal(net_route_add(&route, NULL, why), -1);
	assert_non_null(strstr(why, "cannot add the route 203.0.113.1/24 by 10.9.0.9 on grey0: "));
	route = route_to("203.0.113.0", 24, "0.0.0.0", "nodev");
	route.ifindex = 4711;
	assert_int_equal(net_route_add(&route, NULL, why), -1);
	assert_non_null(strstr(why, "203.0.113.0/24 on if4711: "));
	assert_int_equal(net_route_get(ip("203.0.113.1"), &found, why), -1);
	assert_string_equal(why,
		"cannot find the way to 203.0.113.1: there is no route to it (is the network up?)");
	close(fd);
}

static uint16_t ip_checksum(const uint8_t *data, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)(data[i] << 8 | data[i + 1]);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

/* Puts a UDP packet into the device `in`, and reads where it comes from when it leaves by `out`. */
static struct in_addr source_after_forwarding(int in, int out, const char *from, const char *to)
{
	struct {
		struct iphdr ip;
		struct udphdr udp;
	} packet = { .ip = { .version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_UDP },
		.udp = { .source = htons(4000),
			.dest = htons(4001),
			.len = htons(sizeof(struct udphdr)) } };
	struct pollfd pfd = { .fd = out, .events = POLLIN };
	uint8_t buf[2048];
	struct in_addr source;

	packet.ip.tot_len = htons(sizeof(packet));
	packet.ip.saddr = ip(from).s_addr;
	packet.ip.daddr = ip(to).s_addr;
	packet.ip.check = ip_checksum((const uint8_t *)&packet.ip, sizeof(packet.ip));
	assert_int_equal(write(in, &packet, sizeof(packet)), sizeof(packet));
	for (;;) {
		ssize_t n;

		if (poll(&pfd, 1, 5000) <= 0)
			fail_msg("the packet did not come out");
		n = read(out, buf, sizeof(buf));
		/* The kernel's own IPv6 packets leave by it, too. */
		if (n >= (ssize_t)sizeof(packet) && buf[0] == 0x45 && buf[9] == IPPROTO_UDP)
			break;
	}
	memcpy(&source, buf + 12, sizeof(source));
	return source;
}

static void masquerading_changes_the_source_of_what_leaves(void **state)
{
	int inside, outside;
	bool on = false;

	(void)state;
	inside = make_device("grey0", "10.9.0.1", 24);
	outside = make_device("out0", "198.51.100.1", 24);
	must(net_forward_set(true, why));
	must(net_forward_get(&on, why));
	assert_true(on);
	if (net_masquerade_add("grey0", ip("10.9.0.77"), 24, why) < 0) {
		assert_non_null(strstr(why, "grey0: "));
		print_message("# needs nftables in the kernel: %s\n", why);
		close(inside);
		close(outside);
		skip();
	}
	must(net_masquerade_add("grey0", ip("10.10.0.0"), 16, why));
	must(net_masquerade_add("grey0", ip("10.9.0.0"), 24, why));
	assert_int_equal(
		source_after_forwarding(inside, outside, "10.9.0.2", "198.51.100.9").s_addr,
		ip("198.51.100.1").s_addr);
	if (have("nft")) {
		const char *rules = output("nft list table ip greyline-grey0");
		const char *first =
			strstr(rules, "ip saddr 10.9.0.0/24 oifname != \"grey0\" masquerade");

		assert_non_null(first);
		assert_null(strstr(first + 1, "ip saddr 10.9.0.0/24"));
		assert_non_null(
			strstr(rules, "ip saddr 10.10.0.0/16 oifname != \"grey0\" masquerade"));
	}
	must(net_masquerade_del("grey0", why));
	must(net_masquerade_del("grey0", why));
	if (have("nft"))
		assert_string_equal(output("nft list ruleset"), "");
	/* Another flow, as the kernel remembers the first one. */
	assert_int_equal(
		source_after_forwarding(inside, outside, "10.9.0.3", "198.51.100.9").s_addr,
		ip("10.9.0.3").s_addr);
	must(net_masquerade_add("grey0", ip("0.0.0.0"), 0, why));
	assert_int_equal(
		source_after_forwarding(inside, outside, "10.9.0.4", "198.51.100.9").s_addr,
		ip("198.51.100.1").s_addr);
	must(net_masquerade_del("grey0", why));
	must(net_forward_set(false, why));
	close(inside);
	close(outside);
}

static void the_gre_socket_carries_packets(void **state)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr = ip("127.0.0.1") };
	struct in_addr peer = ip("127.0.0.1"), nobody = ip("127.0.0.9"), far = ip("203.0.113.1");
	static const uint8_t payload[] = { 0x30, 0x01, 0x88, 0x0b, 0, 0, 0, 1, 0, 0, 0, 0 };
	uint8_t buf[256];
	int all, from_peer, from_nobody, size = 0;
	socklen_t len = sizeof(size);

	(void)state;
	must(net_link_up("lo", 65536, why));
	all = gre_socket_open(NULL, false, why);
	from_peer = gre_socket_open(&peer, false, why);
	from_nobody = gre_socket_open(&nobody, true, why);
	assert_true(all >= 0 && from_peer >= 0 && from_nobody >= 0);
	assert_int_equal(getsockopt(all, SOL_SOCKET, SO_RCVBUF, &size, &len), 0);
	assert_true(size > 200000);
	assert_int_equal(
		sendto(all, payload, sizeof(payload), 0, (struct sockaddr *)&to, sizeof(to)),
		sizeof(payload));
	assert_int_equal(recv(all, buf, sizeof(buf), 0), 20 + sizeof(payload));
	assert_memory_equal(buf + 20, payload, sizeof(payload));
	assert_int_equal(recv(from_peer, buf, sizeof(buf), 0), 20 + sizeof(payload));
	assert_int_equal(recv(from_nobody, buf, sizeof(buf), 0), -1);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(gre_socket_open(&far, false, why), -1);
	assert_string_equal(why, "no GRE socket to 203.0.113.1: there is no route to it");
	close(all);
	close(from_peer);
	close(from_nobody);
}

/* Woken it would be in no VRF any more, where one was its place. */
static void a_gre_socket_that_has_a_device_does_not_rest(void **state)
{
	char name[IFNAMSIZ] = "grey0", bound[IFNAMSIZ] = "";
	socklen_t len = sizeof(bound);
	int fd, tun;

	(void)state;
	tun = tun_open(name, false, NULL, why);
	assert_true(tun >= 0);
	fd = gre_socket_open(NULL, false, why);
	assert_true(fd >= 0);
	assert_int_equal(steering_rest(fd, true), 0);
	assert_int_equal(steering_rest(fd, true), 0);
	assert_int_equal(steering_rest(fd, false), 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "grey0", 5), 0);
	assert_int_equal(steering_rest(fd, true), -EBUSY);
	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, bound, &len), 0);
	assert_string_equal(bound, "grey0");
	close(fd);
	close(tun);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tun_device_lives_as_long_as_its_descriptor),
		cmocka_unit_test(a_tun_device_has_the_offloads_that_it_says),
		cmocka_unit_test(a_tun_device_has_queues_if_they_are_wanted),
		cmocka_unit_test(names_that_no_tun_device_can_have_are_refused),
		cmocka_unit_test(a_point_to_point_address_and_an_mtu_are_set),
		cmocka_unit_test(errors_of_links_and_addresses_are_sentences),
		cmocka_unit_test(a_route_is_added_found_and_removed),
		cmocka_unit_test(what_route_get_gives_can_be_added),
		cmocka_unit_test(the_way_beside_a_device_is_found),
		cmocka_unit_test(a_device_takes_the_place_of_one_that_is_gone),
		cmocka_unit_test(only_our_own_route_is_ever_removed),
		cmocka_unit_test(errors_of_routes_are_sentences),
		cmocka_unit_test(masquerading_changes_the_source_of_what_leaves),
		cmocka_unit_test(the_gre_socket_carries_packets),
		cmocka_unit_test(a_gre_socket_that_has_a_device_does_not_rest),
	};

	net_enter_or_skip();
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
