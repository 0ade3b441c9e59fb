/*
 * What fits a session, through the data plane's thread: MTU, ICMP, fragments, MSS both ways; and the
 * peer's window where it is kept; and sessions whose frames go through unseen.
 */
#include "packets.h"

#include "dataplane/icmp.h"
#include "dataplane/queue.h"
#include "dp_rig.h"

#define DF 0x4000

static const uint8_t mss_1460[] = { 2, 4, 0x05, 0xb4 };

static struct rig *fit_rig(void)
{
	return rig_with((struct dp_config){ .report_too_big = true, .clamp_mss = true });
}

static void inner_sends_flags(struct rig *rig, uint16_t flags, uint32_t mark, size_t len)
{
	uint8_t packet[2048] = { 0 };

	for (size_t i = 20; i < len; i++)
		packet[i] = (uint8_t)(i * 31);
	memcpy(packet + 20, &mark, sizeof(mark));
	put_ip(packet, NULL, 0, flags, 17, OUTSIDE, INNER, len - 20);
	assert_int_equal(send(rig->inner, packet, len, 0), len);
}

/* ---- how large ---- */

static void path_mru_and_encryption_decide(void **state)
{
	struct mppe_params params = { .bits = MPPE_128, .stateless = true };
	struct rig *rig = rig_new(false, false);
	struct dp_session *s = add_open(rig);

	(void)state;
	assert_int_equal(dp_session_largest(s), 1500);
	dp_session_set_path(rig->dp, s, 1500);
	assert_int_equal(dp_session_largest(s), 1500 - 40);
	dp_session_set_tx(rig->dp, s, &params, (const uint8_t *)"0123456789abcdef");
	assert_int_equal(dp_session_largest(s), 1500 - 44);
	dp_session_set_framing(rig->dp, s, true, true, 1400);
	assert_int_equal(dp_session_largest(s), 1396); /* MPPE's header is in the MRU */
	dp_session_set_path(rig->dp, s, 1300);
	assert_int_equal(dp_session_largest(s), 1256);
	dp_session_set_tx(rig->dp, s, NULL, NULL);
	assert_int_equal(dp_session_largest(s), 1260);
	dp_session_set_path(rig->dp, s, 0);
	assert_int_equal(dp_session_largest(s), 1400);
	dp_session_set_path(rig->dp, s, 1);
	assert_int_equal(dp_session_largest(s), DP_LARGEST_MIN);
	dp_session_set_framing(rig->dp, s, true, true, 1);
	dp_session_set_path(rig->dp, s, 1500);
	assert_int_equal(dp_session_largest(s), DP_LARGEST_MIN);
	rig_free(rig);
}

static void nothing_larger_than_the_path_goes_out(void **state)
{
	static const uint16_t paths[] = { 600, 601, 777, 1024, 1300, 1499, 1500 };
	struct rig *rig = fit_rig();
	struct dp_session *s = add_open(rig);
	uint8_t buf[2048];
	struct gre_header h;
	size_t at, n;

	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		size_t got = 0;
		bool more = true;

		dp_session_set_path(rig->dp, s, paths[i]);
		sync_commands(rig, s);
		inner_sends_flags(rig, DF, 1, dp_session_largest(s));
		n = next_data(rig, buf, sizeof(buf), &h, &at);
		assert_true(20 + n <= paths[i]);
		assert_int_equal(n - at - 4, dp_session_largest(s));
		inner_sends_flags(rig, 0, 2, 1500);
		while (more) {
			n = next_data(rig, buf, sizeof(buf), &h, &at);
			assert_true(20 + n <= paths[i]);
			got += n - at - 4 - 20;
			more = buf[at + 4 + 6] & 0x20;
		}
		assert_int_equal(got, 1480);
	}
	rig_free(rig);
}

static void with_outer_fragments_the_path_does_not_matter(void **state)
{
	struct rig *rig = rig_with((struct dp_config){ .fragment_outer = true });
	struct dp_session *s = add_open(rig);
	uint8_t buf[2048];
	struct gre_header h;
	size_t at;

	(void)state;
	dp_session_set_path(rig->dp, s, 700);
	assert_int_equal(dp_session_largest(s), 1500);
	sync_commands(rig, s);
	inner_sends_flags(rig, DF, 1, 1500);
	assert_int_equal(next_data(rig, buf, sizeof(buf), &h, &at), 12 + 4 + 1500);
	rig_free(rig);
}

