/* The data plane's sessions, with its thread: control frames, order of commands, life, encryption,
 * counters. */
#include "dataplane/pool.h"
#include "dataplane/queue.h"
#include "dp_far_end.h"
#include "lib/mppe/cipher.h"
#include "system/cpu.h"

#include <pthread.h>
#include <stdatomic.h>

/* ---- control frames and commands ---- */

static void control_frames_come_as_events(void **state)
{
	struct rig *rig = rig_new(false, false);
	struct dp_session *s = add_open(rig);

	(void)state;
	sync_commands(rig, s);
	send_ppp(rig, OUR_ID, 0, 0xc021, "\x01\x02\0\x04", 4);
	send_ppp(rig, OUR_ID, 1, 0xc223, "\x03\x04\0\x04", 4);
	hear(rig, 2);
	assert_int_equal(rig->heard[0].type, DP_EVENT_CONTROL);
	assert_ptr_equal(rig->heard[0].owner, rig);
	assert_int_equal(rig->heard[0].protocol, 0xc021);
	assert_int_equal(rig->heard[0].len, 4);
	assert_memory_equal(rig->heard[0].data, "\x01\x02\0\x04", 4);
	assert_int_equal(rig->heard[1].protocol, 0xc223);
	rig_free(rig);
}

static void one_peers_flood_takes_no_other_peers_place(void **state)
{
	struct rig *rig = rig_new(false, false);
	struct dp_session *s = add_open(rig);
	struct dp_session *other = add(rig, PEER, OUR_ID + 1, &rig->inner);
	struct dp_stats stats;

	(void)state;
	(void)other;
	sync_commands(rig, s);
	for (uint32_t i = 0; i < 60; i++)
		send_ppp(rig, OUR_ID, i, 0xc021, "\x09\x02\0\x04", 4);
	send_ppp(rig, OUR_ID + 1, 0, 0xc021, "\x09\x07\0\x04", 4);
	UNTIL(stats.gre_received == 61);
	hear(rig, 33);
	assert_int_equal(rig->heard_count, 33);
	assert_int_equal(stats.event_overflow, 28);
	assert_ptr_equal(rig->heard[32].owner, &rig->inner);
	/* What was heard makes room. */
	send_ppp(rig, OUR_ID, 60, 0xc021, "\x09\x03\0\x04", 4);
	hear(rig, 34);
	assert_ptr_equal(rig->heard[33].owner, rig);
	rig_free(rig);
}

/* However fast the control thread is: a session's frames cost it only so much of its time. */
static void a_flood_of_control_frames_is_slowed_down(void **state)
{
	struct rig *rig = rig_new(false, false);
	struct dp_session *s = add_open(rig);
	const uint32_t frames = 20000;
	uint64_t began, paid = 0;
	struct dp_stats stats;

	(void)state;
	sync_commands(rig, s);
	began = clock_us();
	for (uint32_t i = 0; i < frames; i++) {
		send_ppp(rig, OUR_ID, i, 0xc021, "\x09\x02\0\x04", 4);
		if (i % 16)
			continue;
		dataplane_dispatch(rig->dp, on_event, rig);
		paid += rig->heard_count;
		rig->heard_count = 0;
	}
	UNTIL(stats.gre_received == frames);
	dataplane_dispatch(rig->dp, on_event, rig);
	paid += rig->heard_count;
	assert_in_range(
		paid, 1, QUEUE_CONTROL_BURST + 1 + (clock_us() - began) / QUEUE_CONTROL_INTERVAL);
	assert_int_equal(paid + stats.event_overflow, frames);
	rig_free(rig);
}

static void frames_go_out_in_the_order_of_commands(void **state)
{
	struct rig *rig = rig_new(false, false);
	struct dp_session *s = add_open(rig);
	uint8_t buf[2048], info[4] = { 9, 0, 0, 4 };
	struct gre_header h;
	size_t at;

	(void)state;
	for (unsigned int i = 0; i < 100; i++) {
		info[1] = (uint8_t)i;
		dp_session_set_framing(rig->dp, s, i % 2, false, 1500);
		assert_int_equal(dp_session_send(rig->dp, s, 0x8021, info, sizeof(info)), 0);
	}
	for (unsigned int i = 0; i < 100; i++) {
		size_t n = next_data(rig, buf, sizeof(buf), &h, &at);

		assert_int_equal(h.seq, i);
		/* Address and control only while not agreed away. */
		assert_int_equal(n - at, i % 2 ? 6 : 8);
		assert_int_equal(buf[n - 3], (uint8_t)i);
	}
	rig_free(rig);
}

