/*
 * What a tunnel that is up is worth: round-trip time, loss and reordering over some pings, the largest
 * packet that passes, throughput. Pings go to the server's address in the tunnel; to one that does not
 * answer them, PPP's own echoes (RFC 1661 section 5.8) go instead. The callbacks are a probe's.
 */
#pragma once

#include "tools/doctor/probe.h"

#define MEASURE_PINGS_MAX 1000

enum measure_stage {
	MEASURE_WARM, /* until the first answer: the server may still be setting up its end */
	MEASURE_PINGS,
	MEASURE_ECHOES, /* LCP's, where pings were not answered */
	MEASURE_SIZE,
	MEASURE_THROUGHPUT,
	MEASURE_DONE
};

struct measure {
	enum measure_stage stage;
	uint64_t next, last; /* us: when to send; when the last was sent, or something came */
	uint64_t warm_until; /* us */
	struct in_addr local, remote;
	uint16_t largest; /* that the tunnel would send, inner */
	unsigned int tries;
	uint32_t size_tag;
	unsigned int good, bad, trying; /* sizes: passed, failed, under way */
	uint64_t throughput_end, flood_bytes, flood_began;
	unsigned int in_flight;

	/* What came of it. */
	unsigned int sent, answered, reordered, highest;
	bool by_lcp; /* of LCP echoes, since pings were not answered */
	uint64_t sent_at[MEASURE_PINGS_MAX];
	bool got[MEASURE_PINGS_MAX];
	uint64_t rtt_min, rtt_max, rtt_sum; /* us */
	unsigned int size_passed; /* the largest inner packet that was answered; 0 not tested */
	unsigned int size_wanted; /* the largest that should have been */
	double mbits;             /* both ways at once; 0: not measured */
};

/* The tunnel is up; then each tick, packet and frame of it. At the end the probe is stopped. */
void measure_begin(struct measure *m, struct probe *p, uint64_t now);
void measure_tick(struct measure *m, struct probe *p, uint64_t now);
void measure_inner(struct measure *m, struct probe *p, const uint8_t *packet, size_t len);
void measure_frame(
	struct measure *m, struct probe *p, uint16_t protocol, const uint8_t *data, size_t len);
