/*
 * lib/tunnel: what the peer's window holds back, in which order, under which keys, for how long;
 * and the raw frames of a line.
 */
#include "tests/unit/tunnel_pair.h"

#include <errno.h>

static const struct mppe_params stateless = { MPPE_128, true };
static const struct mppe_params stateful = { MPPE_128, false };

static struct tunnel a, b;

/* `a` keeps the window that `b` announced. */
static void begin(uint16_t window, const struct mppe_params *params)
{
	const struct gre_sender_config strict = { .flow = GRE_FLOW_STRICT, .window = window };

	init_pair(&a, &b, params);
	gre_sender_init(&a.sender, &strict);
	b.receiver.window = window;
}

/* To `b`, which must get packet `number` of it. */
static void carry(struct packet *p, uint32_t number, uint64_t now)
{
	struct packet_list in, done;

	packet_list_init(&in);
	packet_list_init(&done);
	receive_into(&b, p, now, &in);
	work(&b, &in, &done);
	p = packet_list_take(&done);
	assert_non_null(p);
	assert_int_equal(p->verdict, PACKET_DATA);
	assert_int_equal(ip_number(p), number);
	assert_null(done.first);
	release(p);
}

static void acknowledge(uint64_t now)
{
	struct packet *p = packet("", 0);
	struct packet_list out;

	assert_true(tunnel_ack(&b, p, now));
	packet_list_init(&out);
	receive_into(&a, p, now, &out);
	release(packet_list_take(&out));
}

/* 0 it was sent and carried, 1 it waits, negative dropped. */
static int offer(uint32_t number, uint64_t now)
{
	struct packet *p = ip_packet(number, 60);
	int rc = tunnel_seal(&a, p, PPP_IP, now, &batch);

	rc4_run(&batch);
	if (rc == 0)
		carry(p, number, now);
	else if (rc < 0)
		release(p);
	return rc;
}

/* All that may go now: `first` and what follows it. */
static unsigned int carry_released(uint32_t first, uint64_t now)
{
	struct packet_list out;
	struct packet *p;
	unsigned int n = 0;

	packet_list_init(&out);
	while (tunnel_sendable(&a))
		tunnel_release(&a, now, &batch, &out);
	rc4_run(&batch);
	while ((p = packet_list_take(&out))) {
		assert_int_equal(p->verdict, PACKET_NONE);
		carry(p, first + n++, now);
	}
	return n;
}

static unsigned int drain(struct packet_list *out)
{
	struct packet *p;
	unsigned int n = 0;

	for (; (p = packet_list_take(out)); n++) {
		assert_int_equal(p->verdict, PACKET_DROP);
		release(p);
	}
	return n;
}

static struct tunnel_stats stats_of(const struct tunnel *t)
{
	struct tunnel_stats stats;

	tunnel_get_stats(t, &stats);
	return stats;
}

static void waits_and_goes(const struct mppe_params *params)
{
	uint64_t now = 1000 * MS;
	uint32_t number = 0;

	begin(8, params);
	while (number < 4)
		assert_int_equal(offer(number++, now), 0);
	assert_int_equal(stats_of(&a).in_flight, 4);
	while (number < 10)
		assert_int_equal(offer(number++, now), 1);
	assert_int_equal(stats_of(&a).queued, 6);
	assert_int_equal(stats_of(&a).window_full, 6);
	assert_int_equal(stats_of(&a).tx_packets, 4);
	assert_false(tunnel_sendable(&a));
	now += 10 * MS;
	acknowledge(now);
	assert_true(tunnel_sendable(&a));
	/* Behind those that wait, although there is room. */
	assert_true(tunnel_would_wait(&a, PPP_IP));
	assert_false(tunnel_would_wait(&a, PPP_LCP));
	assert_int_equal(offer(number++, now), 1);
	assert_int_equal(carry_released(4, now), 5); /* the window has grown by one */
	now += 10 * MS;
	acknowledge(now);
	assert_int_equal(carry_released(9, now), 2);
	assert_int_equal(offer(number, now), 0);
	assert_int_equal(stats_of(&a).window, 6);
	assert_int_equal(stats_of(&a).window_max, 8);
	assert_int_equal(stats_of(&a).tx_packets, 12);
	assert_int_equal(stats_of(&b).rx_packets, 12);
	end_pair(&a, &b);
}

static void data_waits_for_the_window_and_goes_in_order(void **state)
{
	(void)state;
	waits_and_goes(NULL);
}

