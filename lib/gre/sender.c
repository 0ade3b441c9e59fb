/*
 * Sequence numbers and round-trip time of what we send: RFC 2637 sections 4.2 and 4.4.
 *
 * Invariants: numbers are consecutive modulo 2^32; `acked` never goes back and never passes what
 * was sent; at most one packet is timed.
 */
#include "lib/gre/sender.h"

#include <string.h>

/*
 * A packet whose own acknowledgement was lost is acknowledged by a later one, perhaps after a long
 * silence: such a sample says nothing about the path.
 */
#define SAMPLE_MAX 10000000 /* us */

void gre_sender_init(struct gre_sender *s, uint16_t peer_window)
{
	memset(s, 0, sizeof(*s));
	s->window = peer_window;
}

uint32_t gre_sender_number(struct gre_sender *s, uint64_t now)
{
	uint32_t seq = s->next++;

	s->sent++;
	if (!s->timing) {
		s->timing = true;
		s->timed_seq = seq;
		s->timed_at = now;
	}
	return seq;
}

/* RFC 2637 4.4.1 with alpha 1/8 and beta 1/4; the first sample stands for the PPD as seed. */
static void take_sample(struct gre_sender *s, uint64_t elapsed)
{
	int64_t diff, deviation;
	uint32_t sample;

	if (elapsed > SAMPLE_MAX)
		return;
	sample = elapsed ? (uint32_t)elapsed : 1;
	if (!s->rtt) {
		s->rtt = sample;
		s->deviation = sample / 2;
		return;
	}
	diff = (int64_t)sample - s->rtt;
	deviation = s->deviation + ((diff < 0 ? -diff : diff) - (int64_t)s->deviation) / 4;
	s->deviation = (uint32_t)deviation;
	s->rtt = (uint32_t)(s->rtt + diff / 8);
	if (!s->rtt)
		s->rtt = 1;
}

void gre_sender_acked(struct gre_sender *s, uint32_t ack, uint64_t now)
{
	uint32_t back = s->next - 1 - ack; /* how far below the last one sent */

	if (back >= s->sent) {
		s->bad_acks++;
		return;
	}
	if (s->any_acked && (int32_t)(ack - s->acked) <= 0)
		return;
	s->acks++;
	s->acked = ack;
	s->any_acked = true;
	if (s->timing && (int32_t)(ack - s->timed_seq) >= 0) {
		s->timing = false;
		take_sample(s, now > s->timed_at ? now - s->timed_at : 0);
	}
}

uint32_t gre_sender_in_flight(const struct gre_sender *s)
{
	return s->any_acked ? s->next - 1 - s->acked : 0;
}
