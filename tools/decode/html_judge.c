/*
 * Findings that follow from what each connection and call was: how it ended, what was lost, what was
 * refused. Causes are doctor's business.
 */
#include "tools/decode/html_report.h"

#include "lib/control/message.h"

#include <string.h>

/* Parts of what was sent, in a thousand, that are worth a word, and that hurt. */
#define LOSS_WORD  2
#define LOSS_HURT  20
#define ORDER_HURT 20

const char *html_side_name(const struct html_call *call, unsigned int side)
{
	if (!call->from_control)
		return side ? "second side" : "first side";
	return side ? "PAC" : "PNS";
}

void html_ending_words(char *buf, size_t size, const struct decode_ending *e, const char *who)
{
	const char *how = decode_end_name(e->how);

	if (!how)
		snprintf(buf, size, "It was still there when the capture ended.");
	else if (e->words[0])
		snprintf(buf, size, "The %s ended it with %s \"%s\" (frame %llu).", who, how,
			e->words, (unsigned long long)e->frame);
	else
		snprintf(buf, size, "The %s ended it with %s (frame %llu).", who, how,
			(unsigned long long)e->frame);
}

static void connection_judge(struct decode_html *h, const struct html_connection *c)
{
	const struct decode_connection_facts *f = &c->facts;
	char client[DECODE_ADDRESS], server[DECODE_ADDRESS];

	decode_address(c->address[0], client);
	decode_address(c->address[1], server);
	if (f->syn_time && !f->accepted_time && f->ending.how == DECODE_END_RST) {
		html_find(h, HTML_BAD, 0, "TCP port 1723 was refused",
			"No PPTP server listens there, or a firewall says so in its place.",
			"%s answered %s with a reset.", server, client);
	} else if (f->syn_time && !f->accepted_time) {
		html_find(h, HTML_BAD, 0, "TCP port 1723 did not answer",
			"A firewall drops it, or nobody has that address.",
			"%s sent %u SYN%s to %s, without an answer.", client, f->syns,
			f->syns == 1 ? "" : "s", server);
	} else if (f->accepted_time && !f->started_time) {
		html_find(h, HTML_BAD, 0, "The control connection never started",
			"What listens on port 1723 of the server is perhaps not PPTP.",
			"%s and %s opened TCP, but there is no Start-Control-Connection-Reply.",
			client, server);
	} else if (f->started_time && !f->calls) {
		html_find(h, HTML_NOTE, 0, "A control connection without a call", NULL,
			"%s and %s started control connection %u, and nobody placed a call in it.",
			client, server, c->number);
	}
	if (f->missing[0] || f->missing[1])
		html_find(h, HTML_NOTE, 0, "Parts of a control connection are not in the capture",
			NULL, "%llu bytes are missing of control connection %u.",
			(unsigned long long)f->missing[0] + f->missing[1], c->number);
}

static void silence_judge(struct decode_html *h, const struct html_call *call)
{
	static const char *const remedy =
		"GRE is IP protocol 47, not a port: each firewall and NAT on the way has to let it "
		"through both ways.";
	const struct html_side *s = call->side;
	unsigned int silent = s[0].frames ? 1 : 0;

	if (!s[0].frames && !s[1].frames)
		html_find(h, HTML_BAD, call->number, "No GRE at all", remedy,
			"Call %u was connected, but neither side's GRE packets are in the capture.",
			call->number);
	else
		html_find(h, HTML_BAD, call->number, "GRE goes one way only", remedy,
			"The %s sent %llu frames, the %s none that came here.",
			html_side_name(call, 1 - silent), (unsigned long long)s[1 - silent].frames,
			html_side_name(call, silent));
}

static void auth_judge(struct decode_html *h, const struct html_call *call)
{
	const struct decode_call_facts *f = &call->facts;

	if (call->proof < 0)
		html_find(h, HTML_NOTE, call->number,
			"The password given for this report does not fit", NULL,
			"It is not the one that \"%s\" used in call %u.", call->user, call->number);
	if (!f->auth_failed)
		return;
	if (f->auth_error)
		html_find(h, HTML_BAD, call->number, "Authentication failed", NULL,
			"\"%s\" was refused by %s with error %u.", call->user, call->method,
			f->auth_error);
	else
		html_find(h, HTML_BAD, call->number, "Authentication failed", NULL,
			"\"%s\" was refused by %s.", call->user, call->method);
}

