/* Options of `greyline doctor`. */
#include "tools/doctor/options.h"

#include "session/arguments.h"
#include "session/defaults.h"
#include "system/log.h"
#include "tools/decode/decode.h"
#include "tools/decode/keys.h"
#include "tools/doctor/capture.h"
#include "tools/doctor/observe.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND 1000000ull

/* clang-format off */
static const char usage[] =
	"usage: greyline doctor SERVER [--user NAME [--password-file FILE]] [--mppe POLICY]\n"
	"                       [--auth LIST] [--certificate FILE --key FILE] [--ca FILE] [--crl FILE]\n"
	"                       [--server-name NAME] [--anonymous-identity NAME]\n"
	"                       [--pings N] [--throughput[=SECONDS]] [--json] [--debug]\n"
	"       greyline doctor CAPTURE|- [--user NAME:PASSWORD]... [--nt-hash NAME:HASH]...\n"
	"                       [--master-key KEY]... [--html REPORT.html] [--json]\n"
	"\n"
	"Says why a PPTP connection to SERVER does not work: tests each step in order, and names what is\n"
	"wrong, what it means and what to do. Needs root (raw sockets). Without --user everything up to the\n"
	"log-on is tested; with it, one log-on is made, and the tunnel is used. Nothing is changed on this\n"
	"machine: no device, no route. Of a CAPTURE (a pcap or pcapng file, - for standard input) it says why\n"
	"the connections in it did not work; that needs no rights.\n"
	"\n"
	"      --user NAME           user name, also DOMAIN\\NAME\n"
	"      --user NAME:PASSWORD  of a capture: looks into what is encrypted, too (repeatable)\n"
	"      --password-file FILE  its first line is the password (default: GREYLINE_PASSWORD in the\n"
	"                            environment)\n"
	"      --mppe POLICY         encryption that is wanted (default require-128), as of greyline connect\n"
	"      --auth LIST           methods that are allowed, of eap-tls (where there is a certificate), peap\n"
	"                            (where there is a CA), mschap-v2, eap-mschap-v2 (the defaults), mschap,\n"
	"                            chap-md5, eap-md5, pap\n"
	"      --certificate FILE    this end's certificate (PEM), for eap-tls; then no password is needed, and\n"
	"                            the user's name may come from it\n"
	"      --key FILE            its private key\n"
	"      --ca FILE             the CA of the server's certificate (default the system's)\n"
	"      --crl FILE            its list of revoked certificates\n"
	"      --server-name NAME    whom the server's certificate must be for (default SERVER)\n"
	"      --anonymous-identity NAME   with peap: told in clear instead of the user's name\n"
	"      --pings N             pings through the tunnel (default 20)\n"
	"      --throughput[=SECONDS]  measure it, too (default 5 seconds)\n"
	"      --nt-hash NAME:HASH   the same, of a password's NT hash (32 hex digits)\n"
	"      --master-key KEY      the same, by a key of MPPE's: MS-CHAPv2's master key (32 hex digits)\n"
	"                            or an EAP method's MSK (128 hex digits)\n"
	"      --html REPORT.html    of a capture: write a report to look at, as greyline decode does\n"
	"      --json                one JSON object a line\n"
	"      --debug               log every message\n"
	"  -h, --help\n"
	"\n"
	"Exit status: 0 all well; 1 there are findings; 2 usage, or a capture that cannot be read.\n";
/* clang-format on */

enum {
	OPT_USER = 256,
	OPT_PASSWORD_FILE,
	OPT_MPPE,
	OPT_AUTH,
	OPT_CERTIFICATE,
	OPT_CERTIFICATE_KEY,
	OPT_CA,
	OPT_CRL,
	OPT_SERVER_NAME,
	OPT_ANONYMOUS,
	OPT_PINGS,
	OPT_THROUGHPUT,
	OPT_HASH,
	OPT_KEY,
	OPT_HTML,
	OPT_JSON,
	OPT_DEBUG
};

static const struct option options[] = {
	{ "user", required_argument, NULL, OPT_USER },
	{ "password-file", required_argument, NULL, OPT_PASSWORD_FILE },
	{ "mppe", required_argument, NULL, OPT_MPPE },
	{ "auth", required_argument, NULL, OPT_AUTH },
	{ "certificate", required_argument, NULL, OPT_CERTIFICATE },
	{ "key", required_argument, NULL, OPT_CERTIFICATE_KEY },
	{ "ca", required_argument, NULL, OPT_CA },
	{ "crl", required_argument, NULL, OPT_CRL },
	{ "server-name", required_argument, NULL, OPT_SERVER_NAME },
	{ "anonymous-identity", required_argument, NULL, OPT_ANONYMOUS },
	{ "pings", required_argument, NULL, OPT_PINGS },
	{ "throughput", optional_argument, NULL, OPT_THROUGHPUT },
	{ "nt-hash", required_argument, NULL, OPT_HASH },
	{ "master-key", required_argument, NULL, OPT_KEY },
	{ "html", required_argument, NULL, OPT_HTML },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "debug", no_argument, NULL, OPT_DEBUG },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

