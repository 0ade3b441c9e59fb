/*
 * GRE's numbers (RFC 2637 section 4) and what they tell without any password: who hears whom, what came
 * late, which sizes arrive; and TCP inside, where it can be read. See observe.h.
 */
#include "tools/doctor/observe.h"

#include "lib/mppe/mppe.h"
#include "lib/ppp/frame.h"

/* us: longer than any known receiver waits for a number that is missing. */
#define LATE_TIME 300000
/* us: receivers acknowledge earlier, if anything else is to be said or not. */
#define SILENCE_TIME 700000
#define SMALL        256 /* octets */
#define IP_TCP       6

static int32_t after(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b);
}

/* A number behind the highest: how far, and how long after the one that overtook it? */
static void late_run(struct observe_side *s, const struct observe_side *peer, uint32_t seq,
	const struct decode_meta *meta)
{
	uint32_t distance = s->highest - seq;
	unsigned int at = (seq + 1) % OBSERVE_RING;
	uint64_t lag = 0;

	if (after(s->highest, seq) < 0) /* from nowhere: far ahead, and not gone on with */
		return;
	if (s->ring_seq[at] == seq + 1 && s->ring_time[at] && meta->time > s->ring_time[at])
		lag = meta->time - s->ring_time[at];
	observe_hit(&s->late, meta);
	if (distance > s->late_distance)
		s->late_distance = distance;
	if (lag > s->late_time)
		s->late_time = lag;
	if ((peer->window && distance > peer->window) || lag > LATE_TIME)
		s->late_beyond++;
	if (s->lost)
		s->lost--;
}

static void number_run(
	struct observe_side *s, const struct observe_side *peer, const struct decode_event *e)
{
	const struct decode_gre *gre = e->gre;
	unsigned int at = gre->seq % OBSERVE_RING;

	s->lost += gre->lost;
	if (gre->duplicate)
		return;
	if (gre->late)
		late_run(s, peer, gre->seq, &e->meta);
	else
		s->highest = gre->seq;
	s->ring_seq[at] = gre->seq;
	s->ring_time[at] = e->meta.time;
}

static void size_lost(struct observe_sizes *z, size_t size, const struct decode_meta *sent)
{
	if (size < OBSERVE_LARGE) {
		z->small_lost++;
		return;
	}
	observe_hit(&z->large_lost, sent);
	if (!z->smallest_lost || size < z->smallest_lost)
		z->smallest_lost = size;
	if (size > z->largest_lost)
		z->largest_lost = size;
}

/* Frames that wait for so long, and so do all behind them, did not arrive. */
static void sizes_next(struct observe_side *s, const struct decode_event *e)
{
	struct observe_sizes *z = &s->sizes;
	uint64_t now = e->meta.time;

	for (unsigned int i = 0; i < OBSERVE_SENT; i++) {
		const struct decode_meta sent = { .time = z->sent[i].time,
			.frame = z->sent[i].frame };

		if (!z->sent[i].waits || now <= sent.time || now - sent.time <= SILENCE_TIME)
			continue;
		z->sent[i].waits = false;
		size_lost(z, z->sent[i].size, &sent);
	}
	z->sent[z->next].waits = true;
	z->sent[z->next].seq = e->gre->seq;
	z->sent[z->next].size = e->gre->payload;
	z->sent[z->next].time = now;
	z->sent[z->next].frame = e->meta.frame;
	z->next = (z->next + 1) % OBSERVE_SENT;
}

/* An acknowledgment of what `s` sent: with a frame's own number it has arrived. */
static void sizes_acked(struct observe_side *s, uint32_t ack)
{
	struct observe_sizes *z = &s->sizes;

	for (unsigned int i = 0; i < OBSERVE_SENT; i++) {
		if (!z->sent[i].size || after(ack, z->sent[i].seq) < 0)
			continue;
		z->sent[i].waits = false;
		if (ack != z->sent[i].seq)
			continue;
		if (z->sent[i].size > z->largest_arrived)
			z->largest_arrived = z->sent[i].size;
		z->small_arrived += z->sent[i].size <= SMALL;
	}
}

