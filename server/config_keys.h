/*
 * The keys of the server's configuration file: their names, defaults, and the check of each single value. What values must
 * fulfil together is config.c's.
 */
#pragma once

#include <confuse.h>
#include <stdbool.h>

/* All keys with their defaults, and what is to be checked when they are set. The caller's, for cfg_free(). */
cfg_t *config_keys(void);

/* Of the key "workers"; 0: auto. False: neither that nor a number from 1 to DP_WORKERS_MAX. */
bool config_workers(const char *text, unsigned int *workers);
