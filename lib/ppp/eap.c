/*
 * EAP (RFC 3748): what both ends and all methods share. The ends are in eap_authenticator.c and
 * eap_peer.c.
 */
#include "lib/ppp/eap.h"

#include "lib/ppp/eap_internal.h"

#include <errno.h>
#include <string.h>

static const struct mppe_material no_keys;

const char *eap_type_name(uint8_t type)
{
	switch (type) {
	case EAP_IDENTITY:
		return "Identity";
	case EAP_NOTIFICATION:
		return "Notification";
	case EAP_NAK:
		return "Nak";
	case 4:
		return "MD5-Challenge";
	case 5:
		return "One-Time-Password";
	case 6:
		return "Generic-Token-Card";
	case 13:
		return "TLS";
	case 21:
		return "TTLS";
	case 25:
		return "PEAP";
	case 26:
		return "MSCHAPv2";
	case 33:
		return "TLV";
	default:
		return NULL;
	}
}

void eap_put_type_name(struct wire_writer *w, uint8_t type)
{
	const char *name = eap_type_name(type);

	if (name) {
		chap_put_text(w, name);
		return;
	}
	chap_put_text(w, "type ");
	chap_put_number(w, type);
}

static const struct eap_method *const methods[] = { &eap_method_tls, &eap_method_peap,
	&eap_method_mschap2, &eap_method_md5 };

const struct eap_method *eap_find(enum ppp_auth_method method)
{
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		if (methods[i]->method == method)
			return methods[i];
	}
	return NULL;
}

const struct eap_method *eap_find_type(const struct eap *e, uint8_t type)
{
	for (unsigned int i = 0; i < e->allowed.count; i++) {
		const struct eap_method *m = eap_find((enum ppp_auth_method)e->allowed.methods[i]);

		if (m->type == type)
			return m;
	}
	return NULL;
}

void eap_enter(struct eap *e, enum eap_state state, uint64_t deadline, uint64_t give_up)
{
	e->state = state;
	e->give_up = give_up;
	e->deadline = deadline < give_up ? deadline : give_up;
	e->ignored = NULL;
}

void eap_use(struct eap *e, const struct eap_method *method)
{
	if (e->active)
		e->method->end(e);
	explicit_bzero(&e->own, sizeof(e->own));
	explicit_bzero(&e->keys, sizeof(e->keys));
	e->method = method;
	e->active = method != NULL;
	e->begun = false;
	e->outcome = EAP_UNDECIDED;
}

/* The conversation is over; which method it was stays known. */
static void end(struct eap *e, enum eap_state state)
{
	const struct eap_method *method = e->method;

	eap_use(e, NULL);
	e->method = method;
	e->rounds = 0;
	eap_enter(e, state, UINT64_MAX, UINT64_MAX);
}

void eap_rest(struct eap *e)
{
	end(e, EAP_DONE);
}

void eap_succeed(struct eap *e)
{
	struct mppe_material keys = e->keys;
	bool again = e->succeeded;

	end(e, EAP_DONE);
	e->succeeded = true;
	if (!again)
		e->ops->done(e->user, true, PPTP_NONE, &keys, "");
	explicit_bzero(&keys, sizeof(keys));
}

void eap_fail(struct eap *e, enum pptp_reason reason, const char *detail)
{
	end(e, EAP_FAILED);
	e->ops->done(e->user, false, reason, &no_keys, detail);
}

void eap_because(struct eap *e, enum pptp_reason reason, const char *words)
{
	struct wire_writer w = wire_writer(e->words, sizeof(e->words) - 1);

	e->reason = reason;
	wire_put_bytes(&w, words, strnlen(words, sizeof(e->words) - 1));
	e->words[wire_written(&w)] = '\0';
}

int eap_decode_name(struct wire_reader *r, char name[PPP_NAME_MAX + 1])
{
	size_t len = wire_left(r);
	const uint8_t *bytes = wire_bytes(r, len);

	if (r->failed || len > PPP_NAME_MAX || (len && memchr(bytes, 0, len)))
		return -EBADMSG;
	if (len)
		memcpy(name, bytes, len);
	name[len] = '\0';
	return 0;
}

int eap_keep_identity(struct eap *e, struct wire_reader *r)
{
	char name[PPP_NAME_MAX + 1];

	if (eap_decode_name(r, name))
		return -EBADMSG;
	memcpy(e->identity, name, sizeof(e->identity));
	return 0;
}

