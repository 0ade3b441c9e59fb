/*
 * Outgoing calls, RFC 2637 sections 2.7, 2.8 and 3.2.4, in both roles: fields, limits, Call IDs,
 * time-outs, results in words. Incoming ones: test_control_incoming_*.c; the end: _hangup.c.
 */
#include "tests/unit/control_end.h"

#include <errno.h>

static void pac_answers_a_call(void **state)
{
	struct control_call *call;
	struct end e;

	(void)state;
	end_begin_established(&e, CONTROL_RECEIVER);
	e.answer = TAKE;
	RECEIVE(&e, CONTROL_OUTGOING_CALL_REQUEST,
		.outgoing_request = {
			.call_id = 800, .serial = 4, .window = 64, .processing_delay = 3 });
	assert_log(&e, "asked:800");
	call = e.c.calls;
	assert_int_equal(call->state, CONTROL_CALL_WAIT_CS_ANS);
	assert_int_equal(call->role, CONTROL_PAC);
	assert_int_equal(call->peer_call_id, 800);
	assert_int_equal(call->serial, 4);
	assert_int_equal(call->peer_window, 64);
	assert_int_equal(call->peer_delay, 3);
	control_call_connect(call,
		&(struct control_call_params){ .connect_speed = 64000,
			.window = 32,
			.processing_delay = 1,
			.physical_channel = 9 },
		e.now);
	end_check(&e);
	assert_log(&e, ">Outgoing-Call-Reply");
	assert_int_equal(e.last.outgoing_reply.call_id, 100);
	assert_int_equal(e.last.outgoing_reply.peer_call_id, 800);
	assert_int_equal(e.last.outgoing_reply.result, CONTROL_OUTGOING_CONNECTED);
	assert_int_equal(e.last.outgoing_reply.error, 0);
	assert_int_equal(e.last.outgoing_reply.connect_speed, 64000);
	assert_int_equal(e.last.outgoing_reply.window, 32);
	assert_int_equal(e.last.outgoing_reply.processing_delay, 1);
	assert_int_equal(e.last.outgoing_reply.physical_channel, 9);
	assert_int_equal(call->state, CONTROL_CALL_ESTABLISHED);
	control_call_connect(call, &(struct control_call_params){ 0 }, e.now);
	control_call_refuse(call, CONTROL_OUTGOING_BUSY, 0, 0, e.now);
	assert_log(&e, "");
}

static void pns_dials(void **state)
{
	struct control_call *call;
	struct end e;

	(void)state;
	end_begin_established(&e, CONTROL_ORIGINATOR);
	call = end_dial(&e, 5);
	assert_log(&e, ">Outgoing-Call-Request");
	assert_int_equal(e.last.outgoing_request.call_id, 5);
	assert_int_equal(e.last.outgoing_request.serial, 77);
	assert_int_equal(e.last.outgoing_request.min_bps, 300);
	assert_int_equal(e.last.outgoing_request.max_bps, 100000000);
	assert_int_equal(e.last.outgoing_request.bearer, 3);
	assert_int_equal(e.last.outgoing_request.framing, 3);
	assert_int_equal(e.last.outgoing_request.window, 32);
	assert_int_equal(e.last.outgoing_request.processing_delay, 1);
	assert_int_equal(e.last.outgoing_request.phone_length, 5);
	assert_string_equal(e.last.outgoing_request.phone, "12345");
	assert_string_equal(e.last.outgoing_request.subaddress, "sub");
	RECEIVE(&e, CONTROL_OUTGOING_CALL_REPLY,
		.outgoing_reply = { .call_id = 0, /* pptpd's first */
			.peer_call_id = 5,
			.result = 1,
			.connect_speed = 56000,
			.window = 16,
			.processing_delay = 2 });
	assert_log(&e, "up:5");
	assert_int_equal(call->peer_call_id, 0);
	assert_true(call->peer_call_id_known);
	assert_int_equal(call->peer_window, 16);
	assert_int_equal(call->peer_delay, 2);
	assert_int_equal(call->connect_speed, 56000);
	RECEIVE(&e, CONTROL_CALL_DISCONNECT_NOTIFY, .disconnect = { .call_id = 0 });
	assert_log(&e, "ended:5:peer-request[no result given (result 0)]");
}

