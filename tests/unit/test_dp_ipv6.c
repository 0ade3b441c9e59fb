/*
 * IPv6 in the data plane: whose a packet is, what never passes, what does not fit (RFC 8200, RFC 4443,
 * RFC 4861).
 */
#include "packets.h"

#include "dataplane/ipv6.h"
#include "dataplane/table.h"
#include "dp_rig.h"

#define PREFIX    0x20010db8u
#define PPP_DATA6 0x0057

/* 2001:db8:NET::HOST; of `net` ff02 and fe80 those addresses. */
static void put_address(uint8_t *out, uint16_t net, uint8_t host)
{
	memset(out, 0, 16);
	put16(out, net == 0xfe80 || net == 0xff02 ? net : PREFIX >> 16);
	if (net != 0xfe80 && net != 0xff02) {
		put16(out + 2, PREFIX & 0xffff);
		put16(out + 4, net);
	}
	out[15] = host;
}

struct from_to {
	uint16_t from_net, to_net;
	uint8_t from, to;
};

/* `len` octets in all, `next` is the first header behind IPv6's. */
static size_t put_ipv6(uint8_t *packet, struct from_to a, uint8_t next, uint8_t limit,
	const void *data, size_t len)
{
	memset(packet, 0, len > 40 ? len : 40);
	packet[0] = 0x60;
	put16(packet + 4, (unsigned int)(len - 40));
	packet[6] = next;
	packet[7] = limit;
	put_address(packet + 8, a.from_net, a.from);
	put_address(packet + 24, a.to_net, a.to);
	if (data)
		memcpy(packet + 40, data, len - 40 < 16 ? len - 40 : 16);
	return len;
}

static void mark_as(uint8_t *packet, uint8_t mark)
{
	packet[44] = mark;
}

static struct dp_session *add_open6(struct rig *rig)
{
	struct dp_session *s = add_open(rig);
	uint8_t prefix[16];

	put_address(prefix, 1, 0);
	assert_int_equal(dp_session_add_route6(rig->dp, s, prefix, 64), 0);
	put_address(prefix, 0xfe80, 9);
	assert_int_equal(dp_session_add_route6(rig->dp, s, prefix, 128), 0);
	dp_session_open6(rig->dp, s, true);
	return s;
}

/* From the peer; what comes out at the inner side next has `mark`. */
static void peer_sends(struct rig *rig, uint32_t seq, struct from_to a, uint8_t mark)
{
	uint8_t packet[60];

	put_ipv6(packet, a, 17, 64, NULL, sizeof(packet));
	mark_as(packet, mark);
	send_ppp(rig, OUR_ID, seq, PPP_DATA6, packet, sizeof(packet));
}

static void expect_mark(struct rig *rig, uint8_t mark)
{
	uint8_t buf[2048];

	assert_int_equal(next_on(rig->inner, buf, sizeof(buf)), 60);
	assert_int_equal(buf[44], mark);
}

static void only_a_session_s_own_sources_pass(void **state)
{
	struct rig *rig = rig_new(true, false);
	struct dp_session *s = add_open6(rig);
	struct dp_stats stats;

	(void)state;
	sync_commands(rig, s);
	peer_sends(rig, 0, (struct from_to){ 2, 7, 9, 1 }, 1);      /* another prefix */
	peer_sends(rig, 1, (struct from_to){ 0xfe80, 7, 8, 1 }, 2); /* not its identifier */
	peer_sends(rig, 2, (struct from_to){ 0xff02, 7, 1, 1 }, 3);
	peer_sends(rig, 3, (struct from_to){ 1, 0xff02, 9, 1 }, 4); /* multicast */
	peer_sends(rig, 4, (struct from_to){ 1, 7, 9, 1 }, 5);
	expect_mark(rig, 5);
	peer_sends(rig, 5, (struct from_to){ 0xfe80, 0xfe80, 9, 1 }, 6);
	expect_mark(rig, 6);
	UNTIL(stats.inner_written == 2);
	assert_int_equal(stats.inner_source, 3);
	assert_int_equal(stats.inner_link_local, 1);
	rig_free(rig);
}

