/*
 * dataplane/inner: what waits for its turn leaves in order, flow by flow; who has nothing waiting overtakes.
 * The device is one end of a socket pair, with a header before each packet.
 */
#include "dataplane/inner.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define FLOWS 12
#define LONE  100
#define SUPER 40000

static struct inner *in;
static struct pool pool;
static struct dp_stats stats;
static int outside;
static uint8_t packet[VNET_SIZE + SUPER];
static uint32_t next_in[FLOWS], next_out[FLOWS], rng;
static size_t waiting; /* packets that were given and have not come out */

static uint32_t chance(uint32_t n)
{
	rng = rng * 1664525u + 1013904223u;
	return (uint32_t)((uint64_t)rng * n >> 32);
}

static int set_up(void **state)
{
	static const struct vnet_offload offload = { .header = true, .tcp4 = true };
	int fds[2], size = 8 << 20;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, fds), 0);
	setsockopt(fds[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	outside = fds[1];
	in = calloc(1, sizeof(*in));
	assert_non_null(in);
	assert_int_equal(pool_init(&pool, 4096), 0);
	memset(&stats, 0, sizeof(stats));
	inner_init(in, fds[0], &offload, &pool, &stats);
	memset(next_in, 0, sizeof(next_in));
	memset(next_out, 0, sizeof(next_out));
	waiting = 0;
	return 0;
}

/* Every slot is back. */
static int tear_down(void **state)
{
	(void)state;
	assert_int_equal(pool.free, pool.total);
	close(in->fd);
	close(outside);
	pool_done(&pool);
	free(in);
	return 0;
}

/* The next packet of a flow, of TCP; or a super-packet. False: the device is full. */
static bool give(uint32_t flow, bool super)
{
	struct vnet v = { .kind = VNET_LONE };
	size_t len = super ? SUPER : LONE;
	uint8_t *ip = packet + VNET_SIZE;

	if (super)
		v = (struct vnet){
			.kind = VNET_TCP4, .headers = 40, .size = 1300, .start = 20, .offset = 16
		};
	memset(ip, 0, 60);
	vnet_encode(&v, packet);
	ip[0] = 0x45;
	ip[2] = (uint8_t)(len >> 8);
	ip[3] = (uint8_t)len;
	ip[9] = 6;
	ip[15] = 1;
	ip[19] = 2;
	ip[21] = (uint8_t)flow; /* source port */
	ip[32] = 0x50;
	memcpy(ip + 40, &flow, sizeof(flow));
	memcpy(ip + 44, &next_in[flow], sizeof(next_in[flow]));
	if (send(outside, packet, VNET_SIZE + len, MSG_DONTWAIT) < 0)
		return false;
	next_in[flow]++;
	waiting++;
	return true;
}

/* What comes out: flow by flow as it went in. */
static void work(void)
{
	for (unsigned int i = 0; i < in->count; i++) {
		uint32_t flow, number;

		memcpy(&flow, in->batch[i].data + 40, sizeof(flow));
		memcpy(&number, in->batch[i].data + 44, sizeof(number));
		assert_true(flow < FLOWS);
		assert_int_equal(number, next_out[flow]++);
		waiting--;
	}
	inner_done(in);
}

static uint32_t flow_at(unsigned int i)
{
	uint32_t flow;

	memcpy(&flow, in->batch[i].data + 40, sizeof(flow));
	return flow;
}

static void a_lone_packet_is_there_at_once(void **state)
{
	(void)state;
	give(1, false);
	assert_int_equal(inner_read(in), 0);
	inner_pick(in);
	assert_int_equal(in->count, 1);
	assert_true(inner_waits(in));
	work();
	assert_false(inner_waits(in));
}

static void who_has_nothing_waiting_overtakes(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 10; i++)
		give(1, true);
	give(2, false);
	give(1, false); /* has: it stays behind its own */
	give(3, true);  /* no lone one */
	give(3, false);
	assert_int_equal(inner_read(in), 0);
	inner_pick(in);
	assert_int_equal(in->lane, 1);
	assert_int_equal(flow_at(0), 2);
	assert_int_equal(in->count, 1 + 3); /* and as many as 64 segments are, of 31 each */
	work();
	give(2, false); /* a turn later, too */
	assert_int_equal(inner_read(in), 0);
	inner_pick(in);
	assert_int_equal(flow_at(0), 2);
	while (inner_waits(in)) {
		work();
		inner_pick(in);
	}
	assert_int_equal(waiting, 0);
}

static void not_more_overtake_than_a_turn_can_bear(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 5; i++)
		give(1, true);
	for (unsigned int i = 0; i < 3 * INNER_LANE; i++)
		give(2 + i % 4, false);
	assert_int_equal(inner_read(in), 0);
	assert_int_equal(in->lane, INNER_LANE);
	inner_pick(in);
	while (inner_waits(in)) {
		work();
		inner_pick(in);
	}
	assert_int_equal(waiting, 0);
}

static void what_there_is_no_room_for_stays_in_the_device(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < INNER_BLOCKS + 8; i++)
		assert_true(give(1, true));
	assert_int_equal(inner_read(in), 0);
	assert_int_equal(stats.inner_read, INNER_BLOCKS);
	inner_pick(in);
	work();
	assert_int_equal(inner_read(in), 0);
	assert_true(stats.inner_read > INNER_BLOCKS);
	do {
		inner_pick(in);
		work();
		assert_int_equal(inner_read(in), 0);
	} while (inner_waits(in));
	assert_int_equal(waiting, 0);
	for (unsigned int i = 0; i < INNER_QUEUE + 100; i++)
		while (!give(4, false))
			assert_int_equal(inner_read(in), 0);
	do {
		assert_int_equal(inner_read(in), 0);
		inner_pick(in);
		work();
	} while (inner_waits(in));
	assert_int_equal(waiting, 0);
	assert_int_equal(stats.no_slot, 0);
}

/* Of any kind, also from other workers, read and done in any rhythm. */
static void each_flow_keeps_its_order(void **state)
{
	static const struct vnet lone = { .kind = VNET_LONE };

	(void)state;
	for (rng = 1; rng < 20; rng++) {
		uint32_t seed = rng;

		for (unsigned int i = 0; i < 3000; i++) {
			uint32_t flow = chance(FLOWS);

			if (chance(40) == 0) {
				inner_pick(in);
				work();
			}
			if (chance(5) == 0)
				assert_int_equal(inner_read(in), 0);
			if (flow == 0) { /* this one comes from another worker */
				memset(packet, 0, 60);
				packet[0] = 0x45;
				packet[3] = LONE;
				packet[9] = 6;
				memcpy(packet + 44, &next_in[0], sizeof(next_in[0]));
				if (inner_take(in, &lone, packet, LONE)) {
					next_in[0]++;
					waiting++;
				}
			} else {
				(void)give(flow, flow < 4 && chance(3) == 0);
			}
		}
		do {
			assert_int_equal(inner_read(in), 0);
			inner_pick(in);
			work();
		} while (inner_waits(in));
		assert_int_equal(waiting, 0);
		rng = seed;
	}
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(a_lone_packet_is_there_at_once),
		T(who_has_nothing_waiting_overtakes),
		T(not_more_overtake_than_a_turn_can_bear),
		T(what_there_is_no_room_for_stays_in_the_device),
		T(each_flow_keeps_its_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
