/*
 * Data that waits for the peer's window (RFC 2637 section 4.2), in a call's packet path. See tunnel.h.
 *
 * Invariants: what waits has neither number nor key yet; it goes in the order in which it came; no
 * more waits than TUNNEL_QUEUE_MAX packets, none longer than TUNNEL_QUEUE_TIME.
 */
#include "lib/ppp/frame.h"
#include "lib/tunnel_internal.h"

#include <errno.h>

static unsigned int queue_limit(const struct tunnel *t)
{
	unsigned int limit = 2u * t->sender.window;

	if (limit < TUNNEL_QUEUE_MIN)
		return TUNNEL_QUEUE_MIN;
	return limit < TUNNEL_QUEUE_MAX ? limit : TUNNEL_QUEUE_MAX;
}

/* The keys and numbers are given when it goes: both ends count in the order of sending. */
int tunnel_wait(struct tunnel *t, struct packet *p, uint16_t protocol, uint64_t now)
{
	if (t->queued >= queue_limit(t)) {
		TUNNEL_COUNT(t, drops[TUNNEL_DROP_WINDOW]);
		return -ENOBUFS;
	}
	p->protocol = protocol;
	p->time = now;
	packet_list_add(&t->queue, p);
	t->queued++;
	return 1;
}

bool tunnel_would_wait(const struct tunnel *t, uint16_t protocol)
{
	return (t->raw || ppp_is_data(protocol)) && (t->queued || !gre_sender_open(&t->sender));
}

bool tunnel_sendable(const struct tunnel *t)
{
	return t->queued && gre_sender_open(&t->sender);
}

void tunnel_release(
	struct tunnel *t, uint64_t now, struct rc4_batch *batch, struct packet_list *out)
{
	for (unsigned int n = 0; n < RC4_BATCH_MAX && tunnel_sendable(t); n++) {
		struct packet *p = packet_list_take(&t->queue);

		t->queued--;
		p->verdict = PACKET_NONE;
		if (tunnel_check(t, p, true) < 0)
			p->verdict = PACKET_DROP;
		else
			tunnel_send(
				t, p, p->protocol, tunnel_is_data(t, p, p->protocol), now, batch);
		packet_list_add(out, p);
	}
}

void tunnel_drop_queued(
	struct tunnel *t, uint64_t since, enum tunnel_drop why, struct packet_list *out)
{
	while (t->queued && t->queue.first->time < since) {
		struct packet *p = packet_list_take(&t->queue);

		t->queued--;
		tunnel_drop(t, p, why);
		packet_list_add(out, p);
	}
}
