/*
 * The data plane with an inner side that has offloads: super-packets in and out through the worker,
 * what it does with those that lie or do not fit, and a GRE socket that is full.
 */
#include "dp_rig.h"
#include "flows.h"

#include "lib/checksum.h"

#define SEGMENTS_MAX 64

static const struct vnet_offload all = { .header = true, .tcp4 = true, .tcp6 = true, .udp = true };

static struct rig *rig_offload(void)
{
	return rig_with((struct dp_config){
		.report_too_big = true, .clamp_mss = true, .inner_offload = all });
}

/* To INNER, from OUTSIDE: addresses that the data plane knows, and checksums that fit them. */
static void address(uint8_t *packet, uint32_t from, uint32_t to, bool partial)
{
	struct wire_writer w = wire_writer(packet + 12, 8);
	uint8_t *upper = packet + 20, *at = upper + (packet[9] == 17 ? 6 : 16);
	size_t len = get16(packet + 2) - 20;
	uint64_t sum;

	wire_put_u32(&w, from);
	wire_put_u32(&w, to);
	put16(packet + 10, 0);
	put16(packet + 10, checksum_of(packet, 20));
	put16(at, 0);
	sum = checksum_add_pseudo(0, packet + 12, 8, packet[9], len);
	put16(at, partial ? checksum_fold(sum)
			  : (uint16_t)~checksum_fold(checksum_add(sum, upper, len)));
}

static void inner_gives(struct rig *rig, const struct vnet *v, const uint8_t *packet, size_t len)
{
	static uint8_t buf[SUPER_MAX + VNET_SIZE];

	vnet_encode(v, buf);
	memcpy(buf + VNET_SIZE, packet, len);
	assert_int_equal(send(rig->inner, buf, VNET_SIZE + len, 0), VNET_SIZE + len);
}

static size_t inner_gets(struct rig *rig, struct vnet *v, uint8_t *packet)
{
	static uint8_t buf[SUPER_MAX + VNET_SIZE];
	size_t n = next_on(rig->inner, buf, sizeof(buf));

	assert_true(n > VNET_SIZE);
	vnet_decode(v, buf);
	memcpy(packet, buf + VNET_SIZE, n - VNET_SIZE);
	return n - VNET_SIZE;
}

/* The next inner packet that the peer gets. */
static size_t peer_gets(struct rig *rig, uint8_t *packet, uint32_t *seq)
{
	uint8_t buf[2048];
	struct gre_header h;
	size_t at, n = next_data(rig, buf, sizeof(buf), &h, &at);

	/* Data: address and control, protocol (not compressed). */
	assert_memory_equal(buf + at, "\xff\x03\0\x21", 4);
	memcpy(packet, buf + at + 4, n - at - 4);
	*seq = h.seq;
	return n - at - 4;
}

static uint8_t packet[SUPER_MAX], got[SUPER_MAX], expected[2048];

static size_t put_super_to(struct super *s, uint32_t to, struct vnet *v)
{
	size_t len = put_super(s, packet, v);

	address(packet, OUTSIDE, to, true);
	return len;
}

static void a_super_packet_goes_out_in_segments(void **state)
{
	struct rig *rig = rig_offload();
	struct super s = plain_tcp;
	struct vnet v;
	struct dp_stats stats;
	unsigned int count;
	size_t len;

	(void)state;
	add_open(rig);
	for (unsigned int i = 0; i < 3; i++) {
		s.payload = i == 2 ? 1349 : 62000;
		s.udp = i == 1;
		count = (unsigned int)(s.payload + 1347) / 1348;
		len = put_super_to(&s, INNER, &v);
		inner_gives(rig, &v, packet, len);
		for (unsigned int k = 0; k < count; k++) {
			uint32_t seq;

			len = put_expected(&s, expected, k);
			address(expected, OUTSIDE, INNER, false);
			assert_int_equal(peer_gets(rig, got, &seq), len);
			assert_memory_equal(got, expected, len);
		}
	}
	UNTIL(stats.inner_segments == 46 + 46 + 2);
	assert_int_equal(stats.inner_super, 3);
	assert_int_equal(stats.inner_read, 3);
	rig_free(rig);
}

