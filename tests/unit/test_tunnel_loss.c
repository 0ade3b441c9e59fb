/*
 * lib/tunnel with MPPE under loss: what comes when its gap has been given up, the memory that this
 * takes, and Linux' kernel as the sender of streams with long losses.
 */
#include "tests/unit/tunnel_pair.h"

static const struct mppe_params stateless128 = { .bits = MPPE_128, .stateless = true };
static uint64_t now;

/* Hands a packet in; how many came out as data, the last one's number in *last. */
static unsigned int receive(struct tunnel *t, struct packet *p, uint32_t *last)
{
	struct packet_list in, done;
	unsigned int data = 0;

	packet_list_init(&in);
	packet_list_init(&done);
	receive_into(t, p, now, &in);
	work(t, &in, &done);
	while ((p = packet_list_take(&done))) {
		if (p->verdict == PACKET_DATA) {
			data++;
			if (last)
				*last = ip_number(p);
		}
		release(p);
	}
	return data;
}

static unsigned int tick(struct tunnel *t)
{
	struct packet_list in, done;
	unsigned int data = 0;
	struct packet *p;

	packet_list_init(&in);
	packet_list_init(&done);
	tunnel_tick(t, now, &in);
	work(t, &in, &done);
	while ((p = packet_list_take(&done))) {
		data += p->verdict == PACKET_DATA;
		release(p);
	}
	return data;
}

static struct packet *sealed(struct tunnel *t, uint32_t number)
{
	return seal(t, ip_packet(number, 60), PPP_IP, now);
}

static struct packet *copy_of(const struct packet *p)
{
	return packet(p->data, p->len);
}

static uint64_t drops(const struct tunnel *t, enum tunnel_drop why)
{
	struct tunnel_stats stats;

	tunnel_get_stats(t, &stats);
	return stats.drops[why];
}

/* A pair with some traffic, whose packet `number` 100 is on the way for so long that its gap is given up. */
static struct packet *delayed(struct tunnel *a, struct tunnel *b, struct packet *late)
{
	now = 5000 * MS;
	for (uint32_t n = 0; n < 10; n++)
		assert_int_equal(receive(b, sealed(a, n), NULL), 1);
	if (!late)
		late = sealed(a, 100);
	for (uint32_t n = 0; n < 10; n++)
		assert_int_equal(receive(b, sealed(a, n), NULL), 0);
	now += GRE_HOLD_TIME;
	assert_int_equal(tick(b), 10);
	return late;
}

static void late_is_data_once(const struct mppe_params *params)
{
	struct tunnel_stats stats;
	struct packet *late, *again;
	struct tunnel a, b;
	uint32_t number = 0;

	init_pair(&a, &b, params);
	late = delayed(&a, &b, NULL);
	again = copy_of(late);
	assert_int_equal(receive(&b, late, &number), 1);
	assert_int_equal(number, 100);
	assert_int_equal(receive(&b, again, NULL), 0);
	tunnel_get_stats(&b, &stats);
	assert_int_equal(stats.rx_late, 1);
	assert_int_equal(stats.lost, 0);
	assert_int_equal(stats.drops[TUNNEL_DROP_LATE], 0);
	assert_int_equal(stats.drops[TUNNEL_DROP_DUPLICATE], 1);
	assert_int_equal(receive(&b, sealed(&a, 1), NULL), 1);
	assert_int_equal(tunnel_events(&b), 0);
	end_pair(&a, &b);
}

static void what_comes_late_is_data_once(void **state)
{
	(void)state;
	late_is_data_once(&stateless128);
}

static void what_comes_late_in_clear_is_data_once(void **state)
{
	(void)state;
	late_is_data_once(NULL);
}

/* One who guesses the GRE number, with a count of his own: the walk to it passes all places of keys. */
static void a_forged_packet_takes_no_late_keys(void **state)
{
	struct packet *late, *forged;
	struct tunnel a, b;
	uint32_t number = 0;

	(void)state;
	init_pair(&a, &b, &stateless128);
	late = delayed(&a, &b, NULL);
	forged = sealed(&a, 1);
	assert_memory_equal(forged->data + 12, "\xff\x03\x00\xfd\x90\x15", 6);
	forged->data[16] = 0x92;
	assert_int_equal(receive(&b, forged, NULL), 0);
	assert_int_equal(drops(&b, TUNNEL_DROP_MPPE_BAD), 1);
	assert_int_equal(receive(&b, late, &number), 1);
	assert_int_equal(number, 100);
	assert_int_equal(receive(&b, sealed(&a, 2), NULL), 1);
	end_pair(&a, &b);
}

