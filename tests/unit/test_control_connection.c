/*
 * The control connection itself, RFC 2637 sections 2.1 to 2.6 and 3.1: start exchange, keep-alive,
 * stop, malformed streams, and what a caller may do inside callbacks. Calls: test_control_call.c.
 */
#include "tests/unit/control_end.h"

static void receiver_answers_a_start_request(void **state)
{
	struct end e;

	(void)state;
	end_begin(&e, CONTROL_RECEIVER);
	assert_log(&e, "");
	RECEIVE(&e, CONTROL_START_REQUEST,
		.start = { .version = 0x0100, .bearer = 1, .vendor = "Microsoft" });
	assert_log(&e, ">Start-Control-Connection-Reply established");
	assert_int_equal(e.out_len, 156);
	assert_string_equal(e.peer.vendor, "Microsoft");
	assert_int_equal(e.last.start.version, 0x0100);
	assert_int_equal(e.last.start.result, CONTROL_START_OK);
	assert_int_equal(e.last.start.framing, 3);
	assert_int_equal(e.last.start.firmware, 1);
	assert_string_equal(e.last.start.host_name, "here.example");
	assert_string_equal(e.last.start.vendor, "greyline");
}

static void originator_begins_with_a_start_request(void **state)
{
	struct end e;

	(void)state;
	end_begin(&e, CONTROL_ORIGINATOR);
	assert_log(&e, ">Start-Control-Connection-Request");
	assert_int_equal(e.last.start.result, 0);
	assert_int_equal(e.last.start.version, 0x0100);
	RECEIVE(&e, CONTROL_START_REPLY,
		.start = { .version = 0x0100, .result = 1, .host_name = "local" });
	assert_log(&e, "established");
	assert_string_equal(e.peer.host_name, "local");
}

/* A whole conversation, cut into segments of every size, has one and the same course. */
static void segments_do_not_matter(void **state)
{
	static const struct control_message script[] = {
		{ .type = CONTROL_START_REQUEST, .start.version = 0x0100 },
		{ .type = CONTROL_ECHO_REQUEST, .echo_request.identifier = 1 },
		{ .type = CONTROL_ECHO_REQUEST, .echo_request.identifier = 2 },
		{ .type = CONTROL_OUTGOING_CALL_REQUEST, .outgoing_request.call_id = 7 },
		{ .type = CONTROL_SET_LINK_INFO, .link_info = { 100, 1, 2 } },
		{ .type = CONTROL_INCOMING_CALL_REQUEST, .incoming_request.call_id = 9 },
		{ .type = CONTROL_CALL_CLEAR_REQUEST, .clear_request.call_id = 7 },
		{ .type = CONTROL_STOP_REQUEST, .stop_request.reason = 1 },
	};
	uint8_t stream[1024];
	size_t len = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(script) / sizeof(script[0]); i++)
		len += (size_t)control_message_encode(
			&script[i], stream + len, sizeof(stream) - len);
	for (size_t size = 1; size <= len; size++) {
		struct end e;

		end_begin(&e, CONTROL_RECEIVER);
		for (size_t at = 0; at < len; at += size)
			end_receive_bytes(&e, stream + at, size < len - at ? size : len - at);
		assert_log(&e,
			">Start-Control-Connection-Reply established >Echo-Reply >Echo-Reply "
			"asked:7 >Outgoing-Call-Reply link:100:1/2 offered:9 >Incoming-Call-Reply "
			">Call-Disconnect-Notify ended:100:peer-request[Call-Clear-Request] "
			">Stop-Control-Connection-Reply "
			"closed:peer-request[no special reason (reason 1)]");
		assert_int_equal(e.c.received, 8);
		assert_int_equal(e.c.sent, 7);
	}
}

static void echo_after_60_s_of_silence(void **state)
{
	struct end e;

	(void)state;
	end_begin_established(&e, CONTROL_RECEIVER);
	end_wait(&e, SECONDS(60) - 1);
	assert_log(&e, "");
	end_wait(&e, 1);
	assert_log(&e, ">Echo-Request");
	end_wait(&e, SECONDS(0.25));
	RECEIVE(&e, CONTROL_ECHO_REPLY, .echo_reply = { e.last.echo_request.identifier, 1, 0 });
	assert_true(e.c.echo_rtt == SECONDS(0.25));
	end_wait(&e, SECONDS(60) - 1);
	assert_log(&e, "");
	end_wait(&e, 1);
	assert_log(&e, ">Echo-Request");
}

