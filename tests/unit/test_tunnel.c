/*
 * lib/tunnel: framing byte by byte, what may pass when, and events. (Tunnel against tunnel:
 * test_tunnel_path.)
 */
#include "tests/unit/tunnel_pair.h"

#include <errno.h>

static const struct mppe_params stateless128 = { .bits = MPPE_128, .stateless = true };
static const struct mppe_params stateful128 = { .bits = MPPE_128, .stateless = false };

/* One packet in, that very packet out with its verdict. */
static struct packet *receive(struct tunnel *t, struct packet *p, uint64_t now)
{
	struct packet_list in, done;

	packet_list_init(&in);
	packet_list_init(&done);
	receive_into(t, p, now, &in);
	work(t, &in, &done);
	assert_ptr_equal(packet_list_take(&done), p);
	assert_null(packet_list_take(&done));
	return p;
}

/* A PPP frame as the peer's number `seq`. */
static struct packet *frame(struct tunnel *to, uint32_t seq, const uint8_t *bytes, uint16_t len)
{
	uint8_t buf[GRE_HEADER_MAX + 128];
	const struct gre_header h = {
		.payload_len = len, .call_id = to->call_id, .has_seq = true, .seq = seq
	};

	gre_header_encode(&h, buf);
	memcpy(buf + gre_header_size(&h), bytes, len);
	return packet(buf, (uint32_t)gre_header_size(&h) + len);
}

static void assert_dropped(struct tunnel *t, struct packet *p, enum tunnel_drop why, uint64_t n)
{
	struct tunnel_stats stats;

	assert_int_equal(p->verdict, PACKET_DROP);
	tunnel_get_stats(t, &stats);
	assert_int_equal(stats.drops[why], n);
	release(p);
}

/* --- framing --- */

static void headers_are_as_negotiated(void **state)
{
	static const struct {
		bool acfc, pfc, mppe;
		uint16_t protocol;
		uint8_t header[4];
		uint32_t len;
	} cases[] = {
		{ false, false, false, PPP_IP, { 0xff, 0x03, 0x00, 0x21 }, 4 },
		{ true, false, false, PPP_IP, { 0x00, 0x21 }, 2 },
		{ false, true, false, PPP_IP, { 0xff, 0x03, 0x21 }, 3 },
		{ true, true, false, PPP_IPV6, { 0x57 }, 1 },
		{ false, false, true, PPP_IP, { 0xff, 0x03, 0x00, 0xfd }, 4 },
		{ true, false, true, PPP_IP, { 0x00, 0xfd }, 2 },
		{ false, true, true, PPP_IP, { 0xff, 0x03, 0xfd }, 3 },
		{ true, true, true, PPP_IP, { 0xfd }, 1 },
		{ false, false, true, PPP_LCP, { 0xff, 0x03, 0xc0, 0x21 }, 4 },
		{ true, true, true, PPP_LCP, { 0xff, 0x03, 0xc0, 0x21 }, 4 },
		{ false, true, true, PPP_CCP, { 0xff, 0x03, 0x80, 0xfd }, 4 },
		{ true, true, true, PPP_CCP, { 0x80, 0xfd }, 2 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct packet *p = ip_packet(7, 40);
		bool encrypted = cases[i].mppe && ppp_is_data(cases[i].protocol);
		uint32_t mppe = encrypted ? 4 : 0;
		struct gre_header h;
		struct tunnel a, b;
		size_t size;

		init_pair(&a, &b, cases[i].mppe ? &stateless128 : NULL);
		a.acfc = cases[i].acfc;
		a.pfc = cases[i].pfc;
		seal(&a, p, cases[i].protocol, 1);
		assert_int_equal(gre_header_decode(&h, p->data, p->len, &size), GRE_OK);
		assert_int_equal(h.call_id, 2);
		assert_int_equal(h.seq, 0);
		assert_false(h.has_ack);
		assert_int_equal(h.payload_len, p->len - size);
		assert_memory_equal(p->data + size, cases[i].header, cases[i].len);
		assert_int_equal(h.payload_len, cases[i].len + mppe + 40);
		if (encrypted)
			assert_int_equal(p->data[size + cases[i].len], 0x90);
		release(p);
		end_pair(&a, &b);
	}
}

static void data_and_control_come_out_as_they_went_in(void **state)
{
	const struct mppe_params *modes[] = { NULL, &stateless128, &stateful128 };

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct tunnel a, b;
		struct tunnel_stats stats;
		struct packet *p;

		init_pair(&a, &b, modes[i]);
		a.acfc = a.pfc = true;
		p = receive(&b, seal(&a, ip_packet(99, 100), PPP_IP, 5), 10);
		assert_int_equal(p->verdict, PACKET_DATA);
		assert_int_equal(p->protocol, PPP_IP);
		assert_int_equal(ip_number(p), 99);
		release(p);
		p = receive(&b, seal(&a, packet("\x09\x01\x00\x04", 4), PPP_LCP, 5), 20);
		assert_int_equal(p->verdict, PACKET_CONTROL);
		assert_int_equal(p->protocol, PPP_LCP);
		assert_int_equal(p->len, 4);
		assert_memory_equal(p->data, "\x09\x01\x00\x04", 4);
		release(p);
		tunnel_get_stats(&b, &stats);
		assert_int_equal(stats.rx_packets, 1);
		assert_int_equal(stats.rx_bytes, 100);
		assert_int_equal(stats.rx_control, 1);
		assert_int_equal(stats.last_rx, 20);
		tunnel_get_stats(&a, &stats);
		assert_int_equal(stats.tx_packets, 1);
		assert_int_equal(stats.tx_bytes, 100);
		assert_int_equal(stats.tx_control, 1);
		end_pair(&a, &b);
	}
}

