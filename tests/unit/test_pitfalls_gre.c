/*
 * Faults that other implementations had in GRE, MPPE and the path of the packets
 * (tests/pitfalls.md): a test is named after the fault that it would find here.
 */
#include "dataplane/mss.h"
#include "tests/unit/dp_rig.h"
#include "tests/unit/tunnel_pair.h"

#include <sys/syscall.h>

static const struct mppe_params stateless = { .bits = MPPE_128, .stateless = true };
static const struct mppe_params stateful = { .bits = MPPE_128 };

static uint32_t got[4096]; /* numbers of the packets that were delivered as data */
static unsigned int got_count;

static void take_list(struct tunnel *t, struct packet_list *in)
{
	struct packet_list done;
	struct packet *p;

	packet_list_init(&done);
	work(t, in, &done);
	while ((p = packet_list_take(&done))) {
		if (p->verdict == PACKET_DATA) {
			assert_true(got_count < 4096);
			got[got_count++] = ip_number(p);
		}
		release(p);
	}
}

static void receive(struct tunnel *t, struct packet *p, uint64_t now)
{
	struct packet_list out;

	packet_list_init(&out);
	receive_into(t, p, now, &out);
	take_list(t, &out);
}

static void tick(struct tunnel *t, uint64_t now)
{
	struct packet_list out;

	packet_list_init(&out);
	tunnel_tick(t, now, &out);
	take_list(t, &out);
}

static struct packet *sealed(struct tunnel *t, uint32_t number, uint64_t now)
{
	return seal(t, ip_packet(number, 60), PPP_IP, now);
}

/* Another number for a sealed packet. */
static struct packet *numbered(struct packet *p, uint32_t seq)
{
	for (unsigned int i = 0; i < 4; i++)
		p->data[8 + i] = (uint8_t)(seq >> (24 - 8 * i));
	return p;
}

static void begin(struct tunnel *a, struct tunnel *b, const struct mppe_params *params)
{
	got_count = 0;
	init_pair(a, b, params);
}

/* ---- numbers ---- */

static void one_forged_number_does_not_silence_a_session(void **unused)
{
	static const uint32_t forged[] = { 0xffffffff, 0x80000000, 0x7fffffff, 0x7ffffff0, 100000,
		5000, 2100 };
	uint64_t now = 5000 * MS;

	(void)unused;
	for (unsigned int when = 0; when < 2; when++) { /* in the stream; as its first packet */
		for (size_t i = 0; i < sizeof(forged) / sizeof(forged[0]); i++) {
			struct tunnel a, b, forger, unheard;

			begin(&a, &b, NULL);
			init_pair(&forger, &unheard, NULL);
			for (uint32_t n = 0; n < (when ? 0 : 10); n++)
				receive(&b, sealed(&a, n, now), now);
			receive(&b, numbered(sealed(&forger, 999, now), forged[i]), now);
			got_count = 0;
			for (uint32_t n = 0; n < 100; n++) {
				now += 10 * MS;
				receive(&b, sealed(&a, n, now), now);
				tick(&b, now);
			}
			/* in the stream nothing is lost; a forged beginning costs a pause */
			assert_true(got_count >= (when ? 60 : 100));
			assert_int_equal(got[got_count - 1], 99);
			end_pair(&forger, &unheard);
			end_pair(&a, &b);
		}
	}
}

static void a_duplicate_leaks_nothing(void **unused)
{
	uint64_t now = 5000 * MS;
	struct tunnel a, b;

	(void)unused;
	begin(&a, &b, NULL);
	receive(&b, sealed(&a, 0, now), now);
	release(sealed(&a, 1, now)); /* missing: what follows is held */
	for (uint32_t n = 2; n < 40; n++) {
		struct packet *p = sealed(&a, n, now);

		for (unsigned int copy = 0; copy < 5; copy++)
			receive(&b, packet(p->data, p->len), now); /* held already */
		release(p);
	}
	assert_int_equal(alive, 38); /* one of each */
	tick(&b, now + GRE_HOLD_TIME);
	assert_int_equal(alive, 0);
	assert_int_equal(got_count, 39);
	assert_int_equal(b.receiver.duplicates, 38 * 4);
	end_pair(&a, &b);
}

