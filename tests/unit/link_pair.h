/*
 * Two PPP links that talk to each other in virtual time, over a path with delay, loss, duplicates
 * and jitter by seed. GRE's order is kept, as the receiver in lib/gre does; jitter only moves
 * arrivals.
 */
#pragma once

#include "lib/ppp/frame.h"
#include "lib/ppp/link.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define PAIR_QUEUE 512
#define MS         1000ull
#define SECOND     1000000ull

enum { SERVER, CLIENT };

struct pair;

struct pair_end {
	struct pair *pair;
	struct ppp_link *link;
	struct ppp_link_config config;
	uint64_t start;               /* when it starts; frames before are lost */
	bool started, up, over, lazy; /* lazy: the verdict comes `judge_delay` later */
	bool allow_retry;             /* after a wrong password */
	bool tx, rx, up6;
	unsigned int vj[2], vj_begun[2]; /* slots received, sent; how often they began */
	unsigned int ups6, downs6;
	struct mppe_params tx_params, rx_params;
	uint8_t tx_key[16], rx_key[16];
	unsigned int lines; /* of the log, without debug */
	unsigned int ups, downs, rx_switches, resets;
	unsigned int sent[4]; /* LCP, CHAP, CCP, IPCP */
	uint64_t up_at, over_at;
	enum pptp_reason reason;
	char detail[200];
	struct ppp_network net;
	bool acfc, pfc;
	uint16_t peer_mru;
	unsigned int renewals, changes; /* client: the new password held; was changed just now */
};

struct pair_frame {
	uint64_t at;
	uint64_t order;
	int to;
	uint16_t protocol;
	size_t len;
	uint8_t data[1600];
	bool used;
};

struct pair {
	struct pair_end end[2];
	struct pair_frame queue[PAIR_QUEUE];
	uint64_t now, order, last_arrival[2];
	uint64_t delay, jitter, judge_delay;
	uint64_t verdict_at;
	struct ppp_auth_verdict verdict;
	const char *password; /* the right one */
	bool expired;         /* and it has to be changed */
	unsigned int judged, changed;
	char name[PPP_NAME_MAX + 1]; /* in the last request */
	struct ppp_secret renewed;   /* the right one since it was */
	struct ppp_network assign;
	unsigned int loss, dup; /* percent */
	uint64_t seed;
	bool no_account; /* the certificate is nobody's */
	bool no_verdict, broken, trace;
	/* What a test makes of a frame on its way: false drops it. */
	bool (*filter)(struct pair *p, int from, uint16_t protocol, uint8_t *data, size_t *len);
};

static inline uint64_t pair_random(struct pair *p)
{
	p->seed ^= p->seed << 13;
	p->seed ^= p->seed >> 7;
	p->seed ^= p->seed << 17;
	return p->seed;
}

static inline int pair_index(struct pair_end *e)
{
	return (int)(e - e->pair->end);
}

static inline void pair_enqueue(
	struct pair *p, int to, uint16_t protocol, const uint8_t *data, size_t len)
{
	uint64_t at = p->now + p->delay + (p->jitter ? pair_random(p) % p->jitter : 0);

	if (at < p->last_arrival[to])
		at = p->last_arrival[to];
	p->last_arrival[to] = at;
	for (unsigned int i = 0; i < PAIR_QUEUE; i++) {
		struct pair_frame *f = &p->queue[i];

		if (f->used)
			continue;
		assert(len <= sizeof(f->data));
		*f = (struct pair_frame){ .at = at,
			.order = p->order++,
			.to = to,
			.protocol = protocol,
			.len = len,
			.used = true };
		memcpy(f->data, data, len);
		return;
	}
	p->broken = true; /* a storm of frames */
}

