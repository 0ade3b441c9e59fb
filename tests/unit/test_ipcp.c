/* IPCP against scripted peers. */
#include "lib/ppp/frame.h"
#include "lib/ppp/ipcp.h"
#include "tests/unit/cp_script.h"

#define SECOND 1000000ull

static struct ipcp ipcp;
static uint64_t now;

#define expect(hex) script_expect_on(PPP_IPCP, hex, __LINE__)
#define nothing()   script_nothing(__LINE__)

/* 10.98.0.LAST in network byte order. */
static uint32_t address(uint8_t last)
{
	uint8_t bytes[4] = { 0x0a, 0x62, 0, last };
	uint32_t v;

	memcpy(&v, bytes, sizeof(v));
	return v;
}

static void peer(const char *hex)
{
	uint8_t packet[1600];

	cp_receive(&ipcp.cp, packet, script_hex(hex, packet, sizeof(packet)), now);
}

/* 10.98.0.1 gives 10.98.0.100 and one DNS server, 10.98.0.53. */
static void start_server(void)
{
	struct ipcp_config config = { .role = PPP_SERVER,
		.net = { .local = address(1), .remote = address(100), .dns = { address(53) } } };

	script_reset();
	now = 1000 * SECOND;
	ipcp_init(&ipcp, &config, &script_host, NULL);
	ipcp_start(&ipcp, now);
	expect("01 01 000a 03060a620001");
}

static void start_client(bool dns)
{
	struct ipcp_config config = { .role = PPP_CLIENT, .want_dns = dns };

	script_reset();
	now = 1000 * SECOND;
	ipcp_init(&ipcp, &config, &script_host, NULL);
	ipcp_start(&ipcp, now);
	expect(dns ? "01 01 0022 030600000000 810600000000 820600000000 830600000000 840600000000"
		   : "01 01 000a 030600000000");
}

static void windows_gets_its_address_and_our_dns(void **unused)
{
	struct ppp_network net;

	(void)unused;
	start_server();
	peer("01 06 0022 030600000000 810600000000 820600000000 830600000000 840600000000");
	expect("04 06 0016 820600000000 830600000000 840600000000");
	peer("02 01 000a 03060a620001");
	peer("01 07 0010 030600000000 810600000000");
	expect("03 07 0010 03060a620064 81060a620035");
	peer("01 08 0010 03060a620064 81060a620035");
	expect("02 08 0010 03060a620064 81060a620035");
	nothing();
	assert_true(cp_is_open(&ipcp.cp));
	ipcp_network(&ipcp, &net);
	assert_int_equal(net.local, address(1));
	assert_int_equal(net.remote, address(100));
	assert_int_equal(net.dns[0], address(53));
}

static void all_four_name_servers_in_the_order_of_their_types(void **unused)
{
	struct ipcp_config config = { .role = PPP_SERVER,
		.net = { .local = address(1),
			.remote = address(100),
			.dns = { address(53), address(54) },
			.nbns = { address(55), address(56) } } };

	(void)unused;
	script_reset();
	ipcp_init(&ipcp, &config, &script_host, NULL);
	ipcp_start(&ipcp, now);
	expect("01 01 000a 03060a620001");
	peer("01 06 0022 030600000000 810600000000 820600000000 830600000000 840600000000");
	expect("03 06 0022 03060a620064 81060a620035 82060a620037 83060a620036 84060a620038");
}

static void compression_and_old_addresses_are_rejected(void **unused)
{
	(void)unused;
	start_server();
	peer("01 01 0014 0206002d0f01 010a0a6200640a620001"); /* pppd's VJ; option 1 */
	expect("04 01 0014 0206002d0f01 010a0a6200640a620001");
	peer("01 02 0010 03060a620064 0206002d0f01");
	expect("04 02 000a 0206002d0f01");
	peer("01 03 000a 03060a620064");
	expect("02 03 000a 03060a620064");
}

