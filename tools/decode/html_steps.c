/*
 * Ladder diagrams: a list of steps in HTML, whose arrows are borders. Several ladders are shown as one, in
 * the order of their frames.
 */
#include "tools/decode/html_report.h"
#include "tools/decode/html_text.h"

#include <inttypes.h>
#include <string.h>

#define GAP 1000000 /* us of silence that are worth a line */

static const char *const topics[HTML_TOPICS] = {
	[HTML_TOPIC_TCP] = "tcp",
	[HTML_TOPIC_CONTROL] = "ctl",
	[HTML_TOPIC_LCP] = "lcp",
	[HTML_TOPIC_AUTH] = "auth",
	[HTML_TOPIC_CCP] = "ccp",
	[HTML_TOPIC_NETWORK] = "net",
	[HTML_TOPIC_DATA] = "data",
	[HTML_TOPIC_FAULT] = "fault",
};

/* The message's name: "LCP Configure-Request", "Outgoing-Call-Reply"; the rest is its content. */
static size_t name_len(const struct html_line *line)
{
	unsigned int words = line->topic == HTML_TOPIC_CONTROL ? 1 : 2;
	const char *p = line->label;

	if (line->topic == HTML_TOPIC_TCP || line->topic == HTML_TOPIC_FAULT)
		return strlen(p);
	while (words--) {
		p += strcspn(p, " :");
		if (words && *p == ' ')
			p++;
	}
	return (size_t)(p - line->label);
}

static void time_write(FILE *out, uint64_t time, uint64_t start)
{
	uint64_t us = time > start ? time - start : 0;

	fprintf(out, "<time>%" PRIu64 ".%06" PRIu64 "</time>", us / 1000000, us % 1000000);
}

static void line_write(
	FILE *out, const struct html_diagram *d, const struct html_line *line, bool flip)
{
	size_t name = name_len(line);
	const char *rest = line->label + name + strspn(line->label + name, " :");

	time_write(out, line->time, d->start);
	if (html_frames_write(d->frames, line->frame))
		fprintf(out, "<span class=\"frame\" id=\"frame-%" PRIu64 "\">", line->frame);
	else
		fputs("<span class=\"frame\">", out);
	fprintf(out,
		"%" PRIu64 "</span><span class=\"msg %s %s%s\">"
		"<span class=\"what\"><b>",
		line->frame, topics[line->topic], (line->side == 0) != flip ? "right" : "left",
		line->malformed ? " bad" : "");
	html_plain(out, line->label, name);
	fputs("</b>", out);
	if (*rest) {
		fputs(" <small>", out);
		html_plain(out, rest, strlen(rest));
		fputs("</small>", out);
	}
	fputs("</span></span>", out);
}

static void fold_write(
	FILE *out, const struct html_diagram *d, const struct html_step *s, bool flip)
{
	const struct html_line *last = s->lines;
	char n[HTML_NUMBER];

	fputs("<li class=\"fold\"><details><summary class=\"step\">", out);
	line_write(out, d, s->lines, flip);
	while (last->next)
		last = last->next;
	if (s->last)
		last = s->last;
	fprintf(out, "<span class=\"again\">%s messages like this, until ",
		html_count(n, s->count));
	time_write(out, last->time, d->start);
	fputs(" s</span></summary><ol>", out);
	for (const struct html_line *line = s->lines->next; line; line = line->next) {
		fputs("<li class=\"step\">", out);
		line_write(out, d, line, flip);
		fputs("</li>", out);
	}
	if (s->last && s->count > s->kept + 1)
		fprintf(out, "<li class=\"gap\">%s more</li>",
			html_count(n, s->count - s->kept - 1));
	if (s->last) {
		fputs("<li class=\"step\">", out);
		line_write(out, d, s->last, flip);
		fputs("</li>", out);
	}
	fputs("</ol></details></li>\n", out);
}

static void head_write(FILE *out, const struct html_diagram *d)
{
	fputs("<ol class=\"ladder\">\n<li class=\"ends step\"><span class=\"unit\">s</span>"
	      "<span class=\"frame\">frame</span><span class=\"pair\"><b>",
		out);
	html_text(out, "%s", d->left);
	fputs("</b><b>", out);
	html_text(out, "%s", d->right);
	fputs("</b></span></li>\n", out);
}

void html_steps_frames(const struct html_ladder *l, struct html_frames *f)
{
	for (unsigned int i = 0; i < l->count; i++) {
		for (const struct html_line *line = l->step[i].lines; line; line = line->next)
			html_frames_show(f, line->frame);
		if (l->step[i].last)
			html_frames_show(f, l->step[i].last->frame);
	}
}

void html_steps_write(FILE *out, const struct html_diagram *d)
{
	unsigned int at[HTML_LADDERS] = { 0 }, next;
	uint64_t before = 0;
	char n[HTML_NUMBER];

	head_write(out, d);
	for (;;) {
		const struct html_step *s = NULL, *candidate;

		for (unsigned int i = 0; i < d->count; i++) {
			if (at[i] == d->ladder[i]->count)
				continue;
			candidate = &d->ladder[i]->step[at[i]];
			if (!s || candidate->lines->frame < s->lines->frame) {
				s = candidate;
				next = i;
			}
		}
		if (!s)
			break;
		if (at[next]++ == HTML_LADDER_HEAD && d->ladder[next]->skipped)
			fprintf(out, "<li class=\"gap\">%s messages are left out here</li>\n",
				html_count(n, d->ladder[next]->skipped));
		if (before && s->lines->time > before + GAP)
			fprintf(out, "<li class=\"gap\">%s later</li>\n",
				html_duration(n, s->lines->time - before));
		before = s->last ? s->last->time : s->lines->time;
		for (const struct html_line *l = s->lines; !s->last && l; l = l->next)
			before = l->time;
		if (s->count > 1) {
			fold_write(out, d, s, d->flip[next]);
			continue;
		}
		fputs("<li class=\"step\">", out);
		line_write(out, d, s->lines, d->flip[next]);
		fputs("</li>\n", out);
	}
	fputs("</ol>\n", out);
}
