/*
 * The decoder where the capture is not as simple: other links, losses, retransmissions, fragments, a late
 * beginning, a NAT between.
 */
#include "tests/decode/decoded.h"
#include "tools/decode/capture.h"

#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* As other capture points see the same packets. */
static void every_link_type_gives_the_same(void **state)
{
	static uint8_t frames[RECORDS_MAX][2048];
	static const struct {
		uint32_t link; /* number in the file */
		size_t head;
		uint8_t bytes[48];
	} links[] = {
		{ 101, 0, { 0 } },                                           /* raw IP */
		{ 228, 0, { 0 } },                                           /* raw IPv4 */
		{ 0, 4, { 2 } },                                             /* BSD loopback */
		{ 113, 16, { [14] = 8, [15] = 0 } },                         /* Linux cooked */
		{ 276, 20, { 8, 0 } },                                       /* Linux cooked v2 */
		{ 1, 22, { [12] = 0x88, 0xa8, 0, 1, 0x81, 0, 0, 2, 8, 0 } }, /* two VLAN tags */
		{ 1, 22, { [12] = 0x88, 0x64, 0x11, 0, 0, 1, 0, 0, 0, 0x21 } }, /* PPPoE */
		{ 9, 4, { 0xff, 3, 0, 0x21 } },                                 /* PPP */
		{ 9, 1, { 0x21 } },
		{ 50, 2, { 0, 0x21 } },
		{ 50, 4, { 0x0f, 0, 8, 0 } }, /* Cisco HDLC */
		{ 166, 4, { 1, 3, 0, 0x21 } },
		{ 51, 8, { 0x11, 0, 0, 1, 0, 0, 0, 0x21 } },
		/* 802.11: data; with QoS; padded; behind four addresses; behind radiotap */
		{ 105, 32, { 8, 1, [24] = 0xaa, 0xaa, 3, 0, 0, 0, 8, 0 } },
		{ 105, 34, { 0x88, 2, [26] = 0xaa, 0xaa, 3, 0, 0, 0, 8, 0 } },
		{ 105, 36, { 0x88, 2, [28] = 0xaa, 0xaa, 3, 0, 0, 0, 8, 0 } },
		{ 105, 38, { 8, 3, [30] = 0xaa, 0xaa, 3, 0, 0, 0, 8, 0 } },
		{ 127, 42, { 0, 0, 10, [10] = 8, 1, [34] = 0xaa, 0xaa, 3, 0, 0, 0, 8, 0 } },
	};
	const struct decode_options options = { .users = &decoded.right };
	struct decode_stats s;

	(void)state;
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		struct recording r;

		load(&r, "mschapv2-mppe128-stateful");
		for (unsigned int k = 0; k < r.count; k++) {
			struct record *record = &r.records[k];

			memcpy(frames[k], links[i].bytes, links[i].head);
			memcpy(frames[k] + links[i].head, record->data + 14, record->len - 14);
			record->data = frames[k];
			record->len = record->len - 14 + links[i].head;
		}
		free(decode_link(&r, links[i].link, &options, &s));
		assert_int_equal(s.control, 5);
		assert_int_equal(s.decrypted, 109);
		recording_free(&r);
	}
}

/* What is not IP, or cannot be read, is passed over: no event. */
static void what_is_not_ip_is_passed_over(void **state)
{
	static const struct {
		uint32_t link;
		size_t len;
		uint8_t bytes[40];
	} frames[] = {
		{ 105, 40, { 8, 0x41 } }, /* encrypted */
		{ 105, 40, { 0x80, 0 } }, /* a beacon */
		{ 105, 40, { 0x48, 1 } }, /* data without data */
		{ 105, 3, { 8, 1 } },
		{ 127, 8, { 0, 0, 200, 0 } },
		{ 127, 8, { 0, 0, 1, 0 } },
		{ 50, 3, { 0x0f, 0, 8 } },
		{ 51, 7, { 0x11 } },
		{ 1, 18, { [12] = 0x81, 0, 0, 1, 0x81, 0 } },
	};
	const struct decode_options options = { 0 };
	struct decode_stats s;

	(void)state;
	for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
		struct recording r;

		load(&r, "pap-plain");
		r.count = 1;
		r.records[0].data = frames[i].bytes;
		r.records[0].len = frames[i].len;
		free(decode_link(&r, frames[i].link, &options, &s));
		assert_int_equal(s.packets, 1);
		assert_int_equal(s.control + s.gre + s.malformed, 0);
		recording_free(&r);
	}
}

