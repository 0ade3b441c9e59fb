/* The load generator's pings: well-formed, and only the right replies are taken. */
#include "tools/bench/echo.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct in_addr source = { 0x0200000a },
			    destination = { 0x0100000a }; /* 10.0.0.2, 10.0.0.1 */

/* RFC 1071: of a block that holds its own right checksum, the sum is all ones. */
static uint16_t sum(const uint8_t *p, size_t len)
{
	uint32_t s = 0;

	for (size_t i = 0; i + 1 < len; i += 2)
		s += (uint32_t)(p[i] << 8 | p[i + 1]);
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return (uint16_t)s;
}

/* What a host makes of a request: type 0, addresses exchanged, a checksum that fits (RFC 792). */
static void answer(uint8_t packet[ECHO_SIZE])
{
	uint16_t s;

	memcpy(packet + 12, &destination, 4);
	memcpy(packet + 16, &source, 4);
	packet[20] = 0;
	memset(packet + 22, 0, 2);
	s = (uint16_t)~sum(packet + 20, ECHO_SIZE - 20);
	packet[22] = (uint8_t)(s >> 8);
	packet[23] = (uint8_t)s;
}

static void a_request_is_a_whole_ping(void **state)
{
	static const uint8_t start[] = { 0x45, 0, 0, ECHO_SIZE, 0, 0, 0, 0, 64, 1 };
	uint8_t p[ECHO_SIZE];

	(void)state;
	memset(p, 0xaa, sizeof(p));
	echo_request(p, source, destination, 0x1234, 0xdeadbeef);
	assert_memory_equal(p, start, sizeof(start));
	assert_memory_equal(p + 12, &source, 4);
	assert_memory_equal(p + 16, &destination, 4);
	assert_int_equal(sum(p, 20), 0xffff);
	assert_int_equal(sum(p + 20, ECHO_SIZE - 20), 0xffff);
	assert_int_equal(p[20], 8);
	assert_int_equal(p[21], 0);
	assert_int_equal(p[26] << 8 | p[27], 0x1234);
}

static void its_answer_is_known_again(void **state)
{
	uint8_t p[ECHO_SIZE];
	struct in_addr to;
	uint32_t tag;

	(void)state;
	for (uint32_t t = 0; t < 70000; t += 777) {
		echo_request(p, source, destination, (uint16_t)t, t);
		assert_false(echo_reply(p, sizeof(p), &to, &tag)); /* the request itself */
		answer(p);
		assert_true(echo_reply(p, sizeof(p), &to, &tag));
		assert_int_equal(tag, t);
		assert_int_equal(to.s_addr, source.s_addr);
	}
}

static void no_damaged_reply_is_taken(void **state)
{
	uint8_t good[ECHO_SIZE], p[ECHO_SIZE + 8];
	struct in_addr to;
	uint32_t tag;

	(void)state;
	echo_request(good, source, destination, 1, 2);
	answer(good);
	for (size_t len = 0; len < sizeof(good); len++) {
		memcpy(p, good, len);
		assert_false(echo_reply(p, len, &to, &tag));
	}
	for (size_t i = 0; i < 8 * sizeof(good); i++) {
		memcpy(p, good, sizeof(good));
		p[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_false(echo_reply(p, sizeof(good), &to, &tag));
	}
	/* What lies behind the packet is not part of it. */
	memset(p, 0x55, sizeof(p));
	memcpy(p, good, sizeof(good));
	assert_true(echo_reply(p, sizeof(p), &to, &tag));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_a_whole_ping),
		cmocka_unit_test(its_answer_is_known_again),
		cmocka_unit_test(no_damaged_reply_is_taken),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
