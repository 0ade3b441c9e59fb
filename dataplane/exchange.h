/*
 * Packets that were born on the wrong worker: put into the owner's ring, taken from the others'. Where
 * the kernel steers by address and Call ID (dp_config.steer, own GRE sockets) there are none.
 *
 * A worker that sleeps is woken once a batch; one that turns finds what waits by itself. Nothing is handed
 * over twice.
 */
#pragma once

#include "dataplane/worker.h"

/* A packet from the inner side, for `to`'s session. Counted: handed over, or dropped. */
void exchange_put_inner(struct worker *w, struct worker *to, const struct inner_packet *in);
/* One from the GRE socket, with its IPv4 header. */
void exchange_put_gre(struct worker *w, struct worker *to, const uint8_t *data, size_t len);
/* At the end of a turn: what was put is for the others to take. */
void exchange_publish(struct worker *w);

/* What others have put, as far as this turn's batches have room. */
void exchange_take(struct worker *w);

/* Before sleeping: must it not be? Until exchange_awake(), who puts something wakes the worker. */
bool exchange_waits(struct worker *w);
void exchange_awake(struct worker *w);
