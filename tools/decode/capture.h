/*
 * Captures by libpcap, from a file or live, down to the network layer: Ethernet (with VLAN tags
 * and PPPoE sessions), Linux cooked v1 and v2, raw IP, BSD loopback, PPP, 802.11 (data that is not
 * encrypted, with LLC).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct decode_packet {
	uint64_t time;     /* us since the epoch */
	uint64_t frame;    /* number in the capture, from 1 */
	const uint8_t *ip; /* IPv4 or IPv6 header; NULL if the frame carries neither */
	size_t len;        /* captured bytes at `ip`, valid until the next call */
};

struct decode_capture;

/* Each NULL with a sentence in `why` (DECODE_WHY bytes). `in` is owned by the capture from then on.
 */
struct decode_capture *decode_capture_file(FILE *in, char *why);
struct decode_capture *decode_capture_live(const char *interface, char *why);
void decode_capture_close(struct decode_capture *c);

/* 1 a packet; 0 the end, or decode_capture_stop() was called; -1 with a sentence in `why`. */
int decode_capture_next(struct decode_capture *c, struct decode_packet *p, char *why);

/* Ends decode_capture_next(); may be called from a signal handler. */
void decode_capture_stop(struct decode_capture *c);
