/* MPPE of one direction: see crypt.h. */
#include "tools/decode/crypt.h"

#include "lib/ppp/frame.h"
#include "lib/wire.h"

#include <stdlib.h>
#include <string.h>

#define PACKET_MAX    1500
#define FLUSHED_MAX   2  /* lost in one loss */
#define HEADER_MAX    62 /* protocol, the longest IPv4 header */
#define TRANSPORT_MAX 20 /* TCP's header without options */

/* Packets after which the 12 bits of a count may mean another round. */
#define LATE_REACH (MPPE_COUNT + 1 - MPPE_LATE_MAX)

static void codec_drop(struct decode_crypt *c)
{
	if (c->codec)
		c->work->codecs -= codec_size(c->codec);
	codec_free(c->codec);
	c->codec = NULL;
}

/* Within the limits of all calls together; else there is none. */
static void codec_make(
	struct decode_crypt *c, const struct codec_params *params, struct decode_work *work)
{
	struct codec *codec = codec_new(params, false);
	size_t size = codec ? codec_size(codec) : 0;

	codec_drop(c);
	if (!codec)
		return;
	if (size > DECODE_CODECS_MAX - work->codecs ||
		!decode_work_spend(work, (uint32_t)(size / DECODE_WORK_OCTETS))) {
		work->spared++;
		codec_free(codec);
		return;
	}
	work->codecs += size;
	c->work = work;
	c->codec = codec;
}

void decode_crypt_done(struct decode_crypt *c)
{
	if (c->running)
		mppe_done(&c->mppe);
	codec_drop(c);
	if (c->late) {
		explicit_bzero(c->late, DECODE_LATE_MAX * sizeof(*c->late));
		free(c->late);
	}
	memset(c, 0, sizeof(*c));
}

void decode_crypt_start(
	struct decode_crypt *c, const struct mppe_params *params, const uint8_t *start)
{
	decode_crypt_done(c);
	c->algorithm = DECODE_MPPE;
	c->has_params = true;
	c->params = *params;
	if (!start)
		return;
	c->running = mppe_init(&c->mppe, params, start) == 0;
}

void decode_crypt_compress(
	struct decode_crypt *c, const struct codec_params *params, struct decode_work *work)
{
	if (!params->encrypted)
		decode_crypt_done(c);
	codec_make(c, params, work);
	if (!params->encrypted)
		c->algorithm = c->codec ? DECODE_COMPRESS : DECODE_OTHER;
	c->mppe.mppc = c->codec && params->encrypted;
}

void decode_crypt_learn(
	struct decode_crypt *c, uint16_t protocol, struct wire_reader info, bool whole)
{
	if (whole)
		codec_learn(c->codec, protocol, info.pos, wire_left(&info));
	else if (codec_kind_needs_ack(codec_kind(c->codec)))
		codec_lost(c->codec);
}

/* Packets between what is expected and this count; 0 in order; LATE_REACH and more: late. */
static unsigned int gap(const struct mppe *m, uint16_t count)
{
	return (unsigned int)(count - m->count) & MPPE_COUNT;
}

static void remember(struct decode_crypt *c)
{
	if (!c->late)
		c->late = calloc(DECODE_LATE_MAX, sizeof(*c->late));
	if (!c->late)
		return;
	mppe_rest(&c->mppe); /* so it can be copied */
	c->late[c->late_next] = (struct decode_late){ .mppe = c->mppe, .packets = c->packets };
	c->late_next = (c->late_next + 1) % DECODE_LATE_MAX;
}

static enum mppe_result open_late(struct decode_crypt *c, uint16_t count, uint8_t *data,
	uint32_t len, struct decode_engine *engine)
{
	for (unsigned int i = 1; c->late && i <= DECODE_LATE_MAX; i++) {
		const struct decode_late *l =
			&c->late[(c->late_next + DECODE_LATE_MAX - i) % DECODE_LATE_MAX];
		struct mppe copy = l->mppe;
		enum mppe_result result;

		if (!l->packets || c->packets - l->packets > LATE_REACH ||
			gap(&copy, count) >= LATE_REACH)
			continue;
		/* A copy has the work that was earned then, again and again. */
		c->spared = !decode_work_spend(&engine->work, gap(&copy, count));
		result = c->spared ? MPPE_WAIT : mppe_open(&copy, data, len, &engine->batch);
		if (result == MPPE_OK)
			rc4_run(&engine->batch);
		mppe_done(&copy);
		return result;
	}
	return MPPE_OLD;
}

