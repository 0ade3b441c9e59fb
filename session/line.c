/* What all lines share: see line.h. */
#include "session/line.h"

const char *line_cause_text(uint16_t cause)
{
	static const struct {
		enum line_cause cause;
		const char *text;
	} causes[] = {
		{ LINE_CAUSE_UNASSIGNED, "unassigned number" },
		{ LINE_CAUSE_CLEARING, "normal call clearing" },
		{ LINE_CAUSE_BUSY, "user busy" },
		{ LINE_CAUSE_NO_RESPONSE, "no user responding" },
		{ LINE_CAUSE_NO_ANSWER, "no answer from the user" },
		{ LINE_CAUSE_REJECTED, "call rejected" },
		{ LINE_CAUSE_OUT_OF_ORDER, "destination out of order" },
		{ LINE_CAUSE_NO_CHANNEL, "no circuit or channel available" },
		{ LINE_CAUSE_NETWORK, "network out of order" },
	};

	for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]); i++) {
		if (causes[i].cause == cause)
			return causes[i].text;
	}
	return "";
}