static void another_address_is_refused_for_good(void **unused)
{
	char packet[60];

	(void)unused;
	start_server();
	for (unsigned int id = 1; id <= CP_MAX_NAKS; id++) {
		snprintf(packet, sizeof(packet), "01 %02x 000a 0306c0a80001", id);
		peer(packet);
		snprintf(packet, sizeof(packet), "03 %02x 000a 03060a620064", id);
		expect(packet);
	}
	peer("01 06 000a 0306c0a80001");
	expect("04 06 000a 0306c0a80001");
	peer("01 07 0004"); /* keeps it all the same */
	nothing();
	assert_int_equal(script.events[CP_FAILED], 1);
	assert_int_equal(ipcp.cp.reason, PPTP_NO_NETWORK);
}

static void a_peer_without_the_option_is_asked_then_taken(void **unused)
{
	(void)unused;
	start_server();
	for (unsigned int id = 1; id <= 3; id++) {
		char packet[60];

		snprintf(packet, sizeof(packet), "01 %02x 0004", id);
		peer(packet);
		snprintf(packet, sizeof(packet), "03 %02x 000a 03060a620064", id);
		expect(packet);
	}
	peer("01 04 0004");
	expect("02 04 0004");
	assert_int_equal(ipcp.remote, address(100));
}

static void wrong_lengths_are_naked_or_rejected(void **unused)
{
	(void)unused;
	start_server();
	peer("01 01 0008 0304 0a62");
	expect("03 01 000a 03060a620064");
	peer("01 02 0010 03060a620064 8106 00000000");
	expect("03 02 000a 81060a620035");
	peer("01 03 000c 03060a620064 8102");
	expect("03 03 000a 81060a620035");
	peer("01 04 000a 0303 0a0303"); /* malformed list */
	nothing();
}

static void the_servers_own_address_is_not_negotiable(void **unused)
{
	(void)unused;
	start_server();
	peer("03 01 000a 0306c0a80001");
	expect("01 02 000a 03060a620001");
	peer("03 02 000a 0306c0a80001");
	expect("01 03 000a 03060a620001");
	peer("03 03 000a 0306c0a80001");
	expect("01 04 0004"); /* then not at all */
	peer("02 04 0004");
	assert_int_equal(ipcp.cp.automaton.state, PPP_ACK_RCVD);
}

static void the_client_takes_what_it_is_given(void **unused)
{
	struct ppp_network net;

	(void)unused;
	start_client(true);
	peer("01 05 000a 03060a620001");
	expect("02 05 000a 03060a620001");
	peer("04 01 0016 820600000000 830600000000 840600000000");
	expect("01 02 0010 030600000000 810600000000");
	peer("03 02 0010 03060a620064 81060a620035");
	expect("01 03 0010 03060a620064 81060a620035");
	peer("02 03 0010 03060a620064 81060a620035");
	assert_true(cp_is_open(&ipcp.cp));
	ipcp_network(&ipcp, &net);
	assert_int_equal(net.local, address(100));
	assert_int_equal(net.remote, address(1));
	assert_int_equal(net.dns[0], address(53));
	assert_int_equal(net.dns[1], 0);
	assert_int_equal(net.nbns[0], 0);
}

static void the_client_does_not_take_no_address(void **unused)
{
	(void)unused;
	start_client(false);
	peer("02 01 000a 030600000000");
	assert_int_equal(script.events[CP_FAILED], 1);
	assert_int_equal(ipcp.cp.reason, PPTP_NO_NETWORK);

	start_client(false);
	peer("03 01 000a 030600000000");
	expect("01 02 000a 030600000000");
	peer("03 02 000a 030600000000");
	expect("01 03 000a 030600000000");
	peer("03 03 000a 030600000000");
	nothing();
	assert_int_equal(script.events[CP_FAILED], 1);

	start_client(false);
	peer("04 01 000a 030600000000");
	nothing();
	assert_int_equal(script.events[CP_FAILED], 1);
}

