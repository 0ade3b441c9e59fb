/*
 * Compression of a direction: RFC 1962 section 3 and the algorithms' own RFCs. See codec.h.
 *
 * Invariants: `number` is that of the next packet; a receiver that is `waiting` gives nothing out
 * until a reset or (MPPC) FLUSHED.
 */
#include "lib/compress/codec.h"

#include "lib/compress/bsd.h"
#include "lib/compress/deflate.h"
#include "lib/compress/mppc.h"
#include "lib/wire.h"

#include <errno.h>
#include <stdlib.h>

#define MPPC_COUNT    0x0fffu
#define DEFAULT_LIMIT 1500
#define PROTOCOL      2 /* octets of it, at most */
/* Deflate's and BSD's worst growth is below a half. */
#define ROOM (CODEC_HEADER + PROTOCOL + CODEC_PACKET_MAX + CODEC_PACKET_MAX / 2)
/*
 * MPPC forgets its history with each packet that does not shrink, and has to say so by FLUSHED,
 * which costs a new key where MPPE is stateful: so many packets go as they are after one, twice as
 * many after the next, and so on.
 */
#define REST_MIN 1
#define REST_MAX 64

struct codec {
	struct codec_params params;
	bool sending, waiting;
	bool asked; /* MPPC: the peer waits for FLUSHED */
	uint16_t number;
	uint8_t rest, pause; /* MPPC: packets that still go uncompressed; the next pause */
	size_t size;
	union {
		struct mppc_compressor *mppc_tx;
		struct mppc_decompressor *mppc_rx;
		struct deflate *deflate;
		struct bsd *bsd;
	};
	uint8_t plain[PROTOCOL + CODEC_PACKET_MAX];
	uint8_t out[ROOM];
	max_align_t state[];
};

static size_t state_size(const struct codec_params *p, bool sending)
{
	switch (p->kind) {
	case CODEC_MPPC:
		return sending ? sizeof(struct mppc_compressor) : sizeof(struct mppc_decompressor);
	case CODEC_DEFLATE:
		if (p->bits < DEFLATE_BITS_MIN || p->bits > DEFLATE_BITS_MAX)
			return 0;
		return sending ? deflate_compressor_size(p->bits)
			       : deflate_decompressor_size(p->bits);
	case CODEC_BSD:
		if (p->bits < BSD_BITS_MIN || p->bits > BSD_BITS_MAX)
			return 0;
		return bsd_size(p->bits);
	case CODEC_NONE:
		break;
	}
	return 0;
}

static int init(struct codec *c)
{
	c->pause = REST_MIN;
	switch (c->params.kind) {
	case CODEC_MPPC:
		if (c->sending) {
			c->mppc_tx = (struct mppc_compressor *)c->state;
			mppc_compressor_init(c->mppc_tx);
		} else {
			c->mppc_rx = (struct mppc_decompressor *)c->state;
			mppc_decompressor_init(c->mppc_rx);
		}
		return 0;
	case CODEC_DEFLATE:
		c->deflate = (struct deflate *)c->state;
		return c->sending ? deflate_compressor_init(c->deflate, c->params.bits)
				  : deflate_decompressor_init(c->deflate, c->params.bits);
	case CODEC_BSD:
		c->bsd = (struct bsd *)c->state;
		bsd_init(c->bsd, c->params.bits);
		return 0;
	case CODEC_NONE:
		break;
	}
	return -EINVAL;
}

struct codec *codec_new(const struct codec_params *params, bool sending)
{
	size_t state = state_size(params, sending);
	struct codec *c = state ? calloc(1, sizeof(*c) + state) : NULL;

	if (!c)
		return NULL;
	c->params = *params;
	if (!c->params.limit)
		c->params.limit = DEFAULT_LIMIT;
	if (c->params.limit > CODEC_PACKET_MAX)
		c->params.limit = CODEC_PACKET_MAX;
	c->sending = sending;
	c->size = sizeof(*c) + state;
	if (init(c) < 0) {
		free(c);
		return NULL;
	}
	return c;
}

void codec_free(struct codec *c)
{
	if (!c)
		return;
	explicit_bzero(c, c->size);
	free(c);
}

size_t codec_size(const struct codec *c)
{
	return c->size;
}

enum codec_kind codec_kind(const struct codec *c)
{
	return c->params.kind;
}

bool codec_is_encrypted(const struct codec *c)
{
	return c->params.encrypted;
}

const char *codec_name(enum codec_kind kind)
{
	static const char *const names[] = {
		[CODEC_NONE] = "",
		[CODEC_MPPC] = "MPPC",
		[CODEC_DEFLATE] = "Deflate",
		[CODEC_BSD] = "BSD-Compress",
	};

	return (unsigned int)kind < sizeof(names) / sizeof(names[0]) ? names[kind] : "";
}

void codec_reset(struct codec *c)
{
	c->waiting = false;
	switch (c->params.kind) {
	case CODEC_MPPC: /* RFC 2118 3.1: its count never goes back */
		if (c->sending)
			mppc_compressor_reset(c->mppc_tx);
		c->asked = true;
		return;
	case CODEC_DEFLATE:
		if (c->sending)
			deflate_compressor_reset(c->deflate);
		else
			deflate_decompressor_reset(c->deflate);
		break;
	case CODEC_BSD:
		bsd_clear(c->bsd);
		break;
	case CODEC_NONE:
		break;
	}
	c->number = 0;
}

/* ---- MPPC ---- */

