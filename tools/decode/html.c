/* Events of a capture, kept for its report: see html.h and html_report.h. */
#include "tools/decode/html_report.h"

#include "lib/ppp/ccp_codec.h"
#include "lib/ppp/frame.h"

#include <stdlib.h>
#include <string.h>

struct decode_html *decode_html_new(const char *title)
{
	struct decode_html *h = calloc(1, sizeof(*h));

	if (h)
		snprintf(h->title, sizeof(h->title), "%s", title);
	return h;
}

static void call_free(struct html_call *call)
{
	if (call && call->detail)
		html_ladder_done(&call->detail->ladder);
	if (call)
		free(call->detail);
	free(call);
}

void decode_html_free(struct decode_html *h)
{
	if (!h)
		return;
	for (unsigned int i = 0; i < HTML_ROWS_MAX; i++) {
		struct html_connection *c = h->connection[i];

		call_free(h->call[i]);
		if (c && c->ladder)
			html_ladder_done(c->ladder);
		if (c)
			free(c->ladder);
		free(c);
	}
	html_findings_done(h);
	free(h);
}

static struct html_call *call_get(struct decode_html *h, const struct decode_call *call)
{
	struct html_call *c;

	if (call->place > h->most_calls)
		h->most_calls = call->place;
	if (!call->place || call->place > HTML_ROWS_MAX)
		return NULL;
	c = h->call[call->place - 1];
	if (c)
		return c;
	c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	c->number = call->number;
	if (call->place <= HTML_CALLS_MAX)
		c->detail = calloc(1, sizeof(*c->detail));
	h->call[call->place - 1] = c;
	return c;
}

static struct html_connection *connection_get(
	struct decode_html *h, const struct decode_connection *connection)
{
	struct html_connection *c;
	unsigned int number = connection->number;

	if (number > h->most_connections)
		h->most_connections = number;
	if (!number || number > HTML_ROWS_MAX)
		return NULL;
	c = h->connection[number - 1];
	if (c)
		return c;
	c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	c->number = number;
	if (number <= HTML_CONNECTIONS_MAX)
		c->ladder = calloc(1, sizeof(*c->ladder));
	h->connection[number - 1] = c;
	return c;
}

static void mppe_words(struct html_side *to, const struct decode_crypt *crypt)
{
	to->bits = crypt->params.bits;
	snprintf(to->encryption, sizeof(to->encryption), "MPPE, %u bits, %s", to->bits,
		crypt->params.stateless ? "stateless" : "stateful");
}

static void side_take(struct html_side *to, const struct decode_side *from)
{
	const struct decode_crypt *crypt = &from->crypt;

	to->frames = from->frames;
	to->encrypted = from->encrypted;
	to->decrypted = from->decrypted;
	to->lost = from->order.lost;
	to->late = from->order.late;
	to->duplicates = from->order.duplicates;
	if (crypt->algorithm == DECODE_MPPE && crypt->has_params)
		mppe_words(to, crypt);
	/* LCP that begins anew forgets: what was agreed on last is kept. */
	if (crypt->codec || from->vj)
		to->compression[0] = '\0';
	if (crypt->codec)
		snprintf(to->compression, sizeof(to->compression), "%s",
			codec_name(codec_kind(crypt->codec)));
	else if (crypt->algorithm == DECODE_OTHER)
		snprintf(to->compression, sizeof(to->compression), "of an unknown kind");
	if (from->vj)
		snprintf(to->compression + strlen(to->compression),
			sizeof(to->compression) - strlen(to->compression), "%sTCP/IP headers (VJ)",
			to->compression[0] ? ", " : "");
}

static void auth_take(struct html_call *to, const struct decode_call *from)
{
	for (unsigned int i = 0; i < 2; i++) {
		const struct decode_auth *a = &from->side[i].auth;

		if (a->method == DECODE_METHOD_NONE)
			continue;
		snprintf(to->method, sizeof(to->method), "%s", decode_auth_name(a));
		decode_escape(to->user, sizeof(to->user), a->name, a->name_len);
		to->proof = a->verdict == DECODE_FITS ? 1 : a->verdict == DECODE_WRONG ? -1 : 0;
	}
}

/* What is known now; LCP that begins anew forgets methods and strengths, not so the report. */
static void call_take(struct html_call *to, const struct decode_call *from)
{
	to->connection = from->connection;
	to->from_control = from->from_control;
	to->foreign = from->has_foreign[0] || from->has_foreign[1];
	to->facts = from->facts;
	for (int i = 0; i < 2; i++) {
		to->address[i] = from->address[i];
		to->id[i] = from->id[i];
		side_take(&to->side[i], &from->side[i]);
	}
	auth_take(to, from);
}