static void link_local_packets_do_not_reach_another_session(void **state)
{
	struct rig *rig = rig_new(true, false);
	struct dp_session *s = add_open6(rig), *other;
	struct dp_session_config config = { .peer = in(PEER + 1),
		.local = in(LOCAL),
		.tunnel = { .call_id = 7, .peer_call_id = 8, .window = 64, .peer_window = 64 } };
	struct dp_stats stats;
	uint8_t address[16];

	(void)state;
	other = dp_session_add(rig->dp, &config);
	assert_non_null(other);
	put_address(address, 0xfe80, 5);
	assert_int_equal(dp_session_add_route6(rig->dp, other, address, 128), 0);
	put_address(address, 2, 0);
	assert_int_equal(dp_session_add_route6(rig->dp, other, address, 64), 0);
	assert_ptr_equal(dp_route6_holder(rig->dp, address, 64), other);
	assert_int_equal(dp_session_add_route6(rig->dp, s, address, 64), -EEXIST);
	assert_int_equal(dp_session_add_route6(rig->dp, s, address, 129), -EINVAL);
	sync_commands(rig, s);
	peer_sends(rig, 0, (struct from_to){ 0xfe80, 0xfe80, 9, 5 }, 1);
	peer_sends(rig, 1, (struct from_to){ 0xfe80, 2, 9, 5 }, 2);
	peer_sends(rig, 2, (struct from_to){ 1, 2, 9, 5 }, 3);
	expect_mark(rig, 3);
	UNTIL(stats.inner_written == 1);
	assert_int_equal(stats.inner_link_local, 2);
	rig_free(rig);
}

/* RFC 4861: for the control thread or for nobody; never for the kernel behind the device. */
static void discovery_does_not_pass(void **state)
{
	static const uint8_t solicitation[16] = { 133 }, redirect[16] = { 137 },
			     /* Destination options, then an advertisement behind them. */
		hidden[16] = { 58, 0, 1, 4, 0, 0, 0, 0, 134 },
			     /* A chain that is cut short. */
		cut[16] = { 60, 9 };
	struct rig *rig = rig_new(false, false);
	struct dp_session *s = add_open6(rig);
	struct from_to a = { 0xfe80, 0xfe80, 9, 1 };
	struct dp_stats stats;
	uint8_t packet[60];

	(void)state;
	sync_commands(rig, s);
	put_ipv6(packet, a, 58, 255, redirect, sizeof(packet));
	send_ppp(rig, OUR_ID, 0, PPP_DATA6, packet, sizeof(packet));
	put_ipv6(packet, a, 60, 255, cut, 56);
	send_ppp(rig, OUR_ID, 1, PPP_DATA6, packet, 56);
	put_ipv6(packet, a, 58, 255, solicitation, sizeof(packet));
	send_ppp(rig, OUR_ID, 2, PPP_DATA6, packet, sizeof(packet));
	put_ipv6(packet, a, 60, 255, hidden, sizeof(packet));
	send_ppp(rig, OUR_ID, 3, PPP_DATA6, packet, sizeof(packet));
	hear(rig, 2);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(rig->heard[i].type, DP_EVENT_CONTROL);
		assert_int_equal(rig->heard[i].protocol, PPP_DATA6);
		assert_int_equal(rig->heard[i].len, 60);
	}
	peer_sends(rig, 4, (struct from_to){ 1, 7, 9, 1 }, 5);
	expect_mark(rig, 5);
	UNTIL(stats.inner_written == 1);
	assert_int_equal(stats.inner_link_local, 2);
	/* Our kernel's own: reports and solicitations of a device that has many links. */
	put_ipv6(packet, (struct from_to){ 0xfe80, 0xff02, 1, 2 }, 58, 255, solicitation, 60);
	assert_int_equal(send(rig->inner, packet, 60, 0), 60);
	UNTIL(stats.inner_link_local == 3);
	rig_free(rig);
}

