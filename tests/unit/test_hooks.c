/* The administrator's program: its answers, its environment, its bounds; with real programs, in an event loop. */
#include "server/hooks.h"

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static uv_loop_t loop;
static struct hooks hooks;
static char dir[] = "/tmp/greyline-test.hooks-XXXXXX";
static char script[128], out[128];
static unsigned int yes, no;
static uint32_t last_id;

static void on_answer(void *user, uint32_t id, bool answer)
{
	assert_ptr_equal(user, &hooks);
	last_id = id;
	if (answer)
		yes++;
	else
		no++;
}

static int set_up(void **state)
{
	(void)state;
	strcpy(dir + strlen(dir) - 6, "XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(script, sizeof(script), "%s/hook", dir);
	snprintf(out, sizeof(out), "%s/out", dir);
	yes = no = last_id = 0;
	return uv_loop_init(&loop);
}

static int tear_down(void **state)
{
	(void)state;
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_true(hooks_idle(&hooks));
	assert_int_equal(uv_loop_close(&loop), 0);
	unlink(script);
	unlink(out);
	return rmdir(dir);
}

/* A hook with these lines. */
static void is(const char *lines)
{
	FILE *f = fopen(script, "w");

	assert_non_null(f);
	fprintf(f, "#!/bin/sh\n%s\n", lines);
	fclose(f);
	assert_int_equal(chmod(script, 0755), 0);
	hooks_init(&hooks, &loop, script);
}

static bool ask(uint32_t id)
{
	struct hook_env env;

	hook_env_init(&env);
	hook_env_add_number(&env, "SESSION", id);
	return hooks_ask(&hooks, &env, on_answer, &hooks, id);
}

static void tell_of(uint32_t id, const char *event)
{
	struct hook_env env;

	hook_env_init(&env);
	hook_env_add(&env, "EVENT", event);
	hooks_tell(&hooks, &env, id);
}

/* Of a session that nothing else is told of. */
static void tell(const char *event)
{
	static uint32_t id = 1000;

	tell_of(id++, event);
}

static const char *said(void)
{
	static char text[8192];
	FILE *f = fopen(out, "r");
	size_t n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;

	text[n] = '\0';
	if (f)
		fclose(f);
	return text;
}

static void status_0_is_yes(void **state)
{
	(void)state;
	is("exit 0");
	assert_true(hooks_enabled(&hooks));
	assert_true(ask(7));
	assert_int_equal(yes + no, 0); /* later, not at once */
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(yes, 1);
	assert_int_equal(last_id, 7);
	assert_int_equal(hooks.failed, 0);
}

static void another_status_is_no(void **state)
{
	(void)state;
	is("exit 3");
	assert_true(ask(1));
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(no, 1);
	assert_int_equal(hooks.failed, 1);
}

static void a_signal_is_no(void **state)
{
	(void)state;
	is("kill -9 $$");
	assert_true(ask(1));
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(no, 1);
}

static void one_that_hangs_is_killed_and_means_no(void **state)
{
	(void)state;
	is("exec sleep 600");
	hooks.time_ms = 30;
	assert_true(ask(1));
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(no, 1);
	assert_int_equal(hooks.killed, 1);
}

/* True if nobody has `fd`, the read end of a FIFO, open for writing any more. */
static bool all_writers_are_gone(int fd)
{
	struct pollfd p = { .fd = fd };

	return poll(&p, 1, 5000) == 1 && p.revents & POLLHUP;
}

static void what_it_has_started_is_killed_with_it(void **state)
{
	struct pollfd p = { .events = POLLIN };
	char lines[300];

	(void)state;
	assert_int_equal(mkfifo(out, 0600), 0);
	p.fd = open(out, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	assert_true(p.fd >= 0);
	snprintf(lines, sizeof(lines), "exec >%s\nsleep 20 & echo 1\nwait", out);
	is(lines);
	hooks.time_ms = 1;
	assert_true(ask(1));
	assert_int_equal(poll(&p, 1, 10000), 1); /* its child runs */
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(hooks.killed, 1);
	assert_int_equal(no, 1);
	assert_true(all_writers_are_gone(p.fd));
	close(p.fd);
}

static void down_does_not_overtake_up(void **state)
{
	char lines[300];

	(void)state;
	snprintf(lines, sizeof(lines),
		"[ $GREYLINE_EVENT = up ] && sleep 0.2\necho $GREYLINE_EVENT >>%s", out);
	is(lines);
	tell_of(1, "up");
	tell_of(1, "down");
	tell_of(2, "other");
	assert_int_equal(hooks.running, 2); /* others do not wait for it */
	assert_int_equal(hooks.waiting, 1);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_non_null(strstr(said(), "up\ndown\n"));
	assert_non_null(strstr(said(), "other\n"));
	assert_null(hooks.first);
	assert_null(hooks.last);
}

static void the_log_is_not_filled(void **state)
{
	(void)state;
	hooks_init(&hooks, &loop, "/nonexistent/hook");
	for (uint32_t i = 0; i < 60; i++)
		assert_false(ask(i));
	assert_int_equal(hooks.failed, 60);
	assert_int_equal(hooks.log.said + hooks.log.held, 60);
	assert_in_range(hooks.log.said, 1, 10);
}

static void one_that_cannot_be_run_cannot_be_asked(void **state)
{
	(void)state;
	hooks_init(&hooks, &loop, "/nonexistent/hook");
	assert_false(ask(1));
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(yes + no, 0);
	assert_int_equal(hooks.failed, 1);
	hooks_init(&hooks, &loop, "");
	assert_false(hooks_enabled(&hooks));
	assert_false(ask(1));
}

static void environment_is_what_was_given_and_no_more(void **state)
{
	struct hook_env env;
	char lines[200];

	(void)state;
	setenv("GREYLINE_PASSWORD", "secret", 1);
	snprintf(lines, sizeof(lines), "env | sort >%s", out);
	is(lines);
	hook_env_init(&env);
	hook_env_add(&env, "EVENT", "up");
	hook_env_add_bytes(&env, "CALLING", "0\n1\0002", 5);
	hook_env_add_number(&env, "RX_BYTES", UINT64_MAX);
	hooks_tell(&hooks, &env, 1);
	uv_run(&loop, UV_RUN_DEFAULT);
	unsetenv("GREYLINE_PASSWORD");
	assert_non_null(strstr(said(), "GREYLINE_EVENT=up\n"));
	assert_non_null(strstr(said(), "GREYLINE_CALLING=0\\x0a1\\x002\n"));
	assert_non_null(strstr(said(), "GREYLINE_RX_BYTES=18446744073709551615\n"));
	assert_non_null(strstr(said(), "PATH=/usr/local/sbin:"));
	assert_null(strstr(said(), "secret"));
	assert_null(strstr(said(), "HOME="));
}

static void those_that_tell_wait_for_their_turn_and_all_come(void **state)
{
	char lines[200];
	unsigned int n = 0;

	(void)state;
	snprintf(lines, sizeof(lines), "echo $GREYLINE_EVENT >>%s", out);
	is(lines);
	for (int i = 0; i < HOOKS_RUNNING + 20; i++)
		tell("down");
	assert_int_equal(hooks.running, HOOKS_RUNNING);
	assert_int_equal(hooks.waiting, 20);
	uv_run(&loop, UV_RUN_DEFAULT);
	for (const char *p = said(); (p = strstr(p, "down\n")); p++)
		n++;
	assert_int_equal(n, HOOKS_RUNNING + 20);
	assert_int_equal(hooks.dropped, 0);
}

static void a_call_in_a_crowd_is_not_let_in(void **state)
{
	(void)state;
	is("exit 0");
	for (int i = 0; i < HOOKS_RUNNING; i++)
		assert_true(ask(1));
	assert_false(ask(2));
	assert_int_equal(hooks.dropped, 1);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(yes, HOOKS_RUNNING);
	assert_true(ask(3));
}

static void the_queue_is_bounded(void **state)
{
	(void)state;
	is("exec sleep 600");
	for (int i = 0; i < HOOKS_RUNNING + HOOKS_WAITING + 3; i++)
		tell("up");
	assert_int_equal(hooks.waiting, HOOKS_WAITING);
	assert_int_equal(hooks.dropped, 3);
	hooks_kill(&hooks);
	assert_int_equal(hooks.waiting, 0);
}

static void nobody_is_answered_after_the_kill(void **state)
{
	(void)state;
	is("exec sleep 600");
	assert_true(ask(1));
	hooks_kill(&hooks);
	assert_false(hooks_enabled(&hooks));
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(yes + no, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(status_0_is_yes),
		TEST(another_status_is_no),
		TEST(a_signal_is_no),
		TEST(one_that_hangs_is_killed_and_means_no),
		TEST(what_it_has_started_is_killed_with_it),
		TEST(down_does_not_overtake_up),
		TEST(the_log_is_not_filled),
		TEST(one_that_cannot_be_run_cannot_be_asked),
		TEST(environment_is_what_was_given_and_no_more),
		TEST(those_that_tell_wait_for_their_turn_and_all_come),
		TEST(a_call_in_a_crowd_is_not_let_in),
		TEST(the_queue_is_bounded),
		TEST(nobody_is_answered_after_the_kill),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
