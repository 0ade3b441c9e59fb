/*
 * lib/tunnel: framing byte by byte, what may pass when, events; and tunnel against tunnel in
 * virtual time over a path that loses, delays, doubles and reorders, in both modes and all
 * strengths.
 */
#include "lib/ppp/frame.h"
#include "lib/tunnel.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MS 1000u

static const uint8_t start_a[16] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 };
static const uint8_t start_b[16] = { 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1 };
static const struct mppe_params stateless128 = { .bits = MPPE_128, .stateless = true };
static const struct mppe_params stateful128 = { .bits = MPPE_128, .stateless = false };
static struct rc4_batch batch;
static int alive;

static struct packet *packet(const void *data, uint32_t len)
{
	struct packet *p = malloc(sizeof(*p));

	assert_non_null(p);
	alive++;
	packet_reset(p);
	memcpy(p->data, data, len);
	p->len = len;
	return p;
}

static void release(struct packet *p)
{
	free(p);
	alive--;
}

/* An IPv4 packet that carries a number; `len` at least 24. */
static struct packet *ip_packet(uint32_t number, uint32_t len)
{
	uint8_t ip[1500] = { 0x45, 0, (uint8_t)(len >> 8), (uint8_t)len };

	memcpy(ip + 20, &number, sizeof(number));
	for (uint32_t i = 24; i < len; i++)
		ip[i] = (uint8_t)(number * 17 + i);
	return packet(ip, len);
}

static uint32_t ip_number(const struct packet *p)
{
	struct packet *want;
	uint32_t number;

	assert_true(p->len >= 24);
	memcpy(&number, p->data + 20, sizeof(number));
	want = ip_packet(number, p->len);
	assert_memory_equal(p->data, want->data, p->len);
	release(want);
	return number;
}

static void init_pair(struct tunnel *a, struct tunnel *b, const struct mppe_params *params)
{
	const struct tunnel_config ca = { .call_id = 1, .peer_call_id = 2, .window = 64 };
	const struct tunnel_config cb = { .call_id = 2, .peer_call_id = 1, .window = 64 };

	tunnel_init(a, &ca);
	tunnel_init(b, &cb);
	a->data_open = b->data_open = true;
	tunnel_set_tx(a, params, start_a);
	tunnel_set_rx(b, params, start_a);
	tunnel_set_tx(b, params, start_b);
	tunnel_set_rx(a, params, start_b);
}

static void end_pair(struct tunnel *a, struct tunnel *b)
{
	struct packet_list out;
	struct packet *p;

	packet_list_init(&out);
	tunnel_done(a, &out);
	tunnel_done(b, &out);
	while ((p = packet_list_take(&out)))
		release(p);
	assert_int_equal(alive, 0);
}

static struct packet *seal(struct tunnel *t, struct packet *p, uint16_t protocol, uint64_t now)
{
	assert_int_equal(tunnel_seal(t, p, protocol, now, &batch), 0);
	rc4_run(&batch);
	return p;
}

/* Hands a GRE packet in. */
static void receive_into(struct tunnel *t, struct packet *p, uint64_t now, struct packet_list *out)
{
	struct gre_header h;
	size_t size;

	assert_int_equal(gre_header_decode(&h, p->data, p->len, &size), GRE_OK);
	assert_int_equal(h.call_id, t->call_id);
	p->data += size;
	p->len = h.payload_len;
	tunnel_receive(t, &h, p, now, out);
}

/* As a worker does it: decrypt in batches, run, finish. */
static void work(struct tunnel *t, struct packet_list *in, struct packet_list *done)
{
	struct packet *step[RC4_BATCH_MAX];

	while (in->first) {
		unsigned int n = 0;

		while (n < RC4_BATCH_MAX && (step[n] = packet_list_take(in))) {
			tunnel_decrypt(t, step[n], &batch);
			n++;
		}
		rc4_run(&batch);
		for (unsigned int i = 0; i < n; i++) {
			tunnel_finish(t, step[i]);
			assert_int_not_equal(step[i]->verdict, PACKET_NONE);
			packet_list_add(done, step[i]);
		}
	}
}

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
	assert_false(tunnel_ack(&b, p, 7 * MS));
	assert_int_equal(tunnel_deadline(&b), 56 * MS);
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