static inline void pair_send(void *user, uint16_t protocol, const uint8_t *info, size_t len)
{
	struct pair_end *e = user;
	struct pair *p = e->pair;
	int from = pair_index(e);
	uint8_t copy[1600];
	size_t n = len;

	if (e->over || len > sizeof(copy)) {
		p->broken = true;
		return;
	}
	e->sent[protocol == PPP_LCP ? 0 : protocol == PPP_CHAP ? 1 : protocol == PPP_CCP ? 2 : 3]++;
	memcpy(copy, info, len);
	if (p->trace)
		printf("# %10.3f %s %04x code %u id %u len %zu\n", (double)p->now / 1e3,
			from == SERVER ? "S->C" : "C->S", protocol, info[0], info[1], len);
	if (p->filter && !p->filter(p, from, protocol, copy, &n))
		return;
	if (pair_random(p) % 100 < p->loss)
		return;
	pair_enqueue(p, !from, protocol, copy, n);
	if (pair_random(p) % 100 < p->dup)
		pair_enqueue(p, !from, protocol, copy, n);
}

static inline void pair_get_random(void *user, void *buf, size_t len)
{
	struct pair_end *e = user;
	uint8_t *b = buf;

	for (size_t i = 0; i < len; i++)
		b[i] = (uint8_t)(pair_random(e->pair) >> 24);
}

static inline void pair_framing(void *user, bool acfc, bool pfc, uint16_t peer_mru)
{
	struct pair_end *e = user;

	e->acfc = acfc;
	e->pfc = pfc;
	e->peer_mru = peer_mru;
}

static inline void pair_judge(void *user, const struct ppp_auth_request *request)
{
	struct pair_end *e = user;
	struct pair *p = e->pair;
	struct ppp_secret secret;

	p->judged++;
	memcpy(p->name, request->name, sizeof(p->name));
	if (p->no_verdict)
		return;
	(void)ppp_secret_from_password(&secret, p->password);
	if (p->changed)
		secret = p->renewed;
	if (request->change) {
		p->changed += ppp_auth_check_change(request, &secret, &p->renewed, &p->verdict) ==
			      PASSWORD_GOOD;
	} else {
		if (ppp_auth_check(request, &secret, &p->verdict) && p->expired && !p->changed)
			p->verdict = (struct ppp_auth_verdict){ .error = 648, .change = true };
		if (request->certificate && !p->no_account)
			p->verdict = (struct ppp_auth_verdict){ .ok = true,
				.user = request->certificate->names[0] };
		p->verdict.retry = e->allow_retry;
	}
	if (p->judge_delay)
		p->verdict_at = p->now + p->judge_delay;
	else
		ppp_link_verdict(e->link, &p->verdict, &p->assign, p->now);
}

static inline void pair_new_password(void *user, bool changed)
{
	struct pair_end *e = user;

	e->renewals++;
	e->changes += changed;
}

static inline void pair_tx(void *user, const struct mppe_params *params, const uint8_t start[16])
{
	struct pair_end *e = user;

	e->tx = params != NULL;
	if (params) {
		e->tx_params = *params;
		memcpy(e->tx_key, start, 16);
	}
}

static inline void pair_rx(void *user, const struct mppe_params *params, const uint8_t start[16])
{
	struct pair_end *e = user;

	e->rx = params != NULL;
	e->rx_switches++;
	if (params) {
		e->rx_params = *params;
		memcpy(e->rx_key, start, 16);
	}
}

static inline void pair_reset(void *user)
{
	((struct pair_end *)user)->resets++;
}

static inline void pair_vj(void *user, bool sending, const struct vj_params *params)
{
	struct pair_end *e = user;

	/* Sending goes on and off while no data may pass. */
	if (!e->config.vj || e->over || (sending && e->up))
		e->pair->broken = true;
	e->vj[sending] = params ? params->slots : 0;
	e->vj_begun[sending] += params != NULL;
}

static inline void pair_up(void *user, const struct ppp_network *net)
{
	struct pair_end *e = user;

	if (e->up || e->over)
		e->pair->broken = true;
	e->up = true;
	e->ups++;
	e->up_at = e->pair->now;
	e->net = *net;
	/* Never in clear where encryption is required. */
	if (e->config.mppe.policy == PPP_MPPE_REQUIRE && !(e->tx && e->rx))
		e->pair->broken = true;
}

