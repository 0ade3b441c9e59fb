/* The page: head, findings, all calls in a table, each conversation with its calls and diagrams. */
#include "tools/decode/html_report.h"
#include "tools/decode/html_text.h"

#include "html_css.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* Diagrams are open at first where there are few. */
#define DIAGRAMS_OPEN 3

static void head_write(FILE *out, const struct decode_html *h)
{
	char from[HTML_NUMBER], d[HTML_NUMBER];

	fputs("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/>\n"
	      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
	      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src &#39;none&#39;; "
	      "style-src &#39;unsafe-inline&#39;\"/>\n"
	      "<meta name=\"referrer\" content=\"no-referrer\"/>\n<title>",
		out);
	html_text(out, "%s \xe2\x80\x93 greyline", h->title);
	fputs("</title>\n<style>\n", out);
	fputs(html_css, out);
	fputs("</style></head>\n<body>\n<header><span class=\"brand\">greyline</span>\n<h1>", out);
	html_text(out, "%s", h->title);
	fputs("</h1>\n", out);
	if (h->started) {
		fputs("<p>", out);
		html_text(out, "%s, %s of PPTP", html_when(from, h->first_time),
			html_duration(d, h->last_time - h->first_time));
		fputs("</p>\n", out);
	}
}

static void tile(FILE *out, const char *what, uint64_t n, bool always)
{
	char count[HTML_NUMBER];

	if (n || always)
		fprintf(out, "<div><dt>%s</dt><dd>%s</dd></div>\n", what, html_count(count, n));
}

static void tiles_write(FILE *out, const struct decode_html *h)
{
	const struct decode_stats *s = &h->stats;

	fputs("<dl class=\"tiles\">\n", out);
	tile(out, "packets read", s->packets, true);
	tile(out, "connections", h->most_connections, true);
	tile(out, "calls", h->most_calls, true);
	tile(out, "control messages", s->control, true);
	tile(out, "PPP frames", s->ppp, true);
	tile(out, "encrypted", s->encrypted, false);
	tile(out, "decrypted", s->decrypted, false);
	tile(out, "malformed", h->malformed, false);
	fputs("</dl></header>\n", out);
}

/* --- all calls --- */

static void row_write(FILE *out, const struct html_call *c)
{
	const struct decode_call_facts *f = &c->facts;
	uint64_t all = f->last_time > f->first_time ? f->last_time - f->first_time : 0;
	char a[DECODE_ADDRESS], b[DECODE_ADDRESS], n[HTML_NUMBER];

	if (c->detail)
		fprintf(out, "<tr><td><a href=\"#call-%u\">%u</a></td><td>", c->number, c->number);
	else
		fprintf(out, "<tr><td>%u</td><td>", c->number);
	html_text(out, "%s", c->user);
	fputs("</td><td>", out);
	html_text(out, "%s", decode_address(c->address[0], a));
	fputs("</td><td>", out);
	html_text(out, "%s", decode_address(c->address[1], b));
	fputs("</td><td>", out);
	html_text(out, "%s", c->method);
	fputs("</td><td>", out);
	if (c->side[0].bits || c->side[1].bits)
		fprintf(out, "MPPE-%u", c->side[0].bits ? c->side[0].bits : c->side[1].bits);
	fprintf(out, "</td><td>%s</td>", html_duration(n, all));
	for (int i = 0; i < 2; i++)
		fprintf(out, "<td>%s</td>", html_bytes(n, f->side[i].bytes));
	fprintf(out, "<td>%s</td><td>",
		html_percent(n, c->side[0].lost + c->side[1].lost,
			c->side[0].lost + c->side[1].lost + c->side[0].frames + c->side[1].frames));
	if (decode_end_name(f->ending.how))
		html_text(out, "%s: %s", html_side_name(c, f->ending.side),
			decode_end_name(f->ending.how));
	else
		fputs("not seen", out);
	fputs("</td></tr>\n", out);
}

