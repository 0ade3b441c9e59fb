/*
 * The command line of server and client: options that stand for a key of the configuration file. The file comes
 * first, wherever -c stands: options override it.
 */
#pragma once

#include <confuse.h>
#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARGUMENTS_OPTIONS "c:h" /* for getopt_long(): every command has -c FILE and -h */

struct argument {
	int opt;                  /* as in the `struct option` */
	const char *option, *key; /* "--listen", "listen" */
	const char *value;        /* NULL: the option's argument */
	bool list; /* may come several times: the first one replaces the file's list, the others add */
};

/* First of all: prints `usage` for -h (1), reads the file of -c (0), or says what is wrong with it (-1, *why). */
int arguments_file(cfg_t *cfg, int argc, char **argv, const struct option *options,
	const char *usage, char *why);

/*
 * Sets what getopt_long() found (`opt`, optarg) by the table of `n` (32 at most). `seen`: 0 before the first. -1 with
 * *why; also for an option that is not in the table, with a hint at `help` ("greyline server --help").
 */
int arguments_put(cfg_t *cfg, const struct argument *table, size_t n, int opt, uint32_t *seen,
	const char *help, char *why);
