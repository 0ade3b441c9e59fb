/*
 * LCP of a server or a client of ours against a scripted peer, packet by packet, in hex
 * (cp_script.h), in virtual time.
 */
#pragma once

#include "lib/ppp/frame.h"
#include "lib/ppp/lcp.h"
#include "tests/unit/cp_script.h"

#define SECOND 1000000ull

static struct lcp lcp;
static uint64_t now;

#define expect(hex) script_expect_on(PPP_LCP, hex, __LINE__)
#define nothing()   script_nothing(__LINE__)

/* Ours, with the first magic number of the scripted randomness. */
#define SERVER_REQUEST     "01 01 001d 01040578 020600000000 0305c22381 0506a1a1a1a1 0702 0802"
#define SERVER_REQUEST_EAP "01 01 001c 01040578 020600000000 0304c227 0506a1a1a1a1 0702 0802"
#define SERVER_ACK         "02 01 001d 01040578 020600000000 0305c22381 0506a1a1a1a1 0702 0802"
#define CLIENT_REQUEST     "01 01 0018 01040578 020600000000 0506a1a1a1a1 0702 0802"
#define CLIENT_ACK         "02 01 0018 01040578 020600000000 0506a1a1a1a1 0702 0802"

static inline void peer(const char *hex)
{
	uint8_t packet[1600];
	size_t len = script_hex(hex, packet, sizeof(packet));

	lcp_heard(&lcp, packet, len, now);
	lcp_receive(&lcp, packet, len, now);
}

/* Whatever it is, of this code. */
static inline void expect_code(uint8_t code)
{
	assert_true(script.next < script.count);
	assert_int_equal(script.sent[script.next].data[0], code);
	script.next++;
}

static inline void start_with(bool server, bool insist, const struct ppp_auth_list *list)
{
	struct lcp_config config = {
		.mru = 1400,
		.insist_auth = insist,
		.restart_interval = 3 * SECOND,
		.echo_interval = 30 * SECOND,
		.echo_failures = 3,
	};

	*(server ? &config.demand : &config.accept) = *list;
	script_reset();
	now = 1000 * SECOND;
	lcp_done(&lcp);
	lcp_init(&lcp, &config, &script_host, NULL);
	lcp_start(&lcp, now);
	expect(!server                                 ? CLIENT_REQUEST
		: list->methods[0] == PPP_AUTH_MSCHAP2 ? SERVER_REQUEST
						       : SERVER_REQUEST_EAP);
	/* The tests of the first meeting apart: the peer has been heard. */
	lcp_heard(&lcp, NULL, 0, now);
	nothing();
}

static inline void start(bool server, bool insist)
{
	static const struct ppp_auth_list list = { 1, { PPP_AUTH_MSCHAP2 } };

	start_with(server, insist, &list);
}

/* Up with a peer that asks for its magic number only. */
static inline void open_server(void)
{
	start(true, false);
	peer(SERVER_ACK);
	peer("01 05 000a 050600000001");
	expect("02 05 000a 050600000001");
	nothing();
	assert_true(cp_is_open(&lcp.cp));
}
