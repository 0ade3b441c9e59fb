/*
 * Who may start, RFC 2637 sections 2.2, 3.1.2 and 3.1.3: the receiver's decisions, and two ends that
 * call each other at once.
 */
#include "tests/unit/control_end.h"

static const struct control_message request = { .type = CONTROL_START_REQUEST,
	.start = { .version = 0x0100 } };

static void receiver_decides_on_a_start_request(void **state)
{
	static const struct {
		enum control_start_decision decision;
		uint8_t result, error;
		const char *log;
	} table[] = {
		{ CONTROL_START_REFUSE_EXISTS, 3, 0,
			"start >Start-Control-Connection-Reply closed:control-collision[a control "
			"connection with the peer exists already]" },
		{ CONTROL_START_REFUSE_NOT_AUTHORIZED, 4, 0,
			"start >Start-Control-Connection-Reply closed:local-request[the peer is "
			"not authorized]" },
		{ CONTROL_START_REFUSE_RESOURCES, 2, 4,
			"start >Start-Control-Connection-Reply closed:call-limit[the peer was "
			"told that there are no resources]" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct end e;

		end_begin(&e, CONTROL_RECEIVER);
		e.start = table[i].decision;
		end_receive(&e, &request);
		assert_log(&e, table[i].log);
		assert_int_equal(e.last.start.result, table[i].result);
		assert_int_equal(e.last.start.error, table[i].error);
		assert_int_equal(e.last.start.version, 0x0100);
	}
}

/* Nobody is asked about a version that is not spoken here. */
static void version_comes_before_the_decision(void **state)
{
	struct end e;

	(void)state;
	end_begin(&e, CONTROL_RECEIVER);
	e.start = CONTROL_START_COLLISION_WON;
	RECEIVE(&e, CONTROL_START_REQUEST, .start.version = 0x0099);
	assert_int_equal(e.last.start.result, CONTROL_START_BAD_VERSION);
	assert_int_equal(e.reason, PPTP_CONTROL_VERSION);
}

static void callback_may_close_instead_of_deciding(void **state)
{
	(void)state;
	for (int provoke = STOP; provoke <= LOSE; provoke++) {
		struct end e;

		end_begin(&e, CONTROL_RECEIVER);
		e.provoke = (enum provoke)provoke;
		end_receive(&e, &request);
		assert_int_equal(e.out_len, 0);
		assert_true(e.closed);
	}
}

/* The example of section 3.1.3, and unsigned: 10.0.0.1 against 192.0.2.1. */
static void higher_address_wins(void **state)
{
	const uint32_t a = 192u << 24 | 33u << 16 | 45u << 8 | 17, b = a - 17 + 89;

	(void)state;
	assert_true(control_collision_won(b, a));
	assert_false(control_collision_won(a, b));
	assert_true(control_collision_won(192u << 24 | 2u << 8 | 1, 10u << 24 | 1));
	assert_false(control_collision_won(a, a)); /* itself: no winner, nobody waits */
}

/* Every message there is, on the connection that the loser opened: not an octet goes back. */
static void winner_sends_nothing_on_the_losers_connection(void **state)
{
	struct end e;

	(void)state;
	end_begin(&e, CONTROL_RECEIVER);
	e.start = CONTROL_START_COLLISION_WON;
	end_receive(&e, &request);
	assert_log(&e, "start");
	assert_int_equal(e.c.state, CONTROL_WAIT_CLOSE);
	for (int type = 1; type <= 15; type++)
		end_receive(&e, &(struct control_message){ .type = (enum control_type)type });
	assert_int_equal(e.c.unexpected, 15);
	assert_null(end_dial(&e, 5));
	assert_null(end_offer(&e, 6));
	end_wait(&e, SECONDS(30));
	assert_int_equal(e.c.sent, 0);
	assert_int_equal(e.out_len, 0);
	control_connection_lost(&e.c, PPTP_TCP_CLOSED, "", e.now); /* what we wait for */
	assert_log(&e, "closed:control-collision[]");
}

static void loser_that_does_not_close_is_closed(void **state)
{
	struct end e;

	(void)state;
	end_begin(&e, CONTROL_RECEIVER);
	e.start = CONTROL_START_COLLISION_WON;
	end_receive(&e, &request);
	e.log[0] = '\0';
	for (int i = 0; i < 59; i++) { /* nothing prolongs it */
		end_wait(&e, SECONDS(1));
		RECEIVE(&e, CONTROL_ECHO_REQUEST, .echo_request.identifier = 1);
	}
	assert_log(&e, "");
	end_wait(&e, SECONDS(1));
	assert_log(&e, "closed:control-collision[the peer did not close the connection on which "
		       "it lost the collision]");
	assert_int_equal(e.out_len, 0);

	end_begin(&e, CONTROL_RECEIVER);
	e.start = CONTROL_START_COLLISION_WON;
	end_receive(&e, &request);
	end_stop(&e, PPTP_SHUTDOWN); /* not a word either */
	assert_true(e.closed);
	assert_int_equal(e.out_len, 0);
}

static void garbage_while_waiting_for_the_loser_closes(void **state)
{
	struct end e;

	(void)state;
	end_begin(&e, CONTROL_RECEIVER);
	e.start = CONTROL_START_COLLISION_WON;
	end_receive(&e, &request);
	end_receive_bytes(&e, (const uint8_t *)"GET / HTTP/1.0\r\n\r\n", 18);
	assert_true(e.closed);
	assert_int_equal(e.out_len, 0);
}

/* Moves what `from` has sent. */
static void deliver(struct end *from, struct end *to)
{
	end_receive_bytes(to, from->out, from->out_len);
	from->out_len = 0;
}

/* Two hosts, each with the connection it opened and the one it received; a tie is won by none. */
static void two_ends_that_start_at_once_keep_one_connection(void **state)
{
	static const uint32_t address[2] = { 0x0a000001, 0x0a000002 };
	struct end opened[2], received[2];

	(void)state;
	for (int i = 0; i < 2; i++) {
		end_begin(&opened[i], CONTROL_ORIGINATOR);
		end_begin(&received[i], CONTROL_RECEIVER);
	}
	for (int i = 0; i < 2; i++) { /* host i hears the other's request */
		if (control_collision_won(address[i], address[1 - i])) {
			received[i].start = CONTROL_START_COLLISION_WON;
		} else {
			control_connection_lost(
				&opened[i].c, PPTP_CONTROL_COLLISION, NULL, opened[i].now);
			end_check(&opened[i]);
		}
		deliver(&opened[1 - i], &received[i]);
	}
	/* The loser's end of stream, and its reply to the winner. */
	assert_int_equal(opened[0].reason, PPTP_CONTROL_COLLISION);
	assert_int_equal(opened[0].c.sent, 1); /* the request alone */
	control_connection_lost(&received[1].c, PPTP_TCP_CLOSED, "", received[1].now);
	assert_int_equal(received[1].reason, PPTP_CONTROL_COLLISION);
	assert_int_equal(received[1].c.sent, 0);
	deliver(&received[0], &opened[1]);
	assert_int_equal(opened[1].c.state, CONTROL_ESTABLISHED);
	assert_int_equal(received[0].c.state, CONTROL_ESTABLISHED);

	/* One connection serves both: each end dials and offers. */
	received[0].offers = opened[1].offers = CONNECT;
	assert_non_null(end_dial(&opened[1], 1));
	assert_non_null(end_offer(&opened[1], 2));
	assert_non_null(end_dial(&received[0], 3));
	assert_non_null(end_offer(&received[0], 4));
	for (int i = 0; i < 4; i++) {
		deliver(&opened[1], &received[0]);
		deliver(&received[0], &opened[1]);
	}
	for (int i = 0; i < 2; i++) {
		const struct control_connection *c = i ? &opened[1].c : &received[0].c;
		unsigned int up = 0;

		for (const struct control_call *call = c->calls; call; call = call->next)
			up += call->state == CONTROL_CALL_ESTABLISHED;
		assert_int_equal(up, 4);
		assert_int_equal(c->unexpected + c->unknown_call_id, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(receiver_decides_on_a_start_request),
		cmocka_unit_test(version_comes_before_the_decision),
		cmocka_unit_test(callback_may_close_instead_of_deciding),
		cmocka_unit_test(higher_address_wins),
		cmocka_unit_test(winner_sends_nothing_on_the_losers_connection),
		cmocka_unit_test(loser_that_does_not_close_is_closed),
		cmocka_unit_test(garbage_while_waiting_for_the_loser_closes),
		cmocka_unit_test(two_ends_that_start_at_once_keep_one_connection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
