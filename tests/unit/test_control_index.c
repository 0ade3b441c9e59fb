/* lib/control/index and the order of deadlines: many calls in one connection, against a plain search. */
#include "lib/control/index.h"

#include "lib/control/internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MANY 3000

static struct control_connection c;
static struct control_call calls[MANY];
static bool there[MANY];
static bool quiet; /* the calls are others than `calls` */
static struct control_config config;

static void on_send(void *user, const uint8_t *data, size_t len)
{
	(void)user;
	(void)data;
	(void)len;
}

static void on_ended(
	void *user, struct control_call *call, enum pptp_reason reason, const char *detail)
{
	(void)user;
	(void)reason;
	(void)detail;
	if (!quiet)
		there[call - calls] = false;
}

static void on_closed(void *user, enum pptp_reason reason, const char *detail)
{
	(void)user;
	(void)reason;
	(void)detail;
}

static const struct control_ops ops = {
	.send = on_send, .call_ended = on_ended, .closed = on_closed
};

static uint32_t next_random(void)
{
	static uint32_t x = 7;

	x = x * 1664525 + 1013904223;
	return x >> 8;
}

static void begin(void)
{
	memset(there, 0, sizeof(there));
	control_connection_init(&c, CONTROL_RECEIVER, &config, &ops, NULL, 1);
	c.state = CONTROL_ESTABLISHED;
	c.deadline = c.idle_deadline = UINT64_MAX;
}

static void end(void)
{
	control_connection_lost(&c, PPTP_TCP_CLOSED, "", c.now);
	assert_null(c.calls);
	assert_null(c.index);
	assert_null(c.waiting.first);
	assert_null(c.hung_up.first);
}

/* Whether the index finds what a search through all of them would. */
static void assert_right(uint16_t id)
{
	const struct control_call *own = control_index_find_own(&c, id), *peer = NULL;
	unsigned int found = 0, want = 0;
	bool known = false;

	while ((peer = control_index_find_peer(&c, id, peer)) != NULL) {
		assert_int_equal(peer->peer_call_id, id);
		found++;
	}
	for (size_t i = 0; i < MANY; i++) {
		if (!there[i])
			continue;
		known = known || calls[i].call_id == id;
		want += calls[i].peer_call_id_known && calls[i].peer_call_id == id;
	}
	assert_int_equal(found, want);
	assert_true(known == (own != NULL) && (!own || own->call_id == id));
}

static void assert_list(const struct control_waiting *w)
{
	const struct control_call *before = NULL;

	for (const struct control_call *call = w->first; call; call = call->wait_next) {
		assert_true(!before || call->deadline >= before->deadline);
		assert_ptr_equal(call->wait_prev, before);
		before = call;
	}
	assert_ptr_equal(w->last, before);
}

static void assert_in_order(void)
{
	uint64_t least = UINT64_MAX;

	assert_list(&c.waiting);
	assert_list(&c.hung_up);
	for (const struct control_call *call = c.calls; call; call = call->next) {
		if (call->deadline < least)
			least = call->deadline;
	}
	assert_int_equal(control_connection_deadline(&c), least);
}

static void change(size_t i, unsigned int spread)
{
	struct control_call *call = &calls[i];

	c.now += next_random() % 1000;
	if (!there[i]) {
		there[i] = true;
		control_call_add(&c, call, CONTROL_PAC, false, CONTROL_CALL_WAIT_CS_ANS,
			(uint16_t)(i * spread));
	} else if (!call->peer_call_id_known) {
		control_call_set_peer(call, (uint16_t)(next_random() % MANY * spread), 1, 0);
	} else if (call->deadline != UINT64_MAX && next_random() % 2) {
		control_call_enter(call, CONTROL_CALL_ESTABLISHED, UINT64_MAX);
	} else {
		control_call_end(call, PPTP_PEER_REQUEST, "");
	}
}

/* IDs in a row, and IDs that share as many buckets as possible. */
static void the_index_finds_what_a_search_finds(void **state)
{
	static const unsigned int spreads[] = { 1, 21 /* odd: all of them differ */, 64 };

	(void)state;
	for (size_t k = 0; k < sizeof(spreads) / sizeof(spreads[0]); k++) {
		size_t limit = spreads[k] == 64 ? 1000 : MANY;

		begin();
		for (unsigned int n = 0; n < 20000; n++) {
			change(next_random() % limit, spreads[k]);
			if (n % 50 == 0) {
				assert_right((uint16_t)(next_random() % MANY * spreads[k]));
				assert_in_order();
			}
		}
		assert_non_null(c.index);
		end();
	}
}

static void few_calls_take_no_index(void **state)
{
	(void)state;
	begin();
	for (size_t i = 0; i < INDEX_FROM - 1; i++)
		change(i, 1);
	assert_null(c.index);
	assert_right(3);
	end();
}

/* Longest first: each time-out is taken at its time, and only then. */
static void each_deadline_is_taken_in_turn(void **state)
{
	(void)state;
	config.answer_timeout = 5 * CONTROL_SECOND;
	begin();
	for (size_t i = 0; i < 100; i++) {
		c.now = 1000 * i;
		there[i] = true;
		control_call_add(
			&c, &calls[i], CONTROL_PAC, false, CONTROL_CALL_WAIT_CS_ANS, (uint16_t)i);
	}
	for (size_t i = 0; i < 100; i++) {
		uint64_t deadline = control_connection_deadline(&c);

		assert_int_equal(deadline, 1000 * i + 5 * CONTROL_SECOND);
		control_connection_tick(&c, deadline - 1);
		assert_true(there[i]);
		control_connection_tick(&c, deadline);
		assert_false(there[i]);
	}
	config.answer_timeout = 0;
	end();
}

/* Each would pass by all that wait for a reply, which are minutes with so many. */
static void many_that_wait_can_be_hung_up(void **state)
{
	const struct control_call_params params = { .phone = "", .subaddress = "" };
	const size_t count = 60000;
	struct control_call *many = calloc(count, sizeof(*many));

	(void)state;
	begin();
	for (size_t i = 0; i < count; i++) {
		struct control_call_params own = params;

		own.call_id = (uint16_t)i;
		assert_int_equal(control_call_dial(&c, &many[i], &own, 1 + i), 0);
	}
	for (size_t i = 0; i < count; i++)
		control_call_hangup(&many[i], PPTP_SHUTDOWN, NULL, count + i);
	assert_null(c.waiting.first);
	assert_in_order();
	assert_int_equal(control_connection_deadline(&c), many[0].deadline);
	/* A notification that names none is that of the first, and so on. */
	assert_ptr_equal(c.hung_up.first, &many[0]);
	assert_ptr_equal(c.hung_up.last, &many[count - 1]);
	quiet = true;
	end();
	quiet = false;
	free(many);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_index_finds_what_a_search_finds),
		cmocka_unit_test(few_calls_take_no_index),
		cmocka_unit_test(each_deadline_is_taken_in_turn),
		cmocka_unit_test(many_that_wait_can_be_hung_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
