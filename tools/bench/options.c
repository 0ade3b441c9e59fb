/* Options of `greyline bench`. */
#include "tools/bench/options.h"

#include "session/defaults.h"

#include <errno.h>
#include <getopt.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND 1000000ull

static const char usage[] =
	"usage: greyline bench SERVER --user NAME [--password-file FILE] [--sessions N] "
	"[--parallel N] [--pings N]\n"
	"                      [--target ADDR] [--hold SECONDS] [--rate N] [--mppe POLICY] "
	"[--server-pid PID] [--calls-per-connection N] "
	"[--json]\n"
	"\n"
	"Opens N calls to a PPTP server of your own, pings through each, and prints how long it "
	"took and what it cost.\n"
	"\n"
	"      --sessions N      calls at once (default 100)\n"
	"      --parallel N      calls being set up at once (default 32; 1: one after the other)\n"
	"      --calls-per-connection N\n"
	"                        calls in each control connection (default 1)\n"
	"      --pings N         pings through each call when all are up (default 1)\n"
	"      --target ADDR     address to ping (default the server's address in the tunnel)\n"
	"      --hold SECONDS    keep all calls up for so long before the pings (default 0)\n"
	"      --rate N          meanwhile N pings a second in each, but for the last two seconds, "
	"and\n"
	"                        count those without an answer (default 0)\n"
	"      --flood SECONDS   then, for so long, pings through all calls in turn, as many as "
	"get "
	"through\n"
	"                        (default 0)\n"
	"      --window N        of these, without an answer yet (default 64)\n"
	"      --from CIDR       control connections come from these addresses in turn, which must "
	"be "
	"this\n"
	"                        machine's: a server sees many clients\n"
	"      --server-pid PID  also report the memory of this process (the server, on the same "
	"machine)\n"
	"      --json            print one JSON object\n";

enum {
	OPT_USER = 256,
	OPT_PASSWORD_FILE,
	OPT_SESSIONS,
	OPT_PARALLEL,
	OPT_PINGS,
	OPT_TARGET,
	OPT_HOLD,
	OPT_RATE,
	OPT_PER_CONNECTION,
	OPT_FLOOD,
	OPT_WINDOW,
	OPT_FROM,
	OPT_MPPE,
	OPT_SERVER_PID,
	OPT_JSON
};

