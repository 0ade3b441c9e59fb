/*
 * One end of a control connection for the targets: its calls, what it does in callbacks as the
 * input chooses, and the invariants of lib/control:
 *
 * - nothing happens after `closed`, and nothing is sent after a won collision;
 * - each call ends exactly once, and there are no more of them than max_channels;
 * - every state that waits has a deadline, of the connection and of each call;
 * - what is sent are whole, valid messages.
 */
#pragma once

#include "lib/control/connection.h"

#include "fuzz/fuzz.h"

#define CALLS 6
#define OUT   4096

enum provoke { NOTHING, STOP, LOSE, HANG_UP, DIAL, OFFER, PROVOKE_COUNT };

struct control_end {
	struct fuzz *f;
	struct control_connection c;
	struct control_config config;
	struct control_call calls[CALLS];
	bool begun[CALLS];
	uint8_t out[OUT]; /* sent, and not yet taken by the other end */
	size_t out_len;
	uint16_t next_call_id;
	enum control_start_decision start;
	uint8_t answer; /* bits: take, then answer at once (or refuse) */
	enum provoke provoke;
	bool silent; /* a collision was won */
	bool established, closed;
};

static inline struct control_call_params control_end_params(struct control_end *e)
{
	return (struct control_call_params){
		.call_id = e->next_call_id++,
		.serial = 7,
		.min_bps = 300,
		.max_bps = 100000000,
		.connect_speed = 64000,
		.bearer = 3,
		.framing = 3,
		.window = 16,
		.phone = "555",
		.dialed = "1",
		.dialing = "2",
		.subaddress = "s",
	};
}

/* Storage for a call; NULL: none is free. */
static inline struct control_call *control_end_slot(struct control_end *e)
{
	for (int i = 0; i < CALLS; i++) {
		if (!e->begun[i]) {
			memset(&e->calls[i], 0xa5, sizeof(e->calls[i])); /* need not be zeroed */
			e->calls[i].owner = e;
			return &e->calls[i];
		}
	}
	return NULL;
}

static inline void control_end_begun(struct control_end *e, struct control_call *call)
{
	FUZZ_CHECK(!e->closed && call->owner == e);
	e->begun[call - e->calls] = true;
}

static inline void control_end_dial(struct control_end *e, bool offer)
{
	struct control_call *call = control_end_slot(e);
	struct control_call_params params = control_end_params(e);
	int rc;

	if (!call)
		return;
	if (offer)
		rc = control_call_offer(&e->c, call, &params, e->f->now);
	else
		rc = control_call_dial(&e->c, call, &params, e->f->now);
	if (rc == 0)
		control_end_begun(e, call);
}

/* Does in a callback what an owner may do there. */
static inline void control_end_provoke(struct control_end *e)
{
	switch (e->provoke) {
	case STOP:
		control_connection_stop(&e->c, PPTP_SHUTDOWN, e->f->now);
		break;
	case LOSE:
		control_connection_lost(&e->c, PPTP_TCP_ERROR, NULL, e->f->now);
		break;
	case HANG_UP:
		for (int i = 0; i < CALLS; i++) {
			if (e->begun[i])
				control_call_hangup(&e->calls[i], PPTP_ADMIN, NULL, e->f->now);
		}
		break;
	case DIAL:
	case OFFER:
		control_end_dial(e, e->provoke == OFFER);
		break;
	default:
		break;
	}
}

static inline void control_end_send(void *user, const uint8_t *data, size_t len)
{
	struct control_end *e = user;
	struct control_message m;
	const char *why;

	FUZZ_CHECK(!e->closed && !e->silent);
	while (len) {
		int n = control_message_frame(data, len, &why);

		FUZZ_CHECK(n > 0 && (size_t)n <= len);
		FUZZ_CHECK(!control_message_decode(&m, data, (size_t)n, &why));
		if (e->out_len + (size_t)n <= sizeof(e->out)) {
			memcpy(e->out + e->out_len, data, (size_t)n);
			e->out_len += (size_t)n;
		}
		data += n;
		len -= (size_t)n;
	}
}

