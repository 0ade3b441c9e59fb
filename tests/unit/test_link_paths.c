/* PPP links over bad paths, also with somebody on them. */
#include "tests/unit/link_run.h"

static void bad_paths_end_one_way_or_the_other(void **unused)
{
	unsigned int up = 0, runs = 600;

	(void)unused;
	for (unsigned int seed = 1; seed <= runs; seed++) {
		pair_init(&p, seed);
		p.loss = (unsigned int)(pair_random(&p) % 25);
		p.dup = (unsigned int)(pair_random(&p) % 20);
		p.delay = pair_random(&p) % (400 * MS);
		p.jitter = 1 + pair_random(&p) % (500 * MS);
		p.judge_delay = pair_random(&p) % 3 ? 0 : pair_random(&p) % SECOND;
		p.end[seed & 1].start += pair_random(&p) % (2 * SECOND);
		for (int i = 0; i < 2; i++)
			p.end[i].config.mppe.policy =
				pair_random(&p) % 4 ? PPP_MPPE_REQUIRE : PPP_MPPE_PREFER;
		pair_open(&p);
		pair_run(&p, 130 * SECOND, false);
		if (p.broken)
			fail_msg("seed %u", seed);
		for (int i = 0; i < 2; i++) {
			if (!p.end[i].up && !p.end[i].over)
				fail_msg("seed %u: end %d is neither up nor over", seed, i);
		}
		up += p.end[0].up && p.end[1].up;
		if (p.end[0].up && p.end[1].up && p.end[0].tx) {
			assert_memory_equal(p.end[0].tx_key, p.end[1].rx_key, 16);
			assert_memory_equal(p.end[1].tx_key, p.end[0].rx_key, 16);
		}
		/* One end alone does not stay for ever. */
		if (p.end[0].up != p.end[1].up) {
			pair_run(&p, 300 * SECOND, true);
			assert_true(p.end[0].over && p.end[1].over);
		}
		pair_done(&p);
	}
	assert_true(up > runs * 9 / 10);
}

/* On a path without faults but a round trip of seconds, nothing is renegotiated. */
static void slow_paths_do_not_flap(void **unused)
{
	(void)unused;
	for (uint64_t delay = 100 * MS; delay < 1400 * MS; delay += 70 * MS) {
		pair_init(&p, 1);
		p.delay = delay;
		run(100 * SECOND);
		assert_agreed(true);
		pair_run(&p, 20 * SECOND, false);
		assert_int_equal(p.end[0].ups, 1);
		assert_int_equal(p.end[1].ups, 1);
		assert_int_equal(p.end[0].sent[1], 2); /* one Challenge, one Success */
		pair_done(&p);
	}
}

/* What one end does not know makes one rejection, not a conversation. */
static void rejections_do_not_go_back_and_forth(void **unused)
{
	static const struct {
		uint16_t protocol;
		uint8_t packet[8];
	} frames[] = {
		{ PPP_LCP, { 99, 1, 0, 8, 1, 2, 3, 4 } },
		{ PPP_LCP, { 0, 1, 0, 8, 1, 2, 3, 4 } },
		{ PPP_CCP, { 99, 1, 0, 8, 1, 2, 3, 4 } },
		{ PPP_CCP, { 8, 1, 0, 8, 0x80, 0x57, 3, 4 } },
		{ PPP_IPCP, { 12, 1, 0, 8, 1, 2, 3, 4 } },
		{ PPP_IPCP, { 9, 1, 0, 8, 1, 2, 3, 4 } },
		{ PPP_IPV6CP, { 1, 1, 0, 8, 1, 2, 3, 4 } },
		{ PPP_EAP, { 2, 1, 0, 8, 1, 2, 3, 4 } },
		{ PPP_LCP, { 7, 1, 0, 8, 99, 2, 0, 4 } },
		{ PPP_LCP, { 8, 1, 0, 8, 0x80, 0x57, 0, 4 } },
		{ PPP_CHAP, { 9, 1, 0, 8, 1, 2, 3, 4 } },
	};

	(void)unused;
	for (unsigned int i = 0; i < 2 * sizeof(frames) / sizeof(frames[0]); i++) {
		unsigned int before = 0, after = 0;

		pair_init(&p, 1);
		run(100 * SECOND);
		pair_run(&p, SECOND, false);
		for (unsigned int n = 0; n < 8; n++)
			before += p.end[n & 1].sent[n / 2];
		ppp_link_receive(
			p.end[i & 1].link, frames[i / 2].protocol, frames[i / 2].packet, 8, p.now);
		pair_run(&p, 10 * SECOND, false);
		for (unsigned int n = 0; n < 8; n++)
			after += p.end[n & 1].sent[n / 2];
		assert_true(after <= before + 1);
		assert_true(p.end[0].up && p.end[1].up);
		pair_done(&p);
	}
}

