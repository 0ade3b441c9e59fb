/* Captures decoded in memory, for tests. */
#pragma once

#include "tests/decode/recording.h"
#include "tools/decode/auth.h"
#include "tools/decode/decode.h"
#include "tools/decode/output.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct decoded {
	const char *directory;            /* of the captures */
	struct decode_users right, wrong; /* alice's password, another one */
	bool json, verbose;               /* the form of the next output */
};
extern struct decoded decoded;

/* From main(): `argv[1]` is the directory of the captures. Then decoded_done(). */
void decoded_init(int argc, char **argv);
void decoded_done(void);

/* A capture of the directory, by its name without ".pcap". */
void load(struct recording *r, const char *name);

/* Decodes a file in memory, records as a capture of that link type (the number in the file), or a capture
 * of the directory; the text is the caller's to free. */
char *decode_bytes(const uint8_t *file, size_t size, const struct decode_options *options,
	struct decode_stats *stats, int *rc);
char *decode_link(const struct recording *r, uint32_t link, const struct decode_options *options,
	struct decode_stats *stats);
char *decode_name(
	const char *name, const struct decode_options *options, struct decode_stats *stats);

unsigned int occurrences(const char *text, const char *word);

/* Where the PPP frame begins in this packet of GRE; 0: there is none. */
size_t frame_at(const struct record *r);

/* GRE with something in it that may be encrypted. */
bool is_encrypted(const struct record *r);
