/* For tests that need what a cipher's batch does to its owners' keys, and not the data. */
#pragma once

#include "lib/mppe/key_chain.h"

/* Empties it without the work. */
static inline void batch_forget(struct rc4_batch *batch)
{
	for (unsigned int i = 0; i < batch->chain_count; i++)
		batch->chains[i]->jobs = 0;
	batch->chain_count = 0;
	batch->count = 0;
}
