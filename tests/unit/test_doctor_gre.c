/* Where GRE stays, by what was seen at each place; and what nftables' rules say. */
#include "tools/doctor/firewall.h"
#include "tools/doctor/gre.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>

static char evidence[FINDING_EVIDENCE];

static enum finding_id judge(struct gre_evidence e)
{
	e.watched = true;
	e.sent = 5;
	return gre_judge(&e, evidence);
}

static void gre_that_is_answered_is_no_finding(void **state)
{
	(void)state;
	assert_int_equal(
		judge((struct gre_evidence){
			.left = 5, .arrived = 3, .delivered = 3, .heard = true, .answered = true }),
		FINDING_NONE);
}

static void each_place_where_gre_stays_has_its_finding(void **state)
{
	(void)state;
	assert_int_equal(
		judge((struct gre_evidence){ .rule_out = "a rule" }), FINDING_GRE_LOCAL_OUT);
	assert_non_null(strstr(evidence, "a rule"));
	assert_int_equal(judge((struct gre_evidence){ .left = 5 }), FINDING_GRE_NONE);
	assert_int_equal(
		judge((struct gre_evidence){ .left = 5, .nat = true }), FINDING_NAT_HELPER);
	assert_int_equal(
		judge((struct gre_evidence){
			.left = 5, .nat = true, .icmp = { .seen = true, .type = 3, .code = 2 } }),
		FINDING_GRE_UNREACHABLE);
	assert_non_null(strstr(evidence, "protocol unreachable"));
	assert_int_equal(judge((struct gre_evidence){
				 .left = 5, .strangers = 2, .strange_id = 8, .call_id = 7 }),
		FINDING_GRE_WRONG_CALL_ID);
	assert_non_null(strstr(evidence, "Call ID 8; ours is 7"));
	assert_int_equal(
		judge((struct gre_evidence){ .left = 5, .arrived = 2, .in_device = "up0" }),
		FINDING_GRE_LOCAL_IN);
	assert_int_equal(judge((struct gre_evidence){ .left = 5,
				 .arrived = 2,
				 .in_device = "up1",
				 .out_device = "up0",
				 .rp_filter = true }),
		FINDING_RP_FILTER);
	assert_int_equal(judge((struct gre_evidence){
				 .left = 5, .arrived = 2, .delivered = 2, .heard = true }),
		FINDING_GRE_OUTBOUND);
	assert_int_equal(judge((struct gre_evidence){
				 .left = 5, .arrived = 2, .delivered = 2, .acked = true }),
		FINDING_LCP_SILENT);
	assert_int_equal(
		judge((struct gre_evidence){
			.left = 5, .arrived = 2, .delivered = 2, .heard = true, .acked = true }),
		FINDING_LCP_FAILED);
}

static void without_a_watch_nothing_is_blamed_on_this_machine(void **state)
{
	struct gre_evidence e = { .sent = 5 };

	(void)state;
	assert_int_equal(gre_judge(&e, evidence), FINDING_GRE_NONE);
}

static void icmp_has_words_for_every_number(void **state)
{
	(void)state;
	for (unsigned int type = 0; type < 256; type++) {
		for (unsigned int code = 0; code < 256; code++)
			assert_non_null(gre_icmp_text((uint8_t)type, (uint8_t)code));
	}
	assert_string_equal(gre_icmp_text(3, 13), "communication administratively prohibited");
}

/* ---- the firewall */

#define CHAIN(hook, policy)                                                                        \
	"{\"chain\":{\"family\":\"inet\",\"table\":\"t\",\"name\":\"" hook                         \
	"\",\"handle\":1,\"type\":\"filter\",\"hook\":\"" hook                                     \
	"\",\"prio\":0,\"policy\":\"" policy "\"}}"
#define RULE(chain, expr)                                                                          \
	",{\"rule\":{\"family\":\"inet\",\"table\":\"t\",\"chain\":\"" chain                       \
	"\",\"handle\":9,\"expr\":[" expr "]}}"
#define MATCH(left, op, right)                                                                     \
	"{\"match\":{\"op\":\"" op "\",\"left\":" left ",\"right\":" right "}},"
