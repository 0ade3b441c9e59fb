/*
 * Faults that other implementations of the control connection had (tests/pitfalls.md): a test is
 * named after the fault that it would find here. See test_pitfalls_sockets.c for those that need a
 * socket.
 */
#include "tests/unit/control_end.h"

/* A message of this type and length as raw octets; the body is filled with `fill`. */
static size_t raw(uint8_t *out, uint16_t length, uint8_t type, uint8_t fill, size_t size)
{
	static const uint8_t head[] = { 0, 0, 0, 1, 0x1a, 0x2b, 0x3c, 0x4d, 0, 0, 0, 0 };

	memset(out, fill, size);
	memcpy(out, head, size < sizeof(head) ? size : sizeof(head));
	out[0] = (uint8_t)(length >> 8);
	out[1] = (uint8_t)length;
	if (size > 9)
		out[9] = type;
	return size;
}

static void begin(struct end *e, enum control_role role, bool established)
{
	if (established)
		end_begin_established(e, role);
	else
		end_begin(e, role);
}

/* ---- the length field ---- */

/* Closed with a reason at the second octet: nothing is waited for, nothing read on. */
static void assert_length_closes(uint16_t length)
{
	for (int n = 0; n < 4; n++) {
		uint8_t data[1000];
		struct end e;

		begin(&e, n & 1 ? CONTROL_ORIGINATOR : CONTROL_RECEIVER, n & 2);
		raw(data, length, CONTROL_ECHO_REQUEST, 0, 2);
		end_receive_bytes(&e, data, 1);
		assert_false(e.closed);
		end_receive_bytes(&e, data + 1, 1);
		assert_true(e.closed);
		assert_int_equal(e.reason, PPTP_CONTROL_MALFORMED);
		assert_non_null(strstr(e.log, "length")); /* it says why */

		begin(&e, n & 1 ? CONTROL_ORIGINATOR : CONTROL_RECEIVER, n & 2);
		raw(data, length, CONTROL_ECHO_REQUEST, 0, sizeof(data));
		end_receive_bytes(&e, data, sizeof(data));
		assert_true(e.closed);
		assert_int_equal(e.reason, PPTP_CONTROL_MALFORMED);
	}
}

static void a_length_of_0_closes(void **unused)
{
	(void)unused;
	assert_length_closes(0);
}

static void a_length_below_the_header_closes(void **unused)
{
	(void)unused;
	for (uint16_t length = 1; length < CONTROL_HEADER_SIZE; length++)
		assert_length_closes(length);
}

static void a_length_above_the_largest_message_closes(void **unused)
{
	static const uint16_t lengths[] = { 221, 222, 256, 1000, 1460, 0x7fff, 0x8000, 0xff00,
		0xfffe, 0xffff };

	(void)unused;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
		assert_length_closes(lengths[i]);
}

static void the_largest_legal_message_is_taken(void **unused)
{
	uint8_t data[2 * CONTROL_MESSAGE_MAX];
	struct end e;

	(void)unused;
	for (unsigned int cut = 0; cut < CONTROL_MESSAGE_MAX; cut++) {
		end_begin_established(&e, CONTROL_RECEIVER);
		raw(data, 220, CONTROL_INCOMING_CALL_REQUEST, 0, 220);
		raw(data + 220, 220, CONTROL_INCOMING_CALL_REQUEST, 0x20, 220);
		end_receive_bytes(&e, data, 220 + cut); /* the second one may come in two parts */
		end_receive_bytes(&e, data + 220 + cut, 220 - cut);
		assert_false(e.closed);
		assert_int_equal(e.c.sent, 3); /* the start's, and one each */
		assert_int_equal(e.last.type, CONTROL_INCOMING_CALL_REPLY);
		assert_int_equal(e.last.incoming_reply.peer_call_id, 0x2020);
	}
}

/* ---- segments ---- */

static void every_message_of_a_segment_is_answered_at_once(void **unused)
{
	uint8_t data[40 * 16];
	struct end e;

	(void)unused;
	for (unsigned int count = 2; count <= 40; count += 19) {
		end_begin_established(&e, CONTROL_RECEIVER);
		for (unsigned int i = 0; i < count; i++) {
			raw(data + i * 16, 16, CONTROL_ECHO_REQUEST, 0, 16);
			data[i * 16 + 15] = (uint8_t)i;
		}
		end_receive_bytes(&e, data, count * 16);
		assert_int_equal(e.out_len, count * 20);
		for (unsigned int i = 0; i < count; i++)
			assert_int_equal(e.out[i * 20 + 15], i);
	}
}

