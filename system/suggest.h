/* "Did you mean": the nearest of a list of words. */
#pragma once

#include <stddef.h>

/* The word of `words` (n of them) that `word` was probably meant to be, or NULL if none is near. */
const char *suggest(const char *word, const char *const *words, size_t n);

/* Says on standard error that `program` ("greyline ctl") has no command `word`, and which of `words` was meant, or else where
 * they are told (`help`). */
void suggest_command(const char *program, const char *help, const char *word,
	const char *const *words, size_t n);