#define PROTOCOL "{\"payload\":{\"protocol\":\"ip\",\"field\":\"protocol\"}}"
#define L4PROTO  "{\"meta\":{\"key\":\"l4proto\"}}"
#define SADDR    "{\"payload\":{\"protocol\":\"ip\",\"field\":\"saddr\"}}"
#define SADDR6   "{\"payload\":{\"protocol\":\"ip6\",\"field\":\"saddr\"}}"
#define DPORT    "{\"payload\":{\"protocol\":\"tcp\",\"field\":\"dport\"}}"
#define STATE    "{\"ct\":{\"key\":\"state\"}}"
#define IIFNAME  "{\"meta\":{\"key\":\"iifname\"}}"
#define DROP     "{\"drop\":null}"
#define ACCEPT   "{\"accept\":null}"

/* Of GRE that comes in from 192.0.2.1 by up0. */
static enum firewall_verdict incoming(const char *objects)
{
	struct firewall_packet packet = { .protocol = 47, .device = "up0", .incoming = true };
	char text[4000], rule[200];
	enum firewall_verdict verdict;
	json_t *ruleset;

	inet_pton(AF_INET, "192.0.2.1", &packet.from);
	inet_pton(AF_INET, "192.0.2.2", &packet.to);
	snprintf(text, sizeof(text), "{\"nftables\":[%s]}", objects);
	ruleset = json_loads(text, 0, NULL);
	assert_non_null(ruleset);
	verdict = firewall_judge(ruleset, "input", &packet, rule, sizeof(rule));
	if (verdict != FIREWALL_UNSURE)
		assert_int_equal(rule[0] == '\0', verdict == FIREWALL_PASS);
	json_decref(ruleset);
	return verdict;
}

static void rules_that_concern_gre_decide(void **state)
{
	static const struct {
		const char *objects;
		enum firewall_verdict verdict;
	} table[] = {
		{ CHAIN("input", "accept"), FIREWALL_PASS },
		{ CHAIN("input", "drop"), FIREWALL_BLOCK },
		{ CHAIN("output", "drop"), FIREWALL_PASS },
		{ CHAIN("input", "accept") RULE("input", MATCH(PROTOCOL, "==", "47") DROP),
			FIREWALL_BLOCK },
		{ CHAIN("input", "accept") RULE("input", MATCH(PROTOCOL, "==", "\"gre\"") DROP),
			FIREWALL_BLOCK },
		{ CHAIN("input", "accept") RULE("input", MATCH(PROTOCOL, "!=", "\"gre\"") DROP),
			FIREWALL_PASS },
		{ CHAIN("input", "accept") RULE("input", MATCH(L4PROTO, "==", "\"tcp\"") DROP),
			FIREWALL_PASS },
		{ CHAIN("input", "drop") RULE(
			  "input", MATCH(L4PROTO, "==", "{\"set\":[\"tcp\",\"gre\"]}") ACCEPT),
			FIREWALL_PASS },
		{ CHAIN("input", "drop") RULE("input", MATCH(DPORT, "==", "1723") ACCEPT),
			FIREWALL_BLOCK },
		{ CHAIN("input", "drop") RULE("input",
			  MATCH(SADDR, "==", "{\"prefix\":{\"addr\":\"192.0.2.0\",\"len\":24}}")
				  ACCEPT),
			FIREWALL_PASS },
		{ CHAIN("input", "drop") RULE("input", MATCH(SADDR, "==", "\"192.0.2.9\"") ACCEPT),
			FIREWALL_BLOCK },
		{ CHAIN("input", "drop") RULE(
			  "input", MATCH(STATE, "in", "[\"established\",\"related\"]") ACCEPT),
			FIREWALL_PASS },
		{ CHAIN("input", "drop") RULE("input", MATCH(IIFNAME, "==", "\"lo\"") ACCEPT),
			FIREWALL_BLOCK },
		{ CHAIN("input", "drop") RULE("input", MATCH(IIFNAME, "==", "\"up*\"") ACCEPT),
			FIREWALL_PASS },
		/* Not to be judged: a set by name, an extension of iptables, a limit. */
		{ CHAIN("input", "drop") RULE("input", MATCH(SADDR, "==", "\"@friends\"") ACCEPT),
			FIREWALL_UNSURE },
		{ CHAIN("input", "accept") RULE("input", "{\"xt\":null}," DROP), FIREWALL_UNSURE },
		{ CHAIN("input", "accept") RULE("input", "{\"limit\":{}}," DROP), FIREWALL_UNSURE },
		/* So is a target of iptables, and a program that is asked. */
		{ CHAIN("input", "accept")
				RULE("input", MATCH(PROTOCOL, "==", "47") "{\"xt\":null}"),
			FIREWALL_UNSURE },
		{ CHAIN("input", "accept")
				RULE("input", MATCH(PROTOCOL, "==", "6") "{\"xt\":null}"),
			FIREWALL_PASS },
		{ CHAIN("input", "accept") RULE("input", "{\"queue\":{\"num\":0}}"),
			FIREWALL_UNSURE },
		/* A header of another protocol is not there, whatever it is compared with. */
		{ CHAIN("input", "accept") RULE("input", MATCH(DPORT, "!=", "22") DROP),
			FIREWALL_PASS },
		{ CHAIN("input", "accept") RULE("input", MATCH(SADDR6, "!=", "\"fe80::1\"") DROP),
			FIREWALL_PASS },
		{ CHAIN("input", "drop") RULE("input", MATCH(DPORT, "!=", "22") ACCEPT),
			FIREWALL_BLOCK },
		/* What comes after a sure verdict does not count. */
		{ CHAIN("input", "accept") RULE("input", ACCEPT) RULE("input", DROP),
			FIREWALL_PASS },
		{ CHAIN("input", "accept") RULE("input", "{\"jump\":{\"target\":\"more\"}}")
				RULE("more", MATCH(PROTOCOL, "==", "47") DROP),
			FIREWALL_BLOCK },
		{ CHAIN("input", "accept") RULE("input", "{\"jump\":{\"target\":\"more\"}}")
				RULE("more", "{\"return\":null}") RULE("input", DROP),
			FIREWALL_BLOCK },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (incoming(table[i].objects) != table[i].verdict)
			fail_msg("rules %zu: %s", i, table[i].objects);
	}
}

