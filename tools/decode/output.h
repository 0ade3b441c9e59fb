/*
 * Printers of events: text, a line a message; text with all fields below each line; JSON, an object a
 * line; and any of them for summaries only.
 */
#pragma once

#include "tools/decode/event.h"

#include <stdio.h>

#define DECODE_OUTPUT_MAX 8192

enum decode_form { DECODE_FORM_TEXT, DECODE_FORM_JSON };

struct decode_output {
	struct decode_sink sink;
	FILE *out;
	enum decode_form form;
	bool verbose; /* TEXT: all fields, too */
	bool summary; /* connections, calls and the capture as a whole only */
	bool started;
	uint64_t first;  /* time of the first message: text shows the time since then */
	uint64_t second; /* that `stamp` is of */
	char stamp[48];  /* date and time, without fractions */
	size_t used;
	char buf[DECODE_OUTPUT_MAX]; /* what is written to `out` in one */
};

/*
 * o->sink is ready for decode_run() then. The rest may be set between. Errors of `out` are for the caller
 * to look at, in `out`.
 */
void decode_output_init(struct decode_output *o, FILE *out, enum decode_form form);
