/*
 * The data plane's packet path, both ways, with its thread: what passes, what is refused and
 * counted, what happens when the descriptors below fail. One test uses a real raw socket on
 * loopback, where that is allowed.
 */
#include "dp_rig.h"

#include "dataplane/worker.h"

/* ---- both directions in clear ---- */

static void inner_packet_goes_out_with_header_and_number(void **state)
{
	static const uint8_t head[] = { 0x30, 0x01, 0x88, 0x0b, 0, 64, 0x00, 0x80 };
	struct rig *rig = rig_new(false, false);
	struct dp_session *s = add_open(rig);
	uint8_t expected[100], buf[2048];
	struct tunnel_stats session_stats;
	struct dp_stats stats;
	size_t n = inner_packet(expected, OUTSIDE, INNER, 7, 60);

	(void)state;
	/* The route may come after the packet: wait until all commands are done. */
	assert_int_equal(
		dp_session_send(rig->dp, s, 0xc021, (const uint8_t *)"\x09\x01\0\x04", 4), 0);
	assert_int_equal(next_on(rig->gre, buf, sizeof(buf)), 12 + 4 + 4);
	for (uint8_t seq = 1; seq < 4; seq++) {
		assert_int_equal(send(rig->inner, expected, n, 0), n);
		assert_int_equal(next_on(rig->gre, buf, sizeof(buf)), 12 + 4 + 60);
		assert_memory_equal(buf, head, sizeof(head));
		assert_memory_equal(
			buf + 8, ((uint8_t[]){ 0, 0, 0, seq, 0xff, 0x03, 0x00, 0x21 }), 8);
		assert_memory_equal(buf + 16, expected, n);
	}
	UNTIL((dp_session_stats(s, &session_stats), session_stats.tx_packets == 3));
	assert_int_equal(session_stats.tx_control, 1);
	UNTIL(stats.gre_sent == 4);
	assert_int_equal(stats.inner_read, 3);
	rig_free(rig);
}

static void peers_packet_comes_in(void **state)
{
	struct rig *rig = rig_new(false, false);
	struct dp_session *s = add_open(rig);
	struct tunnel_stats session_stats;
	struct dp_stats stats;

	(void)state;
	sync_commands(rig, s);
	for (uint32_t i = 0; i < 100; i++)
		send_data(rig, i, i + 1);
	for (uint32_t i = 0; i < 100; i++)
		expect_inner(rig, i + 1);
	UNTIL((dp_session_stats(s, &session_stats), session_stats.rx_packets == 100));
	UNTIL(stats.inner_written == 100);
	rig_free(rig);
}

static void data_of_a_closed_call_waits_or_is_dropped(void **state)
{
	struct rig *rig = rig_new(false, false);
	struct dp_session *s = add_open(rig);
	struct tunnel_stats session_stats;
	struct dp_stats stats;

	(void)state;
	dp_session_open(rig->dp, s, false);
	sync_commands(rig, s);
	/* What comes waits, a little; what is to go is dropped. */
	for (uint32_t i = 0; i < TUNNEL_EARLY_MAX + 1; i++)
		send_data(rig, i, i + 1);
	inner_sends(rig, INNER, 2, 60);
	UNTIL((dp_session_stats(s, &session_stats),
		session_stats.drops[TUNNEL_DROP_NOT_OPEN] == 2));
	dp_session_open(rig->dp, s, true);
	for (uint32_t i = 0; i < TUNNEL_EARLY_MAX; i++)
		expect_inner(rig, i + 1);
	send_data(rig, TUNNEL_EARLY_MAX + 1, 99);
	expect_inner(rig, 99);
	rig_free(rig);
}

static void reordered_packets_are_put_in_order(void **state)
{
	static const uint32_t order[] = { 0, 3, 1, 2, 4, 6, 5 };
	struct rig *rig = rig_new(false, false);
	struct dp_session *s = add_open(rig);

	(void)state;
	sync_commands(rig, s);
	for (size_t i = 0; i < 7; i++)
		send_data(rig, order[i], order[i]);
	for (uint32_t i = 0; i < 7; i++)
		expect_inner(rig, i);
	rig_free(rig);
}