/* The frames of a call, as if the link between had been captured, with what such a link has in front of them. */
static void frames_make(struct recording *r, const uint8_t *head, size_t size, unsigned int sent_at,
	uint8_t frames[RECORDS_MAX][2048])
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < r->count; i++) {
		struct record *to = &r->records[count];
		const struct record from = r->records[i];
		size_t at = frame_at(&from), len = at ? from.len - at : 0;
		bool server = from.data[29] == 2;
		uint8_t *p = frames[count];

		if (!len)
			continue;
		if (size)
			memcpy(p, head, size);
		if (size >= 14) /* Ethernet: who sends is told by its addresses */
			p[11] = server, p[5] = !server;
		if (sent_at < size)
			p[sent_at] = server;
		if (size >= 6 && p[size - 6] == 0x11) { /* PPPoE */
			p[size - 2] = (uint8_t)(len >> 8);
			p[size - 1] = (uint8_t)len;
		}
		memcpy(p + size, from.data + at, len);
		memmove(to->head, from.head, sizeof(to->head));
		for (int k = 0; k < 4; k++)
			to->head[12 + k] = (uint8_t)((size + len) >> 8 * k);
		to->data = p;
		to->len = size + len;
		count++;
	}
	r->count = count;
}

/* LCP, logon, CCP and MPPE of a link that is one of PPP itself are followed as a call's. */
static void ppp_of_the_link_is_a_call(void **state)
{
	static uint8_t frames[RECORDS_MAX][2048];
	static const struct {
		uint32_t link;
		size_t size;
		unsigned int sent_at;
		uint8_t head[32];
	} links[] = {
		{ 1, 20, 99, { [12] = 0x88, 0x64, 0x11, 0, 0, 7, 0, 0 } },
		{ 1, 24, 99, { [12] = 0x81, 0, 0, 1, 0x88, 0x64, 0x11, 0, 0, 7, 0, 0 } },
		{ 204, 1, 0, { 0 } },
		{ 113, 22, 1, { [14] = 0x88, 0x64, 0x11, 0, 0, 7, 0, 0 } },
	};
	static const char *const names[] = { "mschapv2-mppe128-stateful",
		"mschapv2-mppe128-stateless" };
	const struct decode_options options = { .users = &decoded.right };
	struct decode_stats s;

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(links) / sizeof(links[0]); i++) {
		struct recording r;
		char *text;

		load(&r, names[i % 2]);
		frames_make(&r, links[i / 2].head, links[i / 2].size, links[i / 2].sent_at, frames);
		/* A sent packet has the type 4 there. */
		for (unsigned int k = 0; k < r.count && links[i / 2].link == 113; k++)
			frames[k][1] = frames[k][1] ? 4 : 0;
		text = decode_link(&r, links[i / 2].link, &options, &s);
		assert_int_equal(s.gre, 0);
		assert_int_equal(s.link, r.count);
		assert_int_equal(s.calls, 1);
		assert_int_equal(s.malformed, 0);
		assert_int_equal(s.verified, 1);
		assert_int_equal(s.decrypted, i % 2 ? 117 : 109);
		assert_non_null(strstr(text, "LCP Configure-Request id 1: "));
		assert_non_null(strstr(text, "call 1 on the link itself (PPP"));
		free(text);
		recording_free(&r);
	}
}

/* Nobody knows who asks and who answers: each frame by itself, and no key. */
static void without_directions_nothing_is_concluded(void **state)
{
	static uint8_t frames[RECORDS_MAX][2048];
	const struct decode_options options = { .users = &decoded.right };
	struct decode_stats s;
	struct recording r;
	char *text;

	(void)state;
	load(&r, "mschapv2-mppe128-stateful");
	frames_make(&r, NULL, 0, 99, frames);
	text = decode_link(&r, 9, &options, &s);
	assert_int_equal(s.link, r.count);
	assert_int_equal(s.malformed + s.verified + s.decrypted, 0);
	assert_int_equal(s.encrypted, 109);
	assert_non_null(strstr(text, " PPP  LCP Configure-Request id 1: "));
	free(text);
	recording_free(&r);
}

