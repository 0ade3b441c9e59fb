/*
 * Limits of a session's data rate, as they are written: the keys rate-limit-up, rate-limit-down and
 * rate-limit-burst of server, users and client, and the same words in a command for a session that
 * is up. "Up" is from the client to the server, "down" the other way, at either end.
 */
#pragma once

#include "dataplane/bucket.h"

#include <confuse.h>
#include <stdbool.h>

struct rate_limits {
	struct bucket_limit up, down;
};

/* What is to be changed; the rest stays as it is. */
struct rate_change {
	bool has_up, has_down, has_burst;
	uint64_t up, down; /* bit/s; 0: no limit */
	uint64_t burst;    /* octets, both ways; 0: what goes with the rate */
};

void settings_rate_apply(struct rate_limits *limits, const struct rate_change *change);

/* Bits a second: "off" (0), or a whole number of bit/s or with k, M or G (thousands), 8k to 1000G. 0
 * or -EINVAL. */
int settings_rate(const char *text, uint64_t *rate);
/* Octets: "auto" (0), or a whole number or with k or M, 3000 to 1000M. */
int settings_burst(const char *text, uint64_t *burst);
/* What would be right, for errors. */
extern const char settings_rate_right[], settings_burst_right[];

/* The checks of the three keys; `section`: "" or "user|". */
void settings_rate_checks(cfg_t *cfg, const char *section);
/* The three keys' values, checked before; without a default one that is not given changes nothing. */
void settings_rate_read(cfg_t *cfg, struct rate_change *change);