static void loss_judge(struct decode_html *h, const struct html_call *call, unsigned int side)
{
	const struct html_side *s = &call->side[side];
	uint64_t all = s->frames + s->lost;

	if (s->lost && s->lost * 1000 >= all * LOSS_WORD)
		html_find(h, s->lost * 1000 >= all * LOSS_HURT ? HTML_WARNING : HTML_NOTE,
			call->number, "Packets were lost", NULL,
			"%llu of the %llu that the %s sent in call %u (%.1f %%) never came here.",
			(unsigned long long)s->lost, (unsigned long long)all,
			html_side_name(call, side), call->number,
			100.0 * (double)s->lost / (double)all);
	if (s->late && s->late * 1000 >= all * ORDER_HURT)
		html_find(h, HTML_WARNING, call->number, "Packets came out of order",
			"PPTP drops what comes late, unless the receiver waits for it.",
			"%llu of the %llu that the %s sent in call %u.",
			(unsigned long long)s->late, (unsigned long long)all,
			html_side_name(call, side), call->number);
}

static void privacy_judge(struct decode_html *h, const struct html_call *call)
{
	const struct decode_call_facts *f = &call->facts;
	bool data = f->side[0].inner_packets || f->side[1].inner_packets;
	bool sealed[2] = { call->side[0].encrypted != 0, call->side[1].encrypted != 0 };
	unsigned int clear = sealed[0] ? 1 : 0;

	if (data && !sealed[0] && !sealed[1])
		html_find(h, HTML_WARNING, call->number, "Nothing was encrypted",
			"Whoever is on the way reads and changes everything. Require encryption at "
			"either end, or use another kind of VPN.",
			"The traffic of call %u went in clear.", call->number);
	else if (sealed[0] != sealed[1] && f->side[clear].inner_packets)
		html_find(h, HTML_WARNING, call->number, "Only one direction was encrypted",
			"Require encryption at both ends.",
			"What the %s sent in call %u went in clear.", html_side_name(call, clear),
			call->number);
	if (!strcmp(call->method, "PAP"))
		html_find(h, HTML_WARNING, call->number, "The password went in clear",
			"PAP sends it as it is. Change it, and use MS-CHAPv2 or EAP-TLS.",
			"Anybody who has this capture knows the password of \"%s\".", call->user);
}

static const char *progress(const struct decode_call_facts *f)
{
	if (f->auth_time)
		return "got as far as authentication, not to addresses";
	if (f->side[0].lcp_open && f->side[1].lcp_open)
		return f->auth_failed ? "ended with authentication"
				      : "got as far as LCP, not to addresses";
	return "did not get through LCP";
}

static void outcome_judge(struct decode_html *h, const struct html_call *call)
{
	const struct decode_call_facts *f = &call->facts;
	const char *who = html_side_name(call, f->ending.side);
	uint64_t lived = f->last_time > f->up_time ? f->last_time - f->up_time : 0;
	char words[256];

	html_ending_words(words, sizeof(words), &f->ending, who);
	if (f->up_time)
		html_find(h, HTML_GOOD, call->number, "The tunnel was up", NULL,
			"Call %u, for %.1f s. %s", call->number, (double)lived / 1e6, words);
	else if (f->side[0].lcp_request || f->side[1].lcp_request)
		html_find(h, HTML_BAD, call->number, "The tunnel never came up", NULL,
			"Call %u %s. %s", call->number, progress(f), words);
	else
		html_find(h, HTML_NOTE, call->number,
			"The beginning of a call is not in the capture", NULL,
			"What call %u agreed on is not known. %s", call->number, words);
}

static void call_judge(struct decode_html *h, const struct html_call *call)
{
	if (!call->side[0].frames || !call->side[1].frames) {
		silence_judge(h, call);
		return;
	}
	auth_judge(h, call);
	if (call->foreign)
		html_find(h, HTML_WARNING, call->number,
			"GRE has other Call IDs than were agreed on",
			"A NAT rewrote one of the two. Its PPTP helper is missing, or broken.",
			"The packets of call %u do not go to the Call ID of the control "
			"connection.",
			call->number);
	for (unsigned int side = 0; side < 2; side++)
		loss_judge(h, call, side);
	privacy_judge(h, call);
	outcome_judge(h, call);
}

void html_judge(struct decode_html *h)
{
	if (!h->most_calls && !h->most_connections)
		html_find(h, HTML_NOTE, 0, "No PPTP in this capture",
			"PPTP is TCP port 1723 and IP protocol 47 (GRE): was the capture filtered?",
			"None of its %llu packets belongs to PPTP.",
			(unsigned long long)h->stats.packets);
	for (unsigned int i = 0; i < HTML_ROWS_MAX; i++) {
		if (h->connection[i])
			connection_judge(h, h->connection[i]);
	}
	for (unsigned int i = 0; i < HTML_ROWS_MAX; i++) {
		if (h->call[i])
			call_judge(h, h->call[i]);
	}
	if (h->malformed)
		html_find(h, HTML_WARNING, 0, "Malformed messages", NULL,
			"%llu messages break a rule of their format; they are red in the diagrams.",
			(unsigned long long)h->malformed);
	if (h->icmp)
		html_find(h, HTML_WARNING, 0, "Routers reported errors", NULL,
			"%llu ICMP errors are about packets of PPTP.", (unsigned long long)h->icmp);
}
