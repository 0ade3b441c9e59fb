/*
 * The last words of a process that dies of a fault: one line in the log that says which thread had it, by
 * which signal, and what to do; then the signal takes its course, so whoever started greyline sees that
 * status, and there is a core file where one is wanted (system/secrets.h).
 */
#pragma once

#include <stdbool.h>

/*
 * For SIGSEGV, SIGBUS, SIGILL, SIGFPE and SIGABRT, of any thread that does not block them, from now on. What
 * somebody else did upon them (a sanitizer's report) is still done, afterwards. A thread's name is what
 * tells it apart ("greyline-w1" is worker 1). A thread whose stack has overflowed has no place left for
 * words: of it there is only the signal.
 */
void crash_watch(void);

/* Whether there may be a core file, for the line to say how one is had. Before threads are started. */
void crash_cores(bool allowed);
