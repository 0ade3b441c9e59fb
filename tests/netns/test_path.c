/*
 * The path's MTU as the kernel knows it, and what the data plane makes of a packet that the kernel
 * finds too big; on the loopback device of a namespace of its own.
 */
#include "namespace.h"

#include "dataplane/dataplane.h"
#include "system/path.h"
#include "system/tun.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>

#include <cmocka.h>

#define PATIENCE_MS 20000 /* a bound for a broken program; passing tests do not wait */

static const struct in_addr nowhere;

static struct in_addr address(const char *text)
{
	struct in_addr a;

	assert_int_equal(inet_pton(AF_INET, text, &a), 1);
	return a;
}

static void set_loopback(int mtu)
{
	struct ifreq ifr = { .ifr_name = "lo", .ifr_mtu = mtu };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(ioctl(fd, SIOCSIFMTU, &ifr), 0);
	assert_int_equal(ioctl(fd, SIOCGIFFLAGS, &ifr), 0);
	ifr.ifr_flags |= IFF_UP;
	assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &ifr), 0);
	close(fd);
}

static void the_path_has_the_mtu_of_its_device(void **state)
{
	(void)state;
	set_loopback(1300);
	assert_int_equal(path_mtu(address("127.0.0.1"), nowhere), 1300);
	set_loopback(1400);
	assert_int_equal(path_mtu(address("127.0.0.1"), address("127.0.0.2")), 1400);
	set_loopback(65536);
	assert_int_equal(path_mtu(address("127.0.0.1"), nowhere), 65535);
}

static void without_a_path_it_is_an_error(void **state)
{
	(void)state;
	set_loopback(1400);
	assert_int_equal(path_mtu(address("192.0.2.1"), nowhere), -ENETUNREACH);
	assert_int_equal(path_mtu(address("127.0.0.1"), address("192.0.2.1")), -EADDRNOTAVAIL);
}

/* Where GRE goes another way than the rest (a rule, IPsec), its way counts. */
static void the_path_is_that_of_gre(void **state)
{
	(void)state;
	set_loopback(1400);
	if (system("ip route add 192.0.2.0/24 dev lo && ip rule add ipproto gre lookup 100 && "
		   "ip route add 192.0.2.0/24 dev lo mtu 1200 table 100") != 0) {
		print_message("# no rules by protocol here\n");
		skip();
	}
	assert_int_equal(path_mtu(address("192.0.2.1"), nowhere), 1200);
	assert_int_equal(path_mtu(address("192.0.2.1"), address("127.0.0.1")), 1200);
	assert_int_equal(
		system("ip rule del ipproto gre lookup 100 && ip route del 192.0.2.0/24 dev lo"),
		0);
}

static void what_fits_inside(void **state)
{
	(void)state;
	assert_int_equal(path_inner_mtu(1500), 1456);
	assert_int_equal(path_inner_mtu(1300), 1256);
	assert_int_equal(path_inner_mtu(113), 69);
	assert_int_equal(path_inner_mtu(112), 68);
	assert_int_equal(path_inner_mtu(1), 68);
	assert_int_equal(path_inner_mtu(0), 65535);
	assert_int_equal(path_inner_mtu(-ENETUNREACH), 65535);
	assert_int_equal(path_inner_mtu(65536), 65535);
}

/* ---- the data plane ---- */

struct rig {
	struct dataplane *dp;
	struct dp_session *session;
	int inner, dp_inner, gre;
	unsigned int path_events;
};

