/*
 * Captures made to hurt: to who has keys, each of their frames asks for as much work as there can be. What is done is
 * counted (tools/decode/work.h), and stays below what a capture may cost; that something was left out is said.
 */
#include "lib/ppp/frame.h"
#include "tests/decode/decoded.h"
#include "tools/decode/work.h"

#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX (4u << 20)
#define COUNT    0x0fffu

/* A capture that grows. */
struct flood {
	uint8_t *file;
	size_t size;
	uint32_t seq; /* GRE's, of what is forged */
	uint64_t packets;
};

static void put32(uint8_t *p, uint32_t v, bool network)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> 8 * (network ? 3 - i : i));
}

static void flood_begin(struct flood *f, const struct recording *r)
{
	memset(f, 0, sizeof(*f));
	f->file = malloc(FILE_MAX);
	memcpy(f->file, r->file, 24);
	f->size = 24;
	f->seq = 100000;
}

static void flood_add(struct flood *f, const struct record *record)
{
	assert_true(f->size + 16 + record->len <= FILE_MAX);
	memcpy(f->file + f->size, record->head, 16);
	memcpy(f->file + f->size + 16, record->data, record->len);
	f->size += 16 + record->len;
	f->packets++;
}

static uint16_t protocol_of(const struct record *record)
{
	size_t at = frame_at(record);
	struct wire_reader r = wire_reader(record->data + at, at ? record->len - at : 0);
	uint16_t protocol;

	return ppp_header_read(&r, &protocol) ? protocol : 0;
}

/* The same packet with the next number of GRE, and, if it is of MPPE, this count; `bits` are left of its flags. */
static void flood_forge(
	struct flood *f, const struct record *record, unsigned int count, uint8_t bits)
{
	size_t start = f->size + 16, at = frame_at(record);
	uint8_t *d;

	flood_add(f, record);
	d = f->file + start;
	put32(d + 42, f->seq++, true);
	if (protocol_of(record) != PPP_COMP)
		return;
	at += d[at] == 0xff ? 2 : 0;
	at += d[at] ? 1 : 2;
	d[at] = (uint8_t)((d[at] & bits & 0xf0) | (count >> 8 & 0x0f));
	d[at + 1] = (uint8_t)count;
}

static unsigned int count_of(const struct record *record)
{
	const uint8_t *d = record->data;
	size_t at = frame_at(record);

	at += d[at] == 0xff ? 2 : 0;
	at += d[at] ? 1 : 2;
	return (unsigned int)(d[at] << 8 | d[at + 1]) & COUNT;
}

/* Decodes it, and holds the work against what there may be. */
static char *flood_end(
	struct flood *f, const struct decode_options *options, struct decode_stats *s)
{
	int rc;
	char *text = decode_bytes(f->file, f->size, options, s, &rc);

	assert_int_equal(rc, 0);
	assert_int_equal(s->packets, f->packets);
	assert_true(s->work <= DECODE_WORK_MAX + s->packets * DECODE_WORK_EARNED);
	free(f->file);
	return text;
}

static void is_said(const char *text, const struct decode_stats *s)
{
	assert_true(s->spared > 0);
	assert_non_null(strstr(text, "encrypted, left so: too much work\n"));
	assert_non_null(strstr(text, "left as they were: to decrypt them is more work than"));
}

