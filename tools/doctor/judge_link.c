/* GRE, LCP, authentication: why a call's link does not come about. See judge.h. */
#include "tools/doctor/judge.h"

#include "lib/ppp/frame.h"

#include <inttypes.h>
#include <string.h>

/* Answers in a tunnel of TLS: a certificate that is refused is one at most; Identity, response and what follows, more. */
#define SEALED_LOGON 3

/* Each way, what the other end's packets come to. */
static bool one_way(struct judge *j, const struct observe_call *call, unsigned int from, bool seen)
{
	const struct observe_side *s = &call->side[from], *peer = &call->side[1 - from];
	enum finding_id id = from == call->client ? FINDING_GRE_TO_CLIENT : FINDING_GRE_TO_SERVER;
	char name[JUDGE_NAME], other[JUDGE_NAME], frames[JUDGE_FRAMES], theirs[JUDGE_FRAMES];

	judge_name(call, from, name);
	judge_name(call, 1 - from, other);
	judge_frames(&s->frames, frames);
	if (seen) { /* from the peer, too: they are lost behind this place */
		id = from == call->client ? FINDING_GRE_TO_SERVER : FINDING_GRE_TO_CLIENT;
		findings_add(&j->findings, id,
			"%s sends GRE (%s), which passes here, and %s never acknowledges or "
			"answers it, though "
			"it sends, too (%s): lost between here and %s, or dropped there",
			name, frames, other, judge_frames(&peer->frames, theirs), other);
	} else {
		findings_add(&j->findings, id,
			"%s sends GRE (%s), and nothing of %s is in the capture: lost before this "
			"place, "
			"or never sent because nothing arrived there",
			name, frames, other);
	}
	return true;
}

static bool deaf(const struct observe_call *call, unsigned int side)
{
	return !call->side[side].hears.count && call->side[side].frames.count >= JUDGE_TRIES &&
	       call->side[1 - side].frames.count >= JUDGE_TRIES;
}

bool judge_gre(struct judge *j, const struct observe *o, const struct observe_call *call)
{
	const struct observe_side *side = call->side;
	uint64_t waited = judge_waited(o, call, call->connected.first_time);
	unsigned int sent[2] = { side[0].frames.count + side[0].acks.count,
		side[1].frames.count + side[1].acks.count };
	char frames[JUDGE_FRAMES], name[JUDGE_NAME];
	bool found = false;

	for (unsigned int i = 0; i < 2; i++) {
		/* A few may be the last ones of an earlier call. */
		if (!side[i].foreign.count || side[i].foreign.count * 2 < sent[i])
			continue;
		findings_add(&j->findings, FINDING_GRE_WRONG_CALL_ID,
			"%s sends with another Call ID than was agreed on (%s)",
			judge_name(call, i, name), judge_frames(&side[i].foreign, frames));
		found = !call->up;
	}
	if (found || call->up || !call->from_control || waited < JUDGE_WAIT)
		return found;
	if (!sent[0] && !sent[1]) {
		findings_add(&j->findings, FINDING_GRE_ABSENT,
			"the call is connected (frame %" PRIu64
			"), and no GRE packet of either end follows in %.0f s",
			call->connected.first_frame, (double)waited / 1e6);
		return true;
	}
	for (unsigned int i = 0; i < 2; i++) {
		if (!sent[1 - i] && side[i].frames.count > 1)
			return one_way(j, call, i, false);
	}
	for (unsigned int i = 0; i < 2; i++) {
		if (deaf(call, 1 - i))
			found = one_way(j, call, i, true);
	}
	return found;
}

static const char *method_name(uint16_t protocol, uint8_t algorithm)
{
	switch (protocol) {
	case PPP_PAP:
		return "PAP";
	case PPP_EAP:
		return "EAP";
	case PPP_CHAP:
		return algorithm == 0x81   ? "MS-CHAPv2"
		       : algorithm == 0x80 ? "MS-CHAP"
		       : algorithm == 5    ? "CHAP-MD5"
					   : "CHAP of an unknown kind";
	default:
		return "another method";
	}
}

