/* A call over time, in buckets: see html_series.h. */
#include "tools/decode/html_series.h"

#include <string.h>

static void trip_join(struct html_trip *to, const struct html_trip *b)
{
	if (b->count && (!to->count || b->smallest < to->smallest))
		to->smallest = b->smallest;
	if (b->largest > to->largest)
		to->largest = b->largest;
	to->count += b->count;
	to->sum += b->sum;
}

static void join(struct html_bucket *to, const struct html_bucket *a, const struct html_bucket *b)
{
	struct html_bucket sum = *a;

	for (int i = 0; i < 2; i++) {
		sum.bytes[i] += b->bytes[i];
		sum.packets[i] += b->packets[i];
		sum.lost[i] += b->lost[i];
		sum.late[i] += b->late[i];
		sum.duplicates[i] += b->duplicates[i];
	}
	for (int i = 0; i < HTML_RTTS; i++)
		trip_join(&sum.trip[i], &b->trip[i]);
	*to = sum;
}

static void halve(struct html_series *s)
{
	static const struct html_bucket empty;

	for (unsigned int i = 0; i < HTML_SERIES_BUCKETS / 2; i++)
		join(&s->bucket[i], &s->bucket[2 * i], &s->bucket[2 * i + 1]);
	for (unsigned int i = HTML_SERIES_BUCKETS / 2; i < HTML_SERIES_BUCKETS; i++)
		s->bucket[i] = empty;
	s->width *= 2;
	s->used = (s->used + 1) / 2;
}

struct html_bucket *html_series_at(struct html_series *s, uint64_t time)
{
	uint64_t since;

	if (!s->started) {
		s->started = true;
		s->start = time;
		s->width = HTML_SERIES_WIDTH;
	}
	since = time > s->start ? time - s->start : 0;
	/* Ends: the width cannot become greater than any time. */
	while (since / s->width >= HTML_SERIES_BUCKETS)
		halve(s);
	since /= s->width;
	if (since >= s->used)
		s->used = (unsigned int)since + 1;
	return &s->bucket[since];
}

void html_series_rtt(struct html_series *s, uint64_t time, enum html_rtt kind, uint64_t us)
{
	uint32_t rtt = us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
	const struct html_trip one = { .count = 1, .smallest = rtt, .largest = rtt, .sum = rtt };

	trip_join(&html_series_at(s, time)->trip[kind], &one);
}

void html_series_late(struct html_series *s, uint64_t time, unsigned int side)
{
	struct html_bucket *b = html_series_at(s, time);

	b->late[side]++;
	for (;; b--) {
		if (b->lost[side]) {
			b->lost[side]--;
			return;
		}
		if (b == s->bucket)
			return;
	}
}
