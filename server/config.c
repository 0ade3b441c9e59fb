/* The server's configuration: see config.h. Keys are documented in packaging/greyline.conf and
 * greyline(1). */
#include "server/config.h"

#include "server/config_keys.h"
#include "server/config_limits.h"
#include "server/ipv6.h"
#include "server/passwords.h"
#include "server/users.h"
#include "session/arguments.h"
#include "session/defaults.h"
#include "session/settings_call.h"
#include "session/settings_rate.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECOND        1000000ull
#define MPPE_OVERHEAD 4 /* its header, and the protocol number that it encrypts */

static const char usage[] =
	"usage: greyline server [-c FILE] [--listen ADDR]... [--user NAME:PASSWORD]... [--pool "
	"CIDR] [--local ADDR]\n"
	"                       [--dev NAME] [--set KEY=VALUE]... [--control PATH] [--log-format "
	"text|json]\n"
	"\n"
	"Accepts PPTP calls on TCP port 1723. PPTP's encryption can be broken by anybody who "
	"records the traffic.\n"
	"\n"
	"  -c, --config FILE       read the configuration file\n"
	"      --listen ADDR       address to accept calls at (default all; may be given several "
	"times)\n"
	"      --user NAME:PASSWORD  an account (others can see your arguments: better in the "
	"file)\n"
	"      --pool CIDR         addresses for clients (default 10.64.0.0/24)\n"
	"      --local ADDR        this end's address in the tunnel (default the pool's first)\n"
	"      --dev NAME          name of the TUN device (default grey%d)\n"
	"      --set KEY=VALUE     any key of the configuration file\n"
	"      --control PATH      control socket (default /run/greyline/server.sock)\n"
	"      --log-format F      text or json\n"
	"      --debug             log every message\n"
	"  -h, --help\n";

static int add_pools(struct server_config *c, char *why)
{
	for (unsigned int i = 0; i < cfg_size(c->cfg, "pool"); i++) {
		const char *text = cfg_getnstr(c->cfg, "pool", i);
		struct in_addr prefix;
		unsigned int len;
		int rc;

		(void)settings_cidr(text, &prefix, &len);
		rc = settings_is_host(prefix) ? address_pool_add(&c->pool, prefix, len) : -EINVAL;
		if (rc == 0)
			continue;
		snprintf(why, SYSTEM_WHY, "pool: %s %s", text,
			rc == -EEXIST   ? "overlaps another range"
			: rc == -EINVAL ? "has no addresses for hosts"
			: rc == -ENOMEM
				? "is too large for the memory there is"
				: "is too large (at most 16 ranges with 1048576 addresses in all)");
		return -1;
	}
	if (cfg_getstr(c->cfg, "local"))
		(void)settings_ipv4(cfg_getstr(c->cfg, "local"), &c->local);
	else if (!address_pool_first(&c->pool, &c->local)) {
		snprintf(why, SYSTEM_WHY,
			"pool: give at least one range, like pool = {\"10.64.0.0/24\"}");
		return -1;
	}
	address_pool_reserve(&c->pool, c->local);
	return 0;
}

static int add_pools6(struct server_config *c, char *why)
{
	for (unsigned int i = 0; i < cfg_size(c->cfg, "pool6"); i++) {
		const char *text = cfg_getnstr(c->cfg, "pool6", i);
		struct in6_addr prefix;
		unsigned int len;
		int rc;

		(void)settings_cidr6(text, &prefix, &len);
		rc = prefix_pool_add(&c->pool6, prefix.s6_addr, len);
		if (rc == 0)
			continue;
		snprintf(why, SYSTEM_WHY, "pool6: %s %s", text,
			rc == -EEXIST   ? "overlaps another range"
			: rc == -EINVAL ? "is longer than the /64 that each session gets"
			: rc == -ENOMEM ? "is too large for the memory there is"
					: "is one too many (at most 16 ranges)");
		return -1;
	}
	if (c->pool6.size == 1) {
		snprintf(why, SYSTEM_WHY,
			"pool6: one /64 is not enough: the first is this end's, and each session "
			"gets one");
		return -1;
	}
	(void)prefix_pool_local(&c->pool6, c->local6.s6_addr);
	return 0;
}