static void late_keys_are_given_back(void **state)
{
	struct packet *late;
	struct tunnel a, b;

	(void)state;
	init_pair(&a, &b, &stateless128);
	late = delayed(&a, &b, NULL);
	assert_non_null(b.late_keys);
	assert_true(tunnel_deadline(&b) <= now + TUNNEL_LATE_TIME);
	now += TUNNEL_LATE_TIME;
	(void)tick(&b);
	assert_null(b.late_keys);
	assert_null(b.mppe_rx.late_keys);
	assert_int_equal(receive(&b, late, NULL), 0);
	assert_int_equal(drops(&b, TUNNEL_DROP_LATE), 1);
	end_pair(&a, &b);
}

/* What only traffic needs goes back when there is none, and all is as before when there is some again. */
static void at_rest_memory_goes_back(void **state)
{
	struct tunnel a, b;
	struct packet *late;
	uint64_t used;

	(void)state;
	init_pair(&a, &b, &stateless128);
	assert_int_equal(tunnel_rest(&b, now), UINT64_MAX);
	late = delayed(&a, &b, NULL);
	used = now;
	assert_int_equal(tunnel_rest(&b, now), used + TUNNEL_REST);
	now = used + TUNNEL_REST - 1;
	assert_int_equal(tunnel_rest(&b, now), used + TUNNEL_REST);
	assert_true(gre_receiver_is_large(&b.receiver));
	assert_int_equal(receive(&b, seal(&a, ip_packet(3, 60), PPP_LCP, now), NULL), 0);
	assert_int_equal(tunnel_rest(&b, now), used + TUNNEL_REST); /* an echo, say: no data */
	now++;
	assert_int_equal(tunnel_rest(&b, now), UINT64_MAX);
	assert_false(gre_receiver_is_large(&b.receiver));
	assert_false(mppe_is_large(&b.mppe_rx));
	(void)receive(&b, late, NULL);
	assert_int_equal(receive(&b, sealed(&a, 2), NULL), 1);
	end_pair(&a, &b);
}

/* Without a loss no session takes memory for keys. */
static void who_loses_nothing_keeps_no_keys(void **state)
{
	struct tunnel a, b;

	(void)state;
	init_pair(&a, &b, &stateless128);
	now = 5000 * MS;
	for (uint32_t n = 0; n < 300; n++) {
		assert_int_equal(receive(&b, sealed(&a, n), NULL), 1);
		if (n % 10 == 0)
			(void)receive(&b,
				seal(&a, packet("\x09\x01\x00\x08\x00\x00\x00\x00", 8), PPP_LCP,
					now),
				NULL);
	}
	assert_null(b.late_keys);
	end_pair(&a, &b);
}

static void late_is_dropped_where_order_matters(void **state)
{
	static const struct mppe_params stateful128 = { .bits = MPPE_128 };
	static const struct codec_params mppc = { .kind = CODEC_MPPC, .encrypted = true };
	const struct mppe_params *params[] = { NULL, &stateful128, &stateless128, &stateless128,
		&stateless128 };

	(void)state;
	for (int kind = 0; kind < 5; kind++) {
		struct packet *late = NULL;
		struct tunnel a, b;

		init_pair(&a, &b, params[kind]);
		now = 5000 * MS;
		assert_int_equal(receive(&b, sealed(&a, 0), NULL), 1);
		if (kind == 1) { /* out of step, too: not what is looked at here */
			late = sealed(&a, 100);
			assert_int_equal(receive(&b, sealed(&a, 1), NULL), 0);
			now += GRE_HOLD_TIME;
			(void)tick(&b);
		} else {
			if (kind == 0 || kind == 2) /* a control frame */
				late = seal(&a, packet("\x09\x01\x00\x08\x00\x00\x00\x00", 8),
					PPP_LCP, now);
			if (kind == 3) /* VJ: what it stands for depends on those before */
				late = seal(&a, packet("\x10\x00\x01\x02", 4), 0x002d, now);
			if (kind == 4) {
				tunnel_set_pack(&a, codec_new(&mppc, true));
				tunnel_set_unpack(&b, codec_new(&mppc, false));
			}
			if (!late)
				late = sealed(&a, 100);
			for (uint32_t n = 0; n < 3; n++)
				assert_int_equal(receive(&b, sealed(&a, n), NULL), 0);
			now += GRE_HOLD_TIME;
			assert_int_equal(tick(&b), 3);
		}
		assert_int_equal(receive(&b, late, NULL), 0);
		assert_int_equal(drops(&b, TUNNEL_DROP_LATE), 1);
		end_pair(&a, &b);
	}
}

/* --- Linux' ppp_mppe as the sender --- */

struct linux_sender {
	struct mppe m; /* for its fields */
	struct rc4 stream;
	struct gre_sender gre;
	bool flushed;
};

static void linux_rekey(struct linux_sender *l)
{
	uint8_t interim[16], len = mppe_key_len(l->m.params.bits);

	mppe_new_key(l->m.start, l->m.key, len, interim);
	rc4_init(&l->stream, interim, len);
	memcpy(l->m.key, interim, len);
	rc4_crypt(&l->stream, l->m.key, len);
	mppe_salt(l->m.params.bits, l->m.key);
	rc4_init(&l->stream, l->m.key, len);
}