static void a_frame_larger_than_a_slot_is_refused(void **state)
{
	static const uint8_t zeros[PACKET_ROOM + 1];
	struct rig *rig = rig_new(false, false);
	struct dp_session *s = add_open(rig);
	uint8_t buf[2048];

	(void)state;
	assert_int_equal(dp_session_send(rig->dp, s, 0xc021, zeros, PACKET_ROOM + 1), -EMSGSIZE);
	assert_int_equal(dp_session_send(rig->dp, s, 0xc021, zeros, PACKET_ROOM), 0);
	assert_int_equal(next_on(rig->gre, buf, sizeof(buf)), 12 + 4 + PACKET_ROOM);
	rig_free(rig);
}

static void peers_call_id_can_come_later(void **state)
{
	struct rig *rig = rig_new(false, false);
	struct dp_session *s = add_open(rig);
	uint8_t buf[2048];
	struct gre_header h;
	size_t at;

	(void)state;
	dp_session_set_peer(rig->dp, s, 0xbeef, 16, 0);
	assert_int_equal(
		dp_session_send(rig->dp, s, 0xc021, (const uint8_t *)"\x01\x01\0\x04", 4), 0);
	next_data(rig, buf, sizeof(buf), &h, &at);
	assert_int_equal(h.call_id, 0xbeef);
	rig_free(rig);
}

/* ---- life of a session ---- */

static void a_call_and_a_prefix_have_one_holder(void **state)
{
	struct rig *rig = rig_new(false, false);
	struct dp_session *s = add_open(rig);
	struct dp_session *other = add(rig, PEER + 1, OUR_ID, NULL);

	(void)state;
	assert_non_null(other);
	errno = 0;
	assert_null(add(rig, PEER, OUR_ID, NULL));
	assert_int_equal(errno, EADDRINUSE);
	assert_int_equal(dp_session_add_route(rig->dp, other, in(INNER), 32), -EEXIST);
	assert_int_equal(dp_session_add_route(rig->dp, s, in(INNER), 32), 0);
	assert_int_equal(dp_session_add_route(rig->dp, s, in(INNER), 33), -EINVAL);
	rig_free(rig);
}

static void removal_is_the_last_event_and_frees_call_and_routes(void **state)
{
	struct rig *rig = rig_new(false, false);
	struct dp_session *s = add_open(rig);
	struct dp_stats stats;
	uint8_t buf[2048];
	struct gre_header h;
	size_t at;

	(void)state;
	sync_commands(rig, s);
	for (uint32_t i = 0; i < 5; i++)
		send_ppp(rig, OUR_ID, i, 0xc021, "\x05\x02\0\x04", 4);
	send_data(rig, 7, 7); /* held: a gap before it */
	UNTIL(stats.gre_received == 6);
	assert_int_equal(
		dp_session_send(rig->dp, s, 0xc021, (const uint8_t *)"\x05\x09\0\x04", 4), 0);
	dp_session_remove(rig->dp, s);
	/* At once free for the next: the order of commands sees to it. */
	s = add(rig, PEER, OUR_ID, &rig->gre);
	assert_non_null(s);
	assert_int_equal(dp_session_add_route(rig->dp, s, in(INNER), 32), 0);
	dp_session_open(rig->dp, s, true);
	next_data(rig, buf, sizeof(buf), &h, &at); /* the frame before the removal went out */
	assert_int_equal(buf[at + 5], 9);
	hear(rig, 1);
	assert_int_equal(rig->heard_count, 1);
	assert_int_equal(rig->heard[0].type, DP_EVENT_REMOVED);
	assert_ptr_equal(rig->heard[0].owner, rig);
	sync_commands(rig, s);
	send_ppp(rig, OUR_ID, 0, 0xc021, "\x01\x0a\0\x04", 4);
	hear(rig, 2);
	assert_ptr_equal(rig->heard[1].owner, &rig->gre);
	inner_sends(rig, INNER, 8, 60);
	next_data(rig, buf, sizeof(buf), &h, &at);
	assert_int_equal(h.seq, 1); /* numbers begin anew */
	rig_free(rig);
}