/* "LCP Configure-Request id 1: ..." of "GRE call ID 0 seq 1  LCP Configure-Request id 1: ...". */
static const char *label_of(const struct decode_event *e)
{
	const char *p = strstr(e->text, "  ");

	return p ? p + strspn(p, " ") : e->text;
}

static bool is_alive(const struct decode_event *e)
{
	if (e->message)
		return e->message->type == CONTROL_ECHO_REQUEST ||
		       e->message->type == CONTROL_ECHO_REPLY;
	if (!e->ppp)
		return false;
	return e->ppp->protocol == PPP_LQR ||
	       (e->ppp->protocol == PPP_LCP && e->ppp->code >= 9 && e->ppp->code <= 11);
}

static enum html_topic topic_of(const struct decode_event *e)
{
	if (e->kind == DECODE_KIND_TCP)
		return HTML_TOPIC_TCP;
	if (e->kind == DECODE_KIND_CONTROL)
		return HTML_TOPIC_CONTROL;
	if (e->kind != DECODE_KIND_PPP || !e->ppp)
		return HTML_TOPIC_FAULT;
	switch (e->ppp->protocol) {
	case PPP_LCP:
	case PPP_LQR:
		return HTML_TOPIC_LCP;
	case PPP_CCP:
		return HTML_TOPIC_CCP;
	default:
		if (e->ppp->protocol >= 0xc000)
			return HTML_TOPIC_AUTH;
		return e->ppp->protocol >= 0x8000 ? HTML_TOPIC_NETWORK : HTML_TOPIC_DATA;
	}
}

static void step(
	struct html_ladder *l, const struct decode_event *e, unsigned int side, const char *label)
{
	const struct html_message m = { .time = e->meta.time,
		.frame = e->meta.frame,
		.side = side & 1,
		.topic = topic_of(e),
		.malformed = e->malformed,
		.alive = is_alive(e),
		.label = label };

	if (l)
		(void)html_ladder_add(l, &m);
}

static void ppp_step(struct html_detail *d, const struct decode_event *e)
{
	char label[HTML_LABEL_MAX + 1];

	if (topic_of(e) != HTML_TOPIC_DATA) {
		step(&d->ladder, e, e->side, label_of(e));
		return;
	}
	/* Data is what the chart is for. */
	if (d->data_seen[e->side & 1])
		return;
	d->data_seen[e->side & 1] = true;
	snprintf(label, sizeof(label), "First data: %.*s", HTML_LABEL_MAX - 12, label_of(e));
	step(&d->ladder, e, e->side, label);
}

/* A round trip more, measured by the decoder: the mean of those since the last look. */
static void rtt_take(struct html_detail *d, uint64_t now, enum html_rtt kind,
	struct decode_rtt *seen, const struct decode_rtt *rtt)
{
	if (rtt->count > seen->count && rtt->sum >= seen->sum)
		html_series_rtt(
			&d->series, now, kind, (rtt->sum - seen->sum) / (rtt->count - seen->count));
	*seen = *rtt;
}

static void tcp_take(struct html_call *call, const struct decode_event *e)
{
	uint64_t us;

	if (e->ppp->inner != PPP_IP ||
		!html_tcp_packet(&call->detail->tcp, e->ppp->packet, e->meta.time, &us))
		return;
	html_series_rtt(&call->detail->series, e->meta.time, HTML_RTT_TCP, us);
	decode_rtt_add(&call->tcp_rtt, us);
}

static void gre_take(struct html_call *call, const struct decode_event *e)
{
	struct html_detail *d = call->detail;
	unsigned int side = e->side & 1;
	struct html_bucket *b;

	if (!d || !e->gre)
		return;
	b = html_series_at(&d->series, e->meta.time);
	b->bytes[side] += e->gre->payload;
	b->packets[side] += e->kind == DECODE_KIND_PPP;
	b->lost[side] += e->gre->lost;
	b->duplicates[side] += e->gre->duplicate;
	if (e->gre->late)
		html_series_late(&d->series, e->meta.time, side);
	for (unsigned int i = 0; i < 2; i++) {
		rtt_take(d, e->meta.time, HTML_RTT_ACK, &d->rtt_seen[i][0],
			&e->call->facts.side[i].rtt);
		rtt_take(d, e->meta.time, HTML_RTT_ECHO, &d->rtt_seen[i][1],
			&e->call->facts.side[i].echo);
	}
	if (e->kind == DECODE_KIND_PPP && e->ppp) {
		tcp_take(call, e);
		ppp_step(d, e);
	}
}