static void data_waits_for_the_link_but_keys_move_on(void **state)
{
	const struct mppe_params *modes[] = { NULL, &stateless128, &stateful128 };

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct packet *p = ip_packet(1, 40);
		struct tunnel a, b;

		init_pair(&a, &b, modes[i]);
		a.data_open = false;
		assert_int_equal(tunnel_seal(&a, p, PPP_IP, 1, &batch), -EPERM);
		assert_int_equal(a.stats.drops[TUNNEL_DROP_NOT_OPEN], 1);
		release(p);
		a.data_open = true;
		b.data_open = false;
		for (uint32_t n = 0; n < 5; n++)
			assert_dropped(&b, receive(&b, seal(&a, ip_packet(n, 40), PPP_IP, 1), 1),
				TUNNEL_DROP_NOT_OPEN, n + 1);
		b.data_open = true;
		p = receive(&b, seal(&a, ip_packet(77, 40), PPP_IP, 1), 1);
		assert_int_equal(p->verdict, PACKET_DATA);
		assert_int_equal(ip_number(p), 77);
		release(p);
		assert_int_equal(tunnel_events(&b), 0);
		end_pair(&a, &b);
	}
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
	mppe_seal(tx, bytes + 1, len + MPPE_HEADER, &batch);
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

static void more_than_4096_lost_packets_are_noticed(void **state)
{
	struct tunnel a, b;
	uint64_t now = 5000 * MS;
	unsigned int events = 0;

	(void)state;
	init_pair(&a, &b, &stateless128);
	release(receive(&b, seal(&a, ip_packet(1, 60), PPP_IP, now), now));
	for (uint32_t i = 0; i < 4096 + 50; i++)
		release(seal(&a, ip_packet(i, 60), PPP_IP, now));
	for (uint32_t i = 0; i < 30; i++)
		release(receive(&b, seal(&a, ip_packet(i, 60), PPP_IP, now), now));
	events = tunnel_events(&b);
	assert_true(events & TUNNEL_EVENT_DESYNC);
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
	assert_int_equal(b.stats.drops[TUNNEL_DROP_MPPE_WAIT], 100);
	tunnel_reset_requested(&a);
	p = receive(&b, seal(&a, ip_packet(2, 60), PPP_IP, now), now);
	assert_int_equal(p->verdict, PACKET_DATA);
	release(p);
	end_pair(&a, &b);
}

