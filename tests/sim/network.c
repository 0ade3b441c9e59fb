/* The simulated network: see network.h. */
#include "tests/sim/network.h"

#include <stdlib.h>
#include <string.h>

void sim_network_init(struct sim_network *n, uint64_t seed, const struct sim_faults *faults)
{
	memset(n, 0, sizeof(*n));
	n->random = seed * 0x9e3779b97f4a7c15u + 0x1234567;
	n->faults = *faults;
	n->now = 1000000;
	n->outage_from = n->outage_to = UINT64_MAX;
}

void sim_network_done(struct sim_network *n)
{
	while (n->count)
		free(n->heap[--n->count]);
	while (n->free) {
		struct sim_event *e = n->free;

		n->free = e->next;
		free(e);
	}
	free(n->heap);
}

/* SplitMix64's idea: a counter through a mixer. */
uint64_t sim_random(struct sim_network *n)
{
	uint64_t x = n->random += 0x9e3779b97f4a7c15u;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

bool sim_chance(struct sim_network *n, unsigned int permille)
{
	return permille && sim_random(n) % 1000 < permille;
}

static bool before(const struct sim_event *a, const struct sim_event *b)
{
	return a->time < b->time || (a->time == b->time && a->order < b->order);
}

static void push(struct sim_network *n, struct sim_event *e)
{
	size_t i = n->count;

	if (n->count == n->size) {
		n->size = n->size ? n->size * 2 : 64;
		n->heap = realloc(n->heap, n->size * sizeof(*n->heap));
		if (!n->heap)
			abort();
	}
	n->count++;
	while (i && before(e, n->heap[(i - 1) / 2])) {
		n->heap[i] = n->heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	n->heap[i] = e;
}

struct sim_event *sim_take(struct sim_network *n)
{
	struct sim_event *top = n->heap[0], *last = n->heap[--n->count];
	size_t i = 0, child;

	while ((child = 2 * i + 1) < n->count) {
		if (child + 1 < n->count && before(n->heap[child + 1], n->heap[child]))
			child++;
		if (!before(n->heap[child], last))
			break;
		n->heap[i] = n->heap[child];
		i = child;
	}
	if (n->count)
		n->heap[i] = last;
	n->now = top->time;
	return top;
}

uint64_t sim_next(const struct sim_network *n)
{
	return n->count ? n->heap[0]->time : UINT64_MAX;
}

void sim_recycle(struct sim_network *n, struct sim_event *e)
{
	e->next = n->free;
	n->free = e;
}

static struct sim_event *event(struct sim_network *n, enum sim_kind kind, unsigned int to,
	const uint8_t *data, size_t len, uint64_t time)
{
	struct sim_event *e = n->free;

	if (len > sizeof(e->data))
		abort();
	if (e)
		n->free = e->next;
	else
		e = malloc(sizeof(*e));
	if (!e)
		abort();
	e->time = time;
	e->order = n->order++;
	e->kind = (uint8_t)kind;
	e->to = (uint8_t)to;
	e->corrupted = false;
	e->len = (uint16_t)len;
	if (len)
		memcpy(e->data, data, len);
	push(n, e);
	return e;
}

static uint64_t arrival(struct sim_network *n)
{
	uint64_t t = n->now + n->faults.delay;

	if (n->faults.jitter) {
		t += sim_random(n) % (2 * n->faults.jitter + 1);
		t -= n->faults.jitter < n->faults.delay ? n->faults.jitter : n->faults.delay;
	}
	return t;
}

static void send_stream(struct sim_network *n, unsigned int to, const uint8_t *data, size_t len)
{
	uint64_t t = arrival(n);

	if (t < n->stream_free[to])
		t = n->stream_free[to];
	if (!len)
		event(n, SIM_STREAM, to, data, 0, t); /* the end of the stream */
	while (len) {
		size_t piece = n->faults.dribble ? 1 + sim_random(n) % 7 : len;

		if (piece > len)
			piece = len;
		event(n, SIM_STREAM, to, data, piece, t);
		data += piece;
		len -= piece;
		if (n->faults.dribble)
			t += sim_random(n) % 3000;
	}
	n->stream_free[to] = t;
}

void sim_inject(struct sim_network *n, unsigned int to, const uint8_t *data, size_t len)
{
	event(n, SIM_DATAGRAM, to, data, len, n->now + n->faults.delay);
}

static void send_datagram(struct sim_network *n, unsigned int to, const uint8_t *data, size_t len)
{
	uint8_t edited[sizeof(((struct sim_event *)NULL)->data)];
	struct sim_event *e;
	bool outage = n->now >= n->outage_from && n->now < n->outage_to;

	if (n->middle) {
		memcpy(edited, data, len);
		data = edited;
		if (!n->middle(n->middle_user, to, edited, &len))
			return;
	}
	if (outage || sim_chance(n, n->faults.loss)) {
		n->lost++;
		return;
	}
	e = event(n, SIM_DATAGRAM, to, data, len, arrival(n));
	if (sim_chance(n, n->faults.corrupt)) {
		e->data[sim_random(n) % len] ^= (uint8_t)(1u << (sim_random(n) % 8));
		e->corrupted = true;
		n->corrupted++;
	}
	if (sim_chance(n, n->faults.duplicate)) {
		event(n, SIM_DATAGRAM, to, data, len, arrival(n));
		n->doubled++;
	}
}

void sim_send(
	struct sim_network *n, enum sim_kind kind, unsigned int to, const uint8_t *data, size_t len)
{
	if (kind == SIM_STREAM)
		send_stream(n, to, data, len);
	else
		send_datagram(n, to, data, len);
}
