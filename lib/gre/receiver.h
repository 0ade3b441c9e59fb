/*
 * The receiving half of a call's GRE stream (RFC 2637 section 4.3): in order at once; what comes
 * early waits, bounded in number and time, for what is missing; what is late, doubled or absurd is
 * dropped and counted; acknowledgements ride on data or go alone after a delay.
 *
 * Invariants: packets leave in strictly increasing order of number (32 bits, wrapping); a packet
 * waits at most GRE_HOLD_TIME; at most GRE_HOLD_MAX wait; a single packet with a far-ahead number
 * changes nothing (see GRE_JUMP): a forger who does not see the stream cannot silence it.
 */
#pragma once

#include "lib/packet.h"

#include <stdbool.h>
#include <stdint.h>

#define GRE_HOLD_MAX  512 /* packets; power of two; also the furthest ahead that is held */
#define GRE_HOLD_TIME 30000 /* us; well over a path's jitter, well under TCP's retransmission time-out */
#define GRE_ACK_DELAY 50000 /* us until an acknowledgement goes alone */
/*
 * A number further ahead than GRE_HOLD_MAX is a "jump". It is dropped and remembered; when
 * GRE_JUMP_CONFIRM packets in a row agree with it (each a little above the one before, none in the
 * expected range between them), the stream has really moved (a long outage) and is followed.
 */
#define GRE_JUMP_CONFIRM 3

struct gre_receiver {
	bool started; /* any first number is accepted: pptpd sends 0, pptp-linux 1 */
	uint32_t next; /* number expected */
	bool ack_pending;
	uint16_t unacked; /* data packets delivered since the last acknowledgement went out */
	uint16_t window; /* our announced window: half of it forces an acknowledgement */
	uint64_t ack_deadline;
	uint32_t held; /* packets in the ring */
	struct packet **ring; /* GRE_HOLD_MAX pointers, allocated when first needed */
	uint64_t hold_deadline; /* when the oldest gap is given up; UINT64_MAX none */
	uint32_t jump_seq;
	uint8_t jump_count;
	uint64_t received, lost, reordered, duplicates, late, jumps, overflow;
};

void gre_receiver_init(struct gre_receiver *r, uint16_t window);
/* Puts what is held on `out` with verdict PACKET_DROP, and frees the ring. */
void gre_receiver_done(struct gre_receiver *r, struct packet_list *out);

/*
 * A data packet with number `seq` came; takes `p` over. All that can now go on is added to `out` in
 * order (verdict PACKET_NONE); what is dropped is added too, with PACKET_DROP. `p` may stay here.
 */
void gre_receiver_take(struct gre_receiver *r, struct packet *p, uint32_t seq, uint64_t now, struct packet_list *out);

/* Gives up the gaps whose time is over: what waited behind them goes to `out`. */
void gre_receiver_tick(struct gre_receiver *r, uint64_t now, struct packet_list *out);

/* When gre_receiver_tick() or an acknowledgement is due; UINT64_MAX never. */
uint64_t gre_receiver_deadline(const struct gre_receiver *r);

/* Is an acknowledgement alone due at `now` (deadline over, or half our window unacknowledged)? */
bool gre_receiver_ack_due(const struct gre_receiver *r, uint64_t now);

/* The acknowledgement for a packet that goes out now; false if there is nothing new to acknowledge. */
bool gre_receiver_ack(struct gre_receiver *r, uint32_t *ack);
