/*
 * PPP frames: the conversation as far as later frames depend on it (authentication, CCP), and
 * what is in the data (MPPE). The words are print_*.c's.
 */
#include "tools/decode/decoder.h"
#include "tools/decode/headers.h"
#include "tools/decode/print_ppp.h"

#include "lib/ppp/ccp_codec.h"
#include "lib/ppp/cp.h"
#include "lib/ppp/frame.h"
#include "lib/ppp/mschap.h"

#include <errno.h>

#define MPPE_BIT_40   0x00000020u
#define MPPE_BIT_56   0x00000080u
#define MPPE_BIT_128  0x00000040u
#define MPPE_BIT_NOST 0x01000000u

/* A frame on its way through this file. */
struct place {
	struct decoder *d;
	struct decode_call *call;
	unsigned int side;
	const struct decode_frame *frame;
};

static void verdict_print(struct place *at, enum decode_verdict verdict)
{
	struct decode_print *p = &at->d->print;

	if (verdict == DECODE_NOT_CHECKED || !at->d->options.users || !at->d->options.users->count)
		return;
	if (verdict == DECODE_FITS) {
		at->d->stats.verified++;
		decode_print_string(p, "password", "verified");
		decode_print_text(p, ", password verified");
	} else if (verdict == DECODE_WRONG) {
		decode_print_string(p, "password", "wrong");
		decode_print_text(p, ", the given password does not fit");
	} else {
		decode_print_string(p, "password", "unknown");
		decode_print_text(p, ", no password given for this name");
	}
}

/* This side answers the other one's challenge. */
static void response_follow(struct place *at, uint8_t id, const uint8_t *value, size_t len,
	const uint8_t *name, size_t name_len)
{
	struct decode_auth *a = &at->call->side[1 - at->side].auth;
	enum decode_verdict verdict =
		decode_auth_response(a, at->d->options.users, id, value, len, name, name_len);

	decode_print_string(&at->d->print, "method", decode_auth_name(a));
	decode_print_text(&at->d->print, ", %s", decode_auth_name(a));
	verdict_print(at, verdict);
	if (a->has_keys) {
		at->call->proven = a;
		at->call->authenticator = (int)(1 - at->side);
	}
}

/* And to another password. */
static void change_follow(struct place *at, struct wire_reader body)
{
	struct decode_auth *a = &at->call->side[1 - at->side].auth;

	verdict_print(at, decode_auth_change(a, body));
	if (a->has_keys) {
		at->call->proven = a;
		at->call->authenticator = (int)(1 - at->side);
	}
}

static void success_follow(struct place *at, struct wire_reader text)
{
	struct decode_print *p = &at->d->print;
	const struct decode_auth *a = &at->call->side[at->side].auth;
	enum decode_verdict verdict = decode_auth_success(a, text.pos, wire_left(&text));

	if (verdict == DECODE_FITS) {
		decode_print_bool(p, "authenticator_proven", true);
		decode_print_text(p, ", the authenticator knows the password");
	} else if (verdict == DECODE_WRONG) {
		decode_print_bool(p, "authenticator_proven", false);
		decode_print_text(p, ", the authenticator does NOT know the password");
	}
}

static void failure_follow(struct place *at, struct wire_reader text)
{
	struct mschap_failure f;

	memset(&f, 0, sizeof(f));
	if (mschap_failure_parse(&f, text.pos, wire_left(&text)) == 0 && f.has_challenge)
		decode_auth_challenge(
			&at->call->side[at->side].auth, f.challenge, sizeof(f.challenge));
}

/* CHAP's body, or that of EAP-MD5 (codes 1, 2) or EAP-MSCHAPv2. */
static void chap_follow(struct place *at, uint8_t code, uint8_t id, struct wire_reader body)
{
	struct wire_reader value;

	if (code == 3) {
		success_follow(at, body);
		return;
	}
	if (code == 4) {
		failure_follow(at, body);
		return;
	}
	if (code == 7)
		change_follow(at, body);
	if (code != 1 && code != 2)
		return;
	value = wire_sub(&body, wire_u8(&body));
	if (body.failed)
		return;
	if (code == 1)
		decode_auth_challenge(&at->call->side[at->side].auth, value.pos, wire_left(&value));
	else
		response_follow(at, id, value.pos, wire_left(&value), body.pos, wire_left(&body));
}

