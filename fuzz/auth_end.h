/*
 * Two ends of a protocol of authentication, which are alone with any packets or face each other:
 * their packets, verdicts at any time, and what holds for all of them. At most one success, then at
 * most one failure; after silence nothing waits, and each has one or the other.
 */
#pragma once

#include "lib/ppp/chap.h"
#include "lib/ppp/eap.h"

#include "fuzz/fuzz.h"

#define AUTH_END_PACKET (EAP_PACKET_MAX > CHAP_PACKET_MAX ? EAP_PACKET_MAX : CHAP_PACKET_MAX)
#define AUTH_END_BODY   600 /* of a packet that is made up, at most */

struct auth_end {
	union {
		struct chap chap;
		struct eap eap;
	};
	struct fuzz *f;
	bool judging; /* asked, and no verdict yet */
	bool let_in;  /* a verdict was good, where the target keeps that */
	unsigned int succeeded, failed;
	struct ppp_auth_request request;
	uint8_t last[AUTH_END_PACKET]; /* what it sent last */
	size_t last_len;
};

struct auth_protocol {
	void (*receive)(struct auth_end *e, const uint8_t *packet, size_t len);
	void (*tick)(struct auth_end *e);
	void (*verdict)(struct auth_end *e, const struct ppp_auth_verdict *verdict);
	void (*done)(struct auth_end *e);
	uint64_t (*deadline)(const struct auth_end *e);
	size_t (*largest)(const struct auth_end *e); /* packet that it may send */
	bool (*lives)(const struct auth_end *e);     /* not done */
};

struct auth_target {
	const struct auth_protocol *protocol;
	/* One of the turns 0 to 3 and 7, (what >> 1 & 7), in which `e` is; the others are time and
	 * verdicts. */
	void (*turn)(struct auth_end *e, unsigned int what);
	struct ppp_auth_verdict (*judge)(struct auth_end *e, uint8_t how);
	void (*check)(const struct auth_end *e);
};

static struct auth_end ends[2]; /* by enum chap_role */
static const struct auth_target *target;
static struct ppp_secret right, wrong;
static bool knows; /* the peer knows the password */

static inline void auth_end_begin(const struct auth_target *t, struct fuzz *f, bool peer_knows)
{
	memset(ends, 0, sizeof(ends));
	ends[0].f = ends[1].f = f;
	target = t;
	knows = peer_knows;
	FUZZ_CHECK(!ppp_secret_from_password(&right, "right"));
	FUZZ_CHECK(!ppp_secret_from_password(&wrong, "wrong"));
}

/* For struct chap_ops; `judge` and `done` are called by the targets' own. */

static inline void auth_end_send(void *user, const uint8_t *packet, size_t len)
{
	struct auth_end *e = user;

	FUZZ_CHECK(len >= 4 && len <= sizeof(e->last) && len <= target->protocol->largest(e));
	FUZZ_CHECK((size_t)(packet[2] << 8 | packet[3]) == len);
	memcpy(e->last, packet, len);
	e->last_len = len;
}

static inline void auth_end_random(void *user, void *buf, size_t len)
{
	fuzz_random(((struct auth_end *)user)->f, buf, len);
}

static inline void auth_end_judge(struct auth_end *e, const struct ppp_auth_request *request)
{
	FUZZ_CHECK(!e->judging && memchr(request->name, 0, sizeof(request->name)));
	e->request = *request;
	e->judging = true;
}

static inline void auth_end_done(
	struct auth_end *e, bool ok, enum pptp_reason reason, const char *detail)
{
	FUZZ_CHECK(detail && strlen(detail) < 400 && !e->failed && !(ok && e->succeeded));
	FUZZ_CHECK(ok == (reason == PPTP_NONE));
	e->succeeded += ok;
	e->failed += !ok;
}

static inline void auth_end_notice(void *user, const char *text)
{
	(void)user;
	for (; *text; text++)
		FUZZ_CHECK(*text >= 0x20 && *text < 0x7f);
}

static inline void auth_end_receive(struct auth_end *e, const uint8_t *packet, size_t len)
{
	uint8_t *copy = fuzz_copy(packet, len);

	target->protocol->receive(e, copy, len);
	free(copy);
}

/* A packet as it comes. */
static inline void auth_end_receive_block(struct auth_end *e)
{
	size_t len;
	uint8_t *block = fuzz_block(e->f, &len);

	auth_end_receive(e, block, len);
	free(block);
}

/* What the other end sent last reaches `e`, perhaps with an octet changed. */
static inline void auth_end_deliver(struct auth_end *e, bool whole)
{
	struct auth_end *from = &ends[e == &ends[0]];
	size_t at = whole ? sizeof(from->last) : fuzz_u8(e->f);

	if (!from->last_len)
		return;
	if (at < from->last_len)
		from->last[at] ^= fuzz_u8(e->f);
	auth_end_receive(e, from->last, from->last_len);
}

/* For `judge` of a target: by the right password, or no, whatever it was. */
static inline struct ppp_auth_verdict auth_end_by_password(struct auth_end *e, uint8_t how)
{
	struct ppp_auth_verdict verdict = { 0 };

	if (how & 1) {
		(void)ppp_auth_check(&e->request, &right, &verdict);
		FUZZ_CHECK(knows || !verdict.ok);
		if (how & 2)
			verdict.retry = false;
	} else {
		verdict.error = fuzz_u16(e->f);
		verdict.retry = how & 2;
		snprintf(verdict.message, sizeof(verdict.message), "%s", how & 4 ? "E=0 no" : "");
	}
	return verdict;
}

/* A verdict that nobody waits for is ignored, also a good one. */
static inline void auth_end_verdict(struct auth_end *e)
{
	uint8_t how = fuzz_u8(e->f);
	struct ppp_auth_verdict verdict = { .ok = how & 1 };

	if (e->judging)
		verdict = target->judge(e, how);
	e->judging = false;
	target->protocol->verdict(e, &verdict);
}

static inline void auth_end_step(struct fuzz *f)
{
	unsigned int what = fuzz_u8(f);
	struct auth_end *e = &ends[what & 1];

	switch (what >> 1 & 7) {
	case 4:
		auth_end_verdict(&ends[CHAP_AUTHENTICATOR]);
		break;
	case 5:
		fuzz_pass(f);
		target->protocol->tick(e);
		break;
	case 6:
		fuzz_pass_to(f, target->protocol->deadline(e));
		target->protocol->tick(e);
		break;
	default:
		target->turn(e, what);
		break;
	}
	target->check(&ends[0]);
	target->check(&ends[1]);
}

/* All that the input has in it, and then silence. */
static inline void auth_end_run(struct fuzz *f)
{
	const struct auth_protocol *p = target->protocol;

	while (fuzz_more(f))
		auth_end_step(f);
	for (int i = 0; i < 2; i++) {
		struct auth_end *e = &ends[i];

		for (unsigned int n = 0; p->deadline(e) != UINT64_MAX && n < 100; n++) {
			fuzz_pass_to(f, p->deadline(e));
			p->tick(e);
		}
		FUZZ_CHECK(!p->lives(e) || p->deadline(e) == UINT64_MAX);
		FUZZ_CHECK(!p->lives(e) || e->succeeded || e->failed);
		p->done(e);
	}
}
