/* The decoder's parts that captures of well-behaved networks do not exercise. */
#include "lib/ppp/frame.h"
#include "tools/decode/call.h"
#include "tools/decode/ip.h"
#include "tools/decode/order.h"
#include "tools/decode/stream.h"
#include "tools/decode/words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct taken {
	char text[256];
	size_t len;
};

/* Writes what comes; a gap as "<bytes>". */
static void take(void *user, const uint8_t *data, size_t len, uint32_t missing)
{
	struct taken *t = user;

	if (missing)
		t->len += (size_t)snprintf(t->text + t->len, 16, "<%u>", missing);
	if (len)
		memcpy(t->text + t->len, data, len);
	t->len += len;
	t->text[t->len] = '\0';
}

static void segment(struct decode_stream *s, struct taken *t, uint32_t seq, const char *text)
{
	decode_stream_segment(s, seq, (const uint8_t *)text, strlen(text), take, t);
}

static void a_stream_is_put_in_order(void **state)
{
	struct decode_stream s = { 0 };
	struct taken t = { 0 };

	(void)state;
	decode_stream_start(&s, 0xfffffffe); /* the numbers wrap round */
	segment(&s, &t, 0xffffffff, "ab");
	segment(&s, &t, 5, "gh");
	segment(&s, &t, 3, "ef");
	assert_string_equal(t.text, "ab");
	segment(&s, &t, 1, "cd");
	assert_string_equal(t.text, "abcdefgh");
	decode_stream_done(&s);
}

static void retransmissions_are_cut_away(void **state)
{
	struct decode_stream s = { 0 };
	struct taken t = { 0 };

	(void)state;
	segment(&s, &t, 100, "abc");
	segment(&s, &t, 100, "abc");
	segment(&s, &t, 99, "!");
	segment(&s, &t, 101, "bcde");
	segment(&s, &t, 107, "hi");
	segment(&s, &t, 107, "hi");
	segment(&s, &t, 103, "defg");
	assert_string_equal(t.text, "abcdefghi");
	decode_stream_done(&s);
}

static void what_the_capture_lost_is_given_up_when_acknowledged(void **state)
{
	struct decode_stream s = { 0 };
	struct taken t = { 0 };

	(void)state;
	segment(&s, &t, 100, "abc");
	segment(&s, &t, 113, "xyz");
	decode_stream_acked(&s, 103, take, &t);
	assert_string_equal(t.text, "abc");
	decode_stream_acked(&s, 116, take, &t);
	assert_string_equal(t.text, "abc<10>xyz");
	decode_stream_done(&s);
}

static void early_segments_are_bounded(void **state)
{
	struct decode_stream s = { 0 };
	struct taken t = { 0 };
	static uint8_t big[65000];

	(void)state;
	segment(&s, &t, 0, "a");
	for (uint32_t i = 0; i < 1000; i++) {
		segment(&s, &t, 10 + 2 * i, "b");
		t.len = 0;
		assert_true(s.held_count <= DECODE_STREAM_HELD_MAX);
	}
	for (uint32_t i = 0; i < 10; i++) {
		t.len = 0;
		decode_stream_segment(&s, 100000 + i * 70000, big, 100, take, &t);
		assert_true(s.held_bytes <= DECODE_STREAM_HELD_BYTES);
	}
	decode_stream_done(&s);
}

/* An IPv4 packet, or a piece of it, of protocol 47 with payload bytes `first`, `first` + 1 ..., that begins as PPTP's do. */
static size_t ipv4(uint8_t *p, uint16_t fragment, size_t len, uint8_t first)
{
	static const uint8_t head[20] = { 0x45, 0, 0, 0, 0x12, 0x34, 0, 0, 64, 47, 0, 0, 192, 0, 2,
		1, 192, 0, 2, 2 };
	static const uint8_t gre[4] = { 0x30, 0x01, 0x88, 0x0b };

	memcpy(p, head, sizeof(head));
	p[2] = (uint8_t)((len + 20) >> 8);
	p[3] = (uint8_t)(len + 20);
	p[6] = (uint8_t)(fragment >> 8);
	p[7] = (uint8_t)fragment;
	for (size_t i = 0; i < len; i++)
		p[20 + i] = (uint8_t)(first + i);
	if (!(fragment & 0x1fff) && len >= sizeof(gre))
		memcpy(p + 20, gre, sizeof(gre));
	return len + 20;
}