/* ---- too large ---- */

static void the_sender_of_a_packet_with_df_is_told(void **state)
{
	struct rig *rig = fit_rig();
	struct dp_session *s = add_open(rig);
	uint8_t buf[2048];
	struct dp_stats stats;
	struct sum sum = { 0 };
	size_t n;

	(void)state;
	dp_session_set_path(rig->dp, s, 1300);
	sync_commands(rig, s);
	inner_sends_flags(rig, DF, 7, 1261);
	n = next_on(rig->inner, buf, sizeof(buf));
	assert_int_equal(n, ICMP_ERROR_MAX);
	assert_ip_sum(buf);
	assert_memory_equal(buf + 12, ((uint8_t[]){ 10, 0, 0, 2, 10, 9, 9, 9 }), 8);
	assert_int_equal(buf[20], 3);
	assert_int_equal(buf[21], 4);
	assert_int_equal(get16(buf + 26), 1260);
	sum_add(&sum, buf + 20, n - 20);
	assert_int_equal(sum_end(&sum), 0);
	assert_int_equal(mark_of(buf + 28), 7);
	UNTIL(stats.icmp_sent == 1);
	assert_int_equal(stats.inner_too_big, 1);
	assert_int_equal(stats.inner_fragmented, 0);
	rig_free(rig);
}

/* Else the error would not fit either, and be dropped in silence: a black hole between two clients. */
static void a_sender_behind_a_narrow_path_gets_an_error_that_fits(void **state)
{
	struct rig *rig = fit_rig();
	struct dp_session *s = add_open(rig);
	uint8_t buf[2048];

	(void)state;
	assert_int_equal(dp_session_add_route(rig->dp, s, in(OUTSIDE), 32), 0);
	dp_session_set_path(rig->dp, s, 576);
	sync_commands(rig, s);
	inner_sends_flags(rig, DF, 7, 1000);
	assert_int_equal(next_on(rig->inner, buf, sizeof(buf)), 536);
	assert_ip_sum(buf);
	assert_int_equal(get16(buf + 26), 536);
	dp_session_set_path(rig->dp, s, 1);
	sync_commands(rig, s);
	inner_sends_flags(rig, DF, 8, 1000);
	assert_int_equal(next_on(rig->inner, buf, sizeof(buf)), DP_LARGEST_MIN);
	assert_int_equal(mark_of(buf + 28), 8);
	rig_free(rig);
}

static void so_many_are_told_and_no_more(void **state)
{
	struct rig *rig = fit_rig();
	struct dp_session *s = add_open(rig);
	uint64_t began, took;
	struct dp_stats stats;

	(void)state;
	dp_session_set_path(rig->dp, s, 1300);
	sync_commands(rig, s);
	began = clock_us();
	for (uint32_t i = 0; i < 400; i++)
		inner_sends_flags(rig, DF, i, 1400);
	UNTIL(stats.inner_too_big == 400);
	took = clock_us() - began;
	assert_int_equal(stats.icmp_sent + stats.icmp_suppressed, 400);
	assert_in_range(stats.icmp_sent, ICMP_BURST, ICMP_BURST + 1 + took / ICMP_INTERVAL);
	rig_free(rig);
}

static void nobody_is_told_where_that_is_off(void **state)
{
	struct rig *rig = rig_new(false, false);
	struct dp_session *s = add_open(rig);
	struct dp_stats stats;

	(void)state;
	dp_session_set_path(rig->dp, s, 1300);
	sync_commands(rig, s);
	inner_sends_flags(rig, DF, 7, 1400);
	UNTIL(stats.inner_too_big == 1);
	send_data(rig, 0, 3);
	expect_inner(rig, 3); /* the first to come */
	assert_int_equal(stats.icmp_sent + stats.icmp_suppressed, 0);
	rig_free(rig);
}

