/* The calling side of the control socket: blocking, but not for longer than nothing comes. */
#include "system/clock.h"
#include "system/control_socket.h"
#include "system/tun.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define CALL_SECONDS 10
#define ANSWER_MAX   (256u * 1024 * 1024) /* far above any server's list of sessions */

struct call {
	int fd;
	const char *path;
	uint64_t deadline;
	char *why;
};

static int call_failed(const struct call *call, int error)
{
	const char *path = call->path;
	struct stat st;

	if (error == ENOENT)
		snprintf(call->why, SYSTEM_WHY,
			"no greyline runs here: %.108s does not exist (start it, or name its "
			"socket with --control)",
			path);
	else if (error == ECONNREFUSED && stat(path, &st) == 0 && !S_ISSOCK(st.st_mode))
		snprintf(call->why, SYSTEM_WHY,
			"%.108s is no socket: give the path that greyline was started with as "
			"--control",
			path);
	else if (error == ECONNREFUSED)
		snprintf(call->why, SYSTEM_WHY,
			"nobody answers at %.108s: the greyline that made it has ended", path);
	else if (error == EACCES || error == EPERM)
		snprintf(call->why, SYSTEM_WHY,
			"no permission to use %.108s: be root or the user that greyline runs as",
			path);
	else if (error == ETIMEDOUT || error == EAGAIN)
		snprintf(call->why, SYSTEM_WHY,
			"no answer from %.108s within %d seconds: is that greyline stopped?", path,
			CALL_SECONDS);
	else if (error == ECONNRESET || error == EPIPE)
		snprintf(call->why, SYSTEM_WHY,
			"greyline at %.108s closed the connection without an answer", path);
	else
		snprintf(call->why, SYSTEM_WHY, "cannot talk to greyline at %.108s: %s", path,
			strerror(error));
	return -1;
}

/* Until the socket is ready for `events`, or the deadline. */
static int wait_for(const struct call *call, short events)
{
	struct pollfd pfd = { .fd = call->fd, .events = events };

	for (;;) {
		uint64_t now = clock_now();
		/* Also when it is over: what is there is there, and it is we who were late. */
		int n = poll(&pfd, 1,
			now < call->deadline ? (int)((call->deadline - now) / 1000) + 1 : 0);

		if (n > 0)
			return 0;
		if (n == 0)
			return call_failed(call, ETIMEDOUT);
		if (errno != EINTR)
			return call_failed(call, errno);
	}
}

static uint64_t deadline(void)
{
	return clock_now() + CALL_SECONDS * 1000000ull;
}

static int connect_to(struct call *call)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct timeval timeout = { .tv_sec = CALL_SECONDS };
	size_t len = strlen(call->path);

	if (len == 0 || len >= sizeof(address.sun_path)) {
		snprintf(call->why, SYSTEM_WHY,
			"the path of the control socket must have 1 to %zu characters, not %zu",
			sizeof(address.sun_path) - 1, len);
		return -1;
	}
	memcpy(address.sun_path, call->path, len);
	call->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (call->fd < 0)
		return call_failed(call, errno);
	/* A non-blocking connect() fails at once where the queue is full; this one waits for its
	 * turn. */
	setsockopt(call->fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	if (connect(call->fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return call_failed(call, errno);
	return 0;
}

/* Makes the terminating NUL of `text` a newline. */
static int send_line(const struct call *call, char *text)
{
	size_t len = strlen(text);

	text[len++] = '\n';
	while (len > 0) {
		ssize_t n = send(call->fd, text, len, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EAGAIN) {
			if (wait_for(call, POLLOUT) < 0)
				return -1;
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		/* One that closes at once may have said why: that is waiting to be read. */
		if (n < 0)
			return errno == EPIPE ? 0 : call_failed(call, errno);
		text += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Reads up to the first newline; allocated, *len without it. */
static char *receive_line(struct call *call, size_t *len)
{
	size_t size = 65536, used = 0;
	char *text = malloc(size), *end, *larger;
	ssize_t n;

	while (text) {
		if (wait_for(call, POLLIN) < 0)
			break;
		n = recv(call->fd, text + used, size - used, MSG_DONTWAIT);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n <= 0) {
			call_failed(call, n < 0 ? errno : ECONNRESET);
			break;
		}
		call->deadline = deadline(); /* a long array comes in pieces */
		end = memchr(text + used, '\n', (size_t)n);
		used += (size_t)n;
		if (end) {
			*len = (size_t)(end - text);
			return text;
		}
		if (used < size)
			continue;
		size *= 2;
		larger = size <= ANSWER_MAX ? realloc(text, size) : NULL;
		if (!larger) {
			call_failed(call, ENOMEM);
			break;
		}
		text = larger;
	}
	if (!text)
		call_failed(call, ENOMEM);
	free(text);
	return NULL;
}

/* The "result" of an answer. */
static json_t *open_answer(const struct call *call, const char *text, size_t len)
{
	json_t *answer = json_loadb(text, len, 0, NULL);
	json_t *result = json_object_get(answer, "result");
	const char *error = json_string_value(json_object_get(answer, "error"));

	if (json_is_true(json_object_get(answer, "ok")) && result) {
		json_incref(result);
	} else {
		result = NULL;
		snprintf(call->why, SYSTEM_WHY, "%s",
			error ? error : "the answer is not one of a control socket");
	}
	json_decref(answer);
	return result;
}

json_t *control_socket_call(const char *path, const json_t *request, char *why)
{
	struct call call = { .fd = -1, .path = path, .deadline = deadline(), .why = why };
	char *line = json_dumps(request, JSON_COMPACT), *answer = NULL;
	json_t *result = NULL;
	size_t len = 0;

	if (!line)
		snprintf(why, SYSTEM_WHY, "the request is no JSON object");
	else if (connect_to(&call) == 0 && send_line(&call, line) == 0)
		answer = receive_line(&call, &len);
	if (answer)
		result = open_answer(&call, answer, len);
	if (call.fd >= 0)
		close(call.fd);
	free(answer);
	free(line);
	return result;
}