static void a_slow_path_gets_fewer_resets(void **state)
{
	struct tunnel a, b;
	uint64_t now = 5000 * MS;
	unsigned int raised = 0;

	(void)state;
	init_pair(&a, &b, &stateful128);
	b.sender.rtt = 400 * MS;
	release(receive(&b, seal(&a, ip_packet(0, 60), PPP_IP, now), now));
	a.mppe_tx.count++;
	for (int i = 0; i < 160; i++) {
		now += 5 * MS;
		release(receive(&b, seal(&a, ip_packet(1, 60), PPP_IP, now), now));
		if (tunnel_events(&b) & TUNNEL_EVENT_RESET)
			raised++;
	}
	assert_int_equal(raised, 2);
	end_pair(&a, &b);
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
		for (int b = 0; b < a; b++) {
			assert_string_not_equal(tunnel_drop_name((enum tunnel_drop)a),
				tunnel_drop_name((enum tunnel_drop)b));
			assert_string_not_equal(tunnel_drop_text((enum tunnel_drop)a),
				tunnel_drop_text((enum tunnel_drop)b));
		}
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

/* --- tunnel against tunnel --- */

struct path {
	unsigned int loss, duplicates; /* in 1000 */
	uint32_t delay, jitter;        /* us */
	bool burst;                    /* 20 ms of nothing now and then */
};

#define FLIGHT_MAX 2000

struct flight {
	uint64_t at;
	struct packet *p; /* NULL: a CCP Reset-Request, by another way */
	unsigned int to;
};

static struct flight flights[FLIGHT_MAX];
static unsigned int nflights;
static uint32_t rng;

static uint32_t chance(uint32_t n)
{
	rng = rng * 1664525u + 1013904223u;
	return (uint32_t)((uint64_t)rng * n >> 32);
}

struct end {
	struct tunnel t;
	uint32_t sent, next, delivered, lost_on_path;
};

static void launch(struct packet *p, unsigned int to, uint64_t at)
{
	assert_true(nflights < FLIGHT_MAX);
	flights[nflights++] = (struct flight){ .at = at, .p = p, .to = to };
}

static void send_over(
	struct end *ends, const struct path *path, struct packet *p, unsigned int to, uint64_t now)
{
	bool burst = path->burst && now / (20 * MS) % 25 == 7;
	/* What overtakes the very first packet makes it late: not what is tested here. */
	uint32_t jitter = now < 1050 * MS ? 0 : path->jitter;

	if (burst || chance(1000) < path->loss) {
		ends[to].lost_on_path++;
		release(p);
		return;
	}
	launch(p, to, now + path->delay + chance(jitter + 1));
	if (chance(1000) < path->duplicates)
		launch(packet(p->data, p->len), to, now + path->delay + chance(2 * path->jitter));
}

static void take_events(struct end *ends, unsigned int e, const struct path *path, uint64_t now)
{
	unsigned int events = tunnel_events(&ends[e].t);

	assert_false(events & TUNNEL_EVENT_DESYNC);
	if (events & TUNNEL_EVENT_RESET)
		launch(NULL, !e, now + path->delay);
}

static void deliver(struct end *ends, unsigned int e, struct packet_list *in,
	const struct path *path, uint64_t now)
{
	struct packet_list done;
	struct packet *p;

	packet_list_init(&done);
	work(&ends[e].t, in, &done);
	while ((p = packet_list_take(&done))) {
		if (p->verdict == PACKET_DATA) {
			uint32_t number = ip_number(p);

			assert_true(number >= ends[e].next); /* in order, once */
			ends[e].next = number + 1;
			ends[e].delivered++;
		} else {
			assert_int_equal(p->verdict, PACKET_DROP);
		}
		release(p);
	}
	take_events(ends, e, path, now);
}

static void land(struct end *ends, const struct path *path, uint64_t now)
{
	struct packet_list in;

	for (unsigned int e = 0; e < 2; e++) {
		packet_list_init(&in);
		if (tunnel_deadline(&ends[e].t) <= now) {
			struct packet *p = packet("", 0);

			tunnel_tick(&ends[e].t, now, &in);
			if (tunnel_ack(&ends[e].t, p, now))
				send_over(ends, path, p, !e, now);
			else
				release(p);
		}
		/* Those that are due, the earliest first. */
		for (;;) {
			unsigned int best = nflights;
			struct flight f;

			for (unsigned int i = 0; i < nflights; i++)
				if (flights[i].to == e && flights[i].at <= now &&
					(best == nflights || flights[i].at < flights[best].at))
					best = i;
			if (best == nflights)
				break;
			f = flights[best];
			flights[best] = flights[--nflights];
			if (f.p)
				receive_into(&ends[e].t, f.p, now, &in);
			else
				tunnel_reset_requested(&ends[e].t);
		}
		deliver(ends, e, &in, path, now);
		assert_true(tunnel_deadline(&ends[e].t) > now ||
			    gre_receiver_ack_due(&ends[e].t.receiver, now));
	}
}

static void simulate(
	struct end *ends, const struct mppe_params *params, const struct path *path, uint32_t seed)
{
	uint64_t now = 1000 * MS, end = now + 2200 * MS;

	memset(ends, 0, 2 * sizeof(*ends));
	rng = seed;
	nflights = 0;
	init_pair(&ends[0].t, &ends[1].t, params);
	ends[0].t.acfc = ends[0].t.pfc = seed & 1;
	ends[0].t.sender.next = 0u - 1000; /* over the wrap */
	for (; now < end + 200 * MS || nflights; now += 500) {
		for (unsigned int e = 0; e < 2 && now < end; e++) {
			struct packet *p = ip_packet(ends[e].sent++, 24 + chance(100));

			send_over(ends, path, seal(&ends[e].t, p, PPP_IP, now), !e, now);
		}
		land(ends, path, now);
	}
}

static const struct path paths[] = {
	{ .delay = 1 * MS },
	{ .loss = 30, .delay = 5 * MS },
	{ .delay = 2 * MS, .jitter = 10 * MS },
	{ .duplicates = 100, .delay = 2 * MS, .jitter = 4 * MS },
	{ .loss = 20, .duplicates = 20, .delay = 10 * MS, .jitter = 5 * MS, .burst = true },
};

static void check_books(const struct end *e, const struct end *peer, bool stateless)
{
	struct tunnel_stats stats;

	tunnel_get_stats(&e->t, &stats);
	assert_int_equal(stats.rx_packets, e->delivered);
	assert_int_equal(stats.drops[TUNNEL_DROP_LATE], 0);
	assert_int_equal(stats.drops[TUNNEL_DROP_MPPE_BAD], 0);
	assert_int_equal(stats.drops[TUNNEL_DROP_MPPE_OLD], 0);
	assert_int_equal(stats.tx_packets, e->sent);
	assert_true(stats.rtt > 0);
	/* A loss at the very end is never noticed. */
	assert_true(stats.lost <= e->lost_on_path);
	assert_true(e->delivered + stats.lost + stats.drops[TUNNEL_DROP_MPPE_WAIT] <= peer->sent);
	assert_true(
		e->delivered + stats.lost + stats.drops[TUNNEL_DROP_MPPE_WAIT] + 50 >= peer->sent);
	if (stateless)
		assert_int_equal(stats.drops[TUNNEL_DROP_MPPE_WAIT], 0);
	else
		assert_true(e->delivered > peer->sent / 20);
}

static void tunnel_against_tunnel(const struct mppe_params *params)
{
	static struct end ends[2];

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		for (uint32_t seed = 1; seed <= 3; seed++) {
			simulate(ends, params, &paths[i], seed * 7919 + (uint32_t)i);
			for (int e = 0; e < 2; e++)
				check_books(&ends[e], &ends[!e], !params || params->stateless);
			end_pair(&ends[0].t, &ends[1].t);
		}
}

static void tunnels_agree_in_clear(void **state)
{
	(void)state;
	tunnel_against_tunnel(NULL);
}

static void tunnels_agree_stateless(void **state)
{
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		static const enum mppe_bits bits[] = { MPPE_40, MPPE_56, MPPE_128 };
		const struct mppe_params params = { .bits = bits[i], .stateless = true };

		tunnel_against_tunnel(&params);
	}
}