static bool add(struct decode_fragments *f, struct decode_ip *ip, uint16_t fragment, size_t len,
	uint8_t first)
{
	uint8_t packet[256];
	size_t size = ipv4(packet, fragment, len, first);

	assert_true(decode_ip_read(ip, packet, size));
	assert_true(decode_ip_is_fragment(ip));
	return decode_fragments_add(f, ip, 1000000);
}

static void fragments_are_put_together_in_any_order(void **state)
{
	struct decode_fragments *f = decode_fragments_new();
	struct decode_ip ip;

	(void)state;
	assert_false(add(f, &ip, 4, 5, 32)); /* the last one, at 32 */
	assert_false(add(f, &ip, 0x2000 | 2, 16, 16));
	assert_false(add(f, &ip, 0x2000 | 2, 16, 99)); /* the first copy stays */
	assert_true(add(f, &ip, 0x2000, 16, 0));
	assert_int_equal(ip.len, 37);
	assert_int_equal(ip.protocol, 47);
	for (size_t i = 4; i < ip.len; i++)
		assert_int_equal(ip.data[i], i);
	decode_fragments_free(f);
}

static void contradictory_fragments_harm_nobody(void **state)
{
	struct decode_fragments *f = decode_fragments_new();
	struct decode_ip ip;

	(void)state;
	assert_false(add(f, &ip, 0x2000 | 10, 8, 0)); /* behind what will be the end */
	assert_false(add(f, &ip, 2, 3, 0));
	assert_false(add(f, &ip, 0x2000 | 1, 5, 0)); /* not a multiple of 8 */
	assert_true(add(f, &ip, 0x2000, 16, 0));
	assert_int_equal(ip.len, 19);
	assert_false(add(f, &ip, 0x2000 | 0x1fff, 16, 0)); /* beyond 64 KB */
	decode_fragments_free(f);
}

static void an_unfinished_packet_is_forgotten(void **state)
{
	struct decode_fragments *f = decode_fragments_new();
	uint8_t packet[64];
	struct decode_ip ip;

	(void)state;
	assert_false(add(f, &ip, 0x2000, 16, 0));
	ipv4(packet, 2, 8, 16);
	decode_ip_read(&ip, packet, 28);
	assert_false(decode_fragments_add(f, &ip, 1000000 + 31000000));
	/* And many of them do not grow it. */
	for (unsigned int i = 0; i < 1000; i++) {
		ipv4(packet, 0x2000, 16, 0);
		packet[4] = (uint8_t)(i >> 8);
		packet[5] = (uint8_t)i;
		decode_ip_read(&ip, packet, 36);
		assert_false(decode_fragments_add(f, &ip, 40000000 + i));
	}
	decode_fragments_free(f);
}

/* TCP to other ports, other GRE, ICMP and the rest, and TCP to 1723 as well: none takes what GRE's fragments need. */
static void a_flood_of_others_leaves_ours(void **state)
{
	struct decode_fragments *f = decode_fragments_new();
	uint8_t packet[64];
	struct decode_ip ip;

	(void)state;
	assert_false(add(f, &ip, 0x2000, 16, 0));
	for (unsigned int i = 0; i < 1000; i++) {
		static const uint8_t protocols[] = { 6, 47, 1, 17, 6 };

		ipv4(packet, i % 5 == 4 ? 0x2000 | 2 : 0x2000, 16, 0);
		packet[4] = (uint8_t)(i >> 8);
		packet[5] = (uint8_t)i;
		packet[9] = protocols[i % 5];
		packet[21] = 0; /* GRE of version 0 */
		decode_ip_read(&ip, packet, 36);
		assert_false(decode_fragments_add(f, &ip, 1000001));
	}
	assert_true(add(f, &ip, 2, 8, 16));
	assert_int_equal(ip.len, 24);
	assert_int_equal(decode_fragments_end(f).count, 0);
	decode_fragments_free(f);
}

