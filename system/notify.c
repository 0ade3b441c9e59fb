/*
 * systemd's readiness protocol: assignments, one a line, in a datagram to the socket that
 * $NOTIFY_SOCKET names (a path, or an abstract name that begins with '@').
 *
 * Nothing here may disturb the service: a message that does not go out is dropped.
 */
#include "system/notify.h"
#include "system/log.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void send_text(const char *text)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *path = getenv("NOTIFY_SOCKET");
	size_t len = path ? strlen(path) : 0;
	int fd;

	if (len < 2 || len >= sizeof(address.sun_path) || (path[0] != '/' && path[0] != '@'))
		return;
	memcpy(address.sun_path, path, len);
	if (path[0] == '@')
		address.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return;
	if (sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&address,
		    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0)
		log_debug("cannot tell systemd: %m");
	close(fd);
}

void notify_ready(void)
{
	send_text("READY=1");
}

void notify_stopping(void)
{
	send_text("STOPPING=1");
}

void notify_status(const char *format, ...)
{
	char raw[256], text[600];
	va_list ap;
	int prefix;

	va_start(ap, format);
	vsnprintf(raw, sizeof(raw), format, ap);
	va_end(ap);
	/* Escaped, as a newline in a user's name would begin an assignment of its own. */
	prefix = snprintf(text, sizeof(text), "STATUS=");
	log_escape(text + prefix, sizeof(text) - (size_t)prefix, raw, strlen(raw));
	send_text(text);
}