/* The route to the peer is gone, and the next one leads into the tunnel. */
static void what_carries_the_tunnel_does_not_go_through_it(void **state)
{
	struct rig *rig = rig_new(false, false);
	struct dp_session *s = add_open(rig);
	uint8_t packet[100], buf[2048];
	const uint8_t gre[40] = { 0x30, 0x81, 0x88, 0x0b };
	struct dp_stats stats;
	struct gre_header h;
	size_t at, n;

	(void)state;
	assert_int_equal(dp_session_add_route(rig->dp, s, in(PEER), 32), 0);
	n = put_ipv4(packet, LOCAL, PEER, 47, gre, sizeof(gre));
	assert_int_equal(send(rig->inner, packet, n, 0), n);
	UNTIL(stats.inner_loop == 1);
	/* GRE of somebody else to the same address, and anything else, does. */
	n = put_ipv4(packet, OUTSIDE, PEER, 47, gre, sizeof(gre));
	assert_int_equal(send(rig->inner, packet, n, 0), n);
	next_data(rig, buf, sizeof(buf), &h, &at);
	n = put_ipv4(packet, LOCAL, PEER, 6, gre, sizeof(gre));
	assert_int_equal(send(rig->inner, packet, n, 0), n);
	next_data(rig, buf, sizeof(buf), &h, &at);
	dataplane_stats(rig->dp, &stats);
	assert_int_equal(stats.inner_loop, 1);
	rig_free(rig);
}

static void everything_can_be_freed_in_any_state(void **state)
{
	struct rig *rig = rig_new(false, false);
	struct dp_session *s = add_open(rig);
	struct dp_session *gone = add(rig, PEER, OUR_ID + 1, NULL);
	struct dp_stats stats;

	(void)state;
	sync_commands(rig, s);
	send_ppp(rig, OUR_ID, 0, 0xc021, "\x01\x02\0\x04", 4);
	send_data(rig, 2, 2); /* held */
	UNTIL(stats.gre_received == 2);
	dp_session_remove(rig->dp, gone); /* its last event is never heard */
	add(rig, PEER, OUR_ID + 2, NULL);
	dp_session_send(rig->dp, s, 0xc021, (const uint8_t *)"\x05\x02\0\x04", 4);
	rig_free(rig);
}

/* Several workers share the slots, and all calls here are the first one's: so it has few, which soon are full. */
#define SHARERS 4
_Static_assert(OUR_ID % SHARERS == 0, "its calls");

/* Calls that are not open yet, each with as much early data as it may keep: more than all slots. */
static void early_data_of_many_calls_leaves_slots_for_the_others(void **state)
{
	struct rig *rig = rig_with((struct dp_config){ .workers = SHARERS });
	struct dp_session *s = add_open(rig);
	uint16_t calls = POOL_MAX / SHARERS / TUNNEL_EARLY_MAX + 64;
	struct dp_stats stats;
	uint8_t packet[100];
	size_t n = inner_packet(packet, INNER, OUTSIDE, 0, 60);

	(void)state;
	for (uint16_t i = 1; i <= calls; i++)
		assert_non_null(add(rig, PEER, (uint16_t)(OUR_ID + SHARERS * i), NULL));
	sync_commands(rig, s);
	for (uint32_t seq = 0; seq < TUNNEL_EARLY_MAX; seq++)
		for (uint16_t i = 1; i <= calls; i++)
			send_ppp(rig, (uint16_t)(OUR_ID + SHARERS * i), seq, 0x0021, packet, n);
	UNTIL(stats.gre_received == (uint64_t)calls * TUNNEL_EARLY_MAX);
	assert_true(stats.no_slot > 0);
	for (uint32_t i = 0; i < 500; i++) {
		send_data(rig, i, i);
		expect_inner(rig, i);
	}
	rig_free(rig);
}

