/*
 * lib/compress/vj against RFC 1144: each bit of the change mask with octets worked out by hand, what
 * goes as it is, slots, tossing.
 */
#include "tests/unit/vj_pair.h"

static void unidirectional_data_is_told_by_one_octet(void **state)
{
	struct tcp_packet t = second();

	(void)state;
	t.seq += DATA;
	passes(&t, PPP_VJ);
	IS_WIRE(DATA, 0x4f, 0, 0xca, 0xfe);
	t.seq += DATA;
	t.id++;
	t.flags = PSH;
	passes(&t, PPP_VJ);
	IS_WIRE(DATA, 0x5f, 0, 0xca, 0xfe);
	stop();
}

static void echoed_data_is_told_by_one_octet(void **state)
{
	struct tcp_packet t = second();

	(void)state;
	t.seq += DATA;
	t.ack += DATA;
	passes(&t, PPP_VJ);
	IS_WIRE(DATA, 0x4b, 0, 0xca, 0xfe);
	stop();
}

static void each_change_has_its_bit(void **state)
{
	struct tcp_packet t = second();

	(void)state;
	t.seq += 5;
	passes(&t, PPP_VJ);
	IS_WIRE(DATA, 0x48, 0, 0xca, 0xfe, 5);
	t.id++;
	t.ack += 255;
	passes(&t, PPP_VJ);
	IS_WIRE(DATA, 0x44, 0, 0xca, 0xfe, 255);
	t.id++;
	t.ack += 256;
	passes(&t, PPP_VJ);
	IS_WIRE(DATA, 0x44, 0, 0xca, 0xfe, 0, 1, 0);
	t.id++;
	t.window--;
	passes(&t, PPP_VJ);
	IS_WIRE(DATA, 0x42, 0, 0xca, 0xfe, 0, 0xff, 0xff);
	t.id++;
	t.flags = URG;
	passes(&t, PPP_VJ);
	IS_WIRE(DATA, 0x41, 0, 0xca, 0xfe, 0, 0, 0);
	t.id++;
	t.urgent = 7;
	passes(&t, PPP_VJ);
	IS_WIRE(DATA, 0x41, 0, 0xca, 0xfe, 7);
	t.flags = 0; /* the pointer stands */
	t.ack++;
	t.id = (uint16_t)(t.id + 5);
	passes(&t, PPP_VJ);
	IS_WIRE(DATA, 0x64, 0, 0xca, 0xfe, 1, 5);
	t.ack++; /* a number that does not change, as of packets that are never fragmented */
	passes(&t, PPP_VJ);
	IS_WIRE(DATA, 0x64, 0, 0xca, 0xfe, 1, 0, 0, 0);
	stop();
}

static void changes_stand_in_the_order_u_w_a_s_i(void **state)
{
	struct tcp_packet t = second();

	(void)state;
	t.flags = URG | PSH;
	t.urgent = 0x1234;
	t.window += 2;
	t.ack += 3;
	t.id = ID;
	passes(&t, PPP_VJ);
	IS_WIRE(DATA, 0x77, 0, 0xca, 0xfe, 0, 0x12, 0x34, 2, 3, 0, 0, 0);
	t.flags = 0x10;
	t.window += 0x100;
	t.ack += 0xffff;
	t.seq += 0xffff;
	t.id = (uint16_t)(t.id - 1);
	passes(&t, PPP_VJ);
	IS_WIRE(DATA, 0x6e, 0, 0xca, 0xfe, 0, 1, 0, 0, 0xff, 0xff, 0, 0xff, 0xff, 0, 0xff, 0xff);
	stop();
}

static void numbers_wrap(void **state)
{
	struct tcp_packet t = first();

	(void)state;
	start_with(VJ_SLOTS_MAX);
	t.seq = t.ack = 0xffffffff - 4;
	t.id = t.window = 0xffff;
	passes(&t, PPP_VJ_PLAIN);
	t.seq += DATA;
	t.ack += 300;
	t.id = 0;
	t.window = 2;
	passes(&t, PPP_VJ);
	IS_WIRE(DATA, 0x4e, 0, 0xbe, 0xef, 3, 0, 1, 0x2c, DATA);
	stop();
}

