/*
 * Compression of TCP/IP headers in a call's packet path (RFC 1144): before compression and encryption,
 * behind gaps and drops, with room for what grows.
 */
#include "tests/unit/tcp_packet.h"
#include "tests/unit/tunnel_pair.h"

static const struct mppe_params stateless = { .bits = MPPE_128, .stateless = true };
static const struct mppe_params stateful = { .bits = MPPE_128 };
static const struct vj_params slots = { .slots = VJ_SLOTS_MAX, .limit = 1500 };
static uint64_t now;
static struct tunnel *a, *b;

static void start(const struct mppe_params *mppe)
{
	a = malloc(sizeof(*a));
	b = malloc(sizeof(*b));
	now = 1000000;
	init_pair(a, b, mppe);
	tunnel_set_vj(a, true, vj_new(&slots));
	tunnel_set_vj(b, false, vj_new(&slots));
	assert_non_null(a->vj_tx);
	assert_non_null(b->vj_rx);
}

static void stop(void)
{
	end_pair(a, b);
	free(a);
	free(b);
}

/* The number-th packet of a connection. */
static struct packet *tcp(unsigned int connection, uint32_t number, uint16_t data)
{
	struct tcp_packet t = { .sport = (uint16_t)(1024 + connection),
		.seq = number * data,
		.id = (uint16_t)number,
		.fill = (uint8_t)number,
		.data_len = data };
	uint8_t bytes[TCP_PACKET_MAX];
	size_t len = tcp_make(&t, bytes);

	return packet(bytes, (uint32_t)len);
}

static void is_tcp(const struct packet *p, unsigned int connection, uint32_t number, uint16_t data)
{
	struct packet *want = tcp(connection, number, data);

	assert_int_equal(p->protocol, PPP_IP);
	assert_int_equal(p->len, want->len);
	assert_memory_equal(p->data, want->data, want->len);
	release(want);
}

/* The tunnels' names for the one packet that is in order now; NULL: it waits. */
static struct packet *take(struct packet *p)
{
	struct packet_list in, done;
	struct packet *out;

	packet_list_init(&in);
	packet_list_init(&done);
	receive_into(b, p, now += MS, &in);
	work(b, &in, &done);
	out = packet_list_take(&done);
	assert_null(packet_list_take(&done));
	return out;
}

static void carries(unsigned int connection, uint32_t number, uint16_t data)
{
	struct packet *p = take(seal(a, tcp(connection, number, data), PPP_IP, now));

	assert_non_null(p);
	assert_int_equal(p->verdict, PACKET_DATA);
	is_tcp(p, connection, number, data);
	release(p);
}

static void headers_shrink_under_everything(void **state)
{
	static const struct mppe_params *const modes[] = { NULL, &stateless, &stateful };
	static const struct codec_params deflate = { .kind = CODEC_DEFLATE, .bits = 15 };
	static const struct codec_params mppc = { .kind = CODEC_MPPC, .encrypted = true };

	(void)state;
	for (unsigned int k = 0; k < 6; k++) {
		const struct codec_params *params = k % 3 ? &mppc : &deflate;
		struct tunnel_stats stats;

		start(modes[k % 3]);
		if (k >= 3) {
			tunnel_set_pack(a, codec_new(params, true));
			tunnel_set_unpack(b, codec_new(params, false));
		}
		for (uint32_t i = 0; i < 500; i++)
			carries(i % 3, i / 3, (uint16_t)(20 + i % 3 * 600));
		assert_int_equal(counted(a).tx_vj, 497);
		assert_int_equal(counted(b).rx_vj, 497);
		assert_int_equal(counted(a).tx_bytes, counted(b).rx_bytes);
		tunnel_get_stats(b, &stats);
		assert_true(stats.history >= vj_size());
		stop();
	}
}

static void the_wire_has_the_protocols_of_rfc_1332(void **state)
{
	struct packet *p;

	(void)state;
	start(NULL);
	p = seal(a, tcp(0, 0, 10), PPP_IP, now);
	assert_int_equal(p->len, 12 + 4 + 50);
	assert_memory_equal(p->data + 12, "\xff\x03\x00\x2f\x45", 5);
	release(take(p));
	p = seal(a, tcp(0, 1, 10), PPP_IP, now);
	assert_int_equal(p->len, 12 + 4 + 4 + 10);
	assert_memory_equal(p->data + 12, "\xff\x03\x00\x2d\x4f\x00", 6);
	release(take(p));
	/* What is not TCP is as ever. */
	p = seal(a, ip_packet(7, 60), PPP_IP, now);
	assert_memory_equal(p->data + 12, "\xff\x03\x00\x21\x45", 5);
	p = take(p);
	assert_int_equal(ip_number(p), 7);
	release(p);
	stop();
}