/* Ethernet fills up what is short; PPPoE's length says where the frame ends. */
static void padding_is_not_the_frames(void **state)
{
	static const uint8_t frame[60] = { [12] = 0x88,
		0x64,
		0x11,
		0,
		0,
		7,
		0,
		10,
		0xc0,
		0x21,
		9,
		1,
		0,
		8,
		1,
		2,
		3,
		4,
		0xff,
		0xff };
	const struct decode_options options = { 0 };
	struct decode_stats s;
	struct recording r;
	char *text;

	(void)state;
	load(&r, "pap-plain");
	r.count = 1;
	r.records[0].data = frame;
	r.records[0].len = sizeof(frame);
	text = decode_link(&r, 1, &options, &s);
	assert_non_null(strstr(text, "PPPoE session 7 00:00:00:00:00:00 > 00:00:00:00:00:00  LCP "
				     "Echo-Request id 1: Magic-Number 01020304\n"));
	assert_null(strstr(text, "captured"));
	free(text);
	recording_free(&r);
}

/* A length that the wire has not room for is not the capture's cut, and nothing is counted that was never sent. */
static void a_length_beyond_the_wire_is_not_believed(void **state)
{
	uint8_t frame[30] = {
		[12] = 0x88, 0x64, 0x11, 0, 0, 7, 0xff, 0, 0xc0, 0x21, 9, 1, 0, 8, 1
	};
	const struct decode_options options = { 0 };
	struct decode_stats s;
	struct recording r;
	char *text;

	(void)state;
	load(&r, "pap-plain");
	r.count = 1;
	r.records[0].data = frame;
	r.records[0].len = sizeof(frame);
	for (size_t i = 8; i < 16; i += 4)
		memcpy(r.records[0].head + i, &(uint32_t){ sizeof(frame) }, 4);
	text = decode_link(&r, 1, &options, &s);
	assert_non_null(strstr(text, "Echo-Request id 1: Magic-Number 01000000\n"));
	assert_null(strstr(text, "captured"));
	free(text);
	recording_free(&r);
}

/* The first record of TCP with data from 10.99.0.`host`. */
static unsigned int first_segment(const struct recording *r, uint8_t host)
{
	for (unsigned int i = 0; i < r->count; i++) {
		const uint8_t *d = r->records[i].data;

		if (d[23] == 6 && d[29] == host && (d[16] << 8 | d[17]) > 20 + (d[46] >> 4) * 4)
			return i;
	}
	fail_msg("no TCP data");
	return 0;
}

static void recording_remove(struct recording *r, unsigned int first, unsigned int count)
{
	memmove(&r->records[first], &r->records[first + count],
		(r->count - first - count) * sizeof(r->records[0]));
	r->count -= count;
}

static void retransmissions_are_said_and_taken_once(void **state)
{
	const struct decode_options options = { .users = &decoded.right };
	struct decode_stats s;
	struct recording r;
	unsigned int at;
	char *text;

	(void)state;
	load(&r, "mschapv2-mppe128-stateful");
	at = first_segment(&r, 3);
	memmove(&r.records[at + 2], &r.records[at + 1], (r.count - at - 1) * sizeof(r.records[0]));
	r.records[at + 1] = r.records[at];
	r.count++;
	text = decode_link(&r, DLT_EN10MB, &options, &s);
	assert_int_equal(s.control, 5);
	assert_int_equal(occurrences(text, "TCP 42324 > 1723 retransmission of 156 bytes\n"), 1);
	assert_int_equal(occurrences(text, "retransmission"), 1);
	free(text);
	recording_free(&r);
}

static void what_the_capture_lost_of_a_stream_is_said(void **state)
{
	const struct decode_options options = { .users = &decoded.right };
	struct decode_stats s;
	struct recording r;
	char *text;

	(void)state;
	load(&r, "mschapv2-mppe128-stateful");
	recording_remove(&r, first_segment(&r, 3), 1);
	text = decode_link(&r, DLT_EN10MB, &options, &s);
	assert_int_equal(s.control, 4);
	assert_int_equal(s.decrypted, 109);
	assert_int_equal(s.malformed, 0);
	assert_non_null(strstr(text, "TCP 42324 > 1723 156 bytes are missing from the capture\n"));
	free(text);
	recording_free(&r);
}

