/* lib/compress/vj: what it must not take, and connections at random over a path that loses. */
#include "tests/unit/vj_pair.h"

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