/* A peer that leaves slots out: as if a had, by hand. */
static struct packet *without_slot(struct packet *p)
{
	uint8_t *frame = p->data + 12;

	assert_int_equal(frame[3], 0x2d);
	frame[4] &= 0xbf;
	memmove(frame + 5, frame + 6, p->len - 18);
	p->len--;
	p->data[5]--; /* GRE's payload length */
	return p;
}

static void behind_a_gap_slots_must_be_named(void **state)
{
	struct packet *p;

	(void)state;
	start(NULL);
	carries(0, 0, 10);
	carries(1, 0, 10);
	p = take(without_slot(seal(a, tcp(1, 1, 10), PPP_IP, now)));
	assert_int_equal(p->verdict, PACKET_DATA);
	is_tcp(p, 1, 1, 10);
	release(p);
	release(seal(a, tcp(0, 1, 10), PPP_IP, now)); /* lost, and with it its slot's name */
	p = without_slot(seal(a, tcp(0, 2, 10), PPP_IP, now));
	assert_null(take(p)); /* it waits for what is missing */
	{
		struct packet_list in, done;

		packet_list_init(&in);
		packet_list_init(&done);
		tunnel_tick(b, now + GRE_HOLD_TIME, &in);
		work(b, &in, &done);
		p = packet_list_take(&done);
	}
	assert_non_null(p);
	assert_int_equal(p->verdict, PACKET_DROP);
	assert_int_equal(counted(b).drops[TUNNEL_DROP_VJ_WAIT], 1);
	release(p);
	/* Not forgotten by the next packet either. */
	p = take(seal(a, ip_packet(7, 60), PPP_IP, now));
	release(p);
	p = take(without_slot(seal(a, tcp(0, 3, 10), PPP_IP, now)));
	assert_int_equal(p->verdict, PACKET_DROP);
	release(p);
	carries(1, 2, 10); /* names its own */
	p = take(without_slot(seal(a, tcp(1, 3, 10), PPP_IP, now)));
	assert_int_equal(p->verdict, PACKET_DATA);
	is_tcp(p, 1, 3, 10);
	release(p);
	stop();
}

/* What cannot be decrypted is a loss, in its place: not for those of its batch that are before it. */
static void behind_what_could_not_be_decrypted_too(void **state)
{
	struct packet_list in, done;
	struct packet *p[4];

	(void)state;
	start(NULL);
	carries(0, 0, 10);
	p[0] = without_slot(seal(a, tcp(0, 1, 10), PPP_IP, now));
	p[1] = seal(a, tcp(0, 2, 10), PPP_IP, now);
	p[1]->data[15] = 0xfd; /* no compression is on */
	p[2] = without_slot(seal(a, tcp(0, 3, 10), PPP_IP, now));
	p[3] = seal(a, tcp(1, 0, 10), PPP_IP, now);
	packet_list_init(&in);
	packet_list_init(&done);
	for (unsigned int i = 0; i < 4; i++)
		receive_into(b, p[i], now, &in);
	work(b, &in, &done);
	assert_int_equal(p[0]->verdict, PACKET_DATA);
	is_tcp(p[0], 0, 1, 10);
	assert_int_equal(p[1]->verdict, PACKET_DROP);
	assert_int_equal(p[2]->verdict, PACKET_DROP);
	assert_int_equal(p[3]->verdict, PACKET_DATA);
	assert_int_equal(counted(b).drops[TUNNEL_DROP_NOT_OPEN], 1);
	assert_int_equal(counted(b).drops[TUNNEL_DROP_VJ_WAIT], 1);
	for (unsigned int i = 0; i < 4; i++)
		release(p[i]);
	stop();
}

/* A packet that takes its headers from the one before, and does not name its slot. */
static struct packet *goes_on(void)
{
	return seal(a, packet("\x0f\xca\xfe\0\1\2\3", 7), PPP_VJ, now);
}

/*
 * Its gap was told long ago: what comes late and is of no use is no further loss. (Stateless MPPE hands
 * it on; who forges one, or sends an old one again, would stop a peer that leaves slots out.)
 */