static void no_headroom_is_an_error(void **state)
{
	struct packet *p = ip_packet(1, 40);
	struct tunnel a, b;

	(void)state;
	init_pair(&a, &b, NULL);
	p->data = p->buf + 23;
	assert_int_equal(tunnel_seal(&a, p, PPP_IP, 1, &batch), -EMSGSIZE);
	assert_int_equal(a.sender.next, 0);
	p->data++;
	assert_int_equal(tunnel_seal(&a, p, PPP_IP, 1, &batch), 0);
	release(p);
	end_pair(&a, &b);
}

/* --- acknowledgements --- */

static void acknowledgements_ride_on_data_or_go_alone(void **state)
{
	struct packet *p = packet("", 0), *data;
	struct tunnel_stats stats;
	struct tunnel a, b;
	struct gre_header h;
	size_t size;

	(void)state;
	init_pair(&a, &b, NULL);
	assert_false(tunnel_ack(&b, p, 0));
	release(receive(&b, seal(&a, ip_packet(1, 40), PPP_IP, 1 * MS), 2 * MS));
	data = seal(&b, ip_packet(1, 40), PPP_IP, 3 * MS);
	assert_int_equal(gre_header_decode(&h, data->data, data->len, &size), GRE_OK);
	assert_true(h.has_ack);
	assert_int_equal(h.ack, 0);
	release(receive(&a, data, 4 * MS));
	tunnel_get_stats(&a, &stats);
	assert_int_equal(stats.rtt, 3 * MS);

	release(receive(&b, seal(&a, ip_packet(2, 40), PPP_IP, 5 * MS), 6 * MS));
	assert_false(tunnel_ack(&b, p, 6 * MS + GRE_ACK_DELAY - 1));
	assert_int_equal(tunnel_deadline(&b), 6 * MS + GRE_ACK_DELAY);
	assert_true(tunnel_ack(&b, p, 56 * MS));
	assert_int_equal(p->len, 12);
	assert_false(tunnel_ack(&b, p, 57 * MS));
	p = receive(&a, p, 58 * MS);
	assert_int_equal(p->verdict, PACKET_DROP);
	release(p);
	tunnel_get_stats(&a, &stats);
	assert_int_equal(stats.rx_acks, 1);
	assert_int_equal(stats.last_rx, 58 * MS);
	assert_int_equal(a.sender.acked, 1);
	for (int i = 0; i < TUNNEL_DROP_COUNT; i++)
		assert_int_equal(stats.drops[i], 0);
	tunnel_get_stats(&b, &stats);
	assert_int_equal(stats.tx_acks, 1);
	end_pair(&a, &b);
}