static const struct option options[] = {
	{ "user", required_argument, NULL, OPT_USER },
	{ "password-file", required_argument, NULL, OPT_PASSWORD_FILE },
	{ "sessions", required_argument, NULL, OPT_SESSIONS },
	{ "parallel", required_argument, NULL, OPT_PARALLEL },
	{ "pings", required_argument, NULL, OPT_PINGS },
	{ "target", required_argument, NULL, OPT_TARGET },
	{ "hold", required_argument, NULL, OPT_HOLD },
	{ "rate", required_argument, NULL, OPT_RATE },
	{ "calls-per-connection", required_argument, NULL, OPT_PER_CONNECTION },
	{ "flood", required_argument, NULL, OPT_FLOOD },
	{ "window", required_argument, NULL, OPT_WINDOW },
	{ "from", required_argument, NULL, OPT_FROM },
	{ "mppe", required_argument, NULL, OPT_MPPE },
	{ "server-pid", required_argument, NULL, OPT_SERVER_PID },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

static int one_option(struct bench_options *o, int opt, const char **password_file, char *why)
{
	unsigned int v = 0;

	switch (opt) {
	case OPT_USER:
		o->user = optarg;
		return 0;
	case OPT_PASSWORD_FILE:
		*password_file = optarg;
		return 0;
	case OPT_SESSIONS:
		return settings_number("--sessions", optarg, 1, 1000000, &o->sessions, why);
	case OPT_PARALLEL:
		return settings_number("--parallel", optarg, 1, 65000, &o->parallel, why);
	case OPT_PER_CONNECTION:
		return settings_number(
			"--calls-per-connection", optarg, 1, 65000, &o->per_connection, why);
	case OPT_PINGS:
		return settings_number("--pings", optarg, 0, 10000, &o->pings, why);
	case OPT_HOLD:
		return settings_number("--hold", optarg, 0, 86400, &o->hold, why);
	case OPT_FLOOD:
		return settings_number("--flood", optarg, 0, 86400, &o->flood, why);
	case OPT_WINDOW:
		return settings_number("--window", optarg, 1, 10000, &o->window, why);
	case OPT_FROM:
		if (settings_cidr(optarg, &o->from, &o->from_len) == 0)
			return 0;
		snprintf(why, SYSTEM_WHY,
			"--from: \"%.64s\" is not a network (write ADDRESS/LENGTH, like "
			"192.0.2.0/28)",
			optarg);
		return -1;
	case OPT_RATE:
		return settings_number("--rate", optarg, 0, 1000, &o->rate, why);
	case OPT_SERVER_PID:
		if (settings_number("--server-pid", optarg, 1, 1u << 30, &v, why) < 0)
			return -1;
		o->server_pid = (int)v;
		return 0;
	case OPT_TARGET:
		if (settings_ipv4(optarg, &o->target) == 0)
			return 0;
		snprintf(why, SYSTEM_WHY, "--target: \"%s\" is not an IPv4 address", optarg);
		return -1;
	case OPT_MPPE:
		if (settings_mppe(optarg, &o->session.link.mppe) == 0)
			return 0;
		snprintf(why, SYSTEM_WHY,
			"--mppe: \"%s\" is not a policy (write require-128, require, prefer, off)",
			optarg);
		return -1;
	case OPT_JSON:
		o->json = true;
		return 0;
	default:
		snprintf(why, SYSTEM_WHY, "see greyline bench --help");
		return -1;
	}
}

static int resolve(struct bench_options *o, const char *name, char *why)
{
	struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM }, *list;
	int err = getaddrinfo(name, NULL, &hints, &list);

	if (err) {
		snprintf(why, SYSTEM_WHY, "%.100s: %s", name, gai_strerror(err));
		return -1;
	}
	o->server = ((struct sockaddr_in *)list->ai_addr)->sin_addr;
	snprintf(o->server_text, sizeof(o->server_text), "%s", name);
	freeaddrinfo(list);
	return 0;
}

static void set_protocol(struct bench_options *o)
{
	session_defaults(PPP_CLIENT, &o->control, &o->session);
	snprintf(o->control.vendor, sizeof(o->control.vendor), "greyline bench");
	o->session.link.name = o->user;
	o->session.link.password = o->password;
	o->session.gre_timeout = 20 * SECOND;
}

static int parse(struct bench_options *o, int argc, char **argv, char *why)
{
	const char *password_file = NULL;
	uint8_t hash[16];
	int opt;

	optind = 1;
	while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (opt == 'h') {
			fputs(usage, stdout);
			return 1;
		}
		if (one_option(o, opt, &password_file, why) < 0)
			return -1;
	}
	if (optind != argc - 1 || !o->user || !*o->user || strlen(o->user) > CHAP_NAME_MAX) {
		snprintf(why, SYSTEM_WHY, "write greyline bench SERVER --user NAME (see --help)");
		return -1;
	}
	o->password = settings_logon_password(password_file, hash, why);
	if (!o->password)
		return -1;
	explicit_bzero(hash, sizeof(hash));
	if (settings_server(argv[optind], why) < 0 || resolve(o, argv[optind], why) < 0)
		return -1;
	set_protocol(o);
	return 0;
}

int bench_options_parse(struct bench_options *o, int argc, char **argv)
{
	char why[SYSTEM_WHY] = "";
	int rc;

	memset(o, 0, sizeof(*o));
	o->sessions = 100;
	o->parallel = 32;
	o->per_connection = 1;
	o->pings = 1;
	o->window = 64;
	o->from_len = 32;
	(void)settings_mppe("require-128", &o->session.link.mppe);
	rc = parse(o, argc, argv, why);
	if (rc < 0)
		fprintf(stderr, "greyline bench: %s\n", why);
	return rc;
}

void bench_options_done(struct bench_options *o)
{
	if (!o->password)
		return;
	explicit_bzero(o->password, strlen(o->password));
	free(o->password);
}