static void order_holds_where_the_numbers_wrap(void **unused)
{
	uint64_t now = 5000 * MS;

	(void)unused;
	for (unsigned int shift = 0; shift < 16; shift++) {
		struct tunnel a, b;
		struct packet *p[64];

		begin(&a, &b, NULL);
		for (uint32_t n = 0; n < 64; n++)
			p[n] = numbered(sealed(&a, n, now), 0xffffffe0 + shift + n);
		receive(&b, p[0], now);
		for (unsigned int block = 1; block + 9 <= 64; block += 9) {
			for (unsigned int i = 9; i-- > 0;) /* backwards, with a copy of each */
				receive(&b, packet(p[block + i]->data, p[block + i]->len), now);
			for (unsigned int i = 0; i < 9; i++)
				receive(&b, p[block + i], now);
		}
		assert_int_equal(got_count, 64);
		for (uint32_t n = 0; n < 64; n++)
			assert_int_equal(got[n], n);
		end_pair(&a, &b);
	}
}

/* ---- MPPE ---- */

static void clear_data_does_not_pass_where_encryption_is_required(void **unused)
{
	const struct tunnel_config config = {
		.call_id = 2, .peer_call_id = 1, .window = 64, .require_mppe = true
	};
	uint64_t now = 5000 * MS;

	(void)unused;
	for (unsigned int on = 0; on < 2; on++) { /* also after encryption was switched off */
		struct tunnel a, b, unheard;
		struct packet *p;

		begin(&a, &unheard, NULL);
		tunnel_init(&b, &config);
		b.data_open = true;
		tunnel_set_rx(&b, &stateless, start_a);
		tunnel_set_tx(&b, &stateless, start_b);
		if (!on) {
			tunnel_set_rx(&b, NULL, NULL);
			tunnel_set_tx(&b, NULL, NULL);
		}
		for (uint32_t n = 0; n < 20; n++)
			receive(&b, sealed(&a, n, now), now);
		assert_int_equal(got_count, 0);
		assert_int_equal(counted(&b).drops[TUNNEL_DROP_CLEAR] +
					 counted(&b).drops[TUNNEL_DROP_NOT_OPEN],
			20);
		if (!on) { /* and nothing leaves in clear */
			p = ip_packet(1, 60);
			assert_int_equal(tunnel_seal(&b, p, PPP_IP, now, &batch), -EPERM);
			release(p);
		}
		end_pair(&a, &unheard);
		end_pair(&b, &unheard);
	}
}

/* A loss of any length is overcome, or noticed, and then a new start of the keys mends it. */
static void loses(const struct mppe_params *params, uint32_t lost)
{
	uint64_t now = 5000 * MS;
	struct tunnel a, b;
	uint32_t n = 0;

	begin(&a, &b, params);
	for (; n < 10; n++)
		receive(&b, sealed(&a, n, now), now);
	for (; n < 10 + lost; n++)
		release(sealed(&a, n, now));
	for (unsigned int i = 0; i < 2000 && got_count < 100; i++, n++) {
		unsigned int events;

		now += 30 * MS;
		receive(&b, sealed(&a, n, now), now);
		tick(&b, now);
		events = tunnel_events(&b);
		if (events & TUNNEL_EVENT_RESET)
			tunnel_reset_requested(&a);
		if (events & TUNNEL_EVENT_DESYNC) { /* CCP is opened anew */
			tunnel_set_rx(&b, params, start_b);
			tunnel_set_tx(&a, params, start_b);
		}
	}
	if (got_count < 100)
		fail_msg("%u lost: only %u came after", lost, got_count - 10);
	end_pair(&a, &b);
}

static void more_than_4096_lost_packets_do_not_stop_mppe_for_ever(void **unused)
{
	static const uint32_t counts[] = { 1, 255, 256, 257, 3839, 3840, 3841, 4095, 4096, 4097,
		4351, 4352, 5000, 8191, 8192, 8193, 65536, 70001 };

	(void)unused;
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		loses(&stateless, counts[i]);
		loses(&stateful, counts[i]);
	}
}