/*
 * So many, in order. Lost is only what waited for room in the socket for longer than the deadline (for
 * this test, on a busy machine), and that is counted.
 */
static void peer_gets_all(struct rig *rig, unsigned int packets)
{
	uint64_t end = clock_us() + PATIENCE_MS * 1000;
	uint32_t seq, last = 0, count = 0;
	struct dp_stats stats;

	do {
		struct pollfd p = { .fd = rig->gre, .events = POLLIN };

		if (poll(&p, 1, 10) == 1) {
			assert_true(peer_gets(rig, got, &seq) > 0);
			assert_true(seq > last);
			last = seq;
			count++;
		}
		dataplane_stats(rig->dp, &stats);
		assert_true(clock_us() < end);
	} while (stats.send_errors + count < packets);
}

static void many_super_packets_in_one_turn_lose_nothing(void **state)
{
	struct rig *rig = rig_offload();
	struct super s = plain_tcp;
	struct dp_session *session = add_open(rig);
	struct dp_stats stats;
	struct vnet v;

	(void)state;
	sync_commands(rig, session);
	s.payload = 64000;
	for (unsigned int i = 0; i < 6; i++)
		inner_gives(rig, &v, packet, put_super_to(&s, INNER, &v));
	peer_gets_all(rig, 6 * 48);
	UNTIL(stats.inner_segments == 6 * 48);
	assert_int_equal(stats.no_slot, 0);
	rig_free(rig);
}

/*
 * The kernel may leave the checksum of any packet to us; a SYN's with an MSS that is lowered, too.
 */
static void a_begun_checksum_is_completed_before_anything_else(void **state)
{
	static const uint8_t mss[] = { 2, 4, 0x05, 0xb4 };
	struct rig *rig = rig_offload();
	struct vnet v = { .partial = true, .start = 20, .offset = 16 };
	struct dp_stats stats;
	uint32_t seq;
	size_t len = put_segment(packet, 0x4000, 0x02, mss, 4, 0);
	struct dp_session *session = add_open(rig);

	(void)state;
	dp_session_set_path(rig->dp, session, 1400);
	sync_commands(rig, session);
	address(packet, OUTSIDE, INNER, true);
	inner_gives(rig, &v, packet, len);
	assert_int_equal(peer_gets(rig, got, &seq), len);
	assert_int_equal(get16(got + 42), 1400 - 40 - 40);
	assert_int_equal(checksum_of_upper(got + 12, 8, 6, got + 20, len - 20), 0);
	UNTIL(stats.mss_clamped == 1);
	rig_free(rig);
}

/*
 * A smaller path than the sender believes: TCP goes all the same, in smaller segments; a datagram's
 * sender is told.
 */
static void what_does_not_fit_any_more(void **state)
{
	struct rig *rig = rig_offload();
	struct dp_session *session = add_open(rig);
	struct super s = plain_tcp;
	struct dp_stats stats;
	size_t len, done = 0;
	struct vnet v;
	uint32_t seq;

	(void)state;
	dp_session_set_path(rig->dp, session, 1000);
	sync_commands(rig, session);
	len = put_super_to(&s, INNER, &v);
	inner_gives(rig, &v, packet, len);
	while (done < s.payload) {
		size_t n = peer_gets(rig, got, &seq), headers = headers_size(&s);

		assert_true(n <= 960);
		assert_memory_equal(got + headers, packet + headers + done, n - headers);
		assert_int_equal(checksum_of_upper(got + 12, 8, 6, got + 20, n - 20), 0);
		done += n - headers;
	}
	s.udp = true;
	s.payload = 2000;
	inner_gives(rig, &v, packet, put_super_to(&s, INNER, &v));
	/* The first is told that 960 fit; the second one fits. */
	len = inner_gets(rig, &v, got);
	assert_true(
		v.kind == VNET_LONE && !v.partial && got[9] == 1 && got[20] == 3 && got[21] == 4);
	assert_int_equal(get16(got + 26), 960);
	assert_true(len > 28);
	assert_int_equal(peer_gets(rig, got, &seq), 28 + 652);
	s.df = false; /* in fragments, then, and the second as it is */
	inner_gives(rig, &v, packet, put_super_to(&s, INNER, &v));
	UNTIL(stats.inner_fragmented == 1);
	assert_int_equal(stats.inner_too_big, 1);
	rig_free(rig);
}

