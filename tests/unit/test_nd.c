/* Router Solicitations and Advertisements (RFC 4861 sections 4, 6; RFC 8106), both ends. */
#include "lib/nd/host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SECOND 1000000ull

static struct {
	uint8_t packet[ND_PACKET_MAX];
	size_t len;
	unsigned int sent, learnt;
	struct nd_advertisement ra;
} got;

static void on_send(void *user, const uint8_t *packet, size_t len)
{
	(void)user;
	assert_true(len <= sizeof(got.packet));
	memcpy(got.packet, packet, len);
	got.len = len;
	got.sent++;
}

static void on_random(void *user, void *buf, size_t len)
{
	(void)user;
	memset(buf, 0x80, len);
}

static void on_learn(void *user, const struct nd_advertisement *ra)
{
	(void)user;
	got.learnt++;
	got.ra = *ra;
}

static const struct nd_ops ops = { .send = on_send, .random = on_random, .learn = on_learn };

static const uint8_t router_address[16] = { 0xfe, 0x80, [15] = 1 };
static const uint8_t host_address[16] = { 0xfe, 0x80, [8] = 1, [15] = 9 };

static struct nd_advertisement example(void)
{
	return (struct nd_advertisement){
		.hop_limit = 64,
		.router_lifetime = 1800,
		.mtu = 1396,
		.prefix_count = 1,
		.prefixes = { { .prefix = { 0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 2 },
			.len = 64,
			.on_link = true,
			.autonomous = true,
			.valid = 3600,
			.preferred = 1800 } },
		.dns_count = 1,
		.dns_lifetime = 1800,
		.dns = { { 0x20, 0x01, 0x0d, 0xb8, [15] = 0x53 } },
	};
}

static void an_advertisement_comes_through_whole(void **unused)
{
	struct nd_advertisement in = example(), out;
	uint8_t packet[ND_PACKET_MAX];
	size_t len = nd_encode_advertisement(&in, router_address, packet, sizeof(packet));

	(void)unused;
	assert_int_equal(len, 40 + 16 + 32 + 8 + 24);
	assert_int_equal(packet[7], 255);
	assert_int_equal(nd_decode(packet, len, &out), ND_ADVERTISEMENT);
	assert_memory_equal(&in.prefixes[0], &out.prefixes[0], sizeof(in.prefixes[0]));
	assert_memory_equal(in.dns[0], out.dns[0], 16);
	assert_int_equal(out.mtu, 1396);
	assert_int_equal(out.router_lifetime, 1800);
	assert_int_equal(out.dns_lifetime, 1800);
	assert_int_equal(nd_encode_advertisement(&in, router_address, packet, len - 1), 0);
}

/* RFC 4861 6.1.1 and 6.1.2: each check alone. */
static void what_is_not_valid_is_nothing(void **unused)
{
	struct nd_advertisement in = example(), out;
	uint8_t good[ND_PACKET_MAX], bad[ND_PACKET_MAX];
	size_t len = nd_encode_advertisement(&in, router_address, good, sizeof(good));
	static const size_t places[] = { 0, 6, 7, 8, 41, 43, 57 };

	(void)unused;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		memcpy(bad, good, len);
		bad[places[i]] ^= 0x11;
		assert_int_equal(nd_decode(bad, len, &out), ND_OTHER);
	}
	for (size_t n = 0; n < len; n++)
		assert_int_equal(nd_decode(good, n, &out), ND_OTHER);
	/* From an address that is not link-local, with the right checksum. */
	len = nd_encode_advertisement(&in, in.dns[0], good, sizeof(good));
	assert_int_equal(nd_decode(good, len, &out), ND_OTHER);
}

static void a_router_begins_with_three_and_goes_on_for_ever(void **unused)
{
	struct nd_advertisement what = example();
	struct nd_router r;
	uint64_t now = 5 * SECOND, last;

	(void)unused;
	memset(&got, 0, sizeof(got));
	nd_router_start(&r, &what, router_address, &ops, NULL, now);
	assert_int_equal(got.sent, 0); /* the peer may not be open yet */
	assert_in_range(nd_router_deadline(&r), now, now + SECOND);
	now = nd_router_deadline(&r);
	nd_router_tick(&r, now);
	assert_int_equal(got.sent, 1);
	for (unsigned int i = 2; i < 10; i++) {
		last = now;
		now = nd_router_deadline(&r);
		nd_router_tick(&r, now - 1);
		assert_int_equal(got.sent, i - 1);
		nd_router_tick(&r, now);
		assert_int_equal(got.sent, i);
		if (i <= 3)
			assert_int_equal(now - last, 16 * SECOND);
		else
			assert_in_range(now - last, 200 * SECOND, 600 * SECOND);
	}
	nd_router_stop(&r);
	assert_true(nd_router_deadline(&r) == UINT64_MAX);
}

static void a_solicitation_is_answered_but_a_flood_of_them_is_not(void **unused)
{
	struct nd_advertisement what = example();
	uint8_t packet[ND_PACKET_MAX];
	size_t len = nd_encode_solicitation(host_address, packet, sizeof(packet));
	uint64_t now = 5 * SECOND;
	struct nd_router r;

	(void)unused;
	memset(&got, 0, sizeof(got));
	nd_router_start(&r, &what, router_address, &ops, NULL, now);
	nd_router_receive(&r, packet, len, now);
	nd_router_tick(&r, now);
	assert_int_equal(got.sent, 1); /* at once */
	now += 10 * SECOND;
	for (unsigned int i = 0; i < 60000; i++) { /* a minute, one a millisecond */
		nd_router_receive(&r, packet, len, now + i * 1000ull);
		nd_router_tick(&r, now + i * 1000ull);
	}
	assert_in_range(got.sent, 18, 25);
}

static void a_host_asks_three_times_and_learns(void **unused)
{
	struct nd_advertisement what = example();
	uint8_t packet[ND_PACKET_MAX];
	size_t len = nd_encode_advertisement(&what, router_address, packet, sizeof(packet));
	uint64_t now = 5 * SECOND;
	struct nd_advertisement unused_ra;
	struct nd_host h;

	(void)unused;
	memset(&got, 0, sizeof(got));
	nd_host_start(&h, host_address, &ops, NULL, now);
	assert_int_equal(nd_decode(got.packet, got.len, &unused_ra), ND_SOLICITATION);
	for (unsigned int i = 2; i <= 3; i++) {
		assert_true(nd_host_deadline(&h) == now + 4 * SECOND);
		now += 4 * SECOND;
		nd_host_tick(&h, now);
		assert_int_equal(got.sent, i);
	}
	assert_true(nd_host_deadline(&h) == UINT64_MAX);
	for (unsigned int i = 0; i < 100; i++) /* a second's worth of advertisements */
		nd_host_receive(&h, packet, len, now + i * 10000);
	assert_int_equal(got.learnt, 1);
	assert_memory_equal(&got.ra.prefixes[0], &what.prefixes[0], sizeof(what.prefixes[0]));
	nd_host_receive(&h, packet, len, now + SECOND);
	assert_int_equal(got.learnt, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_advertisement_comes_through_whole),
		cmocka_unit_test(what_is_not_valid_is_nothing),
		cmocka_unit_test(a_router_begins_with_three_and_goes_on_for_ever),
		cmocka_unit_test(a_solicitation_is_answered_but_a_flood_of_them_is_not),
		cmocka_unit_test(a_host_asks_three_times_and_learns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
