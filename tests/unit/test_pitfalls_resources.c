/*
 * Faults that other implementations had with memory, descriptors, threads and time
 * (tests/pitfalls.md): a test is named after the fault that it would find here.
 */
#include "dataplane/pool.h"
#include "dataplane/table.h"
#include "server/accounts.h"
#include "server/address_pool.h"
#include "server/listener.h"
#include "session/connection.h"
#include "session/hub.h"
#include "system/control_socket.h"
#include "system/tun.h"
#include "tests/unit/dp_rig.h"

#include <dirent.h>
#include <sys/resource.h>

static unsigned int entries(const char *path)
{
	unsigned int n = 0;
	DIR *dir = opendir(path);

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static unsigned int descriptors(void)
{
	return entries("/proc/self/fd");
}

static unsigned int threads(void)
{
	return entries("/proc/self/task");
}

/* ---- memory ---- */

static void a_pool_that_was_large_shrinks(void **unused)
{
	static struct packet *slots[POOL_MAX];
	struct pool pool;

	(void)unused;
	assert_int_equal(pool_init(&pool, POOL_MAX), 0);
	for (unsigned int round = 0; round < 3; round++) {
		unsigned int n = 0;

		while (n < POOL_MAX && (slots[n] = pool_get(&pool)))
			n++;
		assert_true(n > POOL_MAX / 2);
		assert_true(pool.total >= n);
		for (unsigned int i = 0; i < n; i++)
			pool_put(&pool, slots[n - 1 - i]);
		assert_true(pool.total <= POOL_MAX / 8);
	}
	pool_done(&pool);
}

/* A stream with gaps, over and over: what it made the receiver hold is given back. */
static void what_a_gap_held_is_given_back(void **unused)
{
	struct rig *rig = rig_new(false, false);
	struct dp_session *s = add_open(rig);
	struct tunnel_stats session_stats;
	struct dp_stats stats;
	uint32_t seq = 0;

	(void)unused;
	sync_commands(rig, s);
	send_data(rig, seq++, 0);
	expect_inner(rig, 0);
	for (unsigned int round = 0; round < 5; round++) {
		seq++; /* missing */
		for (uint32_t i = 0; i < 200; i++)
			send_data(rig, seq++, i);
		for (uint32_t i = 0; i < 200; i++)
			expect_inner(rig, i);
	}
	UNTIL((dp_session_stats(s, &session_stats), session_stats.lost == 5));
	rig_free(rig); /* the sanitizer's leak check has the last word */
}

/* ---- what a session may cost ---- */

#define SESSIONS 1000

static void a_session_is_no_thread_no_device_and_no_descriptor(void **unused)
{
	struct rig *rig = rig_new(false, false);
	unsigned int fds = descriptors(), tasks = threads(), devices = entries("/sys/class/net");
	static struct dp_session *s[SESSIONS];

	(void)unused;
	for (unsigned int i = 0; i < SESSIONS; i++) {
		s[i] = add(rig, PEER, (uint16_t)(i + 1), rig);
		assert_non_null(s[i]);
		assert_int_equal(dp_session_add_route(rig->dp, s[i], in(INNER + i), 32), 0);
		dp_session_open(rig->dp, s[i], true);
	}
	sync_commands(rig, s[SESSIONS - 1]);
	assert_int_equal(descriptors(), fds);
	assert_int_equal(threads(), tasks);
	assert_int_equal(entries("/sys/class/net"), devices);
	rig_free(rig);
}

/* Each session waits for a gap and for an acknowledgement to be due: two deadlines each. */
static void a_timer_is_no_descriptor(void **unused)
{
	struct rig *rig = rig_new(false, false);
	static struct dp_session *s[SESSIONS];
	unsigned int fds = descriptors(), tasks = threads();
	uint8_t packet[100], buf[2048];
	size_t n = inner_packet(packet, INNER, OUTSIDE, 7, 60);

	(void)unused;
	for (unsigned int i = 0; i < SESSIONS; i++) {
		s[i] = add(rig, PEER, (uint16_t)(i + 1), rig);
		assert_non_null(s[i]);
		dp_session_open(rig->dp, s[i], true);
	}
	sync_commands(rig, s[SESSIONS - 1]);
	for (unsigned int i = 0; i < SESSIONS; i++) {
		send_ppp(rig, (uint16_t)(i + 1), 1, 0x0021, packet, n);
		send_ppp(rig, (uint16_t)(i + 1), 3, 0x0021, packet, n);
		if (i % 50 != 49)
			continue;
		assert_int_equal(descriptors(), fds);
		assert_int_equal(threads(), tasks);
		for (unsigned int k = 0; k < 100; k++) /* the deadlines come */
			assert_int_equal(next_on(rig->inner, buf, sizeof(buf)), 60);
	}
	assert_int_equal(descriptors(), fds);
	rig_free(rig);
}

/* ---- set-up that fails ---- */

static void run_until_closed(uv_loop_t *loop)
{
	while (uv_run(loop, UV_RUN_DEFAULT))
		;
}

static void on_established(struct connection *c)
{
	connection_stop(c, PPTP_LOCAL_REQUEST);
}

static unsigned int closed_count;

static void on_closed(struct connection *c, enum pptp_reason reason, const char *detail)
{
	(void)detail;
	assert_int_not_equal(reason, PPTP_NONE);
	closed_count++;
	*(bool *)c->owner = true;
}

static const struct connection_ops ops = { .established = on_established, .closed = on_closed };
static const struct control_config control = { .host_name = "here", .vendor = "test" };

/* Dials a port where nobody listens. */
static void dial_in_vain(uv_loop_t *loop)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(1) };
	static struct connection c;
	struct timers timers;
	bool over = false;

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	timers_init(&timers, loop);
	if (connection_dial(&c, &timers, &to, 5000000, &control, &ops, &over) == 0)
		run_until_closed(loop);
	else
		over = true;
	timers_done(&timers, NULL);
	run_until_closed(loop);
	assert_true(over);
}

