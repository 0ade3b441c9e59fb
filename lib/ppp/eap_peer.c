/*
 * EAP's peer (RFC 3748 sections 2, 4.1, 4.2, 5): answers Identity and Notification, refuses by Nak
 * what is not allowed, and lets a method run. Once authenticated it answers a later conversation in
 * the same way: nothing is told if that succeeds or comes to nothing.
 */
#include "lib/ppp/eap_internal.h"

#include "lib/ppp/cp.h"

#include <nettle/sha1.h>
#include <string.h>

#define EXPANDED_NAK 3 /* vendor type, of vendor 0 */

void eap_start_peer(struct eap *e, const struct ppp_auth_list *allowed, const char *name,
	const struct ppp_secret *secret, uint16_t mtu, const struct chap_ops *ops, void *user,
	uint64_t now)
{
	eap_init(e, CHAP_PEER, allowed, name, mtu, ops, user);
	e->secret = *secret;
	eap_enter(e, EAP_WAITING, UINT64_MAX, now + EAP_GIVE_UP);
	if (!mschap_strip_domain(name)[0] || strlen(name) > PPP_NAME_MAX)
		eap_fail(e, PPTP_AUTH_FAILED, "the user name is empty or longer than 255 octets");
	else if (!e->allowed.count)
		eap_fail(e, PPTP_AUTH_NO_METHOD, "no method of EAP is allowed");
}

/* A server that gives each Request the same identifier is told apart by what is in them. */
static void digest_of(const struct eap_header *h, uint8_t digest[SHA1_DIGEST_SIZE])
{
	struct sha1_ctx ctx;

	sha1_init(&ctx);
	sha1_update(&ctx, 1, &h->identifier);
	sha1_update(&ctx, 1, &h->type);
	if (wire_left(&h->body))
		sha1_update(&ctx, wire_left(&h->body), h->body.pos);
	sha1_digest(&ctx, SHA1_DIGEST_SIZE, digest);
}

static struct wire_writer begin(
	const struct eap *e, const struct eap_header *h, uint8_t packet[EAP_PACKET_MAX])
{
	struct wire_writer w = eap_packet(e, packet, EAP_RESPONSE, h->identifier);

	wire_put_u8(&w, h->type);
	return w;
}

/* Sends a Response, and waits for what comes next. */
static void respond(struct eap *e, const struct eap_header *h, struct wire_writer *w, uint64_t now)
{
	bool known = e->outcome == EAP_PROVEN || e->outcome == EAP_REFUSED;

	if (++e->rounds > EAP_ROUNDS) {
		eap_fail(e, PPTP_AUTH_FAILED, "the conversation in EAP has no end");
		return;
	}
	digest_of(h, e->digest);
	e->identifier = h->identifier;
	e->answered = true;
	eap_enter(e, EAP_WAITING, UINT64_MAX, now + (known ? EAP_SETTLE : EAP_GIVE_UP));
	if (eap_send(e, w))
		eap_fail(e, PPTP_AUTH_FAILED,
			"a packet of EAP does not fit into what the server can receive");
}

static void receive_identity(struct eap *e, const struct eap_header *h, uint64_t now)
{
	uint8_t packet[EAP_PACKET_MAX];
	struct wire_writer w = begin(e, h, packet);

	/* It begins, or begins again. */
	eap_use(e, NULL);
	e->nak = 0;
	chap_put_text(&w, e->outer_name ? e->outer_name : e->name);
	respond(e, h, &w, now);
}

static void receive_notification(struct eap *e, struct eap_header *h, uint64_t now)
{
	uint8_t packet[EAP_PACKET_MAX];
	struct wire_writer w = begin(e, h, packet);
	char text[160];

	cp_escape(text, sizeof(text), h->body.pos, wire_left(&h->body));
	if (e->ops->notice && text[0])
		e->ops->notice(e->user, text);
	respond(e, h, &w, now);
}

/*
 * RFC 3748 5.3.1 and 5.3.2: the types that would do instead. To an Expanded Request it is an Expanded Nak; we
 * have no method that is asked for in that form.
 */
static void refuse(struct eap *e, const struct eap_header *h, uint64_t now)
{
	bool expanded = h->type == EAP_EXPANDED;
	uint8_t packet[EAP_PACKET_MAX];
	struct wire_writer w = eap_packet(e, packet, EAP_RESPONSE, h->identifier);

	wire_put_u8(&w, expanded ? EAP_EXPANDED : EAP_NAK);
	if (expanded)
		wire_put_u32(&w, 0);
	if (expanded)
		wire_put_zero(&w, 2);
	if (expanded)
		wire_put_u8(&w, EXPANDED_NAK);
	for (unsigned int i = 0; i < e->allowed.count; i++) {
		if (expanded) {
			wire_put_u8(&w, EAP_EXPANDED);
			wire_put_zero(&w, 6);
		}
		wire_put_u8(&w, eap_find((enum ppp_auth_method)e->allowed.methods[i])->type);
	}
	e->nak = h->type;
	respond(e, h, &w, now);
}

