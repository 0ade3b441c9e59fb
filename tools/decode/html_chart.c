/*
 * A call over time, as an SVG: throughput of one side upwards, of the other downwards; marks for what was
 * lost or came out of order; round trips below. Each bucket has its numbers, shown while the mouse is on it.
 */
#include "tools/decode/html_report.h"
#include "tools/decode/html_text.h"

#include <inttypes.h>

#define WIDTH    1000
#define LEFT     86
#define RIGHT    10
#define PLOT     (WIDTH - LEFT - RIGHT)
#define TOP      26
#define FLOW     70 /* height of one direction's throughput */
#define MIDDLE   (TOP + FLOW)
#define MARKS    (MIDDLE + FLOW + 8)
#define ROW      16
#define TRIPS    (MARKS + 2 * ROW + 14)
#define TRIPS_HI 62
#define DENSE    0.1 /* a part lost that is drawn as all */
#define TICKS    9   /* at most */

struct chart {
	FILE *out;
	const struct html_call *call;
	const struct html_series *s;
	uint64_t peak;             /* octets in a bucket, of either side */
	uint32_t fastest, slowest; /* us, at least 1 */
	bool lost, late, twice, marks, trips;
	int height;
};

static double x_of(const struct chart *c, unsigned int bucket)
{
	return LEFT + (double)bucket * PLOT / c->s->used;
}

static void measure(struct chart *c)
{
	for (unsigned int i = 0; i < c->s->used; i++) {
		const struct html_bucket *b = &c->s->bucket[i];

		for (int side = 0; side < 2; side++) {
			if (b->bytes[side] > c->peak)
				c->peak = b->bytes[side];
			c->lost |= b->lost[side] != 0;
			c->late |= b->late[side] != 0;
			c->twice |= b->duplicates[side] != 0;
		}
		for (int k = 0; k < HTML_RTTS; k++) {
			if (!b->trip[k].count)
				continue;
			if (!c->trips || b->trip[k].smallest < c->fastest)
				c->fastest = b->trip[k].smallest;
			c->trips = true;
			if (b->trip[k].largest > c->slowest)
				c->slowest = b->trip[k].largest;
		}
	}
	c->fastest = c->fastest ? c->fastest : 1;
	c->slowest = c->slowest ? c->slowest : 1;
	c->marks = c->lost || c->late || c->twice;
	c->height = (c->trips ? TRIPS + TRIPS_HI : c->marks ? MARKS + 2 * ROW : MARKS) + 24;
}

/* Steps from the middle line, up or down. */
static void flow_write(const struct chart *c, int side)
{
	fprintf(c->out, "<path class=\"%s\" d=\"M%d %d", side ? "down" : "up", LEFT, MIDDLE);
	for (unsigned int i = 0; i < c->s->used; i++) {
		double h = (double)c->s->bucket[i].bytes[side] * FLOW / (double)c->peak;

		fprintf(c->out, "V%.1f", side ? MIDDLE + h : MIDDLE - h);
		fprintf(c->out, "H%.1f", x_of(c, i + 1));
	}
	fprintf(c->out, "V%dZ\"/>\n", MIDDLE);
}

static void marks_write(const struct chart *c, int side)
{
	double width = (double)PLOT / c->s->used, part;
	int y = MARKS + side * ROW;

	for (unsigned int i = 0; i < c->s->used; i++) {
		const struct html_bucket *b = &c->s->bucket[i];
		const char *what = b->lost[side]         ? "lost"
				   : b->late[side]       ? "late"
				   : b->duplicates[side] ? "twice"
							 : NULL;

		if (!what)
			continue;
		part = (double)(b->lost[side] + b->late[side] + b->duplicates[side]) /
		       (b->packets[side] + b->lost[side] + 1);
		fprintf(c->out,
			"<rect class=\"%s\" x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\" "
			"fill-opacity=\"%.2f\"/>\n",
			what, x_of(c, i), y, width < 3 ? 3 : width, ROW - 3,
			part >= DENSE ? 1 : 0.3 + 0.7 * part / DENSE);
	}
}

/* The logarithm to the base of 2, its fraction without a curve: good enough to draw. */
static double log_of(uint64_t n)
{
	unsigned int bit = 0;

	while (bit < 63 && n >> bit >> 1)
		bit++;
	return bit + (double)n / (double)(1ull << bit) - 1;
}