static inline enum control_start_decision control_end_start(
	void *user, const struct control_start *start)
{
	struct control_end *e = user;

	FUZZ_CHECK(!e->closed && !e->established && start);
	control_end_provoke(e);
	e->silent = e->start == CONTROL_START_COLLISION_WON;
	return e->start;
}

static inline void control_end_established(void *user)
{
	struct control_end *e = user;

	FUZZ_CHECK(!e->closed && !e->established);
	e->established = true;
	control_end_provoke(e);
}

static inline void control_end_outgoing(void *user, const struct control_outgoing_request *request)
{
	struct control_end *e = user;
	struct control_call_params params = control_end_params(e);
	struct control_call *call = NULL;

	FUZZ_CHECK(!e->closed);
	control_end_provoke(e);
	if (e->answer & 1)
		call = control_end_slot(e);
	if (call && control_call_take(&e->c, call, request, params.call_id, e->f->now) == 0) {
		control_end_begun(e, call);
		if (e->answer & 2)
			control_call_connect(call, &params, e->f->now);
		else if (e->answer & 4)
			control_call_refuse(call, e->answer >> 4, 0, 17, e->f->now);
	} else if (e->answer & 8) {
		control_connection_refuse(&e->c, request, e->answer >> 4, 0, 17);
	}
}

static inline void control_end_incoming(void *user, const struct control_incoming_request *request)
{
	struct control_end *e = user;
	struct control_call_params params = control_end_params(e);
	struct control_call *call = NULL;

	FUZZ_CHECK(!e->closed);
	control_end_provoke(e);
	if (e->answer & 1)
		call = control_end_slot(e);
	if (call &&
		control_call_take_incoming(&e->c, call, request, params.call_id, e->f->now) == 0) {
		control_end_begun(e, call);
		if (e->answer & 2)
			control_call_accept(call, &params, e->f->now);
		else if (e->answer & 4)
			control_call_refuse(call, e->answer >> 4, 0, 0, e->f->now);
	} else if (e->answer & 8) {
		control_connection_refuse_incoming(&e->c, request, e->answer >> 4, 0);
	}
}

static inline struct control_end *control_end_of(void *user, const struct control_call *call)
{
	struct control_end *e = user;

	FUZZ_CHECK(!e->closed && call->owner == e && e->begun[call - e->calls]);
	return e;
}

static inline void control_end_accepted(void *user, struct control_call *call)
{
	struct control_end *e = control_end_of(user, call);
	struct control_call_params params = control_end_params(e);

	FUZZ_CHECK(call->incoming && call->peer_call_id_known);
	control_end_provoke(e);
	if (e->answer & 2)
		control_call_answered(call, &params, e->f->now); /* nothing if that ended it */
}

static inline void control_end_up(void *user, struct control_call *call)
{
	struct control_end *e = control_end_of(user, call);

	FUZZ_CHECK(call->state == CONTROL_CALL_ESTABLISHED && call->role == CONTROL_PNS);
	control_end_provoke(e);
}

static inline void control_end_ended(
	void *user, struct control_call *call, enum pptp_reason reason, const char *detail)
{
	struct control_end *e = control_end_of(user, call);

	FUZZ_CHECK(!call->connection && detail && strlen(detail) < 400 && reason != PPTP_NONE);
	e->begun[call - e->calls] = false;
	memset(call, 0x5a, sizeof(*call)); /* the storage is ours again */
	call->state = CONTROL_CALL_IDLE;
	control_end_provoke(e);
}

static inline void control_end_link_info(
	void *user, struct control_call *call, const struct control_link_info *info)
{
	(void)info;
	control_end_provoke(control_end_of(user, call));
}