/* Re-keys on each flag packet, and on each FLUSHED one; NULL: it was lost. */
static struct packet *linux_sends(
	struct linux_sender *l, struct tunnel *to, uint32_t number, bool lost)
{
	uint8_t frame[3 + MPPE_HEADER + 2 + 60] = { 0xff, 0x03, 0x00 }, buf[GRE_HEADER_MAX + 80];
	struct gre_header h = { .call_id = to->call_id, .has_seq = true, .seq = l->gre.next++ };
	bool flag = (l->m.count & 0xff) == 0xff;
	struct packet *ip;

	if (l->m.params.stateless || flag || l->flushed)
		linux_rekey(l);
	frame[2] = 0xfd; /* PFC */
	frame[3] = (uint8_t)((l->m.params.stateless || flag || l->flushed ? 0x90 : 0x10) |
			     l->m.count >> 8);
	frame[4] = (uint8_t)l->m.count;
	l->m.count = (l->m.count + 1) & MPPE_COUNT;
	l->flushed = false;
	if (lost)
		return NULL; /* what it was encrypted to matters to nobody: FLUSHED comes */
	ip = ip_packet(number, 60);
	frame[6] = 0x21;
	memcpy(frame + 7, ip->data, 60);
	release(ip);
	rc4_crypt(&l->stream, frame + 5, 62);
	h.payload_len = sizeof(frame);
	gre_header_encode(&h, buf);
	memcpy(buf + gre_header_size(&h), frame, sizeof(frame));
	return packet(buf, (uint32_t)gre_header_size(&h) + (uint32_t)sizeof(frame));
}

/*
 * Losses that go round all counts, again and again; its Reset-Acks come 5 ms after our requests, and each
 * makes a key more. There is never need to open CCP anew, over which pppd would end the link.
 */
static void linux_loses(const struct mppe_params *params, uint32_t lost)
{
	const struct tunnel_config config = { .call_id = 1, .peer_call_id = 2, .window = 64 };
	unsigned int good = 0, waited = 0;
	uint64_t asked = UINT64_MAX, from;
	struct linux_sender l = { 0 };
	struct tunnel b;

	now = 5000 * MS;
	tunnel_init(&b, &config);
	b.data_open = true;
	mppe_init(&l.m, params, start_a);
	rc4_init(&l.stream, l.m.key, mppe_key_len(params->bits));
	if (!params->stateless) {
		free(l.m.stream);
		l.m.stream = NULL;
	}
	tunnel_set_rx(&b, params, start_a);
	for (uint32_t n = 0; n < 300; n++)
		good += receive(&b, linux_sends(&l, &b, n, false), NULL);
	assert_int_equal(good, 300);
	for (uint32_t n = 0; n < lost; n++)
		assert_null(linux_sends(&l, &b, n, true));
	now += 1000 * MS;
	from = now;
	for (good = 0; good < 400; waited++) {
		unsigned int events;

		assert_true(now < from + 1000 * MS);
		good += receive(&b, linux_sends(&l, &b, waited, false), NULL);
		now += MS;
		good += tick(&b);
		events = tunnel_events(&b);
		assert_false(events & TUNNEL_EVENT_DESYNC);
		if (events & TUNNEL_EVENT_RESET)
			asked = now + 5 * MS;
		if (now >= asked) {
			l.flushed = true;
			asked = UINT64_MAX;
		}
	}
	end_pair(&b, &b);
}

static void linux_may_lose_more_than_the_counts(void **state)
{
	static const uint32_t losses[] = { 1, 255, 256, 3000, 4095, 4096, 4097, 8192, 20001,
		60000 };
	static const enum mppe_bits strengths[] = { MPPE_40, MPPE_56, MPPE_128 };

	(void)state;
	for (size_t i = 0; i < sizeof(losses) / sizeof(losses[0]); i++)
		for (unsigned int how = 0; how < 6; how++)
			linux_loses(&(struct mppe_params){ .bits = strengths[how / 2],
					    .stateless = how % 2 },
				losses[i]);
	linux_loses(&(struct mppe_params){ .bits = MPPE_128 }, 2000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_comes_late_is_data_once),
		cmocka_unit_test(what_comes_late_in_clear_is_data_once),
		cmocka_unit_test(a_forged_packet_takes_no_late_keys),
		cmocka_unit_test(late_keys_are_given_back),
		cmocka_unit_test(at_rest_memory_goes_back),
		cmocka_unit_test(who_loses_nothing_keeps_no_keys),
		cmocka_unit_test(late_is_dropped_where_order_matters),
		cmocka_unit_test(linux_may_lose_more_than_the_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
