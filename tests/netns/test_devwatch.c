/* What others do to devices and routes, as session/devwatch is told of it. */
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_goes_on_after_more_than_its_socket_held),
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
