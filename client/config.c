/* The client's configuration: see config.h. Keys are documented in greyline(1). */
#include "client/config.h"

#include "session/arguments.h"
#include "session/defaults.h"
#include "session/settings_call.h"
#include "session/settings_rate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SECOND 1000000ull

static const char usage[] =
	"usage: greyline connect SERVER --user NAME [--password-file FILE] [--new-password-file "
	"FILE] [-c FILE] [--dev NAME] "
	"[--route CIDR]...\n"
	"                        [--default-route] [--dns] [--ipv6] [--vj] [--mppe POLICY] [--auth "
	"LIST] "
	"[--once] "
	"[--json]\n"
	"                        [--phone NUMBER] [--incoming] [--set KEY=VALUE]... [--control "
	"PATH] [--log-format text|json]\n"
	"\n"
	"Dials a PPTP server and brings up a tunnel; ^C ends it. PPTP's encryption can be broken "
	"by anybody who\n"
	"records the traffic. The password comes from a file or from GREYLINE_PASSWORD in the "
	"environment.\n"
	"\n"
	"      --user NAME           user name, also DOMAIN\\NAME\n"
	"      --password-file FILE  its first line is the password\n"
	"      --new-password-file FILE  the password to change to if the server says that the old "
	"one has expired\n"
	"  -c, --config FILE         read the configuration file\n"
	"      --dev NAME            name of the TUN device (default grey%d)\n"
	"      --route CIDR          send this network through the tunnel (may be given several "
	"times)\n"
	"      --default-route       send everything through the tunnel\n"
	"      --dns                 use the name servers that the server gives\n"
	"      --ipv6                use IPv6 in the tunnel if the server has it\n"
	"      --vj                  compress headers of TCP/IP (Van Jacobson)\n"
	"      --mppe POLICY         require-128 (default), require, prefer, off; with -stateless "
	"or -stateful\n"
	"      --auth LIST           allowed methods, of eap-tls (where there is a certificate), "
	"peap\n"
	"                            (where there is a CA), mschap-v2, eap-mschap-v2 (the "
	"defaults), mschap,\n"
	"                            chap-md5, eap-md5, pap\n"
	"      --certificate FILE    this end's certificate (PEM), for eap-tls; then no password "
	"is "
	"needed\n"
	"      --key FILE            its private key\n"
	"      --ca FILE             the CA of the server's certificate (default the system's)\n"
	"      --crl FILE            its list of revoked certificates\n"
	"      --server-name NAME    whom the server's certificate must be for (default SERVER)\n"
	"      --anonymous-identity NAME   with peap: told in clear instead of the user's name\n"
	"      --once                do not reconnect\n"
	"      --phone NUMBER        dial this number at the server (a PAC with telephone lines)\n"
	"      --incoming            be the PAC: offer the server an incoming call\n"
	"      --json                one JSON object a line\n"
	"      --set KEY=VALUE       any key of the configuration file\n"
	"      --control PATH        control socket (default /run/greyline/client.sock)\n"
	"      --log-format F        text or json\n"
	"      --debug               log every message\n"
	"  -h, --help\n"
	"\n"
	"Exit status: 0 closed by the user or, after success, by the peer; 1 this machine (device, "
	"permission); 2 usage;\n"
	"3 cannot reach TCP port 1723; 4 no GRE gets through; 5 authentication failed; 6 policy "
	"not met; 7 other failure.\n";

/* libConfuse takes lists' defaults as writable strings. */
static char default_auth[] = "{\"mschap-v2\", \"eap-mschap-v2\"}";
static char default_empty[] = "{}";

