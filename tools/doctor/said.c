/* What the server says: see said.h. */
#include "tools/doctor/said.h"

#include "lib/ppp/ccp.h"
#include "lib/ppp/cp.h"
#include "lib/ppp/frame.h"

#include <stdlib.h>
#include <string.h>

#define CHAP_RESPONSE 2
#define CHAP_SUCCESS  3
#define CHAP_FAILURE  4
#define PAP_REQUEST   1
#define PAP_ACK       2
#define PAP_NAK       3
#define EAP_RESPONSE  2
#define EAP_SUCCESS   3
#define EAP_FAILURE   4

static const char *find(const char *text, const char *what)
{
	const char *at = strstr(text, what);

	return at ? at + strlen(what) : NULL;
}

/* Of MS-CHAP: "E=691 R=1 C=... V=3 M=words" (RFC 2759 section 6), or just words. */
static void failure(struct said *s, const uint8_t *data, size_t len)
{
	char text[200];
	const char *at;

	s->auth_failed = true;
	cp_escape(text, sizeof(text), data, len);
	at = find(text, "E=");
	s->error = 0;
	for (unsigned int i = 0; at && i < 4 && at[i] >= '0' && at[i] <= '9'; i++)
		s->error = s->error * 10 + (unsigned int)(at[i] - '0');
	if (s->error)
		at = find(text, "M=");
	else
		at = text;
	snprintf(s->message, sizeof(s->message), "%.79s", at ? at : "");
}

static void chap(struct said *s, bool sent, const struct cp_packet *p)
{
	if (sent && p->code == CHAP_RESPONSE)
		s->auth_sent = true;
	else if (!sent && p->code == CHAP_SUCCESS)
		s->auth_succeeded = true;
	else if (!sent && p->code == CHAP_FAILURE)
		failure(s, p->data, p->len);
}

static void pap(struct said *s, bool sent, const struct cp_packet *p)
{
	struct wire_reader r = wire_reader(p->data, p->len);
	size_t len = wire_u8(&r);

	if (sent && p->code == PAP_REQUEST) {
		s->auth_sent = true;
	} else if (!sent && p->code == PAP_ACK) {
		s->auth_succeeded = true;
	} else if (!sent && p->code == PAP_NAK) {
		const uint8_t *words = wire_bytes(&r, len);

		failure(s, words ? words : p->data, words ? len : 0);
	}
}

/* MSCHAPv2 in it: its own Failure-Request (opcode 4) has the same text. */
static void eap(struct said *s, bool sent, const struct cp_packet *p)
{
	struct wire_reader r = wire_reader(p->data, p->len);
	uint8_t type = wire_u8(&r), opcode = wire_u8(&r);

	if (sent && p->code == EAP_RESPONSE && type > 3) {
		s->auth_sent = true;
	} else if (!sent && p->code == EAP_SUCCESS) {
		s->auth_succeeded = true;
	} else if (!sent && p->code == EAP_FAILURE) {
		s->auth_failed = true;
	} else if (!sent && type == 26 && opcode == CHAP_FAILURE) {
		wire_skip(&r, 3);
		if (!r.failed)
			failure(s, r.pos, wire_left(&r));
	}
}

static void mppe_option(struct said *s, const struct cp_packet *p)
{
	struct wire_reader r = wire_reader(p->data, p->len);
	struct ppp_option option;

	while (ppp_option_next(&r, &option)) {
		if (option.type != CCP_MPPE)
			continue;
		if (p->code == CP_CONFIGURE_REJECT)
			s->ccp_rejected = true;
		else
			s->mppe_bits |= ppp_option_u32(&option);
	}
}

static void lcp(struct said *s, const struct cp_packet *p)
{
	struct wire_reader r = wire_reader(p->data, p->len);
	uint16_t protocol;

	s->lcp_heard = true;
	/* Also a peer that hears nothing sends those. */
	if (p->code != CP_CONFIGURE_REQUEST && p->code != CP_TERMINATE_REQUEST &&
		p->code != CP_ECHO_REQUEST && p->code != CP_DISCARD_REQUEST)
		s->lcp_answered = true;
	if (p->code == CP_TERMINATE_REQUEST)
		cp_escape(s->terminated, sizeof(s->terminated), p->data, p->len);
	if (p->code != CP_PROTOCOL_REJECT)
		return;
	protocol = wire_u16(&r);
	s->ccp_rejected = s->ccp_rejected || protocol == PPP_CCP;
	s->ipcp_rejected = s->ipcp_rejected || protocol == PPP_IPCP;
}

void said_frame(struct said *s, bool sent, uint16_t protocol, const uint8_t *data, size_t len)
{
	struct cp_packet p;

	if (cp_packet_decode(&p, data, len))
		return;
	switch (protocol) {
	case PPP_LCP:
		if (!sent)
			lcp(s, &p);
		break;
	case PPP_CHAP:
		chap(s, sent, &p);
		break;
	case PPP_PAP:
		pap(s, sent, &p);
		break;
	case PPP_EAP:
		eap(s, sent, &p);
		break;
	case PPP_CCP:
		if (!sent && (p.code == CP_CONFIGURE_REQUEST || p.code == CP_CONFIGURE_NAK ||
				     p.code == CP_CONFIGURE_REJECT))
			mppe_option(s, &p);
		break;
	default:
		break;
	}
}

