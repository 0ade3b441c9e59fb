/*
 * One direction's GRE sequence numbers (RFC 2637 section 4.1): what is new, doubled, late or
 * missing; and frames that wait for their turn where decryption needs the order.
 */
#pragma once

#include "tools/decode/event.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DECODE_HOLD_MAX   32          /* frames a direction */
#define DECODE_HOLD_TIME  1000000     /* us of the capture's time */
#define DECODE_HOLD_BYTES (16u << 20) /* in all directions of all calls together */

/* A number further than this from its stream is followed only when the next one goes on from there. */
#define DECODE_NEAR 2048

struct decode_frame {
	struct decode_meta meta;
	struct decode_gre gre;
	size_t len;      /* of the PPP frame on the wire */
	size_t captured; /* bytes of it in the capture; the rest is zeros */
	uint8_t *data;
};

struct decode_order {
	bool started;
	uint32_t next; /* the highest number seen, and one */
	uint64_t seen; /* bit i: next - 1 - i was seen */
	bool strayed;  /* the last number was not near: */
	uint32_t leap; /* the one behind it */
	uint64_t lost, late, duplicates;
	bool holding;  /* `turn` is valid */
	uint32_t turn; /* the number that may go on */
	unsigned int held_count;
	struct decode_frame *held[DECODE_HOLD_MAX]; /* by rising number */
};

enum decode_sequence { DECODE_NEW, DECODE_LATE, DECODE_DUPLICATE };

/*
 * *ahead: the numbers that are missing before it. One that is not near is late, and no more: it may be a stray or a
 * forgery, which must not make all behind it late. If the stream goes on from there (an end that has begun
 * anew, a gap in the capture), so does this.
 */
enum decode_sequence decode_order_see(struct decode_order *o, uint32_t seq, uint32_t *ahead);

/*
 * Must this frame wait? Then it is copied (false if there is no memory or room: take it now).
 * `bytes` counts what is held in all directions together.
 */
bool decode_order_hold(struct decode_order *o, const struct decode_frame *f, size_t *bytes);
/* The frame with number `seq` goes on. */
void decode_order_passed(struct decode_order *o, uint32_t seq);
/* The next frame whose turn it is, or that waited too long at `now`, or NULL; the caller frees it.
 */
struct decode_frame *decode_order_take(struct decode_order *o, uint64_t now, size_t *bytes);
void decode_order_done(struct decode_order *o, size_t *bytes); /* frees held frames */
