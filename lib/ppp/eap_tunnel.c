/*
 * TLS in EAP's packets: flags, length, fragments (RFC 5216 sections 2.1.5 and 3), and the keys
 * (RFC 5216 2.3, RFC 9190 2.3). See eap_tunnel.h.
 */
#include "lib/ppp/eap_tunnel.h"

#include <errno.h>

int eap_tunnel_open(struct eap_tunnel *t, const struct tls_engine *engine,
	const struct tls_setup *setup, uint8_t version)
{
	memset(t, 0, sizeof(*t));
	if (!engine)
		return -ENOTSUP;
	t->tls = engine->open(engine->user, setup);
	if (!t->tls)
		return -ENOMEM;
	t->engine = engine;
	t->server = setup->server;
	t->version = version & EAP_TUNNEL_VERSION;
	return 0;
}

void eap_tunnel_close(struct eap_tunnel *t)
{
	if (t->tls)
		t->engine->close(t->tls);
	memset(t, 0, sizeof(*t));
}

static enum eap_tunnel_event say(struct eap_tunnel *t, enum eap_tunnel_event event, const char *why)
{
	t->why = why;
	return event;
}

/* Does what came so far agree with the lengths that were told, and with the limits? */
static const char *misfit(const struct eap_tunnel *t, bool more)
{
	if (t->announced > EAP_TUNNEL_MESSAGE || t->gathered > EAP_TUNNEL_MESSAGE ||
		t->total > EAP_TUNNEL_TOTAL)
		return "a message of TLS is too long";
	if (t->announced && t->gathered > t->announced)
		return "a message of TLS is longer than it says";
	if (t->announced && !more && t->gathered < t->announced)
		return "a message of TLS is shorter than it says";
	return NULL;
}

static enum eap_tunnel_event gather(struct eap_tunnel *t, uint8_t flags, uint32_t length,
	struct wire_reader *in, struct wire_writer *out)
{
	bool more = flags & EAP_TUNNEL_MORE, first = !t->gathering;
	size_t len = wire_left(in);
	const char *why;

	if (more && !len)
		return say(t, EAP_TUNNEL_BROKEN, "a fragment of TLS is empty");
	if (first)
		t->announced = t->gathered = 0;
	/* Some repeat it in each fragment; 0 on an acknowledgement says nothing. */
	if ((flags & EAP_TUNNEL_LENGTH) && (first ? !length && len : length != t->announced))
		return say(t, EAP_TUNNEL_BROKEN, "a message of TLS changes its length");
	if (flags & EAP_TUNNEL_LENGTH)
		t->announced = length;
	t->gathered += (uint32_t)len;
	t->total += (uint32_t)len;
	why = misfit(t, more);
	if (why)
		return say(t, EAP_TUNNEL_BROKEN, why);
	if (len && t->engine->feed(t->tls, wire_bytes(in, len), len))
		return say(t, EAP_TUNNEL_BROKEN, "a message of TLS is too long");
	t->gathering = more;
	if (more) {
		wire_put_u8(out, t->version);
		return EAP_TUNNEL_REPLY;
	}
	t->empty = !t->gathered;
	if (!t->empty)
		t->engine->run(t->tls);
	return EAP_TUNNEL_TURN;
}

enum eap_tunnel_event eap_tunnel_receive(
	struct eap_tunnel *t, struct wire_reader *in, struct wire_writer *out)
{
	uint8_t flags = wire_u8(in);
	uint32_t length = flags & EAP_TUNNEL_LENGTH ? wire_u32(in) : 0;

	t->why = NULL;
	if (in->failed)
		return say(t, EAP_TUNNEL_IGNORE, "a packet of TLS was malformed");
	/* In a Response the bit is reserved, and means nothing. */
	if (!t->server && (flags & EAP_TUNNEL_START)) {
		if (t->begun)
			return say(t, EAP_TUNNEL_IGNORE, "TLS was started again");
		t->begun = true;
		t->peer_version = flags & EAP_TUNNEL_VERSION;
		return EAP_TUNNEL_BEGIN;
	}
	if (!t->begun)
		return say(t, EAP_TUNNEL_IGNORE, "a packet of TLS came before its start");
	if (t->sending && (wire_left(in) || (flags & EAP_TUNNEL_MORE)))
		return say(t, EAP_TUNNEL_IGNORE, "TLS came where an acknowledgement was due");
	t->peer_version = flags & EAP_TUNNEL_VERSION;
	if (t->sending) {
		eap_tunnel_put(t, out);
		return EAP_TUNNEL_REPLY;
	}
	return gather(t, flags, length, in, out);
}

void eap_tunnel_put_start(struct eap_tunnel *t, struct wire_writer *out)
{
	t->begun = true;
	wire_put_u8(out, EAP_TUNNEL_START | t->version);
}

void eap_tunnel_put(struct eap_tunnel *t, struct wire_writer *out)
{
	size_t waiting = t->engine->waiting(t->tls), room = (size_t)(out->end - out->pos);
	bool first = !t->sending, tell = first && waiting && t->tell_length, more;
	size_t n, header = first ? 5 : 1;
	uint8_t *records;

	if (room > EAP_TUNNEL_FRAGMENT)
		room = EAP_TUNNEL_FRAGMENT;
	more = waiting + (tell ? 5 : 1) > room;
	if (more && room <= header) {
		out->failed = true;
		return;
	}
	t->sending = more;
	wire_put_u8(out, (uint8_t)(t->version | (more ? EAP_TUNNEL_MORE : 0) |
				   ((more && first) || tell ? EAP_TUNNEL_LENGTH : 0)));
	if ((more && first) || tell)
		wire_put_u32(out, (uint32_t)waiting);
	n = more ? room - header : waiting;
	records = n ? wire_room(out, n) : NULL;
	if (records)
		t->engine->take(t->tls, records, n);
}

bool eap_tunnel_waiting(const struct eap_tunnel *t)
{
	return t->engine->waiting(t->tls) > 0;
}

struct tls_status eap_tunnel_status(const struct eap_tunnel *t)
{
	struct tls_status status = { 0 };

	t->engine->status(t->tls, &status);
	return status;
}

int eap_tunnel_msk(const struct eap_tunnel *t, uint8_t type, uint8_t msk[EAP_MSK_LEN])
{
	/* TLS 1.3's exporter depends on the length: MSK and EMSK are one key (RFC 9190 2.3). */
	uint8_t material[2 * EAP_MSK_LEN];
	bool new = eap_tunnel_status(t).version >= TLS_1_3;
	int rc = t->engine->export(t->tls,
		new ? "EXPORTER_EAP_TLS_Key_Material" : "client EAP encryption", new ? &type : NULL,
		new ? 1 : 0, material, sizeof(material));

	if (rc)
		memset(material, 0, sizeof(material));
	memcpy(msk, material, EAP_MSK_LEN);
	explicit_bzero(material, sizeof(material));
	return rc;
}

void eap_msk_keys(const uint8_t msk[EAP_MSK_LEN], struct mppe_material *keys)
{
	memset(keys, 0, sizeof(*keys));
	keys->source = MPPE_FROM_MSK;
	memcpy(keys->key, msk, sizeof(keys->key));
	memcpy(keys->other, msk + EAP_MSK_LEN / 2, sizeof(keys->other));
}
