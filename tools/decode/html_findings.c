/* Findings of a report, kept and written: see html.h and html_report.h. */
#include "tools/decode/html_report.h"
#include "tools/decode/html_text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static void finding_free(struct html_finding *f)
{
	free(f->title);
	free(f->text);
	free(f->meaning);
	free(f->remedy);
}

void html_findings_done(struct decode_html *h)
{
	for (unsigned int i = 0; i < h->finding_count; i++)
		finding_free(&h->finding[i]);
}

/* Room for one more: if there is none, the lightest, latest goes, if it is lighter. */
static struct html_finding *finding_room(struct decode_html *h, enum html_weight weight)
{
	struct html_finding *lightest = &h->finding[0];

	if (h->finding_count < HTML_FINDINGS_MAX)
		return &h->finding[h->finding_count++];
	h->findings_skipped++;
	for (unsigned int i = 1; i < h->finding_count; i++) {
		if (h->finding[i].weight >= lightest->weight)
			lightest = &h->finding[i];
	}
	if (lightest->weight <= weight)
		return NULL;
	finding_free(lightest);
	return lightest;
}

void decode_html_find(struct decode_html *h, const struct decode_finding *finding)
{
	struct html_finding f = {
		.weight = finding->weight, .call = finding->call, .windows = finding->windows
	};
	struct html_finding *room = NULL;

	f.title = strdup(finding->title);
	f.text = strdup(finding->text);
	f.meaning = finding->meaning ? strdup(finding->meaning) : NULL;
	f.remedy = finding->remedy ? strdup(finding->remedy) : NULL;
	if (f.title && f.text)
		room = finding_room(h, f.weight);
	if (room)
		*room = f;
	else
		finding_free(&f);
}

void html_find(struct decode_html *h, const struct decode_finding *finding, const char *format, ...)
{
	struct decode_finding f = *finding;
	char text[1024];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	f.text = text;
	decode_html_find(h, &f);
}

/* --- written --- */

/* Frames that are in a diagram become links. */
static void evidence_write(FILE *out, const struct decode_html *h, const char *text)
{
	const char *number;
	uint64_t frame;
	size_t len;

	while ((number = html_frames_next(text, &len, &frame)) != NULL) {
		html_plain(out, text, (size_t)(number - text));
		if (html_frames_shown(h->frames, frame))
			fprintf(out, "<a href=\"#frame-%" PRIu64 "\">%" PRIu64 "</a>", frame,
				frame);
		else
			html_plain(out, number, len);
		text = number + len;
	}
	html_plain(out, text, strlen(text));
}

static void seen_write(FILE *out, const struct decode_html *h, const struct html_finding *f)
{
	fputs("<p>", out);
	if (f->call && f->call <= HTML_CALLS_MAX) {
		fprintf(out, "<a class=\"call\" href=\"#call-%u\">", f->call);
		html_text(out, "%s", f->text);
		fputs("</a>", out);
	} else {
		evidence_write(out, h, f->text);
	}
	fputs("</p>", out);
}

static void advice_write(FILE *out, const struct html_finding *f)
{
	if (!f->meaning && !f->remedy && !f->windows)
		return;
	fputs("<dl>", out);
	if (f->meaning) {
		fputs("<dt>Means</dt><dd>", out);
		html_text(out, "%s", f->meaning);
		fputs("</dd>", out);
	}
	if (f->remedy) {
		fputs("<dt>Do</dt><dd>", out);
		html_text(out, "%s", f->remedy);
		fputs("</dd>", out);
	}
	if (f->windows)
		fprintf(out, "<dt>Windows</dt><dd>error %u</dd>", f->windows);
	fputs("</dl>", out);
}

static bool is_alike(const struct html_finding *a, const struct html_finding *b)
{
	return a->weight == b->weight && !strcmp(a->title, b->title);
}

/* All findings of one title, from the first on: what was seen a second time is behind a fold. */
static void finding_write(FILE *out, const struct decode_html *h, unsigned int first)
{
	static const char *const classes[HTML_WEIGHTS] = { "bad", "warning", "minor", "note",
		"good" };
	static const char *const words[HTML_WEIGHTS] = { "fatal", "major", "minor", "note",
		"fine" };
	const struct html_finding *f = &h->finding[first];
	unsigned int more = 0;

	fprintf(out, "<li class=\"%s\"><span class=\"tag\">%s</span><b>", classes[f->weight],
		words[f->weight]);
	html_text(out, "%s", f->title);
	fputs("</b>", out);
	seen_write(out, h, f);
	for (unsigned int i = first + 1; i < h->finding_count; i++)
		more += is_alike(f, &h->finding[i]);
	if (more)
		fprintf(out, "<details><summary>%u more</summary>", more);
	for (unsigned int i = first + 1; i < h->finding_count; i++) {
		if (is_alike(f, &h->finding[i]))
			seen_write(out, h, &h->finding[i]);
	}
	if (more)
		fputs("</details>", out);
	advice_write(out, f);
	fputs("</li>\n", out);
}

void html_findings_write(FILE *out, const struct decode_html *h)
{
	char n[HTML_NUMBER];

	fputs("<section id=\"findings\"><h2>Findings</h2>\n<ol class=\"findings\">\n", out);
	for (unsigned int weight = 0; weight < HTML_WEIGHTS; weight++) {
		for (unsigned int i = 0; i < h->finding_count; i++) {
			bool first = h->finding[i].weight == weight;

			for (unsigned int k = 0; first && k < i; k++)
				first = !is_alike(&h->finding[k], &h->finding[i]);
			if (first)
				finding_write(out, h, i);
		}
	}
	if (h->findings_skipped)
		fprintf(out, "<li class=\"more\">%s more findings are not shown</li>\n",
			html_count(n, h->findings_skipped));
	if (!h->finding_count)
		fputs("<li class=\"more\">Nothing to say about this capture.</li>\n", out);
	fputs("</ol></section>\n", out);
}