struct wire_writer eap_packet(
	const struct eap *e, uint8_t packet[EAP_PACKET_MAX], uint8_t code, uint8_t identifier)
{
	struct wire_writer w =
		wire_writer(packet, e->mtu < EAP_PACKET_MAX ? e->mtu : EAP_PACKET_MAX);

	wire_put_u8(&w, code);
	wire_put_u8(&w, identifier);
	wire_put_u16(&w, 0);
	return w;
}

void eap_transmit(struct eap *e)
{
	if (e->last_len)
		e->ops->send(e->user, e->last, e->last_len);
}

int eap_send(struct eap *e, struct wire_writer *w)
{
	wire_patch_u16(w, 2, (uint16_t)wire_written(w));
	if (w->failed)
		return -EMSGSIZE;
	e->last_len = (uint16_t)wire_written(w);
	memcpy(e->last, w->start, e->last_len);
	eap_transmit(e);
	return 0;
}

const struct tls_engine *eap_tls_engine(const struct eap *e)
{
	return e->ops->tls ? e->ops->tls(e->user) : NULL;
}

void eap_init(struct eap *e, enum chap_role role, const struct ppp_auth_list *allowed,
	const char *name, uint16_t mtu, const struct chap_ops *ops, void *user)
{
	memset(e, 0, sizeof(*e));
	e->role = role;
	e->ops = ops;
	e->user = user;
	e->name = name;
	e->mtu = mtu;
	for (unsigned int i = 0; i < allowed->count; i++) {
		const struct eap_method *m = eap_find((enum ppp_auth_method)allowed->methods[i]);

		if (m && (!m->tls || eap_tls_engine(e)))
			e->allowed.methods[e->allowed.count++] = allowed->methods[i];
	}
}

void eap_set_peap(struct eap *e, const char *outer_name, bool binding_optional)
{
	e->outer_name = outer_name && outer_name[0] ? outer_name : NULL;
	e->binding_optional = binding_optional;
}

/* Octets behind Length are padding (RFC 3748 section 4). */
static int decode(struct eap_header *h, const uint8_t *data, size_t len)
{
	struct wire_reader r = wire_reader(data, len);
	uint16_t length;

	h->code = wire_u8(&r);
	h->identifier = wire_u8(&r);
	length = wire_u16(&r);
	if (r.failed || length < 4)
		return -EBADMSG;
	h->body = wire_sub(&r, length - 4u);
	h->type = 0;
	if (h->code == EAP_REQUEST || h->code == EAP_RESPONSE)
		h->type = wire_u8(&h->body);
	return h->body.failed ? -EBADMSG : 0;
}

void eap_receive(struct eap *e, const uint8_t *packet, size_t len, uint64_t now)
{
	struct eap_header h;

	if (!e->ops)
		return;
	if (decode(&h, packet, len)) {
		e->ignored = "a malformed EAP packet came";
		return;
	}
	if (e->role == CHAP_AUTHENTICATOR) {
		if (h.code == EAP_RESPONSE)
			eap_receive_response(e, &h, now);
	} else if (h.code == EAP_REQUEST) {
		eap_receive_request(e, &h, now);
	} else if (h.code == EAP_SUCCESS || h.code == EAP_FAILURE) {
		eap_receive_end(e, &h);
	}
}

void eap_tick(struct eap *e, uint64_t now)
{
	if (!e->ops || now < e->deadline)
		return;
	if (now >= e->give_up) {
		if (e->role == CHAP_AUTHENTICATOR)
			eap_give_up_authenticator(e);
		else
			eap_give_up_peer(e);
		return;
	}
	eap_transmit(e);
	e->deadline = now + EAP_RETRANSMIT < e->give_up ? now + EAP_RETRANSMIT : e->give_up;
}

void eap_done(struct eap *e)
{
	if (e->active)
		e->method->end(e);
	explicit_bzero(e, sizeof(*e));
	e->deadline = e->give_up = UINT64_MAX;
}

void eap_set_change(struct eap *e, const struct password_change *change)
{
	e->change = change;
}

bool eap_handshake(const struct eap *e)
{
	return e->handshake;
}

enum ppp_auth_method eap_auth_method(const struct eap *e)
{
	return e->method ? e->method->method : PPP_AUTH_NONE;
}