static void a_lost_packet_holds_up_its_successors_for_a_short_time_only(void **state)
{
	struct rig *rig = rig_new(false, false);
	struct dp_session *s = add_open(rig);
	struct tunnel_stats session_stats;
	struct dp_stats stats;

	(void)state;
	sync_commands(rig, s);
	send_data(rig, 0, 0);
	send_data(rig, 2, 2);
	send_data(rig, 3, 3);
	expect_inner(rig, 0);
	expect_inner(rig, 2); /* nothing else comes that could flush it: the timer does */
	expect_inner(rig, 3);
	UNTIL((dp_session_stats(s, &session_stats), session_stats.lost == 1));
	rig_free(rig);
}

static void an_acknowledgement_goes_alone_after_a_while_and_rides_on_data_before(void **state)
{
	struct rig *rig = rig_new(false, false);
	struct dp_session *s = add_open(rig);
	struct gre_header h;
	uint8_t buf[2048];
	size_t n, at;

	(void)state;
	sync_commands(rig, s);
	send_data(rig, 5, 1);
	expect_inner(rig, 1);
	n = next_on(rig->gre, buf, sizeof(buf));
	assert_int_equal(n, 12);
	assert_int_equal(gre_header_decode(&h, buf, n, &at), GRE_OK);
	assert_true(h.has_ack && !h.has_seq);
	assert_int_equal(h.ack, 5);
	assert_int_equal(h.call_id, PEER_ID);
	send_data(rig, 6, 2);
	expect_inner(rig, 2);
	inner_sends(rig, INNER, 3, 60);
	n = next_on(rig->gre, buf, sizeof(buf));
	assert_int_equal(gre_header_decode(&h, buf, n, &at), GRE_OK);
	assert_true(h.has_ack);
	assert_int_equal(h.ack, 6);
	rig_free(rig);
}

/* ---- what is refused ---- */

