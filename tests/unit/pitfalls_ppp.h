/*
 * What the tests of faults that other implementations of PPP had share: a pair of links of which
 * every frame is kept, and frames from nowhere.
 */
#pragma once

#include "tests/unit/chap_end.h"
#include "tests/unit/link_pair.h"

#include <stdio.h>
#include <unistd.h>

static struct pair p;

/* What an end of the pair sent, oldest first. */
static struct {
	int from;
	uint16_t protocol;
	size_t len;
	uint8_t data[1600];
} sent[256];
static unsigned int count;

static inline bool record(
	struct pair *pair, int from, uint16_t protocol, uint8_t *data, size_t *len)
{
	(void)pair;
	assert_true(count < 256);
	sent[count].from = from;
	sent[count].protocol = protocol;
	sent[count].len = *len;
	memcpy(sent[count++].data, data, *len);
	return true;
}

static inline void prepare(void)
{
	pair_init(&p, 1);
	p.filter = record;
	count = 0;
}

/* A frame from nowhere for one of the ends, from a heap block of just this size. */
static inline void inject(int to, uint16_t protocol, const void *packet, size_t len)
{
	uint8_t *copy = malloc(len + 1);

	assert_non_null(copy);
	memcpy(copy + 1, packet, len);
	ppp_link_receive(p.end[to].link, protocol, copy + 1, len, p.now);
	free(copy);
}

static inline void both_come_up(void)
{
	pair_run(&p, 20 * SECOND, true);
	assert_false(p.broken);
	assert_true(p.end[SERVER].up && p.end[CLIENT].up);
}

/* How often an end answered `protocol` with a Protocol-Reject of it since `since`. */
static inline unsigned int rejects(int by, uint16_t protocol, unsigned int since)
{
	unsigned int n = 0;

	for (unsigned int i = since; i < count; i++) {
		if (sent[i].from == by && sent[i].protocol == PPP_LCP && sent[i].data[0] == 8)
			n += sent[i].data[4] == protocol >> 8 &&
			     sent[i].data[5] == (protocol & 0xff);
	}
	return n;
}
