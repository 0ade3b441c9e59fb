/*
 * RFC 2637 section 3.2 as a table: every state of a call, of both kinds and in both roles, against
 * every event there is: the messages that may name the call, what its owner may do, and time. What
 * the table does not list changes nothing, and a message is counted. Each message comes whole, one
 * octet at a time, and with another one in the same segment.
 */
#include "tests/unit/control_end.h"

enum place {
	DIALLED,      /* 3.2.4.2 PNS, wait_reply */
	TALKING_OUT,  /* established */
	CLEARING_OUT, /* wait_disconnect */
	ABORTED,      /* wait_disconnect, from wait_reply */
	PLACING,      /* 3.2.4.1 PAC, wait_cs_ans */
	PLACED,       /* established */
	OFFERED,      /* 3.2.3.1 PAC, wait_reply */
	ANSWERING,    /* accepted, the line is being answered */
	ANSWERED,     /* established */
	DECIDING,     /* 3.2.3.2 PNS, asked */
	HOPING,       /* wait_connect */
	TALKING_IN,   /* established */
	CLEARING_IN,  /* wait_disconnect */
	PLACES,
};

enum event {
	OUTGOING_REQUEST, /* with the Call ID that the peer uses for the call */
	OUTGOING_OK,
	OUTGOING_BUSY,
	INCOMING_REQUEST,
	INCOMING_OK,
	INCOMING_NO,
	CONNECTED,
	CLEAR,
	DISCONNECT,
	WAN_ERROR,
	LINK_INFO,
	MESSAGES,
	HANG_UP = MESSAGES,
	DO_REFUSE,
	DO_CONNECT,
	DO_ANSWERED,
	DO_ACCEPT,
	TIME,
	EVENTS,
};

static const char *const states[] = { "idle", "wait_reply", "wait_cs_ans", "wait_decision",
	"wait_answer", "wait_connect", "established", "wait_disconnect" };

#define CLOSED_FOR(call, what)                                                                     \
	"ended:" call ":control-timeout[" what "] closed:control-timeout[" what "] = idle"
#define CLEARED(call)                                                                              \
	">Call-Disconnect-Notify ended:" call ":peer-request[Call-Clear-Request] = idle"
#define LATE(call)      "ended:" call ":call-time-out[this end did not answer the call in time] = idle"
#define AS_WANTED(call) "ended:" call ":local-request[closed on request (result 4)] = idle"
#define BY_PEER(call)   "ended:" call ":peer-request[closed on request (result 4)] = idle"