/* --- policy --- */

static void required_encryption_holds_both_ways(void **state)
{
	static const uint8_t clear[] = { 0xff, 0x03, 0x00, 0x21, 0x45, 0, 0, 20, 0, 0 };
	struct packet *p = ip_packet(1, 40);
	struct tunnel_stats stats;
	struct tunnel a, b;

	(void)state;
	init_pair(&a, &b, NULL);
	a.require_mppe = true;
	assert_int_equal(tunnel_seal(&a, p, PPP_IP, 1, &batch), -EPERM);
	assert_int_equal(p->len, 40);
	assert_int_equal(ip_number(p), 1);
	release(p);
	tunnel_get_stats(&a, &stats);
	assert_int_equal(stats.drops[TUNNEL_DROP_SEND_CLEAR], 1);
	assert_int_equal(a.sender.next, 0);
	/* control frames pass */
	release(seal(&a, packet("\x01\x01\x00\x04", 4), PPP_CCP, 1));

	assert_dropped(
		&a, receive(&a, frame(&a, 0, clear, sizeof(clear)), 1), TUNNEL_DROP_CLEAR, 1);
	/* and with encryption on, required or not */
	tunnel_set_rx(&a, &stateless128, start_b);
	assert_dropped(
		&a, receive(&a, frame(&a, 1, clear, sizeof(clear)), 1), TUNNEL_DROP_CLEAR, 2);
	a.require_mppe = false;
	assert_dropped(
		&a, receive(&a, frame(&a, 2, clear, sizeof(clear)), 1), TUNNEL_DROP_CLEAR, 3);
	tunnel_set_rx(&a, NULL, NULL);
	p = receive(&a, frame(&a, 3, clear, sizeof(clear)), 1);
	assert_int_equal(p->verdict, PACKET_DATA);
	release(p);
	end_pair(&a, &b);
}

static void data_waits_for_the_link_and_keys_move_on(void **state)
{
	const struct mppe_params *modes[] = { NULL, &stateless128, &stateful128 };

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct packet *p = ip_packet(1, 40);
		struct packet_list out;
		struct tunnel a, b;

		init_pair(&a, &b, modes[i]);
		a.data_open = false;
		assert_int_equal(tunnel_seal(&a, p, PPP_IP, 1, &batch), -EPERM);
		assert_int_equal(counted(&a).drops[TUNNEL_DROP_NOT_OPEN], 1);
		release(p);
		a.data_open = true;
		packet_list_init(&out);
		tunnel_open(&b, false, &out);
		for (uint32_t n = 0; n < TUNNEL_EARLY_MAX; n++) {
			p = receive(&b, seal(&a, ip_packet(n, 40), PPP_IP, 1), 1);
			assert_int_equal(p->verdict, PACKET_HELD);
		}
		for (uint32_t n = 0; n < 5; n++)
			assert_dropped(&b, receive(&b, seal(&a, ip_packet(n, 40), PPP_IP, 1), 1),
				TUNNEL_DROP_NOT_OPEN, n + 1);
		assert_null(packet_list_take(&out));
		tunnel_open(&b, true, &out);
		for (uint32_t n = 0; n < TUNNEL_EARLY_MAX; n++) {
			p = packet_list_take(&out);
			assert_int_equal(p->verdict, PACKET_DATA);
			assert_int_equal(ip_number(p), n);
			release(p);
		}
		assert_null(packet_list_take(&out));
		p = receive(&b, seal(&a, ip_packet(77, 40), PPP_IP, 1), 1);
		assert_int_equal(p->verdict, PACKET_DATA);
		assert_int_equal(ip_number(p), 77);
		release(p);
		assert_int_equal(tunnel_events(&b), 0);
		end_pair(&a, &b);
	}
}