static void any_message_postpones_the_echo(void **state)
{
	struct end e;

	(void)state;
	end_begin_established(&e, CONTROL_ORIGINATOR);
	for (int i = 0; i < 10; i++) {
		end_wait(&e, SECONDS(59));
		RECEIVE(&e, CONTROL_ECHO_REQUEST, .echo_request.identifier = 0xdeadbeef);
		assert_log(&e, ">Echo-Reply");
		assert_int_equal(e.last.echo_reply.identifier, 0xdeadbeef);
		assert_int_equal(e.last.echo_reply.result, 1);
		assert_int_equal(e.last.echo_reply.error, 0);
	}
}

/* Half a message is not a message: it neither postpones the echo nor answers it. */
static void unanswered_echo_ends_the_connection(void **state)
{
	static const uint8_t half[] = { 0, 16, 0, 1, 0x1a, 0x2b };
	struct end e;
	struct control_call *call;

	(void)state;
	end_begin_established(&e, CONTROL_ORIGINATOR);
	call = end_call_out(&e);
	assert_int_equal(call->call_id, 5);
	end_wait(&e, SECONDS(60));
	assert_log(&e, ">Echo-Request");
	end_wait(&e, SECONDS(10));
	RECEIVE(&e, CONTROL_ECHO_REPLY, .echo_reply = { e.last.echo_request.identifier + 1, 1, 0 });
	RECEIVE(&e, CONTROL_ECHO_REQUEST, .echo_request.identifier = 3);
	assert_log(&e, ">Echo-Reply");
	end_receive_bytes(&e, half, sizeof(half));
	end_wait(&e, SECONDS(50) - 1);
	assert_log(&e, "");
	end_wait(&e, 1);
	assert_log(&e, "ended:5:control-echo-timeout[no Echo-Reply] "
		       "closed:control-echo-timeout[no Echo-Reply]");
}

/* Another connection is wanted: the one that is there must show that it lives, and soon. */
static void a_probe_asks_at_once_and_has_little_patience(void **state)
{
	struct end e;

	(void)state;
	end_begin_established(&e, CONTROL_ORIGINATOR);
	end_wait(&e, SECONDS(1));
	control_connection_probe(&e.c, SECONDS(5), e.now);
	assert_log(&e, ">Echo-Request");
	end_wait(&e, SECONDS(4));
	control_connection_probe(&e.c, SECONDS(5), e.now); /* asked twice: no more patience */
	RECEIVE(&e, CONTROL_ECHO_REPLY, .echo_reply = { e.last.echo_request.identifier, 1, 0 });
	end_wait(&e, SECONDS(60) - 1);
	assert_log(&e, "");
	end_wait(&e, 1);
	assert_log(&e, ">Echo-Request");
	control_connection_probe(&e.c, SECONDS(5), e.now); /* one is under way */
	assert_log(&e, "");
	end_wait(&e, SECONDS(5));
	assert_log(&e, "closed:control-echo-timeout[no Echo-Reply]");
	control_connection_probe(&e.c, SECONDS(5), e.now);
	assert_log(&e, "");
}

static void the_start_request_has_a_time_of_its_own(void **state)
{
	struct end e;

	(void)state;
	end_begin(&e, CONTROL_RECEIVER);
	e.config.start_timeout = SECONDS(10);
	control_connection_init(&e.c, CONTROL_RECEIVER, &e.config, &end_ops, &e, e.now);
	end_wait(&e, SECONDS(10) - 1);
	assert_log(&e, "");
	end_wait(&e, 1);
	assert_log(&e, "closed:control-timeout[no Start-Control-Connection-Request]");
}

