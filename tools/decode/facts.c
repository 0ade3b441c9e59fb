/* What calls and connections were: see facts.h. */
#include "tools/decode/facts.h"

#include "lib/ppp/ccp.h"
#include "lib/ppp/cp.h"
#include "lib/ppp/frame.h"
#include "lib/ppp/ipcp.h"
#include "lib/ppp/lcp.h"
#include "lib/ppp/mschap.h"
#include "tools/decode/call.h"
#include "tools/decode/event.h"

#define PROBE_MAX 60000000 /* us: an answer after that is not one */

#define LCP_SHORT_NUMBERS 18 /* RFC 1990 5.1.2 */

#define ECHO_REQUEST 9
#define ECHO_REPLY   10

const char *decode_end_name(enum decode_end how)
{
	switch (how) {
	case DECODE_END_NONE:
		break;
	case DECODE_END_LCP:
		return "LCP Terminate-Request";
	case DECODE_END_CLEAR:
		return "Call-Clear-Request";
	case DECODE_END_DISCONNECT:
		return "Call-Disconnect-Notify";
	case DECODE_END_STOP:
		return "Stop-Control-Connection-Request";
	case DECODE_END_FIN:
		return "TCP FIN";
	case DECODE_END_RST:
		return "TCP RST";
	}
	return NULL;
}

void decode_rtt_add(struct decode_rtt *r, uint64_t us)
{
	if (!r->count || us < r->smallest)
		r->smallest = us;
	if (us > r->largest)
		r->largest = us;
	r->count++;
	r->sum += us;
}

void decode_probe_start(struct decode_probe *p, uint32_t number, uint64_t now)
{
	if (p->waits && now >= p->time && now - p->time < PROBE_MAX)
		return;
	*p = (struct decode_probe){ .waits = true, .number = number, .time = now };
}

void decode_probe_stop(struct decode_probe *p, struct decode_rtt *r, uint64_t now)
{
	uint64_t us = now - p->time;

	p->waits = false;
	if (now < p->time || us > PROBE_MAX)
		return;
	decode_rtt_add(r, us);
}

static void seen(struct decode_call_facts *f, const struct decode_meta *meta)
{
	if (!f->first_frame) {
		f->first_frame = meta->frame;
		f->first_time = meta->time;
	}
	f->last_frame = meta->frame;
	f->last_time = meta->time;
}

static void ending_set(struct decode_ending *e, enum decode_end how, unsigned int side,
	const struct decode_meta *meta)
{
	if (e->how != DECODE_END_NONE)
		return;
	e->how = how;
	e->side = side;
	e->time = meta->time;
	e->frame = meta->frame;
}

void decode_facts_gre(struct decode_call *call, unsigned int side, const struct decode_meta *meta,
	const struct decode_gre *gre)
{
	struct decode_side *other = &call->side[1 - side];
	struct decode_side_facts *f = &call->facts.side[side];

	seen(&call->facts, meta);
	if (gre->has_seq) {
		f->bytes += gre->payload;
		if (!gre->duplicate && !gre->late)
			decode_probe_start(&call->side[side].probe, gre->seq, meta->time);
	}
	if (gre->has_ack && other->probe.waits && (int32_t)(gre->ack - other->probe.number) >= 0)
		decode_probe_stop(&other->probe, &call->facts.side[1 - side].rtt, meta->time);
}

void decode_facts_inner(struct decode_call *call, unsigned int side, size_t len)
{
	call->facts.side[side].inner_packets++;
	call->facts.side[side].inner_bytes += len;
}

/* What this side may do, or wants of the other one: it asked for it and got an Ack. */
static void lcp_options(struct decode_side_facts *f, struct wire_reader r)
{
	struct ppp_option o;

	f->mru = 0;
	f->has_accm = f->pfc = f->acfc = f->short_numbers = false;
	f->auth_protocol = 0;
	while (ppp_option_next(&r, &o)) {
		switch (o.type) {
		case LCP_MRU:
			f->mru = ppp_option_u16(&o);
			break;
		case LCP_ACCM:
			f->has_accm = true;
			f->accm = ppp_option_u32(&o);
			break;
		case LCP_AUTH:
			if (o.len >= 2)
				f->auth_protocol = (uint16_t)(o.data[0] << 8 | o.data[1]);
			f->auth_algorithm = o.len > 2 ? o.data[2] : 0;
			break;
		case LCP_PFC:
			f->pfc = true;
			break;
		case LCP_ACFC:
			f->acfc = true;
			break;
		case LCP_SHORT_NUMBERS:
			f->short_numbers = true;
			break;
		default:
			break;
		}
	}
}

