/* A simulated telephone exchange: see line_sim.h. */
#include "session/line_sim.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HDLC_OVERHEAD 4 /* a flag, FCS: octets on the line beside the frame's own */
#define ERROR_KINDS   6

enum sim_state { SIM_DIALTONE, SIM_PROGRESS, SIM_RINGING, SIM_TALKING, SIM_OVER };

struct sim_frame {
	uint64_t arrival; /* us */
	uint16_t len;
	uint8_t data[SIM_FRAME];
};

struct sim_end {
	struct line line; /* first */
	struct sim_circuit *circuit;
	bool started;              /* takes frames */
	bool told;                 /* failed or over was said; or nobody has ever had it */
	bool released;             /* nobody has it */
	uint64_t idle;             /* us: what was sent to the far end until now is through then */
	unsigned int first, count; /* of the frames on their way to the far end */
	uint32_t send_accm, receive_accm; /* XOR ffffffff: 0 is RFC 2637's default (2.15) */
	unsigned int arrived;             /* frames from the far end, damaged ones too */
	struct control_wan_error errors;
	struct sim_frame queue[SIM_QUEUE];
};

struct sim_circuit {
	struct sim_circuit *next;
	struct exchange *exchange;
	enum sim_state state;
	int line;          /* index of the line called; -1 none */
	uint64_t deadline; /* us: outcome, or the carrier's loss */
	struct line_call call;
	struct line_connection connection;
	struct sim_end caller, called;
};

static const struct line_ops sim_ops;

static struct sim_end *end_of(struct line *l)
{
	return (struct sim_end *)l;
}

static struct sim_end *far(struct sim_end *e)
{
	return e == &e->circuit->caller ? &e->circuit->called : &e->circuit->caller;
}

void exchange_init(struct exchange *x, const struct exchange_ops *ops, void *owner)
{
	memset(x, 0, sizeof(*x));
	x->ops = ops;
	x->owner = owner;
}

/* Frees what nobody has any more; only when no function of ours may still use it. */
static void sweep(struct exchange *x)
{
	struct sim_circuit **slot = &x->circuits, *c;

	while ((c = *slot)) {
		if (!c->caller.released || !c->called.released) {
			slot = &c->next;
			continue;
		}
		*slot = c->next;
		x->circuit_count--;
		free(c);
	}
}

void exchange_done(struct exchange *x)
{
	sweep(x);
}

static void enter(struct exchange *x)
{
	x->depth++;
}

static void leave(struct exchange *x)
{
	if (--x->depth)
		return;
	sweep(x);
	if (x->ops->wake)
		x->ops->wake(x->owner);
}

static int index_of(const struct exchange *x, const char *number)
{
	for (unsigned int i = 0; i < x->line_count; i++) {
		if (!strcmp(x->lines[i].number, number))
			return (int)i;
	}
	return -1;
}

int exchange_add(struct exchange *x, const struct sim_line_config *config)
{
	if (!config->number[0] || !config->speed)
		return -EINVAL;
	if (x->line_count == EXCHANGE_LINES)
		return -ENOSPC;
	if (index_of(x, config->number) >= 0)
		return -EEXIST;
	for (unsigned int i = 0; i < x->line_count; i++) {
		if (!strcmp(x->lines[i].name, config->name))
			return -EEXIST;
	}
	x->lines[x->line_count++] = *config;
	return 0;
}

const struct sim_line_config *exchange_find(const struct exchange *x, const char *number)
{
	int i = index_of(x, number);

	return i < 0 ? NULL : &x->lines[i];
}

struct line *exchange_outside_line(struct exchange *x)
{
	struct sim_circuit *c = x->circuit_count < EXCHANGE_CIRCUITS ? calloc(1, sizeof(*c)) : NULL;

	if (!c)
		return NULL;
	c->exchange = x;
	c->line = -1;
	c->deadline = UINT64_MAX;
	c->caller.circuit = c->called.circuit = c;
	c->caller.line.ops = c->called.line.ops = &sim_ops;
	c->called.told = c->called.released = true;
	c->next = x->circuits;
	x->circuits = c;
	x->circuit_count++;
	return &c->caller.line;
}

const struct sim_line_config *sim_line_of(const struct line *l)
{
	const struct sim_circuit *c = ((const struct sim_end *)l)->circuit;

	return c->line < 0 ? NULL : &c->exchange->lines[c->line];
}

