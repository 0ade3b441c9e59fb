/*
 * Lines that strangers can cause: a flood must not fill the disk, nor hide what else is said. Of
 * each kind so many pass in a period; the rest are counted and told in one line. Pure: no clock.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define LOG_LIMIT_PERIOD 10000000ull /* us */

struct log_limit {
	uint64_t since; /* begin of the period under way, us */
	unsigned int said, held;
};

/* May one more be said? If not, it is counted. Up to `burst` in a period. */
bool log_limit_pass(struct log_limit *l, unsigned int burst, uint64_t now);

/* How many were held back in a period that is over; 0 none (or it is not over). They are forgotten
 * by it: the caller says so. */
unsigned int log_limit_held(struct log_limit *l, uint64_t now);