/* Round trips range from microseconds to minutes. */
static double trip_y(const struct chart *c, uint64_t us)
{
	double low = log_of(c->fastest), high = log_of(c->slowest);

	if (high <= low)
		return TRIPS + TRIPS_HI / 2;
	return TRIPS + TRIPS_HI - (log_of(us) - low) * (TRIPS_HI - 4) / (high - low);
}

/* Means as dots, with a line from the fastest to the slowest. */
static void trips_write(const struct chart *c, int kind)
{
	static const char *const classes[HTML_RTTS] = { "ack", "echo", "tcp" };

	fprintf(c->out, "<g class=\"trip %s\">", classes[kind]);
	for (unsigned int i = 0; i < c->s->used; i++) {
		const struct html_trip *t = &c->s->bucket[i].trip[kind];
		double x = x_of(c, i) + (double)PLOT / c->s->used / 2;

		if (!t->count)
			continue;
		if (t->smallest < t->largest)
			fprintf(c->out, "<path d=\"M%.1f %.1fV%.1f\"/>", x, trip_y(c, t->smallest),
				trip_y(c, t->largest));
		fprintf(c->out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"2.2\"/>\n", x,
			trip_y(c, t->sum / t->count));
	}
	fputs("</g>\n", c->out);
}

static void words_at(
	const struct chart *c, double x, double y, const char *anchor, const char *words)
{
	fprintf(c->out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", x, y, anchor);
	html_text(c->out, "%s", words);
	fputs("</text>\n", c->out);
}

/* 1, 2 or 5 of a decimal unit, or of minutes and hours, so that there are TICKS at most. */
static uint64_t tick_of(uint64_t total)
{
	static const uint64_t clock[] = { 15000000, 30000000, 60000000, 120000000, 300000000,
		600000000, 1800000000, 3600000000, 7200000000, 21600000000, 86400000000 };
	static const uint64_t steps[] = { 1, 2, 5 };
	uint64_t unit = 1;

	for (; unit <= 10000000; unit *= 10) {
		for (int i = 0; i < 3 && unit * steps[i] <= 10000000; i++) {
			if (total / (unit * steps[i]) < TICKS)
				return unit * steps[i];
		}
	}
	for (unsigned int i = 0; i < sizeof(clock) / sizeof(clock[0]); i++) {
		if (total / clock[i] < TICKS)
			return clock[i];
	}
	return total / TICKS + 1;
}

static void times_write(const struct chart *c)
{
	uint64_t total = c->s->used * c->s->width, tick = tick_of(total);
	char n[HTML_NUMBER];

	for (uint64_t t = 0; t <= total; t += tick) {
		double x = LEFT + (double)PLOT * (double)t / (double)total;

		fprintf(c->out, "<path class=\"grid\" d=\"M%.1f %dV%d\"/>", x, TOP, c->height - 18);
		if (x < WIDTH - RIGHT - 20)
			words_at(c, x, c->height - 5, t ? "middle" : "start",
				t ? html_duration(n, t) : "0");
	}
}

static void axes_write(const struct chart *c)
{
	char n[HTML_NUMBER];

	times_write(c);
	html_rate(n, c->peak, c->s->width);
	words_at(c, LEFT - 6, TOP + 8, "end", n);
	words_at(c, LEFT - 6, MIDDLE + 4, "end", "0");
	words_at(c, LEFT - 6, MIDDLE + FLOW - 2, "end", n);
	if (c->marks) {
		words_at(c, LEFT - 6, MARKS + 11, "end", html_side_name(c->call, 0));
		words_at(c, LEFT - 6, MARKS + ROW + 11, "end", html_side_name(c->call, 1));
	}
	if (!c->trips)
		return;
	words_at(c, LEFT - 6, TRIPS + 8, "end", html_duration(n, c->slowest));
	words_at(c, LEFT - 6, TRIPS + TRIPS_HI, "end", html_duration(n, c->fastest));
	fprintf(c->out, "<path class=\"base\" d=\"M%d %dH%d\"/>", LEFT, TRIPS + TRIPS_HI,
		WIDTH - RIGHT);
}

static void side_numbers(const struct chart *c, const struct html_bucket *b, int side)
{
	char n[HTML_NUMBER];

	html_text(c->out, "  %s %s", side ? "\xe2\x86\x93" : "\xe2\x86\x91",
		html_rate(n, b->bytes[side], c->s->width));
	if (b->lost[side])
		html_text(c->out, ", %u lost", b->lost[side]);
	if (b->late[side])
		html_text(c->out, ", %u late", b->late[side]);
	if (b->duplicates[side])
		html_text(c->out, ", %u twice", b->duplicates[side]);
}

/* What a bucket holds, in words, where the mouse is. */
static void numbers_write(const struct chart *c, unsigned int i)
{
	static const char *const names[HTML_RTTS] = { "GRE", "LCP", "TCP" };
	const struct html_bucket *b = &c->s->bucket[i];
	char n[HTML_NUMBER];

	if (!b->packets[0] && !b->packets[1] && !b->trip[0].count && !b->lost[0] && !b->lost[1])
		return;
	fprintf(c->out,
		"<g class=\"hit\"><rect x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\"/>"
		"<text x=\"%d\" y=\"14\" text-anchor=\"end\">",
		x_of(c, i), TOP, (double)PLOT / c->s->used, c->height - TOP - 18, WIDTH - RIGHT);
	html_text(c->out, "%s", html_duration(n, i * c->s->width));
	for (int side = 0; side < 2; side++)
		side_numbers(c, b, side);
	for (int k = 0; k < HTML_RTTS; k++) {
		if (b->trip[k].count)
			html_text(c->out, "  %s round trip %s", names[k],
				html_duration(n, b->trip[k].sum / b->trip[k].count));
	}
	fputs("</text></g>\n", c->out);
}

static void key(const struct chart *c, const char *class, const char *words)
{
	fprintf(c->out, "<span class=\"%s\"><i></i>", class);
	html_text(c->out, "%s", words);
	fputs("</span> ", c->out);
}

static bool any(const struct chart *c, int kind)
{
	for (unsigned int i = 0; i < c->s->used; i++) {
		if (c->s->bucket[i].trip[kind].count)
			return true;
	}
	return false;
}

static void legend_write(const struct chart *c)
{
	char words[64], n[HTML_NUMBER];

	fputs("<figcaption>", c->out);
	snprintf(words, sizeof(words), "from the %s", html_side_name(c->call, 0));
	key(c, "up", words);
	snprintf(words, sizeof(words), "from the %s", html_side_name(c->call, 1));
	key(c, "down", words);
	if (c->lost)
		key(c, "lost", "lost");
	if (c->late)
		key(c, "late", "out of order");
	if (c->twice)
		key(c, "twice", "twice");
	if (any(c, HTML_RTT_ACK))
		key(c, "ack", "round trip (logarithmic): GRE and its acknowledgment");
	if (any(c, HTML_RTT_ECHO))
		key(c, "echo", "LCP Echo");
	if (any(c, HTML_RTT_TCP))
		key(c, "tcp", "TCP inside, from here to its receiver");
	html_text(c->out, "One step: %s.", html_duration(n, c->s->width));
	fputs("</figcaption>\n", c->out);
}

void html_chart_write(FILE *out, const struct html_call *call)
{
	struct chart c = { .out = out, .call = call };

	if (!call->detail || !call->detail->series.used)
		return;
	c.s = &call->detail->series;
	measure(&c);
	if (!c.peak)
		return;
	fprintf(out,
		"<figure class=\"chart\"><svg viewBox=\"0 0 %d %d\" role=\"img\" "
		"aria-label=\"Throughput, losses and round trips of call %u over time\">\n",
		WIDTH, c.height, call->number);
	axes_write(&c);
	flow_write(&c, 0);
	flow_write(&c, 1);
	fprintf(out, "<path class=\"base\" d=\"M%d %dH%d\"/>\n", LEFT, MIDDLE, WIDTH - RIGHT);
	for (int side = 0; c.marks && side < 2; side++)
		marks_write(&c, side);
	for (int kind = 0; kind < HTML_RTTS; kind++)
		trips_write(&c, kind);
	for (unsigned int i = 0; i < c.s->used; i++)
		numbers_write(&c, i);
	fputs("</svg>\n", out);
	legend_write(&c);
	fputs("</figure>\n", out);
}