/* ---- the end */

static void tell_failed(struct sim_end *e, uint8_t result, uint16_t cause)
{
	struct line_failure failure = { .result = result, .cause = cause };

	if (e->told)
		return;
	e->told = true;
	if (e->line.up)
		e->line.up->failed(e->line.user, &failure);
}

static void tell_over(
	struct sim_end *e, enum pptp_reason reason, const char *detail, uint16_t cause)
{
	struct line_end end = { .reason = reason, .detail = detail, .cause = cause };

	if (e->told)
		return;
	e->told = true;
	if (e->line.up) /* else it rings, and its owner, who has made no call of it, hangs up */
		e->line.up->over(e->line.user, &end);
}

/* The line is free again, whatever its ends still have to do. */
static void clear(struct sim_circuit *c)
{
	c->state = SIM_OVER;
	c->deadline = UINT64_MAX;
	c->caller.count = c->called.count = 0;
	if (c->line >= 0 && c->exchange->in_use[c->line] == c)
		c->exchange->in_use[c->line] = NULL;
}

static void fail(struct sim_circuit *c, uint8_t result, uint16_t cause)
{
	c->exchange->refused++;
	clear(c);
	tell_failed(&c->caller, result, cause);
	tell_over(&c->called, PPTP_LOST_CARRIER, "the caller is gone", cause);
}

/* What the caller hears when the line called does not want him. */
static void not_taken(struct sim_circuit *c, enum pptp_reason reason)
{
	switch (reason) {
	case PPTP_CALL_BUSY:
		fail(c, CONTROL_OUTGOING_BUSY, LINE_CAUSE_BUSY);
		break;
	case PPTP_CALL_PROHIBITED:
		fail(c, CONTROL_OUTGOING_BUSY, LINE_CAUSE_REJECTED);
		break;
	case PPTP_CALL_TIME_OUT:
		fail(c, CONTROL_OUTGOING_TIME_OUT, LINE_CAUSE_NO_ANSWER);
		break;
	default:
		fail(c, CONTROL_OUTGOING_NO_CARRIER, LINE_CAUSE_OUT_OF_ORDER);
		break;
	}
}

/* One end is gone: the other hears it. */
static void gone(struct sim_end *e, enum pptp_reason reason)
{
	struct sim_circuit *c = e->circuit;
	struct sim_end *other = far(e);

	if (c->state == SIM_RINGING && e == &c->called) {
		not_taken(c, reason);
		return;
	}
	clear(c);
	tell_over(other, PPTP_LOST_CARRIER, "the far end hung up", LINE_CAUSE_CLEARING);
}

static void sim_hangup(struct line *l, enum pptp_reason reason, const char *detail, uint64_t now)
{
	struct sim_end *e = end_of(l);
	struct exchange *x = e->circuit->exchange;
	bool was_told = e->told;

	(void)now;
	if (was_told)
		return;
	enter(x);
	e->told = true; /* what gone() says is for the other */
	gone(e, reason);
	e->told = false;
	tell_over(e, reason, detail, LINE_CAUSE_CLEARING);
	leave(x);
}

static void sim_release(struct line *l)
{
	struct sim_end *e = end_of(l);
	struct exchange *x = e->circuit->exchange;

	enter(x);
	if (!e->told) { /* no session could be had for it */
		e->told = true;
		gone(e, PPTP_NO_RESOURCES);
	}
	e->released = true;
	e->line.up = NULL;
	leave(x);
}

/* ---- call set-up */

static int sim_dial(struct line *l, const struct line_call *call, struct line_connection *out,
	struct line_failure *failure, uint64_t now)
{
	struct sim_circuit *c = end_of(l)->circuit;
	struct exchange *x = c->exchange;
	int line = index_of(x, call->number);

	(void)out;
	enter(x);
	x->dialled++;
	c->call = *call;
	c->line = line;
	if (line >= 0) {
		c->state = SIM_PROGRESS;
		c->deadline = now + x->lines[line].delay;
	} else {
		x->refused++;
		clear(c);
		c->caller.told = true;
		failure->result = CONTROL_OUTGOING_NO_CARRIER;
		failure->error = CONTROL_ERROR_NONE;
		failure->cause = LINE_CAUSE_UNASSIGNED;
	}
	leave(x);
	return line >= 0 ? 0 : -1;
}

