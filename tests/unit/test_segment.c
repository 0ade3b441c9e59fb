/* dataplane/segment: super-packets into packets, octet by octet as they must be. */
#include "dataplane/segment.h"

#include "flows.h"

#include <errno.h>

#define ROOM 1920

static uint8_t packet[SUPER_MAX];
static struct vnet v;

/* Cuts it, in a block of exactly its size, and compares each segment. */
static void check(const struct super *s)
{
	size_t len = put_super(s, packet, &v), n;
	uint8_t *block = malloc(len), expected[ROOM + 1], *out = malloc(ROOM);
	struct segmenter g;
	unsigned int number = 0;

	assert_true(block && out);
	memcpy(block, packet, len);
	assert_int_equal(segment_start(&g, &v, block, len, ROOM, ROOM), 0);
	while ((n = segment_next(&g, out)) != 0) {
		size_t wanted = put_expected(s, expected, number++);

		assert_int_equal(n, wanted);
		assert_memory_equal(out, expected, n);
	}
	assert_int_equal(put_expected(s, expected, number), 0);
	assert_int_equal(segment_next(&g, out), 0);
	assert_memory_equal(block, packet, len);
	free(block);
	free(out);
}

static void tcp_of_ipv4(void **state)
{
	(void)state;
	check(&plain_tcp);
}

static void every_kind_every_flag_every_length(void **state)
{
	static const size_t payloads[] = { 1, 2, 999, 1000, 1001, 2000, 2001, 46999 };
	static const uint8_t flags[] = { 0x10, 0x18, 0x11, 0x19, 0x90, 0x50, 0xd9, 0x30, 0x38 };
	static const uint16_t urgent[] = { 1, 1000, 1001, 65535 };

	(void)state;
	for (unsigned int i = 0; i < 8 * 9 * 4; i++) {
		struct super s = plain_tcp;

		s.payload = payloads[i % 8];
		s.flags = flags[i / 8 % 9];
		s.urgent = urgent[i / 72];
		s.size = 1000;
		s.id = 0xfffe;
		s.df = i % 3;
		s.tcp_options = i % 11 * 4;
		s.ip_options = i % 5 == 4 ? 8 : 0;
		check(&s);
		s.ipv6 = true;
		check(&s);
		s.udp = true;
		check(&s);
		s.ipv6 = false;
		check(&s);
	}
}

/* A datagram whose checksum would be 0 says ffff: 0 is "none". */
static void no_udp_segment_is_without_a_checksum(void **state)
{
	struct super s = { .udp = true, .ttl = 64, .payload = 4, .size = 2, .sport = 1 };
	bool seen = false;

	(void)state;
	for (unsigned int i = 0; i < 65536; i++) {
		struct segmenter g;
		uint8_t out[64];

		s.sport = (uint16_t)i;
		assert_int_equal(
			segment_start(&g, &v, packet, put_super(&s, packet, &v), 64, 64), 0);
		assert_int_equal(segment_next(&g, out), 30);
		assert_int_not_equal(get16(out + 26), 0);
		seen |= get16(out + 26) == 0xffff;
	}
	assert_true(seen);
}