static void the_client_takes_no_address_that_no_machine_can_have(void **unused)
{
	static const char *const bad[] = { "00000001", "7f000001", "e0000001", "ffffffff" };
	struct ppp_network net;
	char packet[60];

	(void)unused;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		start_client(false);
		for (unsigned int id = 1; id <= 3; id++) {
			snprintf(packet, sizeof(packet), "03 %02x 000a 0306%s", id, bad[i]);
			peer(packet);
			if (id == 3)
				break;
			snprintf(packet, sizeof(packet), "01 %02x 000a 030600000000", id + 1);
			expect(packet);
		}
		nothing();
		assert_int_equal(script.events[CP_FAILED], 1);
		assert_int_equal(ipcp.cp.reason, PPTP_NO_NETWORK);
		assert_string_equal(
			ipcp.cp.words, "the server gives an address that no machine can have");
		/* As its own it may say it: nothing is made of it. */
		start_client(false);
		snprintf(packet, sizeof(packet), "01 05 000a 0306%s", bad[i]);
		peer(packet);
		snprintf(packet, sizeof(packet), "02 05 000a 0306%s", bad[i]);
		expect(packet);
		ipcp_network(&ipcp, &net);
		assert_int_equal(net.remote, 0);
	}
}

static void name_servers_of_zero_are_dropped(void **unused)
{
	(void)unused;
	start_client(true);
	peer("04 01 0016 820600000000 830600000000 840600000000");
	expect("01 02 0010 030600000000 810600000000");
	for (unsigned int id = 2; id <= 3; id++) {
		char packet[60];

		snprintf(packet, sizeof(packet), "03 %02x 0010 03060a620064 810600000000", id);
		peer(packet);
		snprintf(packet, sizeof(packet), "01 %02x 0010 03060a620064 810600000000", id + 1);
		expect(packet);
	}
	peer("03 04 000a 810600000000");
	expect("01 05 000a 03060a620064");
}

static void the_client_gives_nothing(void **unused)
{
	(void)unused;
	start_client(false);
	peer("01 01 000a 030600000000"); /* a server without an address */
	expect("04 01 000a 030600000000");
	peer("01 02 0004");
	expect("02 02 0004");
	peer("01 03 000a 810600000000");
	expect("04 03 000a 810600000000");
}

static void unknown_codes_are_rejected(void **unused)
{
	(void)unused;
	start_client(false);
	peer("09 07 0008 00000000");
	expect("07 02 000c 09 07 0008 00000000");
	assert_int_equal(ipcp.cp.automaton.state, PPP_REQ_SENT);
}

static void start_with_vj(enum ppp_role role)
{
	struct ipcp_config config = { .role = role,
		.vj = true,
		.net = { .local = address(role == PPP_SERVER ? 1 : 100), .remote = address(100) } };

	script_reset();
	now = 1000 * SECOND;
	ipcp_init(&ipcp, &config, &script_host, NULL);
	ipcp_start(&ipcp, now);
	expect(role == PPP_SERVER ? "01 01 0010 03060a620001 0206002d0f01"
				  : "01 01 0010 03060a620064 0206002d0f01");
}

static void header_compression_is_agreed_on_each_way(void **unused)
{
	(void)unused;
	start_with_vj(PPP_SERVER);
	peer("01 01 0010 03060a620064 0206002d0f01");
	expect("02 01 0010 03060a620064 0206002d0f01");
	peer("02 01 0010 03060a620001 0206002d0f01");
	assert_true(cp_is_open(&ipcp.cp));
	assert_int_equal(ipcp.vj_tx, 16);
	assert_int_equal(ipcp.vj_rx, 16);

	start_with_vj(PPP_CLIENT); /* one way only: the peer does not want it */
	peer("01 01 000a 03060a620001");
	expect("02 01 000a 03060a620001");
	peer("02 01 0010 03060a620064 0206002d0f01");
	assert_true(cp_is_open(&ipcp.cp));
	assert_int_equal(ipcp.vj_tx, 0);
	assert_int_equal(ipcp.vj_rx, 16);

	start_with_vj(PPP_CLIENT); /* or does not have it */
	peer("01 01 0010 03060a620001 0206002dfe00");
	expect("02 01 0010 03060a620001 0206002dfe00");
	peer("04 01 000a 0206002d0f01");
	expect("01 02 000a 03060a620064");
	peer("02 02 000a 03060a620064");
	assert_true(cp_is_open(&ipcp.cp));
	assert_int_equal(ipcp.vj_tx, 16); /* of its 255 */
	assert_int_equal(ipcp.vj_rx, 0);
}