/* Without slots nothing can wait for what is lost; but the stream must go on behind the gap. */
static void a_loss_does_not_stop_a_stream_while_slots_are_short(void **state)
{
	struct rig *rig = rig_with((struct dp_config){ .workers = SHARERS });
	struct dp_session *s = add_open(rig);
	uint16_t calls = POOL_MAX / SHARERS / TUNNEL_EARLY_MAX + 64,
		 last = calls + 2 * POOL_RESERVE;
	struct dp_stats stats;
	uint8_t packet[100];
	size_t n = inner_packet(packet, INNER, OUTSIDE, 0, 60);

	(void)state;
	for (uint16_t i = 1; i <= last; i++)
		assert_non_null(add(rig, PEER, (uint16_t)(OUR_ID + SHARERS * i), NULL));
	sync_commands(rig, s);
	for (uint32_t seq = 0; seq < TUNNEL_EARLY_MAX; seq++)
		for (uint16_t i = 1; i <= calls; i++)
			send_ppp(rig, (uint16_t)(OUR_ID + SHARERS * i), seq, 0x0021, packet, n);
	/* One each, to the last slot. */
	for (uint16_t i = (uint16_t)(calls + 1); i <= last; i++)
		send_ppp(rig, (uint16_t)(OUR_ID + SHARERS * i), 0, 0x0021, packet, n);
	for (uint32_t i = 0; i < 500; i++) {
		if (i % 3 == 1)
			continue;
		send_data(rig, i, i);
		expect_inner(rig, i);
	}
	dataplane_stats(rig->dp, &stats);
	assert_true(stats.no_slot >= 166);
	rig_free(rig);
}

/* ---- encryption ---- */

#define FAR_ENDS 8
#define ROUNDS   40
#define STEP     80

static void many_encrypted_sessions_share_batches(void **state)
{
	struct far_end *far = calloc(FAR_ENDS, sizeof(*far));
	struct rig *rig = rig_new(false, false);
	struct dp_session *s[FAR_ENDS];
	struct tunnel_stats session_stats;
	struct packet_list held;
	struct dp_stats stats;
	uint8_t buf[2048];
	uint32_t sum = 0;

	(void)state;
	assert_non_null(far);
	for (uint16_t i = 0; i < FAR_ENDS; i++)
		start_encrypted(rig, &far[i], i, &s[i]);
	/* All commands done: the last session's frame is out. */
	assert_int_equal(dp_session_send(rig->dp, s[FAR_ENDS - 1], 0xc021, buf, 0), 0);
	next_on(rig->gre, buf, sizeof(buf));
	/* In steps that socket buffers hold. */
	for (uint32_t at = 0; at < FAR_ENDS * ROUNDS; at += STEP) {
		for (uint32_t i = at; i < at + STEP; i++)
			far_end_sends(rig, &far[i % FAR_ENDS], PEER + i % FAR_ENDS, i);
		for (uint32_t i = at; i < at + STEP; i++)
			expect_inner(rig, i);
		for (uint32_t i = at; i < at + STEP; i++)
			inner_sends(rig, INNER + i % FAR_ENDS, i, 60);
		for (uint32_t i = at; i < at + STEP; i++)
			sum += far_end_reads(rig, far, FAR_ENDS);
	}
	assert_int_equal(sum, FAR_ENDS * ROUNDS * (FAR_ENDS * ROUNDS - 1) / 2);
	for (size_t i = 0; i < FAR_ENDS; i++) {
		UNTIL((dp_session_stats(s[i], &session_stats), session_stats.tx_packets == ROUNDS));
		assert_int_equal(session_stats.rx_packets, ROUNDS);
		packet_list_init(&held);
		tunnel_done(&far[i].tunnel, &held);
	}
	rig_free(rig);
	free(far);
}