/* libConfuse takes lists' defaults as writable strings. */
static char default_auth[] = "{\"mschap-v2\", \"eap-mschap-v2\"}";

/* Keys of the client's configuration, by the same options: what they may be is checked there. */
static cfg_opt_t client_keys[] = {
	CFG_STR("mppe", "require-128", CFGF_NONE),
	CFG_STR_LIST("auth", default_auth, CFGF_NONE),
	CFG_SEC("tls", settings_tls_client_opts, CFGF_NONE),
	CFG_END(),
};

static const struct argument arguments[] = {
	{ OPT_MPPE, "--mppe", "mppe", NULL, false },
	{ OPT_AUTH, "--auth", "auth", NULL, false },
	{ OPT_CERTIFICATE, "--certificate", "tls|certificate", NULL, false },
	{ OPT_CERTIFICATE_KEY, "--key", "tls|key", NULL, false },
	{ OPT_CA, "--ca", "tls|ca", NULL, false },
	{ OPT_CRL, "--crl", "tls|crl", NULL, false },
	{ OPT_SERVER_NAME, "--server-name", "tls|server-name", NULL, false },
	{ OPT_ANONYMOUS, "--anonymous-identity", "tls|anonymous-identity", NULL, false },
};

static cfg_t *make_cfg(void)
{
	cfg_t *cfg = cfg_init(client_keys, CFGF_NONE);

	cfg_set_validate_func(cfg, "mppe", settings_check_mppe);
	cfg_set_validate_func(cfg, "auth", settings_check_auth);
	cfg_set_validate_func(cfg, "tls|anonymous-identity", settings_check_anonymous);
	return cfg;
}

static int user_option(struct doctor_options *o, char *why)
{
	if (o->user_count == DOCTOR_USERS_MAX) {
		snprintf(why, SYSTEM_WHY, "--user: at most %d times", DOCTOR_USERS_MAX);
		return -1;
	}
	o->user = o->users[o->user_count++] = optarg;
	return 0;
}

/* As of `greyline decode`, by the same code. */
static int key_option(struct doctor_options *o, enum decode_key key, char *text, char *why)
{
	char reason[DECODE_WHY];

	if (decode_key_option(&o->known, key, text, reason) == 0)
		return 0;
	snprintf(why, SYSTEM_WHY, "%.240s", reason);
	return -1;
}

static int one_option(
	struct doctor_options *o, int opt, const char **password_file, uint32_t *seen, char *why)
{
	switch (opt) {
	case OPT_USER:
		return user_option(o, why);
	case OPT_PASSWORD_FILE:
		*password_file = optarg;
		return 0;
	case OPT_HASH:
		return key_option(o, DECODE_KEY_HASH, optarg, why);
	case OPT_KEY:
		return key_option(o, DECODE_KEY_MASTER, optarg, why);
	case OPT_HTML:
		o->html = optarg;
		return 0;
	case OPT_PINGS:
		return settings_number("--pings", optarg, 1, 1000, &o->pings, why);
	case OPT_THROUGHPUT:
		o->throughput = 5;
		return optarg ? settings_number("--throughput", optarg, 1, 60, &o->throughput, why)
			      : 0;
	case OPT_JSON:
		o->json = true;
		return 0;
	case OPT_DEBUG:
		log_set(LOG_DEBUG, LOG_TEXT);
		return 0;
	default:
		return arguments_put(o->cfg, arguments, sizeof(arguments) / sizeof(arguments[0]),
			opt, seen, "greyline doctor --help", why);
	}
}

/* As the client's, but with less patience: whoever asks waits at the terminal. */
static void set_protocol(struct doctor_options *o)
{
	session_defaults(PPP_CLIENT, &o->control, &o->session);
	snprintf(o->control.vendor, sizeof(o->control.vendor), OBSERVE_DOCTOR);
	o->control.reply_timeout = 15 * SECOND;
	o->session.link.name = o->user ? o->user : "";
	o->session.link.password = o->password;
	o->session.link.setup_timeout = 30 * SECOND;
	o->session.gre_timeout = 10 * SECOND;
}