static void link_reports_name_the_receivers_call_id(void **state)
{
	struct end e;

	(void)state;
	end_begin_established(&e, CONTROL_RECEIVER);
	(void)end_call_in(&e);
	RECEIVE(&e, CONTROL_SET_LINK_INFO, .link_info = { 800, 1, 1 });
	RECEIVE(&e, CONTROL_WAN_ERROR_NOTIFY, .wan_error = { .peer_call_id = 800, .crc = 1 });
	assert_log(&e, "");
	assert_int_equal(e.c.unknown_call_id, 2);
	for (int i = 0; i < 2; i++)
		RECEIVE(&e, CONTROL_SET_LINK_INFO, .link_info = { 100, 0xffffffff, 0 });
	RECEIVE(&e, CONTROL_WAN_ERROR_NOTIFY, .wan_error = { .peer_call_id = 100, .crc = 8 });
	assert_log(&e, "link:100:ffffffff/0 link:100:ffffffff/0 wan:100:8");
}

static void refusals_are_told_in_words(void **state)
{
	static const struct {
		uint8_t result, error;
		uint16_t cause;
		const char *log;
	} table[] = {
		{ 0, 0, 0, "ended:5:call-refused[unknown (result 0)]" },
		{ 2, 5, 0,
			"ended:5:call-refused[general error (result 2), bad Call ID (error 5)]" },
		{ 3, 0, 0, "ended:5:call-no-carrier[no carrier (result 3)]" },
		{ 4, 0, 17, "ended:5:call-busy[busy (result 4), cause 17]" },
		{ 5, 0, 0, "ended:5:call-no-dial-tone[no dial tone (result 5)]" },
		{ 6, 0, 0, "ended:5:call-time-out[time-out (result 6)]" },
		{ 7, 0, 0, "ended:5:call-prohibited[not accepted (result 7)]" },
		{ 8, 9, 0, "ended:5:call-refused[unknown (result 8), unknown (error 9)]" },
	};
	struct end e;

	(void)state;
	end_begin_established(&e, CONTROL_ORIGINATOR);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		assert_non_null(end_dial(&e, 5));
		e.log[0] = '\0';
		RECEIVE(&e, CONTROL_OUTGOING_CALL_REPLY,
			.outgoing_reply = { .peer_call_id = 5,
				.result = table[i].result,
				.error = table[i].error,
				.cause = table[i].cause });
		assert_log(&e, table[i].log);
	}
}

static void replies_for_no_call_are_counted(void **state)
{
	struct end e;

	(void)state;
	end_begin_established(&e, CONTROL_ORIGINATOR);
	(void)end_call_in(&e);
	(void)end_call_out(&e);
	RECEIVE(&e, CONTROL_OUTGOING_CALL_REPLY, .outgoing_reply = { 1, 6, 1, 0, 0, 0, 0, 0, 0 });
	RECEIVE(&e, CONTROL_OUTGOING_CALL_REPLY, .outgoing_reply = { 1, 100, 1, 0, 0, 0, 0, 0, 0 });
	RECEIVE(&e, CONTROL_INCOMING_CALL_REPLY, .incoming_reply = { 1, 5, 1, 0, 0, 0 });
	RECEIVE(&e, CONTROL_INCOMING_CALL_CONNECTED, .incoming_connected.peer_call_id = 5);
	assert_int_equal(e.c.unknown_call_id, 4);
	/* a second reply for a call that is up, even a refusal, changes nothing */
	RECEIVE(&e, CONTROL_OUTGOING_CALL_REPLY, .outgoing_reply = { 901, 5, 4, 0, 0, 0, 0, 0, 0 });
	assert_int_equal(e.c.unexpected, 1);
	assert_log(&e, "");
	assert_int_equal(e.c.call_count, 2);
}

/* Section 3.2.1: "the ENTIRE CONTROL CONNECTION should be closed". */
static void unanswered_dial_closes_the_connection(void **state)
{
	struct end e;

	(void)state;
	end_begin_established(&e, CONTROL_ORIGINATOR);
	(void)end_call_out(&e);
	assert_non_null(end_dial(&e, 6));
	e.log[0] = '\0';
	for (int i = 0; i < 59; i++) {
		end_wait(&e, SECONDS(1));
		RECEIVE(&e, CONTROL_ECHO_REQUEST, .echo_request.identifier = 1);
	}
	e.log[0] = '\0';
	end_wait(&e, SECONDS(1) - 1);
	assert_log(&e, "");
	end_wait(&e, 1);
	assert_log(&e, "ended:6:control-timeout[no Outgoing-Call-Reply] "
		       "ended:5:control-timeout[no Outgoing-Call-Reply] "
		       "closed:control-timeout[no Outgoing-Call-Reply]");
}