static void data_that_came_in_clear_does_not_pass_once_encryption_is_on(void **state)
{
	struct packet_list out;
	struct tunnel a, b;
	struct packet *p;

	(void)state;
	init_pair(&a, &b, NULL);
	packet_list_init(&out);
	tunnel_open(&b, false, &out);
	for (uint32_t n = 0; n < 4; n++) {
		if (n == 2) {
			tunnel_set_tx(&a, &stateless128, start_a);
			tunnel_set_rx(&b, &stateless128, start_a);
		}
		p = receive(&b, seal(&a, ip_packet(n, 40), PPP_IP, 1), 1);
		assert_int_equal(p->verdict, PACKET_HELD);
	}
	tunnel_open(&b, true, &out);
	for (uint32_t n = 0; n < 4; n++) {
		p = packet_list_take(&out);
		assert_int_equal(p->verdict, n < 2 ? PACKET_DROP : PACKET_DATA);
		release(p);
	}
	assert_int_equal(counted(&b).drops[TUNNEL_DROP_CLEAR], 2);
	end_pair(&a, &b);
}

static void data_that_came_too_early_waits_for_seconds_only(void **state)
{
	struct packet_list out;
	struct tunnel a, b;
	uint64_t began;

	(void)state;
	init_pair(&a, &b, NULL);
	packet_list_init(&out);
	tunnel_open(&b, false, &out);
	for (uint32_t n = 0; n < 3; n++)
		assert_int_equal(receive(&b, seal(&a, ip_packet(n, 40), PPP_IP, 5), 5)->verdict,
			PACKET_HELD);
	began = b.stats.last_rx;
	assert_true(tunnel_deadline(&b) <= began + TUNNEL_EARLY_TIME);
	tunnel_tick(&b, began + TUNNEL_EARLY_TIME - 1, &out);
	assert_null(packet_list_take(&out));
	tunnel_tick(&b, began + TUNNEL_EARLY_TIME, &out);
	for (unsigned int n = 0; n < 3; n++) {
		struct packet *p = packet_list_take(&out);

		assert_int_equal(p->verdict, PACKET_DROP);
		release(p);
	}
	assert_null(packet_list_take(&out));
	assert_int_equal(counted(&b).drops[TUNNEL_DROP_NOT_OPEN], 3);
	end_pair(&a, &b);
}

static void frames_that_cannot_be_are_dropped_by_reason(void **state)
{
	static const uint8_t encrypted[] = { 0xfd, 0x90, 0x00, 1, 2, 3 };
	static const uint8_t broken[] = { 0xff, 0x03, 0xc0, 0x22 };
	struct tunnel a, b;

	(void)state;
	init_pair(&a, &b, NULL);
	assert_dropped(&a, receive(&a, frame(&a, 0, encrypted, sizeof(encrypted)), 1),
		TUNNEL_DROP_NOT_OPEN, 1);
	assert_dropped(
		&a, receive(&a, frame(&a, 1, broken, sizeof(broken)), 1), TUNNEL_DROP_PPP, 1);
	assert_dropped(
		&a, receive(&a, frame(&a, 1, broken, sizeof(broken)), 1), TUNNEL_DROP_DUPLICATE, 1);
	assert_dropped(
		&a, receive(&a, frame(&a, 90000, broken, sizeof(broken)), 1), TUNNEL_DROP_JUMP, 1);
	end_pair(&a, &b);
}

/* Encrypts `plain` (inner protocol and all) as the peer of `rx` would. */
static struct packet *encrypted_frame(
	struct tunnel *to, struct mppe *tx, uint32_t seq, const void *plain, uint16_t len)
{
	uint8_t bytes[128] = { 0xfd };

	memcpy(bytes + 1 + MPPE_HEADER, plain, len);
	mppe_seal(tx, bytes + 1, len + MPPE_HEADER, 0, &batch);
	rc4_run(&batch);
	return frame(to, seq, bytes, (uint16_t)(1 + MPPE_HEADER + len));
}

