/* "Did you mean": the nearest of a list of words. */
#pragma once

#include <stddef.h>

/* The word of `words` (n of them) that `word` was probably meant to be, or NULL if none is near. */
const char *suggest(const char *word, const char *const *words, size_t n);