static void a_late_packet_costs_no_key_changes(void **unused)
{
	struct mppe tx, rx;
	uint8_t old[64], data[64];

	(void)unused;
	mppe_init(&tx, &stateless, start_a);
	mppe_init(&rx, &stateless, start_a);
	for (unsigned int n = 0; n < 200; n++) {
		memset(data, 0, sizeof(data));
		data[3] = 0x21;
		data[4] = 0x45;
		mppe_seal(&tx, data, sizeof(data), 0, &batch);
		rc4_run(&batch);
		if (n == 100)
			memcpy(old, data, sizeof(data));
		assert_int_equal(mppe_open(&rx, data, sizeof(data), &batch), MPPE_OK);
		rc4_run(&batch);
	}
	for (unsigned int n = 0; n < 1000; n++) {
		uint16_t work = rx.work;

		memcpy(data, old, sizeof(data));
		assert_int_not_equal(mppe_open(&rx, data, sizeof(data), &batch), MPPE_OK);
		rc4_run(&batch);
		/* only those in a row look like a wrap, and may try what packets have earned */
		if (n % MPPE_LATE_RUN != MPPE_LATE_RUN - 1)
			assert_true(rx.work >= work);
	}
	/* One among good ones: the common case. */
	for (unsigned int n = 0; n < 50; n++) {
		uint16_t work = rx.work;

		memcpy(data, old, sizeof(data));
		assert_int_equal(mppe_open(&rx, data, sizeof(data), &batch), MPPE_OLD);
		assert_true(rx.work >= work);
		memset(data, 0, sizeof(data));
		data[3] = 0x21;
		data[4] = 0x45;
		mppe_seal(&tx, data, sizeof(data), 0, &batch);
		rc4_run(&batch);
		assert_int_equal(mppe_open(&rx, data, sizeof(data), &batch), MPPE_OK);
		rc4_run(&batch);
	}
	mppe_done(&tx);
	mppe_done(&rx);
}

/* Whatever counts a forger sends: the work a packet is bounded by what packets have earned. */
static void no_count_makes_more_work_than_packets_earn(void **unused)
{
	struct mppe rx;
	uint8_t data[64];
	uint64_t tried = 0;

	(void)unused;
	mppe_init(&rx, &stateless, start_a);
	for (uint32_t n = 0; n < 20000; n++) {
		uint32_t work = rx.work + MPPE_WORK_EARNED;

		memset(data, (int)n, sizeof(data));
		data[0] = (uint8_t)(0x90 | ((n * 3989) >> 8 & 0x0f));
		data[1] = (uint8_t)(n * 3989);
		(void)mppe_open(&rx, data, sizeof(data), &batch);
		rc4_run(&batch);
		if (rx.work < work)
			tried += work - rx.work;
		assert_true(tried <= MPPE_WORK_MAX + (n + 1) * 2u * MPPE_WORK_EARNED);
		assert_true(rx.rekeys <= tried + n + 1);
	}
	mppe_done(&rx);
}

/* ---- odd offsets and odd sizes ---- */

static void one_octet_of_protocol_may_put_everything_at_odd_addresses(void **unused)
{
	static const struct mppe_params *const kinds[] = { NULL, &stateless, &stateful };
	uint64_t now = 5000 * MS;

	(void)unused;
	for (unsigned int kind = 0; kind < 3; kind++) {
		for (unsigned int bits = 0; bits < 8; bits++) {
			struct tunnel a, b;

			begin(&a, &b, kinds[kind]);
			a.pfc = bits & 1;
			a.acfc = bits & 2;
			for (uint32_t n = 0; n < 300; n++) {
				struct packet *p = ip_packet(n, 24 + n);

				if (bits & 4) { /* the packet itself lies at an odd address */
					memmove(p->data - 1, p->data, p->len);
					p->data--;
				}
				p = seal(&a, p, PPP_IP, now);
				if (n % 7 == 3) { /* a hole, so that some are held first */
					struct packet *late =
						seal(&a, ip_packet(n, 24 + n), PPP_IP, now);

					receive(&b, late, now);
				}
				receive(&b, p, now);
			}
			tick(&b, now + GRE_HOLD_TIME);
			assert_true(got_count >= 300);
			end_pair(&a, &b);
		}
	}
}