void said_mppe_words(uint32_t bits, char *out, size_t size)
{
	snprintf(out, size, "%s%s%s%s", bits & CCP_40 ? "40 bits, " : "",
		bits & CCP_56 ? "56 bits, " : "", bits & CCP_128 ? "128 bits, " : "",
		bits & CCP_STATELESS ? "stateless" : "stateful");
}

static uint32_t allowed(const struct ppp_mppe_config *policy)
{
	return (policy->strengths & PPP_MPPE_40 ? CCP_40 : 0) |
	       (policy->strengths & PPP_MPPE_56 ? CCP_56 : 0) |
	       (policy->strengths & PPP_MPPE_128 ? CCP_128 : 0);
}

static enum finding_id of_mppe(const struct said *s, const char *detail,
	const struct ppp_mppe_config *policy, char *evidence)
{
	char wants[64], may[64];
	bool mode; /* that the server wants is allowed here, too */

	if (!s->mppe_bits) {
		snprintf(evidence, FINDING_EVIDENCE, "%s%s%s",
			s->ccp_rejected ? "the server rejects MPPE" : "the server asks for no MPPE",
			*detail ? ": " : "", detail);
		return FINDING_MPPE_NOT_OFFERED;
	}
	mode = !(s->mppe_bits & CCP_STATELESS) ? policy->allow_stateful : policy->allow_stateless;
	said_mppe_words(s->mppe_bits, wants, sizeof(wants));
	said_mppe_words(
		allowed(policy) | (policy->allow_stateless ? CCP_STATELESS : 0), may, sizeof(may));
	snprintf(evidence, FINDING_EVIDENCE, "the server wants MPPE with %s; wanted here: %s",
		wants, may);
	return !mode && s->mppe_bits & allowed(policy) ? FINDING_MPPE_MODE : FINDING_MPPE_STRENGTH;
}

/* In a tunnel of TLS only our own end has seen the number, and says it. */
static enum finding_id of_failure(const struct said *s, const char *detail, char *evidence)
{
	const char *number = find(detail, "E=");
	unsigned int error = s->error ? s->error
			     : number ? (unsigned int)strtoul(number, NULL, 10)
				      : 0;

	snprintf(evidence, FINDING_EVIDENCE, "the server refuses the log-on%s%s",
		*detail || s->message[0] ? ": " : "", *detail ? detail : s->message);
	return error ? finding_of_error(error) : FINDING_AUTH_WRONG;
}

/* The server leaves, in words of its own or without. */
static enum finding_id of_end(
	const struct said *s, enum pptp_reason reason, const char *detail, char *evidence)
{
	snprintf(evidence, FINDING_EVIDENCE, "%s%s%s", pptp_reason_text(reason),
		*detail ? ": " : "", detail);
	/* pppd: "Could not determine remote IP address"; greyline: "the address pool is empty" */
	if (strcasestr(s->terminated, "address"))
		return FINDING_NO_ADDRESS;
	if (s->auth_sent && !s->auth_succeeded && !s->auth_failed)
		return FINDING_AUTH_ENDED;
	return finding_of_reason(reason);
}

enum finding_id said_judge(const struct said *s, enum pptp_reason reason, const char *detail,
	const struct ppp_mppe_config *policy, char *evidence)
{
	switch (reason) {
	case PPTP_MPPE_REFUSED:
		return of_mppe(s, detail, policy, evidence);
	case PPTP_AUTH_FAILED:
	case PPTP_AUTH_RESTRICTED:
		return of_failure(s, detail, evidence);
	case PPTP_PPP_TERMINATED:
	case PPTP_PEER_REQUEST:
	case PPTP_LOST_CARRIER:
	case PPTP_TCP_CLOSED:
		return of_end(s, reason, detail, evidence);
	case PPTP_NO_NETWORK:
		snprintf(evidence, FINDING_EVIDENCE, "%s%s%s", pptp_reason_text(reason),
			*detail ? ": " : "", detail);
		return strstr(detail, "address") ? FINDING_NO_ADDRESS : FINDING_IPCP_FAILED;
	case PPTP_LCP_FAILED:
		snprintf(
			evidence, FINDING_EVIDENCE, "in LCP %s", *detail ? detail : "no agreement");
		return strstr(detail, "refused every request") ? FINDING_OPTION_LOOP
							       : FINDING_LCP_FAILED;
	case PPTP_AUTH_NO_METHOD:
		snprintf(evidence, FINDING_EVIDENCE, "%s",
			*detail ? detail : pptp_reason_text(reason));
		return strstr(detail, "asks for no authentication") ? FINDING_AUTH_NOT_ASKED
								    : FINDING_AUTH_NO_METHOD;
	default:
		snprintf(evidence, FINDING_EVIDENCE, "%s%s%s", pptp_reason_text(reason),
			*detail ? ": " : "", detail);
		return finding_of_reason(reason);
	}
}
