/*
 * tools/decode: a capture file in memory, as text and as JSON, without and with passwords. The
 * input's first octet chooses; the rest is the file.
 */
#include "tools/decode/decode.h"
#include "tools/decode/auth.h"
#include "tools/decode/capture.h"

#include "fuzz/fuzz.h"

static void run(const uint8_t *file, size_t size, const struct decode_options *options)
{
	char why[DECODE_WHY] = "";
	struct decode_stats stats = { 0 };
	char *text = NULL;
	size_t len = 0;
	FILE *in = fmemopen((void *)(uintptr_t)file, size, "rb");
	FILE *out = open_memstream(&text, &len);
	struct decode_capture *capture;

	FUZZ_CHECK(in && out);
	capture = decode_capture_file(in, why);
	if (capture) {
		if (decode_run(options, capture, out, &stats, why) < 0)
			FUZZ_CHECK(why[0]);
		FUZZ_CHECK(stats.decrypted <= stats.encrypted && stats.ppp <= stats.gre);
		decode_capture_close(capture);
	} else {
		FUZZ_CHECK(why[0]);
	}
	fclose(out);
	/* What goes to a terminal is text. */
	for (size_t i = 0; i < len; i++)
		FUZZ_CHECK((text[i] >= ' ' && text[i] <= '~') || text[i] == '\n');
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = { "bob:something", "alice:wonderland" };
	struct decode_users users = { 0 };
	struct decode_options options = { 0 };
	char why[DECODE_WHY];

	if (size < 2)
		return 0;
	options.json = data[0] & 1;
	if (data[0] & 2) {
		for (int i = 0; i < 2; i++)
			FUZZ_CHECK(!decode_users_add(&users, names[i], why));
		options.users = &users;
	}
	run(data + 1, size - 1, &options);
	decode_users_done(&users);
	return 0;
}
