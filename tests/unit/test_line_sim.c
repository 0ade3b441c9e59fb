/* The simulated exchange and its lines: call progress, outcomes, frames in time, errors, hang-up; virtual time. */
#include "session/line_sim.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* What a call (the line's user) was told. */
struct ear {
	struct line *line;
	unsigned int connected, failed, over, frames;
	struct line_connection connection;
	struct line_failure failure;
	enum pptp_reason reason;
	uint16_t cause;
	struct control_wan_error errors;
	uint8_t last[SIM_FRAME];
	size_t last_len;
	bool hang_up_on_frame, hang_up_when_connected;
};

static struct exchange x;
static struct ear caller, called;
static unsigned int rings, wakes;
static bool take_it; /* the one who is called makes a call of it */
static bool hang_up_when_it_rings;
static uint64_t now;

static void on_connected(void *user, const struct line_connection *connection)
{
	struct ear *e = user;

	e->connected++;
	e->connection = *connection;
	if (e->hang_up_when_connected)
		e->line->ops->hangup(e->line, PPTP_LOCAL_REQUEST, "", now);
}

static void on_failed(void *user, const struct line_failure *failure)
{
	struct ear *e = user;

	e->failed++;
	e->failure = *failure;
}

static void on_frame(void *user, uint16_t protocol, const uint8_t *data, size_t len)
{
	struct ear *e = user;

	assert_int_equal(protocol, 0);
	assert_int_equal(e->over, 0);
	e->frames++;
	memcpy(e->last, data, len);
	e->last_len = len;
	if (e->hang_up_on_frame)
		e->line->ops->hangup(e->line, PPTP_LOCAL_REQUEST, "", now);
}

static void on_errors(void *user, const struct control_wan_error *totals)
{
	((struct ear *)user)->errors = *totals;
}

static void on_over(void *user, const struct line_end *end)
{
	struct ear *e = user;

	e->over++;
	e->reason = end->reason;
	e->cause = end->cause;
}

static const struct line_user_ops ear_ops = {
	.connected = on_connected,
	.failed = on_failed,
	.frame = on_frame,
	.errors = on_errors,
	.over = on_over,
};

static void listen_to(struct ear *e, struct line *l)
{
	memset(e, 0, sizeof(*e));
	e->line = l;
	l->up = &ear_ops;
	l->user = e;
}

static void on_ring(void *owner, struct line *l, const struct line_call *call, uint64_t when)
{
	assert_ptr_equal(owner, &x);
	assert_true(when >= now);
	assert_string_equal(call->number, sim_line_of(l)->number);
	rings++;
	if (hang_up_when_it_rings)
		l->ops->hangup(l, PPTP_CALL_BUSY, "", when);
	if (take_it)
		listen_to(&called, l);
	else
		l->ops->release(l);
}

static void on_wake(void *owner)
{
	(void)owner;
	wakes++;
}

static const struct exchange_ops exchange_ops = { .line.ring = on_ring, .wake = on_wake };

static const struct sim_line_config office = {
	.name = "office", .number = "5551000", .speed = 64000, .delay = 2000000
};

static int set_up(void **state)
{
	(void)state;
	exchange_init(&x, &exchange_ops, &x);
	memset(&caller, 0, sizeof(caller));
	memset(&called, 0, sizeof(called));
	rings = wakes = 0;
	take_it = true;
	hang_up_when_it_rings = false;
	now = 1000000;
	return 0;
}

/* All is released at the end: nothing leaks, nothing is left (the sanitizer sees it). */
static int tear_down(void **state)
{
	(void)state;
	if (caller.line)
		caller.line->ops->release(caller.line);
	if (called.line)
		called.line->ops->release(called.line);
	assert_int_equal(x.circuit_count, 0);
	assert_null(x.circuits);
	exchange_done(&x);
	return 0;
}

/* To a time, through all deadlines on the way. */
static void run_to(uint64_t end)
{
	for (uint64_t d; (d = exchange_deadline(&x)) <= end;) {
		now = d > now ? d : now;
		exchange_tick(&x, now);
	}
	now = end;
	exchange_tick(&x, now);
}