static void inner_protocol_may_be_one_byte_but_not_control(void **state)
{
	struct tunnel a, b;
	struct packet *p;
	struct mppe tx;

	(void)state;
	init_pair(&a, &b, &stateless128);
	mppe_init(&tx, &stateless128, start_a);
	p = receive(&b, encrypted_frame(&b, &tx, 0, "\x21\x45\x00\x00\x14", 5), 1);
	assert_int_equal(p->verdict, PACKET_DATA);
	assert_int_equal(p->protocol, PPP_IP);
	assert_int_equal(p->len, 4);
	release(p);
	p = receive(&b, encrypted_frame(&b, &tx, 1, "\x00\x57\x60\x00", 4), 1);
	assert_int_equal(p->verdict, PACKET_DATA);
	assert_int_equal(p->protocol, PPP_IPV6);
	release(p);
	assert_dropped(&b,
		receive(&b, encrypted_frame(&b, &tx, 2, "\xc0\x21\x05\x01\x00\x04", 6), 1),
		TUNNEL_DROP_MPPE_BAD, 1);
	assert_dropped(&b,
		receive(&b, encrypted_frame(&b, &tx, 3, "\x00\xfd\x90\x00\x00\x04", 6), 1),
		TUNNEL_DROP_MPPE_BAD, 2);
	mppe_done(&tx);
	end_pair(&a, &b);
}

/* --- events --- */

static void nonsense_packet_after_packet_is_desync_at_a_limited_rate(void **state)
{
	struct tunnel a, b;
	uint64_t now = 5000 * MS;
	uint32_t number = 0;
	unsigned int raised = 0;

	(void)state;
	init_pair(&a, &b, &stateless128);
	tunnel_set_rx(&b, &stateless128, start_b); /* the wrong key */
	while (!tunnel_events(&b))
		release(receive(&b, seal(&a, ip_packet(number++, 60), PPP_IP, now), now));
	assert_true(number >= TUNNEL_NONSENSE_MAX);
	assert_true(number < TUNNEL_NONSENSE_MAX + 20);
	for (int i = 0; i < 300; i++) {
		now += 10 * MS;
		release(receive(&b, seal(&a, ip_packet(number++, 60), PPP_IP, now), now));
		if (tunnel_events(&b) & TUNNEL_EVENT_DESYNC)
			raised++;
	}
	assert_in_range(raised, 2, 3);
	/* CCP anew mends it */
	tunnel_set_tx(&a, &stateless128, start_b);
	tunnel_set_rx(&b, &stateless128, start_b);
	for (int i = 0; i < 20; i++) {
		struct packet *p = receive(&b, seal(&a, ip_packet(1, 60), PPP_IP, now), now);

		assert_int_equal(p->verdict, PACKET_DATA);
		release(p);
	}
	assert_int_equal(tunnel_events(&b), 0);
	end_pair(&a, &b);
}

/* As many as are lost in 40 ms of a fast stream. */
static void more_than_4096_lost_packets_are_mended(void **state)
{
	struct tunnel a, b;
	uint64_t now = 5000 * MS;
	unsigned int good = 0;

	(void)state;
	init_pair(&a, &b, &stateless128);
	release(receive(&b, seal(&a, ip_packet(1, 60), PPP_IP, now), now));
	for (uint32_t i = 0; i < 4096 + 50; i++)
		release(seal(&a, ip_packet(i, 60), PPP_IP, now));
	now += 40 * MS;
	for (uint32_t i = 0; i < 30; i++) {
		struct packet_list none;
		struct packet *p = receive(&b, seal(&a, ip_packet(i, 60), PPP_IP, now), now);

		good += p->verdict == PACKET_DATA;
		release(p);
		now += MS;
		packet_list_init(&none);
		tunnel_tick(&b, now, &none);
		assert_null(none.first);
	}
	assert_true(good > 15);
	assert_int_equal(tunnel_events(&b), 0);
	end_pair(&a, &b);
}