static json_t *no_handler(void *user, const char *command, const json_t *request, char *why)
{
	(void)user;
	(void)command;
	(void)request;
	(void)why;
	return NULL;
}

/* true: the data plane could be set up. */
static bool set_up_and_down(uv_loop_t *loop, char *why)
{
	int inner = -1, inner_end = -1, gre = -1, gre_end = -1, fds[2];
	struct control_socket *cs;
	struct dp_config config = { 0 };
	struct hub hub;
	bool good;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) == 0) {
		inner = fds[0];
		inner_end = fds[1];
	}
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) == 0) {
		gre = fds[0];
		gre_end = fds[1];
	}
	config.inner_fd = inner;
	config.gre_fd = gre;
	good = hub_init(&hub, loop, &config, NULL, why) == 0;
	if (good)
		hub_done(&hub, NULL);
	else
		assert_true(strlen(why) > 0);
	cs = control_socket_open(loop, "/nonexistent/dir/socket", no_handler, NULL, why);
	assert_null(cs);
	dial_in_vain(loop);
	run_until_closed(loop);
	if (inner >= 0) {
		close(inner);
		close(inner_end);
	}
	if (gre >= 0) {
		close(gre);
		close(gre_end);
	}
	return good;
}

/* With room for one descriptor, two, three ... each step of the set-up is the one that fails. */
static void set_up_that_fails_at_any_step_leaks_no_descriptor(void **unused)
{
	struct rlimit old, low;
	unsigned int before, tasks, failed = 0;
	char why[SYSTEM_WHY];
	uv_loop_t loop;

	(void)unused;
	assert_int_equal(uv_loop_init(&loop), 0);
	assert_true(set_up_and_down(&loop, why)); /* what is opened once for all is open now */
	before = descriptors();
	tasks = threads();
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	for (unsigned int room = 0; room < 24; room++) {
		int top = dup(0);

		assert_true(top >= 0);
		close(top);
		low = (struct rlimit){ (rlim_t)top + room, old.rlim_max };
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
		failed += !set_up_and_down(&loop, why);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
		assert_int_equal(descriptors(), before);
		assert_int_equal(threads(), tasks);
	}
	assert_in_range(failed, 5, 20);
	assert_int_equal(uv_loop_close(&loop), 0);
}