static int dial_as(const struct sim_line_config *config, struct line_call *call)
{
	struct line_connection connection;
	struct line *l;

	if (config)
		assert_int_equal(exchange_add(&x, config), 0);
	l = exchange_outside_line(&x);
	assert_non_null(l);
	listen_to(&caller, l);
	return l->ops->dial(l, call, &connection, &caller.failure, now);
}

static int dial(const struct sim_line_config *config, const char *number)
{
	struct line_call call = { .min_bps = 300, .max_bps = 100000000, .framing = 3 };

	strcpy(call.number, number);
	return dial_as(config, &call);
}

static void answer(struct ear *e)
{
	struct line_connection connection = { 0 };

	assert_int_equal(e->line->ops->answer(e->line, &connection, now), 1);
	e->connection = connection;
}

/* Two ends that talk. */
static void talk(const struct sim_line_config *config)
{
	assert_int_equal(dial(config, config->number), 0);
	run_to(now + config->delay);
	assert_int_equal(rings, 1);
	answer(&called);
	caller.line->ops->start(caller.line, NULL, now);
	called.line->ops->start(called.line, NULL, now);
}

static void send(struct ear *e, size_t len, uint8_t first)
{
	uint8_t frame[SIM_FRAME + 1] = { first };

	e->line->ops->frame(e->line, 0, frame, len, now);
}

static void it_rings_after_call_progress(void **state)
{
	(void)state;
	assert_int_equal(dial(&office, "5551000"), 0);
	assert_int_equal(exchange_deadline(&x), now + 2000000);
	run_to(now + 1999999);
	assert_int_equal(rings, 0);
	run_to(now + 1);
	assert_int_equal(rings, 1);
	assert_int_equal(caller.connected + caller.failed, 0);
	answer(&called);
	assert_int_equal(caller.connected, 1);
	assert_int_equal(caller.connection.speed, 64000);
	assert_int_equal(called.connection.speed, 64000);
	assert_int_equal(caller.connection.framing, CONTROL_FRAMING_SYNC);
	assert_true(wakes > 0);
}

static void speed_is_what_the_caller_can_use(void **state)
{
	struct line_call call = { .number = "5551000", .max_bps = 9600, .framing = 1 };

	(void)state;
	assert_int_equal(dial_as(&office, &call), 0);
	run_to(now + 2000000);
	answer(&called);
	assert_int_equal(caller.connection.speed, 9600);
	assert_int_equal(caller.connection.framing, CONTROL_FRAMING_ASYNC);
}

static void too_slow_a_line_is_no_connection(void **state)
{
	struct line_call call = { .number = "5551000", .min_bps = 128000, .max_bps = 256000 };

	(void)state;
	assert_int_equal(dial_as(&office, &call), 0);
	run_to(now + 2000000);
	assert_int_equal(rings, 0);
	assert_int_equal(caller.failure.result, CONTROL_OUTGOING_NO_CARRIER);
}

static void unknown_number_fails_at_once(void **state)
{
	(void)state;
	assert_int_equal(dial(&office, "1"), -1);
	assert_int_equal(caller.failure.result, CONTROL_OUTGOING_NO_CARRIER);
	assert_int_equal(caller.failure.cause, LINE_CAUSE_UNASSIGNED);
	assert_int_equal(caller.failed, 0);
}

static void each_outcome_has_its_result_and_cause(void **state)
{
	static const struct {
		enum sim_outcome outcome;
		uint8_t result;
		uint16_t cause;
	} table[] = {
		{ SIM_BUSY, CONTROL_OUTGOING_BUSY, LINE_CAUSE_BUSY },
		{ SIM_NO_CARRIER, CONTROL_OUTGOING_NO_CARRIER, LINE_CAUSE_NO_RESPONSE },
		{ SIM_NO_DIAL_TONE, CONTROL_OUTGOING_NO_DIAL_TONE, LINE_CAUSE_NETWORK },
		{ SIM_TIME_OUT, CONTROL_OUTGOING_TIME_OUT, LINE_CAUSE_NO_ANSWER },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct sim_line_config config = office;

		config.name[0] = config.number[0] = (char)('a' + i);
		config.outcome = table[i].outcome;
		assert_int_equal(dial(&config, config.number), 0);
		run_to(now + 1999999);
		assert_int_equal(caller.failed, 0);
		run_to(now + 1);
		assert_int_equal(caller.failed, 1);
		assert_int_equal(caller.failure.result, table[i].result);
		assert_int_equal(caller.failure.error, 0);
		assert_int_equal(caller.failure.cause, table[i].cause);
		caller.line->ops->release(caller.line);
		caller.line = NULL;
		assert_int_equal(x.circuit_count, 0);
	}
	assert_int_equal(rings, 0);
}

