/* The table of what each source address has: bounds, ages, buckets, who has to make room. */
#include "server/limits.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define SECOND    1000000ull
#define START     (1000 * SECOND)
#define ADDRESSES 100000

static struct limits limits;
static struct limits_waiter waiters[ADDRESSES];
static struct limits_waiter *victim;

static const struct limits_config usual = {
	.connections = { 8, 4 },
	.sessions = { 6, 3 },
	.unauthenticated = { 4, 2 },
	.waiting = { { 6, 3 }, { 5, 3 } },
};

static int end(void **state)
{
	(void)state;
	limits_done(&limits);
	return 0;
}

static void begin(const struct limits_config *config)
{
	memset(waiters, 0, sizeof(waiters));
	assert_int_equal(limits_init(&limits, config, 0x1234567890abcdefu), 0);
}

static struct in_addr address(uint32_t n)
{
	struct in_addr a = { htonl(0x0a000000u + n) };

	return a;
}

static enum limits_hit connect_at(unsigned int w, uint32_t from, uint64_t now)
{
	return limits_connect(&limits, &waiters[w], address(from), 0, now, &victim);
}

static void connection_limits_of_one_address_and_of_all(void **state)
{
	struct limits_config config = usual;

	(void)state;
	config.waiting[LIMITS_HALF_OPEN] = (struct limits_max){ 100, 100 };
	begin(&config);
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(connect_at(i, 1, START), LIMITS_OK);
	assert_int_equal(connect_at(4, 1, START), LIMITS_MAX_CONNECTIONS_PER_ADDRESS);
	assert_null(waiters[4].address);
	for (unsigned int i = 4; i < 8; i++)
		assert_int_equal(connect_at(i, i, START), LIMITS_OK);
	/* Nobody who is known has to go. */
	for (unsigned int i = 0; i < 8; i++)
		limits_trust(&limits, &waiters[i]);
	assert_int_equal(connect_at(8, 99, START), LIMITS_MAX_CONNECTIONS);
	assert_null(waiters[8].address);
	assert_null(victim);
	limits_disconnect(&limits, &waiters[0], START);
	assert_int_equal(connect_at(0, 1, START), LIMITS_OK);
	assert_int_equal(limits.hits[LIMITS_MAX_CONNECTIONS], 1);
	assert_int_equal(limits.hits[LIMITS_MAX_CONNECTIONS_PER_ADDRESS], 1);
	assert_int_equal(limits.connections, 8);
}

/* As where max-connections alone is set, or descriptors are few: no class is ever full. */
static void strangers_never_hold_all_connections(void **state)
{
	struct limits_config config = usual;

	(void)state;
	config.waiting[LIMITS_HALF_OPEN] = (struct limits_max){ 100, 100 };
	config.waiting[LIMITS_PENDING] = (struct limits_max){ 100, 100 };
	begin(&config);
	for (unsigned int i = 0; i < 8; i++) {
		assert_int_equal(connect_at(i, i < 3 ? 1 : i, START), LIMITS_OK);
		if (i < 3)
			assert_int_equal(limits_start(&limits, &waiters[i], &victim), LIMITS_OK);
	}
	/* The oldest of the address with most, in whichever class that is. */
	assert_int_equal(connect_at(8, 99, START), LIMITS_OK);
	assert_ptr_equal(victim, &waiters[0]);
	limits_disconnect(&limits, &waiters[0], START);
	assert_int_equal(limits.connections, 8);
	assert_int_equal(limits.hits[LIMITS_MAX_CONNECTIONS], 1);
	assert_int_equal(limits.dropped[LIMITS_PENDING], 1);
}

/* Those that go are closed a moment later: until then they count, and there is an end to it. */
static void those_that_go_have_their_descriptors_still(void **state)
{
	struct limits_config config = usual;
	unsigned int n = 0;

	(void)state;
	config.connections = (struct limits_max){ 8, 8 };
	config.waiting[LIMITS_HALF_OPEN] = (struct limits_max){ 100, 100 };
	begin(&config);
	while (n < 1000 && connect_at(n, n, START) == LIMITS_OK)
		n++;
	assert_int_equal(n, 8 + LIMITS_OVERDRAFT);
	assert_null(victim);
	limits_disconnect(&limits, &waiters[0], START);
	assert_int_equal(connect_at(n, n, START), LIMITS_OK);
}

