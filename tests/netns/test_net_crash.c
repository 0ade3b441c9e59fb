/*
 * Death at every single system call of a run that changes the network, after which the next start
 * must find a clean machine. All of it in a network namespace that goes with this process.
 */
#include "tests/netns/net_rig.h"

#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

static char dir[40];

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
	seen->files += state_dir_files(dir) > 0;
	net_state_recover();
	assert_false(route_there());
	assert_false(forwarding());
	assert_int_equal(state_dir_files(dir), 0);
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
	assert_int_equal(state_dir_files(dir), 0);
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
			assert_int_equal(state_dir_files(dir), 0);
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

#define CASE(f) cmocka_unit_test_setup_teardown(f, enter_state, leave_state)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_route_that_two_instances_need_goes_with_the_second),
		CASE(death_at_any_system_call_leaves_nothing_for_ever),
		CASE(death_during_recovery_is_recovered_too),
	};

	net_enter_or_skip();
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