static void foreign_and_broken_gre_is_counted_by_kind(void **state)
{
	static const struct {
		enum gre_fault fault;
		uint8_t bytes[16];
		size_t len;
	} bad[] = {
		{ GRE_TRUNCATED, { 0x30, 0x01, 0x88 }, 3 },
		{ GRE_VERSION_0, { 0x20, 0x00, 0x08, 0x00, 0, 0, 0, 0 }, 8 },
		{ GRE_NOT_PPP, { 0x30, 0x01, 0x08, 0x00, 0, 4, 0x12, 0x34, 0, 0, 0, 0, 1, 2, 3, 4 },
			16 },
		{ GRE_NO_KEY, { 0x10, 0x01, 0x88, 0x0b, 0, 0, 0, 0, 0, 0, 0, 0 }, 12 },
		{ GRE_BAD_LENGTH, { 0x30, 0x01, 0x88, 0x0b, 0, 99, 0x12, 0x34, 0, 0, 0, 0, 1, 2 },
			14 },
	};
	struct rig *rig = rig_new(false, false);
	struct dp_session *s = add_open(rig);
	uint8_t huge[2100] = { 0 };
	struct dp_stats stats;
	size_t n;

	(void)state;
	sync_commands(rig, s);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		send_outer(rig, PEER, LOCAL, bad[i].bytes, bad[i].len);
	assert_int_equal(send(rig->gre, "\x45\x00\x00\x14", 4, 0), 4); /* half an IPv4 header */
	n = put_ipv4(huge, PEER, LOCAL, 17, bad[2].bytes, 16);         /* UDP */
	assert_int_equal(send(rig->gre, huge, n, 0), n);
	n = put_ipv4(huge, PEER, LOCAL, 47, bad[2].bytes, 16); /* claims more than there is */
	huge[3] = 37;
	assert_int_equal(send(rig->gre, huge, n, 0), n);
	assert_int_equal(send(rig->gre, huge, sizeof(huge), 0), sizeof(huge));
	send_data(rig, 0, 9);
	expect_inner(rig, 9);
	UNTIL(stats.inner_written == 1);
	assert_int_equal(stats.gre_faults[GRE_TRUNCATED], 4);
	for (size_t i = 1; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(stats.gre_faults[bad[i].fault], 1);
	assert_int_equal(stats.gre_too_long, 1);
	assert_int_equal(stats.gre_received, 10);
	rig_free(rig);
}

static void a_call_is_its_peer_its_id_and_the_address_dialled(void **state)
{
	struct rig *rig = rig_new(false, false);
	struct dp_session *s = add_open(rig);
	uint8_t gre[100], packet[100];
	struct gre_header h = { .payload_len = 62, .call_id = OUR_ID, .has_seq = true };
	size_t size = gre_header_size(&h);
	struct dp_stats stats;

	(void)state;
	sync_commands(rig, s);
	memcpy(gre + size, "\x00\x21", 2);
	inner_packet(packet, INNER, OUTSIDE, 1, 60);
	memcpy(gre + size + 2, packet, 60);
	gre_header_encode(&h, gre);
	send_outer(rig, PEER + 1, LOCAL, gre, size + 62);
	send_outer(rig, PEER, LOCAL + 1, gre, size + 62);
	h.call_id = OUR_ID + 1;
	gre_header_encode(&h, gre);
	send_outer(rig, PEER, LOCAL, gre, size + 62);
	send_data(rig, 0, 2);
	expect_inner(rig, 2);
	UNTIL(stats.inner_written == 1);
	assert_int_equal(stats.gre_unknown_call, 3);
	rig_free(rig);
}

static void a_peer_sends_only_from_its_own_addresses(void **state)
{
	struct rig *rig = rig_new(true, false);
	struct dp_session *s = add_open(rig);
	struct dp_session *other = add(rig, PEER, OUR_ID + 1, NULL);
	uint8_t packet[100];
	struct dp_stats stats;

	(void)state;
	assert_int_equal(dp_session_add_route(rig->dp, other, in(INNER + 1), 32), 0);
	assert_int_equal(dp_session_add_route(rig->dp, s, in(IP(172, 16, 0, 0)), 12), 0);
	sync_commands(rig, s);
	inner_packet(packet, OUTSIDE, INNER, 1, 60); /* nobody's */
	send_ppp(rig, OUR_ID, 0, 0x0021, packet, 60);
	inner_packet(packet, INNER + 1, OUTSIDE, 2, 60); /* somebody else's */
	send_ppp(rig, OUR_ID, 1, 0x0021, packet, 60);
	inner_packet(packet, IP(172, 31, 255, 1), OUTSIDE, 3, 60); /* of its own network */
	send_ppp(rig, OUR_ID, 2, 0x0021, packet, 60);
	expect_inner(rig, 3);
	UNTIL(stats.inner_written == 1);
	assert_int_equal(stats.inner_source, 2);
	rig_free(rig);
}

static void only_whole_packets_of_open_protocols_reach_the_inner_side(void **state)
{
	struct rig *rig = rig_new(false, false);
	struct dp_session *s = add_open(rig);
	uint8_t packet[100];
	struct dp_stats stats;

	(void)state;
	sync_commands(rig, s);
	inner_packet(packet, INNER, OUTSIDE, 1, 60);
	send_ppp(rig, OUR_ID, 0, 0x0057, packet, 60); /* IPv6 */
	packet[0] = 0x65;
	send_ppp(rig, OUR_ID, 1, 0x0021, packet, 60); /* IPv6 that says it is IPv4 */
	packet[0] = 0x44;
	send_ppp(rig, OUR_ID, 2, 0x0021, packet, 60); /* header of 16 bytes */
	packet[0] = 0x45;
	send_ppp(rig, OUR_ID, 3, 0x0021, packet, 59); /* cut */
	send_ppp(rig, OUR_ID, 4, 0x0021, packet, 1);
	send_ppp(rig, OUR_ID, 5, 0x0021, packet, 70); /* padded */
	expect_inner(rig, 1);
	UNTIL(stats.inner_written == 1);
	assert_int_equal(stats.inner_not_ip, 5);
	rig_free(rig);
}

static void inner_packets_that_cannot_go_are_counted(void **state)
{
	struct rig *rig = rig_new(false, false);
	struct dp_session *s = add_open(rig);
	uint8_t buf[2048];
	struct gre_header h;
	struct dp_stats stats;
	size_t at, n;

	(void)state;
	dp_session_set_framing(rig->dp, s, true, false, 1400);
	sync_commands(rig, s);
	inner_sends(rig, INNER + 1, 1, 60); /* nobody's */
	n = inner_packet(buf, OUTSIDE, INNER, 2, 1401);
	buf[6] = 0x40; /* DF */
	assert_int_equal(send(rig->inner, buf, n, 0), n);
	inner_sends(rig, INNER, 3, 2040); /* larger than a slot */
	memset(buf, 0x60, 60);
	assert_int_equal(send(rig->inner, buf, 60, 0), 60); /* IPv6, cut */
	inner_sends(rig, INNER, 4, 1400);
	assert_int_equal(next_data(rig, buf, sizeof(buf), &h, &at), 12 + 2 + 1400);
	assert_int_equal(mark_of(buf + 14), 4);
	UNTIL(stats.inner_read == 5);
	assert_int_equal(stats.inner_no_session, 1);
	assert_int_equal(stats.inner_too_big, 3);
	assert_int_equal(stats.inner_not_ip, 0);
	rig_free(rig);
}

static void load_generator_finds_the_session_by_source(void **state)
{
	struct rig *rig = rig_new(false, true);
	struct dp_session *s = add_open(rig);
	uint8_t buf[2048];
	struct gre_header h;
	size_t at, n;

	(void)state;
	sync_commands(rig, s);
	inner_sends(rig, INNER, 1, 60); /* from OUTSIDE */
	n = inner_packet(buf, INNER, OUTSIDE, 2, 60);
	assert_int_equal(send(rig->inner, buf, n, 0), n);
	next_data(rig, buf, sizeof(buf), &h, &at);
	assert_int_equal(mark_of(buf + at + 4), 2);
	rig_free(rig);
}

/* ---- what goes wrong below ---- */

/* Reads what is there; has the data packet marked `mark` been among it? */
static bool drained(struct rig *rig, uint32_t mark)
{
	uint8_t buf[2048];
	struct gre_header h;
	bool found = false;
	ssize_t n;
	size_t at;

	while ((n = recv(rig->gre, buf, sizeof(buf), MSG_DONTWAIT)) > 0) {
		assert_int_equal(gre_header_decode(&h, buf, (size_t)n, &at), GRE_OK);
		found = found || (h.has_seq && mark_of(buf + at + 4) == mark);
	}
	return found;
}

static void a_full_gre_socket_drops_and_recovers(void **state)
{
	struct rig *rig = rig_new(false, false);
	struct dp_session *s = add_open(rig);
	struct dp_stats stats;
	uint8_t packet[2048];
	int small = 4096;
	size_t n;

	(void)state;
	assert_int_equal(setsockopt(rig->dp_gre, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)), 0);
	sync_commands(rig, s);
	n = inner_packet(packet, OUTSIDE, INNER, 1, 1400);
	UNTIL((send(rig->inner, packet, n, MSG_DONTWAIT), stats.send_errors > 0));
	/* Now the test reads; what is sent from now on gets through in the end. */
	n = inner_packet(packet, OUTSIDE, INNER, 2, 60);
	UNTIL((send(rig->inner, packet, n, MSG_DONTWAIT), drained(rig, 2)));
	rig_free(rig);
}

