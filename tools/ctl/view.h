/*
 * JSON answers for people: an array of objects as an aligned table, an object as "key: value"
 * lines. Strings may come from peers (user names): control characters are escaped.
 */
#pragma once

#include <jansson.h>
#include <stdio.h>

void view_print(FILE *out, const json_t *value);
