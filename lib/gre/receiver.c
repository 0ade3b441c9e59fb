/*
 * Order, loss and acknowledgement of what we receive: RFC 2637 section 4.3. See receiver.h.
 *
 * Invariants: the ring holds only numbers in (next, next + GRE_HOLD_MAX), each at its number modulo
 * ring_size, which is more than the furthest is ahead; next itself is never held; `seen` is
 * meaningful for [first, next), which is at most GRE_HOLD_MAX long, and there as long as a number is missing in it; every packet taken ends in the
 * ring or on a list, exactly once.
 */
#include "lib/gre/receiver.h"

#include <stdlib.h>
#include <string.h>

#define SEEN_WORD(seq) (((seq) & (GRE_HOLD_MAX - 1)) / 64)
#define SEEN_SIZE      (GRE_HOLD_MAX / 8) /* octets */
/*
 * A number this far ahead that waited in vain while the stream went on below it, and was nearly
 * alone or the stream still flows, is a stray (forged, most likely): following it would make the
 * real stream late.
 */
#define STRAY_GAP 64
/* How far behind a packet that came late those are looked for that waited for it. */
#define LATENESS_LOOK 8
/* A forward jump of at most this much is counted as loss; beyond, the peer numbers anew. */
#define LOSS_MAX (1u << 20)

void gre_receiver_init(struct gre_receiver *r, uint16_t window)
{
	memset(r, 0, sizeof(*r));
	r->window = window;
	r->ack_deadline = UINT64_MAX;
	r->hold_deadline = UINT64_MAX;
	r->lateness = GRE_HOLD_TIME;
	r->is_patient = true;
}

uint32_t gre_receiver_hold_time(const struct gre_receiver *r)
{
	uint32_t least = r->is_patient ? GRE_HOLD_ORDER : GRE_HOLD_MIN;
	uint32_t time = r->lateness + (r->is_patient ? r->lateness : r->lateness / 2);

	if (time > GRE_HOLD_TIME)
		return GRE_HOLD_TIME;
	return time < least ? least : time;
}

/* A packet was late by so much. */
static void was_late(struct gre_receiver *r, uint64_t by)
{
	if (by > r->lateness)
		r->lateness = by < GRE_HOLD_TIME ? (uint32_t)by : GRE_HOLD_TIME;
}

static void drop(struct packet *p, struct packet_list *out)
{
	p->verdict = PACKET_DROP;
	packet_list_add(out, p);
}

static struct packet **slot_of(const struct gre_receiver *r, uint32_t seq)
{
	return &r->ring[seq & (r->ring_size - 1)];
}

static void drop_held(struct gre_receiver *r, struct packet_list *out)
{
	for (uint32_t i = 0; r->ring && r->held && i < r->ring_size; i++) {
		struct packet **slot = &r->ring[i];

		if (!*slot)
			continue;
		drop(*slot, out);
		*slot = NULL;
		r->held--;
	}
	r->hold_deadline = UINT64_MAX;
}

static void free_ring(struct gre_receiver *r)
{
	free(r->ring);
	r->ring = NULL;
	r->ring_size = 0;
}

static void free_seen(struct gre_receiver *r)
{
	free(r->seen);
	r->seen = NULL;
}

void gre_receiver_rest(struct gre_receiver *r)
{
	if (!r->held)
		free_ring(r);
	if (r->seen)
		r->first = r->next;
	free_seen(r);
}

void gre_receiver_done(struct gre_receiver *r, struct packet_list *out)
{
	drop_held(r, out);
	free_ring(r);
	free_seen(r);
	r->ack_pending = false;
	r->ack_deadline = UINT64_MAX;
}

/* Of a tiny window only half, so that the peer never has to wait for our delay. */
static uint16_t ack_threshold(const struct gre_receiver *r)
{
	unsigned int half = r->window > 2 ? (r->window + 1u) / 2 : 1;

	return (uint16_t)(half < GRE_ACK_EVERY ? half : GRE_ACK_EVERY);
}

