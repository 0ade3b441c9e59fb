/*
 * The receiving half of a call's GRE stream (RFC 2637 section 4.3): in order at once; what comes
 * early waits, bounded in number and time, for what is missing; what is late, doubled or absurd is
 * dropped and counted; acknowledgements ride on data or go alone after a delay.
 *
 * Invariants: packets leave in strictly increasing order of number (32 bits, wrapping) until a jump
 * is followed, but for those with PACKET_LATE; a packet waits until the stream has stood still for as long as its late
 * packets are known to take (behind a gap of more than 64: for all of GRE_HOLD_TIME), and at most GRE_HOLD_TIME; at most GRE_HOLD_MAX wait; a single packet
 * with a far-ahead number changes nothing (see GRE_JUMP_CONFIRM), and a run of them not for long
 * (GRE_HOME_TIME): a forger who does not see the stream cannot silence it, and no number, be it the
 * first one, can for ever. Whose guess is less than GRE_HOLD_MAX ahead makes a trickle (less than
 * about 50 packets a second) late for as long as he goes on, and whose is at most 64 ahead, any stream in
 * its pauses: RFC 2637 4.3 wants order. What exceeds the announced window is not thrown away (4.2.4): few peers
 * keep windows, so what is held is bounded by GRE_HOLD_MAX instead.
 */
#pragma once

#include "lib/packet.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Packets; also the furthest ahead that is held. Jitter of 2 ms puts a burst of that many out of
 * order, whatever the average rate is: TCP sends a whole window at once. A power of two, as the
 * ring's first size is.
 */
#define GRE_HOLD_MAX   2048
#define GRE_HOLD_FIRST 256
#define GRE_HOLD_IDLE  60000000 /* us without use, and the ring is given back */
#define GRE_HOLD_TIME                                                                              \
	30000 /* us; well over a path's jitter, well under TCP's retransmission time-out */
/*
 * What is really lost is waited for in vain, and TCP within is told so much later: a wait of 30 ms at each
 * of 1 % of the packets takes more than half of the rate of a path of 4 ms. So it is half as long again as
 * the latest packet that came lately was late (gre_receiver_hold_time()), from GRE_HOLD_MIN on; for who cannot
 * use packets out of order, for whom one that is given up too early is lost, twice as long, from GRE_HOLD_ORDER on. It begins with GRE_HOLD_TIME, and each gap that is given up takes a quarter of it.
 * Without losses it stays as long as it was, for then it costs nothing.
 */
#define GRE_HOLD_MIN   1000  /* us */
#define GRE_HOLD_ORDER 10000 /* us */
/*
 * An acknowledgement goes alone after so many packets (of a small window: after half of it), or
 * this long after the first that wants one. Both are small because the peer may keep a window, and
 * after a time-out a small one, of which we do not know: then it waits for our acknowledgement each
 * time. Where data flows the other way, it carries them; TCP's own acknowledgements do.
 */
#define GRE_ACK_EVERY 8
#define GRE_ACK_DELAY 5000 /* us */
/*
 * A number GRE_HOLD_MAX or more ahead, or behind what is remembered, is a "jump". It is dropped and
 * remembered; when GRE_JUMP_CONFIRM packets in a row agree with it (each a little above the one
 * before, none in the expected range between them), the stream has really moved (a long outage, a
 * peer that numbers anew, a forged first packet) and is followed: the last of them is delivered.
 */
#define GRE_JUMP_CONFIRM 3
#define GRE_JUMP_STEP    64 /* "a little above" */
/*
 * Going forward needs silence in the expected range, too, if a short one: a forger is not to take
 * over a stream that flows, and a burst that is too long for the ring is not to make late what it
 * overtook.
 */
#define GRE_JUMP_QUIET 20000 /* us */
/*
 * Going back could also mean a burst of delayed packets. So it needs silence in the expected range
 * for this long, unless fewer than GRE_YOUNG packets ever came there (the first one was the odd one
 * out).
 */
#define GRE_BACK_QUIET 200000 /* us */
#define GRE_YOUNG      8
/*
 * Nor may a whole run of forged numbers take the stream over: the place that it was taken from is
 * kept, and the first packet that comes there (or a little above) takes it back. A further jump
 * does not change that place, until so long.
 */
#define GRE_HOME_TIME 120000000 /* us; peers that are alive answer an LCP echo within */

