/* Keys about calls and flow control that server and client have in common: see settings.h for the rules. */
#pragma once

#include "lib/gre/sender.h"

#include <confuse.h>
#include <stdint.h>

/* 0, or -EINVAL. */
int settings_flow(const char *text, enum gre_flow *flow);  /* advisory, strict, off */
int settings_bearer(const char *text, uint32_t *bearer);   /* any, analog, digital */
int settings_framing(const char *text, uint32_t *framing); /* any, async, sync */

/* Checks for cfg_set_validate_func(). */
int settings_check_flow(cfg_t *cfg, cfg_opt_t *opt);
int settings_check_bearer(cfg_t *cfg, cfg_opt_t *opt);
int settings_check_framing(cfg_t *cfg, cfg_opt_t *opt);
int settings_check_number(
	cfg_t *cfg, cfg_opt_t *opt); /* a number or subaddress: at most 64 octets */
int settings_check_speed(cfg_t *cfg, cfg_opt_t *opt);    /* bits/s: 1 to 2000000000 */
int settings_check_delay(cfg_t *cfg, cfg_opt_t *opt);    /* tenths of a second: 0 to 65535 */
int settings_check_channels(cfg_t *cfg, cfg_opt_t *opt); /* 0 to 65535 */