/* Nothing of the control connection but its end: calls are found by their packets. */
static void a_capture_may_begin_late(void **state)
{
	const struct decode_options options = { .users = &decoded.right };
	struct decode_stats s;

	(void)state;
	for (unsigned int first = 0; first < 160; first += 5) {
		struct recording r;
		char *text;

		load(&r, "mschapv2-mppe128-stateless");
		recording_remove(&r, 0, first);
		text = decode_link(&r, DLT_EN10MB, &options, &s);
		assert_int_equal(s.calls, 1);
		assert_int_equal(s.malformed, 0);
		assert_int_equal(occurrences(text, "\ncall 1"), 1);
		/* Up to the logon all can be decrypted. */
		assert_true(s.decrypted == (first < 20 ? 117 : s.decrypted));
		free(text);
		recording_free(&r);
	}
}

/* The Call ID of all packets to one end, or to both, is not what the control messages say. */
static void call_ids_that_a_nat_changed_are_told(void **state)
{
	const struct decode_options options = { .users = &decoded.right };
	struct decode_stats s;

	(void)state;
	for (unsigned int which = 1; which < 4; which++) {
		struct recording r;
		char *text;

		load(&r, "mschapv2-mppe128-stateless");
		for (unsigned int i = 0; i < r.count; i++) {
			uint8_t *d = (uint8_t *)(uintptr_t)r.records[i].data;

			if (d[23] == 47 && which & (d[33] == 2 ? 1 : 2))
				d[40] ^= 0x55;
		}
		text = decode_link(&r, DLT_EN10MB, &options, &s);
		assert_int_equal(s.calls, 1);
		assert_int_equal(s.decrypted, 117);
		assert_true((strstr(text, "10.99.0.3 > 10.99.0.2  GRE call ID 21760 (agreed on was "
					  "0) seq") != NULL) == (which & 1));
		assert_int_equal(occurrences(text, "(agreed on was ") > 0, 1);
		free(text);
		recording_free(&r);
	}
}

/* As a router with a small MTU would leave them; the second half comes first. */
static void outer_fragments_are_put_together(void **state)
{
	static uint8_t parts[RECORDS_MAX][2][2048];
	const struct decode_options options = { .users = &decoded.right };
	struct recording r, split;
	struct decode_stats s;
	unsigned int cut = 0;

	(void)state;
	load(&r, "mschapv2-mppe128-stateful");
	split = r;
	split.count = 0;
	for (unsigned int i = 0; i < r.count; i++) {
		const struct record *whole = &r.records[i];
		size_t first = 400, rest = whole->len - 34;

		if (!is_encrypted(whole) || rest < 600 || split.count + 3 > RECORDS_MAX) {
			split.records[split.count++] = *whole;
			continue;
		}
		for (unsigned int half = 0; half < 2; half++) {
			size_t at = half ? first : 0, len = half ? rest - first : first;
			uint8_t *p = parts[i][half];
			struct record *record = &split.records[split.count + 1 - half];

			memcpy(p, whole->data, 34);
			memcpy(p + 34, whole->data + 34 + at, len);
			p[16] = (uint8_t)((len + 20) >> 8);
			p[17] = (uint8_t)(len + 20);
			p[18] = (uint8_t)i; /* an identification of its own */
			p[20] = half ? 0 : 0x20;
			p[21] = half ? (uint8_t)(first / 8) : 0;
			*record = *whole;
			record->data = p;
			record->len = len + 34;
		}
		split.count += 2;
		cut++;
	}
	free(decode_link(&split, DLT_EN10MB, &options, &s));
	assert_true(cut > 10);
	assert_int_equal(s.decrypted, 109);
	assert_int_equal(s.malformed, 0);
	recording_free(&r);
}