static void an_address_may_have_a_limit_of_its_own(void **state)
{
	struct limits_config config = usual;

	(void)state;
	config.waiting[LIMITS_HALF_OPEN] = (struct limits_max){ 100, 100 };
	begin(&config);
	assert_int_equal(
		limits_connect(&limits, &waiters[0], address(1), 1, START, &victim), LIMITS_OK);
	assert_int_equal(limits_connect(&limits, &waiters[1], address(1), 1, START, &victim),
		LIMITS_MAX_CONNECTIONS_PER_ADDRESS);
	assert_int_equal(
		limits_connect(&limits, &waiters[1], address(1), 6, START, &victim), LIMITS_OK);
	limits_call_began(&limits, address(1));
	assert_int_equal(limits_call(&limits, address(1), 1, START, &victim),
		LIMITS_MAX_SESSIONS_PER_ADDRESS);
}

static void half_open_connections_of_one_address_are_bounded(void **state)
{
	(void)state;
	begin(&usual);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(connect_at(i, 1, START), LIMITS_OK);
	assert_int_equal(connect_at(3, 1, START), LIMITS_MAX_HALF_OPEN_PER_ADDRESS);
	assert_int_equal(limits_start(&limits, &waiters[1], &victim), LIMITS_OK);
	assert_int_equal(connect_at(3, 1, START), LIMITS_OK);
	assert_int_equal(limits.waiting[LIMITS_HALF_OPEN], 3);
	assert_int_equal(limits.waiting[LIMITS_PENDING], 1);
}

static void the_oldest_of_the_address_with_most_makes_room(void **state)
{
	(void)state;
	begin(&usual);
	assert_int_equal(connect_at(0, 9, START), LIMITS_OK); /* a good one, the oldest of all */
	for (unsigned int i = 1; i <= 3; i++)
		assert_int_equal(connect_at(i, 1, START), LIMITS_OK);
	for (unsigned int i = 4; i <= 5; i++)
		assert_int_equal(connect_at(i, 2, START), LIMITS_OK);
	assert_int_equal(connect_at(6, 3, START), LIMITS_OK);
	assert_ptr_equal(victim, &waiters[1]);
	assert_int_equal(limits.waiting[LIMITS_HALF_OPEN], 6);
	assert_int_equal(limits.connections, 7); /* the victim counts until it is gone */
	assert_int_equal(limits.hits[LIMITS_MAX_HALF_OPEN], 1);
	assert_int_equal(limits.dropped[LIMITS_HALF_OPEN], 1);
	limits_disconnect(&limits, victim, START);
	/* Now both have two: the one that had them first goes first. */
	assert_int_equal(connect_at(7, 4, START), LIMITS_OK);
	assert_ptr_equal(victim, &waiters[4]);
	limits_disconnect(&limits, victim, START);
	assert_int_equal(connect_at(8, 5, START), LIMITS_OK);
	assert_ptr_equal(victim, &waiters[2]);
}

static void a_flood_from_many_addresses_does_not_lock_a_good_one_out(void **state)
{
	struct limits_config config = usual;
	unsigned int good = ADDRESSES - 1;

	(void)state;
	config.connections = (struct limits_max){ 1000, 4 };
	config.waiting[LIMITS_HALF_OPEN] = (struct limits_max){ 100, 3 };
	begin(&config);
	for (unsigned int i = 0; i < 5000; i++) {
		assert_int_equal(connect_at(i, i, START), LIMITS_OK);
		if (victim)
			limits_disconnect(&limits, victim, START);
		if (i == 4000)
			assert_int_equal(connect_at(good, 1u << 20, START), LIMITS_OK);
		if (i == 4050) /* a round trip, as it were, of 50 of the flood's connections */
			assert_int_equal(limits_start(&limits, &waiters[good], &victim), LIMITS_OK);
		assert_ptr_not_equal(victim, &waiters[good]);
	}
	assert_int_equal(waiters[good].class, LIMITS_PENDING);
	assert_in_range(limits.waiting[LIMITS_HALF_OPEN], 99, 100);
}

