/* Options for keys of the configuration file: see arguments.h. */
#include "session/arguments.h"

#include "session/settings.h"

#include <stdio.h>

int arguments_file(cfg_t *cfg, int argc, char **argv, const struct option *options,
	const char *usage, char *why)
{
	int opt;

	optind = 1;
	opterr = 0;
	while ((opt = getopt_long(argc, argv, ARGUMENTS_OPTIONS, options, NULL)) != -1) {
		if (opt == 'h') {
			fputs(usage, stdout);
			return 1;
		}
		if (opt == 'c' && settings_file(cfg, optarg, why) < 0)
			return -1;
	}
	optind = 1;
	opterr = 1;
	return 0;
}

int arguments_put(cfg_t *cfg, const struct argument *table, size_t n, int opt, uint32_t *seen,
	const char *help, char *why)
{
	for (size_t i = 0; i < n; i++) {
		const struct argument *a = &table[i];
		bool more = a->list && (*seen & (UINT32_C(1) << i));

		if (a->opt != opt)
			continue;
		*seen |= UINT32_C(1) << i;
		return (more ? settings_add : settings_put)(
			cfg, a->option, a->key, a->value ? a->value : optarg, why);
	}
	snprintf(why, SYSTEM_WHY, "see %s", help);
	return -1;
}