static void set_up_that_fails_again_and_again_leaks_no_descriptor(void **unused)
{
	unsigned int before;
	char why[SYSTEM_WHY], name[64];
	uv_loop_t loop;

	(void)unused;
	assert_int_equal(uv_loop_init(&loop), 0);
	dial_in_vain(&loop);
	before = descriptors();
	for (unsigned int i = 0; i < 100; i++) {
		struct dp_config config = { .inner_fd = -1, .gre_fd = -1 };
		struct hub hub;

		assert_int_equal(hub_init(&hub, &loop, &config, NULL, why), -1);
		dial_in_vain(&loop);
		assert_null(control_socket_open(&loop, "/proc/no", no_handler, NULL, why));
		run_until_closed(&loop);
		strcpy(name, "bad/name%d"); /* no device can be called so */
		assert_int_equal(tun_open(name, false, NULL, why), -1);
	}
	assert_int_equal(descriptors(), before);
	assert_true(closed_count >= 100);
	assert_int_equal(uv_loop_close(&loop), 0);
}

/* ---- accept() without a descriptor ---- */

#define CALLERS 8

static int accepted_fds[CALLERS];
static unsigned int accepted_count, exhausted_count;

static void on_accepted(void *user, int fd, struct in_addr from)
{
	(void)user;
	(void)from;
	assert_true(accepted_count < CALLERS);
	accepted_fds[accepted_count++] = fd;
}

static void on_exhausted(void *user, int error)
{
	(void)user;
	assert_int_equal(error < 0 ? -error : error, EMFILE);
	exhausted_count++;
}

