/*
 * One end of a control connection for the tests. It keeps a log of what the connection sends and
 * announces, as in ">Echo-Reply established up:5 ended:5:peer-request[busy (result 4)]", and checks
 * the invariants after every step:
 *
 * - nothing happens after `closed`, and then there are no calls and no deadline;
 * - each call ends exactly once;
 * - every state that waits has a deadline, of the connection and of each call;
 * - the list of calls and its count agree.
 */
#pragma once

#include "lib/control/connection.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SECONDS(n) ((uint64_t)((n)*1000000.0))
#define START      SECONDS(1000)
#define CALLS      8

/* What the end does inside its callbacks, to provoke re-entrance. */
enum provoke { NOTHING, STOP, LOSE, HANG_UP_ALL, DIAL_AGAIN, OFFER_AGAIN, PROVOKE_END };

struct end {
	struct control_start peer; /* as it was at `established` */
	struct control_connection c;
	struct control_config config;
	struct control_call calls[CALLS];
	unsigned int begun[CALLS], ended[CALLS];
	char log[2000];
	uint64_t now;
	bool closed;
	enum pptp_reason reason; /* of `closed` */
	/*
	 * To a request: FORGET does nothing, TAKE leaves it at that, CONNECT goes on as far as this
	 * end can. Of `offers`, `line` is what becomes of an accepted call of ours.
	 */
	enum answer { FORGET, CONNECT, REFUSE, TAKE } answer, offers, line;
	enum control_start_decision start;
	uint16_t next_call_id;                    /* for calls taken */
	struct control_outgoing_request request;  /* the last one */
	struct control_incoming_request incoming; /* the last one */
	char statistics[129];                     /* of the last Call-Disconnect-Notify */
	struct control_message last;              /* sent */
	uint8_t out[8192];                        /* sent and not yet moved to the other end */
	size_t out_len;
	enum provoke provoke;
};