/* Packets one at a time, there and back, until the worker has what it makes ahead. */
static void lone_packets_come_from_streams_ahead(void **state)
{
	struct rig *rig = rig_with((struct dp_config){ .cipher = cipher_choose(cpu_features()) });
	struct far_end *far = calloc(2, sizeof(*far));
	struct packet_list held;
	struct dp_session *s;
	struct dp_stats stats;
	uint8_t buf[2048];

	(void)state;
	assert_non_null(far);
	start_encrypted(rig, &far[1], 1, &s); /* a stateless one */
	assert_int_equal(dp_session_send(rig->dp, s, 0xc021, buf, 0), 0);
	next_on(rig->gre, buf, sizeof(buf));
	for (uint32_t i = 0; i < 400; i++) {
		far_end_sends(rig, &far[1], PEER + 1, i);
		expect_inner(rig, i);
		inner_sends(rig, INNER + 1, i, 60);
		assert_int_equal(far_end_reads(rig, far, 2), i);
		if (i != 200)
			continue;
		dp_session_set_tx(rig->dp, s,
			&(struct mppe_params){ .bits = MPPE_128, .stateless = true }, key_down);
		tunnel_set_rx(&far[1].tunnel,
			&(struct mppe_params){ .bits = MPPE_128, .stateless = true }, key_down);
	}
	/* Without a wide engine nothing is made. */
	if (cipher_choose(cpu_features())->wide)
		UNTIL(stats.ahead_used > 300);
	UNTIL(true);
	assert_true(stats.ahead_used <= stats.ahead_made && stats.ahead_thrown * 8 <= 800);
	packet_list_init(&held);
	tunnel_done(&far[1].tunnel, &held);
	rig_free(rig);
	free(far);
}

static void a_lost_stateful_packet_raises_a_reset(void **state)
{
	struct far_end *far = calloc(1, sizeof(*far));
	struct rig *rig = rig_new(false, false);
	struct packet_list held;
	struct dp_session *s;
	uint8_t buf[2048];

	(void)state;
	assert_non_null(far);
	start_encrypted(rig, far, 0, &s);
	assert_int_equal(dp_session_send(rig->dp, s, 0xc021, buf, 0), 0);
	next_on(rig->gre, buf, sizeof(buf));
	far_end_sends(rig, far, PEER, 0);
	expect_inner(rig, 0);
	far->packet.len = 60;
	packet_reset(&far->packet);
	far->packet.len = (uint32_t)inner_packet(far->packet.data, INNER, OUTSIDE, 1, 60);
	assert_int_equal(tunnel_seal(&far->tunnel, &far->packet, 0x0021, 0, &far->batch), 0);
	rc4_run(&far->batch); /* and lost */
	far_end_sends(rig, far, PEER, 2);
	hear(rig, 1);
	assert_int_equal(rig->heard[0].type, DP_EVENT_RESET);
	tunnel_reset_requested(&far->tunnel);
	far_end_sends(rig, far, PEER, 3);
	expect_inner(rig, 3);
	packet_list_init(&held);
	tunnel_done(&far->tunnel, &held);
	rig_free(rig);
	free(far);
}

#define CALLS 24

static void stir_call(struct rig *rig, struct dp_session **s, uint16_t i, uint32_t what)
{
	const struct mppe_params params = { .bits = MPPE_128, .stateless = what & 64 };

	if (!*s) {
		*s = add(rig, PEER, (uint16_t)(OUR_ID + i), rig);
		assert_non_null(*s);
		assert_int_equal(dp_session_add_route(rig->dp, *s, in(INNER + i), 32), 0);
	}
	switch (what % 8) {
	case 0:
		dp_session_remove(rig->dp, *s);
		*s = NULL;
		break;
	case 1:
		dp_session_open(rig->dp, *s, what & 64);
		break;
	case 2:
		dp_session_set_rx(rig->dp, *s, what & 128 ? &params : NULL, key_up);
		break;
	case 3:
		dp_session_set_tx(rig->dp, *s, what & 128 ? &params : NULL, key_down);
		break;
	case 4:
		dp_session_reset_requested(rig->dp, *s);
		break;
	default:
		assert_int_equal(dp_session_send(rig->dp, *s, 0xc021, key_up, 16), 0);
	}
}

static void is_for_rig(void *rig, const struct dp_event *event)
{
	assert_ptr_equal(event->owner, rig);
}

static void drain(int fd)
{
	uint8_t buf[2048];

	while (recv(fd, buf, sizeof(buf), MSG_DONTWAIT) > 0)
		;
}

/*
 * Calls are removed and added again under the same Call ID while their packets wait in reorder
 * buffers, for their link, for the cipher and to be sent, and while their events are on the way.
 */