void decode_crypt_candidates(
	struct decode_crypt *c, const uint8_t (*starts)[16], unsigned int count, bool mppc)
{
	c->starts = starts;
	c->start_count = count;
	c->mppc = mppc;
}

static const struct codec_params mppc_params = {
	.kind = CODEC_MPPC, .encrypted = true, .limit = DECODE_UNPACKED_MAX
};

/* Is it a whole packet of IP? IPv4's checksum is right; IPv6's length and reserved bits have to do. */
static bool is_ip(const uint8_t *data, uint32_t peek, uint32_t len)
{
	struct wire_reader r = wire_reader(data, peek);
	uint16_t protocol = wire_u16(&r), word = wire_u16(&r);
	uint32_t header = (word >> 8 & 15u) * 4, sum = word;

	if (protocol == PPP_IPV6 && word >> 12 == 6) {
		wire_skip(&r, 2);
		return wire_u16(&r) + 40u + 2u == len && !r.failed;
	}
	if (protocol != PPP_IP || word >> 12 != 4 || header < 20)
		return false;
	word = wire_u16(&r);
	if (word + 2u != len)
		return false;
	for (sum += word; header > 4; header -= 2)
		sum += wire_u16(&r);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return !r.failed && sum == 0xffff;
}

/* RFC 3078 7.3 */
static void next_key(const struct mppe *m, uint8_t key[16])
{
	uint8_t len = mppe_key_len(m->params.bits), interim[16];
	struct rc4 rc4;

	mppe_new_key(m->start, key, len, interim);
	rc4_init(&rc4, interim, len);
	memcpy(key, interim, len);
	rc4_crypt(&rc4, key, len);
	mppe_salt(m->params.bits, key);
	explicit_bzero(&rc4, sizeof(rc4));
	explicit_bzero(interim, sizeof(interim));
}

/* The place in `stream`, of `size` octets, that makes an IP packet of this; `size`: there is none. */
static uint32_t place_of(const uint8_t *stream, uint32_t size, const uint8_t *data, uint32_t len)
{
	uint32_t peek = len < HEADER_MAX ? len : HEADER_MAX;
	uint8_t plain[HEADER_MAX];

	for (uint32_t at = 0; at < size; at++) {
		uint16_t protocol =
			(uint16_t)((data[0] ^ stream[at]) << 8 | (data[1] ^ stream[at + 1]));

		if (protocol != PPP_IP && protocol != PPP_IPV6)
			continue;
		for (uint32_t i = 0; i < peek; i++)
			plain[i] = data[i] ^ stream[at + i];
		if (is_ip(plain, peek, len))
			return at;
	}
	return size;
}

/* Is the packet, from count on, `size` octets at most into this stream? Then it is decrypted. */
static bool find_in(
	struct decode_crypt *c, const struct rc4 *from, uint32_t size, uint8_t *data, uint32_t len)
{
	uint8_t *stream = calloc(1, size + HEADER_MAX);
	struct rc4 rc4 = *from;
	uint32_t at;

	if (!stream)
		return false;
	rc4_crypt(&rc4, stream, size + HEADER_MAX);
	at = place_of(stream, size, data, len);
	if (at < size) {
		rc4 = *from;
		rc4_crypt(&rc4, stream, at);
		rc4_crypt(&rc4, data, len);
		*c->mppe.stream = rc4;
	}
	explicit_bzero(stream, size + HEADER_MAX);
	explicit_bzero(&rc4, sizeof(rc4));
	free(stream);
	return at < size;
}

/*
 * A stateful packet behind a loss: in the stream as it was, or, if a FLUSHED packet was among the lost,
 * in one that began anew, with the key changes of the flag packets and perhaps of Linux' FLUSHED ones.
 */
