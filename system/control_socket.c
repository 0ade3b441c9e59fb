/*
 * The control socket: one JSON object a line each way over a Unix stream socket.
 *
 * A caller is either read from or written to, never both: while its answer is on the way nothing
 * more is read, so a caller that asks and does not listen costs one answer. The idle timer runs all
 * the time and is set again only by a complete request or a complete answer.
 */
#include "system/control_socket.h"
#include "system/log.h"
#include "system/tun.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define CALLERS_MAX 32
#define REQUEST_MAX 65536
#define IDLE_MS     10000
#define BACKLOG     16
#define PIECE       128 /* elements of an array, some milliseconds */

struct caller {
	struct control_socket *cs;
	struct caller *next;
	uv_pipe_t pipe;
	uv_timer_t idle;
	uv_write_t write;
	char *answer; /* being written; NULL: reading */
	void *array;  /* goes on when that is written; NULL: it is all */
	bool begun;   /* an element of it was written */
	size_t used;
	int handles; /* not closed yet */
	bool closing;
	char line[REQUEST_MAX];
};

struct control_socket {
	uv_pipe_t pipe;
	control_handler *handler;
	const struct control_arrays *arrays; /* may be NULL */
	void *user;
	struct caller *callers;
	unsigned int count;
	bool closing, pipe_closed;
	struct sockaddr_un address;
	struct stat file; /* the socket's file, to remove only our own */
};

static void free_if_done(struct control_socket *cs)
{
	if (cs->closing && cs->pipe_closed && !cs->callers)
		free(cs);
}

static void caller_closed(uv_handle_t *handle)
{
	struct caller *caller = handle->data, **link;
	struct control_socket *cs = caller->cs;

	if (--caller->handles > 0)
		return;
	for (link = &cs->callers; *link != caller; link = &(*link)->next)
		;
	*link = caller->next;
	cs->count--;
	free(caller->answer);
	free(caller);
	free_if_done(cs);
}

static void forget_array(struct caller *caller);

static void caller_close(struct caller *caller)
{
	if (caller->closing)
		return;
	caller->closing = true;
	forget_array(caller);
	uv_close((uv_handle_t *)&caller->pipe, caller_closed);
	uv_close((uv_handle_t *)&caller->idle, caller_closed);
}

static void caller_idle(uv_timer_t *timer)
{
	caller_close(timer->data);
}

static void caller_stay(struct caller *caller)
{
	uv_timer_start(&caller->idle, caller_idle, IDLE_MS, 0);
}

static void caller_written(uv_write_t *write, int status);
static void caller_serve(struct caller *caller);

/* Takes `text`, from malloc(); NULL: there was no memory for it. */
static void caller_write(struct caller *caller, char *text, size_t len)
{
	uv_buf_t buf;

	if (!text) {
		caller_close(caller);
		return;
	}
	caller->answer = text;
	caller->write.data = caller;
	buf = uv_buf_init(text, (unsigned int)len);
	if (uv_write(&caller->write, (uv_stream_t *)&caller->pipe, &buf, 1, caller_written) < 0)
		caller_close(caller);
}

/* Takes `answer`. */
static void caller_answer(struct caller *caller, json_t *answer)
{
	char *text = answer ? json_dumps(answer, JSON_COMPACT) : NULL;
	size_t len = text ? strlen(text) : 0;

	json_decref(answer);
	if (text)
		text[len++] = '\n'; /* in the place of the NUL; from here on it has a length */
	caller_write(caller, text, len);
}

static void forget_array(struct caller *caller)
{
	if (caller->array)
		caller->cs->arrays->close(caller->array);
	caller->array = NULL;
}

static int put_piece(const char *text, size_t len, void *f)
{
	return fwrite(text, 1, len, f) == len ? 0 : -1;
}

/* The next elements, and what belongs around them. */
static void caller_go_on(struct caller *caller)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	bool good = f != NULL, last = false;

	for (unsigned int i = 0; good && i < PIECE && !last; i++) {
		json_t *element = caller->cs->arrays->next(caller->array);

		if (!caller->begun)
			fputs("{\"ok\":true,\"result\":[", f);
		else if (element)
			fputc(',', f);
		caller->begun = true;
		last = !element;
		if (element)
			good = json_dump_callback(
				       element, put_piece, f, JSON_COMPACT | JSON_ENCODE_ANY) == 0;
		json_decref(element);
	}
	if (last)
		fputs("]}\n", f);
	if (f)
		good = !ferror(f) && fclose(f) == 0 && good;
	if (!good) {
		free(text);
		text = NULL;
	}
	if (last || !good)
		forget_array(caller);
	caller_write(caller, text, len);
}

static json_t *error_answer(const char *why)
{
	json_t *answer = json_pack("{s:b, s:s}", "ok", 0, "error", why);
	char escaped[SYSTEM_WHY * 4];

	if (answer)
		return answer;
	/* `why` quotes bytes that are no UTF-8. */
	log_escape(escaped, sizeof(escaped), why, strnlen(why, SYSTEM_WHY));
	return json_pack("{s:b, s:s}", "ok", 0, "error", escaped);
}

