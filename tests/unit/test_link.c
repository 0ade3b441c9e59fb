/*
 * PPP links: our two ends with each other in virtual time (link_pair.h), over good and bad paths
 * and in every combination of policies; and one end against a scripted peer, for what real ones do.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/link_pair.h"

#define RTTS 7 /* round trips from the first request to an open IPCP, at most */

static struct pair p;

static void run(uint64_t time)
{
	pair_open(&p);
	pair_run(&p, time, true);
	assert_false(p.broken);
}

static void assert_up(void)
{
	assert_true(p.end[SERVER].up);
	assert_true(p.end[CLIENT].up);
}

static void assert_over(int end, enum pptp_reason reason, const char *detail)
{
	if (!p.end[end].over || p.end[end].reason != reason || !strstr(p.end[end].detail, detail))
		fail_msg("end %d: over %d, %s, \"%s\"", end, p.end[end].over,
			pptp_reason_name(p.end[end].reason), p.end[end].detail);
	assert_true(ppp_link_deadline(p.end[end].link) == UINT64_MAX);
}

/* Both ends are up and agree. */
static void assert_agreed(bool encrypted)
{
	const struct pair_end *s = &p.end[SERVER], *c = &p.end[CLIENT];

	assert_up();
	assert_int_equal(s->net.local, pair_address(1));
	assert_int_equal(s->net.remote, pair_address(100));
	assert_int_equal(c->net.local, pair_address(100));
	assert_int_equal(c->net.remote, pair_address(1));
	assert_int_equal(s->tx, encrypted);
	assert_int_equal(s->rx, encrypted);
	assert_int_equal(c->tx, encrypted);
	assert_int_equal(c->rx, encrypted);
	if (!encrypted)
		return;
	assert_memory_equal(s->tx_key, c->rx_key, 16);
	assert_memory_equal(s->rx_key, c->tx_key, 16);
	assert_memory_not_equal(s->rx_key, s->tx_key, 16);
	assert_int_equal(s->tx_params.bits, c->rx_params.bits);
	assert_int_equal(s->rx_params.bits, c->tx_params.bits);
	assert_int_equal(s->tx_params.stateless, c->rx_params.stateless);
	assert_int_equal(s->rx_params.stateless, c->tx_params.stateless);
}

/* Our two ends, a good path. */

static void nobody_waits_for_a_timer(void **unused)
{
	/* Who starts how much later; what is sent to an end before it started is lost. */
	static const int64_t later[] = { 0, 1, 50, 200, 290, 310, 1000, 5000 };

	(void)unused;
	for (unsigned int first = 0; first < 2; first++) {
		for (unsigned int i = 0; i < sizeof(later) / sizeof(later[0]); i++) {
			for (uint64_t delay = 0; delay <= 2000 * MS;
				delay = delay ? delay * 10 : 2 * MS) {
				uint64_t start;

				pair_init(&p, 1);
				p.delay = delay;
				p.end[first].start += (uint64_t)later[i] * MS;
				start = p.end[first].start;
				run(100 * SECOND);
				assert_agreed(true);
				if (p.now - start > RTTS * 2 * delay)
					fail_msg("%u later by %d ms, delay %d us: %d us", first,
						(int)later[i], (int)delay, (int)(p.now - start));
				pair_done(&p);
			}
		}
	}
}

static void a_late_verdict_costs_only_its_time(void **unused)
{
	(void)unused;
	pair_init(&p, 1);
	p.judge_delay = 1700 * MS; /* RADIUS */
	run(100 * SECOND);
	assert_agreed(true);
	assert_true(p.now - 1000 * SECOND < p.judge_delay + RTTS * 20 * MS);
	pair_done(&p);
}

