/* Control connections on libuv: see connection.h. */
#include "session/connection.h"

#include "session/session.h"
#include "system/clock.h"
#include "system/log.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* After everything is said, the peer has this long to close its side or take the last bytes, us. */
#define LINGER 1000000

struct write {
	uv_write_t req;
	struct connection *connection;
	size_t len;
	uint8_t data[];
};

static void forget_request(struct connection *c)
{
	free(c->request);
	c->request = NULL;
}

static void on_handle_closed(uv_handle_t *handle)
{
	struct connection *c = handle->data;

	/* `closed` may free the connection. */
	char *detail = c->detail;

	c->detail = NULL;
	forget_request(c);
	c->ops->closed(c, c->reason, detail ? detail : "");
	free(detail);
}

static void close_handles(struct connection *c)
{
	if (c->closing)
		return;
	c->closing = true;
	uv_close((uv_handle_t *)&c->tcp, on_handle_closed);
	timers_set(c->timers, &c->timer, UINT64_MAX);
}

static void end_with(struct connection *c, enum pptp_reason reason, const char *detail)
{
	c->reason = reason;
	free(c->detail);
	c->detail = detail && *detail ? strdup(detail) : NULL; /* without memory: in fewer words */
}

static void lost(struct connection *c, enum pptp_reason reason, const char *detail)
{
	if (c->ending || c->closing) {
		close_handles(c);
		return;
	}
	if (!c->started) {
		end_with(c, reason, detail);
		close_handles(c);
		return;
	}
	control_connection_lost(&c->control, reason, detail, clock_now());
	close_handles(c);
}

static void on_write(uv_write_t *req, int status)
{
	struct write *w = req->data;
	struct connection *c = w->connection;

	c->queued -= w->len;
	c->writes--;
	free(w);
	if (status < 0 && status != UV_ECANCELED && !c->closing)
		lost(c, PPTP_TCP_ERROR, uv_strerror(status));
}

static void op_send(void *user, const uint8_t *data, size_t len)
{
	struct connection *c = user;
	struct write *w;
	uv_buf_t buf = uv_buf_init((char *)(uintptr_t)data, (unsigned int)len);
	int n = 0;

	if (c->closing)
		return;
	if (c->writes == 0) {
		n = uv_try_write((uv_stream_t *)&c->tcp, &buf, 1);
		if (n == (int)len)
			return;
		if (n < 0)
			n = 0; /* EAGAIN, or an error that the queued write will meet again */
	}
	len -= (size_t)n;
	w = c->queued + len <= CONNECTION_QUEUE_MAX ? malloc(sizeof(*w) + len) : NULL;
	if (!w) {
		c->overflow = true; /* connection_update() has the timer end it: not from inside a
				       callback */
		return;
	}
	memcpy(w->data, data + n, len);
	w->connection = c;
	w->len = len;
	w->req.data = w;
	buf = uv_buf_init((char *)w->data, (unsigned int)len);
	c->queued += len;
	c->writes++;
	if (uv_write(&w->req, (uv_stream_t *)&c->tcp, &buf, 1, on_write) < 0) {
		c->queued -= len;
		c->writes--;
		free(w);
	}
}

static void on_timer(struct timers_entry *e)
{
	struct connection *c =
		(struct connection *)((char *)e - offsetof(struct connection, timer));

	if (!c->started)
		lost(c, PPTP_TCP_TIMEOUT, "");
	else if (c->overflow)
		lost(c, PPTP_TCP_ERROR, "the peer does not read its control messages");
	else if (c->ending)
		close_handles(c);
	else
		control_connection_tick(&c->control, clock_now());
	connection_update(c);
}

static void on_shutdown(uv_shutdown_t *req, int status)
{
	/* The peer's end of stream, or the timer, closes: closing with unread bytes would reset the
	 * stream. */
	if (status < 0)
		close_handles(req->data);
}

static void op_closed(void *user, enum pptp_reason reason, const char *detail)
{
	struct connection *c = user;

	end_with(c, reason, detail);
	if (c->closing)
		return;
	c->ending = true;
	timers_set(c->timers, &c->timer, clock_now() + LINGER);
	c->request = malloc(sizeof(*c->request));
	if (c->request)
		c->request->shutdown.data = c;
	if (!c->request ||
		uv_shutdown(&c->request->shutdown, (uv_stream_t *)&c->tcp, on_shutdown) < 0)
		close_handles(c);
}

