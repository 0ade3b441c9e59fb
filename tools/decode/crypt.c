/* MPPE of one direction: see crypt.h. */
#include "tools/decode/crypt.h"

#include "lib/wire.h"

#include <stdlib.h>

/* Packets after which the 12 bits of a count may mean another round. */
#define LATE_REACH (MPPE_COUNT + 1 - MPPE_LATE_MAX)

void decode_crypt_done(struct decode_crypt *c)
{
	if (c->running)
		mppe_done(&c->mppe);
	codec_free(c->codec);
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
	mppe_init(&c->mppe, params, start);
	c->running = true;
}

void decode_crypt_compress(struct decode_crypt *c, const struct codec_params *params)
{
	if (!params->encrypted)
		decode_crypt_done(c);
	codec_free(c->codec);
	c->codec = codec_new(params, false);
	if (!params->encrypted)
		c->algorithm = c->codec ? DECODE_COMPRESS : DECODE_OTHER;
	c->mppe.mppc = c->codec && params->encrypted;
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
	c->late[c->late_next] = (struct decode_late){ .mppe = c->mppe, .packets = c->packets };
	c->late_next = (c->late_next + 1) % DECODE_LATE_MAX;
}

static enum mppe_result open_late(struct decode_crypt *c, uint16_t count, uint8_t *data,
	uint32_t len, struct rc4_batch *batch)
{
	for (unsigned int i = 1; c->late && i <= DECODE_LATE_MAX; i++) {
		const struct decode_late *l =
			&c->late[(c->late_next + DECODE_LATE_MAX - i) % DECODE_LATE_MAX];
		struct mppe copy = l->mppe;
		enum mppe_result result;

		if (!l->packets || c->packets - l->packets > LATE_REACH ||
			gap(&copy, count) >= LATE_REACH)
			continue;
		result = mppe_open(&copy, data, len, batch);
		if (result == MPPE_OK)
			rc4_run(batch);
		mppe_done(&copy);
		return result;
	}
	return MPPE_OLD;
}

enum mppe_result decode_crypt_open(
	struct decode_crypt *c, uint8_t *data, uint32_t len, struct rc4_batch *batch)
{
	struct wire_reader r = wire_reader(data, len);
	uint16_t count = wire_u16(&r) & MPPE_COUNT;
	enum mppe_result result;
	unsigned int ahead;

	if (r.failed)
		return MPPE_BAD;
	c->packets++;
	ahead = gap(&c->mppe, count);
	if (c->params.stateless && ahead >= LATE_REACH) {
		result = open_late(c, count, data, len, batch);
		if (result == MPPE_OK)
			return result;
	} else if (c->params.stateless && ahead > 0) {
		remember(c);
	}
	result = mppe_open(&c->mppe, data, len, batch);
	if (result == MPPE_OK)
		rc4_run(batch);
	return result;
}
