/* A call's section of the report: who, what was negotiated and what it is worth, how it went. */
#include "tools/decode/html_report.h"
#include "tools/decode/html_text.h"

#include <inttypes.h>
#include <string.h>

static void fact_begin(FILE *out, const char *what)
{
	fprintf(out, "<div><dt>%s</dt><dd>", what);
}

static void fact_end(FILE *out, const char *remark)
{
	if (remark) {
		fputs("<small>", out);
		html_text(out, "%s", remark);
		fputs("</small>", out);
	}
	fputs("</dd></div>\n", out);
}

static void fact(FILE *out, const char *what, const char *value, const char *remark)
{
	fact_begin(out, what);
	html_text(out, "%s", value);
	fact_end(out, remark);
}

/* --- what it is worth --- */

static const char *auth_worth(const char *method)
{
	static const struct {
		const char *method, *words;
	} worth[] = {
		{ "PAP", "The password itself crossed the network, readable for everybody." },
		{ "CHAP-MD5", "The password can be guessed from this capture, at billions a "
			      "second; it makes no keys for encryption." },
		{ "EAP-MD5", "The password can be guessed from this capture, at billions a "
			     "second; it makes no keys for encryption." },
		{ "MS-CHAP", "Broken: this handshake gives away the password's hash to a search "
			     "of one DES key, whatever the password is." },
		{ "MS-CHAPv2", "Broken: this handshake gives away the password's hash to a "
			       "search of one DES key, whatever the password is." },
		{ "EAP-MSCHAPv2", "Broken: this handshake gives away the password's hash to a "
				  "search of one DES key, whatever the password is." },
	};

	for (size_t i = 0; i < sizeof(worth) / sizeof(worth[0]); i++) {
		if (!strcmp(worth[i].method, method))
			return worth[i].words;
	}
	return NULL;
}

static const char *crypt_worth(const struct html_call *call, unsigned int bits)
{
	if (bits == 40)
		return "Weak: a key of 40 bits is found by trying all of them, in minutes to "
		       "hours.";
	if (bits == 56)
		return "Weak: a key of 56 bits is found by trying all of them, with rented "
		       "hardware in days.";
	if (!strncmp(call->method, "MS-CHAP", 7) || !strcmp(call->method, "EAP-MSCHAPv2"))
		return "Weaker than it sounds: who recorded the handshake gets the keys with the "
		       "password's hash. And it is RC4 without a check: changes go unnoticed.";
	return "RC4 without a check: who is on the way can change packets, unnoticed.";
}

static void auth_write(FILE *out, const struct html_call *call)
{
	if (!call->method[0] && !call->user[0]) {
		fact(out, "Authentication", "not seen", NULL);
		return;
	}
	fact_begin(out, "Authentication");
	html_text(out, "%s", call->method);
	if (call->proof)
		fprintf(out, ", password <span class=\"%s\">%s</span>",
			call->proof > 0 ? "strong" : "weak",
			call->proof > 0 ? "verified" : "does not fit");
	if (call->facts.auth_failed)
		fputs(", <span class=\"none\">refused</span>", out);
	fact_end(out, auth_worth(call->method));
}

static bool carried(const struct html_call *call)
{
	return call->facts.side[0].inner_packets || call->facts.side[1].inner_packets ||
	       call->side[0].encrypted || call->side[1].encrypted;
}

static void crypt_write(FILE *out, const struct html_call *call)
{
	const struct html_side *s = call->side;
	unsigned int bits =
		s[0].bits && (!s[1].bits || s[0].bits < s[1].bits) ? s[0].bits : s[1].bits;

	fact_begin(out, "Encryption");
	if (!bits && (s[0].encrypted || s[1].encrypted)) {
		fputs("of unknown strength", out);
		fact_end(out, "The capture begins after it was agreed on.");
	} else if (!bits && !call->facts.up_time && !carried(call)) {
		fputs("not agreed on", out);
		fact_end(out, "The call did not come that far.");
	} else if (!bits) {
		fputs("<span class=\"none\">none</span>", out);
		fact_end(out, "Whoever is on the way reads and changes everything.");
	} else {
		fprintf(out, "<span class=\"weak\">");
		html_text(out, "%s", s[0].bits ? s[0].encryption : s[1].encryption);
		fputs("</span>", out);
		if (!s[0].bits || !s[1].bits)
			html_text(
				out, ", only from the %s", html_side_name(call, s[0].bits ? 0 : 1));
		fact_end(out, crypt_worth(call, bits));
	}
}

