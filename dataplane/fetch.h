/*
 * Where there are many sessions, the memory of each packet's is waited for once for the batch, not one
 * after the other. Only a guess at what the headers say, which are judged later.
 */
#pragma once

#include "dataplane/worker.h"

/* From so many sessions on they do not fit the nearer caches: below, nothing is done. */
#define FETCH_SESSIONS 64

/* The sessions of the first n packets in w->rx. */
void fetch_senders(const struct worker *w, unsigned int n);
/* Those that what is in w->inner's batch is for. */
void fetch_receivers(const struct worker *w);