static enum control_start_decision op_start_requested(void *user, const struct control_start *start)
{
	struct connection *c = user;

	return c->ops->start_requested ? c->ops->start_requested(c, start) : CONTROL_START_ACCEPT;
}

static void op_established(void *user)
{
	struct connection *c = user;

	c->ops->established(c);
}

static void op_outgoing_call(void *user, const struct control_outgoing_request *request)
{
	struct connection *c = user;

	/* Neither taken nor refused: the library refuses it. */
	if (c->ops->outgoing_call)
		c->ops->outgoing_call(c, request);
}

static void op_incoming_call(void *user, const struct control_incoming_request *request)
{
	struct connection *c = user;

	if (c->ops->incoming_call)
		c->ops->incoming_call(c, request);
}

static void op_call_accepted(void *user, struct control_call *call)
{
	(void)user;
	session_call_accepted(call->owner);
}

static void op_call_established(void *user, struct control_call *call)
{
	(void)user;
	session_call_established(call->owner);
}

static void op_call_clearing(void *user, struct control_call *call, struct control_hangup *how)
{
	(void)user;
	session_call_clearing(call->owner, how);
}

static void op_call_ended(
	void *user, struct control_call *call, enum pptp_reason reason, const char *detail)
{
	(void)user;
	session_call_ended(call->owner, reason, detail);
}

static void op_wan_error(
	void *user, struct control_call *call, const struct control_wan_error *totals)
{
	(void)user;
	session_wan_error(call->owner, totals);
}

static void op_link_info(
	void *user, struct control_call *call, const struct control_link_info *info)
{
	(void)user;
	session_link_info(call->owner, info);
}

static void op_trace(void *user, bool sent, const struct control_message *m)
{
	struct connection *c = user;
	char line[400];

	if (c->ops->trace)
		c->ops->trace(c, sent, m);
	if (!log_wants(LOG_DEBUG))
		return;
	control_message_format(m, line, sizeof(line));
	log_about(LOG_DEBUG, c->subject, "%s %s", sent ? "sent" : "received", line);
}

static const struct control_ops control_ops = {
	.send = op_send,
	.start_requested = op_start_requested,
	.established = op_established,
	.outgoing_call = op_outgoing_call,
	.incoming_call = op_incoming_call,
	.call_accepted = op_call_accepted,
	.call_established = op_call_established,
	.call_clearing = op_call_clearing,
	.call_ended = op_call_ended,
	.wan_error = op_wan_error,
	.link_info = op_link_info,
	.closed = op_closed,
	.trace = op_trace,
};

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	/* One for all: what is read is used up before the loop reads again (one control thread). */
	static char buffer[65536];

	(void)handle;
	(void)suggested;
	*buf = uv_buf_init(buffer, sizeof(buffer));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct connection *c = stream->data;

	if (n == UV_EOF) {
		lost(c, PPTP_TCP_CLOSED, "");
	} else if (n < 0) {
		lost(c, PPTP_TCP_ERROR, uv_strerror((int)n));
	} else if (n > 0 && !c->ending && !c->closing) {
		control_connection_receive(
			&c->control, (const uint8_t *)buf->base, (size_t)n, clock_now());
		connection_update(c);
	}
}

static void addresses(struct connection *c)
{
	struct sockaddr_storage ss;
	char text[INET_ADDRSTRLEN];
	int len = sizeof(ss);

	if (uv_tcp_getpeername(&c->tcp, (struct sockaddr *)&ss, &len) == 0 &&
		ss.ss_family == AF_INET) {
		c->peer = ((struct sockaddr_in *)&ss)->sin_addr;
		c->peer_port = ntohs(((struct sockaddr_in *)&ss)->sin_port);
	}
	len = sizeof(ss);
	if (uv_tcp_getsockname(&c->tcp, (struct sockaddr *)&ss, &len) == 0 &&
		ss.ss_family == AF_INET)
		c->local = ((struct sockaddr_in *)&ss)->sin_addr;
	inet_ntop(AF_INET, &c->peer, text, sizeof(text));
	snprintf(c->subject, sizeof(c->subject), "%s:%u", text, (unsigned int)c->peer_port);
}

static int init(
	struct connection *c, struct timers *timers, const struct connection_ops *ops, void *owner)
{
	int err;

