/*
 * A compressor of TCP/IP headers and a decompressor (RFC 1144), with what goes between them; and the
 * packet that the tests begin with.
 */
#pragma once

#include "lib/compress/vj.h"
#include "lib/ppp/frame.h"
#include "tests/unit/tcp_packet.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define PSH  0x18 /* with ACK */
#define URG  0x30
#define SEQ  1000
#define ACK  5000
#define WIN  0x2000
#define ID   0x1000
#define DATA 10

static struct vj *tx, *rx;
static uint8_t wire[TCP_PACKET_MAX]; /* what went out last: */
static uint16_t wire_protocol;
static size_t wire_len;

static inline void start_with(uint8_t slots)
{
	const struct vj_params params = { .slots = slots };

	tx = vj_new(&params);
	rx = vj_new(&params);
	assert_non_null(tx);
	assert_non_null(rx);
}

static inline void stop(void)
{
	vj_free(tx);
	vj_free(rx);
}

static inline void send(const uint8_t *packet, size_t len)
{
	size_t skip = 0;

	memcpy(wire, packet, len);
	wire_protocol = vj_compress(tx, wire, len, &skip);
	wire_len = len - skip;
	memmove(wire, wire + skip, wire_len);
	assert_true(wire_protocol == PPP_VJ || !skip);
	if (wire_protocol == PPP_IP)
		assert_memory_equal(wire, packet, len);
}

/* What came of the last that went out; its length, or an error. */
static inline int receive(uint8_t out[TCP_PACKET_MAX])
{
	const uint8_t *header;
	size_t used = 0;
	int n;

	if (wire_protocol != PPP_VJ) {
		memcpy(out, wire, wire_len);
		n = wire_protocol == PPP_VJ_PLAIN ? vj_learn(rx, out, wire_len) : 0;
		return n < 0 ? n : (int)wire_len;
	}
	n = vj_expand(rx, wire, wire_len, &header, &used);
	if (n < 0)
		return n;
	assert_true(n >= 40 && n <= VJ_HEADER_MAX && used <= wire_len && used >= 3);
	memcpy(out, header, (size_t)n);
	memcpy(out + n, wire + used, wire_len - used);
	return n + (int)(wire_len - used);
}

/* It goes with this protocol and comes out as it was. */
static inline void passes(const struct tcp_packet *t, uint16_t protocol)
{
	uint8_t packet[TCP_PACKET_MAX], back[TCP_PACKET_MAX];
	size_t len = tcp_make(t, packet);

	send(packet, len);
	assert_int_equal(wire_protocol, protocol);
	assert_int_equal(receive(back), len);
	assert_memory_equal(back, packet, len);
}

/* The compressed header, without the data. */
static inline void is_wire(const uint8_t *want, size_t len, size_t data)
{
	assert_int_equal(wire_len, len + data);
	assert_memory_equal(wire, want, len);
}

#define IS_WIRE(data, ...)                                                                         \
	do {                                                                                       \
		const uint8_t want[] = { __VA_ARGS__ };                                            \
		is_wire(want, sizeof(want), data);                                                 \
	} while (0)

/* The packet before, with ten octets of data. Its checksum is not looked at, nor are the others'. */
static inline struct tcp_packet first(void)
{
	return (struct tcp_packet){ .seq = SEQ,
		.ack = ACK,
		.window = WIN,
		.id = ID,
		.checksum = 0xbeef,
		.data_len = DATA };
}

/* As it, one further in the numbers of IP. */
static inline struct tcp_packet second(void)
{
	struct tcp_packet t = first();

	start_with(VJ_SLOTS_MAX);
	passes(&t, PPP_VJ_PLAIN);
	assert_int_equal(wire[9], 0);
	t.id++;
	t.checksum = 0xcafe;
	return t;
}

/* The mask without C, the slot left out: as peers do that may. */
static inline void leave_out_slot(void)
{
	wire[1] = wire[0] & 0xbf;
	wire_len--;
	memmove(wire, wire + 1, wire_len);
}

/* Compressed, without its slot. */
static inline int implicit(struct tcp_packet *t, uint8_t back[TCP_PACKET_MAX])
{
	uint8_t packet[TCP_PACKET_MAX];
	size_t len;
	int n;

	t->seq += DATA;
	t->id++;
	len = tcp_make(t, packet);
	send(packet, len);
	assert_int_equal(wire_protocol, PPP_VJ);
	leave_out_slot();
	n = receive(back);
	if (n > 0) {
		assert_int_equal(n, len);
		assert_memory_equal(back, packet, len);
	}
	return n;
}

static inline int expand(const uint8_t *data, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);
	const uint8_t *header;
	size_t used;
	int n;

	assert_non_null(copy);
	memcpy(copy, data, len);
	n = vj_expand(rx, copy, len, &header, &used);
	free(copy);
	return n;
}
