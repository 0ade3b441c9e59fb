/* See codec.h. */
#include "fuzz/codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz f = fuzz_begin(data, size);
	const struct codec_params params = {
		.kind = CODEC_BSD,
		.bits = (uint8_t)(9 + fuzz_u8(&f) % 7),
		.limit = CODEC_FUZZ_LIMIT,
	};

	run(&params, &f);
	return 0;
}
