/*
 * Negotiations on a link: LCP, CCP, IPCP, IPV6CP (RFC 1661, 1962, 1332, 3078), who asked for what, who
 * refused, who is silent: see observe.h.
 */
#include "tools/doctor/observe.h"

#include "lib/ppp/ccp.h"
#include "lib/ppp/cp.h"
#include "lib/ppp/frame.h"
#include "lib/ppp/option.h"

#include <string.h>

#define OPTION_AUTH    3  /* LCP */
#define OPTION_MAGIC   5  /* LCP */
#define OPTION_MPPE    18 /* CCP */
#define OPTION_ADDRESS 3  /* IPCP */

/* The index of a protocol, or OBSERVE_PROTOCOLS. */
static unsigned int protocol_of(uint16_t protocol)
{
	switch (protocol) {
	case PPP_LCP:
		return OBSERVE_LCP;
	case PPP_CCP:
		return OBSERVE_CCP;
	case PPP_IPCP:
		return OBSERVE_IPCP;
	case PPP_IPV6CP:
		return OBSERVE_IPV6CP;
	default:
		return OBSERVE_PROTOCOLS;
	}
}

/* LCP begins anew: so does all above it. What was seen stays. */
static void link_restart(struct observe_call *call)
{
	for (unsigned int i = 0; i < 2; i++) {
		for (unsigned int p = 0; p < OBSERVE_PROTOCOLS; p++)
			call->side[i].protocol[p].open = false;
	}
}

static void lcp_request(struct observe_call *call, unsigned int side, const struct ppp_option *o,
	const struct decode_meta *meta)
{
	struct observe_side *s = &call->side[side];
	struct wire_reader r = wire_reader(o->data, o->len);

	if (o->type == OPTION_AUTH && o->len >= 2) {
		s->auth_asked = wire_u16(&r);
		s->auth_algorithm = o->len > 2 ? wire_u8(&r) : 0;
		/* Who asks is the server, where nobody knows who dialled. */
		if (!call->connection)
			call->client = 1 - side;
	} else if (o->type == OPTION_MAGIC && o->len == 4) {
		s->magic = ppp_option_u32(o);
		if (s->magic && s->magic == call->side[1 - side].magic)
			observe_hit(&call->loopback, meta);
	}
}

static void mppe_named(struct observe_side *s, uint32_t bits)
{
	s->mppe_seen |= bits;
	if (bits & OBSERVE_STRENGTHS) {
		s->mppe_stateless |= (bits & CCP_STATELESS) != 0;
		s->mppe_stateful |= (bits & CCP_STATELESS) == 0;
	}
}

static void request_options(struct observe_call *call, unsigned int side, unsigned int protocol,
	struct wire_reader list, const struct decode_meta *meta)
{
	struct observe_side *s = &call->side[side];
	struct ppp_option o;

	if (protocol == OBSERVE_LCP)
		s->auth_asked = 0;
	if (protocol == OBSERVE_CCP)
		s->mppe_bits = 0;
	while (ppp_option_next(&list, &o)) {
		if (protocol == OBSERVE_LCP) {
			lcp_request(call, side, &o, meta);
		} else if (protocol == OBSERVE_CCP && o.type == OPTION_MPPE && o.len == 4) {
			s->mppe_asked = true;
			s->mppe_bits = ppp_option_u32(&o);
			mppe_named(s, s->mppe_bits);
		} else if (protocol == OBSERVE_IPCP && o.type == OPTION_ADDRESS && o.len == 4) {
			s->address_asked = true;
			s->address_value = ppp_option_u32(&o);
		}
	}
}

/* `side` names what it wants instead, or refuses. */
static void refusal_options(struct observe_call *call, unsigned int side, unsigned int protocol,
	bool reject, struct wire_reader list, const struct decode_meta *meta)
{
	struct observe_side *s = &call->side[side], *peer = &call->side[1 - side];
	struct observe_negotiation *n = &peer->protocol[protocol];
	struct ppp_option o;
	bool first = true;

	while (ppp_option_next(&list, &o)) {
		if (first)
			n->refused_option = o.type;
		first = false;
		if (protocol == OBSERVE_LCP && o.type == OPTION_AUTH) {
			struct wire_reader r = wire_reader(o.data, o.len);

			observe_hit(&peer->auth_refused, meta);
			s->auth_wanted = reject ? 0 : wire_u16(&r);
			s->auth_wanted_algorithm = !reject && o.len > 2 ? wire_u8(&r) : 0;
		} else if (protocol == OBSERVE_CCP && o.type == OPTION_MPPE) {
			if (reject) {
				observe_hit(&s->mppe_refused, meta);
			} else if (o.len == 4) {
				s->mppe_named = true;
				s->mppe_nak_bits = ppp_option_u32(&o);
				mppe_named(s, s->mppe_nak_bits);
			}
		} else if (protocol == OBSERVE_IPCP && o.type == OPTION_ADDRESS) {
			if (reject || (o.len == 4 && ppp_option_u32(&o) == 0))
				observe_hit(&s->address_refused, meta);
		}
	}
}

static bool is_open(const struct observe_call *call, unsigned int protocol)
{
	return call->side[0].protocol[protocol].open && call->side[1].protocol[protocol].open;
}

static void layer_up(struct observe_call *call, unsigned int protocol, uint64_t now)
{
	if (protocol == OBSERVE_LCP) {
		call->lcp_up = true;
	} else if (protocol == OBSERVE_CCP) {
		call->mppe_agreed[0] = call->side[0].mppe_bits;
		call->mppe_agreed[1] = call->side[1].mppe_bits;
		call->mppe_up |= (call->mppe_agreed[0] & OBSERVE_STRENGTHS) &&
				 (call->mppe_agreed[1] & OBSERVE_STRENGTHS);
	} else {
		if (!call->up)
			call->up_time = now;
		call->up = true;
	}
}

