/* What `greyline doctor` prints as it goes: lines for people, or one JSON object a line. */
#pragma once

#include "tools/doctor/finding.h"

enum step_mark {
	STEP_OK,   /* as it should be */
	STEP_NOTE, /* for information */
	STEP_BAD,  /* there is a finding to it */
};

struct doctor_output {
	bool json;
};

/* One line: `step` is a word ("tcp"), stable for scripts. */
__attribute__((format(printf, 4, 5))) void output_step(const struct doctor_output *o,
	enum step_mark mark, const char *step, const char *format, ...);
/* Findings, in the order of the list. */
void output_findings(const struct doctor_output *o, const struct findings *f);
/* The last line: how many findings, and the first of them; `well` if there are none. */
void output_verdict(const struct doctor_output *o, const struct findings *f, const char *well);
/* Takes `object` over: a line of JSON with its "event". */
void output_event(const char *event, json_t *object);
