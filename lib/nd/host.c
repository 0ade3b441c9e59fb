/* Router Solicitations and what comes of them: see host.h. */
#include "lib/nd/host.h"

#include <string.h>

#define TRIES          3       /* MAX_RTR_SOLICITATIONS */
#define INTERVAL       4000000 /* us: RTR_SOLICITATION_INTERVAL */
#define LEARN_INTERVAL 1000000 /* us */

static void solicit(struct nd_host *h, uint64_t now)
{
	uint8_t packet[ND_PACKET_MAX];
	size_t len = nd_encode_solicitation(h->source, packet, sizeof(packet));

	h->tries--;
	h->deadline = h->tries ? now + INTERVAL : UINT64_MAX;
	if (len)
		h->ops->send(h->user, packet, len);
}

void nd_host_start(struct nd_host *h, const uint8_t source[ND_ADDRESS], const struct nd_ops *ops,
	void *user, uint64_t now)
{
	memset(h, 0, sizeof(*h));
	h->ops = ops;
	h->user = user;
	memcpy(h->source, source, ND_ADDRESS);
	h->tries = TRIES;
	h->running = true;
	solicit(h, now);
}

void nd_host_stop(struct nd_host *h)
{
	h->running = false;
	h->deadline = UINT64_MAX;
}

void nd_host_receive(struct nd_host *h, const uint8_t *packet, size_t len, uint64_t now)
{
	struct nd_advertisement ra;

	if (!h->running || (h->learnt && now - h->learnt_at < LEARN_INTERVAL) ||
		nd_decode(packet, len, &ra) != ND_ADVERTISEMENT)
		return;
	h->deadline = UINT64_MAX;
	h->learnt = true;
	h->learnt_at = now;
	h->ops->learn(h->user, &ra);
}

void nd_host_tick(struct nd_host *h, uint64_t now)
{
	if (h->running && now >= h->deadline)
		solicit(h, now);
}

uint64_t nd_host_deadline(const struct nd_host *h)
{
	return h->running ? h->deadline : UINT64_MAX;
}
