/*
 * Control connection, RFC 2637 sections 2.1 to 2.6 and 3.1: the start exchange, collisions of two of
 * them, keep-alive and the orderly end of either TCP role. Calls are in call.c, the octets of TCP in stream.c.
 *
 * Invariants: enter_state() sets the one deadline that each state but CLOSED has;
 * control_connection_finish() is the only way to CLOSED, so calls end once and `closed` comes last.
 */
#include "lib/control/connection.h"

#include "lib/control/internal.h"
#include "lib/control/text.h"

#include <stdlib.h>
#include <string.h>

uint64_t control_connection_later(const struct control_connection *c, uint64_t delta)
{
	return delta < UINT64_MAX - c->now ? c->now + delta : UINT64_MAX;
}

uint64_t control_connection_reply_timeout(const struct control_connection *c)
{
	return c->config->reply_timeout ? c->config->reply_timeout : 60 * CONTROL_SECOND;
}

uint64_t control_connection_answer_timeout(const struct control_connection *c)
{
	return c->config->answer_timeout ? c->config->answer_timeout
					 : control_connection_reply_timeout(c) / 6 * 5;
}

static uint64_t echo_interval(const struct control_connection *c)
{
	return c->config->echo_interval ? c->config->echo_interval : 60 * CONTROL_SECOND;
}

static void enter_state(struct control_connection *c, enum control_state state)
{
	c->state = state;
	switch (state) {
	case CONTROL_WAIT_REQUEST:
		c->deadline = control_connection_later(
			c, c->config->start_timeout ? c->config->start_timeout
						    : control_connection_reply_timeout(c));
		break;
	case CONTROL_WAIT_REPLY:
	case CONTROL_WAIT_CLOSE:
		c->deadline = control_connection_later(c, control_connection_reply_timeout(c));
		break;
	case CONTROL_ESTABLISHED:
		c->deadline = control_connection_later(c, echo_interval(c));
		break;
	case CONTROL_WAIT_STOP_REPLY:
		c->deadline = control_connection_later(c, CONTROL_STOP_TIMEOUT);
		break;
	case CONTROL_CLOSED:
		c->deadline = UINT64_MAX;
		break;
	}
	control_connection_calls_changed(c);
}

void control_connection_send(struct control_connection *c, const struct control_message *m)
{
	uint8_t buf[CONTROL_MESSAGE_MAX];
	int len;

	if (c->state == CONTROL_CLOSED || c->state == CONTROL_WAIT_CLOSE)
		return;
	len = control_message_encode(m, buf, sizeof(buf));
	if (len <= 0)
		return;
	c->sent++;
	c->ops->send(c->user, buf, (size_t)len);
	if (c->ops->trace)
		c->ops->trace(c->user, true, m);
}

static void put_version(struct text *t, uint16_t version)
{
	text_number(t, version >> 8);
	text_char(t, '.');
	text_number(t, version & 0xff);
}

static void version_detail(char *buf, uint16_t version)
{
	struct text t = text_begin(buf, CONTROL_DETAIL);

	text_put(&t, "the peer has PPTP version ");
	put_version(&t, version);
	text_put(&t, ", 1.0 is supported here");
}

void control_connection_finish(
	struct control_connection *c, enum pptp_reason reason, const char *detail)
{
	char text[CONTROL_DETAIL]; /* `detail` may be a call's, which ends here */
	struct text t = text_begin(text, sizeof(text));

	if (c->state == CONTROL_CLOSED)
		return;
	text_put(&t, detail);
	if (c->state == CONTROL_WAIT_STOP_REPLY) {
		reason = c->stop_reason;
		if (reason == PPTP_CONTROL_VERSION)
			version_detail(text, c->peer_version);
	} else if (c->state == CONTROL_WAIT_CLOSE) {
		reason = PPTP_CONTROL_COLLISION;
	}
	c->stop_reason = reason;
	enter_state(c, CONTROL_CLOSED);
	control_stream_forget(c);
	while (c->calls) {
		struct control_call *call = c->calls;
		bool hung_up = call->state == CONTROL_CALL_WAIT_DISCONNECT;

		control_call_end(call, hung_up ? call->end_reason : reason, text);
	}
	free(c->owed);
	c->owed = NULL;
	c->ops->closed(c->user, reason, text);
}