/* On where there are prefixes to give, unless it is said otherwise. */
static int set_ipv6(struct server_config *c, char *why)
{
	const char *text = cfg_getstr(c->cfg, "ipv6");
	struct ppp_link_config *l = &c->session.link;

	if (add_pools6(c, why) < 0)
		return -1;
	l->ipv6 = c->pool6.size ? PPP_IPV6_ON : PPP_IPV6_OFF;
	if (text)
		(void)settings_ipv6(text, &l->ipv6);
	memcpy(l->identifier, server_identifier, sizeof(l->identifier));
	c->dns6_count = cfg_size(c->cfg, "dns6");
	if (c->dns6_count > ND_DNS_MAX) {
		snprintf(why, SYSTEM_WHY, "dns6: at most %d addresses", ND_DNS_MAX);
		return -1;
	}
	for (unsigned int i = 0; i < c->dns6_count; i++)
		(void)inet_pton(AF_INET6, cfg_getnstr(c->cfg, "dns6", i), c->dns6[i]);
	if (l->ipv6 != PPP_IPV6_OFF && c->mtu < SETTINGS_IPV6_MTU) {
		snprintf(why, SYSTEM_WHY, "mru: IPv6 needs at least %d",
			SETTINGS_IPV6_MTU + MPPE_OVERHEAD);
		return -1;
	}
	return 0;
}

static void addresses(cfg_t *cfg, const char *key, uint32_t out[2])
{
	for (unsigned int i = 0; i < cfg_size(cfg, key) && i < 2; i++) {
		struct in_addr addr;

		(void)settings_ipv4(cfg_getnstr(cfg, key, i), &addr);
		out[i] = addr.s_addr;
	}
}

static uint64_t seconds(cfg_t *cfg, const char *key)
{
	return (uint64_t)cfg_getint(cfg, key) * SECOND;
}

static unsigned int count(cfg_t *cfg, const char *key)
{
	return (unsigned int)cfg_getint(cfg, key);
}

static void set_protocol(struct server_config *c)
{
	struct ppp_link_config *l = &c->session.link;
	struct rate_change limits;

	session_defaults(PPP_SERVER, &c->control, &c->session);
	snprintf(c->control.host_name, sizeof(c->control.host_name), "%s",
		cfg_getstr(c->cfg, "name"));
	c->control.max_channels = (uint16_t)count(c->cfg, "max-channels");
	c->control.start_timeout = seconds(c->cfg, "start-timeout");
	c->control.reply_timeout = seconds(c->cfg, "reply-timeout");
	c->control.echo_interval = seconds(c->cfg, "control-echo-interval");
	/* A connection without a call costs its owner nothing, and us a descriptor. */
	c->control.idle_timeout = seconds(c->cfg, "idle-timeout");
	l->mru = (uint16_t)count(c->cfg, "mru");
	l->name = cfg_getstr(c->cfg, "name");
	(void)settings_mppe(cfg_getstr(c->cfg, "mppe"), &l->mppe);
	settings_compression(c->cfg, &l->compress);
	l->vj = cfg_getbool(c->cfg, "vj");
	l->cbcp = cfg_getbool(c->cfg, "cbcp");
	l->identification = cfg_getbool(c->cfg, "identify") ? "greyline " GREYLINE_VERSION : NULL;
	l->session_time = seconds(c->cfg, "session-timeout");
	l->echo_interval = seconds(c->cfg, "echo-interval");
	l->echo_failures = count(c->cfg, "echo-failures");
	l->setup_timeout = seconds(c->cfg, "setup-timeout");
	l->reauthenticate = seconds(c->cfg, "reauthenticate");
	c->session.window = (uint16_t)count(c->cfg, "window");
	(void)settings_flow(cfg_getstr(c->cfg, "flow-control"), &c->session.flow);
	c->session.ack_timeout_max = seconds(c->cfg, "max-ack-timeout");
	settings_rate_read(c->cfg, &limits);
	settings_rate_apply(&c->session.limits, &limits);
}

static int check_listen(const struct server_config *c, char *why)
{
	for (unsigned int i = 0; i < c->listen_count; i++) {
		for (unsigned int j = 0; j < c->listen_count; j++) {
			in_addr_t a = c->listen[i].sin_addr.s_addr;

			if (i == j || (a != INADDR_ANY && a != c->listen[j].sin_addr.s_addr))
				continue;
			snprintf(why, SYSTEM_WHY, "listen: %s",
				a == INADDR_ANY ? "0.0.0.0 means all addresses: it must stand alone"
						: "an address is given twice");
			return -1;
		}
	}
	return 0;
}

static void set_control(const struct server_config *c, struct peer *peer)
{
	peer->control = c->control;
	peer->control.idle_timeout = peer->idle_timeout;
}

/* What holds where no peer section says otherwise. */
static int set_peers(struct server_config *c, char *why)
{
	struct peer everybody = {
		.allow = true,
		.incoming_calls = c->incoming_calls,
		.check_source = c->check_source,
		.flow = c->session.flow,
		.idle_timeout = c->control.idle_timeout,
	};

	if (peers_ready(&c->peers, &everybody, why) < 0)
		return -1;
	set_control(c, &c->peers.everybody);
	for (size_t i = 0; i < c->peers.count; i++)
		set_control(c, &c->peers.list[i]);
	return 0;
}

