/*
 * A session's limits in its worker: a bucket for each direction, and what they dropped. Allocated by
 * the control thread with the first limit, the worker's from then on, but for the counters, which
 * any thread may read.
 */
#pragma once

#include "dataplane/bucket.h"

#include <stdatomic.h>

struct limiter_way {
	struct bucket bucket;
	_Atomic uint64_t packets, bytes; /* dropped */
};

struct limiter {
	struct limiter_way send, receive;
};

static inline void limiter_set(struct limiter *l, const struct bucket_limit *send,
	const struct bucket_limit *receive, uint64_t now)
{
	bucket_set(&l->send.bucket, send, now);
	bucket_set(&l->receive.bucket, receive, now);
}

/* One thread writes: no read-modify-write is needed. */
static inline void limiter_add(_Atomic uint64_t *counter, uint64_t n)
{
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n,
		memory_order_relaxed);
}

/* May an inner packet of `octets` pass? If not, it is counted. */
static inline bool limiter_pass(struct limiter_way *way, uint32_t octets, uint64_t now)
{
	if (bucket_take(&way->bucket, octets, now))
		return true;
	limiter_add(&way->packets, 1);
	limiter_add(&way->bytes, octets);
	return false;
}

static inline void limiter_counted(
	const struct limiter_way *way, uint64_t *packets, uint64_t *bytes)
{
	*packets = atomic_load_explicit(&way->packets, memory_order_relaxed);
	*bytes = atomic_load_explicit(&way->bytes, memory_order_relaxed);
}
