/*
 * A path of 2 ms +- 1 ms that loses nothing: nothing may be lost behind it either, late or given
 * up, up to 1 Gbit/s of full packets. In clear and in both modes of MPPE, with the work of a batch
 * done every 50 us, in virtual time.
 */
#include "tests/unit/tunnel_pair.h"

#define DELAY   2000 /* us */
#define JITTER  1000
#define TURN    50
#define PACKETS 20000
/* Arrivals by the microsecond. */
#define HORIZON 8192

static struct packet_list arrivals[HORIZON];
static uint32_t rng;

static uint32_t chance(uint32_t n)
{
	rng = rng * 1664525u + 1013904223u;
	return (uint32_t)((uint64_t)rng * n >> 32);
}

static void check_in_order(struct packet_list *done, uint32_t *next)
{
	struct packet *p;

	while ((p = packet_list_take(done))) {
		assert_int_equal(p->verdict, PACKET_DATA);
		assert_int_equal(ip_number(p), (*next)++);
		release(p);
	}
}

/* What came in the last turn, in the order in which it came. */
static void turn(struct tunnel *t, uint64_t now, uint32_t *next)
{
	struct packet_list in, done;
	struct packet *p;

	packet_list_init(&in);
	packet_list_init(&done);
	for (uint64_t at = now - TURN; at < now; at++)
		while ((p = packet_list_take(&arrivals[at % HORIZON])))
			receive_into(t, p, now, &in);
	tunnel_tick(t, now, &in);
	work(t, &in, &done);
	check_in_order(&done, next);
}

struct rate {
	uint32_t per_second, burst;
};

static void flow(const struct mppe_params *params, const struct rate *rate, uint32_t seed)
{
	uint64_t now = 1000 * MS, due = now * 1000, turn_at = now + TURN;
	uint64_t step = (uint64_t)rate->burst * 1000000000u / rate->per_second;
	uint32_t sent = 0, next = 0;
	struct tunnel_stats stats;
	struct tunnel a, b;

	rng = seed;
	for (size_t i = 0; i < HORIZON; i++)
		packet_list_init(&arrivals[i]);
	init_pair(&a, &b, params);
	a.sender.next = 0u - PACKETS / 2; /* over the wrap */
	for (; next < PACKETS && now < 100000 * MS; now++) {
		for (; sent < PACKETS && due <= now * 1000; due += sent % rate->burst ? 0 : step) {
			struct packet *p = seal(&a, ip_packet(sent, 64), PPP_IP, now);
			uint32_t jitter =
				sent ? chance(2 * JITTER + 1) : 0; /* nothing overtakes the first */

			packet_list_add(&arrivals[(now + DELAY - JITTER + jitter) % HORIZON], p);
			sent++;
		}
		if (now == turn_at) {
			turn(&b, now, &next);
			turn_at += TURN;
		}
	}
	assert_int_equal(next, PACKETS);
	tunnel_get_stats(&b, &stats);
	assert_int_equal(stats.rx_packets, PACKETS);
	assert_true(stats.reordered > PACKETS / 20);
	assert_int_equal(stats.lost, 0);
	for (int i = 0; i < TUNNEL_DROP_COUNT; i++)
		assert_int_equal(stats.drops[i], 0);
	assert_int_equal(b.receiver.overflow, 0);
	end_pair(&a, &b);
}

/* 1400 bytes at 10 Mbit/s, 100 Mbit/s, 1 Gbit/s; the same by whole TCP windows of 1 MB. */
static const struct rate rates[] = { { 900, 1 }, { 9000, 1 }, { 90000, 1 }, { 90000, 750 } };
#define RATES (sizeof(rates) / sizeof(rates[0]))

static void nothing_is_lost_by_jitter_in_clear(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 2 * RATES; i++)
		flow(NULL, &rates[i % RATES], i);
}

static void nothing_is_lost_by_jitter_stateless(void **state)
{
	const struct mppe_params params = { .bits = MPPE_128, .stateless = true };

	(void)state;
	for (uint32_t i = 0; i < 2 * RATES; i++)
		flow(&params, &rates[i % RATES], i);
}

static void nothing_is_lost_by_jitter_stateful(void **state)
{
	const struct mppe_params params = { .bits = MPPE_128 };

	(void)state;
	for (uint32_t i = 0; i < 2 * RATES; i++)
		flow(&params, &rates[i % RATES], i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_lost_by_jitter_in_clear),
		cmocka_unit_test(nothing_is_lost_by_jitter_stateless),
		cmocka_unit_test(nothing_is_lost_by_jitter_stateful),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