/* Code, identifier and body of a packet that the printer found well-formed. */
static struct wire_reader body_of(struct wire_reader r, uint8_t *code, uint8_t *id)
{
	uint16_t length;

	*code = wire_u8(&r);
	*id = wire_u8(&r);
	length = wire_u16(&r);
	return wire_sub(&r, length < 4 ? SIZE_MAX : length - 4u);
}

static void eap_follow(struct place *at, struct wire_reader r)
{
	uint8_t code, id, type, op;
	struct wire_reader body = body_of(r, &code, &id);

	if (body.failed || (code != 1 && code != 2))
		return;
	at->call->side[0].auth.eap = at->call->side[1].auth.eap = true;
	type = wire_u8(&body);
	if (type == 4) {
		chap_follow(at, code, id, body);
	} else if (type == 26) {
		op = wire_u8(&body);
		wire_skip(&body, 3);
		if (!body.failed)
			chap_follow(at, op, id, body);
	}
}

static void pap_follow(struct place *at, struct wire_reader r)
{
	uint8_t code, id;
	struct wire_reader body = body_of(r, &code, &id), name, password;
	struct decode_auth *a = &at->call->side[1 - at->side].auth;

	if (code != 1)
		return;
	name = wire_sub(&body, wire_u8(&body));
	password = wire_sub(&body, wire_u8(&body));
	if (body.failed)
		return;
	verdict_print(at, decode_auth_pap(a, at->d->options.users, name.pos, wire_left(&name),
				  password.pos, wire_left(&password)));
}

static bool mppe_params(struct mppe_params *params, uint32_t bits)
{
	params->stateless = bits & MPPE_BIT_NOST;
	if (bits & MPPE_BIT_128)
		params->bits = MPPE_128;
	else if (bits & MPPE_BIT_56)
		params->bits = MPPE_56;
	else if (bits & MPPE_BIT_40)
		params->bits = MPPE_40;
	else
		return false;
	return true;
}

/* The longest information field there is: what one capture's LCP agreed on is not looked at. */
#define UNPACKED_MAX 1600

/* Compression alone: the first method of the list counts, pppd acknowledges several. */
static void compress_follow(struct decode_crypt *crypt, const struct ppp_option *option)
{
	struct codec_params params;

	if (ccp_codec_get(option, &params)) {
		params.limit = UNPACKED_MAX;
		decode_crypt_compress(crypt, &params);
	}
}

/* MPPE, by its option of an acknowledged request; false: that is not what it says. */
static bool mppe_follow(struct place *at, struct decode_crypt *crypt, uint32_t bits)
{
	const struct codec_params mppc = {
		.kind = CODEC_MPPC, .encrypted = true, .limit = UNPACKED_MAX
	};
	struct mppe_params params;
	uint8_t start[16];
	bool known;

	if (!mppe_params(&params, bits))
		return false;
	known = at->call->proven &&
		decode_auth_start_key(at->call->proven, (int)at->side == at->call->authenticator,
			params.bits, start);
	decode_crypt_start(crypt, &params, known ? start : NULL);
	explicit_bzero(start, sizeof(start));
	if (known && bits & CCP_MPPC)
		decode_crypt_compress(crypt, &mppc);
	return true;
}

/* Deflate and BSD-Compress begin anew with it (RFC 1977 and 1979, section 2). */
static void reset_follow(struct place *at)
{
	struct decode_crypt *crypt = &at->call->side[at->side].crypt;

	if (crypt->algorithm == DECODE_COMPRESS && codec_kind_needs_ack(codec_kind(crypt->codec)))
		codec_reset(crypt->codec);
}

/* RFC 1962 section 4: an acknowledged request is what its sender receives: here, what this side
 * sends. */
