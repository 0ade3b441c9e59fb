/*
 * Nothing of our memory gets out: see secrets.h.
 *
 * One switch for the whole process instead of marks on single pages (MADV_DONTDUMP): keys and
 * passwords pass through the stack, the heap and the libraries' buffers as well. Nor is a mark
 * needed for forks (MADV_WIPEONFORK): ours execute another program at once.
 */
#include "system/secrets.h"

#include "system/crash.h"
#include "system/log.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

static void forbidden(int failed)
{
	if (failed)
		log_warning(
			"core files of this process could not be forbidden: %s", strerror(errno));
}

void secrets_protect(void)
{
	struct rlimit limit;
	int failed = getrlimit(RLIMIT_CORE, &limit) < 0;

	/* The limit alone does not hold where core_pattern is a program: that gets its pipe. The hard limit
	 * stays for now, since not everybody could raise it again. */
	limit.rlim_cur = 0;
	forbidden(failed || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ||
		  setrlimit(RLIMIT_CORE, &limit) < 0);
}

static void allow_cores(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_CORE, &limit) < 0 || limit.rlim_max == 0) {
		log_warning("core-files = true: whoever started greyline allows it no core files "
			    "(ulimit -Hc, or LimitCORE= of the service)");
		return;
	}
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_CORE, &limit) < 0 || prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0) {
		log_warning("core-files = true: %s", strerror(errno));
		return;
	}
	crash_cores(true);
	log_warning("core-files = true: when greyline crashes, the passwords and keys of all users "
		    "are written to disk");
}

void secrets_decide(bool allow)
{
	struct rlimit none = { 0, 0 };

	if (allow)
		allow_cores();
	else
		forbidden(setrlimit(RLIMIT_CORE, &none) < 0);
}