/* Configure-Ack, -Nak, -Reject of `side`: what the other end's request comes to. */
static void answer_run(struct observe_call *call, unsigned int side, unsigned int protocol,
	const struct decode_event *e)
{
	struct observe_side *s = &call->side[side], *peer = &call->side[1 - side];
	struct observe_negotiation *n = &peer->protocol[protocol];

	observe_hit(&s->hears, &e->meta);
	n->unanswered = 0;
	n->answered = true;
	n->answered_id = e->ppp->id;
	if (e->ppp->code != CP_CONFIGURE_ACK) {
		n->refused++;
		refusal_options(call, side, protocol, e->ppp->code == CP_CONFIGURE_REJECT,
			e->ppp->body, &e->meta);
		return;
	}
	n->refused = 0;
	n->open = e->ppp->id == n->request_id;
	if (protocol == OBSERVE_IPCP && peer->address_asked && peer->address_value == 0)
		observe_hit(&s->address_refused, &e->meta); /* 0.0.0.0 is acknowledged */
	if (is_open(call, protocol))
		layer_up(call, protocol, e->meta.time);
}

static void configure_run(struct observe_call *call, unsigned int side, unsigned int protocol,
	const struct decode_event *e)
{
	struct observe_negotiation *n = &call->side[side].protocol[protocol];

	switch (e->ppp->code) {
	case CP_CONFIGURE_REQUEST:
		observe_hit(&n->request, &e->meta);
		if (protocol == OBSERVE_LCP && is_open(call, OBSERVE_LCP))
			link_restart(call);
		if (protocol == OBSERVE_CCP) /* the counts begin anew */
			call->side[0].has_count = call->side[1].has_count = false;
		n->request_id = e->ppp->id;
		n->open = false;
		n->unanswered++;
		request_options(call, side, protocol, e->ppp->body, &e->meta);
		break;
	case CP_CONFIGURE_ACK:
		observe_hit(&n->ack, &e->meta);
		answer_run(call, side, protocol, e);
		break;
	case CP_CONFIGURE_NAK:
		observe_hit(&n->nak, &e->meta);
		answer_run(call, side, protocol, e);
		break;
	case CP_CONFIGURE_REJECT:
		observe_hit(&n->reject, &e->meta);
		answer_run(call, side, protocol, e);
		break;
	case CP_TERMINATE_REQUEST:
		observe_hit(&n->terminate, &e->meta);
		if (!n->words[0])
			decode_escape(n->words, sizeof(n->words), e->ppp->body.pos,
				wire_left(&e->ppp->body));
		if (protocol == OBSERVE_LCP)
			observe_end(call, OBSERVE_END_TERMINATE, side, &e->meta, n->words);
		break;
	case CP_TERMINATE_ACK:
		observe_hit(&call->side[side].hears, &e->meta);
		break;
	default:
		break;
	}
}

/* A protocol number that a damaged or wrongly decrypted frame shows, and nobody speaks. */
static bool is_garbage(uint16_t protocol)
{
	char buf[24];

	return protocol == PPP_COMP ||
	       (protocol_of(protocol) == OBSERVE_PROTOCOLS &&
		       strncmp(ppp_protocol_name(protocol, buf, sizeof(buf)), "protocol", 8) == 0);
}

static void protocol_reject(
	struct observe_call *call, unsigned int side, const struct decode_event *e)
{
	struct observe_side *s = &call->side[side], *peer = &call->side[1 - side];
	struct wire_reader r = e->ppp->body;
	uint16_t protocol = wire_u16(&r);
	unsigned int p = protocol_of(protocol);

	observe_hit(&s->hears, &e->meta);
	if (r.failed)
		return;
	if (p < OBSERVE_PROTOCOLS) {
		observe_hit(&s->protocol[p].protocol_reject, &e->meta);
		peer->protocol[p].unanswered = 0;
		peer->protocol[p].answered = true;
		if (p == OBSERVE_CCP && peer->mppe_asked)
			observe_hit(&s->mppe_refused, &e->meta);
	} else if (peer->encrypted.count && is_garbage(protocol)) {
		observe_hit(&s->garbage, &e->meta);
	}
}

static void lcp_run(struct observe_call *call, unsigned int side, const struct decode_event *e)
{
	struct observe_side *s = &call->side[side], *peer = &call->side[1 - side];

	switch (e->ppp->code) {
	case CP_PROTOCOL_REJECT:
		protocol_reject(call, side, e);
		break;
	case CP_ECHO_REQUEST:
		observe_hit(&s->echo_request, &e->meta);
		if (!s->echo_unanswered++) {
			s->echo_first = e->meta.frame;
			s->echo_time = e->meta.time;
		}
		break;
	case CP_ECHO_REPLY:
		observe_hit(&s->hears, &e->meta);
		peer->echo_unanswered = 0;
		peer->echo_answered++;
		break;
	default:
		break;
	}
}

void observe_ppp(struct observe_call *call, const struct decode_event *e)
{
	unsigned int side = e->side & 1, protocol = protocol_of(e->ppp->protocol);
	struct observe_side *s = &call->side[side];

	if (protocol == OBSERVE_PROTOCOLS)
		return;
	configure_run(call, side, protocol, e);
	if (protocol == OBSERVE_LCP)
		lcp_run(call, side, e);
	if (protocol != OBSERVE_CCP)
		return;
	if (e->ppp->code == CP_RESET_REQUEST)
		observe_hit(&s->reset_request, &e->meta);
	else if (e->ppp->code == CP_RESET_ACK)
		observe_hit(&s->reset_ack, &e->meta);
}
