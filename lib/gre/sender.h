/*
 * The sending half of a call's GRE stream (RFC 2637 sections 4.2 and 4.4): numbers, the window,
 * what is acknowledged, round-trip time and acknowledgement time-out.
 *
 * Nothing is ever sent again: the window is flow control, and a time-out says only that what was
 * under way is not coming back as an acknowledgement. So after one, those packets no longer count
 * against the window, which is half of what it was.
 *
 * Invariants: numbers are consecutive modulo 2^32; `acked` and `floor` never go back and never pass
 * what was sent; 1 <= window <= window_max; the time-out is armed exactly while packets count
 * against the window (but never with GRE_FLOW_OFF).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum gre_flow {
	GRE_FLOW_ADVISORY, /* tracked and reported, nothing waits, no timer: Windows and pptp-linux
			      neither acknowledge promptly nor keep windows */
	GRE_FLOW_STRICT,   /* who sends data keeps the window: gre_sender_open() */
	GRE_FLOW_OFF,      /* numbers only */
};

/*
 * MinTimeOut: well above the delay of acknowledgements of known peers, this program's (see
 * receiver.h) among them. MaxTimeOut by default; and its limits.
 */
#define GRE_ATO_MIN         200000u   /* us */
#define GRE_ATO_MAX_DEFAULT 10000000u /* us */
#define GRE_ATO_MAX_LIMIT   600000000u
/* The first time-out, and first RTT, to a peer that announces no processing delay. */
#define GRE_ATO_FIRST 1000000u /* us */

/* Packets whose time of sending is known: one ahead of more is timed alone. A power of two. */
#define GRE_SENDER_TIMES 16

struct gre_sender {
	enum gre_flow flow;
	uint32_t next;       /* number of the next data packet; the first is 0 */
	uint64_t sent;       /* data packets numbered so far; does not wrap as `next` does */
	uint32_t acked;      /* highest number acknowledged; meaningful if any_acked */
	bool any_acked;      /* within the last 2^31 packets */
	uint32_t floor;      /* the oldest number that counts against the window; or `next` */
	uint16_t window;     /* packets that may be under way now */
	uint16_t window_max; /* the peer's announced receive window, at least 1 */
	uint16_t filled;     /* packets acknowledged since the window last changed, < window */
	uint32_t times[GRE_SENDER_TIMES]; /* of sending, us modulo 2^32, by number */
	uint64_t sent_at;                 /* the last packet */
	bool timing;                      /* a packet is timed for longer than `times` remembers */
	uint32_t timed_seq;
	uint64_t timed_at;
	bool seeded;             /* rtt is the peer's delay or measured, not just a beginning */
	uint32_t rtt, deviation; /* us, RFC 2637 4.4.1 */
	uint32_t sampled;        /* us: the mean of the samples alone, without back-off; 0 none */
	uint32_t ato, ato_max;   /* us: the time-out of a packet sent now; MaxTimeOut */
	uint64_t timeout_at;     /* us; UINT64_MAX: nothing counts against the window */
	uint64_t acks, bad_acks; /* acknowledgements taken; of packets never sent */
	uint64_t old_acks;       /* below one that had come */
	uint64_t timeouts;
};

struct gre_sender_config {
	enum gre_flow flow;
	uint16_t window;  /* the peer's, packets; 0 is taken as 1, see gre_sender_set_peer() */
	uint16_t delay;   /* the peer's packet processing delay (PPD), tenths of a second */
	uint64_t ato_max; /* MaxTimeOut, us; 0 GRE_ATO_MAX_DEFAULT; at most GRE_ATO_MAX_LIMIT */
};

void gre_sender_init(struct gre_sender *s, const struct gre_sender_config *config);

/*
 * What the peer announced became known (the reply to a call comes after the tunnel is there). The
 * window begins with its half, at least 1 (4.2.1). A window of 0 is taken as 1: taken at its word
 * it would never let a packet go, and nothing in the protocol could ever change it. The RTT begins
 * with `delay` (4.4), deviation 0; a delay of 0, as all common peers announce it, says nothing:
 * then the first sample is the first RTT, and half of it the deviation.
 */
void gre_sender_set_peer(struct gre_sender *s, uint16_t window, uint16_t delay);

/* The number for the packet that is sent now; it counts against the window, be it open or not. */
uint32_t gre_sender_number(struct gre_sender *s, uint64_t now);

/* May one more packet be under way? Always true unless the flow is GRE_FLOW_STRICT. */
bool gre_sender_open(const struct gre_sender *s);
/* The same without regard to the policy; true with GRE_FLOW_OFF. */
bool gre_sender_has_room(const struct gre_sender *s);

/*
 * An acknowledgement came: of all up to `ack` (4.2.5). Old and repeated ones change nothing, those
 * of numbers never sent are counted as bad. One window's worth acknowledged opens the window by one
 * (4.2.3).
 */
void gre_sender_acked(struct gre_sender *s, uint32_t ack, uint64_t now);

/*
 * Takes the time-out that is due at `now`, if one is: window halved, fractions up (4.2.2), RTT
 * doubled (4.4.2), what is under way written off. Where the policy is advisory no timer calls this:
 * gre_sender_number() and gre_sender_acked() do it when they find one due.
 */
void gre_sender_tick(struct gre_sender *s, uint64_t now);
/* When gre_sender_tick() is to be called; UINT64_MAX never: always, unless the flow is strict. */
uint64_t gre_sender_deadline(const struct gre_sender *s);

/* Packets that count against the window. */
static inline uint32_t gre_sender_in_flight(const struct gre_sender *s)
{
	return s->next - s->floor;
}

/* us, without a time-out's doubling; 0 until measured. */
static inline uint32_t gre_sender_rtt(const struct gre_sender *s)
{
	return s->sampled;
}
