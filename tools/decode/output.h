/*
 * Printers of events: text, a line a message; text with all fields below each line; JSON, an object a
 * line; and any of them for summaries only.
 */
#pragma once

#include "tools/decode/event.h"

#include <stdio.h>

#define DECODE_OUTPUT_MAX 65536

enum decode_form { DECODE_FORM_TEXT, DECODE_FORM_JSON };

#define DECODE_VERBOSE 1u /* TEXT: all fields, too */
#define DECODE_SUMMARY 2u /* connections, calls and the capture as a whole only */

struct decode_output {
	struct decode_sink sink;
	FILE *out;
	enum decode_form form;
	bool verbose, summary;
	bool at_once; /* each event is written when it comes, not when the buffer is full */
	bool started;
	uint64_t first;  /* time of the first message: text shows the time since then */
	uint64_t second; /* that `stamp` is of */
	char stamp[48];  /* date and time, without fractions */
	size_t used;
	char buf[DECODE_OUTPUT_MAX]; /* what is written to `out` in one */
};

/*
 * o->sink is ready for decode_run() then. `detail`: DECODE_VERBOSE, DECODE_SUMMARY. Only `at_once` may be set between.
 * Errors of `out` are for the caller to look at, in `out`; all is written to it with the last event.
 */
void decode_output_init(
	struct decode_output *o, FILE *out, enum decode_form form, unsigned int detail);
