/* dataplane/coalesce: packets into super-packets, by the rules of the kernel's own, and back. */
#include "dataplane/coalesce.h"
#include "dataplane/segment.h"

#include "flows.h"

static const struct vnet_offload all = { .header = true, .tcp4 = true, .tcp6 = true, .udp = true };

static struct coalescer c;
static uint8_t super[SUPER_MAX], written[SUPER_MAX];

static void begin(void)
{
	coalesce_init(&c, &all);
}

/* From the heap and of its size, as slots are not: an octet read too much is seen. */
static struct packet *slot(const uint8_t *data, size_t len)
{
	struct packet *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	p->data = malloc(len);
	assert_non_null(p->data);
	memcpy(p->data, data, len);
	p->len = (uint32_t)len;
	return p;
}

static void add(const uint8_t *data, size_t len)
{
	assert_true(coalesce_has_room(&c));
	coalesce_add(&c, slot(data, len));
}

static void add_part(const struct super *s, unsigned int number)
{
	uint8_t buf[2000];

	add(buf, put_expected(s, buf, number));
}

static size_t gather(unsigned int i, struct vnet *v)
{
	struct iovec iov[COALESCE_IOV];
	unsigned int n = coalesce_write(&c, i, v, iov);
	size_t len = 0;

	assert_true(n > 1 && n <= COALESCE_IOV);
	for (unsigned int k = 1; k < n; k++) {
		assert_true(len + iov[k].iov_len <= sizeof(written));
		memcpy(written + len, iov[k].iov_base, iov[k].iov_len);
		len += iov[k].iov_len;
	}
	assert_int_equal(len, c.writes[i].len);
	assert_int_equal(n - 1, c.writes[i].count);
	return len;
}

static void end(void)
{
	unsigned int packets = 0;
	struct packet *p;

	for (unsigned int i = 0; i < c.count; i++) {
		while ((p = packet_list_take(&c.writes[i].packets)) != NULL) {
			free(p->data);
			free(p);
			packets++;
		}
	}
	assert_int_equal(packets, c.packets);
	coalesce_clear(&c);
}

/* ---- there and back ---- */

static void split_and_joined_is_what_it_was(void **state)
{
	static const size_t payloads[] = { 1000, 1001, 2000, 2001, 46999, 60000 };
	static const uint8_t flags[] = { 0x10, 0x18, 0x11, 0x19, 0x50, 0x58 };

	(void)state;
	for (unsigned int i = 0; i < 6 * 6 * 4; i++) {
		struct super s = plain_tcp;
		struct vnet v, got;
		size_t len;

		s.payload = payloads[i % 6];
		s.flags = flags[i / 6 % 6];
		s.size = 1000;
		s.ipv6 = i / 36 & 1;
		s.udp = i / 36 & 2;
		s.df = i % 5;
		s.id = 0xfffd;
		s.tcp_options = i % 4 * 4;
		len = put_super(&s, super, &v);
		begin();
		for (unsigned int k = 0; (size_t)k * s.size < s.payload; k++)
			add_part(&s, k);
		assert_int_equal(c.count, 1);
		assert_int_equal(gather(0, &got), len);
		if (s.payload > s.size) {
			assert_memory_equal(written, super, len);
			assert_true(got.kind == v.kind && got.partial && got.size == v.size &&
				    got.start == v.start && got.offset == v.offset &&
				    got.headers == v.headers && !got.ecn);
		} else {
			assert_true(got.kind == VNET_LONE && !got.partial && !got.size);
		}
		end();
	}
}

static void a_lone_packet_goes_as_it_came(void **state)
{
	uint8_t buf[2000];
	size_t len = put_expected(&plain_tcp, buf, 0);
	struct vnet v;

	(void)state;
	buf[len - 1] ^= 1; /* with its wrong checksum, too */
	begin();
	add(buf, len);
	assert_int_equal(gather(0, &v), len);
	assert_true(v.kind == VNET_LONE && !v.partial);
	assert_memory_equal(written, buf, len);
	end();
}

