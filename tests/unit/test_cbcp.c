/* lib/ppp/cbcp: both ends, for one outcome: nobody is called back. */
#include "lib/ppp/cbcp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SECOND 1000000ull
#define START  (1000 * SECOND)

static struct cbcp cbcp;
static struct {
	unsigned int sent, over;
	bool ok;
	char words[80];
	uint8_t packet[16];
	size_t len;
} seen;

static void on_send(void *user, const uint8_t *packet, size_t len)
{
	(void)user;
	assert_true(len <= sizeof(seen.packet));
	memcpy(seen.packet, packet, len);
	seen.len = len;
	seen.sent++;
}

static void on_done(void *user, bool ok, const char *words)
{
	(void)user;
	seen.over++;
	seen.ok = ok;
	strncpy(seen.words, words, sizeof(seen.words) - 1);
}

static const struct cbcp_ops ops = { .send = on_send, .done = on_done };

static int answerer(void **state)
{
	(void)state;
	memset(&seen, 0, sizeof(seen));
	cbcp_start_answerer(&cbcp, &ops, NULL, START);
	return 0;
}

static int caller(void **state)
{
	(void)state;
	memset(&seen, 0, sizeof(seen));
	cbcp_start_caller(&cbcp, &ops, NULL, START);
	return 0;
}

/* From memory of exactly its size. */
static void receive(const void *data, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);

	assert_non_null(copy);
	if (len)
		memcpy(copy, data, len);
	cbcp_receive(&cbcp, copy, len, START);
	free(copy);
}

#define peer(...)                                                                                  \
	do {                                                                                       \
		const uint8_t bytes[] = { __VA_ARGS__ };                                           \
		receive(bytes, sizeof(bytes));                                                     \
	} while (0)

#define expect(...)                                                                                \
	do {                                                                                       \
		const uint8_t bytes[] = { __VA_ARGS__ };                                           \
		assert_int_equal(seen.len, sizeof(bytes));                                         \
		assert_memory_equal(seen.packet, bytes, sizeof(bytes));                            \
	} while (0)

static void assert_over(bool ok, const char *words)
{
	assert_int_equal(seen.over, 1);
	assert_int_equal(seen.ok, ok);
	assert_string_equal(seen.words, words);
	assert_true(cbcp.deadline == UINT64_MAX);
}

static void the_answerer_offers_no_callback_and_acknowledges_it(void **state)
{
	(void)state;
	expect(1, 1, 0, 6, 1, 2);
	peer(2, 1, 0, 6, 1, 2);
	expect(3, 1, 0, 6, 1, 2);
	assert_over(true, "");
}

/* pppd writes a delay of 0 behind its type. */
static void a_delay_behind_no_callback_comes_back_as_it_came(void **state)
{
	(void)state;
	peer(2, 1, 0, 7, 1, 3, 0);
	expect(3, 1, 0, 7, 1, 3, 0);
	assert_over(true, "");
	caller(NULL);
	peer(1, 9, 0, 7, 1, 3, 5);
	expect(2, 9, 0, 7, 1, 3, 5);
}

static void a_lost_ack_is_said_again(void **state)
{
	(void)state;
	peer(2, 1, 0, 6, 1, 2);
	peer(2, 1, 0, 6, 1, 2);
	assert_int_equal(seen.sent, 3);
	expect(3, 1, 0, 6, 1, 2);
	peer(2, 2, 0, 6, 1, 2); /* of no Request of ours */
	assert_int_equal(seen.sent, 3);
	assert_over(true, "");
}

static void requests_are_repeated_and_then_it_goes_on_without(void **state)
{
	uint64_t began = START;

	(void)state;
	while (!seen.over) {
		uint64_t now = cbcp.deadline;

		assert_true(now > began && now <= START + CBCP_GIVE_UP);
		began = now;
		cbcp_tick(&cbcp, now - 1);
		assert_int_equal(seen.over, 0);
		cbcp_tick(&cbcp, now);
	}
	assert_int_equal(seen.sent, 4);
	assert_over(true, "the peer does not finish it");
}

static void who_wants_to_be_called_is_asked_once_more(void **state)
{
	(void)state;
	peer(2, 1, 0, 12, 2, 8, 0, 1, '1', '2', '3', 0);
	expect(1, 2, 0, 6, 1, 2);
	peer(2, 1, 0, 12, 2, 8, 0, 1, '1', '2', '3', 0); /* the same again: it is late */
	assert_int_equal(seen.over, 0);
	peer(2, 2, 0, 12, 2, 8, 0, 1, '1', '2', '3', 0);
	assert_over(false, "the client insists on being called back");
}