/* `seq` may be acknowledged. */
static void want_ack(struct gre_receiver *r, uint32_t seq, uint64_t now)
{
	if (r->any_acked && (int32_t)(seq - r->acked) <= 0)
		return;
	if (!r->ack_pending) {
		r->ack_pending = true;
		r->ack_deadline = now + GRE_ACK_DELAY;
	}
	if (r->unacked < UINT16_MAX)
		r->unacked++;
	if (r->unacked >= ack_threshold(r) && r->ack_deadline > now)
		r->ack_deadline = now;
}

static void deliver(struct gre_receiver *r, struct packet *p, uint64_t now, struct packet_list *out)
{
	p->verdict = PACKET_NONE;
	if (r->gap)
		p->flags |= PACKET_AFTER_GAP;
	r->gap = false;
	packet_list_add(out, p);
	want_ack(r, r->next, now);
}

static uint64_t seen_bit(uint32_t seq)
{
	return (uint64_t)1 << (seq & 63);
}

static bool was_seen(const struct gre_receiver *r, uint32_t seq)
{
	return !r->seen || (r->seen[SEEN_WORD(seq)] & seen_bit(seq));
}

/* The number expected is given up: from here on it matters which ones came. Without memory for that all before is
 * forgotten. */
static void remember_missing(struct gre_receiver *r)
{
	if (!r->seen) {
		r->seen = malloc(SEEN_SIZE);
		if (r->seen)
			memset(r->seen, 0xff, SEEN_SIZE);
	}
	if (r->seen)
		r->seen[SEEN_WORD(r->next)] &= ~seen_bit(r->next);
	else
		r->first = r->next + 1;
	r->missed = r->next;
}

/* The number expected came (p) or is given up (NULL): on to the one after it. */
static void advance(struct gre_receiver *r, struct packet *p, uint64_t now, struct packet_list *out)
{
	if (p) {
		if (r->seen)
			r->seen[SEEN_WORD(r->next)] |= seen_bit(r->next);
		deliver(r, p, now, out);
	} else {
		remember_missing(r);
		r->given_up_at = now;
		r->gap = true;
		r->lost++;
	}
	r->next++;
	if (r->next - r->first > GRE_HOLD_MAX)
		r->first = r->next - GRE_HOLD_MAX;
	if (r->seen && r->next - r->missed > GRE_HOLD_MAX)
		free_seen(r);
}

/* Takes the number expected from the ring; NULL if it is not there. */
static struct packet *unhold(struct gre_receiver *r)
{
	struct packet **slot = slot_of(r, r->next);
	struct packet *p = *slot;

	if (p) {
		*slot = NULL;
		if (--r->held == 0)
			r->hold_deadline = UINT64_MAX;
	}
	return p;
}

/* Goes on to `seq`, giving up what is missing before it. */
static void advance_to(struct gre_receiver *r, uint32_t seq, uint64_t now, struct packet_list *out)
{
	while (r->next != seq)
		advance(r, r->held ? unhold(r) : NULL, now, out);
}

/* Delivers what waits without a gap. */
static void run_held(struct gre_receiver *r, uint64_t now, struct packet_list *out)
{
	struct packet *p;

	while (r->held && (p = unhold(r)))
		advance(r, p, now, out);
}

/* Numbering begins at `seq`. */
static void begin(struct gre_receiver *r, uint32_t seq)
{
	r->gap = r->started; /* not the first time */
	r->started = true;
	r->next = seq;
	r->first = seq;
	r->young = 0;
	r->jump_count = 0;
	r->any_acked = false;
	r->is_sure = false;
	free_seen(r);
}