static void fail_as_said(struct eap *e)
{
	char words[sizeof(e->words)];

	memcpy(words, e->words, sizeof(words));
	eap_fail(e, e->reason ? e->reason : PPTP_AUTH_FAILED, words);
}

static void receive_method(struct eap *e, struct eap_header *h, uint64_t now)
{
	const struct eap_method *method = eap_find_type(e, h->type), *before = e->method;
	struct eap_header whole = *h;
	uint8_t packet[EAP_PACKET_MAX];
	struct wire_writer w = begin(e, h, packet);

	if (e->begun && method != e->method) {
		e->ignored = "the server went over to another method";
		return;
	}
	if (!method) {
		refuse(e, h, now);
		return;
	}
	if (!e->begun) {
		eap_use(e, method);
		method->begin(e);
	}
	switch (method->request(e, &h->body, &w)) {
	case EAP_SEND:
		e->begun = true;
		respond(e, &whole, &w, now);
		break;
	case EAP_REJECT:
	case EAP_ACCEPT:
	case EAP_JUDGE:
		fail_as_said(e);
		break;
	case EAP_IGNORE:
		if (e->begun)
			break;
		eap_use(e, NULL); /* as if it had not come */
		e->method = before;
		break;
	}
}

void eap_receive_request(struct eap *e, struct eap_header *h, uint64_t now)
{
	uint8_t digest[SHA1_DIGEST_SIZE];

	if (e->state != EAP_WAITING && e->state != EAP_DONE)
		return;
	digest_of(h, digest);
	if (e->answered && h->identifier == e->identifier &&
		!memcmp(digest, e->digest, sizeof(digest))) {
		eap_transmit(e);
		return;
	}
	switch (h->type) {
	case EAP_IDENTITY:
		receive_identity(e, h, now);
		break;
	case EAP_NOTIFICATION:
		receive_notification(e, h, now);
		break;
	case EAP_NAK:
	case 0:
		e->ignored = "a Request of a type that there cannot be came";
		break;
	default:
		receive_method(e, h, now);
		break;
	}
}

/* What a Failure, or silence, means after a Nak. */
static void fail_unwanted(struct eap *e)
{
	char words[sizeof(e->words)];
	struct wire_writer w = wire_writer(words, sizeof(words) - 1);

	chap_put_text(&w, "the server has another method of EAP than ");
	for (unsigned int i = 0; i < e->allowed.count; i++) {
		chap_put_text(&w, i ? " or " : "");
		chap_put_text(&w, ppp_auth_name((enum ppp_auth_method)e->allowed.methods[i]));
	}
	chap_put_text(&w, "; it wants ");
	eap_put_type_name(&w, e->nak);
	words[wire_written(&w)] = '\0';
	eap_fail(e, PPTP_AUTH_NO_METHOD, words);
}

static void receive_failure(struct eap *e)
{
	if (e->outcome == EAP_PROVEN) /* RFC 3748 4.2: a forgery */
		return;
	if (e->outcome == EAP_REFUSED)
		fail_as_said(e);
	else if (e->nak && !e->begun)
		fail_unwanted(e);
	else
		eap_fail(e, PPTP_AUTH_FAILED,
			e->begun ? "the server refused, without saying why"
				 : "the server refused before any method had begun");
}

/* The identifier is that of the Response; some servers count on (RFC 3748 4.2 forbids it). */
void eap_receive_end(struct eap *e, const struct eap_header *h)
{
	if (e->state != EAP_WAITING || !e->answered || (uint8_t)(h->identifier - e->identifier) > 1)
		return;
	if (h->code == EAP_FAILURE)
		receive_failure(e);
	else if (e->outcome == EAP_POSSIBLE || e->outcome == EAP_PROVEN)
		eap_succeed(e);
	else
		e->ignored = "a Success came before a method had run";
}

void eap_implied_success(struct eap *e)
{
	if (e->ops && e->role == CHAP_PEER && e->state == EAP_WAITING && !e->succeeded &&
		(e->outcome == EAP_POSSIBLE || e->outcome == EAP_PROVEN))
		eap_succeed(e);
}

void eap_give_up_peer(struct eap *e)
{
	const char *why = e->ignored;

	if (e->outcome == EAP_PROVEN)
		eap_succeed(e);
	else if (e->outcome == EAP_REFUSED)
		fail_as_said(e);
	else if (
		e->succeeded) /* once proven stays proven: a forged Request must not end a session */
		eap_rest(e);
	else if (e->nak && !e->begun)
		fail_unwanted(e);
	else if (why)
		eap_fail(e, PPTP_AUTH_TIMEOUT, why);
	else if (!e->answered)
		eap_fail(e, PPTP_AUTH_TIMEOUT, "no Request of EAP came");
	else
		eap_fail(e, PPTP_AUTH_TIMEOUT,
			e->outcome == EAP_POSSIBLE ? "neither Success nor Failure came"
						   : "the server did not go on");
}
