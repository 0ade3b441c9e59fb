/* Keys about limits of the data rate: see settings_rate.h. */
#include "session/settings_rate.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

const char settings_rate_right[] =
	"write bits a second, like 512k, 10M or 1G (8k to 1000G), or off";
const char settings_burst_right[] = "write octets, like 64k (3000 to 1000M), or auto";

void settings_rate_apply(struct rate_limits *limits, const struct rate_change *change)
{
	if (change->has_up)
		limits->up.rate = change->up;
	if (change->has_down)
		limits->down.rate = change->down;
	if (change->has_burst)
		limits->up.burst = limits->down.burst = change->burst;
}

static uint64_t factor(char unit)
{
	switch (unit) {
	case '\0':
		return 1;
	case 'k':
	case 'K':
		return 1000;
	case 'm':
	case 'M':
		return 1000000;
	case 'g':
	case 'G':
		return 1000000000;
	default:
		return 0;
	}
}

/* Digits and a unit, nothing else. */
static int number(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
	size_t digits = strspn(text, "0123456789");
	uint64_t value = 0, by;

	if (digits < 1 || digits > 15 || (text[digits] && text[digits + 1]))
		return -EINVAL;
	for (size_t i = 0; i < digits; i++)
		value = value * 10 + (uint64_t)(text[i] - '0');
	by = factor(text[digits]);
	if (!by || value > max / by || value * by < min)
		return -EINVAL;
	*out = value * by;
	return 0;
}

int settings_rate(const char *text, uint64_t *rate)
{
	if (text && strcasecmp(text, "off") == 0) {
		*rate = 0;
		return 0;
	}
	return text ? number(text, BUCKET_RATE_MIN, BUCKET_RATE_MAX, rate) : -EINVAL;
}

int settings_burst(const char *text, uint64_t *burst)
{
	if (text && strcasecmp(text, "auto") == 0) {
		*burst = 0;
		return 0;
	}
	return text ? number(text, BUCKET_BURST_MIN, BUCKET_BURST_MAX, burst) : -EINVAL;
}

static const char *last_string(cfg_opt_t *opt)
{
	return cfg_opt_getnstr(opt, cfg_opt_size(opt) - 1);
}

static int check_rate(cfg_t *cfg, cfg_opt_t *opt)
{
	uint64_t rate;

	if (settings_rate(last_string(opt), &rate) == 0)
		return 0;
	cfg_error(cfg, "%s: \"%.40s\" is not a rate (%s)", opt->name, last_string(opt),
		settings_rate_right);
	return -1;
}

static int check_burst(cfg_t *cfg, cfg_opt_t *opt)
{
	uint64_t burst;

	if (settings_burst(last_string(opt), &burst) == 0)
		return 0;
	cfg_error(cfg, "%s: \"%.40s\" is not a size (%s)", opt->name, last_string(opt),
		settings_burst_right);
	return -1;
}

void settings_rate_checks(cfg_t *cfg, const char *section)
{
	static const struct {
		const char *key;
		cfg_validate_callback_t check;
	} checks[] = {
		{ "rate-limit-up", check_rate },
		{ "rate-limit-down", check_rate },
		{ "rate-limit-burst", check_burst },
	};
	char name[64];

	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		snprintf(name, sizeof(name), "%s%s", section, checks[i].key);
		cfg_set_validate_func(cfg, name, checks[i].check);
	}
}

void settings_rate_read(cfg_t *cfg, struct rate_change *change)
{
	change->has_up = settings_rate(cfg_getstr(cfg, "rate-limit-up"), &change->up) == 0;
	change->has_down = settings_rate(cfg_getstr(cfg, "rate-limit-down"), &change->down) == 0;
	change->has_burst =
		settings_burst(cfg_getstr(cfg, "rate-limit-burst"), &change->burst) == 0;
}