static void without_df_it_goes_in_fragments(void **state)
{
	struct rig *rig = fit_rig();
	struct dp_session *s = add_open(rig);
	uint8_t buf[2048], whole[2048];
	struct dp_stats stats;
	struct gre_header h;
	size_t at, place = 0;

	(void)state;
	dp_session_set_path(rig->dp, s, 640); /* 600 inside: 576 octets of payload each */
	sync_commands(rig, s);
	inner_sends_flags(rig, 0, 9, 1400);
	for (uint32_t i = 0; i < 3; i++) {
		const uint8_t *ip = buf + 16;
		size_t n = next_data(rig, buf, sizeof(buf), &h, &at) - 16;

		assert_int_equal(h.seq, i + 1);
		assert_ip_sum(ip);
		assert_int_equal(get16(ip + 2), n);
		assert_int_equal(get16(ip + 4), 0xbeef);
		assert_int_equal(get16(ip + 6), (i < 2 ? 0x2000 : 0) | place / 8);
		memcpy(whole + place, ip + 20, n - 20);
		place += n - 20;
	}
	assert_int_equal(place, 1380);
	for (size_t i = 24; i < 1400; i++)
		assert_int_equal(whole[i - 20], (uint8_t)(i * 31));
	UNTIL(stats.inner_fragmented == 1);
	assert_int_equal(stats.inner_too_big, 0);
	rig_free(rig);
}

/* ---- MSS ---- */

static void mss_is_clamped_both_ways(void **state)
{
	struct rig *rig = fit_rig();
	struct dp_session *s = add_open(rig);
	uint8_t packet[128], buf[2048];
	struct dp_stats stats;
	struct gre_header h;
	size_t at, n;

	(void)state;
	dp_session_set_path(rig->dp, s, 1300);
	sync_commands(rig, s);
	n = put_segment(packet, DF, 0x02, mss_1460, 4, 0);
	put_ip(packet, NULL, 0, DF, 6, OUTSIDE, INNER, n - 20);
	put_tcp_sum(packet + 12, 8, packet + 20, n - 20);
	assert_int_equal(send(rig->inner, packet, n, 0), n);
	next_data(rig, buf, sizeof(buf), &h, &at);
	assert_int_equal(get16(buf + at + 4 + 42), 1220);
	assert_int_equal(tcp_sum(buf + at + 4 + 12, 8, buf + at + 4 + 20, n - 20), 0);

	put_ip(packet, NULL, 0, DF, 6, INNER, OUTSIDE, n - 20);
	packet[33] = 0x12; /* SYN, ACK */
	put_tcp_sum(packet + 12, 8, packet + 20, n - 20);
	send_ppp(rig, OUR_ID, 0, 0x0021, packet, n);
	assert_int_equal(next_on(rig->inner, buf, sizeof(buf)), n);
	assert_int_equal(get16(buf + 42), 1220);
	assert_int_equal(tcp_sum(buf + 12, 8, buf + 20, n - 20), 0);
	UNTIL(stats.mss_clamped == 2);
	rig_free(rig);
}

static void mss_stays_where_that_is_off(void **state)
{
	struct rig *rig = rig_new(false, false);
	struct dp_session *s = add_open(rig);
	uint8_t packet[128], buf[2048];
	size_t n = put_segment(packet, DF, 0x02, mss_1460, 4, 0);

	(void)state;
	dp_session_set_path(rig->dp, s, 1300);
	sync_commands(rig, s);
	put_ip(packet, NULL, 0, DF, 6, INNER, OUTSIDE, n - 20);
	send_ppp(rig, OUR_ID, 0, 0x0021, packet, n);
	assert_int_equal(next_on(rig->inner, buf, sizeof(buf)), n);
	assert_int_equal(get16(buf + 42), 1460);
	rig_free(rig);
}

/* ---- a network behind the peer ---- */

static void any_source_is_for_one_session_alone(void **state)
{
	struct rig *rig = rig_new(true, false);
	struct dp_session_config config = {
		.peer = in(PEER + 1),
		.local = in(LOCAL),
		.tunnel = { .call_id = OUR_ID, .window = 64, .peer_window = 64 },
		.any_source = true,
	};
	struct dp_session *s = add_open(rig), *routed = dp_session_add(rig->dp, &config);
	uint8_t packet[100], gre[128];
	struct gre_header h = { .call_id = OUR_ID, .has_seq = true, .payload_len = 62 };
	size_t n = inner_packet(packet, IP(172, 16, 0, 1), OUTSIDE, 5, 60);
	struct dp_stats stats;

	(void)state;
	assert_non_null(routed);
	dp_session_open(rig->dp, routed, true);
	sync_commands(rig, s);
	send_ppp(rig, OUR_ID, 0, 0x0021, packet, n); /* dropped */
	gre_header_encode(&h, gre);
	gre[12] = 0;
	gre[13] = 0x21;
	memcpy(gre + 14, packet, n);
	send_outer(rig, PEER + 1, LOCAL, gre, 14 + n);
	expect_inner(rig, 5);
	UNTIL(stats.inner_source == 1 && stats.inner_written == 1);
	rig_free(rig);
}

