/* The control socket against callers that behave and callers that do not; the loop runs in the
 * test's own thread. */
#include "system/clock.h"
#include "system/control_socket.h"
#include "system/log.h"
#include "system/tun.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[64], path[96], why[SYSTEM_WHY];
static uv_loop_t loop;
static struct control_socket *server;

static _Atomic uint64_t passed; /* us: time that goes faster here */

/* Instead of the system's. */
uint64_t clock_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000 + passed;
}

static json_t *handler(void *user, const char *command, const json_t *request, char *reason)
{
	if (strcmp(command, "echo") == 0)
		return json_incref(json_object_get(request, "value"));
	if (strcmp(command, "user") == 0)
		return json_string(user);
	if (strcmp(command, "close") == 0) {
		control_socket_close(server);
		server = NULL;
		return json_true();
	}
	if (strcmp(command, "large") == 0) {
		char *text = malloc(3000001);
		json_t *value;

		memset(text, 'x', 3000000);
		text[3000000] = '\0';
		value = json_string(text);
		free(text);
		return value;
	}
	if (strcmp(command, "bytes") == 0)
		snprintf(reason, SYSTEM_WHY, "no user \xff\xfe");
	else
		snprintf(reason, SYSTEM_WHY, "there is no command \"%s\"", command);
	return NULL;
}

/* Counts up to its command, "array N". */
struct counter {
	int next, count;
};

static unsigned int arrays_open, arrays_made;
static uint64_t array_pace; /* us that an element takes */

static void *array_open(void *user, const char *command)
{
	struct counter *c;

	(void)user;
	if (strncmp(command, "array ", 6) != 0)
		return NULL;
	c = calloc(1, sizeof(*c));
	c->count = atoi(command + 6);
	arrays_open++;
	arrays_made = 0;
	return c;
}

static json_t *array_next(void *array)
{
	struct counter *c = array;

	arrays_made++;
	passed += array_pace;
	return c->next < c->count ? json_integer(c->next++) : NULL;
}

static void array_close(void *array)
{
	arrays_open--;
	free(array);
}

static const struct control_arrays arrays = { array_open, array_next, array_close };

static int set_up(void **state)
{
	(void)state;
	log_set(LOG_ERROR, LOG_TEXT);
	snprintf(dir, sizeof(dir), "/tmp/greyline-control-XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/run/control.sock", dir);
	why[0] = '\0';
	uv_loop_init(&loop);
	server = control_socket_open(&loop, path, handler, (void *)(uintptr_t) "me", why);
	return server ? 0 : -1;
}

static int tear_down(void **state)
{
	char run[80];

	(void)state;
	control_socket_close(server);
	server = NULL;
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
	snprintf(run, sizeof(run), "%s/run", dir);
	unlink(path);
	rmdir(run);
	return rmdir(dir);
}

/* A blocking call from another thread while this one runs the loop. */
struct call {
	const char *request;
	json_t *result;
	char why[SYSTEM_WHY];
	uv_async_t done;
};

static void *call_thread(void *arg)
{
	struct call *call = arg;
	json_t *request = json_loads(call->request, 0, NULL);

	call->result = control_socket_call(path, request, call->why);
	json_decref(request);
	uv_async_send(&call->done);
	return NULL;
}

static void call_done(uv_async_t *async)
{
	uv_close((uv_handle_t *)async, NULL);
	uv_stop(async->loop);
}

static json_t *ask(struct call *call, const char *request)
{
	pthread_t thread;

	*call = (struct call){ .request = request };
	uv_async_init(&loop, &call->done, call_done);
	assert_int_equal(pthread_create(&thread, NULL, call_thread, call), 0);
	uv_run(&loop, UV_RUN_DEFAULT);
	pthread_join(thread, NULL);
	uv_run(&loop, UV_RUN_NOWAIT);
	return call->result;
}