/* ---- the rules ---- */

/* Two packets of one flow, one after the other; the second changed. How many writes? */
static unsigned int writes_of(struct super first, struct super second, unsigned int number)
{
	unsigned int writes;

	begin();
	add_part(&first, 0);
	add_part(&second, number);
	writes = c.count;
	end();
	return writes;
}

static void what_differs_does_not_follow(void **state)
{
	struct super s = plain_tcp, o;

	(void)state;
	for (unsigned int i = 0; i < 4; i++) {
		s.ipv6 = i & 1;
		s.udp = i & 2;
		s.urgent = 9000;
		assert_int_equal(writes_of(s, s, 1), 1);
#define OTHER(field, value, wanted)                                                                \
	do {                                                                                       \
		o = s;                                                                             \
		o.field = (value);                                                                 \
		print_message("%u " #field "\n", i);                                               \
		assert_int_equal(writes_of(s, o, 1), wanted);                                      \
	} while (0)
		OTHER(tos, 3, 2);
		OTHER(ttl, 63, 2);
		OTHER(sport, 40001, 2);
		OTHER(df, false, s.ipv6 ? 1 : 2);
		OTHER(id, 8, s.ipv6 ? 1 : 2);
		OTHER(id, 6, 1); /* with DF: may be the same ... */
		OTHER(seq, s.seq + 1, s.udp ? 1 : 2);
		OTHER(seq, s.seq - 1348, s.udp ? 1 : 2); /* again */
		OTHER(ack, 100, s.udp ? 1 : 2);
		OTHER(window, 502, s.udp ? 1 : 2);
		OTHER(tcp_options, 8, s.udp ? 1 : 2);
		OTHER(fill, 2, s.udp ? 1 : 2); /* the options' content */
		OTHER(flags, 0x50, s.udp ? 1 : 2);
		OTHER(flags, 0x30, s.udp ? 1 : 2);
		OTHER(flags, 0x00, s.udp ? 1 : 2);
		OTHER(flags, 0x12, s.udp ? 1 : 2);
		OTHER(flags, 0x14, s.udp ? 1 : 2);
		OTHER(udp, !s.udp, 2);
		OTHER(ipv6, !s.ipv6, 2);
#undef OTHER
	}
	s = plain_tcp;
	s.df = false;
	o = s;
	o.id = 6; /* ... and without DF not: a fragment of one would fit the other */
	assert_int_equal(writes_of(s, s, 1), 1);
	assert_int_equal(writes_of(s, o, 1), 2);
}

static void what_ends_a_write_ends_it(void **state)
{
	static const uint8_t ends[] = { 0x18, 0x11 };
	struct super s = plain_tcp;
	struct vnet v;

	(void)state;
	s.payload = 3 * 1348;
	for (unsigned int i = 0; i < 2; i++) {
		struct super last = s;
		uint8_t buf[2000];
		size_t len = put_part(&last, buf, 1348, 1348, ends[i], 1, false);

		begin();
		add_part(&s, 0);
		add(buf, len);
		add_part(&s, 2);
		assert_int_equal(c.count, 2);
		(void)gather(0, &v);
		assert_int_equal(written[33], ends[i]);
		assert_int_equal(v.size, 1348);
		end();
		/* The first one's own ends it at once. */
		begin();
		add(buf, len);
		add_part(&s, 2);
		assert_int_equal(c.count, 2);
		end();
	}
	/* A small one, and a larger one. */
	s = plain_tcp;
	s.payload = 2 * 1348 + 1;
	begin();
	for (unsigned int i = 0; i < 3; i++)
		add_part(&s, i);
	s.seq += 2 * 1348 + 1;
	s.id = (uint16_t)(s.id + 3);
	add_part(&s, 0);
	assert_int_equal(c.count, 2);
	end();
	s = plain_tcp;
	begin();
	s.size = 1000;
	add_part(&s, 0);
	s.seq += 1000;
	s.id++;
	s.size = 1001;
	add_part(&s, 0);
	assert_int_equal(c.count, 2);
	end();
}

static void no_write_is_larger_than_an_ip_packet_or_has_too_many_segments(void **state)
{
	struct super s = plain_tcp;
	struct vnet v;

	(void)state;
	begin();
	s.payload = 64000;
	for (unsigned int i = 0; i < 50; i++, s.seq += 1348, s.id++)
		add_part(&s, 0);
	assert_int_equal(c.count, 2);
	assert_int_equal(c.writes[0].count, 48);
	assert_true(gather(0, &v) <= 65535);
	end();
	s.size = 100;
	begin();
	for (unsigned int i = 0; i < COALESCE_MAX; i++, s.seq += 100, s.id++)
		add_part(&s, 0);
	assert_false(coalesce_has_room(&c));
	assert_int_equal(c.count, COALESCE_MAX / COALESCE_PACKETS);
	assert_int_equal(c.writes[0].count, COALESCE_PACKETS);
	end();
}

/* A wrong checksum (of IP or of what is in it) is never hidden in a right one. */
static void what_is_damaged_goes_alone(void **state)
{
	struct super s = plain_tcp;
	uint8_t buf[2000];
	struct vnet v;

	(void)state;
	for (unsigned int i = 0; i < 6; i++) {
		s.ipv6 = i & 1;
		s.udp = i & 2;
		for (unsigned int which = 0; which < 2; which++) {
			begin();
			for (unsigned int k = 0; k < 2; k++) {
				size_t len = put_expected(&s, buf, k);

				if (k == which)
					buf[i < 4 ? len - 1 : 10] ^= 1;
				add(buf, len);
				if (k == which)
					memcpy(super, buf, len);
			}
			if (i == 5) { /* IPv6 has none, and this is an address */
				assert_int_equal(c.count, 2);
			} else {
				assert_int_equal(c.count, 2);
				(void)gather(which, &v);
				assert_memory_equal(written, super, c.writes[which].len);
			}
			end();
		}
	}
	/* And none at all (UDP, RFC 768) is not one that is right. */
	s.udp = true;
	s.ipv6 = false;
	begin();
	for (unsigned int k = 0; k < 2; k++) {
		size_t len = put_expected(&s, buf, k);

		put16(buf + 26, 0);
		add(buf, len);
	}
	assert_int_equal(c.count, 2);
	end();
}

static void only_what_the_device_takes_is_joined(void **state)
{
	struct super s = plain_tcp;

	(void)state;
	for (unsigned int i = 0; i < 4; i++) {
		for (unsigned int takes = 0; takes < 8; takes++) {
			const struct vnet_offload some = { .header = true,
				.tcp4 = takes & 1,
				.tcp6 = takes & 2,
				.udp = takes & 4 };
			bool taken = i & 2 ? takes & 4 : i & 1 ? takes & 2 : takes & 1;

			s.ipv6 = i & 1;
			s.udp = i & 2;
			coalesce_init(&c, &some);
			add_part(&s, 0);
			add_part(&s, 1);
			assert_int_equal(c.count, taken ? 1 : 2);
			end();
		}
	}
}

/* ---- order ---- */

static void flows_are_joined_beside_each_other_and_others_stay_in_order(void **state)
{
	struct super a = plain_tcp, b = plain_tcp;
	uint8_t ping[28] = { 0 };

	(void)state;
	b.sport = 50000;
	b.udp = true;
	put_ip(ping, NULL, 0, 0, 1, FROM, TO, 8);
	begin();
	add_part(&a, 0);
	add_part(&b, 0);
	add(ping, sizeof(ping));
	add_part(&a, 1);
	add_part(&b, 1);
	add(ping, sizeof(ping));
	assert_int_equal(c.count, 4);
	assert_int_equal(c.writes[0].count, 2);
	assert_int_equal(c.writes[1].count, 2);
	assert_int_equal(c.writes[2].len, sizeof(ping));
	end();
}

/* A fragment or a packet with options may be of any flow: nothing overtakes it. */
static void what_is_hidden_is_not_overtaken(void **state)
{
	struct super a = plain_tcp, hidden[3] = { plain_tcp, plain_tcp, plain_tcp };
	uint8_t buf[2000];

	(void)state;
	hidden[0].ip_options = 8;
	hidden[1].ip_options = 8;
	hidden[1].ipv6 = true;
	for (unsigned int i = 0; i < 3; i++) {
		size_t len = put_expected(&hidden[i], buf, 0);

		if (i == 2)
			put16(buf + 6, 0x2000);
		begin();
		add_part(&a, 0);
		add(buf, len);
		add_part(&a, 1);
		assert_int_equal(c.count, 3);
		end();
	}
}

static void an_acknowledgement_alone_ends_what_is_before_it(void **state)
{
	struct super s = plain_tcp;
	uint8_t buf[2000];

	(void)state;
	begin();
	add_part(&s, 0);
	add(buf, put_part(&s, buf, 1348, 0, 0x10, 1, false));
	add_part(&s, 1);
	assert_int_equal(c.count, 3);
	end();
}

/* ---- any traffic ---- */

static uint32_t seed;

static uint32_t draw(uint32_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 17;
	seed ^= seed << 5;
	return seed % below;
}

#define FLOWS 5

static struct {
	uint8_t data[2000];
	size_t len;
	unsigned int flow;
} sent[COALESCE_MAX];

/* Cuts write `i` again: what comes out must be the packets of one flow that were sent next. */
static void compare_write(unsigned int i, unsigned int next[FLOWS], unsigned int count)
{
	struct vnet v;
	size_t len = gather(i, &v), n;
	struct segmenter g;
	uint8_t out[2000];
	unsigned int flow = FLOWS, at = 0;

	if (v.kind == VNET_LONE) {
		for (flow = 0; flow < FLOWS; flow++) {
			for (at = next[flow]; at < count && sent[at].flow != flow; at++)
				;
			if (at < count && sent[at].len == len &&
				!memcmp(sent[at].data, written, len))
				break;
		}
		assert_true(flow < FLOWS);
		next[flow] = at + 1;
		return;
	}
	assert_int_equal(segment_start(&g, &v, written, len, 2000, 2000), 0);
	while ((n = segment_next(&g, out)) != 0) {
		for (unsigned int f = 0; flow == FLOWS && f < FLOWS; f++) {
			for (at = next[f]; at < count && sent[at].flow != f; at++)
				;
			if (at < count && sent[at].len == n && !memcmp(sent[at].data, out, n))
				flow = f;
		}
		assert_true(flow < FLOWS);
		for (at = next[flow]; at < count && sent[at].flow != flow; at++)
			;
		assert_true(at < count);
		assert_int_equal(n, sent[at].len);
		assert_memory_equal(out, sent[at].data, n);
		next[flow] = at + 1;
	}
}

/* But neither what makes it one of this flow, nor its length, which was looked at before. */
static void damage(uint8_t *data, size_t at, const struct super *s)
{
	static const bool may4[] = {
		[1] = 1, [4] = 1, [5] = 1, [6] = 1, [7] = 1, [8] = 1, [10] = 1, [19] = 0
	};
	static const bool may6[] = { [1] = 1, [2] = 1, [3] = 1, [7] = 1, [39] = 0 };

	if (at >= ip_size(s) ? at >= ip_size(s) + 4 : s->ipv6 ? may6[at] : may4[at])
		data[at] ^= 1;
}

/* One packet of a flow, as it goes on, or lost, again, damaged, or with another header. */
static void draw_packet(struct super flows[FLOWS], unsigned int i)
{
	unsigned int f = draw(FLOWS);
	struct super *s = &flows[f];
	uint8_t flags = draw(16) ? 0x10 : (uint8_t)draw(256);

	s->size = (uint16_t)(draw(8) ? 200 : 1 + draw(300));
	s->payload = s->size;
	s->urgent = (uint16_t)(flags & 0x20 ? 1 : 0);
	if (!draw(20))
		s->seq -= 200;
	if (!draw(30))
		s->seq += 200;
	if (!draw(30))
		s->ack++;
	if (!draw(40))
		s->fill++;
	if (!draw(40))
		s->tos ^= 3;
	sent[i].len = put_part(s, sent[i].data, 0, s->payload, flags, 0, false);
	sent[i].flow = f;
	if (!draw(40))
		damage(sent[i].data, draw((uint32_t)sent[i].len), s);
	s->seq += s->size;
	s->id++;
}

static void random_traffic_comes_out_as_it_went_in(void **state)
{
	unsigned int joined = 0;

	(void)state;
	for (uint32_t round = 1; round <= 3000; round++) {
		struct super flows[FLOWS];
		unsigned int next[FLOWS] = { 0 }, count = 1 + round % COALESCE_MAX;

		seed = round * 2654435761u | 1;
		for (unsigned int f = 0; f < FLOWS; f++) {
			flows[f] = plain_tcp;
			flows[f].ipv6 = f & 1;
			flows[f].udp = f == 2 || f == 3;
			flows[f].sport = (uint16_t)(1000 + f);
			flows[f].df = f != 4;
		}
		begin();
		for (unsigned int i = 0; i < count; i++) {
			draw_packet(flows, i);
			add(sent[i].data, sent[i].len);
		}
		joined += count - c.count;
		for (unsigned int i = 0; i < c.count; i++)
			compare_write(i, next, count);
		for (unsigned int f = 0; f < FLOWS; f++) {
			for (unsigned int i = next[f]; i < count; i++)
				assert_int_not_equal(sent[i].flow, f);
		}
		end();
	}
	print_message("%u packets joined\n", joined);
	assert_true(joined > 50000);
}

/* No octets at all, and any. */
static void noise_is_written_as_it_is(void **state)
{
	uint8_t buf[100];
	struct vnet v;

	(void)state;
	seed = 1;
	for (unsigned int round = 0; round < 2000; round++) {
		begin();
		for (unsigned int i = 0; i < 20; i++) {
			size_t len = draw(sizeof(buf));

			for (size_t k = 0; k < len; k++)
				buf[k] = (uint8_t)draw(256);
			if (len)
				buf[0] = draw(2) ? 0x45 : 0x60;
			if (len > 9)
				buf[draw(2) ? 9 : 6] = draw(2) ? 6 : 17;
			add(buf, len);
			assert_int_equal(c.count, i + 1);
			assert_int_equal(gather(i, &v), len);
			assert_memory_equal(written, buf, len);
		}
		end();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(split_and_joined_is_what_it_was),
		cmocka_unit_test(a_lone_packet_goes_as_it_came),
		cmocka_unit_test(what_differs_does_not_follow),
		cmocka_unit_test(what_ends_a_write_ends_it),
		cmocka_unit_test(no_write_is_larger_than_an_ip_packet_or_has_too_many_segments),
		cmocka_unit_test(what_is_damaged_goes_alone),
		cmocka_unit_test(only_what_the_device_takes_is_joined),
		cmocka_unit_test(flows_are_joined_beside_each_other_and_others_stay_in_order),
		cmocka_unit_test(what_is_hidden_is_not_overtaken),
		cmocka_unit_test(an_acknowledgement_alone_ends_what_is_before_it),
		cmocka_unit_test(random_traffic_comes_out_as_it_went_in),
		cmocka_unit_test(noise_is_written_as_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
