/* Round trips of TCP inside a call: measured where they are certain, whatever the packets are. */
#include "tools/decode/html_tcp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct html_tcp table;
static uint64_t rtt;

static size_t build(uint8_t *p, uint8_t src, uint8_t dst, uint8_t flags, uint32_t seq, uint32_t ack,
	size_t data)
{
	size_t total = 40 + data;

	memset(p, 0, total);
	p[0] = 0x45;
	p[2] = (uint8_t)(total >> 8);
	p[3] = (uint8_t)total;
	p[9] = 6;
	p[15] = src;
	p[19] = dst;
	p[21] = src;
	p[23] = dst;
	for (int i = 0; i < 4; i++) {
		p[24 + i] = (uint8_t)(seq >> (24 - 8 * i));
		p[28 + i] = (uint8_t)(ack >> (24 - 8 * i));
	}
	p[32] = 0x50;
	p[33] = flags;
	return total;
}

static bool packet(
	uint64_t now, uint8_t src, uint8_t flags, uint32_t seq, uint32_t ack, size_t data)
{
	uint8_t p[256];
	size_t len = build(p, src, src == 1 ? 2 : 1, flags, seq, ack, data);

	return html_tcp_packet(&table, wire_reader(p, len), now, &rtt);
}

static int setup(void **state)
{
	(void)state;
	memset(&table, 0, sizeof(table));
	rtt = 0;
	return 0;
}

static void syn_and_data_are_round_trips(void **state)
{
	(void)state;
	assert_false(packet(1000, 1, 0x02, 99, 0, 0));
	assert_true(packet(4000, 2, 0x12, 500, 100, 0));
	assert_int_equal(rtt, 3000);
	assert_true(packet(4100, 1, 0x10, 100, 501, 0));
	assert_int_equal(rtt, 100);
	assert_false(packet(5000, 1, 0x18, 100, 501, 50));
	assert_false(packet(5100, 1, 0x18, 150, 501, 50));
	assert_false(packet(5200, 2, 0x10, 501, 149, 0)); /* not all of it */
	assert_true(packet(6000, 2, 0x10, 501, 200, 0));
	assert_int_equal(rtt, 1000);
	assert_false(packet(6100, 2, 0x10, 501, 200, 0));
}

static void what_was_sent_twice_tells_nothing(void **state)
{
	(void)state;
	assert_false(packet(1000, 1, 0x18, 100, 1, 50));
	assert_false(packet(2000, 1, 0x18, 100, 1, 50));
	assert_false(packet(2100, 2, 0x10, 1, 150, 0));
	assert_false(packet(3000, 1, 0x18, 0xfffffff0, 1, 0)); /* older numbers, no data */
}

static void nor_does_a_syn_that_was(void **state)
{
	(void)state;
	assert_false(packet(1000, 1, 0x02, 99, 0, 0));
	assert_false(packet(3000, 1, 0x02, 99, 0, 0));
	assert_false(packet(3100, 2, 0x12, 500, 100, 0));
	/* The ports again, for another connection. */
	assert_false(packet(9000, 1, 0x02, 70, 0, 0));
	assert_true(packet(9100, 2, 0x12, 800, 71, 0));
	assert_int_equal(rtt, 100);
}

static void numbers_wrap_round(void **state)
{
	(void)state;
	assert_false(packet(1000, 1, 0x18, 0xfffffff0, 1, 32));
	assert_true(packet(1500, 2, 0x10, 1, 16, 0));
	assert_int_equal(rtt, 500);
}

static void the_table_is_bounded_and_the_oldest_goes(void **state)
{
	uint8_t p[64];

	(void)state;
	for (unsigned int i = 0; i < 200; i++) {
		size_t len = build(p, (uint8_t)i, 250, 0x18, 1, 1, 10);

		assert_false(html_tcp_packet(&table, wire_reader(p, len), 1000 + i, &rtt));
	}
	assert_int_equal(table.count, HTML_TCP_FLOWS);
	(void)build(p, 250, 199, 0x10, 1, 11, 0);
	assert_true(html_tcp_packet(&table, wire_reader(p, 40), 9000, &rtt));
	(void)build(p, 250, 100, 0x10, 1, 11, 0);
	assert_false(html_tcp_packet(&table, wire_reader(p, 40), 9000, &rtt));
}

static void cut_and_odd_packets_are_passed_over(void **state)
{
	uint8_t p[256], *copy;
	size_t len = build(p, 1, 2, 0x18, 1, 1, 100);

	(void)state;
	for (size_t cut = 0; cut < 34; cut++) {
		copy = malloc(cut + 1);
		memcpy(copy, p, cut);
		assert_false(html_tcp_packet(&table, wire_reader(copy, cut), 1, &rtt));
		free(copy);
	}
	p[6] = 0x20; /* a fragment */
	assert_false(html_tcp_packet(&table, wire_reader(p, len), 1, &rtt));
	p[6] = 0;
	p[2] = 0;
	p[3] = 30; /* shorter than its headers */
	assert_false(html_tcp_packet(&table, wire_reader(p, len), 1, &rtt));
	p[0] = 0x41;
	assert_false(html_tcp_packet(&table, wire_reader(p, len), 1, &rtt));
	assert_int_equal(table.count, 0);
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(syn_and_data_are_round_trips),
		TEST(what_was_sent_twice_tells_nothing),
		TEST(nor_does_a_syn_that_was),
		TEST(numbers_wrap_round),
		TEST(the_table_is_bounded_and_the_oldest_goes),
		TEST(cut_and_odd_packets_are_passed_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