static void the_report_says_what_was_agreed(void **unused)
{
	struct ppp_link_info info;

	(void)unused;
	pair_init(&p, 1);
	p.end[CLIENT].config.mru = 1300;
	pair_open(&p);
	ppp_link_get_info(p.end[SERVER].link, &info);
	assert_int_equal(info.phase, PPP_DEAD);
	pair_run(&p, 100 * SECOND, true);
	ppp_link_get_info(p.end[SERVER].link, &info);
	assert_int_equal(info.phase, PPP_NETWORK);
	assert_true(info.up && info.tx_encrypted && info.rx_encrypted);
	assert_string_equal(info.auth, "MS-CHAPv2");
	assert_string_equal(info.peer_name, "alice");
	assert_int_equal(info.mppe.bits, MPPE_128);
	assert_int_equal(info.mru, 1400);
	assert_int_equal(info.peer_mru, 1300);
	assert_int_equal(info.net.remote, pair_address(100));
	assert_true(info.received > 5);
	assert_int_equal(p.end[SERVER].peer_mru, 1300);
	assert_true(p.end[SERVER].acfc && p.end[SERVER].pfc);
	ppp_link_get_info(p.end[CLIENT].link, &info);
	assert_string_equal(info.peer_name, "vpn");
	assert_int_equal(info.mru, 1300);
	assert_int_equal(info.peer_mru, 1300);
	assert_int_equal(info.net.dns[0], pair_address(53));
	assert_int_equal(info.net.nbns[0], 0);
	pair_run(&p, 40 * SECOND, false); /* an echo */
	ppp_link_get_info(p.end[CLIENT].link, &info);
	assert_int_equal(info.echo_rtt, 20 * MS);
	assert_string_equal(ppp_phase_name(PPP_NETWORK), "network");
	pair_done(&p);
}

/* Every combination of policy, strengths and modes. */

static unsigned int best(unsigned int set)
{
	return set & PPP_MPPE_128 ? 128 : set & PPP_MPPE_56 ? 56 : set & PPP_MPPE_40 ? 40 : 0;
}

static bool modes_meet(const struct ppp_mppe_config *a, const struct ppp_mppe_config *b)
{
	return (a->allow_stateless && b->allow_stateless) ||
	       (a->allow_stateful && b->allow_stateful);
}

static void check_policies(const struct ppp_mppe_config *s, const struct ppp_mppe_config *c)
{
	unsigned int common = best(s->strengths & c->strengths);
	bool possible = common && modes_meet(s, c) && s->policy != PPP_MPPE_OFF &&
			c->policy != PPP_MPPE_OFF;
	bool required = s->policy == PPP_MPPE_REQUIRE || c->policy == PPP_MPPE_REQUIRE;

	pair_init(&p, 5);
	p.end[SERVER].config.mppe = *s;
	p.end[CLIENT].config.mppe = *c;
	run(100 * SECOND);
	if (possible || !required) {
		assert_agreed(possible);
		if (possible) {
			assert_int_equal(p.end[SERVER].tx_params.bits, common);
			assert_int_equal(p.end[SERVER].rx_params.bits, common);
		}
		assert_true(p.now - 1000 * SECOND < 400 * MS);
	} else {
		for (int i = 0; i < 2; i++) {
			assert_true(p.end[i].over);
			assert_int_equal(p.end[i].ups, 0);
			if (p.end[i].config.mppe.policy == PPP_MPPE_REQUIRE)
				assert_int_equal(p.end[i].reason, PPTP_MPPE_REFUSED);
			else
				assert_int_equal(p.end[i].reason, PPTP_MPPE_REQUIRED_BY_PEER);
		}
	}
	pair_done(&p);
}