/* The answer to one line; NULL: it is an array, caller->array. */
static json_t *serve_line(struct caller *caller, const char *line, size_t len)
{
	struct control_socket *cs = caller->cs;
	char why[SYSTEM_WHY] = "the command failed";
	json_t *request, *result;
	const char *command;
	json_error_t error;

	request = json_loadb(line, len, JSON_REJECT_DUPLICATES, &error);
	command = json_string_value(json_object_get(request, "command"));
	if (!request) {
		snprintf(why, sizeof(why), "the request is not one JSON object on one line: %s",
			error.text);
		return error_answer(why);
	}
	if (!command) {
		json_decref(request);
		return error_answer(
			"the request lacks \"command\", a string: {\"command\": \"status\"}");
	}
	caller->array = cs->arrays ? cs->arrays->open(cs->user, command) : NULL;
	caller->begun = false;
	if (caller->array) {
		json_decref(request);
		return NULL;
	}
	result = cs->handler(cs->user, command, request, why);
	json_decref(request);
	if (result)
		return json_pack("{s:b, s:o}", "ok", 1, "result", result);
	return error_answer(why);
}

static void caller_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	struct caller *caller = handle->data;

	(void)suggested;
	*buf = uv_buf_init(
		caller->line + caller->used, (unsigned int)(sizeof(caller->line) - caller->used));
}

static void caller_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct caller *caller = stream->data;

	(void)buf;
	if (n < 0) {
		caller_close(caller);
		return;
	}
	caller->used += (size_t)n;
	if (n > 0)
		caller_serve(caller);
}

/* Answers the first whole line that was read, if there is one; else goes on reading. */
static void caller_serve(struct caller *caller)
{
	char *end = memchr(caller->line, '\n', caller->used);
	json_t *answer;
	size_t len;

	if (!end && caller->used == sizeof(caller->line)) {
		uv_read_stop((uv_stream_t *)&caller->pipe);
		caller->used = 0;
		log_warning(
			"a caller of the control socket sent a line of more than %d bytes: closed",
			REQUEST_MAX);
		caller_close(caller);
		return;
	}
	if (!end) {
		int rc = uv_read_start((uv_stream_t *)&caller->pipe, caller_alloc, caller_read);

		if (rc < 0 && rc != UV_EALREADY) /* half a line came: still reading */
			caller_close(caller);
		return;
	}
	uv_read_stop((uv_stream_t *)&caller->pipe);
	caller_stay(caller);
	len = (size_t)(end - caller->line);
	answer = serve_line(caller, caller->line, len);
	caller->used -= len + 1;
	memmove(caller->line, end + 1, caller->used);
	if (caller->closing) /* the handler closed the control socket */
		json_decref(answer);
	else if (caller->array)
		caller_go_on(caller);
	else
		caller_answer(caller, answer);
}

static void caller_written(uv_write_t *write, int status)
{
	struct caller *caller = write->data;

	free(caller->answer);
	caller->answer = NULL;
	if (caller->closing)
		return;
	if (status < 0) {
		caller_close(caller);
		return;
	}
	caller_stay(caller);
	if (caller->array)
		caller_go_on(caller);
	else
		caller_serve(caller);
}

