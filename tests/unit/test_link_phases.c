/*
 * The phases of a PPP link, what is said in them (LCP's remarks, RFC 1570), what is never longer than
 * the peer's MRU, a link that is looped back in any of them, and the order of commands to the data
 * plane.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/ppp/cp.h"
#include "tests/unit/link_pair.h"

static struct pair p;

/* What one end sent, of one protocol and code. */
static struct {
	int from;
	uint16_t protocol;
	uint8_t code;
	unsigned int count;
	size_t len;
	uint8_t data[1600]; /* the last one */
	size_t longest;     /* of all that it sent */
	bool authenticated; /* ... before the first one */
} watched;

static bool watch(struct pair *pair, int from, uint16_t protocol, uint8_t *data, size_t *len)
{
	struct ppp_link_info info;

	(void)pair;
	if (from != watched.from)
		return true;
	if (*len > watched.longest)
		watched.longest = *len;
	if (protocol != watched.protocol || data[0] != watched.code)
		return true;
	ppp_link_get_info(p.end[from].link, &info);
	if (!watched.count++)
		watched.authenticated = info.auth[0] != '\0';
	watched.len = *len;
	memcpy(watched.data, data, *len);
	return true;
}

static void prepare(int from, uint16_t protocol, uint8_t code)
{
	pair_init(&p, 1);
	memset(&watched, 0, sizeof(watched));
	watched.from = from;
	watched.protocol = protocol;
	watched.code = code;
	p.filter = watch;
}

static void come_up(void)
{
	pair_open(&p);
	pair_run(&p, 100 * SECOND, true);
	assert_false(p.broken);
	assert_true(p.end[0].up && p.end[1].up);
}

static void who_we_are_is_said_after_authentication(void **unused)
{
	(void)unused;
	for (int end = 0; end < 2; end++) {
		prepare(end, PPP_LCP, CP_IDENTIFICATION);
		p.end[end].config.identification = "greyline 9.9";
		come_up();
		assert_int_equal(watched.count, 1);
		assert_true(watched.authenticated);
		assert_int_equal(watched.len, 8 + strlen("greyline 9.9"));
		assert_memory_equal(watched.data + 8, "greyline 9.9", strlen("greyline 9.9"));
		pair_done(&p);
	}
}

static void strangers_hear_nothing(void **unused)
{
	(void)unused;
	for (int end = 0; end < 2; end++) {
		prepare(end, PPP_LCP, CP_IDENTIFICATION);
		p.end[end].config.identification = "greyline 9.9";
		p.end[CLIENT].config.password = "looking-glass";
		pair_open(&p);
		pair_run(&p, 100 * SECOND, true);
		assert_true(p.end[CLIENT].over);
		assert_int_equal(watched.count, 0);
		pair_done(&p);
		prepare(end, PPP_LCP, CP_IDENTIFICATION); /* nor anybody, unless it is wished */
		come_up();
		assert_int_equal(watched.count, 0);
		pair_done(&p);
	}
}

/* Who does not know the code says so, once. */
static void a_rejected_remark_is_not_repeated(void **unused)
{
	static const uint8_t reject[] = { CP_CODE_REJECT, 200, 0, 8, CP_TIME_REMAINING, 1, 0, 4 };

	(void)unused;
	prepare(SERVER, PPP_LCP, CP_TIME_REMAINING);
	p.end[SERVER].config.session_time = 100 * SECOND;
	come_up();
	assert_int_equal(watched.count, 1);
	ppp_link_receive(p.end[SERVER].link, PPP_LCP, reject, sizeof(reject), p.now);
	pair_run(&p, 60 * SECOND, false);
	assert_int_equal(watched.count, 1);
	assert_true(p.end[SERVER].up);
	pair_done(&p);
}

static uint32_t remaining(void)
{
	struct wire_reader r = wire_reader(watched.data, watched.len);

	wire_skip(&r, 8);
	return wire_u32(&r);
}