static void ending_write(FILE *out, const struct html_call *call)
{
	const struct decode_call_facts *f = &call->facts;
	char words[256];

	html_ending_words(words, sizeof(words), &f->ending, html_side_name(call, f->ending.side));
	fact(out, "End", words, NULL);
}

/* Data, though nobody may have seen the negotiation. */
static void facts_write(FILE *out, const struct html_call *call)
{
	const struct decode_call_facts *f = &call->facts;
	uint64_t all = f->last_time > f->first_time ? f->last_time - f->first_time : 0;
	char n[HTML_NUMBER], text[128];

	fputs("<dl class=\"facts\">\n", out);
	fact(out, "User", call->user[0] ? call->user : "not seen", NULL);
	auth_write(out, call);
	crypt_write(out, call);
	if (f->up_time)
		snprintf(text, sizeof(text), "Up %s after its first packet.",
			html_duration(
				n, f->up_time > f->first_time ? f->up_time - f->first_time : 0));
	fact(out, "Duration", html_duration(n, all),
		f->up_time      ? text
		: carried(call) ? NULL
				: "Never up.");
	ending_write(out, call);
	fputs("</dl>\n", out);
}

/* --- both sides --- */

static void row_begin(FILE *out, const char *what)
{
	fprintf(out, "<tr><th scope=\"row\">%s</th>", what);
}

static void cell(FILE *out, const char *value, const char *remark)
{
	fputs("<td>", out);
	html_text(out, "%s", value && value[0] ? value : "\xe2\x80\x93");
	if (remark && remark[0]) {
		fputs(" <small>", out);
		html_text(out, "%s", remark);
		fputs("</small>", out);
	}
	fputs("</td>", out);
}

static void pair_write(FILE *out, const uint32_t address[2])
{
	char a[DECODE_ADDRESS], b[DECODE_ADDRESS];

	cell(out, address[0] ? decode_address(address[0], a) : "",
		address[1] ? decode_address(address[1], b) : "");
}

static void addresses_write(FILE *out, const struct html_call *call)
{
	const struct decode_side_facts *f = call->facts.side;
	char a[DECODE_ADDRESS], id[40];

	row_begin(out, "Address in the tunnel");
	for (int i = 0; i < 2; i++) {
		if (f[i].ipv6cp_open)
			decode_hex(id, sizeof(id), f[i].interface_id, 8);
		cell(out, f[i].address ? decode_address(f[i].address, a) : "",
			f[i].ipv6cp_open ? id : "");
	}
	fputs("</tr>\n", out);
	if (f[0].dns[0] || f[1].dns[0]) {
		row_begin(out, "Name servers it was given");
		pair_write(out, f[0].dns);
		pair_write(out, f[1].dns);
		fputs("</tr>\n", out);
	}
	if (f[0].nbns[0] || f[1].nbns[0]) {
		row_begin(out, "NetBIOS name servers");
		pair_write(out, f[0].nbns);
		pair_write(out, f[1].nbns);
		fputs("</tr>\n", out);
	}
}

static void link_write(FILE *out, const struct html_call *call)
{
	const struct decode_side_facts *f = call->facts.side;
	char value[32], remark[64];

	row_begin(out, "Receives up to (MRU)");
	for (int i = 0; i < 2; i++) {
		snprintf(value, sizeof(value), "%u", f[i].mru ? f[i].mru : 1500u);
		snprintf(remark, sizeof(remark), "%s%s%s", f[i].mru ? "" : "the default ",
			f[i].pfc ? "PFC " : "", f[i].acfc ? "ACFC" : "");
		cell(out, f[i].lcp_open ? value : "", f[i].lcp_open ? remark : "");
	}
	fputs("</tr>\n", out);
	if (call->side[0].compression[0] || call->side[1].compression[0]) {
		row_begin(out, "Compresses by");
		cell(out, call->side[0].compression, "");
		cell(out, call->side[1].compression, "");
		fputs("</tr>\n", out);
	}
}