/* Room in the ring for what is so far ahead of the number expected. */
static bool make_room(struct gre_receiver *r, uint32_t ahead)
{
	uint32_t size = r->ring ? r->ring_size : GRE_HOLD_FIRST;
	struct packet **ring;

	while (size <= ahead)
		size *= 2;
	if (size == r->ring_size)
		return true;
	ring = calloc(size, sizeof(struct packet *));
	if (!ring)
		return false;
	for (uint32_t i = 0; i < r->ring_size; i++)
		ring[(r->next + i) & (size - 1)] = *slot_of(r, r->next + i);
	free(r->ring);
	r->ring = ring;
	r->ring_size = size;
	return true;
}

static bool hold(struct gre_receiver *r, struct packet *p, uint32_t seq, uint64_t now)
{
	if (!make_room(r, seq - r->next))
		return false;
	if (!r->held) {
		r->highest = seq;
		r->hold_base = r->next;
		r->hold_deadline = now + gre_receiver_hold_time(r);
		r->is_sure = false;
	} else if (now + gre_receiver_hold_time(r) < r->hold_deadline) {
		r->hold_deadline = now + gre_receiver_hold_time(r); /* it was a longer time */
	}
	if ((int32_t)(seq - r->highest) > 0) {
		if (seq - r->highest <= GRE_JUMP_STEP) {
			r->sure = r->highest;
			r->is_sure = true;
			want_ack(r, r->sure, now);
		}
		r->highest = seq;
	}
	p->time = now;
	r->ring_used = now;
	*slot_of(r, seq) = p;
	r->held++;
	return true;
}

/* `seq` came behind higher ones: how long have they waited for it? */
static void note_reordered(struct gre_receiver *r, uint32_t seq, uint64_t now)
{
	uint32_t end = seq + LATENESS_LOOK;

	r->reordered++;
	while (++seq != end && seq - r->next < r->ring_size) {
		const struct packet *p = *slot_of(r, seq);

		if (p) {
			was_late(r, now - p->time);
			return;
		}
	}
}

/* `seq` is in [next, next + GRE_HOLD_MAX). */
static void take_in_range(struct gre_receiver *r, struct packet *p, uint32_t seq, uint64_t now,
	struct packet_list *out)
{
	if (r->held && seq - r->next < r->ring_size && *slot_of(r, seq)) {
		r->duplicates++;
		drop(p, out);
		return;
	}
	r->jump_count = 0;
	r->in_range_at = now;
	if (r->young < GRE_YOUNG)
		r->young++;
	if (r->held && (int32_t)(r->highest - seq) > 0)
		note_reordered(r, seq, now);
	if (seq != r->next) {
		if (hold(r, p, seq, now))
			return;
		/* Without memory nothing can wait; dropping it would stop the stream at the gap. */
		r->overflow++;
		advance_to(r, seq, now, out);
	}
	r->in_order_at = now;
	/* What waits may be a forger's, whose numbers were acknowledged in vain. */
	r->is_sure = false;
	if ((int32_t)(r->acked - r->next) >= 0)
		r->acked = r->next - 1;
	advance(r, p, now, out);
	run_held(r, now, out);
}

/* The first number that waits. */
static uint32_t first_held(const struct gre_receiver *r)
{
	uint32_t seq = r->next;

	while (!*slot_of(r, seq))
		seq++;
	return seq;
}

/* Is all that waits far ahead of a stream that went on below it meanwhile? */
static bool waits_far_ahead(const struct gre_receiver *r)
{
	return r->held && r->next != r->hold_base && first_held(r) - r->next > STRAY_GAP;
}

/* The stream flows: what waits far ahead of it is forged, be it ever so much. */
static bool flows(const struct gre_receiver *r, uint64_t now)
{
	return now < r->in_order_at + GRE_JUMP_QUIET;
}

/*
 * The ring is full: the stream went on for its whole length behind a gap, and `seq` continues what
 * is held. Then it is no jump, and the gap is lost.
 */
