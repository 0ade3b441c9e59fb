/* Router Advertisements on a link: see router.h. */
#include "lib/nd/router.h"

#include <string.h>

#define INITIAL          3        /* MAX_INITIAL_RTR_ADVERTISEMENTS */
#define INITIAL_INTERVAL 16000000 /* us: MAX_INITIAL_RTR_ADVERT_INTERVAL */
#define INTERVAL_MIN     200000000u
#define INTERVAL_MAX     600000000u
#define FIRST            500000 /* us after the start */

static uint64_t between(struct nd_router *r, uint64_t min, uint64_t max)
{
	uint32_t random;

	r->ops->random(r->user, &random, sizeof(random));
	return min + ((max - min) * random >> 32);
}

static void advertise(struct nd_router *r, uint64_t now)
{
	uint8_t packet[ND_PACKET_MAX];
	size_t len = nd_encode_advertisement(&r->what, r->source, packet, sizeof(packet));

	r->sent_at = now;
	if (r->initial && --r->initial)
		r->deadline = now + INITIAL_INTERVAL;
	else
		r->deadline = now + between(r, INTERVAL_MIN, INTERVAL_MAX);
	if (len)
		r->ops->send(r->user, packet, len);
}

void nd_router_start(struct nd_router *r, const struct nd_advertisement *what,
	const uint8_t source[ND_ADDRESS], const struct nd_ops *ops, void *user, uint64_t now)
{
	memset(r, 0, sizeof(*r));
	r->ops = ops;
	r->user = user;
	r->what = *what;
	memcpy(r->source, source, ND_ADDRESS);
	r->initial = INITIAL;
	r->prompt = ND_ROUTER_PROMPT;
	r->running = true;
	r->deadline = now + FIRST;
}

void nd_router_stop(struct nd_router *r)
{
	r->running = false;
}

void nd_router_receive(struct nd_router *r, const uint8_t *packet, size_t len, uint64_t now)
{
	struct nd_advertisement unused;
	uint64_t at = now;

	if (!r->running || nd_decode(packet, len, &unused) != ND_SOLICITATION)
		return;
	if (r->prompt)
		r->prompt--;
	else if (at < r->sent_at + ND_ROUTER_DISTANCE)
		at = r->sent_at + ND_ROUTER_DISTANCE;
	if (at < r->deadline)
		r->deadline = at;
}

void nd_router_tick(struct nd_router *r, uint64_t now)
{
	if (r->running && now >= r->deadline)
		advertise(r, now);
}

uint64_t nd_router_deadline(const struct nd_router *r)
{
	return r->running ? r->deadline : UINT64_MAX;
}