static cfg_opt_t client_opts[] = {
	CFG_STR("server", NULL, CFGF_NONE),
	CFG_INT("port", CONTROL_PORT, CFGF_NONE),
	CFG_STR("user", NULL, CFGF_NONE),
	CFG_STR("password-file", NULL, CFGF_NONE),
	CFG_STR("new-password-file", NULL, CFGF_NONE),
	CFG_STR("dev", "grey%d", CFGF_NONE),
	CFG_STR_LIST("route", default_empty, CFGF_NONE),
	CFG_BOOL("default-route", cfg_false, CFGF_NONE),
	CFG_BOOL("dns", cfg_false, CFGF_NONE),
	CFG_STR("ipv6", "off", CFGF_NONE),
	CFG_STR("mppe", "require-128", CFGF_NONE),
	CFG_STR_LIST("auth", default_auth, CFGF_NONE),
	CFG_SEC("tls", settings_tls_client_opts, CFGF_NONE),
	CFG_STR_LIST("compression", default_empty, CFGF_NONE),
	CFG_BOOL("vj", cfg_false, CFGF_NONE),
	CFG_BOOL("identify", cfg_false, CFGF_NONE),
	CFG_BOOL("once", cfg_false, CFGF_NONE),
	CFG_INT("mru", SESSION_MRU, CFGF_NONE),
	CFG_INT("window", SESSION_WINDOW, CFGF_NONE),
	CFG_BOOL("clamp-mss", cfg_true, CFGF_NONE),
	CFG_BOOL("set-link-info", cfg_false, CFGF_NONE),
	CFG_BOOL("fragment", cfg_false, CFGF_NONE),
	CFG_BOOL("offload", cfg_true, CFGF_NONE),
	CFG_STR("datapath", "raw", CFGF_NONE),
	CFG_STR("phone", "", CFGF_NONE),
	CFG_STR("subaddress", "", CFGF_NONE),
	CFG_INT("min-speed", SESSION_SPEED_MIN, CFGF_NONE),
	CFG_INT("max-speed", SESSION_SPEED_MAX, CFGF_NONE),
	CFG_STR("bearer", "any", CFGF_NONE),
	CFG_STR("framing", "any", CFGF_NONE),
	CFG_INT("processing-delay", 0, CFGF_NONE),
	CFG_STR("flow-control", "advisory", CFGF_NONE),
	CFG_INT("max-ack-timeout", 10, CFGF_NONE),
	CFG_STR("rate-limit-up", "off", CFGF_NONE),
	CFG_STR("rate-limit-down", "off", CFGF_NONE),
	CFG_STR("rate-limit-burst", "auto", CFGF_NONE),
	CFG_BOOL("incoming", cfg_false, CFGF_NONE),
	CFG_STR("calling", "", CFGF_NONE),
	CFG_STR("called", "", CFGF_NONE),
	CFG_INT("connect-timeout", 10, CFGF_NONE),
	CFG_INT("gre-timeout", 10, CFGF_NONE),
	CFG_INT("setup-timeout", 60, CFGF_NONE),
	CFG_INT("reply-timeout", 60, CFGF_NONE),
	CFG_INT("control-echo-interval", 60, CFGF_NONE),
	CFG_INT("reconnect-min", 1, CFGF_NONE),
	CFG_INT("reconnect-max", 60, CFGF_NONE),
	CFG_INT("echo-interval", 15, CFGF_NONE),
	CFG_INT("echo-failures", 4, CFGF_NONE),
	CFG_STR("control", NULL, CFGF_NONE),
	CFG_STR("log-level", "warning", CFGF_NONE),
	CFG_STR("log-format", "text", CFGF_NONE),
	CFG_BOOL("core-files", cfg_false, CFGF_NONE),
	CFG_END(),
};