static int raw_connect(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

/* Runs the loop until the descriptor has a line, or its end (then ""). */
static const char *raw_line(int fd, char *buf, size_t size)
{
	size_t used = 0;

	for (int turn = 0; turn < 10000; turn++) {
		ssize_t n = recv(fd, buf + used, size - 1 - used, 0);

		if (n == 0 || (n < 0 && errno == ECONNRESET))
			return "";
		if (n > 0) {
			used += (size_t)n;
			buf[used] = '\0';
			if (strchr(buf, '\n'))
				return buf;
		}
		uv_run(&loop, UV_RUN_NOWAIT);
	}
	fail_msg("no answer");
	return NULL;
}

static void a_request_gets_its_result(void **state)
{
	struct call call;
	json_t *result =
		ask(&call, "{\"command\":\"echo\",\"value\":{\"a\":[1,2,\"\\u00fc\\n\"]}}");
	json_t *expected = json_loads("{\"a\":[1,2,\"\\u00fc\\n\"]}", 0, NULL);

	(void)state;
	assert_non_null(result);
	assert_true(json_equal(result, expected));
	json_decref(result);
	json_decref(expected);
	result = ask(&call, "{\"command\":\"user\"}");
	assert_string_equal(json_string_value(result), "me");
	json_decref(result);
}

static void an_error_comes_back_as_its_sentence(void **state)
{
	struct call call;

	(void)state;
	assert_null(ask(&call, "{\"command\":\"dance\"}"));
	assert_string_equal(call.why, "there is no command \"dance\"");
	assert_null(ask(&call, "{\"command\":\"bytes\"}"));
	assert_string_equal(call.why, "no user \\xff\\xfe");
	assert_null(ask(&call, "{\"order\":\"dance\"}"));
	assert_non_null(strstr(call.why, "lacks \"command\""));
}

static void an_answer_of_megabytes_arrives_whole(void **state)
{
	struct call call;
	json_t *result = ask(&call, "{\"command\":\"large\"}");

	(void)state;
	assert_non_null(result);
	assert_int_equal(json_string_length(result), 3000000);
	json_decref(result);
}

static void an_array_comes_in_pieces_and_is_whole(void **state)
{
	static const int counts[] = { 0, 1, 127, 128, 129, 1000 };
	struct call call;

	(void)state;
	control_socket_set_arrays(server, &arrays);
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		char line[64];
		json_t *result;

		snprintf(line, sizeof(line), "{\"command\":\"array %d\"}", counts[i]);
		result = ask(&call, line);
		assert_non_null(result);
		assert_int_equal(json_array_size(result), counts[i]);
		for (int k = 0; k < counts[i]; k++)
			assert_int_equal(json_integer_value(json_array_get(result, (size_t)k)), k);
		json_decref(result);
		assert_int_equal(arrays_open, 0);
	}
}

/* As of many sessions, on a busy machine: each piece comes soon, all of them do not. */
static void a_long_array_may_take_its_time(void **state)
{
	struct call call;
	json_t *result;

	(void)state;
	control_socket_set_arrays(server, &arrays);
	array_pace = 50000;
	result = ask(&call, "{\"command\":\"array 1000\"}");
	array_pace = 0;
	assert_string_equal(call.why, "");
	assert_int_equal(json_array_size(result), 1000);
	json_decref(result);
}

static void several_requests_on_one_connection_are_answered_in_order(void **state)
{
	const char *requests =
		"{\"command\":\"echo\",\"value\":1}\n{\"command\":\"echo\",\"value\":2}\n{\"comm";
	const char *rest = "and\":\"echo\",\"value\":3}\n";
	char buf[512];
	int fd = raw_connect();

	(void)state;
	assert_int_equal(send(fd, requests, strlen(requests), 0), strlen(requests));
	raw_line(fd, buf, sizeof(buf));
	while (!strstr(buf, "2}"))
		raw_line(fd, buf + strlen(buf), sizeof(buf) - strlen(buf));
	assert_string_equal(buf, "{\"ok\":true,\"result\":1}\n{\"ok\":true,\"result\":2}\n");
	assert_int_equal(send(fd, rest, strlen(rest), 0), strlen(rest));
	assert_string_equal(raw_line(fd, buf, sizeof(buf)), "{\"ok\":true,\"result\":3}\n");
	close(fd);
}

static void a_request_may_come_byte_by_byte(void **state)
{
	static const char request[] = "{\"command\":\"user\"}\n";
	char buf[64];
	int fd = raw_connect();

	(void)state;
	for (size_t i = 0; i < sizeof(request) - 1; i++) {
		assert_int_equal(send(fd, request + i, 1, 0), 1);
		uv_run(&loop, UV_RUN_NOWAIT);
		uv_run(&loop, UV_RUN_NOWAIT);
	}
	assert_string_equal(raw_line(fd, buf, sizeof(buf)), "{\"ok\":true,\"result\":\"me\"}\n");
	close(fd);
}

static void what_is_no_json_object_is_answered_with_an_error(void **state)
{
	static const char *const lines[] = { "hello\n", "[]\n", "\n", "{\"command\":7}\n",
		"\"command\"\n", "{\"command\":\"a\",\"command\":\"b\"}\n",
		"{\"command\":\"\xff\"}\n" };
	char buf[512];
	int fd = raw_connect();

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		assert_int_equal(send(fd, lines[i], strlen(lines[i]), 0), strlen(lines[i]));
		raw_line(fd, buf, sizeof(buf));
		assert_memory_equal(buf, "{\"ok\":false,\"error\":\"", 21);
	}
	close(fd);
}

