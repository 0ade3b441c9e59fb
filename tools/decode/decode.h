/*
 * `greyline decode`: what a capture of PPTP holds, message by message, and with known passwords
 * decrypted. The library of it: decode_run() makes events (event.h) of a capture (capture.h) for those
 * who want them: the printers (output.h), doctor.
 */
#pragma once

#include "tools/decode/event.h"
#include "tools/decode/ip.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct decode_users;
struct decode_capture;
struct decode_finder;

/*
 * The command. `finder` (report.h) has findings for a report. Exit status: 0 read to the end, 1 the input or an
 * output failed, 2 usage.
 */
int decode_command(int argc, char **argv, const struct decode_finder *finder);

struct decode_options {
	const struct decode_users *users; /* may be NULL; the caller's */
	const char *write_path;           /* inner packets in clear go there; NULL: nowhere */
	bool secrets;                     /* passwords, responses, keys' material are shown */
};

/* What was seen. */
struct decode_stats {
	uint64_t packets;      /* read from the capture */
	uint64_t control;      /* control messages */
	uint64_t gre;          /* GRE packets of PPTP */
	uint64_t ppp;          /* PPP frames in GRE */
	uint64_t link;         /* and of the captured link, but for IP in clear */
	uint64_t encrypted;    /* MPPE frames */
	uint64_t decrypted;    /* of these, decrypted to a plausible packet */
	uint64_t work, spared; /* work.h; frames that were left encrypted, or as they were */
	uint64_t compressed, decompressed; /* frames of compression without MPPE */
	uint64_t inner;                    /* network-layer packets in clear or decrypted */
	uint64_t malformed;                /* events that are */
	uint64_t calls, connections;
	uint64_t verified;              /* authentications whose password fits */
	uint64_t first_time, last_time; /* of packets, us since the epoch */
	struct decode_fragments_lost fragments_lost;
};

/*
 * Decodes `capture` to its end (or to decode_capture_stop()); each event goes to each of `sinks` (NULL: to
 * nobody), in their order. 0, or -1 with a sentence in `why` (DECODE_WHY bytes) if reading or the
 * writing to options->write_path failed; what could be read has been told then. `stats` may be NULL.
 */
#define DECODE_WHY 512
int decode_run(const struct decode_options *options, struct decode_capture *capture,
	struct decode_sink *sinks, struct decode_stats *stats, char *why);
