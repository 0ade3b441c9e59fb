/*
 * What is told of a call's line, RFC 2637 sections 2.14 and 2.15: WAN-Error-Notify of a PAC, at most
 * once in 60 s and cumulative, and Set-Link-Info of a PNS; whose Call ID they carry, in which states.
 */
#include "tests/unit/control_end.h"

static void line_errors(struct end *e, struct control_call *call, uint32_t crc)
{
	struct control_wan_error totals = { .peer_call_id = 7777,
		.crc = crc,
		.framing = 2,
		.hardware = 3,
		.buffer = 4,
		.time_out = 5,
		.alignment = 6 };

	control_call_line_errors(call, &totals, e->now);
	end_check(e);
}

/* Keeps the connection from asking for echoes. */
static void keep_alive(struct end *e)
{
	RECEIVE(e, CONTROL_STOP_REPLY, .stop_reply.result = 1);
}

static void pac_reports_line_errors(void **state)
{
	struct end e;

	(void)state;
	for (int incoming = 0; incoming < 2; incoming++) {
		end_begin_established(&e, CONTROL_RECEIVER);
		line_errors(&e, incoming ? end_ring_out(&e) : end_call_in(&e), 1);
		assert_log(&e, ">WAN-Error-Notify");
		assert_int_equal(e.last.wan_error.peer_call_id, incoming ? 901 : 800);
		assert_int_equal(e.last.wan_error.crc, 1);
		assert_int_equal(e.last.wan_error.framing, 2);
		assert_int_equal(e.last.wan_error.hardware, 3);
		assert_int_equal(e.last.wan_error.buffer, 4);
		assert_int_equal(e.last.wan_error.time_out, 5);
		assert_int_equal(e.last.wan_error.alignment, 6);
	}
}

static void line_errors_go_out_once_in_60_s(void **state)
{
	struct control_call *call;
	struct end e;

	(void)state;
	end_begin_established(&e, CONTROL_RECEIVER);
	e.config.echo_interval = SECONDS(1000);
	call = end_call_in(&e);
	keep_alive(&e);
	line_errors(&e, call, 1);
	line_errors(&e, call, 2);
	end_wait(&e, SECONDS(30));
	line_errors(&e, call, 3);
	end_wait(&e, SECONDS(30) - 1);
	assert_log(&e, ">WAN-Error-Notify");
	end_wait(&e, 1); /* what came in between, in one */
	assert_log(&e, ">WAN-Error-Notify");
	assert_int_equal(e.last.wan_error.crc, 3);
	line_errors(&e, call, 3); /* no error since */
	end_wait(&e, SECONDS(120));
	assert_log(&e, "");
	line_errors(&e, call, 4); /* the last one is long ago: at once */
	assert_log(&e, ">WAN-Error-Notify");
	assert_int_equal(e.last.wan_error.crc, 4);
}

static void no_errors_are_not_reported(void **state)
{
	static const struct control_wan_error none;
	struct control_call *call;
	struct end e;

	(void)state;
	end_begin_established(&e, CONTROL_RECEIVER);
	call = end_call_in(&e);
	control_call_line_errors(call, &none, e.now);
	assert_log(&e, "");
}

/* "The counters are reset when a new call is established", section 2.14; so is the waiting. */
static void line_errors_begin_anew_with_each_call(void **state)
{
	struct control_call *call;
	struct end e;

	(void)state;
	end_begin_established(&e, CONTROL_RECEIVER);
	call = end_call_in(&e);
	line_errors(&e, call, 1);
	line_errors(&e, call, 2); /* waits, and goes with the call */
	end_hangup(&e, call, 0);
	e.log[0] = '\0';
	end_wait(&e, SECONDS(59));
	assert_log(&e, "");
	call = end_call_in(&e);
	line_errors(&e, call, 1);
	assert_log(&e, ">WAN-Error-Notify");
}

static void pns_sends_link_info(void **state)
{
	struct end e;

	(void)state;
	end_begin_established(&e, CONTROL_RECEIVER);
	for (int incoming = 0; incoming < 2; incoming++) {
		struct control_call *call = incoming ? end_ring_in(&e) : end_call_out(&e);

		control_call_link_info(call, 0x000a0000, 0xffffffff, e.now);
		control_call_link_info(call, 0x000a0000, 0xffffffff, e.now); /* may be repeated */
		assert_log(&e, ">Set-Link-Info >Set-Link-Info");
		assert_int_equal(e.last.link_info.peer_call_id, incoming ? 801 : 900);
		assert_int_equal(e.last.link_info.send_accm, 0x000a0000);
		assert_int_equal(e.last.link_info.receive_accm, 0xffffffff);
	}
}

static void neither_is_sent_in_the_other_role_or_state(void **state)
{
	struct control_call *call;
	struct end e;

	(void)state;
	end_begin_established(&e, CONTROL_RECEIVER);
	control_call_link_info(end_call_in(&e), 0, 0, e.now);
	line_errors(&e, end_call_out(&e), 1);
	e.line = TAKE;
	line_errors(&e, end_ring_out(&e), 1);
	assert_log(&e, "");
	call = end_dial(&e, 11);
	e.log[0] = '\0';
	control_call_link_info(call, 0, 0, e.now);
	end_stop(&e, PPTP_SHUTDOWN);
	e.log[0] = '\0';
	control_call_link_info(call, 0, 0, e.now);
	line_errors(&e, call, 2);
	assert_log(&e, "");
	control_connection_lost(&e.c, PPTP_TCP_CLOSED, "", e.now);
	line_errors(&e, call, 2); /* a call that is over */
	control_call_link_info(call, 0, 0, e.now);
}

/* Received: the receiver's Call ID, in either role (RRAS), only while established. */
static void reports_reach_the_call_that_they_name(void **state)
{
	struct end e;

	(void)state;
	end_begin_established(&e, CONTROL_RECEIVER);
	(void)end_call_out(&e); /* 5 */
	(void)end_ring_in(&e);  /* 100 */
	RECEIVE(&e, CONTROL_SET_LINK_INFO, .link_info = { 5, 1, 2 });
	RECEIVE(&e, CONTROL_WAN_ERROR_NOTIFY, .wan_error = { .peer_call_id = 100, .crc = 8 });
	assert_log(&e, "link:5:1/2 wan:100:8");
	RECEIVE(&e, CONTROL_WAN_ERROR_NOTIFY, .wan_error.peer_call_id = 801);
	assert_int_equal(e.c.unknown_call_id, 1);
	assert_non_null(end_offer(&e, 6));
	e.log[0] = '\0';
	RECEIVE(&e, CONTROL_SET_LINK_INFO, .link_info = { 6, 1, 2 });
	assert_log(&e, "");
	assert_int_equal(e.c.unexpected, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pac_reports_line_errors),
		cmocka_unit_test(line_errors_go_out_once_in_60_s),
		cmocka_unit_test(no_errors_are_not_reported),
		cmocka_unit_test(line_errors_begin_anew_with_each_call),
		cmocka_unit_test(pns_sends_link_info),
		cmocka_unit_test(neither_is_sent_in_the_other_role_or_state),
		cmocka_unit_test(reports_reach_the_call_that_they_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