static void the_sessions_time_is_told_and_then_over(void **unused)
{
	uint64_t up;

	(void)unused;
	prepare(SERVER, PPP_LCP, CP_TIME_REMAINING);
	p.end[SERVER].config.session_time = 3600 * SECOND;
	come_up();
	up = p.end[SERVER].up_at;
	assert_int_equal(watched.count, 1);
	assert_int_equal(remaining(), 3600);
	/* LCP anew is no fresh start. */
	ppp_link_desync(p.end[SERVER].link, p.now);
	pair_run(&p, 3539 * SECOND, false);
	assert_int_equal(watched.count, 1);
	pair_run(&p, 2 * SECOND, false);
	assert_int_equal(watched.count, 2);
	assert_int_equal(remaining(), 60);
	assert_true(p.end[SERVER].up);
	pair_run(&p, 61 * SECOND, false);
	assert_true(p.end[SERVER].over && p.end[CLIENT].over);
	assert_int_equal(p.end[SERVER].reason, PPTP_SESSION_TIMEOUT);
	assert_true(p.end[SERVER].over_at - up < 3601 * SECOND);
	assert_false(p.broken);
	pair_done(&p);
}

static void a_short_session_is_told_once(void **unused)
{
	(void)unused;
	prepare(SERVER, PPP_LCP, CP_TIME_REMAINING);
	p.end[SERVER].config.session_time = 30 * SECOND;
	come_up();
	pair_run(&p, 31 * SECOND, false);
	assert_int_equal(watched.count, 1);
	assert_int_equal(p.end[SERVER].reason, PPTP_SESSION_TIMEOUT);
	pair_done(&p);
}

/* RFC 1661 5.9: discarded, at any length, and never a Code-Reject. */
static void discard_requests_are_discarded(void **unused)
{
	static uint8_t packet[1400] = { CP_DISCARD_REQUEST, 1, 0x05, 0x78 };

	(void)unused;
	prepare(SERVER, PPP_LCP, CP_CODE_REJECT);
	come_up();
	for (size_t len = 0; len <= sizeof(packet); len += 100)
		ppp_link_receive(p.end[SERVER].link, PPP_LCP, packet, len, p.now);
	packet[2] = 0;
	packet[3] = 4; /* without a magic number, too */
	ppp_link_receive(p.end[SERVER].link, PPP_LCP, packet, 4, p.now);
	assert_int_equal(watched.count, 0);
	assert_true(p.end[SERVER].up);
	pair_done(&p);
}

/* RFC 1661 5.7: as much of it as the peer's MRU takes. */
static void what_is_unknown_is_rejected_within_the_peers_mru(void **unused)
{
	static const uint16_t protocols[] = { PPP_LQR, PPP_IPXCP, PPP_NBFCP, PPP_BCP, PPP_CBCP,
		PPP_IPV6CP, PPP_SPAP };
	static uint8_t packet[1500] = { 1, 7, 0x05, 0xdc };

	(void)unused;
	for (unsigned int i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++) {
		prepare(SERVER, PPP_LCP, CP_PROTOCOL_REJECT);
		p.end[CLIENT].config.mru = 400;
		come_up();
		ppp_link_receive(p.end[SERVER].link, protocols[i], packet, sizeof(packet), p.now);
		assert_int_equal(watched.count, 1);
		assert_int_equal(watched.len, 400);
		assert_int_equal(watched.data[4] << 8 | watched.data[5], protocols[i]);
		assert_memory_equal(watched.data + 6, packet, 394);
		assert_true(p.end[SERVER].up);
		pair_done(&p);
	}
}

static void whatever_comes_no_answer_is_longer_than_the_peers_mru(void **unused)
{
	static const uint16_t protocols[] = { PPP_LCP, PPP_CCP, PPP_IPCP, PPP_IPV6CP, PPP_CHAP };
	static uint8_t packet[1500];

	(void)unused;
	for (unsigned int i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++) {
		for (unsigned int code = 0; code < 20; code++) {
			prepare(SERVER, 0, 0);
			p.end[CLIENT].config.mru = 200;
			p.end[0].config.ipv6 = p.end[1].config.ipv6 = PPP_IPV6_ON;
			come_up();
			memset(packet, 0, sizeof(packet));
			packet[0] = (uint8_t)code;
			packet[1] = 77;
			packet[2] = 0x05;
			packet[3] = 0xdc;
			for (unsigned int at = 4; at + 3 < sizeof(packet); at += 4) {
				packet[at] = 200; /* options that nobody has */
				packet[at + 1] = 4;
			}
			ppp_link_receive(
				p.end[SERVER].link, protocols[i], packet, sizeof(packet), p.now);
			/* A Configure-Request opens LCP anew, where 1500 is what there is. */
			if (protocols[i] != PPP_LCP || code != CP_CONFIGURE_REQUEST)
				assert_true(watched.longest <= 200);
			pair_done(&p);
		}
	}
}