static void rig_start(struct rig *rig, bool fragment)
{
	struct dp_config config = { .fragment_outer = fragment };
	struct dp_session_config session = {
		.peer = address("127.0.0.1"),
		.local = address("127.0.0.2"),
		.tunnel = { .call_id = 7, .peer_call_id = 8, .window = 64, .peer_window = 64 },
	};
	struct in_addr inner = address("10.0.0.2");
	char why[SYSTEM_WHY] = "";
	int fds[2];

	memset(rig, 0, sizeof(*rig));
	rig->gre = gre_socket_open(NULL, fragment, why);
	if (rig->gre < 0) {
		print_message("# %s\n", why);
		skip();
	}
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
	rig->inner = fds[0];
	rig->dp_inner = fds[1];
	config.inner_fd = rig->dp_inner;
	config.gre_fd = rig->gre;
	rig->dp = dataplane_new(&config);
	assert_non_null(rig->dp);
	rig->session = dp_session_add(rig->dp, &session);
	assert_non_null(rig->session);
	assert_int_equal(dp_session_add_route(rig->dp, rig->session, inner, 32), 0);
	dp_session_open(rig->dp, rig->session, true);
}

static void rig_end(struct rig *rig)
{
	dataplane_free(rig->dp);
	close(rig->inner);
	close(rig->dp_inner);
	close(rig->gre);
}

/* With DF, to the session. */
static void inner_sends(const struct rig *rig, uint16_t len)
{
	uint8_t packet[1500] = { 0x45, 0, (uint8_t)(len >> 8), (uint8_t)len, 0, 0, 0x40, 0, 64, 17,
		0, 0, 10, 9, 9, 9, 10, 0, 0, 2 };

	assert_int_equal(send(rig->inner, packet, len, 0), len);
}

static struct dp_stats stats_until(const struct rig *rig, uint64_t handled)
{
	struct dp_stats stats;

	for (unsigned int i = 0; i < PATIENCE_MS; i++) {
		dataplane_stats(rig->dp, &stats);
		if (stats.gre_sent + stats.send_errors >= handled)
			return stats;
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
	fail();
	return stats;
}

static void on_event(void *user, const struct dp_event *event)
{
	struct rig *rig = user;

	assert_int_equal(event->type, DP_EVENT_PATH);
	rig->path_events++;
}

static void too_big_for_the_path_is_counted_and_told_once_a_second(void **state)
{
	struct dp_stats stats;
	struct rig rig;

	(void)state;
	set_loopback(1000);
	rig_start(&rig, false);
	inner_sends(&rig, 960);
	stats = stats_until(&rig, 1);
	assert_int_equal(stats.gre_sent, 1);
	assert_int_equal(stats.send_errors, 0);
	for (unsigned int i = 0; i < 10; i++)
		inner_sends(&rig, 1200);
	inner_sends(&rig, 960); /* one that fits, behind them */
	stats = stats_until(&rig, 12);
	assert_int_equal(stats.gre_sent, 2);
	assert_int_equal(stats.send_errors, 10);
	assert_int_equal(stats.send_too_big, 10);
	while (!rig.path_events) {
		struct pollfd p = { .fd = dataplane_event_fd(rig.dp), .events = POLLIN };

		assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
		dataplane_dispatch(rig.dp, on_event, &rig);
	}
	assert_int_equal(rig.path_events, 1);
	rig_end(&rig);
}

static void with_fragments_allowed_it_goes_out(void **state)
{
	struct dp_stats stats;
	struct rig rig;

	(void)state;
	set_loopback(1000);
	rig_start(&rig, true);
	dp_session_set_path(rig.dp, rig.session, 1000);
	inner_sends(&rig, 1200);
	stats = stats_until(&rig, 1);
	assert_int_equal(stats.gre_sent, 1);
	/* It was fragmented, put together again, and came back to the socket. */
	while (!stats.gre_received) {
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
		dataplane_stats(rig.dp, &stats);
	}
	rig_end(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_path_has_the_mtu_of_its_device),
		cmocka_unit_test(without_a_path_it_is_an_error),
		cmocka_unit_test(the_path_is_that_of_gre),
		cmocka_unit_test(what_fits_inside),
		cmocka_unit_test(too_big_for_the_path_is_counted_and_told_once_a_second),
		cmocka_unit_test(with_fragments_allowed_it_goes_out),
	};

	namespace_enter_or_skip();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
