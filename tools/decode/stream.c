/* TCP streams in order: see stream.h. */
#include "tools/decode/stream.h"

#include <stdlib.h>
#include <string.h>

static int32_t after(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b);
}

static void drop_first(struct decode_stream *s)
{
	s->held_bytes -= s->held[0].len;
	free(s->held[0].data);
	s->held_count--;
	memmove(&s->held[0], &s->held[1], s->held_count * sizeof(s->held[0]));
}

void decode_stream_done(struct decode_stream *s)
{
	while (s->held_count)
		drop_first(s);
	s->started = false;
}

void decode_stream_start(struct decode_stream *s, uint32_t seq)
{
	decode_stream_done(s);
	s->started = true;
	s->next = seq + 1;
}

/* Delivers what is new of a segment that does not begin behind `next`. */
static void take(struct decode_stream *s, uint32_t seq, const uint8_t *data, size_t len,
	decode_stream_deliver *deliver, void *user)
{
	uint32_t known = s->next - seq;

	if (known >= len)
		return;
	s->next = seq + (uint32_t)len;
	deliver(user, data + known, len - known, 0);
}

static void take_held(struct decode_stream *s, decode_stream_deliver *deliver, void *user)
{
	while (s->held_count && after(s->held[0].seq, s->next) <= 0) {
		take(s, s->held[0].seq, s->held[0].data, s->held[0].len, deliver, user);
		drop_first(s);
	}
}

/* Gives up the gap before the first held segment. */
static void give_up(struct decode_stream *s, decode_stream_deliver *deliver, void *user)
{
	uint32_t missing = s->held[0].seq - s->next;

	s->next = s->held[0].seq;
	deliver(user, NULL, 0, missing);
	take_held(s, deliver, user);
}

/* true if it was there already. */
static bool hold(struct decode_stream *s, uint32_t seq, const uint8_t *data, size_t len)
{
	unsigned int at = 0;
	uint8_t *copy;

	while (at < s->held_count && after(s->held[at].seq, seq) < 0)
		at++;
	if (at < s->held_count && s->held[at].seq == seq && s->held[at].len >= len)
		return true;
	copy = malloc(len);
	if (!copy)
		return false;
	memcpy(copy, data, len);
	memmove(&s->held[at + 1], &s->held[at], (s->held_count - at) * sizeof(s->held[0]));
	s->held[at] = (struct decode_segment){ .seq = seq, .len = len, .data = copy };
	s->held_count++;
	s->held_bytes += len;
	return false;
}

bool decode_stream_is_at(const struct decode_stream *s, uint32_t seq)
{
	return s->started && !s->held_count && s->next == seq + 1;
}

uint32_t decode_stream_segment(struct decode_stream *s, uint32_t seq, const uint8_t *data,
	size_t len, decode_stream_deliver *deliver, void *user)
{
	uint32_t known = s->next - seq;
	bool again;

	if (len == 0)
		return 0;
	if (!s->started) { /* the capture began in the middle: at a message's start, we hope */
		s->started = true;
		s->next = seq;
		known = 0;
	}
	if (after(seq, s->next) <= 0) {
		take(s, seq, data, len, deliver, user);
		take_held(s, deliver, user);
		return known < len ? known : (uint32_t)len;
	}
	while (s->held_count && (s->held_count == DECODE_STREAM_HELD_MAX ||
					s->held_bytes + len > DECODE_STREAM_HELD_BYTES))
		give_up(s, deliver, user);
	again = hold(s, seq, data, len);
	take_held(s, deliver, user); /* giving up may have brought us here */
	return again ? (uint32_t)len : 0;
}

void decode_stream_acked(
	struct decode_stream *s, uint32_t ack, decode_stream_deliver *deliver, void *user)
{
	while (s->held_count && after(ack, s->held[0].seq) > 0)
		give_up(s, deliver, user);
}
