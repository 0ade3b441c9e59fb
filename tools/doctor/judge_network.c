/* Encryption, IP, and who ended the call: see judge.h. */
#include "tools/doctor/judge.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

static const char *const protocols[OBSERVE_PROTOCOLS] = { "LCP", "CCP", "IPCP", "IPV6CP" };

static void strengths(uint32_t bits, char out[40])
{
	snprintf(out, 40, "%s%s%s%s", bits & 0x40 ? " 128" : "", bits & 0x80 ? " 56" : "",
		bits & 0x20 ? " 40" : "", bits & OBSERVE_STRENGTHS ? " bits" : " nothing");
}

/* Both named strengths of MPPE, and have none, or no mode, in common. */
static bool mismatch(struct judge *j, const struct observe_call *call)
{
	const struct observe_side *a = &call->side[call->client],
				  *b = &call->side[1 - call->client];
	const struct observe_mark *mark = &call->side[call->client].protocol[OBSERVE_CCP].request;
	char client[40], server[40], frames[JUDGE_FRAMES];

	if (!(a->mppe_seen & OBSERVE_STRENGTHS) || !(b->mppe_seen & OBSERVE_STRENGTHS))
		return false;
	judge_frames(mark->count ? mark : &b->protocol[OBSERVE_CCP].request, frames);
	strengths(a->mppe_seen, client);
	strengths(b->mppe_seen, server);
	if (!(a->mppe_seen & b->mppe_seen & OBSERVE_STRENGTHS)) {
		findings_add(&j->findings, FINDING_MPPE_STRENGTH,
			"the client names%s, the server%s (%s)", client, server, frames);
		return true;
	}
	if ((a->mppe_stateless && b->mppe_stateless) || (a->mppe_stateful && b->mppe_stateful))
		return false;
	findings_add(&j->findings, FINDING_MPPE_MODE,
		"the client insists on %s MPPE, the server on %s (%s)",
		a->mppe_stateless ? "stateless" : "stateful",
		b->mppe_stateless ? "stateless" : "stateful", frames);
	return true;
}

static bool mentions_encryption(const char *words)
{
	return strcasestr(words, "MPPE") || strcasestr(words, "encrypt");
}

/* The link ended, or hangs, without the encryption that one end asked for. */
static bool refused(struct judge *j, const struct observe_call *call)
{
	unsigned int client = call->client, server = 1 - client;
	const struct observe_side *a = &call->side[client], *b = &call->side[server];
	char frames[JUDGE_FRAMES];

	if (b->mppe_refused.count && a->mppe_asked) {
		findings_add(&j->findings, FINDING_MPPE_NOT_OFFERED,
			"the client asks for MPPE, the server refuses it (%s)",
			judge_frames(&b->mppe_refused, frames));
		return true;
	}
	if (a->mppe_refused.count && b->mppe_asked) {
		findings_add(&j->findings, FINDING_MPPE_REQUIRED,
			"the server asks for MPPE, the client refuses it (%s)",
			judge_frames(&a->mppe_refused, frames));
		return true;
	}
	/* "MPPE disabled" is how pppd says good-bye to whom it has encrypted with. */
	if (call->from_control && !a->encrypted.count && !b->encrypted.count &&
		call->end == OBSERVE_END_TERMINATE && mentions_encryption(call->end_words)) {
		findings_add(&j->findings,
			call->end_side == client ? FINDING_MPPE_NOT_OFFERED : FINDING_MPPE_REQUIRED,
			"the %s ends the link (frame %" PRIu64 ") and says: %s",
			call->end_side == client ? "client" : "server", call->end_mark.first_frame,
			call->end_words);
		return true;
	}
	return false;
}

/* Asked for by one, refused by the other, and both went on without. */
static bool in_clear(struct judge *j, const struct observe_call *call)
{
	char name[JUDGE_NAME], other[JUDGE_NAME], frames[JUDGE_FRAMES];

	for (unsigned int i = 0; i < 2; i++) {
		const struct observe_side *s = &call->side[i];

		if (!s->mppe_refused.count || !call->side[1 - i].mppe_asked)
			continue;
		findings_add(&j->findings, FINDING_MPPE_CLEAR,
			"%s asks for MPPE, %s refuses it (%s), and the tunnel comes up without",
			judge_name(call, 1 - i, other), judge_name(call, i, name),
			judge_frames(&s->mppe_refused, frames));
		return true;
	}
	return false;
}

/* Requests of a protocol that come to nothing. */
static bool stuck(struct judge *j, const struct observe_call *call, unsigned int protocol,
	enum finding_id silent)
{
	char name[JUDGE_NAME], frames[JUDGE_FRAMES];

