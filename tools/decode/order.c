/* Sequence numbers and their order: see order.h. */
#include "tools/decode/order.h"

#include <stdlib.h>
#include <string.h>

static int32_t after(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b);
}

/* Far from the stream: does it go on from where the number before was? */
static bool goes_on(struct decode_order *o, uint32_t seq)
{
	bool so = o->strayed && seq - o->leap < 64;

	o->strayed = !so;
	o->leap = seq + 1;
	return so;
}

enum decode_sequence decode_order_see(struct decode_order *o, uint32_t seq, uint32_t *ahead)
{
	uint32_t behind;

	*ahead = 0;
	if (!o->started) {
		o->started = true;
		o->next = seq + 1;
		o->seen = 1;
		return DECODE_NEW;
	}
	if (after(seq, o->next) >= DECODE_NEAR || after(o->next, seq) > DECODE_NEAR) {
		if (!goes_on(o, seq))
			return DECODE_LATE;
		if (after(seq, o->next) < 0) {
			o->next = seq; /* begun anew: nothing is missing */
			o->seen = 0;
		}
	}
	if (after(seq, o->next) >= 0) {
		o->strayed = false;
		*ahead = seq - o->next;
		o->lost += *ahead;
		o->seen = *ahead >= 63 ? 0 : o->seen << (*ahead + 1);
		o->seen |= 1;
		o->next = seq + 1;
		return DECODE_NEW;
	}
	behind = o->next - 1 - seq;
	if (behind >= 64 || !(o->seen >> behind & 1)) {
		if (behind < 64)
			o->seen |= 1ull << behind;
		o->late++;
		if (o->lost)
			o->lost--;
		return DECODE_LATE;
	}
	o->duplicates++;
	return DECODE_DUPLICATE;
}

/* The number that was seen last, and is not followed? It has no place in the order, either. */
static bool is_stray(const struct decode_order *o, uint32_t seq)
{
	return o->strayed && seq + 1 == o->leap;
}

bool decode_order_hold(struct decode_order *o, const struct decode_frame *f, size_t *bytes)
{
	struct decode_frame *copy;
	unsigned int at = 0;

	if (!o->holding || is_stray(o, f->gre.seq) || after(f->gre.seq, o->turn) <= 0 ||
		o->held_count == DECODE_HOLD_MAX || f->len > DECODE_HOLD_BYTES - *bytes)
		return false;
	copy = malloc(sizeof(*copy) + f->len);
	if (!copy)
		return false;
	*copy = *f;
	copy->data = (uint8_t *)(copy + 1);
	if (f->len)
		memcpy(copy->data, f->data, f->len);
	while (at < o->held_count && after(o->held[at]->gre.seq, f->gre.seq) < 0)
		at++;
	memmove(&o->held[at + 1], &o->held[at],
		(o->held_count - at) * sizeof(struct decode_frame *));
	o->held[at] = copy;
	o->held_count++;
	*bytes += f->len;
	return true;
}

void decode_order_passed(struct decode_order *o, uint32_t seq)
{
	if (is_stray(o, seq))
		return;
	if (!o->holding || after(seq, o->turn) >= 0)
		o->turn = seq + 1;
	o->holding = true;
}

struct decode_frame *decode_order_take(struct decode_order *o, uint64_t now, size_t *bytes)
{
	struct decode_frame *f;
	bool due = o->held_count == DECODE_HOLD_MAX;

	if (!o->held_count)
		return NULL;
	for (unsigned int i = 0; i < o->held_count && !due; i++)
		due = now > o->held[i]->meta.time && now - o->held[i]->meta.time > DECODE_HOLD_TIME;
	f = o->held[0];
	if (!due && after(f->gre.seq, o->turn) > 0)
		return NULL;
	o->held_count--;
	*bytes -= f->len;
	memmove(&o->held[0], &o->held[1], o->held_count * sizeof(struct decode_frame *));
	return f;
}

void decode_order_done(struct decode_order *o, size_t *bytes)
{
	while (o->held_count) {
		o->held_count--;
		*bytes -= o->held[o->held_count]->len;
		free(o->held[o->held_count]);
	}
	memset(o, 0, sizeof(*o));
}