/* Two interfaces, or two captures put together: their times need not rise. */
static void a_fragment_may_have_an_earlier_time(void **state)
{
	struct decode_fragments *f = decode_fragments_new();
	uint8_t packet[64];
	struct decode_ip ip;

	(void)state;
	assert_false(add(f, &ip, 0x2000, 16, 0));
	ipv4(packet, 2, 8, 16);
	decode_ip_read(&ip, packet, 28);
	assert_true(decode_fragments_add(f, &ip, 1000000 - 1));
	assert_int_equal(ip.len, 24);
	assert_int_equal(decode_fragments_end(f).count, 0);
	decode_fragments_free(f);
}

static void tunnels_in_front_are_opened(void **state)
{
	/* IPv6 with a destination-options header, carrying IPv4, carrying IPv4. */
	uint8_t packet[128] = { 0x60, 0, 0, 0, 0, 84, 60, 64, [40] = 4, 0 };
	struct decode_ip ip;
	size_t size;

	(void)state;
	size = ipv4(packet + 68, 0, 8, 1);
	ipv4(packet + 48, 0, size, 0);
	packet[48 + 9] = 4;
	ipv4(packet + 68, 0, 8, 1);
	assert_true(decode_ip_read(&ip, packet, 68 + size));
	assert_int_equal(ip.protocol, 47);
	assert_int_equal(ip.len, 8);
	for (size_t len = 0; len < 88; len++)
		assert_false(decode_ip_read(&ip, packet, len));
	/* IPv4 in IPv4 without end. */
	memset(packet, 0, sizeof(packet));
	for (size_t at = 0; at + 20 <= 120; at += 20) {
		ipv4(packet + at, 0, 120 - at - 20, 0);
		packet[at + 9] = 4;
	}
	assert_false(decode_ip_read(&ip, packet, 120));
}

static bool fragment(struct decode_multilink *ml, bool brief, uint32_t head, const char *data)
{
	uint8_t bytes[64];
	struct wire_writer w = wire_writer(bytes, sizeof(bytes));

	if (brief)
		wire_put_u16(&w, (uint16_t)head);
	else
		wire_put_u32(&w, head);
	wire_put_bytes(&w, (const uint8_t *)data, strlen(data));
	return decode_multilink_add(ml, wire_reader(bytes, wire_written(&w)), brief, true);
}

static void multilink_fragments_are_joined_in_order(void **state)
{
	struct decode_multilink ml = { 0 };

	(void)state;
	assert_false(fragment(&ml, false, 0x00000005, "lost its beginning"));
	assert_false(fragment(&ml, false, 0x40000006, "and its end"));
	assert_false(fragment(&ml, false, 0x80ffffff, "ab"));
	assert_false(fragment(&ml, false, 0x00000000, "cd"));
	assert_true(fragment(&ml, false, 0x40000001, "e"));
	assert_int_equal(ml.used, 5);
	assert_int_equal(ml.fragments, 3);
	assert_memory_equal(ml.data, "abcde", 5);
	assert_true(fragment(&ml, false, 0xc0000002, "alone"));
	assert_int_equal(ml.fragments, 1);
	/* One that is missing takes the frame with it, and no other. */
	assert_false(fragment(&ml, false, 0x80000003, "ab"));
	assert_false(fragment(&ml, false, 0x40000005, "e"));
	assert_true(fragment(&ml, false, 0xc0000006, "good"));
	assert_int_equal(ml.used, 4);
	/* Twelve bits. */
	assert_false(fragment(&ml, true, 0x8fff, "ab"));
	assert_true(fragment(&ml, true, 0x4000, "cd"));
	assert_memory_equal(ml.data, "abcd", 4);
	/* Nobody's end. */
	assert_false(fragment(&ml, true, 0x4001, "cd"));
	for (uint32_t i = 0; i < 1000; i++) {
		assert_false(fragment(&ml, false, (i ? 0 : 0x80000000) | i, "0123456789"));
		assert_true(ml.used <= sizeof(ml.data));
	}
	assert_false(ml.open);
	assert_false(decode_multilink_add(&ml, wire_reader("\x80", 1), false, true));
}