static void table_write(FILE *out, const struct decode_html *h)
{
	if (h->most_calls < 2)
		return;
	fputs("<section id=\"calls\"><h2>All calls</h2>\n<div class=\"card scroll\"><table "
	      "class=\"list\"><thead><tr><th>Call</th><th>User</th><th>PNS</th><th>PAC</th>"
	      "<th>Authentication</th><th>Encryption</th><th>Duration</th><th>PNS sent</th>"
	      "<th>PAC sent</th><th>Lost</th><th>End</th></tr></thead>\n<tbody>\n",
		out);
	for (unsigned int i = 0; i < HTML_ROWS_MAX; i++) {
		if (h->call[i])
			row_write(out, h->call[i]);
	}
	fputs("</tbody></table>", out);
	if (h->most_calls > HTML_ROWS_MAX)
		fprintf(out, "<p>%u more.</p>", h->most_calls - HTML_ROWS_MAX);
	fputs("</div></section>\n", out);
}

/* --- conversations --- */

static void diagram_write(
	FILE *out, const struct decode_html *h, struct html_diagram *d, const char *title)
{
	bool open = h->most_calls + h->most_connections <= 2 * DIAGRAMS_OPEN;
	bool some = false;

	for (unsigned int i = 0; i < d->count; i++) {
		if (!d->ladder[i]->count)
			continue;
		some = true;
		/* A capture may begin with the call. */
		if (d->ladder[i]->step[0].lines->time < d->start)
			d->start = d->ladder[i]->step[0].lines->time;
	}
	if (!some)
		return;
	fprintf(out, "<details class=\"sheet\"%s><summary>%s</summary>\n",
		open ? " open=\"open\"" : "", title);
	html_steps_write(out, d);
	fputs("</details>\n", out);
}

static void call_and_diagram(
	FILE *out, const struct decode_html *h, const struct html_call *call, uint64_t start)
{
	char left[DECODE_ADDRESS + 8], right[DECODE_ADDRESS + 8], a[DECODE_ADDRESS];
	struct html_diagram d = {
		.count = 1, .left = left, .right = right, .start = start, .frames = h->frames
	};

	html_call_write(out, h, call);
	if (!call->detail)
		return;
	snprintf(left, sizeof(left), "%s %s", html_side_name(call, 0),
		decode_address(call->address[0], a));
	snprintf(right, sizeof(right), "%s %s", html_side_name(call, 1),
		decode_address(call->address[1], a));
	d.ladder[0] = &call->detail->ladder;
	diagram_write(out, h, &d, "Message by message");
}

static void peer_write(FILE *out, const struct html_connection *c, unsigned int side)
{
	const struct decode_connection_facts *f = &c->facts;
	char a[DECODE_ADDRESS];

	fprintf(out, "<div><dt>%s</dt><dd>%s", side ? "Server" : "Client",
		decode_address(c->address[side], a));
	if (f->vendor[side][0] || f->host[side][0]) {
		fputs("<small>", out);
		html_text(out, "vendor \"%s\", host \"%s\", firmware %u", f->vendor[side],
			f->host[side], f->firmware[side]);
		fputs("</small>", out);
	}
	fputs("</dd></div>\n", out);
}

static void connection_facts(FILE *out, const struct html_connection *c)
{
	const struct decode_connection_facts *f = &c->facts;
	uint64_t all = f->last_time > f->first_time ? f->last_time - f->first_time : 0;
	char n[HTML_NUMBER], words[256];

	fputs("<dl class=\"facts\">\n", out);
	peer_write(out, c, 0);
	peer_write(out, c, 1);
	fprintf(out, "<div><dt>Control connection</dt><dd>%s<small>TCP port %u to 1723, calls: %u",
		html_duration(n, all), c->port, f->calls);
	if (f->echo.count)
		fprintf(out, ", %" PRIu64 " echoes in %s", f->echo.count,
			html_duration(n, f->echo.sum / f->echo.count));
	if (f->retransmitted[0] + f->retransmitted[1])
		fprintf(out, ", sent again: %s",
			html_bytes(n, f->retransmitted[0] + f->retransmitted[1]));
	fputs("</small></dd></div>\n<div><dt>Its end</dt><dd>", out);
	if (!f->accepted_time && f->syn_time && f->ending.how == DECODE_END_NONE)
		snprintf(words, sizeof(words), "It was never answered.");
	else
		html_ending_words(
			words, sizeof(words), &f->ending, f->ending.side ? "server" : "client");
	html_text(out, "%s", words);
	fputs("</dd></div>\n</dl>\n", out);
}

