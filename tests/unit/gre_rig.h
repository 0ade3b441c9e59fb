/*
 * A receiver (lib/gre/receiver) in a test: numbers go in, what comes out is kept. Every packet is from the heap, so that
 * a leak or a double free fails under the sanitizers, and is counted.
 */
#pragma once

#include "lib/gre/receiver.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MS 1000u

static struct gre_receiver r;
static struct packet_list out;
static uint64_t now;
static int alive;
static uint32_t delivered[20000];
static unsigned int ndelivered, ndropped;

static inline void drain(void)
{
	struct packet *p;

	while ((p = packet_list_take(&out))) {
		if (p->verdict == PACKET_DROP)
			ndropped++;
		else
			memcpy(&delivered[ndelivered++], p->data, sizeof(uint32_t));
		assert_true(ndelivered < 20000);
		free(p);
		alive--;
	}
}

static inline void take(uint32_t seq)
{
	struct packet *p = malloc(sizeof(*p));

	assert_non_null(p);
	alive++;
	packet_reset(p);
	memcpy(p->data, &seq, sizeof(seq));
	p->len = sizeof(seq);
	gre_receiver_take(&r, p, seq, now, &out);
	drain();
	assert_int_equal(alive, r.held);
}

static inline void take_run(uint32_t from, unsigned int n)
{
	while (n--)
		take(from++);
}

static inline void tick(uint64_t at)
{
	now = at;
	gre_receiver_tick(&r, now, &out);
	drain();
	assert_int_equal(alive, r.held);
}

static inline int set_up(void **state)
{
	(void)state;
	gre_receiver_init(&r, 64);
	packet_list_init(&out);
	now = 1000 * MS;
	ndelivered = 0;
	ndropped = 0;
	alive = 0;
	return 0;
}

static inline int tear_down(void **state)
{
	(void)state;
	gre_receiver_done(&r, &out);
	drain();
	return alive;
}

static inline void assert_delivered(uint32_t from, unsigned int n)
{
	assert_int_equal(ndelivered, n);
	for (unsigned int i = 0; i < n; i++)
		assert_int_equal(delivered[i], from + i);
}
