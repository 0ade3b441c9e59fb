/* The clock and the random source. Both fail only where nothing could go on: then the process ends.
 */
#include "system/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

uint64_t clock_now(void)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_MONOTONIC, &ts) < 0)
		abort();
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

void random_bytes(void *buf, size_t len)
{
	unsigned char *pos = buf;

	while (len > 0) {
		ssize_t n = getrandom(pos, len, 0);

		if (n < 0 && errno == EINTR)
			continue;
		/* Challenges and Call IDs that can be guessed are worse than no service. */
		if (n <= 0)
			abort();
		pos += n;
		len -= (size_t)n;
	}
}