static void what_the_peer_has_renegotiated_counts(void **unused)
{
	(void)unused;
	start_with_vj(PPP_SERVER);
	peer("01 01 0010 03060a620064 0206002d0f01");
	expect("02 01 0010 03060a620064 0206002d0f01");
	peer("02 01 0010 03060a620001 0206002d0f01");
	peer("01 02 000a 03060a620064");
	expect("01 02 0010 03060a620001 0206002d0f01");
	expect("02 02 000a 03060a620064");
	assert_int_equal(ipcp.vj_tx, 0);
}

static void slots_are_haggled_over(void **unused)
{
	(void)unused;
	start_with_vj(PPP_SERVER);
	peer("01 01 0010 03060a620064 0206002d0001"); /* too few */
	expect("03 01 000a 0206002d0201");
	peer("01 02 0010 03060a620064 0206002d0502"); /* neither yes nor no */
	expect("03 02 000a 0206002d0501");
	peer("01 03 0010 03060a620064 020600610f01"); /* another compression */
	expect("03 03 000a 0206002d0f01");
	peer("01 04 0012 03060a620064 0208002d0f010000");
	expect("03 04 000a 0206002d0f01");
	peer("01 05 0010 03060a620064 0206002d0200");
	expect("02 05 0010 03060a620064 0206002d0200");
	assert_int_equal(ipcp.vj_tx, 3);

	peer("03 01 000a 0206002d0700"); /* fewer, each packet to name its own */
	expect("01 02 0010 03060a620001 0206002d0700");
	assert_int_equal(ipcp.vj_rx, 8);
	peer("03 02 000a 0206002d0100"); /* too few for us */
	expect("01 03 000a 03060a620001");
	assert_int_equal(ipcp.vj_rx, 0);

	start_with_vj(PPP_SERVER);
	peer("03 01 000a 0206002d4001");
	expect("01 02 0010 03060a620001 0206002d0f01");
	peer("03 02 000a 0206002d4001");
	expect("01 03 0010 03060a620001 0206002d0f01");
	peer("03 03 000a 0206002d4001"); /* for ever */
	expect("01 04 000a 03060a620001");
}

/* RFC 1172: without slots, and of some with the wrong number of the protocol. */
static void the_older_forms_are_rejected(void **unused)
{
	(void)unused;
	start_with_vj(PPP_SERVER);
	peer("01 01 000e 03060a620064 0204002d");
	expect("04 01 0008 0204002d");
	peer("01 02 000e 03060a620064 02040037");
	expect("04 02 0008 02040037");
	peer("01 03 000c 03060a620064 0202");
	expect("04 03 0006 0202");
	assert_int_equal(ipcp.vj_tx, 0);
}

/* Who has not asked for it does not get it by a Nak. */
static void a_nak_does_not_bring_compression(void **unused)
{
	(void)unused;
	start_server();
	peer("03 01 000a 0206002d0f01");
	expect("01 02 000a 03060a620001");
	assert_int_equal(ipcp.vj_rx, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(windows_gets_its_address_and_our_dns),
		cmocka_unit_test(all_four_name_servers_in_the_order_of_their_types),
		cmocka_unit_test(compression_and_old_addresses_are_rejected),
		cmocka_unit_test(another_address_is_refused_for_good),
		cmocka_unit_test(a_peer_without_the_option_is_asked_then_taken),
		cmocka_unit_test(wrong_lengths_are_naked_or_rejected),
		cmocka_unit_test(the_servers_own_address_is_not_negotiable),
		cmocka_unit_test(the_client_takes_what_it_is_given),
		cmocka_unit_test(the_client_does_not_take_no_address),
		cmocka_unit_test(the_client_takes_no_address_that_no_machine_can_have),
		cmocka_unit_test(name_servers_of_zero_are_dropped),
		cmocka_unit_test(the_client_gives_nothing),
		cmocka_unit_test(unknown_codes_are_rejected),
		cmocka_unit_test(header_compression_is_agreed_on_each_way),
		cmocka_unit_test(what_the_peer_has_renegotiated_counts),
		cmocka_unit_test(slots_are_haggled_over),
		cmocka_unit_test(the_older_forms_are_rejected),
		cmocka_unit_test(a_nak_does_not_bring_compression),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