static void start_and_call_in_one_segment_are_both_answered(void **unused)
{
	uint8_t data[156 + 168];
	struct end e;

	(void)unused;
	end_begin(&e, CONTROL_RECEIVER);
	raw(data, 156, CONTROL_START_REQUEST, 0, 156);
	data[12] = 1; /* version 1.0 */
	raw(data + 156, 168, CONTROL_OUTGOING_CALL_REQUEST, 0, 168);
	end_receive_bytes(&e, data, sizeof(data));
	assert_int_equal(e.out_len, 156 + 32);
	assert_int_equal(e.c.call_count, 1);
}

/* ---- whose call ---- */

static void a_clear_with_a_wrong_call_id_ends_nobodys_call(void **unused)
{
	struct end e;

	(void)unused;
	end_begin_established(&e, CONTROL_RECEIVER);
	(void)end_call_in(&e); /* the peer's is 800, ours 100 */
	for (uint32_t id = 0; id < 65536; id++) {
		if (id == 800)
			continue;
		RECEIVE(&e, CONTROL_CALL_CLEAR_REQUEST, .clear_request.call_id = (uint16_t)id);
		assert_int_equal(e.c.call_count, 1);
	}
	assert_log(&e, "");
	assert_int_equal(e.c.unknown_call_id, 65535);
	RECEIVE(&e, CONTROL_CALL_CLEAR_REQUEST, .clear_request.call_id = 800);
	assert_int_equal(e.c.call_count, 0);
}

static void a_disconnect_with_a_wrong_call_id_ends_nobodys_call(void **unused)
{
	struct end e;

	(void)unused;
	end_begin_established(&e, CONTROL_ORIGINATOR);
	(void)end_call_out(&e); /* ours is 5, the peer's 900 */
	for (uint32_t id = 0; id < 65536; id++) {
		if (id != 900 && id != 5) /* 5: Linux' NAT, see test_control_hangup.c */
			RECEIVE(&e, CONTROL_CALL_DISCONNECT_NOTIFY,
				.disconnect.call_id = (uint16_t)id);
		assert_int_equal(e.c.call_count, 1);
	}
	RECEIVE(&e, CONTROL_CALL_DISCONNECT_NOTIFY, .disconnect.call_id = 900);
	assert_int_equal(e.c.call_count, 0);
}

/* Where each message of ours has Call IDs: in network byte order, the right one, once. */
static void call_ids_are_in_network_byte_order(void **unused)
{
	struct control_call *call;
	struct end e;

	(void)unused;
	end_begin_established(&e, CONTROL_RECEIVER);
	e.next_call_id = 0x1234;
	RECEIVE(&e, CONTROL_OUTGOING_CALL_REQUEST, .outgoing_request = { .call_id = 0x5678 });
	assert_memory_equal(e.out + 12, "\x12\x34\x56\x78", 4);
	e.out_len = 0;
	RECEIVE(&e, CONTROL_CALL_CLEAR_REQUEST, .clear_request.call_id = 0x5678);
	assert_int_equal(e.out[9], CONTROL_CALL_DISCONNECT_NOTIFY);
	assert_memory_equal(e.out + 12, "\x12\x34", 2);

	end_begin_established(&e, CONTROL_ORIGINATOR);
	call = end_dial(&e, 0x1234);
	assert_memory_equal(e.out + 12, "\x12\x34", 2);
	RECEIVE(&e, CONTROL_OUTGOING_CALL_REPLY,
		.outgoing_reply = { .call_id = 0x5678, .peer_call_id = 0x1234, .result = 1 });
	assert_int_equal(call->peer_call_id, 0x5678);
	e.out_len = 0;
	control_call_link_info(call, 1, 2, e.now);
	assert_memory_equal(e.out + 12, "\x56\x78", 2);
	e.out_len = 0;
	control_call_hangup(call, PPTP_LOCAL_REQUEST, NULL, e.now);
	assert_int_equal(e.out[9], CONTROL_CALL_CLEAR_REQUEST);
	assert_memory_equal(e.out + 12, "\x12\x34", 2);
}

/* ---- nothing is held open for ever ---- */

/* A peer that answers every Echo-Request for so long, and sends its own. */
static void echoes_for(struct end *e, unsigned int seconds)
{
	for (unsigned int s = 0; s < seconds && !e->closed; s += 5) {
		end_wait(e, SECONDS(5));
		if (!e->closed && e->c.echo_outstanding)
			RECEIVE(e, CONTROL_ECHO_REPLY,
				.echo_reply = { .identifier = e->c.echo_identifier, .result = 1 });
		if (!e->closed)
			RECEIVE(e, CONTROL_ECHO_REQUEST, .echo_request.identifier = s);
		e->log[0] = '\0';
	}
}

static void echoes_before_start_hold_nothing_open(void **unused)
{
	struct end e;

	(void)unused;
	end_begin(&e, CONTROL_RECEIVER);
	echoes_for(&e, 65);
	assert_true(e.closed);
}