static cfg_t *make_cfg(void)
{
	static const char *const seconds[] = { "connect-timeout", "gre-timeout", "setup-timeout",
		"reconnect-min", "reconnect-max", "echo-interval" };
	static const char *const numbers[] = { "phone", "subaddress", "calling", "called" };
	cfg_t *cfg = cfg_init(client_opts, CFGF_NONE);

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		cfg_set_validate_func(cfg, numbers[i], settings_check_number);
	cfg_set_validate_func(cfg, "server", settings_check_server);
	cfg_set_validate_func(cfg, "min-speed", settings_check_speed);
	cfg_set_validate_func(cfg, "max-speed", settings_check_speed);
	cfg_set_validate_func(cfg, "bearer", settings_check_bearer);
	cfg_set_validate_func(cfg, "framing", settings_check_framing);
	cfg_set_validate_func(cfg, "processing-delay", settings_check_delay);
	cfg_set_validate_func(cfg, "flow-control", settings_check_flow);
	cfg_set_validate_func(cfg, "max-ack-timeout", settings_check_seconds);
	settings_rate_checks(cfg, "");
	cfg_set_validate_func(cfg, "reply-timeout", settings_check_seconds);
	cfg_set_validate_func(cfg, "control-echo-interval", settings_check_seconds);
	for (size_t i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++)
		cfg_set_validate_func(cfg, seconds[i], settings_check_seconds);
	cfg_set_validate_func(cfg, "port", settings_check_count);
	cfg_set_validate_func(cfg, "window", settings_check_count);
	cfg_set_validate_func(cfg, "echo-failures", settings_check_count);
	cfg_set_validate_func(cfg, "dev", settings_check_dev);
	cfg_set_validate_func(cfg, "datapath", settings_check_datapath);
	cfg_set_validate_func(cfg, "route", settings_check_any_cidr);
	cfg_set_validate_func(cfg, "ipv6", settings_check_ipv6);
	cfg_set_validate_func(cfg, "mppe", settings_check_mppe);
	cfg_set_validate_func(cfg, "auth", settings_check_auth);
	cfg_set_validate_func(cfg, "tls|min-version", settings_check_tls_version);
	cfg_set_validate_func(cfg, "tls|anonymous-identity", settings_check_anonymous);
	cfg_set_validate_func(cfg, "tls|max-version", settings_check_tls_highest);
	cfg_set_validate_func(cfg, "compression", settings_check_compression);
	cfg_set_validate_func(cfg, "mru", settings_check_mru);
	cfg_set_validate_func(cfg, "log-level", settings_check_log_level);
	cfg_set_validate_func(cfg, "log-format", settings_check_log_format);
	return cfg;
}

static uint64_t seconds(cfg_t *cfg, const char *key)
{
	return (uint64_t)cfg_getint(cfg, key) * SECOND;
}

static void text(char out[65], cfg_t *cfg, const char *key)
{
	snprintf(out, 65, "%s", cfg_getstr(cfg, key));
}

/* The call: what is dialled, or what is offered. */
static void set_call(struct client_config *c)
{
	struct line_call *call = &c->session.call;

	text(call->number, c->cfg, c->incoming ? "called" : "phone");
	text(call->calling, c->cfg, "calling");
	text(call->subaddress, c->cfg, "subaddress");
	call->min_bps = (uint32_t)cfg_getint(c->cfg, "min-speed");
	call->max_bps = c->session.speed = (uint32_t)cfg_getint(c->cfg, "max-speed");
	(void)settings_bearer(cfg_getstr(c->cfg, "bearer"), &call->bearer);
	(void)settings_framing(cfg_getstr(c->cfg, "framing"), &call->framing);
}

static void set_protocol(struct client_config *c)
{
	cfg_t *cfg = c->cfg;
	struct ppp_link_config *l = &c->session.link;
	struct rate_change limits;

	session_defaults(PPP_CLIENT, &c->control, &c->session);
	c->control.reply_timeout = seconds(cfg, "reply-timeout");
	c->control.echo_interval = seconds(cfg, "control-echo-interval");
	l->mru = (uint16_t)c->mtu;
	l->name = c->user;
	l->password = c->password;
	l->new_password = c->new_password;
	l->echo_interval = seconds(cfg, "echo-interval");
	l->echo_failures = (unsigned int)cfg_getint(cfg, "echo-failures");
	l->setup_timeout = seconds(cfg, "setup-timeout");
	c->session.window = (uint16_t)cfg_getint(cfg, "window");
	c->session.gre_timeout = seconds(cfg, "gre-timeout");
	c->session.processing_delay = (uint16_t)cfg_getint(cfg, "processing-delay");
	(void)settings_flow(cfg_getstr(cfg, "flow-control"), &c->session.flow);
	c->session.ack_timeout_max = seconds(cfg, "max-ack-timeout");
	settings_rate_read(cfg, &limits);
	settings_rate_apply(&c->session.limits, &limits);
	set_call(c);
}