static bool continues_held(const struct gre_receiver *r, uint32_t seq, uint64_t now)
{
	return r->held >= GRE_JUMP_CONFIRM && seq - r->highest <= GRE_JUMP_STEP &&
	       !(flows(r, now) && waits_far_ahead(r));
}

/* Is this packet out of range the one that confirms that the stream has moved? */
static bool confirms_jump(struct gre_receiver *r, uint32_t seq, uint64_t now)
{
	uint32_t step = seq - r->jump_seq;
	bool back = (int32_t)(seq - r->next) < 0;

	if (r->jump_count && !step)
		return false;
	if (!r->jump_count || step > GRE_JUMP_STEP)
		r->jump_count = 0;
	if (r->jump_count < GRE_JUMP_CONFIRM)
		r->jump_count++;
	r->jump_seq = seq;
	if (r->jump_count < GRE_JUMP_CONFIRM)
		return false;
	if (!back)
		return r->young < GRE_YOUNG || now >= r->in_range_at + GRE_JUMP_QUIET;
	if (now >= r->in_range_at + GRE_BACK_QUIET)
		return true;
	return r->young < GRE_YOUNG && r->next - seq > GRE_HOLD_MAX;
}

static void follow_jump(struct gre_receiver *r, struct packet *p, uint32_t seq, uint64_t now,
	struct packet_list *out)
{
	if (r->held)
		advance_to(r, r->highest + 1, now, out);
	/* The place of a numbering that was hardly used, perhaps forged itself, is not worth a
	 * return. */
	if (r->young >= GRE_YOUNG && (!r->has_home || now - r->home_at >= GRE_HOME_TIME)) {
		r->has_home = true;
		r->home = r->next;
		r->home_at = now;
		r->home_lost = r->lost;
	}
	if ((int32_t)(seq - r->next) > 0 && seq - r->next <= LOSS_MAX)
		r->lost += seq - r->next - (GRE_JUMP_CONFIRM - 1u);
	begin(r, seq);
	r->in_range_at = now;
	r->young = 1;
	advance(r, p, now, out);
}

/* The stream goes on where a jump was followed from: so the jump was a forger's, not the peer's. */
static void return_home(struct gre_receiver *r, struct packet_list *out)
{
	r->jumps += r->held;
	drop_held(r, out);
	r->lost = r->home_lost;
	r->has_home = false;
	begin(r, r->home);
	r->young = GRE_YOUNG;
}

/* `seq` is before what is expected, by at most GRE_HOLD_MAX. */
static void take_late(struct gre_receiver *r, struct packet *p, uint32_t seq, uint64_t now,
	struct packet_list *out)
{
	if (r->next - seq <= r->next - r->first) {
		/* Its gap may have been one before the last: then it is later than that. */
		was_late(r, now - r->given_up_at + gre_receiver_hold_time(r));
		r->lost--; /* it was counted when its gap was given up, and is in `seen` */
		r->seen[SEEN_WORD(seq)] |= seen_bit(seq);
	}
	if (r->pass_late) {
		p->flags |= PACKET_LATE;
		p->verdict = PACKET_NONE;
		packet_list_add(out, p);
		return;
	}
	r->late++;
	drop(p, out);
}

static void take_out_of_range(struct gre_receiver *r, struct packet *p, uint32_t seq, uint64_t now,
	struct packet_list *out)
{
	uint32_t behind = r->next - seq;

	if (behind <= r->next - r->first && was_seen(r, seq)) {
		r->duplicates++;
		drop(p, out);
	} else if (confirms_jump(r, seq, now)) {
		follow_jump(r, p, seq, now, out);
	} else if (behind <= GRE_HOLD_MAX) {
		take_late(r, p, seq, now, out);
	} else {
		r->jumps++;
		drop(p, out);
	}
}

