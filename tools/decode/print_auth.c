/*
 * Authentication in words: PAP (RFC 1334), CHAP (RFC 1994, 2433, 2759), EAP (RFC 3748) and CBCP.
 * Passwords, challenges' answers and what is made of them ("S=") are never shown.
 */
#include "tools/decode/print_ppp.h"

#include "lib/ppp/eap.h"
#include "lib/ppp/mschap.h"

static void print_name(struct decode_print *p, const char *key, const uint8_t *name, size_t len)
{
	decode_print_bytes(p, key, name, len);
	decode_print_text(p, " %s ", key);
	decode_print_quoted(p, name, len);
}

static void print_message(struct decode_print *p, struct wire_reader r)
{
	if (!wire_left(&r))
		return;
	decode_print_bytes(p, "message", r.pos, wire_left(&r));
	decode_print_text(p, ": ");
	decode_print_quoted(p, r.pos, wire_left(&r));
}

static bool malformed(struct decode_print *p)
{
	decode_print_bool(p, "malformed", true);
	decode_print_text(p, ": malformed");
	return false;
}

bool decode_print_pap(struct decode_print *p, struct wire_reader r)
{
	static const char *const names[] = { NULL, "Authenticate-Request", "Authenticate-Ack",
		"Authenticate-Nak" };
	struct decode_code c;
	struct wire_reader name, password;

	if (!decode_code_read(p, &c, &r))
		return false;
	decode_code_print(p, &c, c.code < 4 ? names[c.code] : NULL);
	if (c.code == 1) {
		name = wire_sub(&c.body, wire_u8(&c.body));
		password = wire_sub(&c.body, wire_u8(&c.body));
		if (c.body.failed)
			return malformed(p);
		print_name(p, "name", name.pos, wire_left(&name));
		decode_print_text(p, " password of %zu bytes (not shown)", wire_left(&password));
	} else if (c.code == 2 || c.code == 3) {
		struct wire_reader text = wire_sub(&c.body, wire_u8(&c.body));

		/* Some peers send no message at all, not even its length. */
		if (!c.body.failed)
			print_message(p, text);
	}
	return true;
}

