/*
 * One end of a PPP link, whose CCP goes down, comes late or never: no data in clear, nor for ever
 * none.
 */
#include "tests/unit/link_script.h"

static void terminated_ccp_stops_data_at_once(void **unused)
{
	(void)unused;
	up_as(CLIENT, PPP_MPPE_REQUIRE);
	peer(PPP_CCP, "05 07 0004");
	assert_false(p.end[CLIENT].up || p.end[CLIENT].tx || p.end[CLIENT].rx);
	expect(PPP_CCP, "06 07 0004");
	expect_code(PPP_LCP, 5);
	peer(PPP_LCP, "06 02 0004");
	assert_true(p.end[CLIENT].over);
	assert_int_equal(p.end[CLIENT].reason, PPTP_MPPE_REFUSED);
	pair_done(&p);

	/* One forged packet must not lay open what was encrypted, required or not. */
	up_as(CLIENT, PPP_MPPE_PREFER);
	peer(PPP_CCP, "05 07 0004");
	assert_false(p.end[CLIENT].up || p.end[CLIENT].tx || p.end[CLIENT].rx);
	expect(PPP_CCP, "06 07 0004");
	expect_code(PPP_LCP, 5);
	peer(PPP_LCP, "06 02 0004");
	assert_int_equal(p.end[CLIENT].reason, PPTP_MPPE_DESYNC);
	assert_int_equal(p.end[CLIENT].ups, 1);
	pair_done(&p);
}

static bool without_ccp(struct pair *pair, int from, uint16_t protocol, uint8_t *data, size_t *len)
{
	(void)pair;
	(void)from;
	(void)data;
	(void)len;
	return protocol != PPP_CCP;
}

/* Nor may somebody on the path have LCP negotiated anew, and then no CCP. */
static void what_was_encrypted_stays_so_when_lcp_is_negotiated_anew(void **unused)
{
	(void)unused;
	up_as(CLIENT, PPP_MPPE_PREFER);
	p.filter = without_ccp;
	peer(PPP_LCP, "01 99 000f 050600000001 0305c22381");
	assert_false(p.end[CLIENT].up);
	pair_run(&p, 100 * SECOND, false);
	for (int i = 0; i < 2; i++) {
		assert_true(p.end[i].over);
		assert_int_equal(p.end[i].ups, 1);
	}
	assert_false(p.broken);
	pair_done(&p);
}

static void a_ccp_that_does_not_come_back_ends_the_link(void **unused)
{
	(void)unused;
	up_as(CLIENT, PPP_MPPE_REQUIRE);
	peer(PPP_CCP, "01 77 000a 1206 01000040");
	assert_false(p.end[CLIENT].up);
	pair_run(&p, 20 * SECOND, false);
	assert_true(p.end[CLIENT].over);
	assert_int_equal(p.end[CLIENT].reason, PPTP_CCP_TIMEOUT);
	assert_false(p.broken);
	pair_done(&p);
}

static void a_silent_ccp_holds_what_only_prefers_it_for_seconds(void **unused)
{
	(void)unused;
	server_alone(PPP_MPPE_PREFER);
	lcp_of_windows();
	response_of_windows();
	expect_code(PPP_CHAP, 3);
	expect_code(PPP_CCP, 1);
	peer(PPP_IPCP, "01 06 000a 03060a620064");
	nothing();
	pair_run(&p, 5 * SECOND, false);
	expect_code(PPP_CCP, 1);
	expect(PPP_IPCP, "01 01 000a 03060a620001");
	expect(PPP_IPCP, "02 06 000a 03060a620064");
	peer(PPP_IPCP, "02 01 000a 03060a620001");
	assert_true(p.end[SERVER].up);
	/* It comes after all. */
	peer(PPP_CCP, "02 01 000a 1206 01000040");
	peer(PPP_CCP, "01 01 000a 1206 01000040");
	assert_true(p.end[SERVER].up && p.end[SERVER].tx && p.end[SERVER].rx);
	pair_done(&p);
}

/* Preferred: with reception switched on, clear data is refused, so neither end may send any. */
static void half_of_ccp_holds_data_until_it_is_decided(void **unused)
{
	(void)unused;
	server_alone(PPP_MPPE_PREFER);
	lcp_of_windows();
	response_of_windows();
	expect_code(PPP_CHAP, 3);
	expect_code(PPP_CCP, 1);
	peer(PPP_CCP, "01 01 000a 1206 01000040"); /* but it does not answer ours */
	assert_true(p.end[SERVER].rx && !p.end[SERVER].tx);
	pair_run(&p, 5 * SECOND, false);
	peer(PPP_IPCP, "01 06 000a 03060a620064");
	peer(PPP_IPCP, "02 01 000a 03060a620001");
	assert_false(p.end[SERVER].up);
	pair_run(&p, 30 * SECOND, false); /* CCP is given up */
	assert_true(p.end[SERVER].up && !p.end[SERVER].rx && !p.broken);
	pair_done(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(terminated_ccp_stops_data_at_once),
		cmocka_unit_test(what_was_encrypted_stays_so_when_lcp_is_negotiated_anew),
		cmocka_unit_test(a_ccp_that_does_not_come_back_ends_the_link),
		cmocka_unit_test(a_silent_ccp_holds_what_only_prefers_it_for_seconds),
		cmocka_unit_test(half_of_ccp_holds_data_until_it_is_decided),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
