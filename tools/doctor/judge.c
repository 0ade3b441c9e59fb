/* Connections and the capture as a whole; which parts judge a call: see judge.h. */
#include "tools/doctor/judge.h"
#include "tools/doctor/gre.h"

#include "lib/control/message.h"
#include "lib/ppp/frame.h"

#include <inttypes.h>
#include <string.h>

#define ICMP_UNREACHABLE   3
#define ICMP_PORT          3        /* code */
#define ICMP_FRAGMENTATION 4        /* code */
#define ECHO_TIME          30000000 /* us in which a Control-Echo-Request should have its reply */

const char *judge_name(const struct observe_call *call, unsigned int side, char buf[JUDGE_NAME])
{
	char address[DECODE_ADDRESS];

	snprintf(buf, JUDGE_NAME, "the %s %s", side == call->client ? "client" : "server",
		decode_address(call->side[side].address, address));
	return buf;
}

const char *judge_frames(const struct observe_mark *mark, char buf[JUDGE_FRAMES])
{
	if (mark->count <= 1)
		snprintf(buf, JUDGE_FRAMES, "frame %" PRIu64, mark->first_frame);
	else
		snprintf(buf, JUDGE_FRAMES, "frames %" PRIu64 " to %" PRIu64 ", %u times",
			mark->first_frame, mark->last_frame, mark->count);
	return buf;
}

bool judge_is_question(const struct observe_call *call)
{
	const struct observe_side *client = &call->side[call->client],
				  *server = &call->side[1 - call->client];

	return call->by_doctor && !call->lcp_up && !call->up && !client->response.count &&
	       server->auth_refused.count;
}

uint64_t judge_waited(const struct observe *o, const struct observe_call *call, uint64_t since)
{
	uint64_t until = call->end_mark.count ? call->end_mark.first_time : o->last_time;

	return until > since ? until - since : 0;
}

/* An ICMP error that says why nothing of `protocol` arrives between these two, or NULL. */
static const struct observe_icmp *icmp_find(
	const struct observe *o, uint8_t protocol, uint32_t a, uint32_t b)
{
	for (unsigned int i = 0; i < o->icmp_count; i++) {
		const struct observe_icmp *at = &o->icmp[i];

		if (at->type == ICMP_UNREACHABLE && at->code != ICMP_FRAGMENTATION &&
			at->protocol == protocol &&
			((at->src == a && at->dst == b) || (at->src == b && at->dst == a)))
			return at;
	}
	return NULL;
}

static void icmp_say(struct judge *j, enum finding_id id, const struct observe_icmp *icmp)
{
	char from[DECODE_ADDRESS], dst[DECODE_ADDRESS], frames[JUDGE_FRAMES];

	findings_add(&j->findings, id, "%s says \"%s\" (ICMP type 3 code %u) of packets to %s (%s)",
		decode_address(icmp->from, from), gre_icmp_text(3, icmp->code), icmp->code,
		decode_address(icmp->dst, dst), judge_frames(&icmp->mark, frames));
}

/* The TCP connection did not come about. */
static void unopened(struct judge *j, const struct observe *o, const struct observe_connection *c)
{
	const struct observe_icmp *icmp = icmp_find(o, 6, c->address[0], c->address[1]);
	char server[DECODE_ADDRESS], frames[JUDGE_FRAMES];
	uint64_t waited = o->last_time - c->syn.first_time;

	decode_address(c->address[1], server);
	judge_frames(&c->syn, frames);
	if (icmp)
		icmp_say(j, icmp->code == ICMP_PORT ? FINDING_TCP_REFUSED : FINDING_UNREACHABLE,
			icmp);
	else if (c->rst[1].count)
		findings_add(&j->findings, FINDING_TCP_REFUSED,
			"%s answers SYN (%s) with RST (frame %" PRIu64 ")", server, frames,
			c->rst[1].first_frame);
	else if (c->start_request.count)
		findings_add(&j->findings, FINDING_CAPTURE,
			"control connection %u: only what the client sends is in it", c->number);
	else if (c->syn.count > 1 || waited >= JUDGE_WAIT)
		findings_add(&j->findings, FINDING_TCP_FILTERED, "%s does not answer SYN (%s)",
			server, frames);
}