static void echoes_without_a_call_hold_nothing_open(void **unused)
{
	struct end e;

	(void)unused;
	end_begin(&e, CONTROL_RECEIVER);
	e.config.idle_timeout = SECONDS(60);
	RECEIVE(&e, CONTROL_START_REQUEST, .start.version = 0x0100);
	echoes_for(&e, 75);
	assert_true(e.closed);
}

static void a_connection_whose_call_was_cleared_ends(void **unused)
{
	struct end e;

	(void)unused;
	end_begin(&e, CONTROL_RECEIVER);
	e.config.idle_timeout = SECONDS(60);
	RECEIVE(&e, CONTROL_START_REQUEST, .start.version = 0x0100);
	(void)end_call_in(&e);
	echoes_for(&e, 300);
	assert_false(e.closed); /* a call is what it is there for */
	RECEIVE(&e, CONTROL_CALL_CLEAR_REQUEST, .clear_request.call_id = 800);
	assert_int_equal(e.c.call_count, 0);
	echoes_for(&e, 75);
	assert_true(e.closed);
}

/* One octet in ten seconds, of a message that is legal as far as it goes. */
static void a_trickle_of_octets_puts_off_no_deadline(void **unused)
{
	uint8_t data[220];

	(void)unused;
	for (int n = 0; n < 4; n++) {
		unsigned int seconds = 0;
		struct end e;

		begin(&e, n & 1 ? CONTROL_ORIGINATOR : CONTROL_RECEIVER, n & 2);
		raw(data, 220, CONTROL_INCOMING_CALL_REQUEST, 0, 220);
		for (size_t i = 0; i < sizeof(data) && !e.closed; i++, seconds += 10) {
			end_receive_bytes(&e, data + i, 1);
			end_wait(&e, SECONDS(10));
		}
		assert_true(e.closed);
		assert_true(seconds <= 130);
	}
}

static void a_silent_peer_holds_no_state_open(void **unused)
{
	(void)unused;
	for (int n = 0; n < 10; n++) {
		struct end e;

		begin(&e, n & 1 ? CONTROL_ORIGINATOR : CONTROL_RECEIVER, n > 1);
		switch (n / 2) {
		case 1:
			break;
		case 2:
			e.answer = TAKE;
			(void)end_call_in(&e);
			break;
		case 3:
			(void)end_call_in(&e);
			(void)end_call_out(&e);
			break;
		case 4:
			(void)end_dial(&e, 5);
			end_stop(&e, PPTP_SHUTDOWN);
			break;
		default:
			break;
		}
		end_wait(&e, SECONDS(125));
		assert_true(e.closed);
	}
}

/* ---- anything at any time ---- */

static const uint8_t sizes[16] = { 0, 156, 156, 16, 16, 16, 20, 168, 32, 220, 24, 28, 16, 148, 40,
	24 };

/* Every type, with a body of zeros and with the Call IDs of the calls in both places. */
static void receive_anything(struct end *e)
{
	static const uint16_t ids[] = { 0, 800, 900, 5, 100 };

	for (uint8_t type = 1; type <= 15; type++) {
		for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
			uint8_t data[220];
			size_t len = raw(data, sizes[type], type, 0, sizes[type]);

			data[12] = (uint8_t)(ids[i] >> 8);
			data[13] = (uint8_t)ids[i];
			if (type == CONTROL_START_REQUEST || type == CONTROL_START_REPLY)
				data[12] = 1;
			if (len > 16)
				memcpy(data + 14, data + 12, 2);
			end_receive_bytes(e, data, len);
			if (e->closed)
				return;
		}
	}
}

static void anything_after_stop_is_harmless(void **unused)
{
	(void)unused;
	for (int role = 0; role < 2; role++) {
		for (uint8_t type = 1; type <= 15; type++) {
			uint8_t data[220];
			struct end e;

			/* the peer's Stop, and more in the same segment and after it */
			end_begin_established(&e, (enum control_role)role);
			raw(data, 16, CONTROL_STOP_REQUEST, 0, 16);
			data[12] = 1;
			end_receive_bytes(&e, data, 16);
			assert_int_equal(e.c.call_count, 0);
			e.log[0] = '\0';
			raw(data, sizes[type], type, 0, sizes[type]);
			end_receive_bytes(&e, data, sizes[type]);
			assert_null(strstr(e.log, "up:"));
			assert_null(strstr(e.log, "asked:"));

			/* our Stop */
			end_begin_established(&e, (enum control_role)role);
			end_stop(&e, PPTP_ADMIN);
			e.log[0] = '\0';
			end_receive_bytes(&e, data, sizes[type]);
			assert_null(strstr(e.log, "asked:"));
			end_wait(&e, SECONDS(5));
			assert_true(e.closed);
			assert_int_equal(e.reason, PPTP_ADMIN);
		}
	}
}