static void ccp_follow(struct place *at, struct wire_reader r)
{
	/* Who acknowledges is who sends. */
	struct decode_crypt *crypt = &at->call->side[at->side].crypt;
	uint8_t code, id;
	struct wire_reader body = body_of(r, &code, &id);
	struct ppp_option option;

	if (code == CP_RESET_ACK && !body.failed)
		reset_follow(at);
	if (code != CP_CONFIGURE_ACK || body.failed || !wire_left(&body))
		return;
	decode_crypt_done(crypt);
	crypt->algorithm = DECODE_OTHER;
	while (crypt->algorithm == DECODE_OTHER && ppp_option_next(&body, &option)) {
		if (option.type != CCP_MPPE || !mppe_follow(at, crypt, ppp_option_u32(&option)))
			compress_follow(crypt, &option);
	}
}

/* As with CCP: who acknowledges is who sends so. */
static void ipcp_follow(struct place *at, struct wire_reader r)
{
	uint8_t code, id;
	struct wire_reader body = body_of(r, &code, &id);

	if (code == CP_CONFIGURE_ACK && !body.failed)
		decode_headers_agreed(&at->call->side[at->side], body);
}

static void lcp_follow(struct place *at, struct wire_reader r)
{
	uint8_t code = wire_u8(&r);

	/* A late copy of an old request does not reopen the link. */
	if (!r.failed && code == 1 && !at->frame->late)
		decode_call_restart(at->call);
}

static bool plausible(uint16_t protocol, struct wire_reader r)
{
	uint8_t version = wire_u8(&r) >> 4;

	if (r.failed || !ppp_is_data(protocol))
		return false;
	return protocol == PPP_IP ? version == 4 : protocol == PPP_IPV6 ? version == 6 : true;
}

static void decrypted(struct place *at, const uint8_t *data, size_t len, size_t captured)
{
	struct decode_print *p = &at->d->print;
	struct wire_reader r = wire_reader(data, captured);
	uint16_t protocol;
	size_t head;

	if (captured < len && captured < 8) {
		decode_print_string(p, "state", "cut");
		decode_print_text(p, "decrypted, but cut by the capture");
		return;
	}
	if (!ppp_header_read(&r, &protocol) || !plausible(protocol, r)) {
		decode_crypt_lost(&at->call->side[at->side].crypt);
		decode_print_string(p, "state", "nonsense");
		decode_print_text(p, "decrypts to nonsense (wrong keys or out of step)");
		return;
	}
	head = (size_t)(r.pos - data);
	at->call->side[at->side].decrypted++;
	at->d->stats.decrypted++;
	decode_print_string(p, "state", "decrypted");
	decode_print_text(p, "decrypted: ");
	decode_headers_inner(at->d, &at->call->side[at->side], at->frame, protocol, r.pos,
		len - head, captured - head);
}

static void not_decrypted(struct place *at, uint16_t header, enum mppe_result result)
{
	const char *state = "out-of-step", *text = "encrypted, out of step after a loss";

	if (!(header & MPPE_ENCRYPTED)) {
		at->d->stats.malformed++;
		state = "malformed";
		text = "not encrypted, though MPPE was agreed on";
	} else if (result == MPPE_BAD) {
		state = "nonsense";
		text = "decrypts to nonsense (wrong keys or out of step)";
	} else if (result == MPPE_OLD) {
		state = "late";
		text = "encrypted, too late to be decrypted";
	}
	decode_print_string(&at->d->print, "state", state);
	decode_print_text(&at->d->print, "%s", text);
}

static void header_print(struct decode_print *p, uint16_t header, size_t len)
{
	decode_print_int(p, "count", header & MPPE_COUNT);
	decode_print_bool(p, "flushed", header & MPPE_FLUSHED);
	decode_print_int(p, "bytes", len);
	decode_print_text(p, "MPPE count %u%s, %zu bytes, ", header & MPPE_COUNT,
		header & MPPE_FLUSHED ? " flushed" : "", len);
}