/* One of two multilink fragments of a packet's frame, in a packet of its own. */
static size_t fragment_make(
	uint8_t *p, const struct record *whole, unsigned int half, uint32_t seq[2][2])
{
	size_t at = frame_at(whole), head = at, rest, first, len;
	unsigned int side = whole->data[29] & 1;

	head += whole->data[at] == 0xff ? 2 : 0;
	rest = whole->len - head;
	first = rest / 2;
	len = half ? rest - first : first;
	memcpy(p, whole->data, at);
	memcpy(p + at, "\x00\x3d", 2);
	p[at + 2] = half ? 0x40 : 0x80;
	p[at + 3] = 0;
	p[at + 4] = (uint8_t)(seq[side][1] >> 8);
	p[at + 5] = (uint8_t)seq[side][1]++;
	memcpy(p + at + 6, whole->data + head + (half ? first : 0), len);
	len += 6;
	p[17] = (uint8_t)(len + at - 14);
	p[16] = (uint8_t)((len + at - 14) >> 8);
	p[38] = (uint8_t)(len >> 8);
	p[39] = (uint8_t)len;
	for (int k = 0; k < 4; k++)
		p[42 + k] = (uint8_t)(seq[side][0] >> 8 * (3 - k));
	seq[side][0]++;
	return at + len;
}

/* All that is in GRE goes in halves: what they are joined to is what was there before. */
static void multilink_is_joined_and_decoded(void **state)
{
	static uint8_t parts[RECORDS_MAX][2048];
	const struct decode_options options = { .users = &decoded.right };
	uint32_t seq[2][2] = { { 0 } };
	struct recording r, split;
	struct decode_stats s;
	char *text;

	(void)state;
	load(&r, "mschapv2-mppe128-stateful");
	split = r;
	split.count = 0;
	for (unsigned int i = 0; i < r.count && split.count + 2 <= RECORDS_MAX; i++) {
		for (unsigned int half = 0; half < 2; half++) {
			struct record *record = &split.records[split.count];

			if (half && !frame_at(&r.records[i]))
				continue;
			*record = r.records[i];
			if (frame_at(&r.records[i])) {
				record->data = parts[split.count];
				record->len =
					fragment_make(parts[split.count], &r.records[i], half, seq);
				memset(record->head + 12, 0, 4);
				record->head[12] = (uint8_t)record->len;
				record->head[13] = (uint8_t)(record->len >> 8);
			}
			split.count++;
		}
	}
	text = decode_link(&split, DLT_EN10MB, &options, &s);
	assert_non_null(strstr(text, "in clear: multilink seq 0 begin of LCP, "));
	assert_non_null(strstr(text, "  joined (2) LCP Configure-Request id 1: "));
	assert_non_null(strstr(text, ", password verified\n"));
	assert_non_null(strstr(text, "  joined (2) MPPE count 0, "));
	assert_true(s.encrypted > 50);
	assert_int_equal(s.decrypted, s.encrypted);
	assert_int_equal(s.malformed, 0);
	free(text);
	recording_free(&r);
}

static void other_link_types_are_refused_in_words(void **state)
{
	struct recording r;
	char why[DECODE_WHY] = "";
	uint8_t *file;
	size_t size;

	(void)state;
	load(&r, "pap-plain");
	file = recording_file(&r, 147, &size); /* somebody's own */
	assert_null(decode_capture_file(fmemopen(file, size, "rb"), why));
	assert_non_null(strstr(why, "is not supported"));
	free(file);
	recording_free(&r);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_link_type_gives_the_same),
		cmocka_unit_test(what_is_not_ip_is_passed_over),
		cmocka_unit_test(ppp_of_the_link_is_a_call),
		cmocka_unit_test(without_directions_nothing_is_concluded),
		cmocka_unit_test(padding_is_not_the_frames),
		cmocka_unit_test(retransmissions_are_said_and_taken_once),
		cmocka_unit_test(what_the_capture_lost_of_a_stream_is_said),
		cmocka_unit_test(a_capture_may_begin_late),
		cmocka_unit_test(call_ids_that_a_nat_changed_are_told),
		cmocka_unit_test(a_length_beyond_the_wire_is_not_believed),
		cmocka_unit_test(outer_fragments_are_put_together),
		cmocka_unit_test(multilink_is_joined_and_decoded),
		cmocka_unit_test(other_link_types_are_refused_in_words),
	};
	int rc;

	decoded_init(argc, argv);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	decoded_done();
	return rc;
}
