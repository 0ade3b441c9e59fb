/*
 * Incoming calls of a PNS, RFC 2637 sections 2.9 to 2.11 and 3.2.3.2: each arrow of the figure, the
 * fields of the messages, Call IDs, limits and deadlines.
 */
#include "tests/unit/control_end.h"

#include <errno.h>

static void pns_idle_request_is_accepted_with_reply(void **state)
{
	struct control_call_params params = { .window = 48, .processing_delay = 6 };
	struct control_call *call;
	struct end e;

	(void)state;
	end_begin_established(&e, CONTROL_RECEIVER);
	e.offers = TAKE;
	RECEIVE(&e, CONTROL_INCOMING_CALL_REQUEST,
		.incoming_request = { .call_id = 801,
			.serial = 7,
			.bearer = 1,
			.physical_channel = 3,
			.dialed_length = 3,
			.dialed = "555",
			.dialing = "123" });
	assert_log(&e, "offered:801");
	assert_string_equal(e.incoming.dialed, "555");
	assert_string_equal(e.incoming.dialing, "123");
	call = e.c.calls;
	assert_int_equal(call->state, CONTROL_CALL_WAIT_DECISION);
	assert_int_equal(call->role, CONTROL_PNS);
	assert_true(call->incoming);
	assert_int_equal(call->peer_call_id, 801);
	assert_int_equal(call->serial, 7);
	end_wait(&e, SECONDS(10)); /* it may be asked elsewhere */
	control_call_accept(call, &params, e.now);
	end_check(&e);
	assert_log(&e, ">Incoming-Call-Reply");
	assert_int_equal(call->state, CONTROL_CALL_WAIT_CONNECT);
	assert_int_equal(e.last.incoming_reply.call_id, 100);
	assert_int_equal(e.last.incoming_reply.peer_call_id, 801);
	assert_int_equal(e.last.incoming_reply.result, CONTROL_INCOMING_CONNECT);
	assert_int_equal(e.last.incoming_reply.error, 0);
	assert_int_equal(e.last.incoming_reply.window, 48);
	assert_int_equal(e.last.incoming_reply.processing_delay, 6);
	control_call_accept(call, &params, e.now);
	control_call_refuse(call, CONTROL_INCOMING_DO_NOT_ACCEPT, 0, 0, e.now);
	assert_log(&e, ""); /* answered once */
}

static void pns_idle_request_in_error_is_refused(void **state)
{
	struct end e;

	(void)state;
	end_begin_established(&e, CONTROL_RECEIVER);
	e.offers = REFUSE;
	RECEIVE(&e, CONTROL_INCOMING_CALL_REQUEST, .incoming_request.call_id = 801);
	assert_log(&e, "offered:801 >Incoming-Call-Reply");
	assert_int_equal(e.last.incoming_reply.peer_call_id, 801);
	assert_int_equal(e.last.incoming_reply.result, CONTROL_INCOMING_DO_NOT_ACCEPT);
	e.offers = TAKE;
	RECEIVE(&e, CONTROL_INCOMING_CALL_REQUEST, .incoming_request.call_id = 801);
	e.log[0] = '\0';
	control_call_refuse(e.c.calls, CONTROL_INCOMING_GENERAL_ERROR, 0, 17, e.now);
	assert_log(&e, ">Incoming-Call-Reply ended:100:local-request[general error (result 2), no "
		       "resources (error 4)]");
	assert_int_equal(e.last.incoming_reply.call_id, 100);
	RECEIVE(&e, CONTROL_INCOMING_CALL_REQUEST, .incoming_request.call_id = 801);
	control_call_refuse(e.c.calls, CONTROL_OUTGOING_BUSY, 3, 0, e.now); /* has no such */
	assert_int_equal(e.last.incoming_reply.result, CONTROL_INCOMING_DO_NOT_ACCEPT);
	assert_int_equal(e.last.incoming_reply.error, 0);
	assert_int_equal(e.c.state, CONTROL_ESTABLISHED);
}

static void pns_wait_connect_connected_is_established(void **state)
{
	struct control_call *call;
	struct end e;

	(void)state;
	end_begin_established(&e, CONTROL_RECEIVER);
	e.offers = CONNECT;
	RECEIVE(&e, CONTROL_INCOMING_CALL_REQUEST, .incoming_request.call_id = 801);
	e.log[0] = '\0';
	call = e.c.calls;
	for (int twice = 0; twice < 2; twice++)
		RECEIVE(&e, CONTROL_INCOMING_CALL_CONNECTED,
			.incoming_connected = { .peer_call_id = 100,
				.connect_speed = 33600,
				.window = 12,
				.processing_delay = 5,
				.framing = CONTROL_FRAMING_SYNC });
	assert_log(&e, "up:100");
	assert_int_equal(e.c.unexpected, 1);
	assert_int_equal(call->state, CONTROL_CALL_ESTABLISHED);
	assert_int_equal(call->connect_speed, 33600);
	assert_int_equal(call->peer_window, 12);
	assert_int_equal(call->peer_delay, 5);
	assert_int_equal(call->framing, CONTROL_FRAMING_SYNC);
}

