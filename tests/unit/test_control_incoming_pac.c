/*
 * Incoming calls of a PAC, RFC 2637 sections 2.9 to 2.11 and 3.2.3.1: each arrow of the figure, the
 * fields of the messages, Call IDs, limits and deadlines.
 */
#include "tests/unit/control_end.h"

#include <errno.h>

static void pac_idle_ring_sends_incoming_call_request(void **state)
{
	struct control_call *call;
	struct end e;

	(void)state;
	end_begin_established(&e, CONTROL_ORIGINATOR);
	call = end_offer(&e, 6);
	assert_log(&e, ">Incoming-Call-Request");
	assert_int_equal(call->state, CONTROL_CALL_WAIT_REPLY);
	assert_int_equal(call->role, CONTROL_PAC);
	assert_true(call->incoming);
	assert_int_equal(e.out_len, 220);
	assert_int_equal(e.last.incoming_request.call_id, 6);
	assert_int_equal(e.last.incoming_request.serial, 77);
	assert_int_equal(e.last.incoming_request.bearer, CONTROL_BEARER_DIGITAL); /* not "any" */
	assert_int_equal(e.last.incoming_request.physical_channel, 9);
	assert_int_equal(e.last.incoming_request.dialed_length, 3);
	assert_int_equal(e.last.incoming_request.dialing_length, 10);
	assert_string_equal(e.last.incoming_request.dialed, "555");
	assert_string_equal(e.last.incoming_request.dialing, "0123456789");
	assert_string_equal(e.last.incoming_request.subaddress, "sub");
}

static void pac_wait_reply_not_accepting_goes_idle(void **state)
{
	static const struct {
		uint8_t result, error;
		const char *log;
	} table[] = {
		{ 2, 4, "ended:6:call-refused[general error (result 2), no resources (error 4)]" },
		{ 3, 0, "ended:6:call-refused[not accepted (result 3)]" },
		{ 0, 0, "ended:6:call-refused[unknown (result 0)]" },
		{ 9, 0, "ended:6:call-refused[unknown (result 9)]" },
	};
	struct end e;

	(void)state;
	end_begin_established(&e, CONTROL_ORIGINATOR);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		assert_non_null(end_offer(&e, 6));
		e.log[0] = '\0';
		RECEIVE(&e, CONTROL_INCOMING_CALL_REPLY,
			.incoming_reply = { .peer_call_id = 6,
				.result = table[i].result,
				.error = table[i].error });
		assert_log(&e, table[i].log);
	}
	assert_int_equal(e.c.state, CONTROL_ESTABLISHED);
}

static void pac_wait_reply_accepting_answers_and_sends_connected(void **state)
{
	struct control_call_params params = { .connect_speed = 28800,
		.window = 20,
		.processing_delay = 2,
		.framing = CONTROL_FRAMING_ASYNC };
	struct control_call *call;
	struct end e;

	(void)state;
	end_begin_established(&e, CONTROL_ORIGINATOR);
	e.line = TAKE; /* the line takes its time */
	call = end_offer(&e, 6);
	e.log[0] = '\0';
	RECEIVE(&e, CONTROL_INCOMING_CALL_REPLY,
		.incoming_reply = { .call_id = 0, /* as good as any */
			.peer_call_id = 6,
			.result = 1,
			.window = 24,
			.processing_delay = 4 });
	assert_log(&e, "accepted:6");
	assert_int_equal(call->state, CONTROL_CALL_WAIT_ANSWER);
	assert_true(call->peer_call_id_known);
	assert_int_equal(call->peer_call_id, 0);
	assert_int_equal(call->peer_window, 24);
	assert_int_equal(call->peer_delay, 4);
	end_wait(&e, SECONDS(20));
	control_call_answered(call, &params, e.now);
	end_check(&e);
	assert_log(&e, ">Incoming-Call-Connected");
	assert_int_equal(call->state, CONTROL_CALL_ESTABLISHED);
	assert_int_equal(e.last.incoming_connected.peer_call_id, 0);
	assert_int_equal(e.last.incoming_connected.connect_speed, 28800);
	assert_int_equal(e.last.incoming_connected.window, 20);
	assert_int_equal(e.last.incoming_connected.processing_delay, 2);
	assert_int_equal(e.last.incoming_connected.framing, CONTROL_FRAMING_ASYNC);
	assert_int_equal(call->framing, CONTROL_FRAMING_ASYNC);
	control_call_answered(call, &params, e.now); /* once */
	assert_log(&e, "");
}

