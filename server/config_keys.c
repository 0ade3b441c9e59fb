/* The keys of the server's configuration: see config_keys.h. */
#include "server/config_keys.h"

#include "server/config_limits.h"
#include "server/lines.h"
#include "server/peers.h"
#include "server/users.h"
#include "session/defaults.h"
#include "session/settings_call.h"
#include "session/settings_rate.h"
#include "session/settings_tls.h"

#include <stdlib.h>
#include <string.h>

/* libConfuse takes lists' defaults as writable strings. */
static char default_listen[] = "{\"0.0.0.0\"}";
static char default_pool[] = "{\"10.64.0.0/24\"}";
static char default_empty[] = "{}";
static char default_auth[] = "{\"mschap-v2\", \"eap-mschap-v2\"}";

static cfg_opt_t user_opts[] = {
	CFG_STR("password", NULL, CFGF_NONE),
	CFG_STR("nt-hash", NULL, CFGF_NONE),
	CFG_STR("certificate", NULL, CFGF_NONE),
	CFG_BOOL("must-change", cfg_false, CFGF_NONE),
	CFG_STR("address", NULL, CFGF_NONE),
	CFG_STR_LIST("calling-numbers", NULL, CFGF_NONE),
	CFG_STR_LIST("called-numbers", NULL, CFGF_NONE),
	CFG_STR_LIST("networks", NULL, CFGF_NONE),
	CFG_STR("rate-limit-up", NULL, CFGF_NONE),
	CFG_STR("rate-limit-down", NULL, CFGF_NONE),
	CFG_STR("rate-limit-burst", NULL, CFGF_NONE),
	CFG_END(),
};

static cfg_opt_t tls_opts[] = {
	SETTINGS_TLS_KEYS,
	CFG_STR("crypto-binding", NULL, CFGF_NONE),
	CFG_END(),
};

