/*
 * Faults of the control connection that take a real socket (tests/pitfalls.md): our connections
 * over loopback TCP, with a socket that takes one octet at a time, or with no descriptor left.
 */
#include "session/connection.h"
#include "session/session.h"
#include "system/control_socket.h"
#include "system/tun.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define PATIENCE 20.0 /* seconds; a bound for a broken program */

/* ---- a socket that takes one octet at a time: in place of the C library's, which libuv calls ---- */

static bool stingy; /* sockets take one octet, and none every other time */
static unsigned int short_writes;

static bool is_socket(int fd)
{
	int type;
	socklen_t len = sizeof(type);

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_STREAM;
}

/* How many of `len` octets may go now; -1 with EAGAIN: none. */
static ssize_t allowed(int fd, size_t len)
{
	if (!stingy || len == 0 || !is_socket(fd))
		return (ssize_t)len;
	if (++short_writes % 2) {
		errno = EAGAIN;
		return -1;
	}
	return 1;
}

ssize_t write(int fd, const void *data, size_t len)
{
	ssize_t n = allowed(fd, len);

	return n < 0 ? n : (ssize_t)syscall(SYS_write, fd, data, (size_t)n);
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
	size_t len = 0;
	ssize_t n;

	for (int i = 0; i < count; i++)
		len += parts[i].iov_len;
	n = allowed(fd, len);
	if (n < 0)
		return n;
	if ((size_t)n == len)
		return (ssize_t)syscall(SYS_writev, fd, parts, count);
	while (parts->iov_len == 0)
		parts++;
	return (ssize_t)syscall(SYS_write, fd, parts->iov_base, (size_t)n);
}

/* ---- our end ---- */

static uv_loop_t loop;
static struct timers timers;
static struct connection ours;
static bool closed, established;
static unsigned int asked;
static struct control_config config = { .host_name = "here", .vendor = "greyline" };

static void on_established(struct connection *c)
{
	(void)c;
	established = true;
}

static void on_call(struct connection *c, const struct control_outgoing_request *request)
{
	asked++;
	control_connection_refuse(
		&c->control, request, CONTROL_OUTGOING_GENERAL_ERROR, CONTROL_ERROR_NO_RESOURCE, 0);
}

static void on_closed(struct connection *c, enum pptp_reason reason, const char *detail)
{
	(void)c;
	(void)reason;
	(void)detail;
	closed = true;
}

static const struct connection_ops ops = {
	.established = on_established, .outgoing_call = on_call, .closed = on_closed
};

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static struct sockaddr_in loopback(uint16_t port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return a;
}

static void begin(void)
{
	closed = established = stingy = false;
	asked = short_writes = 0;
	assert_int_equal(uv_loop_init(&loop), 0);
	timers_init(&timers, &loop);
}

static void close_loop(void)
{
	timers_done(&timers, NULL);
	while (uv_run(&loop, UV_RUN_DEFAULT))
		;
	assert_int_equal(uv_loop_close(&loop), 0);
}

static void end(void)
{
	stingy = false;
	connection_abort(&ours, PPTP_SHUTDOWN);
	while (uv_run(&loop, UV_RUN_DEFAULT))
		;
	assert_true(closed);
	close_loop();
}

/* The loop runs until so many octets came on `fd`, or it ended. */
static size_t read_while_running(int fd, uint8_t *buf, size_t size, size_t want)
{
	double give_up = seconds() + PATIENCE;
	size_t have = 0;

	while (have < want && seconds() < give_up) {
		ssize_t n;

		uv_run(&loop, UV_RUN_NOWAIT);
		n = recv(fd, buf + have, size - have, MSG_DONTWAIT);
		if (n == 0)
			break;
		if (n > 0)
			have += (size_t)n;
	}
	return have;
}

