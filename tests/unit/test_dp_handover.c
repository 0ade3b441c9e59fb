/* The ring between two workers: order, room, its end, and two threads at once. */
#include "dataplane/handover.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const struct vnet lone = { .kind = VNET_LONE };

static void fill(uint8_t *data, uint32_t len, uint32_t number)
{
	for (uint32_t i = 0; i < len; i++)
		data[i] = (uint8_t)(number * 31 + i * 7);
}

static bool is_filled(const uint8_t *data, uint32_t len, uint32_t number)
{
	for (uint32_t i = 0; i < len; i++) {
		if (data[i] != (uint8_t)(number * 31 + i * 7))
			return false;
	}
	return true;
}

static void records_come_in_order_and_only_when_published(void **state)
{
	static const struct vnet super = { .kind = VNET_TCP4, .size = 1300, .headers = 40 };
	const struct handover_record *r;
	const uint8_t *data;
	struct handover h;

	(void)state;
	assert_int_equal(handover_init(&h), 0);
	assert_null(handover_peek(&h, &data));
	assert_int_equal(handover_put(&h, HANDOVER_INNER, &super, (const uint8_t *)"one", 3), 0);
	assert_int_equal(handover_put(&h, HANDOVER_GRE, &lone, (const uint8_t *)"second", 6), 0);
	assert_null(handover_peek(&h, &data));
	handover_publish(&h);
	r = handover_peek(&h, &data);
	assert_non_null(r);
	assert_int_equal(r->kind, HANDOVER_INNER);
	assert_int_equal(r->len, 3);
	assert_int_equal(r->vnet.kind, VNET_TCP4);
	assert_int_equal(r->vnet.size, 1300);
	assert_memory_equal(data, "one", 3);
	assert_ptr_equal(handover_peek(&h, &data), r);
	handover_next(&h);
	r = handover_peek(&h, &data);
	assert_non_null(r);
	assert_int_equal(r->kind, HANDOVER_GRE);
	assert_memory_equal(data, "second", 6);
	handover_next(&h);
	assert_null(handover_peek(&h, &data));
	handover_done(&h);
}

static void a_full_ring_refuses_and_takes_again_when_read(void **state)
{
	static uint8_t packet[65536];
	const uint8_t *data;
	struct handover h;
	uint32_t put = 0, got = 0;

	(void)state;
	assert_int_equal(handover_init(&h), 0);
	for (int round = 0; round < 20; round++) {
		const struct handover_record *r;
		int n;

		for (;;) {
			uint32_t len = put % 5 ? 1 + put * 977 % 2000 : 65536;

			fill(packet, len, put);
			n = handover_put(&h, HANDOVER_INNER, &lone, packet, len);
			if (n < 0)
				break;
			put++;
		}
		assert_int_equal(n, -ENOBUFS);
		handover_publish(&h);
		/* Not all of it, so that the ring's end comes everywhere. */
		for (int i = 0; i < 3 + round % 7 && (r = handover_peek(&h, &data)) != NULL; i++) {
			assert_int_equal(r->len, got % 5 ? 1 + got * 977 % 2000 : 65536);
			assert_true(is_filled(data, r->len, got));
			handover_next(&h);
			got++;
		}
	}
	assert_true(put > 100);
	while (handover_peek(&h, &data)) {
		assert_true(is_filled(data, got % 5 ? 1 + got * 977 % 2000 : 65536, got));
		handover_next(&h);
		got++;
	}
	assert_int_equal(got, put);
	handover_done(&h);
}

#define RACE 100000u

static void *writer(void *arg)
{
	struct handover *h = arg;
	uint8_t packet[1500];

	for (uint32_t i = 0; i < RACE; i++) {
		uint32_t len = 1 + i * 977 % 1500;

		fill(packet, len, i);
		while (handover_put(h, HANDOVER_INNER, &lone, packet, len) < 0) {
			handover_publish(h);
			sched_yield();
		}
		if (i % 17 == 0)
			handover_publish(h);
	}
	handover_publish(h);
	return NULL;
}

static void two_threads_see_the_same(void **state)
{
	pthread_t thread;
	struct handover h;
	uint32_t wrong = 0;

	(void)state;
	assert_int_equal(handover_init(&h), 0);
	assert_int_equal(pthread_create(&thread, NULL, writer, &h), 0);
	for (uint32_t i = 0; i < RACE; i++) {
		const struct handover_record *r;
		const uint8_t *data;

		while ((r = handover_peek(&h, &data)) == NULL)
			sched_yield();
		wrong += r->len != 1 + i * 977 % 1500 || !is_filled(data, r->len, i);
		handover_next(&h);
	}
	pthread_join(thread, NULL);
	assert_int_equal(wrong, 0);
	handover_done(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_come_in_order_and_only_when_published),
		cmocka_unit_test(a_full_ring_refuses_and_takes_again_when_read),
		cmocka_unit_test(two_threads_see_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
