/* Our two ends of a PPP link with each other (link_pair.h): run, and what must hold then. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/link_pair.h"

static struct pair p;

static inline void run(uint64_t time)
{
	pair_open(&p);
	pair_run(&p, time, true);
	assert_false(p.broken);
}

static inline void assert_up(void)
{
	assert_true(p.end[SERVER].up);
	assert_true(p.end[CLIENT].up);
}

static inline void assert_over(int end, enum pptp_reason reason, const char *detail)
{
	if (!p.end[end].over || p.end[end].reason != reason || !strstr(p.end[end].detail, detail))
		fail_msg("end %d: over %d, %s, \"%s\"", end, p.end[end].over,
			pptp_reason_name(p.end[end].reason), p.end[end].detail);
	assert_true(ppp_link_deadline(p.end[end].link) == UINT64_MAX);
}

/* Both ends are up and agree. */
static inline void assert_agreed(bool encrypted)
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

/* One protocol's packets of one end are lost: what is the reason then? */
static uint16_t lost_protocol;
static int lost_from;

static inline bool lose(struct pair *pair, int from, uint16_t protocol, uint8_t *data, size_t *len)
{
	(void)pair;
	(void)len;
	if (protocol == PPP_LCP && lost_protocol == PPP_LCP)
		return from != lost_from || data[0] == 2 || data[0] == 9;
	return protocol != lost_protocol || (lost_from >= 0 && from != lost_from);
}
