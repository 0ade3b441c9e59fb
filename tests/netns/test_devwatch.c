/*
 * What others do to devices and routes, as session/devwatch is told of it, and what the client makes of routes that
 * have changed.
 */
#include "client/network.h"
#include "session/devwatch.h"
#include "tests/netns/net_rig.h"

#include <uv.h>

#define PATIENCE 10000 /* ms */

struct seen {
	unsigned int up, gone, routes;
};

static void on_up(void *user)
{
	((struct seen *)user)->up++;
}

static void on_gone(void *user)
{
	((struct seen *)user)->gone++;
}

static void on_routes(void *user)
{
	((struct seen *)user)->routes++;
}

static const struct devwatch_ops ops = { .up = on_up, .gone = on_gone, .routes = on_routes };

static void on_late(uv_timer_t *timer)
{
	*(bool *)timer->data = true;
}

/* Runs the loop until `count` is not 0. */
static void until(uv_loop_t *loop, const unsigned int *count)
{
	bool late = false;
	uv_timer_t timer;

	uv_timer_init(loop, &timer);
	timer.data = &late;
	uv_timer_start(&timer, on_late, PATIENCE, 0);
	while (!*count && !late)
		uv_run(loop, UV_RUN_ONCE);
	uv_close((uv_handle_t *)&timer, NULL);
	uv_run(loop, UV_RUN_NOWAIT);
	assert_true(*count > 0);
}

/* More than a socket holds, while nobody reads: then it fails before it is read. */
static void it_goes_on_after_more_than_its_socket_held(void **state)
{
	int fd = make_device("grey0", "10.9.0.1", 24), other = make_device("grey1", "10.9.1.1", 24);
	struct net_route route = route_to("10.77.0.0", 16, "10.9.1.2", "grey1");
	struct seen seen = { 0 };
	struct devwatch *w;
	uv_loop_t loop;

	(void)state;
	uv_loop_init(&loop);
	w = devwatch_open(&loop, "grey0", &ops, &seen);
	assert_non_null(w);
	for (unsigned int i = 0; i < 4000; i++) {
		must(net_route_add(&route, NULL, why));
		must(net_route_del(&route, why));
	}
	until(&loop, &seen.routes);
	seen = (struct seen){ 0 };
	must(net_route_add(&route, NULL, why));
	until(&loop, &seen.routes);
	assert_string_equal(output("ip link set grey0 down && ip link set grey0 up"), "");
	until(&loop, &seen.up);
	close(fd);
	until(&loop, &seen.gone);
	devwatch_close(w);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
	close(other);
}

/* Somebody may be faster than who starts to watch. */
static void one_that_is_down_already_comes_up(void **state)
{
	int fd = make_device("grey0", "10.9.0.1", 24);
	struct seen seen = { 0 };
	struct devwatch *w;
	uv_loop_t loop;

	(void)state;
	uv_loop_init(&loop);
	assert_string_equal(output("ip link set grey0 down"), "");
	w = devwatch_open(&loop, "grey0", &ops, &seen);
	assert_non_null(w);
	assert_string_equal(output("ip link set grey0 up"), "");
	until(&loop, &seen.up);
	devwatch_close(w);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
	close(fd);
}

/* A new one can come to nothing: it is removed before it is followed, or its name is another's. */
static void without_a_device_each_that_goes_is_told(void **state)
{
	int fd = make_device("grey0", "10.9.0.1", 24), other = make_device("grey1", "10.9.1.1", 24);
	struct seen seen = { 0 };
	struct devwatch *w;
	uv_loop_t loop;

	(void)state;
	uv_loop_init(&loop);
	w = devwatch_open(&loop, "grey0", &ops, &seen);
	assert_non_null(w);
	close(fd);
	until(&loop, &seen.gone);
	seen.gone = 0;
	close(other);
	until(&loop, &seen.gone);
	fd = make_device("grey0", "10.9.0.1", 24);
	other = make_device("grey1", "10.9.1.1", 24);
	devwatch_follow(w, "grey0");
	seen = (struct seen){ 0 };
	close(other);
	until(&loop, &seen.routes);
	assert_int_equal(seen.gone, 0);
	devwatch_close(w);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
	close(fd);
}

