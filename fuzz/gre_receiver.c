/*
 * lib/gre/receiver: packets of any number at any time. What goes on is in strictly increasing
 * order, but for jumps that were confirmed; each packet comes out once; few are held, not for long;
 * acknowledgements name only what was delivered.
 */
#include "lib/gre/receiver.h"

#include "fuzz/fuzz.h"

struct end {
	struct gre_receiver r;
	struct packet_list out;
	unsigned int alive; /* packets that the receiver has */
	bool any;
	uint32_t last; /* delivered */
	unsigned int backward, drops;
};

static void drain(struct end *e)
{
	struct packet *p;

	while ((p = packet_list_take(&e->out))) {
		uint32_t seq;

		memcpy(&seq, p->data, sizeof(seq));
		FUZZ_CHECK(p->verdict == PACKET_DROP || p->verdict == PACKET_NONE);
		if (p->verdict == PACKET_NONE) {
			if (e->any && (int32_t)(seq - e->last) <= 0)
				e->backward++;
			e->last = seq;
			e->any = true;
		}
		e->drops += p->verdict == PACKET_DROP;
		e->alive--;
		free(p);
	}
	FUZZ_CHECK(e->alive == e->r.held && e->r.held <= GRE_HOLD_MAX);
}

static void take(struct end *e, uint32_t seq, uint64_t now)
{
	struct packet *p = malloc(sizeof(*p));

	FUZZ_CHECK(p);
	packet_reset(p);
	p->len = sizeof(seq);
	memcpy(p->data, &seq, sizeof(seq));
	e->alive++;
	gre_receiver_take(&e->r, p, seq, now, &e->out);
	drain(e);
}

static void tick(struct end *e, uint64_t now)
{
	gre_receiver_tick(&e->r, now, &e->out);
	drain(e);
	if (e->r.held)
		FUZZ_CHECK(e->r.hold_deadline > now && e->r.hold_deadline <= now + GRE_HOLD_TIME);
}

static void acknowledge(struct end *e, uint64_t now)
{
	bool due = gre_receiver_ack_due(&e->r, now);
	uint32_t ack;

	FUZZ_CHECK(!due || e->any);
	if (!gre_receiver_ack(&e->r, &ack)) {
		FUZZ_CHECK(!due);
		return;
	}
	/* What was given out, or a part of what waits for a gap. */
	FUZZ_CHECK(e->any && ack - (e->r.next - 1) < GRE_HOLD_MAX);
	FUZZ_CHECK(!gre_receiver_ack_due(&e->r, now) && !gre_receiver_ack(&e->r, &ack));
}

static void step(struct end *e, struct fuzz *f)
{
	switch (fuzz_below(f, 8)) {
	case 0:
		take(e, e->r.next, f->now);
		break;
	case 1:
		take(e, e->r.next + fuzz_u8(f), f->now);
		break;
	case 2:
		take(e, e->r.next - fuzz_u8(f), f->now);
		break;
	case 3:
		take(e, e->r.next + fuzz_u16(f), f->now);
		break;
	case 4:
		take(e, fuzz_u32(f), f->now);
		break;
	case 5: /* a run of them, with a step */
		for (uint32_t seq = e->r.next + fuzz_u8(f), d = fuzz_u8(f), n = fuzz_u8(f); n; n--)
			take(e, seq += d, f->now);
		break;
	case 6:
		fuzz_pass_to(f, gre_receiver_deadline(&e->r));
		tick(e, f->now);
		break;
	case 7:
		acknowledge(e, f->now);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct end e;
	struct fuzz f = fuzz_begin(data, size);

	memset(&e, 0, sizeof(e));
	packet_list_init(&e.out);
	gre_receiver_init(&e.r, fuzz_u8(&f));
	while (fuzz_more(&f)) {
		fuzz_pass(&f);
		tick(&e, f.now);
		step(&e, &f);
	}
	/* A jump is paid for with dropped packets, and can be taken back once. */
	FUZZ_CHECK(e.backward * (GRE_JUMP_CONFIRM - 1u) <= e.drops * 2u);
	gre_receiver_done(&e.r, &e.out);
	e.r.held = 0;
	drain(&e);
	FUZZ_CHECK(e.alive == 0);
	return 0;
}