/* The server closed it, unasked; the frame, or 0. */
static uint64_t server_closed(const struct observe_connection *c)
{
	const struct observe_mark *end = c->rst[1].count ? &c->rst[1] : &c->fin[1];

	if (!end->count || (c->fin[0].count && c->fin[0].first_frame < end->first_frame) ||
		(c->rst[0].count && c->rst[0].first_frame < end->first_frame) || c->stop[0].count)
		return 0;
	return end->first_frame;
}

/* How long an answer had time to come: until the client left, or the capture ended. */
static uint64_t waited_for(
	const struct observe *o, const struct observe_connection *c, uint64_t since)
{
	uint64_t until = o->last_time;

	if (c->fin[0].count && c->fin[0].first_time < until)
		until = c->fin[0].first_time;
	if (c->rst[0].count && c->rst[0].first_time < until)
		until = c->rst[0].first_time;
	if (c->stop[0].count && c->stop[0].first_time < until)
		until = c->stop[0].first_time;
	return until > since ? until - since : 0;
}

/* Open, but no control connection. true: so it was. */
static bool unstarted(struct judge *j, const struct observe *o, const struct observe_connection *c)
{
	uint64_t waited = waited_for(o, c, c->start_request.first_time);
	char server[DECODE_ADDRESS], frames[JUDGE_FRAMES];
	uint64_t closed = server_closed(c);

	decode_address(c->address[1], server);
	if (c->start_reply.count && c->start_result != CONTROL_START_OK) {
		findings_add(&j->findings,
			c->start_result == CONTROL_START_BAD_VERSION ? FINDING_CONTROL_VERSION
								     : FINDING_CONTROL_REFUSED,
			"%s replies: %s (result %u), %s (error %u; frame %" PRIu64 ")", server,
			control_result_text(CONTROL_START_REPLY, c->start_result), c->start_result,
			control_error_text(c->start_error), c->start_error,
			c->start_reply.first_frame);
		return true;
	}
	if (c->start_reply.count || c->call_request.count || c->missing)
		return false;
	if (c->malformed.count) {
		findings_add(&j->findings, FINDING_NOT_PPTP, "%s (%s)", c->malformed_words,
			judge_frames(&c->malformed, frames));
		return true;
	}
	if (!c->start_request.count && !(c->accepted.count && closed))
		return false;
	if (closed)
		findings_add(&j->findings, FINDING_CONTROL_LOST,
			"%s closes the connection (frame %" PRIu64
			") without a Start-Control-Connection-Reply",
			server, closed);
	else if (waited >= JUDGE_WAIT)
		findings_add(&j->findings, FINDING_CONTROL_SILENT,
			"%s never answers Start-Control-Connection-Request (%s)", server,
			judge_frames(&c->start_request, frames));
	return true;
}

/* Its calls' requests and replies. */
static void requests(struct judge *j, const struct observe *o, const struct observe_connection *c)
{
	bool line = c->refused_result == CONTROL_OUTGOING_NO_CARRIER ||
		    c->refused_result == CONTROL_OUTGOING_NO_DIAL_TONE ||
		    c->refused_result == CONTROL_OUTGOING_TIME_OUT;
	bool busy = c->refused_result == CONTROL_OUTGOING_BUSY;
	char server[DECODE_ADDRESS], frames[JUDGE_FRAMES];
	uint64_t waited = waited_for(o, c, c->call_request.last_time);
	uint64_t closed = server_closed(c);

	decode_address(c->address[1], server);
	if (c->call_refused.count)
		findings_add(&j->findings,
			c->refused_incoming ? FINDING_CALL_REFUSED
			: busy              ? FINDING_CALL_BUSY
			: line              ? FINDING_CALL_LINE
					    : FINDING_CALL_REFUSED,
			"the %s-Call-Reply says: %s (%s)",
			c->refused_incoming ? "Incoming" : "Outgoing", c->refused_words,
			judge_frames(&c->call_refused, frames));
	if (c->call_request.count <= c->call_reply.count || c->missing)
		return;
	if (closed && !c->stop[1].count)
		findings_add(&j->findings, FINDING_CONTROL_LOST,
			"%s closes the connection (frame %" PRIu64
			") instead of a reply to the call's request",
			server, closed);
	else if (c->stop[1].count || waited >= JUDGE_WAIT)
		findings_add(&j->findings, FINDING_CALL_SILENT,
			"%u of %u requests for a call are not answered (%s)",
			c->call_request.count - c->call_reply.count, c->call_request.count,
			judge_frames(&c->call_request, frames));
}