static inline void pair_down(void *user)
{
	struct pair_end *e = user;

	if (!e->up || e->over)
		e->pair->broken = true;
	e->up = false;
	e->downs++;
}

static inline void pair_up6(void *user, const struct ppp_network *net)
{
	struct pair_end *e = user;

	if (e->up6 || e->over || e->config.ipv6 == PPP_IPV6_OFF ||
		(e->config.ipv6 == PPP_IPV6_ON && !e->up) ||
		(e->config.mppe.policy == PPP_MPPE_REQUIRE && !(e->tx && e->rx)))
		e->pair->broken = true;
	e->up6 = true;
	e->ups6++;
	e->net = *net;
}

static inline void pair_down6(void *user)
{
	struct pair_end *e = user;

	if (!e->up6 || e->over)
		e->pair->broken = true;
	e->up6 = false;
	e->downs6++;
}

static inline void pair_finished(void *user, enum pptp_reason reason, const char *detail)
{
	struct pair_end *e = user;

	if (e->over || e->up || e->up6 || !detail || reason == PPTP_NONE)
		e->pair->broken = true;
	e->over = true;
	e->over_at = e->pair->now;
	e->reason = reason;
	snprintf(e->detail, sizeof(e->detail), "%s", detail);
	if (e->pair->trace)
		printf("# %10.3f %s over: %s (%s)\n", (double)e->pair->now / 1e3,
			pair_index(e) == SERVER ? "S" : "C", pptp_reason_name(reason), detail);
}

__attribute__((format(printf, 3, 0))) static inline void pair_log(
	void *user, enum ppp_log level, const char *format, va_list ap)
{
	struct pair_end *e = user;
	char line[512];

	if (level != PPP_LOG_DEBUG)
		e->lines++;
	vsnprintf(line, sizeof(line), format, ap);
	if (e->pair->trace)
		printf("# %10.3f %s log: %s\n", (double)e->pair->now / 1e3,
			pair_index(e) == SERVER ? "S" : "C", line);
}

static const struct ppp_link_ops pair_ops = {
	.send = pair_send,
	.random = pair_get_random,
	.framing = pair_framing,
	.judge = pair_judge,
	.new_password = pair_new_password,
	.mppe_tx = pair_tx,
	.mppe_rx = pair_rx,
	.mppe_reset = pair_reset,
	.vj = pair_vj,
	.up = pair_up,
	.down = pair_down,
	.up6 = pair_up6,
	.down6 = pair_down6,
	.finished = pair_finished,
	.log = pair_log,
};

static inline struct ppp_link_config pair_config(enum ppp_role role)
{
	return (struct ppp_link_config){
		.role = role,
		.mru = 1400,
		.name = role == PPP_SERVER ? "vpn" : "alice",
		.password = role == PPP_SERVER ? NULL : "wonderland",
		.mppe = { .policy = PPP_MPPE_REQUIRE,
			.strengths = PPP_MPPE_128,
			.allow_stateless = true },
		.want_dns = true,
		.echo_interval = 30 * SECOND,
		.echo_failures = 4,
		.restart_interval = 3 * SECOND,
		.setup_timeout = 60 * SECOND,
	};
}

static inline uint32_t pair_address(uint8_t last)
{
	uint8_t a[4] = { 10, 98, 0, last };
	uint32_t v;

	memcpy(&v, a, sizeof(v));
	return v;
}

static inline void pair_init(struct pair *p, uint64_t seed)
{
	memset(p, 0, sizeof(*p));
	p->seed = seed * 0x9e3779b97f4a7c15ull + 0x1234567;
	for (int i = 0; i < 20; i++)
		pair_random(p);
	p->now = 1000 * SECOND;
	p->delay = 10 * MS;
	p->password = "wonderland";
	p->verdict_at = UINT64_MAX;
	p->assign = (struct ppp_network){
		.local = pair_address(1), .remote = pair_address(100), .dns = { pair_address(53) }
	};
	for (int i = 0; i < 2; i++) {
		p->end[i].pair = p;
		p->end[i].config = pair_config(i == SERVER ? PPP_SERVER : PPP_CLIENT);
		p->end[i].start = p->now;
	}
}

