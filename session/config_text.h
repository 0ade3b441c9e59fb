/*
 * The text of a configuration file, before libConfuse gets it: that library takes an unclosed brace
 * or quote at the end of the file without a word, replaces ${...} from the environment and escapes
 * like \a even in a password or in OFFICE\alice, ends a value at a '#', and counts the lines of
 * comments more than once. Here all of that is an error with its line, and comments become blanks.
 */
#pragma once

#include <stddef.h>

#define CONFIG_TEXT_MAX (64u << 20) /* bytes of a file */

/* Blanks out comments. NULL; or what is wrong, a sentence's end, and the line where (from 1). */
const char *config_text_clean(char *text, size_t len, unsigned int *line);

/* The whole file; allocated, the caller wipes and frees. NULL with *why (SYSTEM_WHY bytes). */
char *config_text_read(const char *path, size_t *len, char *why);