static void copy_name(char *dst, const char *src)
{
	for (size_t i = 0; i < 64 && src[i]; i++)
		dst[i] = src[i];
}

static void send_start(
	struct control_connection *c, enum control_type type, uint8_t result, uint8_t error)
{
	struct control_message m = { .type = type };

	m.start.version = CONTROL_VERSION_1_0;
	m.start.result = result;
	m.start.error = error;
	m.start.framing = c->config->framing;
	m.start.bearer = c->config->bearer;
	m.start.max_channels = c->config->max_channels;
	m.start.firmware = c->config->firmware;
	copy_name(m.start.host_name, c->config->host_name);
	copy_name(m.start.vendor, c->config->vendor);
	control_connection_send(c, &m);
}

/* Section 2.3. */
static void send_stop_request(struct control_connection *c)
{
	struct control_message m = { .type = CONTROL_STOP_REQUEST };

	switch (c->stop_reason) {
	case PPTP_CONTROL_VERSION:
		m.stop_request.reason = CONTROL_STOP_PROTOCOL;
		break;
	case PPTP_SHUTDOWN:
	case PPTP_ADMIN:
		m.stop_request.reason = CONTROL_STOP_LOCAL_SHUTDOWN;
		break;
	default:
		m.stop_request.reason = CONTROL_STOP_NONE;
		break;
	}
	c->stop_sent = true;
	control_connection_send(c, &m);
}

/* Section 2.4. */
static void send_stop_reply(struct control_connection *c)
{
	struct control_message m = { .type = CONTROL_STOP_REPLY };

	m.stop_reply.result = 1;
	control_connection_send(c, &m);
}

/* Sections 2.5 and 3.1.4: what is not answered in time ends the connection, state_expired(). */
static void send_echo_request(struct control_connection *c)
{
	struct control_message m = { .type = CONTROL_ECHO_REQUEST };

	c->echo_outstanding = true;
	c->echo_sent = c->now;
	c->deadline = control_connection_later(c, control_connection_reply_timeout(c));
	m.echo_request.identifier = ++c->echo_identifier;
	control_connection_send(c, &m);
}

/* Section 2.6. */
static void send_echo_reply(struct control_connection *c, uint32_t identifier)
{
	struct control_message m = { .type = CONTROL_ECHO_REPLY };

	m.echo_reply.identifier = identifier;
	m.echo_reply.result = 1;
	control_connection_send(c, &m);
}

void control_connection_calls_changed(struct control_connection *c)
{
	bool idle = c->state == CONTROL_ESTABLISHED && !c->calls && c->config->idle_timeout;

	c->idle_deadline = idle ? control_connection_later(c, c->config->idle_timeout) : UINT64_MAX;
	/*
	 * Only now, not right behind the Call-Clear-Requests: Windows does it so too, and there are
	 * peers that answer just the first of two messages in one segment.
	 */
	if (c->state == CONTROL_WAIT_STOP_REPLY && !c->calls && !c->stop_sent)
		send_stop_request(c);
}

void control_connection_init(struct control_connection *c, enum control_role role,
	const struct control_config *config, const struct control_ops *ops, void *user,
	uint64_t now)
{
	memset(c, 0, sizeof(*c));
	c->role = role;
	c->config = config;
	c->ops = ops;
	c->user = user;
	c->now = now;
	if (role == CONTROL_ORIGINATOR) {
		enter_state(c, CONTROL_WAIT_REPLY);
		send_start(c, CONTROL_START_REQUEST, 0, 0);
	} else {
		enter_state(c, CONTROL_WAIT_REQUEST);
	}
}