static void ipcp_options(struct decode_side_facts *f, struct wire_reader r)
{
	struct ppp_option o;

	while (ppp_option_next(&r, &o)) {
		switch (o.type) {
		case IPCP_ADDRESS:
			f->address = ppp_option_u32(&o);
			break;
		case IPCP_DNS1:
			f->dns[0] = ppp_option_u32(&o);
			break;
		case IPCP_DNS2:
			f->dns[1] = ppp_option_u32(&o);
			break;
		case IPCP_NBNS1:
			f->nbns[0] = ppp_option_u32(&o);
			break;
		case IPCP_NBNS2:
			f->nbns[1] = ppp_option_u32(&o);
			break;
		default:
			break;
		}
	}
}

static void ipv6cp_options(struct decode_side_facts *f, struct wire_reader r)
{
	struct ppp_option o;

	while (ppp_option_next(&r, &o)) {
		if (o.type == 1 && o.len == sizeof(f->interface_id))
			memcpy(f->interface_id, o.data, o.len);
	}
}

static void acknowledged(
	struct decode_call_facts *f, unsigned int side, uint64_t now, const struct decode_ppp *ppp)
{
	struct decode_side_facts *s = &f->side[1 - side];

	switch (ppp->protocol) {
	case PPP_LCP:
		s->lcp_open = now;
		lcp_options(s, ppp->body);
		break;
	case PPP_IPCP:
		s->ipcp_open = now;
		ipcp_options(s, ppp->body);
		break;
	case PPP_IPV6CP:
		s->ipv6cp_open = now;
		ipv6cp_options(s, ppp->body);
		break;
	case PPP_CCP:
		s->ccp_open = now;
		break;
	default:
		break;
	}
	if (!f->up_time && ((f->side[0].ipcp_open && f->side[1].ipcp_open) ||
				   (f->side[0].ipv6cp_open && f->side[1].ipv6cp_open)))
		f->up_time = now;
}

static void echo(
	struct decode_call *call, unsigned int side, uint64_t now, const struct decode_ppp *ppp)
{
	struct decode_probe *p = &call->side[1 - side].echo;

	if (ppp->code == ECHO_REQUEST)
		decode_probe_start(&call->side[side].echo, ppp->id, now);
	else if (p->waits && p->number == ppp->id)
		decode_probe_stop(p, &call->facts.side[1 - side].echo, now);
}

static void lcp(struct decode_call *call, unsigned int side, const struct decode_meta *meta,
	const struct decode_ppp *ppp)
{
	struct decode_ending *e = &call->facts.ending;
	uint64_t *request = &call->facts.side[side].lcp_request;

	if (ppp->code == CP_CONFIGURE_REQUEST) {
		if (!*request)
			*request = meta->time;
		if (e->how == DECODE_END_LCP) /* it was negotiated anew instead */
			memset(e, 0, sizeof(*e));
	} else if (ppp->code == CP_TERMINATE_REQUEST && e->how == DECODE_END_NONE) {
		ending_set(e, DECODE_END_LCP, side, meta);
		decode_escape(e->words, sizeof(e->words), ppp->body.pos, wire_left(&ppp->body));
	} else if (ppp->code == ECHO_REQUEST || ppp->code == ECHO_REPLY) {
		echo(call, side, meta->time, ppp);
	}
}

/* Success and failure of PAP (2, 3), CHAP and EAP (3, 4). */
static void auth(struct decode_call_facts *f, uint64_t now, const struct decode_ppp *ppp)
{
	uint8_t success = ppp->protocol == PPP_PAP ? 2 : 3;
	struct mschap_failure failure = { 0 };

	if (ppp->code == success) {
		f->auth_failed = false;
		f->auth_time = now;
	} else if (ppp->code == success + 1) {
		f->auth_failed = true;
		f->auth_error = 0;
		if (ppp->protocol == PPP_CHAP &&
			mschap_failure_parse(&failure, ppp->body.pos, wire_left(&ppp->body)) == 0)
			f->auth_error = failure.error;
	}
}

void decode_facts_ppp(struct decode_call *call, unsigned int side, const struct decode_meta *meta,
	const struct decode_ppp *ppp)
{
	if (ppp->code == CP_CONFIGURE_ACK && ppp->protocol != PPP_PAP &&
		ppp->protocol != PPP_CHAP && ppp->protocol != PPP_EAP)
		acknowledged(&call->facts, side, meta->time, ppp);
	if (ppp->protocol == PPP_LCP)
		lcp(call, side, meta, ppp);
	else if (ppp->protocol == PPP_PAP || ppp->protocol == PPP_CHAP || ppp->protocol == PPP_EAP)
		auth(&call->facts, meta->time, ppp);
}

