/*
 * Packets between workers: see exchange.h.
 *
 * Who publishes sets its bit in the other's `pending` and then looks whether that one sleeps; who goes to
 * sleep says so and then looks at `pending`. All four are sequentially consistent, so one of the two sees
 * the other: no packet waits for a worker that sleeps.
 */
#include "dataplane/exchange.h"

#include <string.h>
#include <unistd.h>

static void put(struct worker *w, struct worker *to, enum handover_kind kind,
	const struct vnet *vnet, const uint8_t *data, size_t len)
{
	if (handover_put(&w->to[to->index], kind, vnet, data, (uint32_t)len) < 0) {
		w->stats.handover_full++;
		return;
	}
	w->stats.handed_over++;
	w->put |= (uint64_t)1 << to->index;
}

void exchange_put_inner(struct worker *w, struct worker *to, const struct inner_packet *in)
{
	put(w, to, HANDOVER_INNER, &in->vnet, in->data, in->len);
}

void exchange_put_gre(struct worker *w, struct worker *to, const uint8_t *data, size_t len)
{
	static const struct vnet none = { .kind = VNET_LONE };

	put(w, to, HANDOVER_GRE, &none, data, len);
}

static void wake(struct worker *w)
{
	uint64_t one = 1;

	(void)!write(w->wake, &one, sizeof(one));
}

void exchange_publish(struct worker *w)
{
	while (w->put) {
		struct worker *to = w->all[__builtin_ctzll(w->put)];

		w->put &= w->put - 1;
		handover_publish(&w->to[to->index]);
		atomic_fetch_or(&to->pending, (uint64_t)1 << w->index);
		if (atomic_load(&to->sleeping) && atomic_exchange(&to->sleeping, false))
			wake(to);
	}
}

/* False: there is no room for it in this turn. */
static bool take_gre(struct worker *w, const uint8_t *data, uint32_t len)
{
	struct packet *p;

	if (w->handed_count == IO_RECEIVE_MAX)
		return false;
	p = pool_get(&w->pool);
	if (!p) {
		w->stats.no_slot++;
		return true;
	}
	memcpy(p->buf + IO_OFFSET, data, len);
	p->len = len;
	w->handed[w->handed_count++] = p;
	return true;
}

static bool take_ring(struct worker *w, struct handover *h)
{
	const struct handover_record *r;
	const uint8_t *data;

	while ((r = handover_peek(h, &data)) != NULL) {
		if (r->kind == HANDOVER_GRE ? !take_gre(w, data, r->len)
					    : !inner_take(&w->inner, &r->vnet, data, r->len))
			return false;
		handover_next(h);
	}
	return true;
}

void exchange_take(struct worker *w)
{
	if (w->count < 2 || w->blocked_until)
		return;
	if (atomic_load_explicit(&w->pending, memory_order_relaxed))
		w->inbox |= atomic_exchange(&w->pending, 0);
	/* From another one on each turn: none keeps the room for itself. */
	for (unsigned int i = 0; w->inbox && i < w->count; i++) {
		unsigned int from = (w->first_from + i) % w->count;
		uint64_t bit = (uint64_t)1 << from;

		if (w->inbox & bit && take_ring(w, &w->all[from]->to[w->index]))
			w->inbox &= ~bit;
	}
	w->first_from = (w->first_from + 1) % w->count;
}

bool exchange_waits(struct worker *w)
{
	if (w->count < 2 || w->blocked_until)
		return false;
	if (w->inbox)
		return true;
	atomic_store(&w->sleeping, true);
	return atomic_load(&w->pending) != 0;
}

void exchange_awake(struct worker *w)
{
	if (w->count > 1)
		atomic_store_explicit(&w->sleeping, false, memory_order_relaxed);
}