static int check_user(const struct doctor_options *o, char *why)
{
	if (!o->user || (*o->user && strlen(o->user) <= CHAP_NAME_MAX))
		return 0;
	snprintf(why, SYSTEM_WHY, "--user: a name has 1 to 255 octets");
	return -1;
}

static int set_password(struct doctor_options *o, const char *file, char *why)
{
	uint8_t hash[16];

	if (!o->user && file) {
		snprintf(why, SYSTEM_WHY, "--password-file: whose password? write --user NAME");
		return -1;
	}
	if (!o->user)
		return 0;
	if (check_user(o, why) < 0)
		return -1;
	o->password = settings_logon_password(file, hash, why);
	if (!o->password)
		return -1;
	explicit_bzero(hash, sizeof(hash));
	return 0;
}

/* NAME, and the password of the file; or NAME:PASSWORD, without a file only. */
static int capture_user(struct doctor_options *o, char *user, char *why)
{
	char *text;
	int rc;

	if (!o->password)
		return key_option(o, DECODE_KEY_USER, user, why);
	if (asprintf(&text, "%s:%s", user, o->password) < 0) {
		snprintf(why, SYSTEM_WHY, "out of memory");
		return -1;
	}
	rc = key_option(o, DECODE_KEY_USER, text, why);
	explicit_bzero(text, strlen(text));
	free(text);
	return rc;
}

/* A capture's users are written with their passwords, or have that of the file. */
static int capture_users(struct doctor_options *o, const char *password_file, char *why)
{
	bool written = o->user && !password_file && strchr(o->user, ':');

	if (!written && set_password(o, password_file, why) < 0)
		return -1;
	for (unsigned int i = 0; i < o->user_count; i++) {
		if (capture_user(o, o->users[i], why) < 0)
			return -1;
	}
	return 0;
}

/* What only a capture has a use for. */
static int check_live(const struct doctor_options *o, char *why)
{
	const char *option = o->html                ? "--html"
			     : o->known.count       ? "--nt-hash"
			     : o->known.start_count ? "--master-key"
						    : NULL;

	if (!option)
		return 0;
	snprintf(why, SYSTEM_WHY, "%s is for captures, and there is no file \"%.100s\"", option,
		o->server);
	return -1;
}

/* Name, password, certificate, and what is allowed: as the client has it. */
static int set_credentials(struct doctor_options *o, const char *password_file, char *why)
{
	struct ppp_link_config *link = &o->session.link;

	if (settings_tls(o->cfg, o->server, &o->tls, why) < 0 ||
		settings_mppe(cfg_getstr(o->cfg, "mppe"), &link->mppe) < 0 ||
		settings_auth(o->cfg, &link->mppe, &o->tls, &link->auth, why) < 0)
		return -1;
	settings_peap(o->cfg, &o->tls, link);
	if (o->tls.context)
		link->tls = tls_context_engine(o->tls.context);
	if (!o->user && o->tls.eap_tls)
		o->user = tls_context_name(o->tls.context);
	(void)settings_auth_by_certificate(o->cfg, &o->tls, password_file, &link->auth);
	if (!settings_auth_wants_password(&link->auth))
		return check_user(o, why);
	return set_password(o, password_file, why);
}

static int parse(struct doctor_options *o, int argc, char **argv, char *why)
{
	const char *password_file = NULL;
	uint32_t seen = 0;
	int opt;

	optind = 1;
	while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (opt == 'h') {
			fputs(usage, stdout);
			return 1;
		}
		if (one_option(o, opt, &password_file, &seen, why) < 0)
			return -1;
	}
	if (optind != argc - 1 || !*argv[optind]) {
		snprintf(why, SYSTEM_WHY,
			"write greyline doctor SERVER, or greyline doctor CAPTURE (see --help)");
		return -1;
	}
	o->server = argv[optind];
	o->capture = capture_is(o->server);
	if (o->capture)
		return capture_users(o, password_file, why);
	if (check_live(o, why) < 0 || set_credentials(o, password_file, why) < 0)
		return -1;
	set_protocol(o);
	return 0;
}

int doctor_options_parse(struct doctor_options *o, int argc, char **argv)
{
	char why[SYSTEM_WHY] = "";
	int rc;

	memset(o, 0, sizeof(*o));
	o->pings = 20;
	o->cfg = make_cfg();
	rc = parse(o, argc, argv, why);
	if (rc < 0)
		fprintf(stderr, "greyline doctor: %s\n", why);
	return rc;
}

void doctor_options_done(struct doctor_options *o)
{
	decode_users_done(&o->known);
	tls_context_free(o->tls.context);
	if (o->cfg)
		cfg_free(o->cfg);
	if (!o->password)
		return;
	explicit_bzero(o->password, strlen(o->password));
	free(o->password);
}
