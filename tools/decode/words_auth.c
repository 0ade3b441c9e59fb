/*
 * Authentication in words: PAP (RFC 1334), CHAP (RFC 1994, 2433, 2759), EAP (RFC 3748) and CBCP.
 * Passwords, challenges' answers and what is made of them ("S=") are never shown.
 */
#include "tools/decode/words.h"

#include "lib/ppp/eap.h"
#include "lib/ppp/mschap.h"

static void print_name(struct decode_event *e, const char *key, const uint8_t *name, size_t len)
{
	decode_event_bytes(e, key, name, len);
	decode_event_text(e, " %s ", key);
	decode_event_quoted(e, name, len);
}

static void print_message(struct decode_event *e, struct wire_reader r)
{
	if (!wire_left(&r))
		return;
	decode_event_bytes(e, "message", r.pos, wire_left(&r));
	decode_event_text(e, ": ");
	decode_event_quoted(e, r.pos, wire_left(&r));
}

static bool malformed(struct decode_event *e)
{
	decode_event_text(e, ": ");
	decode_event_malformed(e, "a length beyond the packet");
	return false;
}

/* A password: its length, and itself only if it was asked for. */
static void print_password(struct decode_event *e, struct wire_reader password)
{
	decode_event_int(e, "password_length", wire_left(&password));
	if (!e->secrets) {
		decode_event_text(e, " password of %zu bytes (not shown)", wire_left(&password));
		return;
	}
	decode_event_bytes(e, "secret_password", password.pos, wire_left(&password));
	decode_event_text(e, " password ");
	decode_event_quoted(e, password.pos, wire_left(&password));
}

bool decode_words_pap(struct decode_event *e, const struct decode_ppp *ppp)
{
	static const char *const names[] = { NULL, "Authenticate-Request", "Authenticate-Ack",
		"Authenticate-Nak" };
	struct wire_reader body = ppp->body, name, password;

	decode_words_code(e, ppp, ppp->code < 4 ? names[ppp->code] : NULL);
	if (ppp->code == 1) {
		name = wire_sub(&body, wire_u8(&body));
		password = wire_sub(&body, wire_u8(&body));
		if (body.failed)
			return malformed(e);
		print_name(e, "name", name.pos, wire_left(&name));
		print_password(e, password);
	} else if (ppp->code == 2 || ppp->code == 3) {
		struct wire_reader text = wire_sub(&body, wire_u8(&body));

		/* Some peers send no message at all, not even its length. */
		if (!body.failed)
			print_message(e, text);
	}
	return true;
}

/* RFC 2759 section 5: the message behind "S=", which stands for the password as a response does. */
static void print_success(struct decode_event *e, struct wire_reader r)
{
	if (wire_left(&r) < 42 || r.pos[0] != 'S' || r.pos[1] != '=') {
		print_message(e, r);
		return;
	}
	if (e->secrets) {
		decode_event_bytes(e, "secret_text", r.pos, wire_left(&r));
		decode_event_text(e, ": ");
		decode_event_quoted(e, r.pos, 42);
	} else {
		decode_event_text(e, ": S=(not shown)");
	}
	wire_skip(&r, 42);
	if (wire_left(&r) >= 3 && memcmp(r.pos, " M=", 3) == 0)
		wire_skip(&r, 3);
	if (wire_left(&r)) {
		decode_event_bytes(e, "message", r.pos, wire_left(&r));
		decode_event_text(e, " ");
		decode_event_quoted(e, r.pos, wire_left(&r));
	}
}

static const char *error_text(unsigned int error)
{
	switch (error) {
	case 646:
		return "outside the allowed hours";
	case 647:
		return "account disabled";
	case 648:
		return "password expired";
	case 649:
		return "no dial-in permission";
	case 691:
		return "wrong name or password";
	case 709:
		return "changing the password failed";
	default:
		return "unknown error";
	}
}

static void print_failure(struct decode_event *e, struct wire_reader r)
{
	struct mschap_failure f;

	memset(&f, 0, sizeof(f));
	if (mschap_failure_parse(&f, r.pos, wire_left(&r)) != 0) {
		print_message(e, r);
		return;
	}
	decode_event_int(e, "error", f.error);
	decode_event_bool(e, "retry", f.retry);
	if (e->secrets)
		decode_event_bytes(e, "secret_text", r.pos, wire_left(&r));
	decode_event_text(e, ": error %u (%s)%s", f.error, error_text(f.error),
		f.retry ? ", retry allowed" : "");
	if (f.message[0]) {
		decode_event_bytes(e, "message", f.message, strlen(f.message));
		decode_event_text(e, " ");
		decode_event_quoted(e, f.message, strlen(f.message));
	}
}

static bool print_value(struct decode_event *e, struct wire_reader body, const char *what)
{
	struct wire_reader value = wire_sub(&body, wire_u8(&body));
	char hex[2 * 255 + 8];

	if (body.failed)
		return malformed(e);
	decode_event_int(e, "value_size", wire_left(&value));
	decode_event_secret(e, "secret_value", value.pos, wire_left(&value));
	if (e->secrets)
		decode_event_text(e, ": %s %s", what,
			decode_hex(hex, sizeof(hex), value.pos, wire_left(&value)));
	else
		decode_event_text(e, ": %s of %zu bytes (not shown)", what, wire_left(&value));
	print_name(e, "name", body.pos, wire_left(&body));
	return true;
}