static void two_types_are_no_choice(void **state)
{
	(void)state;
	peer(2, 1, 0, 8, 1, 2, 3, 2);
	expect(1, 2, 0, 6, 1, 2);
	peer(2, 2, 0, 6, 1, 2);
	assert_over(true, "");
}

static void the_caller_takes_no_callback_out_of_an_offer(void **state)
{
	(void)state;
	assert_int_equal(seen.sent, 0);
	peer(1, 7, 0, 18, 2, 5, 0, 1, 0, 1, 2, 3, 3, 0, 4, 4, 0, 1);
	expect(2, 7, 0, 6, 1, 2);
	assert_int_equal(seen.over, 0);
	peer(3, 6, 0, 6, 1, 2); /* of another Request */
	assert_int_equal(seen.over, 0);
	peer(3, 7, 0, 6, 1, 2);
	assert_over(true, "");
	peer(1, 8, 0, 6, 1, 2); /* over is over */
	assert_int_equal(seen.sent, 1);
}

static void a_server_that_insists_on_calling_is_left(void **state)
{
	(void)state;
	peer(1, 7, 0, 7, 3, 3, 0);
	assert_int_equal(seen.sent, 0);
	assert_over(false, "the server insists on calling back");
}

static void a_server_that_says_nothing_is_not_waited_for(void **state)
{
	(void)state;
	assert_true(cbcp.deadline == START + CBCP_GIVE_UP);
	cbcp_tick(&cbcp, cbcp.deadline);
	assert_over(true, "the peer does not finish it");
}

static void a_request_again_and_again_has_an_end(void **state)
{
	(void)state;
	for (int i = 0; i < 100; i++)
		peer(1, (uint8_t)i, 0, 6, 1, 2);
	assert_int_equal(seen.sent, CBCP_MAX_PACKETS);
	assert_over(false, "the peer says the same about callback again and again");
}

static void what_follows_it_ends_it(void **state)
{
	(void)state;
	cbcp_implied(&cbcp);
	cbcp_implied(&cbcp);
	assert_over(true, "the peer goes on without");
	caller(NULL);
	peer(1, 1, 0, 6, 1, 2);
	cbcp_implied(&cbcp); /* the Ack was lost */
	assert_over(true, "");
	answerer(NULL);
	cbcp_implied(&cbcp);
	assert_over(true, "the peer goes on without");
}

static void malformed_packets_change_nothing(void **state)
{
	static const uint8_t whole[] = { 2, 1, 0, 9, 1, 2, 9, 3, 0 };

	(void)state;
	for (size_t len = 0; len < sizeof(whole); len++)
		receive(whole, len); /* shorter than its length field says */
	peer(2, 1, 0, 3);
	peer(2, 1, 0, 6, 1, 0); /* options of no length, of one octet, beyond the end */
	peer(2, 1, 0, 6, 1, 1);
	peer(2, 1, 0, 6, 1, 3);
	peer(2, 1, 0, 5, 1);
	peer(0, 1, 0, 6, 1, 2);
	peer(1, 1, 0, 6, 1, 2); /* of the wrong side */
	peer(3, 1, 0, 6, 1, 2);
	peer(4, 1, 0, 6, 1, 2);
	assert_int_equal(seen.sent, 1);
	assert_int_equal(seen.over, 0);
	assert_int_equal(cbcp.state, CBCP_ASKING);
}

static void stopped_it_does_nothing(void **state)
{
	(void)state;
	cbcp_done(&cbcp);
	peer(2, 1, 0, 6, 1, 2);
	cbcp_tick(&cbcp, START + 100 * SECOND);
	cbcp_implied(&cbcp);
	assert_int_equal(seen.sent, 1);
	assert_int_equal(seen.over, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(
			the_answerer_offers_no_callback_and_acknowledges_it, answerer),
		cmocka_unit_test_setup(a_delay_behind_no_callback_comes_back_as_it_came, answerer),
		cmocka_unit_test_setup(a_lost_ack_is_said_again, answerer),
		cmocka_unit_test_setup(requests_are_repeated_and_then_it_goes_on_without, answerer),
		cmocka_unit_test_setup(who_wants_to_be_called_is_asked_once_more, answerer),
		cmocka_unit_test_setup(two_types_are_no_choice, answerer),
		cmocka_unit_test_setup(the_caller_takes_no_callback_out_of_an_offer, caller),
		cmocka_unit_test_setup(a_server_that_insists_on_calling_is_left, caller),
		cmocka_unit_test_setup(a_server_that_says_nothing_is_not_waited_for, caller),
		cmocka_unit_test_setup(a_request_again_and_again_has_an_end, caller),
		cmocka_unit_test_setup(what_follows_it_ends_it, caller),
		cmocka_unit_test_setup(malformed_packets_change_nothing, answerer),
		cmocka_unit_test_setup(stopped_it_does_nothing, answerer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
