/*
 * lib/compress/vj against RFC 1144: each bit of the change mask with octets worked out by hand, what
 * goes as it is, slots, tossing, hostile input; and random connections over a path that loses.
 */
#include "lib/compress/vj.h"
#include "lib/ppp/frame.h"
#include "tests/unit/tcp_packet.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define PSH  0x18 /* with ACK */
#define URG  0x30
#define SEQ  1000
#define ACK  5000
#define WIN  0x2000
#define ID   0x1000
#define DATA 10

static struct vj *tx, *rx;
static uint8_t wire[TCP_PACKET_MAX]; /* what went out last: */
static uint16_t wire_protocol;
static size_t wire_len;

static void start_with(uint8_t slots)
{
	const struct vj_params params = { .slots = slots };

	tx = vj_new(&params);
	rx = vj_new(&params);
	assert_non_null(tx);
	assert_non_null(rx);
}

static void stop(void)
{
	vj_free(tx);
	vj_free(rx);
}

static void send(const uint8_t *packet, size_t len)
{
	size_t skip = 0;

	memcpy(wire, packet, len);
	wire_protocol = vj_compress(tx, wire, len, &skip);
	wire_len = len - skip;
	memmove(wire, wire + skip, wire_len);
	assert_true(wire_protocol == PPP_VJ || !skip);
	if (wire_protocol == PPP_IP)
		assert_memory_equal(wire, packet, len);
}

/* What came of the last that went out; its length, or an error. */
static int receive(uint8_t out[TCP_PACKET_MAX])
{
	const uint8_t *header;
	size_t used = 0;
	int n;

	if (wire_protocol != PPP_VJ) {
		memcpy(out, wire, wire_len);
		n = wire_protocol == PPP_VJ_PLAIN ? vj_learn(rx, out, wire_len) : 0;
		return n < 0 ? n : (int)wire_len;
	}
	n = vj_expand(rx, wire, wire_len, &header, &used);
	if (n < 0)
		return n;
	assert_true(n >= 40 && n <= VJ_HEADER_MAX && used <= wire_len && used >= 3);
	memcpy(out, header, (size_t)n);
	memcpy(out + n, wire + used, wire_len - used);
	return n + (int)(wire_len - used);
}

/* It goes with this protocol and comes out as it was. */
static void passes(const struct tcp_packet *t, uint16_t protocol)
{
	uint8_t packet[TCP_PACKET_MAX], back[TCP_PACKET_MAX];
	size_t len = tcp_make(t, packet);

	send(packet, len);
	assert_int_equal(wire_protocol, protocol);
	assert_int_equal(receive(back), len);
	assert_memory_equal(back, packet, len);
}

/* The compressed header, without the data. */
static void is_wire(const uint8_t *want, size_t len, size_t data)
{
	assert_int_equal(wire_len, len + data);
	assert_memory_equal(wire, want, len);
}

#define IS_WIRE(data, ...)                                                                         \
	do {                                                                                       \
		const uint8_t want[] = { __VA_ARGS__ };                                            \
		is_wire(want, sizeof(want), data);                                                 \
	} while (0)

/* The packet before, with ten octets of data. Its checksum is not looked at, nor are the others'. */
static struct tcp_packet first(void)
{
	return (struct tcp_packet){ .seq = SEQ,
		.ack = ACK,
		.window = WIN,
		.id = ID,
		.checksum = 0xbeef,
		.data_len = DATA };
}

/* As it, one further in the numbers of IP. */
static struct tcp_packet second(void)
{
	struct tcp_packet t = first();

	start_with(VJ_SLOTS_MAX);
	passes(&t, PPP_VJ_PLAIN);
	assert_int_equal(wire[9], 0);
	t.id++;
	t.checksum = 0xcafe;
	return t;
}

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

/* The mask without C, the slot left out: as peers do that may. */
static void leave_out_slot(void)
{
	wire[1] = wire[0] & 0xbf;
	wire_len--;
	memmove(wire, wire + 1, wire_len);
}