static void pac_wait_reply_abort_sends_disconnect_notify(void **state)
{
	struct end e;

	(void)state;
	end_begin_established(&e, CONTROL_ORIGINATOR);
	end_hangup(&e, end_offer(&e, 6), CONTROL_DISCONNECT_LOST_CARRIER);
	assert_log(&e, ">Incoming-Call-Request >Call-Disconnect-Notify ended:6:local-request[]");
	assert_int_equal(e.last.disconnect.call_id, 6);
	assert_int_equal(e.last.disconnect.result, CONTROL_DISCONNECT_LOST_CARRIER);
	/* The reply that crosses it does no harm, nor could it meet another call. */
	assert_null(end_offer(&e, 6));
	assert_null(end_dial(&e, 6));
	assert_non_null(end_offer(&e, 7));
	e.log[0] = '\0';
	RECEIVE(&e, CONTROL_INCOMING_CALL_REPLY,
		.incoming_reply = { .call_id = 901, .peer_call_id = 6, .result = 1 });
	assert_log(&e, "");
	assert_int_equal(e.c.unexpected, 1);
	assert_int_equal(e.c.unknown_call_id, 0);
	assert_non_null(end_offer(&e, 6)); /* nothing is owed any more */
	assert_int_equal(e.c.call_count, 2);
	end_free(&e);
}

static void pac_owed_call_ids_are_free_after_a_while(void **state)
{
	struct end e;

	(void)state;
	end_begin_established(&e, CONTROL_ORIGINATOR);
	for (uint16_t id = 0; id < 3 * CONTROL_OWED_MAX; id++) /* more than are kept */
		end_hangup(&e, end_offer(&e, id), 0);
	assert_null(end_offer(&e, 3 * CONTROL_OWED_MAX - 1));
	assert_null(end_offer(&e, 2 * CONTROL_OWED_MAX));
	assert_non_null(end_offer(&e, 0));
	RECEIVE(&e, CONTROL_INCOMING_CALL_REPLY, .incoming_reply = { 901, 0, 1, 0, 0, 0 });
	end_wait(&e, SECONDS(59));
	assert_null(end_offer(&e, 2 * CONTROL_OWED_MAX));
	end_wait(&e, SECONDS(1));
	assert_non_null(end_offer(&e, 2 * CONTROL_OWED_MAX));
	end_free(&e);
}

static void pac_established_clear_request_is_answered(void **state)
{
	struct end e;

	(void)state;
	end_begin_established(&e, CONTROL_RECEIVER);
	(void)end_ring_out(&e);
	RECEIVE(&e, CONTROL_CALL_CLEAR_REQUEST, .clear_request.call_id = 6); /* ours: no call */
	assert_log(&e, "");
	RECEIVE(&e, CONTROL_CALL_CLEAR_REQUEST, .clear_request.call_id = 901);
	assert_log(&e, ">Call-Disconnect-Notify ended:6:peer-request[Call-Clear-Request]");
	assert_int_equal(e.last.disconnect.call_id, 6);
	assert_int_equal(e.last.disconnect.result, CONTROL_DISCONNECT_REQUEST);
}

/* The PNS changes its mind while our line is being answered. */
static void pac_wait_answer_clear_request_is_answered(void **state)
{
	struct control_call_params params = { 0 };
	struct control_call *call;
	struct end e;

	(void)state;
	end_begin_established(&e, CONTROL_RECEIVER);
	e.line = TAKE;
	call = end_ring_out(&e);
	RECEIVE(&e, CONTROL_CALL_CLEAR_REQUEST, .clear_request.call_id = 901);
	assert_log(&e, ">Call-Disconnect-Notify ended:6:peer-request[Call-Clear-Request]");
	control_call_answered(call, &params, e.now); /* too late */
	assert_log(&e, "");
}

static void pac_established_local_end_sends_disconnect_notify(void **state)
{
	static const struct control_hangup how = { .result = CONTROL_DISCONNECT_LOST_CARRIER,
		.error = 3, /* no general error: not sent */
		.cause = 16,
		.statistics = "rx 5 tx 7" };
	struct end e;

	(void)state;
	end_begin_established(&e, CONTROL_RECEIVER);
	control_call_hangup(end_ring_out(&e), PPTP_LOST_CARRIER, &how, e.now);
	end_check(&e);
	assert_log(&e, ">Call-Disconnect-Notify ended:6:lost-carrier[]");
	assert_int_equal(e.last.disconnect.call_id, 6);
	assert_int_equal(e.last.disconnect.result, CONTROL_DISCONNECT_LOST_CARRIER);
	assert_int_equal(e.last.disconnect.error, 0);
	assert_int_equal(e.last.disconnect.cause, 16);
	assert_string_equal(e.last.disconnect.statistics, "rx 5 tx 7");
}

static void pac_wait_reply_times_out_with_the_connection(void **state)
{
	struct end e;

	(void)state;
	end_begin_established(&e, CONTROL_ORIGINATOR);
	assert_non_null(end_offer(&e, 6));
	RECEIVE(&e, CONTROL_ECHO_REQUEST, .echo_request.identifier = 1);
	e.log[0] = '\0';
	end_wait(&e, SECONDS(59));
	RECEIVE(&e, CONTROL_ECHO_REQUEST, .echo_request.identifier = 1);
	e.log[0] = '\0';
	end_wait(&e, SECONDS(1));
	assert_log(&e, "ended:6:control-timeout[no Incoming-Call-Reply] "
		       "closed:control-timeout[no Incoming-Call-Reply]");
}

