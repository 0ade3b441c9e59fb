/* See decoded.h. */
#include "tests/decode/decoded.h"

#include "tools/decode/capture.h"

#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct decoded decoded;

void decoded_init(int argc, char **argv)
{
	char why[DECODE_WHY];

	if (argc != 2) {
		fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
		exit(2);
	}
	decoded.directory = argv[1];
	if (decode_users_add(&decoded.right, "bob:something", why) != 0 ||
		decode_users_add(&decoded.right, "alice:wonderland", why) != 0 ||
		decode_users_add(&decoded.wrong, "alice:Wonderland", why) != 0)
		abort();
}

void decoded_done(void)
{
	decode_users_done(&decoded.right);
	decode_users_done(&decoded.wrong);
}

void load(struct recording *r, const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s.pcap", decoded.directory, name);
	recording_load(r, path);
}

/* Decodes a file in memory; the text is the caller's to free. */
char *decode_bytes(const uint8_t *file, size_t size, const struct decode_options *options,
	struct decode_stats *stats, int *rc)
{
	char why[DECODE_WHY] = "";
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	struct decode_output output;
	struct decode_capture *c;
	FILE *in = size ? fmemopen((void *)(uintptr_t)file, size, "rb") : NULL;

	memset(stats, 0, sizeof(*stats));
	*rc = -1;
	c = in ? decode_capture_file(in, why) : NULL;
	decode_output_init(&output, out, decoded.json ? DECODE_FORM_JSON : DECODE_FORM_TEXT,
		decoded.verbose ? DECODE_VERBOSE : 0);
	if (c)
		*rc = decode_run(options, c, &output.sink, stats, why);
	decoded.json = decoded.verbose = false;
	decode_capture_close(c);
	fclose(out);
	return text;
}

char *decode_link(const struct recording *r, uint32_t link, const struct decode_options *options,
	struct decode_stats *stats)
{
	size_t size;
	uint8_t *file = recording_file(r, link, &size);
	int rc;
	char *text = decode_bytes(file, size, options, stats, &rc);

	assert_int_equal(rc, 0);
	free(file);
	return text;
}

char *decode_name(
	const char *name, const struct decode_options *options, struct decode_stats *stats)
{
	struct recording r;
	char *text;

	load(&r, name);
	text = decode_link(&r, DLT_EN10MB, options, stats);
	recording_free(&r);
	return text;
}

unsigned int occurrences(const char *text, const char *word)
{
	unsigned int n = 0;

	while ((text = strstr(text, word)) != NULL) {
		text++;
		n++;
	}
	return n;
}

bool is_encrypted(const struct record *r)
{
	return r->len > 60 && r->data[23] == 47;
}

size_t frame_at(const struct record *r)
{
	if (r->len < 50 || r->data[23] != 47 || !(r->data[34] & 0x10))
		return 0;
	return r->data[35] & 0x80 ? 50 : 46;
}
