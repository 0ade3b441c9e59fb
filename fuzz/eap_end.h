/*
 * Two ends of EAP (auth_end.h): its machine, packets that may be in turn, and what holds for all of
 * its methods: each state that waits has a deadline, and only such a one; each packet fits.
 */
#pragma once

#include "fuzz/auth_end.h"

static inline void eap_end_receive(struct auth_end *e, const uint8_t *packet, size_t len)
{
	eap_receive(&e->eap, packet, len, e->f->now);
}

static inline void eap_end_tick(struct auth_end *e)
{
	eap_tick(&e->eap, e->f->now);
}

static inline void eap_end_verdict(struct auth_end *e, const struct ppp_auth_verdict *verdict)
{
	eap_verdict(&e->eap, verdict, e->f->now);
}

static inline void eap_end_done(struct auth_end *e)
{
	eap_done(&e->eap);
	e->judging = false;
}

static inline uint64_t eap_end_deadline(const struct auth_end *e)
{
	return e->eap.deadline;
}

static inline size_t eap_end_largest(const struct auth_end *e)
{
	return e->eap.mtu;
}

static inline bool eap_end_lives(const struct auth_end *e)
{
	return e->eap.ops != NULL;
}

static const struct auth_protocol eap_protocol = {
	.receive = eap_end_receive,
	.tick = eap_end_tick,
	.verdict = eap_end_verdict,
	.done = eap_end_done,
	.deadline = eap_end_deadline,
	.largest = eap_end_largest,
	.lives = eap_end_lives,
};

static inline void eap_end_check(const struct auth_end *e)
{
	const struct eap *p = &e->eap;
	bool waits = p->state == EAP_IDENTIFY || p->state == EAP_RUNNING ||
		     p->state == EAP_JUDGING || p->state == EAP_WAITING;

	FUZZ_CHECK((p->ops && waits) == (p->deadline != UINT64_MAX));
	FUZZ_CHECK(!p->active || waits);
	FUZZ_CHECK(e->judging == (p->ops && p->state == EAP_JUDGING));
	FUZZ_CHECK(p->rounds <= EAP_ROUNDS + 1);
}

/* The header of a packet of this type, whose identifier may be the one in turn. */
static inline struct wire_writer eap_end_begin(
	struct auth_end *e, uint8_t *packet, size_t size, uint8_t code, uint8_t type)
{
	struct wire_writer w = wire_writer(packet, size);
	uint8_t id = fuzz_u8(e->f);

	wire_put_u8(&w, code);
	wire_put_u8(&w, id & 0x80 ? (uint8_t)(e->eap.identifier + (id & 1)) : id);
	wire_put_u16(&w, 0);
	wire_put_u8(&w, type);
	return w;
}

static inline void eap_end_finish(struct auth_end *e, struct wire_writer *w)
{
	wire_patch_u16(w, 2, (uint16_t)wire_written(w));
	FUZZ_CHECK(!w->failed);
	auth_end_receive(e, w->start, wire_written(w));
}

/* Anything behind a correct header; of `code` the lower bits are the code, those above the type. */
static inline void eap_end_receive_any(struct auth_end *e, uint8_t code, const uint8_t types[8])
{
	uint8_t packet[5 + AUTH_END_BODY];
	struct wire_writer w =
		eap_end_begin(e, packet, sizeof(packet), code & 7, types[code >> 3 & 7]);
	size_t len;
	uint8_t *body = fuzz_block(e->f, &len);

	wire_put_bytes(&w, body, len < AUTH_END_BODY ? len : AUTH_END_BODY);
	eap_end_finish(e, &w);
	free(body);
}