/* ---- the peer's window ---- */

static struct dp_session *add_strict(struct rig *rig, uint16_t window)
{
	struct dp_session_config config = {
		.peer = in(PEER),
		.local = in(LOCAL),
		.tunnel = { .call_id = OUR_ID,
			.peer_call_id = PEER_ID,
			.window = 64,
			.peer_window = window,
			.flow = GRE_FLOW_STRICT },
		.owner = rig,
	};
	struct dp_session *s = dp_session_add(rig->dp, &config);

	assert_non_null(s);
	assert_int_equal(dp_session_add_route(rig->dp, s, in(INNER), 32), 0);
	dp_session_open(rig->dp, s, true);
	return s;
}

static void send_ack(struct rig *rig, uint32_t ack)
{
	struct gre_header h = { .call_id = OUR_ID, .has_ack = true, .ack = ack };
	uint8_t gre[GRE_HEADER_MAX];

	gre_header_encode(&h, gre);
	send_outer(rig, PEER, LOCAL, gre, gre_header_size(&h));
}

static void expect_out(struct rig *rig, uint32_t seq, uint32_t mark)
{
	uint8_t buf[2048];
	struct gre_header h;
	size_t at;

	next_data(rig, buf, sizeof(buf), &h, &at);
	assert_int_equal(h.seq, seq);
	assert_int_equal(mark_of(buf + at + 4), mark);
}

static void a_full_window_holds_data_until_it_is_acknowledged(void **state)
{
	struct rig *rig = rig_new(false, false);
	struct dp_session *s = add_strict(rig, 8); /* begins with 4 (RFC 2637 section 4.2.1) */
	struct tunnel_stats session_stats;
	struct dp_stats stats;

	(void)state;
	sync_commands(rig, s); /* number 0 */
	for (uint32_t i = 1; i <= 8; i++)
		inner_sends(rig, INNER, i, 60);
	for (uint32_t i = 1; i <= 3; i++)
		expect_out(rig, i, i);
	UNTIL((dp_session_stats(s, &session_stats), session_stats.queued == 5));
	assert_int_equal(session_stats.in_flight, 4);
	send_ack(rig, 1);
	expect_out(rig, 4, 4);
	expect_out(rig, 5, 5);
	send_ack(rig, 5);
	for (uint32_t i = 6; i <= 8; i++)
		expect_out(rig, i, i);
	UNTIL((dp_session_stats(s, &session_stats), session_stats.queued == 0));
	assert_int_equal(session_stats.drops[TUNNEL_DROP_WINDOW], 0);
	rig_free(rig);
}

static void a_peer_that_never_acknowledges_gets_its_data_by_the_time_out(void **state)
{
	struct rig *rig = rig_new(false, false);
	struct dp_session *s = add_strict(rig, 2); /* begins with 1 */
	struct tunnel_stats session_stats;
	struct dp_stats stats;

	(void)state;
	sync_commands(rig, s);
	inner_sends(rig, INNER, 1, 60);
	expect_out(rig, 1, 1);
	UNTIL((dp_session_stats(s, &session_stats), session_stats.ack_timeouts > 0));
	rig_free(rig);
}

static void what_waits_for_the_window_goes_with_its_session(void **state)
{
	struct rig *rig = rig_new(false, false);
	struct dp_session *s = add_strict(rig, 2);
	struct tunnel_stats session_stats;
	struct dp_stats stats;

	(void)state;
	sync_commands(rig, s);
	for (uint32_t i = 0; i < 4; i++)
		inner_sends(rig, INNER, i, 60);
	UNTIL((dp_session_stats(s, &session_stats), session_stats.queued == 4));
	dp_session_remove(rig->dp, s);
	hear(rig, 1);
	assert_int_equal(rig->heard[0].type, DP_EVENT_REMOVED);
	rig_free(rig); /* the sanitizers see that no slot is lost or used */
}

/* ---- raw sessions: a line of a PAC ---- */

static struct dp_session *add_raw(struct rig *rig)
{
	struct dp_session_config config = {
		.peer = in(PEER),
		.local = in(LOCAL),
		.tunnel = { .call_id = OUR_ID,
			.peer_call_id = PEER_ID,
			.window = 64,
			.peer_window = 64,
			.raw = true },
		.owner = rig,
	};
	struct dp_session *s = dp_session_add(rig->dp, &config);

