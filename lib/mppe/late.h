/*
 * Keys of stateless MPPE packets that were skipped: one that comes after all, when its gap has been
 * given up, is opened by the key that was passed on the way to a later one (RFC 3078 8.1), without
 * a walk. Each key opens one packet and is wiped; so is what the next round of keys replaces.
 *
 * A key has its place by its serial number (the count, continued beyond 12 bits): one look finds it.
 * How many: what comes late is at most GRE_HOLD_MAX behind. Of 1, 5 and 10 % of the packets that come 1 to
 * 2048 late, 256 places open 97, 84 and 71 %; 128 94, 70 and 51 %; 512, in twice the memory, 98, 93 and 86 %.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define MPPE_LATE_KEYS 256

struct mppe_late {
	uint32_t serials[MPPE_LATE_KEYS];
	uint8_t keys[MPPE_LATE_KEYS][16];
	uint8_t used[MPPE_LATE_KEYS / 8]; /* bit per place */
};

/* The owner's storage; all zero. */
void mppe_late_done(struct mppe_late *l); /* wipes the keys */
void mppe_late_keep(struct mppe_late *l, uint32_t serial, const uint8_t key[16]);
/* NULL: it is not there. Valid until the next mppe_late_keep(). */
const uint8_t *mppe_late_find(const struct mppe_late *l, uint32_t serial);
/* Wipes the key of `serial`, if it is there. */
void mppe_late_forget(struct mppe_late *l, uint32_t serial);
