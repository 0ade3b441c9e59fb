/*
 * One control protocol of PPP whose peer is the input: packets of any kind, replies that fit the
 * last request, time, the owner's calls. Checks what holds for all of them.
 */
#pragma once

#include "lib/ppp/cp.h"

#include "fuzz/fuzz.h"

struct cp_end {
	struct fuzz f;
	struct cp *cp;
	bool up;
	uint8_t request[CP_PACKET_MAX]; /* the last Configure-Request that was sent */
	size_t request_len;
	uint8_t last_id; /* of the last packet that was sent */
	unsigned int sent;
	void (*event)(struct cp_end *e, enum cp_event event); /* the target's; may be NULL */
	void (*receive)(struct cp_end *e, const uint8_t *packet, size_t len);
	void (*tick)(struct cp_end *e);
	uint64_t (*deadline)(const struct cp_end *e);
};

static inline void cp_end_send(void *user, uint16_t protocol, const uint8_t *packet, size_t len)
{
	struct cp_end *e = user;
	uint8_t *copy = fuzz_copy(packet, len);

	FUZZ_CHECK(protocol == e->cp->protocol->number);
	FUZZ_CHECK(len >= CP_HEADER && len <= e->cp->limit && len <= CP_PACKET_MAX);
	FUZZ_CHECK((size_t)(copy[2] << 8 | copy[3]) == len);
	if (copy[0] == CP_CONFIGURE_REQUEST) {
		memcpy(e->request, copy, len);
		e->request_len = len;
	}
	e->last_id = copy[1];
	e->sent++;
	free(copy);
}

static inline void cp_end_random(void *user, void *buf, size_t len)
{
	fuzz_random(&((struct cp_end *)user)->f, buf, len);
}

static inline void cp_end_event(void *user, struct cp *cp, enum cp_event event)
{
	struct cp_end *e = user;

	FUZZ_CHECK(cp == e->cp && cp->words);
	if (event == CP_UP) {
		FUZZ_CHECK(!e->up);
		e->up = true;
	} else if (event == CP_DOWN) {
		FUZZ_CHECK(e->up);
		e->up = false;
	}
	if (e->event)
		e->event(e, event);
}

static inline void cp_end_rejected(void *user, uint16_t protocol)
{
	(void)user;
	(void)protocol;
}

__attribute__((format(printf, 3, 0))) static inline void cp_end_log(
	void *user, enum ppp_log level, const char *format, va_list ap)
{
	char line[512];

	(void)user;
	(void)level;
	vsnprintf(line, sizeof(line), format, ap);
}

static const struct cp_host cp_end_host = {
	.send = cp_end_send,
	.random = cp_end_random,
	.event = cp_end_event,
	.protocol_rejected = cp_end_rejected,
	.log = cp_end_log,
};

static inline void cp_end_check(const struct cp_end *e)
{
	enum automaton_state state = e->cp->automaton.state;
	bool waits = state >= PPP_CLOSING && state <= PPP_ACK_SENT;

	FUZZ_CHECK(e->up == (state == PPP_OPENED));
	FUZZ_CHECK(e->cp->failed || !waits || e->deadline(e) != UINT64_MAX);
}

/* A packet with a correct header. */
static inline void cp_end_packet(
	struct cp_end *e, uint8_t code, uint8_t id, const uint8_t *body, size_t len)
{
	uint8_t *packet = malloc(len + CP_HEADER);
	struct wire_writer w = wire_writer(packet, len + CP_HEADER);

	FUZZ_CHECK(packet);
	wire_put_u8(&w, code);
	wire_put_u8(&w, id);
	wire_put_u16(&w, (uint16_t)(len + CP_HEADER));
	wire_put_bytes(&w, body, len);
	e->receive(e, packet, len + CP_HEADER);
	free(packet);
}

/* The last request comes back as Ack, Nak or Reject; all of it or a part. */
static inline void cp_end_reply(struct cp_end *e)
{
	uint8_t code = (uint8_t)(CP_CONFIGURE_ACK + fuzz_below(&e->f, 3));
	size_t len = e->request_len, from = fuzz_u8(&e->f), cut = fuzz_u8(&e->f);

	if (len < CP_HEADER)
		return;
	len -= CP_HEADER;
	from = from < len ? from : 0;
	cut = cut < len - from ? cut : 0;
	cp_end_packet(e, code, e->request[1], e->request + CP_HEADER + from, len - from - cut);
}

static inline void cp_end_any(struct cp_end *e, bool headed)
{
	size_t len;
	uint8_t code = fuzz_u8(&e->f), id = fuzz_u8(&e->f);
	uint8_t *block = fuzz_block(&e->f, &len);

	if (headed)
		cp_end_packet(e, code & 15, id == 0xff ? e->last_id : id, block, len);
	else
		e->receive(e, block, len);
	free(block);
}

static inline void cp_end_step(struct cp_end *e)
{
	switch (fuzz_below(&e->f, 12)) {
	case 0:
		cp_end_any(e, false);
		break;
	case 1:
	case 2:
	case 3:
		cp_end_any(e, true);
		break;
	case 4:
	case 5:
		cp_end_reply(e);
		break;
	case 6:
		if (e->request_len) /* a peer that says what we say */
			cp_end_packet(e, CP_CONFIGURE_REQUEST, fuzz_u8(&e->f),
				e->request + CP_HEADER, e->request_len - CP_HEADER);
		break;
	case 7:
		fuzz_pass(&e->f);
		e->tick(e);
		break;
	case 8:
		fuzz_pass_to(&e->f, e->deadline(e));
		e->tick(e);
		break;
	case 9:
		cp_restart(e->cp, e->f.now);
		break;
	case 10:
		cp_protocol_rejected(e->cp, e->f.now);
		break;
	case 11:
		e->cp->limit = (uint16_t)(128 + fuzz_u8(&e->f) * 4);
		break;
	}
	cp_end_check(e);
}

/* Silence after Close: it ends, in bounded time. */
static inline void cp_end_finish(struct cp_end *e)
{
	cp_close(e->cp, "the end", e->f.now);
	for (unsigned int turns = 0; e->cp->automaton.deadline != UINT64_MAX; turns++) {
		FUZZ_CHECK(turns < 100);
		fuzz_pass_to(&e->f, e->cp->automaton.deadline);
		cp_tick(e->cp, e->f.now);
		cp_end_check(e);
	}
	FUZZ_CHECK(!e->up);
	cp_down(e->cp, e->f.now);
}