/* IPv4's and IPv6's, each to its own. */
static int set_routes(struct client_config *c, char *why)
{
	unsigned int count = cfg_size(c->cfg, "route");

	(void)settings_ipv6(cfg_getstr(c->cfg, "ipv6"), &c->session.link.ipv6);
	if (c->session.link.ipv6 != PPP_IPV6_OFF && cfg_getint(c->cfg, "mru") < SETTINGS_IPV6_MTU) {
		snprintf(why, SYSTEM_WHY, "mru: IPv6 needs at least %d", SETTINGS_IPV6_MTU);
		return -1;
	}
	if (count > CLIENT_ROUTES_MAX) {
		snprintf(why, SYSTEM_WHY, "route: at most %d", CLIENT_ROUTES_MAX);
		return -1;
	}
	for (unsigned int i = 0; i < count; i++) {
		const char *text = cfg_getnstr(c->cfg, "route", i);

		if (!strchr(text, ':')) {
			struct client_route *route = &c->routes[c->route_count++];

			(void)settings_cidr(text, &route->prefix, &route->len);
			continue;
		}
		if (c->session.link.ipv6 == PPP_IPV6_OFF) {
			snprintf(why, SYSTEM_WHY,
				"route: %s needs IPv6 (write ipv6 = on, or --ipv6)", text);
			return -1;
		}
		(void)settings_cidr6(text, &c->routes6[c->route6_count].prefix,
			&c->routes6[c->route6_count].len);
		c->route6_count++;
	}
	return 0;
}

static void forget(char **password)
{
	if (*password)
		explicit_bzero(*password, strlen(*password));
	free(*password);
	*password = NULL;
}

/* The old one will do if both are the same: it was changed, and then written down. */
static int set_new_password(struct client_config *c, const uint8_t old_hash[16], char *why)
{
	const char *path = cfg_getstr(c->cfg, "new-password-file");
	static const uint8_t filling[PASSWORD_BLOCK];
	struct password_change change;
	enum password_fault fault;

	if (!path || !*path)
		return 0;
	c->new_password = settings_password(path, why);
	if (!c->new_password)
		return -1;
	fault = password_seal(&change, c->new_password, old_hash, filling);
	explicit_bzero(&change, sizeof(change));
	if (fault == PASSWORD_SAME)
		forget(&c->new_password);
	if (fault == PASSWORD_GOOD || fault == PASSWORD_SAME)
		return 0;
	snprintf(why, SYSTEM_WHY, "new-password-file: the new password: %s",
		password_fault_text(fault));
	return -1;
}

static int set_password(struct client_config *c, char *why)
{
	uint8_t hash[16];
	int rc;

	c->password = settings_logon_password(cfg_getstr(c->cfg, "password-file"), hash, why);
	if (!c->password)
		return -1;
	rc = set_new_password(c, hash, why);
	explicit_bzero(hash, sizeof(hash));
	return rc;
}

/* Name, password, certificate: what there is of them must do for `auth`. */
static int set_credentials(struct client_config *c, char *why)
{
	struct ppp_auth_list *auth = &c->session.link.auth;

	c->user = cfg_getstr(c->cfg, "user");
	if ((!c->user || !*c->user) && c->tls.eap_tls)
		c->user = tls_context_name(c->tls.context);
	if (!c->user || !*c->user || strlen(c->user) > CHAP_NAME_MAX) {
		snprintf(why, SYSTEM_WHY,
			"no user name (or more than 255 octets): write --user NAME");
		return -1;
	}
	settings_peap(c->cfg, &c->tls, &c->session.link);
	if (c->tls.context)
		c->session.link.tls = tls_context_engine(c->tls.context);
	(void)settings_auth_by_certificate(
		c->cfg, &c->tls, cfg_getstr(c->cfg, "password-file"), auth);
	return settings_auth_wants_password(auth) ? set_password(c, why) : 0;
}

