/* Keys about calls: see settings_call.h. */
#include "session/settings_call.h"

#include "lib/control/message.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#define NUMBER_MAX 64 /* RFC 2637 sections 2.7 and 2.9 */

struct word {
	const char *text;
	uint32_t value;
};

static int find(const struct word *words, size_t n, const char *text, uint32_t *out)
{
	for (size_t i = 0; i < n; i++) {
		if (strcasecmp(words[i].text, text) != 0)
			continue;
		*out = words[i].value;
		return 0;
	}
	return -EINVAL;
}

int settings_flow(const char *text, enum gre_flow *flow)
{
	static const struct word words[] = {
		{ "advisory", GRE_FLOW_ADVISORY },
		{ "strict", GRE_FLOW_STRICT },
		{ "off", GRE_FLOW_OFF },
	};
	uint32_t value = 0;

	if (find(words, 3, text, &value) < 0)
		return -EINVAL;
	*flow = (enum gre_flow)value;
	return 0;
}

int settings_bearer(const char *text, uint32_t *bearer)
{
	static const struct word words[] = {
		{ "any", CONTROL_BEARER_ANY },
		{ "analog", CONTROL_BEARER_ANALOG },
		{ "digital", CONTROL_BEARER_DIGITAL },
	};

	return find(words, 3, text, bearer);
}

int settings_framing(const char *text, uint32_t *framing)
{
	static const struct word words[] = {
		{ "any", CONTROL_FRAMING_ANY },
		{ "async", CONTROL_FRAMING_ASYNC },
		{ "sync", CONTROL_FRAMING_SYNC },
	};

	return find(words, 3, text, framing);
}

static const char *last_string(cfg_opt_t *opt)
{
	return cfg_opt_getnstr(opt, cfg_opt_size(opt) - 1);
}

int settings_check_flow(cfg_t *cfg, cfg_opt_t *opt)
{
	enum gre_flow flow;

	if (settings_flow(last_string(opt), &flow) == 0)
		return 0;
	cfg_error(
		cfg, "%s: \"%s\" is not one of advisory, strict, off", opt->name, last_string(opt));
	return -1;
}

int settings_check_bearer(cfg_t *cfg, cfg_opt_t *opt)
{
	uint32_t bearer;

	if (settings_bearer(last_string(opt), &bearer) == 0)
		return 0;
	cfg_error(
		cfg, "%s: \"%s\" is not one of any, analog, digital", opt->name, last_string(opt));
	return -1;
}

int settings_check_framing(cfg_t *cfg, cfg_opt_t *opt)
{
	uint32_t framing;

	if (settings_framing(last_string(opt), &framing) == 0)
		return 0;
	cfg_error(cfg, "%s: \"%s\" is not one of any, async, sync", opt->name, last_string(opt));
	return -1;
}

int settings_check_number(cfg_t *cfg, cfg_opt_t *opt)
{
	size_t len = strlen(last_string(opt));

	if (len <= NUMBER_MAX)
		return 0;
	cfg_error(cfg, "%s: it has %zu octets, and PPTP takes at most %d", opt->name, len,
		NUMBER_MAX);
	return -1;
}

static int check_range(cfg_t *cfg, cfg_opt_t *opt, long min, long max, const char *unit)
{
	long v = cfg_opt_getnint(opt, 0);

	if (v >= min && v <= max)
		return 0;
	cfg_error(cfg, "%s: %ld is out of range (%s, %ld to %ld)", opt->name, v, unit, min, max);
	return -1;
}

int settings_check_speed(cfg_t *cfg, cfg_opt_t *opt)
{
	return check_range(cfg, opt, 1, 2000000000, "bits/s");
}

int settings_check_delay(cfg_t *cfg, cfg_opt_t *opt)
{
	return check_range(cfg, opt, 0, 65535, "tenths of a second");
}

int settings_check_channels(cfg_t *cfg, cfg_opt_t *opt)
{
	return check_range(cfg, opt, 0, 65535, "calls; 0: no limit");
}