/* The same segment again? One slot a flow; a new flow takes the slot of its key. */
static void tcp_run(struct observe_side *s, const struct decode_event *e)
{
	struct wire_reader r = e->ppp->packet;
	uint8_t first = wire_u8(&r);
	size_t head = (first & 15u) * 4u, size;
	uint64_t key;
	uint32_t seq;
	struct observe_flow *f;

	wire_skip(&r, 8);
	if (first >> 4 != 4 || wire_u8(&r) != IP_TCP || head < 20)
		return;
	wire_skip(&r, 2);
	key = (uint64_t)wire_u32(&r) << 32;
	key ^= wire_u32(&r);
	wire_skip(&r, head - 20);
	key ^= (uint64_t)wire_u32(&r) << 16; /* ports */
	seq = wire_u32(&r);
	wire_skip(&r, 4);
	size = head + (size_t)(wire_u8(&r) >> 4) * 4;
	if (r.failed || e->ppp->packet_len <= size)
		return;
	size = e->ppp->packet_len - size;
	key = key * 0x9e3779b97f4a7c15u | 1;
	f = &s->flows[key >> 60 & (OBSERVE_FLOWS - 1)];
	if (f->key == key && f->seq == seq && f->len == size) {
		observe_hit(&f->again, &e->meta);
		return;
	}
	/* Where the sender goes on, the segment came through; one that never did stays. */
	if (f->again.count >= 3 && f->key == key && after(seq, f->seq) < 0)
		return;
	*f = (struct observe_flow){ .key = key, .seq = seq, .len = size };
	observe_hit(&f->again, &e->meta);
}

/* MPPE's count goes up by one with each packet (RFC 3078 section 3.1), so by no more than GRE's number. */
static void count_run(struct observe_side *s, const struct decode_event *e)
{
	uint16_t count = e->ppp->mppe & MPPE_COUNT;
	uint32_t packets = e->gre->seq - s->count_seq;
	unsigned int step = ((unsigned int)count - s->count) & MPPE_COUNT;

	if (e->gre->late)
		return;
	if (s->has_count && (!step || (packets < MPPE_COUNT && step > packets)))
		observe_hit(&s->miscounted, &e->meta);
	s->has_count = true;
	s->count = count;
	s->count_seq = e->gre->seq;
}

static void data_run(struct observe_side *s, const struct decode_event *e)
{
	const struct decode_ppp *ppp = e->ppp;

	if (ppp->has_mppe)
		count_run(s, e);
	if (ppp->protocol == PPP_COMP && ppp->state != DECODE_DECOMPRESSED)
		observe_hit(&s->encrypted, &e->meta);
	else if (ppp_is_data(ppp->protocol))
		observe_hit(&s->clear, &e->meta);
	if (ppp->state == DECODE_NONSENSE)
		observe_hit(&s->broken, &e->meta);
	if (ppp->inner == PPP_IP)
		tcp_run(s, e);
}

void observe_gre(struct observe_call *call, const struct decode_event *e)
{
	struct observe_side *s = &call->side[e->side & 1], *peer = &call->side[1 - (e->side & 1)];

	if (!e->gre)
		return;
	if (e->gre->foreign_id)
		observe_hit(&s->foreign, &e->meta);
	if (e->gre->has_ack) {
		/* Some begin with an ack of nothing, before they heard anything. */
		if (peer->frames.count)
			observe_hit(&s->hears, &e->meta);
		sizes_acked(peer, e->gre->ack);
	}
	if (!e->gre->has_seq) {
		observe_hit(&s->acks, &e->meta);
		return;
	}
	number_run(s, peer, e);
	sizes_next(s, e);
	observe_hit(&s->frames, &e->meta);
	if (e->ppp && !e->gre->duplicate)
		data_run(s, e);
}