/* S, W and U changed: their bits mean something else. */
static void what_would_look_like_a_special_case_goes_uncompressed(void **state)
{
	struct tcp_packet t = second();

	(void)state;
	t.flags = URG;
	t.seq += DATA;
	t.window++;
	passes(&t, PPP_VJ_PLAIN);
	t.seq += DATA;
	t.window++;
	t.ack++;
	passes(&t, PPP_VJ_PLAIN);
	/* RFC 1144's decompressor would keep URG in a special case. */
	t.flags = 0;
	t.id++;
	t.seq += DATA;
	passes(&t, PPP_VJ);
	IS_WIRE(DATA, 0x48, 0, 0xca, 0xfe, DATA);
	stop();
}

static void what_goes_back_or_far_or_is_sent_again_goes_uncompressed(void **state)
{
	struct tcp_packet t = second();

	(void)state;
	passes(&t, PPP_VJ_PLAIN); /* again */
	t.seq--;
	passes(&t, PPP_VJ_PLAIN);
	t.seq += 0x10000;
	passes(&t, PPP_VJ_PLAIN);
	t.ack--;
	passes(&t, PPP_VJ_PLAIN);
	t.ack += 0x10000;
	passes(&t, PPP_VJ_PLAIN);
	t.urgent = 1; /* without URG */
	passes(&t, PPP_VJ_PLAIN);
	t.data_len = 0;
	t.seq += DATA;
	passes(&t, PPP_VJ);
	t.id++;
	passes(&t, PPP_VJ_PLAIN); /* a duplicate acknowledgement */
	t.id++;
	t.data_len = DATA; /* data behind an acknowledgement: nothing has changed, but is new */
	passes(&t, PPP_VJ);
	IS_WIRE(DATA, 0x40, 0, 0xca, 0xfe);
	stop();
}

static void what_must_not_change_goes_uncompressed(void **state)
{
	struct tcp_packet t = second();

	(void)state;
	t.tos = 4;
	t.seq += DATA;
	passes(&t, PPP_VJ_PLAIN);
	t.ttl = 63;
	t.seq += DATA;
	passes(&t, PPP_VJ_PLAIN);
	t.fragment = 0x4000;
	t.seq += DATA;
	passes(&t, PPP_VJ_PLAIN);
	t.flags = 0x50; /* ECE */
	t.seq += DATA;
	passes(&t, PPP_VJ_PLAIN);
	t.options_len = 12;
	memset(t.options, 1, 12);
	t.seq += DATA;
	passes(&t, PPP_VJ_PLAIN);
	t.options[11] = 0;
	t.seq += DATA;
	passes(&t, PPP_VJ_PLAIN);
	t.seq += DATA; /* nothing of that */
	t.id++;
	passes(&t, PPP_VJ);
	IS_WIRE(DATA, 0x4f, 0, 0xca, 0xfe);
	stop();
}

static void what_is_no_usual_tcp_goes_as_it_is(void **state)
{
	static const uint8_t flags[] = { 0x02, 0x12, 0x11, 0x14, 0x04, 0x08 };
	uint8_t packet[TCP_PACKET_MAX];
	struct tcp_packet t = second();
	size_t len;

	(void)state;
	for (size_t i = 0; i < sizeof(flags); i++) {
		t.flags = flags[i];
		passes(&t, PPP_IP);
	}
	t.flags = 0;
	t.fragment = 0x2000;
	passes(&t, PPP_IP);
	t.fragment = 1;
	passes(&t, PPP_IP);
	t.fragment = 0;
	t.ip_options = 4;
	passes(&t, PPP_IP);
	t.ip_options = 0;
	len = tcp_make(&t, packet);
	packet[len] = 0; /* padding behind the packet */
	send(packet, len + 1);
	assert_int_equal(wire_protocol, PPP_IP);
	packet[9] = 17;
	send(packet, len);
	assert_int_equal(wire_protocol, PPP_IP);
	packet[9] = 6;
	packet[10]++; /* the checksum is wrong; at the other end it would be right */
	send(packet, len);
	assert_int_equal(wire_protocol, PPP_IP);
	for (size_t n = 0; n < 40; n++) {
		(void)tcp_make(&t, packet);
		packet[2] = 0;
		packet[3] = (uint8_t)n;
		packet[10] = packet[11] = 0;
		send(packet, n);
		assert_int_equal(wire_protocol, PPP_IP);
	}
	stop();
}