static void anything_at_teardown_is_harmless(void **unused)
{
	(void)unused;
	for (int role = 0; role < 2; role++) {
		for (int how = 0; how < 4; how++) {
			struct end e;

			end_begin_established(&e, (enum control_role)role);
			(void)end_call_in(&e);
			(void)end_call_out(&e);
			if (how == 1)
				e.provoke = LOSE;
			else if (how == 2)
				e.provoke = HANG_UP_ALL;
			else if (how == 3)
				e.provoke = STOP;
			if (how == 0)
				end_stop(&e, PPTP_SHUTDOWN);
			receive_anything(&e);
			e.provoke = NOTHING;
			end_wait(&e, SECONDS(125));
			assert_true(e.closed);
			for (size_t i = 0; i < CALLS; i++)
				assert_int_equal(e.begun[i], e.ended[i]);
		}
	}
}

static void a_repeated_message_counts_once(void **unused)
{
	struct end e;

	(void)unused;
	end_begin_established(&e, CONTROL_RECEIVER);
	(void)end_call_in(&e);
	RECEIVE(&e, CONTROL_OUTGOING_CALL_REQUEST, .outgoing_request = { .call_id = 800 });
	assert_int_equal(e.c.call_count, 1);
	assert_null(strstr(e.log, "asked:"));
	e.log[0] = '\0';
	RECEIVE(&e, CONTROL_CALL_CLEAR_REQUEST, .clear_request.call_id = 800);
	RECEIVE(&e, CONTROL_CALL_CLEAR_REQUEST, .clear_request.call_id = 800);
	assert_log(&e, ">Call-Disconnect-Notify ended:100:peer-request[Call-Clear-Request]");

	end_begin_established(&e, CONTROL_ORIGINATOR);
	(void)end_call_out(&e);
	RECEIVE(&e, CONTROL_OUTGOING_CALL_REPLY,
		.outgoing_reply = { .call_id = 901, .peer_call_id = 5, .result = 1 });
	assert_int_equal(e.c.calls->peer_call_id, 900);
	assert_log(&e, "");
}

static void two_calls_at_once_stay_apart(void **unused)
{
	struct control_call *out, *in = NULL;
	struct end e;

	(void)unused;
	end_begin_established(&e, CONTROL_RECEIVER);
	out = end_dial(&e, 5); /* both ends ask at once, under the same number */
	e.next_call_id = 6;
	RECEIVE(&e, CONTROL_OUTGOING_CALL_REQUEST, .outgoing_request = { .call_id = 5 });
	RECEIVE(&e, CONTROL_OUTGOING_CALL_REPLY,
		.outgoing_reply = { .call_id = 6, .peer_call_id = 5, .result = 1 });
	assert_int_equal(e.c.call_count, 2);
	for (struct control_call *c = e.c.calls; c; c = c->next)
		in = c != out ? c : in;
	assert_int_equal(out->state, CONTROL_CALL_ESTABLISHED);
	assert_int_equal(in->state, CONTROL_CALL_ESTABLISHED);
	assert_int_equal(out->peer_call_id, 6);
	assert_int_equal(in->peer_call_id, 5);
	e.log[0] = '\0';
	RECEIVE(&e, CONTROL_CALL_CLEAR_REQUEST, .clear_request.call_id = 5); /* of its call */
	assert_int_equal(e.c.call_count, 1);
	assert_ptr_equal(e.c.calls, out);
	RECEIVE(&e, CONTROL_CALL_DISCONNECT_NOTIFY, .disconnect.call_id = 6);
	assert_int_equal(e.c.call_count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_length_of_0_closes),
		cmocka_unit_test(a_length_below_the_header_closes),
		cmocka_unit_test(a_length_above_the_largest_message_closes),
		cmocka_unit_test(the_largest_legal_message_is_taken),
		cmocka_unit_test(every_message_of_a_segment_is_answered_at_once),
		cmocka_unit_test(start_and_call_in_one_segment_are_both_answered),
		cmocka_unit_test(a_clear_with_a_wrong_call_id_ends_nobodys_call),
		cmocka_unit_test(a_disconnect_with_a_wrong_call_id_ends_nobodys_call),
		cmocka_unit_test(call_ids_are_in_network_byte_order),
		cmocka_unit_test(echoes_before_start_hold_nothing_open),
		cmocka_unit_test(echoes_without_a_call_hold_nothing_open),
		cmocka_unit_test(a_connection_whose_call_was_cleared_ends),
		cmocka_unit_test(a_trickle_of_octets_puts_off_no_deadline),
		cmocka_unit_test(a_silent_peer_holds_no_state_open),
		cmocka_unit_test(anything_after_stop_is_harmless),
		cmocka_unit_test(anything_at_teardown_is_harmless),
		cmocka_unit_test(a_repeated_message_counts_once),
		cmocka_unit_test(two_calls_at_once_stay_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