/* Text fields are padded with NULs. */
static void name_set(char *out, size_t size, const char *text)
{
	decode_escape(out, size, text, strlen(text));
}

static void connection_control(struct decode_connection *c, unsigned int side,
	const struct decode_meta *meta, const struct control_message *m)
{
	struct decode_connection_facts *f = &c->facts;
	struct decode_probe *p = &c->flow[1 - side].echo;

	switch (m->type) {
	case CONTROL_START_REPLY:
		f->started_time = meta->time;
		f->start_result = m->start.result;
		/* fall through */
	case CONTROL_START_REQUEST:
		name_set(f->vendor[side], sizeof(f->vendor[side]), m->start.vendor);
		name_set(f->host[side], sizeof(f->host[side]), m->start.host_name);
		f->firmware[side] = m->start.firmware;
		break;
	case CONTROL_STOP_REQUEST:
		ending_set(&f->ending, DECODE_END_STOP, side, meta);
		if (f->ending.how == DECODE_END_STOP)
			f->ending.result = m->stop_request.reason;
		break;
	case CONTROL_ECHO_REQUEST:
		decode_probe_start(&c->flow[side].echo, m->echo_request.identifier, meta->time);
		break;
	case CONTROL_ECHO_REPLY:
		if (p->waits && p->number == m->echo_reply.identifier)
			decode_probe_stop(p, &f->echo, meta->time);
		break;
	case CONTROL_OUTGOING_CALL_REQUEST:
	case CONTROL_INCOMING_CALL_REQUEST:
		f->calls++;
		c->request_time = meta->time;
		c->request_id = m->type == CONTROL_OUTGOING_CALL_REQUEST
					? m->outgoing_request.call_id
					: m->incoming_request.call_id;
		break;
	default:
		break;
	}
}

static void call_control(const struct decode_connection *c, struct decode_call *call,
	const struct decode_meta *meta, const struct control_message *m)
{
	struct decode_call_facts *f = &call->facts;
	unsigned int pac = 1;

	seen(f, meta);
	switch (m->type) {
	case CONTROL_OUTGOING_CALL_REPLY:
	case CONTROL_INCOMING_CALL_REPLY:
		f->connected_time = meta->time;
		if (c->request_time &&
			(c->request_id == call->id[0] || c->request_id == call->id[1]))
			f->request_time = c->request_time;
		break;
	case CONTROL_CALL_CLEAR_REQUEST:
		ending_set(&f->ending, DECODE_END_CLEAR, 1 - pac, meta);
		break;
	case CONTROL_CALL_DISCONNECT_NOTIFY:
		ending_set(&f->ending, DECODE_END_DISCONNECT, pac, meta);
		f->has_disconnect = true;
		f->disconnect_result = m->disconnect.result;
		f->disconnect_error = m->disconnect.error;
		f->disconnect_cause = m->disconnect.cause;
		break;
	default:
		break;
	}
}

void decode_facts_control(struct decode_connection *c, struct decode_call *call, unsigned int side,
	const struct decode_meta *meta, const struct control_message *m)
{
	connection_control(c, side, meta, m);
	if (!call)
		return;
	call->connection = c->number;
	call_control(c, call, meta, m);
}

void decode_facts_tcp(struct decode_connection *c, unsigned int side,
	const struct decode_meta *meta, const struct decode_tcp *tcp)
{
	struct decode_connection_facts *f = &c->facts;
	bool syn = tcp->flags & 0x02, ack = tcp->flags & 0x10;

	if (!f->first_frame) {
		f->first_frame = meta->frame;
		f->first_time = meta->time;
	}
	f->last_frame = meta->frame;
	f->last_time = meta->time;
	f->retransmitted[side] += tcp->retransmitted;
	f->missing[side] += tcp->missing;
	if (syn && !ack) {
		f->syns++;
		if (!f->syn_time)
			f->syn_time = meta->time;
	} else if (syn && !f->accepted_time) {
		f->accepted_time = meta->time;
	}
	if (tcp->flags & 0x04)
		ending_set(&f->ending, DECODE_END_RST, side, meta);
	else if (tcp->flags & 0x01)
		ending_set(&f->ending, DECODE_END_FIN, side, meta);
}

void decode_facts_orphan(
	struct decode_call *call, const struct decode_connection *c, unsigned int side)
{
	struct decode_ending *e = &call->facts.ending;

	if (e->how != DECODE_END_NONE)
		return;
	*e = c->facts.ending;
	e->side = side;
}
