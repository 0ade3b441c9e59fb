/*
 * The control socket of a running server or client: a Unix stream socket; one JSON object a line as
 * the request, one JSON object a line as the answer. Requests: {"command": "sessions", ...}.
 * Answers: {"ok": true, "result":
 * ...} or {"ok": false, "error": "sentence"}.
 *
 * Only root and the process's own user may connect (mode 0600). Slow or silent callers are bounded
 * (limit on connections, line length 64 KB, 10 s idle).
 */
#pragma once

#include <jansson.h>
#include <uv.h>

struct control_socket;

/* Returns a new reference: the "result"; or NULL with a sentence in `why` (SYSTEM_WHY bytes). */
typedef json_t *control_handler(void *user, const char *command, const json_t *request, char *why);

/*
 * A result that is a long array is made in pieces, as the caller takes them, so that the loop has its turns
 * in between. open: the state of such a result, or NULL: the handler is asked instead. next: the next
 * element, a new reference; NULL: that was the last. close: always called, also when the caller has gone.
 */
struct control_arrays {
	void *(*open)(void *user, const char *command);
	json_t *(*next)(void *array);
	void (*close)(void *array);
};

/* NULL with a sentence in `why`. A stale socket file (nobody listens) is replaced; a live one is an
 * error. */
struct control_socket *control_socket_open(
	uv_loop_t *loop, const char *path, control_handler *handler, void *user, char *why);
/* `arrays` must outlive it. */
void control_socket_set_arrays(struct control_socket *cs, const struct control_arrays *arrays);
void control_socket_close(
	struct control_socket *cs); /* removes the file; frees itself with the loop's next turn */

/* The other side, blocking, until nothing comes for 10 s: sends `request`, returns the "result" (new
 * reference) or NULL with `why`. */
json_t *control_socket_call(const char *path, const json_t *request, char *why);
