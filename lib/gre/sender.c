/*
 * Numbers, window and acknowledgement time-out of what we send: RFC 2637 sections 4.2 and 4.4. See
 * sender.h.
 */
#include "lib/gre/sender.h"

#include <string.h>

#define CHI   4 /* deviations in the time-out (4.4.1) */
#define DELTA 2 /* what a time-out makes of the RTT (4.4.2) */

/* ATO = MAX(MinTimeOut, MIN(RTT + chi * DEV, MaxTimeOut)) */
static void set_ato(struct gre_sender *s)
{
	uint64_t ato = s->rtt + (uint64_t)CHI * s->deviation;

	if (ato > s->ato_max)
		ato = s->ato_max;
	s->ato = ato < GRE_ATO_MIN ? GRE_ATO_MIN : (uint32_t)ato;
}

void gre_sender_init(struct gre_sender *s, const struct gre_sender_config *config)
{
	uint64_t max = config->ato_max ? config->ato_max : GRE_ATO_MAX_DEFAULT;

	memset(s, 0, sizeof(*s));
	s->flow = config->flow;
	s->ato_max = max < GRE_ATO_MAX_LIMIT ? (uint32_t)max : GRE_ATO_MAX_LIMIT;
	s->timeout_at = UINT64_MAX;
	gre_sender_set_peer(s, config->window, config->delay);
}

void gre_sender_set_peer(struct gre_sender *s, uint16_t window, uint16_t delay)
{
	uint64_t seed = delay ? delay * 100000ull : GRE_ATO_FIRST;

	s->window_max = window ? window : 1;
	s->window = s->window_max > 1 ? s->window_max / 2 : 1;
	s->filled = 0;
	if (s->any_acked)
		return;
	/* More than MaxTimeOut would stay more for many samples. */
	s->rtt = seed < s->ato_max ? (uint32_t)seed : s->ato_max;
	s->deviation = 0;
	s->seeded = delay != 0;
	set_ato(s);
}

bool gre_sender_has_room(const struct gre_sender *s)
{
	return s->flow == GRE_FLOW_OFF || s->next - s->floor < s->window;
}

bool gre_sender_open(const struct gre_sender *s)
{
	return s->flow != GRE_FLOW_STRICT || gre_sender_has_room(s);
}

uint32_t gre_sender_number(struct gre_sender *s, uint64_t now)
{
	uint32_t seq;

	gre_sender_tick(s, now);
	seq = s->next++;
	s->sent++;
	if (s->flow == GRE_FLOW_OFF) {
		s->floor = s->next;
		return seq;
	}
	/* So far behind it would soon look ahead, and what comes as old. */
	if (s->any_acked && s->next - s->acked > INT32_MAX)
		s->any_acked = false;
	s->times[seq % GRE_SENDER_TIMES] = (uint32_t)now;
	s->sent_at = now;
	if (!s->timing) {
		s->timing = true;
		s->timed_seq = seq;
		s->timed_at = now;
	}
	if (s->timeout_at == UINT64_MAX)
		s->timeout_at = now + s->ato;
	return seq;
}

/* RFC 2637 4.4.1 with alpha 1/8 and beta 1/4. */
static void take_sample(struct gre_sender *s, uint64_t elapsed)
{
	uint32_t sample = elapsed ? (uint32_t)elapsed : 1;
	int64_t mean = s->sampled ? s->sampled : sample;
	int64_t diff, deviation;

	mean += (sample - mean) / 8;
	s->sampled = mean ? (uint32_t)mean : 1;
	if (!s->seeded) {
		s->seeded = true;
		s->rtt = sample;
		s->deviation = sample / 2;
	} else {
		diff = (int64_t)sample - s->rtt;
		deviation = s->deviation + ((diff < 0 ? -diff : diff) - (int64_t)s->deviation) / 4;
		s->deviation = (uint32_t)deviation;
		s->rtt = (uint32_t)(s->rtt + diff / 8);
		if (!s->rtt)
			s->rtt = 1;
	}
	set_ato(s);
}

/*
 * The time of the packet acknowledged (4.2.5), if it is remembered; else that of the one that was
 * timed, which is older.
 */
static void measure(struct gre_sender *s, uint32_t ack, uint64_t now)
{
	uint64_t limit = s->ato_max > GRE_ATO_MAX_DEFAULT ? s->ato_max : GRE_ATO_MAX_DEFAULT;
	bool timed = s->timing && (int32_t)(ack - s->timed_seq) >= 0;
	uint64_t elapsed = now > s->timed_at ? now - s->timed_at : 0;

	if (timed)
		s->timing = false;
	if (now > s->sent_at && now - s->sent_at > limit)
		return; /* nor would `times` tell: half an hour looks like the future */
	if (s->next - ack <= GRE_SENDER_TIMES) {
		int32_t since = (int32_t)((uint32_t)now - s->times[ack % GRE_SENDER_TIMES]);

		elapsed = since > 0 ? (uint64_t)since : 0;
	} else if (!timed) {
		return;
	}
	/* Peers that acknowledge only with data do it after any silence: that says nothing of the
	 * path. */
	if (elapsed <= limit)
		take_sample(s, elapsed);
}

/* 4.2.3: each window's worth that is acknowledged without a time-out opens it by one. */
static void grow(struct gre_sender *s, uint32_t packets)
{
	uint32_t filled = s->filled + packets;

	while (filled >= s->window && s->window < s->window_max)
		filled -= s->window++;
	s->filled = (uint16_t)(filled % s->window);
}

void gre_sender_acked(struct gre_sender *s, uint32_t ack, uint64_t now)
{
	uint32_t back = s->next - 1 - ack; /* how far below the last one sent */

	if (s->flow == GRE_FLOW_OFF)
		return;
	if (back >= s->sent || back > INT32_MAX) {
		s->bad_acks++;
		return;
	}
	gre_sender_tick(s, now);
	if (s->any_acked && (int32_t)(ack - s->acked) <= 0) {
		s->old_acks += ack != s->acked;
		return;
	}
	s->acks++;
	s->acked = ack;
	s->any_acked = true;
	measure(s, ack, now);
	if ((int32_t)(ack - s->floor) < 0)
		return; /* of what a time-out has written off */
	grow(s, ack + 1 - s->floor);
	s->floor = ack + 1;
	s->timeout_at = s->floor == s->next ? UINT64_MAX : now + s->ato;
}

void gre_sender_tick(struct gre_sender *s, uint64_t now)
{
	uint64_t rtt = (uint64_t)DELTA * s->rtt;

	if (now < s->timeout_at)
		return;
	s->timeouts++;
	s->window = (uint16_t)(s->window / 2 + s->window % 2);
	s->filled = 0;
	s->floor = s->next;
	s->rtt = rtt < s->ato_max ? (uint32_t)rtt : s->ato_max;
	set_ato(s);
	s->timeout_at = UINT64_MAX;
}

uint64_t gre_sender_deadline(const struct gre_sender *s)
{
	return s->flow == GRE_FLOW_STRICT ? s->timeout_at : UINT64_MAX;
}
