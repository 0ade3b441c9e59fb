/* LCP and the NCPs in words (RFC 1661 section 5, RFC 1570, RFC 1962). */
#include "tools/decode/words.h"

#include "lib/ppp/frame.h"

/* 0: RFC 2153 section 2. */
static const char *const code_names[] = { "Vendor-Specific",
	"Configure-Request", [2] = "Configure-Ack", [3] = "Configure-Nak", [4] = "Configure-Reject",
	[5] = "Terminate-Request", [6] = "Terminate-Ack", [7] = "Code-Reject" };

static const char *const lcp_code_names[] = { [8] = "Protocol-Reject",
	[9] = "Echo-Request",
	[10] = "Echo-Reply",
	[11] = "Discard-Request",
	[12] = "Identification",
	[13] = "Time-Remaining" };

static const char *ncp_code_name(uint16_t protocol, uint8_t code)
{
	if (code < sizeof(code_names) / sizeof(code_names[0]))
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

static bool print_options(struct decode_event *e, uint16_t protocol, struct wire_reader r)
{
	const char *between = ": ";

	decode_event_array(e, "options");
	while (wire_left(&r)) {
		uint8_t type = wire_u8(&r), length = wire_u8(&r);
		struct wire_reader data = wire_sub(&r, length < 2 ? SIZE_MAX : length - 2u);

		if (r.failed)
			break;
		decode_event_text(e, "%s", between);
		between = ", ";
		decode_event_object(e, NULL);
		decode_words_option(e, protocol, type, data);
		decode_event_close(e);
	}
	decode_event_close(e);
	if (r.failed) {
		decode_event_text(e, "%s", between);
		decode_event_malformed(e, "an option beyond the packet");
	}
	return !r.failed;
}

static void print_magic(struct decode_event *e, struct wire_reader *r)
{
	uint32_t magic;

	if (wire_left(r) < 4)
		return;
	magic = wire_u32(r);
	decode_event_int(e, "magic", magic);
	decode_event_text(e, ": Magic-Number %08x", magic);
}

/* Text that is meant for people; `data` has its bytes. */
static void print_data(struct decode_event *e, struct wire_reader r)
{
	if (!wire_left(&r))
		return;
	decode_event_bytes(e, "message", r.pos, wire_left(&r));
	decode_event_hex(e, "data", r.pos, wire_left(&r));
	decode_event_text(e, " ");
	decode_event_quoted(e, r.pos, wire_left(&r));
}

static void print_protocol_reject(struct decode_event *e, struct wire_reader r)
{
	char buf[24];
	uint16_t protocol = wire_u16(&r);
	const char *name = ppp_protocol_name(protocol, buf, sizeof(buf));

	if (r.failed)
		return;
	decode_event_string(e, "rejected", name);
	decode_event_int(e, "rejected_number", protocol);
	/* There may be a password in it. */
	if (protocol == PPP_PAP || protocol == PPP_SPAP || protocol == PPP_CHAP ||
		protocol == PPP_EAP)
		decode_event_secret(e, "data", r.pos, wire_left(&r));
	else
		decode_event_hex(e, "data", r.pos, wire_left(&r));
	decode_event_text(e, ": %s, %zu bytes of it", name, wire_left(&r));
}

static void print_lcp(struct decode_event *e, const struct decode_ppp *ppp)
{
	struct wire_reader r = ppp->body;

	switch (ppp->code) {
	case 8:
		print_protocol_reject(e, r);
		break;
	case 9:
	case 10:
	case 11:
		print_magic(e, &r);
		if (wire_left(&r)) {
			decode_event_hex(e, "data", r.pos, wire_left(&r));
			decode_event_text(e, ", %zu bytes", wire_left(&r));
		}
		break;
	case 12:
		print_magic(e, &r);
		print_data(e, r);
		break;
	case 13:
		print_magic(e, &r);
		if (wire_left(&r) >= 4) {
			uint32_t seconds = wire_u32(&r);

			decode_event_int(e, "seconds", seconds);
			decode_event_text(e, ", %u seconds", seconds);
		}
		print_data(e, r);
		break;
	default:
		print_data(e, r);
	}
}

bool decode_words_ncp(struct decode_event *e, const struct decode_ppp *ppp)
{
	struct wire_reader body = ppp->body;

	decode_words_code(e, ppp, ncp_code_name(ppp->protocol, ppp->code));
	if (ppp->code >= 1 && ppp->code <= 4)
		return print_options(e, ppp->protocol, body);
	if (ppp->code == 7 && wire_left(&body)) {
		decode_event_hex(e, "data", body.pos, wire_left(&body));
		decode_event_text(e, ": code %u", wire_u8(&body));
		return true;
	}
	if (ppp->protocol == PPP_LCP)
		print_lcp(e, ppp);
	else
		print_data(e, body);
	return true;
}