/* Protocol and packet as they were, or an error of the codec. */
static void unpacked(struct place *at, int n, const uint8_t *data)
{
	struct decode_print *p = &at->d->print;
	struct wire_reader r = wire_reader(data, n > 0 ? (size_t)n : 0);
	uint16_t protocol;

	if (n == -EAGAIN) {
		decode_print_string(p, "state", "out-of-step");
		decode_print_text(p, "compressed, out of step after a loss");
		return;
	}
	if (n <= 0 || !ppp_header_read(&r, &protocol) || !plausible(protocol, r)) {
		decode_print_string(p, "state", "nonsense");
		decode_print_text(p, "cannot be decompressed");
		return;
	}
	at->d->stats.decompressed++;
	decode_print_string(p, "state", "decompressed");
	decode_print_text(p, "decompressed: ");
	decode_headers_inner(at->d, &at->call->side[at->side], at->frame, protocol, r.pos,
		wire_left(&r), wire_left(&r));
}

static void decompressed(struct place *at, const uint8_t *data, size_t len, size_t captured)
{
	struct decode_print *p = &at->d->print;
	struct decode_crypt *crypt = &at->call->side[at->side].crypt;
	const uint8_t *out = NULL;
	int n;

	at->d->stats.compressed++;
	decode_print_string(p, "compression", codec_name(codec_kind(crypt->codec)));
	decode_print_int(p, "bytes", len);
	decode_print_text(p, "%s, %zu bytes, ", codec_name(codec_kind(crypt->codec)), len);
	if (captured < len) {
		decode_print_string(p, "state", "cut");
		decode_print_text(p, "cut by the capture");
		return;
	}
	n = codec_decompress(crypt->codec, data, len, &out);
	unpacked(at, n, out);
}

/* MPPC under MPPE, decrypted. */
static void expanded(
	struct place *at, uint16_t header, const uint8_t *data, size_t len, size_t captured)
{
	struct decode_crypt *crypt = &at->call->side[at->side].crypt;
	const uint8_t *out = NULL;
	int n;

	if (!(header & MPPE_COMPRESSED) || captured < len) {
		(void)codec_expand(crypt->codec, header & MPPE_FLUSHED, data, 0, &out);
		decrypted(at, data, len, captured);
		return;
	}
	n = codec_expand(crypt->codec, header, data, len, &out);
	if (n > 0)
		decrypted(at, out, (size_t)n, (size_t)n);
	else
		unpacked(at, n, out);
}

/* `data` and `len`: behind the PPP header; `captured` bytes of it are real. */
static void comp_run(struct place *at, uint8_t *data, size_t len, size_t captured)
{
	struct decode_print *p = &at->d->print;
	struct decode_side *s = &at->call->side[at->side];
	struct wire_reader r = wire_reader(data, captured);
	uint16_t header = wire_u16(&r);
	enum mppe_result result;

	if (s->crypt.algorithm == DECODE_COMPRESS) {
		decompressed(at, data, len, captured);
		return;
	}
	if (s->crypt.algorithm == DECODE_OTHER) {
		decode_print_int(p, "bytes", len);
		decode_print_text(p, "compressed data, %zu bytes", len);
		return;
	}
	if (r.failed) {
		at->d->stats.malformed++;
		decode_print_text(p, "malformed: shorter than MPPE's header");
		return;
	}
	header_print(p, header, len - MPPE_HEADER);
	s->encrypted++;
	at->d->stats.encrypted++;
	if (!s->crypt.running) {
		decode_print_string(p, "state", "encrypted");
		decode_print_text(p, "encrypted");
		return;
	}
	result = decode_crypt_open(&s->crypt, data, (uint32_t)len, &at->d->batch);
	if (result != MPPE_OK)
		not_decrypted(at, header, result);
	else if (s->crypt.codec)
		expanded(at, header, data + MPPE_HEADER, len - MPPE_HEADER, captured - MPPE_HEADER);
	else if (header & MPPE_COMPRESSED)
		decode_print_text(p, "decrypted, compressed by MPPC");
	else
		decrypted(at, data + MPPE_HEADER, len - MPPE_HEADER, captured - MPPE_HEADER);
}

