/*
 * What is kept of a capture for its report, and the parts of the page:
 *
 *     html.c          events come in, are kept
 *     html_judge.c    findings, from what the summary knows
 *     html_findings.c the list of them, kept and written
 *     html_frames.c   frames that they name, and where the page shows them
 *     html_page.c     the page, its head, findings, tables
 *     html_call.c     a call: who, what was negotiated, how it went
 *     html_chart.c    a call over time
 *     html_steps.c    ladder diagrams
 */
#pragma once

#include "tools/decode/call.h"
#include "tools/decode/decode.h"
#include "tools/decode/html.h"
#include "tools/decode/html_frames.h"
#include "tools/decode/html_ladder.h"
#include "tools/decode/html_series.h"
#include "tools/decode/html_tcp.h"

struct html_side {
	uint64_t frames, encrypted, decrypted, lost, late, duplicates;
	char encryption[64], compression[48]; /* of what it sends; empty: none */
	unsigned int bits;                    /* of MPPE; 0: none */
};

/* Only for the first calls. */
struct html_detail {
	struct html_ladder ladder;
	struct html_series series;
	struct html_tcp tcp;
	struct decode_rtt rtt_seen[2][2]; /* by side: of acks, of LCP echoes */
	bool data_seen[2];
};

struct html_call {
	unsigned int number, connection; /* 0: unknown */
	uint32_t address[2];
	uint16_t id[2];
	bool from_control, foreign;
	struct html_side side[2];
	struct decode_call_facts facts;
	struct decode_rtt tcp_rtt; /* of connections inside */
	char user[256], method[24];
	int proof;                  /* of the password: 1 right, -1 wrong, 0 not known */
	struct html_detail *detail; /* NULL: beyond HTML_CALLS_MAX, or no memory */
};

struct html_connection {
	unsigned int number;
	uint32_t address[2];
	uint16_t port;
	struct decode_connection_facts facts;
	struct html_ladder *ladder; /* NULL as above */
};

struct html_finding {
	enum html_weight weight;
	unsigned int call, windows;
	char *title, *text, *meaning, *remedy;
};

struct decode_html {
	struct decode_sink sink;
	char title[256];
	bool started;
	uint64_t first_time, last_time;
	unsigned int most_calls, most_connections;         /* how many there were */
	uint64_t malformed;                                /* events */
	struct html_call *call[HTML_ROWS_MAX];             /* by place - 1 */
	struct html_connection *connection[HTML_ROWS_MAX]; /* by number - 1 */
	unsigned int finding_count, findings_skipped;
	struct html_finding finding[HTML_FINDINGS_MAX];
	bool has_stats;
	struct decode_stats stats;
	struct html_frames *frames; /* while the page is written */
};

/* The report's own findings. */
void html_judge(struct decode_html *h);

/* `finding` with a formatted text in place of its own. */
void html_find(struct decode_html *h, const struct decode_finding *finding, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void html_findings_done(struct decode_html *h);
/* The page's section. */
void html_findings_write(FILE *out, const struct decode_html *h);

/* A call's section. */
void html_call_write(FILE *out, const struct decode_html *h, const struct html_call *call);
/* How it ended, in one sentence. */
void html_ending_words(char *buf, size_t size, const struct decode_ending *e, const char *who);
/* Who a side is: "PNS", "PAC", or "first side" and "second side" where that is not known. */
const char *html_side_name(const struct html_call *call, unsigned int side);

/* An SVG of throughput, losses and round trips; nothing if there was no data. */
void html_chart_write(FILE *out, const struct html_call *call);

/*
 * A diagram of one or several ladders as one, by frames. `flip[i]`: sides of ladder i are exchanged.
 * `left`, `right`: who the two are.
 */
#define HTML_LADDERS 2
struct html_diagram {
	unsigned int count;
	const struct html_ladder *ladder[HTML_LADDERS];
	bool flip[HTML_LADDERS];
	const char *left, *right;
	uint64_t start; /* time 0 */
	struct html_frames *frames;
};
/* Tells `f` of each frame that a diagram of this ladder would show. */
void html_steps_frames(const struct html_ladder *l, struct html_frames *f);
void html_steps_write(FILE *out, const struct html_diagram *d);