/* To the kernel that removes routes, one that says nothing of a source is one with any. */
static void a_route_that_gets_a_source_replaces_one_without(void **state)
{
	int up = make_device("up0", "192.0.2.2", 24), tun = make_device("grey0", "10.9.0.1", 32);
	struct client_network n = { .dev = "grey0", .has_host = true };
	struct net_route now;

	(void)state;
	n.host = route_to("198.51.100.1", 32, "192.0.2.1", "up0");
	n.state = net_state_open("grey0", why);
	assert_non_null(n.state);
	must(net_state_route(n.state, &n.host, why)); /* it was there, but is gone */
	assert_string_equal(output("ip route add default via 192.0.2.1 dev up0 src 192.0.2.2 && "
				   "ip route add 128.0.0.0/1 dev grey0"),
		"");
	assert_true(client_network_reroute(&n, ip("198.51.100.1")));
	must(net_route_get(ip("198.51.100.1"), &now, why));
	assert_int_equal(now.ifindex, net_ifindex("up0"));
	assert_int_equal(n.host.source.s_addr, ip("192.0.2.2").s_addr);
	assert_false(client_network_reroute(&n, ip("198.51.100.1")));
	net_state_close(n.state);
	assert_string_equal(output("ip route show proto 147"), "");
	close(tun);
	close(up);
}

/* A host route that does not count is no way, however often the routes change. */
static void a_route_that_rules_pass_over_is_none(void **state)
{
	int up = make_device("up0", "192.0.2.2", 24), tun = make_device("grey0", "10.9.0.1", 32);
	struct client_network n = { .dev = "grey0", .has_host = true };

	(void)state;
	n.host = route_to("198.51.100.1", 32, "192.0.2.1", "up0");
	n.state = net_state_open("grey0", why);
	assert_non_null(n.state);
	assert_string_equal(output("ip route add default via 192.0.2.1 dev up0 && "
				   "ip route add default dev grey0 table 100 && "
				   "ip rule add to 198.51.100.1 lookup 100"),
		"");
	assert_false(client_network_reroute(&n, ip("198.51.100.1")));
	assert_true(n.no_way);
	assert_string_equal(output("ip rule del to 198.51.100.1 lookup 100"), "");
	assert_false(client_network_reroute(&n, ip("198.51.100.1"))); /* it counts by itself now */
	net_state_close(n.state);
	assert_string_equal(output("ip route show proto 147"), "");
	close(tun);
	close(up);
}

/* IPv6 alone: default routes of IPv4 would lead what carries the tunnel into it. */
static void only_what_was_added_is_added_again(void **state)
{
	int tun = make_device("grey0", "10.9.0.1", 32);
	const struct client_config config = { .default_route = true };
	struct client_network n = { .dev = "grey0" };

	(void)state;
	must(client_network_again(&n, &config, why));
	assert_string_equal(output("ip route show proto 147"), "");
	close(tun);
}

/* They went with the old device, and with IPv6 alone nobody but its advertisements would set them again. */
static void name_servers_are_to_be_set_for_a_new_device(void **state)
{
	const struct client_config config = { 0 };
	struct client_network n = { .dev = "grey0" };

	(void)state;
	n.tun_fd = make_device("grey0", "10.9.0.1", 32);
	assert_string_equal(output("ip link del grey0"), "");
	client_dns_add(&n.dns, "2001:db8::53");
	n.dns.changed = false;
	n.dns_set = true;
	must(client_network_renew(&n, &config, why));
	assert_true(n.dns.changed);
	assert_true(net_ifindex("grey0") > 0);
	close(n.tun_fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_goes_on_after_more_than_its_socket_held),
		cmocka_unit_test(only_what_was_added_is_added_again),
		cmocka_unit_test(name_servers_are_to_be_set_for_a_new_device),
		cmocka_unit_test(one_that_is_down_already_comes_up),
		cmocka_unit_test(without_a_device_each_that_goes_is_told),
		cmocka_unit_test(a_route_that_rules_pass_over_is_none),
		cmocka_unit_test(a_route_that_gets_a_source_replaces_one_without),
	};
	char dir[40];
	int failed;

	net_enter_or_skip();
	if (state_dir_make(dir) < 0) {
		perror("state directory");
		return 1;
	}
	if (!have("ip")) {
		printf("1..0 # SKIP no ip(8)\n");
		return 0;
	}
	failed = cmocka_run_group_tests_name("devwatch", tests, NULL, NULL);
	return rmdir(dir) < 0 ? 1 : failed;
}
