/*
 * Every control message in every state, in both TCP roles and both call roles, twice, with right
 * and wrong Call IDs, by a caller who does the worst inside callbacks; then two ends that talk at
 * random over a cut and broken stream. What is checked are the invariants of control_end.h, and
 * that a peer that says nothing more cannot keep anything open.
 */
#include "tests/unit/control_end.h"

enum situation {
	FRESH,    /* wait_request or wait_ctl_reply, by role */
	UP,       /* established, no call */
	DIALLING, /* a PNS call in wait_reply */
	DIALLED,  /* a PNS call that is established */
	ABORTED,  /* a PNS call in wait_disconnect, the PAC's Call ID unknown */
	CLEARING, /* a PNS call in wait_disconnect */
	TAKEN,    /* a PAC call in wait_cs_ans */
	ANSWERED, /* a PAC call that is established */
	OFFERED,  /* an incoming PAC call in wait_reply */
	RINGING,  /* ... whose line is being answered */
	LIFTED,   /* ... that is established */
	DECIDING, /* an incoming PNS call that was not replied to */
	HOPING,   /* ... in wait_connect */
	JOINED,   /* ... that is established */
	LEAVING,  /* ... in wait_disconnect */
	MANY,     /* one of each kind and role, established */
	ECHOING,  /* an Echo-Request is out */
	STOPPING, /* wait_stop_reply, a call is still being cleared */
	STOPPED,  /* wait_stop_reply, the request is out */
	WON,      /* wait_close, a collision was won */
	GONE,     /* closed */
	SITUATIONS,
};

static void begin_incoming(struct end *e, enum situation situation)
{
	switch (situation) {
	case OFFERED:
		assert_non_null(end_offer(e, 6));
		break;
	case RINGING:
		e->line = TAKE;
		(void)end_ring_out(e);
		break;
	case LIFTED:
		(void)end_ring_out(e);
		break;
	case DECIDING:
	case HOPING:
		e->offers = situation == HOPING ? CONNECT : TAKE;
		RECEIVE(e, CONTROL_INCOMING_CALL_REQUEST, .incoming_request.call_id = 801);
		break;
	case JOINED:
		(void)end_ring_in(e);
		break;
	default: /* LEAVING */
		end_hangup(e, end_ring_in(e), 0);
		break;
	}
}

static void begin(struct end *e, enum control_role role, enum situation situation)
{
	if (situation == FRESH) {
		end_begin(e, role);
		return;
	}
	if (situation == WON) {
		end_begin(e, CONTROL_RECEIVER);
		e->start = CONTROL_START_COLLISION_WON;
		RECEIVE(e, CONTROL_START_REQUEST, .start.version = 0x0100);
		assert_int_equal(e->c.state, CONTROL_WAIT_CLOSE);
		return;
	}
	end_begin_established(e, role);
	switch (situation) {
	case OFFERED:
	case RINGING:
	case LIFTED:
	case DECIDING:
	case HOPING:
	case JOINED:
	case LEAVING:
		begin_incoming(e, situation);
		break;
	case DIALLING:
		assert_non_null(end_dial(e, 5));
		break;
	case DIALLED:
		(void)end_call_out(e);
		break;
	case ABORTED:
		end_hangup(e, end_dial(e, 5), 0);
		break;
	case CLEARING:
		end_hangup(e, end_call_out(e), 0);
		break;
	case TAKEN:
		e->answer = TAKE;
		(void)end_call_in(e);
		break;
	case ANSWERED:
		(void)end_call_in(e);
		break;
	case MANY:
		(void)end_call_in(e);
		(void)end_call_out(e);
		(void)end_ring_in(e);
		(void)end_ring_out(e);
		break;
	case ECHOING:
		end_wait(e, SECONDS(60));
		break;
	case STOPPING:
		(void)end_call_out(e);
		end_stop(e, PPTP_SHUTDOWN);
		break;
	case STOPPED:
		end_stop(e, PPTP_SHUTDOWN);
		break;
	case GONE:
		control_connection_lost(&e->c, PPTP_TCP_CLOSED, "", e->now);
		break;
	default:
		break;
	}
	end_check(e);
}

/* A message of the type in which every field that could name a call or a result has these values.
 */
static struct control_message message(
	enum control_type type, uint16_t call_id, uint16_t peer_call_id, uint8_t result)
{
	struct control_message m = { .type = type };

