/* `greyline doctor CAPTURE`: the same questions, asked of a capture. */
#pragma once

#include "tools/doctor/options.h"

/* Is this the name of a capture rather than of a server: "-", or a file? */
bool capture_is(const char *name);

/* Reads o->server to its end, and says what it finds. The exit status; errors are printed. */
int capture_run(const struct doctor_options *o);