static void the_keys_are_in_step_with_the_order_of_sending(void **state)
{
	(void)state;
	waits_and_goes(&stateless);
	waits_and_goes(&stateful);
}

static void control_frames_never_wait(void **state)
{
	const uint8_t echo[] = { 9, 1, 0, 8, 0, 0, 0, 0 };
	struct packet_list out;

	(void)state;
	begin(1, &stateless);
	assert_int_equal(offer(0, MS), 0);
	assert_int_equal(offer(1, MS), 1);
	for (unsigned int i = 0; i < 3; i++) {
		struct packet *p = seal(&a, packet(echo, sizeof(echo)), PPP_LCP, 2 * MS);

		packet_list_init(&out);
		receive_into(&b, p, 2 * MS, &out);
		p = packet_list_take(&out);
		tunnel_decrypt(&b, p, &batch);
		tunnel_finish(&b, p);
		assert_int_equal(p->verdict, PACKET_CONTROL);
		release(p);
	}
	assert_int_equal(stats_of(&a).in_flight, 4);
	acknowledge(100 * MS);
	assert_int_equal(carry_released(1, 100 * MS), 1);
	end_pair(&a, &b);
}

static void a_time_out_lets_the_next_window_go(void **state)
{
	uint64_t now = 1000 * MS;
	struct packet_list out;

	(void)state;
	begin(8, &stateless);
	for (uint32_t i = 0; i < 8; i++)
		assert_int_equal(offer(i, now), i < 4 ? 0 : 1);
	assert_int_equal(tunnel_deadline(&a), now + GRE_ATO_FIRST);
	now += GRE_ATO_FIRST;
	packet_list_init(&out);
	tunnel_tick(&a, now, &out);
	assert_null(out.first);
	assert_int_equal(stats_of(&a).ack_timeouts, 1);
	assert_int_equal(stats_of(&a).window, 2);
	assert_int_equal(carry_released(4, now), 2);
	assert_int_equal(stats_of(&a).queued, 2);
	end_pair(&a, &b);
}

static void the_queue_is_bounded_by_twice_the_window(void **state)
{
	static const struct {
		uint16_t window;
		unsigned int waits;
	} t[] = { { 1, TUNNEL_QUEUE_MIN }, { 8, 8 }, { 64, 64 }, { 2000, TUNNEL_QUEUE_MAX } };

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		uint32_t number = 0;
		unsigned int first = t[i].window > 1 ? t[i].window / 2 : 1;

		begin(t[i].window, NULL);
		while (number < first)
			assert_int_equal(offer(number++, MS), 0);
		while (number < first + t[i].waits)
			assert_int_equal(offer(number++, MS), 1);
		assert_int_equal(offer(number, MS), -ENOBUFS);
		assert_int_equal(stats_of(&a).drops[TUNNEL_DROP_WINDOW], 1);
		assert_int_equal(stats_of(&a).queued, t[i].waits);
		end_pair(&a, &b);
	}
}

static void what_waited_too_long_is_dropped(void **state)
{
	uint64_t now = 1000 * MS, late;
	struct packet_list out;

	(void)state;
	begin(1, NULL);
	a.sender.ato = 10 * TUNNEL_QUEUE_TIME;
	assert_int_equal(offer(0, now), 0);
	assert_int_equal(offer(1, now), 1);
	assert_int_equal(offer(2, now + 1), 1);
	late = now + TUNNEL_QUEUE_TIME;
	assert_int_equal(tunnel_deadline(&a), late);
	packet_list_init(&out);
	tunnel_tick(&a, late - 1, &out);
	assert_null(out.first);
	tunnel_tick(&a, late, &out);
	assert_int_equal(drain(&out), 1);
	assert_int_equal(tunnel_deadline(&a), late + 1);
	tunnel_tick(&a, late + 1, &out);
	assert_int_equal(drain(&out), 1);
	assert_int_equal(stats_of(&a).drops[TUNNEL_DROP_WINDOW], 2);
	assert_int_equal(stats_of(&a).queued, 0);
	end_pair(&a, &b);
}

static void what_waits_does_not_outlive_the_link(void **state)
{
	struct packet_list out;

	(void)state;
	packet_list_init(&out);
	begin(1, NULL);
	assert_int_equal(offer(0, MS), 0);
	assert_int_equal(offer(1, MS), 1);
	tunnel_open(&a, false, &out);
	assert_int_equal(drain(&out), 1);
	assert_int_equal(stats_of(&a).drops[TUNNEL_DROP_NOT_OPEN], 1);
	tunnel_open(&a, true, &out);
	assert_int_equal(offer(2, MS), 1);
	tunnel_done(&a, &out);
	assert_int_equal(drain(&out), 1);
	end_pair(&a, &b);
}