void decode_inner(struct decoder *d, const struct decode_frame *f, uint16_t protocol,
	const uint8_t *data, size_t len, size_t captured)
{
	struct pcap_pkthdr header = { .caplen = (bpf_u_int32)captured, .len = (bpf_u_int32)len };

	d->stats.inner++;
	decode_print_inner(&d->print, protocol, wire_reader(data, captured));
	if (!d->dump || (protocol != PPP_IP && protocol != PPP_IPV6))
		return;
	header.ts.tv_sec = (time_t)(f->meta.time / 1000000);
	header.ts.tv_usec = (suseconds_t)(f->meta.time % 1000000);
	pcap_dump((u_char *)d->dump, &header, data);
}

/* Control protocols: the words, and what they change. */
static bool control_run(struct place *at, uint16_t protocol, struct wire_reader r)
{
	struct decode_print *p = &at->d->print;
	bool ok;

	switch (protocol) {
	case PPP_PAP:
		ok = decode_print_pap(p, r);
		if (ok)
			pap_follow(at, r);
		return ok;
	case PPP_CHAP:
		ok = decode_print_chap(p, r);
		if (ok) {
			uint8_t code, id;
			struct wire_reader body = body_of(r, &code, &id);

			chap_follow(at, code, id, body);
		}
		return ok;
	case PPP_EAP:
		ok = decode_print_eap(p, r);
		if (ok)
			eap_follow(at, r);
		return ok;
	case PPP_CBCP:
		return decode_print_cbcp(p, r);
	case PPP_LQR:
		decode_print_text(p, "%zu bytes", wire_left(&r));
		return true;
	case PPP_LCP:
		lcp_follow(at, r);
		return decode_print_ncp(p, protocol, r);
	case PPP_IPCP:
		ipcp_follow(at, r);
		return decode_print_ncp(p, protocol, r);
	case PPP_CCP:
		ccp_follow(at, r);
		return decode_print_ncp(p, protocol, r);
	default:
		if (protocol >= 0x8000 && protocol < 0xc000)
			return decode_print_ncp(p, protocol, r);
		decode_print_text(p, "%zu bytes", wire_left(&r));
		return true;
	}
}

void decode_ppp(struct decoder *d, struct decode_call *call, unsigned int side,
	const struct decode_frame *f)
{
	struct place at = { .d = d, .call = call, .side = side, .frame = f };
	struct wire_reader r = wire_reader(f->data, f->captured);
	struct decode_print *p = &d->print;
	char buf[24];
	const char *name;
	const struct decode_order *order = &call->side[side].order;
	uint64_t inner = d->stats.inner;
	uint16_t protocol;
	size_t head;

	if (!order->holding || f->seq != order->turn)
		decode_headers_lost(&call->side[side]);
	if (!ppp_header_read(&r, &protocol)) {
		if (f->captured == f->len) {
			d->stats.malformed++;
			decode_print_bool(p, "malformed", true);
		}
		decode_print_text(p, "PPP frame without a protocol");
		return;
	}
	head = (size_t)(r.pos - f->data);
	name = ppp_protocol_name(protocol, buf, sizeof(buf));
	if (protocol == PPP_COMP && call->side[side].crypt.algorithm == DECODE_COMPRESS)
		decode_print_string(p, "protocol", "compressed");
	else
		decode_print_string(p, "protocol", protocol == PPP_COMP ? "MPPE" : name);
	if (call->side[side].crypt.algorithm == DECODE_COMPRESS && protocol < 0x4000 &&
		protocol != PPP_COMP && protocol != PPP_COMP_LINK)
		codec_learn(call->side[side].crypt.codec, protocol, r.pos, wire_left(&r));
	if (protocol == PPP_COMP) {
		comp_run(&at, f->data + head, f->len - head, f->captured - head);
	} else if (ppp_is_data(protocol)) {
		decode_print_text(p, "in clear: ");
		decode_headers_inner(d, &call->side[side], f, protocol, f->data + head,
			f->len - head, f->captured - head);
	} else {
		decode_print_text(p, "%s ", name);
		if (!control_run(&at, protocol, r) && f->captured == f->len)
			d->stats.malformed++;
		return;
	}
	if (d->stats.inner == inner) /* it came to nothing */
		decode_headers_lost(&call->side[side]);
}
