/*
 * A call over time, in a fixed number of buckets: when time goes beyond the last one, each two
 * neighbours become one and the width doubles. So the memory is the same for a second and for a week,
 * and between half and all of the buckets are in use.
 *
 * Invariants: `used` <= HTML_SERIES_BUCKETS; sums over all buckets are what was added, whatever the
 * times were; a time before the start counts in the first bucket.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define HTML_SERIES_BUCKETS 240
#define HTML_SERIES_WIDTH   10000 /* us, of a bucket, at first */

struct html_bucket {
	uint64_t bytes[2]; /* by side: of PPP frames */
	uint32_t packets[2], lost[2], late[2], duplicates[2];
	uint32_t rtt_count, rtt_smallest, rtt_largest; /* us */
	uint64_t rtt_sum;
};

struct html_series {
	bool started;
	uint64_t start, width; /* us */
	unsigned int used;
	struct html_bucket bucket[HTML_SERIES_BUCKETS];
};

/* The bucket of `time` (us); valid until the next call. The first call tells the start. */
struct html_bucket *html_series_at(struct html_series *s, uint64_t time);

/* A round trip that ended at `time` took `us`. */
void html_series_rtt(struct html_series *s, uint64_t time, uint64_t us);

/* A number of `side` that counted as lost has come late at `time`. */
void html_series_late(struct html_series *s, uint64_t time, unsigned int side);
