/*
 * Multilink fragments (RFC 1990 section 3) of one direction of a call, joined: in the order of their numbers, as one link
 * has them. Of a bundle of several links each is a call here, and shows its own fragments.
 *
 * Bounded: one frame a direction, of DECODE_JOINED_MAX octets.
 */
#pragma once

#include "lib/wire.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DECODE_JOINED_MAX 4096 /* MRRUs are 1500 to 2000, mostly */

struct decode_multilink_header {
	uint32_t seq;
	bool begin, end;
};

/* `brief`: the short sequence number format was agreed on. False: too short. The reader then stands at the data. */
bool decode_multilink_read(
	struct wire_reader *r, bool brief, struct decode_multilink_header *header);

struct decode_multilink {
	bool open; /* a frame has begun, and nothing of it is missing */
	uint32_t next;
	unsigned int fragments;
	size_t used;
	uint8_t data[DECODE_JOINED_MAX];
};

/*
 * A fragment, header and all. True: with it a frame is whole, ml->data and ml->used, until the next one comes. `whole`: the
 * capture has all of it. A frame of which something is missing, or that is too long, is dropped.
 */
bool decode_multilink_add(
	struct decode_multilink *ml, struct wire_reader packet, bool brief, bool whole);
