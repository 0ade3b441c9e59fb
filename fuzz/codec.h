/*
 * lib/compress/codec, one method: any octets to a decompressor in any state; and what the compressor
 * makes of the input comes out as it went in, with losses and resets in between.
 */
#pragma once

#include "lib/compress/codec.h"

#include "fuzz/fuzz.h"

#include <errno.h>

#define CODEC_FUZZ_LIMIT 1500

static struct codec *tx, *rx;

static void pass(struct fuzz *f, bool lose)
{
	const uint8_t *out, *back;
	size_t len, n, head;
	uint8_t *block = fuzz_block(f, &len);
	uint8_t *packet;
	int got;

	len = len < CODEC_FUZZ_LIMIT ? len : CODEC_FUZZ_LIMIT;
	n = codec_compress(tx, 0x21, block, len, &out);
	if (lose) {
		codec_reset(tx);
		codec_reset(rx);
	} else if (!n) {
		codec_learn(rx, 0x21, block, len);
	} else {
		packet = fuzz_copy(out, n);
		got = codec_decompress(rx, packet, n, &back);
		head = got > 0 && !back[0] ? 2 : 1;
		FUZZ_CHECK(got == (int)(len + head) && back[head - 1] == 0x21);
		FUZZ_CHECK(!memcmp(back + head, block, len));
		free(packet);
	}
	free(block);
}

static void hostile(struct fuzz *f)
{
	const uint8_t *back;
	uint16_t protocol = fuzz_u16(f);
	size_t len;
	uint8_t *block = fuzz_block(f, &len);
	int n;

	if (protocol & 1) {
		codec_learn(rx, protocol, block, len);
	} else {
		n = codec_decompress(rx, block, len, &back);
		FUZZ_CHECK(n == -EAGAIN || n == -EBADMSG || n == -ENOBUFS ||
			   (n >= 0 && n <= CODEC_FUZZ_LIMIT + 2));
	}
	free(block);
}

static void run(const struct codec_params *params, struct fuzz *f)
{
	bool damaged = false;

	tx = codec_new(params, true);
	rx = codec_new(params, false);
	FUZZ_CHECK(tx && rx);
	while (fuzz_more(f)) {
		uint8_t what = fuzz_u8(f);

		/* The history is not the compressor's any more. */
		if ((what & 1) && damaged) {
			codec_reset(tx);
			codec_reset(rx);
		}
		damaged = !(what & 1);
		if (what & 1)
			pass(f, (what & 0xe) == 0xe);
		else
			hostile(f);
	}
	codec_free(tx);
	codec_free(rx);
}
