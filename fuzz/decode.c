/*
 * tools/decode: a capture file in memory, as text, with all fields, as JSON, as a report, and summaries only; without keys,
 * with passwords and with a master key; with secrets and without; and what the doctor finds in it. The input's first octet
 * chooses; the rest is the file.
 */
#include "tools/decode/decode.h"
#include "tools/decode/auth.h"
#include "tools/decode/capture.h"
#include "tools/decode/html.h"
#include "tools/decode/output.h"
#include "tools/doctor/judge.h"
#include "tools/doctor/report.h"

#include "fuzz/fuzz.h"

#include <jansson.h>
#include <string.h>

/* Each line is an object, and no key is in one twice. */
static void check_json(char *text)
{
	char *line;

	while ((line = strsep(&text, "\n")) && *line) {
		json_t *o = json_loads(line, JSON_REJECT_DUPLICATES, NULL);

		FUZZ_CHECK(o);
		json_decref(o);
	}
}

/* All calls that were seen are judged, and evidence is text. */
static void check_findings(const struct judge *j)
{
	FUZZ_CHECK(j->up <= j->calls && j->findings.count <= FINDINGS_MAX);
	for (unsigned int i = 0; i < j->findings.count; i++) {
		const struct finding *f = &j->findings.list[i];

		FUZZ_CHECK(*f->evidence);
		for (const char *c = f->evidence; *c; c++)
			FUZZ_CHECK(*c >= ' ' && *c <= '~');
	}
}

/* Behind the style, each < begins a tag of ours and has its >; and no byte is anything but text. */
static void check_html(const char *text)
{
	const char *p = strstr(text, "</style>");
	bool tag = false;

	FUZZ_CHECK(p && strstr(p, "</html>") && !strstr(p, "<script"));
	for (; *p; p++) {
		FUZZ_CHECK((uint8_t)*p >= ' ' || *p == '\n');
		if (*p == '<') {
			FUZZ_CHECK(!tag && (p[1] == '/' || (p[1] >= 'a' && p[1] <= 'z')));
			tag = true;
		} else if (*p == '>') {
			FUZZ_CHECK(tag);
			tag = false;
		}
	}
	FUZZ_CHECK(!tag);
}

static void report(struct decode_html *html)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	FUZZ_CHECK(out && decode_html_write(html, out) == 0);
	fclose(out);
	check_html(text);
	free(text);
	decode_html_free(html);
}

static void run(
	const uint8_t *file, size_t size, uint8_t choice, const struct decode_options *options)
{
	char why[DECODE_WHY] = "";
	struct decode_stats stats = { 0 };
	char *text = NULL;
	size_t len = 0;
	FILE *in = fmemopen((void *)(uintptr_t)file, size, "rb");
	FILE *out = open_memstream(&text, &len);
	struct decode_capture *capture;
	struct decode_output output;
	struct observe_judge hooks;
	struct observe *observer;
	struct judge judge;
	struct decode_html *html = NULL;

	FUZZ_CHECK(in && out);
	capture = decode_capture_file(in, why);
	decode_output_init(&output, out, choice & 1 ? DECODE_FORM_JSON : DECODE_FORM_TEXT,
		(choice & 4 ? DECODE_VERBOSE : 0) | (choice & 16 ? DECODE_SUMMARY : 0));
	judge_init(&judge, &hooks);
	observer = observe_new(&hooks);
	FUZZ_CHECK(observer);
	output.sink.next = &observer->sink;
	if (choice & 64) {
		html = decode_html_new("fuzz <&>");
		FUZZ_CHECK(html);
		observer->sink.next = decode_html_sink(html);
	}
	if (capture) {
		if (decode_run(options, capture, &output.sink, &stats, why) < 0)
			FUZZ_CHECK(why[0]);
		FUZZ_CHECK(stats.decrypted <= stats.encrypted && stats.ppp <= stats.gre &&
			   stats.link <= stats.packets);
		decode_capture_close(capture);
		check_findings(&judge);
	} else {
		FUZZ_CHECK(why[0]);
	}
	observe_free(observer);
	fclose(out);
	/* What goes to a terminal is text. */
	for (size_t i = 0; i < len; i++)
		FUZZ_CHECK((text[i] >= ' ' && text[i] <= '~') || text[i] == '\n');
	if (choice & 1)
		check_json(text);
	if (html) {
		doctor_report(html, &judge.findings);
		report(html);
	}
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = { "bob:something", "alice:wonderland" };
	struct decode_users users = { 0 };
	struct decode_options options = { 0 };
	char why[DECODE_WHY];

	if (size < 2)
		return 0;
	options.secrets = data[0] & 8;
	if (data[0] & 32) { /* of a capture of the seeds */
		FUZZ_CHECK(!decode_users_add_key(&users, "9103c28352e6135c6d20e5ea645cc6f5", why));
		options.users = &users;
	}
	if (data[0] & 2) {
		for (int i = 0; i < 2; i++)
			FUZZ_CHECK(!decode_users_add(&users, names[i], why));
		options.users = &users;
	}
	run(data + 1, size - 1, data[0], &options);
	decode_users_done(&users);
	return 0;
}
