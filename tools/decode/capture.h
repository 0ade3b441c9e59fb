/*
 * Captures by libpcap, from a file or live, down to the network layer, and to PPP where that is the link: Ethernet (with VLAN tags
 * and PPPoE sessions), Linux cooked v1 and v2, raw IP, BSD loopback, PPP, 802.11 (data that is not
 * encrypted, with LLC).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* PPP that the captured link itself carries. */
struct decode_link {
	const uint8_t *frame; /* address field or protocol; NULL: the link is none of PPP */
	size_t len, full;     /* captured; as it was on the wire, >= len */
	bool pppoe;
	uint16_t session; /* PPPoE's */
	/* Who sent it: by the addresses of Ethernet, or seen from where it was captured; or nobody knows. */
	bool has_ends, has_direction, sent;
	uint8_t src[6], dst[6];
};

struct decode_packet {
	uint64_t time;           /* us since the epoch */
	uint64_t frame;          /* number in the capture, from 1 */
	const uint8_t *ip;       /* IPv4 or IPv6 header; NULL if the frame carries neither */
	size_t len;              /* captured bytes at `ip`, valid until the next call */
	struct decode_link link; /* valid as long; also where it carries the IP packet */
};

struct decode_capture;

/* Each NULL with a sentence in `why` (DECODE_WHY bytes). `in` is owned by the capture from then on.
 */
struct decode_capture *decode_capture_file(FILE *in, char *why);
struct decode_capture *decode_capture_live(const char *interface, char *why);
void decode_capture_close(struct decode_capture *c);

/*
 * Opens a file for writing, empty, made with `mode` if it is not there; -1 with a sentence in `why`. The file that the
 * capture is read from is refused, by whatever name, and left as it is.
 */
int decode_capture_output(
	const struct decode_capture *c, const char *path, unsigned int mode, char *why);
/* The same for a file that is open, and nobody empties. */
bool decode_capture_is_from(const struct decode_capture *c, int fd);

/* 1 a packet; 0 the end, or decode_capture_stop() was called; -1 with a sentence in `why`. */
int decode_capture_next(struct decode_capture *c, struct decode_packet *p, char *why);

/* Ends decode_capture_next(); may be called from a signal handler. */
void decode_capture_stop(struct decode_capture *c);