/* Section 3: an invalid message closes the connection. */
static void close_unexpected(
	struct control_connection *c, const struct control_message *m, const char *when)
{
	char detail[CONTROL_DETAIL];
	struct text t = text_begin(detail, sizeof(detail));

	text_put(&t, control_type_name(m->type));
	text_put(&t, when);
	control_connection_finish(c, PPTP_CONTROL_UNEXPECTED, detail);
}

/* Sections 2.3 and 3.1: the calls are cleared implicitly; they end before `closed`. */
static void peer_stops(struct control_connection *c, const struct control_message *m)
{
	char detail[CONTROL_DETAIL];

	send_stop_reply(c);
	control_message_outcome(m, detail, sizeof(detail));
	control_connection_finish(c, PPTP_PEER_REQUEST, detail);
}

/* Section 3.1.2, "Receive Start Control Connection Request ... Error": told, and closed. */
static void refuse_start(struct control_connection *c, uint8_t result, uint8_t error,
	enum pptp_reason reason, const char *detail)
{
	send_start(c, CONTROL_START_REPLY, result, error);
	control_connection_finish(c, reason, detail);
}

static void decide_start(struct control_connection *c, enum control_start_decision decision)
{
	switch (decision) {
	case CONTROL_START_ACCEPT:
		enter_state(c, CONTROL_ESTABLISHED);
		send_start(c, CONTROL_START_REPLY, CONTROL_START_OK, CONTROL_ERROR_NONE);
		c->ops->established(c->user);
		break;
	case CONTROL_START_REFUSE_EXISTS:
		refuse_start(c, CONTROL_START_EXISTS, CONTROL_ERROR_NONE, PPTP_CONTROL_COLLISION,
			"a control connection with the peer exists already");
		break;
	case CONTROL_START_REFUSE_NOT_AUTHORIZED:
		refuse_start(c, CONTROL_START_NOT_AUTHORIZED, CONTROL_ERROR_NONE,
			PPTP_LOCAL_REQUEST, "the peer is not authorized");
		break;
	case CONTROL_START_REFUSE_RESOURCES:
		refuse_start(c, CONTROL_START_GENERAL_ERROR, CONTROL_ERROR_NO_RESOURCE,
			PPTP_CALL_LIMIT, "the peer was told that there are no resources");
		break;
	case CONTROL_START_COLLISION_WON:
		enter_state(c, CONTROL_WAIT_CLOSE);
		break;
	}
}

static void set_peer(struct control_connection *c, const struct control_start *peer)
{
	c->peer_version = peer->version;
	c->peer_max_channels = peer->max_channels;
}

/* Section 3.1.2, state idle: any later version may fall back to ours, an earlier one cannot. */
static void start_requested(struct control_connection *c, const struct control_message *m)
{
	enum control_start_decision decision = CONTROL_START_ACCEPT;
	char detail[CONTROL_DETAIL];

	set_peer(c, &m->start);
	if (m->start.version < CONTROL_VERSION_1_0) {
		version_detail(detail, m->start.version);
		refuse_start(c, CONTROL_START_BAD_VERSION, CONTROL_ERROR_NONE, PPTP_CONTROL_VERSION,
			detail);
		return;
	}
	c->peer = &m->start;
	if (c->ops->start_requested)
		decision = c->ops->start_requested(c->user, &m->start);
	if (c->state == CONTROL_WAIT_REQUEST) /* the callback may have closed it */
		decide_start(c, decision);
}

/* Section 3.1.1, state wait_ctl_reply: success only, and only the major version that we speak. */
static void start_replied(struct control_connection *c, const struct control_message *m)
{
	char detail[CONTROL_DETAIL];

	set_peer(c, &m->start);
	if (m->start.result != CONTROL_START_OK) {
		control_message_outcome(m, detail, sizeof(detail));
		control_connection_finish(c, PPTP_CONTROL_REFUSED, detail);
		return;
	}
	if (m->start.version >> 8 != CONTROL_VERSION_1_0 >> 8) {
		c->stop_reason = PPTP_CONTROL_VERSION;
		enter_state(c, CONTROL_WAIT_STOP_REPLY);
		return;
	}
	enter_state(c, CONTROL_ESTABLISHED);
	c->peer = &m->start;
	c->ops->established(c->user);
}

