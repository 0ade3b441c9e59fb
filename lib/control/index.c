/*
 * Calls by Call ID (RFC 2637 section 3.2.2): see index.h.
 *
 * Invariant: where there are tables, each call of the list is in `own`, and in `peer` if its peer_call_id is
 * known.
 */
#include "lib/control/index.h"

#include "lib/control/connection.h"

#include <stdlib.h>

#define BITS_MAX 16

static struct control_call **own_bucket(const struct control_index *x, uint16_t call_id)
{
	return &x->own[call_id & ((1u << x->bits) - 1)];
}

static struct control_call **peer_bucket(const struct control_index *x, uint16_t call_id)
{
	return &x->peer[call_id & ((1u << x->bits) - 1)];
}

static void put_own(struct control_index *x, struct control_call *call)
{
	struct control_call **bucket = own_bucket(x, call->call_id);

	call->own_next = *bucket;
	*bucket = call;
}

static void put_peer(struct control_index *x, struct control_call *call)
{
	struct control_call **bucket = peer_bucket(x, call->peer_call_id);

	call->peer_next = *bucket;
	*bucket = call;
}

/* Tables of that size with all calls in place of those that are there; without memory those stay. */
static void rebuild(struct control_connection *c, unsigned int bits)
{
	size_t count = (size_t)1 << bits;
	struct control_index *x = calloc(1, sizeof(*x) + 2 * count * sizeof(struct control_call *));

	if (!x)
		return;
	x->bits = bits;
	x->own = x->buckets;
	x->peer = x->buckets + count;
	free(c->index);
	c->index = x;
	for (struct control_call *call = c->calls; call; call = call->next) {
		put_own(x, call);
		if (call->peer_call_id_known)
			put_peer(x, call);
	}
}

void control_index_add(struct control_connection *c, struct control_call *call)
{
	unsigned int bits = c->index ? c->index->bits + 2 : 6;

	if (c->index)
		put_own(c->index, call);
	if (c->call_count >= INDEX_FROM && bits <= BITS_MAX &&
		(!c->index || c->call_count > 1u << c->index->bits))
		rebuild(c, bits);
}

void control_index_add_peer(struct control_connection *c, struct control_call *call)
{
	if (c->index)
		put_peer(c->index, call);
}

void control_index_remove(struct control_connection *c, struct control_call *call)
{
	struct control_call **at;

	if (!c->index)
		return;
	at = own_bucket(c->index, call->call_id);
	while (*at != call)
		at = &(*at)->own_next;
	*at = call->own_next;
	if (call->peer_call_id_known) {
		at = peer_bucket(c->index, call->peer_call_id);
		while (*at != call)
			at = &(*at)->peer_next;
		*at = call->peer_next;
	}
	if (c->calls)
		return;
	free(c->index);
	c->index = NULL;
}

struct control_call *control_index_find_own(const struct control_connection *c, uint16_t call_id)
{
	struct control_call *call = c->index ? *own_bucket(c->index, call_id) : c->calls;

	while (call && call->call_id != call_id)
		call = c->index ? call->own_next : call->next;
	return call;
}

struct control_call *control_index_find_peer(
	const struct control_connection *c, uint16_t call_id, const struct control_call *after)
{
	struct control_call *call;

	if (after)
		call = c->index ? after->peer_next : after->next;
	else
		call = c->index ? *peer_bucket(c->index, call_id) : c->calls;
	while (call && !(call->peer_call_id_known && call->peer_call_id == call_id))
		call = c->index ? call->peer_next : call->next;
	return call;
}