static cfg_opt_t server_opts[] = {
	CFG_STR_LIST("listen", default_listen, CFGF_NONE),
	CFG_INT("port", CONTROL_PORT, CFGF_NONE),
	CFG_STR("dev", "grey%d", CFGF_NONE),
	CFG_STR_LIST("pool", default_pool, CFGF_NONE),
	CFG_STR("local", NULL, CFGF_NONE),
	CFG_STR_LIST("dns", default_empty, CFGF_NONE),
	CFG_STR_LIST("wins", default_empty, CFGF_NONE),
	CFG_STR("ipv6", NULL, CFGF_NONE),
	CFG_STR_LIST("pool6", default_empty, CFGF_NONE),
	CFG_STR_LIST("dns6", default_empty, CFGF_NONE),
	CFG_SEC("user", user_opts, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
	CFG_STR("mppe", "require-128", CFGF_NONE),
	CFG_STR_LIST("auth", default_auth, CFGF_NONE),
	CFG_SEC("tls", tls_opts, CFGF_NONE),
	CFG_STR_LIST("compression", default_empty, CFGF_NONE),
	CFG_BOOL("vj", cfg_false, CFGF_NONE),
	CFG_BOOL("cbcp", cfg_false, CFGF_NONE),
	CFG_BOOL("identify", cfg_false, CFGF_NONE),
	CFG_STR("name", "greyline", CFGF_NONE),
	CFG_INT("mru", SESSION_MRU, CFGF_NONE),
	CFG_INT("window", SESSION_WINDOW, CFGF_NONE),
	CFG_BOOL("forward", cfg_true, CFGF_NONE),
	CFG_BOOL("masquerade", cfg_false, CFGF_NONE),
	CFG_BOOL("check-source", cfg_true, CFGF_NONE),
	CFG_BOOL("clamp-mss", cfg_true, CFGF_NONE),
	CFG_BOOL("set-link-info", cfg_false, CFGF_NONE),
	CFG_BOOL("fragment", cfg_false, CFGF_NONE),
	CFG_BOOL("offload", cfg_true, CFGF_NONE),
	CFG_STR("workers", "auto", CFGF_NONE),
	CFG_STR("datapath", "raw", CFGF_NONE),
	CFG_STR("interface", NULL, CFGF_NONE),
	CFG_INT("echo-interval", 30, CFGF_NONE),
	CFG_INT("echo-failures", 4, CFGF_NONE),
	CFG_INT("setup-timeout", 60, CFGF_NONE),
	CFG_INT("reauthenticate", 0, CFGF_NONE),
	CFG_STR("changed-passwords", NULL, CFGF_NONE),
	CFG_INT("session-timeout", 0, CFGF_NONE),
	CONFIG_LIMITS_KEYS,
	CFG_STR("flow-control", "advisory", CFGF_NONE),
	CFG_INT("max-ack-timeout", 10, CFGF_NONE),
	CFG_STR("rate-limit-up", "off", CFGF_NONE),
	CFG_STR("rate-limit-down", "off", CFGF_NONE),
	CFG_STR("rate-limit-burst", "auto", CFGF_NONE),
	CFG_INT("max-channels", 0, CFGF_NONE),
	CFG_BOOL("incoming-calls", cfg_true, CFGF_NONE),
	CFG_STR("hook", NULL, CFGF_NONE),
	CFG_SEC("line", server_line_opts, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
	CFG_SEC("peer", peers_opts, CFGF_MULTI | CFGF_TITLE),
	CFG_STR("control", "/run/greyline/server.sock", CFGF_NONE),
	CFG_STR("log-level", "info", CFGF_NONE),
	CFG_STR("log-format", "text", CFGF_NONE),
	CFG_BOOL("core-files", cfg_false, CFGF_NONE),
	CFG_END(),
};

static int check_name(cfg_t *cfg, cfg_opt_t *opt)
{
	size_t len = strlen(cfg_opt_getnstr(opt, 0));

	if (len >= 1 && len <= 63)
		return 0;
	cfg_error(cfg, "name: it must have 1 to 63 octets, not %zu", len);
	return -1;
}

bool config_workers(const char *text, unsigned int *workers)
{
	unsigned long n;
	char *end;

	*workers = 0;
	if (!strcmp(text, "auto"))
		return true;
	n = strtoul(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end || n < 1 || n > DP_WORKERS_MAX)
		return false;
	*workers = (unsigned int)n;
	return true;
}

static int check_workers(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *text = cfg_opt_getnstr(opt, 0);
	unsigned int workers;

	if (config_workers(text, &workers))
		return 0;
	cfg_error(cfg, "workers: \"%s\" is neither auto nor a number from 1 to %d", text,
		DP_WORKERS_MAX);
	return -1;
}

/* Shorter than a proof may take would make no sense; 0 is off. */
static int check_reauthenticate(cfg_t *cfg, cfg_opt_t *opt)
{
	long v = cfg_opt_getnint(opt, 0);

	if (v == 0 || (v >= 5 && v <= 86400))
		return 0;
	cfg_error(cfg, "%s: %ld is out of range (seconds, 5 to 86400; 0: never)", opt->name, v);
	return -1;
}

cfg_t *config_keys(void)
{
	cfg_t *cfg = cfg_init(server_opts, CFGF_NONE);
	static const char *const counts[] = { "port", "window", "echo-failures",
		"session-timeout" };

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		cfg_set_validate_func(cfg, counts[i], settings_check_count);
	cfg_set_validate_func(cfg, "listen", settings_check_ipv4);
	cfg_set_validate_func(cfg, "pool", settings_check_cidr);
	cfg_set_validate_func(cfg, "local", settings_check_host);
	cfg_set_validate_func(cfg, "dns", settings_check_host);
	cfg_set_validate_func(cfg, "wins", settings_check_host);
	cfg_set_validate_func(cfg, "ipv6", settings_check_ipv6);
	cfg_set_validate_func(cfg, "pool6", settings_check_cidr6);
	cfg_set_validate_func(cfg, "dns6", settings_check_host6);
	cfg_set_validate_func(cfg, "user|address", settings_check_host);
	cfg_set_validate_func(cfg, "user|networks", settings_check_cidr);
	cfg_set_validate_func(cfg, "user", users_section);
	cfg_set_validate_func(cfg, "name", check_name);
	cfg_set_validate_func(cfg, "dev", settings_check_dev);
	cfg_set_validate_func(cfg, "datapath", settings_check_datapath);
	cfg_set_validate_func(cfg, "interface", settings_check_dev);
	cfg_set_validate_func(cfg, "mppe", settings_check_mppe);
	cfg_set_validate_func(cfg, "auth", settings_check_auth);
	cfg_set_validate_func(cfg, "tls|min-version", settings_check_tls_version);
	cfg_set_validate_func(cfg, "tls|crypto-binding", settings_check_binding);
	cfg_set_validate_func(cfg, "tls|max-version", settings_check_tls_highest);
	cfg_set_validate_func(cfg, "compression", settings_check_compression);
	cfg_set_validate_func(cfg, "mru", settings_check_mru);
	cfg_set_validate_func(cfg, "workers", check_workers);
	cfg_set_validate_func(cfg, "echo-interval", settings_check_seconds);
	cfg_set_validate_func(cfg, "setup-timeout", settings_check_seconds);
	cfg_set_validate_func(cfg, "reauthenticate", check_reauthenticate);
	cfg_set_validate_func(cfg, "log-level", settings_check_log_level);
	cfg_set_validate_func(cfg, "log-format", settings_check_log_format);
	config_limits_checks(cfg);
	cfg_set_validate_func(cfg, "flow-control", settings_check_flow);
	cfg_set_validate_func(cfg, "max-ack-timeout", settings_check_seconds);
	settings_rate_checks(cfg, "");
	settings_rate_checks(cfg, "user|");
	cfg_set_validate_func(cfg, "max-channels", settings_check_channels);
	cfg_set_validate_func(cfg, "line", server_line_section);
	peers_checks(cfg);
	return cfg;
}
