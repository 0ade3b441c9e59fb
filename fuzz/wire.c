/* lib/wire.h: any reads and writes stay inside, and the error sticks. */
#include "fuzz/fuzz.h"

static void read_some(struct fuzz *f)
{
	size_t len;
	uint8_t *block = fuzz_block(f, &len);
	struct wire_reader r = wire_reader(block, len), sub;
	uint8_t copy[300];

	while (fuzz_more(f)) {
		bool failed = r.failed;
		size_t left = wire_left(&r), n = fuzz_u8(f);

		switch (fuzz_below(f, 7)) {
		case 0:
			(void)wire_u8(&r);
			n = 1;
			break;
		case 1:
			(void)wire_u16(&r);
			n = 2;
			break;
		case 2:
			(void)wire_u32(&r);
			n = 4;
			break;
		case 3:
			wire_copy(&r, copy, n);
			break;
		case 4:
			wire_skip(&r, n);
			break;
		case 5:
			sub = wire_sub(&r, n);
			FUZZ_CHECK(sub.failed ? !wire_left(&sub) : wire_left(&sub) == n);
			while (wire_left(&sub))
				(void)wire_u16(&sub);
			break;
		default:
			free(block);
			return;
		}
		FUZZ_CHECK(r.failed == (failed || n > left));
		FUZZ_CHECK(wire_left(&r) == (r.failed ? 0 : left - n));
	}
	free(block);
}

static void write_some(struct fuzz *f)
{
	size_t size = fuzz_u8(f);
	uint8_t *room = malloc(size ? size : 1), src[256] = { 0 };
	struct wire_writer w = wire_writer(room, size);

	while (fuzz_more(f)) {
		bool failed = w.failed;
		size_t before = wire_written(&w), n = fuzz_u8(f);

		switch (fuzz_below(f, 6)) {
		case 0:
			wire_put_u8(&w, 1);
			n = 1;
			break;
		case 1:
			wire_put_u16(&w, 2);
			n = 2;
			break;
		case 2:
			wire_put_u32(&w, 3);
			n = 4;
			break;
		case 3:
			wire_put_bytes(&w, src, n);
			break;
		case 4:
			wire_put_zero(&w, n);
			break;
		default:
			wire_patch_u16(&w, n, 0xffff);
			FUZZ_CHECK(w.failed == (failed || n + 2 > before));
			failed = w.failed;
			n = 0;
			break;
		}
		FUZZ_CHECK(w.failed == (failed || n > size - before));
		FUZZ_CHECK(wire_written(&w) == (w.failed ? before : before + n));
	}
	free(room);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz f = fuzz_begin(data, size);

	read_some(&f);
	write_some(&f);
	return 0;
}
