/* Findings of the doctor in the decoder's report (tools/decode/report.h). */
#pragma once

#include "tools/decode/report.h"
#include "tools/doctor/finding.h"

/* Adds each to the page. */
void doctor_report(struct decode_html *html, const struct findings *f);

/* `greyline doctor CAPTURE`, for `greyline decode --html`. */
extern const struct decode_finder doctor_finder;
