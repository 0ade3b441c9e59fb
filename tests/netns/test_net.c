/*
 * system/ against the kernel: devices, addresses, routes, masquerading, the raw GRE socket, and
 * death at every single system call of a run, after which the next start must find a clean machine.
 * All of it in a network namespace that goes with this process.
 */
#include "system/log.h"
#include "system/net.h"
#include "tests/netns/namespace.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include <cmocka.h>

static char why[SYSTEM_WHY], dir[40];

static struct in_addr ip(const char *text)
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

static bool have(const char *tool)
{
	char command[64];

	snprintf(command, sizeof(command), "command -v %s", tool);
	return *output(command) != '\0';
}

static void must(int rc)
{
	if (rc != 0)
		fail_msg("%s", why);
}

/* A TUN device that is up, with an address. */
static int make_device(const char *name, const char *local, unsigned int prefix_len)
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

static struct net_route route_to(
	const char *prefix, unsigned int len, const char *gateway, const char *dev)
{
	return (struct net_route){ .prefix = ip(prefix),
		.prefix_len = (uint8_t)len,
		.gateway = ip(gateway),
		.ifindex = net_ifindex(dev) };
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

/* Is there an IPv4 route to 203.0.113.0/24? Asked of /proc, not of the code under test. */
static bool route_there(void)
{
	char line[256];
	unsigned int dst;
	bool found = false;
	FILE *in = fopen("/proc/thread-self/net/route", "r");

	assert_non_null(in);
	while (fgets(line, sizeof(line), in))
		if (sscanf(line, "%*s %x", &dst) == 1 && dst == ip("203.0.113.0").s_addr)
			found = true;
	fclose(in);
	return found;
}

static bool forwarding(void)
{
	bool on = true;

	must(net_forward_get(&on, why));
	return on;
}

static unsigned int files_left(void)
{
	DIR *list = opendir(dir);
	struct dirent *entry;
	unsigned int n = 0;

	assert_non_null(list);
	while ((entry = readdir(list)))
		n += entry->d_name[0] != '.';
	closedir(list);
	return n;
}

/* Everything that a process can change, in the order of a start. */
static struct net_state *change_all(void)
{
	struct net_route route = route_to("203.0.113.0", 24, "10.9.0.9", "grey0");
	struct net_state *st = net_state_open("grey0", why);

	if (!st || net_state_forward(st, why) < 0 || net_forward_set(true, why) < 0 ||
		net_state_route(st, &route, why) < 0 || net_route_add(&route, NULL, why) < 0 ||
		net_state_masquerade(st, "grey0", why) < 0 ||
		net_masquerade_add("grey0", ip("10.9.0.0"), 24, why) < 0) {
		fprintf(stderr, "# %s\n", why);
		_exit(1);
	}
	return st;
}

static void whole_run(void)
{
	net_state_close(change_all());
}

/* Runs `run` in a child that is killed before its system call number `n`; true if it ended before.
 */
static bool killed_at(void (*run)(void), unsigned int n)
{
	pid_t pid = fork();
	unsigned int stops = 0;
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		run();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) || ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_TRACESYSGOOD) < 0)
		fail_msg("cannot trace a child");
	/* A call stops twice, at its entry and at its exit: an even count stands before a call. */
	while (stops <= 2 * n) {
		assert_int_equal(ptrace(PTRACE_SYSCALL, pid, NULL, NULL), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (WIFEXITED(status)) {
			assert_int_equal(WEXITSTATUS(status), 0);
			return true;
		}
		stops += WIFSTOPPED(status) && WSTOPSIG(status) == (SIGTRAP | 0x80);
	}
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return false;
}

/* What was changed at this moment, before the recovery. */
struct seen {
	unsigned int crashes, routes, forwards, files;
};

static void recover_and_look(struct seen *seen)
{
	seen->crashes++;
	seen->routes += route_there();
	seen->forwards += forwarding();
	seen->files += files_left() > 0;
	net_state_recover();
	assert_false(route_there());
	assert_false(forwarding());
	assert_int_equal(files_left(), 0);
	if (have("nft"))
		assert_string_equal(output("nft list tables"), "");
}