static void put(uint8_t *out, uint16_t length, uint8_t type)
{
	static const uint8_t head[] = { 0, 0, 0, 1, 0x1a, 0x2b, 0x3c, 0x4d };

	memset(out, 0, length);
	memcpy(out, head, sizeof(head));
	out[0] = (uint8_t)(length >> 8);
	out[1] = (uint8_t)length;
	out[9] = type;
}

#define ECHOES 20

/* Start, echoes and calls; `who` sees all the answers whole, in order. */
static void assert_all_is_answered(int fd, bool peer_starts)
{
	uint8_t out[156 + ECHOES * (16 + 168)], in[8192];
	size_t len = 0, want = ECHOES * (20 + 32) + (peer_starts ? 156u : 0), at = 0;

	if (peer_starts) {
		put(out, 156, CONTROL_START_REQUEST);
		out[12] = 1;
		len = 156;
	}
	for (unsigned int i = 0; i < ECHOES; i++) {
		put(out + len, 16, CONTROL_ECHO_REQUEST);
		out[len + 15] = (uint8_t)i;
		len += 16;
		put(out + len, 168, CONTROL_OUTGOING_CALL_REQUEST);
		out[len + 13] = (uint8_t)i;
		len += 168;
	}
	assert_int_equal(send(fd, out, len, 0), len); /* one segment */
	assert_int_equal(read_while_running(fd, in, sizeof(in), want), want);
	assert_true(short_writes >= 2 * want);
	assert_int_equal(asked, ECHOES);
	if (peer_starts) {
		assert_memory_equal(in, "\0\x9c\0\1\x1a\x2b\x3c\x4d\0\2", 10);
		at = 156;
	}
	for (unsigned int i = 0; i < ECHOES; i++) {
		assert_memory_equal(in + at, "\0\x14\0\1\x1a\x2b\x3c\x4d\0\6", 10);
		assert_int_equal(in[at + 15], i);
		at += 20;
		assert_memory_equal(in + at, "\0\x20\0\1\x1a\x2b\x3c\x4d\0\x8", 10);
		assert_int_equal(in[at + 15], i); /* the peer's Call ID */
		at += 32;
	}
}

/* Our end listens; the test dials. */
static int dial_in(void)
{
	struct sockaddr_in a = loopback(0);
	socklen_t len = sizeof(a);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), accepted;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0 && listener >= 0);
	assert_int_equal(bind(listener, (const struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(listener, 4), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&a, &len), 0);
	assert_int_equal(connect(fd, (const struct sockaddr *)&a, sizeof(a)), 0);
	accepted = accept(listener, NULL, NULL);
	assert_true(accepted >= 0);
	close(listener);
	assert_int_equal(connection_accept(&ours, &timers, accepted, &config, &ops, NULL), 0);
	return fd;
}

static void a_server_whose_socket_takes_one_octet_loses_nothing(void **unused)
{
	int fd;

	(void)unused;
	begin();
	memset(&ours, 0, sizeof(ours));
	fd = dial_in();
	stingy = true;
	assert_all_is_answered(fd, true);
	assert_true(established);
	close(fd);
	end();
}