static void each_protocol_has_its_own_gate(void **state)
{
	struct rig *rig = rig_new(false, false);
	struct dp_session *s = add_open6(rig);
	struct gre_header h;
	struct dp_stats stats;
	uint8_t packet[60], buf[2048];
	size_t at, n;

	(void)state;
	dp_session_open6(rig->dp, s, false);
	sync_commands(rig, s);
	peer_sends(rig, 0, (struct from_to){ 1, 7, 9, 1 }, 1);
	put_ipv6(packet, (struct from_to){ 7, 1, 1, 9 }, 17, 64, NULL, 60);
	assert_int_equal(send(rig->inner, packet, 60, 0), 60);
	send_data(rig, 1, 2);
	expect_inner(rig, 2);
	UNTIL(stats.inner_closed == 2);
	dp_session_open(rig->dp, s, false);
	dp_session_open6(rig->dp, s, true);
	sync_commands(rig, s);
	send_data(rig, 2, 3);
	peer_sends(rig, 3, (struct from_to){ 1, 7, 9, 1 }, 4);
	expect_mark(rig, 4);
	UNTIL(stats.inner_closed == 3);
	assert_int_equal(send(rig->inner, packet, 60, 0), 60);
	n = next_data(rig, buf, sizeof(buf), &h, &at);
	assert_int_equal(n, at + 4 + 60);
	assert_memory_equal(buf + at, "\xff\x03\x00\x57", 4);
	assert_memory_equal(buf + at + 4, packet, 60);
	rig_free(rig);
}

static void ours_is_sent_as_data(void **state)
{
	struct rig *rig = rig_new(false, false);
	struct dp_session *s = add_open6(rig);
	struct gre_header h;
	uint8_t packet[60], buf[2048];
	size_t at, n;

	(void)state;
	put_ipv6(packet, (struct from_to){ 0xfe80, 0xff02, 1, 1 }, 58, 255, NULL, 60);
	sync_commands(rig, s);
	assert_int_equal(dp_session_send(rig->dp, s, PPP_DATA6, packet, 60), 0);
	n = next_data(rig, buf, sizeof(buf), &h, &at);
	assert_memory_equal(buf + n - 60, packet, 60);
	rig_free(rig);
}

/* RFC 4443 3.2; of its checksum only that it is right. */
static void what_does_not_fit_is_answered(void **state)
{
	struct rig *rig = rig_with((struct dp_config){ .report_too_big = true, .clamp_mss = true });
	struct dp_session *s = add_open6(rig);
	uint8_t packet[1400], buf[2048], pseudo[8] = { [7] = 58 };
	struct sum sum = { 0 };
	struct dp_stats stats;

	(void)state;
	dp_session_set_framing(rig->dp, s, false, false, 1300);
	sync_commands(rig, s);
	put_ipv6(packet, (struct from_to){ 7, 1, 1, 9 }, 17, 64, NULL, sizeof(packet));
	assert_int_equal(send(rig->inner, packet, sizeof(packet), 0), sizeof(packet));
	assert_int_equal(next_on(rig->inner, buf, sizeof(buf)), 1280);
	assert_memory_equal(buf + 8, packet + 24, 16);
	assert_memory_equal(buf + 24, packet + 8, 16);
	assert_int_equal(buf[6], 58);
	assert_memory_equal(buf + 40, "\x02\x00", 2);
	assert_int_equal(get16(buf + 46), 1300);
	assert_memory_equal(buf + 48, packet, 1280 - 48);
	put16(pseudo + 2, 1240);
	sum_add(&sum, buf + 8, 32);
	sum_add(&sum, pseudo, 8);
	sum_add(&sum, buf + 40, 1240);
	assert_int_equal(sum_end(&sum), 0);
	/* Below IPv6's least MTU: never said to be less. */
	dp_session_set_framing(rig->dp, s, false, false, 1000);
	sync_commands(rig, s);
	assert_int_equal(send(rig->inner, packet, sizeof(packet), 0), sizeof(packet));
	assert_int_equal(next_on(rig->inner, buf, sizeof(buf)), 1280);
	assert_int_equal(get16(buf + 46), 1280);
	put_ipv6(packet, (struct from_to){ 7, 1, 1, 9 }, 17, 64, NULL, 1280);
	assert_int_equal(send(rig->inner, packet, 1280, 0), 1280);
	UNTIL(stats.inner_too_big == 3);
	assert_int_equal(stats.icmp_sent, 2);
	rig_free(rig);
}

