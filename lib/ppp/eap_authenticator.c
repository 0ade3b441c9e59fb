/*
 * EAP's authenticator (RFC 3748 sections 2, 4.1, 4.2, 5.1, 5.3): Identity, then one method, which the
 * peer's Nak may choose among the allowed ones; Success or Failure.
 */
#include "lib/ppp/eap_internal.h"

#include <string.h>

#define TOO_LONG "a packet of the method does not fit into what the client can receive"

/* Success and Failure carry the identifier of the Response that they answer. */
static void send_end(struct eap *e, uint8_t code)
{
	uint8_t packet[EAP_PACKET_MAX];
	struct wire_writer w = eap_packet(e, packet, code, e->identifier);

	(void)eap_send(e, &w);
}

static void reject(struct eap *e)
{
	enum pptp_reason reason = e->reason;
	char words[sizeof(e->words)];

	memcpy(words, e->words, sizeof(words));
	send_end(e, EAP_FAILURE);
	eap_fail(e, reason, words);
}

/* The next Request of the method that runs, up to its type. */
static struct wire_writer begin(struct eap *e, uint8_t packet[EAP_PACKET_MAX])
{
	struct wire_writer w = eap_packet(e, packet, EAP_REQUEST, (uint8_t)(e->identifier + 1));

	wire_put_u8(&w, e->method->type);
	e->patience = EAP_GIVE_UP;
	return w;
}

static void send_request(struct eap *e, struct wire_writer *w, uint64_t now)
{
	if (++e->rounds > EAP_ROUNDS)
		eap_because(e, PPTP_AUTH_FAILED, "the conversation in EAP has no end");
	else if (w->failed)
		eap_because(e, PPTP_AUTH_FAILED, TOO_LONG);
	if (e->rounds > EAP_ROUNDS || w->failed) {
		reject(e);
		return;
	}
	e->identifier++;
	eap_enter(e, EAP_RUNNING, now + EAP_RETRANSMIT, now + e->patience);
	(void)eap_send(e, w);
}

/* What follows from what the method did. */
static void follow(struct eap *e, enum eap_step step, struct wire_writer *w, uint64_t now)
{
	switch (step) {
	case EAP_IGNORE:
		break;
	case EAP_SEND:
		send_request(e, w, now);
		break;
	case EAP_JUDGE:
		e->handshake = false;
		eap_enter(e, EAP_JUDGING, UINT64_MAX, now + EAP_JUDGE_TIMEOUT);
		e->ops->judge(e->user, &e->request);
		break;
	case EAP_ACCEPT:
		send_end(e, EAP_SUCCESS);
		eap_succeed(e);
		break;
	case EAP_REJECT:
		reject(e);
		break;
	}
}

static void start_method(struct eap *e, const struct eap_method *method, uint64_t now)
{
	uint8_t packet[EAP_PACKET_MAX];
	struct wire_writer w;

	eap_use(e, method);
	w = begin(e, packet);
	follow(e, method->start(e, &w), &w, now);
}

static void identify(struct eap *e, uint64_t now)
{
	uint8_t packet[EAP_PACKET_MAX];
	struct wire_writer w = eap_packet(e, packet, EAP_REQUEST, e->identifier);

	eap_enter(e, EAP_IDENTIFY, now + EAP_RETRANSMIT, now + EAP_GIVE_UP);
	wire_put_u8(&w, EAP_IDENTITY);
	(void)eap_send(e, &w);
}

void eap_start_authenticator(struct eap *e, const struct ppp_auth_list *allowed, const char *name,
	uint16_t mtu, const struct chap_ops *ops, void *user, uint64_t now)
{
	eap_init(e, CHAP_AUTHENTICATOR, allowed, name, mtu, ops, user);
	if (!e->allowed.count) {
		eap_fail(e, PPTP_AUTH_NO_METHOD, "no method of EAP is allowed");
		return;
	}
	ops->random(user, &e->identifier, sizeof(e->identifier));
	identify(e, now);
}

void eap_authenticate_again(struct eap *e, uint64_t now)
{
	if (!e->ops || e->role != CHAP_AUTHENTICATOR || e->state != EAP_DONE)
		return;
	e->refused = 0;
	e->attempts = 0;
	e->rounds = 0;
	e->identifier++;
	identify(e, now);
}

static void receive_identity(struct eap *e, struct wire_reader *body, uint64_t now)
{
	if (eap_keep_identity(e, body)) {
		e->ignored = "the client's Identity was malformed";
		return;
	}
	start_method(e,
		e->succeeded ? e->method : eap_find((enum ppp_auth_method)e->allowed.methods[0]),
		now);
}