/* The device's MTU was raised beyond a slot: what is larger is not cut but its sender told. */
static void a_packet_larger_than_a_slot_is_answered(void **state)
{
	struct rig *rig = rig_offload();
	struct dp_session *session = add_open(rig);
	struct super s = plain_tcp;
	struct vnet v;
	uint32_t seq;
	size_t len;

	(void)state;
	sync_commands(rig, session);
	s.payload = s.size = 8000;
	len = put_super_to(&s, INNER, &v);
	v = (struct vnet){ .partial = true, .start = 20, .offset = 16 };
	inner_gives(rig, &v, packet, len);
	assert_true(inner_gets(rig, &v, got) > 28 && got[20] == 3 && get16(got + 26) == 1500);
	inner_gives(rig, &(struct vnet){ 0 }, packet, inner_packet(packet, OUTSIDE, INNER, 7, 60));
	assert_int_equal(peer_gets(rig, got, &seq), 60);
	rig_free(rig);
}

/* Who writes to the device as a link (AF_PACKET) says how long the frame is, and another length inside. */
static void a_short_packet_in_a_frame_larger_than_a_slot_goes_out(void **state)
{
	static const uint8_t ipv6[40] = { 0x60, 0, 0, 0, 0, 0, 59, 64, 0x20,
		1, [23] = 1, [24] = 0x20, 1, 0xd, 0xb8, [39] = 2 };
	struct rig *rig = rig_offload();
	struct dp_session *session = add_open(rig);
	struct gre_header h;
	uint8_t buf[2048];
	uint32_t seq;
	size_t at;

	(void)state;
	assert_int_equal(dp_session_add_route6(rig->dp, session, ipv6 + 24, 128), 0);
	dp_session_open6(rig->dp, session, true);
	sync_commands(rig, session);
	memset(packet, 0x55, 3000);
	assert_int_equal(inner_packet(packet, OUTSIDE, INNER, 7, 60), 60);
	inner_gives(rig, &(struct vnet){ 0 }, packet, 3000);
	assert_int_equal(peer_gets(rig, got, &seq), 60);
	assert_memory_equal(got, packet, 60);
	memcpy(packet, ipv6, sizeof(ipv6));
	inner_gives(rig, &(struct vnet){ 0 }, packet, 3000);
	assert_int_equal(next_data(rig, buf, sizeof(buf), &h, &at) - at, 4 + 40);
	assert_memory_equal(buf + at + 4, ipv6, sizeof(ipv6));
	rig_free(rig);
}

static void what_lies_is_dropped_and_counted(void **state)
{
	struct rig *rig = rig_offload();
	struct dp_session *session = add_open(rig);
	struct super s = plain_tcp;
	struct dp_stats stats;
	struct vnet v, bad;
	uint32_t seq;
	size_t len = put_super_to(&s, INNER, &v);

	(void)state;
	sync_commands(rig, session);
	bad = v;
	bad.size = 0;
	inner_gives(rig, &bad, packet, len);
	bad = v;
	bad.kind = VNET_UNKNOWN;
	inner_gives(rig, &bad, packet, len);
	bad = (struct vnet){ .partial = true, .start = 65535, .offset = 65535 };
	inner_gives(rig, &bad, packet, len);
	inner_gives(rig, &v, packet, 19);
	assert_int_equal(send(rig->inner, "short", 5, 0), 5);
	inner_gives(rig, &v, packet, len);
	assert_int_equal(peer_gets(rig, got, &seq), headers_size(&s) + s.size);
	UNTIL(stats.inner_odd == 3);
	assert_int_equal(stats.inner_not_ip, 1);
	rig_free(rig);
}

