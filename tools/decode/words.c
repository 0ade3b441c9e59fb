/* What all control protocols of PPP have in common, and which one a packet is: see words.h. */
#include "tools/decode/words.h"

#include "lib/ppp/frame.h"

#include <stdio.h>

void decode_words_code(struct decode_event *e, const struct decode_ppp *ppp, const char *name)
{
	char unknown[16];

	if (!name) {
		snprintf(unknown, sizeof(unknown), "code %u", ppp->code);
		name = unknown;
	}
	decode_event_string(e, "code", name);
	decode_event_int(e, "code_number", ppp->code);
	decode_event_int(e, "id", ppp->id);
	decode_event_int(e, "length", wire_left(&ppp->body) + 4);
	decode_event_text(e, "%s id %u", name, ppp->id);
}

static bool code_read(struct decode_event *e, struct decode_ppp *ppp, struct wire_reader *r)
{
	uint16_t length;

	ppp->code = wire_u8(r);
	ppp->id = wire_u8(r);
	length = wire_u16(r);
	if (!r->failed && length >= 4 && length - 4u <= wire_left(r)) {
		ppp->body = wire_sub(r, length - 4u);
		return true;
	}
	if (!r->failed) {
		decode_event_int(e, "code_number", ppp->code);
		decode_event_int(e, "id", ppp->id);
		decode_event_int(e, "length", length);
	}
	/* What the capture cut off is not the sender's fault. */
	if (ppp->cut && (r->failed || length >= 4)) {
		decode_event_text(e, "cut by the capture");
		if (!r->failed)
			decode_event_text(
				e, ": code %u id %u, length %u", ppp->code, ppp->id, length);
	} else if (r->failed) {
		decode_event_malformed(e, "shorter than its header");
	} else {
		decode_event_malformed(
			e, "length field %u, %zu bytes there", length, wire_left(r) + 4);
	}
	return false;
}

/* RFC 1989 section 2.5: a packet without code. */
static void words_lqr(struct decode_event *e, struct wire_reader r)
{
	static const char *const names[] = { "magic", "last_out_lqrs", "last_out_packets",
		"last_out_octets", "peer_in_lqrs", "peer_in_packets", "peer_in_discards",
		"peer_in_errors", "peer_in_octets", "peer_out_lqrs", "peer_out_packets",
		"peer_out_octets" };

	if (wire_left(&r) < sizeof(names) / sizeof(names[0]) * 4) {
		decode_event_text(e, "%zu bytes", wire_left(&r));
		return;
	}
	decode_event_text(e, "report");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		decode_event_int(e, names[i], wire_u32(&r));
}

static bool is_ncp(uint16_t protocol)
{
	return protocol >= 0x8000 && protocol < 0xc000;
}

bool decode_words_ppp(struct decode_event *e, struct decode_ppp *ppp, struct wire_reader r)
{
	bool known = ppp->protocol == PPP_LCP || ppp->protocol == PPP_PAP ||
		     ppp->protocol == PPP_CHAP || ppp->protocol == PPP_EAP ||
		     ppp->protocol == PPP_CBCP || is_ncp(ppp->protocol);

	if (!known) {
		if (ppp->protocol == PPP_LQR)
			words_lqr(e, r);
		else
			decode_event_text(e, "%zu bytes", wire_left(&r));
		return true;
	}
	if (!code_read(e, ppp, &r))
		return false;
	switch (ppp->protocol) {
	case PPP_PAP:
		return decode_words_pap(e, ppp);
	case PPP_CHAP:
		return decode_words_chap(e, ppp);
	case PPP_EAP:
		return decode_words_eap(e, ppp);
	case PPP_CBCP:
		return decode_words_cbcp(e, ppp);
	default:
		return decode_words_ncp(e, ppp);
	}
}
