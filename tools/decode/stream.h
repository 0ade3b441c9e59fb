/*
 * One direction of a TCP connection (RFC 9293), put in order: retransmissions are cut away, early
 * segments wait (bounded in number and bytes) for what is missing, and what the capture lost is
 * given up as soon as the other end acknowledged it, or when too much waits.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DECODE_STREAM_HELD_MAX   32 /* segments */
#define DECODE_STREAM_HELD_BYTES 16384

struct decode_segment {
	uint32_t seq;
	size_t len;
	uint8_t *data;
};

struct decode_stream {
	bool started;
	uint32_t next; /* expected number */
	unsigned int held_count;
	size_t held_bytes;
	struct decode_segment held[DECODE_STREAM_HELD_MAX]; /* by rising number */
};

/* In-order bytes; `missing` bytes were lost by the capture before them. */
typedef void decode_stream_deliver(void *user, const uint8_t *data, size_t len, uint32_t missing);

/* A connection begins (again): `seq` is the SYN's number. */
void decode_stream_start(struct decode_stream *s, uint32_t seq);
void decode_stream_done(struct decode_stream *s);

/* Was it begun by a SYN with this number, with nothing behind it yet? So it is one again. */
bool decode_stream_is_at(const struct decode_stream *s, uint32_t seq);

/* Returns how many of these bytes had been there already. */
uint32_t decode_stream_segment(struct decode_stream *s, uint32_t seq, const uint8_t *data,
	size_t len, decode_stream_deliver *deliver, void *user);

/* The other end acknowledged up to `ack`. */
void decode_stream_acked(
	struct decode_stream *s, uint32_t ack, decode_stream_deliver *deliver, void *user);