	switch (type) {
	case CONTROL_START_REQUEST:
	case CONTROL_START_REPLY:
		m.start.version = call_id == 0 ? 0 : 0x0100;
		m.start.result = result;
		break;
	case CONTROL_STOP_REQUEST:
		m.stop_request.reason = result;
		break;
	case CONTROL_STOP_REPLY:
		m.stop_reply.result = result;
		break;
	case CONTROL_ECHO_REQUEST:
		m.echo_request.identifier = call_id;
		break;
	case CONTROL_ECHO_REPLY:
		m.echo_reply.identifier = result; /* the first of ours is 1 */
		break;
	case CONTROL_OUTGOING_CALL_REQUEST:
		m.outgoing_request.call_id = call_id;
		break;
	case CONTROL_OUTGOING_CALL_REPLY:
		m.outgoing_reply.call_id = call_id;
		m.outgoing_reply.peer_call_id = peer_call_id;
		m.outgoing_reply.result = result;
		break;
	case CONTROL_INCOMING_CALL_REQUEST:
		m.incoming_request.call_id = call_id;
		break;
	case CONTROL_INCOMING_CALL_REPLY:
		m.incoming_reply.call_id = call_id;
		m.incoming_reply.peer_call_id = peer_call_id;
		m.incoming_reply.result = result;
		break;
	case CONTROL_INCOMING_CALL_CONNECTED:
		m.incoming_connected.peer_call_id = peer_call_id;
		break;
	case CONTROL_CALL_CLEAR_REQUEST:
		m.clear_request.call_id = call_id;
		break;
	case CONTROL_CALL_DISCONNECT_NOTIFY:
		m.disconnect.call_id = call_id;
		m.disconnect.result = result;
		break;
	case CONTROL_WAN_ERROR_NOTIFY:
		m.wan_error.peer_call_id = peer_call_id;
		break;
	case CONTROL_SET_LINK_INFO:
		m.link_info.peer_call_id = peer_call_id;
		break;
	}
	return m;
}

/* A silent peer: 60 s of waiting, 60 s for the echo, 5 s to stop, and no longer. */
static void assert_ends_by_itself(struct end *e)
{
	e->provoke = NOTHING;
	end_wait(e, SECONDS(125));
	assert_true(e->closed);
}

static void try_message(enum control_role role, enum situation situation, enum provoke provoke,
	const struct control_message *m)
{
	struct end e;
	uint64_t sent;
	bool mute;

	begin(&e, role, situation);
	e.provoke = provoke;
	mute = e.closed || situation == WON;
	sent = e.c.sent;
	e.log[0] = '\0';
	for (int twice = 0; twice < 2; twice++)
		end_receive(&e, m);
	if (mute) {
		assert_log(&e, "");
		assert_int_equal(e.c.sent, sent);
	}
	assert_ends_by_itself(&e);
}

static void every_message_in_every_state_twice(void **state)
{
	static const uint16_t ids[] = { 0, 5, 6, 100, 800, 801, 900, 901 };
	const size_t count = sizeof(ids) / sizeof(ids[0]);
	unsigned int tried = 0;

	(void)state;
	for (int role = 0; role < 2; role++) {
		for (int s = 0; s < SITUATIONS; s++) {
			for (int type = 1; type <= 15; type++) {
				for (size_t i = 0; i < count * count * 3; i++) {
					struct control_message m = message((enum control_type)type,
						ids[i % count], ids[i / count % count],
						(uint8_t)(i / count / count));

					try_message((enum control_role)role, (enum situation)s,
						NOTHING, &m);
					tried++;
				}
			}
		}
	}
	assert_int_equal(tried, 2 * SITUATIONS * 15 * count * count * 3);
}

/* The same with calls into the connection from inside every callback; the Call IDs that hit. */
static void callbacks_may_do_anything_but_free(void **state)
{
	static const struct {
		uint16_t call_id, peer_call_id;
	} ids[] = { { 800, 100 }, { 900, 5 }, { 802, 5 }, { 801, 100 }, { 901, 6 } };
	const int count = sizeof(ids) / sizeof(ids[0]);

	(void)state;
	for (int provoke = STOP; provoke < PROVOKE_END; provoke++) {
		for (int n = 0; n < 2 * SITUATIONS * 15 * count * 3; n++) {
			int result = n / count % 3, type = n / count / 3 % 15 + 1;
			int situation = n / count / 3 / 15 % SITUATIONS;
			struct control_message m =
				message((enum control_type)type, ids[n % count].call_id,
					ids[n % count].peer_call_id, (uint8_t)result);

			try_message(n / count / 3 / 15 / SITUATIONS ? CONTROL_RECEIVER
								    : CONTROL_ORIGINATOR,
				(enum situation)situation, (enum provoke)provoke, &m);
		}
	}
}

