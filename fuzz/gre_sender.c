/*
 * lib/gre/sender: packets sent, acknowledgements of any number, time, all policies. The window and
 * the time-out stay in their limits; what is under way is never negative; strict never stands still
 * for ever.
 */
#include "lib/gre/sender.h"

#include "fuzz/fuzz.h"

static struct gre_sender s;

static void check(const struct fuzz *f)
{
	uint32_t in_flight = gre_sender_in_flight(&s);

	FUZZ_CHECK(s.window >= 1 && s.window <= s.window_max && s.filled < s.window);
	FUZZ_CHECK(s.ato >= GRE_ATO_MIN && s.ato <= GRE_ATO_MAX_LIMIT);
	FUZZ_CHECK(in_flight <= s.sent);
	FUZZ_CHECK((in_flight > 0) == (s.timeout_at != UINT64_MAX));
	FUZZ_CHECK(s.timeout_at == UINT64_MAX || s.timeout_at <= f->now + GRE_ATO_MAX_LIMIT);
	FUZZ_CHECK(s.flow != GRE_FLOW_STRICT || gre_sender_open(&s) == (in_flight < s.window));
	FUZZ_CHECK(s.flow == GRE_FLOW_STRICT || gre_sender_open(&s));
	FUZZ_CHECK(s.flow == GRE_FLOW_STRICT || gre_sender_deadline(&s) == UINT64_MAX);
	FUZZ_CHECK(!s.any_acked || s.next - 1 - s.acked < s.sent);
	(void)gre_sender_rtt(&s);
	(void)gre_sender_has_room(&s);
}

static void number(const struct fuzz *f)
{
	uint32_t want = s.next;

	FUZZ_CHECK(gre_sender_number(&s, f->now) == want && s.next == want + 1);
}

static void acked(uint32_t ack, const struct fuzz *f)
{
	struct gre_sender before = s;
	bool bad = s.next - 1 - ack >= s.sent || s.next - 1 - ack > INT32_MAX;

	gre_sender_acked(&s, ack, f->now);
	if (before.flow == GRE_FLOW_OFF)
		return;
	FUZZ_CHECK(s.bad_acks == before.bad_acks + bad);
	if (bad)
		FUZZ_CHECK(s.floor == before.floor && s.window == before.window);
	else
		FUZZ_CHECK(gre_sender_in_flight(&s) <= gre_sender_in_flight(&before));
}

static void step(struct fuzz *f)
{
	switch (fuzz_below(f, 10)) {
	case 0:
	case 1:
		number(f);
		break;
	case 2: /* as many as may go */
		for (unsigned int n = fuzz_u8(f); n && gre_sender_open(&s); n--)
			number(f);
		break;
	case 3:
		acked(s.next - 1, f);
		break;
	case 4:
		acked(s.floor + fuzz_u8(f), f);
		break;
	case 5:
		acked(s.next - fuzz_u8(f), f);
		break;
	case 6:
		acked(fuzz_u32(f), f);
		break;
	case 7:
		fuzz_pass(f);
		break;
	case 8:
		fuzz_pass_to(f, s.timeout_at);
		gre_sender_tick(&s, f->now);
		break;
	case 9:
		gre_sender_set_peer(&s, fuzz_u16(f), fuzz_u16(f));
		break;
	}
	if (s.flow == GRE_FLOW_STRICT) {
		gre_sender_tick(&s, f->now);
		FUZZ_CHECK(gre_sender_deadline(&s) > f->now);
	}
	check(f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz f = fuzz_begin(data, size);
	uint8_t flags = fuzz_u8(&f);
	struct gre_sender_config config = {
		.flow = (enum gre_flow)(flags % 3),
		.window = fuzz_u16(&f),
		.delay = fuzz_u8(&f),
		.ato_max = flags & 0x80 ? fuzz_u32(&f) : 0,
	};

	gre_sender_init(&s, &config);
	if (flags & 0x40) /* close to the wrap of the numbers */
		s.next = s.floor = 0u - fuzz_u8(&f);
	check(&f);
	while (fuzz_more(&f))
		step(&f);
	/* A peer that is silent for ever does not stop the sender. */
	fuzz_pass_to(&f, s.timeout_at);
	gre_sender_tick(&s, f.now);
	FUZZ_CHECK(gre_sender_open(&s) && !gre_sender_in_flight(&s));
	return 0;
}