/* A datagram of 64 KiB, as the kernel puts it together of outer fragments. */
static void an_outer_packet_of_64_kib_is_dropped_and_counted(void **unused)
{
	struct rig *rig = rig_new(false, false);
	struct dp_session *s = add_open(rig);
	uint8_t *big = calloc(1, 65535);
	struct dp_stats stats;

	(void)unused;
	assert_non_null(big);
	sync_commands(rig, s);
	big[0] = 0x45;
	big[2] = big[3] = 0xff;
	big[9] = 47;
	memcpy(big + 20, "\x30\x01\x88\x0b\xff\xdf\x12\x34\0\0\0\1\xff\x03\0\x21\x45", 17);
	send_data(rig, 0, 1);
	expect_inner(rig, 1);
	assert_int_equal(send(rig->gre, big, 65535, 0), 65535);
	send_data(rig, 1, 2);
	expect_inner(rig, 2);
	UNTIL(stats.gre_too_long == 1);
	free(big);
	rig_free(rig);
}

/* Inner fragments, as of a ping of 64 KiB: each is a packet, none is put together or parsed. */
static void inner_fragments_of_64_kib_pass_as_they_are(void **unused)
{
	struct rig *rig = rig_new(false, false);
	struct dp_session *s = add_open(rig);
	uint8_t fragment[1400], buf[2048];
	uint32_t seq = 0;

	(void)unused;
	sync_commands(rig, s);
	for (uint32_t offset = 0; offset + 1376 <= 65536; offset += 1376) {
		size_t n = inner_packet(fragment, INNER, OUTSIDE, offset, 1396);

		fragment[6] = (uint8_t)(0x20 | offset >> 11);
		fragment[7] = (uint8_t)(offset >> 3);
		fragment[9] = 6; /* TCP: behind the first one there is no header */
		send_ppp(rig, OUR_ID, seq++, 0x0021, fragment, n);
		assert_int_equal(next_on(rig->inner, buf, sizeof(buf)), n);
		if (offset) /* (the first one's header may be looked at) */
			assert_memory_equal(buf, fragment, n);
	}
	rig_free(rig);
}

/*
 * A SYN whose options are `length` over and over, of each kind that has one, so that reading them
 * never gets anywhere, in IPv4 and IPv6; cut short at every place, too.
 */
static void an_option_of_tcp_of_length(uint8_t length)
{
	(void)alarm(60); /* a loop is the fault */
	for (unsigned int version = 4; version <= 6; version += 2) {
		for (unsigned int kind = 0; kind < 256; kind++) {
			uint8_t good[100] = { version == 4 ? 0x45 : 0x60 };
			size_t ip = version == 4 ? 20 : 40, len = ip + 60;

			good[version == 4 ? 9 : 6] = 6;
			good[version == 4 ? 3 : 5] = (uint8_t)(version == 4 ? len : 60);
			good[ip + 12] = 0xf0; /* 40 octets of options */
			good[ip + 13] = 0x02; /* SYN */
			for (size_t i = ip + 20; i < len; i += 2) {
				good[i] = (uint8_t)kind;
				good[i + 1] = length;
			}
			for (size_t n = 0; n <= len; n++) {
				uint8_t *packet = malloc(n ? n : 1), copy[100];

				assert_non_null(packet);
				memcpy(packet, good, n);
				memcpy(copy, good, n);
				(void)mss_clamp(packet, n, 1400);
				assert_memory_equal(packet, copy, n);
				free(packet);
			}
		}
	}
	(void)alarm(0);
}

static void mss_clamping_is_no_loop_over_an_option_of_length_0(void **unused)
{
	(void)unused;
	an_option_of_tcp_of_length(0);
}

static void mss_clamping_is_no_loop_over_an_option_of_length_1(void **unused)
{
	(void)unused;
	an_option_of_tcp_of_length(1);
}

/* ---- who may say what ---- */