static void every_policy_meets_every_other(void **unused)
{
	struct ppp_mppe_config ends[3 * 7 * 3];
	unsigned int n = 0;

	(void)unused;
	for (unsigned int policy = PPP_MPPE_OFF; policy <= PPP_MPPE_REQUIRE; policy++) {
		for (unsigned int set = 1; set < 8; set++) {
			for (unsigned int modes = 1; modes < 4; modes++)
				ends[n++] = (struct ppp_mppe_config){ .policy = policy,
					.strengths = set,
					.allow_stateless = modes & 1,
					.allow_stateful = modes & 2 };
		}
	}
	for (unsigned int s = 0; s < n; s++) {
		for (unsigned int c = 0; c < n; c++)
			check_policies(&ends[s], &ends[c]);
	}
}

/* How authentication ends. */

static void a_wrong_password_is_said_at_both_ends(void **unused)
{
	(void)unused;
	pair_init(&p, 1);
	p.end[CLIENT].config.password = "wrong";
	run(100 * SECOND);
	assert_over(SERVER, PPTP_AUTH_FAILED, "");
	assert_over(CLIENT, PPTP_AUTH_FAILED, "");
	assert_true(p.now - 1000 * SECOND < SECOND);
	pair_done(&p);
}

static void a_judge_that_says_nothing_ends_in_time(void **unused)
{
	(void)unused;
	pair_init(&p, 1);
	p.no_verdict = true;
	p.end[CLIENT].config.setup_timeout = 20 * SECOND;
	run(200 * SECOND);
	assert_over(CLIENT, PPTP_AUTH_TIMEOUT, "");
	assert_over(SERVER, PPTP_PPP_TERMINATED,
		"during authentication: authentication was not finished");
	pair_done(&p);
}

static void no_address_is_the_end(void **unused)
{
	(void)unused;
	pair_init(&p, 1);
	p.assign.remote = 0;
	run(100 * SECOND);
	assert_over(SERVER, PPTP_NO_ADDRESS, "");
	assert_over(CLIENT, PPTP_PPP_TERMINATED, "the address pool is empty");
	pair_done(&p);
}

/* Closing. */

static void closing_takes_a_round_trip(void **unused)
{
	(void)unused;
	for (int end = 0; end < 2; end++) {
		uint64_t start;

		pair_init(&p, 1);
		run(100 * SECOND);
		start = p.now;
		ppp_link_close(p.end[end].link, PPTP_ADMIN, p.now);
		assert_false(p.end[end].up);
		pair_run(&p, 100 * SECOND, true);
		assert_over(end, PPTP_ADMIN, "");
		assert_over(!end, PPTP_PPP_TERMINATED, pptp_reason_text(PPTP_ADMIN));
		assert_int_equal(p.now, start + 20 * MS);
		assert_int_equal(p.end[0].downs, 1);
		assert_int_equal(p.end[1].downs, 1);
		pair_done(&p);
	}
}

static void closing_of_both_at_once_ends(void **unused)
{
	(void)unused;
	pair_init(&p, 1);
	run(100 * SECOND);
	ppp_link_close(p.end[0].link, PPTP_ADMIN, p.now);
	ppp_link_close(p.end[1].link, PPTP_LOCAL_REQUEST, p.now);
	ppp_link_close(p.end[1].link, PPTP_SHUTDOWN, p.now); /* the first one counts */
	pair_run(&p, 100 * SECOND, true);
	assert_over(0, PPTP_ADMIN, "");
	assert_over(1, PPTP_LOCAL_REQUEST, "");
	pair_done(&p);
}

static void closing_without_an_answer_takes_three_seconds(void **unused)
{
	(void)unused;
	pair_init(&p, 1);
	run(100 * SECOND);
	p.loss = 100;
	ppp_link_close(p.end[CLIENT].link, PPTP_LOCAL_REQUEST, p.now);
	p.end[SERVER].sent[0] = p.end[CLIENT].sent[0] = 0;
	pair_run(&p, 300 * SECOND, true);
	pair_run(&p, 300 * SECOND, false);
	assert_over(CLIENT, PPTP_LOCAL_REQUEST, "");
	assert_int_equal(p.end[CLIENT].sent[0], 2); /* and the one before */
	/* The server notices by its echoes: 30 s of silence, four echoes. */
	assert_over(SERVER, PPTP_LCP_ECHO_TIMEOUT, "");
	assert_int_equal(p.end[SERVER].sent[0], 4);
	pair_done(&p);
}

