/* Which sessions a command means: see report_target.h. */
#include "session/report_target.h"

#include "system/log.h"
#include "system/tun.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool report_matches(const struct session *s, const char *target)
{
	char user[CHAP_NAME_MAX + 1];
	struct in_addr addr;
	char *end;
	unsigned long id;

	/* Both as they are shown, and as they were typed. */
	if (!strcmp(target, "all") || !strcmp(target, s->user) ||
		!strcmp(log_escape(user, sizeof(user), target, strlen(target)), s->user))
		return true;
	if (inet_pton(AF_INET, target, &addr) == 1)
		return addr.s_addr == s->peer.s_addr ||
		       (s->net.remote && addr.s_addr == s->net.remote);
	id = strtoul(target, &end, 10);
	return *target && !*end && id == s->id;
}

json_t *report_matched(const char *key, unsigned int n, const char *target, char *why)
{
	json_t *o;

	if (!n && strcmp(target, "all") != 0) {
		snprintf(why, SYSTEM_WHY,
			"no session matches \"%s\" (give an id, a user, an address, or all)",
			target);
		return NULL;
	}
	o = json_object();
	json_object_set_new(o, key, json_integer((json_int_t)n));
	return o;
}
