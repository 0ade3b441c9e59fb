/* The table of commands, nothing else. */
#include "client/connect.h"
#include "server/server.h"
#include "system/crash.h"
#include "system/secrets.h"
#include "system/standard.h"
#include "system/suggest.h"
#include "tools/tools.h"

#include <stdio.h>
#include <string.h>

#define USAGE 2 /* exit status */

struct command {
	const char *name;
	int (*main)(int argc, char **argv);
	const char *help;
	/* The exit status where what it printed could not be written; 0: it is there for something else. */
	int unwritten;
};

static int help_main(int argc, char **argv);

static int version_main(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	puts("greyline " GREYLINE_VERSION);
	return 0;
}

/* Findings in a report are the doctor's. */
static int decode_main(int argc, char **argv)
{
	return decode_command(argc, argv, &doctor_finder);
}

static const struct command commands[] = {
	{ "server", server_main, "accept PPTP calls", 0 },
	{ "connect", connect_main, "dial a PPTP server and bring up a tunnel", 0 },
	{ "decode", decode_main, "print and decrypt captures of PPTP", 1 },
	{ "doctor", doctor_main, "say why a PPTP connection does not work", 2 },
	{ "ctl", ctl_main, "ask a running server or client", 1 },
	{ "bench", bench_main, "put load on a server, and measure", 1 },
	{ "version", version_main, "print the version", 1 },
	{ "help", help_main, "this text, or a command's own", 1 },
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void usage(FILE *to)
{
	fputs("usage: greyline COMMAND [ARGUMENT]...\n\n", to);
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(to, "  %-8s  %s\n", commands[i].name, commands[i].help);
	fputs("\n"
	      "greyline help COMMAND tells a command's options; greyline(1) tells everything.\n"
	      "PPTP protects nothing against somebody who can record the traffic.\n",
		to);
}

/* NULL, said so, if there is no such command. */
static const struct command *command_find(const char *name)
{
	const char *names[COMMANDS];

	for (size_t i = 0; i < COMMANDS; i++) {
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
		names[i] = commands[i].name;
	}
	suggest_command("greyline", "greyline help", name, names, COMMANDS);
	return NULL;
}

/* argv[0] is what getopt_long() names in its errors. */
static int command_run(const struct command *command, int argc, char **argv)
{
	char name[32];
	int status;

	snprintf(name, sizeof(name), "greyline %s", command->name);
	argv[0] = name;
	status = command->main(argc, argv);
	/* A failure that was told already stays what it is. */
	if (!command->unwritten || status >= command->unwritten || standard_flush(name) == 0)
		return status;
	return command->unwritten;
}

static int help_main(int argc, char **argv)
{
	char option[] = "--help";
	char *arguments[] = { NULL, option, NULL };
	const struct command *command;

	if (argc < 2) {
		usage(stdout);
		return 0;
	}
	command = command_find(argv[1]);
	if (!command)
		return USAGE;
	if (command->main == help_main || command->main == version_main) {
		usage(stdout);
		return 0;
	}
	return command_run(command, 2, arguments);
}

int main(int argc, char **argv)
{
	static char help[] = "help", version[] = "version";
	const struct command *command;

	if (argc < 2) {
		usage(stderr);
		return USAGE;
	}
	standard_reserve();
	secrets_protect();
	crash_watch();
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		argv[1] = help;
	else if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0)
		argv[1] = version;
	command = command_find(argv[1]);
	return command ? command_run(command, argc - 1, argv + 1) : USAGE;
}