static void pns_wait_connect_disconnect_notify_goes_idle(void **state)
{
	struct end e;

	(void)state;
	end_begin_established(&e, CONTROL_RECEIVER);
	e.offers = CONNECT;
	RECEIVE(&e, CONTROL_INCOMING_CALL_REQUEST, .incoming_request.call_id = 801);
	e.log[0] = '\0';
	RECEIVE(&e, CONTROL_CALL_DISCONNECT_NOTIFY,
		.disconnect = {
			.call_id = 801, .result = 1, .cause = 16, .statistics = "a voice call" });
	assert_log(&e, "ended:100:lost-carrier[lost carrier (result 1), cause 16]");
	assert_string_equal(e.statistics, "a voice call");
	RECEIVE(&e, CONTROL_INCOMING_CALL_CONNECTED, .incoming_connected.peer_call_id = 100);
	assert_log(&e, "");
	assert_int_equal(e.c.unknown_call_id, 1);
}

/* The PAC's caller hung up while we were still thinking. */
static void pns_wait_decision_disconnect_notify_goes_idle(void **state)
{
	struct control_call_params params = { 0 };
	struct control_call *call;
	struct end e;

	(void)state;
	end_begin_established(&e, CONTROL_RECEIVER);
	e.offers = TAKE;
	RECEIVE(&e, CONTROL_INCOMING_CALL_REQUEST, .incoming_request.call_id = 801);
	call = e.c.calls;
	e.log[0] = '\0';
	RECEIVE(&e, CONTROL_CALL_DISCONNECT_NOTIFY, .disconnect = { .call_id = 801, .result = 1 });
	assert_log(&e, "ended:100:lost-carrier[lost carrier (result 1)]");
	control_call_accept(call, &params, e.now);
	assert_log(&e, "");
}

static void pns_established_disconnect_notify_goes_idle(void **state)
{
	struct end e;

	(void)state;
	end_begin_established(&e, CONTROL_RECEIVER);
	(void)end_ring_in(&e);
	RECEIVE(&e, CONTROL_CALL_DISCONNECT_NOTIFY, .disconnect = { .call_id = 802, .result = 3 });
	assert_log(&e, ""); /* nobody's */
	RECEIVE(&e, CONTROL_CALL_DISCONNECT_NOTIFY, .disconnect = { .call_id = 801, .result = 3 });
	assert_log(&e, "ended:100:peer-request[closed by the administrator (result 3)]");
}

static void pns_established_local_terminate_sends_clear_request(void **state)
{
	struct end e;

	(void)state;
	end_begin_established(&e, CONTROL_RECEIVER);
	end_hangup(&e, end_ring_in(&e), 0);
	assert_log(&e, ">Call-Clear-Request");
	assert_int_equal(e.last.clear_request.call_id, 100);
	assert_int_equal(e.c.calls->state, CONTROL_CALL_WAIT_DISCONNECT);
	RECEIVE(&e, CONTROL_CALL_DISCONNECT_NOTIFY, .disconnect = { .call_id = 801, .result = 4 });
	assert_log(&e, "ended:100:local-request[closed on request (result 4)]");

	end_hangup(&e, end_ring_in(&e), 0);
	e.log[0] = '\0';
	end_wait(&e, SECONDS(5));
	assert_log(&e, "ended:101:local-request[no Call-Disconnect-Notify]");
}

/* No arrow in the figure, but a state to be left: Connected crosses our request. */
static void pns_wait_connect_local_terminate_sends_clear_request(void **state)
{
	struct end e;

	(void)state;
	end_begin_established(&e, CONTROL_RECEIVER);
	e.offers = CONNECT;
	RECEIVE(&e, CONTROL_INCOMING_CALL_REQUEST, .incoming_request.call_id = 801);
	e.log[0] = '\0';
	end_hangup(&e, e.c.calls, 0);
	RECEIVE(&e, CONTROL_INCOMING_CALL_CONNECTED, .incoming_connected.peer_call_id = 100);
	RECEIVE(&e, CONTROL_CALL_DISCONNECT_NOTIFY, .disconnect = { .call_id = 801, .result = 4 });
	assert_log(&e, ">Call-Clear-Request ended:100:local-request[closed on request (result 4)]");
}

