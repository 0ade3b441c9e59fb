/* For tests of inner packets: IPv4 and IPv6 packets and TCP segments built and summed in full. */
#pragma once

#include "lib/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* The Internet checksum over several pieces, written apart from the one under test. */
struct sum {
	uint64_t words;
	size_t octets;
};

static inline void sum_add(struct sum *s, const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len; i++, s->octets++)
		s->words += (uint64_t)data[i] << (s->octets % 2 ? 0 : 8);
}

static inline uint16_t sum_end(const struct sum *s)
{
	return (uint16_t) ~(s->words % 0xffff ? s->words % 0xffff : s->words ? 0xffff : 0);
}

static inline void put16(uint8_t *at, unsigned int v)
{
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
}

static inline unsigned int get16(const uint8_t *at)
{
	return (unsigned int)at[0] << 8 | at[1];
}

/* Of a TCP segment with pseudo header; 0 (or -0) when the checksum in it is right. */
static inline uint16_t tcp_sum(
	const uint8_t *addresses, size_t addresses_len, const uint8_t *tcp, size_t len)
{
	uint8_t rest[4] = { 0, 6, (uint8_t)(len >> 8), (uint8_t)len };
	struct sum s = { 0 };

	sum_add(&s, addresses, addresses_len);
	sum_add(&s, rest, sizeof(rest));
	sum_add(&s, tcp, len);
	return sum_end(&s);
}

/* A TCP header with `options` and `data_len` octets; its length. */
static inline size_t put_tcp(
	uint8_t *tcp, uint8_t flags, const void *options, size_t options_len, size_t data_len)
{
	size_t header = 20 + options_len;

	assert_true(options_len % 4 == 0 && options_len <= 40);
	memset(tcp, 0, header);
	put16(tcp, 40000);
	put16(tcp + 2, 443);
	put16(tcp + 4, 0x1234);
	tcp[12] = (uint8_t)(header / 4 << 4);
	tcp[13] = flags;
	put16(tcp + 14, 64240);
	if (options_len)
		memcpy(tcp + 20, options, options_len);
	for (size_t i = 0; i < data_len; i++)
		tcp[header + i] = (uint8_t)(i * 7);
	return header + data_len;
}

/* An IPv4 packet of `protocol` around `len` octets at packet + header, whose checksum is right. */
static inline size_t put_ip(uint8_t *packet, const void *options, size_t options_len,
	uint16_t flags, uint8_t protocol, uint32_t from, uint32_t to, size_t len)
{
	size_t header = 20 + options_len;
	struct wire_writer w = wire_writer(packet, header);
	struct sum s = { 0 };

	wire_put_u8(&w, (uint8_t)(0x40 | header / 4));
	wire_put_u8(&w, 0);
	wire_put_u16(&w, (uint16_t)(header + len));
	wire_put_u16(&w, 0xbeef);
	wire_put_u16(&w, flags);
	wire_put_u8(&w, 64);
	wire_put_u8(&w, protocol);
	wire_put_u16(&w, 0);
	wire_put_u32(&w, from);
	wire_put_u32(&w, to);
	wire_put_bytes(&w, options, options_len);
	assert_false(w.failed);
	sum_add(&s, packet, header);
	put16(packet + 10, sum_end(&s));
	return header + len;
}

static inline void put_tcp_sum(
	const uint8_t *addresses, size_t addresses_len, uint8_t *tcp, size_t len)
{
	put16(tcp + 16, 0);
	put16(tcp + 16, tcp_sum(addresses, addresses_len, tcp, len));
}

#define FROM 0x0a000002u
#define TO   0x0a630909u

/* A whole IPv4 packet with a TCP segment in it. */
static inline size_t put_segment(uint8_t *packet, uint16_t ip_flags, uint8_t tcp_flags,
	const void *options, size_t options_len, size_t data_len)
{
	size_t len = put_tcp(packet + 20, tcp_flags, options, options_len, data_len);

	put_ip(packet, NULL, 0, ip_flags, 6, FROM, TO, len);
	put_tcp_sum(packet + 12, 8, packet + 20, len);
	return 20 + len;
}

static inline void assert_ip_sum(const uint8_t *packet)
{
	struct sum s = { 0 };

	sum_add(&s, packet, (packet[0] & 15u) * 4u);
	assert_int_equal(sum_end(&s), 0);
}