static void traffic_write(FILE *out, const struct html_call *call)
{
	const struct decode_side_facts *f = call->facts.side;
	char n[HTML_NUMBER], bytes[HTML_NUMBER], remark[2 * HTML_NUMBER];

	row_begin(out, "Sent");
	for (int i = 0; i < 2; i++) {
		snprintf(remark, sizeof(remark), "%s frames", html_count(n, call->side[i].frames));
		cell(out, html_bytes(bytes, f[i].bytes), remark);
	}
	fputs("</tr>\n", out);
	row_begin(out, "Packets inside that could be read");
	for (int i = 0; i < 2; i++) {
		snprintf(remark, sizeof(remark), "%s packets", html_count(n, f[i].inner_packets));
		cell(out, f[i].inner_packets ? html_bytes(bytes, f[i].inner_bytes) : "",
			f[i].inner_packets ? remark : "");
	}
	fputs("</tr>\n", out);
	if (!call->side[0].encrypted && !call->side[1].encrypted)
		return;
	row_begin(out, "Encrypted frames");
	for (int i = 0; i < 2; i++) {
		snprintf(remark, sizeof(remark), "%s decrypted",
			call->side[i].decrypted == call->side[i].encrypted
				? "all"
				: html_count(n, call->side[i].decrypted));
		cell(out, html_count(bytes, call->side[i].encrypted), remark);
	}
	fputs("</tr>\n", out);
}

static void losses_write(FILE *out, const struct html_call *call)
{
	char n[HTML_NUMBER], remark[2 * HTML_NUMBER];

	row_begin(out, "Lost before it came here");
	for (int i = 0; i < 2; i++) {
		const struct html_side *s = &call->side[i];

		snprintf(remark, sizeof(remark), "%s frames", html_count(n, s->lost));
		cell(out, html_percent(n, s->lost, s->lost + s->frames), s->lost ? remark : "");
	}
	fputs("</tr>\n", out);
	row_begin(out, "Out of order or twice");
	for (int i = 0; i < 2; i++) {
		const struct html_side *s = &call->side[i];

		if (s->late || s->duplicates)
			snprintf(remark, sizeof(remark), "%" PRIu64 " late, %" PRIu64 " twice",
				s->late, s->duplicates);
		else
			snprintf(remark, sizeof(remark), "none");
		cell(out, remark, "");
	}
	fputs("</tr>\n", out);
}

static void rtt_cell(FILE *out, const struct decode_rtt *r)
{
	char n[HTML_NUMBER], low[HTML_NUMBER], high[HTML_NUMBER], remark[3 * HTML_NUMBER];

	if (!r->count) {
		cell(out, "", "");
		return;
	}
	if (r->count == 1)
		snprintf(remark, sizeof(remark), "once");
	else
		snprintf(remark, sizeof(remark), "%s to %s, %" PRIu64 " times",
			html_duration(low, r->smallest), html_duration(high, r->largest), r->count);
	cell(out, html_duration(n, r->sum / r->count), remark);
}

static void trips_write(FILE *out, const struct html_call *call)
{
	const struct decode_side_facts *f = call->facts.side;

	if (f[0].rtt.count || f[1].rtt.count) {
		row_begin(out, "Round trip, by GRE acknowledgments");
		rtt_cell(out, &f[0].rtt);
		rtt_cell(out, &f[1].rtt);
		fputs("</tr>\n", out);
	}
	if (f[0].echo.count || f[1].echo.count) {
		row_begin(out, "Round trip, by LCP Echo");
		rtt_cell(out, &f[0].echo);
		rtt_cell(out, &f[1].echo);
		fputs("</tr>\n", out);
	}
	if (call->tcp_rtt.count) {
		row_begin(out, "Round trip of TCP inside, both");
		rtt_cell(out, &call->tcp_rtt);
		fputs("<td></td></tr>\n", out);
	}
}

static void sides_write(FILE *out, const struct html_call *call)
{
	char a[DECODE_ADDRESS];

	fputs("<h4>Both sides</h4>\n<div class=\"scroll\"><table><thead><tr><th></th>", out);
	for (unsigned int i = 0; i < 2; i++) {
		fputs("<th scope=\"col\">", out);
		html_text(out, "%s %s, Call ID %u", html_side_name(call, i),
			decode_address(call->address[i], a), call->id[i]);
		fputs("</th>", out);
	}
	fputs("</tr></thead>\n<tbody>\n", out);
	addresses_write(out, call);
	link_write(out, call);
	traffic_write(out, call);
	losses_write(out, call);
	trips_write(out, call);
	fputs("</tbody></table></div>\n", out);
}