static void control_goes_on_when_the_inner_side_is_gone(void **state)
{
	struct rig *rig = rig_new(false, false);
	struct dp_session *s = add_open(rig);
	struct dp_stats stats;

	(void)state;
	sync_commands(rig, s);
	close(rig->inner);
	send_data(rig, 0, 1);
	UNTIL(stats.inner_write_errors == 1);
	send_ppp(rig, OUR_ID, 1, 0xc021, "\x05\x02\0\x04", 4);
	hear(rig, 1);
	sync_commands(rig, s);
	rig->inner = dup(rig->gre); /* for rig_free() */
	rig_free(rig);
}

static void commands_go_on_when_the_gre_socket_is_gone(void **state)
{
	struct rig *rig = rig_new(false, false);
	struct dp_session *s = add_open(rig);
	struct dp_stats stats;

	(void)state;
	sync_commands(rig, s);
	close(rig->gre);
	inner_sends(rig, INNER, 1, 60);
	UNTIL(stats.send_errors == 1);
	dp_session_remove(rig->dp, s);
	hear(rig, 1);
	assert_int_equal(rig->heard[0].type, DP_EVENT_REMOVED);
	rig->gre = dup(rig->inner);
	rig_free(rig);
}

/* ---- a real raw socket ---- */

static void raw_socket_carries_a_call_over_loopback(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));
	struct dp_config config = { 0 };
	struct dp_session_config call = {
		.peer = in(IP(127, 0, 0, 2)),
		.local = in(IP(127, 0, 0, 3)),
		.tunnel = { .call_id = 1, .peer_call_id = 2 },
	};
	int raw = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 47);
	struct dp_session *a, *b;
	struct dp_stats stats;

	(void)state;
	assert_non_null(rig);
	if (raw < 0) {
		free(rig);
		print_message("# SKIP: no raw socket (%s); needs CAP_NET_RAW\n", strerror(errno));
		skip();
	}
	/* Both ends of the call are sessions of one data plane: what it sends from one, the other
	 * gets. */
	pair(&rig->inner, &rig->dp_inner);
	config.inner_fd = rig->dp_inner;
	config.gre_fd = raw;
	rig->dp = dataplane_new(&config);
	assert_non_null(rig->dp);
	a = dp_session_add(rig->dp, &call);
	call.peer = in(IP(127, 0, 0, 3));
	call.local = in(IP(127, 0, 0, 2));
	call.tunnel = (struct tunnel_config){ .call_id = 2, .peer_call_id = 1 };
	b = dp_session_add(rig->dp, &call);
	assert_int_equal(dp_session_add_route(rig->dp, a, in(INNER), 32), 0);
	dp_session_open(rig->dp, a, true);
	dp_session_open(rig->dp, b, true);
	UNTIL((inner_sends(rig, INNER, 5, 60), stats.inner_written > 0));
	expect_inner(rig, 5);
	assert_int_equal(stats.send_errors, 0);
	rig->gre = dup(raw);
	rig->dp_gre = raw;
	rig_free(rig);
}