static void a_silent_line_never_ends_by_itself(void **state)
{
	struct sim_line_config config = office;

	(void)state;
	config.outcome = SIM_SILENT;
	assert_int_equal(dial(&config, config.number), 0);
	run_to(now + 3600000000ull);
	assert_int_equal(caller.failed + caller.connected, 0);
	assert_int_equal(exchange_deadline(&x), UINT64_MAX);
	caller.line->ops->hangup(caller.line, PPTP_CALL_TIME_OUT, "", now);
	assert_int_equal(caller.over, 1);
	assert_int_equal(caller.reason, PPTP_CALL_TIME_OUT);
}

static void a_number_in_use_is_busy(void **state)
{
	struct ear first;

	(void)state;
	talk(&office);
	first = caller;
	first.line->user = &first;
	assert_int_equal(dial(NULL, "5551000"), 0);
	run_to(now + 2000000);
	assert_int_equal(caller.failure.result, CONTROL_OUTGOING_BUSY);
	assert_int_equal(rings, 1);
	caller.line->ops->release(caller.line);
	caller = first;
	caller.line->user = &caller;
}

static void it_is_free_again_when_hung_up(void **state)
{
	struct line *old[2];

	(void)state;
	talk(&office);
	caller.line->ops->hangup(caller.line, PPTP_LOCAL_REQUEST, "", now);
	old[0] = caller.line;
	old[1] = called.line;
	/* also before the ends of the old call are released */
	assert_int_equal(dial(NULL, "5551000"), 0);
	run_to(now + 2000000);
	assert_int_equal(rings, 2);
	old[0]->ops->release(old[0]);
	old[1]->ops->release(old[1]);
	assert_int_equal(x.circuit_count, 1);
}

static void who_is_not_taken_hears_no_carrier(void **state)
{
	(void)state;
	take_it = false;
	assert_int_equal(dial(&office, "5551000"), 0);
	run_to(now + 2000000);
	assert_int_equal(rings, 1);
	assert_int_equal(caller.failure.result, CONTROL_OUTGOING_NO_CARRIER);
	assert_int_equal(caller.failure.cause, LINE_CAUSE_OUT_OF_ORDER);
}

static void who_is_refused_hears_busy(void **state)
{
	(void)state;
	assert_int_equal(dial(&office, "5551000"), 0);
	run_to(now + 2000000);
	called.line->ops->lost(called.line, PPTP_CALL_PROHIBITED, "", now);
	assert_int_equal(called.over, 1);
	assert_int_equal(caller.failure.result, CONTROL_OUTGOING_BUSY);
	assert_int_equal(caller.failure.cause, LINE_CAUSE_REJECTED);
}

static void ringing_stops_when_the_caller_hangs_up(void **state)
{
	(void)state;
	assert_int_equal(dial(&office, "5551000"), 0);
	run_to(now + 2000000);
	caller.line->ops->hangup(caller.line, PPTP_PEER_REQUEST, "", now);
	assert_int_equal(caller.over, 1);
	assert_int_equal(caller.reason, PPTP_PEER_REQUEST);
	assert_int_equal(called.over, 1);
	assert_int_equal(called.reason, PPTP_LOST_CARRIER);
	assert_int_equal(called.line->ops->answer(called.line, &called.connection, now), -1);
}

static void an_owner_may_hang_up_a_line_without_a_call(void **state)
{
	(void)state;
	take_it = false;
	hang_up_when_it_rings = true;
	assert_int_equal(dial(&office, "5551000"), 0);
	run_to(now + 2000000);
	assert_int_equal(rings, 1);
	assert_int_equal(caller.failed, 1);
	assert_int_equal(caller.failure.result, CONTROL_OUTGOING_BUSY);
}

