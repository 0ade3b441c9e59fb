/*
 * A report's file, for a command: opened before the work begins, so that a path that cannot be
 * written is said at once; and who else has findings for it. The page itself: html.h.
 */
#pragma once

#include "tools/decode/html.h"

/* Somebody who sees the same events and finds more in them than the report does (doctor). */
struct decode_finder {
	/* Begins; *sink is for decode_run(), valid until end(). NULL: no memory. */
	void *(*begin)(struct decode_sink **sink);
	/* After the last event: decode_html_find() for each finding. */
	void (*tell)(void *self, struct decode_html *html);
	void (*end)(void *self);
};

struct decode_capture;

struct decode_report {
	FILE *file; /* NULL: there is none to be made */
	struct decode_html *html;
	const char *path;
};

/*
 * `path`: of the report, NULL for none (0 then, too); must stay. `capture`: name of the file or
 * interface that it is about, `from`: what is read, which a report does not overwrite. 0, or -1 with a sentence in `why`
 * (DECODE_WHY bytes), without anything to close.
 */
int decode_report_open(struct decode_report *r, const char *path, const struct decode_capture *from,
	const char *capture, char *why);
/* Writes it, after decode_run(). 0, or -1 with a sentence in `why`. */
int decode_report_close(struct decode_report *r, char *why);