/* TCP that may not be fragmented is cut into what fits, all of it; else as it was told. */
static void what_does_not_fit_is_cut_smaller(void **state)
{
	struct super s = plain_tcp;
	struct segmenter g;
	uint8_t out[ROOM];
	size_t n, sum = 0, len;

	(void)state;
	for (unsigned int i = 0; i < 2; i++, sum = 0, s.ipv6 = true) {
		len = put_super(&s, packet, &v);
		assert_int_equal(segment_start(&g, &v, packet, len, 600, ROOM), 0);
		while ((n = segment_next(&g, out)) != 0) {
			const uint8_t *tcp = out + ip_size(&s);

			assert_true(n <= 600);
			assert_true(n == 600 || sum + n - headers_size(&s) == s.payload);
			assert_int_equal(tcp_sum(out + (s.ipv6 ? 8 : 12), s.ipv6 ? 32 : 8, tcp,
						 n - ip_size(&s)) %
						 0xffff,
				0);
			assert_int_equal((uint32_t)get16(tcp + 4) << 16 | get16(tcp + 6),
				s.seq + (uint32_t)sum);
			assert_memory_equal(out + headers_size(&s), packet + headers_size(&s) + sum,
				n - headers_size(&s));
			sum += n - headers_size(&s);
		}
		assert_int_equal(sum, s.payload);
	}
	s.ipv6 = false;
	s.df = false;
	len = put_super(&s, packet, &v);
	assert_int_equal(segment_start(&g, &v, packet, len, 600, ROOM), 0);
	assert_int_equal(segment_next(&g, out), headers_size(&s) + s.size);
	s.udp = s.df = true;
	len = put_super(&s, packet, &v);
	assert_int_equal(segment_start(&g, &v, packet, len, 600, ROOM), 0);
	assert_int_equal(segment_next(&g, out), headers_size(&s) + s.size);
	/* No room even for the headers: as it was told, too. */
	s = plain_tcp;
	len = put_super(&s, packet, &v);
	assert_int_equal(segment_start(&g, &v, packet, len, headers_size(&s), ROOM), 0);
	assert_int_equal(segment_next(&g, out), headers_size(&s) + s.size);
	assert_int_equal(
		segment_start(&g, &v, packet, len, ROOM, headers_size(&s) + s.size - 1), -EMSGSIZE);
	assert_int_equal(segment_start(&g, &v, packet, len, ROOM, headers_size(&s) + s.size), 0);
}

static void refused(size_t len)
{
	uint8_t *block = malloc(len ? len : 1);
	struct segmenter g;

	assert_non_null(block);
	memcpy(block, packet, len);
	assert_int_equal(segment_start(&g, &v, block, len, ROOM, ROOM), -EINVAL);
	free(block);
}

static void every_truncation_is_refused(void **state)
{
	struct super s = plain_tcp;

	(void)state;
	s.payload = 100;
	s.size = 40;
	for (unsigned int kind = 0; kind < 8; kind++) {
		s.ipv6 = kind & 1;
		s.udp = kind & 2;
		s.ip_options = kind & 4 ? 8 : 0;
		for (size_t len = put_super(&s, packet, &v); len-- > 0;)
			refused(len);
		refused(put_super(&s, packet, &v) + 1);
	}
}

static void headers_that_lie_are_refused(void **state)
{
	static const struct {
		unsigned int at;
		uint8_t value;
		const char *what;
	} lies[] = {
		{ 0, 0x55, "version" },
		{ 0, 0x44, "header too short" },
		{ 0, 0x4f, "header in the payload" },
		{ 2, 0, "total length" },
		{ 6, 0x20, "more fragments" },
		{ 7, 1, "a fragment's place" },
		{ 9, 17, "UDP" },
		{ 9, 1, "ICMP" },
		{ 32, 0x40, "TCP header too short" },
		{ 33, 0x12, "SYN" },
		{ 33, 0x14, "RST" },
	};
	const struct vnet good = {
		.kind = VNET_TCP4, .partial = true, .size = 1348, .start = 20, .offset = 16
	};
	struct vnet bad[6] = { good, good, good, good, good, good };
	size_t len = 0;

	(void)state;
	for (unsigned int i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		len = put_super(&plain_tcp, packet, &v);
		packet[lies[i].at] = lies[i].value;
		print_message("%s\n", lies[i].what);
		refused(len);
	}
	bad[0].kind = VNET_TCP6;
	bad[1].kind = VNET_LONE;
	bad[2].size = 0;
	bad[3].partial = false;
	bad[4].start = 21;
	bad[5].offset = 6;
	len = put_super(&plain_tcp, packet, &v);
	for (unsigned int i = 0; i < 6; i++) {
		v = bad[i];
		refused(len);
	}
	v = good;
	v.kind = VNET_UNKNOWN;
	refused(len);
}

/* Of IPv6: a fragment, what is authenticated, and a route, whose end is in the checksum. */
static void ipv6_that_cannot_be_cut_is_refused(void **state)
{
	static const uint8_t headers[] = { 44, 51, 43 };
	struct super s = plain_tcp;
	size_t len;

	(void)state;
	s.ipv6 = true;
	s.ip_options = 8;
	for (unsigned int i = 0; i < 3; i++) {
		len = put_super(&s, packet, &v);
		packet[6] = headers[i];
		packet[42] = packet[43] = 0;
		refused(len);
	}
}