static void sequence_numbers_are_judged(void **state)
{
	struct decode_order o = { 0 };
	uint32_t ahead;
	size_t bytes = 0;

	(void)state;
	assert_int_equal(decode_order_see(&o, 0xfffffffe, &ahead), DECODE_NEW);
	assert_int_equal(decode_order_see(&o, 0xfffffffe, &ahead), DECODE_DUPLICATE);
	assert_int_equal(
		decode_order_see(&o, 1, &ahead), DECODE_NEW); /* wrapped; two are missing */
	assert_int_equal(o.lost, 2);
	assert_int_equal(decode_order_see(&o, 0xffffffff, &ahead), DECODE_LATE);
	assert_int_equal(decode_order_see(&o, 0xffffffff, &ahead), DECODE_DUPLICATE);
	assert_int_equal(decode_order_see(&o, 0, &ahead), DECODE_LATE);
	assert_int_equal(o.lost, 0);
	assert_int_equal(decode_order_see(&o, 1, &ahead), DECODE_DUPLICATE);
	assert_int_equal(decode_order_see(&o, 64, &ahead), DECODE_NEW);
	assert_int_equal(decode_order_see(&o, 1, &ahead), DECODE_DUPLICATE);
	assert_int_equal(decode_order_see(&o, 500, &ahead), DECODE_NEW);
	assert_int_equal(decode_order_see(&o, 64, &ahead), DECODE_LATE); /* too long ago to know */
	decode_order_done(&o, &bytes);
}

/* One number from nowhere changes nothing; two in a row are the stream. */
static void a_far_number_is_followed_when_it_goes_on(void **state)
{
	struct decode_order o = { 0 };
	uint32_t ahead;

	(void)state;
	assert_int_equal(decode_order_see(&o, 10, &ahead), DECODE_NEW);
	decode_order_passed(&o, 10);
	assert_int_equal(decode_order_see(&o, 0x70000000, &ahead), DECODE_LATE);
	decode_order_passed(&o, 0x70000000);
	assert_int_equal(o.turn, 11);
	assert_int_equal(decode_order_see(&o, 11, &ahead), DECODE_NEW);
	assert_int_equal(ahead, 0);
	assert_int_equal(o.lost, 0);
	assert_int_equal(decode_order_see(&o, 0x70000000, &ahead), DECODE_LATE);
	assert_int_equal(decode_order_see(&o, 12, &ahead), DECODE_NEW);

	/* 5000 are missing, then it flows; the first of them counts as missing, too */
	assert_int_equal(decode_order_see(&o, 5013, &ahead), DECODE_LATE);
	assert_int_equal(decode_order_see(&o, 5014, &ahead), DECODE_NEW);
	assert_int_equal(ahead, 5001);
	assert_int_equal(decode_order_see(&o, 5013, &ahead), DECODE_LATE);
	assert_int_equal(o.lost, 5000);

	/* an end that begins anew */
	assert_int_equal(decode_order_see(&o, 0, &ahead), DECODE_LATE);
	assert_int_equal(decode_order_see(&o, 1, &ahead), DECODE_NEW);
	assert_int_equal(ahead, 0);
	assert_int_equal(decode_order_see(&o, 2, &ahead), DECODE_NEW);
	assert_int_equal(o.lost, 5000);
}

