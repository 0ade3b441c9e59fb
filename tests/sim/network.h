/*
 * Virtual time and a faulty network between two ends: an event queue ordered by time, a reliable
 * ordered stream each way (TCP, cut into pieces at random), and datagrams (GRE) that are lost,
 * delayed, reordered, doubled, corrupted by seed. Deterministic: the same seed gives the same run.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sim_faults {
	unsigned int loss, duplicate, corrupt; /* per thousand */
	uint32_t delay, jitter;                /* us, one way: delay +- jitter */
	uint32_t outage_at, outage_for;        /* us after data begins: nothing passes; 0 none */
	bool dribble;                          /* TCP arrives in pieces of 1 to 7 octets */
};

enum sim_kind { SIM_STREAM, SIM_DATAGRAM };

struct sim_event {
	struct sim_event *next; /* free list */
	uint64_t time, order;
	uint8_t kind, to;
	bool corrupted;
	uint16_t len;
	uint8_t data[2048];
};

struct sim_network {
	uint64_t now;
	uint64_t random; /* state of the generator */
	struct sim_faults faults;
	uint64_t stream_free[2]; /* when the stream to an end has delivered what was sent before */
	uint64_t outage_from, outage_to;
	uint64_t order;
	struct sim_event **heap;
	size_t count, size;
	struct sim_event *free;
	uint64_t lost, doubled, corrupted, delivered;
	/* A man in the middle sees each datagram, may edit it (up to the size of sim_event.data) and
	 * add others before it by sim_inject(); false: it does not go on. NULL: nobody is there. */
	bool (*middle)(void *user, unsigned int to, uint8_t *data, size_t *len);
	void *middle_user;
};

void sim_network_init(struct sim_network *n, uint64_t seed, const struct sim_faults *faults);
void sim_network_done(struct sim_network *n);

uint64_t sim_random(struct sim_network *n);
/* True with a probability of `permille` in a thousand. */
bool sim_chance(struct sim_network *n, unsigned int permille);

/* A stream with len 0: its end. */
void sim_send(struct sim_network *n, enum sim_kind kind, unsigned int to, const uint8_t *data,
	size_t len);
/* A datagram from nowhere, without faults. */
void sim_inject(struct sim_network *n, unsigned int to, const uint8_t *data, size_t len);
/* The time of the next event, UINT64_MAX none. */
uint64_t sim_next(const struct sim_network *n);
/* Takes the next event; give it back with sim_recycle(). */
struct sim_event *sim_take(struct sim_network *n);
void sim_recycle(struct sim_network *n, struct sim_event *e);
