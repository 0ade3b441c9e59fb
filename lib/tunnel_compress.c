/*
 * Compression in a call's packet path: RFC 1962 section 3, RFC 3078 section 3 (before encryption), RFC
 * 1977 and 1979 section 2 (sequence and resets). See tunnel.h.
 *
 * Invariants: where encryption is on, MPPC under it is all that compresses; where it is required,
 * nothing compressed in clear comes in.
 */
#include "lib/ppp/cp.h"
#include "lib/ppp/frame.h"
#include "lib/tunnel_internal.h"

#include <errno.h>
#include <string.h>

void tunnel_set_pack(struct tunnel *t, struct codec *codec)
{
	codec_free(t->pack);
	t->pack = codec;
}

void tunnel_set_unpack(struct tunnel *t, struct codec *codec)
{
	codec_free(t->unpack);
	t->unpack = codec;
	t->events &= ~(unsigned int)TUNNEL_EVENT_RESET;
	t->last_reset = 0;
	t->resets = 0;
	t->mppe_rx.mppc = codec && codec_is_encrypted(codec);
	tunnel_mppe_changed(t);
}

bool tunnel_pack_grows(const struct tunnel *t)
{
	return t->pack && codec_kind(t->pack) == CODEC_MPPC && !codec_is_encrypted(t->pack);
}

/* RFC 3078 section 3: compression comes before encryption. The bits for the header. */
uint16_t tunnel_shrink(struct tunnel *t, struct packet *p)
{
	const uint8_t *out = NULL;
	uint16_t bits;
	size_t n = codec_shrink(t->pack, p->data, p->len, mppe_flushes(t->tx), &out, &bits);

	if (!n)
		return bits;
	memcpy(p->data, out, n);
	p->len = (uint32_t)n;
	TUNNEL_COUNT(t, tx_compressed);
	return bits;
}

uint16_t tunnel_compress(struct tunnel *t, struct packet *p, uint16_t protocol)
{
	const uint8_t *out;
	size_t n;

	if (!t->pack || codec_is_encrypted(t->pack))
		return protocol;
	n = codec_compress(t->pack, protocol, p->data, p->len, &out);
	if (!n)
		return protocol;
	if (n < p->len)
		TUNNEL_COUNT(t, tx_compressed);
	p->data -= MPPE_HEADER + INNER_PROTOCOL; /* MPPC may add so much */
	memcpy(p->data, out, n);
	p->len = (uint32_t)n;
	return PPP_COMP;
}

/* Is it a Reset-Ack of CCP? */
static bool is_reset_ack(const struct packet *p, uint16_t protocol)
{
	struct wire_reader r = wire_reader(p->data, p->len);

	return protocol == PPP_CCP && wire_u8(&r) == CP_RESET_ACK && wire_left(&r) >= 3;
}

void tunnel_notice_sent(struct tunnel *t, const struct packet *p, uint16_t protocol)
{
	if (t->pack && codec_kind_needs_ack(codec_kind(t->pack)) && is_reset_ack(p, protocol))
		codec_reset(t->pack);
}

/* What a decompressor gave out, n octets, or its error. False: the packet is dropped. */
static bool unpacked(struct tunnel *t, struct packet *p, int n, const uint8_t *out)
{
	if (n <= 0 || n > PACKET_ROOM) {
		tunnel_drop(
			t, p, n == -EAGAIN ? TUNNEL_DROP_COMPRESS_WAIT : TUNNEL_DROP_COMPRESS_BAD);
		return false;
	}
	p->data = p->buf + PACKET_HEADROOM;
	p->len = (uint32_t)n;
	memcpy(p->data, out, p->len);
	return true;
}

bool tunnel_expand(struct tunnel *t, struct packet *p)
{
	unsigned int bits = (unsigned int)(p->flags >> PACKET_BITS_AT) << PACKET_BITS;
	bool stateful = t->rx && !t->rx->params.stateless;
	const uint8_t *out = NULL;
	int n = codec_expand(t->unpack, (uint16_t)bits, p->data, p->len, &out);

	if (unpacked(t, p, n, out)) {
		if (bits & MPPE_COMPRESSED)
			TUNNEL_COUNT(t, rx_compressed);
		return true;
	}
	/* Noise, probably: the keys do not fit any more. */
	if (++t->nonsense >= TUNNEL_NONSENSE_MAX)
		tunnel_raise_desync(t);
	if (stateful) {
		mppe_lost(t->rx);
		tunnel_raise_reset(t);
	}
	return false;
}

bool tunnel_decompress(struct tunnel *t, struct packet *p)
{
	struct wire_reader r;
	const uint8_t *out = NULL;
	int n;

	/* Meanwhile it was switched off, or encryption on. */
	if (!t->unpack || codec_is_encrypted(t->unpack) || t->require_mppe) {
		tunnel_drop(t, p, TUNNEL_DROP_NOT_OPEN);
		return false;
	}
	n = codec_decompress(t->unpack, p->data, p->len, &out);
	if (!unpacked(t, p, n, out)) {
		tunnel_raise_reset(t);
		return false;
	}
	r = wire_reader(p->data, p->len);
	p->protocol = wire_u8(&r);
	if (!(p->protocol & 1))
		p->protocol = (uint16_t)(p->protocol << 8 | wire_u8(&r));
	if (r.failed || !ppp_is_data(p->protocol)) {
		/* The histories differ, after a damaged packet: nothing else would show it. */
		tunnel_drop(t, p, TUNNEL_DROP_COMPRESS_BAD);
		codec_lost(t->unpack);
		tunnel_raise_reset(t);
		return false;
	}
	p->data += r.pos - p->data;
	p->len = (uint32_t)wire_left(&r);
	t->resets = 0;
	TUNNEL_COUNT(t, rx_compressed);
	return true;
}

void tunnel_notice(struct tunnel *t, const struct packet *p)
{
	if (!t->unpack)
		return;
	if (p->protocol < 0x4000 && p->protocol != PPP_COMP && p->protocol != PPP_COMP_LINK)
		codec_learn(t->unpack, p->protocol, p->data, p->len);
	else if (codec_kind_needs_ack(codec_kind(t->unpack)) && is_reset_ack(p, p->protocol))
		codec_reset(t->unpack);
}