/* A chain that jumps to itself, values of every wrong kind: an answer all the same. */
static void nonsense_ends_and_is_never_sure_to_pass(void **state)
{
	static const char *const rights[] = { "null", "[]", "{}", "{\"range\":[]}", "{\"set\":7}",
		"{\"prefix\":{}}", "1e9", "\"\"", "[[[[]]]]" };
	static const char *const lefts[] = { PROTOCOL, L4PROTO, SADDR, STATE, IIFNAME, "7", "{}" };
	char rules[1000];

	(void)state;
	(void)incoming(CHAIN("input", "accept") RULE("input", "{\"jump\":{\"target\":\"input\"}}")
			RULE("input", "{\"goto\":{\"target\":\"input\"}}"));
	for (size_t l = 0; l < sizeof(lefts) / sizeof(lefts[0]); l++) {
		for (size_t r = 0; r < sizeof(rights) / sizeof(rights[0]); r++) {
			snprintf(rules, sizeof(rules),
				CHAIN("input",
					"accept") ",{\"rule\":{\"family\":\"inet\",\"table\":"
						  "\"t\",\"chain\":\"input\",\"expr\":[{"
						  "\"match\":{\"op\":\"==\",\"left\":%s,"
						  "\"right\":%s}},{\"drop\":null}]}}",
				lefts[l], rights[r]);
			assert_int_not_equal(incoming(rules), FIREWALL_BLOCK);
		}
	}
}

static void helper_and_nat_are_seen(void **state)
{
	json_t *rules = json_loads("{\"nftables\":[{\"ct helper\":{\"type\":\"pptp\"}},"
				   "{\"rule\":{\"expr\":[{\"masquerade\":null}]}}]}",
		0, NULL);
	json_t *none = json_loads("{\"nftables\":[{\"rule\":{\"expr\":7}},4]}", 0, NULL);

	(void)state;
	assert_true(firewall_has_helper(rules));
	assert_true(firewall_has_nat(rules));
	assert_false(firewall_has_helper(none));
	assert_false(firewall_has_nat(none));
	json_decref(rules);
	json_decref(none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gre_that_is_answered_is_no_finding),
		cmocka_unit_test(each_place_where_gre_stays_has_its_finding),
		cmocka_unit_test(without_a_watch_nothing_is_blamed_on_this_machine),
		cmocka_unit_test(icmp_has_words_for_every_number),
		cmocka_unit_test(rules_that_concern_gre_decide),
		cmocka_unit_test(nonsense_ends_and_is_never_sure_to_pass),
		cmocka_unit_test(helper_and_nat_are_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