static void ring(struct sim_circuit *c, uint64_t now)
{
	struct exchange *x = c->exchange;

	c->state = SIM_RINGING;
	c->deadline = UINT64_MAX;
	x->in_use[c->line] = c;
	c->call.channel = (uint32_t)c->line + 1;
	c->called.told = c->called.released = false;
	if (x->ops->line.ring)
		x->ops->line.ring(x->owner, &c->called.line, &c->call, now);
	else
		sim_release(&c->called.line);
}

/* Call progress is over. */
static void outcome(struct sim_circuit *c, uint64_t now)
{
	const struct sim_line_config *line = &c->exchange->lines[c->line];

	if (line->outcome == SIM_BUSY ||
		(line->outcome == SIM_CONNECT && c->exchange->in_use[c->line])) {
		fail(c, CONTROL_OUTGOING_BUSY, LINE_CAUSE_BUSY);
		return;
	}
	switch (line->outcome) {
	case SIM_NO_CARRIER:
		fail(c, CONTROL_OUTGOING_NO_CARRIER, LINE_CAUSE_NO_RESPONSE);
		break;
	case SIM_NO_DIAL_TONE:
		fail(c, CONTROL_OUTGOING_NO_DIAL_TONE, LINE_CAUSE_NETWORK);
		break;
	case SIM_TIME_OUT:
		fail(c, CONTROL_OUTGOING_TIME_OUT, LINE_CAUSE_NO_ANSWER);
		break;
	case SIM_SILENT:
		c->deadline = UINT64_MAX;
		break;
	default:
		/* Slower than the caller can use: no modems would agree on that. */
		if (c->call.min_bps > line->speed)
			fail(c, CONTROL_OUTGOING_NO_CARRIER, LINE_CAUSE_NO_CHANNEL);
		else
			ring(c, now);
	}
}

static int sim_answer(struct line *l, struct line_connection *out, uint64_t now)
{
	struct sim_end *e = end_of(l);
	struct sim_circuit *c = e->circuit;
	const struct sim_line_config *line = &c->exchange->lines[c->line];
	uint32_t speed = line->speed;
	bool talking;

	if (c->state != SIM_RINGING)
		return -1;
	enter(c->exchange);
	if (c->call.max_bps && c->call.max_bps < speed)
		speed = c->call.max_bps;
	c->connection.speed = speed;
	c->connection.channel = c->call.channel;
	c->connection.framing = c->call.framing & CONTROL_FRAMING_SYNC ? CONTROL_FRAMING_SYNC
								       : CONTROL_FRAMING_ASYNC;
	c->state = SIM_TALKING;
	c->deadline = line->lifetime ? now + line->lifetime : UINT64_MAX;
	c->exchange->connected++;
	*out = c->connection;
	e->told = true; /* the caller may hang up at once: then this is what is told, not `over` */
	c->caller.line.up->connected(c->caller.line.user, &c->connection);
	talking = c->state == SIM_TALKING;
	if (talking)
		e->told = false;
	leave(c->exchange);
	return talking ? 1 : -1;
}

/* Kept to be looked at: inside of this process nothing needs escapes. */
static void sim_link_info(struct line *l, uint32_t send_accm, uint32_t receive_accm)
{
	end_of(l)->send_accm = ~send_accm;
	end_of(l)->receive_accm = ~receive_accm;
}

void sim_accm(const struct line *l, uint32_t *send, uint32_t *receive)
{
	const struct sim_end *e = (const struct sim_end *)l;

	*send = ~e->send_accm;
	*receive = ~e->receive_accm;
}

/* ---- frames */

static void sim_start(struct line *l, const struct line_path *path, uint64_t now)
{
	(void)path;
	(void)now;
	enter(end_of(l)->circuit->exchange);
	end_of(l)->started = true;
	leave(end_of(l)->circuit->exchange);
}

static void report_errors(struct sim_end *e)
{
	if (!e->told)
		e->line.up->errors(e->line.user, &e->errors);
}

/* Into the line towards the far end, which gets it when its last bit has come. */
static void sim_frame(
	struct line *l, uint16_t protocol, const uint8_t *data, size_t len, uint64_t now)
{
	struct sim_end *e = end_of(l);
	struct sim_circuit *c = e->circuit;
	struct sim_frame *f;