/* Section 3.2.4.1: our own fault, so only this call goes. */
static void call_taken_and_not_answered_times_out(void **state)
{
	struct end e;

	(void)state;
	end_begin_established(&e, CONTROL_RECEIVER);
	e.answer = TAKE;
	(void)end_call_in(&e);
	RECEIVE(&e, CONTROL_ECHO_REQUEST, .echo_request.identifier = 1);
	end_wait(&e, SECONDS(50) - 1); /* before the peer's 60 s are over */
	assert_log(&e, ">Echo-Reply");
	end_wait(&e, 1);
	assert_log(&e,
		">Outgoing-Call-Reply ended:100:call-time-out[this end did not answer the call in "
		"time]");
	assert_int_equal(e.last.outgoing_reply.result, CONTROL_OUTGOING_TIME_OUT);
	assert_int_equal(e.last.outgoing_reply.peer_call_id, 800);
	assert_int_equal(e.c.state, CONTROL_ESTABLISHED);
}

static void pac_refuses_before_and_after_taking(void **state)
{
	struct end e;

	(void)state;
	end_begin_established(&e, CONTROL_RECEIVER);
	e.answer = REFUSE;
	RECEIVE(&e, CONTROL_OUTGOING_CALL_REQUEST, .outgoing_request.call_id = 800);
	assert_log(&e, "asked:800 >Outgoing-Call-Reply");
	assert_int_equal(e.last.outgoing_reply.peer_call_id, 800);
	assert_int_equal(e.last.outgoing_reply.result, CONTROL_OUTGOING_BUSY);
	assert_int_equal(e.last.outgoing_reply.cause, 17);
	e.answer = TAKE;
	control_call_refuse(end_call_in(&e), CONTROL_OUTGOING_GENERAL_ERROR,
		CONTROL_ERROR_NO_RESOURCE, 3, e.now);
	assert_log(&e, ">Outgoing-Call-Reply ended:100:local-request[general error (result 2), no "
		       "resources (error 4), cause 3]");
	/* "connected" is no refusal, and an error without a general error is none */
	control_call_refuse(end_call_in(&e), CONTROL_OUTGOING_CONNECTED, 4, 0, e.now);
	assert_int_equal(e.last.outgoing_reply.result, CONTROL_OUTGOING_DO_NOT_ACCEPT);
	assert_int_equal(e.last.outgoing_reply.error, 0);
	control_call_refuse(end_call_in(&e), CONTROL_OUTGOING_GENERAL_ERROR, 0, 0, e.now);
	assert_int_equal(e.last.outgoing_reply.error, CONTROL_ERROR_PAC_ERROR);
	e.log[0] = '\0';
	control_connection_refuse(&e.c, &e.request, CONTROL_OUTGOING_BUSY, 0, 0);
	assert_log(&e, ""); /* answered already */
}

static void call_ids_are_not_used_twice(void **state)
{
	struct control_outgoing_request request = { .call_id = 801 };
	struct control_call_params params = end_params(5);
	struct control_call call;
	struct end e;

	(void)state;
	end_begin(&e, CONTROL_RECEIVER);
	assert_int_equal(control_call_dial(&e.c, &call, &params, e.now), -EPROTO);
	assert_int_equal(control_call_take(&e.c, &call, &request, 9, e.now), -EPROTO);
	end_begin_established(&e, CONTROL_RECEIVER);
	e.config.max_channels = 2;
	(void)end_call_in(&e);
	assert_int_equal(control_call_take(&e.c, &call, &request, 100, e.now), -EADDRINUSE);
	request.call_id = 800;
	assert_int_equal(control_call_take(&e.c, &call, &request, 9, e.now), -EADDRINUSE);
	(void)end_call_out(&e);
	assert_int_equal(control_call_dial(&e.c, &call, &params, e.now), -EADDRINUSE);
	request.call_id = 801;
	assert_int_equal(control_call_take(&e.c, &call, &request, 9, e.now), -ENOSPC);
	/* the peer's own second use is refused before anybody is asked */
	RECEIVE(&e, CONTROL_OUTGOING_CALL_REQUEST, .outgoing_request.call_id = 800);
	assert_log(&e, ">Outgoing-Call-Reply");
	assert_int_equal(e.last.outgoing_reply.result, CONTROL_OUTGOING_GENERAL_ERROR);
	assert_int_equal(e.last.outgoing_reply.error, CONTROL_ERROR_BAD_CALL_ID);
	assert_int_equal(e.c.call_count, 2);
}

