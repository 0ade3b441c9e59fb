/*
 * A telephone exchange inside the process, and its lines: a second kind of line (line.h) for tests of everything
 * around a call without a modem. Who dials a number of it hears call progress, then an outcome; if that is to be a
 * connection, the line with that number rings (line_owner_ops.ring), and once it is answered, frames pass between
 * the two ends, raw, at the line's speed, with errors if they are wanted.
 *
 * Sans-I/O: time is `now` in us; exchange_deadline() says when exchange_tick() is due, `wake` that this changed.
 * Bounds: EXCHANGE_CIRCUITS calls, SIM_QUEUE frames of SIM_FRAME bytes in each direction of each. A number has one
 * call at a time: it is busy else.
 */
#pragma once

#include "session/line.h"

#define EXCHANGE_LINES    256
#define EXCHANGE_CIRCUITS 64
#define SIM_QUEUE         64
#define SIM_FRAME         1600

enum sim_outcome {
	SIM_CONNECT,
	SIM_BUSY,
	SIM_NO_CARRIER,
	SIM_NO_DIAL_TONE,
	SIM_TIME_OUT, /* rings until the caller's modem gives up */
	SIM_SILENT,   /* rings until somebody hangs up */
};

struct sim_line_config {
	char name[32];
	char number[65];
	enum sim_outcome outcome;
	uint32_t speed;    /* bits/s, both ways; > 0 */
	uint64_t delay;    /* us from dialling to the outcome */
	uint64_t lifetime; /* us from connection to the loss of the carrier; 0: never lost */
	unsigned int
		damage; /* each so manyth frame arrives damaged at either end, with all kinds of errors by turns; 0:
				none */
	void *data; /* the owner's */
};

struct exchange_ops {
	struct line_owner_ops line; /* ring: a line of the exchange; sim_line_of() says which */
	void (*wake)(void *owner);  /* the deadline has changed; not from inside of it */
};

struct sim_circuit;

struct exchange {
	const struct exchange_ops *ops;
	void *owner;
	struct sim_line_config lines[EXCHANGE_LINES];
	struct sim_circuit *in_use[EXCHANGE_LINES]; /* by line */
	unsigned int line_count;
	struct sim_circuit *circuits;
	unsigned int circuit_count;
	unsigned int depth;                   /* functions of ours on the stack */
	uint64_t dialled, connected, refused; /* calls so far */
};

void exchange_init(struct exchange *x, const struct exchange_ops *ops, void *owner);
/* All lines must have been released. */
void exchange_done(struct exchange *x);

/* 0; -EEXIST (name or number is taken), -ENOSPC, -EINVAL (no number, no speed). */
int exchange_add(struct exchange *x, const struct sim_line_config *config);
/* By number, else NULL. */
const struct sim_line_config *exchange_find(const struct exchange *x, const char *number);
/* A line to dial from, for one call. NULL: all circuits are in use, or out of memory. */
struct line *exchange_outside_line(struct exchange *x);
/* What the last Set-Link-Info asked for; ffffffff, the RFC's default, before. */
void sim_accm(const struct line *l, uint32_t *send, uint32_t *receive);
/* Of a line that rings: which of the exchange's it is. */
const struct sim_line_config *sim_line_of(const struct line *l);

uint64_t exchange_deadline(const struct exchange *x);
void exchange_tick(struct exchange *x, uint64_t now);

/* "connect", "busy", "no-carrier", "no-dial-tone", "time-out", "silent"; -EINVAL for others. */
int sim_outcome_parse(const char *text, enum sim_outcome *out);