/* Does any slot of the worker, which sleeps, still hold it? */
static bool slots_hold(struct worker *w, const char *secret)
{
	struct packet_list all;
	struct packet *p;
	bool found = false;

	packet_list_init(&all);
	for (unsigned int i = 0; i < IO_RECEIVE_MAX; i++)
		if (w->rx.slots[i])
			found |= memmem(w->rx.slots[i]->buf, PACKET_SLOT, secret, strlen(secret)) !=
				 NULL;
	while (w->pool.free && (p = pool_get(&w->pool)) != NULL) {
		found |= memmem(p->buf, PACKET_SLOT, secret, strlen(secret)) != NULL;
		packet_list_add(&all, p);
	}
	while ((p = packet_list_take(&all)) != NULL)
		pool_put(&w->pool, p);
	return found;
}

/* PAP's password is in the frame, and may be so in EAP's or CHAP's by other means. */
static void control_frames_are_wiped_from_their_slots(void **state)
{
	struct rig *rig = rig_new(false, false);
	struct dp_session *s = add_open(rig);
	struct worker *w = s->worker;
	uint8_t buf[2048];
	struct gre_header h;
	size_t at;

	(void)state;
	sync_commands(rig, s);
	send_ppp(rig, OUR_ID, 0, 0xc023,
		"\x01\x01\x00\x12\x04user\x08"
		"sesame-1",
		18);
	hear(rig, 1);
	assert_int_equal(dp_session_send(rig->dp, s, 0xc023,
				 (const uint8_t *)"\x01\x01\x00\x12\x04user\x08"
						  "sesame-2",
				 18),
		0);
	next_data(rig, buf, sizeof(buf), &h, &at);
	dp_session_remove(rig->dp, s);
	hear(rig, 2);
	assert_int_equal(rig->heard[1].type, DP_EVENT_REMOVED);
	assert_false(slots_hold(w, "sesame-1"));
	assert_false(slots_hold(w, "sesame-2"));
	rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(inner_packet_goes_out_with_header_and_number),
		cmocka_unit_test(peers_packet_comes_in),
		cmocka_unit_test(data_of_a_closed_call_waits_or_is_dropped),
		cmocka_unit_test(reordered_packets_are_put_in_order),
		cmocka_unit_test(a_lost_packet_holds_up_its_successors_for_a_short_time_only),
		cmocka_unit_test(
			an_acknowledgement_goes_alone_after_a_while_and_rides_on_data_before),
		cmocka_unit_test(foreign_and_broken_gre_is_counted_by_kind),
		cmocka_unit_test(a_call_is_its_peer_its_id_and_the_address_dialled),
		cmocka_unit_test(a_peer_sends_only_from_its_own_addresses),
		cmocka_unit_test(only_whole_packets_of_open_protocols_reach_the_inner_side),
		cmocka_unit_test(inner_packets_that_cannot_go_are_counted),
		cmocka_unit_test(load_generator_finds_the_session_by_source),
		cmocka_unit_test(a_full_gre_socket_drops_and_recovers),
		cmocka_unit_test(control_goes_on_when_the_inner_side_is_gone),
		cmocka_unit_test(commands_go_on_when_the_gre_socket_is_gone),
		cmocka_unit_test(control_frames_are_wiped_from_their_slots),
		cmocka_unit_test(raw_socket_carries_a_call_over_loopback),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