static void calls_come_and_go_under_traffic(void **state)
{
	struct rig *rig = rig_new(true, false);
	struct dp_session *s[CALLS] = { NULL };
	uint32_t rng = 1, seq[CALLS] = { 0 };
	uint8_t packet[100];
	size_t n;

	(void)state;
	for (uint32_t step = 0; step < 30000; step++) {
		uint32_t what = (rng = rng * 1664525u + 1013904223u) >> 8;
		uint16_t i = (uint16_t)(what % CALLS);

		what /= CALLS;
		n = inner_packet(packet, INNER + i, OUTSIDE, step, 60);
		switch (what % 8) {
		case 0:
			stir_call(rig, &s[i], i, what >> 3);
			break;
		case 1:
			inner_sends(rig, INNER + i, step, 60);
			break;
		case 2: /* a gap, a step back or a jump */
			seq[i] += (what >> 3) % 32 ? (what >> 8) % 5 - 1 : 5000;
			/* fall through */
		default:
			send_ppp(rig, (uint16_t)(OUR_ID + i), seq[i]++,
				(uint16_t[]){ 0x0021, 0x0021, 0xc021, 0x00fd }[what >> 3 & 3],
				packet, n);
		}
		if (step % 64)
			continue;
		drain(rig->inner);
		drain(rig->gre);
		dataplane_dispatch(rig->dp, is_for_rig, rig);
	}
	rig_free(rig);
}

/* ---- threads ---- */

struct reader {
	struct rig *rig;
	struct dp_session *s;
	atomic_bool stop;
	uint64_t last;
};

static void *read_stats(void *arg)
{
	struct reader *r = arg;
	struct tunnel_stats session_stats;
	struct dp_stats stats;

	while (!atomic_load(&r->stop)) {
		dp_session_stats(r->s, &session_stats);
		dataplane_stats(r->rig->dp, &stats);
		if (session_stats.rx_packets < r->last)
			abort();
		r->last = session_stats.rx_packets;
	}
	return NULL;
}

static void counters_can_be_read_from_any_thread(void **state)
{
	struct rig *rig = rig_new(false, false);
	struct dp_session *s = add_open(rig);
	struct reader reader = { .rig = rig, .s = s };
	pthread_t thread;

	(void)state;
	sync_commands(rig, s);
	assert_int_equal(pthread_create(&thread, NULL, read_stats, &reader), 0);
	for (uint32_t i = 0; i < 1000; i += 20) {
		for (uint32_t j = i; j < i + 20; j++) {
			send_data(rig, j, j);
			inner_sends(rig, INNER, j, 60);
		}
		for (uint32_t j = i; j < i + 20; j++) {
			struct gre_header h;
			uint8_t buf[2048];
			size_t at;

			expect_inner(rig, j);
			next_data(rig, buf, sizeof(buf), &h, &at);
		}
	}
	atomic_store(&reader.stop, true);
	pthread_join(thread, NULL);
	rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(control_frames_come_as_events),
		cmocka_unit_test(one_peers_flood_takes_no_other_peers_place),
		cmocka_unit_test(a_flood_of_control_frames_is_slowed_down),
		cmocka_unit_test(frames_go_out_in_the_order_of_commands),
		cmocka_unit_test(a_frame_larger_than_a_slot_is_refused),
		cmocka_unit_test(peers_call_id_can_come_later),
		cmocka_unit_test(a_call_and_a_prefix_have_one_holder),
		cmocka_unit_test(removal_is_the_last_event_and_frees_call_and_routes),
		cmocka_unit_test(what_carries_the_tunnel_does_not_go_through_it),
		cmocka_unit_test(everything_can_be_freed_in_any_state),
		cmocka_unit_test(early_data_of_many_calls_leaves_slots_for_the_others),
		cmocka_unit_test(a_loss_does_not_stop_a_stream_while_slots_are_short),
		cmocka_unit_test(many_encrypted_sessions_share_batches),
		cmocka_unit_test(lone_packets_come_from_streams_ahead),
		cmocka_unit_test(a_lost_stateful_packet_raises_a_reset),
		cmocka_unit_test(calls_come_and_go_under_traffic),
		cmocka_unit_test(counters_can_be_read_from_any_thread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