static void what_comes_late_and_is_dropped_is_no_gap(void **state)
{
	struct packet_list in, done;
	struct packet *late[2], *p;

	(void)state;
	start(&stateless);
	tunnel_set_vj(a, true, NULL);
	p = tcp(0, 0, 4);
	p->data[9] = 0;
	release(take(seal(a, p, PPP_VJ_PLAIN, now)));
	late[0] = goes_on();
	late[1] = seal(a, packet("\x09\x01\x00\x08\x00\x00\x00\x00", 8), PPP_LCP, now);
	p = tcp(0, 2, 4);
	p->data[9] = 0;
	assert_null(take(seal(a, p, PPP_VJ_PLAIN, now)));
	packet_list_init(&in);
	packet_list_init(&done);
	tunnel_tick(b, now += GRE_HOLD_TIME, &in);
	work(b, &in, &done);
	p = packet_list_take(&done);
	assert_int_equal(p->verdict, PACKET_DATA);
	release(p);
	for (unsigned int i = 0; i < 2; i++) {
		p = take(late[i]);
		assert_int_equal(p->verdict, PACKET_DROP);
		assert_int_equal(counted(b).drops[TUNNEL_DROP_LATE], i + 1);
		release(p);
		p = take(goes_on());
		assert_int_equal(p->verdict, PACKET_DATA);
		release(p);
	}
	assert_int_equal(counted(b).rx_vj, 2);
	stop();
}

/* Wherever in its slot a packet lies. */
static void there_is_room_for_the_header(void **state)
{
	(void)state;
	start(NULL);
	carries(0, 0, 1400);
	for (unsigned int front = 0; front <= 128; front += 8) {
		struct packet *p = seal(a, tcp(0, front / 8 + 1, 1400), PPP_IP, now);

		memmove(p->buf + front, p->data, p->len);
		p->data = p->buf + front;
		p = take(p);
		assert_int_equal(p->verdict, PACKET_DATA);
		is_tcp(p, 0, front / 8 + 1, 1400);
		release(p);
	}
	stop();
}

static void what_would_be_too_long_is_dropped(void **state)
{
	const struct vj_params wide = { .slots = 3, .limit = 65535 };
	struct packet *p;
	uint8_t bytes[PACKET_ROOM] = { 0x4f, 0, 0xca, 0xfe };

	(void)state;
	start(NULL);
	tunnel_set_vj(b, false, vj_new(&wide));
	carries(0, 0, 10);
	p = take(seal(a, packet(bytes, PACKET_ROOM - 36), PPP_VJ, now));
	assert_int_equal(p->verdict, PACKET_DATA);
	assert_int_equal(p->len, PACKET_ROOM);
	release(p);
	p = take(seal(a, packet(bytes, PACKET_ROOM - 35), PPP_VJ, now));
	assert_int_equal(p->verdict, PACKET_DROP);
	assert_int_equal(counted(b).drops[TUNNEL_DROP_VJ_BAD], 1);
	release(p);
	tunnel_set_vj(b, false, vj_new(&slots));
	p = take(seal(a, packet(bytes, 100), PPP_VJ, now)); /* of a slot that is empty now */
	assert_int_equal(p->verdict, PACKET_DROP);
	assert_int_equal(counted(b).drops[TUNNEL_DROP_VJ_BAD], 2);
	release(p);
	stop();
}

/* Where it is not agreed on, such packets are another protocol's. */
static void off_nothing_is_changed(void **state)
{
	struct packet *p;

	(void)state;
	start(&stateless);
	tunnel_set_vj(b, false, NULL);
	p = take(seal(a, tcp(0, 0, 10), PPP_IP, now));
	assert_int_equal(p->verdict, PACKET_DATA);
	assert_int_equal(p->protocol, PPP_VJ_PLAIN);
	release(p);
	tunnel_set_vj(a, true, NULL);
	for (uint32_t i = 0; i < 5; i++)
		carries(0, i, 10);
	assert_int_equal(counted(a).tx_vj, 0);
	stop();
}

/* They come before this end's IPCP is open, and wait: the slots know them. */
static void what_comes_early_is_decompressed(void **state)
{
	struct packet_list out;
	struct packet *p;

	(void)state;
	start(&stateless);
	b->data_open = false;
	for (uint32_t i = 0; i < 3; i++) {
		p = take(seal(a, tcp(0, i, 10), PPP_IP, now));
		assert_int_equal(p->verdict, PACKET_HELD);
	}
	packet_list_init(&out);
	tunnel_open(b, true, &out);
	for (uint32_t i = 0; i < 3; i++) {
		p = packet_list_take(&out);
		assert_int_equal(p->verdict, PACKET_DATA);
		is_tcp(p, 0, i, 10);
		release(p);
	}
	carries(0, 3, 10);
	stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers_shrink_under_everything),
		cmocka_unit_test(the_wire_has_the_protocols_of_rfc_1332),
		cmocka_unit_test(behind_a_gap_slots_must_be_named),
		cmocka_unit_test(behind_what_could_not_be_decrypted_too),
		cmocka_unit_test(what_comes_late_and_is_dropped_is_no_gap),
		cmocka_unit_test(there_is_room_for_the_header),
		cmocka_unit_test(what_would_be_too_long_is_dropped),
		cmocka_unit_test(off_nothing_is_changed),
		cmocka_unit_test(what_comes_early_is_decompressed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
