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

/* Round trips by where they come from: they are different paths, and different delays. */
enum html_rtt {
	HTML_RTT_ACK,  /* a GRE packet and its acknowledgment */
	HTML_RTT_ECHO, /* LCP Echo */
	HTML_RTT_TCP,  /* a connection inside */
	HTML_RTTS
};

struct html_trip {
	uint32_t count, smallest, largest; /* us */
	uint64_t sum;
};

struct html_bucket {
	uint64_t bytes[2]; /* by side: of PPP frames */
	uint32_t packets[2], lost[2], late[2], duplicates[2];
	struct html_trip trip[HTML_RTTS];
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
void html_series_rtt(struct html_series *s, uint64_t time, enum html_rtt kind, uint64_t us);

/* A number of `side` that counted as lost has come late at `time`. */
void html_series_late(struct html_series *s, uint64_t time, unsigned int side);