/* RFC 4443 2.4 e. */
static void for_some_there_is_no_error(void **state)
{
	static const uint8_t unreachable[16] = { 1 }, redirect[16] = { 137 }, echo[16] = { 128 };
	static const struct {
		struct from_to a;
		uint8_t next;
		const uint8_t *data;
		bool answered;
	} cases[] = {
		{ { 7, 1, 1, 9 }, 17, NULL, true },
		{ { 7, 1, 1, 9 }, 58, echo, true },
		{ { 7, 1, 1, 9 }, 58, unreachable, false },
		{ { 7, 1, 1, 9 }, 58, redirect, false },
		{ { 0xff02, 1, 1, 9 }, 17, NULL, false },
		{ { 7, 0xff02, 1, 9 }, 17, NULL, false },
	};
	uint8_t packet[1400], out[IPV6_MTU_MIN];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t len = put_ipv6(
			packet, cases[i].a, cases[i].next, 64, cases[i].data, sizeof(packet));

		assert_int_equal(
			ipv6_too_big(packet, len, 1300, out, sizeof(out)) > 0, cases[i].answered);
		assert_int_equal(
			ipv6_too_big(packet, len, 1300, out, 100), cases[i].answered ? 100 : 0);
		assert_int_equal(ipv6_too_big(packet, len, 1300, out, 95), 0);
	}
	put_ipv6(packet, (struct from_to){ 7, 1, 1, 9 }, 17, 64, NULL, sizeof(packet));
	memset(packet + 8, 0, 16); /* from :: */
	assert_int_equal(ipv6_too_big(packet, sizeof(packet), 1300, out, sizeof(out)), 0);
}

static void the_longest_prefix_wins(void **state)
{
	static const unsigned int lens[] = { 0, 1, 32, 48, 63, 64, 65, 127, 128 };
	struct table_node nodes[sizeof(lens) / sizeof(lens[0])];
	uint8_t address[16];
	struct table t;
	size_t n = sizeof(lens) / sizeof(lens[0]);

	(void)state;
	memset(nodes, 0, sizeof(nodes));
	put_address(address, 3, 0x80);
	address[9] = 0x77;
	assert_int_equal(table_init(&t, 42), 0);
	assert_null(table_lookup6(&t, address));
	for (size_t i = 0; i < n; i++) {
		nodes[i].session = (struct dp_session *)(i + 1);
		assert_int_equal(table_add_route6(&t, &nodes[i], address, lens[i]), 0);
		assert_int_equal(table_add_route6(&t, &nodes[i], address, lens[i]), -EEXIST);
	}
	for (size_t i = n; i-- > 0;) {
		uint8_t near[16];

		assert_ptr_equal(table_lookup6(&t, address), nodes[i].session);
		assert_ptr_equal(table_find_route6(&t, address, lens[i]), nodes[i].session);
		memcpy(near, address, 16);
		if (lens[i])
			near[(lens[i] - 1) / 8] ^= (uint8_t)(0x80u >> (lens[i] - 1) % 8);
		if (lens[i])
			assert_ptr_not_equal(table_lookup6(&t, near), nodes[i].session);
		table_remove_route6(&t, &nodes[i]);
	}
	assert_null(table_lookup6(&t, address));
	table_done(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_a_session_s_own_sources_pass),
		cmocka_unit_test(link_local_packets_do_not_reach_another_session),
		cmocka_unit_test(discovery_does_not_pass),
		cmocka_unit_test(each_protocol_has_its_own_gate),
		cmocka_unit_test(ours_is_sent_as_data),
		cmocka_unit_test(what_does_not_fit_is_answered),
		cmocka_unit_test(for_some_there_is_no_error),
		cmocka_unit_test(the_longest_prefix_wins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