static void peer_sends(struct rig *rig, uint32_t *seq, const uint8_t *data, size_t len)
{
	send_ppp(rig, OUR_ID, (*seq)++, 0x0021, data, len);
}

/* However the turns fall: in order, whole, and nothing waits for more. */
static void what_comes_of_one_flow_is_written_together(void **state)
{
	struct rig *rig = rig_offload();
	struct dp_session *session = add_open(rig);
	struct super s = plain_tcp;
	struct dp_stats stats;
	uint32_t seq = 0;
	unsigned int writes = 0;
	size_t done = 0;

	(void)state;
	sync_commands(rig, session);
	s.payload = 40 * 1348;
	for (unsigned int i = 0; i < 40; i++) {
		size_t len = put_expected(&s, expected, i);

		address(expected, INNER, OUTSIDE, false);
		peer_sends(rig, &seq, expected, len);
	}
	while (done < s.payload) {
		struct vnet v;
		size_t n = inner_gets(rig, &v, got), headers = headers_size(&s);

		writes++;
		assert_int_equal(get16(got + 2), n);
		assert_int_equal(
			(uint32_t)get16(got + 24) << 16 | get16(got + 26), s.seq + (uint32_t)done);
		for (size_t i = headers; i < n; i++, done++)
			assert_int_equal(got[i], (uint8_t)(done * 31 + done / 256 + s.fill));
		assert_true(v.kind == (n > headers + 1348 ? VNET_TCP4 : VNET_LONE));
	}
	assert_int_equal(done, s.payload);
	UNTIL(stats.inner_written == 40);
	assert_true(writes <= 40);
	assert_true(stats.inner_joined <= 40);
	rig_free(rig);
}

static void a_lone_packet_does_not_wait(void **state)
{
	struct rig *rig = rig_offload();
	struct dp_session *session = add_open(rig);
	struct super s = plain_tcp;
	uint32_t seq = 0;

	(void)state;
	sync_commands(rig, session);
	for (unsigned int i = 0; i < 3; i++) {
		struct vnet v;
		size_t len = put_expected(&s, expected, i);

		address(expected, INNER, OUTSIDE, false);
		peer_sends(rig, &seq, expected, len);
		assert_int_equal(inner_gets(rig, &v, got), len);
		assert_memory_equal(got, expected, len);
		assert_int_equal(v.kind, VNET_LONE);
	}
	rig_free(rig);
}

/*
 * The socket takes nothing for a while: what waits is sent when it does, and the inner side is not
 * read meanwhile.
 */
static void a_full_socket_loses_nothing_that_it_takes_in_time(void **state)
{
	struct rig *rig = rig_offload();
	struct dp_session *session = add_open(rig);
	struct super s = plain_tcp;
	struct dp_stats stats;
	struct vnet v;
	int small = 4096;

	(void)state;
	sync_commands(rig, session);
	assert_int_equal(setsockopt(rig->dp_gre, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)), 0);
	s.payload = 64000;
	for (unsigned int i = 0; i < 3; i++)
		inner_gives(rig, &v, packet, put_super_to(&s, INNER, &v));
	peer_gets_all(rig, 3 * 48);
	UNTIL(stats.inner_segments == 3 * 48);
	rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_super_packet_goes_out_in_segments),
		cmocka_unit_test(many_super_packets_in_one_turn_lose_nothing),
		cmocka_unit_test(a_begun_checksum_is_completed_before_anything_else),
		cmocka_unit_test(what_does_not_fit_any_more),
		cmocka_unit_test(a_packet_larger_than_a_slot_is_answered),
		cmocka_unit_test(a_short_packet_in_a_frame_larger_than_a_slot_goes_out),
		cmocka_unit_test(what_lies_is_dropped_and_counted),
		cmocka_unit_test(what_comes_of_one_flow_is_written_together),
		cmocka_unit_test(a_lone_packet_does_not_wait),
		cmocka_unit_test(a_full_socket_loses_nothing_that_it_takes_in_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