	for (unsigned int i = 0; i < 2; i++) {
		const struct observe_negotiation *n = &call->side[i].protocol[protocol];

		if (n->refused >= JUDGE_LOOP) {
			findings_add(&j->findings, FINDING_OPTION_LOOP,
				"%s requests of %s are refused %u times in a row, at last for "
				"option %u (%s)",
				protocols[protocol], judge_name(call, i, name), n->refused,
				n->refused_option, judge_frames(&n->request, frames));
			return true;
		}
		if (n->unanswered >= JUDGE_TRIES) {
			findings_add(&j->findings, silent,
				"%s requests of %s are not answered (%s)", protocols[protocol],
				judge_name(call, i, name), judge_frames(&n->request, frames));
			return true;
		}
	}
	return false;
}

bool judge_encryption(struct judge *j, const struct observe *o, const struct observe_call *call)
{
	if (call->mppe_up)
		return false;
	if (call->up)
		return in_clear(j, call);
	if (!call->end_mark.count && judge_waited(o, call, call->any.last_time) < JUDGE_WAIT &&
		call->side[0].protocol[OBSERVE_CCP].refused < JUDGE_LOOP &&
		call->side[1].protocol[OBSERVE_CCP].refused < JUDGE_LOOP)
		return false; /* still at it */
	return mismatch(j, call) || refused(j, call) ||
	       stuck(j, call, OBSERVE_CCP, FINDING_CCP_TIMEOUT);
}

static bool ip_refused(struct judge *j, const struct observe_call *call, unsigned int i)
{
	const struct observe_side *s = &call->side[i], *peer = &call->side[1 - i];
	const struct observe_negotiation *n = &s->protocol[OBSERVE_IPCP];
	char name[JUDGE_NAME], frames[JUDGE_FRAMES];

	judge_name(call, i, name);
	if (n->protocol_reject.count) {
		findings_add(&j->findings, FINDING_IPCP_FAILED, "%s rejects IPCP (%s)", name,
			judge_frames(&n->protocol_reject, frames));
		return true;
	}
	if (i != call->client && s->address_refused.count && peer->address_asked) {
		findings_add(&j->findings, FINDING_NO_ADDRESS,
			"%s has no answer to the client's wish for an address (%s)", name,
			judge_frames(&s->address_refused, frames));
		return true;
	}
	if (n->terminate.count) {
		findings_add(&j->findings, FINDING_IPCP_FAILED, "%s ends IPCP (%s)%s%s", name,
			judge_frames(&n->terminate, frames), n->words[0] ? ", and says: " : "",
			n->words);
		return true;
	}
	return false;
}

bool judge_network(struct judge *j, const struct observe *o, const struct observe_call *call)
{
	(void)o;
	if (call->up)
		return false;
	return ip_refused(j, call, 1 - call->client) || ip_refused(j, call, call->client) ||
	       stuck(j, call, OBSERVE_IPCP, FINDING_IPCP_TIMEOUT);
}

static const char *phase(const struct observe_call *call)
{
	const struct observe_side *s = call->side;

	if (!call->lcp_up)
		return s[0].frames.count + s[1].frames.count ? "LCP" : "GRE";
	if (!s[0].success.count && !s[1].success.count && (s[0].auth_asked || s[1].auth_asked))
		return "authentication";
	return s[0].protocol[OBSERVE_IPCP].request.count ||
			       s[1].protocol[OBSERVE_IPCP].request.count
		       ? "IPCP"
		       : "the negotiation of encryption and addresses";
}

void judge_end(struct judge *j, const struct observe_call *call)
{
	static const char *const how[] = { "", "LCP Terminate-Request", "Call-Clear-Request",
		"Call-Disconnect-Notify", "Stop-Control-Connection-Request", "TCP FIN", "TCP RST" };
	bool cut = call->end == OBSERVE_END_FIN || call->end == OBSERVE_END_RST;
	bool server = call->end_side != call->client;
	char name[JUDGE_NAME];
	enum finding_id id;

	if (call->end == OBSERVE_END_NONE || (call->up && !server) ||
		(!call->up && !call->from_control && !call->lcp_up))
		return;
	if (!server)
		id = FINDING_SETUP_ENDED;
	else if (cut)
		id = FINDING_CONTROL_LOST;
	else if (call->up || !call->from_control)
		id = FINDING_SESSION_ENDED;
	else
		id = call->end == OBSERVE_END_TERMINATE ? FINDING_LINK_ENDED : FINDING_LINK_LOST;
	findings_add(&j->findings, id, "%s ends it by %s (frame %" PRIu64 ")%s%s%s%s",
		judge_name(call, call->end_side, name), how[call->end], call->end_mark.first_frame,
		call->end_words[0] ? ", and says: " : "", call->end_words,
		call->up ? "" : ", during ", call->up ? "" : phase(call));
}