/* line.h: answer() calls nothing upwards, so the one who answers learns it by what that returns. */
static void answering_fails_when_the_caller_hangs_up_at_once(void **state)
{
	struct line_connection connection;

	(void)state;
	assert_int_equal(dial(&office, "5551000"), 0);
	run_to(now + 2000000);
	caller.hang_up_when_connected = true;
	assert_int_equal(called.line->ops->answer(called.line, &connection, now), -1);
	assert_int_equal(caller.connected, 1);
	assert_int_equal(caller.over, 1);
	called.line->ops->hangup(called.line, PPTP_LOCAL_REQUEST, "", now);
	assert_int_equal(called.over, 0); /* after a failure nothing is said */
	assert_null(x.in_use[0]);
}

static void frames_take_the_time_of_their_bits(void **state)
{
	(void)state;
	talk(&office);
	send(&caller, 796, 0x42); /* 800 octets with the overhead: 100 ms at 64 kbit/s */
	send(&caller, 76, 0x43);  /* 10 ms more */
	run_to(now + 99999);
	assert_int_equal(called.frames, 0);
	run_to(now + 1);
	assert_int_equal(called.frames, 1);
	assert_int_equal(called.last[0], 0x42);
	assert_int_equal(called.last_len, 796);
	run_to(now + 10000);
	assert_int_equal(called.frames, 2);
	assert_int_equal(called.last[0], 0x43);
	assert_int_equal(caller.frames, 0);
	send(&called, 76, 0x44);
	run_to(now + 10000);
	assert_int_equal(caller.last[0], 0x44);
}

static void frames_wait_for_an_end_that_has_not_started(void **state)
{
	(void)state;
	assert_int_equal(dial(&office, office.number), 0);
	run_to(now + office.delay);
	answer(&called);
	caller.line->ops->start(caller.line, NULL, now);
	send(&caller, 76, 1);
	run_to(now + 1000000);
	assert_int_equal(called.frames, 0);
	called.line->ops->start(called.line, NULL, now);
	run_to(now);
	assert_int_equal(called.frames, 1);
}

static void the_queue_is_bounded_and_its_losses_counted(void **state)
{
	(void)state;
	talk(&office);
	for (int i = 0; i < SIM_QUEUE + 5; i++)
		send(&caller, 1000, (uint8_t)i);
	assert_int_equal(caller.errors.buffer, 5);
	send(&caller, SIM_FRAME + 1, 0);
	assert_int_equal(caller.errors.buffer, 6);
	run_to(now + 60000000);
	assert_int_equal(called.frames, SIM_QUEUE);
	assert_int_equal(called.last[0], SIM_QUEUE - 1);
}

static void errors_come_by_the_pattern_with_all_kinds(void **state)
{
	struct sim_line_config config = office;

	(void)state;
	config.damage = 3;
	talk(&config);
	for (int i = 0; i < 36; i++) {
		send(&caller, 10, (uint8_t)i);
		run_to(now + 100000);
	}
	assert_int_equal(called.frames, 24);
	assert_int_equal(called.errors.crc, 2);
	assert_int_equal(called.errors.framing, 2);
	assert_int_equal(called.errors.hardware, 2);
	assert_int_equal(called.errors.buffer, 2);
	assert_int_equal(called.errors.time_out, 2);
	assert_int_equal(called.errors.alignment, 2);
	assert_int_equal(caller.errors.crc, 0);
}

static void the_carrier_is_lost_after_its_time(void **state)
{
	struct sim_line_config config = office;

	(void)state;
	config.lifetime = 5000000;
	talk(&config);
	send(&caller, 10, 0);
	run_to(now + 4999999);
	assert_int_equal(caller.over + called.over, 0);
	send(&caller, 1000, 0);
	run_to(now + 1);
	assert_int_equal(caller.over, 1);
	assert_int_equal(called.over, 1);
	assert_int_equal(caller.reason, PPTP_LOST_CARRIER);
	assert_int_equal(called.cause, LINE_CAUSE_NETWORK);
	run_to(now + 10000000);
	assert_int_equal(called.frames, 1);
	send(&caller, 10, 0); /* nothing happens */
	assert_int_equal(exchange_deadline(&x), UINT64_MAX);
}