void gre_receiver_take(struct gre_receiver *r, struct packet *p, uint32_t seq, uint64_t now,
	struct packet_list *out)
{
	r->received++;
	if (!r->started)
		begin(r, seq);
	if (r->ring && !r->held && now - r->ring_used >= GRE_HOLD_IDLE)
		free_ring(r);
	if (seq - r->next >= GRE_HOLD_MAX && r->has_home && seq - r->home <= GRE_JUMP_STEP) {
		return_home(r, out);
	} else if (seq - r->next >= GRE_HOLD_MAX && continues_held(r, seq, now)) {
		r->overflow++;
		advance_to(r, seq - (GRE_HOLD_MAX - 1), now, out);
		run_held(r, now, out);
	}
	if (seq - r->next < GRE_HOLD_MAX)
		take_in_range(r, p, seq, now, out);
	else
		take_out_of_range(r, p, seq, now, out);
}

void gre_receiver_skip(struct gre_receiver *r, uint32_t seq, uint64_t now, struct packet_list *out)
{
	if (!r->started || seq == r->next || seq - r->next >= GRE_HOLD_MAX)
		return;
	r->overflow++;
	advance_to(r, seq, now, out);
	run_held(r, now, out); /* `seq` may be there already */
}

static void drop_stray(struct gre_receiver *r, struct packet **slot, struct packet_list *out)
{
	drop(*slot, out);
	*slot = NULL;
	r->held--;
	r->jumps++;
}

/*
 * When the gaps before a packet that waits since `since` are to be given up. What matters is how long the
 * stream stands still: who overtook it while it goes on is early, and those behind him are not late. `far`:
 * behind a gap that may be forged, so that the stream has its time to show that it goes on below.
 */
static uint64_t hold_until(const struct gre_receiver *r, uint64_t since, bool far)
{
	uint64_t still = since > r->in_order_at ? since : r->in_order_at;
	uint64_t most = since + GRE_HOLD_TIME, until = still + gre_receiver_hold_time(r);

	return far || until > most ? most : until;
}

void gre_receiver_tick(struct gre_receiver *r, uint64_t now, struct packet_list *out)
{
	uint64_t next = UINT64_MAX;
	uint32_t highest = r->next;
	uint32_t through = highest; /* given up are the numbers before */
	bool stray, far = false;

	if (now < r->hold_deadline)
		return;
	stray = waits_far_ahead(r) && (r->held < GRE_JUMP_CONFIRM || flows(r, now));
	/* The deadline may be that of a packet that has left: look at those that are here. */
	for (uint32_t seq = r->next, left = r->held; left; seq++) {
		struct packet **slot = slot_of(r, seq);
		uint64_t until;

		if (!*slot)
			continue;
		left--;
		far |= seq - highest > STRAY_GAP;
		until = hold_until(r, (*slot)->time, far);
		if (stray && now >= until) {
			drop_stray(r, slot, out);
			continue;
		}
		highest = seq;
		if (now < until)
			next = until < next ? until : next;
		else
			through = seq + 1;
	}
	r->highest = highest;
	r->hold_deadline = next;
	if (through == r->next)
		return;
	r->lateness -= r->lateness / 4;
	advance_to(r, through, now, out);
	run_held(r, now, out);
}

uint64_t gre_receiver_deadline(const struct gre_receiver *r)
{
	return r->hold_deadline < r->ack_deadline ? r->hold_deadline : r->ack_deadline;
}

bool gre_receiver_ack_due(const struct gre_receiver *r, uint64_t now)
{
	return r->ack_pending && now >= r->ack_deadline;
}

bool gre_receiver_ack(struct gre_receiver *r, uint32_t *ack)
{
	if (!r->ack_pending)
		return false;
	*ack = r->next - 1;
	if (r->held && r->is_sure && (int32_t)(r->sure - *ack) > 0)
		*ack = r->sure;
	r->acked = *ack;
	r->any_acked = true;
	r->ack_pending = false;
	r->ack_deadline = UINT64_MAX;
	r->unacked = 0;
	return true;
}