	memset(c, 0, sizeof(*c));
	c->ops = ops;
	c->owner = owner;
	err = uv_tcp_init(timers->handle.loop, &c->tcp);
	if (err < 0)
		return err;
	c->tcp.data = c;
	c->timers = timers;
	c->timer.expired = on_timer;
	return 0;
}

/* TCP is open: the protocol begins. */
static void start(struct connection *c, enum control_role role, const struct control_config *config)
{
	addresses(c);
	uv_tcp_nodelay(&c->tcp, 1);
	uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read);
	c->started = true;
	control_connection_init(&c->control, role, config, &control_ops, c, clock_now());
	connection_update(c);
}

int connection_accept(struct connection *c, struct timers *timers, int fd,
	const struct control_config *config, const struct connection_ops *ops, void *owner)
{
	int err;

	(void)init(c, timers, ops, owner); /* cannot fail while it makes no socket */
	err = uv_tcp_open(&c->tcp, fd);
	if (err < 0) {
		close(fd);
		end_with(c, PPTP_TCP_ERROR, uv_strerror(err));
		close_handles(c);
		return err;
	}
	start(c, CONTROL_RECEIVER, config);
	return 0;
}

static void on_connect(uv_connect_t *req, int status)
{
	struct connection *c = req->data;

	if (c->closing)
		return;
	forget_request(c);
	timers_set(c->timers, &c->timer, UINT64_MAX);
	if (status == UV_ECONNREFUSED)
		lost(c, PPTP_TCP_REFUSED, "");
	else if (status == UV_ETIMEDOUT)
		lost(c, PPTP_TCP_TIMEOUT, "");
	else if (status == UV_ECONNRESET) /* accepted, and refused at once: a limit of the peer's */
		lost(c, PPTP_TCP_ERROR, uv_strerror(status));
	else if (status < 0)
		lost(c, PPTP_TCP_UNREACHABLE, uv_strerror(status));
	else
		start(c, CONTROL_ORIGINATOR, c->config);
}

int connection_dial(struct connection *c, struct timers *timers, const struct sockaddr_in *server,
	uint64_t timeout, const struct control_config *config, const struct connection_ops *ops,
	void *owner)
{
	struct in_addr any = { INADDR_ANY };

	return connection_dial_from(c, timers, server, any, timeout, config, ops, owner);
}

int connection_dial_from(struct connection *c, struct timers *timers,
	const struct sockaddr_in *server, struct in_addr from, uint64_t timeout,
	const struct control_config *config, const struct connection_ops *ops, void *owner)
{
	struct sockaddr_in local = { .sin_family = AF_INET, .sin_addr = from };
	union connection_request *request = malloc(sizeof(*request));
	int err = request ? init(c, timers, ops, owner) : UV_ENOMEM;

	if (err < 0) {
		free(request);
		return err;
	}
	c->request = request;
	c->config = config;
	c->peer = server->sin_addr;
	inet_ntop(AF_INET, &c->peer, c->subject, sizeof(c->subject));
	request->connect.data = c;
	timers_set(c->timers, &c->timer, clock_now() + timeout);
	/* An address that is not (or no longer) ours is an error that connecting reports. */
	if (from.s_addr != INADDR_ANY)
		(void)uv_tcp_bind(&c->tcp, (const struct sockaddr *)&local, 0);
	err = uv_tcp_connect(
		&request->connect, &c->tcp, (const struct sockaddr *)server, on_connect);
	if (err < 0)
		lost(c, PPTP_TCP_UNREACHABLE, uv_strerror(err));
	return 0;
}

void connection_stop(struct connection *c, enum pptp_reason reason)
{
	if (c->closing || c->ending)
		return;
	if (!c->started) {
		lost(c, reason, "");
		return;
	}
	control_connection_stop(&c->control, reason, clock_now());
	connection_update(c);
}

void connection_abort(struct connection *c, enum pptp_reason reason)
{
	lost(c, reason, "");
}

void connection_probe(struct connection *c, uint64_t patience)
{
	if (!c->started || c->closing || c->ending)
		return;
	control_connection_probe(&c->control, patience, clock_now());
	connection_update(c);
}

void connection_collided(struct connection *c)
{
	lost(c, PPTP_CONTROL_COLLISION, "");
}

void connection_update(struct connection *c)
{
	if (!c->started || c->closing || c->ending)
		return;
	if (c->overflow) {
		timers_set(c->timers, &c->timer, 0);
		return;
	}
	timers_set(c->timers, &c->timer, control_connection_deadline(&c->control));
}
