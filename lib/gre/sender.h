/*
 * The sending half of a call's GRE stream (RFC 2637 sections 4.2 and 4.4): numbers, what is
 * acknowledged, round-trip time.
 *
 * Flow control is advisory here: real peers neither acknowledge promptly nor keep windows
 * (Windows, pptp-linux), so a packet is never held back; the window is tracked and reported.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct gre_sender {
	uint32_t next;  /* number of the next data packet; the first is 0 */
	uint64_t sent;  /* data packets numbered so far; does not wrap as `next` does */
	uint32_t acked; /* highest number acknowledged; meaningful if any_acked */
	bool any_acked;
	uint16_t window; /* the peer's announced receive window, packets */
	bool timing;     /* one packet's round trip is being measured */
	uint32_t timed_seq;
	uint64_t timed_at;
	uint32_t rtt, deviation; /* us, RFC 2637 4.4.1; 0 until measured */
	uint64_t acks, bad_acks; /* acknowledgements taken; of packets never sent */
};

void gre_sender_init(struct gre_sender *s, uint16_t peer_window);

/* The number for the packet that is sent now. */
uint32_t gre_sender_number(struct gre_sender *s, uint64_t now);

/* An acknowledgement came. Old and repeated ones are ignored, those beyond what was sent counted as
 * bad. */
void gre_sender_acked(struct gre_sender *s, uint32_t ack, uint64_t now);

/* Packets sent and not acknowledged (0 until the peer has acknowledged anything). */
uint32_t gre_sender_in_flight(const struct gre_sender *s);
