/*
 * Damage, exhaustively: small captures of each protocol family and link type, cut behind every octet, every packet cut to every
 * length, and every octet changed. Whatever comes of it is an event that keeps event.h's promises, and the work stays what
 * a capture may cost.
 */
#include "lib/ppp/frame.h"
#include "tests/decode/decoded.h"
#include "tools/decode/capture.h"
#include "tools/decode/work.h"

#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DATA_KEPT                                                                                  \
	2 /* packets of data a direction, after the first of which there is some history */

static const char *const families[] = { "pap-plain", "chapmd5-plain", "eapmd5-plain",
	"mschap-mppe128-stateless", "mschapv2-mppe128-stateless", "mschapv2-mppe128-stateful",
	"mschapv2-mppe128-stateful-loss", "mschapv2-mppe40-stateless", "pap-deflate", "pap-bsdcomp",
	"pap-vj", "mschapv2-mppe128-stateless-vj" };

/* What stands in front of the IP header, or (`ppp`) of the frames that are in GRE. */
static const struct link {
	uint32_t link;
	bool ppp;
	size_t size;
	uint8_t head[48];
} links[] = {
	{ 101, false, 0, { 0 } },
	{ 0, false, 4, { 2 } },
	{ 113, false, 16, { [14] = 8 } },
	{ 276, false, 20, { 8 } },
	{ 1, false, 22, { [12] = 0x88, 0xa8, 0, 1, 0x81, 0, 0, 2, 8, 0 } },
	{ 50, false, 4, { 0x0f, 0, 8, 0 } },
	{ 9, false, 4, { 0xff, 3, 0, 0x21 } },
	{ 127, false, 42, { 0, 0, 10, [10] = 8, 1, [34] = 0xaa, 0xaa, 3, 0, 0, 0, 8, 0 } },
	{ 105, false, 34, { 0x88, 2, [26] = 0xaa, 0xaa, 3, 0, 0, 0, 8, 0 } },
	{ 1, true, 20, { [12] = 0x88, 0x64, 0x11, 0, 0, 7, 0, 90 } },
	{ 204, true, 1, { 1 } },
	{ 166, true, 1, { 1 } },
	{ 9, true, 0, { 0 } },
};

/* The handshake of a capture, and some data: what a damaged octet can do more to is in there. */
static void thin(struct recording *r)
{
	unsigned int count = 0, kept[2] = { 0 };

	for (unsigned int i = 0; i < r->count; i++) {
		const struct record *record = &r->records[i];
		size_t at = frame_at(record);
		struct wire_reader reader =
			wire_reader(record->data + at, at ? record->len - at : 0);
		uint16_t protocol = PPP_LCP;
		bool tcp = record->data[23] == 6;

		if (tcp && record->len < 70 && count > 3)
			continue; /* an acknowledgment */
		if (!tcp && !at)
			continue;
		(void)ppp_header_read(&reader, &protocol);
		if (ppp_is_data(protocol) || protocol == PPP_COMP) {
			if (kept[record->data[29] & 1]++ >= DATA_KEPT)
				continue;
		}
		r->records[count++] = *record;
	}
	r->count = count;
}

/* The same packets on another link; `frames` holds them. */
static void relink(struct recording *r, const struct link *link, uint8_t frames[RECORDS_MAX][2048])
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < r->count; i++) {
		struct record *record = &r->records[count];
		const struct record from = r->records[i];
		size_t at = link->ppp ? frame_at(&from) : 14;

		if (!at)
			continue;
		if (link->size)
			memcpy(frames[count], link->head, link->size);
		memcpy(frames[count] + link->size, from.data + at, from.len - at);
		memmove(record->head, from.head, sizeof(record->head));
		record->data = frames[count];
		record->len = from.len - at + link->size;
		count++;
	}
	r->count = count;
}

static bool is_text(const char *s)
{
	while (*s >= ' ' && *s <= '~')
		s++;
	return !*s;
}

/* Events keep what event.h says of them. */
static void check(struct decode_sink *self, const struct decode_event *e)
{
	(void)self;
	assert_true(e->used < DECODE_TEXT_MAX && !e->text[e->used] && is_text(e->text));
	assert_true(e->field_count <= DECODE_FIELDS_MAX);
	for (unsigned int i = 0; i < e->field_count; i++) {
		const struct decode_field *f = &e->fields[i];

		assert_true(i + f->size < e->field_count);
		assert_true(f->type != DECODE_STRING || is_text(f->string));
	}
}

static void run(const uint8_t *file, size_t size, struct decode_stats *s)
{
	const struct decode_options options = { .users = &decoded.right };
	struct decode_sink sink = { .event = check };
	char why[DECODE_WHY] = "";
	FILE *in = size ? fmemopen((void *)(uintptr_t)file, size, "rb") : NULL;
	struct decode_capture *c = in ? decode_capture_file(in, why) : NULL;

	memset(s, 0, sizeof(*s));
	if (!c)
		return;
	(void)decode_run(&options, c, &sink, s, why);
	assert_true(s->work <= DECODE_WORK_MAX + s->packets * DECODE_WORK_EARNED);
	assert_true(s->decrypted <= s->encrypted && s->calls <= s->packets);
	decode_capture_close(c);
}