static bool find_stream(struct decode_crypt *c, uint16_t count, uint8_t *data, uint32_t len,
	struct decode_work *work)
{
	/* Nothing is missing where only the packet before was a stray. */
	uint32_t size = gap(&c->mppe, count) * PACKET_MAX + 1;
	unsigned int flags =
		((c->mppe.count + gap(&c->mppe, count) + 1) >> 8) - (c->mppe.count >> 8);
	uint8_t key[16];
	struct rc4 rc4 = { 0 };
	bool found;

	if (size > DECODE_SEARCH_MAX)
		size = DECODE_SEARCH_MAX;
	if (len < 2 || c->searches >= DECODE_SEARCH_TRIES)
		return false;
	c->spared = !decode_work_spend(
		work, (flags + FLUSHED_MAX + 2) * (1 + (size + HEADER_MAX) / DECODE_WORK_OCTETS));
	if (c->spared)
		return false;
	memcpy(key, c->mppe.key, sizeof(key));
	found = !flags && find_in(c, c->mppe.stream, size, data, len);
	for (unsigned int i = 0; !found && i <= flags + FLUSHED_MAX; i++) {
		if (i)
			next_key(&c->mppe, key);
		if (i < flags)
			continue;
		rc4_init(&rc4, key, mppe_key_len(c->params.bits));
		found = find_in(c, &rc4, size, data, len);
		if (found)
			memcpy(c->mppe.key, key, sizeof(key));
	}
	if (found) {
		c->mppe.count = (count + 1) & MPPE_COUNT;
		c->mppe.flush = false;
	}
	c->searches = found ? 0 : c->searches + 1;
	explicit_bzero(&rc4, sizeof(rc4));
	explicit_bzero(key, sizeof(key));
	return found;
}

/* Do whole headers of IPv4 and what it carries stand in the first octets? */
static bool shows_header(const uint8_t *data, uint32_t peek)
{
	struct wire_reader r = wire_reader(data, peek);
	uint16_t protocol, word;
	uint32_t header;

	if (!ppp_header_read(&r, &protocol) || protocol != PPP_IP)
		return false;
	word = wire_u16(&r);
	header = (word >> 8 & 15u) * 4;
	return word >> 12 == 4 && header >= 20 && wire_u16(&r) >= header && !r.failed &&
	       header - 4 + TRANSPORT_MAX <= wire_left(&r);
}

/* The packet that mppe_open() put into the batch: only its first octets, where these will do. */
static void run(struct decode_crypt *c, uint32_t len, struct rc4_batch *batch, uint32_t *clear)
{
	struct rc4_job *job = &batch->jobs[batch->count - 1];
	uint32_t first = *clear - MPPE_HEADER;
	uint8_t *data = job->data;
	struct rc4 rc4 = { 0 };

	if (!c->params.stateless || c->codec || *clear >= len) {
		*clear = len;
		rc4_run(batch);
		return;
	}
	job->state = &rc4;
	job->len = first;
	rc4_run(batch);
	if (!shows_header(data, first)) {
		rc4_crypt(&rc4, data + first, len - MPPE_HEADER - first);
		*clear = len;
	}
	explicit_bzero(&rc4, sizeof(rc4));
}

/* What mppe_open() will do for a packet that is so far ahead, in key changes. */
static uint32_t cost_of(const struct decode_crypt *c, uint16_t header, unsigned int ahead)
{
	const struct mppe *m = &c->mppe;

	if (c->params.stateless && ahead >= LATE_REACH && m->late + 1 < MPPE_LATE_RUN)
		return 0;
	if (c->params.stateless)
		return ahead <= m->work + 0u + MPPE_WORK_EARNED ? ahead : 0;
	return ahead && header & MPPE_FLUSHED ? (ahead >> 8) + 3 * MPPE_TRY_MAX : 0;
}

