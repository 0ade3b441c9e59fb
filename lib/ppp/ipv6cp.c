/* IPV6CP: see ipv6cp.h. */
#include "lib/ppp/ipv6cp.h"

#include "lib/ppp/frame.h"

#define MAX_MISSING 3
#define MAX_NAKED   5
#define UNIVERSAL   0x02 /* RFC 5072 4.1: "u" bit; 0 in identifiers that nobody assigned */

static const uint8_t zero[IPV6CP_IDENTIFIER];

static struct ipv6cp *ipv6cp_of(struct cp *cp)
{
	return (struct ipv6cp *)(void *)((char *)cp - offsetof(struct ipv6cp, cp));
}

static bool same(const uint8_t *a, const uint8_t *b)
{
	return !memcmp(a, b, IPV6CP_IDENTIFIER);
}

static void set(uint8_t *to, const uint8_t *from)
{
	memcpy(to, from, IPV6CP_IDENTIFIER);
}

static void choose(struct ipv6cp *i, uint8_t *identifier)
{
	i->cp.host->random(i->cp.user, identifier, IPV6CP_IDENTIFIER);
	identifier[0] = (uint8_t)(identifier[0] & ~UNIVERSAL);
	if (same(identifier, zero))
		identifier[IPV6CP_IDENTIFIER - 1] = 1;
}

/* Not ours, not zero, and nobody else's; random numbers do not fail, what may_have() says might. */
static void choose_other(struct ipv6cp *i, uint8_t *identifier)
{
	for (int tries = 0; tries < 4; tries++) {
		choose(i, identifier);
		if (!same(identifier, i->mine) &&
			(!i->config.may_have || i->config.may_have(i->cp.user, identifier)))
			return;
	}
}

static void request(struct cp *cp, struct wire_writer *w)
{
	ppp_option_put(w, IPV6CP_INTERFACE_IDENTIFIER, ipv6cp_of(cp)->mine, IPV6CP_IDENTIFIER);
}

static void begin(struct cp *cp)
{
	struct ipv6cp *i = ipv6cp_of(cp);

	set(i->staged, zero);
	i->listed = false;
}

static void suggest(struct ipv6cp *i, struct ppp_review *review, const struct ppp_option *option)
{
	choose_other(i, i->suggested);
	ppp_review_nak(review, option, i->suggested, IPV6CP_IDENTIFIER);
	if (review->final)
		i->rejected = true;
}

/* RFC 5072 4.1. Ours is never zero, so what is zero or a collision gets a suggestion. */
static void option(struct cp *cp, struct ppp_review *review, const struct ppp_option *option)
{
	struct ipv6cp *i = ipv6cp_of(cp);

	if (option->type != IPV6CP_INTERFACE_IDENTIFIER) {
		ppp_review_reject(review, option);
		return;
	}
	/* Two in one request: the last one counts for neither end alike. */
	if (i->listed) {
		ppp_review_reject(review, option);
		return;
	}
	i->listed = true;
	if (option->len != IPV6CP_IDENTIFIER || same(option->data, zero) ||
		same(option->data, i->mine) ||
		(i->config.may_have && !i->config.may_have(cp->user, option->data))) {
		suggest(i, review, option);
		return;
	}
	set(i->staged, option->data);
}

static void complete(struct cp *cp, struct ppp_review *review)
{
	struct ipv6cp *i = ipv6cp_of(cp);

	if (i->listed && !i->rejected)
		return;
	if (wire_written(&review->reject))
		return;
	if (i->rejected || i->missing++ >= MAX_MISSING) {
		cp_fail(cp, PPTP_NONE, "the peer takes no interface identifier");
		return;
	}
	choose_other(i, i->suggested);
	ppp_option_put(&review->nak, IPV6CP_INTERFACE_IDENTIFIER, i->suggested, IPV6CP_IDENTIFIER);
}

static void accept(struct cp *cp)
{
	struct ipv6cp *i = ipv6cp_of(cp);

	set(i->peer, i->staged);
}

static bool acked(struct cp *cp)
{
	(void)cp;
	return true;
}

/*
 * RFC 5072 4.1: a suggestion that is also our last one to the peer comes from two ends that choose
 * alike: then another is chosen. So it is for zero, which a peer sends that has no suggestion.
 */
static void naked(struct cp *cp, const struct ppp_option *option)
{
	struct ipv6cp *i = ipv6cp_of(cp);

	if (option->type != IPV6CP_INTERFACE_IDENTIFIER)
		return;
	if (++i->naked > MAX_NAKED) {
		cp_fail(cp, PPTP_NONE, "the peer does not take our interface identifier");
		return;
	}
	if (!same(i->config.identifier, zero))
		return;
	if (option->len == IPV6CP_IDENTIFIER && !same(option->data, zero) &&
		!same(option->data, i->suggested) && !same(option->data, i->peer))
		set(i->mine, option->data);
	else
		choose(i, i->mine);
}

/* RFC 5072 4.1 would go on with an identifier of its own; but a peer that never saw it may have it,
 * too. */
static void rejected(struct cp *cp, const struct ppp_option *option)
{
	if (option->type == IPV6CP_INTERFACE_IDENTIFIER)
		cp_fail(cp, PPTP_NONE, "the peer rejects interface identifiers");
}

static const struct cp_protocol protocol = {
	.number = PPP_IPV6CP,
	.name = "IPV6CP",
	.request = request,
	.begin = begin,
	.option = option,
	.complete = complete,
	.accept = accept,
	.acked = acked,
	.naked = naked,
	.rejected = rejected,
};

void ipv6cp_init(struct ipv6cp *i, const struct ipv6cp_config *config, const struct cp_host *host,
	void *user)
{
	memset(i, 0, sizeof(*i));
	i->config = *config;
	cp_init(&i->cp, &protocol, host, user);
}

void ipv6cp_start(struct ipv6cp *i, uint64_t now)
{
	if (!same(i->config.identifier, zero))
		set(i->mine, i->config.identifier);
	else if (same(i->mine, zero))
		choose(i, i->mine); /* kept when it is negotiated again: the device has it */
	set(i->suggested, zero);
	set(i->peer, zero);
	i->missing = i->naked = 0;
	i->rejected = false;
	cp_start(&i->cp, now);
}

void ipv6cp_network(const struct ipv6cp *i, struct ppp_network *net)
{
	bool open = cp_is_open(&i->cp);

	set(net->local_id, open ? i->mine : zero);
	set(net->remote_id, open ? i->peer : zero);
}