/* --- setting up --- */

#define PHASES 7
struct phase {
	const char *class, *words;
	uint64_t end;
};

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static unsigned int phases_find(struct phase phase[PHASES], uint64_t *start,
	const struct decode_html *h, const struct html_call *call)
{
	const struct decode_call_facts *f = &call->facts;
	const struct html_connection *c = NULL;
	unsigned int n = 0;

	if (call->connection && call->connection <= HTML_ROWS_MAX)
		c = h->connection[call->connection - 1];
	*start = f->request_time ? f->request_time : f->first_time;
	/* Only the first call had to wait for its connection. */
	if (c && c->facts.calls == 1 && c->facts.syn_time) {
		*start = c->facts.syn_time;
		phase[n++] = (struct phase){ "tcp", "TCP", c->facts.accepted_time };
		phase[n++] = (struct phase){ "ctl", "control connection", c->facts.started_time };
		phase[n++] = (struct phase){ "tcp", "until the call was placed", f->request_time };
	}
	phase[n++] = (struct phase){ "call", "call", f->connected_time };
	if (f->side[0].lcp_open && f->side[1].lcp_open)
		phase[n++] = (struct phase){ "lcp", "LCP",
			later(f->side[0].lcp_open, f->side[1].lcp_open) };
	phase[n++] = (struct phase){ "auth", "authentication", f->auth_time };
	phase[n++] = (struct phase){ "net", "encryption and addresses", f->up_time };
	return n;
}

static void phases_write(FILE *out, const struct decode_html *h, const struct html_call *call)
{
	struct phase phase[PHASES];
	uint64_t start, from, took[PHASES];
	unsigned int n = phases_find(phase, &start, h, call), some = 0;
	char d[HTML_NUMBER];

	from = start;
	for (unsigned int i = 0; i < n; i++) {
		took[i] = phase[i].end > from ? phase[i].end - from : 0;
		some += took[i] != 0;
		from = later(from, phase[i].end);
	}
	if (!some)
		return;
	fprintf(out, "<h4>Setting up: %s</h4>\n<div class=\"phases\">",
		html_duration(d, from - start));
	for (unsigned int i = 0; i < n; i++) {
		if (took[i])
			fprintf(out, "<i class=\"%s\" style=\"flex-grow:%.3f\"></i>",
				phase[i].class, (double)took[i] / 1000);
	}
	fputs("</div>\n<div class=\"keys\">", out);
	for (unsigned int i = 0; i < n; i++) {
		if (took[i])
			fprintf(out, "<span><i class=\"%s\"></i>%s %s</span> ", phase[i].class,
				phase[i].words, html_duration(d, took[i]));
	}
	fputs("</div>\n", out);
}

/* --- all of it --- */

static void state_write(FILE *out, const struct html_call *call)
{
	const struct decode_call_facts *f = &call->facts;

	if (f->up_time)
		fputs("<span class=\"state good\">was up</span>", out);
	else if (carried(call))
		fputs("<span class=\"state good\">carried data</span>", out);
	else if (f->auth_failed)
		fputs("<span class=\"state bad\">refused</span>", out);
	else if (f->side[0].lcp_request || f->side[1].lcp_request || f->connected_time)
		fputs("<span class=\"state bad\">never up</span>", out);
	else
		fputs("<span class=\"state note\">beginning not seen</span>", out);
}

void html_call_write(FILE *out, const struct decode_html *h, const struct html_call *call)
{
	char a[DECODE_ADDRESS], b[DECODE_ADDRESS];

	fprintf(out, "<section class=\"card call\" id=\"call-%u\">\n<header><h3>Call %u",
		call->number, call->number);
	if (call->user[0])
		html_text(out, ": %s", call->user);
	fputs("</h3>", out);
	state_write(out, call);
	fputs("<p>", out);
	html_text(out, "%s %s and %s %s", html_side_name(call, 0),
		decode_address(call->address[0], a), html_side_name(call, 1),
		decode_address(call->address[1], b));
	fputs("</p></header>\n", out);
	facts_write(out, call);
	phases_write(out, h, call);
	fputs("<h4>Over time</h4>\n", out);
	html_chart_write(out, call);
	sides_write(out, call);
	fputs("</section>\n", out);
}