static void what_waits_does_not_go_in_clear(void **state)
{
	struct packet_list out;

	(void)state;
	packet_list_init(&out);
	begin(1, &stateless);
	a.require_mppe = b.require_mppe = true;
	assert_int_equal(offer(0, MS), 0);
	assert_int_equal(offer(1, MS), 1);
	tunnel_set_tx(&a, NULL, NULL);
	acknowledge(100 * MS);
	tunnel_release(&a, 100 * MS, &batch, &out);
	assert_int_equal(drain(&out), 1);
	assert_int_equal(stats_of(&a).drops[TUNNEL_DROP_SEND_CLEAR], 1);
	end_pair(&a, &b);
}

static void a_release_is_a_batch_at_most(void **state)
{
	uint64_t now = MS;
	struct packet_list out;
	uint32_t number = 0;

	(void)state;
	begin(600, &stateless);
	while (number < 300)
		assert_int_equal(offer(number++, now), 0);
	while (number < 500)
		assert_int_equal(offer(number++, now), 1);
	acknowledge(100 * MS);
	packet_list_init(&out);
	tunnel_release(&a, 100 * MS, &batch, &out);
	rc4_run(&batch);
	assert_int_equal(stats_of(&a).queued, 200 - RC4_BATCH_MAX);
	for (uint32_t i = 0; i < RC4_BATCH_MAX; i++)
		carry(packet_list_take(&out), 300 + i, 100 * MS);
	assert_int_equal(carry_released(300 + RC4_BATCH_MAX, 100 * MS), 200 - RC4_BATCH_MAX);
	end_pair(&a, &b);
}

/* pptp-linux: window 3, seven packets back to back, and acknowledgements when it likes. */
static void advisory_and_off_hold_nothing_back(void **state)
{
	static const enum gre_flow flows[] = { GRE_FLOW_ADVISORY, GRE_FLOW_OFF };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		begin(3, &stateless);
		a.sender.flow = flows[i];
		for (uint32_t n = 0; n < 500; n++)
			assert_int_equal(offer(n, n * MS), 0);
		assert_int_equal(tunnel_deadline(&a), UINT64_MAX);
		assert_int_equal(stats_of(&a).queued, 0);
		assert_int_equal(stats_of(&a).window_full != 0, i == 0);
		assert_int_equal(stats_of(&a).window, i == 0 ? 1 : 0);
		end_pair(&a, &b);
	}
}

/* --- raw --- */

static void begin_raw(uint16_t window)
{
	struct tunnel_config c = { .call_id = 1, .peer_call_id = 2, .window = 64, .raw = true };

	c.require_mppe = true; /* of no meaning to a line */
	c.flow = GRE_FLOW_STRICT;
	tunnel_init(&a, &c);
	tunnel_set_peer(&a, 2, window, 0);
	c.call_id = 2;
	c.peer_call_id = 1;
	tunnel_init(&b, &c);
	tunnel_set_peer(&b, 1, window, 0);
}

static void the_frames_of_a_line_go_through_as_they_are(void **state)
{
	static const struct {
		uint8_t frame[8];
		uint32_t len;
		bool data;
	} t[] = { { { 0xff, 0x03, 0xc0, 0x21, 1, 1, 0, 4 }, 8, false }, { { 0x21, 0x45 }, 2, true },
		{ { 0xff, 0x03, 0x00, 0xfd, 0x90, 0x00, 1 }, 7, true }, { { 0xff }, 1, true },
		{ { 0, 0, 0 }, 3, true }, { { 0x80, 0xfd, 1, 1, 0, 4 }, 6, false } };

	(void)state;
	begin_raw(64);
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct packet *p = seal(&a, packet(t[i].frame, t[i].len), 0, MS);
		struct tunnel_stats before = stats_of(&b);
		struct packet_list out;

		packet_list_init(&out);
		receive_into(&b, p, MS, &out);
		p = packet_list_take(&out);
		tunnel_decrypt(&b, p, &batch);
		assert_int_equal(batch.count, 0);
		tunnel_finish(&b, p);
		assert_int_equal(p->verdict, PACKET_CONTROL);
		assert_int_equal(p->protocol, 0);
		assert_int_equal(p->len, t[i].len);
		assert_memory_equal(p->data, t[i].frame, t[i].len);
		assert_int_equal(stats_of(&b).rx_packets - before.rx_packets, t[i].data);
		assert_int_equal(stats_of(&b).rx_control - before.rx_control, !t[i].data);
		release(p);
	}
	end_pair(&a, &b);
}