static void echoes(struct judge *j, const struct observe *o, const struct observe_connection *c)
{
	char name[DECODE_ADDRESS], other[DECODE_ADDRESS], frames[JUDGE_FRAMES];

	for (unsigned int i = 0; i < 2; i++) {
		unsigned int n = c->echo_unanswered[i];

		if (c->missing || !n || !c->sent[1 - i].count ||
			(n == 1 && waited_for(o, c, c->echo[i].last_time) < ECHO_TIME))
			continue;
		findings_add(&j->findings, FINDING_ECHO,
			"%s does not answer the last %u Echo-Requests of %s in the control "
			"connection (%s)",
			decode_address(c->address[1 - i], other), n,
			decode_address(c->address[i], name), judge_frames(&c->echo[i], frames));
	}
}

static void connection(void *user, const struct observe *o, const struct observe_connection *c)
{
	struct judge *j = user;
	char frames[JUDGE_FRAMES];

	j->connections++;
	if (c->missing)
		findings_add(&j->findings, FINDING_CAPTURE,
			"control connection %u: %" PRIu64 " bytes of it are missing (%s)",
			c->number, c->missing, judge_frames(&c->missing_mark, frames));
	if (c->syn.count && !c->accepted.count) {
		unopened(j, o, c);
		return;
	}
	if (unstarted(j, o, c))
		return;
	if (c->malformed.count)
		findings_add(&j->findings, FINDING_NOT_PPTP, "%s (%s)", c->malformed_words,
			judge_frames(&c->malformed, frames));
	requests(j, o, c);
	echoes(j, o, c);
	if (c->stop_reason == CONTROL_STOP_PROTOCOL ||
		(c->stop[1].count && !c->call_request.count && c->start_request.count))
		findings_add(&j->findings, FINDING_CONTROL_STOPPED,
			"%s stops the control connection: %s (%s)",
			c->stop[1].count ? "the server" : "the client", c->stop_words,
			judge_frames(&c->stop[c->stop[1].count ? 1 : 0], frames));
	else if (c->stop_refused.count)
		findings_add(&j->findings, FINDING_CONTROL_STOPPED,
			"the Stop-Control-Connection-Reply says: %s (%s)", c->stop_words,
			judge_frames(&c->stop_refused, frames));
}

static enum ppp_auth_method method_of(const struct observe_call *call)
{
	for (unsigned int i = 0; i < 2; i++) {
		const struct observe_side *s = &call->side[i];

		if (!s->success.count)
			continue;
		switch (s->auth_asked) {
		case PPP_PAP:
			return PPP_AUTH_PAP;
		case PPP_CHAP:
			return s->auth_algorithm == 0x81   ? PPP_AUTH_MSCHAP2
			       : s->auth_algorithm == 0x80 ? PPP_AUTH_MSCHAP
							   : PPP_AUTH_MD5;
		case PPP_EAP:
			return s->eap_type == 13   ? PPP_AUTH_EAP_TLS
			       : s->eap_type == 25 ? PPP_AUTH_PEAP
			       : s->eap_type == 26 ? PPP_AUTH_EAP_MSCHAP2
						   : PPP_AUTH_EAP_MD5;
		default:
			break;
		}
	}
	return PPP_AUTH_NONE;
}

/* What the link was protected by; the weakest of all calls is what is told. */
static void security(struct judge *j, const struct observe_call *call)
{
	uint32_t bits = call->mppe_agreed[0] & call->mppe_agreed[1];
	struct security_facts facts = { .negotiated = true,
		.auth = method_of(call),
		.stateless = bits & 0x01000000,
		.mppe_bits = !call->mppe_up ? 0
			     : bits & 0x40  ? 128
			     : bits & 0x80  ? 56
					    : 40 };

	if (j->has_security && (facts.mppe_bits > j->security.mppe_bits ||
				       (facts.mppe_bits == j->security.mppe_bits &&
					       facts.auth >= j->security.auth)))
		return;
	j->security = facts;
	j->has_security = true;
}

