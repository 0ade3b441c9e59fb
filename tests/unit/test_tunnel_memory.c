/*
 * lib/tunnel when there is no memory for the stream of stateful MPPE: nothing passes in clear, and CCP is
 * asked for anew until there are keys.
 */
#include "tests/unit/tunnel_pair.h"

#include <errno.h>
#include <stdbool.h>

static const struct mppe_params stateful128 = { .bits = MPPE_128, .stateless = false };
static bool exhausted;
static uint64_t now;

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);

void *__wrap_malloc(size_t size)
{
	return exhausted ? NULL : __real_malloc(size);
}

/* A data packet of a's comes: is it one for b's owner? */
static bool passes(struct tunnel *a, struct tunnel *b, uint32_t number)
{
	struct packet_list in, done;
	struct packet *p;
	bool passed;

	packet_list_init(&in);
	packet_list_init(&done);
	receive_into(b, seal(a, ip_packet(number, 60), PPP_IP, now), now, &in);
	work(b, &in, &done);
	p = packet_list_take(&done);
	passed = p->verdict == PACKET_DATA && ip_number(p) == number;
	release(p);
	return passed;
}

static void starve(void (*set)(struct tunnel *, const struct mppe_params *, const uint8_t *),
	struct tunnel *t, const uint8_t start[16])
{
	exhausted = true;
	set(t, &stateful128, start);
	exhausted = false;
}

/* The first event comes while CCP negotiates, and is for nobody. */
static void receiving_without_memory_is_told_again(void **state)
{
	struct tunnel a, b;

	(void)state;
	now = 5000 * MS;
	init_pair(&a, &b, &stateful128);
	assert_true(passes(&a, &b, 1));
	starve(tunnel_set_rx, &b, start_a);
	assert_int_equal(tunnel_events(&b), TUNNEL_EVENT_DESYNC);
	assert_false(passes(&a, &b, 2));
	assert_int_equal(tunnel_events(&b), 0); /* not so soon */
	now += TUNNEL_DESYNC_INTERVAL;
	assert_false(passes(&a, &b, 3));
	assert_int_equal(tunnel_events(&b), TUNNEL_EVENT_DESYNC);
	assert_int_equal(counted(&b).drops[TUNNEL_DROP_NOT_OPEN], 2);
	tunnel_set_tx(&a, &stateful128, start_a);
	tunnel_set_rx(&b, &stateful128, start_a);
	assert_true(passes(&a, &b, 4));
	end_pair(&a, &b);
}

static void sending_without_memory_is_told_again(void **state)
{
	struct packet *p = ip_packet(2, 60);
	struct tunnel a, b;

	(void)state;
	now = 5000 * MS;
	init_pair(&a, &b, &stateful128);
	assert_true(passes(&b, &a, 1));
	starve(tunnel_set_tx, &a, start_a);
	assert_int_equal(tunnel_events(&a), TUNNEL_EVENT_DESYNC);
	assert_int_equal(tunnel_seal(&a, p, PPP_IP, now, &batch), -EPERM);
	assert_int_equal(tunnel_events(&a), 0);
	now += TUNNEL_DESYNC_INTERVAL;
	assert_true(passes(&b, &a, 3));
	assert_int_equal(tunnel_seal(&a, p, PPP_IP, now, &batch), -EPERM);
	assert_int_equal(tunnel_events(&a), TUNNEL_EVENT_DESYNC);
	release(p);
	end_pair(&a, &b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(receiving_without_memory_is_told_again),
		cmocka_unit_test(sending_without_memory_is_told_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
