/* CCP and compression (RFC 1962, 1977, 1979, 2118) against scripted peers. */
#include "lib/ppp/ccp.h"
#include "lib/ppp/frame.h"
#include "tests/unit/cp_script.h"

#define SECOND 1000000ull

static struct ccp ccp;
static uint64_t now;
static struct codec_params packs, unpacks;
static unsigned int switches, resets;
static bool rx_on, tx_on;

#define expect(hex) script_expect_on(PPP_CCP, hex, __LINE__)
#define nothing()   script_nothing(__LINE__)

static void set_rx(void *user, const struct mppe_params *params)
{
	(void)user;
	rx_on = params != NULL;
}

static void set_tx(void *user, const struct mppe_params *params)
{
	(void)user;
	tx_on = params != NULL;
}

static void reset(void *user)
{
	(void)user;
	resets++;
}

static void note(struct codec_params *to, const struct codec_params *params)
{
	static const struct codec_params none = { .kind = CODEC_NONE };

	*to = params ? *params : none;
	switches++;
}

static void set_pack(void *user, const struct codec_params *params)
{
	(void)user;
	note(&packs, params);
}

static void set_unpack(void *user, const struct codec_params *params)
{
	(void)user;
	note(&unpacks, params);
}

static const struct ccp_ops ops = {
	.rx = set_rx, .tx = set_tx, .reset = reset, .pack = set_pack, .unpack = set_unpack
};

/* What the link does. */
static void event(void *user, struct cp *cp, enum cp_event e)
{
	script_event(user, cp, e);
	if (e == CP_UP)
		ccp_up(&ccp);
	if (e == CP_DOWN || e == CP_FAILED)
		ccp_down(&ccp);
}

static struct cp_host host;

static void peer(const char *hex)
{
	uint8_t packet[1600];

	cp_receive(&ccp.cp, packet, script_hex(hex, packet, sizeof(packet)), now);
}

static void start(
	enum ppp_mppe_policy policy, const struct ppp_compress_list *list, const char *request)
{
	const struct ppp_mppe_config config = { .policy = policy,
		.strengths = PPP_MPPE_128,
		.allow_stateless = true,
		.allow_stateful = true };

	script_reset();
	memset(&packs, 0, sizeof(packs));
	memset(&unpacks, 0, sizeof(unpacks));
	switches = resets = 0;
	rx_on = tx_on = false;
	host = script_host;
	host.event = event;
	now = 1000 * SECOND;
	ccp_init(&ccp, &config, &ops, &host, NULL);
	ccp_allow(&ccp, list, 1400);
	ccp_start(&ccp, now);
	expect(request);
}

static const struct ppp_compress_list all = { 3, { CODEC_DEFLATE, CODEC_BSD, CODEC_MPPC } };
static const struct ppp_compress_list only_mppc = { 1, { CODEC_MPPC } };
static const struct ppp_compress_list only_deflate = { 1, { CODEC_DEFLATE } };

#define REQUEST_ALL "01 01 0011 1a04 7800 1503 2f 1206 00000001"

/* pppd's answer to a list: all of it, and it means the first. */
static void of_a_list_that_is_acknowledged_the_first_counts(void **unused)
{
	(void)unused;
	start(PPP_MPPE_OFF, &all, REQUEST_ALL);
	peer("02 01 0011 1a04 7800 1503 2f 1206 00000001");
	peer("01 01 0008 1a04 7800");
	expect("02 01 0008 1a04 7800");
	assert_true(cp_is_open(&ccp.cp));
	assert_int_equal(unpacks.kind, CODEC_DEFLATE);
	assert_int_equal(unpacks.bits, 15);
	assert_int_equal(unpacks.limit, 1400);
	assert_int_equal(packs.kind, CODEC_DEFLATE);
}

static void each_direction_is_agreed_on_by_itself(void **unused)
{
	(void)unused;
	start(PPP_MPPE_OFF, &all, REQUEST_ALL);
	peer("04 01 000e 1a04 7800 1206 00000001");
	expect("01 02 0007 1503 2f");
	peer("02 02 0007 1503 2f");
	peer("01 01 0008 1a04 2800"); /* a window of 10 bits */
	expect("02 01 0008 1a04 2800");
	assert_int_equal(unpacks.kind, CODEC_BSD);
	assert_int_equal(packs.kind, CODEC_DEFLATE);
	assert_int_equal(packs.bits, 10);
}

/* RFC 1962: one method is in force; pppd offers the draft's number of Deflate as well. */
static void of_the_peers_list_the_first_that_is_allowed_is_taken(void **unused)
{
	(void)unused;
	start(PPP_MPPE_OFF, &only_deflate, "01 01 0008 1a04 7800");
	peer("01 01 000f 1503 2f 1a04 7800 1804 7800");
	expect("04 01 000b 1503 2f 1804 7800");
	peer("01 02 0008 1a04 7800");
	expect("02 02 0008 1a04 7800");
	peer("02 01 0008 1a04 7800");
	assert_int_equal(packs.kind, CODEC_DEFLATE);
}