static void pending_connections_are_bounded_until_trusted(void **state)
{
	struct limits_config config = usual;

	(void)state;
	config.connections = (struct limits_max){ 100, 100 };
	begin(&config);
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(connect_at(i, 1, START), LIMITS_OK);
		assert_int_equal(limits_start(&limits, &waiters[i], &victim), LIMITS_OK);
	}
	assert_int_equal(connect_at(3, 1, START), LIMITS_OK);
	assert_int_equal(
		limits_start(&limits, &waiters[3], &victim), LIMITS_MAX_PENDING_PER_ADDRESS);
	limits_trust(&limits, &waiters[0]);
	limits_trust(&limits, &waiters[0]);
	assert_int_equal(limits.waiting[LIMITS_PENDING], 2);
	for (unsigned int i = 4; i < 7; i++) {
		assert_int_equal(connect_at(i, i, START), LIMITS_OK);
		assert_int_equal(limits_start(&limits, &waiters[i], &victim), LIMITS_OK);
		assert_null(victim);
	}
	assert_int_equal(connect_at(7, 7, START), LIMITS_OK);
	assert_int_equal(limits_start(&limits, &waiters[7], &victim), LIMITS_OK);
	assert_ptr_equal(victim, &waiters[1]); /* not 0, which is trusted */
}

static void calls_are_bounded_and_counted(void **state)
{
	struct limits_config config = usual;

	(void)state;
	config.unauthenticated.all = 3;
	begin(&config);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(connect_at(i, i, START), LIMITS_OK);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(limits_call(&limits, address(0), 0, START, &victim), LIMITS_OK);
		limits_call_began(&limits, address(0));
	}
	assert_int_equal(limits_call(&limits, address(0), 0, START, &victim),
		LIMITS_MAX_UNAUTHENTICATED_PER_ADDRESS);
	limits_call_authenticated(&limits, address(0));
	assert_int_equal(limits_call(&limits, address(0), 0, START, &victim), LIMITS_OK);
	limits_call_began(&limits, address(0));
	assert_int_equal(limits_call(&limits, address(0), 0, START, &victim),
		LIMITS_MAX_SESSIONS_PER_ADDRESS);
	limits_call_began(&limits, address(1));
	assert_int_equal(limits_start(&limits, &waiters[0], &victim), LIMITS_OK);
	assert_int_equal(
		limits_call(&limits, address(2), 0, START, &victim), LIMITS_MAX_UNAUTHENTICATED);
	assert_ptr_equal(victim, &waiters[0]);
	/* The calls outlive their connection by a moment. */
	limits_disconnect(&limits, &waiters[0], START);
	assert_int_equal(limits.idle, 0);
	limits_call_ended(&limits, address(0), true, START);
	limits_call_ended(&limits, address(0), false, START);
	limits_call_ended(&limits, address(0), false, START);
	assert_int_equal(limits.idle, 1);
	assert_int_equal(limits.sessions, 1);
	assert_int_equal(limits.unauthenticated, 1);
	assert_int_equal(limits_call(&limits, address(0), 0, START, &victim), LIMITS_OK);
}

/* In a connection that we have dialled: no limit has seen its address before. */
static void calls_to_those_whom_we_dial_count_for_their_address(void **state)
{
	(void)state;
	begin(&usual);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(limits_call(&limits, address(1), 0, START, &victim), LIMITS_OK);
		limits_call_began(&limits, address(1));
	}
	assert_int_equal(limits_call(&limits, address(1), 0, START, &victim),
		LIMITS_MAX_UNAUTHENTICATED_PER_ADDRESS);
	limits_call_authenticated(&limits, address(1));
	limits_call_ended(&limits, address(1), true, START);
	assert_int_equal(limits.idle, 0);
	limits_call_ended(&limits, address(1), false, START);
	assert_int_equal(limits.idle, 1);
	assert_int_equal(limits.sessions, 0);
	assert_int_equal(limits.unauthenticated, 0);
}

/* Or it would be safe from all others for good, unknown as it is. */
static void who_asks_for_the_call_too_many_waits_on(void **state)
{
	struct limits_config config = usual;

	(void)state;
	config.unauthenticated.all = 1;
	begin(&config);
	assert_int_equal(connect_at(0, 1, START), LIMITS_OK);
	assert_int_equal(limits_start(&limits, &waiters[0], &victim), LIMITS_OK);
	limits_call_began(&limits, address(1));
	assert_int_equal(
		limits_call(&limits, address(1), 0, START, &victim), LIMITS_MAX_UNAUTHENTICATED);
	assert_ptr_equal(victim, &waiters[0]);
	assert_int_equal(limits.waiting[LIMITS_PENDING], 0);
	limits_spare(&limits, victim);
	assert_int_equal(limits.waiting[LIMITS_PENDING], 1);
	assert_int_equal(limits.dropped[LIMITS_PENDING], 0);
	assert_ptr_equal(limits_victim(&limits, LIMITS_PENDING), &waiters[0]);
	/* One that is gone meanwhile stays gone. */
	limits_disconnect(&limits, &waiters[0], START);
	limits_spare(&limits, &waiters[0]);
	assert_int_equal(limits.waiting[LIMITS_PENDING], 0);
}

