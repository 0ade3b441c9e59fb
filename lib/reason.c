/* The table of end reasons: see reason.h. */
#include "lib/reason.h"

static const struct {
	const char *name;
	const char *text;
	enum pptp_reason_class class;
} reasons[PPTP_REASON_COUNT] = {
#define X(id, token, cls, words) [PPTP_##id] = { token, words, PPTP_CLASS_##cls },
	PPTP_REASONS(X)
#undef X
};

static unsigned int index_of(enum pptp_reason reason)
{
	return (unsigned int)reason < PPTP_REASON_COUNT ? (unsigned int)reason : PPTP_SYSTEM;
}

const char *pptp_reason_text(enum pptp_reason reason)
{
	return reasons[index_of(reason)].text;
}

const char *pptp_reason_name(enum pptp_reason reason)
{
	return reasons[index_of(reason)].name;
}

enum pptp_reason_class pptp_reason_class(enum pptp_reason reason)
{
	return reasons[index_of(reason)].class;
}
