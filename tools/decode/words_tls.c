/*
 * EAP's methods on TLS in words (RFC 5216 section 3, PEAP): flags, lengths, and which records and
 * handshake messages begin in the packet (RFC 8446 sections 4 and 5), as far as they are not
 * encrypted. A packet is read by itself: what goes on with a record of the one before is not told
 * apart further. Names in certificates are not shown.
 */
#include "lib/ppp/eap_tunnel.h"
#include "tools/decode/words.h"

enum { CIPHER_SPEC = 20, ALERT = 21, HANDSHAKE = 22, DATA = 23 };

static const char *handshake_name(uint8_t type)
{
	switch (type) {
	case 0:
		return "HelloRequest";
	case 1:
		return "ClientHello";
	case 2:
		return "ServerHello";
	case 4:
		return "NewSessionTicket";
	case 8:
		return "EncryptedExtensions";
	case 11:
		return "Certificate";
	case 12:
		return "ServerKeyExchange";
	case 13:
		return "CertificateRequest";
	case 14:
		return "ServerHelloDone";
	case 15:
		return "CertificateVerify";
	case 16:
		return "ClientKeyExchange";
	case 20:
		return "Finished";
	case 22:
		return "CertificateStatus";
	default:
		return NULL;
	}
}

static const char *alert_name(uint8_t alert)
{
	switch (alert) {
	case 0:
		return "close_notify";
	case 10:
		return "unexpected_message";
	case 20:
		return "bad_record_mac";
	case 40:
		return "handshake_failure";
	case 42:
		return "bad_certificate";
	case 43:
		return "unsupported_certificate";
	case 44:
		return "certificate_revoked";
	case 45:
		return "certificate_expired";
	case 46:
		return "certificate_unknown";
	case 47:
		return "illegal_parameter";
	case 48:
		return "unknown_ca";
	case 49:
		return "access_denied";
	case 51:
		return "decrypt_error";
	case 70:
		return "protocol_version";
	case 71:
		return "insufficient_security";
	case 80:
		return "internal_error";
	case 116:
		return "certificate_required";
	default:
		return "another alert";
	}
}

/* Both outputs: an element of "tls", and a word of the text. */
static void say(struct decode_event *e, const char **between, const char *what)
{
	decode_event_text(e, "%s%s", *between, what);
	decode_event_string(e, NULL, what);
	*between = ", ";
}

/* One record's handshake messages. One whose type or length cannot be is encrypted. */
static void print_handshake(
	struct decode_event *e, const char **between, struct wire_reader body, bool whole)
{
	while (wire_left(&body) >= 4) {
		const char *name = handshake_name(wire_u8(&body));
		uint32_t high = wire_u8(&body);
		size_t len = high << 16 | wire_u16(&body);

		if (!name || (whole && len > wire_left(&body))) {
			say(e, between, "encrypted handshake");
			return;
		}
		say(e, between, name);
		wire_skip(&body, len < wire_left(&body) ? len : wire_left(&body));
	}
}

static void print_alert(struct decode_event *e, const char **between, struct wire_reader body)
{
	bool plain = wire_left(&body) == 2;
	uint8_t level = wire_u8(&body), alert = wire_u8(&body);

	if (!plain) {
		say(e, between, "encrypted alert");
		return;
	}
	decode_event_text(e, "%s%s alert: ", *between, level == 2 ? "fatal" : "warning");
	*between = "";
	say(e, between, alert_name(alert));
}

/* Records from the beginning of one; the last may be cut. false: it is the middle of one. */
static bool print_records(struct decode_event *e, struct wire_reader r)
{
	const char *between = ": ";

	while (wire_left(&r) >= 5) {
		uint8_t type = wire_u8(&r), major = wire_u8(&r), minor = wire_u8(&r);
		size_t len = wire_u16(&r), here = len < wire_left(&r) ? len : wire_left(&r);
		struct wire_reader body = wire_sub(&r, here);

		if (type < CIPHER_SPEC || type > DATA || major != 3 || minor > 4)
			return between[0] == ',';
		if (type == HANDSHAKE)
			print_handshake(e, &between, body, here == len);
		else if (type == ALERT)
			print_alert(e, &between, body);
		else
			say(e, &between,
				type == CIPHER_SPEC ? "ChangeCipherSpec" : "application data");
	}
	return between[0] == ',';
}

bool decode_words_tls(struct decode_event *e, uint8_t type, struct wire_reader body)
{
	uint8_t flags = wire_u8(&body);
	bool records;

	if (!body.failed && (flags & EAP_TUNNEL_LENGTH))
		decode_event_int(e, "tls_length", wire_u32(&body));
	if (body.failed) {
		decode_event_text(e, ": ");
		decode_event_malformed(e, "shorter than its header");
		return false;
	}
	if (type != 13)
		decode_event_text(e, "v%u", flags & EAP_TUNNEL_VERSION);
	decode_event_bool(e, "tls_start", flags & EAP_TUNNEL_START);
	decode_event_bool(e, "tls_more", flags & EAP_TUNNEL_MORE);
	if (flags & EAP_TUNNEL_START) {
		decode_event_text(e, ": start");
		return true;
	}
	if (!wire_left(&body)) {
		decode_event_text(e, ": acknowledgement");
		return true;
	}
	decode_event_text(e, ", %zu bytes%s", wire_left(&body),
		flags & EAP_TUNNEL_MORE ? ", more to come" : "");
	decode_event_array(e, "tls");
	records = print_records(e, body);
	decode_event_close(e);
	if (!records)
		decode_event_text(e, ": goes on with the one before");
	return true;
}