/* What CHAP and EAP-MSCHAPv2 have in common behind identifier and length. */
static bool print_chap_body(struct decode_event *e, uint8_t code, struct wire_reader body)
{
	switch (code) {
	case 1:
		return print_value(e, body, "challenge");
	case 2:
		return print_value(e, body, "response");
	case 3:
		print_success(e, body);
		return true;
	case 4:
		print_failure(e, body);
		return true;
	case 7:
		if (wire_left(&body) < PASSWORD_PACKET)
			return malformed(e);
		decode_event_text(e, ": new password and response (not shown)");
		decode_event_secret(e, "secret_value", body.pos, wire_left(&body));
		return true;
	default:
		decode_event_text(e, ": %zu bytes (not shown)", wire_left(&body));
		decode_event_secret(e, "secret_value", body.pos, wire_left(&body));
		return true;
	}
}

static const char *chap_code_name(uint8_t code)
{
	static const char *const names[] = { NULL, "Challenge", "Response", "Success", "Failure",
		"Change-Password v1", "Change-Password v2", "Change-Password" };

	return code < sizeof(names) / sizeof(names[0]) ? names[code] : NULL;
}

bool decode_words_chap(struct decode_event *e, const struct decode_ppp *ppp)
{
	decode_words_code(e, ppp, chap_code_name(ppp->code));
	return print_chap_body(e, ppp->code, ppp->body);
}

static bool print_eap_mschap(struct decode_event *e, struct wire_reader body)
{
	uint8_t op = wire_u8(&body);
	const char *name = chap_code_name(op);

	if (body.failed)
		return malformed(e);
	decode_event_string(e, "mschap", name ? name : "unknown");
	decode_event_text(e, " %s", name ? name : "unknown operation");
	if (wire_left(&body) == 0) /* a bare Success or Failure answers one */
		return true;
	wire_skip(&body, 3);
	if (body.failed)
		return malformed(e);
	return print_chap_body(e, op, body);
}

static bool print_eap_type(struct decode_event *e, const struct decode_ppp *ppp)
{
	struct wire_reader body = ppp->body;
	uint8_t type = wire_u8(&body);
	const char *name = eap_type_name(type);

	if (body.failed)
		return malformed(e);
	decode_event_int(e, "eap_type", type);
	if (name)
		decode_event_text(e, " %s", name);
	else
		decode_event_text(e, " type %u", type);
	if (type == 13 || type == 21 || type == 25)
		return decode_words_tls(e, type, body);
	if (type == 26)
		return print_eap_mschap(e, body);
	if (type == 4)
		return print_value(e, body, ppp->code == 1 ? "challenge" : "response");
	if (type == 1 || type == 2) {
		print_message(e, body);
		return true;
	}
	if (type == 3) {
		decode_event_text(e, ": wants");
		for (const char *between = " "; wire_left(&body); between = ", ") {
			uint8_t wanted = wire_u8(&body);

			name = eap_type_name(wanted);
			decode_event_text(e, "%s%s", between, name ? name : "another type");
		}
		return true;
	}
	decode_event_text(e, ": %zu bytes", wire_left(&body));
	return true;
}

bool decode_words_eap(struct decode_event *e, const struct decode_ppp *ppp)
{
	static const char *const names[] = { NULL, "Request", "Response", "Success", "Failure" };

	decode_words_code(e, ppp, ppp->code < 5 ? names[ppp->code] : NULL);
	return ppp->code == 1 || ppp->code == 2 ? print_eap_type(e, ppp) : true;
}

/* Type, length, delay, and numbers to call, each a type and a string that ends with a NUL. */
static void print_callback(struct decode_event *e, uint8_t type, struct wire_reader body)
{
	static const char *const types[] = { NULL, "no callback", "to a number of the caller's",
		"to a number set beforehand", "to one of a list" };
	const char *name = type < sizeof(types) / sizeof(types[0]) ? types[type] : NULL;

	decode_event_object(e, NULL);
	decode_event_int(e, "type", type);
	decode_event_int(e, "length", wire_left(&body) + 2);
	if (name)
		decode_event_text(e, "%s", name);
	else
		decode_event_text(e, "option %u", type);
	decode_event_string(e, "name", name ? name : "unknown");
	if (wire_left(&body)) {
		uint8_t delay = wire_u8(&body);

		decode_event_int(e, "delay", delay);
		decode_event_text(e, ", delay %u s", delay);
	}
	if (wire_left(&body) > 1) {
		wire_skip(&body, 1);
		decode_event_bytes(e, "number", body.pos, wire_left(&body));
		decode_event_text(e, " ");
		decode_event_quoted(e, body.pos, wire_left(&body));
	}
	decode_event_close(e);
}

bool decode_words_cbcp(struct decode_event *e, const struct decode_ppp *ppp)
{
	static const char *const names[] = { NULL, "Callback-Request", "Callback-Response",
		"Callback-Ack" };
	struct wire_reader body = ppp->body;
	const char *between = ": ";
	bool ok = true;

	decode_words_code(e, ppp, ppp->code < 4 ? names[ppp->code] : NULL);
	decode_event_array(e, "options");
	while (wire_left(&body) && ok) {
		uint8_t type = wire_u8(&body), length = wire_u8(&body);
		struct wire_reader data = wire_sub(&body, length < 2 ? SIZE_MAX : length - 2u);

		ok = !body.failed;
		decode_event_text(e, "%s", between);
		if (ok)
			print_callback(e, type, data);
		between = ", ";
	}
	decode_event_close(e);
	if (!ok)
		decode_event_malformed(e, "an option beyond the packet");
	return ok;
}
