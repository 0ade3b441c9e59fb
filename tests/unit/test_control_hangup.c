/*
 * How calls end, RFC 2637 sections 2.12, 2.13 and 3.2: whose Call ID the messages carry, what they
 * tell, who waits for what; and several calls in one connection.
 */
#include "tests/unit/control_end.h"

/* Section 2.12: the PNS' own Call ID. */
static void clear_names_the_senders_call_id(void **state)
{
	struct end e;

	(void)state;
	end_begin_established(&e, CONTROL_RECEIVER);
	(void)end_call_in(&e);
	(void)end_call_out(&e);
	/* ours for the peer's call; unknown; ours as PNS; the PAC's for a call that we dialled */
	RECEIVE(&e, CONTROL_CALL_CLEAR_REQUEST, .clear_request.call_id = 100);
	RECEIVE(&e, CONTROL_CALL_CLEAR_REQUEST, .clear_request.call_id = 0);
	RECEIVE(&e, CONTROL_CALL_CLEAR_REQUEST, .clear_request.call_id = 5);
	RECEIVE(&e, CONTROL_CALL_CLEAR_REQUEST, .clear_request.call_id = 900);
	assert_log(&e, "");
	assert_int_equal(e.c.unknown_call_id, 4);
	assert_int_equal(e.c.call_count, 2);
	RECEIVE(&e, CONTROL_CALL_CLEAR_REQUEST, .clear_request.call_id = 800);
	assert_log(&e, ">Call-Disconnect-Notify ended:100:peer-request[Call-Clear-Request]");
	assert_int_equal(e.last.disconnect.call_id, 100);
	assert_int_equal(e.last.disconnect.result, CONTROL_DISCONNECT_REQUEST);
	RECEIVE(&e, CONTROL_CALL_CLEAR_REQUEST, .clear_request.call_id = 800);
	assert_log(&e, "");
	assert_int_equal(e.c.unknown_call_id, 5);
}

/* Section 2.13: the PAC's own Call ID. */
static void disconnect_names_the_senders_call_id(void **state)
{
	struct end e;

	(void)state;
	end_begin_established(&e, CONTROL_ORIGINATOR);
	(void)end_call_in(&e);
	(void)end_call_out(&e);
	RECEIVE(&e, CONTROL_CALL_DISCONNECT_NOTIFY, .disconnect = { .call_id = 100, .result = 1 });
	RECEIVE(&e, CONTROL_CALL_DISCONNECT_NOTIFY, .disconnect = { .call_id = 800, .result = 1 });
	assert_log(&e, "");
	assert_int_equal(e.c.unknown_call_id, 2);
	RECEIVE(&e, CONTROL_CALL_DISCONNECT_NOTIFY,
		.disconnect = { .call_id = 900, .result = 2, .error = 4, .cause = 16 });
	assert_log(&e,
		"ended:5:peer-request[general error (result 2), no resources (error 4), cause 16]");
}

/* Linux' NAT puts the PNS's in its place: without this a client behind it waits for its end in vain. */
static void disconnect_through_linux_nat_names_our_call_id(void **state)
{
	struct end e;

	(void)state;
	end_begin_established(&e, CONTROL_ORIGINATOR);
	(void)end_call_out(&e);
	RECEIVE(&e, CONTROL_CALL_DISCONNECT_NOTIFY, .disconnect = { .call_id = 5, .result = 4 });
	assert_log(&e, "ended:5:peer-request[closed on request (result 4)]");
	assert_int_equal(e.c.unknown_call_id, 0);
}

/* A PAC chooses its Call IDs without a look at ours. */
static void disconnect_of_an_aborted_call_ends_no_other(void **state)
{
	struct end e;

	(void)state;
	end_begin_established(&e, CONTROL_ORIGINATOR);
	(void)end_call_out(&e);
	end_hangup(&e, end_dial(&e, 6), 0);
	e.log[0] = '\0';
	RECEIVE(&e, CONTROL_CALL_DISCONNECT_NOTIFY, .disconnect = { .call_id = 5, .result = 4 });
	assert_log(&e, "ended:6:local-request[closed on request (result 4)]");
	/* through NAT it is the aborted call's own */
	end_hangup(&e, end_dial(&e, 7), 0);
	end_hangup(&e, end_dial(&e, 8), 0);
	e.log[0] = '\0';
	RECEIVE(&e, CONTROL_CALL_DISCONNECT_NOTIFY, .disconnect = { .call_id = 8, .result = 4 });
	RECEIVE(&e, CONTROL_CALL_DISCONNECT_NOTIFY, .disconnect = { .call_id = 7, .result = 4 });
	assert_log(&e, "ended:8:local-request[closed on request (result 4)] "
		       "ended:7:local-request[closed on request (result 4)]");
	assert_int_equal(e.c.call_count, 1);
	end_free(&e);
}

