/*
 * Findings that follow from what each call was: whether a tunnel was up, and what it was worth. Why
 * one was not, and what went wrong in it, is doctor's business.
 */
#include "tools/decode/html_report.h"

#include <string.h>

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

static void proof_judge(struct decode_html *h, const struct html_call *call)
{
	const struct decode_finding wrong = { .weight = HTML_NOTE,
		.call = call->number,
		.title = "The password given for this report does not fit" };

	if (call->proof < 0)
		html_find(h, &wrong, "It is not the one that \"%s\" used in call %u.", call->user,
			call->number);
}

static void privacy_judge(struct decode_html *h, const struct html_call *call)
{
	const struct decode_finding clear = { .weight = HTML_MAJOR,
		.call = call->number,
		.title = "Nothing was encrypted",
		.meaning = "whoever is on the way reads and changes everything",
		.remedy = "require encryption at either end, or use another kind of VPN" };
	const struct decode_finding half = { .weight = HTML_MAJOR,
		.call = call->number,
		.title = "Only one direction was encrypted",
		.meaning = "whoever is on the way reads and changes the other one",
		.remedy = "require encryption at both ends" };
	const struct decode_finding pap = { .weight = HTML_MAJOR,
		.call = call->number,
		.title = "The password went in clear",
		.meaning = "PAP sends it as it is: anybody who has this capture knows it",
		.remedy = "change it, and use MS-CHAPv2 or EAP-TLS" };
	const struct decode_call_facts *f = &call->facts;
	bool data = f->side[0].inner_packets || f->side[1].inner_packets;
	bool sealed[2] = { call->side[0].encrypted != 0, call->side[1].encrypted != 0 };
	unsigned int open = sealed[0] ? 1 : 0;

	if (data && !sealed[0] && !sealed[1])
		html_find(h, &clear, "The traffic of call %u went in clear.", call->number);
	else if (sealed[0] != sealed[1] && f->side[open].inner_packets)
		html_find(h, &half, "What the %s sent in call %u went in clear.",
			html_side_name(call, open), call->number);
	if (!strcmp(call->method, "PAP"))
		html_find(h, &pap, "That of \"%s\", in call %u.", call->user, call->number);
}

static const char *progress(const struct html_call *call)
{
	const struct decode_call_facts *f = &call->facts;

	if (f->auth_time)
		return "got as far as authentication, not to addresses";
	if (f->side[0].lcp_open && f->side[1].lcp_open)
		return f->auth_failed ? "ended with authentication"
				      : "got as far as LCP, not to addresses";
	if (!call->side[0].frames || !call->side[1].frames)
		return "was connected, without GRE from both ends";
	return "did not get through LCP";
}

static void outcome_judge(struct decode_html *h, const struct html_call *call)
{
	const struct decode_call_facts *f = &call->facts;
	const char *who = html_side_name(call, f->ending.side);
	uint64_t lived = f->last_time > f->up_time ? f->last_time - f->up_time : 0;
	struct decode_finding outcome = { .weight = HTML_NOTE, .call = call->number };
	char words[256];

	html_ending_words(words, sizeof(words), &f->ending, who);
	if (f->up_time) {
		outcome.weight = HTML_GOOD;
		outcome.title = "The tunnel was up";
		html_find(h, &outcome, "Call %u, for %.1f s. %s", call->number, (double)lived / 1e6,
			words);
	} else if (call->from_control || f->side[0].lcp_request || f->side[1].lcp_request) {
		outcome.title = "The tunnel never came up";
		html_find(h, &outcome, "Call %u %s. %s", call->number, progress(call), words);
	} else {
		outcome.title = "The beginning of a call is not in the capture";
		html_find(h, &outcome, "What call %u agreed on is not known. %s", call->number,
			words);
	}
}

void html_judge(struct decode_html *h)
{
	static const struct decode_finding malformed = { .weight = HTML_MINOR,
		.title = "Malformed messages",
		.meaning = "they break a rule of their format",
		.remedy = "see what is red in the diagrams" };

	for (unsigned int i = 0; i < HTML_ROWS_MAX; i++) {
		if (!h->call[i])
			continue;
		proof_judge(h, h->call[i]);
		privacy_judge(h, h->call[i]);
		outcome_judge(h, h->call[i]);
	}
	if (h->malformed)
		html_find(h, &malformed, "%llu of them.", (unsigned long long)h->malformed);
}