static void held_frames_come_in_order_or_in_time(void **state)
{
	uint8_t byte = 7;
	struct decode_frame f = { .len = 1, .captured = 1, .data = &byte }, *g;
	struct decode_order o = { 0 };
	size_t bytes = 0;

	(void)state;
	decode_order_passed(&o, 9);
	for (uint32_t seq = 13; seq > 10; seq--) {
		f.gre.seq = seq;
		assert_true(decode_order_hold(&o, &f, &bytes));
	}
	assert_int_equal(bytes, 3);
	assert_null(decode_order_take(&o, 1000, &bytes));
	f.gre.seq = 10;
	assert_false(decode_order_hold(&o, &f, &bytes));
	decode_order_passed(&o, 10);
	g = decode_order_take(&o, 1000, &bytes);
	assert_int_equal(g->gre.seq, 11);
	assert_int_equal(g->data[0], 7);
	free(g);
	assert_null(decode_order_take(&o, 1000, &bytes)); /* 11 has not passed */
	g = decode_order_take(&o, DECODE_HOLD_TIME + 1, &bytes);
	assert_int_equal(g->gre.seq, 12);
	free(g);
	decode_order_done(&o, &bytes);
	assert_int_equal(bytes, 0);
}

static void two_calls_of_one_pair_are_told_apart(void **state)
{
	struct control_message m = { .type = CONTROL_OUTGOING_CALL_REPLY };
	struct decode_table t = { 0 };
	struct decode_call *a, *b;
	unsigned int side = 9;

	(void)state;
	m.outgoing_reply.result = CONTROL_OUTGOING_CONNECTED;
	m.outgoing_reply.peer_call_id = 1;
	m.outgoing_reply.call_id = 0;
	a = decode_call_control(&t, &m, 20, 10); /* 10 dials, 20 answers */
	m.outgoing_reply.peer_call_id = 2;
	m.outgoing_reply.call_id = 128;
	b = decode_call_control(&t, &m, 20, 10);
	assert_ptr_not_equal(a, b);
	assert_ptr_equal(decode_call_gre(&t, 10, 20, 0, &side), a);
	assert_int_equal(side, 0);
	assert_ptr_equal(decode_call_gre(&t, 20, 10, 1, &side), a);
	assert_int_equal(side, 1);
	assert_ptr_equal(decode_call_gre(&t, 20, 10, 2, &side), b);
	assert_ptr_equal(decode_call_gre(&t, 10, 20, 128, &side), b);
	decode_table_done(&t);
}

static void calls_without_control_messages_are_paired(void **state)
{
	struct decode_table t = { 0 };
	struct decode_call *a;
	unsigned int side = 9;

	(void)state;
	a = decode_call_gre(&t, 10, 20, 5, &side);
	assert_int_equal(side, 0);
	assert_ptr_equal(decode_call_gre(&t, 20, 10, 6, &side), a);
	assert_int_equal(side, 1);
	assert_ptr_equal(decode_call_gre(&t, 20, 10, 6, &side), a);
	assert_ptr_not_equal(decode_call_gre(&t, 20, 10, 7, &side), a);
	for (uint32_t i = 0; i < 3 * DECODE_CALLS_MAX; i++)
		decode_call_gre(&t, 1000 + i, 20, 1, &side);
	assert_int_equal(t.call_count, DECODE_CALLS_MAX);
	for (uint32_t i = 0; i < 3 * DECODE_CONNECTIONS_MAX; i++)
		decode_connection_get(&t, 1000 + i, 1, 20, false);
	assert_int_equal(t.connection_count, DECODE_CONNECTIONS_MAX);
	decode_table_done(&t);
}