static void a_lone_checksum_is_completed(void **state)
{
	struct super s = plain_tcp;
	uint8_t expected[ROOM];
	size_t len;

	(void)state;
	s.payload = 777;
	s.size = 777;
	for (unsigned int kind = 0; kind < 4; kind++) {
		s.ipv6 = kind & 1;
		s.udp = kind & 2;
		len = put_super(&s, packet, &v);
		v.kind = VNET_LONE;
		assert_int_equal(segment_complete(&v, packet, len), 0);
		assert_int_equal(put_expected(&s, expected, 0), len);
		assert_memory_equal(packet, expected, len);
		/* Complete already. */
		v.partial = false;
		assert_int_equal(segment_complete(&v, packet, len), 0);
		assert_memory_equal(packet, expected, len);
	}
}

/* A datagram with 0 would have none; of TCP it is the number that it is. */
static void a_lone_checksum_of_zero_is_another_one_for_datagrams_only(void **state)
{
	static const uint16_t places[] = { 16, 6 };

	(void)state;
	for (unsigned int udp = 0; udp < 2; udp++) {
		uint8_t block[60] = { [20] = 0xff, 0xff }, *at = block + 20 + places[udp];

		memset(&v, 0, sizeof(v));
		v.kind = VNET_LONE;
		v.partial = true;
		v.start = 20;
		v.offset = places[udp];
		assert_int_equal(segment_complete(&v, block, sizeof(block)), 0);
		assert_int_equal(at[0] << 8 | at[1], udp ? 0xffff : 0);
	}
}

static void a_lone_checksum_that_is_nowhere_is_refused(void **state)
{
	struct super s = plain_tcp;
	size_t len = put_super(&s, packet, &v);
	const uint16_t places[][2] = { { 0, 10 }, { 19, 0 }, { (uint16_t)(len - 1), 0 },
		{ (uint16_t)len, 0 }, { 20, (uint16_t)(len - 21) }, { 65535, 65535 },
		{ 20, 65535 } };
	uint8_t *block = malloc(len);

	(void)state;
	assert_non_null(block);
	v.kind = VNET_LONE;
	for (unsigned int i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		memcpy(block, packet, len);
		v.start = places[i][0];
		v.offset = places[i][1];
		assert_int_equal(segment_complete(&v, block, len), -EINVAL);
		assert_memory_equal(block, packet, len);
	}
	v.kind = VNET_TCP4;
	assert_int_equal(segment_complete(&v, block, len), -EINVAL);
	free(block);
}

static void the_header_in_front_goes_there_and_back(void **state)
{
	struct vnet back;
	uint8_t raw[VNET_SIZE];

	(void)state;
	put_super(&plain_tcp, packet, &v);
	v.ecn = true;
	vnet_encode(&v, raw);
	assert_int_equal(raw[0], 1);
	assert_int_equal(raw[1], 0x81);
	vnet_decode(&back, raw);
	assert_true(back.kind == v.kind && back.ecn && back.partial && back.headers == v.headers);
	assert_true(back.size == v.size && back.start == v.start && back.offset == v.offset);
	raw[1] = 3; /* UFO, which nobody asked for */
	vnet_decode(&back, raw);
	assert_int_equal(back.kind, VNET_UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tcp_of_ipv4),
		cmocka_unit_test(every_kind_every_flag_every_length),
		cmocka_unit_test(no_udp_segment_is_without_a_checksum),
		cmocka_unit_test(what_does_not_fit_is_cut_smaller),
		cmocka_unit_test(every_truncation_is_refused),
		cmocka_unit_test(headers_that_lie_are_refused),
		cmocka_unit_test(ipv6_that_cannot_be_cut_is_refused),
		cmocka_unit_test(a_lone_checksum_is_completed),
		cmocka_unit_test(a_lone_checksum_of_zero_is_another_one_for_datagrams_only),
		cmocka_unit_test(a_lone_checksum_that_is_nowhere_is_refused),
		cmocka_unit_test(the_header_in_front_goes_there_and_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
