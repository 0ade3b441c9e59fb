/* Limits of the data rate, reported and changed: see report_limit.h. */
#include "session/report_limit.h"

#include "session/report_target.h"
#include "system/log.h"
#include "system/tun.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static json_t *number(uint64_t v)
{
	return json_integer((json_int_t)v);
}

static json_t *rate(const struct bucket_limit *limit)
{
	return limit->rate ? number(limit->rate) : json_null();
}

static json_t *burst(const struct bucket_limit *limit)
{
	if (!limit->rate)
		return json_null();
	return number(limit->burst ? limit->burst : bucket_burst(limit->rate));
}

void report_limit_add(json_t *o, const struct session *s)
{
	struct dp_limited up, down;

	session_limited(s, &up, &down);
	json_object_set_new(o, "rate_limit_up", rate(&s->limits.up));
	json_object_set_new(o, "rate_limit_down", rate(&s->limits.down));
	json_object_set_new(o, "rate_limit_up_burst", burst(&s->limits.up));
	json_object_set_new(o, "rate_limit_down_burst", burst(&s->limits.down));
	json_object_set_new(o, "rate_limited_up", number(up.packets));
	json_object_set_new(o, "rate_limited_up_bytes", number(up.bytes));
	json_object_set_new(o, "rate_limited_down", number(down.packets));
	json_object_set_new(o, "rate_limited_down_bytes", number(down.bytes));
}

/* One word of the command, if it is there. */
static int read_word(const json_t *request, const char *key,
	int (*parse)(const char *text, uint64_t *value), const char *right, bool *has,
	uint64_t *value, char *why)
{
	const json_t *word = json_object_get(request, key);

	*has = word != NULL;
	if (!word || parse(json_string_value(word), value) == 0)
		return 0;
	snprintf(why, SYSTEM_WHY, "%s: \"%.40s\" is not right (%s)", key,
		json_string_value(word) ? json_string_value(word) : "", right);
	return -1;
}

static int read_change(const json_t *request, struct rate_change *c, char *why)
{
	if (read_word(request, "up", settings_rate, settings_rate_right, &c->has_up, &c->up, why) <
			0 ||
		read_word(request, "down", settings_rate, settings_rate_right, &c->has_down,
			&c->down, why) < 0 ||
		read_word(request, "burst", settings_burst, settings_burst_right, &c->has_burst,
			&c->burst, why) < 0)
		return -1;
	if (c->has_up || c->has_down || c->has_burst)
		return 0;
	snprintf(why, SYSTEM_WHY, "limit needs at least one of up=RATE, down=RATE, burst=OCTETS");
	return -1;
}

static void log_limits(const struct session *s)
{
	char up[32] = "off", down[32] = "off";

	if (s->limits.up.rate)
		snprintf(up, sizeof(up), "%" PRIu64 " bit/s", s->limits.up.rate);
	if (s->limits.down.rate)
		snprintf(down, sizeof(down), "%" PRIu64 " bit/s", s->limits.down.rate);
	log_about(LOG_INFO, s->subject, "rate limit changed: up %s, down %s", up, down);
}

json_t *report_limit(struct hub *h, const json_t *request, char *why)
{
	const char *target = json_string_value(json_object_get(request, "target"));
	struct rate_change change = { 0 };
	unsigned int n = 0;

	if (!target || !*target) {
		snprintf(
			why, SYSTEM_WHY, "limit needs a target: an id, a user, an address, or all");
		return NULL;
	}
	if (read_change(request, &change, why) < 0)
		return NULL;
	for (struct session *s = h->sessions; s; s = s->next) {
		struct rate_limits limits = s->limits;

		if (s->ending || s->line->ops->raw || !report_matches(s, target))
			continue;
		settings_rate_apply(&limits, &change);
		if (session_limit(s, &limits) < 0) {
			snprintf(why, SYSTEM_WHY, "out of memory");
			return NULL;
		}
		n++;
		log_limits(s);
	}
	return report_matched("limited", n, target, why);
}
