/* Keys of the limits: what they are, what they may be, and why they have their defaults. */
#pragma once

#include "server/limits.h"

#include <confuse.h>

/*
 * The defaults bound what strangers can take to what any machine has, and are meant not to hurt a
 * gateway with hundreds of good users behind one address, who may all come back in the same second
 * after a power failure: each is half-open for a round trip, pending and unauthenticated for a
 * second or two. 512 half-open ones of one address is that many in a third of a second. 2000 starts
 * a minute may come at once, and 33 more each second. Sixty wrong passwords a minute from one
 * address are more than a thousand careless users have; for who guesses passwords it is little. In
 * all there is no need to be narrow: where a class is full, somebody else goes (limits.h).
 */
#define CONFIG_LIMITS_KEYS                                                                         \
	CFG_INT("max-sessions", 60000, CFGF_NONE),                                                 \
		CFG_INT("max-sessions-per-address", 1024, CFGF_NONE),                              \
		CFG_INT("max-connections", 61000, CFGF_NONE),                                      \
		CFG_INT("max-connections-per-address", 1024, CFGF_NONE),                           \
		CFG_INT("max-half-open", 4096, CFGF_NONE),                                         \
		CFG_INT("max-half-open-per-address", 512, CFGF_NONE),                              \
		CFG_INT("max-pending", 16384, CFGF_NONE),                                          \
		CFG_INT("max-pending-per-address", 1024, CFGF_NONE),                               \
		CFG_INT("max-unauthenticated-calls", 16384, CFGF_NONE),                            \
		CFG_INT("max-unauthenticated-calls-per-address", 1024, CFGF_NONE),                 \
		CFG_STR("start-rate", "5000/s", CFGF_NONE),                                        \
		CFG_STR("start-rate-per-address", "2000/min", CFGF_NONE),                          \
		CFG_STR("auth-failure-rate-per-address", "60/min", CFGF_NONE),                     \
		CFG_INT("backlog", 4096, CFGF_NONE), CFG_INT("start-timeout", 10, CFGF_NONE),      \
		CFG_INT("reply-timeout", 60, CFGF_NONE),                                           \
		CFG_INT("control-echo-interval", 60, CFGF_NONE),                                   \
		CFG_INT("idle-timeout", 60, CFGF_NONE)

/* Sets the checks of all these keys. */
void config_limits_checks(cfg_t *cfg);
/* The values, after they have been checked. */
void config_limits_apply(cfg_t *cfg, struct limits_config *limits);