static const struct {
	enum place place;
	enum event event;
	const char *log;
} arrows[] = {
	{ DIALLED, OUTGOING_OK, "up:5 = established" },
	{ DIALLED, OUTGOING_BUSY, "ended:5:call-busy[busy (result 4)] = idle" },
	{ DIALLED, HANG_UP, ">Call-Clear-Request = wait_disconnect" },
	{ DIALLED, TIME, CLOSED_FOR("5", "no Outgoing-Call-Reply") },
	{ TALKING_OUT, DISCONNECT, BY_PEER("5") },
	{ TALKING_OUT, WAN_ERROR, "wan:5:8 = established" },
	{ TALKING_OUT, LINK_INFO, "link:5:1/2 = established" },
	{ TALKING_OUT, HANG_UP, ">Call-Clear-Request = wait_disconnect" },
	{ CLEARING_OUT, DISCONNECT, AS_WANTED("5") },
	{ CLEARING_OUT, TIME, "ended:5:local-request[no Call-Disconnect-Notify] = idle" },
	{ ABORTED, OUTGOING_OK, " = wait_disconnect" }, /* now its Call ID is known */
	{ ABORTED, OUTGOING_BUSY, "ended:5:local-request[busy (result 4)] = idle" },
	{ ABORTED, DISCONNECT, AS_WANTED("5") },
	{ ABORTED, TIME, "ended:5:local-request[no Call-Disconnect-Notify] = idle" },
	{ PLACING, CLEAR, CLEARED("100") },
	{ PLACING, HANG_UP, ">Outgoing-Call-Reply ended:100:local-request[] = idle" },
	{ PLACING, DO_REFUSE,
		">Outgoing-Call-Reply ended:100:local-request[no carrier (result 3)] = idle" },
	{ PLACING, DO_CONNECT, ">Outgoing-Call-Reply = established" },
	{ PLACING, TIME, ">Outgoing-Call-Reply " LATE("100") },
	{ PLACED, CLEAR, CLEARED("100") },
	{ PLACED, WAN_ERROR, "wan:100:8 = established" },
	{ PLACED, LINK_INFO, "link:100:1/2 = established" },
	{ PLACED, HANG_UP, ">Call-Disconnect-Notify ended:100:local-request[] = idle" },
	{ OFFERED, INCOMING_OK, "accepted:6 = wait_answer" },
	{ OFFERED, INCOMING_NO, "ended:6:call-refused[not accepted (result 3)] = idle" },
	{ OFFERED, HANG_UP, ">Call-Disconnect-Notify ended:6:local-request[] = idle" },
	{ OFFERED, TIME, CLOSED_FOR("6", "no Incoming-Call-Reply") },
	{ ANSWERING, CLEAR, CLEARED("6") },
	{ ANSWERING, HANG_UP, ">Call-Disconnect-Notify ended:6:local-request[] = idle" },
	{ ANSWERING, DO_ANSWERED, ">Incoming-Call-Connected = established" },
	{ ANSWERING, TIME,
		">Call-Disconnect-Notify ended:6:call-time-out[the line was not answered in time] "
		"= idle" },
	{ ANSWERED, CLEAR, CLEARED("6") },
	{ ANSWERED, WAN_ERROR, "wan:6:8 = established" },
	{ ANSWERED, LINK_INFO, "link:6:1/2 = established" },
	{ ANSWERED, HANG_UP, ">Call-Disconnect-Notify ended:6:local-request[] = idle" },
	{ DECIDING, DISCONNECT, BY_PEER("100") },
	{ DECIDING, HANG_UP, ">Incoming-Call-Reply ended:100:local-request[] = idle" },
	{ DECIDING, DO_REFUSE,
		">Incoming-Call-Reply ended:100:local-request[not accepted (result 3)] = idle" },
	{ DECIDING, DO_ACCEPT, ">Incoming-Call-Reply = wait_connect" },
	{ DECIDING, TIME, ">Incoming-Call-Reply " LATE("100") },
	{ HOPING, CONNECTED, "up:100 = established" },
	{ HOPING, DISCONNECT, BY_PEER("100") },
	{ HOPING, HANG_UP, ">Call-Clear-Request = wait_disconnect" },
	{ HOPING, TIME, CLOSED_FOR("100", "no Incoming-Call-Connected") },
	{ TALKING_IN, DISCONNECT, BY_PEER("100") },
	{ TALKING_IN, WAN_ERROR, "wan:100:8 = established" },
	{ TALKING_IN, LINK_INFO, "link:100:1/2 = established" },
	{ TALKING_IN, HANG_UP, ">Call-Clear-Request = wait_disconnect" },
	{ CLEARING_IN, DISCONNECT, AS_WANTED("100") },
	{ CLEARING_IN, TIME, "ended:100:local-request[no Call-Disconnect-Notify] = idle" },
};

static struct control_call *begin_incoming(struct end *e, enum place place)
{
	switch (place) {
	case OFFERED:
		return end_offer(e, 6);
	case ANSWERING:
		e->line = TAKE;
		return end_ring_out(e);
	case ANSWERED:
		return end_ring_out(e);
	case DECIDING:
	case HOPING:
		e->offers = place == HOPING ? CONNECT : TAKE;
		RECEIVE(e, CONTROL_INCOMING_CALL_REQUEST, .incoming_request.call_id = 801);
		return e->c.calls;
	default:
		(void)end_ring_in(e);
		if (place == CLEARING_IN)
			end_hangup(e, e->c.calls, 0);
		return e->c.calls;
	}
}

