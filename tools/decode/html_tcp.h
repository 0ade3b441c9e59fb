/*
 * Round trips of TCP connections inside a call (RFC 793, RFC 6298 section 3): the time from a segment
 * with data to the acknowledgment of all of it, as seen where the capture was made. One segment at a time of
 * each direction; one that was sent twice tells nothing (Karn).
 *
 * Bounded: HTML_TCP_FLOWS directions, the one that was used longest ago makes room.
 */
#pragma once

#include "lib/wire.h"

#include <stdbool.h>
#include <stdint.h>

#define HTML_TCP_FLOWS 16

struct html_tcp_flow {
	bool waits;
	uint32_t src, dst;
	uint16_t src_port, dst_port;
	uint32_t next;  /* the highest octet sent, and one */
	uint32_t until; /* waited for */
	uint64_t time, used;
};

struct html_tcp {
	unsigned int count;
	struct html_tcp_flow flow[HTML_TCP_FLOWS];
};

/* An IPv4 packet at `now` (us); true and *us if it ended a round trip. */
bool html_tcp_packet(struct html_tcp *t, struct wire_reader packet, uint64_t now, uint64_t *us);