static void an_empty_frame_of_a_line_is_refused(void **state)
{
	struct packet *p = packet("", 0);

	(void)state;
	begin_raw(64);
	assert_int_equal(tunnel_seal(&a, p, 0, MS, &batch), -EMSGSIZE);
	assert_int_equal(a.sender.sent, 0);
	release(p);
	end_pair(&a, &b);
}

static void the_frames_of_a_line_keep_the_window(void **state)
{
	const uint8_t data[] = { 0xff, 0x03, 0, 0x21, 0x45 };
	const uint8_t lcp[] = { 0xff, 0x03, 0xc0, 0x21, 9, 1, 0, 8, 0, 0, 0, 0 };
	struct packet *p = packet(data, sizeof(data));
	struct packet_list out;

	(void)state;
	begin_raw(1);
	release(seal(&a, packet(data, sizeof(data)), 0, MS));
	assert_true(tunnel_would_wait(&a, 0));
	assert_int_equal(tunnel_seal(&a, p, 0, MS, &batch), 1);
	release(seal(&a, packet(lcp, sizeof(lcp)), 0, MS));
	gre_sender_acked(&a.sender, 1, 2 * MS);
	packet_list_init(&out);
	tunnel_release(&a, 2 * MS, &batch, &out);
	p = packet_list_take(&out);
	assert_int_equal(p->verdict, PACKET_NONE);
	assert_int_equal(p->len, 12 + sizeof(data));
	assert_memory_equal(p->data + 12, data, sizeof(data));
	release(p);
	end_pair(&a, &b);
}

/* Behind a Reset-Ack the other end of the line reads what comes with a new history. */
static void compression_control_of_a_line_keeps_its_place_among_the_data(void **state)
{
	const uint8_t data[] = { 0xff, 0x03, 0, 0xfd, 0x45 };
	const uint8_t reset_ack[] = { 0xff, 0x03, 0x80, 0xfd, 15, 1, 0, 4 };
	struct packet_list out;
	struct packet *p;

	(void)state;
	begin_raw(1);
	release(seal(&a, packet(data, sizeof(data)), 0, MS));
	release(seal(&a, packet(reset_ack, sizeof(reset_ack)), 0, MS)); /* nothing to pass */
	assert_int_equal(tunnel_seal(&a, packet(data, sizeof(data)), 0, MS, &batch), 1);
	assert_int_equal(tunnel_seal(&a, packet(reset_ack, sizeof(reset_ack)), 0, MS, &batch), 1);
	for (uint32_t i = 0; i < 2; i++) {
		gre_sender_acked(&a.sender, a.sender.next - 1, 2 * MS);
		packet_list_init(&out);
		tunnel_release(&a, 2 * MS, &batch, &out);
		p = packet_list_take(&out);
		assert_int_equal(p->len, 12 + (i ? sizeof(reset_ack) : sizeof(data)));
		assert_null(packet_list_take(&out));
		release(p);
	}
	assert_int_equal(stats_of(&a).tx_packets, 2);
	assert_int_equal(stats_of(&a).tx_control, 2);
	end_pair(&a, &b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(data_waits_for_the_window_and_goes_in_order),
		cmocka_unit_test(the_keys_are_in_step_with_the_order_of_sending),
		cmocka_unit_test(control_frames_never_wait),
		cmocka_unit_test(a_time_out_lets_the_next_window_go),
		cmocka_unit_test(the_queue_is_bounded_by_twice_the_window),
		cmocka_unit_test(what_waited_too_long_is_dropped),
		cmocka_unit_test(what_waits_does_not_outlive_the_link),
		cmocka_unit_test(what_waits_does_not_go_in_clear),
		cmocka_unit_test(a_release_is_a_batch_at_most),
		cmocka_unit_test(advisory_and_off_hold_nothing_back),
		cmocka_unit_test(the_frames_of_a_line_go_through_as_they_are),
		cmocka_unit_test(an_empty_frame_of_a_line_is_refused),
		cmocka_unit_test(the_frames_of_a_line_keep_the_window),
		cmocka_unit_test(compression_control_of_a_line_keeps_its_place_among_the_data),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
