/*
 * What the tests of lib/tunnel share: packets that are counted, a pair of tunnels, and a worker's
 * steps.
 */
#pragma once

#include "lib/ppp/frame.h"
#include "lib/tunnel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* What a tunnel has counted. */
static inline struct tunnel_stats counted(const struct tunnel *t)
{
	struct tunnel_stats stats;

	tunnel_get_stats(t, &stats);
	return stats;
}

#define MS 1000u

static const uint8_t start_a[16] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 };
static const uint8_t start_b[16] = { 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1 };
static struct rc4_batch batch;
static int alive;

static struct packet *packet(const void *data, uint32_t len)
{
	struct packet *p = malloc(sizeof(*p));

	assert_non_null(p);
	alive++;
	packet_reset(p);
	memcpy(p->data, data, len);
	p->len = len;
	return p;
}

static void release(struct packet *p)
{
	free(p);
	alive--;
}

/* An IPv4 packet that carries a number; `len` at least 24. */
static struct packet *ip_packet(uint32_t number, uint32_t len)
{
	uint8_t ip[1500] = { 0x45, 0, (uint8_t)(len >> 8), (uint8_t)len };

	memcpy(ip + 20, &number, sizeof(number));
	for (uint32_t i = 24; i < len; i++)
		ip[i] = (uint8_t)(number * 17 + i);
	return packet(ip, len);
}

static uint32_t ip_number(const struct packet *p)
{
	struct packet *want;
	uint32_t number;

	assert_true(p->len >= 24);
	memcpy(&number, p->data + 20, sizeof(number));
	want = ip_packet(number, p->len);
	assert_memory_equal(p->data, want->data, p->len);
	release(want);
	return number;
}

static void init_pair(struct tunnel *a, struct tunnel *b, const struct mppe_params *params)
{
	const struct tunnel_config ca = { .call_id = 1, .peer_call_id = 2, .window = 64 };
	const struct tunnel_config cb = { .call_id = 2, .peer_call_id = 1, .window = 64 };

	tunnel_init(a, &ca);
	tunnel_init(b, &cb);
	a->data_open = b->data_open = true;
	tunnel_set_tx(a, params, start_a);
	tunnel_set_rx(b, params, start_a);
	tunnel_set_tx(b, params, start_b);
	tunnel_set_rx(a, params, start_b);
}

static void end_pair(struct tunnel *a, struct tunnel *b)
{
	struct packet_list out;
	struct packet *p;

	packet_list_init(&out);
	tunnel_done(a, &out);
	tunnel_done(b, &out);
	while ((p = packet_list_take(&out)))
		release(p);
	assert_int_equal(alive, 0);
}

static struct packet *seal(struct tunnel *t, struct packet *p, uint16_t protocol, uint64_t now)
{
	assert_int_equal(tunnel_seal(t, p, protocol, now, &batch), 0);
	rc4_run(&batch);
	return p;
}

/* Hands a GRE packet in. */
static void receive_into(struct tunnel *t, struct packet *p, uint64_t now, struct packet_list *out)
{
	struct gre_header h;
	size_t size;

	assert_int_equal(gre_header_decode(&h, p->data, p->len, &size), GRE_OK);
	assert_int_equal(h.call_id, t->call_id);
	p->data += size;
	p->len = h.payload_len;
	tunnel_receive(t, &h, p, now, out);
}

/* As a worker does it: decrypt in batches, run, finish. */
static void work(struct tunnel *t, struct packet_list *in, struct packet_list *done)
{
	struct packet *step[RC4_BATCH_MAX];

	while (in->first) {
		unsigned int n = 0;

		while (n < RC4_BATCH_MAX && (step[n] = packet_list_take(in))) {
			tunnel_decrypt(t, step[n], &batch);
			n++;
		}
		rc4_run(&batch);
		for (unsigned int i = 0; i < n; i++) {
			tunnel_finish(t, step[i]);
			assert_int_not_equal(step[i]->verdict, PACKET_NONE);
			packet_list_add(done, step[i]);
		}
	}
}