struct gre_receiver {
	bool started;  /* any first number is accepted: pptpd sends 0, pptp-linux 1 */
	uint32_t next; /* number expected */
	bool gap;      /* since the last packet that was delivered: PACKET_AFTER_GAP for the next */
	bool ack_pending;
	bool any_acked; /* something was acknowledged: up to */
	uint32_t acked;
	/*
	 * What waits for a gap is acknowledged, too (4.3): a peer that keeps its window would stand
	 * still for GRE_HOLD_TIME at each loss. But not the highest that waits, which may be forged
	 * or astray, only what it follows closely; and not any more when the stream goes on below.
	 */
	bool is_sure;
	uint32_t sure;
	uint16_t unacked; /* data packets delivered since the last acknowledgement went out */
	uint16_t window;  /* our announced window */
	/*
	 * The owner's: what it can use out of order. A late packet that was not seen yet is then given
	 * out, with PACKET_LATE, not dropped; one that is no longer remembered may come twice.
	 */
	bool pass_late;
	bool is_patient; /* the owner's: order is worth a longer wait, GRE_HOLD_ORDER at least */
	uint64_t ack_deadline;
	uint32_t held;        /* packets in the ring */
	uint32_t highest;     /* number held, with held > 0 */
	uint32_t hold_base;   /* `next` when the ring was last empty */
	struct packet **ring; /* allocated when first needed, */
	uint32_t ring_size;   /* and larger when more are */
	uint64_t ring_used;   /* when it was needed last */
	uint64_t
		hold_deadline; /* no later than the oldest gap is to be given up; UINT64_MAX none */
	uint64_t given_up_at;  /* when the last gap was */
	uint32_t
		lateness; /* us that late packets take, a maximum that decays with each gap given up */
	uint32_t first;  /* the oldest number that is remembered: all from there to `next` came, */
	uint64_t *seen;  /* or (allocated when one is given up) those whose bit is set */
	uint32_t missed; /* the last that was given up, with `seen` */
	uint64_t in_range_at; /* time of the last packet in the expected range */
	uint64_t in_order_at; /* and of the last that was the one expected */
	uint8_t young; /* packets in the expected range since the numbering began; up to GRE_YOUNG
			*/
	uint32_t jump_seq;
	uint8_t jump_count;
	bool has_home; /* a jump was followed, from here: */
	uint32_t home;
	uint64_t home_at, home_lost; /* when; `lost` at that time */
	uint64_t received;           /* all data packets taken */
	uint64_t lost;               /* numbers given up that never came, not even late */
	uint64_t reordered; /* came after a higher number and could still be put in order */
	uint64_t duplicates, late, jumps; /* dropped */
	uint64_t overflow; /* gaps closed before their time: no more room, no memory for the ring,
			      or no slots */
};

void gre_receiver_init(struct gre_receiver *r, uint16_t window);
/* Puts what is held on `out` with verdict PACKET_DROP, and frees all memory. */
void gre_receiver_done(struct gre_receiver *r, struct packet_list *out);

/*
 * A data packet with number `seq` came; takes `p` over. All that can now go on is added to `out` in
 * order (verdict PACKET_NONE); what is dropped is added too, with PACKET_DROP. `p` may stay here.
 * No gap is given up for its time here: what is missing may be the next packet that the caller has.
 */
void gre_receiver_take(struct gre_receiver *r, struct packet *p, uint32_t seq, uint64_t now,
	struct packet_list *out);

/*
 * The caller has no slots for packets that wait: what is missing before `seq` is given up at once,
 * and what waited behind it goes to `out`. To be called before gre_receiver_take(), which then holds
 * nothing: were the packet dropped instead, one loss would stop the stream for as long as slots are
 * short. Does nothing for a number that is not in the expected range.
 */
void gre_receiver_skip(struct gre_receiver *r, uint32_t seq, uint64_t now, struct packet_list *out);

/*
 * Nothing comes any more: the ring, if it is empty, and the memory of what was given up go back. What
 * comes all the same from before it is late and not remembered.
 */
void gre_receiver_rest(struct gre_receiver *r);
/* Is there anything for gre_receiver_rest() to give back? */
static inline bool gre_receiver_is_large(const struct gre_receiver *r)
{
	return r->seen || (r->ring && !r->held);
}

/* us that a packet waits for those before it, as things are. */
uint32_t gre_receiver_hold_time(const struct gre_receiver *r);

/* Gives up the gaps whose time is over: what waited behind them goes to `out`. */
void gre_receiver_tick(struct gre_receiver *r, uint64_t now, struct packet_list *out);

/* When gre_receiver_tick() or an acknowledgement is due; UINT64_MAX never. */
uint64_t gre_receiver_deadline(const struct gre_receiver *r);

/* Is an acknowledgement alone due at `now` (GRE_ACK_EVERY packets came, or GRE_ACK_DELAY is over)?
 */
bool gre_receiver_ack_due(const struct gre_receiver *r, uint64_t now);

/* The acknowledgement for a packet that goes out now; false if there is nothing new to acknowledge.
 */
bool gre_receiver_ack(struct gre_receiver *r, uint32_t *ack);