/* Its reply would come all the same, perhaps for the next call of that Call ID. */
static void disconnect_ends_no_call_that_waits_for_its_reply(void **state)
{
	struct end e;

	(void)state;
	end_begin_established(&e, CONTROL_ORIGINATOR);
	assert_non_null(end_dial(&e, 6));
	e.log[0] = '\0';
	RECEIVE(&e, CONTROL_CALL_DISCONNECT_NOTIFY, .disconnect = { .call_id = 6, .result = 4 });
	assert_log(&e, "");
	assert_int_equal(e.c.unknown_call_id, 1);
	assert_int_equal(e.c.call_count, 1);
	end_free(&e);
}

static void pns_hangup_waits_5_s_at_most(void **state)
{
	struct control_call *call;
	struct end e;

	(void)state;
	end_begin_established(&e, CONTROL_ORIGINATOR);
	call = end_call_out(&e);
	end_hangup(&e, call, CONTROL_DISCONNECT_REQUEST);
	end_hangup(&e, call, CONTROL_DISCONNECT_REQUEST);
	assert_log(&e, ">Call-Clear-Request");
	assert_int_equal(e.last.clear_request.call_id, 5);
	end_wait(&e, SECONDS(5) - 1);
	assert_log(&e, "");
	end_wait(&e, 1);
	assert_log(&e, "ended:5:local-request[no Call-Disconnect-Notify]");
	end_hangup(&e, call, CONTROL_DISCONNECT_REQUEST); /* over: nothing */
	RECEIVE(&e, CONTROL_CALL_DISCONNECT_NOTIFY, .disconnect.call_id = 900);
	assert_log(&e, "");
	assert_int_equal(e.c.state, CONTROL_ESTABLISHED);

	call = end_call_out(&e);
	end_hangup(&e, call, CONTROL_DISCONNECT_REQUEST);
	RECEIVE(&e, CONTROL_CALL_DISCONNECT_NOTIFY, .disconnect = { .call_id = 900, .result = 4 });
	assert_log(&e, ">Call-Clear-Request ended:5:local-request[closed on request (result 4)]");
}

/* The PAC's Call ID is not known then; a notification that fits no other call is its. */
static void call_aborted_before_its_reply_ends(void **state)
{
	struct control_call *call;
	struct end e;

	(void)state;
	end_begin_established(&e, CONTROL_ORIGINATOR);
	(void)end_call_out(&e);
	call = end_dial(&e, 6);
	end_hangup(&e, call, 0);
	e.log[0] = '\0';
	RECEIVE(&e, CONTROL_CALL_DISCONNECT_NOTIFY, .disconnect = { .call_id = 901, .result = 4 });
	assert_log(&e, "ended:6:local-request[closed on request (result 4)]");

	/* the replies cross our request */
	call = end_dial(&e, 6);
	end_hangup(&e, call, 0);
	e.log[0] = '\0';
	RECEIVE(&e, CONTROL_OUTGOING_CALL_REPLY,
		.outgoing_reply = { .call_id = 902, .peer_call_id = 6, .result = 1 });
	RECEIVE(&e, CONTROL_CALL_DISCONNECT_NOTIFY, .disconnect = { .call_id = 903, .result = 4 });
	assert_log(&e, "");
	RECEIVE(&e, CONTROL_CALL_DISCONNECT_NOTIFY, .disconnect = { .call_id = 902, .result = 4 });
	assert_log(&e, "ended:6:local-request[closed on request (result 4)]");

	call = end_dial(&e, 6);
	end_hangup(&e, call, 0);
	e.log[0] = '\0';
	RECEIVE(&e, CONTROL_OUTGOING_CALL_REPLY,
		.outgoing_reply = { .peer_call_id = 6, .result = 4 });
	assert_log(&e, "ended:6:local-request[busy (result 4)]");
	assert_int_equal(e.c.call_count, 1);
}

static void pac_hangup_ends_at_once(void **state)
{
	struct control_call *call;
	struct end e;

	(void)state;
	end_begin_established(&e, CONTROL_RECEIVER);
	call = end_call_in(&e);
	end_hangup(&e, call, CONTROL_DISCONNECT_LOST_CARRIER);
	assert_log(&e, ">Call-Disconnect-Notify ended:100:local-request[]");
	assert_int_equal(e.last.disconnect.call_id, 100);
	assert_int_equal(e.last.disconnect.result, CONTROL_DISCONNECT_LOST_CARRIER);
	assert_int_equal(e.last.disconnect.error, 0);
	call = end_call_in(&e);
	end_hangup(&e, call, CONTROL_DISCONNECT_GENERAL_ERROR);
	assert_int_equal(e.last.disconnect.result, CONTROL_DISCONNECT_GENERAL_ERROR);
	assert_int_equal(e.last.disconnect.error, CONTROL_ERROR_PAC_ERROR);

	e.answer = TAKE; /* not yet connected: the PNS knows no Call ID of ours */
	call = end_call_in(&e);
	end_hangup(&e, call, CONTROL_DISCONNECT_ADMIN_SHUTDOWN);
	assert_log(&e, ">Outgoing-Call-Reply ended:102:local-request[]");
	assert_int_equal(e.last.outgoing_reply.result, CONTROL_OUTGOING_DO_NOT_ACCEPT);
	call = end_call_in(&e);
	end_hangup(&e, call, CONTROL_DISCONNECT_GENERAL_ERROR);
	assert_int_equal(e.last.outgoing_reply.result, CONTROL_OUTGOING_GENERAL_ERROR);
	assert_int_equal(e.last.outgoing_reply.error, CONTROL_ERROR_PAC_ERROR);
}

