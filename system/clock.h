/* The clock and the random source that the library gets as arguments. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Microseconds on CLOCK_MONOTONIC. */
uint64_t clock_now(void);
/* getrandom(2); never fails (aborts). */
void random_bytes(void *buf, size_t len);
