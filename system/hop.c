/* Peers behind an Ethernet device: see hop.h. */
#include "system/hop.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <stdlib.h>
#include <string.h>

#define MAC_LEN 6

/* What the kernel sends to without asking first. */
#define NUD_USABLE (NUD_REACHABLE | NUD_PERMANENT | NUD_NOARP | NUD_STALE | NUD_DELAY | NUD_PROBE)

struct hop_neighbour {
	struct hop_neighbour *next, **prev;
	struct in_addr address;
	struct hop *hops;
	bool usable;
	uint8_t mac[MAC_LEN];
};

static size_t bucket_of(struct in_addr address)
{
	uint32_t a = ntohl(address.s_addr);

	return (a ^ a >> 10 ^ a >> 20) % HOP_BUCKETS;
}

static struct hop_neighbour *find(const struct hops *h, struct in_addr address)
{
	struct hop_neighbour *n = h->buckets[bucket_of(address)];

	while (n && n->address.s_addr != address.s_addr)
		n = n->next;
	return n;
}

static void tell(struct hops *h, struct hop *hop, bool again)
{
	struct hop_neighbour *n = hop->neighbour;
	bool usable = h->up && n && n->usable;

	if (usable == hop->usable && !(usable && again))
		return;
	hop->usable = usable;
	h->ops->changed(h->user, hop, usable ? n->mac : NULL);
}

/* Takes over what the kernel knows. True if that is something else for those who use it. */
static bool take(struct hops *h, struct hop_neighbour *n, const struct hop_address *now)
{
	static const uint8_t none[MAC_LEN];
	bool usable = now->known && (now->nud & NUD_USABLE) && now->mac_len == MAC_LEN &&
		      !(now->mac[0] & 1) && memcmp(now->mac, none, MAC_LEN) != 0;
	bool changed = usable != n->usable || (usable && memcmp(now->mac, n->mac, MAC_LEN) != 0);

	n->usable = usable;
	memcpy(n->mac, now->mac, MAC_LEN);
	/* It is not asked by our packets, as it would be by the kernel's own. */
	if (!now->known || now->nud == NUD_NONE || now->nud & NUD_STALE)
		h->ops->probe(h->user, n->address);
	return changed;
}

static void ask(struct hops *h, struct hop_neighbour *n)
{
	struct hop_address now = { 0 };
	bool changed;

	h->ops->ask(h->user, n->address, &now);
	changed = take(h, n, &now);
	for (struct hop *hop = n->hops; hop; hop = hop->next)
		tell(h, hop, changed);
}

static struct hop_neighbour *add_neighbour(struct hops *h, struct in_addr address)
{
	struct hop_neighbour **bucket = &h->buckets[bucket_of(address)];
	struct hop_neighbour *n = calloc(1, sizeof(*n));

	if (!n)
		return NULL;
	n->address = address;
	n->next = *bucket;
	n->prev = bucket;
	if (n->next)
		n->next->prev = &n->next;
	*bucket = n;
	ask(h, n);
	return n;
}

static void free_neighbour(struct hop_neighbour *n)
{
	*n->prev = n->next;
	if (n->next)
		n->next->prev = n->prev;
	free(n);
}

/* ---- which neighbour ---- */

static void leave(struct hop *hop)
{
	struct hop_neighbour *n = hop->neighbour;

	*hop->prev = hop->next;
	if (hop->next)
		hop->next->prev = hop->prev;
	hop->neighbour = NULL;
	if (n && !n->hops)
		free_neighbour(n);
}

static void join(struct hops *h, struct hop *hop, struct hop_neighbour *n)
{
	struct hop **list = n ? &n->hops : &h->elsewhere;

	hop->neighbour = n;
	hop->next = *list;
	hop->prev = list;
	if (hop->next)
		hop->next->prev = &hop->next;
	*list = hop;
}

/* By the kernel's route of now; without memory it is not through the device. */
static void resolve(struct hops *h, struct hop *hop)
{
	struct in_addr gateway = { 0 }, address;
	struct hop_neighbour *n = NULL;
	unsigned int ifindex = 0;

	if (h->ops->route(h->user, hop->peer, hop->local, &gateway, &ifindex) == 0 &&
		ifindex == h->ifindex) {
		address = gateway.s_addr ? gateway : hop->peer;
		n = find(h, address);
		if (!n)
			n = add_neighbour(h, address);
	}
	if (n == hop->neighbour && n) {
		tell(h, hop, false);
		return;
	}
	leave(hop);
	join(h, hop, n);
	tell(h, hop, true);
}

/* ---- life ---- */

void hops_init(struct hops *h, unsigned int ifindex, bool up, const struct hop_ops *ops, void *user)
{
	*h = (struct hops){ .ifindex = ifindex, .up = up, .ops = ops, .user = user };
}

void hops_done(struct hops *h)
{
	for (size_t i = 0; i < HOP_BUCKETS; i++) {
		while (h->buckets[i])
			free_neighbour(h->buckets[i]);
	}
}

void hops_add(struct hops *h, struct hop *hop, struct in_addr peer, struct in_addr local)
{
	*hop = (struct hop){ .peer = peer, .local = local };
	hop->all_next = h->all;
	hop->all_prev = &h->all;
	if (hop->all_next)
		hop->all_next->all_prev = &hop->all_next;
	h->all = hop;
	join(h, hop, NULL);
	resolve(h, hop);
}

void hops_remove(struct hops *h, struct hop *hop)
{
	if (h->next == hop)
		h->next = hop->all_next;
	*hop->all_prev = hop->all_next;
	if (hop->all_next)
		hop->all_next->all_prev = hop->all_prev;
	leave(hop);
}

/* ---- what happens ---- */

void hops_neighbour(struct hops *h, struct in_addr address, const struct hop_address *now)
{
	struct hop_neighbour *n = find(h, address);

	if (!n || !take(h, n, now))
		return;
	for (struct hop *hop = n->hops; hop; hop = hop->next)
		tell(h, hop, true);
}

void hops_link(struct hops *h, bool up, bool address_changed)
{
	if (up == h->up && !address_changed)
		return;
	h->up = up;
	for (struct hop *hop = h->all; hop; hop = hop->all_next)
		tell(h, hop, address_changed);
}

void hops_routes(struct hops *h)
{
	h->next = h->all;
}

void hops_resync(struct hops *h)
{
	for (size_t i = 0; i < HOP_BUCKETS; i++) {
		for (struct hop_neighbour *n = h->buckets[i]; n; n = n->next)
			ask(h, n);
	}
	hops_routes(h);
}

bool hops_work(struct hops *h)
{
	for (unsigned int i = 0; i < HOP_BATCH && h->next; i++) {
		struct hop *hop = h->next;

		h->next = hop->all_next;
		resolve(h, hop);
	}
	return h->next != NULL;
}