/* Section 2.13: cause and statistics, for the owner's log while the call ends. */
static void disconnect_brings_cause_and_statistics(void **state)
{
	struct end e;

	(void)state;
	end_begin_established(&e, CONTROL_ORIGINATOR);
	(void)end_call_out(&e);
	RECEIVE(&e, CONTROL_CALL_DISCONNECT_NOTIFY,
		.disconnect = { .call_id = 900,
			.result = 1,
			.cause = 102,
			.statistics = "frames 10, CRC errors 2" });
	assert_log(&e, "ended:5:lost-carrier[lost carrier (result 1), cause 102]");
	assert_string_equal(e.statistics, "frames 10, CRC errors 2");
	(void)end_call_out(&e);
	control_connection_lost(&e.c, PPTP_TCP_CLOSED, "", e.now);
	assert_string_equal(e.statistics, "");
}

static void pac_hangup_tells_error_cause_and_statistics(void **state)
{
	char long_text[200];
	struct control_hangup how = { .result = CONTROL_DISCONNECT_GENERAL_ERROR,
		.error = CONTROL_ERROR_NO_RESOURCE,
		.cause = 31,
		.statistics = long_text };
	struct end e;

	(void)state;
	memset(long_text, 's', sizeof(long_text));
	long_text[199] = '\0';
	end_begin_established(&e, CONTROL_RECEIVER);
	control_call_hangup(end_call_in(&e), PPTP_NO_RESOURCES, &how, e.now);
	end_check(&e);
	assert_int_equal(e.last.disconnect.result, CONTROL_DISCONNECT_GENERAL_ERROR);
	assert_int_equal(e.last.disconnect.error, CONTROL_ERROR_NO_RESOURCE);
	assert_int_equal(e.last.disconnect.cause, 31);
	assert_int_equal(strlen(e.last.disconnect.statistics), 128);
	control_call_hangup(end_call_in(&e), PPTP_ADMIN, NULL, e.now);
	assert_int_equal(e.last.disconnect.result, CONTROL_DISCONNECT_ADMIN_SHUTDOWN);
	assert_int_equal(e.last.disconnect.error, 0);
	assert_string_equal(e.last.disconnect.statistics, "");

	/* before the reply the same comes in it */
	e.answer = TAKE;
	control_call_hangup(end_call_in(&e), PPTP_NO_RESOURCES, &how, e.now);
	assert_int_equal(e.last.outgoing_reply.result, CONTROL_OUTGOING_GENERAL_ERROR);
	assert_int_equal(e.last.outgoing_reply.error, CONTROL_ERROR_NO_RESOURCE);
	assert_int_equal(e.last.outgoing_reply.cause, 31);
	how.result = CONTROL_DISCONNECT_LOST_CARRIER;
	control_call_hangup(end_call_in(&e), PPTP_LOST_CARRIER, &how, e.now);
	assert_int_equal(e.last.outgoing_reply.result, CONTROL_OUTGOING_NO_CARRIER);
	assert_int_equal(e.last.outgoing_reply.error, 0);
}

static void says_a_little(void *user, struct control_call *call, struct control_hangup *how)
{
	(void)user;
	assert_int_equal(call->call_id, 100);
	how->result = CONTROL_DISCONNECT_LOST_CARRIER;
	how->cause = 16;
	how->statistics = "12 s";
}

static void clear_is_answered_with_cause_and_statistics(void **state)
{
	struct control_ops ops;
	struct end e;

	(void)state;
	end_begin_established(&e, CONTROL_RECEIVER);
	ops = *e.c.ops;
	ops.call_clearing = says_a_little;
	e.c.ops = &ops;
	(void)end_call_in(&e);
	RECEIVE(&e, CONTROL_CALL_CLEAR_REQUEST, .clear_request.call_id = 800);
	assert_log(&e, ">Call-Disconnect-Notify ended:100:peer-request[Call-Clear-Request]");
	assert_int_equal(e.last.disconnect.result, CONTROL_DISCONNECT_REQUEST);
	assert_int_equal(e.last.disconnect.cause, 16);
	assert_string_equal(e.last.disconnect.statistics, "12 s");
}