static void a_client_whose_socket_takes_one_octet_loses_nothing(void **unused)
{
	struct sockaddr_in a = loopback(0);
	socklen_t len = sizeof(a);
	uint8_t in[256], reply[156];
	int l = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), fd;

	(void)unused;
	begin();
	memset(&ours, 0, sizeof(ours));
	assert_int_equal(bind(l, (const struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(l, 1), 0);
	assert_int_equal(getsockname(l, (struct sockaddr *)&a, &len), 0);
	stingy = true;
	assert_int_equal(connection_dial(&ours, &timers, &a, 5000000, &config, &ops, NULL), 0);
	fd = accept(l, NULL, NULL);
	assert_true(fd >= 0);
	close(l);
	assert_int_equal(read_while_running(fd, in, sizeof(in), 156), 156);
	assert_memory_equal(in, "\0\x9c\0\1\x1a\x2b\x3c\x4d\0\1", 10);
	assert_string_equal((const char *)in + 28, "here");
	put(reply, 156, CONTROL_START_REPLY);
	reply[12] = reply[14] = 1;
	assert_int_equal(send(fd, reply, sizeof(reply), 0), sizeof(reply));
	assert_all_is_answered(fd, false);
	close(fd);
	end();
}

/* A message comes octet by octet, each in a segment of its own. */
static void a_message_in_pieces_of_one_octet_is_answered(void **unused)
{
	uint8_t out[156], in[256];
	int fd;

	(void)unused;
	begin();
	memset(&ours, 0, sizeof(ours));
	fd = dial_in();
	put(out, 156, CONTROL_START_REQUEST);
	out[12] = 1;
	for (size_t i = 0; i < sizeof(out); i++) {
		assert_int_equal(send(fd, out + i, 1, 0), 1);
		uv_run(&loop, UV_RUN_NOWAIT);
	}
	assert_int_equal(read_while_running(fd, in, sizeof(in), 156), 156);
	close(fd);
	end();
}

/* A peer that sends and does not read: what waits for it is bounded, then it goes. */
static void a_peer_that_does_not_read_is_not_waited_for(void **unused)
{
	static uint8_t out[16 * 1000];
	double give_up = seconds() + PATIENCE;
	int fd, small = 4096;

	(void)unused;
	begin();
	memset(&ours, 0, sizeof(ours));
	fd = dial_in();
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	put(out, 156, CONTROL_START_REQUEST);
	out[12] = 1;
	assert_int_equal(send(fd, out, 156, 0), 156);
	for (size_t i = 0; i < 1000; i++)
		put(out + 16 * i, 16, CONTROL_ECHO_REQUEST);
	for (size_t at = 0; !closed && seconds() < give_up;) {
		ssize_t n = send(fd, out + at, sizeof(out) - at, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n > 0)
			at = (at + (size_t)n) % sizeof(out);
		assert_true(ours.queued <= 65536);
		uv_run(&loop, UV_RUN_NOWAIT);
	}
	assert_true(closed);
	close(fd);
	close_loop();
}

/* ---- the control socket ---- */

static json_t *answer(void *user, const char *command, const json_t *request, char *why)
{
	static char text[4001];

	(void)user;
	(void)command;
	(void)request;
	(void)why;
	memset(text, 'x', sizeof(text) - 1);
	return json_string(text);
}

static void an_answer_to_greyline_ctl_is_whole(void **unused)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	char why[SYSTEM_WHY] = "", dir[] = "/tmp/greyline-pitfalls.XXXXXX";
	struct control_socket *cs;
	static uint8_t in[8192];
	size_t have;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)unused;
	begin();
	assert_non_null(mkdtemp(dir));
	snprintf(a.sun_path, sizeof(a.sun_path), "%s/socket", dir);
	cs = control_socket_open(&loop, a.sun_path, answer, NULL, why);
	assert_non_null(cs);
	assert_int_equal(connect(fd, (const struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(send(fd, "{\"command\": \"x\"}\n", 17, 0), 17);
	stingy = true;
	have = read_while_running(fd, in, sizeof(in), 4000);
	while (have < sizeof(in) && in[have - 1] != '\n')
		have += read_while_running(fd, in + have, sizeof(in) - have, 1);
	stingy = false;
	assert_true(short_writes > 8000);
	assert_int_equal(strspn(strchr((const char *)in, 'x'), "x"), 4000);
	close(fd);
	control_socket_close(cs);
	close_loop();
	assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_server_whose_socket_takes_one_octet_loses_nothing),
		cmocka_unit_test(a_client_whose_socket_takes_one_octet_loses_nothing),
		cmocka_unit_test(a_message_in_pieces_of_one_octet_is_answered),
		cmocka_unit_test(a_peer_that_does_not_read_is_not_waited_for),
		cmocka_unit_test(an_answer_to_greyline_ctl_is_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
