/* Callback in a PPP link (CBCP, LCP's option 13): its phase, both roles, and peers that do it by halves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/link_pair.h"

static struct pair p;
static unsigned int frames[2]; /* of CBCP, by sender */
static unsigned int lose;      /* of CBCP's frames, by 1 << n: those that are lost */
static bool insists;           /* the server Naks a request without callback */

/*
 * The server as one that insists would be: the client's first request without the option is
 * answered by a Nak that asks for it. Here the Nak is made of our server's Ack.
 */
static bool insist(uint8_t *data, size_t *len)
{
	static const uint8_t nak[] = { 0x0d, 3, 6 };

	if (data[0] != 2 || !insists)
		return true;
	insists = false;
	data[0] = 3;
	data[3] = 4 + sizeof(nak);
	memcpy(data + 4, nak, sizeof(nak));
	*len = 4 + sizeof(nak);
	return true;
}

static bool watch(struct pair *pair, int from, uint16_t protocol, uint8_t *data, size_t *len)
{
	(void)pair;
	if (protocol == PPP_LCP && from == SERVER)
		return insist(data, len);
	if (protocol != PPP_CBCP)
		return true;
	frames[from]++;
	return !(lose >> (frames[0] + frames[1] - 1) & 1);
}

static void prepare(void)
{
	pair_init(&p, 1);
	p.filter = watch;
	p.end[SERVER].config.cbcp = true;
	frames[0] = frames[1] = 0;
	lose = 0;
	insists = true;
}

static void run(void)
{
	pair_open(&p);
	pair_run(&p, 100 * SECOND, true);
	assert_false(p.broken);
}

static void assert_up(void)
{
	assert_true(p.end[SERVER].up && p.end[CLIENT].up);
	assert_true(p.end[SERVER].tx && p.end[SERVER].rx);
	pair_done(&p);
}

static void a_server_that_insists_hears_that_nobody_is_to_be_called(void **unused)
{
	(void)unused;
	prepare();
	run();
	assert_int_equal(frames[SERVER], 2);
	assert_int_equal(frames[CLIENT], 1);
	assert_true(p.now - 1000 * SECOND < SECOND); /* without a timer */
	assert_up();
}

/* Nobody asks, nobody insists: there is no such phase. */
static void without_a_wish_there_is_no_callback(void **unused)
{
	(void)unused;
	prepare();
	insists = false;
	run();
	assert_int_equal(frames[SERVER] + frames[CLIENT], 0);
	assert_up();
}

/* Our server rejects the option where its configuration does not have it. */
static void a_server_without_it_rejects_the_option(void **unused)
{
	(void)unused;
	prepare();
	p.end[SERVER].config.cbcp = false;
	run();
	assert_int_equal(frames[SERVER] + frames[CLIENT], 0);
	assert_up();
}

static void any_of_its_packets_may_be_lost(void **unused)
{
	(void)unused;
	for (unsigned int which = 1; which < 1u << 5; which++) {
		prepare();
		lose = which;
		run();
		assert_true(p.now - 1000 * SECOND < 15 * SECOND);
		assert_up();
	}
}

/* One end never says a word about it: the other goes on without. */
static bool deaf(struct pair *pair, int from, uint16_t protocol, uint8_t *data, size_t *len)
{
	return watch(pair, from, protocol, data, len) && protocol != PPP_CBCP;
}

static void silence_costs_ten_seconds(void **unused)
{
	(void)unused;
	prepare();
	p.filter = deaf;
	run();
	assert_true(p.now - 1000 * SECOND < 11 * SECOND);
	assert_true(frames[SERVER] > 1 && frames[SERVER] < 6);
	assert_up();
}

/* The server wants to call a number of its own. */
static bool calls(struct pair *pair, int from, uint16_t protocol, uint8_t *data, size_t *len)
{
	if (protocol == PPP_CBCP && from == SERVER)
		data[4] = 3;
	return watch(pair, from, protocol, data, len);
}

