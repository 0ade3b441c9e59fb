/* LCP and the NCPs in words (RFC 1661 section 5, RFC 1570, RFC 1962). */
#include "tools/decode/print_ppp.h"

#include "lib/ppp/frame.h"

static const char *const code_names[] = { [1] = "Configure-Request",
	[2] = "Configure-Ack",
	[3] = "Configure-Nak",
	[4] = "Configure-Reject",
	[5] = "Terminate-Request",
	[6] = "Terminate-Ack",
	[7] = "Code-Reject" };

static const char *const lcp_code_names[] = { [8] = "Protocol-Reject",
	[9] = "Echo-Request",
	[10] = "Echo-Reply",
	[11] = "Discard-Request",
	[12] = "Identification",
	[13] = "Time-Remaining" };

bool decode_code_read(struct decode_print *p, struct decode_code *c, struct wire_reader *r)
{
	uint16_t length;

	c->code = wire_u8(r);
	c->id = wire_u8(r);
	length = wire_u16(r);
	if (r->failed || length < 4 || length - 4u > wire_left(r)) {
		decode_print_bool(p, "malformed", true);
		if (r->failed)
			decode_print_text(p, "malformed: shorter than its header");
		else
			decode_print_text(p, "malformed: length field %u, %zu bytes there", length,
				wire_left(r) + 4);
		return false;
	}
	c->body = wire_sub(r, length - 4u);
	return true;
}

void decode_code_print(struct decode_print *p, const struct decode_code *c, const char *name)
{
	char unknown[16];

	if (!name) {
		snprintf(unknown, sizeof(unknown), "code %u", c->code);
		name = unknown;
	}
	decode_print_string(p, "code", name);
	decode_print_int(p, "id", c->id);
	decode_print_text(p, "%s id %u", name, c->id);
}

static const char *ncp_code_name(uint16_t protocol, uint8_t code)
{
	if (code >= 1 && code < sizeof(code_names) / sizeof(code_names[0]))
		return code_names[code];
	if (protocol == PPP_LCP && code >= 8 &&
		code < sizeof(lcp_code_names) / sizeof(lcp_code_names[0]))
		return lcp_code_names[code];
	if (protocol == PPP_CCP && code == 14)
		return "Reset-Request";
	if (protocol == PPP_CCP && code == 15)
		return "Reset-Ack";
	return NULL;
}

static bool print_options(struct decode_print *p, uint16_t protocol, struct wire_reader r)
{
	struct decode_option o;
	char name[16];
	const char *between = ": ";

	decode_print_array(p, "options");
	while (wire_left(&r)) {
		uint8_t type = wire_u8(&r), length = wire_u8(&r);
		struct wire_reader data = wire_sub(&r, length < 2 ? SIZE_MAX : length - 2u);

		if (r.failed)
			break;
		decode_option_read(&o, protocol, type, data);
		snprintf(name, sizeof(name), "option %u", type);
		decode_print_text(p, "%s%s%s%s", between, o.name ? o.name : name,
			o.value[0] ? " " : "", o.value);
		between = ", ";
		decode_print_object(p, NULL);
		decode_print_int(p, "type", type);
		decode_print_string(p, "name", o.name ? o.name : name);
		decode_print_string(p, "value", o.value);
		decode_print_close(p);
	}
	decode_print_close(p);
	if (r.failed)
		decode_print_text(p, "%smalformed option", between);
	return !r.failed;
}

static void print_magic(struct decode_print *p, struct wire_reader *r)
{
	uint32_t magic;

	if (wire_left(r) < 4)
		return;
	magic = wire_u32(r);
	decode_print_int(p, "magic", magic);
	decode_print_text(p, ": Magic-Number %08x", magic);
}

static void print_data(struct decode_print *p, struct wire_reader r)
{
	if (!wire_left(&r))
		return;
	decode_print_bytes(p, "data", r.pos, wire_left(&r));
	decode_print_text(p, " ");
	decode_print_quoted(p, r.pos, wire_left(&r));
}

static void print_protocol_reject(struct decode_print *p, struct wire_reader r)
{
	char buf[24];
	uint16_t protocol = wire_u16(&r);
	const char *name = ppp_protocol_name(protocol, buf, sizeof(buf));

	if (r.failed)
		return;
	decode_print_string(p, "rejected", name);
	decode_print_text(p, ": %s, %zu bytes of it", name, wire_left(&r));
}

static void print_lcp(struct decode_print *p, const struct decode_code *c)
{
	struct wire_reader r = c->body;

	switch (c->code) {
	case 8:
		print_protocol_reject(p, r);
		break;
	case 9:
	case 10:
	case 11:
		print_magic(p, &r);
		if (wire_left(&r))
			decode_print_text(p, ", %zu bytes", wire_left(&r));
		break;
	case 12:
		print_magic(p, &r);
		print_data(p, r);
		break;
	case 13:
		print_magic(p, &r);
		if (wire_left(&r) >= 4)
			decode_print_text(p, ", %u seconds", wire_u32(&r));
		print_data(p, r);
		break;
	default:
		print_data(p, r);
	}
}

bool decode_print_ncp(struct decode_print *p, uint16_t protocol, struct wire_reader r)
{
	struct decode_code c;
	struct wire_reader body;

	if (!decode_code_read(p, &c, &r))
		return false;
	decode_code_print(p, &c, ncp_code_name(protocol, c.code));
	if (c.code >= 1 && c.code <= 4)
		return print_options(p, protocol, c.body);
	if (c.code == 7 && wire_left(&c.body)) {
		body = c.body;
		decode_print_text(p, ": code %u", wire_u8(&body));
		return true;
	}
	if (protocol == PPP_LCP)
		print_lcp(p, &c);
	else
		print_data(p, c.body);
	return true;
}