static inline void pair_open(struct pair *p)
{
	for (int i = 0; i < 2; i++) {
		p->end[i].link = ppp_link_new(&p->end[i].config, &pair_ops, &p->end[i]);
		assert(p->end[i].link);
	}
}

static inline void pair_done(struct pair *p)
{
	ppp_link_free(p->end[0].link);
	ppp_link_free(p->end[1].link);
}

static inline struct pair_frame *pair_next_frame(struct pair *p)
{
	struct pair_frame *best = NULL;

	for (unsigned int i = 0; i < PAIR_QUEUE; i++) {
		struct pair_frame *f = &p->queue[i];

		if (f->used && (!best || f->at < best->at ||
				       (f->at == best->at && f->order < best->order)))
			best = f;
	}
	return best;
}

/* No end may wait without a deadline: not before it is up, not in the past after a tick. */
static inline void pair_check(struct pair *p)
{
	for (int i = 0; i < 2; i++) {
		struct pair_end *e = &p->end[i];
		uint64_t deadline = ppp_link_deadline(e->link);

		if (!e->started)
			continue;
		if (!e->over && !e->up && !e->up6 && deadline == UINT64_MAX)
			p->broken = true;
		if (e->over && deadline != UINT64_MAX)
			p->broken = true;
	}
}

static inline uint64_t pair_next(struct pair *p, uint64_t until)
{
	struct pair_frame *f = pair_next_frame(p);
	uint64_t next = until;

	if (f && f->at < next)
		next = f->at;
	if (p->verdict_at < next)
		next = p->verdict_at;
	for (int i = 0; i < 2; i++) {
		struct pair_end *e = &p->end[i];
		uint64_t t = e->started ? ppp_link_deadline(e->link) : e->start;

		if (t < next)
			next = t;
	}
	return next > p->now ? next : p->now;
}

static inline void pair_turn(struct pair *p)
{
	struct pair_frame *f = pair_next_frame(p);

	for (int i = 0; i < 2; i++) {
		struct pair_end *e = &p->end[i];

		if (!e->started && p->now >= e->start) {
			e->started = true;
			ppp_link_start(e->link, p->now);
		}
		if (e->started && p->now >= ppp_link_deadline(e->link))
			ppp_link_tick(e->link, p->now);
		if (e->started && ppp_link_deadline(e->link) <= p->now)
			p->broken = true;
	}
	if (p->now >= p->verdict_at) {
		p->verdict_at = UINT64_MAX;
		ppp_link_verdict(p->end[SERVER].link, &p->verdict, &p->assign, p->now);
	}
	if (f && f->at <= p->now) {
		struct pair_frame in = *f; /* its place may be taken by an answer */

		f->used = false;
		if (p->end[in.to].started)
			ppp_link_receive(p->end[in.to].link, in.protocol, in.data, in.len, p->now);
	}
	pair_check(p);
}

/* Runs for `time` us, or until both ends are up, or over, when `settle` says so. */
static inline void pair_run(struct pair *p, uint64_t time, bool settle)
{
	uint64_t until = p->now + time;

	for (unsigned int turns = 0; !p->broken; turns++) {
		const struct pair_end *s = &p->end[SERVER], *c = &p->end[CLIENT];
		uint64_t next;

		if (turns > 200000) {
			p->broken = true;
			return;
		}
		if (settle && (s->up || s->over) && (c->up || c->over))
			return;
		next = pair_next(p, until);
		if (next >= until && next > p->now) {
			p->now = until;
			return;
		}
		p->now = next;
		pair_turn(p);
	}
}
