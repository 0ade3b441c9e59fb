/* The command: which socket, which request, how the answer is shown. */
#include "tools/ctl/ctl.h"

#include "system/control_socket.h"
#include "system/suggest.h"
#include "system/tun.h"
#include "tools/ctl/view.h"

#include <errno.h>
#include <getopt.h>
#include <glob.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_PATH "/run/greyline/server.sock"
#define PATHS        "/run/greyline/*.sock"
#define PATH_SIZE    108 /* of a Unix socket's address */

struct ctl_command {
	const char *name, *argument;
	const char *help;
	bool words; /* KEY=VALUE follow */
};

static const struct ctl_command commands[] = {
	{ "status", NULL, "what runs there", false },
	{ "sessions", NULL, "all sessions", false },
	{ "session", "ID", "everything about one session", false },
	{ "disconnect", "ID|USER|ADDRESS|all", "end sessions", false },
	{ "limit", "ID|USER|ADDRESS|all", "their data rate: up=10M down=off burst=64k", true },
	{ "stats", NULL, "counters", false },
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void usage(FILE *to)
{
	fputs("usage: greyline ctl [--control PATH] [--json] COMMAND\n"
	      "\n"
	      "Asks a running greyline server or client.\n"
	      "\n",
		to);
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(to, "  %-10s %-20s %s\n", commands[i].name,
			commands[i].argument ? commands[i].argument : "", commands[i].help);
	fputs("\n"
	      "  -c, --control PATH  the control socket; default " DEFAULT_PATH ",\n"
	      "                      or the only socket in /run/greyline\n"
	      "  -j, --json          the answer as JSON\n"
	      "  -h, --help          this text\n",
		to);
}

/* The server's socket; without a server, the only other one. -1: there are several (said so). */
static int path_default(char *path)
{
	glob_t found;
	int rc = 0;

	snprintf(path, PATH_SIZE, "%s", DEFAULT_PATH);
	if (access(path, F_OK) == 0 || glob(PATHS, 0, NULL, &found) != 0)
		return 0;
	if (found.gl_pathc == 1 && strlen(found.gl_pathv[0]) < PATH_SIZE) {
		snprintf(path, PATH_SIZE, "%s", found.gl_pathv[0]);
	} else if (found.gl_pathc > 1) {
		fputs("greyline ctl: several greylines run here; choose one with --control:\n",
			stderr);
		for (size_t i = 0; i < found.gl_pathc; i++)
			fprintf(stderr, "  --control %s\n", found.gl_pathv[i]);
		rc = -1;
	}
	globfree(&found);
	return rc;
}

static const struct ctl_command *command_find(const char *name)
{
	const char *names[COMMANDS];

	for (size_t i = 0; i < COMMANDS; i++) {
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
		names[i] = commands[i].name;
	}
	suggest_command("greyline ctl", "greyline ctl --help", name, names, COMMANDS);
	return NULL;
}

/* A session's number, 1 to 2^32 - 1; 0 if it is none. */
static json_int_t id_read(const char *text)
{
	char *end;
	unsigned long long value;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno || *end || *text < '0' || *text > '9' || value > UINT32_MAX)
		return 0;
	return (json_int_t)value;
}

/* KEY=VALUE into the request; the other end knows what is right. -1: said why. */
static int words_add(json_t *request, int argc, char **argv)
{
	static const char *const keys[] = { "up", "down", "burst" };

	for (int i = 0; i < argc; i++) {
		const char *equals = strchr(argv[i], '=');
		size_t len = equals ? (size_t)(equals - argv[i]) : 0;
		size_t k = 0;

		while (k < 3 && (strlen(keys[k]) != len || strncmp(keys[k], argv[i], len) != 0))
			k++;
		if (k == 3 || json_object_get(request, keys[k]) ||
			json_object_set_new(request, keys[k], json_string(equals + 1)) != 0) {
			fprintf(stderr,
				"greyline ctl: \"%s\": write up=RATE, down=RATE, burst=OCTETS, "
				"each "
				"at most once\n",
				argv[i]);
			return -1;
		}
	}
	return 0;
}

static bool counts(const struct ctl_command *c, int argc)
{
	if (c->words)
		return argc >= 3 && argc <= 5;
	return argc == (c->argument ? 2 : 1);
}

/* The request of a command line, or NULL (said why). */
static json_t *request_make(int argc, char **argv)
{
	const struct ctl_command *c = command_find(argv[0]);
	json_t *request;
	json_int_t id = 0;

	if (!c)
		return NULL;
	if (!counts(c, argc)) {
		fprintf(stderr, "greyline ctl: write: greyline ctl %s%s%s%s\n", c->name,
			c->argument ? " " : "", c->argument ? c->argument : "",
			c->words ? " [up=RATE] [down=RATE] [burst=OCTETS]" : "");
		return NULL;
	}
	if (strcmp(c->name, "session") == 0) {
		id = id_read(argv[1]);
		if (!id) {
			fprintf(stderr,
				"greyline ctl: \"%s\" is not a session's number "
				"(see: greyline ctl sessions)\n",
				argv[1]);
			return NULL;
		}
	}
	request = json_object();
	json_object_set_new(request, "command", json_string(c->name));
	if (id)
		json_object_set_new(request, "id", json_integer(id));
	else if (c->argument && json_object_set_new(request, "target", json_string(argv[1])) != 0) {
		fprintf(stderr, "greyline ctl: the argument of %s is not UTF-8\n", c->name);
		json_decref(request);
		return NULL;
	}
	if (c->words && words_add(request, argc - 2, argv + 2) < 0) {
		json_decref(request);
		return NULL;
	}
	return request;
}

static int run(const char *path, const json_t *request, bool json)
{
	char why[SYSTEM_WHY] = "";
	json_t *result = control_socket_call(path, request, why);

	if (!result) {
		fprintf(stderr, "greyline ctl: %s\n", why);
		return 1;
	}
	if (json) {
		json_dumpf(result, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY);
		putchar('\n');
	} else {
		view_print(stdout, result);
	}
	json_decref(result);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		fprintf(stderr, "greyline ctl: standard output: %s\n", strerror(errno));
		return 1;
	}
	return 0;
}

int ctl_main(int argc, char **argv)
{
	static const struct option options[] = { { "control", required_argument, NULL, 'c' },
		{ "json", no_argument, NULL, 'j' }, { "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 } };
	const char *path = NULL;
	char found[PATH_SIZE];
	bool json = false;
	json_t *request;
	int c, rc;

	optind = 0;
	while ((c = getopt_long(argc, argv, "c:jh", options, NULL)) != -1) {
		switch (c) {
		case 'c':
			path = optarg;
			break;
		case 'j':
			json = true;
			break;
		case 'h':
			usage(stdout);
			return 0;
		default:
			fputs("see greyline ctl --help\n", stderr);
			return 2;
		}
	}
	if (optind == argc) {
		usage(stderr);
		return 2;
	}
	request = request_make(argc - optind, argv + optind);
	if (!request)
		return 2;
	if (!path) {
		if (path_default(found) != 0) {
			json_decref(request);
			return 2;
		}
		path = found;
	}
	rc = run(path, request, json);
	json_decref(request);
	return rc;
}