static void pns_wait_decision_local_terminate_refuses(void **state)
{
	struct end e;

	(void)state;
	end_begin_established(&e, CONTROL_RECEIVER);
	e.offers = TAKE;
	RECEIVE(&e, CONTROL_INCOMING_CALL_REQUEST, .incoming_request.call_id = 801);
	end_hangup(&e, e.c.calls, 0);
	assert_log(&e, "offered:801 >Incoming-Call-Reply ended:100:local-request[]");
	assert_int_equal(e.last.incoming_reply.result, CONTROL_INCOMING_DO_NOT_ACCEPT);
	RECEIVE(&e, CONTROL_INCOMING_CALL_REQUEST, .incoming_request.call_id = 801);
	end_hangup(&e, e.c.calls, CONTROL_DISCONNECT_GENERAL_ERROR);
	assert_int_equal(e.last.incoming_reply.result, CONTROL_INCOMING_GENERAL_ERROR);
	assert_int_equal(e.last.incoming_reply.error, CONTROL_ERROR_NO_RESOURCE);
}

static void pns_wait_decision_times_out_alone(void **state)
{
	struct end e;

	(void)state;
	end_begin_established(&e, CONTROL_RECEIVER);
	e.offers = TAKE;
	RECEIVE(&e, CONTROL_INCOMING_CALL_REQUEST, .incoming_request.call_id = 801);
	end_wait(&e, SECONDS(50));
	assert_log(&e, "offered:801 >Incoming-Call-Reply ended:100:call-time-out[this end did not "
		       "answer the call in time]");
	assert_int_equal(e.c.state, CONTROL_ESTABLISHED);
}

static void pns_wait_connect_times_out_with_the_connection(void **state)
{
	struct end e;

	(void)state;
	end_begin_established(&e, CONTROL_RECEIVER);
	e.offers = CONNECT;
	RECEIVE(&e, CONTROL_INCOMING_CALL_REQUEST, .incoming_request.call_id = 801);
	e.config.echo_interval = SECONDS(100);
	RECEIVE(&e, CONTROL_ECHO_REQUEST, .echo_request.identifier = 1);
	e.log[0] = '\0';
	end_wait(&e, SECONDS(60) - 1);
	assert_log(&e, "");
	end_wait(&e, 1);
	assert_log(&e, "ended:100:control-timeout[no Incoming-Call-Connected] "
		       "closed:control-timeout[no Incoming-Call-Connected]");
}

static void pns_takes_within_limits(void **state)
{
	struct control_incoming_request request = { .call_id = 802 };
	struct control_call call;
	struct end e;

	(void)state;
	end_begin(&e, CONTROL_RECEIVER);
	assert_int_equal(control_call_take_incoming(&e.c, &call, &request, 9, e.now), -EPROTO);
	end_begin_established(&e, CONTROL_RECEIVER);
	e.config.max_channels = 2;
	(void)end_ring_in(&e);
	assert_int_equal(
		control_call_take_incoming(&e.c, &call, &request, 100, e.now), -EADDRINUSE);
	request.call_id = 801;
	assert_int_equal(control_call_take_incoming(&e.c, &call, &request, 9, e.now), -EADDRINUSE);
	request.call_id = 802; /* nobody asked */
	assert_int_equal(control_call_take_incoming(&e.c, &call, &request, 9, e.now), -EPROTO);
	(void)end_call_in(&e);
	assert_int_equal(control_call_take_incoming(&e.c, &call, &request, 9, e.now), -ENOSPC);
	RECEIVE(&e, CONTROL_INCOMING_CALL_REQUEST, .incoming_request.call_id = 802);
	assert_log(&e, "offered:802 >Incoming-Call-Reply"); /* take failed: refused */
	/* the peer's own second use, even for a call of the other kind, asks nobody */
	RECEIVE(&e, CONTROL_INCOMING_CALL_REQUEST, .incoming_request.call_id = 800);
	assert_log(&e, ">Incoming-Call-Reply");
	assert_int_equal(e.last.incoming_reply.result, CONTROL_INCOMING_GENERAL_ERROR);
	assert_int_equal(e.last.incoming_reply.error, CONTROL_ERROR_BAD_CALL_ID);
	RECEIVE(&e, CONTROL_OUTGOING_CALL_REQUEST, .outgoing_request.call_id = 801);
	assert_log(&e, ">Outgoing-Call-Reply");
	assert_int_equal(e.last.outgoing_reply.error, CONTROL_ERROR_BAD_CALL_ID);
}