static void call_say(struct judge *j, const struct observe_call *call, bool well)
{
	char client[DECODE_ADDRESS], server[DECODE_ADDRESS], text[200];
	const struct observe_mark *from = call->connected.count ? &call->connected : &call->any;
	uint64_t until = call->end_mark.count ? call->end_mark.first_time : call->any.last_time;
	/* Captures of several interfaces may go back in time. */
	uint64_t since = from->first_time < call->up_time ? from->first_time : call->up_time;

	if (!j->say)
		return;
	decode_address(call->side[call->client].address, client);
	decode_address(call->side[1 - call->client].address, server);
	if (call->up)
		snprintf(text, sizeof(text),
			"call %u, %s to %s: up %.1f s after the call's connection, used for %.1f s "
			"(frames %" PRIu64 " to %" PRIu64 ")",
			call->number, client, server, (double)(call->up_time - since) / 1e6,
			until > call->up_time ? (double)(until - call->up_time) / 1e6 : 0.0,
			call->any.first_frame, call->any.last_frame);
	else
		snprintf(text, sizeof(text),
			"call %u, %s to %s: %s (frames %" PRIu64 " to %" PRIu64 ")", call->number,
			client, server,
			!call->from_control ? "its beginning is not in the capture"
			: judge_is_question(call)
				? "greyline doctor's, to ask what authentication there is"
				: "never up",
			call->any.first_frame, call->any.last_frame);
	j->say(j->user, well, text);
}

static bool call_failed(struct judge *j, const struct observe *o, const struct observe_call *call)
{
	const struct observe_side *a = &call->side[0], *b = &call->side[1];
	const struct observe_icmp *icmp = icmp_find(o, 47, a->address, b->address);

	if (!call->up && icmp && (!a->hears.count || !b->hears.count)) {
		icmp_say(j, FINDING_GRE_UNREACHABLE, icmp);
		return true;
	}
	return judge_gre(j, o, call) || judge_lcp(j, o, call) || judge_auth(j, o, call) ||
	       judge_encryption(j, o, call) || judge_network(j, o, call) || judge_data(j, o, call);
}

static void call(void *user, const struct observe *o, const struct observe_call *c,
	const struct observe_connection *of)
{
	struct judge *j = user;
	unsigned int before = j->findings.count;
	bool failed;

	(void)of;
	j->calls++;
	j->up += c->up;
	if (c->up || c->mppe_up)
		security(j, c);
	failed = call_failed(j, o, c);
	if (!failed && !judge_is_question(c))
		judge_end(j, c);
	call_say(j, c, !failed && j->findings.count == before);
}

static void capture(void *user, const struct observe *o)
{
	struct judge *j = user;
	char from[DECODE_ADDRESS], dst[DECODE_ADDRESS], frames[JUDGE_FRAMES];

	for (unsigned int i = 0; i < o->icmp_count; i++) {
		const struct observe_icmp *at = &o->icmp[i];

		if (at->type == ICMP_UNREACHABLE && at->code == ICMP_FRAGMENTATION)
			findings_add(&j->findings, FINDING_PATH_MTU,
				"%s lets no more than %u octets pass to %s (%s)",
				decode_address(at->from, from), at->mtu,
				decode_address(at->dst, dst), judge_frames(&at->mark, frames));
	}
	if (o->fragments_lost.count >= JUDGE_TRIES)
		findings_add(&j->findings, FINDING_FRAGMENTS,
			"%" PRIu64 " GRE packets came in fragments that are not all in the capture "
			"(frames %" PRIu64 " to %" PRIu64 ")",
			o->fragments_lost.count, o->fragments_lost.first_frame,
			o->fragments_lost.last_frame);
	if (o->unseen)
		findings_add(&j->findings, FINDING_CAPTURE,
			"there are more connections or calls at once than can be judged: %" PRIu64
			" messages were left out",
			o->unseen);
	if (!j->connections && !j->calls)
		findings_add(&j->findings, FINDING_CAPTURE, "there is no PPTP in it");
	findings_sort(&j->findings);
}

void judge_init(struct judge *j, struct observe_judge *hooks)
{
	memset(j, 0, sizeof(*j));
	*hooks = (struct observe_judge){
		.user = j, .call = call, .connection = connection, .capture = capture
	};
}
