/*
 * Errors of libConfuse as sentences, with the place and what would be right. Its error function has no argument of the
 * caller's, so the first error of a parse is kept here.
 */
#pragma once

#include <confuse.h>
#include <stddef.h>

/* A parse into `cfg` begins: of the argument of `option` ("--listen"), which stays valid, or (NULL) of a file. */
void settings_error_begin(cfg_t *cfg, const char *option);

/* Its first error since then, of SYSTEM_WHY bytes at most; "" if there was none. */
const char *settings_error_first(void);

/* `cfg` has no such key: says so, with the key that was probably meant. */
void settings_error_unknown(char *out, size_t size, cfg_t *cfg, const char *key);