/* RFC 1661 6.1: what we can take is 1500 in any case, whatever we asked for. */
static void packets_beyond_our_mru_are_taken(void **unused)
{
	static uint8_t packet[1500] = { CP_ECHO_REQUEST, 9, 0x05, 0xdc };

	(void)unused;
	prepare(SERVER, PPP_LCP, CP_ECHO_REPLY);
	p.end[SERVER].config.mru = 600;
	come_up();
	ppp_link_receive(p.end[SERVER].link, PPP_LCP, packet, sizeof(packet), p.now);
	assert_int_equal(watched.count, 1);
	assert_true(watched.len <= 1400);
	pair_done(&p);
}

/* From some moment on every frame comes back to its sender, and to nobody else. */
static bool looped;

static bool loop(struct pair *pair, int from, uint16_t protocol, uint8_t *data, size_t *len)
{
	if (!looped)
		return true;
	pair_enqueue(pair, from, protocol, data, *len);
	return false;
}

static void a_link_looped_in_any_phase_ends(void **unused)
{
	(void)unused;
	/* From before the first frame to long after the last of the set-up. */
	for (uint64_t at = 0; at <= 300 * MS; at += 5 * MS) {
		prepare(SERVER, 0, 0);
		p.filter = loop;
		looped = at == 0;
		pair_open(&p);
		if (at)
			pair_run(&p, at, false);
		looped = true;
		pair_run(&p, 400 * SECOND, false);
		assert_false(p.broken);
		for (int end = 0; end < 2; end++) {
			if (!p.end[end].over)
				fail_msg("looped at %d ms: end %d lives", (int)(at / MS), end);
			if (at == 0)
				assert_int_equal(p.end[end].reason, PPTP_LCP_LOOPBACK);
		}
		pair_done(&p);
	}
}

/* The states in reports follow the phases. */
static void reports_name_the_states(void **unused)
{
	struct ppp_link_info info;

	(void)unused;
	prepare(SERVER, 0, 0);
	p.end[0].config.ipv6 = PPP_IPV6_ON;
	pair_open(&p);
	ppp_link_get_info(p.end[SERVER].link, &info);
	assert_string_equal(info.lcp, "Initial");
	assert_string_equal(info.ipv6cp, "Initial");
	pair_run(&p, 5 * MS, false);
	ppp_link_get_info(p.end[SERVER].link, &info);
	assert_string_equal(info.lcp, "Req-Sent");
	assert_string_equal(info.ccp, "Initial");
	pair_run(&p, 100 * SECOND, true);
	pair_run(&p, SECOND, false);
	ppp_link_get_info(p.end[SERVER].link, &info);
	assert_string_equal(info.lcp, "Opened");
	assert_string_equal(info.ccp, "Opened");
	assert_string_equal(info.ipcp, "Opened");
	assert_string_equal(info.ipv6cp, "Stopped"); /* the client has none */
	pair_done(&p);
}

/* Names of what the data plane was told, in order. */
static char order[200];
static struct ppp_link_ops noted;

static void note(const char *what)
{
	strncat(order, what, sizeof(order) - strlen(order) - 1);
}

static void noted_tx(void *user, const struct mppe_params *params, const uint8_t start[16])
{
	note(params ? "tx " : "tx-off ");
	pair_tx(user, params, start);
}

static void noted_rx(void *user, const struct mppe_params *params, const uint8_t start[16])
{
	note(params ? "rx " : "rx-off ");
	pair_rx(user, params, start);
}