static enum mppe_result open_next(struct decode_crypt *c, uint16_t header, uint8_t *data,
	uint32_t len, struct decode_engine *engine)
{
	unsigned int ahead = gap(&c->mppe, header & MPPE_COUNT);

	c->spared = !decode_work_spend(&engine->work, cost_of(c, header, ahead));
	if (c->spared)
		return MPPE_WAIT;
	if (c->params.stateless && ahead > 0 && ahead < LATE_REACH)
		remember(c);
	return mppe_open(&c->mppe, data, len, &engine->batch);
}

static bool may_search(const struct decode_crypt *c, uint16_t header, enum mppe_result result)
{
	return (result == MPPE_RESET || result == MPPE_WAIT) && !c->spared &&
	       !c->params.stateless && !c->codec && !(header & (MPPE_FLUSHED | MPPE_COMPRESSED));
}

enum mppe_result decode_crypt_open(struct decode_crypt *c, uint8_t *data, uint32_t len,
	struct decode_engine *engine, uint32_t *clear)
{
	struct wire_reader r = wire_reader(data, len);
	uint16_t header = wire_u16(&r), count = header & MPPE_COUNT;
	enum mppe_result result = MPPE_OLD;

	if (r.failed)
		return MPPE_BAD;
	c->packets++;
	c->spared = false;
	if (c->params.stateless && gap(&c->mppe, count) >= LATE_REACH)
		result = open_late(c, count, data, len, engine);
	if (result == MPPE_OK) {
		*clear = len;
		return result;
	}
	if (!c->spared)
		result = open_next(c, header, data, len, engine);
	if (result == MPPE_OK) {
		run(c, len, &engine->batch, clear);
		c->searches = 0;
	} else if (may_search(c, header, result) &&
		   find_stream(c, count, data + MPPE_HEADER, len - MPPE_HEADER, &engine->work)) {
		*clear = len;
		result = MPPE_OK;
	}
	engine->work.spared += c->spared;
	return result;
}

/* Does this key make a packet of IP of it? `copy` has its octets, to be changed. */
static bool key_fits(const struct decode_crypt *c, const uint8_t start[16], uint8_t *copy,
	uint32_t len, struct rc4_batch *batch)
{
	struct wire_reader r = wire_reader(copy, len);
	uint16_t header = wire_u16(&r);
	struct codec *codec = NULL;
	const uint8_t *plain = copy + MPPE_HEADER;
	struct mppe mppe;
	int n = (int)(len - MPPE_HEADER);
	bool opened;

	if (mppe_init(&mppe, &c->params, start) < 0)
		return false;
	mppe.mppc = c->mppc;
	opened = mppe_open(&mppe, copy, len, batch) == MPPE_OK;
	rc4_run(batch);
	mppe_done(&mppe);
	if (opened && header & MPPE_COMPRESSED) {
		codec = codec_new(&mppc_params, false);
		n = codec ? codec_expand(codec, header, plain, (size_t)n, &plain) : 0;
	}
	opened = opened && n > 0 &&
		 is_ip(plain, (uint32_t)n < HEADER_MAX ? (uint32_t)n : HEADER_MAX, (uint32_t)n);
	codec_free(codec);
	return opened;
}

void decode_crypt_try(
	struct decode_crypt *c, const uint8_t *data, uint32_t len, struct decode_engine *engine)
{
	struct wire_reader r = wire_reader(data, len);
	uint32_t cost = (wire_u16(&r) & MPPE_COUNT) + 1 + len / DECODE_WORK_OCTETS;
	uint8_t *copy;

	c->spared = false;
	if (!c->start_count || r.failed || c->tries >= DECODE_KEY_TRIES)
		return;
	c->spared = !decode_work_spend(&engine->work, cost * c->start_count);
	engine->work.spared += c->spared;
	if (c->spared)
		return;
	c->tries++;
	copy = malloc(len);
	for (unsigned int i = 0; copy && i < c->start_count && !c->running; i++) {
		memcpy(copy, data, len);
		if (!key_fits(c, c->starts[i], copy, len, &engine->batch))
			continue;
		c->running = mppe_init(&c->mppe, &c->params, c->starts[i]) == 0;
		if (c->mppc)
			codec_make(c, &mppc_params, &engine->work);
		c->mppe.mppc = c->codec != NULL;
	}
	free(copy);
}