static struct control_call *begin(struct end *e, enum place place)
{
	struct control_call *call;

	end_begin_established(e, CONTROL_RECEIVER);
	e->config.echo_interval = SECONDS(1000);
	RECEIVE(e, CONTROL_STOP_REPLY); /* means nothing; the interval is asked for again */
	e->c.unexpected = 0;
	switch (place) {
	case DIALLED:
	case ABORTED:
		call = end_dial(e, 5);
		if (place == ABORTED)
			end_hangup(e, call, 0);
		break;
	case TALKING_OUT:
	case CLEARING_OUT:
		call = end_call_out(e);
		if (place == CLEARING_OUT)
			end_hangup(e, call, 0);
		break;
	case PLACING:
	case PLACED:
		e->answer = place == PLACING ? TAKE : CONNECT;
		call = end_call_in(e);
		break;
	default:
		call = begin_incoming(e, place);
		break;
	}
	assert_non_null(call);
	e->line = TAKE;
	e->answer = e->offers = REFUSE;
	e->log[0] = '\0';
	return call;
}

static struct control_message message(
	const struct control_call *call, enum event event, uint16_t theirs)
{
	static const enum control_type types[MESSAGES] = { CONTROL_OUTGOING_CALL_REQUEST,
		CONTROL_OUTGOING_CALL_REPLY, CONTROL_OUTGOING_CALL_REPLY,
		CONTROL_INCOMING_CALL_REQUEST, CONTROL_INCOMING_CALL_REPLY,
		CONTROL_INCOMING_CALL_REPLY, CONTROL_INCOMING_CALL_CONNECTED,
		CONTROL_CALL_CLEAR_REQUEST, CONTROL_CALL_DISCONNECT_NOTIFY,
		CONTROL_WAN_ERROR_NOTIFY, CONTROL_SET_LINK_INFO };
	struct control_message m = { .type = types[event] };
	uint16_t ours = call->call_id;

	switch (event) {
	case OUTGOING_REQUEST:
		m.outgoing_request.call_id = theirs;
		break;
	case OUTGOING_OK:
	case OUTGOING_BUSY:
		m.outgoing_reply = (struct control_outgoing_reply){ .call_id = theirs,
			.peer_call_id = ours,
			.result = event == OUTGOING_OK ? 1 : 4 };
		break;
	case INCOMING_REQUEST:
		m.incoming_request.call_id = theirs;
		break;
	case INCOMING_OK:
	case INCOMING_NO:
		m.incoming_reply = (struct control_incoming_reply){ .call_id = theirs,
			.peer_call_id = ours,
			.result = event == INCOMING_OK ? 1 : 3 };
		break;
	case CONNECTED:
		m.incoming_connected.peer_call_id = ours;
		break;
	case CLEAR:
		m.clear_request.call_id = theirs;
		break;
	case DISCONNECT:
		m.disconnect.call_id = theirs;
		m.disconnect.result = CONTROL_DISCONNECT_REQUEST;
		break;
	case WAN_ERROR:
		m.wan_error.peer_call_id = ours;
		m.wan_error.crc = 8;
		break;
	default: /* LINK_INFO */
		m.link_info = (struct control_link_info){ ours, 1, 2 };
		break;
	}
	return m;
}

/* What the table says, or what all states have in common. */
static const char *expected(enum place place, enum event event, bool known, const char *state)
{
	static char same[100];
	const char *log = "";

	for (size_t i = 0; i < sizeof(arrows) / sizeof(arrows[0]); i++) {
		if (arrows[i].place == place && arrows[i].event == event)
			return arrows[i].log;
	}
	/* A Call ID in use is refused before anybody is asked. */
	if (event == OUTGOING_REQUEST)
		log = known ? ">Outgoing-Call-Reply" : "asked:950 >Outgoing-Call-Reply";
	else if (event == INCOMING_REQUEST)
		log = known ? ">Incoming-Call-Reply" : "offered:950 >Incoming-Call-Reply";
	snprintf(same, sizeof(same), "%s = %s", log, state);
	return same;
}