/* The end that asks for authentication gets nothing that it would take. */
static bool no_method(struct judge *j, const struct observe *o, const struct observe_call *call)
{
	char name[JUDGE_NAME], other[JUDGE_NAME], frames[JUDGE_FRAMES];

	for (unsigned int i = 0; i < 2; i++) {
		const struct observe_side *s = &call->side[i], *peer = &call->side[1 - i];

		if (!s->auth_refused.count || s->challenge.count || s->success.count ||
			s->failure.count || peer->response.count || call->up)
			continue;
		/* It went on without. */
		if (call->lcp_up && s->protocol[OBSERVE_IPCP].request.count)
			continue;
		if (!call->end_mark.count &&
			judge_waited(o, call, s->auth_refused.first_time) < JUDGE_WAIT &&
			s->protocol[OBSERVE_LCP].refused < JUDGE_LOOP)
			continue;
		judge_name(call, i, name);
		judge_name(call, 1 - i, other);
		judge_frames(&s->auth_refused, frames);
		if (peer->auth_wanted)
			findings_add(&j->findings, FINDING_AUTH_NO_METHOD,
				"%s asks for %s, %s wants %s (%s)", name,
				method_name(s->auth_asked, s->auth_algorithm), other,
				method_name(peer->auth_wanted, peer->auth_wanted_algorithm),
				frames);
		else
			findings_add(&j->findings, FINDING_AUTH_NO_METHOD,
				"%s asks for %s, %s refuses any authentication (%s)", name,
				s->auth_asked ? method_name(s->auth_asked, s->auth_algorithm)
					      : "authentication",
				other, frames);
		return true;
	}
	return false;
}

/* Who never answers the other's requests? */
static bool lcp_silent(struct judge *j, const struct observe_call *call)
{
	char name[JUDGE_NAME], other[JUDGE_NAME], frames[JUDGE_FRAMES];

	for (unsigned int i = 0; i < 2; i++) {
		const struct observe_negotiation *n = &call->side[i].protocol[OBSERVE_LCP];

		if (n->unanswered < JUDGE_TRIES)
			continue;
		findings_add(&j->findings,
			i == call->client ? FINDING_LCP_SILENT : FINDING_LCP_CLIENT_SILENT,
			"%s does not answer LCP's Configure-Requests of %s (%s)",
			judge_name(call, 1 - i, other), judge_name(call, i, name),
			judge_frames(&n->request, frames));
		return true;
	}
	return false;
}

bool judge_lcp(struct judge *j, const struct observe *o, const struct observe_call *call)
{
	char name[JUDGE_NAME], frames[JUDGE_FRAMES];

	if (!judge_is_question(call) && no_method(j, o, call))
		return true;
	if (call->lcp_up || call->up)
		return false;
	if (call->loopback.count >= JUDGE_TRIES) {
		findings_add(&j->findings, FINDING_LCP_LOOPBACK,
			"both ends' LCP requests have the same magic number (%s)",
			judge_frames(&call->loopback, frames));
		return true;
	}
	for (unsigned int i = 0; i < 2; i++) {
		const struct observe_negotiation *n = &call->side[i].protocol[OBSERVE_LCP];

		if (n->refused < JUDGE_LOOP &&
			!call->side[1 - i].protocol[OBSERVE_LCP].protocol_reject.count)
			continue;
		findings_add(&j->findings,
			n->refused < JUDGE_LOOP ? FINDING_LCP_FAILED : FINDING_OPTION_LOOP,
			"LCP requests of %s are refused %u times in a row, at last for option %u "
			"(%s)",
			judge_name(call, i, name), n->refused, n->refused_option,
			judge_frames(&n->request, frames));
		return true;
	}
	return lcp_silent(j, call);
}