/* An EAP packet of TLS in words. */
static void says(const char *bytes, size_t len, const char *words)
{
	static struct decode_event e;
	struct decode_ppp ppp = { .protocol = PPP_EAP };
	uint8_t *packet = malloc(len);

	assert_non_null(packet);
	memcpy(packet, bytes, len);
	packet[3] = (uint8_t)len;
	decode_event_begin(&e, NULL, DECODE_KIND_PPP);
	(void)decode_words_ppp(&e, &ppp, wire_reader(packet, len));
	if (!strstr(e.text, words))
		fail_msg("%s", e.text);
	free(packet);
}
#define SAYS(bytes, words) says(bytes, sizeof(bytes) - 1, words)

static void tls_in_eap_is_named(void **state)
{
	(void)state;
	SAYS("\1\2\0\6\15\x20", "Request id 2 TLS: start");
	SAYS("\1\2\0\6\31\x21", "PEAPv1: start");
	SAYS("\2\2\0\6\15\0", "TLS: acknowledgement");
	SAYS("\2\2\0\5\15", "malformed");
	SAYS("\2\2\0\7\15\x80\0", "malformed");
	SAYS("\2\3\0\17\15\0\26\3\1\0\4\1\0\0\0", "TLS, 9 bytes: ClientHello");
	/* Two messages in a record, a record behind it that is encrypted. */
	SAYS("\1\3\0\31\15\0\26\3\3\0\10\2\0\0\0\16\0\0\0\27\3\3\0\1x",
		"ServerHello, ServerHelloDone, application data");
	SAYS("\1\3\0\27\15\xc0\0\0\1\0\26\3\3\0\xff\13\0\0\xfb\0\0\xf8",
		"12 bytes, more to come: Certificate");
	SAYS("\1\3\0\15\15\0\25\3\3\0\2\2\60", "fatal alert: unknown_ca");
	SAYS("\1\3\0\24\15\0\24\3\3\0\1\1\26\3\3\0\4\x99\0\0\0",
		"ChangeCipherSpec, encrypted handshake");
	SAYS("\1\3\0\14\15\x40\1\2\3\4\5\6", "goes on with the one before");
}

/* Text of a peer's that is longer than what is quoted of it, by a byte and by far. */
static void what_is_cut_is_said(void **state)
{
	static struct decode_event e;
	static char words[2000];

	(void)state;
	memset(words, 'x', sizeof(words));
	decode_event_begin(&e, NULL, DECODE_KIND_PPP);
	decode_event_quoted(&e, words, 1020);
	assert_int_equal(e.used, 1022);
	assert_false(e.cut);
	decode_event_quoted(&e, words, 1021);
	assert_true(e.cut);
	decode_event_begin(&e, NULL, DECODE_KIND_PPP);
	decode_event_quoted(&e, words, sizeof(words));
	assert_true(e.cut);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stream_is_put_in_order),
		cmocka_unit_test(retransmissions_are_cut_away),
		cmocka_unit_test(what_the_capture_lost_is_given_up_when_acknowledged),
		cmocka_unit_test(early_segments_are_bounded),
		cmocka_unit_test(tls_in_eap_is_named),
		cmocka_unit_test(fragments_are_put_together_in_any_order),
		cmocka_unit_test(contradictory_fragments_harm_nobody),
		cmocka_unit_test(an_unfinished_packet_is_forgotten),
		cmocka_unit_test(a_fragment_may_have_an_earlier_time),
		cmocka_unit_test(a_flood_of_others_leaves_ours),
		cmocka_unit_test(multilink_fragments_are_joined_in_order),
		cmocka_unit_test(tunnels_in_front_are_opened),
		cmocka_unit_test(what_is_cut_is_said),
		cmocka_unit_test(sequence_numbers_are_judged),
		cmocka_unit_test(a_far_number_is_followed_when_it_goes_on),
		cmocka_unit_test(held_frames_come_in_order_or_in_time),
		cmocka_unit_test(two_calls_of_one_pair_are_told_apart),
		cmocka_unit_test(calls_without_control_messages_are_paired),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