/* Both kinds: what the callback forgets, the library refuses; nothing is answered twice. */
static void no_request_stays_open(void **state)
{
	struct control_ops ops = end_ops;
	struct control_call call;
	struct end e;

	(void)state;
	end_begin_established(&e, CONTROL_RECEIVER);
	e.offers = e.answer = FORGET;
	RECEIVE(&e, CONTROL_INCOMING_CALL_REQUEST, .incoming_request.call_id = 801);
	assert_log(&e, "offered:801 >Incoming-Call-Reply");
	assert_int_equal(e.last.incoming_reply.result, CONTROL_INCOMING_DO_NOT_ACCEPT);
	RECEIVE(&e, CONTROL_OUTGOING_CALL_REQUEST, .outgoing_request.call_id = 800);
	assert_log(&e, "asked:800 >Outgoing-Call-Reply");
	assert_int_equal(e.last.outgoing_reply.result, CONTROL_OUTGOING_DO_NOT_ACCEPT);
	assert_int_equal(control_call_take(&e.c, &call, &e.request, 9, e.now), -EPROTO);
	assert_int_equal(control_call_take_incoming(&e.c, &call, &e.incoming, 9, e.now), -EPROTO);
	control_connection_refuse(&e.c, &e.request, CONTROL_OUTGOING_BUSY, 0, 0);
	control_connection_refuse_incoming(&e.c, &e.incoming, 2, 0);
	assert_log(&e, "");
	ops.incoming_call = NULL;
	ops.outgoing_call = NULL;
	e.c.ops = &ops;
	RECEIVE(&e, CONTROL_INCOMING_CALL_REQUEST, .incoming_request.call_id = 801);
	RECEIVE(&e, CONTROL_OUTGOING_CALL_REQUEST, .outgoing_request.call_id = 800);
	assert_log(&e, ">Incoming-Call-Reply >Outgoing-Call-Reply");
}

/* Replies and Connected to calls of another kind or role are no answers. */
static void answers_of_the_wrong_kind_are_counted(void **state)
{
	struct end e;

	(void)state;
	end_begin_established(&e, CONTROL_RECEIVER);
	assert_non_null(end_offer(&e, 6));
	assert_non_null(end_dial(&e, 5));
	e.offers = CONNECT;
	RECEIVE(&e, CONTROL_INCOMING_CALL_REQUEST, .incoming_request.call_id = 801);
	e.log[0] = '\0';
	RECEIVE(&e, CONTROL_OUTGOING_CALL_REPLY, .outgoing_reply = { 9, 6, 1, 0, 0, 0, 0, 0, 0 });
	RECEIVE(&e, CONTROL_OUTGOING_CALL_REPLY, .outgoing_reply = { 9, 100, 1, 0, 0, 0, 0, 0, 0 });
	RECEIVE(&e, CONTROL_INCOMING_CALL_REPLY, .incoming_reply = { 9, 5, 1, 0, 0, 0 });
	RECEIVE(&e, CONTROL_INCOMING_CALL_REPLY, .incoming_reply = { 9, 100, 3, 0, 0, 0 });
	RECEIVE(&e, CONTROL_INCOMING_CALL_CONNECTED, .incoming_connected.peer_call_id = 5);
	RECEIVE(&e, CONTROL_INCOMING_CALL_CONNECTED, .incoming_connected.peer_call_id = 6);
	RECEIVE(&e, CONTROL_CALL_CLEAR_REQUEST, .clear_request.call_id = 801); /* a PAC's */
	assert_log(&e, "");
	assert_int_equal(e.c.unknown_call_id, 7);
	assert_int_equal(e.c.call_count, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pns_idle_request_is_accepted_with_reply),
		cmocka_unit_test(pns_idle_request_in_error_is_refused),
		cmocka_unit_test(pns_wait_connect_connected_is_established),
		cmocka_unit_test(pns_wait_connect_disconnect_notify_goes_idle),
		cmocka_unit_test(pns_wait_decision_disconnect_notify_goes_idle),
		cmocka_unit_test(pns_established_disconnect_notify_goes_idle),
		cmocka_unit_test(pns_established_local_terminate_sends_clear_request),
		cmocka_unit_test(pns_wait_connect_local_terminate_sends_clear_request),
		cmocka_unit_test(pns_wait_decision_local_terminate_refuses),
		cmocka_unit_test(pns_wait_decision_times_out_alone),
		cmocka_unit_test(pns_wait_connect_times_out_with_the_connection),
		cmocka_unit_test(pns_takes_within_limits),
		cmocka_unit_test(no_request_stays_open),
		cmocka_unit_test(answers_of_the_wrong_kind_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
