/* IPV6CP (RFC 5072 section 4.1) against scripted peers. */
#include "lib/ppp/frame.h"
#include "lib/ppp/ipv6cp.h"
#include "tests/unit/cp_script.h"

#define SECOND 1000000ull

static struct ipv6cp cp6;
static uint64_t now;
static uint8_t taken; /* first octet of an identifier that the peer may not have; 0: none */

#define expect(hex) script_expect_on(PPP_IPV6CP, hex, __LINE__)
#define nothing()   script_nothing(__LINE__)

static void peer(const char *hex)
{
	uint8_t packet[1600];

	cp_receive(&cp6.cp, packet, script_hex(hex, packet, sizeof(packet)), now);
}

static bool may_have(void *user, const uint8_t identifier[8])
{
	(void)user;
	return !taken || identifier[0] != taken;
}

/* Its identifier is ::1. */
static void start_server(void)
{
	struct ipv6cp_config config = { .identifier = { [7] = 1 }, .may_have = may_have };

	script_reset();
	taken = 0;
	now = 1000 * SECOND;
	ipv6cp_init(&cp6, &config, &script_host, NULL);
	ipv6cp_start(&cp6, now);
	expect("01 01 000e 010a 0000000000000001");
}

/* Random: a1a1..., with the "u" bit 0. */
static void start_client(void)
{
	struct ipv6cp_config config = { 0 };

	script_reset();
	now = 1000 * SECOND;
	ipv6cp_init(&cp6, &config, &script_host, NULL);
	ipv6cp_start(&cp6, now);
	expect("01 01 000e 010a a1a1a1a1a1a1a1a1");
}

static void identifiers_are_what_the_wire_has_in_its_order(void **unused)
{
	static const uint8_t ours[8] = { [7] = 1 }, theirs[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	struct ppp_network net;

	(void)unused;
	start_server();
	peer("01 07 000e 010a 0102030405060708");
	expect("02 07 000e 010a 0102030405060708");
	ipv6cp_network(&cp6, &net);
	assert_memory_equal(net.remote_id, (uint8_t[8]){ 0 }, 8); /* not open yet */
	peer("02 01 000e 010a 0000000000000001");
	assert_int_equal(script.events[CP_UP], 1);
	ipv6cp_network(&cp6, &net);
	assert_memory_equal(net.local_id, ours, 8);
	assert_memory_equal(net.remote_id, theirs, 8);
	nothing();
}

static void zero_a_collision_and_a_wrong_length_get_a_suggestion(void **unused)
{
	(void)unused;
	start_server();
	peer("01 01 000e 010a 0000000000000000");
	expect("03 01 000e 010a a1a1a1a1a1a1a1a1");
	peer("01 02 000e 010a 0000000000000001");
	expect("03 02 000e 010a a0a2a2a2a2a2a2a2"); /* a2 without the "u" bit */
	peer("01 03 0008 0104 0001");
	expect("03 03 000e 010a a1a3a3a3a3a3a3a3");
	peer("01 04 000e 010a a1a3a3a3a3a3a3a3");
	expect("02 04 000e 010a a1a3a3a3a3a3a3a3");
	nothing();
}

static void an_identifier_of_another_session_is_not_given_twice(void **unused)
{
	(void)unused;
	start_server();
	taken = 0x77;
	peer("01 01 000e 010a 7700000000000000");
	expect("03 01 000e 010a a1a1a1a1a1a1a1a1");
	peer("01 02 000e 010a a1a1a1a1a1a1a1a1");
	expect("02 02 000e 010a a1a1a1a1a1a1a1a1");
	nothing();
}

static void without_the_option_it_is_asked_for_and_then_given_up(void **unused)
{
	(void)unused;
	start_server();
	peer("01 01 0004");
	expect("03 01 000e 010a a1a1a1a1a1a1a1a1");
	peer("01 02 0004");
	script.next++;
	peer("01 03 0004");
	script.next++;
	assert_int_equal(script.events[CP_FAILED], 0);
	peer("01 04 0004");
	assert_int_equal(script.events[CP_FAILED], 1);
}

static void compression_and_a_second_identifier_are_rejected(void **unused)
{
	(void)unused;
	start_server();
	peer("01 01 0012 010a 0102030405060708 0204 004f");
	expect("04 01 0008 0204 004f");
	peer("01 02 0018 010a 0102030405060708 010a 0102030405060709");
	expect("04 02 000e 010a 0102030405060709");
	nothing();
}

static void a_server_keeps_its_identifier_and_gives_up_in_time(void **unused)
{
	(void)unused;
	start_server();
	for (unsigned int i = 1; i <= 5; i++) {
		char nak[64], request[64];

		snprintf(nak, sizeof(nak), "03 %02x 000e 010a 5555555555555555", i);
		snprintf(request, sizeof(request), "01 %02x 000e 010a 0000000000000001", i + 1);
		peer(nak);
		expect(request);
	}
	peer("03 06 000e 010a 5555555555555555");
	assert_int_equal(script.events[CP_FAILED], 1);
	nothing();
}

static void a_client_takes_what_is_suggested(void **unused)
{
	(void)unused;
	start_client();
	peer("03 01 000e 010a 0000000000000042");
	expect("01 02 000e 010a 0000000000000042");
	/* Zero is no suggestion: another random one. */
	peer("03 02 000e 010a 0000000000000000");
	expect("01 03 000e 010a a0a2a2a2a2a2a2a2");
	nothing();
}

/* RFC 5072 4.1: both ends chose the same, and the same suggestion comes back. */
static void two_that_choose_alike_part(void **unused)
{
	(void)unused;
	start_client();
	peer("01 01 000e 010a a1a1a1a1a1a1a1a1");
	expect("03 01 000e 010a a0a2a2a2a2a2a2a2");
	peer("03 01 000e 010a a0a2a2a2a2a2a2a2");
	expect("01 02 000e 010a a1a3a3a3a3a3a3a3");
	nothing();
}

static void a_rejected_identifier_ends_it(void **unused)
{
	(void)unused;
	start_client();
	peer("04 01 000e 010a a1a1a1a1a1a1a1a1");
	assert_int_equal(script.events[CP_FAILED], 1);
	nothing();
}

static void negotiated_again_a_client_keeps_its_identifier(void **unused)
{
	(void)unused;
	start_client();
	cp_down(&cp6.cp, now);
	ipv6cp_start(&cp6, now);
	expect("01 02 000e 010a a1a1a1a1a1a1a1a1");
	nothing();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(identifiers_are_what_the_wire_has_in_its_order),
		cmocka_unit_test(zero_a_collision_and_a_wrong_length_get_a_suggestion),
		cmocka_unit_test(an_identifier_of_another_session_is_not_given_twice),
		cmocka_unit_test(without_the_option_it_is_asked_for_and_then_given_up),
		cmocka_unit_test(compression_and_a_second_identifier_are_rejected),
		cmocka_unit_test(a_server_keeps_its_identifier_and_gives_up_in_time),
		cmocka_unit_test(a_client_takes_what_is_suggested),
		cmocka_unit_test(two_that_choose_alike_part),
		cmocka_unit_test(a_rejected_identifier_ends_it),
		cmocka_unit_test(negotiated_again_a_client_keeps_its_identifier),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