/* Compressed, without its slot. */
static int implicit(struct tcp_packet *t, uint8_t back[TCP_PACKET_MAX])
{
	uint8_t packet[TCP_PACKET_MAX];
	size_t len;
	int n;

	t->seq += DATA;
	t->id++;
	len = tcp_make(t, packet);
	send(packet, len);
	assert_int_equal(wire_protocol, PPP_VJ);
	leave_out_slot();
	n = receive(back);
	if (n > 0) {
		assert_int_equal(n, len);
		assert_memory_equal(back, packet, len);
	}
	return n;
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

static void nothing_is_known_at_first(void **state)
{
	const uint8_t implied[] = { 0x0f, 1, 2 }, named[] = { 0x4f, 0, 1, 2 };
	const uint8_t *header;
	size_t used;

	(void)state;
	start_with(VJ_SLOTS_MAX);
	assert_int_equal(vj_expand(rx, implied, sizeof(implied), &header, &used), -EAGAIN);
	assert_int_equal(vj_expand(rx, named, sizeof(named), &header, &used), -EBADMSG);
	stop();
}

static int expand(const uint8_t *data, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);
	const uint8_t *header;
	size_t used;
	int n;

	assert_non_null(copy);
	memcpy(copy, data, len);
	n = vj_expand(rx, copy, len, &header, &used);
	free(copy);
	return n;
}

static void what_is_cut_is_refused_and_changes_nothing(void **state)
{
	static const uint8_t full[] = { 0x67, 0, 0xca, 0xfe, 0, 0, 7, 0, 1, 0, 0, 2, 0, 0, 3, 0 };
	uint8_t back[TCP_PACKET_MAX];
	struct tcp_packet t = second();

	(void)state;
	for (size_t n = 0; n < sizeof(full); n++) {
		assert_int_equal(expand(full, n), -EBADMSG);
		assert_int_equal(expand((const uint8_t[]){ 0x0f, 1, 2 }, 3), -EAGAIN);
	}
	t.seq += DATA;
	passes(&t, PPP_VJ);
	t.id--;
	t.id++;
	assert_true(implicit(&t, back) > 0);
	stop();
}

static void a_slot_that_is_not_there_is_refused(void **state)
{
	uint8_t packet[TCP_PACKET_MAX];
	struct tcp_packet t = first();
	size_t len;

	(void)state;
	start_with(3);
	passes(&t, PPP_VJ_PLAIN);
	len = tcp_make(&t, packet);
	for (unsigned int slot = 3; slot < 256; slot++) {
		packet[9] = (uint8_t)slot;
		assert_int_equal(vj_learn(rx, packet, len), -EBADMSG);
		assert_int_equal(
			expand((const uint8_t[]){ 0x4f, (uint8_t)slot, 1, 2 }, 4), -EBADMSG);
	}
	assert_int_equal(expand((const uint8_t[]){ 0x4f, 1, 1, 2 }, 4), -EBADMSG); /* empty */
	assert_int_equal(expand((const uint8_t[]){ 0x4f, 0, 1, 2 }, 4), 40);
	assert_int_equal(expand((const uint8_t[]){ 0x4f, 2, 1, 2 }, 4), -EBADMSG);
	stop();
}

static void headers_that_are_none_are_not_learnt(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
	} bad[] = { { 0, 0x55 }, { 0, 0x44 }, { 0, 0x4f }, { 2, 1 }, { 3, 39 }, { 6, 0x20 },
		{ 7, 1 }, { 8, 1 }, { 32, 0x40 }, { 32, 0xf0 } };
	uint8_t packet[TCP_PACKET_MAX];
	struct tcp_packet t = first();
	size_t len = tcp_make(&t, packet);

	(void)state;
	start_with(3);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		(void)tcp_make(&t, packet);
		packet[9] = 0;
		packet[bad[i].at] = bad[i].value;
		assert_int_equal(vj_learn(rx, packet, len), -EBADMSG);
	}
	for (size_t n = 0; n < 40; n++) {
		(void)tcp_make(&t, packet);
		packet[9] = 0;
		assert_int_equal(vj_learn(rx, packet, n), -EBADMSG);
	}
	assert_int_equal(expand((const uint8_t[]){ 0x4f, 0, 1, 2 }, 4), -EBADMSG);
	stop();
}

