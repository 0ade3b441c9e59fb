/*
 * For tests of super-packets: one, and its segments, built from a description, in full and octet by
 * octet, apart from the code under test.
 */
#pragma once

#include "dataplane/vnet.h"

#include "packets.h"

#include <stdio.h>
#include <stdlib.h>

#define SUPER_MAX 65600

struct super {
	bool ipv6, udp, df;
	uint8_t tos, ttl;
	uint8_t flags;     /* TCP's, of the whole */
	size_t ip_options; /* octets of them; of IPv6 an extension header */
	size_t tcp_options;
	size_t payload; /* octets in all */
	uint16_t size;  /* of each */
	uint16_t id, urgent, window, sport;
	uint32_t seq, ack;
	uint8_t fill; /* what the options and the payload are made of */
};

static const struct super plain_tcp = {
	.df = true,
	.ttl = 64,
	.flags = 0x10,
	.payload = 5000,
	.size = 1348,
	.id = 7,
	.window = 501,
	.sport = 40000,
	.seq = 0xfffff000,
	.ack = 99,
	.tcp_options = 12,
	.fill = 1,
};

static inline size_t ip_size(const struct super *s)
{
	return (s->ipv6 ? 40 : 20) + s->ip_options;
}

static inline size_t upper_size(const struct super *s)
{
	return s->udp ? 8 : 20 + s->tcp_options;
}

static inline size_t headers_size(const struct super *s)
{
	return ip_size(s) + upper_size(s);
}

static inline void put_ip_of(const struct super *s, uint8_t *out, size_t len, uint16_t id)
{
	uint8_t protocol = s->udp ? 17 : 6;
	struct sum sum = { 0 };

	memset(out, 0, ip_size(s));
	if (s->ipv6) {
		out[0] = (uint8_t)(0x60 | s->tos >> 4);
		out[1] = (uint8_t)(s->tos << 4);
		out[3] = 0x77; /* flow label */
		put16(out + 4, (unsigned int)(len - 40));
		out[6] = s->ip_options ? 60 : protocol;
		out[7] = s->ttl;
		memset(out + 8, 0x20, 16);
		memset(out + 24, 0x2a, 16);
		if (s->ip_options) {
			out[40] = protocol;
			out[41] = (uint8_t)(s->ip_options / 8 - 1);
			out[42] = 1; /* PadN */
			out[43] = (uint8_t)(s->ip_options - 4);
		}
		return;
	}
	out[0] = (uint8_t)(0x40 | ip_size(s) / 4);
	out[1] = s->tos;
	put16(out + 2, (unsigned int)len);
	put16(out + 4, id);
	put16(out + 6, s->df ? 0x4000 : 0);
	out[8] = s->ttl;
	out[9] = protocol;
	memset(out + 12, 10, 4);
	memset(out + 16, 11, 4);
	memset(out + 20, 1, s->ip_options);
	sum_add(&sum, out, ip_size(s));
	put16(out + 10, sum_end(&sum));
}

/* One's complement sum of the pseudo header. */
static inline struct sum pseudo_of(const struct super *s, const uint8_t *packet, size_t len)
{
	uint8_t rest[4] = { 0, s->udp ? 17 : 6, (uint8_t)(len >> 8), (uint8_t)len };
	struct sum sum = { 0 };

	sum_add(&sum, packet + (s->ipv6 ? 8 : 12), s->ipv6 ? 32 : 8);
	sum_add(&sum, rest, sizeof(rest));
	return sum;
}

/*
 * Headers and `take` octets of the payload from `from` on; with a whole checksum, or only its
 * beginning.
 */
static inline size_t put_part(const struct super *s, uint8_t *out, size_t from, size_t take,
	uint8_t flags, unsigned int number, bool partial)
{
	size_t len = headers_size(s) + take, upper_len = upper_size(s) + take;
	uint8_t *upper = out + ip_size(s), *at = upper + (s->udp ? 6 : 16);
	struct sum sum;

	put_ip_of(s, out, len, (uint16_t)(s->id + number));
	memset(upper, 0, upper_size(s));
	put16(upper, s->sport);
	put16(upper + 2, 5201);
	if (s->udp) {
		put16(upper + 4, (unsigned int)upper_len);
	} else {
		uint32_t seq = s->seq + (uint32_t)from;

		put16(upper + 4, seq >> 16);
		put16(upper + 6, seq & 0xffff);
		put16(upper + 8, s->ack >> 16);
		put16(upper + 10, s->ack & 0xffff);
		upper[12] = (uint8_t)(upper_size(s) / 4 << 4);
		upper[13] = flags;
		put16(upper + 14, s->window);
		put16(upper + 18, flags & 0x20 ? (unsigned int)(s->urgent - from) : 0);
		for (size_t i = 0; i < s->tcp_options; i++)
			upper[20 + i] = (uint8_t)(s->fill * 3 + i);
	}
	for (size_t i = 0; i < take; i++)
		out[headers_size(s) + i] = (uint8_t)((from + i) * 31 + (from + i) / 256 + s->fill);
	sum = pseudo_of(s, out, upper_len);
	if (!partial)
		sum_add(&sum, upper, upper_len);
	put16(at, partial ? (unsigned int)(uint16_t)~sum_end(&sum) : sum_end(&sum));
	if (s->udp && !partial && !get16(at))
		put16(at, 0xffff);
	return len;
}

/* As the kernel hands it over. */
static inline size_t put_super(const struct super *s, uint8_t *out, struct vnet *v)
{
	*v = (struct vnet){
		.kind = s->udp    ? VNET_UDP
			: s->ipv6 ? VNET_TCP6
				  : VNET_TCP4,
		.ecn = !s->udp && s->flags & 0x80,
		.partial = true,
		.headers = (uint16_t)headers_size(s),
		.size = s->size,
		.start = (uint16_t)ip_size(s),
		.offset = s->udp ? 6 : 16,
	};
	return put_part(s, out, 0, s->payload, s->flags, 0, true);
}

/* Segment `number` as it must be; its length, 0 if there is none. */
static inline size_t put_expected(const struct super *s, uint8_t *out, unsigned int number)
{
	size_t from = (size_t)number * s->size, left = s->payload - from;
	uint8_t flags = s->flags;

	if (from >= s->payload)
		return 0;
	if (left > s->size)
		flags &= (uint8_t)~0x09; /* FIN, PSH */
	if (number)
		flags &= 0x7f; /* CWR */
	if (from && from >= s->urgent)
		flags &= (uint8_t)~0x20;
	return put_part(s, out, from, left < s->size ? left : s->size, flags, number, false);
}