static int apply(struct client_config *c, char *why)
{
	cfg_t *cfg = c->cfg;

	c->server = cfg_getstr(cfg, "server");
	if (!c->server || !*c->server) {
		snprintf(why, SYSTEM_WHY, "no server: write greyline connect SERVER --user NAME");
		return -1;
	}
	if (settings_tls(cfg, c->server, &c->tls, why) < 0)
		return -1;
	if (settings_mppe(cfg_getstr(cfg, "mppe"), &c->session.link.mppe) < 0 ||
		settings_auth(cfg, &c->session.link.mppe, &c->tls, &c->session.link.auth, why) < 0)
		return -1;
	if (set_credentials(c, why) < 0)
		return -1;
	settings_compression(cfg, &c->session.link.compress);
	c->session.link.vj = cfg_getbool(cfg, "vj");
	c->session.link.identification =
		cfg_getbool(cfg, "identify") ? "greyline " GREYLINE_VERSION : NULL;
	if (set_routes(c, why) < 0)
		return -1;
	c->port = (uint16_t)cfg_getint(cfg, "port");
	c->dev = cfg_getstr(cfg, "dev");
	c->default_route = cfg_getbool(cfg, "default-route");
	c->dns = cfg_getbool(cfg, "dns");
	c->once = cfg_getbool(cfg, "once");
	c->incoming = cfg_getbool(cfg, "incoming");
	if (c->incoming && *cfg_getstr(cfg, "phone")) {
		snprintf(why, SYSTEM_WHY,
			"incoming, phone: a call is either offered (with called and calling) or "
			"dialled (with phone)");
		return -1;
	}
	if (cfg_getint(cfg, "min-speed") > cfg_getint(cfg, "max-speed")) {
		snprintf(why, SYSTEM_WHY, "min-speed: it is more than max-speed");
		return -1;
	}
	c->clamp_mss = cfg_getbool(cfg, "clamp-mss");
	c->offload = cfg_getbool(cfg, "offload");
	(void)datapath_mode(cfg_getstr(cfg, "datapath"), &c->datapath);
	c->session.link_info = cfg_getbool(cfg, "set-link-info");
	c->fragment = c->session.fragment = cfg_getbool(cfg, "fragment");
	c->control_path = cfg_getstr(cfg, "control");
	c->mtu = (unsigned int)cfg_getint(cfg, "mru");
	c->connect_timeout = seconds(cfg, "connect-timeout");
	c->reconnect_min = seconds(cfg, "reconnect-min");
	c->reconnect_max = seconds(cfg, "reconnect-max");
	set_protocol(c);
	return 0;
}

enum {
	OPT_USER = 256,
	OPT_PASSWORD_FILE,
	OPT_NEW_PASSWORD_FILE,
	OPT_DEV,
	OPT_ROUTE,
	OPT_DEFAULT_ROUTE,
	OPT_DNS,
	OPT_IPV6,
	OPT_VJ,
	OPT_MPPE,
	OPT_AUTH,
	OPT_CERTIFICATE,
	OPT_KEY,
	OPT_CA,
	OPT_CRL,
	OPT_SERVER_NAME,
	OPT_ANONYMOUS,
	OPT_ONCE,
	OPT_PHONE,
	OPT_INCOMING,
	OPT_JSON,
	OPT_SET,
	OPT_CONTROL,
	OPT_LOG_FORMAT,
	OPT_DEBUG
};

static const struct option options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "user", required_argument, NULL, OPT_USER },
	{ "password-file", required_argument, NULL, OPT_PASSWORD_FILE },
	{ "new-password-file", required_argument, NULL, OPT_NEW_PASSWORD_FILE },
	{ "dev", required_argument, NULL, OPT_DEV },
	{ "route", required_argument, NULL, OPT_ROUTE },
	{ "default-route", no_argument, NULL, OPT_DEFAULT_ROUTE },
	{ "dns", no_argument, NULL, OPT_DNS },
	{ "ipv6", no_argument, NULL, OPT_IPV6 },
	{ "vj", no_argument, NULL, OPT_VJ },
	{ "mppe", required_argument, NULL, OPT_MPPE },
	{ "auth", required_argument, NULL, OPT_AUTH },
	{ "certificate", required_argument, NULL, OPT_CERTIFICATE },
	{ "key", required_argument, NULL, OPT_KEY },
	{ "ca", required_argument, NULL, OPT_CA },
	{ "crl", required_argument, NULL, OPT_CRL },
	{ "server-name", required_argument, NULL, OPT_SERVER_NAME },
	{ "anonymous-identity", required_argument, NULL, OPT_ANONYMOUS },
	{ "once", no_argument, NULL, OPT_ONCE },
	{ "phone", required_argument, NULL, OPT_PHONE },
	{ "incoming", no_argument, NULL, OPT_INCOMING },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "set", required_argument, NULL, OPT_SET },
	{ "control", required_argument, NULL, OPT_CONTROL },
	{ "log-format", required_argument, NULL, OPT_LOG_FORMAT },
	{ "debug", no_argument, NULL, OPT_DEBUG },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

