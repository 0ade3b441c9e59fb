/*
 * lib/compress/mppc: any bits and octets to a decompressor with any history; and what the
 * compressor makes of the input comes out as it went in, with losses in between.
 */
#include "lib/compress/mppc.h"

#include "fuzz/fuzz.h"

#include <errno.h>

static struct mppc_compressor tx;
static struct mppc_decompressor rx;

static int decompress(uint16_t bits, const uint8_t *src, size_t len, uint8_t *dst, size_t room)
{
	uint8_t *packet = fuzz_copy(src, len), *out = malloc(room ? room : 1);
	int n = mppc_decompress(&rx, bits, packet, len, out, room);

	FUZZ_CHECK(n == -EAGAIN || n == -EBADMSG || n == -ENOBUFS || (n >= 0 && (size_t)n <= room));
	FUZZ_CHECK(rx.end <= MPPC_HISTORY);
	if (n > 0)
		memcpy(dst, out, (size_t)n);
	free(out);
	free(packet);
	return n;
}

static void pass(struct fuzz *f, bool lose)
{
	static uint8_t out[MPPC_HISTORY], back[MPPC_HISTORY];
	size_t len, n;
	uint8_t *block = fuzz_block(f, &len);
	uint16_t bits = 0;

	len = len < MPPC_HISTORY ? len : MPPC_HISTORY;
	if (len) {
		n = mppc_compress(&tx, block, len, out, sizeof(out), &bits);
		FUZZ_CHECK(n < len && (n > 0) == ((bits & MPPC_COMPRESSED) != 0));
		if (lose) {
			mppc_decompressor_lost(&rx);
		} else {
			int got =
				decompress(bits, n ? out : block, n ? n : len, back, sizeof(back));

			FUZZ_CHECK(
				got == -EAGAIN || (got == (int)len && !memcmp(back, block, len)));
			if (got == -EAGAIN)
				mppc_compressor_reset(&tx);
		}
	}
	free(block);
}

static void hostile(struct fuzz *f)
{
	static uint8_t back[MPPC_HISTORY];
	size_t len, room = fuzz_u16(f) % sizeof(back);
	uint16_t bits = fuzz_u16(f);
	uint8_t *block = fuzz_block(f, &len);

	(void)decompress(bits, block, len, back, room);
	free(block);
	/* The history is not the compressor's any more; as after a loss. */
	mppc_decompressor_lost(&rx);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz f = fuzz_begin(data, size);

	mppc_compressor_init(&tx);
	mppc_decompressor_init(&rx);
	while (fuzz_more(&f)) {
		uint8_t what = fuzz_u8(&f);

		if (what & 1)
			pass(&f, (what & 0xe) == 0xe);
		else
			hostile(&f);
	}
	return 0;
}