/* 3.2.4.1, wait_cs_ans: "Recv. Call Clear Req. / Send Disconnect Notify". */
static void clear_before_the_reply_is_answered_with_disconnect(void **state)
{
	struct control_call_params params = { 0 };
	struct control_call *call;
	struct end e;

	(void)state;
	end_begin_established(&e, CONTROL_RECEIVER);
	e.answer = TAKE;
	call = end_call_in(&e);
	RECEIVE(&e, CONTROL_CALL_CLEAR_REQUEST, .clear_request.call_id = 800);
	control_call_connect(call, &params, e.now); /* the line is too late */
	assert_log(&e, ">Call-Disconnect-Notify ended:100:peer-request[Call-Clear-Request]");
	assert_int_equal(e.last.disconnect.call_id, 100);
	assert_int_equal(e.last.disconnect.result, CONTROL_DISCONNECT_REQUEST);
}

/* An aborted call's reply that comes after all must not answer another call. */
static void call_id_of_an_aborted_call_rests(void **state)
{
	struct end e;

	(void)state;
	end_begin_established(&e, CONTROL_ORIGINATOR);
	end_hangup(&e, end_dial(&e, 5), 0);
	end_wait(&e, SECONDS(5)); /* the PAC says nothing */
	assert_int_equal(e.c.call_count, 0);
	assert_null(end_dial(&e, 5));
	RECEIVE(&e, CONTROL_OUTGOING_CALL_REPLY, .outgoing_reply = { 900, 5, 1, 0, 0, 0, 0, 0, 0 });
	assert_int_equal(e.c.unexpected, 1);
	assert_non_null(end_dial(&e, 5));
	end_free(&e);
}

static void several_calls_each_way_end_one_by_one(void **state)
{
	struct end e;

	(void)state;
	end_begin_established(&e, CONTROL_RECEIVER);
	(void)end_call_in(&e);  /* 100, peer's 800 */
	(void)end_ring_in(&e);  /* 101, peer's 801 */
	(void)end_call_out(&e); /* 5, peer's 900 */
	(void)end_ring_out(&e); /* 6, peer's 901 */
	assert_int_equal(e.c.call_count, 4);
	RECEIVE(&e, CONTROL_CALL_DISCONNECT_NOTIFY, .disconnect = { .call_id = 800 });
	RECEIVE(&e, CONTROL_CALL_DISCONNECT_NOTIFY, .disconnect = { .call_id = 901 });
	RECEIVE(&e, CONTROL_CALL_CLEAR_REQUEST, .clear_request.call_id = 801);
	RECEIVE(&e, CONTROL_CALL_CLEAR_REQUEST, .clear_request.call_id = 900);
	assert_log(&e, ""); /* each in the other's role */
	RECEIVE(&e, CONTROL_CALL_CLEAR_REQUEST, .clear_request.call_id = 901);
	RECEIVE(&e, CONTROL_CALL_DISCONNECT_NOTIFY, .disconnect = { .call_id = 801 });
	RECEIVE(&e, CONTROL_CALL_CLEAR_REQUEST, .clear_request.call_id = 800);
	RECEIVE(&e, CONTROL_CALL_DISCONNECT_NOTIFY, .disconnect = { .call_id = 900 });
	assert_log(&e, ">Call-Disconnect-Notify ended:6:peer-request[Call-Clear-Request] "
		       "ended:101:peer-request[no result given (result 0)] "
		       ">Call-Disconnect-Notify ended:100:peer-request[Call-Clear-Request] "
		       "ended:5:peer-request[no result given (result 0)]");
	assert_int_equal(e.c.state, CONTROL_ESTABLISHED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clear_names_the_senders_call_id),
		cmocka_unit_test(disconnect_names_the_senders_call_id),
		cmocka_unit_test(disconnect_through_linux_nat_names_our_call_id),
		cmocka_unit_test(disconnect_of_an_aborted_call_ends_no_other),
		cmocka_unit_test(disconnect_ends_no_call_that_waits_for_its_reply),
		cmocka_unit_test(pns_hangup_waits_5_s_at_most),
		cmocka_unit_test(call_aborted_before_its_reply_ends),
		cmocka_unit_test(pac_hangup_ends_at_once),
		cmocka_unit_test(disconnect_brings_cause_and_statistics),
		cmocka_unit_test(pac_hangup_tells_error_cause_and_statistics),
		cmocka_unit_test(clear_is_answered_with_cause_and_statistics),
		cmocka_unit_test(clear_before_the_reply_is_answered_with_disconnect),
		cmocka_unit_test(call_id_of_an_aborted_call_rests),
		cmocka_unit_test(several_calls_each_way_end_one_by_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