static const struct argument arguments[] = {
	{ OPT_USER, "--user", "user", NULL, false },
	{ OPT_PASSWORD_FILE, "--password-file", "password-file", NULL, false },
	{ OPT_NEW_PASSWORD_FILE, "--new-password-file", "new-password-file", NULL, false },
	{ OPT_DEV, "--dev", "dev", NULL, false },
	{ OPT_ROUTE, "--route", "route", NULL, true },
	{ OPT_DEFAULT_ROUTE, "--default-route", "default-route", "true", false },
	{ OPT_DNS, "--dns", "dns", "true", false },
	{ OPT_IPV6, "--ipv6", "ipv6", "on", false },
	{ OPT_VJ, "--vj", "vj", "true", false },
	{ OPT_MPPE, "--mppe", "mppe", NULL, false },
	{ OPT_AUTH, "--auth", "auth", NULL, false },
	{ OPT_CERTIFICATE, "--certificate", "tls|certificate", NULL, false },
	{ OPT_KEY, "--key", "tls|key", NULL, false },
	{ OPT_CA, "--ca", "tls|ca", NULL, false },
	{ OPT_CRL, "--crl", "tls|crl", NULL, false },
	{ OPT_SERVER_NAME, "--server-name", "tls|server-name", NULL, false },
	{ OPT_ANONYMOUS, "--anonymous-identity", "tls|anonymous-identity", NULL, false },
	{ OPT_ONCE, "--once", "once", "true", false },
	{ OPT_PHONE, "--phone", "phone", NULL, false },
	{ OPT_INCOMING, "--incoming", "incoming", "true", false },
	{ OPT_CONTROL, "--control", "control", NULL, false },
	{ OPT_LOG_FORMAT, "--log-format", "log-format", NULL, false },
	{ OPT_DEBUG, "--debug", "log-level", "debug", false },
};

static int one_option(struct client_config *c, int opt, uint32_t *seen, char *why)
{
	switch (opt) {
	case 'c':
		return 0; /* was read first */
	case OPT_SET:
		return settings_set(c->cfg, optarg, why);
	case OPT_JSON:
		c->json = true;
		return 0;
	default:
		return arguments_put(c->cfg, arguments, sizeof(arguments) / sizeof(arguments[0]),
			opt, seen, "greyline connect --help", why);
	}
}

static int parse(struct client_config *c, int argc, char **argv, char *why)
{
	uint32_t seen = 0;
	int opt, rc = arguments_file(c->cfg, argc, argv, options, usage, why);

	if (rc)
		return rc;
	while ((opt = getopt_long(argc, argv, ARGUMENTS_OPTIONS, options, NULL)) != -1) {
		if (one_option(c, opt, &seen, why) < 0)
			return -1;
	}
	if (optind < argc && settings_put(c->cfg, "SERVER", "server", argv[optind++], why) < 0)
		return -1;
	if (optind < argc) {
		snprintf(why, SYSTEM_WHY,
			"one server is enough: \"%s\" is not an option; see greyline connect "
			"--help",
			argv[optind]);
		return -1;
	}
	return apply(c, why);
}

int client_config_parse(struct client_config *c, int argc, char **argv)
{
	char why[SYSTEM_WHY] = "";
	int rc;

	memset(c, 0, sizeof(*c));
	c->cfg = make_cfg();
	rc = parse(c, argc, argv, why);
	if (rc < 0)
		fprintf(stderr, "greyline connect: %s\n", why);
	if (rc == 0)
		settings_log(c->cfg);
	return rc;
}

void client_config_renew(struct client_config *c)
{
	if (!c->new_password)
		return;
	forget(&c->password);
	c->password = c->new_password;
	c->new_password = NULL;
	c->session.link.password = c->password;
	c->session.link.new_password = NULL;
}

void client_config_done(struct client_config *c)
{
	forget(&c->password);
	forget(&c->new_password);
	tls_context_free(c->tls.context);
	cfg_free(c->cfg);
}