/*
 * A file that ends anywhere: of what ends in a record only this one and the one before are needed, as the state before them
 * is that of a whole file, which is cut at the end of each.
 */
static void cut_anywhere(const struct recording *r, uint32_t link)
{
	struct recording part = *r;
	struct decode_stats s;

	for (unsigned int i = 0; i < r->count; i++) {
		unsigned int from = i ? i - 1 : 0;
		size_t size, whole;
		uint8_t *file;

		part.count = i + 1;
		file = recording_file(&part, link, &size);
		run(file, size, &s);
		assert_int_equal(s.packets, i + 1);
		free(file);
		part.count = i + 1 - from;
		memcpy(part.records, r->records + from, part.count * sizeof(part.records[0]));
		file = recording_file(&part, link, &whole);
		for (size = whole - 16 - r->records[i].len; size < whole; size++) {
			/* Its own block, so that a read behind it is seen. */
			uint8_t *cut = malloc(size);

			memcpy(cut, file, size);
			run(cut, size, &s);
			assert_int_equal(s.packets, i - from);
			free(cut);
		}
		free(file);
		memcpy(part.records, r->records, (i + 1) * sizeof(part.records[0]));
	}
}

static void snap_anywhere(const struct recording *r, uint32_t link)
{
	struct decode_stats s;
	size_t longest = 0;

	for (unsigned int i = 0; i < r->count; i++)
		longest = r->records[i].len > longest ? r->records[i].len : longest;
	/* Beyond that nothing is cut. */
	for (size_t len = 0; len <= longest; len += len < 200 ? 1 : 11) {
		struct recording cut = *r;
		size_t size;
		uint8_t *file;

		recording_cut(&cut, len);
		file = recording_file(&cut, link, &size);
		run(file, size, &s);
		assert_int_equal(s.packets, r->count);
		assert_int_equal(s.malformed, 0);
		free(file);
	}
}

/* `how`: 0 inverted, 1 zero, 2 all ones. */
static void change_anywhere(const struct recording *r, uint32_t link, unsigned int how)
{
	struct decode_stats s;
	size_t size, at = 24;
	uint8_t *file = recording_file(r, link, &size);

	for (unsigned int i = 0; i < r->count; i++) {
		at += 16;
		for (size_t k = 0; k < r->records[i].len; k++, at++) {
			uint8_t was = file[at];

			file[at] = how == 0 ? (uint8_t)~was : how == 1 ? 0 : 0xff;
			if (file[at] != was)
				run(file, size, &s);
			file[at] = was;
		}
	}
	free(file);
}

/* Each family, or every third; and each link, with `most` packets. */
static void each(void (*what)(const struct recording *, uint32_t), size_t step, unsigned int most)
{
	static uint8_t frames[RECORDS_MAX][2048];
	struct recording r;

	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i += step) {
		load(&r, families[i]);
		thin(&r);
		what(&r, DLT_EN10MB);
		recording_free(&r);
	}
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		load(&r, "mschapv2-mppe128-stateful");
		thin(&r);
		relink(&r, &links[i], frames);
		/* Behind its head a packet is what it was. */
		r.count = r.count < most ? r.count : most;
		what(&r, links[i].link);
		recording_free(&r);
	}
}

static void inverted(const struct recording *r, uint32_t link)
{
	change_anywhere(r, link, 0);
}

static void zeroed(const struct recording *r, uint32_t link)
{
	change_anywhere(r, link, 1);
}

static void filled(const struct recording *r, uint32_t link)
{
	change_anywhere(r, link, 2);
}

static void a_file_may_end_behind_any_octet(void **state)
{
	(void)state;
	each(cut_anywhere, 1, 8);
}

static void packets_may_be_cut_to_any_length(void **state)
{
	(void)state;
	each(snap_anywhere, 1, 60);
}

static void any_octet_may_be_another(void **state)
{
	(void)state;
	each(inverted, 1, 8);
}

static void any_octet_may_be_zero(void **state)
{
	(void)state;
	each(zeroed, 4, 4);
}

static void any_octet_may_be_ff(void **state)
{
	(void)state;
	each(filled, 5, 4);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_may_end_behind_any_octet),
		cmocka_unit_test(packets_may_be_cut_to_any_length),
		cmocka_unit_test(any_octet_may_be_another),
		cmocka_unit_test(any_octet_may_be_zero),
		cmocka_unit_test(any_octet_may_be_ff),
	};
	int rc;

	decoded_init(argc, argv);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	decoded_done();
	return rc;
}