/* Takes an option out of a list, if it is there. */
static void without_option(uint8_t *data, size_t *len, uint8_t type)
{
	for (size_t at = 4; at + 2 <= *len && data[at + 1] >= 2; at += data[at + 1]) {
		size_t size = data[at + 1];

		if (data[at] != type || at + size > *len)
			continue;
		memmove(data + at, data + at + size, *len - at - size);
		*len -= size;
		data[2] = (uint8_t)(*len >> 8);
		data[3] = (uint8_t)*len;
		return;
	}
}

/* Somebody on the path, who would like the data in clear, with weak keys, or from himself. */
static bool man_in_the_middle(
	struct pair *pair, int from, uint16_t protocol, uint8_t *data, size_t *len)
{
	static const uint8_t weak[][4] = { { 1, 0, 0, 0x20 }, { 0, 0, 0, 0x20 }, { 1, 0, 0, 0x80 },
		{ 0, 0, 0, 0 }, { 1, 0, 0, 0x60 }, { 0, 0, 0, 0x40 }, { 1, 0, 0, 0x40 } };
	uint64_t r = pair_random(pair);

	(void)from;
	if (r % 3)
		return true;
	r /= 3;
	if (protocol == PPP_CCP && *len >= 10)
		memcpy(data + 6, weak[r % 7], 4);
	r /= 7;
	switch (r % 8) {
	case 0:
		return protocol != PPP_CCP;
	case 1:
		without_option(data, len, protocol == PPP_LCP ? 3 : 18);
		break;
	case 2:
		data[0] =
			(uint8_t)(2 + r / 8 % 3); /* Ack, Nak, Reject; Response, Success, Failure */
		break;
	case 3:
		data[*len - 1 - r / 8 % *len] ^= (uint8_t)(1u << r % 7);
		break;
	default:
		break;
	}
	return true;
}

static void nobody_on_the_path_gets_data_in_clear(void **unused)
{
	unsigned int up = 0;

	(void)unused;
	for (uint64_t seed = 1; seed <= 1500; seed++) {
		pair_init(&p, seed);
		p.filter = man_in_the_middle;
		pair_open(&p);
		pair_run(&p, 100 * SECOND, false);
		assert_false(p.broken);
		for (int i = 0; i < 2; i++) {
			const struct pair_end *e = &p.end[i];

			if (!e->ups)
				continue;
			up++;
			assert_int_equal(e->tx_params.bits, 128);
			assert_int_equal(e->rx_params.bits, 128);
		}
		if (p.end[0].up && p.end[1].up) {
			assert_memory_equal(p.end[0].tx_key, p.end[1].rx_key, 16);
			assert_memory_equal(p.end[1].tx_key, p.end[0].rx_key, 16);
		}
		pair_done(&p);
	}
	assert_in_range(up, 10, 2990); /* he lets some through, and breaks others */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_paths_end_one_way_or_the_other),
		cmocka_unit_test(slow_paths_do_not_flap),
		cmocka_unit_test(rejections_do_not_go_back_and_forth),
		cmocka_unit_test(nobody_on_the_path_gets_data_in_clear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
