/* Few lines instead of many: see log_limit.h. */
#include "server/log_limit.h"

bool log_limit_pass(struct log_limit *l, unsigned int burst, uint64_t now)
{
	if (now >= l->since + LOG_LIMIT_PERIOD && !l->held) {
		l->since = now;
		l->said = 0;
	}
	if (l->said < burst) {
		l->said++;
		return true;
	}
	l->held++;
	return false;
}

unsigned int log_limit_held(struct log_limit *l, uint64_t now)
{
	unsigned int held = l->held;

	if (!held || now < l->since + LOG_LIMIT_PERIOD)
		return 0;
	l->held = 0;
	l->said = 0;
	l->since = now;
	return held;
}
