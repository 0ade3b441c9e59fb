/*
 * Nothing of our memory gets out: see secrets.h.
 *
 * One switch for the whole process instead of marks on single pages (MADV_DONTDUMP): keys and
 * passwords pass through the stack, the heap and the libraries' buffers as well. Nor is a mark
 * needed for forks (MADV_WIPEONFORK): ours execute another program at once.
 */
#include "system/secrets.h"

#include "system/log.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

void secrets_protect(void)
{
	struct rlimit none = { 0, 0 };

	/* The limit alone does not hold where core_pattern is a program: that gets its pipe. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || setrlimit(RLIMIT_CORE, &none) < 0)
		log_warning(
			"core files of this process could not be forbidden: %s", strerror(errno));
}