/* As other compressors send them. */
static void headers_with_all_options_are_learnt(void **state)
{
	uint8_t packet[TCP_PACKET_MAX], back[TCP_PACKET_MAX];
	struct tcp_packet t = first();
	size_t len;

	(void)state;
	start_with(3);
	t.ip_options = t.options_len = 40;
	memset(t.options, 1, 40);
	t.checksum = 0;
	len = tcp_make(&t, packet);
	packet[9] = 2;
	assert_int_equal(vj_learn(rx, packet, len), 0);
	t.seq += DATA;
	t.id++;
	len = tcp_make(&t, packet);
	wire_protocol = PPP_VJ;
	wire[0] = 0x4f;
	wire[1] = 2;
	memcpy(wire + 2, packet + 60 + 16, 2);
	memcpy(wire + 4, packet + 120, DATA);
	wire_len = 4 + DATA;
	assert_int_equal(receive(back), len);
	assert_memory_equal(back, packet, len);
	stop();
}

static void nothing_comes_out_longer_than_the_limit(void **state)
{
	const struct vj_params params = { .slots = 3, .limit = 576 };
	uint8_t packet[TCP_PACKET_MAX] = { 0 };
	struct tcp_packet t = first();
	const uint8_t *header;
	size_t used, len;

	(void)state;
	rx = vj_new(&params);
	tx = NULL;
	len = tcp_make(&t, packet);
	packet[9] = 0;
	assert_int_equal(vj_learn(rx, packet, len), 0);
	memset(packet, 0, sizeof(packet));
	packet[0] = 0x4f;
	assert_int_equal(vj_expand(rx, packet, 4 + 576 - 40, &header, &used), 40);
	assert_int_equal(used, 4);
	assert_int_equal(vj_expand(rx, packet, 5 + 576 - 40, &header, &used), -ENOBUFS);
	assert_int_equal(vj_expand(rx, packet, sizeof(packet), &header, &used), -ENOBUFS);
	stop();
}

static void numbers_of_slots_that_cannot_be_are_refused(void **state)
{
	(void)state;
	assert_null(vj_new(&(struct vj_params){ .slots = 0 }));
	assert_null(vj_new(&(struct vj_params){ .slots = VJ_SLOTS_MAX + 1 }));
	vj_free(NULL);
}

/* ---- random connections ---- */

#define FLOWS 20 /* more than slots */

static uint32_t random_state;

static uint32_t noise(void)
{
	random_state = random_state * 1664525u + 1013904223u;
	return random_state >> 8;
}

/* The next packet of a connection: data, acknowledgements, sent again, all fields now and then. */
static void go_on(struct tcp_packet *t)
{
	bool again = noise() % 16 == 0;

	if (!again)
		t->seq += t->data_len;
	else if (noise() % 2)
		t->seq -= t->data_len;
	t->id = (uint16_t)(t->id + (noise() % 4 ? 1 : noise() % 300));
	t->data_len = (uint16_t)(noise() % 3 ? noise() % 200 : 0);
	t->fill = (uint8_t)noise();
	t->flags = noise() % 2 ? PSH : 0x10;
	if (noise() % 3 == 0)
		t->ack += noise() % 2 ? noise() % 600 : t->data_len;
	if (noise() % 6 == 0)
		t->window = (uint16_t)(t->window + noise() % 3000 - 1500);
	if (noise() % 40 == 0) {
		t->flags |= 0x20;
		t->urgent = (uint16_t)(noise() % 500);
	}
	if (noise() % 50 == 0)
		t->ttl = (uint8_t)(1 + noise() % 255);
	if (noise() % 50 == 0)
		t->options_len = (uint8_t)(noise() % 11 * 4);
	if (noise() % 100 == 0)
		t->flags |= (uint8_t)(1u << noise() % 3);
	if (noise() % 200 == 0)
		t->fragment = noise() % 2 ? 0x4000 : 0x2000;
	if (noise() % 200 == 0)
		t->fragment = 0;
}

/*
 * A packet that is not the one that was sent, after a loss: TCP's checksum tells. Only what it does
 * not cover may be old (number, TTL, TOS of IP), and an acknowledgement whose window is larger by as
 * much: the same to TCP.
 */
static void harmless(const uint8_t *packet, size_t len, const uint8_t *back, size_t n)
{
	if (tcp_sum(back, n) != 0)
		return;
	assert_int_equal(n, len);
	assert_memory_equal(back + 12, packet + 12, 16);
	assert_memory_equal(back + 40, packet + 40, len - 40);
}

struct outcome {
	unsigned int same, wrong, none, compressed;
};