static void more_lost_packets_than_can_be_walked_open_ccp_anew_soon(void **state)
{
	struct tunnel a, b;
	uint64_t now = 5000 * MS;

	(void)state;
	init_pair(&a, &b, &stateless128);
	release(receive(&b, seal(&a, ip_packet(1, 60), PPP_IP, now), now));
	a.sender.next += 6000000; /* a minute at 100,000 a second */
	now += 60000 * MS;
	for (uint32_t i = 1; i < GRE_JUMP_CONFIRM + TUNNEL_LOST_MAX; i++) {
		assert_int_equal(tunnel_events(&b), 0);
		release(receive(&b, seal(&a, ip_packet(i, 60), PPP_IP, now), now));
	}
	assert_int_equal(tunnel_events(&b), TUNNEL_EVENT_DESYNC);
	end_pair(&a, &b);
}

static void reset_is_raised_at_a_limited_rate_until_answered(void **state)
{
	struct tunnel a, b;
	uint64_t now = 5000 * MS;
	struct packet *p;
	unsigned int raised = 0;

	(void)state;
	init_pair(&a, &b, &stateful128);
	release(receive(&b, seal(&a, ip_packet(0, 60), PPP_IP, now), now));
	/* One packet of the peer's is missing from MPPE's count, not from GRE's. */
	a.mppe_tx.count++;
	for (int i = 0; i < 100; i++) {
		now += 5 * MS;
		p = receive(&b, seal(&a, ip_packet(1, 60), PPP_IP, now), now);
		assert_int_equal(p->verdict, PACKET_DROP);
		release(p);
		if (tunnel_events(&b) & TUNNEL_EVENT_RESET) {
			assert_true(raised || i == 0); /* the first one at once */
			raised++;
		}
	}
	assert_int_equal(raised, 5);
	assert_int_equal(counted(&b).drops[TUNNEL_DROP_MPPE_WAIT], 100);
	tunnel_reset_requested(&a);
	p = receive(&b, seal(&a, ip_packet(2, 60), PPP_IP, now), now);
	assert_int_equal(p->verdict, PACKET_DATA);
	release(p);
	end_pair(&a, &b);
}

static void a_slow_path_gets_fewer_resets(void **state)
{
	/* The last one: a peer that is slow to acknowledge, or a forged acknowledgement. */
	static const uint32_t rtts[] = { 50 * MS, 400 * MS, 9000 * MS }, expected[] = { 11, 3, 2 };

	(void)state;
	for (int n = 0; n < 3; n++) {
		uint64_t now = 5000 * MS;
		unsigned int raised = 0;
		struct tunnel a, b;

		init_pair(&a, &b, &stateful128);
		b.sender.sampled = rtts[n];
		release(receive(&b, seal(&a, ip_packet(0, 60), PPP_IP, now), now));
		a.mppe_tx.count++;
		for (; now < 6050 * MS; now += 5 * MS) {
			release(receive(&b, seal(&a, ip_packet(1, 60), PPP_IP, now), now));
			raised += tunnel_events(&b) & TUNNEL_EVENT_RESET;
		}
		assert_int_equal(raised, expected[n]);
		end_pair(&a, &b);
	}
}

static void resets_that_nobody_answers_end_in_desync(void **state)
{
	struct tunnel a, b;
	uint64_t now = 5000 * MS;
	unsigned int events = 0;

	(void)state;
	init_pair(&a, &b, &stateful128);
	release(receive(&b, seal(&a, ip_packet(0, 60), PPP_IP, now), now));
	a.mppe_tx.count++;
	for (int i = 0; i < TUNNEL_RESETS_MAX; i++) {
		assert_false(events & TUNNEL_EVENT_DESYNC);
		now += TUNNEL_RESET_INTERVAL;
		release(receive(&b, seal(&a, ip_packet(1, 60), PPP_IP, now), now));
		events = tunnel_events(&b);
	}
	assert_true(events & TUNNEL_EVENT_DESYNC);
	end_pair(&a, &b);
}