/*
 * Before the start exchange is done, either role. An Echo-Request is neither answered nor a reason
 * to wait longer: the deadline for the start stays.
 */
static void receive_before_start(struct control_connection *c, const struct control_message *m)
{
	if (m->type == CONTROL_START_REQUEST && c->state == CONTROL_WAIT_REQUEST)
		start_requested(c, m);
	else if (m->type == CONTROL_START_REPLY && c->state == CONTROL_WAIT_REPLY)
		start_replied(c, m);
	else if (m->type == CONTROL_STOP_REQUEST)
		peer_stops(c, m);
	else if (m->type == CONTROL_ECHO_REQUEST || m->type == CONTROL_ECHO_REPLY)
		c->unexpected++;
	else
		close_unexpected(c, m, " before the connection was started");
	c->peer = NULL; /* it is in the message */
}

static void echo_replied(struct control_connection *c, uint32_t identifier)
{
	if (!c->echo_outstanding || identifier != c->echo_identifier) {
		c->unexpected++;
		return;
	}
	c->echo_outstanding = false;
	c->echo_rtt = c->now > c->echo_sent ? c->now - c->echo_sent : 1;
	c->deadline = control_connection_later(c, echo_interval(c));
}

static void receive_established(struct control_connection *c, const struct control_message *m)
{
	if (!c->echo_outstanding)
		c->deadline = control_connection_later(c, echo_interval(c));
	switch (m->type) {
	case CONTROL_START_REQUEST:
		/* The figure in section 3.1.2: "Send Stop Reply, Close TCP"; the same for both
		 * roles. */
		send_stop_reply(c);
		close_unexpected(c, m, " on a connection that is established");
		break;
	case CONTROL_START_REPLY:
	case CONTROL_STOP_REPLY:
		c->unexpected++;
		break;
	case CONTROL_STOP_REQUEST:
		peer_stops(c, m);
		break;
	case CONTROL_ECHO_REQUEST:
		send_echo_reply(c, m->echo_request.identifier);
		break;
	case CONTROL_ECHO_REPLY:
		echo_replied(c, m->echo_reply.identifier);
		break;
	default:
		control_call_receive(c, m);
		break;
	}
}

/* No message prolongs this state. */
static void receive_stopping(struct control_connection *c, const struct control_message *m)
{
	switch (m->type) {
	case CONTROL_STOP_REQUEST: /* both ends stop at once */
		send_stop_reply(c);
		control_connection_finish(c, c->stop_reason, "");
		break;
	case CONTROL_STOP_REPLY:
		if (c->stop_sent)
			control_connection_finish(c, c->stop_reason, "");
		else
			c->unexpected++;
		break;
	case CONTROL_ECHO_REQUEST:
		send_echo_reply(c, m->echo_request.identifier);
		break;
	case CONTROL_START_REQUEST:
	case CONTROL_START_REPLY:
	case CONTROL_ECHO_REPLY:
	case CONTROL_OUTGOING_CALL_REQUEST:
	case CONTROL_INCOMING_CALL_REQUEST:
		c->unexpected++;
		break;
	default:
		control_call_receive(c, m);
		break;
	}
}

void control_connection_message(struct control_connection *c, const uint8_t *data, size_t len)
{
	struct control_message m;
	const char *why = "";

	if (control_message_decode(&m, data, len, &why) < 0) {
		control_connection_finish(c, PPTP_CONTROL_MALFORMED, why);
		return;
	}
	c->received++;
	if (c->ops->trace)
		c->ops->trace(c->user, false, &m);
	switch (c->state) {
	case CONTROL_WAIT_REQUEST:
	case CONTROL_WAIT_REPLY:
		receive_before_start(c, &m);
		break;
	case CONTROL_ESTABLISHED:
		receive_established(c, &m);
		break;
	case CONTROL_WAIT_STOP_REPLY:
		receive_stopping(c, &m);
		break;
	case CONTROL_WAIT_CLOSE:
		c->unexpected++;
		break;
	case CONTROL_CLOSED:
		break;
	}
}