/*
 * `loss`: one in so many is lost, and the decompressor told (or not). Some packets leave their slot
 * out where it is the last one's, as the peers' compressors do.
 */
static struct outcome run(uint32_t seed, unsigned int loss, bool told)
{
	struct tcp_packet flows[FLOWS] = { 0 };
	struct outcome o = { 0 };
	unsigned int last = 256, slot;

	random_state = seed;
	start_with((uint8_t)(VJ_SLOTS_MIN + noise() % (VJ_SLOTS_MAX - VJ_SLOTS_MIN + 1)));
	for (unsigned int i = 0; i < FLOWS; i++) {
		flows[i] = first();
		flows[i].checksum = 0;
		flows[i].source = noise() << 8 | 1;
		flows[i].sport = (uint16_t)(1 + noise() % 60000);
		flows[i].seq = noise() << 8;
	}
	for (unsigned int i = 0; i < 2000; i++) {
		struct tcp_packet *t = &flows[noise() % 4 ? noise() % 3 : noise() % FLOWS];
		uint8_t packet[TCP_PACKET_MAX], back[TCP_PACKET_MAX];
		size_t len;
		int n;

		go_on(t);
		len = tcp_make(t, packet);
		send(packet, len);
		slot = wire_protocol == PPP_VJ         ? wire[1]
		       : wire_protocol == PPP_VJ_PLAIN ? wire[9]
						       : last;
		if (wire_protocol == PPP_VJ && slot == last)
			leave_out_slot();
		last = slot;
		o.compressed += wire_protocol == PPP_VJ;
		if (loss && noise() % loss == 0) {
			if (told)
				vj_lost(rx);
			continue;
		}
		n = receive(back);
		if (n < 0)
			o.none++;
		else if ((size_t)n == len && !memcmp(back, packet, len))
			o.same++;
		else {
			o.wrong++;
			assert_int_equal(checksum_of(back, 20), 0);
			harmless(packet, len, back, (size_t)n);
		}
	}
	stop();
	return o;
}

static void without_loss_all_comes_as_it_was(void **state)
{
	(void)state;
	for (uint32_t seed = 1; seed <= 100; seed++) {
		struct outcome o = run(seed, 0, false);

		assert_int_equal(o.same, 2000);
		assert_true(o.compressed > 500);
	}
}

/* What comes out is the packet, or TCP sees that it is not. */
static void with_loss_the_packet_comes_or_none(void **state)
{
	unsigned int none = 0, wrong = 0;

	(void)state;
	for (uint32_t seed = 1; seed <= 100; seed++) {
		struct outcome o = run(seed, 10 + seed % 50, true);

		none += o.none;
		wrong += o.wrong;
		assert_true(o.same > 500);
	}
	assert_true(none > 0);
	assert_true(wrong > 0);
}

static void noise_is_survived(void **state)
{
	uint8_t packet[200];

	(void)state;
	random_state = 7;
	start_with(VJ_SLOTS_MAX);
	for (unsigned int i = 0; i < 20000; i++) {
		struct tcp_packet t = first();
		uint8_t good[TCP_PACKET_MAX];
		size_t len = noise() % sizeof(packet), n = tcp_make(&t, good);
		int got;

		for (size_t k = 0; k < len; k++)
			packet[k] = (uint8_t)noise();
		if (noise() % 4 == 0) {
			good[9] = (uint8_t)(noise() % 20);
			good[noise() % n] = (uint8_t)noise();
			(void)vj_learn(rx, good, n);
		}
		got = expand(packet, len);
		assert_true(got == -EAGAIN || got == -EBADMSG || got == -ENOBUFS || got >= 40);
	}
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
		cmocka_unit_test(nothing_is_known_at_first),
		cmocka_unit_test(what_is_cut_is_refused_and_changes_nothing),
		cmocka_unit_test(a_slot_that_is_not_there_is_refused),
		cmocka_unit_test(headers_that_are_none_are_not_learnt),
		cmocka_unit_test(headers_with_all_options_are_learnt),
		cmocka_unit_test(nothing_comes_out_longer_than_the_limit),
		cmocka_unit_test(numbers_of_slots_that_cannot_be_are_refused),
		cmocka_unit_test(without_loss_all_comes_as_it_was),
		cmocka_unit_test(with_loss_the_packet_comes_or_none),
		cmocka_unit_test(noise_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
