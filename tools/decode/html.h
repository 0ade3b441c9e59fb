/*
 * `decode --html`: the whole capture as one page, for people: findings, who talked with whom, what
 * was negotiated, ladder diagrams of control connections and PPP, and each call over time.
 *
 * The page stands alone: no network, no fonts, no scripts, and a policy in it that forbids them,
 * because nearly all its text was written by strangers.
 *
 * Bounded, whatever the capture's size: HTML_CALLS_MAX calls and HTML_CONNECTIONS_MAX control
 * connections are shown with everything (some 60 KB each as a rule, 700 KB at the most), the others
 * in tables up to HTML_ROWS_MAX, and the rest counted.
 */
#pragma once

#include "tools/decode/event.h"

#include <stdio.h>

#define HTML_CALLS_MAX       64
#define HTML_CONNECTIONS_MAX 64
#define HTML_ROWS_MAX        1000
#define HTML_FINDINGS_MAX    120 /* all of doctor's, and as many more */

struct decode_html;

/* `title`: of the capture, a file's name as a rule; copied. NULL: no memory. */
struct decode_html *decode_html_new(const char *title);
void decode_html_free(struct decode_html *h);

/* For decode_run(); valid as long as `h`. */
struct decode_sink *decode_html_sink(struct decode_html *h);

/* As doctor's, and behind them what is for information. */
enum html_weight { HTML_FATAL, HTML_MAJOR, HTML_MINOR, HTML_NOTE, HTML_GOOD, HTML_WEIGHTS };

struct decode_finding {
	enum html_weight weight;
	unsigned int call; /* its number; 0: none */
	const char *title;
	const char *text;     /* what was seen; "frame 7", "frames 7 to 9" become links */
	const char *meaning;  /* may be NULL */
	const char *remedy;   /* what to do; may be NULL */
	unsigned int windows; /* error number that a user of Windows sees; 0: none */
};

/*
 * One more finding for the top of the page, where they stand by weight. Texts are copied, and
 * escaped when they are written. The report's own, which decode_html_write() adds, come behind
 * those of their weight.
 */
void decode_html_find(struct decode_html *h, const struct decode_finding *finding);

/* Writes the page, once, after decode_run(). 0, or a negative errno. */
int decode_html_write(struct decode_html *h, FILE *out);
