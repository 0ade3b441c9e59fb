/*
 * PPP frames: control protocols are told in words (words_*.c) and followed (follow.c), data is
 * decrypted and decompressed as far as keys and history are known.
 */
#include "tools/decode/decoder.h"
#include "tools/decode/headers.h"
#include "tools/decode/words.h"

#include "lib/ppp/frame.h"

#include <errno.h>
#include <stdlib.h>

/* A frame on its way through this file. */
struct place {
	struct decoder *d;
	struct decode_call *call;
	unsigned int side;
	const struct decode_frame *frame;
	struct decode_ppp *ppp;
};

/* What became of the data. */
static void state_set(struct place *at, enum decode_state state, const char *text)
{
	at->ppp->state = state;
	decode_event_string(&at->d->event, "state", decode_state_name(state));
	decode_event_text(&at->d->event, "%s", text);
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
	struct wire_reader r = wire_reader(data, captured);
	uint16_t protocol;
	size_t head;

	if (captured < len && captured < 8) {
		state_set(at, DECODE_CUT, "decrypted, but cut by the capture");
		return;
	}
	if (!ppp_header_read(&r, &protocol) || !plausible(protocol, r)) {
		decode_crypt_lost(&at->call->side[at->side].crypt);
		state_set(at, DECODE_NONSENSE, "decrypts to nonsense (wrong keys or out of step)");
		return;
	}
	head = (size_t)(r.pos - data);
	at->call->side[at->side].decrypted++;
	at->d->stats.decrypted++;
	state_set(at, DECODE_DECRYPTED, "decrypted: ");
	decode_headers_inner(at->d, &at->call->side[at->side], at->frame, at->ppp, protocol, r.pos,
		len - head, captured - head);
}

static void not_decrypted(struct place *at, uint16_t header, enum mppe_result result)
{
	if (at->call->side[at->side].crypt.spared) {
		state_set(at, DECODE_SPARED, "encrypted, left so: too much work");
	} else if (!(header & MPPE_ENCRYPTED)) {
		at->d->event.malformed = true;
		state_set(at, DECODE_BROKEN, "not encrypted, though MPPE was agreed on");
	} else if (result == MPPE_BAD) {
		state_set(at, DECODE_NONSENSE, "decrypts to nonsense (wrong keys or out of step)");
	} else if (result == MPPE_OLD) {
		state_set(at, DECODE_TOO_LATE, "encrypted, too late to be decrypted");
	} else {
		state_set(at, DECODE_OUT_OF_STEP, "encrypted, out of step after a loss");
	}
}

static void mppe_header(struct decode_event *e, uint16_t header, size_t len)
{
	decode_event_int(e, "count", header & MPPE_COUNT);
	decode_event_bool(e, "flushed", header & MPPE_FLUSHED);
	decode_event_int(e, "bytes", len);
	decode_event_text(e, "MPPE count %u%s, %zu bytes, ", header & MPPE_COUNT,
		header & MPPE_FLUSHED ? " flushed" : "", len);
}

/* Protocol and packet as they were, or an error of the codec. */
static void unpacked(struct place *at, int n, const uint8_t *data)
{
	struct wire_reader r = wire_reader(data, n > 0 ? (size_t)n : 0);
	uint16_t protocol;

	if (n == -EAGAIN) {
		state_set(at, DECODE_OUT_OF_STEP, "compressed, out of step after a loss");
		return;
	}
	if (n <= 0 || !ppp_header_read(&r, &protocol) || !plausible(protocol, r)) {
		state_set(at, DECODE_NONSENSE, "cannot be decompressed");
		return;
	}
	at->d->stats.decompressed++;
	state_set(at, DECODE_DECOMPRESSED, "decompressed: ");
	decode_headers_inner(at->d, &at->call->side[at->side], at->frame, at->ppp, protocol, r.pos,
		wire_left(&r), wire_left(&r));
}

