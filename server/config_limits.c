/* Keys of the limits: see config_limits.h. */
#include "server/config_limits.h"

#include "session/settings.h"

#include <string.h>

static int check_number(cfg_t *cfg, cfg_opt_t *opt)
{
	static const struct settings_range ranges[] = {
		{ "backlog", 1, 65535 }, { "start-timeout", 1, 60 }, { "reply-timeout", 1, 3600 },
		{ "control-echo-interval", 1, 3600 }, { "idle-timeout", 0, 86400 },
		{ "max-half-open-per-address", 1, LIMITS_CLASS_MAX },
		{ "max-pending-per-address", 1, LIMITS_CLASS_MAX },
		{ NULL, 1, 1000000 }, /* the others */
	};

	return settings_in_range(cfg, opt, ranges, sizeof(ranges) / sizeof(ranges[0]));
}

static int check_rate(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *v = cfg_opt_getnstr(opt, 0);
	struct limits_rate rate;

	if (limits_rate_parse(v, &rate) == 0)
		return 0;
	cfg_error(cfg, "%s: \"%s\" is not a rate (write 10/s, 600/min or off)", opt->name, v);
	return -1;
}

void config_limits_checks(cfg_t *cfg)
{
	cfg_opt_t keys[] = { CONFIG_LIMITS_KEYS, CFG_END() };

	for (cfg_opt_t *o = keys; o->name; o++)
		cfg_set_validate_func(
			cfg, o->name, o->type == CFGT_INT ? check_number : check_rate);
}

static struct limits_max max(cfg_t *cfg, const char *all, const char *per_address)
{
	return (struct limits_max){ (unsigned int)cfg_getint(cfg, all),
		(unsigned int)cfg_getint(cfg, per_address) };
}

void config_limits_apply(cfg_t *cfg, struct limits_config *limits)
{
	memset(limits, 0, sizeof(*limits));
	limits->connections = max(cfg, "max-connections", "max-connections-per-address");
	limits->sessions = max(cfg, "max-sessions", "max-sessions-per-address");
	limits->unauthenticated =
		max(cfg, "max-unauthenticated-calls", "max-unauthenticated-calls-per-address");
	limits->waiting[LIMITS_HALF_OPEN] = max(cfg, "max-half-open", "max-half-open-per-address");
	limits->waiting[LIMITS_PENDING] = max(cfg, "max-pending", "max-pending-per-address");
	(void)limits_rate_parse(cfg_getstr(cfg, "start-rate"), &limits->start);
	(void)limits_rate_parse(
		cfg_getstr(cfg, "start-rate-per-address"), &limits->start_per_address);
	(void)limits_rate_parse(
		cfg_getstr(cfg, "auth-failure-rate-per-address"), &limits->auth_failure);
}