static void nobody_sends_under_anothers_address(void **unused)
{
	static const uint32_t sources[] = { OUTSIDE, INNER + 1, 0, 0xffffffff, IP(127, 0, 0, 1),
		LOCAL, PEER, IP(224, 0, 0, 1) };
	struct rig *rig = rig_new(true, false);
	struct dp_session *s = add_open(rig);
	uint8_t info[100];
	struct dp_stats stats;
	uint32_t seq = 0;

	(void)unused;
	sync_commands(rig, s);
	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		size_t n = inner_packet(info, sources[i], OUTSIDE, 1000, 60);

		send_ppp(rig, OUR_ID, seq++, 0x0021, info, n);
	}
	send_data(rig, seq, 1);
	expect_inner(rig, 1);
	UNTIL(stats.inner_source == sizeof(sources) / sizeof(sources[0]));
	rig_free(rig);
}

/* ---- the socket ---- */

static int send_error; /* what sendmmsg() fails with, or 0 */

/* In place of the C library's. */
int sendmmsg(int fd, struct mmsghdr *messages, unsigned int count, int flags)
{
	int error = __atomic_load_n(&send_error, __ATOMIC_SEQ_CST);

	if (error) {
		errno = error;
		return -1;
	}
	return (int)syscall(SYS_sendmmsg, fd, messages, count, flags);
}

static void fails_for_a_while(int error)
{
	struct rig *rig = rig_new(false, false);
	struct dp_session *s = add_open(rig);
	struct gre_header h;
	struct dp_stats stats;
	uint8_t buf[2048];
	size_t at;

	sync_commands(rig, s);
	__atomic_store_n(&send_error, error, __ATOMIC_SEQ_CST);
	inner_sends(rig, INNER, 1, 60);
	UNTIL(stats.send_errors >= 1);
	__atomic_store_n(&send_error, 0, __ATOMIC_SEQ_CST);
	/* Neither the call nor the worker is the worse for it, in either direction. */
	inner_sends(rig, INNER, 2, 60);
	next_data(rig, buf, sizeof(buf), &h, &at);
	send_data(rig, 0, 3);
	expect_inner(rig, 3);
	sync_commands(rig, s);
	dataplane_dispatch(rig->dp, on_event, rig);
	assert_int_equal(rig->heard_count, 0); /* nobody was told that it is over */
	rig_free(rig);
}

static void enobufs_on_send_ends_no_call(void **unused)
{
	(void)unused;
	fails_for_a_while(ENOBUFS);
}

static void eperm_on_send_ends_no_call(void **unused)
{
	(void)unused;
	fails_for_a_while(EPERM);
}

static void no_error_on_send_ends_a_call(void **unused)
{
	static const int errors[] = { EAGAIN, ENOMEM, EACCES, EHOSTUNREACH, ENETUNREACH, ENETDOWN,
		ECONNREFUSED, ENOPROTOOPT, EINVAL, EIO };

	(void)unused;
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		fails_for_a_while(errors[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_forged_number_does_not_silence_a_session),
		cmocka_unit_test(a_duplicate_leaks_nothing),
		cmocka_unit_test(order_holds_where_the_numbers_wrap),
		cmocka_unit_test(clear_data_does_not_pass_where_encryption_is_required),
		cmocka_unit_test(more_than_4096_lost_packets_do_not_stop_mppe_for_ever),
		cmocka_unit_test(a_late_packet_costs_no_key_changes),
		cmocka_unit_test(no_count_makes_more_work_than_packets_earn),
		cmocka_unit_test(one_octet_of_protocol_may_put_everything_at_odd_addresses),
		cmocka_unit_test(an_outer_packet_of_64_kib_is_dropped_and_counted),
		cmocka_unit_test(inner_fragments_of_64_kib_pass_as_they_are),
		cmocka_unit_test(mss_clamping_is_no_loop_over_an_option_of_length_0),
		cmocka_unit_test(mss_clamping_is_no_loop_over_an_option_of_length_1),
		cmocka_unit_test(nobody_sends_under_anothers_address),
		cmocka_unit_test(enobufs_on_send_ends_no_call),
		cmocka_unit_test(eperm_on_send_ends_no_call),
		cmocka_unit_test(no_error_on_send_ends_a_call),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