void control_connection_lost(
	struct control_connection *c, enum pptp_reason reason, const char *detail, uint64_t now)
{
	c->now = now;
	control_connection_finish(c, reason, detail ? detail : "");
}

uint64_t control_connection_deadline(const struct control_connection *c)
{
	uint64_t deadline = c->deadline < c->idle_deadline ? c->deadline : c->idle_deadline;
	const struct control_call *next = control_call_next(c);
	uint64_t of_call = next ? control_call_deadline(next) : UINT64_MAX;

	return of_call < deadline ? of_call : deadline;
}

static void state_expired(struct control_connection *c)
{
	switch (c->state) {
	case CONTROL_WAIT_REQUEST:
		control_connection_finish(
			c, PPTP_CONTROL_TIMEOUT, "no Start-Control-Connection-Request");
		break;
	case CONTROL_WAIT_REPLY:
		control_connection_finish(
			c, PPTP_CONTROL_TIMEOUT, "no Start-Control-Connection-Reply");
		break;
	case CONTROL_ESTABLISHED:
		if (c->echo_outstanding)
			control_connection_finish(c, PPTP_CONTROL_ECHO_TIMEOUT, "no Echo-Reply");
		else
			send_echo_request(c);
		break;
	case CONTROL_WAIT_STOP_REPLY:
		if (!c->stop_sent)
			send_stop_request(c);
		control_connection_finish(c, c->stop_reason, "");
		break;
	case CONTROL_WAIT_CLOSE:
		control_connection_finish(c, PPTP_CONTROL_COLLISION,
			"the peer did not close the connection on which it lost the collision");
		break;
	case CONTROL_CLOSED:
		break;
	}
}

void control_connection_tick(struct control_connection *c, uint64_t now)
{
	c->now = now;
	control_call_tick(c);
	if (now >= c->idle_deadline)
		control_connection_stop(c, PPTP_IDLE_TIMEOUT, now);
	if (now >= c->deadline)
		state_expired(c);
}

void control_connection_probe(struct control_connection *c, uint64_t patience, uint64_t now)
{
	uint64_t deadline;

	c->now = now;
	if (c->state != CONTROL_ESTABLISHED)
		return;
	if (!c->echo_outstanding)
		send_echo_request(c);
	deadline = control_connection_later(c, patience);
	if (deadline < c->deadline)
		c->deadline = deadline;
}

/*
 * Clearing a call leaves the list as it is; ending one has a callback, after which the list is looked
 * at anew. No call comes to it in this state, so its length tells the two apart.
 */
static void hang_up_all(struct control_connection *c, enum pptp_reason reason)
{
	struct control_call *call = c->calls;

	while (call) {
		unsigned int count = c->call_count;

		if (call->state != CONTROL_CALL_WAIT_DISCONNECT)
			control_call_hangup(call, reason, NULL, c->now);
		call = c->call_count == count ? call->next : c->calls;
	}
}

void control_connection_stop(struct control_connection *c, enum pptp_reason reason, uint64_t now)
{
	c->now = now;
	switch (c->state) {
	case CONTROL_WAIT_REQUEST:
	case CONTROL_WAIT_REPLY:
	case CONTROL_WAIT_CLOSE:
		control_connection_finish(c, reason, ""); /* nothing to stop yet, section 2.1 */
		return;
	case CONTROL_ESTABLISHED:
		break;
	case CONTROL_WAIT_STOP_REPLY:
	case CONTROL_CLOSED:
		return;
	}
	c->stop_reason = reason;
	enter_state(c, CONTROL_WAIT_STOP_REPLY);
	hang_up_all(c, reason); /* a `call_ended` may close the connection: it then has no calls */
}
