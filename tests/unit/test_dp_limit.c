/* Limits of sessions in the data plane: what passes, what is dropped and counted, changes under way. */
#include "dp_rig.h"

#define RATE    8000u /* bit/s: an octet each ms */
#define BURST   6000u
#define PACKETS 60u
#define SIZE    1400u

static const struct bucket_limit none, slow = { RATE, BURST };

static struct dp_limited limited(const struct dp_session *s, bool sending)
{
	struct dp_limited send, receive;

	dp_session_limited(s, &send, &receive);
	return sending ? send : receive;
}

/* PACKETS of SIZE from the peer, and how many of them came out. */
static unsigned int peer_sends(struct rig *rig, uint32_t *seq)
{
	struct dp_stats stats;
	uint64_t before;
	unsigned int came = 0;
	uint8_t packet[2048], buf[2048];

	dataplane_stats(rig->dp, &stats);
	before = stats.gre_received;
	for (unsigned int i = 0; i < PACKETS; i++) {
		size_t n = inner_packet(packet, INNER, OUTSIDE, i, SIZE);

		send_ppp(rig, OUR_ID, (*seq)++, 0x0021, packet, n);
	}
	UNTIL(stats.gre_received == before + PACKETS);
	while (recv(rig->inner, buf, sizeof(buf), MSG_DONTWAIT) > 0)
		came++;
	return came;
}

/* The same to the peer. */
static unsigned int network_sends(struct rig *rig)
{
	struct dp_stats stats;
	struct gre_header h;
	uint64_t before;
	unsigned int came = 0;
	uint8_t buf[2048];
	ssize_t n;
	size_t at;

	dataplane_stats(rig->dp, &stats);
	before = stats.inner_read;
	for (unsigned int i = 0; i < PACKETS; i++)
		inner_sends(rig, INNER, i, SIZE);
	UNTIL(stats.inner_read == before + PACKETS);
	while ((n = recv(rig->gre, buf, sizeof(buf), MSG_DONTWAIT)) > 0) {
		assert_int_equal(gre_header_decode(&h, buf, (size_t)n, &at), GRE_OK);
		came += h.payload_len > SIZE;
	}
	return came;
}

/* What the limit allows, since `began`: however slow this machine is. */
static unsigned int allowed(uint64_t began)
{
	return (unsigned int)((BURST + (clock_us() - began) * RATE / 8 / 1000000 + SIZE) / SIZE);
}

static void what_the_peer_sends_is_limited(void **state)
{
	struct rig *rig = rig_new(false, false);
	struct dp_session *s = add_open(rig);
	uint64_t began = clock_us();
	unsigned int came;
	uint32_t seq = 0;

	(void)state;
	assert_int_equal(dp_session_set_limit(rig->dp, s, &none, &slow), 0);
	sync_commands(rig, s);
	came = peer_sends(rig, &seq);
	assert_in_range(came, BURST / SIZE, allowed(began));
	assert_int_equal(limited(s, false).packets, PACKETS - came);
	assert_int_equal(limited(s, false).bytes, (PACKETS - came) * SIZE);
	assert_int_equal(network_sends(rig), PACKETS);
	assert_int_equal(limited(s, true).packets, 0);
	rig_free(rig);
}

static void what_goes_to_the_peer_is_limited_and_control_frames_are_not(void **state)
{
	struct rig *rig = rig_new(false, false);
	struct dp_session *s = add_open(rig);
	uint64_t began = clock_us();
	unsigned int came;
	uint32_t seq = 0;

	(void)state;
	assert_int_equal(dp_session_set_limit(rig->dp, s, &slow, &none), 0);
	sync_commands(rig, s);
	came = network_sends(rig);
	assert_in_range(came, BURST / SIZE, allowed(began));
	assert_int_equal(limited(s, true).packets, PACKETS - came);
	assert_int_equal(limited(s, true).bytes, (PACKETS - came) * SIZE);
	for (int i = 0; i < 100; i++)
		sync_commands(rig, s);
	assert_int_equal(peer_sends(rig, &seq), PACKETS);
	assert_int_equal(limited(s, false).packets, 0);
	rig_free(rig);
}

/* Numbers of the stream are not used up by what is not sent: no peer sees a loss. */
static void what_is_dropped_leaves_no_gap(void **state)
{
	struct rig *rig = rig_new(false, false);
	struct dp_session *s = add_open(rig);
	struct gre_header h;
	uint32_t next;
	uint8_t buf[2048];
	size_t at;

	(void)state;
	assert_int_equal(dp_session_set_limit(rig->dp, s, &slow, &none), 0);
	sync_commands(rig, s);
	(void)network_sends(rig);
	assert_int_equal(dp_session_set_limit(rig->dp, s, &none, &none), 0);
	sync_commands(rig, s);
	inner_sends(rig, INNER, 7, 100);
	(void)next_data(rig, buf, sizeof(buf), &h, &at);
	next = h.seq;
	assert_true(next < PACKETS);
	inner_sends(rig, INNER, 8, 100);
	(void)next_data(rig, buf, sizeof(buf), &h, &at);
	assert_int_equal(h.seq, next + 1);
	rig_free(rig);
}

static void a_limit_changes_and_goes_while_data_flows(void **state)
{
	static const struct bucket_limit wide = { BUCKET_RATE_MAX, PACKETS * SIZE };
	struct rig *rig = rig_new(false, false);
	struct dp_session *s = add_open(rig);
	struct dp_limited before;
	uint32_t seq = 0;

	(void)state;
	/* Never limited: nothing is there to ask. */
	assert_int_equal(dp_session_set_limit(rig->dp, s, &none, &none), 0);
	assert_int_equal(peer_sends(rig, &seq), PACKETS);
	assert_int_equal(dp_session_set_limit(rig->dp, s, &slow, &slow), 0);
	sync_commands(rig, s);
	(void)peer_sends(rig, &seq);
	(void)network_sends(rig);
	assert_int_equal(dp_session_set_limit(rig->dp, s, &none, &none), 0);
	sync_commands(rig, s);
	before = limited(s, false);
	assert_int_equal(peer_sends(rig, &seq), PACKETS);
	assert_int_equal(network_sends(rig), PACKETS);
	/* The counters stay, also of a limit that is no more. */
	assert_int_equal(limited(s, false).packets, before.packets);
	assert_int_equal(dp_session_set_limit(rig->dp, s, &wide, &wide), 0);
	sync_commands(rig, s);
	assert_int_equal(network_sends(rig), PACKETS);
	assert_int_equal(peer_sends(rig, &seq), PACKETS);
	dp_session_remove(rig->dp, s);
	hear(rig, 1);
	assert_int_equal(rig->heard[0].type, DP_EVENT_REMOVED);
	rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_peer_sends_is_limited),
		cmocka_unit_test(what_goes_to_the_peer_is_limited_and_control_frames_are_not),
		cmocka_unit_test(what_is_dropped_leaves_no_gap),
		cmocka_unit_test(a_limit_changes_and_goes_while_data_flows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