/* What comes as it is leaves the slots alone. */
static void a_syn_between_changes_nothing(void **state)
{
	struct tcp_packet t = second(), syn = t;

	(void)state;
	syn.flags = 2;
	syn.seq = 77;
	passes(&syn, PPP_IP);
	t.seq += DATA;
	passes(&t, PPP_VJ);
	IS_WIRE(DATA, 0x4f, 0, 0xca, 0xfe);
	stop();
}

static void the_least_recently_used_slot_is_taken(void **state)
{
	struct tcp_packet t[4];

	(void)state;
	start_with(3);
	for (unsigned int i = 0; i < 4; i++) {
		t[i] = first();
		t[i].sport = (uint16_t)(2000 + i);
	}
	for (unsigned int i = 0; i < 3; i++) {
		passes(&t[i], PPP_VJ_PLAIN);
		assert_int_equal(wire[9], i);
	}
	t[0].seq += DATA;
	t[0].id++;
	passes(&t[0], PPP_VJ);
	assert_int_equal(wire[1], 0);
	passes(&t[3], PPP_VJ_PLAIN); /* the second's, as the first was used meanwhile */
	assert_int_equal(wire[9], 1);
	t[2].seq += DATA;
	t[2].id++;
	passes(&t[2], PPP_VJ);
	assert_int_equal(wire[1], 2);
	passes(&t[1], PPP_VJ_PLAIN);
	assert_int_equal(wire[9], 0);
	stop();
}

static void without_its_slot_a_packet_is_tossed_after_a_loss(void **state)
{
	uint8_t back[TCP_PACKET_MAX];
	struct tcp_packet t = second();

	(void)state;
	t.id--;
	assert_true(implicit(&t, back) > 0);
	vj_lost(rx);
	assert_int_equal(implicit(&t, back), -EAGAIN);
	assert_int_equal(implicit(&t, back), -EAGAIN);
	/* One that names it: wrong by what was tossed, which TCP's checksum tells. */
	t.seq += DATA;
	t.id++;
	t.checksum = 0;
	send(back, tcp_make(&t, back));
	assert_true(receive(back) > 0);
	assert_int_not_equal(tcp_sum(back, 40 + DATA), 0);
	/* What is sent again comes uncompressed, and then all is well. */
	t.seq -= 2 * DATA;
	passes(&t, PPP_VJ_PLAIN);
	assert_true(implicit(&t, back) > 0);
	stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unidirectional_data_is_told_by_one_octet),
		cmocka_unit_test(echoed_data_is_told_by_one_octet),
		cmocka_unit_test(each_change_has_its_bit),
		cmocka_unit_test(changes_stand_in_the_order_u_w_a_s_i),
		cmocka_unit_test(numbers_wrap),
		cmocka_unit_test(what_would_look_like_a_special_case_goes_uncompressed),
		cmocka_unit_test(what_goes_back_or_far_or_is_sent_again_goes_uncompressed),
		cmocka_unit_test(what_must_not_change_goes_uncompressed),
		cmocka_unit_test(what_is_no_usual_tcp_goes_as_it_is),
		cmocka_unit_test(a_syn_between_changes_nothing),
		cmocka_unit_test(the_least_recently_used_slot_is_taken),
		cmocka_unit_test(without_its_slot_a_packet_is_tossed_after_a_loss),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