static void noted_up(void *user, const struct ppp_network *net)
{
	note("up ");
	pair_up(user, net);
}

static void noted_down(void *user)
{
	note("down ");
	pair_down(user);
}

static void noted_up6(void *user, const struct ppp_network *net)
{
	note("up6 ");
	pair_up6(user, net);
}

static void noted_down6(void *user)
{
	note("down6 ");
	pair_down6(user);
}

static void noted_server(enum ppp_mppe_policy policy)
{
	prepare(SERVER, 0, 0);
	order[0] = '\0';
	noted = pair_ops;
	noted.mppe_tx = noted_tx;
	noted.mppe_rx = noted_rx;
	noted.up = noted_up;
	noted.down = noted_down;
	noted.up6 = noted_up6;
	noted.down6 = noted_down6;
	p.end[0].config.ipv6 = p.end[1].config.ipv6 = PPP_IPV6_ON;
	p.end[0].config.mppe.policy = p.end[1].config.mppe.policy = policy;
	pair_open(&p);
	ppp_link_free(p.end[SERVER].link);
	p.end[SERVER].link = ppp_link_new(&p.end[SERVER].config, &noted, &p.end[SERVER]);
	pair_run(&p, 5 * SECOND, false);
	assert_string_equal(order, "rx tx up up6 ");
	order[0] = '\0';
}

static void server_gets(uint16_t protocol, uint8_t code)
{
	const uint8_t packet[] = { code, 99, 0, 4 };

	ppp_link_receive(p.end[SERVER].link, protocol, packet, sizeof(packet), p.now);
}

/* However CCP goes down, data stops before the keys go, and comes back behind new ones only. */
static void data_stops_before_the_keys_go(void **unused)
{
	static const enum ppp_mppe_policy policies[] = { PPP_MPPE_REQUIRE, PPP_MPPE_PREFER };
	static const uint8_t reject[] = { CP_PROTOCOL_REJECT, 99, 0, 6, 0x80, 0xfd };

	(void)unused;
	for (unsigned int i = 0; i < 2; i++) {
		for (unsigned int how = 0; how < 6; how++) {
			noted_server(policies[i]);
			if (how == 0)
				server_gets(PPP_CCP, CP_TERMINATE_REQUEST);
			else if (how == 1)
				server_gets(PPP_CCP, CP_CONFIGURE_REQUEST);
			else if (how == 2)
				server_gets(PPP_CCP, CP_TERMINATE_ACK);
			else if (how == 3)
				ppp_link_receive(
					p.end[SERVER].link, PPP_LCP, reject, sizeof(reject), p.now);
			else if (how == 4)
				ppp_link_desync(p.end[SERVER].link, p.now);
			else
				server_gets(PPP_LCP, CP_CONFIGURE_REQUEST);
			if (strncmp(order, "down6 down ", 11))
				fail_msg("%u, %u: %s", i, how, order);
			assert_false(p.end[SERVER].up);
			pair_run(&p, 30 * SECOND, false);
			assert_false(p.broken);
			if (strstr(order, "up ") && !strstr(order, "rx tx up "))
				fail_msg("%u, %u: %s", i, how, order);
			/* Opened anew by those who may: what was only closed is negotiated again. */
			if (how == 2 || how == 4)
				assert_true(p.end[SERVER].up);
			pair_done(&p);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_we_are_is_said_after_authentication),
		cmocka_unit_test(strangers_hear_nothing),
		cmocka_unit_test(a_rejected_remark_is_not_repeated),
		cmocka_unit_test(the_sessions_time_is_told_and_then_over),
		cmocka_unit_test(a_short_session_is_told_once),
		cmocka_unit_test(discard_requests_are_discarded),
		cmocka_unit_test(what_is_unknown_is_rejected_within_the_peers_mru),
		cmocka_unit_test(whatever_comes_no_answer_is_longer_than_the_peers_mru),
		cmocka_unit_test(packets_beyond_our_mru_are_taken),
		cmocka_unit_test(a_link_looped_in_any_phase_ends),
		cmocka_unit_test(reports_name_the_states),
		cmocka_unit_test(data_stops_before_the_keys_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