/* Nothing but the start itself moves the deadline for it. */
static void echo_before_start_holds_nothing_open(void **state)
{
	struct end e;

	(void)state;
	for (int role = 0; role < 2; role++) {
		end_begin(&e, role ? CONTROL_RECEIVER : CONTROL_ORIGINATOR);
		e.log[0] = '\0';
		for (int i = 0; i < 59; i++) {
			end_wait(&e, SECONDS(1));
			RECEIVE(&e, CONTROL_ECHO_REQUEST, .echo_request.identifier = 1);
			RECEIVE(&e, CONTROL_ECHO_REPLY, .echo_reply.identifier = 1);
		}
		end_wait(&e, SECONDS(1) - 1);
		assert_log(&e, "");
		end_wait(&e, 1);
		assert_log(&e, role ? "closed:control-timeout[no Start-Control-Connection-Request]"
				    : "closed:control-timeout[no Start-Control-Connection-Reply]");
	}
}

static void requested_version_decides(void **state)
{
	static const struct {
		uint16_t version;
		bool accepted;
		const char *log;
	} table[] = {
		{ 0x0000, false,
			">Start-Control-Connection-Reply closed:control-version[the peer has PPTP "
			"version 0.0, 1.0 is supported here]" },
		{ 0x00ff, false,
			">Start-Control-Connection-Reply closed:control-version[the peer has PPTP "
			"version 0.255, 1.0 is supported here]" },
		{ 0x0100, true, ">Start-Control-Connection-Reply established" },
		{ 0x0101, true, ">Start-Control-Connection-Reply established" },
		{ 0x0200, true, ">Start-Control-Connection-Reply established" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct end e;

		end_begin(&e, CONTROL_RECEIVER);
		RECEIVE(&e, CONTROL_START_REQUEST, .start.version = table[i].version);
		assert_log(&e, table[i].log);
		assert_int_equal(e.last.start.version, 0x0100);
		assert_int_equal(e.last.start.result,
			table[i].accepted ? CONTROL_START_OK : CONTROL_START_BAD_VERSION);
		assert_null(e.c.peer);
	}
}

static void replied_version_decides(void **state)
{
	struct end e;

	(void)state;
	end_begin(&e, CONTROL_ORIGINATOR);
	RECEIVE(&e, CONTROL_START_REPLY, .start = { .version = 0x0101, .result = 1 });
	assert_log(&e, ">Start-Control-Connection-Request established");

	for (unsigned int version = 0; version <= 0x0200; version += 0x0200) {
		end_begin(&e, CONTROL_ORIGINATOR);
		RECEIVE(&e, CONTROL_START_REPLY,
			.start = { .version = (uint16_t)version, .result = 1 });
		assert_log(
			&e, ">Start-Control-Connection-Request >Stop-Control-Connection-Request");
		assert_null(e.c.peer);
		assert_int_equal(e.last.stop_request.reason, CONTROL_STOP_PROTOCOL);
		RECEIVE(&e, CONTROL_STOP_REPLY, .stop_reply.result = 1);
		assert_log(&e,
			version ? "closed:control-version[the peer has PPTP version 2.0, 1.0 is "
				  "supported here]"
				: "closed:control-version[the peer has PPTP version 0.0, 1.0 is "
				  "supported here]");
	}
}

static void refused_start_is_told_in_words(void **state)
{
	static const struct {
		uint8_t result, error;
		const char *log;
	} table[] = {
		{ 0, 0, "closed:control-refused[unknown (result 0)]" },
		{ 2, 4,
			"closed:control-refused[general error (result 2), no resources (error "
			"4)]" },
		{ 3, 0, "closed:control-refused[a control connection already exists (result 3)]" },
		{ 4, 0, "closed:control-refused[not authorized (result 4)]" },
		{ 5, 0, "closed:control-refused[protocol version not supported (result 5)]" },
		{ 9, 77, "closed:control-refused[unknown (result 9), unknown (error 77)]" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct end e;

		end_begin(&e, CONTROL_ORIGINATOR);
		e.log[0] = '\0';
		RECEIVE(&e, CONTROL_START_REPLY,
			.start = { .version = 0x0100,
				.result = table[i].result,
				.error = table[i].error });
		assert_log(&e, table[i].log);
	}
}

static void call_messages_before_start_close(void **state)
{
	struct end e;

	(void)state;
	end_begin(&e, CONTROL_RECEIVER);
	RECEIVE(&e, CONTROL_OUTGOING_CALL_REQUEST, .outgoing_request.call_id = 1);
	assert_log(&e, "closed:control-unexpected[Outgoing-Call-Request before the connection was "
		       "started]");
	end_begin(&e, CONTROL_ORIGINATOR);
	e.log[0] = '\0';
	RECEIVE(&e, CONTROL_START_REQUEST, .start.version = 0x0100);
	assert_log(&e, "closed:control-unexpected[Start-Control-Connection-Request before the "
		       "connection was started]");
}

/* The figure of section 3.1.2. */
static void second_start_request_closes(void **state)
{
	struct end e;

	(void)state;
	for (int role = 0; role < 2; role++) {
		end_begin_established(&e, role ? CONTROL_RECEIVER : CONTROL_ORIGINATOR);
		(void)end_call_out(&e);
		RECEIVE(&e, CONTROL_START_REQUEST, .start.version = 0x0100);
		assert_log(&e, ">Stop-Control-Connection-Reply "
			       "ended:5:control-unexpected[Start-Control-Connection-Request on a "
			       "connection that is established] "
			       "closed:control-unexpected[Start-Control-Connection-Request on a "
			       "connection that is established]");
	}
}

static void peers_stop_ends_calls_then_closes(void **state)
{
	struct end e;

	(void)state;
	end_begin_established(&e, CONTROL_RECEIVER);
	(void)end_call_out(&e);
	(void)end_call_in(&e);
	RECEIVE(&e, CONTROL_STOP_REQUEST, .stop_request.reason = 3);
	assert_log(&e,
		">Stop-Control-Connection-Reply ended:100:peer-request[shutting down (reason 3)] "
		"ended:5:peer-request[shutting down (reason 3)] "
		"closed:peer-request[shutting down (reason 3)]");
	assert_int_equal(e.last.stop_reply.result, 1);
	RECEIVE(&e, CONTROL_STOP_REQUEST, .stop_request.reason = 3);
	RECEIVE(&e, CONTROL_START_REQUEST, .start.version = 0x0100);
	control_connection_lost(&e.c, PPTP_TCP_CLOSED, "", e.now);
	end_stop(&e, PPTP_ADMIN);
	end_wait(&e, SECONDS(1000));
	assert_log(&e, "");
}

static void stop_waits_for_calls_then_for_the_reply(void **state)
{
	struct end e;

	(void)state;
	end_begin_established(&e, CONTROL_ORIGINATOR);
	(void)end_call_out(&e);
	(void)end_call_in(&e);
	end_stop(&e, PPTP_SHUTDOWN);
	assert_log(&e, ">Call-Disconnect-Notify ended:100:shutdown[] >Call-Clear-Request");
	RECEIVE(&e, CONTROL_STOP_REPLY, .stop_reply.result = 1); /* nobody has asked yet */
	RECEIVE(&e, CONTROL_OUTGOING_CALL_REQUEST, .outgoing_request.call_id = 801);
	RECEIVE(&e, CONTROL_ECHO_REQUEST, .echo_request.identifier = 1);
	assert_log(&e, ">Echo-Reply");
	assert_null(end_dial(&e, 6));
	RECEIVE(&e, CONTROL_CALL_DISCONNECT_NOTIFY,
		.disconnect = { .call_id = 900, .result = CONTROL_DISCONNECT_REQUEST });
	assert_log(&e, "ended:5:shutdown[closed on request (result 4)] "
		       ">Stop-Control-Connection-Request");
	assert_int_equal(e.last.stop_request.reason, CONTROL_STOP_LOCAL_SHUTDOWN);
	RECEIVE(&e, CONTROL_STOP_REPLY, .stop_reply = { 2, 3 });
	assert_log(&e, "closed:shutdown[]");
}

/* The client's way: its only call has ended, so the connection may go. */
static void stop_inside_call_ended_is_sent_once(void **state)
{
	struct end e;

	(void)state;
	end_begin_established(&e, CONTROL_ORIGINATOR);
	(void)end_call_out(&e);
	e.provoke = STOP;
	RECEIVE(&e, CONTROL_CALL_DISCONNECT_NOTIFY, .disconnect = { .call_id = 900, .result = 1 });
	assert_log(&e,
		"ended:5:lost-carrier[lost carrier (result 1)] >Stop-Control-Connection-Request");
	RECEIVE(&e, CONTROL_STOP_REPLY, .stop_reply.result = 1);
	assert_log(&e, "closed:shutdown[]");
}

/* Whatever the peer leaves unanswered, and whatever else it sends meanwhile. */
static void stop_takes_5_s_at_most(void **state)
{
	struct end e;

	(void)state;
	end_begin_established(&e, CONTROL_ORIGINATOR);
	end_stop(&e, PPTP_LOCAL_REQUEST);
	assert_log(&e, ">Stop-Control-Connection-Request");
	assert_int_equal(e.last.stop_request.reason, CONTROL_STOP_NONE);
	end_stop(&e, PPTP_ADMIN);
	for (int i = 0; i < 49; i++) {
		end_wait(&e, SECONDS(0.1));
		RECEIVE(&e, CONTROL_SET_LINK_INFO, .link_info.peer_call_id = 3);
	}
	end_wait(&e, SECONDS(0.1) - 1);
	assert_log(&e, "");
	end_wait(&e, 1);
	assert_log(&e, "closed:local-request[]");

	end_begin_established(&e, CONTROL_ORIGINATOR);
	(void)end_call_out(&e);
	end_stop(&e, PPTP_LOCAL_REQUEST);
	assert_log(&e, ">Call-Clear-Request");
	end_wait(&e, SECONDS(5));
	assert_log(&e, "ended:5:local-request[no Call-Disconnect-Notify] "
		       ">Stop-Control-Connection-Request closed:local-request[]");
}

static void both_stop_at_once(void **state)
{
	struct end e;

	(void)state;
	end_begin_established(&e, CONTROL_ORIGINATOR);
	(void)end_call_out(&e);
	end_stop(&e, PPTP_ADMIN);
	RECEIVE(&e, CONTROL_STOP_REQUEST, .stop_request.reason = 1);
	assert_log(&e, ">Call-Clear-Request >Stop-Control-Connection-Reply ended:5:admin[] "
		       "closed:admin[]");
}

/* pptpd closes the TCP connection instead of a reply: that is no error. */
static void lost_while_stopping_keeps_the_reason(void **state)
{
	struct end e;

	(void)state;
	end_begin_established(&e, CONTROL_ORIGINATOR);
	(void)end_call_out(&e);
	end_stop(&e, PPTP_LOCAL_REQUEST);
	control_connection_lost(&e.c, PPTP_TCP_CLOSED, NULL, e.now);
	assert_log(&e, ">Call-Clear-Request ended:5:local-request[] closed:local-request[]");
	end_begin_established(&e, CONTROL_ORIGINATOR);
	(void)end_call_out(&e);
	control_connection_lost(&e.c, PPTP_TCP_ERROR, "reset", e.now);
	assert_log(&e, "ended:5:tcp-error[reset] closed:tcp-error[reset]");
	end_begin(&e, CONTROL_RECEIVER);
	end_stop(&e, PPTP_SHUTDOWN);
	assert_log(&e, "closed:shutdown[]");
}

static void malformed_stream_closes_at_once(void **state)
{
	static const struct {
		uint8_t bytes[16];
		size_t len;
		const char *log;
	} table[] = {
		{ { 0, 0 }, 2, "[the length field is below the size of a header]" },
		{ { 0, 7 }, 2, "[the length field is below the size of a header]" },
		{ { 0, 221 }, 2, "[the length field is above the size of the largest message]" },
		{ { 0, 16, 0, 2 }, 4, "[the PPTP message type is not 1 (control message)]" },
		{ { 0, 16, 0, 1, 0x1a, 0x2b, 0x3c, 0x4e }, 8, "[the magic cookie is wrong]" },
		{ { 0, 16, 0, 1, 0x1a, 0x2b, 0x3c, 0x4d, 0, 16 }, 16,
			"[the control message type is unknown]" },
		{ { 0, 12, 0, 1, 0x1a, 0x2b, 0x3c, 0x4d, 0, 5 }, 12,
			"[the length is wrong for this control message type]" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct control_message echo = { .type = CONTROL_ECHO_REQUEST };
		uint8_t stream[48];
		char want[300];
		struct end e;
		int len = control_message_encode(&echo, stream, sizeof(stream));

		/* Behind a good message in one segment; what follows is not looked at. */
		memcpy(stream + len, table[i].bytes, table[i].len);
		memcpy(stream + (size_t)len + table[i].len, stream, (size_t)len);
		end_begin_established(&e, CONTROL_RECEIVER);
		end_receive_bytes(&e, stream, 2 * (size_t)len + table[i].len);
		snprintf(
			want, sizeof(want), ">Echo-Reply closed:control-malformed%s", table[i].log);
		assert_log(&e, want);
	}
}

static void largest_legal_message_is_taken(void **state)
{
	struct control_message m = { .type = CONTROL_INCOMING_CALL_REQUEST };
	uint8_t data[CONTROL_MESSAGE_MAX];
	struct end e;

	(void)state;
	m.incoming_request.call_id = 0x1234;
	memset(m.incoming_request.subaddress, 'x', 64);
	assert_int_equal(control_message_encode(&m, data, sizeof(data)), 220);
	end_begin_established(&e, CONTROL_RECEIVER);
	for (size_t i = 0; i < 219; i++)
		end_receive_bytes(&e, data + i, 1);
	assert_log(&e, "");
	end_receive_bytes(&e, data + 219, 1);
	assert_log(&e, "offered:4660 >Incoming-Call-Reply");
	assert_int_equal(e.last.incoming_reply.peer_call_id, 0x1234);
	assert_int_equal(e.last.incoming_reply.result, CONTROL_INCOMING_DO_NOT_ACCEPT);
}

/* Call-Clear-Request leaves no TCP connection open for ever, if the caller so wishes. */
static void connection_without_calls_is_stopped(void **state)
{
	struct end e;

	(void)state;
	end_begin(&e, CONTROL_RECEIVER);
	e.config.idle_timeout = SECONDS(10);
	RECEIVE(&e, CONTROL_START_REQUEST, .start.version = 0x0100);
	end_wait(&e, SECONDS(9));
	(void)end_call_in(&e);
	end_wait(&e, SECONDS(30));
	RECEIVE(&e, CONTROL_CALL_CLEAR_REQUEST, .clear_request.call_id = 800);
	e.log[0] = '\0';
	for (int i = 0; i < 9; i++) {
		end_wait(&e, SECONDS(1));
		RECEIVE(&e, CONTROL_ECHO_REQUEST, .echo_request.identifier = 1);
	}
	e.log[0] = '\0';
	end_wait(&e, SECONDS(1));
	assert_log(&e, ">Stop-Control-Connection-Request");
	end_wait(&e, SECONDS(5));
	assert_log(&e, "closed:idle-timeout[]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(receiver_answers_a_start_request),
		cmocka_unit_test(originator_begins_with_a_start_request),
		cmocka_unit_test(segments_do_not_matter),
		cmocka_unit_test(echo_after_60_s_of_silence),
		cmocka_unit_test(any_message_postpones_the_echo),
		cmocka_unit_test(unanswered_echo_ends_the_connection),
		cmocka_unit_test(a_probe_asks_at_once_and_has_little_patience),
		cmocka_unit_test(the_start_request_has_a_time_of_its_own),
		cmocka_unit_test(echo_before_start_holds_nothing_open),
		cmocka_unit_test(requested_version_decides),
		cmocka_unit_test(replied_version_decides),
		cmocka_unit_test(refused_start_is_told_in_words),
		cmocka_unit_test(call_messages_before_start_close),
		cmocka_unit_test(second_start_request_closes),
		cmocka_unit_test(peers_stop_ends_calls_then_closes),
		cmocka_unit_test(stop_waits_for_calls_then_for_the_reply),
		cmocka_unit_test(stop_inside_call_ended_is_sent_once),
		cmocka_unit_test(stop_takes_5_s_at_most),
		cmocka_unit_test(both_stop_at_once),
		cmocka_unit_test(lost_while_stopping_keeps_the_reason),
		cmocka_unit_test(malformed_stream_closes_at_once),
		cmocka_unit_test(largest_legal_message_is_taken),
		cmocka_unit_test(connection_without_calls_is_stopped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