static void closing_before_anything_came_is_at_once(void **unused)
{
	(void)unused;
	pair_init(&p, 1);
	p.loss = 100;
	pair_open(&p);
	pair_run(&p, 100 * MS, false);
	ppp_link_close(p.end[CLIENT].link, PPTP_LOCAL_REQUEST, p.now);
	assert_over(CLIENT, PPTP_LOCAL_REQUEST, "");
	ppp_link_close(
		p.end[CLIENT].link, PPTP_LOCAL_REQUEST, p.now); /* nothing happens any more */
	ppp_link_receive(p.end[CLIENT].link, PPP_LCP, (const uint8_t *)"\1\1\0\4", 4, p.now);
	ppp_link_tick(p.end[CLIENT].link, p.now + 100 * SECOND);
	ppp_link_lower_down(p.end[CLIENT].link, PPTP_SYSTEM, "", p.now);
	assert_false(p.broken);
	pair_done(&p);
}

static void the_lower_layer_ends_it_at_once(void **unused)
{
	(void)unused;
	for (unsigned int closing = 0; closing < 2; closing++) {
		pair_init(&p, 1);
		run(100 * SECOND);
		if (closing)
			ppp_link_close(p.end[CLIENT].link, PPTP_ADMIN, p.now);
		ppp_link_lower_down(p.end[CLIENT].link, PPTP_TCP_CLOSED, "reset", p.now);
		if (closing)
			assert_over(CLIENT, PPTP_ADMIN, "");
		else
			assert_over(CLIENT, PPTP_TCP_CLOSED, "reset");
		assert_int_equal(p.end[CLIENT].downs, 1);
		assert_false(p.broken);
		pair_done(&p);
	}
}

static void it_can_end_before_it_started(void **unused)
{
	(void)unused;
	pair_init(&p, 1);
	pair_open(&p);
	ppp_link_receive(p.end[0].link, PPP_LCP, (const uint8_t *)"\1\1\0\4", 4, p.now);
	ppp_link_close(p.end[0].link, PPTP_NONE, p.now);
	assert_over(0, PPTP_LOCAL_REQUEST, "");
	ppp_link_lower_down(p.end[1].link, PPTP_CALL_REFUSED, NULL, p.now);
	assert_over(1, PPTP_CALL_REFUSED, "");
	pair_done(&p);
	ppp_link_free(NULL);
}

/* Silence. */

static void no_frame_at_all_is_gre(void **unused)
{
	(void)unused;
	pair_init(&p, 1);
	p.loss = 100;
	run(100 * SECOND);
	assert_over(SERVER, PPTP_GRE_SILENT, "");
	assert_over(CLIENT, PPTP_GRE_SILENT, "");
	assert_true(p.now - 1000 * SECOND < 30 * SECOND);
	pair_done(&p);
}

static void setup_time_bounds_silence(void **unused)
{
	(void)unused;
	pair_init(&p, 1);
	p.loss = 100;
	p.end[CLIENT].config.setup_timeout = 7 * SECOND;
	pair_open(&p);
	pair_run(&p, 8 * SECOND, false);
	assert_over(CLIENT, PPTP_GRE_SILENT, "");
	pair_done(&p);
}

/* One protocol's packets of one end are lost: what is the reason then? */
static uint16_t lost_protocol;
static int lost_from;

static bool lose(struct pair *pair, int from, uint16_t protocol, uint8_t *data, size_t *len)
{
	(void)pair;
	(void)len;
	if (protocol == PPP_LCP && lost_protocol == PPP_LCP)
		return from != lost_from || data[0] == 2 || data[0] == 9;
	return protocol != lost_protocol || (lost_from >= 0 && from != lost_from);
}