static bool is_program(const char *path)
{
	struct stat st;

	return *path == '/' && stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
	       access(path, X_OK) == 0;
}

static int set_calls(struct server_config *c, char *why)
{
	cfg_t *cfg = c->cfg;

	c->incoming_calls = cfg_getbool(cfg, "incoming-calls");
	c->hook = cfg_getstr(cfg, "hook");
	if (c->hook && *c->hook && !is_program(c->hook)) {
		snprintf(why, SYSTEM_WHY,
			"hook: %.120s is not the full path of a program that can be run", c->hook);
		return -1;
	}
	return server_lines_read(&c->lines, cfg, why);
}

static int set_auth(struct server_config *c, char *why)
{
	struct ppp_link_config *l = &c->session.link;

	if (settings_tls(c->cfg, NULL, &c->tls, why) < 0)
		return -1;
	settings_peap(c->cfg, &c->tls, l);
	l->tls = c->tls.context ? tls_context_engine(c->tls.context) : NULL;
	return settings_auth(c->cfg, &l->mppe, &c->tls, &l->auth, why);
}

/* Everything that the values together must fulfil, into the struct. */
static int apply(struct server_config *c, char *why)
{
	cfg_t *cfg = c->cfg;

	c->listen_count = cfg_size(cfg, "listen");
	if (c->listen_count == 0 || c->listen_count > LISTEN_MAX) {
		snprintf(why, SYSTEM_WHY, "listen: give 1 to %d addresses", LISTEN_MAX);
		return -1;
	}
	for (unsigned int i = 0; i < c->listen_count; i++) {
		c->listen[i].sin_family = AF_INET;
		c->listen[i].sin_port = htons((uint16_t)cfg_getint(cfg, "port"));
		(void)settings_ipv4(cfg_getnstr(cfg, "listen", i), &c->listen[i].sin_addr);
	}
	if (check_listen(c, why) < 0)
		return -1;
	if (cfg_size(cfg, "dns") > 2 || cfg_size(cfg, "wins") > 2) {
		snprintf(why, SYSTEM_WHY,
			"dns, wins: at most two addresses each (RFC 1877 has no more)");
		return -1;
	}
	if (add_pools(c, why) < 0)
		return -1;
	if (users_addresses(&c->accounts, &c->pool, c->local, why) < 0 ||
		users_networks(&c->accounts, &c->pool, why) < 0)
		return -1;
	addresses(cfg, "dns", c->dns);
	addresses(cfg, "wins", c->wins);
	snprintf(c->dev, sizeof(c->dev), "%s", cfg_getstr(cfg, "dev"));
	c->mtu = count(cfg, "mru");
	c->forward = cfg_getbool(cfg, "forward");
	c->masquerade = cfg_getbool(cfg, "masquerade");
	c->check_source = cfg_getbool(cfg, "check-source");
	c->clamp_mss = cfg_getbool(cfg, "clamp-mss");
	c->offload = cfg_getbool(cfg, "offload");
	(void)datapath_mode(cfg_getstr(cfg, "datapath"), &c->datapath);
	c->interface = cfg_getstr(cfg, "interface");
	c->session.link_info = cfg_getbool(cfg, "set-link-info");
	c->fragment = c->session.fragment = cfg_getbool(cfg, "fragment");
	(void)config_workers(cfg_getstr(cfg, "workers"), &c->workers);
	c->backlog = count(cfg, "backlog");
	config_limits_apply(cfg, &c->limits);
	c->control_path = cfg_getstr(cfg, "control");
	if (set_calls(c, why) < 0)
		return -1;
	set_protocol(c);
	if (set_auth(c, why) < 0)
		return -1;
	/* MPPE's header takes its place in the MRU: so much goes to a client in one piece. */
	if (c->session.link.mppe.policy != PPP_MPPE_OFF)
		c->mtu -= MPPE_OVERHEAD;
	return set_ipv6(c, why) < 0 ? -1 : set_peers(c, why);
}

enum {
	OPT_LISTEN = 256,
	OPT_USER,
	OPT_POOL,
	OPT_LOCAL,
	OPT_DEV,
	OPT_SET,
	OPT_CONTROL,
	OPT_LOG_FORMAT,
	OPT_DEBUG
};