static void sessions_in_all(void **state)
{
	struct limits_config config = usual;

	(void)state;
	config.sessions.all = 1;
	begin(&config);
	assert_int_equal(connect_at(0, 0, START), LIMITS_OK);
	limits_call_began(&limits, address(0));
	assert_int_equal(limits_call(&limits, address(1), 0, START, &victim), LIMITS_MAX_SESSIONS);
}

static void one_address_may_connect_only_so_fast(void **state)
{
	struct limits_config config = usual;
	unsigned int got = 0;

	(void)state;
	config.start_per_address = (struct limits_rate){ SECOND, 3 };
	begin(&config);
	for (unsigned int i = 0; i < 10; i++) {
		if (connect_at(0, 1, START) == LIMITS_OK)
			got++;
		limits_disconnect(&limits, &waiters[0], START);
	}
	assert_int_equal(got, 3);
	assert_int_equal(limits.hits[LIMITS_START_RATE_PER_ADDRESS], 7);
	assert_int_equal(connect_at(1, 2, START), LIMITS_OK);
	assert_int_equal(connect_at(0, 1, START + SECOND), LIMITS_OK);
	limits_disconnect(&limits, &waiters[0], START);
	assert_int_equal(connect_at(0, 1, START + SECOND), LIMITS_START_RATE_PER_ADDRESS);
	/* After a long time three at once again, not more. */
	for (unsigned int i = 2; i < 6; i++) {
		assert_int_equal(connect_at(i, 1, START + 100 * SECOND),
			i < 5 ? LIMITS_OK : LIMITS_MAX_HALF_OPEN_PER_ADDRESS);
	}
}

static void all_may_connect_only_so_fast(void **state)
{
	struct limits_config config = usual;

	(void)state;
	config.start = (struct limits_rate){ SECOND / 2, 2 };
	begin(&config);
	assert_int_equal(connect_at(0, 1, START), LIMITS_OK);
	assert_int_equal(connect_at(1, 2, START), LIMITS_OK);
	assert_int_equal(connect_at(2, 3, START), LIMITS_START_RATE);
	assert_int_equal(connect_at(2, 3, START + SECOND / 2), LIMITS_OK);
}

static void failed_logons_block_for_a_while(void **state)
{
	struct limits_config config = usual;

	(void)state;
	config.auth_failure = (struct limits_rate){ 20 * SECOND, 3 };
	begin(&config);
	assert_int_equal(connect_at(0, 1, START), LIMITS_OK);
	for (unsigned int i = 0; i < 3; i++)
		assert_false(limits_auth_failed(&limits, address(1), START));
	assert_int_equal(connect_at(1, 1, START), LIMITS_OK);
	assert_true(limits_auth_failed(&limits, address(1), START));
	assert_int_equal(connect_at(2, 1, START), LIMITS_AUTH_FAILURE_RATE);
	assert_int_equal(connect_at(2, 2, START), LIMITS_OK);
	/* Nor do the connections that there are serve for more guesses. */
	assert_true(limits_blocked(&limits, address(1), START));
	assert_int_equal(
		limits_call(&limits, address(1), 0, START, &victim), LIMITS_AUTH_FAILURE_RATE);
	assert_int_equal(limits_call(&limits, address(2), 0, START, &victim), LIMITS_OK);
	assert_false(limits_blocked(&limits, address(1), START + LIMITS_BLOCK_TIME));
	assert_int_equal(
		limits_call(&limits, address(1), 0, START + LIMITS_BLOCK_TIME, &victim), LIMITS_OK);
	/* It is remembered without any connection. */
	limits_disconnect(&limits, &waiters[0], START);
	limits_disconnect(&limits, &waiters[1], START);
	assert_int_equal(connect_at(3, 1, START + LIMITS_BLOCK_TIME - 1), LIMITS_AUTH_FAILURE_RATE);
	assert_int_equal(connect_at(3, 1, START + LIMITS_BLOCK_TIME), LIMITS_OK);
}