size_t codec_shrink(struct codec *c, const uint8_t *data, size_t len, bool flush,
	const uint8_t **out, uint16_t *bits)
{
	size_t n;

	*bits = 0;
	if (flush)
		mppc_compressor_reset(c->mppc_tx);
	if (c->rest && !c->asked) {
		c->rest--;
		return 0;
	}
	n = mppc_compress(c->mppc_tx, data, len, c->out, sizeof(c->out), bits);
	*out = c->out;
	if (n) {
		c->asked = false;
		c->pause = REST_MIN;
		return n;
	}
	if (!c->asked)
		*bits = 0; /* FLUSHED comes with the next one that is compressed */
	c->asked = false;
	c->rest = c->pause;
	c->pause = c->pause < REST_MAX ? (uint8_t)(2 * c->pause) : REST_MAX;
	return 0;
}

int codec_expand(
	struct codec *c, uint16_t bits, const uint8_t *data, size_t len, const uint8_t **out)
{
	*out = c->plain;
	return mppc_decompress(
		c->mppc_rx, bits, data, len, c->plain, (size_t)c->params.limit + PROTOCOL);
}

/* The protocol in two octets and the information field, to `plain`. */
static size_t join(struct codec *c, uint16_t protocol, const uint8_t *info, size_t len)
{
	struct wire_writer w = wire_writer(c->plain, sizeof(c->plain));

	wire_put_u16(&w, protocol);
	wire_put_bytes(&w, info, len);
	return wire_written(&w);
}

/* RFC 2118 section 3.1: the header is there also if the packet is not compressed. */
static size_t mppc_pack(
	struct codec *c, uint16_t protocol, const uint8_t *info, size_t len, const uint8_t **out)
{
	size_t plain = join(c, protocol, info, len), n;
	uint8_t *room = c->out + CODEC_HEADER;
	const uint8_t *packed;
	uint16_t bits;
	struct wire_writer w = wire_writer(c->out, CODEC_HEADER);

	n = codec_shrink(c, c->plain, plain, false, &packed, &bits);
	if (n)
		memmove(room, packed, n);
	else
		memcpy(room, c->plain, plain);
	wire_put_u16(&w, (uint16_t)(bits | c->number));
	c->number = (c->number + 1) & MPPC_COUNT;
	*out = c->out;
	return CODEC_HEADER + (n ? n : plain);
}

static int mppc_unpack(struct codec *c, const uint8_t *info, size_t len, const uint8_t **out)
{
	struct wire_reader r = wire_reader(info, len);
	uint16_t header = wire_u16(&r);

	if (r.failed || !wire_left(&r))
		return -EBADMSG;
	if (!(header & MPPC_FLUSHED) && (header & MPPC_COUNT) != c->number)
		mppc_decompressor_lost(c->mppc_rx);
	c->number = (header + 1) & MPPC_COUNT;
	return codec_expand(c, header, r.pos, wire_left(&r), out);
}

/* ---- Deflate and BSD-Compress ---- */

size_t codec_compress(
	struct codec *c, uint16_t protocol, const uint8_t *info, size_t len, const uint8_t **out)
{
	struct wire_writer w = wire_writer(c->out, CODEC_HEADER);
	uint8_t *room = c->out + CODEC_HEADER;
	size_t size = sizeof(c->out) - CODEC_HEADER, n;

	/* No link has an MRU of that size; the receiver would count what goes as it is. */
	if (len > CODEC_PACKET_MAX)
		return 0;
	if (c->params.kind == CODEC_MPPC)
		return mppc_pack(c, protocol, info, len, out);
	if (c->params.kind == CODEC_DEFLATE)
		n = deflate_pack(c->deflate, (uint8_t)protocol, info, len, room, size);
	else
		n = bsd_compress(c->bsd, (uint8_t)protocol, info, len, room, size);
	wire_put_u16(&w, c->number++);
	*out = c->out;
	return n && n + CODEC_HEADER < len ? n + CODEC_HEADER : 0;
}

static int unpack(struct codec *c, const uint8_t *data, size_t len)
{
	size_t limit = (size_t)c->params.limit + 1; /* the protocol has one octet */

	if (c->params.kind == CODEC_BSD)
		return bsd_decompress(c->bsd, data, len, c->out, limit);
	return deflate_unpack(c->deflate, data, len, c->out, limit + 1);
}

int codec_decompress(struct codec *c, const uint8_t *info, size_t len, const uint8_t **out)
{
	struct wire_reader r = wire_reader(info, len);
	uint16_t number;
	int n;

	if (c->params.kind == CODEC_MPPC)
		return mppc_unpack(c, info, len, out);
	if (c->waiting)
		return -EAGAIN;
	number = wire_u16(&r);
	if (r.failed || number != c->number) {
		c->waiting = true;
		return -EAGAIN;
	}
	c->number++;
	n = unpack(c, r.pos, wire_left(&r));
	c->waiting = n < 0;
	*out = c->out;
	return n;
}

void codec_lost(struct codec *c)
{
	if (c->params.kind == CODEC_MPPC)
		mppc_decompressor_lost(c->mppc_rx);
	else
		c->waiting = true;
}

void codec_learn(struct codec *c, uint16_t protocol, const uint8_t *info, size_t len)
{
	if (!codec_kind_needs_ack(c->params.kind) || c->waiting)
		return;
	c->number++;
	/* RFC 1977 and 1979 compress the number of the protocol to one octet, where it has one. */
	if (protocol > 0xff || len > CODEC_PACKET_MAX)
		c->waiting = true;
	else if (c->params.kind == CODEC_BSD)
		bsd_learn(c->bsd, (uint8_t)protocol, info, len);
	else
		c->waiting = deflate_learn(c->deflate, (uint8_t)protocol, info, len, c->out) < 0;
}