static void pac_wait_answer_times_out_before_the_pns_does(void **state)
{
	struct end e;

	(void)state;
	end_begin_established(&e, CONTROL_ORIGINATOR);
	e.line = TAKE;
	(void)end_ring_out(&e);
	end_wait(&e, SECONDS(50) - 1);
	assert_log(&e, "");
	end_wait(&e, 1);
	assert_log(&e, ">Call-Disconnect-Notify ended:6:call-time-out[the line was not answered "
		       "in time]");
	assert_int_equal(e.last.disconnect.result, CONTROL_DISCONNECT_LOST_CARRIER);
	assert_int_equal(e.c.state, CONTROL_ESTABLISHED);

	e.config.answer_timeout = SECONDS(7);
	(void)end_ring_out(&e);
	end_wait(&e, SECONDS(7));
	assert_int_equal(e.c.call_count, 0);
}

static void pac_offers_within_limits(void **state)
{
	struct control_call_params params = end_params(6);
	struct control_ops ops = end_ops;
	struct control_call call;
	struct end e;

	(void)state;
	end_begin(&e, CONTROL_ORIGINATOR);
	assert_int_equal(control_call_offer(&e.c, &call, &params, e.now), -EPROTO);
	end_begin_established(&e, CONTROL_ORIGINATOR);
	e.config.max_channels = 2;
	(void)end_ring_out(&e);
	assert_int_equal(control_call_offer(&e.c, &call, &params, e.now), -EADDRINUSE);
	e.c.peer_max_channels = 1; /* section 2.1: "MUST be ignored by the PAC" */
	params.call_id = 7;
	assert_non_null(end_offer(&e, 8));
	assert_int_equal(control_call_offer(&e.c, &call, &params, e.now), -ENOSPC);
	e.config.max_channels = 0;
	ops.call_accepted = NULL;
	e.c.ops = &ops;
	assert_int_equal(control_call_offer(&e.c, &call, &params, e.now), -ENOSYS);
}

static void pac_texts_are_cut_and_may_be_binary(void **state)
{
	struct control_call_params params = end_params(6);
	char number[100], binary[16] = { 1, 0, 2, 0, 3 };
	struct control_call *call;
	struct end e;

	(void)state;
	memset(number, '7', sizeof(number));
	number[99] = '\0';
	end_begin_established(&e, CONTROL_ORIGINATOR);
	call = end_slot(&e);
	params.dialed = params.dialing = number;
	params.subaddress = binary;
	params.subaddress_length = sizeof(binary);
	assert_int_equal(control_call_offer(&e.c, call, &params, e.now), 0);
	end_begun(&e, call);
	assert_int_equal(e.last.incoming_request.dialed_length, 64);
	assert_int_equal(e.last.incoming_request.dialing_length, 64);
	assert_int_equal(strlen(e.last.incoming_request.dialed), 64);
	assert_memory_equal(e.last.incoming_request.subaddress, binary, sizeof(binary));
	params.call_id = 7;
	params.subaddress_length = 255;
	params.subaddress = memset(number, 'x', sizeof(number));
	params.dialed = params.dialing = NULL;
	call = end_slot(&e);
	assert_int_equal(control_call_offer(&e.c, call, &params, e.now), 0);
	end_begun(&e, call);
	assert_int_equal(e.last.incoming_request.dialed_length, 0);
	assert_int_equal(strlen(e.last.incoming_request.subaddress), 64);
	end_check(&e);
}

/* Section 3.2.2: data of the two could not be told apart. */
static void pns_that_uses_a_call_id_twice_loses_the_call(void **state)
{
	struct end e;

	(void)state;
	end_begin_established(&e, CONTROL_RECEIVER);
	(void)end_call_in(&e); /* the peer's 800 */
	assert_non_null(end_offer(&e, 6));
	e.log[0] = '\0';
	RECEIVE(&e, CONTROL_INCOMING_CALL_REPLY, .incoming_reply = { 800, 6, 1, 0, 0, 0 });
	assert_log(&e, ">Call-Disconnect-Notify ended:6:control-unexpected[the PNS used a Call ID "
		       "twice]");
	assert_int_equal(e.last.disconnect.result, CONTROL_DISCONNECT_GENERAL_ERROR);
	assert_int_equal(e.last.disconnect.error, CONTROL_ERROR_BAD_CALL_ID);
	assert_int_equal(e.c.calls->call_id, 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pac_idle_ring_sends_incoming_call_request),
		cmocka_unit_test(pac_wait_reply_not_accepting_goes_idle),
		cmocka_unit_test(pac_wait_reply_accepting_answers_and_sends_connected),
		cmocka_unit_test(pac_wait_reply_abort_sends_disconnect_notify),
		cmocka_unit_test(pac_owed_call_ids_are_free_after_a_while),
		cmocka_unit_test(pac_established_clear_request_is_answered),
		cmocka_unit_test(pac_wait_answer_clear_request_is_answered),
		cmocka_unit_test(pac_established_local_end_sends_disconnect_notify),
		cmocka_unit_test(pac_wait_reply_times_out_with_the_connection),
		cmocka_unit_test(pac_wait_answer_times_out_before_the_pns_does),
		cmocka_unit_test(pac_offers_within_limits),
		cmocka_unit_test(pac_texts_are_cut_and_may_be_binary),
		cmocka_unit_test(pns_that_uses_a_call_id_twice_loses_the_call),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