/* RFC 2759 section 5: the message behind "S=", which stands for the password as a response does. */
static void print_success(struct decode_print *p, struct wire_reader r)
{
	if (wire_left(&r) < 42 || r.pos[0] != 'S' || r.pos[1] != '=') {
		print_message(p, r);
		return;
	}
	decode_print_text(p, ": S=(not shown)");
	wire_skip(&r, 42);
	if (wire_left(&r) >= 3 && memcmp(r.pos, " M=", 3) == 0)
		wire_skip(&r, 3);
	if (wire_left(&r)) {
		decode_print_bytes(p, "message", r.pos, wire_left(&r));
		decode_print_text(p, " ");
		decode_print_quoted(p, r.pos, wire_left(&r));
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

static void print_failure(struct decode_print *p, struct wire_reader r)
{
	struct mschap_failure f;

	memset(&f, 0, sizeof(f));
	if (mschap_failure_parse(&f, r.pos, wire_left(&r)) != 0) {
		print_message(p, r);
		return;
	}
	decode_print_int(p, "error", f.error);
	decode_print_bool(p, "retry", f.retry);
	decode_print_text(p, ": error %u (%s)%s", f.error, error_text(f.error),
		f.retry ? ", retry allowed" : "");
	if (f.message[0]) {
		decode_print_bytes(p, "message", f.message, strlen(f.message));
		decode_print_text(p, " ");
		decode_print_quoted(p, f.message, strlen(f.message));
	}
}

static bool print_value(struct decode_print *p, struct wire_reader body, const char *what)
{
	struct wire_reader value = wire_sub(&body, wire_u8(&body));

	if (body.failed)
		return malformed(p);
	decode_print_text(p, ": %s of %zu bytes (not shown)", what, wire_left(&value));
	print_name(p, "name", body.pos, wire_left(&body));
	return true;
}

/* What CHAP and EAP-MSCHAPv2 have in common behind identifier and length. */
static bool print_chap_body(struct decode_print *p, uint8_t code, struct wire_reader body)
{
	switch (code) {
	case 1:
		return print_value(p, body, "challenge");
	case 2:
		return print_value(p, body, "response");
	case 3:
		print_success(p, body);
		return true;
	case 4:
		print_failure(p, body);
		return true;
	case 7:
		if (wire_left(&body) < PASSWORD_PACKET)
			return malformed(p);
		decode_print_text(p, ": new password and response (not shown)");
		return true;
	default:
		decode_print_text(p, ": %zu bytes (not shown)", wire_left(&body));
		return true;
	}
}

static const char *chap_code_name(uint8_t code)
{
	static const char *const names[] = { NULL, "Challenge", "Response", "Success", "Failure",
		"Change-Password v1", "Change-Password v2", "Change-Password" };

	return code < sizeof(names) / sizeof(names[0]) ? names[code] : NULL;
}

bool decode_print_chap(struct decode_print *p, struct wire_reader r)
{
	struct decode_code c;

	if (!decode_code_read(p, &c, &r))
		return false;
	decode_code_print(p, &c, chap_code_name(c.code));
	return print_chap_body(p, c.code, c.body);
}

static bool print_eap_mschap(struct decode_print *p, struct wire_reader body)
{
	uint8_t op = wire_u8(&body);
	const char *name = chap_code_name(op);

	if (body.failed)
		return malformed(p);
	decode_print_string(p, "mschap", name ? name : "unknown");
	decode_print_text(p, " %s", name ? name : "unknown operation");
	if (wire_left(&body) == 0) /* a bare Success or Failure answers one */
		return true;
	wire_skip(&body, 3);
	if (body.failed)
		return malformed(p);
	return print_chap_body(p, op, body);
}

static bool print_eap_type(struct decode_print *p, const struct decode_code *c)
{
	struct wire_reader body = c->body;
	uint8_t type = wire_u8(&body);
	const char *name = eap_type_name(type);

	if (body.failed)
		return malformed(p);
	decode_print_int(p, "eap_type", type);
	if (name)
		decode_print_text(p, " %s", name);
	else
		decode_print_text(p, " type %u", type);
	if (type == 13 || type == 21 || type == 25)
		return decode_print_tls(p, type, body);
	if (type == 26)
		return print_eap_mschap(p, body);
	if (type == 4)
		return print_value(p, body, c->code == 1 ? "challenge" : "response");
	if (type == 1 || type == 2) {
		print_message(p, body);
		return true;
	}
	if (type == 3) {
		decode_print_text(p, ": wants");
		for (const char *between = " "; wire_left(&body); between = ", ") {
			uint8_t wanted = wire_u8(&body);

			name = eap_type_name(wanted);
			decode_print_text(p, "%s%s", between, name ? name : "another type");
		}
		return true;
	}
	decode_print_text(p, ": %zu bytes", wire_left(&body));
	return true;
}

bool decode_print_eap(struct decode_print *p, struct wire_reader r)
{
	static const char *const names[] = { NULL, "Request", "Response", "Success", "Failure" };
	struct decode_code c;

	if (!decode_code_read(p, &c, &r))
		return false;
	decode_code_print(p, &c, c.code < 5 ? names[c.code] : NULL);
	return c.code == 1 || c.code == 2 ? print_eap_type(p, &c) : true;
}

bool decode_print_cbcp(struct decode_print *p, struct wire_reader r)
{
	static const char *const names[] = { NULL, "Callback-Request", "Callback-Response",
		"Callback-Ack" };
	static const char *const types[] = { NULL, "no callback", "to a number of the caller's",
		"to a number set beforehand", "to one of a list" };
	struct decode_code c;
	const char *between = ": ";

	if (!decode_code_read(p, &c, &r))
		return false;
	decode_code_print(p, &c, c.code < 4 ? names[c.code] : NULL);
	while (wire_left(&c.body)) {
		uint8_t type = wire_u8(&c.body), length = wire_u8(&c.body);

		wire_skip(&c.body, length < 2 ? SIZE_MAX : length - 2u);
		if (c.body.failed)
			return malformed(p);
		if (type >= 1 && type <= 4)
			decode_print_text(p, "%s%s", between, types[type]);
		else
			decode_print_text(p, "%soption %u", between, type);
		between = ", ";
	}
	return true;
}