/* "the client does not agree to EAP-MSCHAPv2; it wants TLS, PEAP" */
static void refused(struct eap *e, struct wire_reader wishes)
{
	char words[sizeof(e->words)];
	struct wire_writer w = wire_writer(words, sizeof(words) - 1);
	const char *between = "; it wants ";

	chap_put_text(&w, "the client does not agree to ");
	for (unsigned int i = 0; i < e->allowed.count; i++) {
		chap_put_text(&w, i ? " or " : "");
		chap_put_text(&w, ppp_auth_name((enum ppp_auth_method)e->allowed.methods[i]));
	}
	for (unsigned int n = 0; wire_left(&wishes) && n < 4; n++) {
		uint8_t type = wire_u8(&wishes);

		if (!type)
			continue;
		chap_put_text(&w, between);
		eap_put_type_name(&w, type);
		between = ", ";
	}
	words[wire_written(&w)] = '\0';
	eap_because(e, PPTP_AUTH_NO_METHOD, words);
	reject(e);
}

static bool wants(struct wire_reader wishes, uint8_t type)
{
	while (wire_left(&wishes)) {
		if (wire_u8(&wishes) == type)
			return true;
	}
	return false;
}

/* RFC 3748 5.3.1: only to the first Request of a method. Our order counts among the wishes. */
static void receive_nak(struct eap *e, const struct wire_reader *wishes, uint64_t now)
{
	if (e->begun) {
		e->ignored = "a Nak came in the midst of the method";
		return;
	}
	if (e->succeeded) { /* what it was authenticated by stays */
		refused(e, *wishes);
		return;
	}
	e->refused |= 1u << e->method->method;
	for (unsigned int i = 0; i < e->allowed.count; i++) {
		enum ppp_auth_method method = (enum ppp_auth_method)e->allowed.methods[i];
		const struct eap_method *m = eap_find(method);

		if (!(e->refused & 1u << method) && wants(*wishes, m->type)) {
			start_method(e, m, now);
			return;
		}
	}
	refused(e, *wishes);
}

static void receive_method(struct eap *e, struct wire_reader *body, uint64_t now)
{
	uint8_t packet[EAP_PACKET_MAX];
	struct wire_writer w = begin(e, packet);
	enum eap_step step = e->method->response(e, body, &w);

	if (step == EAP_IGNORE)
		return;
	if (!e->begun)
		e->handshake = e->method->tls;
	e->begun = true;
	follow(e, step, &w, now);
}

void eap_receive_response(struct eap *e, struct eap_header *h, uint64_t now)
{
	if (h->identifier != e->identifier)
		return;
	switch (e->state) {
	case EAP_DONE:
	case EAP_FAILED:
		/* It was answered by an end that may have been lost. */
		eap_transmit(e);
		break;
	case EAP_IDENTIFY:
		if (h->type == EAP_IDENTITY)
			receive_identity(e, &h->body, now);
		else
			e->ignored = "the client did not tell its Identity";
		break;
	case EAP_RUNNING:
		if (h->type == EAP_NAK)
			receive_nak(e, &h->body, now);
		else if (h->type == e->method->type)
			receive_method(e, &h->body, now);
		else
			e->ignored = "a Response of another type came";
		break;
	case EAP_IDLE:
	case EAP_JUDGING:
	case EAP_WAITING:
		break;
	}
}

void eap_verdict(struct eap *e, const struct ppp_auth_verdict *verdict, uint64_t now)
{
	uint8_t packet[EAP_PACKET_MAX];
	struct wire_writer w;

	if (!e->ops || e->role != CHAP_AUTHENTICATOR || e->state != EAP_JUDGING)
		return;
	w = begin(e, packet);
	follow(e, e->method->verdict(e, verdict, &w), &w, now);
}

void eap_give_up_authenticator(struct eap *e)
{
	const char *why = e->ignored;

	e->last_len = 0;
	switch (e->state) {
	case EAP_IDENTIFY:
		eap_fail(e, PPTP_AUTH_TIMEOUT, why ? why : "no Identity came");
		break;
	case EAP_RUNNING:
		if (e->attempts)
			eap_fail(e, PPTP_AUTH_FAILED,
				"wrong user name or password, and no other came");
		else if (e->reason) /* the method has failed, and waited to be heard */
			eap_fail(e, e->reason, e->words);
		else
			eap_fail(e, PPTP_AUTH_TIMEOUT,
				why ? why : "no Response to the method's Request came");
		break;
	case EAP_JUDGING:
		eap_fail(e, PPTP_AUTH_TIMEOUT, "nobody judged the Response in time");
		break;
	case EAP_IDLE:
	case EAP_WAITING:
	case EAP_DONE:
	case EAP_FAILED:
		break;
	}
}