static void the_stage_that_hangs_names_the_reason(void **unused)
{
	static const struct {
		uint16_t protocol;
		int from;
		enum pptp_reason reason; /* of whoever is the first to give up */
	} cases[] = {
		{ PPP_CHAP, SERVER, PPTP_AUTH_TIMEOUT },
		{ PPP_CHAP, CLIENT, PPTP_AUTH_TIMEOUT },
		{ PPP_CCP, -1, PPTP_CCP_TIMEOUT },
		{ PPP_IPCP, -1, PPTP_IPCP_TIMEOUT },
	};

	(void)unused;
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		pair_init(&p, 1);
		p.filter = lose;
		lost_protocol = cases[i].protocol;
		lost_from = cases[i].from;
		run(200 * SECOND);
		for (int end = 0; end < 2; end++) {
			assert_true(p.end[end].over);
			if (p.end[end].reason != cases[i].reason &&
				(end == SERVER || p.end[end].reason != PPTP_PPP_TERMINATED))
				fail_msg("case %u end %d: %s (%s)", i, end,
					pptp_reason_name(p.end[end].reason), p.end[end].detail);
		}
		assert_true(p.now - 1000 * SECOND <= 64 * SECOND);
		pair_done(&p);
	}
}

static void half_an_lcp_is_a_timeout_of_lcp(void **unused)
{
	(void)unused;
	pair_init(&p, 1);
	p.filter = lose;
	lost_protocol = PPP_LCP;
	lost_from = CLIENT; /* its Acks get through, its Requests do not */
	run(200 * SECOND);
	assert_over(SERVER, PPTP_LCP_TIMEOUT, "");
	pair_done(&p);
}

/* Bad paths. */

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

/* Encryption out of step. */

static void desync_opens_ccp_anew(void **unused)
{
	(void)unused;
	for (int end = 0; end < 2; end++) {
		pair_init(&p, 1);
		run(100 * SECOND);
		ppp_link_desync(p.end[end].link, p.now);
		assert_false(p.end[end].up); /* no data until it is mended */
		assert_false(p.end[end].tx || p.end[end].rx);
		pair_run(&p, SECOND, false);
		assert_agreed(true);
		assert_int_equal(p.end[0].ups, 2);
		assert_int_equal(p.end[1].ups, 2);
		assert_int_equal(p.end[!end].downs, 1);
		pair_done(&p);
	}
}

static void desync_again_and_again_is_the_end(void **unused)
{
	(void)unused;
	pair_init(&p, 1);
	run(100 * SECOND);
	for (unsigned int i = 0; i < 4; i++) {
		assert_true(p.end[CLIENT].up);
		ppp_link_desync(p.end[CLIENT].link, p.now);
		pair_run(&p, SECOND, false);
	}
	assert_over(CLIENT, PPTP_MPPE_DESYNC, "");
	assert_true(p.end[SERVER].over);
	pair_done(&p);

	pair_init(&p, 1); /* now and then is none */
	run(100 * SECOND);
	for (unsigned int i = 0; i < 10; i++) {
		ppp_link_desync(p.end[CLIENT].link, p.now);
		pair_run(&p, 100 * SECOND, false);
		assert_agreed(true);
	}
	pair_done(&p);
}

static void desync_without_an_answer_ends_in_time(void **unused)
{
	uint64_t start;

	(void)unused;
	pair_init(&p, 1);
	run(100 * SECOND);
	p.filter = lose;
	lost_protocol = PPP_CCP;
	lost_from = -1;
	start = p.now;
	ppp_link_desync(p.end[CLIENT].link, p.now);
	pair_run(&p, 100 * SECOND, false);
	assert_over(CLIENT, PPTP_MPPE_DESYNC, "");
	assert_true(p.end[CLIENT].over_at - start < 15 * SECOND);
	pair_done(&p);
}