static void connection_take(struct html_connection *to, const struct decode_connection *from)
{
	to->facts = from->facts;
	to->port = from->port;
	to->address[0] = from->address[0];
	to->address[1] = from->address[1];
}

static void conversation(struct decode_html *h, const struct decode_event *e)
{
	struct html_connection *c = e->connection ? connection_get(h, e->connection) : NULL;
	struct html_call *call = e->call ? call_get(h, e->call) : NULL;

	if (c) {
		connection_take(c, e->connection);
		if (e->has_meta)
			step(c->ladder, e, e->side, label_of(e));
	}
	if (call)
		call_take(call, e->call);
	if (call && !c && e->kind == DECODE_KIND_CONTROL && call->detail)
		step(&call->detail->ladder, e, e->side, label_of(e));
}

/* Which of two addresses sent the packet that an error is about; false: this is about others. */
static bool is_about(const struct decode_icmp *m, const uint32_t address[2], unsigned int *side)
{
	*side = m->src == address[1];
	return m->src == address[*side] && m->dst == address[1 - *side];
}

/* An error belongs to the last conversation of its addresses; it comes back to who sent the packet. */
static void error_take(struct decode_html *h, const struct decode_event *e)
{
	bool gre = e->icmp && e->icmp->protocol == DECODE_IP_GRE;
	unsigned int side;

	for (unsigned int i = HTML_CALLS_MAX; e->icmp && gre && i-- > 0;) {
		struct html_call *call = h->call[i];

		if (!call || !call->detail || !is_about(e->icmp, call->address, &side))
			continue;
		step(&call->detail->ladder, e, 1 - side, label_of(e));
		return;
	}
	for (unsigned int i = HTML_CONNECTIONS_MAX; e->icmp && i-- > 0;) {
		struct html_connection *c = h->connection[i];

		if (!c || !c->ladder || !is_about(e->icmp, c->address, &side))
			continue;
		step(c->ladder, e, 1 - side, label_of(e));
		return;
	}
}

static void over(struct decode_html *h, const struct decode_event *e)
{
	struct html_connection *c = e->connection ? connection_get(h, e->connection) : NULL;
	struct html_call *call = e->call ? call_get(h, e->call) : NULL;

	if (e->kind == DECODE_KIND_CONNECTION && c)
		connection_take(c, e->connection);
	else if (e->kind == DECODE_KIND_CALL && call)
		call_take(call, e->call);
}

static void place(struct decode_html *h, const struct decode_meta *meta)
{
	if (!h->started || meta->time < h->first_time)
		h->first_time = meta->time;
	if (!h->started || meta->time > h->last_time)
		h->last_time = meta->time;
	h->started = true;
}

static void html_event(struct decode_sink *self, const struct decode_event *e)
{
	struct decode_html *h = (struct decode_html *)self;
	struct html_call *call;

	if (e->call && e->call->link) /* the page is about PPTP's calls, between addresses */
		return;
	if (e->has_meta)
		place(h, &e->meta);
	h->malformed += e->malformed;
	switch (e->kind) {
	case DECODE_KIND_CONTROL:
	case DECODE_KIND_TCP:
		conversation(h, e);
		break;
	case DECODE_KIND_ICMP:
		error_take(h, e);
		break;
	case DECODE_KIND_PPP:
	case DECODE_KIND_ACK:
		call = e->call ? call_get(h, e->call) : NULL;
		/* Only control protocols change what is agreed on. */
		if (call && e->ppp && e->ppp->protocol >= 0x8000)
			call_take(call, e->call);
		if (call)
			gre_take(call, e);
		break;
	case DECODE_KIND_CONNECTION:
	case DECODE_KIND_CALL:
		over(h, e);
		break;
	case DECODE_KIND_SUMMARY:
		h->has_stats = e->stats != NULL;
		if (e->stats)
			h->stats = *e->stats;
		break;
	case DECODE_KIND_GRE:
	case DECODE_KINDS:
		break;
	}
}

struct decode_sink *decode_html_sink(struct decode_html *h)
{
	h->sink.event = html_event;
	h->sink.no_fields = DECODE_ALL_KINDS;
	h->sink.headers_only = true;
	return &h->sink;
}