	assert_non_null(s);
	return s;
}

static void send_raw(struct rig *rig, uint32_t seq, const void *frame, size_t len)
{
	uint8_t gre[2048];
	struct gre_header h = {
		.payload_len = (uint16_t)len, .call_id = OUR_ID, .has_seq = true, .seq = seq
	};
	size_t size = gre_header_size(&h);

	gre_header_encode(&h, gre);
	memcpy(gre + size, frame, len);
	send_outer(rig, PEER, LOCAL, gre, size + len);
}

static void raw_frames_go_through_unseen_both_ways(void **state)
{
	static const uint8_t frames[][6] = { { 0xff, 3, 0xc0, 0x21, 1, 1 },
		{ 0x21, 0x45, 0, 0, 0, 0 }, { 0x00, 0xfd, 0x90, 0, 1, 2 } };
	struct rig *rig = rig_new(false, false);
	struct dp_session *s = add_raw(rig);
	uint8_t buf[2048];
	struct gre_header h;
	size_t at;

	(void)state;
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(dp_session_send(rig->dp, s, 0, frames[i], 6), 0);
		assert_int_equal(next_data(rig, buf, sizeof(buf), &h, &at), 12 + 6);
		assert_int_equal(h.seq, i);
		assert_memory_equal(buf + at, frames[i], 6);
	}
	for (uint32_t i = 0; i < 3; i++)
		send_raw(rig, i, frames[i], 6);
	hear(rig, 3);
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(rig->heard[i].type, DP_EVENT_CONTROL);
		assert_int_equal(rig->heard[i].protocol, 0);
		assert_int_equal(rig->heard[i].len, 6);
		assert_memory_equal(rig->heard[i].data, frames[i], 6);
	}
	rig_free(rig);
}

struct count {
	const void *owner;
	unsigned int of_owner, all;
};

static void count_event(void *user, const struct dp_event *event)
{
	struct count *count = user;

	count->all++;
	if (event->owner == count->owner)
		count->of_owner++;
}

static void a_burst_of_raw_frames_has_room_and_takes_no_control_frames_place(void **state)
{
	struct rig *rig = rig_new(false, false);
	struct dp_session *s = add_raw(rig);
	struct dp_session *other = add(rig, PEER, OUR_ID + 1, &rig->inner);
	struct count count = { .owner = &rig->inner };
	struct dp_stats stats;

	(void)state;
	(void)other;
	sync_commands(rig, s);
	for (uint32_t i = 0; i < QUEUE_RAW_SESSION + 10; i++)
		send_raw(rig, i, "\x21\x45", 2);
	send_ppp(rig, OUR_ID + 1, 0, 0xc021, "\x09\x07\0\x04", 4);
	UNTIL(stats.gre_received == QUEUE_RAW_SESSION + 11);
	assert_int_equal(stats.event_overflow, 10);
	while (count.all < QUEUE_RAW_SESSION + 1) {
		wait_readable(dataplane_event_fd(rig->dp));
		dataplane_dispatch(rig->dp, count_event, &count);
	}
	assert_int_equal(count.all, QUEUE_RAW_SESSION + 1);
	assert_int_equal(count.of_owner, 1);
	rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(path_mru_and_encryption_decide),
		cmocka_unit_test(nothing_larger_than_the_path_goes_out),
		cmocka_unit_test(with_outer_fragments_the_path_does_not_matter),
		cmocka_unit_test(the_sender_of_a_packet_with_df_is_told),
		cmocka_unit_test(a_sender_behind_a_narrow_path_gets_an_error_that_fits),
		cmocka_unit_test(so_many_are_told_and_no_more),
		cmocka_unit_test(nobody_is_told_where_that_is_off),
		cmocka_unit_test(without_df_it_goes_in_fragments),
		cmocka_unit_test(mss_is_clamped_both_ways),
		cmocka_unit_test(mss_stays_where_that_is_off),
		cmocka_unit_test(any_source_is_for_one_session_alone),
		cmocka_unit_test(a_full_window_holds_data_until_it_is_acknowledged),
		cmocka_unit_test(a_peer_that_never_acknowledges_gets_its_data_by_the_time_out),
		cmocka_unit_test(what_waits_for_the_window_goes_with_its_session),
		cmocka_unit_test(raw_frames_go_through_unseen_both_ways),
		cmocka_unit_test(a_burst_of_raw_frames_has_room_and_takes_no_control_frames_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