static void a_forged_packet_in_a_stateful_stream_costs_a_reset_not_the_link(void **state)
{
	uint8_t garbage[64] = { 0xfd, 0x10, 0x01 };
	struct packet_list in, done;
	uint64_t now = 5000 * MS;
	struct tunnel a, b;
	struct packet *p;
	unsigned int events;

	(void)state;
	init_pair(&a, &b, &stateful128);
	release(receive(&b, seal(&a, ip_packet(0, 60), PPP_IP, now), now));
	/* The forged one takes number and count of the real one; a batch of real ones follows. */
	memset(garbage + 3, 0x5a, sizeof(garbage) - 3);
	packet_list_init(&in);
	packet_list_init(&done);
	receive_into(&b, frame(&b, 1, garbage, sizeof(garbage)), now, &in);
	for (uint32_t i = 1; i < 40; i++)
		receive_into(&b, seal(&a, ip_packet(i, 60), PPP_IP, now), now, &in);
	work(&b, &in, &done);
	while ((p = packet_list_take(&done))) {
		assert_int_equal(p->verdict, PACKET_DROP);
		release(p);
	}
	events = tunnel_events(&b);
	assert_int_equal(events, TUNNEL_EVENT_RESET);
	tunnel_reset_requested(&a);
	p = receive(&b, seal(&a, ip_packet(50, 60), PPP_IP, now), now);
	assert_int_equal(p->verdict, PACKET_DATA);
	assert_int_equal(ip_number(p), 50);
	release(p);
	end_pair(&a, &b);
}

static void drops_have_names_of_their_own(void **state)
{
	(void)state;
	for (int a = 0; a < TUNNEL_DROP_COUNT; a++) {
		assert_non_null(tunnel_drop_name((enum tunnel_drop)a));
		for (int b = 0; b < a; b++)
			assert_string_not_equal(tunnel_drop_name((enum tunnel_drop)a),
				tunnel_drop_name((enum tunnel_drop)b));
	}
}

static void noise_of_any_kind_is_survived(void **state)
{
	const struct mppe_params *modes[] = { NULL, &stateless128, &stateful128 };
	uint32_t rng = 1;

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct tunnel a, b;

		init_pair(&a, &b, modes[i]);
		for (uint32_t n = 0; n < 4000; n++) {
			uint8_t bytes[40];
			uint16_t len;

			for (size_t k = 0; k < sizeof(bytes); k++) {
				rng = rng * 1664525u + 1013904223u;
				bytes[k] = (uint8_t)(rng >> 24);
			}
			len = (uint16_t)(1 + bytes[39] % 39);
			if (n % 4)
				bytes[0] = 0xfd;
			if (n % 8 > 3)
				bytes[1] |= 0x90;
			release(receive(&b, frame(&b, n, bytes, len), n * MS));
		}
		end_pair(&a, &b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers_are_as_negotiated),
		cmocka_unit_test(data_and_control_come_out_as_they_went_in),
		cmocka_unit_test(no_headroom_is_an_error),
		cmocka_unit_test(acknowledgements_ride_on_data_or_go_alone),
		cmocka_unit_test(required_encryption_holds_both_ways),
		cmocka_unit_test(data_waits_for_the_link_and_keys_move_on),
		cmocka_unit_test(data_that_came_in_clear_does_not_pass_once_encryption_is_on),
		cmocka_unit_test(data_that_came_too_early_waits_for_seconds_only),
		cmocka_unit_test(frames_that_cannot_be_are_dropped_by_reason),
		cmocka_unit_test(inner_protocol_may_be_one_byte_but_not_control),
		cmocka_unit_test(nonsense_packet_after_packet_is_desync_at_a_limited_rate),
		cmocka_unit_test(more_than_4096_lost_packets_are_mended),
		cmocka_unit_test(more_lost_packets_than_can_be_walked_open_ccp_anew_soon),
		cmocka_unit_test(reset_is_raised_at_a_limited_rate_until_answered),
		cmocka_unit_test(a_slow_path_gets_fewer_resets),
		cmocka_unit_test(resets_that_nobody_answers_end_in_desync),
		cmocka_unit_test(a_forged_packet_in_a_stateful_stream_costs_a_reset_not_the_link),
		cmocka_unit_test(drops_have_names_of_their_own),
		cmocka_unit_test(noise_of_any_kind_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