/* CCP is agreed on again and again, which makes everything new, and then counts are far away. */
static void negotiating_again_buys_no_work(void **state)
{
	const struct decode_options options = { .users = &decoded.right };
	const struct record *ack = NULL, *data = NULL;
	struct decode_stats s;
	struct recording r;
	struct flood f;
	char *text;

	(void)state;
	load(&r, "mschapv2-mppe128-stateless");
	flood_begin(&f, &r);
	for (unsigned int i = 0; i < r.count && !data; i++) {
		const struct record *record = &r.records[i];
		uint16_t protocol = protocol_of(record);
		size_t at = frame_at(record) + (protocol == PPP_CCP ? 2 : 0);

		flood_add(&f, record);
		at += protocol == PPP_CCP && record->data[at - 2] == 0xff ? 2 : 0;
		if (protocol == PPP_CCP && record->data[at] == 2)
			ack = record;
		if (protocol == PPP_COMP && ack && record->data[29] == ack->data[29])
			data = record;
	}
	assert_true(ack && data);
	for (unsigned int i = 0; i < 300; i++) {
		flood_forge(&f, ack, 0, 0);
		flood_forge(&f, data, 3700, 0xff);
		flood_forge(&f, data, 3600, 0xff);
	}
	text = flood_end(&f, &options, &s);
	is_said(text, &s);
	free(text);
	recording_free(&r);
}

/* All the keys there may be, none of which fits, and counts that are as far from the first as can be. */
static void keys_are_not_tried_without_end(void **state)
{
	struct decode_users keys = { 0 };
	const struct decode_options options = { .users = &keys };
	struct decode_stats s;
	struct recording r;
	struct flood f;
	char *text, why[DECODE_WHY], key[33];

	(void)state;
	memset(key, 'a', 32);
	key[32] = '\0';
	for (unsigned int i = 0; i < DECODE_STARTS_MAX / 2; i++) {
		key[0] = "0123456789abcdef"[i];
		assert_int_equal(decode_users_add_key(&keys, key, why), 0);
	}
	load(&r, "mschapv2-mppe128-stateless");
	flood_begin(&f, &r);
	for (unsigned int i = 0; i < r.count; i++) {
		if (protocol_of(&r.records[i]) == PPP_COMP)
			flood_forge(&f, &r.records[i], COUNT - 300, 0xff);
		else
			flood_add(&f, &r.records[i]);
	}
	text = flood_end(&f, &options, &s);
	is_said(text, &s);
	free(text);
	decode_users_done(&keys);
	recording_free(&r);
}

/* Between the packets of a stateful stream those with counts from nowhere: each wants 64 kB to be looked through. */
static void streams_are_not_searched_without_end(void **state)
{
	const struct decode_options options = { .users = &decoded.right };
	struct decode_stats s;
	struct recording r;
	struct flood f;
	char *text;

	(void)state;
	load(&r, "mschapv2-mppe128-stateful");
	flood_begin(&f, &r);
	for (unsigned int i = 0; i < r.count; i++) {
		const struct record *record = &r.records[i];

		for (unsigned int k = 0; k < 12 && protocol_of(record) == PPP_COMP; k++)
			flood_forge(&f, record, count_of(record) + 200 * (k + 1), 0x70);
		flood_add(&f, record);
	}
	text = flood_end(&f, &options, &s);
	is_said(text, &s);
	free(text);
	recording_free(&r);
}

/* Counts of the past, whose keys are walked to once more from where a gap was. */
static void late_packets_pay_for_their_way(void **state)
{
	const struct decode_options options = { .users = &decoded.right };
	const struct record *last = NULL;
	struct decode_stats s;
	struct recording r;
	struct flood f;

	(void)state;
	load(&r, "mschapv2-mppe128-stateless");
	flood_begin(&f, &r);
	for (unsigned int i = 0; i + 20 < r.count; i++) {
		const struct record *record = &r.records[i];

		if (protocol_of(record) == PPP_COMP && record->data[29] == 3)
			last = record;
		flood_add(&f, record);
	}
	assert_non_null(last);
	flood_forge(&f, last, count_of(last) + 250, 0xff);
	for (unsigned int i = 0; i < 3000; i++)
		flood_forge(&f, last, count_of(last) - 1, 0xff);
	free(flood_end(&f, &options, &s));
	recording_free(&r);
}