static void who_insists_on_a_call_gets_none(void **unused)
{
	struct ppp_link_info info;

	(void)unused;
	prepare();
	p.filter = calls;
	run();
	pair_run(&p, 10 * SECOND, false);
	assert_true(p.end[CLIENT].over && !p.end[CLIENT].ups);
	assert_int_equal(p.end[CLIENT].reason, PPTP_LCP_FAILED);
	assert_string_equal(p.end[CLIENT].detail, "the server insists on calling back");
	assert_int_equal(p.end[SERVER].reason, PPTP_PPP_TERMINATED);
	assert_non_null(strstr(p.end[SERVER].detail, "during callback"));
	ppp_link_get_info(p.end[SERVER].link, &info);
	assert_string_equal(ppp_phase_name(info.phase), "dead");
	pair_done(&p);
}

static void it_shows_as_a_phase(void **unused)
{
	struct ppp_link_info info;

	(void)unused;
	prepare();
	p.filter = deaf;
	pair_open(&p);
	pair_run(&p, 3 * SECOND, true);
	for (int i = 0; i < 2; i++) {
		ppp_link_get_info(p.end[i].link, &info);
		assert_string_equal(ppp_phase_name(info.phase), "callback");
		assert_string_equal(info.auth, "MS-CHAPv2");
		assert_false(info.up);
	}
	/* It has not begun with the network, and can be ended. */
	ppp_link_close(p.end[CLIENT].link, PPTP_LOCAL_REQUEST, p.now);
	pair_run(&p, 10 * SECOND, false);
	assert_true(p.end[SERVER].over && p.end[CLIENT].over);
	assert_false(p.broken);
	pair_done(&p);
}

/* A server's set-up time holds over it, too. */
static void the_set_up_time_bounds_it(void **unused)
{
	(void)unused;
	prepare();
	p.filter = deaf;
	p.end[SERVER].config.setup_timeout = p.end[CLIENT].config.setup_timeout = 5 * SECOND;
	run();
	pair_run(&p, 10 * SECOND, false);
	assert_true(p.end[SERVER].over && p.end[CLIENT].over);
	assert_int_equal(p.end[SERVER].reason == PPTP_LCP_TIMEOUT ||
				 p.end[CLIENT].reason == PPTP_LCP_TIMEOUT,
		true);
	pair_done(&p);
}

/* LCP negotiated anew in its midst: all of it comes again. */
static void lcp_anew_begins_it_anew(void **unused)
{
	static const uint8_t request[] = { 1, 77, 0, 14, 1, 4, 5, 0x78, 5, 6, 9, 9, 9, 9 };

	(void)unused;
	prepare();
	p.filter = deaf;
	pair_open(&p);
	pair_run(&p, 3 * SECOND, true);
	p.filter = watch;
	ppp_link_receive(p.end[SERVER].link, PPP_LCP, request, sizeof(request), p.now);
	pair_run(&p, 60 * SECOND, true);
	assert_false(p.broken);
	assert_up();
}

static void bad_paths_end_one_way_or_the_other(void **unused)
{
	(void)unused;
	for (unsigned int seed = 1; seed <= 200; seed++) {
		prepare();
		p.seed += seed * 977;
		p.loss = seed % 40;
		p.dup = seed % 30;
		p.jitter = seed % 3 * 200 * MS;
		run();
		assert_true((p.end[0].up && p.end[1].up) || p.end[0].over || p.end[1].over);
		pair_done(&p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_server_that_insists_hears_that_nobody_is_to_be_called),
		cmocka_unit_test(without_a_wish_there_is_no_callback),
		cmocka_unit_test(a_server_without_it_rejects_the_option),
		cmocka_unit_test(any_of_its_packets_may_be_lost),
		cmocka_unit_test(silence_costs_ten_seconds),
		cmocka_unit_test(who_insists_on_a_call_gets_none),
		cmocka_unit_test(it_shows_as_a_phase),
		cmocka_unit_test(the_set_up_time_bounds_it),
		cmocka_unit_test(lcp_anew_begins_it_anew),
		cmocka_unit_test(bad_paths_end_one_way_or_the_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