static const struct option options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "listen", required_argument, NULL, OPT_LISTEN },
	{ "user", required_argument, NULL, OPT_USER },
	{ "pool", required_argument, NULL, OPT_POOL },
	{ "local", required_argument, NULL, OPT_LOCAL },
	{ "dev", required_argument, NULL, OPT_DEV },
	{ "set", required_argument, NULL, OPT_SET },
	{ "control", required_argument, NULL, OPT_CONTROL },
	{ "log-format", required_argument, NULL, OPT_LOG_FORMAT },
	{ "debug", no_argument, NULL, OPT_DEBUG },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

static const struct argument arguments[] = {
	{ OPT_LISTEN, "--listen", "listen", NULL, true },
	{ OPT_POOL, "--pool", "pool", NULL, true },
	{ OPT_LOCAL, "--local", "local", NULL, false },
	{ OPT_DEV, "--dev", "dev", NULL, false },
	{ OPT_CONTROL, "--control", "control", NULL, false },
	{ OPT_LOG_FORMAT, "--log-format", "log-format", NULL, false },
	{ OPT_DEBUG, "--debug", "log-level", "debug", false },
};

static int one_option(struct server_config *c, int opt, uint32_t *seen, char *why)
{
	switch (opt) {
	case 'c':
		return 0; /* was read first */
	case OPT_USER:
		return 0; /* comes last */
	case OPT_SET:
		return settings_set(c->cfg, optarg, why);
	default:
		return arguments_put(c->cfg, arguments, sizeof(arguments) / sizeof(arguments[0]),
			opt, seen, "greyline server --help", why);
	}
}

/* Users of the command line, over those of the file. */
static int read_users(struct server_config *c, int argc, char **argv, char *why)
{
	int opt;

	optind = 1;
	while ((opt = getopt_long(argc, argv, ARGUMENTS_OPTIONS, options, NULL)) != -1) {
		if (opt == OPT_USER && users_option(&c->accounts, optarg, why) < 0)
			return -1;
	}
	return 0;
}

/* Of all users, wherever they come from. */
static int set_passwords(struct server_config *c, char *why)
{
	const char *path = c->changed_passwords = cfg_getstr(c->cfg, "changed-passwords");

	if (path && *path && ppp_auth_judge_needs_password(&c->session.link.auth)) {
		snprintf(why, SYSTEM_WHY,
			"auth, changed-passwords: of changed passwords only hashes are kept, which "
			"chap-md5 and eap-md5 cannot use: take these out of auth");
		return -1;
	}
	if (path && *path)
		return passwords_load(path, &c->accounts, why);
	for (const struct account *a = c->accounts.newest; a; a = a->older) {
		if (!a->must_change)
			continue;
		snprintf(why, SYSTEM_WHY,
			"user \"%.64s\": must-change needs a file for new passwords, like "
			"changed-passwords = \"/var/lib/greyline/passwords\"",
			a->name);
		return -1;
	}
	return 0;
}

static int parse(struct server_config *c, int argc, char **argv, char *why)
{
	uint32_t seen = 0;
	int opt, rc = arguments_file(c->cfg, argc, argv, options, usage, why);

	if (rc)
		return rc;
	while ((opt = getopt_long(argc, argv, ARGUMENTS_OPTIONS, options, NULL)) != -1) {
		if (one_option(c, opt, &seen, why) < 0)
			return -1;
	}
	if (optind < argc) {
		snprintf(why, SYSTEM_WHY, "\"%s\" is not an option; see greyline server --help",
			argv[optind]);
		return -1;
	}
	if (apply(c, why) < 0 || read_users(c, argc, argv, why) < 0 || set_passwords(c, why) < 0)
		return -1;
	if (!ppp_auth_judge_needs_password(&c->session.link.auth))
		accounts_forget_passwords(&c->accounts);
	return 0;
}

int server_config_parse(struct server_config *c, int argc, char **argv)
{
	char why[SYSTEM_WHY] = "";
	int rc;

	memset(c, 0, sizeof(*c));
	address_pool_init(&c->pool);
	prefix_pool_init(&c->pool6);
	accounts_init(&c->accounts);
	users_into(&c->accounts);
	peers_into(&c->peers);
	c->cfg = config_keys();
	rc = parse(c, argc, argv, why);
	if (rc < 0)
		fprintf(stderr, "greyline server: %s\n", why);
	if (rc == 0)
		settings_log(c->cfg);
	return rc;
}

void server_config_done(struct server_config *c)
{
	address_pool_done(&c->pool);
	prefix_pool_done(&c->pool6);
	accounts_done(&c->accounts);
	server_lines_config_done(&c->lines);
	peers_done(&c->peers);
	tls_context_free(c->tls.context);
	cfg_free(c->cfg);
}
