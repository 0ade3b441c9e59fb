/*
 * What the kernel does for us: the filter of GRE sockets, attached to a socket pair (any kernel runs it), and the
 * program that steers a TUN device's queues, by the kernel's own test run (where we may).
 */
#include "system/steering.h"

#include "system/bpf.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- GRE sockets ---- */

/* IPv4 with `options` octets of options, then GRE's first 8 octets. */
static size_t gre(uint8_t *p, size_t options, uint8_t version, uint16_t protocol, uint16_t call_id)
{
	uint8_t *g = p + 20 + options;

	memset(p, 0, 100);
	p[0] = (uint8_t)(0x45 + options / 4);
	p[9] = 47;
	g[0] = 0x30;
	g[1] = (uint8_t)(0x80 | version);
	g[2] = (uint8_t)(protocol >> 8);
	g[3] = (uint8_t)protocol;
	g[6] = (uint8_t)(call_id >> 8);
	g[7] = (uint8_t)call_id;
	return 20 + options + 16;
}

static bool passes_these(
	uint32_t shards, bool others, unsigned int count, const uint8_t *packet, size_t len)
{
	uint8_t buf[100];
	ssize_t n;
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, fds), 0);
	assert_int_equal(steering_filter_attach(fds[0], shards, count, others), 0);
	assert_int_equal(send(fds[1], packet, len, 0), len);
	n = recv(fds[0], buf, sizeof(buf), MSG_DONTWAIT);
	assert_true(n < 0 || (size_t)n == len); /* never a part of it */
	close(fds[0]);
	close(fds[1]);
	return n > 0;
}

/* The filter of socket `index` while none rests. */
static bool passes(unsigned int index, unsigned int count, const uint8_t *packet, size_t len)
{
	return passes_these((uint32_t)1 << index, index == 0, count, packet, len);
}

static void one_filter_may_stand_in_for_others(void **state)
{
	uint8_t packet[100];

	(void)state;
	for (uint16_t id = 1; id < 200; id++) {
		size_t len = gre(packet, 0, 1, 0x880b, id);

		assert_int_equal(passes_these(0x80000005, true, 32, packet, len),
			id % 32 == 0 || id % 32 == 2 || id % 32 == 31);
		assert_false(passes_these(0, false, 32, packet, len));
		assert_true(passes_these(7, false, 3, packet, len));
	}
}

static void each_call_passes_one_filter(void **state)
{
	static const uint16_t ids[] = { 0, 1, 2, 3, 255, 256, 0x1234, 0x8000, 0xfffe, 0xffff };
	uint8_t packet[100];

	(void)state;
	for (unsigned int count = 2; count <= 32; count = count * 2 - 1) {
		for (size_t k = 0; k < sizeof(ids) / sizeof(ids[0]); k++) {
			size_t len = gre(packet, k % 3 * 20, 1, 0x880b, ids[k]);

			for (unsigned int i = 0; i < count; i++)
				assert_int_equal(
					passes(i, count, packet, len), ids[k] % count == i);
		}
	}
}

static void what_is_no_pptp_passes_the_first_alone(void **state)
{
	uint8_t packet[100];

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(passes(i, 3, packet, gre(packet, 0, 0, 0x880b, 2)), i == 0);
		assert_int_equal(passes(i, 3, packet, gre(packet, 0, 1, 0x0800, 2)), i == 0);
		assert_int_equal(passes(i, 3, packet, gre(packet, 40, 2, 0x880b, 1)), i == 0);
		/* Too short for a Call ID: at any length. */
		gre(packet, 4, 1, 0x880b, 1);
		for (size_t len = 24; len < 32; len++)
			assert_int_equal(passes(i, 3, packet, len), i == 0);
		assert_int_equal(passes(i, 3, packet, 32), i == 1);
	}
}

/* ---- the TUN device ---- */

static struct steering steering;

static void open_or_skip(void)
{
	int r = steering_open(&steering);

	if (r < 0) {
		printf("# bpf(2): %s\n", strerror(-r));
		skip();
	}
}

static uint32_t queue_of(const uint8_t *packet, uint32_t len)
{
	uint32_t result = 1000;

	assert_int_equal(bpf_program_run(steering.program, packet, len, &result), 0);
	return result;
}

static void an_address_has_its_queue(void **state)
{
	uint8_t v4[60] = { 0x45, [16] = 10, 1, 2, 3 };
	uint8_t v6[60] = { 0x60, [24] = 0xfd, 0, 0, 1, 0, 2, 0, 3, 9, 9, 9, 9, 9, 9, 9, 0x21 };

	(void)state;
	open_or_skip();
	/* Unknown: by the last octet, always the same. */
	assert_int_equal(queue_of(v4, sizeof(v4)), 3);
	assert_int_equal(queue_of(v6, sizeof(v6)), 0x21);
	steering_set(&steering, false, v4 + 16, 7);
	steering_set(&steering, true, v6 + 24, 11);
	assert_int_equal(queue_of(v4, sizeof(v4)), 7);
	assert_int_equal(queue_of(v6, sizeof(v6)), 11);
	v6[33] = 77; /* of the same /64 */
	assert_int_equal(queue_of(v6, sizeof(v6)), 11);
	v6[31] = 4; /* of another one */
	assert_int_equal(queue_of(v6, sizeof(v6)), 0x21);
	v4[18] = 1;
	assert_int_equal(queue_of(v4, sizeof(v4)), 3);
	v4[18] = 2;
	steering_set(&steering, false, v4 + 16, 2);
	assert_int_equal(queue_of(v4, sizeof(v4)), 2);
	steering_set(&steering, false, v4 + 16, -1);
	steering_set(&steering, false, v4 + 16, -1); /* twice is no harm */
	assert_int_equal(queue_of(v4, sizeof(v4)), 3);
	steering_close(&steering);
}

static void what_is_no_ip_or_cut_short_is_for_the_first(void **state)
{
	uint8_t packet[60] = { 0x55, [16] = 10, 1, 2, 3 };

	(void)state;
	open_or_skip();
	assert_int_equal(queue_of(packet, sizeof(packet)), 0);
	packet[0] = 0x45;
	assert_int_equal(queue_of(packet, 19), 0);
	packet[0] = 0x60;
	assert_int_equal(queue_of(packet, 39), 0);
	steering_close(&steering);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_call_passes_one_filter),
		cmocka_unit_test(one_filter_may_stand_in_for_others),
		cmocka_unit_test(what_is_no_pptp_passes_the_first_alone),
		cmocka_unit_test(an_address_has_its_queue),
		cmocka_unit_test(what_is_no_ip_or_cut_short_is_for_the_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