static bool auth_failed(struct judge *j, const struct observe_call *call, unsigned int i)
{
	const struct observe_side *s = &call->side[i], *peer = &call->side[1 - i];
	enum finding_id id = FINDING_AUTH_WRONG;
	char name[JUDGE_NAME], other[JUDGE_NAME], frames[JUDGE_FRAMES];

	if (peer->eap_refused.count && !s->error) {
		findings_add(&j->findings, FINDING_AUTH_NO_METHOD,
			"%s asks for EAP's method %u, %s refuses it (%s)",
			judge_name(call, i, name), s->eap_type, judge_name(call, 1 - i, other),
			judge_frames(&peer->eap_refused, frames));
		return true;
	}
	if (s->error)
		id = finding_of_error(s->error);
	else if ((s->eap_type == 13 || s->eap_type == 25) && peer->sealed < SEALED_LOGON)
		id = FINDING_AUTH_CERTIFICATE;
	findings_add(&j->findings, id, "%s says failure%s%s%s (%s)%s", judge_name(call, i, name),
		s->failure_words[0] ? ": \"" : "", s->failure_words,
		s->failure_words[0] ? "\"" : "", judge_frames(&s->failure, frames),
		s->password_fits
			? "; the password given fits: the server has another one, or means "
			  "another account"
		: s->password_wrong ? "; the password given is not what the client used"
				    : "");
	return true;
}

/* No verdict: who is silent? */
static bool auth_silent(
	struct judge *j, const struct observe *o, const struct observe_call *call, unsigned int i)
{
	const struct observe_side *s = &call->side[i], *peer = &call->side[1 - i];
	char name[JUDGE_NAME], other[JUDGE_NAME], frames[JUDGE_FRAMES];
	bool answered = peer->response.count && peer->response.last_frame > s->challenge.last_frame;

	judge_name(call, i, name);
	judge_name(call, 1 - i, other);
	if (answered && call->end == OBSERVE_END_TERMINATE && call->end_side == i) {
		/* greyline's server looks for an address before it says "success" */
		findings_add(&j->findings,
			strcasestr(call->end_words, "address") ? FINDING_NO_ADDRESS
							       : FINDING_AUTH_ENDED,
			"%s ends the link (frame %" PRIu64
			") instead of a verdict on the response (%s)%s%s",
			name, call->end_mark.first_frame, judge_frames(&peer->response, frames),
			call->end_words[0] ? ", and says: " : "", call->end_words);
		return true;
	}
	if (answered && (peer->response.count >= JUDGE_TRIES ||
				judge_waited(o, call, peer->response.first_time) >= JUDGE_WAIT)) {
		findings_add(&j->findings, FINDING_AUTH_TIMEOUT,
			"%s gives no verdict on the response (%s)", name,
			judge_frames(&peer->response, frames));
		return true;
	}
	if (!answered && s->challenge.count &&
		(s->challenge.count >= JUDGE_TRIES ||
			judge_waited(o, call, s->challenge.last_time) >= JUDGE_WAIT)) {
		findings_add(&j->findings, FINDING_AUTH_CLIENT_SILENT,
			"%s does not answer the challenge of %s (%s)", other, name,
			judge_frames(&s->challenge, frames));
		return true;
	}
	return false;
}

/* LCP is open, nobody asked who the other is, and the client goes away instead of beginning with IP. */
static bool not_asked(struct judge *j, const struct observe_call *call)
{
	const struct observe_side *client = &call->side[call->client],
				  *server = &call->side[1 - call->client];
	char name[JUDGE_NAME], frames[JUDGE_FRAMES];

	if (call->up || !call->lcp_up || server->auth_asked || client->response.count ||
		client->protocol[OBSERVE_IPCP].request.count ||
		client->protocol[OBSERVE_CCP].request.count || call->end == OBSERVE_END_NONE ||
		call->end_side != call->client)
		return false;
	findings_add(&j->findings, FINDING_AUTH_NOT_ASKED,
		"%s asks for no authentication in LCP (%s), and the client leaves (frame %" PRIu64
		")",
		judge_name(call, 1 - call->client, name),
		judge_frames(&server->protocol[OBSERVE_LCP].request, frames),
		call->end_mark.first_frame);
	return true;
}

bool judge_auth(struct judge *j, const struct observe *o, const struct observe_call *call)
{
	for (unsigned int i = 0; i < 2; i++) {
		const struct observe_side *s = &call->side[i];

		if (s->failure.count)
			return auth_failed(j, call, i);
		if (!call->up && !s->success.count &&
			(s->challenge.count || call->side[1 - i].response.count) &&
			auth_silent(j, o, call, i))
			return true;
	}
	return not_asked(j, call);
}