static void the_far_end_hears_the_hang_up(void **state)
{
	(void)state;
	talk(&office);
	called.line->ops->hangup(called.line, PPTP_ADMIN, "", now);
	called.line->ops->hangup(called.line, PPTP_ADMIN, "", now);
	assert_int_equal(called.over, 1);
	assert_int_equal(called.reason, PPTP_ADMIN);
	assert_int_equal(caller.over, 1);
	assert_int_equal(caller.reason, PPTP_LOST_CARRIER);
	assert_int_equal(caller.cause, LINE_CAUSE_CLEARING);
}

static void hanging_up_inside_of_a_frame_is_safe(void **state)
{
	(void)state;
	talk(&office);
	called.hang_up_on_frame = true;
	for (int i = 0; i < 3; i++)
		send(&caller, 10, 0);
	run_to(now + 1000000);
	assert_int_equal(called.frames, 1);
	assert_int_equal(called.over, 1);
	assert_int_equal(caller.over, 1);
}

static void set_link_info_reaches_the_line(void **state)
{
	uint32_t send_accm = 0, receive_accm = 0;

	(void)state;
	talk(&office);
	sim_accm(caller.line, &send_accm, &receive_accm);
	assert_int_equal(send_accm, 0xffffffff);
	assert_int_equal(receive_accm, 0xffffffff);
	caller.line->ops->link_info(caller.line, 0x000a0000, 0);
	sim_accm(caller.line, &send_accm, &receive_accm);
	assert_int_equal(send_accm, 0x000a0000);
	assert_int_equal(receive_accm, 0);
	sim_accm(called.line, &send_accm, &receive_accm);
	assert_int_equal(send_accm, 0xffffffff);
}

static void circuits_are_bounded(void **state)
{
	struct line *lines[EXCHANGE_CIRCUITS];

	(void)state;
	for (int i = 0; i < EXCHANGE_CIRCUITS; i++) {
		lines[i] = exchange_outside_line(&x);
		assert_non_null(lines[i]);
	}
	assert_null(exchange_outside_line(&x));
	lines[7]->ops->release(lines[7]);
	lines[7] = exchange_outside_line(&x);
	assert_non_null(lines[7]);
	for (int i = 0; i < EXCHANGE_CIRCUITS; i++)
		lines[i]->ops->release(lines[i]);
}

static void lines_have_names_and_numbers_of_their_own(void **state)
{
	struct sim_line_config other = office;

	(void)state;
	assert_int_equal(exchange_add(&x, &office), 0);
	assert_int_equal(exchange_add(&x, &other), -EEXIST);
	strcpy(other.number, "5551001");
	assert_int_equal(exchange_add(&x, &other), -EEXIST);
	strcpy(other.name, "home");
	assert_int_equal(exchange_add(&x, &other), 0);
	other.number[0] = '\0';
	assert_int_equal(exchange_add(&x, &other), -EINVAL);
	assert_ptr_equal(exchange_find(&x, "5551001"), &x.lines[1]);
	assert_null(exchange_find(&x, "555"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(it_rings_after_call_progress),
		TEST(speed_is_what_the_caller_can_use),
		TEST(too_slow_a_line_is_no_connection),
		TEST(unknown_number_fails_at_once),
		TEST(each_outcome_has_its_result_and_cause),
		TEST(a_silent_line_never_ends_by_itself),
		TEST(a_number_in_use_is_busy),
		TEST(it_is_free_again_when_hung_up),
		TEST(who_is_not_taken_hears_no_carrier),
		TEST(who_is_refused_hears_busy),
		TEST(ringing_stops_when_the_caller_hangs_up),
		TEST(an_owner_may_hang_up_a_line_without_a_call),
		TEST(answering_fails_when_the_caller_hangs_up_at_once),
		TEST(frames_take_the_time_of_their_bits),
		TEST(frames_wait_for_an_end_that_has_not_started),
		TEST(the_queue_is_bounded_and_its_losses_counted),
		TEST(errors_come_by_the_pattern_with_all_kinds),
		TEST(the_carrier_is_lost_after_its_time),
		TEST(the_far_end_hears_the_hang_up),
		TEST(hanging_up_inside_of_a_frame_is_safe),
		TEST(set_link_info_reaches_the_line),
		TEST(circuits_are_bounded),
		TEST(lines_have_names_and_numbers_of_their_own),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
