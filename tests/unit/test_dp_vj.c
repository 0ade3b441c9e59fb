/* Compressed TCP/IP headers in the data plane: what comes out of them is checked as any packet. */
#include "dp_rig.h"
#include "lib/ppp/frame.h"
#include "tests/unit/tcp_packet.h"

static const struct vj_params slots = { .slots = VJ_SLOTS_MAX, .limit = 1500 };

static struct dp_session *start(struct rig **rig)
{
	struct dp_session *s;

	*rig = rig_with((struct dp_config){ .check_source = true, .clamp_mss = true });
	s = add_open(*rig);
	assert_int_equal(dp_session_set_vj((*rig)->dp, s, false, &slots), 0);
	assert_int_equal(dp_session_set_vj((*rig)->dp, s, true, &slots), 0);
	dp_session_set_framing((*rig)->dp, s, false, false, 1400);
	sync_commands(*rig, s);
	return s;
}

/* Uncompressed, for this slot. */
static void teach(struct rig *rig, uint32_t seq, const struct tcp_packet *t, uint8_t slot)
{
	uint8_t packet[TCP_PACKET_MAX];
	size_t len = tcp_make(t, packet);

	packet[9] = slot;
	send_ppp(rig, OUR_ID, seq, PPP_VJ_PLAIN, packet, len);
}

static void is_inner(struct rig *rig, const struct tcp_packet *t)
{
	uint8_t packet[TCP_PACKET_MAX], buf[2048];
	size_t len = tcp_make(t, packet);

	assert_int_equal(next_on(rig->inner, buf, sizeof(buf)), len);
	assert_memory_equal(buf, packet, len);
}

static void a_peer_sends_only_from_its_own_addresses(void **state)
{
	struct tcp_packet foreign = { .source = OUTSIDE, .destination = INNER, .data_len = 4 };
	struct tcp_packet own = { .source = INNER, .destination = OUTSIDE, .data_len = 4 };
	struct dp_stats stats;
	struct rig *rig;

	(void)state;
	(void)start(&rig);
	foreign.checksum = own.checksum = 0xcafe;
	teach(rig, 0, &foreign, 0);
	send_ppp(rig, OUR_ID, 1, PPP_VJ, "\x4f\0\xca\xfe\0\1\2\3", 8);
	teach(rig, 2, &own, 1);
	is_inner(rig, &own);
	send_ppp(rig, OUR_ID, 3, PPP_VJ, "\x0f\xca\xfe\0\1\2\3", 7);
	own.seq += 4;
	own.id++;
	is_inner(rig, &own);
	UNTIL(stats.inner_written == 2);
	assert_int_equal(stats.inner_source, 2);
	assert_int_equal(stats.inner_not_ip, 0);
	rig_free(rig);
}

/* It would not come so from a compressor; but it may come. */
static void the_mss_of_what_was_compressed_is_clamped(void **state)
{
	struct tcp_packet syn = { .source = INNER,
		.destination = OUTSIDE,
		.flags = 2,
		.options = { 2, 4, 0x05, 0xb4 },
		.options_len = 4 };
	struct rig *rig;

	(void)state;
	(void)start(&rig);
	teach(rig, 0, &syn, 0);
	syn.options[3] = (uint8_t)(1360 & 0xff);
	syn.options[2] = 1360 >> 8;
	is_inner(rig, &syn);
	rig_free(rig);
}

static void what_goes_out_is_compressed(void **state)
{
	struct tcp_packet t = { .source = OUTSIDE, .destination = INNER, .data_len = 1300 };
	uint8_t packet[TCP_PACKET_MAX], buf[2048];
	struct tunnel_stats session;
	struct dp_stats stats;
	struct dp_session *s;
	struct gre_header h;
	struct rig *rig;
	size_t at, len;

	(void)state;
	s = start(&rig);
	len = tcp_make(&t, packet);
	assert_int_equal(send(rig->inner, packet, len, 0), len);
	(void)next_data(rig, buf, sizeof(buf), &h, &at);
	assert_memory_equal(buf + at, "\xff\x03\x00\x2f", 4);
	assert_int_equal(h.payload_len, 4 + 1340);
	t.seq += 1300;
	t.id++;
	len = tcp_make(&t, packet);
	assert_int_equal(send(rig->inner, packet, len, 0), len);
	(void)next_data(rig, buf, sizeof(buf), &h, &at);
	assert_memory_equal(buf + at, "\xff\x03\x00\x2d\x4f\x00", 6);
	assert_int_equal(h.payload_len, 4 + 4 + 1300);
	assert_memory_equal(buf + at + 6, packet + 36, 2);
	assert_memory_equal(buf + at + 8, packet + 40, 1300);
	UNTIL((dp_session_stats(s, &session), session.tx_vj == 1));
	assert_int_equal(session.tx_bytes, 2 * 1340);
	assert_true(session.history >= 2 * vj_size());
	/* Off again. */
	assert_int_equal(dp_session_set_vj(rig->dp, s, true, NULL), 0);
	sync_commands(rig, s);
	assert_int_equal(send(rig->inner, packet, len, 0), len);
	(void)next_data(rig, buf, sizeof(buf), &h, &at);
	assert_memory_equal(buf + at, "\xff\x03\x00\x21", 4);
	rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_peer_sends_only_from_its_own_addresses),
		cmocka_unit_test(the_mss_of_what_was_compressed_is_clamped),
		cmocka_unit_test(what_goes_out_is_compressed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