	(void)protocol;
	if (c->state != SIM_TALKING || len == 0)
		return;
	enter(c->exchange);
	if (e->count == SIM_QUEUE || len > SIM_FRAME) {
		e->errors.buffer++;
		report_errors(e);
	} else {
		f = &e->queue[(e->first + e->count++) % SIM_QUEUE];
		if (e->idle < now)
			e->idle = now;
		e->idle += (len + HDLC_OVERHEAD) * 8 * 1000000 / c->connection.speed;
		f->arrival = e->idle;
		f->len = (uint16_t)len;
		memcpy(f->data, data, len);
	}
	leave(c->exchange);
}

/* One of the six, by turns. */
static void count_error(struct sim_end *e)
{
	uint32_t *kinds[ERROR_KINDS] = { &e->errors.crc, &e->errors.framing, &e->errors.hardware,
		&e->errors.buffer, &e->errors.time_out, &e->errors.alignment };
	unsigned int damage = e->circuit->exchange->lines[e->circuit->line].damage;

	(*kinds[(e->arrived / damage - 1) % ERROR_KINDS])++;
}

/* A frame from `from` is at the far end. */
static void arrive(struct sim_end *from, struct sim_frame *f)
{
	struct sim_end *to = far(from);
	unsigned int damage = to->circuit->exchange->lines[to->circuit->line].damage;

	to->arrived++;
	if (damage && to->arrived % damage == 0) {
		count_error(to);
		report_errors(to);
	} else if (!to->told) {
		to->line.up->frame(to->line.user, 0, f->data, f->len);
	}
}

static void deliver(struct sim_end *from, uint64_t now)
{
	while (from->count && far(from)->started && from->circuit->state == SIM_TALKING) {
		struct sim_frame *f = &from->queue[from->first];

		if (f->arrival > now)
			return;
		arrive(from, f);
		if (!from->count) /* the circuit was cleared by it */
			return;
		from->first = (from->first + 1) % SIM_QUEUE;
		from->count--;
	}
}

/* ---- time */

static uint64_t next_arrival(struct sim_end *from)
{
	return from->count && far(from)->started ? from->queue[from->first].arrival : UINT64_MAX;
}

uint64_t exchange_deadline(const struct exchange *x)
{
	uint64_t deadline = UINT64_MAX;

	for (struct sim_circuit *c = x->circuits; c; c = c->next) {
		uint64_t at[] = { c->deadline, next_arrival(&c->caller), next_arrival(&c->called) };

		for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
			if (at[i] < deadline)
				deadline = at[i];
		}
	}
	return deadline;
}

static void circuit_tick(struct sim_circuit *c, uint64_t now)
{
	deliver(&c->caller, now);
	deliver(&c->called, now);
	if (now < c->deadline)
		return;
	if (c->state == SIM_PROGRESS) {
		outcome(c, now);
	} else if (c->state == SIM_TALKING) {
		clear(c);
		tell_over(
			&c->caller, PPTP_LOST_CARRIER, "the carrier was lost", LINE_CAUSE_NETWORK);
		tell_over(
			&c->called, PPTP_LOST_CARRIER, "the carrier was lost", LINE_CAUSE_NETWORK);
	}
}

void exchange_tick(struct exchange *x, uint64_t now)
{
	enter(x);
	/* New ones go to the list's head, none is freed meanwhile. */
	for (struct sim_circuit *c = x->circuits; c; c = c->next)
		circuit_tick(c, now);
	leave(x);
}

static const struct line_ops sim_ops = {
	.kind = "simulated",
	.raw = true,
	.dial = sim_dial,
	.answer = sim_answer,
	.start = sim_start,
	.frame = sim_frame,
	.link_info = sim_link_info,
	.hangup = sim_hangup,
	.lost = sim_hangup,
	.release = sim_release,
};

int sim_outcome_parse(const char *text, enum sim_outcome *out)
{
	static const char *const names[] = { [SIM_CONNECT] = "connect",
		[SIM_BUSY] = "busy",
		[SIM_NO_CARRIER] = "no-carrier",
		[SIM_NO_DIAL_TONE] = "no-dial-tone",
		[SIM_TIME_OUT] = "time-out",
		[SIM_SILENT] = "silent" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!strcmp(names[i], text)) {
			*out = (enum sim_outcome)i;
			return 0;
		}
	}
	return -EINVAL;
}