/* The only call of a connection, or NULL. */
static const struct html_call *only_call(const struct decode_html *h, unsigned int connection)
{
	const struct html_call *only = NULL;

	for (unsigned int i = 0; i < HTML_ROWS_MAX; i++) {
		if (!h->call[i] || h->call[i]->connection != connection)
			continue;
		if (only)
			return NULL;
		only = h->call[i];
	}
	return only && only->detail ? only : NULL;
}

static void connection_write(
	FILE *out, const struct decode_html *h, const struct html_connection *c)
{
	const struct html_call *only = only_call(h, c->number);
	char left[DECODE_ADDRESS], right[DECODE_ADDRESS];
	struct html_diagram d = { .count = 1, .start = c->facts.first_time, .frames = h->frames };

	d.left = decode_address(c->address[0], left);
	d.right = decode_address(c->address[1], right);
	fprintf(out,
		"<article class=\"card\" id=\"connection-%u\">\n<header><h3>%s \xe2\x86\x92 %s"
		"</h3><p>Control connection %u</p></header>\n",
		c->number, d.left, d.right, c->number);
	connection_facts(out, c);
	if (only)
		html_call_write(out, h, only);
	d.ladder[0] = c->ladder;
	if (only) {
		d.ladder[d.count] = &only->detail->ladder;
		d.flip[d.count++] = only->address[0] != c->address[0];
	}
	diagram_write(out, h, &d, "Message by message");
	for (unsigned int i = 0; !only && i < HTML_CALLS_MAX; i++) {
		if (h->call[i] && h->call[i]->connection == c->number)
			call_and_diagram(out, h, h->call[i], c->facts.first_time);
	}
	fputs("</article>\n", out);
}

/* A call whose control connection is not among those that are shown. */
static bool alone(const struct html_call *call)
{
	return !call->connection || call->connection > HTML_CONNECTIONS_MAX;
}

static void conversations_write(FILE *out, const struct decode_html *h)
{
	unsigned int shown = HTML_CONNECTIONS_MAX;

	if (!h->most_calls && !h->most_connections)
		return;
	fputs("<section id=\"conversations\"><h2>Conversations</h2>\n", out);
	for (unsigned int i = 0; i < HTML_CONNECTIONS_MAX; i++) {
		if (h->connection[i] && h->connection[i]->ladder)
			connection_write(out, h, h->connection[i]);
	}
	for (unsigned int i = 0; i < HTML_CALLS_MAX; i++) {
		if (!h->call[i] || !alone(h->call[i]))
			continue;
		fputs("<article class=\"card\">\n", out);
		call_and_diagram(out, h, h->call[i], h->call[i]->facts.first_time);
		fputs("</article>\n", out);
	}
	if (h->most_connections > shown)
		fprintf(out, "<p>%u control connections more are not shown here.</p>\n",
			h->most_connections - shown);
	if (h->most_calls > HTML_CALLS_MAX)
		fprintf(out, "<p>%u calls more are only in the table.</p>\n",
			h->most_calls - HTML_CALLS_MAX);
	fputs("</section>\n", out);
}

/* What findings name, as far as it is in a diagram. */
static void frames_find(const struct decode_html *h, struct html_frames *f)
{
	for (unsigned int i = 0; i < h->finding_count; i++)
		html_frames_name(f, h->finding[i].text);
	for (unsigned int i = 0; i < HTML_CONNECTIONS_MAX; i++) {
		if (h->connection[i] && h->connection[i]->ladder)
			html_steps_frames(h->connection[i]->ladder, f);
	}
	for (unsigned int i = 0; i < HTML_CALLS_MAX; i++) {
		if (h->call[i] && h->call[i]->detail)
			html_steps_frames(&h->call[i]->detail->ladder, f);
	}
}

int decode_html_write(struct decode_html *h, FILE *out)
{
	struct html_frames frames = { 0 };

	html_judge(h);
	frames_find(h, &frames);
	h->frames = &frames;
	head_write(out, h);
	tiles_write(out, h);
	fputs("<main>\n", out);
	html_findings_write(out, h);
	table_write(out, h);
	conversations_write(out, h);
	fputs("</main>\n<footer><p>Made by greyline " GREYLINE_VERSION
	      ". Times are of the capture, losses as they were seen where it was made. "
	      "Before each message of a diagram: seconds since the first packet of its connection, "
	      "and the number of its frame in the capture.</p></footer>\n"
	      "</body></html>\n",
		out);
	h->frames = NULL;
	if (fflush(out) != 0 || ferror(out))
		return -EIO;
	return 0;
}