/* Besides the file's mode, which somebody may have changed: root and our own user. */
static bool allowed(struct caller *caller)
{
	struct ucred peer = { .uid = (uid_t)-1 };
	socklen_t len = sizeof(peer);
	uv_os_fd_t fd;

	if (uv_fileno((uv_handle_t *)&caller->pipe, &fd) < 0 ||
		getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return false;
	return peer.uid == 0 || peer.uid == geteuid();
}

static void on_caller(uv_stream_t *listener, int status)
{
	struct control_socket *cs = listener->data;
	struct caller *caller;

	if (status < 0 || cs->closing)
		return;
	caller = calloc(1, sizeof(*caller));
	/* Not accepted, libuv would stop to listen; so without memory we cannot go on serving
	 * callers. */
	if (!caller) {
		log_error("out of memory: the control socket answers no more");
		return;
	}
	caller->cs = cs;
	caller->next = cs->callers;
	caller->handles = 2;
	cs->callers = caller;
	cs->count++;
	uv_pipe_init(listener->loop, &caller->pipe, 0);
	uv_timer_init(listener->loop, &caller->idle);
	caller->pipe.data = caller;
	caller->idle.data = caller;
	if (uv_accept(listener, (uv_stream_t *)&caller->pipe) < 0 || !allowed(caller)) {
		caller_close(caller);
		return;
	}
	caller_stay(caller);
	if (cs->count > CALLERS_MAX) {
		uv_buf_t buf = uv_buf_init(
			(char[]){ "{\"ok\":false,\"error\":\"too many callers at once\"}\n" }, 48);

		uv_try_write((uv_stream_t *)&caller->pipe, &buf, 1);
		caller_close(caller);
		return;
	}
	caller_serve(caller);
}

/* Does somebody listen there? */
static bool alive(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool yes;

	if (fd < 0)
		return true; /* not known: rather no new socket than a stolen one */
	yes = connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ||
	      (errno != ECONNREFUSED && errno != ENOENT);
	close(fd);
	return yes;
}

static int make_address(const char *path, struct sockaddr_un *address, char *why)
{
	size_t len = strlen(path);

	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (len > 0 && len < sizeof(address->sun_path)) {
		memcpy(address->sun_path, path, len);
		return 0;
	}
	snprintf(why, SYSTEM_WHY,
		"the path of the control socket must have 1 to %zu characters, not %zu",
		sizeof(address->sun_path) - 1, len);
	return -1;
}

static int why_path(const char *path, int error, char *why)
{
	snprintf(why, SYSTEM_WHY, "cannot make the control socket %.108s: %s", path,
		error == ENOENT ? "its directory does not exist" : strerror(error));
	return -1;
}

static void make_parent(const char *path)
{
	char parent[sizeof(((struct sockaddr_un *)0)->sun_path)];
	char *slash;

	snprintf(parent, sizeof(parent), "%s", path);
	slash = strrchr(parent, '/');
	if (!slash || slash == parent)
		return;
	*slash = '\0';
	mkdir(parent, 0755); /* if that fails, bind() says why */
}

/* Gets a stale file out of the way; -1 if it is somebody's. */
static int clear_path(const struct sockaddr_un *address, char *why)
{
	const char *path = address->sun_path;
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : why_path(path, errno, why);
	if (!S_ISSOCK(st.st_mode)) {
		snprintf(why, SYSTEM_WHY,
			"cannot make the control socket %.108s: a file of that name, which is no "
			"socket, is in the way",
			path);
		return -1;
	}
	if (alive(address)) {
		snprintf(why, SYSTEM_WHY,
			"the control socket %.108s is in use: greyline runs already (stop it, or "
			"use another --control)",
			path);
		return -1;
	}
	return unlink(path) == 0 || errno == ENOENT ? 0 : why_path(path, errno, why);
}

/* A listening socket with mode 0600 from its first moment. */
static int listen_at(const struct sockaddr_un *address, char *why)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mode_t mask;
	int rc, error;

	if (fd < 0)
		return why_path(address->sun_path, errno, why);
	mask = umask(0177);
	rc = bind(fd, (const struct sockaddr *)address, sizeof(*address));
	error = errno;
	umask(mask);
	if (rc == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	if (rc == 0)
		error = errno;
	close(fd);
	return why_path(address->sun_path, error, why);
}

struct control_socket *control_socket_open(
	uv_loop_t *loop, const char *path, control_handler *handler, void *user, char *why)
{
	struct control_socket *cs = calloc(1, sizeof(*cs));
	int fd, rc;

	if (!cs) {
		snprintf(why, SYSTEM_WHY, "out of memory");
		return NULL;
	}
	cs->handler = handler;
	cs->user = user;
	if (make_address(path, &cs->address, why) < 0) {
		free(cs);
		return NULL;
	}
	make_parent(path);
	fd = clear_path(&cs->address, why) < 0 ? -1 : listen_at(&cs->address, why);
	if (fd < 0) {
		free(cs);
		return NULL;
	}
	lstat(path, &cs->file);
	/* libuv writes without MSG_NOSIGNAL: a caller that went away must not end the process. */
	signal(SIGPIPE, SIG_IGN);
	uv_pipe_init(loop, &cs->pipe, 0);
	cs->pipe.data = cs;
	rc = uv_pipe_open(&cs->pipe, fd);
	if (rc < 0)
		close(fd);
	else
		rc = uv_listen((uv_stream_t *)&cs->pipe, BACKLOG, on_caller);
	if (rc == 0)
		return cs;
	snprintf(why, SYSTEM_WHY, "cannot listen on the control socket %.108s: %s", path,
		uv_strerror(rc));
	control_socket_close(cs);
	return NULL;
}

void control_socket_set_arrays(struct control_socket *cs, const struct control_arrays *arrays)
{
	cs->arrays = arrays;
}

static void listener_closed(uv_handle_t *handle)
{
	struct control_socket *cs = handle->data;

	cs->pipe_closed = true;
	free_if_done(cs);
}

void control_socket_close(struct control_socket *cs)
{
	struct stat now;

	if (!cs || cs->closing)
		return;
	cs->closing = true;
	if (lstat(cs->address.sun_path, &now) == 0 && now.st_ino == cs->file.st_ino &&
		now.st_dev == cs->file.st_dev)
		unlink(cs->address.sun_path);
	for (struct caller *caller = cs->callers; caller; caller = caller->next)
		caller_close(caller);
	uv_close((uv_handle_t *)&cs->pipe, listener_closed);
}