static void tunnels_agree_stateful(void **state)
{
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		static const enum mppe_bits bits[] = { MPPE_40, MPPE_56, MPPE_128 };
		const struct mppe_params params = { .bits = bits[i], .stateless = false };

		tunnel_against_tunnel(&params);
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
		cmocka_unit_test(data_waits_for_the_link_but_keys_move_on),
		cmocka_unit_test(frames_that_cannot_be_are_dropped_by_reason),
		cmocka_unit_test(inner_protocol_may_be_one_byte_but_not_control),
		cmocka_unit_test(nonsense_packet_after_packet_is_desync_at_a_limited_rate),
		cmocka_unit_test(more_than_4096_lost_packets_are_noticed),
		cmocka_unit_test(reset_is_raised_at_a_limited_rate_until_answered),
		cmocka_unit_test(a_slow_path_gets_fewer_resets),
		cmocka_unit_test(resets_that_nobody_answers_end_in_desync),
		cmocka_unit_test(a_forged_packet_in_a_stateful_stream_costs_a_reset_not_the_link),
		cmocka_unit_test(drops_have_names_of_their_own),
		cmocka_unit_test(noise_of_any_kind_is_survived),
		cmocka_unit_test(tunnels_agree_in_clear),
		cmocka_unit_test(tunnels_agree_stateless),
		cmocka_unit_test(tunnels_agree_stateful),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
