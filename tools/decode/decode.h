/*
 * `greyline decode`: prints what a capture of PPTP holds, one line per message, and with known
 * passwords decrypts it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* The command. Exit status: 0 read to the end, 1 the input or an output failed, 2 usage. */
int decode_main(int argc, char **argv);

struct decode_users;
struct decode_capture;

struct decode_options {
	bool json;
	const struct decode_users *users; /* may be NULL; the caller's */
	const char *write_path;           /* inner packets in clear go there; NULL: nowhere */
};

/* What was seen, for tests and the last line. */
struct decode_stats {
	uint64_t packets;                  /* read from the capture */
	uint64_t control;                  /* control messages */
	uint64_t gre;                      /* GRE packets of PPTP */
	uint64_t ppp;                      /* PPP frames */
	uint64_t encrypted;                /* MPPE frames */
	uint64_t decrypted;                /* of these, decrypted to a plausible packet */
	uint64_t compressed, decompressed; /* frames of compression without MPPE */
	uint64_t inner;                    /* network-layer packets in clear or decrypted */
	uint64_t malformed;                /* anything that broke a rule of its format */
	uint64_t calls;
	uint64_t verified; /* authentications whose password fits */
};

/*
 * Decodes `capture` to its end (or to decode_stop()) into `out`. 0, or -1 with a sentence in `why`
 * (DECODE_WHY bytes) if reading or writing failed; what could be read has been printed then.
 */
#define DECODE_WHY 512
int decode_run(const struct decode_options *options, struct decode_capture *capture, FILE *out,
	struct decode_stats *stats, char *why);