static inline void end_log(struct end *e, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static inline void end_log(struct end *e, const char *format, ...)
{
	size_t len = strlen(e->log);
	va_list ap;

	assert_false(e->closed);
	if (len + 200 >
		sizeof(e->log)) { /* a long run of the random test: only the newest counts */
		e->log[0] = '\0';
		len = 0;
	}
	va_start(ap, format);
	if (len)
		e->log[len++] = ' ';
	vsnprintf(e->log + len, sizeof(e->log) - len, format, ap);
	va_end(ap);
}

static inline struct control_call_params end_params(uint16_t call_id)
{
	return (struct control_call_params){ .call_id = call_id,
		.serial = 77,
		.min_bps = 300,
		.max_bps = 100000000,
		.connect_speed = 64000,
		.bearer = 3,
		.framing = 3,
		.window = 32,
		.processing_delay = 1,
		.physical_channel = 9,
		.phone = "12345",
		.dialed = "555",
		.dialing = "0123456789",
		.subaddress = "sub" };
}

/* Free storage for a call, or NULL. */
static inline struct control_call *end_slot(struct end *e)
{
	for (size_t i = 0; i < CALLS; i++) {
		if (e->begun[i] == e->ended[i]) {
			memset(&e->calls[i], 0xa5, sizeof(e->calls[i])); /* need not be zeroed */
			e->calls[i].owner = e;
			return &e->calls[i];
		}
	}
	return NULL;
}

static inline void end_begun(struct end *e, const struct control_call *call)
{
	assert_ptr_equal(call->owner, e);
	e->begun[call - e->calls]++;
}

static inline struct control_call *end_dial(struct end *e, uint16_t call_id)
{
	struct control_call_params params = end_params(call_id);
	struct control_call *call = end_slot(e);

	if (!call || control_call_dial(&e->c, call, &params, e->now) < 0)
		return NULL;
	end_begun(e, call);
	return call;
}

static inline struct control_call *end_take(struct end *e, uint16_t call_id)
{
	struct control_call *call = end_slot(e);

	if (!call || control_call_take(&e->c, call, &e->request, call_id, e->now) < 0)
		return NULL;
	end_begun(e, call);
	return call;
}

static inline struct control_call *end_offer(struct end *e, uint16_t call_id)
{
	struct control_call_params params = end_params(call_id);
	struct control_call *call = end_slot(e);

	if (!call || control_call_offer(&e->c, call, &params, e->now) < 0)
		return NULL;
	end_begun(e, call);
	return call;
}

static inline struct control_call *end_take_incoming(struct end *e, uint16_t call_id)
{
	struct control_call *call = end_slot(e);

	if (!call || control_call_take_incoming(&e->c, call, &e->incoming, call_id, e->now) < 0)
		return NULL;
	end_begun(e, call);
	return call;
}

static inline void end_provoke(struct end *e)
{
	switch (e->provoke) {
	case NOTHING:
		break;
	case STOP:
		control_connection_stop(&e->c, PPTP_SHUTDOWN, e->now);
		break;
	case LOSE:
		control_connection_lost(&e->c, PPTP_TCP_ERROR, NULL, e->now);
		break;
	case HANG_UP_ALL:
		for (size_t i = 0; i < CALLS; i++) {
			if (e->begun[i] > e->ended[i])
				control_call_hangup(&e->calls[i], PPTP_ADMIN, NULL, e->now);
		}
		break;
	case DIAL_AGAIN:
		(void)end_dial(e, e->next_call_id++);
		break;
	case OFFER_AGAIN:
		(void)end_offer(e, e->next_call_id++);
		break;
	case PROVOKE_END:
		break;
	}
}

static inline void end_send(void *user, const uint8_t *data, size_t len)
{
	struct end *e = user;

	assert_false(e->closed);
	if (e->out_len + len > sizeof(e->out))
		e->out_len = 0;
	memcpy(e->out + e->out_len, data, len);
	e->out_len += len;
}

static inline void end_trace(void *user, bool sent, const struct control_message *m)
{
	struct end *e = user;

	assert_false(e->closed);
	if (sent) {
		end_log(e, ">%s", control_type_name(m->type));
		e->last = *m;
	}
}

static inline enum control_start_decision end_start_requested(
	void *user, const struct control_start *start)
{
	struct end *e = user;

	assert_ptr_equal(start, e->c.peer);
	if (e->start != CONTROL_START_ACCEPT)
		end_log(e, "start");
	end_provoke(e);
	return e->start;
}

static inline void end_established(void *user)
{
	struct end *e = user;

	e->peer = *e->c.peer;
	end_log(e, "established");
	end_provoke(e);
}

static inline void end_outgoing_call(void *user, const struct control_outgoing_request *request)
{
	struct end *e = user;
	struct control_call_params params = end_params(0);
	struct control_call *call;

	end_log(e, "asked:%u", request->call_id);
	e->request = *request;
	end_provoke(e);
	if (e->answer == FORGET)
		return;
	call = e->answer == REFUSE ? NULL : end_take(e, e->next_call_id++);
	if (!call)
		control_connection_refuse(&e->c, request, CONTROL_OUTGOING_BUSY, 0, 17);
	else if (e->answer == CONNECT)
		control_call_connect(call, &params, e->now);
}

static inline void end_incoming_call(void *user, const struct control_incoming_request *request)
{
	struct end *e = user;
	struct control_call_params params = end_params(0);
	struct control_call *call;

	end_log(e, "offered:%u", request->call_id);
	e->incoming = *request;
	end_provoke(e);
	if (e->offers == FORGET)
		return;
	call = e->offers == REFUSE ? NULL : end_take_incoming(e, e->next_call_id++);
	if (!call)
		control_connection_refuse_incoming(
			&e->c, request, CONTROL_INCOMING_DO_NOT_ACCEPT, 0);
	else if (e->offers == CONNECT)
		control_call_accept(call, &params, e->now);
}

static inline void end_call_accepted(void *user, struct control_call *call)
{
	struct end *e = user;
	struct control_call_params params = end_params(0);

	end_log(e, "accepted:%u", call->call_id);
	end_provoke(e);
	if (e->line == CONNECT) /* nothing when provoking ended it */
		control_call_answered(call, &params, e->now);
}

static inline void end_call_established(void *user, struct control_call *call)
{
	end_log(user, "up:%u", call->call_id);
	end_provoke(user);
}

static inline void end_call_ended(
	void *user, struct control_call *call, enum pptp_reason reason, const char *detail)
{
	struct end *e = user;
	size_t i = (size_t)(call - e->calls);

	end_log(e, "ended:%u:%s[%s]", call->call_id, pptp_reason_name(reason), detail);
	e->ended[i]++;
	assert_int_equal(e->ended[i], e->begun[i]);
	assert_null(call->connection);
	e->statistics[0] = '\0';
	if (call->disconnect) {
		assert_int_equal(call->disconnect->result, call->result);
		assert_int_equal(call->disconnect->error, call->error);
		assert_int_equal(call->disconnect->cause, call->cause);
		strcpy(e->statistics, call->disconnect->statistics);
	}
	memset(call, 0x5a, sizeof(*call)); /* the storage is ours again, see who looks at it */
	call->state = CONTROL_CALL_IDLE;
	end_provoke(e);
}

static inline void end_link_info(
	void *user, struct control_call *call, const struct control_link_info *info)
{
	end_log(user, "link:%u:%x/%x", call->call_id, info->send_accm, info->receive_accm);
	end_provoke(user);
}

static inline void end_wan_error(
	void *user, struct control_call *call, const struct control_wan_error *error)
{
	end_log(user, "wan:%u:%u", call->call_id, error->crc);
	end_provoke(user);
}

static inline void end_closed(void *user, enum pptp_reason reason, const char *detail)
{
	struct end *e = user;

	end_log(e, "closed:%s[%s]", pptp_reason_name(reason), detail);
	assert_null(e->c.calls);
	e->closed = true;
	e->reason = reason;
}

static const struct control_ops end_ops = {
	.send = end_send,
	.start_requested = end_start_requested,
	.established = end_established,
	.outgoing_call = end_outgoing_call,
	.incoming_call = end_incoming_call,
	.call_accepted = end_call_accepted,
	.call_established = end_call_established,
	.call_ended = end_call_ended,
	.link_info = end_link_info,
	.wan_error = end_wan_error,
	.closed = end_closed,
	.trace = end_trace,
};

static inline void end_check(const struct end *e)
{
	const struct control_connection *c = &e->c;
	unsigned int count = 0, open = 0;

	for (const struct control_call *call = c->calls; call; call = call->next) {
		count++;
		assert_ptr_equal(call->connection, c);
		assert_int_not_equal(call->state, CONTROL_CALL_IDLE);
		if (call->state != CONTROL_CALL_ESTABLISHED)
			assert_true(call->deadline != UINT64_MAX);
	}
	for (size_t i = 0; i < CALLS; i++)
		open += e->begun[i] - e->ended[i];
	assert_int_equal(count, c->call_count);
	assert_int_equal(count, open);
	assert_int_equal(e->closed, c->state == CONTROL_CLOSED);
	assert_null(c->peer);
	if (e->closed) {
		assert_int_equal(count, 0);
		assert_true(control_connection_deadline(c) == UINT64_MAX);
	} else {
		assert_true(c->deadline != UINT64_MAX);
		assert_true(control_connection_deadline(c) <= c->deadline);
	}
}

/* Of a connection that is not closed in the end. */
static inline void end_free(struct end *e)
{
	if (!e->closed)
		control_connection_lost(&e->c, PPTP_TCP_ERROR, NULL, e->now);
}

static inline void end_begin(struct end *e, enum control_role role)
{
	memset(e, 0, sizeof(*e));
	strcpy(e->config.host_name, "here.example");
	strcpy(e->config.vendor, "greyline");
	e->config.framing = CONTROL_FRAMING_ANY;
	e->config.bearer = CONTROL_BEARER_ANY;
	e->config.firmware = 1;
	e->now = START;
	e->answer = e->line = CONNECT;
	e->offers = REFUSE;
	e->next_call_id = 100;
	control_connection_init(&e->c, role, &e->config, &end_ops, e, e->now);
	end_check(e);
}

static inline void end_receive_bytes(struct end *e, const uint8_t *data, size_t len)
{
	/* A copy of exactly this size: the sanitizer sees an octet read too much. */
	uint8_t *copy = malloc(len ? len : 1);

	memcpy(copy, data, len);
	control_connection_receive(&e->c, copy, len, e->now);
	free(copy);
	end_check(e);
}

static inline void end_receive(struct end *e, const struct control_message *m)
{
	uint8_t buf[CONTROL_MESSAGE_MAX];
	int len = control_message_encode(m, buf, sizeof(buf));

	assert_true(len > 0);
	end_receive_bytes(e, buf, (size_t)len);
}

#define RECEIVE(e, t, ...)                                                                         \
	end_receive((e), &(struct control_message){ .type = (t)__VA_OPT__(, ) __VA_ARGS__ })

/* Time passes; the deadline is kept as a caller would. */
static inline void end_wait(struct end *e, uint64_t us)
{
	uint64_t until = e->now + us;

	for (;;) {
		uint64_t deadline = control_connection_deadline(&e->c);

		if (deadline > until)
			break;
		assert_true(deadline >= e->now);
		e->now = deadline;
		control_connection_tick(&e->c, e->now);
		end_check(e);
		assert_true(control_connection_deadline(&e->c) > e->now);
	}
	e->now = until;
	control_connection_tick(&e->c, e->now); /* too early a tick does nothing */
	end_check(e);
}

/* The log since the last call of this. */
static inline void assert_log(struct end *e, const char *want)
{
	char got[sizeof(e->log)];

	strcpy(got, e->log);
	e->log[0] = '\0';
	assert_string_equal(got, want);
}

static inline void end_stop(struct end *e, enum pptp_reason reason)
{
	control_connection_stop(&e->c, reason, e->now);
	end_check(e);
}

static inline void end_hangup(struct end *e, struct control_call *call, uint8_t result)
{
	struct control_hangup how = { .result = result };

	control_call_hangup(call, PPTP_LOCAL_REQUEST, &how, e->now);
	end_check(e);
}

/* An established connection, log empty. */
static inline void end_begin_established(struct end *e, enum control_role role)
{
	end_begin(e, role);
	if (role == CONTROL_RECEIVER)
		RECEIVE(e, CONTROL_START_REQUEST, .start.version = 0x0100);
	else
		RECEIVE(e, CONTROL_START_REPLY, .start = { .version = 0x0100, .result = 1 });
	assert_int_equal(e->c.state, CONTROL_ESTABLISHED);
	e->log[0] = '\0';
	e->out_len = 0;
}

/* Our call 5 as PNS, the peer's Call ID is 900. */
static inline struct control_call *end_call_out(struct end *e)
{
	struct control_call *call = end_dial(e, 5);

	assert_non_null(call);
	RECEIVE(e, CONTROL_OUTGOING_CALL_REPLY,
		.outgoing_reply = { .call_id = 900,
			.peer_call_id = 5,
			.result = 1,
			.connect_speed = 56000,
			.window = 16,
			.processing_delay = 2 });
	assert_int_equal(call->state, CONTROL_CALL_ESTABLISHED);
	e->log[0] = '\0';
	return call;
}

/* The peer's call 800; as PAC we give it e->next_call_id, 100. */
static inline struct control_call *end_call_in(struct end *e)
{
	RECEIVE(e, CONTROL_OUTGOING_CALL_REQUEST,
		.outgoing_request = {
			.call_id = 800, .serial = 4, .window = 64, .processing_delay = 3 });
	e->log[0] = '\0';
	assert_non_null(e->c.calls);
	return e->c.calls;
}

/* Our offer 6 as PAC, taken by the peer as 901. */
static inline struct control_call *end_ring_out(struct end *e)
{
	struct control_call *call = end_offer(e, 6);

	assert_non_null(call);
	RECEIVE(e, CONTROL_INCOMING_CALL_REPLY,
		.incoming_reply = { .call_id = 901,
			.peer_call_id = 6,
			.result = 1,
			.window = 24,
			.processing_delay = 4 });
	e->log[0] = '\0';
	return call;
}

/* The peer's offer 801; as PNS we give it e->next_call_id, 100. Connected by the line's answer. */
static inline struct control_call *end_ring_in(struct end *e)
{
	uint16_t ours = e->next_call_id;

	e->offers = CONNECT;
	RECEIVE(e, CONTROL_INCOMING_CALL_REQUEST,
		.incoming_request = { .call_id = 801, .serial = 7 });
	RECEIVE(e, CONTROL_INCOMING_CALL_CONNECTED,
		.incoming_connected = { .peer_call_id = ours,
			.connect_speed = 33600,
			.window = 12,
			.processing_delay = 5,
			.framing = 1 });
	assert_non_null(e->c.calls);
	assert_int_equal(e->c.calls->state, CONTROL_CALL_ESTABLISHED);
	e->log[0] = '\0';
	return e->c.calls;
}