static void accepting_without_descriptors_is_no_busy_loop(void **unused)
{
	static const struct listener_ops listening = { .accepted = on_accepted,
		.exhausted = on_exhausted };
	struct sockaddr_in to = { .sin_family = AF_INET };
	socklen_t len = sizeof(to);
	int callers[CALLERS], top;
	unsigned int turns = 0;
	struct rlimit old, low;
	struct listener l;
	char why[SYSTEM_WHY];
	uv_loop_t loop;
	uint64_t start;

	(void)unused;
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(uv_loop_init(&loop), 0);
	memset(&l, 0, sizeof(l));
	assert_int_equal(listener_open(&l, &loop, &to, 64, &listening, NULL, why), 0);
	assert_int_equal(getsockname(l.fd, (struct sockaddr *)&to, &len), 0);
	for (unsigned int i = 0; i < CALLERS; i++) {
		callers[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		assert_int_equal(connect(callers[i], (const struct sockaddr *)&to, len), 0);
	}
	top = dup(0);
	close(top);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	low = (struct rlimit){ (rlim_t)top + 2, old.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	start = clock_us();
	for (; exhausted_count < 4; turns++) {
		uv_run(&loop, UV_RUN_ONCE);
		assert_true(turns < 100); /* it waits, longer each time */
	}
	assert_true(clock_us() - start >= 100000);
	assert_int_equal(accepted_count, 2);
	/* Nobody was sent away meanwhile: they are accepted as soon as that is possible. */
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	while (accepted_count < CALLERS)
		uv_run(&loop, UV_RUN_ONCE);
	for (unsigned int i = 0; i < CALLERS; i++) {
		char octet;

		assert_int_equal(recv(callers[i], &octet, 1, MSG_DONTWAIT), -1);
		assert_true(errno == EAGAIN);
		close(callers[i]);
		close(accepted_fds[i]);
	}
	listener_close(&l);
	run_until_closed(&loop);
	assert_int_equal(uv_loop_close(&loop), 0);
}

/* ---- time ---- */

static double cpu_seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

#define FEW   1000u
#define MANY  64000u
#define STEPS 4000u

/*
 * What `step` costs with so many of them there already. The best of some rounds, and a wide margin:
 * from FEW to MANY a scan costs 64 times as much, an array that outgrows the caches some times.
 */
static double cost(void (*step)(void *user, uint32_t i), void *user)
{
	double best = 1e9;

	for (unsigned int round = 0; round < 5; round++) {
		double start = cpu_seconds(), took;

		for (uint32_t i = 0; i < STEPS; i++)
			step(user, i * 2654435761u);
		took = cpu_seconds() - start;
		if (took < best)
			best = took;
	}
	return best;
}

#define assert_no_scan(few, many) assert_true((many) < 20 * (few) + 0.001)

struct calls {
	struct table table;
	struct table_node calls[MANY], routes[MANY];
	uint32_t count;
};

static void call_step(void *user, uint32_t i)
{
	struct calls *c = user;
	uint32_t n = i % c->count, peer = IP(10, 0, 0, 0) + n / 8;
	uint16_t id = (uint16_t)(n * 40503u);

	assert_non_null(table_find_call(&c->table, peer, 1, id));
	table_remove_call(&c->table, &c->calls[n]);
	assert_int_equal(table_add_call(&c->table, &c->calls[n], peer, 1, id), 0);
	assert_non_null(table_lookup(&c->table, IP(10, 8, 0, 0) + n));
	table_remove_route(&c->table, &c->routes[n]);
	assert_int_equal(table_add_route(&c->table, &c->routes[n], IP(10, 8, 0, 0) + n, 32), 0);
}

static void a_call_is_found_without_a_scan(void **unused)
{
	struct calls *c = calloc(1, sizeof(*c));
	double took[2];

	(void)unused;
	assert_non_null(c);
	assert_int_equal(table_init(&c->table, 12345), 0);
	for (unsigned int k = 0; k < 2; k++) {
		for (; c->count < (k ? MANY : FEW); c->count++) {
			uint32_t n = c->count;

			c->calls[n].session = c->routes[n].session = (struct dp_session *)c;
			assert_int_equal(
				table_add_call(&c->table, &c->calls[n], IP(10, 0, 0, 0) + n / 8, 1,
					(uint16_t)(n * 40503u)),
				0);
			assert_int_equal(
				table_add_route(&c->table, &c->routes[n], IP(10, 8, 0, 0) + n, 32),
				0);
		}
		took[k] = cost(call_step, c);
	}
	assert_no_scan(took[0], took[1]);
	table_done(&c->table);
	free(c);
}

static void address_step(void *user, uint32_t i)
{
	struct address_pool *pool = user;
	struct in_addr a;

	(void)i;
	assert_true(address_pool_take(pool, &a));
	address_pool_give_back(pool, a);
}

static void an_address_is_found_without_a_scan(void **unused)
{
	struct address_pool pool;
	double took[2];
	uint32_t taken = 0;

	(void)unused;
	address_pool_init(&pool);
	assert_int_equal(address_pool_add(&pool, in(IP(10, 0, 0, 0)), 14), 0);
	for (unsigned int k = 0; k < 2; k++) {
		struct in_addr a;

		for (; taken < (k ? MANY : FEW); taken++)
			assert_true(address_pool_take(&pool, &a));
		took[k] = cost(address_step, &pool);
	}
	assert_no_scan(took[0], took[1]);
	address_pool_done(&pool);
}

struct users {
	struct accounts accounts;
	uint32_t count;
};

static void account_step(void *user, uint32_t i)
{
	struct users *u = user;
	char name[32];

	snprintf(name, sizeof(name), "user%u", (unsigned int)(i % u->count));
	assert_non_null(accounts_find(&u->accounts, name));
}

static void an_account_is_found_without_a_scan(void **unused)
{
	static const uint8_t hash[16] = { 1 };
	struct users u = { .count = 0 };
	double took[2];

	(void)unused;
	accounts_init(&u.accounts);
	for (unsigned int k = 0; k < 2; k++) {
		for (; u.count < (k ? MANY : FEW); u.count++) {
			char name[32];

			snprintf(name, sizeof(name), "user%u", (unsigned int)u.count);
			assert_int_equal(accounts_put(&u.accounts, name, NULL, hash, in(0)), 0);
		}
		took[k] = cost(account_step, &u);
	}
	assert_no_scan(took[0], took[1]);
	accounts_done(&u.accounts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pool_that_was_large_shrinks),
		cmocka_unit_test(what_a_gap_held_is_given_back),
		cmocka_unit_test(a_session_is_no_thread_no_device_and_no_descriptor),
		cmocka_unit_test(a_timer_is_no_descriptor),
		cmocka_unit_test(set_up_that_fails_at_any_step_leaks_no_descriptor),
		cmocka_unit_test(set_up_that_fails_again_and_again_leaks_no_descriptor),
		cmocka_unit_test(accepting_without_descriptors_is_no_busy_loop),
		cmocka_unit_test(a_call_is_found_without_a_scan),
		cmocka_unit_test(an_address_is_found_without_a_scan),
		cmocka_unit_test(an_account_is_found_without_a_scan),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
