/*
 * How many sessions say good-bye at a time when a server stops. Of too many at once the packets are lost in
 * socket buffers, and LCP says it again after 3 s only; of too few not all have been told when the time is
 * over. Pure.
 */
#pragma once

#include <stdint.h>

#define FAREWELL_BURST 512 /* that end at once */
/* So many more in a tick do, so that peers that are gone do not hold up the others. */
#define FAREWELL_LEAST 64

/*
 * Of `waiting` sessions, while `ending` others have not ended yet: so many are to be told now. With a call in
 * each tick all have been told when `ticks` are over (0: now), whatever becomes of those that end.
 */
unsigned int farewell_share(unsigned int waiting, unsigned int ending, uint64_t ticks);
