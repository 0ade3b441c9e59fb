/*
 * One end of a PPP link against a script: what it sends is recorded and expected packet by packet,
 * in hex; nothing of the pair's other end gets through, unless the test wants it to.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/link_pair.h"

static struct pair p;
static struct ppp_link *l; /* the end under test */
static int end;

/* What the end under test sent, oldest first. */
static struct {
	uint16_t protocol;
	size_t len;
	uint8_t data[1600];
} sent[128];
static unsigned int count, next;
static bool cut; /* nothing gets from one end to the other */

static inline bool record(
	struct pair *pair, int from, uint16_t protocol, uint8_t *data, size_t *len)
{
	(void)pair;
	if (from == end) {
		assert_true(count < 128);
		sent[count].protocol = protocol;
		sent[count].len = *len;
		memcpy(sent[count++].data, data, *len);
	}
	return !cut;
}

static inline size_t hex(const char *text, uint8_t *out)
{
	size_t n = 0;

	for (const char *c = text; *c;) {
		char byte[3] = { c[0], c[0] ? c[1] : '\0', 0 };

		if (*c == ' ') {
			c++;
			continue;
		}
		out[n++] = (uint8_t)strtoul(byte, NULL, 16);
		c += 2;
	}
	return n;
}

static inline void peer(uint16_t protocol, const char *text)
{
	uint8_t packet[1600];
	size_t len = hex(text, packet);

	ppp_link_receive(l, protocol, packet, len, p.now);
}

static inline void expect_at(int line, uint16_t protocol, const char *text)
{
	uint8_t want[1600];
	size_t len = hex(text, want);
	char got[200] = "";

	if (next == count)
		fail_msg("line %d: nothing was sent", line);
	for (size_t i = 0; i < sent[next].len && i < 60; i++)
		snprintf(got + 3 * i, 4, "%02x ", sent[next].data[i]);
	if (sent[next].protocol != protocol || sent[next].len != len ||
		memcmp(sent[next].data, want, len))
		fail_msg("line %d: sent %04x %s", line, sent[next].protocol, got);
	next++;
}

/* A packet of this protocol and code, whatever is in it. */
static inline void expect_code_at(int line, uint16_t protocol, uint8_t code)
{
	if (next == count || sent[next].protocol != protocol || sent[next].data[0] != code)
		fail_msg("line %d: %04x code %u", line, next < count ? sent[next].protocol : 0,
			next < count ? sent[next].data[0] : 0);
	next++;
}

#define expect(protocol, text)      expect_at(__LINE__, protocol, text)
#define expect_code(protocol, code) expect_code_at(__LINE__, protocol, code)
#define nothing()                   assert_int_equal(next, count)

static inline void prepare(int which, enum ppp_mppe_policy policy)
{
	pair_init(&p, 1);
	p.filter = record;
	end = which;
	count = next = 0;
	cut = false;
	p.end[0].config.mppe.policy = p.end[1].config.mppe.policy = policy;
}

/* Alone with the script. */
static inline void begin_alone(int which)
{
	cut = true;
	p.end[!which].start = UINT64_MAX;
	pair_open(&p);
	l = p.end[which].link;
	p.end[which].started = true;
	ppp_link_start(l, p.now);
}

static inline void start_alone(int which, enum ppp_mppe_policy policy)
{
	prepare(which, policy);
	begin_alone(which);
}

/* A server without MPPE's keys in the game: any Response is good. */
static inline void good_judge(void *user, const struct ppp_auth_request *request)
{
	struct ppp_auth_verdict verdict = { .ok = true, .keys.source = MPPE_FROM_MSCHAP2 };

	(void)request;
	(void)user;
	memcpy(verdict.auth_response, "S=0123456789ABCDEF0123456789ABCDEF01234567", 43);
	if (p.judge_delay)
		p.verdict = verdict;
	else
		ppp_link_verdict(l, &verdict, &p.assign, p.now);
}

static struct ppp_link_ops server_ops;

static inline void server_alone(enum ppp_mppe_policy policy)
{
	prepare(SERVER, policy);
	cut = true;
	p.end[CLIENT].start = UINT64_MAX;
	pair_open(&p);
	ppp_link_free(p.end[SERVER].link);
	server_ops = pair_ops;
	server_ops.judge = good_judge;
	l = p.end[SERVER].link = ppp_link_new(&p.end[SERVER].config, &server_ops, &p.end[SERVER]);
	p.end[SERVER].started = true;
	ppp_link_start(l, p.now);
	expect_code(PPP_LCP, 1);
}

/* Acknowledges the last packet sent, which is a Configure-Request. */
static inline void peer_acks_last(uint16_t protocol)
{
	uint8_t packet[1600];

	assert_true(count && sent[count - 1].protocol == protocol && sent[count - 1].data[0] == 1);
	memcpy(packet, sent[count - 1].data, sent[count - 1].len);
	packet[0] = 2;
	ppp_link_receive(l, protocol, packet, sent[count - 1].len, p.now);
}

#define RESPONSE_BODY                                                                              \
	"003d 31 789223b02a0cc515404bca2c696edcff 0000000000000000 "                               \
	"8cd6161253eac63fa53cfc6f0000000000000000000000aa 00 76706e75736572"

/* Windows' LCP, up to our Challenge. */
static inline void lcp_of_windows(void)
{
	peer(PPP_LCP, "01 00 0015 01040578 050675eb25d5 0702 0802 0d0306");
	expect_code(PPP_LCP, 1); /* repeated, the peer has just appeared */
	expect(PPP_LCP, "04 00 0007 0d0306");
	count--; /* for peer_acks_last(): the request is before it */
	next = count;
	peer_acks_last(PPP_LCP);
	nothing();
	peer(PPP_LCP, "01 01 0012 01040578 050675eb25d5 0702 0802");
	expect(PPP_LCP, "02 01 0012 01040578 050675eb25d5 0702 0802");
	expect_code(PPP_CHAP, 1);
}

static inline void response_of_windows(void)
{
	char text[200];

	snprintf(text, sizeof(text), "02 %02x " RESPONSE_BODY, sent[count - 1].data[1]);
	peer(PPP_CHAP, text);
}

static inline void up_as(int which, enum ppp_mppe_policy policy)
{
	prepare(which, policy);
	pair_open(&p);
	pair_run(&p, 10 * SECOND, true);
	assert_true(p.end[0].up && p.end[1].up);
	l = p.end[which].link;
	next = count;
	cut = true;
}