static void values_that_do_not_exist_are_answered_by_ones_that_do(void **unused)
{
	static const char *const refused[][2] = {
		{ "01 05 0008 1a04 0800", "03 05 0008 1a04 7800" }, /* 8 bits: zlib has none */
		{ "01 05 0008 1a04 7801", "03 05 0008 1a04 7800" }, /* another check */
		{ "01 05 0008 1a04 7700", "03 05 0008 1a04 7800" }, /* another method */
		{ "01 05 0007 1a03 78", "03 05 0008 1a04 7800" },
		{ "01 05 0007 1503 4f", "03 05 0007 1503 2f" }, /* version 2 */
		{ "01 05 0007 1503 30", "03 05 0007 1503 2f" }, /* 16 bits */
		{ "01 05 0008 1504 2f00", "03 05 0007 1503 2f" },
		{ "01 05 000a 1206 01000041", "03 05 000a 1206 00000001" },
		{ "01 05 000a 1206 01000040", "04 05 000a 1206 01000040" }, /* MPPE: no keys */
		{ "01 05 0006 0102", "04 05 0006 0102" },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		start(PPP_MPPE_OFF, &all, REQUEST_ALL);
		peer(refused[i][0]);
		expect(refused[i][1]);
	}
}

static void a_smaller_window_or_dictionary_is_taken(void **unused)
{
	(void)unused;
	start(PPP_MPPE_OFF, &only_deflate, "01 01 0008 1a04 7800");
	peer("03 01 0008 1a04 4800");
	expect("01 02 0008 1a04 4800");
	peer("02 02 0008 1a04 4800");
	peer("01 01 0004");
	expect("02 01 0004");
	assert_true(cp_is_open(&ccp.cp));
	assert_int_equal(unpacks.bits, 12);
	assert_int_equal(packs.kind, CODEC_NONE); /* it wants nothing compressed */
}

static void without_a_common_method_data_goes_uncompressed(void **unused)
{
	(void)unused;
	start(PPP_MPPE_OFF, &only_deflate, "01 01 0008 1a04 7800");
	peer("04 01 0008 1a04 7800");
	expect("01 02 0004");
	peer("02 02 0004");
	peer("01 01 0004");
	expect("02 01 0004");
	assert_true(cp_is_open(&ccp.cp));
	assert_int_equal(switches, 0);
}

/* RFC 2118 and 3078: bits of one option. */
static void mppc_goes_with_mppe_where_both_want_it(void **unused)
{
	(void)unused;
	start(PPP_MPPE_REQUIRE, &only_mppc, "01 01 000a 1206 01000041");
	peer("01 01 000a 1206 01000041");
	expect("02 01 000a 1206 01000041");
	assert_true(rx_on);
	peer("02 01 000a 1206 01000041");
	assert_true(tx_on);
	assert_true(packs.kind == CODEC_MPPC && packs.encrypted);
	assert_true(unpacks.kind == CODEC_MPPC && unpacks.encrypted);
	ccp_down(&ccp);
	assert_true(packs.kind == CODEC_NONE && unpacks.kind == CODEC_NONE && !rx_on && !tx_on);
}

static void mppc_is_given_up_where_the_peer_does_not_want_it_mppe_is_not(void **unused)
{
	(void)unused;
	start(PPP_MPPE_REQUIRE, &all, "01 01 000a 1206 01000041");
	peer("03 01 000a 1206 01000040");
	expect("01 02 000a 1206 01000040");
	peer("01 01 000e 1206 01000040 1a04 7800");
	expect("04 01 0008 1a04 7800");
	peer("01 02 000a 1206 01000041");
	expect("02 02 000a 1206 01000041");
	peer("02 02 000a 1206 01000040");
	assert_int_equal(unpacks.kind, CODEC_NONE);
	assert_int_equal(packs.kind, CODEC_MPPC);
}

static void where_it_is_not_allowed_mppc_is_refused(void **unused)
{
	static const struct ppp_compress_list none = { .count = 0 };

	(void)unused;
	start(PPP_MPPE_REQUIRE, &none, "01 01 000a 1206 01000040");
	peer("01 01 000a 1206 01000041");
	expect("03 01 000a 1206 01000040");
}

/* RFC 1962 3.1; RFC 2118 4.3. */
static void a_reset_request_is_acknowledged(void **unused)
{
	(void)unused;
	start(PPP_MPPE_OFF, &all, REQUEST_ALL);
	peer("02 01 0011 1a04 7800 1503 2f 1206 00000001");
	peer("01 01 0008 1a04 7800");
	expect("02 01 0008 1a04 7800");
	peer("0e 07 0004");
	expect("0f 07 0004");
	assert_int_equal(resets, 0); /* the data plane sees the Ack */
	start(PPP_MPPE_OFF, &only_mppc, "01 01 000a 1206 00000001");
	peer("02 01 000a 1206 00000001");
	peer("01 01 000a 1206 00000001");
	expect("02 01 000a 1206 00000001");
	peer("0e 07 0004");
	expect("0f 07 0004");
	assert_int_equal(resets, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_a_list_that_is_acknowledged_the_first_counts),
		cmocka_unit_test(each_direction_is_agreed_on_by_itself),
		cmocka_unit_test(of_the_peers_list_the_first_that_is_allowed_is_taken),
		cmocka_unit_test(values_that_do_not_exist_are_answered_by_ones_that_do),
		cmocka_unit_test(a_smaller_window_or_dictionary_is_taken),
		cmocka_unit_test(without_a_common_method_data_goes_uncompressed),
		cmocka_unit_test(mppc_goes_with_mppe_where_both_want_it),
		cmocka_unit_test(mppc_is_given_up_where_the_peer_does_not_want_it_mppe_is_not),
		cmocka_unit_test(where_it_is_not_allowed_mppc_is_refused),
		cmocka_unit_test(a_reset_request_is_acknowledged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
