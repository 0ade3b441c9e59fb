/* Sessions' memory, ahead of a batch: see fetch.h. */
#include "dataplane/fetch.h"

#include "lib/wire.h"

#define CACHE_LINE 64

/* What a packet of a session touches, of which next to nothing is in a cache if there are many. */
static void fetch_session(const struct dp_session *s)
{
	for (size_t at = 0; at < offsetof(struct dp_session, told); at += CACHE_LINE)
		__builtin_prefetch((const uint8_t *)s + at);
}

void fetch_senders(const struct worker *w, unsigned int n)
{
	uint32_t peer[IO_RECEIVE_MAX], own[IO_RECEIVE_MAX];
	uint16_t call_id[IO_RECEIVE_MAX];

	if (w->table.calls.count < FETCH_SESSIONS)
		return;
	for (unsigned int i = 0; i < n; i++) {
		size_t len = io_received(&w->rx, i);
		struct wire_reader r =
			wire_reader(w->rx.slots[i]->buf + IO_OFFSET, len == SIZE_MAX ? 0 : len);

		wire_skip(&r, 12);
		peer[i] = wire_u32(&r);
		own[i] = wire_u32(&r);
		wire_skip(&r, 6);
		call_id[i] = wire_u16(&r);
		table_fetch_call(&w->table, peer[i], own[i], call_id[i]);
	}
	for (unsigned int i = 0; i < n; i++) {
		const struct dp_session *s =
			table_find_call(&w->table, peer[i], own[i], call_id[i]);

		if (s)
			fetch_session(s);
	}
}

void fetch_receivers(const struct worker *w)
{
	uint32_t address[INNER_TURN];

	if (w->table.calls.count < FETCH_SESSIONS)
		return;
	for (unsigned int i = 0; i < w->inner.count; i++) {
		const struct inner_packet *in = &w->inner.batch[i];
		struct wire_reader r = wire_reader(in->data, in->len);

		wire_skip(&r, w->config.lookup_by_source ? 12 : 16);
		address[i] = wire_u32(&r);
		table_fetch_route(&w->table, address[i]);
	}
	for (unsigned int i = 0; i < w->inner.count; i++) {
		const struct dp_session *s = table_lookup(&w->table, address[i]);

		if (s && s->worker == w)
			fetch_session(s);
	}
}