static inline void control_end_wan_error(
	void *user, struct control_call *call, const struct control_wan_error *error)
{
	(void)error;
	control_end_provoke(control_end_of(user, call));
}

static inline void control_end_closed(void *user, enum pptp_reason reason, const char *detail)
{
	struct control_end *e = user;

	FUZZ_CHECK(!e->closed && detail && reason != PPTP_NONE && !e->c.calls);
	for (int i = 0; i < CALLS; i++)
		FUZZ_CHECK(!e->begun[i]);
	e->closed = true;
}

static const struct control_ops control_end_ops = {
	.send = control_end_send,
	.start_requested = control_end_start,
	.established = control_end_established,
	.outgoing_call = control_end_outgoing,
	.incoming_call = control_end_incoming,
	.call_accepted = control_end_accepted,
	.call_established = control_end_up,
	.call_ended = control_end_ended,
	.link_info = control_end_link_info,
	.wan_error = control_end_wan_error,
	.closed = control_end_closed,
};

static inline void control_end_check(const struct control_end *e)
{
	const struct control_connection *c = &e->c;
	unsigned int count = 0, open = 0;

	for (const struct control_call *call = c->calls; call; call = call->next) {
		FUZZ_CHECK(++count <= CALLS && call->connection == c);
		FUZZ_CHECK(call->state != CONTROL_CALL_IDLE);
		FUZZ_CHECK(call->state == CONTROL_CALL_ESTABLISHED || call->deadline != UINT64_MAX);
	}
	for (int i = 0; i < CALLS; i++)
		open += e->begun[i];
	FUZZ_CHECK(count == c->call_count && count == open);
	FUZZ_CHECK(!e->config.max_channels || count <= e->config.max_channels);
	FUZZ_CHECK(e->closed == (c->state == CONTROL_CLOSED));
	if (e->closed)
		FUZZ_CHECK(control_connection_deadline(c) == UINT64_MAX);
	else
		FUZZ_CHECK(
			c->deadline != UINT64_MAX && control_connection_deadline(c) <= c->deadline);
}

static inline void control_end_receive(struct control_end *e, const uint8_t *data, size_t len)
{
	uint8_t *copy = fuzz_copy(data, len);

	control_connection_receive(&e->c, copy, len, e->f->now);
	free(copy);
	control_end_check(e);
}

static inline void control_end_tick(struct control_end *e)
{
	control_connection_tick(&e->c, e->f->now);
	control_end_check(e);
	FUZZ_CHECK(control_connection_deadline(&e->c) > e->f->now);
}

static inline void control_end_begin(struct control_end *e, struct fuzz *f, enum control_role role)
{
	uint8_t flags = fuzz_u8(f);

	memset(e, 0, sizeof(*e));
	e->f = f;
	e->config.framing = CONTROL_FRAMING_ANY;
	e->config.bearer = CONTROL_BEARER_ANY;
	e->config.max_channels = flags & 3;
	e->config.idle_timeout = flags & 4 ? 60000000 : 0;
	snprintf(e->config.host_name, sizeof(e->config.host_name), "here");
	e->answer = 3;
	e->next_call_id = role == CONTROL_ORIGINATOR ? 100 : 200;
	control_connection_init(&e->c, role, &e->config, &control_end_ops, e, f->now);
	control_end_check(e);
}

/* A peer that says nothing any more cannot keep anything open once we stop. */
static inline void control_end_finish(struct control_end *e)
{
	uint64_t begin = e->f->now;

	e->provoke = NOTHING;
	control_connection_stop(&e->c, PPTP_SHUTDOWN, e->f->now);
	for (unsigned int turns = 0; !e->closed; turns++) {
		FUZZ_CHECK(turns < 100);
		fuzz_pass_to(e->f, control_connection_deadline(&e->c));
		control_end_tick(e);
	}
	FUZZ_CHECK(e->silent || e->f->now - begin <= 60000000);
}
