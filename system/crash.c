/*
 * Last words: see crash.h.
 *
 * All in here that runs upon a signal is async-signal-safe: no locks, no heap, no stdio; what the process
 * has in its memory may be broken, and a thread may have died in malloc().
 */
#include "system/crash.h"

#include "system/log.h"

#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NAME_MAX_THREAD 16 /* the kernel's, with its NUL */
#define WORKER_NAME     "greyline-w"

static const struct fault {
	int number;
	const char *what;
} faults[] = {
	{ SIGSEGV, "SIGSEGV (memory that is not there)" },
	{ SIGBUS, "SIGBUS (memory that could not be had)" },
	{ SIGILL, "SIGILL (an instruction that this CPU does not have)" },
	{ SIGFPE, "SIGFPE (a division that has no result)" },
	{ SIGABRT, "SIGABRT (it found itself in a state that cannot be)" },
};

#define FAULTS (sizeof(faults) / sizeof(faults[0]))

static struct sigaction before[FAULTS];
static volatile sig_atomic_t cores_allowed;

static void append(char *line, size_t size, const char *text)
{
	size_t used = strlen(line), len = strlen(text);

	if (used + len >= size)
		len = size - 1 - used;
	memcpy(line + used, text, len);
	line[used + len] = '\0';
}

/* Who has it: a worker, by its name, the first thread, or another one. */
static void append_thread(char *line, size_t size)
{
	char name[NAME_MAX_THREAD + 1] = "";

	if (syscall(SYS_gettid) == getpid()) {
		append(line, size, "the control thread");
		return;
	}
	(void)prctl(PR_GET_NAME, name, 0, 0, 0);
	if (strncmp(name, WORKER_NAME, strlen(WORKER_NAME)) == 0) {
		append(line, size, "worker ");
		append(line, size, name + strlen(WORKER_NAME));
	} else {
		append(line, size, "the thread ");
		append(line, size, name);
	}
}

static void say(const struct fault *fault, bool sent)
{
	char line[512] = "";

	append_thread(line, sizeof(line));
	append(line, sizeof(line), " died of ");
	append(line, sizeof(line), fault->what);
	if (sent)
		append(line, sizeof(line), ", which was sent to it");
	append(line, sizeof(line),
		", and greyline ends with it. Start it again: that removes what is left of this "
		"one "
		"(device, routes, firewall rules). ");
	append(line, sizeof(line),
		cores_allowed ? "There may be a core file (core-files = true): keys and passwords "
				"are in it"
			      : "There is no core file, since keys and passwords would be in it; "
				"core-files = true allows one");
	log_last_words(line);
}

static void on_fault(int number, siginfo_t *info, void *context)
{
	bool sent = info->si_code <= 0; /* by kill(2) or abort(3), not by the kernel */
	bool aborted = number == SIGABRT && sent && info->si_pid == getpid();
	size_t i = 0;

	(void)context;
	while (i < FAULTS - 1 && faults[i].number != number)
		i++;
	say(&faults[i], sent && !aborted);
	sigaction(number, &before[i], NULL);
	/*
	 * At the return from here the signal, blocked until then, takes its course, in this thread and where
	 * it was. A sanitizer is to see the fault itself, which then occurs once more.
	 */
	if (sent || before[i].sa_handler == SIG_DFL)
		(void)raise(number);
}

void crash_watch(void)
{
	struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };

	sigfillset(&action.sa_mask);
	for (size_t i = 0; i < FAULTS; i++)
		(void)sigaction(faults[i].number, &action, &before[i]);
}

void crash_cores(bool allowed)
{
	cores_allowed = allowed;
}
