/* Errors of libConfuse as sentences: see settings_error.h. */
#include "session/settings_error.h"

#include "system/suggest.h"
#include "system/tun.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEYS_MAX   128
#define QUOTED_MAX 80 /* octets of what is quoted that help to find it */

static char first_error[SYSTEM_WHY];
static const char *option_name; /* NULL: a file */

/* What would be right, where libConfuse says only what is wrong. */
static const char *hint(const char *text)
{
	static const struct {
		const char *wrong, *right;
	} hints[] = {
		{ "invalid boolean", " (write true or false)" },
		{ "invalid integer", " (write a whole number)" },
		{ "integer value for option", " (write a smaller number)" },
		{ "missing equal sign", " (write KEY = VALUE)" },
		{ "missing title", " (write SECTION \"NAME\" { KEY = VALUE })" },
		{ "missing opening brace", " (write SECTION \"NAME\" { KEY = VALUE })" },
		{ "premature end of file", " (the last key has no value)" },
		{ "unexpected token", " (write KEY = VALUE, or for a list KEY = {VALUE, VALUE})" },
	};

	for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++) {
		if (strstr(text, hints[i].wrong))
			return hints[i].right;
	}
	return "";
}

/* What is quoted is cut, so that there is room for what comes behind it; not within a character of UTF-8. */
static void cut_quoted(char *out, size_t size, const char *text)
{
	size_t n = 0, quoted = 0;
	bool open = false, cut = false;

	for (; *text && n + 4 < size; text++) {
		if (*text == '"') {
			open = !open;
			quoted = 0;
			cut = false;
		} else if (open && ++quoted > QUOTED_MAX && (*text & 0xc0) != 0x80 && !cut) {
			memcpy(out + n, "...", 3);
			n += 3;
			cut = true;
		}
		if (!cut)
			out[n++] = *text;
	}
	out[n] = '\0';
}

void settings_error_unknown(char *out, size_t size, cfg_t *cfg, const char *key)
{
	const char *keys[KEYS_MAX], *near;
	unsigned int n = 0;

	for (cfg_opt_t *o = cfg ? cfg->opts : NULL; o && o->name && n < KEYS_MAX; o++)
		keys[n++] = o->name;
	near = suggest(key, keys, n);
	snprintf(out, size, "unknown key \"%.*s%s\"%s%s%s", QUOTED_MAX, key,
		strlen(key) > QUOTED_MAX ? "..." : "", near ? " (did you mean \"" : "",
		near ? near : "", near ? "\"?)" : "; see greyline(1) for the keys there are");
}

__attribute__((format(printf, 2, 0))) static void on_error(cfg_t *cfg, const char *fmt, va_list ap)
{
	char said[SYSTEM_WHY], where[160] = "";
	char *text;

	if (first_error[0])
		return;
	if (option_name)
		snprintf(where, sizeof(where), "%s: ", option_name);
	else if (cfg && cfg->filename)
		snprintf(where, sizeof(where), "%.140s:%d: ", cfg->filename, cfg->line);
	if (strstr(fmt, "no such option")) {
		settings_error_unknown(said, sizeof(said), cfg, va_arg(ap, const char *));
	} else if (vasprintf(&text, fmt, ap) < 0) {
		snprintf(said, sizeof(said), "out of memory");
	} else {
		cut_quoted(said, sizeof(said), text);
		free(text);
	}
	/* What is too long all the same is cut. */
	if (snprintf(first_error, sizeof(first_error), "%s%s%s", where, said, hint(said)) < 0)
		first_error[0] = '\0';
}

void settings_error_begin(cfg_t *cfg, const char *option)
{
	first_error[0] = '\0';
	option_name = option;
	cfg_set_error_function(cfg, on_error);
}

const char *settings_error_first(void)
{
	return first_error;
}
