/* Listening: see listener.h. */
#include "server/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Connections accepted in one turn of the loop: then the others' bytes have their turn. */
#define ACCEPT_MAX 64
#define PAUSE_MIN  50u   /* ms */
#define PAUSE_MAX  1000u /* ms */

static void on_readable(uv_poll_t *poll, int status, int events);

static void on_retry(uv_timer_t *timer)
{
	struct listener *l = timer->data;

	l->paused = false;
	uv_poll_start(&l->poll, UV_READABLE, on_readable);
}

static void pause_accepting(struct listener *l, int error)
{
	l->paused = true;
	uv_poll_stop(&l->poll);
	uv_timer_start(&l->retry, on_retry, l->pause, 0);
	l->pause = l->pause * 2 > PAUSE_MAX ? PAUSE_MAX : l->pause * 2;
	l->ops->exhausted(l->user, error);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	struct listener *l = poll->data;

	(void)events;
	if (status < 0) {
		pause_accepting(l, -status);
		return;
	}
	for (int i = 0; i < ACCEPT_MAX && l->fd >= 0; i++) {
		struct sockaddr_in from = { 0 };
		socklen_t len = sizeof(from);
		int fd = accept4(
			l->fd, (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			l->pause = PAUSE_MIN;
			l->ops->accepted(l->user, fd, from.sin_addr);
			continue;
		}
		switch (errno) {
		case EAGAIN:
			return;
		case EINTR:
		case ECONNABORTED: /* and errors of the connection that was to come: accept(2) */
		case EPROTO:
		case ENETDOWN:
		case ENETUNREACH:
		case EHOSTDOWN:
		case EHOSTUNREACH:
		case ENOPROTOOPT:
		case ENONET:
		case EOPNOTSUPP:
		case EPERM:
			continue;
		default: /* EMFILE, ENFILE, ENOBUFS, ENOMEM; and never a busy loop for the rest */
			pause_accepting(l, errno);
			return;
		}
	}
}

static void explain(const struct sockaddr_in *address, int error, char *why)
{
	unsigned int port = ntohs(address->sin_port);
	char text[INET_ADDRSTRLEN];

	inet_ntop(AF_INET, &address->sin_addr, text, sizeof(text));
	switch (error) {
	case EADDRINUSE:
		snprintf(why, SYSTEM_WHY,
			"cannot listen on %s port %u: in use by another program (find it "
			"with: ss -ltnp sport = :%u)",
			text, port, port);
		break;
	case EACCES:
		snprintf(why, SYSTEM_WHY,
			"cannot listen on %s port %u: no permission (run as root or with "
			"CAP_NET_BIND_SERVICE)",
			text, port);
		break;
	default:
		snprintf(why, SYSTEM_WHY, "cannot listen on %s port %u: %s", text, port,
			error == EADDRNOTAVAIL
				? "this machine has no such address (see: ip address)"
				: strerror(error));
		break;
	}
}

int listener_open(struct listener *l, uv_loop_t *loop, const struct sockaddr_in *address,
	unsigned int backlog, const struct listener_ops *ops, void *user, char *why)
{
	int on = 1, err;

	memset(l, 0, sizeof(*l));
	l->ops = ops;
	l->user = user;
	l->pause = PAUSE_MIN;
	l->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (l->fd < 0 || setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
		bind(l->fd, (const struct sockaddr *)address, sizeof(*address)) < 0 ||
		listen(l->fd, (int)backlog) < 0) {
		err = errno;
	} else {
		err = -uv_poll_init(loop, &l->poll, l->fd);
	}
	if (err) {
		explain(address, err, why);
		if (l->fd >= 0)
			close(l->fd);
		l->fd = -1;
		return -1;
	}
	uv_timer_init(loop, &l->retry);
	l->poll.data = l->retry.data = l;
	uv_poll_start(&l->poll, UV_READABLE, on_readable);
	return 0;
}

static void on_closed(uv_handle_t *handle)
{
	(void)handle;
}

void listener_close(struct listener *l)
{
	/* Zeroed and never opened: descriptor 0 is none of ours. */
	if (!l->ops || l->fd < 0)
		return;
	uv_close((uv_handle_t *)&l->poll, on_closed);
	uv_close((uv_handle_t *)&l->retry, on_closed);
	close(l->fd);
	l->fd = -1;
}
