/* TCP packets in IPv4, as the tests of header compression make them: each field, checksums right. */
#pragma once

#include "lib/checksum.h"
#include "lib/wire.h"

#define TCP_PACKET_MAX 1500

struct tcp_packet {
	uint32_t source, destination; /* 0: 10.0.0.1, 10.0.0.2 */
	uint16_t sport, dport;        /* 0: 1024, 80 */
	uint32_t seq, ack;
	uint16_t id, window, urgent;
	uint8_t tos, ttl, flags; /* ttl 0: 64; flags 0: ACK */
	uint16_t fragment;       /* flags and offset */
	uint8_t options[40];     /* of TCP */
	uint8_t options_len;     /* a multiple of 4 */
	uint8_t ip_options;      /* so many octets of No-Operation; a multiple of 4 */
	uint16_t data_len;       /* of data: */
	uint8_t fill;            /* octets fill, fill + 1 ... */
	uint16_t checksum;       /* of TCP, as it is to stand there; 0: right */
};

/* TCP's checksum over pseudo-header, header and data: 0 if it is right where it stands. */
static inline uint16_t tcp_sum(const uint8_t *packet, size_t len)
{
	uint8_t all[12 + TCP_PACKET_MAX] = { 0 };
	size_t ip = packet[0] % 16 * 4u;

	memcpy(all, packet + 12, 8);
	all[9] = 6;
	all[10] = (uint8_t)((len - ip) >> 8);
	all[11] = (uint8_t)(len - ip);
	memcpy(all + 12, packet + ip, len - ip);
	return checksum_of(all, 12 + len - ip);
}

/* Its length. */
static inline size_t tcp_make(const struct tcp_packet *t, uint8_t out[TCP_PACKET_MAX])
{
	struct wire_writer w = wire_writer(out, TCP_PACKET_MAX);
	size_t ip = 20u + t->ip_options, len = ip + 20u + t->options_len + t->data_len;

	wire_put_u8(&w, (uint8_t)(0x40 | ip / 4));
	wire_put_u8(&w, t->tos);
	wire_put_u16(&w, (uint16_t)len);
	wire_put_u16(&w, t->id);
	wire_put_u16(&w, t->fragment);
	wire_put_u8(&w, t->ttl ? t->ttl : 64);
	wire_put_u8(&w, 6);
	wire_put_u16(&w, 0);
	wire_put_u32(&w, t->source ? t->source : 0x0a000001);
	wire_put_u32(&w, t->destination ? t->destination : 0x0a000002);
	for (unsigned int i = 0; i < t->ip_options; i++)
		wire_put_u8(&w, 1);
	wire_patch_u16(&w, 10, checksum_of(out, ip));
	wire_put_u16(&w, t->sport ? t->sport : 1024);
	wire_put_u16(&w, t->dport ? t->dport : 80);
	wire_put_u32(&w, t->seq);
	wire_put_u32(&w, t->ack);
	wire_put_u8(&w, (uint8_t)((20u + t->options_len) / 4 << 4));
	wire_put_u8(&w, t->flags ? t->flags : 0x10);
	wire_put_u16(&w, t->window);
	wire_put_u16(&w, t->checksum);
	wire_put_u16(&w, t->urgent);
	wire_put_bytes(&w, t->options, t->options_len);
	for (unsigned int i = 0; i < t->data_len; i++)
		wire_put_u8(&w, (uint8_t)(t->fill + i));
	if (!t->checksum)
		wire_patch_u16(&w, ip + 16, tcp_sum(out, len));
	return w.failed ? 0 : len;
}