static void reset_requests_reach_the_sender(void **unused)
{
	(void)unused;
	pair_init(&p, 1);
	for (int i = 0; i < 2; i++) {
		p.end[i].config.mppe.allow_stateless = false;
		p.end[i].config.mppe.allow_stateful = true;
	}
	run(100 * SECOND);
	assert_agreed(true);
	assert_false(p.end[0].tx_params.stateless);
	ppp_link_want_reset(p.end[CLIENT].link, p.now);
	pair_run(&p, SECOND, false);
	assert_int_equal(p.end[SERVER].resets, 1);
	assert_int_equal(p.end[CLIENT].resets, 0);
	assert_up();
	pair_done(&p);
}

/* Echo. */

static void data_spares_the_echoes(void **unused)
{
	(void)unused;
	pair_init(&p, 1);
	run(100 * SECOND);
	p.end[0].sent[0] = p.end[1].sent[0] = 0;
	for (unsigned int i = 0; i < 20; i++) {
		pair_run(&p, 20 * SECOND, false);
		ppp_link_alive(p.end[0].link, p.now);
		ppp_link_alive(p.end[1].link, p.now);
	}
	assert_int_equal(p.end[0].sent[0] + p.end[1].sent[0], 0);
	pair_run(&p, 100 * SECOND, false);
	assert_true(p.end[0].sent[0] + p.end[1].sent[0] > 0);
	assert_up();
	pair_done(&p);
}

/* The data plane tells when it last heard something, again and again. */
static void old_news_are_no_sign_of_life(void **unused)
{
	uint64_t last;

	(void)unused;
	pair_init(&p, 1);
	run(100 * SECOND);
	last = p.now;
	p.loss = 100;
	for (unsigned int i = 0; i < 300 && !p.end[0].over; i++) {
		pair_run(&p, SECOND, false);
		ppp_link_alive(p.end[0].link, last);
		ppp_link_alive(p.end[0].link, last / 2);
	}
	assert_over(SERVER, PPTP_LCP_ECHO_TIMEOUT, "");
	pair_done(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_waits_for_a_timer),
		cmocka_unit_test(a_late_verdict_costs_only_its_time),
		cmocka_unit_test(the_report_says_what_was_agreed),
		cmocka_unit_test(every_policy_meets_every_other),
		cmocka_unit_test(a_wrong_password_is_said_at_both_ends),
		cmocka_unit_test(a_judge_that_says_nothing_ends_in_time),
		cmocka_unit_test(no_address_is_the_end),
		cmocka_unit_test(closing_takes_a_round_trip),
		cmocka_unit_test(closing_of_both_at_once_ends),
		cmocka_unit_test(closing_without_an_answer_takes_three_seconds),
		cmocka_unit_test(closing_before_anything_came_is_at_once),
		cmocka_unit_test(the_lower_layer_ends_it_at_once),
		cmocka_unit_test(it_can_end_before_it_started),
		cmocka_unit_test(no_frame_at_all_is_gre),
		cmocka_unit_test(setup_time_bounds_silence),
		cmocka_unit_test(the_stage_that_hangs_names_the_reason),
		cmocka_unit_test(half_an_lcp_is_a_timeout_of_lcp),
		cmocka_unit_test(bad_paths_end_one_way_or_the_other),
		cmocka_unit_test(slow_paths_do_not_flap),
		cmocka_unit_test(rejections_do_not_go_back_and_forth),
		cmocka_unit_test(nobody_on_the_path_gets_data_in_clear),
		cmocka_unit_test(desync_opens_ccp_anew),
		cmocka_unit_test(desync_again_and_again_is_the_end),
		cmocka_unit_test(desync_without_an_answer_ends_in_time),
		cmocka_unit_test(reset_requests_reach_the_sender),
		cmocka_unit_test(data_spares_the_echoes),
		cmocka_unit_test(old_news_are_no_sign_of_life),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