static void pac_that_uses_a_call_id_twice_is_cleared(void **state)
{
	struct end e;

	(void)state;
	end_begin_established(&e, CONTROL_ORIGINATOR);
	(void)end_call_out(&e);
	assert_non_null(end_dial(&e, 6));
	e.log[0] = '\0';
	RECEIVE(&e, CONTROL_OUTGOING_CALL_REPLY,
		.outgoing_reply = { .call_id = 900, .peer_call_id = 6, .result = 1 });
	assert_log(&e, ">Call-Clear-Request");
	assert_int_equal(e.last.clear_request.call_id, 6);
	RECEIVE(&e, CONTROL_CALL_DISCONNECT_NOTIFY, .disconnect = { .call_id = 900, .result = 4 });
	assert_log(&e, "ended:6:control-unexpected[closed on request (result 4)]");
	assert_int_equal(e.c.calls->call_id, 5);
}

static void end_without_outgoing_calls_accepts_none(void **state)
{
	struct control_ops ops = end_ops;
	struct end e;

	(void)state;
	ops.outgoing_call = NULL;
	ops.link_info = NULL;
	ops.wan_error = NULL;
	ops.trace = NULL;
	end_begin_established(&e, CONTROL_ORIGINATOR);
	e.c.ops = &ops;
	RECEIVE(&e, CONTROL_OUTGOING_CALL_REQUEST, .outgoing_request.call_id = 800);
	assert_int_equal(e.out_len, 32);
	assert_int_equal(e.out[16], CONTROL_OUTGOING_DO_NOT_ACCEPT);
	(void)end_call_out(&e);
	RECEIVE(&e, CONTROL_SET_LINK_INFO, .link_info = { 5, 1, 1 });
	RECEIVE(&e, CONTROL_WAN_ERROR_NOTIFY, .wan_error.peer_call_id = 5);
	assert_int_equal(e.c.unknown_call_id, 0);
}

static void dials_within_limits(void **state)
{
	struct control_call_params params = end_params(6);
	struct control_call call;
	struct end e;

	(void)state;
	end_begin_established(&e, CONTROL_ORIGINATOR);
	e.c.peer_max_channels = 1; /* "the total number of individual PPP sessions", section 2.1 */
	(void)end_call_in(&e);     /* its own call as PNS takes none of the PAC's lines */
	end_hangup(&e, end_call_out(&e), 0);
	assert_non_null(end_dial(&e, 6)); /* the first one is on its way out */
	params.call_id = 7;
	assert_int_equal(control_call_dial(&e.c, &call, &params, e.now), -ENOSPC);
	e.c.peer_max_channels = 0;
	e.config.max_channels = 3;
	assert_int_equal(control_call_dial(&e.c, &call, &params, e.now), -ENOSPC);
	e.config.max_channels = 4;
	assert_non_null(end_dial(&e, 7));
}

static void subaddress_may_be_binary(void **state)
{
	struct control_call_params params = end_params(5);
	static const char binary[16] = { 0, 1, 0, 2 };
	struct control_call *call;
	struct end e;

	(void)state;
	end_begin_established(&e, CONTROL_ORIGINATOR);
	call = end_slot(&e);
	params.subaddress = binary;
	params.subaddress_length = sizeof(binary);
	assert_int_equal(control_call_dial(&e.c, call, &params, e.now), 0);
	end_begun(&e, call);
	assert_memory_equal(e.last.outgoing_request.subaddress, binary, sizeof(binary));
	end_check(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pac_answers_a_call),
		cmocka_unit_test(pns_dials),
		cmocka_unit_test(link_reports_name_the_receivers_call_id),
		cmocka_unit_test(refusals_are_told_in_words),
		cmocka_unit_test(replies_for_no_call_are_counted),
		cmocka_unit_test(unanswered_dial_closes_the_connection),
		cmocka_unit_test(call_taken_and_not_answered_times_out),
		cmocka_unit_test(pac_refuses_before_and_after_taking),
		cmocka_unit_test(call_ids_are_not_used_twice),
		cmocka_unit_test(pac_that_uses_a_call_id_twice_is_cleared),
		cmocka_unit_test(end_without_outgoing_calls_accepts_none),
		cmocka_unit_test(dials_within_limits),
		cmocka_unit_test(subaddress_may_be_binary),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