static int enter_state(void **state)
{
	(void)state;
	log_set(LOG_ERROR, LOG_TEXT);
	return state_dir_make(dir);
}

static int leave_state(void **state)
{
	(void)state;
	return rmdir(dir);
}

static void death_at_any_system_call_leaves_nothing_for_ever(void **state)
{
	int fd = make_device("grey0", "10.9.0.1", 24);
	struct seen seen = { 0 };

	(void)state;
	for (unsigned int n = 0; !killed_at(whole_run, n); n++)
		recover_and_look(&seen);
	assert_int_equal(files_left(), 0);
	assert_false(forwarding());
	assert_false(route_there());
	print_message("# %u crashes: %u left a route, %u forwarding, %u a file\n", seen.crashes,
		seen.routes, seen.forwards, seen.files);
	assert_true(seen.routes > 20 && seen.forwards > 20 && seen.files > 20);
	close(fd);
}

static void make_a_mess(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		change_all();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void death_during_recovery_is_recovered_too(void **state)
{
	int fd = make_device("grey0", "10.9.0.1", 24);
	struct seen seen = { 0 };
	bool whole = false;

	(void)state;
	for (unsigned int n = 0; !whole; n++) {
		make_a_mess();
		assert_true(route_there() && forwarding());
		whole = killed_at(net_state_recover, n);
		if (whole)
			assert_int_equal(files_left(), 0);
		recover_and_look(&seen);
	}
	print_message("# %u crashes: %u left a route, %u forwarding, %u a file\n", seen.crashes,
		seen.routes, seen.forwards, seen.files);
	assert_true(seen.routes > 20 && seen.forwards > 20 && seen.files > 20);
	close(fd);
}

static void a_route_that_two_instances_need_goes_with_the_second(void **state)
{
	int fd = make_device("grey0", "10.9.0.1", 24);
	struct net_route route = route_to("203.0.113.0", 24, "10.9.0.9", "grey0");
	struct net_state *a = net_state_open("a", why), *b = net_state_open("b", why);
	bool exists = false;

	(void)state;
	must(net_state_route(a, &route, why));
	must(net_route_add(&route, NULL, why));
	must(net_state_route(b, &route, why));
	assert_int_equal(net_route_add(&route, &exists, why), -1);
	assert_true(exists);
	must(net_state_route_undo(a, &route, why));
	assert_true(route_there());
	net_state_close(a);
	assert_true(route_there());
	net_state_close(b);
	assert_false(route_there());
	close(fd);
}

#define CASE(f)       cmocka_unit_test(f)
#define STATE_CASE(f) cmocka_unit_test_setup_teardown(f, enter_state, leave_state)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_tun_device_lives_as_long_as_its_descriptor),
		CASE(a_tun_device_has_the_offloads_that_it_says),
		CASE(a_tun_device_has_queues_if_they_are_wanted),
		CASE(names_that_no_tun_device_can_have_are_refused),
		CASE(a_point_to_point_address_and_an_mtu_are_set),
		CASE(errors_of_links_and_addresses_are_sentences),
		CASE(a_route_is_added_found_and_removed),
		CASE(what_route_get_gives_can_be_added),
		CASE(only_our_own_route_is_ever_removed),
		CASE(errors_of_routes_are_sentences),
		CASE(masquerading_changes_the_source_of_what_leaves),
		CASE(the_gre_socket_carries_packets),
		STATE_CASE(a_route_that_two_instances_need_goes_with_the_second),
		STATE_CASE(death_at_any_system_call_leaves_nothing_for_ever),
		STATE_CASE(death_during_recovery_is_recovered_too),
	};

	if (access("/dev/net/tun", R_OK | W_OK) < 0) {
		printf("1..0 # SKIP /dev/net/tun: %s (needs root and the tun module)\n",
			strerror(errno));
		return 0;
	}
	namespace_enter_or_skip();
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