enum delivery { WHOLE, OCTETS, WITH_ANOTHER };

static void deliver(struct end *e, const struct control_message *m, enum delivery how)
{
	static const struct control_message echo = { .type = CONTROL_ECHO_REQUEST };
	uint8_t buf[2 * CONTROL_MESSAGE_MAX];
	int len = control_message_encode(m, buf, sizeof(buf));

	assert_true(len > 0);
	if (how == WITH_ANOTHER)
		len += control_message_encode(&echo, buf + len, sizeof(buf) - (size_t)len);
	for (int i = 0; how == OCTETS && i < len; i++)
		end_receive_bytes(e, buf + i, 1);
	if (how != OCTETS)
		end_receive_bytes(e, buf, (size_t)len);
}

static void act(struct end *e, struct control_call *call, enum event event)
{
	struct control_call_params params = end_params(0);

	switch (event) {
	case HANG_UP:
		end_hangup(e, call, 0);
		break;
	case DO_REFUSE:
		control_call_refuse(call, CONTROL_OUTGOING_NO_CARRIER, 0, 0, e->now);
		break;
	case DO_CONNECT:
		control_call_connect(call, &params, e->now);
		break;
	case DO_ANSWERED:
		control_call_answered(call, &params, e->now);
		break;
	case DO_ACCEPT:
		control_call_accept(call, &params, e->now);
		break;
	default: /* TIME */
		if (call->deadline != UINT64_MAX)
			end_wait(e, call->deadline - e->now);
		break;
	}
	end_check(e);
}

/* An owner's call in the wrong state does nothing, so only messages are counted. */
static void try_event(enum place place, enum event event, enum delivery how)
{
	struct end e;
	struct control_call *call = begin(&e, place);
	bool known = call->peer_call_id_known;
	const char *want = expected(place, event, known, states[call->state]);
	bool nothing = want[0] == ' ' && !(place == ABORTED && event == OUTGOING_OK);
	char got[2100];

	if (event < MESSAGES) {
		struct control_message m = message(call, event, known ? call->peer_call_id : 950);

		deliver(&e, &m, how);
		assert_int_equal(e.c.unexpected + e.c.unknown_call_id, nothing);
	} else {
		act(&e, call, event);
		assert_int_equal(e.c.unexpected + e.c.unknown_call_id, 0);
	}
	if (how == WITH_ANOTHER) {
		char *last = strstr(e.log, ">Echo-Reply");

		assert_non_null(last);
		if (last > e.log)
			last--;
		assert_string_equal(last + (*last == ' '), ">Echo-Reply");
		*last = '\0';
	}
	snprintf(got, sizeof(got), "%s = %s", e.log, states[call->state]);
	if (strcmp(got, want) != 0)
		fail_msg("place %d, event %d, delivery %d: \"%s\" instead of \"%s\"", place, event,
			how, got, want);
	end_free(&e);
}

static void each_arrow_and_no_other(void **state)
{
	(void)state;
	for (int place = 0; place < PLACES; place++) {
		for (int event = 0; event < EVENTS; event++)
			try_event((enum place)place, (enum event)event, WHOLE);
	}
}

static void one_octet_at_a_time_or_two_messages_at_once_make_no_difference(void **state)
{
	(void)state;
	for (int place = 0; place < PLACES; place++) {
		for (int event = 0; event < MESSAGES; event++) {
			try_event((enum place)place, (enum event)event, OCTETS);
			try_event((enum place)place, (enum event)event, WITH_ANOTHER);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_arrow_and_no_other),
		cmocka_unit_test(one_octet_at_a_time_or_two_messages_at_once_make_no_difference),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