/* Frames of a few octets that say that the capture cut off 65000: the cipher would have to go through them. */
static void what_was_cut_off_is_paid_for(void **state)
{
	const struct decode_options options = { .users = &decoded.right };
	struct decode_stats s;
	struct recording r;
	struct flood f;
	struct record last;
	uint8_t bytes[128];
	unsigned int i = 0, count;
	size_t at;
	char *text;

	(void)state;
	load(&r, "mschapv2-mppe128-stateful");
	flood_begin(&f, &r);
	do
		flood_add(&f, &r.records[i]);
	while (protocol_of(&r.records[i++]) != PPP_COMP);
	last = r.records[i - 1];
	count = count_of(&last);
	at = frame_at(&last);
	last.len = at + 8;
	put32(last.head + 8, (uint32_t)last.len, false);
	memcpy(bytes, last.data, last.len);
	last.data = bytes;
	memset(bytes + 16, 0xff, 2); /* IP's length, GRE's of the payload */
	at = 0xffff - (at - 14);
	bytes[38] = (uint8_t)(at >> 8);
	bytes[39] = (uint8_t)at;
	f.seq = (uint32_t)bytes[42] << 24 | (uint32_t)bytes[43] << 16 | (uint32_t)bytes[44] << 8 |
		bytes[45];
	f.seq++;
	for (i = 1; i <= 2000; i++)
		flood_forge(&f, &last, count + i, 0x10);
	text = flood_end(&f, &options, &s);
	is_said(text, &s);
	free(text);
	recording_free(&r);
}

/* A stray number in the middle of a stateful stream costs the stray, and nothing behind it. */
static void a_stray_does_not_end_a_stream(void **state)
{
	const struct decode_options options = { .users = &decoded.right };
	struct decode_stats s;
	struct recording r;
	struct flood f;

	(void)state;
	load(&r, "mschapv2-mppe128-stateful");
	flood_begin(&f, &r);
	for (unsigned int i = 0; i < r.count; i++) {
		const struct record *record = &r.records[i];
		size_t start = f.size + 16;

		if (protocol_of(record) == PPP_COMP && i % 8 == 0) {
			flood_forge(&f, record, count_of(record) + 3, 0x70);
			for (size_t at = 56; at < record->len; at++)
				f.file[start + at] ^= 0x5a;
		}
		flood_add(&f, record);
	}
	free(flood_end(&f, &options, &s));
	assert_true(s.encrypted > 115);
	assert_int_equal(s.decrypted, 109);
	assert_int_equal(s.spared, 0);
	recording_free(&r);
}

/* Dictionaries for each of more calls than there is memory for. */
static void histories_have_a_limit_together(void **state)
{
	const struct decode_options options = { .users = &decoded.right };
	struct decode_stats s;
	struct recording r;
	struct flood f;

	(void)state;
	load(&r, "pap-bsdcomp");
	flood_begin(&f, &r);
	for (unsigned int call = 0; call < 400; call++) {
		for (unsigned int i = 0; i < r.count; i++) {
			size_t start = f.size + 16;

			if (protocol_of(&r.records[i]) != PPP_CCP)
				continue;
			flood_add(&f, &r.records[i]);
			f.file[start + 27] = f.file[start + 31] =
				(uint8_t)call; /* other addresses */
			f.file[start + 28] = f.file[start + 32] = (uint8_t)(call >> 8);
		}
	}
	free(flood_end(&f, &options, &s));
	assert_true(s.calls >= 400);
	assert_true(s.spared > 0);
	recording_free(&r);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(negotiating_again_buys_no_work),
		cmocka_unit_test(keys_are_not_tried_without_end),
		cmocka_unit_test(streams_are_not_searched_without_end),
		cmocka_unit_test(late_packets_pay_for_their_way),
		cmocka_unit_test(what_was_cut_off_is_paid_for),
		cmocka_unit_test(a_stray_does_not_end_a_stream),
		cmocka_unit_test(histories_have_a_limit_together),
	};
	int rc;

	decoded_init(argc, argv);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	decoded_done();
	return rc;
}