/* In each state the connection is stopped or lost, or time alone passes. */
static void every_state_can_be_left(void **state)
{
	(void)state;
	for (int role = 0; role < 2; role++) {
		for (int s = 0; s < SITUATIONS; s++) {
			for (int provoke = NOTHING; provoke < PROVOKE_END; provoke++) {
				struct end e;

				begin(&e, (enum control_role)role, (enum situation)s);
				e.provoke = (enum provoke)provoke;
				end_stop(&e, PPTP_ADMIN);
				e.provoke = NOTHING;
				end_wait(&e, SECONDS(5)); /* stop takes no longer */
				assert_true(e.closed);

				begin(&e, (enum control_role)role, (enum situation)s);
				e.provoke = (enum provoke)provoke;
				control_connection_lost(&e.c, PPTP_TCP_ERROR, "x", e.now);
				end_check(&e);
				assert_true(e.closed);

				begin(&e, (enum control_role)role, (enum situation)s);
				assert_ends_by_itself(&e);
			}
		}
	}
}

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

/* Moves some of what `from` has sent, in one segment; now and then an octet is damaged. */
static void deliver(struct end *from, struct end *to, uint32_t *seed, bool damage)
{
	size_t n = from->out_len ? 1 + next_random(seed) % from->out_len : 0;

	if (n == 0)
		return;
	if (damage)
		from->out[next_random(seed) % n] ^= (uint8_t)(1u << next_random(seed) % 8);
	end_receive_bytes(to, from->out, n);
	memmove(from->out, from->out + n, from->out_len - n);
	from->out_len -= n;
}

static void do_something(struct end *e, uint32_t *seed)
{
	struct control_call *call = e->c.calls;

	e->answer = next_random(seed) % 4;
	e->offers = next_random(seed) % 4;
	e->line = next_random(seed) % 4;
	switch (next_random(seed) % 8) {
	case 0:
		(void)end_dial(e, (uint16_t)(next_random(seed) % 6));
		break;
	case 1:
		(void)end_offer(e, (uint16_t)(next_random(seed) % 6));
		break;
	case 2:
	case 3:
		for (uint32_t skip = next_random(seed) % 3; skip && call && call->next; skip--)
			call = call->next;
		if (call)
			end_hangup(e, call, (uint8_t)(next_random(seed) % 5));
		break;
	case 4:
		if (next_random(seed) % 16 == 0)
			end_stop(e, PPTP_SHUTDOWN);
		break;
	case 5:
		if (next_random(seed) % 16 == 0) {
			control_connection_lost(&e->c, PPTP_TCP_CLOSED, "", e->now);
			end_check(e);
		}
		break;
	default:
		break;
	}
	end_check(e);
}

static void two_ends_at_random(void **state)
{
	unsigned int ended = 0;

	(void)state;
	for (uint32_t round = 0; round < 3000; round++) {
		uint32_t seed = round;
		struct end ends[2];

		end_begin(&ends[0], CONTROL_ORIGINATOR);
		end_begin(&ends[1], CONTROL_RECEIVER);
		ends[1].next_call_id = 3; /* may collide with what it dials: take fails */
		for (int step = 0; step < 150; step++) {
			uint32_t i = next_random(&seed) % 2;
			bool damage = round % 2 && next_random(&seed) % 64 == 0;
			uint64_t us = next_random(&seed) % 8 ? 1000 : SECONDS(20);

			deliver(&ends[i], &ends[1 - i], &seed, damage);
			do_something(&ends[i], &seed);
			end_wait(&ends[0], us);
			end_wait(&ends[1], us);
		}
		for (int i = 0; i < 2; i++) {
			assert_ends_by_itself(&ends[i]);
			for (size_t k = 0; k < CALLS; k++)
				ended += ends[i].ended[k];
		}
	}
	assert_true(ended > 3000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_message_in_every_state_twice),
		cmocka_unit_test(callbacks_may_do_anything_but_free),
		cmocka_unit_test(every_state_can_be_left),
		cmocka_unit_test(two_ends_at_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