static void a_hundred_thousand_addresses_come_and_are_forgotten(void **state)
{
	struct limits_config config = usual;

	(void)state;
	config.connections = (struct limits_max){ ADDRESSES, 4 };
	config.waiting[LIMITS_HALF_OPEN] = (struct limits_max){ ADDRESSES, 3 };
	config.start_per_address = (struct limits_rate){ SECOND, 2 };
	begin(&config);
	for (unsigned int i = 0; i < ADDRESSES; i++)
		assert_int_equal(connect_at(i, i, START), LIMITS_OK);
	assert_int_equal(limits.count, ADDRESSES);
	assert_true((size_t)2 << limits.bits >= limits.count); /* short chains */
	for (unsigned int i = 0; i < ADDRESSES; i++)
		limits_disconnect(&limits, &waiters[i], START + i);
	assert_int_equal(limits.count, LIMITS_IDLE_MAX);
	assert_int_equal(limits.idle, LIMITS_IDLE_MAX);
	/* In use again, and idle again: at the end of the list. */
	assert_int_equal(connect_at(0, ADDRESSES - 1, START + SECOND), LIMITS_OK);
	assert_int_equal(limits.idle, LIMITS_IDLE_MAX - 1);
	limits_disconnect(&limits, &waiters[0], START + 2 * LIMITS_FORGET);
	for (unsigned int i = 0; i < ADDRESSES / 64 + 1; i++)
		limits_tick(&limits, START + LIMITS_FORGET + SECOND);
	assert_int_equal(limits.count, 1);
	for (unsigned int i = 0; i < 2; i++)
		limits_tick(&limits, START + 3 * LIMITS_FORGET);
	assert_int_equal(limits.count, 0);
	assert_null(limits.idle_first);
	assert_null(limits.idle_last);
}

static void rates_are_read(void **state)
{
	struct limits_rate r;
	static const char *const bad[] = { "", "0/s", "10", "10/h", "-1/s", "1000001/s", "x/s",
		"5 /s", "99999999999999999999/s", "5/s " };

	(void)state;
	assert_int_equal(limits_rate_parse("10/s", &r), 0);
	assert_int_equal(r.interval, 100000);
	assert_int_equal(r.burst, 10);
	assert_int_equal(limits_rate_parse("60/min", &r), 0);
	assert_int_equal(r.interval, SECOND);
	assert_int_equal(r.burst, 60);
	assert_int_equal(limits_rate_parse("off", &r), 0);
	assert_int_equal(r.interval, 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(limits_rate_parse(bad[i], &r), -EINVAL);
}

static void every_limit_has_its_keys_name(void **state)
{
	(void)state;
	assert_string_equal(limits_name(LIMITS_OK), "");
	assert_string_equal(limits_name(LIMITS_MAX_HALF_OPEN), "max-half-open");
	for (int i = 1; i < LIMITS_HIT_COUNT; i++)
		assert_true(*limits_name((enum limits_hit)i));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(connection_limits_of_one_address_and_of_all, end),
		cmocka_unit_test_teardown(an_address_may_have_a_limit_of_its_own, end),
		cmocka_unit_test_teardown(half_open_connections_of_one_address_are_bounded, end),
		cmocka_unit_test_teardown(the_oldest_of_the_address_with_most_makes_room, end),
		cmocka_unit_test_teardown(
			a_flood_from_many_addresses_does_not_lock_a_good_one_out, end),
		cmocka_unit_test_teardown(pending_connections_are_bounded_until_trusted, end),
		cmocka_unit_test_teardown(calls_are_bounded_and_counted, end),
		cmocka_unit_test_teardown(sessions_in_all, end),
		cmocka_unit_test_teardown(who_asks_for_the_call_too_many_waits_on, end),
		cmocka_unit_test_teardown(strangers_never_hold_all_connections, end),
		cmocka_unit_test_teardown(those_that_go_have_their_descriptors_still, end),
		cmocka_unit_test_teardown(calls_to_those_whom_we_dial_count_for_their_address, end),
		cmocka_unit_test_teardown(one_address_may_connect_only_so_fast, end),
		cmocka_unit_test_teardown(all_may_connect_only_so_fast, end),
		cmocka_unit_test_teardown(failed_logons_block_for_a_while, end),
		cmocka_unit_test_teardown(a_hundred_thousand_addresses_come_and_are_forgotten, end),
		cmocka_unit_test(rates_are_read),
		cmocka_unit_test(every_limit_has_its_keys_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