static void decompressed(struct place *at, const uint8_t *data, size_t len, size_t captured)
{
	struct decode_event *e = &at->d->event;
	struct decode_crypt *crypt = &at->call->side[at->side].crypt;
	const uint8_t *out = NULL;
	int n;

	at->d->stats.compressed++;
	decode_event_string(e, "compression", codec_name(codec_kind(crypt->codec)));
	decode_event_int(e, "bytes", len);
	decode_event_text(e, "%s, %zu bytes, ", codec_name(codec_kind(crypt->codec)), len);
	if (captured < len) {
		codec_lost(crypt->codec);
		state_set(at, DECODE_CUT, "cut by the capture");
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

	if (header & MPPE_COMPRESSED && captured < len) {
		codec_lost(crypt->codec);
		state_set(at, DECODE_CUT,
			"decrypted, cut by the capture before it could be decompressed");
		return;
	}
	if (!(header & MPPE_COMPRESSED)) {
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

/* A cipher has to be taken through what the capture cut off, too: a few octets can claim 65535. */
static bool is_paid(struct place *at, size_t missing)
{
	struct decode_crypt *crypt = &at->call->side[at->side].crypt;
	struct decode_work *work = &at->d->engine.work;

	crypt->spared = !decode_work_spend(work, (uint32_t)(missing / DECODE_WORK_OCTETS));
	work->spared += crypt->spared;
	if (crypt->spared)
		decode_crypt_lost(crypt);
	return !crypt->spared;
}

/* `data` and `len`: behind the PPP header; `captured` bytes of it are real. */
static void comp_run(struct place *at, uint8_t *data, size_t len, size_t captured)
{
	struct decode_event *e = &at->d->event;
	struct decode_side *s = &at->call->side[at->side];
	struct wire_reader r = wire_reader(data, captured);
	uint16_t header = wire_u16(&r);
	enum mppe_result result;
	uint32_t clear;

	if (s->crypt.algorithm == DECODE_COMPRESS) {
		decompressed(at, data, len, captured);
		return;
	}
	if (s->crypt.algorithm == DECODE_OTHER) {
		decode_event_int(e, "bytes", len);
		at->ppp->state = DECODE_ENCRYPTED;
		decode_event_text(e, "compressed data, %zu bytes", len);
		return;
	}
	if (r.failed) {
		at->ppp->state = captured < len ? DECODE_CUT : DECODE_BROKEN;
		if (captured < len)
			decode_event_text(e, "cut by the capture");
		else
			decode_event_malformed(e, "shorter than MPPE's header");
		return;
	}
	at->ppp->has_mppe = true;
	at->ppp->mppe = header;
	mppe_header(e, header, len - MPPE_HEADER);
	s->encrypted++;
	at->d->stats.encrypted++;
	if (!s->crypt.running)
		decode_crypt_try(&s->crypt, data, (uint32_t)len, &at->d->engine);
	if (!s->crypt.running && s->crypt.spared) {
		not_decrypted(at, header, MPPE_WAIT);
		return;
	}
	if (!s->crypt.running) {
		state_set(at, DECODE_ENCRYPTED, "encrypted");
		return;
	}
	if (!is_paid(at, len - captured)) {
		not_decrypted(at, header, MPPE_WAIT);
		return;
	}
	/* Compressed headers are restored of whole packets only. */
	clear = at->d->headers_only && !s->vj ? MPPE_HEADER + DECODE_HEADERS_MAX : (uint32_t)len;
	result = decode_crypt_open(&s->crypt, data, (uint32_t)len, &at->d->engine, &clear);
	if (captured > clear)
		captured = clear;
	if (result != MPPE_OK)
		not_decrypted(at, header, result);
	else if (s->crypt.codec)
		expanded(at, header, data + MPPE_HEADER, len - MPPE_HEADER, captured - MPPE_HEADER);
	else if (header & MPPE_COMPRESSED)
		state_set(at, DECODE_OUT_OF_STEP, "decrypted, compressed by MPPC");
	else
		decrypted(at, data + MPPE_HEADER, len - MPPE_HEADER, captured - MPPE_HEADER);
}

void decode_inner(struct decoder *d, const struct decode_frame *f, struct decode_ppp *ppp,
	uint16_t protocol, const uint8_t *data, size_t len, size_t captured)
{
	struct pcap_pkthdr header = { .caplen = (bpf_u_int32)captured, .len = (bpf_u_int32)len };

	d->stats.inner++;
	ppp->inner = protocol;
	ppp->packet = wire_reader(data, captured);
	ppp->packet_len = len;
	if (protocol == PPP_MULTILINK)
		decode_words_multilink(&d->event, ppp->packet, ppp->short_numbers);
	else
		decode_words_inner(&d->event, protocol, ppp->packet);
	if (!d->dump || (protocol != PPP_IP && protocol != PPP_IPV6))
		return;
	header.ts.tv_sec = (time_t)(f->meta.time / 1000000);
	header.ts.tv_usec = (suseconds_t)(f->meta.time % 1000000);
	pcap_dump((u_char *)d->dump, &header, data);
}

/* Control protocols: the words, and what they change. */
static void control_run(struct place *at, struct wire_reader r)
{
	struct decode_event *e = &at->d->event;
	struct decode_ppp *ppp = at->ppp;

	ppp->cut = at->frame->captured < at->frame->len;
	if (!decode_words_ppp(e, ppp, r)) {
		if (ppp->cut && !e->malformed)
			ppp->state = DECODE_CUT;
		ppp->code = ppp->id = 0;
		ppp->body = wire_reader(NULL, 0);
		return;
	}
	/* An answer belongs to the other end's question. */
	if (at->call->one_sided)
		return;
	decode_follow(at->d, at->call, at->side, at->frame, ppp);
	decode_facts_ppp(at->call, at->side, &at->frame->meta, ppp);
}

/* What "Protocol-Field" and "Address-and-Control-Field-Compression" left of the header. */
static void header_say(struct decode_event *e, struct wire_reader r)
{
	uint16_t first = wire_u16(&r);

	if (!r.failed && first == 0xff03) {
		decode_event_int(e, "address", 0xff);
		decode_event_int(e, "control", 0x03);
	}
}

static void protocol_say(struct place *at, const char *name)
{
	struct decode_event *e = &at->d->event;
	enum decode_algorithm algorithm = at->call->side[at->side].crypt.algorithm;

	decode_event_int(e, "protocol_number", at->ppp->protocol);
	if (at->ppp->protocol == PPP_COMP)
		name = algorithm == DECODE_COMPRESS ? "compressed" : "MPPE";
	decode_event_string(e, "protocol", name);
}

void decode_ppp(struct decoder *d, struct decode_call *call, unsigned int side,
	const struct decode_frame *f, struct decode_ppp *ppp)
{
	struct place at = { .d = d, .call = call, .side = side, .frame = f, .ppp = ppp };
	struct wire_reader r = wire_reader(f->data, f->captured);
	struct decode_side *s = &call->side[side];
	struct decode_event *e = &d->event;
	uint64_t inner = d->stats.inner;
	char buf[24];
	const char *name;
	size_t head;

	if (!s->order.holding || f->gre.seq != s->order.turn)
		decode_headers_lost(s);
	ppp->short_numbers = call->facts.side[1 - side].short_numbers;
	header_say(e, r);
	if (!ppp_header_read(&r, &ppp->protocol)) {
		if (f->captured == f->len)
			e->malformed = true;
		ppp->state = DECODE_CUT;
		decode_event_text(e, "PPP frame without a protocol");
		return;
	}
	head = (size_t)(r.pos - f->data);
	name = ppp_protocol_name(ppp->protocol, buf, sizeof(buf));
	protocol_say(&at, name);
	if (s->crypt.algorithm == DECODE_COMPRESS && ppp->protocol < 0x4000 &&
		ppp->protocol != PPP_COMP && ppp->protocol != PPP_COMP_LINK)
		decode_crypt_learn(&s->crypt, ppp->protocol, r, f->captured == f->len);
	if (ppp->protocol == PPP_COMP) {
		comp_run(&at, f->data + head, f->len - head, f->captured - head);
	} else if (ppp_is_data(ppp->protocol)) {
		decode_event_text(e, "in clear: ");
		decode_headers_inner(d, s, f, ppp, ppp->protocol, f->data + head, f->len - head,
			f->captured - head);
	} else {
		decode_event_text(e, "%s ", name);
		control_run(&at, r);
		return;
	}
	if (d->stats.inner == inner) /* it came to nothing */
		decode_headers_lost(s);
}

/* Is a frame whole with the multilink fragment that this was? */
static struct decode_multilink *joins(
	struct decode_call *call, unsigned int side, const struct decode_ppp *ppp)
{
	struct decode_side *s = &call->side[side];
	bool whole = wire_left(&ppp->packet) == ppp->packet_len;

	if (ppp->inner != PPP_MULTILINK)
		return NULL;
	if (!s->multilink)
		s->multilink = calloc(1, sizeof(*s->multilink));
	if (!s->multilink ||
		!decode_multilink_add(s->multilink, ppp->packet, ppp->short_numbers, whole))
		return NULL;
	return s->multilink;
}

static void joined_run(struct decoder *d, struct decode_call *call, unsigned int side,
	const struct decode_frame *f)
{
	const struct decode_multilink *ml = call->side[side].multilink;
	struct decode_event *e = &d->event;
	struct decode_ppp ppp = { 0 };

	decode_event_begin(e, &f->meta, DECODE_KIND_PPP);
	e->call = call;
	e->side = side;
	decode_event_int(e, "call", call->number);
	if (!call->link)
		decode_event_text(e, "GRE call ID %u seq %u", f->gre.call_id, f->gre.seq);
	else
		decode_event_text(e, "%s", call->pppoe ? "PPPoE" : "PPP");
	decode_event_int(e, "joined", ml->fragments);
	decode_event_text(e, "  joined (%u) ", ml->fragments);
	e->ppp = &ppp;
	decode_ppp(d, call, side, f, &ppp);
	/* A fragment of a fragment is none of RFC 1990's. */
	if (ppp.inner && ppp.inner != PPP_MULTILINK)
		decode_facts_inner(call, side, ppp.packet_len);
	decode_emit(d);
}

void decode_frame_run(struct decoder *d, struct decode_call *call, unsigned int side,
	const struct decode_frame *f)
{
	struct decode_frame whole = *f;
	struct decode_ppp ppp = { 0 };
	struct decode_multilink *ml;

	d->event.ppp = &ppp;
	decode_ppp(d, call, side, f, &ppp);
	if (ppp.inner && ppp.inner != PPP_MULTILINK)
		decode_facts_inner(call, side, ppp.packet_len);
	decode_emit(d);
	ml = joins(call, side, &ppp);
	if (ml) {
		whole.data = ml->data;
		whole.len = whole.captured = ml->used;
		joined_run(d, call, side, &whole);
	}
	decode_order_passed(&call->side[side].order, f->gre.seq);
}