static void a_line_without_end_is_cut_off(void **state)
{
	static char huge[200000];
	char buf[64];
	int fd = raw_connect();
	size_t sent = 0;

	(void)state;
	log_set(LOG_ERROR, LOG_TEXT);
	memset(huge, ' ', sizeof(huge));
	for (int turn = 0; turn < 10000 && sent < sizeof(huge); turn++) {
		ssize_t n = send(fd, huge + sent, sizeof(huge) - sent, MSG_NOSIGNAL);

		if (n < 0 && errno == EPIPE)
			break;
		sent += n > 0 ? (size_t)n : 0;
		uv_run(&loop, UV_RUN_NOWAIT);
	}
	assert_string_equal(raw_line(fd, buf, sizeof(buf)), "");
	close(fd);
}

static void a_caller_that_leaves_before_its_answer_does_no_harm(void **state)
{
	static const char request[] = "{\"command\":\"large\"}\n{\"command\":\"large\"}\n";
	struct call call;
	json_t *result;
	int fd = raw_connect();

	(void)state;
	assert_int_equal(send(fd, request, sizeof(request) - 1, 0), sizeof(request) - 1);
	uv_run(&loop, UV_RUN_NOWAIT);
	close(fd);
	result = ask(&call, "{\"command\":\"user\"}");
	assert_string_equal(json_string_value(result), "me");
	json_decref(result);
}

static void one_caller_too_many_is_told_so(void **state)
{
	int fds[33];
	char buf[256];

	(void)state;
	for (int i = 0; i < 33; i++) {
		fds[i] = raw_connect();
		uv_run(&loop, UV_RUN_NOWAIT);
		uv_run(&loop, UV_RUN_NOWAIT);
	}
	assert_string_equal(raw_line(fds[32], buf, sizeof(buf)),
		"{\"ok\":false,\"error\":\"too many callers at once\"}\n");
	assert_string_equal(raw_line(fds[32], buf, sizeof(buf)), "");
	for (int i = 0; i < 33; i++)
		close(fds[i]);
}

static void the_handler_may_close_the_socket(void **state)
{
	struct call call;

	(void)state;
	assert_null(ask(&call, "{\"command\":\"close\"}"));
	assert_non_null(strstr(call.why, "without an answer"));
	assert_int_equal(access(path, F_OK), -1);
}

static void only_the_owner_may_connect(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

static void a_live_socket_is_not_taken_over(void **state)
{
	(void)state;
	assert_null(control_socket_open(&loop, path, handler, NULL, why));
	assert_non_null(strstr(why, "greyline runs already"));
	assert_int_equal(access(path, F_OK), 0);
}

static void a_stale_socket_is_replaced(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)state;
	control_socket_close(server);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(access(path, F_OK), -1);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
	assert_int_equal(access(path, F_OK), 0);
	server = control_socket_open(&loop, path, handler, NULL, why);
	assert_non_null(server);
}

static void a_file_that_is_no_socket_is_left_alone(void **state)
{
	char other[96];
	struct stat st;

	(void)state;
	snprintf(other, sizeof(other), "%s/run/file", dir);
	fclose(fopen(other, "w"));
	assert_null(control_socket_open(&loop, other, handler, NULL, why));
	assert_non_null(strstr(why, "is in the way"));
	assert_int_equal(stat(other, &st), 0);
	unlink(other);
}

static void errors_say_what_is_wrong_with_the_path(void **state)
{
	json_t *request = json_pack("{s:s}", "command", "user");
	char missing[96], longer[200];

	(void)state;
	snprintf(missing, sizeof(missing), "%s/none/at/all", dir);
	assert_null(control_socket_open(&loop, missing, handler, NULL, why));
	assert_non_null(strstr(why, "its directory does not exist"));
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_null(control_socket_open(&loop, longer, handler, NULL, why));
	assert_non_null(strstr(why, "1 to 107 characters, not 199"));
	assert_null(control_socket_call(longer, request, why));
	assert_non_null(strstr(why, "1 to 107 characters, not 199"));
	assert_null(control_socket_call(missing, request, why));
	assert_non_null(strstr(why, "no greyline runs here"));
	json_decref(request);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_request_gets_its_result),
		CASE(an_error_comes_back_as_its_sentence),
		CASE(an_answer_of_megabytes_arrives_whole),
		CASE(an_array_comes_in_pieces_and_is_whole),
		CASE(a_long_array_may_take_its_time),
		CASE(several_requests_on_one_connection_are_answered_in_order),
		CASE(a_request_may_come_byte_by_byte),
		CASE(what_is_no_json_object_is_answered_with_an_error),
		CASE(a_line_without_end_is_cut_off),
		CASE(a_caller_that_leaves_before_its_answer_does_no_harm),
		CASE(one_caller_too_many_is_told_so),
		CASE(the_handler_may_close_the_socket),
		CASE(only_the_owner_may_connect),
		CASE(a_live_socket_is_not_taken_over),
		CASE(a_stale_socket_is_replaced),
		CASE(a_file_that_is_no_socket_is_left_alone),
		CASE(errors_say_what_is_wrong_with_the_path),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
